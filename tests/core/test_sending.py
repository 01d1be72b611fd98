"""Sending in turn: responses, failures, cancellation, context."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import logging
import weakref
from collections.abc import Iterator
from typing import Any

import pytest

from fastdjango_signals import Payload, ReceiverCancelledError, Signal

flavour: contextvars.ContextVar[str] = contextvars.ContextVar("flavour", default="none")


class Ping(Payload):
    x: int = 0


class Heavy:
    """A value that tests can watch die."""


class Carry(Payload):
    heavy: Heavy


@pytest.fixture
def signal() -> Signal[Any, ...]:
    return Signal(Ping, name="ping")


@pytest.fixture
def no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.fixture
def no_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make no records: pytest keeps them, and they keep what they refer to."""
    monkeypatch.setattr(logging.getLogger("fastdjango_signals"), "disabled", True)


async def good(sender: object, **kwargs: Any) -> str:
    return "good"


async def bad(sender: object, **kwargs: Any) -> str:
    raise LookupError("boom")


async def late(sender: object, **kwargs: Any) -> str:
    return "late"


async def cancels_itself(sender: object, **kwargs: Any) -> str:
    raise asyncio.CancelledError("mine")


# --- send --------------------------------------------------------------------


async def test_responses_are_pairs_in_call_order(signal: Signal[Any, ...]) -> None:
    signal.connect(good)
    signal.connect(late)

    assert await signal.send(sender=None) == [(good, "good"), (late, "late")]
    assert await signal.send_robust(sender=None) == [(good, "good"), (late, "late")]


async def test_nobody_listening_gives_no_responses(signal: Signal[Any, ...]) -> None:
    assert await signal.send(sender=None) == []
    assert await signal.send_robust(sender=None) == []


async def test_the_first_failure_stops_the_send_and_says_where_it_was(
    signal: Signal[Any, ...],
) -> None:
    called: list[str] = []

    async def never(sender: object, **kwargs: Any) -> None:
        called.append("never")

    signal.connect(good)
    signal.connect(bad)
    signal.connect(never)

    with pytest.raises(LookupError, match="boom") as caught:
        await signal.send(sender=None)

    line = bad.__code__.co_firstlineno
    assert caught.value.__notes__ == [
        f"in receiver {__name__}.bad ({__file__}:{line}) of signal ping"
    ]
    assert called == []


async def test_the_same_exception_raised_again_is_annotated_once(
    signal: Signal[Any, ...],
) -> None:
    error = LookupError("shared")

    async def raises(sender: object, **kwargs: Any) -> None:
        raise error

    signal.connect(raises)
    for _ in range(3):
        with pytest.raises(LookupError):
            await signal.send(sender=None)

    assert len(error.__notes__) == 1


async def test_a_receiver_may_call_another_signal_or_its_own(signal: Signal[Any, ...]) -> None:
    depths: list[int] = []

    @signal.connect
    async def nested(sender: object, x: int) -> None:
        depths.append(x)
        if x < 3:
            await signal.send(sender=sender, x=x + 1)

    await signal.send(sender=None, x=0)

    assert depths == [0, 1, 2, 3]


# --- send_robust -------------------------------------------------------------


async def test_a_robust_send_calls_everyone_and_logs_each_failure(
    signal: Signal[Any, ...], caplog: pytest.LogCaptureFixture
) -> None:
    for receiver in (bad, good, cancels_itself, late):
        signal.connect(receiver)

    with caplog.at_level(logging.ERROR, logger="fastdjango_signals"):
        responses = await signal.send_robust(sender=None)

    assert [receiver for receiver, _ in responses] == [bad, good, cancels_itself, late]
    failed, fine, cancelled, last = (response for _, response in responses)
    assert isinstance(failed, LookupError)
    assert (fine, last) == ("good", "late")
    assert isinstance(cancelled, ReceiverCancelledError)
    assert isinstance(cancelled, asyncio.CancelledError)
    assert isinstance(cancelled, Exception)
    assert str(cancelled.__cause__) == "mine"
    assert "cancels_itself" in str(cancelled)
    assert [record.name for record in caplog.records] == ["fastdjango_signals"] * 2
    assert all(record.exc_info for record in caplog.records)
    assert "test_sending.bad" in caplog.records[0].getMessage()
    assert "signal ping" in caplog.records[0].getMessage()
    assert "in receiver" in failed.__notes__[0]


