"""Trace sends and receivers with OpenTelemetry, and measure them.

    from fastdjango_signals.integrations import opentelemetry

    opentelemetry.install()

Then each send is a span, each receiver is a span in it, and there are metrics of both. An event
that a relay takes to another process carries the trace along: its span there has a link to the
span of the send. No value of a payload gets into any of it, unless `record_messages` lets one in.
"""

from __future__ import annotations

from fastdjango_signals.exceptions import SignalOptionError
from fastdjango_signals.extras import check_version, needs
from fastdjango_signals.observers import add_observer, remove_observer
from fastdjango_signals.places import name_of

with needs("opentelemetry", extra="otel"):
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import TracerProvider

from fastdjango_signals.integrations.opentelemetry.tracing import Tracing

__all__ = ["install", "uninstall"]

_installed: list[Tracing] = []
_given: list[object] = []  # what `install` was given


def install(
    *,
    tracer_provider: TracerProvider | None = None,
    meter_provider: MeterProvider | None = None,
    record_messages: bool = False,
) -> None:
    """Trace and measure the sends that begin from now on, of every signal.

    Installing again with the same options changes nothing; with others, these replace the former.

    Args:
        tracer_provider: Makes the tracer; None for the global one, also if it is set later.
        meter_provider: Makes the metrics; None for the global one, also if it is set later.
        record_messages: Whether an exception of a receiver is recorded with its message, which
            may show values of a payload, and not only with its type and the places it came by.

    Raises:
        SignalOptionError: Something given is no provider.
        InstallError: The installed version of OpenTelemetry is not one that this is made for.
    """
    check_version("opentelemetry-api", (1, 30), (2, 0))
    _check(tracer_provider, TracerProvider)
    _check(meter_provider, MeterProvider)
    given = [tracer_provider, meter_provider, record_messages]
    if _installed and given == _given:
        return
    uninstall()
    tracing = Tracing(tracer_provider, meter_provider, record_messages=record_messages)
    add_observer(tracing)
    _installed.append(tracing)
    _given[:] = given


def uninstall() -> None:
    """Take `install` back. What has begun is traced to its end."""
    while _installed:
        remove_observer(_installed.pop())
    _given.clear()


def _check(provider: object, kind: type) -> None:
    if provider is not None and not isinstance(provider, kind):
        raise SignalOptionError(
            f"install() is given {name_of(provider)}, which is no {kind.__name__} of OpenTelemetry"
        )
