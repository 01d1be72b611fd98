"""Publishing through the relay, and through FastStream alone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias
from uuid import uuid4

from faststream.nats import NatsBroker

from benchmarks.relay_brokers import Stream
from benchmarks.relay_clocks import Clock, Took
from benchmarks.relay_payloads import FIELDS, OrderPlaced
from fastdjango_signals import Signal

Publish: TypeAlias = Callable[[], Awaitable[object]]


def relay(signal: Signal[OrderPlaced]) -> Publish:
    """Return what sends the signal, of which a running relay is the only receiver."""

    async def publish() -> object:
        return await signal.send(None, **FIELDS)

    return publish


def faststream(broker: NatsBroker, stream: Stream) -> Publish:
    """Return what publishes the model, as FastStream's pages do."""

    async def publish() -> object:
        return await broker.publish(OrderPlaced(**FIELDS), stream.plain, stream=stream.name)

    return publish


def faststream_bytes(broker: NatsBroker, stream: Stream) -> Publish:
    """Return the fastest that was found: FastStream need not write the JSON."""

    async def publish() -> object:
        body = OrderPlaced(**FIELDS).model_dump_json().encode()
        return await broker.publish(body, stream.plain, stream=stream.name)

    return publish


def faststream_once(broker: NatsBroker, stream: Stream) -> Publish:
    """Return what publishes the model with an id, so that the server keeps it once, as relayed."""

    async def publish() -> object:
        headers = {"Nats-Msg-Id": str(uuid4())}
        order = OrderPlaced(**FIELDS)
        return await broker.publish(order, stream.plain, headers, stream=stream.name)

    return publish


def publishers(
    signal: Signal[OrderPlaced], broker: NatsBroker, stream: Stream
) -> Mapping[str, Publish]:
    """Return what publishes one event, each in its way."""
    return {
        "relay": relay(signal),
        "FastStream": faststream(broker, stream),
        "FastStream, with ids": faststream_once(broker, stream),
        "FastStream, given bytes": faststream_bytes(broker, stream),
    }


async def in_sequence(publish: Publish, events: int) -> Took:
    """Publish events, each when the one before is confirmed."""
    clock = Clock()
    for _ in range(events):
        await publish()
    return clock.stop(events)


async def in_flight(publish: Publish, events: int, at_a_time: int = 200) -> Took:
    """Publish events, with so many unconfirmed at a time."""
    numbers = iter(range(events))

    async def work() -> None:
        for _ in numbers:
            await publish()

    clock = Clock()
    await asyncio.gather(*(work() for _ in range(at_a_time)))
    return clock.stop(events)
