"""What tests capture, and what is known of it."""

from collections.abc import Callable
from typing import assert_type

from pydantic import BaseModel

from fastdjango_signals import Payload, Signal
from fastdjango_signals.testing import (
    Capture,
    Captured,
    CapturedFixture,
    Sends,
    SignalsFixture,
    capture,
    muted,
)


class OrderPlaced(Payload):
    order_id: int
    email: str
    note: str | None = None


class OrderPaid(Payload):
    amount: int


class Shop: ...


order_placed = Signal(OrderPlaced)
order_paid = Signal(OrderPaid)
legacy = Signal(["order", "user"])


async def some_fields(sender: type[Shop] | None, *, order_id: int, **kwargs: object) -> None: ...


async def whole(sender: object, payload: OrderPlaced) -> int:
    return payload.order_id


async def wrong(sender: object, payload: OrderPaid) -> None: ...


def sync(sender: object, **kwargs: object) -> None: ...


def never_called(function: Callable[[], object]) -> None: ...


async def check_capture() -> None:
    """capture: the payloads of one signal are typed"""
    with capture(order_placed) as captured:
        await order_placed.send(sender=Shop, order_id=1, email="ada@example.com")
    assert_type(captured, Capture[OrderPlaced])
    assert_type(captured[0], Captured[OrderPlaced])
    assert_type(captured[0].payload.order_id, int)
    assert_type(captured[0].sender, object)
    for sent in captured:
        assert_type(sent.payload.email, str)
    assert_type(captured.payloads, list[OrderPlaced])
    assert_type(len(captured), int)


async def check_captured_fields() -> None:
    """capture: a field that the payload does not have"""
    placed, both = capture(order_placed), capture(order_placed, order_paid)
    never_called(lambda: placed[0].payload.ordr_id)  # E[static, plugin]: Python does not call it
    never_called(lambda: placed.assert_sent_once().payload.x)  # E[static, plugin]: nor this
    never_called(lambda: both[0].payload.order_id)  # E[static, plugin]: nor this


async def check_capture_options() -> None:
    """capture: its options"""
    with capture(order_placed, run=False, everywhere=True) as captured:
        assert_type(captured, Capture[OrderPlaced])
    capture()  # E
    capture(OrderPlaced)  # E
    capture(order_placed, runs=False)  # E


async def check_capture_several() -> None:
    """capture: of several signals, each can be asked for"""
    with capture(order_placed, order_paid) as captured:
        await order_paid.send(sender=Shop, amount=5)
    assert_type(captured, Capture[BaseModel])
    assert_type(captured.of(order_paid), Sends[OrderPaid])
    assert_type(captured.of(order_paid)[0].payload.amount, int)


async def check_assertions() -> None:
    """assert_sent and its like: what they return"""
    with capture(order_placed, run=False) as captured:
        await order_placed.send(sender=Shop, order_id=1, email="ada@example.com")
    assert_type(captured.assert_sent(Shop, order_id=1), list[Captured[OrderPlaced]])
    assert_type(captured.assert_sent_once(sender=Shop).payload.note, str | None)
    captured.assert_not_sent(order_id=2)
    captured.assert_sent(Shop, 1)  # E
    captured.assert_sent(ordr_id=1)  # E[runtime, -plugin]: a part of the fields has no type


async def check_capture_names() -> None:
    """capture: a signal with names"""
    with capture(legacy) as captured:
        await legacy.send(sender=Shop, order=1, user="ada")
    captured.assert_sent_once(order=1)


async def check_muted() -> None:
    """muted: signals, or a receiver"""
    order_placed.connect(whole)
    with muted(order_placed, order_paid, everywhere=True):
        await order_placed.send(sender=Shop, order_id=1, email="ada@example.com")
    with muted(order_placed, receiver=whole):
        await order_placed.send(sender=Shop, order_id=1, email="ada@example.com")
    order_placed.disconnect(whole)
    muted()  # E
    muted(whole)  # E


def check_decorating_with_a_fixture() -> None:
    """The fixture signals: connect as a decorator"""
    signals = SignalsFixture()

    @signals.connect(order_placed, sender=Shop, priority=1)
    async def fields(sender: object, *, order_id: int, **kwargs: object) -> None: ...

    @signals.connect(order_placed)
    async def payload(sender: object, payload: OrderPlaced) -> None: ...

    @signals.connect(order_placed)  # E
    def plain(sender: object, **kwargs: object) -> None: ...

    @signals.connect(order_placed)  # E
    async def odd(sender: object, *, ordr_id: int, **kwargs: object) -> None: ...

    signals.connect(order_placed)(whole)
    signals.connect(order_placed, prioritee=1)  # E
    signals.connect(whole)  # E
    signals.__exit__()


async def check_equality() -> None:
    """capture: what was captured equals a list"""
    with capture(order_placed) as captured:
        await order_placed.send(sender=Shop, order_id=1, email="ada@example.com")
    assert captured != []
    assert captured == captured[:]


def check_fixtures() -> None:
    """The fixtures signals and captured"""
    signals = SignalsFixture()
    captured: CapturedFixture = signals.capture
    assert_type(captured(order_placed, run=False)[:], list[Captured[OrderPlaced]])
    assert_type(captured(order_placed, order_paid), Capture[BaseModel])
    signals.connect(order_placed, some_fields, sender=Shop, priority=1)
    signals.connect(order_placed, whole)
    signals.connect(order_placed, wrong)  # E[pyright, ty, pyrefly, -plugin]: an annotation
    signals.connect(order_placed, sync)  # E
    signals.connect(order_placed, whole, prioritee=1)  # E
    signals.mute(order_placed, receiver=whole)
    signals.mute(order_placed, order_paid)
    signals.__exit__()
