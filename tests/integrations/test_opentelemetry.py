"""Tracing: which spans there are of a send, what they tell, and what they do not."""

from __future__ import annotations

import asyncio
import functools
import gc
import inspect
import logging
import weakref
from collections.abc import AsyncIterator, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any
from unittest.mock import AsyncMock

import pytest
import uvloop
from opentelemetry import context, trace
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, Sampler, SamplingResult
from opentelemetry.trace import SpanKind, StatusCode
from pydantic import Field, field_validator

from fastdjango_signals import Payload, ReceiverCancelledError, Signal
from fastdjango_signals.receivers import Receiver
from fastdjango_signals.transactions import CommitCall, Row, add_backend, remove_backend
from tests.integrations.telemetry import Telemetry

HERE = __name__


class Ping(Payload):
    x: int = 0
    names: dict[str, int] = Field(default_factory=dict)


class Shop: ...


@pytest.fixture
def telemetry() -> Iterator[Telemetry]:
    with Telemetry().installed() as installed:
        yield installed


async def first(sender: object, **kwargs: Any) -> str:
    span: Any = trace.get_current_span()
    return str(span.name)


async def second(sender: object, payload: Ping) -> int:
    return payload.x


async def failing(sender: object, **kwargs: Any) -> None:
    raise LookupError("no")


async def waiting(sender: object, **kwargs: Any) -> None:
    await asyncio.sleep(60)


WAYS = pytest.mark.parametrize("way", ["send", "send_robust"])
CONCURRENT = pytest.mark.parametrize("concurrent", [False, True], ids=["in turn", "concurrent"])


def made(*receivers: Receiver, concurrent: bool = False) -> Signal[Any, ...]:
    signal = Signal(Ping, name="shop.ping", concurrent=concurrent)
    for receiver in receivers:
        signal.connect(receiver)
    return signal


def parent_of(span: ReadableSpan) -> int | None:
    return span.parent.span_id if span.parent else None


def id_of(span: ReadableSpan) -> int:
    return span.get_span_context().span_id  # type: ignore[union-attr]


