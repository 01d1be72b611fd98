"""Ask a broker again and again, while it may only be away for a moment."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

_T = TypeVar("_T")
_PAUSE = 0.1  # seconds between two attempts


async def repeated(
    attempt: Callable[[], Awaitable[_T]],
    *,
    passing: tuple[type[Exception], ...],
    seconds: float,
    longest: float | None = None,
) -> _T:
    """Return what an attempt returns, once one succeeds.

    Args:
        attempt: Asks the broker, once.
        passing: Errors after which it is asked again. `TimeoutError` should be one.
        seconds: For all attempts together. The last error comes out.
        longest: Seconds for one attempt, whose answer may have been lost; None for no limit.
    """
    deadline = time.monotonic() + seconds
    while True:
        left = max(deadline - time.monotonic(), 0.0)
        try:
            async with asyncio.timeout(left if longest is None else min(left, longest)):
                return await attempt()
        except passing:
            if deadline - time.monotonic() <= _PAUSE:
                raise
            await asyncio.sleep(_PAUSE)


def said(error: Exception) -> str:
    """Return what an error of a broker's client says, for an error of ours."""
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


async def pause(ended: asyncio.Event, seconds: float) -> bool:
    """Wait, but no longer than until something has ended; return whether it has."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await ended.wait()
    return ended.is_set()
