"""One durable consumer of JetStream, as one replica of a service pulls from it."""

# nats-py leaves the types of further options open.
# pyright: reportUnknownMemberType=none

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field

from fastdjango_signals.extras import needs
from fastdjango_signals.relay.transports import Handler

with needs("nats", extra="relay"):
    from nats.aio.client import Client
    from nats.aio.msg import Msg
    from nats.aio.subscription import Subscription
    from nats.errors import Error as NatsError
    from nats.js.errors import KeyNotFoundError
    from nats.js.kv import KeyValue

logger = logging.getLogger("fastdjango_signals")

FAILURES = (NatsError, OSError, TimeoutError)
"""What a request may raise."""

_EXPIRES = 30.0  # seconds for which the server remembers a request
_BEAT = 1.0  # seconds between two signs of life from the server
_PAUSES = (0.1, 2.0)  # seconds, the first and the longest, between two attempts to pull
_OVER = {"404", "408", "409"}  # the request has ended, and another may follow
_ALIVE = "100"
_MANY = 9  # digits, which no true count of tries has


@dataclass(slots=True, kw_only=True, eq=False)
class Pull:
    """A durable consumer, pulled by one replica.

    By own code: what nats-py fetches it may keep to itself for seconds, until a batch is whole;
    and FastStream fetches nothing more before all of a batch is done with.

    Attributes:
        client: Runs the requests.
        subject: Where messages of the consumer are asked for.
        durable: Name of the consumer.
        tries: Where it is counted how often an event was begun.
        handler: Called with each delivery.
        prefetch: Events that are fetched before the first of them is done with.
        declare: Makes the stream and the consumer, should they be gone.
    """

    client: Client
    subject: str
    durable: str
    tries: KeyValue
    handler: Handler
    prefetch: int
    declare: Callable[[], Awaitable[None]]
    _running: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])
    _room: asyncio.Event = field(default_factory=asyncio.Event)
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _awaited: int = 0
    _problem: str | None = None
    _is_pulling: bool = False
    _loop: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to pull."""
        self._room.set()
        self._is_pulling = True
        self._loop = asyncio.create_task(self._forever())

    async def stop(self, seconds: float | None) -> None:
        """Pull no more, and let handlers end within some seconds."""
        if self._loop is None:
            return
        self._is_pulling = False
        self._loop.cancel()
        await asyncio.wait([self._loop])
        if self._running:
            _, late = await asyncio.wait(self._running, timeout=seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _forever(self) -> None:
        inbox = self.client.new_inbox()
        subscription = await self.client.subscribe(inbox, cb=self._take)
        pause, longest = _PAUSES
        try:
            # On Python 3.11 asyncio.wait_for, in the client, may swallow a cancellation.
            while self._is_pulling:
                try:
                    await self._room.wait()
                    await self._pull(inbox)
                    if pause > _PAUSES[0]:
                        logger.info("Consumer %s is read again", self.durable)
                    pause = _PAUSES[0]
                except FAILURES as error:  # there may be a server again
                    if pause == _PAUSES[0]:
                        logger.warning(
                            "Consumer %s cannot be read, and is tried again: %r",
                            self.durable,
                            error,
                        )
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, longest)
        finally:
            await self._drain(subscription)

    async def _pull(self, inbox: str) -> None:
        """Ask for as many messages as there is room for; return when they are there, or none is."""
        self._expect(self.prefetch - len(self._running))
        request = {
            "batch": self._awaited,
            "expires": int(_EXPIRES * 1e9),
            "idle_heartbeat": int(_BEAT * 1e9),
        }
        await self.client.publish(self.subject, json.dumps(request).encode(), inbox)
        while self._awaited > 0:
            self._news.clear()
            async with asyncio.timeout(_BEAT * 3):
                await self._news.wait()
        if self._problem is not None:
            await self.declare()  # a server may have come back without its data
            raise NatsError(self._problem)

    def _expect(self, count: int) -> None:
        self._awaited, self._problem = count, None

    async def _drain(self, subscription: Subscription) -> None:
        """Let what is on its way come to its handler, which gives it back."""
        with suppress(*FAILURES):
            async with asyncio.timeout(_BEAT if self.client.is_connected else 0):
                await subscription.drain()  # type: ignore[no-untyped-call]  # nats-py has no types

    async def _take(self, message: Msg) -> None:
        self._news.set()
        if not message.reply:  # it is of the server itself
            self._heed((message.headers or {}).get("Status", ""))
            return
        self._awaited -= 1
        task = asyncio.ensure_future(self.handler(Delivery(message, self)))
        self._running.add(task)
        task.add_done_callback(self._ended)
        if len(self._running) >= self.prefetch:
            self._room.clear()

    def _heed(self, status: str) -> None:
        if status == _ALIVE:
            return
        self._awaited = 0
        if status not in _OVER:
            self._problem = f"the server answers with status {status}"

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
        counted = found.value or b""
        return int(counted) if counted.isdigit() and len(counted) < _MANY else 1

    async def _count(self, tries: int) -> None:
        await self.pull.tries.put(self._key, str(tries).encode())
        self._is_counted = True
