"""`make bench-ratio`: a send against the bare loop and validation, in one process, in short.

It reports and never fails: a ratio that has grown against the table in benchmarks/results.json by a
tenth or more is worth a look, and a second run.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.sends import beside_validation

RESULTS = Path(__file__).with_name("results.json")


def main() -> None:
    """Measure, and print beside what was measured for the record."""
    before = json.loads(RESULTS.read_text("utf-8"))["beside_validation"]
    now = asyncio.run(beside_validation(rounds=15))
    table = Table(title="send / (bare loop + bare validation)")
    for heading in ("payload", "receivers", "on record", "now", "now / record"):
        table.add_column(heading, justify="right")
    for fields, row in now.items():
        for count, ratio in row.items():
            then = before[fields][count]
            table.add_row(fields, count, f"{then:.2f}", f"{ratio:.2f}", f"{ratio / then:.2f}")
    Console().print(table)


if __name__ == "__main__":
    main()
