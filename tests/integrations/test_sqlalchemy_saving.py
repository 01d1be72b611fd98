from __future__ import annotations

import asyncio
import warnings
from contextvars import ContextVar

import pytest
from sqlalchemy import delete, event, func, insert, select, update
from sqlalchemy.exc import IntegrityError, InvalidRequestError, SAWarning
from sqlalchemy.orm import Session, selectinload
from sqlalchemy.orm.exc import FlushError
from sqlmodel.ext.asyncio.session import AsyncSession as SQLModelSession

from fastdjango_signals import post_delete, post_save, pre_delete, pre_save
from fastdjango_signals.integrations import sqlalchemy
from tests.integrations import sqlalchemy_models
from tests.integrations.receiving import RefusedError, names, refuse
from tests.integrations.sqlalchemy_models import (
    MODEL_SIGNALS,
    Comment,
    Employee,
    Hero,
    Log,
    Person,
    Point,
    Post,
    Seat,
    on_sqlite,
    statements,
)

database, factory = sqlalchemy_models.database, sqlalchemy_models.factory  # fixtures
installed, session = sqlalchemy_models.installed, sqlalchemy_models.session
kind, place = sqlalchemy_models.kind, sqlalchemy_models.place

pytestmark = on_sqlite
caller: ContextVar[str] = ContextVar("caller", default="nobody")


async def count(session, model=Post):
    return await session.scalar(select(func.count()).select_from(model))


async def saved(session, *instances):
    session.add_all(instances)
    await session.commit()
    return instances[0]


