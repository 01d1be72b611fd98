"""Senders on the wire."""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType
from typing import Any

import pytest

from fastdjango_signals.relay import EncodeError
from fastdjango_signals.relay.senders import Kind, from_wire, to_wire


class Shop:
    class Branch:
        pass

    renamed = Branch


Alias = Shop


def crossed(sender: object) -> object:
    written = to_wire(sender, "s")
    return from_wire(written.name, written.kind) if written else from_wire(None, None)


@pytest.mark.parametrize("sender", [None, "till", "os.path", Shop, Shop.Branch, int, dict])
def test_a_class_a_string_and_none_come_out_as_they_went_in(sender: object) -> None:
    assert crossed(sender) is sender


@pytest.mark.parametrize("sender", [Shop(), 7, crossed, sys, "", "a\nb", "x" * 513, "\ud800"])
def test_any_other_sender_is_refused_by_send(sender: object) -> None:
    with pytest.raises(EncodeError, match=r"Signal s is relayed, and its sender .* cannot cross"):
        to_wire(sender, "s")


def test_a_class_that_is_not_imported_here_comes_out_as_its_name() -> None:
    assert from_wire("not_imported.anywhere.Shop", "class") == "not_imported.anywhere.Shop"
    assert "not_imported" not in sys.modules


def test_the_wire_imports_nothing() -> None:
    before = set(sys.modules)
    for name in ("antigravity.x", "this.s", "idlelib.run.MyHandler", "xml.dom.expatbuilder.Node"):
        assert from_wire(name, "class") == name
    assert set(sys.modules) == before


@pytest.mark.parametrize(
    "name",
    [
        "sys.exit",  # no class
        "os.path",
        "builtins.print",
        f"{__name__}.Alias",  # not its name
        f"{__name__}.Shop.renamed",
        f"{__name__}.Shop.__class__",
        f"{__name__}.Shop.__init__.__globals__",
        f"{__name__}.",
        ".",
        "..",
        "Shop",
        "",
    ],
)
def test_a_name_that_is_no_class_of_that_name_stays_a_name(name: str) -> None:
    assert from_wire(name, "class") == name


@pytest.mark.parametrize("kind", ["text", None])
def test_a_name_that_is_not_said_to_be_a_class_stays_a_name(kind: Kind | None) -> None:
    assert from_wire(f"{__name__}.Shop", kind) == f"{__name__}.Shop"


def test_looking_up_a_name_runs_no_code(monkeypatch: pytest.MonkeyPatch) -> None:
    class Lazy(ModuleType):
        def __getattr__(self, name: str) -> Any:
            raise AssertionError(name)

    class Meta(type):
        def __getattr__(cls, name: str) -> Any:
            raise AssertionError(name)

    class Guarded(metaclass=Meta):
        pass

    lazy = Lazy("lazy")
    vars(lazy)["Guarded"] = Guarded
    Guarded.__module__, Guarded.__qualname__ = "lazy", "Guarded"
    monkeypatch.setitem(sys.modules, "lazy", lazy)
    assert from_wire("lazy.Guarded", "class") is Guarded
    assert from_wire("lazy.Missing", "class") == "lazy.Missing"
    assert from_wire("lazy.Guarded.Missing", "class") == "lazy.Guarded.Missing"


def test_a_module_that_is_lazy_stays_unloaded(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = importlib.util.find_spec("antigravity")
    assert spec is not None
    assert spec.loader is not None
    spec.loader = importlib.util.LazyLoader(spec.loader)
    lazy = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "antigravity", lazy)
    spec.loader.exec_module(lazy)
    assert from_wire("antigravity.Shop", "class") == "antigravity.Shop"
    assert type(lazy).__name__ == "_LazyModule"


def test_a_module_whose_import_is_blocked_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "blocked", None)  # Python's own way
    assert from_wire("blocked.Shop", "class") == "blocked.Shop"
