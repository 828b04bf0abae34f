# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What happened from one release to another, in every form, and against the states at both."""

from __future__ import annotations

import itertools
import json

import pytest
from declared import CALENDAR, HOOKS, TODAY, catalog_of, entry, subsystem, write_files
from histories import DATES, REAL_RELEASES, kfuncs
from hypothesis import given

from kfuncdoc.base.resources import packaged
from kfuncdoc.base.yaml_text import parse
from kfuncdoc.pages.difference_report import as_json, as_markdown, as_text
from kfuncdoc.record.catalog import Catalog, Declaration, SubsystemFile
from kfuncdoc.record.declaration_files import find
from kfuncdoc.record.lifecycle import FACTS, assess
from kfuncdoc.record.load import load
from kfuncdoc.record.model import Header
from kfuncdoc.record.snapshot import Snapshot
from kfuncdoc.views import difference as difference_module
from kfuncdoc.views.allowed import FILTER_FIELDS
from kfuncdoc.views.difference import ChangeKind, Difference, difference
from kfuncdoc.views.replacement import Replacement

SHELF = subsystem(
    entry("shelf_lift", "release: v6.6, event: added", "release: v6.17, event: removed, renamed_to: shelf_raise")
    + entry("shelf_raise", "release: v6.13, event: added")
    + entry(
        "shelf_drop",
        "release: v6.6, event: added",
        "release: v6.13, event: deprecated, removal: v6.17, said_in: kernel/shelf.c, reason: It breaks., "
        "replacement: [{name: shelf_always, when: it is empty}, {other: the macro drop()., when: it is full}]",
        "release: v6.18, event: removed",
    )
    + entry(
        "shelf_turn",
        "release: v6.6, event: added",
        "release: v6.13, event: changed, breaking: true, behaviour: It turns., was: {flags: [KF_RCU]}",
        "release: v6.15, event: removed, no_replacement: It was too quick.",
        "release: v6.18, event: added, was: {prototype: int shelf_turn(void)}",
        "release: '..v7.1', event: changed, breaking: true, behaviour: It turns back.",
        prototype="long shelf_turn(void)",
    )
    + entry("shelf_burn", "release: v6.6, event: added", "release: v6.17, event: removed, no_replacement: It burnt.")
    + entry("shelf_glimpse", "release: v6.13, event: added", "release: v6.15, event: removed, renamed_to: shelf_always")
    + entry(
        "shelf_always",
        "release: v6.6, event: added",
        "release: v6.14, event: changed, breaking: true, behaviour: It waits., was: {flags: [KF_RCU, KF_ACQUIRE]}",
        "release: v6.15, event: changed, was: {filter: Only ``read`` calls.}",
        flags="[KF_RCU]",
    )
    + entry(
        "shelf_size",
        "release: v6.6, event: added",
        "release: v6.14, event: changed, breaking: true, was: {prototype: int shelf_size(void)}",
        prototype="long shelf_size(void)",
    )
    + entry(
        "shelf_width",
        "release: v6.6, event: added",
        "release: v6.14, event: changed, breaking: true, was: {prototype: int shelf_width(void)}",
        prototype="long shelf_width(void)",
    )
    + entry(
        "shelf_quick",
        "release: v6.6, event: added",
        "release: v6.15, event: changed, avoid_before: true, behaviour: It no longer crashes.",
    ),
    name="shelf",
)
BOX = subsystem(
    entry("box_a", "release: v6.14, event: added")
    + entry("box_b", "release: v6.14, event: added")
    + entry(
        "box_c",
        "release: v6.6, event: added",
        "release: v7.1, event: deprecated, removal: v7.4, said_in: kernel/box.c, reason: It is old., "
        "replacement: [{name: box_a}]",
    )
    + entry(
        "box_d", "release: v6.6, event: added", "release: v7.0, event: superseded, replacement: [{name: shelf_always}]"
    )
    + entry(
        "box_e",
        "release: v6.6, event: added",
        "release: v6.9, event: removed, no_replacement: It comes back.",
        "release: v6.14, event: added",
    )
    + entry(
        "box_f", "release: v6.6, event: added", "release: v7.2, event: changed, was: {flags: []}", flags="[KF_RCU]"
    ),
    name="box",
    recorded="v7.2",
)

