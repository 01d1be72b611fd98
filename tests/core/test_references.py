"""How long things live: receivers held weakly or strongly, and senders by identity."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import weakref
from typing import Any
from unittest.mock import AsyncMock

import pytest

from fastdjango_signals import Payload, Signal


class Ping(Payload):
    x: int = 0


class Sender:
    """Something to send from, which can be weakly referenced."""


class Handlers:
    async def method(self, sender: object, **kwargs: Any) -> str:
        return "method"


@pytest.fixture
def signal() -> Signal[Any, ...]:
    return Signal(Ping, name="ping")


async def first(sender: object, **kwargs: Any) -> str:
    return "first"


async def second(sender: object, **kwargs: Any) -> str:
    return "second"


async def responses(signal: Signal[Any, ...], sender: object = None) -> list[Any]:
    return [response for _, response in await signal.send(sender=sender)]


def entries(signal: Signal[Any, ...]) -> int:
    """Count the senders that the registry keeps anything for."""
    return len(signal._registry._entries)


# --- receivers ---------------------------------------------------------------


async def test_a_weak_receiver_ends_with_its_owner(signal: Signal[Any, ...]) -> None:
    def connect_local() -> weakref.ref[Any]:
        @signal.connect
        async def local(sender: object, **kwargs: Any) -> None: ...

        assert signal.has_listeners()
        return weakref.ref(local)

    gone = connect_local()
    gc.collect()

    assert gone() is None
    assert not signal.has_listeners()
    assert not signal.has_listeners(sender=None)
    assert signal.receivers == []
    assert await responses(signal) == []


async def test_a_strong_receiver_stays(signal: Signal[Any, ...]) -> None:
    def connect_local() -> None:
        @signal.connect(weak=False)
        async def local(sender: object, **kwargs: Any) -> str:
            return "local"

    connect_local()
    gc.collect()

    assert await responses(signal) == ["local"]


async def test_a_bound_method_ends_with_its_object(signal: Signal[Any, ...]) -> None:
    handlers = Handlers()
    signal.connect(handlers.method)
    gc.collect()
    assert await responses(signal) == ["method"]

    del handlers
    gc.collect()

    assert await responses(signal) == []
    assert not signal.has_listeners()


async def test_a_bound_method_held_strongly_keeps_its_object(signal: Signal[Any, ...]) -> None:
    signal.connect(Handlers().method, weak=False)
    gc.collect()

    assert await responses(signal) == ["method"]


async def test_another_receiver_at_the_same_address_is_another_receiver(
    signal: Signal[Any, ...],
) -> None:
    for _ in range(50):
        handlers = Handlers()
        assert signal.connect(handlers.method)  # type: ignore[truthy-function]
        assert await responses(signal) == ["method"]
        del handlers

    assert signal.receivers == []


async def test_a_dead_receiver_is_no_obstacle_to_one_of_the_same_identity(
    signal: Signal[Any, ...],
) -> None:
    handlers = Handlers()
    signal.connect(handlers.method, dispatch_uid="audit")
    handlers = Handlers()
    signal.connect(handlers.method, dispatch_uid="audit")

    assert await responses(signal) == ["method"]


@pytest.mark.parametrize("sender", [None, Sender, "shop"])
async def test_a_disconnected_receiver_is_not_kept_alive(
    signal: Signal[Any, ...], sender: object
) -> None:
    class Callback:
        async def __call__(self, sender: object, **kwargs: Any) -> None: ...

    callback = Callback()
    watch = weakref.ref(callback)
    signal.connect(first, sender=Sender)
    signal.connect(callback, sender=sender, weak=False)
    for each in (None, Sender, "shop"):
        await signal.send(sender=each)

    assert signal.disconnect(callback, sender=sender)
    del callback
    gc.collect()

    assert watch() is None


def test_receivers_that_come_and_go_leave_nothing_behind(signal: Signal[Any, ...]) -> None:
    for _ in range(100):
        handlers, sender = Handlers(), Sender()
        signal.connect(handlers.method, sender=sender)
        signal.has_listeners(sender=sender)
        del handlers
    del sender  # type: ignore[possibly-undefined]
    gc.collect()

    assert entries(signal) == 0
    assert not signal._registry._planned
    assert not signal._registry._dead


# --- senders -----------------------------------------------------------------


async def test_senders_match_by_identity(signal: Signal[Any, ...]) -> None:
    class Equal:
        def __eq__(self, other: object) -> bool:
            return True

        def __hash__(self) -> int:
            return 1

    one, other = Equal(), Equal()
    signal.connect(first, sender=one)

    assert await responses(signal, one) == ["first"]
    assert await responses(signal, other) == []


@pytest.mark.parametrize(
    ("connected", "sent"),
    [("shop", "SHOP".lower()), (10**20, 10**10 * 10**10), (("a", 1), ("a", 1)), (1.5, 1.5)],
)
async def test_senders_without_weak_references_match_by_equality(
    signal: Signal[Any, ...], connected: object, sent: object
) -> None:
    signal.connect(first, sender=connected)

    assert await responses(signal, sent) == ["first"]
    assert await responses(signal, "other") == []


async def test_an_unhashable_sender_may_send_what_everyone_hears(
    signal: Signal[Any, ...],
) -> None:
    signal.connect(first, sender="shop")
    signal.connect(second)

    assert await responses(signal, ["shop"]) == ["second"]


async def test_an_unhashable_sender_with_weak_references_is_a_sender_like_others(
    signal: Signal[Any, ...],
) -> None:
    class Unhashable:
        __hash__ = None  # type: ignore[assignment]

    sender = Unhashable()
    signal.connect(first, sender=sender)

    assert await responses(signal, sender) == ["first"]
    assert await responses(signal, Unhashable()) == []


async def test_a_signal_never_keeps_a_sender_alive(signal: Signal[Any, ...]) -> None:
    sender = Sender()
    watch = weakref.ref(sender)
    signal.connect(first, sender=sender, weak=False)
    assert await responses(signal, sender) == ["first"]

    del sender
    gc.collect()

    assert watch() is None
    assert entries(signal) == 0
    assert signal.receivers == []


async def test_a_sender_at_the_address_of_a_dead_one_is_another_sender(
    signal: Signal[Any, ...],
) -> None:
    seen = set()
    for _ in range(200):
        sender = Sender()
        if id(sender) in seen:
            assert await responses(signal, sender) == []
            break
        seen.add(id(sender))
        signal.connect(first, sender=sender)
        assert await responses(signal, sender) == ["first"]
        del sender
    else:
        pytest.fail("no address was used twice")


def test_a_stale_entry_never_answers_for_another_sender(signal: Signal[Any, ...]) -> None:
    """Even where the callback of the dead sender has yet to run."""
    dead, alive = Sender(), Sender()
    signal.connect(first, sender=dead)
    registry = signal._registry
    registry._entries[id(alive)] = registry._entries.pop(id(dead))  # as if the id were recycled

    assert not signal.has_listeners(sender=alive)
    assert not signal.disconnect(first, sender=alive)
    signal.connect(second, sender=alive)
    assert [each.receiver for each in signal.receivers] == [second]


def test_senders_that_only_send_leave_nothing_behind(signal: Signal[Any, ...]) -> None:
    signal.connect(first)
    for _ in range(100):
        assert signal.has_listeners(sender=Sender())

    assert entries(signal) == 0


# --- subclasses --------------------------------------------------------------


async def test_subclasses_of_a_sender_reach_its_receivers_where_asked(
    signal: Signal[Any, ...],
) -> None:
    class Base: ...

    class Child(Base): ...

    class Grandchild(Child): ...

    signal.connect(first, sender=Base, subclasses=True)
    signal.connect(second, sender=Base)

    assert await responses(signal, Base) == ["first", "second"]
    assert await responses(signal, Child) == ["first"]
    assert await responses(signal, Grandchild) == ["first"]
    assert await responses(signal, Grandchild()) == []
    assert await responses(signal, object) == []
    assert await responses(signal, "Base") == []


async def test_a_plan_of_a_subclass_follows_what_is_connected(signal: Signal[Any, ...]) -> None:
    class Base: ...

    class Child(Base): ...

    assert await responses(signal, Child) == []
    signal.connect(first, sender=Base, subclasses=True)
    assert await responses(signal, Child) == ["first"]
    signal.connect(second, sender=Child, priority=1)
    assert await responses(signal, Child) == ["second", "first"]
    signal.disconnect(first, sender=Base)
    assert await responses(signal, Child) == ["second"]
    signal.disconnect(second, sender=Child)
    assert await responses(signal, Child) == []


def test_subclasses_that_are_collected_leave_nothing_behind(signal: Signal[Any, ...]) -> None:
    class Base: ...

    signal.connect(first, sender=Base, subclasses=True)
    for _ in range(3):
        child = type("Child", (Base,), {})
        assert signal.has_listeners(sender=child)
        del child
    gc.collect()

    assert entries(signal) == 1
    assert len(signal._registry._planned) == 0


# --- caches ------------------------------------------------------------------


async def test_plans_follow_every_change(signal: Signal[Any, ...]) -> None:
    assert await responses(signal, Sender) == []
    signal.connect(first)
    assert await responses(signal, Sender) == ["first"]
    signal.connect(second, sender=Sender)
    assert await responses(signal, Sender) == ["first", "second"]
    assert await responses(signal) == ["first"]
    signal.disconnect(first)
    assert await responses(signal, Sender) == ["second"]
    assert await responses(signal) == []
    with signal.muted():
        assert await responses(signal, Sender) == []
    assert await responses(signal, Sender) == ["second"]


def test_garbage_may_disconnect_while_the_registry_is_at_work(
    signal: Signal[Any, ...],
) -> None:
    """A `__del__` runs in the middle of whatever happens to allocate."""

    class Noisy:
        def __init__(self) -> None:
            self.cycle = self

        def __del__(self) -> None:
            signal.disconnect(first, sender=Sender)
            signal.connect(second, sender=Sender)
            signal.disconnect(second, sender=Sender)

    threshold = gc.get_threshold()
    gc.set_threshold(1, 1, 1)
    try:
        for _ in range(300):
            Noisy()
            signal.connect(first, sender=Sender)
            signal.connect(second)
            assert signal.has_listeners(sender=Sender)
            signal.disconnect(second)
    finally:
        gc.set_threshold(*threshold)
    gc.collect()

    signal.disconnect(first, sender=Sender)
    assert signal.receivers == []
    assert entries(signal) == 0


# --- development mode --------------------------------------------------------

LOST = """
import gc, warnings
from fastdjango_signals import Signal

