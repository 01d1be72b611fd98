"""The receiver by which a relay publishes what is sent."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeAlias

from pydantic import BaseModel

from fastdjango_signals.payloads import NamesDatabase
from fastdjango_signals.relay.wire import Wire

Post: TypeAlias = Callable[[str, str, bytes, str | None], Awaitable[None]]
"""Takes a signal's name, an event's id and its JSON, and the database whose transaction counts."""


class Publisher:
    """Receives what is sent in this process, and publishes it.

    It is connected with the lowest priority: where a receiver of this process raises, `send`
    publishes nothing.

    Args:
        wire: How the signal crosses.
        post: Takes the events.
    """

    def __init__(self, wire: Wire, post: Post) -> None:
        self._wire = wire
        self._post = post
        self._alias = next(
            filter(partial(_names_database, wire.model), wire.model.model_fields), None
        )
        self.__qualname__ = type(self).__qualname__  # what errors call it

    async def __call__(self, sender: object, *, payload: BaseModel) -> str:
        """Publish one send; return the id of its event."""
        event_id, body = self._wire.encode(sender, payload)
        using = getattr(payload, self._alias) if self._alias else None
        await self._post(self._wire.name, event_id, body, using)
        return event_id


def _names_database(model: type[BaseModel], field: str) -> bool:
    return any(isinstance(each, NamesDatabase) for each in model.model_fields[field].metadata)
