# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What ``kfuncdoc audit`` says of each program by itself, on real kernels (``--btf``) and on releases (``--kernel``).

::

    BpfObject --only--> the object with one program --audit.engine.run--> Claim of each kernel
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Optional

from boot.images import KernelImage
from boot.outcomes import Reply
from kfuncdoc.api import read_objects
from kfuncdoc.audit.asked_kernels import observed_kernel
from kfuncdoc.audit.engine import AuditRequest, run
from kfuncdoc.audit.findings import AuditRule, Finding, ObjectReport
from kfuncdoc.bpf.objects import BpfObject, Call, Program
from kfuncdoc.compat.kernels import Kernel, KernelRecord, Presence
from kfuncdoc.scan.binary.image import find_functions


class Verdict(Enum):
    """What an audit says of a program on a kernel."""

    LOADS = "loads"
    BREAKS = "breaks"
    MAY_BREAK = "may break"


#: The rules by which libbpf decides, for an object as a whole, and before the verifier sees a program of it.
_BY_LIBBPF = frozenset({
    AuditRule.KFUNC_ABSENT, AuditRule.PROTOTYPE_INCOMPATIBLE, AuditRule.BTF_MISSING, AuditRule.SYMBOL_UNTYPED,
    AuditRule.SYMBOL_UNPLACED, AuditRule.SUBSYSTEM_ABSENT,
})  # fmt: skip


@dataclass(frozen=True)
class Claim:
    """The *verdict* of an audit on a program, and the *reason*: its findings in short."""

    verdict: Verdict
    reason: str = ""
    #: Whether it breaks because libbpf does not resolve a kfunc of the object.
    by_libbpf: bool = False


def only(bpf_object: BpfObject, program: Program) -> BpfObject:
    """Return *bpf_object* as libbpf sees it if it loads nothing but *program*: with all externs, and its calls only.

    A program that is loaded by itself is loaded on request, so that ``SEC("?...")`` does not matter.
    """
    chosen = dataclasses.replace(program, optional=False)
    calls = tuple(_only(call, program, chosen) for call in bpf_object.calls if program in call.programs)
    return dataclasses.replace(bpf_object, programs=(chosen,), calls=calls)


def _only(call: Call, program: Program, chosen: Program) -> Call:
    return dataclasses.replace(call, programs=(chosen,), directly=(chosen,) if program in call.directly else ())


def claims(
    objects: Sequence[BpfObject], record: KernelRecord, kernels: Sequence[Kernel]
) -> list[Mapping[str, Mapping[Kernel, Claim]]]:
    """Return for each of *objects* what an audit says of each program by name, on each of *kernels*."""
    limited = [[only(bpf_object, program) for program in bpf_object.programs] for bpf_object in objects]
    singles = [single for of_object in limited for single in of_object]
    # Each program is loaded on request, optional ones too.  Functions that no program calls are in none of them.
    report = run(AuditRequest(singles, record, kernels, optional=True))
    reports = iter(report.objects)
    return [{single.programs[0].name: _of_kernels(next(reports)) for single in singles} for singles in limited]


def _of_kernels(report: ObjectReport) -> Mapping[Kernel, Claim]:
    # "cannot tell" is a doubt, too: a program that loads shows that it was needless.
    doubts = (*report.unsure, *report.cannot_tell)
    verdicts = (Verdict.LOADS, report.loads), (Verdict.BREAKS, report.breaks), (Verdict.MAY_BREAK, doubts)
    return {kernel: _claim(verdict, report, kernel) for verdict, kernels in verdicts for kernel in kernels}


def _claim(verdict: Verdict, report: ObjectReport, kernel: Kernel) -> Claim:
    findings = [finding for finding in report.findings if kernel in finding.kernels]
    by_libbpf = verdict is Verdict.BREAKS and any(finding.rule in _BY_LIBBPF for finding in findings)
    shown = [finding for finding in findings if finding.counts] or findings
    return Claim(verdict, "; ".join(dict.fromkeys(map(_in_short, shown))), by_libbpf)


