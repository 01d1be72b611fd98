"""What the case files expect mypy to say, word for word.

Comments above a statement say what mypy must say about it; about all others it must be silent.

    # E: Receiver "notify" is not async; declare it with "async def"  [signal-receiver]
    # N: Revealed type is "builtins.int"
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tests.typing.markers import Row, rows_of, statement_starts

CASES = tuple(sorted((Path(__file__).parent / "cases").glob("*.py")))

_EXPECTED = re.compile(r"\s*# ([EN]): (.*)")
_SAID = re.compile(r"(?P<file>[^:]+\.py):(?P<line>\d+): (?P<kind>error|note): (?P<text>.*)")
# Where mypy says who defined what was called wrongly, or what to do; the error stands before it.
_ASIDE = re.compile(r'".*" defined in ".*"|Are you missing an await\?')


@dataclass(frozen=True)
class Remark:
    """Something that mypy says about the statement that begins in this line."""

    line: int
    text: str


@dataclass(frozen=True)
class Expectations:
    """A case file, read."""

    path: Path

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.path.read_text("utf-8"))

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        return tuple(rows_of(self.path, self.tree))

    @cached_property
    def remarks(self) -> Counter[Remark]:
        """What mypy must say, by the first line of the statement."""
        found, waiting = Counter[Remark](), list[str]()
        for number, line in enumerate(self.path.read_text("utf-8").splitlines(), 1):
            match = _EXPECTED.fullmatch(line)
            if match:
                waiting.append(f"{match[1]}: {match[2]}")
            elif waiting:
                found.update(Remark(number, text) for text in waiting)
                waiting.clear()
        return found

    def said(self, output: Iterable[str]) -> Counter[Remark]:
        """Return what mypy said about this file."""
        return Counter(_said(output, self.path.name, statement_starts(self.tree)))


def _said(output: Iterable[str], file: str, starts: dict[int, int]) -> Iterator[Remark]:
    for match in filter(None, map(_SAID.fullmatch, output)):
        if Path(match["file"]).name == file and not _ASIDE.fullmatch(match["text"]):
            line = int(match["line"])
            yield Remark(starts.get(line, line), f"{match['kind'][0].upper()}: {match['text']}")
