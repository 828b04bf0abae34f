# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Directives and a role for hand-written pages: tables, changes, the facts of one kfunc, and links."""

from __future__ import annotations

import dataclasses
from typing import Any, Callable, ClassVar, Iterable, Optional

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.util.docutils import ReferenceRole, SphinxDirective

from kfuncdoc.base.diagnostics import Rule, nearest, not_among
from kfuncdoc.kernels.releases import RELEASE
from kfuncdoc.record.address import PREFIX
from kfuncdoc.sphinxext.domain import domain_of
from kfuncdoc.sphinxext.rst import parsed
from kfuncdoc.sphinxext.warnings import warn


def _words(text: Optional[str]) -> tuple[str, ...]:
    """Read an option that is a list, with commas or blanks between its items."""
    words = tuple((text or "").replace(",", " ").split())
    if not words:
        raise ValueError("is empty")
    return words


def _one_of(known: Callable[[], Any]) -> Callable[[Optional[str]], tuple[str, ...]]:
    """Return a reader of lists whose items are among *known*."""

    def read(text: Optional[str]) -> tuple[str, ...]:
        words = _words(text)
        for word in words:
            if word not in known():
                raise ValueError(not_among(word, known()))
        return words

    return read


def _columns() -> tuple[str, ...]:
    from kfuncdoc.pages.columns import choosable

    return tuple(column.name for column in choosable())


def _stabilities() -> tuple[str, ...]:
    from kfuncdoc.pages.selection import STABILITIES

    return STABILITIES


def _order(text: Optional[str]) -> str:
    from kfuncdoc.pages.selection import ORDERS

    return str(directives.choice(text or None, ORDERS))  # type: ignore[arg-type]  # it asks for a value where there is none


def _release(text: Optional[str]) -> str:
    if not RELEASE.fullmatch(text or ""):
        raise ValueError(f"'{text}' is no release; write it as v6.10")
    return str(text)


class KfuncTable(SphinxDirective):
    """A table of kfuncs; without options, of all that were added.

    The options select the rows, name the columns in their order, and sort the rows.
    """

    option_spec: ClassVar[dict[str, Callable[[str], Any]]] = {
        "stability": _one_of(_stabilities),
        "past-due": directives.flag,
        "subsystem": _words,
        "added": _release,
        "deprecated": _release,
        "removed": _release,
        "program-type": directives.unchanged_required,
        "columns": _one_of(_columns),
        "order": _order,
    }

    def run(self) -> list[nodes.Node]:
        from kfuncdoc.pages.selection import Selection

        _check_releases(self, "added", "deprecated", "removed")
        self._check_names()
        chosen = {name.replace("-", "_"): value for name, value in self.options.items()}
        if "past_due" in chosen:
            chosen["past_due"] = True
        # A tuple of plain values, so that an environment can be read without the renderer.
        selection = dataclasses.astuple(Selection(**chosen))
        return parsed(self, domain_of(self.env).ask(self.env.docname, "table", *selection))

    def _check_names(self) -> None:
        """Refuse an unknown subsystem or program type: its table would be empty, and readers would believe it."""
        from kfuncdoc.bpf.program_types import PROGRAM_TYPES

        catalog = domain_of(self.env).session.catalog
        subsystems = {subsystem.header.subsystem for subsystem in catalog.subsystems}
        for name in self.options.get("subsystem", ()):
            if name not in subsystems:
                raise self.error(_unknown(f"no subsystem '{name}' is declared", name, subsystems))
        program_type = self.options.get("program-type")
        if program_type is not None and program_type not in PROGRAM_TYPES:
            message = f"'{program_type}' is no program type that is known"
            raise self.error(_unknown(message, program_type, PROGRAM_TYPES))


def _unknown(message: str, name: str, known: Iterable[str]) -> str:
    hint = nearest(name, known)
    return f"{message}; {hint}" if hint else message


