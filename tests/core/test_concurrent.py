"""Signals whose receivers run together."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import pytest

from fastdjango_signals import Payload, Signal


class Ping(Payload):
    x: int = 0


class Log(list[str]):
    """What happened, in order."""


@pytest.fixture
def signal() -> Signal[Any, ...]:
    return Signal(Ping, name="ping", concurrent=True)


def sleeper(name: str, seconds: float, log: Log, error: BaseException | None = None) -> Any:
    async def receiver(sender: object, **kwargs: Any) -> str:
        log.append(f"{name} starts")
        try:
            await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            log.append(f"{name} is cancelled")
            raise
        if error is not None:
            raise error
        log.append(f"{name} ends")
        return name

    return receiver


def connect(signal: Signal[Any, ...], *receivers: Any) -> None:
    for receiver in receivers:
        signal.connect(receiver, weak=False)


async def test_receivers_run_together_and_responses_keep_the_call_order(
    signal: Signal[Any, ...],
) -> None:
    log = Log()
    connect(signal, sleeper("slow", 0.02, log), sleeper("quick", 0, log))

    for way in (signal.send, signal.send_robust):
        log.clear()
        assert [r for _, r in await way(sender=None)] == ["slow", "quick"]
        assert log == ["slow starts", "quick starts", "quick ends", "slow ends"]


async def test_a_failure_cancels_and_awaits_the_others(signal: Signal[Any, ...]) -> None:
    log = Log()
    connect(signal, sleeper("slow", 60, log), sleeper("bad", 0, log, LookupError("boom")))

    with pytest.raises(LookupError, match="boom") as caught:
        await signal.send(sender=None)

    assert log == ["slow starts", "bad starts", "slow is cancelled"]
    assert "of signal ping" in caught.value.__notes__[0]
    assert len(asyncio.all_tasks()) == 1


async def test_a_robust_send_lets_all_finish(
    signal: Signal[Any, ...], caplog: pytest.LogCaptureFixture
) -> None:
    log = Log()
    error = LookupError("boom")
    connect(signal, sleeper("bad", 0, log, error), sleeper("slow", 0.01, log))

    responses = await signal.send_robust(sender=None)

    assert [r for _, r in responses] == [error, "slow"]
    assert log == ["bad starts", "slow starts", "slow ends"]
    assert len(caplog.records) == 1


async def test_failures_after_the_first_are_logged(
    signal: Signal[Any, ...], caplog: pytest.LogCaptureFixture
) -> None:
    first, second = LookupError("first"), ValueError("second")

    @signal.connect
    async def fails_when_cancelled(sender: object, **kwargs: Any) -> None:
        try:
            await asyncio.sleep(60)
        finally:
            raise second

    connect(signal, sleeper("bad", 0, Log(), first))

    with pytest.raises(LookupError, match="first"):
        await signal.send(sender=None)

    assert [record.exc_info[1] for record in caplog.records if record.exc_info] == [second]


async def test_failures_are_logged_when_the_caller_is_cancelled_too(
    signal: Signal[Any, ...], caplog: pytest.LogCaptureFixture
) -> None:
    started = asyncio.Event()

    @signal.connect
    async def fails_when_cancelled(sender: object, **kwargs: Any) -> None:
        started.set()
        try:
            await asyncio.sleep(60)
        finally:
            raise ValueError("at the end")

    task = asyncio.create_task(signal.send(sender=None))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert "at the end" in caplog.text


async def test_a_caller_cancelled_twice_still_waits_for_its_receivers(
    signal: Signal[Any, ...],
) -> None:
    log, started = Log(), asyncio.Event()

    @signal.connect
    async def stubborn(sender: object, **kwargs: Any) -> None:
        started.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            await asyncio.sleep(0.01)
            log.append("cleaned up")
            raise

    task = asyncio.create_task(signal.send(sender=None))
    await started.wait()
    task.cancel()
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert log in (["cleaned up"], [])
    assert len(asyncio.all_tasks()) == 1


@pytest.mark.parametrize("error", [asyncio.CancelledError("mine"), LookupError("boom")])
async def test_a_receiver_that_raises_cancelled_error_has_failed(
    signal: Signal[Any, ...], error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    log = Log()
    connect(signal, sleeper("bad", 0, log, error), sleeper("fine", 0.01, log))

    (_, failure), (_, fine) = await signal.send_robust(sender=None)
    assert failure is error or failure.__cause__ is error
    assert isinstance(failure, Exception)
    assert isinstance(failure, type(error))
    assert fine == "fine"
    assert len(caplog.records) == 1

    with pytest.raises(type(error)):
        await signal.send(sender=None)


async def test_a_receiver_whose_task_somebody_cancels_has_failed(
    signal: Signal[Any, ...], caplog: pytest.LogCaptureFixture
) -> None:
    tasks: list[asyncio.Task[Any]] = []

    @signal.connect
    async def victim(sender: object, **kwargs: Any) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.append(task)
        await asyncio.sleep(60)

    @signal.connect
    async def kills(sender: object, **kwargs: Any) -> str:
        tasks[0].cancel()
        return "kills"

    (_, failure), (_, response) = await signal.send_robust(sender=None)

    assert isinstance(failure, asyncio.CancelledError)
    assert response == "kills"
    assert len(caplog.records) == 1
    tasks.clear()
    with pytest.raises(asyncio.CancelledError):
        await signal.send(sender=None)


async def test_a_task_cancelled_before_it_starts_has_failed(
    signal: Signal[Any, ...], caplog: pytest.LogCaptureFixture
) -> None:
    @signal.connect
    async def kills(sender: object, **kwargs: Any) -> str:
        for task in asyncio.all_tasks() - {caller, asyncio.current_task()}:
            task.cancel()
        return "kills"

    async def never(sender: object, **kwargs: Any) -> None: ...

    connect(signal, never)
    caller, loop = asyncio.current_task(), asyncio.get_running_loop()
    # A factory of tasks that start in their turn; without one, Python 3.12 starts them at once.
    loop.set_task_factory(
        lambda loop, coroutine, **more: asyncio.Task(coroutine, loop=loop, **more)
    )

    (_, response), (_, failure) = await signal.send_robust(sender=None)

    assert response == "kills"
    assert isinstance(failure, asyncio.CancelledError)
    assert "never" in caplog.text


async def test_tasks_start_in_call_order_and_where_python_can_at_once(
    signal: Signal[Any, ...],
) -> None:
    order: list[str] = []

    async def waits(sender: object, **kwargs: Any) -> None:
        order.append("waits")
        await asyncio.sleep(0)
        order.append("has waited")

    async def follows(sender: object, **kwargs: Any) -> None:
        order.append("follows")

    connect(signal, waits, follows)
    sending = asyncio.ensure_future(signal.send(sender=None))
    await asyncio.sleep(0)
    at_once = list(order)
    await sending

    assert order == ["waits", "follows", "has waited"]
    assert at_once == (["waits", "follows"] if sys.version_info >= (3, 12) else [])


async def test_nobody_listening_makes_no_task(signal: Signal[Any, ...]) -> None:
    assert await signal.send(sender=None) == []
    assert await signal.send_robust(sender=None) == []


async def test_each_receiver_has_a_copy_of_the_callers_context(
    signal: Signal[Any, ...],
) -> None:
    from contextvars import ContextVar

    variable: ContextVar[str] = ContextVar("variable", default="unset")

    @signal.connect
    async def reads(sender: object, **kwargs: Any) -> str:
        seen = variable.get()
        variable.set("changed")
        return seen

    variable.set("caller")

    assert [r for _, r in await signal.send(sender=None)] == ["caller"]
    assert variable.get() == "caller"


@pytest.mark.parametrize("robust", [False, True])
async def test_receivers_of_a_lower_priority_wait_for_those_of_a_higher(*, robust: bool) -> None:
    signal = Signal(["order"], concurrent=True)
    seen: list[str] = []

    def receiver(name: str) -> Any:
        async def receive(sender: object, order: int) -> str:
            await asyncio.sleep(0)
            seen.append(name)
            if name == "broken":
                raise LookupError
            return name

        return receive

    kept = [receiver(name) for name in ("a", "b", "last", "broken")]
    signal.connect(kept[2], priority=-1)
    signal.connect(kept[0])
    signal.connect(kept[1])
    send = signal.send_robust if robust else signal.send
    assert [response for _, response in await send(None, order=1)] == ["a", "b", "last"]
    assert seen == ["a", "b", "last"]
    signal.connect(kept[3])
    seen.clear()
    if robust:
        assert len(await send(None, order=1)) == 4
        assert seen[-1] == "last"
    else:
        with pytest.raises(LookupError):
            await send(None, order=1)
        assert "last" not in seen
