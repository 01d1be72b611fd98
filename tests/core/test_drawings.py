"""The picture of a graph: everything has a place of its own, whatever it is called."""

from __future__ import annotations

from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest

from fastdjango_signals.drawings import Arrow, svg

SVG = "{http://www.w3.org/2000/svg}"
LETTER = 7.5  # at most, of the fonts that are asked for


def drawn(signals: list[str], arrows: list[Arrow]) -> ET.Element:
    return ET.fromstring("\n".join(svg(signals, arrows)))


def numbers(element: ET.Element, *names: str) -> list[float]:
    return [float(element.attrib[name]) for name in names]


@pytest.mark.parametrize("receivers", [1, 10, 60])
def test_nothing_overlaps_or_lies_outside(receivers: int) -> None:
    arrows = [
        Arrow(name, f"shop.{name * 9}.{number}", name * (number % 30), False)
        for name in ("a", "b")
        for number in range(receivers)
    ]

    picture = drawn(["a", "b", "c"], arrows)

    boxes = [numbers(each, "x", "y", "width", "height") for each in picture.iter(f"{SVG}rect")]
    for x, y, width, height in boxes:
        assert x + width < float(picture.attrib["width"])
        assert y + height < float(picture.attrib["height"])
    corners = {(x, y) for x, y, _, _ in boxes}
    assert len(corners) == len(boxes) == 2 * receivers + 3
    for column in {x for x, *_ in boxes}:
        for (_, above, _, height), (_, below, _, _) in pairwise(
            sorted(each for each in boxes if each[0] == column)
        ):
            assert above + height < below


def test_texts_fit_into_their_boxes_and_labels_between_them() -> None:
    names = ["shop.placed", "\u6ce8\u6587." * 30, "x" * 300]
    arrows = [Arrow(name, name[::-1], name, True) for name in names]

    picture = drawn(names, arrows)

    boxes = [numbers(each, "x", "width") for each in picture.iter(f"{SVG}rect")]
    (left, width), right = boxes[0], max(x for x, _ in boxes)
    for each in picture.iter(f"{SVG}text"):
        (x,) = numbers(each, "x")
        columns = sum(2 if letter > "\u3000" else 1 for letter in each.text or "")
        if each.get("class") == "label":
            assert left + width < x
            assert x + columns * LETTER < right
        else:
            assert any(start < x and x + columns * LETTER < start + wide for start, wide in boxes)


def test_of_a_long_name_the_end_is_drawn_and_the_rest_is_its_title() -> None:
    name = "a" * 90 + "b" * 90

    (text,) = drawn([name], []).iter(f"{SVG}text")

    assert text.text == "\u2026" + "a" * 9 + "b" * 90
    assert text.findtext(f"{SVG}title") == name


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("</text><script>alert(1)</script>", "</text><script>alert(1)</script>"),
        ("a & b ]]> \"'", "a & b ]]> \"'"),
        ("two\nlines\tof", "two lines of"),
        ("\x00\x1b[31m\ud800\ufffe", "\ufffd\ufffd[31m\ufffd\ufffd"),
        ("back\u202ewards", "back\ufffdwards"),
    ],
)
def test_hostile_names_are_text_and_nothing_else(name: str, shown: str) -> None:
    picture = drawn([name], [Arrow(name, name, name, False)])

    assert [each.text for each in picture.iter(f"{SVG}text")] == [shown] * 3
    assert {each.tag.removeprefix(SVG) for each in picture.iter()} == {
        *("svg", "style", "rect", "text", "path")
    }
    "\n".join(svg([name], [])).encode()


def test_without_signals_there_is_an_empty_picture() -> None:
    assert drawn([], []).findall(f"{SVG}rect") == []
