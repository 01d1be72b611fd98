"""`fastdjango-signals check` on what programs do: nothing is found where nothing is wrong."""

from __future__ import annotations

import sys
import time

import pytest

from fastdjango_signals.registry import Registry
from tests.cli.checks import LOCAL, Check
from tests.cli.programs import Program, Run

pytestmark = pytest.mark.usefixtures("alone")


@pytest.mark.parametrize(
    "quiet",
    [
        "warnings.filterwarnings('ignore')",
        "warnings.simplefilter('ignore', ResourceWarning)",
        "warnings.simplefilter('error')",
        "logging.captureWarnings(True)",
    ],
)
def test_a_receiver_is_lost_whatever_becomes_of_warnings(
    quiet: str, check: Check, recwarn: pytest.WarningsRecorder
) -> None:
    source = f"{LOCAL}\nimport logging, warnings\n{quiet}\nplaced.connect(make())\n"
    undo = "logging.captureWarnings(False)\n"

    assert [code for code, _ in check(source + undo)] == ["S101"]
    assert recwarn.list == []


def test_nobody_watches_the_registries_afterwards(check: Check) -> None:
    assert check("") == []
    assert Registry.watcher is None


def test_a_receiver_that_ends_with_its_own_sender_is_lost_once(check: Check) -> None:
    source = """
class Desk:
    async def note(self, sender, **kwargs): ...
desk = Desk()
placed.connect(desk.note, sender=desk)
del desk
"""
    assert [code for code, _ in check(source)] == ["S101"]


def test_functions_that_a_loop_makes_are_not_duplicates(check: Check) -> None:
    source = """
for i in range(3):
    @placed.connect(weak=False)
    async def count(sender, i=i, **kwargs): ...
"""
    assert check(source) == []


def test_two_wrappers_of_one_function_are_not_duplicates(check: Check) -> None:
    source = """
import functools

def logged(function):
    @functools.wraps(function)
    async def wrapper(sender, **kwargs): ...
    return wrapper

async def count(sender, **kwargs): ...
one, two = logged(count), logged(count)
placed.connect(one)
placed.connect(two)
"""
    assert check(source) == []


def test_a_wrapped_function_of_a_module_that_is_imported_twice_is_a_duplicate(
    program: Program, check: Check
) -> None:
    program.write(
        "wrappers",
        "import functools\n"
        "def logged(function):\n"
        "    @functools.wraps(function)\n"
        "    async def wrapper(sender, **kwargs): ...\n"
        "    return wrapper\n",
    )
    program.write(
        "receivers",
        "from shop import placed\nfrom wrappers import logged\n"
        "@placed.connect\n@logged\nasync def mail(sender, **kwargs): ...\n",
    )
    source = """
import importlib.util, receivers
spec = importlib.util.spec_from_file_location("again", receivers.__file__)
again = importlib.util.module_from_spec(spec)
spec.loader.exec_module(again)
"""
    assert check(source) == [("S104", "a send calls receivers.mail 2 times")]


def test_a_receiver_that_cannot_be_hashed_is_a_duplicate_too(check: Check) -> None:
    source = """
import dataclasses

@dataclasses.dataclass
class Desk:
    async def __call__(self, sender, **kwargs): ...

desk = Desk()
placed.connect(desk)
placed.connect(desk, sender=User)
"""
    [(code, text)] = check(source)

    assert (code, text) == ("S104", "a send from shop.User calls <shop.Desk object> 2 times")


@pytest.mark.parametrize(
    ("subclasses", "codes"), [("True", []), ("False", ["S102"])], ids=["and subclasses", "alone"]
)
def test_a_class_that_its_own_subclass_replaces_never_sends_itself(
    subclasses: str, codes: list[str], check: Check
) -> None:
    source = f"""
class Order: ...
kept = Order

@placed.connect(sender=Order, subclasses={subclasses})
async def count(sender, **kwargs): ...

class Order(Order): ...
"""
    assert [code for code, _ in check(source)] == codes


def test_a_class_whose_name_something_else_has_may_send(check: Check) -> None:
    source = """
class Order: ...
kept = Order

@placed.connect(sender=Order)
async def count(sender, **kwargs): ...

Order = "the name of it"
"""
    assert check(source) == []


def test_a_receiver_of_a_class_and_of_its_base_with_subclasses_is_called_twice(
    check: Check,
) -> None:
    source = """
class Admin(User): ...

@placed.connect(sender=User, subclasses=True)
@placed.connect(sender=Admin)
async def count(sender, **kwargs): ...
"""
    assert check(source) == [("S104", "a send from shop.Admin calls shop.count 2 times")]


def test_modules_that_do_not_like_to_be_looked_at_are_left_alone(
    program: Program, check: Check
) -> None:
    program.write("lazy", "import not_installed")
    program.write("shy", "def __getattr__(name):\n    raise ImportError(name)\n")
    source = """
import importlib.util, shy, sys

spec = importlib.util.find_spec("lazy")
spec.loader = importlib.util.LazyLoader(spec.loader)
lazy = sys.modules["lazy"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(lazy)

hidden = type("Hidden", (), {"__module__": "shy"})
async def count(sender, **kwargs): ...
placed.connect(count, sender=hidden)
lonely = Signal(name="shop.lonely")
"""
    found = check(source)
    del sys.modules["lazy"]

    assert found == [("S106", "nobody listens")]


def test_many_signals_and_senders_take_no_time(check: Check) -> None:
    source = """
signals = [Signal(["name"], name=f"shop.s{number}") for number in range(500)]
senders = [type(f"Sender{number}", (), {}) for number in range(3_000)]
async def count(sender, **kwargs): ...
for each in senders:
    placed.connect(count, sender=each)
"""
    before = time.perf_counter()

    assert {code for code, _ in check(source)} == {"S106"}
    assert time.perf_counter() - before < 10


def test_an_application_without_signals_is_the_wrong_one(program: Program, run: Run) -> None:
    program.write("wrong", "")

    checked, listed = run("check", "wrong"), run("list", "wrong")

    told = "No signals: does APP import the modules that define them?\n"
    assert (checked.exit_code, checked.stderr) == (2, told + "0 findings in 0 signals\n")
    assert (listed.exit_code, listed.stdout, listed.stderr) == (0, "", told)


def test_a_code_is_ignored_by_the_name_that_show_takes(check: Check) -> None:
    source = "lonely = Signal(name='shop.alone')"

    assert check(source, "--ignore", "S106:alone") == []


def test_a_code_is_ignored_by_the_variable(check: Check) -> None:
    assert check("lonely = Signal(name='shop.alone')", "--ignore", "S106:shop.lonely") == []


def test_a_signal_to_ignore_that_does_not_exist_is_wrong_usage(program: Program, run: Run) -> None:
    program.write("shop", "from fastdjango_signals import Signal\na = Signal(name='shop.lonely')")

    result = run("check", "shop", "--ignore", "S106:shop.lonly")

    assert result.exit_code == 2
    assert "there is no signal 'shop.lonly'; did you mean" in result.stderr
