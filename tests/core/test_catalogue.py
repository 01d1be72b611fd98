"""What the catalogue tells, and that it tells no values."""

from __future__ import annotations

import collections.abc
import enum
import json
from dataclasses import asdict
from typing import Annotated, Any, ForwardRef, Literal, Optional, TypeVar, Union

import pytest
from pydantic import Field, PydanticInvalidForJsonSchema

from fastdjango_signals import Payload, Signal, SignalDefinitionError, post_save
from fastdjango_signals.catalogue import (
    FieldEntry,
    ReceiverEntry,
    SignalEntry,
    catalogue,
    entry_of,
    json_schema,
    type_text,
)

T = TypeVar("T")


class Color(enum.Enum):
    RED = "hunter2"


class Shop: ...


class Note(Payload):
    text: str


class Placed(Payload):
    number: int
    shop: Shop | None = None
    token: str = "hunter2"
    note: Note | None = Field(default=None, alias="remark")


async def pack(sender: object, **kwargs: Any) -> None: ...


async def mail(sender: object, payload: Placed) -> None: ...


@pytest.fixture
def placed() -> Signal[Any, ...]:
    return Signal(Placed, name="shop.placed")


def test_an_entry_tells_what_a_signal_carries(placed: Signal[Any, ...]) -> None:
    assert entry_of(placed) == SignalEntry(
        name="shop.placed",
        payload=f"{__name__}.Placed",
        fields=(
            FieldEntry("number", "int", required=True),
            FieldEntry("shop", f"{__name__}.Shop | None", required=False),
            FieldEntry("token", "str", required=False),
            FieldEntry("note", f"{__name__}.Note | None", required=False),
        ),
        is_open=False,
        concurrent=False,
        receivers=(),
    )


def test_a_signal_without_fields_is_open() -> None:
    assert entry_of(Signal(concurrent=True)).is_open
    assert entry_of(Signal(concurrent=True)).concurrent


def test_receivers_stand_in_call_order_with_their_options(placed: Signal[Any, ...]) -> None:
    placed.connect(pack, sender=Shop, subclasses=True, weak=False)
    placed.connect(mail, priority=1, dispatch_uid="hunter2", on_commit=True)

    first, second = entry_of(placed).receivers

    assert first == ReceiverEntry(
        name=f"{__name__}.mail",
        location=f"{__file__}:{mail.__code__.co_firstlineno}",
        order=1,
        sender=None,
        weak=True,
        priority=1,
        dispatch_uid="str",
        on_commit=True,
        subclasses=False,
        takes_payload=True,
    )
    assert (second.name, second.order, second.sender) == (
        f"{__name__}.pack",
        2,
        f"{__name__}.Shop",
    )
    assert (second.weak, second.subclasses, second.dispatch_uid) == (False, True, None)


def test_a_string_is_the_only_sender_that_is_shown(placed: Signal[Any, ...]) -> None:
    placed.connect(pack, sender="orders")
    placed.connect(pack, sender=4711)

    senders = [each.sender for each in entry_of(placed).receivers]

    assert senders == ["'orders'", "<builtins.int object>"]


def test_a_catalogue_holds_all_signals_by_name(placed: Signal[Any, ...]) -> None:
    names = [each.name for each in catalogue().signals]

    assert "shop.placed" in names
    assert names == sorted(names)


def test_a_catalogue_of_some_signals_holds_no_others(placed: Signal[Any, ...]) -> None:
    assert catalogue([placed]).signals == (entry_of(placed),)


def test_a_catalogue_is_json_once_it_is_a_dict(placed: Signal[Any, ...]) -> None:
    placed.connect(pack)

    assert json.loads(json.dumps(asdict(catalogue([placed]))))["signals"][0]["name"] == (
        "shop.placed"
    )


def test_no_value_is_told(placed: Signal[Any, ...]) -> None:
    placed.connect(pack, dispatch_uid="hunter2", sender=b"hunter2")

    assert "hunter2" not in repr(catalogue([placed])) + json.dumps(json_schema(placed))


def test_only_the_signals_of_this_library_are_built_in(placed: Signal[Any, ...]) -> None:
    assert entry_of(post_save).is_builtin
    assert not entry_of(placed).is_builtin


@pytest.mark.parametrize(
    ("annotation", "text"),
    [
        (int, "int"),
        (int | None, "int | None"),
        (Optional[str], "str | None"),  # noqa: UP045 - as people wrote it
        (Union[int, "Later"], "int | Later"),  # noqa: F821
        (list[Annotated[int, "hunter2"]], "list[int]"),
        (dict[str, list[int]], "dict[str, list[int]]"),
        (tuple[int, ...], "tuple[int, ...]"),
        (collections.abc.Callable[[int, str], None], "collections.abc.Callable[[int, str], None]"),
        (Literal["a", 1, Color.RED], "Literal['a', 1, Color.RED]"),
        (type[Color], f"type[{__name__}.Color]"),
        (Any, "Any"),
        (None, "None"),
        (T, "T"),
        ("Later", "Later"),
        (ForwardRef("Later"), "Later"),
    ],
)
def test_a_type_is_written_as_people_write_it(annotation: object, text: str) -> None:
    assert type_text(annotation) == text


def test_a_schema_has_the_names_that_a_send_uses(placed: Signal[Any, ...]) -> None:
    assert list(json_schema(placed)["properties"]) == ["number", "shop", "token", "note"]


def test_a_payload_that_is_not_complete_has_no_schema() -> None:
    class Unfinished(Payload):
        other: Later  # type: ignore[name-defined]  # noqa: F821

    signal: Signal[Any, ...] = Signal(Unfinished, name="shop.unfinished")

    with pytest.raises(SignalDefinitionError) as caught:
        json_schema(signal)
    assert caught.value.signal == "shop.unfinished"
    assert str(caught.value).endswith("define that, and call Unfinished.model_rebuild()")
    assert entry_of(signal).fields == (FieldEntry("other", "Later", required=True),)


def test_a_payload_whose_type_refuses_has_no_schema() -> None:
    class Refusing:
        @classmethod
        def __get_pydantic_json_schema__(cls, *_: object) -> dict[str, object]:
            raise PydanticInvalidForJsonSchema("not this one")

    class Odd(Payload):
        refusing: Refusing

    with pytest.raises(SignalDefinitionError, match=r"has no JSON Schema \(not this one\); give"):
        json_schema(Signal(Odd, name="shop.odd"))
