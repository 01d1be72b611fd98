"""The call loops that call one receiver after another, and what every loop is made of."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from pydantic import BaseModel

from fastdjango_signals.cancellation import (
    be_cancelled,
    cancellations,
    cancellations_met,
    current_task,
)
from fastdjango_signals.exceptions import ReceiverCancelledError, annotate
from fastdjango_signals.payloads import Schema
from fastdjango_signals.places import describe, name_of
from fastdjango_signals.plans import Plan
from fastdjango_signals.receivers import Connection, Receiver
from fastdjango_signals.transactions import defer

logger = logging.getLogger("fastdjango_signals")

Responses: TypeAlias = list[tuple[Receiver, Any]]
"""What the receivers returned, each with its receiver, in call order."""


def annotate_failure(error: BaseException, receiver: Receiver | None, signal: str) -> None:
    """Note on an exception where it comes from; once, since it may be raised again."""
    annotate(error, f"in receiver {describe(receiver)} of signal {signal}")


def report_failure(error: BaseException, receiver: Receiver, signal: str) -> Exception:
    """Log the failure of a receiver, with its traceback; return it as a response."""
    annotate_failure(error, receiver, signal)
    described = describe(receiver)
    try:
        logger.error("Receiver %s of signal %s failed", described, signal, exc_info=error)
    except Exception as broken:  # noqa: BLE001 - a log that fails must not end a robust send
        annotate(error, f"and logging this failed, with {name_of(type(broken))}")
    if isinstance(error, Exception):
        return error
    failure = ReceiverCancelledError(
        f"receiver {described} of signal {signal} was cancelled on its own",
        signal=signal,
        receiver=described,
    )
    failure.__cause__ = error
    return failure


@dataclass(slots=True, eq=False)  # frozen would take half a microsecond more to make
class Delivery:
    """One send, validated: what each receiver is called with.

    Attributes:
        signal: The name of the signal.
        sender: The sender.
        payload: The payload.
        call_with_fields: Calls a receiver with the sender and each field.
        using: The alias of the database that the payload names, if it does.
    """

    signal: str
    sender: object
    payload: BaseModel
    call_with_fields: Callable[[Receiver], Awaitable[Any]]
    using: str | None = None

    def call(self, connection: Connection, receiver: Receiver) -> Awaitable[Any]:
        """Call one receiver, by keyword."""
        if connection.takes_payload:
            return receiver(sender=self.sender, payload=self.payload)
        return self.call_with_fields(receiver)

    def annotate(self, error: BaseException, receiver: Receiver) -> None:
        """Note on an exception where it comes from."""
        annotate_failure(error, receiver, self.signal)

    def report(self, error: BaseException, receiver: Receiver) -> Exception:
        """Log the failure of a receiver, with its traceback; return it as a response."""
        return report_failure(error, receiver, self.signal)


Strategy: TypeAlias = Callable[[Plan, object, BaseModel, str, Schema], Awaitable[Responses]]
"""A way to call the receivers of a plan with a payload from a sender.

The last two are the name of the signal and the schema of the payload.
"""


def delivery_of(sender: object, payload: BaseModel, name: str, schema: Schema) -> Delivery:
    """Return the delivery of a payload to the receivers of the signal of this name."""
    fields = schema.values(payload)
    using = schema.database(payload)
    return Delivery(
        name, sender, payload, lambda receiver: receiver(sender=sender, **fields), using
    )


async def send_in_turn(
    plan: Plan, sender: object, payload: BaseModel, name: str, schema: Schema
) -> Responses:
    """Call one receiver after another; the first exception ends the send and comes out."""
    fields = schema.values(payload)
    responses: Responses = []
    receiver: Receiver | None = None
    try:
        for resolve in plan.resolves:
            receiver = resolve()
            if receiver is not None:
                responses.append((receiver, await receiver(sender=sender, **fields)))
    except Exception as error:
        annotate_failure(error, receiver, name)
        raise
    return responses


async def send_robust_in_turn(
    plan: Plan, sender: object, payload: BaseModel, name: str, schema: Schema
) -> Responses:
    """Call one receiver after another; an exception is the response of its receiver."""
    fields = schema.values(payload)
    responses: Responses = []
    response: Any = None
    task = current_task()
    before = cancellations_met(task)
    try:
        for resolve in plan.resolves:
            receiver = resolve()
            if receiver is None:
                continue
            try:
                response = await receiver(sender=sender, **fields)
            except (Exception, asyncio.CancelledError) as error:
                if cancellations(task) > before:
                    await come_out(error, receiver, name)
                    raise
                response = report_failure(error, receiver, name)
            responses.append((receiver, response))
        if cancellations(task) > before:  # a receiver has swallowed it
            await be_cancelled()
        return responses
    finally:
        # The traceback of a failure leads to this frame, which must not lead back to it: such a
        # cycle would keep the payload until the next garbage collection.
        del responses, response, task


async def send_to_each(plan: Plan, delivery: Delivery) -> Responses:
    """Do as `send_in_turn` does, and ask of each receiver how and when it is called."""
    responses: Responses = []
    for connection in plan.connections:
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


async def send_robust_to_each(plan: Plan, delivery: Delivery) -> Responses:
    """Do as `send_robust_in_turn` does, and ask of each receiver how and when it is called."""
    responses: Responses = []
    before = cancellations_met(current_task())
    try:
        for connection in plan.connections:
            receiver = connection.resolve()
            if receiver is None:
                continue
            if connection.options.on_commit:
                if not deferred_robustly(delivery, connection, receiver):
                    await attempt(delivery, connection, receiver, before)
                continue
            response = await attempt(delivery, connection, receiver, before)
            responses.append((receiver, response))
            del response
        if cancellations(current_task()) > before:  # a receiver has swallowed it
            await be_cancelled()
        return responses
    finally:
        del responses  # as above


async def attempt(
    delivery: Delivery, connection: Connection, receiver: Receiver, before: int
) -> Any:
    """Return the response, or else the logged exception; a cancelled caller stays cancelled.

    A function of its own, so that no frame holds both the exception and what refers to it.
    """
    try:
        return await delivery.call(connection, receiver)
    except (Exception, asyncio.CancelledError) as error:
        if cancellations(current_task()) > before:
            await come_out(error, receiver, delivery.signal)
            raise
        return delivery.report(error, receiver)


async def come_out(error: BaseException, receiver: Receiver, signal: str) -> None:
    """Raise the caller's cancellation, unless the receiver has let it through as it is."""
    if not isinstance(error, asyncio.CancelledError):
        report_failure(error, receiver, signal)
        await be_cancelled(error)


async def attempt_alone(delivery: Delivery, connection: Connection, receiver: Receiver) -> Any:
    """Return the response, or else the logged exception, watching the task that runs this."""
    return await attempt(delivery, connection, receiver, cancellations_met(current_task()))


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
