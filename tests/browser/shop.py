"""A shop whose signals the tests watch, in this process."""

from __future__ import annotations

import asyncio
from typing import Any

from pydantic import SecretStr

from fastdjango_signals import Payload, Signal
from fastdjango_signals.observations import Observation, Send
from fastdjango_signals.transactions import (
    Transaction,
    TransactionStack,
    add_backend,
    remove_backend,
)

HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script>\"'&amp;\u202e"


class Ordered(Payload):
    order_id: int
    email: str = "ada@example.com"
    token: SecretStr = SecretStr("hunter2")


class Till: ...


ordered = Signal(Ordered, name="shop.order_placed")
packed = Signal(Ordered, name="shop.order_packed", concurrent=True)
closed = Signal(Ordered, name="shop.closed")
hostile = Signal(name=HOSTILE)


@ordered.connect(sender=Till, priority=5)
async def confirm(sender: object, order_id: int, **kwargs: Any) -> None:
    await asyncio.sleep(0.03)


@ordered.connect
async def count(sender: object, payload: Ordered) -> None:
    await asyncio.sleep(0.02)


@ordered.connect(on_commit=True)
async def ship(sender: object, order_id: int, **kwargs: Any) -> None:
    await asyncio.sleep(0.01)


@packed.connect
async def label(sender: object, **kwargs: Any) -> None:
    await asyncio.sleep(0.04)


@packed.connect
async def weigh(sender: object, email: str, **kwargs: Any) -> None:
    await asyncio.sleep(0.02)
    look_up(email)


async def hostile_receiver(sender: object, **kwargs: Any) -> None:
    raise LookupError(HOSTILE)


hostile_receiver.__qualname__ = HOSTILE
hostile.connect(hostile_receiver)


def look_up(email: str) -> None:
    try:
        raise KeyError(email)
    except KeyError as error:
        raise LookupError(f"no parcel for {email}") from error


async def send_in_a_transaction() -> None:
    """Send in a transaction, and commit it."""
    stack: TransactionStack = TransactionStack("shop")
    add_backend(stack)
    try:
        transaction = Transaction(None)
        stack.push(transaction)
        await ordered.send(Till, order_id=7)
        await asyncio.sleep(0.05)
        transaction.commit()
        await transaction.close()
    finally:
        remove_backend(stack)


async def receive_from_a_broker() -> None:
    """Do as the relay does with an event from another process."""
    send = Send(
        signal="shop.order_placed",
        sender="warehouse",
        payload=Ordered(order_id=1),
        receivers=0,
        robust=True,
        concurrent=False,
        carrier={},
    )
    with Observation(send):
        await asyncio.sleep(0)
