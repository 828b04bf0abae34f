# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The file of messages: what is wrong in it is said with the place, and patterns find what they are to find."""

from __future__ import annotations

from pathlib import Path

import pytest

from kfuncdoc.base.yaml_text import Unusable
from kfuncdoc.kernels.messages import Message, load_messages
from kfuncdoc.kernels.packaged import load_calendar

CALENDAR = load_calendar()
MESSAGE = "id: a, speaker: verifier, pattern: 'calling {kfunc} is not allowed', example: x"


def write(path: Path, message: str = MESSAGE, topic: str = "meaning: m, to_do: d") -> str:
    text = f"groups:\n- {{id: g, title: G, topics: [{{id: t, title: T, {topic}, messages: [{{{message}}}]}}]}}\n"
    path.write_text(text, encoding="utf-8")
    return str(path)


def message_of(path: Path, message: str) -> Message:
    (only,) = load_messages(CALENDAR, write(path, message)).messages
    return only


def test_a_topic_has_its_messages_and_a_message_its_topic(tmp_path):
    book = load_messages(CALENDAR, write(tmp_path / "m.yaml"))
    (topic,) = book.topics
    assert [message.id for message in topic.messages] == ["a"]
    assert book.topic_of(topic.messages[0]) is topic


@pytest.mark.parametrize(
    ("message", "topic", "wrong"),
    [
        ("id: a, speaker: clang, pattern: p, example: x", None, "'clang' is not among libbpf, cilium, verifier, "),
        ("id: a, speaker: verifier, example: x", None, "'pattern' is missing"),
        (f"{MESSAGE}, sinse: v6.1", None, "there is no field 'sinse'"),
        ("id: a, speaker: verifier, pattern: [p], example: x", None, "'pattern' is text"),
        ("id: a, speaker: verifier, pattern: 'is {foo}', example: x", None, "'{foo}' is not among kfunc, name, "),
        ("id: a, speaker: verifier, pattern: '{kfunc} {kfunc}', example: x", None, "only once"),
        ("id: a, speaker: verifier, pattern: '{kfunc}', example: x", None, "more than placeholders"),
        ("id: a, speaker: verifier, pattern: '{words} p', example: x", None, "{words} cannot begin a pattern"),
        ("id: t, speaker: verifier, pattern: p, example: x", None, "there are two of the id 't'"),
        (f"{MESSAGE}, since: v6.99", None, "'v6.99' is no release"),
        ("id: a, speaker: libbpf, since: v6.1, pattern: p, example: x", None, "'v6.1' is no version of a library"),
        (MESSAGE, "meaning: m", "'to_do' is missing"),
        (MESSAGE, "meaning: m, to_do: d, if_flag: KF_RCU", "if_flag and see_topic belong together"),
        (MESSAGE, "meaning: m, to_do: d, if_flag: KF_RCU, see_topic: u", "there is no topic 'u'"),
        (MESSAGE, "meaning: m, to_do: d, audits: []", "'audits' is a list with something in it"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path, message, topic, wrong):
    path = write(tmp_path / "m.yaml", message, topic or "meaning: m, to_do: d")
    with pytest.raises(ValueError, match=r"m\.yaml:[0-9]+:[0-9]+: ") as caught:
        load_messages(CALENDAR, path)
    assert wrong in str(caught.value)


@pytest.mark.parametrize("text", ["- 1\n", "groups: 1\n", "groups: []\n", "groups: [1]\n", "other: [1]\n"])
def test_a_file_of_another_shape_is_refused(tmp_path, text):
    (tmp_path / "m.yaml").write_text(text, encoding="utf-8")
    with pytest.raises((ValueError, Unusable)):
        load_messages(CALENDAR, str(tmp_path / "m.yaml"))


@pytest.mark.parametrize(
    ("line", "kfunc"),
    [
        ("calling bpf_a is not allowed", "bpf_a"),
        ("x: calling bpf_a is not allowed, so", "bpf_a"),
        ("escaped\\ncalling bpf_a is not allowed\\nso", "bpf_a"),
        ("recalling bpf_a is not allowed", None),
        ("calling bpf_a is not allowedly", None),
        ("calling 1a is not allowed", None),
        ("calling bpf_a  is not allowed", None),
    ],
)
def test_a_pattern_finds_whole_words(tmp_path, line, kfunc):
    match = message_of(tmp_path / "m.yaml", MESSAGE).regex.search(line)
    assert (match and match["kfunc"]) == kfunc


@pytest.mark.parametrize(
    ("span", "expected"),
    [
        ("", {"v6.1": True, "v7.3": True}),
        (", since: v6.12", {"v6.11": False, "v6.12": True}),
        (", since: v6.12..v6.16", {"v6.12": False, "v6.13": None, "v6.16": True}),
        (", until: v7.0", {"v6.19": True, "v7.0": False}),
        (", since: v6.1, until: v6.18..v7.0", {"v5.19": False, "v6.18": True, "v6.19": None, "v7.0": False}),
    ],
)
def test_which_releases_print_a_message(tmp_path, span, expected):
    message = message_of(tmp_path / "m.yaml", MESSAGE + span)
    assert {name: message.in_release(CALENDAR[name]) for name in expected} == expected


def test_no_release_of_the_kernel_prints_what_a_library_does(tmp_path):
    message = message_of(tmp_path / "m.yaml", "id: a, speaker: libbpf, since: '1.3', pattern: p, example: x")
    assert message.since_version == "1.3"
    assert message.in_release(CALENDAR["v6.12"]) is None
