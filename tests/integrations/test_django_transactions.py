"""Django: what waits for a commit."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import threading
import unittest
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.transaction import TransactionManagementError
from django.test import TestCase

from fastdjango_signals import DatabaseAlias, Payload, Signal, post_save
from fastdjango_signals.integrations import django
from fastdjango_signals.transactions import insert
from tests.integrations.django_site import fixtures, forget_connections, on_a_thread, site
from tests.integrations.receiving import RefusedError
from tests.integrations.servers import Cluster, PostgreSQL, SQLite

# isort: split
from tests.integrations.django_site.models import Comment, Note

database, installed, tables = fixtures.database, fixtures.installed, fixtures.tables
pytestmark = pytest.mark.usefixtures("installed")


class Placed(Payload):
    text: str
    using: DatabaseAlias = None


placed = Signal(Placed, name="placed")


@pytest.fixture
def told() -> Iterator[list[str]]:
    """Give the texts of notes and of custom sends that were told after a commit."""
    texts: list[str] = []

    async def of_note(sender: object, instance: Note, **_: object) -> None:
        texts.append(instance.text)

    async def of_placed(sender: object, text: str, **_: object) -> None:
        texts.append(text)

    with (
        post_save.connected_to(of_note, sender=Note, on_commit=True),
        placed.connected_to(of_placed, on_commit=True),
    ):
        yield texts


def save(text: str, using: str = "default") -> Note:
    note: Note = Note.objects.using(using).create(text=text)
    return note


async def place(text: str, using: str | None = None) -> None:
    await placed.send(sender=None, text=text, using=using)


place_sync = async_to_sync(place)


# --- synchronous code --------------------------------------------------------


def test_synchronous_code_waits_for_the_commit(told: list[str]) -> None:
    with transaction.atomic():
        save("row")
        place_sync("sent")
        assert told == []
    assert told == ["row", "sent"]
    save("alone")
    assert told == ["row", "sent", "alone"]


def test_receivers_take_turns_with_the_hooks_of_django(told: list[str]) -> None:
    with transaction.atomic():
        transaction.on_commit(lambda: told.append("hook 1"))
        save("row")
        transaction.on_commit(lambda: told.append("hook 2"))
    assert told == ["hook 1", "row", "hook 2"]


def test_a_decorated_function_may_call_itself(told: list[str]) -> None:
    @transaction.atomic  # type: ignore[untyped-decorator] # no types
    def nest(depth: int) -> None:
        save(str(depth))
        if depth:
            nest(depth - 1)
            assert told == []

    nest(2)
    assert told == ["2", "1", "0"]
    place_sync("at once")
    assert told[-1] == "at once"


def test_a_block_without_a_savepoint_spoils_the_one_around_it(
    told: list[str], installed: SQLite
) -> None:
    def spoil() -> None:
        with transaction.atomic(savepoint=False):
            save("inner")
            raise RefusedError

    with transaction.atomic():
        save("outer")
        with pytest.raises(RefusedError):
            spoil()
    assert (told, installed.texts()) == ([], [])


def test_a_transaction_that_is_set_to_roll_back_tells_nobody(told: list[str]) -> None:
    with transaction.atomic():
        save("row")
        transaction.set_rollback(True)
    assert told == []


def test_a_commit_that_fails_tells_nobody(told: list[str]) -> None:
    def refer_to_nothing() -> None:
        with transaction.atomic():
            save("row")
            Comment.objects.create(post_id=999, text="refers to nothing")

    with pytest.raises(IntegrityError):
        refer_to_nothing()
    assert told == []
    save("after")
    assert told == ["after"]


def test_a_connection_that_is_lost_tells_nobody(told: list[str], installed: SQLite) -> None:
    with transaction.atomic():
        save("row")
        connection.close()
        place_sync("sent")
    assert (told, installed.texts()) == ([], [])
    save("after")
    assert told == ["after"]


def test_a_durable_block_that_is_refused_changes_nothing(told: list[str]) -> None:
    with transaction.atomic():
        save("row")
        with pytest.raises(RuntimeError, match="durable"):
            transaction.atomic(durable=True).__enter__()
        assert told == []
    assert told == ["row"]


def test_without_autocommit_the_hooks_run_when_django_runs_them(told: list[str]) -> None:
    transaction.set_autocommit(False)
    try:
        with transaction.atomic():
            save("row")
        transaction.commit()
        assert told == []
    finally:
        transaction.set_autocommit(True)
    assert told == ["row"]


def test_a_block_in_a_generator_may_end_in_another_context(told: list[str]) -> None:
    def work() -> Iterator[None]:
        with transaction.atomic():
            save("row")
            yield
            save("another")

    steps = work()
    contextvars.copy_context().run(next, steps)
    place_sync("not in the block, as far as this context knows")
    assert len(told) == 1
    assert next(steps, "done") == "done"
    assert told[1:] == ["row", "another"]


def test_a_save_waits_in_a_context_that_knows_of_no_transaction(told: list[str]) -> None:
    with transaction.atomic():
        contextvars.Context().run(save, "row")
        assert told == []
    assert told == ["row"]


def test_a_transaction_that_is_older_than_the_install_is_not_waited_for(told: list[str]) -> None:
    django.uninstall()
    with transaction.atomic():
        django.install()
        save("row")
        assert told == ["row"]
    assert told == ["row"]


def test_a_block_that_is_older_than_the_install_may_end_after_it(
    told: list[str], installed: SQLite
) -> None:
    django.uninstall()
    block = transaction.atomic()
    block.__enter__()
    django.install()
    save("row")
    block.__exit__(None, None, None)
    assert (told, installed.texts()) == (["row"], ["row"])


def test_the_database_of_the_save_counts(told: list[str]) -> None:
    with transaction.atomic("default"):
        save("archived", "archive")
        assert told == ["archived"]
        with transaction.atomic("archive"):
            save("waits", "default")
            save("archived too", "archive")
            place_sync("innermost")
        assert told == ["archived", "archived too", "innermost"]
    assert told[3:] == ["waits"]


def test_a_receiver_that_fails_is_logged_and_the_others_run(
    told: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(sender: object, **_: object) -> None:
        raise RefusedError

    with (
        caplog.at_level(logging.ERROR),
        post_save.connected_to(fail, on_commit=True, priority=1),
        transaction.atomic(),
    ):
        save("row")
    assert told == ["row"]
    assert [each.name for each in caplog.records] == ["fastdjango_signals"]


def test_async_code_that_a_command_runs_shares_its_transaction(
    told: list[str], installed: SQLite
) -> None:
    async def work(number: int) -> None:
        await Note.objects.acreate(text=f"row {number}")
        await place(f"sent {number}")
        if number == 2:
            raise RefusedError

    with transaction.atomic():
        async_to_sync(work)(1)
        assert told == []
    assert told == ["row 1", "sent 1"]
    with pytest.raises(RefusedError), transaction.atomic():
        async_to_sync(work)(2)
    assert (told, installed.texts()) == (["row 1", "sent 1"], ["row 1"])


# --- tests of applications ---------------------------------------------------


def test_the_tools_of_django_for_tests_capture_receivers(told: list[str]) -> None:
    with transaction.atomic():
        with TestCase.captureOnCommitCallbacks() as callbacks:
            save("row")
        assert (len(callbacks), told) == (1, [])
        with TestCase.captureOnCommitCallbacks(execute=True):
            save("another")
        assert told == ["another"]
        transaction.set_rollback(True)
    assert told == ["another"]


def test_receivers_wait_for_ever_in_a_test_case_of_django(told: list[str]) -> None:
    class Application(TestCase):  # type: ignore[misc] # no types
        @classmethod
        def setUpTestData(cls) -> None:
            save("data")

        def test_commit(self) -> None:
            with transaction.atomic():
                save("row")
            assert told == []
            with self.captureOnCommitCallbacks(execute=True):
                save("captured")
            assert told == ["captured"]

        async def test_commit_in_async_code(self) -> None:
            await Note.objects.acreate(text="row")
            await place("sent")
            assert told == ["captured"]

    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(Application).run(result)
    assert (result.testsRun, result.errors, result.failures) == (2, [], [])
    assert told == ["captured"]


# --- async code --------------------------------------------------------------


async def test_a_task_that_outlives_the_transaction_does_not_wait(told: list[str]) -> None:
    tasks: list[asyncio.Task[None]] = []
    over = asyncio.Event()

    async def late() -> None:
        await over.wait()
        await place("late")

    async def work() -> None:
        tasks.append(asyncio.create_task(late()))
        await place("sent")

    def transact() -> None:
        with transaction.atomic():
            async_to_sync(work)()

    await sync_to_async(transact)()
    over.set()
    await tasks[0]
    assert told == ["sent", "late"]


async def test_a_task_of_the_last_transaction_does_not_wait_for_the_next(told: list[str]) -> None:
    """The connection is the same."""
    tasks: list[asyncio.Task[None]] = []
    over = asyncio.Event()

    async def late() -> None:
        await over.wait()
        await place("late")

    async def first() -> None:
        tasks.append(asyncio.create_task(late()))

    async def second() -> None:
        over.set()
        await tasks[0]
        assert told == ["late"]

    def transact(work: Any) -> None:
        with transaction.atomic():
            async_to_sync(work)()

    await sync_to_async(transact)(first)
    await sync_to_async(transact)(second)
    assert told == ["late"]


async def test_a_transaction_may_be_opened_step_by_step(told: list[str]) -> None:
    block = transaction.atomic()
    await sync_to_async(block.__enter__)()
    await Note.objects.acreate(text="row")
    await place("sent")
    assert told == []
    await sync_to_async(block.__exit__)(None, None, None)
    assert told == ["row", "sent"]
    await place("at once")
    assert told[2:] == ["at once"]


async def test_receivers_of_hooks_run_on_the_loop_that_waits(told: list[str]) -> None:
    loops: list[object] = []

    async def note_loop(sender: object, **_: object) -> None:
        loops.append(asyncio.get_running_loop())

    def transact() -> None:
        with transaction.atomic():
            save("row")

    with post_save.connected_to(note_loop, on_commit=True):
        await sync_to_async(transact)()
    assert loops == [asyncio.get_running_loop()]


class Interrupted:
    """A receiver that waits to be cancelled."""

    def __init__(self) -> None:
        self.started = asyncio.Event()
        self.out: list[str] = []

    async def __call__(self, sender: object, **_: object) -> None:
        self.started.set()
        await asyncio.sleep(60)

    def watch(self, work: Any) -> None:
        """Do work; note what comes out of it."""
        try:
            work()
        except BaseException as error:
            self.out.append(type(error).__name__)
            raise


async def cancelled(receiver: Interrupted, work: Any) -> None:
    """Do work on a thread, and cancel it when the receiver runs."""
    with post_save.connected_to(receiver, on_commit=True, priority=1):
        task = asyncio.ensure_future(on_a_thread(partial(sync_to_async(receiver.watch), work)))
        await receiver.started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_a_cancellation_comes_out_when_all_receivers_had_their_turn(
    told: list[str], installed: SQLite
) -> None:
    receiver = Interrupted()

    def work() -> None:
        with transaction.atomic():
            save("row")
            place_sync("sent")

    await cancelled(receiver, work)
    assert told == ["row", "sent"]
    assert receiver.out == ["CancelledError"]
    assert installed.texts() == ["row"]


async def test_a_cancellation_in_a_captured_hook_comes_out_at_once(
    told: list[str], installed: SQLite
) -> None:
    receiver = Interrupted()

    def work() -> None:
        with transaction.atomic(), TestCase.captureOnCommitCallbacks(execute=True):
            save("row")

    await cancelled(receiver, work)
    assert receiver.out == ["CancelledError"]
    assert (told, installed.texts()) == ([], [])


async def test_a_block_on_the_loop_says_that_it_cannot_wait(
    monkeypatch: pytest.MonkeyPatch, told: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Notebooks set this variable."""
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    try:
        with caplog.at_level(logging.ERROR), transaction.atomic():
            await place("sent")
    finally:
        forget_connections()
    assert told == []
    assert "a receiver that waited for a commit cannot be awaited here" in caplog.text


