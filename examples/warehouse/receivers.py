"""What the warehouse does because the shop sent a signal."""

from __future__ import annotations

import asyncio

from examples.shop.signals import OrderPlaced, order_placed
from examples.warehouse.storage import note_fetched, reserve_once
from fastdjango_signals.relay import current_event


@order_placed.connect
async def reserve(sender: object, payload: OrderPlaced) -> None:
    """Set aside what was ordered.

    An event may come twice, when a process ends before it could say that it is done. So the
    reservation has the event's id for its key, and the second time changes nothing.
    """
    event = current_event()
    if event is None:
        raise RuntimeError("the warehouse receives orders from the shop, and places none itself")
    errand = await reserve_once(event, payload)
    await asyncio.sleep(errand.seconds_away)
    await note_fetched(errand)
