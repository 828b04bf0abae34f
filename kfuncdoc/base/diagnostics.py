# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Diagnostics: what can be wrong with a declaration, and how it is reported.

A :class:`Diagnostic` is a plain, sortable value.  The loader and the rules make diagnostics; the command line and the
Sphinx extension print them.  Every rule is a member of :class:`Rule`, which documents it; the reference page of the
guide is generated from this enum.  ``# kfuncdoc: allow RULE: why`` and ``suppress_warnings`` (``kfuncdoc.RULE``) use
the same names.
"""

from __future__ import annotations

import difflib
import heapq
import json
from collections import Counter
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Any, Iterable, Mapping, Optional, Sequence

from kfuncdoc.base import json_schema as json_schemas
from kfuncdoc.base.json_schema import Schema

#: The version of the JSON.
FORMAT = 1


class Severity(Enum):
    """How severe a diagnostic is; the members are in order, the most severe first."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Rule(Enum):
    """Every check, as ``(name, group, severity, what it means)``."""

    def __init__(self, rule: str, group: str, severity: Severity, explanation: str) -> None:
        self.rule = rule
        self.group = group
        self.severity = severity
        self.explanation = explanation

    # -- form: can the file be read, and has it the shape of the schema?
    UNREADABLE = (
        "unreadable", "form", Severity.ERROR,
        "The path cannot be read as a file: it is missing, a directory, a socket or a device, a "
        "symbolic link that leads nowhere or in a circle, or permission is denied. Or it is a folder that cannot be "
        "searched.",
    )  # fmt: skip
    TOO_LARGE = (
        "too-large", "form", Severity.ERROR,
        "The file has more than 4 MB, nests deeper than 32 levels, or grows beyond 500,000 values "
        "when its aliases are followed; it is not read further. Or a history has more than 500 events.",
    )  # fmt: skip
    ENCODING = (
        "encoding", "form", Severity.ERROR,
        "The file is not UTF-8, or has a character that some readers take for a line break and "
        "others do not (U+0085, U+2028, U+2029), so that line numbers would be wrong.",
    )  # fmt: skip
    PRIVATE_MARK = (
        "private-mark", "form", Severity.ERROR,
        "The characters U+E000 and U+E001 mark lines of prose inside kfuncdoc; a declaration "
        "cannot contain them.",
    )  # fmt: skip
    YAML_SYNTAX = ("yaml-syntax", "form", Severity.ERROR, "The file is not well-formed YAML.")
    EMPTY_FILE = ("empty-file", "form", Severity.ERROR, "The file declares nothing.")
    DUPLICATE_KEY = (
        "duplicate-key", "form", Severity.ERROR,
        "A mapping has the same key twice. A plain YAML reader silently keeps the last.",
    )  # fmt: skip
    UNKNOWN_KEY = (
        "unknown-key", "form", Severity.ERROR,
        "The schema has no such key in this place. Facts that kfuncdoc works out (stability, "
        "remaining lifespan and the like) are never written by hand.",
    )  # fmt: skip
    MISSING_KEY = ("missing-key", "form", Severity.ERROR, "A key that the schema requires is missing.")
    WRONG_TYPE = ("wrong-type", "form", Severity.ERROR, "A value does not have the form that the schema requires.")

    # -- names
    NAME_INVALID = ("name-invalid", "names", Severity.ERROR, "The name of a kfunc is a C identifier.")
    DUPLICATE_KFUNC = (
        "duplicate-kfunc", "names", Severity.ERROR,
        "The same kfunc is declared twice, in one file or in two. The first declaration counts.",
    )  # fmt: skip
    ADDRESS_CLASH = (
        "address-clash", "names", Severity.ERROR,
        "Two names would share one address in the pages: they differ only in letter case, or one has "
        "the text that stands for underscores in the address of the other. The first declaration keeps it.",
    )  # fmt: skip
    SUBSYSTEM_TWICE = (
        "subsystem-twice", "names", Severity.ERROR,
        "Two files have the same subsystem. Each file is one subsystem and one page, recorded up to one release.",
    )  # fmt: skip
    PAGE_CLASH = (
        "page-clash", "names", Severity.ERROR,
        "Two files would be written to one page, or the name of a file cannot be the name of a page: it "
        "has reserved characters, or it is the name of a page that kfuncdoc writes itself (index, deprecated, "
        "removed, changes) or of a document of the source directory.",
    )  # fmt: skip
    PROTOTYPE_NAME = (
        "prototype-name", "names", Severity.ERROR,
        "The prototype of a kfunc declares a function of its name.",
    )  # fmt: skip
    PROTOTYPE_SYNTAX = (
        "prototype-syntax", "names", Severity.ERROR,
        "A prototype is one C function declaration as BPF programs see it: without body, without "
        "semicolon, without __bpf_kfunc.",
    )  # fmt: skip
    FLAG_UNKNOWN = (
        "flag-unknown", "names", Severity.WARNING,
        "data/flags.yaml does not explain this KF_ flag. The kernel adds new flags from time to time.",
    )  # fmt: skip
    PROGRAM_TYPE_UNKNOWN = (
        "program-type-unknown", "names", Severity.WARNING,
        "The kernel has no BPF_PROG_TYPE_ of this name that kfuncdoc knows.",
    )  # fmt: skip

    # -- callers
    CALLERS_UNKNOWN = (
        "callers-unknown", "callers", Severity.ERROR,
        "allowed names a group of callers that callers, at the top of the file, does not have.",
    )  # fmt: skip
    CALLERS_UNUSED = (
        "callers-unused", "callers", Severity.WARNING, "No kfunc of the file names this group of callers.",
    )  # fmt: skip
    CALLERS_CONFLICT = (
        "callers-conflict", "callers", Severity.ERROR,
        "No program can be such a caller, or a field says nothing: callbacks belong to struct_ops, lsm_hooks and "
        "except_lsm_hooks exclude each other, struct_ops and LSM hooks each have one program type, and enforced_by "
        "belongs to allowed.",
    )  # fmt: skip
    CALLERS_UNREGISTERED = (
        "callers-unregistered", "callers", Severity.ERROR,
        "A filter can only narrow: allowed names a program type that may not call the kfunc at all, because "
        "neither program_types nor a shared hook includes it.",
    )  # fmt: skip

    # -- releases
    RELEASE_FORMAT = (
        "release-format", "releases", Severity.ERROR,
        "A release is written as its git tag, v6.10. An uncertain one is written as in git, "
        "v6.12..v6.16 (after the first, in the second at the latest) or ..v6.12.",
    )  # fmt: skip
    RELEASE_UNKNOWN = (
        "release-unknown", "releases", Severity.ERROR,
        "The calendar (data/releases.yaml) does not know the release. An event happens in a "
        "release that exists; only an announcement (removal, change) may name a projected one or "
        "one that was renumbered.",
    )  # fmt: skip
    RANGE_ORDER = ("range-order", "releases", Severity.ERROR, "The first release of a range comes before its second.")
    RECORDED_UNKNOWN = (
        "recorded-unknown", "releases", Severity.ERROR,
        "recorded names the release with which the file was compared, so this release must exist.",
    )  # fmt: skip
    RECORDED_BEHIND = (
        "recorded-behind", "releases", Severity.ERROR,
        "An event happened after the release up to which the file says it is recorded.",
    )  # fmt: skip

    # -- history
    HISTORY_START = ("history-start", "history", Severity.ERROR, "A history begins with the event added.")
    HISTORY_ORDER = ("history-order", "history", Severity.ERROR, "Events stand in the order of releases.")
    EVENT_IMPOSSIBLE = (
        "event-impossible", "history", Severity.ERROR,
        "The event cannot follow the earlier ones: removed twice, added while present, withdrawn without "
        "a deprecation, or any other event while the kfunc is absent.",
    )  # fmt: skip
    EVENT_EMPTY = (
        "event-empty", "history", Severity.ERROR,
        "A changed event says what changed: what was before (was), or the behaviour in words.",
    )  # fmt: skip
    WAS_SAME = (
        "was-same", "history", Severity.WARNING,
        "was has the same value as the field after the event, so the field did not change.",
    )  # fmt: skip
    REASON_MISSING = ("reason-missing", "history", Severity.ERROR, "A deprecation says why.")
    END_MISSING = (
        "end-missing", "history", Severity.ERROR,
        "A deprecation says what is to happen: removal or change, with a release or undecided. "
        "Where the kernel announced no end, the event is superseded.",
    )  # fmt: skip
    END_CONFLICT = (
        "end-conflict", "history", Severity.ERROR,
        "A deprecation ends in a removal or in a change, not in both; becomes belongs to a change.",
    )  # fmt: skip
    END_NOT_AFTER_DEPRECATION = (
        "end-not-after-deprecation", "history", Severity.ERROR,
        "The announced end comes after the release of the deprecation.",
    )  # fmt: skip
    PAST_DUE = (
        "past-due", "history", Severity.INFO,
        "The announced release is reached by the record and the kfunc is still there.",
    )  # fmt: skip

    # -- replacement
    REPLACEMENT_MISSING = (
        "replacement-missing", "replacement", Severity.ERROR,
        "A deprecation, and a removal that nothing announced, names renamed_to, replacement, or "
        "the reason why there is none (no_replacement); superseded names its replacement.",
    )  # fmt: skip
    REPLACEMENT_CONFLICT = (
        "replacement-conflict", "replacement", Severity.ERROR,
        "An event can have only one of renamed_to, replacement and no_replacement.",
    )  # fmt: skip
    REPLACEMENT_UNKNOWN = (
        "replacement-unknown", "replacement", Severity.ERROR,
        "The replacement is not a declared kfunc. Write anything that is not a kfunc as {other: ...}.",
    )  # fmt: skip
    REPLACEMENT_SELF = ("replacement-self", "replacement", Severity.ERROR, "A kfunc does not replace itself.")
    REPLACEMENT_ABSENT = (
        "replacement-absent", "replacement", Severity.ERROR,
        "The replacement is not in the kernel at the release of the event.",
    )  # fmt: skip
    REPLACEMENT_CYCLE = (
        "replacement-cycle", "replacement", Severity.ERROR,
        "Deprecations that are open at the same release name each other in a circle. A chain ends "
        "at a kfunc that is only to be changed, because it stays.",
    )  # fmt: skip
    REPLACEMENT_DEPRECATED = (
        "replacement-deprecated", "replacement", Severity.WARNING,
        "The replacement is itself to be removed; the end of the chain is the better advice.",
    )  # fmt: skip
    REPLACEMENT_NO_OVERLAP = (
        "replacement-no-overlap", "replacement", Severity.INFO,
        "No kernel has both the kfunc and its replacement, so a program needs a guard to load on both sides.",
    )  # fmt: skip
    RENAME_PROTOTYPE = (
        "rename-prototype", "replacement", Severity.INFO,
        "renamed_to says that both names are the same function, but the prototypes differ.",
    )  # fmt: skip

    # -- prose
    SUMMARY_MISSING = ("summary-missing", "prose", Severity.WARNING, "A kfunc has a summary of one line.")
    SAID_IN_MISSING = (
        "said-in-missing", "prose", Severity.ERROR,
        "A deprecation says where the kernel announces it: a path in the kernel tree, or a link. "
        "If the kernel does not announce an end, the event is superseded, not deprecated.",
    )  # fmt: skip
    PROSE_TITLE = (
        "prose-title", "prose", Severity.ERROR,
        "Prose cannot have section titles, because kfuncdoc makes the sections of its page.",
    )  # fmt: skip

    # -- allowances
    ALLOWANCE_INVALID = (
        "allowance-invalid", "allowances", Severity.ERROR,
        "An allowance is written '# kfuncdoc: allow RULE: why', names a rule, and gives a reason. "
        "Errors cannot be allowed.",
    )  # fmt: skip
    ALLOWANCE_UNUSED = (
        "allowance-unused", "allowances", Severity.WARNING,
        "The line after the allowance has no finding of that rule.",
    )  # fmt: skip

    # -- references from pages
    REFERENCE_UNKNOWN = (
        "reference-unknown", "references", Severity.WARNING,
        "A role or directive names a kfunc that is not declared.",
    )  # fmt: skip
    PAGES_UNREACHABLE = (
        "pages-unreachable", "references", Severity.WARNING,
        "No toctree leads to the pages of ``kfuncdoc_data``, or the document that ``kfuncdoc_toctree`` "
        "names has no toctree.",
    )  # fmt: skip

    # -- comparison with a kernel (`kfuncdoc verify`)
    UNDECLARED = (
        "undeclared", "kernel", Severity.ERROR,
        "The kernel has a kfunc that is not declared, or not at this release.",
    )  # fmt: skip
    ABSENT = (
        "absent", "kernel", Severity.ERROR,
        "The kfunc is declared to be in the release, and the source tree does not have it.",
    )  # fmt: skip
    ABSENT_FROM_IMAGE = (
        "absent-from-image", "kernel", Severity.INFO,
        "A built kernel does not have the kfunc. That proves nothing: its configuration may have left it out.",
    )  # fmt: skip
    PROTOTYPE_DIFFERS = (
        "prototype-differs", "kernel", Severity.ERROR,
        "The kernel has other types, or other annotations of arguments. Names of parameters and const do not count.",
    )  # fmt: skip
    FLAGS_DIFFER = ("flags-differ", "kernel", Severity.ERROR, "The kernel registers the kfunc with other KF_ flags.")
    REGISTRATIONS_DIFFER = (
        "registrations-differ", "kernel", Severity.ERROR,
        "The kernel registers the kfunc for other program types, or lets other struct_ops call it. Only a "
        "source tree tells.",
    )  # fmt: skip
    SOURCE_DIFFERS = (
        "source-differs", "kernel", Severity.ERROR,
        "Another file of the source tree defines the kfunc.",
    )  # fmt: skip
    MODULE_DIFFERS = (
        "module-differs", "kernel", Severity.ERROR,
        "The kfunc lives in another module, or in none. What can be a module may be built into an image.",
    )  # fmt: skip
    CONFIGURATION_DIFFERS = (
        "configuration-differs", "kernel", Severity.ERROR,
        "By the Makefiles and conditions of the source tree the kfunc needs another configuration.",
    )  # fmt: skip
    HOOKS_DIFFER = (
        "hooks-differ", "kernel", Severity.ERROR,
        "bpf_prog_type_to_kfunc_hook() of the source tree and data/hooks.yaml disagree at the release.",
    )  # fmt: skip

    @classmethod
    def named(cls, rule: str) -> Optional[Rule]:
        """Return the member with the public name *rule*, or None."""
        return _BY_NAME.get(rule)


