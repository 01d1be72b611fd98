"""The application and the sender, as MODULE or MODULE:NAME; test_relays.py has the rest."""

from __future__ import annotations

import sys
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
order_placed = Signal(name="shop.OrderPlaced")
odd = Signal(name="shop:odd")
deep = Signal(name="company.services.sales.cancelled")
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


@pytest.mark.parametrize("name", ["order_placed", "sales.order_placed", "sales:order_placed"])
def test_a_signal_is_found_by_its_variable(name: str, program: Program) -> None:
    program.write(
        "sales",
        "from fastdjango_signals import Payload, Signal\n"
        "class OrderPlaced(Payload): ...\n"
        "order_placed = Signal(OrderPlaced)\n",
    )

    assert apps.find(name, "sales", Path()).name == "sales.OrderPlaced"


def test_a_variable_is_read_of_no_module_that_is_not_loaded_yet(program: Program) -> None:
    program.write("lazy", "import not_installed")
    program.write(
        "sales",
        "import importlib.util, sys\n"
        "from fastdjango_signals import Signal\n"
        "spec = importlib.util.find_spec('lazy')\n"
        "spec.loader = importlib.util.LazyLoader(spec.loader)\n"
        "lazy = sys.modules['lazy'] = importlib.util.module_from_spec(spec)\n"
        "spec.loader.exec_module(lazy)\n"
        "sold = Signal(name='sales.done')\n",
    )

    found = apps.find("sold", "sales", Path())
    del sys.modules["lazy"]

    assert found.name == "sales.done"


def test_a_signal_with_a_colon_in_its_name_is_found() -> None:
    assert apps.find("shop:odd", "shop", Path()).name == "shop:odd"


@pytest.mark.parametrize(
    ("name", "app", "problem"),
    [
        ("shop.place", "shop", "there is no signal 'shop.place'; did you mean \"shop.placed\"?"),
        ("cancled", "shop", "there is no signal 'cancled'; did you mean \"cancelled\"?"),
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


@pytest.mark.parametrize("code", ["0", "3", "'no settings'"])
def test_a_module_that_ends_the_process_is_told(code: str, program: Program, run: Run) -> None:
    program.write("broken", f"import sys\n\nsys.exit({code})\n")

    result = run("check", "broken")

    assert (result.exit_code, result.stdout) == (1, "")
    assert f'File "{program.folder}/broken.py", line 3' in result.stderr
    assert result.stderr.endswith(
        "Error: the module broken ends the process where it is imported; "
        'keep that to __name__ == "__main__"\n'
    )


def test_a_module_that_raises_no_exception_but_a_base_one_is_told(
    program: Program, run: Run
) -> None:
    program.write("broken", "raise GeneratorExit")

    result = run("list", "broken")

    assert result.exit_code == 1
    assert result.stderr.endswith("broken cannot be imported; it raised the above\n")


def test_an_interruption_of_the_import_ends_the_command(program: Program, run: Run) -> None:
    program.write("slow", "raise KeyboardInterrupt")

    result = run("list", "slow")

    assert result.exit_code
    assert "cannot be imported" not in result.stderr


def test_a_module_that_refuses_to_be_asked_shows_its_traceback(program: Program, run: Run) -> None:
    program.write("lazy", "def __getattr__(name):\n    raise ImportError('not installed')\n")

    result = run("list", "lazy:create_app")

    assert result.exit_code == 1
    assert f'File "{program.folder}/lazy.py", line 2' in result.stderr
    assert result.stderr.endswith("Error: the module lazy raised the above, asked for create_app\n")


@pytest.mark.parametrize(
    ("app", "module"),
    [
        ("shop/app.py", "shop.app"),
        ("shop/app", "shop.app"),
        ("shop\\app.py", "shop.app"),
        ("shop.py", "shop"),
        ("shop.py:create_app", "shop"),
    ],
)
def test_a_file_is_told_as_what_module_to_write_it(app: str, module: str) -> None:
    assert refusal(lambda: apps.load(app, Path())).endswith(
        f"in {Path.cwd()}, nor where Python looks; write {module}"
    )


def test_a_folder_that_does_not_exist_is_told() -> None:
    assert refusal(lambda: apps.load("shop", Path("missing"))) == "missing is no folder"


def test_a_refused_receiver_shows_the_line_that_connects_it(program: Program, run: Run) -> None:
    program.write("broken", "from shop import placed\n\n@placed.connect\ndef f(sender): ...\n")

    result = run("check", "broken")

    assert result.exit_code == 1
    assert f'File "{program.folder}/broken.py", line 3' in result.stderr
    assert "ReceiverTypeError: Signal shop.placed cannot connect broken.f" in result.stderr
