"""`make bench`: measure everything, print it, and write results.json, the chart and the table."""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks import chart, connections, footprint, requests, sends
from benchmarks.measuring import machine
from benchmarks.peers import ABILITIES
from benchmarks.targets import targets

ROOT = Path(__file__).parents[1]
BEGIN, END = "<!-- benchmark: begin -->", "<!-- benchmark: end -->"
TITLE = "Time of a send against a bare loop (2 fields, shorter is better)"


async def measure(rounds: int) -> dict[str, Any]:
    """Return the results of one run, by name."""
    console = Console(stderr=True)
    results: dict[str, Any] = {"machine": machine(), "eager": sys.version_info >= (3, 12)}
    steps = {
        "beside_peers": sends.beside_peers,
        "beside_validation": sends.beside_validation,
        "variants": sends.variants,
        "together": sends.together,
        "nobody": sends.nobody,
        "one_among_many": connections.one_among_many,
        "connecting": connections.connecting,
        "churn": connections.churn,
    }
    for name, step in steps.items():
        with console.status(f"measuring: {name}"):
            results[name] = await step(rounds)
    return results


def measure_in_processes(seconds: float) -> dict[str, Any]:
    """Return the results that need processes of their own."""
    return {
        "bubus": _bubus(),
        "memory": footprint.memory(),
        "import": footprint.import_ratio(10),
        "requests": requests.throughput(seconds),
    }


def _bubus() -> dict[str, float]:
    """Return time / floor of bubus; nothing where it does not come back."""
    command = [sys.executable, "-m", "benchmarks.bubus_alone"]
    try:
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, check=True, encoding="utf-8", timeout=60
        )
    except subprocess.TimeoutExpired:
        return {}
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def peers_table(results: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Return the heading and the rows of the comparison with other libraries."""
    counts = [str(count) for count in sends.COUNTS]
    heading = ["", *(f"{count:,}" for count in sends.COUNTS)]
    heading += ["validates", "responses", "senders", "weak"]
    found = _all_peers(results)
    rows = [
        [name, *(f"{row[c]:.1f}" if c in row else "-" for c in counts), *ABILITIES[name]]
        for name, row in found.items()
    ]
    return heading, rows


def _all_peers(results: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    alone = {"bubus": results["bubus"]} if results["bubus"] else {}
    return {**results["beside_peers"], **alone}


def show(results: Mapping[str, Any], console: Console) -> None:
    """Print the tables."""
    about = ", ".join(results["machine"].values())
    heading, rows = peers_table(results)
    console.print(_table(f"time / bare loop, by receivers ({about})", heading, rows))
    simple = {
        **{f"{name} / send, to 10": ratio for name, ratio in results["variants"].items()},
        "send to nobody / bare validation": results["nobody"],
        "concurrent send to 10 / bare loop": results["together"],
        **{f"one match among {n} / among 10": r for n, r in results["one_among_many"].items()},
        **{f"requests: {name}": figure for name, figure in results["requests"].items()},
        **{f"memory: {name}": figure for name, figure in results["memory"].items()},
    }
    rows = [[name, f"{figure:,.2f}"] for name, figure in simple.items()]
    console.print(_table("more figures", ["", "measured"], rows))
    rows = [
        [
            target.what,
            f"{target.measured:.2f}",
            f"{target.limit:g}",
            "yes" if target.holds else "[red]no[/red]",
            "" if target.by_hand is None else f"{target.by_hand:.2f}",
        ]
        for target in targets(results)
    ]
    console.print(_table("targets", ["", "measured", "at most", "holds", "by hand"], rows))


def _table(title: str, heading: list[str], rows: list[list[str]]) -> Table:
    table = Table(title=title)
    for index, name in enumerate(heading):
        table.add_column(name, justify="right" if index else "left")
    for row in rows:
        table.add_row(*row)
    return table


def write(results: Mapping[str, Any]) -> None:
    """Write the results, the chart, and the table of README.md."""
    text = json.dumps(results, indent=2, sort_keys=True)
    (ROOT / "benchmarks" / "results.json").write_text(text + "\n", "utf-8")
    found = _all_peers(results)
    (ROOT / "docs" / "benchmarks.svg").write_text(chart.svg(found, TITLE), "utf-8")
    heading, rows = peers_table(results)
    lines = [heading, ["---", *["---:"] * (len(heading) - 1)], *rows]
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    about = ", ".join(results["machine"].values())
    readme = (ROOT / "README.md").read_text("utf-8")
    before, _, rest = readme.partition(BEGIN)
    _, _, after = rest.partition(END)
    (ROOT / "README.md").write_text(
        f"{before}{BEGIN}\n\n{table}\n\n{about}\n\n{END}{after}", "utf-8"
    )


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--seconds", type=float, default=6.0, help="for the requests")
    parser.add_argument("--dry", action="store_true", help="print only")
    options = parser.parse_args()
    results = asyncio.run(measure(options.rounds))
    results.update(measure_in_processes(options.seconds))
    show(results, Console(width=110))
    if not options.dry:
        write(results)


if __name__ == "__main__":
    main()
