# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What readers filter a table of kfuncs by, for the script of the pages.

A table shows a few columns, and is filtered by more: by subsystem, by who may call a kfunc, by the releases that have
it, by former names.  These are worked out here, so that the script only looks them up.
"""

from __future__ import annotations

import json
from typing import Any, Optional, Sequence

from kfuncdoc.hooks import ANY
from kfuncdoc.releases import Release
from kfuncdoc.views import KfuncView, Pages

_STRUCT_OPS = "BPF_PROG_TYPE_STRUCT_OPS"


def table_facts(pages: Pages, names: Sequence[str]) -> str:
    """Return the facts of a table whose rows are the kfuncs *names*, as JSON of this form::

        {"releases": [RELEASE, ...],            those that can have kfuncs, up to the reference release
         "subsystems": [SUBSYSTEM, ...],
         "callers": [[PROGRAM_TYPE or STRUCT_OPS, ...], ...],
         "rows": [[NAME, subsystem, STABILITY, callers, [[first, last], ...], [FORMER_NAME, ...]], ...]}

    *subsystem*, *callers*, *first* and *last* are numbers that count in the lists above; a row without a kfunc is null.
    Who may call any kfunc of a kind is named by ``BPF_PROG_TYPE_UNSPEC``; a name of struct_ops stands beside, and not
    for, the program type.
    """
    facts = _Facts(pages)
    rows = [facts.row(pages.view(name)) for name in names]
    found = {
        "releases": [release.name for release in facts.releases],
        "subsystems": list(facts.subsystems),
        "callers": list(facts.callers),
        "rows": rows,
    }
    return json.dumps(found, separators=(",", ":"))


class _Facts:
    """The rows of one table, and what they have in common."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self.releases = pages.catalog.calendar.with_kfuncs(pages.release)
        self._numbers = {release: number for number, release in enumerate(self.releases)}
        self.subsystems: dict[str, int] = {}
        self.callers: dict[tuple[str, ...], int] = {}

    def row(self, view: Optional[KfuncView]) -> Optional[list[Any]]:
        if view is None:
            return None
        stretches = [(first, last or view.lifecycle.release) for first, last in view.in_kernel]
        return [
            view.name,
            _number(self.subsystems, view.subsystem.header.subsystem),
            stability_in_words(view),
            _number(self.callers, callers(view)),
            [[self._number_of(first), self._number_of(last)] for first, last in stretches],
            list(self._pages.replaced_by(view.name)),
        ]

    def _number_of(self, release: Release) -> int:
        # What is older than the first release that can have kfuncs was there with it.
        return self._numbers.get(release, 0)


def _number(known: dict[Any, int], value: Any) -> int:
    return known.setdefault(value, len(known))


def stability_in_words(view: KfuncView) -> str:
    """Return the stability as badges have it."""
    if view.lifecycle.past_due:
        return "past due"
    return "superseded" if view.superseded else view.stability


def callers(view: KfuncView) -> tuple[str, ...]:
    """Return the program types that may call a kfunc, and of those the struct_ops to which it is restricted."""
    registered = view.facts.program_types
    if ANY in registered:
        return (ANY,)
    types = (*registered, *(name for name in view.sharing if name not in registered))
    restricted = view.facts.struct_ops if _STRUCT_OPS in types else ()
    return (*types, *restricted)
