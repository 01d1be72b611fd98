"""Cancellation: tell the caller's from a receiver's own, and wait in spite of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, NoReturn


def cancellations(task: asyncio.Task[Any] | None) -> int:
    """Return how often a task was cancelled, and nobody took that back."""
    return 0 if task is None else task.cancelling()


def current_task() -> asyncio.Task[Any] | None:
    """Return the current task; None where no asyncio loop drives the coroutine."""
    try:
        return asyncio.current_task()
    except RuntimeError:
        return None


def cancellations_met(task: asyncio.Task[Any] | None) -> int:
    """Return how often a task was cancelled, but for what asyncio has yet to deliver.

    That is the number to compare with later: a caller that was cancelled before, and went on to
    clean up, does not count as cancelled.
    """
    if task is None or not (count := task.cancelling()):
        return 0
    # A task may have cancelled itself; asyncio has no public way to ask for that.
    return count - bool(getattr(task, "_must_cancel", False))


async def be_cancelled(cause: BaseException | None = None) -> NoReturn:
    """Raise the cancellation that happened; one that asyncio has yet to deliver, only once."""
    await asyncio.sleep(0)
    raise asyncio.CancelledError from cause


async def finish(tasks: Sequence[asyncio.Task[Any]], on_cancel: Callable[[], object]) -> None:
    """Wait until every task is done, however often the caller is cancelled meanwhile.

    Each time, `on_cancel` is called; the cancellation comes out at the end.
    """
    cancelled: asyncio.CancelledError | None = None
    while pending := [task for task in tasks if not task.done()]:
        try:
            await asyncio.wait(pending)
        except asyncio.CancelledError as error:
            cancelled = error
            on_cancel()
        except BaseException:  # the coroutine is being closed, and may not wait any more
            on_cancel()
            raise
    if cancelled is not None:
        try:
            raise cancelled
        finally:
            del cancelled  # its traceback leads here, and must not lead back
