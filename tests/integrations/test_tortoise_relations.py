from __future__ import annotations

import logging
from uuid import uuid4

import pytest
from tortoise import fields
from tortoise.exceptions import OperationalError
from tortoise.models import Model

from fastdjango_signals import SignalOptionError, m2m_changed
from fastdjango_signals.integrations import tortoise
from fastdjango_signals.integrations.tortoise import Through
from tests.integrations import tortoise_models
from tests.integrations.receiving import RefusedError, refuse
from tests.integrations.tortoise_models import (
    Friend,
    Post,
    Tag,
    rolled_back,
)

database, installed = tortoise_models.database, tortoise_models.installed  # fixtures
kind, places = tortoise_models.kind, tortoise_models.places


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
