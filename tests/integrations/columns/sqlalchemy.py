"""SQLAlchemy and SQLModel, as the contract uses them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from contextvars import ContextVar
from functools import partial
from types import MappingProxyType
from typing import Any

from sqlalchemy import String, event
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlmodel import Field, SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession as SQLModelSession

from fastdjango_signals.integrations import sqlalchemy
from tests.integrations.contract import Place, Work
from tests.integrations.servers import SQLite


class Base(DeclarativeBase):
    pass


class Note(Base):
    __tablename__ = "note"

    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str] = mapped_column(String(50))


class SQLModelNote(SQLModel, table=True):
    __tablename__ = "note"  # type: ignore[mutable-override]  # SQLModel says so itself

    id: int | None = Field(default=None, primary_key=True)
    text: str = Field(max_length=50)


_sessions: ContextVar[Mapping[str, AsyncSession]] = ContextVar(
    "sessions",
    default=MappingProxyType({}),
)


class SQLAlchemyDatabase:
    """Notes of SQLAlchemy, with one session for each transaction."""

    def __init__(self, note: Any, makers: Mapping[str, async_sessionmaker[Any]]) -> None:
        self.note = note
        self._makers = makers

    async def in_transaction(self, work: Work, using: str = "default") -> None:
        session = _sessions.get().get(using)
        if session is not None and session.in_transaction():
            async with session.begin_nested():
                await work()
            return
        async with self._makers[using]() as session:
            token = _sessions.set({**_sessions.get(), using: session})
            try:
                async with session.begin():
                    await work()
            finally:
                _sessions.reset(token)

    async def save(self, text: str, using: str = "default") -> Any:
        note = self.note(text=text)
        await self._write(using, partial(self._add, note, using))
        return note

    async def delete(self, note: Any, using: str = "default") -> None:
        await self._write(using, partial(self._remove, note, using))

    async def _write(self, using: str, work: Work) -> None:
        session = _sessions.get().get(using)
        if session is not None and session.in_transaction():
            await work()
        else:
            await self.in_transaction(work, using)

    async def _add(self, note: Any, using: str) -> None:
        session = _sessions.get()[using]
        session.add(note)
        await session.flush()

    async def _remove(self, note: Any, using: str) -> None:
        session = _sessions.get()[using]
        await session.delete(note)
        await session.flush()


def engine(place: Place) -> AsyncEngine:
    """Connect to a place; SQLite's transactions take their lock at once, or two would wait."""
    if not isinstance(place, SQLite):
        url = f"postgresql+asyncpg://{place.user}@/{place.name}"
        return create_async_engine(url, connect_args={"host": place.host, "port": place.port})
    made = create_async_engine(
        f"sqlite+aiosqlite:///{place.path}",
        connect_args={"timeout": 60, "isolation_level": None},
    )

    @event.listens_for(made.sync_engine, "begin")
    def begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return made


@asynccontextmanager
async def _opened(
    places: Mapping[str, Place], note: Any, session_class: type[AsyncSession]
) -> AsyncIterator[SQLAlchemyDatabase]:
    makers = {}
    async with AsyncExitStack() as stack:
        for alias, place in places.items():
            made = engine(place)
            stack.push_async_callback(made.dispose)
            async with made.begin() as connection:
                await connection.run_sync(note.__table__.create)
            makers[alias] = async_sessionmaker(
                made, class_=session_class, expire_on_commit=False, info={"using": alias}
            )
        sqlalchemy.install(*makers.values())
        stack.callback(sqlalchemy.uninstall)
        yield SQLAlchemyDatabase(note, makers)


opened = partial(_opened, note=Note, session_class=AsyncSession)
opened_with_sqlmodel = partial(_opened, note=SQLModelNote, session_class=SQLModelSession)
