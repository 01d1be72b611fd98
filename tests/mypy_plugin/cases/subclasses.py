"""Subclasses of Signal."""

from typing import Any, Generic

from payloads import OrderPlaced, OrderRefunded
from pydantic import BaseModel
from typing_extensions import ParamSpec, TypeVar

from fastdjango_signals import Signal

P = ParamSpec("P", default=...)
M = TypeVar("M", bound=BaseModel, default=Any)


class Orders(Signal[OrderPlaced]):
    async def place(self, order_id: int) -> None:
        await self.send(sender=self, order_id=order_id, email="")
        # E: Missing named argument "email" for "send" of "Signal"  [call-arg]
        await self.send(sender=self, order_id=order_id)


class Topic(Signal[M, P], Generic[M, P]):
    def title(self) -> str:
        return self.name.title()


class Urgent(Orders): ...


class Named(Signal[OrderPlaced]):
    def __init__(self, topic: str) -> None:
        super().__init__(OrderPlaced, name=topic)


async def wrong(sender: object, order_id: str, **kwargs: object) -> None: ...


async def check_fixed() -> None:
    """Subclass: of Signal[OrderPlaced]"""
    orders = Orders()
    # E: Receiver "wrong" takes "order_id: str", but OrderPlaced.order_id is "int"  [signal-receiver]
    orders.connect(wrong)
    # E: Missing named argument "email" for "send" of "Signal"  [call-arg]
    await orders.send(sender=None, order_id=1)
    Orders(OrderPlaced)
    # E: "Orders(...)" is declared to carry OrderPlaced, but is given OrderRefunded; leave OrderRefunded out  [signal-payload]
    Orders(OrderRefunded)
    # E: Receiver "wrong" takes "order_id: str", but OrderPlaced.order_id is "int"  [signal-receiver]
    Urgent().connect(wrong)


async def check_generic() -> None:
    """Subclass: generic"""
    topic = Topic(OrderPlaced)
    # E: Receiver "wrong" takes "order_id: str", but OrderPlaced.order_id is "int"  [signal-receiver]
    topic.connect(wrong)
    # E: Missing named argument "email" for "send" of "Signal"  [call-arg]
    await topic.send(sender=None, order_id=1)
    # E: "Topic(...)" is given int, which is no pydantic model; declare a subclass of Payload  [signal-payload]
    Topic(int)


async def check_own_init() -> None:
    """Subclass: with a constructor of its own"""
    named = Named("orders")
    # E: Receiver "wrong" takes "order_id: str", but OrderPlaced.order_id is "int"  [signal-receiver]
    named.connect(wrong)
    # E: Missing named argument "email" for "send" of "Signal"  [call-arg]
    await named.send(sender=None, order_id=1)
    # E: Missing positional argument "topic" in call to "Named"  [call-arg]
    Named()
