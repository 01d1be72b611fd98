"""The contract: what happens to an event, the same with every broker."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from fastdjango_signals import Signal
from fastdjango_signals.relay import PublishError, Relay, Replayed, Retry
from tests.relay import programs
from tests.relay.columns import kafka, nats, rabbit, redis
from tests.relay.contract import (
    PASSWORD,
    SECRET,
    Broker,
    Can,
    Column,
    Heard,
    Receiver,
    Server,
    failing,
    letters_of,
    service,
    taking,
    twins,
)
from tests.relay.programs import Ordered
from tests.relay.servers import until

COLUMNS: dict[str, Column] = {
    "NATS": nats.COLUMN,
    "Redis": redis.COLUMN,
    **rabbit.COLUMNS,
    **kafka.COLUMNS,
}
SOON = Retry(tries=3, delay=0.05, jitter=0)
MANY = 30


def with_those_that(*can: Can) -> pytest.MarkDecorator:
    """Run a test with each broker that can do all this."""
    names = [name for name, column in COLUMNS.items() if column.can.issuperset(can)]
    return pytest.mark.parametrize("broker", names, indirect=True)


with_all = with_those_that()


@pytest.fixture(scope="session")
def slow_brokers() -> Iterator[Callable[[str, Path], Any]]:
    with ExitStack() as stack:
        opened: dict[str, Any] = {}

        def get(name: str, folder: Path) -> Any:
            if name not in opened:
                opened[name] = stack.enter_context(COLUMNS[name].open(folder))
            return opened[name]

        yield get


@pytest.fixture
def broker(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    slow_brokers: Callable[[str, Path], Any],
) -> Iterator[Any]:
    column = COLUMNS[request.param]
    with ExitStack() as stack:
        yield (
            slow_brokers(request.param, tmp_path)
            if column.is_slow
            else stack.enter_context(column.open(tmp_path))
        )


@pytest.fixture(autouse=True)
def _no_log_has_secrets(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Passwords are in no log, whatever its level, and payloads are in none that is on."""
    caplog.set_level(logging.DEBUG)
    yield
    for record in (*caplog.get_records("setup"), *caplog.get_records("call")):
        shown = record.message + (record.exc_text or "")
        assert PASSWORD not in shown
        assert record.levelno < logging.INFO or SECRET not in shown


@with_all
async def test_each_of_two_services_gets_an_event(broker: Broker) -> None:
    sent, *received = twins(3)
    receivers = [Receiver(), Receiver()]
    relays = [Relay(service("stock"), broker.transport(), receives=[signal]) for signal in received]
    shop = Relay(service("shop"), broker.transport(), publishes=[sent])
    with received[0].connected_to(receivers[0]), received[1].connected_to(receivers[1]):
        async with broker.running(shop, *relays):
            await sent.send("till", order_id=1)
            await until(lambda: receivers[0].ended and receivers[1].ended)
    assert [receiver.orders for receiver in receivers] == [[1], [1]]
    [one], [other] = (receiver.heard for receiver in receivers)
    assert one.event.id == other.event.id
    assert (one.event.source, one.event.sender) == (shop.service, "till")


@with_those_that(Can.SHARE)
async def test_replicas_of_a_service_get_each_event_once_among_them(broker: Broker) -> None:
    sent, received = twins(2)
    receiver = Receiver()
    name = service("stock")
    shop = Relay(service("shop"), broker.transport(), publishes=[sent])
    replicas = [Relay(name, broker.transport(), receives=[received]) for _ in range(2)]
    with received.connected_to(receiver):
        async with broker.running(shop, *replicas):
            for order_id in range(MANY):
                await sent.send(None, order_id=order_id)
            await until(lambda: len(receiver.ended) >= MANY)
    assert Counter(receiver.orders) == dict.fromkeys(range(MANY), 1)


@with_all
async def test_one_worker_keeps_to_the_order_of_publication(broker: Broker) -> None:
    sent, received = twins(2)
    receiver = Receiver()
    shop = Relay(service("shop"), broker.transport(), publishes=[sent])
    stock = Relay(service("stock"), broker.transport(), receives=[received])
    with received.connected_to(receiver):
        async with broker.running(shop, stock):
            for order_id in range(MANY):
                await sent.send(None, order_id=order_id)
            await until(lambda: len(receiver.ended) == MANY)
    assert receiver.ended == list(range(MANY))


