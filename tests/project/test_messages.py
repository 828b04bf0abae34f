# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The page of messages: each is explained, and is word for word in the sources that the page names."""

from __future__ import annotations

import os
import re
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import pytest
from declared import ROOT

from kfuncdoc.audit.findings import AuditRule

PAGE = ROOT / "docs" / "messages.rst"
TEXT = PAGE.read_text(encoding="utf-8")
#: Where each of those that print messages has them, in the tree of a kernel.
SOURCES = {
    "libbpf": ("tools/lib/bpf/libbpf.c", "tools/lib/bpf/btf.c"),
    "verifier": ("kernel/bpf/verifier.c", "kernel/bpf/diagnostics.c", "kernel/bpf/offload.c"),
    "sched_ext": ("kernel/sched/ext.c", "kernel/sched/ext/*.[ch]"),
}
RELEASES = ("v6.12", "v7.3")


class Message(NamedTuple):
    """One message of the page: who prints it, in which releases, and what it says."""

    speaker: str
    releases: tuple[str, ...]
    text: str

    def __str__(self) -> str:
        return self.text


class Section(NamedTuple):
    """One section with messages: its title, the messages, the fields that explain them, and the findings it names."""

    title: str
    messages: tuple[Message, ...]
    fields: tuple[str, ...]
    findings: tuple[str, ...]


_SECTION = re.compile(r"^(?P<title>\S.*)\n~+\n(?P<body>(?:.*\n(?!\S.*\n[~-]{3}))*)", re.MULTILINE)
_MESSAGE = re.compile(
    r"^\.\. code-block:: text\n   :caption: (?P<speaker>\w+), (?P<releases>v.*)\n\n   (?P<text>.*)\n\n", re.MULTILINE
)


def sections() -> list[Section]:
    """Return the sections of the page that have messages, in order."""
    return [
        Section(
            section["title"],
            tuple(
                Message(found["speaker"], tuple(found["releases"].split(" and ")), found["text"])
                for found in _MESSAGE.finditer(section["body"])
            ),
            tuple(re.findall(r"^:(.*?): ", section["body"], re.MULTILINE)),
            tuple(re.findall(r"<audit-([a-z-]+)>", section["body"])),
        )
        for section in _SECTION.finditer(TEXT)
    ]


SECTIONS = sections()
MESSAGES = [message for section in SECTIONS for message in section.messages]


def test_every_message_of_the_page_is_read_here() -> None:
    assert len(MESSAGES) > 40
    assert len(MESSAGES) == TEXT.count(".. code-block::")
    assert len(SECTIONS) == len(re.findall("^~~~+$", TEXT, re.MULTILINE))
    assert len({(message.speaker, message.text) for message in MESSAGES}) == len(MESSAGES)


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.title)
def test_every_section_has_messages_and_explains_them(section: Section) -> None:
    assert section.messages
    assert section.fields in (("Meaning", "What to do"), ("Meaning", "What to do", "Audits"))
    for message in section.messages:
        assert message.speaker in SOURCES
        assert message.releases in (RELEASES, RELEASES[:1], RELEASES[1:])


def test_the_findings_of_audits_that_are_named_exist() -> None:
    named = [finding for section in SECTIONS for finding in section.findings]
    assert named
    assert set(named) <= {rule.rule for rule in AuditRule}
    assert len(named) == len(re.findall(r":ref:`([a-z-]+) <audit-\1>`", TEXT))
    assert all(bool(section.findings) is ("Audits" in section.fields) for section in SECTIONS)


@pytest.mark.parametrize(
    ("rule", "quoted"),
    [(rule, quoted) for rule in AuditRule for quoted in re.findall('"([^"]+)"', rule.explanation)],
    ids=lambda value: value if isinstance(value, str) else value.rule,
)
def test_a_message_that_a_finding_quotes_leads_back_to_it(rule: AuditRule, quoted: str) -> None:
    said = [
        section for section in SECTIONS
        if any(set(quoted.split()) <= set(re.findall(r"\w+", message.text)) for message in section.messages)
    ]  # fmt: skip
    assert [rule.rule in section.findings for section in said] == [True]


