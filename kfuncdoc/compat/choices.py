# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Which of several kfuncs is to be called on each of some kernels.

Names in the order of preference come in, with the kernels that a program is to load on; out comes what
``guards`` makes C code of.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Optional, Sequence

from kfuncdoc.bpf.prototype import PrototypeError
from kfuncdoc.bpf.shape import compatible, shape_of
from kfuncdoc.compat.kernels import Kernel, KernelRecord, Presence, in_order
from kfuncdoc.kernels.releases import Release
from kfuncdoc.record.variants import Variant


@dataclass(frozen=True)
class Called:
    """A kfunc with one prototype, and the kernels on which it is the one to call."""

    variant: Variant
    kernels: tuple[Kernel, ...]
    #: The release from which on it is to be called, though it is there before.
    not_before: Optional[Release] = None


@dataclass(frozen=True)
class Chosen:
    """What is to be called, the best first, and the kernels that have none of it."""

    calls: tuple[Called, ...]
    left: tuple[Kernel, ...]

    @property
    def is_one(self) -> bool:
        """Whether the same call will do on every kernel, without a guard."""
        return len(self.calls) == 1 and not self.left and not self.calls[0].not_before

    def has(self, kfunc: str) -> bool:
        """Whether *kfunc* is among what is called."""
        return any(call.variant.kfunc == kfunc for call in self.calls)


def choose(record: KernelRecord, kernels: Sequence[Kernel], names: Sequence[str]) -> Chosen:
    """Return which of the kfuncs *names*, the best first, is to be called on each of *kernels*."""
    left = list(kernels)
    calls: list[Called] = []
    for variant in (each for name in dict.fromkeys(names) for each in reversed(record.snapshot.variants(name))):
        on = [kernel for kernel in left if _has(record, variant, kernel)]
        avoided = _avoided_before(record, variant, on)
        if avoided is not None:
            on = [kernel for kernel in on if kernel.release is None or avoided <= kernel.release]
        if not on:
            continue
        left = [kernel for kernel in left if kernel not in on]
        if calls and calls[-1].variant.flavour == variant.flavour:
            # It went and came back as it was: the same call does for both times.
            calls[-1] = dataclasses.replace(calls[-1], kernels=tuple(in_order([*on, *calls[-1].kernels])))
        else:
            calls.append(Called(variant, tuple(on), avoided))
    return Chosen(tuple(calls), tuple(left))


def _has(record: KernelRecord, variant: Variant, kernel: Kernel) -> bool:
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
    """Return the release before which it should not be called, where that matters to *kernels*."""
    newest = record.snapshot.lifecycle(variant.kfunc)
    release = newest.avoid_before if newest else None
    early = [kernel for kernel in kernels if release and kernel.release and kernel.release < release]
    return release if early else None
