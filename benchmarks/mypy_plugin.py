"""What the mypy plugin costs: mypy over a large generated project, with it and without.

Both read the same right programs with an empty cache, by turns. The result is a ratio of the
fastest runs, which noise of the machine makes larger but never smaller.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

LIMIT = 1.15
PER_MODULE = 10
RECEIVERS = 4  # for each signal

SETTINGS = {"without": "", "with": "plugins = fastdjango_signals.mypy\n"}


def write_project(folder: Path, signals: int) -> None:
    """Write modules of ten signals each, with four receivers and a send for each signal."""
    for number in range(signals // PER_MODULE):
        source = "\n".join(_signal(index) for index in range(PER_MODULE))
        text = f"from fastdjango_signals import Payload, Signal\n{source}"
        (folder / f"module_{number}.py").write_text(text, "utf-8")
    for name, plugins in SETTINGS.items():
        (folder / f"{name}.ini").write_text(f"[mypy]\nstrict = True\n{plugins}", "utf-8")


def _signal(index: int) -> str:
    return f"""
class Order{index}(Payload):
    order_id: int
    email: str
    note: str | None = None
signal_{index} = Signal(Order{index})
@signal_{index}.connect
async def fields_{index}(sender: object, order_id: int, **kwargs: object) -> None: ...
@signal_{index}.connect
async def all_{index}(sender: object, order_id: int, email: str, note: object = 0) -> None: ...
@signal_{index}.connect(sender=int, priority=3)
async def payload_{index}(sender: object, payload: Order{index}) -> None: ...
async def by_call_{index}(sender: object, email: str, **kwargs: object) -> None: ...
signal_{index}.connect(by_call_{index})
async def send_{index}() -> None:
    await signal_{index}.send(sender=None, order_id={index}, email="")
"""


def seconds(folder: Path, setting: str) -> float:
    """Return how long mypy takes, from start to end."""
    command = [sys.executable, "-m", "mypy", "--config-file", f"{setting}.ini"]
    started = time.perf_counter()
    done = subprocess.run(
        [*command, "--cache-dir", "/dev/null", "."],
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    return time.perf_counter() - started


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--signals", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    took: dict[str, list[float]] = {setting: [] for setting in SETTINGS}
    with tempfile.TemporaryDirectory() as name:
        write_project(Path(name), options.signals)
        for setting in track([*SETTINGS] * options.rounds, "mypy, cold"):
            took[setting].append(seconds(Path(name), setting))
    fastest = {setting: min(times) for setting, times in took.items()}
    ratio = fastest["with"] / fastest["without"]
    table = Table(title=f"{options.signals} signals, {options.signals * RECEIVERS} receivers")
    for heading in ("mypy", "fastest run", "ratio"):
        table.add_column(heading, justify="right")
    table.add_row("without the plugin", f"{fastest['without']:.2f} s", "1.00")
    table.add_row("with it", f"{fastest['with']:.2f} s", f"{ratio:.2f}")
    Console().print(table, f"The aim is at most {LIMIT}.")


if __name__ == "__main__":
    main()
