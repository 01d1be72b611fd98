"""What an event carries of a trace, and what a delivery makes of it, whatever that is."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from opentelemetry import context
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.sampling import (
    ALWAYS_OFF,
    ALWAYS_ON,
    ParentBased,
    Sampler,
    SamplingResult,
    TraceIdRatioBased,
)
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    StatusCode,
    TraceFlags,
    TraceState,
    format_span_id,
    format_trace_id,
    set_span_in_context,
)

from fastdjango_signals import Payload, Signal
from fastdjango_signals.relay import Relay, Replayed, Retry
from tests.integrations.telemetry import Telemetry
from tests.relay.transports import Delivered, Recorded

MESSAGING = {
    "messaging.system": "fastdjango_signals",
    "messaging.destination.name": "shop.ordered",
}


class Ordered(Payload):
    order_id: int


class Shop: ...


@pytest.fixture
def telemetry() -> Iterator[Telemetry]:
    with Telemetry().installed() as installed:
        yield installed


def ordered(concurrent: bool = False) -> Signal[Any, ...]:
    return Signal(Ordered, name="shop.ordered", concurrent=concurrent)


async def pack(sender: object, order_id: int) -> None: ...


async def fail(sender: object, order_id: int) -> None:
    raise LookupError("no")


def told(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


def linked(span: ReadableSpan) -> list[SpanContext]:
    return [link.context for link in span.links]


async def published(transport: Recorded) -> bytes:
    """Return the event of a send."""
    signal = ordered()
    async with Relay("shop", transport, publishes=[signal]):
        await signal.send(Shop, order_id=1)
    return transport.published[-1][2]


async def delivered(*receivers: Any, concurrent: bool = False, **carried: object) -> Delivered:
    """Deliver an event, which carries this, to receivers."""
    signal, transport = ordered(concurrent), Recorded()
    for receiver in receivers:
        signal.connect(receiver)
    event = {"specversion": "1.0", "id": "1", "source": "shop", "type": signal.name}
    body = json.dumps({**event, **carried, "data": {"order_id": 3}}).encode()
    delivery = Delivered(body)
    async with Relay("stock", transport, receives=[signal]):
        await transport.subscriptions[signal.name].handler(delivery)
    return delivery


# --- publishing --------------------------------------------------------------


async def test_an_event_carries_the_span_of_its_send(telemetry: Telemetry) -> None:
    event = json.loads(await published(Recorded()))

    send = telemetry.span("send shop.ordered")
    found = send.get_span_context()
    assert found is not None
    assert event["traceparent"] == (
        f"00-{format_trace_id(found.trace_id)}-{format_span_id(found.span_id)}"
        f"-{found.trace_flags:02x}"
    )
    assert "tracestate" not in event
    assert send.kind is SpanKind.PRODUCER
    named = {"messaging.operation.name": "send", "messaging.operation.type": "send"}
    assert told(send).items() >= (MESSAGING | named).items()
    # The relay is a receiver like others.
    assert telemetry.names == ["Publisher", "send shop.ordered"]
    assert telemetry.spans[0].parent == found


async def test_a_send_that_is_not_relayed_has_nothing_of_messaging(telemetry: Telemetry) -> None:
    await ordered().send(Shop, order_id=1)
    assert not [name for name in told(telemetry.spans[0]) if name.startswith("messaging")]


async def test_a_send_in_a_receiver_carries_its_own_span(telemetry: Telemetry) -> None:
    outer, transport = ordered(), Recorded()

    async def sending(sender: object, order_id: int) -> None:
        await published(transport)

    outer.connect(sending)
    await outer.send(Shop, order_id=2)

    inner, outermost = (span for span in telemetry.spans if span.name == "send shop.ordered")
    carried = json.loads(transport.published[0][2])["traceparent"]
    assert format_span_id(inner.context.span_id) in carried
    assert "messaging.system" in told(inner)
    assert "messaging.system" not in told(outermost)


async def test_the_state_of_a_trace_is_carried_too(telemetry: Telemetry) -> None:
    parent = SpanContext(
        1, 2, is_remote=True, trace_flags=TraceFlags(1), trace_state=TraceState([("vendor", "a:1")])
    )
    token = context.attach(set_span_in_context(NonRecordingSpan(parent)))
    try:
        event = json.loads(await published(Recorded()))
    finally:
        context.detach(token)
    assert event["tracestate"] == "vendor=a:1"

    telemetry.exporter.clear()
    await delivered(pack, **{name: event[name] for name in ("traceparent", "tracestate")})
    [found] = linked(telemetry.span("process shop.ordered"))
    assert found.trace_id == 1
    assert found.trace_state == {"vendor": "a:1"}


async def test_an_event_says_that_its_send_was_not_sampled() -> None:
    with Telemetry(ALWAYS_OFF).installed():
        event = json.loads(await published(Recorded()))
    assert int(event["traceparent"][-2:], 16) & TraceFlags.SAMPLED == 0


async def test_where_tracing_is_suppressed_the_trace_of_the_caller_goes_on(
    telemetry: Telemetry,
) -> None:
    outer, transport = ordered(), Recorded()

    async def sending(sender: object, order_id: int) -> None:
        with telemetry.tracer.start_as_current_span("exporting") as exporting:
            token = context.attach(context.set_value("suppress_instrumentation", True))
            try:
                await published(transport)
            finally:
                context.detach(token)
        spans.append(exporting.get_span_context())

    spans: list[SpanContext] = []
    outer.connect(sending)
    await outer.send(Shop, order_id=2)

    assert format_span_id(spans[0].span_id) in json.loads(transport.published[0][2])["traceparent"]
    assert len(telemetry.spans) == 3


async def test_nothing_is_carried_where_there_is_no_trace() -> None:
    assert "traceparent" not in json.loads(await published(Recorded()))


class Stored:
    """An outbox in memory: inside a transaction, which is always open."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    async def store(self, service: str, body: bytes, using: str | None) -> bool:
        self.bodies.append(body)
        return True

    @asynccontextmanager
    async def forwarding(
        self, service: str, publish: Callable[[bytes], Awaitable[None]]
    ) -> AsyncIterator[None]:
        yield
        for body in self.bodies:
            await publish(body)