class TestSaving:
    async def test_creating_sends_both_signals_with_the_class_as_the_sender(self, session, listen):
        heard = listen(*MODEL_SIGNALS)
        post = await saved(session, Post(title="a"))
        assert names(heard) == ["pre_save", "post_save"]
        assert [each.sender for each in heard] == [Post, Post]
        assert all(each.payload.instance is post for each in heard)
        assert all(each.payload.update_fields is None for each in heard)
        assert [each.payload.raw for each in heard] == [False, False]

    async def test_pre_save_comes_before_the_row_and_post_save_after(self, session):
        rows = []

        async def look(sender, instance, **kwargs):
            rows.append(await count(session))

        with pre_save.connected_to(look), post_save.connected_to(look):
            await saved(session, Post(title="a"))
        assert rows == [0, 1]

    async def test_created_tells_a_new_row_from_an_old_one(self, session, listen):
        heard = listen(post_save)
        post = await saved(session, Post(id=77, title="a"))
        post.title = "b"
        await session.commit()
        assert [each.payload.created for each in heard] == [True, False]

    async def test_update_fields_are_the_attributes_that_have_changed(self, session, listen):
        post = await saved(session, Post(title="a"))
        heard = listen(pre_save, post_save)
        post.stars, post.title = 3, "a"
        await session.flush()
        assert [each.payload.update_fields for each in heard] == [("stars",), ("stars",)]

    async def test_update_fields_name_a_reference_and_its_column(self, session, listen):
        post = await saved(session, Post(title="a"))
        await session.refresh(post, ["author"])
        heard = listen(pre_save, post_save)
        post.author = Person(name="Ada")
        await session.flush()
        fields = [set(each.payload.update_fields) for each in heard if each.sender is Post]
        assert fields == [{"author", "author_id"}, {"author", "author_id"}]

    async def test_a_reference_that_is_only_for_reading_is_no_change(self, session, listen):
        post = await saved(session, Post(title="a"))
        ada = await saved(session, Person(name="Ada"))
        heard = listen(*MODEL_SIGNALS)
        post.writer = ada
        await session.flush()
        assert heard == []

    async def test_what_has_not_changed_sends_nothing(self, session, listen):
        post = await saved(session, Post(title="a"))
        heard = listen(*MODEL_SIGNALS)
        post.title = "b"
        post.title = "a"
        await session.commit()
        await session.flush()
        assert heard == []

    async def test_deleting_sends_both_signals(self, session, listen):
        post = await saved(session, Post(title="a"))
        heard = listen(*MODEL_SIGNALS)
        await session.delete(post)
        await session.commit()
        assert names(heard) == ["pre_delete", "post_delete"]
        assert all(each.payload.instance is post for each in heard)
        assert [each.payload.using for each in heard] == ["default", "default"]
        assert await count(session) == 0

    async def test_using_is_none_for_a_session_without_an_alias(self, factory, installed, listen):
        heard = listen(pre_save, post_save)
        async with factory(info={"using": None}) as session:
            await saved(session, Post(title="a"))
        assert [each.payload.using for each in heard] == [None, None]

    async def test_a_subclass_is_its_own_sender_and_a_base_can_hear_it(self, session, listen):
        heard = listen(pre_save, post_save, sender=Person, subclasses=True)
        exact = listen(post_save, sender=Person)
        await saved(session, Employee(name="Ada", job="engineer"))
        assert [each.sender for each in heard] == [Employee, Employee]
        assert exact == []

    async def test_a_column_of_either_table_of_a_subclass_is_named(self, session, listen):
        ada = await saved(session, Employee(name="Ada", job="engineer"))
        heard = listen(post_save)
        ada.job, ada.name = "countess", "Augusta"
        await session.flush()
        assert set(heard[0].payload.update_fields) == {"job", "name"}

    async def test_mapped_dataclasses_send_too(self, session, listen):
        heard = listen(*MODEL_SIGNALS)
        point = await saved(session, Point(x=1))
        point.x = 2
        await session.commit()
        assert names(heard) == ["pre_save", "post_save"] * 2
        assert heard[-1].payload.update_fields == ("x",)

    async def test_models_and_sessions_of_sqlmodel_send_too(self, database, installed, listen):
        heard = listen(*MODEL_SIGNALS)
        async with SQLModelSession(database, expire_on_commit=False) as session:
            hero = await saved(session, Hero(name="Ada"))
            hero.name = "Augusta"
            await session.commit()
            await session.delete(hero)
            await session.commit()
        assert names(heard) == [*["pre_save", "post_save"] * 2, "pre_delete", "post_delete"]
        assert {each.sender for each in heard} == {Hero}
        assert heard[3].payload.update_fields == ("name",)

    async def test_primary_keys_of_several_columns_are_no_trouble(self, session, listen):
        heard = listen(post_save)
        seat = await saved(session, Seat(row="A", number=1))
        seat.row = "B"
        await session.commit()
        assert [each.payload.update_fields for each in heard] == [None, ("row",)]

    async def test_merge_creates_or_updates(self, session, listen):
        heard = listen(post_save)
        await session.merge(Post(id=1, title="a", stars=0))
        await session.commit()
        session.expunge_all()
        await session.merge(Post(id=1, title="b", stars=0))
        await session.commit()
        told = [(each.payload.created, each.payload.update_fields) for each in heard]
        assert told == [(True, None), (False, ("title",))]

    async def test_a_detached_instance_that_is_added_again_is_an_update(self, session, listen):
        post = await saved(session, Post(title="a"))
        session.expunge(post)
        post.title = "b"
        heard = listen(post_save)
        await saved(session, post)
        assert [each.payload.created for each in heard] == [False]
        assert heard[0].payload.update_fields == ("title",)

    async def test_an_expired_attribute_that_is_set_is_not_loaded(self, session, database, listen):
        post = await saved(session, Post(title="a"))
        session.expire(post, ["title", "stars"])
        post.title = "b"
        heard = listen(pre_save, post_save)
        with statements(database) as found:
            await session.flush()
        assert [each.payload.update_fields for each in heard] == [("title",), ("title",)]
        assert [each.split()[0] for each in found] == ["BEGIN", "UPDATE"]

    async def test_listening_costs_no_statement(self, session, database, listen):
        post = await saved(session, Post(title="a"), Post(title="b"))
        listen(*MODEL_SIGNALS)
        post.stars = 5
        session.add(Post(title="c"))
        with statements(database) as found:
            await session.flush()
        assert sorted(each.split()[0] for each in found) == ["BEGIN", "INSERT", "UPDATE"]

    async def test_without_listeners_nothing_is_looked_at(self, session, monkeypatch):
        monkeypatch.setattr(sqlalchemy.flushes, "Flush", None)
        await saved(session, Post(title="a"))
        assert await count(session) == 1

    async def test_one_listener_elsewhere_bothers_no_other_class(self, session, listen):
        heard = listen(*MODEL_SIGNALS, sender=Person)
        await saved(session, Post(title="a"))
        assert heard == []

    async def test_statements_and_bulk_work_send_nothing(self, session, listen):
        heard = listen(*MODEL_SIGNALS)
        await session.execute(insert(Post).values(title="a", stars=0))
        await session.execute(update(Post).values(stars=1))
        await session.run_sync(lambda sync: sync.bulk_save_objects([Post(title="b")]))
        await session.execute(delete(Post))
        await session.commit()
        assert heard == []

    async def test_rows_loaded_and_then_deleted_by_a_statement_send_nothing(self, session, listen):
        post = await saved(session, Post(title="a"))
        heard = listen(*MODEL_SIGNALS)
        await session.execute(delete(Post).execution_options(synchronize_session="fetch"))
        assert heard == []
        assert post not in session

    async def test_a_limited_flush_sends_for_its_instances_only(self, session, listen):
        first, second = Post(title="a"), Post(title="b")
        session.add_all([first, second])
        heard = listen(pre_save, post_save)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            await session.flush(iter([first]))
        assert [each.payload.instance for each in heard] == [first, first]
        assert list(session.new) == [second]

    async def test_an_sql_expression_is_a_change_like_others(self, session, listen):
        post = await saved(session, Post(title="a"))
        heard = listen(pre_save, post_save)
        post.title = func.upper("b")
        await session.commit()
        assert names(heard) == ["pre_save", "post_save"]
        assert [each.payload.update_fields for each in heard] == [("title",)] * 2

    async def test_an_orphan_is_deleted_and_not_saved(self, session, listen):
        post = await saved(session, Post(title="a", comments=[Comment(text="first")]))
        await session.refresh(post, ["comments"])
        heard = listen(*MODEL_SIGNALS, sender=Comment)
        post.comments.clear()
        await session.commit()
        assert names(heard) == ["pre_delete", "post_delete"]


