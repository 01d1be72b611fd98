"""What one slice took: of the clock on the wall, and of this process."""

from __future__ import annotations

import time
from typing import NamedTuple


class Took(NamedTuple):
    """What one contender did in one slice.

    Attributes:
        rate: Events per second.
        cpu: Microseconds of this process for an event, which other processes disturb less.
    """

    rate: float
    cpu: float


class Clock:
    """Runs from when it is made."""

    __slots__ = ("_cpu", "_wall")

    def __init__(self) -> None:
        self._wall = time.perf_counter()
        self._cpu = time.process_time()

    def stop(self, events: int) -> Took:
        """Return what so many events took."""
        cpu, wall = time.process_time() - self._cpu, time.perf_counter() - self._wall
        return Took(events / wall, cpu / events * 1e6)
