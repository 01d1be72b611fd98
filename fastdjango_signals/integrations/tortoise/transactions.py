"""Transactions: what waits for the commit of a Tortoise transaction, and when it runs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, TypeAlias
from weakref import WeakKeyDictionary

from tortoise.backends.base.client import (
    NestedTransactionContext,
    TransactionalDBClient,
    TransactionContext,
    TransactionContextPooled,
)
from tortoise.backends.sqlite.client import SqliteTransactionContext

from fastdjango_signals.integrations.tortoise.patches import Patch
from fastdjango_signals.transactions import CommitCall, CommitQueue

Enter: TypeAlias = Callable[[TransactionContext], Awaitable[TransactionalDBClient]]
Leave: TypeAlias = Callable[..., Awaitable[None]]


@dataclass(slots=True, eq=False)
class Transaction:
    """One outermost transaction.

    Attributes:
        alias: The database's alias.
        queue: What waits for the commit.
        is_open: Whether it can still be committed; code may do so before its block ends.
        committed: Whether it has been.
    """

    alias: str
    queue: CommitQueue = field(default_factory=CommitQueue)
    is_open: bool = True
    committed: bool = False

    def watch(self, client: TransactionalDBClient) -> None:
        """Learn from the client of this transaction, or of a savepoint, how it ends."""
        commit, rollback = client.commit, client.rollback

        async def watched_commit() -> None:
            await commit()
            self.is_open, self.committed = False, True

        async def watched_rollback() -> None:
            self.is_open = False
            self.queue.rollback()
            await rollback()

        # Each client lives as long as its block, so the methods of this one alone are replaced.
        vars(client).update(commit=watched_commit, rollback=watched_rollback)


@dataclass(frozen=True, slots=True)
class Savepoint:
    """A nested transaction, and where the queue stood when it began."""

    transaction: Transaction
    mark: int


# Newest last. Tasks inherit it, as they inherit Tortoise's connection: hence `is_open`.
_current: ContextVar[tuple[Transaction, ...]] = ContextVar(
    "fastdjango_signals.tortoise", default=()
)
_transactions: WeakKeyDictionary[TransactionContext, Transaction] = WeakKeyDictionary()
_savepoints: WeakKeyDictionary[TransactionContext, Savepoint] = WeakKeyDictionary()


class TortoiseTransactions:
    """The backend that the core asks whether there is a commit to wait for."""

    __slots__ = ()

    def on_commit(self, call: CommitCall, using: str | None) -> bool:
        """Keep `call` for the commit of the current transaction, if there is one."""
        transaction = _innermost(using)
        return transaction is not None and transaction.queue.add(call)


def _innermost(using: str | None) -> Transaction | None:
    for transaction in reversed(_current.get()):
        if transaction.is_open and using in (None, transaction.alias):
            return transaction
    return None


def _begin(native: Enter) -> Enter:
    @wraps(native)
    async def enter(self: TransactionContext) -> TransactionalDBClient:
        client = await native(self)
        transaction = _transactions[self] = Transaction(client.connection_name)
        transaction.watch(client)
        _current.set((*_current.get(), transaction))
        return client

    return enter


def _end(native: Leave) -> Leave:
    @wraps(native)
    async def leave(self: TransactionContext, *raised: Any) -> None:
        transaction = _transactions.pop(self, None)
        try:
            await native(self, *raised)
        finally:
            # Only now is the connection given back, so that receivers may use the database.
            if transaction is not None:
                transaction.is_open = False
                _current.set(tuple(each for each in _current.get() if each is not transaction))
                if not transaction.committed:
                    transaction.queue.rollback()
                await transaction.queue.run()

    return leave


def _begin_nested(native: Enter) -> Enter:
    @wraps(native)
    async def enter(self: TransactionContext) -> TransactionalDBClient:
        client = await native(self)
        transaction = _innermost(client.connection_name)
        if transaction is not None:
            _savepoints[self] = Savepoint(transaction, transaction.queue.mark())
            transaction.watch(client)
        return client

    return enter


def _end_nested(native: Leave) -> Leave:
    @wraps(native)
    async def leave(self: TransactionContext, *raised: Any) -> None:
        savepoint = _savepoints.pop(self, None)
        released = False
        try:
            await native(self, *raised)
            released = raised[0] is None
        finally:
            if savepoint is not None and not released:
                savepoint.transaction.queue.rollback(savepoint.mark)

    return leave


PATCHES = (
    *(
        patch
        for outermost in (TransactionContextPooled, SqliteTransactionContext)
        for patch in (Patch(outermost, "__aenter__", _begin), Patch(outermost, "__aexit__", _end))
    ),
    Patch(NestedTransactionContext, "__aenter__", _begin_nested),
    Patch(NestedTransactionContext, "__aexit__", _end_nested),
)
