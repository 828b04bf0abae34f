# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Releases: their order, renumbered names, projections, ranges, and the newest one of a day."""

from __future__ import annotations

import datetime

import pytest
from declared import CALENDAR
from hypothesis import given
from hypothesis import strategies as st

from kfuncdoc.kernels.packaged import load_calendar
from kfuncdoc.kernels.releases import HORIZON, Release, ReleaseCalendar, UnknownRelease, When


def day(text: str) -> datetime.date:
    return datetime.date.fromisoformat(text)


def calendar_of(*releases: tuple[str, str], **more: object) -> ReleaseCalendar:
    entries = [{"release": name, "date": date} for name, date in releases]
    return ReleaseCalendar.from_mapping({"releases": entries, **more})


def test_releases_are_ordered_by_the_calendar_and_not_by_their_spelling():
    assert CALENDAR["v6.2"] < CALENDAR["v6.10"] < CALENDAR["v6.19"] < CALENDAR["v7.0"]
    assert CALENDAR["v7.0"].position == CALENDAR["v6.19"].position + 1


def test_releases_compare_by_their_place_alone():
    """Other fields take no part: an end of life that is not known cannot be compared with a day."""
    first = Release(0, "v6.1", day("2022-12-11"), day("2022-12-11"))
    same = Release(0, "v6.1", day("2022-12-11"), day("2022-12-11"), lts=True, end_of_life=day("2027-12-31"))
    second = Release(1, "v6.0", day("2022-10-02"), day("2022-10-02"))
    assert first == same
    assert hash(first) == hash(same)
    assert first <= same
    assert first >= same
    assert not first < same
    assert not first > same
    assert first < second
    assert max(same, second, first) is second


@pytest.mark.parametrize(
    ("announced", "real"), [("v6.20", "v7.0"), ("v6.21", "v7.1"), ("v6.22", "v7.2"), ("v6.23", "v7.3")]
)
def test_a_renumbered_name_gives_the_release_that_it_became(announced, real):
    assert CALENDAR[announced] is CALENDAR[real]
    assert CALENDAR[announced].name == real
    assert CALENDAR.is_real(real)
    assert not CALENDAR.is_real(announced)


@pytest.mark.parametrize("name", ["v6.24", "v8.9", "v5.99", "6.12", "v6.12-rc1", "", "undecided"])
def test_what_the_calendar_does_not_know_is_refused(name):
    with pytest.raises(UnknownRelease):
        CALENDAR[name]
    assert not CALENDAR.is_real(name)


def test_twelve_releases_are_projected():
    projected = CALENDAR.releases[len(CALENDAR.real) :]
    assert [release.name for release in projected] == [f"v7.{minor}" for minor in range(4, 16)]
    assert len(projected) == HORIZON == 12
    assert all(release.projected for release in projected)
    assert not any(CALENDAR.is_real(release.name) for release in projected)


def test_a_projected_release_is_a_range_of_days_that_grows():
    """Nine to ten weeks each, counted from both ends of the estimate 2026-10-18 to 2026-10-25."""
    ranges = [(CALENDAR[name].earliest, CALENDAR[name].date) for name in ("v7.4", "v7.5", "v7.15")]
    assert ranges == [
        (day("2026-12-20"), day("2027-01-03")),
        (day("2027-02-21"), day("2027-03-14")),
        (day("2028-11-12"), day("2029-02-11")),
    ]


def test_after_the_nineteenth_minor_comes_the_next_major():
    calendar = calendar_of(("v7.17", "2029-05-20"))
    assert [release.name for release in calendar.releases[:5]] == ["v7.17", "v7.18", "v7.19", "v8.0", "v8.1"]


def test_positions_are_places_in_the_calendar():
    assert [release.position for release in CALENDAR.releases] == list(range(len(CALENDAR.real) + HORIZON))


@pytest.mark.parametrize(
    ("text", "when"),
    [
        ("v6.16", When(CALENDAR["v6.16"])),
        ("v6.12..v6.16", When(CALENDAR["v6.16"], CALENDAR["v6.12"], uncertain=True)),
        ("..v6.12", When(CALENDAR["v6.12"], None, uncertain=True)),
    ],
)
def test_an_event_has_a_release_or_a_range(text, when):
    assert CALENDAR.when(text) == when
    assert CALENDAR.when(text) == when, "and the same when it is asked for again"


@pytest.mark.parametrize(
    "text", ["v6.12..", "..", "v6.12...v6.16", "v6.12-v6.16", "v6.12 .. v6.16", "v5.99..v6.12", "v6.12..v9.9", "v06.1"]
)
def test_what_is_no_release_and_no_range_is_refused(text):
    with pytest.raises(UnknownRelease):
        CALENDAR.when(text)


@pytest.mark.parametrize(
    ("date", "name"),
    [
        ("2022-12-10", "v6.1"),  # before the first release there is nothing else to take
        ("2022-12-11", "v6.1"),
        ("2023-02-18", "v6.1"),
        ("2023-02-19", "v6.2"),
        ("2026-04-11", "v6.19"),
        ("2026-04-12", "v7.0"),
        ("2026-10-24", "v7.2"),  # of an estimate the last day counts
        ("2026-10-25", "v7.3"),
        ("2040-01-01", "v7.3"),  # a projected release is never out
    ],
)
def test_the_newest_release_of_a_day(date, name):
    assert CALENDAR.newest(day(date)).name == name


@given(st.dates())
def test_there_is_a_newest_release_on_any_day(date):
    newest = CALENDAR.newest(date)
    assert not newest.projected
    assert newest.date <= date or newest is CALENDAR.real[0]
    assert all(release.date > date for release in CALENDAR.real[newest.position + 1 :])


def test_the_release_before():
    assert CALENDAR.before(CALENDAR["v7.0"]).name == "v6.19"
    assert CALENDAR.before(CALENDAR["v7.4"]).name == "v7.3"
    assert CALENDAR.before(CALENDAR.real[0]) is CALENDAR.real[0]


def test_releases_between():
    between = CALENDAR.between(CALENDAR["v6.18"], CALENDAR["v7.1"])
    assert [release.name for release in between] == ["v6.18", "v6.19", "v7.0", "v7.1"]
    assert CALENDAR.between(CALENDAR["v7.1"], CALENDAR["v6.18"]) == ()


def test_an_estimate_is_known_as_one():
    assert CALENDAR["v7.3"].estimated
    assert not CALENDAR["v7.2"].estimated
    assert str(CALENDAR["v7.3"]) == "v7.3"


@pytest.mark.parametrize(
    ("releases", "message"),
    [
        ([], "at least one release"),
        ([("v6.1", "2022-12-11"), ("v6.2", "2022-12-11")], "v6.2 does not come after v6.1"),
        ([("v6.2", "2023-02-19"), ("v6.1", "2022-12-11")], "v6.1 does not come after v6.2"),
        ([("v6.1", "2022-13-11")], "month must be in"),
    ],
)
def test_a_calendar_that_makes_no_sense_is_refused(releases, message):
    with pytest.raises(ValueError, match=message):
        calendar_of(*releases)


def test_the_packaged_calendar_has_no_gap_in_numbers_and_none_in_time():
    """Releases are counted, so one that is missing would make every lifespan wrong."""
    calendar = load_calendar()
    for before, after in zip(calendar.real, calendar.real[1:]):
        major, minor = (int(number) for number in before.name[1:].split("."))
        assert after.name == (f"v{major + 1}.0" if minor == 19 else f"v{major}.{minor + 1}")
        assert 56 <= (after.date - before.date).days <= 77
    assert calendar["v6.22"].name == "v7.2"
