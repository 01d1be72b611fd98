"""Django: the signals of saving and deleting."""

from __future__ import annotations

import asyncio
import json
import threading
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.core.exceptions import SynchronousOnlyOperation
from django.core.management import call_command
from django.db import connection
from django.db.models import signals
from django.test.utils import CaptureQueriesContext

from fastdjango_signals import post_delete, post_save, pre_delete, pre_save
from fastdjango_signals.integrations import django
from tests.integrations.conftest import Heard, Listen
from tests.integrations.django_site import fixtures, on_a_thread
from tests.integrations.receiving import RefusedError, refuse
from tests.integrations.servers import SQLite

# isort: split
from tests.integrations.django_site.models import Article, Comment, Draft, Note, Post

database, installed, tables = fixtures.database, fixtures.installed, fixtures.tables
pytestmark = pytest.mark.usefixtures("installed")

SAVING = (pre_save, post_save)
DELETING = (pre_delete, post_delete)


def brief(heard: list[Heard]) -> list[tuple[str, object]]:
    return [(each.signal.name.rpartition(".")[2], each.sender) for each in heard]


# --- what is sent ------------------------------------------------------------


def test_a_new_instance_is_announced_before_and_after(listen: Listen) -> None:
    heard = listen(*SAVING)
    note = Note(text="row")
    note.save()
    before, after = (each.payload.model_dump() for each in heard)
    given = {"instance": note, "raw": False, "using": "default", "update_fields": None}
    assert brief(heard) == [("pre_save", Note), ("post_save", Note)]
    assert (before, after) == (given, {**given, "created": True})
    assert all(each.payload.instance is note for each in heard)


def test_a_changed_instance_is_not_created(listen: Listen) -> None:
    note = Note.objects.create(text="row")
    heard = listen(post_save)
    note.save()
    assert [each.payload.created for each in heard] == [False]


def test_update_fields_stay_the_frozen_set_of_django(listen: Listen) -> None:
    note = Note.objects.create(text="row")
    heard, given = listen(*SAVING), []
    receiver = lambda update_fields, **_: given.append(update_fields)  # noqa: E731
    signals.post_save.connect(receiver)
    try:
        note.save(update_fields=["text"])
    finally:
        signals.post_save.disconnect(receiver)
    assert given == [frozenset({"text"})]
    assert heard[1].payload.update_fields is given[0]
    assert heard[0].payload.update_fields == {"text"}


def test_the_database_is_named(listen: Listen) -> None:
    heard = listen(*SAVING, *DELETING)
    note = Note.objects.using("archive").create(text="row")
    note.delete()
    assert [each.payload.using for each in heard] == ["archive"] * 4


def test_a_fixture_is_loaded_raw(listen: Listen, tmp_path: Path) -> None:
    heard = listen(*SAVING)
    row = {"model": "django_site.note", "pk": 7, "fields": {"text": "row"}}
    (tmp_path / "notes.json").write_text(json.dumps([row]))
    call_command("loaddata", str(tmp_path / "notes.json"), verbosity=0)
    assert [(each.payload.raw, each.payload.instance.pk) for each in heard] == [(True, 7)] * 2


async def test_the_async_methods_send(listen: Listen) -> None:
    heard = listen(post_save, post_delete)
    note = await Note.objects.acreate(text="a")
    await note.asave()
    await Note.objects.aget_or_create(text="a")
    await Note.objects.aget_or_create(text="b")
    await Note.objects.aupdate_or_create(text="b", defaults={"text": "c"})
    await note.adelete()
    texts = [(each.payload.instance.text, getattr(each.payload, "created", None)) for each in heard]
    assert texts == [("a", True), ("a", False), ("b", True), ("c", False), ("a", None)]


def test_a_child_of_another_table_is_sent_once(listen: Listen) -> None:
    heard = listen(*SAVING)
    Article.objects.create(title="row")
    assert brief(heard) == [("pre_save", Article), ("post_save", Article)]


def test_a_proxy_is_the_sender(listen: Listen) -> None:
    heard = listen(*SAVING)
    Draft.objects.create(title="row")
    assert brief(heard) == [("pre_save", Draft), ("post_save", Draft)]


def test_receivers_of_a_base_hear_of_its_children_if_they_ask(listen: Listen) -> None:
    exact, all_of_them = (
        listen(post_save, sender=Post),
        listen(post_save, sender=Post, subclasses=True),
    )
    Article.objects.create(title="row")
    assert (brief(exact), brief(all_of_them)) == ([], [("post_save", Article)])


