from __future__ import annotations

import ast
import asyncio
import logging
from contextlib import nullcontext, suppress
from contextvars import Context, copy_context
from pathlib import Path
from typing import Any

import pytest
from tortoise import backends
from tortoise.backends.base.client import NestedTransactionContext
from tortoise.connection import get_connection
from tortoise.exceptions import IntegrityError, TransactionManagementError
from tortoise.transactions import atomic, in_transaction

from fastdjango_signals import post_save
from fastdjango_signals.integrations import tortoise
from fastdjango_signals.integrations.tortoise.transactions import PATCHES, stack
from fastdjango_signals.transactions import insert
from tests.integrations import tortoise_models
from tests.integrations.receiving import RefusedError, noted, refuse
from tests.integrations.tortoise_models import (
    MODEL_SIGNALS,
    POSTGRES,
    Log,
    Post,
    on_all_kinds,
    on_sqlite,
    rolled_back,
)

database, installed = tortoise_models.database, tortoise_models.installed  # fixtures
kind, places = tortoise_models.kind, tortoise_models.places


async def logged() -> list[Any]:
    return await Log.all().order_by("id").values_list("text", flat=True)


@on_all_kinds
@pytest.mark.usefixtures("installed")
class TestOnCommit:
    @pytest.fixture
    def heard(self, listen):
        return listen(noted, on_commit=True)

    @staticmethod
    def texts(heard):
        return [each.payload.text for each in heard]

    async def test_outside_a_transaction_it_runs_at_once(self, heard):
        await noted.send(None, text="a")
        assert self.texts(heard) == ["a"]

    async def test_in_a_transaction_it_runs_after_the_commit(self, heard):
        async with in_transaction("default"):
            await noted.send(None, text="a")
            assert heard == []
        assert self.texts(heard) == ["a"]

    async def test_it_runs_in_the_order_of_sending(self, heard):
        async with in_transaction("default"):
            await noted.send(None, text="a")
            await noted.send(None, text="b")
        assert self.texts(heard) == ["a", "b"]

    async def test_a_rollback_drops_it(self, heard):
        async with rolled_back():
            await noted.send(None, text="a")
        await noted.send(None, text="later")
        assert self.texts(heard) == ["later"]

    async def test_it_follows_the_signals_of_models(self, listen):
        heard = listen(post_save, on_commit=True, sender=Post)
        async with rolled_back():
            await Post.create(title="rolled back")
        async with in_transaction("default"):
            await Post.create(title="kept")
            assert heard == []
        assert [each.payload.instance.title for each in heard] == ["kept"]

    async def test_it_follows_the_atomic_decorator(self, heard):
        @atomic("default")
        async def work():
            await noted.send(None, text="a")
            assert heard == []

        await work()
        assert self.texts(heard) == ["a"]

    async def test_it_waits_for_the_transaction_of_get_or_create(self, listen):
        order = []

        async def at_once(sender, **kwargs):
            order.append(("at once", get_connection("default") is outside))

        async def later(sender, **kwargs):
            order.append(("later", get_connection("default") is outside))

        outside = get_connection("default")
        with (
            post_save.connected_to(later, sender=Post, on_commit=True),
            post_save.connected_to(at_once, sender=Post),
        ):
            await Post.get_or_create(title="a")
        assert order == [("at once", False), ("later", True)]

    async def test_nested_transactions_wait_for_the_outermost(self, heard):
        async with in_transaction("default"):
            async with in_transaction("default"):
                async with in_transaction("default"):
                    await noted.send(None, text="inner")
                assert heard == []
            assert heard == []
            await noted.send(None, text="outer")
        assert self.texts(heard) == ["inner", "outer"]

    async def test_a_savepoint_that_is_rolled_back_drops_its_own_alone(self, heard):
        async with in_transaction("default"):
            await noted.send(None, text="before")
            async with rolled_back():
                await noted.send(None, text="dropped")
                async with in_transaction("default"):
                    await noted.send(None, text="released, then dropped")
            await noted.send(None, text="after")
        assert self.texts(heard) == ["before", "after"]

    async def test_a_rollback_of_the_outermost_drops_released_savepoints(self, heard):
        async with rolled_back(), in_transaction("default"):
            await noted.send(None, text="a")
        assert heard == []

    async def test_a_savepoint_rolled_back_by_hand_drops_its_own(self, heard, kind):
        async with in_transaction("default"):
            await noted.send(None, text="before")
            with suppress(TransactionManagementError):  # SQLite misses the savepoint at its end
                async with in_transaction("default") as savepoint:
                    await noted.send(None, text="dropped")
                    await savepoint.savepoint_rollback()
                    await noted.send(None, text="after")
        assert self.texts(heard) == ["before", "after"]

    async def test_a_rollback_by_hand_drops_it(self, heard):
        async with in_transaction("default") as connection:
            await Log.create(text="a")
            await noted.send(None, text="a")
            await connection.rollback()
        assert heard == []
        assert not await Log.all().exists()

    async def test_a_rollback_with_the_client_of_a_savepoint_drops_what_it_ends(self, heard, kind):
        async with in_transaction("default"):
            await Log.create(text="before")
            await noted.send(None, text="before")
            async with in_transaction("default") as savepoint:
                await Log.create(text="dropped")
                await noted.send(None, text="dropped")
                await savepoint.rollback()
        left = [] if kind == "SQLite" else ["before"]
        assert self.texts(heard) == left
        assert await logged() == left

    async def test_a_commit_with_the_client_of_a_savepoint_commits_what_it_ends(self, heard, kind):
        async with rolled_back():
            await noted.send(None, text="before")
            async with in_transaction("default") as savepoint:
                await Log.create(text="a")
                await noted.send(None, text="a")
                await savepoint.commit()
            assert heard == []
        assert self.texts(heard) == (["before", "a"] if kind == "SQLite" else [])
        assert await Log.all().exists() == (kind == "SQLite")

    async def test_a_commit_by_hand_counts_when_the_block_ends(self, heard):
        async with rolled_back() as connection:
            await noted.send(None, text="a")
            await connection.commit()
            assert heard == []
        assert self.texts(heard) == ["a"]

    @pytest.mark.parametrize("end", ["commit", "rollback"])
    async def test_after_an_end_by_hand_nothing_is_waited_for(self, heard, end):
        async with in_transaction("default") as connection:
            await getattr(connection, end)()
            await noted.send(None, text="a")
            assert self.texts(heard) == ["a"]
        assert self.texts(heard) == ["a"]

    async def test_a_transaction_that_is_over_leaves_nothing_in_the_context(self):
        async with in_transaction("default"):
            assert len(stack._open.get()) == 1
        assert stack._open.get() == ()

    async def test_a_commit_that_fails_drops_it(self, heard, kind):
        """The database checks a deferred constraint at the commit."""
        await get_connection("default").execute_script(
            "CREATE TABLE parent (id INTEGER PRIMARY KEY);"
            "CREATE TABLE child (parent INTEGER REFERENCES parent DEFERRABLE INITIALLY DEFERRED)"
        )
        failed = asyncio.Event()

        async def late():
            await failed.wait()
            await noted.send(None, text="late, of a task that began in the transaction")

        with pytest.raises(Exception, match=r"(?i)foreign key"):  # noqa: PT012
            async with in_transaction("default") as connection:
                task = asyncio.create_task(late())
                await noted.send(None, text="a")
                await connection.execute_query("INSERT INTO child VALUES (1)")
        if kind == "SQLite":  # Tortoise leaves it open
            await get_connection("default").execute_query("ROLLBACK")
        assert heard == []
        failed.set()
        await task
        assert self.texts(heard) == ["late, of a task that began in the transaction"]

    async def test_it_sees_the_committed_rows_outside_of_the_transaction(self):
        seen: list[Any] = []

        async def look(sender, text, **kwargs):
            seen.append(await Log.all().values_list("text", flat=True))
            async with in_transaction("default"):
                await Log.create(text="from the receiver")

        with noted.connected_to(look, on_commit=True):
            async with in_transaction("default"):
                await Log.create(text="a")
                await noted.send(None, text="a")
        assert seen == [["a"]]
        assert await Log.all().count() == 2

    async def test_what_it_sends_itself_runs_at_once(self):
        texts = []

        async def again(sender, text, **kwargs):
            texts.append(text)
            if text == "a":
                await noted.send(None, text="b")

        with noted.connected_to(again, on_commit=True):
            async with in_transaction("default"):
                await noted.send(None, text="a")
        assert texts == ["a", "b"]

    async def test_its_exception_is_logged_and_never_raised(self, heard, caplog):
        with noted.connected_to(refuse, on_commit=True, priority=1):
            async with in_transaction("default"):
                await Log.create(text="a")
                await noted.send(None, text="a")
        (record,) = caplog.records
        assert record.name == "fastdjango_signals"
        assert record.exc_info is not None
        assert record.exc_info[0] is RefusedError
        assert "refuse" in record.getMessage()
        assert self.texts(heard) == ["a"]
        assert await Log.all().exists()

    async def test_other_receivers_of_the_same_send_do_not_wait(self, heard, listen):
        at_once = listen(noted)
        async with in_transaction("default"):
            await noted.send(None, text="a")
            assert self.texts(at_once) == ["a"]
            assert heard == []

    async def test_each_task_waits_for_its_own_transaction(self, heard):
        sent = asyncio.Event()

        async def committing(text):
            async with in_transaction("default"):
                await Log.create(text=text)
                await noted.send(None, text=text)
                await asyncio.sleep(0)

        async def rolling_back(text):
            async with rolled_back():
                await Log.create(text=text)
                await noted.send(None, text=text)
                sent.set()
                await asyncio.sleep(0)

        async with asyncio.TaskGroup() as group:
            for number in range(10):
                work = rolling_back if number % 2 else committing
                group.create_task(work(str(number)))
        assert sent.is_set()
        assert sorted(self.texts(heard)) == ["0", "2", "4", "6", "8"]
        assert sorted(await logged()) == sorted(self.texts(heard))

    async def test_a_task_outside_of_the_transaction_does_not_wait_for_it(self, heard):
        begun, done = asyncio.Event(), asyncio.Event()

        async def outside():
            await begun.wait()
            await noted.send(None, text="outside")
            done.set()

        async with asyncio.TaskGroup() as group:
            group.create_task(outside())
            async with in_transaction("default"):
                await noted.send(None, text="inside")
                begun.set()
                await done.wait()
                assert self.texts(heard) == ["outside"]
        assert self.texts(heard) == ["outside", "inside"]

    async def test_a_task_that_outlives_the_transaction_it_began_in_loses_nothing(
        self, heard, kind
    ):
        committed = asyncio.Event()

        async def late():
            await committed.wait()
            await noted.send(None, text="late")
            # The task still has the connection of the transaction, which is given back.
            refused = pytest.raises(Exception, match="released back to the pool")
            with refused if kind == "asyncpg" else nullcontext():
                await Log.create(text="late")

        async with in_transaction("default"):
            await noted.send(None, text="in time")
            task = asyncio.create_task(late())
        committed.set()
        await task
        assert self.texts(heard) == ["in time", "late"]

    async def test_a_task_that_begins_after_the_commit_can_use_the_database(self, heard):
        tasks: list[asyncio.Task[Log]] = []

        async def write(sender, text, **kwargs):
            tasks.append(asyncio.create_task(Log.create(text=text)))

        with noted.connected_to(write, on_commit=True):
            async with in_transaction("default"):
                await noted.send(None, text="a")
        await asyncio.gather(*tasks)
        assert await logged() == ["a"]

    async def test_a_task_in_the_transaction_waits_for_it_too(self, heard):
        async with in_transaction("default"):
            await asyncio.create_task(noted.send(None, text="a"))
            assert heard == []
        assert self.texts(heard) == ["a"]

    async def test_a_transaction_of_another_database_is_not_waited_for(self, listen):
        heard = listen(post_save, on_commit=True, sender=Post)
        async with in_transaction("archive"):
            await Post.create(title="a")
            assert len(heard) == 1

    async def test_a_signal_without_a_database_waits_for_the_innermost(self, heard):
        async with in_transaction("default"):
            async with in_transaction("archive"):
                await noted.send(None, text="archive")
            assert self.texts(heard) == ["archive"]
            await noted.send(None, text="default")
        assert self.texts(heard) == ["archive", "default"]

    async def test_a_cancelled_transaction_drops_it(self, heard):
        sent = asyncio.Event()

        async def work():
            async with in_transaction("default"):
                await noted.send(None, text="a")
                sent.set()
                await asyncio.Event().wait()

        task = asyncio.create_task(work())
        await sent.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert heard == []

    async def test_a_cancellation_during_the_receivers_ends_one_and_comes_out_last(self, heard):
        begun = asyncio.Event()

        async def hang(sender, **kwargs):
            begun.set()
            await asyncio.Event().wait()

        async def work():
            async with in_transaction("default"):
                await Log.create(text="a")
                await noted.send(None, text="a")

        with noted.connected_to(hang, on_commit=True, priority=1):
            task = asyncio.create_task(work())
            await begun.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        assert self.texts(heard) == ["a"]
        assert await Log.all().exists()

    async def test_a_transaction_left_open_by_uninstalling_breaks_nothing(self, heard):
        async with in_transaction("default"):
            await Log.create(text="a")
            async with in_transaction("default"):
                tortoise.uninstall()
        tortoise.install()
        assert await Log.all().exists()
        async with in_transaction("default"):
            await noted.send(None, text="b")
        assert self.texts(heard) == ["b"]

    async def test_a_transaction_that_was_open_at_the_install_is_left_alone(self, heard):
        tortoise.uninstall()
        async with in_transaction("default"):
            tortoise.install()
            async with in_transaction("default"):
                await noted.send(None, text="a")
            assert self.texts(heard) == ["a"]

    async def test_it_ends_as_it_would_have_where_its_end_is_looked_up_late(self):
        """`async with` looks both methods up at its beginning; other code may not."""
        tortoise.uninstall()
        block = in_transaction("default")
        await block.__aenter__()
        tortoise.install()
        await Log.create(text="a")
        await block.__aexit__(None, None, None)
        assert await logged() == ["a"]


