"""A picture of signals and receivers, as SVG: two columns, with arrows from left to right.

Each signal has rows of its own, so that no two arrows cross; a receiver of two signals is drawn
twice. `graph --format dot` is for who wants another layout, and has Graphviz.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from unicodedata import category, east_asian_width
from xml.sax.saxutils import escape

_ROW = 44
_BOX = 28
_BETWEEN = 28  # the rows of one signal and those of the next
_LETTER = 7.5  # of a monospaced font of 12 pixels; none of those below is wider
_MARGIN = 12
_CORNER = 8
_COLUMNS = 100  # of the longest text that is drawn whole
_LONGEST = 1000  # letters of one that a pointer brings up

STYLE = (
    ":root { color-scheme: light dark }"
    " text { font: 12px ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono',"
    " monospace; fill: #1f2733; dominant-baseline: central }"
    " rect { fill: #fff; stroke: #b8c2cf } .signal { fill: #e3edfb; stroke: #7fa6dc }"
    " path { fill: none; stroke: #8794a5; stroke-linecap: round; stroke-linejoin: round }"
    " .dashed { stroke-dasharray: 5 4 } .label { fill: #566377 }"
    " @media (prefers-color-scheme: dark) { text { fill: #e4e9f0 }"
    " rect { fill: #1c232d; stroke: #465264 } .signal { fill: #1d3454; stroke: #4d7ab8 }"
    " path { stroke: #7a8798 } .label { fill: #a3afbf } }"
)
"""How it looks, in light and in dark surroundings. A page may have to allow it by its hash."""


@dataclass(frozen=True, slots=True)
class Arrow:
    """One connection.

    Attributes:
        signal: The name of the signal.
        receiver: The name of the receiver.
        label: The sender; None for every sender.
        is_dashed: Whether the receiver waits for the commit.
    """

    signal: str
    receiver: str
    label: str | None
    is_dashed: bool


def svg(signals: Sequence[str], arrows: Sequence[Arrow]) -> Iterator[str]:
    """Return the lines of a picture of these signals, from the top in this order."""
    left = _width(signals)
    labels = [arrow.label for arrow in arrows if arrow.label]
    middle = _width(labels) + 40 if labels else 72
    right = _width([arrow.receiver for arrow in arrows])
    start, end = _MARGIN + left, _MARGIN + left + middle
    calls_of: defaultdict[str, list[Arrow]] = defaultdict(list)
    for arrow in arrows:
        calls_of[arrow.signal].append(arrow)
    rows = [(name, calls_of[name]) for name in signals]
    height = sum(map(_height, rows)) + 2 * _MARGIN - (_BETWEEN if rows else 0)
    width = end + right + _MARGIN
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{height:g}" '
        f'viewBox="0 0 {width:g} {height:g}">'
    )
    yield f"<style>{STYLE}</style>"
    top: float = _MARGIN
    for name, calls in rows:
        yield from _box(name, _MARGIN, top, left, "signal")
        yield from _arrows(calls, start, end, top + _BOX / 2)
        for row, arrow in enumerate(calls):
            yield from _box(arrow.receiver, end, top + row * _ROW, right, "receiver")
        top += _height((name, calls))
    yield "</svg>"


def _height(row: tuple[str, Sequence[Arrow]]) -> float:
    return (max(len(row[1]), 1) - 1) * _ROW + _BOX + _BETWEEN


def _width(texts: Sequence[str]) -> float:
    return max(map(_columns, map(_drawn, texts)), default=0) * _LETTER + 2 * _MARGIN


def _columns(text: str) -> int:
    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in text)


def _drawn(text: str) -> str:
    """Return what is drawn of a text: of a long one its end, since names differ there."""
    shown = _flat(text[-_COLUMNS:])
    while _columns(shown) > _COLUMNS:
        shown = shown[1:]
    return shown if len(shown) == len(text) else f"\u2026{shown[1:]}"


def _flat(text: str) -> str:
    """Return a text as one line, of what XML can hold and nothing invisible."""
    return "".join(
        " " if letter.isspace() else "\ufffd" if category(letter).startswith("C") else letter
        for letter in text
    )


def _text(text: str, x: float, y: float, kind: str = "") -> str:
    shown = _drawn(text)
    is_whole = len(shown) == len(text)
    title = "" if is_whole else f"<title>{escape(_flat(text[-_LONGEST:]))}</title>"
    return f'<text{kind} x="{x:g}" y="{y:g}">{escape(shown)}{title}</text>'


def _box(text: str, x: float, y: float, width: float, kind: str) -> Iterator[str]:
    yield f'<rect class="{kind}" x="{x:g}" y="{y:g}" width="{width:g}" height="{_BOX}" rx="6"/>'
    yield _text(text, x + _MARGIN, y + _BOX / 2)


def _arrows(calls: Sequence[Arrow], start: float, end: float, above: float) -> Iterator[str]:
    """Draw one line down, and from there one to each receiver."""
    turn = start + _MARGIN
    if len(calls) > 1:
        below = above + (len(calls) - 1) * _ROW - _CORNER
        yield f'<path d="M{turn:g} {above:g}V{below:g}"/>'
    for row, arrow in enumerate(calls):
        y = above + row * _ROW
        kind = ' class="dashed"' if arrow.is_dashed else ""
        begin = f"M{turn:g} {y - _CORNER:g}q0 {_CORNER} {_CORNER} {_CORNER}"
        yield f'<path{kind} d="{begin if row else f"M{start:g} {y:g}"}H{end:g}"/>'
        yield f'<path d="M{end - 6:g} {y - 4:g}L{end:g} {y:g}L{end - 6:g} {y + 4:g}"/>'
        if arrow.label:
            yield _text(arrow.label, turn + _MARGIN, y - 10, ' class="label"')
