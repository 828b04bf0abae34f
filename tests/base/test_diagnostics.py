# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""How findings are sorted, weighed and told: as text, as JSON, and as workflow commands of GitHub."""

from __future__ import annotations

import difflib
import json
import random

import pytest

from kfuncdoc.base.diagnostics import (
    Diagnostic,
    KnownNames,
    Rule,
    Severity,
    as_github,
    as_json,
    as_text,
    fails,
    nearest,
)

ERROR = Diagnostic("a.kfuncs.yaml", 31, 18, Rule.REPLACEMENT_UNKNOWN, "'bpf_frist' is not declared", "did you mean it?")
WARNING = Diagnostic("a.kfuncs.yaml", 4, 11, Rule.SUMMARY_MISSING, "'bpf_one' has no summary")
INFO = Diagnostic("b.kfuncs.yaml", 9, 1, Rule.PAST_DUE, "it has not happened")


# -- rules


def test_every_rule_is_found_by_its_name():
    assert [Rule.named(rule.rule) for rule in Rule] == list(Rule)
    assert Rule.named("no-such-rule") is None
    assert Rule.named("PAST_DUE") is None


@pytest.mark.parametrize("rule", Rule, ids=lambda rule: rule.rule)
def test_every_rule_is_explained_and_called_like_its_member(rule):
    assert rule.rule == rule.name.lower().replace("_", "-")
    assert rule.explanation.endswith(".")
    assert rule.group
    assert isinstance(rule.severity, Severity)


# -- order


def test_findings_sort_by_file_line_column_rule_and_message():
    in_order = [
        Diagnostic("a", 0, 0, Rule.UNREADABLE, "z"),
        Diagnostic("a", 2, 9, Rule.YAML_SYNTAX, "z"),
        Diagnostic("a", 10, 1, Rule.YAML_SYNTAX, "z"),
        Diagnostic("a", 10, 2, Rule.END_MISSING, "z"),
        Diagnostic("a", 10, 2, Rule.REASON_MISSING, "a"),
        Diagnostic("a", 10, 2, Rule.REASON_MISSING, "b"),
        Diagnostic("b", 1, 1, Rule.END_MISSING, "a"),
    ]
    mixed = list(in_order)
    random.Random(0).shuffle(mixed)
    assert mixed != in_order
    assert sorted(mixed, key=lambda found: found.sort_key) == in_order


# -- weight


@pytest.mark.parametrize(
    ("found", "normal", "strict"),
    [([], False, False), ([INFO], False, False), ([WARNING, INFO], False, True), ([INFO, ERROR], True, True)],
)
def test_what_fails(found, normal, strict):
    assert fails(found) is normal
    assert fails(found, strict=True) is strict


# -- text


def test_text_with_and_without_a_hint():
    assert as_text(ERROR) == (
        "a.kfuncs.yaml:31:18: error: 'bpf_frist' is not declared [replacement-unknown]\n    hint: did you mean it?"
    )
    assert as_text(WARNING) == "a.kfuncs.yaml:4:11: warning: 'bpf_one' has no summary [summary-missing]"
    assert as_text(INFO) == "b.kfuncs.yaml:9:1: info: it has not happened [past-due]"


# -- JSON


def test_json():
    assert as_json([ERROR, INFO]) == (
        json.dumps(
            {
                "format": 1,
                "diagnostics": [
                    {
                        "file": "a.kfuncs.yaml",
                        "line": 31,
                        "column": 18,
                        "severity": "error",
                        "rule": "replacement-unknown",
                        "message": "'bpf_frist' is not declared",
                        "hint": "did you mean it?",
                    },
                    {
                        "file": "b.kfuncs.yaml",
                        "line": 9,
                        "column": 1,
                        "severity": "info",
                        "rule": "past-due",
                        "message": "it has not happened",
                        "hint": "",
                    },
                ],
            },
            indent=2,
        )
        + "\n"
    )


def test_json_of_nothing():
    assert as_json([]) == '{\n  "format": 1,\n  "diagnostics": []\n}\n'


def test_json_of_any_text_is_ascii_and_comes_back():
    message = 'quote " backslash \\ line\nend \u2028 é 𝄞 \udce9'
    text = as_json([Diagnostic("é", 1, 1, Rule.ENCODING, message)])
    assert text.isascii()
    assert json.loads(text)["diagnostics"][0]["message"] == message


# -- GitHub


def test_github_names_each_severity_in_its_own_way():
    assert as_github(ERROR) == (
        "::error file=a.kfuncs.yaml,line=31,col=18,title=kfuncdoc replacement-unknown"
        "::'bpf_frist' is not declared (did you mean it?)"
    )
    assert as_github(WARNING) == (
        "::warning file=a.kfuncs.yaml,line=4,col=11,title=kfuncdoc summary-missing::'bpf_one' has no summary"
    )
    assert as_github(INFO) == "::notice file=b.kfuncs.yaml,line=9,col=1,title=kfuncdoc past-due::it has not happened"


def test_github_escapes_what_would_end_a_property_or_the_command():
    found = Diagnostic("C:\\a,b%\n.yaml", 1, 2, Rule.ENCODING, "50%: a,b\r\nc::d", "x%0A")
    assert as_github(found) == (
        "::error file=C%3A\\a%2Cb%25%0A.yaml,line=1,col=2,title=kfuncdoc encoding::50%25: a,b%0D%0Ac::d (x%250A)"
    )


# -- hints


@pytest.mark.parametrize(
    ("word", "hint"),
    [("sumary", "did you mean 'summary'?"), ("summary", "did you mean 'summary'?"), ("colour", ""), ("", "")],
)
def test_nearest(word, hint):
    assert nearest(word, iter(["name", "summary", "prototype"])) == hint


def test_nearest_of_nothing():
    assert nearest("summary", []) == ""


#: Many names that are much alike, as those of kfuncs are.
VERBS = ("acquire", "release", "get", "put", "copy", "first", "next", "destroy", "from_id", "set_flags")
NOUNS = ("task", "cgroup", "cpumask", "dynptr", "list", "rbtree", "iter_num", "iter_bits", "sock", "skb")
MANY = [f"bpf_{noun}_{verb}" for noun in NOUNS for verb in VERBS]


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("bpf_task_aquire", "did you mean 'bpf_task_acquire'?"),
        ("bpf_tsak_acquire", "did you mean 'bpf_task_acquire'?"),
        ("bpf_list_frist", "did you mean 'bpf_list_first'?"),
        ("cpumask_next", "did you mean 'bpf_cpumask_next'?"),
        ("bpf_iter_bits_destroy", "did you mean 'bpf_iter_bits_destroy'?"),
        ("quux", ""),
        ("", ""),
    ],
)
def test_the_nearest_of_many_names(word, hint):
    names = KnownNames(MANY)
    assert names.hint(word) == hint
    assert names.hint(word) == hint, "and the same when it is asked for again"


@pytest.mark.parametrize("count", [100, 1000, 10000])
def test_a_word_is_compared_with_few_names_however_many_there_are(monkeypatch, count):
    compared = []

    def get_close_matches(word, possibilities, n, cutoff):
        compared.append(len(possibilities))
        return []

    monkeypatch.setattr(difflib, "get_close_matches", get_close_matches)
    names = KnownNames(f"bpf_thing_{number}_get" for number in range(count))
    for number in range(20):
        names.hint(f"bpf_thign_{number}_get")
        names.hint(f"bpf_thign_{number}_get")
    assert compared == [10] * 20
