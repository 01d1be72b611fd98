from __future__ import annotations

import pytest
from sqlalchemy import insert, select
from sqlalchemy.orm import selectinload
from sqlmodel.ext.asyncio.session import AsyncSession as SQLModelSession

from fastdjango_signals import SignalOptionError, m2m_changed, post_save, pre_save
from fastdjango_signals.integrations.sqlalchemy import Through
from tests.integrations import sqlalchemy_models
from tests.integrations.receiving import RefusedError, refuse
from tests.integrations.sqlalchemy_models import (
    Comment,
    Employee,
    Hero,
    Log,
    Person,
    Post,
    Seat,
    Tag,
    Team,
    on_sqlite,
    post_tags,
    statements,
)

database, factory = sqlalchemy_models.database, sqlalchemy_models.factory  # fixtures
installed, session = sqlalchemy_models.installed, sqlalchemy_models.session
kind, place = sqlalchemy_models.kind, sqlalchemy_models.place


def told(heard):
    return [(each.payload.action, each.payload.pk_set) for each in heard]


@pytest.fixture
async def post(session):
    """Give a post with a tag, and two more tags; they have the primary keys 1, 2 and 3."""
    one, two, three = (Tag(id=key, name=str(key)) for key in (1, 2, 3))
    session.add_all([post := Post(id=1, title="a", tags=[one]), two, three])
    await session.commit()
    return post


async def tags(session):
    return (await session.scalars(select(Tag).options(selectinload(Tag.posts)))).all()