def told(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


def events(span: ReadableSpan) -> list[dict[str, Any]]:
    return [dict(event.attributes or {}) for event in span.events]


# --- the spans of a send -----------------------------------------------------


@WAYS
@CONCURRENT
async def test_a_send_is_a_span_and_each_receiver_is_one_in_it(
    telemetry: Telemetry, way: str, concurrent: bool
) -> None:
    assert await getattr(made(first, second, concurrent=concurrent), way)(Shop, x=3) == [
        (first, "first"),
        (second, 3),
    ]

    assert telemetry.names == ["first", "second", "send shop.ping"]
    *receivers, send = telemetry.spans
    assert (send.kind, send.parent) == (SpanKind.PRODUCER, None)
    assert send.status.status_code is StatusCode.UNSET
    assert told(send) == {
        "signal.name": "shop.ping",
        "signal.operation": "send",
        "signal.sender": f"{HERE}.Shop",
        "signal.receivers": 2,
        "signal.robust": way == "send_robust",
        "signal.concurrent": concurrent,
    }
    for span in receivers:
        assert span.kind is SpanKind.INTERNAL
        assert parent_of(span) == id_of(send)
        assert span.status.status_code is StatusCode.UNSET
        assert not span.events
    assert trace.get_current_span() is trace.INVALID_SPAN


async def test_a_receiver_is_named_with_its_place(telemetry: Telemetry) -> None:
    await made(first).send(Shop)

    assert told(telemetry.span("first")) == {
        "signal.name": "shop.ping",
        "signal.operation": "send",
        "code.function.name": f"{HERE}.first",
        "code.file.path": __file__,
        "code.line.number": inspect.getsourcelines(first)[1],
    }


async def test_receivers_of_every_kind_have_names(telemetry: Telemetry) -> None:
    class Till:
        async def close(self, sender: object, **kwargs: Any) -> None: ...

        async def __call__(self, sender: object, **kwargs: Any) -> None: ...

    till = Till()
    bound = functools.partial(first, x=1)
    await made(till.close, till, bound).send(Shop)

    test = "test_receivers_of_every_kind_have_names.<locals>.Till"
    assert telemetry.names[:-1] == [
        f"{test}.close",
        f"<{HERE}.{test} object>",
        f"partial({HERE}.first)",
    ]


async def test_a_mock_is_traced_though_it_has_no_place(telemetry: Telemetry) -> None:
    mock = AsyncMock()
    await made(mock).send(Shop)

    assert telemetry.names[0] == "<unittest.mock.AsyncMock object>"
    assert "code.file.path" not in told(telemetry.spans[0])


@pytest.mark.parametrize(
    ("sender", "shown"),
    [
        (None, None),
        ("till 4", "'till 4'"),
        ("a\udc80", "'a\\udc80'"),
        (Shop, f"{HERE}.Shop"),
        (Shop(), f"<{HERE}.Shop object>"),
    ],
)
async def test_the_sender_is_named(telemetry: Telemetry, sender: object, shown: str | None) -> None:
    await made().send(sender)

    [send] = telemetry.spans
    assert told(send).get("signal.sender") == shown
    assert told(send)["signal.receivers"] == 0


async def test_a_send_in_a_receiver_belongs_to_its_span_and_the_first_to_that_of_the_caller(
    telemetry: Telemetry,
) -> None:
    inner = Signal(Ping, name="shop.inner")
    inner.connect(second)

    async def sending(sender: object, **kwargs: Any) -> None:
        await inner.send(sender)

    with telemetry.tracer.start_as_current_span("request") as request:
        await made(sending).send(Shop)

    chain = [telemetry.span(name) for name in ("second", "inner", "sending", "ping", "request")]
    assert [parent_of(span) for span in chain] == [*map(id_of, chain[1:]), None]
    assert id_of(chain[-1]) == request.get_span_context().span_id


@WAYS
async def test_receivers_that_run_together_have_their_own_current_span(
    telemetry: Telemetry, way: str
) -> None:
    seen: dict[str, list[str]] = {}

    def receiver(name: str) -> Receiver:
        async def receive(sender: object, **kwargs: Any) -> None:
            for _ in range(3):
                span: Any = trace.get_current_span()
                seen.setdefault(name, []).append(span.name)
                await asyncio.sleep(0)
            with telemetry.tracer.start_as_current_span(f"work of {name}"):
                await asyncio.sleep(0)

        receive.__qualname__ = name
        return receive

    receivers = [receiver(name) for name in ("a", "b", "c")]
    await getattr(made(*receivers, concurrent=True), way)(Shop)

    assert seen == {name: [name] * 3 for name in ("a", "b", "c")}
    for name in ("a", "b", "c"):
        assert parent_of(telemetry.span(f"work of {name}")) == id_of(
            next(span for span in telemetry.spans if span.name == name)
        )


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
def test_sends_of_several_threads_have_nothing_to_do_with_one_another(
    telemetry: Telemetry, run: Any
) -> None:
    signal = made(first, second)

    async def main() -> None:
        for _ in range(10):
            await signal.send(Shop)

    def work(number: int) -> None:
        with telemetry.tracer.start_as_current_span(f"thread {number}"):
            run(main())

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))

    for number in range(4):
        thread = telemetry.span(f"thread {number}")
        inside = [
            span
            for span in telemetry.spans
            if span.get_span_context().trace_id == thread.get_span_context().trace_id  # type: ignore[union-attr]
        ]
        sends = [span for span in inside if span.name == "send shop.ping"]
        assert [parent_of(span) for span in sends] == [id_of(thread)] * 10
        assert len(inside) == 31


