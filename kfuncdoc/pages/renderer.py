# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The renderer: from a catalog to reStructuredText.

A rendered page is standard Sphinx rst and needs no extension to build.  The templates have the words and the layout; a
project may replace any of them by its own template with the same name.  Lines of prose have marks, see
:mod:`kfuncdoc.pages.rst`.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, Iterable, Mapping, Optional, Sequence

from kfuncdoc.base.resources import packaged
from kfuncdoc.compat.kernels import KernelRecord
from kfuncdoc.compat.snippets import Snippets
from kfuncdoc.kernels.hooks import ANY
from kfuncdoc.kernels.releases import Release
from kfuncdoc.pages.columns import COLUMNS
from kfuncdoc.pages.rst import FILTERS, escape, inline, is_web_address
from kfuncdoc.pages.selection import Selection, select
from kfuncdoc.pages.site_map import Page, SiteMap, site_of
from kfuncdoc.pages.templates import Templates
from kfuncdoc.record.address import address, struct_ops_address
from kfuncdoc.record.catalog import SubsystemFile
from kfuncdoc.record.declared_prose import Prose, mark
from kfuncdoc.record.snapshot import Snapshot
from kfuncdoc.views import replacement
from kfuncdoc.views.any_two import AllDifferences, all_differences, first_releases
from kfuncdoc.views.callers import Caller, ProgramTypes
from kfuncdoc.views.difference import ChangeEntry, Difference, counts, groups, reach, sentence
from kfuncdoc.views.events import ReleaseView
from kfuncdoc.views.kfunc import KfuncView, KfuncViews
from kfuncdoc.views.replacement import Markup, Replacements

#: The variables of a template, by name.
Context = dict[str, Any]


