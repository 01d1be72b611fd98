"""What it costs to find receivers among many, and to connect and disconnect them."""

from __future__ import annotations

import time
from statistics import median
from typing import Any

from benchmarks.measuring import by_turns, ratio
from benchmarks.peers import Run, Two, receivers
from fastdjango_signals import Signal

AMONG = (10, 1_000, 100_000)


class Sender:
    """One of many senders."""


async def one_among_many(rounds: int) -> dict[str, float]:
    """Return the time of a send with one match among many, against one among ten."""
    runs = {str(count): _one_among(count) for count in AMONG}
    took = await by_turns(runs, rounds)
    return {name: ratio(took, name, str(AMONG[0])) for name in runs}


def _one_among(count: int) -> Run:
    signal, senders = Signal(Two), [Sender() for _ in range(count)]
    connected = receivers(count)
    for receiver, sender in zip(connected, senders, strict=True):
        signal.connect(receiver, sender=sender)

    async def run(times: int, kept: object = connected) -> None:
        sender = senders[count // 2]
        for _ in range(times):
            await signal.send(sender=sender, a=1, b=2)

    return run


async def connecting(rounds: int) -> dict[str, float]:
    """Return the time to connect, and to disconnect, at 100,000 receivers against 1,000."""
    small, large = _filled(1_000), _filled(100_000)
    took: dict[str, list[float]] = {}
    for _ in range(rounds):
        for name, (signal, _) in (("small", small), ("large", large)):
            connect, disconnect = _some(signal)
            took.setdefault(f"connect {name}", []).append(connect)
            took.setdefault(f"disconnect {name}", []).append(disconnect)
    return {
        what: ratio(took, f"{what} large", f"{what} small") for what in ("connect", "disconnect")
    }


async def churn(rounds: int) -> float:
    """Return the time of a connect and a send to 10,000 receivers, against the send alone."""
    signal, kept = _filled(10_000)
    alone: list[float] = []
    both: list[float] = []
    for _ in range(max(3, rounds // 3)):
        started = time.perf_counter()
        await signal.send(None, a=1, b=2)
        alone.append(time.perf_counter() - started)
        kept += receivers(1)
        started = time.perf_counter()
        signal.connect(kept[-1])
        await signal.send(None, a=1, b=2)
        both.append(time.perf_counter() - started)
    return median(mine / base for mine, base in zip(both, alone, strict=True))


def _filled(count: int) -> tuple[Signal[Any, ...], list[Any]]:
    signal, connected = Signal(Two), receivers(count)
    for receiver in connected:
        signal.connect(receiver)
    return signal, connected


def _some(signal: Signal[Any, ...], count: int = 100) -> tuple[float, float]:
    """Return the seconds to connect and to disconnect a receiver."""
    connected = receivers(count)
    started = time.perf_counter()
    for receiver in connected:
        signal.connect(receiver)
    between = time.perf_counter()
    for receiver in connected:
        signal.disconnect(receiver)
    return (between - started) / count, (time.perf_counter() - between) / count