async def test_a_generator_that_sends_changes_nothing_for_who_iterates(
    telemetry: Telemetry,
) -> None:
    signal = made(first)

    async def numbers() -> AsyncIterator[int]:
        for number in range(3):
            await signal.send(Shop)
            yield number

    with telemetry.tracer.start_as_current_span("caller") as caller:
        async for _ in numbers():
            assert trace.get_current_span() is caller

    sends = [span for span in telemetry.spans if span.name == "send shop.ping"]
    assert [parent_of(span) for span in sends] == [id_of(telemetry.span("caller"))] * 3


# --- failures ----------------------------------------------------------------


@CONCURRENT
async def test_what_a_receiver_raises_is_an_event_of_its_span(
    telemetry: Telemetry, concurrent: bool
) -> None:
    with pytest.raises(LookupError):
        await made(failing, concurrent=concurrent).send(Shop)

    receiver, send = telemetry.spans
    for span in (receiver, send):
        assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, None)
        assert told(span)["error.type"] == "LookupError"
    [event] = events(receiver)
    assert event["exception.type"] == "LookupError"
    assert (
        f'test_opentelemetry.py", line {inspect.getsourcelines(failing)[1] + 1}, in failing'
        in (event["exception.stacktrace"])
    )
    assert not send.events
    assert told(send)["signal.failures"] == 1


@CONCURRENT
async def test_a_robust_send_counts_who_failed_and_has_not_failed_itself(
    telemetry: Telemetry, concurrent: bool
) -> None:
    other = functools.partial(failing, x=1)
    await made(failing, first, other, concurrent=concurrent).send_robust(Shop)

    send = telemetry.span("send shop.ping")
    assert send.status.status_code is StatusCode.UNSET
    assert told(send)["signal.failures"] == 2
    assert "error.type" not in told(send)
    statuses = [span.status.status_code for span in telemetry.spans[:-1]]
    assert statuses.count(StatusCode.ERROR) == 2


async def test_an_exception_of_no_receiver_is_an_event_of_the_send(telemetry: Telemetry) -> None:
    class Broken:
        def on_commit(self, call: CommitCall, using: str | None) -> bool:
            raise ConnectionError("gone")

        async def insert(self, table: str, row: Row, using: str | None) -> bool:
            return False

    signal = made()
    signal.connect(first, on_commit=True)
    add_backend(backend := Broken())
    try:
        with pytest.raises(ConnectionError):
            await signal.send(Shop)
    finally:
        remove_backend(backend)

    [send] = telemetry.spans
    assert [event["exception.type"] for event in events(send)] == ["ConnectionError"]
    assert send.status.status_code is StatusCode.ERROR
    assert "signal.failures" not in told(send)


@WAYS
async def test_a_payload_that_is_refused_is_a_span_that_has_failed(
    telemetry: Telemetry, way: str
) -> None:
    with telemetry.tracer.start_as_current_span("caller"), pytest.raises(ValueError, match="x"):
        await getattr(made(first), way)(Shop, x="many", names={"Ada": "a"}, y=1)

    send = telemetry.spans[0]
    assert (send.name, send.kind) == ("send shop.ping", SpanKind.PRODUCER)
    assert (send.status.status_code, send.status.description) == (StatusCode.ERROR, None)
    assert parent_of(send) == id_of(telemetry.span("caller"))
    assert told(send) == {
        "signal.name": "shop.ping",
        "signal.operation": "send",
        "signal.sender": f"{HERE}.Shop",
        "signal.refused": True,
        "signal.refused_fields": ("x: int_type", "names: int_type", "y: extra_forbidden"),
        "error.type": "pydantic_core._pydantic_core.ValidationError",
    }
    assert len(telemetry.spans) == 2


async def test_a_refusal_names_ten_fields_at_most_and_only_what_is_a_name(
    telemetry: Telemetry,
) -> None:
    with pytest.raises(ValueError, match="12 validation errors"):
        await made().send(Shop, **{"not a name": 1, **{f"y{n}": 1 for n in range(11)}})

    fields: Any = told(telemetry.spans[0])["signal.refused_fields"]
    assert len(fields) == 10
    assert fields[0] == "(payload): extra_forbidden"


