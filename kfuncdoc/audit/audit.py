# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""One object against the kernels asked for: each kfunc that it declares, on each kernel, for each program.

What libbpf decides for the object as a whole (is the kfunc there, with this prototype?) comes first, then
what the verifier decides for a program (may it call this?), then what the record says of the future.
"""

from __future__ import annotations

import dataclasses
import re
from typing import Callable, Iterator, Optional, Sequence

from kfuncdoc.audit.advice import Adviser
from kfuncdoc.audit.findings import AuditRule, Finding, ObjectReport, Report
from kfuncdoc.audit.kernels import Kernel, Presence, Record, Seen, all_recorded, in_words
from kfuncdoc.bpf_object import BpfObject, Call, Extern, Program
from kfuncdoc.lifecycle import Lifecycle, Stability, Step, undone
from kfuncdoc.model import Changed
from kfuncdoc.prose import as_words
from kfuncdoc.prototype import PrototypeError
from kfuncdoc.shape import compatible, has_forward, shape_of
from kfuncdoc.variants import ONLY

#: The type of programs that take the place of another one, of whichever type that is.
_REPLACES_ANOTHER = "BPF_PROG_TYPE_EXT"
_STRUCT_OPS = "BPF_PROG_TYPE_STRUCT_OPS"

#: A callback that a filter names, unless to say that it is none of those that may call.
_NAMED_CALLBACK = re.compile(r"(?<!except )``ops\.(\w+)\(\)``")
_SEEN_BY_NO_CALLER = "KF_IMPLICIT_ARGS"

#: For each kernel what is wrong there, as a rule and a reason; None where nothing is.
_Verdicts = dict[Kernel, Optional[tuple[AuditRule, str]]]


def audit(objects: Sequence[BpfObject], record: Record, kernels: Sequence[Kernel]) -> Report:
    """Return what *record* says of *objects* on *kernels*.

    Without any kernels it is all recorded releases, of each object from the first on which it loads: that it does
    not load on those before is no finding, and shows in the range alone.
    """
    among = tuple(kernels) or all_recorded(record)
    # What was worked out for one object is there for the next.
    advisers: dict[tuple[Kernel, ...], Adviser] = {}

    def report(bpf_object: BpfObject, about: tuple[Kernel, ...]) -> ObjectReport:
        adviser = advisers.setdefault(about, Adviser(record, about))
        return _Audit(bpf_object, record, about, adviser).report()

    reports = []
    for each in objects:
        found = report(each, among)
        usable = found.loads + found.unsure
        start = min((among.index(kernel) for kernel in usable), default=0)
        if start and not kernels:
            found = report(each, among[start:])
            found = dataclasses.replace(found, breaks=among[:start] + found.breaks)
        reports.append(found)
    return Report(tuple(reports), among, str(record.last))


class _Audit:
    """The audit of one object."""

    def __init__(self, bpf_object: BpfObject, record: Record, kernels: tuple[Kernel, ...], adviser: Adviser) -> None:
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
        findings = tuple(finding for extern in self._object.externs for finding in self._of_extern(extern))
        breaks = self._kernels_of(findings, _refused)
        unsure = [kernel for kernel in self._kernels_of(findings, _unsure) if kernel not in breaks]
        loads = [kernel for kernel in self._kernels if kernel not in breaks and kernel not in unsure]
        return ObjectReport(self._object, findings, tuple(loads), tuple(breaks), tuple(unsure))

    def _kernels_of(self, findings: Sequence[Finding], matters: Callable[[Finding], bool]) -> list[Kernel]:
        meant = {kernel for finding in findings if matters(finding) for kernel in finding.kernels}
        return [kernel for kernel in self._kernels if kernel in meant]

    def _of_extern(self, extern: Extern) -> Iterator[Finding]:
        calls = tuple(self._calls.get(extern.name, ()))
        if not self._object.has_btf:
            yield self._finding(AuditRule.BTF_MISSING, extern, self._kernels, "the object has no BTF", calls)
        seen = self._seen[extern.name]
        unresolved = {kernel: self._unresolved(extern, kernel, seen[kernel]) for kernel in self._kernels}
        findings = list(self._grouped(extern, unresolved, calls))
        yield from findings
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

    def _unresolved(self, extern: Extern, kernel: Kernel, seen: Seen) -> Optional[tuple[AuditRule, str]]:
        """Return why libbpf does not find the kfunc of *extern* on *kernel*, None where it does."""
        if seen.presence is Presence.UNKNOWN or (seen.observed and self._record.find(extern.kfunc) is None):
            return AuditRule.KFUNC_UNKNOWN, self._unknown(extern, kernel, seen)
        if self._present[kernel][extern.name]:
            return None
        rule = AuditRule.KFUNC_ABSENT
        reason = self._absent(extern.kfunc, seen)
        if seen.presence is Presence.PRESENT:
            rule = AuditRule.PROTOTYPE_INCOMPATIBLE
            reason = f"its prototype is {seen.prototype}, and the program declares {extern.prototype or 'another'}"
            if has_forward(extern.shape):
                reason += "; to libbpf a structure that is only declared is another one: define it, as vmlinux.h does"
        if extern.weak:
            reached = self._reached(self._calls.get(extern.name, ()), kernel)
            rule = AuditRule.GUARD_MISSING if reached else AuditRule.ABSENT_GUARDED
        return rule, reason + self._mistaken(extern)

    def _mistaken(self, extern: Extern) -> str:
        """Return what to say of an extern whose name is that of a kfunc, and finds another one."""
        if extern.name == extern.kfunc or self._record.find(extern.name) is None:
            return ""
        cut_off = extern.name[len(extern.kfunc) :]
        return f"; libbpf takes {cut_off} for a flavour: to call {extern.name} declare {extern.name}{ONLY}"

    def _unknown(self, extern: Extern, kernel: Kernel, seen: Seen) -> str:
        found = self._record.find(extern.kfunc)
        if found is not None:
            return f"the record goes no further than {found[0].recorded}"
        if seen.observed:
            there = "has it" if seen.presence is Presence.PRESENT else "does not have it"
            return f"the record does not know it; the kernel {there}"
        if kernel.release is None:
            return "the record does not know the release of this kernel"
        hint = self._record.nearest(extern.kfunc)
        return f"the record does not know it{': ' + hint if hint else ''}"

    def _absent(self, kfunc: str, seen: Seen) -> str:
        declared = seen.declared
        if seen.observed and (declared is None or declared.state.present):
            needs = declared.facts.depends_on if declared else None
            return f"the kernel does not have it{'; it needs ' + needs if needs else ''}"
        if declared is not None and declared.removed is not None:
            return f"gone from {declared.removed.by}{self._back(kfunc, declared)}"
        newest = self._record.newest(kfunc)
        return f"not there before {newest.first_added.by}" if newest and newest.first_added else "not there"

    def _back(self, kfunc: str, then: Lifecycle) -> str:
        newest = self._record.newest(kfunc)
        stretches = newest.state.stretches if newest else ()
        again = stretches[len(then.state.stretches) : len(then.state.stretches) + 1]
        return f", back in {again[0].added.by}" if again else ""

    # -- the verifier: may this program call it?

    def _refused_programs(self, extern: Extern, there: dict[Kernel, Seen], calls: Sequence[Call]) -> Iterator[Finding]:
        of_programs: dict[Program, list[Call]] = {}
        for call in calls:
            for program in call.programs:
                of_programs.setdefault(program, []).append(call)
        refused: dict[Program, _Verdicts] = {}
        for program, of_program in of_programs.items():
            reasons = {kernel: self._refusal(program, kernel, seen) for kernel, seen in there.items()}
            if any(reasons.values()):
                refused[program] = {
                    kernel: (AuditRule.NOT_CALLABLE, reason) if reason and self._reached(of_program, kernel) else None
                    for kernel, reason in reasons.items()
                }
        # Programs that are refused for the same reason are told of together.
        for program, verdicts in refused.items():
            alike = [other for other, theirs in refused.items() if theirs == verdicts]
            if alike[0] == program:
                concerned = tuple(call for call in calls if set(call.programs) & set(alike))
                yield from self._grouped(extern, verdicts, _only(concerned, alike))

    def _refusal(self, program: Program, kernel: Kernel, seen: Seen) -> Optional[str]:
        """Return why the verifier lets *program* not call the kfunc, None where it does or nobody knows."""
        declared, release = seen.declared, kernel.release
        if declared is None or release is None or not declared.state.present:
            return None
        if program.program_type in (None, _REPLACES_ANOTHER):
            return None
        facts = declared.facts
        if facts.program_types and not self._record.catalog.hooks.may_call(
            facts.program_types, str(program.program_type), release
        ):
            types = ", ".join(_short(each) for each in facts.program_types)
            return f"it is for {types} programs, and this is {_short(str(program.program_type))}"
        narrowed = program.program_type == _STRUCT_OPS and facts.struct_ops
        if narrowed and program.struct_ops and program.struct_ops not in facts.struct_ops:
            return f"it is for callbacks of {', '.join(facts.struct_ops)}, and this is one of {program.struct_ops}"
        return None

    # -- the record: what is to come, what has changed?

    def _future(
        self, extern: Extern, there: dict[Kernel, Seen], calls: tuple[Call, ...], *, gone: bool
    ) -> Iterator[Finding]:
        guarded = extern.weak and all(call.guarded for call in calls)
        declared = {kernel: seen.declared for kernel, seen in there.items() if seen.declared is not None}
        doomed = {kernel: each for kernel, each in declared.items() if each.stability is Stability.DEPRECATED}
        if doomed and not gone:
            rule = AuditRule.DEPRECATED_GUARDED if guarded else AuditRule.DEPRECATED
            yield self._finding(rule, extern, tuple(doomed), announced(doomed[list(doomed)[-1]]), calls)
        newest = self._record.newest(extern.kfunc)
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
            if before and after and not all(_let_through(call, step, declared[after[0]]) for call in calls):
                yield self._finding(AuditRule.CHANGED, extern, after, _what_changed(step), calls)

    # -- findings

    def _grouped(self, extern: Extern, verdicts: _Verdicts, calls: tuple[Call, ...]) -> Iterator[Finding]:
        """Yield one finding for all kernels of which the same is to be said."""
        kernels: dict[tuple[AuditRule, str], list[Kernel]] = {}
        for kernel, verdict in verdicts.items():
            if verdict is not None:
                kernels.setdefault(verdict, []).append(kernel)
        for (rule, reason), concerned in kernels.items():
            told = calls
            if rule is AuditRule.GUARD_MISSING:
                told = tuple(call for call in calls if any(self._reached([call], kernel) for kernel in concerned))
            yield self._finding(rule, extern, tuple(concerned), reason, told)

    def _finding(
        self, rule: AuditRule, extern: Extern, kernels: tuple[Kernel, ...], reason: str, calls: tuple[Call, ...]
    ) -> Finding:
        needs_none = rule in (AuditRule.CHANGED, AuditRule.BTF_MISSING, AuditRule.NOT_CALLABLE, AuditRule.KFUNC_UNKNOWN)
        guarded = rule in (AuditRule.ABSENT_GUARDED, AuditRule.DEPRECATED_GUARDED)
        advice = (
            None if needs_none or guarded else self._adviser.about(extern.kfunc, to_come=self._to_come(extern, kernels))
        )
        return Finding(rule, self._object, extern, kernels, reason, calls, advice)

    def _to_come(self, extern: Extern, kernels: Sequence[Kernel]) -> bool:
        """Whether all of *kernels* are older than the kfunc."""
        newest = self._record.newest(extern.kfunc)
        added = newest.first_added.by if newest and newest.first_added else None
        return all(added is not None and kernel.release is not None and kernel.release < added for kernel in kernels)


def _refused(finding: Finding) -> bool:
    """Whether the object does not load because of *finding*."""
    if finding.rule is AuditRule.NOT_CALLABLE:
        # libbpf leaves these out, unless it is told to load them.
        return any(not program.optional for call in finding.calls for program in call.programs)
    return finding.rule in (AuditRule.KFUNC_ABSENT, AuditRule.PROTOTYPE_INCOMPATIBLE, AuditRule.BTF_MISSING)


def _unsure(finding: Finding) -> bool:
    return finding.rule in (AuditRule.GUARD_MISSING, AuditRule.KFUNC_UNKNOWN, AuditRule.NOT_CALLABLE)


def _is_there(extern: Extern, seen: Seen) -> Optional[bool]:
    """Whether libbpf finds the kfunc of *extern*, with a prototype that it takes; None where nobody knows."""
    if seen.presence is Presence.UNKNOWN:
        return None
    return seen.presence is Presence.PRESENT and _fits(extern, seen.prototype)


def _fits(extern: Extern, prototype: Optional[str]) -> bool:
    """Whether libbpf takes *prototype* for what the program declared; what is not known does not count."""
    if extern.shape is None or prototype is None:
        return True
    try:
        return compatible(extern.shape, shape_of(prototype))
    except PrototypeError:
        return True


def _only(calls: Sequence[Call], programs: Sequence[Program]) -> tuple[Call, ...]:
    """Return *calls* as parts of *programs* alone."""
    return tuple(
        dataclasses.replace(call, programs=tuple(each for each in call.programs if each in programs)) for call in calls
    )


def _short(program_type: str) -> str:
    return program_type.replace("BPF_PROG_TYPE_", "").lower()


def announced(lifecycle: Lifecycle) -> str:
    """Return what is announced of a kfunc that is deprecated."""
    plan = lifecycle.plan
    assert plan is not None
    to = "another prototype" if plan.kind == "change" else "removal"
    if plan.end is None:
        when = "no release is announced"
    else:
        when = f"announced for {plan.governing.said}"
        if plan.governing.renumbered:
            when += f", which is {plan.end}"
        if lifecycle.past_due:
            when += f", past due in {lifecycle.release}"
    return f"deprecated since {plan.since.by}: {to}, {when}"


def _let_through(call: Call, step: Step, after: Lifecycle) -> bool:
    """Whether *step* did nothing but narrow who may call, and the filter names the callbacks that *call* is in."""
    before, now = undone(step.event), after.facts
    narrowed = set(before) <= {"filter", "struct_ops", "program_types", "flags", "source"} and bool(now.filter)
    more = set(now.flags) - set(before.get("flags", now.flags)) - {_SEEN_BY_NO_CALLER}
    named = set(_NAMED_CALLBACK.findall(now.filter or ""))
    return narrowed and not more and all(program.member in named for program in call.programs)


def _what_changed(step: Step) -> str:
    event = step.event
    assert isinstance(event, Changed)
    if event.behaviour:
        return f"changed in {step.when.by}: {as_words(event.behaviour)}"
    what = ", ".join(sorted(event.was.model_fields_set)) if event.was else "its behaviour"
    return f"changed in {step.when.by}: {what.replace('_', ' ')}"


def in_which_it_loads(report: ObjectReport, kernels: Sequence[Kernel]) -> str:
    """Return on which kernels an object loads, as one phrase: ``loads on v6.12 to v6.16; breaks in v6.17``."""
    if not report.object.externs:
        return "calls no kfuncs"
    parts = [f"loads on {in_words(report.loads, kernels)}" if report.loads else ""]
    # Where it loaded before, the first kernel on which it does not is news; the others are no surprise.
    last = kernels.index(report.loads[-1]) if report.loads else -1
    later = [kernel for kernel in report.breaks if kernels.index(kernel) > last]
    earlier = [kernel for kernel in report.breaks if kernels.index(kernel) < last]
    if not report.loads and report.breaks:
        parts.append(f"breaks on {in_words(report.breaks, kernels)}")
    else:
        parts.append(f"not on {in_words(earlier, kernels)}" if earlier else "")
        parts.append(f"breaks in {later[0].name}" if later else "")
    parts.append(f"in doubt on {in_words(report.unsure, kernels)}" if report.unsure else "")
    return "; ".join(part for part in parts if part)
