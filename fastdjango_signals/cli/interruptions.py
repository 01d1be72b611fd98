"""SIGINT and SIGTERM: the first asks the process to end, the second ends it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Generator
from contextlib import contextmanager

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def cancelled_by_signals() -> Generator[None, None, None]:
    """Have the first signal in this block cancel the current task; the next ends the process.

    Not by the loop's own handlers, which Windows does not have, and which would leave the second
    signal to a loop that may be busy.
    """
    loop, task = asyncio.get_running_loop(), asyncio.current_task()

    def interrupt(*_: object) -> None:
        for each in _SIGNALS:
            signal.signal(each, signal.SIG_DFL)
        if task is not None:
            loop.call_soon_threadsafe(task.cancel)

    before = {each: signal.signal(each, interrupt) for each in _SIGNALS}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
