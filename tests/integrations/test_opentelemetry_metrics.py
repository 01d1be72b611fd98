"""Metrics of sends and receivers, and what it is to install all this, and to have it not."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from importlib.metadata import version
from typing import Any

import pytest
from opentelemetry import trace

from fastdjango_signals import (
    InstallError,
    Payload,
    Signal,
    SignalOptionError,
    extras,
    observations,
)
from fastdjango_signals.integrations import opentelemetry
from tests.integrations.telemetry import Point, Telemetry

HERE = __name__


class Ping(Payload):
    x: int = 0


class Shop: ...


async def resting(sender: object, **kwargs: Any) -> None:
    await asyncio.sleep(0.02)


async def failing(sender: object, **kwargs: Any) -> None:
    raise LookupError("no")


def made(*receivers: Any) -> Signal[Any, ...]:
    signal = Signal(Ping, name="shop.ping")
    for receiver in receivers:
        signal.connect(receiver)
    return signal


NAMED = {"signal.name": "shop.ping", "signal.operation": "send"}
OF_SHOP = {**NAMED, "signal.sender": f"{HERE}.Shop"}


# --- metrics -----------------------------------------------------------------


async def test_sends_and_receivers_are_counted_and_timed() -> None:
    with Telemetry().installed() as telemetry:
        for _ in range(3):
            await made(resting, failing).send_robust(Shop)

    [sends] = telemetry.points("signal.sends")
    assert (sends.count, sends.attributes) == (3, OF_SHOP)
    [failures] = telemetry.points("signal.failures")
    failed = {**NAMED, "code.function.name": f"{HERE}.failing", "error.type": "LookupError"}
    assert (failures.count, failures.attributes) == (3, failed)
    [duration] = telemetry.points("signal.send.duration")
    assert (duration.count, duration.attributes) == (3, OF_SHOP)
    rested, raised = telemetry.points("signal.receiver.duration")
    assert (rested.count, rested.attributes) == (
        3,
        {**NAMED, "code.function.name": f"{HERE}.resting"},
    )
    assert (raised.count, raised.attributes) == (3, failed)
    # Seconds, and not of another unit: each rested for 0.02.
    assert 0.059 < rested.total <= duration.total < 6
    assert raised.total < 0.059
    assert duration.bounds[0] == rested.bounds[0] == 0.0001
    assert duration.bounds[-1] == 30


async def test_a_send_that_fails_is_counted_with_its_error() -> None:
    with Telemetry().installed() as telemetry, pytest.raises(LookupError):
        await made(failing).send(Shop)

    failed = {**OF_SHOP, "error.type": "LookupError"}
    assert [each.attributes for each in telemetry.points("signal.sends")] == [failed]
    assert [each.attributes for each in telemetry.points("signal.send.duration")] == [failed]


async def test_a_refused_send_is_a_failure_and_no_send() -> None:
    with Telemetry().installed() as telemetry:
        for _ in range(2):
            with pytest.raises(ValueError, match="x"):
                await made(resting).send(Shop, x="many")

    error = "pydantic_core._pydantic_core.ValidationError"
    attributes = {**OF_SHOP, "signal.refused": True, "error.type": error}
    assert telemetry.points("signal.failures") == [Point(attributes, 2, 0.0)]
    assert telemetry.points("signal.sends") == []


@pytest.mark.parametrize("sender", [None, "till 4", Shop()])
async def test_only_a_class_tells_measurements_apart_as_sender(sender: object) -> None:
    with Telemetry().installed() as telemetry:
        await made().send(sender)
        await made().send(f"{sender}, and others")

    assert telemetry.points("signal.sends") == [Point(NAMED, 2, 0.0)]


async def test_a_measurement_knows_its_span() -> None:
    with Telemetry().installed() as telemetry:
        await made(resting).send(Shop)

    data = telemetry.reader.get_metrics_data()
    assert data is not None
    metrics = {each.name: each for each in data.resource_metrics[0].scope_metrics[0].metrics}
    exemplars = {
        name: [each.span_id for point in metric.data.data_points for each in point.exemplars]
        for name, metric in metrics.items()
    }
    receiver, send = (span.get_span_context().span_id for span in telemetry.spans)  # type: ignore[union-attr]
    assert exemplars == {
        "signal.sends": [send],
        "signal.send.duration": [send],
        "signal.receiver.duration": [receiver],
    }
    assert (metrics["signal.sends"].unit, metrics["signal.send.duration"].unit) == ("{send}", "s")
    scope = data.resource_metrics[0].scope_metrics[0].scope
    assert (scope.name, scope.version) == (
        "fastdjango_signals",
        version("fastdjango-signals"),
    )


# --- install -----------------------------------------------------------------


async def test_installing_again_changes_nothing() -> None:
    with Telemetry().installed() as telemetry:
        before = observations.observers
        with telemetry.installed():
            assert observations.observers is before
            await made().send(Shop)
        assert telemetry.names == ["send shop.ping"]
        assert telemetry.points("signal.sends")[0].count == 1


async def test_installing_with_other_options_replaces_the_former() -> None:
    former, latter = Telemetry(), Telemetry()
    with former.installed(), latter.installed():
        await made().send(Shop)

    assert (former.names, latter.names) == ([], ["send shop.ping"])


async def test_nothing_is_left_after_uninstalling_and_nothing_is_paid() -> None:
    signal = made(resting)
    used = [signal.watch.used]
    with Telemetry().installed() as telemetry:
        used.append(signal.watch.used)
    opentelemetry.uninstall()  # changes nothing
    assert [*used, signal.watch.used] == [False, True, False]

    await signal.send(Shop)
    assert telemetry.spans == []


async def test_a_send_that_has_begun_is_traced_to_its_end() -> None:
    async def removing(sender: object, **kwargs: Any) -> None:
        opentelemetry.uninstall()

    with Telemetry().installed() as telemetry:
        await made(removing, resting).send(Shop)

    assert [name.rpartition(".")[2] for name in telemetry.names] == ["removing", "resting", "ping"]


@pytest.mark.parametrize(
    ("option", "kind"), [("tracer_provider", "TracerProvider"), ("meter_provider", "MeterProvider")]
)
async def test_what_is_no_provider_is_refused_and_changes_nothing(option: str, kind: str) -> None:
    tracer: Any = trace.get_tracer("shop")
    with Telemetry().installed() as telemetry:
        with pytest.raises(
            SignalOptionError, match=rf"^install\(\) is given .*, which is no {kind}"
        ):
            opentelemetry.install(**{option: tracer})
        await made().send(Shop)

    assert telemetry.names == ["send shop.ping"]


def test_a_version_without_advice_for_buckets_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extras, "version", lambda _: "1.29.0")
    with pytest.raises(InstallError, match=r'pip install "opentelemetry-api>=1.30,<2.0"'):
        opentelemetry.install()


def run(script: str) -> str:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, check=True
    ).stdout


def test_nothing_of_opentelemetry_is_loaded_before_it_is_asked_for() -> None:
    printed = run("""
