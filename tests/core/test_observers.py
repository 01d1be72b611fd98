"""Observers: who is shown every send, and each receiver, and what it costs them to fail."""

from __future__ import annotations

import asyncio
import functools
import gc
import logging
import weakref
from collections.abc import Generator, MutableMapping
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from typing import Any

import pytest

from fastdjango_signals import Payload, Signal, SignalOptionError, observations
from fastdjango_signals.observers import (
    Observer,
    Send,
    SendObserver,
    add_observer,
    remove_observer,
)
from fastdjango_signals.places import describe
from fastdjango_signals.receivers import Receiver
from fastdjango_signals.testing import capture, muted
from fastdjango_signals.transactions import CommitCall, Row, add_backend, remove_backend


class Ping(Payload):
    x: int = 0


class Shop: ...


here: ContextVar[str] = ContextVar("here", default="outside")


class Notes(Observer):
    """Writes down what it is shown, in the order of the showing."""

    def __init__(self) -> None:
        self.sends: list[Send] = []
        self.lines: list[str] = []

    @contextmanager
    def sending(self, send: Send, /) -> Generator[SendObserver, None, None]:
        self.sends.append(send)
        with self._noted("send"):
            yield _SendNotes(self)

    def refused(self, signal: str, sender: object, error: Exception, /) -> None:
        self.lines.append(f"refused {signal} of {sender} with {type(error).__name__}")

    @contextmanager
    def _noted(self, what: str) -> Generator[None, None, None]:
        self.lines.append(f"{what} begins")
        token = here.set(what)
        try:
            yield
        except BaseException as error:
            self.lines.append(f"{what} raises {type(error).__name__}")
            raise
        else:
            self.lines.append(f"{what} ends")
        finally:
            here.reset(token)


class _SendNotes(SendObserver):
    def __init__(self, notes: Notes) -> None:
        self._notes = notes

    def receiving(self, receiver: Receiver, /) -> AbstractContextManager[object]:
        name = getattr(receiver, "__name__", None) or describe(receiver)
        return self._notes._noted(name)


@pytest.fixture
def notes() -> Generator[Notes, None, None]:
    observer = Notes()
    add_observer(observer)
    yield observer
    remove_observer(observer)


async def first(sender: object, **kwargs: Any) -> str:
    return f"first in {here.get()}"


async def second(sender: object, payload: Ping) -> int:
    return payload.x


async def failing(sender: object, **kwargs: Any) -> None:
    raise LookupError("no")


SENDS = pytest.mark.parametrize("way", ["send", "send_robust"])
CONCURRENT = pytest.mark.parametrize("concurrent", [False, True])


def made(*receivers: Receiver, concurrent: bool = False) -> Signal[Any, ...]:
    signal = Signal(Ping, name="ping", concurrent=concurrent)
    for receiver in receivers:
        signal.connect(receiver)
    return signal


# --- what is shown -----------------------------------------------------------


@SENDS
@CONCURRENT
async def test_a_send_is_shown_and_each_receiver_in_it(
    notes: Notes, way: str, concurrent: bool
) -> None:
    signal = made(first, second, concurrent=concurrent)

    responses = await getattr(signal, way)(Shop, x=3)

    assert responses == [(first, "first in first"), (second, 3)]
    assert notes.lines[0] == "send begins"
    assert notes.lines[-1] == "send ends"
    assert sorted(notes.lines[1:-1]) == sorted(
        ["first begins", "first ends", "second begins", "second ends"]
    )
    (send,) = notes.sends
    assert (send.signal, send.sender, send.payload) == ("ping", Shop, Ping(x=3))
    assert (send.receivers, send.concurrent, send.carrier) == (2, concurrent, None)
    assert send.robust is (way == "send_robust")
    assert here.get() == "outside"


