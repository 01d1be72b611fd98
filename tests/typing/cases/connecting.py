"""Every form of connect, and what is left of a receiver's type."""

from collections.abc import Awaitable
from functools import partial
from typing import assert_type
from unittest.mock import AsyncMock

from fastdjango_signals import Payload, Signal


class OrderPlaced(Payload):
    order_id: int
    email: str
    note: str | None = None


class Shop: ...


order_placed = Signal(OrderPlaced)


async def every_field(sender: object, order_id: int, email: str, note: str | None = None) -> str:
    return email


async def some_fields(sender: type[Shop] | None, *, order_id: int, **kwargs: object) -> None: ...


async def no_field(sender: object, **kwargs: object) -> None: ...


async def whole(sender: object, payload: OrderPlaced) -> int:
    return payload.order_id


async def logged(level: int, sender: object, order_id: int, **kwargs: object) -> None: ...


class Mailer:
    async def send_mail(self, sender: object, email: str, **kwargs: object) -> None: ...

    async def take(self, sender: object, payload: OrderPlaced) -> None: ...

    @classmethod
    async def of_class(cls, sender: object, email: str, **kwargs: object) -> None: ...

    @staticmethod
    async def of_none(sender: object, email: str, **kwargs: object) -> None: ...


class Counter:
    async def __call__(self, sender: object, order_id: int, **kwargs: object) -> int:
        return order_id


def check_function() -> None:
    """connect: a function"""
    order_placed.connect(every_field)
    order_placed.connect(some_fields)
    order_placed.connect(no_field)
    order_placed.connect(receiver=some_fields)
    order_placed.connect(some_fields, sender=Shop, weak=False)
    order_placed.connect(None)


def check_decorator() -> None:
    """connect: a bare decorator"""

    @order_placed.connect
    async def named(sender: object, order_id: int, **kwargs: object) -> None: ...

    @order_placed.connect
    async def keywords(
        sender: object, *, order_id: int, email: str, note: str | None = None
    ) -> None: ...

    @order_placed.connect
    async def wider(sender: object, order_id: int | str, **kwargs: object) -> None: ...

    @order_placed.connect  # E
    async def misspelt(sender: object, ordr_id: int, **kwargs: object) -> None: ...


def check_decorator_with_options() -> None:
    """connect: a decorator with options"""

    @order_placed.connect()
    async def plain(sender: object, order_id: int, **kwargs: object) -> None: ...

    @order_placed.connect(sender=Shop, priority=10)
    async def named(sender: type[Shop], order_id: int, **kwargs: object) -> None: ...

    @order_placed.connect(sender=Shop)
    async def payload_style(sender: type[Shop], payload: OrderPlaced) -> None: ...

    @order_placed.connect(sender=Shop)  # E
    async def misspelt(sender: object, ordr_id: int, **kwargs: object) -> None: ...

    @order_placed.connect(weak=False)  # E
    def sync(sender: object, order_id: int, **kwargs: object) -> None: ...


def check_payload() -> None:
    """connect: a receiver that takes the payload"""
    order_placed.connect(whole)

    @order_placed.connect
    async def exact(sender: object, payload: OrderPlaced) -> None: ...

    @order_placed.connect
    async def by_keyword(sender: object, *, payload: OrderPlaced) -> None: ...

    @order_placed.connect
    async def wider(sender: object, payload: Payload, **kwargs: object) -> None: ...

    @order_placed.connect
    async def with_default(sender: object, payload: OrderPlaced | None = None) -> None: ...


def check_methods() -> None:
    """connect: bound, class and static methods"""
    mailer = Mailer()
    order_placed.connect(mailer.send_mail)
    order_placed.connect(mailer.take)
    order_placed.connect(Mailer.of_class)
    order_placed.connect(Mailer.of_none)
    order_placed.connect(Mailer.send_mail)  # E


def check_callable_object() -> None:
    """connect: a callable object"""
    counter = Counter()
    order_placed.connect(counter)
    order_placed.connect(Counter)  # E
    order_placed.connect(Mailer())  # E


def check_partial() -> None:
    """connect: functools.partial"""
    bound = partial(logged, 10)
    order_placed.connect(bound)
    missing = partial(logged, sender=Shop)
    order_placed.connect(
        missing
    )  # E[ty, pyrefly, runtime]: mypy and pyright check calls of a partial only


def check_mock() -> None:
    """connect: AsyncMock"""
    mock = AsyncMock()
    order_placed.connect(mock)
    order_placed.connect(sender=Shop)(mock)


def check_lambda() -> None:
    """connect: a lambda"""
    order_placed.connect(
        lambda sender, order_id, email, note=None: no_field(sender)
    )  # E[runtime]: it may return a coroutine, but is not async
    order_placed.connect(lambda sender, order_id, email, note=None: None)  # E


def check_result() -> None:
    """connect: what a connected receiver is then"""

    @order_placed.connect
    async def fields(sender: object, order_id: int, **kwargs: object) -> int:
        return order_id

    @order_placed.connect(sender=Shop)
    async def payload_style(sender: object, payload: OrderPlaced) -> str:
        return payload.email

    assert_type(
        fields(Shop, order_id=1, email=""), Awaitable[int]
    )  # LIMIT[plugin]: it is a Coroutine still, since a receiver keeps its own type
    assert_type(
        fields(sender=Shop, order_id=1, email="", note=None), Awaitable[int]
    )  # LIMIT[plugin]: as above
    assert_type(
        payload_style(sender=Shop, payload=OrderPlaced(order_id=1, email="")), Awaitable[str]
    )  # LIMIT[plugin]: as above
    fields(Shop, order_id="1", email="")  # E[static]: Python checks no annotations
    fields(Shop, email="")  # E
    payload_style(Shop, payload=1)  # E[static]: Python checks no annotations
