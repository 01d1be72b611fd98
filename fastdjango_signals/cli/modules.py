"""The module of a user that a command is about, `MODULE` or `MODULE:NAME`, and what it has."""

from __future__ import annotations

import importlib
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Annotated, TypeAlias

import typer

from fastdjango_signals.wording import near

AppDir: TypeAlias = Annotated[
    Path,
    typer.Option(help="Look for the module in this folder, and then where Python does."),
]
HERE = Path()


def split(target: str) -> tuple[str, str] | None:
    """Return the module and the name in a target, which may be empty; None where it is neither."""
    module, colon, name = target.partition(":")
    if not module or module.startswith(".") or (colon and not name):
        return None
    return module, name


def imported(name: str, app_dir: Path, where: str) -> ModuleType:
    """Import a module by its full name.

    Raises:
        BadParameter: There is no such module; `where` is what the usage calls it.
        Exit: The module raised; its traceback has been shown.
    """
    if not app_dir.is_dir():
        raise refusal(f"{app_dir} is no folder", "--app-dir")
    folder = str(app_dir.resolve())
    if sys.path[:1] != [folder]:
        sys.path.insert(0, folder)
    importlib.invalidate_caches()
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and f"{name}.".startswith(f"{error.name}."):
            problem = f"no module {error.name!r} in {folder}, nor where Python looks"
            raise refusal(f"{problem}; {_instead_of(name)}", where) from None
        raise _failure(f"{name} cannot be imported; it raised the above", error) from None
    except KeyboardInterrupt:
        raise
    except SystemExit as error:
        problem = (
            f'{name} ends the process where it is imported; keep that to __name__ == "__main__"'
        )
        raise _failure(problem, error) from None
    except BaseException as error:  # noqa: BLE001 - it is shown
        raise _failure(f"{name} cannot be imported; it raised the above", error) from None


def imported_aside(name: str, app_dir: Path, where: str) -> ModuleType:
    """Import a module so that stdout stays free for what the command writes.

    What the module prints, or has set up to be logged, goes to stderr.
    """
    with redirect_stdout(sys.stderr):
        return imported(name, app_dir, where)


def _instead_of(name: str) -> str:
    parts = name.replace("\\", "/").removesuffix(".py").split("/")
    module = ".".join(part for part in parts if part not in ("", ".", ".."))
    return f"write {module}" if module != name else "--app-dir gives another folder"


def value_at(
    target: str,
    app_dir: Path,
    where: str,
    *,
    no_target: str,
    others: Callable[[ModuleType], str],
    load: Callable[[str, Path, str], ModuleType] = imported_aside,
) -> object:
    """Import the module of MODULE:NAME, and return what it has by this name.

    Args:
        target: What was given.
        app_dir: Where to look first.
        where: What the usage calls it.
        no_target: What to say of a target that is not written so.
        others: Says of the module what to give instead of a name that it does not have.
        load: Imports the module.

    Raises:
        BadParameter: It is not written so, or there is no such module or name.
        Exit: The module raised; its traceback has been shown.
    """
    module_name, name = split(target) or ("", "")
    if not name:
        raise refusal(f"{target!r} {no_target}", where)
    module = load(module_name, app_dir, where)
    try:
        return found_in(module, name)
    except AttributeError:
        hint = near(name, vars(module)) or others(module)
        raise refusal(f"{module_name} has no {name!r}; {hint}", where) from None
    except Exception as error:  # noqa: BLE001 - a module may have a __getattr__ of its own
        raise _failure(f"{module_name} raised the above, asked for {name}", error) from None


def found_in(module: ModuleType, name: str) -> object:
    """Return what a module has by this name, in which dots lead further.

    Raises:
        AttributeError: It has no such thing.
    """
    found: object = module
    for attribute in name.split("."):
        found = getattr(found, attribute)
    return found


def refusal(problem: str, where: str) -> typer.BadParameter:
    """Return the error for an argument or option that is no good; `where` is its name."""
    return typer.BadParameter(problem, param_hint=where)


def _failure(problem: str, error: BaseException) -> typer.Exit:
    """Show what a module raised, from its own first line on, and what that means."""
    theirs = next(_outside(error.__traceback__), None)
    typer.echo(
        "".join(traceback.format_exception(error.with_traceback(theirs))), err=True, nl=False
    )
    typer.echo(f"Error: the module {problem}", err=True)
    return typer.Exit(1)


def _outside(found: TracebackType | None) -> Iterator[TracebackType]:
    ours = (__file__, importlib.__file__)
    while found is not None:
        file = found.tb_frame.f_code.co_filename
        if file not in ours and not file.startswith("<frozen importlib"):
            yield found
        found = found.tb_next
