"""The outbox, on a real PostgreSQL, from the transactions of every ORM."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any

import pytest
from sqlalchemy import create_engine
from sqlalchemy.engine.interfaces import IsolationLevel
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from fastdjango_signals.relay import OutsideTransactionError, RelayDefinitionError, forwarding
from fastdjango_signals.relay.outbox import Outbox
from tests.integrations.columns import django as django_column
from tests.integrations.columns import sqlalchemy as sqlalchemy_column
from tests.integrations.columns import tortoise as tortoise_column
from tests.integrations.contract import Column, Database
from tests.integrations.receiving import RefusedError
from tests.integrations.servers import Cluster, PostgreSQL
from tests.relay.outbox_events import SECRET, Broker, event
from tests.relay.servers import PATIENCE, until

COLUMNS: dict[str, Column] = {
    "Django": django_column.opened,
    "SQLAlchemy": sqlalchemy_column.opened,
    "SQLModel": sqlalchemy_column.opened_with_sqlmodel,
    "Tortoise": tortoise_column.opened,
}


@pytest.fixture
def place(postgres: Cluster) -> Iterator[PostgreSQL]:
    with postgres.database() as made:
        yield made


def url(place: PostgreSQL, driver: str = "asyncpg") -> str:
    return f"postgresql+{driver}://{place.user}@/{place.name}?host={place.host}&port={place.port}"


@asynccontextmanager
async def connected(place: PostgreSQL, driver: str = "asyncpg") -> AsyncIterator[AsyncEngine]:
    engine = create_async_engine(url(place, driver))
    try:
        yield engine
    finally:
        await engine.dispose()


@pytest.fixture
async def engine(place: PostgreSQL) -> AsyncIterator[AsyncEngine]:
    async with connected(place) as made:
        yield made


@pytest.fixture
async def outbox(engine: AsyncEngine) -> Outbox:
    made = Outbox(engine)
    await made.create_table()
    return made


@pytest.fixture
async def database(place: PostgreSQL) -> AsyncIterator[Database]:
    """Give SQLAlchemy, for tests that are not about the ORM."""
    async with sqlalchemy_column.opened({"default": place}) as opened:
        yield opened


@pytest.fixture
def broker() -> Broker:
    return Broker()


async def store(outbox: Outbox, *numbers: int, service: str = "shop") -> None:
    """Store events in the transaction that is open."""
    for number in numbers:
        assert await outbox.store(service, event(number), None)


def storing(
    outbox: Outbox, *numbers: int, service: str = "shop"
) -> partial[Coroutine[Any, Any, None]]:
    return partial(store, outbox, *numbers, service=service)


def kept(place: PostgreSQL, table: str = "signals_outbox") -> int:
    """Return how many events the table has."""
    return int(place.rows(f"SELECT count(*) FROM {table}")[0][0])


async def delivered(broker: Broker, *numbers: int) -> None:
    """Wait until the broker has as many events, and check that they are these."""
    await until(lambda: len(broker.numbers) >= len(numbers))
    assert broker.numbers == [*numbers]


# --- transactions ------------------------------------------------------------


@pytest.mark.parametrize("column", COLUMNS)
async def test_what_is_committed_is_published_in_order_and_nothing_else(
    column: str, place: PostgreSQL, outbox: Outbox, broker: Broker
) -> None:
    async with COLUMNS[column]({"default": place}) as database:

        async def refuse(*numbers: int) -> None:
            await store(outbox, *numbers)
            raise RefusedError

        async def work() -> None:
            await store(outbox, 2)
            with pytest.raises(RefusedError):
                await database.in_transaction(partial(refuse, 3))
            await database.in_transaction(storing(outbox, 4, 5))
            assert broker.numbers == [1]

        async with outbox.forwarding("shop", broker.publish):
            await database.in_transaction(storing(outbox, 1))
            await delivered(broker, 1)
            await database.in_transaction(work)
            with pytest.raises(RefusedError):
                await database.in_transaction(partial(refuse, 6))
            await database.in_transaction(storing(outbox, *range(7, 60)))
            await delivered(broker, 1, 2, 4, 5, *range(7, 60))
        assert not await outbox.store("shop", event(60), None)
    assert kept(place) == 0


async def test_outside_of_a_transaction_an_event_is_refused_or_stored_if_asked_for(
    place: PostgreSQL, database: Database, engine: AsyncEngine, outbox: Outbox
) -> None:
    assert not await outbox.store("shop", event(1), None)
    refusing = Outbox(engine, outside="refuse")
    with pytest.raises(OutsideTransactionError, match="takes nothing that is sent outside of a"):
        await refusing.store("shop", event(1), None)
    await database.in_transaction(storing(refusing, 2))
    assert kept(place) == 1
    assert await Outbox(engine, outside="store").store("shop", event(3), None)
    assert kept(place) == 2


async def test_an_outbox_without_an_integration_is_an_error(outbox: Outbox) -> None:
    with pytest.raises(RelayDefinitionError, match=r"no integration is installed .* install\(\)"):
        await outbox.store("shop", event(1), None)


def test_an_outbox_takes_no_sync_engine() -> None:
    engine: Any = create_engine("postgresql+psycopg://localhost/shop")
    with pytest.raises(RelayDefinitionError, match="needs an AsyncEngine, and is given"):
        Outbox(engine)


async def test_events_wait_until_somebody_publishes_them(
    place: PostgreSQL, database: Database, outbox: Outbox, broker: Broker
) -> None:
    await database.in_transaction(storing(outbox, *range(200)))
    assert kept(place) == 200
    async with outbox.forwarding("shop", broker.publish):
        await delivered(broker, *range(200))
        await until(lambda: kept(place) == 0)


async def test_the_order_is_that_of_storing_not_that_of_the_beginnings(
    engine: AsyncEngine, outbox: Outbox, broker: Broker, database: Database
) -> None:
    async def long() -> None:
        await store(outbox, 1)
        # Its transaction begins after the one around it, in a task that knows of no other.
        await asyncio.create_task(
            database.in_transaction(storing(outbox, 2), "default"), context=alone
        )
        await store(outbox, 3)

    alone = contextvars.copy_context()
    await database.in_transaction(long)
    async with outbox.forwarding("shop", broker.publish):
        await delivered(broker, 1, 2, 3)


async def test_services_are_apart(database: Database, outbox: Outbox, broker: Broker) -> None:
    other = Broker()
    await database.in_transaction(storing(outbox, 1, service="stock"))
    await database.in_transaction(storing(outbox, 2))
    async with outbox.forwarding("shop", broker.publish):
        await delivered(broker, 2)
        async with outbox.forwarding("stock", other.publish):
            await delivered(other, 1)
    assert broker.numbers == [2]


@pytest.mark.parametrize("driver", ["asyncpg", "psycopg"])
async def test_an_event_is_published_within_about_a_second(
    driver: str, place: PostgreSQL, database: Database, outbox: Outbox, broker: Broker
) -> None:
    """PostgreSQL tells asyncpg of it at once; with others, the table is asked."""
    async with (
        connected(place, driver) as engine,
        Outbox(engine).forwarding("shop", broker.publish),
    ):
        await database.in_transaction(storing(outbox, 0))
        await delivered(broker, 0)
        await asyncio.sleep(3)  # it asks less often where there is nothing
        begun = time.monotonic()
        await database.in_transaction(storing(outbox, 1))
        await delivered(broker, 0, 1)
        took = time.monotonic() - begun
    assert took < (0.7 if driver == "asyncpg" else 2.5)


# --- failures ----------------------------------------------------------------


async def test_while_the_broker_is_down_events_wait_in_order(
    place: PostgreSQL,
    database: Database,
    outbox: Outbox,
    broker: Broker,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    async with outbox.forwarding("shop", broker.publish):
        await database.in_transaction(storing(outbox, 1, 2))
        await delivered(broker, 1, 2)
        broker.is_down = True
        await database.in_transaction(storing(outbox, 3, 4))
        await until(lambda: broker.failures == 2)
        await database.in_transaction(storing(outbox, 5))
        await until(lambda: broker.failures == 3)
        assert kept(place) == 3
        broker.is_down = False
        await database.in_transaction(storing(outbox, 6))
        await delivered(broker, *range(1, 7))
    assert kept(place) == 0
    errors = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert [record.name for record in errors] == ["fastdjango_signals"] * 3
    assert errors[0].getMessage() == (
        "Outbox of service shop: event event-3 (row 3) could not be published "
        "(tests.relay.outbox_events.BrokerIsDownError), and is tried again; those after it wait"
    )
    assert SECRET not in caplog.text


async def test_closing_does_not_wait_for_a_broker_that_is_down(
    database: Database, outbox: Outbox, broker: Broker
) -> None:
    broker.is_down = True
    await database.in_transaction(storing(outbox, *range(30)))
    async with outbox.forwarding("shop", broker.publish):
        await until(lambda: broker.failures)
        begun = time.monotonic()
    assert time.monotonic() - begun < 2
    broker.is_down = False
    async with outbox.forwarding("shop", broker.publish):
        await delivered(broker, *range(30))


async def test_closing_lets_the_event_that_is_being_published_end(
    place: PostgreSQL, database: Database, outbox: Outbox, broker: Broker
) -> None:
    begun, may_end = asyncio.Event(), asyncio.Event()

    async def publish(body: bytes) -> None:
        begun.set()
        await may_end.wait()
        await broker.publish(body)

    await database.in_transaction(storing(outbox, 1, 2))
    async with outbox.forwarding("shop", publish):
        await begun.wait()
        asyncio.get_running_loop().call_later(0.2, may_end.set)
    assert broker.numbers == [1]
    assert kept(place) == 1


async def test_closing_does_not_wait_for_ever_for_an_event_that_hangs(
    database: Database, outbox: Outbox, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forwarding, "_DEADLINE", 0.3)
    begun = asyncio.Event()

    async def publish(body: bytes) -> None:
        begun.set()
        await asyncio.sleep(60)

    await database.in_transaction(storing(outbox, 1, 2))
    async with asyncio.timeout(5), outbox.forwarding("shop", publish):
        await begun.wait()
    async with outbox.forwarding("shop", broker.publish):
        await delivered(broker, 1, 2)


async def test_a_cancellation_that_is_no_ones_is_a_failure_like_others(
    database: Database, outbox: Outbox, broker: Broker
) -> None:
    failures = [asyncio.CancelledError()]

    async def publish(body: bytes) -> None:
        if failures:
            raise failures.pop()
        await broker.publish(body)

    await database.in_transaction(storing(outbox, 1, 2))
    async with outbox.forwarding("shop", publish):
        await delivered(broker, 1, 2)


@pytest.mark.parametrize("body", [b"no JSON", b"[]", b"{}"])
async def test_what_is_no_event_is_named_without_showing_it(
    body: bytes, database: Database, outbox: Outbox, caplog: pytest.LogCaptureFixture
) -> None:
    failed = asyncio.Event()

    async def publish(body: bytes) -> None:
        failed.set()
        raise RefusedError

    async def work() -> None:
        assert await outbox.store("shop", body, None)

    await database.in_transaction(work)
    async with outbox.forwarding("shop", publish):
        await failed.wait()
    assert "event without an id (row 1) could not be published" in caplog.text


async def test_lost_connections_are_made_again_and_the_order_stays(
    place: PostgreSQL,
    database: Database,
    outbox: Outbox,
    broker: Broker,
    caplog: pytest.LogCaptureFixture,
) -> None:
    cut = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )

    async def publish(body: bytes) -> None:
        await broker.publish(body)
        if len(broker.numbers) in (5, 25):
            place.execute(cut)

    await database.in_transaction(storing(outbox, *range(50)))
    async with outbox.forwarding("shop", publish):
        await until(lambda: kept(place) == 0)
    assert list(dict.fromkeys(broker.numbers)) == [*range(50)]
    assert len(broker.numbers) < 55
    assert "database fails" in caplog.text
    assert SECRET not in caplog.text


async def test_who_has_lost_the_lock_begins_anew(
    place: PostgreSQL, database: Database, outbox: Outbox, broker: Broker
) -> None:
    cut = (
        "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted "
        "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    async with outbox.forwarding("shop", broker.publish):
        await database.in_transaction(storing(outbox, 1))
        await delivered(broker, 1)
        place.execute(cut)
        await database.in_transaction(storing(outbox, 2))
        await delivered(broker, 1, 2)
        await asyncio.sleep(2.5)
        place.execute(cut)
        await database.in_transaction(storing(outbox, 3))
        await delivered(broker, 1, 2, 3)


# --- several processes -------------------------------------------------------


@pytest.mark.parametrize("level", ["READ COMMITTED", "AUTOCOMMIT", "SERIALIZABLE"])
async def test_two_at_once_publish_each_event_once_and_in_order(
    level: IsolationLevel,
    place: PostgreSQL,
    database: Database,
    outbox: Outbox,
    broker: Broker,
) -> None:
    """Whatever level of isolation the engine is set to."""
    async with AsyncExitStack() as stack:
        for _ in range(2):
            engine = create_async_engine(url(place), isolation_level=level)
            stack.push_async_callback(engine.dispose)
            opened = Outbox(engine).forwarding("shop", broker.publish)
            await stack.enter_async_context(opened)
        for number in range(0, 60, 3):
            await database.in_transaction(storing(outbox, *range(number, number + 3)))
        await delivered(broker, *range(60))
        await asyncio.sleep(0.5)
    assert broker.numbers == [*range(60)]


async def test_the_second_goes_on_when_the_first_ends(
    place: PostgreSQL, database: Database, outbox: Outbox
) -> None:
    first, second = Broker(), Broker()
    async with connected(place) as engine, outbox.forwarding("shop", first.publish):
        await database.in_transaction(storing(outbox, 0))
        await delivered(first, 0)
        async with Outbox(engine).forwarding("shop", second.publish):
            await database.in_transaction(storing(outbox, *range(1, 20)))
            await delivered(first, *range(20))
    async with connected(place) as engine, Outbox(engine).forwarding("shop", second.publish):
        await database.in_transaction(storing(outbox, 20))
        await delivered(second, 20)


def program(place: PostgreSQL, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.relay.outbox_program", url(place), *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


async def lines(process: subprocess.Popen[str], count: int) -> list[str]:
    """Return what a process has said, once it is so many lines."""
    assert process.stdout is not None
    async with asyncio.timeout(PATIENCE):
        return [(await asyncio.to_thread(process.stdout.readline)).strip() for _ in range(count)]


def kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


async def test_a_process_that_is_killed_after_its_commit_loses_nothing(
    place: PostgreSQL, outbox: Outbox, broker: Broker
) -> None:
    process = program(place, "store", "1", "2", "3")
    assert await lines(process, 1) == ["committed"]
    kill(process)
    async with outbox.forwarding("shop", broker.publish):
        await delivered(broker, 1, 2, 3)


async def test_a_process_that_is_killed_while_it_publishes_loses_nothing_and_keeps_the_order(
    place: PostgreSQL, database: Database, outbox: Outbox, broker: Broker
) -> None:
    await database.in_transaction(storing(outbox, *range(30)))
    process = program(place, "forward", "2")
    assert await lines(process, 3) == ["0", "1", "2"]  # it may have confirmed the third
    async with outbox.forwarding("shop", broker.publish):
        await asyncio.sleep(1.5)
        assert broker.numbers == []
        kill(process)
        await delivered(broker, *range(2, 30))
    assert kept(place) == 0


@pytest.mark.slow
async def test_a_process_that_is_stopped_leads_no_longer(
    place: PostgreSQL, database: Database, outbox: Outbox, broker: Broker
) -> None:
    process = program(place, "forward", "1")
    await database.in_transaction(storing(outbox, 0))
    assert await lines(process, 1) == ["0"]
    process.send_signal(signal.SIGSTOP)
    try:
        await database.in_transaction(storing(outbox, 1))
        async with outbox.forwarding("shop", broker.publish):
            # It may not have come to deleting the first one.
            await until(lambda: broker.numbers[-1:] == [1], seconds=30)
    finally:
        kill(process)


# --- the table ---------------------------------------------------------------


async def test_the_statements_create_the_table_and_change_nothing_that_exists(
    place: PostgreSQL, engine: AsyncEngine, database: Database, broker: Broker
) -> None:
    outbox = Outbox(engine, table="app.events")
    place.execute("CREATE SCHEMA app")
    place.execute(outbox.ddl())
    place.execute(outbox.ddl())
    await outbox.create_table()
    await database.in_transaction(storing(outbox, 1))
    assert kept(place, "app.events") == 1
    async with outbox.forwarding("shop", broker.publish):
        await delivered(broker, 1)


async def test_a_table_that_alembic_has_made_will_do(
    place: PostgreSQL, engine: AsyncEngine, database: Database, broker: Broker
) -> None:
    """It has neither the trigger nor, perhaps, the default that keeps the order."""
    outbox = Outbox(engine)
    async with engine.begin() as connection:
        await connection.run_sync(outbox.metadata.create_all)
    place.execute("ALTER TABLE signals_outbox ALTER next_attempt_at SET DEFAULT now()")
    await database.in_transaction(storing(outbox, 1))
    async with outbox.forwarding("shop", broker.publish):
        await delivered(broker, 1)
        await database.in_transaction(storing(outbox, 2))
        await delivered(broker, 1, 2)


async def test_many_processes_may_create_it_at_once(place: PostgreSQL) -> None:
    async with AsyncExitStack() as stack:
        engines = [await stack.enter_async_context(connected(place)) for _ in range(5)]
        await asyncio.gather(*(Outbox(each).create_table() for each in engines))
    assert kept(place) == 0


async def test_tables_of_one_name_in_two_schemas_are_two(
    place: PostgreSQL, database: Database, engine: AsyncEngine, broker: Broker
) -> None:
    outboxes = [Outbox(engine, table=f"{schema}.events") for schema in ("one", "two")]
    other = Broker()
    place.execute("CREATE SCHEMA one; CREATE SCHEMA two")
    for each in outboxes:
        await each.create_table()
    async with (
        outboxes[0].forwarding("shop", broker.publish),
        outboxes[1].forwarding("shop", other.publish),
    ):
        await database.in_transaction(storing(outboxes[0], 1))
        await database.in_transaction(storing(outboxes[1], 2))
        await delivered(broker, 1)
        await delivered(other, 2)


# --- errors ------------------------------------------------------------------


async def test_a_table_that_does_not_exist_is_said_to_be_missing(
    engine: AsyncEngine, broker: Broker
) -> None:
    with pytest.raises(RelayDefinitionError) as raised:
        async with Outbox(engine).forwarding("shop", broker.publish):
            pass
    assert str(raised.value) == (
        "the outbox has no table signals_outbox in its database; await outbox.create_table(), or "
        "run what outbox.ddl() returns in a migration"
    )


async def test_another_database_is_refused_at_once() -> None:
    engine = create_async_engine("sqlite+aiosqlite://")
    with pytest.raises(RelayDefinitionError) as raised:
        Outbox(engine)
    assert str(raised.value) == (
        "an Outbox needs PostgreSQL, and its engine is one of sqlite; give it "
        'create_async_engine("postgresql+asyncpg://...")'
    )


@pytest.mark.parametrize("name", ["", "Events", 'a"b', "a.b.c", ".a", "a; DROP", "1a", "a" * 60])
async def test_a_name_that_needs_quotes_or_is_too_long_is_refused(
    engine: AsyncEngine, name: str
) -> None:
    with pytest.raises(RelayDefinitionError, match="the table of an Outbox"):
        Outbox(engine, table=name)


def test_without_the_library_the_extra_is_named() -> None:
    program = (
        "import sys; sys.modules['faststream_outbox'] = None\n"
        "try:\n    import fastdjango_signals.relay.outbox\n"
        "except ImportError as error:\n    print(error)"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert 'pip install "fastdjango-signals[outbox]"' in done.stdout
