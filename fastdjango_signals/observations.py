"""What observers are shown of a send and of each receiver, and how.

A send asks nothing of this while nobody observes. An observer that fails ends no send: what it
raises is logged.
"""

from __future__ import annotations

import logging
from asyncio import CancelledError
from collections.abc import Callable, Generator, Mapping, MutableMapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from types import TracebackType
from typing import Any, Generic, Self

from pydantic import BaseModel
from typing_extensions import TypeVar

from fastdjango_signals.places import name_of
from fastdjango_signals.plans import Plan
from fastdjango_signals.receivers import Connection, Receiver

logger = logging.getLogger("fastdjango_signals")

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Send:
    """One send, whose payload is valid.

    Attributes:
        signal: Name of the signal.
        sender: The sender, as it was given.
        payload: The payload: the very object that receivers are given.
        receivers: How many receivers it reaches; it may find some of them collected.
        robust: Whether it calls all of them, whatever the others raise.
        concurrent: Whether it calls them together.
        carrier: What an event from another process carried along (see `Observer.inject`); None
            for a send of this process.
        event_id: The id of that event.
    """

    signal: str
    sender: object
    payload: BaseModel
    receivers: int
    robust: bool
    concurrent: bool
    carrier: Mapping[str, str] | None = None
    event_id: str | None = None


class SendObserver:
    """What an observer has to say about one send. Override what is of interest."""

    def receiving(self, receiver: Receiver, /) -> AbstractContextManager[object]:
        """Return the block in which a receiver runs. An exception it gets is the receiver's.

        A receiver that waits for a commit may run after its send, in another task.
        """
        return nullcontext()


class Observer:
    """Somebody who is shown every send of this process. Override what is of interest."""

    def sending(self, send: Send, /) -> AbstractContextManager[SendObserver]:
        """Return the block in which the receivers run, also where there are none.

        An exception it gets is what `send` raises.
        """
        return nullcontext(SendObserver())

    def refused(self, signal: str, sender: object, error: Exception, /) -> None:
        """See a send whose keywords are no payload, so that nobody was called."""

    def inject(self, carrier: MutableMapping[str, str], /) -> None:
        """Add what an event that leaves the process, now, has to carry along.

        A relay takes what CloudEvents calls distributed tracing: `traceparent`, `tracestate`.
        """


observers: tuple[Observer, ...] = ()
"""Those who observe. Replaced, never changed; by `fastdjango_signals.observers` alone."""


def begin(observer: Observer) -> None:
    """Have the sends that begin from now on observed; once, however often this is called."""
    global observers  # noqa: PLW0603 - a tuple, so that no send sees it change
    if all(each is not observer for each in observers):
        observers = (*observers, observer)


def end(observer: Observer) -> None:
    """Take `begin` back."""
    global observers  # noqa: PLW0603 - as above
    observers = tuple(each for each in observers if each is not observer)


def refused(signal: str, sender: object, error: Exception) -> None:
    """Show a send that was refused."""
    for observer in observers:
        with _surviving(observer):
            observer.refused(signal, sender, error)


def carried() -> dict[str, str]:
    """Return what an event that leaves the process has to carry along."""
    carrier: dict[str, str] = {}
    for observer in observers:
        with _surviving(observer):
            observer.inject(carrier)
    return carrier


class Observation(ExitStack):
    """Context manager that shows one send to those who observe when it begins."""

    def __init__(self, send: Send) -> None:
        super().__init__()
        self._send = send
        self._shown: list[SendObserver] = []

    def __enter__(self) -> Self:
        for observer in observers:
            shown = self.enter_context(_Guarded(observer, partial(observer.sending, self._send)))
            if shown is not None:
                self._shown.append(shown)
        return self

    def plan(self, plan: Plan) -> Plan:
        """Return a plan whose receivers are shown while they run."""
        if not self._shown:
            return plan
        return Plan(tuple(map(self._connection, plan.connections)), plan.way)

    def receiver(self, receiver: Receiver, call: Receiver | None = None) -> Receiver:
        """Return a receiver that is shown while it runs; `call`, if given, is what calls it."""
        if not self._shown:
            return call or receiver
        return ObservedReceiver(receiver, self._shown, call or receiver)

    def responses(self, responses: list[tuple[Receiver, Any]]) -> list[tuple[Receiver, Any]]:
        """Return the responses of such a plan, each with the receiver that was connected."""
        return [
            (each.__wrapped__ if isinstance(each, ObservedReceiver) else each, response)
            for each, response in responses
        ]

    def _connection(self, connection: Connection) -> Connection:
        def resolve() -> Receiver | None:
            receiver = connection.resolve()
            return None if receiver is None else self.receiver(receiver)

        return replace(connection, resolve=resolve)


class ObservedReceiver:
    """Calls a receiver as it is called itself, and has its name in errors and logs."""

    __wrapped__: Receiver

    def __init__(self, receiver: Receiver, shown: Sequence[SendObserver], call: Receiver) -> None:
        self._shown = shown
        self._call = call
        # What finds the name and the place of a callable reads these; the name has its module.
        vars(self).update(__wrapped__=receiver, __qualname__=name_of(receiver), __module__=None)

    async def __call__(self, /, **arguments: Any) -> Any:
        """Call the receiver."""
        with ExitStack() as blocks:
            for shown in self._shown:
                blocks.enter_context(_Guarded(shown, partial(_receiving, shown, self.__wrapped__)))
            return await self._call(**arguments)


def _receiving(shown: SendObserver, receiver: Receiver) -> AbstractContextManager[object]:
    # Looked up when it is called, so that what is no SendObserver fails like one that raises.
    return shown.receiving(receiver)


class _Guarded(Generic[T]):
    """A block of an observer, of which a failure ends nothing."""

    def __init__(self, observer: object, make: Callable[[], AbstractContextManager[T]]) -> None:
        self._observer = observer
        self._make = make
        self._block: AbstractContextManager[T] | None = None

    def __enter__(self) -> T | None:
        entered: T | None = None
        with _surviving(self._observer):
            block = self._make()
            entered = block.__enter__()
            self._block = block
        return entered

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._block is not None:
            with _surviving(self._observer):
                self._block.__exit__(kind, error, traceback)


@contextmanager
def _surviving(observer: object) -> Generator[None, None, None]:
    try:
        yield
    # Blocks are sync, so that a CancelledError is none of the task's.
    except (Exception, CancelledError):
        logger.exception("Observer %s failed; the send goes on", name_of(type(observer)))
