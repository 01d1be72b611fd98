"""What is written down of a send, and what is not."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from pydantic import Field, PydanticInvalidForJsonSchema, SecretStr

from fastdjango_signals import Payload, Signal
from fastdjango_signals.inspector import failures, records, texts, values
from fastdjango_signals.inspector.feeds import Feed
from fastdjango_signals.inspector.recorder import Recorder
from fastdjango_signals.observations import Observation, Send
from fastdjango_signals.observers import add_observer, remove_observer
from fastdjango_signals.transactions import (
    Transaction,
    TransactionStack,
    add_backend,
    remove_backend,
)

SECRET = "4111-1111"


class Shop: ...


class Line(Payload):
    sku: str
    prices: dict[str, int]


class Ordered(Payload):
    order_id: int
    card: str = SECRET
    token: SecretStr = SecretStr(SECRET)
    pin: str = Field(default=SECRET, repr=False)
    lines: tuple[Line, ...] = ()


@contextmanager
def recorded(*, show_values: bool = False) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    feed = Feed(50)
    recorder = Recorder(feed, show_values=show_values)
    add_observer(recorder)
    try:
        yield feed.latest
    finally:
        remove_observer(recorder)


def made(*receivers: Any, **options: Any) -> Signal[Any, ...]:
    signal = Signal(Ordered, name="shop.ordered", **options)
    for receiver in receivers:
        signal.connect(receiver)
    return signal


async def pack(sender: object, **kwargs: Any) -> None:
    await asyncio.sleep(0.01)


async def bill(sender: object, payload: Ordered) -> None:
    local = SECRET  # noqa: F841 - it must not be shown
    await asyncio.sleep(0.01)
    try:
        int(payload.card)
    except ValueError as error:
        raise LookupError(f"no account for {payload.card}") from error


# --- a send ------------------------------------------------------------------


async def test_a_send_is_told_with_each_receiver_and_how_long_it_took() -> None:
    with recorded() as latest:
        await made(pack).send(Shop, order_id=1)

    (send,) = latest()
    assert send["signal"] == "shop.ordered"
    assert send["sender"].endswith("Shop")
    assert (send["state"], send["receivers"], send["called"], send["failed"]) == ("done", 1, 1, 0)
    assert (send["robust"], send["concurrent"], send["from_broker"]) == (False, False, False)
    (call,) = send["calls"]
    assert call["name"].endswith("pack")
    assert call["location"].startswith("tests/inspector/test_recording.py:")
    assert 9 < call["duration"] <= send["duration"]
    assert call["after_send"] is False


async def test_receivers_that_run_together_begin_together() -> None:
    async def label(sender: object, **kwargs: Any) -> None:
        await asyncio.sleep(0.01)

    with recorded() as latest:
        await made(pack, label, concurrent=True).send_robust("till", order_id=1)
        await made(pack, label).send("till", order_id=1)

    together, in_turn = latest()
    assert together["concurrent"]
    first, second = together["calls"]
    assert second["start"] < first["start"] + first["duration"]
    first, second = in_turn["calls"]
    assert second["start"] >= first["start"] + first["duration"]


async def test_a_send_that_reaches_nobody_is_told() -> None:
    with recorded() as latest:
        await made().send(None, order_id=1)

    (send,) = latest()
    assert (send["state"], send["receivers"], send["calls"]) == ("done", 0, [])


async def test_a_send_is_told_while_it_lasts() -> None:
    states = []

    with recorded() as latest:

        async def look(sender: object, **kwargs: Any) -> None:
            states.extend([latest()[0]["state"], latest()[0]["calls"][0]["state"]])

        await made(look).send(None, order_id=1)

    assert states == ["running", "running"]


async def test_what_came_from_a_broker_is_told() -> None:
    send = Send(
        signal="shop.ordered",
        sender=None,
        payload=Ordered(order_id=1),
        receivers=0,
        robust=True,
        concurrent=False,
        carrier={},
    )
    with recorded() as latest, Observation(send):
        pass

    assert latest()[0]["from_broker"] is True


async def test_a_receiver_that_waits_for_a_commit_is_told_when_it_comes() -> None:
    stack: TransactionStack = TransactionStack("test")
    add_backend(stack)
    try:
        with recorded() as latest:
            signal = made()
            signal.connect(pack, on_commit=True)
            transaction = Transaction(None)
            stack.push(transaction)
            await signal.send(None, order_id=1)
            (before,) = latest()
            transaction.commit()
            await transaction.close()
            (after,) = latest()
            await signal.send(None, order_id=1)
    finally:
        remove_backend(stack)

    assert (before["receivers"], before["called"], before["state"]) == (1, 0, "done")
    assert (after["receivers"], after["called"], after["duration"]) == (1, 1, before["duration"])
    assert after["calls"][0]["after_send"]
    assert after["calls"][0]["start"] > after["duration"]
    assert not latest()[1]["calls"][0]["after_send"]  # without a transaction it came at once


async def test_a_cancellation_is_no_failure() -> None:
    async def sleeping(sender: object, **kwargs: Any) -> None:
        await asyncio.sleep(60)

    with recorded() as latest:
        task = asyncio.create_task(made(sleeping).send(None, order_id=1))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    (send,) = latest()
    assert (send["state"], send["failed"], send["failures"]) == ("cancelled", 0, ())
    assert send["calls"][0]["state"] == "cancelled"


# --- failures ----------------------------------------------------------------


@pytest.mark.parametrize("robust", [True, False])
async def test_a_failure_is_told_with_its_frames_once(robust: bool) -> None:
    signal = made(bill)
    with recorded() as latest:
        if robust:
            await signal.send_robust(Shop, order_id=1)
        else:
            with pytest.raises(LookupError):
                await signal.send(Shop, order_id=1)

    (send,) = latest()
    assert send["state"] == ("done" if robust else "failed")
    assert (send["failed"], send["failures"]) == (1, ())
    (call,) = send["calls"]
    assert call["state"] == "failed"
    error, cause = call["failures"]
    assert (error["type"], error["link"], error["message"]) == ("LookupError", "", None)
    assert (cause["type"], cause["link"], cause["message"]) == ("ValueError", "cause", None)
    (frame,) = error["frames"]
    assert frame["file"] == "tests/inspector/test_recording.py"
    assert frame["function"] == "bill"
    assert frame["source"].startswith("raise LookupError(")


async def test_what_a_send_raises_and_no_receiver_did_is_told() -> None:
    class Broken:
        def on_commit(self, call: object, using: str | None) -> bool:
            raise OSError("no database")

    broken: Any = Broken()
    signal = made()
    signal.connect(pack, on_commit=True)
    add_backend(broken)
    try:
        with recorded() as latest, pytest.raises(OSError, match="no database"):
            await signal.send(None, order_id=1)
    finally:
        remove_backend(broken)

    (send,) = latest()
    assert (send["state"], send["calls"]) == ("failed", [])
    assert [each["type"] for each in send["failures"]] == ["OSError"]


async def test_groups_chains_and_cycles_of_exceptions_have_an_end() -> None:
    cycle = LookupError()
    cycle.__context__ = ValueError()
    cycle.__context__.__context__ = cycle
    group = ExceptionGroup("several", [cycle, OSError(), *[ValueError()] * 50])

    told = failures.failures_of(group, show_values=False)

    assert [(each.type, each.link) for each in told][:3] == [
        ("ExceptionGroup", ""),
        ("LookupError", "member"),
        ("OSError", "member"),
    ]
    assert len(told) == 5


async def test_of_a_deep_traceback_the_last_frames_are_told() -> None:
    def deep(steps: int) -> None:
        if not steps:
            raise LookupError
        deep(steps - 1)

    with pytest.raises(LookupError) as raised:
        deep(60)
    (told,) = failures.failures_of(raised.value, show_values=False)
    assert len(told.frames) == failures.FRAMES
    assert told.frames_left_out == 62 - failures.FRAMES
    assert told.frames[-1].source == "raise LookupError"


async def test_many_receivers_are_counted_and_the_first_are_kept() -> None:
    signal = made()
    for number in range(records.CALLS + 50):

        async def listen(sender: object, number: int = number, **kwargs: Any) -> None:
            if number >= 80:
                raise LookupError

        signal.connect(listen, weak=False)

    with recorded() as latest:
        logging.getLogger("fastdjango_signals").disabled = True
        try:
            await signal.send_robust(None, order_id=1)
        finally:
            logging.getLogger("fastdjango_signals").disabled = False

    (send,) = latest()
    assert (send["receivers"], send["called"], send["failed"]) == (150, 150, 70)
    assert len(send["calls"]) == records.CALLS
    assert sum(bool(call["failures"]) for call in send["calls"]) == records.FAILED_CALLS


async def test_a_late_failure_is_kept_though_there_are_many_receivers() -> None:
    record = records.Record(id=1, signal="a", sender="b", time=0)
    calls = [records.Call(name=str(number), location=None, start=0) for number in range(102)]
    for call in calls:
        record.begin(call)
    record.fail(calls[101], ())

    assert len(record.calls) == records.CALLS + 1
    assert record.calls[-1] is calls[101]


# --- refused -----------------------------------------------------------------


BAD = {"order_id": "one", "colour": "red", "lines": ({"sku": 3, "prices": {SECRET: "x"}},)}


async def test_a_refused_send_is_told_with_types_and_places_but_no_key_of_a_mapping() -> None:
    with recorded() as latest, pytest.raises(ValueError, match="validation errors"):
        await made(pack).send(Shop, **BAD)

    (send,) = latest()
    assert (send["state"], send["duration"], send["calls"]) == ("refused", None, [])
    told = [(each["type"], each["location"], each["message"]) for each in send["problems"]]
    assert told == [
        ("int_type", ("order_id",), None),
        ("string_type", ("lines", "\u2026", "sku"), None),
        ("int_type", ("lines", "\u2026", "prices", "\u2026"), None),
        ("extra_forbidden", ("colour",), None),
    ]


async def test_where_a_payload_has_no_schema_only_the_keyword_is_told() -> None:
    class Refusing:
        @classmethod
        def __get_pydantic_json_schema__(cls, *_: object) -> dict[str, object]:
            raise PydanticInvalidForJsonSchema("not this one")

    class Odd(Payload):
        refusing: Refusing | None = None
        line: Line

    with recorded() as latest, pytest.raises(ValueError, match="validation errors"):
        await Signal(Odd, name="odd").send(None, line={"sku": 3})  # type: ignore[arg-type]

    assert latest()[0]["problems"][0]["location"] == ("line", "\u2026")


async def test_where_values_are_wanted_a_refused_send_is_told_with_messages() -> None:
    with recorded(show_values=True) as latest, pytest.raises(ValueError, match="errors"):
        await made(pack).send(Shop, **BAD)

    problem = latest()[0]["problems"][2]
    assert problem["location"] == ("lines", "0", "prices", SECRET)
    assert problem["message"] == "Input should be a valid integer"


async def test_a_payload_refused_by_something_else_is_told_with_its_failure() -> None:
    class Checked(Payload):
        def model_post_init(self, context: object, /) -> None:
            raise LookupError(SECRET)

    with recorded() as latest, pytest.raises(LookupError):
        await Signal(Checked, name="checked").send(None)

    (send,) = latest()
    assert (send["state"], send["problems"]) == ("refused", ())
    assert send["failures"][0]["type"] == "LookupError"


# --- values ------------------------------------------------------------------


async def test_no_value_is_told_unless_that_is_wanted() -> None:
    with recorded() as latest:
        await made(bill).send_robust(None, order_id=1, lines=())
        with pytest.raises(ValueError, match="validation error"):
            await made().send(None, order_id=SECRET)

    assert SECRET not in json.dumps(latest())
    assert latest()[0]["fields"] == (
        {"name": "order_id", "type": "int", "value": None},
        {"name": "card", "type": "str", "value": None},
        {"name": "token", "type": "pydantic.types.SecretStr", "value": None},
        {"name": "pin", "type": "str", "value": None},
        {"name": "lines", "type": "tuple", "value": None},
    )


async def test_where_values_are_wanted_secrets_stay_masked() -> None:
    with recorded(show_values=True) as latest:
        await made(bill).send_robust(None, order_id=1)

    (send,) = latest()
    shown = {each["name"]: each["value"] for each in send["fields"]}
    assert shown == {
        "order_id": "1",
        "card": repr(SECRET),
        "token": "SecretStr('**********')",
        "pin": None,
        "lines": "()",
    }
    message = send["calls"][0]["failures"][0]["message"]
    assert message.startswith(f"no account for {SECRET}")


async def test_an_open_signal_is_told_with_what_it_carries() -> None:
    with recorded() as latest:
        await Signal(name="open").send(None, **{f"field_{n}": n for n in range(60)})

    (send,) = latest()
    assert len(send["fields"]) == values.FIELDS
    assert send["fields_left_out"] == 10


class Rude:
    def __init__(self, answer: object) -> None:
        self.answer = answer

    def __repr__(self) -> Any:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    __str__ = __repr__


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (Rude(LookupError(SECRET)), "<its repr() raises builtins.LookupError>"),
        (Rude(3), "<its repr() raises builtins.TypeError>"),
        ([Rude(LookupError())], "<its repr() raises builtins.LookupError>"),
        (list(range(30)), f"[{', '.join(map(str, range(20)))}, ...]"),
        ({"b": SecretStr("x")}, "{'b': SecretStr('**********')}"),
        (10**20, "100000000000000000000"),
    ],
)
def test_any_value_can_be_shown(value: object, shown: str) -> None:
    assert texts.value_text(value) == shown


def test_large_values_are_cut() -> None:
    for value in ("x" * 10**7, [["y" * 10**6] * 10**6] * 10, Rude("z" * 10**6), 10**5000):
        assert len(texts.value_text(value)) <= texts.VALUE


def test_a_receiver_that_is_no_python_code_has_no_place() -> None:
    assert texts.place_text(None) is None
    assert texts.place_text("x" * 1000 + ":7") == "\u2026" + "x" * (texts.NAME - 3) + ":7"


def test_the_message_of_an_exception_that_has_none_survives() -> None:
    class WrongError(Exception):
        def __str__(self) -> str:
            raise LookupError

    (told,) = failures.failures_of(WrongError(), show_values=True)
    assert told.message == "<its str() raises builtins.LookupError>"


async def test_everything_that_is_kept_of_a_send_has_a_bounded_size() -> None:
    long = "n" * 10**6
    signal = Signal(name=long)

    async def failing(sender: object, **kwargs: Any) -> None:
        raise LookupError(long)

    failing.__qualname__ = long
    signal.connect(failing)
    with recorded(show_values=True) as latest:
        await signal.send_robust(long, **{f"{n}{long}": long for n in range(100)})

    assert len(json.dumps(latest())) < 100_000


@pytest.mark.parametrize("show_values", [True, False])
async def test_nothing_of_a_send_is_held_when_it_is_over(
    show_values: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What is logged keeps the traceback, which leads to the payload.
    monkeypatch.setattr(logging.getLogger("fastdjango_signals"), "disabled", True)
    held: list[weakref.ref[object]] = []

    class OwnError(Exception):
        pass

    async def failing(sender: object, payload: Ordered) -> None:
        held.append(weakref.ref(payload))
        error = OwnError()
        held.append(weakref.ref(error))
        try:
            raise error
        finally:
            del error

    signal = made(failing)
    gc.disable()
    try:
        with recorded(show_values=show_values) as latest:
            await signal.send_robust(None, order_id=1)
            assert [each() for each in held] == [None, None]
            assert latest()[0]["failed"] == 1
    finally:
        gc.enable()