async def test_what_an_outbox_has_kept_carries_the_trace_of_its_send(telemetry: Telemetry) -> None:
    signal, transport = ordered(), Recorded()
    async with Relay("shop", transport, publishes=[signal], outbox=Stored()):
        with telemetry.tracer.start_as_current_span("request"):
            await signal.send(Shop, order_id=1)
        assert transport.published == []

    send = telemetry.span("send shop.ordered")
    assert format_span_id(send.context.span_id) in transport.published[0][2].decode()


# --- receiving ---------------------------------------------------------------

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.mark.parametrize("concurrent", [False, True])
async def test_a_delivery_is_a_span_that_is_linked_to_its_send(
    telemetry: Telemetry, *, concurrent: bool
) -> None:
    await delivered(pack, concurrent=concurrent, traceparent=TRACE)

    receiver, process = telemetry.spans
    assert (process.name, process.kind) == ("process shop.ordered", SpanKind.CONSUMER)
    [found] = linked(process)
    assert (format_trace_id(found.trace_id), format_span_id(found.span_id)) == (
        "0af7651916cd43dd8448eb211c80319c",
        "b7ad6b7169203331",
    )
    assert found.is_remote
    assert process.parent is None
    assert process.context.trace_id != found.trace_id
    assert process.status.status_code is StatusCode.UNSET
    assert told(process) == {
        **MESSAGING,
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.message.id": "1",
        "signal.name": "shop.ordered",
        "signal.operation": "process",
        "signal.receivers": 1,
        "signal.robust": True,
        "signal.concurrent": concurrent,
    }
    assert (receiver.name, receiver.kind) == ("pack", SpanKind.INTERNAL)
    assert receiver.parent == process.context
    assert told(receiver)["signal.operation"] == "process"
    [point] = telemetry.points("signal.sends")
    assert point.attributes == {"signal.name": "shop.ordered", "signal.operation": "process"}


@pytest.mark.parametrize(
    "traceparent",
    [
        None,
        "",
        "rubbish",
        7,
        TRACE.upper(),
        f"{TRACE}-more",
        "ff" + TRACE[2:],
        "00-" + "0" * 32 + "-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-" + "0" * 16 + "-01",
        "x" * 512,
    ],
)
async def test_what_is_no_trace_gives_no_link_and_no_error(
    caplog: pytest.LogCaptureFixture, traceparent: object
) -> None:
    links: list[object] = []

    class Noting(Sampler):
        """Is shown what the SDK would leave out."""

        def should_sample(self, *args: Any, **kwargs: Any) -> SamplingResult:
            links.append(args[5])
            return ALWAYS_ON.should_sample(*args, **kwargs)

        def get_description(self) -> str:
            return "Noting"

    with Telemetry(Noting()).installed() as telemetry:
        delivery = await delivered(pack, traceparent=traceparent)

    assert [each or None for each in links] == [None, None]
    assert telemetry.names == ["pack", "process shop.ordered"]
    assert delivery.accepted == 1
    assert caplog.records == []


