"""Real brokers for the tests, from PyPI; each test has one of its own."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

PATIENCE = 20.0
"""Seconds to wait for what should take none."""


def free_port() -> int:
    """Return a port on which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


class NatsServer:
    """A NATS server with JetStream, that keeps its streams in a folder."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"nats://127.0.0.1:{self.port}"
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, with all that was stored before; return once it listens."""
        program = Path(sys.executable).with_name("nats-server")
        options = ("-js", "-a", "127.0.0.1", "-p", str(self.port), "-sd", str(self._folder))
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen([program, *options], stdout=log, stderr=log)
        wait_for(self.port, self._process)

    def kill(self) -> None:
        """End it with SIGKILL, in the middle of whatever it does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until the process listens on this port."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise
            time.sleep(0.005)


async def until(reached: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Wait until a function returns what is true."""
    deadline = time.monotonic() + seconds
    while not reached():
        if time.monotonic() > deadline:
            pytest.fail(f"it has not come to this in {seconds} seconds")
        await asyncio.sleep(0.01)


@pytest.fixture
def nats(tmp_path: Path) -> Iterator[NatsServer]:
    """Give a NATS server that runs."""
    server = NatsServer(tmp_path)
    server.start()
    yield server
    server.kill()
