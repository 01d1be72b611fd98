"""The contract: what a transaction does to signals, the same for every integration."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from fastdjango_signals import (
    DatabaseAlias,
    Payload,
    Signal,
    post_delete,
    post_save,
    pre_delete,
    pre_save,
    transactions,
)
from tests.integrations.columns import django as django_column
from tests.integrations.columns import sqlalchemy as sqlalchemy_column
from tests.integrations.columns import tortoise as tortoise_column
from tests.integrations.contract import Column, Database, Place
from tests.integrations.receiving import RefusedError
from tests.integrations.servers import Cluster, SQLite

COLUMNS: dict[str, Column] = {
    "Django": django_column.opened,
    "SQLAlchemy": sqlalchemy_column.opened,
    "SQLModel": sqlalchemy_column.opened_with_sqlmodel,
    "Tortoise": tortoise_column.opened,
}
KINDS = ("SQLite", "PostgreSQL")
MANY = 20


class Placed(Payload):
    text: str
    using: DatabaseAlias = None


placed = Signal(Placed, name="placed")


@pytest.fixture(params=KINDS)
def places(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Mapping[str, Place]]:
    aliases = ("default", "archive")
    with ExitStack() as stack:
        if request.param == "SQLite":
            yield {alias: SQLite(tmp_path / f"{alias}.sqlite3") for alias in aliases}
        else:
            cluster: Cluster = request.getfixturevalue("postgres")
            yield {alias: stack.enter_context(cluster.database()) for alias in aliases}


@pytest.fixture(params=COLUMNS)
async def database(
    request: pytest.FixtureRequest, places: Mapping[str, Place]
) -> AsyncIterator[Database]:
    async with COLUMNS[request.param](places) as opened:
        yield opened


class Told:
    """Connects receivers that wait for the commit, and keeps the texts that they were told."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    async def of_placed(self, sender: object, text: str, **_: object) -> None:
        self.texts.append(text)

    async def of_note(self, sender: object, instance: Any, **_: object) -> None:
        self.texts.append(instance.text)


@pytest.fixture
def told() -> Iterator[Told]:
    """Tell of custom sends once they are committed."""
    told = Told()
    with placed.connected_to(told.of_placed, on_commit=True):
        yield told


async def place(text: str, *, using: str | None = None) -> None:
    """Send a custom signal, as an application does."""
    await placed.send(sender=None, text=text, using=using)


def refused(*steps: Any) -> Any:
    """Return work that takes some steps and then raises."""

    async def work() -> None:
        for step in steps:
            await step()
        raise RefusedError

    return work


def each(*steps: Any) -> Any:
    """Return work that takes some steps."""

    async def work() -> None:
        for step in steps:
            await step()

    return work


def tolerant(step: Any) -> Any:
    """Return work that takes a step which raises."""

    async def work() -> None:
        with pytest.raises(RefusedError):
            await step()

    return work


# --- on commit ---------------------------------------------------------------


@pytest.mark.capability("a receiver runs after the commit, and sees what was committed")
async def test_commit(database: Database, places: Mapping[str, Place], told: Told) -> None:
    seen: list[list[str]] = []

    async def look(sender: object, **_: object) -> None:
        seen.append(places["default"].texts())

    async def work() -> None:
        await database.save("row")
        await place("sent")
        assert told.texts == []

    with placed.connected_to(look, on_commit=True):
        await database.in_transaction(work)
    assert told.texts == ["sent"]
    assert seen == [["row"]]


@pytest.mark.capability("it runs at once where there is no transaction")
@pytest.mark.usefixtures("database")
async def test_no_transaction(told: Told) -> None:
    await place("sent")
    assert told.texts == ["sent"]


@pytest.mark.capability("it runs never after a rollback")
async def test_rollback(database: Database, places: Mapping[str, Place], told: Told) -> None:
    work = refused(partial(database.save, "row"), partial(place, "sent"))
    with pytest.raises(RefusedError):
        await database.in_transaction(work)
    assert told.texts == []
    assert places["default"].texts() == []


@pytest.mark.capability("a savepoint that is rolled back takes its sends with it, no others")
async def test_rollback_of_a_savepoint(
    database: Database, places: Mapping[str, Place], told: Told
) -> None:
    inner = refused(partial(database.save, "inner"), partial(place, "inner"))
    await database.in_transaction(
        each(
            partial(database.save, "before"),
            partial(place, "before"),
            tolerant(partial(database.in_transaction, inner)),
            partial(place, "after"),
        )
    )
    assert told.texts == ["before", "after"]
    assert places["default"].texts() == ["before"]


