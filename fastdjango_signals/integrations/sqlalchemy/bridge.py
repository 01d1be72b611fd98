"""How receivers are awaited from the code of a session, which is not async."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine
from importlib import import_module
from typing import Any, TypeAlias

from sqlalchemy.util import await_only
from sqlalchemy.util.concurrency import in_greenlet

from fastdjango_signals.exceptions import LoopThreadError
from fastdjango_signals.threads import runs_a_loop

Call: TypeAlias = Callable[[], Coroutine[Any, Any, None]]


def can_wait() -> bool:
    """Return whether receivers can be awaited here."""
    return in_greenlet() or not runs_a_loop()


def wait_for(call: Call, signal: str | None = None) -> None:
    """Await a call, and return when it is done; an error names the signal.

    With an `AsyncSession`, in the running task. In a worker thread of anyio (the `def` endpoints
    of FastAPI and Starlette), on the loop from which the thread was started. In other sync code,
    on a loop of its own.

    Raises:
        LoopThreadError: The loop of this thread is running, so that waiting would block it.
    """
    if in_greenlet():
        await_only(call())
    elif runs_a_loop():
        raise LoopThreadError(
            f"receivers {f'of signal {signal} ' if signal else ''}cannot be awaited here: a sync "
            "Session is used on the thread of a running event loop; use AsyncSession, or "
            "AsyncSession.run_sync(), or a worker thread",
            signal=signal,
        )
    elif not _waited_for_on_the_outer_loop(call):
        # A factory is given, since a runner without one would change the thread's current loop.
        with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
            runner.run(call())


def _waited_for_on_the_outer_loop(call: Call) -> bool:
    """Return whether this is a worker thread of anyio, and the call has been awaited outside."""
    if sys.modules.get("anyio") is None:  # then there is no worker thread of it
        return False
    from_thread = import_module("anyio.from_thread")
    has_started = False

    async def start() -> None:
        nonlocal has_started
        has_started = True
        await call()

    try:
        from_thread.run(start)
    except RuntimeError:  # anyio says so where this is not one of its threads
        if has_started:
            raise
    return has_started
