# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The commands for those who write BPF programs: audit and header."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Iterator, Optional, Sequence

from kfuncdoc.cli import arguments
from kfuncdoc.cli.command import CLEAN, FINDINGS, Command, Refused, argument, refuse, refusing
from kfuncdoc.cli.inputs import existing, kernels_asked_for, sound_catalog
from kfuncdoc.cli.output import put, tell

if TYPE_CHECKING:
    import datetime

    from kfuncdoc.audit.findings import Report, Status, Unreadable
    from kfuncdoc.audit.ignores import Ignore
    from kfuncdoc.bpf.objects import BpfObject
    from kfuncdoc.compat.kernels import Kernel, KernelRecord


def _read_statuses(text: str) -> frozenset[Status]:
    """Return the statuses that ``--fail-on`` names."""
    from kfuncdoc.audit.findings import Status
    from kfuncdoc.base.diagnostics import nearest

    known = {status.word: status for status in Status if status is not Status.CLEAN}
    words = [word for word in (part.strip() for part in text.split(",")) if word not in ("", "none")]
    for word in words:
        if word not in known:
            hint = nearest(word, known) or f"known are {', '.join(known)}, and none"
            refuse(f"--fail-on knows no '{word}': {hint}")
    return frozenset(known[word] for word in words)


@dataclass(frozen=True)
class AuditCommand(Command):
    word = "audit"
    summary = "Tell which calls of BPF objects break, on which kernels."
    epilog = (
        "Exit status: 0 nothing to do, 2 deprecated or changed, 3 breaks, 4 no single replacement is on every kernel "
        "asked for, 5 unknown to the record; the highest one counts.  1 if anything cannot be read or used, whatever "
        "else was found.  If no kernels are asked for, the audit is for all recorded releases from the first one that "
        "has every kfunc that the object needs."
    )
    # Status 2 means that something is deprecated.
    unusable = FINDINGS

    objects: tuple[str, ...] = argument(
        nargs="+", metavar="OBJECT", help="a BPF object, a library of them (.a), or a folder: every .bpf.o in it"
    )
    first: Optional[str] = arguments.first_kernel()
    last: Optional[str] = arguments.last_kernel()
    kernels: tuple[str, ...] = arguments.kernels()
    long_term: bool = arguments.long_term_kernels()
    btf: tuple[str, ...] = argument(
        "--btf", metavar="FILE[=vX.Y]", action="append", default=[],
        help="a real kernel: its vmlinux, BTF (/sys/kernel/btf/vmlinux), or a folder of them and its modules; what it "
        "has counts more than the record; BTF alone does not tell its release",
    )  # fmt: skip
    data: tuple[str, ...] = arguments.data()
    ignore: Optional[str] = argument(
        "--ignore", metavar="FILE", help="findings to ignore, each with a reason and a last day"
    )
    format: str = arguments.report_format("text", "json", "sarif", "github")
    notes: bool = argument("--notes", action="store_true", help="show notes too, and what is ignored (text)")
    optional: bool = argument(
        "--optional",
        action="store_true",
        help='have optional programs (SEC("?...")) count, and functions that no program calls: libbpf loads neither',
    )
    failing: frozenset[Status] = argument(
        "--fail-on", metavar="WHAT", default="deprecated,breaks,replacement,unknown", read=_read_statuses,
        help="the findings that set the exit status, separated by commas: deprecated, breaks, replacement, unknown, or "
        "none (default: all)",
    )  # fmt: skip
    output: Optional[str] = arguments.output()
    date: datetime.date = arguments.date()

    def run(self) -> int:
        from kfuncdoc.audit.reports import tally

        report = self._report()
        put(self._text(report), self.output)
        tell(*(f"kfuncdoc: {unreadable.path}: {unreadable.message}" for unreadable in report.unreadable))
        tell(*(f"kfuncdoc: {remark}" for remark in report.remarks))
        if self.format == "text":
            tell(tally(report))
        return self.unusable if report.unreadable else report.status(self.failing).code

    def _report(self) -> Report:
        from kfuncdoc.audit.engine import AuditRequest, run
        from kfuncdoc.base.diagnostics import as_text
        from kfuncdoc.base.yaml_text import Unusable
        from kfuncdoc.compat.kernels import KernelRecord

        ignored = self._ignored()
        record = KernelRecord.whole(sound_catalog(self.data), self.date)
        objects, unreadable = _read_objects(self.objects)
        kernels = [
            *kernels_asked_for(
                record, first=self.first, last=self.last, names=self.kernels, long_term=self.long_term
            ),
            *_observed_kernels(self.btf, objects, record),
        ]  # fmt: skip
        try:
            # The types that programs test for are read when the first one is asked for.
            return run(AuditRequest(objects, record, kernels, unreadable, ignored, self.optional))
        except Unusable as error:
            raise Refused([as_text(error.diagnostic)]) from None

    def _ignored(self) -> Sequence[Ignore]:
        """Return the entries of the file of findings to ignore."""
        if not self.ignore:
            return ()
        from kfuncdoc.audit.ignores import IgnoresUnusable, read_ignores
        from kfuncdoc.base.diagnostics import as_text

        try:
            return read_ignores(self.ignore)
        except IgnoresUnusable as error:
            raise Refused([as_text(diagnostic) for diagnostic in error.diagnostics]) from None

    def _text(self, report: Report) -> str:
        if self.format == "sarif":
            from kfuncdoc.audit.sarif import as_sarif

            return as_sarif(report)
        import shutil

        from kfuncdoc.audit import reports

        if self.format == "json":
            return reports.as_json(report)
        if self.format == "github":
            return reports.as_github(report)
        return reports.as_text(report, shutil.get_terminal_size().columns, notes=self.notes)


