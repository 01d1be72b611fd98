"""What is released: the source distribution, and the wheel that is built of it."""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

import fastdjango_signals
from tests.packaging.archives import ROOT, Alone, Archives, build

REPOSITORY = "https://github.com/fastdjango-signals/fastdjango-signals"
RAW = "https://raw.githubusercontent.com/fastdjango-signals/fastdjango-signals"
TAG = f"v{fastdjango_signals.__version__}"

FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]*)\)")

TRY_EVERY_MODULE = """
import importlib, json, pkgutil
import fastdjango_signals

refused = {}
for found in pkgutil.walk_packages(
    fastdjango_signals.__path__, "fastdjango_signals.", onerror=lambda name: None
):
    if not found.name.endswith(".__main__"):
        try:
            importlib.import_module(found.name)
        except ImportError as error:
            refused[found.name] = str(error)
print(json.dumps(refused))
"""

A_TEST_OF_A_USER = """
from fastdjango_signals import Signal

placed = Signal(["order"])


async def placing() -> None:
    await placed.send(None, order=1)


def test_placing(captured) -> None:
    import asyncio

    seen = captured(placed)
    asyncio.run(placing())
    seen.assert_sent_once(order=1)
"""


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> Archives:
    return build(tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def alone(archives: Archives, tmp_path_factory: pytest.TempPathFactory) -> Alone:
    return Alone(archives, tmp_path_factory.mktemp("alone") / "site")


@pytest.mark.skipif(
    not (ROOT / ".git").exists() or shutil.which("git") is None,
    reason="git knows which files there are",
)
def test_the_sdist_has_every_file_of_the_repository(archives: Archives) -> None:
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=True)
    files = {name for name in listed.stdout.split("\0") if name and (ROOT / name).exists()}

    files = {name for name in files if not name.startswith((".ci/", ".github/"))}
    assert archives.files_of_sdist() == files | {"PKG-INFO"}


def test_the_wheel_has_the_package_its_stubs_and_the_plugin_and_nothing_else(
    archives: Archives,
) -> None:
    sources = archives.files_of_sdist()
    package = {name for name in sources if name.startswith("fastdjango_signals/")}
    stubs = {name.removeprefix("stubs/") for name in sources if name.startswith("stubs/")}
    about = f"fastdjango_signals-{fastdjango_signals.__version__}.dist-info"
    files = ("METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE")

    assert {"fastdjango_signals/py.typed", "fastdjango_signals/cli/__main__.py"} <= package
    assert {"fastdjango-stubs/py.typed", "fastdjango-stubs/core/signals.pyi"} <= stubs
    assert archives.files_of_wheel() == {
        *package,
        *stubs,
        "pytest_fastdjango_signals.py",
        *(f"{about}/{name}" for name in files),
    }


def test_they_are_the_same_each_time(archives: Archives, tmp_path: Path) -> None:
    again = build(tmp_path)

    assert again.sdist.read_bytes() == archives.sdist.read_bytes()
    assert again.wheel.read_bytes() == archives.wheel.read_bytes()


def test_the_version_is_that_of_the_package(archives: Archives) -> None:
    assert archives.metadata()["Version"] == fastdjango_signals.__version__
    assert archives.sdist.name == f"fastdjango_signals-{fastdjango_signals.__version__}.tar.gz"


def test_the_licence_is_named_and_enclosed(archives: Archives) -> None:
    metadata = archives.metadata()

    assert (metadata["License-Expression"], metadata["License-File"]) == ("MIT", "LICENSE")


def test_the_supported_pythons_are_those_of_the_test_runs(archives: Archives) -> None:
    metadata = archives.metadata()
    classified = re.findall(
        r"Python :: (3\.\d+)$", "\n".join(metadata.get_all("Classifier", [])), re.MULTILINE
    )
    source = (ROOT / "noxfile.py").read_text(encoding="utf-8")
    (tested,) = re.findall(r"^PYTHONS = (.*)$", source, re.MULTILINE)

    assert classified == ast.literal_eval(tested)
    assert metadata["Requires-Python"] == f">={classified[0]}"


