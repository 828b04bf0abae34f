# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What HTML pages say when time has passed since they were built.

Where a document is read, and shows kfuncs, it gets the facts that grow old, by a request like any other; where its HTML
page is written they are put into it, for ``static/kfuncdoc.js`` to compare with the day on which the page is read.
"""

from __future__ import annotations

from docutils import nodes
from sphinx.application import Sphinx

from kfuncdoc.record.address import address
from kfuncdoc.sphinxext.domain import domain_of
from kfuncdoc.sphinxext.html.assets import BROWSED, HtmlOnly, script_element
from kfuncdoc.sphinxext.rst import every

#: The attribute of the first section of a document that has its facts, see ``kfuncdoc.pages.script_facts``.
_FACTS = "kfunc_time"
#: The requests whose answers speak of the state of kfuncs.
_OF_STATE = {"page", "table", "lifecycle", "summary"}


def _note_what_ages(app: Sphinx, doctree: nodes.document) -> None:
    """Give a document the facts of it that grow old."""
    domain, docname = domain_of(app.env), app.env.docname
    requests = domain.requests.get(docname, {})
    section = next(every(doctree, nodes.section), None)
    # What a release did does not grow old.
    page = domain.session.site.generated.get(docname)
    is_of_release = page is not None and page.kind == "release"
    if section is None or is_of_release or not any(kind in _OF_STATE for kind, _ in requests):
        return
    shown = {identifier for part in every(doctree, nodes.section) for identifier in part["ids"]}
    shown.update(domain.labels.get(docname, ()))
    shown.update(address(str(arguments[0])) for kind, arguments in requests if kind == "lifecycle")
    kfuncs = domain.session.renderer.pages.kfuncs
    section[_FACTS] = domain.ask(docname, "time", *(view.name for view in kfuncs if view.address in shown))


def _add_facts(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    if app.builder.name in BROWSED:
        for section in every(doctree, nodes.section):
            if section.get(_FACTS):
                section.append(HtmlOnly(html=script_element(section[_FACTS], "kfunc-time")))


def register(app: Sphinx) -> None:
    """Connect to where documents are read, and where pages are written."""
    app.connect("doctree-read", _note_what_ages)
    app.connect("doctree-resolved", _add_facts)
