# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The assets of HTML pages: the stylesheet, the script, its facts, and the rendered rst behind "show source"."""

from __future__ import annotations

import os
from typing import Any, Callable, Optional

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config

from kfuncdoc.sphinxext.domain import domain_of

#: The builders whose pages are read in a browser; ``index.rst.jinja`` names them, too.
BROWSED = ("html", "dirhtml", "singlehtml")
_STATIC = os.path.join(os.path.dirname(__file__), "static")


class HtmlOnly(nodes.Element):
    """A piece of HTML, the attribute ``html``; unlike that of raw nodes, its text is not in the search index."""


def script_element(facts: str, css_class: str = "") -> str:
    r"""Return the HTML element for the JSON text *facts* in a page.

    In a script element, ``<!--`` and ``<script`` change where it ends, and ``</script`` ends it (HTML, 4.12.1.3).  In
    JSON, ``<`` occurs only in strings, so it is written as ``\u003c``.
    """
    json_text = facts.strip().replace("<", r"\u003c")
    attributes = f' class="{css_class}"' if css_class else ""
    return f'<script type="application/json"{attributes}>{json_text}</script>\n'


def _write(translator: Any, node: HtmlOnly) -> None:
    translator.body.append(node["html"])


def _done(translator: Any, node: HtmlOnly) -> None:
    pass


def register(app: Sphinx) -> None:
    """Connect to the events of HTML builders."""
    app.add_node(HtmlOnly, html=(_write, _done))
    app.connect("config-inited", _add_static_folder)
    app.connect("html-page-context", _add_stylesheet_and_script)
    app.connect("html-page-context", _name_source)
    app.connect("build-finished", _put_rst_as_source)


def _add_static_folder(app: Sphinx, config: Config) -> None:
    # This makes a new list, because the old one may be the default, which all builds of a process share.
    config.html_static_path = [*config.html_static_path, _STATIC]


def _add_stylesheet_and_script(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: object) -> None:
    """Add the stylesheet and the script to pages that show something of kfuncdoc, and to no others."""
    shown = shows(app, page)
    builder: Any = app.builder
    if shown and "css_files" in context:
        # They come before the project's own files, which may override them: Sphinx 3 does not sort them by priority.
        sheets, added = _added(context["css_files"], lambda: builder.add_css_file("kfuncdoc.css"))
        context["css_files"] = [*added, *sheets]
    if shown and "script_files" in context and builder.name in BROWSED:
        # The script is deferred until the page is read: a page without scripts is complete, too.
        scripts, added = _added(context["script_files"], lambda: builder.add_js_file("kfuncdoc.js", defer="defer"))
        context["script_files"] = [*scripts, *added]


def _added(files: list[Any], add: Callable[[], None]) -> tuple[list[Any], list[Any]]:
    """Return the builder's list *files* without the files that *add* appends, and these files.

    Sphinx 3 does not remove what was added for one page, so this does.
    """
    common = len(files)
    add()
    before, added = files[:common], files[common:]
    del files[common:]
    return before, added


def shows(app: Sphinx, page: str) -> bool:
    """Whether an HTML page shows something of kfuncdoc."""
    domain = domain_of(app.env)
    # Builders that put all documents into one page give it the name of the first.
    return domain.shows(page) or (app.builder.name == "singlehtml" and bool(domain.states))


def _name_source(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: object) -> None:
    """Name the source of a declaration page ``.rst.txt``.  Sphinx copies the YAML there; it is replaced later."""
    session = domain_of(app.env).session
    if context.get("sourcename") and page in session.site.generated:
        context["sourcename"] = f"{page}.rst.txt"


def _put_rst_as_source(app: Sphinx, exception: Optional[Exception]) -> None:
    """Replace the YAML that Sphinx copied by the rendered rst, for pages that were written in this build."""
    folder = os.path.join(app.outdir, "_sources")
    if exception is not None or app.builder.format != "html" or not os.path.isdir(folder):
        return
    session = domain_of(app.env).session
    for docname in session.site.generated:
        path = os.path.join(folder, f"{docname}.rst.txt")
        if _same_content(path, str(app.env.doc2path(docname))):
            from kfuncdoc.pages.rst import plain

            with open(path, "w", encoding="utf-8", newline="\n") as stream:
                stream.write(plain(session.answer(("page", (docname,)))))


def _same_content(copy: str, original: str) -> bool:
    """Whether *copy* has the same bytes as *original*."""
    try:
        if os.path.getsize(copy) != os.path.getsize(original):
            return False
        with open(copy, "rb") as one, open(original, "rb") as other:
            return one.read() == other.read()
    except OSError:
        return False