@SENDS
@CONCURRENT
async def test_a_send_that_reaches_nobody_is_shown(
    notes: Notes, way: str, concurrent: bool
) -> None:
    assert await getattr(made(concurrent=concurrent), way)(Shop) == []

    assert notes.lines == ["send begins", "send ends"]
    assert notes.sends[0].receivers == 0


@CONCURRENT
async def test_what_a_receiver_raises_is_shown_in_its_block_and_in_that_of_the_send(
    notes: Notes, concurrent: bool
) -> None:
    with pytest.raises(LookupError):
        await made(failing, concurrent=concurrent).send(Shop)

    assert notes.lines == [
        "send begins",
        "failing begins",
        "failing raises LookupError",
        "send raises LookupError",
    ]


@CONCURRENT
async def test_a_robust_send_ends_well_whatever_its_receivers_raise(
    notes: Notes, concurrent: bool
) -> None:
    ((receiver, response),) = await made(failing, concurrent=concurrent).send_robust(Shop)

    assert receiver is failing
    assert isinstance(response, LookupError)
    assert notes.lines[2:] == ["failing raises LookupError", "send ends"]


@SENDS
async def test_a_payload_that_does_not_validate_is_shown_as_refused(notes: Notes, way: str) -> None:
    with pytest.raises(ValueError, match="validation error"):
        await getattr(made(first), way)("till 4", x="many")

    assert notes.lines == ["refused ping of till 4 with ValidationError"]


async def test_a_cancellation_is_shown(notes: Notes) -> None:
    async def sleeping(sender: object, **kwargs: Any) -> None:
        await asyncio.sleep(60)

    task = asyncio.create_task(made(sleeping).send(Shop))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert notes.lines[2:] == ["sleeping raises CancelledError", "send raises CancelledError"]


class Waiting:
    """A backend whose transaction is always open."""

    def __init__(self) -> None:
        self.calls: list[CommitCall] = []

    def on_commit(self, call: CommitCall, using: str | None) -> bool:
        self.calls.append(call)
        return True

    async def insert(self, table: str, row: Row, using: str | None) -> bool:
        return False


async def test_a_receiver_that_waits_for_a_commit_is_shown_after_its_send(notes: Notes) -> None:
    backend = Waiting()
    signal = made()
    signal.connect(first, on_commit=True)
    add_backend(backend)
    try:
        await signal.send(Shop)
    finally:
        remove_backend(backend)
    assert notes.lines == ["send begins", "send ends"]

    await backend.calls.pop()()
    assert notes.lines[2:] == ["first begins", "first ends"]


async def test_muted_receivers_are_not_shown_and_captures_go_on(notes: Notes) -> None:
    signal = made(first, second)

    with capture(signal) as sends, muted(signal, receiver=first):
        assert await signal.send(Shop, x=1) == [(second, 1)]

    assert notes.lines == ["send begins", "second begins", "second ends", "send ends"]
    assert notes.sends[0].receivers == 1
    assert len(sends) == 1


async def test_collected_receivers_are_left_out(notes: Notes) -> None:
    class Listener:
        async def listen(self, sender: object, **kwargs: Any) -> str:
            return "heard"

    listener = Listener()
    signal = made(listener.listen)

    async def dropping(sender: object, **kwargs: Any) -> None:
        nonlocal listener
        del listener
        gc.collect()

    signal.connect(dropping, priority=1)

    assert await signal.send(Shop) == [(dropping, None)]
    assert "listen begins" not in notes.lines


async def test_observed_receivers_have_their_own_names_in_logs_and_errors(
    notes: Notes, caplog: pytest.LogCaptureFixture
) -> None:
    class Till:
        async def close(self, sender: object, **kwargs: Any) -> None:
            raise LookupError("no")

    till = Till()
    bound = functools.partial(failing, x=1)

    for receiver in (failing, till.close, bound):
        caplog.clear()
        signal = made(receiver)
        with pytest.raises(LookupError) as raised:
            await signal.send(Shop)
        await signal.send_robust(Shop)

        assert raised.value.__notes__ == [f"in receiver {describe(receiver)} of signal ping"]
        assert caplog.messages == [f"Receiver {describe(receiver)} of signal ping failed"]


