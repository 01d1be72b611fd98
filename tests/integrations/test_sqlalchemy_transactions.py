from __future__ import annotations

import asyncio
import gc
import logging
import weakref
from contextvars import ContextVar

import pytest
from sqlalchemy import Insert, func, insert, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError, UnboundExecutionError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from sqlalchemy.orm import Session

from fastdjango_signals import post_save, pre_save
from fastdjango_signals.integrations import sqlalchemy
from fastdjango_signals.integrations.sqlalchemy.transactions import _marks, _roots, stack
from fastdjango_signals.transactions import insert as insert_row
from tests.integrations import sqlalchemy_models
from tests.integrations.receiving import RefusedError, noted, refuse
from tests.integrations.sqlalchemy_models import (
    Log,
    Post,
    on_postgres,
    on_sqlite,
    statements,
)

database, factory = sqlalchemy_models.database, sqlalchemy_models.factory  # fixtures
installed, session = sqlalchemy_models.installed, sqlalchemy_models.session
kind, place = sqlalchemy_models.kind, sqlalchemy_models.place

caller: ContextVar[str] = ContextVar("caller", default="nobody")


@pytest.fixture
def told():
    """Give the texts of what was sent, once they are committed."""
    texts = []

    async def tell(sender, text, **kwargs):
        texts.append(text)

    with noted.connected_to(tell, on_commit=True):
        yield texts


async def note(text):
    await noted.send(sender=None, text=text)


async def count(factory, model=Post):
    async with factory() as other:
        return await other.scalar(select(func.count()).select_from(model))


