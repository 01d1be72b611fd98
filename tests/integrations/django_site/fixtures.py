"""Databases of Django for single tests: two files, with the tables of all the site's models."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from asgiref.sync import SyncToAsync
from django.core.management import call_command

from fastdjango_signals.integrations import django
from tests.integrations.django_site import forget_connections, site
from tests.integrations.servers import SQLite


@pytest.fixture(scope="session")
def tables(tmp_path_factory: pytest.TempPathFactory) -> SQLite:
    """Give a database that has the tables, and no rows."""
    made = SQLite(tmp_path_factory.mktemp("django") / "tables.sqlite3")
    with site({"default": made}):
        call_command("migrate", run_syncdb=True, verbosity=0)
    return made


@pytest.fixture
def database(tables: SQLite, tmp_path: Path) -> Iterator[SQLite]:
    """Have Django use new databases, "default" and "archive"; give the first."""
    places = {alias: SQLite(tmp_path / f"{alias}.sqlite3") for alias in ("default", "archive")}
    for place in places.values():
        shutil.copy(tables.path, place.path)
    with site(places):
        yield places["default"]
        # Where asgiref runs what async code calls, unless something gives it another thread.
        SyncToAsync.single_thread_executor.submit(forget_connections).result()


@pytest.fixture
def installed(database: SQLite) -> Iterator[SQLite]:
    """Install the integration for all models; give the database."""
    django.install()
    yield database
    django.uninstall()
