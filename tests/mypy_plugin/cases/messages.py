"""Every message, and several problems in one."""

from payloads import OrderPlaced, OrderRefunded

from fastdjango_signals import Signal

order_placed = Signal(OrderPlaced)


def check_types() -> None:
    """Message: a type"""

    # E: Receiver "notify" takes "order_id: str", but OrderPlaced.order_id is "int"  [signal-receiver]
    @order_placed.connect
    async def notify(sender: object, order_id: str, **kwargs: object) -> None: ...

    # E: Receiver "charge" takes "payload: OrderRefunded", but the payload is "OrderPlaced"  [signal-receiver]
    @order_placed.connect
    async def charge(sender: object, payload: OrderRefunded) -> None: ...


def check_near_names() -> None:
    """Message: a near name"""

    # E: Receiver "near" requires "ordr_id", which OrderPlaced does not provide; did you mean "order_id"?  [signal-receiver]
    @order_placed.connect
    async def near(sender: object, ordr_id: int, **kwargs: object) -> None: ...

    # E: Receiver "far" requires "customer", which OrderPlaced does not provide  [signal-receiver]
    @order_placed.connect
    async def far(sender: object, customer: int, **kwargs: object) -> None: ...

    # E: Receiver "in_its_place" requires "ordr_id", which OrderPlaced does not provide; did you mean "order_id"?  [signal-receiver]
    @order_placed.connect
    async def in_its_place(sender: object, ordr_id: int, email: str, note: str | None) -> None: ...


def check_no_place() -> None:
    """Message: no place"""

    # E: Receiver "one" has no place for "note" of OrderPlaced; add it or "**kwargs"  [signal-receiver]
    @order_placed.connect
    async def one(sender: object, order_id: int, email: str) -> None: ...

    # E: Receiver "two" has no place for "email" and "note" of OrderPlaced; add them or "**kwargs"  [signal-receiver]
    @order_placed.connect
    async def two(sender: object, order_id: int) -> None: ...


def check_async() -> None:
    """Message: not async"""

    # E: Receiver "notify" is not async; declare it with "async def"  [signal-receiver]
    @order_placed.connect
    def notify(sender: object, payload: OrderPlaced) -> None: ...


def check_sender() -> None:
    """Message: no sender, by position"""

    # E: Receiver "no_sender" has no parameter "sender", which every signal gives  [signal-receiver]
    @order_placed.connect
    async def no_sender(order_id: int, **kwargs: object) -> None: ...

    # E: Receiver "by_position" takes parameters by position alone, but is called by keyword; remove the "/"  [signal-receiver]
    @order_placed.connect
    async def by_position(sender: object, order_id: int, /, **kwargs: object) -> None: ...

    # E: Receiver "beside_payload" takes the payload whole, so nothing fills "order_id"; read payload.order_id  [signal-receiver]
    @order_placed.connect
    async def beside_payload(sender: object, payload: OrderPlaced, order_id: int) -> None: ...


def check_several() -> None:
    """Message: several problems in one"""

    # E: Receiver "everything" is not async; declare it with "async def". It has no parameter "sender", which every signal gives. It takes "order_id: str", but OrderPlaced.order_id is "int". It requires "emial", which OrderPlaced does not provide; did you mean "email"? It has no place for "note" of OrderPlaced; add it or "**kwargs"  [signal-receiver]
    @order_placed.connect
    def everything(order_id: str, emial: str) -> None: ...


async def check_sends() -> None:
    """Message: sends"""
    # E: Argument "order_id" to "send" of "Signal" has incompatible type "str"; expected "int"  [arg-type]
    await order_placed.send(sender=None, order_id="1", email="")
    # E: Missing named argument "email" for "send" of "Signal"  [call-arg]
    await order_placed.send(sender=None, order_id=1)
    # E: Unexpected keyword argument "emial" for "send" of "Signal"; did you mean "email"?  [call-arg]
    await order_placed.send(sender=None, order_id=1, emial="")
    # E: A signal takes its payload by keyword; write send(sender, order_id=..., email=..., note=...)  [signal-payload]
    await order_placed.send(None, 1, "ada@example.com")
    # E: A signal takes its payload by keyword; write send(sender, **dict(payload)) for a payload that exists already  [signal-payload]
    await order_placed.send(None, OrderPlaced(order_id=1, email=""))
    # E: Missing positional argument "sender" in call to "send" of "Signal"  [call-arg]
    await order_placed.send(order_id=1, email="")


async def check_ignored() -> None:
    """Message: ignored by its code"""
    order_placed.connect(42)  # type: ignore[signal-receiver]
    await order_placed.send(None, 1)  # type: ignore[signal-payload]
    Signal("order")  # type: ignore[signal-payload]
