"""`fastdjango.core.signals`, with and without a FastDjango of its own.

Each case runs in an interpreter of its own, since it changes what can be imported.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


def run(script: str, folder: Path) -> None:
    subprocess.run([sys.executable, "-W", "error", "-c", script], cwd=folder, check=True)


@pytest.fixture
def with_fastdjango(tmp_path: Path) -> Path:
    """A folder from which a stand-in for FastDjango can be imported."""
    core = tmp_path / "fastdjango" / "core"
    core.mkdir(parents=True)
    (tmp_path / "fastdjango" / "__init__.py").write_text("theirs = True\n")
    (core / "__init__.py").write_text("from fastdjango.core.signals import post_save\n")
    (core / "signals.py").write_text("post_save = object()\n")
    (core / "models.py").write_text("class Model: pass\n")
    return tmp_path


SAME_OBJECTS = """
import fastdjango_signals
fastdjango_signals.install()
fastdjango_signals.install()

import fastdjango.core
import fastdjango.core.signals as served
for name in fastdjango_signals.__all__:
    assert getattr(served, name) is getattr(fastdjango_signals, name), name
assert sorted(served.__all__) == sorted(fastdjango_signals.__all__)
assert fastdjango.core.signals is served

from fastdjango.core.signals import Signal, post_save
from fastdjango.core.signals import *
assert post_save is fastdjango_signals.post_save
fastdjango_signals.install()
"""


def test_the_documented_path_gives_these_objects(tmp_path: Path) -> None:
    run(SAME_OBJECTS, tmp_path)


def test_it_does_so_where_fastdjango_is_installed_and_leaves_the_rest(
    with_fastdjango: Path,
) -> None:
    more = """
import fastdjango.core, fastdjango.core.models
assert fastdjango.theirs
assert fastdjango.core.post_save is post_save
assert fastdjango.core.models.Model
"""
    run(SAME_OBJECTS + more, with_fastdjango)


def test_nothing_is_served_before_install(tmp_path: Path) -> None:
    script = """
import fastdjango_signals
try:
    import fastdjango.core.signals
except ModuleNotFoundError as error:
    assert error.name == "fastdjango"
else:
    raise SystemExit("found")
"""
    run(script, tmp_path)


def test_only_the_documented_module_is_served(tmp_path: Path) -> None:
    script = """
import fastdjango_signals
fastdjango_signals.install()
for name in ("fastdjango.core.models", "fastdjango.contrib", "fastdj"):
    try:
        __import__(name)
    except ModuleNotFoundError:
        pass
    else:
        raise SystemExit(name)
"""
    run(script, tmp_path)


def test_called_too_late_it_raises_and_says_what_to_do(with_fastdjango: Path) -> None:
    script = """
import sys
from fastdjango.core.signals import post_save
import fastdjango_signals
finders = list(sys.meta_path)
try:
    fastdjango_signals.install()
except fastdjango_signals.InstallError as error:
    assert isinstance(error, RuntimeError)
    assert "fastdjango.core.signals is already imported (from" in str(error)
    assert "signals.py" in str(error)
    assert "call fastdjango_signals.install() first" in str(error)
else:
    raise SystemExit("no error")
assert sys.meta_path == finders
"""
    run(script, with_fastdjango)


def test_the_documented_names_are_all_there() -> None:
    import fastdjango_signals

    documented = {
        "Signal",
        "pre_save",
        "post_save",
        "pre_delete",
        "post_delete",
        "m2m_changed",
        "request_started",
        "request_finished",
        "user_logged_in",
        "user_logged_out",
        "user_login_failed",
    }
    assert documented <= set(fastdjango_signals.__all__)


def test_the_loaders_in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same as above where its lines can be counted."""
    import fastdjango_signals
    from fastdjango_signals.install import PATH

    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    for name in (PATH, "fastdjango.core", "fastdjango"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    try:
        fastdjango_signals.install()
        fastdjango_signals.install()
        served = __import__(PATH, fromlist=["post_save"])
        assert served.post_save is fastdjango_signals.post_save
        monkeypatch.setitem(sys.modules, PATH, pytest)
        with pytest.raises(fastdjango_signals.InstallError):
            fastdjango_signals.install()
    finally:
        for name in ("fastdjango.core", "fastdjango"):
            sys.modules.pop(name, None)
