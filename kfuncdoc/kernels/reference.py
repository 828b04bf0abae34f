# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The reference release and date: pages and commands describe kfuncs as of these.

Users can give both.  If they do not, this module is the only place that finds them: the date comes from
``SOURCE_DATE_EPOCH`` (https://reproducible-builds.org/specs/source-date-epoch/), else it is today; the release is the
newest one that is out on the date.  A projected release is no reference, because nobody knows yet what it will have.
"""

from __future__ import annotations

import datetime
import re
from typing import Mapping, Optional

from kfuncdoc.base.dates import read_date
from kfuncdoc.kernels.releases import Release, ReleaseCalendar

_VERSION = re.compile(r"v?[0-9]+\.[0-9]+")
#: The output of ``date +%s``.  The specification requires this form.
_SECONDS = re.compile(r"-?[0-9]+")


class ReferenceUnknown(ValueError):
    """The release or the date cannot be used; the message says why."""


def reference_date(given: Optional[str], environment: Mapping[str, str]) -> datetime.date:
    """Return the date *given* as ``YYYY-MM-DD``, else that of the *environment*, else today (UTC).

    Raises ReferenceUnknown if it is not a date.  Commands that do not depend on the date do not call this.
    """
    if given:
        try:
            return read_date(given)
        except ValueError:
            raise ReferenceUnknown(f"'{given}' is no date; write it as 2026-09-01") from None
    epoch = environment.get("SOURCE_DATE_EPOCH", "")
    if epoch:
        try:
            return _day_of(epoch)
        except (ValueError, OverflowError, OSError):
            raise ReferenceUnknown(f"SOURCE_DATE_EPOCH is '{epoch}', which is no number of seconds") from None
    return datetime.datetime.now(datetime.timezone.utc).date()


def _day_of(epoch: str) -> datetime.date:
    if not _SECONDS.fullmatch(epoch):
        raise ValueError(epoch)
    return datetime.datetime.fromtimestamp(int(epoch), datetime.timezone.utc).date()


def reference_release(given: Optional[str], calendar: ReleaseCalendar, date: datetime.date) -> Release:
    """Return the release *given*, as :func:`real_release` does, else the newest one that is out on *date*."""
    return real_release(given, calendar) if given else calendar.newest(date)


def real_release(name: str, calendar: ReleaseCalendar) -> Release:
    """Return the release *name*, such as ``v6.10``; raises ReferenceUnknown if there is no such release, or not yet."""
    if not calendar.is_real(name):
        known = f"{calendar.real[0]} to {calendar.real[-1]}"
        raise ReferenceUnknown(f"'{name}' is no release that exists; known are {known}, written as v6.10")
    return calendar[name]


def release_of_version(version: str, calendar: ReleaseCalendar) -> Release:
    """Return the reference release for a kernel tree whose Makefile has the *version*.

    It is v7.3 for ``7.3.4``, and v7.4 for ``7.4.0-rc2``.  If that release is not out yet, nobody knows what it will
    have, so the result is the newest known release before it.
    """
    numbers = _VERSION.match(version)
    known = [release for release in calendar.real if numbers and _numbers(release.name) <= _numbers(numbers[0])]
    if not known:
        raise ReferenceUnknown(f"'{version}' is no version of a kernel that is known")
    return known[-1]


def _numbers(name: str) -> tuple[int, ...]:
    return tuple(map(int, name.lstrip("v").split(".")))
