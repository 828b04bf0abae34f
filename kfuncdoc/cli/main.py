# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The command line: thin sub-commands over the pure modules.

Each command imports what it needs when it runs, so that ``--help`` and ``check`` start quickly; none
imports Sphinx.  Exit status: 0 clean, 1 findings, 2 unusable arguments; of ``audit`` those of
``kfuncdoc.audit.findings.Status``, and 1 for unusable input of any kind.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
from typing import TYPE_CHECKING, Iterable, Iterator, NoReturn, Optional, Sequence

from kfuncdoc import __version__

if TYPE_CHECKING:
    import datetime

    from kfuncdoc.audit.findings import Report, Status, Unreadable
    from kfuncdoc.base.diagnostics import Diagnostic
    from kfuncdoc.bpf.objects import BpfObject
    from kfuncdoc.compat.kernels import Kernel, KernelRecord
    from kfuncdoc.kernels.observation import Observation
    from kfuncdoc.kernels.releases import Release
    from kfuncdoc.record.catalog import Catalog

CLEAN, FINDINGS, UNUSABLE = 0, 1, 2


class _Refused(Exception):
    """What was asked for cannot be done; the message says why."""


class _Parser(argparse.ArgumentParser):
    """A parser with an exit status of its own for arguments that are wrong."""

    unusable = UNUSABLE

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(self.unusable, f"{self.prog}: error: {message}\n")


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run one command and return its exit status."""
    options, unknown = make_parser().parse_known_args(arguments)
    if unknown:
        options.parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    for stream in (sys.stdout, sys.stderr):
        # Names of files and keys may hold what the terminal cannot show, and a finding has to be shown.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        status = int(options.run(options))
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read the output has had enough.
        _forget_output()
        return FINDINGS
    except OSError as error:
        _forget_output()
        print(f"kfuncdoc: cannot write: {(error.strerror or str(error)).lower()}", file=sys.stderr)
        return int(options.unusable)
    except _Refused as refused:
        print(f"kfuncdoc: {refused}", file=sys.stderr)
        sys.exit(options.unusable)
    except KeyboardInterrupt:
        return 130
    return status


def _forget_output() -> None:
    """Keep Python from complaining again, when it flushes at its end, of an output that takes nothing."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands; the reference of the guide is generated from it."""
    parser = _Parser(prog="kfuncdoc", description="Stability pages for BPF kernel functions (kfuncs).")
    parser.add_argument("--version", action="version", version=f"kfuncdoc {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    check = _command(commands, "check", _check, "Check declarations and report everything that is wrong with them.")
    check.add_argument("paths", nargs="*", metavar="PATH", help="a file or a folder (default: this folder)")
    _add_format(check)
    check.add_argument("--strict", action="store_true", help="fail on warnings too")

    render = _command(commands, "render", _render, "Write the pages as plain reStructuredText.")
    _add_paths(render)
    render.add_argument("-o", "--output", metavar="DIR", required=True, help="the folder to write to")
    render.add_argument(
        "--templates",
        metavar="DIR",
        action="append",
        default=[],
        help="a folder of templates that go before the own ones",
    )
    render.add_argument(
        "--all", action="store_true", help="also the pages of releases and of program types, which are many"
    )
    _add_reference(render)

    overlay = _command(
        commands, "overlay", _overlay, "Write a Sphinx configuration that adds the pages to the docs of a kernel tree."
    )
    overlay.add_argument("folder", metavar="DIR", help="the folder to write conf.py to, outside of the tree")
    overlay.add_argument("--tree", metavar="TREE", default=".", help="the kernel tree (default: this folder)")
    overlay.add_argument(
        "--data",
        metavar="PATH",
        action="append",
        default=[],
        help=_DATA,
    )

    export = _command(commands, "export", _export, "Write the record as JSON.")
    _add_paths(export)
    export.add_argument("-o", "--output", metavar="FILE", help="the file to write (default: standard output)")
    _add_reference(export)

    feed = _command(commands, "feed", _feed, "Write what happened as an Atom feed.")
    _add_paths(feed)
    feed.add_argument(
        "--base-url", metavar="URL", default="",
        help="where the pages are that render writes, as HTML (default: beside the feed)",
    )  # fmt: skip
    feed.add_argument("-o", "--output", metavar="FILE", help="the file to write (default: standard output)")
    _add_reference(feed)

    schema = _command(commands, "schema", _schema, "Print the JSON Schema of declarations, for editors.")
    schema.add_argument("--export", action="store_true", help="the schema of the export instead")

    show = _command(commands, "show", _show, "Show one kfunc in the terminal.")
    show.add_argument("name", metavar="NAME", help="the name of the kfunc")
    _add_paths(show)
    _add_reference(show)

    diff = _command(commands, "diff", _diff, "Tell what happened to kfuncs from one release to another.")
    diff.add_argument("first", metavar="FROM", help="the release that programs run on, as v6.12")
    diff.add_argument("last", metavar="TO", help="a later one that they are to run on")
    diff.add_argument("--data", metavar="PATH", action="append", default=[], help=_DATA)
    diff.add_argument("--format", choices=("text", "markdown", "json"), default="text", help="default: text")
    diff.add_argument("--all", action="store_true", help="tell also what no caller notices (json: always)")
    diff.add_argument("-o", "--output", metavar="FILE", help="the file to write (default: standard output)")
    diff.set_defaults(date=None)  # what happened does not depend on it

    scan = _command(commands, "scan", _scan, "Read from a source tree or a built kernel which kfuncs it has.")
    scan.add_argument("sources", nargs="+", metavar="SOURCE", help=_SOURCE)
    scan.add_argument("-o", "--output", metavar="FILE", help="the file to write (default: standard output)")
    scan.add_argument("--format", choices=("text", "json"), default="text", help="default: text")
    scan.add_argument("--compact", action="store_true", help="JSON with nothing but what is compared with declarations")

    verify = _command(commands, "verify", _verify, "Compare declarations with a kernel.")
    _add_paths(verify)
    verify.add_argument("--against", nargs="+", metavar="SOURCE", required=True, help=f"{_SOURCE}, or what scan wrote")
    verify.add_argument("--release", metavar="vX.Y", help="the release of the kernel (default: what it says itself)")
    _add_format(verify)
    verify.add_argument("--notes", action="store_true", help="tell also what the kernel may just not be built with")

    update = _command(commands, "update", _update, "Append the events that make declarations true of a kernel.")
    update.add_argument("paths", nargs="+", metavar="DATA", help="a file or a folder of declarations")
    update.add_argument(
        "--from", dest="sources", nargs="+", metavar="SOURCE", required=True, help=f"{_SOURCE}, or what scan wrote"
    )
    update.add_argument("--release", metavar="vX.Y", help="the release of the kernel (default: what it says itself)")
    update.add_argument("--dry-run", action="store_true", help="print what would change, and change nothing")

    audit = _command(commands, "audit", _audit, "Tell which calls of BPF objects break, on which kernels.")
    audit.add_argument("objects", nargs="+", metavar="OBJECT", help=_OBJECT)
    _add_kernels(audit)
    audit.add_argument(
        "--btf", metavar="FILE[=vX.Y]", action="append", default=[],
        help="a real kernel: its vmlinux, BTF (/sys/kernel/btf/vmlinux), or a folder of them and its modules; what it "
        "has beats the record; BTF alone does not tell its release",
    )  # fmt: skip
    audit.add_argument("--data", metavar="PATH", action="append", default=[], help=_DATA)
    audit.add_argument("--ignore", metavar="FILE", help="findings to ignore, each with a reason and a last day")
    audit.add_argument("--format", choices=("text", "json", "sarif", "github"), default="text", help="default: text")
    audit.add_argument("--notes", action="store_true", help="show notes too, and what is ignored (text)")
    audit.add_argument(
        "--fail-on", metavar="WHAT", default="deprecated,breaks,replacement,unknown",
        help="what is to give its exit status, separated by commas: deprecated, breaks, replacement, unknown, or none "
        "(default: all)",
    )  # fmt: skip
    audit.add_argument("-o", "--output", metavar="FILE", help="the file to write (default: standard output)")
    audit.add_argument("--date", metavar="YYYY-MM-DD", help="as of this day (default: SOURCE_DATE_EPOCH, else today)")
    audit.epilog = (
        "Exit status: 0 nothing to do, 2 deprecated or changed, 3 breaks, 4 no one replacement is on every kernel "
        "asked for, 5 unknown to the record; the highest one counts.  1 where anything cannot be read or used, "
        "whatever else was found.  Without any kernels asked for it is the whole record, from the first release with "
        "every kfunc that the object cannot do without."
    )
    audit.set_defaults(unusable=FINDINGS)
    assert isinstance(audit, _Parser)
    audit.unusable = FINDINGS

    header = _command(commands, "header", _header, "Write a C header of kfuncs that warns of those that go.")
    header.add_argument("names", nargs="*", metavar="NAME", help="a kfunc (default: all that the kernels have)")
    _add_kernels(header)
    header.add_argument("--data", metavar="PATH", action="append", default=[], help=_DATA)
    header.add_argument("-o", "--output", metavar="FILE", help="the file to write (default: standard output)")
    header.add_argument("--date", metavar="YYYY-MM-DD", help="as of this day (default: SOURCE_DATE_EPOCH, else today)")
    return parser


_DATA = "a file or a folder of declarations (default: the record that comes with kfuncdoc)"
_OBJECT = "a BPF object, a library of them (.a), or a folder: every .bpf.o in it"
_SOURCE = "a kernel: its source tree, vmlinux, modules, BTF, or a folder with an image and its modules"


def _command(commands: argparse._SubParsersAction, name: str, run: object, words: str) -> argparse.ArgumentParser:  # type: ignore[type-arg]  # generic only for type checkers
    parser: argparse.ArgumentParser = commands.add_parser(name, help=words, description=words)
    parser.set_defaults(run=run, parser=parser, unusable=UNUSABLE)
    return parser


def _add_paths(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "paths", nargs="*", metavar="PATH", help="a file or a folder (default: the record that comes with kfuncdoc)"
    )


def _add_format(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--format", choices=("text", "json", "github"), default="text", help="default: text")


def _add_kernels(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--from", dest="first", metavar="vX.Y", help="the first of a range of kernels")
    parser.add_argument("--to", dest="last", metavar="vX.Y", help="the last of it (default: the last one recorded)")
    parser.add_argument(
        "--kernel", metavar="vX.Y,...", action="append", default=[], help="one kernel or more, separated by commas"
    )
    parser.add_argument("--lts", action="store_true", help="the long-term kernels that are maintained")


def _add_reference(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--release", metavar="vX.Y", help="as of this release (default: the newest out on the date)")
    parser.add_argument("--date", metavar="YYYY-MM-DD", help="as of this day (default: SOURCE_DATE_EPOCH, else today)")


# -- commands


def _check(options: argparse.Namespace) -> int:
    from kfuncdoc.base import diagnostics

    catalog = _load(options.paths or ["."])
    _tell(catalog, catalog.diagnostics, options.format)
    return FINDINGS if diagnostics.fails(catalog.diagnostics, strict=options.strict) else CLEAN


def _tell(catalog: Catalog, found: Sequence[Diagnostic], form: str) -> None:
    """Print what was *found* about *catalog* in one of the formats of reports."""
    from kfuncdoc.base import diagnostics

    if form == "json":
        print(diagnostics.as_json(found))
        return
    report = diagnostics.as_github if form == "github" else diagnostics.as_text
    for diagnostic in found:
        print(report(diagnostic))
    if form == "text":
        print(_tally(catalog, found), file=sys.stderr)


def _tally(catalog: Catalog, diagnostics: Sequence[Diagnostic]) -> str:
    kfuncs, files = len(catalog.entries), len(catalog.subsystems)
    counts: dict[str, int] = {}
    for diagnostic in diagnostics:
        counts[diagnostic.severity.value] = counts.get(diagnostic.severity.value, 0) + 1
    found = ", ".join(f"{number} {severity}{'s' if number > 1 else ''}" for severity, number in sorted(counts.items()))
    size = f"{kfuncs} kfunc{'' if kfuncs == 1 else 's'} in {files} file{'' if files == 1 else 's'}"
    return f"{size}: {found or 'nothing to report'}"


def _render(options: argparse.Namespace) -> int:
    from kfuncdoc.pages import page_files
    from kfuncdoc.pages.renderer import Renderer, TemplateFailed
    from kfuncdoc.record.declaration_files import BASIC_OVERVIEWS, OVERVIEWS, by_page

    catalog = _load(_packaged_unless(options.paths))
    release, date = _reference(options, catalog)
    _, clashes = by_page(subsystem.path for subsystem in catalog.subsystems)
    status = _report(catalog, clashes)
    if status != CLEAN:
        return status
    for folder in options.templates:
        if not os.path.isdir(folder):
            _refuse(f"there is no folder of templates '{folder}'")
    try:
        chosen = OVERVIEWS if options.all else BASIC_OVERVIEWS
        texts = page_files.pages(Renderer(catalog, release, date, templates=options.templates, chosen=chosen))
    except TemplateFailed as error:
        _refuse(f"template {error}")
    try:
        result = page_files.write(texts, options.output)
    except OSError as error:
        _refuse(f"cannot write to {options.output}: {(error.strerror or str(error)).lower()}")
    for name in result.refused:
        path = os.path.join(options.output, name)
        print(f"kfuncdoc: {path} was not written by kfuncdoc, or was changed since", file=sys.stderr)
    if result.refused:
        print("kfuncdoc: nothing was written", file=sys.stderr)
        return FINDINGS
    counts = {"written": result.written, "unchanged": result.unchanged, "pruned": result.pruned}
    print(", ".join(f"{len(names)} {what}" for what, names in counts.items()), file=sys.stderr)
    return CLEAN


def _overlay(options: argparse.Namespace) -> int:
    from kfuncdoc.pages import overlay

    for path in options.data:
        if not os.path.lexists(path):
            _refuse(f"there is no file or folder '{path}'")
    data = [os.path.abspath(path) for path in options.data] or ["packaged"]
    try:
        command = overlay.write(options.folder, options.tree, data)
    except overlay.OverlayRefused as error:
        _refuse(str(error))
    print(command)
    return CLEAN


def _export(options: argparse.Namespace) -> int:
    from kfuncdoc.pages.export import export
    from kfuncdoc.record.snapshot import Snapshot
    from kfuncdoc.views.kfunc import KfuncViews

    catalog = _load(_packaged_unless(options.paths))
    release, date = _reference(options, catalog)
    status = _report(catalog)
    if status != CLEAN:
        return status
    _give(export(KfuncViews(Snapshot(catalog, release, date))), options.output)
    return CLEAN


def _feed(options: argparse.Namespace) -> int:
    from kfuncdoc.pages.feed import below, feed
    from kfuncdoc.record.address import address
    from kfuncdoc.record.declaration_files import FEED
    from kfuncdoc.record.snapshot import Snapshot
    from kfuncdoc.views.kfunc import KfuncViews

    catalog = _load(_packaged_unless(options.paths))
    release, date = _reference(options, catalog)
    status = _report(catalog)
    if status != CLEAN:
        return status

    def at(path: str) -> str:
        return below(options.base_url, path)

    def where(name: str) -> str:
        return at(f"{catalog.entries[name][0].page}.html#{address(name)}")

    try:
        text = feed(KfuncViews(Snapshot(catalog, release, date)), where=where, home=at("index.html"), own=at(FEED))
    except ImportError:
        _refuse("feeds need feedgen, which comes with kfuncdoc[feed]: pip install '.[feed]' in a clone")
    _give(text, options.output)
    return CLEAN


def _schema(options: argparse.Namespace) -> int:
    import json

    from kfuncdoc.pages import export
    from kfuncdoc.record import model

    print(json.dumps(export.json_schema() if options.export else model.json_schema(), indent=2))
    return CLEAN


def _show(options: argparse.Namespace) -> int:
    from kfuncdoc.base.diagnostics import nearest
    from kfuncdoc.pages.terminal import show

    catalog = _load(_packaged_unless(options.paths))
    release, date = _reference(options, catalog)
    text = show(catalog, options.name, release, date)
    if text is None and options.name in catalog.entries:
        _report(catalog)
        print(f"kfuncdoc: the declaration of '{options.name}' is wrong and cannot be shown", file=sys.stderr)
        return FINDINGS
    if text is None:
        hint = nearest(options.name, catalog.entries)
        print(f"kfuncdoc: no kfunc '{options.name}' is declared{': ' + hint if hint else ''}", file=sys.stderr)
        return FINDINGS
    print(text)
    return CLEAN


def _diff(options: argparse.Namespace) -> int:
    import shutil

    from kfuncdoc.audit.asked_kernels import KernelUnknown, recorded_release
    from kfuncdoc.compat.kernels import KernelRecord
    from kfuncdoc.pages import difference_report
    from kfuncdoc.views.difference import difference

    catalog = _load(_packaged_unless(options.data))
    status = _report(catalog)
    if status != CLEAN:
        return status
    record = KernelRecord.whole(catalog, _date(options))
    try:
        first, last = recorded_release(record, options.first), recorded_release(record, options.last)
    except KernelUnknown as error:
        _refuse(str(error))
    if last < first:
        _refuse(f"{first} comes after {last}")
    found = difference(record.snapshot.at(last), first)
    if options.format == "json":
        text = difference_report.as_json(found)
    elif options.format == "markdown":
        text = difference_report.as_markdown(found, with_unnoticed=options.all)
    else:
        text = difference_report.as_text(found, shutil.get_terminal_size().columns, with_unnoticed=options.all)
    _give(text, options.output)
    return CLEAN


def _scan(options: argparse.Namespace) -> int:
    from kfuncdoc.kernels.observation import as_json, as_text

    observation = _observe(options.sources)
    _give(
        as_json(observation, compact=options.compact) if options.format == "json" else as_text(observation),
        options.output,
    )
    for remark in observation.remarks:
        print(f"{remark.file}:{remark.line}: {remark.text}", file=sys.stderr)
    return CLEAN


def _verify(options: argparse.Namespace) -> int:
    from kfuncdoc.base import diagnostics
    from kfuncdoc.upkeep.verify import verify

    catalog = _load(_packaged_unless(options.paths))
    status = _report(catalog)
    if status != CLEAN:
        return status
    observation = _observe(options.against)
    found = verify(catalog, observation, _release_of(options, observation, catalog))
    if not options.notes:
        found = tuple(each for each in found if each.severity is not diagnostics.Severity.INFO)
    _tell(catalog, found, options.format)
    return FINDINGS if diagnostics.fails(found) else CLEAN


def _update(options: argparse.Namespace) -> int:
    from kfuncdoc.base.progress import track
    from kfuncdoc.upkeep import update

    catalog = _load(options.paths)
    observation = _observe(options.sources)
    try:
        changes = update.update(catalog, observation, _release_of(options, observation, catalog))
        if options.dry_run:
            sys.stdout.write(update.diff(changes))
        else:
            update.write(changes, track)
    except update.UpdateRefused as error:
        _refuse(str(error))
    for event in changes.events:
        print(event, file=sys.stderr)
    if changes.questions:
        print("\nLeft to you:", file=sys.stderr)
    for question in changes.questions:
        print(question, file=sys.stderr)
    done = "would change" if options.dry_run else "changed"
    print(f"{len(changes.events)} events, {len(changes.texts)} files {done}", file=sys.stderr)
    return CLEAN


def _audit(options: argparse.Namespace) -> int:
    from kfuncdoc.audit import ignores
    from kfuncdoc.audit.engine import AuditRequest, run
    from kfuncdoc.base.diagnostics import as_text
    from kfuncdoc.compat.kernels import KernelRecord

    failing = _failing(options.fail_on)
    entries: Sequence[ignores.Ignore] = ()
    if options.ignore:
        try:
            entries = ignores.read_ignores(options.ignore)
        except ignores.IgnoresUnusable as error:
            for diagnostic in error.diagnostics:
                print(as_text(diagnostic), file=sys.stderr)
            return int(options.unusable)
    catalog = _load(_packaged_unless(options.data))
    if _report(catalog) != CLEAN:
        return int(options.unusable)
    record = KernelRecord.whole(catalog, _date(options))
    objects, broken = _read_objects(options.objects)
    kernels = [*_kernels(options, record), *_observed_kernels(options.btf, objects, record)]
    report = run(AuditRequest(objects, record, kernels, broken, entries))
    _give(_audit_as(options, report), options.output)
    for each in report.unreadable:
        print(f"kfuncdoc: {each.path}: {each.message}", file=sys.stderr)
    for remark in report.remarks:
        print(f"kfuncdoc: {remark}", file=sys.stderr)
    if options.format == "text":
        from kfuncdoc.audit.reports import tally

        print(tally(report), file=sys.stderr)
    return int(options.unusable) if broken else report.status(failing).code


def _failing(text: str) -> frozenset[Status]:
    """Return the statuses that ``--fail-on`` names."""
    from kfuncdoc.audit.findings import Status
    from kfuncdoc.base.diagnostics import nearest

    known = {status.word: status for status in Status if status is not Status.CLEAN}
    words = [word for word in (each.strip() for each in text.split(",")) if word not in ("", "none")]
    for word in words:
        if word not in known:
            hint = nearest(word, known) or f"known are {', '.join(known)}, and none"
            _refuse(f"--fail-on knows no '{word}': {hint}")
    return frozenset(known[word] for word in words)


def _audit_as(options: argparse.Namespace, report: Report) -> str:
    if options.format == "sarif":
        from kfuncdoc.audit.sarif import as_sarif

        return as_sarif(report)
    import shutil

    from kfuncdoc.audit import reports

    if options.format == "json":
        return reports.as_json(report)
    if options.format == "github":
        return reports.as_github(report)
    return reports.as_text(report, shutil.get_terminal_size().columns, notes=options.notes)


def _kernels(options: argparse.Namespace, record: KernelRecord) -> tuple[Kernel, ...]:
    """Return the kernels of the record that are asked for."""
    from kfuncdoc.audit.asked_kernels import KernelUnknown, asked_for

    names = [name.strip() for text in options.kernel for name in text.split(",") if name.strip()]
    try:
        return asked_for(record, first=options.first, last=options.last, names=names, long_term=options.lts)
    except KernelUnknown as error:
        _refuse(str(error))


def _read_objects(paths: Sequence[str]) -> tuple[list[BpfObject], list[Unreadable]]:
    """Return the BPF objects at *paths*, and what is wrong with those that cannot be read."""
    from kfuncdoc.audit.findings import Unreadable
    from kfuncdoc.base.progress import track

    try:
        from kfuncdoc.scan.binary.objects import find_objects, read_objects
    except ImportError as error:
        _refuse(f"audits need {error.name}, which comes with kfuncdoc[scan]: pip install '.[scan]' in a clone")
    from kfuncdoc.scan import Unscannable

    objects: list[BpfObject] = []
    found, closed = find_objects(paths)
    broken = [Unreadable(path, message) for path, message in closed]
    for path in track(found):
        try:
            objects.extend(read_objects(path))
        except Unscannable as error:
            broken.append(Unreadable(error.path, error.message))
    return objects, broken


def _observed_kernels(paths: Sequence[str], objects: Sequence[BpfObject], record: KernelRecord) -> Iterator[Kernel]:
    """Yield the kernels at *paths*, as far as the kfuncs of *objects* and of *record* matter there."""
    from kfuncdoc.audit.asked_kernels import KernelUnknown, observed_kernel

    names = {*record.snapshot.catalog.entries, *(extern.kfunc for each in objects for extern in each.externs)}
    for given in dict.fromkeys(paths):
        from kfuncdoc.base.progress import track
        from kfuncdoc.scan import Unscannable
        from kfuncdoc.scan.binary.image import find_functions

        # FILE=v6.12 is a file of that release, unless there is one of that name.
        path, equals, release = given.rpartition("=")
        if not equals or os.path.lexists(given):
            path, release = given, ""
        if not os.path.lexists(path):
            _refuse(f"there is no file or folder '{path}'")
        try:
            yield observed_kernel(record, path, find_functions([path], names, track=track), release or None)
            continue
        except (Unscannable, KernelUnknown) as error:
            message = str(error)
        _refuse(message)


def _header(options: argparse.Namespace) -> int:
    from kfuncdoc.base.diagnostics import nearest
    from kfuncdoc.compat.header import header
    from kfuncdoc.compat.kernels import KernelRecord, Presence

    catalog = _load(_packaged_unless(options.data))
    status = _report(catalog)
    if status != CLEAN:
        return status
    record = KernelRecord.whole(catalog, _date(options))
    for name in options.names:
        if record.snapshot.find(name) is None:
            hint = nearest(name, catalog.entries)
            _refuse(f"no kfunc '{name}' is declared{': ' + hint if hint else ''}")
    kernels = _kernels(options, record) or record.kernels
    for name in options.names:
        if all(record.look(name, kernel).presence is not Presence.PRESENT for kernel in kernels):
            _refuse(f"none of these kernels has '{name}'")
    _give(header(record, kernels, options.names), options.output)
    return CLEAN


# -- shared


def _date(options: argparse.Namespace) -> datetime.date:
    from kfuncdoc.kernels.reference import ReferenceUnknown, reference_date

    try:
        return reference_date(options.date, os.environ)
    except ReferenceUnknown as error:
        _refuse(str(error))


def _observe(sources: Sequence[str]) -> Observation:
    """Return what *sources*, a kernel or a saved observation of one, have."""
    from kfuncdoc.base.progress import track
    from kfuncdoc.kernels.observation import ObservationUnusable, from_json

    if len(sources) == 1 and sources[0].endswith(".json"):
        try:
            with open(sources[0], encoding="utf-8") as stream:
                return from_json(stream.read())
        except (OSError, UnicodeDecodeError, ObservationUnusable) as error:
            _refuse(f"{sources[0]}: {str(getattr(error, 'strerror', None) or error).lower()}")
    from kfuncdoc.scan import Unscannable, scan

    try:
        return scan(sources, track=track)
    except Unscannable as error:
        message = str(error)
    except ImportError as error:
        message = f"to read a kernel needs {error.name}: install kfuncdoc[scan]"
    # Only here, with the error gone, is the work given up and its progress off the terminal.
    return _refuse(message)


def _release_of(options: argparse.Namespace, observation: Observation, catalog: Catalog) -> Release:
    """Return the release that a kernel is to be taken for."""
    from kfuncdoc.kernels.reference import ReferenceUnknown, reference_date, reference_release

    name = options.release or observation.release
    if name is None:
        _refuse("this does not tell which release it is of; say it with --release")
    try:
        return reference_release(name, catalog.calendar, reference_date(None, os.environ))
    except ReferenceUnknown as error:
        _refuse(str(error))


def _give(text: str, path: Optional[str]) -> None:
    """Write *text* to the file at *path*, or to standard output."""
    if path is None:
        sys.stdout.write(text)
        sys.stdout.flush()  # what follows on standard error is told after it
        return
    from kfuncdoc.base.files import write_whole

    # The name of a file in a kernel's tree may be no text at all.
    text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    try:
        if os.path.exists(path) and not os.path.isfile(path):
            with open(path, "w", encoding="utf-8", newline="\n") as stream:  # a device, a pipe
                stream.write(text)
        else:
            write_whole(path, text)
    except OSError as error:
        _refuse(f"cannot write {path}: {(error.strerror or str(error)).lower()}")


def _packaged_unless(paths: Sequence[str]) -> Sequence[str]:
    from kfuncdoc.base.resources import packaged

    return paths or [str(packaged("data"))]


def _load(paths: Sequence[str]) -> Catalog:
    from kfuncdoc.base.progress import track
    from kfuncdoc.record.declaration_files import find
    from kfuncdoc.record.load import load

    for path in paths:
        if not os.path.lexists(path):
            _refuse(f"there is no file or folder '{path}'")
    files = find(paths)
    if not files:
        _refuse(f"no *.kfuncs.yaml in {', '.join(paths)}")
    return load(files, track=track)


def _reference(options: argparse.Namespace, catalog: Catalog) -> tuple[Release, datetime.date]:
    from kfuncdoc.kernels.reference import ReferenceUnknown, reference_date, reference_release

    try:
        date = reference_date(options.date, os.environ)
        return reference_release(options.release, catalog.calendar, date), date
    except ReferenceUnknown as error:
        _refuse(str(error))


def _report(catalog: Catalog, more: Iterable[Diagnostic] = ()) -> int:
    """Print the errors of a catalog that is to be used; they are told by `check` in full."""
    from kfuncdoc.base.diagnostics import Severity, as_text

    errors = [found for found in catalog.diagnostics if found.severity is Severity.ERROR]
    errors.extend(more)
    for found in errors:
        print(as_text(found), file=sys.stderr)
    return FINDINGS if errors else CLEAN


def _refuse(message: str) -> NoReturn:
    raise _Refused(message)
