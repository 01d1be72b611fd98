"""What of a receiver's type can be called, and why it cannot."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mypy.subtypes import find_member
from mypy.types import (
    CallableType,
    FunctionLike,
    Instance,
    LiteralType,
    TupleType,
    Type,
    TypedDictType,
    TypeType,
    TypeVarType,
    UnionType,
    get_proper_type,
)

from fastdjango_signals.mypy.names import COROUTINES, PARTIAL

_NO_FUNCTION = "cannot be called; connect an async function"
_CLASS = 'is a class; connect an instance with an async "__call__"'


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


def candidates(receiver: Type) -> Iterator[Candidate]:
    """Yield each thing that a value of this type may be; Any and None are none."""
    receiver = get_proper_type(receiver)
    match receiver:
        case UnionType():
            for item in receiver.items:
                yield from candidates(item)
        case TypeVarType():
            yield from candidates(receiver.upper_bound)
        case TupleType() | TypedDictType() | LiteralType():
            yield from candidates(_fallback(receiver))
        case FunctionLike():
            yield _function(receiver)
        case TypeType():
            yield Candidate(f"Receiver {_quoted(receiver)}", problem=_CLASS)
        case Instance():
            yield _instance(receiver)
        case _:
            return


def _fallback(receiver: TupleType | TypedDictType | LiteralType) -> Instance:
    return receiver.partial_fallback if isinstance(receiver, TupleType) else receiver.fallback


def _function(receiver: FunctionLike) -> Candidate:
    if not receiver.is_type_obj():
        items = tuple(receiver.items)
        return Candidate(_title(items[0]), items)
    name = receiver.type_object().name
    problem = f"{_CLASS}, or write sender={name} to filter by sender"
    return Candidate(f'Receiver "{name}"', problem=problem)


def _instance(receiver: Instance) -> Candidate:
    partial = _behind_partial(receiver)
    if partial is not None:
        return Candidate(_title(partial), (partial,))
    title = f'Receiver of type "{receiver.type.name}"'
    if receiver.type.fullname in COROUTINES:
        problem = "is a coroutine; connect the function that made it, without calling it"
        return Candidate(title, problem=problem)
    call = get_proper_type(find_member("__call__", receiver, receiver, is_operator=True))
    if call is None:
        return Candidate(title, problem=_NO_FUNCTION)
    if isinstance(call, Instance):  # an attribute that is a callable object in turn
        return _instance(call) if call != receiver else Candidate(title)
    return Candidate(title, tuple(call.items) if isinstance(call, FunctionLike) else ())


def _behind_partial(receiver: Instance) -> CallableType | None:
    """Return what mypy's own plugin notes of the function in a `functools.partial`."""
    if receiver.type.fullname != PARTIAL or receiver.extra_attrs is None:
        return None
    noted = receiver.extra_attrs.attrs.get("__mypy_partial")
    partial = get_proper_type(noted)
    return partial if isinstance(partial, CallableType) else None


def _title(signature: CallableType) -> str:
    name = signature.definition.name if signature.definition else signature.name
    return f'Receiver "{name}"' if name and name != "<lambda>" else "The receiver"


def _quoted(receiver: TypeType) -> str:
    return f'"{receiver}"'
