"""What is left of types: receivers keep theirs, and signals tell what they carry."""

from typing import Any, assert_type

from payloads import Aliased, Changed, OrderPlaced, UrgentOrderPlaced

from fastdjango_signals import PostSave, Signal, post_save, receiver

order_placed = Signal(OrderPlaced)


def check_own_type() -> None:
    """A receiver keeps its own type"""

    @order_placed.connect
    async def bare(sender: object, order_id: int, **kwargs: object) -> int:
        return order_id

    @order_placed.connect(priority=3)
    async def payload_style(sender: object, payload: OrderPlaced) -> str:
        return payload.email

    @receiver([order_placed])
    async def several(sender: object, email: str, **kwargs: object) -> None: ...

    async def called() -> None:
        assert_type(await bare(None, 1), int)
        assert_type(await payload_style(None, OrderPlaced(order_id=1, email="")), str)
        # E: Argument 2 to "bare" has incompatible type "str"; expected "int"  [arg-type]
        await bare(None, "1")
        # E: Missing positional argument "payload" in call to "payload_style"  [call-arg]
        await payload_style(None)
        # E: Missing positional argument "email" in call to "several"  [call-arg]
        await several(None)

    # N: Revealed type is "def (sender: object, order_id: int, **kwargs: object) -> typing.Coroutine[Any, Any, int]"
    reveal_type(bare)


def check_defaults() -> None:
    """A defaulted field, named without a default"""

    @order_placed.connect
    async def all_of_them(sender: object, order_id: int, email: str, note: str | None) -> None: ...

    @order_placed.connect
    async def by_keyword(sender: object, *, note: str | None, **kwargs: object) -> None: ...

    # E: Receiver "narrower" takes "note: str", but OrderPlaced.note is "str | None"  [signal-receiver]
    @order_placed.connect
    async def narrower(sender: object, *, note: str, **kwargs: object) -> None: ...


def check_reveal() -> None:
    """reveal_type of a signal"""
    # N: Revealed type is "fastdjango_signals.signals.Signal[payloads.OrderPlaced, [*, order_id: int, email: str, note: str | None =]]"
    reveal_type(Signal(OrderPlaced))
    # N: Revealed type is "fastdjango_signals.signals.Signal[Any, [*, order: Any, user: Any]]"
    reveal_type(Signal(["order", "user"]))
    # N: Revealed type is "fastdjango_signals.signals.Signal[Any, [**Any]]"
    reveal_type(Signal())
    # N: Revealed type is "fastdjango_signals.signals.Signal[payloads.OrderPlaced, [*, order_id: int, email: str, note: str | None =]]"
    reveal_type(Signal[OrderPlaced]())
    # N: Revealed type is "fastdjango_signals.signals.Signal[payloads.Changed[int], [*, old: int, new: int]]"
    reveal_type(Signal(Changed[int]))
    # N: Revealed type is "fastdjango_signals.signals.Signal[payloads.Aliased, [*, order_id: int, email: str]]"
    reveal_type(Signal(Aliased))
    # N: Revealed type is "fastdjango_signals.signals.Signal[fastdjango_signals.builtin.PostSave[Any], [*, instance: Any, created: bool, raw: bool =, using: str | None =, update_fields: list[str] | tuple[str, ...] | typing.AbstractSet[str] | None =]]"
    reveal_type(post_save)
    # N: Revealed type is "fastdjango_signals.receivers.Connector[payloads.OrderPlaced, [*, order_id: int, email: str, note: str | None =]]"
    reveal_type(order_placed.connect(sender=int))
    assert_type(Signal(UrgentOrderPlaced).providing_args, type[UrgentOrderPlaced])
    assert_type(post_save.providing_args, type[PostSave[Any]])
