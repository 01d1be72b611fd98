"""The routes in Starlette."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from tests.integrations.applications.shared import chunks, endless, nap, note, task


@asynccontextmanager
async def lifespan(_: Starlette) -> AsyncIterator[None]:
    note({"query_string": b"id=starlette"}, "up")
    yield
    note({"query_string": b"id=starlette"}, "down")


async def ok(_: Request) -> PlainTextResponse:
    return PlainTextResponse("ok")


async def error(_: Request) -> PlainTextResponse:
    raise ValueError("no")


async def stream(request: Request) -> StreamingResponse:
    return StreamingResponse(chunks(request.scope))


async def background(request: Request) -> PlainTextResponse:
    return PlainTextResponse("ok", background=BackgroundTask(task, request.scope))


async def forever(_: Request) -> StreamingResponse:
    return StreamingResponse(endless())


async def slow(request: Request) -> PlainTextResponse:
    await nap(request.scope)
    return PlainTextResponse("ok")


async def echo(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_text(await socket.receive_text())
    await socket.close()


async def refuse(socket: WebSocket) -> None:
    await socket.close()


app = Starlette(
    routes=[
        *(
            Route(f"/{endpoint.__name__}", endpoint)
            for endpoint in (ok, error, stream, background, forever, slow)
        ),
        WebSocketRoute("/echo", echo),
        WebSocketRoute("/refuse", refuse),
    ],
    lifespan=lifespan,
)
