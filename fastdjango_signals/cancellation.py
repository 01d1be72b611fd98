"""Tell a cancellation of the task that sends from a receiver that raises `CancelledError`."""

from __future__ import annotations

import asyncio


class CallerCancellation:
    """Watches the current task from the moment this is made.

    A task that was cancelled before, and went on to clean up, counts as not cancelled.
    """

    __slots__ = ("_before", "_task")

    def __init__(self) -> None:
        try:
            self._task = asyncio.current_task()
        except RuntimeError:  # no asyncio loop: the coroutine is driven by something else
            self._task = None
        # A task may have cancelled itself and not met the cancellation yet; asyncio has no
        # public way to ask for that.
        pending = bool(getattr(self._task, "_must_cancel", False))
        self._before = self._count() - pending

    def happened(self) -> bool:
        """Return whether the task was cancelled meanwhile, and nobody took that back."""
        return self._count() > self._before

    def _count(self) -> int:
        return self._task.cancelling() if self._task is not None else 0