class TestReceivers:
    async def test_they_run_in_the_callers_task_and_context(self, session):
        seen = []

        async def look(sender, **kwargs):
            await asyncio.sleep(0)
            seen.append((asyncio.current_task(), caller.get()))
            caller.set("receiver")

        caller.set("test")
        with pre_save.connected_to(look), post_save.connected_to(look):
            session.add(Post(title="a"))
            await session.flush()
        task = asyncio.current_task()
        assert seen == [(task, "test"), (task, "receiver")]
        assert caller.get() == "receiver"

    async def test_they_may_change_the_instance_before_it_is_saved(self, session, listen):
        async def shout(sender, instance, **kwargs):
            instance.title = instance.title.upper()

        with pre_save.connected_to(shout, sender=Post):
            post = await saved(session, Post(title="a"))
        await session.refresh(post)
        assert post.title == "A"

    async def test_what_they_change_before_an_update_is_in_its_update_fields(self, session, listen):
        post = await saved(session, Post(title="a"))
        heard = listen(post_save)

        async def rate(sender, instance, **kwargs):
            instance.stars = 5

        with pre_save.connected_to(rate, sender=Post):
            post.title = "b"
            await session.flush()
        assert [each.payload.update_fields for each in heard] == [("title", "stars")]

    async def test_a_change_that_they_take_back_is_no_update(self, session, listen):
        post = await saved(session, Post(title="a"))
        heard = listen(post_save)

        async def take_back(sender, instance, **kwargs):
            instance.title = "a"

        with pre_save.connected_to(take_back, sender=Post):
            post.title = "b"
            await session.flush()
        assert heard == []

    async def test_what_they_add_before_is_announced_and_saved_with_the_rest(self, session, listen):
        heard = listen(pre_save, post_save)

        async def log(sender, instance, **kwargs):
            session.add(Log(text=instance.title))

        with pre_save.connected_to(log, sender=Post):
            session.add(Post(title="a"))
            await session.flush()
        assert [(name, each.sender) for name, each in zip(names(heard), heard, strict=True)] == [
            ("pre_save", Post),
            ("pre_save", Log),
            ("post_save", Post),
            ("post_save", Log),
        ]
        assert await count(session, Log) == 1

    async def test_what_they_delete_before_is_announced_and_deleted(self, session, listen):
        old = await saved(session, Log(text="old"))
        heard = listen(pre_delete, post_delete)

        async def replace(sender, **kwargs):
            await session.delete(old)

        with pre_save.connected_to(replace, sender=Post):
            session.add(Post(title="a"))
            await session.flush()
        assert names(heard) == ["pre_delete", "post_delete"]
        assert await count(session, Log) == 0

    async def test_what_they_expunge_before_is_not_announced(self, session, listen):
        first, second = Post(title="a"), Post(title="b")
        heard = []

        async def expunge(sender, instance, **kwargs):
            heard.append(instance)
            if instance is first:
                session.expunge(second)

        with pre_save.connected_to(expunge):
            await saved(session, first, second)
        assert heard == [first]
        assert await count(session) == 1

    async def test_an_update_that_they_expunge_before_is_not_announced(self, session):
        first = await saved(session, Post(title="a"), second := Post(title="b"))
        heard = []

        async def expunge(sender, instance, **kwargs):
            heard.append(instance)
            session.expunge(second if instance is first else first)

        first.stars = second.stars = 1
        with pre_save.connected_to(expunge):
            await session.flush()
        assert len(heard) == 1

    async def test_what_they_change_of_one_that_had_no_change_is_announced(self, session, listen):
        old = await saved(session, Post(title="a"))
        old.title = "b"
        old.title = "a"

        async def log(sender, instance, **kwargs):
            session.add(Log(text=instance.title))

        async def rate(sender, **kwargs):
            old.stars = 5

        heard = listen(pre_save)
        with pre_save.connected_to(log, sender=Post), pre_save.connected_to(rate, sender=Log):
            session.add(Post(title="c"))
            await session.flush()
        assert [each.sender for each in heard][:3] == [Post, Log, Post]
        assert heard[2].payload.instance is old

    async def test_what_they_revert_of_another_is_not_announced(self, session):
        first = await saved(session, Post(title="a"), second := Post(title="b"))
        heard = []

        async def revert(sender, instance, **kwargs):
            heard.append(instance)
            first.title, second.title = "a", "b"

        first.title, second.title = "c", "d"
        with pre_save.connected_to(revert):
            await session.flush()
        assert len(heard) == 1

    async def test_one_that_never_ends_to_add_is_an_error(self, session):
        async def log(sender, **kwargs):
            session.add(Log(text="about a log"))

        with pre_save.connected_to(log), pytest.raises(FlushError, match="100 times in one flush"):
            await saved(session, Log(text="a"))

    async def test_they_can_query_before_without_flushing_what_is_announced(self, session):
        found = []

        async def look(sender, instance, **kwargs):
            found.append((await session.scalars(select(Post))).all())

        with pre_save.connected_to(look, sender=Post):
            await saved(session, Post(title="a"))
        assert found == [[]]

    async def test_they_cannot_flush_before_the_flush(self, session):
        async def flush(sender, **kwargs):
            await session.flush()

        with pre_save.connected_to(flush), pytest.raises(InvalidRequestError, match="flushing"):
            await saved(session, Post(title="a"))
        await session.rollback()
        await saved(session, Post(title="a"))

    async def test_they_can_flush_after_it(self, session, listen):
        heard = listen(post_save, sender=Log)

        async def log(sender, instance, **kwargs):
            session.add(Log(text=instance.title))
            await session.flush()
            assert await count(session, Log) == 1

        with post_save.connected_to(log, sender=Post):
            session.add(Post(title="a"))
            await session.flush()
        assert len(heard) == 1

    async def test_what_they_add_after_a_commits_flush_is_committed(self, session, factory):
        async def log(sender, instance, **kwargs):
            session.add(Log(text=instance.title))

        with post_save.connected_to(log, sender=Post):
            await saved(session, Post(title="a"))
        async with factory() as other:
            assert await count(other, Log) == 1

    async def test_what_they_add_after_a_plain_flush_waits_for_the_next(self, session):
        async def log(sender, instance, **kwargs):
            session.add(Log(text=instance.title))

        with post_save.connected_to(log, sender=Post):
            session.add(Post(title="a"))
            await session.flush()
        assert [type(each) for each in session.new] == [Log]
        assert await count(session, Log) == 1  # the query has flushed it

    async def test_what_listeners_of_sqlalchemy_add_and_expunge_is_told_as_it_is_written(
        self, factory, listen
    ):
        def add(session, context):
            if not any(isinstance(each, Log) for each in session.new):
                session.add(Log(text="added"))

        def expunge(session, context):
            for instance in [each for each in session if isinstance(each, Post)]:
                session.expunge(instance)

        heard = listen(post_save)
        async with factory() as session:
            event.listen(session.sync_session, "after_flush_postexec", expunge)
            event.listen(Session, "after_flush", add)
            sqlalchemy.install()
            try:
                session.add(Post(title="a"))
                await session.flush()
                assert [each.sender for each in heard] == [Post]
                await session.flush()
                assert [each.sender for each in heard] == [Post, Log]
            finally:
                sqlalchemy.uninstall()
                event.remove(Session, "after_flush", add)

    async def test_they_may_use_a_savepoint_before_and_after(self, session):
        async def use(sender, instance, **kwargs):
            async with session.begin_nested():
                await session.execute(insert(Log).values(text="a"))

        with pre_save.connected_to(use, sender=Post), post_save.connected_to(use, sender=Post):
            await saved(session, Post(title="a"))
        assert await count(session, Log) == 2
        assert await count(session, Post) == 1

    async def test_autoflush_sends_and_no_autoflush_does_not(self, session, listen):
        heard = listen(pre_save, post_save)
        session.add(Post(title="a"))
        with session.no_autoflush:
            assert await count(session) == 0
        assert heard == []
        assert await count(session) == 1
        assert names(heard) == ["pre_save", "post_save"]


