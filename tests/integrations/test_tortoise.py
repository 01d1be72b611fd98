from __future__ import annotations

import asyncio
import importlib
import logging
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from tortoise import fields
from tortoise.backends.base.client import NestedTransactionContext, TransactionContextPooled
from tortoise.backends.sqlite.client import SqliteTransactionContext
from tortoise.connection import get_connection
from tortoise.context import TortoiseContext
from tortoise.exceptions import IntegrityError, OperationalError, TransactionManagementError
from tortoise.expressions import F
from tortoise.fields.relational import ManyToManyRelation
from tortoise.models import Model
from tortoise.signals import Signals
from tortoise.transactions import atomic, in_transaction

from fastdjango_signals import (
    Payload,
    Signal,
    SignalOptionError,
    m2m_changed,
    post_delete,
    post_save,
    pre_delete,
    pre_save,
)
from fastdjango_signals.integrations import tortoise
from fastdjango_signals.integrations.tortoise import Through
from fastdjango_signals.integrations.tortoise.transactions import stack

MODEL_SIGNALS = (pre_save, post_save, pre_delete, post_delete)


class Tag(Model):
    id = fields.UUIDField(primary_key=True)
    name = fields.CharField(max_length=50)

    posts: fields.ManyToManyRelation[Post]


class Dated(Model):
    stars = fields.IntField(default=0)

    class Meta:
        abstract = True


class Post(Dated):
    id = fields.IntField(primary_key=True)
    title = fields.CharField(max_length=50, unique=True)
    tags: fields.ManyToManyRelation[Tag] = fields.ManyToManyField(
        "models.Tag", related_name="posts"
    )


class Comment(Model):
    id = fields.IntField(primary_key=True)
    post: fields.ForeignKeyRelation[Post] = fields.ForeignKeyField("models.Post")


class Friend(Model):
    id = fields.IntField(primary_key=True)
    name = fields.CharField(max_length=50)
    friends: fields.ManyToManyRelation[Friend] = fields.ManyToManyField(
        "models.Friend", related_name="friend_of", through="friendship"
    )
    friend_of: fields.ManyToManyRelation[Friend]


class Visible(Model):
    """Its manager hides rows."""

    id = fields.IntField(primary_key=True)
    name = fields.CharField(max_length=50)


class Log(Model):
    id = fields.IntField(primary_key=True)
    text = fields.CharField(max_length=50)


class Noted(Payload):
    text: str


noted = Signal(Noted, name="noted")


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[None]:
    connections = {
        alias: f"sqlite://{tmp_path / alias}.sqlite3" for alias in ("default", "archive")
    }
    apps = {"models": {"models": [__name__], "default_connection": "default"}}
    async with TortoiseContext() as context:
        await context.init(config={"connections": connections, "apps": apps})
        await context.generate_schemas()
        yield


@pytest.fixture
async def installed(database: None) -> AsyncIterator[None]:
    tortoise.install()
    yield
    tortoise.uninstall()


def names(heard: list[Any]) -> list[str]:
    return [each.signal.name.rpartition(".")[2] for each in heard]


class PooledClient:
    connection_name = "default"
    _finalized = False
    _connection: object = None

    def __init__(self) -> None:
        self.calls: list[str] = []
        self._parent = SimpleNamespace(_pool=self)

    async def acquire(self) -> None:
        self.calls.append("acquire")

    async def release(self, connection: object) -> None:
        self.calls.append("release")

    async def begin(self) -> None:
        self.calls.append("begin")

    async def commit(self) -> None:
        self.calls.append("commit")

    async def rollback(self) -> None:
        self.calls.append("rollback")


class RefusedError(Exception):
    pass


async def refuse(sender: object, **kwargs: object) -> None:
    raise RefusedError


@asynccontextmanager
async def rolled_back() -> AsyncIterator[Any]:
    """Run a block in a transaction, or a savepoint, that an exception ends."""
    with pytest.raises(RefusedError):  # noqa: PT012 - the exception has to pass the transaction
        async with in_transaction("default") as connection:
            yield connection
            raise RefusedError


# --- save and delete ---------------------------------------------------------


