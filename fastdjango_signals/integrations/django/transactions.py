"""Transactions: what waits for the commit of an `atomic` block, and rows of others in it."""

# Django has no types.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import asyncio
from asyncio import CancelledError
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import wraps
from threading import Lock, get_ident
from typing import Any

from asgiref.sync import sync_to_async
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.transaction import Atomic

from fastdjango_signals.integrations.django import threads
from fastdjango_signals.patches import Patch
from fastdjango_signals.transactions import CommitCall, Row, TransactionStack

_KEY = "_fastdjango_signals_transaction"
_IN_ERROR = 3  # what both drivers of PostgreSQL call a transaction after a statement that failed


@dataclass(slots=True, eq=False)
class OpenTransaction:
    """One outermost `atomic` block.

    Code on another thread may get here: a task that outlives the block.

    Attributes:
        connection: Django's connection, whose hooks are used: it knows of savepoints and rollbacks.
        is_open: Whether it is not ended yet.
    """

    connection: Any
    is_open: bool = True
    _thread: int = field(default_factory=get_ident)
    _lock: Lock = field(default_factory=Lock)
    _is_aborted: bool = False
    _cancelled: CancelledError | None = None

    @property
    def alias(self) -> str:
        """The database's alias."""
        return str(self.connection.alias)

    def on_commit(self, call: CommitCall) -> bool:
        """Have Django keep one more call; return False where it is too late."""
        with self._lock:
            if self.is_open:
                self.connection.on_commit(self._hook(call), robust=True)
            return self.is_open

    async def insert(self, table: str, row: Row) -> bool:
        """Insert a row in it, on its thread; return False where it is too late.

        False too for code that only inherits the context of the block: its thread is another one,
        and what it does with Django's connection there is not in this transaction either.
        """
        if get_ident() == self._thread:
            return await self._insert_from_beside(table, row)
        return await sync_to_async(self._insert_on_this_thread)(table, row)

    async def _insert_from_beside(self, table: str, row: Row) -> bool:
        # The thread of the block runs this loop, by asyncio.run, and Django refuses to work there.
        self.connection.inc_thread_sharing()
        try:
            return await asyncio.to_thread(self._insert, table, row)
        finally:
            self.connection.dec_thread_sharing()

    def _insert_on_this_thread(self, table: str, row: Row) -> bool:
        is_ours = connections[self.alias] is self.connection
        return is_ours and self._insert(table, row)

    def _insert(self, table: str, row: Row) -> bool:
        if self.is_open:
            quote = self.connection.ops.quote_name
            binary = self.connection.Database.Binary
            values = [binary(each) if isinstance(each, bytes) else each for each in row.values()]
            with self.connection.cursor() as cursor:
                cursor.execute(
                    f"INSERT INTO {'.'.join(map(quote, table.split('.')))} "
                    f"({', '.join(map(quote, row))}) VALUES ({', '.join('%s' for _ in row)})",
                    values,
                )
        return self.is_open

    def close(self) -> None:
        """Take no more calls; Django is about to commit, or to roll back."""
        with self._lock:
            self.is_open = False
        # PostgreSQL rolls such a transaction back when it is told to commit, and Django does
        # not notice; it happens where code catches the error of a statement.
        info = getattr(self.connection.connection, "info", None)
        self._is_aborted = getattr(info, "transaction_status", None) == _IN_ERROR

    def raise_cancellation(self) -> None:
        """Let a cancellation out that has ended one of the calls, now that all had their turn."""
        if self._cancelled is not None:
            raise self._cancelled

    def _hook(self, call: CommitCall) -> Callable[[], None]:
        def call_receiver() -> None:
            if self._is_aborted:
                return
            try:
                threads.run(call, "a receiver that waited for a commit")
            except CancelledError as error:
                if self.is_open:  # Django's tools for tests call hooks early
                    raise
                self._cancelled = error

        return call_receiver


class Backend(TransactionStack[OpenTransaction]):
    """Knows which transactions are open around the running code.

    asgiref carries context variables from a thread to the event loop that it waits for, and back;
    Django's connections stay with their threads.
    """

    __slots__ = ()

    def begin(self, connection: Any) -> None:
        """Note that a connection has begun its outermost block."""
        transaction = OpenTransaction(connection)
        _state(connection)[_KEY] = transaction
        self.push(transaction)

    def end(self, connection: Any) -> OpenTransaction | None:
        """Note that the outermost block of a connection is about to end."""
        transaction = _state(connection).pop(_KEY, None)
        if transaction is not None:
            transaction.close()
            self.remove(transaction)
        return transaction

    @contextmanager
    def seen_by(self, connection: Any) -> Generator[None]:
        """Go by the state of this connection, whatever the context says of its database.

        The context may come from another thread, or from before the transaction.
        """
        own = _state(connection).get(_KEY)
        still_open = [each for each in self._open.get() if each.is_open]
        known = [each for each in still_open if each.alias == connection.alias]
        if known == ([] if own is None else [own]):
            yield
            return
        others = tuple(each for each in still_open if each.alias != connection.alias)
        token = self._open.set(others if own is None else (*others, own))
        try:
            yield
        finally:
            self._open.reset(token)


def _state(connection: Any) -> dict[str, OpenTransaction]:
    state: dict[str, OpenTransaction] = vars(connection)
    return state


backend = Backend("fastdjango_signals.django")


def _enter(native: Callable[[Atomic], None]) -> Callable[[Atomic], None]:
    @wraps(native)
    def enter(self: Atomic) -> None:
        connection = connections[self.using or DEFAULT_DB_ALIAS]
        is_outermost = not connection.in_atomic_block
        native(self)
        if is_outermost:
            backend.begin(connection)

    return enter


def _exit(native: Callable[..., None]) -> Callable[..., None]:
    @wraps(native)
    def leave(self: Atomic, *raised: Any) -> None:
        connection = connections[self.using or DEFAULT_DB_ALIAS]
        is_outermost = len(connection.atomic_blocks) <= 1
        transaction = backend.end(connection) if is_outermost else None
        native(self, *raised)
        if transaction is not None:
            transaction.raise_cancellation()

    return leave


PATCHES = (Patch(Atomic, "__enter__", _enter), Patch(Atomic, "__exit__", _exit))
