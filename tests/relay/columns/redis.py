"""Redis Streams, as the contract uses them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from faststream.redis import RedisBroker
from redis.asyncio import Redis

from fastdjango_signals.relay import DeadLetter, Relay
from fastdjango_signals.relay.redis import RedisStreams
from tests.relay.contract import EVERYTHING, PASSWORD, Column, all_running
from tests.relay.servers import RedisServer, free_port


def transport(url: str, **options: Any) -> RedisStreams:
    quiet: Any = None  # which its types leave out
    return RedisStreams(RedisBroker(url, logger=quiet), **options)


class RedisOfTests(RedisServer):
    running = staticmethod(all_running)

    def transport(self, **options: Any) -> RedisStreams:
        return transport(self.url, **options)

    def nobody(self) -> Any:
        return transport(f"redis://:{PASSWORD}@127.0.0.1:{free_port()}")

    async def letters(self, relay: Relay) -> list[DeadLetter]:
        return [letter async for letter in relay.dead_letters()]

    async def publish(self, signal: str, body: bytes) -> None:
        async with Redis.from_url(self.url) as client:
            await client.xadd(f"signals:{signal}", {"data": body})


@contextmanager
def opened(folder: Path) -> Iterator[RedisOfTests]:
    server = RedisOfTests(folder, PASSWORD)
    server.start()
    try:
        yield server
    finally:
        server.kill()


COLUMN = Column(EVERYTHING, opened)
