"""The call loops that call one receiver after another, and what every loop is made of."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from pydantic import BaseModel

from fastdjango_signals.cancellation import CallerCancellation
from fastdjango_signals.exceptions import ReceiverCancelledError, annotate
from fastdjango_signals.places import describe, name_of
from fastdjango_signals.receivers import Connection, Receiver
from fastdjango_signals.registry import Plan
from fastdjango_signals.transactions import defer

logger = logging.getLogger("fastdjango_signals")

Responses: TypeAlias = list[tuple[Receiver, Any]]
"""What the receivers returned, each with its receiver, in call order."""


@dataclass(frozen=True, slots=True, eq=False)
class Delivery:
    """One send, validated: what each receiver is called with."""

    signal: str
    sender: object
    payload: BaseModel
    fields: dict[str, Any]
    using: str | None = None

    def call(self, connection: Connection, receiver: Receiver) -> Awaitable[Any]:
        """Call one receiver, by keyword."""
        if connection.takes_payload:
            return receiver(sender=self.sender, payload=self.payload)
        return receiver(sender=self.sender, **self.fields)

    def annotate(self, error: BaseException, receiver: Receiver) -> None:
        """Note on an exception where it comes from; once, since it may be raised again."""
        annotate(error, f"in receiver {describe(receiver)} of signal {self.signal}")

    def report(self, error: BaseException, receiver: Receiver) -> Exception:
        """Log the failure of a receiver, with its traceback; return it as a response."""
        self.annotate(error, receiver)
        described = describe(receiver)
        try:
            logger.error("Receiver %s of signal %s failed", described, self.signal, exc_info=error)
        except Exception as broken:  # noqa: BLE001 - a log that fails must not end a robust send
            annotate(error, f"and logging this failed, with {name_of(type(broken))}")
        if isinstance(error, Exception):
            return error
        failure = ReceiverCancelledError(
            f"receiver {described} of signal {self.signal} was cancelled on its own",
            signal=self.signal,
            receiver=described,
        )
        failure.__cause__ = error
        return failure


Strategy: TypeAlias = Callable[[Plan, Delivery], Awaitable[Responses]]
"""A way to call the receivers of a plan."""


async def send_in_turn(plan: Plan, delivery: Delivery) -> Responses:
    """Call one receiver after another; the first exception ends the send and comes out."""
    responses: Responses = []
    for connection in plan:
        receiver = connection.resolve()
        if receiver is None:
            continue
        if connection.options.on_commit:
            if not deferred(delivery, connection, receiver):
                await attempt_alone(delivery, connection, receiver)
            continue
        try:
            response = await delivery.call(connection, receiver)
        except Exception as error:
            delivery.annotate(error, receiver)
            raise
        responses.append((receiver, response))
    return responses


async def send_robust_in_turn(plan: Plan, delivery: Delivery) -> Responses:
    """Call one receiver after another; an exception is the response of its receiver."""
    responses: Responses = []
    cancellation = CallerCancellation()
    try:
        for connection in plan:
            receiver = connection.resolve()
            if receiver is None:
                continue
            if connection.options.on_commit:
                if not deferred_robustly(delivery, connection, receiver):
                    await attempt(delivery, connection, receiver, cancellation)
                continue
            response = await attempt(delivery, connection, receiver, cancellation)
            responses.append((receiver, response))
            del response
        if cancellation.happened():  # a receiver has swallowed it
            await cancellation.come_out()
        return responses
    finally:
        # The traceback of a failure leads to this frame, which must not lead back to it: such a
        # cycle would keep the payload until the next garbage collection.
        del responses


async def attempt(
    delivery: Delivery, connection: Connection, receiver: Receiver, cancellation: CallerCancellation
) -> Any:
    """Return the response, or else the logged exception; a cancelled caller stays cancelled.

    A function of its own, so that no frame holds both the exception and what refers to it.
    """
    try:
        return await delivery.call(connection, receiver)
    except (Exception, asyncio.CancelledError) as error:
        if cancellation.happened() and isinstance(error, asyncio.CancelledError):
            raise
        if cancellation.happened():  # the receiver has turned it into another exception
            delivery.report(error, receiver)
            await cancellation.come_out(error)
        return delivery.report(error, receiver)


async def attempt_alone(delivery: Delivery, connection: Connection, receiver: Receiver) -> Any:
    """Return the response, or else the logged exception, watching the task that runs this."""
    return await attempt(delivery, connection, receiver, CallerCancellation())


def deferred(delivery: Delivery, connection: Connection, receiver: Receiver) -> bool:
    """Return whether a transaction was open, and will have the receiver called on commit.

    The transaction is that of the database which the payload names, or else the innermost one.
    """

    async def call() -> None:
        await attempt_alone(delivery, connection, receiver)

    return defer(call, delivery.using)


def deferred_robustly(delivery: Delivery, connection: Connection, receiver: Receiver) -> bool:
    """Do the same, but let a backend that fails end nothing: it is logged, and nothing runs."""
    try:
        return deferred(delivery, connection, receiver)
    except Exception as error:  # noqa: BLE001 - it is reported
        delivery.report(error, receiver)
        return True
