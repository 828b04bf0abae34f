# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What a page has to know to tell, long after it was built, what has changed with time.

A page that is not built anew grows old: releases come out of which it knows nothing, among them those in which a kfunc
is to go.  The script of the pages compares these facts with the day on which a page is read.
"""

from __future__ import annotations

import json
from typing import Sequence

from kfuncdoc.record.address import address
from kfuncdoc.views.kfunc import KfuncViews


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
