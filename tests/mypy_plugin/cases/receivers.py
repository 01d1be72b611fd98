"""Receivers of every kind."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from functools import partial, wraps
from typing import Any, ParamSpec, TypeVar, overload
from unittest.mock import AsyncMock

from payloads import OrderPlaced, OrderRefunded
from typing_extensions import TypedDict, Unpack

from fastdjango_signals import Signal, receiver

P = ParamSpec("P")
R = TypeVar("R")

order_placed = Signal(OrderPlaced)
order_refunded = Signal(OrderRefunded)


class Fields(TypedDict):
    order_id: int
    email: str
    note: str | None


class WrongFields(TypedDict):
    order_id: str


class Mailer:
    async def send_mail(self, sender: object, email: str, **kwargs: object) -> None: ...

    async def misspelt(self, sender: object, emial: str, **kwargs: object) -> None: ...

    @classmethod
    async def of_class(cls, sender: object, email: int, **kwargs: object) -> None: ...

    @staticmethod
    async def of_none(sender: object, email: int, **kwargs: object) -> None: ...

    # E: Receiver "decorated" requires "self"; connect the bound method of an object  [signal-receiver]
    @order_placed.connect
    async def decorated(self, sender: object, **kwargs: object) -> None: ...


class Counter:
    async def __call__(self, sender: object, order_id: str, **kwargs: object) -> None: ...


def logged(function: Callable[P, Awaitable[R]]) -> Callable[P, Coroutine[Any, Any, R]]:
    @wraps(function)
    async def inner(*args: P.args, **kwargs: P.kwargs) -> R:
        return await function(*args, **kwargs)

    return inner


@overload
async def either(sender: object, order_id: str, **kwargs: object) -> None: ...
@overload
async def either(sender: object, order_id: int, **kwargs: object) -> None: ...
async def either(sender: object, order_id: object, **kwargs: object) -> None: ...


@overload
async def neither(sender: object, order_id: str, **kwargs: object) -> None: ...
@overload
async def neither(sender: object, order_id: bytes, **kwargs: object) -> None: ...
async def neither(sender: object, order_id: object, **kwargs: object) -> None: ...


async def levelled(level: int, sender: object, order_id: int, **kwargs: object) -> None: ...


def check_methods() -> None:
    """Receiver: methods"""
    mailer = Mailer()
    order_placed.connect(mailer.send_mail)
    # E: Receiver "misspelt" requires "emial", which OrderPlaced does not provide; did you mean "email"?  [signal-receiver]
    order_placed.connect(mailer.misspelt)
    # E: Receiver "send_mail" requires "self"; connect the bound method of an object  [signal-receiver]
    order_placed.connect(Mailer.send_mail)
    # E: Receiver "of_class" takes "email: int", but OrderPlaced.email is "str"  [signal-receiver]
    order_placed.connect(Mailer.of_class)
    # E: Receiver "of_none" takes "email: int", but OrderPlaced.email is "str"  [signal-receiver]
    order_placed.connect(Mailer.of_none)


def check_callable_objects() -> None:
    """Receiver: callable objects, classes, mocks"""
    # E: Receiver of type "Counter" takes "order_id: str", but OrderPlaced.order_id is "int"  [signal-receiver]
    order_placed.connect(Counter())
    # E: Receiver "Counter" is a class; connect an instance with an async "__call__", or write sender=Counter to filter by sender  [signal-receiver]
    order_placed.connect(Counter)
    # E: Receiver of type "Mailer" cannot be called; connect an async function  [signal-receiver]
    order_placed.connect(Mailer())
    order_placed.connect(AsyncMock())
    # E: Receiver "order_refunded" cannot be called; connect an async function  [signal-receiver]
    order_placed.connect(order_refunded)
    # E: Receiver of type "str" cannot be called; connect an async function  [signal-receiver]
    order_placed.connect("name")


def check_partial() -> None:
    """Receiver: functools.partial"""
    order_placed.connect(partial(levelled, 10))
    order_placed.connect(partial(levelled, level=10))
    # E: Receiver "levelled" requires "level", which OrderPlaced does not provide  [signal-receiver]
    order_placed.connect(partial(levelled))
    order_placed.connect(partial(levelled, 10, order_id=3))


def check_decorated() -> None:
    """Receiver: under a decorator"""

    @order_placed.connect
    @logged
    async def right(sender: object, order_id: int, **kwargs: object) -> None: ...

    # E: Receiver "wrong" requires "ordr_id", which OrderPlaced does not provide; did you mean "order_id"?  [signal-receiver]
    @order_placed.connect
    @logged
    async def wrong(sender: object, ordr_id: int, **kwargs: object) -> None: ...


def check_overloads() -> None:
    """Receiver: overloaded"""
    order_placed.connect(either)
    # E: Receiver "neither" takes "order_id: str", but OrderPlaced.order_id is "int"  [signal-receiver]
    order_placed.connect(neither)


def check_unions(
    handler: Callable[..., Awaitable[None]] | None,
    mixed: Callable[[object, int], Awaitable[None]] | Mailer,
    untyped: Any,
) -> None:
    """Receiver: unions, Any, Callable[...]"""
    order_placed.connect(handler)
    # E: Receiver "mixed" takes parameters by position alone, but is called by keyword; remove the "/"  [signal-receiver]
    # E: Receiver "mixed" cannot be called; connect an async function  [signal-receiver]
    order_placed.connect(mixed)
    order_placed.connect(untyped)


def check_lambda() -> None:
    """Receiver: a lambda"""
    # E: The receiver is a lambda, which cannot be async; write an async function  [signal-receiver]
    order_placed.connect(lambda sender, **kwargs: None)
    # E: The receiver is a lambda, which cannot be async; write an async function  [signal-receiver]
    order_placed.connect(lambda sender, **kwargs: either(sender, 1))


def check_coroutine() -> None:
    """Receiver: a coroutine, an async generator"""

    async def generator(sender: object, **kwargs: object):  # type: ignore[no-untyped-def]
        yield 1

    # E: Receiver of type "Coroutine" is a coroutine; connect the function that made it, without calling it  [signal-receiver]
    order_placed.connect(either(None, 1))
    # E: Receiver "generator" is an async generator; return a value instead of yielding  [signal-receiver]
    order_placed.connect(generator)


def check_unpacked_kwargs() -> None:
    """Receiver: **kwargs: Unpack[...]"""

    @order_placed.connect
    async def right(sender: object, **kwargs: Unpack[Fields]) -> None: ...

    # E: Receiver "wrong" takes "order_id: str", but OrderPlaced.order_id is "int". It has no place for "email" and "note" of OrderPlaced; add them or "**kwargs"  [signal-receiver]
    @order_placed.connect
    async def wrong(sender: object, **kwargs: Unpack[WrongFields]) -> None: ...


def check_star_args() -> None:
    """Receiver: *args and **kwargs"""

    async def anything(*args: Any, **kwargs: Any) -> None: ...

    async def only_kwargs(**kwargs: Any) -> None: ...

    async def narrow_kwargs(sender: object, **kwargs: int) -> None: ...

    order_placed.connect(anything)
    # E: Receiver "only_kwargs" has no parameter "sender", which every signal gives  [signal-receiver]
    order_placed.connect(only_kwargs)
    order_refunded.connect(narrow_kwargs)
    # E: Receiver "narrow_kwargs" takes "**kwargs: int", but OrderPlaced.email is "str" and OrderPlaced.note is "str | None"  [signal-receiver]
    order_placed.connect(narrow_kwargs)


def check_generic() -> None:
    """Receiver: generic, unannotated"""

    async def generic(sender: object, order_id: R, **kwargs: object) -> R:
        return order_id

    async def unannotated(sender, order_id, ordr):  # type: ignore[no-untyped-def]
        ...

    order_placed.connect(generic)
    # E: Receiver "unannotated" requires "ordr", which OrderPlaced does not provide. It has no place for "email" and "note" of OrderPlaced; add them or "**kwargs"  [signal-receiver]
    order_placed.connect(unannotated)


def check_several_signals() -> None:
    """@receiver([...]): each signal is checked"""

    @receiver([order_placed, order_refunded])
    async def right(sender: object, order_id: int, **kwargs: object) -> None: ...

    # E: Receiver "of_one" requires "email", which OrderRefunded does not provide  [signal-receiver]
    @receiver([order_placed, order_refunded])
    async def of_one(sender: object, email: str, **kwargs: object) -> None: ...

    # E: Receiver "of_none" takes "order_id: str", but OrderPlaced.order_id is "int". It takes "order_id: str", but OrderRefunded.order_id is "int"  [signal-receiver]
    @receiver((order_placed, order_refunded), weak=False)
    async def of_none(sender: object, order_id: str, **kwargs: object) -> None: ...

    # E: @receiver takes its options by keyword alone; write sender=... for a sender, and @receiver([saved, deleted]) for several signals  [signal-receiver]
    @receiver(order_placed, order_refunded)
    async def no_list(sender: object, **kwargs: object) -> None: ...

    # E: @receiver has no option "wea"; did you mean "weak"?  [signal-receiver]
    @receiver([order_placed], wea=False)
    async def option(sender: object, **kwargs: object) -> None: ...

    # E: @receiver needs a signal, or a list of signals, as in @receiver([saved, deleted])  [signal-receiver]
    @receiver("order_placed")
    async def no_signal(sender: object, **kwargs: object) -> None: ...


def check_forms() -> None:
    """connect, connected_to, check, connector: the same verdict"""

    async def wrong(sender: object, order_id: str, **kwargs: object) -> None: ...

    # E: Receiver "wrong" takes "order_id: str", but OrderPlaced.order_id is "int"  [signal-receiver]
    order_placed.connect(receiver=wrong)
    # E: Receiver "wrong" takes "order_id: str", but OrderPlaced.order_id is "int"  [signal-receiver]
    order_placed.connect(sender=int)(wrong)
    # E: Receiver "wrong" takes "order_id: str", but OrderPlaced.order_id is "int"  [signal-receiver]
    order_placed.check(wrong)
    # E: Receiver "wrong" takes "order_id: str", but OrderPlaced.order_id is "int"  [signal-receiver]
    with order_placed.connected_to(wrong) as connected:
        # N: Revealed type is "def (sender: object, order_id: str, **kwargs: object) -> typing.Coroutine[Any, Any, None]"
        reveal_type(connected)
