# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Kernels, and what a kfunc is on each.

A kernel is a release of the record, or one that was looked into (``--btf``).  What was observed there beats
what is declared; what a look cannot tell, such as program types, the record says for its release.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Iterable, Mapping, Optional, Sequence

from kfuncdoc.base.diagnostics import KnownNames
from kfuncdoc.bpf.shape import Shape
from kfuncdoc.kernels.observation import KernelFunctions
from kfuncdoc.kernels.releases import Release
from kfuncdoc.record.catalog import Catalog
from kfuncdoc.record.lifecycle import Lifecycle
from kfuncdoc.record.snapshot import Snapshot
from kfuncdoc.views.kfunc import KfuncViews


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
class KfuncOnKernel:
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


class KernelRecord:
    """The record as kernels are held against it: what is declared, or was observed, of a kfunc on a kernel.

    It knows of nothing that came after the release of *views*, which have what is told of each kfunc.
    """

    def __init__(self, views: KfuncViews) -> None:
        self.views = views
        self.snapshot = views.snapshot
        self._kernels: dict[Release, Kernel] = {}

    @classmethod
    def whole(cls, catalog: Catalog, date: datetime.date) -> KernelRecord:
        """Return everything that *catalog* records, up to the newest release that is out, seen on *date*."""
        return cls(KfuncViews(Snapshot(catalog, catalog.calendar.real[-1], date)))

    def kernel(self, release: Release) -> Kernel:
        """Return the kernel of *release*."""
        return self._kernels.setdefault(release, Kernel(release.name, release))

    @property
    def kernels(self) -> tuple[Kernel, ...]:
        """The kernels of every release that the record speaks of, the oldest first."""
        return tuple(map(self.kernel, self.snapshot.releases))

    def nearest(self, name: str) -> str:
        """Return a hint that names the kfunc nearest to *name*, which is none, or the empty string."""
        return self._names.hint(name)

    @cached_property
    def _names(self) -> KnownNames:
        return KnownNames(self.snapshot.catalog.entries)

    def look(self, name: str, kernel: Kernel) -> KfuncOnKernel:
        """Return what the kfunc *name* is on *kernel*."""
        declared = self.snapshot.lifecycle_at(name, kernel.release) if kernel.release else None
        if kernel.observed is not None:
            seen = self._observed(name, kernel.observed, declared)
            if seen is not None:
                return seen
        if declared is None:
            return KfuncOnKernel(Presence.UNKNOWN)
        if not declared.state.present:
            return KfuncOnKernel(Presence.ABSENT, declared=declared)
        return KfuncOnKernel(Presence.PRESENT, declared.facts.prototype, declared=declared)

    def _observed(
        self, name: str, functions: KernelFunctions, declared: Optional[Lifecycle]
    ) -> Optional[KfuncOnKernel]:
        """Return what a look at a kernel tells of the kfunc *name*, None where it tells nothing."""
        gone = declared is not None and not declared.state.present
        if name in functions.prototypes and not (gone and name in functions.doubtful):
            prototype, shape = functions.prototypes[name], functions.shapes.get(name)
            return KfuncOnKernel(Presence.PRESENT, prototype, shape, declared, True, name in functions.no_kfuncs)
        module = declared.facts.module if declared and not gone else None
        # A kernel without its modules says nothing of what lives in them.
        if module and not functions.with_modules:
            return None
        return KfuncOnKernel(Presence.ABSENT, declared=declared, observed=True)


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