class TestCommit:
    async def test_a_session_that_begins_on_its_own_is_waited_for(self, session, told):
        session.add(Post(title="a"))
        await note("sent")
        assert told == []
        await session.commit()
        assert told == ["sent"]

    async def test_a_session_that_only_reads_is_waited_for_too(self, session, told):
        await session.scalar(select(Post))
        await note("sent")
        assert told == []
        await session.commit()
        assert told == ["sent"]

    async def test_a_session_that_has_not_begun_is_not_waited_for(self, session, told):
        await note("sent")
        assert told == ["sent"]

    async def test_each_commit_as_you_go_runs_what_was_sent_before_it(self, session, told):
        for number in range(3):
            session.add(Post(title=f"{number}"))
            await note(f"{number}")
            assert len(told) == number
            await session.commit()
            assert len(told) == number + 1
        await note("outside")
        assert told == ["0", "1", "2", "outside"]

    async def test_a_session_that_is_closed_tells_nobody(self, factory, installed, told):
        async with factory() as session:
            session.add(Post(title="a"))
            await session.flush()
            await note("sent")
        assert told == []
        await note("outside")
        assert told == ["outside"]

    async def test_a_rollback_tells_nobody_and_the_session_goes_on(self, session, told):
        session.add(Post(title="a"))
        await note("dropped")
        await session.rollback()
        session.add(Post(title="a"))
        await note("kept")
        await session.commit()
        assert told == ["kept"]

    async def test_the_block_of_a_factory_runs_them_at_its_end(self, factory, installed, told):
        async with factory.begin() as session:
            session.add(Post(title="a"))
            await note("sent")
            assert told == []
        assert told == ["sent"]
        await note("outside")
        assert told == ["sent", "outside"]

    async def test_receivers_of_a_commit_run_in_the_callers_task_and_context(self, session):
        seen = []

        async def look(sender, **kwargs):
            await asyncio.sleep(0)
            seen.append((asyncio.current_task(), caller.get()))

        caller.set("test")
        session.add(Post(title="a"))
        with noted.connected_to(look, on_commit=True):
            await note("sent")
            await session.commit()
        assert seen == [(asyncio.current_task(), "test")]

    async def test_they_can_use_the_same_session(self, session, factory):
        async def log(sender, instance, **kwargs):
            session.add(Log(text=instance.title))
            await session.commit()

        with post_save.connected_to(log, sender=Post, on_commit=True):
            session.add(Post(title="a"))
            await session.commit()
        assert await count(factory, Log) == 1

    async def test_they_can_use_another_session(self, session, factory):
        async def log(sender, instance, **kwargs):
            async with factory.begin() as other:
                other.add(Log(text=instance.title))

        with post_save.connected_to(log, sender=Post, on_commit=True):
            async with factory.begin() as first:
                first.add(Post(title="a"))
        assert await count(factory, Log) == 1

    async def test_at_the_end_of_a_block_the_same_session_is_still_busy(
        self, session, factory, caplog
    ):
        async def log(sender, instance, **kwargs):
            session.add(Log(text=instance.title))

        with (
            post_save.connected_to(log, sender=Post, on_commit=True),
            caplog.at_level(logging.ERROR),
        ):
            async with session.begin():
                session.add(Post(title="a"))
        assert "complete the context manager" in caplog.text
        session.add(Post(title="b"))
        await session.commit()
        assert await count(factory) == 2

    async def test_their_connection_has_been_given_back(self, session, database, installed):
        free = []

        async def look(sender, **kwargs):
            free.append(database.pool.checkedout())

        session.add(Post(title="a"))
        await session.flush()
        assert database.pool.checkedout() == 1
        with noted.connected_to(look, on_commit=True):
            await note("sent")
            await session.commit()
        assert free == [0]

    async def test_a_failure_is_logged_and_the_session_can_be_used(self, session, factory, caplog):
        with (
            noted.connected_to(refuse, on_commit=True),
            caplog.at_level(logging.ERROR),
        ):
            session.add(Post(title="a"))
            await note("sent")
            await session.commit()
        assert [each.exc_info[0] for each in caplog.records if each.exc_info] == [RefusedError]
        session.add(Post(title="b"))
        await session.commit()
        assert await count(factory) == 2

    async def test_a_cancelled_receiver_leaves_the_row_and_a_usable_session(
        self, session, factory, told
    ):
        started = asyncio.Event()

        async def hang(sender, **kwargs):
            started.set()
            await asyncio.sleep(60)

        async def work():
            session.add(Post(title="a"))
            await note("sent")
            await session.commit()

        with noted.connected_to(hang, on_commit=True, priority=1):
            task = asyncio.create_task(work())
            await started.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        assert told == ["sent"]
        session.add(Post(title="b"))
        await session.commit()
        assert await count(factory) == 2

    async def test_expired_instances_are_read_again_by_who_refreshes_them(self, factory, installed):
        titles = []

        async with factory(expire_on_commit=True) as session:

            async def look(sender, instance, **kwargs):
                await session.refresh(instance)
                titles.append(instance.title)

            with post_save.connected_to(look, sender=Post, on_commit=True):
                session.add(Post(title="a"))
                await session.commit()
        assert titles == ["a"]

    async def test_pre_save_can_wait_for_the_commit(self, session):
        told = []

        async def tell(sender, instance, **kwargs):
            told.append(instance.id)

        with pre_save.connected_to(tell, sender=Post, on_commit=True):
            session.add(post := Post(title="a"))
            await session.flush()
            assert told == []
            await session.commit()
        assert told == [post.id]


