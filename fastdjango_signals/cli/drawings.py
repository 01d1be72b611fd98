"""A picture of signals and receivers, as SVG: two columns, with arrows from left to right.

Each signal has rows of its own, so that no two arrows cross; a receiver of two signals is drawn
twice. `graph --format dot` is for who wants another layout, and has Graphviz.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

_ROW = 44
_BOX = 28
_LETTER = 7.3  # of a monospaced font of 12 pixels, rounded up
_MARGIN = 12
_STYLE = (
    "text { font: 12px monospace; fill: #222; dominant-baseline: central }"
    " rect { fill: #fff; stroke: #666 } .signal { fill: #e7f0fb }"
    " path { fill: none; stroke: #666 } .dashed { stroke-dasharray: 5 3 } .label { fill: #666 }"
)


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
    middle = _width([arrow.label or "" for arrow in arrows]) + 40
    right = _width([arrow.receiver for arrow in arrows])
    start, end = _MARGIN + left, _MARGIN + left + middle
    rows = [(name, [arrow for arrow in arrows if arrow.signal == name]) for name in signals]
    height = sum(max(len(calls), 1) for _, calls in rows) * _ROW + _MARGIN
    width = end + right + _MARGIN
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{height:g}" '
        f'viewBox="0 0 {width:g} {height:g}">'
    )
    yield f"<style>{_STYLE}</style>"
    top: float = _MARGIN
    for name, calls in rows:
        yield from _box(name, _MARGIN, top, left, "signal")
        for row, arrow in enumerate(calls):
            y = top + row * _ROW
            yield from _arrow(arrow, start, end, top + _BOX / 2, y + _BOX / 2)
            yield from _box(arrow.receiver, end, y, right, "receiver")
        top += max(len(calls), 1) * _ROW
    yield "</svg>"


def _width(texts: Sequence[str]) -> float:
    return max(map(len, texts), default=0) * _LETTER + 2 * _MARGIN


def _box(text: str, x: float, y: float, width: float, kind: str) -> Iterator[str]:
    yield f'<rect class="{kind}" x="{x:g}" y="{y:g}" width="{width:g}" height="{_BOX}" rx="6"/>'
    yield f'<text x="{x + _MARGIN:g}" y="{y + _BOX / 2:g}">{escape(text)}</text>'


def _arrow(arrow: Arrow, start: float, end: float, above: float, y: float) -> Iterator[str]:
    kind = ' class="dashed"' if arrow.is_dashed else ""
    turn = start + _MARGIN
    yield f'<path{kind} d="M{start:g} {above:g}H{turn:g}V{y:g}H{end:g}"/>'
    yield f'<path d="M{end - 7:g} {y - 4:g}L{end:g} {y:g}L{end - 7:g} {y + 4:g}"/>'
    if arrow.label:
        yield (
            f'<text class="label" x="{turn + _MARGIN:g}" y="{y - 9:g}">{escape(arrow.label)}</text>'
        )
