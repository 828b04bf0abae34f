# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A catalog to reStructuredText.

A rendered page is plain standard Sphinx rst and needs no extension to build.  The words and the
layout are in the templates; a project may put its own in place of any of them, by name.

Lines of prose come out with a private mark at their end, U+E000 FILE:LINE U+E001, which tells where
in the YAML they were written.  Whoever uses the text takes the marks off: :func:`plain` for files,
the Sphinx extension while it hands the lines to the parser, to which it passes the places on.
"""

from __future__ import annotations

import datetime
import re
import traceback
import unicodedata
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Callable, Collection, Iterable, Mapping, Optional, Sequence, Union

import jinja2

from kfuncdoc.base.resources import packaged
from kfuncdoc.base.yaml_text import MARKS
from kfuncdoc.compat.kernels import KernelRecord
from kfuncdoc.compat.snippets import Snippets
from kfuncdoc.kernels.hooks import ANY
from kfuncdoc.kernels.releases import RELEASE, Release, When
from kfuncdoc.record.address import address, program_type_page, struct_ops_address
from kfuncdoc.record.catalog import Catalog, SubsystemFile
from kfuncdoc.record.declaration_files import BASIC_OVERVIEWS, overviews, release_page
from kfuncdoc.record.declared_prose import Prose, mark
from kfuncdoc.record.snapshot import Snapshot
from kfuncdoc.views import replacement
from kfuncdoc.views.any_two import AllDifferences, all_differences, first_releases
from kfuncdoc.views.callers import Caller, ProgramTypes
from kfuncdoc.views.difference import ChangeEntry, Difference, counts, groups, reach, sentence
from kfuncdoc.views.events import ReleaseView
from kfuncdoc.views.kfunc import KfuncView, KfuncViews
from kfuncdoc.views.replacement import Markup, Replacements

_MARK = re.compile(f"{MARKS[0]}(?P<file>[^{MARKS}]*):(?P<line>[0-9]+){MARKS[1]}")
#: What rst takes for markup, or, as the first character of a line, for a list, a rule or a directive.
_MARKUP = re.compile(r"([\\*`|_<>:\[\]{}]|^[^\w\s])")
#: What begins an item of a numbered list, as the initial of a name does.
_ENUMERATOR = re.compile(r"^(\w+)([.)])(?=\s|$)")
_WEB_ADDRESS = re.compile(r"https?://[^\s<>`]+")
#: What docutils takes for a bullet, an enumerator, a field, an option or explicit markup at the start of a block.
_BLOCK_START = re.compile(r"[-+*•‣⁃|>:/.]|__|\(?(?:[A-Za-z]|[0-9]+|[ivxlcdmIVXLCDM]+|#)[.)](?:\s|$)")
_MONTHS = "January February March April May June July August September October November December".split()

#: The columns that a table of kfuncs can have: the words of their heads, and their shares of the width, by which
#: the words of heads stay whole beside the sidebar of a window of 1280 pixels.
COLUMNS = {
    "kfunc": ("kfunc", 36),
    "summary": ("What it does", 48),
    "subsystem": ("Subsystem", 18),
    "stability": ("Stability", 17),
    "added": ("Since", 12),
    "deprecated": ("Deprecated since", 20),
    "end": ("What is to happen", 20),
    "remaining": ("Remaining lifespan", 36),
    "removed": ("Gone from", 11),
    "last": ("Last in", 9),
    "lts": ("Still in LTS", 14),
    "replacement": ("Call instead", 36),
    "notice": ("Notice", 28),
    "flags": ("Flags", 24),
    "program-types": ("Program types", 36),
}
#: The columns that the tables of a program type have besides.
_COLUMNS_OF_PROGRAM_TYPES = {
    "callable": ("Callable since", 18),
    "registered": ("Registered for", 20),
    "filter": ("Filter", 32),
}
DEFAULT_COLUMNS = ("kfunc", "summary", "stability", "added")

#: The orders in which a table can be.
ORDERS = ("name", "declared", "added", "urgency", "removed")

#: What a table selects by stability; ``superseded`` is a kfunc that is present and has a successor.
STABILITIES = ("present", "superseded", "deprecated", "removed")


@dataclass(frozen=True)
class Selection:
    """Which kfuncs a table shows, with which columns and in which order; None leaves a field open."""

    stability: Optional[tuple[str, ...]] = None
    past_due: bool = False
    subsystem: Optional[tuple[str, ...]] = None
    added: Optional[str] = None
    deprecated: Optional[str] = None
    removed: Optional[str] = None
    program_type: Optional[str] = None
    columns: tuple[str, ...] = DEFAULT_COLUMNS
    order: str = "name"


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
        self.pages = KfuncViews(Snapshot(catalog, release, date))
        self.linked = linked
        self.chosen = tuple(chosen)
        self._published = tuple(published)
        self._written = written
        self._contents = None if contents is None else frozenset(contents)
        self._snippets = Snippets(KernelRecord(self.pages))
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
            instead=self._instead, call_instead=self._call_instead,
            columns={**COLUMNS, **_COLUMNS_OF_PROGRAM_TYPES}, tab="\t", flag_meanings=self.catalog.flags,
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

    @property
    def _markup(self) -> Markup:
        return Markup(name=self.link, prose=inline, words=escape)

    def _instead(self, replacements: Replacements) -> str:
        return replacement.on_page(replacements, self._markup)

    def _call_instead(self, replacements: Replacements) -> str:
        return replacement.in_list(replacements, self._markup)

    # -- pages

    def subsystem(self, subsystem: SubsystemFile) -> str:
        """Return the page of one declaration file."""
        entries = tuple(self.pages.entries_of(subsystem))
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
            kfuncs = self.select(Selection())
            return {"contents": self._there(everything), "published": self._published, "kfuncs": kfuncs}
        if name == "deprecated":
            urgent = self.select(Selection(stability=("deprecated",), order="urgency"))
            return {"kfuncs": urgent, "superseded": self.select(Selection(stability=("superseded",)))}
        if name == "removed":
            return {"kfuncs": self.select(Selection(stability=("removed",), order="removed"))}
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
    def compared(self) -> AllDifferences:
        """Any two releases up to the reference release, compared."""
        return all_differences(self.pages.snapshot)

    def released(self, release: Release) -> str:
        """Return the page of what *release* changed, since the one before it and since the LTS release before it."""
        firsts = first_releases(self.catalog.calendar, release)
        differences = [self.compared.between(first, release) for first in firsts]
        return self._render(
            "released.rst.jinja", released=release, differences=differences, counts=counts, reach=reach, groups=groups,
            sentence=self._sentence,
        )  # fmt: skip

    def _sentence(self, entry: ChangeEntry, found: Difference) -> str:
        return sentence(entry, found, self._markup)

    def comparison(self) -> str:
        """Return the page where readers pick two releases, which leads to the pages of each."""
        contents = self._there(release_page(release.name) for release in self._releases)
        return self._render("compare.rst.jinja", contents=contents)

    # -- parts of pages

    def table(self, selection: Selection) -> str:
        """Return a table of the kfuncs that *selection* selects."""
        return self._render("table.rst.jinja", kfuncs=self.select(selection), chosen=selection.columns)

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
        if view is None or view.stability == "not yet" or not (view.needs_note or self.linked(name)):
            return ""
        return self._render("note.rst.jinja", k=view, linked=self.linked(name), named=named)

    def terminal(self, view: KfuncView) -> str:
        """Return the facts of one kfunc as fields, for ``kfuncdoc show``."""
        return self._render("show.rst.jinja", k=view)

    # -- selection

    def select(self, selection: Selection) -> tuple[KfuncView, ...]:
        """Return the kfuncs that *selection* selects, in its order."""
        chosen = [view for view in self.pages.kfuncs if _selected(view, selection)]
        if selection.order == "name":
            chosen.sort(key=lambda view: view.name.lstrip("_"))
        elif selection.order == "added":
            chosen.sort(key=lambda view: (-_position(view.lifecycle.added), view.name))
        elif selection.order == "urgency":
            chosen.sort(key=_urgency)
        elif selection.order == "removed":
            chosen.sort(key=lambda view: (-_position(view.lifecycle.removed), view.name))
        return tuple(chosen)


def _selected(view: KfuncView, selection: Selection) -> bool:
    lifecycle = view.lifecycle
    states = {view.stability} | ({"superseded"} if view.superseded else set())
    since = {
        "added": [stretch.added for stretch in lifecycle.state.stretches],
        "deprecated": [view.plan.since] if view.plan else [],
        "removed": [stretch.removed for stretch in lifecycle.state.stretches if stretch.removed],
    }
    return (
        (selection.stability is None or bool(states & set(selection.stability)))
        and (not selection.past_due or lifecycle.past_due)
        and (selection.subsystem is None or view.subsystem.header.subsystem in selection.subsystem)
        and (selection.program_type is None or view.may_call(selection.program_type))
        and all(
            getattr(selection, name) in (None, *(when.by.name for when in happened)) for name, happened in since.items()
        )
    )


def _position(when: Optional[When]) -> int:
    return when.by.position if when is not None else 0


def _urgency(view: KfuncView) -> tuple[bool, int, int, str]:
    """Order deprecated kfuncs: past due first and the longest due before, then by what is left, the undecided last."""
    end = view.end
    remaining = view.lifecycle.remaining_releases
    return (remaining is None, remaining or 0, end.position if end else 0, view.name)


def _flags(view: KfuncView) -> Iterable[str]:
    yield from view.facts.flags
    for flags in view.facts.flags_for.values():
        yield from flags


# -- filters


def escape(text: object) -> str:
    """Return *text* so that rst takes none of it for markup."""
    return _ENUMERATOR.sub(r"\1\\\2", _MARKUP.sub(r"\\\1", str(text)))


def literal(text: object) -> str:
    """Return *text* as an inline literal, or escaped where a literal could not hold it."""
    text = str(text)
    return f"``{text}``" if text and "`" not in text and text == text.strip() else escape(text)


def literals(texts: Iterable[object]) -> str:
    """Return *texts* as inline literals with commas between them."""
    return ", ".join(literal(text) for text in texts)


def heading(text: str, underline: str = "=") -> str:
    """Return *text* (rst) as a section title; the line is long enough for wide characters too."""
    visible = _MARK.sub("", text)
    return f"{text}\n{underline * (len(visible) if visible.isascii() else 2 * len(visible))}"


def month(release: Union[Release, datetime.date]) -> str:
    """Return the month and year of a release or a day; of a projected release, a word that says so.

    Month names are English whatever the locale, as the pages are.
    """
    if isinstance(release, datetime.date):
        return f"{_MONTHS[release.month - 1]} {release.year}"
    if release.projected:
        middle = release.earliest + (release.date - release.earliest) / 2
        return f"around {month(middle)}"
    return month(release.date)


def day(date: datetime.date) -> str:
    """Return a day as people write it: ``1 November 2026``."""
    return f"{date.day} {month(date)}"


def prose(text: Prose, indent: int = 0) -> str:
    """Return prose with the marks of its lines, the lines after the first indented by *indent* columns."""
    lines = text.marked().split("\n")
    padding = " " * indent
    return "\n".join([lines[0], *(padding + line if line else "" for line in lines[1:])])


def inline(text: Prose) -> str:
    """Return prose as one line, for a cell or the middle of a sentence; the mark of its first line stays.

    What would begin a list or another block at the start of a line ("A. ", "- ") is kept from it.
    """
    line = unfold(text.marked())
    return f"\\ {line}" if _BLOCK_START.match(plain(line)) else line


def unfold(text: str) -> str:
    """Return *text* as one line; of its marks the first one stays."""
    first = _MARK.search(text)
    return " ".join(_MARK.sub("", text).split()) + (first[0] if first else "")


def code(text: str, indent: int = 3) -> str:
    """Return a block of code, every line indented; docutils would count tabs from the left edge of the page."""
    return "\n".join(" " * indent + line.expandtabs() if line else "" for line in text.split("\n"))


def simple_table(text: str, indent: int) -> str:
    """Return rows, whose cells stand between tabs, as a simple table of rst; the first row is its head.

    docutils reads a simple table in half the time of a ``list-table``, and people read it as a table.
    The places of prose move to the end of their row: taken off in its middle, they would leave the
    columns askew.
    """
    rows = [line.split("\t") for line in text.strip("\n").split("\n")]
    marks = [_MARK.search("".join(row)) for row in rows]
    cells = [[_MARK.sub("", cell).strip() for cell in row] for row in rows]
    # The text of the last column may be longer than its border.
    widths = [*(max(map(_width, column)) for column in list(zip(*cells))[:-1]), _width(cells[0][-1])]
    border = "  ".join("=" * width for width in widths)
    head, *others = [
        "  ".join(map(_padded, row, widths)).rstrip() + (found[0] if found else "") for row, found in zip(cells, marks)
    ]
    return "\n".join(" " * indent + line for line in (border, head, border, *others, border)) + "\n"


def _padded(cell: str, width: int) -> str:
    return cell + " " * (width - _width(cell))


def _width(text: str) -> int:
    """Return the columns of *text* as docutils counts them in tables: wide characters take two."""
    return len(text) + sum(unicodedata.east_asian_width(character) in "WF" for character in text)


# -- marks


def plain(text: str) -> str:
    """Return *text* without marks."""
    return _MARK.sub("", text)


def lines_with_places(text: str, default: str) -> list[tuple[str, str, int]]:
    """Return the lines of *text* without marks, each with the file and the line (from 1) it comes from.

    A line with no mark of its own, such as a line of a template, takes the place of the last that had one.
    """
    lines = []
    file, number = default, 1
    for line in text.split("\n"):
        found = _MARK.search(line)
        if found:
            file, number = found["file"], int(found["line"])
            line = _MARK.sub("", line)
        lines.append((line.rstrip(), file, number))
    return lines