_BY_NAME = {member.rule: member for member in Rule}


@dataclass(frozen=True)
class Diagnostic:
    """One thing that is wrong.  *line* and *column* count from 1, as in editors; 0 means the file as a whole."""

    file: str
    line: int
    column: int
    rule: Rule
    message: str
    hint: str = ""

    @property
    def severity(self) -> Severity:
        return self.rule.severity

    @property
    def sort_key(self) -> tuple[str, int, int, str, str]:
        """The key that sorts diagnostics by file and place, whatever the order in which they were found."""
        return (self.file, self.line, self.column, self.rule.rule, self.message)


class KnownNames:
    """Names among which :meth:`hint` finds the one that is most similar to a mistyped word.

    A comparison of two names letter by letter is slow.  If there are many names, the word is therefore compared
    with few of them: those that share the most runs of three letters with it; rare runs count first.  So the time
    for a hint does not grow with the number of names.
    """

    #: A word is compared with all names if there are no more than this,
    FEW = 60
    #: and with at most this many names otherwise.
    MOST_COMPARED = 10
    #: At most this many names are looked at to choose those; a name counts once for each run that it shares.
    MOST_LOOKED_AT = 2000

    def __init__(self, names: Iterable[str]) -> None:
        self._names = tuple(names)
        self._hints: dict[str, str] = {}

    def hint(self, word: str) -> str:
        """Return a hint that names what is nearest to *word*, or the empty string."""
        if word not in self._hints:
            match = difflib.get_close_matches(word, self._similar(word), n=1, cutoff=0.6)
            self._hints[word] = f"did you mean '{match[0]}'?" if match else ""
        return self._hints[word]

    def _similar(self, word: str) -> Sequence[str]:
        """Return the names to compare *word* with."""
        if len(self._names) <= self.FEW:
            return self._names
        sharing = [self._by_run[run] for run in _runs_of_letters(word) if run in self._by_run]
        shared: Counter[str] = Counter()
        looked_at = 0
        for names in sorted(sharing, key=len):
            if looked_at + len(names) > self.MOST_LOOKED_AT and shared:
                break
            looked_at += len(names)
            shared.update(names)
        return heapq.nsmallest(self.MOST_COMPARED, shared, key=lambda name: (-shared[name], name))

    @cached_property
    def _by_run(self) -> Mapping[str, Sequence[str]]:
        """The names that contain each run of three letters."""
        names: dict[str, list[str]] = {}
        for name in dict.fromkeys(self._names):
            for run in _runs_of_letters(name):
                names.setdefault(run, []).append(name)
        return names


