"""What a send reaches: connections in call order, ready for a call loop."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self

from fastdjango_signals.receivers import Connection

FIELDS, PAYLOAD, EACH = range(3)
"""How the receivers of a plan are called: all with the fields, at once; all with the payload whole,
at once; or each as it wants to be, or after a commit. The index of a call loop."""


class Plan:
    """What a send from one sender reaches, in call order. Replaced, never changed.

    Attributes:
        connections: The connections.
        resolves: Returns each receiver, or None once it has been collected.
        way: How they are called: FIELDS, PAYLOAD or EACH.
    """

    __slots__ = ("connections", "resolves", "way")

    def __init__(self, connections: tuple[Connection, ...], way: int) -> None:
        self.connections = connections
        self.resolves = tuple([connection.resolve for connection in connections])
        self.way = way

    @classmethod
    def of(cls, connections: Iterable[Connection] = ()) -> Self:
        """Return the plan of these connections, which need no order."""
        ordered = tuple(sorted(connections, key=lambda found: found.rank))
        ways = {_way(connection) for connection in ordered}
        return cls(ordered, ways.pop() if len(ways) == 1 else EACH if ways else FIELDS)

    def followed_by(self, connection: Connection) -> Self | None:
        """Return the plan with a connection more, if that is the last to be called.

        Thus a connect between two sends costs no more than the sends do.
        """
        if self.connections and connection.rank < self.connections[-1].rank:
            return None
        way = _way(connection)
        same = way == self.way or not self.connections
        return type(self)((*self.connections, connection), way if same else EACH)


def _way(connection: Connection) -> int:
    if connection.options.on_commit:
        return EACH
    return PAYLOAD if connection.takes_payload else FIELDS
