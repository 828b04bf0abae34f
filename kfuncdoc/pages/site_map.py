# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The site map: which pages there are, their names, and which of them link to which.

To add a kind of page, add an entry to ``KINDS``, a template, and to ``renderer.Renderer`` the method
``_context_of_KIND``, which returns the variables of the template.  If the kind has a page for each of several subjects,
``subjects_of`` returns them.

The site map is made only from the names of files and the packaged calendar.  It loads no declaration, so that a build
without changes is quick.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Callable, Iterable, Mapping, Optional, Sequence

from kfuncdoc.base.diagnostics import Diagnostic, Rule
from kfuncdoc.kernels.hooks import ANY, HookMap
from kfuncdoc.kernels.releases import Release, ReleaseCalendar
from kfuncdoc.record.address import PAGE_PREFIX, program_type_page
from kfuncdoc.record.declaration_files import SUFFIX, is_unreadable_folder, page_name

if TYPE_CHECKING:
    from kfuncdoc.record.catalog import Catalog

#: The characters that toctrees, references and their patterns read as markup.
_MARKUP = re.compile(r"[<>`*?\[\]\\]")
#: The names that a toctree reads as entries of its own, and those that a path reads as folders.
_NO_DOCUMENTS = ("self", ".", "..")
#: The published files for programs, beside the pages: the record, its JSON Schema, and the feed of what happened.
EXPORT, SCHEMA, FEED = "kfuncs.json", "kfuncs.schema.json", "kfuncs.atom"


@dataclass(frozen=True)
class PageKind:
    """A kind of page: one page about all kfuncs, or one for each of several subjects."""

    name: str
    template: str
    #: The kind of the page whose table of contents has these pages.
    parent: Optional[str] = "index"
    #: Whether ``kfuncdoc render`` writes it without ``--all``.
    is_basic: bool = False
    #: If the kind has several pages: the name of the page about a subject, and the pattern of all these names.
    name_of: Optional[Callable[[str], str]] = None
    names: Optional[re.Pattern[str]] = None

    @property
    def is_about_all(self) -> bool:
        """Whether it is about all kfuncs, and the only one of its kind."""
        return self.name_of is None


KINDS = {
    kind.name: kind
    for kind in (
        PageKind("index", "index.rst.jinja", parent=None, is_basic=True),
        PageKind("deprecated", "deprecated.rst.jinja", is_basic=True),
        PageKind("removed", "removed.rst.jinja", is_basic=True),
        PageKind("changes", "changes.rst.jinja", is_basic=True),
        PageKind("compare", "compare.rst.jinja"),
        # The changes of one release.
        PageKind(
            "release", "released.rst.jinja", parent="compare",
            name_of="release-{}".format, names=re.compile(r"release-v\d+\.\d+"),
        ),
        PageKind("program-types", "program-types.rst.jinja"),
        # The kfuncs that programs of one type may call.
        PageKind(
            "program-type", "program-type.rst.jinja", parent="program-types",
            name_of=program_type_page, names=re.compile("program-type-.*", re.DOTALL),
        ),
        # The kfuncs of one declaration file; its path is the subject, and the page may have any other name.
        PageKind("subsystem", "subsystem.rst.jinja", name_of=page_name),
    )
}  # fmt: skip
#: The pages about all kfuncs: which of them a project can choose, and those that are basic.
OVERVIEWS = tuple(kind.name for kind in KINDS.values() if kind.is_about_all)
BASIC_OVERVIEWS = tuple(name for name in OVERVIEWS if KINDS[name].is_basic)


@dataclass(frozen=True)
class Page:
    """A page of a *kind* (a key of ``KINDS``); *subject* is its release, program type or path, if any."""

    kind: str
    subject: str = ""

    @property
    def name(self) -> str:
        """Its name, within the folder of the pages."""
        name_of = KINDS[self.kind].name_of
        return name_of(self.subject) if name_of else self.kind

    @property
    def label(self) -> str:
        """Its label, for references."""
        return PAGE_PREFIX + self.name.replace(".", "-")

    @property
    def template(self) -> str:
        """The name of its template."""
        return KINDS[self.kind].template


Subjects = Mapping[str, Sequence[str]]


def subjects_of(calendar: ReleaseCalendar, hooks: HookMap, release: Release) -> Subjects:
    """Return the subjects of the kinds that have several pages, for a site as of *release*."""
    return {
        "release": [release.name for release in reversed(calendar.with_kfuncs(release))],
        "program-type": sorted(hooks.program_types, key=lambda name: (name != ANY, name)),
    }


def pages_about_all(chosen: Iterable[str], subjects: Subjects) -> list[Page]:
    """Return the pages of the *chosen* overviews and those below them, in the order of tables of contents."""
    chosen = frozenset(chosen)
    pages = [Page(kind.name) for kind in KINDS.values() if kind.name in chosen]
    for kind in KINDS.values():
        if kind.parent in chosen:
            pages += [Page(kind.name, subject) for subject in subjects.get(kind.name, ())]
    return pages


