"""Two JSON Schemas of one payload, an earlier one and that of now: which changes break.

A change breaks where a send that was valid is refused now, or where a receiver misses a field, or
finds another type in it. Schemas may be as odd as those who write them by hand like: what is not
known here must stay as it is.
"""

from __future__ import annotations

import json
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

from fastdjango_signals.json_schemas import PYTHON_KEYS, PYTHON_TYPE

Schema: TypeAlias = dict[str, Any]

Change: TypeAlias = tuple[str, str, str]
"""The code of a finding, its text and its remedy."""

# What says nothing about the values that are valid. A discriminator only repeats what its members
# say, and names them.
_NOTES = {"title", "description", "default", "deprecated", "example", "examples", "$comment"} | {
    *("$defs", "discriminator", "readOnly", "writeOnly")
}
_UNIONS = ("anyOf", "oneOf")
_OF_FIELDS = ("properties", "required", "additionalProperties")
_MARKS = {"items": "[]", "additionalProperties": "[]", PYTHON_KEYS: "[keys]"}
"""How a path goes on to the types within a type."""


def changes(before: Schema, now: Schema) -> Iterator[Change]:
    """Return what breaks between two versions of a schema, nearest first, and each thing once.

    Each pair of definitions is looked at once, so that it does not matter how often, or in what
    circles, models refer to one another.
    """
    known = _object(before.get("$defs")), _object(now.get("$defs"))
    pending = deque([("", before, now)])
    seen: set[tuple[str, str]] = set()
    while pending:
        path, *pair = pending.popleft()
        if any("$ref" in each for each in pair):
            texts = _text(pair[0]), _text(pair[1])
            if texts in seen:
                continue
            seen.add(texts)
        old, new = (
            _Type.of(_resolved(each, definitions))
            for each, definitions in zip(pair, known, strict=True)
        )
        if old.rules != new.rules:
            subject = f"field {path!r}" if path else "the payload"
            yield (
                "S204",
                f"{subject} has another type: it was {old.text(pair[0])}, "
                f"and is {new.text(pair[1])}",
                "keep the type, and add a field with the new one",
            )
            continue
        yield from _of_fields(path, old, new)
        pending.extend(_within(path, old, new))


@dataclass(frozen=True, slots=True)
class _Type:
    """What a schema says of a value.

    Attributes:
        schema: The schema itself, which is no reference.
        rules: What it says, without what stands in the others.
        parts: The types within it, by how a path goes on to them.
        members: The types of a union.
        fields: Those of a model; None where it is none.
    """

    schema: Schema
    rules: Mapping[str, object]
    parts: Mapping[str, Schema]
    members: list[Schema]
    fields: Mapping[str, Schema] | None

    @classmethod
    def of(cls, schema: Schema) -> _Type:
        """Take a schema apart."""
        rules: dict[str, object] = {}
        parts: dict[str, Schema] = {}
        members: list[Schema] = []
        fields = _fields(schema)
        for key, value in schema.items():
            if _is_note(key) or (fields is not None and key in _OF_FIELDS):
                continue
            if isinstance(value, dict):
                parts[_MARKS.get(key, f"[{key}]")] = cast("Schema", value)
            elif not (inner := _schemas(value)):
                rules[key] = _comparable(key, value)
            elif key in _UNIONS:
                members += inner
            else:
                before = "" if key == "prefixItems" else f"{key} "
                parts |= {f"[{before}{number}]": each for number, each in enumerate(inner)}
        rules["parts"] = sorted(parts), len(members), fields is not None
        return cls(schema, rules, parts, members, fields)

    @property
    def required(self) -> list[str]:
        """The fields of a model that must be given."""
        required = self.schema.get("required")
        is_list = self.fields is not None and isinstance(required, list)
        return cast("list[str]", required) if is_list else []

    @property
    def others(self) -> Schema | bool:
        """The type of what a model takes beside its fields; True: it is lost, False: refused."""
        others = self.schema.get("additionalProperties")
        if self.fields is None:
            return False
        if others is True:
            return {}
        return cast("Schema", others) if isinstance(others, dict) else others is None

    def text(self, written: Schema) -> str:
        """Return it for people, with the name by which it was referred to, and without fields."""
        reference = {"$ref": written["$ref"]} if "$ref" in written else {}
        left_out = () if self.fields is None else _OF_FIELDS
        shown = {key: value for key, value in self.schema.items() if key not in left_out}
        return _text({**shown, **reference})


