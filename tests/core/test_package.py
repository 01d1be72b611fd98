"""The package as a whole: what it loads, exports and ships."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import requires
from pathlib import Path

import fastdjango_signals
from fastdjango_signals import exceptions

FOLDER = Path(fastdjango_signals.__file__).parent


def test_the_public_names_are_sorted_and_exist() -> None:
    assert fastdjango_signals.__all__ == sorted(fastdjango_signals.__all__)
    assert all(hasattr(fastdjango_signals, name) for name in fastdjango_signals.__all__)


def test_every_public_name_is_exported() -> None:
    imported = {
        name
        for name, value in vars(fastdjango_signals).items()
        if not name.startswith("_") and type(value) is not type(sys)
    }
    assert imported == set(fastdjango_signals.__all__)


def test_every_public_name_has_a_docstring() -> None:
    for name in fastdjango_signals.__all__:
        value = getattr(fastdjango_signals, name)
        assert value.__doc__, name


def test_errors_are_one_family() -> None:
    family = [
        value
        for value in vars(exceptions).values()
        if isinstance(value, type) and value.__module__ == exceptions.__name__
    ]

    assert all(issubclass(each, exceptions.SignalError) for each in family)
    assert all(each.__name__.endswith("Error") for each in family)
    assert {each.__name__ for each in family} <= set(fastdjango_signals.__all__)


def test_importing_loads_pydantic_and_typing_extensions_and_nothing_else() -> None:
    script = """
import sys
import pydantic, typing_extensions
from pydantic import BaseModel
class Model(BaseModel): x: int
before = set(sys.modules)
import fastdjango_signals
more = {name.partition(".")[0] for name in set(sys.modules) - before}
print(sorted(more - set(sys.stdlib_module_names)))
"""
    printed = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, check=True
    ).stdout

    known = {"fastdjango_signals", "pydantic", "pydantic_core", "typing_extensions"}
    known |= {"annotated_types", "typing_inspection"}
    assert set(re.findall(r"'(\w+)'", printed)) <= known


def test_the_package_needs_two_libraries() -> None:
    needed = [line for line in requires("fastdjango-signals") or [] if "extra ==" not in line]

    names = sorted(re.match(r"[\w-]+", line)[0] for line in needed)  # type: ignore[index]
    assert names == ["pydantic", "typing-extensions"]


def test_the_package_is_marked_as_typed() -> None:
    assert (FOLDER / "py.typed").is_file()
