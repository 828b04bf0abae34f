# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The kernels that an audit is about, and what a kfunc is on each.

A kernel is a release of the record, or one that was looked into (``--btf``).  What was observed there beats
what is declared; what a look cannot tell, such as program types, the record says for its release.
"""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Iterable, Mapping, Optional, Sequence

from kfuncdoc.base.diagnostics import KnownNames
from kfuncdoc.bpf.shape import Shape
from kfuncdoc.kernels.observation import KernelFunctions
from kfuncdoc.kernels.releases import Release
from kfuncdoc.record import lifecycle
from kfuncdoc.record.catalog import Catalog, Declaration, SubsystemFile
from kfuncdoc.record.lifecycle import Lifecycle
from kfuncdoc.record.variants import Variant, variants
from kfuncdoc.views.kfunc import Pages

_NUMBERS = re.compile(r"v?(\d+\.\d+)(?:\.\d+)?$", re.ASCII)


class KernelUnknown(ValueError):
    """A kernel cannot be asked for; the message says why."""


@dataclass(frozen=True, eq=False)
class Kernel:
    """A kernel asked for: a *release* of the record, or one that was *observed*.

    There is one for each release of a record: they are compared as such, which is quick.
    """

    name: str
    #: The release whose declared facts hold; None where a kernel does not tell which it is of.
    release: Optional[Release]
    observed: Optional[KernelFunctions] = None


class Presence(Enum):
    """What is known of a kfunc on a kernel."""

    PRESENT = "present"
    #: Not there yet, or no more.
    ABSENT = "absent"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Seen:
    """A kfunc on a kernel: whether it is there, with which prototype, and what is declared of it for the release."""

    presence: Presence
    prototype: Optional[str] = None
    #: The shape of the prototype, where it is known better than by the text of it.
    shape: Shape = None
    #: None where the record does not say.
    declared: Optional[Lifecycle] = None
    #: Whether the presence was observed.
    observed: bool = False
    #: Whether it is there, and no kfunc.
    no_kfunc: bool = False


class Record:
    """The record as an audit asks it: kfuncs by name, at releases, on one day.

    It knows of nothing that came after the release *until*, where one is given.
    """

    def __init__(self, catalog: Catalog, date: datetime.date, until: Optional[Release] = None) -> None:
        self.catalog = catalog
        self.calendar = catalog.calendar
        self.date = date
        self._until = until or catalog.calendar.real[-1]
        self._kernels: dict[Release, Kernel] = {}
        self._lifecycles: dict[tuple[str, Release], Lifecycle] = {}
        self._variants: dict[str, tuple[Variant, ...]] = {}

    @cached_property
    def last(self) -> Release:
        """The newest release that any file is recorded for."""
        return max(map(self.reach, self.catalog.subsystems))

    def reach(self, subsystem: SubsystemFile) -> Release:
        """Return the last release that is known of the kfuncs of *subsystem*."""
        return min(subsystem.recorded, self._until)

    @cached_property
    def pages(self) -> Pages:
        """Every kfunc as the pages of the last release show it: with its replacement."""
        return Pages(self.catalog, self.last, self.date)

    def replaced_by(self, name: str) -> tuple[str, ...]:
        """Return the kfuncs that *name* replaces, and those that these replaced, the nearest first."""
        return self.pages.replaced_by(name)

    @property
    def releases(self) -> tuple[Release, ...]:
        """Every release that the record speaks of."""
        return self.calendar.between(self.calendar.real[0], self.last)

    def find(self, name: str) -> Optional[tuple[SubsystemFile, Declaration]]:
        subsystem, entry = self.catalog.entries.get(name, (None, None))
        return (subsystem, entry) if subsystem is not None and isinstance(entry, Declaration) else None

    def kernel(self, release: Release) -> Kernel:
        """Return the kernel of *release*."""
        return self._kernels.setdefault(release, Kernel(release.name, release))

    def nearest(self, name: str) -> str:
        """Return a hint that names the kfunc nearest to *name*, which is none, or the empty string."""
        return self._names.hint(name)

    @cached_property
    def _names(self) -> KnownNames:
        return KnownNames(self.catalog.entries)

    def at(self, name: str, release: Release) -> Optional[Lifecycle]:
        """Return what is declared of the kfunc *name* at *release*; None where the record does not say."""
        found = self.find(name)
        if found is None or release > self.reach(found[0]):
            return None
        key = (name, release)
        if key not in self._lifecycles:
            self._lifecycles[key] = lifecycle.assess(found[1].kfunc, self.calendar, release, self.date)
        return self._lifecycles[key]

    def newest(self, name: str) -> Optional[Lifecycle]:
        """Return what is declared of the kfunc *name* at the last release that its file is recorded for."""
        found = self.find(name)
        return self.at(name, self.reach(found[0])) if found else None

    def variants(self, name: str) -> tuple[Variant, ...]:
        """Return the prototypes that the kfunc *name* had, in order; none where it is not declared."""
        if name not in self._variants:
            found = self.find(name)
            self._variants[name] = variants(found[1].kfunc, self.calendar, self.reach(found[0])) if found else ()
        return self._variants[name]

    def look(self, name: str, kernel: Kernel) -> Seen:
        """Return what the kfunc *name* is on *kernel*."""
        declared = self.at(name, kernel.release) if kernel.release else None
        if kernel.observed is not None:
            seen = self._observed(name, kernel.observed, declared)
            if seen is not None:
                return seen
        if declared is None:
            return Seen(Presence.UNKNOWN)
        if not declared.state.present:
            return Seen(Presence.ABSENT, declared=declared)
        return Seen(Presence.PRESENT, declared.facts.prototype, declared=declared)

    def _observed(self, name: str, functions: KernelFunctions, declared: Optional[Lifecycle]) -> Optional[Seen]:
        """Return what a look at a kernel tells of the kfunc *name*, None where it tells nothing."""
        gone = declared is not None and not declared.state.present
        if name in functions.prototypes and not (gone and name in functions.doubtful):
            prototype, shape = functions.prototypes[name], functions.shapes.get(name)
            return Seen(Presence.PRESENT, prototype, shape, declared, True, name in functions.no_kfuncs)
        module = declared.facts.module if declared and not gone else None
        # A kernel without its modules says nothing of what lives in them.
        if module and not functions.with_modules:
            return None
        return Seen(Presence.ABSENT, declared=declared, observed=True)


def asked_for(
    record: Record,
    *,
    first: Optional[str] = None,
    last: Optional[str] = None,
    names: Iterable[str] = (),
    long_term: bool = False,
) -> tuple[Kernel, ...]:
    """Return the kernels of a range, of *names*, and the maintained LTS kernels if *long_term*, in order.

    Without any of them: none.  Raises :exc:`KernelUnknown`, also where the record does not reach.
    """
    releases = {recorded_release(record, name) for name in names}
    if first or last:
        start = recorded_release(record, first) if first else record.releases[0]
        end = recorded_release(record, last) if last else record.last
        if end < start:
            raise KernelUnknown(f"{start} comes after {end}")
        releases |= set(record.calendar.between(start, end))
    if long_term:
        maintained = {release for release in record.releases if release.lts and release.maintained(record.date)}
        if not maintained:
            raise KernelUnknown(f"no long-term kernel is known to be maintained on {record.date}")
        releases |= maintained
    return tuple(map(record.kernel, sorted(releases)))


def all_recorded(record: Record) -> tuple[Kernel, ...]:
    return tuple(map(record.kernel, record.releases))


def recorded_release(record: Record, name: str) -> Release:
    """Return the release *name*; raises :exc:`KernelUnknown` where the record does not reach it."""
    reach = f"the record goes from {record.releases[0]} to {record.last}"
    if not record.calendar.is_real(name):
        numbers = _NUMBERS.match(name)
        meant = f"v{numbers[1]}" if numbers else ""
        write = f"write {meant}" if record.calendar.is_real(meant) else "one is written as v6.10"
        raise KernelUnknown(f"'{name}' is no release that is known: {write}; {reach}")
    release = record.calendar[name]
    if release > record.last:
        raise KernelUnknown(f"nothing is recorded of {name}: {reach}")
    return release


def observed_kernel(record: Record, name: str, functions: KernelFunctions, release: Optional[str] = None) -> Kernel:
    """Return the kernel that was looked into at *name*: of *release*, or of the one that it tells itself.

    A kernel that tells another one may have been said to be as good as *release*, as those of vendors are; its name
    shows that.

    Raises :exc:`KernelUnknown` where *release* is not in the record.
    """
    version = functions.kernel or release
    shown = f"{version} ({name})" if version else name
    if release is not None:
        taken = f", taken for {release}" if functions.release not in (None, release) else ""
        return Kernel(f"{version} ({name}{taken})", recorded_release(record, release), functions)
    told = functions.release
    known = told is not None and record.calendar.is_real(told) and record.calendar[told] <= record.last
    return Kernel(shown, record.calendar[told] if told and known else None, functions)


def in_order(kernels: Iterable[Kernel]) -> tuple[Kernel, ...]:
    """Return *kernels* by their releases, a real one after that of the record; those that tell none come last."""
    last = float("inf")
    return tuple(
        sorted(kernels, key=lambda each: (each.release.position if each.release else last, each.observed is not None))
    )


def in_words(kernels: Sequence[Kernel], among: Sequence[Kernel]) -> str:
    """Return *kernels* as people name them, as runs of those *among* which they are: ``v6.13 to v6.16 and v7.3``."""
    positions: Mapping[Kernel, int] = {kernel: position for position, kernel in enumerate(among)}
    runs: list[list[Kernel]] = []
    for kernel in kernels:
        if runs and positions[runs[-1][-1]] + 1 == positions[kernel] and _next_to(runs[-1][-1], kernel):
            runs[-1].append(kernel)
        else:
            runs.append([kernel])
    words = [run[0].name if len(run) == 1 else f"{run[0].name} to {run[-1].name}" for run in runs]
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _next_to(one: Kernel, other: Kernel) -> bool:
    """Whether the release of *other* comes right after that of *one*: what was not asked for is in no range."""
    if one.release is None or other.release is None or one.observed or other.observed:
        return False
    return one.release.position + 1 == other.release.position
