"""The fifth judge: running each statement, which the checkers should agree with.

`python -m tests.typing.execution FOLDER` runs the Python files in a folder, and prints the errors
as JSON. An interpreter of its own keeps the signals and receivers of the cases out of the tests.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
import json
import sys
import traceback
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from types import ModuleType
from typing import ClassVar

import fastdjango_signals
from tests.typing.checkers import run
from tests.typing.markers import Problem, is_check

REFUSALS = (TypeError, ValueError)
"""What a wrong statement raises; every error of the package for a wrong use is one of these."""

ROOT = Path(__file__).parents[2]


class RunTime:
    """Python itself, which runs the statements of a case file one by one."""

    name: ClassVar[str] = "runtime"

    def judge(self, folder: Path) -> list[Problem]:
        output = run([sys.executable, "-m", "tests.typing.execution", str(folder)], ROOT, ok=[0])
        return [Problem(**each) for each in json.loads(output)]


async def problems_of(path: Path, source: str) -> list[Problem]:
    """Run the definitions of a file and the body of each check, one statement at a time."""
    # Pydantic looks up the module in which a generic model is filled in.
    module = sys.modules[path.stem] = ModuleType(path.stem)
    problems: list[Problem] = []
    for statement in _statements(ast.parse(source)):
        code = compile(
            ast.Module([statement], []), str(path), "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        )
        try:
            running = eval(code, module.__dict__)
            if inspect.iscoroutine(running):
                await running
        except REFUSALS as error:
            problems.append(_problem(error, path))
    return problems


def _statements(tree: ast.Module) -> Iterator[ast.stmt]:
    for node in tree.body:
        if is_check(node):
            yield from node.body
        else:
            yield node


def _problem(error: Exception, path: Path) -> Problem:
    frames = traceback.extract_tb(error.__traceback__)
    line = next(frame.lineno for frame in frames if frame.filename == str(path))
    return Problem(path.name, line or 0, type(error).__name__, " ".join(str(error).split()))


def main(folder: Path) -> None:
    # As a program does that uses the import path that FastDjango documents.
    fastdjango_signals.install()
    found: list[Problem] = []
    for path in sorted(folder.glob("*.py")):
        found += asyncio.run(problems_of(path, path.read_text("utf-8")))
    sys.stdout.write(json.dumps([asdict(problem) for problem in found]))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
