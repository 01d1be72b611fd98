"""One signal on the wire, and back."""

from __future__ import annotations

import datetime as dt
import json
import math
from decimal import Decimal
from enum import Enum
from typing import Any, ClassVar
from uuid import UUID

import pytest
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, JsonValue, field_validator

from fastdjango_signals import Payload, Signal
from fastdjango_signals.relay import DecodeError, EncodeError, Event
from fastdjango_signals.relay.wire import Wire

LIMIT = 100_000


class Colour(Enum):
    RED = "red"


class Line(Payload):
    sku: str
    price: Decimal = Field(alias="unitPrice")


class Ordered(Payload):
    order: UUID
    placed: dt.datetime
    lines: tuple[Line, ...]
    colours: frozenset[Colour] = frozenset()
    note: str | None = None
    extra: dict[str, JsonValue] | None = None
    ratio: float = 0.0


class Shop:
    class Branch:
        pass


def wire(model: type[BaseModel] = Ordered, service: str = "shop", limit: int = LIMIT) -> Wire:
    return Wire(Signal(model, name="shop.ordered"), service, limit)


def changed(body: bytes, **changes: Any) -> bytes:
    event = {**json.loads(body), **changes}
    return json.dumps({key: value for key, value in event.items() if value is not ...}).encode()


payloads = st.builds(
    Ordered,
    order=st.uuids(),
    placed=st.datetimes(timezones=st.just(dt.UTC)),
    lines=st.lists(
        st.builds(Line, sku=st.text(), unitPrice=st.decimals(allow_nan=False, allow_infinity=False))
    ).map(tuple),
    colours=st.frozensets(st.sampled_from(Colour)),
    note=st.none() | st.text(),
    extra=st.dictionaries(st.text(), st.none() | st.booleans() | st.integers() | st.text()),
    ratio=st.floats(allow_nan=False, allow_infinity=False),
)

ORDER = Ordered(
    order=UUID(int=1),
    placed=dt.datetime(2026, 11, 24, tzinfo=dt.UTC),
    lines=(Line.model_validate({"sku": "tea", "unitPrice": Decimal("2.50")}),),
)


@given(payloads)
def test_a_payload_comes_out_as_it_went_in(payload: Ordered) -> None:
    event_id, body = wire().encode(Shop, payload)
    event, sender, read = wire(service="warehouse").decode(body)
    assert (event.id, event.source, event.signal) == (event_id, "shop", "shop.ordered")
    assert sender is Shop
    assert read == payload


@given(payloads)
def test_the_cloudevents_package_reads_what_is_written(payload: Ordered) -> None:
    event_id, body = wire().encode("till 4", payload)
    read = JSONFormat().read(None, body)
    assert read.get_specversion() == "1.0"
    assert read.get_id() == event_id
    assert read.get_source() == "shop"
    assert read.get_type() == "shop.ordered"
    assert read.get_datacontenttype() == "application/json"
    assert (read.get_dataschema() or "").endswith(".Ordered/1")
    assert read.get_extension("sender") == "till 4"
    assert isinstance(read.get_time(), dt.datetime)
    assert read.get_data() == json.loads(payload.model_dump_json(by_alias=False))


@given(payloads)
def test_what_the_cloudevents_package_writes_is_read(payload: Ordered) -> None:
    foreign = CloudEvent(
        {"id": "17", "source": "/till/4", "type": "shop.ordered", "datacontenttype": "text/json"},
        payload.model_dump(mode="json", by_alias=False),
    )
    event, sender, read = wire().decode(JSONFormat().write(foreign))
    assert (event.id, event.source, event.version, sender) == ("17", "/till/4", "1", None)
    assert event.time is not None
    assert read == payload


