"""What is wrong with the signals of an application, as far as its connections tell."""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from inspect import unwrap
from types import FunctionType

from fastdjango_signals.catalogue import is_builtin, json_schema
from fastdjango_signals.cli.apps import AnySignal
from fastdjango_signals.cli.losses import Loss
from fastdjango_signals.cli.modules import found_in
from fastdjango_signals.cli.reasons import why_reached
from fastdjango_signals.cli.variables import Variables
from fastdjango_signals.exceptions import SignalDefinitionError
from fastdjango_signals.places import PACKAGE, name_of
from fastdjango_signals.receivers import ConnectedReceiver, key_of
from fastdjango_signals.references import key_of_sender

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
    variables = Variables()
    yield from map(_lost, lost)
    for signal in signals:
        receivers = signal.receivers
        for receiver in receivers:
            yield from _sender(signal, receiver)
            yield from _local(signal, receiver, variables)
        yield from _twice(signal, receivers)
        if not receivers:
            yield from _unheard(signal, variables)
        yield from _incomplete(signal, variables)
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
    elif isinstance(sender, type) and _is_replaced(sender, receiver.subclasses):
        problem = f"its sender {name_of(sender)} is not the class that its module has by that name"
        remedy = (
            "import the module once and by one name, and connect after the decorators of the class"
        )
        yield _never(signal, receiver, problem, remedy)


def _never(signal: AnySignal, receiver: ConnectedReceiver, problem: str, remedy: str) -> Finding:
    text = f"{name_of(receiver.receiver)} can never run: {problem}"
    return Finding("S102", signal.name, receiver.location, text, remedy)


def _is_replaced(sender: type, subclasses: bool) -> bool:
    """Return whether another class stands where this one says that it was defined.

    One that inherits from it still reaches those who listen to subclasses.
    """
    module = sys.modules.get(sender.__module__)
    if module is None or "<locals>" in sender.__qualname__:
        return False
    try:
        present = found_in(module, sender.__qualname__)
    except Exception:  # noqa: BLE001 - made by a call, or the module has a __getattr__ of its own
        return False
    if not isinstance(present, type) or not _same_place(present, sender):
        return False
    return not issubclass(present, sender) if subclasses else present is not sender


def _same_place(one: type, other: type) -> bool:
    return (one.__module__, one.__qualname__) == (other.__module__, other.__qualname__)


def _local(
    signal: AnySignal, receiver: ConnectedReceiver, variables: Variables
) -> Iterator[Finding]:
    function = receiver.receiver
    if not receiver.weak or not isinstance(function, FunctionType):
        return
    if "<locals>" in function.__qualname__ and function not in variables:
        yield Finding(
            "S103",
            signal.name,
            receiver.location,
            f"{name_of(function)} is a local function, held weakly: it runs as long as "
            "something else refers to it",
            "connect it with weak=False, or move it to the module",
        )


def _twice(signal: AnySignal, receivers: Iterable[ConnectedReceiver]) -> Iterator[Finding]:
    """Find receivers that one send calls more than once."""
    for group in _alike(receivers):
        by_sender: defaultdict[object, list[ConnectedReceiver]] = defaultdict(list)
        for each in group:
            by_sender[key_of_sender(each.sender)].append(each)
        for sender in [each.sender for each in group]:
            bases = sender.__mro__ if isinstance(sender, type) else ()
            keys = dict.fromkeys(map(key_of_sender, (None, sender, *bases)))
            called = [
                each for key in keys for each in by_sender.get(key, ()) if why_reached(each, sender)
            ]
            if len(called) > 1:
                yield _duplicate(signal, sender, called)
                break


def _alike(receivers: Iterable[ConnectedReceiver]) -> Iterator[list[ConnectedReceiver]]:
    """Return groups of what is one receiver, or one function of a module that was made twice."""
    groups: defaultdict[object, list[ConnectedReceiver]] = defaultdict(list)
    for each in receivers:
        groups[_definition(each)].append(each)
    for group in groups.values():
        if len({id(_module_of(each)) for each in group}) > 1:
            yield group
            continue
        same: defaultdict[object, list[ConnectedReceiver]] = defaultdict(list)
        for each in group:
            same[key_of(each.receiver, None)].append(each)
        yield from same.values()


def _duplicate(signal: AnySignal, sender: object, called: list[ConnectedReceiver]) -> Finding:
    source = "a send" if sender is None else f"a send from {name_of(sender)}"
    are_twins = len({key_of(each.receiver, None) for each in called}) > 1
    return Finding(
        "S104",
        signal.name,
        called[0].location,
        f"{source} calls {name_of(called[0].receiver)} {len(called)} times",
        "import its module once and by one name, or give it a dispatch_uid"
        if are_twins
        else "connect it once: for this sender, or for every sender",
    )


def _definition(connected: ConnectedReceiver) -> object:
    """Return what is the same for all that one line of a module has defined."""
    receiver = connected.receiver
    if isinstance(receiver, FunctionType) and "<locals>" not in receiver.__qualname__:
        return (receiver.__qualname__, connected.location)
    return key_of(receiver, None)


def _module_of(connected: ConnectedReceiver) -> object:
    """Return the namespace of a function's module, which a second import makes anew."""
    receiver = connected.receiver
    return getattr(unwrap(receiver), "__globals__", None)


def _unheard(signal: AnySignal, variables: Variables) -> Iterator[Finding]:
    if not is_builtin(signal.name):
        yield Finding(
            "S106",
            signal.name,
            variables.of(signal),
            "nobody listens",
            "import the module that connects its receivers, or ignore this code for this signal",
        )


def _incomplete(signal: AnySignal, variables: Variables) -> Iterator[Finding]:
    try:
        json_schema(signal)
    except SignalDefinitionError as error:
        problem, _, remedy = str(error).partition("; ")
        yield Finding("S107", signal.name, variables.of(signal), problem, remedy)