import sys
import fastdjango_signals.relay, fastdjango_signals.observers, fastdjango_signals.testing
print([name for name in sys.modules if "opentelemetry" in name])
from fastdjango_signals.integrations import opentelemetry
print("opentelemetry.trace" in sys.modules, "opentelemetry.sdk" in sys.modules)
""")
    assert printed == "[]\nTrue False\n"


def test_the_extra_is_named_where_the_library_is_missing() -> None:
    printed = run("""
import sys
sys.modules["opentelemetry"] = None
try:
    import fastdjango_signals.integrations.opentelemetry
except ImportError as error:
    print(error)
""")
    assert printed == (
        "this integration needs opentelemetry; "
        'install it with: pip install "fastdjango-signals[otel]"\n'
    )


def test_without_providers_the_global_ones_are_used_also_if_they_are_set_later() -> None:
    printed = run("""
import asyncio
from opentelemetry import metrics, trace
from fastdjango_signals import Signal
from fastdjango_signals.integrations import opentelemetry
from tests.integrations.telemetry import Telemetry

signal = Signal(name="shop.ping")

async def main():
    opentelemetry.install()
    await signal.send(None)
    telemetry = Telemetry()
    trace.set_tracer_provider(telemetry.tracer_provider)
    metrics.set_meter_provider(telemetry.meter_provider)
    await signal.send(None)
    print(telemetry.names, [point.count for point in telemetry.points("signal.sends")])

asyncio.run(main())
""")
    assert printed == "['send shop.ping'] [1]\n"
