# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Audits: each kfunc that an object declares, on each kernel asked for, for each program that calls it.

::

    AuditRequest (objects, record, kernels, ignores) --run--> Report

What libbpf decides for the object as a whole (is the kfunc there, with this prototype?) comes first, then
what the verifier decides for a program (may it call this?), then what the record says of the future.
"""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from typing import Callable, Collection, Iterator, Mapping, Optional, Sequence

from kfuncdoc.audit import ignores
from kfuncdoc.audit.findings import AuditRule, Finding, ObjectReport, Report, Unreadable
from kfuncdoc.audit.ignores import Ignore
from kfuncdoc.base.prose import as_words
from kfuncdoc.bpf.objects import BpfObject, Call, Extern, Program
from kfuncdoc.bpf.prototype import PrototypeError
from kfuncdoc.bpf.shape import compatible, has_forward, shape_of
from kfuncdoc.compat.advice import Adviser
from kfuncdoc.compat.kernels import Kernel, KernelRecord, KfuncOnKernel, Presence, in_order
from kfuncdoc.kernels.hooks import REPLACES_ANOTHER, STRUCT_OPS
from kfuncdoc.kernels.releases import Release
from kfuncdoc.record.lifecycle import Facts, Lifecycle, Stability, Step, undone
from kfuncdoc.record.model import Changed
from kfuncdoc.record.variants import SINGLE_PROTOTYPE_FLAVOUR
from kfuncdoc.views.notice import only_limits_callers
from kfuncdoc.views.words import announcement_in_words

_SLEEPABLE = "KF_SLEEPABLE"

#: A callback that a filter names, unless to say that it is none of those that may call.
_NAMED_CALLBACK = re.compile(r"(?<!except )``ops\.(\w+)\(\)``")

#: What is wrong: a rule, a reason, and whether that was observed.
_Verdict = tuple[AuditRule, str, bool]
_Verdicts = Mapping[Kernel, Optional[_Verdict]]


@dataclass(frozen=True)
class AuditRequest:
    """What to audit: *objects* against what *record* says of *kernels*.

    Without any kernels it is all recorded releases, of each object from the first on which it loads: that it does
    not load on those before is no finding, and shows in the range alone.
    """

    objects: Sequence[BpfObject]
    record: KernelRecord
    kernels: Sequence[Kernel] = ()
    #: The objects that could not be read, for the report.
    unreadable: Sequence[Unreadable] = ()
    #: The findings that do not count; each is valid up to its last day, seen from the day of the record.
    ignores: Sequence[Ignore] = ()


def run(request: AuditRequest) -> Report:
    """Return what was found wrong with the calls of kfuncs that the objects of *request* make."""
    record = request.record
    kernels = in_order(request.kernels) or record.kernels
    # What was worked out for one object is there for the next.
    advisers: dict[tuple[Kernel, ...], Adviser] = {}
    reports = []
    for bpf_object in request.objects:
        start = 0 if request.kernels else _first_with_all(bpf_object, record, kernels)
        asked = kernels[start:]
        adviser = advisers.setdefault(asked, Adviser(record, asked))
        report = _Audit(bpf_object, record, asked, adviser).report()
        reports.append(dataclasses.replace(report, breaks=kernels[:start] + report.breaks))
    found = Report(tuple(reports), kernels, str(record.snapshot.last), unreadable=tuple(request.unreadable))
    return ignores.apply(found, request.ignores, record.snapshot.date)


def _first_with_all(bpf_object: BpfObject, record: KernelRecord, kernels: Sequence[Kernel]) -> int:
    """Return the number of the first of *kernels* with every kfunc that the object cannot do without, 0 if none has.

    Kfuncs that the record does not know do not count.
    """
    needed = [extern.kfunc for extern in bpf_object.externs if not extern.weak and record.snapshot.find(extern.kfunc)]
    for number, kernel in enumerate(kernels):
        if all(record.look(name, kernel).presence is not Presence.ABSENT for name in needed):
            return number
    return 0


class _Audit:
    """The audit of one object."""

    def __init__(
        self, bpf_object: BpfObject, record: KernelRecord, kernels: tuple[Kernel, ...], adviser: Adviser
    ) -> None:
        self._object = bpf_object
        self._record = record
        self._kernels = kernels
        self._adviser = adviser
        self._calls: dict[str, list[Call]] = {}
        for call in bpf_object.calls:
            self._calls.setdefault(call.extern, []).append(call)
        self._seen = {
            extern.name: {kernel: record.look(extern.kfunc, kernel) for kernel in kernels}
            for extern in bpf_object.externs
        }
        #: Which externs libbpf finds on each kernel; None where nobody knows.
        self._present: dict[Kernel, dict[str, Optional[bool]]] = {
            kernel: {extern.name: _is_there(extern, self._seen[extern.name][kernel]) for extern in bpf_object.externs}
            for kernel in kernels
        }

    def report(self) -> ObjectReport:
        found = [finding for extern in self._object.externs for finding in self._of_extern(extern)]
        findings = (*map(self._untyped, self._object.untyped), *found)
        breaks = self._kernels_of(findings, _refused)
        unsure = [kernel for kernel in self._kernels_of(findings, _unsure) if kernel not in breaks]
        loads = [kernel for kernel in self._kernels if kernel not in breaks and kernel not in unsure]
        return ObjectReport(self._object, findings, tuple(loads), tuple(breaks), tuple(unsure))

    def _kernels_of(self, findings: Sequence[Finding], matters: Callable[[Finding], bool]) -> list[Kernel]:
        meant = {kernel for finding in findings if matters(finding) for kernel in finding.kernels}
        return [kernel for kernel in self._kernels if kernel in meant]

    def _untyped(self, name: str) -> Finding:
        reason = "the object has no type for it: it was used without a declaration"
        if name == "bpf_ksym_exists":
            reason += "; it came with libbpf 1.2, and these headers are older"
        if name.startswith("__"):
            reason += ", or by a clang that writes no types for names with two underscores in front, as 14 is one"
        return Finding(AuditRule.SYMBOL_UNTYPED, self._object, Extern(name, False), self._kernels, reason)

    def _of_extern(self, extern: Extern) -> Iterator[Finding]:
        calls = tuple(self._calls.get(extern.name, ()))
        if not self._object.has_btf:
            reason = "the object has no BTF: it is to be compiled with -g, and to keep its section .BTF"
            yield self._finding(AuditRule.BTF_MISSING, extern, self._kernels, reason, calls)
        seen = self._seen[extern.name]
        unresolved = {kernel: self._unresolved(extern, kernel, seen[kernel]) for kernel in self._kernels}
        findings = list(self._grouped(extern, unresolved, calls))
        yield from findings
        if extern.name != extern.kfunc and self._record.snapshot.find(extern.name) is not None:
            cut_off = extern.name[len(extern.kfunc) :]
            declared_as = f"{extern.name}{SINGLE_PROTOTYPE_FLAVOUR}"
            reason = f"libbpf takes {cut_off} for a flavour and finds {extern.kfunc}: declare {declared_as}"
            yield self._finding(AuditRule.FLAVOUR_MISTAKEN, extern, self._kernels, reason, calls)
        # Of the rest only kernels matter on which it is there, and called.
        there = {
            kernel: seen[kernel]
            for kernel in self._kernels
            if unresolved[kernel] is None and self._reached(calls, kernel)
        }
        if there:
            yield from self._refused_programs(extern, there, calls)
            # Where it is gone from a later kernel asked for, that says all of a deprecation.
            absent = self._kernels_of(findings, lambda finding: finding.rule is AuditRule.KFUNC_ABSENT)
            gone = bool(absent) and self._kernels.index(absent[-1]) > self._kernels.index(list(there)[-1])
            yield from self._future(extern, there, calls, gone=gone)

    def _reached(self, calls: Sequence[Call], kernel: Kernel) -> tuple[Call, ...]:
        """Return those of *calls* that may be reached on *kernel*."""
        return tuple(call for call in calls if call.reached(self._present[kernel]))

    # -- libbpf: is it there, with this prototype?

    def _unresolved(self, extern: Extern, kernel: Kernel, seen: KfuncOnKernel) -> Optional[_Verdict]:
        """Return why libbpf does not find the kfunc of *extern* on *kernel*, None where it does."""
        if seen.presence is Presence.UNKNOWN:
            return AuditRule.KFUNC_UNKNOWN, self._unknown(extern, kernel, seen), False
        if self._present[kernel][extern.name]:
            if seen.declared is not None or seen.no_kfunc:
                return None
            return AuditRule.KFUNC_UNKNOWN, self._unknown(extern, kernel, seen), False
        rule = AuditRule.KFUNC_ABSENT
        reason = self._absent(extern.kfunc, seen)
        if seen.presence is Presence.PRESENT:
            rule = AuditRule.PROTOTYPE_INCOMPATIBLE
            reason = f"its prototype is {seen.prototype}, and the program declares {extern.prototype or 'another'}"
            if has_forward(extern.shape):
                reason += (
                    "; to libbpf a structure is another one where the program has only a declaration of it, or uses no"
                    " member of it: define it, as vmlinux.h does, and use one"
                )
        if extern.weak:
            reached = self._reached(self._calls.get(extern.name, ()), kernel)
            rule = AuditRule.GUARD_MISSING if reached else AuditRule.ABSENT_GUARDED
        return rule, reason + self._backported(extern.kfunc, kernel, seen), seen.observed

    def _backported(self, kfunc: str, kernel: Kernel, seen: KfuncOnKernel) -> str:
        """Return what to say of a release whose stable kernels got something later."""
        found = self._record.snapshot.find(kfunc)
        if found is None or kernel.release is None or seen.observed:
            return ""
        series = f"{kernel.release.name}."
        points = [each.kernel for each in found[1].kfunc.backports if each.kernel.startswith(series)]
        return f"; stable kernels from {points[0]} on differ: ask one with --btf" if points else ""

    def _unknown(self, extern: Extern, kernel: Kernel, seen: KfuncOnKernel) -> str:
        found = self._record.snapshot.find(extern.kfunc)
        if seen.observed and found is not None:
            told = kernel.observed.release if kernel.observed else None
            if told is None:
                return "the kernel has it, and does not tell its release: say it with --btf FILE=vX.Y"
            return f"the kernel has it, and is of {told}: the record goes up to {self._record.snapshot.last}"
        if found is not None and kernel.release is not None:
            return f"the record goes no further than {found[0].recorded}"
        if seen.observed:
            return "the record does not know it; the kernel has it"
        if found is not None:
            return "it lives in a module, and the record does not know the release of this kernel"
        hint = self._record.nearest(extern.kfunc)
        return f"the record does not know it{': ' + hint if hint else ''}"

    def _absent(self, kfunc: str, seen: KfuncOnKernel) -> str:
        declared = seen.declared
        if seen.observed and (declared is None or declared.state.present):
            needs = declared.facts.depends_on if declared else None
            return f"the kernel does not have it{'; it needs ' + needs if needs else ''}"
        if declared is not None and declared.removed is not None:
            return f"gone from {declared.removed.by}{self._back(kfunc, declared)}"
        newest = self._record.snapshot.lifecycle(kfunc)
        return f"not there before {newest.first_added.by}" if newest and newest.first_added else "not there"

    def _back(self, kfunc: str, then: Lifecycle) -> str:
        newest = self._record.snapshot.lifecycle(kfunc)
        stretches = newest.state.stretches if newest else ()
        again = stretches[len(then.state.stretches) : len(then.state.stretches) + 1]
        return f", back in {again[0].added.by}" if again else ""

    # -- the verifier: may this program call it?

    def _refused_programs(
        self, extern: Extern, there: dict[Kernel, KfuncOnKernel], calls: Sequence[Call]
    ) -> Iterator[Finding]:
        of_programs: dict[Program, list[Call]] = {}
        for call in calls:
            for program in call.programs:
                of_programs.setdefault(program, []).append(call)
        # Programs of which the same is to be said are told of together.
        alike: dict[tuple[tuple[Kernel, Optional[_Verdict]], ...], list[Program]] = {}
        for program, of_program in of_programs.items():
            verdicts = {kernel: self._refusal(program, of_program, kernel, seen) for kernel, seen in there.items()}
            if any(verdicts.values()):
                alike.setdefault(tuple(_last_reasons(verdicts).items()), []).append(program)
        for verdicts_of, programs in alike.items():
            concerned = set(programs)
            told = tuple(call for call in calls if concerned.intersection(call.programs))
            yield from self._grouped(extern, dict(verdicts_of), _only(told, concerned))

    def _refusal(
        self, program: Program, calls: Sequence[Call], kernel: Kernel, seen: KfuncOnKernel
    ) -> Optional[_Verdict]:
        """Return why the verifier lets *program* not call the kfunc, or why nobody can tell; None where it does."""
        if not self._reached(calls, kernel):
            return None
        if seen.no_kfunc:
            return AuditRule.NOT_CALLABLE, "the kernel has a function of this name, and it is no kfunc", True
        declared, release = seen.declared, kernel.release
        if declared is None or release is None or not declared.state.present:
            return None
        refused = self._refusal_of_type(program, calls, declared.facts, release)
        if refused:
            return AuditRule.NOT_CALLABLE, refused, False
        unchecked = _unchecked(program, declared.facts)
        return (AuditRule.UNCHECKED, unchecked, False) if unchecked else None

    def _refusal_of_type(
        self, program: Program, calls: Sequence[Call], facts: Facts, release: Release
    ) -> Optional[str]:
        hooks, program_type = self._record.snapshot.catalog.hooks, program.program_type
        if program_type in (None, REPLACES_ANOTHER):
            return None
        if facts.program_types and not hooks.may_call(facts.program_types, str(program_type), release):
            types = (*facts.program_types, *hooks.sharing(facts.program_types, release))
            return f"{_short(str(program_type))} programs may not call it; these may: {', '.join(map(_short, types))}"
        if program_type == STRUCT_OPS and facts.struct_ops and program.struct_ops not in (None, *facts.struct_ops):
            return f"callbacks of {program.struct_ops} may not call it; those of {', '.join(facts.struct_ops)} may"
        # A callback may sleep where its program may not.
        itself = any(program in call.directly for call in calls)
        flags = facts.flags_for.get(str(program_type), facts.flags)
        if _SLEEPABLE in flags and program.sleepable is False and itself and program_type != STRUCT_OPS:
            section = program.section.lstrip("?").partition("/")[0]
            return f'it may sleep, and programs of SEC("{section}") may not: SEC("{section}.s"), where there is one'
        return None

    # -- the record: what is to come, what has changed?

    def _future(
        self, extern: Extern, there: dict[Kernel, KfuncOnKernel], calls: tuple[Call, ...], *, gone: bool
    ) -> Iterator[Finding]:
        guarded = extern.weak and all(call.guarded for call in calls)
        declared = {kernel: seen.declared for kernel, seen in there.items() if seen.declared is not None}
        doomed = {kernel: each for kernel, each in declared.items() if each.stability is Stability.DEPRECATED}
        if doomed and not gone:
            rule = AuditRule.DEPRECATED_GUARDED if guarded else AuditRule.DEPRECATED
            yield self._finding(rule, extern, tuple(doomed), announcement_in_words(doomed[list(doomed)[-1]]), calls)
        newest = self._record.snapshot.lifecycle(extern.kfunc)
        if newest is None or not declared:
            return
        yield from self._to_be_avoided(extern, newest, declared, calls)
        yield from self._changes(extern, newest, declared, calls)
        last = declared[list(declared)[-1]]
        if last.superseded_by and not guarded:
            reason = "another one is to be preferred; no end is announced"
            yield self._finding(AuditRule.SUPERSEDED, extern, (list(declared)[-1],), reason, calls)

    def _to_be_avoided(
        self, extern: Extern, newest: Lifecycle, declared: dict[Kernel, Lifecycle], calls: tuple[Call, ...]
    ) -> Iterator[Finding]:
        release = newest.avoid_before
        early = tuple(kernel for kernel in declared if release and kernel.release and kernel.release < release)
        if not early:
            return
        why = next(
            (step.event.behaviour for step in reversed(newest.steps)
             if isinstance(step.event, Changed) and step.event.avoid_before and step.event.behaviour), "",
        )  # fmt: skip
        reason = f"not to be called before {release}{': ' + as_words(why) if why else ''}"
        yield self._finding(AuditRule.AVOID, extern, early, reason, calls)

    def _changes(
        self, extern: Extern, newest: Lifecycle, declared: dict[Kernel, Lifecycle], calls: tuple[Call, ...]
    ) -> Iterator[Finding]:
        """Yield the changes that broke callers between two of the kernels that have the kfunc."""
        for step in newest.breaking:
            release = step.when.by
            before = [kernel for kernel in declared if kernel.release and kernel.release < release]
            after = tuple(kernel for kernel in declared if kernel.release and release <= kernel.release)
            if before and after and not all(_is_unaffected(call, step, declared[after[0]]) for call in calls):
                yield self._finding(
                    AuditRule.CHANGED, extern, after, _what_changed(step, declared[after[0]].facts), calls
                )

    # -- findings

    def _grouped(self, extern: Extern, verdicts: _Verdicts, calls: tuple[Call, ...]) -> Iterator[Finding]:
        """Yield one finding for all kernels of which the same is to be said."""
        kernels: dict[_Verdict, list[Kernel]] = {}
        for kernel, verdict in verdicts.items():
            if verdict is not None:
                kernels.setdefault(verdict, []).append(kernel)
        for (rule, reason, observed), concerned in kernels.items():
            told = calls
            if rule is AuditRule.GUARD_MISSING:
                told = tuple(call for call in calls if any(self._reached([call], kernel) for kernel in concerned))
            yield self._finding(rule, extern, tuple(concerned), reason, told, observed=observed)

    def _finding(
        self,
        rule: AuditRule,
        extern: Extern,
        kernels: tuple[Kernel, ...],
        reason: str,
        calls: tuple[Call, ...],
        *,
        observed: bool = False,
    ) -> Finding:
        advice = None
        if rule in _ADVISED:
            # A guard hides a prototype that is wrong everywhere, and mends nothing.
            mistaken = rule is AuditRule.PROTOTYPE_INCOMPATIBLE and has_forward(extern.shape)
            to_come = self._to_come(extern, kernels)
            advice = None if mistaken else self._adviser.about(extern.kfunc, kernels if to_come else ())
        return Finding(rule, self._object, extern, kernels, reason, calls, advice, observed)

    def _to_come(self, extern: Extern, kernels: Sequence[Kernel]) -> bool:
        """Whether all of *kernels* are older than the kfunc."""
        newest = self._record.snapshot.lifecycle(extern.kfunc)
        added = newest.first_added.by if newest and newest.first_added else None
        return all(added is not None and kernel.release is not None and kernel.release < added for kernel in kernels)


#: What something can be called instead of.
_ADVISED = frozenset({
    AuditRule.KFUNC_ABSENT, AuditRule.PROTOTYPE_INCOMPATIBLE, AuditRule.GUARD_MISSING, AuditRule.DEPRECATED,
    AuditRule.AVOID, AuditRule.SUPERSEDED,
})  # fmt: skip


def _last_reasons(verdicts: _Verdicts) -> dict[Kernel, Optional[_Verdict]]:
    """Return *verdicts* with the last reason of each rule for all: who else may call changes with many releases."""
    last = {verdict[0]: verdict for verdict in verdicts.values() if verdict is not None}
    return {kernel: last[verdict[0]] if verdict is not None else None for kernel, verdict in verdicts.items()}


def _unchecked(program: Program, facts: Facts) -> str:
    """Return why nobody can tell whether *program* may call a kfunc; empty where nothing is in doubt."""
    if program.program_type is None:
        return f'the section "{program.section}" tells no program type'
    if program.program_type == REPLACES_ANOTHER:
        return "what it may call is for the program to say whose place it takes"
    if facts.filter and program.program_type != STRUCT_OPS:
        return f"a filter narrows who may call it: {as_words(facts.filter)}"
    return ""


def _refused(finding: Finding) -> bool:
    """Whether the object does not load because of *finding*."""
    if finding.rule is AuditRule.NOT_CALLABLE:
        # libbpf leaves these out, unless it is told to load them.
        return any(not program.optional for call in finding.calls for program in call.programs)
    return finding.rule in (
        AuditRule.KFUNC_ABSENT, AuditRule.PROTOTYPE_INCOMPATIBLE, AuditRule.BTF_MISSING, AuditRule.SYMBOL_UNTYPED,
    )  # fmt: skip


def _unsure(finding: Finding) -> bool:
    """Whether the object may not load because of *finding*."""
    if finding.rule is AuditRule.KFUNC_UNKNOWN:
        return not finding.extern.weak or not all(call.guarded for call in finding.calls)
    return finding.rule in (AuditRule.GUARD_MISSING, AuditRule.NOT_CALLABLE)


def _is_there(extern: Extern, seen: KfuncOnKernel) -> Optional[bool]:
    """Whether libbpf finds the kfunc of *extern*, with a prototype that it takes; None where nobody knows."""
    if seen.presence is Presence.UNKNOWN:
        return None
    return seen.presence is Presence.PRESENT and _fits(extern, seen)


def _fits(extern: Extern, seen: KfuncOnKernel) -> bool:
    """Whether libbpf takes the prototype that was *seen* for what the program declared; what is not known fits."""
    if seen.shape is not None or seen.prototype is None:
        return compatible(extern.shape, seen.shape)
    try:
        return compatible(extern.shape, shape_of(seen.prototype))
    except PrototypeError:
        return True


def _only(calls: Sequence[Call], programs: Collection[Program]) -> tuple[Call, ...]:
    """Return *calls* as parts of *programs* alone."""
    return tuple(
        dataclasses.replace(call, programs=tuple(each for each in call.programs if each in programs)) for call in calls
    )


def _short(program_type: str) -> str:
    return program_type.replace("BPF_PROG_TYPE_", "").lower()


def _is_unaffected(call: Call, step: Step, after: Lifecycle) -> bool:
    """Whether *step* only limited who may call, and the filter names the callbacks that *call* is in."""
    callbacks = set(_NAMED_CALLBACK.findall(after.facts.filter or ""))
    members = [program.member for program in call.programs]
    return only_limits_callers(step.event, after.facts) and bool(members) and callbacks.issuperset(members)


def _what_changed(step: Step, facts: Facts) -> str:
    event = step.event
    assert isinstance(event, Changed)
    if event.behaviour:
        told = as_words(event.behaviour)
    else:
        told = ", ".join(sorted(event.was.model_fields_set)).replace("_", " ") if event.was else "its behaviour"
    narrowed = f" ({as_words(facts.filter)})" if facts.filter and "filter" in undone(event) else ""
    return f"changed in {step.when.by}: {told}{narrowed}"