def _runs_of_letters(word: str) -> set[str]:
    """Return every run of three letters in *word*, with a space added at each end."""
    spaced = f" {word} "
    return {spaced[start : start + 3] for start in range(len(spaced) - 2)}


def nearest(word: str, known: Iterable[str]) -> str:
    """Return a hint that names the entry of *known* nearest to *word*, or the empty string.

    To look for many words among the same names, make one :class:`KnownNames`.
    """
    return KnownNames(known).hint(word)


def not_among(word: str, known: Sequence[str]) -> str:
    """Return the message for a *word* that is not one of *known*."""
    hint = nearest(word, known)
    return f"'{word}' is not among {', '.join(known)}{': ' + hint if hint else ''}"


def fails(diagnostics: Iterable[Diagnostic], *, strict: bool = False) -> bool:
    """Whether a check fails: errors always, warnings too when *strict*.

    Infos never make a check fail: they state a fact of the kernel, and the file needs no change.
    """
    failing = {Severity.ERROR, Severity.WARNING} if strict else {Severity.ERROR}
    return any(diagnostic.severity in failing for diagnostic in diagnostics)


# -- reporters


def as_text(diagnostic: Diagnostic) -> str:
    """Return ``file:line:column: severity: message [rule]``, and the hint on its own line."""
    place = f"{diagnostic.file}:{diagnostic.line}:{diagnostic.column}"
    text = f"{place}: {diagnostic.severity.value}: {diagnostic.message} [{diagnostic.rule.rule}]"
    return f"{text}\n    hint: {diagnostic.hint}" if diagnostic.hint else text


