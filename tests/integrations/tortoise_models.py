"""Models for the tests of Tortoise ORM, and the databases that these run on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from tortoise import fields
from tortoise.context import TortoiseContext
from tortoise.models import Model
from tortoise.transactions import in_transaction

from fastdjango_signals import (
    post_delete,
    post_save,
    pre_delete,
    pre_save,
)
from fastdjango_signals.integrations import tortoise
from tests.integrations.columns.tortoise import connection
from tests.integrations.contract import Place
from tests.integrations.receiving import RefusedError
from tests.integrations.servers import Cluster, PostgreSQL, SQLite

Places: TypeAlias = Mapping[str, Place]

MODEL_SIGNALS = (pre_save, post_save, pre_delete, post_delete)

KINDS = ("SQLite", "asyncpg")
POSTGRES = ("asyncpg", "psycopg")
on_sqlite = pytest.mark.parametrize("kind", ["SQLite"], indirect=True)
on_postgres = pytest.mark.parametrize("kind", ["asyncpg"], indirect=True)
on_all_kinds = pytest.mark.parametrize("kind", ["SQLite", *POSTGRES], indirect=True)


class Tag(Model):
    id = fields.UUIDField(primary_key=True)
    name = fields.CharField(max_length=50)

    posts: fields.ManyToManyRelation[Post]


class Dated(Model):
    stars = fields.IntField(default=0)

    class Meta:
        abstract = True


class Post(Dated):
    id = fields.IntField(primary_key=True)
    title = fields.CharField(max_length=50, unique=True)
    tags: fields.ManyToManyRelation[Tag] = fields.ManyToManyField(
        "models.Tag", related_name="posts"
    )


class Comment(Model):
    id = fields.IntField(primary_key=True)
    post: fields.ForeignKeyRelation[Post] = fields.ForeignKeyField("models.Post")


class Friend(Model):
    id = fields.IntField(primary_key=True)
    name = fields.CharField(max_length=50)
    friends: fields.ManyToManyRelation[Friend] = fields.ManyToManyField(
        "models.Friend", related_name="friend_of", through="friendship"
    )
    friend_of: fields.ManyToManyRelation[Friend]


class Ticket(Model):
    """The database adds to its rows, though not their keys."""

    code = fields.CharField(primary_key=True, max_length=50)
    state = fields.CharField(max_length=50, db_default="open")
    text = fields.CharField(max_length=50, source_field="body", default="")


class Summary(Model):
    """Its key is a relation."""

    post: fields.OneToOneRelation[Post] = fields.OneToOneField("models.Post", primary_key=True)
    text = fields.CharField(max_length=50)


class Log(Model):
    id = fields.IntField(primary_key=True)
    text = fields.CharField(max_length=50)


@asynccontextmanager
async def rolled_back() -> AsyncIterator[Any]:
    """Run a block in a transaction, or a savepoint, that an exception ends."""
    with pytest.raises(RefusedError):  # noqa: PT012 - the exception has to pass the transaction
        async with in_transaction("default") as connection:
            yield connection
            raise RefusedError


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """Give the kind of database: SQLite, or PostgreSQL with one of its drivers."""
    param: str = request.param
    return param


@pytest.fixture
def places(request: pytest.FixtureRequest, kind: str, tmp_path: Path) -> Iterator[Places]:
    if kind == "SQLite":
        yield {alias: SQLite(tmp_path / f"{alias}.sqlite3") for alias in ("default", "archive")}
        return
    cluster: Cluster = request.getfixturevalue("postgres")
    with cluster.database() as place:
        yield {"default": place, "archive": PostgreSQL(cluster.host, "postgres")}


@pytest.fixture
async def database(places: Places, kind: str) -> AsyncIterator[None]:
    """Make the tables in the database "default"; "archive" is an empty one."""
    apps = {"models": {"models": [__name__], "default_connection": "default"}}
    connections = {alias: connection(place, driver=kind) for alias, place in places.items()}
    async with TortoiseContext() as context:
        await context.init(config={"connections": connections, "apps": apps})
        await context.generate_schemas()
        yield


@pytest.fixture
async def installed(database: None) -> AsyncIterator[None]:
    tortoise.install()
    yield
    tortoise.uninstall()
