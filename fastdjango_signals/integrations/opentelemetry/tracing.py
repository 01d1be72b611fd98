"""The observer: what becomes a span, of which kind, and with what attributes."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from contextlib import AbstractContextManager, nullcontext

from opentelemetry import context
from opentelemetry.metrics import MeterProvider
from opentelemetry.trace import (
    INVALID_SPAN,
    Link,
    SpanKind,
    StatusCode,
    TracerProvider,
    get_current_span,
    set_span_in_context,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from fastdjango_signals.integrations.opentelemetry.blocks import SendBlock, current_send
from fastdjango_signals.integrations.opentelemetry.failures import refused_fields, type_of
from fastdjango_signals.integrations.opentelemetry.instruments import (
    Attributes,
    Instruments,
    are_suppressed,
    messaging,
)
from fastdjango_signals.observers import Observer, Send, SendObserver
from fastdjango_signals.places import name_of

_SEND = "send"
_PROCESS = "process"

# Not the propagators that the process has chosen: CloudEvents, and so a relay, carry this format.
_w3c = TraceContextTextMapPropagator()


class Tracing(Observer):
    """Makes spans, and measurements, of every send.

    Args:
        tracer_provider: Makes the tracer; None for the global one.
        meter_provider: Makes the metrics; None for the global one.
        record_messages: Whether the messages of receivers' exceptions are recorded.
    """

    def __init__(
        self,
        tracer_provider: TracerProvider | None,
        meter_provider: MeterProvider | None,
        *,
        record_messages: bool,
    ) -> None:
        self._instruments = Instruments(
            tracer_provider, meter_provider, record_messages=record_messages
        )

    def sending(self, send: Send, /) -> AbstractContextManager[SendObserver]:
        """Return the block of a send: one of this process, or one that a broker delivered."""
        if are_suppressed():
            return nullcontext(SendObserver())
        operation = _SEND if send.carrier is None else _PROCESS
        named, measured = _about(send.signal, send.sender, operation)
        attributes: Attributes = {
            **named,
            "signal.receivers": send.receivers,
            "signal.robust": send.robust,
            "signal.concurrent": send.concurrent,
        }
        name, tracer = f"{operation} {send.signal}", self._instruments.tracer
        if send.carrier is None:
            span = tracer.start_span(name, kind=SpanKind.PRODUCER, attributes=attributes)
        else:
            span = tracer.start_span(
                name,
                _around_a_delivery(),
                SpanKind.CONSUMER,
                {**attributes, **messaging(send.signal, operation, send.event_id)},
                _links(send.carrier),
            )
        return SendBlock(self._instruments, span, send, measured)

    def refused(self, signal: str, sender: object, error: Exception, /) -> None:
        """Make a span that has failed, with the fields that were at fault, never their values."""
        if are_suppressed():
            return
        named, measured = _about(signal, sender, _SEND)
        failed: Attributes = {"error.type": type_of(error), "signal.refused": True}
        span = self._instruments.tracer.start_span(
            f"{_SEND} {signal}", kind=SpanKind.PRODUCER, attributes={**named, **failed}
        )
        if fields := refused_fields(error):
            span.set_attribute("signal.refused_fields", fields)
        span.set_status(StatusCode.ERROR)
        self._instruments.failures.add(1, {**measured, **failed})
        span.end()

    def inject(self, carrier: MutableMapping[str, str], /) -> None:
        """Have an event carry the context of its send.

        That is the span of the kind PRODUCER, to which the conventions want the consumer's linked;
        not the one of the receiver that publishes, inside it.
        """
        send = None if are_suppressed() else current_send()
        if send is None:
            _w3c.inject(carrier)
            return
        send.span.set_attributes(messaging(send.signal, _SEND))
        _w3c.inject(carrier, set_span_in_context(send.span))


def _about(signal: str, sender: object, operation: str) -> tuple[Attributes, Attributes]:
    """Return the attributes that name a send: those of its span, and those of measurements.

    A measurement has the sender only where it is a class: of these there are as many as the
    program has, but a string may be another in every send.
    """
    measured: Attributes = {"signal.name": signal, "signal.operation": operation}
    if sender is None:
        return measured, measured.copy()
    named: Attributes = {**measured, "signal.sender": name_of(sender)}
    return named, named.copy() if isinstance(sender, type) else measured


def _around_a_delivery() -> context.Context:
    """Return the context in which a delivery is processed.

    Its task has the context of whoever started the relay. A span that goes on there, of a consumer
    that is traced or of a replay, is the parent. One that has ended, or is not recorded, is not:
    all deliveries would belong to the trace of the start, or to none.
    """
    if get_current_span().is_recording():
        return context.get_current()
    return set_span_in_context(INVALID_SPAN)


def _links(carrier: Mapping[str, str]) -> list[Link]:
    """Return a link to the send in the other process, if the event tells of one.

    A link, as the conventions have it, and no parent: what others wrote into an event decides
    neither to which trace this belongs, nor whether it is sampled.
    """
    sent = get_current_span(_w3c.extract(carrier)).get_span_context()
    return [Link(sent)] if sent.is_valid else []
