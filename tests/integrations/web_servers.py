"""Real web servers for the tests: each runs in a process, with an application of each framework.

The process is `python -m tests.integrations.web_servers uvicorn 8001 8002 8003 8004`, with a port
for each framework. It ends with its input.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from granian.constants import Interfaces
from granian.server.embed import Server as Granian

from fastdjango_signals import request_finished, request_started
from fastdjango_signals.integrations.asgi import ASGIApp, Scope, SignalMiddleware, current_scope
from tests.integrations.applications.shared import NOTES, note

FRAMEWORKS = ("starlette", "fastapi", "litestar", "django")

PATIENCE = 10.0
"""Seconds to wait for what should take none."""


@dataclass(frozen=True)
class WebServer:
    """A server that runs; each framework has a port of it."""

    ports: dict[str, int]
    notes: Path

    def events(self, request: str) -> list[dict[str, Any]]:
        """Return what is noted of a request so far."""
        noted = map(json.loads, self.notes.read_text(encoding="utf-8").splitlines())
        return [event for of, event in noted if of == request]

    def history(self, request: str) -> list[dict[str, Any]]:
        """Return what is noted of a request that is finished."""
        deadline = time.monotonic() + PATIENCE
        while "finished" not in [each["event"] for each in self.events(request)]:
            if time.monotonic() > deadline:
                pytest.fail(f"not finished after {PATIENCE} seconds: {self.events(request)}")
            time.sleep(0.005)
        time.sleep(0.02)  # for what should not follow
        return self.events(request)


@contextmanager
def running(name: str, folder: Path) -> Iterator[WebServer]:
    """Run a server, and end it."""
    notes = folder / f"{name}.jsonl"
    notes.touch()
    ports = dict(zip(FRAMEWORKS, free_ports(len(FRAMEWORKS)), strict=True))
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.integrations.web_servers", name, *map(str, ports.values())],
        cwd=Path(__file__).parents[2],
        env={**os.environ, NOTES: str(notes)},
        stdin=subprocess.PIPE,
    )
    with process:
        try:
            for port in ports.values():
                wait_for(port, process)
            yield WebServer(ports, notes)
            process.communicate(timeout=PATIENCE)
        finally:
            process.kill()  # which does nothing to one that has ended


def free_ports(count: int) -> list[int]:
    """Return ports on which nothing listens."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until the process listens on this port."""
    deadline = time.monotonic() + 3 * PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        with suppress(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port)).close()
            return
        time.sleep(0.02)
    pytest.fail(f"the server does not listen; its exit code is {process.poll()}")


def noted(app: ASGIApp) -> ASGIApp:
    """Wrap an application, and note the signals of its requests."""

    @request_started.connect(sender=app, weak=False)
    async def started(sender: object, scope: Scope, **_: object) -> None:
        note(scope, "started", current=current_scope() is scope)

    @request_finished.connect(sender=app, weak=False)
    async def finished(
        sender: object,
        scope: Scope,
        status: int | None = None,
        exception: BaseException | None = None,
    ) -> None:
        await asyncio.sleep(0)
        raised = None if exception is None else type(exception).__name__
        note(scope, "finished", status=status, exception=raised)

    return SignalMiddleware(app, websocket=True)


@asynccontextmanager
async def serving_uvicorn(app: ASGIApp, port: int) -> AsyncIterator[None]:
    """Serve on this port with uvicorn."""
    config = uvicorn.Config(app, host="127.0.0.1", port=port, log_level="critical")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    yield
    server.should_exit = True
    await serving


@asynccontextmanager
async def serving_granian(app: ASGIApp, port: int) -> AsyncIterator[None]:
    """Serve on this port with Granian."""
    server = Granian(app, port=port, interface=Interfaces.ASGI, log_enabled=False)
    serving = asyncio.create_task(server.serve())
    yield
    server.stop()
    await serving


async def main(name: str, ports: list[int]) -> None:
    """Serve the applications of all frameworks until the input ends."""
    serving = {"uvicorn": serving_uvicorn, "granian": serving_granian}[name]
    async with AsyncExitStack() as stack:
        for framework, port in zip(FRAMEWORKS, ports, strict=True):
            module = importlib.import_module(f"tests.integrations.applications.{framework}")
            await stack.enter_async_context(serving(noted(module.app), port))
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], list(map(int, sys.argv[2:]))))