# --- rows in the transaction of an atomic block -------------------------------


async def insert_note(text: str, using: str | None = None) -> bool:
    return await insert("note", {"text": text}, using)


def texts() -> list[str]:
    return [note.text for note in Note.objects.order_by("text")]


def test_synchronous_code_inserts_by_a_bridge(installed: SQLite) -> None:
    def refuse() -> None:
        with transaction.atomic():
            assert async_to_sync(insert_note)("dropped")
            raise RefusedError

    with transaction.atomic():
        assert async_to_sync(insert_note)("kept")
        with pytest.raises(RefusedError):
            refuse()
        assert installed.texts() == []
    assert not async_to_sync(insert_note)("outside")
    assert texts() == ["kept"]


@pytest.mark.parametrize("ends", [True, False])
def test_a_loop_on_the_thread_of_the_block_inserts_too(ends: bool) -> None:
    with suppress(RefusedError), transaction.atomic():
        assert asyncio.run(insert_note("by asyncio.run"))
        assert texts() == ["by asyncio.run"]
        if not ends:
            raise RefusedError
    assert texts() == (["by asyncio.run"] if ends else [])


async def test_a_task_that_cannot_reach_the_block_any_more_hears_it_from_asgiref() -> None:
    """As its saves would: it outlives the bridge, and the block goes on."""
    tasks: list[asyncio.Task[None]] = []
    left, done = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    async def late() -> None:
        await left.wait()
        try:
            with pytest.raises(RuntimeError, match="CurrentThreadExecutor already quit"):
                await insert_note("late")
        finally:
            done.set()

    async def work() -> None:
        tasks.append(asyncio.create_task(late()))

    def transact() -> None:
        with transaction.atomic():
            async_to_sync(work)()
            loop.call_soon_threadsafe(left.set)
            assert done.wait(20)

    await sync_to_async(transact)()
    await tasks[0]
    assert await sync_to_async(texts)() == []


