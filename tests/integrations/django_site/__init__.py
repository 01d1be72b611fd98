"""A site of Django for the tests: its settings, models and views, on databases of each test.

Importing it sets Django up, which a process can do only once.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import django
from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.conf import settings
from django.db import connections

from tests.integrations.contract import Place
from tests.integrations.servers import SQLite

settings.configure(
    ALLOWED_HOSTS=["*"],
    AUTH_USER_MODEL="auth.User",
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "/nowhere"}},
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
        "django.contrib.staticfiles",
        "tests.integrations.django_site",
    ],
    LOGGING_CONFIG=None,
    PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    ROOT_URLCONF="tests.integrations.django_site.views",
    SECRET_KEY="for tests alone",
    STATIC_URL="static/",
    USE_TZ=True,
)
django.setup()


@contextmanager
def site(places: Mapping[str, Place]) -> Iterator[None]:
    """Have Django use these databases; close what this thread has opened of them."""
    ours = {alias: _settings(place) for alias, place in places.items()}
    forget_connections()
    with _swapped(connections.configure_settings(ours)):
        try:
            yield
        finally:
            forget_connections()


async def on_a_thread(work: Callable[[], Awaitable[Any]]) -> Any:
    """Do async work with a thread of its own for the ORM, and connections of its own.

    Within such work, that is the thread already.
    """
    async with ThreadSensitiveContext() as context:
        try:
            return await work()
        finally:
            if context.token is not None:
                await sync_to_async(forget_connections)()


def forget_connections() -> None:
    """Close the connections of this thread; the next ones read the settings again."""
    for connection in connections.all(initialized_only=True):
        connection.close()
        del connections[connection.alias]


@contextmanager
def _swapped(databases: Any) -> Iterator[None]:
    before = connections.settings
    connections.settings = databases
    try:
        yield
    finally:
        connections.settings = before


def _settings(place: Place) -> dict[str, Any]:
    if isinstance(place, SQLite):
        # A transaction that reads first could not wait for the others.
        options = {"timeout": 60, "transaction_mode": "IMMEDIATE"}
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": place.path,
            "OPTIONS": options,
        }
    return {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": place.host,
        "PORT": place.port,
        "USER": place.user,
        "NAME": place.name,
    }
