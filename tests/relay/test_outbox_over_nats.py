"""From a transaction to another service: the outbox, a real PostgreSQL and a real NATS server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest
from faststream.nats import NatsBroker
from sqlalchemy.ext.asyncio import create_async_engine

from fastdjango_signals import Payload, Signal
from fastdjango_signals.relay import Relay, Retry, current_event
from fastdjango_signals.relay.nats import JetStream
from fastdjango_signals.relay.outbox import Outbox
from tests.integrations.columns import django as django_column
from tests.integrations.columns import sqlalchemy as sqlalchemy_column
from tests.integrations.columns import tortoise as tortoise_column
from tests.integrations.contract import Column
from tests.integrations.receiving import RefusedError
from tests.integrations.servers import Cluster, PostgreSQL
from tests.relay.servers import NatsServer, until

COLUMNS: dict[str, Column] = {
    "Django": django_column.opened,
    "SQLAlchemy": sqlalchemy_column.opened,
    "Tortoise": tortoise_column.opened,
}


class Ordered(Payload):
    order_id: int


@pytest.fixture
def place(postgres: Cluster) -> Iterator[PostgreSQL]:
    with postgres.database() as made:
        yield made


@asynccontextmanager
async def shop(
    place: PostgreSQL, nats: NatsServer, seconds: float = 10.0
) -> AsyncIterator[tuple[Signal[Any, ...], Relay]]:
    """Give the shop's signal, and its relay, which is not started."""
    url = f"postgresql+asyncpg://{place.user}@/{place.name}?host={place.host}&port={place.port}"
    engine = create_async_engine(url)
    outbox = Outbox(engine)
    await outbox.create_table()
    signal = Signal(Ordered, name="shop.ordered")
    transport = JetStream(NatsBroker(nats.url, logger=None), publish_timeout=seconds)
    yield signal, Relay("shop", transport, publishes=[signal], outbox=outbox)
    await engine.dispose()


@asynccontextmanager
async def stock(nats: NatsServer) -> AsyncIterator[list[tuple[int, str]]]:
    """Give what another service receives; the first try of each event fails, after its work."""
    signal, effects = Signal(Ordered, name="shop.ordered"), dict[str, int]()

    @signal.connect
    async def reserve(sender: object, order_id: int) -> None:
        event = current_event()
        assert event is not None
        if event.id not in effects:
            effects[event.id] = order_id
            done.append((order_id, event.id))
        if event.tries == 1:
            raise RefusedError

    done: list[tuple[int, str]] = []
    transport = JetStream(NatsBroker(nats.url, logger=None))
    retry = Retry(tries=3, delay=0.01)
    async with Relay("stock", transport, receives=[signal], retry=retry):
        yield done


@pytest.mark.parametrize("column", COLUMNS)
async def test_what_is_committed_has_one_effect_elsewhere_and_what_is_rolled_back_none(
    column: str, place: PostgreSQL, nats: NatsServer
) -> None:
    async with (
        COLUMNS[column]({"default": place}) as database,
        shop(place, nats) as (ordered, relay),
        stock(nats) as done,
        relay,
    ):

        async def send(order_id: int, *, refused: bool = False) -> None:
            await ordered.send(None, order_id=order_id)
            if refused:
                raise RefusedError

        for order_id in range(0, 10, 2):
            await database.in_transaction(partial(send, order_id))
            with pytest.raises(RefusedError):
                await database.in_transaction(partial(send, order_id + 1, refused=True))
        await ordered.send(None, order_id=10)
        await until(lambda: len(done) >= 6)
    assert sorted(order_id for order_id, _ in done) == [0, 2, 4, 6, 8, 10]
    assert len({event_id for _, event_id in done}) == 6


async def test_a_process_that_runs_no_relay_stores_what_another_publishes(
    place: PostgreSQL, nats: NatsServer
) -> None:
    async with (
        sqlalchemy_column.opened({"default": place}) as database,
        shop(place, nats) as (ordered, unstarted),
        shop(place, nats) as (_, relay),
        stock(nats) as done,
    ):
        await database.in_transaction(partial(ordered.send, None, order_id=1))
        assert not done
        async with relay:
            await until(lambda: done)
        assert unstarted.service == relay.service


async def test_while_the_server_is_away_transactions_commit_and_nothing_is_lost(
    place: PostgreSQL, nats: NatsServer, caplog: pytest.LogCaptureFixture
) -> None:
    async with (
        sqlalchemy_column.opened({"default": place}) as database,
        shop(place, nats, seconds=0.5) as (ordered, relay),
        stock(nats) as done,
        relay,
    ):
        nats.kill()
        for order_id in range(5):
            await database.in_transaction(partial(ordered.send, None, order_id=order_id))
        await until(lambda: "could not be published" in caplog.text)
        assert not done
        nats.start()
        await until(lambda: len(done) >= 5)
    assert sorted(order_id for order_id, _ in done) == list(range(5))