@with_those_that(Can.HURRY)
async def test_several_workers_receive_at_a_time(broker: Broker) -> None:
    sent, received = twins(2)
    receiver = Receiver(taking(0.5))
    shop = Relay(service("shop"), broker.transport(), publishes=[sent])
    stock = Relay(service("stock"), broker.transport(), receives=[received], workers=3)
    with received.connected_to(receiver):
        async with broker.running(shop, stock):
            for order_id in range(3):
                await sent.send(None, order_id=order_id)
            await until(lambda: len(receiver.heard) == 3)
            assert not receiver.ended


@with_all
async def test_a_receiver_that_fails_is_tried_again_after_growing_waits(broker: Broker) -> None:
    sent, received = twins(2)
    receiver = Receiver(failing(3))
    shop = Relay(service("shop"), broker.transport(), publishes=[sent])
    stock = Relay(
        service("stock"),
        broker.transport(),
        receives=[received],
        retry=Retry(tries=5, delay=0.1, jitter=0),
    )
    with received.connected_to(receiver):
        async with broker.running(shop, stock):
            await sent.send(None, order_id=1)
            await until(lambda: receiver.ended)
    assert [each.event.tries for each in receiver.heard] == [1, 2, 3, 4]
    assert len({each.event.id for each in receiver.heard}) == 1
    waits = [later.at - earlier.at for earlier, later in pairwise(receiver.heard)]
    assert waits[0] >= 0.1
    assert waits[1] >= 0.2
    assert 0.4 <= waits[2] < 1.5


@with_those_that(Can.PASS_BY)
async def test_an_event_that_waits_for_its_next_try_lets_others_pass(broker: Broker) -> None:
    sent, received = twins(2)
    receiver = Receiver(failing(1, 0))
    shop = Relay(service("shop"), broker.transport(), publishes=[sent])
    retry = Retry(delay=0.5)
    stock = Relay(service("stock"), broker.transport(), receives=[received], retry=retry)
    with received.connected_to(receiver):
        async with broker.running(shop, stock):
            for order_id in range(3):
                await sent.send(None, order_id=order_id)
            await until(lambda: len(receiver.ended) == 3)
    assert receiver.ended == [1, 2, 0]


@with_all
async def test_after_the_last_try_an_event_is_a_dead_letter_with_the_error(broker: Broker) -> None:
    sent, received = twins(2)
    receiver = Receiver(failing(99, 1))
    shop = Relay(service("shop"), broker.transport(), publishes=[sent])
    stock = Relay(service("stock"), broker.transport(), receives=[received], retry=SOON)
    with received.connected_to(receiver):
        async with broker.running(shop, stock):
            await sent.send(None, order_id=1)
            await sent.send(None, order_id=2)
            await until(lambda: receiver.ended)
            await until(lambda: len(receiver.heard) == 4)
            [letter] = await letters_of(stock, broker)
    assert receiver.ended == [2]
    assert (letter.service, letter.signal, letter.tries) == (stock.service, sent.name, 3)
    assert letter.event_id == receiver.heard[0].event.id
    assert "failed with builtins.LookupError" in letter.error
    assert json.loads(letter.body)["data"]["order_id"] == 1


@with_all
async def test_an_invalid_payload_is_a_dead_letter_at_once(broker: Broker) -> None:
    sent, received = twins(2)
    receiver = Receiver()
    body = json.dumps(
        {
            "specversion": "1.0",
            "id": "77",
            "source": "elsewhere",
            "type": sent.name,
            "data": {"order_id": SECRET},
        }
    ).encode()
    shop = Relay(service("shop"), broker.transport(), publishes=[sent])
    stock = Relay(service("stock"), broker.transport(), receives=[received])
    with received.connected_to(receiver):
        async with broker.running(shop, stock):
            await broker.publish(sent.name, body)
            [letter] = await letters_of(stock, broker)
    assert not receiver.heard
    assert (letter.event_id, letter.tries, letter.body) == ("77", 1, body)
    assert "data.order_id: int_type" in letter.error
    assert SECRET not in letter.error


@pytest.mark.parametrize("poison", [b"\x00\xff no JSON", b"[1,", b"{}", b'{"data": "text"}'])
@with_all
async def test_what_is_no_event_is_a_dead_letter_as_it_was_and_stops_nothing(
    broker: Broker, poison: bytes
) -> None:
    sent, received = twins(2)
    receiver = Receiver()
    shop = Relay(service("shop"), broker.transport(), publishes=[sent])
    stock = Relay(service("stock"), broker.transport(), receives=[received])
    with received.connected_to(receiver):
        async with broker.running(shop, stock):
            await broker.publish(sent.name, poison)
            await sent.send(None, order_id=2)
            await until(lambda: receiver.ended)
            [letter] = await letters_of(stock, broker)
    assert receiver.orders == [2]
    assert letter.body == poison


