"""The application and the sender, as MODULE or MODULE:NAME; test_relays.py has the rest."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer import BadParameter

from fastdjango_signals.cli import apps
from tests.cli.programs import Program, Run

pytestmark = pytest.mark.usefixtures("alone")

SHOP = """
from fastdjango_signals import Signal

placed = Signal(["number"], name="shop.placed")
twin, other = Signal(name="shop.twin"), Signal(name="shop.twin")
one, two = Signal(name="a.same"), Signal(name="b.same")

def create_app():
    raise RuntimeError("nobody calls this")
"""


@pytest.fixture(autouse=True)
def shop(program: Program) -> None:
    program.write("shop", SHOP)


def refusal(call: Callable[[], object]) -> str:
    with pytest.raises(BadParameter) as caught:
        call()
    return caught.value.message


@pytest.mark.parametrize("app", ["shop", "shop:create_app"])
def test_an_application_is_imported_and_not_called(app: str) -> None:
    apps.load(app, Path())

    assert "shop.placed" in [each.name for each in apps.signals()]


@pytest.mark.parametrize("app", ["", ":app", "shop:", ".shop"])
def test_what_is_no_application_is_told_how_to_write_one(app: str) -> None:
    assert refusal(lambda: apps.load(app, Path())) == (
        f"{app!r} names no module; write it as in shop.app"
    )


def test_a_name_that_the_module_does_not_have_is_told_the_nearest() -> None:
    assert refusal(lambda: apps.load("shop:create_ap", Path())) == (
        "shop has no 'create_ap'; did you mean \"create_app\"?"
    )


def test_a_sender_needs_a_module() -> None:
    assert refusal(lambda: apps.value_at("User", Path(), "--sender")) == (
        "'User' is no MODULE:NAME; write it as in shop.models:User"
    )


@pytest.mark.parametrize("name", ["shop.placed", "placed", "shop:placed"])
def test_a_signal_is_found_by_its_name_the_end_of_it_or_its_module(name: str) -> None:
    assert apps.find(name, "shop", Path()).name == "shop.placed"


@pytest.mark.parametrize(
    ("name", "app", "problem"),
    [
        ("shop.place", "shop", "there is no signal 'shop.place'; did you mean \"shop.placed\"?"),
        ("xyz", "shop", "there is no signal 'xyz'; list shop shows all"),
        ("xyz", None, "there is no signal 'xyz'; --app imports an application"),
        ("same", "shop", '\'same\' may be "a.same" and "b.same"; write the whole name'),
        ("shop.twin", "shop", "2 signals are called shop.twin; write MODULE:NAME"),
        ("shop:create_app", None, "shop:create_app is shop.create_app, and no signal"),
    ],
)
def test_a_signal_that_cannot_be_told_is_refused(name: str, app: str | None, problem: str) -> None:
    assert refusal(lambda: apps.find(name, app, Path())) == problem


def test_the_environment_may_name_the_application(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FASTDJANGO_SIGNALS_APP", "shop")

    assert run("show", "placed").exit_code == 0
    assert "shop.placed" in run("list").stdout


def test_a_module_that_raises_shows_its_own_traceback(program: Program, run: Run) -> None:
    program.write("broken", "1 / 0")

    result = run("check", "broken")

    assert result.exit_code == 1
    assert "fastdjango_signals" not in result.stderr
    assert f'File "{program.folder}/broken.py", line 1' in result.stderr
    assert result.stderr.endswith("broken cannot be imported; it raised the above\n")


def test_a_refused_receiver_shows_the_line_that_connects_it(program: Program, run: Run) -> None:
    program.write("broken", "from shop import placed\n\n@placed.connect\ndef f(sender): ...\n")

    result = run("check", "broken")

    assert result.exit_code == 1
    assert f'File "{program.folder}/broken.py", line 3' in result.stderr
    assert "ReceiverTypeError: Signal shop.placed cannot connect broken.f" in result.stderr
