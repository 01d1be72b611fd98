"""Whether a receiver can be called: is it async, and does its signature take the payload."""

from __future__ import annotations

import asyncio
import functools
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from inspect import Parameter
from types import MethodType
from typing import Any

from fastdjango_signals.exceptions import ReceiverSignatureError, ReceiverTypeError
from fastdjango_signals.payloads import RESERVED, Schema
from fastdjango_signals.places import describe, name_of
from fastdjango_signals.receivers import Receiver
from fastdjango_signals.wording import listed, near

# Mocks of async functions have a mark that only asyncio reads; from Python 3.14, it warns.
_asks = asyncio if sys.version_info < (3, 14) else inspect
_is_async: Callable[[object], bool] = vars(_asks)["iscoroutinefunction"]

_BY_KEYWORD = (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)
_BY_ANYTHING = {Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD}


def require_async(receiver: object, signal: str) -> None:
    """Raise `ReceiverTypeError` unless calling the receiver gives a coroutine."""
    problem = _why_not_async(receiver)
    if problem:
        described = describe(receiver)
        raise ReceiverTypeError(
            f"Signal {signal} cannot connect {described}: {problem}",
            signal=signal,
            receiver=described,
        )


def takes_payload(receiver: Receiver, schema: Schema, signal: str) -> bool:
    """Return whether the receiver takes the payload whole, as `payload`, or else its fields.

    Raises:
        ReceiverSignatureError: No send could call the receiver; every reason is named.
    """
    described = describe(receiver)
    try:
        parameters, filled = _parameters(receiver), _by_position(receiver)
    except (TypeError, ValueError) as error:
        raise ReceiverSignatureError(
            f"Signal {signal} cannot connect {described}: its signature cannot be read ({error})",
            signal=signal,
            receiver=described,
        ) from error
    whole = _accepts(parameters, "payload")
    fields = ("payload",) if whole else schema.fields
    problems = tuple(_problems(parameters, fields, schema, filled, whole=whole))
    if problems:
        raise ReceiverSignatureError(
            f"Signal {signal} cannot call {described}: {'; '.join(problems)}. "
            f"Write: {_example(receiver, schema, whole=whole)}",
            signal=signal,
            receiver=described,
            problems=problems,
        )
    return whole


def _why_not_async(receiver: object) -> str | None:
    if not callable(receiver) or issubclass(type(receiver), type | staticmethod):
        return _why_not_a_function(receiver)
    function: object = receiver
    while isinstance(function, functools.partial):
        function = function.func
    candidates = (function, getattr(type(function), "__call__", None))  # noqa: B004 - the method is wanted
    if any(_is_async(candidate) for candidate in candidates):
        return None
    if any(inspect.isasyncgenfunction(candidate) for candidate in candidates):
        return "it is an async generator; return a value instead of yielding"
    return 'it is not async; declare it with "async def"'


def _why_not_a_function(receiver: object) -> str:
    if isinstance(receiver, type):
        return (
            "it is a class; connect an instance with an async __call__, "
            f"or write sender={receiver.__name__} to filter by sender"
        )
    if isinstance(receiver, staticmethod | classmethod):
        return "the class around it is not made yet; connect it below the class, by its name there"
    if inspect.iscoroutine(receiver):
        return "it is a coroutine; connect the function that made it, without calling it"
    return "it cannot be called; connect an async function"


