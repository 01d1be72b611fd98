"""What was connected while a module was imported, and is gone already: nobody else refers to it."""

from __future__ import annotations

import gc
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from fastdjango_signals.places import name_of, place_of
from fastdjango_signals.receivers import Connection
from fastdjango_signals.registry import Registry


@dataclass(frozen=True, slots=True)
class Loss:
    """A receiver whose connection has ended with an object.

    Attributes:
        signal: The name of the signal.
        receiver: The full name of the receiver.
        location: `file:line` of its definition, or None.
        sender: The name of the sender, where it was that which was collected; else None.
    """

    signal: str
    receiver: str
    location: str | None
    sender: str | None = None


@contextmanager
def losses() -> Generator[list[Loss], None, None]:
    """Give a list, which holds at the end of the block what was connected in it and is gone.

    What was disconnected, or only checked, is not lost.
    """
    watch = _Watch()
    before, Registry.watcher = Registry.watcher, watch
    try:
        yield watch.found
        gc.collect()
    finally:
        Registry.watcher = before


class _Watch:
    """Notes the names of what is connected, for they cannot be asked for once it is gone."""

    def __init__(self) -> None:
        self.found: list[Loss] = []
        self._connected: dict[Connection, Loss] = {}

    def connected(self, signal: str, connection: Connection, sender: object) -> None:
        """Note a connection."""
        receiver = connection.resolve()
        place = None if receiver is None else place_of(receiver)
        source = None if sender is None else name_of(sender)
        self._connected[connection] = Loss(signal, name_of(receiver), place, source)

    def disconnected(self, connection: Connection, sender: object) -> None:
        """Note a loss, if the connection ended with its receiver or its sender."""
        noted = self._connected.pop(connection, None)
        if noted is not None and connection.resolve() is None:
            self.found.append(replace(noted, sender=None))
        elif noted is not None and noted.sender is not None and sender is None:
            self.found.append(noted)
