"""What every broker promises; `columns` says how each one is used for it, and what it cannot do."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    AsyncExitStack,
    asynccontextmanager,
)
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, Protocol, TypeAlias
from uuid import uuid4

from fastdjango_signals import Payload, Signal
from fastdjango_signals.relay import DeadLetter, Event, Relay, Transport, current_event

PASSWORD = "hunter2-3f1c"
"""Of each server that has one; it is never to be seen."""

SECRET = "4111-1111"
"""What the payloads have; no log and no error may show it."""


class Can(Enum):
    """What not every broker can do."""

    SHARE = "replicas of a service share its events"
    KEEP = "a service that is away gets later what is published meanwhile"
    BEGIN_EARLY = "a service gets what was published before its first start"
    REPLAY = "dead letters can be received once more"
    HURRY = "several workers of a replica receive at a time"
    PASS_BY = "an event that waits for its next try lets others pass"
    COUNT = "tries are counted beyond the end of a process"
    DIE = "the server can be killed, and comes back with all it had"
    REFUSE = "a server that is not there is noticed"


EVERYTHING = frozenset(Can)


class Broker(Protocol):
    """A broker, which runs."""

    def transport(self, **options: Any) -> Transport:
        """Return a transport to it, with a connection of its own."""
        ...

    def running(self, *relays: Relay) -> AbstractAsyncContextManager[None]:
        """Have relays running, each a replica of its own."""
        ...

    async def letters(self, relay: Relay) -> list[DeadLetter]:
        """Return the dead letters of a relay's service."""
        ...

    async def publish(self, signal: str, body: bytes) -> None:
        """Publish what need be no event."""
        ...


class Server(Broker, Protocol):
    """A broker in a process of its own."""

    url: str

    def nobody(self) -> Transport:
        """Return a transport to a port on which nothing listens, with credentials."""
        ...

    def kill(self) -> None:
        """Kill it, so that nothing listens on its port any more."""
        ...

    def start(self) -> None:
        """Start it once more."""
        ...


@dataclass(frozen=True)
class Column:
    """One broker, and how to have it.

    Attributes:
        can: What it can do.
        open: Opens it, in a folder.
        is_slow: Whether it takes seconds to open, so that the tests share one.
    """

    can: frozenset[Can]
    open: Callable[[Path], AbstractContextManager[Any]]
    is_slow: bool = False


class Placed(Payload):
    order_id: int
    card: str = SECRET


def twins(count: int) -> list[Signal[Any, ...]]:
    """Return signals of one name, that nobody else has: one for each service, as in processes."""
    name = f"shop.placed_{uuid4().hex}"
    return [Signal(Placed, name=name) for _ in range(count)]


def service(name: str) -> str:
    """Return a name for a service that nobody else has."""
    return f"{name}-{uuid4().hex}"


@dataclass(frozen=True)
class Heard:
    """One event that was received."""

    order_id: int
    event: Event
    at: float


Behaviour: TypeAlias = Callable[[Heard], Awaitable[object]]


@dataclass
class Receiver:
    """Notes what it receives, and then behaves as it is told."""

    behaviour: Behaviour | None = None
    heard: list[Heard] = field(default_factory=list)
    ended: list[int] = field(default_factory=list)

    async def __call__(self, sender: object, order_id: int, card: str, **others: object) -> None:
        event = current_event()
        assert event is not None
        heard = Heard(order_id, event, time.monotonic())
        self.heard.append(heard)
        if self.behaviour is not None:
            await self.behaviour(heard)
        self.ended.append(order_id)

    @property
    def orders(self) -> list[int]:
        """What it has received, each try."""
        return [each.order_id for each in self.heard]


def failing(times: int, *orders: int) -> Behaviour:
    """Return a behaviour that raises in the first tries of some orders; of all without any."""

    async def fail(heard: Heard) -> None:
        if heard.event.tries <= times and (not orders or heard.order_id in orders):
            raise LookupError

    return fail


def taking(seconds: float) -> Behaviour:
    """Return a behaviour that takes some time."""

    async def take(heard: Heard) -> None:
        await asyncio.sleep(seconds)

    return take


@asynccontextmanager
async def all_running(*relays: Relay) -> Any:
    """Have relays running on real brokers."""
    async with AsyncExitStack() as stack:
        for relay in relays:
            await stack.enter_async_context(relay)
        yield


async def letters_of(relay: Relay, broker: Broker, count: int = 1) -> list[DeadLetter]:
    """Wait until a relay's service has so many dead letters; return them."""
    async with asyncio.timeout(10):
        while True:
            letters = await broker.letters(relay)
            if len(letters) >= count:
                return letters
            await asyncio.sleep(0.02)
