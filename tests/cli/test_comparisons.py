"""Which changes between two schemas of a payload break: of models within models, and in general."""

from __future__ import annotations

import collections.abc
import dataclasses
import enum
import json
import time
from typing import Annotated, Any, Literal, NamedTuple, NotRequired, Union

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model
from typing_extensions import TypedDict

from fastdjango_signals import Payload, Signal
from fastdjango_signals.catalogue import json_schema
from fastdjango_signals.cli.comparisons import Schema, changes

# Of what mypy does not take for a type.
LIST: Any = list
TUPLE: Any = tuple
DICT: Any = dict
UNION: Any = Union


def schema(model: type[BaseModel]) -> Schema:
    """Return the schema of a payload, as a file would give it back."""
    found: Schema = json.loads(json.dumps(json_schema(Signal(model))))
    return found


def payload(name: str = "Placed", /, **fields: Any) -> type[BaseModel]:
    """Return a payload with these fields; a type alone is that of a required field."""
    written = {
        key: each if isinstance(each, tuple) else (each, ...) for key, each in fields.items()
    }
    make: Any = create_model
    made: type[BaseModel] = make(name, __base__=Payload, **written)
    return made


def told(before: type[BaseModel], now: type[BaseModel]) -> list[tuple[str, str]]:
    """Return what breaks, as (code, text) pairs, without what the types were."""
    found = changes(schema(before), schema(now))
    return [(code, text.partition(":")[0]) for code, text, _ in found]


class Cat(Payload):
    kind: Literal["cat"]


class Dog(Payload):
    kind: Literal["dog"]


class Kitten(Payload):
    kind: Literal["cat"]


class Wolf(Payload):
    kind: Literal["wolf"]


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Tint(enum.Enum):
    BLUE = "blue"
    RED = "red"


class Shade(enum.Enum):
    RED = "red"


class Shop: ...


class Point(NamedTuple):
    x: int


class Spot(NamedTuple):
    a: int


@dataclasses.dataclass
class CatData:
    kind: Literal["cat"]


class Open(BaseModel):
    model_config = ConfigDict(extra="allow")


class Closed(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Narrow(BaseModel):
    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, int]  # type: ignore[mutable-override]


def node(**fields: Any) -> type[BaseModel]:
    """Return a payload that holds itself."""

    made = payload("Node", **fields, children=(LIST["Node"], []))
    made.model_rebuild(_types_namespace={"Node": made})
    return made


def test_a_payload_that_holds_itself_is_compared_too() -> None:
    was, now = node(value=int, name=str), node(value=str)

    assert told(was, now) == [
        ("S202", "field 'name' is removed"),
        ("S204", "field 'value' has another type"),
    ]
    assert told(was, was) == []


def test_a_payload_that_comes_to_hold_itself_is_compared_with_what_it_was() -> None:
    assert told(payload(value=int), node(value=int)) == []
    assert told(payload(value=int), node(value=str)) == [("S204", "field 'value' has another type")]
    assert told(node(value=int), payload(value=int)) == [("S202", "field 'children' is removed")]


def test_a_change_in_a_model_is_told_once_where_it_is_nearest() -> None:
    was, now = (payload("Line", sku=each) for each in (int, str))

    assert told(
        payload(deep=LIST[payload("Order", line=was)], a=was, b=was),
        payload(deep=LIST[payload("Order", line=now)], a=now, b=now),
    ) == [("S204", "field 'a.sku' has another type")]


def linked(count: int, leaf: str = "integer") -> Schema:
    """Return the schema of models that all refer to each other."""
    names = [f"Model{number}" for number in range(count)]
    members = {
        name: {
            "type": "object",
            "properties": {each: {"$ref": f"#/$defs/{each}"} for each in names},
        }
        for name in names
    }
    members["Model0"]["properties"]["leaf"] = {"type": leaf}  # type: ignore[index]
    return {"$defs": members, "$ref": "#/$defs/Model0"}


def test_models_that_all_refer_to_each_other_take_no_time() -> None:
    before = time.perf_counter()

    assert list(changes(linked(60), linked(60))) == []
    assert len(list(changes(linked(60), linked(60, "string")))) == 1
    assert time.perf_counter() - before < 5


def test_a_tree_of_models_takes_no_time() -> None:
    tree = payload("Leaf", value=int)
    for level in range(60):
        tree = payload(f"Level{level}", left=tree, right=tree)
    before = time.perf_counter()

    assert list(changes(schema(tree), schema(tree))) == []
    assert time.perf_counter() - before < 5