async def test_failures_are_never_printed(
    signal: Signal[Any, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    signal.connect(bad)
    await signal.send_robust(sender=None)

    assert capsys.readouterr() == ("", "")


async def test_one_failure_stops_no_later_send(signal: Signal[Any, ...]) -> None:
    signal.connect(bad)
    signal.connect(good)

    for _ in range(3):
        responses = await signal.send_robust(sender=None)
        assert [receiver for receiver, _ in responses] == [bad, good]


async def test_a_log_that_fails_ends_no_robust_send(
    signal: Signal[Any, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[logging.LogRecord] = []

    class Broken(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            calls.append(record)
            raise OSError("disk full")

    monkeypatch.setattr(logging.getLogger("fastdjango_signals"), "handlers", [Broken()])
    signal.connect(bad)
    signal.connect(good)

    (_, failure), (_, response) = await signal.send_robust(sender=None)

    assert isinstance(failure, LookupError)
    assert failure.__notes__[-1] == "and logging this failed, with builtins.OSError"
    assert response == "good"
    assert len(calls) == 1


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, GeneratorExit])
async def test_a_robust_send_lets_the_interpreter_stop(
    signal: Signal[Any, ...], error: type[BaseException]
) -> None:
    @signal.connect
    async def stop(sender: object, **kwargs: Any) -> None:
        raise error

    coroutine = signal.send_robust(sender=None)
    with pytest.raises(error):
        coroutine.send(None)


# --- cancellation ------------------------------------------------------------


@pytest.mark.parametrize("concurrent", [False, True])
@pytest.mark.parametrize("way", ["send", "send_robust"])
async def test_a_cancellation_of_the_caller_comes_out(way: str, *, concurrent: bool) -> None:
    signal = Signal(Ping, concurrent=concurrent)
    started, ended = asyncio.Event(), []

    @signal.connect
    async def slow(sender: object, **kwargs: Any) -> None:
        started.set()
        try:
            await asyncio.sleep(60)
        finally:
            ended.append("slow")

    signal.connect(late)
    task = asyncio.create_task(getattr(signal, way)(sender=None))
    await started.wait()
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended == ["slow"]
    assert len(asyncio.all_tasks()) == 1


@pytest.mark.parametrize("concurrent", [False, True])
@pytest.mark.parametrize("swallow", ["return", "raise another"])
async def test_a_receiver_cannot_hide_a_cancellation_of_the_caller(
    swallow: str, *, concurrent: bool, caplog: pytest.LogCaptureFixture
) -> None:
    signal = Signal(Ping, concurrent=concurrent)
    started = asyncio.Event()

    @signal.connect
    async def swallows(sender: object, **kwargs: Any) -> None:
        started.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            if swallow == "raise another":
                raise ValueError("hidden") from None

    task = asyncio.create_task(signal.send_robust(sender=None))
    await started.wait()
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(caplog.records) == (swallow == "raise another")


async def test_a_receiver_that_cancels_the_caller_cancels_the_caller(
    signal: Signal[Any, ...],
) -> None:
    @signal.connect
    async def cancels(sender: object, **kwargs: Any) -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await asyncio.sleep(0)

    task = asyncio.create_task(signal.send_robust(sender=None))

    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_cancelled_task_may_still_send_while_it_cleans_up(
    signal: Signal[Any, ...], caplog: pytest.LogCaptureFixture
) -> None:
    signal.connect(cancels_itself)
    signal.connect(good)
    responses: list[Any] = []

    async def work() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            responses.extend(await signal.send_robust(sender=None))

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert [receiver for receiver, _ in responses] == [cancels_itself, good]
    assert "cancels_itself" in caplog.text


async def test_a_task_that_cancels_itself_before_it_sends_is_cancelled(
    signal: Signal[Any, ...],
) -> None:
    @signal.connect
    async def waits(sender: object, **kwargs: Any) -> None:
        await asyncio.sleep(0)

    async def work() -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await signal.send_robust(sender=None)

    with pytest.raises(asyncio.CancelledError):
        await asyncio.create_task(work())


@pytest.mark.parametrize("concurrent", [False, True])
async def test_a_timeout_around_a_send_ends_it(*, concurrent: bool) -> None:
    signal = Signal(Ping, concurrent=concurrent)

    @signal.connect
    async def slow(sender: object, **kwargs: Any) -> None:
        await asyncio.sleep(60)

    for way in (signal.send, signal.send_robust):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await way(sender=None)


async def test_a_timeout_within_a_receiver_is_that_receivers_failure(
    signal: Signal[Any, ...],
) -> None:
    @signal.connect
    async def impatient(sender: object, **kwargs: Any) -> None:
        async with asyncio.timeout(0.001):
            await asyncio.sleep(60)

    signal.connect(good)
    (_, failure), (_, response) = await signal.send_robust(sender=None)

    assert isinstance(failure, TimeoutError)
    assert response == "good"


# --- context, loops ----------------------------------------------------------


async def test_context_variables_flow_both_ways(signal: Signal[Any, ...]) -> None:
    seen: list[str] = []

    @signal.connect
    async def change(sender: object, **kwargs: Any) -> None:
        seen.append(flavour.get())
        flavour.set("from the receiver")

    flavour.set("from the caller")
    await signal.send(sender=None)
    assert (seen, flavour.get()) == (["from the caller"], "from the receiver")
    await signal.send_robust(sender=None)
    assert seen[-1] == "from the receiver"


async def test_receivers_run_in_the_callers_task_one_after_another(
    signal: Signal[Any, ...],
) -> None:
    tasks: list[object] = []
    running = 0

    async def alone(sender: object, **kwargs: Any) -> None:
        nonlocal running
        running += 1
        assert running == 1
        tasks.append(asyncio.current_task())
        await asyncio.sleep(0)
        running -= 1

    signal.connect(alone)
    signal.connect(alone, dispatch_uid="again")
    await signal.send(sender=None)
    await signal.send_robust(sender=None)

    assert tasks == [asyncio.current_task()] * 4


@pytest.mark.parametrize("concurrent", [False, True])
def test_a_signal_works_in_one_loop_after_another(*, concurrent: bool) -> None:
    signal = Signal(Ping, concurrent=concurrent)
    signal.connect(good)

    for _ in range(3):
        assert asyncio.run(signal.send(sender=None)) == [(good, "good")]
        assert asyncio.run(signal.send_robust(sender=None)) == [(good, "good")]


def test_sends_need_no_event_loop(signal: Signal[Any, ...]) -> None:
    signal.connect(good)
    for way in (signal.send, signal.send_robust):
        with pytest.raises(StopIteration) as stopped:
            way(sender=None).send(None)
        assert stopped.value.value == [(good, "good")]


# --- changes during a send ---------------------------------------------------


async def test_a_send_reaches_those_who_were_connected_when_it_started(
    signal: Signal[Any, ...],
) -> None:
    @signal.connect
    async def changes(sender: object, **kwargs: Any) -> str:
        signal.disconnect(good)
        signal.disconnect(changes)
        signal.connect(late)
        return "changes"

    signal.connect(good)

    assert [r for _, r in await signal.send(sender=None)] == ["changes", "good"]
    assert [r for _, r in await signal.send(sender=None)] == ["late"]


async def test_a_receiver_that_dies_during_a_send_is_not_called(
    signal: Signal[Any, ...],
) -> None:
    class Handlers:
        async def method(self, sender: object, **kwargs: Any) -> str:
            return "dead"

    owned = [Handlers()]

    @signal.connect
    async def kills(sender: object, **kwargs: Any) -> str:
        owned.clear()
        gc.collect()
        return "kills"

    signal.connect(owned[0].method)
    signal.connect(good)

    assert [r for _, r in await signal.send(sender=None)] == ["kills", "good"]


# --- nothing is kept alive ---------------------------------------------------


@pytest.mark.usefixtures("no_collector", "no_log")
@pytest.mark.parametrize("concurrent", [False, True])
@pytest.mark.parametrize("receiver", [good, bad, cancels_itself])
@pytest.mark.parametrize("way", ["send", "send_robust"])
async def test_the_payload_is_free_as_soon_as_the_send_is_over(
    way: str, receiver: Any, *, concurrent: bool
) -> None:
    signal = Signal(Carry, concurrent=concurrent)
    signal.connect(receiver)
    heavy = Heavy()
    watch = weakref.ref(heavy)

    try:
        await getattr(signal, way)(sender=heavy, heavy=heavy)
    except (LookupError, asyncio.CancelledError) as error:
        assert way == "send"
        error.__traceback__ = None
    del heavy
    if concurrent:
        await asyncio.sleep(0)  # the loop lets go of its tasks

    assert watch() is None
