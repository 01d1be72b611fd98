"""docs/how-to/mypy-plugin.md shows what mypy says, with the plugin and without it."""

import re
from pathlib import Path

import pytest

from tests.mypy_plugin.runs import SETTINGS, Setting, mypy

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "how-to" / "mypy-plugin.md").read_text("utf-8")
PROGRAM = "\n".join(re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
SHOWN = re.compile(
    r"^```shell-session\n\$ mypy --strict shop\.py(?P<without>  # without the plugin)?\n"
    r"(?P<lines>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


def _shown(*, without: bool) -> list[str]:
    blocks = [each for each in SHOWN.finditer(PAGE) if bool(each["without"]) == without]
    return [line for block in blocks for line in block["lines"].splitlines()]


def _mypy(folder: Path, setting: Setting) -> list[str]:
    # mypy knows "await" inside of functions alone.
    program = re.sub(
        r"= await ", "= ", PROGRAM.replace("confirmation: str", "confirmation: object")
    )
    (folder / "shop.py").write_text(program, "utf-8")
    setting.write(folder)
    return mypy(folder)


@pytest.mark.slow
def test_with_the_plugin_mypy_says_just_what_the_page_shows(tmp_path: Path) -> None:
    said = _mypy(tmp_path, SETTINGS["alone"])
    assert [line for line in said if ": error:" in line] == _shown(without=False)


@pytest.mark.slow
def test_without_it_mypy_says_what_the_page_shows(tmp_path: Path) -> None:
    said, shown = _mypy(tmp_path, Setting(plugins=())), _shown(without=True)
    assert shown
    assert said[: len(shown)] == shown
