"""Odd objects, unlucky moments and hostile input: none may lose a receiver or an error."""

from __future__ import annotations

import asyncio
import copy
import functools
import gc
import threading
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypedDict, TypeVar
from unittest.mock import create_autospec

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from fastdjango_signals import (
    Payload,
    PostSave,
    ReceiverSignatureError,
    ReservedFieldError,
    Signal,
    SignalDefinitionError,
    SignalOptionError,
    user_login_failed,
)
from fastdjango_signals.builtin import MASK
from fastdjango_signals.registry import Registry


class Ping(Payload):
    n: int = 0


async def ok(sender: object, **kwargs: Any) -> str:
    return "ok"


@pytest.fixture(params=[False, True], ids=["in turn", "together"])
def signal(request: pytest.FixtureRequest) -> Signal[Any, ...]:
    return Signal(Ping, name="ping", concurrent=request.param)


# --- failures of receivers ---------------------------------------------------


@dataclass(frozen=True)
class Frozen(Exception):  # noqa: N818
    """An exception that takes no notes."""

    code: int


async def test_an_exception_that_takes_no_notes_comes_out_as_it_is(
    signal: Signal[Any, ...],
) -> None:
    error = Frozen(1)

    async def bad(sender: object, **kwargs: Any) -> None:
        raise error

    signal.connect(bad)
    signal.connect(ok)

    with pytest.raises(Frozen):
        await signal.send(None)
    assert await signal.send_robust(None) == [(bad, error), (ok, "ok")]


class Abort(BaseException):
    """Like the exceptions with which test runners stop a test."""


async def test_what_is_no_exception_ends_a_concurrent_send_at_once() -> None:
    signal = Signal(Ping, concurrent=True)

    async def aborts(sender: object, **kwargs: Any) -> None:
        raise Abort

    async def slow(sender: object, **kwargs: Any) -> None:
        await asyncio.sleep(60)

    signal.connect(slow)
    signal.connect(aborts)
    signal.connect(aborts, dispatch_uid="again")

    for way in (signal.send, signal.send_robust):
        with pytest.raises(Abort) as caught:
            await asyncio.wait_for(way(None), 5)
        assert "aborts" in caught.value.__notes__[0]
        assert len(asyncio.all_tasks()) == 1


async def test_tasks_that_start_eagerly_stop_at_the_first_failure() -> None:
    """Stands for `asyncio.eager_task_factory`, which Python has from 3.12 on."""
    signal, started = Signal(Ping, concurrent=True), []

    def run_first_step(loop: asyncio.AbstractEventLoop, coroutine: Any, **kwargs: Any) -> Any:
        async def rest() -> Any:
            return None

        try:
            coroutine.send(None)
        except StopIteration:
            return asyncio.Task(rest(), loop=loop, **kwargs)
        return asyncio.Task(coroutine, loop=loop, **kwargs)

    async def bad(sender: object, **kwargs: Any) -> None:
        raise LookupError

    async def late(sender: object, **kwargs: Any) -> None:
        started.append("late")

    signal.connect(bad)
    signal.connect(late)
    asyncio.get_running_loop().set_task_factory(run_first_step)

    with pytest.raises(LookupError):
        await signal.send(None)
    assert started == []


async def test_closing_a_concurrent_send_cancels_its_receivers() -> None:
    signal, ended = Signal(Ping, concurrent=True), []

    @signal.connect
    async def slow(sender: object, **kwargs: Any) -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.append("slow")

    sending = signal.send(None)
    sending.send(None)
    await asyncio.sleep(0)
    sending.close()
    await asyncio.sleep(0)

    assert ended == ["slow"]


class Heavy:
    """A value that tests can watch die."""


class Carry(Payload):
    heavy: Heavy


