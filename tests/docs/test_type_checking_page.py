"""docs/how-to/type-checking.md tells the truth about the four type checkers."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "how-to" / "type-checking.md"
PYTHON_BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PROGRAM = "page.py"

# The arguments of each, and where it says in which line an error is.
CHECKERS = {
    "mypy": (["--config-file=", "--strict", "--no-pretty"], r"^page\.py:(\d+): error"),
    "pyright": (["--pythonpath", sys.executable], r"page\.py:(\d+):\d+ - error"),
    "ty": (
        ["check", "--python", sys.prefix, "--output-format", "concise"],
        r"^page\.py:(\d+):\d+: error",
    ),
    "pyrefly": (
        [
            *("check", "--preset", "strict", "--output-format", "min-text"),
            *("--python-interpreter-path", sys.executable),
        ],
        r"^ERROR .*page\.py:(\d+):",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("checker", CHECKERS)
def test_the_lines_marked_as_flagged_are_those_that_this_flags(
    checker: str, tmp_path: Path
) -> None:
    command = shutil.which(checker, path=str(Path(sys.executable).parent))
    assert command is not None, f"{checker} is not installed"
    program = "\n".join(PYTHON_BLOCK.findall(PAGE.read_text(encoding="utf-8")))
    (tmp_path / PROGRAM).write_text(program, encoding="utf-8")
    marked = {
        number for number, line in enumerate(program.splitlines(), 1) if line.endswith("# flagged")
    }

    arguments, error = CHECKERS[checker]
    finished = subprocess.run(
        [command, *arguments, PROGRAM],
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )

    found = {int(number) for number in re.findall(error, finished.stdout, re.MULTILINE)}
    assert found == marked, finished.stdout + finished.stderr