@with_all
async def test_a_receiver_that_hangs_is_ended_and_tried_again(broker: Broker) -> None:
    sent, received = twins(2)

    async def hang_at_first(heard: Heard) -> None:
        if heard.event.tries == 1:
            await asyncio.Event().wait()

    receiver = Receiver(hang_at_first)
    shop = Relay(service("shop"), broker.transport(), publishes=[sent])
    stock = Relay(
        service("stock"), broker.transport(), receives=[received], retry=SOON, timeout=0.1
    )
    with received.connected_to(receiver):
        async with broker.running(shop, stock):
            await sent.send(None, order_id=1)
            await until(lambda: receiver.ended)
    assert [each.event.tries for each in receiver.heard] == [1, 2]


@with_those_that(Can.REPLAY)
async def test_a_replay_receives_dead_letters_and_keeps_those_that_fail_again(
    broker: Broker,
) -> None:
    sent, received = twins(2)
    receiver = Receiver(failing(99))
    shop = Relay(service("shop"), broker.transport(), publishes=[sent])
    retry = Retry(tries=1)
    stock = Relay(service("stock"), broker.transport(), receives=[received], retry=retry)
    with received.connected_to(receiver):
        async with broker.running(shop, stock):
            for order_id in range(3):
                await sent.send(None, order_id=order_id)
            await letters_of(stock, broker, 3)
            receiver.behaviour = failing(99, 1)
            assert await stock.replay() == Replayed(received=2, failed=1)
            [letter] = await broker.letters(stock)
            assert json.loads(letter.body)["data"]["order_id"] == 1
            receiver.behaviour = None
            assert await stock.replay() == Replayed(received=1, failed=0)
            assert await broker.letters(stock) == []
            assert await stock.replay() == Replayed(received=0, failed=0)
    assert receiver.ended == [0, 2, 1]


@with_those_that(Can.KEEP)
async def test_a_receiver_that_takes_longer_than_a_replica_may_be_silent_is_called_once(
    broker: Broker,
) -> None:
    sent, received = twins(2)
    receiver = Receiver(taking(2))
    name = service("stock")
    shop = Relay(service("shop"), broker.transport(), publishes=[sent])
    replicas = [Relay(name, broker.transport(ack_wait=0.6), receives=[received]) for _ in range(2)]
    with received.connected_to(receiver):
        async with broker.running(shop, *replicas):
            for order_id in range(3):
                await sent.send(None, order_id=order_id)
            await until(lambda: len(receiver.ended) >= 3)
            await asyncio.sleep(0.8)
    assert sorted(receiver.orders) == [0, 1, 2]


@with_those_that(Can.KEEP)
async def test_stopping_lets_a_receiver_end_and_loses_nothing_that_waits(broker: Broker) -> None:
    sent, received = twins(2)
    receiver = Receiver(taking(0.5))
    name = service("stock")
    shop = Relay(service("shop"), broker.transport(), publishes=[sent])
    first, second = (Relay(name, broker.transport(), receives=[received]) for _ in range(2))
    with received.connected_to(receiver):
        async with broker.running(shop):
            async with broker.running(first):
                for order_id in range(5):
                    await sent.send(None, order_id=order_id)
                await until(lambda: receiver.heard)
            assert receiver.ended == [0]
            receiver.behaviour = None
            async with broker.running(second):
                await until(lambda: len(receiver.ended) == 5)
    assert sorted(receiver.ended) == list(range(5))
    assert Counter(receiver.orders)[0] == 1


@with_those_that(Can.KEEP)
async def test_stopping_waits_for_no_later_try(broker: Broker) -> None:
    sent, received = twins(2)
    receiver = Receiver(failing(1))
    shop = Relay(service("shop"), broker.transport(), publishes=[sent])
    retry = Retry(delay=60)
    stock = Relay(service("stock"), broker.transport(), receives=[received], retry=retry)
    with received.connected_to(receiver):
        async with broker.running(shop):
            async with broker.running(stock):
                await sent.send(None, order_id=1)
                await until(lambda: receiver.heard)
                began = time.monotonic()
            assert time.monotonic() - began < 3


@with_those_that(Can.KEEP)
async def test_a_service_that_was_away_gets_what_was_published_meanwhile(broker: Broker) -> None:
    sent, received = twins(2)
    receiver = Receiver()
    name = service("stock")
    shop = Relay(service("shop"), broker.transport(), publishes=[sent])
    with received.connected_to(receiver):
        async with broker.running(shop):
            async with broker.running(Relay(name, broker.transport(), receives=[received])):
                pass
            for order_id in range(5):
                await sent.send(None, order_id=order_id)
            async with broker.running(Relay(name, broker.transport(), receives=[received])):
                await until(lambda: len(receiver.ended) == 5)
    assert receiver.ended == list(range(5))


