from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from contextvars import ContextVar
from importlib import metadata

import anyio.to_thread
import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient
from sqlalchemy import create_engine, event, select
from sqlalchemy.ext.asyncio import AsyncSession, async_scoped_session, async_sessionmaker
from sqlalchemy.orm import Session, scoped_session, sessionmaker

from fastdjango_signals import (
    InstallError,
    LoopThreadError,
    SignalError,
    SignalOptionError,
    m2m_changed,
    post_save,
    pre_save,
    transactions,
)
from fastdjango_signals.integrations import sqlalchemy
from tests.integrations import sqlalchemy_models
from tests.integrations.receiving import RefusedError, noted, refuse
from tests.integrations.sqlalchemy_models import (
    Base,
    Log,
    Post,
    Tag,
    on_sqlite,
)

database, factory = sqlalchemy_models.database, sqlalchemy_models.factory  # fixtures
installed, session = sqlalchemy_models.installed, sqlalchemy_models.session
kind, place = sqlalchemy_models.kind, sqlalchemy_models.place

caller: ContextVar[str] = ContextVar("caller", default="nobody")


@pytest.fixture
def _leave_nothing():
    yield
    sqlalchemy.uninstall()


@pytest.fixture
def sync_engine(tmp_path):
    made = create_engine(f"sqlite:///{tmp_path / 'sync.sqlite3'}")
    Base.metadata.create_all(made)
    yield made
    made.dispose()


@pytest.fixture
def sync_factory(sync_engine):
    return sessionmaker(sync_engine, info={"using": "sync"})


@pytest.fixture
def heard():
    """Give the titles of the posts that were saved."""
    titles = []

    async def hear(sender, instance, **kwargs):
        titles.append(instance.title)

    with post_save.connected_to(hear, sender=Post):
        yield titles


def save(factory, title="a"):
    with factory() as session:
        session.add(Post(title=title))
        session.commit()


async def save_async(factory, title="a"):
    async with factory() as session:
        session.add(Post(title=title))
        await session.commit()


