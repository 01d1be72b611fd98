"""Receiving a backlog through the relay, and through FastStream alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import Any, TypeAlias

from faststream.nats import JStream, NatsBroker, NatsMessage, PullSub

from benchmarks import relay_publishing as publishing
from benchmarks.relay_brokers import Stream
from benchmarks.relay_clocks import Clock, Took
from benchmarks.relay_payloads import FIELDS, OrderPlaced, new_signal
from fastdjango_signals.relay import Relay

PREFETCH = 64
"""Events fetched at a time: the default of the relay, and FastStream is given the same."""

_numbers = count()


class CountError(Exception):
    """More, or other, was received than had been published."""


@dataclass(slots=True)
class Counter:
    """Waits for the last of so many events."""

    events: int
    received: int = 0
    all_received: asyncio.Event = field(default_factory=asyncio.Event)

    def take(self, order: OrderPlaced) -> None:
        """Count one event, and see that it is the one that was published."""
        if order.order_id != FIELDS["order_id"]:
            raise CountError(f"order {order.order_id} was never published")
        self.received += 1
        if self.received == self.events:
            self.all_received.set()


Consumer: TypeAlias = Callable[[Stream, Counter], AbstractAsyncContextManager[object]]
"""Receives for as long as it is open."""


def by_relay(stream: Stream, counter: Counter) -> Relay:
    """Return a service of its own, with an ordinary receiver."""
    signal = new_signal()

    async def receive(sender: object, payload: OrderPlaced) -> None:
        counter.take(payload)

    signal.connect(receive, weak=False)
    return Relay(f"stock{next(_numbers)}", stream.transport(), receives=[signal])


def by_pulling(stream: Stream, counter: Counter, prefetch: int = PREFETCH) -> NatsBroker:
    """Return the subscriber of FastStream's pages, with what it fetches at a time."""
    broker = stream.broker()

    @broker.subscriber(
        stream.plain,
        durable=f"plain{next(_numbers)}",
        stream=JStream(stream.name, declare=False),
        pull_sub=PullSub(batch_size=prefetch),
    )
    async def receive(order: OrderPlaced) -> None:
        counter.take(order)

    return broker


def by_push(stream: Stream, counter: Counter) -> NatsBroker:
    """Return the fastest that was found: the server pushes, and a decoder makes the model."""
    broker = stream.broker()

    async def decode(message: NatsMessage) -> OrderPlaced:
        return OrderPlaced.model_validate_json(message.body)

    @broker.subscriber(
        stream.plain,
        queue=f"plain{next(_numbers)}",
        stream=JStream(stream.name, declare=False),
        decoder=decode,
        no_reply=True,
    )
    async def receive(order: Any) -> None:
        counter.take(order)

    return broker


CONSUMERS: Mapping[str, Consumer] = {
    "relay": by_relay,
    "FastStream": by_pulling,
    "FastStream, pull_sub=True": partial(by_pulling, prefetch=1),
    "FastStream, pushed": by_push,
}


async def publish_backlog(stream: Stream, events: int) -> None:
    """Publish so many events in each of the two ways, neither of which is measured here."""
    signal = new_signal()
    async with (
        Relay("shop", stream.transport(), publishes=[signal]),
        stream.broker() as broker,
    ):
        for publish in (publishing.relay(signal), publishing.faststream(broker, stream)):
            await publishing.in_flight(publish, events)


async def consume(make: Consumer, stream: Stream, events: int) -> Took:
    """Receive a backlog, from the start to the last one's receiver."""
    counter = Counter(events)
    consumer = make(stream, counter)
    clock = Clock()
    async with consumer as opened:
        if isinstance(opened, NatsBroker):
            await opened.start()
        await counter.all_received.wait()
        took = clock.stop(events)
    if counter.received != events:
        raise CountError(f"{counter.received} events were received, and {events} published")
    return took
