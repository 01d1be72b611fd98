"""Products and their tags."""

from __future__ import annotations

from fastapi import APIRouter, HTTPException, status
from pydantic import BaseModel, Field

from examples.shop.accounts import CurrentSession
from examples.shop.storage import Product, add, all_products, find, remove, retag, transaction

router = APIRouter(prefix="/products")


class NewProduct(BaseModel):
    name: str
    price_cents: int = Field(gt=0)
    stock: int = Field(ge=0)
    tags: list[str] = []


class ProductView(BaseModel):
    id: int
    name: str
    price_cents: int
    stock: int
    tags: list[str]


async def find_product(product_id: int) -> Product:
    product = await find(Product, id=product_id)
    if product is None:
        raise HTTPException(status.HTTP_404_NOT_FOUND, "no such product")
    return product


def view(product: Product) -> ProductView:
    return ProductView(
        id=product.id,
        name=product.name,
        price_cents=product.price_cents,
        stock=product.stock,
        tags=sorted(tag.name for tag in product.tags),
    )


@router.get("")
async def read_products() -> list[ProductView]:
    return [view(product) for product in await all_products()]


@router.post("", status_code=status.HTTP_201_CREATED)
async def add_product(new: NewProduct, _: CurrentSession) -> ProductView:
    async with transaction():
        product = await add(Product(**new.model_dump(exclude={"tags"})))
        await retag(product, new.tags)
    return view(product)


@router.put("/{product_id}/tags")
async def replace_tags(product_id: int, names: list[str], _: CurrentSession) -> ProductView:
    product = await find_product(product_id)
    async with transaction():
        await retag(product, names)
    return view(product)


@router.delete("/{product_id}", status_code=status.HTTP_204_NO_CONTENT)
async def delete_product(product_id: int, _: CurrentSession) -> None:
    product = await find_product(product_id)
    await remove(product)
