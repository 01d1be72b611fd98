"""What the lines of a case file expect, and what a judge said about them.

A case file is ordinary Python: definitions, and functions called `check_...` whose docstrings
are the rows of the table. A comment at the end of a statement says what its judges must say;
the judges are `mypy`, `pyright`, `ty`, `pyrefly`, `plugin`, which is mypy with our plugin, and
`runtime`, which runs the statement.

    # E                    Every judge refuses this statement.
    # E[mypy, ty]: why     It is wrong, but only these judges can tell; the others are limited.
    # LIMIT[mypy]: why     It is right, yet this judge refuses it.

`static` stands for the four checkers. The plugin is expected to be right about every statement,
unless a limit names it: `# E[runtime, -plugin]: why`, `# LIMIT[plugin]: why`. A statement without
a comment is right, and no judge may refuse it. The comment and the error may be on different lines
of the same statement; of a compound statement, everything before its body counts as one.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeGuard

STATIC = ("mypy", "pyright", "ty", "pyrefly")
JUDGES = (*STATIC, "plugin", "runtime")

_MARKER = re.compile(r"# (?P<kind>E|LIMIT)(?:\[(?P<judges>[^]]*)\])?(?:: (?P<reason>\S.*))?")
_LOOKALIKE = re.compile(r"#\s*(E|LIMIT)\b", re.IGNORECASE)


class MarkerError(Exception):
    """Raised for a comment that looks like a marker, but says nothing that can be checked."""


@dataclass(frozen=True)
class Problem:
    """An error that a judge reports.

    Attributes:
        file: Name of the case file.
        line: Line number, from 1.
        rule: The judge's name for this kind of error.
        message: Its words, on one line.
        follows: Whether such an error only follows from another one, so that it proves nothing.
    """

    file: str
    line: int
    rule: str
    message: str
    follows: bool = False


@dataclass(frozen=True)
class Marker:
    """An expectation that a comment states."""

    line: int
    is_wrong: bool
    judges: frozenset[str]

    def refused_by(self, judge: str) -> bool:
        return judge in self.judges

    def limits(self, judge: str) -> bool:
        """Return whether this judge cannot say what is right."""
        return self.is_wrong != self.refused_by(judge)


@dataclass(frozen=True)
class Row:
    """A topic: one `check_...` function, or a file's definitions."""

    title: str
    first: int
    last: int


@dataclass(frozen=True)
class Case:
    """A case file, read."""

    path: Path
    tree: ast.Module
    starts: Mapping[int, int]
    rows: tuple[Row, ...]
    markers: Mapping[int, Marker] = field(repr=False)

    @property
    def name(self) -> str:
        return self.path.name

    def start_of(self, line: int) -> int:
        """Return the first line of the statement that this line belongs to."""
        return self.starts.get(line, line)

    def row_of(self, line: int) -> Row:
        inside = [row for row in self.rows[1:] if row.first <= line <= row.last]
        return inside[0] if inside else self.rows[0]


def read_case(path: Path) -> Case:
    """Read a case file; raise `MarkerError` for a marker that cannot be understood."""
    source = path.read_text("utf-8")
    tree = ast.parse(source, str(path))
    starts = statement_starts(tree)
    markers: dict[int, Marker] = {}
    for marker in _markers(path, source):
        first = starts.get(marker.line)
        if first is None or first in markers:
            raise MarkerError(f"{path.name}:{marker.line} a statement needs exactly one marker")
        markers[first] = marker
    return Case(path, tree, starts, tuple(rows_of(path, tree)), markers)


def is_check(node: ast.stmt) -> TypeGuard[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Return whether a statement is a function whose body is a row of the table."""
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith(
        "check_"
    )


def statement_starts(tree: ast.Module) -> dict[int, int]:
    """Return the first line of the statement that each line belongs to."""
    return {line: first for first, lines in _statements(tree) for line in lines}


def _statements(tree: ast.Module) -> Iterator[tuple[int, Iterable[int]]]:
    """Yield the first line of each statement, and all its lines before a body."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.stmt):
            continue
        decorators: list[ast.expr] = getattr(node, "decorator_list", [])
        first = min([node.lineno, *(each.lineno for each in decorators)])
        body: list[ast.stmt] = getattr(node, "body", [])
        last = max(node.lineno, _first_line(body[0]) - 1) if body else node.end_lineno
        yield first, range(first, (last or first) + 1)


def _first_line(node: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(each.lineno for each in decorators)])


def _markers(path: Path, source: str) -> Iterator[Marker]:
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type != tokenize.COMMENT or not _LOOKALIKE.match(token.string):
            continue
        line = token.start[0]
        match = _MARKER.fullmatch(token.string)
        if match is None:
            raise MarkerError(f"{path.name}:{line} no marker: {token.string}")
        yield Marker(line, match["kind"] == "E", _judges(match, f"{path.name}:{line}"))


def _judges(match: re.Match[str], place: str) -> frozenset[str]:
    if match["judges"] is None:
        if match["kind"] == "LIMIT":
            raise MarkerError(f"{place} a limit names its judges: {match[0]}")
        return frozenset(JUDGES)
    names = {name.strip() for name in match["judges"].split(",")}
    if "static" in names:
        names = (names - {"static"}) | set(STATIC)
    if match["kind"] == "E":
        names = names - {"-plugin"} if "-plugin" in names else names | {"plugin"}
    if not names <= set(JUDGES) or match["reason"] is None:
        raise MarkerError(f"{place} a limit names judges and a reason: {match[0]}")
    return frozenset(names)


def rows_of(path: Path, tree: ast.Module) -> Iterator[Row]:
    """Yield the topics of a case file."""
    yield Row(f"{path.stem}: definitions", 0, 0)
    for node in tree.body:
        if is_check(node):
            title = ast.get_docstring(node)
            if not title:
                raise MarkerError(f"{path.name}:{node.lineno} a check needs a docstring, its title")
            yield Row(title, _first_line(node), node.end_lineno or node.lineno)
