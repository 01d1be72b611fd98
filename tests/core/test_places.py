"""Names and places, as errors print them."""

from __future__ import annotations

import functools
import inspect
from typing import Any
from unittest.mock import AsyncMock

import pytest

from fastdjango_signals.places import caller, describe, name_of, place_of


class Callback:
    async def __call__(self, sender: object, **kwargs: Any) -> None: ...

    async def method(self) -> None: ...


@pytest.mark.parametrize(
    ("subject", "name"),
    [
        (Callback, f"{__name__}.Callback"),
        (Callback().method, f"{__name__}.Callback.method"),
        (Callback(), f"<{__name__}.Callback object>"),
        (functools.partial(print), "partial(builtins.print)"),
        ("shop", "'shop'"),
        (None, "None"),
        (41, "<builtins.int object>"),
    ],
)
def test_values_are_never_part_of_a_name(subject: object, name: str) -> None:
    assert name_of(subject) == name


def test_a_name_needs_no_module() -> None:
    class Odd:
        __qualname__ = "Odd"

    odd = Odd()
    odd.__qualname__ = "odd"
    odd.__module__ = None  # type: ignore[assignment]

    assert name_of(odd) == "odd"


def test_a_place_is_that_of_the_code() -> None:
    line = Callback.__call__.__code__.co_firstlineno

    assert place_of(Callback()) == f"{__file__}:{line}"
    assert place_of(functools.partial(functools.partial(Callback()))) == f"{__file__}:{line}"
    assert place_of(Callback().method) == f"{__file__}:{Callback.method.__code__.co_firstlineno}"
    assert place_of(print) is None
    assert place_of(Callback) is None
    assert describe(print) == "builtins.print"


def test_a_mock_has_no_place() -> None:
    """Although its code says that it is code."""
    assert place_of(AsyncMock()) is None
    assert describe(AsyncMock()) == "<unittest.mock.AsyncMock object>"


def test_a_caller_is_the_code_outside_this_package() -> None:
    module, place = caller()

    assert module == __name__
    assert place.startswith(__file__)


def test_an_interpreter_may_keep_no_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inspect, "currentframe", lambda: None)

    assert caller() == ("<unknown>", "<unknown>")