TEXT = """\
From v6.12 to v7.3: 3 removed, 5 changed in a way that callers notice, 1
  deprecated, 1 superseded, 4 new, 1 came and went in between, 2 changed in a
  way that no caller notices. The record of box goes no further than v7.2.

Removed
  shelf
    shelf_burn: gone from v6.17, without notice; nothing replaces it: It burnt.
    shelf_drop: gone from v6.18, deprecated since v6.13; instead: shelf_always
      (it is empty), in both, or the macro drop() (it is full)
    shelf_lift: gone from v6.17, without notice; instead: shelf_raise, not in
      v6.12

Changed in a way that callers notice
  shelf
    shelf_always: v6.14: It waits. It lost KF_ACQUIRE.
    shelf_quick: v6.15: It no longer crashes. Not to be called before v6.15.
    shelf_size: v6.14: It was int shelf_size(void), and is long
      shelf_size(void).
    shelf_turn: Gone from v6.15, back in v6.18 as another one: it was int
      shelf_turn(void), and is long shelf_turn(void). v7.1 or before: It turns
      back.
    shelf_width: v6.14: It was int shelf_width(void), and is long
      shelf_width(void).

Deprecated
  box
    box_c: deprecated since v7.1: removal, announced for v7.4; instead: box_a,
      not in v6.12, not known for v7.3

Superseded
  box
    box_d: since v7.0; instead: shelf_always, in both

New
  box
    box_a, box_b: since v6.14
    box_e: back since v6.14
  shelf
    shelf_raise: since v6.13

Came and went in between
  shelf
    shelf_glimpse: since v6.13; gone from v6.15, without notice; instead:
      shelf_always, in both
"""
QUIET = """
Changed in a way that no caller notices
  box
    box_f: v7.2: It got KF_RCU.
  shelf
    shelf_always: v6.15: Its filter changed.
"""


@pytest.fixture
def catalog(tmp_path) -> Catalog:
    return catalog_of(tmp_path, shelf=SHELF, box=BOX)


def between(catalog: Catalog, first: str, last: str) -> Difference:
    return difference(Snapshot(catalog, catalog.calendar[last], TODAY), catalog.calendar[first])


def test_text(catalog):
    found = between(catalog, "v6.12", "v7.3")
    assert as_text(found, 80) == TEXT
    assert as_text(found, 80, with_unnoticed=True) == TEXT + QUIET


@pytest.mark.parametrize("width", [1, 40, 79, 200])
def test_any_width(catalog, width):
    """Only words that are longer stand out."""
    for line in as_text(between(catalog, "v6.12", "v7.3"), width, with_unnoticed=True).splitlines():
        assert len(line) <= max(width, 40) or len(line.split()) == 1


def test_nothing(catalog):
    assert as_text(between(catalog, "v6.12", "v6.12"), 80) == "From v6.12 to v6.12: nothing happened.\n"


def test_what_happened_before_and_after_is_left_out(catalog):
    """What is deprecated is told, since whenever."""
    assert as_text(between(catalog, "v6.16", "v6.17"), 80) == (
        "From v6.16 to v6.17: 2 removed, 1 deprecated.\n\nRemoved\n  shelf\n"
        "    shelf_burn: gone from v6.17, without notice; nothing replaces it: It burnt.\n"
        "    shelf_lift: gone from v6.17, without notice; instead: shelf_raise, in both\n"
        "\nDeprecated\n  shelf\n"
        "    shelf_drop: deprecated since v6.13: removal, announced for v6.17, past due\n"
        "      in v6.17; instead: shelf_always (it is empty), in both, or the macro\n"
        "      drop() (it is full)\n"
    )


def test_what_only_the_verifier_sees_is_nothing(tmp_path):
    """But what broke callers is told, whatever it was."""
    was = "was: {flags: []}"
    text = subsystem(
        entry("box_a", "release: v6.6, event: added", "release: v7.0, event: changed, was: {source: kernel/a.c}",
              f"release: v7.1, event: changed, {was}", source="kernel/b.c", flags="[KF_IMPLICIT_ARGS]")
        + entry("box_b", "release: v6.6, event: added", f"release: v7.1, event: changed, breaking: true, {was}",
                flags="[KF_IMPLICIT_ARGS]")
    )  # fmt: skip
    (only,) = between(load(write_files(tmp_path, {"box": text})), "v6.12", "v7.3").entries
    assert (only.name, only.statements) == ("box_b", ("v7.1: It changed.",))


