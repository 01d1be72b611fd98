"""The call loops of one signal: those of `dispatch`, with its payload written out.

`receiver(sender=sender, **fields)` costs twice as much as a call that names each argument. So a
loop is rewritten for the fields of a payload, as `dataclasses` writes an `__init__`. Debuggers and
tracebacks show the lines as they run. Where the source of `dispatch` is not at hand, or a field
has a name that cannot be written, the loop runs as it is.
"""

from __future__ import annotations

import ast
import inspect
import keyword
import linecache
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from fastdjango_signals import concurrency, dispatch
from fastdjango_signals.dispatch import Strategy
from fastdjango_signals.payloads import Schema


@dataclass(frozen=True, slots=True)
class Loops:
    """The call loops of a signal: for FIELDS, PAYLOAD and EACH, in this order."""

    send: tuple[Strategy, ...]
    send_robust: tuple[Strategy, ...]


TOGETHER = Loops((concurrency.send_together,) * 3, (concurrency.send_robust_together,) * 3)


def loops_in_turn(schema: Schema) -> Loops:
    """Return the loops that call one receiver after another."""
    return Loops(
        _by_way(dispatch.send_in_turn, dispatch.send_to_each, schema),
        _by_way(dispatch.send_robust_in_turn, dispatch.send_robust_to_each, schema),
    )


def _by_way(in_turn: Strategy, to_each: Strategy, schema: Schema) -> tuple[Strategy, ...]:
    return _with_fields(in_turn, schema), written_out(in_turn, None) or to_each, to_each


def _with_fields(loop: Strategy, schema: Schema) -> Strategy:
    if schema.is_open or not all(map(_can_be_written, schema.fields)):
        return loop
    return written_out(loop, schema.fields) or loop


def _can_be_written(name: str) -> bool:
    return not keyword.iskeyword(name) and unicodedata.normalize("NFKC", name) == name


@cache
def written_out(loop: Strategy, names: tuple[str, ...] | None) -> Strategy | None:
    """Return a loop that calls receivers with these fields, or with the payload for None.

    It is None where the source of the loop cannot be read.
    """
    try:
        tree = ast.parse(inspect.getsource(loop))
    except (OSError, TypeError):
        return None
    source = ast.unparse(_WritingOut(names).visit(tree))
    carried = "payload" if names is None else ", ".join(names)
    file = f"<fastdjango_signals {loop.__name__}({carried})>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    made: dict[str, Strategy] = {}
    exec(compile(source, file, "exec", dont_inherit=True), dispatch.__dict__, made)
    return made[loop.__name__]


class _WritingOut(ast.NodeTransformer):
    """Writes the fields out, where a loop says `fields`."""

    def __init__(self, names: Sequence[str] | None) -> None:
        self._names = names

    def visit_Assign(self, node: ast.Assign) -> list[ast.stmt] | ast.AST:
        """Replace `fields = schema.values(payload)`."""
        if not any(isinstance(each, ast.Name) and each.id == "fields" for each in node.targets):
            return self.generic_visit(node)
        if not self._names:
            return []
        reads = [f"field_{name} = attributes[{name!r}]" for name in self._names]
        return ast.parse("\n".join(["attributes = payload.__dict__", *reads])).body

    def visit_Call(self, node: ast.Call) -> ast.Call:
        """Replace `**fields`."""
        self.generic_visit(node)
        keywords: list[ast.keyword] = []
        for each in node.keywords:
            keywords += self._written() if each.arg is None else [each]
        node.keywords = keywords
        return node

    def _written(self) -> list[ast.keyword]:
        if self._names is None:
            return [ast.keyword("payload", ast.Name("payload", ast.Load()))]
        return [ast.keyword(name, ast.Name(f"field_{name}", ast.Load())) for name in self._names]