@pytest.mark.usefixtures("installed")
class TestSaving:
    async def test_creating_sends_both_signals_with_the_class_as_the_sender(self, listen):
        heard = listen(pre_save, post_save)
        post = await Post.create(title="a")
        assert names(heard) == ["pre_save", "post_save"]
        assert [each.sender for each in heard] == [Post, Post]
        assert all(each.payload.instance is post for each in heard)

    async def test_pre_save_comes_before_the_row_and_post_save_after(self):
        rows = []

        async def count(sender, instance, **kwargs):
            rows.append(await Post.all().count())

        with pre_save.connected_to(count), post_save.connected_to(count):
            await Post.create(title="a")
        assert rows == [0, 1]

    async def test_created_tells_a_new_row_from_an_old_one(self, listen):
        heard = listen(post_save)
        post = await Post.create(title="a")
        await post.save()
        again = await Post.get(pk=post.pk)
        await again.save()
        assert [each.payload.created for each in heard] == [True, False, False]

    async def test_created_is_true_for_a_primary_key_given_by_hand(self, listen):
        heard = listen(post_save)
        await Post(id=77, title="a").save()
        assert [each.payload.created for each in heard] == [True]

    @pytest.mark.parametrize("names_given", [["title"], ("title",), {"title"}, {"title": 1}.keys()])
    async def test_update_fields_stay_as_they_were_given(self, listen, names_given):
        post = await Post.create(title="a")
        heard = listen(pre_save, post_save)
        await post.save(update_fields=names_given)
        assert [each.payload.update_fields for each in heard] == [names_given, names_given]
        assert all(each.payload.update_fields is names_given for each in heard)

    async def test_update_fields_is_none_when_all_are_saved(self, listen):
        heard = listen(post_save)
        await Post.create(title="a")
        assert heard[0].payload.update_fields is None

    async def test_using_is_the_alias_of_the_database(self, listen):
        heard = listen(*MODEL_SIGNALS)
        post = await Post.create(title="a")
        await post.delete()
        assert {each.payload.using for each in heard} == {"default"}

    async def test_using_is_the_alias_in_a_transaction_too(self, listen):
        heard = listen(post_save)
        async with in_transaction("default") as connection:
            await Post.create(title="a")
            await Post.create(title="b", using_db=connection)
        assert [each.payload.using for each in heard] == ["default", "default"]

    async def test_using_is_the_alias_of_the_client_that_was_given(self, listen):
        heard = listen(pre_save)
        with pytest.raises(OperationalError, match="no such table"):
            await Post.create(title="a", using_db=get_connection("archive"))
        assert [each.payload.using for each in heard] == ["archive"]

    async def test_a_receiver_of_pre_save_may_change_the_instance(self):
        async def shout(sender, instance, **kwargs):
            instance.title = instance.title.upper()

        with pre_save.connected_to(shout, sender=Post):
            await Post.create(title="a")
        assert await Post.filter(title="A").exists()

    async def test_an_exception_of_pre_save_comes_out_and_nothing_is_saved(self):
        with pre_save.connected_to(refuse, sender=Post), pytest.raises(RefusedError):
            await Post.create(title="a")
        assert not await Post.all().exists()

    async def test_an_exception_of_post_save_comes_out_of_save(self):
        with post_save.connected_to(refuse, sender=Post), pytest.raises(RefusedError):
            await Post.create(title="a")
        assert await Post.all().exists()

    async def test_a_save_that_fails_sends_no_post_save(self, listen):
        await Post.create(title="a")
        heard = listen(pre_save, post_save)
        with pytest.raises(IntegrityError):
            await Post.create(title="a")
        assert names(heard) == ["pre_save"]

    async def test_only_receivers_of_that_model_hear_it(self, listen):
        heard = listen(post_save, sender=Log)
        await Post.create(title="a")
        await Log.create(text="b")
        assert [each.sender for each in heard] == [Log]

    async def test_receivers_of_an_abstract_base_hear_its_models(self, listen):
        heard = listen(post_save, sender=Dated, subclasses=True)
        await Post.create(title="a")
        assert [each.sender for each in heard] == [Post]

    async def test_get_or_create_sends_when_it_creates(self, listen):
        heard = listen(post_save)
        await Post.get_or_create(title="a")
        await Post.get_or_create(title="a")
        assert [each.payload.created for each in heard] == [True]

    async def test_update_or_create_tells_which_it_did(self, listen):
        heard = listen(post_save)
        await Post.update_or_create({"stars": 1}, title="a")
        await Post.update_or_create({"stars": 2}, title="a")
        assert [each.payload.created for each in heard] == [True, False]

    async def test_bulk_work_sends_nothing(self, listen):
        heard = listen(*MODEL_SIGNALS)
        await Post.bulk_create([Post(title="a"), Post(title="b")])
        await Post.all().update(stars=F("stars") + 1)
        await Post.all().delete()
        assert heard == []

    async def test_a_muted_signal_saves_in_silence(self, listen):
        heard = listen(post_save)
        with post_save.muted():
            await Post.create(title="a")
        assert heard == []

    async def test_a_receiver_may_save_another_instance(self):
        async def log(sender, instance, **kwargs):
            await Log.create(text=instance.title)

        with post_save.connected_to(log, sender=Post):
            await Post.create(title="a")
        texts: list[Any] = await Log.all().values_list("text", flat=True)
        assert texts == ["a"]


