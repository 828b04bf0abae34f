# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The files for machines beside the pages of HTML: the record as JSON with its schema, and the feed of what happened.

They are made when all documents are read and the declarations, if anything asked for them, are still there, and
written at the end of a build that succeeded.  A record beside the doctrees says what those in an output folder were
made from, so that a build in which nothing changed loads nothing for them.
"""

from __future__ import annotations

import hashlib
import html
import json
import os
from typing import Any, Callable, Optional
from urllib.parse import quote

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.osutil import relative_uri

from kfuncdoc.pages.site_map import EXPORT, FEED, SCHEMA
from kfuncdoc.sphinxext.domain import domain_of
from kfuncdoc.sphinxext.freshness import of_output, read_record, write_record
from kfuncdoc.sphinxext.html.assets import BROWSED, shows
from kfuncdoc.sphinxext.rst import every

#: What the heads of pages say of the files: their media type and a title.
_ALTERNATES = {
    EXPORT: ("application/json", "The record of kfuncs"),
    FEED: ("application/atom+xml", "What happened to kfuncs"),
}


def _published(app: Sphinx) -> tuple[str, ...]:
    """Return the names of the files that this build is to have."""
    return domain_of(app.env).session.site.published if app.builder.name in BROWSED else ()


# -- making and writing them


def _make(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Make the files, unless those in the output folder are made from the same."""
    names = _published(app)
    there = all(os.path.isfile(_path(app, name)) for name in names)
    if names and not (there and read_record(app, of_output(app, "machines")) == _made_from(app)):
        domain_of(env).to_publish = {name: _text(app, name) for name in names}
    return []


def _write(app: Sphinx, exception: Optional[Exception]) -> None:
    """Write the files that differ."""
    if exception is not None or app.env is None:
        return
    texts = domain_of(app.env).to_publish
    if texts is None:
        return
    from kfuncdoc.base.files import write_whole

    for name, text in texts.items():
        path = _path(app, name)
        if _content(path) != text.encode():
            os.makedirs(os.path.dirname(path), exist_ok=True)
            write_whole(path, text)
    write_record(app, of_output(app, "machines"), _made_from(app))


def _path(app: Sphinx, name: str) -> str:
    return os.path.join(app.outdir, *_place(app, name).split("/"))


def _content(path: str) -> Optional[bytes]:
    try:
        with open(path, "rb") as stream:
            return stream.read()
    except OSError:
        return None


def _made_from(app: Sphinx) -> str:
    """Return a digest of all that is in the files: of what answers are made from, and where the pages are."""
    session = domain_of(app.env).session
    addresses = [_uri(app, docname) for docname in (*session.site.declarations, _home(app))]
    parts = (session.fingerprint, session.site.published, app.config.html_baseurl, addresses)
    return hashlib.blake2b(repr(parts).encode(), digest_size=12).hexdigest()


def _text(app: Sphinx, name: str) -> str:
    from kfuncdoc.pages import export

    session = domain_of(app.env).session
    pages = session.renderer.pages
    if name == EXPORT:
        return export.export(pages)
    if name == SCHEMA:
        return json.dumps(export.json_schema(), indent=2) + "\n"
    from kfuncdoc.pages.feed import below, feed

    base_url = app.config.html_baseurl or ""
    own = quote(_place(app, FEED))

    def at(uri: str) -> str:
        return below(base_url, uri) if base_url else relative_uri(own, uri)

    return feed(pages, where=_sections(app, at), home=at(_uri(app, _home(app))), own=at(own) or FEED)


def _sections(app: Sphinx, at: Callable[[str], str]) -> Callable[[str], Optional[str]]:
    """Return what gives the address of a kfunc's section, which *at* makes of one from the root of the site on."""
    session = domain_of(app.env).session
    places = session.places

    def section(name: str) -> Optional[str]:
        docname, _, label = places.get(name, "").partition("#")
        return f"{at(_uri(app, docname))}#{label}" if label else None

    return section


# -- where they are


def _place(app: Sphinx, name: str) -> str:
    """Return the path of a file from the root of the site on."""
    return f"{domain_of(app.env).options.pages}{name}"


def _home(app: Sphinx) -> str:
    """Return the document that is about all kfuncs: the overview, else the first page of the site."""
    overview = f"{domain_of(app.env).options.pages}index"
    return overview if overview in app.env.found_docs else str(app.config.master_doc)


def _uri(app: Sphinx, docname: str) -> str:
    """Return the address of a document's page from the root of the site on."""
    builder: Any = app.builder
    if builder.name == "singlehtml":  # which has a place in its only page for an address
        return f"{quote(app.config.master_doc)}{builder.link_suffix}"
    return str(builder.get_target_uri(docname))


def _from(app: Sphinx, docname: str, name: str) -> str:
    """Return the address of a file as the page of *docname* has to write it."""
    return relative_uri(_uri(app, docname), quote(_place(app, name)))


# -- links to them


def _lead_there(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Have the links in an overview lead to the files from whichever page it is on."""
    for links in every(doctree, nodes.container):
        if "kfunc-machines" in links["classes"]:
            for link in every(links, nodes.reference):
                link["refuri"] = _from(app, docname, os.path.basename(link["refuri"]))


def _add_to_head(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: object) -> None:
    """Name the files in the head of pages that show something of kfuncdoc, and of no other."""
    names = [name for name in _published(app) if name in _ALTERNATES]
    if not names or "metatags" not in context or not shows(app, page):
        return
    for name in names:
        (media_type, title), href = _ALTERNATES[name], html.escape(_from(app, page, name))
        context["metatags"] += f'\n<link rel="alternate" type="{media_type}" title="{title}" href="{href}" />'


def register(app: Sphinx) -> None:
    """Connect to the events of a build, here in their order."""
    # Before the declarations are let go of, see freshness.
    app.connect("env-updated", _make, priority=400)
    app.connect("doctree-resolved", _lead_there)
    app.connect("html-page-context", _add_to_head)
    app.connect("build-finished", _write)
