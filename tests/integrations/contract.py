"""What every integration with a database promises; `columns` says how each one is used for it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol, TypeAlias

from tests.integrations.servers import PostgreSQL, SQLite

Work: TypeAlias = Callable[[], Awaitable[object]]
Place: TypeAlias = SQLite | PostgreSQL


class Database(Protocol):
    """An ORM on some databases, each with a table "note" of notes that have a text."""

    @property
    def note(self) -> Any:
        """The class of notes, which is the sender of the model signals."""
        ...

    async def in_transaction(self, work: Work, using: str = "default") -> None:
        """Do some work in a transaction, or in a savepoint where the task has one open.

        Committed if the work is done, rolled back if it raises; the exception comes out.
        """
        ...

    async def save(self, text: str, using: str = "default") -> Any:
        """Create a note: in the transaction that is open, or else in one of its own."""
        ...

    async def delete(self, note: Any, using: str = "default") -> None:
        """Delete a note: in the transaction that is open, or else in one of its own."""
        ...


Column: TypeAlias = Callable[[Mapping[str, Place]], AbstractAsyncContextManager[Database]]
"""Opens an integration on the places of these aliases: it makes the tables, and installs."""
