from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tortoise.connection import get_connection
from tortoise.exceptions import IntegrityError, OperationalError
from tortoise.expressions import F
from tortoise.models import Model
from tortoise.signals import Signals
from tortoise.transactions import in_transaction

from fastdjango_signals import post_delete, post_save, pre_delete, pre_save
from tests.integrations import tortoise_models
from tests.integrations.receiving import RefusedError, names, refuse
from tests.integrations.tortoise_models import (
    MODEL_SIGNALS,
    Comment,
    Dated,
    Log,
    Post,
)

database, installed = tortoise_models.database, tortoise_models.installed  # fixtures
kind, places = tortoise_models.kind, tortoise_models.places


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
        with pytest.raises(OperationalError, match=r"no such table|does not exist"):
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