signal = Signal(name="ping")

def connect():
    async def local(sender, **kwargs): ...
    signal.connect(local)
    {more}

connect()
gc.collect()
"""


def run(script: str, *flags: str) -> str:
    done = subprocess.run(
        [sys.executable, *flags, "-c", script],
        env={name: value for name, value in os.environ.items() if name != "PYTHONDEVMODE"},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stderr


def test_development_mode_names_a_receiver_that_is_lost_while_connected() -> None:
    printed = run(LOST.format(more=""), "-X", "dev")

    assert "ResourceWarning: receiver __main__.connect.<locals>.local (<string>:8)" in printed
    assert "of signal ping was collected while connected (at <string>:9)" in printed
    assert "keep it, or connect with weak=False" in printed


@pytest.mark.parametrize(
    ("more", "flags"),
    [
        ("signal.disconnect(local)", ["-X", "dev"]),
        ("globals()['kept'] = local", ["-X", "dev"]),
        ("", []),
    ],
)
def test_development_mode_warns_of_nothing_else(more: str, flags: list[str]) -> None:
    assert run(LOST.format(more=more), *flags) == ""


def test_a_signal_that_is_gone_warns_of_nothing() -> None:
    assert run(LOST.format(more="globals().pop('signal')"), "-X", "dev") == ""


async def test_a_mock_that_stands_for_a_method_is_awaited() -> None:
    """It says that it is a method, and refers to the one that it stands for."""

    class Mailer:
        async def send(self, sender: object, **kwargs: Any) -> None: ...

    signal: Signal[Any, ...] = Signal()
    mock = AsyncMock(spec=Mailer().send)
    signal.connect(mock)
    await signal.send(sender=None)
    mock.assert_awaited_once()
