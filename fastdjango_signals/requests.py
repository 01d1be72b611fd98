"""The request that is being served here, where `SignalMiddleware` serves it.

For code that is given no request, such as a method that a library calls.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from contextlib import suppress
from contextvars import ContextVar, Token
from typing import Any, TypeAlias

Scope: TypeAlias = MutableMapping[str, Any]
"""A connection scope, as ASGI servers make it."""

MARK = "fastdjango_signals"
"""Key in the scope of a request whose signals are sent, so that an inner layer stays silent."""

_scope: ContextVar[Scope | None] = ContextVar("fastdjango_signals.scope", default=None)


def current_scope() -> Scope | None:
    """Return the scope of the request being served; None where none is.

    A task has it from the code that starts it, and keeps it when the request is over.
    """
    return _scope.get()


def enter(scope: Scope) -> Token[Scope | None]:
    """Make this the current scope, up to `leave`."""
    return _scope.set(scope)


def leave(token: Token[Scope | None]) -> None:
    """Go back to the scope that was current before `enter`."""
    # A coroutine that nobody ran to its end is closed in any context: there is nothing to undo.
    with suppress(ValueError):
        _scope.reset(token)
