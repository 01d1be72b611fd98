"""`@receiver(signal)` and `@receiver([signal, ...])`."""

from __future__ import annotations

from collections.abc import Sequence

from mypy.nodes import Expression, ListExpr, TupleExpr
from mypy.plugin import CheckerPluginInterface, FunctionContext, FunctionSigContext
from mypy.types import (
    AnyType,
    FunctionLike,
    Instance,
    ProperType,
    TupleType,
    Type,
)

from fastdjango_signals.mypy.arguments import at, first_before_the_call, sender
from fastdjango_signals.mypy.codes import SIGNAL_RECEIVER
from fastdjango_signals.mypy.connectors import connector, connector_to_several
from fastdjango_signals.mypy.options import checked
from fastdjango_signals.mypy.payloads import signal_arguments
from fastdjango_signals.mypy.senders import arguments_of_sender
from fastdjango_signals.mypy.variants import variants

_NEEDS_SIGNALS = "needs a signal, or a list of signals, as in @receiver([saved, deleted])"

_EXAMPLE = "sender=... for a sender, and @receiver([saved, deleted]) for several signals"


def signature(ctx: FunctionSigContext) -> FunctionLike:
    """Refuse a wrong argument before the overloads do it in their own words."""
    given = first_before_the_call(ctx)
    is_known = given is not None and not isinstance(given, AnyType)
    signals = _signals(ctx.api, ctx.args[0][0]) if is_known else None
    problem = _NEEDS_SIGNALS if given is None or signals == [] else None
    return checked(ctx, SIGNAL_RECEIVER, "@receiver", problem, _EXAMPLE)


def receiver(ctx: FunctionContext) -> Type:
    """Give a connector to the signals."""
    given = at(ctx, 0)
    if given is None or isinstance(given, AnyType):
        return ctx.default_return_type
    arguments = arguments_of_sender(given, sender(ctx))
    if arguments is not None:
        return connector(ctx.api, *arguments)
    return connector_to_several(ctx.api, _signals(ctx.api, ctx.args[0][0]) or [], sender(ctx))


def _signals(api: CheckerPluginInterface, given: Expression) -> list[Type] | None:
    """Return the types of the signals in an expression; None where that cannot be known."""
    if isinstance(given, ListExpr | TupleExpr):
        return [api.get_expression_type(each) for each in given.items]
    return _signals_in(api.get_expression_type(given))


def _signals_in(given: Type) -> list[Type] | None:
    found: list[Type] = []
    for variant in variants(given):
        if isinstance(variant, AnyType) or (
            isinstance(variant, Instance) and variant.type.fallback_to_any
        ):
            return None
        found += _signals_of(variant)
    return found


def _signals_of(given: ProperType) -> Sequence[Type]:
    if signal_arguments(given) is not None:
        return [given]
    if isinstance(given, TupleType):
        return given.items
    if isinstance(given, Instance) and given.type.has_base("typing.Sequence"):
        return given.args
    return []
