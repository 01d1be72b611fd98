"""What OpenTelemetry has been told, kept in memory; each test has providers of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import Sampler

from fastdjango_signals.integrations import opentelemetry


@dataclass(frozen=True)
class Point:
    """What was measured with the same attributes: a number, or how many, and their sum."""

    attributes: Mapping[str, Any]
    count: int
    total: float
    bounds: tuple[float, ...] = ()


class Telemetry:
    """Providers that keep what they are told."""

    def __init__(self, sampler: Sampler | None = None) -> None:
        self.exporter = InMemorySpanExporter()
        self.tracer_provider = TracerProvider(sampler=sampler, shutdown_on_exit=False)
        self.tracer_provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.reader = InMemoryMetricReader()
        self.meter_provider = MeterProvider([self.reader], shutdown_on_exit=False)
        self.tracer = self.tracer_provider.get_tracer("test")

    @contextmanager
    def installed(self, **options: Any) -> Iterator[Telemetry]:
        opentelemetry.install(
            tracer_provider=self.tracer_provider, meter_provider=self.meter_provider, **options
        )
        try:
            yield self
        finally:
            opentelemetry.uninstall()

    @property
    def spans(self) -> list[ReadableSpan]:
        """The spans that have ended, in this order."""
        return list(self.exporter.get_finished_spans())

    @property
    def names(self) -> list[str]:
        return [span.name for span in self.spans]

    def span(self, name: str) -> ReadableSpan:
        """Return the only span whose name ends so."""
        [found] = [span for span in self.spans if span.name.endswith(name)]
        return found

    def points(self, metric: str) -> list[Point]:
        """Return what was measured."""
        data = self.reader.get_metrics_data()
        if data is None:
            return []
        [resource] = data.resource_metrics
        [scope] = resource.scope_metrics
        found = [each for each in scope.metrics if each.name == metric]
        return [
            Point(
                dict(each.attributes or {}),
                getattr(each, "count", getattr(each, "value", 0)),
                getattr(each, "sum", 0.0),
                tuple(getattr(each, "explicit_bounds", ())),
            )
            for metrics in found
            for each in metrics.data.data_points
        ]

    def whole(self) -> str:
        """Return all that leaves the process, as text."""
        spans = "".join(span.to_json() for span in self.spans)
        data = self.reader.get_metrics_data()
        return spans + (data.to_json() if data is not None else "")
