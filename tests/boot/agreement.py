# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Compares what an audit said of a program on a kernel with what that kernel says.

::

    Pair (Claim, Reply) --compare--> Agreement --tables--> text, rst
"""

from __future__ import annotations

import fnmatch
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Optional

import yaml

from boot.claims import Claim, Verdict
from boot.outcomes import Answer, Reply


class Agreement(Enum):
    """How an audit and a kernel compare; the value is the heading of the column."""

    AGREED = "agreed"
    FALSE_LOADS = 'false "loads"'
    FALSE_BREAKS = 'false "breaks"'
    FALSE_MAY_BREAK = 'false "may break"'
    UNTOLD = "nobody can tell"


#: The two kinds of audits, as the options of the command that asks for them.
AUDITS = ("--btf", "--kernel")
#: What must not happen, unless the file of known disagreements explains it.
WRONG = frozenset({Agreement.FALSE_LOADS, Agreement.FALSE_BREAKS})


@dataclass(frozen=True)
class Pair:
    """A program of an object on a kernel: what the *audit* of one kind claims, and the *reply* of the kernel."""

    corpus: str
    object: str
    program: str
    kernel: str
    audit: str
    claim: Claim
    reply: Reply
    #: Whether the kernel is unlike the one that the audit speaks of: it lacks an option, a module, or a twin.
    is_unlike: bool = False

    @property
    def agreement(self) -> Agreement:
        return compare(self.claim, self.reply, is_unlike=self.is_unlike)


def compare(claim: Claim, reply: Reply, *, is_unlike: bool = False) -> Agreement:
    """Return how *claim* and the *reply* of the kernel compare.

    A failure for another reason says something of kfuncs nevertheless, if it comes from the verifier: libbpf has
    resolved all kfuncs of the object before.
    """
    if reply.answer is Answer.UNTOLD:
        is_refuted = claim.verdict is Verdict.BREAKS and claim.by_libbpf and reply.resolved
        return Agreement.FALSE_BREAKS if is_refuted else Agreement.UNTOLD
    if reply.answer is Answer.ACCEPTED:
        return {
            Verdict.LOADS: Agreement.AGREED,
            Verdict.BREAKS: Agreement.FALSE_BREAKS,
            Verdict.MAY_BREAK: Agreement.FALSE_MAY_BREAK,
        }[claim.verdict]
    if claim.verdict is not Verdict.LOADS:
        return Agreement.AGREED
    return Agreement.UNTOLD if is_unlike else Agreement.FALSE_LOADS


class KnownUnusable(Exception):
    """The file of known disagreements cannot be used; the message says why."""


@dataclass(frozen=True)
class Known:
    """Disagreements that stay, and the *reason*.  Names are patterns as of a shell, *line* is a regular expression."""

    reason: str
    audit: str = "*"
    kernel: str = "*"
    object: str = "*"
    program: str = "*"
    line: str = ""

    def explains(self, pair: Pair) -> bool:
        names = (
            (pair.audit, self.audit), (pair.kernel, self.kernel), (pair.object, self.object),
            (pair.program, self.program),
        )  # fmt: skip
        return all(fnmatch.fnmatchcase(name, pattern) for name, pattern in names) and bool(
            re.search(self.line, pair.reply.line)
        )


def read_known(path: Path) -> list[Known]:
    """Return the entries of the YAML file at *path*; raises :exc:`KnownUnusable`."""
    try:
        entries = yaml.safe_load(path.read_text(encoding="utf-8")) or []
        known = [Known(**entry) for entry in entries]
        for entry in known:
            re.compile(entry.line)
    except (OSError, UnicodeError, yaml.YAMLError, TypeError, re.error) as error:
        raise KnownUnusable(f"{path}: {error}") from None
    return known


def explanation(pair: Pair, known: Iterable[Known]) -> Optional[Known]:
    """Return the entry of *known* that explains *pair*; None if there is none."""
    return next((entry for entry in known if entry.explains(pair)), None)


Row = tuple[str, ...]


def table(pairs: Sequence[Pair], heading: str, name_of: Callable[[Pair], str]) -> list[Row]:
    """Return a table of *pairs*: a row for each name, in order of appearance, and one for all of them."""
    counts: dict[str, Counter[Agreement]] = {}
    for pair in pairs:
        counts.setdefault(name_of(pair), Counter())[pair.agreement] += 1
    if len(counts) > 1:
        counts["all"] = sum(counts.values(), Counter())
    rows = [(heading, "pairs", *(agreement.value for agreement in Agreement))]
    for name, count in counts.items():
        numbers = (sum(count.values()), *(count[agreement] for agreement in Agreement))
        rows.append((name, *(f"{number:,}" for number in numbers)))
    return rows


def tables(pairs: Sequence[Pair]) -> Mapping[str, list[Row]]:
    """Return the tables of a report, by title: for each kind of audit one by corpus and one by kernel."""
    by_title = {}
    for audit in AUDITS:
        own = [pair for pair in pairs if pair.audit == audit]
        by_title[f"kfuncdoc audit {audit}, by corpus"] = table(own, "Corpus", lambda pair: pair.corpus)
        by_title[f"kfuncdoc audit {audit}, by kernel"] = table(own, "Kernel", lambda pair: pair.kernel)
    return by_title


def share_of_false_doubts(pairs: Sequence[Pair]) -> tuple[int, int]:
    """Return of how many pairs "may break" is wrong, and of how many it is said, as far as their kernels tell."""
    doubted = [
        pair.agreement
        for pair in pairs
        if pair.claim.verdict is Verdict.MAY_BREAK and pair.agreement is not Agreement.UNTOLD
    ]
    return doubted.count(Agreement.FALSE_MAY_BREAK), len(doubted)


def as_text(rows: Sequence[Row]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows)]
    lines = [
        "  ".join([row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:]))])
        for row in rows
    ]
    return "\n".join(lines) + "\n"


def as_rst(rows: Sequence[Row], title: str) -> str:
    """Return *rows* as a table of reStructuredText with a *title*."""
    command, comma, rest = title.partition(",")
    lines = [f".. list-table:: ``{command}``{comma}{rest}", "   :header-rows: 1", ""]
    for row in rows:
        lines += [f"   {'*' if number == 0 else ' '} - {cell}" for number, cell in enumerate(row)]
    return "\n".join(lines) + "\n"


def disagreements(pairs: Iterable[Pair], known: Sequence[Known]) -> str:
    """Return each disagreement of *pairs*: who, what was said, and the line of the kernel; the known ones last."""
    unexplained: dict[str, list[str]] = {}
    explained: dict[str, list[str]] = {}
    for pair in pairs:
        if pair.agreement in (Agreement.AGREED, Agreement.UNTOLD):
            continue
        entry = explanation(pair, known)
        name = f"{pair.agreement.value}: {pair.corpus}/{pair.object}, program {pair.program}, on {pair.kernel}"
        said = [
            f"    audit: {pair.claim.verdict.value}{': ' + pair.claim.reason if pair.claim.reason else ''}",
            f"    kernel: {pair.reply.answer.value}{': ' + pair.reply.line if pair.reply.line else ''}",
            *([f"    known: {entry.reason}"] if entry else []),
        ]
        # Both kinds of audits mostly say the same.
        audits = (explained if entry else unexplained).setdefault("\n".join([name, *said]), [])
        audits.append(pair.audit)
    return "\n".join(
        text.replace("\n", f" ({', '.join(audits)})\n", 1)
        for text, audits in [*unexplained.items(), *explained.items()]
    )


def reasons_untold(pairs: Iterable[Pair]) -> str:
    """Return why nobody can tell, the most frequent reason first; numbers and names in it are left out."""
    reasons = Counter(
        re.sub(r"'[^']*'|\b\d+\b", "…", pair.reply.line) for pair in pairs if pair.agreement is Agreement.UNTOLD
    )
    return "\n".join(f"nobody can tell, {count} pairs: {reason}" for reason, count in reasons.most_common())


def wrong(pairs: Iterable[Pair], known: Sequence[Known]) -> list[Pair]:
    """Return the pairs that must not be: false "loads" and "breaks" that no entry of *known* explains."""
    return [pair for pair in pairs if pair.agreement in WRONG and not explanation(pair, known)]


def needless(pairs: Iterable[Pair], known: Sequence[Known]) -> list[Known]:
    """Return the entries of *known* that explain no wrong verdict of *pairs*."""
    needed = {explanation(pair, known) for pair in pairs if pair.agreement in WRONG}
    return [entry for entry in known if entry not in needed]


def as_include(pairs: Sequence[Pair], known: Sequence[Known]) -> str:
    """Return the tables of *pairs* and the known disagreements as a file that ``docs/figures.rst`` includes."""
    head = [".. SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause", ".. Written by make boot, do not edit", ""]
    false_doubts, doubts = share_of_false_doubts(pairs)
    share = f'"May break" is wrong of {false_doubts:,} of the {doubts:,} pairs that it is said of.\n'
    explained = Counter(
        (pair.agreement.value, entry.reason)
        for pair in pairs
        for entry in [explanation(pair, known) if pair.agreement in WRONG else None]
        if entry
    )
    reasons = [f"* {verdict}, {count:,} pairs: {reason}" for (verdict, reason), count in explained.items()]
    listed = ["The disagreements that stay:\n", *reasons, ""] if reasons else []
    return "\n".join([*head, *(as_rst(rows, title) for title, rows in tables(pairs).items()), share, *listed])