@pytest.mark.capability("a released savepoint waits for the root, and is dropped with it")
async def test_rollback_of_the_root(database: Database, told: Told) -> None:
    inner = each(partial(database.save, "inner"), partial(place, "inner"))
    work = refused(partial(database.save, "a"), partial(database.in_transaction, inner))
    with pytest.raises(RefusedError):
        await database.in_transaction(work)
    assert told.texts == []


@pytest.mark.capability("nested transactions wait for the outermost commit, in order")
async def test_nested(database: Database, told: Told) -> None:
    async def innermost() -> None:
        await place("3")

    async def inner() -> None:
        await place("2")
        await database.in_transaction(innermost)
        assert told.texts == []

    async def outer() -> None:
        await place("1")
        await database.in_transaction(inner)
        assert told.texts == []
        await place("4")

    await database.in_transaction(outer)
    assert told.texts == ["1", "2", "3", "4"]


@pytest.mark.capability("its failure is logged, undoes nothing, and stops no other receiver")
async def test_failure(
    database: Database,
    places: Mapping[str, Place],
    told: Told,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def fail(sender: object, **_: object) -> None:
        raise RefusedError

    with placed.connected_to(fail, on_commit=True, priority=1), caplog.at_level(logging.ERROR):
        await database.in_transaction(each(partial(database.save, "row"), partial(place, "sent")))
        assert places["default"].texts() == ["row"]
        await database.save("the database can be used again")
    assert told.texts == ["sent"]
    assert [record.exc_info[0] for record in caplog.records if record.exc_info] == [RefusedError]


@pytest.mark.capability("it can use the database, in a transaction of its own")
async def test_receivers_use_the_database(database: Database, places: Mapping[str, Place]) -> None:
    async def write(sender: object, text: str, **_: object) -> None:
        await database.in_transaction(partial(database.save, f"about {text}"))

    with placed.connected_to(write, on_commit=True):
        await database.in_transaction(each(partial(database.save, "row"), partial(place, "sent")))
    assert places["default"].texts() == ["about sent", "row"]


@pytest.mark.capability("what it sends in turn waits for its own transaction")
async def test_receivers_send(database: Database, told: Told) -> None:
    async def write(sender: object, text: str, **_: object) -> None:
        if text == "first":
            await database.in_transaction(partial(place, "second"))

    with placed.connected_to(write, on_commit=True):
        await database.in_transaction(partial(place, "first"))
    assert told.texts == ["first", "second"]


@pytest.mark.capability("20 transactions at once keep apart")
async def test_concurrent_transactions(
    database: Database, places: Mapping[str, Place], told: Told
) -> None:
    async def one(number: int) -> None:
        text = f"{number:02}"
        steps = (partial(database.save, text), partial(place, text))
        if number % 2:
            await tolerant(partial(database.in_transaction, refused(*steps)))()
        else:
            await database.in_transaction(each(*steps))

    async with asyncio.timeout(60):
        await asyncio.gather(*map(one, range(MANY)))
    assert sorted(told.texts) == [f"{number:02}" for number in range(0, MANY, 2)]
    assert places["default"].texts() == sorted(told.texts)


@pytest.mark.capability("of several databases, it waits for the one that the payload names")
async def test_several_databases(database: Database, told: Told) -> None:
    async def inner() -> None:
        await place("archived", using="archive")
        await place("sent", using="default")
        await place("innermost")

    async def outer() -> None:
        await database.in_transaction(inner, using="archive")
        assert told.texts == ["archived", "innermost"]

    await database.in_transaction(outer)
    assert told.texts == ["archived", "innermost", "sent"]


@pytest.mark.capability("it does not wait for a transaction of another database")
async def test_another_database(database: Database, told: Told) -> None:
    async def work() -> None:
        await place("archived", using="archive")
        assert told.texts == ["archived"]

    await database.in_transaction(work)
    assert told.texts == ["archived"]


@pytest.mark.capability("a cancelled transaction tells nobody")
async def test_cancellation(database: Database, places: Mapping[str, Place], told: Told) -> None:
    started = asyncio.Event()

    async def work() -> None:
        await database.save("row")
        await place("sent")
        started.set()
        await asyncio.sleep(60)

    task = asyncio.ensure_future(database.in_transaction(work))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert told.texts == []
    assert places["default"].texts() == []


# --- rows in the transaction of the code that sends ---------------------------

OUTBOX = '"Sent events"'
QUERY = f"SELECT queue, payload FROM {OUTBOX} ORDER BY queue"
PAYLOAD = b'\x00{"quoted": "\'%s"}\xff'


class Outbox:
    """A table for events, whose name needs quotes, in each database."""

    def __init__(self, places: Mapping[str, Place]) -> None:
        self._places = places
        self._schema = places["default"].schema
        for place in places.values():
            columns = f"queue VARCHAR(50) NOT NULL, payload {place.binary} NOT NULL"
            place.execute(f"CREATE TABLE {OUTBOX} ({columns})")

    async def put(self, queue: str, *, using: str | None = None, table: str | None = None) -> bool:
        row: transactions.Row = {"queue": queue, "payload": PAYLOAD}
        return await transactions.insert(table or OUTBOX.strip('"'), row, using)

    async def stored(self, queue: str, using: str | None = None) -> None:
        assert await self.put(queue, using=using)

    async def refused(self, queue: str) -> None:
        assert not await self.put(queue)

    async def stored_by_schema(self, queue: str) -> None:
        assert await self.put(queue, table=f"{self._schema}.{OUTBOX}".replace('"', ""))

    def queues(self, using: str = "default") -> list[str]:
        rows = self._places[using].rows(QUERY)
        assert all(bytes(payload) == PAYLOAD for _, payload in rows)
        return [queue for queue, _ in rows]


@pytest.fixture
def outbox(database: Database, places: Mapping[str, Place]) -> Outbox:
    return Outbox(places)


@pytest.mark.capability("a row that is inserted in a transaction is committed with it")
async def test_rows_commit(database: Database, outbox: Outbox) -> None:
    async def work() -> None:
        await outbox.stored("1")
        await outbox.stored_by_schema("2")
        assert outbox.queues() == []

    await database.in_transaction(work)
    assert outbox.queues() == ["1", "2"]


@pytest.mark.capability("it is rolled back with it")
async def test_rows_rollback(database: Database, outbox: Outbox) -> None:
    with pytest.raises(RefusedError):
        await database.in_transaction(refused(partial(outbox.stored, "1")))
    assert outbox.queues() == []


@pytest.mark.capability("it goes with the savepoint that it was inserted in, and no other")
async def test_rows_savepoints(database: Database, outbox: Outbox) -> None:
    dropped = refused(partial(outbox.stored, "dropped"))
    nested = each(
        partial(outbox.stored, "2"),
        tolerant(partial(database.in_transaction, dropped)),
        partial(outbox.stored, "3"),
    )
    await database.in_transaction(
        each(
            partial(outbox.stored, "1"),
            tolerant(partial(database.in_transaction, dropped)),
            partial(database.in_transaction, nested),
            partial(outbox.stored, "4"),
        )
    )
    assert outbox.queues() == ["1", "2", "3", "4"]


@pytest.mark.capability("none is inserted outside of a transaction, nor after one")
async def test_rows_outside(database: Database, outbox: Outbox) -> None:
    left: list[asyncio.Task[None]] = []
    ended = asyncio.Event()

    async def late() -> None:
        await ended.wait()
        await outbox.refused("late")

    async def after_commit(sender: object, **_: object) -> None:
        await outbox.refused("after the commit")

    async def work() -> None:
        left.append(asyncio.ensure_future(late()))  # inherits the transaction, and outlives it
        await place("sent")

    await outbox.refused("before")
    with placed.connected_to(after_commit, on_commit=True):
        await database.in_transaction(work)
    await outbox.refused("after")
    ended.set()
    await asyncio.gather(*left)
    assert outbox.queues() == []


@pytest.mark.capability("none is inserted in the transaction of another task")
async def test_rows_of_other_tasks(database: Database, outbox: Outbox) -> None:
    asked = asyncio.Event()

    async def work() -> None:
        await database.save("row")
        await asyncio.sleep(0)
        asked.set()
        await other

    async def ask() -> None:
        await asked.wait()
        await outbox.refused("other")

    other = asyncio.ensure_future(ask())
    await database.in_transaction(work)
    assert outbox.queues() == []


@pytest.mark.capability("of several databases, it is inserted in the one that is named")
async def test_rows_of_several_databases(database: Database, outbox: Outbox) -> None:
    async def inner() -> None:
        await outbox.stored("1", "archive")
        await outbox.stored("2", "default")
        await outbox.stored("3")
        assert not await outbox.put("4", using="another")

    await database.in_transaction(partial(database.in_transaction, inner, "archive"))
    assert outbox.queues("archive") == ["1", "3"]
    assert outbox.queues("default") == ["2"]


@pytest.mark.capability("receivers of a save insert in its transaction")
async def test_rows_of_receivers(database: Database, outbox: Outbox) -> None:
    async def store(sender: object, instance: Any, **_: object) -> None:
        await outbox.stored(instance.text)

    with (
        pre_save.connected_to(store, sender=database.note, dispatch_uid="before"),
        post_save.connected_to(store, sender=database.note),
    ):
        await database.in_transaction(partial(database.save, "kept"))
        with pytest.raises(RefusedError):
            await database.in_transaction(refused(partial(database.save, "dropped")))
    assert outbox.queues() == ["kept", "kept"]


@pytest.mark.capability("20 transactions at once keep their rows apart; so do rows at once in one")
async def test_rows_at_once(database: Database, outbox: Outbox) -> None:
    async def one(number: int) -> None:
        steps = [partial(outbox.stored, f"{number:02} {part}") for part in "abc"]

        async def together() -> None:
            await asyncio.gather(*(step() for step in steps))

        if number % 2:
            await tolerant(partial(database.in_transaction, refused(together)))()
        else:
            await database.in_transaction(together)

    async with asyncio.timeout(60):
        await asyncio.gather(*map(one, range(MANY)))
    assert outbox.queues() == [f"{n:02} {part}" for n in range(0, MANY, 2) for part in "abc"]


@pytest.mark.capability("where the database refuses it, its own exception comes out")
async def test_rows_refused(database: Database, outbox: Outbox) -> None:
    failures: list[Exception] = []

    async def work() -> None:
        await outbox.stored("1")
        try:
            await outbox.put("2", table="missing")
        except Exception as error:
            failures.append(error)
            raise

    with pytest.raises(Exception, match="missing") as raised:
        await database.in_transaction(work)
    assert failures == [raised.value]
    assert outbox.queues() == []


# --- the signals of models ---------------------------------------------------


@pytest.mark.capability("save and delete send their signals, with the alias of the database")
async def test_model_signals(database: Database) -> None:
    heard: list[tuple[str, object, object]] = []

    def hear(name: str) -> Any:
        async def receiver(sender: object, instance: Any, using: object, **_: object) -> None:
            heard.append((name, sender, using))

        return receiver

    with ExitStack() as stack:
        for signal in (pre_save, post_save, pre_delete, post_delete):
            name = signal.name.rpartition(".")[2]
            stack.enter_context(signal.connected_to(hear(name), weak=False))
        note = await database.save("row")
        await database.delete(note)
        await database.save("row", using="archive")
    names = ["pre_save", "post_save", "pre_delete", "post_delete"]
    assert heard == [
        *((name, database.note, "default") for name in names),
        *((name, database.note, "archive") for name in names[:2]),
    ]


@pytest.mark.capability("a receiver of pre_save may change the instance")
async def test_pre_save_changes(database: Database, places: Mapping[str, Place]) -> None:
    async def shout(sender: object, instance: Any, **_: object) -> None:
        instance.text = instance.text.upper()

    with pre_save.connected_to(shout, sender=database.note):
        await database.save("row")
    assert places["default"].texts() == ["ROW"]


@pytest.mark.capability("one that raises in pre_save stops the save")
async def test_pre_save_refuses(database: Database, places: Mapping[str, Place]) -> None:
    async def refuse(sender: object, **_: object) -> None:
        raise RefusedError

    with pre_save.connected_to(refuse), pytest.raises(RefusedError):
        await database.save("row")
    assert places["default"].texts() == []
    await database.save("the database can be used again")


@pytest.mark.capability("one that raises in post_save rolls back, unless the caller lets it pass")
async def test_post_save_refuses(database: Database, places: Mapping[str, Place]) -> None:
    async def refuse(sender: object, **_: object) -> None:
        raise RefusedError

    with post_save.connected_to(refuse):
        with pytest.raises(RefusedError):
            await database.in_transaction(partial(database.save, "dropped"))
        await database.in_transaction(tolerant(partial(database.save, "kept")))
    assert places["default"].texts() == ["kept"]


@pytest.mark.capability("model signals wait for the commit too")
async def test_model_signals_on_commit(database: Database) -> None:
    told = Told()

    async def work() -> None:
        await database.save("kept")
        await tolerant(
            partial(database.in_transaction, refused(partial(database.save, "dropped")))
        )()
        assert told.texts == []

    with post_save.connected_to(told.of_note, sender=database.note, on_commit=True):
        await database.in_transaction(work)
        assert told.texts == ["kept"]
        with pytest.raises(RefusedError):
            await database.in_transaction(refused(partial(database.save, "dropped")))
    assert told.texts == ["kept"]


@pytest.mark.capability("a receiver writes in the transaction of the save")
async def test_receivers_share_the_transaction(
    database: Database, places: Mapping[str, Place]
) -> None:
    async def log(sender: object, instance: Any, **_: object) -> None:
        if not instance.text.startswith("about"):
            await database.save(f"about {instance.text}")

    with post_save.connected_to(log, sender=database.note):
        with pytest.raises(RefusedError):
            await database.in_transaction(refused(partial(database.save, "dropped")))
        await database.in_transaction(partial(database.save, "kept"))
    assert places["default"].texts() == ["about kept", "kept"]
