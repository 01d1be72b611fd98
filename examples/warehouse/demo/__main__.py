"""The demo from its beginning to its end; exits with 1 where something is not as expected."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import httpx

from examples.shop.demo.expectations import Expectations
from examples.shop.demo.report import make_console, show_outcome
from examples.shop.demo.visit import Visit
from examples.warehouse.demo.broker import start_broker
from examples.warehouse.demo.database import Warehouse
from examples.warehouse.demo.processes import Processes
from examples.warehouse.demo.report import Report
from examples.warehouse.demo.scenes import SCENES, Demo
from examples.warehouse.demo.services import PATIENCE, Services


def main() -> int:
    """Run the demo; return the exit code."""
    console, expectations, started = make_console(), Expectations(), time.monotonic()
    report = Report(console)
    with tempfile.TemporaryDirectory(prefix="relay-demo-") as name:
        with Processes(Path(name)) as processes:
            play(processes, report, expectations)
        expectations.expect(processes.are_gone(), "no process is left behind")
        if expectations.failures:
            for log in sorted(Path(name).glob("*.log")):
                report.log(log.name, log.read_text("utf-8"))
    console.print()
    show_outcome(console, expectations)
    report.say(f"It took {time.monotonic() - started:.0f} seconds, and every process has ended.")
    return 1 if expectations.failures else 0


def play(processes: Processes, report: Report, expectations: Expectations) -> None:
    """Start everything, and play scene after scene."""
    services = Services(processes, start_broker(processes))
    report.say(f"NATS listens at {services.nats}, and the shop and the warehouse open.")
    address = services.open_shop()
    warehouse = services.open_warehouse()
    with httpx.Client(base_url=address, timeout=PATIENCE) as client:
        demo = Demo(
            services=services,
            visit=Visit(client, expectations, report.say),
            database=Warehouse(processes.folder / "warehouse.sqlite3"),
            report=report,
            expectations=expectations,
            warehouse=warehouse,
        )
        for scene in SCENES:
            scene(demo)


if __name__ == "__main__":
    sys.exit(main())
