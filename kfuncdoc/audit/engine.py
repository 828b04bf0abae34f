# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Audits: every kfunc that an object declares, on every kernel asked for, for every program that calls it.

::

    AuditRequest (objects, record, kernels, ignores) --run--> Report

    an extern of an object --libbpf, verifier, outlook--> verdicts --> a Finding for the kernels with the same verdict

What libbpf decides for the object as a whole comes first (is the kfunc there, with this prototype?), then what the
verifier decides for a program (may it call the kfunc?), then what the record says (is it deprecated, did it change?).
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Callable, Collection, Iterator, Mapping, Optional, Sequence

from kfuncdoc.audit import ignores, outlook, verifier
from kfuncdoc.audit.findings import AuditRule, Finding, ObjectReport, Report, Unreadable
from kfuncdoc.audit.ignores import Ignore
from kfuncdoc.audit.libbpf import Resolution, is_resolved, untyped_reason
from kfuncdoc.audit.verdicts import Verdict, Verdicts
from kfuncdoc.bpf.conditions import AsBuilt, Fact, KfuncFound, OptionalPartsCount
from kfuncdoc.bpf.objects import BpfObject, Call, Extern, Program
from kfuncdoc.bpf.shape import has_forward
from kfuncdoc.compat.advice import Adviser
from kfuncdoc.compat.facts import KernelFacts
from kfuncdoc.compat.kernels import Kernel, KernelRecord, KfuncOnKernel, Presence, in_order
from kfuncdoc.record.variants import SINGLE_PROTOTYPE_FLAVOUR


@dataclass(frozen=True)
class AuditRequest:
    """What to audit: *objects* against what *record* says of *kernels*.

    Without *kernels*, an object is audited on all recorded releases from the first one that has every kfunc that it
    needs.  That it does not load on earlier ones is no finding, and shows only in the range of kernels.
    """

    objects: Sequence[BpfObject]
    record: KernelRecord
    kernels: Sequence[Kernel] = ()
    #: The objects that could not be read; they are in the report.
    unreadable: Sequence[Unreadable] = ()
    #: The findings that do not count.  Each entry is valid up to its last day; "today" is the day of the record.
    ignores: Sequence[Ignore] = ()
    #: Whether optional programs (``SEC("?...")``) count, and functions that no program calls: libbpf loads neither.
    optional: bool = False


def run(request: AuditRequest) -> Report:
    """Return the findings on the calls of kfuncs that the objects of *request* make."""
    record = request.record
    kernels = in_order(request.kernels) or record.kernels
    # Objects on the same kernels share an adviser, which keeps the advice that it has worked out.
    advisers: dict[tuple[Kernel, ...], Adviser] = {}
    reports = []
    for bpf_object in request.objects:
        start = 0 if request.kernels else _first_with_all_needed(bpf_object, record, kernels)
        asked = kernels[start:]
        adviser = advisers.setdefault(asked, Adviser(record, asked))
        report = _ObjectAudit(bpf_object, record, asked, adviser, optional=request.optional).report()
        reports.append(dataclasses.replace(report, breaks=kernels[:start] + report.breaks))
    complete = Report(tuple(reports), kernels, str(record.snapshot.last), unreadable=tuple(request.unreadable))
    return ignores.apply(complete, request.ignores, record.snapshot.date)


def _first_with_all_needed(bpf_object: BpfObject, record: KernelRecord, kernels: Sequence[Kernel]) -> int:
    """Return the index of the first of *kernels* that has every kfunc of a strong extern of the object; 0 if none has.

    Kfuncs that the record does not know do not count.
    """
    needed = [extern.kfunc for extern in bpf_object.externs if not extern.weak and record.snapshot.find(extern.kfunc)]
    for number, kernel in enumerate(kernels):
        if all(record.look(name, kernel).presence is not Presence.ABSENT for name in needed):
            return number
    return 0


