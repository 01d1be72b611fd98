"""Show that nothing is kept: of receivers and senders that come and go, and of many sends.

Linux only. The exit code is 1 where memory grows, or where a count is wrong. There are two bounds
on memory. Blocks of Python's allocator are counted exactly, so the bound on them finds a leak of
one object for each time that a receiver comes and goes; it allows for caches, and for the progress
bar. Real memory also shows what is outside of that allocator. Python gives it back by the MiB, and
only where nothing of that MiB lives any more: a few objects that were made meanwhile can hold some
ten MiB. So its bound says little of a small crowd, and more the larger it is.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
import time
from dataclasses import dataclass, field

from rich.console import Console
from rich.progress import track

from benchmarks.crowd import (
    CountError,
    Crowd,
    Listener,
    OrderPlaced,
    Shop,
    expect,
    expect_connected,
)
from benchmarks.resident import MIB, GrowthError, Reading, check_growth, rss, settled
from fastdjango_signals import Signal

ROBUST = 1_000  # one send in so many is robust, and one receiver of it raises
CHURN = 10_000  # after so many sends, a receiver and a sender come and go
STEPS = 50

MAX_BLOCKS = 600  # of ten million sends, 900 times a receiver comes and goes after the first tenth
SOAK_BYTES = 4 * MIB  # ten million sends that leak half a byte each are above it
SCALE_BYTES = 16 * MIB
SCALE_SHARE = 0.03  # of what the crowd takes: the table of a dict shrinks with the next keys only


class OutOfStockError(Exception):
    """What the receiver that fails raises."""


async def read_whole(sender: object, payload: OrderPlaced) -> int:
    """Receive the payload whole."""
    return payload.order_id


async def refuse(sender: object, order_id: int, **kwargs: object) -> None:
    """Fail for the orders that are sent robustly."""
    if order_id % ROBUST == 0:
        raise OutOfStockError(order_id)


@dataclass(slots=True)
class Soak:
    """A signal with three receivers, and what came of the sends.

    Attributes:
        sends: How many of them there are to be.
        responses: Of receivers, those that come and go not counted.
        failures: Of these, how many were exceptions.
        visits: How often a receiver and a sender came and went.
        highest: The most real memory that was seen.
    """

    sends: int
    responses: int = 0
    failures: int = 0
    visits: int = 0
    highest: int = 0
    _signal: Signal[OrderPlaced, ...] = field(init=False)
    _listener: Listener = field(default_factory=Listener)

    def __post_init__(self) -> None:
        """Connect the receivers."""
        self._signal = Signal(OrderPlaced, name="soak")
        self._signal.connect(self._listener.hear)
        self._signal.connect(read_whole)
        self._signal.connect(refuse)

    async def run(self, console: Console) -> tuple[Reading, Reading]:
        """Send; return the memory after a tenth of the sends, and after all."""
        first = settled()
        for step in track(range(STEPS), f"{self.sends:,} sends", console=console):
            if step == STEPS // 10:
                first = settled()
            await self._send(step * self.sends // STEPS, (step + 1) * self.sends // STEPS)
            self.highest = max(self.highest, rss())
        return first, settled()

    def check(self) -> None:
        """Check that everything was called as often as it must be."""
        expect("responses", self.responses, self.sends * 3)
        expect("failures", self.failures, len(range(0, self.sends, ROBUST)))
        expect("visits", self.visits, len(range(0, self.sends, CHURN)))
        expect("calls of the method", self._listener.heard, self.sends + self.visits)
        expect_connected(self._signal, receivers=3, senders=0)

    async def _send(self, start: int, stop: int) -> None:
        for number in range(start, stop):
            email = f"{number}@example.com"
            if number % ROBUST:
                responses = await self._signal.send(sender=None, order_id=number, email=email)
            else:
                responses = await self._signal.send_robust(
                    sender=None, order_id=number, email=email
                )
                self.failures += sum(isinstance(each, Exception) for _, each in responses)
            self.responses += len(responses)
            if number % CHURN == 0:
                await self._visit()

    async def _visit(self) -> None:
        shop, listener = Shop(), Listener()
        self._signal.connect(listener, sender=shop)
        responses = await self._signal.send(sender=shop, order_id=1, email="")
        expect("responses while a receiver visits", len(responses), 4)
        expect("calls of the receiver that visits", listener.heard, 1)
        self.visits += 1


def scale(receivers: int, senders: int, console: Console) -> None:
    """Connect a crowd, let half of it go, then all of it; check counts and memory."""
    asyncio.run(_come_and_go(Crowd(100, 10), Console(quiet=True)))  # what the first use loads
    before = settled()
    crowd = Crowd(receivers, senders)
    peak = asyncio.run(_come_and_go(crowd, console))
    after = settled()
    took = peak.rss - before.rss
    console.print(f"taken at most: {took / MIB:.1f} MiB, {peak.blocks - before.blocks:,} blocks")
    allowed = SCALE_BYTES + int(SCALE_SHARE * took)
    grown = check_growth(
        "left of the crowd", before, after, max_bytes=allowed, max_blocks=MAX_BLOCKS
    )
    console.print(grown)


async def _come_and_go(crowd: Crowd, console: Console) -> Reading:
    console.print(f"connecting {crowd}")
    crowd.connect()
    crowd.check_connected()
    console.print(f"all connected: {await crowd.check_sends()}")
    peak = settled()
    crowd.halve()
    crowd.check_connected()
    console.print(f"half collected: {await crowd.check_sends()}")
    console.print(f"half collected: {await crowd.check_strangers()}")
    crowd.clear()
    crowd.check_connected()
    console.print("all collected: 0 receivers, 0 senders")
    return peak


def soak(sends: int, console: Console) -> None:
    """Send so many times; check counts and memory."""
    run = Soak(sends)
    started = time.perf_counter()
    first, last = asyncio.run(run.run(console))
    took = time.perf_counter() - started
    run.check()
    console.print(
        f"{sends:,} sends: {run.responses:,} responses, {run.failures:,} failures, "
        f"{run.visits:,} visits, {took * 1e6 / sends:.2f} µs each"
    )
    console.print(f"real memory at most: {run.highest / MIB:.1f} MiB")
    grown = check_growth(
        "from the first tenth of the sends to the end",
        first,
        last,
        max_bytes=SOAK_BYTES,
        max_blocks=MAX_BLOCKS,
    )
    console.print(grown)


def main() -> int:
    """Run both tests; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sends", type=int, default=10_000_000)
    parser.add_argument("--receivers", type=int, default=1_000_000)
    parser.add_argument("--senders", type=int, default=100_000)
    options = parser.parse_args()
    console = Console(soft_wrap=True, highlight=False)
    logging.getLogger("fastdjango_signals").setLevel(logging.CRITICAL)  # failures are counted
    try:
        scale(options.receivers, options.senders, console)
        soak(options.sends, console)
    except (CountError, GrowthError) as error:
        console.print(f"[bold red]{error}")
        return 1
    console.print("[bold green]Everything was given back.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
