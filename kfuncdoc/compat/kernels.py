# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Kernels, and what a kfunc is on each of them.

::

    Snapshot, Kernel --KernelRecord.look--> KfuncOnKernel

A kernel is a release of the record, or a real one that was observed (``--btf``).  What was observed counts more than
what is declared.  What cannot be observed, such as program types, is taken from the declarations for its release.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Iterable, Mapping, Optional, Sequence

from kfuncdoc.base.diagnostics import KnownNames
from kfuncdoc.bpf.shape import Shape
from kfuncdoc.kernels.core_types import CoreTypes
from kfuncdoc.kernels.observation import KernelFunctions
from kfuncdoc.kernels.packaged import load_core_types
from kfuncdoc.kernels.releases import Release
from kfuncdoc.record.catalog import Catalog
from kfuncdoc.record.lifecycle import Lifecycle
from kfuncdoc.record.snapshot import Snapshot
from kfuncdoc.upkeep.differences import conjuncts
from kfuncdoc.views.kfunc import KfuncViews

_IMPLICIT = "KF_IMPLICIT_ARGS"


@dataclass(frozen=True, eq=False)
class Kernel:
    """A kernel asked for: a *release* of the record, or one that was *observed*.

    A record has one object for each release, so that kernels are compared by identity, which is quick.
    """

    name: str
    #: The release whose declared facts hold; None where an observed kernel does not tell its release.
    release: Optional[Release]
    observed: Optional[KernelFunctions] = None


class Presence(Enum):
    """What is known of a kfunc on a kernel."""

    PRESENT = "present"
    #: Not added yet, or removed.
    ABSENT = "absent"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class KfuncOnKernel:
    """A kfunc on a kernel: its presence, its prototype, and what is declared of it for the kernel's release."""

    presence: Presence
    prototype: Optional[str] = None
    #: The shape of the prototype, if it was observed; the text of a prototype says less.
    shape: Shape = None
    #: None where the record does not say.
    declared: Optional[Lifecycle] = None
    #: Whether the presence was observed.
    observed: bool = False
    #: Whether the kernel has a function of this name that is no kfunc.
    no_kfunc: bool = False
    #: Whether it has KF_IMPLICIT_ARGS, and the kernel's BTF has no twin of it with the implicit argument.
    lacks_twin: bool = False
    #: The module that it was observed in, or that is declared for the kernel; None if it is in the kernel itself.
    module: Optional[str] = None

    @property
    def is_callable(self) -> bool:
        """Whether the kernel has the kfunc, and some program may call it."""
        return self.presence is Presence.PRESENT and not self.no_kfunc and not self.lacks_twin


