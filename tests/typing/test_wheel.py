"""What is shipped is typed, for both import paths."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from tests.typing.checkers import CHECKERS
from tests.typing.markers import read_case
from tests.typing.verdicts import mistakes

PROGRAM = """
from typing import Any

from fastdjango.core.signals import post_save
from typing_extensions import assert_type

from fastdjango_signals import PostSave


async def main() -> None:
    assert_type(post_save.providing_args, type[PostSave[Any]])
    await post_save.send(sender=None, instance=None, created=True)
    await post_save.send(sender=None, instance=None)  # E
"""


def test_the_package_says_that_it_is_typed(repository: Path) -> None:
    assert (repository / "fastdjango_signals" / "py.typed").read_text("utf-8") == ""


def test_the_stubs_say_that_they_are_partial(repository: Path) -> None:
    marker = repository / "stubs" / "fastdjango-stubs" / "py.typed"
    assert marker.read_text("utf-8") == "partial\n"


def pip(*arguments: str | Path) -> None:
    subprocess.run([sys.executable, "-m", "pip", *map(str, arguments)], check=True)


def environment_with_the_wheel(repository: Path, folder: Path) -> Path:
    """Return the Python of an environment that has the wheel, and all else but this repository."""
    pip("wheel", "--quiet", "--no-deps", "--wheel-dir", folder / "wheels", repository)
    (wheel,) = (folder / "wheels").glob("*.whl")
    environment = folder / "environment"
    venv.create(environment)
    python = environment / "bin" / "python"
    pip("--python", python, "install", "--quiet", "--no-deps", "--no-index", wheel)
    # A .pth file in a folder that another one adds is not read: nothing editable is seen.
    (site_packages,) = environment.glob("lib/python*/site-packages")
    (site_packages / "others.pth").write_text(sysconfig.get_path("purelib") + "\n", "utf-8")
    return python


@pytest.mark.slow
def test_an_installed_wheel_shows_its_types_to_every_checker(
    repository: Path, tmp_path: Path
) -> None:
    python = environment_with_the_wheel(repository, tmp_path)
    program = tmp_path / "program"
    program.mkdir()
    (program / "main.py").write_text(PROGRAM, "utf-8")
    case = read_case(program / "main.py")
    for kind in CHECKERS:
        problems = kind(python=str(python), stubs=None).judge(program)
        assert mistakes(case, kind.name, problems) == []
