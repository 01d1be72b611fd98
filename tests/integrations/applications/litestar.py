"""The routes in Litestar."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from litestar import Litestar, Request, Response, WebSocket, get, websocket
from litestar.background_tasks import BackgroundTask
from litestar.response import Stream

from tests.integrations.applications.shared import chunks, endless, nap, note, task


@asynccontextmanager
async def lifespan(_: Litestar) -> AsyncIterator[None]:
    note({"query_string": b"id=litestar"}, "up")
    yield
    note({"query_string": b"id=litestar"}, "down")


@get("/ok")
async def ok() -> str:
    return "ok"


@get("/error")
async def error() -> None:
    raise ValueError("no")


@get("/stream")
async def stream(request: Request[Any, Any, Any]) -> Stream:
    return Stream(chunks(request.scope))


@get("/background")
async def background(request: Request[Any, Any, Any]) -> Response[str]:
    return Response("ok", background=BackgroundTask(task, request.scope))


@get("/forever")
async def forever() -> Stream:
    return Stream(endless())


@get("/slow")
async def slow(request: Request[Any, Any, Any]) -> str:
    await nap(request.scope)
    return "ok"


@websocket("/echo")
async def echo(socket: WebSocket[Any, Any, Any]) -> None:
    await socket.accept()
    await socket.send_text(await socket.receive_text())
    await socket.close()


@websocket("/refuse")
async def refuse(socket: WebSocket[Any, Any, Any]) -> None:
    await socket.close()


app = Litestar(
    route_handlers=[ok, error, stream, background, forever, slow, echo, refuse],
    lifespan=[lifespan],
    openapi_config=None,
)