def test_what_neither_release_has_is_no_help(tmp_path):
    """Of a chain of replacements the end is told, where either release has it."""
    text = subsystem(
        entry("box_a", "release: v6.6, event: added", "release: v6.13, event: removed, renamed_to: box_b")
        + entry("box_b", "release: v6.13, event: added", "release: v6.15, event: removed, renamed_to: box_c")
        + entry("box_c", "release: v6.15, event: added")
    )
    removed = between(catalog_of(tmp_path, box=text), "v6.12", "v7.3").of_kind(ChangeKind.REMOVED)
    assert [[instead.name for instead in entry.alternatives] for entry in removed] == [["box_c"]]


def test_what_went_and_came_back_in_between_is_new(tmp_path):
    text = subsystem(
        entry(
            "box_a",
            "release: v6.13, event: added",
            "release: v6.14, event: removed, no_replacement: It comes back.",
            "release: v6.15, event: added",
        )
    )
    (only,) = between(catalog_of(tmp_path, box=text), "v6.12", "v7.3").entries
    assert (only.kind, only.statements) == (ChangeKind.ADDED, ("since v6.15",))


def test_markdown(catalog):
    found = between(catalog, "v7.1", "v7.3")
    assert as_markdown(found, with_unnoticed=True) == (
        "# kfuncs from v7.1 to v7.3\n\n"
        "From v7.1 to v7.3: 1 deprecated, 1 changed in a way that no caller notices. The record of box goes no further "
        "than v7.2.\n\n"
        "## Deprecated\n\n### box\n\n"
        "- `box_c`: deprecated since v7.1: removal, announced for v7.4; instead: box\\_a, not known for v7.3\n\n"
        "## Changed in a way that no caller notices\n\n### box\n\n"
        "- `box_f`: v7.2: It got KF\\_RCU.\n"
    )
    assert "no caller notices\n\n###" not in as_markdown(found)


def test_json(catalog):
    document = json.loads(as_json(between(catalog, "v6.12", "v7.3")))
    assert list(document) == ["format", "from", "to", "behind", *(kind.key for kind in ChangeKind)]
    assert (document["format"], document["from"], document["to"]) == (1, "v6.12", "v7.3")
    assert document["behind"] == {"box": "v7.2"}
    assert document["removed"][1] == {
        "name": "shelf_drop",
        "subsystem": "shelf",
        "told": ["gone from v6.18, deprecated since v6.13"],
        "instead": [
            {
                "name": "shelf_always",
                "words": "shelf_always (it is empty)",
                "in_from": True,
                "in_to": True,
                "deprecated": False,
            },
            {
                "name": None,
                "words": "the macro drop() (it is full)",
                "in_from": None,
                "in_to": None,
                "deprecated": False,
            },
        ],
        "no_replacement": None,
    }
    assert [each["name"] for each in document["quiet"]] == ["box_f", "shelf_always"]


# -- any history


