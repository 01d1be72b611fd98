"""What a receiver can learn of an event from another process, if it asks."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One send that crossed, apart from its payload.

    Attributes:
        id: The same in every delivery, and in every service that receives it.
        signal: Name of the signal.
        source: The service that sent it.
        sender: The sender's dotted name, or the string that was the sender, or None.
        time: When it was sent; None where the publisher did not say.
        version: Version of the payload model that it was made with.
        tries: How often it was delivered to this service, this time included.
        carrier: The trace that it belongs to: `traceparent` and `tracestate`, as far as it has
            them. They are the publisher's words, and not checked.
    """

    id: str
    signal: str
    source: str
    sender: str | None
    time: datetime | None
    version: str
    tries: int = 1
    carrier: Mapping[str, str] = field(default_factory=dict[str, str], hash=False)


_current: ContextVar[Event | None] = ContextVar("fastdjango_signals_event", default=None)


def current_event() -> Event | None:
    """Return the event that is being received; None in a send of this very process."""
    return _current.get()


@contextmanager
def receiving(event: Event) -> Generator[None, None, None]:
    """Let `current_event` return this event in a block, and in the tasks that it starts."""
    token = _current.set(event)
    try:
        yield
    finally:
        _current.reset(token)
