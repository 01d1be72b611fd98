"""What connected receivers take of memory, and how long the import takes.

Each figure comes from a fresh interpreter. Memory is that of ten thousand connections or signals,
divided by their number. The receivers themselves are not counted, nor the dict of their
annotations, which Python makes when somebody looks at it first, as `connect` does. Imports are
timed inside of the interpreters, the two by turns; the ratio is that of the fastest, which noise of
the machine makes larger but never smaller.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import importlib.util
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track
from rich.table import Table

from fastdjango_signals import Payload, Signal

COUNT = 10_000

OURS = "fastdjango_signals"
LIBRARIES = (OURS, "django", "blinker")
KINDS = ("function", "bound method", "signal")
LIMITS = {"function": 300, "bound method": 400}
IMPORT_LIMIT = 1.15

ROOT = Path(__file__).resolve().parents[1]

_TIMED = "import time; started = time.perf_counter()\n{}\nprint(time.perf_counter() - started)"
_IMPORTS = {
    OURS: _TIMED.format(f"import {OURS}"),
    "pydantic": _TIMED.format(
        "import pydantic\nclass Order(pydantic.BaseModel):\n    order_id: int\n    email: str"
    ),
}


class OrderPlaced(Payload):
    """What a signal of ours carries."""

    order_id: int
    email: str


def memory() -> dict[str, float]:
    """Return the bytes of each of KINDS, ours by these names, others by `django: function`.

    Of LIBRARIES, those that are installed are measured.
    """
    installed = [name for name in LIBRARIES if importlib.util.find_spec(name)]
    wanted = [(library, kind) for library in installed for kind in KINDS]
    return {
        _key(library, kind): float(_run("-m", "benchmarks.footprint", "--one", library, kind))
        for library, kind in track(wanted, "memory")
    }


def _key(library: str, kind: str) -> str:
    return kind if library == OURS else f"{library}: {kind}"


def import_ratio(rounds: int) -> float:
    """Return the time of importing this library, against pydantic and one model of it."""
    took: dict[str, list[float]] = {name: [] for name in _IMPORTS}
    for name in [*_IMPORTS] * (rounds + 1):
        took[name].append(float(_run("-c", _IMPORTS[name])))
    # The first of each may have compiled modules.
    fastest = {name: min(times[1:]) for name, times in took.items()}
    return fastest[OURS] / fastest["pydantic"]


def _run(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, capture_output=True, encoding="utf-8", check=False
    )
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    return done.stdout


def _measured(library: str, kind: str) -> float:
    """Return the bytes of one, in this process."""
    make = _maker(library)
    kept: list[object] = [None] * COUNT
    connect = make().connect
    receivers = _functions() if kind == "function" else _owners()
    gc.collect()
    tracemalloc.start()
    for number in range(COUNT):
        if kind == "signal":
            kept[number] = make()
        else:
            # A bound method is made anew each time, and only its object lives on.
            connect(receivers[number] if kind == "function" else receivers[number].receive)
    gc.collect()
    return tracemalloc.get_traced_memory()[0] / COUNT


def _maker(library: str) -> Callable[[], Any]:
    if library == OURS:
        return lambda: Signal(OrderPlaced, name="order_placed")
    if library == "django":
        importlib.import_module("django.conf").settings.configure()
    module = importlib.import_module("django.dispatch" if library == "django" else library)
    make: Callable[[], Any] = module.Signal
    return make


def _functions() -> list[Any]:
    """Return functions, each with code of its own, as those of a program have."""
    source = "async def receive_{}(sender: object, order_id: int, email: str) -> None: ..."
    namespace: dict[str, Any] = {}
    exec("\n".join(map(source.format, range(COUNT))), namespace)
    functions = [namespace[f"receive_{number}"] for number in range(COUNT)]
    for each in functions:
        each.__annotations__  # noqa: B018 - makes the dict
    return functions


class _Owner:
    async def receive(
        self, sender: object, order_id: int = 0, email: str = "", **kwargs: object
    ) -> None: ...


def _owners() -> list[Any]:
    return [_Owner() for _ in range(COUNT)]


def _show_memory(console: Console) -> None:
    found = memory()
    table = Table(title=f"bytes each, of {COUNT:,}")
    for heading in ("", *KINDS):
        table.add_column(heading, justify="right" if heading else "left")
    for library in LIBRARIES:
        figures = [found[key] for kind in KINDS if (key := _key(library, kind)) in found]
        if figures:
            table.add_row(library, *(f"{figure:,.0f}" for figure in figures))
    table.add_row("target for ours", *(f"below {limit}" for limit in LIMITS.values()), "none")
    missed = [name for name, limit in LIMITS.items() if found[name] >= limit]
    console.print(table, f"Missed: {', '.join(missed)}." if missed else "Both targets are met.")


def _show_import(console: Console, rounds: int) -> None:
    with console.status("importing"):
        ratio = import_ratio(rounds)
    table = Table(title=f"fastest import of {rounds}")
    for heading in ("import", "ratio", "target"):
        table.add_column(heading, justify="right" if heading != "import" else "left")
    table.add_row("pydantic and one model", "1.00", "")
    table.add_row(OURS, f"{ratio:.2f}", f"{IMPORT_LIMIT}")
    console.print(table, "Missed." if ratio > IMPORT_LIMIT else "The target is met.")


def main() -> None:
    """Measure, and print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--one", nargs=2, metavar=("LIBRARY", "KIND"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        library, kind = options.one
        sys.stdout.write(f"{_measured(library, kind)}\n")
        return
    console = Console()
    _show_memory(console)
    _show_import(console, options.rounds)


if __name__ == "__main__":
    main()
