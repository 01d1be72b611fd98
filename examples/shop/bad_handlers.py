"""Handlers and sends that are wrong on purpose: none of this ever runs.

The demo shows what mypy says to each function here; run it yourself with
`mypy examples/shop/bad_handlers.py`.
"""

from __future__ import annotations

from examples.shop.signals import OrderPlaced, order_placed


@order_placed.connect
async def expects_another_type(sender: object, order_id: str, **kwargs: object) -> None:
    print(order_id.upper())


@order_placed.connect
async def misspells_a_field(sender: object, ordr_id: int, **kwargs: object) -> None:
    print(ordr_id)


@order_placed.connect
async def leaves_fields_without_a_place(sender: object, order_id: int) -> None:
    print(order_id)


@order_placed.connect
def is_not_async(sender: object, payload: OrderPlaced) -> None:
    print(payload.email)


@order_placed.connect
async def takes_another_payload(sender: object, payload: int) -> None:
    print(payload + 1)


async def sends_text_for_a_number() -> None:
    await order_placed.send(
        sender=None, order_id="1", email="ada@example.com", product="Tea", quantity=1, total_cents=1
    )


async def sends_too_little() -> None:
    await order_placed.send(sender=None, order_id=1, email="ada@example.com")


async def reads_what_is_not_there(payload: OrderPlaced) -> None:
    print(payload.customer)