class _ObjectAudit:
    """The audit of one object."""

    def __init__(
        self,
        bpf_object: BpfObject,
        record: KernelRecord,
        kernels: tuple[Kernel, ...],
        adviser: Adviser,
        *,
        optional: bool,
    ) -> None:
        self._object = bpf_object
        self._record = record
        self._kernels = kernels
        self._adviser = adviser
        self._resolution = Resolution(record)
        self._optional = optional
        self._calls: dict[str, list[Call]] = {}
        for call in bpf_object.calls:
            self._calls.setdefault(call.extern, []).append(call)
        self._seen = {
            extern.name: {kernel: record.look(extern.kfunc, kernel) for kernel in kernels}
            for extern in bpf_object.externs
        }
        #: Whether libbpf finds each extern, by kernel and name; None where nobody knows.
        self._resolved: dict[Kernel, dict[str, Optional[bool]]] = {
            kernel: {extern.name: is_resolved(extern, self._seen[extern.name][kernel]) for extern in bpf_object.externs}
            for kernel in kernels
        }
        self._facts = {
            kernel: KernelFacts(record, kernel, self._resolved[kernel], optional=optional) for kernel in kernels
        }

    def report(self) -> ObjectReport:
        of_externs = (finding for extern in self._object.externs for finding in self._findings_of(extern))
        findings = (*map(self._untyped_finding, self._object.untyped), *of_externs)
        breaks = self._kernels_of(findings, self._breaks)
        unsure = [kernel for kernel in self._kernels_of(findings, self._may_break) if kernel not in breaks]
        loads = [kernel for kernel in self._kernels if kernel not in breaks and kernel not in unsure]
        return ObjectReport(self._object, findings, tuple(loads), tuple(breaks), tuple(unsure))

    def _kernels_of(self, findings: Sequence[Finding], matters: Callable[[Finding], bool]) -> list[Kernel]:
        """Return the kernels of those *findings* that matter, in the order of the request."""
        kernels = {kernel for finding in findings if matters(finding) for kernel in finding.kernels}
        return [kernel for kernel in self._kernels if kernel in kernels]

    def _untyped_finding(self, name: str) -> Finding:
        return Finding(AuditRule.SYMBOL_UNTYPED, self._object, Extern(name, False), self._kernels, untyped_reason(name))

    def _findings_of(self, extern: Extern) -> Iterator[Finding]:
        calls = tuple(self._calls.get(extern.name, ()))
        if not self._object.has_btf:
            reason = "the object has no BTF: it is to be compiled with -g, and to keep its section .BTF"
            yield self._finding(AuditRule.BTF_MISSING, extern, self._kernels, reason, calls)
        seen = self._seen[extern.name]
        unresolved = {kernel: self._unresolved(extern, kernel, calls) for kernel in self._kernels}
        findings = list(self._findings_by_verdict(extern, unresolved, calls))
        yield from findings
        if extern.name != extern.kfunc and self._record.snapshot.find(extern.name) is not None:
            cut_off = extern.name[len(extern.kfunc) :]
            declared_as = f"{extern.name}{SINGLE_PROTOTYPE_FLAVOUR}"
            reason = f"libbpf takes {cut_off} for a flavour and finds {extern.kfunc}: declare {declared_as}"
            yield self._finding(AuditRule.FLAVOUR_MISTAKEN, extern, self._kernels, reason, calls)
        # What follows is about the kernels that have the kfunc, and on which it may be called.
        present = {
            kernel: seen[kernel]
            for kernel in self._kernels
            if unresolved[kernel] is None and self._reached(calls, kernel)
        }
        if present:
            yield from self._refused_programs(extern, present, calls)
            # A deprecation is no news if a later kernel asked for does not have the kfunc.
            absent = self._kernels_of(findings, lambda finding: finding.rule is AuditRule.KFUNC_ABSENT)
            is_removed_later = bool(absent) and self._kernels.index(absent[-1]) > self._kernels.index([*present][-1])
            yield from self._outlook(extern, present, calls, is_removed_later=is_removed_later)

    def _unresolved(self, extern: Extern, kernel: Kernel, calls: Sequence[Call]) -> Optional[Verdict]:
        """Return why libbpf does not find the kfunc of *extern* on *kernel*; None where it does."""
        seen, is_reached = self._seen[extern.name][kernel], bool(self._reached(calls, kernel))
        verdict = self._resolution.verdict(extern, kernel, seen, is_reached=is_reached)
        if verdict is None or verdict.rule is not AuditRule.ABSENT_GUARDED:
            return verdict
        return verdict._replace(reason=verdict.reason + self._unless_set(calls, kernel))

    def _reached(self, calls: Sequence[Call], kernel: Kernel) -> tuple[Call, ...]:
        """Return those of *calls* that may be reached on *kernel*."""
        return tuple(call for call in calls if call.reached(self._facts[kernel]) is not False)

    def _is_guarded(self, extern: Extern, calls: Sequence[Call]) -> bool:
        """Whether none of *calls* is reached on a kernel that lacks the kfunc of *extern*, whatever else it has."""

        def facts(fact: Fact) -> Optional[bool]:
            if fact == KfuncFound(extern.name):
                return False
            return self._optional if isinstance(fact, OptionalPartsCount) else isinstance(fact, AsBuilt) or None

        return all(call.reached(facts) is False for call in calls)

    def _breaks(self, finding: Finding) -> bool:
        """Whether the object does not load because of *finding*."""
        return finding.rule in _BREAKING and not self._is_unsure(finding)

    def _is_unsure(self, finding: Finding) -> bool:
        """Whether facts that are not known decide if the verifier gets to the calls that it refuses."""
        return finding.rule is AuditRule.NOT_CALLABLE and not any(
            call.reached(self._facts[kernel]) for kernel in finding.kernels for call in finding.calls
        )

    def _may_break(self, finding: Finding) -> bool:
        """Whether the object may not load because of *finding*."""
        if finding.rule is AuditRule.KFUNC_UNKNOWN:
            is_guarded = all(
                call.reached(self._facts[kernel].without(finding.extern.name)) is False
                for kernel in finding.kernels
                for call in finding.calls
            )
            return not finding.extern.weak or not is_guarded
        return finding.rule is AuditRule.GUARD_MISSING or self._is_unsure(finding)

    def _unless_set(self, calls: Sequence[Call], kernel: Kernel) -> str:
        """Return a clause on the constants that keep *calls* from being reached on *kernel*; mostly empty."""
        unset = self._facts[kernel].with_constants_set()
        names = {
            fact.variable
            for call in calls
            if call.reached(self._facts[kernel]) is False and call.reached(unset) is not False
            for fact in call.condition.facts
            if isinstance(fact, AsBuilt)
        }
        return f"; no call is reached, unless {' or '.join(sorted(names))} is set before loading" if names else ""

    # -- the verifier

    def _refused_programs(
        self, extern: Extern, present: Mapping[Kernel, KfuncOnKernel], calls: Sequence[Call]
    ) -> Iterator[Finding]:
        """Yield what the verifier refuses of the programs that make *calls*, on the kernels that have the kfunc."""
        calls_by_program: dict[Program, list[Call]] = {}
        for call in calls:
            for program in call.programs if self._optional else _without_optional(call.programs):
                calls_by_program.setdefault(program, []).append(call)
        # Programs with the same verdicts share a finding.
        programs_by_verdicts: dict[tuple[tuple[Kernel, Optional[Verdict]], ...], list[Program]] = {}
        hooks = self._record.snapshot.catalog.hooks
        for program, own_calls in calls_by_program.items():
            verdicts = {
                kernel: verifier.verdict(program, self._reached(own_calls, kernel), kernel, seen, hooks)
                for kernel, seen in present.items()
            }
            if any(verdicts.values()):
                key = tuple(verifier.with_last_reasons(verdicts).items())
                programs_by_verdicts.setdefault(key, []).append(program)
        for verdicts_of_programs, programs in programs_by_verdicts.items():
            refused = set(programs)
            refused_calls = tuple(call for call in calls if refused.intersection(call.programs))
            yield from self._findings_by_verdict(extern, dict(verdicts_of_programs), _limited(refused_calls, refused))

    # -- the record

    def _outlook(
        self,
        extern: Extern,
        present: Mapping[Kernel, KfuncOnKernel],
        calls: tuple[Call, ...],
        *,
        is_removed_later: bool,
    ) -> Iterator[Finding]:
        """Yield what the record says of the future of a kfunc, and of its changes, on the kernels that have it."""
        newest = self._record.snapshot.lifecycle(extern.kfunc)
        declared = {kernel: seen.declared for kernel, seen in present.items() if seen.declared is not None}
        if newest is None or not declared:
            return
        is_guarded = extern.weak and self._is_guarded(extern, calls)
        verdicts = [
            *(() if is_removed_later else outlook.deprecations(declared, is_guarded=is_guarded)),
            *outlook.early_calls(newest, declared),
            *outlook.changes(newest, declared, calls),
            *(() if is_guarded else outlook.successors(declared)),
        ]
        for rule, kernels, reason in verdicts:
            yield self._finding(rule, extern, kernels, reason, calls)

    # -- findings

    def _findings_by_verdict(self, extern: Extern, verdicts: Verdicts, calls: tuple[Call, ...]) -> Iterator[Finding]:
        """Yield one finding for all kernels with the same verdict."""
        kernels_by_verdict: dict[Verdict, list[Kernel]] = {}
        for kernel, verdict in verdicts.items():
            if verdict is not None:
                kernels_by_verdict.setdefault(verdict, []).append(kernel)
        for (rule, reason, is_observed), kernels in kernels_by_verdict.items():
            concerned = calls
            if rule is AuditRule.GUARD_MISSING:
                concerned = tuple(call for call in calls if any(self._reached([call], kernel) for kernel in kernels))
            yield self._finding(rule, extern, tuple(kernels), reason, concerned, is_observed=is_observed)

    def _finding(
        self,
        rule: AuditRule,
        extern: Extern,
        kernels: tuple[Kernel, ...],
        reason: str,
        calls: tuple[Call, ...],
        *,
        is_observed: bool = False,
    ) -> Finding:
        advice = None
        # A prototype with a structure that is only declared is wrong on every kernel: a guard would only hide that.
        is_mistaken = rule is AuditRule.PROTOTYPE_INCOMPATIBLE and has_forward(extern.shape)
        if rule in _RULES_WITH_ADVICE and not is_mistaken:
            advice = self._adviser.about(extern.kfunc, kernels if self._are_older(kernels, extern.kfunc) else ())
        return Finding(rule, self._object, extern, kernels, reason, calls, advice, is_observed)

    def _are_older(self, kernels: Sequence[Kernel], kfunc: str) -> bool:
        """Whether all of *kernels* are older than *kfunc*."""
        newest = self._record.snapshot.lifecycle(kfunc)
        added = newest.first_added.by if newest and newest.first_added else None
        return all(added is not None and kernel.release is not None and kernel.release < added for kernel in kernels)


#: The rules whose findings come with advice on what to call instead.
_RULES_WITH_ADVICE = frozenset({
    AuditRule.KFUNC_ABSENT, AuditRule.PROTOTYPE_INCOMPATIBLE, AuditRule.GUARD_MISSING, AuditRule.DEPRECATED,
    AuditRule.AVOID, AuditRule.SUPERSEDED,
})  # fmt: skip


def _without_optional(programs: Sequence[Program]) -> tuple[Program, ...]:
    return tuple(program for program in programs if not program.optional)


#: The rules whose findings keep an object from loading.
_BREAKING = frozenset({
    AuditRule.NOT_CALLABLE, AuditRule.KFUNC_ABSENT, AuditRule.PROTOTYPE_INCOMPATIBLE, AuditRule.BTF_MISSING,
    AuditRule.SYMBOL_UNTYPED,
})  # fmt: skip


def _limited(calls: Sequence[Call], programs: Collection[Program]) -> tuple[Call, ...]:
    """Return *calls*, each limited to those of its programs that are in *programs*."""
    return tuple(
        dataclasses.replace(call, programs=tuple(program for program in call.programs if program in programs))
        for call in calls
    )
