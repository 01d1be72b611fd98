"""What the relay asks of a broker."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeAlias


class Incoming(Protocol):
    """One delivery of one event."""

    @property
    def body(self) -> bytes:
        """The event, as it was published."""
        ...

    async def begin(self) -> int:
        """Return how often this service has begun to work on it, this time included."""
        ...

    async def accept(self) -> None:
        """Tell the broker that it is done with."""
        ...

    async def retry(self, delay: float) -> bool:
        """Ask the broker to deliver it again after this many seconds, to any replica.

        Returns:
            False where the broker cannot, and the event stays with this process.
        """
        ...

    async def keep(self) -> None:
        """Tell the broker that it is still being worked on; called again and again."""
        ...


Handler: TypeAlias = Callable[[Incoming], Awaitable[None]]
"""Receives one delivery. It settles it, and raises nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """What one service receives of one signal.

    Attributes:
        service: The service. All its replicas share what there is.
        signal: Name of the signal.
        workers: Events that a replica works on at a time.
        handler: Called with each delivery, in order of publication; it may be called with many
            at once.
    """

    service: str
    signal: str
    workers: int
    handler: Handler


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """An event that a service could not receive.

    Attributes:
        service: The service that could not.
        signal: Name of the signal.
        event_id: Id of the event; None where it was too broken to have one.
        body: The event, as it was published. Empty where it was too large to keep.
        error: What went wrong in the last try.
        tries: How often it was tried.
        time: When it was given up.
    """

    service: str
    signal: str
    event_id: str | None
    body: bytes
    error: str
    tries: int
    time: datetime


class Buried(Protocol):
    """A dead letter that the broker keeps."""

    @property
    def letter(self) -> DeadLetter:
        """The letter."""
        ...

    async def remove(self) -> None:
        """Have the broker forget it."""
        ...


class Transport(Protocol):
    """A broker, with all that is particular to it."""

    @property
    def keep_every(self) -> float | None:
        """Seconds between two calls of `Incoming.keep`; None where the broker needs none."""
        ...

    def subscribe(self, subscription: Subscription) -> None:
        """Receive one more signal, once started."""
        ...

    async def connect(self) -> None:
        """Connect, and declare what has to exist; receive nothing."""
        ...

    async def start(self) -> None:
        """Begin to receive; called after `connect`."""
        ...

    async def stop(self) -> None:
        """Receive no more, let handlers end, and disconnect."""
        ...

    async def publish(self, signal: str, event_id: str, body: bytes) -> None:
        """Publish an event; return once the broker has confirmed it.

        Raises:
            PublishError: It did not, within the time that the transport allows.
        """
        ...

    async def bury(self, letter: DeadLetter) -> None:
        """Keep a dead letter; return once the broker has confirmed it.

        Raises:
            PublishError: It did not.
        """
        ...

    def buried(self, service: str) -> AsyncIterator[Buried]:
        """Return the dead letters of a service, oldest first."""
        ...
