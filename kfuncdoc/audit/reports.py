# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The report as text for a terminal, as JSON, and as commands that GitHub Actions shows at the code."""

from __future__ import annotations

import dataclasses
import json
import os
import textwrap
from dataclasses import dataclass
from typing import Any, Iterator, Sequence

from kfuncdoc.audit.findings import AuditRule, Finding, Report
from kfuncdoc.audit.loaders import Loader
from kfuncdoc.audit.words import in_which_it_loads
from kfuncdoc.base import json_schema as json_schemas
from kfuncdoc.base.diagnostics import Severity, workflow_command
from kfuncdoc.base.json_schema import Schema
from kfuncdoc.base.prose import as_words
from kfuncdoc.bpf.objects import BpfObject, Call, SourceLine
from kfuncdoc.compat.kernels import in_words

#: The version of the JSON.
FORMAT = 1
#: The most names of kfuncs in the title of a finding.
_MOST_EXTERNS = 4
#: In a report on several objects that is not verbose: the most lines for what has a finding, the most objects that are
#: named where they load, the most places of a finding, and the most guards.
_MOST_LINES, _MOST_NAMES, _MOST_PLACES, _MOST_GUARDS = 2, 24, 2, 3
#: The most programs of one object that are named in such a report.
_MOST_PROGRAMS = 3
#: What the names of all objects may end in, and then leave out.
_SUFFIXES = (".bpf.o", ".o")
_WORDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}


# -- text


def as_text(report: Report, width: int, *, notes: bool = False, verbose: bool = False) -> str:
    """Return *report* for a terminal of *width* columns: where the objects load, a block for each cause, and guards.

    The findings of one cause (:class:`_Cause`) share a block, with the objects and programs below it.  Of several
    objects it tells the beginning of long lists, and everything if *verbose* is set.  Findings that need nothing to be
    done, which are notes and ignored ones, are in it only if *notes* is set.
    """
    text = _TextReport(report, width, verbose=verbose)
    causes = [cause for cause in _causes(report) if notes or cause.finding.counts]
    blocks = [text.summary(), *map(text.of_cause, causes), *text.guards(causes)]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def tally(report: Report) -> str:
    """Return the numbers of objects and causes of findings, and the releases of the record, in one line."""
    counts: dict[str, int] = {}
    for cause in _causes(report):
        word = "ignored" if cause.finding.ignored else _WORDS[cause.finding.severity]
        counts[word] = counts.get(word, 0) + 1
    totals = [_plural(counts[word], word) for word in ("error", "warning", "note") if word in counts]
    totals += [f"{counts['ignored']} ignored"] if "ignored" in counts else []
    totals += [f"{len(report.unreadable)} could not be read"] if report.unreadable else []
    objects = _plural(len(report.objects) + len(report.unreadable), "object")
    covers = f"the record covers {report.recorded_from} to {report.recorded}"
    return f"{objects}: {', '.join(totals) or 'nothing to report'}; {covers}"


@dataclass
class _Cause:
    """The *findings* of one cause: the same rule, kfunc, kernels, reason and advice, on one object or several."""

    findings: list[Finding]

    @property
    def by_object(self) -> list[Finding]:
        """The findings, with those on one object, which may declare a kfunc under several names, made one."""
        of_objects: dict[str, Finding] = {}
        for finding in self.findings:
            path = finding.object.path
            calls = of_objects[path].calls if path in of_objects else ()
            of_objects[path] = dataclasses.replace(finding, calls=calls + finding.calls)
        return list(of_objects.values())

    @property
    def finding(self) -> Finding:
        """One of them."""
        return self.findings[0]

    @property
    def name(self) -> str:
        """The name of the extern, or of the kfunc if objects declare it under several names; the first of many."""
        if _is_joint(self.finding):
            return _first_names(
                list(dict.fromkeys(extern.name for finding in self.findings for extern in finding.externs))
            )
        names = {finding.extern.name for finding in self.findings}
        return names.pop() if len(names) == 1 else self.finding.extern.kfunc


def _causes(report: Report) -> list[_Cause]:
    """Return the causes of findings: errors, warnings, notes, and among these in the order of the objects."""
    causes: dict[tuple[object, ...], _Cause] = {}
    for finding in report.findings:
        advice = finding.advice.words if finding.advice else ""
        kfunc = None if _is_joint(finding) else finding.extern.kfunc
        about = (finding.rule, kfunc, finding.kernels, finding.reason)
        causes.setdefault((*about, advice, finding.observed, finding.ignored), _Cause([])).findings.append(finding)
    order = list(_WORDS)
    return sorted(causes.values(), key=lambda cause: order.index(cause.finding.severity))


def _is_joint(finding: Finding) -> bool:
    """Whether *finding* is about several kfuncs at once: those of a subsystem or of a module."""
    return bool(finding.others) or finding.rule in (AuditRule.SUBSYSTEM_ABSENT, AuditRule.MODULE_NEEDED)