class TestSavepoints:
    async def test_one_that_is_rolled_back_takes_its_sends_with_it(self, session, told):
        session.add(Post(title="a"))
        await note("before")
        savepoint = await session.begin_nested()
        await note("inner")
        await savepoint.rollback()
        await note("after")
        await session.commit()
        assert told == ["before", "after"]

    async def test_nested_ones_keep_what_was_released(self, session, told):
        async with session.begin():
            async with session.begin_nested():
                await note("1")
                inner = await session.begin_nested()
                await note("2")
                await inner.commit()
                other = await session.begin_nested()
                await note("3")
                await other.rollback()
            assert told == []
        assert told == ["1", "2"]

    async def test_a_flush_that_fails_in_one_drops_its_sends(self, session, told):
        session.add(Post(title="a"))
        await session.flush()
        await note("before")
        savepoint = await session.begin_nested()
        await note("inner")
        session.add(Post(title="a"))
        with pytest.raises(IntegrityError):
            await savepoint.commit()
        await savepoint.rollback()
        await note("after")
        await session.commit()
        assert told == ["before", "after"]

    async def test_a_rollback_of_the_session_ends_all_of_them(self, session, told):
        session.add(Post(title="a"))
        await session.begin_nested()
        await note("inner")
        await session.rollback()
        assert told == []
        await note("outside")
        assert told == ["outside"]

    async def test_a_commit_of_the_session_releases_all_of_them(self, session, told):
        session.add(Post(title="a"))
        await session.begin_nested()
        await note("inner")
        await session.commit()
        assert told == ["inner"]

    async def test_a_session_closed_within_one_tells_nobody(self, factory, installed, told):
        async with factory() as session:
            session.add(Post(title="a"))
            await session.begin_nested()
            await note("inner")
        assert told == []


@on_sqlite
class TestSeveralSessions:
    async def test_the_one_that_began_last_counts(self, factory, installed, told):
        async with factory() as first, factory() as second:
            await first.begin()
            await second.begin()
            await note("second")
            await second.commit()
            await note("first")
            assert told == ["second"]
            await first.commit()
        assert told == ["second", "first"]

    async def test_they_may_end_in_another_order(self, factory, installed, told):
        async with factory() as first, factory() as second:
            await first.begin()
            await second.begin()
            await note("second")
            await first.commit()
            assert told == []
            await second.commit()
        assert told == ["second"]

    async def test_the_one_that_was_flushed_last_counts_though_nobody_listens(
        self, factory, installed, told
    ):
        async with factory() as first, factory() as second:
            await first.begin()
            await second.begin()
            first.add(Post(title="a"))
            await first.flush()
            await note("sent")
            await second.rollback()
            await first.commit()
        assert told == ["sent"]

    async def test_model_signals_belong_to_the_session_that_saves(self, factory, installed, listen):
        heard = listen(post_save, on_commit=True)
        async with factory(info={"using": None}) as first, factory() as second:
            first.add(Post(title="a"))
            await second.begin()
            await first.flush()
            await second.commit()
            assert heard == []
            await first.commit()
        assert len(heard) == 1

    async def test_one_whose_signals_are_not_sent_is_not_waited_for(self, database, factory, told):
        sqlalchemy.install(factory)
        try:
            async with async_sessionmaker(database)() as session:
                await session.begin()
                await note("sent")
                assert told == ["sent"]
        finally:
            sqlalchemy.uninstall()

    async def test_a_savepoint_makes_its_session_the_innermost(self, factory, installed, told):
        async with factory() as first, factory() as second:
            await first.begin()
            await second.begin()
            async with first.begin_nested():
                await note("first")
            await second.commit()
            assert told == []
            await first.commit()
        assert told == ["first"]

    async def test_a_task_does_not_wait_for_the_session_of_another(self, session, told):
        begun, sent = asyncio.Event(), asyncio.Event()

        async def other():
            session.add(Post(title="a"))
            begun.set()
            await sent.wait()
            await session.commit()

        task = asyncio.create_task(other())
        await begun.wait()
        await note("sent")
        assert told == ["sent"]
        sent.set()
        await task

    async def test_a_task_that_outlives_the_transaction_sends_at_once(self, session, told):
        committed = asyncio.Event()

        async def late():
            await committed.wait()
            await note("late")

        session.add(Post(title="a"))
        task = asyncio.create_task(late())
        await session.commit()
        committed.set()
        await task
        assert told == ["late"]

    async def test_a_session_closed_by_another_task_is_closed_for_all(self, session, told):
        session.add(Post(title="a"))
        await note("dropped")
        await asyncio.create_task(session.close())
        await note("sent")
        assert told == ["sent"]

    async def test_a_session_committed_by_another_task_tells_there(self, session, told):
        session.add(Post(title="a"))
        await note("sent")
        await asyncio.create_task(session.commit())
        assert told == ["sent"]
        await note("outside")
        assert told == ["sent", "outside"]

    async def test_a_session_begun_by_another_task_counts_once_it_sends(self, session, listen):
        heard = listen(post_save, on_commit=True)
        await asyncio.create_task(session.connection())
        session.add(Post(title="a"))
        await session.flush()
        assert heard == []
        await session.commit()
        assert len(heard) == 1


