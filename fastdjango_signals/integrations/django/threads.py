"""From Django's threads to the event loop: how synchronous code awaits async receivers."""

# Django has no types.
# pyright: reportMissingTypeStubs=false

from __future__ import annotations

from collections.abc import Awaitable, Callable

from asgiref.sync import async_to_sync
from django.core.exceptions import SynchronousOnlyOperation

from fastdjango_signals.exceptions import LoopThreadError
from fastdjango_signals.threads import runs_a_loop


class SyncCodeError(LoopThreadError, SynchronousOnlyOperation):  # type: ignore[misc] # no types
    """Raised where synchronous code of Django would have to wait for receivers on their loop."""


def run(work: Callable[[], Awaitable[object]], occasion: str, signal: str | None = None) -> None:
    """Run async work from synchronous code, and wait for it.

    It runs on the event loop that has called this code through `sync_to_async`, else on a new one.

    Args:
        work: Makes what is awaited.
        occasion: What it is for, as the error says it.
        signal: The signal's name, if it is about one.

    Raises:
        SyncCodeError: This thread runs an event loop, which would wait for itself.
    """
    if runs_a_loop():
        raise SyncCodeError(
            f"{occasion} cannot be awaited here: this thread runs an event loop, and is in "
            "synchronous code of Django; await the async method instead (asave, acreate, "
            "adelete, aset, alogin), or call the code with asgiref.sync.sync_to_async",
            signal=signal,
        )

    async def finish() -> None:
        await work()

    async_to_sync(finish)()
