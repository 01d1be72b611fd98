"""The call loops, driven directly."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from fastdjango_signals import Payload
from fastdjango_signals.concurrency import _Together
from fastdjango_signals.dispatch import (
    Delivery,
    Strategy,
    delivery_of,
    send_in_turn,
    send_robust_in_turn,
)
from fastdjango_signals.loops import loops_of
from fastdjango_signals.options import Options
from fastdjango_signals.payloads import Schema
from fastdjango_signals.plans import Plan
from fastdjango_signals.receivers import Connection

SCHEMA = Schema(Payload, "Payload")
IN_TURN, TOGETHER = (loops_of(SCHEMA, concurrent=concurrent) for concurrent in (False, True))
WAYS = ("as it is", "fields", "payload", "each")
PLAIN = dict(zip(WAYS, (send_in_turn, *IN_TURN.send), strict=True))
PLAIN["together"] = TOGETHER.send[0]
ROBUST_IN_TURN = dict(zip(WAYS, (send_robust_in_turn, *IN_TURN.send_robust), strict=True))
ROBUST = {**ROBUST_IN_TURN, "together": TOGETHER.send_robust[0]}


def each_of(*loops: dict[str, Strategy]) -> pytest.MarkDecorator:
    named = [pytest.param(loop, id=name) for group in loops for name, loop in group.items()]
    return pytest.mark.parametrize("strategy", named)


async def first(sender: object, **kwargs: Any) -> str:
    return "first"


def connection(receiver: Any) -> Connection:
    return Connection(id(receiver), lambda: receiver, False, Options(), 0)


@pytest.fixture
def delivery() -> Delivery:
    return delivery_of(None, Payload(), "ping", SCHEMA)


@each_of(PLAIN, ROBUST)
async def test_a_receiver_that_is_dead_when_its_turn_comes_is_passed_over(
    strategy: Strategy,
) -> None:
    plan = Plan.of([connection(None), connection(first)])

    assert await strategy(plan, None, Payload(), "ping", SCHEMA) == [(first, "first")]


async def test_a_receiver_whose_coroutine_is_closed_has_not_failed(delivery: Delivery) -> None:
    """As when an event loop is thrown away with its tasks."""

    async def waits(sender: object, **kwargs: Any) -> None:
        await asyncio.sleep(0)

    group = _Together(delivery)
    receiving = group._receive(connection(waits), waits)
    receiving.send(None)
    receiving.close()

    assert group._failures == []


@each_of(ROBUST_IN_TURN)
async def test_a_receiver_that_cancels_its_caller_and_returns_has_cancelled_it(
    strategy: Strategy,
) -> None:
    async def cancels(sender: object, **kwargs: Any) -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()

    async def work() -> str:
        with pytest.raises(asyncio.CancelledError):
            await strategy(Plan.of([connection(cancels)]), None, Payload(), "ping", SCHEMA)
        await asyncio.sleep(0)  # where asyncio would deliver it a second time
        return "cleaned up"

    assert await asyncio.create_task(work()) == "cleaned up"


async def fails(sender: object, **kwargs: Any) -> None:
    raise LookupError("no")


@each_of(PLAIN)
async def test_every_loop_lets_the_first_failure_out_and_notes_where_it_comes_from(
    strategy: Strategy,
) -> None:
    plan = Plan.of([connection(fails), connection(first)])

    with pytest.raises(LookupError) as caught:
        await strategy(plan, None, Payload(), "ping", SCHEMA)

    (note,) = caught.value.__notes__
    assert note.startswith("in receiver tests.core.test_dispatch.fails")
    assert note.endswith("of signal ping")


@each_of(ROBUST)
async def test_every_robust_loop_makes_a_failure_a_response(
    strategy: Strategy, caplog: pytest.LogCaptureFixture
) -> None:
    plan = Plan.of([connection(fails), connection(first)])

    (_, failure), (_, response) = await strategy(plan, None, Payload(), "ping", SCHEMA)

    assert isinstance(failure, LookupError)
    assert response == "first"
    assert "of signal ping failed" in caplog.text


@each_of(ROBUST_IN_TURN)
@pytest.mark.parametrize("turned", [True, False], ids=["into an error", "through"])
async def test_every_robust_loop_lets_the_callers_cancellation_out(
    strategy: Strategy, turned: bool
) -> None:
    async def waits(sender: object, **kwargs: Any) -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            if turned:
                raise LookupError from None
            raise

    plan = Plan.of([connection(waits)])
    sending = asyncio.ensure_future(strategy(plan, None, Payload(), "ping", SCHEMA))
    await asyncio.sleep(0)
    sending.cancel()

    with pytest.raises(asyncio.CancelledError):
        await sending
    assert sending.cancelled()