class _TextReport:
    """Writes the blocks of a report as lines."""

    def __init__(self, report: Report, width: int, *, verbose: bool) -> None:
        self._report = report
        self._width = max(width, 40)
        self._alone = len(report.objects) == 1
        #: Whether to write out everything; a report on one object always does.
        self._whole = verbose or self._alone
        paths = [audited.object.path for audited in report.objects]
        self._folder = self._suffix = self._source_folder = ""
        if not self._alone:
            self._folder, self._suffix = _common_folder(paths), _common_suffix(paths)
            sources = (call.source for finding in report.findings for call in finding.calls if call.source is not None)
            self._source_folder = _common_folder(
                [file for file in {line.file for line in sources} if os.path.isabs(file)]
            )

    # -- where the objects load

    def summary(self) -> list[str]:
        """Return on which kernels the objects load; objects with the same kernels share a line."""
        loader = self._report.loader
        lines = [f"As {loader.title} loads objects:", ""] if loader is not Loader.LIBBPF else []
        if self._folder or self._suffix or self._source_folder:
            objects = f"{_plural(len(self._report.objects), 'object')}, {self._folder}*{self._suffix}"
            source = f"; their source files are in {self._source_folder}" if self._source_folder else ""
            lines += [*self._wrapped(objects + source, ""), ""]
        objects_by_words: dict[str, list[str]] = {}
        for audited in self._report.objects:
            words = in_which_it_loads(audited, self._report.kernels)
            objects_by_words.setdefault(words, []).append(self._name(audited.object))
        for words, names in objects_by_words.items():
            if len(names) == 1:
                lines += [f"{names[0]}: {words}"]  # in one line, for scripts
                continue
            shown = names if self._whole else names[:_MOST_NAMES]
            more = [f"and {len(names) - len(shown)} more"] if len(shown) < len(names) else []
            lines += self._wrapped(f"{words} ({len(names)} objects):", "")
            lines += self._wrapped(", ".join([*shown, *more]), "    ")
        return lines

    def _name(self, bpf_object: BpfObject) -> str:
        """Return what tells the path of *bpf_object* apart from the others."""
        return bpf_object.path[len(self._folder) : len(bpf_object.path) - len(self._suffix)]

    # -- causes

    def of_cause(self, cause: _Cause) -> list[str]:
        """Return the finding, what to do, and the programs and places concerned."""
        finding = cause.finding
        kernels = in_words(finding.kernels, self._report.kernels)
        title = f"{_WORDS[finding.severity]}: {cause.name} on {kernels}: {finding.reason} [{finding.rule.rule}]"
        title += " (observed)" if finding.observed else ""
        if finding.ignored:
            title += f" (ignored until {finding.ignored.until}: {finding.ignored.reason})"
        lines = self._wrapped(title, "")
        if finding.advice:
            lines += self._wrapped(f"what to do: {finding.advice.words}", "    ")
        return [*lines, *(self._all_callers(cause) if self._whole else self._first_callers(cause))]

    def _all_callers(self, cause: _Cause) -> Iterator[str]:
        for finding in cause.by_object:
            yield from self._wrapped(self._called_by(finding, callers(finding)), "    ")
            for place in self._places([finding]):
                yield f"        at {place}"  # whole, to be clicked at

    def _called_by(self, finding: Finding, who: str) -> str:
        if not finding.calls:
            return "not called" if self._alone else f"{self._name(finding.object)}: not called"
        return f"called by {who}" if self._alone else f"{self._name(finding.object)}: {who}"

    def _first_callers(self, cause: _Cause) -> Iterator[str]:
        items = []
        for finding in cause.by_object:
            programs = finding.programs
            more = len(programs) - _MOST_PROGRAMS
            who = f"{', '.join(programs[:_MOST_PROGRAMS])} and {more} more" if more > 0 else callers(finding)
            items.append(self._called_by(finding, who))
        places = self._places(cause.findings)
        shown = places[:_MOST_PLACES]
        more_places = [f"and {_plural(len(places) - len(shown), 'more place')}"] if len(shown) < len(places) else []
        where = f"at {', '.join([*shown, *more_places])}" if shown else ""
        together = self._wrapped("; ".join([f"in {'; '.join(items)}", *([where] if where else [])]), "    ")
        if len(items) == 1 or len(together) <= _MOST_LINES:
            yield from together
            return
        yield from self._fitted(items)
        if where:
            yield from self._wrapped(where, "    ")

    def _fitted(self, items: Sequence[str]) -> list[str]:
        """Return as many *items* as :data:`_MOST_LINES` have room for, at least one, and the number of the others."""
        lines = self._wrapped(f"in {'; '.join(items)}", "    ")
        # Counting up takes no more attempts than are shown.
        for count in range(1, len(items)) if len(lines) > _MOST_LINES else ():
            rest = f"; and {_plural(len(items) - count, 'more object')}"
            longer = self._wrapped(f"in {'; '.join(items[:count])}{rest}", "    ")
            if count > 1 and len(longer) > _MOST_LINES:
                break
            lines = longer
        return lines

    def _places(self, findings: Sequence[Finding]) -> list[str]:
        places = dict.fromkeys(place for finding in findings for place in places_of(finding))
        folder = self._source_folder
        return [place[len(folder) :] if place.startswith(folder) else place for place in places]

    # -- guards

    def guards(self, causes: Sequence[_Cause]) -> list[list[str]]:
        """Return the guards to write, each with its kfuncs: one may be for a kfunc and for the one that replaces it."""
        kfuncs_by_guard: dict[str, dict[str, None]] = {}
        for cause in causes:
            for finding in cause.findings:
                if finding.advice and finding.advice.guard and finding.counts:
                    kfuncs_by_guard.setdefault(finding.advice.guard, {})[finding.extern.kfunc] = None
        if not self._whole and len(kfuncs_by_guard) > _MOST_GUARDS:
            names = dict.fromkeys(kfunc for kfuncs in kfuncs_by_guard.values() for kfunc in kfuncs)
            return [self._wrapped(f"With --verbose there are guards for {', '.join(names)}.", "")]
        return [
            [f"A guard for {' and '.join(kfuncs)}:", "", textwrap.indent(code, "    ").rstrip()]
            for code, kfuncs in kfuncs_by_guard.items()
        ]

    def _wrapped(self, text: str, indent: str) -> list[str]:
        return textwrap.wrap(
            text,
            self._width,
            initial_indent=indent,
            subsequent_indent=indent + "    ",
            break_long_words=False,
            break_on_hyphens=False,
        )


