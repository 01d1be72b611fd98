"""Processes that end when the demo does, however that ends."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType, TracebackType
from typing import IO, Any, Self

ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
SECONDS_TO_STOP = 5


class Interruptions:
    """Has Ctrl-C, and other polite requests to end, raise SystemExit; but not at a bad moment."""

    def __init__(self) -> None:
        self._before: dict[int, Any] = {}
        self._held = 0
        self._arrived: int | None = None

    def begin(self) -> None:
        """Take over from what answered them before."""
        self._before = {number: signal.signal(number, self._arrive) for number in ENDINGS}

    @contextmanager
    def held(self) -> Generator[None, None, None]:
        """Let what arrives in a block wait for its end."""
        self._held += 1
        try:
            yield
        finally:
            self._held -= 1
        self._raise()

    def end(self) -> None:
        """Put back what answered them before."""
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _arrive(self, number: int, frame: FrameType | None) -> None:
        self._arrived = number
        self._raise()

    def _raise(self) -> None:
        if self._arrived is not None and not self._held:
            number, self._arrived = self._arrived, None
            raise SystemExit(128 + number)


class Processes:
    """The processes of a `with` block; the last one that was started is stopped first.

    Each has a session of its own, so that Ctrl-C in the terminal reaches this process alone, which
    then stops them in order.

    Args:
        folder: Where each keeps its log.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._running: list[subprocess.Popen[str]] = []
        self._interruptions = Interruptions()

    def __enter__(self) -> Self:
        self._interruptions.begin()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with self._interruptions.held():
            for process in reversed(self._running):
                self.stop(process)
            self._interruptions.end()

    def start(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        environment: Mapping[str, str] | None = None,
        pass_fds: Sequence[int] = (),
        stdout: int | None = None,
    ) -> subprocess.Popen[str]:
        """Start a process, whose output goes to the log of this name."""
        with self._interruptions.held(), self._log(name) as log:
            process = subprocess.Popen(
                command,
                env={**os.environ, **(environment or {})},
                pass_fds=pass_fds,
                stdin=subprocess.DEVNULL,
                stdout=log if stdout is None else stdout,
                stderr=log,
                start_new_session=True,
                text=True,
            )
            self._running.append(process)
        return process

    def stop(self, process: subprocess.Popen[str]) -> int:
        """Ask a process to end, and see to it that it does; return its exit code."""
        process.terminate()
        try:
            return process.wait(SECONDS_TO_STOP)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()

    def are_gone(self) -> bool:
        """Return whether every process that was started has ended."""
        return all(process.poll() is not None for process in self._running)

    def _log(self, name: str) -> IO[str]:
        return (self.folder / f"{name}.log").open("a", encoding="utf-8")
