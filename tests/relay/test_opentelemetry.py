"""A trace goes along with an event: the span that processes it has a link to that of the send."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Generator
from typing import Any

import pytest
from faststream.nats import NatsBroker
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext, SpanKind, StatusCode, format_span_id, format_trace_id

from fastdjango_signals import Payload, Signal
from fastdjango_signals.integrations import opentelemetry
from fastdjango_signals.relay import Relay, Retry
from fastdjango_signals.relay.nats import JetStream
from tests.integrations.telemetry import Telemetry
from tests.relay.servers import PATIENCE, NatsServer, until


class Ordered(Payload):
    order_id: int


@pytest.fixture
def telemetry() -> Generator[Telemetry, None, None]:
    with Telemetry().installed() as installed:
        yield installed


def signal() -> Signal[Any, ...]:
    return Signal(Ordered, name="shop.ordered")


def relay(service: str, nats: NatsServer, **options: Any) -> Relay:
    return Relay(service, JetStream(NatsBroker(nats.url, logger=None)), **options)


def context_of(span: ReadableSpan) -> SpanContext:
    context = span.get_span_context()
    assert context is not None
    return context


def processed(telemetry: Telemetry) -> list[ReadableSpan]:
    return [span for span in telemetry.spans if span.name == "process shop.ordered"]


async def test_each_try_is_linked_to_the_send_and_is_a_trace_of_its_own(
    nats: NatsServer, telemetry: Telemetry
) -> None:
    ordered, received = signal(), signal()
    tries: list[int] = []

    @received.connect
    async def reserve(sender: object, order_id: int) -> None:
        tries.append(order_id)
        if len(tries) == 1:
            raise LookupError

    # What the relay is started in has nothing to do with the events.
    with telemetry.tracer.start_as_current_span("startup"):
        stock = relay("stock", nats, receives=[received], retry=Retry(delay=0.01))
        await stock.start()
    async with relay("shop", nats, publishes=[ordered]):
        await ordered.send("till 4", order_id=1)
        await until(lambda: len(processed(telemetry)) == 2)
    await stock.stop()

    sent = telemetry.span("send shop.ordered")
    published = telemetry.span("Publisher")
    assert sent.kind is SpanKind.PRODUCER
    assert published.parent is not None
    assert published.parent.span_id == context_of(sent).span_id
    first, second = processed(telemetry)
    for span in (first, second):
        [link] = span.links
        assert (link.context.trace_id, link.context.span_id) == (
            context_of(sent).trace_id,
            context_of(sent).span_id,
        )
        assert span.kind is SpanKind.CONSUMER
        assert span.parent is None
        assert (span.attributes or {})["signal.sender"] == "'till 4'"
    assert first.status.status_code is StatusCode.ERROR
    assert second.status.status_code is StatusCode.UNSET
    received_in = [span.parent for span in telemetry.spans if span.name.endswith("reserve")]
    assert [parent and parent.span_id for parent in received_in] == [
        context_of(first).span_id,
        context_of(second).span_id,
    ]


async def test_an_event_of_a_service_that_traces_nothing_has_no_link(
    nats: NatsServer, telemetry: Telemetry
) -> None:
    ordered, received = signal(), signal()

    @received.connect
    async def reserve(sender: object, **fields: object) -> None: ...

    stock = relay("stock", nats, receives=[received])
    await stock.start()
    await stock.stop()  # its place in the stream is kept
    opentelemetry.uninstall()
    async with relay("shop", nats, publishes=[ordered]):
        await ordered.send(None, order_id=1)
    with telemetry.installed():
        async with stock:
            await until(lambda: len(processed(telemetry)) == 1)

    assert processed(telemetry)[0].links == ()


STOCK = """
import asyncio, json, sys
from faststream.nats import NatsBroker
from fastdjango_signals.relay import Relay
from fastdjango_signals.relay.nats import JetStream
from tests.integrations.telemetry import Telemetry
from tests.relay.servers import until
from tests.relay.test_opentelemetry import processed, signal

received = signal()

@received.connect
async def reserve(sender, **fields): ...

async def main():
    broker = NatsBroker(sys.argv[1], logger=None)
    with Telemetry().installed() as telemetry:
        async with Relay("stock", JetStream(broker), receives=[received]):
            print("ready", flush=True)
            await until(lambda: processed(telemetry))
    print(processed(telemetry)[0].to_json(indent=None), flush=True)

asyncio.run(main())
"""


async def test_a_trace_goes_from_one_process_to_another(
    nats: NatsServer, telemetry: Telemetry
) -> None:
    ordered = signal()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", STOCK, nats.url, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"ready\n"
        async with relay("shop", nats, publishes=[ordered]):
            await ordered.send(None, order_id=1)
        told = await asyncio.wait_for(process.stdout.read(), PATIENCE)
        assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()

    sent = context_of(telemetry.span("send shop.ordered"))
    [link] = json.loads(told)["links"]
    assert link["context"]["trace_id"] == f"0x{format_trace_id(sent.trace_id)}"
    assert link["context"]["span_id"] == f"0x{format_span_id(sent.span_id)}"