@with_those_that(Can.BEGIN_EARLY)
async def test_a_service_gets_what_was_published_before_its_first_start(broker: Broker) -> None:
    sent, received = twins(2)
    receiver = Receiver()
    shop = Relay(service("shop"), broker.transport(), publishes=[sent])
    with received.connected_to(receiver):
        async with broker.running(shop):
            await sent.send(None, order_id=1)
            stock = Relay(service("stock"), broker.transport(), receives=[received])
            async with broker.running(stock):
                await until(lambda: receiver.ended)


@with_those_that(Can.COUNT)
async def test_a_replica_that_is_killed_in_a_receiver_leaves_the_event_to_another(
    broker: Server, tmp_path: Path
) -> None:
    ordered = Signal(Ordered, name=programs.ordered.name)
    shop = Relay(service("shop"), broker.transport(), publishes=[ordered])
    name = service("stock")
    with (
        programs.running(name, broker.url, tmp_path / "a") as first,
        programs.running(name, broker.url, tmp_path / "b") as second,
    ):
        async with broker.running(shop):
            await ordered.send(None, order_id=1, weight=1000)
            await until(lambda: first.noted() + second.noted())
            victim, other = (first, second) if first.noted() else (second, first)
            victim.kill()
            await until(lambda: len(other.noted()) == 2)
    [began] = victim.noted()
    [again, ended] = other.noted()
    assert (began["tries"], again["tries"]) == (1, 2)
    assert (again["what"], ended["what"]) == ("began", "done")
    assert began["id"] == again["id"]


@with_those_that(Can.DIE)
async def test_a_server_that_was_killed_and_is_back_has_lost_nothing(broker: Server) -> None:
    sent, received = twins(2)
    receiver = Receiver()
    shop = Relay(service("shop"), broker.transport(publish_timeout=30), publishes=[sent])
    stock = Relay(service("stock"), broker.transport(ack_wait=1), receives=[received])
    with received.connected_to(receiver):
        async with broker.running(shop, stock):
            for order_id in range(3):
                await sent.send(None, order_id=order_id)
            await until(lambda: len(receiver.ended) == 3)
            broker.kill()
            publishing = asyncio.ensure_future(sent.send(None, order_id=3))
            await asyncio.sleep(0.3)
            assert not publishing.done()
            broker.start()
            await publishing
            await sent.send(None, order_id=4)
            await until(lambda: {3, 4} <= set(receiver.ended))
    assert set(receiver.ended) == set(range(5))


@with_those_that(Can.DIE)
async def test_what_the_server_does_not_confirm_in_time_is_an_error_with_the_id(
    broker: Server,
) -> None:
    [sent] = twins(1)
    shop = Relay(service("shop"), broker.transport(publish_timeout=0.5), publishes=[sent])
    async with broker.running(shop):
        broker.kill()
        began = time.monotonic()
        with pytest.raises(PublishError, match=r"did not confirm event .* within 0.5 s") as caught:
            await sent.send(None, order_id=1)
        assert time.monotonic() - began < 3
        broker.start()
    assert caught.value.event_id is not None
    assert caught.value.event_id in str(caught.value)
    assert caught.value.signal == sent.name
    assert SECRET not in str(caught.value)
    assert PASSWORD not in str(caught.value)


@with_those_that(Can.DIE)
async def test_a_relay_stops_while_the_server_is_away(broker: Server) -> None:
    sent, received = twins(2)
    receiver = Receiver()
    shop = Relay(service("shop"), broker.transport(), publishes=[sent])
    stock = Relay(service("stock"), broker.transport(publish_timeout=1), receives=[received])
    with received.connected_to(receiver):
        async with broker.running(shop, stock):
            await sent.send(None, order_id=1)
            await until(lambda: receiver.ended)
            broker.kill()
            began = time.monotonic()
        assert time.monotonic() - began < 8
    broker.start()


@with_those_that(Can.REFUSE)
async def test_a_server_that_is_not_there_is_an_error_without_credentials(broker: Server) -> None:
    [received] = twins(1)
    receiver = Receiver()
    relay = Relay(service("stock"), broker.nobody(), receives=[received])
    began = time.monotonic()
    with received.connected_to(receiver), pytest.raises(PublishError) as caught:
        await relay.start()
    assert time.monotonic() - began < 5
    assert PASSWORD not in str(caught.value)
