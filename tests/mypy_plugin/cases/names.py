"""Signals that are made of names."""

from typing import Final

from payloads import OrderPlaced

from fastdjango_signals import Signal, receiver

NAMES: Final = ("order", "user")
listed = Signal(["order", "user"])
keyword = Signal(providing_args=["order", "user"])
from_tuple = Signal(("order", "user"))
constant = Signal(NAMES)
anything = Signal()


async def check_send() -> None:
    """Names: send"""
    await listed.send(sender=None, order=1, user="ada")
    # E: Missing named argument "user" for "send" of "Signal"  [call-arg]
    await listed.send(sender=None, order=1)
    # E: Unexpected keyword argument "usr" for "send" of "Signal"; did you mean "user"?  [call-arg]
    await keyword.send(sender=None, order=1, usr="ada")
    # E: Missing named argument "user" for "send_robust" of "Signal"  [call-arg]
    await from_tuple.send_robust(sender=None, order=1)
    # E: Missing named argument "order" for "send" of "Signal"  [call-arg]
    # E: Missing named argument "user" for "send" of "Signal"  [call-arg]
    await constant.send(sender=None)
    await anything.send(sender=None, whatever=1)
    # E: A signal takes its payload by keyword; write send(sender, order=..., user=...)  [signal-payload]
    await listed.send(None, 1, "ada")


def check_receivers() -> None:
    """Names: receivers"""

    @listed.connect
    async def right(sender: object, order: object, user: str) -> None: ...

    # E: Receiver "misspelt" requires "ordr", which Signal(["order", "user"]) does not provide; did you mean "order"?  [signal-receiver]
    @keyword.connect
    async def misspelt(sender: object, ordr: object, **kwargs: object) -> None: ...

    # E: Receiver "homeless" has no place for "user" of Signal(["order", "user"]); add it or "**kwargs"  [signal-receiver]
    @from_tuple.connect(sender=int)
    async def homeless(sender: object, order: object) -> None: ...

    # E: Receiver "needs_more" requires "at", which Signal(["order", "user"]) does not provide  [signal-receiver]
    @receiver(constant)
    async def needs_more(sender: object, order: object, user: object, at: int) -> None: ...

    @anything.connect
    async def open_one(sender: object, order: object, **kwargs: object) -> None: ...

    # E: Receiver "without_kwargs" needs "**kwargs", because the signal carries any keyword  [signal-receiver]
    @anything.connect
    async def without_kwargs(sender: object, order: object) -> None: ...


async def check_unknown_names(given: list[str]) -> None:
    """Names: known at run time only"""
    unknown = Signal(given)
    spread = Signal([*given, "order"])
    await unknown.send(sender=None, anything=1)
    await spread.send(sender=None, anything=1)


def check_wrong_names() -> None:
    """Names: that cannot be fields"""
    # E: "Signal(...)" is given a string; write ["order"] for a single name  [signal-payload]
    Signal("order")
    # E: "Signal(...)" lists "order" twice  [signal-payload]
    Signal(["order", "order"])
    # E: "Signal(...)" lists "sender", which every receiver has already; rename it  [signal-payload]
    Signal(["sender"])
    # E: "Signal(...)" lists "two words", which cannot be a field; list plain names  [signal-payload]
    Signal(["two words"])
    # E: "Signal(...)" lists "class", which cannot be a field; list plain names  [signal-payload]
    Signal(["class"])
    # E: "Signal(...)" lists "_hidden", which cannot be a field; list plain names  [signal-payload]
    Signal(["_hidden"])


def check_wrong_argument() -> None:
    """providing_args: neither names nor a model"""
    # E: "Signal(...)" is given int, which is no pydantic model; declare a subclass of Payload  [signal-payload]
    Signal(int)
    # E: "Signal(...)" is given dict; give a model class, or a list of names such as ["order"]  [signal-payload]
    Signal({"order": int})
    # E: "Signal(...)" is given an instance of OrderPlaced; give the class itself, OrderPlaced  [signal-payload]
    Signal(OrderPlaced(order_id=1, email=""))
    # E: "Signal(...)" is given a function; give the model class that it makes  [signal-payload]
    Signal(lambda: OrderPlaced(order_id=1, email=""))
    # E: "Signal(...)" takes its options by keyword alone; write name=... for a name  [signal-payload]
    Signal(OrderPlaced, "name")
    # E: "Signal(...)" has no option "nam"; did you mean "name"?  [signal-payload]
    Signal(OrderPlaced, nam="name")
    # E: "Signal(...)" needs "str | None" for its option "name", not "int". It needs "bool" for its option "concurrent", not "str"  [signal-payload]
    Signal(OrderPlaced, name=1, concurrent="yes")
