# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The catalog at one release, seen on one day.  The history of each kfunc is replayed only once.

::

    Catalog, Release, date --> Snapshot --lifecycle, variants--> views, pages, diff, header, audit and export

A file says nothing about releases after the one that it is recorded for.  So if a file is recorded up to v7.1, a
snapshot at v7.3 shows its kfuncs as of v7.1.  Only :meth:`Snapshot.release_of` decides this.
"""

from __future__ import annotations

import datetime
from functools import cached_property
from typing import Iterator, Optional

from kfuncdoc.kernels.releases import Release, ReleaseCalendar
from kfuncdoc.record.catalog import Catalog, Declaration, SubsystemFile
from kfuncdoc.record.lifecycle import Lifecycle, Step, assess_steps, replay
from kfuncdoc.record.variants import Variant, variants


class _Histories:
    """The histories that are replayed once and shared by all snapshots of one catalog on one day."""

    def __init__(self) -> None:
        self.steps: dict[str, tuple[Step, ...]] = {}
        self.lifecycles: dict[tuple[str, Release], Lifecycle] = {}


class Snapshot:
    """The *catalog* at *release*, seen on *date*.

    *release* is a release of the catalog's calendar; statements about what was announced are as of *date*.
    """

    def __init__(
        self, catalog: Catalog, release: Release, date: datetime.date, *, _histories: Optional[_Histories] = None
    ) -> None:
        self.catalog = catalog
        self.release = release
        self.date = date
        self._histories = _histories or _Histories()
        self._variants: dict[str, tuple[Variant, ...]] = {}

    @property
    def calendar(self) -> ReleaseCalendar:
        return self.catalog.calendar

    def at(self, release: Release) -> Snapshot:
        """Return the snapshot of the same catalog and day at another release; both share what is replayed."""
        return Snapshot(self.catalog, release, self.date, _histories=self._histories)

    # -- how far the record goes

    def release_of(self, subsystem: SubsystemFile) -> Release:
        """Return the release as of which the kfuncs of *subsystem* are seen: no later than the file is recorded for."""
        return min(self.release, subsystem.recorded)

    @cached_property
    def last(self) -> Release:
        """The newest release as of which any kfunc is seen; the release of the snapshot if nothing is declared."""
        return max(map(self.release_of, self.catalog.subsystems), default=self.release)

    @property
    def releases(self) -> tuple[Release, ...]:
        """Every release that the record speaks of, the oldest first."""
        return self.calendar.between(self.calendar.real[0], self.last)

    # -- kfuncs

    def find(self, name: str) -> Optional[tuple[SubsystemFile, Declaration]]:
        """Return the usable declaration of the kfunc *name* with its subsystem, or None."""
        subsystem, entry = self.catalog.entries.get(name, (None, None))
        return (subsystem, entry) if subsystem is not None and isinstance(entry, Declaration) else None

    def lifecycle(self, name: str) -> Optional[Lifecycle]:
        """Return the state of the kfunc *name*; None where it has no usable declaration.

        Raises :exc:`~kfuncdoc.kernels.releases.UnknownRelease` where its history names a release that the calendar
        does not know.
        """
        declared = self.find(name)
        return self._assessed(name, declared, self.release_of(declared[0])) if declared else None

    def lifecycle_at(self, name: str, release: Release) -> Optional[Lifecycle]:
        """Return the state of the kfunc *name* at *release*; None if the record does not reach that release."""
        declared = self.find(name)
        if declared is None or release > self.release_of(declared[0]):
            return None
        return self._assessed(name, declared, release)

    def variants(self, name: str) -> tuple[Variant, ...]:
        """Return the prototypes that the kfunc *name* had, in order; none where it has no usable declaration."""
        if name not in self._variants:
            declared = self.find(name)
            self._variants[name] = (
                variants(declared[1].kfunc, self.calendar, self.release_of(declared[0])) if declared else ()
            )
        return self._variants[name]

    def _assessed(self, name: str, declared: tuple[SubsystemFile, Declaration], release: Release) -> Lifecycle:
        """Return the state of the kfunc *name* at *release*; its history is replayed once, and assessed once there."""
        lifecycles, kfunc = self._histories.lifecycles, declared[1].kfunc
        if (name, release) not in lifecycles:
            steps = self._histories.steps.get(name)
            if steps is None:
                steps = self._histories.steps[name] = tuple(replay(kfunc, self.calendar))
            lifecycles[name, release] = assess_steps(kfunc, steps, release, self.date)
        return lifecycles[name, release]

    def records_that_end_before(self, release: Release) -> Iterator[tuple[str, Release]]:
        """Yield the subsystems whose record does not reach *release*, by name, and the release that it ends at."""
        recorded = {subsystem.header.subsystem: subsystem.recorded for subsystem in self.catalog.subsystems}
        return ((name, end) for name, end in sorted(recorded.items()) if end < release)
