"""Run the tests on every supported Python, and on the bare wheel: `make test-all`."""

import os
import shutil
from pathlib import Path

import nox

PYTHONS = ["3.11", "3.12", "3.13"]
# The plugin supports these, and what lies between them and the version in constraints.txt.
MYPYS = ["1.20.0", "1.20.2", "2.0.0"]

nox.needs_version = ">=2025.5.1"
nox.options.sessions = ["tests", "bare", "plugin", "django"]
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


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Run the core's tests."""
    session.install("-c", "constraints.txt", "-e", ".[test]")
    session.run("python", "-m", "pytest", *(session.posargs or ["tests/core"]))


@nox.session
def bare(session: nox.Session) -> None:
    """Run the core's tests against the built wheel, with no extra installed."""
    place = Path(session.create_tmp())
    wheels = place / "wheels"
    shutil.rmtree(wheels, ignore_errors=True)
    session.run("python", "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(wheels), ".")
    (wheel,) = wheels.glob("*.whl")
    session.install("-c", "constraints.txt", str(wheel), "pytest", "pytest-asyncio", "hypothesis")

    # Away from the work tree, so that only the wheel can be imported.
    away = place / "away"
    shutil.rmtree(away, ignore_errors=True)
    shutil.copytree("tests/core", away / "tests" / "core")
    shutil.copy("pyproject.toml", away)
    session.chdir(away)
    session.run("python", "-m", "pytest", "tests/core")


@nox.session
@nox.parametrize("mypy", MYPYS)
def plugin(session: nox.Session, mypy: str) -> None:
    """Run the tests of the mypy plugin with other versions of mypy."""
    constraints = Path(session.create_tmp()) / "constraints.txt"
    pinned = Path("constraints.txt").read_text("utf-8").replace("mypy==", "# mypy==")
    constraints.write_text(pinned, "utf-8")
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
