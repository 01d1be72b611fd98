"""RabbitMQ, as the contract uses it: on a real server where there is one, and in memory."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import aio_pika
from faststream.rabbit import RabbitBroker, RabbitMessage, RabbitQueue, TestRabbitBroker

from fastdjango_signals.relay import DeadLetter, Relay
from fastdjango_signals.relay.letters import ABOUT, letter_from
from fastdjango_signals.relay.rabbit import RabbitQueues
from tests.relay.contract import EVERYTHING, PASSWORD, Can, Column, all_running
from tests.relay.servers import RabbitServer, free_port, rabbit_program


def transport(url: str, **options: Any) -> RabbitQueues:
    options.pop("ack_wait", None)  # the connection says whether a replica lives
    return RabbitQueues(RabbitBroker(url, logger=None, reconnect_interval=0.2), **options)


class Rabbit:
    running = staticmethod(all_running)

    def __init__(self, url: str, server: RabbitServer | None) -> None:
        self.url = url
        self._server = server

    def start(self) -> None:
        if self._server is not None:
            self._server.start()

    def kill(self) -> None:
        if self._server is not None:
            # RabbitMQ 3.10 does not find a quorum queue again that was made right before.
            time.sleep(2)
            self._server.kill()

    def transport(self, **options: Any) -> RabbitQueues:
        return transport(self.url, **options)

    def nobody(self) -> Any:
        return transport(f"amqp://shop:{PASSWORD}@127.0.0.1:{free_port()}/")

    async def letters(self, relay: Relay) -> list[DeadLetter]:
        return [letter async for letter in relay.dead_letters()]

    async def publish(self, signal: str, body: bytes) -> None:
        async with await aio_pika.connect(self.url) as connection:
            channel = await connection.channel()
            exchange = await channel.get_exchange("signals")
            await exchange.publish(aio_pika.Message(body), signal)


@contextmanager
def opened_here(folder: Path) -> Iterator[Rabbit]:
    program = rabbit_program()
    assert program is not None
    server = RabbitServer(folder, program)
    server.start()
    try:
        yield Rabbit(server.url, server)
    finally:
        server.end()


@contextmanager
def opened_there(folder: Path) -> Iterator[Rabbit]:
    yield Rabbit(os.environ["RABBITMQ_URL"], None)


class InMemory:
    """FastStream's own: it calls the subscribers in `publish`, and stores nothing."""

    def __init__(self) -> None:
        self._brokers: list[RabbitBroker] = []
        self._letters: list[tuple[Any, bytes]] = []

    def transport(self, **options: Any) -> RabbitQueues:
        options.pop("ack_wait", None)
        broker = RabbitBroker(logger=None)
        self._brokers.append(broker)
        return RabbitQueues(broker, **options)

    @asynccontextmanager
    async def running(self, *relays: Relay) -> AsyncIterator[None]:
        dead = RabbitBroker(logger=None)
        for name in {relay.service for relay in relays}:
            dead.subscriber(RabbitQueue(f"signals-dead.{name}"), decoder=_raw)(self._bury)
        brokers = TestRabbitBroker(*self._brokers, dead, connect_only=True)
        async with brokers, all_running(*relays):
            await dead.start()
            yield

    async def _bury(self, message: Any) -> None:
        self._letters.append((message.headers[ABOUT], message.body))

    async def letters(self, relay: Relay) -> list[DeadLetter]:
        return [letter_from(relay.service, about, body) for about, body in self._letters]

    async def publish(self, signal: str, body: bytes) -> None:
        await self._brokers[0].publish(body, exchange="signals", routing_key=signal)


async def _raw(message: RabbitMessage) -> RabbitMessage:
    return message


@contextmanager
def opened_in_memory(folder: Path) -> Iterator[InMemory]:
    yield InMemory()


_REAL = EVERYTHING - {Can.BEGIN_EARLY, Can.PASS_BY}
COLUMNS = {"RabbitMQ in memory": Column(frozenset(), opened_in_memory)}
if "RABBITMQ_URL" in os.environ:
    COLUMNS["RabbitMQ"] = Column(_REAL - {Can.DIE}, opened_there, is_slow=True)
elif rabbit_program() is not None:
    COLUMNS["RabbitMQ"] = Column(_REAL, opened_here, is_slow=True)
