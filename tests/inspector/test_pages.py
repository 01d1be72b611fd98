"""What the inspector answers, and what its headers forbid."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import os
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import httpx
import pytest
from fastapi import FastAPI
from litestar import Litestar, asgi
from pydantic import Field
from starlette.applications import Starlette
from starlette.routing import Mount

import fastdjango_signals
from fastdjango_signals import Payload, Signal
from fastdjango_signals.inspector import Inspector
from tests.inspector.test_access import PATHS, SHOWN, client, mounted

STATIC = Path(fastdjango_signals.__file__).parent / "inspector" / "static"
SVG = "{http://www.w3.org/2000/svg}"


class Ordered(Payload):
    order_id: int
    note: str = "secret default"


async def get(path: str, app: Any = None) -> httpx.Response:
    async with client(app or mounted(debug=True)) as browser:
        return await browser.get(path)


# --- headers -----------------------------------------------------------------


@pytest.mark.parametrize("debug", [True, False])
@pytest.mark.parametrize("path", SHOWN)
async def test_every_answer_forbids_what_the_page_does_not_need(path: str, debug: bool) -> None:
    async with client(mounted(debug=debug)) as browser:
        answer = await browser.get(f"/signals{path}")
    policy = dict(
        each.strip().split(" ", 1) for each in answer.headers["content-security-policy"].split(";")
    )
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == policy["form-action"] == "'none'"
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("path", PATHS)
async def test_it_can_only_be_looked_at(path: str, method: str) -> None:
    async with client(mounted(debug=True)) as browser:
        answer = await browser.request(method, f"/signals{path}")
    allowed = "GET" if path == "/events" else "GET, HEAD"
    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)


async def test_the_style_of_the_graph_is_allowed_by_its_hash() -> None:
    answer = await get("/signals/graph.svg")

    assert answer.headers["content-type"] == "image/svg+xml"
    style = ET.fromstring(answer.text).findtext(f"{SVG}style")
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in answer.headers["content-security-policy"]


# --- the page ----------------------------------------------------------------


async def test_nothing_on_the_page_comes_from_elsewhere_or_from_the_root() -> None:
    html = (await get("/signals/")).text
    addresses = re.findall(r'(?:src|href)="([^"#]+)', html)

    assert "static/app.js" in addresses
    for address in addresses:
        assert (await get(f"/signals/{address}")).status_code == 200
    for path in STATIC.iterdir():
        text = path.read_text()
        assert not re.findall(r"(?<!xmlns=\")https?://", text), path
        assert not re.findall(r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(", text)
        for imported in re.findall(r'from "(.+?)"', text):
            assert (STATIC / imported).is_file()


async def test_the_page_has_no_script_and_no_style_in_its_markup() -> None:
    for each in STATIC.glob("*.html"):
        html = each.read_text()
        assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", html), each


async def test_the_files_of_the_page_have_their_types() -> None:
    for name, kind in [("app.js", "text/javascript"), ("style.css", "text/css")]:
        answer = await get(f"/signals/static/{name}")
        assert answer.headers["content-type"] == f"{kind}; charset=utf-8"


@pytest.mark.parametrize(
    "path",
    [
        "/nowhere",
        "/static/",
        "/static/nothing.js",
        "/static/off.html",
        "/static/../application.py",
        "/static/%2e%2e/application.py",
        "/static/..%2fapplication.py",
        "/app.js",
    ],
)
async def test_what_is_not_there_is_not_found(path: str) -> None:
    assert (await get(f"/signals{path}")).status_code == 404


@pytest.mark.parametrize("root", ["", "/proxy", "/a/b"])
@pytest.mark.parametrize("prefix", ["/signals", "/admin/live/signals"])
async def test_it_works_under_any_prefix_with_and_without_a_slash(root: str, prefix: str) -> None:
    app = FastAPI(debug=True)
    app.mount(prefix, Inspector())

    async with client(app, root_path=root) as browser:
        answer = await browser.get(f"{root}{prefix}", follow_redirects=True)
        assert answer.status_code == 200
        assert answer.url.path == f"{root}{prefix}/"
        assert (await browser.get(answer.url.join("static/app.js"))).status_code == 200
        assert (await browser.get(answer.url.join("signals.json"))).status_code == 200


async def test_one_that_is_given_no_slash_sends_to_where_it_is() -> None:
    inspector = Inspector(guard=lambda _: True)

    async def below(scope: Any, receive: Any, send: Any) -> None:
        await inspector({**scope, "root_path": "/proxy/signals"}, receive, send)

    async with client(below) as browser:
        answer = await browser.get("/proxy/signals")
        assert (answer.status_code, answer.headers["location"]) == (307, "signals/")
        assert (await browser.get("/proxy/signals", follow_redirects=True)).status_code == 200
        assert (await browser.get("/elsewhere")).status_code == 404


async def test_it_works_under_litestar() -> None:
    inspector = Inspector()

    async def below(scope: Any, receive: Any, send: Any) -> None:
        await inspector(scope, receive, send)

    route = asgi("/signals", is_mount=True, copy_scope=True)(below)
    # Litestar would set up the root logger, for all tests that come after.
    app: Any = Litestar([route], debug=True, logging_config=None)
    async with client(app) as browser:
        answer = await browser.get("/signals", follow_redirects=True)
        assert (answer.status_code, answer.url.path) == (200, "/signals/")
        for path in ("static/app.js", "signals.json", "graph.svg"):
            assert (await browser.get(answer.url.join(path))).status_code == 200
        assert (await browser.get("/signals/nowhere")).status_code == 404
        app.debug = False
        assert (await browser.get("/signals/")).status_code == 403


async def test_it_can_be_served_alone_with_its_lifespan() -> None:
    received = iter(["lifespan.startup", "lifespan.shutdown"])
    sent: list[str] = []

    async def receive() -> Any:
        return {"type": next(received)}

    async def send(message: Any) -> None:
        sent.append(message["type"])

    await Inspector()({"type": "lifespan"}, receive, send)
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


# --- the data ----------------------------------------------------------------


async def test_the_signals_are_told_with_fields_schema_and_receivers() -> None:
    ordered = Signal(Ordered, name="inspected.ordered")

    @ordered.connect(sender="till 4", priority=3, on_commit=True)
    async def pack(sender: object, payload: Ordered) -> None: ...

    told = (await get("/signals/signals.json")).json()

    assert told["process"] == os.getpid()
    assert (told["show_values"], told["keep"]) == (False, 200)
    (signal,) = [each for each in told["signals"] if each["name"] == "inspected.ordered"]
    assert signal["fields"] == [
        {"name": "order_id", "type": "int", "required": True},
        {"name": "note", "type": "str", "required": False},
    ]
    assert signal["schema"]["properties"]["order_id"]["type"] == "integer"
    (receiver,) = signal["receivers"]
    assert re.fullmatch(r"tests/inspector/test_pages\.py:\d+", receiver.pop("location"))
    assert receiver.pop("name").endswith("pack")
    assert receiver == {
        "order": 1,
        "sender": "'till 4'",
        "weak": True,
        "priority": 3,
        "dispatch_uid": None,
        "on_commit": True,
        "subclasses": False,
        "takes_payload": True,
    }
    assert "secret default" not in json.dumps(told)


async def test_a_payload_without_a_schema_is_told_with_the_reason() -> None:
    class Unfinished(Payload):
        other: "Nowhere"  # type: ignore[name-defined]  # noqa: F821, UP037

    signal = Signal(Unfinished, name="inspected.unfinished")

    told = (await get("/signals/signals.json")).json()["signals"]
    (found,) = [each for each in told if each["name"] == signal.name]
    assert found["schema"] is None
    assert "model_rebuild()" in found["schema_problem"]


async def test_the_graph_can_be_that_of_some_signals() -> None:
    signals = [Signal(Ordered, name=name) for name in ("drawn.a", "drawn.b & <c>", "drawn.d")]

    answer = await get("/signals/graph.svg?signal=drawn.a&signal=drawn.b%20%26%20%3Cc%3E")

    texts = [each.text for each in ET.fromstring(answer.text).iter(f"{SVG}text")]
    assert texts == [signals[0].name, signals[1].name]
    everything = ET.fromstring((await get("/signals/graph.svg")).text)
    assert "drawn.d" in [each.text for each in everything.iter(f"{SVG}text")]


async def test_before_anybody_has_watched_no_sends_are_told() -> None:
    app = Starlette(debug=True, routes=[Mount("/signals", Inspector(keep=7))])
    assert (await get("/signals/sends.json", app)).json() == {
        "process": os.getpid(),
        "show_values": False,
        "keep": 7,
        "sends": [],
    }


async def test_an_odd_signal_takes_no_view_away() -> None:
    class Odd(Payload):
        half: float = Field(0.5, examples=[math.nan, math.inf], description="lone \ud800")

    odd = Signal(Odd, name="odd.\ud800")
    signals = (await get("/signals/signals.json")).json()["signals"]

    [told] = [each for each in signals if each["name"] == odd.name]
    assert told["schema"]["properties"]["half"]["examples"] == [None, None]
    assert (await get("/signals/graph.svg")).status_code == 200
