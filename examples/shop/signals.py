"""The shop's own signal. A payload is a pydantic model, and a signal carries one."""

from __future__ import annotations

from fastdjango_signals import Payload, Signal


class OrderPlaced(Payload):
    """A customer has ordered something."""

    order_id: int
    email: str
    product: str
    quantity: int
    total_cents: int


order_placed = Signal(OrderPlaced, name="shop.order_placed")
