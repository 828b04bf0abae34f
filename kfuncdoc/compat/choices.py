# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Which of several kfuncs to call on each of several kernels.

::

    the names of kfuncs, the best first, and kernels --choose--> ChosenCalls --guards--> C code
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Iterable, Optional, Sequence

from kfuncdoc.bpf.prototype import PrototypeError
from kfuncdoc.bpf.shape import compatible, shape_of
from kfuncdoc.compat.kernels import Kernel, KernelRecord, Presence, in_order
from kfuncdoc.kernels.releases import Release
from kfuncdoc.record.variants import Variant


@dataclass(frozen=True)
class ChosenCall:
    """A kfunc with one prototype, and the kernels on which it is the kfunc to call."""

    variant: Variant
    kernels: tuple[Kernel, ...]
    #: The release from which on to call it, where earlier kernels have it too.
    not_before: Optional[Release] = None


@dataclass(frozen=True)
class ChosenCalls:
    """The calls to make, the best first, and the kernels that have none of the kfuncs."""

    calls: tuple[ChosenCall, ...]
    kernels_without: tuple[Kernel, ...]

    @property
    def is_one(self) -> bool:
        """Whether the same call is right on every kernel, so that no guard is needed."""
        return len(self.calls) == 1 and not self.kernels_without and not self.calls[0].not_before

    def has(self, kfunc: str) -> bool:
        """Whether *kfunc* is called."""
        return any(call.variant.kfunc == kfunc for call in self.calls)


def choose(record: KernelRecord, kernels: Sequence[Kernel], names: Sequence[str]) -> ChosenCalls:
    """Return which of the kfuncs *names*, the best first, to call on each of *kernels*."""
    kernels_without = list(kernels)
    calls: list[ChosenCall] = []
    variants = (variant for name in dict.fromkeys(names) for variant in reversed(record.snapshot.variants(name)))
    for variant in variants:
        having = [kernel for kernel in kernels_without if _has(record, variant, kernel)]
        avoided = _avoided_before(record, variant, having)
        if avoided is not None:
            having = [kernel for kernel in having if kernel.release is None or avoided <= kernel.release]
        if not having:
            continue
        kernels_without = [kernel for kernel in kernels_without if kernel not in having]
        if calls and calls[-1].variant.flavour == variant.flavour:
            # It was removed and came back with the same prototype: one call is right for both stretches.
            calls[-1] = dataclasses.replace(calls[-1], kernels=tuple(in_order([*having, *calls[-1].kernels])))
        else:
            calls.append(ChosenCall(variant, tuple(having), avoided))
    return ChosenCalls(tuple(calls), tuple(kernels_without))


def of_use(record: KernelRecord, kernels: Sequence[Kernel], names: Iterable[str], instead_of: str) -> list[str]:
    """Return those of the kfuncs *names* that are of use to callers of the kfunc *instead_of* on *kernels*.

    Where real kernels are asked for, some kernel has to have it, and no real one may lack it together with
    *instead_of*: there is no advice to call what is not there either.
    """
    observed = [kernel for kernel in kernels if kernel.observed is not None]
    if not observed:
        return list(names)

    def has(name: str, kernel: Kernel) -> bool:
        return record.look(name, kernel).is_callable

    return [
        name
        for name in names
        if any(has(name, kernel) for kernel in kernels)
        and all(has(name, kernel) or has(instead_of, kernel) for kernel in observed)
    ]


def _has(record: KernelRecord, variant: Variant, kernel: Kernel) -> bool:
    """Whether *kernel* has the kfunc with a prototype that libbpf takes for that of *variant*."""
    seen = record.look(variant.kfunc, kernel)
    if seen.presence is not Presence.PRESENT:
        return False
    if seen.observed and seen.prototype:
        try:
            return compatible(shape_of(variant.prototype), shape_of(seen.prototype))
        except PrototypeError:
            return False
    return kernel.release is not None and variant.holds(kernel.release)


def _avoided_before(record: KernelRecord, variant: Variant, kernels: Sequence[Kernel]) -> Optional[Release]:
    """Return the release before which the kfunc should not be called, if any of *kernels* is older; else None."""
    newest = record.snapshot.lifecycle(variant.kfunc)
    release = newest.avoid_before if newest else None
    early = [kernel for kernel in kernels if release and kernel.release and kernel.release < release]
    return release if early else None