class TestEnds:
    @on_postgres
    async def test_a_commit_that_rolls_back_in_silence_tells_nobody(self, session, told, factory):
        await session.execute(insert(Post).values(title="a", stars=0))
        await note("sent")
        with pytest.raises(DBAPIError):
            await session.execute(text("SELECT nothing"))
        await session.commit()
        assert await count(factory) == 0
        assert told == []

    @on_postgres
    async def test_an_error_in_a_savepoint_aborts_no_more_than_that(self, session, told, factory):
        await session.execute(insert(Post).values(title="a", stars=0))
        await note("before")
        savepoint = await session.begin_nested()
        await note("inner")
        with pytest.raises(DBAPIError):
            await session.execute(text("SELECT nothing"))
        await savepoint.rollback()
        await session.commit()
        assert await count(factory) == 1
        assert told == ["before"]

    @on_postgres
    async def test_the_database_is_asked_only_where_something_waits(self, session, database, told):
        session.add(Post(title="a"))
        with statements(database) as found:
            await session.commit()
        assert "SELECT 1" not in found
        session.add(Post(title="b"))
        await session.flush()
        await note("sent")
        with statements(database) as found:
            await session.commit()
        assert found.count("SELECT 1") == 1

    @on_postgres
    async def test_and_not_for_a_savepoint(self, session, database, told):
        session.add(Post(title="a"))
        await session.flush()
        await note("before")
        savepoint = await session.begin_nested()
        await note("inner")
        with statements(database) as found:
            await savepoint.commit()
        assert "SELECT 1" not in found
        await session.commit()
        assert told == ["before", "inner"]

    @on_postgres
    async def test_a_commit_that_the_database_refuses_tells_nobody(self, session, told):
        await session.execute(
            text("CREATE TABLE deferred (id INT UNIQUE DEFERRABLE INITIALLY DEFERRED)")
        )
        await session.execute(text("INSERT INTO deferred VALUES (1), (1)"))
        await note("sent")
        with pytest.raises(IntegrityError):
            await session.commit()
        await session.rollback()
        assert told == []
        await note("outside")
        assert told == ["outside"]

    @on_sqlite
    async def test_a_flush_that_fails_tells_nobody(self, session, told):
        session.add(Post(title="a"))
        await session.commit()
        session.add(Post(title="a"))
        await note("sent")
        with pytest.raises(IntegrityError):
            await session.commit()
        await note("in the session that waits for its rollback")
        await session.rollback()
        assert told == []

    @on_sqlite
    async def test_a_session_that_joins_a_connection_tells_at_its_own_commit(
        self, database, installed, told
    ):
        async with database.connect() as connection, connection.begin() as outer:
            session = AsyncSession(connection, join_transaction_mode="create_savepoint")
            async with session:
                session.add(Post(title="a"))
                await note("sent")
                await session.commit()
            assert told == ["sent"]
            await outer.rollback()


