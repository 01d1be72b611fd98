"""Payload models of every kind."""

from payloads import (
    Alias,
    Aliased,
    Changed,
    Forward,
    Later,
    Measured,
    Mixed,
    OrderPlaced,
    Renamed,
    UrgentOrderPlaced,
)
from pydantic import BaseModel, RootModel

from fastdjango_signals import Payload, Signal


class Reserved(Payload):
    sender: str
    number: int


class Numbers(RootModel[list[int]]): ...


async def check_inherited() -> None:
    """Model: inherited fields"""
    urgent = Signal(UrgentOrderPlaced)
    await urgent.send(sender=None, order_id=1, email="", minutes=5)
    # E: Missing named argument "email" for "send" of "Signal"  [call-arg]
    # E: Argument "minutes" to "send" of "Signal" has incompatible type "str"; expected "int"  [arg-type]
    await urgent.send(sender=None, order_id=1, minutes="5")

    @urgent.connect
    async def base(sender: object, payload: OrderPlaced) -> None: ...

    # E: Receiver "wrong" takes "order_id: str", but UrgentOrderPlaced.order_id is "int". It takes "minutes: str", but UrgentOrderPlaced.minutes is "int"  [signal-receiver]
    @urgent.connect
    async def wrong(sender: object, order_id: str, minutes: str, **kwargs: object) -> None: ...


async def check_mixin() -> None:
    """Model: multiple inheritance"""
    mixed = Signal(Mixed)
    await mixed.send(sender=None, request_id="a", order_id=1, cents=1)
    # E: Missing named argument "cents" for "send" of "Signal"  [call-arg]
    # E: Missing named argument "request_id" for "send" of "Signal"  [call-arg]
    await mixed.send(sender=None, order_id=1)


async def check_generic() -> None:
    """Model: generic"""
    changed = Signal(Changed[int])
    renamed = Signal(Renamed)
    # E: Argument "new" to "send" of "Signal" has incompatible type "str"; expected "int"  [arg-type]
    await changed.send(sender=None, old=1, new="2")
    await renamed.send(sender=None, old="1", new="2")
    # E: Argument "old" to "send" of "Signal" has incompatible type "int"; expected "str"  [arg-type]
    await renamed.send(sender=None, old=1, new="2")

    # E: Receiver "wrong" takes "old: str", but Changed.old is "int"  [signal-receiver]
    @changed.connect
    async def wrong(sender: object, old: str, new: int) -> None: ...

    # E: Receiver "also_wrong" takes "old: int", but Renamed.old is "str"  [signal-receiver]
    @renamed.connect
    async def also_wrong(sender: object, old: int, **kwargs: object) -> None: ...

    @renamed.connect
    async def whole(sender: object, payload: Changed[str]) -> None: ...


async def check_aliases() -> None:
    """Model: aliases"""
    aliased = Signal(Aliased)
    await aliased.send(sender=None, order_id=1, email="")
    # E: Unexpected keyword argument "number" for "send" of "Signal"  [call-arg]
    # E: Unexpected keyword argument "mail" for "send" of "Signal"; did you mean "email"?  [call-arg]
    await aliased.send(sender=None, number=1, mail="")

    @aliased.connect
    async def right(sender: object, order_id: int, email: str) -> None: ...

    # E: Receiver "wrong" requires "number", which Aliased does not provide  [signal-receiver]
    @aliased.connect
    async def wrong(sender: object, number: int, **kwargs: object) -> None: ...


async def check_plain() -> None:
    """Model: a plain BaseModel, validators, Annotated, private attributes"""
    measured = Signal(Measured)
    await measured.send(sender=None, metres=1.5)
    await measured.send(sender=None, metres=1, label="a", tags=["b"])
    # E: Argument "metres" to "send" of "Signal" has incompatible type "str"; expected "float"  [arg-type]
    await measured.send(sender=None, metres="1.5")
    # E: Unexpected keyword argument "kind" for "send" of "Signal"  [call-arg]
    await measured.send(sender=None, metres=1.5, kind="width")

    @measured.connect
    async def right(sender: object, metres: float, label: str, tags: list[str]) -> None: ...

    # E: Receiver "wrong" takes "metres: int", but Measured.metres is "float"  [signal-receiver]
    @measured.connect
    async def wrong(sender: object, metres: int, **kwargs: object) -> None: ...


async def check_forward() -> None:
    """Model: forward references"""
    forward = Signal(Forward)
    await forward.send(sender=None, later=Later(number=1))
    # E: Argument "later" to "send" of "Signal" has incompatible type "None"; expected "Later"  [arg-type]
    await forward.send(sender=None, later=None)

    # E: Receiver "wrong" takes "later: int", but Forward.later is "Later"  [signal-receiver]
    @forward.connect
    async def wrong(sender: object, later: int, **kwargs: object) -> None: ...


async def check_alias_of_class() -> None:
    """Model: an alias of the class"""
    aliased = Signal(Alias)
    # E: Missing named argument "email" for "send" of "Signal"  [call-arg]
    await aliased.send(sender=None, order_id=1)


def check_unsuitable() -> None:
    """Model: that no signal can carry"""
    # E: "Signal(...)" is given Reserved, whose "sender" every receiver has already; rename it  [signal-payload]
    Signal(Reserved)
    # E: "Signal(...)" is given Numbers, a RootModel; declare a Payload with a field for its value  [signal-payload]
    Signal(Numbers)


async def check_only_known_at_run_time(model: type[BaseModel], given: type[OrderPlaced]) -> None:
    """Model: known at run time only"""
    await Signal(model).send(sender=None, anything=1)

    @Signal(model).connect
    async def takes_anything(sender: object, anything: int) -> None: ...

    # E: Receiver "wrong" takes "order_id: str", but OrderPlaced.order_id is "int"  [signal-receiver]
    @Signal(given).connect
    async def wrong(sender: object, order_id: str, **kwargs: object) -> None: ...
