"""The request signals: frameworks behind real servers."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any
from uuid import uuid4

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.integrations.web_servers import FRAMEWORKS, WebServer, running

SERVERS = ("uvicorn", "granian")
TITLES = {"starlette": "Starlette", "fastapi": "FastAPI", "litestar": "Litestar"}


@dataclass(frozen=True)
class Site:
    """An application of a framework, behind a server."""

    framework: str
    server: WebServer

    @property
    def port(self) -> int:
        return self.server.ports[self.framework]

    def get(self, path: str) -> tuple[int, bytes, list[dict[str, Any]]]:
        """Return the status, the body, and what is noted of the request."""
        request = uuid4().hex
        client = HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            client.request("GET", f"{path}?id={request}")
            response = client.getresponse()
            return response.status, response.read(), self.server.history(request)
        finally:
            client.close()

    def leave(self, path: str, *, after: bytes) -> list[dict[str, Any]]:
        """Hang up after these bytes have come; none: once the request has been started."""
        request = uuid4().hex
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as client:
            client.sendall(f"GET {path}?id={request} HTTP/1.1\r\nHost: shop\r\n\r\n".encode())
            read = b""
            while after not in read or not self.server.events(request):
                if after:
                    read += client.recv(4096)
        return self.server.history(request)

    def talk(self, path: str) -> tuple[str, list[dict[str, Any]]]:
        """Say something over a WebSocket; return the answer, or the status of the refusal."""
        request = uuid4().hex
        try:
            with connect(f"ws://127.0.0.1:{self.port}{path}?id={request}") as client:
                client.send("hello")
                answer = str(client.recv())
        except InvalidStatus as error:
            answer = str(error.response.status_code)
        return answer, self.server.history(request)


@pytest.fixture(scope="module", params=SERVERS)
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[WebServer]:
    with running(request.param, tmp_path_factory.mktemp("notes")) as server:
        yield server


def everywhere(*frameworks: str) -> pytest.MarkDecorator:
    """Run a test with each framework, or with these."""
    return pytest.mark.parametrize(
        "framework",
        frameworks or FRAMEWORKS,
        ids=lambda framework: TITLES.get(framework, "Django"),
    )


@pytest.fixture
def site(framework: str, server: WebServer) -> Site:
    return Site(framework, server)


STARTED = {"event": "started", "current": True}


def finished(status: int | None, exception: str | None = None) -> dict[str, Any]:
    return {"event": "finished", "status": status, "exception": exception}


@pytest.mark.capability("each request is started and finished once")
@everywhere()
def test_a_request_is_started_once_and_finished_once(site):
    status, _, events = site.get("/ok")
    assert status == 200
    assert events == [STARTED, finished(200)]


@pytest.mark.capability("a 404 is heard")
@everywhere()
def test_a_path_that_does_not_exist_is_heard_too(site):
    status, _, events = site.get("/nowhere")
    assert status == 404
    assert events == [STARTED, finished(404)]


@pytest.mark.capability("an error is a 500")
@everywhere()
def test_an_unhandled_error_is_finished_with_status_500(site):
    status, _, events = site.get("/error")
    assert status == 500
    assert [(each["event"], each.get("status")) for each in events] == [
        ("started", None),
        ("finished", 500),
    ]


@pytest.mark.capability("finished tells the exception")
@everywhere("starlette", "fastapi")
def test_finished_tells_the_exception_of_an_unhandled_error(site):
    *_, events = site.get("/error")
    assert events[-1]["exception"] == "ValueError"


@everywhere("litestar", "django")
def test_finished_cannot_tell_an_exception_that_the_framework_keeps(site):
    *_, events = site.get("/error")
    assert events[-1]["exception"] is None


@pytest.mark.capability("finished comes after a stream")
@everywhere()
def test_finished_comes_after_the_whole_stream(site):
    _, body, events = site.get("/stream")
    assert body == b"chunk,chunk,chunk,"
    assert events == [STARTED, {"event": "streamed"}, finished(200)]


@pytest.mark.capability("finished comes after background tasks")
@everywhere("starlette", "fastapi", "litestar")
def test_finished_comes_after_the_background_tasks(site):
    *_, events = site.get("/background")
    assert events == [STARTED, {"event": "task"}, finished(200)]


@pytest.mark.capability("a client may leave a stream")
@everywhere()
def test_a_client_that_leaves_in_the_middle_of_a_stream_finishes_the_request_once(site):
    assert site.leave("/forever", after=b"xxxx") == [STARTED, finished(200)]


@everywhere("starlette", "fastapi", "litestar")
def test_a_handler_that_goes_on_without_its_client_finishes_the_request_once(site):
    assert site.leave("/slow", after=b"") == [STARTED, finished(200)]


@everywhere("django")
def test_a_handler_that_is_cancelled_for_want_of_a_client_finishes_the_request_once(site):
    assert site.leave("/slow", after=b"") == [STARTED, {"event": "cancelled"}, finished(None)]


@pytest.mark.capability("WebSockets")
@everywhere("starlette", "fastapi", "litestar")
def test_a_websocket_is_finished_with_status_101(site):
    answer, events = site.talk("/echo")
    assert answer == "hello"
    assert events == [STARTED, finished(101)]


@everywhere("starlette", "fastapi", "litestar")
def test_a_refused_websocket_is_finished_with_the_status_that_the_client_gets(site):
    answer, events = site.talk("/refuse")
    assert answer == "403"
    assert events == [STARTED, finished(403)]


@everywhere("django")
def test_a_websocket_that_the_framework_does_not_know_is_finished_with_its_exception(site):
    _, events = site.talk("/echo")
    assert events == [STARTED, finished(None, "ValueError")]


@everywhere("starlette", "fastapi", "litestar")
def test_lifespan_reaches_the_application_and_sends_nothing(site):
    assert site.server.events(site.framework) == [{"event": "up"}]
    assert not site.server.events("")


@pytest.mark.parametrize("name", SERVERS)
def test_lifespan_ends_with_the_server(name, tmp_path):
    with running(name, tmp_path) as server:
        pass
    for framework in TITLES:
        assert server.events(framework) == [{"event": "up"}, {"event": "down"}]
