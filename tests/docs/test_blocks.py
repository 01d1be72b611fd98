"""The pages cannot lie: what conftest.py does with their blocks."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

HONEST = """
```python
import asyncio

print("one")
await asyncio.sleep(0)
print(__name__)
```

Text between does not matter.

```text
one
shop
```

```python
names = ["Ada"]
```

```python
names[1]
```

```text
IndexError: list index out of range
```

```python
import warnings

warnings.warn("mind", stacklevel=1)
```

```console
$ python -W ignore shop.py
```

```console
$ make test    # no Python before it, so it is not looked at
```
"""

LIES = {
    "the-output-differs": '```python\nprint("one")\n```\n\n```text\ntwo\n```\n',
    "the-output-is-not-shown": '```python\nprint("one")\n```\n',
    "the-failure-is-not-shown": "```python\n1 / 0\n```\n",
    "the-failure-is-another": "```python\n1 / 0\n```\n\n```text\nKeyError: 1\n```\n",
    "nothing-fails": "```python\n```\n\n```text\nKeyError: 1\n```\n",
    "an-output-follows-no-block": "```text\none\n```\n",
    "the-program-prints-something-else": (
        '```python\nprint("one")\n```\n\n```console\n$ python shop.py\ntwo\n```\n'
    ),
    "the-console-shows-no-program": "```python\n```\n\n```console\n$ make test\n```\n",
    "a-console-and-an-output-show-one-block": (
        '```python\nprint("one")\n```\n\n'
        "```console\n$ python shop.py\none\n```\n\n```text\none\n```\n"
    ),
}


def test_an_honest_page_passes_and_every_lie_is_found(tmp_path: Path) -> None:
    for name in ("conftest.py", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "README.md").write_text(HONEST, encoding="utf-8")
    (tmp_path / "docs").mkdir()
    for name, page in LIES.items():
        (tmp_path / "docs" / f"{name}.md").write_text(page, encoding="utf-8")

    options = ["-p", "no:cacheprovider", "--continue-on-collection-errors"]
    finished = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "README.md", "docs"],
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )

    summary = finished.stdout + finished.stderr
    found = re.findall(r"^(?:FAILED|ERROR) docs/([\w-]+)\.md", summary, re.MULTILINE)
    assert sorted(found) == sorted(LIES), summary
    assert "4 passed" in summary.splitlines()[-1], summary
