"""JSON Schemas of payloads, which tell the Python types too, where JSON has one for several."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from fastdjango_signals.places import name_of

PYTHON_TYPE = "x-python-type"
"""Keyword of a JSON Schema with the Python type, where JSON has none, or one for several."""

PYTHON_KEYS = "x-python-keys"
"""Keyword of a JSON Schema with that of the keys of a dict, where they are no strings."""

# By type of pydantic's own schemas. What is not here, JSON tells apart: by its type or its format.
_TYPES: Mapping[str, str] = {
    "callable": "collections.abc.Callable",
    "complex": "complex",
    "counter": "collections.Counter",
    "dataclass": "dataclass",
    "decimal": "decimal.Decimal",
    "deque": "collections.deque",
    "enum": "enum.Enum",
    "frozendict": "frozendict",
    "frozenset": "frozenset",
    "generator": "collections.abc.Iterable",
    "ordered-dict": "collections.OrderedDict",
    "tuple": "tuple",
    "typed-dict": "typing.TypedDict",
}


class PayloadJsonSchema(GenerateJsonSchema):
    """The JSON Schema of whatever a payload holds, without values."""

    def build_schema_type_to_method(self) -> dict[Any, Callable[[Any], JsonSchemaValue]]:
        """Return what writes each type of schema, with the Python type beside it."""
        methods = super().build_schema_type_to_method()
        return {kind: partial(_with_type, method) for kind, method in methods.items()}

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """Write no default: it may be secret."""
        return self.generate_inner(schema["schema"])

    def dict_schema(self, schema: core_schema.DictSchema) -> JsonSchemaValue:
        """Write the keys too where they are no strings, as those of JSON are."""
        written = super().dict_schema(schema)
        keys = self.generate_inner(schema["keys_schema"]) if "keys_schema" in schema else {}
        if keys.get("type") != "string" and "$ref" not in keys:
            written[PYTHON_KEYS] = keys
        return written

    def lax_or_strict_schema(self, schema: core_schema.LaxOrStrictSchema) -> JsonSchemaValue:
        """Write what a strict payload takes, which is told in fewer types."""
        return self.generate_inner(schema["strict_schema"])

    def handle_invalid_for_json_schema(self, schema: object, error_info: str) -> JsonSchemaValue:
        """Write nothing of what JSON does not have; its Python type stands there."""
        return {}


def _with_type(write: Callable[[Any], JsonSchemaValue], schema: Any) -> JsonSchemaValue:
    found = _python_type(schema)
    return write(schema) if found is None else {**write(schema), PYTHON_TYPE: found}


def _python_type(schema: Any) -> str | None:
    match schema["type"]:
        case "is-instance":
            return name_of(schema["cls"])
        case "is-subclass":
            return f"type[{name_of(schema['cls'])}]"
        case "named-tuple" | "call":  # "call" before pydantic 2.14
            fields = getattr(schema.get("cls") or schema["function"], "_fields", ())
            return f"tuple({', '.join(fields)})"
        case "json-or-python":
            python = schema["python_schema"]
            first = python["steps"][0] if python["type"] == "chain" else python
            return _python_type(first) if first["type"] == "is-instance" else None
        case kind:
            return _TYPES.get(kind)
