"""Who listens to which sender: kept by identity, for as long as both sides live.

Two things may interfere with any statement here. Another thread: a lock keeps it out. And this
very thread, since collecting garbage runs callbacks and `__del__` methods that may disconnect;
so the lock is reentrant, single dict operations do the work, and `_changes` tells a step that
computed something whether it is still true.

A send takes no lock: it reads a plan, which is made once and then only replaced.
"""

from __future__ import annotations

import itertools
import os
import sys
import threading
import warnings
import weakref
from collections.abc import Callable, Hashable, Iterator
from typing import Any, ClassVar, cast

from fastdjango_signals.plans import Plan
from fastdjango_signals.receivers import Connection, ConnectionWatcher, ReceiverKey
from fastdjango_signals.references import ANY_SENDER, Reference, hold_sender, key_of_sender


class Entry:
    """The receivers connected for one sender.

    Attributes:
        sender: Returns the sender, or None once it has been collected.
        connections: By receiver, in order of connection.
        plan: What a send from this sender reaches; None until somebody asks.
    """

    __slots__ = ("connections", "plan", "sender")

    def __init__(self, sender: Callable[[], object]) -> None:
        self.sender = sender
        self.connections: dict[ReceiverKey, Connection] = {}
        self.plan: Plan | None = None


_registries: weakref.WeakSet[Registry] = weakref.WeakSet()


