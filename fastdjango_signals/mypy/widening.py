"""Methods that take any receiver, so that the plugin alone says what is wrong with it.

mypy chooses among overloads before it asks a plugin, and refuses a receiver that suits none of
them in words of its own. Their implementation is declared to take anything; it takes their place.
"""

from __future__ import annotations

from mypy.nodes import FuncDef, OverloadedFuncDef, Statement
from mypy.plugin import ClassDefContext

_WIDENED = ("connect", "connected_to", "__call__")


def widen(ctx: ClassDefContext) -> None:
    """Leave only the implementation of each overloaded method that takes a receiver."""
    ctx.cls.defs.body = [_implementation(statement) for statement in ctx.cls.defs.body]


def _implementation(statement: Statement) -> Statement:
    if isinstance(statement, OverloadedFuncDef) and statement.name in _WIDENED:
        implementation = statement.impl or statement.items[-1]
        if isinstance(implementation, FuncDef):
            return implementation
    return statement
