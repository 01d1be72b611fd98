"""`Signal(...)`: what a new signal carries."""

from __future__ import annotations

from mypy.nodes import CallExpr, ListExpr, RefExpr, TupleExpr
from mypy.plugin import FunctionContext, FunctionSigContext
from mypy.typeops import try_getting_str_literals_from_type
from mypy.types import (
    AnyType,
    FunctionLike,
    Instance,
    NoneType,
    ProperType,
    TupleType,
    Type,
    get_proper_type,
)

from fastdjango_signals.mypy.arguments import at, first_before_the_call
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
    is_base,
    is_model,
    makes_itself,
    open_payload,
    payload_of,
    payload_of_names,
    signal_arguments,
    unknown_payload,
)


def signature(ctx: FunctionSigContext) -> FunctionLike:
    """Refuse a wrong argument before the overloads do it in their own words."""
    made, given = ctx.default_signature.ret_type, first_before_the_call(ctx)
    declared = signal_arguments(made)
    problem = not_providing_args(given)
    if problem is None and declared is not None:
        problem = another_model(declared[0], given)
    return checked(ctx, SIGNAL_PAYLOAD, _title(made), problem, "name=... for a name")


def define(ctx: FunctionContext) -> Type:
    """Check what a signal is made of, and have its type tell what can be sent."""
    signal = get_proper_type(ctx.default_return_type)
    arguments = signal_arguments(signal)
    was_refused = "name" not in ctx.callee_arg_names
    if not isinstance(signal, Instance) or arguments is None or was_refused:
        return signal
    model, parameters = arguments
    given = at(ctx, 0)
    names = _names(ctx, given)
    if is_model(get_proper_type(model)):
        payload = payload_of(model, parameters)
        problem = _contradiction(ctx, given, names, payload) or wrong_model(payload)
    else:
        payload, problem = _without_a_model(given, names), wrong_names(names or ())
    report(ctx.api, ctx.context, SIGNAL_PAYLOAD, _title(signal), [problem] if problem else [])
    depend_on(ctx.api, payload)
    if signal.type.fullname != SIGNAL or makes_itself(model):
        return signal  # The type arguments of a subclass are its own affair.
    return signal.copy_modified(args=[model, payload.parameters()])


def _contradiction(
    ctx: FunctionContext, given: ProperType | None, names: list[str] | None, declared: Payload
) -> str | None:
    """Return what is wrong with `order_placed: Signal[OrderPlaced] = Signal()`, say.

    `Signal[OrderPlaced]()`, an alias of it and a subclass do carry the model that they name.
    """
    callee = ctx.context.callee if isinstance(ctx.context, CallExpr) else None
    is_bare = isinstance(callee, RefExpr) and callee.fullname == SIGNAL
    is_empty = given is None or isinstance(given, NoneType)
    if names is not None or (is_bare and is_empty):
        return f"is declared to carry {declared.title}; write Signal({declared.title})"
    if is_bare:
        return None
    # mypy itself refuses any other class than a subclass.
    return not_providing_args(given) or (
        another_model(declared.model, given) if _is_subclass(given, declared.model) else None
    )


def _is_subclass(given: ProperType | None, model: Type) -> bool:
    base = get_proper_type(model)
    if not isinstance(given, FunctionLike) or not isinstance(base, Instance):
        return False
    return given.is_type_obj() and given.type_object().has_base(base.type.fullname)


def _without_a_model(given: ProperType | None, names: list[str] | None) -> Payload:
    if names is not None:
        return payload_of_names(names)
    if given is None or isinstance(given, NoneType):
        return open_payload()
    if isinstance(given, FunctionLike) and given.is_type_obj():
        model = given.items[0].ret_type
        if is_base(get_proper_type(model)):
            return Payload(given.type_object().name, model, {})
    return unknown_payload(any_type())  # a model, or a list, that only the running program knows


def _names(ctx: FunctionContext, given: ProperType | None) -> list[str] | None:
    """Return the names in `Signal(["order", "user"])`, if they are written out."""
    expression = None if given is None or isinstance(given, AnyType) else ctx.args[0][0]
    if isinstance(expression, ListExpr | TupleExpr):
        types = [ctx.api.get_expression_type(item) for item in expression.items]
    elif isinstance(given, TupleType):
        types = given.items
    else:
        return None
    literals = [try_getting_str_literals_from_type(item) or [] for item in types]
    return [each[0] for each in literals] if all(len(e) == 1 for e in literals) else None


def _title(made: Type) -> str:
    return f'"{made.type.name}(...)"' if isinstance(made, Instance) else '"Signal(...)"'
