"""Two markers are wrong here: the suite must report both, for every judge."""

from fastdjango_signals import Payload, Signal


class OrderPlaced(Payload):
    order_id: int


order_placed = Signal(OrderPlaced)


async def check_markers() -> None:
    """The harness itself"""
    await order_placed.send(sender=None, order_id=1)  # E
    await order_placed.send(sender=None)
    await order_placed.send(sender=None, order_id="1")  # E
    await order_placed.send(sender=None, order_id=2)
