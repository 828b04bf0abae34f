# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A snapshot: the catalog at one release and day, in which each kfunc is folded once."""

from __future__ import annotations

import pytest
from declared import CALENDAR, TODAY, catalog_of, entry, subsystem
from histories import DATES, NAME, REAL_RELEASES, catalog_with, kfuncs
from hypothesis import given

from kfuncdoc.compat.kernels import KernelRecord
from kfuncdoc.compat.snippets import Snippets
from kfuncdoc.pages.export import export
from kfuncdoc.record import snapshot as snapshot_module
from kfuncdoc.record.catalog import Catalog
from kfuncdoc.record.lifecycle import assess, replay
from kfuncdoc.record.snapshot import Snapshot
from kfuncdoc.record.stability import Stability
from kfuncdoc.views.any_two import all_differences
from kfuncdoc.views.difference import difference
from kfuncdoc.views.kfunc import KfuncViews

NEWEST = CALENDAR["v7.3"]
OLD = subsystem(entry("old_a", "release: v6.2, event: added"), name="old", recorded="v6.6")
NEW = subsystem(entry("new_a", "release: v6.2, event: added"), name="new")


@pytest.fixture(scope="module")
def catalog(tmp_path_factory) -> Catalog:
    return catalog_of(tmp_path_factory.mktemp("snapshot"), old=OLD, new=NEW)


def test_a_file_is_seen_no_later_than_it_is_recorded_for(catalog):
    snapshot = Snapshot(catalog, NEWEST, TODAY)
    old, new = (snapshot.lifecycle(name) for name in ("old_a", "new_a"))
    assert (old.release.name, old.stability) == ("v6.6", Stability.PRESENT)
    assert (new.release.name, new.stability) == ("v7.3", Stability.PRESENT)
    assert snapshot.lifecycle_at("old_a", CALENDAR["v6.12"]) is None
    assert snapshot.lifecycle_at("old_a", CALENDAR["v6.1"]).stability is Stability.NOT_YET
    assert snapshot.last is NEWEST
    assert list(snapshot.records_that_end_before(NEWEST)) == [("old", CALENDAR["v6.6"])]


def test_nothing_is_known_of_what_comes_after_the_release(catalog):
    snapshot = Snapshot(catalog, CALENDAR["v6.4"], TODAY)
    assert snapshot.lifecycle_at("new_a", CALENDAR["v6.6"]) is None
    assert snapshot.last.name == snapshot.releases[-1].name == "v6.4"
    assert list(snapshot.records_that_end_before(CALENDAR["v6.4"])) == []


def test_what_is_not_declared_has_no_state(catalog):
    snapshot = Snapshot(catalog, NEWEST, TODAY)
    assert (snapshot.find("nobody"), snapshot.lifecycle("nobody"), snapshot.variants("nobody")) == (None, None, ())


def test_without_declarations_a_snapshot_reaches_its_release():
    empty = Snapshot(Catalog(CALENDAR, {}, None), NEWEST, TODAY)
    assert empty.last is NEWEST


@given(kfunc=kfuncs(), release=REAL_RELEASES, other=REAL_RELEASES, date=DATES)
def test_a_snapshot_at_another_release_is_as_one_made_anew(kfunc, release, other, date):
    shared = Snapshot(catalog_with(kfunc), release, date)
    for snapshot in (shared, shared.at(other), shared.at(release)):
        assert snapshot.lifecycle(NAME) == assess(kfunc, CALENDAR, snapshot.release, date)


def test_each_history_is_replayed_once(catalog, monkeypatch):
    """Whatever asks: the views, snippets, the export, and any two releases compared."""
    replayed = []
    monkeypatch.setattr(
        snapshot_module, "replay", lambda kfunc, calendar: replayed.append(kfunc.name) or replay(kfunc, calendar)
    )
    snapshot = Snapshot(catalog, NEWEST, TODAY)
    views = KfuncViews(snapshot)
    export(views)
    snippets = Snippets(KernelRecord(views))
    for name in catalog.entries:
        snippets.of(name)
    difference(snapshot, CALENDAR["v6.6"])
    all_differences(snapshot)
    assert sorted(replayed) == ["new_a", "old_a"]
