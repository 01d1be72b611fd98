"""Models for the tests of SQLAlchemy, and the databases that these run on."""

# Without "from __future__ import annotations", under which SQLModel reads no lists of relations.

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Column, ForeignKey, String, Table, event
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    MappedAsDataclass,
    WriteOnlyMapped,
    mapped_column,
    relationship,
)
from sqlmodel import Field, Relationship, SQLModel

from fastdjango_signals import post_delete, post_save, pre_delete, pre_save
from fastdjango_signals.integrations import sqlalchemy
from tests.integrations.columns.sqlalchemy import engine
from tests.integrations.contract import Place
from tests.integrations.servers import Cluster, SQLite

MODEL_SIGNALS = (pre_save, post_save, pre_delete, post_delete)
KINDS = ("SQLite", "PostgreSQL")
on_sqlite = pytest.mark.parametrize("kind", ["SQLite"], indirect=True)
on_postgres = pytest.mark.parametrize("kind", ["PostgreSQL"], indirect=True)


class Base(DeclarativeBase):
    pass


post_tags = Table(
    "post_tags",
    Base.metadata,
    Column("post_id", ForeignKey("post.id"), primary_key=True),
    Column("tag_id", ForeignKey("tag.id"), primary_key=True),
)
friendship = Table(
    "friendship",
    Base.metadata,
    Column("from_id", ForeignKey("person.id"), primary_key=True),
    Column("to_id", ForeignKey("person.id"), primary_key=True),
)
likes = Table(
    "likes",
    Base.metadata,
    Column("post_id", ForeignKey("post.id"), primary_key=True),
    Column("person_id", ForeignKey("person.id"), primary_key=True),
)


class Person(Base):
    __tablename__ = "person"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(50))
    kind: Mapped[str] = mapped_column(String(50))
    friends: Mapped[list["Person"]] = relationship(
        secondary=friendship,
        primaryjoin=lambda: Person.id == friendship.c.from_id,
        secondaryjoin=lambda: Person.id == friendship.c.to_id,
        back_populates="friend_of",
    )
    friend_of: Mapped[list["Person"]] = relationship(
        secondary=friendship,
        primaryjoin=lambda: Person.id == friendship.c.to_id,
        secondaryjoin=lambda: Person.id == friendship.c.from_id,
        back_populates="friends",
    )
    liked: WriteOnlyMapped["Post"] = relationship(secondary=likes)

    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "person"}  # noqa: RUF012


class Employee(Person):
    __tablename__ = "employee"

    id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)
    job: Mapped[str] = mapped_column(String(50))

    __mapper_args__ = {"polymorphic_identity": "employee"}  # noqa: RUF012


class Post(Base):
    __tablename__ = "post"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(50), unique=True)
    stars: Mapped[int] = mapped_column(default=0)
    author_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    author: Mapped[Person | None] = relationship()
    writer: Mapped[Person | None] = relationship(viewonly=True)
    tags: Mapped[list["Tag"]] = relationship(secondary=post_tags, back_populates="posts")
    seen_tags: Mapped[list["Tag"]] = relationship(secondary=post_tags, viewonly=True)
    comments: Mapped[list["Comment"]] = relationship(cascade="all, delete-orphan")


class Tag(Base):
    __tablename__ = "tag"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(50))
    posts: Mapped[list[Post]] = relationship(secondary=post_tags, back_populates="tags")


class Comment(Base):
    __tablename__ = "comment"

    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str] = mapped_column(String(50))
    post_id: Mapped[int] = mapped_column(ForeignKey("post.id"))


class Log(Base):
    __tablename__ = "log"

    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str] = mapped_column(String(50))


class Point(MappedAsDataclass, Base):
    __tablename__ = "point"

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    x: Mapped[int] = mapped_column(default=0)


class Seat(Base):
    """Its primary key has two columns, one of which is called something else."""

    __tablename__ = "seat"

    row: Mapped[str] = mapped_column("line", String(5), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)


class HeroTeam(SQLModel, table=True):
    hero_id: int | None = Field(default=None, foreign_key="hero.id", primary_key=True)
    team_id: int | None = Field(default=None, foreign_key="team.id", primary_key=True)


class Hero(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    name: str
    teams: list["Team"] = Relationship(back_populates="heroes", link_model=HeroTeam)


class Team(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    name: str
    heroes: list[Hero] = Relationship(back_populates="teams", link_model=HeroTeam)


@contextmanager
def statements(engine: AsyncEngine) -> Iterator[list[str]]:
    """Collect the SQL that is executed."""
    found: list[str] = []

    def keep(connection: object, cursor: object, statement: str, *args: object) -> None:
        found.append(statement)

    event.listen(engine.sync_engine, "before_cursor_execute", keep)
    yield found
    event.remove(engine.sync_engine, "before_cursor_execute", keep)


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    param: str = request.param
    return param


@pytest.fixture
def place(request: pytest.FixtureRequest, kind: str, tmp_path: Path) -> Iterator[Place]:
    if kind == "SQLite":
        yield SQLite(tmp_path / "default.sqlite3")
        return
    cluster: Cluster = request.getfixturevalue("postgres")
    with cluster.database() as database:
        yield database


@pytest.fixture
async def database(place: Place) -> AsyncIterator[AsyncEngine]:
    """Make the tables."""
    made = engine(place)
    async with made.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
        tables = [SQLModel.metadata.tables[name] for name in ("hero", "team", "heroteam")]
        await connection.run_sync(SQLModel.metadata.create_all, tables=tables)
    yield made
    await made.dispose()


@pytest.fixture
def factory(database: AsyncEngine) -> async_sessionmaker[AsyncSession]:
    return async_sessionmaker(database, expire_on_commit=False, info={"using": "default"})


@pytest.fixture
async def session(
    factory: async_sessionmaker[AsyncSession], installed: None
) -> AsyncIterator[AsyncSession]:
    async with factory() as opened:
        yield opened


@pytest.fixture
def installed() -> Iterator[None]:
    sqlalchemy.install()
    yield
    sqlalchemy.uninstall()
