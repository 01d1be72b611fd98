"""Transactions: what waits for the commit of Tortoise, when it runs, and rows of others in it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial, wraps
from typing import Any, TypeAlias
from weakref import WeakKeyDictionary

from pypika_tortoise.queries import Table
from tortoise.backends.base.client import (
    NestedTransactionContext,
    TransactionalDBClient,
    TransactionContext,
    TransactionContextPooled,
)
from tortoise.backends.sqlite.client import SqliteTransactionContext
from tortoise.exceptions import TransactionManagementError

from fastdjango_signals.patches import Patch
from fastdjango_signals.transactions import Row, Transaction, TransactionStack

Enter: TypeAlias = Callable[[TransactionContext], Awaitable[TransactionalDBClient]]
Leave: TypeAlias = Callable[..., Awaitable[None]]
End: TypeAlias = Callable[[], Awaitable[None]]

stack = TransactionStack("fastdjango_signals.tortoise")
"""The backend: which transactions of Tortoise are open."""

_transactions: WeakKeyDictionary[TransactionContext, Transaction] = WeakKeyDictionary()


def _before(end: End, tell: Callable[[], None]) -> End:
    """Tell of a rollback as it begins: where it fails, nothing is committed either."""

    async def rollback() -> None:
        tell()
        await end()

    return rollback


def _after(end: End, tell: Callable[[], None]) -> End:
    async def commit() -> None:
        await end()
        tell()

    return commit


def _watch(client: TransactionalDBClient, transaction: Transaction) -> None:
    """Learn from the client of this transaction how it ends."""
    end = client.commit

    async def commit() -> None:
        is_aborted = transaction.queue.mark() > 0 and await _is_aborted(client)
        await end()
        if is_aborted:
            transaction.rollback()
        else:
            transaction.commit()

    rollback = _before(client.rollback, partial(_roll_back, transaction))
    # Each client lives as long as its block, so the methods of this one alone are replaced.
    vars(client).update(commit=commit, rollback=rollback)


async def _is_aborted(client: TransactionalDBClient) -> bool:
    """Return whether the database will roll back at the commit, and raise nothing.

    PostgreSQL does, once a statement has failed, though its exception went no further.
    """
    if not _is_postgres(client):
        return False
    try:
        await client.execute_script("SELECT 1")
    except TransactionManagementError:
        return True
    return False


async def _insert(client: TransactionalDBClient, name: str, row: Row) -> None:
    """Insert a row on the connection of a transaction, which is that of its savepoints too."""
    schema, _, own_name = name.rpartition(".")
    target = Table(own_name, schema=schema or None)
    query = client.query_class.into(target).columns(*row).insert(*row.values())
    sql, values = query.get_parameterized_sql()
    await client.execute_query(sql, values)  # pyright: ignore[reportUnknownMemberType]


def _watch_savepoint(client: TransactionalDBClient, transaction: Transaction) -> None:
    """Learn from the client of a savepoint how that ends, or the transaction around it."""
    if "commit" in vars(client):
        return  # Oracle: there are no savepoints, and the block has the client of the transaction
    drop = partial(transaction.queue.rollback, transaction.queue.mark())
    if _is_postgres(client):  # its commit and rollback are those of the savepoint
        vars(client).update(rollback=_before(client.rollback, drop))
    else:
        vars(client).update(
            savepoint_rollback=_before(client.savepoint_rollback, drop),
            rollback=_before(client.rollback, partial(_roll_back, transaction)),
            commit=_after(client.commit, transaction.commit),
        )


def _roll_back(transaction: Transaction) -> None:
    # One that the client of a savepoint has committed is rolled back in vain.
    if transaction.is_open:
        transaction.rollback()


def _is_postgres(client: TransactionalDBClient) -> bool:
    return client.capabilities.dialect == "postgres"


def _begin(native: Enter) -> Enter:
    @wraps(native)
    async def enter(self: TransactionContext) -> TransactionalDBClient:
        client = await native(self)
        transaction = _transactions[self] = Transaction(
            client.connection_name, writer=partial(_insert, client)
        )
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
            _watch_savepoint(client, transaction)
        return client

    return enter


PATCHES = (
    # Every backend of Tortoise has one of these, and the client that it makes ends the transaction.
    *(
        patch
        for outermost in (TransactionContextPooled, SqliteTransactionContext)
        for patch in (Patch(outermost, "__aenter__", _begin), Patch(outermost, "__aexit__", _end))
    ),
    Patch(NestedTransactionContext, "__aenter__", _begin_nested),
)
