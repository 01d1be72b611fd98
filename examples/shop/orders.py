"""Orders, each placed in one transaction."""

from __future__ import annotations

from fastapi import APIRouter, HTTPException, status
from pydantic import BaseModel, Field

from examples.shop.accounts import CurrentSession
from examples.shop.catalogue import find_product
from examples.shop.signals import order_placed
from examples.shop.storage import Order, add, take_from_stock, transaction

router = APIRouter(prefix="/orders")


class NewOrder(BaseModel):
    product_id: int
    quantity: int = Field(gt=0)


@router.post("", status_code=status.HTTP_201_CREATED)
async def place_order(new: NewOrder, session: CurrentSession) -> dict[str, int]:
    product = await find_product(new.product_id)
    async with transaction():
        order = await add(
            Order(
                user=session.user,
                product=product,
                quantity=new.quantity,
                total_cents=new.quantity * product.price_cents,
            )
        )
        # Nobody is told too early: the confirmation waits for the commit, and where the stock
        # does not suffice there is none. The order and its audit entry are rolled back too.
        await order_placed.send(
            sender=Order,
            order_id=order.id,
            email=session.user.email,
            product=product.name,
            quantity=order.quantity,
            total_cents=order.total_cents,
        )
        if not await take_from_stock(product, new.quantity):
            raise HTTPException(status.HTTP_409_CONFLICT, "out of stock")
    return {"id": order.id, "total_cents": order.total_cents}
