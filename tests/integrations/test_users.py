from __future__ import annotations

import inspect
import logging
from typing import Any

import pytest
from starlette.requests import Request

from fastdjango_signals import user_logged_in, user_logged_out, user_login_failed
from fastdjango_signals.integrations import users
from fastdjango_signals.integrations.asgi import SignalMiddleware

SECRET = "correct horse"
SIGNALS = (user_logged_in, user_logged_out, user_login_failed)


class User:
    pass


class Admin(User):
    pass


def scope_of() -> dict[str, Any]:
    return {"type": "http", "method": "POST", "path": "/login", "headers": []}


async def tell(signal: Any, user: object = None, **options: Any) -> None:
    """Call the helper of a signal."""
    match signal:
        case _ if signal is user_logged_in:
            await users.logged_in(user or User(), **options)
        case _ if signal is user_logged_out:
            await users.logged_out(user or User(), **options)
        case _:
            options.setdefault("sender", User)
            await users.login_failed({"email": "ada", "password": SECRET}, **options)


every_signal = pytest.mark.parametrize("signal", SIGNALS, ids=lambda each: each.name)


class TestWhatIsSent:
    @every_signal
    async def test_each_helper_sends_its_signal_and_no_other(self, listen, signal):
        heard = listen(*SIGNALS)
        await tell(signal)
        assert [each.signal for each in heard] == [signal]

    @pytest.mark.parametrize("signal", SIGNALS[:2], ids=lambda each: each.name)
    async def test_the_user_is_the_very_one(self, listen, signal):
        heard, user = listen(signal), User()
        await tell(signal, user)
        assert heard[0].payload.user is user

    @pytest.mark.parametrize("signal", SIGNALS[:2], ids=lambda each: each.name)
    async def test_the_sender_is_the_class_of_the_user(self, listen, signal):
        heard = listen(signal)
        await tell(signal, Admin())
        assert heard[0].sender is Admin

    @every_signal
    async def test_the_sender_may_be_given(self, listen, signal):
        heard = listen(signal, sender="shop")
        await tell(signal, sender="shop")
        assert len(heard) == 1

    async def test_nobody_may_log_out(self, listen):
        heard = listen(user_logged_out)
        await users.logged_out(None)
        assert [(each.sender, each.payload.user) for each in heard] == [(type(None), None)]

    @every_signal
    def test_user_and_credentials_alone_are_positional(self, signal):
        helper = getattr(users, signal.name.rpartition(".user_")[2])
        kinds = [each.kind for each in inspect.signature(helper).parameters.values()]
        assert kinds[0] is inspect.Parameter.POSITIONAL_OR_KEYWORD
        assert set(kinds[1:]) == {inspect.Parameter.KEYWORD_ONLY}


class TestTheRequest:
    @every_signal
    async def test_a_request_reaches_receivers_as_it_is(self, listen, signal):
        heard, request = listen(signal), Request(scope_of())
        await tell(signal, request=request)
        assert heard[0].payload.request is request

    @every_signal
    async def test_without_one_it_is_the_scope_that_is_being_served(self, listen, signal):
        async def app(scope, receive, send):
            await tell(signal)

        async def receive(): ...
        async def send(message): ...

        heard, scope = listen(signal), scope_of()
        await SignalMiddleware(app)(scope, receive, send)
        assert heard[0].payload.request is scope

    @every_signal
    async def test_without_one_and_without_the_middleware_it_is_none(self, listen, signal):
        heard = listen(signal)
        await tell(signal)
        assert heard[0].payload.request is None


class TestSecrets:
    async def test_a_password_reaches_no_receiver(self, listen):
        heard = listen(user_login_failed)
        await users.login_failed({"email": "ada", "password": SECRET}, sender=User)
        assert heard[0].payload.credentials == {"email": "ada", "password": "********"}

    async def test_the_callers_credentials_stay_as_they_are(self):
        credentials = {"email": "ada", "password": SECRET}
        await users.login_failed(credentials, sender=User)
        assert credentials["password"] == SECRET

    @every_signal
    async def test_a_receiver_that_fails_locks_nobody_out_and_is_logged(self, caplog, signal):
        async def fail(sender, **kwargs):
            raise ValueError("receiver")

        with signal.connected_to(fail):
            await tell(signal)
        assert [each.levelno for each in caplog.records] == [logging.ERROR]
        assert SECRET not in caplog.text
