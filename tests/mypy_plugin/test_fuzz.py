"""mypy with the plugin never breaks down, whatever nonsense it reads."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import suppress
from itertools import count, islice
from pathlib import Path

import pytest

from tests.mypy_plugin.conftest import fuzzed
from tests.mypy_plugin.programs import Author
from tests.mypy_plugin.runs import SETTINGS, MypyFailedError, Setting, mypy

PROGRAMS = 400
SEED = 20261124

_CULPRIT = re.compile(r"(program_\d+\.py):\d+:(?:\d+:)? error: INTERNAL ERROR")


def _programs() -> Iterator[tuple[int, str]]:
    """Yield programs without end, those that Python can read, each with its seed."""
    for seed in count(SEED):
        program = Author(seed).program()
        with suppress(SyntaxError):
            compile(program, "program", "exec")
            yield seed, program


@pytest.mark.slow
@pytest.mark.parametrize("setting", ["alone", "init_typed"])
def test_mypy_survives_programs_that_make_no_sense(
    request: pytest.FixtureRequest, tmp_path: Path, setting: str
) -> None:
    SETTINGS[setting].write(tmp_path)
    for seed, program in islice(_programs(), PROGRAMS):
        (tmp_path / f"program_{seed}.py").write_text(program, "utf-8")
    output = _survive(tmp_path, tmp_path.parent / f"{setting}-without")
    # The programs are about signals, not only wrong in other ways.
    assert sum("[signal-receiver]" in line for line in output) > PROGRAMS / 2
    assert sum("[signal-payload]" in line for line in output) > PROGRAMS / 20
    read = len(list(tmp_path.glob("program_*.py")))
    assert read > PROGRAMS * 0.98
    stash = request.config.stash
    stash[fuzzed] = stash.get(fuzzed, 0) + read


def _survive(folder: Path, without: Path) -> list[str]:
    """Return what mypy prints, once those programs are gone that it does not survive by itself."""
    without.mkdir()
    Setting(plugins=()).write(without)
    while True:
        try:
            return mypy(folder)
        except MypyFailedError as error:
            culprit = _CULPRIT.search(str(error))
            if culprit is None or _is_well(folder / culprit[1], without):
                pytest.fail(str(error)[-3000:], pytrace=False)
            (folder / culprit[1]).unlink()


def _is_well(program: Path, without: Path) -> bool:
    """Return whether mypy survives a program without the plugin."""
    shutil.copy(program, without)
    try:
        mypy(without)
    except MypyFailedError:
        return False
    else:
        return True
    finally:
        (without / program.name).unlink()
