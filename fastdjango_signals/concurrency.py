"""The call loops that call all receivers at once, each in a task of its own.

No task outlives its send. And no frame that a traceback leads to may lead back to its exception
when the send is over: such a cycle would keep the payload until the next garbage collection.
Hence what looks like tidying up.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from itertools import groupby
from typing import Any

from fastdjango_signals.cancellation import finish
from fastdjango_signals.dispatch import (
    Delivery,
    Responses,
    attempt_alone,
    deferred,
    deferred_robustly,
)
from fastdjango_signals.plans import Plan
from fastdjango_signals.receivers import Connection, Receiver


def send_together(plan: Plan, delivery: Delivery) -> Awaitable[Responses]:
    """Call the receivers at once; the first exception cancels the others and comes out."""
    return _by_priority(_Together, delivery, plan.connections)


def send_robust_together(plan: Plan, delivery: Delivery) -> Awaitable[Responses]:
    """Call the receivers at once and let all finish; an exception is a receiver's response."""
    return _by_priority(_RobustTogether, delivery, plan.connections)


async def _by_priority(
    together: type[_Together], delivery: Delivery, connections: tuple[Connection, ...]
) -> Responses:
    """Call those of one priority at once, and those of a lower one when they are done."""
    if connections[0].options.priority == connections[-1].options.priority:
        return await together(delivery).run(connections)
    responses: Responses = []
    try:
        for _, group in groupby(connections, lambda each: each.options.priority):
            responses += await together(delivery).run(tuple(group))
        return responses
    finally:
        del responses  # as below


def _beginner() -> Callable[[Coroutine[Any, Any, Any]], asyncio.Task[Any]]:
    """Return what makes a task: one that has run up to its first wait, where Python can do so."""
    loop = asyncio.get_running_loop()
    if sys.version_info >= (3, 12) and loop.get_task_factory() is None:
        return partial(asyncio.Task, loop=loop, eager_start=True)
    return loop.create_task


class _Together:
    """The receivers of one send. A failure ends it, and the first one comes out."""

    def __init__(self, delivery: Delivery) -> None:
        self._delivery = delivery
        self._stopped = False
        self._called: list[Receiver | None] = []  # None for one whose response nobody gets
        self._tasks: list[asyncio.Task[Any]] = []  # theirs, in no other variable: see above
        self._failures: list[tuple[BaseException, Receiver]] = []

    async def run(self, connections: tuple[Connection, ...]) -> Responses:
        """Start the receivers, wait for all of them, and return the responses in call order."""
        try:
            try:
                self._start(connections)
            except BaseException:
                self._stop()
                raise
            finally:
                await finish(self._tasks, self._stop)
            return self._outcome()
        finally:
            while self._failures:  # beside the one that comes out
                self._delivery.report(*self._failures.pop(0))
            self._called.clear()
            self._tasks.clear()

    def _start(self, connections: tuple[Connection, ...]) -> None:
        begin = _beginner()
        for connection in connections:
            receiver = connection.resolve()
            if receiver is None:
                continue
            if not connection.options.on_commit:
                self._called.append(receiver)
                self._tasks.append(begin(self._receive(connection, receiver)))
            elif not self._deferred(connection, receiver):
                self._called.append(None)
                self._tasks.append(begin(attempt_alone(self._delivery, connection, receiver)))
            if self._stopped:  # a task may run, and fail, before the next is made
                return

    async def _receive(self, connection: Connection, receiver: Receiver) -> Any:
        try:
            return await self._delivery.call(connection, receiver)
        except GeneratorExit:
            raise
        except BaseException as error:
            if self._stopped and isinstance(error, asyncio.CancelledError):
                raise
            return self._failed(error, receiver)

    def _deferred(self, connection: Connection, receiver: Receiver) -> bool:
        return deferred(self._delivery, connection, receiver)

    def _failed(self, error: BaseException, receiver: Receiver) -> Any:
        """Note a failure; return what takes the place of a response."""
        self._failures.append((error, receiver))
        self._stop()

    def _stop(self) -> None:
        """Cancel every receiver that still runs, but for the one that asks."""
        self._stopped = True
        current = asyncio.current_task()
        for task in self._tasks:
            if task is not current:
                task.cancel()

    def _outcome(self) -> Responses:
        responses = [] if self._failures else self._responses()
        if self._failures:
            error, receiver = self._failures.pop(0)
            self._delivery.annotate(error, receiver)
            try:
                raise error
            finally:
                del error
        return responses

    def _responses(self) -> Responses:
        return [
            (receiver, self._never_begun(receiver) if task.cancelled() else task.result())
            for receiver, task in zip(self._called, self._tasks, strict=True)
            if receiver is not None
        ]

    def _never_begun(self, receiver: Receiver) -> Any:
        # A stranger has cancelled the task; later, its coroutine would have caught that.
        error = asyncio.CancelledError("the receiver's task was cancelled")
        return self._failed(error, receiver)


class _RobustTogether(_Together):
    """The receivers of one robust send. Only what ends the program ends it."""

    def _deferred(self, connection: Connection, receiver: Receiver) -> bool:
        return deferred_robustly(self._delivery, connection, receiver)

    def _failed(self, error: BaseException, receiver: Receiver) -> Any:
        if isinstance(error, Exception | asyncio.CancelledError):
            return self._delivery.report(error, receiver)
        return super()._failed(error, receiver)
