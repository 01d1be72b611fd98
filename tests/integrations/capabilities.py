"""The table of integrations by capability, at the end of a run of these tests."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pytest
from rich.console import Console
from rich.table import Table

SIGNS = {"passed": "[green]✓[/]", "failed": "[red]✗[/]", "skipped": "[yellow]-[/]"}


class CapabilityTable:
    """Collects the outcomes of the tests marked `capability`, and prints them.

    A row is what the mark says; a column is what the test's parameters say.
    """

    def __init__(self) -> None:
        self._tables: dict[str, dict[str, dict[str, str]]] = defaultdict(lambda: defaultdict(dict))

    def pytest_itemcollected(self, item: Any) -> None:
        """Put row and column on the report, which may cross processes."""
        mark = item.get_closest_marker("capability")
        if mark is not None:
            title = item.module.__doc__.partition("\n")[0]
            callspec = getattr(item, "callspec", None)
            column = "works" if callspec is None else callspec.id.replace("-", "\n")
            item.user_properties.append(("capability", [title, mark.args[0], column]))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note how a test ended; a failure at any stage stays one."""
        for name, value in report.user_properties:
            if name == "capability" and isinstance(value, list):
                title, row, column = value
                cells = self._tables[title][row]
                if cells.get(column) != "failed":
                    cells[column] = report.outcome

    def pytest_terminal_summary(self) -> None:
        """Print a table for each module of tests."""
        console = Console()
        for title, rows in self._tables.items():
            columns = list(dict.fromkeys(column for cells in rows.values() for column in cells))
            table = Table("", *columns, title=title, title_justify="left", title_style="bold")
            for row, cells in rows.items():
                table.add_row(
                    row, *(SIGNS[cells[each]] if each in cells else "" for each in columns)
                )
            console.print(table)
