"""`connect`, `connected_to` and `check`, the methods of a signal that take a receiver."""

from __future__ import annotations

from mypy.nodes import ARG_POS, CallExpr
from mypy.plugin import MethodContext, MethodSigContext
from mypy.types import FunctionLike, Instance, NoneType, Type, get_proper_type
from mypy.types_utils import remove_optional

from fastdjango_signals.mypy.arguments import argument, sender
from fastdjango_signals.mypy.codes import SIGNAL_RECEIVER, report
from fastdjango_signals.mypy.connectors import connector
from fastdjango_signals.mypy.judging import judge
from fastdjango_signals.mypy.options import with_any_options
from fastdjango_signals.mypy.payloads import any_type, payload_of
from fastdjango_signals.mypy.senders import arguments_of_sender


def signature(ctx: MethodSigContext) -> FunctionLike:
    """Let a method take anything for its receiver, and say how options are given."""
    original, call = ctx.default_signature, ctx.context
    arguments = [any_type(), *original.arg_types[1:]]
    if not isinstance(call, CallExpr) or call.arg_kinds.count(ARG_POS) <= 1:
        return original.copy_modified(arg_types=arguments)
    problem = "takes its options by keyword alone; write sender=... for a sender"
    report(ctx.api, call, SIGNAL_RECEIVER, f'"{original.name}"', [problem])
    return with_any_options(original.copy_modified(arg_types=arguments).with_unpacked_kwargs())


def connect(ctx: MethodContext) -> Type:
    """Check `signal.connect(receiver, ...)`; without a receiver it gives a connector."""
    receiver = argument(ctx, "receiver")
    if receiver is not None and not isinstance(receiver, NoneType):
        return _judged(ctx, remove_optional(receiver))
    return _connector(ctx)


def connected_to(ctx: MethodContext) -> Type:
    """Check `signal.connected_to(receiver, ...)`, a block that gives the receiver itself."""
    block, receiver = get_proper_type(ctx.default_return_type), argument(ctx, "receiver")
    if receiver is None or not isinstance(block, Instance):
        return block
    return block.copy_modified(args=[_judged(ctx, receiver)])


def check(ctx: MethodContext) -> Type:
    """Check `signal.check(receiver, ...)`, which gives nothing."""
    receiver = argument(ctx, "receiver")
    if receiver is not None:
        _judged(ctx, receiver)
    return ctx.default_return_type


def _judged(ctx: MethodContext, receiver: Type) -> Type:
    arguments = arguments_of_sender(ctx.type, sender(ctx))
    if arguments is None or judge(ctx, receiver, payload_of(*arguments)):
        return receiver
    return _connector(ctx)  # What cannot be called was perhaps meant for an option of a decorator.


def _connector(ctx: MethodContext) -> Type:
    arguments = arguments_of_sender(ctx.type, sender(ctx))
    return ctx.default_return_type if arguments is None else connector(ctx.api, *arguments)