def test_bulk_work_is_silent(listen: Listen) -> None:
    heard = listen(*SAVING, *DELETING)
    notes = Note.objects.bulk_create([Note(text="a"), Note(text="b")])
    Note.objects.bulk_update(notes, ["text"])
    assert Note.objects.update(text="c") == 2
    assert heard == []


def test_each_row_of_a_query_that_deletes_is_announced(listen: Listen) -> None:
    for text in "ab":
        Note.objects.create(text=text)
    heard = listen(*DELETING)
    Note.objects.all().delete()
    told = [(each.signal, each.payload.instance.text) for each in heard]
    assert sorted(told, key=str) == sorted(
        ((signal, text) for signal in DELETING for text in "ab"), key=str
    )


def test_what_django_deletes_with_it_is_announced_too(listen: Listen) -> None:
    post = Post.objects.create(title="post")
    Comment.objects.create(post=post, text="comment")
    heard = listen(*DELETING)
    post.delete()
    assert sorted(brief(heard), key=str) == sorted(
        ((name, model) for name in ("pre_delete", "post_delete") for model in (Comment, Post)),
        key=str,
    )


def test_a_third_party_may_send_fewer_arguments(listen: Listen) -> None:
    heard, note = listen(post_save), Note(text="row")
    signals.post_save.send(Note, instance=note, created=True)
    assert (heard[0].payload.instance is note, heard[0].payload.raw) == (True, False)


# --- where nobody listens ----------------------------------------------------


def statements_to_delete() -> list[str]:
    Note.objects.create(text="row")
    with CaptureQueriesContext(connection) as queries:
        Note.objects.all().delete()
    verbs = [query["sql"].split()[0] for query in queries.captured_queries]
    return [verb for verb in verbs if verb not in ("BEGIN", "COMMIT")]


def test_rows_are_deleted_by_one_statement_where_nobody_listens(listen: Listen) -> None:
    listen(*DELETING, sender=Post)
    assert statements_to_delete() == ["DELETE"]
    listen(pre_delete, sender=Note)
    assert statements_to_delete() == ["SELECT", "DELETE"]


def test_receivers_of_django_still_count_as_listeners() -> None:
    assert not signals.pre_delete.has_listeners(Note)
    receiver = lambda **_: None  # noqa: E731
    signals.pre_delete.connect(receiver, sender=Note)
    try:
        assert signals.pre_delete.has_listeners(Note)
        assert not signals.pre_delete.has_listeners(Post)
    finally:
        signals.pre_delete.disconnect(receiver, sender=Note)


async def test_a_save_on_the_loop_fails_as_django_says_where_nobody_listens() -> None:
    with pytest.raises(SynchronousOnlyOperation) as caught:
        Note(text="row").save()
    assert not isinstance(caught.value, django.SyncCodeError)


# --- failures ----------------------------------------------------------------


def test_a_failure_before_the_save_prevents_it(installed: SQLite) -> None:
    with pre_save.connected_to(refuse), pytest.raises(RefusedError):
        Note.objects.create(text="row")
    assert installed.texts() == []


def test_a_failure_after_the_save_comes_out_of_it(installed: SQLite) -> None:
    with post_save.connected_to(refuse), pytest.raises(RefusedError) as caught:
        Note.objects.create(text="row")
    assert installed.texts() == ["row"]
    assert any("refuse" in note for note in caught.value.__notes__)


def test_a_failure_ends_the_receivers_of_django_too() -> None:
    called: list[str] = []
    receivers = [lambda name=name, **_: called.append(name) for name in ("before", "after")]
    django.uninstall()
    signals.pre_save.connect(receivers[0])
    django.install()
    signals.pre_save.connect(receivers[1])
    try:
        with pre_save.connected_to(refuse), pytest.raises(RefusedError):
            Note.objects.create(text="row")
    finally:
        for receiver in receivers:
            signals.pre_save.disconnect(receiver)
    assert called == ["before"]