@pytest.mark.usefixtures("installed")
class TestDeleting:
    async def test_deleting_sends_both_signals_with_the_class_as_the_sender(self, listen):
        post = await Post.create(title="a")
        heard = listen(pre_delete, post_delete)
        await post.delete()
        assert names(heard) == ["pre_delete", "post_delete"]
        assert [each.sender for each in heard] == [Post, Post]
        assert all(each.payload.instance is post for each in heard)

    async def test_pre_delete_comes_before_the_row_is_gone_and_post_delete_after(self):
        rows = []

        async def count(sender, instance, **kwargs):
            rows.append(await Post.all().count())

        post = await Post.create(title="a")
        with pre_delete.connected_to(count), post_delete.connected_to(count):
            await post.delete()
        assert rows == [1, 0]

    async def test_an_exception_of_pre_delete_keeps_the_row(self):
        post = await Post.create(title="a")
        with pre_delete.connected_to(refuse), pytest.raises(RefusedError):
            await post.delete()
        assert await Post.all().exists()

    async def test_what_the_database_cascades_is_silent(self, listen):
        post = await Post.create(title="a")
        await Comment.create(post=post)
        heard = listen(post_delete)
        await post.delete()
        assert [each.sender for each in heard] == [Post]
        assert not await Comment.all().exists()


@pytest.mark.usefixtures("installed")
class TestListeningInTurn:
    async def test_receivers_run_one_after_another(self):
        steps = []

        def walker(name):
            async def walk(sender, **kwargs):
                steps.append(f"{name} begins")
                await asyncio.sleep(0)
                steps.append(f"{name} ends")

            return walk

        with (
            post_save.connected_to(walker("one"), weak=False),
            post_save.connected_to(walker("two"), weak=False),
        ):
            await Post.create(title="a")
        assert steps == ["one begins", "one ends", "two begins", "two ends"]

    async def test_a_failure_leaves_no_receiver_or_native_listener_running(self, monkeypatch):
        late = []

        async def fail(*_: object) -> None:
            raise RefusedError

        async def slow(*_: object) -> None:
            await asyncio.sleep(0)
            late.append("native")

        async def receive(sender, **kwargs):
            late.append("ours")

        native: dict[Signals, Any] = {Signals.post_save: {Post: [fail, slow]}}
        monkeypatch.setattr(Model, "_listeners", {**Model._listeners, **native})
        with post_save.connected_to(receive), pytest.raises(RefusedError):
            await Post.create(title="a")
        await asyncio.sleep(0.01)
        assert late == []

    async def test_native_listeners_are_still_called_and_first(self, monkeypatch):
        order: list[tuple[Any, ...]] = []

        async def native(model, instance, created, using_db, update_fields):
            order.append(("native", model, created, update_fields))

        async def ours(sender, **kwargs):
            order.append(("ours", sender))

        listeners: dict[Signals, Any] = {Signals.post_save: {Post: [native]}}
        monkeypatch.setattr(Model, "_listeners", {**Model._listeners, **listeners})
        with post_save.connected_to(ours):
            await Post.create(title="a")
        assert order == [("native", Post, True, None), ("ours", Post)]


# --- install and uninstall ---------------------------------------------------


