"""What a relay, or a transport, is given: refused at once where it cannot work."""

from __future__ import annotations

import re
import weakref
from collections.abc import Iterable
from typing import Any, cast

from fastdjango_signals.places import name_of
from fastdjango_signals.relay.exceptions import RelayDefinitionError
from fastdjango_signals.signals import Signal

_SERVICE = re.compile(r"[A-Za-z0-9_]+(-[A-Za-z0-9_]+)*")


def check_service(service: str) -> None:
    """Raise for a name that some broker would not take."""
    if not isinstance(cast("object", service), str) or not _SERVICE.fullmatch(service):
        raise RelayDefinitionError(
            f"A relay cannot be of service {name_of(service)}; name it with letters, digits, _ and "
            'single hyphens, as in "stock-keeping"'
        )


_owners: weakref.WeakKeyDictionary[object, weakref.ref[object]] = weakref.WeakKeyDictionary()


def _claim(thing: object, owner: object, what: str) -> None:
    """Note whose this is, for as long as both live; raise if it is somebody else's."""
    known = _owners.get(thing)
    if known is not None and known() not in (None, owner):
        raise RelayDefinitionError(
            f"{what} {name_of(thing)} is in use already: the first to stop would stop the other "
            "too; make one for each relay"
        )
    _owners[thing] = weakref.ref(owner)


def check_transport(transport: object, relay: object) -> None:
    """Raise for what is no transport, such as the broker that belongs into one, or another's."""
    if not hasattr(transport, "subscribe") or not hasattr(transport, "buried"):
        raise RelayDefinitionError(
            f"A relay needs a transport, and is given {name_of(transport)}; write for instance "
            "JetStream(NatsBroker(...))"
        )
    _claim(transport, relay, "The transport")


def check_options(workers: int, timeout: float | None) -> None:
    """Raise for numbers that make no sense."""
    if workers < 1:
        raise RelayDefinitionError(f"workers={workers} receive nothing; give 1 or more")
    if timeout is not None and timeout <= 0:
        raise RelayDefinitionError(f"timeout={timeout} ends every receiver; give seconds, or None")


def check_broker(broker: object, kind: type, transport: object) -> None:
    """Raise for a broker that a transport is not made for, or that is another's."""
    name = type(transport).__name__
    if not isinstance(broker, kind):
        raise RelayDefinitionError(
            f"{name} needs a {kind.__name__} of FastStream, and is given {name_of(broker)}; "
            f"write {name}({kind.__name__}(...))"
        )
    _claim(broker, transport, "The broker")


def signals_of(given: Iterable[Signal[Any, ...]], option: str) -> tuple[Signal[Any, ...], ...]:
    """Return the signals that an option lists.

    Raises:
        RelayDefinitionError: It lists something else, or is no list.
    """
    listed = () if isinstance(given, Signal | str) else tuple(given)
    wrong = [each for each in listed if not isinstance(cast("object", each), Signal)]
    if wrong or isinstance(given, Signal | str):
        raise RelayDefinitionError(
            f"{option} is given {name_of(wrong[0] if wrong else given)}; "
            f"list signals, as in {option}=[order_placed]"
        )
    return listed


def by_name(signals: Iterable[Signal[Any, ...]], service: str) -> dict[str, Signal[Any, ...]]:
    """Return signals by name.

    Raises:
        RelayDefinitionError: Two of them have one name.
    """
    named: dict[str, Signal[Any, ...]] = {}
    for signal in signals:
        if named.setdefault(signal.name, signal) is not signal:
            raise RelayDefinitionError(
                f'Two signals of service {service} are called "{signal.name}"; give one of them '
                "another name=",
                signal=signal.name,
            )
    return named
