"""`send` and `send_robust`: ordinary calls, whose keywords are the fields of the payload."""

from __future__ import annotations

from mypy.nodes import ARG_POS, ARG_STAR, ARG_STAR2, CallExpr, Expression
from mypy.plugin import MethodSigContext
from mypy.types import CallableType, FunctionLike, Instance, get_proper_type

from fastdjango_signals.mypy.codes import SIGNAL_PAYLOAD, report
from fastdjango_signals.mypy.dependencies import depend_on
from fastdjango_signals.mypy.names import BASE_MODEL
from fastdjango_signals.mypy.payloads import (
    Payload,
    any_type,
    makes_itself,
    payload_of,
    signal_arguments,
)


def signature(ctx: MethodSigContext) -> FunctionLike:
    """Return the signature of a send of this signal."""
    arguments = signal_arguments(ctx.type)
    if arguments is None:
        return ctx.default_signature
    payload = payload_of(*arguments)
    if payload.fields is None or makes_itself(payload.model):
        return ctx.default_signature
    depend_on(ctx.api, payload)
    problem = _not_by_keyword(ctx, payload)
    if problem is not None:
        report(ctx.api, ctx.context, SIGNAL_PAYLOAD, "A signal", [problem])
        return _anything(ctx.default_signature)
    return _carrying(ctx.default_signature, payload)


def _carrying(original: CallableType, payload: Payload) -> CallableType:
    fields = payload.parameters()
    return original.copy_modified(
        arg_types=[original.arg_types[0], *fields.arg_types],
        arg_kinds=[original.arg_kinds[0], *fields.arg_kinds],
        arg_names=["sender", *fields.arg_names],
    )


def _anything(original: CallableType) -> CallableType:
    return original.copy_modified(
        arg_types=[any_type(), any_type()],
        arg_kinds=[ARG_STAR, ARG_STAR2],
        arg_names=[None, None],
    )


def _not_by_keyword(ctx: MethodSigContext, payload: Payload) -> str | None:
    """Return what to write where the payload is given whole, or its fields by position."""
    call = ctx.context
    if not isinstance(call, CallExpr):
        return None
    arguments = list(zip(call.args, call.arg_kinds, call.arg_names, strict=True))
    positional = [each for each, kind, _ in arguments if kind == ARG_POS]
    named = [each for each, _, name in arguments if name == "payload"]
    # A model that is given first, and not alone, is the sender.
    whole = positional if len(arguments) == 1 else positional[1:]
    if any(_is_model(ctx, each) for each in (*whole, *named)):
        form = "send(sender, **dict(payload)) for a payload that exists already"
    elif len(positional) > 1:
        form = f"send({', '.join(['sender', *(f'{name}=...' for name in payload.fields or ())])})"
    else:
        return None
    return f"takes its payload by keyword; write {form}"


def _is_model(ctx: MethodSigContext, expression: Expression) -> bool:
    given = get_proper_type(ctx.api.get_expression_type(expression))
    return isinstance(given, Instance) and given.type.has_base(BASE_MODEL)
