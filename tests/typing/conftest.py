"""One run of each judge over all the case files, and the table of what they say."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from rich.console import Console

from tests.typing.markers import JUDGES
from tests.typing.report import table
from tests.typing.verdicts import Verdicts

_verdicts = pytest.StashKey[Verdicts]()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Ask each judge in turn."""
    if "judge" in metafunc.fixturenames:
        metafunc.parametrize("judge", JUDGES)


@pytest.fixture(scope="session")
def verdicts(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Verdicts:
    return request.config.stash.setdefault(_verdicts, Verdicts(tmp_path_factory.mktemp("cases")))


def pytest_terminal_summary(config: pytest.Config) -> None:
    found = config.stash.get(_verdicts, None)
    if found is not None and found.complete:
        width = max(100, shutil.get_terminal_size().columns)
        Console(width=width).print(table(found))


@pytest.fixture
def repository() -> Path:
    return Path(__file__).parents[2]
