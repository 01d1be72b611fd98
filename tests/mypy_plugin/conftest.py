"""One run of mypy for each setting over all the case files, and the table of what it says."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from rich.console import Console
from rich.table import Table

from tests.mypy_plugin.expectations import CASES, Expectations
from tests.mypy_plugin.runs import SETTINGS, mypy

_reports = pytest.StashKey["Reports"]()
fuzzed = pytest.StashKey[int]()


class Reports:
    """What mypy says of the case files under each setting; it is asked when first needed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.output: dict[str, list[str]] = {}

    def of(self, setting: str) -> list[str]:
        if setting not in self.output:
            folder = self._folder / setting.replace(" ", "-")
            folder.mkdir()
            for path in CASES:
                shutil.copy(path, folder)
            SETTINGS[setting].write(folder)
            self.output[setting] = mypy(folder)
        return self.output[setting]


@pytest.fixture(scope="session")
def reports(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Reports:
    return request.config.stash.setdefault(_reports, Reports(tmp_path_factory.mktemp("plugin")))


def pytest_terminal_summary(config: pytest.Config) -> None:
    found = config.stash.get(_reports, None)
    console = Console(width=max(140, shutil.get_terminal_size().columns))
    if found is not None and set(found.output) == set(SETTINGS):
        console.print(_table(found))
    if fuzzed in config.stash:
        console.print(f"Fuzz: {config.stash[fuzzed]} generated programs, no internal error of mypy")


def _table(found: Reports) -> Table:
    shown = Table(title="The mypy plugin by feature: what it must say, and whether it does")
    shown.add_column("feature", no_wrap=True)
    shown.add_column("messages", justify="right")
    for setting in SETTINGS:
        shown.add_column(setting)
    for case in map(Expectations, CASES):
        said = {setting: case.said(found.output[setting]) for setting in SETTINGS}
        for row in case.rows:
            inside = range(row.first, row.last + 1)
            expected = {r: n for r, n in case.remarks.items() if r.line in inside}
            mistakes = [
                len({r: n for r, n in each.items() if r.line in inside}.items() ^ expected.items())
                for each in said.values()
            ]
            if row.last:
                cells = [f"[red]✗ {n}[/red]" if n else "[green]✓[/green]" for n in mistakes]
                shown.add_row(row.title, str(sum(expected.values())), *cells)
        shown.add_section()
    return shown
