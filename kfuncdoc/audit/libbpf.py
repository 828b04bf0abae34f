# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What the loader decides for an object as a whole: does the kernel have each kfunc, with the prototype declared?

::

    Extern, Kernel --look--> KfuncOnKernel --is_resolved--> whether it is found --Resolution.verdict--> Verdict or None

libbpf (``bpf_object__resolve_externs()`` in ``tools/lib/bpf/libbpf.c``) refuses an object if it does not find a kfunc,
unless the extern is weak.  :mod:`kfuncdoc.audit.loaders` says what cilium/ebpf does differently.
"""

from __future__ import annotations

from typing import Optional, Sequence

from kfuncdoc.audit.findings import AuditRule
from kfuncdoc.audit.loaders import Loader
from kfuncdoc.audit.verdicts import Verdict
from kfuncdoc.audit.words import missing_twin
from kfuncdoc.bpf.objects import Extern, SymbolFault, UnplacedSymbol, essential_name
from kfuncdoc.bpf.prototype import PrototypeError
from kfuncdoc.bpf.shape import compatible, has_forward, shape_of
from kfuncdoc.compat.kernels import Kernel, KernelRecord, KfuncOnKernel, Presence
from kfuncdoc.kernels.selftests import is_selftest
from kfuncdoc.record.lifecycle import Lifecycle


def look(record: KernelRecord, extern: Extern, kernel: Kernel) -> KfuncOnKernel:
    """Return what is known of the kfunc of *extern* on *kernel*."""
    seen = record.look(extern.kfunc, kernel)
    if seen.presence is Presence.UNKNOWN and _is_unknown_flavour(record, extern):
        return KfuncOnKernel(Presence.ABSENT, observed=kernel.observed is not None)
    return seen


def _is_unknown_flavour(record: KernelRecord, extern: Extern) -> bool:
    """Whether the loader takes the flavour of a known kfunc for a part of its name, by which no kernel has it."""
    own_name = essential_name(extern.name)
    is_whole = extern.is_exact and own_name != extern.name
    return is_whole and record.snapshot.find(extern.name) is None and record.snapshot.find(own_name) is not None


def is_resolved(extern: Extern, seen: KfuncOnKernel) -> Optional[bool]:
    """Whether the loader finds the kfunc of *extern*, with a prototype that it accepts; None where nobody knows."""
    if seen.presence is Presence.UNKNOWN:
        return None
    return seen.presence is Presence.PRESENT and _is_compatible(extern, seen)


def _is_compatible(extern: Extern, seen: KfuncOnKernel) -> bool:
    """Whether the loader takes the declared prototype and that of the kernel for the same; it does an unknown one."""
    if seen.shape is not None or seen.prototype is None:
        return compatible(extern.shape, seen.shape)
    try:
        return compatible(extern.shape, shape_of(seen.prototype))
    except PrototypeError:
        return True


def unplaced_reason(symbol: UnplacedSymbol, definers: Sequence[str], loader: Loader, *, is_kfunc: bool) -> str:
    """Return why *loader* cannot open an object with *symbol*, and what to do.

    *definers* are the paths of the other objects that define it; *is_kfunc* is whether the record knows it as a kfunc.
    """
    if definers:
        more = f" (or one of {len(definers) - 1} others)" if len(definers) > 1 else ""
        other = f"{definers[0]}{more}, which defines it"
        return f"this object is a part of a program: link it with {other} (bpftool gen object)"
    if symbol.fault is SymbolFault.UNTYPED:
        return _untyped_reason(symbol.name)
    if symbol.fault is SymbolFault.NOT_EXTERN:
        return "its type says that the object defines it; GCC 12 writes this for every declaration: compile with clang"
    is_in_section = symbol.fault is SymbolFault.WRONG_SECTION
    where = f"in {symbol.section}, which has no externs for {loader.title}" if is_in_section else "in no section"
    if is_kfunc:
        return f"it is declared {where}: declare it with __ksym"
    ways = [] if is_in_section else ["declare it with __ksym if it is a kfunc"]
    ways.append("link the object that defines it (bpftool gen object)")
    return f"it is declared {where}: {', or '.join(ways)}"


def _untyped_reason(name: str) -> str:
    """Return why libbpf cannot resolve the symbol *name*, for which the object has no type."""
    reason = "the object has no type for it: it was used without a declaration"
    if name == "bpf_ksym_exists":
        reason += "; the headers are older than libbpf 1.2, which added it"
    if name.startswith("__"):
        reason += ", or clang is too old to write types for names that begin with two underscores (14 is)"
    return reason


def missing_option_reason(option: str) -> str:
    """Return why a kernel that was built without the configuration *option* has no kfunc that depends on it."""
    return f"the kernel was built without {option}, and has none of the kfuncs that depend on it"


class Resolution:
    """The externs of objects against the kfuncs of kernels, as *record* knows them."""

    def __init__(self, record: KernelRecord, loader: Loader) -> None:
        self._record = record
        self._loader = loader
        self._snapshot = record.snapshot

    def verdict(
        self, extern: Extern, kernel: Kernel, seen: KfuncOnKernel, *, is_reached: bool, is_guarded: bool
    ) -> Optional[Verdict]:
        """Return why the loader does not find the kfunc of *extern* on *kernel*; None where it does.

        *is_reached* says whether a call of it may be reached there, and *is_guarded* whether all calls are behind a
        test of it.
        """
        if seen.presence is Presence.UNKNOWN:
            is_harmless = extern.weak and is_guarded and self._snapshot.find(extern.kfunc) is None
            rule = AuditRule.UNKNOWN_GUARDED if is_harmless else AuditRule.KFUNC_UNKNOWN
            return Verdict(rule, self._unknown_reason(extern, kernel, seen))
        if is_resolved(extern, seen):
            if seen.declared is not None or seen.no_kfunc:
                return None
            return Verdict(AuditRule.KFUNC_UNKNOWN, self._unknown_reason(extern, kernel, seen))
        rule = AuditRule.KFUNC_ABSENT
        reason = self._absent_reason(extern, seen)
        if seen.presence is Presence.PRESENT:
            rule = AuditRule.PROTOTYPE_INCOMPATIBLE
            reason = _incompatible_reason(extern, seen)
        if extern.weak and rule is AuditRule.PROTOTYPE_INCOMPATIBLE and self._loader is Loader.CILIUM:
            reason += "; cilium/ebpf refuses this even though the extern is weak"
        elif extern.weak:
            rule = AuditRule.GUARD_MISSING if is_reached else AuditRule.ABSENT_GUARDED
        return Verdict(rule, reason + self._backport_hint(extern.kfunc, kernel, seen), seen.observed)

    def _backport_hint(self, kfunc: str, kernel: Kernel, seen: KfuncOnKernel) -> str:
        """Return a clause on the stable kernels of a release that got a change of *kfunc* later; mostly empty."""
        declared = self._snapshot.find(kfunc)
        if declared is None or kernel.release is None or seen.observed:
            return ""
        series = f"{kernel.release.name}."
        kernels = [port.kernel for port in declared[1].kfunc.backports if port.kernel.startswith(series)]
        return f"; stable kernels from {kernels[0]} on differ: audit one with --btf" if kernels else ""

    def _unknown_reason(self, extern: Extern, kernel: Kernel, seen: KfuncOnKernel) -> str:
        """Return why nobody knows whether *kernel* has the kfunc, or what holds of it there."""
        declared = self._snapshot.find(extern.kfunc)
        if seen.observed and declared is not None:
            release = kernel.observed.release if kernel.observed else None
            if release is None:
                return "the kernel has it, but its release is not known: give it with --btf FILE=vX.Y"
            return f"the kernel has it, but is {release}, and the record ends with {self._snapshot.last}"
        if declared is not None and kernel.release is not None:
            return f"the record ends with {declared[0].recorded}"
        if declared is not None:
            return "it is in a module, and the release of this kernel is not known"
        where = ""
        if seen.observed:
            where = f"; the kernel has it, in the module {seen.module}" if seen.module else "; the kernel has it"
        elif kernel.observed is not None:
            where = "; the kernel itself does not have it, and its modules were not given"
        if is_selftest(extern.kfunc):
            return f"the record leaves it out: a kfunc of the kernel's own tests has this name{where}"
        hint = self._record.nearest(extern.kfunc) if not seen.observed else ""
        return f"the record does not know it{where}{': ' + hint if hint else ''}"

    def _absent_reason(self, extern: Extern, seen: KfuncOnKernel) -> str:
        """Return why a kernel does not have the kfunc of *extern*: which release removed it, or is to add it."""
        kfunc, declared = extern.kfunc, seen.declared
        if _is_unknown_flavour(self._record, extern):
            flavour = extern.name[len(essential_name(extern.name)) :]
            return f"{self._loader.title} looks for this whole name: it does not treat {flavour} as a flavour"
        if seen.observed and (declared is None or declared.state.present):
            needs = declared.facts.depends_on if declared else None
            return f"the kernel does not have it{'; it needs ' + needs if needs else ''}"
        if declared is not None and declared.removed is not None:
            return f"gone from {declared.removed.by}{self._comeback(kfunc, declared)}"
        newest = self._snapshot.lifecycle(kfunc)
        return f"not there before {newest.first_added.by}" if newest and newest.first_added else "not there"

    def _comeback(self, kfunc: str, removed: Lifecycle) -> str:
        """Return a clause on the release in which the *removed* kfunc came back; empty if it did not."""
        newest = self._snapshot.lifecycle(kfunc)
        stretches = newest.state.stretches if newest else ()
        later = stretches[len(removed.state.stretches) : len(removed.state.stretches) + 1]
        return f", back in {later[0].added.by}" if later else ""


def _incompatible_reason(extern: Extern, seen: KfuncOnKernel) -> str:
    reason = f"its prototype is {seen.prototype}, but the program declares {extern.prototype or 'another'}"
    if seen.lacks_twin:
        return f"{reason}: {missing_twin(extern.kfunc)}"
    if has_forward(extern.shape):
        reason += (
            "; libbpf does not match a structure that the program only declares, or whose members it does not use: "
            "define the structure, as vmlinux.h does, and use a member"
        )
    return reason
