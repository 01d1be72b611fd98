"""`fastdjango-signals list` and `show`."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from fastdjango_signals.cli.writing import place_text
from tests.cli.programs import Program, Run

pytestmark = pytest.mark.usefixtures("alone")

SHOP = """
from fastdjango_signals import Payload, Signal, post_save


class Placed(Payload):
    number: int
    token: str = "hunter2"


class Order: ...
class Express(Order): ...


placed = Signal(Placed, name="shop.placed")
closed = Signal(name="shop.closed", concurrent=True)
later = Signal(name="fastdjango_signals.later")


@placed.connect(sender=Order, subclasses=True, on_commit=True)
async def mail(sender, payload): ...


@placed.connect(priority=5, weak=False, dispatch_uid="hunter2")
async def pack(sender, number, **kwargs): ...
"""


@pytest.fixture(autouse=True)
def shop(program: Program) -> None:
    program.write("shop", SHOP)


def test_it_lists_signals_with_fields_and_receivers(run: Run) -> None:
    assert run("list", "shop").stdout == (
        "shop.closed\n"
        "    (**any keywords)\n"
        "    nobody listens\n"
        "shop.placed\n"
        "    (number: int, token: str = ...)\n"
        "    1. shop.pack  shop.py:23\n"
        "       from any sender, strong, priority 5, dispatch_uid of type str\n"
        "    2. shop.mail  shop.py:19\n"
        "       from shop.Order and its subclasses, weak, after the commit, takes the payload\n"
    )


def test_a_built_in_signal_without_listeners_is_listed_if_all_are_asked_for(run: Run) -> None:
    assert "fastdjango_signals.later" not in run("list", "shop").stdout
    assert "fastdjango_signals.later" in run("list", "shop", "--all").stdout


def test_it_lists_the_same_as_json(run: Run, program: Program) -> None:
    closed, placed = json.loads(run("list", "shop", "--json").stdout)["signals"]

    assert closed["name"] == "shop.closed"
    assert placed["fields"][1] == {"name": "token", "type": "str", "required": False}
    assert placed["receivers"][0] == {
        "name": "shop.pack",
        "location": f"{program.folder}/shop.py:23",
        "order": 1,
        "sender": None,
        "weak": False,
        "priority": 5,
        "dispatch_uid": "str",
        "on_commit": False,
        "subclasses": False,
        "takes_payload": False,
    }


def test_it_shows_one_signal(run: Run) -> None:
    shown = run("show", "placed", "--app", "shop").stdout

    assert shown.startswith(
        "shop.placed\nPayload: shop.Placed\n    number: int\n    token: str = ...\n"
        "Receivers, called in this order:\n    1. shop.pack"
    )
    schema = json.loads(shown.partition("JSON Schema:\n")[2])
    assert schema["required"] == ["number"]


def test_it_shows_that_receivers_run_together(run: Run) -> None:
    shown = run("show", "shop:closed").stdout

    assert "    **any keywords\nReceivers, called together:\n    nobody listens\n" in shown


def test_it_shows_one_signal_as_json(run: Run) -> None:
    shown = json.loads(run("show", "shop:placed", "--json").stdout)

    assert shown["payload"] == "shop.Placed"
    assert shown["schema"]["properties"]["number"] == {"title": "Number", "type": "integer"}


@pytest.mark.parametrize("command", [("list", "shop"), ("show", "shop:placed")])
@pytest.mark.parametrize("form", [(), ("--json",)])
def test_no_value_is_shown(command: tuple[str, ...], form: tuple[str, ...], run: Run) -> None:
    assert "hunter2" not in run(*command, *form).output


def test_what_has_no_python_code_has_no_place() -> None:
    assert place_text(None) == "(no Python code)"


def test_the_page_shows_what_the_commands_write(program: Program, run: Run) -> None:
    page = (Path(__file__).parents[2] / "docs" / "how-to" / "command-line.md").read_text("utf-8")
    blocks = re.findall(r"```([\w-]+)\n(.*?)```", page, re.DOTALL)
    program.write("shop", next(text for language, text in blocks if language == "python"))
    sessions = [text for language, text in blocks if language == "shell-session"]

    assert len(sessions) == 2
    for session in sessions:
        command, _, shown = session.partition("\n")
        assert run(*command.split()[2:]).stdout == shown


def test_a_payload_that_is_not_complete_is_told_in_one_line(program: Program, run: Run) -> None:
    program.write(
        "odd",
        "from __future__ import annotations\n"
        "from fastdjango_signals import Payload, Signal\n"
        "class Odd(Payload):\n    other: Missing\n"
        "odd = Signal(Odd)\n",
    )

    result = run("show", "odd:odd")

    assert result.exit_code == 1
    assert result.stderr.startswith("Error: the payload odd.Odd of signal odd.Odd is not complete")
