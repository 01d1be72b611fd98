"""The stream of events that a page watches: server-sent events."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress
from time import monotonic
from typing import Any

from starlette.types import Receive, Send

from fastdjango_signals.inspector.feeds import Feed, Watcher

_TOGETHER = 0.05  # seconds in which what happens is sent together
_LOOKS = 0.5  # seconds between two looks whether the server stops
_PATIENCE = 30.0  # seconds for a client to take what it is sent
_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"x-accel-buffering", b"no"),  # nginx would hold events back
]


class Stream:
    """Events for one page, until it leaves, may not watch any more, or the server stops.

    Args:
        feed: Where they come from.
        watcher: Who watches.
        hello: What the first event says.
        may_stay: Says, at each heartbeat, whether it may go on.
        heartbeat: Seconds between two times that it is asked whether this may go on, and that
            something is sent, so that it is found out whether anybody is there.
    """

    def __init__(
        self,
        feed: Feed,
        watcher: Watcher,
        hello: dict[str, Any],
        may_stay: Callable[[], Awaitable[bool]],
        *,
        heartbeat: float,
    ) -> None:
        self._feed = feed
        self._watcher = watcher
        self._hello = hello
        self._may_stay = may_stay
        self._heartbeat = heartbeat

    async def serve(self, receive: Receive, send: Send) -> None:
        """Send events."""
        left = asyncio.create_task(_left(receive))
        left.add_done_callback(lambda _: self._watcher.wake())
        try:
            with suppress(OSError, TimeoutError):  # nobody is there, or takes anything
                await self._serve(left, send)
        finally:
            left.cancel()
            await asyncio.wait([left])

    async def _serve(self, left: asyncio.Task[None], send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": list(_HEADERS)})
        await _send(send, f"retry: 2000\nevent: hello\ndata: {json.dumps(self._hello)}\n\n")
        asked = monotonic()
        may_stay = True
        while may_stay and not (left.done() or _server_stops()):
            events = self._feed.take(self._watcher)
            if monotonic() - asked >= self._heartbeat:
                may_stay = await self._may_stay()
                asked = monotonic()
                events = (events or ": still here\n\n") if may_stay else ""
            if events:
                await _send(send, events)
                await asyncio.sleep(_TOGETHER)
            else:
                await self._watcher.wait(min(_LOOKS, self._heartbeat))
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _send(send: Send, text: str) -> None:
    async with asyncio.timeout(_PATIENCE):
        await send({"type": "http.response.body", "body": text.encode(), "more_body": True})


def _server_stops() -> bool:
    """Return whether uvicorn is about to stop. It waits for streams, and tells them nothing."""
    handler = signal.getsignal(signal.SIGTERM)
    return getattr(getattr(handler, "__self__", None), "should_exit", False) is True
