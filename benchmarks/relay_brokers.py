"""The streams of the one server that all contenders share."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count

from faststream.nats import NatsBroker
from nats.js import JetStreamContext

from benchmarks.relay_payloads import NAME
from fastdjango_signals.relay import Relay
from fastdjango_signals.relay.nats import JetStream

_numbers = count()


@dataclass(frozen=True, slots=True)
class Stream:
    """A stream that a relay has made.

    FastStream's events lie in the very same one, on another subject, so that they cost the server
    the same.

    Attributes:
        url: The server.
        name: Its name, which is the prefix of the relay.
        jetstream: What manages it.
    """

    url: str
    name: str
    jetstream: JetStreamContext

    @property
    def plain(self) -> str:
        """The subject of FastStream alone, as long as the other: it reads it letter by letter."""
        return f"{self.name}.{'plain'.ljust(len(NAME), '-')}"

    def broker(self) -> NatsBroker:
        """Return a connection of its own, that logs nothing."""
        return _broker(self.url)

    def transport(self) -> JetStream:
        """Return a relay's way to it."""
        return JetStream(self.broker(), prefix=self.name)

    async def sizes(self) -> dict[str, int]:
        """Return the bytes of an event, by who published it."""
        subjects = {"the relay": f"{self.name}.{NAME}", "FastStream": self.plain}
        found: dict[str, int] = {}
        for who, subject in subjects.items():
            event = await self.jetstream.get_last_msg(self.name, subject)
            found[who] = len(event.data or b"")
        return found


@asynccontextmanager
async def opened(url: str) -> AsyncGenerator[Stream, None]:
    """Give a new stream for a block."""
    name = f"s{next(_numbers)}"
    async with Relay("maker", JetStream(_broker(url), prefix=name)):
        pass
    async with _broker(url) as broker:
        jetstream: JetStreamContext = broker.connection.jetstream()  # pyright: ignore[reportUnknownMemberType]
        yield Stream(url, name, jetstream)
        for each in (name, f"{name}-dead"):
            await jetstream.delete_stream(each)


def _broker(url: str) -> NatsBroker:
    return NatsBroker(url, logger=None)
