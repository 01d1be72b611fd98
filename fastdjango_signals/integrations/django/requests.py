"""Requests over WSGI, and those of Django's test client: the request signals.

Under ASGI, Django tells at the end of a request neither which one it was nor how it went.
`fastdjango_signals.integrations.asgi.SignalMiddleware` knows both.
"""

# Django has no types.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from functools import wraps
from types import MappingProxyType
from typing import Any

from django.core import signals
from django.http.response import HttpResponseBase

from fastdjango_signals.builtin import request_finished, request_started
from fastdjango_signals.integrations.django import threads
from fastdjango_signals.patches import Patch
from fastdjango_signals.places import name_of
from fastdjango_signals.requests import current_scope
from fastdjango_signals.signals import Signal

# One place for each class of handlers, so that a response that nobody closes is forgotten at the
# next request, and the test client may be used in a view.
_environs: ContextVar[Mapping[object, Any]] = ContextVar(
    "fastdjango_signals.django.environs", default=MappingProxyType({})
)
_closing: ContextVar[HttpResponseBase | None] = ContextVar(
    "fastdjango_signals.django.closing", default=None
)


def connect() -> None:
    """Begin to forward."""
    signals.request_started.connect(_started, weak=False, dispatch_uid=request_started.name)
    signals.request_finished.connect(_finished, weak=False, dispatch_uid=request_finished.name)


def disconnect() -> None:
    """Forward no longer."""
    signals.request_started.disconnect(dispatch_uid=request_started.name)
    signals.request_finished.disconnect(dispatch_uid=request_finished.name)


def _started(sender: Any, *, environ: Any = None, **_: Any) -> None:
    # A request that `SignalMiddleware` serves around Django has its signals already.
    if environ is not None and current_scope() is None:
        _environs.set({**_environs.get(), sender: environ})
        _send(request_started, sender, scope=environ)


def _finished(sender: Any, **_: Any) -> None:
    response = _closing.get()
    environs = dict(_environs.get())
    handler = _handler_of(response, environs) if sender is None else sender
    environ = environs.pop(handler, None)
    if environ is not None:
        _environs.set(environs)
        status = None if response is None else response.status_code
        _send(request_finished, handler, scope=environ, status=status)


def _handler_of(response: Any, environs: Mapping[object, Any]) -> object:
    """Return the handler of a response of Django's test client, which has no name for it."""
    environ = getattr(getattr(response, "wsgi_request", None), "environ", None)
    return next((handler for handler, each in environs.items() if each is environ), None)


def _send(signal: Signal[Any, ...], sender: Any, **fields: Any) -> None:
    """Send a signal; as around ASGI applications, a receiver that fails is logged."""
    if signal.has_listeners(sender=sender):

        async def send() -> None:
            await signal.send_robust(sender, **fields)

        threads.run(send, f"the receivers of {signal.name} for {name_of(sender)}", signal.name)


def _close(native: Callable[[HttpResponseBase], None]) -> Callable[[HttpResponseBase], None]:
    @wraps(native)
    def close(self: HttpResponseBase) -> None:
        token = _closing.set(self)
        try:
            native(self)
        finally:
            _closing.reset(token)

    return close


PATCHES = (Patch(HttpResponseBase, "close", _close),)
