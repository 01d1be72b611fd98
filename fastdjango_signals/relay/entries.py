"""One entry of a Redis stream, as one replica of a service has it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Protocol

BODY = b"data"
"""The field of an entry that has the event."""


class Entries(Protocol):
    """The consumer group that it was read from."""

    @property
    def ack_wait(self) -> float:
        """Seconds without a sign of life after which an entry is somebody else's."""
        ...

    async def count(self, entry: bytes, tries: int) -> None:
        """Take an entry as delivered this often."""
        ...

    async def done(self, entry: bytes) -> None:
        """Take an entry as done with."""
        ...

    async def hold(self, entry: bytes) -> None:
        """Show that an entry is still worked on."""
        ...

    async def put_back(self, entry: bytes, delay: float, tries: int) -> None:
        """Let any replica have an entry after some seconds."""
        ...


@dataclass(slots=True, eq=False)
class Delivery:
    """One entry, as this replica has it.

    Attributes:
        group: Where it was read.
        entry: Its id in the stream.
        body: The event.
        tries: How often it was delivered to this service.
        is_counted: Whether Redis counts this time already.
    """

    group: Entries
    entry: bytes
    body: bytes
    tries: int
    is_counted: bool
    _is_begun: bool = False
    _is_put_back: bool = False

    async def begin(self) -> int:
        """Return how often it was begun."""
        self._is_begun = True
        if not self.is_counted:
            await self.group.count(self.entry, self.tries)
        return self.tries

    async def accept(self) -> None:
        """Tell Redis that it is done with."""
        await self.group.done(self.entry)

    async def retry(self, delay: float) -> bool:
        """Put it back, unless that is for longer than a replica may be silent."""
        if delay > self.group.ack_wait:
            return False
        self._is_put_back = True
        await self.group.put_back(self.entry, delay, self.tries - (not self._is_begun))
        return True

    async def keep(self) -> None:
        """Tell Redis that it is still being worked on."""
        if not self._is_put_back:
            await self.group.hold(self.entry)


def body_of(fields: dict[bytes, bytes]) -> bytes:
    """Return the event that an entry has."""
    if BODY in fields:
        return fields[BODY]
    # Nothing of ours. As a dead letter it should show what it was.
    shown = {
        key.decode(errors="replace"): value.decode(errors="replace")
        for key, value in fields.items()
    }
    return json.dumps(shown).encode()
