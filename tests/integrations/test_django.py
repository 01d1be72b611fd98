"""Django: to install the integration, and to take it back."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth import signals as user_signals
from django.core import signals as request_signals
from django.db.models import signals as model_signals
from django.db.transaction import Atomic
from django.http.response import HttpResponseBase

from fastdjango_signals import InstallError, SignalOptionError, m2m_changed, post_save, transactions
from fastdjango_signals import extras as extras_module
from fastdjango_signals.integrations import django
from tests.integrations.conftest import Listen
from tests.integrations.django_site import fixtures

# isort: split
from tests.integrations.django_site.models import Article, Comment, Draft, Note, Post, Tag

database, tables = fixtures.database, fixtures.tables

SIGNALS = (
    *(getattr(model_signals, name) for name in ("pre_save", "post_save", "pre_delete")),
    *(getattr(model_signals, name) for name in ("post_delete", "m2m_changed")),
    *(getattr(request_signals, name) for name in ("request_started", "request_finished")),
    *(getattr(user_signals, name) for name in ("user_logged_in", "user_logged_out")),
    user_signals.user_login_failed,
)


@pytest.fixture(autouse=True)
def _uninstalled(database: object) -> Iterator[None]:
    yield
    django.uninstall()


def state() -> list[Any]:
    """Return all that `install` changes."""
    methods = [vars(Atomic)["__enter__"], vars(Atomic)["__exit__"], vars(HttpResponseBase)["close"]]
    of_signals = [
        {name: value for name, value in vars(signal).items() if "cache" not in name}
        for signal in SIGNALS
    ]
    backends = list(transactions._backends)
    return [
        *methods,
        *({**each, "receivers": list(each["receivers"])} for each in of_signals),
        backends,
    ]


def test_uninstall_leaves_django_as_it_was() -> None:
    before = state()
    django.install()
    changed = state()
    assert all(one != other for one, other in zip(before, changed, strict=True))
    django.uninstall()
    assert state() == before


def test_installing_twice_changes_nothing() -> None:
    before = state()
    django.install()
    once = state()
    django.install()
    assert state() == once
    django.uninstall()
    assert state() == before


def test_uninstalling_twice_changes_nothing() -> None:
    before = state()
    django.uninstall()
    assert state() == before


def test_nothing_is_sent_before_and_after(listen: Listen) -> None:
    heard = listen(post_save)
    Note.objects.create(text="before")
    django.install()
    django.uninstall()
    Note.objects.create(text="after")
    assert heard == []


def test_chosen_models_and_what_inherits_from_them_send(listen: Listen) -> None:
    django.install(Post)
    heard = listen(post_save)
    post = Post.objects.create(title="post")
    for model in (Article, Draft):
        model.objects.create(title="row")
    Comment.objects.create(post=post, text="comment")
    assert [each.sender for each in heard] == [Post, Article, Draft]


def test_a_relation_sends_if_one_of_its_sides_is_chosen(listen: Listen) -> None:
    post, tag = Post.objects.create(title="post"), Tag.objects.create(name="tag")
    heard = listen(m2m_changed)
    django.install(Tag)
    post.tags.add(tag)
    tag.posts.clear()
    post.readers.add(post)
    assert [each.payload.action for each in heard] == [
        "pre_add",
        "post_add",
        "pre_clear",
        "post_clear",
    ]


def test_a_relation_may_be_chosen_itself(listen: Listen) -> None:
    post = Post.objects.create(title="post")
    heard = listen(m2m_changed)
    django.install(Post.tags.through)
    post.tags.clear()
    post.readers.clear()
    assert [each.sender for each in heard] == [Post.tags.through] * 2


def test_installs_add_up_and_are_taken_back_alone(listen: Listen) -> None:
    before = state()
    heard = listen(post_save)
    django.install(Note)
    django.install(Tag)
    django.uninstall(Note, Note)
    Note.objects.create(text="note")
    Tag.objects.create(name="tag")
    assert [each.sender for each in heard] == [Tag]
    django.uninstall(Tag)
    assert state() == before


def test_what_is_no_model_is_refused() -> None:
    before = state()
    with pytest.raises(SignalOptionError) as caught:
        django.install(Note, str)
    assert str(caught.value) == "install() is given builtins.str, which is no Django model class"
    with pytest.raises(SignalOptionError, match="Note object>, which is no Django model class"):
        django.install(Note(text="secret"))
    assert state() == before


def test_only_what_was_installed_can_be_taken_back() -> None:
    django.install()
    with pytest.raises(SignalOptionError) as caught:
        django.uninstall(Note)
    assert str(caught.value) == (
        "uninstall() is given tests.integrations.django_site.models.Note, which install() was "
        "not; take back what was installed, or call uninstall() for everything"
    )


@pytest.mark.parametrize("version", ["5.1.9", "7.0", "7.1rc1"])
def test_another_version_is_refused(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    monkeypatch.setattr(extras_module, "version", lambda _: version)
    before = state()
    with pytest.raises(InstallError, match=rf"django {version} is installed.*from 5\.2 and below"):
        django.install()
    assert state() == before


def test_it_says_what_to_install_where_django_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(sys.modules):
        if name.startswith("fastdjango_signals.integrations.django"):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "django.db.models", None)
    with pytest.raises(ImportError, match=r'pip install "fastdjango-signals\[django\]"'):
        __import__("fastdjango_signals.integrations.django")
