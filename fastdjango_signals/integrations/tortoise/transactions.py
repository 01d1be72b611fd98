"""Transactions: what waits for the commit of a Tortoise transaction, and when it runs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
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
from fastdjango_signals.transactions import Transaction, TransactionStack

Enter: TypeAlias = Callable[[TransactionContext], Awaitable[TransactionalDBClient]]
Leave: TypeAlias = Callable[..., Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Savepoint:
    """A nested transaction, and where the queue stood when it began."""

    transaction: Transaction
    mark: int


stack = TransactionStack("fastdjango_signals.tortoise")
"""The backend: which transactions of Tortoise are open."""

_transactions: WeakKeyDictionary[TransactionContext, Transaction] = WeakKeyDictionary()
_savepoints: WeakKeyDictionary[TransactionContext, Savepoint] = WeakKeyDictionary()


def _watch(client: TransactionalDBClient, transaction: Transaction) -> None:
    """Learn from the client of this transaction, or of a savepoint, how it ends."""
    commit, rollback = client.commit, client.rollback

    async def watched_commit() -> None:
        await commit()
        transaction.commit()

    async def watched_rollback() -> None:
        transaction.rollback()
        await rollback()

    # Each client lives as long as its block, so the methods of this one alone are replaced.
    vars(client).update(commit=watched_commit, rollback=watched_rollback)


def _begin(native: Enter) -> Enter:
    @wraps(native)
    async def enter(self: TransactionContext) -> TransactionalDBClient:
        client = await native(self)
        transaction = _transactions[self] = Transaction(client.connection_name)
        _watch(client, transaction)
        stack.push(transaction)
        return client

    return enter


def _end(native: Leave) -> Leave:
    @wraps(native)
    async def leave(self: TransactionContext, *raised: Any) -> None:
        transaction = _transactions.pop(self, None)
        try:
            await native(self, *raised)
        finally:
            if transaction is not None:
                stack.remove(transaction)
                await transaction.close()

    return leave


def _begin_nested(native: Enter) -> Enter:
    @wraps(native)
    async def enter(self: TransactionContext) -> TransactionalDBClient:
        client = await native(self)
        transaction = stack.innermost(client.connection_name)
        if transaction is not None:
            _savepoints[self] = Savepoint(transaction, transaction.queue.mark())
            _watch(client, transaction)
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
