"""The libraries that only the integrations need: what to install, and in which versions."""

from __future__ import annotations

import re
from collections.abc import Generator
from contextlib import contextmanager
from importlib.metadata import version

from fastdjango_signals.exceptions import InstallError

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


def _dotted(numbers: tuple[int, int]) -> str:
    return ".".join(map(str, numbers))