def test_an_event_of_another_signal_is_refused() -> None:
    _, body = wire().encode(None, ORDER)
    with pytest.raises(DecodeError, match=r"of signal shop\.other, not shop\.ordered"):
        wire().decode(changed(body, type="shop.other"))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"id": ...}, "id: missing"),
        ({"id": ""}, "id: string_pattern_mismatch"),
        ({"id": "a\nb"}, "id: string_pattern_mismatch"),
        ({"id": "x" * 513}, "id: string_pattern_mismatch"),
        ({"source": 7}, "source: string_type"),
        ({"specversion": "0.3"}, "specversion: literal_error"),
        ({"time": "yesterday"}, "time: datetime_from_date_parsing"),
        ({"data": ...}, "data: missing"),
        ({"data": "text"}, "data: model_type"),
        ({"senderkind": "pickle"}, "senderkind: literal_error"),
    ],
)
def test_a_broken_event_is_refused_by_the_name_of_what_is_wrong(
    changes: dict[str, Any], said: str
) -> None:
    _, body = wire().encode(Shop, ORDER)
    with pytest.raises(DecodeError) as caught:
        wire().decode(changed(body, **changes))
    assert said in str(caught.value)


@pytest.mark.parametrize("body", [b"", b"\x00\xff", b"[]", b"null", b"{", b'{"a":' * 50_000])
def test_what_is_no_event_at_all_is_refused(body: bytes) -> None:
    with pytest.raises(DecodeError):
        wire(limit=1_000_000).decode(body)
    assert wire(limit=1_000_000).id_in(body) is None


def test_a_refusal_is_one_short_line_whatever_strangers_wrote() -> None:
    _, body = wire().encode(None, ORDER)
    hostile = changed(
        body,
        dataschema="signals:a%0A%1b[2J/1",
        data={**{f"k{each}": 1 for each in range(5000)}, "lines": [{"\n\x1b[31m": 1}] * 5000},
    )
    with pytest.raises(DecodeError) as caught:
        wire(limit=10**7).decode(hostile)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 3000
    assert "more; the event was made with" in str(caught.value)


def test_no_value_of_a_payload_is_in_the_refusal() -> None:
    _, body = wire().encode(None, ORDER)
    with pytest.raises(DecodeError) as caught:
        wire().decode(changed(body, data={"order": "hunter2", "note": 4711}))
    assert "hunter2" not in str(caught.value)
    assert "4711" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_what_is_too_large_is_neither_written_nor_read() -> None:
    _, body = wire().encode(None, ORDER)
    with pytest.raises(EncodeError, match=r"has \d+ bytes; send less, or give .* above 300"):
        wire(limit=300).encode(None, ORDER)
    with pytest.raises(DecodeError, match="and 300 are allowed"):
        wire(limit=300).decode(body)


class Measured(Payload):
    value: float
    tags: list[str] | None = None


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_number_that_json_does_not_have_is_refused_by_send(value: float) -> None:
    with pytest.raises(EncodeError, match=r"could not be read again \(value: float_type\)"):
        wire(Measured).encode(None, Measured(value=value))


def test_text_that_is_no_unicode_is_refused_by_send() -> None:
    with pytest.raises(EncodeError, match="cannot be written as JSON"):
        wire(Measured).encode(None, Measured(value=1.0, tags=["\ud800"]))


def test_a_value_changed_to_another_type_is_refused_by_send_without_showing_it() -> None:
    tags: list[Any] = []
    payload = Measured.model_construct(value=1.0, tags=tags)
    tags.append(4711)
    with pytest.raises(EncodeError) as caught:
        wire(Measured).encode(None, payload)
    assert "4711" not in str(caught.value)
    assert caught.value.__cause__ is None


class Loose(Payload):
    value: float | None = None
    doubled: int = 0
    names: frozenset[str] = frozenset()

    @field_validator("doubled")
    @classmethod
    def _double(cls, value: int) -> int:
        return value * 2


@pytest.mark.parametrize(
    "fields", [{"value": math.nan}, {"value": math.inf}, {"doubled": 1}], ids=str
)
def test_what_is_read_as_something_else_is_refused_by_send(fields: dict[str, Any]) -> None:
    with pytest.raises(EncodeError, match="its JSON is read as something else than it was"):
        wire(Loose).encode(None, Loose(**fields))