@on_sqlite
class TestMemory:
    async def test_a_session_that_was_lost_is_waited_for_no_longer(self, factory, installed, told):
        session = factory()
        session.add(Post(title="a"))
        await note("dropped")
        del session
        gc.collect()
        await note("sent")
        assert told == ["sent"]

    async def test_nothing_of_a_session_stays_after_it(self, factory, installed, told):
        async def hear(sender, **kwargs):
            pass

        with pre_save.connected_to(hear), post_save.connected_to(hear, on_commit=True):
            async with factory.begin() as session:
                session.add(post := Post(title="a"))
                await session.flush()
                await note("sent")
        kept = [weakref.ref(each) for each in (session, session.sync_session, post)]
        del session, post
        gc.collect()
        assert told == ["sent"]
        assert len(_roots) == len(_marks) == 0
        assert [each() for each in kept] == [None, None, None]

    async def test_nothing_of_a_session_that_was_lost_stays(self, factory, installed, told):
        session = factory()
        session.add(post := Post(title="a"))
        await note("dropped")
        kept = [weakref.ref(each) for each in (session, session.sync_session, post)]
        del session, post
        gc.collect()
        assert [each() for each in kept] == [None, None, None]

    async def test_a_task_that_works_on_and_on_remembers_no_old_transactions(
        self, factory, installed
    ):
        for number in range(5):
            async with factory.begin() as session:
                session.add(Post(title=f"{number}"))
        assert len(stack._open.get()) <= 1
        assert len(_roots) == 0

    async def test_a_transaction_that_has_ended_is_forgotten_at_once(self, session):
        await session.connection()
        assert len(stack._open.get()) == 1
        await session.commit()
        assert stack._open.get() == ()

    async def test_the_transactions_of_before_are_not_waited_for(self, factory, told):
        async with factory() as session:
            session.add(Post(title="a"))
            sqlalchemy.install()
            try:
                async with session.begin_nested():
                    await note("sent")
                assert told == ["sent"]
                await session.commit()
            finally:
                sqlalchemy.uninstall()

    async def test_a_session_of_before_sends_and_no_commit_is_waited_for(self, factory, listen):
        heard = listen(post_save, on_commit=True)
        async with factory() as session:
            session.add(Post(title="a"))
            sqlalchemy.install()
            try:
                await session.flush()
                assert len(heard) == 1
            finally:
                sqlalchemy.uninstall()

    async def test_what_was_dropped_stays_so_after_installing_again(self, factory, told):
        sqlalchemy.install()
        async with factory() as session:
            session.add(Post(title="a"))
            await note("dropped")
            sqlalchemy.uninstall()
            sqlalchemy.install()
            try:
                await session.commit()
                assert told == []
            finally:
                sqlalchemy.uninstall()

    async def test_uninstalling_drops_what_waits(self, factory, told):
        sqlalchemy.install()
        async with factory() as session:
            session.add(Post(title="a"))
            await note("dropped")
            sqlalchemy.uninstall()
            await session.commit()
            await note("sent")
        assert told == ["sent"]
        assert await count(factory) == 1


class TestRows:
    """What is inserted in the transaction of a session for others."""

    async def test_it_is_in_the_session_that_was_flushed_last(self, factory, installed):
        async with factory() as older, factory() as newer:
            await older.begin()
            await newer.begin()
            older.add(Post(title="a"))
            await older.flush()
            assert await insert_row("log", {"text": "older"}, None)
            await newer.rollback()
            await older.commit()
        assert await count(factory, Log) == 1

    async def test_it_goes_where_the_session_writes(self, database, kind, installed):
        """A session may send what it reads to another database."""

        class Routed(Session):
            def get_bind(self, mapper=None, *, clause=None, **kwargs):
                assert isinstance(clause, Insert)
                return database.sync_engine

        maker = async_sessionmaker(sync_session_class=Routed)
        sqlalchemy.install(maker)
        async with maker.begin():
            assert await insert_row("log", {"text": "routed"}, None)
        sqlalchemy.uninstall(maker)
        async with AsyncSession(database) as session:
            assert await session.scalar(select(Log.text)) == "routed"

    async def test_a_session_that_is_bound_to_no_database_says_so(self, kind, installed):
        async with AsyncSession() as session, session.begin():
            with pytest.raises(UnboundExecutionError):
                await insert_row("log", {"text": "nowhere"}, None)

    async def test_a_value_is_never_part_of_the_statement(self, session, database):
        text = "'); DROP TABLE log; --"
        with statements(database) as executed:
            await session.begin()
            assert await insert_row("log", {"text": text}, None)
        assert not any(text in each for each in executed)
        assert await session.scalar(select(Log.text)) == text
