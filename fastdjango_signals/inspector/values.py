"""What is told of a payload: the names and types of its fields, and values where that is wanted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import cast

from pydantic import BaseModel, ValidationError

from fastdjango_signals.catalogue import json_schema
from fastdjango_signals.exceptions import SignalDefinitionError
from fastdjango_signals.inspector.texts import VALUE, cut, value_text
from fastdjango_signals.places import name_of
from fastdjango_signals.signals import all_signals

FIELDS = 50
"""Most fields, and most problems, that are kept of one send."""
HIDDEN = "\u2026"
"""Stands for a part of a location that may be a value, such as the key of a mapping."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a payload that was sent.

    Attributes:
        name: Its name.
        type: The class of its value.
        value: The value as text; None where values are hidden, or this field has `repr=False`.
    """

    name: str
    type: str
    value: str | None


@dataclass(frozen=True, slots=True)
class Problem:
    """One reason for which a payload was refused.

    Attributes:
        type: What pydantic calls it, such as `missing`.
        location: The field, and where in it.
        message: What is wrong, in words; None where values are hidden.
    """

    type: str
    location: tuple[str, ...]
    message: str | None


def fields_of(payload: BaseModel, *, show_values: bool) -> tuple[Field, ...]:
    """Return what is told of each field, in order; of the first FIELDS."""
    found = islice(_values(payload), FIELDS)
    return tuple(
        Field(
            cut(name),
            cut(name_of(type(value)).removeprefix("builtins.")),
            value_text(value) if show_values and is_shown else None,
        )
        for name, value, is_shown in found
    )


def _values(payload: BaseModel) -> Iterator[tuple[str, object, bool]]:
    declared, values = type(payload).model_fields, payload.__dict__
    for name, field in declared.items():
        yield name, values.get(name), field.repr
    for name, value in (payload.__pydantic_extra__ or {}).items():
        yield name, value, True


def problems_of(signal: str, error: Exception, *, show_values: bool) -> tuple[Problem, ...]:
    """Return why pydantic refused the keywords of a send; of the first FIELDS problems."""
    if not isinstance(error, ValidationError):
        return ()
    found = error.errors(include_url=False, include_context=False, include_input=False)[:FIELDS]
    is_deep = any(len(each["loc"]) > 1 for each in found)
    known = _field_names(signal) if is_deep and not show_values else frozenset[str]()
    return tuple(
        Problem(
            cut(each["type"]),
            tuple(
                # What comes first is the keyword of the send.
                cut(str(part)) if show_values or not depth or part in known else HIDDEN
                for depth, part in enumerate(each["loc"][:FIELDS])
            ),
            cut(each["msg"], VALUE) if show_values else None,
        )
        for each in found
    )


def _field_names(signal: str) -> frozenset[str]:
    """Return the names of all fields in a payload, those of the models in it too."""
    names: set[str] = set()
    for each in all_signals():
        if each.name == signal:
            try:
                names.update(_properties(json_schema(each)))
            except SignalDefinitionError:  # no schema, so that nothing is known
                continue
    return frozenset(names)


def _properties(schema: object) -> Iterator[str]:
    if isinstance(schema, dict):
        inner = cast("dict[str, object]", schema)
        properties = inner.get("properties")
        if isinstance(properties, dict):
            yield from cast("dict[str, object]", properties)
        for each in inner.values():
            yield from _properties(each)
    elif isinstance(schema, list):
        for each in cast("list[object]", schema):
            yield from _properties(each)
