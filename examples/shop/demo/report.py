"""Print what the demo found."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from rich.console import Console, Group
from rich.markup import escape
from rich.panel import Panel
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from examples.shop.demo.checking import Finding
from examples.shop.demo.expectations import Expectations
from examples.shop.demo.recording import Recorder
from examples.shop.demo.refusals import Refusal

WIDTH_OF_A_FILE = 132


def make_console() -> Console:
    """Return a console; one that is no terminal gets room for the tables."""
    return Console() if sys.stdout.isatty() else Console(width=WIDTH_OF_A_FILE)


def _table(title: str) -> Table:
    # Padded, or else the title would wrap where the table is narrow.
    width = len(title) + 2
    return Table(title=title, title_justify="left", title_style="bold", min_width=width)


def show_deliveries(console: Console, recorder: Recorder) -> None:
    """Print who received what."""
    table = _table("What was sent, and who received it")
    for column in ("Signal", "Sender", "Receiver", "Where", "When", "Response"):
        table.add_column(column, overflow="fold")
    table.add_column("Times", justify="right")
    for each, times in recorder.deliveries.items():
        when = "after commit" if each.on_commit else "at once"
        row = (each.signal, each.sender, each.receiver, each.place, when, each.outcome)
        table.add_row(*map(escape, row), str(times))
    console.print(table)


def show_rows(console: Console, title: str, rows: Sequence[dict[str, Any]]) -> None:
    """Print the rows of a database table."""
    table = _table(f"{title}, read back from the database")
    for column in rows[0] if rows else ():
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(escape(str(value)) for value in row.values()))
    console.print(table)


def show_timings(console: Console, timings: Sequence[dict[str, Any]]) -> None:
    """Print the slowest requests."""
    table = _table("The slowest requests, as the request signals timed them")
    for column in ("Method", "Path", "Status"):
        table.add_column(column)
    table.add_column("Milliseconds", justify="right")
    for each in sorted(timings, key=lambda timing: -timing["milliseconds"])[:5]:
        milliseconds = f"{each['milliseconds']:.1f}"
        table.add_row(each["method"], escape(each["path"]), str(each["status"]), milliseconds)
    console.print(table)


def show_refusal(console: Console, refusal: Refusal) -> None:
    """Print an attempt and its error."""
    source = Syntax(refusal.source, "python", background_color="default")
    body = Group(source, Text(), Text(refusal.error, style="red"))
    console.print(Panel(body, title=escape(refusal.title), title_align="left"))


def show_findings(console: Console, findings: Sequence[Finding]) -> None:
    """Print mypy's errors beside the lines that they are about."""
    table = _table("What mypy says to examples/shop/bad_handlers.py")
    table.show_lines = True
    table.add_column("Source", ratio=1, overflow="fold")
    table.add_column("mypy", ratio=1, overflow="fold")
    for finding in findings:
        source = "\n".join(f"{line:>3} {text}" for line, text in finding.lines.items())
        messages = "\n".join(f"{line}: {message}" for line, message in finding.messages)
        table.add_row(escape(source), Text(messages, style="red"))
    console.print(table)


def show_outcome(console: Console, expectations: Expectations) -> None:
    """Print whether all was as expected, and what was not."""
    if expectations.failures:
        console.print("[bold red]Not as expected:")
        for failure in expectations.failures:
            console.print(f"  - {failure}", style="red", markup=False)
    else:
        console.print(f"[bold green]All {expectations.met} expectations hold.")
