"""The chart of README.md: time of a send against the bare loop, for each library."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from math import log10

WIDTH, LEFT, BAR, GAP, TOP = 720, 170, 12, 22, 64
COUNTS = ("1", "10", "100")
SHADES = ("#1b5e8c", "#4a90c2", "#a5cbe5")
_MOST = 10_000.0


def svg(table: Mapping[str, Mapping[str, float]], title: str) -> str:
    """Return the chart as SVG: bars of the ratio on a logarithmic scale, shorter is better."""
    height = TOP + len(table) * (len(COUNTS) * BAR + GAP) + 20
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
            f'width="{WIDTH}" height="{height}" role="img" aria-label="{escape(title)}" '
            'font-family="system-ui, sans-serif" font-size="11">',
            f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
            f'<text x="16" y="24" font-size="15" fill="#222">{escape(title)}</text>',
            *_legend(),
            *_grid(height),
            *_bars(table),
            "</svg>",
            "",
        ]
    )


def _legend() -> Iterator[str]:
    for index, (count, shade) in enumerate(zip(COUNTS, SHADES, strict=True)):
        x = 16 + index * 110
        yield f'<rect x="{x}" y="36" width="10" height="10" fill="{shade}"/>'
        noun = "receiver" if count == "1" else "receivers"
        yield f'<text x="{x + 15}" y="45" fill="#222">{count} {noun}</text>'


def _grid(height: int) -> Iterator[str]:
    for ratio in (1, 10, 100, 1_000, 10_000):
        x = LEFT + _length(ratio)
        yield f'<line x1="{x}" y1="{TOP - 6}" x2="{x}" y2="{height - 18}" stroke="#ddd"/>'
        yield f'<text x="{x}" y="{height - 6}" fill="#555" text-anchor="middle">{ratio:,}x</text>'


def _bars(table: Mapping[str, Mapping[str, float]]) -> Iterator[str]:
    y = TOP
    for name, row in table.items():
        weight = "bold" if name.startswith("fastdjango") else "normal"
        middle = y + len(COUNTS) * BAR / 2 + 4
        yield (
            f'<text x="{LEFT - 10}" y="{middle}" text-anchor="end" fill="#222" '
            f'font-weight="{weight}">{escape(name)}</text>'
        )
        for count, shade in zip(COUNTS, SHADES, strict=True):
            if count in row:
                length = _length(row[count])
                yield (
                    f'<rect x="{LEFT}" y="{y}" width="{length}" height="{BAR - 2}" '
                    f'fill="{shade}"/>'
                    f'<text x="{LEFT + length + 5}" y="{y + BAR - 3}" fill="#222">'
                    f"{row[count]:.1f}</text>"
                )
            y += BAR
        y += GAP


def _length(ratio: float) -> float:
    """Return the length of a bar; what is below the floor has none."""
    scale = (WIDTH - LEFT - 60) / log10(_MOST * 10)
    return round(log10(min(max(ratio, 0.1), _MOST) * 10) * scale, 1)
