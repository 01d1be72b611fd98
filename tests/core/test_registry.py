"""What can happen to the registry in the middle of its work: garbage, threads, odd hashes."""

from __future__ import annotations

import gc
from typing import Any

import pytest

from fastdjango_signals import Payload, Signal
from fastdjango_signals.options import Options
from fastdjango_signals.receivers import Connection, Receiver
from fastdjango_signals.registry import Registry


class Ping(Payload):
    x: int = 0


class Shop: ...


@pytest.fixture
def signal() -> Signal[Any, ...]:
    return Signal(Ping, name="ping")


async def first(sender: object, **kwargs: Any) -> str:
    return "first"


async def second(sender: object, **kwargs: Any) -> str:
    return "second"


def dead(key: int, registry: Registry) -> Connection:
    """Return a connection whose receiver is dead, and whose callback has yet to run."""
    return Connection(key, lambda: None, False, Options(), registry.next_order())


def test_a_dead_connection_gives_way_to_a_living_one() -> None:
    registry = Registry("ping")
    gone = dead(1, registry)
    living = Connection(1, lambda: first, False, Options(), 1)

    assert registry.add(gone, Shop) is gone
    assert registry.add(living, Shop) is living
    assert registry.add(dead(1, registry), Shop) is living
    assert registry.plan(Shop).connections == (living,)


def test_removing_a_dead_connection_is_removing_nothing() -> None:
    registry = Registry("ping")
    registry.add(dead(1, registry), Shop)

    assert not registry.remove(1, Shop)
    assert registry.connections() == []


def test_an_entry_that_ends_while_a_connection_is_added_is_made_again() -> None:
    registry = Registry("ping")
    other = dead(1, registry)
    registry.add(other, Shop)
    ending = [other]

    class Uid:
        def __hash__(self) -> int:
            if ending:
                registry.discard(ending.pop(), Shop)
            return 1

    living = Connection((Uid(),), lambda: first, False, Options(), 1)

    assert registry.add(living, Shop) is living
    assert registry.plan(Shop).connections == (living,)


def test_a_plan_that_is_outdated_before_it_is_done_is_made_again(
    signal: Signal[Any, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    signal.connect(first)
    reached = Registry._reached

    def interrupted(self: Registry, entry: Any, sender: object) -> Any:
        found = list(reached(self, entry, sender))
        monkeypatch.undo()
        signal.connect(second)
        return iter(found)

    monkeypatch.setattr(Registry, "_reached", interrupted)

    assert len(signal._registry.plan(None).connections) == 2


def test_the_death_of_a_receiver_after_that_of_its_signal_is_harmless() -> None:
    class Callback:
        async def __call__(self, sender: object, **kwargs: Any) -> None: ...

    signal, callback = Signal(Ping), Callback()
    signal.connect(callback)
    plan = signal._registry.plan(None)
    del signal
    gc.collect()

    del callback

    assert plan.resolves[0]() is None


def test_the_death_of_a_receiver_that_was_disconnected_before_is_harmless(
    signal: Signal[Any, ...],
) -> None:
    class Callback:
        async def __call__(self, sender: object, **kwargs: Any) -> None: ...

    callback = Callback()
    signal.connect(callback)
    plan = signal._registry.plan(None)  # a send that is under way keeps the reference
    signal.disconnect(callback)

    del callback

    assert plan.resolves[0]() is None
    assert signal.receivers == []


def test_leaving_a_block_whose_sender_has_no_receivers_left_is_harmless(
    signal: Signal[Any, ...],
) -> None:
    with signal.connected_to(first, sender=Shop):
        signal.disconnect(first, sender=Shop)

    assert signal.receivers == []


class Watcher:
    """Notes what the registries tell."""

    def __init__(self) -> None:
        self.notes: list[tuple[object, ...]] = []

    def connected(self, signal: str, connection: Connection, sender: object) -> None:
        self.notes.append((signal, connection.resolve(), sender))

    def disconnected(self, connection: Connection, sender: object) -> None:
        self.notes.append((connection.resolve(), sender))


@pytest.fixture
def watcher(monkeypatch: pytest.MonkeyPatch) -> Watcher:
    watching = Watcher()
    monkeypatch.setattr(Registry, "watcher", watching)
    return watching


def test_a_watcher_is_told_what_is_connected_and_disconnected(
    signal: Signal[Any, ...], watcher: Watcher
) -> None:
    signal.connect(first, sender=Shop)
    signal.connect(first, sender=Shop)
    signal.disconnect(first, sender=Shop)
    signal.disconnect(first, sender=Shop)
    with signal.connected_to(second):
        pass

    assert watcher.notes == [
        ("ping", first, Shop),
        (first, Shop),
        ("ping", second, None),
        (second, None),
    ]


def test_a_watcher_is_told_what_ended_with_its_receiver_or_its_sender(
    signal: Signal[Any, ...], watcher: Watcher
) -> None:
    async def local(sender: object, **kwargs: Any) -> None: ...

    receivers: list[Receiver] = [local]
    shops = [Shop()]
    signal.connect(local, sender=Shop)
    signal.connect(first, sender=shops[0])
    watcher.notes.clear()
    del local

    receivers.clear()
    shops.clear()
    gc.collect()

    assert watcher.notes == [(None, Shop), (first, None)]
