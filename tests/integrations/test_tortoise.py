from __future__ import annotations

import importlib
import sys
from typing import Any

import pytest
from tortoise.models import Model
from tortoise.signals import Signals
from tortoise.transactions import in_transaction

from fastdjango_signals import InstallError, SignalOptionError, extras, post_save
from fastdjango_signals.integrations import tortoise
from tests.integrations import tortoise_models
from tests.integrations.receiving import names, noted
from tests.integrations.tortoise_models import (
    MODEL_SIGNALS,
    Dated,
    Log,
    Post,
    on_sqlite,
)

database, installed = tortoise_models.database, tortoise_models.installed  # fixtures
kind, places = tortoise_models.kind, tortoise_models.places


def methods_of_tortoise() -> dict[type, dict[str, Any]]:
    return {patch.owner: dict(vars(patch.owner)) for patch in tortoise._patches._patches}


@on_sqlite
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
        before = methods_of_tortoise()
        tortoise.install(bulk=True)
        changed = methods_of_tortoise()
        assert all(changed[owner] != before[owner] for owner in before)
        tortoise.uninstall()
        assert methods_of_tortoise() == before

    @pytest.mark.parametrize("version", ["0.25.4", "1.0.9", "2.0.0"])
    async def test_another_version_of_tortoise_is_refused_and_nothing_changed(
        self, version, monkeypatch, listen
    ):
        before = methods_of_tortoise()
        monkeypatch.setattr(extras, "version", lambda distribution: version)
        with pytest.raises(InstallError) as caught:
            tortoise.install()
        assert str(caught.value) == (
            f"tortoise-orm {version} is installed, and this integration is made for versions "
            'from 1.1 and below 2.0; install one of them: pip install "tortoise-orm>=1.1,<2.0"'
        )
        assert methods_of_tortoise() == before
        heard = listen(post_save)
        await Post.create(title="a")
        assert heard == []

    async def test_uninstalling_a_model_that_is_named_twice_is_harmless(self, listen):
        tortoise.install(Post, Log)
        tortoise.uninstall(Post, Post)
        heard = listen(post_save)
        await Post.create(title="a")
        assert heard == []

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
