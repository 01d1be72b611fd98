"""The command line as a whole."""

from __future__ import annotations

import subprocess
import sys

import pytest

import fastdjango_signals
from tests.cli.programs import Run


def test_version_is_that_of_the_package(run: Run) -> None:
    assert run("--version").stdout == f"fastdjango-signals {fastdjango_signals.__version__}\n"


@pytest.mark.parametrize("command", [(), ("relay",), ("dead-letters",), ("replay",), ("asyncapi",)])
def test_help_tells_the_exit_codes(command: tuple[str, ...], run: Run) -> None:
    result = run(*command, "--help")

    assert result.exit_code == 0
    assert "Exit codes: 0 all is well, 1 what was asked failed, 2 wrong usage." in result.stdout


def test_without_a_command_it_shows_the_commands(run: Run) -> None:
    result = run()

    assert result.exit_code == 2
    assert "dead-letters" in result.output


def run_without(module: str) -> subprocess.CompletedProcess[str]:
    """Run the command line where a module cannot be imported."""
    source = f"import sys; sys.modules[{module!r}] = None\n"
    source += "from fastdjango_signals.cli import main\nmain()"
    return subprocess.run(
        [sys.executable, "-c", source, "--help"],
        capture_output=True,
        check=False,
        encoding="utf-8",
        timeout=60,
    )


@pytest.mark.parametrize("library", ["typer", "rich"])
def test_a_missing_library_is_told_in_one_line(library: str) -> None:
    finished = run_without(library)

    assert finished.returncode == 2
    assert finished.stderr == (
        f"fastdjango-signals: this integration needs {library}; "
        'install it with: pip install "fastdjango-signals[cli]"\n'
    )


def test_another_import_error_comes_out() -> None:
    finished = run_without("fastdjango_signals.cli.workers")

    assert finished.returncode == 1
    assert "Traceback" in finished.stderr


def test_it_runs_as_a_module() -> None:
    finished = subprocess.run(
        [sys.executable, "-m", "fastdjango_signals.cli", "--version"],
        capture_output=True,
        check=True,
        timeout=60,
    )

    assert finished.stdout.startswith(b"fastdjango-signals ")
