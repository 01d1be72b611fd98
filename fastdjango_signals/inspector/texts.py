"""Texts of bounded length, which is all that the inspector keeps of anything."""

from __future__ import annotations

import reprlib

from fastdjango_signals.places import from_here, name_of

NAME = 200
"""Most letters of a name or a place."""
VALUE = 500
"""Most letters of a value or a message."""


def cut(text: str, most: int = NAME) -> str:
    """Return a text that is not longer than this, with a sign where something is left out."""
    return text if len(text) <= most else f"{text[: most - 1]}\u2026"


def place_text(place: str | None) -> str | None:
    """Return a file, or `file:line`, from the current folder, cut where it is long."""
    if place is None:
        return None
    shown = from_here(place)
    # The end of a path tells more than its beginning.
    return shown if len(shown) <= NAME else f"\u2026{shown[1 - NAME :]}"


def value_text(value: object) -> str:
    """Return a value as its `repr` shows it, cut; nothing it does there gets out."""
    try:
        return cut(str(_values.repr(value)), VALUE)
    except Exception as error:  # noqa: BLE001 - anything may be raised, and it is shown
        return f"<its repr() raises {name_of(type(error))}>"


class _Values(reprlib.Repr):
    """Looks at the beginning of what is large, so that showing it takes no longer."""

    def repr_instance(self, x: object, level: int) -> str:
        return cut(repr(x), VALUE)  # the usual one hides that it raises


_values = _Values()
_values.maxlist = _values.maxtuple = _values.maxset = _values.maxfrozenset = 20
_values.maxdict = _values.maxdeque = _values.maxarray = 20
_values.maxstring = _values.maxother = VALUE
