"""What becomes of an event: published now, after the commit, or through the outbox."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from fastdjango_signals.relay.exceptions import PublishError
from fastdjango_signals.relay.transports import Transport
from fastdjango_signals.transactions import defer

logger = logging.getLogger("fastdjango_signals")


class AnyOutbox(Protocol):
    """A table that keeps events until they are published."""

    async def store(self, service: str, body: bytes, using: str | None) -> bool:
        """Insert an event in the open transaction; return False where there is none."""
        ...

    def forwarding(
        self, service: str, publish: Callable[[bytes], Awaitable[None]]
    ) -> AbstractAsyncContextManager[None]:
        """Publish, for as long as it is open, what this service has stored."""
        ...


class Posting:
    """The events of one service, on their way to the broker.

    Attributes:
        is_running: Whether the transport is connected.
        offline: How many blocks last in which nothing is to leave this process.
    """

    def __init__(self, service: str, transport: Transport, outbox: AnyOutbox | None) -> None:
        self.is_running = False
        self.offline = 0
        self._service = service
        self._transport = transport
        self._outbox = outbox

    async def post(self, signal: str, event_id: str, body: bytes, using: str | None) -> None:
        """Publish an event; inside a transaction, only if that commits.

        With an outbox, the transaction itself keeps the event. Without one, it is published right
        after the commit: the sender cannot be told of a failure any more, which is logged.

        Raises:
            PublishError: The broker did not confirm it.
        """
        if self.offline:
            return
        if self._outbox is not None and await self._outbox.store(self._service, body, using):
            return

        async def after_commit() -> None:
            try:
                await self._publish(signal, event_id, body)
            except BaseException as error:
                logger.exception(
                    "Event %s of signal %s could not be published after the commit, and may "
                    "be lost; give the relay an outbox",
                    event_id,
                    signal,
                )
                if not isinstance(error, Exception):
                    raise  # a cancellation, say

        if not defer(after_commit, using):
            await self._publish(signal, event_id, body)

    async def forward(self, body: bytes) -> None:
        """Publish an event that the outbox has kept."""
        event = json.loads(body)
        await self._publish(event["type"], event["id"], body)

    async def _publish(self, signal: str, event_id: str, body: bytes) -> None:
        if not self.is_running:
            raise PublishError(
                f"Signal {signal} is relayed, and the relay of service {self._service} is not "
                'running; send inside "async with relay:", or in a test inside '
                '"with relay.offline():"',
                signal=signal,
            )
        await self._transport.publish(signal, event_id, body)
