"""What a relay does between the signals and the broker, which here is this process."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import weakref
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any
from unittest.mock import AsyncMock
from uuid import uuid4

import pytest

from fastdjango_signals import Payload, ReceiverCancelledError, Signal
from fastdjango_signals.relay import (
    EncodeError,
    PublishError,
    Relay,
    Replayed,
    Retry,
    current_event,
    inbox,
)
from fastdjango_signals.testing import capture, muted
from fastdjango_signals.transactions import CommitQueue, add_backend, remove_backend
from tests.relay.servers import until
from tests.relay.transports import Delivered, Recorded


class Ordered(Payload):
    order_id: int
    note: str = ""


class Shop:
    pass


@pytest.fixture
def ordered() -> Signal[Any, ...]:
    return Signal(Ordered, name="shop.ordered")


@pytest.fixture
def transport() -> Recorded:
    return Recorded()


def written(signal: Signal[Any, ...], service: str = "shop", **fields: Any) -> bytes:
    """Return an event as another service would publish it."""
    event = {
        "specversion": "1.0",
        "id": str(uuid4()),
        "source": service,
        "type": signal.name,
        "data": fields,
    }
    return json.dumps(event).encode()


# --- publishing --------------------------------------------------------------


async def test_a_send_is_published_after_the_receivers_of_this_process(
    ordered: Signal[Any, ...], transport: Recorded
) -> None:
    seen: list[int] = []

    async with Relay("shop", transport, publishes=[ordered]):

        @ordered.connect
        async def here(sender: object, **fields: object) -> None:
            seen.append(len(transport.published))

        responses = await ordered.send(Shop, order_id=1)
    [(name, event_id, body)] = transport.published
    assert seen == [0]
    assert name == "shop.ordered"
    assert responses[-1][1] == event_id == json.loads(body)["id"]
    assert json.loads(body)["data"] == {"order_id": 1, "note": ""}


@pytest.mark.parametrize("raises", [False, True])
async def test_a_concurrent_signal_is_published_when_its_receivers_are_done(
    transport: Recorded, *, raises: bool
) -> None:
    ordered = Signal(Ordered, name="shop.ordered", concurrent=True)
    seen: list[int] = []

    @ordered.connect
    async def here(sender: object, **fields: object) -> None:
        await asyncio.sleep(0.01)
        seen.append(len(transport.published))
        if raises:
            raise LookupError

    async with Relay("shop", transport, publishes=[ordered]):
        if raises:
            with pytest.raises(LookupError):
                await ordered.send(None, order_id=1)
        else:
            await ordered.send(None, order_id=1)
    assert seen == [0]
    assert len(transport.published) == (not raises)


async def test_nothing_is_published_if_a_receiver_raises(
    ordered: Signal[Any, ...], transport: Recorded
) -> None:
    async def refuse(sender: object, **fields: object) -> None:
        raise LookupError

    async with Relay("shop", transport, publishes=[ordered]):
        with ordered.connected_to(refuse):
            with pytest.raises(LookupError):
                await ordered.send(Shop, order_id=1)
            assert not transport.published
            await ordered.send_robust(Shop, order_id=1)
            assert len(transport.published) == 1


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_send_outside_of_the_relay_is_an_error(
    ordered: Signal[Any, ...], transport: Recorded, when: str
) -> None:
    relay = Relay("shop", transport, publishes=[ordered])
    if when == "after":
        async with relay:
            await ordered.send(Shop, order_id=1)
    with pytest.raises(PublishError, match='service shop is not running; send inside "async with'):
        await ordered.send(Shop, order_id=1)


async def test_a_broker_that_fails_fails_the_send(
    ordered: Signal[Any, ...], transport: Recorded
) -> None:
    async with Relay("shop", transport, publishes=[ordered]):
        transport.is_broken = True
        with pytest.raises(PublishError, match="broken"):
            await ordered.send(Shop, order_id=1)
        [(_, failure)] = await ordered.send_robust(Shop, order_id=1)
        assert isinstance(failure, ConnectionError)


async def test_a_sender_that_cannot_cross_fails_the_send(
    ordered: Signal[Any, ...], transport: Recorded
) -> None:
    async with Relay("shop", transport, publishes=[ordered]):
        with pytest.raises(EncodeError, match=r"its sender <.*Shop object> cannot cross"):
            await ordered.send(Shop(), order_id=1)


async def test_a_relay_that_is_gone_publishes_no_more(
    ordered: Signal[Any, ...], transport: Recorded
) -> None:
    relay = weakref.ref(Relay("shop", transport, publishes=[ordered]))
    transport.subscriptions.clear()
    gc.collect()
    assert relay() is None
    assert not ordered.has_listeners()


async def test_an_offline_relay_calls_receivers_and_publishes_nothing(
    ordered: Signal[Any, ...], transport: Recorded
) -> None:
    relay, seen = Relay("shop", transport, publishes=[ordered]), AsyncMock()
    with relay.offline(), relay.offline(), ordered.connected_to(seen, sender=Shop):
        await ordered.send(Shop, order_id=1)
        with pytest.raises(EncodeError):
            await ordered.send(Shop(), order_id=1)
    seen.assert_awaited_once()
    assert not transport.published
    with pytest.raises(PublishError):
        await ordered.send(Shop, order_id=1)


# --- transactions ------------------------------------------------------------


class OneTransaction:
    """A backend that always has a transaction open."""

    def __init__(self) -> None:
        self.queue = CommitQueue()
        self.rows: list[dict[str, Any]] = []

    def on_commit(self, call: Callable[[], Awaitable[None]], using: str | None) -> bool:
        return self.queue.add(call)

    async def insert(self, table: str, row: Any, using: str | None) -> bool:
        self.rows.append(dict(row))
        return True


@pytest.fixture
def transaction() -> Iterator[OneTransaction]:
    backend = OneTransaction()
    add_backend(backend)
    yield backend
    remove_backend(backend)


async def test_what_is_sent_in_a_transaction_is_published_after_the_commit(
    ordered: Signal[Any, ...], transport: Recorded, transaction: OneTransaction
) -> None:
    async with Relay("shop", transport, publishes=[ordered]):
        await ordered.send(Shop, order_id=1)
        assert not transport.published
        await transaction.queue.run()
        assert len(transport.published) == 1


async def test_what_is_rolled_back_is_never_published(
    ordered: Signal[Any, ...], transport: Recorded, transaction: OneTransaction
) -> None:
    async with Relay("shop", transport, publishes=[ordered]):
        await ordered.send(Shop, order_id=1)
        transaction.queue.rollback()
        await transaction.queue.run()
    assert not transport.published


async def test_a_failure_after_the_commit_is_logged_with_the_id_of_the_event(
    ordered: Signal[Any, ...],
    transport: Recorded,
    transaction: OneTransaction,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with Relay("shop", transport, publishes=[ordered]):
        [(_, event_id)] = await ordered.send(Shop, order_id=4711)
        transport.is_broken = True
        await transaction.queue.run()
    assert f"Event {event_id} of signal shop.ordered could not be published" in caplog.text
    assert "give the relay an outbox" in caplog.text
    assert "4711" not in caplog.text


# --- receiving ---------------------------------------------------------------


async def test_a_receiver_cannot_tell_a_remote_send_unless_it_asks(
    ordered: Signal[Any, ...], transport: Recorded
) -> None:
    got: list[Any] = []

    @ordered.connect
    async def by_field(sender: object, order_id: int, **fields: object) -> None:
        event = current_event()
        got.append((sender, order_id, event and event.source))

    @ordered.connect
    async def whole(sender: object, payload: Ordered) -> None:
        got.append(payload)

    async with Relay("stock", transport, receives=[ordered]):
        delivered = Delivered(written(ordered, order_id=1))
        await transport.subscriptions["shop.ordered"].handler(delivered)
        await ordered.send(None, order_id=1)
    payload = Ordered(order_id=1)
    assert got == [(None, 1, "shop"), payload, (None, 1, None), payload]
    assert delivered.accepted == 1
    assert current_event() is None


async def test_a_payload_may_be_iterated_over_in_a_way_of_its_own(transport: Recorded) -> None:
    class Basket(Payload):
        items: list[str]

        def __iter__(self) -> Any:
            return iter(self.items)

    filled: Signal[Any, ...] = Signal(Basket, name="shop.filled")
    got: list[list[str]] = []

    @filled.connect
    async def look(sender: object, items: list[str], **fields: object) -> None:
        got.append(items)

    async with Relay("stock", transport, receives=[filled]):
        delivered = Delivered(written(filled, items=["tea", "milk"]))
        await transport.subscriptions["shop.filled"].handler(delivered)
    assert got == [["tea", "milk"]]


async def test_receivers_of_other_senders_are_not_called(
    ordered: Signal[Any, ...], transport: Recorded
) -> None:
    got: list[str] = []

    @ordered.connect(sender=Shop)
    async def of_shop(sender: object, **fields: object) -> None:
        got.append("Shop")

    @ordered.connect(sender="elsewhere.Till")
    async def of_till(sender: object, **fields: object) -> None:
        got.append("Till")

    async with Relay("stock", transport, receives=[ordered]):
        event = json.loads(written(ordered, order_id=1))
        for name in (f"{__name__}.Shop", "elsewhere.Till"):
            body = json.dumps({**event, "sender": name, "senderkind": "class"}).encode()
            await transport.subscriptions["shop.ordered"].handler(Delivered(body))
    assert got == ["Shop", "Till"]


async def test_what_comes_from_another_service_is_not_published_again(
    ordered: Signal[Any, ...], transport: Recorded
) -> None:
    async with Relay("stock", transport, publishes=[ordered], receives=[ordered]):
        await transport.subscriptions["shop.ordered"].handler(
            Delivered(written(ordered, order_id=1))
        )
        assert not transport.published
        await ordered.send(None, order_id=2)
        assert len(transport.published) == 1


async def test_a_relay_of_another_service_in_this_process_does_not_publish_it_again(
    ordered: Signal[Any, ...], transport: Recorded
) -> None:
    async with (
        Relay("shop", transport, publishes=[ordered]),
        Relay("stock", Recorded(), receives=[ordered]) as stock,
    ):
        await ordered.send(None, order_id=1)
        [(_, _, body)] = transport.published
        assert isinstance(stock.transport, Recorded)
        await stock.transport.subscriptions["shop.ordered"].handler(Delivered(body))
        assert len(transport.published) == 1


async def test_what_this_service_has_sent_is_not_received_again(
    ordered: Signal[Any, ...], transport: Recorded
) -> None:
    got: list[int] = []

    @ordered.connect
    async def receive(sender: object, order_id: int, **fields: object) -> None:
        got.append(order_id)

    async with Relay("shop", transport, publishes=[ordered], receives=[ordered]):
        await ordered.send(None, order_id=1)
        delivered = Delivered(transport.published[0][2])
        await transport.subscriptions["shop.ordered"].handler(delivered)
    assert got == [1]
    assert delivered.accepted == 1


@pytest.mark.parametrize("concurrent", [False, True])
async def test_every_receiver_is_called_whatever_the_others_raise(
    transport: Recorded, caplog: pytest.LogCaptureFixture, *, concurrent: bool
) -> None:
    ordered = Signal(Ordered, name="shop.ordered", concurrent=concurrent)
    got: list[str] = []

    @ordered.connect
    async def first(sender: object, **fields: object) -> None:
        raise LookupError

    @ordered.connect
    async def second(sender: object, **fields: object) -> None:
        raise asyncio.CancelledError

    @ordered.connect
    async def third(sender: object, **fields: object) -> None:
        got.append("third")

    async with Relay("stock", transport, receives=[ordered], retry=Retry(tries=2, jitter=0)):
        body = written(ordered, order_id=1)
        delivered = [Delivered(body, tries) for tries in (1, 2)]
        for each in delivered:
            await transport.subscriptions["shop.ordered"].handler(each)
    assert got == ["third", "third"]
    assert [each.retried for each in delivered] == [[1.0], []]
    assert [each.accepted for each in delivered] == [0, 1]
    [letter] = transport.letters
    assert letter.error.count(" failed with ") == 2
    assert "first" in letter.error
    assert ReceiverCancelledError.__name__ in letter.error
    assert "is a dead letter of service stock after 2 tries" in caplog.text


async def test_receivers_of_a_concurrent_signal_run_together(transport: Recorded) -> None:
    ordered = Signal(Ordered, name="shop.ordered", concurrent=True)
    both = asyncio.Barrier(2)

    @ordered.connect
    async def first(sender: object, **fields: object) -> None:
        await both.wait()

    @ordered.connect
    async def second(sender: object, **fields: object) -> None:
        await both.wait()

    async with Relay("stock", transport, receives=[ordered], timeout=5):
        delivered = Delivered(written(ordered, order_id=1))
        await transport.subscriptions["shop.ordered"].handler(delivered)
    assert delivered.accepted == 1


async def test_those_of_a_lower_priority_wait_for_those_of_a_higher(transport: Recorded) -> None:
    ordered = Signal(Ordered, name="shop.ordered", concurrent=True)
    ended: list[str] = []

    @ordered.connect
    async def later(sender: object, **fields: object) -> None:
        ended.append("later")

    @ordered.connect(priority=1)
    async def sooner(sender: object, **fields: object) -> None:
        await asyncio.sleep(0.01)
        ended.append("sooner")

    async with Relay("stock", transport, receives=[ordered]):
        delivered = Delivered(written(ordered, order_id=1))
        await transport.subscriptions["shop.ordered"].handler(delivered)
    assert ended == ["sooner", "later"]


async def test_what_comes_from_a_broker_is_captured_and_muted_like_a_send(
    ordered: Signal[Any, ...], transport: Recorded
) -> None:
    called: list[str] = []

    @ordered.connect
    async def first(sender: object, **fields: object) -> None:
        called.append("first")

    @ordered.connect
    async def second(sender: object, **fields: object) -> None:
        called.append("second")

    async with Relay("stock", transport, receives=[ordered]):
        with capture(ordered) as captured, muted(ordered, receiver=first):
            delivered = Delivered(written(ordered, order_id=1))
            await transport.subscriptions["shop.ordered"].handler(delivered)
    assert captured.payloads == [Ordered(order_id=1)]
    assert called == ["second"]
    assert delivered.accepted == 1


async def test_a_receiver_that_hangs_is_ended_and_tried_again(
    ordered: Signal[Any, ...], transport: Recorded, caplog: pytest.LogCaptureFixture
) -> None:
    ended: list[bool] = []

    @ordered.connect
    async def hang(sender: object, **fields: object) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    async with Relay("stock", transport, receives=[ordered], timeout=0.01):
        delivered = Delivered(written(ordered, order_id=1))
        await transport.subscriptions["shop.ordered"].handler(delivered)
    assert ended == [True]
    assert len(delivered.retried) == 1
    assert "TimeoutError: it took longer than 0.01 s" in caplog.text


async def test_a_timeout_of_the_receiver_itself_is_its_failure(
    ordered: Signal[Any, ...], transport: Recorded
) -> None:
    @ordered.connect
    async def give_up(sender: object, **fields: object) -> None:
        raise TimeoutError("my own")

    async with Relay("stock", transport, receives=[ordered], timeout=None):
        delivered = Delivered(written(ordered, order_id=1))
        await transport.subscriptions["shop.ordered"].handler(delivered)
    assert len(delivered.retried) == 1


async def test_a_cancellation_from_outside_comes_out_and_gives_the_event_back(
    ordered: Signal[Any, ...], transport: Recorded
) -> None:
    began = asyncio.Event()

    @ordered.connect
    async def wait(sender: object, **fields: object) -> None:
        began.set()
        await asyncio.Event().wait()

    async with Relay("stock", transport, receives=[ordered]):
        delivered = Delivered(written(ordered, order_id=1))
        handling = asyncio.ensure_future(transport.subscriptions["shop.ordered"].handler(delivered))
        await began.wait()
        handling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await handling
    assert (delivered.accepted, delivered.retried, transport.letters) == (0, [0], [])


async def test_where_the_broker_cannot_wait_the_relay_does(
    ordered: Signal[Any, ...], transport: Recorded
) -> None:
    tries: list[int] = []

    @ordered.connect
    async def fail(sender: object, **fields: object) -> None:
        event = current_event()
        assert event is not None
        tries.append(event.tries)
        if event.tries < 3:
            raise LookupError

    async with Relay("stock", transport, receives=[ordered], retry=Retry(tries=5, delay=0.001)):
        delivered = Delivered(written(ordered, order_id=1), can_wait=False)
        await transport.subscriptions["shop.ordered"].handler(delivered)
    assert tries == [1, 2, 3]
    assert delivered.accepted == 1


async def test_an_event_that_ended_many_processes_is_given_up_unseen(
    ordered: Signal[Any, ...], transport: Recorded
) -> None:
    got: list[object] = []

    @ordered.connect
    async def receive(sender: object, **fields: object) -> None:
        got.append(sender)

    async with Relay("stock", transport, receives=[ordered], retry=Retry(tries=2)):
        delivered = Delivered(written(ordered, order_id=1), tries=13)
        await transport.subscriptions["shop.ordered"].handler(delivered)
    assert not got
    assert delivered.accepted == 1
    assert transport.letters[0].error == "no process that received it could ever tell"
    assert transport.letters[0].tries == 12


async def test_what_cannot_be_a_dead_letter_now_is_one_later(
    ordered: Signal[Any, ...],
    transport: Recorded,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(inbox, "_NEXT_FUNERAL", 0.01)
    async with Relay("stock", transport, receives=[ordered]):
        transport.is_broken = True
        delivered = Delivered(b"no event")
        handler = transport.subscriptions["shop.ordered"].handler
        handling = asyncio.ensure_future(handler(delivered))
        await until(lambda: "cannot bury an event, and tries on: broken" in caplog.text)
        transport.is_broken = False
        await handling
    assert (delivered.accepted, len(transport.letters)) == (1, 1)


async def test_what_cannot_be_a_dead_letter_before_the_relay_stops_comes_again(
    ordered: Signal[Any, ...], transport: Recorded, caplog: pytest.LogCaptureFixture
) -> None:
    relay = Relay("stock", transport, receives=[ordered])
    await relay.start()
    transport.is_broken = True
    delivered = Delivered(b"no event")
    handler = transport.subscriptions["shop.ordered"].handler
    handling = asyncio.ensure_future(handler(delivered))
    await until(lambda: "cannot bury an event" in caplog.text)
    await relay.stop()
    await handling
    assert (delivered.accepted, transport.letters) == (0, [])
    assert "could not be settled; it comes again" in caplog.text


async def test_a_delivery_that_cannot_be_accepted_raises_nothing(
    ordered: Signal[Any, ...], transport: Recorded, caplog: pytest.LogCaptureFixture
) -> None:
    async with Relay("stock", transport, receives=[ordered]):
        delivered = Delivered(written(ordered, order_id=1), is_broken=True)
        await transport.subscriptions["shop.ordered"].handler(delivered)
    assert "could not be settled; it comes again" in caplog.text


async def test_what_waits_its_turn_as_the_relay_stops_is_given_back(
    ordered: Signal[Any, ...], transport: Recorded
) -> None:
    began, go_on = asyncio.Event(), asyncio.Event()
    got: list[int] = []

    @ordered.connect
    async def receive(sender: object, order_id: int, **fields: object) -> None:
        began.set()
        await go_on.wait()
        got.append(order_id)

    relay = Relay("stock", transport, receives=[ordered])
    await relay.start()
    first, second = (Delivered(written(ordered, order_id=each)) for each in (1, 2))
    handler = transport.subscriptions["shop.ordered"].handler
    handling = asyncio.gather(handler(first), handler(second))
    await began.wait()
    await relay.stop()
    go_on.set()
    await handling
    assert got == [1]
    assert (first.accepted, second.accepted, second.retried) == (1, 0, [0])


async def test_one_worker_keeps_the_order_and_more_work_together(
    ordered: Signal[Any, ...],
) -> None:
    running: list[int] = []
    most: list[int] = []

    @ordered.connect
    async def receive(sender: object, order_id: int, **fields: object) -> None:
        running.append(order_id)
        most.append(len(running))
        await asyncio.sleep(0.001 * (5 - order_id))
        running.remove(order_id)

    for workers in (1, 3):
        transport = Recorded()
        async with Relay("stock", transport, receives=[ordered], workers=workers):
            handler = transport.subscriptions["shop.ordered"].handler
            bodies = [written(ordered, order_id=each) for each in range(5)]
            await asyncio.gather(*[handler(Delivered(body)) for body in bodies])
        assert max(most) == workers


async def test_a_long_event_is_kept_until_it_is_done(
    ordered: Signal[Any, ...], caplog: pytest.LogCaptureFixture
) -> None:
    transport = Recorded(keep_every=0.01)
    delivered = Delivered(written(ordered, order_id=1))
    shaky = Delivered(written(ordered, order_id=2), is_broken=True)

    @ordered.connect
    async def receive(sender: object, order_id: int, **fields: object) -> None:
        await until(lambda: min(delivered.kept, shaky.kept) > 2)

    async with Relay("stock", transport, receives=[ordered], workers=2):
        handler = transport.subscriptions["shop.ordered"].handler
        await asyncio.gather(handler(delivered), handler(shaky))
        kept = delivered.kept
        await asyncio.sleep(0.05)
        assert delivered.kept == kept
    assert "could not be told that an event is still worked on" in caplog.text


# --- dead letters ------------------------------------------------------------


async def test_a_dead_letter_is_received_once_more_and_removed(
    ordered: Signal[Any, ...], transport: Recorded, caplog: pytest.LogCaptureFixture
) -> None:
    broken = [True]
    tries: list[int] = []

    @ordered.connect
    async def receive(sender: object, **fields: object) -> None:
        event = current_event()
        assert event is not None
        tries.append(event.tries)
        if broken[0]:
            raise LookupError("secret value")

    async with Relay("stock", transport, receives=[ordered], retry=Retry(tries=1)) as relay:
        handler = transport.subscriptions["shop.ordered"].handler
        await handler(Delivered(written(ordered, order_id=1)))
        await handler(Delivered(b"{}"))
        [letter, other] = [letter async for letter in relay.dead_letters()]
        assert (letter.service, letter.signal, letter.tries) == ("stock", "shop.ordered", 1)
        assert "LookupError" in letter.error
        assert "secret" not in letter.error
        assert "id: missing" in other.error
        assert await relay.replay() == Replayed(received=0, failed=2)
        broken.clear()
        broken.append(False)
        assert await relay.replay() == Replayed(received=1, failed=1)
        assert transport.letters == [other]
    assert tries == [1, 2, 2]
    assert "failed again: " in caplog.text


async def test_some_dead_letters_are_received_or_forgotten_by_their_events(
    ordered: Signal[Any, ...], transport: Recorded
) -> None:
    got: list[int] = []

    @ordered.connect
    async def receive(sender: object, order_id: int, **fields: object) -> None:
        if not transport.letters:
            raise LookupError
        got.append(order_id)

    async with Relay("stock", transport, receives=[ordered], retry=Retry(tries=1)) as relay:
        for order_id in range(3):
            body = written(ordered, order_id=order_id)
            letters, transport.letters = transport.letters, []
            await transport.subscriptions["shop.ordered"].handler(Delivered(body))
            transport.letters = [*letters, *transport.letters]
        ids = [letter.event_id or "" for letter in transport.letters]
        assert await relay.replay(ids[1]) == Replayed(received=1, failed=0)
        assert await relay.discard(ids[0], ids[1], "another") == 1
        assert [letter.event_id for letter in transport.letters] == [ids[2]]
    assert got == [1]


async def test_only_a_relay_that_runs_knows_its_dead_letters(transport: Recorded) -> None:
    relay = Relay("stock", transport)
    for ask in (relay.replay, relay.discard, relay.dead_letters().__anext__):
        with pytest.raises(RuntimeError, match=r"is not running; .* relay\.connected"):
            await ask()


async def test_a_dead_letter_of_a_signal_that_is_received_no_more_is_kept(
    ordered: Signal[Any, ...], transport: Recorded, caplog: pytest.LogCaptureFixture
) -> None:
    first = Relay("stock", transport, receives=[ordered])
    async with first:
        await transport.subscriptions["shop.ordered"].handler(Delivered(b"{}"))
    later = Recorded(letters=transport.letters)
    async with Relay("stock", later) as relay:
        assert await relay.replay() == Replayed(received=0, failed=1)
    assert "the relay does not receive this signal" in caplog.text


async def test_what_is_too_large_leaves_a_letter_without_it(
    ordered: Signal[Any, ...], transport: Recorded
) -> None:
    async with Relay("stock", transport, receives=[ordered], max_bytes=100):
        delivered = Delivered(written(ordered, order_id=1, note="x" * 100))
        await transport.subscriptions["shop.ordered"].handler(delivered)
    [letter] = transport.letters
    assert (letter.body, letter.event_id, delivered.accepted) == (b"", None, 1)
    assert "and 100 are allowed" in letter.error


# --- starting ----------------------------------------------------------------


async def test_a_signal_that_nobody_listens_to_is_warned_of(
    ordered: Signal[Any, ...], transport: Recorded, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    async with Relay("stock", transport, receives=[ordered]):
        pass
    assert "Service stock receives signal shop.ordered, and no receiver" in caplog.text


async def test_a_relay_that_cannot_start_is_not_running(
    ordered: Signal[Any, ...], transport: Recorded
) -> None:
    transport.is_broken = True
    relay = Relay("shop", transport, publishes=[ordered])
    with pytest.raises(PublishError, match="broken"):
        await relay.start()
    with pytest.raises(PublishError, match="not running"):
        await ordered.send(None, order_id=1)
    transport.is_broken = False
    async with relay:
        await ordered.send(None, order_id=1)
    assert len(transport.published) == 1
    assert repr(relay) == "<relay of service shop>"


async def test_two_starts_at_once_are_one_too_many(transport: Recorded) -> None:
    relay = Relay("shop", transport)
    first, second = await asyncio.gather(relay.start(), relay.start(), return_exceptions=True)
    assert first is None
    assert isinstance(second, RuntimeError)
    await relay.stop()


async def test_a_stop_that_is_cancelled_comes_to_its_end(ordered: Signal[Any, ...]) -> None:
    transport = Draining()
    relay = Relay("shop", transport, publishes=[ordered])
    await relay.start()
    transport.running = asyncio.get_running_loop().create_future()
    stopping = asyncio.ensure_future(relay.stop())
    await asyncio.sleep(0)
    stopping.cancel()
    await asyncio.sleep(0)
    transport.running.set_result(None)
    with pytest.raises(asyncio.CancelledError):
        await stopping
    assert not transport.is_running
    async with relay:
        await ordered.send(None, order_id=1)


async def test_a_relay_that_runs_cannot_be_started_again(transport: Recorded) -> None:
    async with Relay("shop", transport) as relay:
        with pytest.raises(RuntimeError, match="service shop is running already"):
            await relay.start()
        assert transport.is_running


def test_a_relay_can_be_started_again_in_another_event_loop(
    ordered: Signal[Any, ...], transport: Recorded
) -> None:
    got: list[int] = []

    @ordered.connect
    async def receive(sender: object, order_id: int, **fields: object) -> None:
        await asyncio.sleep(0)
        got.append(order_id)

    relay = Relay("stock", transport, receives=[ordered])

    async def run() -> None:
        async with relay:
            handler = transport.subscriptions["shop.ordered"].handler
            bodies = [written(ordered, order_id=each) for each in range(3)]
            await asyncio.gather(*[handler(Delivered(body)) for body in bodies])

    asyncio.run(run())
    asyncio.run(run())
    assert got == [0, 1, 2, 0, 1, 2]


@dataclass(eq=False)
class Draining(Recorded):
    """Waits for handlers as it stops."""

    running: asyncio.Future[None] | None = None

    async def stop(self) -> None:
        if self.running is not None:
            await self.running
        await super().stop()


async def test_a_receiver_that_comes_to_its_end_as_the_relay_stops_may_still_send() -> None:
    ordered, shipped = Signal(Ordered, name="ordered"), Signal(Ordered, name="shipped")
    transport = Draining()
    began, go_on = asyncio.Event(), asyncio.Event()

    @ordered.connect
    async def ship(sender: object, order_id: int, **fields: object) -> None:
        began.set()
        await go_on.wait()
        await shipped.send(None, order_id=order_id)

    relay = Relay("stock", transport, publishes=[shipped], receives=[ordered])
    await relay.start()
    delivered = Delivered(written(ordered, order_id=1))
    transport.running = asyncio.ensure_future(transport.subscriptions["ordered"].handler(delivered))
    await began.wait()
    stopping = asyncio.ensure_future(relay.stop())
    await asyncio.sleep(0)
    go_on.set()
    await stopping
    assert len(transport.published) == 1
    assert delivered.accepted == 1


async def test_a_program_that_only_publishes_receives_nothing(
    ordered: Signal[Any, ...], transport: Recorded
) -> None:
    relay = Relay("shop", transport, publishes=[ordered], receives=[ordered])
    async with relay.connected():
        await ordered.send(None, order_id=1)
        assert not transport.is_running
    assert len(transport.published) == 1
    with pytest.raises(PublishError, match="not running"):
        await ordered.send(None, order_id=1)


# --- retries -----------------------------------------------------------------


def test_waits_grow_up_to_a_limit_and_then_end() -> None:
    retry = Retry(tries=5, delay=1, factor=3, longest=10, jitter=0)
    assert [retry.after(tries) for tries in range(1, 7)] == [1, 3, 9, 10, None, None]
    assert Retry(tries=10_000, factor=10).after(9_999) == pytest.approx(285, abs=15.1)


def test_waits_differ_by_chance() -> None:
    waits = {Retry(delay=1, jitter=0.5).after(1) for _ in range(100)}
    assert len(waits) > 50
    assert all(wait is not None and 0.5 <= wait <= 1 for wait in waits)


@pytest.mark.parametrize(
    "options",
    [{"tries": 0}, {"delay": -1}, {"factor": 0.5}, {"longest": -1}, {"jitter": 1.5}],
)
def test_a_retry_that_makes_no_sense_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match=r"Retry\("):
        Retry(**options)
