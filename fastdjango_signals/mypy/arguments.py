"""What is given for a parameter, in a call that mypy asks about."""

from __future__ import annotations

from mypy.nodes import ARG_NAMED, ARG_POS, CallExpr
from mypy.plugin import FunctionContext, FunctionSigContext, MethodContext
from mypy.types import AnyType, ProperType, Type, TypeOfAny, get_proper_type

Call = FunctionContext | MethodContext


def argument(ctx: Call, name: str) -> ProperType | None:
    """Return the type of what is given for a parameter; None if nothing is.

    It is Any where `*args` or `**kwargs` may or may not give it.
    """
    return at(ctx, ctx.callee_arg_names.index(name)) if name in ctx.callee_arg_names else None


def at(ctx: Call, index: int) -> ProperType | None:
    """Return the type of what is given for the parameter at an index, in the same way."""
    if not ctx.arg_types[index]:
        return None
    if ctx.arg_kinds[index][0] not in (ARG_POS, ARG_NAMED):
        return AnyType(TypeOfAny.special_form)
    return get_proper_type(ctx.arg_types[index][0])


def sender(ctx: Call) -> Type | None:
    """Return the type of the option `sender`."""
    return argument(ctx, "sender")


def first_before_the_call(ctx: FunctionSigContext) -> ProperType | None:
    """Return the type of what is given first, as `at` does, while mypy asks for the signature."""
    if not ctx.args or not ctx.args[0]:
        return None
    expression, call = ctx.args[0][0], ctx.context
    if not isinstance(call, CallExpr) or call.arg_kinds[call.args.index(expression)].is_star():
        return AnyType(TypeOfAny.special_form)
    return get_proper_type(ctx.api.get_expression_type(expression))
