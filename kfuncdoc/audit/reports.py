# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The report as text for a terminal, as JSON, and as commands that GitHub Actions shows at the code."""

from __future__ import annotations

import json
import textwrap
from typing import Any, Iterator, Sequence

from kfuncdoc.audit.findings import Finding, Report
from kfuncdoc.audit.words import in_which_it_loads
from kfuncdoc.base import json_schema as json_schemas
from kfuncdoc.base.diagnostics import Severity, workflow_command
from kfuncdoc.base.json_schema import Schema
from kfuncdoc.base.prose import as_words
from kfuncdoc.bpf.objects import Call, SourceLine
from kfuncdoc.compat.kernels import in_words

#: The version of the JSON.
FORMAT = 1
#: The heads of the table, and how the width is shared where there is enough of it.
_HEADS = ("Object", "kfunc", "Programs", "Kernels", "Finding", "What to do")
_SHARES = (12, 28, 14, 12, 26, 18)
_WIDE = 132
_WORDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}


# -- text


def as_text(report: Report, width: int, *, notes: bool = False) -> str:
    """Return *report* for a terminal of *width* columns: the range of each object, one table, and guards to write.

    Findings that need nothing to be done, which are notes and ignored ones, are in it only if *notes* is set.
    """
    shown = [finding for finding in report.findings if notes or finding.counts]
    blocks = [
        "\n".join(
            f"{of_object.object.path}: {in_which_it_loads(of_object, report.kernels)}" for of_object in report.objects
        )
    ]
    if shown:
        table = _table if width >= _WIDE else _stacked
        blocks.append("\n".join(table(shown, report, width)))
    # A kfunc and the one that replaces it have the same guard.
    guards: dict[str, dict[str, None]] = {}
    for finding in shown:
        if finding.advice and finding.advice.guard and finding.counts:
            guards.setdefault(finding.advice.guard, {})[finding.extern.kfunc] = None
    for code, kfuncs in guards.items():
        blocks.append(f"A guard for {' and '.join(kfuncs)}:\n\n{textwrap.indent(code, '    ').rstrip()}")
    return "\n\n".join(blocks) + "\n"


def tally(report: Report) -> str:
    """Return the numbers of objects and findings, and the last release of the record, in one line."""
    counts: dict[str, int] = {}
    for finding in report.findings:
        word = "ignored" if finding.ignored else _WORDS[finding.severity]
        counts[word] = counts.get(word, 0) + 1
    totals = [_plural(counts[word], word) for word in ("error", "warning", "note") if word in counts]
    totals += [f"{counts['ignored']} ignored"] if "ignored" in counts else []
    totals += [f"{len(report.unreadable)} could not be read"] if report.unreadable else []
    objects = _plural(len(report.objects) + len(report.unreadable), "object")
    return f"{objects}: {', '.join(totals) or 'nothing to report'}; the record goes up to {report.recorded}"