async def test_fields_of_any_name_reach_an_observed_receiver(notes: Notes) -> None:
    class Odd(Payload):
        self: int
        receiver: int

    signal = Signal(Odd)

    @signal.connect
    async def listen(sender: object, **kwargs: Any) -> dict[str, Any]:
        return kwargs

    ((_, response),) = await signal.send(None, self=1, receiver=2)
    assert response == {"self": 1, "receiver": 2}


# --- who observes ------------------------------------------------------------


async def test_several_observers_are_nested_in_the_order_of_adding(notes: Notes) -> None:
    other = Notes()
    other.lines = notes.lines
    add_observer(other)
    add_observer(other)  # changes nothing
    try:
        await made(first).send(Shop)
    finally:
        remove_observer(other)

    assert notes.lines == [
        *["send begins"] * 2,
        *["first begins"] * 2,
        *["first ends"] * 2,
        *["send ends"] * 2,
    ]


async def test_signals_of_before_and_after_are_observed_and_none_afterwards() -> None:
    before = made(first)
    observer = Notes()
    add_observer(observer)
    after = made(first)
    await before.send(Shop)
    await after.send(Shop)
    assert len(observer.sends) == 2

    remove_observer(observer)
    await before.send(Shop)
    await after.send(Shop)
    assert len(observer.sends) == 2
    assert (before.watch.used, after.watch.used) == (False, False)
    assert made().watch.used is False


async def test_removing_an_observer_leaves_captures_alone(notes: Notes) -> None:
    signal = made(first)
    with capture(signal) as sends:
        remove_observer(notes)
        await signal.send(Shop)

    assert len(sends) == 1
    assert notes.lines == []


async def test_an_observer_that_is_removed_meanwhile_sees_the_end(notes: Notes) -> None:
    signal = made()

    @signal.connect
    async def removing(sender: object, **kwargs: Any) -> None:
        remove_observer(notes)

    await signal.send(Shop)
    await signal.send(Shop)

    assert notes.lines == ["send begins", "removing begins", "removing ends", "send ends"]


def test_what_is_no_observer_is_refused() -> None:
    with pytest.raises(SignalOptionError, match="an instance of a subclass of Observer"):
        add_observer(Notes)  # type: ignore[arg-type]


async def test_an_observer_need_override_nothing() -> None:
    observer = Observer()
    add_observer(observer)
    try:
        signal = made(first)
        assert await signal.send(Shop) == [(first, "first in outside")]
        with pytest.raises(ValueError, match="validation error"):
            await signal.send(Shop, x="many")
        assert observations.carried() == {}
    finally:
        remove_observer(observer)


