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
    misplaced = _fields_by_position(ctx)
    if misplaced:
        problem = _by_keyword(ctx, payload, misplaced[0])
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


def _fields_by_position(ctx: MethodSigContext) -> list[Expression]:
    """Return what is given by position beside the sender."""
    call = ctx.context
    if not isinstance(call, CallExpr):
        return []
    arguments = zip(call.args, call.arg_kinds, strict=True)
    return [each for each, kind in arguments if kind == ARG_POS][1:]


def _by_keyword(ctx: MethodSigContext, payload: Payload, misplaced: Expression) -> str:
    given = get_proper_type(ctx.api.get_expression_type(misplaced))
    if isinstance(given, Instance) and given.type.has_base(BASE_MODEL):
        form = "send(sender, **dict(payload)) for a payload that exists already"
    else:
        form = f"send({', '.join(['sender', *(f'{name}=...' for name in payload.fields or ())])})"
    return f"takes its payload by keyword; write {form}"
