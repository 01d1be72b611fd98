"""Times taken by turns in one process, as ratios: only those tell anything on a busy machine."""

from __future__ import annotations

import gc
import platform
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from statistics import median

from benchmarks.peers import Run

BUDGET = 0.004
"""Seconds that one contender runs in one round."""


async def by_turns(runs: Mapping[str, Run], rounds: int) -> dict[str, list[float]]:
    """Return the seconds that each takes for one send, in each round."""
    times = {name: await _enough(run) for name, run in runs.items()}
    took: dict[str, list[float]] = {name: [] for name in runs}
    gc.collect()
    gc.disable()
    try:
        for _ in range(rounds):
            for name, run in runs.items():
                started = time.perf_counter()
                await run(times[name])
                took[name].append((time.perf_counter() - started) / times[name])
    finally:
        gc.enable()
    return took


def ratio(took: Mapping[str, Sequence[float]], name: str, *bases: str) -> float:
    """Return the median, over the rounds, of one time divided by the sum of others."""
    sums = map(sum, zip(*(took[base] for base in bases), strict=True))
    return median(mine / base for mine, base in zip(took[name], sums, strict=True))


def machine() -> dict[str, str]:
    """Return what the figures depend on."""
    cpu = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines()
            if line.startswith("model name")
        ),
        platform.processor(),
    )
    return {
        "cpu": cpu,
        "system": platform.system(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "pydantic": f"pydantic {version('pydantic')}",
    }


async def _enough(run: Run) -> int:
    """Return how many sends take the budget; at least one. They warm everything up, too."""
    await run(1)
    started = time.perf_counter()
    await run(3)
    each = (time.perf_counter() - started) / 3
    return max(1, round(BUDGET / each))
