"""Which payloads can cross as JSON: asked when a signal is registered, not at its first send."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from pydantic import BaseModel, create_model
from pydantic.errors import PydanticUserError
from pydantic.fields import FieldInfo
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from fastdjango_signals.builtin import Kept
from fastdjango_signals.places import name_of
from fastdjango_signals.relay.exceptions import RelayDefinitionError
from fastdjango_signals.wording import listed

VERSION = "payload_version"
"""Class variable of a payload model that counts its versions; 1 without it."""

_STRUCTURE = (
    "additionalProperties",
    "allOf",
    "anyOf",
    "items",
    "oneOf",
    "prefixItems",
    "properties",
)


class _StrictJsonSchema(GenerateJsonSchema):
    """JSON Schema that has no place for "anything", which need not be JSON."""

    def any_schema(self, schema: core_schema.AnySchema) -> JsonSchemaValue:
        return self.handle_invalid_for_json_schema(schema, "Any, which may be no JSON")

    def json_or_python_schema(self, schema: core_schema.JsonOrPythonSchema) -> JsonSchemaValue:
        # pydantic.JsonValue: anything that JSON has.
        return (
            {} if schema["json_schema"]["type"] == "any" else super().json_or_python_schema(schema)
        )


def version_of(model: type[BaseModel]) -> int:
    """Return the version that a payload model gives itself, as `payload_version: ClassVar[int]`."""
    declared = None if VERSION in model.model_fields else getattr(model, VERSION, 1)
    return declared if isinstance(declared, int) else 1


def refuse_unless_json(model: type[BaseModel], signal: str) -> None:
    """Raise where a payload model could not be written as JSON, and read again.

    Raises:
        RelayDefinitionError: A field is not JSON, is left out of it, or is masked in it; or there
            may be fields beyond those declared.
    """
    problem = _problem(model)
    if problem:
        raise RelayDefinitionError(
            f"Signal {signal} cannot be relayed: {name_of(model)} {problem}", signal=signal
        )


def _problem(model: type[BaseModel]) -> str | None:
    for inner in (model, *_models_in(model)):
        where = "" if inner is model else f"has a model in it, {name_of(inner)}, which "
        if inner.model_config.get("extra") == "allow":
            return f"{where}takes any keywords; declare a model with the fields that cross"
        excluded = [name for name, field in inner.model_fields.items() if _is_excluded(field)]
        if excluded:
            return f"{where}leaves {excluded[0]} out of its JSON; drop exclude"
    kept = [name for name, field in model.model_fields.items() if _is_kept(field)]
    if kept:
        return f"carries {kept[0]} as it is, which is no JSON; declare what crosses"
    try:
        schema = _json_schema(model)
    except PydanticUserError as error:
        culprits = [name for name in model.model_fields if not _is_json(model, name)]
        where = f"has a field {listed(culprits)} that is no JSON" if culprits else "is no JSON"
        return (
            f"{where} ({error.message}); declare what crosses, and pydantic.JsonValue for any JSON"
        )
    secret = _masked(schema)
    return (
        f"has a secret, {secret}, which JSON shows masked; send a reference to it"
        if secret
        else None
    )


def _json_schema(model: type[BaseModel]) -> dict[str, Any]:
    return model.model_json_schema(by_alias=False, schema_generator=_StrictJsonSchema)


def _models_in(model: type[BaseModel]) -> list[type[BaseModel]]:
    """Return the models that the fields of a model are made of, at any depth."""
    found: list[type[BaseModel]] = []

    def look(schema: object) -> None:
        if isinstance(schema, dict):
            known = cast("dict[str, object]", schema)
            inner = known.get("cls") if known.get("type") == "model" else None
            if isinstance(inner, type) and issubclass(inner, BaseModel) and inner is not model:
                found.append(inner)
            for each in known.values():
                look(each)
        elif isinstance(schema, list | tuple):
            for each in cast("Iterable[object]", schema):
                look(each)

    look(model.__pydantic_core_schema__)
    return found


def _is_excluded(field: FieldInfo) -> bool:
    return bool(field.exclude) or getattr(field, "exclude_if", None) is not None


def _is_kept(field: FieldInfo) -> bool:
    return any(isinstance(annotation, Kept) for annotation in field.metadata)


def _is_json(model: type[BaseModel], name: str) -> bool:
    field = model.model_fields[name]
    alone: Any = {name: (field.annotation, field)}
    try:
        _json_schema(create_model(name, __config__=model.model_config, **alone))
    except PydanticUserError:
        return False
    return True


def _masked(schema: object, name: str = "") -> str | None:
    """Return the first property, at any depth, that is only ever written."""
    inner: Iterable[tuple[str, object]] = ()
    if isinstance(schema, list):
        inner = [(name, each) for each in cast("list[object]", schema)]
    elif isinstance(schema, dict):
        known = cast("dict[str, object]", schema)
        if known.get("writeOnly") is True:
            return name
        inner = [(name if key in _STRUCTURE else key, each) for key, each in known.items()]
    return next(filter(None, (_masked(each, where) for where, each in inner)), None)
