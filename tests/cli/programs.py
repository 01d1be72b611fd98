"""Modules of users for the tests, and ways to run the command line on them."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from faststream.nats import NatsBroker
from typer.testing import CliRunner

from fastdjango_signals import Payload, Signal
from fastdjango_signals.cli.application import app
from fastdjango_signals.relay import DeadLetter, Relay
from fastdjango_signals.relay.nats import JetStream
from fastdjango_signals.relay.wire import Wire
from tests.relay.servers import PATIENCE, NatsServer

STOCK = """
import asyncio
from pathlib import Path

from faststream.nats import NatsBroker

from fastdjango_signals import Payload, Signal
from fastdjango_signals.relay import Relay, Retry
from fastdjango_signals.relay.nats import JetStream


class Placed(Payload):
    number: int


placed = Signal(Placed, name="shop.placed")
reserved = Signal(Placed, name="stock.reserved")


def note(text):
    with Path("{notes}").open("a") as notes:
        notes.write(text + "\\n")


@placed.connect
async def reserve(sender, number, **_):
    note(f"begin {{number}}")
    await asyncio.sleep(number / 10)
    if number < 0:
        raise ValueError("no such number")
    await reserved.send(None, number=number)
    note(f"end {{number}}")


class Noted(JetStream):
    async def connect(self):
        note("connect")
        await super().connect()


relay = Relay(
    "stock",
    Noted(NatsBroker("{url}", logger=None), start_timeout={patience}),
    publishes=[reserved],
    receives=[placed],
    retry=Retry(tries=1),
)
"""


class Placed(Payload):
    number: int


@dataclass(frozen=True)
class Program:
    """A folder with modules of a user."""

    folder: Path

    def write(self, name: str, source: str) -> None:
        """Write a module."""
        (self.folder / f"{name}.py").write_text(source)

    def write_stock(self, url: str, patience: float = 30) -> None:
        """Write the module `stock`, with a receiver that takes as many tenths of a second."""
        notes = self.folder / "notes"
        self.write("stock", STOCK.format(url=url, notes=notes, patience=patience))

    def notes(self) -> list[str]:
        """Return what has been noted, by the transport and the receiver."""
        notes = self.folder / "notes"
        return notes.read_text().splitlines() if notes.exists() else []

    def received(self) -> list[str]:
        """Return what the receiver has noted, without the connections."""
        return [each for each in self.notes() if each != "connect"]


@dataclass(frozen=True)
class Worker:
    """A process with the command line."""

    process: subprocess.Popen[bytes]
    log: Path

    def wait_for(self, text: str) -> None:
        """Wait until it has written this."""
        soon(lambda: text in self.log.read_text() or self.process.poll() is not None)
        assert text in self.log.read_text()

    def send(self, number: signal.Signals) -> None:
        """Send it a signal of the operating system."""
        self.process.send_signal(number)

    def code(self) -> int:
        """Wait until it ends; return its exit code."""
        return self.process.wait(PATIENCE)


Run: TypeAlias = Callable[..., Any]  # what it returns lies in no public module of Typer
Start: TypeAlias = Callable[..., Worker]


def soon(reached: Callable[[], object]) -> None:
    """Wait until a function returns what is true."""
    deadline = time.monotonic() + PATIENCE
    while not reached():
        if time.monotonic() > deadline:
            pytest.fail(f"it has not come to this in {PATIENCE} seconds")
        time.sleep(0.01)


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Program]:
    """Give a folder for modules, which is the current one."""
    folder = tmp_path / "program"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    yield Program(folder)
    for name in set(sys.modules) - before:
        if str(folder) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


@pytest.fixture
def run(program: Program) -> Run:
    """Give a function that runs a command in this process."""
    return lambda *arguments: CliRunner().invoke(app, arguments, prog_name="fastdjango-signals")


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have no signals but those that the test defines."""
    monkeypatch.setattr("fastdjango_signals.signals._signals", weakref.WeakSet())


@pytest.fixture
def workers(program: Program) -> Iterator[Start]:
    """Give a function that starts a command in a process, which is killed at last."""
    started: list[Worker] = []

    def start(*arguments: str) -> Worker:
        log = program.folder / f"log-{len(started)}"
        paths = [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")]
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-W", "error", "-m", "fastdjango_signals.cli", *arguments],
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
                stdout=output,
                stderr=output,
            )
        started.append(Worker(process, log))
        return started[-1]

    yield start
    for each in started:
        each.process.kill()
        each.process.wait()


def publish(server: NatsServer, *numbers: int) -> None:
    """Send `shop.placed` from another service."""
    placed = Signal(Placed, name="shop.placed")
    shop = Relay("shop", JetStream(NatsBroker(server.url, logger=None)), publishes=[placed])

    async def send() -> None:
        async with shop.connected():
            for number in numbers:
                await placed.send(None, number=number)

    asyncio.run(send())


def event(number: int) -> tuple[str, bytes]:
    """Return an event of `shop.placed`: its id, and its JSON."""
    wire = Wire(Signal(Placed, name="shop.placed"), "shop", 100_000)
    return wire.encode(None, Placed(number=number))


def bury(server: NatsServer, *letters: DeadLetter) -> None:
    """Have the broker keep dead letters."""
    transport = JetStream(NatsBroker(server.url, logger=None))

    async def keep() -> None:
        await transport.connect()
        for letter in letters:
            await transport.bury(letter)
        await transport.stop()

    asyncio.run(keep())


def numbers_in(server: NatsServer, subject: str) -> list[int]:
    """Return the numbers in the events that the broker keeps on a subject."""

    async def read() -> list[int]:
        async with NatsBroker(server.url, logger=None) as broker:
            jetstream = broker.connection.jetstream()
            found: list[int] = []
            count = (await jetstream.stream_info("signals")).state.messages
            for sequence in range(1, count + 1):
                message: Any = await jetstream.get_msg("signals", sequence)
                if message.subject == subject:
                    found.append(json.loads(message.data)["data"]["number"])
            return found

    return asyncio.run(read())


def pending(server: NatsServer) -> tuple[int, int]:
    """Return how many events wait for the service "stock", and how many it is working on."""

    async def read() -> tuple[int, int]:
        async with NatsBroker(server.url, logger=None) as broker:
            jetstream = broker.connection.jetstream()
            consumer = await jetstream.consumer_info("signals", "stock--shop-placed")
            return consumer.num_pending or 0, consumer.num_ack_pending or 0

    return asyncio.run(read())
