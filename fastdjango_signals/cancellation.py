"""Tell a cancellation of the task that sends from a receiver that raises `CancelledError`."""

from __future__ import annotations

import asyncio
import weakref


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

    def _count(self) -> int:
        task = self._task()
        return task.cancelling() if task is not None else 0


def _no_task() -> None:
    return None
