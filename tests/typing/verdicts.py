"""What the judges say of the case files, compared with what the markers expect."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.typing.checkers import CHECKERS, Judge
from tests.typing.execution import RunTime
from tests.typing.markers import JUDGES, Case, Problem, read_case

HERE = Path(__file__).parent
CASES = tuple(sorted((HERE / "cases").glob("*.py")))
WRONG_MARKERS = HERE / "samples" / "wrong_markers.py"


@dataclass(frozen=True)
class Mistake:
    """A statement about which a judge does not say what its marker expects."""

    file: str
    line: int
    judge: str
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line} {self.judge} {self.message}"


def mistakes(case: Case, judge: str, problems: Iterable[Problem]) -> list[Mistake]:
    """Return where a judge refuses too much or too little in one file."""
    here = [problem for problem in problems if problem.file == case.name]
    expected = {line for line, marker in case.markers.items() if marker.refused_by(judge)}
    refused = {case.start_of(problem.line) for problem in here if not problem.follows}
    missed = [
        Mistake(case.name, line, judge, "accepts this statement, but it should not")
        for line in sorted(expected - refused)
    ]
    wrong = [
        Mistake(case.name, problem.line, judge, f"{problem.message} [{problem.rule}]")
        for problem in here
        if case.start_of(problem.line) not in expected
    ]
    return missed + wrong


class Verdicts:
    """What each judge says; it is asked once, about all the files, when first needed."""

    def __init__(self, folder: Path) -> None:
        self.cases = {path.name: read_case(path) for path in (*CASES, WRONG_MARKERS)}
        self._folder = folder
        self._problems: dict[str, list[Problem]] = {}
        for case in self.cases.values():
            shutil.copy(case.path, folder)

    @property
    def complete(self) -> bool:
        return set(self._problems) == set(JUDGES)

    def problems(self, name: str) -> list[Problem]:
        if name not in self._problems:
            judges: dict[str, Judge] = {kind.name: kind() for kind in (*CHECKERS, RunTime)}
            self._problems[name] = judges[name].judge(self._folder)
        return self._problems[name]

    def mistakes(self, file: str, judge: str) -> list[Mistake]:
        return mistakes(self.cases[file], judge, self.problems(judge))
