"""Django: the signals of users."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from django.contrib.auth import (
    aauthenticate,
    alogin,
    alogout,
    authenticate,
    login,
    logout,
    signals,
)
from django.contrib.auth.models import AnonymousUser, User
from django.contrib.sessions.backends.db import SessionStore
from django.test import RequestFactory

from fastdjango_signals import post_save, user_logged_in, user_logged_out, user_login_failed
from fastdjango_signals.integrations import django
from tests.integrations.conftest import Listen
from tests.integrations.django_site import fixtures
from tests.integrations.receiving import RefusedError

database, installed, tables = fixtures.database, fixtures.installed, fixtures.tables
pytestmark = pytest.mark.usefixtures("installed")


def visit(user: Any = None) -> Any:
    request = RequestFactory().get("/")
    request.session = SessionStore()
    request.user = user or AnonymousUser()
    return request


def test_a_login_and_a_logout_tell_who_and_where(listen: Listen) -> None:
    heard = listen(user_logged_in, user_logged_out)
    ada, request = User.objects.create_user("ada", password="pw"), visit()
    login(request, ada, "django.contrib.auth.backends.ModelBackend")
    logout(request)
    assert [each.signal for each in heard] == [user_logged_in, user_logged_out]
    for each in heard:
        assert each.sender is User
        assert each.payload.request is request
        assert each.payload.user is ada


async def test_the_async_functions_send_on_the_loop(listen: Listen) -> None:
    heard = listen(user_logged_in, user_logged_out, user_login_failed)
    loops: list[object] = []

    async def note_loop(sender: object, **_: object) -> None:
        loops.append(asyncio.get_running_loop())

    ada = await User.objects.acreate_user("ada", password="pw")
    request = visit()

    async def auser() -> User:
        return ada

    with user_logged_in.connected_to(note_loop):
        await alogin(request, ada, "django.contrib.auth.backends.ModelBackend")
    request.auser = auser
    await alogout(request)
    assert await aauthenticate(request, username="ada", password="wrong") is None
    assert [each.signal for each in heard] == [user_logged_in, user_logged_out, user_login_failed]
    assert heard[0].payload.user is heard[1].payload.user is ada
    assert all(each.payload.request is request for each in heard)
    assert loops == [asyncio.get_running_loop()]


def test_a_login_comes_after_what_django_does_itself(listen: Listen) -> None:
    ada = User.objects.create_user("ada", password="pw")
    heard = listen(post_save, user_logged_in)
    login(visit(), ada, "django.contrib.auth.backends.ModelBackend")
    assert [each.signal for each in heard if each.sender is User] == [post_save, user_logged_in]


def test_nobody_may_log_out(listen: Listen) -> None:
    heard = listen(user_logged_out)
    logout(visit())
    assert [(each.sender, each.payload.user) for each in heard] == [(type(None), None)]


def test_a_failed_login_shows_no_secret(listen: Listen) -> None:
    heard, request = listen(user_login_failed), visit()
    assert authenticate(request, username="ada", password="hunter2") is None
    assert [each.sender for each in heard] == ["django.contrib.auth"]
    assert heard[0].payload.credentials == {"username": "ada", "password": "********"}
    assert heard[0].payload.request is request


def test_a_failed_login_may_have_no_request(listen: Listen) -> None:
    heard = listen(user_login_failed, sender="django.contrib.auth")
    authenticate(username="ada", password="hunter2")
    signals.user_login_failed.send("django.contrib.auth", credentials={"username": "eve"})
    assert [each.payload.request for each in heard] == [None, None]
    assert heard[1].payload.credentials == {"username": "eve"}


def test_a_login_that_works_is_no_failure(listen: Listen) -> None:
    heard = listen(user_login_failed)
    User.objects.create_user("ada", password="pw")
    assert authenticate(username="ada", password="pw").username == "ada"
    assert heard == []


async def test_an_exception_of_a_receiver_comes_out_of_the_login() -> None:
    async def refuse(sender: object, **_: object) -> None:
        raise RefusedError

    ada = await User.objects.acreate_user("ada", password="pw")
    with user_logged_in.connected_to(refuse), pytest.raises(RefusedError):
        await alogin(visit(), ada, "django.contrib.auth.backends.ModelBackend")


async def test_a_failed_login_on_the_loop_is_refused_where_somebody_listens(
    listen: Listen,
) -> None:
    signals.user_login_failed.send("nobody listens", credentials={})
    listen(user_login_failed)
    with pytest.raises(django.SyncCodeError, match="for 'some sender' cannot") as caught:
        signals.user_login_failed.send("some sender", credentials={"username": "hunter2"})
    assert "hunter2" not in str(caught.value)


async def test_users_of_a_chosen_install_are_heard_too(listen: Listen) -> None:
    django.uninstall()
    django.install(User)
    heard = listen(user_login_failed)
    await aauthenticate(username="ada", password="pw")
    assert len(heard) == 1
