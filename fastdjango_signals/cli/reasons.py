"""Why a send from some sender reaches a receiver, or does not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fastdjango_signals.places import name_of
from fastdjango_signals.receivers import ConnectedReceiver
from fastdjango_signals.references import key_of_sender
from fastdjango_signals.signals import Signal


@dataclass(frozen=True, slots=True)
class Reached:
    """What becomes of one receiver when a sender sends.

    Attributes:
        receiver: The receiver, with the sender it listens to.
        runs: Whether the send reaches it.
        why: Why, or why not, as the end of a sentence that begins with the receiver.
    """

    receiver: ConnectedReceiver
    runs: bool
    why: str


def reached(signal: Signal[Any, ...], sender: object) -> Iterator[Reached]:
    """Tell of each receiver of a signal, in call order, what becomes of it."""
    for each in signal.receivers:
        why = why_reached(each, sender)
        yield Reached(each, why is not None, why or _why_not(each, sender))


def why_reached(receiver: ConnectedReceiver, sender: object) -> str | None:
    """Return why a send reaches a receiver, by the registry's rules; None where it does not."""
    own = receiver.sender
    if own is None:
        return "listens to every sender"
    if key_of_sender(own) == key_of_sender(sender):
        return "listens to this sender"
    if receiver.subclasses and isinstance(sender, type) and _is_base(own, sender):
        return f"listens to {name_of(own)} and its subclasses"
    return None


def _is_base(own: object, sender: type) -> bool:
    return isinstance(own, type) and own in sender.__mro__


def _why_not(receiver: ConnectedReceiver, sender: object) -> str:
    own = receiver.sender
    wanted = f"listens to {name_of(own)}"
    if sender is None:
        return f"{wanted} only, and this send has no sender"
    if isinstance(own, type) and isinstance(sender, type):
        return wanted + _class_and_class(own, sender)
    if isinstance(own, type):
        return wanted + _class_and_object(own, sender)
    if isinstance(sender, type):
        return wanted + _object_and_class(own, sender)
    if name_of(own) == name_of(sender):
        is_value = isinstance(key_of_sender(own), tuple)
        how = "value" if is_value else "identity"
        return f"listens to another {name_of(own)}; such senders are told apart by {how}"
    return wanted


def _class_and_class(own: type, sender: type) -> str:
    if own in sender.__mro__:
        return ", of which the sender is a subclass; connect it with subclasses=True"
    if sender in own.__mro__:
        return ", a subclass of the sender"
    if name_of(own) == name_of(sender):
        return (
            ", another class of this very name, as there is where a module is imported twice or a "
            "decorator makes a new class; connect it to the class that sends"
        )
    return ""


def _class_and_object(own: type, sender: object) -> str:
    if isinstance(sender, own):
        return ", and the sender is an object of that class; send from the class"
    return _NAMES if _are_names(sender, own) else ""


def _object_and_class(own: object, sender: type) -> str:
    if isinstance(own, sender):
        return ", one object of the class, and not the class"
    return _NAMES if _are_names(own, sender) else ""


def _are_names(text: object, named: type) -> bool:
    return isinstance(text, str) and text.rpartition(".")[2] == named.__name__


_NAMES = "; a string is never the class that it names"