@on_sqlite
async def test_a_block_without_a_savepoint_belongs_to_the_transaction(installed, listen):
    """As on Oracle, where the block has the client of the transaction."""
    heard = listen(noted, on_commit=True)
    async with in_transaction("default") as connection:
        async with NestedTransactionContext(connection):
            await noted.send(None, text="a")
        assert heard == []
    assert len(heard) == 1


@pytest.mark.parametrize("kind", POSTGRES, indirect=True)
async def test_a_savepoint_released_by_hand_waits_for_the_transaction(installed, listen):
    heard = listen(noted, on_commit=True)
    async with in_transaction("default"):
        with pytest.raises(RefusedError):  # noqa: PT012
            async with in_transaction("default") as savepoint:
                await Log.create(text="a")
                await noted.send(None, text="a")
                await savepoint.release_savepoint()
                raise RefusedError
        assert heard == []
    assert len(heard) == 1
    assert await Log.all().exists()


@pytest.mark.parametrize("kind", POSTGRES, indirect=True)
@pytest.mark.usefixtures("installed")
class TestAbortedTransactions:
    """PostgreSQL rolls back at a commit, and says nothing, once a statement has failed."""

    async def test_what_is_sent_in_one_reaches_nobody(self, listen):
        heard = listen(post_save, on_commit=True)
        await Post.create(title="a")
        async with in_transaction("default"):
            await Post.create(title="b")
            with pytest.raises(IntegrityError):
                await Post.create(title="a")
        assert [each.payload.instance.title for each in heard] == ["a"]
        assert await Post.all().count() == 1

    async def test_a_savepoint_around_the_failure_saves_the_rest(self, listen):
        heard = listen(post_save, on_commit=True)
        await Post.create(title="a")
        async with in_transaction("default"):
            await Post.create(title="b")
            with pytest.raises(IntegrityError):
                async with in_transaction("default"):
                    await Post.create(title="a")
        assert [each.payload.instance.title for each in heard] == ["a", "b"]

    async def test_the_database_is_asked_only_where_something_waits(self, listen, caplog):
        caplog.set_level(logging.DEBUG, logger="tortoise.db_client")
        async with in_transaction("default"):
            pass
        assert "SELECT 1" not in caplog.messages
        listen(noted, on_commit=True)
        async with in_transaction("default"):
            await noted.send(None, text="a")
        assert "SELECT 1" in caplog.messages


