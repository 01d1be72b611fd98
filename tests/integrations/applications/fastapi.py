"""The routes in FastAPI."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import BackgroundTasks, FastAPI, Request, WebSocket
from fastapi.responses import StreamingResponse

from tests.integrations.applications.shared import chunks, endless, nap, note, task


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    note({"query_string": b"id=fastapi"}, "up")
    yield
    note({"query_string": b"id=fastapi"}, "down")


app = FastAPI(lifespan=lifespan)


@app.get("/ok")
async def ok() -> str:
    return "ok"


@app.get("/error")
async def error() -> None:
    raise ValueError("no")


@app.get("/stream")
async def stream(request: Request) -> StreamingResponse:
    return StreamingResponse(chunks(request.scope))


@app.get("/background")
async def background(request: Request, tasks: BackgroundTasks) -> str:
    tasks.add_task(task, request.scope)
    return "ok"


@app.get("/forever")
async def forever() -> StreamingResponse:
    return StreamingResponse(endless())


@app.get("/slow")
async def slow(request: Request) -> str:
    await nap(request.scope)
    return "ok"


@app.websocket("/echo")
async def echo(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_text(await socket.receive_text())
    await socket.close()


@app.websocket("/refuse")
async def refuse(socket: WebSocket) -> None:
    await socket.close()
