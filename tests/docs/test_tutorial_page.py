"""docs/tutorial/in-a-program.md shows what mypy says of it."""

import re
from pathlib import Path

import pytest

from tests.mypy_plugin.runs import SETTINGS, mypy

PAGE = Path(__file__).parents[2] / "docs" / "tutorial" / "in-a-program.md"


@pytest.mark.slow
def test_mypy_says_just_what_the_page_shows(tmp_path: Path) -> None:
    page = PAGE.read_text("utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    (tmp_path / "shop.py").write_text("\n".join(blocks), "utf-8")
    SETTINGS["alone"].write(tmp_path)
    with (tmp_path / "mypy.ini").open("a", encoding="utf-8") as settings:
        settings.write("disable_error_code = top-level-await\n")

    said = [line for line in mypy(tmp_path) if ": error:" in line]

    assert said == re.findall(r"^shop\.py:.*$", page, re.MULTILINE)
