# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What HTML pages have besides: the stylesheet, and the rendered rst behind "show source"."""

from __future__ import annotations

import os
from typing import Any, Optional

from sphinx.application import Sphinx
from sphinx.config import Config

from kfuncdoc.sphinxext._domain import domain_of

_STATIC = os.path.join(os.path.dirname(__file__), "static")


def register(app: Sphinx) -> None:
    """Connect to the events that HTML builders send."""
    app.connect("config-inited", _add_static_folder)
    app.connect("html-page-context", _add_stylesheet)
    app.connect("html-page-context", _name_source)
    app.connect("build-finished", _put_rst_as_source)


def _add_static_folder(app: Sphinx, config: Config) -> None:
    # A new list: the one that is there may be the default, which all builds of a process share.
    config.html_static_path = [*config.html_static_path, _STATIC]


def _add_stylesheet(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: object) -> None:
    """Have the stylesheet on pages that show something of kfuncdoc, and on no other."""
    domain = domain_of(app.env)
    # Builders that put all documents into one page give it the name of the first.
    shown = domain.shows(page) or (app.builder.name == "singlehtml" and bool(domain.taken))
    if shown and "css_files" in context:
        sheets = context["css_files"]  # the builder's own list
        common = len(sheets)
        builder: Any = app.builder
        builder.add_css_file("kfuncdoc.css")
        # Before the project's own, which may say otherwise: Sphinx 3 does not sort them by their priority ...
        context["css_files"] = [*sheets[common:], *sheets[:common]]
        del sheets[common:]  # ... and does not take back what was added for one page


def _name_source(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: object) -> None:
    """Have the source of a declaration page called ``.rst.txt``; Sphinx copies the YAML there for now."""
    session = domain_of(app.env).session
    if context.get("sourcename") and (page in session.documents or page in session.overviews):
        context["sourcename"] = f"{page}.rst.txt"


def _put_rst_as_source(app: Sphinx, exception: Optional[Exception]) -> None:
    """Put the rendered rst where Sphinx has copied the YAML, of pages that were written in this build."""
    folder = os.path.join(app.outdir, "_sources")
    if exception is not None or app.builder.format != "html" or not os.path.isdir(folder):
        return
    session = domain_of(app.env).session
    for docname in (*session.documents, *session.overviews):
        path = os.path.join(folder, f"{docname}.rst.txt")
        if _same_content(path, str(app.env.doc2path(docname))):
            from kfuncdoc.render import plain

            with open(path, "w", encoding="utf-8", newline="\n") as stream:
                stream.write(plain(session.answer(("page", (docname,)))))


def _same_content(copy: str, original: str) -> bool:
    """Whether *copy* holds the very bytes of *original*."""
    try:
        if os.path.getsize(copy) != os.path.getsize(original):
            return False
        with open(copy, "rb") as one, open(original, "rb") as other:
            return one.read() == other.read()
    except OSError:
        return False
