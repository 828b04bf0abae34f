# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The chart of events by release, in HTML.

Its numbers are those of the table below it, which every other form of the page has, too.
"""

from __future__ import annotations

from docutils import nodes
from sphinx.application import Sphinx

from kfuncdoc.sphinxext.html.assets import BROWSED, HtmlOnly
from kfuncdoc.sphinxext.rst import every

#: The class of the table, see ``templates/changes.rst.jinja``.
_TABLE = "kfunc-counts"


def _draw(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    if app.builder.name not in BROWSED:
        return
    for table in [table for table in every(doctree, nodes.table) if _TABLE in table["classes"]]:
        head, *rows = ([cell.astext() for cell in row.children] for row in every(table, nodes.row))
        # The project's own template may have words in the table.
        if rows and all(cell.isdigit() for row in rows for cell in row[1:]):
            table.parent.insert(table.parent.index(table), HtmlOnly(html=_drawn(head, rows)))


def _drawn(head: list[str], rows: list[list[str]]) -> str:
    from kfuncdoc.pages.chart import chart

    # The table begins with the newest release, the chart with the oldest.
    rows = rows[::-1]
    columns = [(title, [int(row[place]) for row in rows]) for place, title in enumerate(head) if place]
    kinds = ", ".join(title.lower() for title, _ in columns)
    return chart([row[0] for row in rows], columns, f"Kfuncs by release: {kinds}. The numbers are in the table below.")


def register(app: Sphinx) -> None:
    """Connect to the event of writing pages."""
    app.connect("doctree-resolved", _draw)
