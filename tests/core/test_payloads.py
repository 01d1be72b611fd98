"""Defining a signal: a model, a list of names, or nothing."""

from __future__ import annotations

import gc
import weakref
from typing import Any, Generic, TypeVar

import pytest
from pydantic import (
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    RootModel,
    ValidationError,
    field_validator,
    model_validator,
)

from fastdjango_signals import (
    Payload,
    PostSave,
    ReservedFieldError,
    SendError,
    Signal,
    SignalDefinitionError,
    SignalError,
    all_signals,
)

T = TypeVar("T")


class OrderPlaced(Payload):
    order_id: int
    email: str
    note: str | None = None


async def echo(sender: object, **fields: Any) -> dict[str, Any]:
    return fields


async def echo_payload(sender: object, payload: Any) -> Any:
    return payload


async def sent(signal: Signal[Any, ...], **fields: Any) -> dict[str, Any]:
    """Send, and return what a receiver gets."""
    received: dict[str, Any]
    with signal.connected_to(echo):
        ((_, received),) = await signal.send(sender=None, **fields)
    return received


async def test_a_model_gives_positional_and_keyword_definitions_the_same_fields() -> None:
    for signal in (Signal(OrderPlaced), Signal(providing_args=OrderPlaced)):
        assert signal.providing_args is OrderPlaced
        assert await sent(signal, order_id=1, email="a") == {
            "order_id": 1,
            "email": "a",
            "note": None,
        }


async def test_names_are_required_and_take_any_value() -> None:
    signal = Signal(providing_args=["order", "user"])
    value = object()

    assert await sent(signal, order=value, user=None) == {"order": value, "user": None}
    with pytest.raises(ValidationError, match="user"):
        await signal.send(sender=None, order=1)  # type: ignore[call-arg]
    with pytest.raises(ValidationError, match="extra"):
        await signal.send(sender=None, order=1, user=2, extra=3)  # type: ignore[call-arg]


@pytest.mark.parametrize("name", ["json", "copy", "self", "cls", "model", "validate", "fields"])
async def test_names_that_pydantic_models_use_themselves_are_carried(name: str) -> None:
    assert await sent(Signal([name]), **{name: 1}) == {name: 1}


async def test_tuples_of_names_are_lists_of_names() -> None:
    assert await sent(Signal(("order",)), order=1) == {"order": 1}


async def test_no_payload_accepts_every_keyword() -> None:
    signal = Signal()

    assert await sent(signal, anything=1, order="x") == {"anything": 1, "order": "x"}
    assert await sent(signal) == {}


async def test_an_open_signal_refuses_the_reserved_keyword_when_it_is_sent() -> None:
    with pytest.raises(ReservedFieldError, match='has the keyword "payload"'):
        await Signal().send(sender=None, payload=1)


@pytest.mark.parametrize("name", ["sender", "payload"])
def test_reserved_fields_are_refused_when_the_signal_is_defined(name: str) -> None:
    model = type("Odd", (Payload,), {"__annotations__": {name: int}})

    with pytest.raises(ReservedFieldError, match=f'Odd has a field "{name}".*rename'):
        Signal(model)
    with pytest.raises(ReservedFieldError, match=f'"{name}"'):
        Signal(["order", name])


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("order", r'is a string; write \["order"\]'),
        (OrderPlaced(order_id=1, email="secret"), "give the model class itself"),
        ({"order": int}, "give a pydantic model class, or a list of names"),
        (int, "is builtins.int; give a pydantic model class"),
        (7, "give a pydantic model class"),
        (["not a name"], "'not a name', which cannot be a field"),
        (["class"], "'class', which cannot be a field"),
        (["_order"], "'_order', which cannot be a field"),
        (["model_config"], "'model_config', which cannot be a field"),
        (["model_dump"], "cannot be a payload: .*model_dump"),
        ([3], "3, which cannot be a field"),
        (["order", "order"], "lists 'order' twice"),
        (RootModel[int], "RootModel and has no fields"),
    ],
)
def test_what_describes_no_payload_is_refused_with_a_remedy(given: Any, words: str) -> None:
    with pytest.raises(SignalDefinitionError, match=words) as caught:
        Signal(given)
    assert isinstance(caught.value, SignalError | TypeError)
    assert "secret" not in str(caught.value)


