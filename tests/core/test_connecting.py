"""Connecting and disconnecting: forms, options, order, identity."""

from __future__ import annotations

import gc
from typing import Any
from unittest.mock import AsyncMock

import pytest

from fastdjango_signals import (
    ConnectedReceiver,
    Payload,
    Signal,
    SignalOptionError,
    UnknownOptionError,
    receiver,
)


class Ping(Payload):
    x: int = 0


class Shop: ...


class Store: ...


@pytest.fixture
def signal() -> Signal[Any, ...]:
    return Signal(Ping, name="ping")


async def first(sender: object, **kwargs: Any) -> str:
    return "first"


async def second(sender: object, **kwargs: Any) -> str:
    return "second"


async def third(sender: object, **kwargs: Any) -> str:
    return "third"


async def responses(signal: Signal[Any, ...], sender: object = None) -> list[Any]:
    return [response for _, response in await signal.send(sender=sender)]


async def test_a_bare_decorator_connects_to_every_sender(signal: Signal[Any, ...]) -> None:
    @signal.connect
    async def decorated(sender: object, **kwargs: Any) -> object:
        return sender

    assert await responses(signal, Shop) == [Shop]
    assert await responses(signal, "x") == ["x"]
    assert await responses(signal) == [None]


async def test_a_decorator_with_options_connects_with_them(signal: Signal[Any, ...]) -> None:
    @signal.connect(sender=Shop, weak=False, priority=1)
    async def decorated(sender: object, **kwargs: Any) -> str:
        return "decorated"

    assert await responses(signal, Shop) == ["decorated"]
    assert await responses(signal, Store) == []


async def test_a_decorator_connects_each_receiver_that_it_is_given(
    signal: Signal[Any, ...],
) -> None:
    connect = signal.connect(sender=Shop)
    connect(first)
    connect(second)

    assert await responses(signal, Shop) == ["first", "second"]


async def test_the_receiver_decorator_connects_to_one_signal(signal: Signal[Any, ...]) -> None:
    @receiver(signal, sender=Shop)
    async def decorated(sender: object, **kwargs: Any) -> str:
        return "decorated"

    assert await responses(signal, Shop) == ["decorated"]
    assert await responses(signal, Store) == []


async def test_the_receiver_decorator_connects_to_several_signals(
    signal: Signal[Any, ...],
) -> None:
    other = Signal(Ping)

    @receiver([signal, other], sender=Shop)
    async def decorated(sender: object, **kwargs: Any) -> str:
        return "decorated"

    assert await responses(signal, Shop) == await responses(other, Shop) == ["decorated"]


def test_the_receiver_decorator_connects_to_all_or_none(signal: Signal[Any, ...]) -> None:
    class Pong(Payload):
        y: int

    other = Signal(Pong)

    async def unfit(sender: object, x: int) -> None: ...

    with pytest.raises(TypeError, match="unfit"):
        receiver([signal, other])(unfit)  # type: ignore[signal-receiver]
    assert not signal.receivers


@pytest.mark.parametrize("signals", [[], None, [first], "ping", first])
def test_the_receiver_decorator_refuses_what_is_no_signal(signals: Any) -> None:
    with pytest.raises(SignalOptionError, match="needs a signal, or a list of signals"):
        receiver(signals)


def test_the_receiver_decorator_checks_its_options_at_once(signal: Signal[Any, ...]) -> None:
    with pytest.raises(UnknownOptionError):
        receiver([signal], prioritty=1)  # type: ignore[signal-receiver]


async def test_higher_priorities_run_first_and_equal_ones_in_order_of_connection(
    signal: Signal[Any, ...],
) -> None:
    signal.connect(first, sender=Shop)
    signal.connect(second, priority=-1)
    signal.connect(third, priority=10)

    @signal.connect
    async def fourth(sender: object, **kwargs: Any) -> str:
        return "fourth"

    assert await responses(signal, Shop) == ["third", "first", "fourth", "second"]


