# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Allowances: ``# kfuncdoc: allow RULE: why`` on the line before what it allows."""

from __future__ import annotations

import re
from typing import Callable, Iterator, NamedTuple, Optional, Sequence

from kfuncdoc.base.diagnostics import Diagnostic, Rule, Severity, nearest
from kfuncdoc.base.yaml_text import Place, SourceFile

_COMMENT = re.compile(r"\s*#\s*kfuncdoc\s*:(.*)")
_COMMENT_BEHIND_A_VALUE = re.compile(r".*\S\s+(#\s*kfuncdoc\s*:.*)")
_ALLOW = re.compile(r"\s*allow\s+(?P<rule>[a-z-]+)\s*:\s*(?P<why>\S.*)")


class _Allowance(NamedTuple):
    """A comment for kfuncdoc: its place, its text after ``kfuncdoc:``, and the line that it is for."""

    place: Place
    text: str
    #: None if it is behind a value; then it is for no line.
    line: Optional[int]


def apply_allowances(
    source: SourceFile, diagnostics: Sequence[Diagnostic], is_incomplete: Callable[[int], bool]
) -> list[Diagnostic]:
    """Return *diagnostics* without those that the file allows, and with those about its allowances.

    *is_incomplete* tells whether a line is in an entry that was not checked by every rule: an allowance there may be
    needed, even if nothing was found, so it is not reported.
    """
    if "kfuncdoc" not in source.text:
        return list(diagnostics)
    by_line: dict[tuple[int, Rule], list[Diagnostic]] = {}
    for diagnostic in reversed(diagnostics):
        by_line.setdefault((diagnostic.line, diagnostic.rule), []).append(diagnostic)
    allowed: set[int] = set()
    wrong: list[Diagnostic] = []

    def report(rule: Rule, place: Place, message: str, hint: str = "") -> None:
        wrong.append(Diagnostic(source.path, place.line, place.column, rule, message, hint))

    for place, text, line in _allowances(source):
        allow = _ALLOW.fullmatch(text)
        rule = Rule.named(allow["rule"]) if allow else None
        if line is None:
            hint = "write it on a line of its own, before what it allows"
            report(Rule.ALLOWANCE_INVALID, place, "an allowance allows nothing behind a value", hint)
        elif allow is None:
            report(Rule.ALLOWANCE_INVALID, place, "this is no allowance", "# kfuncdoc: allow RULE: why")
        elif rule is None:
            hint = nearest(allow["rule"], (member.rule for member in Rule))
            report(Rule.ALLOWANCE_INVALID, place, f"there is no rule '{allow['rule']}'", hint)
        elif rule.severity is Severity.ERROR:
            report(Rule.ALLOWANCE_INVALID, place, f"{rule.rule} is an error, and no error can be allowed")
        elif by_line.get((line, rule)):
            allowed.add(id(by_line[line, rule].pop()))
        elif not is_incomplete(line):
            report(Rule.ALLOWANCE_UNUSED, place, f"nothing to allow: line {line} has no finding of {rule.rule}")
    return [diagnostic for diagnostic in (*diagnostics, *wrong) if id(diagnostic) not in allowed]


def _allowances(source: SourceFile) -> Iterator[_Allowance]:
    """Yield every allowance of a file.

    It is for the first line after it that is not a comment, so that several allowances can be for one line.  An
    allowance behind a value is for no line.
    """
    stacked: list[tuple[Place, str]] = []
    for number, line in enumerate((*source.text.split("\n"), ""), 1):
        if number in source.scalar_lines or not line.lstrip().startswith("#"):
            yield from (_Allowance(place, text, number) for place, text in stacked)
            stacked.clear()
            behind = _COMMENT_BEHIND_A_VALUE.fullmatch(line) if "kfuncdoc" in line else None
            if behind is not None and number not in source.scalar_lines:
                yield _Allowance(Place(number, behind.start(1) + 1), "", None)
            continue
        match = _COMMENT.fullmatch(line)
        if match is not None:
            stacked.append((Place(number, line.index("#") + 1), match[1]))
