"""A real server, and who watches its inspector."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import httpx
import pytest
import uvicorn
from starlette.types import ASGIApp

from fastdjango_signals import observations

PATIENCE = 10.0
"""Seconds to wait for what should take none."""


@contextmanager
def serving(app: ASGIApp, port: int = 0) -> Iterator[str]:
    """Serve an application in a thread, which has a loop of its own; gives its address."""
    with socket.create_server(("127.0.0.1", port)) as listener:
        config = uvicorn.Config(app, log_level="critical", timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            wait_until(lambda: server.started)
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(PATIENCE)
    assert not thread.is_alive()


def wait_until(holds: Callable[[], bool]) -> None:
    """Wait until something holds; for threads."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > deadline:
            pytest.fail(f"it did not come true in {PATIENCE} seconds")
        time.sleep(0.005)


async def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    await asyncio.to_thread(wait_until, holds)


def nobody_observes() -> bool:
    return observations.observers == ()


class Page:
    """Somebody who watches."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self.last_id = ""
        self._lines = response.aiter_lines()

    async def next(self, kind: str = "send") -> Any:
        """Return what the next event of this kind says."""
        async with asyncio.timeout(PATIENCE):
            while True:
                event = await self._event()
                if event.get("event") == kind:
                    return json.loads(event["data"])

    async def settled(self, signal: str) -> Any:
        """Return the next send of this signal that is over."""
        while True:
            send = await self.next()
            if send["signal"] == signal and send["state"] != "running":
                return send

    async def comment(self) -> str:
        """Return the next comment."""
        async with asyncio.timeout(PATIENCE):
            async for line in self._lines:
                if line.startswith(":"):
                    return line
        raise AssertionError("the stream has ended")

    async def ended(self) -> bool:
        """Wait for the end of the stream."""
        async with asyncio.timeout(PATIENCE):
            async for _ in self._lines:
                pass
        return True

    async def _event(self) -> dict[str, str]:
        event: dict[str, str] = {}
        async for line in self._lines:
            if not line and event:
                self.last_id = event.get("id", self.last_id)
                return event
            name, _, value = line.partition(": ")
            if name:
                event[name] = value
        raise AssertionError("the stream has ended")


@asynccontextmanager
async def watching(address: str, last_id: str = "") -> AsyncIterator[Page]:
    """Watch the inspector at this address."""
    headers = {"Last-Event-ID": last_id} if last_id else {}
    async with (
        httpx.AsyncClient(timeout=PATIENCE) as client,
        client.stream("GET", f"{address}/events", headers=headers) as response,
    ):
        yield Page(response)
