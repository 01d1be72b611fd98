"""`fastdjango-signals check`: each finding, and that what is well is not found."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from fastdjango_signals.cli.checking import CODES
from tests.cli.checks import HEAD, LOCAL, Check
from tests.cli.programs import Program, Run

pytestmark = pytest.mark.usefixtures("alone")


def test_what_is_well_has_no_findings(program: Program, run: Run) -> None:
    program.write("shop", HEAD)

    result = run("check", "shop")

    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "0 findings in 1 signals\n"


def test_a_finding_tells_place_code_signal_text_and_remedy(program: Program, run: Run) -> None:
    program.write("shop", HEAD + "\nlonely = Signal(name='shop.lonely')\n")

    result = run("check", "shop")

    assert result.exit_code == 1
    assert result.stdout == (
        "shop:lonely: S106 shop.lonely: nobody listens\n"
        "    import the module that connects its receivers, or ignore this code for this signal\n"
    )
    assert result.stderr == "1 finding in 2 signals\n"


def test_a_finding_is_json(program: Program, run: Run) -> None:
    program.write("shop", HEAD + "\nlonely = Signal(name='shop.lonely')\n")

    [found] = json.loads(run("check", "shop", "--json").stdout)["findings"]

    assert found["place"] == "shop:lonely"
    assert sorted(found) == ["code", "place", "remedy", "signal", "text"]


def test_a_receiver_that_was_collected_can_never_run(check: Check) -> None:
    source = """
def connect():
    @placed.connect
    async def local(sender, **kwargs): ...
connect()
"""
    assert check(source) == [
        (
            "S101",
            "shop.connect.<locals>.local can never run: it was collected, "
            "since nothing else refers to it",
        )
    ]


def test_a_receiver_in_a_cycle_is_collected_too(check: Check) -> None:
    source = """
def connect():
    @placed.connect
    async def local(sender, **kwargs): local
connect()
"""
    assert [code for code, _ in check(source)] == ["S101"]


def test_a_receiver_that_was_disconnected_is_not_lost(check: Check) -> None:
    source = """
def connect():
    async def local(sender, **kwargs): ...
    placed.connect(local)
    placed.disconnect(local)
    with placed.connected_to(local): ...
    placed.connect(local, dispatch_uid="strong", weak=False)
    placed.disconnect(dispatch_uid="strong")
connect()
"""
    assert check(source) == []


def test_a_sender_that_was_collected_can_never_send(check: Check) -> None:
    assert check("placed.connect(keep, sender=User())") == [
        ("S102", "shop.keep can never run: its sender <shop.User object> has been collected")
    ]


@pytest.mark.parametrize(
    "source",
    [
        "placed.check(keep, sender=User())",
        "sender = User()\nplaced.connect(keep, sender=sender)\n"
        "placed.disconnect(keep, sender=sender)\ndel sender",
        "with placed.connected_to(keep, sender=User()): ...",
        "placed.connect(keep, sender='text', dispatch_uid=1)\n"
        "placed.disconnect(sender='text', dispatch_uid=1)",
        "user = User()\nplaced.disconnect(keep)\n"
        "placed.connect(keep, sender=user)\nplaced.connect(keep, sender=user)",
    ],
)
def test_a_sender_of_nothing_that_is_connected_may_end(source: str, check: Check) -> None:
    assert check(source) == []


def test_another_warning_is_shown_as_before(check: Check) -> None:
    with pytest.warns(UserWarning, match="mine"):
        assert check("import warnings\nwarnings.warn('mine')") == []


@pytest.mark.parametrize(
    "sender", ["slotted", "User"], ids=["a class that a decorator has replaced", "a class"]
)
def test_a_class_that_was_replaced_never_sends(sender: str, check: Check) -> None:
    source = f"""
import dataclasses
class Order:
    pass
slotted = Order
Order = dataclasses.dataclass(slots=True)(Order)
@placed.connect(sender={sender})
async def count(sender, **kwargs): ...
"""
    expected = (
        "S102",
        "shop.count can never run: its sender shop.Order is not the class that its module has by "
        "that name",
    )
    assert check(source) == ([expected] if sender == "slotted" else [])


@pytest.mark.parametrize(
    "sender",
    ["type('Made', (), {})", "(lambda: type('M', (), {'__qualname__': 'f.<locals>.M'}))()"],
)
def test_a_class_that_its_module_does_not_have_may_send(sender: str, check: Check) -> None:
    assert (
        check(f"made = {sender}\nplaced.disconnect(keep)\nplaced.connect(keep, sender=made)") == []
    )


def test_a_model_is_sent_with_its_class_and_not_its_name(check: Check) -> None:
    source = """
