"""The values of a payload, and how the assertions of a test compare and show them."""

from __future__ import annotations

import os.path
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet

from pydantic import BaseModel

from fastdjango_signals.exceptions import annotate
from fastdjango_signals.places import name_of

_SHOWN = 200  # characters of a value


def values_of(payload: BaseModel) -> dict[str, object]:
    """Return the fields by name. `dict(payload)` asks the model, which may iterate as it likes."""
    attributes = payload.__dict__
    fields = {name: attributes[name] for name in type(payload).model_fields}
    return {**fields, **(payload.__pydantic_extra__ or {})}


def hidden_in(models: Iterable[type[BaseModel]]) -> AbstractSet[str]:
    """Return the fields with `repr=False`, which may hold passwords: they are not shown."""
    fields = (pair for model in models for pair in model.model_fields.items())
    return {name for name, field in fields if not field.repr}


def same(expected: object, actual: object, name: str, signal: str) -> bool:
    """Return whether a value is the expected one; an error says which could not be compared."""
    # In this order, so that what stands for many values, as `unittest.mock.ANY` does, is asked.
    try:
        return expected is actual or bool(expected == actual)
    except Exception as error:  # as that of arrays, which compare element by element
        path = name if name == "sender" else f"payload.{name}"
        note = f'comparing "{name}" of a send of {signal}; leave it out, and compare'
        annotate(error, f"{note} sent.{path} yourself")
        raise


def listed_values(values: Mapping[str, object], hidden: AbstractSet[str]) -> str:
    """Return values with their names, as a call would give them."""
    return ", ".join(
        f"{name}={'<not shown>' if name in hidden else shown(value)}"
        for name, value in values.items()
    )


def shown(value: object) -> str:
    """Return a value as text, cut where it is long."""
    return _cut(_text(value))


def contrasted(actual: object, expected: object) -> tuple[str, str]:
    """Return both as text; where both are long, what is around their first difference."""
    texts = _text(actual), _text(expected)
    begin = 0
    if min(map(len, texts)) > _SHOWN:
        same_until = len(os.path.commonprefix(texts))  # noqa: RUF071 - by character, as it should
        begin = max(0, same_until - _SHOWN // 2)
    return _cut(texts[0], begin), _cut(texts[1], begin)


def _text(value: object) -> str:
    if isinstance(value, type):
        return name_of(value)
    try:
        return repr(value)
    except Exception:  # noqa: BLE001 - the failed assertion matters, not the value
        return name_of(value)


def _cut(text: str, begin: int = 0) -> str:
    end = begin + _SHOWN
    return f"{'...' if begin else ''}{text[begin:end]}{'...' if len(text) > end else ''}"
