"""Say what an object is called and where it was written, for errors and listings."""

from __future__ import annotations

import functools
import inspect
import os
from collections.abc import Callable
from types import CodeType
from typing import Any

PACKAGE = __name__.partition(".")[0]


def name_of(subject: object) -> str:
    """Return the full name of a class or callable; of other objects, that of their class.

    Strings stand for themselves. Values of other kinds are never printed: they may be secret.
    """
    try:
        return _name_of(subject)
    except Exception:  # noqa: BLE001 - a proxy may raise anything, and names are for errors
        return f"<{type(subject).__module__}.{type(subject).__qualname__} object>"


def _name_of(subject: object) -> str:
    if subject is None or isinstance(subject, str):
        return repr(subject)
    if isinstance(subject, functools.partial):
        return f"partial({name_of(subject.func)})"
    qualified = getattr(subject, "__qualname__", None)
    if isinstance(qualified, str):
        module = getattr(subject, "__module__", None)
        return f"{module}.{qualified}" if isinstance(module, str) else qualified
    return f"<{name_of(type(subject))} object>"


def place_of(function: Callable[..., Any]) -> str | None:
    """Return `file:line` of a callable's definition, or None where Python code has none."""
    try:
        code = _code_of(function)
    except Exception:  # noqa: BLE001 - as above
        return None
    return f"{code.co_filename}:{code.co_firstlineno}" if code else None


def from_here(place: str) -> str:
    """Return a file, or `file:line`, from the current folder, where it lies below that."""
    return place.removeprefix(f"{os.getcwd()}{os.sep}")


def describe(function: object) -> str:
    """Return the name of a callable with the place of its definition, where it has one."""
    place = place_of(function) if callable(function) else None
    return f"{name_of(function)} ({place})" if place else name_of(function)


def caller() -> tuple[str, str]:
    """Return the module name and `file:line` of the nearest frame outside this package."""
    frame = inspect.currentframe()
    while frame is not None and _is_ours(frame.f_globals.get("__name__")):
        frame = frame.f_back
    if frame is None:  # an interpreter need not keep frames
        return "<unknown>", "<unknown>"
    module = str(frame.f_globals.get("__name__", "__main__"))
    return module, f"{frame.f_code.co_filename}:{frame.f_lineno}"


def _is_ours(module: object) -> bool:
    return isinstance(module, str) and (module == PACKAGE or module.startswith(f"{PACKAGE}."))


def _code_of(function: Callable[..., Any]) -> CodeType | None:
    outer: object = None
    while function is not outer:  # wrappers, methods and partials may stand in any order
        outer = function
        while isinstance(function, functools.partial):
            function = function.func
        if inspect.ismethod(function):
            function = function.__func__
        function = inspect.unwrap(function)
    code = getattr(function, "__code__", None)
    if code is None and not isinstance(function, type):
        code = getattr(type(function).__call__, "__code__", None)
    return code if type(code) is CodeType else None  # that of a mock claims to be code
