"""The decorators that `signal.connect(...)` and `receiver(...)` give."""

from __future__ import annotations

from collections.abc import Sequence

from mypy.checker import TypeChecker
from mypy.nodes import TypeInfo
from mypy.plugin import CheckerPluginInterface, MethodContext
from mypy.types import Instance, TupleType, Type, get_proper_type

from fastdjango_signals.mypy.arguments import at
from fastdjango_signals.mypy.judging import judge
from fastdjango_signals.mypy.names import CONNECTOR, SIGNAL
from fastdjango_signals.mypy.payloads import any_type, payload_of, signal_arguments
from fastdjango_signals.mypy.senders import arguments_of_sender


def connector(api: CheckerPluginInterface, model: Type, parameters: Type) -> Type:
    """Return the type of a connector to a signal with these type arguments."""
    # mypy itself finds a class by name only where that is imported.
    module, _, name = CONNECTOR.rpartition(".")
    symbol = api.modules[module].names.get(name) if isinstance(api, TypeChecker) else None
    if symbol is None or not isinstance(symbol.node, TypeInfo):
        return any_type()
    return Instance(symbol.node, [model, parameters])


def connector_to_several(
    api: CheckerPluginInterface, signals: Sequence[Type], sender: Type | None
) -> Type:
    """Return the type of a connector to several signals, which stand in place of the model."""
    fallback = api.named_generic_type("builtins.tuple", [any_type()])
    items = [_of_sender(signal, sender) for signal in signals]
    return connector(api, TupleType(items, fallback), any_type())


def decorate(ctx: MethodContext) -> Type:
    """Check what a connector decorates; it stays what it is."""
    decorated = at(ctx, 0)
    if decorated is None or not isinstance(ctx.type, Instance):
        return ctx.default_return_type
    model, parameters = ctx.type.args
    several = get_proper_type(model)
    if isinstance(several, TupleType):
        pairs = [signal_arguments(signal) for signal in several.items]
    else:
        pairs = [(model, parameters)]
    judge(ctx, decorated, *(payload_of(*pair) for pair in pairs if pair is not None))
    return decorated


def _of_sender(signal: Type, sender: Type | None) -> Type:
    proper, arguments = get_proper_type(signal), arguments_of_sender(signal, sender)
    if arguments is None or not isinstance(proper, Instance) or proper.type.fullname != SIGNAL:
        return signal
    return proper.copy_modified(args=[*arguments])
