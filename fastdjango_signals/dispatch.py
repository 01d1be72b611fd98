"""The call loops: one function for each way to send."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from pydantic import BaseModel

from fastdjango_signals.cancellation import CallerCancellation, finish
from fastdjango_signals.exceptions import ReceiverCancelledError
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
        note = f"in receiver {describe(receiver)} of signal {self.signal}"
        if note not in getattr(error, "__notes__", ()):
            error.add_note(note)

    def report(self, error: BaseException, receiver: Receiver) -> Exception:
        """Log the failure of a receiver, with its traceback; return it as a response."""
        self.annotate(error, receiver)
        described = describe(receiver)
        try:
            logger.error("Receiver %s of signal %s failed", described, self.signal, exc_info=error)
        except Exception as broken:  # noqa: BLE001 - a log that fails must not end a robust send
            error.add_note(f"and logging this failed, with {name_of(type(broken))}")
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
            if not _deferred(delivery, connection, receiver):
                await _attempt_alone(delivery, connection, receiver)
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
    for connection in plan:
        receiver = connection.resolve()
        if receiver is None:
            continue
        if connection.options.on_commit and _deferred(delivery, connection, receiver):
            continue
        response = await _attempt(delivery, connection, receiver, cancellation)
        if not connection.options.on_commit:
            responses.append((receiver, response))
        del response
    if cancellation.happened():  # a receiver has swallowed it
        raise asyncio.CancelledError
    try:
        return responses
    finally:
        # The traceback of a failure leads to this frame, which must not lead back to it: such a
        # cycle would keep the payload until the next garbage collection.
        del responses


async def send_together(plan: Plan, delivery: Delivery) -> Responses:
    """Call the receivers at once; the first exception cancels the others and comes out."""
    group = _Group(plan, delivery)
    failures: list[tuple[BaseException, Receiver]] = []

    async def call(connection: Connection, receiver: Receiver) -> Any:
        try:
            return await delivery.call(connection, receiver)
        except (Exception, asyncio.CancelledError) as error:
            if isinstance(error, asyncio.CancelledError) and group.stopped:
                raise
            failures.append((error, receiver))
            group.stop()
            return None

    try:
        responses = await group.run(call)
    except asyncio.CancelledError:
        for failure in failures:
            delivery.report(*failure)
        raise
    if not failures:
        return responses
    (first, receiver), *later = failures
    for failure in later:
        delivery.report(*failure)
    delivery.annotate(first, receiver)
    failures.clear()  # or else this frame and the exception would hold each other
    raise first


async def send_robust_together(plan: Plan, delivery: Delivery) -> Responses:
    """Call the receivers at once and let all finish; an exception is a receiver's response."""

    async def attempt(connection: Connection, receiver: Receiver) -> Any:
        return await _attempt_alone(delivery, connection, receiver)

    return await _Group(plan, delivery).run(attempt)


class _Group:
    """The receivers of one send, each in a task of its own. None outlives `run`."""

    def __init__(self, plan: Plan, delivery: Delivery) -> None:
        self.stopped = False
        self._plan = plan
        self._delivery = delivery
        self._tasks: list[asyncio.Task[Any]] = []

    def stop(self) -> None:
        """Cancel every receiver that still runs, but for the one that asks."""
        self.stopped = True
        current = asyncio.current_task()
        for task in self._tasks:
            if task is not current:
                task.cancel()

    async def run(
        self, call: Callable[[Connection, Receiver], Coroutine[Any, Any, Any]]
    ) -> Responses:
        """Start the receivers, wait for all of them, and return the responses in call order."""
        try:
            answering = list(self._start(call))
        except BaseException:
            self.stop()
            await finish(self._tasks, self.stop)
            raise
        await finish(self._tasks, self.stop)
        return [(receiver, self._response(task, receiver)) for receiver, task in answering]

    def _start(
        self, call: Callable[[Connection, Receiver], Coroutine[Any, Any, Any]]
    ) -> Iterator[tuple[Receiver, asyncio.Task[Any]]]:
        for connection in self._plan:
            receiver = connection.resolve()
            if receiver is None:
                continue
            if not connection.options.on_commit:
                task = asyncio.create_task(call(connection, receiver))
                self._tasks.append(task)
                yield receiver, task
            elif not _deferred(self._delivery, connection, receiver):
                alone = _attempt_alone(self._delivery, connection, receiver)
                self._tasks.append(asyncio.create_task(alone))

    def _response(self, task: asyncio.Task[Any], receiver: Receiver) -> Any:
        if not task.cancelled():
            return task.result()
        error = asyncio.CancelledError("the receiver's task was cancelled")
        return error if self.stopped else self._delivery.report(error, receiver)


async def _attempt(
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
            raise asyncio.CancelledError from error
        return delivery.report(error, receiver)


async def _attempt_alone(delivery: Delivery, connection: Connection, receiver: Receiver) -> Any:
    return await _attempt(delivery, connection, receiver, CallerCancellation())


def _deferred(delivery: Delivery, connection: Connection, receiver: Receiver) -> bool:
    """Return whether a transaction was open, and will have the receiver called on commit.

    The transaction is that of the database which the payload names, or else the innermost one.
    """

    async def call() -> None:
        await _attempt_alone(delivery, connection, receiver)

    return defer(call, delivery.using)