async def test_what_a_validator_raises_is_a_refusal_without_fields(telemetry: Telemetry) -> None:
    class Guarded(Payload):
        x: int

        @field_validator("x")
        @classmethod
        def check(cls, value: int) -> int:
            raise ConnectionError(f"no place for {value}")

    with pytest.raises(ConnectionError):
        await Signal(Guarded, name="guarded").send(Shop, x=987654321987654321)

    [send] = telemetry.spans
    assert told(send)["error.type"] == "ConnectionError"
    assert "signal.refused_fields" not in told(send)
    assert "987654321987654321" not in telemetry.whole()


# --- what ends from outside --------------------------------------------------


@WAYS
@CONCURRENT
async def test_a_cancellation_is_no_failure(
    telemetry: Telemetry, way: str, concurrent: bool
) -> None:
    task = asyncio.ensure_future(getattr(made(waiting, concurrent=concurrent), way)(Shop))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert telemetry.names == ["waiting", "send shop.ping"]
    for span in telemetry.spans:
        assert span.status.status_code is StatusCode.UNSET
        assert told(span)["signal.cancelled"] is True
        assert not span.events
    assert telemetry.points("signal.failures") == []


async def test_who_is_cancelled_because_a_neighbour_failed_has_not_failed(
    telemetry: Telemetry,
) -> None:
    with pytest.raises(LookupError):
        await made(waiting, failing, concurrent=True).send(Shop)

    assert told(telemetry.span("waiting"))["signal.cancelled"] is True
    assert telemetry.span("waiting").status.status_code is StatusCode.UNSET
    assert telemetry.span("failing").status.status_code is StatusCode.ERROR
    assert told(telemetry.span("send shop.ping"))["signal.failures"] == 1


@CONCURRENT
async def test_a_receiver_that_cancels_itself_has_failed(
    telemetry: Telemetry, concurrent: bool
) -> None:
    async def giving_up(sender: object, **kwargs: Any) -> None:
        raise asyncio.CancelledError("secret")

    [(_, response)] = await made(giving_up, concurrent=concurrent).send_robust(Shop)

    assert isinstance(response, ReceiverCancelledError)
    span = telemetry.span("giving_up")
    assert span.status.status_code is StatusCode.ERROR
    assert told(span)["error.type"] == "asyncio.exceptions.CancelledError"
    assert told(telemetry.span("send shop.ping"))["signal.failures"] == 1


def test_what_ends_the_program_is_no_failure_and_no_loop_is_needed(telemetry: Telemetry) -> None:
    async def leaving(sender: object, **kwargs: Any) -> None:
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        made(leaving).send(Shop).send(None)

    assert [span.status.status_code for span in telemetry.spans] == [StatusCode.UNSET] * 2
    assert all(told(span)["signal.cancelled"] for span in telemetry.spans)


@pytest.mark.parametrize("elsewhere", [False, True])
def test_a_send_that_is_thrown_away_leaves_no_span_open_and_no_span_current(
    telemetry: Telemetry, caplog: pytest.LogCaptureFixture, elsewhere: bool
) -> None:
    class Pause:
        def __await__(self) -> Generator[None, None, None]:
            yield

    async def pausing(sender: object, **kwargs: Any) -> None:
        await Pause()

    sending = made(pausing).send(Shop)
    here = copy_context()
    here.run(sending.send, None)
    assert here.run(trace.get_current_span) is not trace.INVALID_SPAN
    (copy_context() if elsewhere else here).run(sending.close)

    assert telemetry.names[0].endswith("pausing")
    assert telemetry.names[1] == "send shop.ping"
    assert caplog.messages == []
    if not elsewhere:
        assert here.run(trace.get_current_span) is trace.INVALID_SPAN


