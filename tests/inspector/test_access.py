"""Who may see the inspector."""

from __future__ import annotations

import logging
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Mount
from starlette.types import ASGIApp

from fastdjango_signals import SignalOptionError, observations
from fastdjango_signals.inspector import Guard, Inspector

PATHS = [
    "/",
    "/signals.json",
    "/sends.json",
    "/graph.svg",
    "/events",
    "/static/app.js",
    "/static/style.css",
    "/static/nothing.js",
    "/nowhere",
]
SHOWN = [path for path in PATHS if path != "/events"]


def client(app: ASGIApp, root_path: str = "") -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app, root_path=root_path)
    return httpx.AsyncClient(transport=transport, base_url="http://shop.example")


def mounted(debug: bool = False, **options: Any) -> Starlette:
    return Starlette(debug=debug, routes=[Mount("/signals", Inspector(**options))])


async def status(app: ASGIApp, path: str = "/") -> int:
    async with client(app) as browser:
        return (await browser.get(f"/signals{path}")).status_code


@pytest.mark.parametrize("path", PATHS)
async def test_it_is_off_on_its_own_and_says_how_to_switch_it_on(path: str) -> None:
    async with client(mounted()) as browser:
        answer = await browser.get(f"/signals{path}")

    assert answer.status_code == 403
    assert "Inspector(guard=...)" in answer.text
    assert "debug=True" in answer.text
    assert observations.observers == ()


@pytest.mark.parametrize("app", [FastAPI(debug=True), Starlette(debug=True)])
async def test_an_application_in_debug_shows_it(app: Any) -> None:
    app.mount("/signals", Inspector())

    assert await status(app) == 200
    app.debug = False
    assert await status(app) == 403


async def test_it_is_the_application_on_which_it_is_mounted_that_counts() -> None:
    inner = FastAPI()
    inner.mount("/signals", Inspector())
    outer = Starlette(debug=True, routes=[Mount("/shop", inner)])

    assert await status(Starlette(routes=[Mount("/signals", outer)]), "/shop/signals/") == 403


async def test_served_alone_it_is_off() -> None:
    async with client(Inspector()) as browser:
        assert (await browser.get("/")).status_code == 403


async def sync_or_async(request: Request) -> bool:
    return request.headers.get("x-admin") == "yes"


GUARDS: list[Guard] = [
    sync_or_async,
    lambda request: request.headers.get("x-admin") == "yes",
    lambda request: sync_or_async(request),
]


@pytest.mark.parametrize("path", SHOWN)
@pytest.mark.parametrize("guard", GUARDS)
async def test_a_guard_is_asked_at_every_request(guard: Guard, path: str) -> None:
    async with client(mounted(guard=guard)) as browser:
        refused = await browser.get(f"/signals{path}")
        shown = await browser.get(f"/signals{path}", headers={"x-admin": "yes"})
        again = await browser.get(f"/signals{path}")

    assert [refused.status_code, again.status_code] == [403, 403]
    assert "The inspector is closed to you" in refused.text
    assert shown.status_code in (200, 404)


async def test_a_guard_that_refuses_is_not_overruled_by_debug() -> None:
    assert await status(mounted(debug=True, guard=lambda _: False)) == 403


def logged(caplog: pytest.LogCaptureFixture) -> logging.LogRecord:
    """Return the only record of this library; the client may log its requests."""
    [record] = [each for each in caplog.records if each.name == "fastdjango_signals"]
    return record


@pytest.mark.parametrize("answer", [1, "yes", None, object()])
async def test_an_answer_that_is_no_bool_refuses_and_is_logged(
    answer: Any, caplog: pytest.LogCaptureFixture
) -> None:
    assert await status(mounted(guard=lambda _: answer)) == 403
    message = logged(caplog).message
    assert message.endswith("return True or False")
    assert type(answer).__qualname__ in message


async def test_a_guard_that_fails_refuses_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    def broken(request: Request) -> bool:
        raise LookupError("no session")

    assert await status(mounted(debug=True, guard=broken), "/signals.json") == 403
    record = logged(caplog)
    assert record.message == "The guard of the inspector failed, which refuses the request"
    assert record.exc_info is not None


async def test_a_websocket_is_closed() -> None:
    sent = []

    async def send(message: Any) -> None:
        sent.append(message)

    await Inspector()({"type": "websocket", "path": "/"}, None, send)  # type: ignore[arg-type]
    assert sent == [{"type": "websocket.close"}]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"guard": True}, "the guard of an Inspector is <bool object>"),
        ({"show_values": "no"}, "show_values of an Inspector is 'no'; give True or False"),
        ({"keep": 0}, "keep of an Inspector is <int object>; give a number from 1"),
        ({"watchers": "many"}, "watchers of an Inspector is 'many'; give a number from 1"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(SignalOptionError) as raised:
        Inspector(**options)
    assert words in str(raised.value).replace("builtins.", "")
