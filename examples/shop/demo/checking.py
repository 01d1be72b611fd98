"""Run mypy over the handlers that are wrong on purpose."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from examples.shop.demo.expectations import Expectations
from examples.shop.demo.recording import ROOT

BAD_HANDLERS = ROOT / "examples" / "shop" / "bad_handlers.py"

_ERROR = re.compile(r"^(?P<path>[^:]+):(?P<line>\d+):(\d+:)? error: (?P<message>.*)$")


@dataclass(frozen=True, slots=True)
class Finding:
    """What mypy says to one function.

    Attributes:
        function: Its name.
        lines: Its source by line number, those lines that mypy names and the signature.
        messages: The errors, each with its line number.
    """

    function: str
    lines: dict[int, str]
    messages: list[tuple[int, str]]


def run_mypy() -> str:
    """Return what mypy prints, with the configuration of this repository."""
    command = [sys.executable, "-m", "mypy", "--no-pretty", "--config-file", "mypy.ini"]
    finished = subprocess.run(
        [*command, str(BAD_HANDLERS.relative_to(ROOT))],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return finished.stdout + finished.stderr


def check_bad_handlers(expectations: Expectations) -> list[Finding]:
    """Return mypy's errors by function; note whether each function has some, and no line else."""
    output = run_mypy()
    errors = list(_errors(output))
    expectations.expect(bool(errors), f"mypy finds errors; it printed: {output}")
    source = BAD_HANDLERS.read_text(encoding="utf-8")
    findings = [_finding(node, source, errors) for node in _functions(source)]
    for finding in findings:
        expectations.expect(bool(finding.messages), f"mypy refuses {finding.function}")
    told = sum(len(finding.messages) for finding in findings)
    expectations.equal(told, len(errors), "errors of mypy inside of the bad handlers")
    return findings


def _errors(output: str) -> Iterator[tuple[int, str]]:
    for line in output.splitlines():
        match = _ERROR.match(line)
        if match and match["path"].endswith(BAD_HANDLERS.name):
            yield int(match["line"]), match["message"]


def _functions(source: str) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return [node for node in ast.parse(source).body if isinstance(node, kinds)]


def _finding(
    node: ast.FunctionDef | ast.AsyncFunctionDef, source: str, errors: list[tuple[int, str]]
) -> Finding:
    first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
    last = node.end_lineno or node.lineno
    messages = [(line, message) for line, message in errors if first <= line <= last]
    shown = sorted({first, node.lineno, *(line for line, _ in messages)})
    lines = source.splitlines()
    return Finding(node.name, {line: lines[line - 1] for line in shown}, messages)