@pytest.mark.usefixtures("_leave_nothing")
class TestInstalling:
    def test_nothing_is_sent_before_and_after(self, sync_factory, heard):
        save(sync_factory, "before")
        sqlalchemy.install()
        save(sync_factory, "meanwhile")
        sqlalchemy.uninstall()
        save(sync_factory, "after")
        assert heard == ["meanwhile"]

    def test_twice_is_as_good_as_once(self, sync_factory, heard):
        sqlalchemy.install()
        sqlalchemy.install()
        save(sync_factory)
        assert heard == ["a"]
        sqlalchemy.uninstall()
        sqlalchemy.uninstall()
        save(sync_factory, "b")
        assert heard == ["a"]

    def test_uninstalling_leaves_everything_as_it_was(self, sync_engine):
        factory = async_sessionmaker(sync_session_class=Session)
        other = async_sessionmaker()
        before = (dict(vars(Session)), dict(vars(AsyncSession)), dict(factory.kw), dict(other.kw))
        sqlalchemy.install()
        sqlalchemy.install(factory, other, AsyncSession, sessionmaker())
        sqlalchemy.install(factory, other, AsyncSession)
        assert vars(Session)["flush"] is not before[0]["flush"]
        assert vars(AsyncSession)["sync_session_class"] is not Session
        sqlalchemy.uninstall()
        after = (dict(vars(Session)), dict(vars(AsyncSession)), dict(factory.kw), dict(other.kw))
        assert after == before
        assert sqlalchemy.transactions.stack not in transactions._backends
        for name, listener in sqlalchemy._LISTENERS:
            assert not event.contains(Session, name, listener)

    def test_only_the_sessions_of_a_chosen_factory_send(self, sync_engine, heard):
        chosen, other = sessionmaker(sync_engine), sessionmaker(sync_engine)
        sqlalchemy.install(chosen)
        save(chosen, "chosen")
        save(other, "other")
        assert heard == ["chosen"]
        sqlalchemy.uninstall(chosen, chosen)
        save(chosen, "later")
        assert heard == ["chosen"]

    def test_only_the_sessions_of_a_chosen_class_send(self, sync_engine, heard):
        class Chosen(Session):
            pass

        sqlalchemy.install(Chosen)
        save(lambda: Chosen(sync_engine), "chosen")
        save(sessionmaker(sync_engine, class_=Chosen), "made of it")
        save(lambda: Session(sync_engine), "other")
        assert heard == ["chosen", "made of it"]

    def test_a_scoped_session_sends_as_its_factory_does(self, sync_engine, heard):
        scoped = scoped_session(sessionmaker(sync_engine))
        sqlalchemy.install(scoped)
        scoped.add(Post(title="a"))
        scoped.commit()
        scoped.remove()
        save(lambda: Session(sync_engine), "other")
        assert heard == ["a"]

    def test_all_and_some_send_once(self, sync_factory, heard):
        sqlalchemy.install(sync_factory)
        sqlalchemy.install()
        save(sync_factory, "a")
        sqlalchemy.uninstall(Session)
        save(sync_factory, "b")
        assert heard == ["a", "b"]

    @on_sqlite
    async def test_only_the_sessions_of_a_chosen_async_factory_send(self, database, heard):
        chosen, other = async_sessionmaker(database), async_sessionmaker(database)
        sqlalchemy.install(chosen)
        await save_async(chosen, "chosen")
        await save_async(other, "other")
        assert heard == ["chosen"]
        assert isinstance(chosen().sync_session, Session)
        sqlalchemy.uninstall(chosen)
        await save_async(chosen, "later")
        assert heard == ["chosen"]

    @on_sqlite
    async def test_a_factory_keeps_the_class_of_its_sessions(self, database, heard):
        class Own(Session):
            pass

        chosen = async_sessionmaker(database, sync_session_class=Own)
        sqlalchemy.install(chosen)
        assert isinstance(chosen().sync_session, Own)
        await save_async(chosen)
        sqlalchemy.uninstall(chosen)
        assert type(chosen().sync_session) is Own
        assert heard == ["a"]

    @on_sqlite
    async def test_only_the_sessions_of_a_chosen_async_class_send(self, database, heard):
        class Chosen(AsyncSession):
            pass

        class Own(AsyncSession):
            class sync_session_class(Session):
                pass

        own = Own.sync_session_class
        sqlalchemy.install(Chosen, Own)
        await save_async(lambda: Chosen(database), "chosen")
        await save_async(lambda: Own(database), "own")
        await save_async(lambda: AsyncSession(database), "other")
        assert heard == ["chosen", "own"]
        sqlalchemy.uninstall()
        assert "sync_session_class" not in vars(Chosen)
        assert Own.sync_session_class is own

    @on_sqlite
    async def test_an_async_scoped_session_sends_as_its_factory_does(self, database, heard):
        scoped = async_scoped_session(async_sessionmaker(database), asyncio.current_task)
        sqlalchemy.install(scoped)
        scoped.add(Post(title="a"))
        await scoped.commit()
        await scoped.remove()
        assert heard == ["a"]

    @pytest.mark.parametrize("stranger", [Post, "Session", Session(), None])
    def test_what_makes_no_sessions_is_refused_and_changes_nothing(self, stranger):
        native = Session.flush
        with pytest.raises(SignalOptionError, match=r"install\(\) is given .* neither a class of"):
            sqlalchemy.install(sessionmaker(), stranger)
        assert Session.flush is native

    def test_a_factory_whose_sessions_have_no_class_is_refused(self):
        factory = async_sessionmaker(sync_session_class=lambda **options: Session(**options))
        with pytest.raises(SignalOptionError, match=r"sync_session_class is .*, not a class"):
            sqlalchemy.install(factory)

    def test_taking_back_what_was_not_installed_is_refused(self, sync_factory):
        sqlalchemy.install()
        with pytest.raises(SignalOptionError, match=r"which install\(\) was not"):
            sqlalchemy.uninstall(sync_factory)

    def test_another_version_of_sqlalchemy_is_refused(self, monkeypatch):
        monkeypatch.setattr(metadata, "version", lambda name: "1.4.54")
        monkeypatch.setattr("fastdjango_signals.extras.version", lambda name: "1.4.54")
        native = Session.flush
        with pytest.raises(InstallError, match=r"sqlalchemy 1\.4\.54 is installed"):
            sqlalchemy.install()
        assert Session.flush is native

    def test_without_sqlalchemy_the_import_names_the_extra(self):
        code = (
            "import sys; sys.modules['sqlalchemy'] = None\n"
            "try: import fastdjango_signals.integrations.sqlalchemy\n"
            "except ImportError as error: print(error)\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
        )
        assert 'pip install "fastdjango-signals[sqlalchemy]"' in done.stdout

    def test_it_needs_neither_sqlmodel_nor_anyio(self):
        code = (
            "import sys; sys.modules['sqlmodel'] = sys.modules['anyio'] = None\n"
            "from fastdjango_signals.integrations import sqlalchemy\n"
            "sqlalchemy.install(); sqlalchemy.uninstall(); print('fine')\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
        )
        assert done.stdout == "fine\n"