def _of_fields(path: str, old: _Type, new: _Type) -> Iterator[Change]:
    """Return what breaks in the fields of a model, beside their types."""
    fields = new.fields or {}
    for field in old.fields or ():
        if field not in fields:
            yield "S202", f"field {_joined(path, field)!r} is removed", "keep the field"
        elif _may_be_missing(field, new) and not _may_be_missing(field, old):
            yield "S202", f"field {_joined(path, field)!r} may be missing now", "keep it required"
    for field in new.required:
        if field not in old.required:
            how = (
                "has become required" if field in (old.fields or ()) else "is new, and is required"
            )
            yield "S203", f"field {_joined(path, field)!r} {how}", "give it a default"
    where = f" in {path!r}" if path else ""
    if old.others is not False and new.others is False:
        kept = "ignore" if old.others is True else "allow"
        yield "S205", f"other keywords{where} are refused now", f'keep extra="{kept}"'
    elif isinstance(old.others, dict) and new.others is True:
        yield "S205", f"other keywords{where} are no longer carried", 'keep extra="allow"'


def _may_be_missing(field: str, model: _Type) -> bool:
    """Return whether a receiver may miss it: a dict has no defaults."""
    return model.schema.get(PYTHON_TYPE) == "typing.TypedDict" and field not in model.required


def _within(path: str, old: _Type, new: _Type) -> Iterator[tuple[str, Schema, Schema]]:
    """Return the pairs of types within a pair of the same rules, each with its path."""
    fields = new.fields or {}
    for field, was in (old.fields or {}).items():
        if field in fields:
            yield _joined(path, field), was, fields[field]
    if isinstance(old.others, dict) and isinstance(new.others, dict):
        yield _joined(path, "**"), old.others, new.others
    for where, part in old.parts.items():
        yield path + where, part, new.parts[where]
    for was, is_now in _paired(old.members, new.members):
        yield path, was, is_now


def _paired(before: Iterable[Schema], now: Iterable[Schema]) -> Iterator[tuple[Schema, Schema]]:
    """Pair the members of two unions: those that are the same, those of one kind, and the rest."""
    old, new = list(before), list(now)
    for likeness in (_text, _kind, _nothing):
        groups: defaultdict[str, deque[Schema]] = defaultdict(deque)
        for each in new:
            groups[likeness(each)].append(each)
        unpaired: list[Schema] = []
        for each in old:
            group = groups[likeness(each)]
            if group:
                yield each, group.popleft()
            else:
                unpaired.append(each)
        old, new = unpaired, [each for group in groups.values() for each in group]


def _kind(schema: Schema) -> str:
    names = ("type", "format", PYTHON_TYPE)
    return _text({"$ref": "$ref" in schema} | {name: schema.get(name) for name in names})


def _nothing(_: Schema) -> str:
    return ""


def _resolved(schema: Schema, definitions: Schema) -> Schema:
    """Return a schema with what it refers to in place of the reference."""
    seen: set[str] = set()
    while (
        name := str(schema.get("$ref", "")).rpartition("/")[2]
    ) in definitions and name not in seen:
        seen.add(name)
        rest = {key: value for key, value in schema.items() if key != "$ref"}
        schema = {**_object(definitions[name]), **rest}
    return schema


def _fields(schema: Schema) -> dict[str, Schema] | None:
    """Return the fields of a model, or None where this is no model."""
    found = schema.get("properties")
    if not isinstance(found, dict):
        return None
    fields = cast("dict[str, Schema]", found)
    are_schemas = all(isinstance(each, dict) for each in cast("Schema", found).values())
    return fields if are_schemas else None


def _schemas(value: object) -> list[Schema]:
    """Return the schemas in a list of nothing else."""
    found = cast("list[object]", value) if isinstance(value, list) else []
    return cast("list[Schema]", found) if all(isinstance(each, dict) for each in found) else []


def _comparable(key: str, value: object) -> object:
    if key == "enum" and isinstance(value, list):  # in any order, and True is not 1
        return sorted(map(_text, cast("list[object]", value)))
    return _text(value) if key == "const" else value


def _is_note(key: str) -> bool:
    return key in _NOTES or (key.startswith("x-") and key not in (PYTHON_TYPE, PYTHON_KEYS))


def _object(value: object) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _joined(path: str, field: str) -> str:
    return f"{path}.{field}" if path else field


def _text(schema: object) -> str:
    return json.dumps(_without_notes(schema), sort_keys=True)


def _without_notes(value: object, *, are_names: bool = False) -> object:
    if isinstance(value, list):
        return [_without_notes(each) for each in cast("list[object]", value)]
    if not isinstance(value, dict):
        return value
    return {
        key: _without_notes(each, are_names=key == "properties")
        for key, each in cast("Schema", value).items()
        if are_names or not _is_note(key)
    }
