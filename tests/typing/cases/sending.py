"""What may be sent."""

from typing import Any, assert_type

from fastdjango_signals import Payload, Signal


class OrderPlaced(Payload):
    order_id: int
    email: str
    note: str | None = None


class Shop: ...


order_placed = Signal(OrderPlaced)
legacy = Signal(["order", "user"])
anything = Signal()


async def check_send() -> None:
    """send: a payload that fits"""
    await order_placed.send(Shop, order_id=1, email="ada@example.com")
    await order_placed.send(sender=Shop, order_id=1, email="ada@example.com", note="soon")
    await order_placed.send(sender=None, note=None, email="ada@example.com", order_id=1)
    await order_placed.send(order_id=1, email="ada@example.com", sender="shop")
    responses = await order_placed.send(Shop, order_id=1, email="ada@example.com")
    for receiver, response in responses:
        assert_type(response, Any)
        assert callable(receiver)


async def check_send_missing() -> None:
    """send: a missing field"""
    await order_placed.send(Shop, order_id=1)  # E
    await order_placed.send(sender=Shop, email="ada@example.com")  # E
    await order_placed.send(Shop)  # E


async def check_send_wrong_type() -> None:
    """send: a field of the wrong type"""
    await order_placed.send(Shop, order_id="1", email="ada@example.com")  # E
    await order_placed.send(sender=Shop, order_id=1, email=None)  # E
    await order_placed.send(Shop, order_id=1.5, email="ada@example.com")  # E
    await order_placed.send(Shop, order_id=1, email="ada@example.com", note=3)  # E


async def check_send_unknown() -> None:
    """send: an unknown field"""
    await order_placed.send(Shop, order_id=1, email="ada@example.com", ordr_id=2)  # E
    await order_placed.send(sender=Shop, order_id=1, email="", payload=None)  # E


async def check_send_positional() -> None:
    """send: positional fields, or none"""
    await order_placed.send(Shop, 1, "ada@example.com")  # E
    await order_placed.send(Shop, OrderPlaced(order_id=1, email="ada@example.com"))  # E


async def check_send_sender() -> None:
    """send: the sender missing, or twice"""
    await order_placed.send(order_id=1, email="ada@example.com")  # E
    await order_placed.send(Shop, sender=Shop, order_id=1, email="ada@example.com")  # E


async def check_send_robust() -> None:
    """send_robust: the same"""
    await order_placed.send_robust(sender=Shop, order_id=1, email="ada@example.com")
    await order_placed.send_robust(Shop, order_id=1)  # E
    await order_placed.send_robust(Shop, order_id="1", email="ada@example.com")  # E
    await order_placed.send_robust(Shop, order_id=1, email="ada@example.com", ordr_id=2)  # E
    await order_placed.send_robust(Shop, 1, "ada@example.com")  # E
    await order_placed.send_robust(order_id=1, email="ada@example.com")  # E


async def check_send_names() -> None:
    """send: a signal with names"""
    await legacy.send(sender=Shop, order=1, user="ada")
    await legacy.send_robust(sender=Shop, order=None, user=object())
    await legacy.send(
        order=1, user="ada"
    )  # E[mypy, pyright, ty, runtime]: for pyrefly, "..." swallows the sender
    await legacy.send(sender=Shop, order=1)  # E[runtime]: only the plugin reads the list
    await legacy.send(sender=Shop, order=1, usr="ada")  # E[runtime]: as above


async def check_send_open() -> None:
    """send: a signal open to any keywords"""
    await anything.send(sender=Shop)
    await anything.send(Shop, order_id=1, email="ada@example.com")
    await anything.send(
        order_id=1
    )  # E[mypy, pyright, ty, runtime]: for pyrefly, "..." swallows the sender


async def check_send_annotated() -> None:
    """send: a signal whose annotation says Signal[Model]"""
    bracketed = Signal[OrderPlaced]()
    await bracketed.send(Shop, order_id=1, email="ada@example.com")
    await bracketed.send(Shop, order_id=1)  # E[runtime]: only the plugin reads the model
    await bracketed.send(
        order_id=1, email="ada@example.com"
    )  # E[mypy, pyright, ty, runtime]: for pyrefly, "..." swallows the sender


async def check_muted() -> None:
    """muted, has_listeners"""
    with order_placed.muted():
        await order_placed.send(Shop, order_id=1, email="ada@example.com")
        await order_placed.send(Shop, order_id=1)  # E
    assert_type(order_placed.has_listeners(), bool)
    assert_type(order_placed.has_listeners(sender=Shop), bool)
    assert_type(order_placed.has_listeners(Shop), bool)
    order_placed.has_listeners(sendr=Shop)  # E
