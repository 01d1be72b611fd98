"""One connected receiver: how it is told apart from others, and what was asked for it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable, Iterable
from dataclasses import dataclass, fields
from types import MethodType
from typing import Any, Generic, Protocol, TypeAlias, overload

from pydantic import BaseModel
from typing_extensions import ParamSpec, TypeVar

from fastdjango_signals.options import Options
from fastdjango_signals.places import place_of

P = ParamSpec("P", default=...)
M = TypeVar("M", bound=BaseModel, default=Any)
R = TypeVar("R")  # no default: with one, mypy accepts nearly every receiver
M_contra = TypeVar("M_contra", contravariant=True)
R_co = TypeVar("R_co", covariant=True, default=Any)

Receiver: TypeAlias = Callable[..., Awaitable[Any]]
"""Any async callable that can be connected."""

ReceiverKey: TypeAlias = int | tuple[Hashable, ...]
"""Identity of a receiver: `id`, the two ids of a bound method, or its `dispatch_uid` alone."""


class FieldReceiver(Protocol[P, R_co]):
    """A receiver that takes the fields of the payload by keyword.

    It names those that it uses, each with a default if the model has one, and `**kwargs`.
    """

    def __call__(self, sender: Any, *args: P.args, **kwargs: P.kwargs) -> Awaitable[R_co]:
        """Receive one send."""
        ...


class PayloadReceiver(Protocol[M_contra, R_co]):
    """A receiver that takes the payload itself."""

    def __call__(self, sender: Any, *, payload: M_contra) -> Awaitable[R_co]:
        """Receive one send."""
        ...


class Connector(Generic[M, P]):
    """What `signal.connect(...)` gives without a receiver: a decorator with these options."""

    __slots__ = ("_connect",)

    def __init__(self, connect: Callable[[object], Any]) -> None:
        self._connect = connect

    @overload
    def __call__(self, receiver: FieldReceiver[P, R], /) -> FieldReceiver[P, R]: ...
    @overload
    def __call__(self, receiver: PayloadReceiver[M, R], /) -> PayloadReceiver[M, R]: ...
    def __call__(self, receiver: object, /) -> Any:
        """Connect a receiver; returns it unchanged."""
        return self._connect(receiver)


@dataclass(frozen=True, slots=True, eq=False)
class Connection:
    """A receiver as the registry keeps it.

    Attributes:
        key: The receiver's identity among those of the same sender.
        resolve: Returns the receiver, or None once it has been collected.
        takes_payload: Whether it is given the payload whole instead of its fields.
        options: What `connect` was asked for.
        order: Rank of the connection; an earlier one has a lower number.
    """

    key: ReceiverKey
    resolve: Callable[[], Receiver | None]
    takes_payload: bool
    options: Options
    order: int

    @property
    def rank(self) -> tuple[int, int]:
        """Sort key for the call order: higher priority first, then the earlier connection."""
        return (-self.options.priority, self.order)


class ConnectionWatcher(Protocol):
    """Whom the registries tell of their connections, while they hold a lock: it must be quick."""

    def connected(self, signal: str, connection: Connection, sender: object) -> None:
        """Note a connection that is new."""
        ...

    def disconnected(self, connection: Connection, sender: object) -> None:
        """Note the end of a connection.

        The sender, or what the connection resolves to, is None where its end was that of this
        object.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectedReceiver(Options):
    """What `Signal.receivers` tells about one receiver, beside its options.

    Attributes:
        receiver: The receiver itself, as it was connected.
        sender: The sender it listens to; None for every sender.
        takes_payload: Whether it is given the payload whole instead of its fields.
        location: `file:line` of its definition, or None where Python code has none.
    """

    receiver: Receiver
    sender: object
    takes_payload: bool
    location: str | None


_OPTIONS = tuple(field.name for field in fields(Options))


def connected(found: Iterable[tuple[object, Connection]]) -> list[ConnectedReceiver]:
    """Return what to tell of connections, each with its sender; of those whose receivers live."""
    return [
        ConnectedReceiver(
            **{name: getattr(connection.options, name) for name in _OPTIONS},
            receiver=receiver,
            sender=sender,
            takes_payload=connection.takes_payload,
            location=place_of(receiver),
        )
        for sender, connection in found
        if (receiver := connection.resolve()) is not None
    ]


def key_of(receiver: Receiver | None, dispatch_uid: Hashable) -> ReceiverKey:
    """Return the identity under which a receiver is connected and disconnected."""
    if dispatch_uid is not None:
        return (dispatch_uid,)
    if isinstance(receiver, MethodType) and type(receiver) is MethodType:
        return (id(receiver.__self__), id(receiver.__func__))
    return id(receiver)
