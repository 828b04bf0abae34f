# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The Sphinx extension, the only place that knows Sphinx and docutils.

The modules, in the order in which a build uses them:

* ``options``: the options of conf.py, as one frozen value;
* ``session``: the declarations of one build, loaded when a document first needs them;
* ``domain``: the requests of every document to the session, with digests of the answers;
* ``parser``, ``directives``, ``notes``: the parts of documents that make requests;
* ``links``: links from the names of kfuncs in running text;
* ``pages``: documents for declarations from outside the source directory;
* ``freshness``: which documents are outdated because an answer changed, in the environment and for each builder;
* ``html.published``: the record and the feed, as files beside the HTML pages;
* ``warnings``: diagnostics, as warnings of the build;
* ``html.tables``: tables of kfuncs in HTML, which readers filter and sort;
* ``html.compare``: pages that compare releases, in HTML;
* ``html.chart``: a chart of the events by release;
* ``html.age``: what HTML pages show if they were built some time ago;
* ``html.assets``: the stylesheet, the script, and the rst behind "show source".
"""

from __future__ import annotations

from typing import Any

from sphinx.application import Sphinx

from kfuncdoc import __version__
from kfuncdoc.sphinxext import directives, freshness, links, notes, options, pages, parser
from kfuncdoc.sphinxext.domain import KfuncDomain
from kfuncdoc.sphinxext.html import age, assets, chart, compare, published, tables


def setup(app: Sphinx) -> dict[str, Any]:
    """Register everything; called by Sphinx."""
    options.register(app)
    app.add_domain(KfuncDomain)
    parser.register(app)
    directives.register(app)
    notes.register(app)
    links.register(app)
    freshness.register(app)
    pages.register(app)
    tables.register(app)
    age.register(app)
    chart.register(app)
    compare.register(app)
    assets.register(app)
    published.register(app)
    return {"version": __version__, "parallel_read_safe": True, "parallel_write_safe": True}