@pytest.mark.parametrize("way", ["send", "send_robust"])
@pytest.mark.parametrize("concurrent", [False, True])
@pytest.mark.parametrize("cancelled", [False, True])
async def test_the_payload_is_free_after_a_failure_or_a_cancellation(
    way: str, *, concurrent: bool, cancelled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    import logging

    monkeypatch.setattr(logging.getLogger("fastdjango_signals"), "disabled", True)
    signal = Signal(Carry, concurrent=concurrent)

    async def bad(sender: object, **kwargs: Any) -> None:
        raise LookupError

    async def slow(sender: object, **kwargs: Any) -> None:
        if cancelled:
            await asyncio.sleep(60)

    for number, receiver in enumerate([slow, bad] if way == "send" else [bad, slow, bad]):
        signal.connect(receiver, dispatch_uid=number)
    heavy = Heavy()
    watch = weakref.ref(heavy)
    gc.collect()
    gc.disable()
    try:
        task = asyncio.create_task(getattr(signal, way)(sender=None, heavy=heavy))
        del heavy
        await asyncio.sleep(0)
        if cancelled:
            task.cancel()
        await asyncio.wait([task])
        task.cancelled() or task.exception()
        del task
        await asyncio.sleep(0)
        assert watch() is None
    finally:
        gc.enable()


# --- locks -------------------------------------------------------------------


def test_a_block_that_ends_while_garbage_is_collected_takes_no_second_lock() -> None:
    """Two locks taken in both orders, by two threads, would wait for each other for ever."""
    signal: Signal[Any, ...] = Signal(Ping)

    assert signal._scopes._registry.lock is signal._registry.lock
    assert not hasattr(signal._scopes, "_lock")


def test_a_forked_process_waits_for_no_thread_of_its_parent() -> None:
    signal: Signal[Any, ...] = Signal(Ping)
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with signal._registry.lock:
            held.set()
            done.wait(10)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(10)
    try:
        Registry.renew_locks()  # what Python calls in the child
        signal.connect(ok)
    finally:
        done.set()
        thread.join()
    assert signal.has_listeners()


# --- identities, names, copies -----------------------------------------------


def test_a_dispatch_uid_is_kept_as_it_is(signal: Signal[Any, ...]) -> None:
    class Service:
        def __init__(self) -> None:
            self.lock = threading.Lock()

    service = Service()
    signal.connect(ok, dispatch_uid=service)

    assert signal.has_listeners()
    assert signal.receivers[0].dispatch_uid is service
    with pytest.raises(SignalOptionError, match="cannot be hashed"):
        signal.disconnect(ok, dispatch_uid=[])  # type: ignore[arg-type]


async def test_an_object_that_cannot_be_named_hides_no_error(signal: Signal[Any, ...]) -> None:
    class Proxy:
        def __getattr__(self, name: str) -> Any:
            raise RuntimeError("outside of its context")

    with pytest.raises(ValidationError) as caught:
        await signal.send(Proxy(), n="x")
    assert "Proxy object" in caught.value.__notes__[0]

    async def looped(sender: object, **kwargs: Any) -> None: ...

    looped.__wrapped__ = looped  # type: ignore[attr-defined]
    with pytest.raises(ReceiverSignatureError, match="its signature cannot be read"):
        signal.connect(looped)


def test_a_copy_of_a_signal_is_the_signal(signal: Signal[Any, ...]) -> None:
    assert copy.copy(signal) is signal
    assert copy.deepcopy({"signal": signal})["signal"] is signal


# --- receivers ---------------------------------------------------------------


async def test_a_wrapper_may_give_what_the_payload_does_not(signal: Signal[Any, ...]) -> None:
    def inject(function: Any) -> Any:
        @functools.wraps(function)
        async def wrapper(*args: Any, **kwargs: Any) -> Any:
            return await function(*args, session="session", **kwargs)

        return wrapper

    @signal.connect
    @inject
    async def receiver(sender: object, session: str, **kwargs: Any) -> str:
        return session

    assert await signal.send(None) == [(receiver, "session")]


async def test_a_specified_mock_of_an_async_function_is_async(signal: Signal[Any, ...]) -> None:
    mock = create_autospec(ok, return_value="mock")
    signal.connect(mock)

    assert await signal.send(None) == [(mock, "mock")]


def test_a_field_that_was_given_by_position_is_given_once(signal: Signal[Any, ...]) -> None:
    async def receiver(n: object, sender: object, **kwargs: Any) -> None: ...

    with pytest.raises(ReceiverSignatureError, match='"n" is given by position already'):
        signal.connect(functools.partial(receiver, "context"), weak=False)

    class Handlers:
        async def method(self, sender: object, **kwargs: Any) -> None: ...

    with pytest.raises(ReceiverSignatureError, match='"self" is given by position already'):
        Signal(["self"]).connect(Handlers().method, weak=False)


def test_star_args_are_no_place_for_a_field() -> None:
    async def receiver(sender: object, *args: Any) -> None: ...

    with pytest.raises(ReceiverSignatureError, match='no place for "args"'):
        Signal(["args"]).connect(receiver)  # type: ignore[signal-receiver]


# --- models ------------------------------------------------------------------


async def test_aliases_and_an_init_of_ones_own_need_names_to_be_allowed() -> None:
    class Own(BaseModel):
        order_id: int = Field(alias="orderId")

        def __init__(self, **values: Any) -> None:
            super().__init__(**values)

    with pytest.raises(SignalDefinitionError, match="set validate_by_name=True"):
        Signal(Own)

    class Named(Own):
        model_config = ConfigDict(validate_by_name=True)

    assert await Signal(Named).send(None, order_id=1) == []


async def test_a_validator_that_leaves_fields_out_is_named() -> None:
    class Lost(Payload):
        n: int

        @model_validator(mode="wrap")
        @classmethod
        def lose(cls, value: Any, handler: Any) -> Any:
            return cls.model_construct()

    with pytest.raises(SignalDefinitionError, match="returned an instance without 'n'") as caught:
        await Signal(Lost).send(None, n=1)
    assert "in a send of signal" in caught.value.__notes__[0]


async def test_a_validator_may_add_no_reserved_keyword() -> None:
    class Adds(Payload):
        model_config = ConfigDict(extra="allow")

        @model_validator(mode="before")
        @classmethod
        def add(cls, values: Any) -> Any:
            return {**values, "sender": 1}

    with pytest.raises(ReservedFieldError, match='the keyword "sender"'):
        await Signal(Adds).send(None)


def test_a_generic_subclass_finds_its_payload_among_its_parameters() -> None:
    K = TypeVar("K")
    M = TypeVar("M", bound=BaseModel)

    class Key(Payload):
        k: int

    class Keyed(Signal[M], Generic[K, M]):
        pass

    class Fixed(Signal[Ping], Generic[K]):
        def __new__(cls, topic: str) -> Any:
            return super().__new__(cls)

        def __init__(self, topic: str) -> None:
            super().__init__(name=topic)

    assert Keyed[Key, Ping]().providing_args is Ping
    assert Keyed[int, Ping]().providing_args is Ping
    assert Fixed[Key]("topic").providing_args is Ping


class Shape(Protocol):
    """A protocol that `isinstance` cannot check."""

    def area(self) -> int: ...


class Row(TypedDict):
    n: int


@pytest.mark.parametrize("kind", [Shape, Row])
async def test_instances_of_what_cannot_be_checked_are_kept(kind: Any) -> None:
    instance = object()

    assert await Signal(PostSave[kind]).send(None, instance=instance, created=True) == []


@pytest.mark.parametrize(
    "fields",
    [
        {"credentials": {"password": "hunter2"}, "wrong": 1},
        {"credentials": "hunter2", "request": None},
        {"credentials": ["hunter2"], "request": None},
    ],
)
async def test_no_part_of_an_error_holds_a_secret(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        await user_login_failed.send(None, **fields)
    error = caught.value
    assert "hunter2" not in f"{error} {error.errors()} {error.json()}"
    assert MASK in str(error.errors())


async def test_missing_credentials_are_missing() -> None:
    with pytest.raises(ValidationError, match=r"credentials\n  Field required"):
        await user_login_failed.send(None, request=None)  # type: ignore[call-arg]


async def test_a_sender_that_claims_to_be_a_class_is_a_sender_like_others(
    signal: Signal[Any, ...],
) -> None:
    class Liar:
        @property  # type: ignore[misc]
        def __class__(self) -> Any:
            return type

    signal.connect(ok, sender=Ping, subclasses=True)

    assert await signal.send(Liar()) == []


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    yield
    assert gc.isenabled()
