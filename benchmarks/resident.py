"""What this process holds in memory, and a check that it has not grown."""

from __future__ import annotations

import ctypes
import gc
import os
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

MIB = 2**20

_STATM = Path("/proc/self/statm")


class GrowthError(Exception):
    """Memory has grown by more than its bound."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The memory of this process at one moment.

    Attributes:
        rss: Bytes of real memory, as the system counts them.
        blocks: Pieces that Python's allocator has given out. A count, so it knows no noise.
    """

    rss: int
    blocks: int


def rss() -> int:
    """Return the bytes of real memory that this process has now.

    Raises:
        SystemExit: This system has no `/proc/self/statm`.
    """
    try:
        pages = int(_STATM.read_text("ascii").split()[1])
    except OSError as error:
        raise SystemExit(f"{_STATM} cannot be read; this check needs Linux") from error
    return pages * os.sysconf("SC_PAGE_SIZE")


def settled() -> Reading:
    """Return a reading after all that is free has been given back to the system."""
    gc.collect()
    with suppress(OSError, AttributeError):  # glibc alone has it
        ctypes.CDLL(None).malloc_trim(0)
    return Reading(rss(), sys.getallocatedblocks())


def check_growth(
    what: str, before: Reading, after: Reading, *, max_bytes: int, max_blocks: int
) -> str:
    """Return how much was gained, in words.

    Raises:
        GrowthError: It is more than one of the bounds.
    """
    grown, blocks = after.rss - before.rss, after.blocks - before.blocks
    found = (
        f"{what}: {grown / MIB:+.1f} MiB, {blocks:+,} blocks "
        f"(bounds {max_bytes / MIB:.1f} MiB, {max_blocks:,} blocks)"
    )
    if grown > max_bytes or blocks > max_blocks:
        raise GrowthError(f"memory has grown, {found}")
    return found
