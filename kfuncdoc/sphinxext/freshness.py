# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Decides which documents Sphinx reads and writes again.

Documents get everything from the declarations by requests, and the digest of each answer is stored.  So a document
is outdated if one of its requests gives another answer now, whatever the cause: a declaration in another file, the
calendar, a template, an option, the date.  (Sphinx itself adds the documents that are outdated by modification times
and by ``:glob:`` toctrees.)

Two kinds of records beside the doctrees save work in the next build:

* *verified*: the digest of all inputs for which all stored digests were verified.  If a build has the same inputs and
  the same environment, it need not load anything.
* *written*, one for each builder and output folder: the digests that the pages there were written from.  Several
  builders may share a doctree folder, as in the kernel's build.  If one of them reads a document again, the next one
  must write it again, although no source file is newer than its output.

``html.published`` keeps another record for each builder and output folder.
"""

from __future__ import annotations

import hashlib
import json
import os
from typing import Any, Iterable, Optional

from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

from kfuncdoc.base.diagnostics import Diagnostic
from kfuncdoc.sphinxext.domain import KfuncDomain, domain_of
from kfuncdoc.sphinxext.options import options_of
from kfuncdoc.sphinxext.session import digest
from kfuncdoc.sphinxext.warnings import report


def register(app: Sphinx) -> None:
    """Connect to the events of a build, here in their order."""
    app.connect("builder-inited", _take_options)
    app.connect("builder-inited", _note_what_is_written)
    app.connect("env-get-outdated", _outdated)
    app.connect("env-before-read-docs", _forget_old_doctrees)
    app.connect("env-before-read-docs", _load_before_fork)
    app.connect("env-updated", _verify)
    app.connect("env-get-updated", _to_be_written)
    app.connect("build-finished", _record_written)


def _take_options(app: Sphinx) -> None:
    domain_of(app.env).options = options_of(app.config, str(app.confdir), str(app.srcdir))


def _outdated(
    app: Sphinx, env: BuildEnvironment, added: set[str], changed: set[str], removed: set[str]
) -> Iterable[str]:
    """Return the documents whose requests have other answers now."""
    domain = domain_of(env)
    session = domain.begin()
    if read_record(app, "verified") == {"inputs": session.fingerprint, "state": domain.state()}:
        return []
    if session.site.declarations or domain.requests or domain.options.data:
        _report(domain)
    touched = added | changed | removed
    return [
        docname
        for docname, requests in domain.requests.items()
        if docname not in touched and any(digest(session.answer(request)) != old for request, old in requests.items())
    ]


def _report(domain: KfuncDomain) -> None:
    """Warn of what the loader found, at the places in the YAML."""
    for diagnostic in _to_report(domain):
        report(diagnostic)


def _to_report(domain: KfuncDomain) -> list[Diagnostic]:
    return [diagnostic for diagnostic in domain.session.catalog.diagnostics if diagnostic.severity.value != "info"]


def _forget_old_doctrees(app: Sphinx, env: BuildEnvironment, docnames: list[str]) -> None:
    """Keep Sphinx 7.2 from writing a page from the doctree of the previous build.

    Its environment keeps doctrees from build to build, and doctrees that parallel processes read again do not replace
    them.  (Sphinx 7.3 keeps none.)
    """
    for cache in ("_pickled_doctree_cache", "_write_doc_doctree_cache"):
        getattr(env, cache, {}).clear()


def _load_before_fork(app: Sphinx, env: BuildEnvironment, docnames: list[str]) -> None:
    """Load in the main process what the documents will request, so that the worker processes share it."""
    domain = domain_of(env)
    declared = bool(domain.session.site.declarations or domain.options.data)
    if any(docname in domain.requests or (declared and docname not in env.all_docs) for docname in docnames):
        renderer = domain.session.renderer
        pages = domain.session.site.generated
        # Many pages request these, too.
        if any(pages[docname].kind in ("compare", "release") for docname in docnames if docname in pages):
            renderer.compared  # noqa: B018  (compares)


def _verify(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Record that every stored digest is right for these inputs, unless the next build has to repeat warnings."""
    domain = domain_of(env)
    domain.link()
    if domain.session.loaded and _to_report(domain):
        write_record(app, "verified", None)
    else:
        write_record(app, "verified", {"inputs": domain.session.fingerprint, "state": domain.state()})
    if domain.session.loaded:
        domain.session.release()
    return []


def _to_be_written(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Return the documents whose pages in this output folder were written with other answers."""
    written, states = read_record(app, of_output(app, "written")) or {}, domain_of(env).states
    changed = {docname for docname in (*written, *states) if written.get(docname) != states.get(docname)}
    return sorted(changed & env.found_docs)


def _note_what_is_written(app: Sphinx) -> None:
    """Note which documents the builder writes: only some, if the command line names files."""
    domain = domain_of(app.env)
    builder: Any = app.builder
    prepare = builder.prepare_writing

    def noting(docnames: set[str]) -> None:
        domain.written = set(docnames)
        prepare(docnames)

    builder.prepare_writing = noting


def _record_written(app: Sphinx, exception: Optional[Exception]) -> None:
    """Record the digests that the pages were written from; a builder that did not prepare wrote all pages, or none."""
    if exception is not None or app.env is None:
        return
    domain = domain_of(app.env)
    record = domain.states
    if domain.written is not None:
        before = read_record(app, of_output(app, "written")) or {}
        others = (before.keys() | record.keys()) - domain.written
        record = {docname: state for docname, state in record.items() if docname in domain.written}
        record.update({docname: before[docname] for docname in others if docname in before})
    write_record(app, of_output(app, "written"), dict(sorted(record.items())))


# -- the records


def of_output(app: Sphinx, what: str) -> str:
    """Return the name of the record of *what* for this builder and output folder."""
    output = f"{app.builder.name}:{os.path.realpath(app.outdir)}"
    return f"{what}-{hashlib.blake2b(os.fsencode(output), digest_size=8).hexdigest()}"


def _path(app: Sphinx, name: str) -> str:
    return os.path.join(app.doctreedir, f"kfuncdoc-{name}.json")


def read_record(app: Sphinx, name: str) -> Any:
    """Return a record; None if it is missing or broken, which only costs time."""
    try:
        with open(_path(app, name), encoding="utf-8") as stream:
            return json.load(stream)
    except (OSError, ValueError):
        return None


def write_record(app: Sphinx, name: str, record: Any) -> None:
    """Write *record*, a value for JSON, for the next build."""
    if record == read_record(app, name):
        return
    with open(_path(app, name), "w", encoding="utf-8") as stream:
        json.dump(record, stream)
