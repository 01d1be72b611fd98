"""Which receivers `connect` takes, and what it says about the others."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Callable
from typing import Any
from unittest.mock import AsyncMock

import pytest

from fastdjango_signals import (
    Payload,
    ReceiverSignatureError,
    ReceiverTypeError,
    Signal,
    SignalError,
)


class OrderPlaced(Payload):
    order_id: int
    email: str
    note: str | None = None


@pytest.fixture
def signal() -> Signal[Any, ...]:
    return Signal(OrderPlaced, name="order_placed")


class Handlers:
    async def method(self, sender: object, order_id: int, **kwargs: Any) -> str:
        return "method"

    @classmethod
    async def class_method(cls, sender: object, **kwargs: Any) -> str:
        return "class method"

    @staticmethod
    async def static_method(sender: object, **kwargs: Any) -> str:
        return "static method"


class Callback:
    async def __call__(self, sender: object, **kwargs: Any) -> str:
        return "callback"


def wrapped(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        return await function(*args, **kwargs)

    return wrapper


def injected(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    async def wrapper(sender: object, **kwargs: Any) -> Any:
        return await function(sender, extra="injected", **kwargs)

    return wrapper


def timed(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    async def wrapper(*, sender: object, **kwargs: Any) -> Any:
        return await function(sender=sender, **kwargs)

    return wrapper


def narrowed(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    async def wrapper(sender: object, order_id: int) -> Any:
        return await function(sender, order_id, email="", note=None)

    return wrapper


async def all_fields(sender: object, order_id: int, email: str, note: str | None) -> str:
    return "all fields"


async def keyword_only(*, sender: object, order_id: int, **kwargs: Any) -> str:
    return "keyword only"


async def extra_default(sender: object, more: int = 3, **kwargs: Any) -> str:
    return "extra default"


async def catch_all(*args: Any, **kwargs: Any) -> str:
    return "catch all"


async def whole(sender: object, payload: OrderPlaced) -> str:
    return "payload"


async def whole_and_more(sender: object, payload: OrderPlaced, more: int = 3, **kw: Any) -> str:
    return "payload"


async def optional_positional(unused: int = 1, /, sender: object = None, **kwargs: Any) -> str:
    return "positional"


async def with_extra(sender: object, extra: str, **kwargs: Any) -> str:
    return extra


@pytest.mark.parametrize(
    ("receiver", "response"),
    [
        (all_fields, "all fields"),
        (keyword_only, "keyword only"),
        (extra_default, "extra default"),
        (catch_all, "catch all"),
        (whole, "payload"),
        (whole_and_more, "payload"),
        (optional_positional, "positional"),
        (Handlers().method, "method"),
        (Handlers.class_method, "class method"),
        (Handlers().static_method, "static method"),
        (Callback(), "callback"),
        (functools.partial(with_extra, extra="partial"), "partial"),
        (functools.partial(functools.partial(Callback())), "callback"),
        (functools.partial(Handlers().method), "method"),
        (wrapped(all_fields), "all fields"),
        (wrapped(whole), "payload"),
        (injected(with_extra), "injected"),
        (timed(whole), "payload"),
        (timed(catch_all), "catch all"),
        (AsyncMock(return_value="mock"), "mock"),
    ],
)
async def test_every_kind_of_async_callable_is_called_by_keyword(
    signal: Signal[Any, ...], receiver: Any, response: str
) -> None:
    assert signal.connect(receiver, weak=False) is receiver

    responses = await signal.send(sender=None, order_id=1, email="a")

    assert responses == [(receiver, response)]


def sync(sender: object, **kwargs: Any) -> None: ...


async def generates(sender: object, **kwargs: Any) -> AsyncIterator[int]:
    yield 1


class SyncCallback:
    def __call__(self, sender: object, **kwargs: Any) -> None: ...


@pytest.mark.parametrize(
    ("receiver", "words"),
    [
        (sync, r"test_signatures.sync \(.*test_signatures.py:\d+\): it is not async.*async def"),
        (lambda sender, **kwargs: None, "<lambda>.*not async"),
        (SyncCallback(), r"<.*SyncCallback object> \(.*:\d+\): it is not async"),
        (functools.partial(sync), r"partial\(.*sync\) \(.*:\d+\): it is not async"),
        (generates, "generates.*it is an async generator; return a value"),
        (Callback, "it is a class; connect an instance.*or write sender=Callback"),
        (AsyncMock, "it is a class"),
        (staticmethod(catch_all), "class around it is not made yet; connect it below the class"),
        (Handlers.__dict__["class_method"], "the class around it is not made yet"),
        (17, "<builtins.int object>: it cannot be called; connect an async function"),
        ("shop.notify", "'shop.notify': it cannot be called"),
        (print, "print: it is not async"),
    ],
)
def test_what_is_not_async_is_refused_by_name_and_place(
    signal: Signal[Any, ...], receiver: Any, words: str
) -> None:
    with pytest.raises(ReceiverTypeError, match=f"Signal order_placed cannot connect .*{words}"):
        signal.connect(receiver)
    with pytest.raises(TypeError):
        signal.connect()(receiver)
    assert not signal.receivers


def test_a_coroutine_is_refused_for_what_it_is(signal: Signal[Any, ...]) -> None:
    coroutine: Any = catch_all()

    with pytest.raises(ReceiverTypeError, match="it is a coroutine; connect the function"):
        signal.connect(coroutine)
    coroutine.close()


def test_a_decorator_given_nothing_refuses_it(signal: Signal[Any, ...]) -> None:
    with pytest.raises(ReceiverTypeError, match="None: it cannot be called"):
        signal.connect(sender=None)(None)  # type: ignore[signal-receiver]


async def no_sender(order_id: int, **kwargs: Any) -> None: ...
async def only_keywords(**kwargs: Any) -> None: ...
async def positional_sender(sender: object, /, **kwargs: Any) -> None: ...
async def star_sender(*sender: object, **kwargs: Any) -> None: ...
async def required_more(sender: object, ordr_id: int, **kwargs: Any) -> None: ...
async def required_far(sender: object, warehouse: int, **kwargs: Any) -> None: ...
async def homeless_one(sender: object, order_id: int, email: str) -> None: ...
async def homeless_all(sender: object) -> None: ...
async def positional_field(order_id: int, /, sender: object, **kwargs: Any) -> None: ...
async def positional_default(order_id: int = 1, /, sender: object = None, **kw: Any) -> None: ...
async def payload_more(sender: object, payload: OrderPlaced, order_id: int) -> None: ...
async def payload_positional(payload: OrderPlaced, /, sender: object) -> None: ...
async def payload_alone(payload: OrderPlaced) -> None: ...


@pytest.mark.parametrize(
    ("receiver", "words"),
    [
        (no_sender, 'no parameter "sender" that can be given by keyword'),
        (only_keywords, 'no parameter "sender"'),
        (positional_sender, 'no parameter "sender"'),
        (star_sender, 'no parameter "sender"'),
        (
            required_more,
            'requires "ordr_id", which OrderPlaced does not provide .did you mean "order_id"',
        ),
        (required_far, 'requires "warehouse", which OrderPlaced does not provide'),
        (homeless_one, r'no place for "note" of OrderPlaced; add it or "\*\*kwargs"'),
        (homeless_all, r'no place for "order_id", "email" and "note" of OrderPlaced; add them'),
        (positional_field, '"order_id" is positional-only, but receivers are called by keyword'),
        (positional_default, '"order_id" is positional-only'),
        (payload_more, 'takes the payload whole, so nothing fills "order_id"'),
        (payload_positional, '"payload" is positional-only'),
        (payload_alone, 'no parameter "sender"'),
        (Handlers.method, 'requires "self"; connect the bound method'),
        (functools.partial(with_extra), 'requires "extra"'),
        (wrapped(homeless_all), 'no place for "order_id"'),
        (narrowed(all_fields), 'no place for "email" and "note"'),
    ],
)
def test_a_receiver_that_could_never_be_called_is_refused(
    signal: Signal[Any, ...], receiver: Any, words: str
) -> None:
    with pytest.raises(ReceiverSignatureError, match=words) as caught:
        signal.connect(receiver)

    error = caught.value
    assert isinstance(error, SignalError)
    assert isinstance(error, TypeError)
    assert str(error).startswith("Signal order_placed cannot call ")
    assert error.signal == "order_placed"
    assert error.receiver is not None
    assert error.receiver in str(error)
    assert "test_signatures.py:" in str(error.receiver)
    assert error.problems
    assert all(problem in str(error) for problem in error.problems)
    assert not signal.receivers


def test_the_error_shows_a_signature_that_would_fit(signal: Signal[Any, ...]) -> None:
    with pytest.raises(ReceiverSignatureError) as caught:
        signal.connect(homeless_all)
    assert str(caught.value).endswith(
        "Write: async def homeless_all(sender, order_id, email, note, **kwargs)"
    )
    with pytest.raises(ReceiverSignatureError) as caught:
        signal.connect(payload_alone)  # type: ignore[signal-receiver]
    assert str(caught.value).endswith(
        "Write: async def payload_alone(sender, payload: OrderPlaced)"
    )


def test_every_problem_of_a_receiver_is_said_at_once(signal: Signal[Any, ...]) -> None:
    async def bad(sendr: object, ordr_id: int) -> None: ...

    with pytest.raises(ReceiverSignatureError) as caught:
        signal.connect(bad)  # type: ignore[signal-receiver]

    assert len(caught.value.problems) == 4


def test_an_open_signal_needs_receivers_that_take_any_keyword() -> None:
    signal = Signal(name="open")

    with pytest.raises(ReceiverSignatureError, match=r'carries any keyword.*"\*\*kwargs"'):
        signal.connect(homeless_all)  # type: ignore[signal-receiver]
    signal.connect(required_far)
    signal.connect(whole)


def test_a_signature_that_cannot_be_read_is_refused(signal: Signal[Any, ...]) -> None:
    class Odd:
        __signature__ = "nonsense"

        async def __call__(self, sender: object, **kwargs: Any) -> None: ...

    with pytest.raises(ReceiverSignatureError, match="its signature cannot be read"):
        signal.connect(Odd(), weak=False)


def test_check_says_what_connect_would_say_and_connects_nothing(
    signal: Signal[Any, ...],
) -> None:
    signal.check(all_fields)
    with pytest.raises(ReceiverSignatureError):
        signal.check(homeless_all)
    assert not signal.receivers