@pytest.mark.parametrize(
    ("before", "now"),
    [
        (tuple[int, ...], list[int]),
        (frozenset[int], set[int]),
        (dict[int, int], dict[str, int]),
        (dict[str, int], dict[Any, int]),
        (dict[tuple[int, int], int], dict[tuple[int, str], int]),
        (type[Shop], type[Cat]),
        (collections.abc.Callable[[], None], Any),
        (collections.abc.Sequence[int], list[int]),
        (Point, Spot),
        (Literal["red", "blue"], Color),
        (Color, Shade),
        (Cat, CatData),
        (Cat, Wolf),
        (Cat | Dog, Cat | Wolf),
        (Cat | Dog, Cat),
        (Literal[1, "a"], Literal[True, "a"]),
        (list[Any], list[int]),
        (dict[str, Any], dict[str, int]),
    ],
)
def test_another_type_breaks(before: Any, now: Any) -> None:
    assert {code for code, _ in told(payload(a=before), payload(a=now))} == {"S204"}


@pytest.mark.parametrize(
    ("before", "now"),
    [
        (Cat, Kitten),
        (Cat | Dog, Kitten | Dog),
        (Cat | Dog, Dog | Kitten),
        (
            Annotated[Cat | Dog, Field(discriminator="kind")],
            Annotated[Kitten | Dog, Field(discriminator="kind")],
        ),
        (Cat | Dog, Annotated[Cat | Dog, Field(discriminator="kind")]),
        (Color, Tint),
        (list[Cat | int | None], LIST[UNION[None, int, Kitten]]),
        (Annotated[int, Field(json_schema_extra={"x-unit": "EUR"})], int),
        (Annotated[int, Field(examples=[1], description="how many")], int),
    ],
)
def test_what_only_has_another_name_or_order_does_not_break(before: Any, now: Any) -> None:
    assert told(payload(a=before), payload(a=now)) == []


def test_a_text_tells_what_an_enum_was_though_its_name_is_the_same() -> None:
    Color = enum.Enum("Color", {"RED": "red"})

    [(_, text, _)] = changes(
        schema(payload(a=LIST[globals()["Color"]])),
        schema(payload(a=LIST[Color])),
    )

    assert text == (
        "field 'a[]' has another type: "
        'it was {"$ref": "#/$defs/Color", "enum": ["red", "blue"], "type": "string", '
        '"x-python-type": "enum.Enum"}, '
        'and is {"$ref": "#/$defs/Color", "enum": ["red"], "type": "string", '
        '"x-python-type": "enum.Enum"}'
    )


def test_a_text_names_a_model_and_does_not_spell_it_out() -> None:
    [(_, text, _)] = changes(schema(payload(a=Cat)), schema(payload(a=int)))

    assert text == (
        "field 'a' has another type: "
        'it was {"$ref": "#/$defs/Cat", "type": "object"}, and is {"type": "integer"}'
    )


@pytest.mark.parametrize(
    ("before", "now", "found"),
    [
        (Open, Open, []),
        (Closed, Open, []),
        (Closed, BaseModel, []),
        (BaseModel, Open, []),
        (Open, BaseModel, [("S205", "other keywords in 'a' are no longer carried")]),
        (Open, Closed, [("S205", "other keywords in 'a' are refused now")]),
        (BaseModel, Closed, [("S205", "other keywords in 'a' are refused now")]),
        (Open, Narrow, [("S204", "field 'a.**' has another type")]),
    ],
)
def test_other_keywords_are_carried_as_before(
    before: type[BaseModel], now: type[BaseModel], found: list[tuple[str, str]]
) -> None:
    was, is_now = (create_model("Inner", __base__=each) for each in (before, now))

    assert told(payload(a=was), payload(a=is_now)) == found


def test_a_key_of_a_typed_dict_that_may_be_missing_breaks() -> None:
    Whole = TypedDict("Whole", {"sku": int, "note": NotRequired[str]})  # noqa: UP013 - as below
    Partial = TypedDict("Partial", {"sku": NotRequired[int]})  # noqa: UP013

    assert sorted(told(payload(a=Whole), payload(a=Partial))) == [
        ("S202", "field 'a.note' is removed"),
        ("S202", "field 'a.sku' may be missing now"),
    ]


