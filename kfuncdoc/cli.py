# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The command line: thin sub-commands over the pure modules.

Each command imports what it needs when it runs, so that ``--help`` and ``check`` start quickly; none
imports Sphinx.  Exit status: 0 clean, 1 findings, 2 unusable arguments.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
from typing import TYPE_CHECKING, Iterable, NoReturn, Optional, Sequence

from kfuncdoc import __version__

if TYPE_CHECKING:
    import datetime

    from kfuncdoc.catalog import Catalog
    from kfuncdoc.diagnostics import Diagnostic
    from kfuncdoc.releases import Release

CLEAN, FINDINGS, UNUSABLE = 0, 1, 2


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run one command and return its exit status."""
    parser = make_parser()
    options = parser.parse_args(arguments)
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
        return UNUSABLE
    except KeyboardInterrupt:
        return 130
    return status


def _forget_output() -> None:
    """Keep Python from complaining again, when it flushes at its end, of an output that takes nothing."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands; the reference of the guide is generated from it."""
    parser = argparse.ArgumentParser(prog="kfuncdoc", description="Stability pages for BPF kernel functions (kfuncs).")
    parser.add_argument("--version", action="version", version=f"kfuncdoc {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    check = _command(commands, "check", _check, "Check declarations and report everything that is wrong with them.")
    check.add_argument("paths", nargs="*", metavar="PATH", help="a file or a folder (default: this folder)")
    check.add_argument("--format", choices=("text", "json", "github"), default="text", help="default: text")
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
    _add_reference(render)

    export = _command(commands, "export", _export, "Write the record as JSON.")
    _add_paths(export)
    export.add_argument("-o", "--output", metavar="FILE", help="the file to write (default: standard output)")
    _add_reference(export)

    schema = _command(commands, "schema", _schema, "Print the JSON Schema of declarations, for editors.")
    schema.add_argument("--export", action="store_true", help="the schema of the export instead")

    show = _command(commands, "show", _show, "Show one kfunc in the terminal.")
    show.add_argument("name", metavar="NAME", help="the name of the kfunc")
    _add_paths(show)
    _add_reference(show)
    return parser


def _command(commands: argparse._SubParsersAction, name: str, run: object, words: str) -> argparse.ArgumentParser:  # type: ignore[type-arg]  # generic only for type checkers
    parser: argparse.ArgumentParser = commands.add_parser(name, help=words, description=words)
    parser.set_defaults(run=run)
    return parser


def _add_paths(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "paths", nargs="*", metavar="PATH", help="a file or a folder (default: the record that comes with kfuncdoc)"
    )


def _add_reference(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--release", metavar="vX.Y", help="as of this release (default: the newest out on the date)")
    parser.add_argument("--date", metavar="YYYY-MM-DD", help="as of this day (default: SOURCE_DATE_EPOCH, else today)")


# -- commands


def _check(options: argparse.Namespace) -> int:
    from kfuncdoc import diagnostics

    catalog = _load(options.paths or ["."])
    found = catalog.diagnostics
    if options.format == "json":
        print(diagnostics.as_json(found))
    else:
        report = diagnostics.as_github if options.format == "github" else diagnostics.as_text
        for diagnostic in found:
            print(report(diagnostic))
    if options.format == "text":
        print(_tally(catalog), file=sys.stderr)
    return FINDINGS if diagnostics.fails(found, strict=options.strict) else CLEAN


def _tally(catalog: Catalog) -> str:
    kfuncs, files = len(catalog.entries), len(catalog.subsystems)
    counts: dict[str, int] = {}
    for diagnostic in catalog.diagnostics:
        counts[diagnostic.severity.value] = counts.get(diagnostic.severity.value, 0) + 1
    found = ", ".join(f"{number} {severity}{'s' if number > 1 else ''}" for severity, number in sorted(counts.items()))
    size = f"{kfuncs} kfunc{'' if kfuncs == 1 else 's'} in {files} file{'' if files == 1 else 's'}"
    return f"{size}: {found or 'nothing to report'}"


def _render(options: argparse.Namespace) -> int:
    from kfuncdoc import output
    from kfuncdoc.render import Renderer, TemplateFailed

    catalog = _load(_packaged_unless(options.paths))
    release, date = _reference(options, catalog)
    status = _report(catalog, output.clashes(catalog))
    if status != CLEAN:
        return status
    for folder in options.templates:
        if not os.path.isdir(folder):
            _refuse(f"there is no folder of templates '{folder}'")
    try:
        texts = output.pages(Renderer(catalog, release, date, templates=options.templates))
    except TemplateFailed as error:
        _refuse(f"template {error}")
    try:
        result = output.write(texts, options.output)
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


def _export(options: argparse.Namespace) -> int:
    from kfuncdoc.export import export
    from kfuncdoc.output import replace

    catalog = _load(_packaged_unless(options.paths))
    release, date = _reference(options, catalog)
    status = _report(catalog)
    if status != CLEAN:
        return status
    text = export(catalog, release, date)
    if options.output is None:
        sys.stdout.write(text)
        return CLEAN
    try:
        if os.path.exists(options.output) and not os.path.isfile(options.output):
            with open(options.output, "w", encoding="utf-8", newline="\n") as stream:  # a device, a pipe
                stream.write(text)
        else:
            replace(options.output, text)
    except OSError as error:
        _refuse(f"cannot write {options.output}: {(error.strerror or str(error)).lower()}")
    return CLEAN


def _schema(options: argparse.Namespace) -> int:
    import json

    from kfuncdoc import export, model

    print(json.dumps(export.json_schema() if options.export else model.json_schema(), indent=2))
    return CLEAN


def _show(options: argparse.Namespace) -> int:
    from kfuncdoc.diagnostics import nearest
    from kfuncdoc.show import show

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


# -- shared


def _packaged_unless(paths: Sequence[str]) -> Sequence[str]:
    from kfuncdoc.resources import packaged

    return paths or [str(packaged("data"))]


def _load(paths: Sequence[str]) -> Catalog:
    from kfuncdoc.load import find, load
    from kfuncdoc.progress import track

    for path in paths:
        if not os.path.lexists(path):
            _refuse(f"there is no file or folder '{path}'")
    files = find(paths)
    if not files:
        _refuse(f"no *.kfuncs.yaml in {', '.join(paths)}")
    return load(files, track=track)


def _reference(options: argparse.Namespace, catalog: Catalog) -> tuple[Release, datetime.date]:
    from kfuncdoc.reference import ReferenceUnknown, reference_date, reference_release

    try:
        date = reference_date(options.date, os.environ)
        return reference_release(options.release, catalog.calendar, date), date
    except ReferenceUnknown as error:
        _refuse(str(error))


def _report(catalog: Catalog, more: Iterable[Diagnostic] = ()) -> int:
    """Print the errors of a catalog that is to be used; they are told by `check` in full."""
    from kfuncdoc.diagnostics import Severity, as_text

    errors = [found for found in catalog.diagnostics if found.severity is Severity.ERROR]
    errors.extend(more)
    for found in errors:
        print(as_text(found), file=sys.stderr)
    return FINDINGS if errors else CLEAN


def _refuse(message: str) -> NoReturn:
    print(f"kfuncdoc: {message}", file=sys.stderr)
    sys.exit(UNUSABLE)