@on_sqlite
class TestChanging:
    async def test_adding_sends_both_signals(self, session, post, listen):
        _, two, three = await tags(session)
        heard = listen(m2m_changed, sender=Through(Post, "tags"))
        post.tags += [two, three]
        await session.flush()
        assert told(heard) == [("pre_add", {2, 3}), ("post_add", {2, 3})]
        assert all(each.payload.instance is post for each in heard)
        assert {(each.payload.model, each.payload.reverse) for each in heard} == {(Tag, False)}
        assert {each.payload.using for each in heard} == {"default"}
        assert heard[0].payload.pk_set is not heard[1].payload.pk_set

    async def test_the_signals_come_before_and_after_the_rows(self, session, post):
        rows = []

        async def look(sender, **kwargs):
            rows.append(len((await session.execute(select(post_tags))).all()))

        _, two, _ = await tags(session)
        with m2m_changed.connected_to(look):
            post.tags.append(two)
            await session.flush()
        assert rows == [1, 2]

    async def test_removing_sends_both_signals(self, session, post, listen):
        heard = listen(m2m_changed)
        post.tags.clear()
        await session.flush()
        assert told(heard) == [("pre_remove", {1}), ("post_remove", {1})]

    async def test_replacing_tells_what_goes_before_what_comes(self, session, post, listen):
        one, two, three = await tags(session)
        post.tags.append(two)
        await session.flush()
        heard = listen(m2m_changed)
        post.tags = [three, two]
        await session.flush()
        assert told(heard) == [
            ("pre_remove", {1}),
            ("pre_add", {3}),
            ("post_remove", {1}),
            ("post_add", {3}),
        ]
        assert one not in post.tags

    async def test_a_pair_is_told_once_and_from_the_near_side(self, session, post, listen):
        one, two, _ = await tags(session)
        heard = listen(m2m_changed)
        two.posts.append(post)
        one.posts.remove(post)
        await session.flush()
        assert told(heard) == [
            ("pre_remove", {1}),
            ("pre_add", {2}),
            ("post_remove", {1}),
            ("post_add", {2}),
        ]
        assert all(each.payload.instance is post for each in heard)
        assert {(each.payload.model, each.payload.reverse) for each in heard} == {(Tag, False)}

    async def test_the_far_side_alone_tells_too(self, session, post, listen):
        session.expire(post, ["tags"])
        _, two, _ = await tags(session)
        heard = listen(m2m_changed, sender=Through(Post, "tags"))
        two.posts.append(post)
        await session.flush()
        assert told(heard) == [("pre_add", {2}), ("post_add", {2})]
        assert all(each.payload.instance is post for each in heard)

    async def test_what_has_not_changed_in_the_end_is_not_told(self, session, post, listen):
        _, two, _ = await tags(session)
        heard = listen(m2m_changed)
        post.tags.append(two)
        post.tags.remove(two)
        await session.flush()
        assert heard == []

    async def test_keys_that_the_database_gives_are_told_after(self, session, installed, listen):
        heard = listen(m2m_changed)
        session.add(Post(title="a", tags=[tag := Tag(name="new"), Tag(id=7, name="known")]))
        await session.flush()
        assert told(heard) == [("pre_add", {7}), ("post_add", {7, tag.id})]

    async def test_keys_of_expired_instances_are_told_and_nothing_is_loaded(
        self, session, database, post
    ):
        _, two, _ = await tags(session)
        loaded = []

        async def look(sender, pk_set, **kwargs):
            loaded.append((pk_set, len(found)))

        post.tags.append(two)
        session.expire(two, ["id", "name"])
        with statements(database) as found, m2m_changed.connected_to(look):
            await session.flush()
        assert loaded[0] == ({2}, 0)

    async def test_a_relation_that_is_only_for_reading_tells_nothing(self, session, post, listen):
        _, two, _ = await tags(session)
        await session.refresh(post, ["seen_tags"])
        heard = listen(m2m_changed)
        post.seen_tags.append(two)
        await session.flush()
        assert heard == []

    async def test_relations_are_told_between_the_saves(self, session, installed, listen):
        heard = listen(pre_save, m2m_changed, post_save)
        session.add(Post(title="a", tags=[Tag(name="new")]))
        await session.flush()
        kinds = [each.signal.name.rpartition(".")[2] for each in heard]
        assert kinds == ["pre_save"] * 2 + ["m2m_changed"] + ["post_save"] * 2 + ["m2m_changed"]

    async def test_what_receivers_add_is_told_without_what_was_told(self, session, post, listen):
        _, two, three = await tags(session)
        heard = listen(m2m_changed)

        async def add(sender, instance, action, **kwargs):
            if action == "pre_add" and three not in instance.tags:
                instance.tags.append(three)

        post.tags.append(two)
        with m2m_changed.connected_to(add):
            await session.flush()
        assert told(heard) == [("pre_add", {2}), ("pre_add", {3}), ("post_add", {2, 3})]

    async def test_what_receivers_of_m2m_changed_save_is_announced(self, session, post, listen):
        heard = listen(pre_save, sender=Log)

        async def log(sender, action, **kwargs):
            if action == "pre_remove":
                session.add(Log(text=action))

        post.tags.clear()
        with m2m_changed.connected_to(log):
            await session.flush()
        assert len(heard) == 1

    async def test_an_exception_before_leaves_the_relation(self, session, post, factory):
        post.tags.clear()
        with m2m_changed.connected_to(refuse), pytest.raises(RefusedError):
            await session.commit()
        await session.rollback()
        assert len((await session.execute(select(post_tags))).all()) == 1

    async def test_deleting_an_instance_tells_nothing_of_its_relations(self, session, post, listen):
        heard = listen(m2m_changed)
        await session.delete(post)
        await session.flush()
        assert heard == []
        assert (await session.execute(select(post_tags))).all() == []

    async def test_statements_tell_nothing(self, session, post, listen):
        heard = listen(m2m_changed)
        await session.execute(insert(post_tags).values(post_id=1, tag_id=2))
        assert heard == []

    async def test_receivers_wait_for_the_commit(self, session, post, listen):
        heard = listen(m2m_changed, on_commit=True)
        _, two, _ = await tags(session)
        post.tags.append(two)
        await session.flush()
        assert heard == []
        await session.commit()
        assert told(heard) == [("pre_add", {2}), ("post_add", {2})]

    async def test_friends_of_one_table_are_told_from_one_side(self, session, installed, listen):
        ada, bob = Person(id=1, name="Ada"), Person(id=2, name="Bob")
        session.add_all([ada, bob])
        heard = listen(m2m_changed, sender=Through(Person, "friends"))
        bob.friend_of.append(ada)
        await session.flush()
        assert told(heard) == [("pre_add", {2}), ("post_add", {2})]
        assert all(each.payload.instance is ada for each in heard)

    async def test_a_relation_of_one_side_that_is_never_loaded_is_told(
        self, session, post, installed, listen
    ):
        session.add(ada := Employee(id=5, name="Ada", job="engineer"))
        await session.flush()
        heard = listen(m2m_changed, sender=Through(Person, "liked"))
        ada.liked.add(post)
        await session.flush()
        assert told(heard) == [("pre_add", {1}), ("post_add", {1})]
        assert heard[0].payload.instance is ada

    async def test_relations_of_sqlmodel_are_told(self, database, installed, listen):
        heard = listen(m2m_changed, sender=Through(Hero, "teams"))
        async with SQLModelSession(database) as session:
            session.add(Hero(id=1, name="Ada", teams=[Team(id=4, name="Engines")]))
            await session.commit()
        assert told(heard) == [("pre_add", {4}), ("post_add", {4})]
        assert heard[0].payload.model is Team


class TestThrough:
    def test_both_sides_are_the_same_sender(self):
        assert Through(Post, "tags") == Through(Tag, "posts")
        assert hash(Through(Post, "tags")) == hash(Through(Tag, "posts"))
        assert str(Through(Tag, "posts")) == "Post.tags"
        assert Through(Person, "friend_of") == Through(Person, "friends")
        assert Through(Hero, "teams") == Through(Team, "heroes")

    def test_another_relation_is_another_sender(self):
        assert Through(Person, "liked") != Through(Person, "friends")

    def test_a_subclass_has_the_relation_of_its_base(self):
        assert Through(Employee, "friends") == Through(Person, "friends")

    @pytest.mark.parametrize(
        ("model", "field"),
        [
            (Post, "comments"),
            (Post, "seen_tags"),
            (Post, "title"),
            (Post, "nothing"),
            (Comment, "tags"),
            (dict, "tags"),
        ],
    )
    def test_what_is_no_such_relation_is_refused(self, model, field):
        with pytest.raises(SignalOptionError, match=f'{model.__name__} has no .* "{field}"'):
            Through(model, field)

    def test_keys_of_several_columns_are_tuples(self):
        from fastdjango_signals.integrations.sqlalchemy.relations import Change

        seats = [Seat(row="A", number=1), Seat(row="A"), Seat(number=2)]
        change = Change(Through(Post, "tags"), None, added=True, others=seats)
        assert change.primary_keys() == {("A", 1)}
