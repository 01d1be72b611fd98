"""The live feed, over real sockets: the server's loop is in another thread than the sends."""

from __future__ import annotations

import asyncio
import signal as signals
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from fastdjango_signals import Payload, Signal, observations
from fastdjango_signals.inspector import Inspector, application, streams
from tests.inspector.live import nobody_observes, serving, until, watching


class Ping(Payload):
    x: int = 0


ping = Signal(Ping, name="live.ping")


@ping.connect
async def pong(sender: object, payload: Ping) -> None:
    if payload.x < 0:
        raise LookupError


@pytest.fixture
def address() -> Iterator[str]:
    app = FastAPI(debug=True)
    app.mount("/signals", Inspector(watchers=3))
    app.mount("/other", Inspector(guard=lambda _: True))
    with serving(app) as root:
        yield f"{root}/signals"


async def test_a_send_is_shown_as_it_happens(address: str) -> None:
    async with watching(address) as page:
        hello = await page.next("hello")
        await ping.send("till 4", x=1)
        send = await page.settled("live.ping")

    assert page.response.headers["content-type"].startswith("text/event-stream")
    assert page.response.headers["x-accel-buffering"] == "no"
    assert "script-src 'self'" in page.response.headers["content-security-policy"]
    assert set(hello) == {"process", "show_values", "keep", "epoch"}
    assert (send["sender"], send["state"]) == ("'till 4'", "done")
    assert send["calls"][0]["name"].endswith("pong")


async def test_while_nobody_watches_nothing_is_observed(address: str) -> None:
    assert nobody_observes()
    assert not ping.watch.used
    async with watching(address) as page:
        await page.next("hello")
        assert len(observations.observers) == 1
        async with watching(address) as second:
            await second.next("hello")
            assert len(observations.observers) == 1
        await asyncio.sleep(0.1)
        assert len(observations.observers) == 1

    await until(nobody_observes)  # though nothing has been sent
    assert not ping.watch.used
    await ping.send("nobody sees this")
    async with httpx.AsyncClient() as client:
        assert (await client.get(f"{address}/sends.json")).json()["sends"] == []


async def test_what_was_seen_is_there_for_who_comes_next_and_can_be_asked_for(
    address: str,
) -> None:
    async with watching(address) as page:
        await page.next("hello")
        await ping.send("first")
        await page.settled("live.ping")
    await until(nobody_observes)
    async with watching(address) as page:
        assert (await page.next())["sender"] == "'first'"
    async with httpx.AsyncClient() as client:
        kept = (await client.get(f"{address}/sends.json")).json()["sends"]
    assert [each["sender"] for each in kept] == ["'first'"]


async def test_who_comes_back_is_shown_what_is_new(address: str) -> None:
    async with watching(address) as staying, watching(address) as page:
        await staying.next("hello")
        await ping.send("first")
        await page.settled("live.ping")
        await ping.send("second")
        async with watching(address, page.last_id) as again:
            assert (await again.next())["sender"] == "'second'"


async def test_several_inspectors_do_not_disturb_one_another(address: str) -> None:
    async with (
        watching(address) as one,
        watching(address.replace("signals", "other")) as other,
    ):
        assert (await one.next("hello"))["epoch"] != (await other.next("hello"))["epoch"]
        await ping.send("till 4")
        assert (await one.settled("live.ping"))["sender"] == "'till 4'"
        assert (await other.settled("live.ping"))["sender"] == "'till 4'"


async def test_sends_of_several_loops_are_shown(address: str) -> None:
    def in_another_thread() -> None:
        asyncio.run(ping.send("thread"))

    async with watching(address) as page:
        await page.next("hello")
        await asyncio.gather(asyncio.to_thread(in_another_thread), ping.send("test"))
        senders = {(await page.settled("live.ping"))["sender"] for _ in range(2)}

    assert senders == {"'thread'", "'test'"}


async def test_only_so_many_may_watch(address: str) -> None:
    async with AsyncExitStack() as stack:
        pages = [await stack.enter_async_context(watching(address)) for _ in range(3)]
        for page in pages:
            await page.next("hello")
        async with watching(address) as page:
            assert page.response.status_code == 503
    await until(nobody_observes)
    async with watching(address) as page:
        assert page.response.status_code == 200


async def test_silence_is_broken_and_the_guard_is_asked_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(application, "_HEARTBEAT", 0.05)
    may_enter = True
    app = FastAPI()
    app.mount("/signals", Inspector(guard=lambda _: may_enter))

    with serving(app) as root:
        async with watching(f"{root}/signals") as page:
            assert await page.comment() == ": still here"
            may_enter = False
            assert await page.ended()
        async with watching(f"{root}/signals") as page:
            assert page.response.status_code == 403
    assert nobody_observes()


async def test_many_sends_at_once_are_all_shown_and_the_ring_is_bounded(address: str) -> None:
    async with watching(address) as page:
        await page.next("hello")
        for number in range(150):
            await ping.send(str(number))
        for number in range(150):
            assert (await page.settled("live.ping"))["sender"] == f"'{number}'"


# --- clients that misbehave, and servers that stop ---------------------------


def stream_of(inspector: Inspector, receive: Any, send: Any) -> Any:
    scope = {"type": "http", "method": "GET", "path": "/events", "headers": []}
    return inspector(scope, receive, send)


async def quiet() -> Any:
    await asyncio.sleep(60)


async def test_a_client_that_takes_nothing_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "_PATIENCE", 0.01)

    async def stuck(message: Any) -> None:
        if message["type"] == "http.response.body":
            await asyncio.sleep(60)

    async with asyncio.timeout(5):
        await stream_of(Inspector(guard=lambda _: True), quiet, stuck)


async def test_a_client_that_is_gone_is_let_go() -> None:
    async def broken(message: Any) -> None:
        raise OSError("gone")

    async with asyncio.timeout(5):
        await stream_of(Inspector(guard=lambda _: True), quiet, broken)


async def test_a_stream_that_is_cancelled_leaves_nothing_behind() -> None:
    async def taken(message: Any) -> None: ...

    inspector = Inspector(guard=lambda _: True)
    task = asyncio.create_task(stream_of(inspector, quiet, taken))
    await until(lambda: len(observations.observers) == 1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert nobody_observes()


PROGRAM = """
from fastapi import FastAPI
from fastdjango_signals.inspector import Inspector
app = FastAPI(debug=True)
app.mount("/signals", Inspector())
"""


@contextmanager
def program(folder: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Run uvicorn in a process of its own; gives its address."""
    (folder / "program.py").write_text(PROGRAM, encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        command = ["-m", "uvicorn", "program:app", "--log-level", "warning"]
        process = subprocess.Popen(
            [sys.executable, *command, "--fd", str(listener.fileno())],
            cwd=folder,
            pass_fds=[listener.fileno()],
        )
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}", process
        finally:
            process.kill()
            process.wait(10)


@pytest.mark.skipif(sys.platform == "win32", reason="sends a signal of POSIX")
async def test_a_page_that_watches_does_not_keep_uvicorn_from_stopping(tmp_path: Path) -> None:
    with program(tmp_path) as (root, process):
        async with watching(f"{root}/signals") as page:
            await page.next("hello")
            asked = time.monotonic()
            process.send_signal(signals.SIGTERM)
            assert await page.ended()
            assert await asyncio.to_thread(process.wait, 10) in (0, -signals.SIGTERM)
        assert time.monotonic() - asked < 5
