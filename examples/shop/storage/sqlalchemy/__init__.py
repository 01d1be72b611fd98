"""The shop on SQLAlchemy, with the same functions as the one on Tortoise ORM.

A request may open a transaction; what happens in it, receivers included, shares one session.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, TypeVar

from fastapi import FastAPI
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from examples.shop.storage.sqlalchemy.models import (
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
from fastdjango_signals.integrations import sqlalchemy
from fastdjango_signals.integrations.sqlalchemy import Through

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

R = TypeVar("R", bound=Record)

make_session = async_sessionmaker(expire_on_commit=False)
_session: ContextVar[AsyncSession | None] = ContextVar("session", default=None)


@asynccontextmanager
async def opened(_: FastAPI, path: Path) -> AsyncGenerator[None, None]:
    """Have the models send signals, and keep them in this SQLite file."""
    engine = create_async_engine(f"sqlite+aiosqlite:///{path}")
    make_session.configure(bind=engine)
    async with engine.begin() as connection:
        await connection.run_sync(Record.metadata.create_all)
    sqlalchemy.install()
    yield
    sqlalchemy.uninstall()
    await engine.dispose()


@asynccontextmanager
async def transaction() -> AsyncGenerator[AsyncSession, None]:
    """Give the session of the transaction that is open here, or else open one."""
    session = _session.get()
    if session is not None and session.in_transaction():
        yield session
        return
    # The commit sends signals too, so their receivers must find the session until it is done.
    async with make_session() as session:
        token = _session.set(session)
        try:
            async with session.begin():
                yield session
        finally:
            _session.reset(token)


async def find(model: type[R], **by: Any) -> R | None:
    """Return the one that fits, with what it refers to."""
    async with transaction() as session:
        return (await session.scalars(select(model).filter_by(**by))).unique().one_or_none()


async def all_products() -> list[Product]:
    """Return the products with their tags."""
    async with transaction() as session:
        return list(await session.scalars(select(Product).order_by(Product.id)))


async def add(instance: R) -> R:
    async with transaction() as session:
        session.add(instance)
        await session.flush()
    return instance


async def change(instance: Record, **fields: object) -> None:
    """Set some fields, and save these alone."""
    async with transaction() as session:
        session.add(instance)
        for name, value in fields.items():
            setattr(instance, name, value)
        await session.flush()


async def remove(instance: Record) -> None:
    async with transaction() as session:
        await session.delete(instance)


async def retag(product: Product, names: list[str]) -> None:
    """Give the product these tags, and no others."""
    async with transaction() as session:
        session.add(product)
        await session.refresh(product, ["tags"])
        for tag in [tag for tag in product.tags if tag.name not in names]:
            product.tags.remove(tag)
        await session.flush()
        present = {tag.name: tag for tag in await session.scalars(select(Tag))}
        kept = {tag.name for tag in product.tags}
        for name in sorted({*names} - kept):
            product.tags.append(present.get(name) or Tag(name=name))
        await session.flush()


async def take_from_stock(product: Product, quantity: int) -> bool:
    """Return whether there was enough."""
    enough = update(Product).where(Product.id == product.id, Product.stock >= quantity)
    async with transaction() as session:
        taken = enough.values(stock=Product.stock - quantity).returning(Product.id)
        return await session.scalar(taken) is not None