async def test_brackets_declare_the_payload_at_run_time_too() -> None:
    signal = Signal[OrderPlaced]()

    assert signal.providing_args is OrderPlaced
    with pytest.raises(ValidationError):
        await signal.send(sender=None, order_id="1", email="a")  # type: ignore[arg-type]


def test_brackets_take_the_options_and_the_same_model() -> None:
    signal = Signal[OrderPlaced](OrderPlaced, name="orders", concurrent=True)

    assert signal.name == "orders"
    assert signal.providing_args is OrderPlaced


def test_brackets_and_argument_that_contradict_each_other_are_refused() -> None:
    class Other(Payload):
        x: int

    with pytest.raises(SignalDefinitionError, match=r"Signal\[OrderPlaced\].*another payload"):
        Signal[OrderPlaced](Other)  # type: ignore[arg-type]
    with pytest.raises(SignalDefinitionError, match=r"another payload, <builtins.list object>"):
        Signal[OrderPlaced](["order_id"])  # type: ignore[signal-payload]


@pytest.mark.parametrize("brackets", ["OrderPlaced", int, list[int]])
def test_brackets_never_become_an_open_signal_quietly(brackets: Any) -> None:
    with pytest.raises(SignalDefinitionError, match="Signal"):
        Signal[brackets]()


def test_brackets_with_any_stay_open() -> None:
    assert Signal[Any]().name.endswith("Signal()")


def test_forward_references_in_brackets_are_refused() -> None:
    from typing import ForwardRef

    with pytest.raises(SignalDefinitionError, match=r"in quotes.*define Later first"):
        Signal[ForwardRef("Later")]()  # type: ignore[misc, operator]


def test_type_variables_in_brackets_are_filled_in_later() -> None:
    M = TypeVar("M", bound=BaseModel)
    alias = Signal[M]

    assert alias[OrderPlaced]().providing_args is OrderPlaced
    assert alias().name.endswith("Signal()")  # type: ignore[type-arg]


def test_a_subclass_of_a_bracketed_signal_carries_its_payload() -> None:
    class Orders(Signal[OrderPlaced]):
        def __init__(self) -> None:
            super().__init__(name="orders")

    class Special(Orders):
        pass

    assert Orders().providing_args is OrderPlaced
    assert Special().providing_args is OrderPlaced
    assert repr(Special()) == "<Special orders>"


def test_a_generic_subclass_takes_its_payload_in_brackets() -> None:
    M = TypeVar("M", bound=BaseModel)

    class Topic(Signal[M]):
        def __init__(self, topic: str) -> None:
            super().__init__(name=topic)

    signal = Topic[OrderPlaced]("orders")

    assert (signal.name, signal.providing_args) == ("orders", OrderPlaced)


async def test_generic_payloads_are_payloads() -> None:
    class Box(Payload, Generic[T]):
        content: T

    assert await sent(Signal(Box[int]), content=1) == {"content": 1}
    with pytest.raises(ValidationError):
        await Signal(Box[int]).send(sender=None, content="1")  # type: ignore[arg-type]
    assert Signal(PostSave[Any]).providing_args is PostSave[Any]


def test_a_signal_is_named_after_its_payload_unless_it_has_a_name() -> None:
    qualified = f"{__name__}.test_a_signal_is_named"

    class Local(Payload):
        x: int

    assert Signal(OrderPlaced).name == f"{__name__}.OrderPlaced"
    assert Signal(Local).name.startswith(qualified)
    assert Signal(Local).name.endswith("<locals>.Local")
    assert Signal(["order", "user"]).name == f"{__name__}.Signal(order, user)"
    assert Signal().name == f"{__name__}.Signal()"
    assert Signal(Local, name="orders").name == "orders"
    assert repr(Signal(Local, name="orders")) == "<Signal orders>"


