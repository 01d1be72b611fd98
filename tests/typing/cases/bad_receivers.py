"""Receivers that no send could call."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

from fastdjango_signals import Payload, Signal


class OrderPlaced(Payload):
    order_id: int
    email: str
    note: str | None = None


class OrderRefunded(Payload):
    order_id: int


order_placed = Signal(OrderPlaced)
order_refunded = Signal(OrderRefunded)
legacy = Signal(["order", "user"])
anything = Signal()


def check_not_async() -> None:
    """Bad receiver: not async"""

    def sync(sender: object, order_id: int, **kwargs: object) -> None: ...

    def takes_payload(sender: object, payload: OrderPlaced) -> None: ...

    async def generator(sender: object, **kwargs: object) -> AsyncIterator[int]:
        yield 1

    def sync_generator(sender: object, **kwargs: object) -> Iterator[int]:
        yield 1

    order_placed.connect(sync)  # E
    order_placed.connect(takes_payload)  # E
    order_placed.connect(generator)  # E
    order_placed.connect(sync_generator)  # E
    order_placed.connect("sync")  # E
    order_placed.connect(42)  # E
    order_placed.connect(
        OrderPlaced
    )  # E[mypy, pyright, ty, runtime]: pyrefly takes any model class for a callable
    order_placed.connect(order_refunded)  # E
    anything.connect(sync)  # E
    legacy.connect(sync)  # E


def check_no_sender() -> None:
    """Bad receiver: no sender"""

    async def missing(order_id: int, **kwargs: object) -> None: ...

    async def other_name(signal: object, order_id: int, **kwargs: object) -> None: ...

    async def nothing() -> None: ...

    async def payload_alone(payload: OrderPlaced) -> None: ...

    order_placed.connect(missing)  # E
    order_placed.connect(other_name)  # E
    order_placed.connect(nothing)  # E
    order_placed.connect(payload_alone)  # E


def check_positional_only() -> None:
    """Bad receiver: positional-only parameters"""

    async def sender_only(sender: object, /, order_id: int, **kwargs: object) -> None: ...

    async def field_only(sender: object, order_id: int, /, **kwargs: object) -> None: ...

    async def payload_only(sender: object, payload: OrderPlaced, /) -> None: ...

    order_placed.connect(sender_only)  # E
    order_placed.connect(field_only)  # E
    order_placed.connect(payload_only)  # E


def check_keyword_only_sender() -> None:
    """Receiver: sender by keyword only, or after the fields"""

    async def keyword_only(*, sender: object, order_id: int, **kwargs: object) -> None: ...

    async def after(order_id: int, sender: object, **kwargs: object) -> None: ...

    async def payload_first(payload: OrderPlaced, sender: object) -> None: ...

    order_placed.connect(keyword_only)  # LIMIT[static]: no ParamSpec leaves out a keyword
    order_placed.connect(after)  # LIMIT[static]: as above
    order_placed.connect(
        payload_first
    )  # LIMIT[static]: kept alike, and so **kwargs alone is refused


def check_no_place() -> None:
    """Bad receiver: a field it has no place for"""

    async def required(sender: object, order_id: int, note: str | None = None) -> None: ...

    async def optional(sender: object, order_id: int, email: str) -> None: ...

    async def none_at_all(sender: object) -> None: ...

    order_placed.connect(required)  # E
    order_placed.connect(optional)  # E
    order_placed.connect(none_at_all)  # E


def check_wrong_type() -> None:
    """Bad receiver: a field of the wrong type"""

    async def wrong(sender: object, order_id: str, **kwargs: object) -> None: ...

    async def narrower(
        sender: object, order_id: int, email: str, note: str = "", **kwargs: object
    ) -> None: ...

    async def wrong_payload(sender: object, payload: OrderRefunded) -> None: ...

    async def catch_all(sender: object, order_id: int, **kwargs: int) -> None: ...

    order_placed.connect(wrong)  # E[static]: connect reads no annotations
    order_placed.connect(narrower)  # E[static]: as above
    order_placed.connect(wrong_payload)  # E[static]: as above
    order_placed.connect(catch_all)  # E[static]: as above


def check_unknown_parameter() -> None:
    """Bad receiver: a required parameter that the payload lacks"""

    async def unknown(sender: object, ordr_id: int, **kwargs: object) -> None: ...

    async def more(sender: object, order_id: int, *, session: object, **kwargs: object) -> None: ...

    async def beside_payload(sender: object, payload: OrderPlaced, order_id: int) -> None: ...

    async def with_default(
        sender: object, order_id: int, *, session: object = None, **kwargs: object
    ) -> None: ...

    order_placed.connect(unknown)  # E
    order_placed.connect(more)  # E
    order_placed.connect(beside_payload)  # E
    order_placed.connect(with_default)


def check_defaulted_field() -> None:
    """Receiver: a defaulted field, named without a default"""

    async def without(sender: object, note: str | None, **kwargs: object) -> None: ...

    async def with_default(sender: object, note: str | None = None, **kwargs: object) -> None: ...

    order_placed.connect(without)  # LIMIT[static]: only the plugin tells this from an omitted field
    order_placed.connect(with_default)


def check_kwargs_only() -> None:
    """Bad receiver: **kwargs only"""

    async def kwargs_only(**kwargs: object) -> None: ...

    async def anything_at_all(*args: Any, **kwargs: Any) -> None: ...

    async def args_only(*args: object) -> None: ...

    order_placed.connect(kwargs_only)  # E
    order_placed.connect(anything_at_all)
    order_placed.connect(args_only)  # E


def check_open_signals() -> None:
    """Bad receiver: of a signal without a model"""

    async def no_kwargs(sender: object) -> None: ...

    async def fields(sender: object, order: object, user: object) -> None: ...

    async def missing(sender: object, order: object) -> None: ...

    async def any_field(sender: object, order_id: int, **kwargs: object) -> None: ...

    async def nothing() -> None: ...

    legacy.connect(fields)
    legacy.connect(missing)  # E[runtime]: only the plugin reads the list
    legacy.connect(any_field)  # E[runtime]: as above
    legacy.connect(nothing)  # E[mypy, pyright, pyrefly, runtime]: for ty, "..." swallows the sender
    anything.connect(any_field)
    anything.connect(no_kwargs)  # E[runtime]: no annotation demands **kwargs
    anything.connect(nothing)  # E[mypy, pyright, pyrefly, runtime]: as above
