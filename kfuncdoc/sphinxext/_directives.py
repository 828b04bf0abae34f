# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The directives for hand-written pages: tables, changes, and the facts of one kfunc."""

from __future__ import annotations

import dataclasses
from typing import Any, Callable, ClassVar, Optional

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from kfuncdoc.diagnostics import Rule, nearest
from kfuncdoc.releases import RELEASE
from kfuncdoc.sphinxext._domain import domain_of
from kfuncdoc.sphinxext._rst import parsed

logger = logging.getLogger(__name__)


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
                hint = nearest(word, known())
                raise ValueError(f"'{word}' is not among {', '.join(known())}{': ' + hint if hint else ''}")
        return words

    return read


def _columns() -> tuple[str, ...]:
    from kfuncdoc.render import COLUMNS

    return tuple(COLUMNS)


def _stabilities() -> tuple[str, ...]:
    from kfuncdoc.render import STABILITIES

    return STABILITIES


def _order(text: Optional[str]) -> str:
    from kfuncdoc.render import ORDERS

    return str(directives.choice(text, ORDERS))


def _release(text: Optional[str]) -> str:
    if not RELEASE.fullmatch(text or ""):
        raise ValueError(f"'{text}' is no release; write it as v6.10")
    return str(text)


class KfuncTable(SphinxDirective):
    """A table of kfuncs; without options, of all that have come.

    The options select rows, name the columns in their order, and order the rows.
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
        from kfuncdoc.render import Selection

        chosen = {name.replace("-", "_"): value for name, value in self.options.items()}
        if "past_due" in chosen:
            chosen["past_due"] = True
        # A tuple of plain values, so that an environment can be read without the renderer.
        selection = dataclasses.astuple(Selection(**chosen))
        return parsed(self, domain_of(self.env).ask(self.env.docname, "table", *selection))


class KfuncChanges(SphinxDirective):
    """What happened to kfuncs: in one release, ``:release:``, or after ``:from:`` up to ``:to:``."""

    option_spec: ClassVar[dict[str, Callable[[str], Any]]] = {"release": _release, "from": _release, "to": _release}

    def run(self) -> list[nodes.Node]:
        if "release" in self.options and ({"from", "to"} & self.options.keys()):
            raise self.error("release goes without from and to")
        calendar = domain_of(self.env).session.catalog.calendar
        for name in self.options.values():
            if not calendar.is_real(name):
                raise self.error(f"{name} is no release that exists")
        first, last = self.options.get("from", ""), self.options.get("to", "")
        if "release" in self.options:
            last = self.options["release"]
            first = calendar.before(calendar[last]).name
        return parsed(self, domain_of(self.env).ask(self.env.docname, "changes", first, last))


class KfuncLifecycle(SphinxDirective):
    """The facts of one kfunc, in place."""

    required_arguments = 1
    option_spec: ClassVar[dict[str, Callable[[str], Any]]] = {}

    def run(self) -> list[nodes.Node]:
        name = self.arguments[0]
        domain = domain_of(self.env)
        answer = domain.ask(self.env.docname, "lifecycle", name)
        if not answer:
            known = domain.session.catalog.entries
            report_unknown(name, known, self.get_source_info())
            return [nodes.paragraph("", "", nodes.literal("", name))]
        return parsed(self, answer)


def report_unknown(name: str, known: Any, source: tuple[str, int]) -> None:
    """Warn of a reference to a kfunc that is not declared, or whose declaration is wrong."""
    rule = Rule.REFERENCE_UNKNOWN.rule
    if name in known:
        message = f"the declaration of '{name}' is wrong and cannot be shown"
    else:
        hint = nearest(name, known)
        message = f"kfunc '{name}' is not declared{'; ' + hint if hint else ''}"
    logger.warning(message, location=f"{source[0]}:{source[1]}", type="kfuncdoc", subtype=rule)


def register(app: Sphinx) -> None:
    """Register the directives."""
    app.add_directive("kfunc-table", KfuncTable)
    app.add_directive("kfunc-changes", KfuncChanges)
    app.add_directive("kfunc-lifecycle", KfuncLifecycle)