ODD = [
    {"properties": {"a": True}},
    {"properties": ["a"]},
    {"required": None},
    {"$defs": [], "$ref": "#/$defs/A"},
    {"$defs": {"A": {"$ref": "#/$defs/A"}}, "$ref": "#/$defs/A"},
    {"$defs": {"A": 1}, "$ref": "#/$defs/A"},
    {"$ref": None, "anyOf": [1], "enum": 5, "items": False, "additionalProperties": 1},
    {"properties": {"a": {"$ref": "#/$defs/B"}}, "required": [{}]},
    {"allOf": [{"type": "object"}], "not": {"type": "null"}},
]


@pytest.mark.parametrize("odd", ODD)
def test_a_schema_that_is_odd_is_as_good_as_others(odd: Schema) -> None:
    normal = schema(payload(a=int))

    assert list(changes(odd, odd)) == []
    assert list(changes(odd, normal))
    assert list(changes(normal, odd))


# Types, each with values that a strict payload takes.
TYPES = st.recursive(
    st.sampled_from(
        [
            (int, (1, -5)),
            (str, ("red", "")),
            (float, (1.5,)),
            (bool, (True,)),
            (bytes, (b"red",)),
            (Literal["red", "blue"], ("red", "blue")),
            (Literal["red"], ("red",)),
            (Annotated[int, Field(gt=0)], (1,)),
            (Color, tuple(Color)),
            (Shade, (Shade.RED,)),
            (Shop, (Shop(),)),
            (type[Shop], (Shop,)),
            (Any, (1, "red", None)),
            (Cat, (Cat(kind="cat"),)),
            (Dog, (Dog(kind="dog"),)),
        ]
    ),
    lambda inner: st.one_of(
        inner.map(lambda each: (LIST[each[0]], ([], list(each[1])))),
        inner.map(lambda each: (TUPLE[each[0], ...], ((), each[1]))),
        inner.map(lambda each: (DICT[str, each[0]], ({}, {"key": each[1][0]}))),
        inner.map(lambda each: (DICT[int, each[0]], ({1: each[1][0]},))),
        st.tuples(inner, inner).map(
            lambda two: (UNION[two[0][0], two[1][0]], (*two[0][1], *two[1][1]))
        ),
    ),
    max_leaves=3,
)
FIELDS = st.dictionaries(st.sampled_from("abcd"), st.tuples(TYPES, st.booleans()), max_size=4)


def model_of(fields: Any) -> type[BaseModel]:
    """Return the payload with these fields, each of a type, and required or not."""
    written: Any = {
        name: (annotation, ... if required else values[0])
        for name, ((annotation, values), required) in fields.items()
    }
    return payload(**written)


@given(FIELDS)
def test_a_schema_compared_with_itself_breaks_nothing(fields: Any) -> None:
    assert told(model_of(fields), model_of(fields)) == []


@given(FIELDS, st.randoms(use_true_random=False))
def test_the_order_of_fields_breaks_nothing(fields: Any, random: Any) -> None:
    shuffled = list(fields.items())
    random.shuffle(shuffled)

    assert told(model_of(fields), model_of(dict(shuffled))) == []


@given(FIELDS, TYPES)
def test_a_new_field_with_a_default_breaks_nothing_and_without_one_does(
    fields: Any, added: Any
) -> None:
    was = model_of(fields)

    assert told(was, model_of({**fields, "new": (added, False)})) == []
    assert [code for code, _ in told(was, model_of({**fields, "new": (added, True)}))] == ["S203"]
    assert [code for code, _ in told(model_of({**fields, "new": (added, True)}), was)] == ["S202"]


@given(FIELDS, FIELDS)
def test_where_nothing_breaks_all_that_was_valid_is_valid_and_no_field_is_missed(
    before: Any, now: Any
) -> None:
    was, is_now = model_of(before), model_of(now)
    breaks = bool(told(was, is_now))

    for values in zip(*(each[0][1] for each in before.values()), strict=False):
        sent = dict(zip(before, values, strict=True))
        was.model_validate(sent)
        try:
            received = is_now.model_validate(sent)
        except ValidationError:
            assert breaks
        else:
            assert breaks or set(before) <= set(received.model_dump())


@given(FIELDS)
def test_a_change_within_a_list_of_models_is_that_within_the_model(fields: Any) -> None:
    was, now = model_of(fields), model_of({**fields, "new": ((int, (1,)), True)})

    assert told(payload(x=LIST[was]), payload(x=LIST[now])) == [
        ("S203", "field 'x[].new' is new, and is required")
    ]
