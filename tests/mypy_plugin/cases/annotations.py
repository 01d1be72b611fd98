"""Signals that are known by their annotation alone."""

from __future__ import annotations

from typing import ClassVar, Protocol, TypeAlias

from payloads import OrderPlaced, OrderRefunded

from fastdjango_signals import Payload, Signal

OrderSignal: TypeAlias = Signal[OrderPlaced]


class Shop:
    placed: Signal[OrderPlaced] = Signal(OrderPlaced)
    refunded: ClassVar[Signal[OrderRefunded]] = Signal(OrderRefunded)

    def __init__(self, given: Signal[OrderPlaced]) -> None:
        self.given = given

    @property
    def returned(self) -> Signal[OrderRefunded]:
        return self.refunded


class HasSignal(Protocol):
    placed: Signal[OrderPlaced]


async def wrong(sender: object, order_id: str, **kwargs: object) -> None: ...


def make() -> Signal[OrderPlaced]:
    return Signal(OrderPlaced)


def check_local() -> None:
    """Annotation: a local, brackets"""
    declared: Signal[OrderPlaced] = Signal(OrderPlaced)
    bracketed = Signal[OrderPlaced]()
    # E: Receiver "wrong" takes "order_id: str", but OrderPlaced.order_id is "int"  [signal-receiver]
    declared.connect(wrong)
    # E: Receiver "wrong" takes "order_id: str", but OrderPlaced.order_id is "int"  [signal-receiver]
    bracketed.connect(wrong)


async def check_attribute(shop: Shop, anything: HasSignal) -> None:
    """Annotation: attributes, ClassVar, property, protocol"""
    # E: Receiver "wrong" takes "order_id: str", but OrderPlaced.order_id is "int"  [signal-receiver]
    Shop.placed.connect(wrong)
    # E: Receiver "wrong" takes "order_id: str", but OrderRefunded.order_id is "int"  [signal-receiver]
    shop.refunded.connect(wrong)
    # E: Receiver "wrong" takes "order_id: str", but OrderPlaced.order_id is "int"  [signal-receiver]
    shop.given.connect(wrong)
    # E: Receiver "wrong" takes "order_id: str", but OrderPlaced.order_id is "int"  [signal-receiver]
    anything.placed.connect(wrong)
    await shop.returned.send(sender=shop, order_id=1, cents=2)
    # E: Unexpected keyword argument "cent" for "send" of "Signal"; did you mean "cents"?  [call-arg]
    await shop.returned.send(sender=shop, order_id=1, cent=2)


async def check_parameter(given: Signal[OrderPlaced], maybe: Signal[OrderPlaced] | None) -> None:
    """Annotation: parameters, Optional"""
    # E: Receiver "wrong" takes "order_id: str", but OrderPlaced.order_id is "int"  [signal-receiver]
    given.connect(wrong)
    # E: Argument "order_id" to "send" of "Signal" has incompatible type "str"; expected "int"  [arg-type]
    await given.send(sender=None, order_id="1", email="")
    if maybe:
        # E: Missing named argument "order_id" for "send_robust" of "Signal"  [call-arg]
        await maybe.send_robust(sender=None, email="")


def check_return() -> None:
    """Annotation: what a function returns"""
    # E: Receiver "wrong" takes "order_id: str", but OrderPlaced.order_id is "int"  [signal-receiver]
    make().connect(wrong)


async def check_container(
    listed: list[Signal[OrderPlaced]], keyed: dict[str, Signal[OrderRefunded]]
) -> None:
    """Annotation: in a container"""
    # E: Receiver "wrong" takes "order_id: str", but OrderPlaced.order_id is "int"  [signal-receiver]
    listed[0].connect(wrong)
    for signal in keyed.values():
        # E: Missing named argument "order_id" for "send" of "Signal"  [call-arg]
        await signal.send(sender=None)


async def check_alias(aliased: OrderSignal) -> None:
    """Annotation: a type alias"""
    # E: Receiver "wrong" takes "order_id: str", but OrderPlaced.order_id is "int"  [signal-receiver]
    aliased.connect(wrong)
    # E: Missing named argument "email" for "send" of "Signal"  [call-arg]
    await OrderSignal().send(sender=None, order_id=1)


async def check_unknown(bare: Signal, base: Signal[Payload]) -> None:
    """Annotation: none that tells the payload"""
    bare.connect(wrong)
    await bare.send(sender=None, anything=1)
    await base.send(sender=None, anything=1)

    # E: Receiver "sync" is not async; declare it with "async def"  [signal-receiver]
    @bare.connect
    def sync(sender: object, **kwargs: object) -> None: ...


async def check_union(either: Signal[OrderPlaced] | Signal[OrderRefunded]) -> None:
    """Annotation: a union"""
    # E: Missing named argument "email" for "send" of "Signal"  [call-arg]
    await either.send(sender=None, order_id=1)


def check_contradiction() -> None:
    """Annotation: not what the signal is made of"""
    # E: "Signal(...)" is declared to carry OrderPlaced; write Signal(OrderPlaced)  [signal-payload]
    empty: Signal[OrderPlaced] = Signal()
    # E: "Signal(...)" is declared to carry OrderPlaced; write Signal(OrderPlaced)  [signal-payload]
    named: Signal[OrderPlaced] = Signal(["order_id"])
    # E: Argument 1 to "Signal" has incompatible type "type[OrderRefunded]"; expected "def (*Any, **Any) -> OrderPlaced"  [arg-type]
    other: Signal[OrderPlaced] = Signal(OrderRefunded)
