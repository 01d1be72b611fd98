"""Django: the signals of requests."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from contextlib import nullcontext
from typing import Any
from wsgiref.util import FileWrapper, setup_testing_defaults

import pytest
from asgiref.sync import ThreadSensitiveContext, sync_to_async
from asgiref.wsgi import WsgiToAsgi
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core import signals
from django.core.asgi import get_asgi_application
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.http import FileResponse
from django.http.response import HttpResponseBase
from django.test import Client
from django.test.client import ClientHandler

from fastdjango_signals import post_save, pre_save, request_finished, request_started
from fastdjango_signals.integrations import django
from fastdjango_signals.integrations.asgi import SignalMiddleware
from tests.integrations.conftest import Heard, Listen
from tests.integrations.django_site import fixtures, forget_connections
from tests.integrations.receiving import RefusedError
from tests.integrations.servers import SQLite

database, installed, tables = fixtures.database, fixtures.installed, fixtures.tables
pytestmark = pytest.mark.usefixtures("installed")

REQUESTS = (request_started, request_finished)


def environ_of(path: str, **more: object) -> dict[str, Any]:
    environ: dict[str, Any] = {"PATH_INFO": path, **more}
    setup_testing_defaults(environ)
    return environ


def respond(handler: WSGIHandler, environ: dict[str, Any]) -> Iterable[bytes]:
    response: Iterable[bytes] = handler(environ, lambda status, headers: None)
    return response


def serve(handler: WSGIHandler, environ: dict[str, Any]) -> bytes:
    """Serve a request as a WSGI server does."""
    response: Any = respond(handler, environ)
    try:
        return b"".join(response)
    finally:
        response.close()


def brief(heard: list[Heard]) -> list[tuple[str, str, int | None]]:
    return [
        (
            each.signal.name.rpartition("_")[2],
            each.payload.scope["PATH_INFO"],
            getattr(each.payload, "status", None),
        )
        for each in heard
    ]


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "django.request")
    caplog.set_level(logging.ERROR, "fastdjango_signals")


# --- WSGI --------------------------------------------------------------------


def test_a_request_over_wsgi_starts_and_finishes(listen: Listen) -> None:
    heard, environ = listen(*REQUESTS), environ_of("/hello/")
    assert serve(WSGIHandler(), environ) == b"hello"
    assert brief(heard) == [("started", "/hello/", None), ("finished", "/hello/", 200)]
    for each in heard:
        assert each.sender is WSGIHandler
        assert each.payload.scope is environ
    assert heard[1].payload.exception is None


def test_it_finishes_when_the_last_part_is_sent(listen: Listen, installed: SQLite) -> None:
    heard, told = listen(request_finished), listen(post_save, on_commit=True)
    response: Any = respond(WSGIHandler(), environ_of("/stream/"))
    parts = iter(response)
    assert (next(parts), next(parts)) == (b"first", b"second")
    assert (heard, told) == ([], [])
    assert list(parts) == []
    assert [each.payload.instance.text for each in told] == ["first", "second"]
    assert heard == []
    response.close()
    assert brief(heard) == [("finished", "/stream/", 200)]
    assert installed.texts() == ["first", "second"]


def test_a_client_that_leaves_early_rolls_back_and_finishes(
    listen: Listen, installed: SQLite
) -> None:
    heard, told = listen(request_finished), listen(post_save, on_commit=True)
    response: Any = respond(WSGIHandler(), environ_of("/stream/"))
    next(iter(response))
    response.close()
    assert brief(heard) == [("finished", "/stream/", 200)]
    assert (told, installed.texts()) == ([], [])


@pytest.mark.parametrize(("path", "status"), [("/fail/", 500), ("/nowhere/", 404)])
def test_a_request_that_fails_finishes_with_its_status(
    listen: Listen, caplog: pytest.LogCaptureFixture, path: str, status: int
) -> None:
    heard = listen(*REQUESTS)
    serve(WSGIHandler(), environ_of(path))
    assert brief(heard) == [("started", path, None), ("finished", path, status)]


def test_async_views_work_over_wsgi(listen: Listen, installed: SQLite) -> None:
    heard, saved = listen(*REQUESTS), listen(post_save)
    assert serve(WSGIHandler(), environ_of("/hello-async/")) == b"hello"
    assert [status for *_, status in brief(heard)] == [None, 200]
    assert len(saved) == 1


def test_a_file_that_the_server_sends_by_itself_finishes(listen: Listen, tmp_path: Any) -> None:
    heard = listen(*REQUESTS)
    (tmp_path / "file").write_text("content")
    handler = WSGIHandler()
    handler.get_response = lambda request: FileResponse((tmp_path / "file").open("rb"))
    environ = environ_of("/file/", **{"wsgi.file_wrapper": FileWrapper})
    response: Any = respond(handler, environ)
    assert isinstance(response, FileWrapper)
    assert b"".join(response) == b"content"
    response.close()
    assert brief(heard) == [("started", "/file/", None), ("finished", "/file/", 200)]


def test_static_files_are_requests_too(listen: Listen, caplog: pytest.LogCaptureFixture) -> None:
    heard = listen(*REQUESTS)
    serve(StaticFilesHandler(WSGIHandler()), environ_of("/static/nothing.css"))
    assert [row[1:] for row in brief(heard)] == [
        ("/static/nothing.css", None),
        ("/static/nothing.css", 404),
    ]


def test_a_response_that_nobody_closes_is_forgotten(listen: Listen) -> None:
    heard, handler = listen(request_finished), WSGIHandler()
    respond(handler, environ_of("/nowhere/"))
    serve(handler, environ_of("/hello/"))
    assert brief(heard) == [("finished", "/hello/", 200)]


def test_other_responses_finish_nothing(listen: Listen) -> None:
    heard = listen(*REQUESTS)
    HttpResponseBase(content_type="text/plain").close()
    assert heard == []


def test_a_signal_that_somebody_else_sends_has_no_status(listen: Listen) -> None:
    heard = listen(*REQUESTS)
    signals.request_started.send("handler", environ={"PATH_INFO": "/"})
    signals.request_finished.send("handler")
    signals.request_finished.send("handler")
    assert brief(heard) == [("started", "/", None), ("finished", "/", None)]


def test_a_receiver_that_fails_is_logged_and_the_request_goes_on(
    listen: Listen, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(sender: object, **_: object) -> None:
        raise RefusedError

    heard = listen(*REQUESTS)
    with request_started.connected_to(fail), request_finished.connected_to(fail):
        assert serve(WSGIHandler(), environ_of("/hello/")) == b"hello"
    failures = [each.exc_info[0] for each in caplog.records if each.exc_info]
    assert failures == [RefusedError, RefusedError]
    assert len(heard) == 2


# --- the test client ---------------------------------------------------------


def test_the_test_client_sends_too(listen: Listen) -> None:
    heard = listen(*REQUESTS)
    assert Client().get("/hello/").content == b"hello"
    assert brief(heard) == [("started", "/hello/", None), ("finished", "/hello/", 200)]
    assert {each.sender for each in heard} == {ClientHandler}


def test_a_view_may_use_the_test_client(listen: Listen) -> None:
    heard = listen(*REQUESTS)
    serve(WSGIHandler(), environ_of("/ask-another/"))
    assert brief(heard) == [
        ("started", "/ask-another/", None),
        ("started", "/hello/", None),
        ("finished", "/hello/", 200),
        ("finished", "/ask-another/", 201),
    ]


async def test_the_test_client_on_a_loop_is_refused_where_somebody_listens(listen: Listen) -> None:
    assert Client().get("/hello/").content == b"hello"
    listen(*REQUESTS)
    with pytest.raises(django.SyncCodeError, match=r"started for django\.test\.client"):
        Client().get("/hello/")


# --- ASGI --------------------------------------------------------------------


async def ask(app: Any, path: str, gone: asyncio.Event | None = None) -> list[dict[str, Any]]:
    """Serve a request as an ASGI server does; return the messages of the application."""
    sent: list[dict[str, Any]] = []
    received = iter([{"type": "http.request", "body": b""}])

    async def receive() -> dict[str, Any]:
        for message in received:
            return message
        await (gone or asyncio.Event()).wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope: dict[str, Any] = {"type": "http", "http_version": "1.1", "method": "GET", "path": path}
    scope |= {"headers": [], "query_string": b""}
    async with asyncio.timeout(30), ThreadSensitiveContext():
        try:
            await app(scope, receive, send)
        finally:
            await sync_to_async(forget_connections)()
    return sent


async def test_an_asgi_application_in_the_middleware_sends_once(listen: Listen) -> None:
    app: ASGIHandler = get_asgi_application()
    heard = listen(*REQUESTS)
    await ask(SignalMiddleware(app), "/hello/")
    assert [each.signal for each in heard] == [*REQUESTS]
    assert all(each.sender is app for each in heard)
    assert heard[1].payload.status == 200


async def test_django_over_wsgi_in_the_middleware_sends_once(listen: Listen) -> None:
    app = WsgiToAsgi(WSGIHandler())
    heard = listen(*REQUESTS)
    sent = await ask(SignalMiddleware(app), "/hello/")
    assert sent[0]["status"] == 200
    assert [(each.signal, each.sender) for each in heard] == [(each, app) for each in REQUESTS]


async def test_a_client_that_leaves_cancels_the_receiver_and_the_save(
    listen: Listen, installed: SQLite
) -> None:
    heard, gone, ended = listen(request_finished), asyncio.Event(), list[str]()

    async def wait(sender: object, **_: object) -> None:
        gone.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            ended.append("receiver")
            raise

    with pre_save.connected_to(wait):
        sent = await ask(SignalMiddleware(get_asgi_application()), "/hello-async/", gone)
    assert (sent, ended, installed.texts()) == ([], ["receiver"], [])
    assert [each.payload.status for each in heard] == [None]


async def test_an_asgi_application_alone_sends_nothing(listen: Listen) -> None:
    heard = listen(*REQUESTS)
    sent = await ask(get_asgi_application(), "/hello/")
    assert sent[0]["status"] == 200
    assert heard == []


@pytest.mark.parametrize("path", ["/hello-async/", "/stream-async/", "/stream/"])
async def test_views_under_asgi_run_receivers_on_the_loop(
    listen: Listen, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    loops: set[object] = set()

    async def note_loop(sender: object, **_: object) -> None:
        loops.add(asyncio.get_running_loop())

    # Django warns that the server of such a view waits for all of its parts.
    warned = pytest.warns(match="StreamingHttpResponse") if path == "/stream/" else nullcontext()
    with post_save.connected_to(note_loop), warned:
        await ask(get_asgi_application(), path)
    assert loops == {asyncio.get_running_loop()}