def _plural(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"


def _cells(finding: Finding, report: Report) -> tuple[str, ...]:
    text = f"{_WORDS[finding.severity]}: {finding.reason} [{finding.rule.rule}]"
    if finding.observed:
        text += " (observed)"
    if finding.ignored:
        text += f" (ignored until {finding.ignored.until}: {finding.ignored.reason})"
    return (
        "\n".join([finding.object.path, *places_of(finding)]),
        finding.extern.name,
        callers(finding),
        in_words(finding.kernels, report.kernels),
        text,
        finding.advice.words if finding.advice else "",
    )


def _table(findings: Sequence[Finding], report: Report, width: int) -> Iterator[str]:
    """Yield a table whose cells are wrapped to their share of *width*."""
    gap = "  "
    room = width - len(gap) * (len(_HEADS) - 1)
    rows = [_HEADS, *(_cells(finding, report) for finding in findings)]
    longest = [max(len(line) for row in rows for line in row[column].split("\n")) for column in range(len(_HEADS))]
    widths = _shared(room, longest)
    for number, row in enumerate(rows):
        cells = [_wrapped_cell(cell, wide) for cell, wide in zip(row, widths)]
        for line in range(max(map(len, cells))):
            parts = (cell[line] if line < len(cell) else "" for cell in cells)
            yield gap.join(part.ljust(wide) for part, wide in zip(parts, widths)).rstrip()
        if number == 0:
            yield gap.join("-" * wide for wide in widths)


def _wrapped_cell(cell: str, width: int) -> list[str]:
    return [line for text in cell.split("\n") for line in textwrap.wrap(text, width, break_on_hyphens=False) or [""]]


def _shared(room: int, longest: Sequence[int]) -> list[int]:
    """Return the widths of columns within *room*; what a column does not need of its share goes to the others."""
    widths, open_columns = list(longest), set(range(len(longest)))
    while True:
        left = room - sum(widths[column] for column in range(len(widths)) if column not in open_columns)
        total = sum(_SHARES[column] for column in open_columns) or 1
        content = {column for column in open_columns if longest[column] <= left * _SHARES[column] // total}
        if not content:
            for column in open_columns:
                widths[column] = max(left * _SHARES[column] // total, 8)
            return widths
        open_columns -= content


def _stacked(findings: Sequence[Finding], report: Report, width: int) -> Iterator[str]:
    """Yield a block for each finding: the cells of the table, one below the other."""
    for number, finding in enumerate(findings):
        where, kfunc, programs, kernels, text, advice = _cells(finding, report)
        path, *places = where.split("\n")
        if number:
            yield ""
        yield from _wrapped(f"{path}: {text}", "", width)
        for place in places:
            yield f"    at {place}"  # whole, to be clicked at
        for label, cell in (("kfunc", kfunc), ("programs", programs), ("kernels", kernels), ("what to do", advice)):
            if cell:
                yield from _wrapped(f"{label}: {cell}", "    ", width)


def _wrapped(text: str, indent: str, width: int) -> list[str]:
    return textwrap.wrap(
        text,
        max(width, 40),
        initial_indent=indent,
        subsequent_indent=indent + "    ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def callers(finding: Finding) -> str:
    """Return the programs that call the kfunc of a finding, else the functions; "nothing" if none does."""
    if finding.programs:
        return ", ".join(finding.programs)
    functions = dict.fromkeys(call.function for call in finding.calls)
    return f"{', '.join(functions)}, in no program here" if functions else "nothing"


def places_of(finding: Finding) -> list[str]:
    """Return the places of the calls that a finding is about."""
    return list(dict.fromkeys(_place(call.source) for call in finding.calls if call.source is not None))


def _place(line: SourceLine) -> str:
    return f"{line.file}:{line.line}:{line.column}" if line.column else f"{line.file}:{line.line}"


# -- GitHub Actions


def as_github(report: Report) -> str:
    """Return a workflow command for each call with a finding, at its line of the source."""
    commands = dict.fromkeys(
        command for finding in report.findings if finding.counts for command in _commands(finding, report)
    )
    for unreadable in report.unreadable:
        command = workflow_command(Severity.ERROR, unreadable.path, 0, 0, "kfuncdoc unreadable", unreadable.message)
        commands[command] = None
    return "".join(f"{command}\n" for command in commands)


def _commands(finding: Finding, report: Report) -> Iterator[str]:
    title = f"kfuncdoc {finding.rule.rule}"
    message = in_one_line(finding, report)
    places = dict.fromkeys(call.source for call in finding.calls if call.source is not None)
    for place in places:
        yield workflow_command(finding.severity, place.file, place.line, place.column, title, message)
    if not places:
        yield workflow_command(finding.severity, finding.object.path, 0, 0, title, message)


def in_one_line(finding: Finding, report: Report) -> str:
    """Return *finding* as one sentence."""
    kernels = in_words(finding.kernels, report.kernels)
    message = f"{finding.extern.name}, called by {callers(finding)}, on {kernels}: {finding.reason}"
    advice = f"; {finding.advice.words}" if finding.advice else ""
    return message + advice + (" (observed)" if finding.observed else "")


# -- JSON


def as_json(report: Report) -> str:
    """Return *report* as JSON, as :func:`json_schema` describes it: everything in it."""
    document = {
        "format": FORMAT,
        "recorded": report.recorded,
        "kernels": [
            {
                "name": kernel.name,
                "release": kernel.release.name if kernel.release else None,
                "basis": "observed" if kernel.observed is not None else "declared",
            }
            for kernel in report.kernels
        ],
        "objects": [
            {
                "path": audited.object.path,
                "offset": audited.object.offset,
                "has_btf": audited.object.has_btf,
                "summary": in_which_it_loads(audited, report.kernels),
                "loads": [kernel.name for kernel in audited.loads],
                "breaks": [kernel.name for kernel in audited.breaks],
                "unsure": [kernel.name for kernel in audited.unsure],
                "kfuncs": [
                    {
                        "extern": extern.name,
                        "kfunc": extern.kfunc,
                        "weak": extern.weak,
                        "prototype": extern.prototype,
                    }
                    for extern in audited.object.externs
                ],
                "findings": [_as_mapping(finding) for finding in audited.findings],
            }
            for audited in report.objects
        ],
        "unreadable": [{"path": file.path, "message": file.message} for file in report.unreadable],
        "remarks": list(report.remarks),
    }
    return json.dumps(document, indent=2) + "\n"


def _as_mapping(finding: Finding) -> dict[str, Any]:
    advice = finding.advice
    return {
        "rule": finding.rule.rule,
        "severity": finding.severity.value,
        "exit_status": max((status.code for status in finding.statuses), default=0),
        "extern": finding.extern.name,
        "kfunc": finding.extern.kfunc,
        "kernels": [kernel.name for kernel in finding.kernels],
        "basis": "observed" if finding.observed else "declared",
        "reason": finding.reason,
        "calls": [_call(call) for call in finding.calls],
        "advice": None
        if advice is None
        else {
            "words": advice.words,
            "instead": [
                {
                    "kfunc": replacement.name,
                    "when": as_words(replacement.case.text) if replacement.case else "",
                    "missing_on": [kernel.name for kernel in advice.lacking(replacement)],
                }
                for replacement in advice.instead
            ],
            "missing_on": [kernel.name for kernel in advice.missing_on],
            "guard": advice.guard,
        },
        "ignored": None
        if finding.ignored is None
        else {"reason": finding.ignored.reason, "until": finding.ignored.until.isoformat()},
    }


def _call(call: Call) -> dict[str, Any]:
    return {
        "function": call.function,
        "programs": [
            {
                "name": program.name,
                "section": program.section,
                "program_type": program.program_type,
                "struct_ops": program.struct_ops,
                "member": program.member,
                "optional": program.optional,
            }
            for program in call.programs
        ],
        "found": sorted(call.found),
        "missed": sorted(call.missed),
        "file": call.source.file if call.source else None,
        "line": call.source.line if call.source else None,
        "column": call.source.column if call.source else None,
    }


def json_schema() -> Schema:
    """Return the JSON Schema of what :func:`as_json` writes."""
    kernel = json_schemas.record(
        "One kernel.",
        {
            "name": json_schemas.text("Its name, by which the rest of the document refers to it."),
            "release": json_schemas.nullable(
                json_schemas.text("The release whose declared facts hold; null where a real kernel does not tell.")
            ),
            "basis": _basis("Whether it is a release of the record, or a real kernel that was looked into."),
        },
    )
    kfunc = json_schemas.record(
        "One kfunc that the object declares.",
        {
            "extern": json_schemas.text("Its name in the object."),
            "kfunc": json_schemas.text("The name that libbpf looks for in the kernel."),
            "weak": json_schemas.flag("Whether the object loads without it."),
            "prototype": json_schemas.nullable(
                json_schemas.text("As the program declared it, in C; null where the object does not tell.")
            ),
        },
    )
    unreadable = json_schemas.record(
        "One of them.",
        {"path": json_schemas.text("Its path."), "message": json_schemas.text("Why it could not be read.")},
    )
    report = json_schemas.record(
        "One object.",
        {
            "path": json_schemas.text("Its path; what it is inside of that file follows in parentheses."),
            "offset": json_schemas.nullable(
                json_schemas.number("Where it begins in a program, in bytes; null where it is not inside of one.")
            ),
            "has_btf": json_schemas.flag("Whether it has BTF, without which libbpf resolves no kfunc."),
            "summary": json_schemas.text("On which kernels it loads, in words."),
            "loads": json_schemas.texts("The kernels on which it loads, as far as its kfuncs decide."),
            "breaks": json_schemas.texts("The kernels on which it does not load, or calls what is not there."),
            "unsure": json_schemas.texts("The kernels of which too little is known."),
            "kfuncs": json_schemas.array("What it declares.", kfunc),
            "findings": json_schemas.array("What was found.", _finding_schema()),
        },
    )
    return json_schemas.document(
        "Audit",
        "What `kfuncdoc audit --format json` prints.",
        FORMAT,
        {
            "recorded": json_schemas.text("The last release that the record knows."),
            "kernels": json_schemas.array("The kernels asked for, in order.", kernel),
            "objects": json_schemas.array("The objects that were read.", report),
            "unreadable": json_schemas.array("The objects that could not be read.", unreadable),
            "remarks": json_schemas.texts("What else is to be said, as of entries that ignore nothing."),
        },
    )


def _basis(description: str) -> Schema:
    return json_schemas.choice(description, ["declared", "observed"])


def _finding_schema() -> Schema:
    replacement = json_schemas.record(
        "One of them.",
        {
            "kfunc": json_schemas.text("Its name."),
            "when": json_schemas.text("In which case; empty where always."),
            "missing_on": json_schemas.texts("The kernels that do not have it."),
        },
    )
    advice = json_schemas.record(
        "What to do; null where the record has nothing to say.",
        {
            "words": json_schemas.text("In words."),
            "instead": json_schemas.array("The kfuncs to call instead.", replacement),
            "missing_on": json_schemas.texts(
                "The kernels without the replacement that most have; empty where one is on all."
            ),
            "guard": json_schemas.nullable(
                json_schemas.text("C code that calls what each kernel has; null where none is needed, or helps.")
            ),
        },
    )
    ignored = json_schemas.record(
        "The entry that ignores the finding; null where none does.",
        {"reason": json_schemas.text("Its reason."), "until": json_schemas.text("Its last day, as YYYY-MM-DD.")},
    )
    return json_schemas.record(
        "One finding, for all kernels on which it is the same.",
        {
            "rule": json_schemas.text("The name of the finding."),
            "severity": json_schemas.choice("How much it weighs.", [severity.value for severity in Severity]),
            "exit_status": json_schemas.number("The exit status that it asks for; 0 for none."),
            "extern": json_schemas.text("The name in the object of the kfunc that it is about."),
            "kfunc": json_schemas.text("The name that libbpf looks for in the kernel."),
            "kernels": json_schemas.texts("The kernels on which it holds."),
            "basis": _basis("Whether it rests on what is declared, or on what kernels were seen to have."),
            "reason": json_schemas.text("Why, in words."),
            "calls": json_schemas.array("The calls that it is about; none where the kfunc is only declared.", _CALL),
            "advice": json_schemas.nullable(advice),
            "ignored": json_schemas.nullable(ignored),
        },
    )


_PROGRAM = json_schemas.record(
    "One program.",
    {
        "name": json_schemas.text("Its name."),
        "section": json_schemas.text("The section that it is in."),
        "program_type": json_schemas.nullable(
            json_schemas.text("As in BPF_PROG_TYPE_XDP; null where the section does not tell.")
        ),
        "struct_ops": json_schemas.nullable(json_schemas.text("The structure of callbacks that it belongs to.")),
        "member": json_schemas.nullable(json_schemas.text("Its name in that structure.")),
        "optional": json_schemas.flag("Whether libbpf leaves it out unless it is told to load it."),
    },
)
_CALL = json_schemas.record(
    "One call.",
    {
        "function": json_schemas.text("The program or subprogram that it stands in."),
        "programs": json_schemas.array("Every program that it is part of.", _PROGRAM),
        "found": json_schemas.texts("The externs that every way to it has found there."),
        "missed": json_schemas.texts("The externs that every way to it has found missing."),
        "file": json_schemas.nullable(json_schemas.text("The file of the source; null where it is not known.")),
        "line": json_schemas.nullable(json_schemas.number("The line, counted from 1.")),
        "column": json_schemas.nullable(json_schemas.number("The column, counted from 1; 0 where it is not known.")),
    },
)