def as_github(diagnostic: Diagnostic) -> str:
    """Return a workflow command, which GitHub Actions shows at the line of the file."""
    message = f"{diagnostic.message} ({diagnostic.hint})" if diagnostic.hint else diagnostic.message
    title = f"kfuncdoc {diagnostic.rule.rule}"
    return workflow_command(diagnostic.severity, diagnostic.file, diagnostic.line, diagnostic.column, title, message)


def workflow_command(severity: Severity, file: str, line: int, column: int, title: str, message: str) -> str:
    """Return a command of GitHub Actions that shows *message* at a place in a file.

    The text is escaped as GitHub's toolkit does: ``%`` and line ends everywhere, ``:`` and ``,`` in properties.
    """

    def escape(text: str, *, in_property: bool = False) -> str:
        text = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
        return text.replace(":", "%3A").replace(",", "%2C") if in_property else text

    command = "notice" if severity is Severity.INFO else severity.value
    place = f"file={escape(file, in_property=True)}"
    if line:
        place += f",line={line},col={column}"
    return f"::{command} {place},title={escape(title, in_property=True)}::{escape(message)}"


def as_json(diagnostics: Iterable[Diagnostic]) -> str:
    """Return a JSON document, which :func:`json_schema` describes."""
    document = {"format": FORMAT, "diagnostics": [_as_mapping(diagnostic) for diagnostic in diagnostics]}
    return json.dumps(document, indent=2) + "\n"