def test_the_page_names_its_sources() -> None:
    for path in chain.from_iterable(SOURCES.values()):
        named = "kernel/sched/ext" if path.startswith("kernel/sched") else path
        assert f"``{named}``" in TEXT


# -- real kernels

KERNELS = os.environ.get("KFUNCDOC_KERNELS", "")

#: A string of C, which may be written in parts.
_STRING = re.compile(r'"(?:[^"\\\n]|\\.)*"(?:\s*"(?:[^"\\\n]|\\.)*")*')
_PLACEHOLDER = re.compile(r"%[-+ #0]*\d*(?:l{0,2}[diuxc]|s|p\w?)")
#: A format with fewer letters of its own would match nearly any message.
FEWEST_LETTERS = 8


def lines_of(source: str) -> set[str]:
    """Return the lines that the strings of a source of C make, as formats."""
    strings = (re.sub(r'"\s*"', "", found[0])[1:-1] for found in _STRING.finditer(source))
    return {line.replace('\\"', '"') for string in strings for line in string.split("\\n")}


def pattern_of(line: str) -> str:
    """Return the regular expression for what a format prints, or nothing where it says too little."""
    parts = _PLACEHOLDER.split(line)
    if sum(character.isalpha() for part in parts for character in part) < FEWEST_LETTERS:
        return ""
    printed = ["-?[0-9a-fx]+" if found[-1] in "diux" else ".*" for found in _PLACEHOLDER.findall(line)]
    return "".join(chain.from_iterable(zip(map(re.escape, parts), [*printed, ""])))


@pytest.mark.parametrize(
    ("source", "message", "printed"),
    [
        (r'verbose(env, "R%d must be a rcu pointer\n", regno);', "R1 must be a rcu pointer", True),
        (r'verbose(env, "R%d must be a rcu pointer\n", regno);', "R must be a rcu pointer", False),
        (r'pr_warn("%d: line\n" "kfunc [%s] is not " "resolved\n", i);', "kfunc [f] is not resolved", True),
        (r'pr_err("BPF \"%s\" disabled (0x%llx)\n", name, 1);', 'BPF "f" disabled (0x2a)', True),
        (r'pr_warn("%s#%d\n", name, id);', "any message#1", False),
    ],
)
def test_a_format_matches_what_it_prints(source: str, message: str, printed: bool) -> None:
    patterns = filter(None, map(pattern_of, lines_of(source)))
    assert any(re.fullmatch(pattern, message) for pattern in patterns) is printed


def formats_of(release: str) -> dict[str, set[str]]:
    """Return for each speaker the patterns of all formats in its sources of *release*."""
    tree = Path(KERNELS) / f"linux-source-{release[1:]}"
    if not tree.is_dir():
        pytest.skip(f"there is no {tree}")
    formats = {}
    for speaker, globs in SOURCES.items():
        texts = [path.read_text("utf-8", "replace") for name in globs for path in tree.glob(name)]
        formats[speaker] = set(map(pattern_of, chain.from_iterable(map(lines_of, texts)))) - {""}
    return formats


@pytest.mark.kernel
@pytest.mark.skipif(not KERNELS, reason="KFUNCDOC_KERNELS names no folder with linux-source-6.12 and linux-source-7.3")
def test_messages_are_word_for_word_those_of_the_sources() -> None:
    formats = {release: formats_of(release) for release in RELEASES}
    for message in MESSAGES:
        said = {
            release: {pattern for pattern in formats[release][message.speaker] if re.fullmatch(pattern, message.text)}
            for release in message.releases
        }
        assert all(said.values()), message
        for other in set(RELEASES) - set(message.releases):
            assert set.union(*said.values()) - formats[other][message.speaker], f"{message} reads so in {other}, too"
