"""Products and their tags."""

from __future__ import annotations

from fastapi import APIRouter, HTTPException, status
from pydantic import BaseModel, Field
from tortoise.transactions import in_transaction

from examples.shop.accounts import CurrentSession
from examples.shop.models import Product, Tag

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
    product = await Product.get_or_none(id=product_id).prefetch_related("tags")
    if product is None:
        raise HTTPException(status.HTTP_404_NOT_FOUND, "no such product")
    return product


async def tags_named(names: list[str]) -> list[Tag]:
    """Return these tags, the new ones created."""
    present = {tag.name: tag for tag in await Tag.filter(name__in=names)}
    return [present.get(name) or await Tag.create(name=name) for name in sorted(set(names))]


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
    return [view(product) for product in await Product.all().prefetch_related("tags")]


@router.post("", status_code=status.HTTP_201_CREATED)
async def add_product(new: NewProduct, _: CurrentSession) -> ProductView:
    async with in_transaction():
        product = await Product.create(**new.model_dump(exclude={"tags"}))
        await product.tags.add(*await tags_named(new.tags))
    return view(await find_product(product.id))


@router.put("/{product_id}/tags")
async def replace_tags(product_id: int, names: list[str], _: CurrentSession) -> ProductView:
    product = await find_product(product_id)
    async with in_transaction():
        unwanted = [tag for tag in product.tags if tag.name not in names]
        if unwanted:
            await product.tags.remove(*unwanted)
        await product.tags.add(*await tags_named(names))
    return view(await find_product(product_id))


@router.delete("/{product_id}", status_code=status.HTTP_204_NO_CONTENT)
async def delete_product(product_id: int, _: CurrentSession) -> None:
    product = await find_product(product_id)
    await product.delete()