async def test_a_block_that_is_set_to_roll_back_refuses_rows() -> None:
    async def work() -> None:
        with pytest.raises(TransactionManagementError):
            await insert_note("too late")

    def transact() -> None:
        with transaction.atomic():
            transaction.set_rollback(True)
            async_to_sync(work)()

    await sync_to_async(transact)()
    assert await sync_to_async(texts)() == []


# --- PostgreSQL --------------------------------------------------------------


@pytest.fixture
def server(postgres: Cluster, installed: object) -> Iterator[PostgreSQL]:
    with postgres.database() as place, site({"default": place}):
        with connection.schema_editor() as editor:
            editor.create_model(Note)
        yield place
        forget_connections()


def test_a_transaction_that_postgresql_has_aborted_tells_nobody(
    server: PostgreSQL, told: list[str]
) -> None:
    with transaction.atomic():
        save("row")
        with connection.cursor() as cursor, pytest.raises(DatabaseError):
            cursor.execute("SELECT 1 / 0")
    assert (told, server.texts()) == ([], [])
    save("after")
    assert (told, server.texts()) == (["after"], ["after"])


async def test_a_thread_with_a_connection_of_its_own_does_not_wait_for_that_of_others(
    server: PostgreSQL, told: list[str]
) -> None:
    def save_alone() -> None:
        save("committed")
        assert told == ["committed"]
        forget_connections()

    async def work() -> None:
        await Note.objects.acreate(text="rolled back")
        await sync_to_async(save_alone, thread_sensitive=False)()
        raise RefusedError

    def transact() -> None:
        with transaction.atomic():
            async_to_sync(work)()

    with pytest.raises(RefusedError):
        await on_a_thread(sync_to_async(transact))
    assert (told, server.texts()) == (["committed"], ["committed"])


