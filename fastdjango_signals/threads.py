"""Where sync code stands that has to wait for async receivers."""

from __future__ import annotations

import asyncio


def runs_a_loop() -> bool:
    """Return whether this thread is running an event loop, which waiting here would block."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