@pytest.mark.usefixtures("installed")
class TestSyncSessions:
    def test_plain_sync_code_sends_before_it_goes_on(self, sync_factory, listen):
        heard = listen(pre_save, post_save)
        save(sync_factory)
        assert [each.payload.using for each in heard] == ["sync", "sync"]

    def test_receivers_of_plain_sync_code_see_its_context(self, sync_factory):
        seen = []

        async def look(sender, **kwargs):
            await asyncio.sleep(0)
            seen.append(caller.get())

        caller.set("test")
        with post_save.connected_to(look):
            save(sync_factory)
        assert seen == ["test"]

    def test_the_current_loop_of_the_thread_is_left_as_it_is(self, sync_factory, heard):
        loops = []

        def work():
            asyncio.set_event_loop(loop := asyncio.new_event_loop())
            save(sync_factory)
            loops.append(asyncio.get_event_loop() is loop)
            asyncio.set_event_loop(None)
            loop.close()

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        assert loops == [True]
        assert heard == ["a"]

    def test_they_can_load_what_the_commit_has_expired(self, sync_factory):
        titles = []

        async def look(sender, instance, **kwargs):
            titles.append(instance.title)

        with post_save.connected_to(look, sender=Post, on_commit=True):
            save(sync_factory)
        assert titles == ["a"]

    def test_an_exception_of_a_receiver_comes_out(self, sync_factory):
        with post_save.connected_to(refuse), pytest.raises(RefusedError):
            save(sync_factory)
        with sync_factory() as session:
            assert session.scalar(select(Post)) is None

    def test_what_waits_runs_at_the_commit(self, sync_factory):
        told = []

        async def announce(sender, instance, **kwargs):
            await noted.send(sender=None, text="sent")

        async def tell(sender, text, **kwargs):
            told.append(text)

        with (
            post_save.connected_to(announce),
            noted.connected_to(tell, on_commit=True),
            sync_factory() as session,
        ):
            session.add(Post(title="a"))
            session.flush()
            assert told == []
            session.commit()
            assert told == ["sent"]
            session.add(Post(title="b"))
            session.flush()
            session.rollback()
        assert told == ["sent"]

    async def test_on_the_thread_of_a_running_loop_they_cannot_be_awaited(
        self, sync_factory, heard
    ):
        with pytest.raises(LoopThreadError, match="use AsyncSession") as raised:
            save(sync_factory)
        assert isinstance(raised.value, SignalError)
        assert isinstance(raised.value, RuntimeError)
        assert raised.value.signal == post_save.name
        assert post_save.name in str(raised.value)
        assert heard == []
        with sync_factory() as session:
            assert session.scalar(select(Post)) is None

    async def test_which_matters_only_where_somebody_listens(self, sync_factory, listen):
        listen(post_save, sender=Tag)
        listen(m2m_changed)
        save(sync_factory)
        with sync_factory() as session:
            assert session.scalar(select(Post)) is not None

    async def test_and_a_commit_that_somebody_waits_for_is_refused_before_it_happens(
        self, sync_factory
    ):
        told = []

        async def tell(sender, text, **kwargs):
            told.append(text)

        with noted.connected_to(tell, on_commit=True), sync_factory() as session:
            session.add(Post(title="a"))
            await noted.send(sender=None, text="sent")
            with pytest.raises(LoopThreadError, match="use AsyncSession"):
                session.commit()
            session.rollback()
            assert session.scalar(select(Post)) is None
        assert told == []

    async def test_a_worker_thread_of_anyio_sends_on_the_outer_loop(self, sync_factory):
        seen = []

        async def look(sender, **kwargs):
            await asyncio.sleep(0)
            seen.append((asyncio.get_running_loop(), caller.get()))

        caller.set("test")
        with (
            post_save.connected_to(look),
            post_save.connected_to(look, on_commit=True, dispatch_uid="on commit"),
        ):
            async with asyncio.timeout(20):
                await anyio.to_thread.run_sync(save, sync_factory)
        assert seen == [(asyncio.get_running_loop(), "test")] * 2

    async def test_an_exception_comes_out_in_the_worker_thread(self, sync_factory):
        async def fail(sender, **kwargs):
            raise RuntimeError("of the receiver")

        with post_save.connected_to(fail), pytest.raises(RuntimeError, match="of the receiver"):
            await anyio.to_thread.run_sync(save, sync_factory)

    @pytest.mark.parametrize("where", ["here", "in a worker thread", "on the loop"])
    async def test_receivers_insert_rows_in_the_transaction(self, sync_factory, where):
        async def store(sender, instance, **kwargs):
            row = {"text": instance.title}
            assert await transactions.insert("log", row, None)

        def work():
            with sync_factory() as session:
                for title, end in (("kept", session.commit), ("dropped", session.rollback)):
                    session.add(Post(title=title))
                    session.flush()
                    end()

        with post_save.connected_to(store, sender=Post):
            if where == "on the loop":
                with sync_factory() as session, session.begin():
                    assert session.connection()
                    await store(None, Post(title="kept"))
            elif where == "here":
                await asyncio.get_running_loop().run_in_executor(None, work)
            else:
                await anyio.to_thread.run_sync(work)
        with sync_factory() as session:
            assert session.scalars(select(Log.text)).all() == ["kept"]

    async def test_20_worker_threads_at_once_keep_apart(self, tmp_path):
        engine = create_engine(
            f"sqlite:///{tmp_path / 'threads.sqlite3'}", connect_args={"timeout": 60}
        )
        Base.metadata.create_all(engine)
        told = []

        async def announce(sender, instance, **kwargs):
            await asyncio.sleep(0)
            await noted.send(sender=None, text=instance.title)

        async def tell(sender, text, **kwargs):
            told.append(text)

        def work(number):
            with Session(engine) as session:
                session.add(Post(title=f"{number:02}"))
                session.flush()
                session.commit() if number % 2 else session.rollback()

        with (
            post_save.connected_to(announce, sender=Post),
            noted.connected_to(tell, on_commit=True),
        ):
            async with asyncio.timeout(60):
                await asyncio.gather(*(anyio.to_thread.run_sync(work, each) for each in range(20)))
        with Session(engine) as session:
            assert sorted(session.scalars(select(Post.title))) == sorted(told)
        engine.dispose()
        assert sorted(told) == [f"{number:02}" for number in range(1, 20, 2)]

    def test_a_worker_thread_is_known_where_only_the_front_of_anyio_is_imported(self):
        code = (
            "import sys, threading, anyio, anyio.to_thread\n"
            "from fastdjango_signals.integrations.sqlalchemy.bridge import wait_for\n"
            "async def call(): print(threading.current_thread() is threading.main_thread())\n"
            "assert 'anyio.from_thread' not in sys.modules\n"
            "anyio.run(anyio.to_thread.run_sync, wait_for, call)\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
        )
        assert done.stdout == "True\n"

    async def test_a_thread_that_knows_no_loop_sends_on_one_of_its_own(self, sync_factory):
        loops = []

        async def look(sender, **kwargs):
            loops.append(asyncio.get_running_loop())

        with post_save.connected_to(look):
            async with asyncio.timeout(20):
                await asyncio.to_thread(save, sync_factory)
        assert len(loops) == 1
        assert loops[0] is not asyncio.get_running_loop()

    def test_without_anyio_sync_code_sends_too(self, sync_factory, heard, monkeypatch):
        monkeypatch.setitem(sys.modules, "anyio", None)
        save(sync_factory)
        assert heard == ["a"]

    async def test_sync_endpoints_of_fastapi_send_on_the_loop_of_the_application(
        self, sync_factory
    ):
        app = FastAPI()
        loops = []

        async def look(sender, **kwargs):
            loops.append(asyncio.get_running_loop())

        @app.post("/posts")
        def create(title: str) -> None:
            save(sync_factory, title)

        with post_save.connected_to(look, sender=Post):
            async with AsyncClient(transport=ASGITransport(app), base_url="http://test") as client:
                answers = await asyncio.gather(
                    *(client.post("/posts", params={"title": title}) for title in "abc")
                )
        assert [answer.status_code for answer in answers] == [200, 200, 200]
        assert loops == [asyncio.get_running_loop()] * 3

    @on_sqlite
    async def test_run_sync_sends_as_the_async_session_does(self, factory, heard):
        def work(session):
            session.add(Post(title="a"))
            session.flush()

        async with factory.begin() as session:
            await session.run_sync(work)
        assert heard == ["a"]

    @on_sqlite
    async def test_the_sync_session_within_a_connections_run_sync_sends(self, database, heard):
        def work(connection):
            with Session(connection) as session:
                session.add(Post(title="a"))
                session.commit()

        async with database.begin() as connection:
            await connection.run_sync(work)
        assert heard == ["a"]
