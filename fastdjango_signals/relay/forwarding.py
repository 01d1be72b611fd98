"""From the outbox to the broker: one process of a service at a time, one event after another."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from faststream_outbox import ConstantRetry, OutboxBroker, OutboxMessage
from sqlalchemy import Table, or_, text, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from fastdjango_signals.cancellation import cancellations, current_task
from fastdjango_signals.places import name_of
from fastdjango_signals.relay.attempts import pause

logger = logging.getLogger("fastdjango_signals")

Publish: TypeAlias = Callable[[bytes], Awaitable[None]]
"""Publishes an event; returns once the broker has confirmed it."""

DUE = text("to_timestamp(0)")
"""When a row is to be published: at once, and so before all that were put off."""

_BATCH = 50
_BEAT, _DEADLINE = 1.0, 5.0
_FIRST_WAIT, _LONGEST_WAIT = 0.5, 10.0
_STUBBORN = 5  # failures in a row after which the table is read anew
_LEASE = 86_400.0  # who leads takes back what others had, so a lease need not end by itself

# Per table, for there may be tables of this name in several schemas.
_LEAD = text(
    "SELECT pg_try_advisory_xact_lock(hashtextextended(:service, "
    "CAST(CAST(CAST(:name AS text) AS regclass) AS oid)::bigint))"
)
# A process that hangs, or whose host is gone, leads no longer than this.
_LEAVE = text("SET LOCAL idle_in_transaction_session_timeout = '15s'")
_ALIVE = text("SELECT 1")


@dataclass(slots=True, eq=False)
class Forwarder:
    """Publishes the events of a service whenever no other process does.

    Alone, it keeps them in order: the rows that another process has in hand would be skipped.

    Attributes:
        engine: Connects to the database.
        table: The table of the outbox.
        service: The service.
        publish: Publishes an event.
    """

    engine: AsyncEngine
    table: Table
    service: str
    publish: Publish
    _closing: asyncio.Event = field(default_factory=asyncio.Event)
    _reading: Reading | None = None

    def close(self) -> None:
        """Have `run` return, once the event that is being published has been."""
        self._closing.set()
        if self._reading is not None:
            self._reading.ended.set()

    async def run(self) -> None:
        """Publish until closed; an error of the database is logged, and it begins anew."""
        # At this level, the transaction of who leads is not in the way of VACUUM.
        engine = self.engine.execution_options(isolation_level="READ COMMITTED")
        wait = _BEAT
        while not self._closing.is_set():
            try:
                async with engine.connect() as connection:
                    if await self._leads(connection):
                        wait = _BEAT
                        await self._lead(connection)
            except Exception:
                wait = min(wait * 2, _LONGEST_WAIT)
                logger.exception(
                    "Outbox of service %s: its database fails, and is tried again", self.service
                )
            await pause(self._closing, wait)

    async def _leads(self, connection: AsyncConnection) -> bool:
        # The lock ends with the transaction, even where a pooler gives the connection to others.
        await connection.execute(_LEAVE)
        of = {"service": self.service, "name": self.table.fullname}
        return bool(await connection.scalar(_LEAD, of))

    async def _lead(self, connection: AsyncConnection) -> None:
        await self._take_over()
        reading = self._reading = Reading(self.service, self.publish)
        broker = OutboxBroker(
            self.engine,
            outbox_table=self.table,
            logger=reading,
            log_level=logging.DEBUG,
            apply_types=False,
            graceful_timeout=_DEADLINE,
        )
        subscriber = broker.subscriber(
            self.service,
            decoder=_whole,
            retry_strategy=ConstantRetry(delay_seconds=_BEAT),
            fetch_batch_size=_BATCH,
            min_fetch_interval=_BEAT / 4,
            max_fetch_interval=_BEAT,
            lease_ttl_seconds=_LEASE,
        )
        subscriber(reading.forward)
        try:
            await broker.start()
            while not (self._closing.is_set() or await pause(reading.ended, _BEAT)):
                async with asyncio.timeout(_DEADLINE):
                    await connection.execute(_ALIVE)
        finally:
            reading.ended.set()
            await broker.stop()

    async def _take_over(self) -> None:
        """Make all rows due that were in the hands of a process which has ended."""
        columns = self.table.c
        stale = or_(columns.acquired_token.is_not(None), columns.next_attempt_at != DUE)
        freed = {"acquired_token": None, "acquired_at": None, "next_attempt_at": DUE}
        async with self.engine.begin() as connection:
            of_service = columns.queue == self.service
            await connection.execute(update(self.table).where(of_service, stale).values(freed))


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """One reading of the table, from its first row, which ends with the first error.

    It is the logger of the broker too. The broker goes on after an error, with the next rows.

    Attributes:
        service: The service.
        publish: Publishes an event.
        ended: Set to publish no more.
    """

    service: str
    publish: Publish
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    def log(
        self,
        level: int,
        message: object,
        /,
        *,
        exc_info: BaseException | None = None,
        extra: Mapping[str, object] | None = None,
    ) -> None:
        """Log what the broker has to say, which is nothing of the events."""
        del extra
        logger.log(level, "Outbox of service %s: %s", self.service, message, exc_info=exc_info)
        if level >= logging.ERROR:
            self.ended.set()

    async def forward(self, message: OutboxMessage) -> None:
        """Publish an event, however often it takes; give it back if this ends before."""
        wait, failures = _FIRST_WAIT, 0
        while not self.ended.is_set():
            try:
                await self.publish(message.raw_message.payload)
            except (Exception, asyncio.CancelledError) as error:
                if cancellations(current_task()):
                    raise
                self._report(message, error)
                failures += 1
                if failures >= _STUBBORN:  # somebody may have deleted the row in the meantime
                    self.ended.set()
            else:
                return
            await pause(self.ended, wait)
            wait = min(wait * 2, _LONGEST_WAIT)
        await message.nack()

    def _report(self, message: OutboxMessage, error: BaseException) -> None:
        # Not the text of the error, which may have the event in it.
        logger.error(
            "Outbox of service %s: event %s (row %s) could not be published (%s), and is tried "
            "again; those after it wait",
            self.service,
            _id_of(message.raw_message.payload),
            message.raw_message.id,
            name_of(type(error)),
        )


async def _whole(message: OutboxMessage) -> OutboxMessage:
    """Decode nothing: the event is published as it was stored."""
    return message


def _id_of(body: bytes) -> str:
    try:
        return str(json.loads(body)["id"])
    except (ValueError, TypeError, KeyError):
        return "without an id"
