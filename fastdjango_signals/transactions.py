"""The on-commit protocol: how a receiver waits for the transaction of the code that sends.

The core knows no database. An integration that does registers a `TransactionBackend`, which
takes calls to run after the commit, and rows to insert before it. `CommitQueue` is the part that
every backend needs, and `TransactionStack` a backend that is complete, for who can tell when
transactions begin and end.
"""

from __future__ import annotations

from asyncio import CancelledError
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeAlias

from typing_extensions import TypeVar

from fastdjango_signals.exceptions import InstallError

CommitCall: TypeAlias = Callable[[], Awaitable[None]]
"""A call to run after a commit. It reports its own failures and raises none."""

Row: TypeAlias = Mapping[str, str | bytes]
"""Values of a row, by the names of their columns; the other columns have defaults."""

RowWriter: TypeAlias = Callable[[str, Row], Awaitable[None]]
"""Inserts a row into a table, whose name may have that of a schema and a dot before it."""


class TransactionBackend(Protocol):
    """What an integration provides, so that receivers can wait for its commits."""

    def on_commit(self, call: CommitCall, using: str | None) -> bool:
        """Keep `call` until the current transaction has committed.

        Args:
            call: Awaited once, after the outermost commit; dropped on a rollback of the
                transaction or of the savepoint in which it was kept.
            using: Alias of the database whose transaction counts; None for the innermost one.

        Returns:
            False where there is no such transaction, and nothing was kept.
        """
        ...

    async def insert(self, table: str, row: Row, using: str | None) -> bool:
        """Insert a row in the current transaction, so that it is committed with it or not at all.

        An exception of the database comes out as it is.

        Args:
            table: Name of the table, after that of a schema and a dot if it is in another one.
            row: The values of its columns.
            using: Alias of the database whose transaction counts; None for the innermost one.

        Returns:
            False where there is no such transaction, and nothing was inserted.
        """
        ...


_backends: list[TransactionBackend] = []


def add_backend(backend: TransactionBackend) -> None:
    """Ask this backend too, and first, whether there is a transaction to wait for."""
    if backend not in _backends:
        _backends.insert(0, backend)


def remove_backend(backend: TransactionBackend) -> None:
    """Ask this backend no longer; nothing happens where it was never added."""
    if backend in _backends:
        _backends.remove(backend)


def has_backends() -> bool:
    """Return whether anybody can tell whether there is a transaction."""
    return bool(_backends)


def defer(call: CommitCall, using: str | None) -> bool:
    """Return whether some backend keeps `call` until its transaction has committed."""
    return any(backend.on_commit(call, using) for backend in list(_backends))


async def insert(table: str, row: Row, using: str | None) -> bool:
    """Return whether some backend has inserted the row in its transaction."""
    for backend in tuple(_backends):
        if await backend.insert(table, row, using):
            return True
    return False


class CommitQueue:
    """The calls that wait for one outermost transaction, with marks for its savepoints."""

    __slots__ = ("_calls", "_has_run")

    def __init__(self) -> None:
        self._calls: list[CommitCall] = []
        self._has_run = False

    def add(self, call: CommitCall) -> bool:
        """Keep one more call; return False where it is too late, and nothing was kept.

        A task that outlives the transaction in which it was started may come that late.
        """
        if not self._has_run:
            self._calls.append(call)
        return not self._has_run

    def mark(self) -> int:
        """Return the point to go back to if a savepoint that starts now is rolled back."""
        return len(self._calls)

    def rollback(self, mark: int = 0) -> None:
        """Drop the calls kept since `mark`; without a mark, all of them."""
        del self._calls[mark:]

    async def run(self) -> None:
        """Await the calls in order, each once.

        The rows are committed, so every call gets its turn: a cancellation ends the call that
        it interrupts, and comes out when the others have run.
        """
        self._has_run = True
        cancelled: CancelledError | None = None
        calls, self._calls = self._calls, []
        for call in calls:
            try:
                await call()
            except CancelledError as error:
                cancelled = error
        if cancelled is not None:
            raise cancelled


@dataclass(slots=True, eq=False)
class Transaction:
    """One outermost transaction.

    Attributes:
        alias: The database's alias; None where it has none.
        queue: What waits for the commit.
        is_open: Whether it can still be committed; code may do so before its block ends.
        committed: Whether it has been.
        writer: Inserts rows on its connection; None where the integration cannot.
    """

    alias: str | None
    queue: CommitQueue = field(default_factory=CommitQueue)
    is_open: bool = True
    committed: bool = False
    writer: RowWriter | None = None

    def on_commit(self, call: CommitCall) -> bool:
        """Keep one more call; return False where it is too late."""
        return self.queue.add(call)

    async def insert(self, table: str, row: Row) -> bool:
        """Insert a row in it, and return True.

        Raises:
            InstallError: It was made without a writer.
        """
        if self.writer is None:
            raise InstallError(
                f"no row can be inserted into {table}: the integration that began this "
                "transaction does not say how; have it give Transaction(alias, writer=...)"
            )
        await self.writer(table, row)
        return True

    def commit(self) -> None:
        """Note that the database has committed it."""
        self.is_open, self.committed = False, True

    def rollback(self) -> None:
        """Note that it is being rolled back."""
        self.is_open = False
        self.queue.rollback()

    async def close(self) -> None:
        """Run what waited, if it has been committed.

        Call it once the connection is given back, so that receivers can use the database.
        """
        self.is_open = False
        if not self.committed:
            self.queue.rollback()
        await self.queue.run()


class AnyTransaction(Protocol):
    """What a `TransactionStack` has to know of a transaction."""

    @property
    def alias(self) -> str | None:
        """The database's alias; None where it has none."""
        ...

    @property
    def is_open(self) -> bool:
        """Whether it can still be committed."""
        ...

    def on_commit(self, call: CommitCall) -> bool:
        """Keep one more call; return False where it is too late."""
        ...

    async def insert(self, table: str, row: Row) -> bool:
        """Insert a row in it; return False where it is too late, or cannot be reached from here."""
        ...


T = TypeVar("T", bound=AnyTransaction, default=Transaction)


class TransactionStack(Generic[T]):
    """A backend that knows which transactions the running task has open.

    Tasks inherit them, as they inherit the connections of an ORM; hence `is_open`.

    Args:
        name: Of the context variable that holds them.
    """

    __slots__ = ("_open",)

    def __init__(self, name: str) -> None:
        self._open: ContextVar[tuple[T, ...]] = ContextVar(name, default=())

    def on_commit(self, call: CommitCall, using: str | None) -> bool:
        """Keep `call` for the commit of the innermost transaction of this database, if any."""
        transaction = self.innermost(using)
        return transaction is not None and transaction.on_commit(call)

    async def insert(self, table: str, row: Row, using: str | None) -> bool:
        """Insert a row in the innermost transaction of this database, if any."""
        transaction = self.innermost(using)
        return transaction is not None and await transaction.insert(table, row)

    def innermost(self, using: str | None) -> T | None:
        """Return the transaction that was begun last, of this database or of any."""
        for transaction in reversed(self._open.get()):
            if transaction.is_open and using in (None, transaction.alias):
                return transaction
        return None

    def push(self, transaction: T) -> None:
        """Add a transaction that has just begun; one that was added before becomes the last."""
        self._open.set((*self._without(transaction), transaction))

    def remove(self, transaction: T) -> None:
        """Forget a transaction that has ended."""
        self._open.set(self._without(transaction))

    def _without(self, transaction: T) -> tuple[T, ...]:
        # Those of others may have ended in another task, which could not take them out here.
        return tuple(each for each in self._open.get() if each is not transaction and each.is_open)