# --- receivers that wait for a commit ----------------------------------------


class Waiting:
    """A backend whose transaction is always open."""

    def __init__(self) -> None:
        self.calls: list[CommitCall] = []

    def on_commit(self, call: CommitCall, using: str | None) -> bool:
        self.calls.append(call)
        return True

    async def insert(self, table: str, row: Row, using: str | None) -> bool:
        return False


@pytest.fixture
def transaction() -> Iterator[Waiting]:
    add_backend(backend := Waiting())
    yield backend
    remove_backend(backend)


async def test_a_deferred_receiver_is_a_child_of_its_send_though_that_has_ended(
    telemetry: Telemetry, transaction: Waiting, caplog: pytest.LogCaptureFixture
) -> None:
    signal = made(second)
    signal.connect(first, on_commit=True)
    signal.connect(failing, on_commit=True, priority=-1)
    await signal.send(Shop)
    assert telemetry.names == ["second", "send shop.ping"]

    with telemetry.tracer.start_as_current_span("COMMIT") as commit:
        for call in transaction.calls:
            await call()
            assert trace.get_current_span() is commit

    send = telemetry.span("send shop.ping")
    for name in ("first", "failing"):
        assert parent_of(telemetry.span(name)) == id_of(send)
        assert told(telemetry.span(name))["signal.deferred"] is True
    assert "signal.deferred" not in told(telemetry.span("second"))
    assert "signal.failures" not in told(send)
    assert [point.count for point in telemetry.points("signal.failures")] == [1]
    assert [record for record in caplog.records if "opentelemetry" in record.name] == []


async def test_a_receiver_that_need_not_wait_is_not_called_deferred(telemetry: Telemetry) -> None:
    signal = made()
    signal.connect(first, on_commit=True)
    await signal.send(Shop)

    assert "signal.deferred" not in told(telemetry.span("first"))


# --- what is suppressed, and what is sampled ---------------------------------


@pytest.mark.parametrize(
    "key",
    ["suppress_instrumentation", context._SUPPRESS_INSTRUMENTATION_KEY],
    ids=["of instrumentations", "of OpenTelemetry"],  # the second is another in each process
)
async def test_nothing_is_traced_or_measured_where_that_is_suppressed(
    telemetry: Telemetry, transaction: Waiting, key: str
) -> None:
    signal = made(second)
    signal.connect(first, on_commit=True)
    await signal.send(Shop)
    before = telemetry.names, telemetry.points("signal.sends")

    token = context.attach(context.set_value(key, True))
    try:
        assert await made(second).send(Shop, x=3) == [(second, 3)]
        with pytest.raises(ValueError, match="x"):
            await made().send(Shop, x="many")
        await transaction.calls[0]()
    finally:
        context.detach(token)

    assert (telemetry.names, telemetry.points("signal.sends")) == before
    assert telemetry.points("signal.failures") == []


async def test_what_is_not_sampled_is_measured_all_the_same() -> None:
    inside: list[trace.Span] = []

    async def looking(sender: object, **kwargs: Any) -> None:
        inside.append(trace.get_current_span())
        raise LookupError

    with Telemetry(ALWAYS_OFF).installed() as telemetry:
        await made(looking).send_robust(Shop)

    [span] = inside
    assert span.get_span_context().is_valid
    assert not span.get_span_context().trace_flags.sampled
    assert telemetry.spans == []
    assert [point.count for point in telemetry.points("signal.sends")] == [1]
    assert [point.count for point in telemetry.points("signal.failures")] == [1]


