# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The Sphinx extension, the only place that knows Sphinx and docutils.

How a build goes, by module:

* ``_options``: what conf.py says becomes one frozen value;
* ``_session``: the declarations of one build, loaded when first asked for;
* ``_domain``: every document's requests to the session, with digests of the answers;
* ``_parser``, ``_directives``, ``_roles``, ``_notes``: where documents make requests;
* ``_links``: names of kfuncs in running text;
* ``_pages``: documents for declarations from outside the source directory;
* ``_freshness``: which documents a changed answer makes outdated, in the environment and per builder;
* ``_machines``: the record and the feed, as files beside the pages of HTML;
* ``_findings``: what is wrong, as warnings of the build;
* ``_tables``: tables of kfuncs in HTML, which readers filter and sort;
* ``_compare``: pages that compare releases, in HTML;
* ``_chart``: what happened by release, drawn;
* ``_age``: what HTML pages tell when time has passed since they were built;
* ``_html``: the stylesheet, the script, and the rst behind "show source".
"""

from __future__ import annotations

from typing import Any

from sphinx.application import Sphinx

from kfuncdoc import __version__
from kfuncdoc.sphinxext import (
    _age,
    _chart,
    _compare,
    _directives,
    _freshness,
    _html,
    _links,
    _machines,
    _notes,
    _options,
    _pages,
    _parser,
    _roles,
    _tables,
)
from kfuncdoc.sphinxext._domain import KfuncDomain


def setup(app: Sphinx) -> dict[str, Any]:
    """Register everything; called by Sphinx."""
    _options.register(app)
    app.add_domain(KfuncDomain)
    _parser.register(app)
    _directives.register(app)
    _roles.register(app)
    _notes.register(app)
    _links.register(app)
    _freshness.register(app)
    _pages.register(app)
    _tables.register(app)
    _age.register(app)
    _chart.register(app)
    _compare.register(app)
    _html.register(app)
    _machines.register(app)
    return {"version": __version__, "parallel_read_safe": True, "parallel_write_safe": True}
