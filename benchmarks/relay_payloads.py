"""The event that the benchmark of the relay sends, and what it weighs."""

from __future__ import annotations

from typing import Any

from fastdjango_signals import Payload, Signal

NAME = "benchmark.order_placed"
SIZE = 280
"""Bytes of the payload as JSON, which FastStream sends as it is; the relay adds an envelope."""


class OrderPlaced(Payload):
    """An order, with a note that fills it up."""

    order_id: int
    email: str
    total_cents: int
    note: str


def _fields() -> dict[str, Any]:
    fields = {"order_id": 4711, "email": "ada@example.com", "total_cents": 1999, "note": ""}
    fields["note"] = "x" * (SIZE - len(OrderPlaced.model_validate(fields).model_dump_json()))
    return fields


FIELDS = _fields()
"""The keywords of each send."""


def new_signal() -> Signal[OrderPlaced]:
    """Return a signal without receivers.

    Who publishes and who receives have one each, as they would in two processes.
    """
    return Signal(OrderPlaced, name=NAME)
