"""The on-commit protocol: how a receiver waits for the transaction of the code that sends.

The core knows no database. An integration that does registers a `TransactionBackend`, which
takes calls to run after the commit. `CommitQueue` is the part that every backend needs.
"""

from __future__ import annotations

from asyncio import CancelledError
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeAlias

CommitCall: TypeAlias = Callable[[], Awaitable[None]]
"""A call to run after a commit. It reports its own failures and raises none."""


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


_backends: list[TransactionBackend] = []


def add_backend(backend: TransactionBackend) -> None:
    """Ask this backend too, and first, whether there is a transaction to wait for."""
    if backend not in _backends:
        _backends.insert(0, backend)


def remove_backend(backend: TransactionBackend) -> None:
    """Ask this backend no longer; nothing happens where it was never added."""
    if backend in _backends:
        _backends.remove(backend)


def defer(call: CommitCall, using: str | None) -> bool:
    """Return whether some backend keeps `call` until its transaction has committed."""
    return any(backend.on_commit(call, using) for backend in list(_backends))


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