def test_models_of_the_same_name_in_two_modules_do_not_collide() -> None:
    twins = [
        type("OrderPlaced", (Payload,), {"__module__": module, "__annotations__": {"x": int}})
        for module in ("shop", "warehouse")
    ]
    names = [Signal(twin).name for twin in twins]

    assert names == ["shop.OrderPlaced", "warehouse.OrderPlaced"]


async def test_two_signals_of_one_payload_have_receivers_of_their_own() -> None:
    first, second = Signal(OrderPlaced), Signal(OrderPlaced)
    first.connect(echo)

    assert not second.has_listeners()
    assert await second.send(sender=None, order_id=1, email="a") == []


def test_a_signal_leaves_nothing_behind() -> None:
    signal = Signal(OrderPlaced, name="passing")
    signal.connect(echo)
    assert signal in all_signals()

    gone = weakref.ref(signal)
    del signal
    gc.collect()

    assert gone() is None
    assert "passing" not in [signal.name for signal in all_signals()]


def test_all_signals_lists_them_by_name() -> None:
    later, earlier = Signal(name="zebra"), Signal(name="aardvark")
    listed = all_signals()

    assert listed.index(earlier) < listed.index(later)


# --- validation at send ------------------------------------------------------


@pytest.mark.parametrize("way", ["send", "send_robust"])
@pytest.mark.parametrize(
    "fields",
    [
        {"order_id": "1", "email": "a"},
        {"order_id": 1},
        {"order_id": 1, "email": "a", "extra": 2},
        {"order_id": True, "email": "a"},
        {},
    ],
)
async def test_a_bad_payload_is_refused_before_anyone_is_called(
    way: str, fields: dict[str, Any]
) -> None:
    signal, calls = Signal(OrderPlaced), []

    @signal.connect
    async def count(sender: object, **fields: Any) -> None:
        calls.append(fields)

    with pytest.raises(ValidationError) as caught:
        await getattr(signal, way)(sender=OrderPlaced, **fields)

    assert calls == []
    assert caught.value.__notes__ == [
        f"in a send of signal {__name__}.OrderPlaced by sender {__name__}.OrderPlaced"
    ]


async def test_a_bad_payload_is_refused_where_nobody_listens_or_the_signal_is_muted() -> None:
    signal = Signal(OrderPlaced)

    with pytest.raises(ValidationError):
        await signal.send(sender=None)  # type: ignore[call-arg]
    with signal.muted(), pytest.raises(ValidationError):
        await signal.send(sender=None)  # type: ignore[call-arg]


async def test_fields_are_given_by_keyword_only() -> None:
    signal: Any = Signal(OrderPlaced)

    with pytest.raises(SendError, match=r"send\(sender, order_id=.*\*\*dict\(payload\)"):
        await signal.send(None, OrderPlaced(order_id=1, email="a"))
    for arguments in ((OrderPlaced(order_id=1, email="a"),), (None,)):
        with pytest.raises(SendError, match="keyword"):
            await signal.send(*arguments, payload=OrderPlaced(order_id=1, email="a"))
    with pytest.raises(SendError, match="keyword"):
        await signal.send(OrderPlaced(order_id=1, email="a"))
    with pytest.raises(TypeError, match="sender"):
        await signal.send(order_id=1, email="a")


async def test_a_payload_that_exists_already_is_sent_by_its_fields() -> None:
    signal = Signal(OrderPlaced)
    signal.connect(echo_payload)
    payload = OrderPlaced(order_id=1, email="a")

    ((_, received),) = await signal.send(None, **dict(payload))

    assert received == payload


@pytest.mark.parametrize("options", [{"name": ""}, {"name": 3}, {"concurrent": "yes"}])
def test_options_of_a_signal_that_make_no_sense_are_refused(options: Any) -> None:
    with pytest.raises(SignalDefinitionError, match="; give "):
        Signal(OrderPlaced, **options)