@pytest.mark.usefixtures("database")
class TestInstalling:
    @pytest.fixture(autouse=True)
    def _afterwards(self):
        yield
        tortoise.uninstall()

    async def test_nothing_is_sent_before(self, listen):
        heard = listen(*MODEL_SIGNALS)
        await Post.create(title="a")
        assert heard == []

    async def test_chosen_models_send_and_others_do_not(self, listen):
        tortoise.install(Post)
        heard = listen(post_save)
        await Post.create(title="a")
        await Log.create(text="b")
        assert [each.sender for each in heard] == [Post]

    async def test_native_listeners_of_other_models_work_as_before(self, monkeypatch):
        calls = []

        async def native(*arguments):
            calls.append(arguments[0])

        listeners: dict[Signals, Any] = {Signals.post_save: {Log: [native]}}
        monkeypatch.setattr(Model, "_listeners", {**Model._listeners, **listeners})
        tortoise.install(Post)
        await Log.create(text="b")
        assert calls == [Log]

    async def test_a_chosen_base_stands_for_its_subclasses(self, listen):
        tortoise.install(Dated)
        heard = listen(post_save)
        await Post.create(title="a")
        assert [each.sender for each in heard] == [Post]

    async def test_installing_twice_sends_once(self, listen):
        tortoise.install()
        tortoise.install()
        tortoise.install(Post)
        heard = listen(post_save)
        await Post.create(title="a")
        assert names(heard) == ["post_save"]

    async def test_uninstalling_one_model_leaves_the_others(self, listen):
        tortoise.install(Post, Log)
        tortoise.uninstall(Post)
        heard = listen(post_save)
        await Post.create(title="a")
        await Log.create(text="b")
        assert [each.sender for each in heard] == [Log]

    async def test_uninstalling_puts_back_what_tortoise_had(self):
        def methods():
            owners = (Model, ManyToManyRelation, SqliteTransactionContext, NestedTransactionContext)
            return [value for owner in owners for value in vars(owner).values()]

        before = methods()
        tortoise.install()
        assert methods() != before
        tortoise.uninstall()
        assert methods() == before

    async def test_uninstalling_everything_twice_is_harmless(self, listen):
        tortoise.install()
        tortoise.uninstall()
        tortoise.uninstall()
        heard = listen(post_save)
        await Post.create(title="a")
        assert heard == []

    async def test_uninstalling_what_was_never_installed_is_refused(self, listen):
        tortoise.install()
        with pytest.raises(SignalOptionError, match="Post"):
            tortoise.uninstall(Post)
        heard = listen(post_save)
        await Post.create(title="a")
        assert names(heard) == ["post_save"]

    @pytest.mark.parametrize("stranger", ["models.Post", int, None])
    async def test_what_is_no_model_is_refused_and_nothing_installed(self, stranger, listen):
        with pytest.raises(SignalOptionError, match="no Tortoise model class"):
            tortoise.install(Post, stranger)
        heard = listen(post_save)
        await Post.create(title="a")
        assert heard == []

    async def test_without_an_install_on_commit_runs_at_once(self, listen):
        heard = listen(noted, on_commit=True)
        async with in_transaction("default"):
            await noted.send(None, text="a")
            assert names(heard) == ["noted"]


class TestImporting:
    MODULE = "fastdjango_signals.integrations.tortoise"

    @pytest.fixture(autouse=True)
    def _fresh(self, monkeypatch):
        for name in [name for name in sys.modules if name.startswith(self.MODULE)]:
            monkeypatch.delitem(sys.modules, name)

    def test_without_tortoise_the_error_names_the_extra(self, monkeypatch):
        for name in [name for name in sys.modules if name.split(".")[0] == "tortoise"]:
            monkeypatch.delitem(sys.modules, name)
        monkeypatch.setattr(sys, "meta_path", [_Missing("tortoise"), *sys.meta_path])
        with pytest.raises(ImportError, match=r"pip install \"fastdjango-signals\[tortoise\]\""):
            importlib.import_module(self.MODULE)

    def test_an_unrelated_import_error_comes_out_as_it_is(self, monkeypatch):
        for name in [name for name in sys.modules if name.split(".")[0] == "tortoise"]:
            monkeypatch.delitem(sys.modules, name)
        monkeypatch.delitem(sys.modules, "pypika_tortoise", raising=False)
        monkeypatch.setattr(sys, "meta_path", [_Missing("pypika_tortoise"), *sys.meta_path])
        with pytest.raises(ModuleNotFoundError, match="No module named 'pypika_tortoise'"):
            importlib.import_module(self.MODULE)


