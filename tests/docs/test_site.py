"""The site is built without warnings, and a build that should fail does (`make docs`).

A whole build takes some five seconds, so it is a test, and not left to `make docs`.
"""

import shutil
from pathlib import Path

import pytest

from tools.build_docs import ROOT, build, problems

HONEST = "# Shop\n\n[Here](#shop), and in [another page](other.md#orders).\n"
OTHER = "# Orders\n\n::: shop.place\n"
MODULE = '''
def place(order_id: int) -> None:
    """Place an order.

    Args:
        order_id: Its number.
    """
'''

# What is put into which file, and what is said of it.
LIES = {
    "a page that does not exist": ("docs/README.md", "[Gone](gone.md)", "page does not exist"),
    "a heading that does not exist": ("docs/README.md", "[Gone](other.md#gone)", "anchor"),
    "a name that does not exist": ("docs/other.md", "::: shop.refund", "shop.refund"),
    "a docstring that names another parameter": (
        "shop.py",
        MODULE.replace("place", "ship").replace("order_id: Its", "id: Its"),
        "griffe: shop.py",
    ),
    "a file outside of the pages": ("docs/README.md", "[Code](../shop.py)", "not in the site"),
    "a script from elsewhere": (
        "docs/README.md",
        '<script src="https://example.com/a.js"></script>',
        "is loaded from elsewhere",
    ),
    "a path of this machine": ("docs/README.md", "`{folder}`", "has a path of this machine"),
}


def _said(folder: Path) -> str:
    return build(folder) or "\n".join(problems(folder / "site"))


@pytest.mark.slow
def test_the_site_is_built_without_a_warning(tmp_path: Path) -> None:
    shutil.copy(ROOT / "mkdocs.yml", tmp_path)
    for name in ("docs", "fastdjango_signals"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    assert _said(tmp_path) == ""
    assert (tmp_path / "site" / "index.html").is_file()


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Return a folder with two pages and a module, under the settings of the real ones."""
    settings = (ROOT / "mkdocs.yml").read_text("utf-8").partition("\nnav:\n")[0]
    (tmp_path / "mkdocs.yml").write_text(settings, "utf-8")
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "README.md").write_text(HONEST, "utf-8")
    (tmp_path / "docs" / "other.md").write_text(OTHER, "utf-8")
    (tmp_path / "shop.py").write_text(MODULE, "utf-8")
    return tmp_path


@pytest.mark.slow
def test_a_small_site_is_built_without_a_warning(small: Path) -> None:
    assert _said(small) == ""


@pytest.mark.slow
@pytest.mark.parametrize("lie", LIES)
def test_a_site_is_refused_for(lie: str, small: Path) -> None:
    name, text, said = LIES[lie]
    with (small / name).open("a", encoding="utf-8") as file:
        file.write(f"\n{text.replace('{folder}', str(small))}\n")
    if name == "shop.py":
        (small / "docs" / "other.md").write_text(f"{OTHER}\n::: shop.ship\n", "utf-8")
    assert said in _said(small)