@given(kfuncs(), REAL_RELEASES, REAL_RELEASES, DATES)
def test_any_valid_history(kfunc, one, other, date):
    """What is told of a kfunc is decided by whether both releases have it, on whatever day that is asked."""
    first, last = sorted([one, other], key=lambda release: release.position)
    source = parse("demo.kfuncs.yaml", "kfuncs: []")
    header = Header(subsystem="demo", title="Demo", recorded="v7.3")
    declared = SubsystemFile(source.path, "demo", header, CALENDAR["v7.3"], (Declaration(kfunc, source, 0),), source)
    catalog = Catalog(CALENDAR, {}, HOOKS, (declared,))
    found = difference(Snapshot(catalog, last, date), first)
    before, after = (assess(kfunc, CALENDAR, release, date).state.present for release in (first, last))
    of_both = {ChangeKind.BREAKING, ChangeKind.UNNOTICED, ChangeKind.DEPRECATED, ChangeKind.SUPERSEDED}
    allowed = {
        (True, True): of_both,
        (True, False): {ChangeKind.REMOVED},
        (False, True): {ChangeKind.ADDED},
        (False, False): {ChangeKind.CAME_AND_WENT},
    }[before, after]
    told = [entry.kind for entry in found.entries]
    assert len(told) == len(set(told))
    assert set(told) <= allowed
    assert before == after or told
    assert first != last or set(told) <= {ChangeKind.DEPRECATED}
    assert found == difference(Snapshot(catalog, last, TODAY), first)
    assert all(text and not text.endswith("..") for entry in found.entries for text in entry.statements)
    assert json.loads(as_json(found))["from"] == first.name
    assert as_text(found, 80, with_unnoticed=True).startswith(f"From {first} to {last}: ")


# -- the packaged record


@pytest.fixture(scope="module")
def record() -> Catalog:
    return load(find([str(packaged("data"))]))


RELEASES = ["v5.13", "v6.1", "v6.12", "v6.17", "v7.0", "v7.2", "v7.3"]


@pytest.mark.parametrize(("first", "last"), [*itertools.combinations(RELEASES, 2)])
def test_what_is_told_is_what_differs(record, first, last):
    """What is there at both releases, by the lifecycles alone, decides what is removed and what is new."""

    def there(release: str) -> set[str]:
        return {
            name
            for name, (_, each) in record.entries.items()
            if assess(each.kfunc, record.calendar, record.calendar[release], TODAY).state.present
        }

    found = between(record, first, last)
    before, after = there(first), there(last)
    assert {entry.name for entry in found.of_kind(ChangeKind.REMOVED)} == before - after
    assert {entry.name for entry in found.of_kind(ChangeKind.ADDED)} == after - before
    another = {name for name in before & after if _prototype(record, name, first) != _prototype(record, name, last)}
    breaking = {entry.name for entry in found.of_kind(ChangeKind.BREAKING)}
    assert another <= breaking | {entry.name for entry in found.of_kind(ChangeKind.UNNOTICED)}
    assert breaking - another == {
        name
        for name in (before & after) - another
        for event in record.entries[name][1].kfunc.history
        if _within(record, event.release, first, last) and (_is(event, "breaking") or _is(event, "avoid_before"))
    }
    assert {entry.name for entry in found.of_kind(ChangeKind.CAME_AND_WENT)}.isdisjoint(before | after)
    assert found.behind == ()
    assert all(
        told.endswith(".") and ": ." not in told
        for entry in found.of_kind(ChangeKind.BREAKING)
        for told in entry.statements
    )


def _prototype(record: Catalog, name: str, release: str) -> str:
    return assess(record.entries[name][1].kfunc, record.calendar, record.calendar[release], TODAY).facts.prototype


def _is(event: object, field: str) -> bool:
    return bool(getattr(event, field, False))


def _within(record: Catalog, release: str, first: str, last: str) -> bool:
    return record.calendar[first] < record.calendar.when(release).by <= record.calendar[last]


def test_the_replacements_of_what_is_gone(record):
    """A scheduler for v6.12 finds what to call in v7.3, and that its own kernel does not have it."""
    found = {entry.name: entry for entry in between(record, "v6.12", "v7.3").of_kind(ChangeKind.REMOVED)}
    (instead,) = found["scx_bpf_dispatch"].alternatives
    assert instead == Replacement("scx_bpf_dsq_insert", is_renamed=True, is_deprecated=True, present_on=(False, True))


def test_a_name_that_came_back_for_another_kfunc(record):
    found = {entry.name: entry for entry in between(record, "v6.17", "v7.3").of_kind(ChangeKind.BREAKING)}
    assert found["bpf_stream_vprintk"].statements[0].startswith("Gone from v6.18, back in v7.0 as another one: it was ")


def test_every_fact_has_words():
    """What a filter does is said in several fields, and has one sentence."""
    with_words = {*difference_module._FIELD_CHANGED, "prototype", "flags", "source"}
    assert with_words == (set(FACTS) - FILTER_FIELDS) | {"filter"}
