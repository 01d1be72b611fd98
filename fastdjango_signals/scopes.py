"""What holds for a `with` block only: who watches or mutes a signal, and connected receivers.

These are classes of their own, because what `contextlib.contextmanager` makes is a decorator
too, and one that ends before an async function has begun.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from contextvars import ContextVar
from types import MappingProxyType
from typing import Generic

from pydantic import BaseModel
from typing_extensions import TypeVar

from fastdjango_signals import observations
from fastdjango_signals.plans import Plan
from fastdjango_signals.receivers import Connection, Receiver, key_of
from fastdjango_signals.registry import Registry

F = TypeVar("F")

_here: ContextVar[Mapping[Watch, tuple[Watcher, ...]]] = ContextVar(
    "fastdjango_signals.watchers", default=MappingProxyType({})
)

_NOTHING = Plan.of()


class Watch:
    """Who looks at the sends of one signal, and has a say in whom they reach.

    Attributes:
        used: Whether there are observers, or anybody has ever looked at this signal. A send asks
            this first, and only then who: that is all which it pays for what nobody uses.
    """

    __slots__ = ("_everywhere", "_has_begun", "used")

    def __init__(self) -> None:
        self._has_begun = False
        self._everywhere: list[Watcher] = []
        self.used = False
        self.refresh()

    def refresh(self) -> None:
        """Look again whether there are observers."""
        if not self._has_begun:
            self.used = bool(observations.observers)
        if self._has_begun:  # by now: `begin` may run in another thread
            self.used = True

    def reach(self, plan: Plan, sender: object, payload: BaseModel) -> Plan:
        """Show a send to all who watch here; return what is left for it to call."""
        for watcher in self._present():
            watcher.see(sender, payload)
            plan = watcher.left(plan)
        return plan

    def awaits(self, plan: Plan) -> bool:
        """Return whether a send of this plan would be missed here: by a receiver, or a watcher."""
        if self.used:
            for watcher in self._present():
                if watcher.listens:
                    return True
                plan = watcher.left(plan)
        return any(resolve() is not None for resolve in plan.resolves)

    def begin(self, watcher: Watcher, *, everywhere: bool) -> None:
        """Let somebody watch: in this context and the tasks it starts, or in the whole process."""
        self._has_begun = True
        self.used = True
        if everywhere:
            self._everywhere.append(watcher)
        else:
            here = _here.get()
            _here.set({**here, self: (*here.get(self, ()), watcher)})

    def end(self, watcher: Watcher, *, everywhere: bool) -> None:
        """Take back one `begin`; where there was none, in another context, nothing happens."""
        if everywhere:
            with suppress(ValueError):
                self._everywhere.remove(watcher)
            return
        here = dict(_here.get())
        remaining = list(here.pop(self, ()))
        with suppress(ValueError):
            remaining.remove(watcher)
        if remaining:
            here[self] = tuple(remaining)
        _here.set(here)

    def _present(self) -> Iterable[Watcher]:
        here = _here.get().get(self, ())
        if not here and not self._everywhere:
            return ()
        # Once each, however often it was entered.
        return dict.fromkeys((*self._everywhere, *here))


class Watcher:
    """Context manager for somebody who looks at the sends of one signal, until the block ends.

    It looks in the current context and in the tasks that this starts, or everywhere: in all tasks
    and threads of the process. Blocks may nest, or overlap in any order.

    Attributes:
        listens: Whether sends are to be made for it although no receiver is connected.
    """

    __slots__ = ("_everywhere", "_watch")

    listens = False

    def __init__(self, watch: Watch, *, everywhere: bool = False) -> None:
        self._watch = watch
        self._everywhere = everywhere

    def see(self, sender: object, payload: BaseModel) -> None:
        """Look at a send, before any receiver is called."""

    def left(self, plan: Plan) -> Plan:
        """Return what of a plan is to be called."""
        return plan

    def __enter__(self) -> None:
        self._watch.begin(self, everywhere=self._everywhere)

    def __exit__(self, *_: object) -> None:
        self._watch.end(self, everywhere=self._everywhere)


class Watchers:
    """Context manager for several watchers at once."""

    __slots__ = ("_watchers",)

    def __init__(self, watchers: Sequence[Watcher]) -> None:
        self._watchers = watchers

    def __enter__(self) -> None:
        for watcher in self._watchers:
            watcher.__enter__()

    def __exit__(self, *_: object) -> None:
        for watcher in self._watchers:
            watcher.__exit__()


class Mute(Watcher):
    """Context manager that silences one signal: nobody is called."""

    __slots__ = ()

    def left(self, plan: Plan) -> Plan:
        """Return the plan that calls nobody."""
        return _NOTHING


class ReceiverMute(Watcher):
    """Context manager that silences one receiver of one signal, whatever its sender."""

    __slots__ = ("_receiver",)

    def __init__(self, watch: Watch, receiver: Receiver, *, everywhere: bool = False) -> None:
        super().__init__(watch, everywhere=everywhere)
        # Itself, since its key is an `id`: were it collected, another receiver might get that.
        self._receiver = receiver

    def left(self, plan: Plan) -> Plan:
        """Return the plan without the receiver."""
        return Plan.of(each for each in plan.connections if not self.silences(each))

    def silences(self, connection: Connection) -> bool:
        """Return whether this is a connection of the receiver; it may have a `dispatch_uid`."""
        receiver = connection.resolve()
        return receiver is not None and key_of(receiver, None) == key_of(self._receiver, None)


class ScopedConnections:
    """The connections of one signal that end with a block, each with the number of its blocks.

    Blocks that connect the same receiver may overlap: the last to end disconnects it. A plain
    `connect` meanwhile makes the connection stay.
    """

    __slots__ = ("_blocks", "_registry")

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._blocks: dict[Connection, int] = {}

    def keep(self, connection: Connection, sender: object) -> None:
        """Connect for good."""
        with self._registry.lock:
            present = self._registry.add(connection, sender)
            self._blocks.pop(present, None)

    def enter(self, connection: Connection, sender: object) -> Connection:
        """Connect for a block; returns what `leave` is to be given."""
        with self._registry.lock:
            present = self._registry.add(connection, sender)
            if present is connection or present in self._blocks:
                self._blocks[present] = self._blocks.get(present, 0) + 1
            return present

    def leave(self, connection: Connection, sender: object) -> None:
        """Disconnect what `enter` returned, unless another block or a plain `connect` needs it."""
        with self._registry.lock:
            blocks = self._blocks.pop(connection, 0)
            if blocks > 1:
                self._blocks[connection] = blocks - 1
            elif blocks == 1:
                self._registry.discard(connection, sender)


class ConnectedBlock(Generic[F]):
    """Context manager that connects a receiver for a block; gives the receiver to `as`."""

    __slots__ = ("_connect", "_entered", "_receiver", "_scopes", "_sender")

    def __init__(
        self,
        receiver: F,
        sender: object,
        connect: Callable[[], Connection],
        scopes: ScopedConnections,
    ) -> None:
        self._receiver = receiver
        self._sender = sender
        self._connect = connect
        self._scopes = scopes
        self._entered: list[Connection] = []

    def __enter__(self) -> F:
        self._entered.append(self._scopes.enter(self._connect(), self._sender))
        return self._receiver

    def __exit__(self, *_: object) -> None:
        self._scopes.leave(self._entered.pop(), self._sender)
