# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Every rule, with the exact report that it gives: declarations and findings from ``rules/*.md``.

A case is a heading ``##``, one block for each file, and a block ``text`` with what ``kfuncdoc check``
prints for them.  The blocks of files say how the file is made, and its name unless it is x.kfuncs.yaml::

    yaml two.kfuncs.yaml    the block is its text
    bytes                   the block is a Python literal of its bytes
    missing                 there is no such file
"""

from __future__ import annotations

import ast
import os
import re
import tempfile
from pathlib import Path
from typing import NamedTuple

import pytest
from declared import CALENDAR, FLAGS, HOOKS

from kfuncdoc.base.diagnostics import Rule, as_text
from kfuncdoc.record.load import load

CASES = Path(__file__).with_name("rules")
#: Rules that need the pages, and not the declarations alone; they are tested with the pages.
PAGE_RULES = {Rule.PAGE_CLASH, Rule.REFERENCE_UNKNOWN, Rule.PAGES_UNREACHABLE}
#: Rules that need a kernel; see test_verify.py.
KERNEL_RULES = {rule for rule in Rule if rule.group == "kernel"}

_HEADING = re.compile(r"^## (.+)$", re.MULTILINE)
_BLOCK = re.compile(r"^```(?P<how>\w+)(?: (?P<name>\S+))?\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_RULE = re.compile(r"\[([a-z-]+)\]$", re.MULTILINE)


class Case(NamedTuple):
    title: str
    files: list[tuple[str, str, str]]
    expected: str


def parse_cases(path: Path) -> list[Case]:
    cases = []
    _, *parts = _HEADING.split(path.read_text(encoding="utf-8"))
    for title, body in zip(parts[::2], parts[1::2]):
        *files, (how, _, expected) = [
            (block["how"], block["name"] or "x.kfuncs.yaml", block["text"]) for block in _BLOCK.finditer(body)
        ]
        assert how == "text", f"{path.name}: '{title}' does not end with a block of what is reported"
        cases.append(Case(f"{path.stem}: {title}", files, expected))
    return cases


def report(files: list[tuple[str, str, str]]) -> str:
    """Write *files* to a folder of their own and return what loading them reports."""
    with tempfile.TemporaryDirectory() as folder:
        for how, name, text in files:
            if how == "bytes":
                Path(folder, name).write_bytes(ast.literal_eval(text))
            elif how == "yaml":
                Path(folder, name).write_text(text, encoding="utf-8")
            else:
                assert how == "missing"
        paths = [os.path.join(folder, name) for _, name, _ in files]
        found = load(paths, calendar=CALENDAR, flags=FLAGS, hooks=HOOKS).diagnostics
        return "".join(f"{as_text(diagnostic)}\n" for diagnostic in found).replace(folder + os.sep, "")


ALL = [case for path in sorted(CASES.glob("*.md")) for case in parse_cases(path)]


@pytest.mark.parametrize("case", ALL, ids=[case.title for case in ALL])
def test_report(case: Case) -> None:
    assert report(case.files) == case.expected


@pytest.mark.parametrize(
    "rule", sorted(set(Rule) - PAGE_RULES - KERNEL_RULES, key=lambda rule: rule.rule), ids=lambda rule: rule.rule
)
def test_every_rule_has_a_case(rule: Rule) -> None:
    assert any(rule.rule in _RULE.findall(case.expected) for case in ALL)


def test_cases_under_the_name_of_a_rule_report_it() -> None:
    for case in ALL:
        rules = [name for name in re.findall(r"[a-z-]+", case.title.split(": ")[1]) if Rule.named(name)]
        for name in rules if case.expected else ():
            assert name in _RULE.findall(case.expected), case.title
