"""Who may see the inspector: whom a guard lets in, and everybody where the application debugs."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from starlette.requests import Request
from starlette.types import Scope

logger = logging.getLogger("fastdjango_signals")

Guard: TypeAlias = Callable[[Request], bool | Awaitable[bool]]
"""Says whether whoever sends a request may see the inspector; sync or async."""


async def may_enter(guard: Guard | None, scope: Scope) -> bool:
    """Return whether a guard lets a request in; without one, whether the application debugs.

    A guard that fails, or answers neither True nor False, refuses, and that is logged.
    """
    if guard is None:
        return getattr(scope.get("app"), "debug", False) is True
    try:
        answer: object = guard(Request(scope))
        if inspect.isawaitable(answer):
            answer = await answer
    except Exception:
        logger.exception("The guard of the inspector failed, which refuses the request")
        return False
    if not isinstance(answer, bool):  # pyright: ignore[reportUnnecessaryIsInstance]
        logger.error(
            "The guard of the inspector returned a %s, which refuses the request; "
            "return True or False",
            type(answer).__qualname__,
        )
    return answer is True
