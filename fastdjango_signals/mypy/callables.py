"""What of a receiver's type can be called, and why it cannot."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from mypy.subtypes import find_member
from mypy.types import (
    AnyType,
    CallableType,
    FunctionLike,
    Instance,
    LiteralType,
    NoneType,
    TupleType,
    Type,
    TypedDictType,
    TypeType,
    get_proper_type,
)

from fastdjango_signals.mypy.names import COROUTINES, PARTIAL
from fastdjango_signals.mypy.variants import variants

_NO_FUNCTION = "cannot be called; connect an async function"
_CLASS = 'is a class; connect an instance with an async "__call__"'
_COROUTINE = "is a coroutine; connect the function that made it, without calling it"

# How many callable attributes are followed: `__call__` may be an object with a `__call__`.
_DEPTH = 4


@dataclass(frozen=True)
class Candidate:
    """One of the things that a receiver may be.

    Attributes:
        title: What errors call it.
        signatures: The ways to call it, of which one suffices; empty where nothing is known.
        problem: Why there is none.
    """

    title: str
    signatures: tuple[CallableType, ...] = ()
    problem: str | None = None


def candidates(receiver: Type, depth: int = _DEPTH) -> Iterator[Candidate]:
    """Yield each thing that a value of this type may be, but for what is not known."""
    for variant in variants(receiver):
        match variant:
            case FunctionLike():
                yield _function(variant)
            case TypeType():
                yield Candidate("The receiver", problem=_CLASS)
            case NoneType():
                yield Candidate("None", problem=_NO_FUNCTION)
            case Instance():
                yield from _instance(variant, depth)
            case TupleType():
                yield from _instance(variant.partial_fallback, depth)
            case TypedDictType() | LiteralType():
                yield from _instance(variant.fallback, depth)
            case _:
                pass


def _function(receiver: FunctionLike) -> Candidate:
    if not receiver.is_type_obj():
        items = tuple(receiver.items)
        return Candidate(_title(items[0]), items)
    name = receiver.type_object().name
    problem = f"{_CLASS}, or write sender={name} to filter by sender"
    return Candidate(f'Receiver "{name}"', problem=problem)


def _instance(receiver: Instance, depth: int) -> Iterator[Candidate]:
    title = f'Receiver of type "{receiver.type.name}"'
    partial = _behind_partial(receiver)
    if partial is not None:
        yield Candidate(_title(partial), (partial,))
    elif receiver.type.fullname in COROUTINES:
        yield Candidate(title, problem=_COROUTINE)
    elif receiver.type.fullname == "builtins.type":
        yield Candidate(title, problem=_CLASS)
    else:
        call = find_member("__call__", receiver, receiver, is_operator=True)
        if call is None or isinstance(get_proper_type(call), NoneType):
            yield Candidate(title, problem=_NO_FUNCTION)
        elif depth and not isinstance(get_proper_type(call), AnyType):
            for behind in candidates(call, depth - 1):
                yield replace(behind, title=title)


def _behind_partial(receiver: Instance) -> CallableType | None:
    """Return what mypy's own plugin notes of the function in a `functools.partial`."""
    if receiver.type.fullname != PARTIAL or receiver.extra_attrs is None:
        return None
    noted = receiver.extra_attrs.attrs.get("__mypy_partial")
    partial = get_proper_type(noted)
    return partial if isinstance(partial, CallableType) else None


def _title(signature: CallableType) -> str:
    name = signature.definition.name if signature.definition else signature.name
    return f'Receiver "{name}"' if name and name.strip("_<>") == name else "The receiver"