def _check_releases(directive: SphinxDirective, *names: str) -> None:
    """Refuse a release, in any of the options *names*, that does not exist."""
    calendar = domain_of(directive.env).session.catalog.calendar
    for name in names:
        release = directive.options.get(name)
        if release is not None and not calendar.is_real(release):
            raise directive.error(f"{release} is no release that exists")


class KfuncChanges(SphinxDirective):
    """What happened to kfuncs: in one release, ``:release:``, or after ``:from:`` up to ``:to:``."""

    option_spec: ClassVar[dict[str, Callable[[str], Any]]] = {
        "release": _release,
        "from": _release,
        "to": _release,
        "sections": directives.flag,
    }

    def run(self) -> list[nodes.Node]:
        if "release" in self.options and ({"from", "to"} & self.options.keys()):
            raise self.error("release goes without from and to")
        calendar = domain_of(self.env).session.catalog.calendar
        sections = "sections" in self.options
        _check_releases(self, "release", "from", "to")
        first, last = self.options.get("from", ""), self.options.get("to", "")
        if first and last and not calendar[first] < calendar[last]:
            raise self.error(f"{first} does not come before {last}")
        if "release" in self.options:
            last = self.options["release"]
            first = calendar.before(calendar[last]).name
        return parsed(
            self, domain_of(self.env).ask(self.env.docname, "changes", first, last, sections), titles=sections
        )


class KfuncSummary(SphinxDirective):
    """A summary of the record: its release and day, the number of kfuncs, and those removed last and next."""

    option_spec: ClassVar[dict[str, Callable[[str], Any]]] = {}

    def run(self) -> list[nodes.Node]:
        return parsed(self, domain_of(self.env).ask(self.env.docname, "summary"))


class KfuncLifecycle(SphinxDirective):
    """The facts of one kfunc."""

    required_arguments = 1
    option_spec: ClassVar[dict[str, Callable[[str], Any]]] = {}

    def run(self) -> list[nodes.Node]:
        name = self.arguments[0]
        domain = domain_of(self.env)
        answer = domain.ask(self.env.docname, "lifecycle", name)
        if not answer:
            known = domain.session.catalog.entries
            _report_unknown(name, known, self.get_source_info())
            return [nodes.paragraph("", "", nodes.literal("", name))]
        return parsed(self, answer)


class KfuncRole(ReferenceRole):
    """Links to the section of a kfunc; ``:kfunc:`title <name>``` has another title.

    If no page shows the kfunc, its name has no link.
    """

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        domain = domain_of(self.env)
        name = self.target[:-2] if self.target.endswith("()") else self.target
        address = domain.ask(self.env.docname, "address", name)
        text = nodes.literal(self.rawtext, self.title, classes=["kfunc"])
        if not address:
            _report_unknown(name, domain.session.catalog.entries, self.get_source_info())
        if not address.startswith(PREFIX):
            return [text], []
        reference = addnodes.pending_xref(
            self.rawtext, text, refdomain=domain.name, reftype="kfunc", reftarget=address, refwarn=True,
            refdoc=self.env.docname,
        )  # fmt: skip
        self.set_source_info(reference)
        return [reference], []


def _report_unknown(name: str, known: Any, source: tuple[str, int]) -> None:
    """Warn of a reference to a kfunc that is not declared, or whose declaration is wrong."""
    if name in known:
        message = f"the declaration of '{name}' is wrong and cannot be shown"
    else:
        message = _unknown(f"kfunc '{name}' is not declared", name, known)
    warn(Rule.REFERENCE_UNKNOWN, message, f"{source[0]}:{source[1]}")


def register(app: Sphinx) -> None:
    """Register the directives and the role."""
    app.add_directive("kfunc-table", KfuncTable)
    app.add_directive("kfunc-changes", KfuncChanges)
    app.add_directive("kfunc-summary", KfuncSummary)
    app.add_directive("kfunc-lifecycle", KfuncLifecycle)
    app.add_role("kfunc", KfuncRole())