def test_what_is_equal_or_has_the_same_json_crosses() -> None:
    names = frozenset(f"name {each}" for each in range(50))
    _, body = wire(Loose).encode(None, Loose(names=names))
    assert wire(Loose).decode(body)[2] == Loose(names=names)


def test_what_is_as_deep_as_can_be_read_is_refused_by_send_when_it_is_deeper() -> None:
    def nested(depth: int) -> JsonValue:
        value: JsonValue = 0
        for _ in range(depth):
            value = [value]
        return value

    class Deep(Payload):
        value: JsonValue

    wire(Deep).encode(None, Deep(value=nested(190)))
    with pytest.raises(EncodeError):
        wire(Deep).encode(None, Deep(value=nested(199)))


class Fussy(Payload):
    text: str

    @field_validator("text")
    @classmethod
    def _fail_in_a_way_of_its_own(cls, value: str) -> str:
        if value == "bad":
            raise LookupError(value)
        return value


def test_a_validator_that_raises_what_it_likes_makes_a_refusal_too() -> None:
    _, body = wire(Fussy).encode(None, Fussy(text="good"))
    with pytest.raises(DecodeError, match=r"a validator of .*Fussy raised builtins\.LookupError"):
        wire(Fussy).decode(changed(body, data={"text": "bad"}))


# --- versions ----------------------------------------------------------------


class First(Payload):
    order_id: int


class Second(Payload):
    payload_version: ClassVar[int] = 2
    order_id: int
    gift: bool = False
    inner: tuple[First, ...] = ()


class Third(Payload):
    payload_version: ClassVar[int] = 3
    order_id: int
    currency: str


def test_a_newer_service_fills_in_the_default_of_an_added_field() -> None:
    _, body = wire(First).encode(None, First(order_id=1))
    event, _, read = wire(Second).decode(body)
    assert read == Second(order_id=1)
    assert event.version == "1"


def test_an_older_service_leaves_out_a_field_that_it_does_not_know() -> None:
    _, body = wire(Second).encode(None, Second(order_id=1, gift=True))
    event, _, read = wire(First).decode(body)
    assert read == First(order_id=1)
    assert event.version == "2"


def test_fields_of_models_in_the_payload_may_be_added_too() -> None:
    _, body = wire(Second).encode(None, Second(order_id=1))
    inner = {"order_id": 1, "inner": [{"order_id": 2, "added": "later"}]}
    _, _, read = wire(Second).decode(changed(body, data=inner))
    assert read == Second(order_id=1, inner=(First(order_id=2),))


def test_a_required_field_that_was_added_is_refused_with_both_versions() -> None:
    _, body = wire(First).encode(None, First(order_id=1))
    with pytest.raises(DecodeError) as caught:
        wire(Third).decode(body)
    assert str(caught.value) == (
        f"data.currency: missing; the event was made with {__name__}.First/1, "
        f"this service has {__name__}.Third/3"
    )


def test_an_event_without_a_schema_is_of_version_1() -> None:
    _, body = wire(First).encode(None, First(order_id=1))
    event, _, _ = wire(First).decode(changed(body, dataschema=...))
    assert event.version == "1"


# --- what the wire may not do ------------------------------------------------


def test_a_field_that_the_model_does_not_have_is_never_set() -> None:
    _, body = wire(First).encode(None, First(order_id=1))
    _, _, read = wire(First).decode(
        changed(body, data={"order_id": 1, "__class__": "x", "model_config": {}, "admin": True})
    )
    assert read == First(order_id=1)
    assert type(read) is First
    assert vars(read) == {"order_id": 1}
    assert not read.__pydantic_extra__


def test_the_event_tells_what_it_was_told() -> None:
    _, body = wire(First).encode(Shop.Branch, First(order_id=1))
    stamped = changed(body, time="2026-01-01T00:00:00Z")
    event, sender, _ = wire(First).decode(stamped, tries=3)
    assert sender is Shop.Branch
    assert event == Event(
        id=json.loads(body)["id"],
        signal="shop.ordered",
        source="shop",
        sender=f"{__name__}.Shop.Branch",
        time=dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
        version="1",
        tries=3,
    )