class TestFailures:
    async def test_an_exception_before_comes_out_and_nothing_is_saved(self, session):
        session.add(Post(title="a"))
        with pre_save.connected_to(refuse, sender=Post), pytest.raises(RefusedError):
            await session.flush()
        assert session.is_active
        await session.rollback()
        assert await count(session) == 0
        await saved(session, Post(title="a"))

    async def test_one_before_leaves_what_was_flushed_earlier(self, session):
        session.add(Post(title="a"))
        await session.flush()
        session.add(second := Post(title="b"))
        with pre_save.connected_to(refuse, sender=Post), pytest.raises(RefusedError):
            await session.flush()
        session.expunge(second)
        await session.commit()
        assert await count(session) == 1

    async def test_one_before_ends_a_commit(self, session):
        session.add(Post(title="a"))
        with pre_save.connected_to(refuse, sender=Post), pytest.raises(RefusedError):
            await session.commit()
        assert session.in_transaction()
        await session.rollback()
        assert await count(session) == 0

    async def test_one_after_comes_out_and_the_caller_may_commit(self, session, factory):
        session.add(Post(title="a"))
        with post_save.connected_to(refuse, sender=Post), pytest.raises(RefusedError):
            await session.commit()
        assert session.is_active
        await session.commit()
        async with factory() as other:
            assert await count(other) == 1

    async def test_one_after_rolls_the_callers_block_back(self, factory, installed):
        with post_save.connected_to(refuse, sender=Post), pytest.raises(RefusedError):
            async with factory.begin() as session:
                session.add(Post(title="a"))
        async with factory() as other:
            assert await count(other) == 0

    async def test_a_flush_that_fails_sends_nothing_after(self, session, listen):
        await saved(session, Post(title="a"))
        heard = listen(pre_save, post_save)
        session.add(Post(title="a"))
        with pytest.raises(IntegrityError):
            await session.flush()
        await session.rollback()
        await session.flush()
        await saved(session, Post(title="b"))
        assert names(heard) == ["pre_save", "pre_save", "post_save"]

    async def test_a_cancelled_receiver_before_leaves_nothing(self, factory, installed):
        started = asyncio.Event()

        async def hang(sender, **kwargs):
            started.set()
            await asyncio.sleep(60)

        async def work():
            async with factory.begin() as session:
                session.add(Post(title="a"))
                await session.flush()

        with pre_save.connected_to(hang, sender=Post):
            task = asyncio.create_task(work())
            await started.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        async with factory() as session:
            assert await count(session) == 0

    async def test_a_receiver_cancelled_after_leaves_a_session_that_works(self, session):
        started = asyncio.Event()

        async def hang(sender, **kwargs):
            started.set()
            await asyncio.sleep(60)

        with post_save.connected_to(hang, sender=Post):
            session.add(Post(title="a"))
            task = asyncio.create_task(session.flush())
            await started.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        await session.commit()
        assert await count(session) == 1

    async def test_20_sessions_at_once_keep_apart(self, factory, installed):
        told = []

        async def tell(sender, instance, created, **kwargs):
            await asyncio.sleep(0)
            told.append((instance.title, created))

        async def one(number):
            async with factory.begin() as session:
                session.add(post := Post(title=f"{number}"))
                await session.flush()
                post.stars = number + 1

        with post_save.connected_to(tell, sender=Post):
            async with asyncio.timeout(60):
                await asyncio.gather(*map(one, range(20)))
        assert sorted(told) == sorted(
            (f"{number}", created) for number in range(20) for created in (True, False)
        )


