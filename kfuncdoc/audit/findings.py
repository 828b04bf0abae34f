# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What can be wrong with a call of a kfunc (:class:`AuditRule`), and the report of an audit."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from enum import Enum
from typing import Optional

from kfuncdoc.audit.loaders import Loader
from kfuncdoc.base.diagnostics import Severity
from kfuncdoc.bpf.objects import BpfObject, Call, Extern
from kfuncdoc.compat.advice import Advice
from kfuncdoc.compat.kernels import Kernel


class Status(Enum):
    """A result of an audit, as ``(exit status, name for --fail-on, what it means)``; the highest one counts."""

    def __init__(self, code: int, word: str, meaning: str) -> None:
        self.code = code
        self.word = word
        self.meaning = meaning

    CLEAN = (0, "clean", "Nothing to do; there may be notes.")
    DEPRECATED = (
        2, "deprecated",
        "A kfunc is deprecated, or its behaviour or flags changed in a way that may break callers, or a call fails at "
        "run time.",
    )  # fmt: skip
    BREAKS = (3, "breaks", "A program does not load on one of the kernels, or calls a missing kfunc without a guard.")
    REPLACEMENT = (
        4, "replacement", "No single replacement is on all of the kernels: the program needs a guard.",
    )  # fmt: skip
    UNKNOWN = (
        5, "unknown",
        "The audit cannot tell: the record does not know a kfunc, the release of a real kernel is not known, or the "
        "object does not say enough about a program that calls a kfunc.",
    )  # fmt: skip


class AuditRule(Enum):
    """The rules of findings, as ``(name, status, severity, what it means)``."""

    def __init__(self, rule: str, status: Status, severity: Severity, explanation: str) -> None:
        self.rule = rule
        self.status = status
        self.severity = severity
        self.explanation = explanation

    KFUNC_UNKNOWN = (
        "kfunc-unknown", Status.UNKNOWN, Severity.ERROR,
        "The record does not have the kfunc, or the kernel is newer than the record, or the release of a real kernel "
        "is not known. The audit says nothing more about the kfunc.",
    )  # fmt: skip
    BTF_MISSING = (
        "btf-missing", Status.BREAKS, Severity.ERROR,
        "The object calls kfuncs but has no BTF, so libbpf cannot resolve them. It was compiled without -g, or "
        "stripped of more than its debug information.",
    )  # fmt: skip
    SYMBOL_UNTYPED = (
        "symbol-untyped", Status.BREAKS, Severity.ERROR,
        "The object needs a function or variable but has no type for it, so libbpf cannot resolve it: \"failed to find "
        "BTF for extern\". Usually it was never declared, and the compiler warned of that.",
    )  # fmt: skip
    SYMBOL_UNPLACED = (
        "symbol-unplaced", Status.BREAKS, Severity.ERROR,
        "The object needs a function or variable that it declares outside of .ksyms, so libbpf cannot open the object: "
        "\"failed to find BTF for extern\", with [6] section: -2 at its end, or -22 for objects of GCC. The "
        "declaration lacks __ksym, or the compiler does not write declarations in the form that libbpf needs, or the "
        "object has to be linked with another one first (bpftool gen object).",
    )  # fmt: skip
    KFUNC_ABSENT = (
        "kfunc-absent", Status.BREAKS, Severity.ERROR,
        "The kernel does not have the kfunc, and its extern is not weak: libbpf refuses the whole object, \"not found "
        "in kernel or module BTFs\".",
    )  # fmt: skip
    SUBSYSTEM_ABSENT = (
        "subsystem-absent", Status.BREAKS, Severity.ERROR,
        "The kernel was built without a subsystem, so it has none of the kfuncs that depend on it, and the object "
        "needs some of these, or has callbacks of a structure that the kernel lacks. This is one finding for all of "
        "them.",
    )  # fmt: skip
    PROTOTYPE_INCOMPATIBLE = (
        "prototype-incompatible", Status.BREAKS, Severity.ERROR,
        "The kernel has the kfunc with another prototype, and libbpf refuses the whole object, \"func_proto "
        "incompatible\". libbpf does not tell integers apart, and does not compare the names of structures.",
    )  # fmt: skip
    NOT_CALLABLE = (
        "not-callable", Status.BREAKS, Severity.ERROR,
        "The program may not call the kfunc because of its type, its attach type, its LSM hook or its callback, or "
        "because it may not sleep. The verifier refuses the program: \"calling kernel function is not allowed\" or "
        "\"program must be sleepable\". Or a real kernel has a function of this name that is not a kfunc.",
    )  # fmt: skip
    GUARD_MISSING = (
        "guard-missing", Status.BREAKS, Severity.WARNING,
        "The kernel does not have the kfunc, or has it with another prototype. The extern is weak, so libbpf accepts "
        "the object. But there is a path to the call without a test that the audit recognises, such as "
        "bpf_ksym_exists(). The verifier refuses the program if it reaches the call.",
    )  # fmt: skip
    FLAVOUR_MISTAKEN = (
        "flavour-mistaken", Status.BREAKS, Severity.WARNING,
        "The program declares a kfunc whose name ends in three underscores and a word (NAME___v2). libbpf takes that "
        "end for a flavour, and finds another kfunc, whose name is the part before it (NAME).",
    )  # fmt: skip
    CANNOT_TELL = (
        "cannot-tell", Status.UNKNOWN, Severity.WARNING,
        "The object does not say whether the program may call the kfunc: its section does not give its type, or names "
        "no LSM hook, or it replaces another program, or it is not in exactly one structure of callbacks. Or the "
        "record describes a filter of the kernel only in prose. The object loads if the verifier accepts the call.",
    )  # fmt: skip
    REFUSED_AT_RUN_TIME = (
        "refused-at-run-time", Status.DEPRECATED, Severity.WARNING,
        "The program loads, but it may not call the kfunc: the kernel checks the call at run time, and ends the "
        "scheduler with an error. sched_ext did this before v7.1; since then the verifier refuses such programs.",
    )  # fmt: skip
    DEPRECATED = (
        "deprecated", Status.DEPRECATED, Severity.WARNING,
        "The kernel announced that the kfunc will be removed, or will have another prototype.",
    )  # fmt: skip
    AVOID = (
        "avoid", Status.DEPRECATED, Severity.WARNING,
        "The kfunc should not be called on kernels before some release, although they have it.",
    )  # fmt: skip
    CHANGED = (
        "changed", Status.DEPRECATED, Severity.WARNING,
        "Between the kernels, the kfunc changed in a way that broke callers: it asks more of the program, or behaves "
        "differently. Check whether the change breaks this program.",
    )  # fmt: skip
    ABSENT_GUARDED = (
        "absent-guarded", Status.CLEAN, Severity.INFO,
        "The kernel does not have the kfunc, or has it with another prototype. The extern is weak, and no call of it "
        "is reached: a test comes before each call, or libbpf does not load the functions with the calls.",
    )  # fmt: skip
    UNKNOWN_GUARDED = (
        "unknown-guarded", Status.CLEAN, Severity.INFO,
        "Neither the record nor the kernel knows the kfunc. The extern is weak, and every call is behind a test of it.",
    )  # fmt: skip
    MODULE_NEEDED = (
        "module-needed", Status.CLEAN, Severity.INFO,
        "The kfuncs are in a module: the loader finds them once the module is loaded. This is one finding for all "
        "kfuncs of the module.",
    )  # fmt: skip
    DEPRECATED_GUARDED = (
        "deprecated-guarded", Status.CLEAN, Severity.INFO,
        "The kfunc is deprecated, or gone from a later kernel, and every call is behind a test that it is there.",
    )  # fmt: skip
    SUPERSEDED = (
        "superseded", Status.CLEAN, Severity.INFO,
        "Another kfunc is preferred, but no removal was announced.",
    )  # fmt: skip


