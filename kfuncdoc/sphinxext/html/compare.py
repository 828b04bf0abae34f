# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Pages that compare releases, in HTML: the data with which readers pick any two, and what is folded.

Where the page is read that has the place to pick (``templates/compare.rst.jinja``) it gets the data, by a request like
any other; where it is written the data is put into that place, for ``static/kfuncdoc.js``.  What a page of a release
folds away stands in ``details``, which need no script.
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
#: The attribute of the place to pick that has the data, see ``kfuncdoc.views.any_two.as_json``.
_DATA = "kfunc_comparison"


def _take_data(app: Sphinx, doctree: nodes.document) -> None:
    """Give the place where readers pick two releases its data, in which a kfunc has its document and its label."""
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
        # A template of the project's own may have no heading to fold things under.
        for heading in list(every(folded, nodes.rubric))[:1]:
            begin = f'<details class="{_FOLDED}">\n<summary>{escape(heading.astext())}</summary>\n'
            inside = [child for child in folded.children if child is not heading]
            ends = [nodes.raw("", text, format="html") for text in (begin, "</details>\n")]
            folded.parent.replace(folded, [ends[0], *inside, ends[1]])


def _containers(doctree: nodes.document, name: str) -> Iterator[nodes.container]:
    return (container for container in every(doctree, nodes.container) if name in container["classes"])


def _with_addresses(app: Sphinx, docname: str, data: dict[str, Any]) -> dict[str, Any]:
    """Return *data* with the address of each kfunc as the page of *docname* has to write it."""
    builder: Any = app.builder
    for kfunc in data["kfuncs"]:
        if kfunc[1]:
            document, label = kfunc[1].split("#")
            # All documents are on one page in a builder of such pages.
            page = "" if builder.name == "singlehtml" else builder.get_relative_uri(docname, document)
            kfunc[1] = f"{page}#{label}"
    return data


def register(app: Sphinx) -> None:
    """Connect to where documents are read, and where pages are written."""
    app.connect("doctree-read", _take_data)
    app.connect("doctree-resolved", _add_data_and_folds)