async def test_a_broken_state_leaves_the_link(telemetry: Telemetry) -> None:
    await delivered(pack, traceparent=TRACE, tracestate="a b=,,;")

    [found] = linked(telemetry.span("process shop.ordered"))
    assert not found.trace_state
    assert telemetry.names == ["pack", "process shop.ordered"]


@pytest.mark.parametrize("concurrent", [False, True])
async def test_a_delivery_has_failed_where_a_receiver_has(
    telemetry: Telemetry, *, concurrent: bool
) -> None:
    await delivered(pack, fail, concurrent=concurrent)

    process = telemetry.span("process shop.ordered")
    assert process.status.status_code is StatusCode.ERROR
    assert process.status.description == "1 of 2 receivers failed"
    assert told(process)["error.type"] == "LookupError"
    assert told(process)["signal.failures"] == 1
    assert process.events == ()
    [point] = telemetry.points("signal.sends")
    assert point.attributes["error.type"] == "LookupError"
    [failure] = telemetry.points("signal.failures")
    assert failure.attributes["signal.operation"] == "process"


async def test_a_delivery_belongs_to_a_trace_that_goes_on_around_it_and_not_to_one_that_has_ended(
    telemetry: Telemetry,
) -> None:
    with telemetry.tracer.start_as_current_span("consumer") as consumer:
        await delivered(pack, traceparent=TRACE)
    process = telemetry.span("process shop.ordered")
    assert process.parent == consumer.get_span_context()
    assert len(process.links) == 1

    telemetry.exporter.clear()
    token = context.attach(set_span_in_context(consumer))  # as in the tasks of a relay, later
    try:
        await delivered(pack, traceparent=TRACE)
    finally:
        context.detach(token)
    assert telemetry.span("process shop.ordered").parent is None


async def test_a_start_that_was_not_sampled_does_not_decide_about_deliveries() -> None:
    unsampled = NonRecordingSpan(SpanContext(1, 2, is_remote=False, trace_flags=TraceFlags(0)))
    with Telemetry(ParentBased(TraceIdRatioBased(1.0))).installed() as telemetry:
        token = context.attach(set_span_in_context(unsampled))
        try:
            await delivered(pack)
        finally:
            context.detach(token)

    assert telemetry.names == ["pack", "process shop.ordered"]


async def test_a_send_in_a_receiver_of_a_delivery_belongs_to_its_span(
    telemetry: Telemetry,
) -> None:
    transport = Recorded()

    async def forward(sender: object, order_id: int) -> None:
        await published(transport)

    await delivered(forward, traceparent=TRACE)

    send = telemetry.span("send shop.ordered")
    receiver = next(span for span in telemetry.spans if span.name.endswith("forward"))
    assert send.parent == receiver.context
    assert format_trace_id(send.context.trace_id) in transport.published[0][2].decode()


async def test_a_dead_letter_that_is_replayed_is_linked_to_its_send(telemetry: Telemetry) -> None:
    received, transport = ordered(), Recorded()
    stock = Relay("stock", transport, receives=[received], retry=Retry(tries=1))
    body = await published(Recorded())
    async with stock:
        with received.connected_to(fail):
            handler = transport.subscriptions["shop.ordered"].handler
            await handler(Delivered(body))
        received.connect(pack)
        with telemetry.tracer.start_as_current_span("replay") as replay:
            assert await stock.replay() == Replayed(received=1, failed=0)

    send = telemetry.span("send shop.ordered").context
    first, replayed = (span for span in telemetry.spans if span.name == "process shop.ordered")
    for process in (first, replayed):
        [found] = linked(process)
        assert (found.trace_id, found.span_id) == (send.trace_id, send.span_id)
    assert replayed.parent == replay.get_span_context()
    statuses = [span.status.status_code for span in (first, replayed)]
    assert statuses == [StatusCode.ERROR, StatusCode.UNSET]
