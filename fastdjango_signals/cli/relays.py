"""The relay that a command is about: `MODULE:NAME`, as an argument."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Annotated, TypeAlias

import typer

from fastdjango_signals.cli.modules import HERE, AppDir, imported, imported_aside, refusal, value_at
from fastdjango_signals.places import name_of
from fastdjango_signals.relay import Relay
from fastdjango_signals.wording import listed

__all__ = ["HERE", "AppDir", "Target", "load"]

_WHERE = "MODULE:NAME"

Target: TypeAlias = Annotated[
    str,
    typer.Argument(
        metavar=_WHERE, help="The relay: its module, and its name there.", show_default=False
    ),
]


def load(target: str, app_dir: Path, *, prints: bool = False) -> Relay:
    """Import a module, and return the relay that it has by this name.

    Args:
        target: MODULE:NAME.
        app_dir: Where to look first.
        prints: Let the module have stdout, since the command writes nothing to it.

    Raises:
        BadParameter: There is no such module, no such name, or it is no relay.
        Exit: The module raised; its traceback has been shown.
    """
    found = value_at(
        target,
        app_dir,
        _WHERE,
        no_target="names no relay; write it as in shop.app:relay",
        others=_relays_in,
        load=imported if prints else imported_aside,
    )
    if not isinstance(found, Relay):
        module = sys.modules[target.partition(":")[0]]
        problem = f"{target} is {_kind_of(found)}, and no relay; {_relays_in(module)}"
        raise refusal(problem, _WHERE)
    return found


def _kind_of(found: object) -> str:
    return (
        f"the class {name_of(found)}"
        if isinstance(found, type)
        else f"of class {name_of(type(found))}"
    )


def _relays_in(module: ModuleType) -> str:
    names = [name for name, value in vars(module).items() if isinstance(value, Relay)]
    return f"it has {listed(names)}" if names else "it has no relay at all"
