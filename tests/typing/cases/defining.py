"""What a signal may be made of, and what its type is then."""

from typing import Any, assert_type

from pydantic import BaseModel

from fastdjango_signals import Payload, Signal


class OrderPlaced(Payload):
    order_id: int
    email: str
    note: str | None = None


class Plain(BaseModel):
    number: int


class Shop:
    annotated: Signal[OrderPlaced] = Signal(OrderPlaced)


def model_of(signal: Signal[OrderPlaced]) -> type[OrderPlaced]:
    return signal.providing_args


def check_model() -> None:
    """Defining: with a model"""
    order_placed = Signal(OrderPlaced)
    assert_type(order_placed.providing_args, type[OrderPlaced])
    assert_type(Signal(providing_args=OrderPlaced).providing_args, type[OrderPlaced])
    assert_type(Signal(Plain).providing_args, type[Plain])
    assert_type(order_placed.name, str)
    Signal(OrderPlaced(order_id=1, email=""))  # E
    Signal(int)  # E
    Signal(OrderPlaced, Plain)  # E


def check_names() -> None:
    """Defining: with names"""
    assert_type(Signal(["order", "user"]), Signal[Any, ...])
    assert_type(Signal(providing_args=("order", "user")), Signal[Any, ...])
    Signal([1, 2])  # E
    Signal({"order": int})  # E


def check_open() -> None:
    """Defining: open to any keywords"""
    assert_type(Signal(), Signal[Any, ...])
    assert_type(Signal(None), Signal[Any, ...])
    assert_type(Signal(name="anything"), Signal[Any, ...])


def check_annotations() -> None:
    """Defining: annotations that say Signal[Model]"""
    explicit: Signal[OrderPlaced] = Signal(OrderPlaced)
    bracketed = Signal[OrderPlaced]()
    both = Signal[OrderPlaced](OrderPlaced)
    assert_type(explicit.providing_args, type[OrderPlaced])
    assert_type(bracketed.providing_args, type[OrderPlaced])
    assert_type(both.providing_args, type[OrderPlaced])
    assert_type(Shop.annotated.providing_args, type[OrderPlaced])
    assert_type(model_of(explicit), type[OrderPlaced])
    model_of(Signal(OrderPlaced))
    model_of(Signal())  # LIMIT[plugin]: what says Signal[OrderPlaced] should be made of it
    model_of(Signal(Plain))  # E[static]: at run time the function does not look
    mixed: Signal[OrderPlaced] = Signal(Plain)  # E[static]: annotations are not read at run time
    Signal[OrderPlaced](Plain)  # E
    Signal[int]()  # E


def check_options() -> None:
    """Defining: the options name and concurrent"""
    Signal(OrderPlaced, name="shop.order_placed", concurrent=True)
    Signal(["order"], name="shop.legacy", concurrent=True)
    Signal(OrderPlaced, nam="shop.order_placed")  # E
    Signal(OrderPlaced, name=1)  # E
    Signal(OrderPlaced, concurrent="yes")  # E
    Signal(OrderPlaced, "shop.order_placed")  # E
