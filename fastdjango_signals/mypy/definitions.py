"""`Signal(...)`: what a new signal carries."""

from __future__ import annotations

from mypy.nodes import CallExpr, ListExpr, RefExpr, TupleExpr, TypeInfo
from mypy.plugin import FunctionContext, FunctionSigContext
from mypy.typeops import try_getting_str_literals_from_type
from mypy.types import (
    FunctionLike,
    Instance,
    NoneType,
    ProperType,
    TupleType,
    Type,
    get_proper_type,
)

from fastdjango_signals.mypy.codes import SIGNAL_PAYLOAD, report
from fastdjango_signals.mypy.declarations import (
    another_model,
    not_providing_args,
    wrong_model,
    wrong_names,
)
from fastdjango_signals.mypy.dependencies import depend_on
from fastdjango_signals.mypy.names import SIGNAL
from fastdjango_signals.mypy.options import checked
from fastdjango_signals.mypy.payloads import (
    Payload,
    is_model,
    open_payload,
    payload_of,
    payload_of_names,
    signal_arguments,
    unknown_payload,
)


def signature(ctx: FunctionSigContext) -> FunctionLike:
    """Refuse a wrong argument before the overloads do it in their own words."""
    problem = None
    if ctx.args and ctx.args[0]:
        given = ctx.api.get_expression_type(ctx.args[0][0])
        problem = not_providing_args(given) or another_model(ctx.default_signature.ret_type, given)
    return checked(ctx, SIGNAL_PAYLOAD, _title(ctx.default_signature.ret_type), problem)


def define(ctx: FunctionContext) -> Type:
    """Check what a signal is made of, and have its type tell what can be sent."""
    signal = get_proper_type(ctx.default_return_type)
    arguments = signal_arguments(signal)
    if not isinstance(signal, Instance) or arguments is None:
        return signal
    model, parameters = arguments
    payload, problem = _payload(ctx, model, parameters)
    if signal.type.fullname == SIGNAL:  # the type arguments of a subclass are its own affair
        problem = problem or _declared_otherwise(ctx, model, payload)
        signal = signal.copy_modified(args=[model, payload.parameters()])
    problems = [problem] if problem is not None else []
    report(ctx.api, ctx.context, SIGNAL_PAYLOAD, _title(signal), problems)
    depend_on(ctx.api, model)
    return signal


def _payload(ctx: FunctionContext, model: Type, parameters: Type) -> tuple[Payload, str | None]:
    """Return what the signal carries, and why it cannot."""
    given = get_proper_type(ctx.arg_types[0][0]) if ctx.arg_types[0] else NoneType()
    names = _names(ctx, given)
    if names is not None:
        return payload_of_names(names), wrong_names(names)
    if isinstance(given, NoneType):
        return open_payload(), None
    if isinstance(given, FunctionLike):
        payload = payload_of(model, parameters)
        return payload, wrong_model(payload)
    return unknown_payload(model), None  # a model, or a list, that only the running program knows


def _names(ctx: FunctionContext, given: ProperType) -> list[str] | None:
    """Return the names in `Signal(["order", "user"])`, if they are written out."""
    expression = ctx.args[0][0] if ctx.args[0] else None
    if isinstance(expression, ListExpr | TupleExpr):
        types = [ctx.api.get_expression_type(item) for item in expression.items]
    elif isinstance(given, TupleType):
        types = given.items
    else:
        return None
    literals = [try_getting_str_literals_from_type(item) or [] for item in types]
    return [each[0] for each in literals] if all(len(e) == 1 for e in literals) else None


def _declared_otherwise(ctx: FunctionContext, model: Type, payload: Payload) -> str | None:
    """Return what is wrong with `order_placed: Signal[OrderPlaced] = Signal()`."""
    call, declared = ctx.context, get_proper_type(model)
    if not isinstance(call, CallExpr) or not isinstance(call.callee, RefExpr):
        return None  # `Signal[OrderPlaced]()`, which carries that model
    is_class = isinstance(call.callee.node, TypeInfo)  # rather than an alias for the above
    if not is_class or not is_model(declared) or payload.model == model or payload.fields is None:
        return None
    name = declared.type.name
    return f"is declared to be Signal[{name}]; write Signal({name})"


def _title(signal: Type) -> str:
    signal = get_proper_type(signal)
    return f'"{signal.type.name}(...)"' if isinstance(signal, Instance) else '"Signal(...)"'