class _Missing:
    """A finder that makes a package look as if it were not installed."""

    def __init__(self, package: str) -> None:
        self.package = package

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name == self.package:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


# --- many-to-many ------------------------------------------------------------


@pytest.fixture
async def post(installed: None) -> Post:
    return await Post.create(title="a")


@pytest.fixture
async def tags(installed: None) -> list[Tag]:
    return [await Tag.create(id=uuid4(), name=name) for name in "abc"]


def changes(heard):
    return [(each.payload.action, each.payload.pk_set) for each in heard]


class TestRelations:
    async def test_adding_sends_what_is_added_before_and_after(self, listen, post, tags):
        heard = listen(m2m_changed)
        await post.tags.add(tags[0], tags[1])
        added = {tags[0].pk, tags[1].pk}
        assert changes(heard) == [("pre_add", added), ("post_add", added)]

    async def test_pre_add_comes_before_the_rows_and_post_add_after(self, post, tags):
        rows = []

        async def count(sender, instance, **kwargs):
            rows.append(await instance.tags.all().count())

        with m2m_changed.connected_to(count):
            await post.tags.add(tags[0])
        assert rows == [0, 1]

    async def test_the_payload_tells_everything_from_the_near_side(self, listen, post, tags):
        heard = listen(m2m_changed)
        await post.tags.add(tags[0])
        payload = heard[1].payload
        assert payload.instance is post
        assert (payload.reverse, payload.model, payload.using) == (False, Tag, "default")

    async def test_the_payload_tells_everything_from_the_far_side(self, listen, post, tags):
        heard = listen(m2m_changed)
        await tags[0].posts.add(post)
        payload = heard[1].payload
        assert payload.instance is tags[0]
        assert (payload.reverse, payload.model, payload.using) == (True, Post, "default")
        assert payload.pk_set == {post.pk}

    async def test_what_is_there_already_is_not_added(self, listen, post, tags):
        await post.tags.add(tags[0])
        heard = listen(m2m_changed)
        await post.tags.add(*tags, tags[0])
        added = {tags[1].pk, tags[2].pk}
        assert changes(heard) == [("pre_add", added), ("post_add", added)]

    async def test_removing_sends_what_was_there(self, listen, post, tags):
        await post.tags.add(tags[0])
        heard = listen(m2m_changed)
        await post.tags.remove(*tags)
        assert changes(heard) == [("pre_remove", {tags[0].pk}), ("post_remove", {tags[0].pk})]
        assert await post.tags.all().count() == 0

    async def test_removing_from_the_far_side_sends_what_was_there(self, listen, post, tags):
        await post.tags.add(tags[0])
        heard = listen(m2m_changed)
        await tags[0].posts.remove(post)
        assert changes(heard) == [("pre_remove", {post.pk}), ("post_remove", {post.pk})]
        assert heard[0].payload.reverse

    async def test_clearing_sends_no_keys(self, listen, post, tags):
        await post.tags.add(*tags)
        heard = listen(m2m_changed)
        await post.tags.clear()
        assert changes(heard) == [("pre_clear", None), ("post_clear", None)]
        assert await post.tags.all().count() == 0

    async def test_clearing_from_the_far_side_sends_no_keys(self, listen, post, tags):
        await post.tags.add(tags[0])
        heard = listen(m2m_changed)
        await tags[0].posts.clear()
        assert changes(heard) == [("pre_clear", None), ("post_clear", None)]
        assert heard[0].payload.reverse

    async def test_a_relation_to_the_same_model_knows_its_sides(self, listen, installed):
        ada, bob = await Friend.create(name="ada"), await Friend.create(name="bob")
        heard = listen(m2m_changed, sender=Through(Friend, "friends"))
        await ada.friends.add(bob)
        await bob.friend_of.remove(ada)
        assert [(each.payload.reverse, *changes([each])[0]) for each in heard] == [
            (False, "pre_add", {bob.pk}),
            (False, "post_add", {bob.pk}),
            (True, "pre_remove", {ada.pk}),
            (True, "post_remove", {ada.pk}),
        ]

    async def test_rows_that_a_manager_hides_count_too(self, listen, post, tags, monkeypatch):
        await post.tags.add(tags[0])
        hiding = type("Hiding", (), {"get_queryset": lambda self: Tag.filter(name="nothing")})()
        monkeypatch.setattr(Tag._meta, "manager", hiding)
        heard = listen(m2m_changed)
        await post.tags.add(tags[0], tags[1])
        assert changes(heard)[0] == ("pre_add", {tags[1].pk})

    async def test_an_exception_of_pre_add_comes_out_and_adds_nothing(self, post, tags):
        with m2m_changed.connected_to(refuse), pytest.raises(RefusedError):
            await post.tags.add(tags[0])
        assert await post.tags.all().count() == 0

    async def test_adding_nothing_sends_nothing(self, listen, post):
        heard = listen(m2m_changed)
        await post.tags.add()
        assert heard == []

    async def test_adding_what_is_not_saved_is_refused_by_tortoise_before_any_signal(
        self, listen, post
    ):
        heard = listen(m2m_changed)
        with pytest.raises(OperationalError, match="save"):
            await post.tags.add(Tag(name="new"))
        assert heard == []

    async def test_removing_nothing_is_refused_by_tortoise_before_any_signal(self, listen, post):
        heard = listen(m2m_changed)
        with pytest.raises(OperationalError, match="no instances"):
            await post.tags.remove()
        assert heard == []

    async def test_a_receiver_that_empties_pk_set_does_not_change_the_next_signal(
        self, listen, post, tags
    ):
        async def empty(sender, pk_set, **kwargs):
            pk_set.clear()

        with m2m_changed.connected_to(empty):
            heard = []

            async def record(sender, action, pk_set, **kwargs):
                heard.append((action, len(pk_set)))

            with m2m_changed.connected_to(record, priority=1):
                await post.tags.add(tags[0])
        assert heard == [("pre_add", 1), ("post_add", 1)]

    @pytest.mark.parametrize("listening", [False, True])
    async def test_an_extra_select_is_made_only_when_someone_listens(
        self, listen, post, tags, caplog, listening
    ):
        if listening:
            listen(m2m_changed, sender=Through(Post, "tags"))
        listen(m2m_changed, sender=Through(Friend, "friends"))
        caplog.set_level(logging.DEBUG, logger="tortoise.db_client")
        await post.tags.add(tags[0])
        selects = [each for each in caplog.messages if each.startswith("SELECT")]
        assert len(selects) == 1 + listening

    async def test_in_a_transaction_the_alias_and_the_connection_are_right(
        self, listen, post, tags
    ):
        heard = listen(m2m_changed)
        async with rolled_back() as connection:
            await post.tags.add(tags[0], using_db=connection)
            await post.tags.remove(tags[0])
        assert changes(heard) == [
            (action, {tags[0].pk})
            for action in ("pre_add", "post_add", "pre_remove", "post_remove")
        ]
        assert {each.payload.using for each in heard} == {"default"}

    @pytest.mark.parametrize("chosen", [Post, Tag])
    async def test_a_relation_of_a_chosen_model_is_heard_from_both_sides(
        self, listen, post, tags, chosen
    ):
        tortoise.uninstall()
        tortoise.install(chosen)
        heard = listen(m2m_changed)
        await post.tags.add(tags[0])
        await tags[0].posts.clear()
        assert [each.payload.action for each in heard] == [
            "pre_add",
            "post_add",
            "pre_clear",
            "post_clear",
        ]

    async def test_a_relation_of_other_models_is_silent(self, listen, post, tags):
        tortoise.uninstall()
        tortoise.install(Friend)
        heard = listen(m2m_changed)
        await post.tags.add(tags[0])
        await post.tags.remove(tags[0])
        assert heard == []
        assert await post.tags.all().count() == 0


