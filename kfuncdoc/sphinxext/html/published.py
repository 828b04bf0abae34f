# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The published files, which are for programs and beside the HTML pages: the record as JSON, its schema, and the feed.

They are made when all documents are read, because the declarations are then still loaded, if they were needed.  They
are written at the end of a successful build.  A file beside the doctrees has the digest of what those in an output
folder were made from, so that a build without changes loads no declarations for them.
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

#: The media type and the title of each file, for the heads of pages.
_ALTERNATES = {
    EXPORT: ("application/json", "The record of kfuncs"),
    FEED: ("application/atom+xml", "What happened to kfuncs"),
}


def _published(app: Sphinx) -> tuple[str, ...]:
    """Return the names of the files that this build publishes."""
    return domain_of(app.env).session.site.published if app.builder.name in BROWSED else ()


# -- making and writing them


def _make(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Make the files, unless those in the output folder were made from the same inputs."""
    names = _published(app)
    there = all(os.path.isfile(_path(app, name)) for name in names)
    if names and not (there and read_record(app, of_output(app, "machines")) == _made_from(app)):
        domain_of(env).to_publish = {name: _text(app, name) for name in names}
    return []


def _write(app: Sphinx, exception: Optional[Exception]) -> None:
    """Write the files that changed."""
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
    """Return a digest of the inputs of the files: the inputs of answers, and the places of the pages."""
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
    """Return a function that gives the address of a kfunc's section; *at* makes it from a path in the site."""
    session = domain_of(app.env).session
    places = session.places

    def section(name: str) -> Optional[str]:
        docname, _, label = places.get(name, "").partition("#")
        return f"{at(_uri(app, docname))}#{label}" if label else None

    return section


# -- the addresses of the files


def _place(app: Sphinx, name: str) -> str:
    """Return the path of a file from the root of the site."""
    return f"{domain_of(app.env).options.pages}{name}"


def _home(app: Sphinx) -> str:
    """Return the document about all kfuncs: the overview, else the first page of the site."""
    overview = f"{domain_of(app.env).options.pages}index"
    return overview if overview in app.env.found_docs else str(app.config.master_doc)


def _uri(app: Sphinx, docname: str) -> str:
    """Return the address of a document's page from the root of the site."""
    builder: Any = app.builder
    if builder.name == "singlehtml":  # its address of a document is a place in the only page
        return f"{quote(app.config.master_doc)}{builder.link_suffix}"
    return str(builder.get_target_uri(docname))


def _from(app: Sphinx, docname: str, name: str) -> str:
    """Return the address of a file, relative to the page of *docname*."""
    return relative_uri(_uri(app, docname), quote(_place(app, name)))


# -- links to them


def _adapt_links(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Make the links to the files in an overview relative to the page that it is on."""
    for links in every(doctree, nodes.container):
        if "kfunc-machines" in links["classes"]:
            for link in every(links, nodes.reference):
                link["refuri"] = _from(app, docname, os.path.basename(link["refuri"]))


def _add_to_head(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: object) -> None:
    """Name the files in the head of pages that show something of kfuncdoc, and of no others."""
    names = [name for name in _published(app) if name in _ALTERNATES]
    if not names or "metatags" not in context or not shows(app, page):
        return
    for name in names:
        (media_type, title), href = _ALTERNATES[name], html.escape(_from(app, page, name))
        context["metatags"] += f'\n<link rel="alternate" type="{media_type}" title="{title}" href="{href}" />'


def register(app: Sphinx) -> None:
    """Connect to the events of a build, here in their order."""
    # Before freshness drops the declarations.
    app.connect("env-updated", _make, priority=400)
    app.connect("doctree-resolved", _adapt_links)
    app.connect("html-page-context", _add_to_head)
    app.connect("build-finished", _write)
