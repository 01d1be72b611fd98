"""One durable consumer of JetStream, as one replica of a service pulls from it."""

# nats-py leaves the types of further options open.
# pyright: reportUnknownMemberType=none

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from fastdjango_signals.extras import needs
from fastdjango_signals.relay.transports import Handler

with needs("nats", extra="relay"):
    from nats.aio.msg import Msg
    from nats.errors import Error as NatsError
    from nats.errors import TimeoutError as NatsTimeoutError
    from nats.js import JetStreamContext
    from nats.js.errors import KeyNotFoundError
    from nats.js.kv import KeyValue

logger = logging.getLogger("fastdjango_signals")

FAILURES = (NatsError, OSError, TimeoutError)
"""What a request may raise."""

_PATIENCE = 5.0  # seconds for which the server may hold back an empty answer
_PAUSES = (0.1, 2.0)  # seconds, the first and the longest, between two attempts to pull


@dataclass(slots=True, kw_only=True, eq=False)
class Pull:
    """A durable consumer, pulled by one replica.

    By own code: FastStream fetches nothing more before all of a batch is done with, drops what it
    has fetched as it stops, and takes longer for a message than the relay does.

    Attributes:
        jetstream: Runs the requests.
        stream: The stream.
        durable: Name of the consumer.
        tries: Where it is counted how often an event was begun.
        handler: Called with each delivery.
        prefetch: Events that are fetched before the first of them is done with.
        declare: Makes the stream and the consumer, should they be gone.
    """

    jetstream: JetStreamContext
    stream: str
    durable: str
    tries: KeyValue
    handler: Handler
    prefetch: int
    declare: Callable[[], Awaitable[None]]
    _running: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])
    _room: asyncio.Event = field(default_factory=asyncio.Event)
    _loop: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to pull."""
        self._room.set()
        self._loop = asyncio.create_task(self._forever())

    async def stop(self, seconds: float | None) -> None:
        """Pull no more, and let handlers end within some seconds."""
        if self._loop is None:
            return
        self._loop.cancel()
        await asyncio.wait([self._loop])
        if self._running:
            _, late = await asyncio.wait(self._running, timeout=seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _forever(self) -> None:
        found = await self.jetstream.pull_subscribe_bind(durable=self.durable, stream=self.stream)
        pause, longest = _PAUSES
        try:
            while True:
                try:
                    await self._pull(found)
                    pause = _PAUSES[0]
                except FAILURES as error:  # there may be a server again
                    if pause == _PAUSES[0]:
                        logger.warning("Consumer %s tries on: %r", self.durable, error)
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, longest)
        finally:
            await found.unsubscribe()

    async def _pull(self, subscription: JetStreamContext.PullSubscription) -> None:
        await self._room.wait()
        try:
            messages = await subscription.fetch(self.prefetch - len(self._running), _PATIENCE)
        except NatsTimeoutError:  # there is nothing
            return
        except NatsError:
            await self.declare()  # a server may have come back without its data
            raise
        for message in messages:
            task = asyncio.ensure_future(self.handler(Delivery(message, self)))
            self._running.add(task)
            task.add_done_callback(self._ended)
        if len(self._running) >= self.prefetch:
            self._room.clear()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if len(self._running) <= self.prefetch // 2:
            self._room.set()  # not before, so as to fetch many at a time


@dataclass(slots=True, eq=False)
class Delivery:
    """One message, as this replica has it.

    JetStream counts deliveries, and so what was fetched and never begun. From the second delivery
    on the relay keeps its own count, in a bucket; of the first it takes for granted that it was
    begun, since most are.

    Attributes:
        message: The message.
        pull: Where it comes from.
    """

    message: Msg
    pull: Pull
    _tries: int = 0
    _is_counted: bool = False

    @property
    def body(self) -> bytes:
        """The event, as it was published."""
        return self.message.data

    async def begin(self) -> int:
        """Return how often the event was begun, this time included."""
        if (self.message.metadata.num_delivered or 1) == 1:
            self._tries = 1
        else:
            self._tries = await self._counted() + 1
            await self._count(self._tries)
        return self._tries

    async def accept(self) -> None:
        """Tell JetStream that it is done with."""
        await self.message.ack()
        if self._is_counted:
            await self.pull.tries.purge(self._key)

    async def retry(self, delay: float) -> bool:
        """Ask JetStream to deliver it again after some seconds."""
        if self._tries and not self._is_counted:
            await self._count(self._tries)
        await self.message.nak(delay=delay)
        return True

    async def keep(self) -> None:
        """Tell JetStream that it is still being worked on."""
        if not self.message.is_acked:
            await self.message.in_progress()

    @property
    def _key(self) -> str:
        return f"{self.pull.durable}.{self.message.metadata.sequence.stream}"

    async def _counted(self) -> int:
        try:
            found = await self.pull.tries.get(self._key)
        except KeyNotFoundError:
            return 1
        return int(found.value or b"1")

    async def _count(self, tries: int) -> None:
        await self.pull.tries.put(self._key, str(tries).encode())
        self._is_counted = True
