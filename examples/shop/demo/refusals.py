"""What is refused: a payload when it is sent, a handler when it is connected."""

from __future__ import annotations

import asyncio
import inspect
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from examples.shop.demo.expectations import Expectations
from examples.shop.signals import order_placed
from examples.shop.storage import Order
from fastdjango_signals import ReceiverSignatureError


@dataclass(frozen=True, slots=True)
class Refusal:
    """An attempt, and the error that it met.

    Attributes:
        title: What was tried.
        source: The code that tried it.
        error: The error, as Python prints it, with its notes.
    """

    title: str
    source: str
    error: str


async def send_a_bad_payload() -> None:
    order: dict[str, Any] = {"order_id": "one", "email": "ada@example.com", "product": "Tea"}
    await order_placed.send(sender=Order, **order, quantity=1)


def connect_a_bad_handler() -> None:
    async def notify(sender: object, ordr_id: int) -> None:
        raise NotImplementedError

    handler: Any = notify  # hidden from the type checkers, which refuse it too
    order_placed.connect(handler)


def refused_payload(expectations: Expectations) -> Refusal:
    """Send a payload that does not fit, and return what came of it."""
    error: Exception | None = None
    try:
        asyncio.run(send_a_bad_payload())
    except ValidationError as refused:
        error = refused
    notes: list[str] = getattr(error, "__notes__", [])
    expectations.expect(error is not None, "a bad payload is refused")
    expectations.expect(any(order_placed.name in note for note in notes), "a note names the signal")
    return _refusal("A payload that does not fit", send_a_bad_payload, error)


def refused_handler(expectations: Expectations) -> Refusal:
    """Connect a handler that could never be called, and return what came of it."""
    before = len(order_placed.receivers)
    error: Exception | None = None
    try:
        connect_a_bad_handler()
    except ReceiverSignatureError as refused:
        error = refused
    expectations.expect(error is not None, "a bad handler is refused")
    expectations.equal(len(order_placed.receivers), before, "receivers after the refusal")
    return _refusal("A handler that could never be called", connect_a_bad_handler, error)


def _refusal(title: str, function: Any, error: Exception | None) -> Refusal:
    lines = [f"{type(error).__name__}: {error}", *getattr(error, "__notes__", [])]
    return Refusal(title, inspect.getsource(function).rstrip(), "\n".join(lines))
