"""Ask a broker again and again, while it may only be away for a moment."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager, suppress
from typing import TypeVar

from fastdjango_signals.relay.exceptions import PublishError
from fastdjango_signals.relay.transports import DeadLetter

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


@contextmanager
def confirming(
    broker: str,
    failures: tuple[type[Exception], ...],
    *,
    signal: str,
    event_id: str,
    seconds: float,
) -> Generator[None, None, None]:
    """Say, of what fails in a block, that a broker did not confirm an event in this time."""
    try:
        yield
    except failures as error:
        raise PublishError(
            f"{broker} did not confirm event {event_id} of signal {signal} within {seconds} s "
            f"({said(error)}); it may have it all the same",
            signal=signal,
            event_id=event_id,
        ) from error


@contextmanager
def burying(
    broker: str, failures: tuple[type[Exception], ...], letter: DeadLetter
) -> Generator[None, None, None]:
    """Say, of what fails in a block, that a broker did not take a dead letter."""
    try:
        yield
    except failures as error:
        raise PublishError(
            f"{broker} did not take dead letter {letter.event_id} of signal {letter.signal} "
            f"({said(error)})",
            signal=letter.signal,
            event_id=letter.event_id,
        ) from error


async def pause(ended: asyncio.Event, seconds: float) -> bool:
    """Wait, but no longer than until something has ended; return whether it has."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await ended.wait()
    return ended.is_set()
