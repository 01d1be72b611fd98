"""Tell a broker, while an event takes long, that it is still being worked on."""

from __future__ import annotations

import asyncio
import logging
from types import TracebackType

from fastdjango_signals.relay.transports import Incoming

logger = logging.getLogger("fastdjango_signals")


class Heartbeat:
    """Keeps one delivery for the time of a `with` block.

    Costs a timer for an event that is done with before the first beat.

    Args:
        incoming: The delivery.
        every: Seconds between two beats; None for none.
    """

    __slots__ = ("_every", "_incoming", "_is_over", "_task", "_timer")

    def __init__(self, incoming: Incoming, every: float | None) -> None:
        self._incoming = incoming
        self._every = every
        self._is_over = False
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> None:
        if self._every is not None:
            self._timer = asyncio.get_running_loop().call_later(self._every, self._start)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._is_over = True
        if self._timer is not None:
            self._timer.cancel()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    def _start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._beat())

    async def _beat(self) -> None:
        while self._every is not None:
            try:
                await self._incoming.keep()
            except Exception as error:  # noqa: BLE001 - the next beat may get through
                logger.warning(
                    "The broker could not be told that an event is still worked on: %r", error
                )
            if self._is_over:
                return  # on Python 3.11 asyncio.wait_for, in `keep`, may swallow a cancellation
            await asyncio.sleep(self._every)
