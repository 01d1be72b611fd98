"""Colours of the page: each text can be read on each ground that it may stand on."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import fastdjango_signals

STYLE = Path(fastdjango_signals.__file__).parent / "inspector" / "static" / "style.css"
ENOUGH = 4.5  # what WCAG 2 asks for at level AA

PAIRS = [
    *((text, ground) for text in ("text", "quiet", "accent") for ground in ("ground", "paper")),
    *((text, ground) for text in ("text", "quiet") for ground in ("raised", "plain-ground")),
    *((text, ground) for text in ("text", "quiet", "bad") for ground in ("bad-ground",)),
    ("bad", "ground"),
    ("wait", "wait-ground"),
    ("wait", "raised"),
    ("late", "late-ground"),
]


def colours(scheme: str) -> dict[str, str]:
    light, dark = re.findall(r":root \{(.*?)\}", STYLE.read_text(encoding="utf-8"), re.DOTALL)[:2]
    found = dict(re.findall(r"--([\w-]+): (#\w+);", light))
    return found | (dict(re.findall(r"--([\w-]+): (#\w+);", dark)) if scheme == "dark" else {})


def luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(each * 2 for each in colour[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), PAIRS)
def test_text_can_be_read(scheme: str, text: str, ground: str) -> None:
    chosen = colours(scheme)
    dark, light = sorted([luminance(chosen[text]), luminance(chosen[ground])])
    assert (light + 0.05) / (dark + 0.05) >= ENOUGH
