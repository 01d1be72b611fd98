"""One connected receiver: how it is told apart from others, held, and given back to be called."""

from __future__ import annotations

import weakref
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from types import MethodType
from typing import Any, TypeAlias

from fastdjango_signals.exceptions import SignalOptionError
from fastdjango_signals.places import describe

Receiver: TypeAlias = Callable[..., Awaitable[Any]]
"""Any async callable that can be connected."""

ReceiverKey: TypeAlias = int | tuple[Hashable, ...]
"""Identity of a receiver: `id`, the two ids of a bound method, or its `dispatch_uid` alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What `connect` was asked for, beside the receiver and the sender."""

    weak: bool = True
    dispatch_uid: Hashable = None
    priority: int = 0
    subclasses: bool = False
    on_commit: bool = False


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


def key_of(receiver: Receiver | None, dispatch_uid: Hashable) -> ReceiverKey:
    """Return the identity under which a receiver is connected and disconnected."""
    if dispatch_uid is not None:
        return (dispatch_uid,)
    if isinstance(receiver, MethodType):
        return (id(receiver.__self__), id(receiver.__func__))
    return id(receiver)


class Reference(weakref.ref[Any]):
    """A weak reference that knows which entry of the registry ends with its object.

    It is called to get the object back, so that a plain function costs nothing extra.

    Attributes:
        sender_key: Key of the entry.
        receiver_key: Key of the receiver within it; None where the object is the sender.
        warning: What to say if a receiver is collected while it is connected.
    """

    __slots__ = ("receiver_key", "sender_key", "warning")

    sender_key: Hashable
    receiver_key: ReceiverKey | None
    warning: str | None


class MethodReference(Reference):
    """A weak reference to the object of a bound method, which gives back the method.

    `weakref.WeakMethod` takes four times as long to call.
    """

    __slots__ = ("function",)

    function: Callable[..., Any]

    def __call__(self) -> Any:
        """Return the bound method, or None once its object has been collected."""
        owner = super().__call__()
        return None if owner is None else MethodType(self.function, owner)


def weak_reference(
    receiver: Receiver, on_death: Callable[[weakref.ref[Any]], None], signal: str
) -> Reference:
    """Return a weak reference to a receiver; a bound method is held through its object."""
    try:
        if isinstance(receiver, MethodType):
            reference = MethodReference(receiver.__self__, on_death)
            reference.function = receiver.__func__
            return reference
        return Reference(receiver, on_death)
    except TypeError as error:
        described = describe(receiver)
        raise SignalOptionError(
            f"Signal {signal} cannot hold {described} weakly ({error}); connect it with weak=False",
            signal=signal,
            receiver=described,
        ) from error


def strong_reference(receiver: Receiver) -> Callable[[], Receiver]:
    """Return a function that gives back the receiver and keeps it alive."""
    return lambda: receiver
