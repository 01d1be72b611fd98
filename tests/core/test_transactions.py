"""The on-commit protocol, with a backend that is as simple as can be."""

from __future__ import annotations

import asyncio
import contextvars
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from fastdjango_signals import DatabaseAlias, Payload, Signal
from fastdjango_signals.exceptions import InstallError
from fastdjango_signals.transactions import (
    CommitCall,
    CommitQueue,
    Row,
    Transaction,
    TransactionStack,
    add_backend,
    insert,
    remove_backend,
)


class Ping(Payload):
    x: int = 0
    using: DatabaseAlias = None


class RollbackError(Exception):
    """Ends a transaction or a savepoint without its work."""


class Memory:
    """A database with one alias, whose transactions are contexts."""

    def __init__(self, alias: str) -> None:
        self.alias = alias
        self.queue: contextvars.ContextVar[CommitQueue | None] = contextvars.ContextVar(
            alias, default=None
        )
        self.rows: list[tuple[str, Row]] = []

    async def insert(self, table: str, row: Row, using: str | None) -> bool:
        if self.queue.get() is None or using not in (None, self.alias):
            return False
        self.rows.append((table, row))
        return True

    def on_commit(self, call: CommitCall, using: str | None) -> bool:
        queue = self.queue.get()
        if queue is None or using not in (None, self.alias):
            return False
        return queue.add(call)

    @asynccontextmanager
    async def atomic(self) -> AsyncIterator[None]:
        outer = self.queue.get()
        queue = outer or CommitQueue()
        mark = queue.mark()
        token = self.queue.set(queue)
        try:
            yield
        except RollbackError:
            queue.rollback(mark)
        finally:
            self.queue.reset(token)
        if outer is None:
            await queue.run()


@pytest.fixture
def memory() -> Iterator[Memory]:
    backend = Memory("default")
    add_backend(backend)
    yield backend
    remove_backend(backend)


@pytest.fixture
def calls() -> list[int]:
    return []


@pytest.fixture(params=[False, True], ids=["in turn", "together"])
def signal(request: pytest.FixtureRequest, calls: list[int]) -> Signal[Any, ...]:
    signal = Signal(Ping, name="ping", concurrent=request.param)

    @signal.connect(on_commit=True, weak=False)
    async def after(sender: object, x: int, **kwargs: Any) -> str:
        calls.append(x)
        return "after"

    return signal


@pytest.mark.parametrize("way", ["send", "send_robust"])
async def test_without_a_transaction_it_runs_at_once_and_gives_no_response(
    signal: Signal[Any, ...], calls: list[int], way: str
) -> None:
    assert await getattr(signal, way)(sender=None, x=1) == []
    assert calls == [1]


@pytest.mark.parametrize("way", ["send", "send_robust"])
async def test_it_runs_after_the_commit(
    signal: Signal[Any, ...], calls: list[int], memory: Memory, way: str
) -> None:
    async with memory.atomic():
        assert await getattr(signal, way)(sender=None, x=1) == []
        await signal.send(sender=None, x=2)
        assert calls == []
    assert calls == [1, 2]


async def test_other_receivers_run_at_once(
    signal: Signal[Any, ...], calls: list[int], memory: Memory
) -> None:
    @signal.connect
    async def at_once(sender: object, **kwargs: Any) -> str:
        return "at once"

    async with memory.atomic():
        assert await signal.send(sender=None, x=1) == [(at_once, "at once")]


async def test_it_never_runs_after_a_rollback(
    signal: Signal[Any, ...], calls: list[int], memory: Memory
) -> None:
    async with memory.atomic():
        await signal.send(sender=None, x=1)
        raise RollbackError
    assert calls == []  # type: ignore[unreachable]


async def test_a_savepoint_takes_back_its_own(
    signal: Signal[Any, ...], calls: list[int], memory: Memory
) -> None:
    async with memory.atomic():
        await signal.send(sender=None, x=1)
        async with memory.atomic():
            await signal.send(sender=None, x=2)
            async with memory.atomic():
                await signal.send(sender=None, x=3)
            raise RollbackError
        async with memory.atomic():  # type: ignore[unreachable]
            await signal.send(sender=None, x=4)
        assert calls == []
    assert calls == [1, 4]


async def test_a_released_savepoint_is_lost_with_the_root(
    signal: Signal[Any, ...], calls: list[int], memory: Memory
) -> None:
    async with memory.atomic():
        async with memory.atomic():
            await signal.send(sender=None, x=1)
        raise RollbackError
    assert calls == []  # type: ignore[unreachable]