class Renderer:
    """Renders a *snapshot* as texts.

    *site* has the pages to which links can lead; by default these are all pages that ``kfuncdoc render`` writes.
    *templates* are folders that are searched before the packaged one.
    Every method that renders returns rst with marks and a line end at its end.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        *,
        site: Optional[SiteMap] = None,
        templates: Sequence[str] = (),
    ) -> None:
        self.catalog = snapshot.catalog
        self.pages = KfuncViews(snapshot)
        self.site = site or site_of(snapshot.catalog, snapshot.release)
        self._snippets = Snippets(KernelRecord(self.pages))
        self._folders = [*templates, str(packaged("templates"))]

    @cached_property
    def _templates(self) -> Templates:
        filters = {**FILTERS, "link": self.link}
        names = {
            "release": self.pages.release, "date": self.pages.date, "calendar": self.catalog.calendar,
            "pages": self.pages, "flag_meanings": self.catalog.flags, "columns": COLUMNS, "tab": "\t",
            "address": address, "struct_ops_address": struct_ops_address, "has_page": self._has_page,
            "snippet": self._snippets.of, "instead": self._instead, "call_instead": self._call_instead,
        }  # fmt: skip
        return Templates(self._folders, filters, {"web_address": is_web_address}, names)

    def _render(self, template: str, **context: Any) -> str:
        return self._templates.render(template, context)

    def link(self, name: str) -> str:
        """Return a reference to the kfunc *name*; only its name if no page shows it."""
        return f":ref:`{name} <{address(name)}>`" if self.has_section(name) else f"``{name}``"

    def has_section(self, name: str) -> bool:
        """Whether a page has a section for the kfunc *name*; none has one for a kfunc that is added later."""
        return self.section_of(name) is not None

    @property
    def _markup(self) -> Markup:
        return Markup(name=self.link, prose=inline, words=escape)

    def _instead(self, replacements: Replacements) -> str:
        return replacement.on_page(replacements, self._markup)

    def _call_instead(self, replacements: Replacements) -> str:
        return replacement.in_list(replacements, self._markup)

    def section_of(self, name: str) -> Optional[str]:
        """Return the name of the document that has the section of the kfunc *name*; None if no document has."""
        if not self.pages.shows(name):
            return None
        subsystem, _ = self.catalog.entries[name]
        return self.site.document_of(Page("subsystem", subsystem.path))

    def _has_page(self, program_type: str) -> bool:
        """Whether there is a page of the kfuncs that programs of *program_type* may call."""
        return self.site.document_of(Page("program-type", program_type)) is not None

    # -- pages

    def page(self, page: Page) -> str:
        """Return the text of *page*; raises KeyError if its subject does not exist."""
        context = getattr(self, f"_context_of_{page.kind.replace('-', '_')}")(page)
        return self._render(page.template, page=page, **context)

    def _context_of_index(self, page: Page) -> Context:
        return {
            "contents": self.site.entries_below(page),
            "published": self.site.published,
            "kfuncs": select(self.pages, Selection()),
        }

    def _context_of_deprecated(self, page: Page) -> Context:
        return {
            "kfuncs": select(self.pages, Selection(stability=("deprecated",), order="urgency")),
            "superseded": select(self.pages, Selection(stability=("superseded",))),
        }

    def _context_of_removed(self, page: Page) -> Context:
        return {"kfuncs": select(self.pages, Selection(stability=("removed",), order="removed"))}

    def _context_of_changes(self, page: Page) -> Context:
        happened = {view.release: view for view in self._changes(None, None)}
        first = min(happened, default=None)
        # Every release from the first in which something happened, the newest first.
        counted = [
            happened.get(release, ReleaseView(release, ()))
            for release in self.catalog.calendar.with_kfuncs(self.pages.release)[::-1]
            if first is not None and first <= release
        ]
        return {"releases": tuple(happened.values()), "counted": counted}

    def _context_of_compare(self, page: Page) -> Context:
        return {"contents": self.site.entries_below(page)}

    def _context_of_release(self, page: Page) -> Context:
        """Compare a release with the one before it, and with the LTS release before it."""
        release = self.catalog.calendar[page.subject]
        firsts = first_releases(self.catalog.calendar, release)
        return {
            "released": release,
            "differences": [self.compared.between(first, release) for first in firsts],
            "counts": counts,
            "reach": reach,
            "groups": groups,
            "sentence": self._sentence,
        }

    def _context_of_program_types(self, page: Page) -> Context:
        callers = self._program_types
        return {
            "sections": [section for name in callers.types for section in callers.sections(name)],
            "without_hook": callers.without_hook,
            "unregistered": callers.unregistered,
            "contents": self.site.entries_below(page),
        }

    def _context_of_program_type(self, page: Page) -> Context:
        callers, name = self._program_types, page.subject
        if name not in callers.types:
            raise KeyError(name)
        return {
            "sections": callers.sections(name),
            "of_any": callers.section(Caller(ANY)),
            "is_open": callers.is_open(name),
            "sharing": callers.sharing(name),
        }

    def _context_of_subsystem(self, page: Page) -> Context:
        subsystem = self._subsystems[page.subject]
        entries = tuple(self.pages.entries_of(subsystem))
        used = {flag for view in entries if isinstance(view, KfuncView) for flag in _flags(view)}
        return {
            "subsystem": subsystem,
            "header": subsystem.header,
            "entries": entries,
            "is_stub": [not isinstance(view, KfuncView) for view in entries],
            "flags": [self.catalog.flags[flag] for flag in sorted(used) if flag in self.catalog.flags],
            "reference": self.pages.reference(subsystem),
            "outdated": self.pages.outdated(subsystem.recorded),
            "title_mark": mark(subsystem.path, subsystem.source.place("title").line if subsystem.source else 1),
            "description": _header_prose(subsystem, "description"),
            "guidelines": _header_prose(subsystem, "guidelines"),
        }

    # -- data that several pages use

    @cached_property
    def _subsystems(self) -> Mapping[str, SubsystemFile]:
        """The declaration files by path."""
        return {subsystem.path: subsystem for subsystem in self.catalog.subsystems}

    @cached_property
    def _program_types(self) -> ProgramTypes:
        return ProgramTypes(self.pages)

    @cached_property
    def compared(self) -> AllDifferences:
        """The differences of any two releases up to the reference release."""
        return all_differences(self.pages.snapshot)

    def _sentence(self, entry: ChangeEntry, difference: Difference) -> str:
        return sentence(entry, difference, self._markup)

    def _changes(self, first: Optional[Release], last: Optional[Release]) -> Sequence[ReleaseView]:
        """Return what happened after release *first* up to *last*, see :meth:`changes`."""
        reference = self.pages.release
        return self.pages.changes(first, min(last or reference, reference))

    # -- parts of pages

    def table(self, selection: Selection) -> str:
        """Return a table of the kfuncs that *selection* selects."""
        return self._render("table.rst.jinja", kfuncs=select(self.pages, selection), chosen=selection.columns)

    def summary(self) -> str:
        """Return a summary of the record: its release and day, the number of kfuncs, those removed last and next."""
        return self._render("summary.rst.jinja")

    def changes(self, first: Optional[Release], last: Optional[Release], *, sections: bool = False) -> str:
        """Return what happened after release *first* up to *last*; None means the first or last release of the record.

        Each release has a rubric, or a section if *sections*.
        """
        return self._render("release.rst.jinja", releases=self._changes(first, last), sections=sections)

    def lifecycle(self, name: str) -> str:
        """Return the facts of the kfunc *name* without a heading; raises KeyError if it is not declared."""
        view = self.pages.view(name)
        if view is None:
            raise KeyError(name)
        return self._render("lifecycle.rst.jinja", k=view, page=view.subsystem.page, linked_flags=False)

    def note(self, name: str, *, named: bool = False) -> str:
        """Return a note for the documentation of the C function *name*; empty if there is nothing to note.

        If *named*, the note has the name of the function.  "kfunc deprecation" in the kernel's
        ``Documentation/bpf/kfuncs.rst`` asks for a deprecation to be documented in the kfunc's own kernel docs.
        """
        view = self.pages.view(name)
        if view is None or view.stability == "not yet" or not (view.needs_note or self.has_section(name)):
            return ""
        return self._render("note.rst.jinja", k=view, linked=self.has_section(name), named=named)


def _header_prose(subsystem: SubsystemFile, name: str) -> Optional[Prose]:
    text = getattr(subsystem.header, name)
    return Prose(text, subsystem.source, (name,)) if text else None


def _flags(view: KfuncView) -> Iterable[str]:
    yield from view.facts.flags
    for flags in view.facts.flags_for.values():
        yield from flags
