"""The options of `connect`, and which of them make sense together."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from typing_extensions import TypedDict

from fastdjango_signals.exceptions import SignalOptionError, UnknownOptionError
from fastdjango_signals.places import name_of
from fastdjango_signals.wording import near


class ConnectOptions(TypedDict, total=False, closed=True):
    """The keywords that `connect`, `connected_to` and `receiver` take.

    Attributes:
        sender: Receive only what this object sends, by identity; None, the default, for every
            sender. Strings, numbers and others without weak references are told by equality.
        weak: Hold the receiver weakly, so that it ends with its owner. True by default.
        dispatch_uid: An identity that stands for the receiver's own.
        priority: Receivers of higher priority run first. 0 by default.
        subclasses: Receive from the subclasses of `sender` too.
        on_commit: Run after the transaction of the sending code has committed.
    """

    sender: object
    weak: bool
    dispatch_uid: Hashable
    priority: int
    subclasses: bool
    on_commit: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What `connect` was asked for, beside the receiver and the sender."""

    weak: bool = True
    dispatch_uid: Hashable = None
    priority: int = 0
    subclasses: bool = False
    on_commit: bool = False


_DEFAULTS = Options()  # shared by most connections


def read_options(given: ConnectOptions, signal: str) -> tuple[object, Options]:
    """Return the sender and the other options, or raise `SignalOptionError`."""
    known = ConnectOptions.__optional_keys__
    for name in given:
        if name not in known:
            hint = near(name, known) or f"there are {', '.join(sorted(known))}"
            raise UnknownOptionError(
                f'Signal {signal} has no option "{name}"; {hint}', signal=signal
            )
    values: dict[str, Any] = {**given}
    sender = values.pop("sender", None)
    problem = _problem(sender, values)
    if problem:
        raise SignalOptionError(f"Signal {signal} cannot connect: {problem}", signal=signal)
    return sender, Options(**values) if values else _DEFAULTS


def refuse_positional(misplaced: Sequence[object], signal: str) -> None:
    """Raise where options are given by position, as Django allows for the sender."""
    if misplaced:
        raise UnknownOptionError(
            f"Signal {signal} takes options by keyword only; "
            f"write sender={name_of(misplaced[0])} for a sender",
            signal=signal,
        )


def _problem(sender: object, values: Mapping[str, Any]) -> str | None:
    for name in ("weak", "subclasses", "on_commit"):
        value = values.get(name, False)
        if not isinstance(value, bool):
            return f"{name} is {name_of(value)}; give True or False"
    priority = values.get("priority", 0)
    if not isinstance(priority, int) or isinstance(priority, bool):
        return f"priority is {name_of(priority)}; give a whole number, as in priority=10"
    if values.get("subclasses") and not isinstance(sender, type):
        return f"subclasses=True needs a class as the sender, not {name_of(sender)}"
    uid = values.get("dispatch_uid")
    if not _is_hashable(uid):
        return f"dispatch_uid is {name_of(uid)}, which cannot be hashed; give a string"
    if not type(sender).__weakrefoffset__ and not _is_hashable(sender):
        return (
            f"sender is {name_of(sender)}, which can be neither weakly referenced nor hashed; "
            "give a class, an object or a string"
        )
    return None


def _is_hashable(value: object) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True
