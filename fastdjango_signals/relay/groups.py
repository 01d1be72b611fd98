"""One consumer group of a Redis stream, as one replica of a service reads it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import uuid4

from fastdjango_signals.extras import needs
from fastdjango_signals.relay.attempts import repeated
from fastdjango_signals.relay.entries import Delivery, body_of
from fastdjango_signals.relay.transports import Handler

with needs("redis", extra="relay-redis"):
    from redis import exceptions as errors

logger = logging.getLogger("fastdjango_signals")

FAILURES = (errors.RedisError, OSError, TimeoutError)
"""What a command may raise."""

PASSING = (
    errors.ConnectionError,
    errors.TimeoutError,
    errors.ReadOnlyError,
    errors.MasterDownError,
    errors.ClusterDownError,
    errors.TryAgainError,
    OSError,
    TimeoutError,
)
"""Of a server that is away, or is just being replaced by another."""

_WAITING = "(waiting)"  # the consumer of what waits for any replica
_LOOK = 1.0  # seconds between two looks for what other replicas left behind
_FORGET = 3600.0  # seconds after which a consumer that has nothing, and asks for nothing, is gone
_PAUSES = (0.1, 2.0)  # seconds, the first and the longest, between two attempts to read
_COMMANDS = 8  # that wait for an answer at a time, each with a connection of its own


@dataclass(slots=True, kw_only=True, eq=False)
class Group:
    """A consumer group, read by one consumer of a name that is never used again.

    Read by own code: FastStream calls one handler at a time, so that what waits behind it in its
    process looks abandoned; it ends a subscriber for good where the group is missing, as after a
    server came back without its data; and sleeps for 5 seconds after any other failure.

    Attributes:
        client: Runs the commands; redis-py types them otherwise in each version.
        stream: The key of the stream.
        name: Of the group.
        handler: Called with each delivery.
        prefetch: Entries that are read before the first of them is done with.
        ack_wait: Seconds without a sign of life after which an entry is somebody else's.
        patience: Seconds for which a server may be away when an entry is done with.
        block: Seconds for which the server may hold back an empty answer.
    """

    client: Any
    stream: str
    name: str
    handler: Handler
    prefetch: int
    ack_wait: float
    patience: float
    block: float
    _consumer: str = field(default_factory=lambda: str(uuid4()))
    _new: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])
    _again: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])
    _held: set[bytes] = field(default_factory=set[bytes])
    _loops: list[asyncio.Task[None]] = field(default_factory=list[asyncio.Task[None]])
    _is_read: bool = False
    _room: asyncio.Event = field(default_factory=asyncio.Event)
    _due: asyncio.Event = field(default_factory=asyncio.Event)
    _turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_COMMANDS))

    async def declare(self) -> None:
        """Make the group, and the stream, unless there are; it begins with what is kept."""
        try:
            await self.client.xgroup_create(self.stream, self.name, id="0", mkstream=True)
        except errors.ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise
        await self._forget_consumers()

    def start(self) -> None:
        """Begin to read."""
        self._room.set()
        self._is_read = True
        self._loops = [
            asyncio.create_task(self._forever(each)) for each in (self._read, self._look)
        ]

    async def stop(self, seconds: float | None) -> None:
        """Read no more, let handlers end within some seconds, and leave the rest to others."""
        if not self._loops:
            return
        self._is_read = False
        for task in self._loops:
            task.cancel()
        await asyncio.wait(self._loops)
        if running := self._new | self._again:
            _, late = await asyncio.wait(running, timeout=seconds)
            for task in late:
                task.cancel()
            await asyncio.wait(running)
        try:
            await self._leave()
        except FAILURES as error:
            logger.warning(
                "Events that service %s has not received yet come to another replica in %s s, "
                "for Redis could not be told: %r",
                self.name,
                self.ack_wait,
                error,
            )

    async def done(self, entry: bytes) -> None:
        """Take an entry as done with."""
        await self._insist(partial(self.client.xack, self.stream, self.name, entry))

    async def hold(self, entry: bytes) -> None:
        """Show that an entry is still worked on."""
        async with self._turns:
            await self._claim(entry, self._consumer, idle=0.0)

    async def count(self, entry: bytes, tries: int) -> None:
        """Take an entry as delivered this often."""
        await self._claim(entry, self._consumer, idle=0.0, tries=tries)

    async def put_back(self, entry: bytes, delay: float, tries: int) -> None:
        """Let any replica have an entry after some seconds, no more than `ack_wait`."""
        self._held.discard(entry)
        idle = self.ack_wait - delay
        await self._insist(partial(self._claim, entry, _WAITING, idle=idle, tries=tries))
        # This replica, for one, looks in time.
        asyncio.get_running_loop().call_later(delay + 0.002, self._due.set)

    async def _claim(
        self, entry: bytes, consumer: str, *, idle: float, tries: int | None = None
    ) -> object:
        return await self.client.xclaim(
            self.stream,
            self.name,
            consumer,
            min_idle_time=0,
            message_ids=[entry],
            idle=int(idle * 1000),
            retrycount=tries,
            justid=True,
        )

    async def _insist(self, command: Callable[[], Awaitable[object]]) -> None:
        async with self._turns:
            await repeated(command, passing=PASSING, seconds=self.patience)

    async def _forever(self, step: Callable[[], Awaitable[None]]) -> None:
        pause, longest = _PAUSES
        # On Python 3.11 asyncio.wait_for, in the client, may swallow a cancellation.
        while self._is_read:
            try:
                await self._tried(step)
                pause = _PAUSES[0]
            except Exception as error:  # noqa: BLE001 - there may be a server again
                if pause == _PAUSES[0]:
                    logger.warning(
                        "Service %s cannot read %s, and tries on: %r", self.name, self.stream, error
                    )
                await asyncio.sleep(pause)
                pause = min(pause * 2, longest)

    async def _tried(self, step: Callable[[], Awaitable[None]]) -> None:
        try:
            await step()
        except errors.ResponseError as error:
            if "NOGROUP" not in str(error):
                raise
            await self.declare()  # the server has lost it, or somebody has deleted it

    async def _read(self) -> None:
        """Take what is new."""
        await self._room.wait()
        found: Any = await self.client.xreadgroup(
            self.name,
            self._consumer,
            {self.stream: ">"},
            count=self.prefetch - len(self._new),
            block=int(self.block * 1000),
        )
        for _, entries in found or ():
            for entry, fields in entries:
                self._take(self._new, entry, fields, tries=1)

    async def _look(self) -> None:
        """Take what was put back, or was left behind by a replica that is no more."""
        try:
            async with asyncio.timeout(_LOOK):
                await self._due.wait()
        except TimeoutError:
            pass
        self._due.clear()
        begin: Any = "0-0"
        while (room := self.prefetch - len(self._again)) > 0:
            begin, entries, *lost = await self.client.xautoclaim(
                self.stream,
                self.name,
                self._consumer,
                min_idle_time=int(self.ack_wait * 1000),
                start_id=begin,
                count=room,
            )
            for entry, fields in entries:
                # Fields are missing where Redis 6 has trimmed the entry. And what is held here was
                # not given up: the server was away, and could not be told.
                if fields is not None and entry not in self._held:
                    self._take(self._again, entry, fields, await self._uncounted(entry))
            if lost and lost[0]:
                logger.error(
                    "%d events of %s were trimmed before service %s was done with them; keep more",
                    len(lost[0]),
                    self.stream,
                    self.name,
                )
            if begin == b"0-0":
                return

    async def _uncounted(self, entry: bytes) -> int:
        """Return how often it was delivered, and have Redis count this time when it is begun."""
        found = await self.client.xpending_range(self.stream, self.name, entry, entry, 1)
        tries = int(found[0]["times_delivered"]) if found else 1
        await self.count(entry, tries - 1)
        return tries

    def _take(
        self,
        tasks: set[asyncio.Task[None]],
        entry: bytes,
        fields: dict[bytes, bytes],
        tries: int,
    ) -> None:
        delivery = Delivery(self, entry, body_of(fields), tries, is_counted=tasks is self._new)
        task = asyncio.ensure_future(self.handler(delivery))
        tasks.add(task)
        self._held.add(entry)
        task.add_done_callback(partial(self._ended, tasks, entry))
        if len(self._new) >= self.prefetch:
            self._room.clear()

    def _ended(
        self, tasks: set[asyncio.Task[None]], entry: bytes, task: asyncio.Task[None]
    ) -> None:
        tasks.discard(task)
        self._held.discard(entry)
        if len(self._new) <= self.prefetch // 2:
            self._room.set()  # not before, so as to read many at a time

    async def _leave(self) -> None:
        """Put back what is left, and be no consumer any more."""
        while found := await self.client.xpending_range(
            self.stream, self.name, "-", "+", 100, consumername=self._consumer
        ):
            for each in found:  # what was read while it was being cancelled
                tries = each["times_delivered"] - 1
                await self._claim(each["message_id"], _WAITING, idle=self.ack_wait, tries=tries)
        await self.client.xgroup_delconsumer(self.stream, self.name, self._consumer)

    async def _forget_consumers(self) -> None:
        """Delete those of processes that were killed, once others have what they had."""
        for consumer in await self.client.xinfo_consumers(self.stream, self.name):
            if consumer["pending"] == 0 and consumer["idle"] > _FORGET * 1000:
                await self.client.xgroup_delconsumer(self.stream, self.name, consumer["name"])
