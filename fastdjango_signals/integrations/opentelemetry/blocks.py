"""The block of a send, and that of a receiver: each is a span, and is measured."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from time import perf_counter
from types import TracebackType
from typing import Self

from opentelemetry import context
from opentelemetry.metrics import Histogram
from opentelemetry.trace import Span, StatusCode, set_span_in_context

from fastdjango_signals.cancellation import cancellations_met, current_task
from fastdjango_signals.integrations.opentelemetry.failures import (
    can_be_written,
    is_failure,
    record,
    type_of,
)
from fastdjango_signals.integrations.opentelemetry.instruments import (
    Attributes,
    Instruments,
    are_suppressed,
)
from fastdjango_signals.observers import Send, SendObserver
from fastdjango_signals.places import name_of, place_of
from fastdjango_signals.receivers import Receiver

_SENT = context.create_key("fastdjango_signals-sent")


@dataclass(frozen=True, slots=True)
class Sent:
    """What the receivers of a send can learn of it; it stays in the contexts that they leave.

    Attributes:
        signal: Name of the signal.
        span: The span of the send.
    """

    signal: str
    span: Span


def current_send() -> Sent | None:
    """Return the send whose receiver is running."""
    found = context.get_value(_SENT)
    return found if isinstance(found, Sent) else None


class Block(ABC):
    """Context manager: a span that is current in the block and ends with it, and a measurement.

    Args:
        instruments: What measures.
        span: The span.
        within: The context of the block.
        duration: Is told how long it took.
        measured: The attributes of its measurements.
    """

    def __init__(
        self,
        instruments: Instruments,
        span: Span,
        within: context.Context,
        duration: Histogram,
        measured: Attributes,
    ) -> None:
        self.instruments = instruments
        self.span = span
        self.measured = measured
        self._within = within
        self._duration = duration

    def __enter__(self) -> Self:
        self._cancelled_before = cancellations_met(current_task())
        self._token = context.attach(self._within)
        self._began = perf_counter()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        seconds = perf_counter() - self._began
        try:
            has_failed = error is not None and is_failure(error, self._cancelled_before)
            if error is not None and not has_failed:
                self.span.set_attribute("signal.cancelled", True)
            self.ended(error if has_failed else None)
            self._duration.record(seconds, self.measured)
        finally:
            # What is thrown away while it waits may end in another context than it began in,
            # where there is nothing to put back.
            if not isinstance(error, GeneratorExit) or context.get_current() is self._within:
                context.detach(self._token)
            self.span.end()  # last, for a processor of spans may raise

    @abstractmethod
    def ended(self, failure: BaseException | None) -> None:
        """Tell how it ended, before the span does."""

    def fail(self, error_type: str, description: str | None) -> None:
        """Mark the span, and what is measured from now on, as failed."""
        self.span.set_status(StatusCode.ERROR, description)
        self.span.set_attribute("error.type", error_type)
        self.measured["error.type"] = error_type

    def fail_with(self, error: BaseException, *, is_news: bool) -> None:
        """Do so for an exception; it is an event of the span where no other span has it."""
        with_message = self.instruments.record_messages and can_be_written(error)
        error_type = type_of(error)
        self.fail(error_type, f"{error_type}: {error}" if with_message else None)
        if is_news:
            record(self.span, error, with_message=with_message)


class SendBlock(Block, SendObserver):
    """A send, and what has become of its receivers."""

    def __init__(
        self, instruments: Instruments, span: Span, send: Send, measured: Attributes
    ) -> None:
        within = context.set_value(_SENT, Sent(send.signal, span), set_span_in_context(span))
        super().__init__(instruments, span, within, instruments.send_seconds, measured)
        self._is_delivery = send.carrier is not None
        self._receivers = send.receivers
        self._of_receivers = {name: measured[name] for name in ("signal.name", "signal.operation")}
        self._failures: list[str] = []
        self._is_over = False

    def receiving(self, receiver: Receiver, /) -> AbstractContextManager[object]:
        """Return the block of one receiver."""
        if are_suppressed():
            return nullcontext()
        measured = {**self._of_receivers, "code.function.name": name_of(receiver)}
        deferred = {"signal.deferred": True} if self._is_over else {}
        # The parent is the send's span, also where that has ended because the receiver waited for
        # a commit. OpenTelemetry has links for what has several causes, or begins a trace of its
        # own; this has one cause, in this trace. And what is the current span by then, that of a
        # COMMIT perhaps, has not caused it.
        span = self.instruments.tracer.start_span(
            _short_name(receiver),
            set_span_in_context(self.span),
            attributes={**measured, **deferred},
        )
        if span.is_recording():
            span.set_attributes(_place(receiver))
        return ReceiverBlock(self, span, measured)

    def received(self, failure: str) -> None:
        """Note that a receiver has failed, with an error of this type."""
        self._failures.append(failure)

    def ended(self, failure: BaseException | None) -> None:
        """Tell how the send ended."""
        self._is_over = True
        failed = len(self._failures)
        if failed:
            self.span.set_attribute("signal.failures", failed)
        if failure is not None:
            self.fail_with(failure, is_news=not failed)
        elif failed and self._is_delivery:
            # Whoever sends robustly asked for this, and has the exceptions. A delivery has failed:
            # it is tried again, or becomes a dead letter.
            self.fail(self._failures[0], f"{failed} of {self._receivers} receivers failed")
        self.instruments.sends.add(1, self.measured)


class ReceiverBlock(Block):
    """A receiver that runs."""

    def __init__(self, send: SendBlock, span: Span, measured: Attributes) -> None:
        duration = send.instruments.receiver_seconds
        super().__init__(send.instruments, span, set_span_in_context(span), duration, measured)
        self._send = send

    def ended(self, failure: BaseException | None) -> None:
        """Tell what the receiver has raised."""
        if failure is not None:
            self.fail_with(failure, is_news=True)
            self.instruments.failures.add(1, self.measured)
            self._send.received(type_of(failure))


def _short_name(receiver: Receiver) -> str:
    """Return the name of a receiver without its module, where it has one."""
    return name_of(receiver).removeprefix(f"{getattr(receiver, '__module__', None)}.")


def _place(receiver: Receiver) -> Attributes:
    path, _, line = (place_of(receiver) or "").rpartition(":")
    # A mock has code that is a mock too.
    return {"code.file.path": path, "code.line.number": int(line)} if line.isdigit() else {}
