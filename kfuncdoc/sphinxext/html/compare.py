# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Pages that compare releases, in HTML: the data for readers to choose any two, and the folded parts.

The page with the place to choose (``templates/compare.rst.jinja``) gets the data by a request when it is read.  When it
is written, the data is put into that place, for ``static/kfuncdoc.js``.  The parts that the page of a release folds
are ``details`` elements, which need no script.
"""

from __future__ import annotations

import json
from html import escape
from typing import Any, Iterator

from docutils import nodes
from sphinx.application import Sphinx

from kfuncdoc.sphinxext.domain import domain_of
from kfuncdoc.sphinxext.html.assets import BROWSED, HtmlOnly, script_element
from kfuncdoc.sphinxext.rst import every

#: The classes of the containers that templates make.
_PLACE, _FOLDED = "kfunc-compare", "kfunc-folded"
#: The attribute of the place to choose that has the data, see ``kfuncdoc.views.any_two.as_json``.
_DATA = "kfunc_comparison"


def _take_data(app: Sphinx, doctree: nodes.document) -> None:
    """Give the place where readers choose two releases its data; in it, each kfunc has its document and its label."""
    for place in _containers(doctree, _PLACE):
        place[_DATA] = domain_of(app.env).ask(app.env.docname, "comparison")


def _add_data_and_folds(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    if app.builder.name not in BROWSED:
        return
    for place in _containers(doctree, _PLACE):
        if place.get(_DATA):
            data = json.dumps(_with_addresses(app, docname, json.loads(place[_DATA])), separators=(",", ":"))
            place.append(HtmlOnly(html=script_element(data)))
    for folded in list(_containers(doctree, _FOLDED)):
        # The project's own template may have no heading for the folded part.
        for heading in list(every(folded, nodes.rubric))[:1]:
            begin = f'<details class="{_FOLDED}">\n<summary>{escape(heading.astext())}</summary>\n'
            inside = [child for child in folded.children if child is not heading]
            ends = [nodes.raw("", text, format="html") for text in (begin, "</details>\n")]
            folded.parent.replace(folded, [ends[0], *inside, ends[1]])


def _containers(doctree: nodes.document, name: str) -> Iterator[nodes.container]:
    return (container for container in every(doctree, nodes.container) if name in container["classes"])


def _with_addresses(app: Sphinx, docname: str, data: dict[str, Any]) -> dict[str, Any]:
    """Return *data* with the address of each kfunc, relative to the page of *docname*."""
    builder: Any = app.builder
    for kfunc in data["kfuncs"]:
        if kfunc[1]:
            document, label = kfunc[1].split("#")
            # Some builders put all documents into one page.
            page = "" if builder.name == "singlehtml" else builder.get_relative_uri(docname, document)
            kfunc[1] = f"{page}#{label}"
    return data


def register(app: Sphinx) -> None:
    """Connect to the events of reading documents and of writing pages."""
    app.connect("doctree-read", _take_data)
    app.connect("doctree-resolved", _add_data_and_folds)
