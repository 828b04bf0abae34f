# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Pages of declarations from outside the source directory, and the pages about all of them.

Sphinx only knows documents in the source directory, and has no public way to add others.  It asks its ``Project``
which documents there are, and where their files are.  So this module replaces Sphinx's project by one with more
documents, and writes nothing to the source directory.
"""

from __future__ import annotations

import os
from typing import Any, Iterable, Sequence

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.project import Project
from sphinx.util.matching import Matcher

from kfuncdoc.base.diagnostics import Diagnostic, Rule
from kfuncdoc.kernels.packaged import load_calendar, load_hooks
from kfuncdoc.pages.site_map import Page, by_page, pages_about_all, subjects_of
from kfuncdoc.record.declaration_files import SUFFIX, find, is_unreadable_folder
from kfuncdoc.sphinxext.domain import domain_of
from kfuncdoc.sphinxext.options import Options
from kfuncdoc.sphinxext.rst import every
from kfuncdoc.sphinxext.session import date_of, release_of
from kfuncdoc.sphinxext.warnings import report, warn

_PLACEHOLDER = os.path.join(os.path.dirname(__file__), f"placeholder{SUFFIX}")


class ProjectWithPages(Project):
    """The documents of *project*, and in the folder *pages* one for each declaration file that *data* names.

    *about_all* are the pages about all kfuncs to add.

    A document of the source directory is used instead of a page with the same name.  A declaration file that is a
    document already gets no second page.  ``exclude_patterns`` apply to pages, too.
    """

    def __init__(self, project: Project, pages: str, data: Sequence[str], about_all: Sequence[Page]) -> None:
        super().__init__(project.srcdir, project.source_suffix)
        self.restore(project)
        self._folder = pages
        self._data = tuple(data)
        self._pages_to_add = tuple(about_all)
        #: The declaration file of each page, by document name.
        self.declarations: dict[str, str] = {}
        #: The pages about all kfuncs, by document name; the project has its own documents for those in *replaced*.
        self.about_all: dict[str, Page] = {}
        self.replaced: set[str] = set()
        #: The diagnostics for the declaration files that get no page.
        self.clashes: list[Diagnostic] = []
        self._paths: dict[str, str] = {}
        self._docnames: dict[str, str] = {}

    def discover(self, exclude_paths: Iterable[str] = (), *arguments: Any) -> set[str]:
        """Find the documents of the source directory and then the pages."""
        self.declarations, self.about_all, self.replaced, self.clashes = {}, {}, set(), []
        self._paths, self._docnames = {}, {}
        exclude_paths = list(exclude_paths)
        own = super().discover(exclude_paths, *arguments)
        paths = (str(super(ProjectWithPages, self).doc2path(docname, True)) for docname in own)
        known = {os.path.realpath(path) for path in paths if path.endswith(SUFFIX)}
        files: dict[str, str] = {}
        for path in find(self._data):
            if os.path.realpath(path) not in known and not is_unreadable_folder(path):
                files.setdefault(os.path.realpath(path), path)
        excluded = _Excluded(exclude_paths)
        pages, self.clashes = by_page(files.values())
        for name, path in pages.items():
            docname = self._folder + name
            if docname in own:
                message = f"the page '{docname}' is a document of the source directory"
                hint = "take it away, or give the file another name"
                self.clashes.append(Diagnostic(path, 0, 0, Rule.PAGE_CLASH, message, hint))
            elif not excluded(docname):
                self.declarations[docname] = path
                # Sphinx could not open a file that is not text; the loader reports it.
                self._add(docname, path if _is_text(path) else _PLACEHOLDER)
        for page in self._pages_to_add:
            docname = self._folder + page.name
            # The project's own document is used instead of ours.
            if docname in own:
                self.replaced.add(docname)
            elif files and not excluded(docname):
                self._add(docname, _PLACEHOLDER)
            else:
                continue
            self.about_all[docname] = page
        self.docnames.update(self._paths)
        return self.docnames

    def _add(self, docname: str, path: str) -> None:
        # The path begins with the source directory: Sphinx up to 5 asserts that each source is below it.
        srcdir = str(self.srcdir)
        self._paths[docname] = os.path.join(srcdir, os.path.relpath(os.path.realpath(path), os.path.realpath(srcdir)))
        self._docnames.setdefault(self._paths[docname], docname)

    def doc2path(self, docname: str, *arguments: Any, **keywords: Any) -> Any:
        """Return the file of a document; the relative path of a page is as if it were in the source directory."""
        path: Any = super().doc2path(docname, *arguments, **keywords)
        if docname not in self._paths:
            return path
        absolute = next(iter((*arguments, *keywords.values())), True)
        # Some versions of Sphinx return a text, others a path.
        return type(path)(self._paths[docname] if absolute else docname + SUFFIX)

    def path2doc(self, filename: Any) -> Any:
        return self._docnames.get(str(filename)) or super().path2doc(filename)


class _Excluded:
    """Whether ``exclude_patterns`` match a page, or a folder that it would be in."""

    def __init__(self, patterns: Sequence[str]) -> None:
        self._matches = Matcher(list(patterns))

    def __call__(self, docname: str) -> bool:
        folders = [docname[:end] for end, character in enumerate(docname) if character == "/"]
        return any(map(self._matches, (docname + SUFFIX, *folders)))


def _is_text(path: str) -> bool:
    try:
        if os.path.isfile(path):  # not a pipe, for which the build would wait
            with open(path, encoding="utf-8-sig") as stream:
                stream.read()
            return True
    except (OSError, UnicodeDecodeError):
        pass
    return False


def _know_pages(app: Sphinx) -> None:
    """Replace Sphinx's project by one with pages."""
    options = domain_of(app.env).options
    if options.pages is not None and options.data:
        project = ProjectWithPages(app.project, options.pages, options.data, _pages_about_all(options))
        app.project = app.env.project = project


