"""`leftovers`: what a test has left connected."""

from __future__ import annotations

import gc
import sys
from types import ModuleType
from typing import Any

import pytest

from fastdjango_signals import Payload, Signal
from fastdjango_signals.leftovers import Leftovers


class Ping(Payload): ...


class Shop: ...


async def first(sender: object, **kwargs: Any) -> None: ...


@pytest.fixture
def signal() -> Signal[Any, ...]:
    return Signal(Ping, name="ping")


def test_what_was_connected_before_is_no_leftover(signal: Signal[Any, ...]) -> None:
    signal.connect(first)
    leftovers = Leftovers()

    signal.disconnect(first)
    signal.connect(first)
    assert leftovers.found() == []
    assert leftovers.message() is None


def test_a_leftover_is_named_with_its_place_and_sender(signal: Signal[Any, ...]) -> None:
    leftovers = Leftovers()
    signal.connect(first)
    signal.connect(first, sender=Shop)

    place = f"{__name__}.first ({__file__}:{first.__code__.co_firstlineno})"
    assert leftovers.found() == [
        f"signal ping: {place}",
        f"signal ping: {place} for sender {__name__}.Shop",
    ]
    message = leftovers.message() or ""
    assert message.startswith(f"the test left receivers connected:\n  signal ping: {place}\n")
    assert "signals.connect(signal, receiver)" in message


def test_a_receiver_that_only_a_cycle_keeps_is_collected_first(signal: Signal[Any, ...]) -> None:
    def connect() -> None:
        async def local(sender: object, **kwargs: Any) -> None:
            local.__dict__.clear()

        signal.connect(local)

    leftovers = Leftovers()
    gc.disable()
    try:
        connect()
        assert len(signal.receivers) == 1
        assert leftovers.found() == []
    finally:
        gc.enable()


def test_what_is_connected_for_longer_is_no_leftover(signal: Signal[Any, ...]) -> None:
    leftovers = Leftovers()
    signal.connect(first)
    with leftovers.excused():
        signal.connect(first, sender=Shop)

    (line,) = leftovers.found()
    assert "for sender" not in line


def test_receivers_of_a_module_imported_meanwhile_may_stay(
    signal: Signal[Any, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    leftovers = Leftovers()
    module = ModuleType("handlers_of_a_test")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec("async def handler(sender, **kwargs): ...", module.__dict__)
    signal.connect(module.handler)

    assert leftovers.found() == []
