"""The pages are found, link to what exists, and leave out nothing that they list."""

import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import fastdjango_signals
from fastdjango_signals import observers, relay, testing

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])

FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?P<target>[^)#\s]*)(?:#(?P<anchor>[^)\s]+))?\)")
PYTHON_BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def links(page: Path) -> list[tuple[str, str]]:
    """Return the targets of a page's links, each with its anchor."""
    prose = FENCED.sub("", read(page))
    return [(match["target"], match["anchor"] or "") for match in LINK.finditer(prose)]


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", read(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in headings}


def test_the_first_example_of_the_readme_runs_alone(tmp_path: Path) -> None:
    program = PYTHON_BLOCK.findall(read(ROOT / "README.md"))[0]
    assert len([line for line in program.splitlines() if line]) <= 15
    (tmp_path / "shop.py").write_text(program, encoding="utf-8")
    finished = subprocess.run(
        [sys.executable, "-W", "error", "shop.py"],
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert (finished.returncode, finished.stderr) == (0, "")
    assert finished.stdout == "Order 1: a mail goes to ada@example.com\n"


def test_the_index_links_every_page() -> None:
    linked = {target for target, _ in links(DOCS / "README.md")}
    pages = {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")} - {"README.md"}
    assert linked == pages


def test_the_site_has_the_pages_of_the_index_in_the_same_order() -> None:
    _, _, nav = read(ROOT / "mkdocs.yml").partition("\nnav:\n")
    linked = [target for target, _ in links(DOCS / "README.md")]
    assert re.findall(r"[\w/-]+\.md", nav) == ["README.md", *linked]


@pytest.mark.parametrize(
    ("page", "module"),
    [
        ("package.md", fastdjango_signals),
        ("observers.md", observers),
        ("relay.md", relay),
        ("testing.md", testing),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_reference_has_every_public_name(page: str, module: ModuleType) -> None:
    text = read(DOCS / "reference" / "api" / page)
    shown = re.findall(rf"^::: {module.__name__}\.(?:\w+\.)?(\w+)$", text, re.MULTILINE)
    assert set(module.__all__) <= set(shown)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_leads_somewhere(page: Path) -> None:
    for target, anchor in links(page):
        if not target.startswith("https://"):
            found = page.parent / target if target else page
            assert found.exists(), target
            assert not anchor or anchor in anchors(found), f"{target}#{anchor}"


def test_the_errors_page_has_every_error() -> None:
    page = read(DOCS / "reference" / "errors.md")
    errors = {
        name
        for name in fastdjango_signals.__all__
        if name.endswith("Error") and name != "SignalError"
    }
    assert errors <= set(re.findall(r"^## (\w+)$", page, re.MULTILINE))


def test_the_reference_has_every_option_of_connect() -> None:
    page = read(DOCS / "reference" / "signal.md")
    options = fastdjango_signals.ConnectOptions.__optional_keys__
    assert {name for name in options if f"| `{name}` |" in page} == options


def test_the_readme_has_every_field_of_the_built_in_signals() -> None:
    rows = [line.split("|")[1:3] for line in read(ROOT / "README.md").splitlines() if "|" in line]
    table = {
        name: re.findall(r"`(\w+)`", fields)
        for names, fields in rows
        for name in re.findall(r"`(\w+)`", names)
    }
    for signal in fastdjango_signals.all_signals():
        package, _, name = signal.name.partition(".")
        if package == "fastdjango_signals":
            assert table[name] == list(signal.providing_args.model_fields)


def test_the_floor_plan_has_every_module() -> None:
    plan = read(ROOT / "CONTRIBUTING.md")
    modules = [path.name for path in (ROOT / "fastdjango_signals").glob("*.py")]
    assert [name for name in modules if name not in plan] == []


def test_every_known_failure_has_its_test() -> None:
    page = read(DOCS / "explanation" / "known-failures.md")
    named = re.findall(r"`(test_\w+)`", page)
    folders = [ROOT / "tests" / name for name in ("core", "integrations", "relay")]
    tests = "".join(read(path) for folder in folders for path in folder.glob("test_*.py"))
    assert len(named) > 25
    assert [name for name in named if f"def {name}(" not in tests] == []
