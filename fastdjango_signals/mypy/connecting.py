"""Every way to connect a receiver: `connect`, `connected_to`, `check` and `@receiver`."""

from __future__ import annotations

from mypy.checker import TypeChecker
from mypy.nodes import ARG_NAMED, ListExpr, TupleExpr, TypeInfo
from mypy.plugin import FunctionContext, FunctionSigContext, MethodContext, MethodSigContext
from mypy.types import AnyType, FunctionLike, Instance, NoneType, TupleType, Type, get_proper_type

from fastdjango_signals.mypy import names
from fastdjango_signals.mypy.codes import SIGNAL_RECEIVER, report
from fastdjango_signals.mypy.judging import judge
from fastdjango_signals.mypy.options import checked
from fastdjango_signals.mypy.payloads import any_type, payload_of, signal_arguments
from fastdjango_signals.mypy.senders import narrowed

Context = FunctionContext | MethodContext


def any_receiver(ctx: MethodSigContext) -> FunctionLike:
    """Let `check` take anything, as `connect` does; the plugin says what is wrong."""
    signature = ctx.default_signature
    return signature.copy_modified(arg_types=[any_type(), *signature.arg_types[1:]])


def connect(ctx: MethodContext) -> Type:
    """Check `signal.connect(receiver, ...)`; without a receiver it gives a connector."""
    receiver = _argument(ctx, "receiver")
    if receiver is not None and not isinstance(receiver, NoneType):
        return _judged(ctx, receiver)
    arguments = signal_arguments(ctx.type)
    if arguments is None:
        return ctx.default_return_type
    return _connector(ctx, narrowed(arguments[0], _sender(ctx)), arguments[1])


def connected_to(ctx: MethodContext) -> Type:
    """Check `signal.connected_to(receiver, ...)`, a block that gives the receiver itself."""
    block, receiver = get_proper_type(ctx.default_return_type), _argument(ctx, "receiver")
    if receiver is None or not isinstance(block, Instance):
        return block
    return block.copy_modified(args=[_judged(ctx, receiver)])


def check(ctx: MethodContext) -> Type:
    """Check `signal.check(receiver, ...)`, which gives nothing."""
    receiver = _argument(ctx, "receiver")
    if receiver is not None:
        _judged(ctx, receiver)
    return ctx.default_return_type


def decorate(ctx: MethodContext) -> Type:
    """Check what `@signal.connect(...)` or `@receiver(...)` decorates; it stays as it is."""
    connector = ctx.type
    if not isinstance(connector, Instance) or not ctx.arg_types[0]:
        return ctx.default_return_type
    (model, parameters), decorated = connector.args, ctx.arg_types[0][0]
    several = get_proper_type(model)
    if isinstance(several, TupleType):
        pairs = [signal_arguments(signal) for signal in several.items]
    else:
        pairs = [(model, parameters)]
    for pair in filter(None, pairs):
        judge(ctx, decorated, payload_of(*pair))
    return decorated


def receiver_signature(ctx: FunctionSigContext) -> FunctionLike:
    """Refuse a wrong argument of `@receiver` before its overloads do it in their own words."""
    problem = None
    if ctx.args and ctx.args[0]:
        given = get_proper_type(ctx.api.get_expression_type(ctx.args[0][0]))
        if not _may_be_signals(given):
            problem = "needs a signal, or a list of signals, as in @receiver([saved, deleted])"
    return checked(ctx, SIGNAL_RECEIVER, "@receiver", problem)


def _may_be_signals(given: Type) -> bool:
    if isinstance(given, TupleType | AnyType):
        return True
    if not isinstance(given, Instance) or given.type.fullname in ("builtins.str", "builtins.bytes"):
        return False
    bases = (names.SIGNAL, "typing.Sequence")
    return given.type.fallback_to_any or any(given.type.has_base(base) for base in bases)


def receiver(ctx: FunctionContext) -> Type:
    """Give the connector of `@receiver(signal)` or `@receiver([signal, ...])`."""
    signals = ctx.args[0][0] if ctx.args and ctx.args[0] else None
    if signals is None:
        return ctx.default_return_type
    if isinstance(signals, ListExpr | TupleExpr):
        listed = [ctx.api.get_expression_type(each) for each in signals.items]
        given = [_of_sender(signal, _sender(ctx)) for signal in listed]
        fallback = ctx.api.named_generic_type("builtins.tuple", [any_type()])
        return _connector(ctx, TupleType(given, fallback), any_type())
    arguments = signal_arguments(ctx.arg_types[0][0])
    if arguments is None:
        return ctx.default_return_type
    return _connector(ctx, narrowed(arguments[0], _sender(ctx)), arguments[1])


def _judged(ctx: MethodContext, receiver: Type) -> Type:
    arguments = signal_arguments(ctx.type)
    if arguments is not None:
        _refuse_positional_options(ctx)
        model, parameters = arguments
        judge(ctx, receiver, payload_of(narrowed(model, _sender(ctx)), parameters))
    is_lost = isinstance(receiver, Instance) and receiver.type.fullname in names.COROUTINES
    return any_type() if is_lost else receiver  # Nobody has to await what was refused.


def _of_sender(signal: Type, sender: Type | None) -> Type:
    signal, arguments = get_proper_type(signal), signal_arguments(signal)
    if not isinstance(signal, Instance) or arguments is None:
        return signal
    if signal.type.fullname != names.SIGNAL:
        return signal
    return signal.copy_modified(args=[narrowed(arguments[0], sender), arguments[1]])


def _connector(ctx: Context, model: Type, parameters: Type) -> Type:
    """Return the type of a connector; mypy finds classes by name in loaded modules alone."""
    module, _, name = names.CONNECTOR.rpartition(".")
    symbol = ctx.api.modules[module].names.get(name) if isinstance(ctx.api, TypeChecker) else None
    if symbol is None or not isinstance(symbol.node, TypeInfo):
        return any_type()
    return Instance(symbol.node, [model, parameters])


def _refuse_positional_options(ctx: MethodContext) -> None:
    if _argument(ctx, "misplaced") is not None:
        problem = "takes its options by keyword alone; write sender=... for a sender"
        report(ctx.api, ctx.context, SIGNAL_RECEIVER, '"connect"', [problem])


def _sender(ctx: Context) -> Type | None:
    return _argument(ctx, "sender", by_keyword=True)


def _argument(ctx: Context, name: str, *, by_keyword: bool = False) -> Type | None:
    """Return the type of what is given for a parameter, if it is given."""
    if name not in ctx.callee_arg_names:
        return None
    index = ctx.callee_arg_names.index(name)
    if not ctx.arg_types[index] or (by_keyword and ctx.arg_kinds[index] != [ARG_NAMED]):
        return None
    return get_proper_type(ctx.arg_types[index][0])
