"""Cancellation: tell the caller's from a receiver's own, and wait in spite of it."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Callable, Sequence
from typing import Any, NoReturn


class CallerCancellation:
    """Watches the current task from the moment this is made.

    A task that was cancelled before, and went on to clean up, counts as not cancelled.
    """

    __slots__ = ("_before", "_task")

    def __init__(self) -> None:
        try:
            task = asyncio.current_task()
        except RuntimeError:  # no asyncio loop: the coroutine is driven by something else
            task = None
        # Held weakly: the frames of a failed receiver, which the task's result may refer to,
        # refer to this.
        self._task = weakref.ref(task) if task is not None else _no_task
        # A task may have cancelled itself and not met the cancellation yet; asyncio has no
        # public way to ask for that.
        pending = bool(getattr(task, "_must_cancel", False))
        self._before = self._count() - pending

    def happened(self) -> bool:
        """Return whether the task was cancelled meanwhile, and nobody took that back."""
        return self._count() > self._before

    async def come_out(self, cause: BaseException | None = None) -> NoReturn:
        """Raise the cancellation that happened; one that asyncio has yet to deliver, only once."""
        await asyncio.sleep(0)
        raise asyncio.CancelledError from cause

    def _count(self) -> int:
        task = self._task()
        return task.cancelling() if task is not None else 0


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


def _no_task() -> None:
    return None