class Registry:
    """The connections of one signal.

    Args:
        signal: The name of the signal.

    Attributes:
        everyone: What any send reaches, as long as nobody has asked for a sender; or None.
        watcher: Who is told what is connected and disconnected, in any registry; mostly nobody.
    """

    __slots__ = (
        "__weakref__",
        "_any",
        "_bury",
        "_changes",
        "_dead",
        "_entries",
        "_lock",
        "_order",
        "_planned",
        "_signal",
        "_subclass_connections",
        "everyone",
    )

    watcher: ClassVar[ConnectionWatcher | None] = None

    def __init__(self, signal: str) -> None:
        self.everyone: Plan | None = None
        self._signal = signal
        self._any = Entry(lambda: None)
        self._entries: dict[Hashable, Entry] = {}
        self._lock = threading.RLock()
        self._order = itertools.count()
        self._changes = 0
        self._planned: set[Entry] = set()  # at least the entries that have a plan
        self._subclass_connections = 0
        self._dead: list[Reference] = []
        self._bury = self._burier(weakref.ref(self))
        _registries.add(self)

    @staticmethod
    def renew_locks() -> None:
        """Free what a thread held that does not exist in this process, a fork of its own."""
        for registry in list(_registries):
            registry._lock = threading.RLock()

    @property
    def lock(self) -> threading.RLock:
        """The lock of every change. What is built on a registry takes it too, and no other."""
        return self._lock

    @property
    def on_death(self) -> Callable[[weakref.ref[Any]], None]:
        """The callback for weak references to receivers of this registry."""
        return self._bury

    def next_order(self) -> int:
        """Return the rank of the next connection."""
        return next(self._order)

    def add(self, connection: Connection, sender: object) -> Connection:
        """Connect; return the connection that stands now: an earlier one of the same receiver."""
        with self._lock:
            while True:
                entry = self._entry_for(sender)
                present = entry.connections.setdefault(connection.key, connection)
                if present is not connection and present.resolve() is None:
                    self._drop(entry, present)  # its callback has yet to run
                elif self._entry(sender) is entry:
                    break
            if present is connection:
                self._subclass_connections += connection.options.subclasses
                changes = self._changes
                plan = entry.plan.followed_by(connection) if entry.plan else None
                self._changed(entry, connection, plan if changes == self._changes else None)
                if self.watcher is not None:
                    self.watcher.connected(self._signal, connection, sender)
        self._sweep()
        return present

    def remove(self, key: ReceiverKey, sender: object) -> bool:
        """Disconnect; return whether a live receiver was connected."""
        with self._lock:
            entry = self._entry(sender)
            connection = entry.connections.get(key) if entry else None
            alive = connection is not None and connection.resolve() is not None
            if connection is not None:
                self.discard(connection, sender)
        self._sweep()
        return alive

    def discard(self, connection: Connection, sender: object) -> None:
        """Disconnect this very connection, where it still stands."""
        with self._lock:
            entry = self._entry(sender)
            if entry is not None:
                self._drop(entry, connection)
                self._forget_if_empty(key_of_sender(sender), entry)

    def plan(self, sender: object) -> Plan:
        """Return the connections that a send from `sender` reaches now."""
        entry = self._any
        if self._entries:
            own = self._entry(sender)
            if own is not None:
                entry = own
            elif self._subclass_connections and issubclass(type(sender), type):
                return self._rebuild(None, sender)
        plan = entry.plan
        return self._rebuild(entry, sender) if plan is None else plan

    def connections(self) -> list[tuple[object, Connection]]:
        """Return all connections, each with its sender, in call order."""
        with self._lock:
            found = [
                (entry.sender(), connection)
                for entry in (self._any, *list(self._entries.values()))
                for connection in list(entry.connections.values())
            ]
        return sorted(found, key=lambda pair: pair[1].rank)

    def _entry(self, sender: object) -> Entry | None:
        if sender is None:
            return self._any
        try:
            entry = self._entries.get(key_of_sender(sender))
        except TypeError:  # unhashable, so nobody can have connected to it
            return None
        if entry is None or not isinstance(entry.sender, Reference):
            return entry
        return entry if entry.sender() is sender else None

    def _entry_for(self, sender: object) -> Entry:
        if sender is None:
            return self._any
        key = key_of_sender(sender)
        entry = self._entry(sender)
        if entry is None:
            self.everyone = None
            entry = self._entries[key] = Entry(hold_sender(sender, self._bury))
        return entry

    def _rebuild(self, entry: Entry | None, sender: object) -> Plan:
        with self._lock:
            while True:
                changes = self._changes
                if entry is None:  # a class that only inherits receivers: its plan is kept too
                    entry = self._entry_for(sender)
                plan = Plan.of(self._reached(entry, sender))
                if changes == self._changes:
                    self._keep(entry, plan)
                    break
        self._sweep()
        return plan

    def _reached(self, entry: Entry, sender: object) -> Iterator[Connection]:
        yield from list(self._any.connections.values())
        if entry is not self._any:
            yield from list(entry.connections.values())
        if self._subclass_connections and issubclass(type(sender), type):
            for base in cast("type", sender).__mro__[1:]:
                inherited = self._entry(base)
                if inherited is not None:
                    for connection in list(inherited.connections.values()):
                        if connection.options.subclasses:
                            yield connection

    def _changed(self, entry: Entry, connection: Connection, plan: Plan | None = None) -> None:
        self._changes += 1
        changes = self._changes
        entry.plan = self.everyone = None
        self._planned.discard(entry)
        if entry is self._any or connection.options.subclasses:
            # Each plan is thrown away once, so this costs no more than making them did; and none
            # is left to keep a receiver alive that was disconnected.
            planned, self._planned = self._planned, set()
            for other in planned:
                other.plan = None
        if plan is not None and changes == self._changes:
            self._keep(entry, plan)

    def _keep(self, entry: Entry, plan: Plan) -> None:
        self._planned.add(entry)
        entry.plan = plan
        if not self._entries:
            self.everyone = plan

    def _drop(self, entry: Entry, connection: Connection) -> None:
        if entry.connections.get(connection.key) is connection:
            del entry.connections[connection.key]
            self._subclass_connections -= connection.options.subclasses
            self._changed(entry, connection)
            if self.watcher is not None:
                self.watcher.disconnected(connection, entry.sender())

    def _forget_if_empty(self, key: Hashable, entry: Entry) -> None:
        if not entry.connections and self._entries.get(key) is entry:
            del self._entries[key]

    def _sweep(self) -> None:
        """Remove what has died, unless another thread is at work: it sweeps when it is done."""
        while self._dead and self._lock.acquire(blocking=False):
            try:
                while self._dead:
                    self._remove_dead(self._dead.pop())
            finally:
                self._lock.release()

    def _remove_dead(self, reference: Reference) -> None:
        entry = self._entry_of(reference)
        if entry is not None and entry.sender is reference:
            del self._entries[reference.sender_key]
            self._planned.discard(entry)
            for connection in list(entry.connections.values()):
                self._drop(entry, connection)
        elif entry is not None and (held := _held_by(reference, entry)):
            self._drop(entry, held)
            self._forget_if_empty(reference.sender_key, entry)

    def _entry_of(self, reference: Reference) -> Entry | None:
        key = reference.sender_key
        return self._any if key is ANY_SENDER else self._entries.get(key)

    @staticmethod
    def _burier(registry: weakref.ref[Registry]) -> Callable[[weakref.ref[Any]], None]:
        # One function for all references of a registry, which must not keep the registry alive.
        def bury(reference: weakref.ref[Any]) -> None:
            living = registry()
            if living is None or not isinstance(reference, Reference):
                return
            entry = living._entry_of(reference)
            leaked = reference.warning if entry and _held_by(reference, entry) else None
            living._dead.append(reference)
            living._sweep()
            if leaked and not sys.is_finalizing():
                warnings.warn(leaked, ResourceWarning, stacklevel=2)

        return bury


def _held_by(reference: Reference, entry: Entry) -> Connection | None:
    if reference.receiver_key is None:
        return None
    connection = entry.connections.get(reference.receiver_key)
    return connection if connection and connection.resolve is reference else None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=Registry.renew_locks)
