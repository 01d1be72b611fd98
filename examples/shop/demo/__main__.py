"""The demo's order of events; exits with 1 where something is not as expected."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from examples.shop import storage
from examples.shop.app import create_app
from examples.shop.demo import report
from examples.shop.demo.checking import check_bad_handlers
from examples.shop.demo.database import check_tables, read_tables
from examples.shop.demo.expectations import Expectations
from examples.shop.demo.recording import ROOT, Recorder
from examples.shop.demo.refusals import refused_handler, refused_payload
from examples.shop.demo.server import LIVE_PORT, inspector_at, serving
from examples.shop.demo.visit import REQUESTS, Visit


def main() -> int:
    """Run the demo; return the exit code."""
    console, expectations, recorder = report.make_console(), Expectations(), Recorder()
    database = Path(tempfile.mkdtemp(prefix="shop-demo-")) / "shop.sqlite3"
    recorder.attach()
    timings = visit_the_shop(console, database, expectations)

    report.show_deliveries(console, recorder)
    expectations.equal(recorder.calls("confirm_order"), 2, "orders that were confirmed")
    expectations.equal(recorder.calls("note_failed_login"), 3, "failed log-ins that were noted")
    expectations.equal(recorder.calls("stop_clock"), REQUESTS + 1, "requests that were timed")
    report.show_timings(console, timings)
    tables = read_tables(database)
    check_tables(tables, expectations)
    for title, rows in tables.items():
        report.show_rows(console, title, rows)
    console.print(
        "The third order was out of stock. It was rolled back, and with it its audit entry;"
    )
    console.print("its confirmation waited for the commit that never came.\n")

    report.show_refusal(console, refused_payload(expectations))
    report.show_refusal(console, refused_handler(expectations))
    with console.status("mypy reads the bad handlers; the first time takes a while"):
        findings = check_bad_handlers(expectations)
    report.show_findings(console, findings)
    report.show_outcome(console, expectations)
    say_what_is_next(console, database)
    return 1 if expectations.failures else 0


def visit_the_shop(console: Console, database: Path, expectations: Expectations) -> Any:
    """Open the shop, let the customers in, close it; return how long the requests took."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with serving(create_app(database)) as address, httpx.Client(base_url=address) as client:
        console.print(f"The shop is open at {address}")
        with Progress(*columns, console=console) as progress:
            task = progress.add_task("", total=REQUESTS)

            def announce(what: str) -> None:
                progress.update(task, advance=1, description=f"{what:<32}")

            Visit(client, expectations, announce).all_of_it()
        return client.get("/timings").json()


def say_what_is_next(console: Console, database: Path) -> None:
    """Print where the database is, and what to try."""
    console.print(f"\nThe database stays at {database}", soft_wrap=True)
    console.print("Try next:")
    python = Path(sys.executable)
    if python.is_relative_to(ROOT):
        python = python.relative_to(ROOT)
    settings = f"SHOP_ORM={storage.ORM} SHOP_DATABASE={database}"
    for command in (
        f"{settings} {python} -m uvicorn --factory examples.shop.app:create_app",
        f"{python} -m mypy examples/shop/bad_handlers.py",
        "add a receiver of your own to examples/shop/receivers.py, and run the demo again",
    ):
        console.print(f"  {command}", soft_wrap=True, highlight=False, markup=False)
    console.print(
        f"\nRun `make demo-live` and open {inspector_at(LIVE_PORT)} to watch the signals of the "
        "running shop",
        soft_wrap=True,
        highlight=False,
    )


if __name__ == "__main__":
    sys.exit(main())