saved = Signal(name="fastdjango_signals.post_save")
saved.connect(keep, sender="shop.User")
saved.connect(keep, sender=User)
"""
    assert check(source) == [
        (
            "S102",
            "shop.keep can never run: its sender is 'shop.User', "
            "and models are sent with their class as sender",
        )
    ]


@pytest.mark.parametrize(
    ("connect", "codes"),
    [
        ("kept = [make()]\nplaced.connect(kept[0])", ["S103"]),
        ("kept = [make()]\nplaced.connect(kept[0], weak=False)", []),
        ("kept = make()\nplaced.connect(kept)", []),
        (
            "class Desk:\n    async def note(self, sender, **kwargs): ...\n"
            "desk = Desk()\nplaced.connect(desk.note)",
            [],
        ),
    ],
)
def test_a_local_function_that_no_module_has_is_found_where_it_is_held_weakly(
    connect: str, codes: list[str], check: Check
) -> None:
    assert [code for code, _ in check(LOCAL + connect)] == codes


def test_a_receiver_that_one_send_calls_twice_is_found(check: Check) -> None:
    assert check("placed.connect(keep, sender=User)") == [
        ("S104", "a send from shop.User calls shop.keep 2 times")
    ]


def test_a_receiver_of_two_senders_is_called_once(check: Check) -> None:
    source = """
class Order: ...
placed.disconnect(keep)
placed.connect(keep, sender=User)
placed.connect(keep, sender=Order)
"""
    assert check(source) == []


def test_a_method_is_one_receiver_for_each_object(check: Check) -> None:
    source = """
class Desk:
    async def note(self, sender, **kwargs): ...
one, two = Desk(), Desk()
placed.connect(one.note)
placed.connect(two.note)
placed.connect(one.note, dispatch_uid="again")
"""
    assert check(source) == [("S104", "a send calls shop.Desk.note 2 times")]


def test_local_functions_of_one_place_are_not_duplicates(check: Check) -> None:
    source = LOCAL + "a, b = make(), make()\nplaced.connect(a)\nplaced.connect(b)"

    assert check(source) == []


def test_a_module_that_is_imported_by_two_names_connects_twice(
    program: Program, check: Check
) -> None:
    program.write(
        "receivers",
        "from shop import placed\n@placed.connect\nasync def mail(sender, **kwargs): ...\n",
    )
    source = """
import importlib.util, receivers
spec = importlib.util.spec_from_file_location("again", receivers.__file__)
again = importlib.util.module_from_spec(spec)
spec.loader.exec_module(again)
"""
    assert check(source) == [("S104", "a send calls receivers.mail 2 times")]


def test_two_signals_of_one_name_are_found(check: Check) -> None:
    [found] = check("twin = Signal(name='shop.placed')\ntwin.connect(keep)")

    assert found == (
        "S105",
        "2 signals have this name, so that listings and relays mix them up",
    )


def test_a_payload_that_is_not_complete_is_found(check: Check) -> None:
    source = """
class Odd(Payload):
    other: Missing
odd = Signal(Odd)
odd.connect(keep)
"""
    [(code, text)] = check(source)

    assert code == "S107"
    assert text.startswith("the payload shop.Odd of signal shop.Odd is not complete")


def test_a_signal_that_no_module_has_is_found_without_a_place(check: Check, run: Run) -> None:
    check("kept = [Signal(name='shop.hidden')]")

    [found] = json.loads(run("check", "shop", "--json").stdout)["findings"]
    assert found["place"] is None
    assert "S106 shop.hidden" in run("check", "shop").stdout.splitlines()[0]


@pytest.mark.parametrize(
    ("ignored", "left"),
    [
        (["S106"], []),
        (["S106:shop.lonely"], ["shop.other"]),
        (["S106:shop.lonely", "S106:shop.other"], []),
        (["S101"], ["shop.lonely", "shop.other"]),
    ],
)
def test_a_code_is_ignored_for_one_signal_or_all(
    ignored: list[str], left: list[str], program: Program, run: Run
) -> None:
    program.write("shop", HEAD + "a = Signal(name='shop.lonely')\nb = Signal(name='shop.other')")
    options = [part for each in ignored for part in ("--ignore", each)]

    result = run("check", "shop", "--json", *options)

    assert [each["signal"] for each in json.loads(result.stdout)["findings"]] == left


def test_an_unknown_code_is_wrong_usage(program: Program, run: Run) -> None:
    program.write("shop", HEAD)

    result = run("check", "shop", "--ignore", "S999")

    assert result.exit_code == 2
    assert "there is no code 'S999'" in result.stderr


def test_the_page_lists_every_code() -> None:
    page = Path(__file__).parents[2] / "docs" / "how-to" / "command-line.md"
    text = page.read_text(encoding="utf-8")

    assert [code for code in CODES if f"| `{code}` |" not in text] == []


def test_the_shop_has_no_findings() -> None:
    finished = subprocess.run(
        [sys.executable, "-m", "fastdjango_signals.cli", "check", "examples.shop.app"],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        check=False,
        encoding="utf-8",
        timeout=60,
    )

    assert (finished.returncode, finished.stdout) == (0, "")
