"""`Signal(...)`: what a new signal carries."""

from __future__ import annotations

from typing import TypeGuard

from mypy.erasetype import erase_typevars
from mypy.nodes import CallExpr, ListExpr, RefExpr, TupleExpr, TypeAlias
from mypy.plugin import FunctionContext, FunctionSigContext
from mypy.typeops import try_getting_str_literals_from_type
from mypy.types import (
    CallableType,
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
    any_type,
    is_model,
    open_payload,
    payload_of,
    payload_of_names,
    signal_arguments,
    unknown_payload,
)


def signature(ctx: FunctionSigContext) -> FunctionLike:
    """Refuse a wrong argument before the overloads do it in their own words."""
    made = get_proper_type(ctx.default_signature.ret_type)
    given: ProperType = NoneType()
    problem = None
    if ctx.args and ctx.args[0]:
        given = get_proper_type(ctx.api.get_expression_type(ctx.args[0][0]))
        problem = not_providing_args(given) or another_model(made, given)
    signature = checked(ctx, SIGNAL_PAYLOAD, _title(made), problem)
    if problem is None and isinstance(given, FunctionLike) and _is_signal_itself(made):
        return _of_model(signature, made, given)
    return signature


def _of_model(signature: CallableType, made: Instance, model_class: FunctionLike) -> CallableType:
    """Return a signature that makes a signal of this model, whatever it is assigned to."""
    model = erase_typevars(model_class.items[0].ret_type)
    payload = payload_of(model, any_type())
    return signature.copy_modified(
        arg_types=[any_type(), *signature.arg_types[1:]],
        ret_type=made.copy_modified(args=[model, payload.parameters()]),
        variables=[],
    )


def define(ctx: FunctionContext) -> Type:
    """Check what a signal is made of, and have its type tell what can be sent."""
    signal = get_proper_type(ctx.default_return_type)
    arguments = signal_arguments(signal)
    if not isinstance(signal, Instance) or arguments is None:
        return signal
    model, _ = arguments
    payload, problem = _payload(ctx, *arguments)
    report(ctx.api, ctx.context, SIGNAL_PAYLOAD, _title(signal), [problem] if problem else [])
    depend_on(ctx.api, payload)
    if not _is_signal_itself(signal):
        return signal
    return signal.copy_modified(args=[model, payload.parameters()])


def _payload(ctx: FunctionContext, model: Type, parameters: Type) -> tuple[Payload, str | None]:
    """Return what the signal carries, and why it cannot."""
    given = get_proper_type(ctx.arg_types[0][0]) if ctx.arg_types[0] else NoneType()
    names, declared = _names(ctx, given), payload_of(model, parameters)
    if names is not None:
        is_other = is_model(get_proper_type(model))
        problem = _declared_otherwise(declared) if is_other else wrong_names(names)
        return payload_of_names(names), problem
    if isinstance(given, NoneType) and not is_model(get_proper_type(model)):
        return open_payload(), None
    if isinstance(given, NoneType):
        return declared, _declared_otherwise(declared) if _is_bare(ctx) else None
    if isinstance(given, FunctionLike):
        return declared, wrong_model(declared)
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


def _declared_otherwise(declared: Payload) -> str:
    return f"is declared to carry {declared.title}; write Signal({declared.title})"


def _is_bare(ctx: FunctionContext) -> bool:
    """Return whether this is `Signal()`, which carries anything, whatever it is assigned to.

    `Signal[OrderPlaced]()`, an alias of it and a subclass carry the model that they name.
    """
    callee = ctx.context.callee if isinstance(ctx.context, CallExpr) else None
    return (
        isinstance(callee, RefExpr)
        and callee.fullname == SIGNAL
        and not isinstance(callee.node, TypeAlias)
    )


def _is_signal_itself(made: Type) -> TypeGuard[Instance]:
    """Return whether this is Signal: the type arguments of a subclass are its own affair."""
    return isinstance(made, Instance) and made.type.fullname == SIGNAL


def _title(made: Type) -> str:
    return f'"{made.type.name}(...)"' if isinstance(made, Instance) else '"Signal(...)"'
