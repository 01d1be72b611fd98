"""What is wrong with the signals of an application, as far as its connections tell."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import FunctionType, MethodType

from fastdjango_signals.catalogue import is_builtin, json_schema
from fastdjango_signals.cli.apps import AnySignal
from fastdjango_signals.cli.losses import Loss
from fastdjango_signals.cli.modules import found_in
from fastdjango_signals.cli.reasons import why_reached
from fastdjango_signals.exceptions import SignalDefinitionError
from fastdjango_signals.places import PACKAGE, name_of
from fastdjango_signals.receivers import ConnectedReceiver, key_of

_OF_MODELS = {f"{PACKAGE}.{when}_{what}" for when in ("pre", "post") for what in ("save", "delete")}


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong.

    Attributes:
        code: Which kind of thing it is; docs/how-to/command-line.md lists the codes.
        signal: The name of the signal.
        place: `file:line` of the receiver, `module:name` of the signal, or None.
        text: What is wrong.
        remedy: What to write instead.
    """

    code: str
    signal: str
    place: str | None
    text: str
    remedy: str


def findings(signals: Iterable[AnySignal], lost: Iterable[Loss]) -> Iterator[Finding]:
    """Find what is wrong with these signals, and with what was lost of them."""
    signals = list(signals)
    yield from map(_lost, lost)
    for signal in signals:
        for receiver in signal.receivers:
            yield from _sender(signal, receiver)
            yield from _local(signal, receiver)
        yield from _twice(signal)
        yield from _unheard(signal)
        yield from _incomplete(signal)
    for name, count in Counter(signal.name for signal in signals).items():
        if count > 1:
            yield Finding(
                "S105",
                name,
                None,
                f"{count} signals have this name, so that listings and relays mix them up",
                "define the signal once and import it, or give each a name=... of its own",
            )


def _lost(loss: Loss) -> Finding:
    if loss.sender is not None:
        return Finding(
            "S102",
            loss.signal,
            loss.location,
            f"{loss.receiver} can never run: its sender {loss.sender} has been collected",
            "keep the sender, as an attribute of a module or of what lives as long",
        )
    return Finding(
        "S101",
        loss.signal,
        loss.location,
        f"{loss.receiver} can never run: it was collected, since nothing else refers to it",
        "connect it with weak=False, or keep it",
    )


def _sender(signal: AnySignal, receiver: ConnectedReceiver) -> Iterator[Finding]:
    """Find a sender from which no send can come."""
    sender = receiver.sender
    if signal.name in _OF_MODELS and not isinstance(sender, type | None):
        problem = f"its sender is {name_of(sender)}, and models are sent with their class as sender"
        yield _never(signal, receiver, problem, "give the class itself, as in sender=User")
    elif isinstance(sender, type) and _is_replaced(sender):
        problem = f"its sender {name_of(sender)} is not the class that its module has by that name"
        remedy = (
            "import the module once and by one name, and connect after the decorators of the class"
        )
        yield _never(signal, receiver, problem, remedy)


def _never(signal: AnySignal, receiver: ConnectedReceiver, problem: str, remedy: str) -> Finding:
    text = f"{name_of(receiver.receiver)} can never run: {problem}"
    return Finding("S102", signal.name, receiver.location, text, remedy)


def _is_replaced(sender: type) -> bool:
    """Return whether another class stands where this one says that it was defined."""
    module = sys.modules.get(sender.__module__)
    if module is None or "<locals>" in sender.__qualname__:
        return False
    try:
        present = found_in(module, sender.__qualname__)
    except AttributeError:  # made by a call, and bound to another name
        return False
    return isinstance(present, type) and present is not sender and _same_place(present, sender)


def _same_place(one: type, other: type) -> bool:
    return (one.__module__, one.__qualname__) == (other.__module__, other.__qualname__)


def _local(signal: AnySignal, receiver: ConnectedReceiver) -> Iterator[Finding]:
    function = receiver.receiver
    if not receiver.weak or not isinstance(function, FunctionType):
        return
    if "<locals>" in function.__qualname__ and not _is_global(function):
        yield Finding(
            "S103",
            signal.name,
            receiver.location,
            f"{name_of(function)} is a local function, held weakly: it runs as long as "
            "something else refers to it",
            "connect it with weak=False, or move it to the module",
        )


def _is_global(function: object) -> bool:
    """Return whether a module has it, as it has what a decorator returned."""
    return any(
        value is function
        for module in list(sys.modules.values())
        for value in list(getattr(module, "__dict__", {}).values())
    )


def _twice(signal: AnySignal) -> Iterator[Finding]:
    """Find receivers that one send calls more than once."""
    groups: dict[object, list[ConnectedReceiver]] = {}
    for each in signal.receivers:
        groups.setdefault(_identity(each), []).append(each)
    for connected in groups.values():
        for sender in [each.sender for each in connected]:
            called = [each for each in connected if why_reached(each, sender)]
            if len(called) > 1:
                yield _duplicate(signal, sender, called)
                break


def _duplicate(signal: AnySignal, sender: object, called: list[ConnectedReceiver]) -> Finding:
    source = "a send" if sender is None else f"a send from {name_of(sender)}"
    are_twins = len({each.receiver for each in called}) > 1
    return Finding(
        "S104",
        signal.name,
        called[0].location,
        f"{source} calls {name_of(called[0].receiver)} {len(called)} times",
        "import its module once and by one name, or give it a dispatch_uid"
        if are_twins
        else "connect it once: for this sender, or for every sender",
    )


def _identity(connected: ConnectedReceiver) -> object:
    """Return what is the same for one receiver, and for one function of a module made twice."""
    receiver = connected.receiver
    if isinstance(receiver, MethodType):
        return key_of(receiver, None)
    if isinstance(receiver, FunctionType) and "<locals>" not in receiver.__qualname__:
        return (receiver.__qualname__, connected.location)
    return id(receiver)


def _unheard(signal: AnySignal) -> Iterator[Finding]:
    if not signal.receivers and not is_builtin(signal.name):
        yield Finding(
            "S106",
            signal.name,
            variable_of(signal),
            "nobody listens",
            "import the module that connects its receivers, or ignore this code for this signal",
        )


def _incomplete(signal: AnySignal) -> Iterator[Finding]:
    try:
        json_schema(signal)
    except SignalDefinitionError as error:
        problem, _, remedy = str(error).partition("; ")
        yield Finding("S107", signal.name, variable_of(signal), problem, remedy)


def variable_of(signal: AnySignal) -> str | None:
    """Return `module:name` of a signal that a module has; rather of the one with its payload."""
    own = signal.providing_args.__module__
    modules = sorted(sys.modules.items(), key=lambda pair: pair[0] != own)
    return next(
        (
            f"{module_name}:{name}"
            for module_name, module in modules
            for name, value in list(getattr(module, "__dict__", {}).items())
            if value is signal
        ),
        None,
    )
