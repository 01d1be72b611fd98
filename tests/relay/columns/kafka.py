"""Kafka, as the contract uses it: in memory, and on the servers at KAFKA_URL, where that is set."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from faststream.kafka import KafkaBroker, KafkaMessage, TestKafkaBroker

from fastdjango_signals.relay import DeadLetter, Relay
from fastdjango_signals.relay.kafka import KafkaTopics
from fastdjango_signals.relay.letters import ABOUT, letter_from
from tests.relay.contract import Can, Column, all_running


class InMemory:
    """FastStream's own: it calls the subscribers in `publish`, and stores nothing."""

    def __init__(self) -> None:
        self._brokers: list[KafkaBroker] = []
        self._letters: list[tuple[Any, bytes]] = []

    def transport(self, **options: Any) -> KafkaTopics:
        broker = KafkaBroker(logger=None)
        broker.config.broker_config.admin.admin_client = _Admin()
        self._brokers.append(broker)
        return KafkaTopics(broker, **options)

    @asynccontextmanager
    async def running(self, *relays: Relay) -> AsyncIterator[None]:
        dead = KafkaBroker(logger=None)
        for name in {relay.service for relay in relays}:
            dead.subscriber(f"signals-dead.{name}", decoder=_raw)(self._bury)
        brokers = TestKafkaBroker(*self._brokers, dead, connect_only=True)
        async with brokers, all_running(*relays):
            await dead.start()
            yield

    async def _bury(self, message: Any) -> None:
        self._letters.append((message.headers[ABOUT], message.body))

    async def letters(self, relay: Relay) -> list[DeadLetter]:
        return [letter_from(relay.service, about, body) for about, body in self._letters]

    async def publish(self, signal: str, body: bytes) -> None:
        await self._brokers[0].publish(body, f"signals.{signal}")


class Kafka:
    running = staticmethod(all_running)

    def __init__(self, url: str) -> None:
        self.url = url

    def transport(self, **options: Any) -> KafkaTopics:
        options.pop("ack_wait", None)  # Kafka allows no less than 6 seconds
        return KafkaTopics(KafkaBroker(self.url, logger=None), **options)

    async def letters(self, relay: Relay) -> list[DeadLetter]:
        return [letter async for letter in relay.dead_letters()]

    async def publish(self, signal: str, body: bytes) -> None:
        async with KafkaBroker(self.url, logger=None) as broker:
            await broker.publish(body, f"signals.{signal}")


class _Admin:
    async def create_topics(self, topics: object) -> Any:
        return SimpleNamespace(topic_errors=[])


async def _raw(message: KafkaMessage) -> KafkaMessage:
    return message


@contextmanager
def opened_in_memory(folder: Path) -> Iterator[InMemory]:
    yield InMemory()


@contextmanager
def opened_there(folder: Path) -> Iterator[Kafka]:
    yield Kafka(os.environ["KAFKA_URL"])


# FastStream has one member of each group receive.
COLUMNS = {"Kafka in memory": Column(frozenset({Can.SHARE}), opened_in_memory)}
if "KAFKA_URL" in os.environ:
    can = {Can.SHARE, Can.KEEP, Can.BEGIN_EARLY, Can.REPLAY}
    COLUMNS["Kafka"] = Column(frozenset(can), opened_there)
