"""Run the tests on every supported Python, and on the bare wheel: `make test-all`."""

import os
import re
import shutil
from pathlib import Path

import nox

PYTHONS = ["3.11", "3.12", "3.13"]
# The plugin supports these, and what lies between them and the version in constraints.txt.
MYPYS = ["1.20.0", "1.20.2", "2.0.0"]

# All that the core's tests need.
RUNNERS = ["pytest", "pytest-asyncio", "hypothesis"]

nox.needs_version = ">=2025.5.1"
nox.options.sessions = ["tests", "bare", "lowest", "plugin", "django"]
# A Python that is not on this machine is named as skipped in the summary.
nox.options.error_on_missing_interpreters = False


def pyenv_folders() -> list[str]:
    """Return where pyenv keeps the newest of each Python: its shims hide all but one."""
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    folders = []
    for python in PYTHONS:
        patches = [path.name.rpartition(".")[2] for path in versions.glob(f"{python}.*")]
        released = [int(patch) for patch in patches if patch.isdigit()]
        if released:
            folders.append(str(versions / f"{python}.{max(released)}" / "bin"))
    return folders


os.environ["PATH"] = os.pathsep.join([*pyenv_folders(), os.environ["PATH"]])


def built_wheel(session: nox.Session) -> Path:
    """Build the source distribution, and of that, as an installer would, the wheel."""
    dist = Path(session.create_tmp()) / "dist"
    shutil.rmtree(dist, ignore_errors=True)
    session.install("-c", "constraints.txt", "build")
    session.run("python", "-m", "build", "--outdir", str(dist), silent=True)
    (wheel,) = dist.glob("*.whl")
    return wheel


def test_away(session: nox.Session) -> None:
    """Run the core's tests away from the work tree, so that only the wheel can be imported."""
    away = Path(session.create_tmp()) / "away"
    shutil.rmtree(away, ignore_errors=True)
    shutil.copytree("tests/core", away / "tests" / "core")
    shutil.copy("pyproject.toml", away)
    session.chdir(away)
    session.run("python", "-m", "pytest", "tests/core")


def constraints_without(session: nox.Session, needed: list[str]) -> Path:
    """Return a copy of constraints.txt that leaves these libraries open."""
    names = "|".join(re.escape(re.split(r"[<>=\[]", line)[0]) for line in needed)
    pinned = Path("constraints.txt").read_text("utf-8")
    constraints = Path(session.create_tmp()) / "constraints.txt"
    constraints.write_text(re.sub(rf"(?m)^({names})==.*\n", "", pinned), "utf-8")
    return constraints


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Run the core's tests."""
    session.install("-c", "constraints.txt", "-e", ".[test]")
    session.run("python", "-m", "pytest", *(session.posargs or ["tests/core"]))


@nox.session
def bare(session: nox.Session) -> None:
    """Run the core's tests against the built wheel, with no extra installed."""
    wheel = built_wheel(session)
    session.install("-c", "constraints.txt", str(wheel), *RUNNERS)
    test_away(session)


@nox.session(python=PYTHONS[0])
def lowest(session: nox.Session) -> None:
    """Run the core's tests against the built wheel, with the oldest of what it needs."""
    needed = nox.project.load_toml("pyproject.toml")["project"]["dependencies"]
    oldest = [re.sub(r">=([\d.]+).*", r"==\1", line) for line in needed]
    wheel = built_wheel(session)
    session.install("-c", str(constraints_without(session, needed)), str(wheel), *oldest, *RUNNERS)
    test_away(session)


@nox.session
@nox.parametrize("mypy", MYPYS)
def plugin(session: nox.Session, mypy: str) -> None:
    """Run the tests of the mypy plugin with other versions of mypy."""
    constraints = constraints_without(session, ["mypy"])
    session.install("-c", str(constraints), "-e", ".[test,tortoise]", "rich", f"mypy=={mypy}")
    session.run("python", "-m", "pytest", *(session.posargs or ["tests/mypy_plugin"]))


@nox.session(python="3.12")
def django(session: nox.Session) -> None:
    """Run the tests of the Django integration with Django 6, which needs Python 3.12."""
    session.install("-c", "constraints.txt", "-e", ".[integrations,test]", "rich")
    files = sorted(str(path) for path in Path("tests/integrations").glob("test_django*.py"))
    everything = [*files, "tests/integrations/test_contract.py", "docs/how-to/django.md"]
    chosen = session.posargs or [*everything, "-k", "django or Django"]
    session.run("python", "-m", "pytest", *chosen)