@dataclass(frozen=True)
class Ignored:
    """Why a finding does not count, and until when."""

    reason: str
    until: datetime.date


@dataclass(frozen=True)
class Finding:
    """What an audit says of one kfunc or several, for all kernels for which it says the same."""

    rule: AuditRule
    object: BpfObject
    extern: Extern
    kernels: tuple[Kernel, ...]
    #: Why, in words; without the names of the object and of the kfunc.
    reason: str
    #: The calls concerned; none if the kfunc is only declared.
    calls: tuple[Call, ...] = ()
    advice: Optional[Advice] = None
    #: Whether it is based on an observed kernel, and not on declarations.
    observed: bool = False
    ignored: Optional[Ignored] = None
    #: The other externs that it is about; none if it is about *extern* alone.
    others: tuple[Extern, ...] = ()

    @property
    def externs(self) -> tuple[Extern, ...]:
        """All externs that it is about."""
        return (self.extern, *self.others)

    @property
    def severity(self) -> Severity:
        return self.rule.severity

    @property
    def programs(self) -> tuple[str, ...]:
        """The names of the programs that the calls are part of."""
        return tuple(dict.fromkeys(program.name for call in self.calls for program in call.programs))

    @property
    def statuses(self) -> frozenset[Status]:
        """The statuses that it gives an audit; empty for notes and if it is ignored."""
        if self.ignored or self.rule.status is Status.CLEAN:
            return frozenset()
        missing = {Status.REPLACEMENT} if self.advice is not None and self.advice.missing_on else set()
        return frozenset({self.rule.status, *missing})

    @property
    def counts(self) -> bool:
        """Whether there is something to do: it is no note, and not ignored."""
        return self.ignored is None and self.severity is not Severity.INFO


@dataclass(frozen=True)
class ObjectReport:
    """The findings on one object, and on which of the kernels it loads."""

    object: BpfObject
    findings: tuple[Finding, ...]
    #: Each kernel asked for is in one of the four, as far as kfuncs decide whether the object loads.
    loads: tuple[Kernel, ...]
    breaks: tuple[Kernel, ...]
    unsure: tuple[Kernel, ...]
    #: The kernels on which the object loads if the verifier accepts the calls of ``cannot-tell`` findings.
    cannot_tell: tuple[Kernel, ...] = ()


@dataclass(frozen=True)
class Unreadable:
    """An object that could not be read: its *path*, and the reason as a *message* for people."""

    path: str
    message: str


@dataclass(frozen=True)
class Report:
    """The result of an audit: a report on each object, the kernels in order, and the last release of the record."""

    objects: tuple[ObjectReport, ...]
    kernels: tuple[Kernel, ...]
    recorded: str
    remarks: tuple[str, ...] = ()
    #: The objects that could not be read, and why.
    unreadable: tuple[Unreadable, ...] = ()
    #: The loader that the objects are for.
    loader: Loader = Loader.LIBBPF
    #: The first release of the record.
    recorded_from: str = ""

    @property
    def findings(self) -> tuple[Finding, ...]:
        return tuple(finding for report in self.objects for finding in report.findings)

    def status(self, failing: frozenset[Status]) -> Status:
        """Return the highest of the statuses *failing* that any finding has."""
        statuses = {status for finding in self.findings for status in finding.statuses}
        return max(statuses & failing, key=lambda status: status.code, default=Status.CLEAN)
