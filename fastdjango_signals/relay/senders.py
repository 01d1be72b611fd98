"""Senders on the wire: a class crosses as its dotted name, a string as itself.

The wire never makes this process import anything, nor run any code: a name is looked up among
the classes of the modules that are imported already.
"""

from __future__ import annotations

import json
import re
import sys
import weakref
from collections.abc import Mapping
from types import ModuleType
from typing import Literal, NamedTuple, TypeAlias

from fastdjango_signals.places import name_of
from fastdjango_signals.relay.exceptions import EncodeError

_CLEAN = re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff]{1,512}")

Kind: TypeAlias = Literal["class", "text"]


class WireSender(NamedTuple):
    """A sender, as it crosses: its name, the same as JSON, and its kind."""

    name: str
    json: str
    kind: Kind


_written: weakref.WeakKeyDictionary[type, WireSender] = weakref.WeakKeyDictionary()


def to_wire(sender: object, signal: str) -> WireSender | None:
    """Return how a sender crosses; None for no sender.

    Raises:
        EncodeError: It is neither a class nor a string that can be an attribute of a CloudEvent.
    """
    if sender is None:
        return None
    if isinstance(sender, str) and _CLEAN.fullmatch(sender):
        return WireSender(sender, json.dumps(sender), "text")
    if isinstance(sender, type):
        return _written.get(sender) or _of_class(sender)
    raise EncodeError(
        f"Signal {signal} is relayed, and its sender {name_of(sender)} cannot cross to another "
        "process; send from a class, a string of 1 to 512 printable characters, or None",
        signal=signal,
    )


def _of_class(sender: type) -> WireSender:
    name = f"{sender.__module__}.{sender.__qualname__}"
    _written[sender] = written = WireSender(name, json.dumps(name), "class")
    return written


def from_wire(name: str | None, kind: Kind | None) -> object:
    """Return the sender of this name: the class, where it is imported, or else the name itself."""
    if name is None or kind != "class":
        return name
    return _imported(name) or name


def _imported(name: str) -> type | None:
    module, _, path = name.rpartition(".")
    while module:
        found = _class_in(_namespace(sys.modules.get(module)), path)
        if found is not None and f"{found.__module__}.{found.__qualname__}" == name:
            return found
        module, _, _ = module.rpartition(".")
        path = name[len(module) + 1 :]
    return None


def _namespace(module: object) -> Mapping[str, object]:
    # A module may be lazy: then even to ask for its __dict__ in the usual way would load it.
    return object.__getattribute__(module, "__dict__") if isinstance(module, ModuleType) else {}


def _class_in(namespace: Mapping[str, object], path: str) -> type | None:
    # Through vars(), for a module or a class may run code when it is asked for an attribute.
    found: type | None = None
    for attribute in path.split("."):
        value = namespace.get(attribute)
        if not isinstance(value, type):
            return None
        found, namespace = value, vars(value)
    return found
