"""mypy with the plugin never breaks down, whatever nonsense it reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mypy_plugin.conftest import fuzzed
from tests.mypy_plugin.programs import Author
from tests.mypy_plugin.runs import SETTINGS, MypyFailedError, mypy

PROGRAMS = 400
SEED = 20261124


def _valid(seed: int) -> str | None:
    program = Author(seed).program()
    try:
        compile(program, "program", "exec")
    except SyntaxError:
        return None
    return program


@pytest.mark.slow
@pytest.mark.parametrize("setting", ["alone", "init_typed"])
def test_mypy_survives_programs_that_make_no_sense(
    request: pytest.FixtureRequest, tmp_path: Path, setting: str
) -> None:
    SETTINGS[setting].write(tmp_path)
    seeds = (seed for seed in range(SEED, SEED + 10 * PROGRAMS) if _valid(seed) is not None)
    for _, seed in zip(range(PROGRAMS), seeds, strict=False):
        (tmp_path / f"program_{seed}.py").write_text(_valid(seed) or "", "utf-8")
    assert len(list(tmp_path.glob("program_*.py"))) == PROGRAMS
    try:
        output = mypy(tmp_path)
    except MypyFailedError as error:
        pytest.fail(str(error)[-3000:], pytrace=False)
    # The programs are about signals, not only wrong in other ways.
    assert sum("[signal-receiver]" in line for line in output) > PROGRAMS / 2
    assert sum("[signal-payload]" in line for line in output) > PROGRAMS / 20
    stash = request.config.stash
    stash[fuzzed] = stash.get(fuzzed, 0) + PROGRAMS