async def test_a_sampler_is_shown_the_names() -> None:
    shown: list[dict[str, Any]] = []

    class Noting(Sampler):
        def should_sample(self, *args: Any, **kwargs: Any) -> SamplingResult:
            _, _, name, _, attributes, *_ = args
            shown.append({"name": name, **(attributes or {})})
            return ALWAYS_ON.should_sample(*args, **kwargs)

        def get_description(self) -> str:
            return "Noting"

    with Telemetry(Noting()).installed():
        await made(first).send(Shop)

    assert [(each["name"], each["signal.name"]) for each in shown] == [
        ("send shop.ping", "shop.ping"),
        ("first", "shop.ping"),
    ]
    assert shown[0]["signal.sender"] == f"{HERE}.Shop"
    assert shown[1]["code.function.name"] == f"{HERE}.first"


class Raising(SpanProcessor):
    """Fails where it is told to."""

    def __init__(self, place: str) -> None:
        self._place = place

    def on_start(self, span: object, parent_context: object = None) -> None:
        if self._place == "on_start":
            raise OSError("full")

    def on_end(self, span: object) -> None:
        if self._place == "on_end":
            raise OSError("full")


@CONCURRENT
# Without a span of its own, a send has none of its receivers either.
@pytest.mark.parametrize(("place", "failures"), [("on_start", 1), ("on_end", 2)])
async def test_a_span_processor_that_fails_is_logged_and_changes_nothing(
    telemetry: Telemetry,
    concurrent: bool,
    place: str,
    failures: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    telemetry.tracer_provider.add_span_processor(Raising(place))
    before = context.get_current()

    assert await made(second, concurrent=concurrent).send(Shop, x=4) == [(second, 4)]

    assert context.get_current() == before
    assert trace.get_current_span() is trace.INVALID_SPAN
    assert [type(each.exc_info[1]) for each in caplog.records if each.exc_info] == [
        OSError
    ] * failures


# --- what is not told --------------------------------------------------------

SECRET = "hunter2"


class Quoting(Payload):
    word: str
    words: dict[str, int] = Field(default_factory=dict)


async def test_no_value_gets_into_spans_and_metrics(telemetry: Telemetry) -> None:
    signal: Signal[Any, ...] = Signal(Quoting, name="shop.quoting")
    one_more: Signal[Any, ...] = Signal(Quoting, name="shop.inner")

    @signal.connect
    async def quoting(sender: object, payload: Quoting) -> None:
        raise LookupError(f"no {payload.word}")

    @signal.connect
    async def reading(sender: object, word: str, **kwargs: Any) -> None:
        await one_more.send(Shop, word=7, words={word: "x"})

    @signal.connect
    async def wrapping(sender: object, word: str, **kwargs: Any) -> None:
        try:
            raise KeyError(word)
        except KeyError as error:
            error.add_note(word)
            raise ExceptionGroup(word, [ValueError(word)]) from error

    await signal.send_robust(Shop, word=SECRET)
    for fields in ({"word": 1, "words": {SECRET: SECRET}}, {f"a {SECRET}": 1}):
        with pytest.raises(ValueError, match=SECRET):
            await signal.send(Shop, **fields)

    assert len(telemetry.spans) == 4 + 1 + 2
    assert SECRET not in telemetry.whole()


async def test_the_causes_of_an_exception_are_told_and_those_in_a_group(
    telemetry: Telemetry,
) -> None:
    def raising(error: Exception, cause: Exception | None = None) -> Exception:
        try:
            raise error from cause
        except (OSError, TypeError, ExceptionGroup) as caught:
            return caught

    async def wrapping(sender: object, **kwargs: Any) -> None:
        group = ExceptionGroup("", [raising(OSError()), ValueError()])
        try:
            raise KeyError
        except KeyError:
            raise raising(group, raising(TypeError()))  # noqa: B904 - the cause is one already

    await made(wrapping).send_robust(Shop)

    [event] = events(telemetry.spans[0])
    told = [line for line in event["exception.stacktrace"].splitlines() if line[:1] != " "]
    assert told == ["TypeError", "ExceptionGroup", "OSError", "ValueError"]


async def test_causes_that_go_round_or_on_for_ever_come_to_an_end(telemetry: Telemetry) -> None:
    async def circling(sender: object, **kwargs: Any) -> None:
        one, other = KeyError(), ValueError()
        one.__cause__, other.__cause__ = other, one
        raise one

    async def chaining(sender: object, **kwargs: Any) -> None:
        error: Exception = OSError()
        for _ in range(5000):
            outer = ValueError()
            outer.__context__ = error
            error = outer
        raise error

    await made(circling, chaining).send_robust(Shop)

    stacks = [events(span)[0]["exception.stacktrace"].splitlines() for span in telemetry.spans[:2]]
    assert [line for line in stacks[0] if line[:1] != " "] == ["ValueError", "KeyError"]
    assert stacks[1].count("ValueError") == 20


async def test_a_suppressed_context_is_not_told(telemetry: Telemetry) -> None:
    async def hiding(sender: object, **kwargs: Any) -> None:
        try:
            raise KeyError
        except KeyError:
            raise ValueError from None

    await made(hiding).send_robust(Shop)
    assert "KeyError\n" not in events(telemetry.spans[0])[0]["exception.stacktrace"]


async def test_messages_are_recorded_where_they_are_wanted_but_not_those_of_refusals() -> None:
    async def quoting(sender: object, word: str, **kwargs: Any) -> None:
        raise LookupError(f"no {word}")

    signal: Signal[Any, ...] = Signal(Quoting, name="shop.quoting")
    signal.connect(quoting)
    with Telemetry().installed(record_messages=True) as telemetry:
        with pytest.raises(LookupError):
            await signal.send(Shop, word=SECRET)
        with pytest.raises(ValueError, match="987654321987654321"):
            await signal.send(Shop, word=987654321987654321)

    receiver, send, refused = telemetry.spans
    assert receiver.status.description == send.status.description == f"LookupError: no {SECRET}"
    [event] = events(receiver)
    assert event["exception.message"] == f"no {SECRET}"
    assert f"LookupError: no {SECRET}" in event["exception.stacktrace"]
    assert (refused.status.description, refused.events) == (None, ())
    assert "987654321987654321" not in telemetry.whole()


async def test_an_exception_that_cannot_be_written_is_recorded_without_its_message(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class MuteError(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no words")

    async def raising(sender: object, **kwargs: Any) -> None:
        raise MuteError

    logging.getLogger("fastdjango_signals").addFilter(
        quiet := lambda record: "Receiver" not in record.msg  # which logs the exception itself
    )
    try:
        with Telemetry().installed(record_messages=True) as telemetry:
            await made(raising).send_robust(Shop)
    finally:
        logging.getLogger("fastdjango_signals").removeFilter(quiet)

    assert [name.rpartition(".")[2] for name in telemetry.names] == ["raising", "ping"]
    assert trace.get_current_span() is trace.INVALID_SPAN
    receiver = telemetry.span("raising")
    assert receiver.status.status_code is trace.StatusCode.ERROR
    assert receiver.status.description is None
    assert [event.name for event in receiver.events] == ["exception"]
    assert caplog.records == []


@CONCURRENT
async def test_a_payload_is_freed_when_its_send_is_over(
    telemetry: Telemetry, concurrent: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What is logged keeps the traceback, which leads to the payload.
    monkeypatch.setattr(logging.getLogger("fastdjango_signals"), "disabled", True)
    payloads: list[weakref.ref[Ping]] = []
    left: list[asyncio.Task[None]] = []

    async def keeping(sender: object, payload: Ping) -> None:
        payloads.append(weakref.ref(payload))
        left.append(asyncio.create_task(asyncio.sleep(60)))  # with a copy of this context
        raise LookupError

    gc.disable()
    try:
        await made(keeping, concurrent=concurrent).send_robust(Shop, x=1)
        assert payloads[0]() is None
    finally:
        gc.enable()
        left[0].cancel()
