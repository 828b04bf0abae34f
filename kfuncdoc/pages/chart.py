# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A bar chart of numbers by release, as SVG: one row of bars for each kind of event.

The rows have titles, so that nobody needs colours to tell them apart.  The page has the same numbers in a table; the
label of the chart says so to readers who cannot see it.
"""

from __future__ import annotations

from html import escape
from typing import Iterator, Sequence

#: Lengths in units of the drawing, which the page scales to the room that it has: the margin at the left, the distance
#: of two bars, the width of a bar, the height of a row, that of the tallest bar, and the room below for the releases.
_LEFT, _STEP, _BAR, _ROW, _TALLEST, _BELOW = 8, 24, 16, 78, 44, 48


def chart(releases: Sequence[str], rows: Sequence[tuple[str, Sequence[int]]], label: str) -> str:
    """Return an SVG element of class ``kfunc-chart``.

    Each of *rows* is a title and one number for each of *releases*.  The tallest bar of a row stands for its largest
    number, and each bar has its number above it.  *label* describes the chart to readers who cannot see it.
    """
    width, height = 2 * _LEFT + _STEP * len(releases), _ROW * len(rows) + _BELOW
    parts = [
        f'<svg class="kfunc-chart" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'role="img" aria-label="{escape(label)}">'
    ]
    for number, (title, values) in enumerate(rows):
        parts += _row(number, title, values)
    parts += _names(releases, _ROW * len(rows))
    return "\n".join([*parts, "</svg>", ""])


def _row(number: int, title: str, values: Sequence[int]) -> Iterator[str]:
    ground = _ROW * (number + 1) - 4
    yield f'<text class="kfunc-chart-title" x="{_LEFT}" y="{_ROW * number + 13}">{escape(title)}</text>'
    yield f'<path d="M{_LEFT} {ground}H{_LEFT + _STEP * len(values)}"/>'
    most = max([*values, 1])
    for place, value in enumerate(values):
        if value:
            # A bar for 1 stays visible beside one for 1,000.
            tall = max(round(_TALLEST * value / most), 2)
            x = _LEFT + _STEP * place + (_STEP - _BAR) // 2
            yield f'<rect x="{x}" y="{ground - tall}" width="{_BAR}" height="{tall}"/>'
            yield f'<text x="{x + _BAR // 2}" y="{ground - tall - 3}">{value}</text>'


def _names(releases: Sequence[str], top: int) -> Iterator[str]:
    """Yield the names of the releases, which are written upwards."""
    for place, release in enumerate(releases):
        x, y = _LEFT + _STEP * place + _STEP // 2 + 3, top + _BELOW - 6
        yield f'<text class="kfunc-chart-release" transform="translate({x} {y}) rotate(-90)">{escape(release)}</text>'
