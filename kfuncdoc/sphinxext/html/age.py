# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Notices on HTML pages that were built some time ago.

When a document that shows kfuncs is read, it gets the facts that become outdated, by a request.  When its HTML page is
written, the facts are put into it; ``static/kfuncdoc.js`` compares them with the day on which somebody reads the page.
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
    """Give a document its facts that become outdated."""
    domain, docname = domain_of(app.env), app.env.docname
    requests = domain.requests.get(docname, {})
    section = next(every(doctree, nodes.section), None)
    # What happened in a release does not become outdated.
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
    """Connect to the events of reading documents and of writing pages."""
    app.connect("doctree-read", _note_what_ages)
    app.connect("doctree-resolved", _add_facts)