def _as_mapping(diagnostic: Diagnostic) -> dict[str, Any]:
    return {
        "file": diagnostic.file,
        "line": diagnostic.line,
        "column": diagnostic.column,
        "severity": diagnostic.severity.value,
        "rule": diagnostic.rule.rule,
        "message": diagnostic.message,
        "hint": diagnostic.hint,
    }


def json_schema() -> Schema:
    """Return the JSON Schema of what :func:`as_json` writes."""
    diagnostic = json_schemas.record(
        "One diagnostic.",
        {
            "file": json_schemas.text("The path of the file."),
            "line": json_schemas.number("The line, counted from 1; 0 where the file as a whole is meant."),
            "column": json_schemas.number("The column, counted from 1 in characters; 0 where there is no line."),
            "severity": json_schemas.choice("How much it weighs.", [severity.value for severity in Severity]),
            "rule": json_schemas.text("The name of the rule that found it."),
            "message": json_schemas.text("What is wrong."),
            "hint": json_schemas.text("What to write instead; empty where nothing can be said."),
        },
    )
    return json_schemas.document(
        "Diagnostics",
        "What `kfuncdoc check --format json` and `kfuncdoc verify --format json` print.",
        FORMAT,
        {"diagnostics": json_schemas.array("What is wrong, in the order of the files.", diagnostic)},
    )
