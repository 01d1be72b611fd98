"""What is seldom written, and right or wrong all the same."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, Generic, NoReturn, cast

from payloads import OrderPlaced, OrderRefunded
from pydantic import BaseModel, create_model
from typing_extensions import TypeVar, TypeVarTuple

from fastdjango_signals import Payload, Signal, post_save, receiver

if TYPE_CHECKING:
    from missing import Unknown  # type: ignore[import-not-found]

T = TypeVar("T")
Text = TypeVar("Text", bound=str)
Either = TypeVar("Either", str, bytes)
Some = TypeVar("Some", bound=Signal[Any])
Ts = TypeVarTuple("Ts")

order_placed = Signal(OrderPlaced)
order_refunded = Signal(OrderRefunded)


async def right(sender: object, order_id: int, **kwargs: object) -> None: ...


async def wrong(sender: object, order_id: str, **kwargs: object) -> None: ...


class Event(Payload): ...


class Placed(Event):
    number: int


class Doubled(BaseModel):
    total: int

    def __init__(self, *, amount: int) -> None:
        super().__init__(total=amount * 2)


class FromUnknown(Unknown, Payload):  # type: ignore[misc]
    number: int


class Many(Payload, Generic[*Ts]):
    values: tuple[*Ts]


class Box(Generic[T]): ...


created = create_model("created", number=(int, ...))


def check_spread(*given: Any, **options: Any) -> None:
    """Odd: star arguments, of which nothing is known"""
    order_placed.connect(**options)
    order_placed.connect(*given, **options)
    order_placed.connect(*(right,))
    order_placed.check(*given)
    order_placed.connected_to(**options)
    receiver(*given, **options)
    Signal(*given)
    Signal(**options)


def check_unions(
    either: Signal[OrderPlaced] | Signal[OrderRefunded],
    one_or_more: Signal[OrderPlaced] | list[Signal[OrderPlaced]],
    listed: Sequence[Signal[OrderPlaced]],
) -> None:
    """Odd: @receiver of a union, a type variable, a list from elsewhere"""

    # E: Receiver "of_list" takes "order_id: str", but OrderPlaced.order_id is "int"  [signal-receiver]
    @receiver(listed)
    async def of_list(sender: object, order_id: str, **kwargs: object) -> None: ...

    def of_variable(signal: Some) -> Some:
        receiver(signal)(right)
        return signal

    # E: Receiver "wrong" takes "order_id: str", but OrderPlaced.order_id is "int"  [signal-receiver]
    # E: Receiver "wrong" takes "order_id: str", but OrderRefunded.order_id is "int"  [signal-receiver]
    either.connect(wrong)


def check_base() -> None:
    """Odd: a signal where one of a base is expected"""
    events: dict[str, Signal[Event]] = {"placed": Signal(Placed)}
    listed: list[Signal[Payload]] = [Signal(OrderPlaced), Signal(OrderRefunded)]
    model: Signal[BaseModel] = Signal(OrderPlaced)


async def check_base_model() -> None:
    """Odd: a signal of Payload itself, which has no fields"""
    ping = Signal(Payload)
    await ping.send(sender=None)
    # E: Unexpected keyword argument "number" for "send" of "Signal"  [call-arg]
    await ping.send(sender=None, number=1)

    # E: Receiver "bad" requires "number", which Payload does not provide  [signal-receiver]
    @ping.connect
    async def bad(sender: object, number: int) -> None: ...


async def check_own_constructor() -> None:
    """Odd: a model with a constructor of its own"""
    doubled = Signal(Doubled)
    await doubled.send(None, amount=1)
    # E: Unexpected keyword argument "total" for "send" of "Signal"  [call-arg]
    await doubled.send(None, total=1)

    @doubled.connect
    async def right(sender: object, total: int) -> None: ...


async def check_unknown_base(number: int) -> None:
    """Odd: a model with a base that mypy cannot find"""
    signal = Signal(FromUnknown)
    await signal.send(None, anything=number)

    @signal.connect
    async def right(sender: object, anything: int) -> None: ...


def check_variadic() -> None:
    """Odd: a variadic model"""

    # E: Receiver "bad" takes "payload: Many[int]", but the payload is "Many[int, str]"  [signal-receiver]
    @Signal(Many[int, str]).connect
    async def bad(sender: object, payload: Many[int]) -> None: ...


def check_generic_sender() -> None:
    """Odd: a generic class as the sender"""

    @post_save.connect(sender=Box)
    async def right(sender: object, instance: Box[int], **kwargs: object) -> None: ...


def check_type_variables() -> None:
    """Odd: receivers with type variables"""

    async def bound(sender: object, order_id: Text, **kwargs: object) -> Text:
        return order_id

    async def constrained(sender: object, order_id: Either, **kwargs: object) -> Either:
        return order_id

    async def free(sender: object, email: T, **kwargs: list[T] | object) -> T:
        return email

    # E: Receiver "bound" takes "order_id: str", but OrderPlaced.order_id is "int"  [signal-receiver]
    order_placed.connect(bound)
    # E: Receiver "constrained" takes "order_id: str | bytes", but OrderPlaced.order_id is "int"  [signal-receiver]
    order_placed.connect(constrained)
    order_placed.connect(free)


def check_circles() -> None:
    """Odd: callable attributes in a circle"""

    class Left:
        __call__: Right

    class Right:
        __call__: Left

    class Nothing:
        __call__ = None

    class Sync:
        __call__: Callable[..., int]

    order_placed.connect(cast("Left", None))
    # E: Receiver of type "Nothing" cannot be called; connect an async function  [signal-receiver]
    order_placed.connect(Nothing())
    # E: Receiver of type "Sync" is not async; declare it with "async def"  [signal-receiver]
    order_placed.connect(Sync())


def check_none(maybe: Callable[..., Awaitable[None]] | None) -> None:
    """Odd: None, which is no receiver but for connect"""
    order_placed.connect(None)
    order_placed.connect(maybe)
    # E: Receiver "None" cannot be called; connect an async function  [signal-receiver]
    order_placed.check(None)
    # E: Receiver "None" cannot be called; connect an async function  [signal-receiver]
    order_placed.connect(weak=False)(None)
    # E: Receiver "maybe" cannot be called; connect an async function  [signal-receiver]
    with order_placed.connected_to(maybe):
        pass


class Logged(Signal[OrderPlaced]):
    def connect(self, receiver: Any = None, **options: Any) -> Any:
        return super().connect(receiver, **options)


def check_override() -> None:
    """Odd: a subclass with a connect of its own"""
    Logged().connect(wrong)
    # E: Receiver "wrong" takes "order_id: str", but OrderPlaced.order_id is "int"  [signal-receiver]
    Logged().check(wrong)


def check_sync() -> None:
    """Odd: ways not to be async"""

    # E: Receiver "unannotated" is not async; declare it with "async def"  [signal-receiver]
    @order_placed.connect
    def unannotated(sender, **kwargs):  # type: ignore[no-untyped-def]
        print(sender)

    # E: Receiver "anything" is not async; declare it with "async def"  [signal-receiver]
    @order_placed.connect
    def anything(sender: object, **kwargs: object) -> Any:
        print(sender)

    # E: Receiver "never" is not async; declare it with "async def"  [signal-receiver]
    @order_placed.connect
    def never(sender: object, **kwargs: object) -> NoReturn:
        raise ValueError

    # E: Receiver "promises" is not async; declare it with "async def"  [signal-receiver]
    @order_placed.connect
    def promises(sender: object, **kwargs: object) -> Awaitable[None]:
        return right(sender, 1)

    class Service:
        def listen(self, sender, **kwargs):  # type: ignore[no-untyped-def]
            print(sender)

    # E: Receiver "listen" is not async; declare it with "async def"  [signal-receiver]
    order_placed.connect(Service().listen)


def check_near_reserved() -> None:
    """Odd: sender and payload, misspelt"""

    # E: Receiver "sendr" requires "sendr", which OrderPlaced does not provide; did you mean "sender"?  [signal-receiver]
    @order_placed.connect
    async def sendr(sendr: object, **kwargs: object) -> None: ...

    # E: Receiver "paylod" requires "paylod", which OrderPlaced does not provide; did you mean "payload"?  [signal-receiver]
    @order_placed.connect
    async def paylod(sender: object, paylod: OrderPlaced) -> None: ...


def check_classes(kind: type, model: type[OrderPlaced]) -> None:
    """Odd: classes that only the running program knows"""
    # E: Receiver "kind" is a class; connect an instance with an async "__call__"  [signal-receiver]
    order_placed.connect(kind)
    # E: Receiver "model" is a class; connect an instance with an async "__call__"  [signal-receiver]
    order_placed.connect(model)
    Signal(kind)


def check_brackets() -> None:
    """Odd: brackets, and another argument"""
    Signal[OrderPlaced](OrderPlaced)
    # E: "Signal(...)" is declared to carry Event, but is given Placed; leave Placed out  [signal-payload]
    Signal[Event](Placed)
    # E: "Signal(...)" is given a string; write ["order_id"] for a single name  [signal-payload]
    Signal[OrderPlaced]("order_id")
    # E: "Signal(...)" is declared to carry OrderPlaced; write Signal(OrderPlaced)  [signal-payload]
    Signal[OrderPlaced](["order_id"])


async def check_dynamic() -> None:
    """Odd: create_model, whose fields nobody knows"""
    dynamic = Signal(created)
    await dynamic.send(sender=None, number=1)

    @dynamic.connect
    async def right(sender: object, number: int) -> None: ...


async def check_whole() -> None:
    """Odd: the payload given whole, or taken under another name"""
    payload = OrderPlaced(order_id=1, email="")
    # E: A signal takes its payload by keyword; write send(sender, **dict(payload)) for a payload that exists already  [signal-payload]
    await order_placed.send(payload)
    # E: A signal takes its payload by keyword; write send(sender, **dict(payload)) for a payload that exists already  [signal-payload]
    await order_placed.send(None, payload)
    # E: A signal takes its payload by keyword; write send(sender, **dict(payload)) for a payload that exists already  [signal-payload]
    await order_placed.send(sender=None, payload=payload)
    await order_placed.send(payload, order_id=1, email="")

    # E: Receiver "notify" requires "event", which OrderPlaced does not provide; did you mean "payload"?  [signal-receiver]
    @order_placed.connect
    async def notify(sender: object, event: OrderPlaced) -> None: ...


def check_positional_sender() -> None:
    """Odd: options by position, as Django takes them"""

    # E: Receiver "Box" is a class; connect an instance with an async "__call__", or write sender=Box to filter by sender  [signal-receiver]
    @order_placed.connect(Box)
    async def decorated(sender: object, **kwargs: object) -> None: ...

    # E: "connect of Signal" takes its options by keyword alone; write sender=... for a sender  [signal-receiver]
    order_placed.connect(right, Box)
    # E: "check of Signal" takes its options by keyword alone; write sender=... for a sender  [signal-receiver]
    order_placed.check(right, Box)
    # E: "connected_to of Signal" takes its options by keyword alone; write sender=... for a sender  [signal-receiver]
    order_placed.connected_to(right, Box)


def check_one_mistake() -> None:
    """Odd: one error for one mistake"""

    def take(signal: Signal[OrderPlaced]) -> None: ...

    # E: "Signal(...)" has no option "nam"; did you mean "name"?  [signal-payload]
    take(Signal(nam="placed"))
    # E: @receiver needs a signal, or a list of signals, as in @receiver([saved, deleted])  [signal-receiver]
    receiver(signal=order_placed)
    # E: @receiver needs a signal, or a list of signals, as in @receiver([saved, deleted])  [signal-receiver]
    receiver()
    # E: @receiver needs a signal, or a list of signals, as in @receiver([saved, deleted])  [signal-receiver]
    receiver([])
    # E: "Signal(...)" is given bytes; give a model class, or a list of names such as ["order"]  [signal-payload]
    Signal(b"order")
    # E: "Signal(...)" has no option "x"; there are "providing_args", "name", and "concurrent"  [signal-payload]
    Signal(OrderPlaced, x=1)
