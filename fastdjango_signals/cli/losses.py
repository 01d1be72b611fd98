"""What was connected while a module was imported, and is gone already: nobody else refers to it."""

from __future__ import annotations

import gc
import warnings
import weakref
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from fastdjango_signals.patches import Patch, Patches
from fastdjango_signals.places import name_of, place_of
from fastdjango_signals.receivers import Connection
from fastdjango_signals.references import Reference
from fastdjango_signals.registry import Registry
from fastdjango_signals.signals import Signal

_LOST = "watched receiver"


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
    patches = Patches(
        Patch(Signal, "_connection", watch.made),
        Patch(Registry, "add", watch.added),
        Patch(Registry, "discard", watch.discarded),
    )
    with warnings.catch_warnings():
        warnings.filterwarnings("always", f"{_LOST} .* was collected", ResourceWarning)
        shown = warnings.showwarning
        setattr(warnings, "showwarning", partial(watch.show, shown))  # noqa: B010 - it is no method
        patches.apply()
        try:
            yield watch.found
            gc.collect()
        finally:
            patches.restore()
    watch.look_for_senders()


class _Watch:
    """Watches the connections that are made.

    It gives each weak reference a warning of its own, as connections have in development mode: the
    registry warns of what is collected while it is connected. Of a sender it does not.
    """

    def __init__(self) -> None:
        self.found: list[Loss] = []
        self._receivers: dict[str, Loss] = {}
        self._made: dict[Connection, Loss] = {}
        self._senders: dict[Connection, tuple[weakref.ref[Any], Loss]] = {}

    def made(self, make: Callable[..., Connection]) -> Callable[..., Connection]:
        """Return a method of signals that makes a connection, and notes it."""

        def connection(signal: Signal[Any, ...], receiver: object, *rest: Any) -> Connection:
            made = make(signal, receiver, *rest)
            place = place_of(receiver) if callable(receiver) else None
            loss = self._made[made] = Loss(signal.name, name_of(receiver), place)
            if isinstance(made.resolve, Reference):
                made.resolve.warning = f"{_LOST} {len(self._receivers)} was collected"
                self._receivers[made.resolve.warning] = loss
            return made

        return connection

    def added(self, add: Callable[..., Connection]) -> Callable[..., Connection]:
        """Return a method of registries that connects, and notes the sender."""

        def connect(registry: Registry, connection: Connection, sender: object) -> Connection:
            present = add(registry, connection, sender)
            loss = self._made.get(connection)
            if loss is not None and present is connection:
                with suppress(TypeError):  # None, or a sender that is told by its value
                    lost = replace(loss, sender=name_of(sender))
                    self._senders[connection] = (weakref.ref(sender), lost)
            return present

        return connect

    def discarded(self, discard: Callable[..., None]) -> Callable[..., None]:
        """Return a method of registries that disconnects, and forgets the sender."""

        def disconnect(registry: Registry, connection: Connection, sender: object) -> None:
            discard(registry, connection, sender)
            self._senders.pop(connection, None)

        return disconnect

    def show(
        self, others: Callable[..., None], message: Warning | str, *rest: Any, **more: Any
    ) -> None:
        """Note the warning of a loss, and show any other one as before."""
        loss = self._receivers.get(str(message))
        if loss is None:
            others(message, *rest, **more)
        else:
            self.found.append(loss)

    def look_for_senders(self) -> None:
        """Note those receivers whose senders are gone."""
        self.found += [lost for reference, lost in self._senders.values() if reference() is None]
