"""What keeps a delivery while a receiver takes long."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from fastdjango_signals.relay.heartbeats import Heartbeat
from tests.relay.transports import Delivered


@dataclass
class Swallowing(Delivered):
    """Ends normally when it is cancelled, as asyncio.wait_for may on Python 3.11."""

    begun: asyncio.Event = field(default_factory=asyncio.Event)

    async def keep(self) -> None:
        self.begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.kept += 1


async def test_a_heartbeat_ends_where_its_cancellation_is_swallowed() -> None:
    delivery = Swallowing(b"")
    async with asyncio.timeout(5):
        async with Heartbeat(delivery, 0.01):
            await delivery.begun.wait()
    assert delivery.kept == 1
