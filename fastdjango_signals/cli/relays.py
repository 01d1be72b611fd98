"""The relay that a command is about: `MODULE:NAME`, as an argument."""

from __future__ import annotations

import importlib
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Annotated, TypeAlias

import typer

from fastdjango_signals.places import name_of
from fastdjango_signals.relay import Relay
from fastdjango_signals.wording import listed

_WHERE = "MODULE:NAME"

Target: TypeAlias = Annotated[
    str,
    typer.Argument(
        metavar=_WHERE, help="The relay: its module, and its name there.", show_default=False
    ),
]
AppDir: TypeAlias = Annotated[
    Path,
    typer.Option(help="Look for the module in this folder, and then where Python does."),
]
HERE = Path()


def load(target: str, app_dir: Path) -> Relay:
    """Import a module, and return the relay that it has by this name.

    Raises:
        BadParameter: There is no such module, no such name, or it is no relay.
        Exit: The module raised; its traceback has been shown.
    """
    module_name, _, name = target.partition(":")
    if not module_name or not name or module_name.startswith("."):
        raise _refusal(f"{target!r} names no relay; write it as in shop.app:relay")
    sys.path.insert(0, str(app_dir.resolve()))
    module = _imported(module_name, app_dir)
    found: object = module
    for attribute in name.split("."):
        try:
            found = getattr(found, attribute)
        except AttributeError:
            raise _refusal(f"{module_name} has no {name!r}; {_relays_in(module)}") from None
    if not isinstance(found, Relay):
        raise _refusal(f"{target} is {_kind_of(found)}, and no relay; {_relays_in(module)}")
    return found


def _imported(name: str, app_dir: Path) -> ModuleType:
    importlib.invalidate_caches()
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and f"{name}.".startswith(f"{error.name}."):
            raise _refusal(
                f"no module {error.name!r} in {app_dir.resolve()}, nor where Python looks; "
                "--app-dir gives another folder"
            ) from None
        raise _failure(name, error) from None
    except Exception as error:  # noqa: BLE001 - it is shown
        raise _failure(name, error) from None


def _failure(module: str, error: Exception) -> typer.Exit:
    """Show what a module raised, from its own first line on."""
    theirs = next(_outside(error.__traceback__), None)
    typer.echo(
        "".join(traceback.format_exception(error.with_traceback(theirs))), err=True, nl=False
    )
    typer.echo(f"Error: the module {module} cannot be imported; it raised the above", err=True)
    return typer.Exit(1)


def _outside(found: TracebackType | None) -> Iterator[TracebackType]:
    ours = (__file__, importlib.__file__)
    while found is not None:
        file = found.tb_frame.f_code.co_filename
        if file not in ours and not file.startswith("<frozen importlib"):
            yield found
        found = found.tb_next


def _refusal(problem: str) -> typer.BadParameter:
    return typer.BadParameter(problem, param_hint=_WHERE)


def _kind_of(found: object) -> str:
    return (
        f"the class {name_of(found)}"
        if isinstance(found, type)
        else f"of class {name_of(type(found))}"
    )


def _relays_in(module: ModuleType) -> str:
    names = [name for name, value in vars(module).items() if isinstance(value, Relay)]
    return f"it has {listed(names)}" if names else "it has no relay at all"