async def test_a_thread_with_a_connection_of_its_own_does_not_insert_in_that_of_others(
    server: PostgreSQL,
) -> None:
    outcomes: list[bool] = []

    def alone() -> None:
        outcomes.append(async_to_sync(insert_note)("dropped"))
        with transaction.atomic():
            outcomes.append(async_to_sync(insert_note)("committed"))
        forget_connections()

    async def work() -> None:
        await sync_to_async(alone, thread_sensitive=False)()
        assert await insert_note("rolled back")
        raise RefusedError

    def transact() -> None:
        with transaction.atomic():
            async_to_sync(work)()

    with pytest.raises(RefusedError):
        await on_a_thread(sync_to_async(transact))
    assert outcomes == [False, True]
    assert server.texts() == ["committed"]


async def test_a_thread_of_its_own_waits_for_its_own_transaction(
    server: PostgreSQL, told: list[str]
) -> None:
    def save_alone() -> None:
        with transaction.atomic():
            save("committed")
            assert told == []
        assert told == ["committed"]
        forget_connections()

    async def work() -> None:
        await sync_to_async(save_alone, thread_sensitive=False)()
        await place("sent")
        assert told == ["committed"]

    def transact() -> None:
        with transaction.atomic():
            async_to_sync(work)()

    await on_a_thread(sync_to_async(transact))
    assert told == ["committed", "sent"]