def _common_folder(paths: Sequence[str]) -> str:
    """Return the folder that all of *paths* are in, with a separator at its end; empty where there is none."""
    folders = [os.path.dirname(path.partition("(")[0]) for path in paths]
    if len(set(paths)) < 2 or len({os.path.isabs(folder) for folder in folders}) > 1:
        return ""
    common = os.path.commonpath(folders)
    prefix = os.path.join(common, "") if common and os.path.dirname(common) != common else ""
    return prefix if all(path.startswith(prefix) for path in paths) else ""


def _common_suffix(paths: Sequence[str]) -> str:
    """Return what all of *paths* end in, of :data:`_SUFFIXES`; empty where they do not."""
    if len(paths) < 2:
        return ""
    return next((suffix for suffix in _SUFFIXES if all(path.endswith(suffix) for path in paths)), "")


def _plural(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"


def names(finding: Finding) -> str:
    """Return the names of the externs of a finding, of many of them the first ones and how many more there are."""
    return _first_names([extern.name for extern in finding.externs])


def _first_names(names: Sequence[str]) -> str:
    more = len(names) - _MOST_EXTERNS
    return ", ".join(names[:_MOST_EXTERNS]) + (f" and {more} more" if more > 0 else "")


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
    loader = f"loaded by {report.loader.title} " if report.loader is not Loader.LIBBPF else ""
    message = f"{names(finding)}, called by {callers(finding)}, {loader}on {kernels}: {finding.reason}"
    advice = f"; {finding.advice.words}" if finding.advice else ""
    return message + advice + (" (observed)" if finding.observed else "")


# -- JSON


def as_json(report: Report) -> str:
    """Return *report* as JSON, as :func:`json_schema` describes it: everything in it."""
    document = {
        "format": FORMAT,
        "recorded_from": report.recorded_from,
        "recorded": report.recorded,
        "loader": report.loader.word,
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
                "cannot_tell": [kernel.name for kernel in audited.cannot_tell],
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
        "others": [extern.name for extern in finding.others],
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
                "attach_type": program.attach_type,
                "lsm_hook": program.lsm_hook,
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
            "cannot_tell": json_schemas.texts(
                "The kernels on which the object does not tell whether its programs may call its kfuncs."
            ),
            "kfuncs": json_schemas.array("What it declares.", kfunc),
            "findings": json_schemas.array("What was found.", _finding_schema()),
        },
    )
    return json_schemas.document(
        "Audit",
        "What `kfuncdoc audit --format json` prints.",
        FORMAT,
        {
            "recorded_from": json_schemas.text("The first release that the record knows."),
            "recorded": json_schemas.text("The last release that the record knows."),
            "loader": json_schemas.choice("The loader that the objects are for.", [loader.word for loader in Loader]),
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
            "others": json_schemas.texts("The names of the other externs that it is about; empty as a rule."),
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
        "attach_type": json_schemas.nullable(
            json_schemas.text("As in BPF_TRACE_ITER; empty if it has none, null where the section does not tell.")
        ),
        "lsm_hook": json_schemas.nullable(
            json_schemas.text("The LSM hook without bpf_lsm_; null where it is no LSM program or names none.")
        ),
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
