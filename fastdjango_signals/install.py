"""Serve the import path that FastDjango documents: `from fastdjango.core.signals import ...`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

from fastdjango_signals.exceptions import InstallError

PATH = "fastdjango.core.signals"

_FRONT_DOOR = __name__.partition(".")[0]  # imports this module, so it is imported late


def install() -> None:
    """Make `fastdjango.core.signals` give this package's objects, with or without FastDjango.

    Call it before anything imports that path, at the top of the program. Calling it again
    changes nothing.

    Raises:
        InstallError: The path was imported already, so some code holds other signals.
    """
    present = sys.modules.get(PATH)
    if PATH in sys.modules and not isinstance(getattr(present, "__loader__", None), _SignalsLoader):
        raise InstallError(
            f"{PATH} is already imported (from {getattr(present, '__file__', 'no file')}), and "
            f"what imported it holds signals that are not these; call {_FRONT_DOOR}.install() "
            "first, at the top of the program's main module"
        )
    if not any(isinstance(finder, _SignalsFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _SignalsFinder())
        sys.meta_path.append(_ParentFinder())


class _SignalsFinder(MetaPathFinder):
    """Stands first, and finds the module even where FastDjango has its own."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != PATH:
            return None
        return ModuleSpec(fullname, _SignalsLoader(), origin=_FRONT_DOOR)


class _SignalsLoader(Loader):
    def exec_module(self, module: ModuleType) -> None:
        package = import_module(_FRONT_DOOR)
        module.__doc__ = package.__doc__
        vars(module).update({name: getattr(package, name) for name in package.__all__})
        vars(module)["__all__"] = list(package.__all__)


class _ParentFinder(MetaPathFinder):
    """Stands last, and finds the packages above the module where there is no FastDjango."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not PATH.startswith(f"{fullname}."):
            return None
        return ModuleSpec(fullname, _EmptyLoader(), origin=_FRONT_DOOR, is_package=True)


class _EmptyLoader(Loader):
    def exec_module(self, module: ModuleType) -> None:
        """Leave the package empty."""