@on_all_kinds
@pytest.mark.usefixtures("installed")
class TestRows:
    """What is inserted in a transaction for others."""

    async def test_it_is_committed_or_rolled_back_with_it(self):
        async with in_transaction("default"):
            assert await insert("log", {"text": "a"}, "default")
            with suppress(RefusedError):
                async with rolled_back():
                    assert await insert("log", {"text": "b"}, None)
        async with rolled_back():
            assert await insert("log", {"text": "c"}, None)
        assert await logged() == ["a"]

    async def test_it_belongs_to_the_savepoint_in_which_it_was_inserted(self):
        async with in_transaction("default"):
            assert await insert("log", {"text": "a"}, None)
            async with rolled_back():
                assert await insert("log", {"text": "b"}, None)
            assert await insert("log", {"text": "c"}, None)
        assert await logged() == ["a", "c"]

    @pytest.mark.parametrize("end", ["commit", "rollback"])
    async def test_there_is_none_after_an_end_by_hand(self, end):
        async with in_transaction("default") as connection:
            await getattr(connection, end)()
            assert not await insert("log", {"text": "a"}, None)
        assert await logged() == []

    async def test_a_value_is_never_part_of_the_statement(self):
        text = "'); DROP TABLE log; -- %s $1 ?"
        async with in_transaction("default"):
            assert await insert("log", {"text": text}, None)
        assert await logged() == [text]

    async def test_an_error_comes_out_as_that_of_any_statement(self):
        with pytest.raises(IntegrityError):
            async with in_transaction("default"):
                assert await insert("log", {"text": None}, None)  # type: ignore[dict-item]
        assert await logged() == []