async def test_connecting_twice_changes_nothing(signal: Signal[Any, ...]) -> None:
    signal.connect(first)
    signal.connect(second)
    signal.connect(first, priority=-5)

    assert await responses(signal) == ["first", "second"]


async def test_one_receiver_may_listen_to_several_senders(signal: Signal[Any, ...]) -> None:
    signal.connect(first, sender=Shop)
    signal.connect(first, sender=Store)
    signal.connect(first)

    assert await responses(signal, Shop) == ["first", "first"]
    assert await responses(signal, Store) == ["first", "first"]
    assert await responses(signal) == ["first"]


async def test_a_dispatch_uid_stands_for_the_identity_of_the_receiver(
    signal: Signal[Any, ...],
) -> None:
    signal.connect(first, dispatch_uid="audit")
    signal.connect(second, dispatch_uid="audit")
    signal.connect(first)

    assert await responses(signal) == ["first", "first"]
    assert signal.disconnect(dispatch_uid="audit")
    assert await responses(signal) == ["first"]
    assert signal.disconnect(first)


async def test_disconnect_tells_whether_anything_was_connected(
    signal: Signal[Any, ...],
) -> None:
    signal.connect(first, sender=Shop)

    assert not signal.disconnect(first)
    assert not signal.disconnect(first, sender=Store)
    assert not signal.disconnect(second, sender=Shop)
    assert not signal.disconnect(first, sender=Shop, dispatch_uid="x")
    assert signal.disconnect(first, sender=Shop)
    assert not signal.disconnect(first, sender=Shop)
    assert await responses(signal, Shop) == []


def test_disconnecting_nothing_is_refused(signal: Signal[Any, ...]) -> None:
    with pytest.raises(SignalOptionError, match="give the receiver or its dispatch_uid"):
        signal.disconnect(sender=Shop)


def test_disconnecting_from_an_unhashable_sender_finds_nothing(
    signal: Signal[Any, ...],
) -> None:
    signal.connect(first)

    assert not signal.disconnect(first, sender=[])


async def test_bound_methods_of_one_object_are_one_receiver_each(
    signal: Signal[Any, ...],
) -> None:
    class Handlers:
        async def one(self, sender: object, **kwargs: Any) -> str:
            return "one"

        async def two(self, sender: object, **kwargs: Any) -> str:
            return "two"

    a, b = Handlers(), Handlers()
    signal.connect(a.one)
    signal.connect(a.one)
    signal.connect(a.two)
    signal.connect(b.one)

    assert await responses(signal) == ["one", "two", "one"]
    assert signal.disconnect(a.one)
    assert await responses(signal) == ["two", "one"]


class SlottedList(list[int]):
    __slots__ = ()


class SlottedHandlers:
    __slots__ = ()

    async def method(self, sender: object, **kwargs: Any) -> str:
        return "slotted"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"priority": "high"}, "priority is 'high'; give a whole number"),
        ({"priority": True}, "priority is .*give a whole number"),
        ({"priority": 1.5}, "give a whole number"),
        ({"weak": None}, "weak is None; give True or False"),
        ({"on_commit": 1}, "on_commit is .*give True or False"),
        ({"subclasses": "yes"}, "subclasses is 'yes'; give True or False"),
        ({"subclasses": True}, "subclasses=True needs a class as the sender, not None"),
        ({"subclasses": True, "sender": "shop"}, "needs a class as the sender, not 'shop'"),
        ({"dispatch_uid": []}, "dispatch_uid is .*cannot be hashed"),
        ({"sender": []}, "sender is .*neither weakly referenced nor hashed"),
        ({"sender": {}}, "sender is .*neither weakly referenced nor hashed"),
        ({"prioritty": 1}, 'no option "prioritty"; did you mean "priority"'),
        ({"zzz": 1}, 'no option "zzz"; there are dispatch_uid, on_commit, priority, sender'),
    ],
)
def test_options_that_make_no_sense_are_refused(
    signal: Signal[Any, ...], options: Any, words: str
) -> None:
    for connect in (signal.connect, signal.connected_to, signal.check):
        with pytest.raises(SignalOptionError, match=f"Signal ping .*{words}") as caught:
            connect(first, **options)
        assert isinstance(caught.value, ValueError)
        assert caught.value.signal == "ping"
    with pytest.raises(SignalOptionError):
        signal.connect(**options)
    assert not signal.receivers


