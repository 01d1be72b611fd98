"""`Inspector`: the page that shows the signals of a process, and what is sent, live."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any
from urllib.parse import parse_qs, quote

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from fastdjango_signals.exceptions import SignalOptionError
from fastdjango_signals.inspector import access
from fastdjango_signals.inspector.audience import Audience
from fastdjango_signals.inspector.descriptions import (
    describe_process,
    describe_signals,
    draw_signals,
)
from fastdjango_signals.inspector.feeds import Feed
from fastdjango_signals.inspector.files import json_response, page, part_of_page, shut
from fastdjango_signals.inspector.recorder import Recorder
from fastdjango_signals.inspector.streams import Stream
from fastdjango_signals.places import name_of

_HEARTBEAT = 15.0  # seconds
_STATIC = "/static/"
_GRAPH = "/graph.svg"
_EVENTS = "/events"


class Inspector:
    """An ASGI application that shows the signals of this process: `app.mount("/signals", ...)`.

    It is closed, unless a guard opens it or the application that it is mounted on is in debug.
    While no page watches, it observes nothing and costs nothing. Needs asyncio.

    Args:
        guard: Asked at each request whether it may be answered; sync or async.
        show_values: Show the values that signals carry, and the messages of exceptions, which
            may hold such values. Names and types are shown in any case.
        keep: How many sends to keep, and to show.
        watchers: How many pages may watch at a time.

    Raises:
        SignalOptionError: An option makes no sense.
    """

    def __init__(
        self,
        *,
        guard: access.Guard | None = None,
        show_values: bool = False,
        keep: int = 200,
        watchers: int = 20,
    ) -> None:
        _check(guard, show_values, keep=keep, watchers=watchers)
        self._guard = guard
        self._show_values = show_values
        self._heartbeat = _HEARTBEAT
        self._feed = Feed(keep)
        self._audience = Audience(Recorder(self._feed, show_values=show_values), watchers)
        self._pages: Mapping[str, Callable[[Scope], Awaitable[Response]]] = {
            "/": self._index,
            "/signals.json": self._signals,
            "/sends.json": self._sends,
            _GRAPH: self._graph,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] == "lifespan":  # it is served alone
            await _live(receive, send)
        elif scope["type"] == "http":
            path = _path_below(scope)
            await self._serve(path, scope, receive, shut(send, is_drawing=path == _GRAPH))
        else:
            await send({"type": "websocket.close"})

    async def _serve(self, path: str, scope: Scope, receive: Receive, send: Send) -> None:
        methods = ("GET",) if path == _EVENTS else ("GET", "HEAD")
        if not await access.may_enter(self._guard, scope):
            response = page("off" if self._guard is None else "refused", status=403)
        elif scope["method"] not in methods:
            headers = {"Allow": ", ".join(methods)}
            response = PlainTextResponse("only reading", status_code=405, headers=headers)
        elif path == _EVENTS:
            await self._watch(scope, receive, send)
            return
        else:
            response = await self._answer(path, scope)
        await response(scope, receive, send)

    async def _answer(self, path: str, scope: Scope) -> Response:
        if not path:
            # The addresses on the page are relative, so that its own has to end in a slash.
            last = _path_asked_for(scope).rpartition("/")[2]
            return Response(status_code=307, headers={"Location": f"{last}/"})
        if path in self._pages:
            return await self._pages[path](scope)
        name = path.removeprefix(_STATIC)
        found = None if name == path else part_of_page(name)
        return found or PlainTextResponse("there is no such page", status_code=404)

    async def _watch(self, scope: Scope, receive: Receive, send: Send) -> None:
        watcher = self._audience.join(Headers(scope=scope).get("last-event-id", ""))
        if watcher is None:
            full = PlainTextResponse("as many pages watch as may", status_code=503)
            await full(scope, receive, send)
            return
        hello = self._process() | {"epoch": self._feed.epoch}
        may_stay = partial(access.may_enter, self._guard, scope)
        stream = Stream(self._feed, watcher, hello, may_stay, heartbeat=self._heartbeat)
        try:
            await stream.serve(receive, send)
        finally:
            self._audience.leave(watcher)

    async def _index(self, _: Scope) -> Response:
        return page("index")

    async def _signals(self, _: Scope) -> Response:
        # In a thread: the schemas of many signals take a while.
        signals = await asyncio.to_thread(describe_signals)
        return json_response(self._process() | {"signals": signals})

    async def _sends(self, _: Scope) -> Response:
        return json_response(self._process() | {"sends": self._feed.latest()})

    async def _graph(self, scope: Scope) -> Response:
        chosen = parse_qs(scope["query_string"].decode("latin-1")).get("signal", ())
        drawn = await asyncio.to_thread(draw_signals, frozenset(chosen))
        return Response(drawn, media_type="image/svg+xml")

    def _process(self) -> dict[str, Any]:
        return describe_process(show_values=self._show_values, keep=self._feed.keep)


def _path_below(scope: Scope) -> str:
    """Return the path below that on which the inspector is mounted; "" for that itself.

    Starlette leaves the path whole and says what its root is. Litestar takes the root away, and
    ends every path in a slash.
    """
    path: str = scope["path"]
    root: str = scope.get("root_path", "")
    if path == root:
        return ""
    below = path.removeprefix(root) if path.startswith(f"{root}/") else path
    if below == "/" and not _path_asked_for(scope).endswith("/"):
        return ""
    return below.rstrip("/") or "/"


def _path_asked_for(scope: Scope) -> str:
    raw: bytes | None = scope.get("raw_path")
    return quote(scope["path"]) if raw is None else raw.partition(b"?")[0].decode("latin-1")


async def _live(receive: Receive, send: Send) -> None:
    """Begin and end with the server; there is nothing to prepare."""
    for moment in ("startup", "shutdown"):
        await receive()
        await send({"type": f"lifespan.{moment}.complete"})


def _check(guard: object, show_values: object, **numbers: object) -> None:
    if guard is not None and not callable(guard):
        raise SignalOptionError(
            f"the guard of an Inspector is {name_of(guard)}; give a function that takes a request "
            "and returns True or False"
        )
    if not isinstance(show_values, bool):
        raise SignalOptionError(
            f"show_values of an Inspector is {name_of(show_values)}; give True or False"
        )
    for name, number in numbers.items():
        if not isinstance(number, int) or number < 1:
            raise SignalOptionError(
                f"{name} of an Inspector is {name_of(number)}; give a number from 1"
            )