def _problems(
    parameters: Mapping[str, Parameter],
    fields: tuple[str, ...],
    schema: Schema,
    filled: set[str],
    *,
    whole: bool,
) -> Iterator[str]:
    kinds = {parameter.kind for parameter in parameters.values()}
    takes_any = Parameter.VAR_KEYWORD in kinds
    catch_all = kinds >= _BY_ANYTHING
    if not _accepts(parameters, "sender") and not (catch_all and "sender" not in parameters):
        yield 'it has no parameter "sender" that can be given by keyword'
    yield from (
        f'"{name}" is given by position already, and the signal would give it again'
        for name in fields
        if name in filled
    )
    for name, parameter in parameters.items():
        if name != "sender":
            yield from _parameter_problem(parameter, fields, schema, whole=whole)
    if takes_any:
        return
    if schema.is_open and not whole:
        yield 'the signal carries any keyword, so it needs "**kwargs"'
    homeless = [name for name in fields if not _has_place(parameters, name)]
    if homeless:
        it = "it" if len(homeless) == 1 else "them"
        lacking = f"{listed(homeless)} of {schema.model.__name__}"
        yield f'it has no place for {lacking}; add {it} or "**kwargs"'


def _parameter_problem(
    parameter: Parameter, fields: tuple[str, ...], schema: Schema, *, whole: bool
) -> Iterator[str]:
    name = parameter.name
    if parameter.kind in (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD):
        return
    required = parameter.default is Parameter.empty
    if parameter.kind is Parameter.POSITIONAL_ONLY:
        if required or name in fields:
            yield f'"{name}" is positional-only, but receivers are called by keyword'
    elif required and name not in fields:
        if whole:
            yield f'it takes the payload whole, so nothing fills "{name}"'
        elif name == "self":
            yield 'it requires "self"; connect the bound method of an object'
        elif not schema.is_open:
            yield f'it requires "{name}", which {schema.model.__name__} does not provide' + _near(
                name, fields
            )


def _parameters(receiver: Receiver) -> Mapping[str, Parameter]:
    """Return the parameters of a receiver; those behind a wrapper that takes anything.

    `functools.wraps` leads to the wrapped function. What a wrapper names itself counts, since it
    may give more or less to what it wraps.
    """
    own = inspect.signature(receiver, follow_wrapped=False).parameters
    kinds = {parameter.kind for parameter in own.values()}
    if Parameter.VAR_KEYWORD not in kinds:
        return own
    wrapped = inspect.signature(receiver).parameters
    if kinds >= _BY_ANYTHING:
        return {name: _given(parameter) for name, parameter in wrapped.items()}
    return {"payload": wrapped["payload"], **own} if _accepts(wrapped, "payload") else own


def _given(parameter: Parameter) -> Parameter:
    """Return a parameter of a wrapped function, which the wrapper may fill itself."""
    return parameter.replace(default=None) if parameter.kind in _BY_KEYWORD else parameter


def _by_position(receiver: Receiver) -> set[str]:
    """Return the parameters that a partial, or the object of a method, has filled by position."""
    names: set[str] = set()
    function: Any = receiver
    while isinstance(function, functools.partial | MethodType):
        given = 1 if isinstance(function, MethodType) else len(function.args)
        function = function.__func__ if isinstance(function, MethodType) else function.func
        parameters = inspect.signature(function, follow_wrapped=False).parameters.values()
        positional = [each for each in parameters if each.kind is not Parameter.KEYWORD_ONLY]
        names.update(e.name for e in positional[:given] if e.kind in _BY_KEYWORD)
    return names


def _accepts(parameters: Mapping[str, Parameter], name: str) -> bool:
    parameter = parameters.get(name)
    return parameter is not None and parameter.kind in _BY_KEYWORD


def _has_place(parameters: Mapping[str, Parameter], name: str) -> bool:
    return name in parameters and parameters[name].kind is not Parameter.VAR_POSITIONAL


def _near(name: str, fields: tuple[str, ...]) -> str:
    question = near(name, [*fields, *RESERVED])
    return f" ({question})" if question else ""


def _short_name(receiver: object) -> str:
    return name_of(receiver).rstrip(")>").rpartition(".")[2].partition(" ")[0]


def _example(receiver: Receiver, schema: Schema, *, whole: bool) -> str:
    parameters = (
        f"payload: {schema.model.__name__}" if whole else ", ".join([*schema.fields, "**kwargs"])
    )
    return f"async def {_short_name(receiver)}(sender, {parameters})"
