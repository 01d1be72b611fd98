"""The observer that writes sends down while somebody watches."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager
from time import perf_counter, time

from fastdjango_signals.inspector.failures import Failure, failures_of
from fastdjango_signals.inspector.feeds import Feed
from fastdjango_signals.inspector.records import Call, Record, State
from fastdjango_signals.inspector.texts import cut, place_text
from fastdjango_signals.inspector.values import fields_of, problems_of
from fastdjango_signals.observers import Observer, Send, SendObserver
from fastdjango_signals.places import name_of, place_of
from fastdjango_signals.receivers import Receiver


class Recorder(Observer):
    """Writes each send into a feed, and what becomes of it.

    It keeps names and numbers. A payload and an exception are looked at and let go.

    Args:
        feed: Where to write.
        show_values: Whether values, and messages of exceptions, are written down too.
    """

    def __init__(self, feed: Feed, *, show_values: bool) -> None:
        self.feed = feed
        self.show_values = show_values

    def sending(self, send: Send, /) -> AbstractContextManager[SendObserver]:
        """Return the block of a send."""
        fields = fields_of(send.payload, show_values=self.show_values)
        carried = len(type(send.payload).model_fields) + len(send.payload.model_extra or ())
        record = Record(
            id=self.feed.next_id(),
            signal=cut(send.signal),
            sender=cut(name_of(send.sender)),
            time=time(),
            receivers=send.receivers,
            robust=send.robust,
            concurrent=send.concurrent,
            from_broker=send.carrier is not None,
            fields=fields,
            fields_left_out=carried - len(fields),
        )
        return _RecordedSend(self, record).block()

    def refused(self, signal: str, sender: object, error: Exception, /) -> None:
        """Write down a send that was refused."""
        problems = problems_of(signal, error, show_values=self.show_values)
        record = Record(
            id=self.feed.next_id(),
            signal=cut(signal),
            sender=cut(name_of(sender)),
            time=time(),
            state="refused",
            problems=problems,
            failures=() if problems else self.failures(error),
        )
        self.feed.add(record)

    def failures(self, error: BaseException) -> tuple[Failure, ...]:
        """Return what is written down of an exception."""
        return failures_of(error, show_values=self.show_values)


class _RecordedSend(SendObserver):
    """One send, also when it is over: a receiver may have waited for a commit."""

    def __init__(self, recorder: Recorder, record: Record) -> None:
        self._recorder = recorder
        self._feed = recorder.feed
        self._record = record
        self._began = perf_counter()
        self._told = 0  # the id of an exception that a receiver has raised, while the send lasts

    @contextmanager
    def block(self) -> Generator[SendObserver, None, None]:
        self._feed.add(self._record)
        state: State = "done"
        failures: tuple[Failure, ...] = ()
        try:
            yield self
        except BaseException as error:
            state = _state_after(error)
            if state == "failed" and id(error) != self._told:
                failures = self._recorder.failures(error)
            raise
        finally:
            with self._feed.changing(self._record):
                self._record.state, self._record.failures = state, failures
                self._record.duration = self._now()
            self._told = 0

    @contextmanager
    def receiving(self, receiver: Receiver, /) -> Generator[None, None, None]:
        call = Call(
            name=cut(name_of(receiver)),
            location=place_text(place_of(receiver)),
            start=self._now(),
            after_send=self._record.duration is not None,
        )
        with self._feed.changing(self._record):
            self._record.begin(call)
        state: State = "done"
        failures: tuple[Failure, ...] = ()
        try:
            yield
        except BaseException as error:
            state = _state_after(error)
            if state == "failed":
                self._told = id(error)
                failures = self._recorder.failures(error)
            raise
        finally:
            with self._feed.changing(self._record):
                call.state, call.duration = state, self._now() - call.start
                if state == "failed":
                    self._record.fail(call, failures)

    def _now(self) -> float:
        return round((perf_counter() - self._began) * 1000, 3)


def _state_after(error: BaseException) -> State:
    return "cancelled" if isinstance(error, (asyncio.CancelledError, GeneratorExit)) else "failed"
