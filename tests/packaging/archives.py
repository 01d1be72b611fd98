"""Build what is released, and open it."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
import zipfile
from email import message_from_string
from email.message import Message
from importlib.metadata import distribution
from pathlib import Path
from typing import NamedTuple

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]


class Archives(NamedTuple):
    """The source distribution and the wheel that was built of it."""

    sdist: Path
    wheel: Path

    def files_of_sdist(self) -> set[str]:
        with tarfile.open(self.sdist) as archive:
            return {name.partition("/")[2] for name in archive.getnames()}

    def files_of_wheel(self) -> set[str]:
        with zipfile.ZipFile(self.wheel) as archive:
            return set(archive.namelist())

    def metadata(self) -> Message:
        with zipfile.ZipFile(self.wheel) as archive:
            (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
            return message_from_string(archive.read(name).decode("utf-8"))


def build(place: Path) -> Archives:
    """Build with what is installed, so that no network is needed."""
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(place), str(ROOT)]
    built = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    if built.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{built.stdout}{built.stderr}")
    (sdist,), (wheel,) = place.glob("*.tar.gz"), place.glob("*.whl")
    return Archives(sdist, wheel)


class Alone:
    """A Python that sees the wheel, and what it needs, and nothing else that is installed here.

    Args:
        archives: What was built.
        site: A new folder, which becomes its site-packages.
        more: Other distributions that it shall see, with what they need.
    """

    def __init__(self, archives: Archives, site: Path, *more: str) -> None:
        self.site = site
        with zipfile.ZipFile(archives.wheel) as archive:
            archive.extractall(site)
        needed = _names(archives.metadata().get_all("Requires-Dist", []))
        self.distributions: set[str] = set()
        for name in [*needed, *more]:
            self._link(name)

    def _link(self, name: str) -> None:
        if name in self.distributions:
            return
        self.distributions.add(name)
        found = distribution(name)
        tops = {file.parts[0] for file in found.files or ()} - {"..", "__pycache__"}
        for top in tops:
            (self.site / top).symlink_to(str(found.locate_file(top)))
        for further in _names(found.requires or []):
            self._link(further)

    def run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a program; -I and -S hide all that is installed."""
        start = f"import sys; sys.path.insert(0, {str(self.site)!r})\n"
        return subprocess.run(
            [sys.executable, "-I", "-S", "-W", "error", "-c", start + program, *arguments],
            capture_output=True,
            encoding="utf-8",
            cwd=self.site.parent,
            timeout=60,
            check=False,
        )


def _names(requirements: list[str]) -> list[str]:
    """Return the distributions that are needed here, without any extra."""
    found = map(Requirement, requirements)
    return [
        re.sub(r"[-_.]+", "-", each.name).lower()
        for each in found
        if each.marker is None or each.marker.evaluate({"extra": ""})
    ]
