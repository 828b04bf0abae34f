# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The findings that a project accepts, each with a reason and a last day: the file of ``audit --ignore``.

::

    - kfunc: scx_bpf_dispatch          # or the name of the extern
      rule: guard-missing              # optional, else any
      object: "*/scx_old.bpf.o"        # optional, a pattern; else any
      reason: Only loaded on v6.12.
      until: 2027-03-31

After its last day, an entry ignores nothing.  The path of *object* is a pattern of :mod:`fnmatch`.
"""

from __future__ import annotations

import dataclasses
import datetime
import fnmatch
from dataclasses import dataclass
from typing import Any, Iterator, Mapping, Optional, Sequence

from kfuncdoc.audit.findings import AuditRule, Finding, Ignored, Report
from kfuncdoc.base import yaml_text
from kfuncdoc.base.dates import read_date
from kfuncdoc.base.diagnostics import Diagnostic, Rule, nearest
from kfuncdoc.base.yaml_text import Key, SourceFile
from kfuncdoc.bpf.objects import Extern

_REQUIRED = ("kfunc", "reason", "until")
_KEYS = ("kfunc", "rule", "object", "reason", "until")
_RULES = tuple(rule.rule for rule in AuditRule)


class IgnoresUnusable(Exception):
    """The file has mistakes, which are in *diagnostics*."""

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        super().__init__(f"{len(diagnostics)} mistakes")
        self.diagnostics = tuple(diagnostics)


@dataclass(frozen=True)
class Ignore:
    """One entry, and its *place*: ``FILE:LINE:COLUMN``."""

    kfunc: str
    reason: str
    until: datetime.date
    place: str
    rule: Optional[str] = None
    object: str = "*"

    def covers(self, finding: Finding, extern: Extern) -> bool:
        """Whether the entry is about what *finding* says of *extern*, on whatever day."""
        return (
            self.kfunc in (extern.name, extern.kfunc)
            and self.rule in (None, finding.rule.rule)
            and fnmatch.fnmatchcase(finding.object.path, self.object)
        )


def read_ignores(path: str) -> tuple[Ignore, ...]:
    """Return the entries of the file at *path*.  Raises :exc:`IgnoresUnusable` with everything wrong in it."""
    try:
        file = yaml_text.read(path)
    except yaml_text.Unusable as error:
        raise IgnoresUnusable([error.diagnostic]) from None
    wrong = [
        Diagnostic(path, *twice.place, Rule.DUPLICATE_KEY, f"'{twice.path[-1]}' stands here a second time")
        for twice in file.keys_twice
    ]
    entries = file.value if isinstance(file.value, list) else None
    if entries is None:
        wrong.append(_wrong(file, (), "this should be a list of findings to ignore"))
    ignores = [_read(file, index, entry, wrong) for index, entry in enumerate(entries or ())]
    if wrong:
        raise IgnoresUnusable(sorted(wrong, key=lambda diagnostic: diagnostic.sort_key))
    return tuple(ignore for ignore in ignores if ignore is not None)


def _read(file: SourceFile, index: int, entry: Any, wrong: list[Diagnostic]) -> Optional[Ignore]:
    mistakes = list(_mistakes(file, index, entry))
    wrong.extend(mistakes)
    if mistakes:
        return None
    place = file.place(index)
    return Ignore(
        entry["kfunc"],
        " ".join(entry["reason"].split()),
        read_date(entry["until"]),
        f"{file.path}:{place.line}:{place.column}",
        entry.get("rule"),
        entry.get("object", "*"),
    )


def _mistakes(file: SourceFile, index: int, entry: Any) -> Iterator[Diagnostic]:
    if not isinstance(entry, Mapping):
        yield _wrong(file, (index,), "this should be a mapping with kfunc, reason and until")
        return
    for key in (key for key in entry if key not in _KEYS):
        place = file.key_place(index, key)
        yield Diagnostic(file.path, *place, Rule.UNKNOWN_KEY, f"unknown key '{key}'", nearest(str(key), _KEYS))
    for key in (key for key in _REQUIRED if key not in entry):
        yield Diagnostic(file.path, *file.place(index), Rule.MISSING_KEY, f"'{key}' is missing")
    for key in (key for key in _KEYS if key in entry):
        value = entry[key]
        if not isinstance(value, str) or not value.strip():
            yield _wrong(file, (index, key), f"'{key}' should be text")
        elif key == "rule" and value not in _RULES:
            yield _wrong(file, (index, key), f"there is no rule '{value}'", nearest(value, _RULES))
        elif key == "until" and not _is_date(value):
            yield _wrong(file, (index, key), f"'{value}' is no date", "write it as 2027-03-31")


def _is_date(text: str) -> bool:
    try:
        read_date(text)
    except ValueError:
        return False
    return True


def _wrong(file: SourceFile, keys: tuple[Key, ...], message: str, hint: str = "") -> Diagnostic:
    return Diagnostic(file.path, *file.place(*keys), Rule.WRONG_TYPE, message, hint)


def apply(report: Report, ignores: Sequence[Ignore], date: datetime.date) -> Report:
    """Return *report* with the findings marked that *ignores* cover on *date*, and a remark on each useless entry.

    A finding about several kfuncs is ignored if there is an entry for each of them.
    """
    used: set[Ignore] = set()

    def ignored(finding: Finding) -> Finding:
        valid: list[Ignore] = []
        for extern in finding.externs:
            covering = [ignore for ignore in ignores if ignore.covers(finding, extern)]
            used.update(covering)
            valid += [ignore for ignore in covering if date <= ignore.until][:1]
        if len(valid) < len(finding.externs):
            return finding
        first_to_end = min(valid, key=lambda ignore: ignore.until)
        return dataclasses.replace(finding, ignored=Ignored(first_to_end.reason, first_to_end.until))

    objects = tuple(
        dataclasses.replace(of_object, findings=tuple(map(ignored, of_object.findings))) for of_object in report.objects
    )
    return dataclasses.replace(
        report, objects=objects, remarks=(*report.remarks, *_useless_entries(ignores, used, date))
    )


def _useless_entries(ignores: Sequence[Ignore], used: set[Ignore], date: datetime.date) -> Iterator[str]:
    for ignore in ignores:
        entry = f"this entry for '{ignore.kfunc}'"
        if ignore not in used:
            yield f"{ignore.place}: nothing was found that {entry} ignores"
        elif ignore.until < date:
            yield f"{ignore.place}: {entry} ended on {ignore.until}, and ignores nothing any more"
