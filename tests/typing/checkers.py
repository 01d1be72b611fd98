"""The four type checkers, each in its strict mode and without any plugin.

They read copies of the case files in a folder of their own, so that no configuration of this
repository reaches them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol

from tests.typing.markers import Problem

STUBS = Path(__file__).parents[2] / "stubs"


class Judge(Protocol):
    """Whoever says which statements of the case files are wrong."""

    name: ClassVar[str]

    def judge(self, folder: Path) -> list[Problem]:
        """Return every error in the Python files of this folder."""
        ...


class CheckerError(Exception):
    """Raised when a checker breaks down instead of reporting."""


def run(command: list[str], folder: Path, ok: Iterable[int] = (0, 1)) -> str:
    """Return what a command prints; raise `CheckerError` if it fails to do its work."""
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"},
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=120,
    )
    if done.returncode not in ok:
        raise CheckerError(f"{command[0]}: {done.stderr or done.stdout}")
    return done.stdout


def tool(name: str) -> str:
    """Return the path of a program that is installed beside this Python."""
    return str(Path(sys.executable).with_name(name))


def one_line(message: str) -> str:
    return " ".join(message.split())


@dataclass(frozen=True)
class Checker:
    """What the checkers have in common.

    Attributes:
        python: The interpreter in whose environment they look for packages.
        stubs: Where to look too. ty and Pyrefly find a stub package that is installed, but not
            one to which an editable install points.
    """

    python: str = sys.executable
    stubs: Path | None = STUBS


class Mypy(Checker):
    """`mypy --strict`."""

    name: ClassVar[str] = "mypy"
    # What is left of a decorator or a lambda once a call has been refused.
    follows: ClassVar[tuple[str, ...]] = ("untyped-decorator", "no-untyped-call")
    settings: ClassVar[str] = ""

    def judge(self, folder: Path) -> list[Problem]:
        config = folder / f"{self.name}.ini"
        config.write_text(f"[mypy]\nstrict = True\n{self.settings}", "utf-8")
        options = ["--config-file", config.name, "--python-executable", self.python]
        output = run([tool("mypy"), *options, "--output", "json", "."], folder)
        return list(self._problems(output))

    def _problems(self, output: str) -> Iterator[Problem]:
        for line in output.splitlines():
            error: dict[str, Any] = json.loads(line)
            if error["severity"] == "error":
                rule = error["code"] or "error"
                file = Path(error["file"]).name
                message = one_line(error["message"])
                yield Problem(file, error["line"], rule, message, rule.startswith(self.follows))


class MypyWithPlugin(Mypy):
    """`mypy --strict` with our plugin."""

    name: ClassVar[str] = "plugin"
    settings: ClassVar[str] = "plugins = fastdjango_signals.mypy\n"


class Pyright(Checker):
    """Pyright with `typeCheckingMode = strict`."""

    name: ClassVar[str] = "pyright"
    follows: ClassVar[tuple[str, ...]] = (
        "reportUnknown",
        "reportUnused",
        "reportUntypedFunctionDecorator",
    )

    def judge(self, folder: Path) -> list[Problem]:
        config = folder / "pyrightconfig.json"
        config.write_text(json.dumps({"typeCheckingMode": "strict", "include": ["."]}), "utf-8")
        output = run(
            [tool("pyright"), "--project", ".", "--pythonpath", self.python, "--outputjson"], folder
        )
        return list(self._problems(output))

    def _problems(self, output: str) -> Iterator[Problem]:
        for error in json.loads(output)["generalDiagnostics"]:
            if error["severity"] == "error":
                rule = error.get("rule", "error")
                yield Problem(
                    Path(error["file"]).name,
                    error["range"]["start"]["line"] + 1,
                    rule,
                    one_line(error["message"]),
                    rule.startswith(self.follows),
                )


class Ty(Checker):
    """ty with every rule an error."""

    name: ClassVar[str] = "ty"
    follows: ClassVar[tuple[str, ...]] = ("dynamic-function-decorator-return",)

    def judge(self, folder: Path) -> list[Problem]:
        config = folder / "ty.toml"
        config.write_text('[rules]\nall = "error"\n', "utf-8")
        options = ["--config-file", config.name, "--python", self.python, *self._stubs()]
        output = run(
            [tool("ty"), "check", *options, "--output-format", "gitlab", "--no-progress", "."],
            folder,
        )
        return list(self._problems(output))

    def _stubs(self) -> list[str]:
        return ["--extra-search-path", str(self.stubs)] if self.stubs else []

    def _problems(self, output: str) -> Iterator[Problem]:
        for error in json.loads(output):
            if error["severity"] != "info":
                location = error["location"]
                yield Problem(
                    Path(location["path"]).name,
                    location["positions"]["begin"]["line"],
                    error["check_name"],
                    one_line(error["description"].partition(": ")[2]),
                    error["check_name"].startswith(self.follows),
                )


class Pyrefly(Checker):
    """Pyrefly with `preset = "strict"`."""

    name: ClassVar[str] = "pyrefly"
    follows: ClassVar[tuple[str, ...]] = ("implicit-any",)

    def judge(self, folder: Path) -> list[Problem]:
        config = folder / "pyrefly.toml"
        config.write_text('preset = "strict"\nproject-includes = ["*.py"]\n', "utf-8")
        options = ["--python-interpreter-path", self.python, *self._stubs()]
        output = run([tool("pyrefly"), "check", *options, "--output-format", "json"], folder)
        return list(self._problems(output))

    def _stubs(self) -> list[str]:
        return ["--search-path", str(self.stubs)] if self.stubs else []

    def _problems(self, output: str) -> Iterator[Problem]:
        for error in json.loads(output)["errors"]:
            if error["severity"] == "error":
                yield Problem(
                    Path(error["path"]).name,
                    error["line"],
                    error["name"],
                    one_line(error["description"]),
                    error["name"].startswith(self.follows),
                )


CHECKERS = (Mypy, Pyright, Ty, Pyrefly, MypyWithPlugin)
