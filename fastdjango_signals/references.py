"""How receivers and senders are held: weakly, so that a signal keeps none alive unasked."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Hashable
from types import MethodType
from typing import Any, Self

from fastdjango_signals.exceptions import SignalOptionError
from fastdjango_signals.places import describe
from fastdjango_signals.receivers import Receiver, ReceiverKey

ANY_SENDER: Hashable = None
"""Key for the receivers that listen to every sender; also that of `sender=None`."""


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

    def ends(
        self, sender_key: Hashable, receiver_key: ReceiverKey | None, warning: str | None = None
    ) -> Self:
        """Say what ends with the object; returns this reference."""
        self.sender_key, self.receiver_key, self.warning = sender_key, receiver_key, warning
        return self


# `super().__call__()` would take as long again.
_get: Callable[[weakref.ref[Any]], Any] = vars(weakref.ref)["__call__"]


class MethodReference(Reference):
    """A weak reference to the object of a bound method, which gives back the method.

    `weakref.WeakMethod` takes four times as long to call.
    """

    __slots__ = ("function",)

    function: Callable[..., Any]

    def __call__(self) -> Any:
        """Return the bound method, or None once its object has been collected."""
        owner = _get(self)
        return None if owner is None else MethodType(self.function, owner)


def weak_reference(
    receiver: Receiver, on_death: Callable[[weakref.ref[Any]], None], signal: str
) -> Reference:
    """Return a weak reference to a receiver; a bound method is held through its object."""
    try:
        # A mock of a method says that it is one.
        if isinstance(receiver, MethodType) and type(receiver) is MethodType:
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


def key_of_sender(sender: object) -> Hashable:
    """Return `id` for a sender that can be weakly referenced, else its value in a tuple.

    The tuple cannot be hashed where the value cannot.
    """
    if sender is None:
        return ANY_SENDER
    return id(sender) if type(sender).__weakrefoffset__ else (sender,)


def hold_sender(
    sender: object, on_death: Callable[[weakref.ref[Any]], None]
) -> Callable[[], object]:
    """Return what gives back the sender: held weakly by identity, or else kept by value."""
    key = key_of_sender(sender)
    if isinstance(key, tuple):
        return lambda: sender
    return Reference(sender, on_death).ends(key, None)
