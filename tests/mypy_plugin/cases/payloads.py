"""Payloads in a module of their own, so that mypy may know them from its cache alone."""

from __future__ import annotations

from typing import Annotated, ClassVar, Generic, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, field_validator
from typing_extensions import TypeVar

from fastdjango_signals import Payload

T = TypeVar("T")


class OrderPlaced(Payload):
    order_id: int
    email: str
    note: str | None = None


class OrderRefunded(Payload):
    order_id: int
    cents: int = 0


class UrgentOrderPlaced(OrderPlaced):
    minutes: int = 30


class Changed(Payload, Generic[T]):
    old: T
    new: T


class Renamed(Changed[str]):
    by: str | None = None


class Aliased(Payload):
    model_config = ConfigDict(validate_by_name=True)

    order_id: int = Field(alias="number")
    email: str = Field(validation_alias="mail")


class Measured(BaseModel):
    """A plain model, whose validator takes more than its field says."""

    kind: ClassVar[str] = "length"
    metres: float
    label: Annotated[str, Field(min_length=1)] = "?"
    tags: list[str] = Field(default_factory=list)
    _seen: bool = PrivateAttr(default=False)

    @field_validator("metres", mode="before")
    @classmethod
    def _number(cls, value: object) -> object:
        return float(str(value))


class Forward(Payload):
    later: Later
    maybe: Later | None = None


class Later(BaseModel):
    number: int


class Mixin(BaseModel):
    request_id: str


class Mixed(Mixin, OrderRefunded):
    cents: int


Alias: TypeAlias = OrderPlaced
