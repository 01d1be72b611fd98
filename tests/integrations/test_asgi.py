from __future__ import annotations

import asyncio
import contextvars
import gc
import logging
import weakref
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import BackgroundTasks, FastAPI
from fastapi.responses import StreamingResponse

from fastdjango_signals import request_finished, request_started
from fastdjango_signals.integrations.asgi import SignalMiddleware, current_scope
from tests.integrations.receiving import names

REQUEST = (request_started, request_finished)


def scope_of(kind: str = "http") -> dict[str, Any]:
    return {"type": kind, "method": "GET", "path": "/"}


async def receive() -> dict[str, Any]:
    return {"type": "http.disconnect"}


async def send(message: Any) -> None:
    pass


async def answer(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


@asynccontextmanager
async def served(app: Any, **options: Any) -> AsyncIterator[str]:
    """Serve on a real socket; gives the address."""
    server = uvicorn.Server(
        uvicorn.Config(app, host="127.0.0.1", port=0, log_level="critical", ws="none", **options)
    )
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await task


class TestARequest:
    async def test_a_scope_that_is_used_again_is_another_request(self, listen):
        heard = listen(*REQUEST)
        app, scope = SignalMiddleware(answer), scope_of()
        await app(scope, receive, send)
        await app(scope, receive, send)
        assert names(heard) == ["request_started", "request_finished"] * 2

    async def test_it_sends_started_and_finished_once_each(self, listen):
        heard = listen(*REQUEST)
        await SignalMiddleware(answer)(scope_of(), receive, send)
        assert names(heard) == ["request_started", "request_finished"]

    async def test_started_comes_before_the_application_and_finished_after(self, listen):
        heard = listen(*REQUEST)
        seen = []

        async def app(scope, receive, send):
            seen.extend(names(heard))

        await SignalMiddleware(app)(scope_of(), receive, send)
        assert seen == ["request_started"]
        assert names(heard) == ["request_started", "request_finished"]

    async def test_the_scope_is_the_very_one_that_the_application_gets(self, listen):
        heard = listen(*REQUEST)
        scopes = []

        async def app(scope, receive, send):
            scopes.append(scope)

        scope = scope_of()
        await SignalMiddleware(app)(scope, receive, send)
        assert scopes[0] is scope
        assert all(each.payload.scope is scope for each in heard)

    async def test_finished_tells_the_status_that_was_sent(self, listen):
        heard = listen(request_finished)
        await SignalMiddleware(answer)(scope_of(), receive, send)
        assert (heard[0].payload.status, heard[0].payload.exception) == (204, None)

    async def test_finished_tells_no_status_where_sending_it_failed(self, listen):
        async def broken(message):
            raise OSError

        heard = listen(request_finished)
        with pytest.raises(OSError):  # noqa: PT011 - it has no message
            await SignalMiddleware(answer)(scope_of(), receive, broken)
        assert heard[0].payload.status is None
        assert isinstance(heard[0].payload.exception, OSError)

    async def test_the_sender_is_the_wrapped_application(self, listen):
        async def other(scope, receive, send):
            pass

        heard, others = listen(*REQUEST, sender=answer), listen(*REQUEST, sender=other)
        await SignalMiddleware(answer)(scope_of(), receive, send)
        assert [each.sender for each in heard] == [answer, answer]
        assert others == []

    async def test_a_context_variable_set_by_a_receiver_reaches_the_application(self):
        request_id = contextvars.ContextVar("request_id", default="none")
        seen = []

        async def identify(sender, **kwargs):
            request_id.set("id-1")

        async def app(scope, receive, send):
            seen.append(request_id.get())

        async def finish(sender, **kwargs):
            seen.append(request_id.get())

        with request_started.connected_to(identify), request_finished.connected_to(finish):
            await SignalMiddleware(app)(scope_of(), receive, send)
        assert seen == ["id-1", "id-1"]

    async def test_an_exception_comes_out_unchanged_after_finished(self, listen):
        heard = listen(request_finished)
        problem = ValueError("no")

        async def app(scope, receive, send):
            raise problem

        with pytest.raises(ValueError, match=r"^no$") as caught:
            await SignalMiddleware(app)(scope_of(), receive, send)
        assert caught.value is problem
        assert not hasattr(problem, "__notes__")
        assert [each.payload.exception for each in heard] == [problem]

    async def test_nothing_keeps_the_exception_alive(self):
        class ProblemError(Exception):
            pass

        async def app(scope, receive, send):
            raise ProblemError

        gc.collect()
        gc.disable()
        try:
            try:
                await SignalMiddleware(app)(scope_of(), receive, send)
            except ProblemError as error:
                gone = weakref.ref(error)
            await asyncio.sleep(0)
            assert gone() is None  # type: ignore[possibly-undefined]
        finally:
            gc.enable()


class TestWhoListens:
    async def test_a_receiver_connected_during_the_request_gets_finished(self):
        heard = []

        async def late(sender, status, **kwargs):
            heard.append(status)

        async def app(scope, receive, send):
            await answer(scope, receive, send)
            request_finished.connect(late)

        try:
            await SignalMiddleware(app)(scope_of(), receive, send)
        finally:
            request_finished.disconnect(late)
        assert heard == [204]

    def test_a_request_that_nobody_listens_to_waits_for_nothing(self):
        with pytest.raises(StopIteration):
            SignalMiddleware(answer)(scope_of(), receive, send).send(None)

    async def test_receivers_for_another_sender_are_not_asked(self, listen):
        heard = listen(*REQUEST, sender=receive)
        await SignalMiddleware(answer)(scope_of(), receive, send)
        assert heard == []


class TestTheCurrentScope:
    async def test_it_is_known_to_the_application_and_to_receivers(self):
        seen = []

        async def look(sender, **kwargs):
            seen.append(current_scope())

        async def app(scope, receive, send):
            seen.append(current_scope())

        scope = scope_of()
        with request_started.connected_to(look), request_finished.connected_to(look):
            await SignalMiddleware(app)(scope, receive, send)
        assert [each is scope for each in seen] == [True, True, True]

    async def test_it_ends_with_the_request(self):
        await SignalMiddleware(answer)(scope_of(), receive, send)
        assert current_scope() is None

    async def test_it_ends_with_a_request_that_fails(self):
        async def app(scope, receive, send):
            raise ValueError("no")

        with pytest.raises(ValueError, match="no"):
            await SignalMiddleware(app)(scope_of(), receive, send)
        assert current_scope() is None

    async def test_a_request_to_another_application_is_current_for_its_time(self):
        seen = []

        async def inner(scope, receive, send):
            seen.append((current_scope() or {})["path"])

        async def outer(scope, receive, send):
            await SignalMiddleware(inner)({**scope_of(), "path": "/inner"}, receive, send)
            seen.append((current_scope() or {})["path"])

        await SignalMiddleware(outer)({**scope_of(), "path": "/outer"}, receive, send)
        assert seen == ["/inner", "/outer"]

    async def test_an_inner_layer_leaves_it_alone(self):
        seen = []

        async def app(scope, receive, send):
            seen.append(current_scope())

        scope = scope_of()
        await SignalMiddleware(SignalMiddleware(app))(scope, receive, send)
        assert seen[0] is scope

    async def test_requests_at_the_same_time_have_their_own(self):
        seen = []

        async def app(scope, receive, send):
            await asyncio.sleep(0)
            seen.append(current_scope() is scope)

        middleware = SignalMiddleware(app)
        await asyncio.gather(*(middleware(scope_of(), receive, send) for _ in range(5)))
        assert seen == [True] * 5


class TestKindsOfConnections:
    async def test_lifespan_is_left_alone(self, listen):
        heard = listen(*REQUEST)
        scope = {"type": "lifespan"}
        await SignalMiddleware(answer, websocket=True)(scope, receive, send)
        assert heard == []
        assert scope == {"type": "lifespan"}

    @pytest.mark.parametrize(("asked", "sent"), [(False, 0), (True, 2)])
    async def test_websockets_count_if_asked(self, listen, asked, sent):
        heard = listen(*REQUEST)
        await SignalMiddleware(answer, websocket=asked)(scope_of("websocket"), receive, send)
        assert len(heard) == sent

    @pytest.mark.parametrize(
        ("messages", "status"),
        [
            ([], None),
            (["websocket.accept"], 101),
            (["websocket.accept", "websocket.send", "websocket.close"], 101),
            (["websocket.close"], 403),
            (["websocket.http.response.start", "websocket.http.response.body"], 451),
        ],
    )
    async def test_the_status_of_a_websocket_is_what_its_client_got(self, listen, messages, status):
        async def app(scope, receive, send):
            for kind in messages:
                await send({"type": kind, "status": 451})

        heard = listen(request_finished)
        await SignalMiddleware(app, websocket=True)(scope_of("websocket"), receive, send)
        assert heard[0].payload.status == status

    async def test_two_layers_send_once_and_the_outer_one_does(self, listen):
        heard = listen(*REQUEST)
        inner = SignalMiddleware(answer)
        await SignalMiddleware(inner)(scope_of(), receive, send)
        assert [each.sender for each in heard] == [inner, inner]

    async def test_a_mounted_layer_stays_silent(self, listen):
        heard = listen(*REQUEST)
        api, mounted = FastAPI(), FastAPI()

        @mounted.get("/")
        async def read() -> str:
            return "read"

        api.mount("/inner", SignalMiddleware(mounted))
        transport = httpx.ASGITransport(SignalMiddleware(api))
        async with httpx.AsyncClient(transport=transport, base_url="http://shop") as client:
            assert (await client.get("/inner/")).status_code == 200
            assert (await client.get("/inner/")).status_code == 200
        assert [each.sender for each in heard] == [api] * 4


class TestReceiversThatFail:
    @pytest.mark.parametrize("signal", REQUEST)
    async def test_a_failing_receiver_is_logged_and_the_request_goes_on(
        self, listen, caplog, signal
    ):
        async def fail(sender, **kwargs):
            raise ValueError("receiver")

        sent = []

        async def keep(message):
            sent.append(message["type"])

        with signal.connected_to(fail):
            heard = listen(*REQUEST)
            await SignalMiddleware(answer)(scope_of(), receive, keep)
        assert sent == ["http.response.start", "http.response.body"]
        assert names(heard) == ["request_started", "request_finished"]
        assert [(each.name, each.levelno) for each in caplog.records] == [
            ("fastdjango_signals", logging.ERROR)
        ]

    async def test_the_applications_exception_is_not_hidden_by_a_receivers(self):
        async def fail(sender, **kwargs):
            raise ValueError("receiver")

        async def app(scope, receive, send):
            raise KeyError("app")

        with request_finished.connected_to(fail), pytest.raises(KeyError, match="app"):
            await SignalMiddleware(app)(scope_of(), receive, send)


class TestCancellation:
    async def test_a_cancelled_request_is_finished_and_the_cancellation_comes_out(self, listen):
        heard = listen(request_finished)
        begun = asyncio.Event()

        async def app(scope, receive, send):
            begun.set()
            await asyncio.Event().wait()

        task = asyncio.create_task(SignalMiddleware(app)(scope_of(), receive, send))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert [type(each.payload.exception) for each in heard] == [asyncio.CancelledError]

    @pytest.mark.parametrize("times", [1, 3])
    async def test_cancelling_while_finished_is_delivered_waits_for_its_receivers(self, times):
        steps = []
        begun = asyncio.Event()

        async def slow(sender, **kwargs):
            begun.set()
            await asyncio.sleep(0.02)
            steps.append("slow")

        async def last(sender, **kwargs):
            steps.append("last")

        with request_finished.connected_to(slow), request_finished.connected_to(last):
            task = asyncio.create_task(SignalMiddleware(answer)(scope_of(), receive, send))
            await begun.wait()
            for _ in range(times):
                task.cancel()
                await asyncio.sleep(0)
            with pytest.raises(asyncio.CancelledError):
                await task
        assert steps == ["slow", "last"]

    async def test_cancelling_in_a_receiver_of_started_still_sends_finished(self, listen):
        heard = listen(request_finished)
        begun = asyncio.Event()

        async def hang(sender, **kwargs):
            begun.set()
            await asyncio.Event().wait()

        with request_started.connected_to(hang):
            task = asyncio.create_task(SignalMiddleware(answer)(scope_of(), receive, send))
            await begun.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        assert len(heard) == 1

    async def test_a_timeout_around_the_request_still_sends_finished(self, listen):
        heard = listen(request_finished)

        async def app(scope, receive, send):
            await asyncio.Event().wait()

        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await SignalMiddleware(app)(scope_of(), receive, send)
        assert len(heard) == 1

    async def test_a_coroutine_that_is_closed_ends_quietly(self):
        async def app(scope, receive, send):
            await asyncio.sleep(0)

        serving = SignalMiddleware(app)(scope_of(), receive, send)
        serving.send(None)
        serving.close()
        with pytest.raises(RuntimeError, match="cannot reuse"):
            await serving


class TestOnARealServer:
    async def test_finished_comes_after_the_stream_and_the_background_tasks(self, listen):
        heard = listen(request_finished)
        steps = []

        api = FastAPI()

        @api.get("/")
        async def stream(tasks: BackgroundTasks) -> StreamingResponse:
            async def chunks():
                for number in range(3):
                    steps.append(f"chunk {number}, finished {len(heard)}")
                    yield b"x"

            async def afterwards():
                await asyncio.sleep(0.01)
                steps.append(f"task, finished {len(heard)}")

            tasks.add_task(afterwards)
            return StreamingResponse(chunks(), background=tasks)

        async with served(SignalMiddleware(api)) as address, httpx.AsyncClient() as client:
            assert (await client.get(address)).text == "xxx"
        assert steps == [
            "chunk 0, finished 0",
            "chunk 1, finished 0",
            "chunk 2, finished 0",
            "task, finished 0",
        ]
        assert [each.payload.status for each in heard] == [200]

    async def test_a_client_that_leaves_mid_stream_finishes_the_request_once(self, listen):
        heard = listen(*REQUEST)
        ended = asyncio.Event()

        api = FastAPI()

        @api.get("/")
        async def stream() -> StreamingResponse:
            async def chunks():
                try:
                    while True:
                        yield b"x" * 1024
                        await asyncio.sleep(0.005)
                finally:
                    ended.set()

            return StreamingResponse(chunks())

        async with served(SignalMiddleware(api)) as address, httpx.AsyncClient() as client:
            async with client.stream("GET", address) as response:
                async for _ in response.aiter_raw():
                    break
            async with asyncio.timeout(5):
                await ended.wait()
                while len(heard) < 2:  # noqa: ASYNC110 - the list tells enough
                    await asyncio.sleep(0.005)
        assert names(heard) == ["request_started", "request_finished"]
        assert heard[1].payload.status == 200

    async def test_an_unhandled_error_is_a_500_that_finished_tells(self, listen, caplog):
        heard = listen(request_finished)
        api = FastAPI()

        @api.get("/")
        async def fail() -> None:
            raise ValueError("no")

        async with served(SignalMiddleware(api)) as address, httpx.AsyncClient() as client:
            assert (await client.get(address)).status_code == 500
        assert heard[0].payload.status == 500
        assert isinstance(heard[0].payload.exception, ValueError)

    async def test_a_path_that_does_not_exist_is_heard_too(self, listen):
        heard = listen(request_finished)
        async with served(SignalMiddleware(FastAPI())) as address, httpx.AsyncClient() as client:
            await client.get(f"{address}/nowhere")
        assert [each.payload.status for each in heard] == [404]

    async def test_each_of_many_requests_at_once_is_finished_once(self, listen):
        heard = listen(*REQUEST)
        api = FastAPI()

        @api.get("/{number}")
        async def wait(number: int) -> int:
            await asyncio.sleep(0.01)
            return number

        async with served(SignalMiddleware(api)) as address, httpx.AsyncClient() as client:
            requests = (client.get(f"{address}/{number}") for number in range(20))
            assert {response.status_code for response in await asyncio.gather(*requests)} == {200}
        for signal in REQUEST:
            paths = [each.payload.scope["path"] for each in heard if each.signal is signal]
            assert sorted(paths) == sorted(f"/{number}" for number in range(20))

    async def test_lifespan_still_works(self):
        steps = []

        @asynccontextmanager
        async def lifespan(app: FastAPI) -> AsyncIterator[None]:
            steps.append("up")
            yield
            steps.append("down")

        async with served(SignalMiddleware(FastAPI(lifespan=lifespan))):
            assert steps == ["up"]
        assert steps == ["up", "down"]

    async def test_a_server_that_stops_finishes_what_it_cancels(self, listen):
        heard = listen(request_finished)
        begun = asyncio.Event()
        api = FastAPI()

        @api.get("/")
        async def hang() -> None:
            begun.set()
            await asyncio.Event().wait()

        async with httpx.AsyncClient() as client, asyncio.TaskGroup() as group:
            app = SignalMiddleware(api)
            async with served(app, timeout_graceful_shutdown=0) as address:
                asked = group.create_task(client.get(address))
                await begun.wait()
        assert asked.result().status_code == 500
        assert [type(each.payload.exception) for each in heard] == [asyncio.CancelledError]
