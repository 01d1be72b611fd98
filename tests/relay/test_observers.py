"""Observers, and what an event carries along for them from one process to another."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Generator, MutableMapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any
from uuid import uuid4

import pytest

from fastdjango_signals import Payload, Signal
from fastdjango_signals.observers import (
    Observer,
    Send,
    SendObserver,
    add_observer,
    remove_observer,
)
from fastdjango_signals.places import name_of
from fastdjango_signals.receivers import Receiver
from fastdjango_signals.relay import Event, Relay, current_event
from fastdjango_signals.relay.wire import Wire
from tests.relay.transports import Delivered, Recorded

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Ordered(Payload):
    order_id: int


class Traced(Observer):
    """Has each event carry a trace, and notes what comes along with others."""

    def __init__(self) -> None:
        self.carrier: dict[str, Any] = {"traceparent": TRACE, "tracestate": "a=1"}
        self.sends: list[Send] = []
        self.called: list[str] = []

    def sending(self, send: Send, /) -> AbstractContextManager[SendObserver]:
        self.sends.append(send)
        return nullcontext(_TracedSend(self.called))

    def inject(self, carrier: MutableMapping[str, str], /) -> None:
        carrier.update(self.carrier)


class _TracedSend(SendObserver):
    def __init__(self, called: list[str]) -> None:
        self._called = called

    @contextmanager
    def receiving(self, receiver: Receiver, /) -> Generator[None, None, None]:
        self._called.append(name_of(receiver).rpartition(".")[2])
        try:
            yield
        except BaseException as error:
            self._called.append(f"raises {type(error).__name__}")
            raise


@pytest.fixture
def traced() -> Generator[Traced, None, None]:
    observer = Traced()
    add_observer(observer)
    yield observer
    remove_observer(observer)


@pytest.fixture
def ordered() -> Signal[Any, ...]:
    return Signal(Ordered, name="shop.ordered")


def wire(signal: Signal[Any, ...]) -> Wire:
    return Wire(signal, "shop", 10_000)


def test_an_event_carries_what_observers_inject(ordered: Signal[Any, ...], traced: Traced) -> None:
    _, body = wire(ordered).encode(None, Ordered(order_id=1))
    event, _, _ = wire(ordered).decode(body)

    assert json.loads(body)["traceparent"] == TRACE
    assert event.carrier == {"traceparent": TRACE, "tracestate": "a=1"}


@pytest.mark.parametrize("value", [None, 7, ["a"], "", "a\nb", "ü", "x" * 513])
def test_what_is_no_trace_is_left_out_of_an_event(
    ordered: Signal[Any, ...], traced: Traced, value: object
) -> None:
    traced.carrier = {"traceparent": value, "baggage": "secret"}
    _, body = wire(ordered).encode(None, Ordered(order_id=1))
    assert not {"traceparent", "baggage"} & json.loads(body).keys()

    foreign = json.dumps({**json.loads(body), "traceparent": value}).encode()
    event, _, _ = wire(ordered).decode(foreign)
    assert event.carrier == {}


def test_an_event_without_a_trace_carries_nothing(ordered: Signal[Any, ...]) -> None:
    event, _, _ = wire(ordered).decode(wire(ordered).encode(None, Ordered(order_id=1))[1])
    assert event.carrier == {}
    assert hash(event) == hash(event)


@pytest.mark.parametrize("concurrent", [False, True])
async def test_what_comes_from_a_broker_is_observed_with_what_it_carries(
    traced: Traced, *, concurrent: bool
) -> None:
    ordered = Signal(Ordered, name="shop.ordered", concurrent=concurrent)
    events: list[Event | None] = []
    transport = Recorded()

    @ordered.connect
    async def pack(sender: object, **fields: object) -> None:
        events.append(current_event())

    @ordered.connect
    async def fail(sender: object, payload: Ordered) -> None:
        raise LookupError

    body = {
        "specversion": "1.0",
        "id": str(uuid4()),
        "source": "shop",
        "type": "shop.ordered",
        "traceparent": TRACE,
        "data": {"order_id": 3},
    }
    async with Relay("warehouse", transport, receives=[ordered]):
        await transport.subscriptions["shop.ordered"].handler(Delivered(json.dumps(body).encode()))

    (send,) = traced.sends
    assert (send.carrier, send.event_id) == ({"traceparent": TRACE}, body["id"])
    assert (send.signal, send.payload) == ("shop.ordered", Ordered(order_id=3))
    assert (send.receivers, send.robust, send.concurrent) == (2, True, concurrent)
    assert traced.called == ["pack", "fail", "raises LookupError"]
    assert [event and event.carrier for event in events] == [{"traceparent": TRACE}]


async def test_the_relay_is_among_the_receivers_that_are_observed(
    ordered: Signal[Any, ...], traced: Traced
) -> None:
    transport = Recorded()
    async with Relay("shop", transport, publishes=[ordered]):
        ((_, event_id),) = await ordered.send(None, order_id=1)

    ((_, published, body),) = transport.published
    assert published == event_id
    assert json.loads(body)["traceparent"] == TRACE
    assert traced.called == ["Publisher"]
    assert traced.sends[0].carrier is None


async def test_observers_see_that_a_receiver_is_too_late(
    ordered: Signal[Any, ...], traced: Traced
) -> None:
    @ordered.connect
    async def dawdle(sender: object, **fields: object) -> None:
        await asyncio.sleep(60)

    transport = Recorded()
    async with Relay("warehouse", transport, receives=[ordered], timeout=0.01):
        event = {
            "specversion": "1.0",
            "id": "17",
            "source": "shop",
            "type": "shop.ordered",
            "data": {"order_id": 3},
        }
        handle = transport.subscriptions["shop.ordered"].handler
        await handle(Delivered(json.dumps(event).encode()))
    assert traced.called == ["dawdle", "raises TimeoutError"]
