# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The chart of what happened by release."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from kfuncdoc.pages.chart import chart

SVG = "{http://www.w3.org/2000/svg}"


def test_a_chart_is_drawn_exactly() -> None:
    assert chart(["v6.1", "v6.2"], [("Added", [4, 0]), ("Gone & lost", [1, 2])], "Two <rows>") == (
        '<svg class="kfunc-chart" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 204" '
        'role="img" aria-label="Two &lt;rows&gt;">\n'
        '<text class="kfunc-chart-title" x="8" y="13">Added</text>\n'
        '<path d="M8 74H56"/>\n'
        '<rect x="12" y="30" width="16" height="44"/>\n'
        '<text x="20" y="27">4</text>\n'
        '<text class="kfunc-chart-title" x="8" y="91">Gone &amp; lost</text>\n'
        '<path d="M8 152H56"/>\n'
        '<rect x="12" y="130" width="16" height="22"/>\n'
        '<text x="20" y="127">1</text>\n'
        '<rect x="36" y="108" width="16" height="44"/>\n'
        '<text x="44" y="105">2</text>\n'
        '<text class="kfunc-chart-release" transform="translate(23 198) rotate(-90)">v6.1</text>\n'
        '<text class="kfunc-chart-release" transform="translate(47 198) rotate(-90)">v6.2</text>\n'
        "</svg>\n"
    )


@given(st.lists(st.lists(st.integers(0, 500), min_size=3, max_size=3), max_size=5))
def test_every_number_has_a_bar_that_is_to_be_seen_and_within_its_row(rows) -> None:
    drawn = ET.fromstring(chart(["a", "b", "c"], [(str(number), row) for number, row in enumerate(rows)], "All"))
    bars = [(int(each.get("y")), int(each.get("height"))) for each in drawn.iter(f"{SVG}rect")]
    assert len(bars) == sum(value > 0 for row in rows for value in row)
    assert all(2 <= height <= 44 and (top + height) % 78 == 74 for top, height in bars)
