"""JSON Schemas of payloads: what Python tells apart, they tell apart."""

from __future__ import annotations

import collections
import collections.abc
import dataclasses
import datetime
import decimal
import enum
import json
import pathlib
import uuid
from typing import Annotated, Any, Literal, NamedTuple

import pytest
from pydantic import BaseModel, ConfigDict, Field, create_model
from typing_extensions import TypedDict

from fastdjango_signals import Payload, Signal
from fastdjango_signals.catalogue import json_schema
from fastdjango_signals.json_schemas import PYTHON_KEYS, PYTHON_TYPE


class Shop: ...


class Coin: ...


class Color(enum.Enum):
    RED = "red"


class Point(NamedTuple):
    x: int
    y: int = 0


class Spot(NamedTuple):
    a: int
    b: int = 0


class Line(Payload):
    sku: str


@dataclasses.dataclass
class LineData:
    sku: str


class LineDict(TypedDict):
    sku: str


def schema_of(annotation: Any) -> dict[str, Any]:
    """Return what is written of a field of this type."""
    model = create_model("Model", __base__=Payload, field=(annotation, ...))
    found: dict[str, Any] = json_schema(Signal(model))
    [field] = found["properties"].values()
    name = field.get("$ref", "").rpartition("/")[2]
    return {**found["$defs"][name], "title": ""} if name else field


@pytest.mark.parametrize(
    ("annotation", "name"),
    [
        (Shop, f"{__name__}.Shop"),
        (type[Shop], f"type[{__name__}.Shop]"),
        (collections.abc.Callable[[], None], "collections.abc.Callable"),
        (tuple[int, ...], "tuple"),
        (tuple[int, str], "tuple"),
        (frozenset[int], "frozenset"),
        (collections.abc.Sequence[int], "typing.Sequence"),
        (Color, "enum.Enum"),
        (Point, "tuple(x, y)"),
        (LineData, "dataclass"),
        (LineDict, "typing.TypedDict"),
        (decimal.Decimal, "decimal.Decimal"),
    ],
)
def test_a_python_type_is_told_where_json_does_not(annotation: Any, name: str) -> None:
    assert schema_of(annotation)[PYTHON_TYPE] == name


@pytest.mark.parametrize("annotation", [int, str, list[int], set[int], dict[str, int], Line, Any])
def test_what_json_tells_is_not_told_again(annotation: Any) -> None:
    assert PYTHON_TYPE not in schema_of(annotation)


@pytest.mark.parametrize("keys", [int, Any, tuple[int, str], Literal[1, 2]])
def test_keys_that_are_no_strings_are_told(keys: Any) -> None:
    told = schema_of(dict[keys, int])[PYTHON_KEYS]

    assert {**told, "title": ""} == {**schema_of(keys), "title": ""}


@pytest.mark.parametrize("keys", [str, Color, uuid.UUID, Literal["a", "b"]])
def test_keys_that_are_strings_are_told_as_json_schema_does(keys: Any) -> None:
    assert PYTHON_KEYS not in schema_of(dict[keys, int])


LOOK_ALIKE = [
    *(str, Literal["red"], Color, bytes, datetime.datetime, pathlib.Path, uuid.UUID),
    *(int, float, bool, decimal.Decimal, float | str),
    *(list[int], set[int], frozenset[int], tuple[int, ...], collections.deque[int]),
    *(collections.abc.Sequence[int], collections.abc.Iterable[int]),
    *(dict[str, int], dict[int, int], dict[Any, int], collections.defaultdict[str, int]),
    *(dict[Color, int], collections.OrderedDict[str, int]),
    *(Line, LineData, LineDict, Point, Spot, tuple[int, int]),
    *(Any, Shop, Coin, type[Shop], type[Coin], collections.abc.Callable[[], None], None),
]


def test_types_of_which_strict_payloads_take_different_values_differ() -> None:
    written = [
        json.dumps({**schema_of(each), "title": ""}, sort_keys=True).replace("Title", "")
        for each in LOOK_ALIKE
    ]

    assert [each for each, count in collections.Counter(written).items() if count > 1] == []


def test_a_default_is_never_told() -> None:
    class Secret(BaseModel):
        model_config = ConfigDict(arbitrary_types_allowed=True)
        token: Annotated[str, Field(min_length=1)] = "hunter2"

    assert "hunter2" not in json.dumps(schema_of(Secret | None))
