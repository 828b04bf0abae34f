# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The facts of tables, against the states that the lifecycles give, and what grows old."""

from __future__ import annotations

import datetime
import json

import pytest
from declared import CALENDAR, TODAY, catalog_of, entry, subsystem

from kfuncdoc.base.resources import packaged
from kfuncdoc.kernels.hooks import ANY
from kfuncdoc.pages.script_facts import table_facts, time_facts
from kfuncdoc.record.declaration_files import find
from kfuncdoc.record.lifecycle import assess
from kfuncdoc.record.load import load
from kfuncdoc.record.snapshot import Snapshot
from kfuncdoc.views.callers import Caller, ProgramTypes
from kfuncdoc.views.kfunc import KfuncViews

SHELF = subsystem(
    entry(
        "shelf_lift",
        "release: v6.6, event: added",
        "release: v6.13, event: removed, renamed_to: shelf_raise",
        "release: v6.15, event: added",
        "release: v6.17, event: removed, renamed_to: shelf_raise",
        program_types="[BPF_PROG_TYPE_TRACING]",
    )
    + entry(
        "shelf_raise",
        "release: v6.13, event: added",
        "release: v6.14, event: deprecated, removal: v7.1, said_in: kernel/shelf.c, reason: It breaks., "
        "replacement: [shelf_hoist]",
        program_types="[BPF_PROG_TYPE_STRUCT_OPS]",
        allowed="[{struct_ops: [shelf_ops]}]",
    )
    + entry(
        "shelf_hoist",
        "release: v6.14, event: added",
        "release: v7.3, event: superseded, said_in: kernel/shelf.c, replacement: [shelf_winch]",
        program_types="[BPF_PROG_TYPE_UNSPEC]",
    )
    + entry("shelf_winch", "release: v7.3, event: added"),
    name="shelf",
)


def test_row_tells_what_its_kfunc_is(tmp_path) -> None:
    pages = KfuncViews(Snapshot(catalog_of(tmp_path, shelf=SHELF), CALENDAR["v7.3"], TODAY))
    found = json.loads(table_facts(pages, ["shelf_lift", "", "shelf_raise", "shelf_hoist", "shelf_winch"]))
    releases = found.pop("releases")

    def stretch(first: str, last: str, callers: int) -> list[int]:
        return [releases.index(first), releases.index(last), callers]

    assert (releases[0], releases[-1]) == ("v6.1", "v7.3")
    assert found == {
        "subsystems": ["shelf"],
        "callers": [
            ["BPF_PROG_TYPE_TRACING"],
            ["BPF_PROG_TYPE_TRACING", "BPF_PROG_TYPE_TRACEPOINT"],
            ["BPF_PROG_TYPE_STRUCT_OPS", "shelf_ops"],
            ["BPF_PROG_TYPE_UNSPEC"],
            [],
        ],
        "rows": [
            # In v6.12 the hook of tracing opened to tracepoints.
            [
                "shelf_lift", 0, "removed",
                [stretch("v6.6", "v6.11", 0), stretch("v6.12", "v6.12", 1), stretch("v6.15", "v6.16", 1)], [],
            ],
            None,
            ["shelf_raise", 0, "past due", [stretch("v6.13", "v7.3", 2)], ["shelf_lift"]],
            ["shelf_hoist", 0, "superseded", [stretch("v6.14", "v7.3", 3)], ["shelf_raise", "shelf_lift"]],
            ["shelf_winch", 0, "present", [stretch("v7.3", "v7.3", 4)], ["shelf_hoist", "shelf_raise", "shelf_lift"]],
        ],
    }  # fmt: skip


@pytest.mark.record
def test_callers_are_those_of_each_release() -> None:
    """As the pages of program types have them, which were worked out apart."""
    catalog = load(find([str(packaged("data"))]))
    newest = KfuncViews(Snapshot(catalog, catalog.calendar["v7.3"], TODAY))
    found = json.loads(table_facts(newest, [view.name for view in newest.kfuncs]))
    for name in ("v6.1", "v6.6", "v6.12", "v6.18", "v7.3"):
        number = found["releases"].index(name)
        offered = ProgramTypes(KfuncViews(Snapshot(catalog, catalog.calendar[name], TODAY)))
        for program_type in ("BPF_PROG_TYPE_XDP", "BPF_PROG_TYPE_TRACEPOINT", "BPF_PROG_TYPE_LSM"):
            expected = set(offered.offers(Caller(program_type))) | set(offered.offers(Caller(ANY)))
            shown = {
                row[0]
                for row in found["rows"]
                for first, last, callers in row[3]
                if first <= number <= last and {program_type, "BPF_PROG_TYPE_UNSPEC"} & set(found["callers"][callers])
            }
            assert shown == expected, (name, program_type)


@pytest.mark.record
def test_stretches_are_the_releases_that_have_it() -> None:
    catalog = load(find([str(packaged("data"))]))
    calendar = catalog.calendar
    pages = KfuncViews(Snapshot(catalog, calendar["v7.3"], TODAY))
    found = json.loads(table_facts(pages, [view.name for view in pages.kfuncs]))
    for view, row in zip(pages.kfuncs, found["rows"]):
        there = {name for first, last, _ in row[3] for name in found["releases"][first : last + 1]}
        states = {name: assess(view.kfunc, calendar, calendar[name], TODAY).state.present for name in found["releases"]}
        assert there == {name for name, present in states.items() if present}, view.name


# -- time

SAID = "said_in: kernel/shelf.c, reason: It breaks., no_replacement: Nothing does that."
DEPRECATED_SHELF = subsystem(
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
    pages = KfuncViews(Snapshot(catalog_of(tmp_path, shelf=DEPRECATED_SHELF), CALENDAR["v7.3"], TODAY))
    facts = json.loads(time_facts(pages, ["past", "goes", "_turns", "open", "stays", "unknown"]))
    assert facts["release"] == "v7.3"
    assert facts["next"][:2] == [["v7.4", "2026-12-20", "2027-01-03"], ["v7.5", "2027-02-21", "2027-03-14"]]
    assert len(facts["next"]) == 12
    assert facts["ends"] == [
        ["goes", "kfunc-goes", "removal", "v7.5"],
        ["_turns", "kfunc-u1-turns", "change", "v7.4"],
    ]


def test_page_that_is_meant_to_speak_of_an_older_release_does_not_grow_old(tmp_path) -> None:
    catalog = catalog_of(tmp_path, shelf=DEPRECATED_SHELF)
    assert time_facts(KfuncViews(Snapshot(catalog, CALENDAR["v7.2"], TODAY)), ["goes"]) == ""
    assert time_facts(KfuncViews(Snapshot(catalog, CALENDAR["v7.2"], datetime.date(2026, 9, 1))), ["goes"]) != ""
