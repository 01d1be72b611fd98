"""The shop on Tortoise ORM."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from fastapi import FastAPI
from tortoise.contrib.fastapi import RegisterTortoise
from tortoise.expressions import F
from tortoise.transactions import in_transaction

from examples.shop.storage.tortoise import models
from examples.shop.storage.tortoise.models import (
    AuditEntry,
    FailedLogin,
    Order,
    OutboxMessage,
    Product,
    Record,
    Session,
    Tag,
    User,
)
from fastdjango_signals.integrations import tortoise
from fastdjango_signals.integrations.tortoise import Through

__all__ = [
    "AuditEntry",
    "FailedLogin",
    "Order",
    "OutboxMessage",
    "Product",
    "Record",
    "Session",
    "Tag",
    "Through",
    "User",
    "add",
    "all_products",
    "change",
    "find",
    "opened",
    "remove",
    "retag",
    "take_from_stock",
    "transaction",
]

M = TypeVar("M", bound=Record)


@asynccontextmanager
async def opened(api: FastAPI, path: Path) -> AsyncGenerator[None, None]:
    """Have the models send signals, and keep them in this SQLite file."""
    tortoise.install()
    modules: dict[str, Iterable[str | ModuleType]] = {"models": [models.__name__]}
    async with RegisterTortoise(
        api, db_url=f"sqlite://{path}", modules=modules, generate_schemas=True
    ):
        yield
    tortoise.uninstall()


def transaction() -> AbstractAsyncContextManager[object]:
    return in_transaction()


async def find(model: type[M], **by: Any) -> M | None:
    """Return the one that fits, with what it refers to."""
    found = await model.get_or_none(**by)
    if isinstance(found, Session):
        await found.fetch_related("user")
    elif isinstance(found, Product):
        await found.fetch_related("tags")
    return found


async def all_products() -> list[Product]:
    """Return the products with their tags."""
    return await Product.all().prefetch_related("tags")


async def add(instance: M) -> M:
    await instance.save()
    return instance


async def change(instance: Record, **fields: object) -> None:
    """Set some fields, and save these alone."""
    for name, value in fields.items():
        setattr(instance, name, value)
    await instance.save(update_fields=list(fields))


async def remove(instance: Record) -> None:
    await instance.delete()


async def retag(product: Product, names: list[str]) -> None:
    """Give the product these tags, and no others."""
    await product.fetch_related("tags")
    unwanted = [tag for tag in product.tags if tag.name not in names]
    if unwanted:
        await product.tags.remove(*unwanted)
    present = {tag.name: tag for tag in await Tag.filter(name__in=names)}
    wanted = [present.get(name) or await Tag.create(name=name) for name in sorted(set(names))]
    await product.tags.add(*wanted)
    await product.fetch_related("tags")


async def take_from_stock(product: Product, quantity: int) -> bool:
    """Return whether there was enough."""
    enough = Product.filter(id=product.id, stock__gte=quantity)
    return bool(await enough.update(stock=F("stock") - quantity))