def _in_short(finding: Finding) -> str:
    return f"{finding.rule.rule} {finding.extern.name}: {finding.reason}"


class Audits:
    """What audits say of the programs of the objects at *paths*, on *kernels* with *modules*."""

    def __init__(
        self, record: KernelRecord, kernels: Sequence[KernelImage], modules: Sequence[str], paths: Sequence[Path]
    ) -> None:
        self._record = record
        self.objects: dict[str, BpfObject] = {}
        #: The reason why kfuncdoc cannot read an object, by its path.
        self.unreadable: dict[str, str] = {}
        for path in paths:
            objects, unreadable = read_objects(str(path))
            self.objects.update((str(path), bpf_object) for bpf_object in objects)
            self.unreadable.update((str(path), refused.message) for refused in unreadable)
        externs = (extern for bpf_object in self.objects.values() for extern in bpf_object.externs)
        names = {*record.snapshot.catalog.entries, *(extern.kfunc for extern in externs)}
        questions = {question for bpf_object in self.objects.values() for question in bpf_object.questions}
        self.kernels: dict[tuple[str, str], Kernel] = {}
        self._inserted: dict[str, set[str]] = {}
        for kernel in kernels:
            # A running kernel has the kfuncs of the modules that were inserted, and no others.
            inserted = kernel.with_dependencies(modules)
            self._inserted[kernel.name] = {name.replace("-", "_") for name in inserted}
            files = [str(kernel.vmlinux), *map(str, inserted.values())]
            self.kernels[kernel.name, "--btf"] = observed_kernel(
                record, kernel.name, find_functions(files, names, questions=questions), _release_of(record, kernel)
            )
            release = _release_of(record, kernel)
            if release:
                self.kernels[kernel.name, "--kernel"] = record.kernel(record.snapshot.calendar[release])
        asked = list(dict.fromkeys(self.kernels.values()))
        self._claims = dict(zip(self.objects, claims(list(self.objects.values()), record, asked)))

    def claim(self, path: Path, program: str, kernel: Kernel) -> Optional[Claim]:
        """Return what an audit says of the program; None if kfuncdoc does not see it in the object."""
        return self._claims.get(str(path), {}).get(program, {}).get(kernel)

    def has_kfuncs(self, path: Path) -> bool:
        """Whether the object declares kfuncs, or needs a symbol that libbpf may not resolve."""
        bpf_object = self.objects.get(str(path))
        return bpf_object is not None and bool(bpf_object.externs or bpf_object.unplaced)

    def is_unlike(self, path: Path, kernel: str, audit: str, reply: Reply) -> bool:
        """Whether *kernel* is unlike the one that *audit* speaks of, in the kfunc that its answer names.

        An audit of a release speaks of a kernel that has everything, and was built with a pahole that is new enough.
        Both kinds of audits speak of a kernel into which the modules were loaded that it needs.
        """
        release, image = self.kernels[kernel, "--kernel"], self.kernels[kernel, "--btf"]
        for extern in self.objects[str(path)].externs:
            if f"'{extern.name}'" in reply.line or f" {extern.name} " in reply.line:
                declared, seen = self._record.look(extern.kfunc, release), self._record.look(extern.kfunc, image)
                if declared.presence is not Presence.PRESENT or declared.declared is None:
                    continue
                facts = declared.declared.facts
                if facts.module and facts.module.replace("-", "_") not in self._inserted[kernel]:
                    return True
                if audit == "--kernel" and seen.lacks_twin:
                    return True
                if audit == "--kernel" and seen.presence is not Presence.PRESENT:
                    return bool(facts.depends_on or facts.module)
        return False


def _release_of(record: KernelRecord, kernel: KernelImage) -> Optional[str]:
    calendar = record.snapshot.calendar
    is_recorded = calendar.is_real(kernel.release) and kernel.release in {
        str(release) for release in record.snapshot.releases
    }
    return kernel.release if is_recorded else None