async def test_a_failure_is_logged_and_never_raised_into_the_committed_caller(
    signal: Signal[Any, ...],
    calls: list[int],
    memory: Memory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    @signal.connect(on_commit=True, priority=1)
    async def fails(sender: object, **kwargs: Any) -> None:
        raise LookupError("boom")

    async with memory.atomic():
        await signal.send(sender=None, x=1)
    assert calls == [1]
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert "fails" in caplog.text

    await signal.send(sender=None, x=2)
    assert calls == [1, 2]
    assert len(caplog.records) == 2


async def test_a_field_that_happens_to_be_called_using_is_a_field_like_others(
    memory: Memory,
) -> None:
    class Paid(Payload):
        using: str

    paid, calls = Signal(Paid), []

    @paid.connect(on_commit=True)
    async def ship(sender: object, using: str) -> None:
        calls.append(using)

    async with memory.atomic():
        await paid.send(sender=None, using="card")
        assert calls == []
    assert calls == ["card"]


async def test_a_database_alias_chooses_the_database(
    signal: Signal[Any, ...], calls: list[int], memory: Memory
) -> None:
    replica = Memory("replica")
    add_backend(replica)
    try:
        async with memory.atomic():
            async with replica.atomic():
                await signal.send(sender=None, x=1, using="default")
                await signal.send(sender=None, x=2, using="replica")
                await signal.send(sender=None, x=3)
            assert calls == [2, 3]  # the backend added last is asked first
        assert calls == [2, 3, 1]
    finally:
        remove_backend(replica)


async def test_a_removed_backend_is_asked_no_longer(
    signal: Signal[Any, ...], calls: list[int], memory: Memory
) -> None:
    add_backend(memory)
    remove_backend(memory)
    remove_backend(memory)

    async with memory.atomic():
        await signal.send(sender=None, x=1)
        assert calls == [1]


async def test_a_backend_that_fails_leaves_no_receiver_running(
    signal: Signal[Any, ...],
    memory: Memory,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(call: CommitCall, using: str | None) -> bool:
        raise LookupError("no such database")

    async def slow(sender: object, **kwargs: Any) -> None:
        await asyncio.sleep(0.01)

    monkeypatch.setattr(memory, "on_commit", fail)
    signal.connect(slow, priority=1)
    signal.connect(slow, priority=-1, dispatch_uid="later")

    with pytest.raises(LookupError, match="no such database"):
        await signal.send(sender=None, x=1)
    assert len(asyncio.all_tasks()) == 1
    assert await signal.send_robust(sender=None, x=1) == [(slow, None), (slow, None)]
    assert "no such database" in caplog.text


async def test_a_muted_signal_keeps_nothing_for_the_commit(
    signal: Signal[Any, ...], calls: list[int], memory: Memory
) -> None:
    async with memory.atomic():
        with signal.muted():
            await signal.send(sender=None, x=1)
    assert calls == []


async def test_a_receiver_that_sends_after_the_commit_is_outside_the_transaction(
    signal: Signal[Any, ...], calls: list[int], memory: Memory
) -> None:
    @signal.connect(on_commit=True)
    async def again(sender: object, x: int, **kwargs: Any) -> None:
        if x == 1:
            await signal.send(sender=sender, x=2)

    async with memory.atomic():
        await signal.send(sender=None, x=1)
    assert calls == [1, 2]


async def test_a_cancellation_during_the_calls_comes_out_when_all_had_their_turn() -> None:
    queue, calls = CommitQueue(), []
    started = asyncio.Event()

    async def waits() -> None:
        started.set()
        await asyncio.sleep(60)

    async def counts() -> None:
        calls.append("counts")

    queue.add(waits)
    queue.add(counts)
    task = asyncio.create_task(queue.run())
    await started.wait()
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert calls == ["counts"]


async def test_a_call_that_comes_after_the_commit_is_refused_so_that_it_is_not_lost(
    signal: Signal[Any, ...], calls: list[int], memory: Memory
) -> None:
    async def late() -> None:
        await committed.wait()
        await signal.send(sender=None, x=1)

    committed = asyncio.Event()
    async with memory.atomic():
        task = asyncio.create_task(late())  # inherits the transaction, and outlives it
        await asyncio.sleep(0)
    committed.set()
    await task

    assert calls == [1]


async def test_calls_run_once() -> None:
    queue, calls = CommitQueue(), []

    async def counts() -> None:
        calls.append("counts")

    queue.add(counts)
    await queue.run()
    await queue.run()

    assert calls == ["counts"]


# --- a stack of transactions -------------------------------------------------


@pytest.fixture
def stack() -> Iterator[TransactionStack]:
    stack = TransactionStack("test")
    add_backend(stack)
    yield stack
    remove_backend(stack)


async def test_the_stack_keeps_a_call_for_the_transaction_that_was_begun_last(
    stack: TransactionStack,
) -> None:
    told: list[int] = []
    signal = Signal(Ping)

    @signal.connect(on_commit=True)
    async def tell(sender: object, x: int, **kwargs: object) -> None:
        told.append(x)

    outer, inner = Transaction("default"), Transaction("archive")
    stack.push(outer)
    stack.push(inner)
    await signal.send(None, x=1)
    await signal.send(None, x=2, using="default")
    stack.push(outer)
    await signal.send(None, x=3)
    outer.commit()
    await outer.close()
    assert told == [2, 3]
    inner.commit()
    await inner.close()
    assert told == [2, 3, 1]


async def test_the_stack_keeps_nothing_for_a_transaction_that_is_over(
    stack: TransactionStack,
) -> None:
    committed, rolled_back, removed = (Transaction("default") for _ in range(3))
    for transaction in (committed, rolled_back, removed):
        stack.push(transaction)
    committed.commit()
    rolled_back.rollback()
    stack.remove(removed)
    assert stack.innermost(None) is None
    assert stack.innermost("default") is None


async def test_a_transaction_that_is_closed_without_a_commit_drops_what_waits() -> None:
    told: list[str] = []

    async def tell() -> None:
        told.append("told")

    transaction = Transaction(None)
    assert transaction.queue.add(tell)
    await transaction.close()
    assert told == []
    assert not transaction.is_open


async def test_a_task_sees_the_transactions_that_were_open_when_it_was_made(
    stack: TransactionStack,
) -> None:
    transaction = Transaction("default")
    stack.push(transaction)
    seen = asyncio.create_task(_innermost(stack))
    stack.remove(transaction)
    assert await seen is transaction


async def _innermost(stack: TransactionStack) -> Transaction | None:
    return stack.innermost("default")


# --- rows in a transaction ---------------------------------------------------

ROW: Row = {"queue": "shop", "payload": b"{}"}


async def test_a_row_is_inserted_by_the_first_backend_that_has_a_transaction(
    memory: Memory,
) -> None:
    newer = Memory("archive")
    add_backend(newer)
    try:
        assert not await insert("outbox", ROW, None)
        async with memory.atomic():
            assert await insert("outbox", ROW, None)
            async with newer.atomic():
                assert await insert("newer", ROW, None)
                assert await insert("older", ROW, "default")
            assert not await insert("outbox", ROW, "archive")
    finally:
        remove_backend(newer)
    assert memory.rows == [("outbox", ROW), ("older", ROW)]
    assert newer.rows == [("newer", ROW)]


async def test_the_exception_of_a_backend_comes_out_and_no_other_is_asked(
    memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(table: str, row: Row, using: str | None) -> bool:
        raise LookupError("no such table")

    newer = Memory("archive")
    monkeypatch.setattr(newer, "insert", fail)
    add_backend(newer)
    try:
        async with memory.atomic():
            with pytest.raises(LookupError, match="no such table"):
                await insert("outbox", ROW, None)
    finally:
        remove_backend(newer)
    assert memory.rows == []


async def test_the_stack_has_the_innermost_transaction_insert_a_row(
    stack: TransactionStack,
) -> None:
    written: list[tuple[str | None, str]] = []

    def begin(alias: str) -> Transaction:
        async def write(table: str, row: Row) -> None:
            assert row is ROW
            written.append((alias, table))

        transaction = Transaction(alias, writer=write)
        stack.push(transaction)
        return transaction

    assert not await insert("outbox", ROW, None)
    outer, inner = begin("default"), begin("archive")
    assert await insert("1", ROW, None)
    assert await insert("2", ROW, "default")
    inner.rollback()
    assert await insert("3", ROW, None)
    assert not await insert("4", ROW, "archive")
    outer.commit()
    assert not await insert("5", ROW, None)
    assert written == [("archive", "1"), ("default", "2"), ("default", "3")]


async def test_a_transaction_without_a_writer_says_what_the_integration_has_to_do(
    stack: TransactionStack,
) -> None:
    stack.push(Transaction("default"))
    with pytest.raises(InstallError) as raised:
        await insert("outbox", ROW, None)
    assert str(raised.value) == (
        "no row can be inserted into outbox: the integration that began this transaction does not "
        "say how; have it give Transaction(alias, writer=...)"
    )
