# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Kernel releases: their order, their dates, and projections of future ones.

Releases are ordered by the calendar and never by arithmetic on their numbers: v6.19 was followed by
v7.0, and earlier announcements for "v6.22" mean v7.2.  The calendar maps such renumbered names.  It refuses a
release that is neither real, projected nor renumbered; it never guesses.
"""

from __future__ import annotations

import bisect
import datetime
import re
from dataclasses import dataclass, field
from typing import Any, Mapping, Optional, Sequence

from kfuncdoc.base.dates import read_date

#: A mainline release comes 9 or 10 weeks after the one before; this was so for all from v5.10 to v7.3.
SHORTEST_CYCLE = datetime.timedelta(weeks=9)
LONGEST_CYCLE = datetime.timedelta(weeks=10)
#: The first release with kfuncs.
FIRST_KFUNCS = "v5.13"
#: How many releases are projected beyond the last one in the calendar.
HORIZON = 12
#: After x.19 comes the next major number: v5.0 after v4.19, …, v7.0 after v6.19.
LAST_MINOR = 19

RELEASE = re.compile(r"v(?:0|[1-9][0-9]{0,2})\.(?:0|[1-9][0-9]{0,2})")
RELEASE_OR_RANGE = re.compile(rf"(?:(?P<range>(?P<after>{RELEASE.pattern})?\.\.))?(?P<by>{RELEASE.pattern})")


class UnknownRelease(LookupError):
    """The calendar has no such release."""


@dataclass(frozen=True, order=True)
class Release:
    """One release of a calendar.

    *position* is the place in the calendar.  Releases are ordered, compared and hashed by it alone, so releases of two
    calendars cannot be compared.  The release came out between *earliest* and *date*: the two days differ if the
    calendar only has an estimate, and for a *projected* release.
    """

    position: int
    name: str = field(compare=False)
    earliest: datetime.date = field(compare=False)
    date: datetime.date = field(compare=False)
    lts: bool = field(default=False, compare=False)
    #: The last day on which the stable tree is maintained; None if no end is known.
    end_of_life: Optional[datetime.date] = field(default=None, compare=False)
    projected: bool = field(default=False, compare=False)

    @property
    def estimated(self) -> bool:
        return self.earliest != self.date

    def maintained(self, date: datetime.date) -> bool:
        """Whether the release is maintained on *date*, as far as is known."""
        return self.end_of_life is None or date <= self.end_of_life

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class When:
    """The release of an event: it happened in *by* at the latest, and not yet in *after*, if that is known.

    ``v6.12..v6.16`` has ``after`` v6.12 and ``by`` v6.16; ``..v6.12`` has no *after*; both are ``uncertain``.  A plain
    ``v6.12`` is certain.  The state of a kfunc is computed with *by*, the first release in which the event was seen.
    """

    by: Release
    after: Optional[Release] = None
    uncertain: bool = False


class ReleaseCalendar:
    """The known releases in order, then the projected ones, and the renumbered names."""

    def __init__(self, releases: Sequence[Release], renumbered: Mapping[str, str]) -> None:
        self.real = tuple(releases)
        self.releases = self.real + _projected(self.real[-1])
        self.renumbered = dict(renumbered)
        self._by_name = {release.name: release for release in self.releases}
        self._by_name.update((name, self._by_name[target]) for name, target in renumbered.items())
        self._when: dict[str, When] = {}

    @classmethod
    def from_mapping(cls, calendar: Mapping[str, Any]) -> ReleaseCalendar:
        """Make a calendar from the content of ``data/releases.yaml``; raises ValueError if that is wrong."""
        releases = []
        for position, entry in enumerate(calendar["releases"]):
            date = read_date(entry["date"])
            earliest = read_date(entry.get("not_before", entry["date"]))
            end = read_date(entry["end_of_life"]) if "end_of_life" in entry else None
            lts = entry.get("lts") == "true"
            releases.append(Release(position, entry["release"], earliest, date, lts, end))
        if not releases:
            raise ValueError("a calendar has at least one release")
        for before, after in zip(releases, releases[1:]):
            if before.date >= after.earliest:
                raise ValueError(f"{after.name} does not come after {before.name}")
        return cls(releases, calendar.get("renumbered", {}))

    def __getitem__(self, name: str) -> Release:
        """Return the release *name*; a renumbered name gives the release that it became."""
        try:
            return self._by_name[name]
        except KeyError:
            raise UnknownRelease(name) from None

    def is_real(self, name: str) -> bool:
        """Whether *name* is a release that exists under this very name."""
        release = self._by_name.get(name)
        return release is not None and not release.projected and name not in self.renumbered

    def when(self, text: str) -> When:
        """Read the release of an event from a declaration: one release, or a range."""
        when = self._when.get(text)
        if when is None:
            match = RELEASE_OR_RANGE.fullmatch(text)
            if match is None:
                raise UnknownRelease(text)
            after = self[match["after"]] if match["after"] else None
            when = self._when[text] = When(self[match["by"]], after, uncertain=match["range"] is not None)
        return when

    def newest(self, date: datetime.date) -> Release:
        """Return the newest real release that was out on *date*; for a day before the first, return the first."""
        out = bisect.bisect_right([release.date for release in self.real], date)
        return self.real[max(out - 1, 0)]

    def with_kfuncs(self, last: Release) -> tuple[Release, ...]:
        """Return the releases that can have kfuncs, up to *last*."""
        first = self._by_name.get(FIRST_KFUNCS)
        return tuple(release for release in self.real if (first is None or first <= release) and release <= last)

    def before(self, release: Release) -> Release:
        """Return the release before *release*; for the first release, return it itself."""
        return self.releases[max(release.position - 1, 0)]

    def between(self, first: Release, last: Release) -> tuple[Release, ...]:
        """Return the releases from *first* to *last*, both included."""
        return self.releases[first.position : last.position + 1]


def _projected(last: Release) -> tuple[Release, ...]:
    """Project the next releases from *last*, each with the range of days in which it may come."""
    major, minor = (int(number) for number in last.name[1:].split("."))
    projected = []
    for step in range(1, HORIZON + 1):
        major, minor = (major + 1, 0) if minor >= LAST_MINOR else (major, minor + 1)
        earliest = last.earliest + step * SHORTEST_CYCLE
        latest = last.date + step * LONGEST_CYCLE
        projected.append(Release(last.position + step, f"v{major}.{minor}", earliest, latest, projected=True))
    return tuple(projected)
