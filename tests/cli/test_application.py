"""The command line as a whole."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

import fastdjango_signals
from tests.cli.programs import Program, Run


def test_version_is_that_of_the_package(run: Run) -> None:
    assert run("--version").stdout == f"fastdjango-signals {fastdjango_signals.__version__}\n"


COMMANDS = ["list", "show", "explain", "check", "schema", "graph"]
COMMANDS += ["relay", "dead-letters", "replay", "discard", "asyncapi"]


@pytest.mark.parametrize("command", [(), *((each,) for each in COMMANDS)])
def test_help_tells_the_exit_codes(command: tuple[str, ...], run: Run) -> None:
    result = run(*command, "--help")

    assert result.exit_code == 0
    assert "Exit codes: 0 all is well, 1 what was asked failed, 2 wrong usage." in result.stdout


def test_without_a_command_it_shows_the_commands(run: Run) -> None:
    result = run()

    assert result.exit_code == 2
    assert "dead-letters" in result.output


@pytest.mark.parametrize("command", COMMANDS)
def test_help_names_every_command_with_a_sentence(command: str, run: Run) -> None:
    assert f" {command} " in run("--help").stdout
    assert "Usage: fastdjango-signals " + command in run(command, "--help").stdout


def run_with(source: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in an interpreter that runs this first."""
    return subprocess.run(
        [
            sys.executable,
            "-c",
            f"{source}\nfrom fastdjango_signals.cli import main\nmain()",
            *arguments,
        ],
        capture_output=True,
        check=False,
        encoding="utf-8",
        env={**os.environ, **environment},
        timeout=60,
    )


def test_a_shell_completes_commands() -> None:
    finished = run_with(
        "",
        _FASTDJANGO_SIGNALS_COMPLETE="complete_bash",
        COMP_WORDS="fastdjango-signals d",
        COMP_CWORD="1",
    )

    assert finished.stdout.split() == ["dead-letters", "discard"]


@pytest.mark.parametrize(
    "command",
    [
        ("list", "demo"),
        ("show", "demo:placed"),
        ("explain", "demo:placed"),
        ("check", "demo"),
        ("schema", "demo"),
        ("graph", "demo"),
    ],
)
def test_signals_need_no_extra_but_cli(command: tuple[str, ...], program: Program) -> None:
    program.write(
        "demo",
        "from fastdjango_signals import Signal\n"
        "placed = Signal(name='demo.placed')\n"
        "@placed.connect\nasync def keep(sender, **kwargs): ...\n",
    )
    others = ["faststream", "yaml", "sqlalchemy", "tortoise", "django", "nats", "asyncpg"]
    blocked = f"import sys; sys.modules.update(dict.fromkeys({others}))"

    finished = run_with(blocked, *command)

    assert (finished.returncode, "Traceback" in finished.stderr) == (0, False)
    assert finished.stdout or command[0] == "check"


def run_without(module: str) -> subprocess.CompletedProcess[str]:
    """Run the command line where a module cannot be imported."""
    return run_with(f"import sys; sys.modules[{module!r}] = None", "--help")


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


NOISY = """
import logging, sys
from fastdjango_signals import Signal
print("loading")
logging.basicConfig(stream=sys.stdout, level="INFO")
logging.info("loaded")
placed = Signal(name="shop.placed")
"""


@pytest.mark.parametrize("more", ["", "sys.stdout = open('noise', 'w')\n"])
@pytest.mark.parametrize("command", ["list", "schema", "graph"])
def test_what_a_module_prints_does_not_come_among_what_is_asked(
    command: str, more: str, program: Program
) -> None:
    program.write("noisy", NOISY + more)

    finished = run_with("", command, "noisy", "--json")

    assert "shop.placed" in str(json.loads(finished.stdout))
    assert finished.stderr == "loading\nINFO:root:loaded\n"


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
@pytest.mark.parametrize("command", ["list", "check", "show"])
def test_a_name_may_have_letters_that_the_terminal_has_not(
    command: str, encoding: str, program: Program
) -> None:
    program.write("big", "from fastdjango_signals import Signal\ns = Signal(name='shop.→')\n")
    names = ["shop.→", "--app", "big"] if command == "show" else ["big"]

    finished = run_with("", command, *names, PYTHONIOENCODING=encoding)

    assert "Traceback" not in finished.stderr
    assert finished.returncode == (command == "check")
    assert "\\u2192" in finished.stdout or "→" in finished.stdout


def test_a_name_cannot_talk_to_the_terminal(program: Program, run: Run) -> None:
    program.write("odd", r"from fastdjango_signals import Signal; s = Signal(name='a\x1b[31m\nb')")

    assert r"a\x1b[31m\nb" in run("list", "odd").stdout
