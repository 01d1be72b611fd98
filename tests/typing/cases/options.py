"""The options of connect, `@receiver`, and the other ways to connect and disconnect."""

from typing import Any, assert_type
from unittest.mock import AsyncMock

from fastdjango_signals import ConnectedReceiver, Payload, Signal, all_signals, receiver


class OrderPlaced(Payload):
    order_id: int
    email: str


class OrderRefunded(Payload):
    order_id: int


class Shop: ...


order_placed = Signal(OrderPlaced)
order_refunded = Signal(OrderRefunded)


async def listen(sender: object, order_id: int, **kwargs: object) -> None: ...


def check_options() -> None:
    """Options: all of them"""
    order_placed.connect(
        listen,
        sender=Shop,
        weak=False,
        dispatch_uid="listen",
        priority=5,
        subclasses=True,
        on_commit=False,
    )
    order_placed.connect(listen, dispatch_uid=("a", 1))


def check_wrong_name() -> None:
    """Options: a wrong name"""
    order_placed.connect(listen, sendr=Shop)  # E
    order_placed.connect(listen, Shop)  # E
    order_placed.connect(prioriti=1)  # E

    @order_placed.connect(sendr=Shop)  # E
    async def decorated(sender: object, **kwargs: object) -> None: ...


def check_wrong_type() -> None:
    """Options: a wrong type"""
    order_placed.connect(listen, weak="no")  # E
    order_placed.connect(listen, priority="high")  # E
    order_placed.connect(listen, priority=None)  # E
    order_placed.connect(listen, sender=Shop, subclasses=1)  # E
    order_placed.connect(listen, dispatch_uid=["a"])  # E
    order_placed.connect(on_commit=3)  # E


def check_receiver() -> None:
    """@receiver: one signal"""

    @receiver(order_placed)
    async def fields(sender: object, order_id: int, **kwargs: object) -> None: ...

    @receiver(order_placed, sender=Shop)
    async def payload_style(sender: object, payload: OrderPlaced) -> None: ...

    @receiver(order_placed)  # E
    async def misspelt(sender: object, ordr_id: int, **kwargs: object) -> None: ...

    @receiver(order_placed)  # E
    def sync(sender: object, order_id: int, **kwargs: object) -> None: ...

    @receiver(order_placed, sendr=Shop)  # E
    async def option(sender: object, order_id: int, **kwargs: object) -> None: ...


def check_receiver_of_several() -> None:
    """@receiver: several signals"""

    @receiver([order_placed, order_refunded], sender=Shop)
    async def both(sender: object, order_id: int, **kwargs: object) -> int:
        return order_id

    @receiver((order_placed, order_refunded))
    async def in_tuple(sender: object, **kwargs: object) -> None: ...

    @receiver([order_placed])
    async def in_list(sender: object, **kwargs: object) -> None: ...


def check_bad_receiver_of_several() -> None:
    """@receiver: several signals, wrongly"""

    @receiver([order_placed, order_refunded])  # E
    def sync(sender: object, order_id: int, **kwargs: object) -> None: ...

    @receiver([order_placed, order_refunded], priority="high")  # E
    async def option(sender: object, **kwargs: object) -> None: ...

    @receiver(
        [order_placed, order_refunded]
    )  # E[runtime]: the fields of several signals are not told apart
    async def misspelt(sender: object, ordr_id: int, **kwargs: object) -> None: ...

    @receiver([order_placed, "order_refunded"])  # E
    async def no_signal(sender: object, **kwargs: object) -> None: ...

    @receiver(order_placed, order_refunded)  # E
    async def no_list(sender: object, **kwargs: object) -> None: ...

    @receiver  # E
    async def no_signals(sender: object, **kwargs: object) -> None: ...


async def check_result_of_several() -> None:
    """@receiver: a receiver of several signals keeps its type"""

    @receiver([order_placed, order_refunded])
    async def both(sender: object, order_id: int, **kwargs: object) -> int:
        return order_id

    assert_type(await both(Shop, 1), int)
    await both(Shop, "1")  # E[static]: Python checks no annotations


def check_connected_to() -> None:
    """connected_to"""
    with order_placed.connected_to(listen, sender=Shop) as connected:
        order_placed.disconnect(connected, sender=Shop)
    with order_placed.connected_to(listen, sendr=Shop):  # E
        pass
    with order_placed.connected_to(listen, weak="no"):  # E
        pass

    def sync(sender: object, **kwargs: object) -> None: ...

    async def misspelt(sender: object, ordr_id: int, **kwargs: object) -> None: ...

    async def whole(sender: object, payload: OrderPlaced) -> None: ...

    with order_placed.connected_to(whole):
        pass
    mock = AsyncMock()
    with order_placed.connected_to(mock):
        mock.assert_not_awaited()
    with order_placed.connected_to(sync):  # E
        pass
    with order_placed.connected_to(misspelt):  # E
        pass


def check_disconnect() -> None:
    """disconnect"""
    assert_type(order_placed.disconnect(listen), bool)
    assert_type(order_placed.disconnect(listen, sender=Shop), bool)
    assert_type(order_placed.disconnect(dispatch_uid="listen"), bool)
    order_placed.disconnect(listen, sendr=Shop)  # E
    order_placed.disconnect(listen, Shop)  # E
    order_placed.disconnect(listen, weak=False)  # E


def check_check() -> None:
    """check"""

    async def misspelt(sender: object, ordr_id: int, **kwargs: object) -> None: ...

    order_placed.check(listen, sender=Shop)
    order_placed.check(misspelt)  # E
    order_placed.check(listen, sendr=Shop)  # E


def check_receivers() -> None:
    """receivers, all_signals"""
    assert_type(order_placed.receivers, list[ConnectedReceiver])
    for each in order_placed.receivers:
        assert_type(each.priority, int)
        assert_type(each.weak, bool)
        assert_type(each.sender, object)
        assert_type(each.location, str | None)
        assert_type(each.takes_payload, bool)
    assert_type(all_signals(), list[Signal[Any, ...]])
    all_signals(1)  # E
