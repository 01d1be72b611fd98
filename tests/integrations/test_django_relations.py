"""Django: the signal of many-to-many relations."""

from __future__ import annotations

import pytest
from django.db import connection
from django.db.models import signals
from django.test.utils import CaptureQueriesContext

from fastdjango_signals import m2m_changed
from tests.integrations.conftest import Heard, Listen
from tests.integrations.django_site import fixtures

# isort: split
from tests.integrations.django_site.models import Post, Tag

database, installed, tables = fixtures.database, fixtures.installed, fixtures.tables
pytestmark = pytest.mark.usefixtures("installed")


def brief(heard: list[Heard]) -> list[tuple[str, object]]:
    return [(each.payload.action, each.payload.pk_set) for each in heard]


@pytest.fixture
def post() -> Post:
    created: Post = Post.objects.create(title="post")
    return created


@pytest.fixture
def tags() -> list[Tag]:
    return [Tag.objects.create(name=name) for name in "abc"]


def test_a_relation_tells_what_django_tells(listen: Listen, post: Post, tags: list[Tag]) -> None:
    heard = listen(m2m_changed)
    post.tags.add(tags[0])
    before, after = heard
    assert before.sender is after.sender is Post.tags.through
    assert before.payload.model_dump() == {
        "instance": post,
        "action": "pre_add",
        "reverse": False,
        "model": Tag,
        "pk_set": {tags[0].pk},
        "using": "default",
    }
    assert before.payload.instance is after.payload.instance is post
    assert after.payload.action == "post_add"


def test_the_far_side_is_the_reverse(listen: Listen, post: Post, tags: list[Tag]) -> None:
    heard = listen(m2m_changed, sender=Post.tags.through)
    tags[0].posts.add(post)
    for each in heard:
        assert (each.payload.instance, each.payload.reverse) == (tags[0], True)
        assert (each.payload.model, each.payload.pk_set) == (Post, {post.pk})
    assert len(heard) == 2


def test_every_action_is_sent(listen: Listen, post: Post, tags: list[Tag]) -> None:
    heard = listen(m2m_changed)
    first, second, third = (tag.pk for tag in tags)
    post.tags.add(*tags[:2])
    post.tags.remove(tags[0])
    post.tags.set([tags[2]])
    post.tags.clear()
    assert brief(heard) == [
        ("pre_add", {first, second}),
        ("post_add", {first, second}),
        ("pre_remove", {first}),
        ("post_remove", {first}),
        ("pre_remove", {second}),
        ("post_remove", {second}),
        ("pre_add", {third}),
        ("post_add", {third}),
        ("pre_clear", None),
        ("post_clear", None),
    ]


async def test_the_async_methods_send(listen: Listen) -> None:
    post = await Post.objects.acreate(title="post")
    tag = await Tag.objects.acreate(name="a")
    heard = listen(m2m_changed)
    await post.tags.aset([tag])
    await post.tags.aclear()
    actions = ["pre_add", "post_add", "pre_clear", "post_clear"]
    assert [each.payload.action for each in heard] == actions


def test_only_rows_that_are_new_are_added(listen: Listen, post: Post, tags: list[Tag]) -> None:
    post.tags.add(tags[0])
    heard = listen(m2m_changed)
    post.tags.add(*tags[:2])
    assert brief(heard) == [("pre_add", {tags[1].pk}), ("post_add", {tags[1].pk})]


def test_two_relations_of_a_model_have_two_senders(listen: Listen, post: Post) -> None:
    of_tags = listen(m2m_changed, sender=Post.tags.through)
    of_readers = listen(m2m_changed, sender=Post.readers.through)
    post.readers.add(post)
    assert (of_tags, len(of_readers)) == ([], 2)


def test_what_newer_versions_add_is_left_out(listen: Listen, post: Post) -> None:
    heard = listen(m2m_changed)
    signals.m2m_changed.send(
        Post.tags.through,
        instance=post,
        action="pre_clear",
        reverse=False,
        model=Tag,
        pk_set=None,
        using="default",
        raw=True,
    )
    assert brief(heard) == [("pre_clear", None)]


def test_rows_are_added_without_a_look_where_nobody_listens(
    listen: Listen, post: Post, tags: list[Tag]
) -> None:
    listen(m2m_changed, sender=Post.readers.through)

    def statements(tag: Tag) -> list[str]:
        with CaptureQueriesContext(connection) as queries:
            post.tags.add(tag)
        verbs = [query["sql"].split()[0] for query in queries.captured_queries]
        return [verb for verb in verbs if verb in ("SELECT", "INSERT")]

    assert statements(tags[0]) == ["INSERT"]
    listen(m2m_changed, sender=Post.tags.through)
    assert statements(tags[1]) == ["SELECT", "INSERT"]