async def test_a_save_on_the_loop_is_refused_where_somebody_listens(
    installed: SQLite, listen: Listen
) -> None:
    heard = listen(pre_save)
    with pytest.raises(django.SyncCodeError) as caught:
        Note(text="secret").save()
    assert str(caught.value) == (
        "the receivers of fastdjango_signals.pre_save for "
        "tests.integrations.django_site.models.Note cannot be awaited here: this thread runs an "
        "event loop, and is in synchronous code of Django; await the async method instead (asave, "
        "acreate, adelete, aset, alogin), or call the code with asgiref.sync.sync_to_async"
    )
    assert isinstance(caught.value, SynchronousOnlyOperation)
    assert caught.value.signal == "fastdjango_signals.pre_save"
    assert (heard, installed.texts()) == ([], [])


async def test_a_cancelled_save_ends_the_receiver_and_saves_nothing(installed: SQLite) -> None:
    started, ended = asyncio.Event(), []

    async def wait(sender: object, **_: object) -> None:
        started.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            ended.append("receiver")
            raise

    with pre_save.connected_to(wait):
        task = asyncio.ensure_future(on_a_thread(Note(text="row").asave))
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert ended == ["receiver"]
    assert installed.texts() == []


# --- loops and threads -------------------------------------------------------


async def test_receivers_run_on_the_loop_that_called_the_save() -> None:
    loops: list[object] = []

    async def note_loop(sender: object, **_: object) -> None:
        loops.append((asyncio.get_running_loop(), threading.get_ident()))

    with post_save.connected_to(note_loop):
        await Note.objects.acreate(text="a")
        await sync_to_async(Note.objects.create)(text="b")
    assert loops == [(asyncio.get_running_loop(), threading.get_ident())] * 2


def test_synchronous_code_needs_no_loop(installed: SQLite) -> None:
    loops: set[object] = set()

    async def write(sender: object, instance: Note, **_: object) -> None:
        loops.add(asyncio.get_running_loop())
        if instance.text == "row":
            await Note.objects.acreate(text="about row")

    with post_save.connected_to(write):
        Note.objects.create(text="row")
    assert installed.texts() == ["about row", "row"]
    assert all(loop.is_closed() for loop in loops)  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", ["sync", "async"])
async def test_context_variables_flow_both_ways(kind: str) -> None:
    variable: ContextVar[str] = ContextVar("variable", default="")

    async def append(sender: object, **_: object) -> None:
        variable.set(variable.get() + "!")

    def save() -> str:
        variable.set("sync")
        Note.objects.create(text="row")
        return variable.get()

    with post_save.connected_to(append):
        if kind == "sync":
            assert await asyncio.to_thread(_closing(save)) == "sync!"
        else:
            variable.set("async")
            await Note.objects.acreate(text="row")
            assert variable.get() == "async!"


def _closing(work: Any) -> Any:
    from tests.integrations.django_site import forget_connections

    def close_after() -> Any:
        try:
            return work()
        finally:
            forget_connections()

    return close_after


def test_threads_do_not_get_into_one_anothers_way(installed: SQLite) -> None:
    heard: list[tuple[str, int]] = []
    barrier = threading.Barrier(8)

    async def hear(sender: object, instance: Note, **_: object) -> None:
        await asyncio.sleep(0)
        heard.append((instance.text, await sync_to_async(threading.get_ident)()))

    saved: list[tuple[str, int]] = []

    def save(number: int) -> None:
        barrier.wait()
        for step in range(3):
            text = f"{number}.{step}"
            Note.objects.create(text=text)
            saved.append((text, threading.get_ident()))

    with post_save.connected_to(hear):
        workers = [
            threading.Thread(target=_closing(lambda n=n: save(n)), daemon=True) for n in range(8)
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(60)
    assert len(heard) == 24
    assert sorted(heard) == sorted(saved)
    assert installed.texts() == sorted(text for text, _ in saved)


async def test_many_tasks_save_at_once(installed: SQLite, listen: Listen) -> None:
    heard = listen(post_save)
    texts = [f"{number:02}" for number in range(30)]
    async with asyncio.timeout(60):
        await asyncio.gather(*(on_a_thread(Note(text=text).asave) for text in texts))
    assert sorted(each.payload.instance.text for each in heard) == texts == installed.texts()


async def test_a_receiver_that_saves_on_the_loop_thread_is_told_so() -> None:
    async def save(sender: object, instance: Note, **_: object) -> None:
        if instance.text == "row":
            Note(text="about row").save()

    async with asyncio.timeout(10):
        with post_save.connected_to(save), pytest.raises(SynchronousOnlyOperation):
            await Note.objects.acreate(text="row")
