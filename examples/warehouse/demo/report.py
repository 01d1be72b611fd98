"""Tell what happens in the demo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from examples.shop.demo.recording import ROOT
from examples.warehouse.demo.database import Reservation


@dataclass(frozen=True, slots=True)
class Report:
    """Prints, scene by scene.

    Attributes:
        console: Where to.
    """

    console: Console

    def scene(self, title: str) -> None:
        """Begin a scene."""
        self.console.print(f"\n[bold]{escape(title)}")

    def say(self, what: str) -> None:
        """Print a line of a scene."""
        self.console.print(f"  {escape(what)}", highlight=False)

    def reservations(self, found: Sequence[Reservation]) -> None:
        """Print what the warehouse has reserved."""
        table = Table()
        for column in ("Order", "Product", "Quantity", "Event", "Came", "Reserved"):
            table.add_column(column)
        for each in found:
            came = f"[bold yellow]{each.deliveries} x" if each.deliveries > 1 else "1 x"
            row = (str(each.order_id), escape(each.product), str(each.quantity), each.event_id)
            table.add_row(*row, came, f"{each.times} x")
        self.console.print(table)

    def letters(self, found: Sequence[dict[str, Any]]) -> None:
        """Print dead letters."""
        table = Table(title="Dead letters of the warehouse", title_justify="left")
        for column in ("Event", "Signal", "Order", "Tries", "Error"):
            table.add_column(column, overflow="fold")
        for each in found:
            order = each["body"]["data"]["order_id"]
            error = each["error"].replace(f"{ROOT}/", "")
            row = (each["event_id"], each["signal"], order, each["tries"], error)
            table.add_row(*(escape(str(cell)) for cell in row))
        self.console.print(table)

    def log(self, name: str, text: str) -> None:
        """Print the end of what a process has logged."""
        self.console.print(f"\n[bold]The end of {escape(name)}")
        self.console.print(text[-2000:], markup=False, highlight=False)
