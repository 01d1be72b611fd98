"""The tracer, and the metrics: what there is, in which unit."""

from __future__ import annotations

from importlib.metadata import version
from typing import TypeAlias

from opentelemetry import context
from opentelemetry.metrics import MeterProvider, get_meter
from opentelemetry.trace import TracerProvider, get_tracer

Attributes: TypeAlias = dict[str, str | bool | int]

_SCOPE = "fastdjango_signals"
_SCHEMA = "https://opentelemetry.io/schemas/1.33.0"  # in which `code.*` became stable

# A send without a broker takes microseconds, so that these begin lower than what is usual.
_SECONDS = (
    *(0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005),
    *(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)

# The first has no public name, and the second is what instrumentations set beside it.
_SUPPRESSED = (
    getattr(context, "_SUPPRESS_INSTRUMENTATION_KEY", "suppress_instrumentation"),
    "suppress_instrumentation",
)


class Instruments:
    """What spans are made with, and measurements.

    Attributes:
        tracer: Makes spans.
        sends: Counts sends whose payload was valid.
        failures: Counts receivers that raised, and sends that were refused.
        send_seconds: How long sends took, from the first receiver to the last.
        receiver_seconds: How long each receiver took.
        record_messages: Whether the messages of exceptions are recorded.
    """

    def __init__(
        self,
        tracer_provider: TracerProvider | None,
        meter_provider: MeterProvider | None,
        *,
        record_messages: bool,
    ) -> None:
        number = version("fastdjango-signals")
        self.tracer = get_tracer(_SCOPE, number, tracer_provider, _SCHEMA)
        meter = get_meter(_SCOPE, number, meter_provider, _SCHEMA)
        self.sends = meter.create_counter("signal.sends", "{send}", "Sends with a valid payload")
        self.failures = meter.create_counter(
            "signal.failures", "{failure}", "Receivers that raised, and sends that were refused"
        )
        self.send_seconds = meter.create_histogram(
            "signal.send.duration",
            "s",
            "Duration of sends, with all of their receivers",
            explicit_bucket_boundaries_advisory=_SECONDS,
        )
        self.receiver_seconds = meter.create_histogram(
            "signal.receiver.duration",
            "s",
            "Duration of single receivers",
            explicit_bucket_boundaries_advisory=_SECONDS,
        )
        self.record_messages = record_messages


def are_suppressed() -> bool:
    """Return whether nothing is to be traced here, as in the code that exports spans."""
    return any(context.get_value(key) for key in _SUPPRESSED)


def messaging(signal: str, operation: str, event_id: str | None = None) -> Attributes:
    """Return the attributes of a span that sends to a broker, or processes what came from one.

    Which broker that is, only the relay knows; the conventions want what the instrumentation knows.
    """
    told: Attributes = {} if event_id is None else {"messaging.message.id": event_id}
    return told | {
        "messaging.system": _SCOPE,
        "messaging.destination.name": signal,
        "messaging.operation.name": operation,
        "messaging.operation.type": operation,
    }
