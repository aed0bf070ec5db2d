"""Draws SVG without a library: bars and curves that can be told apart without colour."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Sequence

_DASHES: Final = ("none", "7 3", "2 3", "9 3 2 3", "1 5")
_PATTERN: Final = (
    '<defs><pattern id="ours" width="6" height="6" patternUnits="userSpaceOnUse" '
    'patternTransform="rotate(45)"><rect width="6" height="6" fill="white"/>'
    '<rect width="3" height="6" fill="#222"/></pattern></defs>'
)


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: the title of its group, its label, its length, and whether it is of the router."""

    group: str
    label: str
    value: float
    ours: bool


@dataclass(frozen=True, slots=True)
class Line:
    """One curve: its label and its points."""

    label: str
    points: Sequence[tuple[float, float]]


def _svg(width: float, height: float, title: str, parts: Sequence[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        f'font-family="sans-serif" font-size="12" role="img" aria-label="{escape(title, {chr(34): ""})}">'
        f'{_PATTERN}<rect width="100%" height="100%" fill="white"/>\n' + "\n".join(parts) + "\n</svg>\n"
    )


def bars(title: str, rows: Sequence[Bar]) -> str:
    """Return horizontal bars in groups, each with its number; the router's are hatched, the others plain.

    A bar of a group that is far longer than the second is cut to three times of that, and marked with `»`.
    """
    parts = [f'<text x="8" y="18" font-size="14" font-weight="bold">{escape(title)}</text>']
    y = 24.0
    for group in dict.fromkeys(row.group for row in rows):
        inside = [row for row in rows if row.group == group]
        ordered = sorted((row.value for row in inside), reverse=True)
        most = min(ordered[0], 3 * ordered[1]) if len(ordered) > 1 and ordered[1] > 0 else ordered[0]
        y += 20
        parts.append(f'<text x="8" y="{y:.0f}" font-weight="bold">{escape(group)}</text>')
        y += 6
        for row in inside:
            width = 380 * min(1.0, row.value / most) if most > 0 else 0.0
            fill = "url(#ours)" if row.ours else "#d8d8d8"
            cut = " »" if row.value > most else ""
            parts += [
                f'<text x="150" y="{y + 12:.0f}" text-anchor="end">{escape(row.label)}</text>',
                f'<rect x="158" y="{y:.0f}" width="{width:.1f}" height="15" fill="{fill}" stroke="#222"/>',
                f'<text x="{164 + width:.1f}" y="{y + 12:.0f}">{row.value:.2f}{cut}</text>',
            ]
            y += 19
    return _svg(640, y + 14, title, parts)


def curves(title: str, across: str, up: str, lines: Sequence[Line]) -> str:
    """Return curves over logarithmic axes, each with dashes and a marker of its own, named at its end."""
    points = [point for line in lines for point in line.points]
    left, top, wide, high = 70.0, 40.0, 430.0, 230.0
    low_x, high_x = _decades([x for x, _ in points], whole=False)
    low_y, high_y = _decades([y for _, y in points], whole=True)

    def place(x: float, y: float) -> tuple[float, float]:
        return (
            left + wide * (math.log10(x) - low_x) / (high_x - low_x),
            top + high - high * (math.log10(y) - low_y) / (high_y - low_y),
        )

    parts = [
        f'<text x="8" y="20" font-size="14" font-weight="bold">{escape(title)}</text>',
        f'<rect x="{left}" y="{top}" width="{wide}" height="{high}" fill="none" stroke="#222"/>',
        f'<text x="{left + wide / 2:.0f}" y="{top + high + 36:.0f}" text-anchor="middle">'
        f"{escape(across)}</text>",
        f'<text x="14" y="{top + high / 2:.0f}" text-anchor="middle" '
        f'transform="rotate(-90 14 {top + high / 2:.0f})">{escape(up)}</text>',
    ]
    for x in sorted({x for x, _ in points}):
        at, _ = place(x, 10**low_y)
        parts.append(f'<text x="{at:.1f}" y="{top + high + 16:.0f}" text-anchor="middle">{x:g}</text>')
    for power in range(math.floor(low_y), math.ceil(high_y) + 1):
        _, at = place(10**low_x, 10.0**power)
        parts.append(f'<path d="M{left} {at:.1f}h{wide}" stroke="#ccc" stroke-width="0.7"/>')
        parts.append(f'<text x="{left - 5}" y="{at + 4:.1f}" text-anchor="end">{10.0**power:g}</text>')
    names: list[tuple[float, float, str]] = []
    for number, line in enumerate(lines):
        placed = [place(x, y) for x, y in line.points]
        way = " ".join(f"{x:.1f},{y:.1f}" for x, y in placed)
        dashes = _DASHES[number % len(_DASHES)]
        parts.append(
            f'<polyline points="{way}" fill="none" stroke="#222" stroke-width="1.6" '
            f'stroke-dasharray="{dashes}"/>'
        )
        parts += [_marker(number, x, y) for x, y in placed]
        names.append((*placed[-1], line.label))
    below = -math.inf
    for x, y, label in sorted(names, key=lambda name: name[1]):
        below = max(below + 14, y + 4)
        parts.append(f'<text x="{x + 9:.1f}" y="{below:.1f}">{escape(label)}</text>')
    return _svg(640, top + high + 50, title, parts)


def _decades(values: Sequence[float], *, whole: bool) -> tuple[float, float]:
    low, high = math.log10(min(values)), math.log10(max(values))
    if whole:
        low, high = math.floor(low), math.ceil(high)
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _marker(number: int, x: float, y: float) -> str:
    shapes = (
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="#222"/>',
        f'<rect x="{x - 4:.1f}" y="{y - 4:.1f}" width="8" height="8" fill="white" stroke="#222"/>',
        f'<path d="M{x:.1f} {y - 5:.1f}l5 9h-10z" fill="white" stroke="#222"/>',
        f'<path d="M{x - 4:.1f} {y - 4:.1f}l8 8m0 -8l-8 8" stroke="#222" stroke-width="1.6"/>',
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="white" stroke="#222"/>',
    )
    return shapes[number % len(shapes)]
