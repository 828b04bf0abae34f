# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The facts that the script of the HTML pages reads, as JSON; ``html.assets.script_element`` puts them into a page.

* A table shows a few columns, and is filtered by more: by subsystem, by who may call a kfunc, by the releases that
  have it, by former names.
* A page that is not built anew grows old: releases come out of which it knows nothing, among them those in which a
  kfunc is to go.  The script compares what was known with the day on which the page is read.

All of it is worked out here, so that the script only looks it up.
"""

from __future__ import annotations

import json
from typing import Any, Optional, Sequence

from kfuncdoc.kernels.releases import Release
from kfuncdoc.record.address import address
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
    table = {
        "releases": [release.name for release in facts.releases],
        "subsystems": list(facts.subsystems),
        "callers": list(facts.callers),
        "rows": rows,
    }
    return json.dumps(table, separators=(",", ":"))


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


def time_facts(pages: KfuncViews, names: Sequence[str]) -> str:
    """Return what grows old on a page that shows the kfuncs *names*, as JSON of this form::

        {"release": RELEASE,                           as of which the page speaks
         "next": [[RELEASE, FROM, BY], ...],           releases to come, and the days between which each may come
         "ends": [[NAME, ADDRESS, KIND, RELEASE], ...]}  the kfuncs whose announced end is still to come

    Where the page is meant to speak of an older release than the newest one nothing of it grows old: the empty string.
    """
    reference = pages.release
    if reference < pages.catalog.calendar.newest(pages.date):
        return ""
    known = pages.catalog.calendar.releases[reference.position + 1 :]
    views = [view for view in map(pages.view, names) if view is not None]
    facts = {
        "release": reference.name,
        "next": [[release.name, release.earliest.isoformat(), release.date.isoformat()] for release in known],
        "ends": [
            [view.name, address(view.name), view.plan.kind, view.end.name]
            for view in views
            if view.deprecated and view.plan and view.end and not view.lifecycle.past_due
        ],
    }
    return json.dumps(facts, separators=(",", ":"))
