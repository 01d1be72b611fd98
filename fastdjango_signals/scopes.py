"""What holds for a `with` block only: muted signals, and receivers connected for the block.

These are classes of their own, because what `contextlib.contextmanager` makes is a decorator
too, and one that ends before an async function has begun.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from types import MappingProxyType
from typing import Generic

from typing_extensions import TypeVar

from fastdjango_signals.receivers import Connection
from fastdjango_signals.registry import Registry

F = TypeVar("F")

_depths: ContextVar[Mapping[Mute, int]] = ContextVar(
    "fastdjango_signals.muted", default=MappingProxyType({})
)


class Mute:
    """Context manager that silences one signal in the current context and the tasks it starts.

    It counts, so blocks may nest, or overlap in any order.

    Attributes:
        used: Whether it has ever silenced the signal anywhere, which a send asks first.
    """

    __slots__ = ("used",)

    def __init__(self) -> None:
        self.used = False

    def __bool__(self) -> bool:
        """Return whether the signal is silent here."""
        return self.used and self in _depths.get()

    def __enter__(self) -> None:
        self.used = True
        depths = _depths.get()
        _depths.set({**depths, self: depths.get(self, 0) + 1})

    def __exit__(self, *_: object) -> None:
        depths = dict(_depths.get())
        depth = depths.pop(self, 0)
        if depth > 1:
            depths[self] = depth - 1
        _depths.set(depths)


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
