"""Methods that take any receiver, so that the plugin alone says what is wrong with it.

mypy chooses among overloads before it asks a plugin, and refuses a receiver that suits none of
them in words of its own. So their place is taken by a method with the parameters of the
implementation, which takes anything.
"""

from __future__ import annotations

from mypy.nodes import (
    ARG_STAR,
    Block,
    EllipsisExpr,
    FuncDef,
    OverloadedFuncDef,
    ReturnStmt,
    Statement,
)
from mypy.plugin import ClassDefContext
from mypy.types import CallableType, UnboundType

_WIDENED = ("connect", "connected_to", "__call__")


def widen(ctx: ClassDefContext) -> None:
    """Replace each overloaded method that takes a receiver."""
    ctx.cls.defs.body = [_widened(statement) for statement in ctx.cls.defs.body]


def _widened(statement: Statement) -> Statement:
    if not isinstance(statement, OverloadedFuncDef) or statement.name not in _WIDENED:
        return statement
    implementation = statement.impl or statement.items[-1]
    if not isinstance(implementation, FuncDef):
        return statement
    return _without_star(implementation)


def _without_star(original: FuncDef) -> FuncDef:
    """Leave out the `*misplaced` that only gives a better error at run time.

    A subclass that overrides the method need not have it.
    """
    declared = original.unanalyzed_type
    if not isinstance(declared, CallableType) or ARG_STAR not in original.arg_kinds:
        return original
    kept = [index for index, kind in enumerate(original.arg_kinds) if kind != ARG_STAR]
    signature = declared.copy_modified(
        arg_types=[declared.arg_types[index] for index in kept],
        arg_kinds=[declared.arg_kinds[index] for index in kept],
        arg_names=[declared.arg_names[index] for index in kept],
        ret_type=UnboundType("object"),
    )
    arguments = [original.arguments[index] for index in kept]
    method = FuncDef(original.name, arguments, Block([ReturnStmt(EllipsisExpr())]), signature)
    method.set_line(original)
    return method
