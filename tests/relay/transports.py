"""A transport that keeps everything in this process, for tests of what is above it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from fastdjango_signals.relay import Buried, DeadLetter, PublishError, Subscription


@dataclass(eq=False)
class Recorded:
    """Notes what the relay asks of it."""

    keep_every: float | None = None
    subscriptions: dict[str, Subscription] = field(default_factory=dict)
    published: list[tuple[str, str, bytes]] = field(default_factory=list)
    letters: list[DeadLetter] = field(default_factory=list)
    is_running: bool = False
    is_broken: bool = False

    def subscribe(self, subscription: Subscription) -> None:
        self.subscriptions[subscription.signal] = subscription

    async def connect(self) -> None:
        if self.is_broken:
            raise PublishError("broken")

    async def start(self) -> None:
        await self.connect()
        self.is_running = True

    async def stop(self) -> None:
        self.is_running = False

    async def publish(self, signal: str, event_id: str, body: bytes) -> None:
        if self.is_broken:
            raise PublishError("broken", signal=signal, event_id=event_id)
        self.published.append((signal, event_id, body))

    async def bury(self, letter: DeadLetter) -> None:
        if self.is_broken:
            raise PublishError("broken")
        self.letters.append(letter)

    async def buried(self, service: str) -> AsyncIterator[Buried]:
        for letter in list(self.letters):
            yield Kept(self, letter)


@dataclass(frozen=True)
class Kept:
    """A dead letter that it keeps."""

    transport: Recorded
    letter: DeadLetter

    async def remove(self) -> None:
        self.transport.letters.remove(self.letter)


@dataclass
class Delivered:
    """A delivery, and what became of it."""

    body: bytes
    tries: int = 1
    can_wait: bool = True
    accepted: int = 0
    retried: list[float] = field(default_factory=list)
    kept: int = 0
    is_broken: bool = False

    async def begin(self) -> int:
        return self.tries

    async def accept(self) -> None:
        if self.is_broken:
            raise ConnectionError
        self.accepted += 1

    async def retry(self, delay: float) -> bool:
        self.retried.append(delay)
        return self.can_wait

    async def keep(self) -> None:
        self.kept += 1
        if self.is_broken:
            raise ConnectionError