def test_options_by_position_are_refused_with_what_to_write(signal: Signal[Any, ...]) -> None:
    calls: list[Any] = [signal.connect, signal.disconnect, receiver]
    for call in calls:
        with pytest.raises(UnknownOptionError, match=r"by keyword only; write sender=.*Shop"):
            call(signal, Shop)


def test_an_option_that_does_not_exist_is_a_type_error_too(signal: Signal[Any, ...]) -> None:
    with pytest.raises(TypeError):
        signal.connect(first, nope=1)  # type: ignore[call-arg]


def test_a_receiver_that_cannot_be_held_weakly_is_refused(signal: Signal[Any, ...]) -> None:
    handlers = SlottedHandlers()

    with pytest.raises(SignalOptionError, match=r"cannot hold .*method .*weakly.*weak=False"):
        signal.connect(handlers.method)
    assert not signal.receivers
    signal.connect(handlers.method, weak=False)
    assert signal.receivers


def test_receivers_are_listed_in_call_order_with_their_options(
    signal: Signal[Any, ...],
) -> None:
    signal.connect(first, sender=Shop, weak=False, dispatch_uid="audit")
    signal.connect(second, priority=2, on_commit=True)
    signal.connect(third, sender=Store, subclasses=True)

    listed = signal.receivers

    assert [each.receiver for each in listed] == [second, first, third]
    assert [each.sender for each in listed] == [None, Shop, Store]
    line = first.__code__.co_firstlineno
    assert listed[1] == ConnectedReceiver(
        receiver=first,
        sender=Shop,
        weak=False,
        dispatch_uid="audit",
        takes_payload=False,
        location=f"{__file__}:{line}",
    )
    assert (listed[0].priority, listed[0].on_commit, listed[2].subclasses) == (2, True, True)


async def test_a_receiver_of_payloads_is_listed_as_such(signal: Signal[Any, ...]) -> None:
    async def whole(sender: object, payload: Ping) -> None: ...

    signal.connect(whole)

    assert signal.receivers[0].takes_payload


async def test_has_listeners_tells_who_would_be_reached(signal: Signal[Any, ...]) -> None:
    assert not signal.has_listeners()
    assert not signal.has_listeners(sender=Shop)

    signal.connect(first, sender=Shop)

    assert signal.has_listeners()
    assert signal.has_listeners(sender=Shop)
    assert signal.has_listeners(Shop)
    assert not signal.has_listeners(sender=Store)
    assert not signal.has_listeners(sender=None)
    with signal.muted():
        assert not signal.has_listeners()
        assert not signal.has_listeners(sender=Shop)

    signal.connect(second)

    assert signal.has_listeners(sender=Store)
    assert signal.has_listeners(sender=None)
    assert signal.has_listeners(sender=[])


async def test_the_receivers_for_a_sender_are_those_that_a_send_would_reach() -> None:
    class Shop: ...

    class Branch(Shop): ...

    signal = Signal(["order"], concurrent=True)
    everyone, shop, gone = AsyncMock(), AsyncMock(), AsyncMock()
    signal.connect(everyone)
    signal.connect(shop, sender=Shop, subclasses=True, priority=1, on_commit=True)
    signal.connect(gone, sender=Shop)
    del gone
    gc.collect()
    reached = signal.receivers_for(Branch)
    assert [each.receiver for each in reached] == [shop, everyone]
    assert [each.sender for each in reached] == [Branch, Branch]
    assert reached[0].on_commit
    assert [each.receiver for each in signal.receivers_for("till")] == [everyone]
    with signal.muted():
        assert len(signal.receivers_for(Shop)) == 2
    assert signal.concurrent
    assert not Signal().concurrent
