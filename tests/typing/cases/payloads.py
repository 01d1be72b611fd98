"""Payloads of every kind."""

from typing import Generic, assert_type

from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypeVar

from fastdjango_signals import Payload, Signal

T = TypeVar("T")


class OrderPlaced(Payload):
    order_id: int
    email: str


class UrgentOrderPlaced(OrderPlaced):
    minutes: int = 30


class Changed(Payload, Generic[T]):
    old: T
    new: T


class Aliased(Payload):
    model_config = ConfigDict(validate_by_name=True)

    order_id: int = Field(alias="number")


class Defaults(Payload):
    tags: list[str] = Field(default_factory=list[str])
    limit: int = Field(default=10, gt=0)
    key: str = Field(min_length=1)


class Plain(BaseModel):
    number: int
    text: str = ""


class Shop: ...


class Orders(Signal[OrderPlaced]):
    def describe(self) -> str:
        return self.name


async def check_subclass_of_signal() -> None:
    """Subclass: class Orders(Signal[OrderPlaced])"""
    orders = Orders(OrderPlaced)
    assert_type(orders.describe(), str)
    assert_type(orders.providing_args, type[OrderPlaced])
    assert_type(Orders().providing_args, type[OrderPlaced])
    await orders.send(sender=Shop, order_id=1, email="ada@example.com")
    await orders.send(
        order_id=1, email="ada@example.com"
    )  # E[mypy, pyright, ty, runtime]: for pyrefly, "..." swallows the sender
    await orders.send(sender=Shop, order_id=1)  # E[runtime]: only the plugin reads the model

    @orders.connect
    async def whole(sender: object, payload: OrderPlaced) -> None: ...

    @orders.connect  # E
    def sync(sender: object, payload: OrderPlaced) -> None: ...

    Orders(Plain)  # E


async def check_inheritance() -> None:
    """Payload: inherited fields"""
    urgent = Signal(UrgentOrderPlaced)
    await urgent.send(sender=Shop, order_id=1, email="ada@example.com")
    await urgent.send(sender=Shop, order_id=1, email="ada@example.com", minutes=5)
    await urgent.send(sender=Shop, minutes=5)  # E
    await urgent.send(sender=Shop, order_id="1", email="ada@example.com", minutes=5)  # E

    @urgent.connect
    async def parent(sender: object, payload: OrderPlaced) -> None: ...

    @urgent.connect
    async def fields(sender: object, order_id: int, minutes: int = 0, **kwargs: object) -> None: ...

    @Signal(OrderPlaced).connect  # E[static]: connect reads no annotations
    async def child(sender: object, payload: UrgentOrderPlaced) -> None: ...


async def check_generic() -> None:
    """Payload: generic"""
    renamed = Signal(Changed[str])
    assert_type(renamed.providing_args, type[Changed[str]])
    await renamed.send(sender=Shop, old="a", new="b")
    await renamed.send(sender=Shop, old="a", new=2)  # E
    await renamed.send(sender=Shop, old="a")  # E

    @renamed.connect
    async def right(sender: object, old: str, new: str) -> None: ...

    @renamed.connect
    async def whole(sender: object, payload: Changed[str]) -> None: ...

    @renamed.connect  # E[static]: connect reads no annotations
    async def wrong(sender: object, old: int, new: int) -> None: ...

    @renamed.connect  # E[static]: as above
    async def wrong_payload(sender: object, payload: Changed[int]) -> None: ...


async def check_aliases() -> None:
    """Payload: aliases"""
    aliased = Signal(Aliased)
    await aliased.send(
        sender=Shop, order_id=1
    )  # LIMIT[mypy, pyright]: only the plugin reads names instead of aliases
    await aliased.send(sender=Shop, number=1)  # E[runtime]: as above
    await aliased.send(
        sender=Shop
    )  # E[mypy, pyright, runtime]: with two names, neither is required

    @aliased.connect  # LIMIT[static]: only the plugin reads names instead of aliases
    async def by_name(sender: object, order_id: int) -> None: ...

    @aliased.connect  # E[ty, pyrefly, runtime]: refused for the name it lacks
    async def by_alias(sender: object, number: int) -> None: ...


async def check_defaults() -> None:
    """Payload: Field(...) with and without a default"""
    defaults = Signal(Defaults)
    await defaults.send(sender=Shop, key="a")
    await defaults.send(sender=Shop, key="a", limit=5, tags=["x"])
    await defaults.send(sender=Shop)  # E
    await defaults.send(sender=Shop, key="a", limit="5")  # E
    await defaults.send(
        sender=Shop, key="a", limit=0
    )  # E[runtime, -plugin]: no type says "more than zero"

    @defaults.connect
    async def right(sender: object, key: str, limit: int = 10, **kwargs: object) -> None: ...

    @defaults.connect  # E[static]: connect reads no annotations
    async def wrong(sender: object, key: int, **kwargs: object) -> None: ...


async def check_plain_model() -> None:
    """Payload: a plain BaseModel"""
    plain = Signal(Plain)
    await plain.send(sender=Shop, number=1)
    await plain.send(sender=Shop, number=1, text="a")
    await plain.send(sender=Shop)  # E
    await plain.send(sender=Shop, number=[])  # E
    await plain.send(1, "a")  # E

    @plain.connect  # LIMIT[ty, pyrefly]: a lax "int" field takes more than int, so that is its type
    async def fields(sender: object, number: int, **kwargs: object) -> None: ...

    @plain.connect
    async def whole(sender: object, payload: Plain) -> None: ...

    @plain.connect  # E[static]: connect reads no annotations
    async def wrong(sender: object, number: list[int], **kwargs: object) -> None: ...