async def test_the_sender_may_be_positional() -> None:
    signal = Signal(OrderPlaced)
    signal.connect(echo, sender=OrderPlaced)

    assert await signal.send(OrderPlaced, order_id=1, email="a")
    assert await signal.send_robust(OrderPlaced, order_id=1, email="a")


async def test_receivers_get_validated_values_and_defaults() -> None:
    class Loose(BaseModel):
        amount: int
        tags: list[str] = Field(default_factory=list)
        note: str = "none"

        @field_validator("note")
        @classmethod
        def shout(cls, value: str) -> str:
            return value.upper()

    assert await sent(Signal(Loose), amount="3", note="hey") == {
        "amount": 3,
        "tags": [],
        "note": "HEY",
    }


async def test_nested_models_stay_models() -> None:
    class Line(Payload):
        sku: str

    class Basket(Payload):
        lines: list[Line]

    line = Line(sku="a")
    received = await sent(Signal(Basket), lines=[line])

    assert received["lines"][0] is line


@pytest.mark.parametrize(
    "field",
    [
        Field(alias="orderId"),
        Field(validation_alias="orderId"),
        Field(validation_alias=AliasChoices("orderId", "order")),
    ],
)
async def test_field_names_count_and_aliases_do_not(field: Any) -> None:
    class Aliased(Payload):
        order_id: int = field

    signal = Signal(Aliased)

    assert await sent(signal, order_id=1) == {"order_id": 1}
    with pytest.raises(ValidationError):
        await signal.send(sender=None, orderId=1)  # type: ignore[call-arg]


async def test_aliases_of_nested_models_are_left_alone() -> None:
    class Inner(BaseModel):
        order_id: int = Field(alias="orderId")

    class Outer(BaseModel):
        inner: Inner

    received = await sent(Signal(Outer), inner={"orderId": 1})

    assert received["inner"].order_id == 1


async def test_a_model_that_allows_extra_fields_carries_them() -> None:
    class Loose(Payload):
        model_config = ConfigDict(extra="allow")
        order_id: int

    assert await sent(Signal(Loose), order_id=1, more=2) == {"order_id": 1, "more": 2}


async def test_inherited_fields_are_fields() -> None:
    class Refunded(OrderPlaced):
        amount: int

    received = await sent(Signal(Refunded), order_id=1, email="a", amount=2)

    assert received == {"order_id": 1, "email": "a", "note": None, "amount": 2}


async def test_a_model_may_be_completed_after_its_signal_was_defined() -> None:
    class Later(Payload):
        item: Item

    signal = Signal(Later)
    with pytest.raises(Exception, match="not fully defined") as caught:
        await signal.send(sender=None, item=1)  # type: ignore[arg-type]
    assert "in a send of signal" in caught.value.__notes__[0]

    class Item(Payload):
        sku: str

    Later.model_rebuild(_types_namespace={"Item": Item})
    item = Item(sku="a")

    assert await sent(signal, item=item) == {"item": item}


async def test_an_exception_in_a_validator_comes_out_with_its_signal() -> None:
    class Broken(Payload):
        x: int

        @field_validator("x")
        @classmethod
        def fail(cls, value: int) -> int:
            raise RuntimeError("boom")

    with pytest.raises(RuntimeError, match="boom") as caught:
        await Signal(Broken).send(sender="shop", x=1)
    assert caught.value.__notes__ == [f"in a send of signal {Signal(Broken).name} by sender 'shop'"]


async def test_a_validator_that_loses_the_model_is_named() -> None:
    class Lost(Payload):
        x: int

        @model_validator(mode="wrap")
        @classmethod
        def lose(cls, value: Any, handler: Any) -> Any:
            return {"x": 1}

    with pytest.raises(SignalDefinitionError, match=r"Lost returned builtins.dict.*return an inst"):
        await Signal(Lost).send(sender=None, x=1)


async def test_receivers_that_take_the_payload_get_the_model() -> None:
    signal = Signal(OrderPlaced)
    signal.connect(echo_payload)

    ((_, payload),) = await signal.send(sender=None, order_id=1, email="a")

    assert payload == OrderPlaced(order_id=1, email="a")
