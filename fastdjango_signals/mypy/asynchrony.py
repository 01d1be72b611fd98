"""Whether a call of a receiver gives something to wait for."""

from __future__ import annotations

from mypy.nodes import FuncDef
from mypy.subtypes import is_subtype
from mypy.types import (
    AnyType,
    CallableType,
    Instance,
    Type,
    TypeOfAny,
    UninhabitedType,
    get_proper_type,
)

from fastdjango_signals.mypy.names import ASYNC_ITERATOR


def not_async(signature: CallableType, awaitable: Type) -> str | None:
    """Return why a receiver with this signature is not async, if so."""
    returned, function = get_proper_type(signature.ret_type), signature.definition
    generates = isinstance(returned, Instance) and returned.type.has_base(ASYNC_ITERATOR)
    if generates or (isinstance(function, FuncDef) and function.is_async_generator):
        return "is an async generator; return a value instead of yielding"
    if signature.name == "<lambda>":
        return "is a lambda, which cannot be async; write an async function"
    if is_subtype(returned, awaitable) and not _is_sync(signature):
        return None
    return 'is not async; declare it with "async def"'


def _is_sync(signature: CallableType) -> bool:
    """Return whether this is surely no async function, even if it may return an awaitable.

    What a decorator returns is not known. What says that it does may be a method to be
    overridden, or be declared without a body.
    """
    function = signature.definition
    if not isinstance(function, FuncDef) or function.is_coroutine or function.is_trivial_body:
        return False
    returned = get_proper_type(signature.ret_type)
    is_unannotated = isinstance(returned, AnyType) and returned.type_of_any == TypeOfAny.unannotated
    return is_unannotated or isinstance(returned, UninhabitedType) or not function.info
