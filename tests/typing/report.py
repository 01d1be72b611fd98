"""The table that `make test-typing` prints: topics by judges."""

from __future__ import annotations

from collections.abc import Iterator

from rich.table import Table

from tests.typing.markers import JUDGES, Case, Row
from tests.typing.verdicts import CASES, Verdicts

CAPTION = (
    "✓ n: as expected, but for n statements that this judge cannot tell, each with its reason "
    "beside it; ✗ n: n mistakes"
)

_HEADINGS = {"plugin": "mypy + plugin", "runtime": "run time"}


def table(verdicts: Verdicts) -> Table:
    """Return one line for each topic: its statements, and what each judge makes of them."""
    shown = Table(title="Wrong statements refused, right ones accepted", caption=CAPTION)
    shown.add_column("topic")
    for heading in ("wrong", "right"):
        shown.add_column(heading, justify="right")
    for judge in JUDGES:
        shown.add_column(_HEADINGS.get(judge, judge))
    totals = [0] * (2 + 2 * len(JUDGES))
    for path in CASES:
        case = verdicts.cases[path.name]
        for row in case.rows:
            numbers = [*_counts(case, row), *_outcomes(verdicts, case, row)]
            if any(numbers):
                shown.add_row(row.title, *_cells(numbers))
                totals = [sum(pair) for pair in zip(totals, numbers, strict=True)]
        shown.add_section()
    shown.add_row("all", *_cells(totals))
    return shown


def _counts(case: Case, row: Row) -> tuple[int, int]:
    """Return how many statements of a row are wrong, and how many are right."""
    starts = {first for first in case.starts.values() if row.first < first <= row.last}
    wrong = {line for line, marker in case.markers.items() if marker.is_wrong and line in starts}
    return len(wrong), len(starts - wrong)


def _outcomes(verdicts: Verdicts, case: Case, row: Row) -> Iterator[int]:
    """Yield, for each judge, how many statements it cannot tell, and its mistakes."""
    for judge in JUDGES:
        yield sum(
            marker.limits(judge)
            for line, marker in case.markers.items()
            if case.row_of(line) == row
        )
        yield sum(
            case.row_of(mistake.line) == row for mistake in verdicts.mistakes(case.name, judge)
        )


def _cells(numbers: list[int]) -> list[str]:
    wrong, right, *outcomes = numbers
    pairs = zip(outcomes[::2], outcomes[1::2], strict=True)
    return [str(wrong), str(right), *(_cell(limits, failures) for limits, failures in pairs)]


def _cell(limits: int, failures: int) -> str:
    if failures:
        return f"[red]✗ {failures}[/red]"
    return f"[green]✓[/green] {limits or ''}".rstrip()
