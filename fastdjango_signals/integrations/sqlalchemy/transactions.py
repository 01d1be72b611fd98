"""Transactions: what waits for the commit of a session, when it runs, and rows of others in it."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Iterable
from dataclasses import dataclass, field
from threading import get_ident
from weakref import WeakKeyDictionary

from sqlalchemy import Insert, column, insert, table
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session, SessionTransaction
from sqlalchemy.util import greenlet_spawn

from fastdjango_signals.integrations.sqlalchemy.bridge import can_wait, wait_for
from fastdjango_signals.integrations.sqlalchemy.sessions import covers
from fastdjango_signals.transactions import Row, Transaction, TransactionStack

stack = TransactionStack("fastdjango_signals.sqlalchemy")
"""The backend: which sessions have a transaction open."""


@dataclass(frozen=True, slots=True, eq=False)
class Root:
    """The outermost transaction of a session.

    Attributes:
        transaction: What waits for it.
        postgres: Its connections to PostgreSQL.
    """

    transaction: Transaction
    postgres: list[Connection] = field(default_factory=list[Connection])


_roots: WeakKeyDictionary[SessionTransaction, Root] = WeakKeyDictionary()
_marks: WeakKeyDictionary[SessionTransaction, int] = WeakKeyDictionary()


def alias_of(session: Session) -> str | None:
    """Return the alias of a session's database, if it was given one."""
    using: str | None = session.info.get("using")
    return using


def bring_up(session: Session) -> None:
    """Let the transaction of this session be the innermost one of the running task."""
    root = _root_of(session)
    if root is not None:
        stack.push(root.transaction)


def _root_of(session: Session) -> Root | None:
    transaction = session.get_transaction()
    return None if transaction is None else _roots.get(transaction)


def _created(session: Session, transaction: SessionTransaction) -> None:
    if transaction.parent is None:
        if covers(session):
            root = Transaction(alias_of(session), writer=Writer(weakref.proxy(session)))
            # A session that nobody closes, and that is collected, will never commit it.
            weakref.finalize(transaction, root.rollback).atexit = False
            _roots[transaction] = Root(root)
            stack.push(root)
    elif transaction.nested and (outer := _root_of(session)) is not None:
        _marks[transaction] = outer.transaction.queue.mark()
        stack.push(outer.transaction)


@dataclass(frozen=True, slots=True, eq=False)
class Writer:
    """Inserts rows on the connection of a session.

    Attributes:
        session: The session; a proxy, for it may be left to the garbage collector.
        thread: The thread on which its transaction began.
        turns: Tasks take turns, since a session has no room for two.
    """

    session: Session
    thread: int = field(default_factory=get_ident)
    turns: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def __call__(self, name: str, row: Row) -> None:
        """Insert a row into the table of this name."""
        statement = _statement(name, row)

        def execute() -> None:
            connection = self.session.connection(bind_arguments={"clause": statement})
            connection.execute(statement)

        if self.session.get_bind(clause=statement).dialect.is_async:
            async with self.turns:
                await greenlet_spawn(execute)
        elif get_ident() == self.thread:
            execute()
        else:  # a worker thread, which waits for this loop; here the database would block it
            await asyncio.to_thread(execute)


def _statement(name: str, row: Row) -> Insert:
    schema, _, own_name = name.rpartition(".")
    target = table(own_name, *map(column, row), schema=schema or None)
    return insert(target).values(dict(row))


def _connected(session: Session, _: SessionTransaction, connection: Connection) -> None:
    root = _root_of(session)
    if root is not None and connection.dialect.name == "postgresql":
        root.postgres.append(connection)


def _committing(session: Session) -> None:
    root = _root_of(session)
    if root is None or session.in_nested_transaction() or not root.transaction.queue.mark():
        return
    if not can_wait():
        wait_for(root.transaction.close)  # refuses, and it is not too late yet
    if _is_aborted(root.postgres):
        root.transaction.queue.rollback()


def _is_aborted(connections: Iterable[Connection]) -> bool:
    """Return whether the database will roll back at the commit, and raise nothing.

    PostgreSQL does, once a statement has failed, though its exception went no further.
    """
    try:
        for connection in connections:
            connection.exec_driver_sql("SELECT 1")
    except DBAPIError:
        return True
    return False


def _committed(session: Session) -> None:
    savepoint = session.get_nested_transaction()
    root = _root_of(session)
    if savepoint is not None:
        _marks.pop(savepoint, None)
    elif root is not None:
        root.transaction.commit()


def _ended(session: Session, transaction: SessionTransaction) -> None:
    mark, outer = _marks.pop(transaction, None), _root_of(session)
    if mark is not None and outer is not None:  # a savepoint that was not released
        outer.transaction.queue.rollback(mark)
    root = _roots.pop(transaction, None)
    if root is not None:
        stack.remove(root.transaction)
        _close(root.transaction)


def _close(transaction: Transaction) -> None:
    if transaction.committed and transaction.queue.mark():
        wait_for(transaction.close)
    else:
        transaction.rollback()


LISTENERS = (
    ("after_transaction_create", _created),
    ("after_begin", _connected),
    ("before_commit", _committing),
    ("after_commit", _committed),
    ("after_transaction_end", _ended),
)
"""Events of every session, and what is told of them."""


def forget_all() -> None:
    """Drop what waits for a commit."""
    for root in list(_roots.values()):
        root.transaction.rollback()
    _roots.clear()
    _marks.clear()