def _pages_about_all(options: Options) -> Sequence[Page]:
    """Return the pages about all kfuncs, without loading any declaration."""
    calendar = load_calendar()
    release = release_of(options, calendar, date_of(options))
    return pages_about_all(options.overviews, subjects_of(calendar, load_hooks(calendar), release))


def _report_clashes(app: Sphinx, env: BuildEnvironment, *_: object) -> list[str]:
    for clash in getattr(env.project, "clashes", ()):
        report(clash)
    return []


def _newly_named(
    app: Sphinx, env: BuildEnvironment, added: set[str], changed: set[str], removed: set[str]
) -> list[str]:
    """Return the document of ``kfuncdoc_toctree`` if the option did not name it when it was last read."""
    domain = domain_of(env)
    docname = domain.options.toctree
    was_named = ("toctree", (docname,)) in domain.requests.get(docname, {})
    return [docname] if docname in env.all_docs and docname not in removed and not was_named else []


def _add_to_toctree(app: Sphinx, doctree: nodes.document) -> None:
    """Add the pages to the first toctree of the document that ``kfuncdoc_toctree`` names."""
    domain = domain_of(app.env)
    docname = app.env.docname
    entry = domain.ask(docname, "toctree", docname) if docname == domain.options.toctree else ""
    if not entry:
        return
    toctrees = list(every(doctree, addnodes.toctree))
    if not toctrees:
        warn(Rule.PAGES_UNREACHABLE, "kfuncdoc_toctree: this document has no toctree to add the pages to", docname)
    elif not any(entry in toctree["includefiles"] for toctree in toctrees):
        toctrees[0]["entries"].append((None, entry))
        toctrees[0]["includefiles"].append(entry)


def _mark_overview(app: Sphinx, doctree: nodes.document) -> None:
    """Keep Sphinx from warning that an overview is in no toctree: the warning would have the path of a placeholder."""
    page = domain_of(app.env).session.site.generated.get(app.env.docname)
    if page is not None and page.kind != "subsystem":
        app.env.metadata[app.env.docname]["orphan"] = ""


def _check_toctrees(app: Sphinx, env: BuildEnvironment) -> None:
    """Warn of pages that are in no toctree."""
    toctree = domain_of(env).options.toctree
    if toctree and toctree not in env.found_docs:
        warn(Rule.PAGES_UNREACHABLE, f"kfuncdoc_toctree: there is no document '{toctree}'")
        return
    for docname, page in domain_of(env).session.site.generated.items():
        if page.kind == "index" and docname not in env.files_to_rebuild and docname != app.config.master_doc:
            message = (
                f"no toctree leads to the pages of kfuncdoc_data: put '{docname}' into one, "
                "name a document in kfuncdoc_toctree, or have no pages with kfuncdoc_pages = ''"
            )
            warn(Rule.PAGES_UNREACHABLE, message)


def register(app: Sphinx) -> None:
    """Connect to the events of a build, here in their order."""
    app.connect("builder-inited", _know_pages)
    app.connect("env-get-outdated", _report_clashes)
    app.connect("env-get-outdated", _newly_named)
    # Before Sphinx collects the toctrees of a document, at 500.
    app.connect("doctree-read", _add_to_toctree, priority=400)
    app.connect("doctree-read", _mark_overview)
    app.connect("env-check-consistency", _check_toctrees)
