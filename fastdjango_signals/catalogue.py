"""What signals there are, what they carry and who listens: for listings, checks and pages.

    from fastdjango_signals.catalogue import catalogue

    for signal in catalogue().signals:
        print(signal.name, [receiver.name for receiver in signal.receivers])

It tells names, types and places, and never a value: no default of a field, no `dispatch_uid` and no
sender, unless that is a string, which stands for itself as it does in errors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    ForwardRef,
    Literal,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
)

from pydantic import BaseModel, PydanticUndefinedAnnotation, PydanticUserError
from pydantic.fields import FieldInfo

from fastdjango_signals.exceptions import SignalDefinitionError
from fastdjango_signals.json_schemas import PayloadJsonSchema
from fastdjango_signals.places import PACKAGE, name_of
from fastdjango_signals.receivers import ConnectedReceiver
from fastdjango_signals.signals import Signal, all_signals


@dataclass(frozen=True, slots=True)
class FieldEntry:
    """One field of a payload.

    Attributes:
        name: Its name.
        type: Its type, as text.
        required: Whether each send must give it.
    """

    name: str
    type: str
    required: bool


@dataclass(frozen=True, slots=True)
class ReceiverEntry:
    """One connected receiver.

    Attributes:
        name: Its full name.
        location: `file:line` of its definition, or None where Python code has none.
        order: Its place in the call order of all receivers of the signal, from 1.
        sender: What the sender it listens to is called; None for every sender.
        weak: Whether the signal holds it weakly.
        priority: Receivers of higher priority run first.
        dispatch_uid: The type of its `dispatch_uid`, as text; None where it has none.
        on_commit: Whether it waits for the commit of the sending code.
        subclasses: Whether it listens to the subclasses of the sender too.
        takes_payload: Whether it is given the payload whole instead of its fields.
    """

    name: str
    location: str | None
    order: int
    sender: str | None
    weak: bool
    priority: int
    dispatch_uid: str | None
    on_commit: bool
    subclasses: bool
    takes_payload: bool


@dataclass(frozen=True, slots=True)
class SignalEntry:
    """One signal.

    Attributes:
        name: Its name.
        payload: The full name of the model of its payload.
        fields: What it carries, in order.
        is_open: Whether it carries other keywords too.
        concurrent: Whether the receivers of a send are called together.
        receivers: Who listens, in call order.
    """

    name: str
    payload: str
    fields: tuple[FieldEntry, ...]
    is_open: bool
    concurrent: bool
    receivers: tuple[ReceiverEntry, ...]

    @property
    def is_builtin(self) -> bool:
        """Whether it comes with this library."""
        return is_builtin(self.name)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The signals of a process, by name, as they were when it was asked for."""

    signals: tuple[SignalEntry, ...]


def catalogue(signals: Iterable[Signal[Any, ...]] | None = None) -> Catalogue:
    """Return what there is to tell of these signals; of all that exist, where none are given."""
    return Catalogue(
        tuple(entry_of(each) for each in (all_signals() if signals is None else signals))
    )


def entry_of(signal: Signal[Any, ...]) -> SignalEntry:
    """Return what there is to tell of one signal."""
    model: type[BaseModel] = signal.providing_args
    fields = model.model_fields.items()
    return SignalEntry(
        name=signal.name,
        payload=name_of(model),
        fields=tuple(_field(name, field) for name, field in fields),
        is_open=model.model_config.get("extra") == "allow",
        concurrent=signal.concurrent,
        receivers=receiver_entries(signal.receivers),
    )


def receiver_entries(receivers: Iterable[ConnectedReceiver]) -> tuple[ReceiverEntry, ...]:
    """Return what there is to tell of receivers, which are given in call order."""
    return tuple(_receiver(order, each) for order, each in enumerate(receivers, start=1))


def is_builtin(name: str) -> bool:
    """Return whether a signal of this name comes with this library."""
    return name.startswith(f"{PACKAGE}.")


def json_schema(signal: Signal[Any, ...]) -> dict[str, Any]:
    """Return the JSON Schema of a signal's payload, under the names that a send uses.

    Defaults are left out. Python types that JSON does not tell apart are told by
    `json_schemas.PYTHON_TYPE` and `json_schemas.PYTHON_KEYS`.

    Raises:
        SignalDefinitionError: A type of the payload is not defined, so that no send is possible,
            or it refuses to have a schema.
    """
    model: type[BaseModel] = signal.providing_args
    try:
        return model.model_json_schema(by_alias=False, schema_generator=PayloadJsonSchema)
    except (PydanticUndefinedAnnotation, PydanticUserError) as error:
        problem = (
            f"has no JSON Schema ({error.message}); give that type a __get_pydantic_json_schema__"
            if model.__pydantic_complete__
            else "is not complete, since an annotation of it names what does not exist; "
            f"define that, and call {model.__name__}.model_rebuild()"
        )
        raise SignalDefinitionError(
            f"the payload {name_of(model)} of signal {signal.name} {problem}", signal=signal.name
        ) from error


def _field(name: str, field: FieldInfo) -> FieldEntry:
    return FieldEntry(name, type_text(field.annotation), field.is_required())


def _receiver(order: int, connected: ConnectedReceiver) -> ReceiverEntry:
    uid, sender = connected.dispatch_uid, connected.sender
    return ReceiverEntry(
        name=name_of(connected.receiver),
        location=connected.location,
        order=order,
        sender=None if sender is None else name_of(sender),
        weak=connected.weak,
        priority=connected.priority,
        dispatch_uid=None if uid is None else type_text(type(uid)),
        on_commit=connected.on_commit,
        subclasses=connected.subclasses,
        takes_payload=connected.takes_payload,
    )


def type_text(annotation: object) -> str:
    """Return a type as people write it, without what an `Annotated` may carry beside it."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in _WRITTEN:
        return _WRITTEN[origin](arguments)
    if origin is not None:
        return f"{type_text(origin)}[{', '.join(map(type_text, arguments))}]"
    if isinstance(annotation, list):  # the parameters of a Callable
        return f"[{', '.join(map(type_text, cast('list[object]', annotation)))}]"
    return _NAMED.get(annotation) or _plain(annotation)


def _plain(annotation: object) -> str:
    if isinstance(annotation, ForwardRef):
        return annotation.__forward_arg__
    if isinstance(annotation, str):
        return annotation
    if isinstance(annotation, TypeVar):
        return annotation.__name__
    return name_of(annotation).removeprefix("builtins.")


def _literal(value: object) -> str:
    return f"{type(value).__name__}.{value.name}" if isinstance(value, Enum) else repr(value)


def _union(members: tuple[object, ...]) -> str:
    return " | ".join(type_text(each) for each in members)


_WRITTEN: Mapping[object, Callable[[tuple[object, ...]], str]] = {
    Annotated: lambda arguments: type_text(arguments[0]),
    Literal: lambda arguments: f"Literal[{', '.join(map(_literal, arguments))}]",
    Union: _union,
    UnionType: _union,
}
_NAMED: Mapping[object, str] = {Any: "Any", NoneType: "None", None: "None", ...: "..."}
