# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The kernels that an audit, a header or a difference is asked for: from names of releases, and from real kernels."""

from __future__ import annotations

import re
from typing import Iterable, Optional

from kfuncdoc.compat.kernels import Kernel, KernelRecord
from kfuncdoc.kernels.observation import KernelFunctions
from kfuncdoc.kernels.releases import Release

_NUMBERS = re.compile(r"v?(\d+\.\d+)(?:\.\d+)?$", re.ASCII)


class KernelUnknown(ValueError):
    """The record cannot say anything of a kernel that was asked for; the message says why."""


def asked_for(
    record: KernelRecord,
    *,
    first: Optional[str] = None,
    last: Optional[str] = None,
    names: Iterable[str] = (),
    long_term: bool = False,
) -> tuple[Kernel, ...]:
    """Return the kernels of a range, of *names*, and the maintained LTS kernels if *long_term*, in order.

    None of them gives no kernels.  Raises :exc:`KernelUnknown` where the record does not reach a kernel, *last* comes
    before *first*, or no LTS kernel is maintained.
    """
    snapshot = record.snapshot
    releases = {recorded_release(record, name) for name in names}
    if first or last:
        start, end = recorded_range(record, first or snapshot.releases[0].name, last or snapshot.last.name)
        releases |= set(snapshot.calendar.between(start, end))
    if long_term:
        maintained = {release for release in snapshot.releases if release.lts and release.maintained(snapshot.date)}
        if not maintained:
            raise KernelUnknown(f"no long-term kernel is known to be maintained on {snapshot.date}")
        releases |= maintained
    return tuple(map(record.kernel, sorted(releases)))


def recorded_release(record: KernelRecord, name: str) -> Release:
    """Return the release *name*; raises :exc:`KernelUnknown` where the record does not reach it."""
    snapshot = record.snapshot
    extent = f"the record goes from {snapshot.releases[0]} to {snapshot.last}"
    if not snapshot.calendar.is_real(name):
        numbers = _NUMBERS.match(name)
        similar = f"v{numbers[1]}" if numbers else ""
        write = f"write {similar}" if snapshot.calendar.is_real(similar) else "one is written as v6.10"
        raise KernelUnknown(f"'{name}' is no release that is known: {write}; {extent}")
    release = snapshot.calendar[name]
    if release > snapshot.last:
        raise KernelUnknown(f"nothing is recorded of {name}: {extent}")
    return release


def observed_kernel(
    record: KernelRecord, name: str, functions: KernelFunctions, release: Optional[str] = None
) -> Kernel:
    """Return the kernel that was observed at *name*, with the facts of *release*, else of the release that it tells.

    A kernel that tells another release can be taken for *release*, as those of vendors are; its name shows that.

    Raises :exc:`KernelUnknown` where *release* is not in the record.
    """
    version = functions.kernel or release
    shown = f"{version} ({name})" if version else name
    if release is not None:
        taken_for = f", taken for {release}" if functions.release not in (None, release) else ""
        return Kernel(f"{version} ({name}{taken_for})", recorded_release(record, release), functions)
    own = functions.release
    calendar = record.snapshot.calendar
    is_recorded = own is not None and calendar.is_real(own) and calendar[own] <= record.snapshot.last
    return Kernel(shown, calendar[own] if own and is_recorded else None, functions)


def recorded_range(record: KernelRecord, first: str, last: str) -> tuple[Release, Release]:
    """Return the releases *first* and *last*.

    Raises :exc:`KernelUnknown` where the record does not reach one of them, or *last* comes before *first*.
    """
    start, end = recorded_release(record, first), recorded_release(record, last)
    if end < start:
        raise KernelUnknown(f"{start} comes after {end}")
    return start, end
