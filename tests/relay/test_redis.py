"""What is particular to Redis Streams."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from faststream.redis import RedisBroker, StreamSub
from redis.asyncio import Redis

from fastdjango_signals.relay import Relay, Retry
from tests.relay.columns.redis import RedisOfTests, opened
from tests.relay.contract import Receiver, failing, letters_of, service, taking, twins
from tests.relay.servers import until


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisOfTests]:
    with opened(tmp_path) as server:
        yield server


@pytest.fixture
async def client(server: RedisOfTests) -> AsyncIterator[Any]:
    async with Redis.from_url(server.url) as client:
        yield client


async def test_any_consumer_can_read_an_event(server: RedisOfTests, client: Any) -> None:
    [sent] = twins(1)
    key = f"signals:{sent.name}"
    async with Relay(service("shop"), server.transport(), publishes=[sent]):
        await sent.send(None, order_id=1)
    [(_, fields)] = await client.xrange(key)
    event = json.loads(fields[b"data"])
    assert (event["type"], event["data"]["order_id"]) == (sent.name, 1)
    assert fields[b"content-type"] == b"application/cloudevents+json"

    read: list[Any] = []
    other = RedisBroker(server.url)

    @other.subscriber(stream=StreamSub(key, last_id="0"))
    async def receive(event: dict[str, Any]) -> None:
        read.append(event)

    async with other:
        await other.start()
        await until(lambda: read)
    assert read == [event]


async def test_a_service_goes_on_where_the_server_has_lost_everything(
    server: RedisOfTests, client: Any
) -> None:
    sent, received = twins(2)
    receiver = Receiver()
    shop = Relay(service("shop"), server.transport(), publishes=[sent])
    stock = Relay(service("stock"), server.transport(), receives=[received])
    with received.connected_to(receiver):
        async with shop, stock:
            await sent.send(None, order_id=1)
            await until(lambda: receiver.ended)
            await client.flushall()
            await sent.send(None, order_id=2)
            await until(lambda: receiver.ended == [1, 2])


async def test_events_older_than_they_are_kept_are_dropped(
    server: RedisOfTests, client: Any
) -> None:
    sent, later = twins(2)
    key = f"signals:{sent.name}"
    await client.xadd(key, {"data": "old"}, id="1-0")
    for _ in range(200):  # Redis drops whole nodes of 100
        await client.xadd(key, {"data": "old"})
    async with Relay(service("shop"), server.transport(keep=3600), publishes=[sent]):
        await sent.send(None, order_id=1)
        assert await client.xlen(key) > 100
    async with Relay(service("shop"), server.transport(keep=0.001), publishes=[later]):
        await asyncio.sleep(0.01)
        await later.send(None, order_id=1)
        assert await client.xlen(key) <= 102


async def test_what_was_trimmed_while_it_was_tried_stops_nothing(
    server: RedisOfTests, client: Any
) -> None:
    sent, received = twins(2)
    receiver = Receiver(failing(1, 1))
    shop = Relay(service("shop"), server.transport(), publishes=[sent])
    stock = Relay(service("stock"), server.transport(), receives=[received], retry=Retry(delay=0.3))
    with received.connected_to(receiver):
        async with shop, stock:
            await sent.send(None, order_id=1)
            await until(lambda: receiver.heard)
            await client.xtrim(f"signals:{sent.name}", maxlen=0, approximate=False)
            await asyncio.sleep(0.5)
            await sent.send(None, order_id=2)
            await until(lambda: receiver.ended)
    assert receiver.ended == [2]


async def test_what_has_no_event_is_a_dead_letter_that_shows_its_fields(
    server: RedisOfTests, client: Any
) -> None:
    [received] = twins(1)
    receiver = Receiver()
    stock = Relay(service("stock"), server.transport(), receives=[received])
    with received.connected_to(receiver):
        async with stock:
            await client.xadd(f"signals:{received.name}", {"text": b"\xff", "number": 1})
            [letter] = await letters_of(stock, server)
    assert json.loads(letter.body) == {"text": "\N{REPLACEMENT CHARACTER}", "number": "1"}


async def test_a_replica_that_stops_leaves_no_consumer_behind(
    server: RedisOfTests, client: Any
) -> None:
    sent, received = twins(2)
    receiver = Receiver(taking(0.2))
    name = service("stock")
    key = f"signals:{sent.name}"
    shop = Relay(service("shop"), server.transport(), publishes=[sent])
    stock = Relay(name, server.transport(), receives=[received])
    with received.connected_to(receiver):
        async with shop, stock:
            for order_id in range(3):
                await sent.send(None, order_id=order_id)
            await until(lambda: receiver.heard)
    [left] = await client.xinfo_consumers(key, name)
    assert (left["name"], left["pending"]) == (b"(waiting)", 2)


async def test_an_event_waits_in_its_process_for_a_try_that_is_far(server: RedisOfTests) -> None:
    sent, received = twins(2)
    receiver = Receiver(failing(1))
    shop = Relay(service("shop"), server.transport(), publishes=[sent])
    retry = Retry(delay=0.8, jitter=0)
    replicas = [
        Relay(name, server.transport(ack_wait=0.5), receives=[received], retry=retry)
        for name in [service("stock")] * 2
    ]
    with received.connected_to(receiver):
        async with shop, replicas[0], replicas[1]:
            await sent.send(None, order_id=1)
            await until(lambda: receiver.ended)
    assert [each.event.tries for each in receiver.heard] == [1, 2]