def _read_objects(paths: Sequence[str]) -> tuple[list[BpfObject], list[Unreadable]]:
    """Return the BPF objects at *paths*, and those that cannot be read, with the reasons."""
    from kfuncdoc.api import read_objects
    from kfuncdoc.base.progress import track

    try:
        return read_objects(paths, track)
    except ImportError as error:
        refuse(f"audits need {error.name}, which comes with kfuncdoc[scan]: pip install '.[scan]' in a clone")


def _observed_kernels(given: Sequence[str], objects: Sequence[BpfObject], record: KernelRecord) -> Iterator[Kernel]:
    """Yield the kernels that ``--btf`` names, as far as the kfuncs of *objects* and of *record* matter there."""
    if not given:
        return
    from kfuncdoc.audit.asked_kernels import KernelUnknown, observed_kernel
    from kfuncdoc.base.progress import track
    from kfuncdoc.scan import Unscannable
    from kfuncdoc.scan.binary.image import find_functions

    names = {*record.snapshot.catalog.entries, *(extern.kfunc for read in objects for extern in read.externs)}
    questions = {question for read in objects for question in read.questions}
    for path, release in dict.fromkeys(map(_path_and_release, given)):
        existing([path])
        with refusing(Unscannable, KernelUnknown):
            kernel = observed_kernel(record, path, find_functions([path], names, questions, track=track), release)
        yield kernel


def _path_and_release(given: str) -> tuple[str, Optional[str]]:
    """Return the file and the release of ``FILE=v6.12``; the release is None if a file has this whole name."""
    path, equals, release = given.rpartition("=")
    return (path, release or None) if equals and not os.path.lexists(given) else (given, None)


@dataclass(frozen=True)
class HeaderCommand(Command):
    word = "header"
    summary = "Write a C header of kfuncs that warns of deprecated and removed ones."

    names: tuple[str, ...] = argument(nargs="*", metavar="NAME", help="a kfunc (default: all that the kernels have)")
    first: Optional[str] = arguments.first_kernel()
    last: Optional[str] = arguments.last_kernel()
    kernels: tuple[str, ...] = arguments.kernels()
    long_term: bool = arguments.long_term_kernels()
    data: tuple[str, ...] = arguments.data()
    output: Optional[str] = arguments.output()
    date: datetime.date = arguments.date()

    def run(self) -> int:
        from kfuncdoc.base.diagnostics import nearest
        from kfuncdoc.compat.header import header
        from kfuncdoc.compat.kernels import KernelRecord, Presence

        record = KernelRecord.whole(sound_catalog(self.data), self.date)
        for name in self.names:
            if record.snapshot.find(name) is None:
                hint = nearest(name, record.snapshot.catalog.entries)
                refuse(f"no kfunc '{name}' is declared{': ' + hint if hint else ''}")
        kernels = (
            kernels_asked_for(record, first=self.first, last=self.last, names=self.kernels, long_term=self.long_term)
            or record.kernels
        )
        for name in self.names:
            if all(record.look(name, kernel).presence is not Presence.PRESENT for kernel in kernels):
                refuse(f"none of these kernels has '{name}'")
        put(header(record, kernels, self.names), self.output)
        return CLEAN
