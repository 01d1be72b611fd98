"""`connect`, `connected_to` and `check`, the methods of a signal that take a receiver."""

from __future__ import annotations

from mypy.plugin import MethodContext, MethodSigContext
from mypy.types import FunctionLike, Instance, NoneType, Type, get_proper_type
from mypy.types_utils import remove_optional

from fastdjango_signals.mypy.arguments import argument, sender
from fastdjango_signals.mypy.connectors import connector
from fastdjango_signals.mypy.judging import judge
from fastdjango_signals.mypy.names import COROUTINES
from fastdjango_signals.mypy.payloads import any_type, payload_of, signal_arguments
from fastdjango_signals.mypy.senders import narrowed


def any_receiver(ctx: MethodSigContext) -> FunctionLike:
    """Let `check` take anything, as `connect` does; the plugin says what is wrong."""
    signature = ctx.default_signature
    return signature.copy_modified(arg_types=[any_type(), *signature.arg_types[1:]])


def connect(ctx: MethodContext) -> Type:
    """Check `signal.connect(receiver, ...)`; without a receiver it gives a connector."""
    receiver = argument(ctx, "receiver")
    if receiver is not None and not isinstance(receiver, NoneType):
        return _judged(ctx, remove_optional(receiver))
    arguments = signal_arguments(ctx.type)
    if arguments is None:
        return ctx.default_return_type
    return connector(ctx.api, narrowed(arguments[0], sender(ctx)), arguments[1])


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
    arguments = signal_arguments(ctx.type)
    if arguments is not None:
        model, parameters = arguments
        judge(ctx, receiver, payload_of(narrowed(model, sender(ctx)), parameters))
    proper = get_proper_type(receiver)
    is_lost = isinstance(proper, Instance) and proper.type.fullname in COROUTINES
    return any_type() if is_lost else receiver  # Nobody has to await what was refused.