@CONCURRENT
async def test_a_payload_is_freed_when_its_send_is_over(
    notes: Notes, concurrent: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What is logged keeps the traceback, which leads to the payload.
    monkeypatch.setattr(logging.getLogger("fastdjango_signals"), "disabled", True)
    signal = made(failing, concurrent=concurrent)
    gc.disable()
    try:
        await signal.send_robust(Shop, x=1)
        payload = weakref.ref(notes.sends.pop().payload)
        assert payload() is None
    finally:
        gc.enable()


# --- observers that fail -----------------------------------------------------


class Broken(Observer):
    """Fails where it is told to."""

    def __init__(self, *places: str) -> None:
        self._places = places

    def fail_in(self, place: str) -> None:
        if place in self._places:
            raise OSError(place)

    @contextmanager
    def _block(self, name: str, value: Any = None) -> Generator[Any, None, None]:
        self.fail_in(f"{name} enter")
        try:
            yield value
        finally:
            self.fail_in(f"{name} exit")

    def sending(self, send: Send, /) -> AbstractContextManager[SendObserver]:
        self.fail_in("sending")
        return self._block("sending", _BrokenSend(self))

    def refused(self, signal: str, sender: object, error: Exception, /) -> None:
        self.fail_in("refused")

    def inject(self, carrier: MutableMapping[str, str], /) -> None:
        self.fail_in("inject")
        carrier["traceparent"] = "00-1"


class _BrokenSend(SendObserver):
    def __init__(self, broken: Broken) -> None:
        self._broken = broken

    def receiving(self, receiver: Receiver, /) -> AbstractContextManager[object]:
        self._broken.fail_in("receiving")
        return self._broken._block("receiving")


PLACES = [
    f"{block}{moment}" for block in ("sending", "receiving") for moment in ("", " enter", " exit")
]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("receiver", [first, failing])
async def test_a_failing_observer_is_logged_and_ends_nothing(
    place: str, receiver: Receiver, notes: Notes, caplog: pytest.LogCaptureFixture
) -> None:
    broken = Broken(place)
    add_observer(broken)
    try:
        ((called, response),) = await made(receiver).send_robust(Shop)
    finally:
        remove_observer(broken)

    assert called is receiver
    assert response == "first in first" or isinstance(response, LookupError)
    logged = [record for record in caplog.records if record.message.startswith("Observer")]
    assert [record.message for record in logged] == [
        f"Observer {_name(broken, place)} failed; the send goes on"
    ]
    assert logged[0].exc_info is not None
    assert str(logged[0].exc_info[1]) == place
    assert notes.lines[0] == "send begins"
    assert notes.lines[-1] == "send ends"


def _name(broken: Broken, place: str) -> str:
    owner: type = type(broken) if place.startswith("sending") else _BrokenSend
    return f"{owner.__module__}.{owner.__qualname__}"


async def test_an_observer_that_fails_at_a_refusal_hides_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    broken = Broken("refused", "inject")
    add_observer(broken)
    try:
        with pytest.raises(ValueError, match="validation error"):
            await made(first).send(Shop, x="many")
        assert observations.carried() == {}
    finally:
        remove_observer(broken)

    assert [record.levelno for record in caplog.records] == [logging.ERROR] * 2


def test_what_an_observer_injects_is_carried() -> None:
    broken = Broken()
    add_observer(broken)
    try:
        assert observations.carried() == {"traceparent": "00-1"}
    finally:
        remove_observer(broken)


async def test_a_block_that_yields_no_observer_of_the_send_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Slip(Observer):
        @contextmanager
        def sending(self, send: Send, /) -> Generator[Any, None, None]:
            yield self

    slip = Slip()
    add_observer(slip)
    try:
        assert await made(first).send(Shop) == [(first, "first in outside")]
    finally:
        remove_observer(slip)
    assert "Slip failed; the send goes on" in caplog.text


@SENDS
async def test_a_cancellation_that_an_observer_makes_up_is_logged(
    way: str, caplog: pytest.LogCaptureFixture
) -> None:
    class Cancelling(Observer):
        def sending(self, send: Send, /) -> AbstractContextManager[SendObserver]:
            raise asyncio.CancelledError

    cancelling = Cancelling()
    add_observer(cancelling)
    try:
        assert await getattr(made(first), way)(Shop) == [(first, "first in outside")]
    finally:
        remove_observer(cancelling)
    assert "Cancelling failed; the send goes on" in caplog.text


async def test_equal_observers_are_two() -> None:
    class Equal(Notes):
        def __eq__(self, other: object) -> bool:
            return isinstance(other, Equal)

        __hash__ = None  # type: ignore[assignment]

    one, other = Equal(), Equal()
    add_observer(one)
    add_observer(other)
    remove_observer(other)
    try:
        await made(first).send(Shop)
    finally:
        remove_observer(one)
    assert (len(one.sends), len(other.sends)) == (1, 0)
