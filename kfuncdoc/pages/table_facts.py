# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What readers filter a table of kfuncs by, for the script of the pages.

A table shows a few columns, and is filtered by more: by subsystem, by who may call a kfunc, by the releases that have
it, by former names.  These are worked out here, so that the script only looks them up.
"""

from __future__ import annotations

import json
from typing import Any, Optional, Sequence

from kfuncdoc.kernels.releases import Release
from kfuncdoc.views.kfunc import KfuncView, KfuncViews


def table_facts(pages: KfuncViews, names: Sequence[str]) -> str:
    """Return the facts of a table whose rows are the kfuncs *names*, as JSON of this form::

        {"releases": [RELEASE, ...],            those that can have kfuncs, up to the reference release
         "subsystems": [SUBSYSTEM, ...],
         "callers": [[PROGRAM_TYPE or STRUCT_OPS, ...], ...],
         "rows": [[NAME, subsystem, STABILITY, [[first, last, callers], ...], [FORMER_NAME, ...]], ...]}

    *subsystem*, *first*, *last* and *callers* are numbers that count in the lists above; a row without a kfunc is null.
    From *first* to *last* it was there without a break, and the same could call it. Where a record goes no further than
    an older release its kfuncs are taken to be still there.  That any program may call a kfunc is named by
    ``BPF_PROG_TYPE_UNSPEC``; a name of struct_ops stands beside, and not for, the program type.
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

    def __init__(self, pages: KfuncViews) -> None:
        self._pages = pages
        self.releases = pages.catalog.calendar.with_kfuncs(pages.release)
        self._numbers = {release: number for number, release in enumerate(self.releases)}
        self.subsystems: dict[str, int] = {}
        self.callers: dict[tuple[str, ...], int] = {}

    def row(self, view: Optional[KfuncView]) -> Optional[list[Any]]:
        if view is None:
            return None
        return [
            view.name,
            _number(self.subsystems, view.subsystem.header.subsystem),
            view.badge,
            [
                [self._number_of(first), self._number_of(last), _number(self.callers, names)]
                for first, last, names in view.called_by
            ],
            list(view.former),
        ]

    def _number_of(self, release: Release) -> int:
        # What is older than the first release that can have kfuncs was there with it.
        return self._numbers.get(release, 0)


def _number(known: dict[Any, int], value: Any) -> int:
    return known.setdefault(value, len(known))
