# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What grows old on a page."""

from __future__ import annotations

import datetime
import json

from declared import CALENDAR, TODAY, catalog_of, entry, subsystem

from kfuncdoc.pages.time_facts import time_facts
from kfuncdoc.record.snapshot import Snapshot
from kfuncdoc.views.kfunc import KfuncViews

SAID = "said_in: kernel/shelf.c, reason: It breaks., no_replacement: Nothing does that."
SHELF = subsystem(
    entry("past", "release: v6.2, event: added", f"release: v7.0, event: deprecated, removal: v7.2, {SAID}")
    + entry("goes", "release: v6.2, event: added", f"release: v7.0, event: deprecated, removal: v7.5, {SAID}")
    + entry(
        "_turns",
        "release: v6.2, event: added",
        f"release: v7.0, event: deprecated, change: v7.4, becomes: int _turns(void), {SAID}",
    )
    + entry("open", "release: v6.2, event: added", f"release: v7.0, event: deprecated, removal: undecided, {SAID}")
    + entry("stays", "release: v6.2, event: added")
)


def test_releases_to_come_and_ends_that_are_announced(tmp_path) -> None:
    pages = KfuncViews(Snapshot(catalog_of(tmp_path, shelf=SHELF), CALENDAR["v7.3"], TODAY))
    facts = json.loads(time_facts(pages, ["past", "goes", "_turns", "open", "stays", "unknown"]))
    assert facts["release"] == "v7.3"
    assert facts["next"][:2] == [["v7.4", "2026-12-20", "2027-01-03"], ["v7.5", "2027-02-21", "2027-03-14"]]
    assert len(facts["next"]) == 12
    assert facts["ends"] == [
        ["goes", "kfunc-goes", "removal", "v7.5"],
        ["_turns", "kfunc-u1-turns", "change", "v7.4"],
    ]


def test_page_that_is_meant_to_speak_of_an_older_release_does_not_grow_old(tmp_path) -> None:
    catalog = catalog_of(tmp_path, shelf=SHELF)
    assert time_facts(KfuncViews(Snapshot(catalog, CALENDAR["v7.2"], TODAY)), ["goes"]) == ""
    assert time_facts(KfuncViews(Snapshot(catalog, CALENDAR["v7.2"], datetime.date(2026, 9, 1))), ["goes"]) != ""
