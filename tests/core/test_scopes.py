"""`muted` and `connected_to`: what holds for a block only."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
from typing import Any

import pytest

from fastdjango_signals import Payload, ReceiverTypeError, Signal


class Ping(Payload):
    x: int = 0


class Shop: ...


class Store: ...


@pytest.fixture
def signal() -> Signal[Any, ...]:
    return Signal(Ping, name="ping")


async def first(sender: object, **kwargs: Any) -> str:
    return "first"


async def responses(signal: Signal[Any, ...], sender: object = None) -> list[Any]:
    return [response for _, response in await signal.send(sender=sender)]


# --- muted -------------------------------------------------------------------


async def test_a_muted_signal_sends_nothing(signal: Signal[Any, ...]) -> None:
    signal.connect(first)

    with signal.muted():
        assert await signal.send(sender=None) == []
        assert await signal.send_robust(sender=None) == []
    assert await responses(signal) == ["first"]


async def test_muting_one_signal_leaves_the_others(signal: Signal[Any, ...]) -> None:
    other = Signal(Ping)
    signal.connect(first)
    other.connect(first)

    with signal.muted():
        assert await responses(other) == ["first"]


async def test_leaving_an_inner_block_leaves_the_outer_muted(signal: Signal[Any, ...]) -> None:
    signal.connect(first)

    with signal.muted():
        with signal.muted():
            assert await responses(signal) == []
        assert await responses(signal) == []
    assert await responses(signal) == ["first"]


async def test_blocks_may_overlap_in_any_order(signal: Signal[Any, ...]) -> None:
    signal.connect(first)
    one, other = signal.muted(), signal.muted()

    one.__enter__()
    other.__enter__()
    one.__exit__(None, None, None)
    assert await responses(signal) == []
    other.__exit__(None, None, None)
    assert await responses(signal) == ["first"]


async def test_an_exception_leaves_the_block_exactly(signal: Signal[Any, ...]) -> None:
    signal.connect(first)

    with pytest.raises(LookupError), signal.muted():
        raise LookupError
    assert await responses(signal) == ["first"]


async def test_muting_one_task_silences_no_other(signal: Signal[Any, ...]) -> None:
    signal.connect(first)
    muted, done = asyncio.Event(), asyncio.Event()

    async def mutes() -> None:
        with signal.muted():
            muted.set()
            await done.wait()

    task = asyncio.create_task(mutes())
    await muted.wait()
    assert await responses(signal) == ["first"]
    done.set()
    await task


async def test_tasks_of_a_muted_block_are_muted(signal: Signal[Any, ...]) -> None:
    signal.connect(first)

    with signal.muted():
        inside = asyncio.create_task(responses(signal))
    assert await inside == []
    assert await responses(signal) == ["first"]


async def test_leaving_a_block_in_another_context_harms_nothing(
    signal: Signal[Any, ...],
) -> None:
    signal.connect(first)
    block = signal.muted()
    contextvars.copy_context().run(block.__enter__)

    block.__exit__(None, None, None)

    assert await responses(signal) == ["first"]


def test_a_block_is_no_decorator(signal: Signal[Any, ...]) -> None:
    """As a decorator it would end before an async function had begun."""
    assert not callable(signal.muted())
    assert not callable(signal.connected_to(first))


# --- connected_to ------------------------------------------------------------


async def test_a_receiver_is_connected_for_a_block(signal: Signal[Any, ...]) -> None:
    with signal.connected_to(first, sender=Shop) as connected:
        assert connected is first
        assert await responses(signal, Shop) == ["first"]
        assert await responses(signal, Store) == []
    assert await responses(signal, Shop) == []


async def test_a_receiver_is_held_for_the_block(signal: Signal[Any, ...]) -> None:
    def local() -> Any:
        async def receiver(sender: object, **kwargs: Any) -> str:
            return "local"

        return receiver

    with signal.connected_to(local()):
        assert await responses(signal) == ["local"]
    assert signal.receivers == []


async def test_an_exception_disconnects_too(signal: Signal[Any, ...]) -> None:
    with pytest.raises(LookupError), signal.connected_to(first):
        raise LookupError
    assert signal.receivers == []


async def test_connections_to_other_senders_stay(signal: Signal[Any, ...]) -> None:
    signal.connect(first, sender=Shop)

    with signal.connected_to(first, sender=Store):
        assert await responses(signal, Shop) == ["first"]
    assert await responses(signal, Shop) == ["first"]
    assert await responses(signal, Store) == []


async def test_an_earlier_connection_stays_as_it_was(signal: Signal[Any, ...]) -> None:
    signal.connect(first, priority=3)
    before = signal.receivers

    with signal.connected_to(first, priority=9):
        assert await responses(signal) == ["first"]
        assert signal.receivers == before
    assert signal.receivers == before


async def test_the_last_of_overlapping_blocks_disconnects(signal: Signal[Any, ...]) -> None:
    one, other = signal.connected_to(first), signal.connected_to(first)

    one.__enter__()
    other.__enter__()
    one.__exit__(None, None, None)
    assert await responses(signal) == ["first"]
    other.__exit__(None, None, None)
    assert signal.receivers == []


async def test_a_block_object_may_be_entered_again(signal: Signal[Any, ...]) -> None:
    block = signal.connected_to(first)

    with block, block:
        assert await responses(signal) == ["first"]
    assert signal.receivers == []
    with block:
        assert await responses(signal) == ["first"]
    assert signal.receivers == []


async def test_connecting_for_good_within_the_block_stays(signal: Signal[Any, ...]) -> None:
    with signal.connected_to(first):
        signal.connect(first)
    assert await responses(signal) == ["first"]


async def test_disconnecting_within_the_block_disconnects(signal: Signal[Any, ...]) -> None:
    with signal.connected_to(first):
        assert signal.disconnect(first)
        assert await responses(signal) == []
        signal.connect(first)
    assert await responses(signal) == ["first"]


async def test_blocks_take_a_dispatch_uid(signal: Signal[Any, ...]) -> None:
    with signal.connected_to(first, dispatch_uid="audit", weak=False):
        assert signal.receivers[0].dispatch_uid == "audit"
    assert signal.receivers == []


def test_an_unfit_receiver_is_refused_when_the_block_begins(signal: Signal[Any, ...]) -> None:
    def sync(sender: object, **kwargs: Any) -> None: ...

    block = signal.connected_to(sync)  # type: ignore[signal-receiver]
    with pytest.raises(ReceiverTypeError, match="sync"):
        block.__enter__()
    assert inspect.isfunction(sync)
