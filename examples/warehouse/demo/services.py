"""The shop and the warehouse, each in a process of its own."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from examples.warehouse.demo.processes import Processes

PATIENCE = 15.0
"""Seconds to wait for what should take less than two."""


@dataclass(frozen=True, slots=True)
class Services:
    """Starts what the demo needs.

    Attributes:
        processes: What keeps them.
        nats: Address of the NATS server.
    """

    processes: Processes
    nats: str

    def open_shop(self) -> str:
        """Start the shop; return its address, where requests wait until it is open."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            host, port = listener.getsockname()
            shop = ("uvicorn", "--factory", "examples.shop.relayed:create_app")
            options = ("--fd", str(listener.fileno()), "--log-level", "warning")
            self._start("shop", *shop, *options, pass_fds=(listener.fileno(),))
        return f"http://{host}:{port}"

    def open_warehouse(self) -> subprocess.Popen[str]:
        """Start the warehouse; return it once it receives orders.

        Raises:
            RuntimeError: It does not start.
        """
        warehouse = self._start("warehouse", "examples.warehouse", stdout=subprocess.PIPE)
        if warehouse.stdout is None or warehouse.stdout.readline() != "open\n":
            raise RuntimeError(f"the warehouse does not open; it says: {self.log('warehouse')}")
        return warehouse

    def ask_warehouse(self, command: str) -> list[dict[str, Any]]:
        """Run a command of the warehouse; return the lines of JSON that it prints."""
        process = self._start(command, "examples.warehouse", command, stdout=subprocess.PIPE)
        printed, _ = process.communicate(timeout=PATIENCE)
        if process.returncode:
            raise RuntimeError(f"{command} fails; it says: {self.log(command)}")
        return [json.loads(line) for line in printed.splitlines()]

    def log(self, name: str) -> str:
        """Return what a process has logged."""
        return (self.processes.folder / f"{name}.log").read_text("utf-8")

    def _start(
        self, name: str, *command: str, pass_fds: tuple[int, ...] = (), stdout: int | None = None
    ) -> subprocess.Popen[str]:
        folder = self.processes.folder
        environment = {
            "NATS_URL": self.nats,
            "SHOP_DATABASE": str(folder / "shop.sqlite3"),
            "WAREHOUSE_DATABASE": str(folder / "warehouse.sqlite3"),
        }
        return self.processes.start(
            name,
            [sys.executable, "-m", *command],
            environment=environment,
            pass_fds=pass_fds,
            stdout=stdout,
        )


def comes_true(condition: Callable[[], bool]) -> bool:
    """Wait until something holds; return whether it came to that in time."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
