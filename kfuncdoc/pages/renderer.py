# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A catalog to reStructuredText.

A rendered page is plain standard Sphinx rst and needs no extension to build.  The words and the
layout are in the templates; a project may put its own in place of any of them, by name.  Lines of
prose have marks, see :mod:`kfuncdoc.pages.rst`.
"""

from __future__ import annotations

import datetime
import re
import traceback
from functools import cached_property
from typing import Any, Callable, Collection, Iterable, Mapping, Optional, Sequence

import jinja2

from kfuncdoc.base.resources import packaged
from kfuncdoc.compat.snippets import Snippets
from kfuncdoc.kernels.hooks import ANY
from kfuncdoc.kernels.releases import RELEASE, Release
from kfuncdoc.pages.columns import COLUMNS
from kfuncdoc.pages.rst import code, day, escape, heading, inline, literal, literals, month, prose, simple_table, unfold
from kfuncdoc.pages.selection import Selection, select
from kfuncdoc.record.address import address, program_type_page, struct_ops_address
from kfuncdoc.record.catalog import Catalog, SubsystemFile
from kfuncdoc.record.declaration_files import BASIC_OVERVIEWS, overviews, release_page
from kfuncdoc.views.any_two import Comparison, compared_with, comparison
from kfuncdoc.views.callers import Caller, ProgramTypes
from kfuncdoc.views.difference import Difference, Entry, Markup, counts, groups, reach, sentence
from kfuncdoc.views.kfunc import KfuncView, Pages, Prose, ReleaseView, mark

_WEB_ADDRESS = re.compile(r"https?://[^\s<>`]+")


def template_of(subject: str) -> str:
    """Return the template of the page about all kfuncs that has this *subject*."""
    if RELEASE.fullmatch(subject):
        return "released.rst.jinja"
    return "program-type.rst.jinja" if subject.startswith("BPF_PROG_TYPE_") else f"{subject}.rst.jinja"


class TemplateFailed(Exception):
    """A template cannot be used; the message says where and why."""


def _place_in_template(error: Exception) -> str:
    if isinstance(error, jinja2.TemplateSyntaxError):
        return f"{error.filename or error.name}:{error.lineno}"
    frames = traceback.extract_tb(error.__traceback__)
    within = [f"{frame.filename}:{frame.lineno}" for frame in frames if frame.filename.endswith(".jinja")]
    return within[-1] if within else ""


class Renderer:
    """Turns one catalog, at a release and a date, into texts.

    *templates* are folders that come before the packaged one; *linked* tells of a kfunc whether
    there is a page to link to.  *chosen* are the pages about all kfuncs that there are to be, among
    ``declaration_files.OVERVIEWS``; *contents* are the pages beside ``index`` that there really are,
    without it all that follow from what is chosen; *published* are the files for machines beside it, and
    *written* the subjects of the pages that are ours, without it all.
    Every method returns rst with marks and a line end at its end.
    """

    def __init__(
        self,
        catalog: Catalog,
        release: Release,
        date: datetime.date,
        *,
        templates: Sequence[str] = (),
        linked: Callable[[str], bool] = lambda name: True,
        chosen: Sequence[str] = BASIC_OVERVIEWS,
        contents: Optional[Sequence[str]] = None,
        published: Sequence[str] = (),
        written: Optional[Collection[str]] = None,
    ) -> None:
        self.catalog = catalog
        self.pages = Pages(catalog, release, date)
        self.linked = linked
        self.chosen = tuple(chosen)
        self._published = tuple(published)
        self._written = written
        self._contents = None if contents is None else frozenset(contents)
        self._snippets = Snippets(catalog, release, date)
        self._folders = [*templates, str(packaged("templates"))]

    @cached_property
    def _environment(self) -> jinja2.Environment:
        environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(self._folders),
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
            autoescape=False,  # noqa: S701  (rst, not HTML: `escape` and `literal` are its escapes)
            auto_reload=False,
        )
        environment.filters.update(
            escape=escape, heading=heading, literal=literal, month=month, day=day, prose=prose, link=self.link,
            code=code, literals=literals, inline=inline, unfold=unfold, simple_table=simple_table,
        )  # fmt: skip
        environment.tests["web_address"] = _WEB_ADDRESS.fullmatch
        environment.globals.update(
            release=self.pages.release, date=self.pages.date, calendar=self.catalog.calendar, pages=self.pages,
            address=address, struct_ops_address=struct_ops_address, has_page=self._has_page, snippet=self._snippets.of,
            columns=COLUMNS, tab="\t", flag_meanings=self.catalog.flags,
        )  # fmt: skip
        return environment

    def _render(self, template: str, **context: Any) -> str:
        """Render a template; whatever goes wrong in it, in a project's own too, is told with file and line."""
        try:
            return self._environment.get_template(template).render(**context)
        except Exception as error:
            raise TemplateFailed(f"{_place_in_template(error) or template}: {error}") from error

    def link(self, name: str) -> str:
        """Return a reference to the kfunc *name*, or its name alone where no page shows it."""
        linked = self.linked(name) and self.pages.shows(name)
        return f":ref:`{name} <{address(name)}>`" if linked else f"``{name}``"

    # -- pages

    def subsystem(self, subsystem: SubsystemFile) -> str:
        """Return the page of one declaration file."""
        entries = tuple(self.pages.of(subsystem))
        used = {flag for view in entries if isinstance(view, KfuncView) for flag in _flags(view)}
        return self._render(
            "subsystem.rst.jinja",
            subsystem=subsystem,
            header=subsystem.header,
            entries=entries,
            is_stub=[not isinstance(view, KfuncView) for view in entries],
            flags=[self.catalog.flags[flag] for flag in sorted(used) if flag in self.catalog.flags],
            reference=self.pages.reference(subsystem),
            outdated=self.pages.outdated(subsystem.recorded),
            title_mark=mark(subsystem.path, subsystem.source.place("title").line if subsystem.source else 1),
            description=self._header_prose(subsystem, "description"),
            guidelines=self._header_prose(subsystem, "guidelines"),
        )

    def _header_prose(self, subsystem: SubsystemFile, name: str) -> Optional[Prose]:
        text = getattr(subsystem.header, name)
        return Prose(text, subsystem.source, (name,)) if text else None

    @cached_property
    def overviews(self) -> Mapping[str, str]:
        """The pages about all kfuncs, by name, each with its subject, see ``declaration_files.overviews``."""
        releases = (release.name for release in self._releases)
        return overviews(self.chosen, releases, self.catalog.hooks.program_types)

    @property
    def _releases(self) -> Sequence[Release]:
        """The releases that have a page of their own, the newest first."""
        return self.catalog.calendar.with_kfuncs(self.pages.release)[::-1]

    def overview(self, subject: str) -> str:
        """Return one of the pages about all kfuncs; *subject* is as in ``declaration_files.overviews``."""
        if RELEASE.fullmatch(subject):
            return self.released(self.catalog.calendar[subject])
        if subject in self.catalog.hooks.program_types:
            return self.program_type(subject)
        if subject == "compare":
            return self.comparison()
        if subject == "program-types":
            return self.program_types()
        return self._render(template_of(subject), **self._shown_by(subject))

    def _has_page(self, program_type: str) -> bool:
        """Whether there is a page of what programs of *program_type* may call."""
        known = program_type in self.catalog.hooks.program_types
        return known and (self._written is None or program_type in self._written)

    def _there(self, names: Iterable[str]) -> list[str]:
        """Return those of the pages *names* that there are."""
        return [name for name in names if self._contents is None or name in self._contents]

    def _shown_by(self, name: str) -> dict[str, Any]:
        """Return what the template of an overview is given."""
        if name == "index":
            everything = (*self.chosen[1:], *(subsystem.page for subsystem in self.catalog.subsystems))
            kfuncs = select(self.pages, Selection())
            return {"contents": self._there(everything), "published": self._published, "kfuncs": kfuncs}
        if name == "deprecated":
            urgent = select(self.pages, Selection(stability=("deprecated",), order="urgency"))
            return {"kfuncs": urgent, "superseded": select(self.pages, Selection(stability=("superseded",)))}
        if name == "removed":
            return {"kfuncs": select(self.pages, Selection(stability=("removed",), order="removed"))}
        return {"releases": self.changes_of(None, None), "counted": self._counted()}

    def _counted(self) -> Sequence[ReleaseView]:
        """Return every release from the first in which something happened, the newest first."""
        happened = {view.release: view for view in self.changes_of(None, None)}
        first = min(happened, default=None)
        return [
            happened.get(release, ReleaseView(release, ()))
            for release in self._releases
            if first is not None and first <= release
        ]

    # -- by program type

    @cached_property
    def _program_types(self) -> ProgramTypes:
        return ProgramTypes(self.pages)

    def program_types(self) -> str:
        """Return the page about all program types, which leads to the pages of each."""
        callers = self._program_types
        return self._render(
            "program-types.rst.jinja",
            sections=[section for name in callers.types for section in callers.sections(name)],
            without_hook=callers.without_hook,
            unregistered=callers.unregistered,
            contents=self._there(map(program_type_page, callers.types)),
        )

    def program_type(self, name: str) -> str:
        """Return the page of one program type, as ``BPF_PROG_TYPE_XDP``; raises KeyError where it has none."""
        callers = self._program_types
        if name not in callers.types:
            raise KeyError(name)
        return self._render(
            "program-type.rst.jinja",
            sections=callers.sections(name),
            of_any=callers.section(Caller(ANY)),
            is_open=callers.is_open(name),
            sharing=callers.sharing(name),
        )

    # -- from one release to another

    @cached_property
    def compared(self) -> Comparison:
        """Any two releases up to the reference release, compared."""
        return comparison(self.catalog, self.pages.release, self.pages.date)

    def released(self, release: Release) -> str:
        """Return the page of what *release* changed, since the one before it and since the LTS release before it."""
        firsts = compared_with(self.catalog.calendar, release)
        differences = [self.compared.between(first, release) for first in firsts]
        return self._render(
            "released.rst.jinja", released=release, differences=differences, counts=counts, reach=reach, groups=groups,
            sentence=self._sentence,
        )  # fmt: skip

    def _sentence(self, entry: Entry, found: Difference) -> str:
        return sentence(entry, found, Markup(words=escape, name=self.link))

    def comparison(self) -> str:
        """Return the page where readers pick two releases, which leads to the pages of each."""
        contents = self._there(release_page(release.name) for release in self._releases)
        return self._render("compare.rst.jinja", contents=contents)

    # -- parts of pages

    def table(self, selection: Selection) -> str:
        """Return a table of the kfuncs that *selection* selects."""
        return self._render("table.rst.jinja", kfuncs=select(self.pages, selection), chosen=selection.columns)

    def summary(self) -> str:
        """Return how the record stands: as of when, how many kfuncs, what went last and what goes next."""
        return self._render("summary.rst.jinja")

    def changes(self, first: Optional[Release], last: Optional[Release], *, sections: bool = False) -> str:
        """Return what happened after release *first* up to *last*; None stands for the ends of the record.

        Each release has a rubric, or a section of its own where *sections*.
        """
        return self._render("release.rst.jinja", releases=self.changes_of(first, last), sections=sections)

    def changes_of(self, first: Optional[Release], last: Optional[Release]) -> Sequence[Any]:
        reference = self.pages.release
        return self.pages.changes(first, min(last or reference, reference))

    def lifecycle(self, name: str) -> str:
        """Return the facts of the kfunc *name* without a heading; raises KeyError where it is not declared."""
        view = self.pages.view(name)
        if view is None:
            raise KeyError(name)
        return self._render("lifecycle.rst.jinja", k=view, page=view.subsystem.page, linked_flags=False)

    def note(self, name: str, *, named: bool = False) -> str:
        """Return what the documentation of the C function *name* is to say besides, empty where that is nothing.

        Where it is *named*, the note says which function it is about.  "kfunc deprecation" in the
        kernel's ``Documentation/bpf/kfuncs.rst`` wants a deprecation documented in the kfunc's own
        kernel docs.
        """
        view = self.pages.view(name)
        if view is None or view.stability == "not yet" or not (view.to_be_told or self.linked(name)):
            return ""
        return self._render("note.rst.jinja", k=view, linked=self.linked(name), named=named)

    def terminal(self, view: KfuncView) -> str:
        """Return the facts of one kfunc as fields, for ``kfuncdoc show``."""
        return self._render("show.rst.jinja", k=view)


def _flags(view: KfuncView) -> Iterable[str]:
    yield from view.facts.flags
    for flags in view.facts.flags_for.values():
        yield from flags
