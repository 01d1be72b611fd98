"""The schemas of payloads in a file, and which changes since then break what was written before.

A change breaks where a send that was valid is refused now, or where a receiver misses a field, or
finds another type in it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias, cast

from fastdjango_signals.catalogue import json_schema
from fastdjango_signals.cli.apps import AnySignal
from fastdjango_signals.cli.findings import Finding, variable_of
from fastdjango_signals.exceptions import SignalDefinitionError

Schema: TypeAlias = dict[str, Any]

Change: TypeAlias = tuple[str, str, str]
"""The code of a finding, its text and its remedy."""

# What says nothing about the values that are valid.
_WORDS = {"title", "description", "examples", "default", "deprecated", "$comment", "$defs"}
# Where a type has other types within.
_PARTS = ("anyOf", "oneOf", "items", "prefixItems", "additionalProperties")
_UNORDERED = ("anyOf", "oneOf", "enum", "required")


def snapshot(signals: Iterable[AnySignal]) -> dict[str, dict[str, Schema]]:
    """Return the JSON Schemas of these signals, by name.

    Raises:
        SignalDefinitionError: A payload is not complete.
    """
    return {"signals": {each.name: json_schema(each) for each in signals}}


def read_snapshot(file: Path) -> dict[str, Schema]:
    """Return the schemas that a file holds, by the name of the signal.

    Raises:
        OSError: It cannot be read.
        ValueError: It is no snapshot.
    """
    document: object = json.loads(file.read_text(encoding="utf-8"))
    schemas = _object(_object(document).get("signals"))
    return {name: _object(schema) for name, schema in schemas.items()}


def _object(value: object) -> dict[str, Any]:
    if isinstance(value, dict):
        return cast("dict[str, Any]", value)
    raise ValueError('it must hold {"signals": {NAME: SCHEMA}}')


def breaking(before: Mapping[str, Schema], signals: Iterable[AnySignal]) -> Iterator[Finding]:
    """Find what breaks, of what was in a snapshot before."""
    present = {each.name: each for each in signals}
    for name, schema in before.items():
        signal = present.get(name)
        if signal is None:
            yield Finding(
                "S201", name, None, "the signal is gone", f"bring it back, or {_ACCEPTED}"
            )
            continue
        try:
            now = json_schema(signal)
        except SignalDefinitionError:  # which S107 tells
            continue
        for code, text, remedy in _Comparison(schema, now).changes():
            yield Finding(code, name, variable_of(signal), text, f"{remedy}, or {_ACCEPTED}")


_ACCEPTED = "accept the change: schema --write"


class _Comparison:
    """Two versions of the schema of one payload."""

    def __init__(self, before: Schema, now: Schema) -> None:
        self._before, self._now = before, now
        self._within: set[tuple[object, object]] = set()

    def changes(self) -> Iterator[Change]:
        """Return what breaks."""
        yield from self._of_objects("", self._before, self._now)

    def _of_objects(self, path: str, before: Schema, now: Schema) -> Iterator[Change]:
        old, new = before.get("properties", {}), now.get("properties", {})
        for field in old:
            if field in new:
                yield from self._of_types(path + field, old[field], new[field])
            else:
                yield "S202", f"field {path + field!r} is removed", "keep the field"
        for field in now.get("required", []):
            if field not in before.get("required", []):
                how = "has become required" if field in old else "is new, and is required"
                yield "S203", f"field {path + field!r} {how}", "give it a default"
        if before.get("additionalProperties") is not False is now.get("additionalProperties"):
            where = f" in {path[:-1]!r}" if path else ""
            yield "S205", f"other keywords{where} are refused now", 'keep extra="allow"'

    def _of_types(self, path: str, before: Schema, now: Schema) -> Iterator[Change]:
        pair = (before.get("$ref"), now.get("$ref"))
        if pair in self._within and all(pair):
            return  # a model within itself
        self._within.add(pair)
        old, new = _target(before, self._before), _target(now, self._now)
        was, is_now = _core(old, self._before), _core(new, self._now)
        if was == is_now:
            pass
        elif "properties" in old and "properties" in new:
            yield from self._of_objects(f"{path}.", old, new)
        elif parts := _parts(old, new):
            for part in parts:
                yield from self._of_types(path, *part)
        else:
            text = f"field {path!r} has another type: it was {_text(was)}, and is {_text(is_now)}"
            yield "S204", text, "keep the type, and add a field with the new one"
        self._within.discard(pair)


def _parts(old: Schema, new: Schema) -> list[tuple[Schema, Schema]]:
    """Return the types within two types, in pairs, where nothing else differs; else none."""
    for key in _PARTS:
        was, is_now = old.get(key), new.get(key)
        others = [
            {name: value for name, value in each.items() if name not in {key, *_WORDS}}
            for each in (old, new)
        ]
        if others[0] != others[1]:
            continue
        if isinstance(was, dict) and isinstance(is_now, dict):
            return [(cast("Schema", was), cast("Schema", is_now))]
        if isinstance(was, list) and isinstance(is_now, list):
            lists = cast("list[Schema]", was), cast("list[Schema]", is_now)
            return list(zip(*lists, strict=True)) if len(lists[0]) == len(lists[1]) else []
    return []


def _target(schema: Schema, whole: Schema) -> Schema:
    """Return what a schema refers to, or itself."""
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    return cast("Schema", whole.get("$defs", {}).get(name, schema))


def _text(schema: object) -> str:
    return json.dumps(schema, sort_keys=True)


def _core(schema: object, whole: Schema, within: tuple[str, ...] = ()) -> object:
    """Return what a schema says of valid values, with what it refers to in place of the references.

    A reference to what it lies within stays.
    """
    if isinstance(schema, list):
        return [_core(each, whole, within) for each in cast("list[object]", schema)]
    if not isinstance(schema, dict):
        return schema
    found = cast("Schema", schema)
    name = str(found.get("$ref", ""))
    if name and name not in within:
        target = _target(found, whole)
        return found if target is found else _core(target, whole, (*within, name))
    return {
        key: _core_at(key, value, whole, within)
        for key, value in found.items()
        if key not in _WORDS
    }


def _core_at(key: str, value: Any, whole: Schema, within: tuple[str, ...]) -> object:
    if key == "properties":
        return {field: _core(each, whole, within) for field, each in value.items()}
    core = _core(value, whole, within)
    if key in _UNORDERED and isinstance(core, list):
        return sorted(cast("list[object]", core), key=_text)
    return core
