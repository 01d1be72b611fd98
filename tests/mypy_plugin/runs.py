"""Ways to run mypy with the plugin over a folder of programs."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

PLUGIN = "fastdjango_signals.mypy"
PYDANTIC = "pydantic.mypy"

_TIMEOUT = 120


class MypyFailedError(Exception):
    """Raised when mypy breaks down instead of reporting errors."""


@dataclass(frozen=True)
class Setting:
    """What a user may have in mypy.ini.

    Attributes:
        plugins: In their order.
        pydantic: The section of `pydantic.mypy`.
    """

    plugins: tuple[str, ...] = (PLUGIN,)
    pydantic: Mapping[str, bool] = field(default_factory=dict[str, bool])

    def write(self, folder: Path) -> None:
        lines = ["[mypy]", "strict = True"]
        if self.plugins:
            lines += [f"plugins = {', '.join(self.plugins)}"]
        if PYDANTIC in self.plugins:
            lines += ["[pydantic-mypy]", *(f"{key} = {on}" for key, on in self.pydantic.items())]
        (folder / "mypy.ini").write_text("\n".join([*lines, ""]), "utf-8")


SETTINGS = {
    "alone": Setting(),
    "pydantic.mypy before": Setting((PYDANTIC, PLUGIN)),
    "pydantic.mypy after": Setting((PLUGIN, PYDANTIC)),
    "init_typed": Setting((PYDANTIC, PLUGIN), {"init_typed": True, "init_forbid_extra": True}),
    "init_typed off": Setting((PYDANTIC, PLUGIN), {"init_typed": False}),
}


def mypy(folder: Path) -> list[str]:
    """Return the lines that `mypy .` prints, with its cache in that folder."""
    return _run([sys.executable, "-m", "mypy", "--show-traceback", "."], folder)


@contextmanager
def daemon(folder: Path) -> Iterator[Daemon]:
    """Start a mypy daemon for this folder, and stop it."""
    started = Daemon(folder)
    started.ask("start", "--", "--config-file", "mypy.ini")
    try:
        yield started
    finally:
        started.ask("stop")


@dataclass(frozen=True)
class Daemon:
    """The mypy daemon of one folder."""

    folder: Path

    def check(self) -> list[str]:
        """Return the lines that it prints about the files as they are now."""
        return self.ask("check", ".")

    def ask(self, *words: str) -> list[str]:
        status = ["--status-file", str(self.folder / "dmypy.json")]
        return _run([sys.executable, "-m", "mypy.dmypy", *status, *words], self.folder)


def _run(command: list[str], folder: Path) -> list[str]:
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "MYPY_CACHE_DIR": str(folder / ".mypy_cache")},
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=_TIMEOUT,
    )
    if done.returncode not in (0, 1) or "INTERNAL ERROR" in done.stdout + done.stderr:
        raise MypyFailedError(f"{done.stdout}\n{done.stderr}")
    return done.stdout.splitlines()
