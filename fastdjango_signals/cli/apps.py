"""The application that a command is about, and the signals that exist once it is imported."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, TypeAlias, cast

import typer

from fastdjango_signals.catalogue import is_builtin
from fastdjango_signals.cli import modules
from fastdjango_signals.cli.modules import imported_aside, refusal, split
from fastdjango_signals.cli.variables import Variables
from fastdjango_signals.places import name_of
from fastdjango_signals.signals import Signal, all_signals
from fastdjango_signals.wording import listed, near

AnySignal: TypeAlias = Signal[Any, ...]

_VARIABLE = "FASTDJANGO_SIGNALS_APP"
_HELP = "The application, MODULE or MODULE:NAME; importing it connects the receivers."

App: TypeAlias = Annotated[
    str, typer.Argument(metavar="APP", help=_HELP, envvar=_VARIABLE, show_default=False)
]
AppOption: TypeAlias = Annotated[
    str | None, typer.Option("--app", metavar="APP", help=_HELP, envvar=_VARIABLE)
]
SignalName: TypeAlias = Annotated[
    str,
    typer.Argument(
        metavar="NAME",
        help="The signal: its name or that of its variable, the end of it after a dot, or "
        "MODULE:NAME.",
        show_default=False,
    ),
]
AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="Write JSON.")]
Everything: TypeAlias = Annotated[
    bool, typer.Option("--all", help="The built-in signals too that nobody listens to.")
]


def load(app: str, app_dir: Path) -> None:
    """Import the application.

    Raises:
        BadParameter: There is no such module, or it has no such name.
        Exit: The module raised; its traceback has been shown.
    """
    parts = split(app)
    if parts is None:
        raise refusal(f"{app!r} names no module; write it as in shop.app", "APP")
    if parts[1]:
        value_at(app, app_dir, "APP")
    else:
        imported_aside(parts[0], app_dir, "APP")


def value_at(target: str, app_dir: Path, where: str) -> object:
    """Import the module of MODULE:NAME, and return what it has by this name.

    Raises:
        BadParameter: It is not written so, or there is no such module or name.
        Exit: The module raised; its traceback has been shown.
    """
    return modules.value_at(
        target,
        app_dir,
        where,
        no_target="is no MODULE:NAME; write it as in shop.models:User",
        others=lambda _: "import it there, or give the module that has it",
    )


def signals(*, everything: bool = False) -> list[AnySignal]:
    """Return the signals by name; built-in ones only where somebody listens, or with everything.

    Where there are none, that is told: what was imported may be the wrong module.
    """
    found = [
        each for each in all_signals() if everything or not is_builtin(each.name) or each.receivers
    ]
    if not found:
        typer.echo("No signals: does APP import the modules that define them?", err=True)
    return found


def called(name: str) -> list[AnySignal]:
    """Return the signals that a user may mean by a name: its own, the end of it, its variable."""
    existing = all_signals()
    variables = Variables()
    return (
        [each for each in existing if each.name == name]
        or [each for each in existing if each.name.endswith(f".{name}")]
        or [each for each in existing if f".{_variable(each, variables)}".endswith(f".{name}")]
    )


def _variable(signal: AnySignal, variables: Variables) -> str:
    return (variables.of(signal) or "").replace(":", ".")


def similar(name: str) -> str | None:
    """Return a question for whoever has misspelt the name of a signal, or of its variable."""
    variables = Variables()
    names = [each.name for each in all_signals()]
    names += [_variable(each, variables) for each in all_signals()]
    return near(name, names) or near(name, {each.rpartition(".")[2] for each in names})


def find(name: str, app: str | None, app_dir: Path) -> AnySignal:
    """Import the application, where one is given, and return the signal of this name.

    Raises:
        BadParameter: There is none, or more than one.
        Exit: A module raised; its traceback has been shown.
    """
    if app is not None:
        load(app, app_dir)
    found = called(name)
    if len(found) == 1:
        return found[0]
    if not found and ":" in name:
        value = value_at(name, app_dir, "NAME")
        if not isinstance(value, Signal):
            raise refusal(f"{name} is {name_of(value)}, and no signal", "NAME")
        return cast("AnySignal", value)
    raise refusal(_why_none(name, found, app), "NAME")


def _why_none(name: str, found: list[AnySignal], app: str | None) -> str:
    if found:
        names = sorted({each.name for each in found})
        if len(names) > 1:
            return f"{name!r} may be {listed(names)}; write the whole name"
        return f"{len(found)} signals are called {names[0]}; write MODULE:NAME"
    hint = similar(name)
    if hint is None:
        hint = "--app imports an application" if app is None else f"list {app} shows all"
    return f"there is no signal {name!r}; {hint}"
