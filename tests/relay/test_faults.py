"""What happens when processes and servers die, with real ones that are killed."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import nats as nats_client
import pytest
from faststream.nats import NatsBroker

from fastdjango_signals import Signal
from fastdjango_signals.relay import (
    DeadLetter,
    Incoming,
    PublishError,
    Relay,
    Retry,
    Subscription,
    current_event,
)
from fastdjango_signals.relay.nats import JetStream
from tests.relay.programs import Ordered, Service, ordered, running
from tests.relay.servers import PATIENCE, NatsServer, free_port, until


@asynccontextmanager
async def shop(server: NatsServer, **options: Any) -> AsyncIterator[Signal[Any, ...]]:
    """Give the signal as the shop has it, which is not the one of the other services."""
    placed = Signal(Ordered, name=ordered.name)
    transport = JetStream(NatsBroker(server.url, logger=None), **options)
    async with Relay("shop", transport, publishes=[placed]):
        yield placed


def done(*services: Service) -> Counter[int]:
    noted = [each for service in services for each in service.noted()]
    return Counter(each["order_id"] for each in noted if each["what"] == "done")


async def test_a_replica_killed_in_the_middle_of_a_receiver_loses_nothing(
    nats: NatsServer, tmp_path: Path
) -> None:
    with (
        running("stock", nats.url, tmp_path / "a") as first,
        running("stock", nats.url, tmp_path / "b") as second,
    ):
        async with shop(nats) as placed:
            await placed.send(None, order_id=1, weight=1000)
            await until(lambda: first.noted() + second.noted())
            victim, other = (first, second) if first.noted() else (second, first)
            victim.kill()
            await until(lambda: done(other))
        [began] = victim.noted()
        [again, ended] = other.noted()
    assert (began["tries"], again["tries"]) == (1, 2)
    assert began["id"] == again["id"] == ended["id"]


async def test_a_service_that_was_away_gets_what_was_published_meanwhile(
    nats: NatsServer, tmp_path: Path
) -> None:
    with running("stock", nats.url, tmp_path / "a") as service:
        service.end()
    async with shop(nats) as placed:
        for order_id in range(20):
            await placed.send(None, order_id=order_id)
        with running("stock", nats.url, tmp_path / "a") as service:
            await until(lambda: len(done(service)) == 20)
            service.end()
        assert [each["order_id"] for each in service.noted() if each["what"] == "done"] == list(
            range(20)
        )


async def test_a_server_killed_in_the_middle_of_publishing_loses_nothing_and_doubles_nothing(
    nats: NatsServer, tmp_path: Path
) -> None:
    with running("stock", nats.url, tmp_path / "a") as service:
        async with shop(nats) as placed:

            async def publish() -> None:
                for order_id in range(500):
                    await placed.send(None, order_id=order_id)

            publishing = asyncio.ensure_future(publish())
            await until(lambda: len(done(service)) > 50)
            nats.kill()
            assert not publishing.done()
            await asyncio.sleep(0.5)
            nats.start()
            await publishing
            await until(lambda: len(done(service)) == 500)
            service.end()
    # The server may have forgotten what was acknowledged last, and deliver it once more; but no
    # order was stored twice, under two ids.
    events = {(each["order_id"], each["id"]) for each in service.noted()}
    assert sorted(order_id for order_id, _ in events) == list(range(500))


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
async def test_a_program_ends_quietly_while_the_server_is_away(
    nats: NatsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, loop: str
) -> None:
    monkeypatch.setenv("EVENT_LOOP", loop)
    with (
        running("stock", nats.url, tmp_path / "a") as stock,
        running("shop", nats.url, tmp_path / "b") as placed,
    ):
        nats.kill()
        await asyncio.sleep(0.5)
        stock.end()
        placed.end()


async def test_what_could_not_be_sent_is_not_sent_later(nats: NatsServer, tmp_path: Path) -> None:
    async with shop(nats, publish_timeout=0.3) as placed:
        nats.kill()
        await asyncio.sleep(0.2)  # for the client to notice
        with pytest.raises(PublishError, match="it was not sent"):
            await placed.send(None, order_id=1)
        nats.start()
        await asyncio.sleep(2.5)  # for the client to connect again
        await placed.send(None, order_id=2)
    with running("stock", nats.url, tmp_path / "a") as stock:
        await until(lambda: done(stock))
        stock.end()
    assert list(done(stock)) == [2]


async def test_publishing_while_the_server_is_down_ends_in_an_error_with_the_id(
    nats: NatsServer,
) -> None:
    async with shop(nats, publish_timeout=0.5) as placed:
        nats.kill()
        began = time.monotonic()
        with pytest.raises(PublishError, match=r"did not confirm event .* within 0.5 s") as caught:
            await placed.send(None, order_id=4711)
        assert time.monotonic() - began < 3
    assert f"event {caught.value.event_id} of" in str(caught.value)
    assert caught.value.signal == "shop.ordered"
    assert "4711" not in str(caught.value)


async def test_a_server_that_cannot_be_reached_at_the_start_is_an_error(tmp_path: Path) -> None:
    url = f"nats://user:hunter2@127.0.0.1:{free_port()}"
    transport = JetStream(NatsBroker(url, logger=None), start_timeout=0.3)
    began = time.monotonic()
    with pytest.raises(PublishError, match=r"NATS JetStream at nats://127\.0\.0\.1:") as caught:
        await Relay("shop", transport).start()
    assert time.monotonic() - began < 3
    assert "hunter2" not in str(caught.value)


async def test_an_event_published_twice_under_one_id_is_delivered_once(
    nats: NatsServer, tmp_path: Path
) -> None:
    got: list[str] = []

    async def receive(sender: object, **fields: object) -> None:
        event = current_event()
        assert event is not None
        got.append(event.id)

    transport = JetStream(NatsBroker(nats.url, logger=None))
    async with shop(nats) as placed, Relay("stock", transport, receives=[ordered]):
        with ordered.connected_to(receive):
            client = await nats_client.connect(nats.url)
            try:
                body = b'{"specversion":"1.0","id":"1","source":"s","type":"shop.ordered",'
                body += b'"sender":"till","data":{"order_id":1}}'
                for _ in range(3):
                    headers = {"Nats-Msg-Id": "1"}
                    await client.jetstream().publish("signals.shop.ordered", body, headers=headers)
            finally:
                await client.close()
            await placed.send("till", order_id=2)
            await until(lambda: len(got) == 2)
            await asyncio.sleep(0.1)
    assert got[0] == "1"
    assert len(got) == 2


async def test_an_ordered_transport_lets_nothing_overtake_what_is_tried_again(
    nats: NatsServer,
) -> None:
    got: list[int] = []

    async def receive(sender: object, order_id: int, **fields: object) -> None:
        event = current_event()
        assert event is not None
        if order_id == 1 and event.tries < 3:
            raise LookupError
        got.append(order_id)

    retry = Retry(tries=5, delay=0.1)
    replicas = [
        Relay(
            "stock",
            JetStream(NatsBroker(nats.url, logger=None), ordered=True),
            receives=[ordered],
            retry=retry,
        )
        for _ in range(2)
    ]
    with ordered.connected_to(receive):
        async with shop(nats) as placed, replicas[0], replicas[1]:
            for order_id in range(6):
                await placed.send("till", order_id=order_id)
            await until(lambda: len(got) == 6)
    assert got == list(range(6))


async def test_an_event_that_kills_its_process_is_given_up_and_its_neighbours_are_not(
    nats: NatsServer, tmp_path: Path
) -> None:
    async with shop(nats) as placed:
        await placed.send(None, order_id=0, weight=-1)
        for order_id in range(1, 6):
            await placed.send(None, order_id=order_id)
    transport = JetStream(NatsBroker(nats.url, logger=None))
    letters: list[DeadLetter] = []
    deaths = 0
    async with Relay("stock", transport, receives=[ordered]).connected() as relay:
        while not letters:
            with running("stock", nats.url, tmp_path / "a") as service:
                while service.process.poll() is None and not letters:
                    letters = [letter async for letter in relay.dead_letters()]
                    await asyncio.sleep(0.05)
                deaths += service.process.poll() is not None
        with running("stock", nats.url, tmp_path / "a") as service:
            await until(lambda: set(done(service)) == set(range(1, 6)))
            service.end()
    assert deaths == 5  # two tries, and three that nobody could tell of
    assert letters[0].error == "no process that received it could ever tell"
    assert b'"order_id":0' in letters[0].body


async def test_what_is_given_back_unbegun_uses_up_no_try(nats: NatsServer) -> None:
    given_back: list[Incoming] = []
    tries: list[int] = []

    async def handle(incoming: Incoming) -> None:
        if len(given_back) < 6:
            given_back.append(incoming)
            await incoming.retry(0)
        elif not tries:
            tries.append(await incoming.begin())
            await incoming.retry(0)
        else:
            tries.append(await incoming.begin())
            await incoming.accept()

    async with shop(nats) as placed:
        await placed.send(None, order_id=1)
    transport = JetStream(NatsBroker(nats.url, logger=None))
    transport.subscribe(
        Subscription(service="stock", signal="shop.ordered", workers=1, handler=handle)
    )
    await transport.connect()
    await transport.start()
    await until(lambda: len(tries) == 2)
    await transport.stop()
    assert tries == [2, 3]


async def test_a_server_that_lost_its_data_is_used_again(nats: NatsServer, tmp_path: Path) -> None:
    got: list[int] = []

    async def receive(sender: object, order_id: int, **fields: object) -> None:
        got.append(order_id)

    stock = Relay("stock", JetStream(NatsBroker(nats.url, logger=None)), receives=[ordered])
    with ordered.connected_to(receive):
        async with shop(nats) as placed, stock:
            await placed.send(None, order_id=1)
            await until(lambda: got == [1])
            nats.kill()
            shutil.rmtree(tmp_path / "jetstream")
            nats.start()
            await placed.send(None, order_id=2)
            await until(lambda: got == [1, 2])


@pytest.mark.slow
async def test_ten_thousand_events_over_two_services_and_four_processes_all_arrive(
    nats: NatsServer, tmp_path: Path
) -> None:
    events = 10_000
    with ExitStack() as stack:
        shops = [
            stack.enter_context(running(f"shop-{each}", nats.url, tmp_path / f"shop{each}"))
            for each in range(2)
        ]
        stocks = [
            stack.enter_context(running("stock", nats.url, tmp_path / f"stock{each}"))
            for each in range(2)
        ]
        for index, each in enumerate(shops):
            assert each.process.stdin is not None
            half = events // 2
            each.process.stdin.write(f"{index * half} {(index + 1) * half}\n")
            each.process.stdin.flush()
        await until(lambda: len(done(stocks[0])) > 500)
        stocks[0].kill()  # in the middle
        stocks[0] = stack.enter_context(running("stock", nats.url, tmp_path / "stock0"))
        await until(lambda: set(done(*stocks)) == set(range(events)), seconds=120)
        for each in (*shops, *stocks):
            each.end()
    received = done(*stocks)
    assert set(received) == set(range(events))
    assert sum(received.values()) - events <= 64  # what the killed one had, and could not tell
    assert all(each["source"].startswith("shop-") for each in stocks[0].noted())


async def test_failed_events_of_one_id_leave_a_dead_letter_each(nats: NatsServer) -> None:
    async def fail(sender: object, **fields: object) -> None:
        raise LookupError

    transport = JetStream(NatsBroker(nats.url, logger=None))
    stock = Relay("stock", transport, receives=[ordered], retry=Retry(tries=1))
    with ordered.connected_to(fail):
        async with shop(nats), stock:
            client = await nats_client.connect(nats.url)
            for source in ("a", "b"):
                body = b'{"specversion":"1.0","id":"1","source":"%s","type":"shop.ordered",'
                body = body % source.encode() + b'"data":{"order_id":1}}'
                await client.jetstream().publish("signals.shop.ordered", body)
            # What somebody else puts there is in nobody's way.
            await client.jetstream().publish("signals-dead.stock.shop.ordered", b"rubbish")
            await client.close()
            letters: list[str] = []
            deadline = time.monotonic() + PATIENCE
            while len(letters) < 3 and time.monotonic() < deadline:
                await asyncio.sleep(0.05)
                letters = sorted([each.error async for each in stock.dead_letters()])
    assert [each.partition(" ")[0] for each in letters].count("it") == 1
    assert len(letters) == 3


async def test_options_of_the_streams_may_change(nats: NatsServer) -> None:
    for keep in (3600.0, 60.0, 7200.0):
        transport = JetStream(NatsBroker(nats.url, logger=None), keep=keep)
        async with Relay("stock", transport, receives=[ordered]):
            client = await nats_client.connect(nats.url)
            streams = await client.jetstream().streams_info()
            await client.close()
        ages = {each.config.name: each.config.max_age for each in streams}
        assert (ages["signals"], ages["KV_signals-tries"]) == (keep, keep)


async def test_an_event_that_leaves_no_room_for_headers_leaves_a_letter_without_it(
    nats: NatsServer,
) -> None:
    transport = JetStream(NatsBroker(nats.url, logger=None))
    async with Relay("stock", transport, receives=[ordered]).connected() as relay:
        letter = DeadLetter(
            service="stock",
            signal="shop.ordered",
            event_id="1",
            body=b"x" * (1024 * 1024 - 10),
            error="it failed",
            tries=1,
            time=datetime.now(UTC),
        )
        await transport.bury(letter)
        [kept] = [each async for each in relay.dead_letters()]
        with pytest.raises(PublishError, match="maximum payload"):
            await transport.publish("shop.ordered", "2", letter.body)
    assert (kept.event_id, kept.body) == ("1", b"")


# nats-py leaves the connection that was refused to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_a_server_that_refuses_for_a_while_is_used_again(nats: NatsServer) -> None:
    async with shop(nats, publish_timeout=15) as placed:
        nats.kill()
        nats.start("--user", "somebody", "--pass", "else")
        await asyncio.sleep(2.5)  # for the client to be refused
        nats.kill()
        nats.start()
        await placed.send(None, order_id=1)