class TestThrough:
    def test_it_reads_as_it_would_be_written(self):
        assert str(Through(Post, "tags")) == "Post.tags"

    async def test_it_is_the_sender_from_both_sides(self, listen, post, tags):
        heard = listen(m2m_changed, sender=Through(Post, "tags"))
        await post.tags.add(tags[0])
        await tags[0].posts.clear()
        assert len(heard) == 4
        assert {each.sender for each in heard} == {Through(Post, "tags")}

    async def test_it_does_not_hear_other_relations(self, listen, post, tags):
        heard = listen(m2m_changed, sender=Through(Friend, "friends"))
        await post.tags.add(tags[0])
        assert heard == []

    def test_it_works_before_tortoise_is_initialized(self):
        class Early(Model):
            tags: fields.ManyToManyRelation[Tag] = fields.ManyToManyField(
                "models.Tag", related_name="earlies"
            )

        assert Through(Early, "tags").model is Early

    @pytest.mark.parametrize("name", ["tag", "title"])
    def test_a_field_that_is_no_such_relation_is_refused(self, name):
        with pytest.raises(SignalOptionError, match=f'Post declares no .* "{name}"'):
            Through(Post, name)

    async def test_the_far_side_is_refused_with_a_word_on_what_to_write(self, installed):
        with pytest.raises(SignalOptionError, match=r'write Through\(Post, "tags"\)'):
            Through(Tag, "posts")


