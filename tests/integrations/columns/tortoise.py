"""Tortoise ORM, as the contract uses it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from tortoise import fields
from tortoise.connection import get_connection
from tortoise.context import TortoiseContext
from tortoise.models import Model
from tortoise.transactions import in_transaction

from fastdjango_signals.integrations import tortoise
from tests.integrations.contract import Place, Work
from tests.integrations.servers import SQLite


class Note(Model):
    id = fields.IntField(primary_key=True)
    text = fields.CharField(max_length=50)

    class Meta:
        table = "note"


class TortoiseDatabase:
    note = Note

    async def in_transaction(self, work: Work, using: str = "default") -> None:
        async with in_transaction(using):
            await work()

    async def save(self, text: str, using: str = "default") -> Note:
        return await Note.create(text=text, using_db=get_connection(using))

    async def delete(self, note: Note, using: str = "default") -> None:
        await note.delete(using_db=get_connection(using))


@asynccontextmanager
async def opened(places: Mapping[str, Place]) -> AsyncIterator[TortoiseDatabase]:
    apps = {"models": {"models": [__name__], "default_connection": "default"}}
    connections = {alias: connection(place) for alias, place in places.items()}
    async with TortoiseContext() as context:
        await context.init(config={"connections": connections, "apps": apps})
        for alias in places:
            await get_connection(alias).execute_script(_table(places[alias]))
        tortoise.install()
        try:
            yield TortoiseDatabase()
        finally:
            tortoise.uninstall()


def _table(place: Place) -> str:
    serial = "INTEGER PRIMARY KEY" if isinstance(place, SQLite) else "SERIAL PRIMARY KEY"
    return f"CREATE TABLE note (id {serial}, text VARCHAR(50) NOT NULL)"


def connection(place: Place, driver: str = "asyncpg") -> Any:
    """Describe a connection to Tortoise; a database in a file has one driver only."""
    if isinstance(place, SQLite):
        return f"sqlite://{place.path}"
    credentials = {
        "host": place.host,
        "port": place.port,
        "user": place.user,
        "password": "",
        "database": place.name,
    }
    return {"engine": f"tortoise.backends.{driver}", "credentials": credentials}
