"""Send `request_started` and `request_finished` around any ASGI application.

Wrap the application outermost, so that nothing it does escapes:

    api = FastAPI()
    app = SignalMiddleware(api)  # what the server runs

The sender is the wrapped application: `@request_finished.connect(sender=api)` tells one of
several applications in a process from the others, and without `sender` all are heard.
`current_scope()` returns the scope of the request that is being served.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, MutableMapping
from dataclasses import KW_ONLY, dataclass
from typing import Any, TypeAlias

from fastdjango_signals.builtin import request_finished, request_started
from fastdjango_signals.cancellation import finish
from fastdjango_signals.requests import MARK, Scope, current_scope, enter, leave

__all__ = ["ASGIApp", "Message", "Receive", "Scope", "Send", "SignalMiddleware", "current_scope"]

Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
ASGIApp: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class SignalMiddleware:
    """Send a signal before and after each request, exactly once, however it ends.

    `request_finished` comes after the last byte of a streamed response and after background
    tasks; on an error, a disconnect and a cancellation too, which then come out unchanged. A
    receiver that fails is logged, and the request goes on. Needs asyncio.

    Attributes:
        app: The application to wrap; also the sender of both signals.
        websocket: Whether WebSocket connections count as requests. `lifespan` never does.
    """

    app: ASGIApp
    _: KW_ONLY
    websocket: bool = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        counts = scope["type"] == "http" or (self.websocket and scope["type"] == "websocket")
        if not counts or MARK in scope:
            await self.app(scope, receive, send)
            return
        scope[MARK] = True
        token = enter(scope)
        try:
            await self._serve(scope, receive, send)
        finally:
            leave(token)
            scope.pop(MARK, None)  # whoever asks again with the same scope makes another request

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        status: int | None = None
        exception: BaseException | None = None

        async def watch(message: Message) -> None:
            nonlocal status
            await send(message)
            status = _status_after(message, status)

        try:
            if request_started.has_listeners(sender=self.app):
                await request_started.send_robust(self.app, scope=scope)
            await self.app(scope, receive, watch)
        except BaseException as error:
            exception = error
            raise
        finally:
            # Asked only now: a receiver may have been connected while the request was served.
            # A coroutine that is being closed may not wait for anything any more.
            if not isinstance(exception, GeneratorExit) and request_finished.has_listeners(
                sender=self.app
            ):
                await _to_the_end(
                    request_finished.send_robust(
                        self.app, scope=scope, status=status, exception=exception
                    )
                )
            exception = None  # or else this frame and the exception would hold each other


def _status_after(message: Message, status: int | None) -> int | None:
    """Return the status that the client has been sent, now that this message was."""
    match message["type"]:
        case "http.response.start" | "websocket.http.response.start":
            return int(message["status"])
        case "websocket.accept":
            return 101
        case "websocket.close" if status is None:  # the server says it in place of "accept"
            return 403
        case _:
            return status


async def _to_the_end(work: Coroutine[Any, Any, object]) -> None:
    """Await this work; a cancellation comes out when the work is done."""
    task = asyncio.create_task(work)
    await finish([task], on_cancel=lambda: None)
    task.result()
