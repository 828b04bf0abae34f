# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The commands for those who write BPF programs: audit, header and explain."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Iterator, Optional, Sequence

from kfuncdoc.cli import arguments
from kfuncdoc.cli.command import CLEAN, FINDINGS, Command, Refused, argument, reason, refuse, refusing
from kfuncdoc.cli.inputs import existing, kernels_asked_for, load_messages_of, release_at, sound_catalog
from kfuncdoc.cli.output import put, tell

if TYPE_CHECKING:
    import datetime

    from kfuncdoc.audit.findings import Report, Status, Unreadable
    from kfuncdoc.audit.ignores import Ignore
    from kfuncdoc.bpf.objects import BpfObject
    from kfuncdoc.compat.kernels import Kernel, KernelRecord
    from kfuncdoc.kernels.log_reader import Log
    from kfuncdoc.kernels.messages import MessageBook
    from kfuncdoc.pages.explanation import Explanation


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
        "Exit status: 0 nothing to do, 2 deprecated, changed or refused at run time, 3 breaks, 4 no single replacement "
        "is on every kernel asked for, 5 the record or the object does not say enough; the highest one counts. "
        "1 if anything cannot be read or used, whatever else was found.  If no kernels are asked for, the audit is for "
        "all recorded releases from the first one that has every kfunc that the object needs."
    )
    # Status 2 means that something is deprecated.
    unusable = FINDINGS

    objects: tuple[str, ...] = argument(
        nargs="+", metavar="OBJECT",
        help="a BPF object; a library (.a), a program or a skeleton header that contains objects; a folder with any "
        "of these, whatever their names; or - for standard input",
    )  # fmt: skip
    first: Optional[str] = arguments.first_kernel()
    last: Optional[str] = arguments.last_kernel()
    kernels: tuple[str, ...] = arguments.kernels()
    long_term: bool = arguments.long_term_kernels()
    btf: tuple[str, ...] = argument(
        "--btf", metavar="FILE[=vX.Y]", action="append", default=[],
        help="a real kernel: its vmlinux, BTF (/sys/kernel/btf/vmlinux), or a folder of them and its modules; what it "
        "has counts more than the record; BTF alone does not tell its release",
    )  # fmt: skip
    loader: str = argument(
        "--loader", choices=("libbpf", "cilium"), default="libbpf",
        help="the library that loads the objects: libbpf (1.3 or newer), or cilium/ebpf, which has no flavours "
        "(default: libbpf)",
    )  # fmt: skip
    data: tuple[str, ...] = arguments.data()
    ignore: Optional[str] = argument(
        "--ignore", metavar="FILE", help="findings to ignore, each with a reason and a last day"
    )
    format: str = arguments.report_format("text", "json", "sarif", "github")
    notes: bool = argument("--notes", action="store_true", help="show notes too, and what is ignored (text)")
    verbose: bool = argument(
        "--verbose", action="store_true",
        help="show every object, program, place and guard, also if there are several objects, and notes (text)",
    )  # fmt: skip
    optional: bool = argument(
        "--optional",
        action="store_true",
        help='include optional programs (SEC("?...")) and functions that no program calls, which libbpf does not load',
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
        if self.format in ("text", "github"):
            tell(tally(report))
        return self.unusable if report.unreadable else report.status(self.failing).code

    def _report(self) -> Report:
        from kfuncdoc.audit.engine import AuditRequest, run
        from kfuncdoc.audit.loaders import LOADERS
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
        loader = LOADERS[self.loader]
        try:
            # The types that programs test for are read when the first one is asked for.
            return run(AuditRequest(objects, record, kernels, unreadable, ignored, loader, self.optional))
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
        return reports.as_text(
            report, shutil.get_terminal_size().columns, notes=self.notes or self.verbose, verbose=self.verbose
        )


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

    externs = [extern for read in objects for extern in read.externs]
    names = {*record.snapshot.catalog.entries, *(name for extern in externs for name in (extern.kfunc, extern.name))}
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


#: The name that stands for standard input.
_STANDARD_INPUT = "-"


@dataclass(frozen=True)
class ExplainCommand(Command):
    word = "explain"
    summary = "Explain the messages about kfuncs in a log of libbpf and the verifier."
    epilog = (
        "Exit status: 0 if the log has a message that kfuncdoc knows, 1 if it has none, 2 if it cannot be read or an "
        "argument cannot be used."
    )

    log: str = argument(
        nargs="?", metavar="FILE", default=_STANDARD_INPUT,
        help="what libbpf, the verifier or the kernel printed; '-' is standard input (default: standard input)",
    )  # fmt: skip
    kernel: Optional[str] = argument(
        "--kernel", metavar="vX.Y",
        help="the kernel that the program was loaded on (default: the one that the log names, else the newest "
        "release on the date)",
    )  # fmt: skip
    data: tuple[str, ...] = arguments.data()
    format: str = arguments.report_format("text", "json")
    output: Optional[str] = arguments.output()
    date: datetime.date = arguments.date()

    def run(self) -> int:
        from kfuncdoc.compat.kernels import KernelRecord
        from kfuncdoc.pages.explanation import explain, kernel_of_log

        catalog = sound_catalog(self.data)
        newest = catalog.calendar.newest(self.date)
        asked = release_at(self.kernel, catalog.calendar, self.date) if self.kernel else None
        book = load_messages_of(catalog.calendar)
        log = self._read(book)
        if not log.sightings:
            refuse(_nothing_known(log), FINDINGS)
        record = KernelRecord.whole(catalog, self.date)
        explanation = explain(log, book, record, kernel_of_log(log, asked, catalog.calendar, newest))
        put(self._text(explanation), self.output)
        return CLEAN

    def _read(self, book: MessageBook) -> Log:
        if self.log == _STANDARD_INPUT:
            if sys.stdin is None:
                refuse("there is no standard input")
            if sys.stdin.isatty():
                tell("kfuncdoc: reading standard input; end it with Ctrl-D")
            return _read_stream(sys.stdin.buffer, "standard input", book)
        try:
            stream = open(self.log, "rb")  # noqa: SIM115 - the with statement below closes it
        except (OSError, ValueError) as error:
            refuse(f"cannot read {self.log}: {reason(error) if isinstance(error, OSError) else error}")
        with stream:
            return _read_stream(stream, self.log, book)

    def _text(self, explanation: Explanation) -> str:
        from kfuncdoc.pages.explanation import as_json, as_text

        return as_json(explanation) if self.format == "json" else as_text(explanation)


def _read_stream(stream: BinaryIO, name: str, book: MessageBook) -> Log:
    from kfuncdoc.kernels.log_reader import read_log

    try:
        return read_log(stream, book)
    except OSError as error:
        refuse(f"cannot read {name}: {reason(error)}")


def _nothing_known(log: Log) -> str:
    """Return why there is nothing to explain, and what to do."""
    if not log.lines:
        return "the log is empty: give what the loader printed, with its standard error (2>&1)"
    return (
        f"no known message about kfuncs in {log.lines} line{'' if log.lines == 1 else 's'}: give all that the loader "
        "printed, with its standard error (2>&1), and the log of the verifier; 'docs/messages.rst' lists the known "
        "messages"
    )
