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
from typing import Callable, Collection, Iterator, Mapping, Optional, Protocol, Sequence

from kfuncdoc.audit import ignores, outlook, verifier
from kfuncdoc.audit.findings import AuditRule, Finding, ObjectReport, Report, Unreadable
from kfuncdoc.audit.ignores import Ignore
from kfuncdoc.audit.libbpf import Resolution, is_resolved, look, missing_option_reason, unplaced_reason
from kfuncdoc.audit.loaders import Loader, as_loaded_by
from kfuncdoc.audit.verdicts import Verdict, Verdicts
from kfuncdoc.bpf.conditions import ALWAYS, AsBuilt, Condition, Fact, KfuncFound, OptionalPartsCount
from kfuncdoc.bpf.objects import (
    BpfObject,
    Call,
    Extern,
    Program,
    SymbolFault,
    UnplacedSymbol,
    essential_name,
    kept_by,
)
from kfuncdoc.bpf.shape import has_forward
from kfuncdoc.compat.advice import Adviser
from kfuncdoc.compat.facts import KernelFacts
from kfuncdoc.compat.kernels import Kernel, KernelRecord, KfuncOnKernel, Presence, in_order
from kfuncdoc.kernels.releases import Release
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
    #: The loader that resolves the kfuncs of the objects.
    loader: Loader = Loader.LIBBPF
    #: Whether optional programs (``SEC("?...")``) count, and functions that no program calls: libbpf loads neither.
    optional: bool = False


def run(request: AuditRequest) -> Report:
    """Return the findings on the calls of kfuncs that the objects of *request* make."""
    record = request.record
    kernels = in_order(request.kernels) or record.kernels
    # Objects on the same kernels share an adviser, which keeps the advice that it has worked out.
    advisers: dict[tuple[Kernel, ...], Adviser] = {}
    has_flavours = request.loader is Loader.LIBBPF

    def adviser_for(of_kernels: tuple[Kernel, ...], *, are_all: bool) -> Adviser:
        if of_kernels not in advisers:
            advisers[of_kernels] = Adviser(record, of_kernels, flavours=has_flavours, are_all=are_all)
        return advisers[of_kernels]

    reports = []
    definers = _definers(request.objects)
    for bpf_object in (as_loaded_by(request.loader, bpf_object) for bpf_object in request.objects):
        start = 0 if request.kernels else _first_with_all_needed(bpf_object, record, kernels)
        asked = kernels[start:]
        report = _ObjectAudit(
            bpf_object, record, asked, adviser_for, definers, request.loader, optional=request.optional
        ).report()
        reports.append(dataclasses.replace(report, breaks=kernels[:start] + report.breaks))
    complete = Report(
        tuple(reports),
        kernels,
        str(record.snapshot.last),
        unreadable=tuple(request.unreadable),
        loader=request.loader,
        recorded_from=str(_first_recorded(record)),
    )
    return ignores.apply(complete, request.ignores, record.snapshot.date)


def _first_recorded(record: KernelRecord) -> Release:
    """Return the first release whose kfuncs *record* knows; earlier releases can have none."""
    snapshot = record.snapshot
    return next(iter(snapshot.calendar.with_kfuncs(snapshot.last)), snapshot.last)


def _first_with_all_needed(bpf_object: BpfObject, record: KernelRecord, kernels: Sequence[Kernel]) -> int:
    """Return the index of the first of *kernels* that has every kfunc of a strong extern of the object; 0 if none has.

    Kfuncs that the record does not know do not count.
    """
    needed = [extern.kfunc for extern in bpf_object.externs if not extern.weak and record.snapshot.find(extern.kfunc)]
    for number, kernel in enumerate(kernels):
        if all(record.look(name, kernel).presence is not Presence.ABSENT for name in needed):
            return number
    return 0


class AdviserFor(Protocol):
    """What returns the adviser for some kernels."""

    def __call__(self, of_kernels: tuple[Kernel, ...], *, are_all: bool) -> Adviser: ...