def test_the_description_has_no_link_that_leads_nowhere(archives: Archives) -> None:
    description = str(archives.metadata().get_payload())
    links = LINK.findall(FENCED.sub("", description))

    for link in links:
        assert link.startswith(("https://", "#")), link
        for folder in (f"{REPOSITORY}/blob/{TAG}/", f"{RAW}/{TAG}/"):
            if link.startswith(folder):
                assert (ROOT / link.removeprefix(folder).partition("#")[0]).is_file(), link
    assert f"{REPOSITORY}/blob/{TAG}/LICENSE" in links
    assert f"{RAW}/{TAG}/docs/benchmarks.svg" in links


def test_the_urls_lead_to_files_of_the_repository(archives: Archives) -> None:
    urls = dict(line.split(", ") for line in archives.metadata().get_all("Project-URL", []))

    assert {"Homepage", "Documentation", "Source", "Changelog", "Issues"} <= set(urls)
    for url in urls.values():
        if url.startswith(f"{REPOSITORY}/blob/main/"):
            assert (ROOT / url.removeprefix(f"{REPOSITORY}/blob/main/")).is_file(), url


def test_the_wheel_alone_has_the_version_that_it_says(alone: Alone) -> None:
    ran = alone.run(
        "from importlib.metadata import version\n"
        "import fastdjango_signals\n"
        "print(version('fastdjango-signals'), fastdjango_signals.__version__)"
    )

    version = fastdjango_signals.__version__
    assert (ran.stdout, ran.stderr) == (f"{version} {version}\n", "")


def test_the_wheel_needs_pydantic_and_typing_extensions_alone(alone: Alone) -> None:
    assert alone.distributions == {
        "annotated-types",
        "pydantic",
        "pydantic-core",
        "typing-extensions",
        "typing-inspection",
    }


def test_a_module_whose_library_is_missing_names_the_extra(
    alone: Alone, archives: Archives
) -> None:
    ran = alone.run(TRY_EVERY_MODULE)
    assert ran.stderr == ""
    # Those of the command line are imported by its `main` only, which says it for all of them;
    # the plugin is imported by mypy, and the forwarding of events by relay.outbox.
    behind = ("fastdjango_signals.cli.", "fastdjango_signals.mypy")
    refused = {
        name: message
        for name, message in json.loads(ran.stdout).items()
        if not name.startswith(behind) and name != "fastdjango_signals.relay.forwarding"
    }
    extras = set(archives.metadata().get_all("Provides-Extra", []))

    assert "fastdjango_signals.integrations.django" in refused
    assert "fastdjango_signals.relay.nats" in refused
    for name, message in refused.items():
        named = re.search(r'pip install "fastdjango-signals\[([\w-]+)\]"$', message)
        assert named is not None, f"{name}: {message}"
        assert named[1] in extras, f"{name}: {message}"


def test_the_command_without_its_libraries_names_the_extra(
    alone: Alone, archives: Archives
) -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["scripts"]
    module, _, function = scripts["fastdjango-signals"].partition(":")
    ran = alone.run(f"import {module} as module; module.{function}()")

    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.endswith('install it with: pip install "fastdjango-signals[cli]"\n')
    assert ran.stderr.count("\n") == 1


def test_pytest_finds_the_plugin_of_the_wheel(archives: Archives, tmp_path: Path) -> None:
    alone = Alone(archives, tmp_path / "site", "pytest")
    (tmp_path / "test_shop.py").write_text(A_TEST_OF_A_USER, encoding="utf-8")
    ran = alone.run(
        "import runpy; runpy.run_module('pytest', run_name='__main__')",
        *("-q", "-p", "no:cacheprovider", "test_shop.py"),
    )

    assert "1 passed" in ran.stdout, ran.stdout + ran.stderr
