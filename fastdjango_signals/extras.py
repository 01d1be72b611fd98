"""What the integrations share: the libraries that they need, and what `install` is given."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any

from fastdjango_signals.exceptions import InstallError, SignalOptionError
from fastdjango_signals.places import name_of

_PACKAGE = __name__.partition(".")[0]


@contextmanager
def needs(library: str, *, extra: str) -> Generator[None, None, None]:
    """Say which extra to install, where an import in this block does not find the library.

    Args:
        library: The name of its top-level package.
        extra: The extra of this package that brings it.

    Raises:
        ImportError: The library is not installed. That of anything else comes out unchanged.
    """
    try:
        yield
    except ImportError as error:
        if (error.name or "").partition(".")[0] != library:
            raise
        raise ImportError(
            f"this integration needs {library}; "
            f'install it with: pip install "{_PACKAGE.replace("_", "-")}[{extra}]"',
            name=error.name,
        ) from error


def check_version(distribution: str, oldest: tuple[int, int], below: tuple[int, int]) -> None:
    """Raise where the version that is installed is not one that an integration was made for.

    Args:
        distribution: The library, by its name on PyPI.
        oldest: Major and minor number of the first version that will do.
        below: Of the first version that will not do any more.

    Raises:
        InstallError: It is older, or too new.
    """
    installed = version(distribution)
    numbers = tuple(map(int, re.findall(r"\d+", installed)[:2]))
    if not oldest <= numbers < below:
        raise InstallError(
            f"{distribution} {installed} is installed, and this integration is made for versions "
            f"from {_dotted(oldest)} and below {_dotted(below)}; install one of them: "
            f'pip install "{distribution}>={_dotted(oldest)},<{_dotted(below)}"'
        )


def check_models(chosen: Iterable[object], base: type, library: str) -> None:
    """Raise for what `install` is given, and is no model class of the library.

    Raises:
        SignalOptionError: One of them does not inherit from the base of all models.
    """
    for model in chosen:
        if not (isinstance(model, type) and issubclass(model, base)):
            raise SignalOptionError(
                f"install() is given {name_of(model)}, which is no {library} model class"
            )


def check_installed(chosen: Iterable[Any], is_installed: Callable[[Any], bool]) -> None:
    """Raise for what `uninstall` is given, and `install` was not.

    Raises:
        SignalOptionError: One of them is not installed by itself.
    """
    for target in chosen:
        if not is_installed(target):
            raise SignalOptionError(
                f"uninstall() is given {name_of(target)}, which install() was not; "
                "take back what was installed, or call uninstall() for everything"
            )


def _dotted(numbers: tuple[int, int]) -> str:
    return ".".join(map(str, numbers))
