from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from tortoise.connection import get_connection
from tortoise.exceptions import FieldError, IntegrityError
from tortoise.expressions import F
from tortoise.functions import Count
from tortoise.transactions import in_transaction

from fastdjango_signals import post_delete, post_save, pre_delete, pre_save
from fastdjango_signals.integrations import tortoise
from fastdjango_signals.integrations.tortoise import bulk
from tests.integrations import tortoise_models
from tests.integrations.receiving import RefusedError, names, refuse
from tests.integrations.tortoise_models import (
    MODEL_SIGNALS,
    Comment,
    Dated,
    Log,
    Post,
    Summary,
    Tag,
    Ticket,
    on_all_kinds,
    on_postgres,
    rolled_back,
)

database, kind = tortoise_models.database, tortoise_models.kind  # fixtures
places = tortoise_models.places


@pytest.fixture(autouse=True)
async def _installed(database: None):
    tortoise.install(bulk=True)
    yield
    tortoise.uninstall()


@pytest.fixture
async def posts() -> list[Post]:
    return [await Post.create(title=title) for title in "abc"]


async def titles() -> list[Any]:
    return await Post.all().order_by("title").values_list("title", flat=True)


def statements(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [
        message.split()[0]
        for message in caplog.messages
        if message.startswith(("SELECT", "INSERT", "UPDATE", "DELETE"))
    ]


class TestChoosing:
    @pytest.fixture(autouse=True)
    def _nothing_installed(self, _installed):
        tortoise.uninstall()

    async def change_in_bulk(self):
        await Post.bulk_create([Post(title="a")])
        await Post.all().update(stars=1)
        await Post.all().delete()

    @pytest.mark.parametrize("chosen", [(), (Post,)])
    async def test_it_is_silent_where_it_is_not_asked_for(self, listen, chosen):
        tortoise.install(*chosen)
        tortoise.install(Tag, bulk=True)
        heard = listen(*MODEL_SIGNALS)
        await self.change_in_bulk()
        assert heard == []

    @pytest.mark.parametrize("chosen", [(), (Post,), (Dated,)])
    async def test_it_sends_for_models_for_which_it_is_asked(self, listen, chosen):
        tortoise.install(*chosen, bulk=True)
        heard = listen(*MODEL_SIGNALS)
        await self.change_in_bulk()
        assert names(heard) == ["pre_save", "post_save"] * 2 + ["pre_delete", "post_delete"]

    async def test_another_install_without_it_leaves_it_on(self, listen):
        tortoise.install(Post, bulk=True)
        tortoise.install(Post)
        heard = listen(post_delete)
        await self.change_in_bulk()
        assert len(heard) == 1

    async def test_uninstalling_ends_it(self, listen):
        tortoise.install(Post, bulk=True)
        tortoise.uninstall(Post)
        tortoise.install(Post)
        heard = listen(*MODEL_SIGNALS)
        await self.change_in_bulk()
        assert heard == []

    async def test_single_instances_send_once(self, listen):
        tortoise.install(bulk=True)
        heard = listen(*MODEL_SIGNALS)
        post = await Post.create(title="a")
        await post.delete()
        assert names(heard) == ["pre_save", "post_save", "pre_delete", "post_delete"]

    async def test_where_nobody_listens_the_statements_are_those_of_tortoise(self, listen, caplog):
        tortoise.install(bulk=True)
        listen(*MODEL_SIGNALS, sender=Log)
        caplog.set_level(logging.DEBUG, logger="tortoise.db_client")
        await self.change_in_bulk()
        assert statements(caplog) == ["INSERT", "UPDATE", "DELETE"]


@on_all_kinds
class TestCreating:
    async def test_each_instance_sends_both_signals(self, listen):
        heard = listen(pre_save, post_save)
        posts = [Post(title="a"), Post(title="b")]
        await Post.bulk_create(posts)
        assert names(heard) == ["pre_save", "pre_save", "post_save", "post_save"]
        assert [each.payload.instance for each in heard] == posts * 2
        assert {each.sender for each in heard} == {Post}
        assert [each.payload.created for each in heard[2:]] == [True, True]
        assert {each.payload.update_fields for each in heard} == {None}
        assert {each.payload.using for each in heard} == {"default"}

    async def test_keys_that_the_database_makes_are_there_in_post_save(self):
        keys = {}

        async def look(sender, instance, **kwargs):
            keys[instance.title] = instance.pk
            assert await Post.filter(pk=instance.pk, title=instance.title).exists()

        with post_save.connected_to(look):
            await Post.bulk_create([Post(title=title) for title in "abc"])
        assert keys == dict(await Post.all().values_list("title", "id"))

    async def test_defaults_of_the_database_are_there_in_post_save(self, listen):
        heard = listen(post_save)
        await Ticket.bulk_create([Ticket(code="a"), Ticket(code="b")])
        assert [each.payload.instance.state for each in heard] == ["open", "open"]

    async def test_rows_that_are_known_before_are_inserted_with_one_statement(self, listen, caplog):
        listen(post_save)
        caplog.set_level(logging.DEBUG, logger="tortoise.db_client")
        await Tag.bulk_create([Tag(name=name) for name in "abc"])
        await Post.bulk_create([Post(id=number, title=str(number)) for number in range(3)])
        assert statements(caplog) == ["INSERT", "INSERT"]
        assert await Tag.all().count() == 3
        assert await Post.all().count() == 3

    async def test_post_save_gets_an_instance_that_counts_as_saved(self):
        async def tag(sender, instance, **kwargs):
            await instance.tags.add(await Tag.create(name=instance.title))

        with post_save.connected_to(tag, sender=Post):
            await Post.bulk_create([Post(title="a")])
        post = await Post.get(title="a").prefetch_related("tags")
        assert [each.name for each in post.tags] == ["a"]

    async def test_a_receiver_of_pre_save_may_change_the_instance(self):
        async def shout(sender, instance, **kwargs):
            instance.name = instance.name.upper()

        with pre_save.connected_to(shout):
            await Tag.bulk_create([Tag(name="a"), Tag(name="b")])
        assert {each.name for each in await Tag.all()} == {"A", "B"}

    @pytest.mark.parametrize("signal", [pre_save, post_save])
    async def test_a_receiver_that_raises_leaves_nothing_behind(self, signal):
        with signal.connected_to(refuse), pytest.raises(RefusedError):
            await Post.bulk_create([Post(title="a"), Post(title="b")])
        assert await titles() == []

    async def test_a_row_that_is_refused_leaves_nothing_behind(self, listen):
        heard = listen(post_save)
        with pytest.raises(IntegrityError):
            await Post.bulk_create([Post(title="a"), Post(title="a")])
        assert heard == []
        assert await titles() == []

    async def test_batches_are_kept(self, listen):
        heard = listen(post_save)
        await Tag.bulk_create([Tag(name=name) for name in "abc"], batch_size=2)
        assert len(heard) == 3
        assert await Tag.all().count() == 3

    async def test_instances_may_come_from_a_generator(self, listen):
        heard = listen(post_save)
        await Post.bulk_create(Post(title=title) for title in "ab")
        assert [each.payload.instance.title for each in heard] == ["a", "b"]

    async def test_no_instances_send_nothing(self, listen):
        heard = listen(pre_save, post_save)
        await Post.bulk_create([])
        assert heard == []

    @pytest.mark.parametrize(
        "options",
        [{"ignore_conflicts": True}, {"on_conflict": ["title"], "update_fields": ["stars"]}],
    )
    async def test_where_rows_may_be_there_already_it_is_silent(self, listen, options):
        await Post.create(title="a")
        heard = listen(pre_save, post_save)
        await Post.bulk_create([Post(title="a", stars=5), Post(title="b")], **options)
        assert heard == []
        assert await titles() == ["a", "b"]

    async def test_it_belongs_to_the_transaction_that_is_open(self, listen):
        heard = listen(post_save, on_commit=True)
        async with rolled_back() as connection:
            await Post.bulk_create([Post(title="a")], using_db=connection)
            await Post.bulk_create([Post(title="b")])
        assert await titles() == []
        async with in_transaction("default"):
            await Post.bulk_create([Post(title="c")])
            assert heard == []
        assert [each.payload.instance.title for each in heard] == ["c"]

    async def test_on_commit_receivers_run_when_it_is_committed(self):
        counts = []

        async def count(sender, **kwargs):
            counts.append(await Post.all().using_db(outside).count())

        outside = get_connection("default")
        with post_save.connected_to(count, on_commit=True):
            await Post.bulk_create([Post(title="a"), Post(title="b")])
        assert counts == [2, 2]


@on_all_kinds
class TestDeleting:
    async def test_each_row_sends_both_signals(self, listen, posts):
        heard = listen(pre_delete, post_delete)
        assert await Post.filter(title__in=["a", "b"]).delete() == 2
        assert names(heard) == ["pre_delete", "pre_delete", "post_delete", "post_delete"]
        assert [each.payload.instance for each in heard] == posts[:2] * 2
        assert [each.payload.instance.title for each in heard] == ["a", "b"] * 2
        assert {(each.sender, each.payload.using) for each in heard} == {(Post, "default")}
        assert await titles() == ["c"]

    async def test_pre_delete_comes_before_the_rows_are_gone_and_post_delete_after(self, posts):
        rows = []

        async def count(sender, instance, **kwargs):
            rows.append(await Post.all().count())

        with pre_delete.connected_to(count), post_delete.connected_to(count):
            await Post.all().delete()
        assert rows == [3, 3, 3, 0, 0, 0]

    async def test_a_filter_on_a_relation_finds_its_rows(self, listen, posts):
        tags = [await Tag.create(name=name) for name in "xy"]
        await posts[0].tags.add(*tags)
        await posts[1].tags.add(tags[1])
        heard = listen(post_delete)
        await Post.filter(tags__name__in=["x", "y"]).delete()
        assert [each.payload.instance.title for each in heard] == ["a", "b"]
        assert await titles() == ["c"]

    async def test_a_filter_on_a_count_finds_its_rows(self, listen, posts):
        await posts[0].tags.add(await Tag.create(name="x"))
        heard = listen(post_delete)
        await Post.annotate(number=Count("tags")).filter(number__gt=0).delete()
        assert [each.payload.instance.title for each in heard] == ["a"]
        assert await titles() == ["b", "c"]

    async def test_more_rows_than_a_statement_takes_are_deleted_in_turn(
        self, listen, posts, monkeypatch
    ):
        monkeypatch.setattr(bulk, "MOST_KEYS", 2)
        heard = listen(post_delete)
        assert await Post.all().delete() == 3
        assert len(heard) == 3

    async def test_a_row_that_appears_meanwhile_is_spared(self, listen, posts):
        async def create(sender, **kwargs):
            await Post.get_or_create(title="new")

        with pre_delete.connected_to(create):
            assert await Post.all().delete() == 3
        assert await titles() == ["new"]

    async def test_no_rows_send_nothing(self, listen, posts):
        heard = listen(pre_delete, post_delete)
        assert await Post.filter(title="z").delete() == 0
        assert heard == []

    @pytest.mark.parametrize("signal", [pre_delete, post_delete])
    async def test_a_receiver_that_raises_keeps_every_row(self, signal, posts):
        with signal.connected_to(refuse), pytest.raises(RefusedError):
            await Post.all().delete()
        assert await titles() == ["a", "b", "c"]

    async def test_what_the_database_cascades_is_silent(self, listen, posts):
        await Comment.create(post=posts[0])
        heard = listen(post_delete)
        await Post.all().delete()
        assert {each.sender for each in heard} == {Post}
        assert not await Comment.all().exists()

    async def test_with_a_limit_it_is_silent(self, listen, posts):
        heard = listen(pre_delete, post_delete)
        await Post.all().limit(1).delete()
        assert heard == []

    async def test_it_belongs_to_the_transaction_that_is_open(self, listen, posts):
        heard = listen(post_delete, on_commit=True)
        async with rolled_back() as connection:
            await Post.all().delete()
        assert heard == []
        assert await titles() == ["a", "b", "c"]
        async with in_transaction("default") as connection:
            await Post.filter(title="a").using_db(connection).delete()
            assert heard == []
        assert [each.payload.instance.title for each in heard] == ["a"]


@on_all_kinds
class TestUpdating:
    async def test_each_row_sends_both_signals_with_the_names_of_the_fields(self, listen, posts):
        heard = listen(pre_save, post_save)
        assert await Post.filter(title__in=["a", "b"]).update(stars=1) == 2
        assert names(heard) == ["pre_save", "pre_save", "post_save", "post_save"]
        assert [each.payload.instance for each in heard] == posts[:2] * 2
        assert {each.payload.update_fields for each in heard} == {("stars",)}
        assert [each.payload.created for each in heard[2:]] == [False, False]
        assert {(each.sender, each.payload.using) for each in heard} == {(Post, "default")}

    async def test_pre_save_shows_the_old_row_and_post_save_the_new_one(self, posts):
        stars = []

        async def look(sender, instance, **kwargs):
            stars.append((instance, instance.stars))

        with (
            pre_save.connected_to(look),
            post_save.connected_to(look),
        ):
            await Post.filter(title="a").update(stars=F("stars") + 5)
        assert [number for _, number in stars] == [0, 5]
        assert stars[0][0] is stars[1][0]

    async def test_a_field_whose_column_has_another_name_is_read_again(self, listen):
        await Ticket.create(code="a")
        heard = listen(post_save)
        await Ticket.all().update(text="b")
        assert heard[0].payload.instance.text == "b"
        assert heard[0].payload.update_fields == ("text",)

    async def test_only_its_own_fields_are_written(self, posts):
        async def change(sender, instance, **kwargs):
            instance.title = "changed"
            instance.stars = 9

        with pre_save.connected_to(change):
            await Post.filter(title="a").update(stars=1)
        assert await titles() == ["a", "b", "c"]
        assert await Post.get(title="a").values_list("stars") == (1,)

    async def test_rows_that_it_no_longer_matches_are_heard_after_it(self, listen, posts):
        heard = listen(post_save)
        await Post.filter(title="a").update(title="z")
        assert [each.payload.instance.title for each in heard] == ["z"]

    async def test_a_filter_on_a_relation_finds_its_rows(self, listen, posts):
        await posts[0].tags.add(await Tag.create(name="x"))
        heard = listen(post_save)
        await Post.filter(tags__name="x").update(stars=1)
        assert [each.payload.instance.title for each in heard] == ["a"]
        assert [each.title for each in await Post.filter(stars=1)] == ["a"]

    async def test_rows_are_not_read_again_where_nobody_listens_afterwards(
        self, listen, posts, caplog
    ):
        listen(pre_save)
        caplog.set_level(logging.DEBUG, logger="tortoise.db_client")
        await Post.all().update(stars=1)
        assert statements(caplog) == ["SELECT", "UPDATE"]

    async def test_a_row_that_a_receiver_deletes_sends_no_post_save(self, listen, posts):
        async def delete(sender, instance, **kwargs):
            if instance.title == "a":
                await instance.delete()

        heard = listen(post_save)
        with pre_save.connected_to(delete):
            assert await Post.all().update(stars=1) == 2
        assert [each.payload.instance.title for each in heard] == ["b", "c"]

    @pytest.mark.parametrize("signal", [pre_save, post_save])
    async def test_a_receiver_that_raises_undoes_it(self, signal, posts):
        with signal.connected_to(refuse), pytest.raises(RefusedError):
            await Post.all().update(stars=1)
        assert not await Post.filter(stars=1).exists()

    async def test_what_tortoise_refuses_sends_nothing(self, listen, posts):
        heard = listen(pre_save)
        with pytest.raises(FieldError, match="Unknown keyword argument colour"):
            await Post.all().update(colour="red")
        assert heard == []

    async def test_a_bulk_update_of_instances_is_silent(self, listen, posts):
        heard = listen(*MODEL_SIGNALS)
        posts[0].stars = 7
        assert await Post.bulk_update(posts, fields=["stars"]) == 3
        assert heard == []


async def test_rows_whose_key_is_a_relation_are_updated_and_deleted_too(posts, listen):
    for post in posts:
        await Summary.create(post=post, text="short")
    heard = listen(post_save, post_delete, sender=Summary)
    keys = [post.id for post in posts[:2]]
    assert await Summary.filter(post_id__in=keys).update(text="long") == 2
    assert await Summary.filter(text="long").delete() == 2
    assert names(heard) == ["post_save", "post_save", "post_delete", "post_delete"]
    assert [each.payload.instance.text for each in heard] == ["long"] * 4
    assert [each.text for each in await Summary.all()] == ["short"]


@on_postgres
async def test_rows_that_are_selected_stay_as_they_are_until_the_statement(posts, listen):
    """Another transaction wants to change a row, and has to wait for the end of this one."""
    events: list[str] = []

    async def rival() -> None:
        await Post.filter(title="a").using_db(outside).update(title="z")
        events.append("rival")

    async def compete(sender, instance, **kwargs):
        if instance.title == "a":
            group.create_task(rival())
            await asyncio.sleep(0.2)
            events.append("receiver")

    outside = get_connection("default")
    async with asyncio.TaskGroup() as group:
        with pre_delete.connected_to(compete):
            assert await Post.filter(title__in=["a", "b"]).delete() == 2
    assert events == ["receiver", "rival"]
    assert await titles() == ["c"]
