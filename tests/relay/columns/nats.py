"""NATS JetStream, as the contract uses it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nats
from faststream.nats import NatsBroker

from fastdjango_signals.relay import DeadLetter, Relay
from fastdjango_signals.relay.nats import JetStream
from tests.relay.contract import EVERYTHING, PASSWORD, Column, all_running
from tests.relay.servers import NatsServer, free_port


def transport(url: str, **options: Any) -> JetStream:
    soon: Any = 0.1  # which its types take for too short
    return JetStream(NatsBroker(url, logger=None, reconnect_time_wait=soon), **options)


class Nats(NatsServer):
    running = staticmethod(all_running)

    def transport(self, **options: Any) -> JetStream:
        return transport(self.url, **options)

    def nobody(self) -> Any:
        return transport(f"nats://shop:{PASSWORD}@127.0.0.1:{free_port()}", start_timeout=0.5)

    async def letters(self, relay: Relay) -> list[DeadLetter]:
        return [letter async for letter in relay.dead_letters()]

    async def publish(self, signal: str, body: bytes) -> None:
        client = await nats.connect(self.url)
        await client.jetstream().publish(f"signals.{signal}", body)
        await client.close()


@contextmanager
def opened(folder: Path) -> Iterator[Nats]:
    server = Nats(folder, PASSWORD)
    server.start()
    try:
        yield server
    finally:
        server.kill()


COLUMN = Column(EVERYTHING, opened)