# --- after commit ------------------------------------------------------------


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
        finished = []

        async def check(sender, instance, **kwargs):
            finished.append(type(get_connection("default")).__name__)

        with post_save.connected_to(check, sender=Post, on_commit=True):
            await Post.get_or_create(title="a")
        assert finished == ["SqliteClient"]

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

    async def test_a_savepoint_rolled_back_by_hand_drops_its_own(self, heard):
        async with in_transaction("default"):
            await noted.send(None, text="before")
            with pytest.raises(TransactionManagementError, match="No savepoint"):  # noqa: PT012
                async with in_transaction("default") as savepoint:
                    await noted.send(None, text="dropped")
                    await savepoint.savepoint_rollback()
        assert self.texts(heard) == ["before"]

    async def test_a_rollback_by_hand_drops_it(self, heard):
        async with in_transaction("default") as connection:
            await Log.create(text="a")
            await noted.send(None, text="a")
            await connection.rollback()
        assert heard == []
        assert not await Log.all().exists()

    async def test_a_rollback_of_everything_from_a_savepoint_drops_everything(self, heard):
        async with in_transaction("default"):
            await Log.create(text="a")
            await noted.send(None, text="a")
            async with in_transaction("default") as savepoint:
                await savepoint.rollback()
        assert heard == []
        assert not await Log.all().exists()

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

    @pytest.mark.parametrize("end", ["commit", "rollback"])
    async def test_transactions_on_a_pooled_connection_end_the_same_way(self, heard, end):
        """Tortoise's own context of the pooled databases, over a client that does nothing."""
        client: Any = PooledClient()
        with nullcontext() if end == "commit" else pytest.raises(RefusedError):
            async with TransactionContextPooled(client, asyncio.Lock()):
                await noted.send(None, text="a")
                if end == "rollback":
                    raise RefusedError
                assert heard == []
        assert client.calls == ["acquire", "begin", end, "release"]
        assert self.texts(heard) == (["a"] if end == "commit" else [])

    async def test_a_commit_that_fails_drops_it(self, heard):
        """SQLite checks a deferred constraint at the commit."""
        async with in_transaction("default") as connection:
            await connection.execute_script(
                "CREATE TABLE parent (id INTEGER PRIMARY KEY);"
                "CREATE TABLE child ("
                "parent INTEGER REFERENCES parent DEFERRABLE INITIALLY DEFERRED)"
            )
        failed = asyncio.Event()

        async def late():
            await failed.wait()
            await noted.send(None, text="late, of a task that began in the transaction")

        with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"):  # noqa: PT012
            async with in_transaction("default") as connection:
                task = asyncio.create_task(late())
                await noted.send(None, text="a")
                await connection.execute_query("INSERT INTO child VALUES (1)")
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
        assert self.texts(heard) == ["0", "2", "4", "6", "8"]
        assert sorted(await Log.all().values_list("text", flat=True)) == self.texts(heard)

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

    async def test_a_task_that_outlives_the_transaction_it_began_in_loses_nothing(self, heard):
        committed = asyncio.Event()

        async def late():
            await committed.wait()
            await noted.send(None, text="late")

        async with in_transaction("default"):
            task = asyncio.create_task(late())
        committed.set()
        await task
        assert self.texts(heard) == ["late"]

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