class KernelRecord:
    """The record of kfuncs by kernel: what is declared of a kfunc on a kernel, or was observed there.

    It knows nothing that happened after the release of *views*.
    """

    def __init__(self, views: KfuncViews) -> None:
        self.views = views
        self.snapshot = views.snapshot
        self._kernels: dict[Release, Kernel] = {}
        self._missing_options: dict[Kernel, Mapping[str, int]] = {}
        self._looked: dict[tuple[str, Kernel], KfuncOnKernel] = {}

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

    @cached_property
    def core_types(self) -> CoreTypes:
        """The types of the kernel that programs test for."""
        return load_core_types(self.snapshot.calendar)

    def nearest(self, name: str) -> str:
        """Return a hint that names the kfunc with the most similar name to *name*, which is none; empty without one."""
        return self._names.hint(name)

    @cached_property
    def _names(self) -> KnownNames:
        return KnownNames(self.snapshot.catalog.entries)

    def look(self, name: str, kernel: Kernel) -> KfuncOnKernel:
        """Return what is known of the kfunc *name* on *kernel*; it is looked up once, as many objects ask for it."""
        key = name, kernel
        seen = self._looked.get(key)
        if seen is None:
            seen = self._looked[key] = self._look(name, kernel)
        return seen

    def _look(self, name: str, kernel: Kernel) -> KfuncOnKernel:
        declared = self.snapshot.lifecycle_at(name, kernel.release) if kernel.release else None
        if kernel.observed is not None:
            seen = self._observed(name, kernel.observed, declared)
            if seen is not None:
                return seen
        if declared is None:
            return KfuncOnKernel(Presence.UNKNOWN)
        if not declared.state.present:
            return KfuncOnKernel(Presence.ABSENT, declared=declared)
        return KfuncOnKernel(
            Presence.PRESENT, declared.facts.prototype, declared=declared, module=declared.facts.module
        )

    def missing_option(self, name: str, kernel: Kernel) -> Optional[str]:
        """Return the configuration option without which *kernel* was built, and on which the kfunc *name* depends.

        The option is missing if the kernel has none of several kfuncs that depend on it.  Returns None otherwise, or if
        *kernel* is a release.
        """
        if kernel.observed is None or kernel.release is None:
            return None
        if kernel not in self._missing_options:
            self._missing_options[kernel] = self._options_without_kfuncs(kernel)
        declared = self.snapshot.lifecycle_at(name, kernel.release)
        if declared is None or not declared.state.present:
            # It came later, or is gone: what it depends on is the same subsystem.
            declared = self.snapshot.lifecycle(name)
        missing = self._missing_options[kernel]
        options = sorted(conjuncts(declared.facts.depends_on or "")) if declared else []
        return max((option for option in options if option in missing), key=missing.__getitem__, default=None)

    def _options_without_kfuncs(self, kernel: Kernel) -> Mapping[str, int]:
        """Return the options on which several kfuncs of the release depend, none of which *kernel* has: their count."""
        presences: dict[str, list[Presence]] = {}
        for name in self.snapshot.catalog.entries:
            declared = self.snapshot.lifecycle_at(name, kernel.release) if kernel.release else None
            if declared is not None and declared.state.present:
                for option in conjuncts(declared.facts.depends_on or ""):
                    presences.setdefault(option, []).append(self.look(name, kernel).presence)
        return {
            option: len(of_kfuncs)
            for option, of_kfuncs in presences.items()
            if len(of_kfuncs) > 1 and set(of_kfuncs) == {Presence.ABSENT}
        }

    def _observed(
        self, name: str, functions: KernelFunctions, declared: Optional[Lifecycle]
    ) -> Optional[KfuncOnKernel]:
        """Return what was observed of the kfunc *name* on a kernel; None where that cannot be told."""
        is_removed = declared is not None and not declared.state.present
        if name in functions.prototypes and not (is_removed and name in functions.doubtful):
            return KfuncOnKernel(
                Presence.PRESENT,
                functions.prototypes[name],
                functions.shapes.get(name),
                declared,
                observed=True,
                no_kfunc=name in functions.no_kfuncs,
                # BTF has no flags, so the flag of the record counts.
                lacks_twin=name in functions.without_twin
                and declared is not None
                and _IMPLICIT in declared.facts.flags,
                module=functions.modules.get(name),
            )
        module = declared.facts.module if declared and not is_removed else None
        # A kernel that was observed without its modules does not show which kfuncs these have.
        if not functions.with_modules and (module or self.snapshot.find(name) is None):
            return None
        return KfuncOnKernel(Presence.ABSENT, declared=declared, observed=True)


def in_order(kernels: Iterable[Kernel]) -> tuple[Kernel, ...]:
    """Return *kernels* sorted by release: an observed one after that of the record, those without a release last."""
    last = float("inf")

    def key(kernel: Kernel) -> tuple[float, bool]:
        return kernel.release.position if kernel.release else last, kernel.observed is not None

    return tuple(sorted(kernels, key=key))


def in_words(kernels: Sequence[Kernel], among: Sequence[Kernel]) -> str:
    """Return *kernels*, some of those *among* the kernels asked for, as ranges: ``v6.13 to v6.16 and v7.3``."""
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
    """Whether the release of *other* follows that of *one*: a range has no releases that were not asked for."""
    if one.release is None or other.release is None or one.observed or other.observed:
        return False
    return one.release.position + 1 == other.release.position
