# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The facts of a kernel that decide which calls of a program are reached there (:mod:`kfuncdoc.bpf.conditions`).

::

    Kernel, KernelRecord, the externs that libbpf finds, Fact --KernelFacts--> True, False or None
"""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from functools import cache
from typing import Mapping, Optional

from kfuncdoc.bpf.conditions import (
    KERNEL_VERSION,
    AsBuilt,
    Comparison,
    CoreOutcome,
    Fact,
    GlobalsCheckedWhereCalled,
    KfuncFound,
    OptionalPartsCount,
)
from kfuncdoc.compat.kernels import Kernel, KernelRecord

#: The release from which on global functions are checked where they are called (commit 2afae08c9dcb).
_LAZY_GLOBALS = (6, 8)
_VERSION = re.compile(r"v?(\d+)\.(\d+)(?:\.(\d+))?")
#: KERNEL_VERSION() uses this number for all later stable releases.
_LAST_POINT = 255


@dataclass(frozen=True)
class KernelFacts:
    """The facts of *kernel*; *resolved* says which externs libbpf finds there, None if that is not known."""

    record: KernelRecord
    kernel: Kernel
    resolved: Mapping[str, Optional[bool]]
    #: Whether optional programs, and functions that no program calls, are included.
    optional: bool = False
    #: Whether constants have the values of the object; None if a loader may have set others.
    as_built: Optional[bool] = True

    def without(self, extern: str) -> KernelFacts:
        """Return the same facts, but libbpf does not find *extern*."""
        return dataclasses.replace(self, resolved={**self.resolved, extern: False})

    def with_constants_set(self) -> KernelFacts:
        """Return the facts for programs whose loader may have set their constants."""
        return dataclasses.replace(self, as_built=None)

    def __call__(self, fact: Fact) -> Optional[bool]:
        """Whether the kernel has *fact*; None where that is not known."""
        if isinstance(fact, KfuncFound):
            return self.resolved.get(fact.name)
        if isinstance(fact, CoreOutcome):
            return self._core_outcome(fact)
        if isinstance(fact, Comparison):
            return _compared(fact, self.kernel)
        if isinstance(fact, AsBuilt):
            return self.as_built
        if isinstance(fact, OptionalPartsCount):
            return self.optional
        assert isinstance(fact, GlobalsCheckedWhereCalled)
        return self._numbers >= _LAZY_GLOBALS if self._numbers else None

    @property
    def _numbers(self) -> Optional[tuple[int, int]]:
        release = self.kernel.release
        match = _VERSION.match(release.name if release else "")
        return (int(match[1]), int(match[2])) if match else None

    def _core_outcome(self, asked: CoreOutcome) -> Optional[bool]:
        types = self.record.core_types
        observed = self.kernel.observed
        if observed is not None:
            if asked in observed.outcomes:
                return observed.outcomes[asked]
            # The type is not in the kernel itself; a module may have it, unless the record says that none does.
            return False if asked in observed.lacking and types.knows(asked) else None
        return types.outcome(asked, self.kernel.release) if self.kernel.release else None


@cache
def _compared(asked: Comparison, kernel: Kernel) -> Optional[bool]:
    """Whether the comparison holds on *kernel*; None if it does for some of the versions that *kernel* stands for."""
    versions = _versions(kernel) if asked.computed.variable == KERNEL_VERSION else ()
    outcomes = {asked.holds(version) for version in versions}
    return outcomes.pop() if len(outcomes) == 1 else None


@cache
def _versions(kernel: Kernel) -> tuple[int, ...]:
    """Return the values that ``LINUX_KERNEL_VERSION`` may have on *kernel*.

    Without the third number of the version, these are the values of the whole series.  Kernels of distributors often
    have 0 there; libbpf reads the real number from another place (``get_kernel_version()``).
    """
    version = kernel.observed.kernel if kernel.observed else None
    match = _VERSION.match(version or (kernel.release.name if kernel.release else ""))
    if match is None:
        return ()
    major, minor, point = int(match[1]), int(match[2]), int(match[3] or 0)
    points = (min(point, _LAST_POINT),) if point else range(_LAST_POINT + 1)
    return tuple((major << 16) + (minor << 8) + number for number in points)
