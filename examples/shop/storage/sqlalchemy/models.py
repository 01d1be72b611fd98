"""What the shop keeps, and what its receivers write down."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, Column, DateTime, ForeignKey, Integer, String, Table
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column, relationship


class Record(DeclarativeBase):
    id: Mapped[int] = mapped_column(primary_key=True)

    @declared_attr.directive
    @classmethod
    def __tablename__(cls) -> str:
        return cls.__name__.lower()


class User(Record):
    email: Mapped[str] = mapped_column(String(200), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    password_hash: Mapped[str] = mapped_column(String(200))
    last_login: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class Session(Record):
    token: Mapped[str] = mapped_column(String(64), unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id))
    user: Mapped[User] = relationship(lazy="joined")


class Tag(Record):
    name: Mapped[str] = mapped_column(String(50), unique=True)


product_tag = Table(
    "product_tag",
    Record.metadata,
    Column("product_id", Integer, ForeignKey("product.id"), primary_key=True),
    Column("tag_id", Integer, ForeignKey("tag.id"), primary_key=True),
)


class Product(Record):
    name: Mapped[str] = mapped_column(String(200))
    price_cents: Mapped[int]
    stock: Mapped[int]
    tags: Mapped[list[Tag]] = relationship(secondary=product_tag, lazy="selectin")


class Order(Record):
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id))
    user: Mapped[User] = relationship()
    product_id: Mapped[int] = mapped_column(ForeignKey(Product.id))
    product: Mapped[Product] = relationship()
    quantity: Mapped[int]
    total_cents: Mapped[int]


def _now() -> datetime:
    return datetime.now(UTC)


class AuditEntry(Record):
    """Who changed what is written here by receivers alone."""

    at: Mapped[datetime] = mapped_column(DateTime(timezone=True), default=_now)
    action: Mapped[str] = mapped_column(String(20))
    model: Mapped[str] = mapped_column(String(50))
    object_id: Mapped[int | None]
    details: Mapped[str] = mapped_column(String(500), default="")


class OutboxMessage(Record):
    """An e-mail that waits to be sent."""

    at: Mapped[datetime] = mapped_column(DateTime(timezone=True), default=_now)
    recipient: Mapped[str] = mapped_column(String(200))
    subject: Mapped[str] = mapped_column(String(200))


class FailedLogin(Record):
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True), default=_now)
    address: Mapped[str] = mapped_column(String(100))
    credentials: Mapped[dict[str, Any]] = mapped_column(JSON)
