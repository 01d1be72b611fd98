"""MODULE:NAME: what is found, and what is said where nothing is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer import BadParameter, Exit

from fastdjango_signals.cli.relays import load
from fastdjango_signals.relay import Relay
from tests.cli.programs import Program, Run

SHOP = """
from faststream.nats import NatsBroker
from fastdjango_signals import Signal
from fastdjango_signals.relay import Relay
from fastdjango_signals.relay.nats import JetStream

class Settings:
    relay = Relay("shop", JetStream(NatsBroker()))

relay = Settings.relay
placed = Signal(providing_args=[], name="shop.placed")
secret = "hunter2"
"""


@pytest.fixture
def refused(program: Program) -> Callable[[str], str]:
    """Give a function that returns why a target is refused."""
    program.write("shop", SHOP)

    def refusal(target: str) -> str:
        with pytest.raises(BadParameter) as caught:
            load(target, Path())
        return caught.value.message

    return refusal


def test_a_relay_is_found_in_the_current_folder(program: Program) -> None:
    program.write("shop", SHOP)

    assert load("shop:relay", Path()).service == "shop"


def test_a_relay_is_found_in_the_folder_that_is_given(program: Program) -> None:
    (program.folder / "source").mkdir()
    (program.folder / "source" / "shop.py").write_text(SHOP)

    assert load("shop:relay", Path("source")).service == "shop"


def test_a_name_may_have_dots(program: Program) -> None:
    program.write("shop", SHOP)

    assert isinstance(load("shop:Settings.relay", Path()), Relay)


@pytest.mark.parametrize("target", ["shop", "shop:", ":relay", "", ".shop:relay"])
def test_what_is_no_target_is_told_how_to_write_one(
    target: str, refused: Callable[[str], str]
) -> None:
    assert refused(target) == f"{target!r} names no relay; write it as in shop.app:relay"


@pytest.mark.parametrize(
    ("target", "missing"),
    [("shp:relay", "shp"), ("shp.app:relay", "shp"), ("shop.app:relay", "shop.app")],
)
def test_a_module_that_is_not_there_is_named(
    target: str, missing: str, refused: Callable[[str], str]
) -> None:
    assert refused(target) == (
        f"no module '{missing}' in {Path.cwd()}, nor where Python looks; "
        "--app-dir gives another folder"
    )


@pytest.mark.parametrize(
    ("name", "hint"), [("rely", 'did you mean "relay"?'), ("main", 'it has "relay"')]
)
def test_a_name_that_is_not_there_is_told_a_near_one_or_the_relays(
    name: str, hint: str, refused: Callable[[str], str]
) -> None:
    assert refused(f"shop:{name}") == f"shop has no {name!r}; {hint}"


def test_what_is_no_relay_is_named_by_its_class(refused: Callable[[str], str]) -> None:
    assert refused("shop:placed") == (
        'shop:placed is of class fastdjango_signals.signals.Signal, and no relay; it has "relay"'
    )


def test_a_class_is_no_relay(refused: Callable[[str], str]) -> None:
    assert refused("shop:Settings").startswith("shop:Settings is the class shop.Settings, and no")


def test_no_value_is_shown(refused: Callable[[str], str]) -> None:
    assert "hunter2" not in refused("shop:secret")


def test_a_module_may_have_no_relay(program: Program, refused: Callable[[str], str]) -> None:
    program.write("empty", "relay = None")

    assert refused("empty:relay").endswith("it has no relay at all")


def test_a_refusal_is_wrong_usage(program: Program, run: Run) -> None:
    program.write("shop", SHOP)

    result = run("relay", "shop:rely")

    assert result.exit_code == 2
    assert "Usage: fastdjango-signals relay" in result.stderr
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    ("source", "last"),
    [
        ("def f():\n    raise LookupError('mine')\nf()", "LookupError: mine"),
        ("import not_installed", "ModuleNotFoundError: No module named 'not_installed'"),
        (
            "import shop.app",
            "ModuleNotFoundError: No module named 'shop.app'; 'shop' is not a pack",
        ),
        ("relay = (", "SyntaxError: '(' was never closed"),
    ],
)
def test_a_module_that_raises_shows_its_own_traceback(
    source: str, last: str, program: Program, run: Run
) -> None:
    program.write("shop", source)

    result = run("relay", "shop:relay")

    assert result.exit_code == 1
    *traceback, raised, ending = result.stderr.splitlines()
    assert raised.startswith(last)
    assert ending == "Error: the module shop cannot be imported; it raised the above"
    assert "fastdjango_signals" not in "".join(traceback)
    assert f'File "{program.folder}/shop.py", line ' in "".join(traceback)


def test_a_module_that_raises_ends_in_an_exit(program: Program) -> None:
    program.write("shop", "1 / 0")

    with pytest.raises(Exit) as ended:
        load("shop:relay", Path())
    assert ended.value.exit_code == 1
