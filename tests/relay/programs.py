"""Services for the tests, each a process: `python -m tests.relay.programs stock nats://... notes`.

A service notes what it receives in a file, a line for each event. It ends with its input, or as
the tests end it.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvloop

from fastdjango_signals import Payload, Signal
from fastdjango_signals.relay import Relay, Retry, Transport, current_event
from tests.relay.columns import nats, rabbit, redis
from tests.relay.servers import PATIENCE


class Ordered(Payload):
    order_id: int
    weight: int = 0


ordered = Signal(Ordered, name="shop.ordered")


@dataclass(frozen=True)
class Service:
    """A replica of a service, that runs."""

    process: subprocess.Popen[str]
    notes: Path

    def noted(self) -> list[dict[str, Any]]:
        """Return what it has noted so far."""
        whole, _, _ = self.notes.read_text("utf-8").rpartition("\n")  # it may be writing a line
        return [json.loads(line) for line in whole.splitlines()]

    def kill(self) -> None:
        """End it with SIGKILL."""
        self.process.kill()
        self.process.wait()

    def end(self) -> None:
        """Let it end by itself, as it should."""
        self.process.communicate(timeout=PATIENCE)
        assert self.process.returncode == 0


@contextmanager
def running(program: str, url: str, notes: Path) -> Generator[Service, None, None]:
    """Run a replica of a service; it is ready."""
    notes.touch()
    command = [sys.executable, "-m", "tests.relay.programs", program, url, str(notes)]
    process = subprocess.Popen(
        command,
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield Service(process, notes)
    finally:
        process.kill()  # which does nothing to one that has ended
        process.communicate()


def note(path: str) -> Callable[..., None]:
    """Return a function that notes something, at once and whole."""
    file = os.open(path, os.O_WRONLY | os.O_APPEND)

    def write(**what: object) -> None:
        event = current_event()
        assert event is not None
        line = {"id": event.id, "tries": event.tries, "source": event.source, **what}
        os.write(file, f"{json.dumps(line)}\n".encode())

    return write


def transport_to(url: str, **options: Any) -> Transport:
    """Return the transport for a URL."""
    column: Any = {"nats": nats, "redis": redis, "amqp": rabbit}[url.partition(":")[0]]
    return column.transport(url, **options)  # type: ignore[no-any-return]


async def receive(service: str, url: str, path: str) -> None:
    """Receive until the input ends; an order with a weight takes that long, the first time.

    One of negative weight ends the process.
    """
    write = note(path)

    @ordered.connect
    async def reserve(sender: object, order_id: int, weight: int) -> None:
        event = current_event()
        write(what="began", order_id=order_id)
        if weight < 0:
            os._exit(1)
        if event is not None and event.tries == 1:
            await asyncio.sleep(weight)
        write(what="done", order_id=order_id)

    transport = transport_to(url, ack_wait=1)
    async with Relay(service, transport, receives=[ordered], retry=Retry(tries=2, delay=0.1)):
        os.write(1, b"ready\n")
        await asyncio.to_thread(sys.stdin.read)


async def publish(service: str, url: str, path: str) -> None:
    """Send as many orders as a line of the input says, until there are no more lines."""
    transport = transport_to(url)
    async with Relay(service, transport, publishes=[ordered]):
        os.write(1, b"ready\n")
        while line := await asyncio.to_thread(sys.stdin.readline):
            for order_id in range(*map(int, line.split())):
                await ordered.send(None, order_id=order_id)


if __name__ == "__main__":
    program, *given = sys.argv[1:]
    run = publish if program.startswith("shop") else receive
    start = uvloop.run if os.environ.get("EVENT_LOOP") == "uvloop" else asyncio.run
    start(run(program, *given))
