# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The record that comes with kfuncdoc: its calendar, flags and hooks hold together, and it has no finding."""

from __future__ import annotations

import datetime
import re

import pytest

from kfuncdoc.base import yaml_text
from kfuncdoc.base.diagnostics import Severity, as_text
from kfuncdoc.base.resources import packaged
from kfuncdoc.bpf.program_types import PROGRAM_TYPES
from kfuncdoc.kernels.packaged import load_calendar, load_flags
from kfuncdoc.kernels.releases import LONGEST_CYCLE, RELEASE, SHORTEST_CYCLE
from kfuncdoc.record.declaration_files import find
from kfuncdoc.record.load import load

DATA = packaged("data")
CALENDAR = load_calendar()
FLAGS = load_flags()
CATALOG = load(find([str(DATA)]))


def table(name: str) -> dict:
    return yaml_text.read(str(DATA / name)).value


def test_no_file_has_a_finding_that_fails():
    assert [as_text(found) for found in CATALOG.diagnostics if found.severity is not Severity.INFO] == []
    assert len(CATALOG.subsystems) >= 10
    assert all(subsystem.entries for subsystem in CATALOG.subsystems)


# -- calendar


def test_calendar_has_no_other_keys_than_those_that_are_read():
    calendar = table("releases.yaml")
    assert calendar.keys() == {"releases", "renumbered"}
    known = {"release", "date", "not_before", "lts", "end_of_life"}
    assert [entry for entry in calendar["releases"] if not {"release", "date"} <= entry.keys() <= known] == []


def test_no_release_is_left_out():
    numbers = [tuple(map(int, release.name[1:].split("."))) for release in CALENDAR.real]
    for (major, minor), following in zip(numbers, numbers[1:]):
        assert following in ((major, minor + 1), (major + 1, 0))
    assert numbers[0] == (5, 10)


def test_releases_come_every_nine_or_ten_weeks():
    for before, release in zip(CALENDAR.real, CALENDAR.real[1:]):
        if not (before.estimated or release.estimated):
            # A Sunday as a rule; the day before or after does not change the number of weeks.
            day = datetime.timedelta(days=1)
            assert SHORTEST_CYCLE - day <= release.date - before.date <= LONGEST_CYCLE + day, release


def test_only_the_newest_release_is_an_estimate():
    assert not any(release.estimated for release in CALENDAR.real[:-1])


def test_long_term_releases_end_and_do_so_after_the_others():
    for release in CALENDAR.real:
        if release.lts:
            assert release.end_of_life is not None
            assert release.end_of_life - release.date > datetime.timedelta(days=2 * 365)
        elif release.end_of_life is not None:
            assert datetime.timedelta(0) < release.end_of_life - release.date < datetime.timedelta(days=365)
    assert sum(release.lts for release in CALENDAR.real) >= 5


def test_renumbered_releases_became_others_that_exist():
    assert CALENDAR.renumbered == {"v6.20": "v7.0", "v6.21": "v7.1", "v6.22": "v7.2", "v6.23": "v7.3"}
    for name, became in CALENDAR.renumbered.items():
        assert CALENDAR[name].name == became
        assert CALENDAR.is_real(became)
        assert name not in [release.name for release in CALENDAR.releases]


# -- flags


def used_flags() -> set[str]:
    used: set[str] = set()
    for _, declaration in CATALOG.declarations:
        records = [declaration.kfunc, *(getattr(event, "was", None) for event in declaration.kfunc.history)]
        for record in filter(None, records):
            used.update(record.flags or ())
            used.update(flag for flags in (record.flags_for or {}).values() for flag in flags)
    return used


def test_every_flag_in_use_is_explained():
    assert used_flags()
    assert sorted(used_flags() - FLAGS.keys()) == []


@pytest.mark.parametrize("meaning", FLAGS.values(), ids=FLAGS)
def test_a_flag_has_a_meaning_and_releases_that_exist(meaning):
    assert re.fullmatch("KF_[A-Z0-9_]+", meaning.flag)
    assert meaning.meaning.strip().endswith(".")
    assert meaning.first is None or CALENDAR.is_real(meaning.first)
    assert meaning.last is None or CALENDAR.is_real(meaning.last)
    if meaning.first and meaning.last:
        assert CALENDAR[meaning.first] <= CALENDAR[meaning.last]


def test_no_flag_is_explained_twice():
    flags = [entry["flag"] for entry in table("flags.yaml")["flags"]]
    assert len(flags) == len(set(flags))


# -- hooks


def test_hooks_are_well_formed():
    hooks = table("hooks.yaml")
    assert hooks.keys() == {"hooks"}
    for entry in hooks["hooks"]:
        assert {"program_type", "hook", "since"} <= entry.keys() <= {"program_type", "hook", "since", "until"}
        assert entry["program_type"] in PROGRAM_TYPES
        assert re.fullmatch("[a-z_]+", entry["hook"])
        assert RELEASE.fullmatch(entry["since"])
        assert CALENDAR.is_real(entry["since"])


def test_a_program_type_has_one_hook_at_a_time():
    open_entries = [entry["program_type"] for entry in table("hooks.yaml")["hooks"] if "until" not in entry]
    assert len(open_entries) == len(set(open_entries))


def test_program_types_in_use_have_a_hook():
    used = {name for _, declaration in CATALOG.declarations for name in declaration.kfunc.program_types}
    assert used
    assert sorted(used - {entry["program_type"] for entry in table("hooks.yaml")["hooks"]}) == []
