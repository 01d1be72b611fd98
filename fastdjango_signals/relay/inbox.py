"""What becomes of a delivery: received, tried again later, or a dead letter."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from fastdjango_signals.relay.attempts import pause
from fastdjango_signals.relay.deliveries import deliver
from fastdjango_signals.relay.events import receiving
from fastdjango_signals.relay.exceptions import DecodeError, PublishError
from fastdjango_signals.relay.heartbeats import Heartbeat
from fastdjango_signals.relay.retries import Retry
from fastdjango_signals.relay.transports import DeadLetter, Incoming, Transport
from fastdjango_signals.relay.wire import Wire
from fastdjango_signals.signals import Signal

logger = logging.getLogger("fastdjango_signals")

_INTERRUPTIONS = 3
"""Further tries for processes that end in the middle of an event. A deployment may do that to any,
and an event that kills its process has to be given up at last."""

_NEXT_FUNERAL = 2.0  # seconds between two attempts to have the broker keep a dead letter
_LAST_WORDS = 1.0  # seconds to give an event back that was being worked on


@dataclass(slots=True, kw_only=True, eq=False)
class Inbox:
    """What one service receives of one signal.

    Attributes:
        service: The service.
        signal: The signal, whose receivers are called.
        wire: How it is read.
        transport: Keeps the dead letters.
        retry: When an event is tried again.
        timeout: Seconds for each receiver.
        workers: Events that are worked on at a time; with one, they are in order.
    """

    service: str
    signal: Signal[Any, ...]
    wire: Wire
    transport: Transport
    retry: Retry
    timeout: float | None
    workers: int
    _turns: asyncio.Semaphore = field(init=False)
    _closing: asyncio.Event = field(init=False)

    def __post_init__(self) -> None:
        self.open()

    def open(self) -> None:
        """Begin anew, maybe in another event loop."""
        self._turns = asyncio.Semaphore(self.workers)  # lets them through in order
        self._closing = asyncio.Event()

    def close(self) -> None:
        """Begin no new event."""
        self._closing.set()

    async def handle(self, incoming: Incoming) -> None:
        """Receive one delivery, and settle it; what is not settled the broker delivers again."""
        async with Heartbeat(incoming, self.transport.keep_every), self._turns:
            try:
                await self._work_on(incoming)
            except asyncio.CancelledError:
                with suppress(Exception):
                    async with asyncio.timeout(_LAST_WORDS):
                        await incoming.retry(0)
                raise
            except Exception:
                logger.exception(
                    "A delivery of signal %s to service %s could not be settled; it comes again",
                    self.wire.name,
                    self.service,
                )

    async def receive(self, body: bytes, tries: int = 1) -> list[str]:
        """Call the receivers with an event; return what failed, one sentence for each.

        Raises:
            DecodeError: It is no event of this signal.
        """
        event, sender, payload = self.wire.decode(body, tries)
        if event.source == self.service:
            return []  # its receivers in this service were called when it was sent
        with receiving(event):
            return await deliver(self.signal, event, sender, payload, seconds=self.timeout)

    async def _work_on(self, incoming: Incoming) -> None:
        if self._closing.is_set():
            await incoming.retry(0)
            return
        tries = await incoming.begin()
        while not self._closing.is_set():
            wait = await self._attempt(incoming.body, tries)
            if wait is None:
                await incoming.accept()
                return
            if await incoming.retry(wait):
                return
            await pause(self._closing, wait)
            tries += 1
        await incoming.retry(0)

    async def _attempt(self, body: bytes, tries: int) -> float | None:
        """Return the seconds until the next try; None where there need be none."""
        if tries > self.retry.tries + _INTERRUPTIONS:
            await self._bury(body, "no process that received it could ever tell", tries - 1)
            return None
        try:
            failures = await self.receive(body, tries)
        except DecodeError as error:
            await self._bury(body, str(error), tries)
            return None
        if not failures:
            return None
        wait = self.retry.after(tries)
        if wait is None:
            await self._bury(body, "; ".join(failures), tries)
        return wait

    async def _bury(self, body: bytes, error: str, tries: int) -> None:
        letter = DeadLetter(
            service=self.service,
            signal=self.wire.name,
            event_id=self.wire.id_in(body),
            body=body if len(body) <= self.wire.max_bytes else b"",
            error=error,
            tries=tries,
            time=datetime.now(UTC),
        )
        while True:
            try:
                await self.transport.bury(letter)
                break
            except PublishError as failed:
                logger.warning(
                    "Service %s cannot bury an event, and tries on: %s", self.service, failed
                )
                if await pause(self._closing, _NEXT_FUNERAL):
                    raise
        logger.error(
            "Event %s of signal %s is a dead letter of service %s after %d tries: %s",
            letter.event_id,
            letter.signal,
            letter.service,
            tries,
            error,
        )
