# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The facts that the script of the HTML pages reads, as JSON; ``html.assets.script_element`` puts them into a page.

* A table shows few columns, but readers can filter it by more: by subsystem, by who may call a kfunc, by the releases
  that have it, by former names.
* A page that is not built again becomes outdated when a new release comes out, above all one that is to remove a kfunc.
  The script compares the facts of the page with the day on which somebody reads it.

This module works out all facts, so that the script only looks them up.
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

    *subsystem*, *first*, *last* and *callers* are indexes into the lists above; a row without a kfunc is null.  From
    *first* to *last* the kfunc was in the kernel without a break, with the same callers.  If a record ends at an older
    release, its kfuncs count as still there.  ``BPF_PROG_TYPE_UNSPEC`` means that any program may call a kfunc.  The
    name of a struct_ops is listed in addition to its program type, and does not replace it.
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
    """The rows of one table, and the lists that they share."""

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
        # A kfunc of an older release counts from the first release that can have kfuncs.
        return self._numbers.get(release, 0)


def _number(known: dict[Any, int], value: Any) -> int:
    return known.setdefault(value, len(known))


def time_facts(pages: KfuncViews, names: Sequence[str]) -> str:
    """Return the facts that become outdated on a page that shows the kfuncs *names*, as JSON of this form::

        {"release": RELEASE,                           as of which the page speaks
         "next": [[RELEASE, FROM, BY], ...],           releases to come, and the days between which each may come
         "ends": [[NAME, ADDRESS, KIND, RELEASE], ...]}  the kfuncs whose announced end is still to come

    If the page is about an older release than the newest one, nothing becomes outdated: the result is the empty string.
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
