# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The messages of the data: each is explained on the page, has a real line, and is word for word in the sources."""

from __future__ import annotations

import os
import re
import sys
from itertools import chain
from pathlib import Path

import pytest
from declared import ROOT

from kfuncdoc.audit.findings import AuditRule
from kfuncdoc.kernels.messages import LIBRARIES, SPEAKERS, Message, Topic, load_messages
from kfuncdoc.kernels.packaged import load_calendar
from kfuncdoc.pages.explanation import spoken_by

CALENDAR = load_calendar()
BOOK = load_messages(CALENDAR)
MESSAGES = list(BOOK.messages)
TOPICS = list(BOOK.topics)
PAGE = (ROOT / "docs" / "messages.rst").read_text(encoding="utf-8")
#: Where each of those that print messages has them, in the tree of a kernel.
SOURCES = {
    "libbpf": ("tools/lib/bpf/libbpf.c", "tools/lib/bpf/btf.c"),
    "verifier": ("kernel/bpf/verifier.c", "kernel/bpf/diagnostics.c", "kernel/bpf/offload.c", "kernel/bpf/fixups.c"),
    "sched_ext": ("kernel/sched/ext.c", "kernel/sched/ext/*.[ch]"),
    "kernel": ("kernel/bpf/btf.c", "kernel/sched/ext.c", "kernel/sched/ext/*.[ch]"),
}
#: The trees to compare with, each with its version of libbpf.
RELEASES = {"v6.12": "1.5", "v7.3": "1.8"}


def by_id(value: object) -> str:
    return value.id if isinstance(value, (Message, Topic)) else str(value)


def generated_page() -> str:
    """Return the part of the page that is made from the data."""
    folder = str(ROOT / "docs" / "_ext")
    sys.path.insert(0, folder)
    try:
        import kfuncdoc_reference
    finally:
        sys.path.remove(folder)
    return "\n".join(kfuncdoc_reference.page_of("messages"))


# -- the data


@pytest.mark.parametrize("message", MESSAGES, ids=by_id)
def test_a_real_line_is_found_by_its_own_pattern_and_by_no_other(message: Message) -> None:
    assert [other.id for other in MESSAGES if other.regex.search(message.example)] == [message.id]


@pytest.mark.parametrize("message", MESSAGES, ids=by_id)
def test_the_message_that_the_page_shows_is_one_of_its_pattern(message: Message) -> None:
    assert [other.id for other in MESSAGES if other.regex.search(message.shown)] == [message.id]


@pytest.mark.parametrize("topic", TOPICS, ids=by_id)
def test_the_findings_of_audits_that_are_named_exist(topic: Topic) -> None:
    assert set(topic.audits) <= {rule.rule for rule in AuditRule}
    assert topic.audits or not topic.audits_note


def test_the_messages_are_many_and_everyone_who_prints_some_has_a_name() -> None:
    assert len(MESSAGES) > 100
    assert {message.speaker for message in MESSAGES} == set(SPEAKERS)


@pytest.mark.parametrize(
    ("rule", "quoted"),
    [(rule, quoted) for rule in AuditRule for quoted in re.findall('"([^"]+)"', rule.explanation)],
    ids=lambda value: value if isinstance(value, str) else value.rule,
)
def test_a_message_that_a_finding_quotes_leads_back_to_it(rule: AuditRule, quoted: str) -> None:
    quoting = {
        topic.id: rule.rule in topic.audits for topic in TOPICS for message in topic.messages
        if message.regex.search(quoted) or set(quoted.split()) <= set(re.findall(r"\w+", message.shown))
    }  # fmt: skip
    assert quoting
    assert all(quoting.values())


# -- the page


