"""`fastdjango_signals.testing`: capture what is sent, assert it, and mute."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any
from unittest.mock import ANY

import pytest
from pydantic import Field, ValidationError

from fastdjango_signals import Payload, Signal, SignalOptionError, UnknownOptionError
from fastdjango_signals.testing import (
    Captured,
    CapturedFixture,
    Sends,
    SignalsFixture,
    capture,
    muted,
)


class OrderPlaced(Payload):
    order_id: int
    note: object = None


class OrderPaid(Payload):
    amount: int


LONG = "x" * 1000


class Shop: ...


class Store: ...


@pytest.fixture
def placed() -> Signal[Any, ...]:
    return Signal(OrderPlaced, name="placed")


@pytest.fixture
def paid() -> Signal[Any, ...]:
    return Signal(OrderPaid, name="paid")


async def first(sender: object, **kwargs: Any) -> str:
    return "first"


async def second(sender: object, **kwargs: Any) -> str:
    return "second"


async def responses(signal: Signal[Any, ...], sender: object = Shop, **fields: Any) -> list[Any]:
    return [
        response for _, response in await signal.send(sender=sender, **fields or {"order_id": 1})
    ]


def numbers(captured: Sends[Any]) -> list[int]:
    return [payload.order_id for payload in captured.payloads]


# --- capture -----------------------------------------------------------------


async def test_a_send_is_captured_and_its_receivers_run(placed: Signal[Any, ...]) -> None:
    placed.connect(first)

    with capture(placed) as captured:
        assert await responses(placed, order_id=7) == ["first"]

    (sent,) = captured
    assert isinstance(sent, Captured)
    assert (sent.signal, sent.sender) == (placed, Shop)
    assert sent.payload == OrderPlaced(order_id=7)


async def test_receivers_do_not_run_where_that_is_asked_for(placed: Signal[Any, ...]) -> None:
    placed.connect(first)

    with capture(placed, run=False) as captured:
        assert await responses(placed) == []
    assert len(captured) == 1
    assert await responses(placed) == ["first"]


async def test_a_receiver_is_given_the_payload_that_is_captured(placed: Signal[Any, ...]) -> None:
    given: list[OrderPlaced] = []

    async def whole(sender: object, payload: OrderPlaced) -> None:
        given.append(payload)

    with placed.connected_to(whole), capture(placed) as captured:
        await placed.send(sender=Shop, order_id=1)
    assert captured[0].payload is given[0]


async def test_a_send_that_nobody_receives_is_captured(placed: Signal[Any, ...]) -> None:
    with capture(placed) as captured:
        await placed.send(sender=Shop, order_id=1)
        await placed.send_robust(sender=Shop, order_id=2)
    assert numbers(captured) == [1, 2]


async def test_a_send_whose_receiver_fails_is_captured(placed: Signal[Any, ...]) -> None:
    async def fails(sender: object, **kwargs: Any) -> None:
        raise LookupError

    with placed.connected_to(fails), capture(placed) as captured, pytest.raises(LookupError):
        await placed.send(sender=Shop, order_id=1)
    assert len(captured) == 1


async def test_an_invalid_payload_is_not_captured(placed: Signal[Any, ...]) -> None:
    with capture(placed) as captured, pytest.raises(ValidationError):
        await placed.send(sender=Shop, order_id="1")
    assert not captured


async def test_sends_outside_of_the_block_are_not_captured(placed: Signal[Any, ...]) -> None:
    await placed.send(sender=Shop, order_id=1)
    with capture(placed) as captured:
        pass
    await placed.send(sender=Shop, order_id=2)
    assert list(captured) == []


async def test_several_signals_are_captured_in_the_order_of_sending(
    placed: Signal[Any, ...], paid: Signal[Any, ...]
) -> None:
    with capture(placed, paid, placed) as captured:
        await placed.send(sender=Shop, order_id=1)
        await paid.send(sender=Shop, amount=5)
        await placed.send(sender=Shop, order_id=2)

    assert [sent.signal.name for sent in captured] == ["placed", "paid", "placed"]
    assert numbers(captured.of(placed)) == [1, 2]
    captured.of(paid).assert_sent_once(amount=5)


async def test_only_what_is_captured_can_be_asked_for(
    placed: Signal[Any, ...], paid: Signal[Any, ...]
) -> None:
    with capture(placed) as captured:
        pass
    with pytest.raises(SignalOptionError, match=r"^placed was captured, and paid was not; give"):
        captured.of(paid)
    with pytest.raises(SignalOptionError, match="takes signals, and was given 'paid'"):
        captured.of("paid")  # type: ignore[arg-type]


async def test_nothing_is_known_of_what_was_never_captured(placed: Signal[Any, ...]) -> None:
    captured = capture(placed)
    await placed.send(sender=Shop, order_id=1)

    looks: list[Callable[[], object]] = [
        captured.assert_not_sent,
        captured.assert_sent,
        captured.assert_sent_once,
        lambda: len(captured),
        lambda: captured[0],
        lambda: list(captured),
        lambda: captured.payloads,
        lambda: captured.of(placed),
        lambda: captured == [],
    ]
    for look in looks:
        with pytest.raises(SignalOptionError, match=r"placed has not begun; write: with capture\("):
            look()
    assert repr(captured) == "<Capture of placed: []>"


async def test_captures_nest(placed: Signal[Any, ...]) -> None:
    placed.connect(first)

    with capture(placed) as outer:
        with capture(placed, run=False) as inner:
            assert await responses(placed, order_id=1) == []
        assert await responses(placed, order_id=2) == ["first"]
    assert numbers(inner) == [1]
    assert numbers(outer) == [1, 2]


async def test_a_capture_may_be_entered_again_and_goes_on(placed: Signal[Any, ...]) -> None:
    captured = capture(placed)

    with captured, captured:
        await placed.send(sender=Shop, order_id=1)
    with captured:
        await placed.send(sender=Shop, order_id=2)
    assert numbers(captured) == [1, 2]


async def test_a_muted_signal_is_captured(placed: Signal[Any, ...]) -> None:
    placed.connect(first)

    with capture(placed) as captured, placed.muted():
        assert await responses(placed) == []
    assert len(captured) == 1


async def test_each_task_captures_its_own_sends(placed: Signal[Any, ...]) -> None:
    async def place(order_id: int) -> list[int]:
        with capture(placed) as captured:
            await asyncio.sleep(0)
            await placed.send(sender=Shop, order_id=order_id)
            await asyncio.sleep(0)
        return numbers(captured)

    assert await asyncio.gather(*map(place, range(3))) == [[0], [1], [2]]


async def test_tasks_of_a_block_are_captured_to_their_end(placed: Signal[Any, ...]) -> None:
    placed.connect(first)

    async def nested() -> list[Any]:
        return await asyncio.create_task(responses(placed))

    with capture(placed, run=False) as captured:
        inside = asyncio.create_task(nested())
    assert await inside == []
    assert len(captured) == 1


async def test_threads_are_captured_everywhere_alone(placed: Signal[Any, ...]) -> None:
    def place() -> None:
        asyncio.run(placed.send(sender=Shop, order_id=1))

    with capture(placed) as here, capture(placed, everywhere=True) as everywhere:
        thread = threading.Thread(target=place)
        thread.start()
        await asyncio.to_thread(thread.join)
    assert (len(here), len(everywhere)) == (0, 1)


async def test_a_capture_everywhere_ends_with_its_block(placed: Signal[Any, ...]) -> None:
    block = capture(placed, everywhere=True)
    with block:
        await placed.send(sender=Shop, order_id=1)
    block.__exit__()

    await placed.send(sender=Shop, order_id=2)
    assert numbers(block) == [1]


async def test_integrations_find_a_listener_where_a_signal_is_captured(
    placed: Signal[Any, ...],
) -> None:
    with capture(placed, run=False):
        assert placed.has_listeners(sender=Shop)
        assert placed.has_listeners()
    assert not placed.has_listeners()


async def test_a_concurrent_signal_is_captured() -> None:
    signal = Signal(OrderPlaced, concurrent=True)
    signal.connect(first)

    with capture(signal) as captured:
        assert await responses(signal) == ["first"]
    captured.assert_sent_once()


def test_only_signals_can_be_captured() -> None:
    with pytest.raises(SignalOptionError, match="takes signals, and was given 'placed'"):
        capture("placed")  # type: ignore[call-overload]


async def test_captured_sends_are_a_sequence(placed: Signal[Any, ...]) -> None:
    with capture(placed) as captured:
        await placed.send(sender=Shop, order_id=1)
        await placed.send(sender="till", order_id=2)

    assert captured[1:] == [captured[1]]
    assert captured[-1] in captured
    assert captured == captured[:]
    assert captured != []
    assert captured == captured  # noqa: PLR0124 - an equality of its own
    assert captured != tuple(captured)
    assert captured.of(placed) != captured
    assert len({captured, captured}) == 1
    module = __name__
    assert repr(captured) == (
        f"<Capture of placed: [placed from {module}.Shop: order_id=1, note=None, "
        "placed from 'till': order_id=2, note=None]>"
    )


# --- assertions --------------------------------------------------------------


@pytest.fixture
async def captured(placed: Signal[Any, ...]) -> Sends[Any]:
    with capture(placed) as captured:
        await placed.send(sender="shop", order_id=1)
        await placed.send(sender="shop", order_id=2, note="gift")
    return captured


def test_what_was_sent_is_returned(captured: Sends[Any]) -> None:
    assert captured.assert_sent() == list(captured)
    assert captured.assert_sent("shop", order_id=2) == [captured[1]]
    assert captured.assert_sent_once(sender="shop", note="gift") is captured[1]
    assert captured.assert_sent(order_id=ANY, sender=ANY) == list(captured)


def test_what_was_not_sent_passes(captured: Sends[Any]) -> None:
    captured.assert_not_sent(order_id=3)
    captured.assert_not_sent(sender="till")


def test_a_missing_send_shows_what_was_sent_instead(captured: Sends[Any]) -> None:
    with pytest.raises(AssertionError) as raised:
        captured.assert_sent(sender="till", order_id=1, note=None)
    assert str(raised.value) == (
        "placed was not sent with sender='till', order_id=1, note=None. What was sent:\n"
        "  1. placed from 'shop': order_id=1, note=None\n"
        "       sender is 'shop', not 'till'\n"
        "  2. placed from 'shop': order_id=2, note='gift'\n"
        "       sender is 'shop', not 'till'\n"
        "       order_id is 2, not 1\n"
        "       note is 'gift', not None"
    )


def test_a_send_too_many_is_shown(captured: Sends[Any]) -> None:
    with pytest.raises(AssertionError) as raised:
        captured.assert_sent_once(sender="shop")
    assert str(raised.value) == (
        "placed was sent 2 times, and not once, with sender='shop'. What was sent:\n"
        "  1. placed from 'shop': order_id=1, note=None\n"
        "  2. placed from 'shop': order_id=2, note='gift'"
    )


def test_an_unwanted_send_is_shown(captured: Sends[Any]) -> None:
    with pytest.raises(AssertionError, match=r"^placed was sent with order_id=2\. What was sent:"):
        captured.assert_not_sent(order_id=2)
    with pytest.raises(AssertionError, match=r"^placed was sent\. What was sent:"):
        captured.assert_not_sent()


def test_where_nothing_was_sent_the_message_says_so(placed: Signal[Any, ...]) -> None:
    with capture(placed) as captured:
        pass
    with pytest.raises(AssertionError, match=r"^placed was not sent\. Nothing was sent\.$"):
        captured.assert_sent()
    with pytest.raises(AssertionError, match=r"^placed was not sent with order_id=1\. Nothing"):
        captured.assert_sent_once(order_id=1)


def test_a_misspelt_field_is_no_assertion(captured: Sends[Any]) -> None:
    with pytest.raises(UnknownOptionError, match='placed has no field "ordr_id"; did you mean'):
        captured.assert_not_sent(ordr_id=1)
    with pytest.raises(UnknownOptionError, match='no field "x"; there are order_id, note'):
        captured.assert_sent(x=1)


def test_a_signal_without_fields_says_so() -> None:
    with (
        capture(Signal([], name="bare")) as captured,
        pytest.raises(UnknownOptionError, match='no field "x"; there are none'),
    ):
        captured.assert_not_sent(x=1)


async def test_an_open_signal_may_have_any_field() -> None:
    signal = Signal(name="open")

    with capture(signal) as captured:
        await signal.send(sender="shop", order_id=1)
        await signal.send(sender="shop")
    captured.assert_sent_once(order_id=1)
    with pytest.raises(AssertionError) as raised:
        captured.assert_sent(ordr_id=1)
    assert "1. open from 'shop': order_id=1\n       there is no ordr_id\n" in str(raised.value)
    assert "2. open from 'shop': no fields\n" in str(raised.value)


async def test_of_several_signals_each_has_its_own_fields(
    placed: Signal[Any, ...], paid: Signal[Any, ...]
) -> None:
    with capture(placed, paid) as captured:
        await placed.send(sender=Shop, order_id=1)

    captured.assert_sent_once(order_id=1)
    with pytest.raises(AssertionError, match="placed or paid was not sent with amount=1"):
        captured.assert_sent(amount=1)


async def test_a_long_list_of_sends_is_cut(placed: Signal[Any, ...]) -> None:
    with capture(placed) as captured:
        for number in range(23):
            await placed.send(sender=Shop, order_id=number)
    with pytest.raises(AssertionError, match=r"order_id=19, note=None\n.*\n  \.\.\. and 3 more$"):
        captured.assert_sent(order_id=99)


async def test_of_many_sends_those_that_fit_are_shown(placed: Signal[Any, ...]) -> None:
    with capture(placed) as captured:
        for number in range(30):
            await placed.send(sender=Shop, order_id=number, note=number == 25)
        await placed.send(sender=Shop, order_id=25)
    shop = f"{__name__}.Shop"
    shown = (
        f"  26. placed from {shop}: order_id=25, note=True\n"
        f"  31. placed from {shop}: order_id=25, note=None\n"
        "  ... and 29 that do not fit"
    )

    with pytest.raises(AssertionError) as raised:
        captured.assert_not_sent(order_id=25)
    assert str(raised.value) == f"placed was sent with order_id=25. What was sent:\n{shown}"
    with pytest.raises(AssertionError) as raised:
        captured.assert_sent_once(order_id=25)
    assert str(raised.value).endswith(f"with order_id=25. What was sent:\n{shown}")
    with pytest.raises(AssertionError, match=r"\n  \.\.\. and 9 more\n  \.\.\. and 2 that do not"):
        captured.assert_not_sent(note=False)


@pytest.mark.parametrize(
    ("sent", "expected", "text"),
    [
        (f"{LONG}a", f"{LONG}b", f"...{'x' * 100}a', not ...{'x' * 100}b'"),
        (LONG, f"{LONG}b", f"...{'x' * 100}', not ...{'x' * 100}b'"),
        (f"a{LONG}", f"b{LONG}", f"'a{'x' * 198}..., not 'b{'x' * 198}..."),
        ("x" * 150, LONG, f"'{'x' * 150}', not '{'x' * 199}..."),
    ],
)
async def test_long_values_are_shown_where_they_differ(
    placed: Signal[Any, ...], sent: object, expected: object, text: str
) -> None:
    with capture(placed) as captured:
        await placed.send(sender=Shop, order_id=1, note=sent)
    with pytest.raises(AssertionError) as raised:
        captured.assert_sent(note=expected)
    assert str(raised.value).endswith(f"note is {text}")


async def test_an_entry_of_a_long_value_that_differs_is_shown(placed: Signal[Any, ...]) -> None:
    entries = {f"key {number}": number for number in range(100)}
    with capture(placed) as captured:
        await placed.send(sender=Shop, order_id=1, note={**entries, "key 90": "odd"})
    with pytest.raises(
        AssertionError, match=r"note is \.\.\..*'key 90': 'odd'.*not .*'key 90': 90"
    ):
        captured.assert_sent(note=entries)


@pytest.mark.parametrize(
    ("expected", "what", "where"),
    [("sender", "sender", "sent.sender"), ("note", "note", "sent.payload.note")],
)
async def test_values_that_cannot_be_compared_are_named(
    placed: Signal[Any, ...], expected: str, what: str, where: str
) -> None:
    class Array:
        def __eq__(self, other: object) -> bool:
            raise ValueError("the truth value is ambiguous")

        __hash__ = object.__hash__

    with capture(placed) as captured:
        await placed.send(sender=Array(), order_id=1, note=Array())
    with pytest.raises(ValueError, match="ambiguous") as raised:
        captured.assert_sent(**{expected: Array()})
    assert raised.value.__notes__ == [
        f'comparing "{what}" of a send of placed; leave it out, and compare {where} yourself'
    ]


async def test_a_payload_may_iterate_as_it_likes() -> None:
    class Basket(Payload):
        items: list[str]

        def __iter__(self) -> Iterator[str]:  # type: ignore[override]
            return iter(self.items)

        @cached_property
        def size(self) -> int:
            return len(self.items)

    signal = Signal(Basket, name="basket")
    with capture(signal) as captured:
        await signal.send(sender=Shop, items=["tea"])
    assert captured[0].payload.size == 1
    assert captured.assert_sent_once(items=["tea"]) is captured[0]
    assert repr(captured[0]) == f"basket from {__name__}.Shop: items=['tea']"


async def test_fields_that_are_not_to_be_shown_are_not() -> None:
    class Registered(Payload):
        email: str
        password: str = Field(repr=False)

    signal = Signal(Registered, name="registered")
    with capture(signal) as captured:
        await signal.send(sender="shop", email="ada@example.com", password="tiger")
    captured.assert_sent_once(password="tiger")
    with pytest.raises(AssertionError) as raised:
        captured.assert_sent(password="lion")
    assert str(raised.value) == (
        "registered was not sent with password=<not shown>. What was sent:\n"
        "  1. registered from 'shop': email='ada@example.com', password=<not shown>\n"
        "       password differs; its field has repr=False, so it is not shown"
    )


async def test_values_that_are_long_or_cannot_be_shown_do_no_harm(
    placed: Signal[Any, ...],
) -> None:
    class Broken:
        def __repr__(self) -> str:
            raise LookupError

    with capture(placed) as captured:
        await placed.send(sender=Shop, order_id=1, note=Broken())
        await placed.send(sender=Shop, order_id=2, note="x" * 1000)
    with pytest.raises(AssertionError, match=r"Broken object>") as raised:
        captured.assert_sent(order_id=3)
    assert "xxx..." in str(raised.value)
    assert len(str(raised.value)) < 800


# --- muted -------------------------------------------------------------------


async def test_several_signals_are_muted(placed: Signal[Any, ...], paid: Signal[Any, ...]) -> None:
    placed.connect(first)
    paid.connect(first)

    with muted(placed, paid):
        assert await responses(placed) == []
        assert await responses(paid, amount=1) == []
        assert not placed.has_listeners()
    assert await responses(placed) == ["first"]


async def test_one_receiver_is_muted(placed: Signal[Any, ...], paid: Signal[Any, ...]) -> None:
    placed.connect(first)
    placed.connect(second, sender=Shop, dispatch_uid="second")
    paid.connect(second)

    with muted(placed, receiver=second):
        assert await responses(placed) == ["first"]
        assert await responses(paid, amount=1) == ["second"]
        assert await placed.send_robust(sender=Shop, order_id=1) == [(first, "first")]
    assert await responses(placed) == ["first", "second"]


async def test_a_muted_receiver_lives_as_long_as_its_mute(placed: Signal[Any, ...]) -> None:
    """Else one that is connected meanwhile may be given its `id`, and be muted."""

    async def local(sender: object, **kwargs: Any) -> None: ...

    class Mailer:
        async def send(self, sender: object, **kwargs: Any) -> None: ...

    mailer = Mailer()
    placed.connect(local)
    placed.connect(mailer.send)
    alive: list[weakref.ref[Any]] = [weakref.ref(local), weakref.ref(mailer)]
    with muted(placed, receiver=local), muted(placed, receiver=mailer.send):
        del local, mailer
        gc.collect()
        assert None not in [each() for each in alive]
        assert await responses(placed) == []
    assert placed.receivers == []


async def test_a_muted_receiver_listens_to_nothing(placed: Signal[Any, ...]) -> None:
    placed.connect(first, sender=Shop)

    with muted(placed, receiver=first):
        assert not placed.has_listeners(sender=Shop)
        assert not placed.has_listeners()
    assert placed.has_listeners(sender=Shop)


async def test_a_bound_method_is_muted(placed: Signal[Any, ...]) -> None:
    class Mailer:
        async def send(self, sender: object, **kwargs: Any) -> str:
            return "mailed"

    mailer, other = Mailer(), Mailer()
    placed.connect(mailer.send)
    placed.connect(other.send)

    with muted(placed, receiver=mailer.send):
        assert [receiver for receiver, _ in await placed.send(sender=Shop, order_id=1)] == [
            other.send
        ]


async def test_mutes_of_receivers_nest(placed: Signal[Any, ...]) -> None:
    placed.connect(first)
    placed.connect(second)

    with muted(placed, receiver=first):
        with muted(placed, receiver=second):
            assert await responses(placed) == []
        assert await responses(placed) == ["second"]
    assert await responses(placed) == ["first", "second"]


async def test_a_collected_receiver_does_not_disturb_a_mute(placed: Signal[Any, ...]) -> None:
    async def local(sender: object, **kwargs: Any) -> None: ...

    placed.connect(first)
    placed.connect(local)
    plan = placed._registry.plan(None)  # a send that is under way keeps the reference
    with muted(placed, receiver=first):
        del local
        left = placed.watch.reach(plan, Shop, OrderPlaced(order_id=1))
        assert [connection.resolve() for connection in left.connections] == [None]


def test_a_receiver_must_be_connected_to_be_muted(
    placed: Signal[Any, ...], paid: Signal[Any, ...]
) -> None:
    placed.connect(first)

    with pytest.raises(SignalOptionError, match=r"Signal paid has no receiver .*first \(.*muted"):
        muted(placed, paid, receiver=first)


async def test_a_running_task_is_muted_everywhere_alone(placed: Signal[Any, ...]) -> None:
    placed.connect(first)
    go = asyncio.Event()

    async def runs() -> tuple[list[Any], list[Any]]:
        await go.wait()
        here = await responses(placed)
        with muted(placed, everywhere=True):
            return here, await asyncio.to_thread(lambda: asyncio.run(responses(placed)))

    task = asyncio.create_task(runs())
    await asyncio.sleep(0)
    with muted(placed):
        go.set()
        assert await task == (["first"], [])


def test_only_signals_can_be_muted() -> None:
    with pytest.raises(SignalOptionError, match="takes signals, and was given"):
        muted(first)  # type: ignore[arg-type]


# --- the fixtures ------------------------------------------------------------


@pytest.fixture
def signals() -> Iterator[SignalsFixture]:
    with SignalsFixture() as fixture:
        yield fixture


async def test_the_fixture_connects_until_it_ends(placed: Signal[Any, ...]) -> None:
    async def local(sender: object, **kwargs: Any) -> str:
        return "local"

    with SignalsFixture() as signals:
        assert signals.connect(placed, local, sender=Shop) is local
        assert await responses(placed) == ["local"]
        assert await responses(placed, Store) == []
    assert placed.receivers == []


async def test_the_fixture_connects_as_a_decorator(placed: Signal[Any, ...]) -> None:
    with SignalsFixture() as signals:

        @signals.connect(placed, sender=Shop, priority=1)
        async def local(sender: object, **kwargs: Any) -> str:
            return "local"

        async def other(sender: object, **kwargs: Any) -> str:
            return "other"

        assert signals.connect(placed)(other) is other
        del other
        assert await responses(placed) == ["local", "other"]
        assert await responses(placed, Store) == ["other"]
    assert placed.receivers == []


async def test_the_fixture_mutes_until_it_ends(placed: Signal[Any, ...]) -> None:
    placed.connect(first)
    placed.connect(second)

    with SignalsFixture() as signals:
        signals.mute(placed, receiver=first)
        assert await responses(placed) == ["second"]
        signals.mute(placed)
        assert await responses(placed) == []
    assert await responses(placed) == ["first", "second"]


async def test_the_fixture_captures_until_it_ends(placed: Signal[Any, ...]) -> None:
    placed.connect(first)

    with SignalsFixture() as signals:
        assert isinstance(signals.capture, CapturedFixture)
        captured = signals.capture(placed)
        assert await responses(placed) == ["first"]
        assert len(signals.capture(placed, run=False)) == 0
        assert await responses(placed) == []
    await placed.send(sender=Shop, order_id=1)
    assert len(captured) == 2


async def test_a_fixture_holds_in_the_task_of_the_test(
    placed: Signal[Any, ...], signals: SignalsFixture
) -> None:
    """A sync fixture begins in another context than that of the test."""
    captured = signals.capture(placed)
    task = asyncio.create_task(placed.send(sender=Shop, order_id=1))
    await task
    captured.assert_sent_once(Shop, order_id=1)


def test_the_fixture_connects_to_signals_only(signals: SignalsFixture) -> None:
    with pytest.raises(SignalOptionError, match="takes signals"):
        signals.connect("placed", first)  # type: ignore[call-overload]
    with pytest.raises(SignalOptionError, match=r"takes signals, and was given .*first"):
        signals.connect(first)  # type: ignore[call-overload]


def test_the_options_of_the_decorator_are_read_at_once(
    placed: Signal[Any, ...], signals: SignalsFixture
) -> None:
    with pytest.raises(UnknownOptionError, match='placed has no option "prioritee"; did you mean'):
        signals.connect(placed, prioritee=1)  # type: ignore[call-overload]