@pytest.mark.usefixtures("installed")
class TestOtherLoops:
    @staticmethod
    async def in_a_thread(context: Context) -> object:
        """Return how a `create` ends that runs in a loop of its own."""

        async def create() -> None:
            await Log.create(text="b")
            await get_connection("default").close()

        def run() -> object:
            try:
                return context.run(asyncio.run, create())
            except RuntimeError as error:
                return str(error)

        async with asyncio.timeout(30):
            return await asyncio.get_running_loop().run_in_executor(None, run)

    async def test_without_the_context_of_tortoise_it_is_an_error(self, listen):
        heard = listen(*MODEL_SIGNALS)
        outcome = await self.in_a_thread(Context())
        assert "No TortoiseContext is currently active" in str(outcome)
        assert heard == []

    @pytest.mark.filterwarnings("ignore:Tortoise connection")
    async def test_outside_of_transactions_it_works(self, listen):
        heard = listen(post_save, on_commit=True)
        await get_connection("default").close()  # Tortoise makes another one for the other loop
        await self.in_a_thread(copy_context())
        assert [each.payload.instance.text for each in heard] == ["b"]


def test_these_are_all_the_transactions_that_tortoise_has():
    package = Path(backends.__path__[0])
    classes = {
        each.name
        for path in package.rglob("*.py")
        for each in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(each, ast.ClassDef) and each.name.find("TransactionContext") >= 0
    }
    patched = {patch.owner.__name__ for patch in PATCHES}
    assert classes == {"TransactionContext", *patched}
