# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A chart of numbers by release, drawn as SVG: a row of bars for each kind of thing that happened.

Rows are told apart by their titles and not by colour.  What the chart shows stands in a table as well; it is a picture
of that, and says so to those who cannot see it.
"""

from __future__ import annotations

from html import escape
from typing import Iterator, Sequence

#: Measures in units of the drawing, of which the page makes as many pixels as it has room for.
_LEFT, _STEP, _BAR, _ROW, _TALLEST, _BELOW = 8, 24, 16, 78, 44, 48


def chart(releases: Sequence[str], rows: Sequence[tuple[str, Sequence[int]]], label: str) -> str:
    """Return an SVG element of class ``kfunc-chart``: for each of *rows*, a title and the numbers by release, its bars.

    *label* is what those are told who cannot see it.  Bars of a row are to its own scale; each has its number above it.
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
            # One is to be seen, however many there are elsewhere.
            tall = max(round(_TALLEST * value / most), 2)
            x = _LEFT + _STEP * place + (_STEP - _BAR) // 2
            yield f'<rect x="{x}" y="{ground - tall}" width="{_BAR}" height="{tall}"/>'
            yield f'<text x="{x + _BAR // 2}" y="{ground - tall - 3}">{value}</text>'


def _names(releases: Sequence[str], top: int) -> Iterator[str]:
    """Yield the names of the releases, which are written upwards."""
    for place, release in enumerate(releases):
        x, y = _LEFT + _STEP * place + _STEP // 2 + 3, top + _BELOW - 6
        yield f'<text class="kfunc-chart-release" transform="translate({x} {y}) rotate(-90)">{escape(release)}</text>'
