"""`fastdjango-signals explain`: who runs, who does not, and why."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fastdjango_signals import Signal
from fastdjango_signals.cli.reasons import reached
from tests.cli.programs import Program, Run

SHOP = """
from fastdjango_signals import Signal


class User: ...
class Admin(User): ...


saved = Signal(["name"], name="shop.saved")


@saved.connect(sender=User, on_commit=True)
async def mail(sender, name): ...


@saved.connect(priority=1)
async def audit(sender, name): ...


@saved.connect(sender=Admin)
async def alarm(sender, name): ...
"""


class User:
    """A class that sends, whose objects are all equal."""

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 1


class Admin(User): ...


class Order: ...


def another(name: str) -> type:
    """Return another class that says it is the one of this module."""
    return type(name, (), {"__module__": __name__})


one, two = User(), User()
SENDERS = [None, User, Admin, Order, one, two, another("User"), "User", "shop.User", 1, 2]


async def note(sender: object, **kwargs: Any) -> None: ...


def why(own: object, sender: object, **options: Any) -> str:
    """Return what is said of a receiver of one sender when another sends."""
    signal: Signal[Any, ...] = Signal(name="test.signal")
    signal.connect(note, sender=own, **options)
    [found] = reached(signal, sender)
    return found.why.replace(f"{__name__}.", "")


@pytest.mark.parametrize("subclasses", [False, True])
@pytest.mark.parametrize("sender", SENDERS)
@pytest.mark.parametrize("own", SENDERS)
def test_who_runs_is_who_a_send_reaches(own: object, sender: object, subclasses: bool) -> None:
    signal: Signal[Any, ...] = Signal(name="test.signal")
    signal.connect(note, sender=own, subclasses=subclasses and isinstance(own, type))

    [found] = reached(signal, sender)

    assert found.runs == bool(signal.receivers_for(sender))
    assert found.why


@pytest.mark.parametrize(
    ("own", "sender", "reason"),
    [
        (None, User, "listens to every sender"),
        (User, User, "listens to this sender"),
        (User, None, "listens to User only, and this send has no sender"),
        (
            User,
            Admin,
            "listens to User, of which the sender is a subclass; connect it with subclasses=True",
        ),
        (Admin, User, "listens to Admin, a subclass of the sender"),
        (User, Order, "listens to User"),
        (
            User,
            one,
            "listens to User, and the sender is an object of that class; send from the class",
        ),
        (Order, one, "listens to Order"),
        (one, User, "listens to <User object>, one object of the class, and not the class"),
        (one, Order, "listens to <User object>"),
        (
            one,
            two,
            "listens to another <User object>; such senders are told apart by identity",
        ),
        (1, 2, "listens to another <builtins.int object>; such senders are told apart by value"),
        ("shop.User", User, "listens to 'shop.User'; a string is never the class that it names"),
        (User, "User", "listens to User; a string is never the class that it names"),
        ("shop.User", Order, "listens to 'shop.User'"),
        ("a", "b", "listens to 'a'"),
    ],
)
def test_a_reason_is_given(own: object, sender: object, reason: str) -> None:
    assert why(own, sender) == reason


def test_a_class_that_only_has_the_same_name_is_told() -> None:
    assert why(User, another("User")).startswith("listens to User, another class of this very name")


def test_a_subclass_is_reached_if_subclasses_are() -> None:
    assert why(User, Admin, subclasses=True) == "listens to User and its subclasses"


def test_it_tells_who_runs_in_what_order_and_who_does_not(program: Program, run: Run) -> None:
    program.write("shop", SHOP)

    assert run("explain", "shop:saved", "--sender", "shop:User").stdout == (
        "A send of shop.saved from shop.User reaches 2, one after another:\n"
        "    1. shop.audit  shop.py:16\n"
        "       listens to every sender\n"
        "    2. shop.mail  shop.py:12\n"
        "       listens to this sender; runs after the commit, "
        "or in its turn where no transaction is open\n"
        "These do not run:\n"
        "    -  shop.alarm  shop.py:20\n"
        "       listens to shop.Admin, a subclass of the sender\n"
    )


def test_it_tells_the_same_as_json(program: Program, run: Run) -> None:
    program.write("shop", SHOP)

    told = json.loads(run("explain", "shop:saved", "--sender", "shop:User", "--json").stdout)

    assert (told["signal"], told["sender"], told["concurrent"]) == (
        "shop.saved",
        "shop.User",
        False,
    )
    assert [each["name"] for each in told["runs"]] == ["shop.audit", "shop.mail"]
    assert [each["why"] for each in told["does_not_run"]] == [
        "listens to shop.Admin, a subclass of the sender"
    ]


def test_without_a_sender_none_sends(program: Program, run: Run) -> None:
    program.write("shop", SHOP)

    assert "from no sender reaches 1" in run("explain", "shop:saved").stdout
    assert json.loads(run("explain", "shop:saved", "--json").stdout)["sender"] is None


def test_a_send_may_reach_nobody(program: Program, run: Run) -> None:
    program.write("quiet", "from fastdjango_signals import Signal\nsaved = Signal(concurrent=True)")

    assert run("explain", "quiet:saved").stdout.endswith("from no sender reaches nobody.\n")


def test_an_unknown_sender_is_wrong_usage(program: Program, run: Run) -> None:
    program.write("shop", SHOP)

    assert run("explain", "shop:saved", "--sender", "shop:Usr").exit_code == 2