def _definers(objects: Sequence[BpfObject]) -> Mapping[str, Sequence[str]]:
    """Return the paths of the objects that define a symbol which some object lacks, by its name."""
    wanted = {symbol.name for bpf_object in objects for symbol in bpf_object.unplaced}
    definers: dict[str, list[str]] = {}
    for bpf_object in objects if wanted else ():
        for name in sorted(wanted & bpf_object.defined):
            definers.setdefault(name, []).append(bpf_object.path)
    return definers


class _ObjectAudit:
    """The audit of one object."""

    def __init__(
        self,
        bpf_object: BpfObject,
        record: KernelRecord,
        kernels: tuple[Kernel, ...],
        adviser_for: AdviserFor,
        definers: Mapping[str, Sequence[str]],
        loader: Loader,
        *,
        optional: bool,
    ) -> None:
        self._object = bpf_object
        self._record = record
        self._kernels = kernels
        self._adviser_for = adviser_for
        self._definers = definers
        self._loader = loader
        self._resolution = Resolution(record, loader)
        #: The externs of subsystems that a kernel was built without, and the rule of each alone, by kernel and option.
        self._absent_by_option: dict[tuple[Kernel, str], dict[Extern, AuditRule]] = {}
        #: Whether any call is reached only where something was tested; in most objects none is.
        self._has_tests = any(call.condition is not ALWAYS for call in bpf_object.calls)
        self._optional = optional
        self._calls: dict[str, list[Call]] = {}
        for call in bpf_object.calls:
            self._calls.setdefault(call.extern, []).append(call)
        self._seen = {
            extern.name: {kernel: look(record, extern, kernel) for kernel in kernels} for extern in bpf_object.externs
        }
        #: Whether libbpf finds each extern, by kernel and name; None where nobody knows.
        self._resolved: dict[Kernel, dict[str, Optional[bool]]] = {
            kernel: {extern.name: is_resolved(extern, self._seen[extern.name][kernel]) for extern in bpf_object.externs}
            for kernel in kernels
        }
        self._held: dict[tuple[Condition, Kernel], Optional[bool]] = {}
        self._facts = {
            kernel: KernelFacts(record, kernel, self._resolved[kernel], optional=optional) for kernel in kernels
        }

    def report(self) -> ObjectReport:
        of_externs = [finding for extern in self._object.externs for finding in self._findings_of(extern)]
        findings = (
            *map(self._unplaced_finding, self._object.unplaced),
            *self._subsystem_findings(),
            *of_externs,
            *self._module_findings(),
        )
        breaks = self._kernels_of(findings, self._breaks)
        unsure = [kernel for kernel in self._kernels_of(findings, self._may_break) if kernel not in breaks]
        doubtful = self._kernels_of(findings, lambda finding: finding.rule is AuditRule.CANNOT_TELL)
        cannot_tell = [kernel for kernel in doubtful if kernel not in (*breaks, *unsure)]
        loads = [kernel for kernel in self._kernels if kernel not in (*breaks, *unsure, *cannot_tell)]
        return ObjectReport(
            self._object, findings, tuple(loads), tuple(breaks), tuple(unsure), cannot_tell=tuple(cannot_tell)
        )

    def _kernels_of(self, findings: Sequence[Finding], matters: Callable[[Finding], bool]) -> list[Kernel]:
        """Return the kernels of those *findings* that matter, in the order of the request."""
        kernels = {kernel for finding in findings if matters(finding) for kernel in finding.kernels}
        return [kernel for kernel in self._kernels if kernel in kernels]

    def _unplaced_finding(self, symbol: UnplacedSymbol) -> Finding:
        is_untyped = symbol.fault is SymbolFault.UNTYPED
        reason = unplaced_reason(
            symbol,
            self._definers.get(symbol.name, ()),
            self._loader,
            is_kfunc=self._record.snapshot.find(essential_name(symbol.name)) is not None,
        )
        calls = tuple(self._calls.get(symbol.name, ()))
        rule = AuditRule.SYMBOL_UNTYPED if is_untyped else AuditRule.SYMBOL_UNPLACED
        return self._finding(rule, Extern(symbol.name, False), self._kernels, reason, calls)

    def _findings_of(self, extern: Extern) -> Iterator[Finding]:
        calls = tuple(self._calls.get(extern.name, ()))
        if not self._object.has_btf:
            reason = "the object has no BTF: it is to be compiled with -g, and to keep its section .BTF"
            yield self._finding(AuditRule.BTF_MISSING, extern, self._kernels, reason, calls)
        seen = self._seen[extern.name]
        unresolved = {kernel: self._unresolved(extern, kernel, calls) for kernel in self._kernels}
        findings = list(self._findings_by_verdict(extern, self._without_subsystems(extern, unresolved), calls))
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
            reached = tuple(call for call in calls if any(self._reached([call], kernel) for kernel in present))
            yield from self._outlook(extern, present, reached, is_removed_later=is_removed_later)

    # -- several kfuncs at once

    def _without_subsystems(self, extern: Extern, verdicts: Verdicts) -> Verdicts:
        """Return *verdicts* without those on kernels that were built without the subsystem of *extern*; keep these."""
        kept: dict[Kernel, Optional[Verdict]] = {}
        for kernel, verdict in verdicts.items():
            is_absent = verdict is not None and self._seen[extern.name][kernel].presence is Presence.ABSENT
            option = self._record.missing_option(extern.kfunc, kernel) if is_absent else None
            if verdict is None or option is None:
                kept[kernel] = verdict
            else:
                self._absent_by_option.setdefault((kernel, option), {})[extern] = verdict.rule
        return kept

    def _subsystem_findings(self) -> Iterator[Finding]:
        """Yield one finding for each kernel and subsystem that it was built without, about all kfuncs of it."""
        kernels_of: dict[tuple[AuditRule, str, tuple[Extern, ...]], list[Kernel]] = {}
        for (kernel, option), rules in self._absent_by_option.items():
            worst = next(rule for rule in _BY_SEVERITY if rule in rules.values())
            if worst is not AuditRule.KFUNC_ABSENT and self._lacks_structure(kernel):
                # libbpf refuses the object for its callbacks, even if each call is behind a guard.
                worst = AuditRule.KFUNC_ABSENT
            # A weak kfunc behind a guard does no harm: it is named only where all are so.
            externs = tuple(extern for extern, rule in rules.items() if rule is not AuditRule.ABSENT_GUARDED)
            kernels_of.setdefault((worst, option, externs or tuple(rules)), []).append(kernel)
        for (rule, option, externs), kernels in kernels_of.items():
            named = AuditRule.SUBSYSTEM_ABSENT if rule is AuditRule.KFUNC_ABSENT else rule
            yield self._joint_finding(named, externs, kernels, missing_option_reason(option), is_observed=True)

    def _lacks_structure(self, kernel: Kernel) -> bool:
        """Whether the object has callbacks of a structure that *kernel* itself does not have."""
        lacking = kernel.observed.lacking if kernel.observed else frozenset()
        return any(
            kept_by(program.struct_ops) in lacking
            for program in self._object.programs
            if program.struct_ops and (self._optional or not program.optional)
        )

    def _module_findings(self) -> Iterator[Finding]:
        """Yield one finding for each module that has kfuncs of the object, on the kernels that have them there."""
        externs: dict[str, dict[Extern, None]] = {}
        kernels: dict[str, set[Kernel]] = {}
        for extern in self._object.externs:
            for kernel, seen in self._seen[extern.name].items():
                if seen.module and self._resolved[kernel][extern.name]:
                    externs.setdefault(seen.module, {})[extern] = None
                    kernels.setdefault(seen.module, set()).add(kernel)
        for module, of_module in externs.items():
            on = [kernel for kernel in self._kernels if kernel in kernels[module]]
            yield self._joint_finding(AuditRule.MODULE_NEEDED, [*of_module], on, f"needs the module {module} loaded")

    def _joint_finding(
        self,
        rule: AuditRule,
        externs: Sequence[Extern],
        kernels: Sequence[Kernel],
        reason: str,
        *,
        is_observed: bool = False,
    ) -> Finding:
        calls = tuple(call for extern in externs for call in self._calls.get(extern.name, ()))
        return Finding(
            rule, self._object, externs[0], tuple(kernels), reason, calls, None, is_observed, others=tuple(externs[1:])
        )

    # -- which calls are reached

    def _unresolved(self, extern: Extern, kernel: Kernel, calls: Sequence[Call]) -> Optional[Verdict]:
        """Return why libbpf does not find the kfunc of *extern* on *kernel*; None where it does."""
        seen, is_reached = self._seen[extern.name][kernel], bool(self._reached(calls, kernel))
        is_guarded = self._is_guarded(extern, calls)
        verdict = self._resolution.verdict(extern, kernel, seen, is_reached=is_reached, is_guarded=is_guarded)
        if verdict is None or verdict.rule is not AuditRule.ABSENT_GUARDED:
            return verdict
        return verdict._replace(reason=verdict.reason + self._unless_set(calls, kernel))

    def _reached(self, calls: Sequence[Call], kernel: Kernel) -> tuple[Call, ...]:
        """Return those of *calls* that may be reached on *kernel*."""
        if not self._has_tests:
            return tuple(calls)
        return tuple([call for call in calls if self._holds(call.condition, kernel) is not False])

    def _holds(self, condition: Condition, kernel: Kernel) -> Optional[bool]:
        """Whether *condition* holds on *kernel*; many calls share a condition, and many questions ask for a call."""
        key = condition, kernel
        if key not in self._held:
            self._held[key] = condition.value(self._facts[kernel])
        return self._held[key]

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
            *outlook.changes(newest, declared, calls, self._record.snapshot.catalog.hooks),
            *(() if is_guarded else outlook.successors(declared)),
        ]
        for rule, kernels, reason, concerned in verdicts:
            yield self._finding(rule, extern, kernels, reason, calls if concerned is None else concerned)

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
            # No advice helps kernels that were built without the subsystem.
            advised = tuple(
                kernel for kernel in self._kernels if self._record.missing_option(extern.kfunc, kernel) is None
            )
            adviser = self._adviser_for(advised, are_all=advised == self._kernels)
            advice = adviser.about(extern.kfunc, kernels if self._are_older(kernels, extern.kfunc) else ())
        return Finding(rule, self._object, extern, kernels, reason, calls, advice, is_observed)

    def _are_older(self, kernels: Sequence[Kernel], kfunc: str) -> bool:
        """Whether all of *kernels* are older than *kfunc*."""
        newest = self._record.snapshot.lifecycle(kfunc)
        added = newest.first_added.by if newest and newest.first_added else None
        return all(added is not None and kernel.release is not None and kernel.release < added for kernel in kernels)


#: The rules of a kfunc that a kernel does not have, the worst first.
_BY_SEVERITY = (AuditRule.KFUNC_ABSENT, AuditRule.GUARD_MISSING, AuditRule.ABSENT_GUARDED)

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
    AuditRule.SYMBOL_UNTYPED, AuditRule.SYMBOL_UNPLACED, AuditRule.SUBSYSTEM_ABSENT,
})  # fmt: skip


def _limited(calls: Sequence[Call], programs: Collection[Program]) -> tuple[Call, ...]:
    """Return *calls*, each limited to those of its programs that are in *programs*."""
    return tuple(
        dataclasses.replace(call, programs=tuple(program for program in call.programs if program in programs))
        for call in calls
    )
