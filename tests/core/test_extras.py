"""What the integrations say when their library is missing, or is of another version."""

from __future__ import annotations

import importlib

import pytest

from fastdjango_signals import InstallError, SignalOptionError, extras
from fastdjango_signals.extras import check_installed, check_models, check_version, needs


def test_a_missing_library_names_the_extra_that_brings_it() -> None:
    with pytest.raises(ImportError) as caught, needs("no_such_library", extra="nothing"):
        importlib.import_module("no_such_library.inner")
    assert str(caught.value) == (
        "this integration needs no_such_library; "
        'install it with: pip install "fastdjango-signals[nothing]"'
    )
    assert isinstance(caught.value.__cause__, ModuleNotFoundError)
    assert caught.value.name == "no_such_library"


def test_an_import_that_fails_inside_the_library_comes_out_unchanged() -> None:
    with pytest.raises(ModuleNotFoundError) as caught, needs("a_library", extra="nothing"):
        importlib.import_module("no_such_library")
    assert str(caught.value) == "No module named 'no_such_library'"


def test_an_import_error_without_a_name_comes_out_unchanged() -> None:
    with pytest.raises(ImportError, match=r"^broken$"), needs("a_library", extra="nothing"):
        raise ImportError("broken")


@pytest.mark.parametrize("installed", ["1.1", "1.1.9", "1.2rc1", "1.10.0+local"])
def test_a_version_in_between_will_do(monkeypatch: pytest.MonkeyPatch, installed: str) -> None:
    monkeypatch.setattr(extras, "version", lambda _: installed)
    check_version("a-library", (1, 1), (2, 0))


@pytest.mark.parametrize("installed", ["1.0.9", "0.30", "2.0", "2.0b1", "10.1"])
def test_any_other_version_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, installed: str
) -> None:
    monkeypatch.setattr(extras, "version", lambda _: installed)
    with pytest.raises(InstallError) as caught:
        check_version("a-library", (1, 1), (2, 0))
    assert str(caught.value) == (
        f"a-library {installed} is installed, and this integration is made for versions from 1.1 "
        'and below 2.0; install one of them: pip install "a-library>=1.1,<2.0"'
    )


class Base: ...


class Model(Base): ...


@pytest.mark.parametrize("stranger", [int, Model()])
def test_install_refuses_what_is_no_model_class(stranger: object) -> None:
    with pytest.raises(SignalOptionError, match="which is no Library model class"):
        check_models([Model, stranger], Base, "Library")


def test_install_takes_models_of_its_library() -> None:
    check_models([Base, Model], Base, "Library")


def test_uninstall_refuses_what_was_not_installed() -> None:
    check_installed([Model], {Model}.__contains__)
    with pytest.raises(SignalOptionError, match=r"which install\(\) was not; take back"):
        check_installed([Model, Base], {Model}.__contains__)
