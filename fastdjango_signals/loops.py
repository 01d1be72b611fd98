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
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias, cast

from pydantic import BaseModel
from typing_extensions import TypeVar

from fastdjango_signals import concurrency, dispatch
from fastdjango_signals.dispatch import Delivery, Responses, Strategy
from fastdjango_signals.payloads import Schema
from fastdjango_signals.plans import Plan

F = TypeVar("F", bound=Callable[..., Any])

_Loop: TypeAlias = Callable[[Plan, Delivery], Awaitable[Responses]]


@dataclass(frozen=True, slots=True)
class Loops:
    """The call loops of a signal: for FIELDS, PAYLOAD and EACH, in this order."""

    send: tuple[Strategy, ...]
    send_robust: tuple[Strategy, ...]


def loops_of(schema: Schema, *, concurrent: bool) -> Loops:
    """Return the loops that call all receivers at once, or one after another."""
    if concurrent:
        together = _delivering(concurrency.send_together, schema)
        robust_together = _delivering(concurrency.send_robust_together, schema)
        return Loops((together,) * 3, (robust_together,) * 3)
    return Loops(
        _by_way(dispatch.send_in_turn, dispatch.send_to_each, schema),
        _by_way(dispatch.send_robust_in_turn, dispatch.send_robust_to_each, schema),
    )


def _by_way(in_turn: Strategy, to_each: _Loop, schema: Schema) -> tuple[Strategy, ...]:
    each = _delivering(to_each, schema)
    return _with_fields(in_turn, schema), written_out(in_turn, None) or each, each


def _delivering(loop: _Loop, schema: Schema) -> Strategy:
    """Return the strategy that makes a delivery and runs a loop with it."""
    delivery_of = _with_fields(dispatch.delivery_of, schema)

    def send(
        plan: Plan, sender: object, payload: BaseModel, name: str, schema: Schema
    ) -> Awaitable[Responses]:
        return loop(plan, delivery_of(sender, payload, name, schema))

    return send


def _with_fields(function: F, schema: Schema) -> F:
    if schema.is_open or not all(map(_can_be_written, schema.fields)):
        return function
    return cast("F", written_out(function, schema.fields)) or function


def _can_be_written(name: str) -> bool:
    return not keyword.iskeyword(name) and unicodedata.normalize("NFKC", name) == name


@cache
def written_out(
    function: Callable[..., Any], names: tuple[str, ...] | None
) -> Callable[..., Any] | None:
    """Return what calls receivers with these fields, or with the payload for None.

    It is None where the source of the function cannot be read.
    """
    try:
        tree = ast.parse(inspect.getsource(function))
    except (OSError, TypeError):
        return None
    source = ast.unparse(_WritingOut(names).visit(tree))
    carried = "payload" if names is None else ", ".join(names)
    file = f"<fastdjango_signals {function.__name__}({carried})>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    made: dict[str, Callable[..., Any]] = {}
    exec(compile(source, file, "exec", dont_inherit=True), dispatch.__dict__, made)
    return made[function.__name__]


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