class TestChildren:
    async def test_what_is_removed_from_its_only_parent_is_deleted(self, session, listen):
        comment = Comment(text="first")
        post = await saved(session, Post(title="a", comments=[comment]))
        heard = listen(pre_delete, post_delete)
        post.comments.remove(comment)
        await session.commit()
        assert names(heard) == ["pre_delete", "post_delete"]
        assert all(each.payload.instance is comment for each in heard)

    async def test_what_the_session_does_not_hold_is_not_deleted(self, session, listen):
        comment = Comment(text="first")
        post = await saved(session, Post(title="a", comments=[comment]))
        session.expunge(comment)
        heard = listen(pre_delete, post_delete)
        post.comments.remove(comment)
        with pytest.warns(SAWarning, match="not in session"):
            await session.flush()
        assert heard == []

    async def test_what_moves_to_another_parent_is_not_deleted(self, session, listen):
        comment = Comment(text="first")
        first = await saved(session, Post(title="a", comments=[comment]))
        second = Post(title="b", comments=[])
        session.add(second)
        heard = listen(pre_delete, post_delete, post_save, sender=Comment)
        first.comments.remove(comment)
        second.comments.append(comment)
        await session.commit()
        assert names(heard) == ["post_save"]
        assert heard[0].payload.update_fields == ("post_id",)

    async def test_what_has_lost_its_parent_is_not_saved_after_all(self, session, listen):
        session.add(comment := Comment(text="first"))
        post = Post(title="a", comments=[comment])
        post.comments.remove(comment)
        heard = listen(post_save)
        await saved(session, post)
        assert [each.sender for each in heard] == [Post]
        assert await count(session, Comment) == 0

    async def test_what_is_deleted_with_its_parent_is_told_of_too(self, session, listen):
        post = await saved(session, Post(title="a", comments=[Comment(text="first")]))
        heard = listen(pre_delete, post_delete)
        await session.delete(post)
        await session.commit()
        assert sorted(names(heard)) == ["post_delete"] * 2 + ["pre_delete"] * 2
        assert [each.sender for each in heard[:2]] == [each.sender for each in heard[2:]]

    async def test_a_child_saved_with_its_parent_has_its_key_after(self, session):
        keys = []

        async def look(sender, instance, **kwargs):
            keys.append(instance.post_id)

        with (
            pre_save.connected_to(look, sender=Comment),
            post_save.connected_to(look, sender=Comment),
        ):
            post = await saved(session, Post(title="a", comments=[Comment(text="first")]))
        assert keys == [None, post.id]

    async def test_loading_relations_is_left_to_the_application(self, session, database, listen):
        post = await saved(session, Post(title="a", comments=[Comment(text="first")]))
        session.expunge_all()
        listen(*MODEL_SIGNALS)
        loaded = await session.scalar(select(Post).where(Post.id == post.id))
        loaded.title = "b"
        with statements(database) as found:
            await session.flush()
        assert [each.split()[0] for each in found] == ["UPDATE"]
        query = select(Post).options(selectinload(Post.comments))
        assert len((await session.scalars(query)).one().comments) == 1