def test_the_page_has_every_topic_and_message_of_the_data() -> None:
    page = generated_page()
    for topic in TOPICS:
        section = page[page.index(f".. _message-{topic.id}:") :]
        section = section[: section.find("\n.. _", 1)]
        assert topic.title in section
        for message in topic.messages:
            block = f".. code-block:: text\n   :caption: {spoken_by(message)}\n\n   {message.shown}\n"
            assert block in section
        for words in (topic.meaning, topic.to_do):
            assert " ".join(words.split()) in section
        assert re.findall(r":ref:`([a-z-]+) <audit-\1>`", section) == list(topic.audits)
    assert page.count(".. code-block::") == len(MESSAGES)


def test_addresses_of_the_page_that_was_written_by_hand_are_still_there() -> None:
    titles = {topic.title for topic in TOPICS} | {group.title for group in BOOK.groups}
    assert titles >= {
        "The kfunc is not there", "Not found in kernel or module BTFs", "func_proto incompatible",
        "Failed to find BTF for extern", "Referenced but wasn't resolved", "Not eliminated in verifier pass",
        "A kernel without what kfuncs need", "No BTF", "A module's BTF", "No address", "JIT",
        "The program may not call it", "Calling kernel function is not allowed", "Program must be sleepable",
        "Sleepable within a region", "RCU protection is missing", "Privileges", "Licence", "Device-bound program",
        "A compiler's trap", "The arguments do not fit", "Possibly NULL pointer", "Must be referenced or trusted",
        "Must be a rcu pointer", "Expected pointer to another structure", "Not a pointer to a kernel object",
        "Refcounted PTR_TO_BTF_ID", "References and sections that are left open", "Invalid access to what may be NULL",
        "Unreleased reference", "RCU read sections", "What the verifier of v7.3 adds", "Verification failed",
        "sched_ext at run time", "Called from the wrong callback", "Called on the wrong task",
        "Called outside a dump", "Another kfunc must be used",
    }  # fmt: skip
    assert ".. _messages-sched-ext:" in generated_page()


def test_the_page_names_its_sources() -> None:
    for path in chain.from_iterable(SOURCES.values()):
        named = "kernel/sched/ext" if path.startswith("kernel/sched") else path
        assert f"``{named}``" in PAGE


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("call-not-allowed", "verifier"),
        ("ksym-not-found", "libbpf, since 0.6"),
        ("vmlinux-btf-number", "libbpf, no longer in 1.6"),
        ("kfunc-renamed", "the kernel's log, since v6.13, no longer in v6.17"),
        ("must-be-rcu", "verifier"),
        ("null-argument-number", "verifier, no longer in v7.2 at the latest, after v7.1"),
    ],
)
def test_who_prints_a_message_and_when(name: str, words: str) -> None:
    assert [spoken_by(message) for message in MESSAGES if message.id == name] == [words]


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


def is_in(message: Message, release: str, version: str) -> bool:
    """Return whether the data says that *message* is in the sources of *release*, which have libbpf *version*."""
    if message.speaker in LIBRARIES:
        return (message.since_version or "0") <= version < (message.until_version or "9")
    return message.in_release(CALENDAR[release]) is True


def test_libbpf_has_no_version_that_the_comparison_of_texts_gets_wrong() -> None:
    versions = {end for message in MESSAGES for end in (message.since_version, message.until_version) if end}
    assert all(re.fullmatch(r"\d\.\d", version) for version in versions)


@pytest.mark.kernel
@pytest.mark.skipif(not KERNELS, reason="KFUNCDOC_KERNELS names no folder with linux-source-6.12 and linux-source-7.3")
def test_messages_are_word_for_word_those_of_the_sources() -> None:
    """A format of a later release may print what only an earlier one says: it has to be another format."""
    formats = {release: formats_of(release) for release in RELEASES}
    for message in (message for message in MESSAGES if message.speaker in SOURCES):
        printing = {
            release: {pattern for pattern in formats[release][message.speaker] if re.fullmatch(pattern, message.shown)}
            for release, version in RELEASES.items() if is_in(message, release, version)
        }  # fmt: skip
        assert all(printing.values()), message
        for other in RELEASES if printing else ():
            if other not in printing:
                still = set.union(*printing.values()) <= formats[other][message.speaker]
                assert not still, f"{message} reads so in {other}, too"