def is_reserved(name: str) -> bool:
    """Whether *name* is, or may become, the name of a page that kfuncdoc writes itself."""
    patterns = (kind.names for kind in KINDS.values() if kind.names)
    return name in OVERVIEWS or any(pattern.fullmatch(name) for pattern in patterns)


def by_page(paths: Iterable[str]) -> tuple[dict[str, str], list[Diagnostic]]:
    """Return the declaration file of each page by the page's name, and a diagnostic for each file that gets no page.

    Names that differ only in case are one file on many file systems, so the second file gets no page.  A folder that
    cannot be read is left out here, because the loader reports it.
    """
    pages: dict[str, str] = {}
    clashes: list[Diagnostic] = []
    taken: dict[str, str] = {}
    for path in paths:
        if is_unreadable_folder(path):
            continue
        name = page_name(path)
        wrong = _wrong_in_a_page_name(name)
        if wrong is not None:
            clashes.append(_clash(path, f"{name!a} cannot be the name of a page{wrong}"))
        elif is_reserved(name.lower()):
            clashes.append(_clash(path, f"the page '{name}' is that of a page that kfuncdoc writes itself"))
        elif name.lower() in taken:
            clashes.append(_clash(path, f"the page '{name}' is that of {taken[name.lower()]}"))
        else:
            pages[name] = path
            taken[name.lower()] = path
    return pages, clashes


def _wrong_in_a_page_name(name: str) -> Optional[str]:
    """Return why no page can have the *name*, as the end of a message; None if a page can.

    Toctrees and references use names, and read some characters in them as markup or as a pattern: see the toctree of
    Sphinx (``TocTree.parse_content()`` in ``sphinx/directives/other.py``).
    """
    if not name or not name.isprintable():
        return ""
    markup = _MARKUP.search(name)
    if markup:
        return f": '{markup[0]}' is markup in references to it"
    if name != name.strip(" "):
        return ": references to it lose the spaces at its ends"
    if name in _NO_DOCUMENTS:
        return ": in a toctree that is another place"
    suffix = next((suffix for suffix in (".rst", SUFFIX) if name.endswith(suffix)), "")
    return f": references to it lose '{suffix}'" if suffix else None


def _clash(path: str, message: str) -> Diagnostic:
    return Diagnostic(path, 0, 0, Rule.PAGE_CLASH, message, "give the file another name")


#: What may end in a suffix of sources, which a toctree takes off (``TocTree.parse_content`` in Sphinx).
_WITH_SUFFIX = re.compile(r".*\.[A-Za-z]\w*")


@dataclass(frozen=True)
class SiteMap:
    """The pages of one site, by the names of their documents, in the order in which tables of contents list them."""

    pages: Mapping[str, Page]
    #: The documents that the project has written itself, instead of generated pages.
    replaced: tuple[str, ...] = ()
    #: The prefix of the names of documents in the folder of the pages, such as ``kfuncs/``.
    folder: str = ""
    #: The suffix of the documents of generated pages.
    suffix: str = ".rst"
    #: The published files beside the pages.
    published: tuple[str, ...] = ()

    @cached_property
    def generated(self) -> Mapping[str, Page]:
        """The pages that kfuncdoc generates, by the names of their documents."""
        return {docname: page for docname, page in self.pages.items() if docname not in self.replaced}

    @cached_property
    def declarations(self) -> Mapping[str, str]:
        """The paths of the declaration files that have pages, by the names of their documents."""
        return {docname: page.subject for docname, page in self.generated.items() if page.kind == "subsystem"}

    @cached_property
    def _documents(self) -> Mapping[Page, str]:
        return {page: docname for docname, page in self.generated.items()}

    def document_of(self, page: Page) -> Optional[str]:
        """Return the name of the document of *page*; None if kfuncdoc does not generate it."""
        return self._documents.get(page)

    def entries_below(self, page: Page) -> list[str]:
        """Return the entries of the toctree of *page*: the pages below it, by their names in its folder."""
        below = (
            other.name
            for docname, other in self.pages.items()
            if KINDS[other.kind].parent == page.kind and docname == self.folder + other.name
        )
        return [f"./{name}{self.suffix}" if _WITH_SUFFIX.fullmatch(name) else name for name in below]


def site_of(catalog: Catalog, release: Release, chosen: Iterable[str] = BASIC_OVERVIEWS) -> SiteMap:
    """Return the map of a folder of pages: one for each file of *catalog*, and those of the *chosen* overviews."""
    about_all = pages_about_all(chosen, subjects_of(catalog.calendar, catalog.hooks, release))
    subsystems = (Page("subsystem", subsystem.path) for subsystem in catalog.subsystems)
    return SiteMap({page.name: page for page in (*about_all, *subsystems)})
