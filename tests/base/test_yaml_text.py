# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""YAML as text with places: where values, keys and lines of prose stand, the limits, and no other exception."""

from __future__ import annotations

import datetime
import itertools
import re
from pathlib import Path
from typing import Any, Iterator

import pytest
import yaml
from declared import CALENDAR, FLAGS, HOOKS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kfuncdoc.base import yaml_text
from kfuncdoc.base.diagnostics import Rule
from kfuncdoc.base.yaml_text import Place, SourceFile, Unusable
from kfuncdoc.record.declaration_files import find
from kfuncdoc.record.load import load

# A deadline is the guard against work that grows out of proportion; no input here is longer than a few pages.
GUARDED = settings(deadline=datetime.timedelta(seconds=2), suppress_health_check=[HealthCheck.function_scoped_fixture])


def parse(text: str) -> SourceFile:
    return yaml_text.parse("x.kfuncs.yaml", text)


def found_in(text: str) -> tuple[Rule, tuple[int, int], str]:
    """Return what makes *text* unusable."""
    with pytest.raises(Unusable) as caught:
        parse(text)
    found = caught.value.diagnostic
    return found.rule, (found.line, found.column), found.message


def lines_of(read: SourceFile, *keys: yaml_text.Key) -> list[int]:
    """Return the line of the file for each line of the prose at *keys*."""
    value: Any = read.value
    for key in keys:
        value = value[key]
    return list(itertools.islice(read.lines(*keys), len(value.rstrip("\n").split("\n"))))


# -- values


@pytest.mark.parametrize(
    "written", ["6.10", "0x10", "yes", "2026-09-01", "1e3", "NULL", "!!int 5", ".inf", "'null'", '"~"']
)
def test_every_scalar_is_text(written):
    assert parse(f"a: {written}").value == {"a": written.split()[-1].strip("'\"")}


@pytest.mark.parametrize("written", ["", "null", "~"])
def test_nothing_is_nothing(written):
    assert parse(f"a: {written}").value == {"a": None}


def test_flow_and_block_give_the_same_value():
    block = "a:\n  - b: 1\n    c:\n    - 2\n    - 3\nd: {}\n"
    assert parse(block).value == parse("{a: [{b: 1, c: [2, 3]}], d: {}}").value


def test_aliases_stand_for_the_value_of_their_anchor():
    text = "a: &text one\nb: &list [*text, two]\nc: &map {d: *list}\ne: [*map, *text]\n"
    assert parse(text).value["e"] == [{"d": ["one", "two"]}, "one"]


def test_an_anchor_may_be_set_again():
    assert parse("a: &x one\nb: *x\nc: &x two\nd: *x\n").value == {"a": "one", "b": "one", "c": "two", "d": "two"}


def test_an_alias_does_not_reach_into_its_own_anchor():
    assert found_in("a: &a [*a]") == (Rule.YAML_SYNTAX, (1, 8), "there is no anchor '&a' before this")


# -- places

PLACES = """\
# A comment.
name: one
"quoted" : "two"
flow: {a: [x, 'y', {b: z}], c: }
block:
  - first
  -   second: 2
      third:
        - 3
  -
literal: |
  text
anchored: &anchor {d: 4}
aliased: *anchor
? asked
: answer
"""


@pytest.mark.parametrize(
    ("keys", "place"),
    [
        ((), (2, 1)),
        (("name",), (2, 7)),
        (("quoted",), (3, 12)),
        (("flow",), (4, 7)),
        (("flow", "a"), (4, 11)),
        (("flow", "a", 0), (4, 12)),
        (("flow", "a", 1), (4, 15)),
        (("flow", "a", 2, "b"), (4, 24)),
        (("flow", "c"), (4, 32)),
        (("block",), (6, 3)),
        (("block", 0), (6, 5)),
        (("block", 1), (7, 7)),
        (("block", 1, "second"), (7, 15)),
        (("block", 1, "third", 0), (9, 11)),
        (("block", 2), (10, 4)),
        (("literal",), (11, 10)),
        (("anchored", "d"), (13, 23)),
        (("aliased", "d"), (13, 23)),
        (("asked",), (16, 3)),
    ],
)
def test_place_of_a_value(keys, place):
    assert parse(PLACES).place(*keys) == place


@pytest.mark.parametrize(
    ("keys", "place"),
    [
        (("name",), (2, 1)),
        (("quoted",), (3, 1)),
        (("flow", "a"), (4, 8)),
        (("flow", "a", 2, "b"), (4, 21)),
        (("flow", "c"), (4, 29)),
        (("block", 1, "second"), (7, 7)),
        (("block", 1, "third"), (8, 7)),
        (("anchored", "d"), (13, 20)),
        (("aliased",), (14, 1)),
        (("aliased", "d"), (13, 20)),
        (("asked",), (15, 3)),
    ],
)
def test_place_of_a_key(keys, place):
    assert parse(PLACES).key_place(*keys) == place


def test_a_value_that_is_not_there_has_the_place_of_what_would_enclose_it():
    read = parse(PLACES)
    assert read.place("nowhere") == read.place()
    assert read.place("flow", "a", 9) == read.place("flow", "a")
    assert read.place("name", "deeper") == read.place("name")


def test_columns_count_characters():
    assert parse("é: {𝄞: x}").place("é", "𝄞") == (1, 8)


def test_a_key_that_is_found_in_other_places_too():
    read = parse("note: 'key:'\nkey : key\n# key:\nmap: {key: key, 'key:': key}\n")
    assert read.key_place("key") == (2, 1)
    assert read.key_place("map", "key") == (4, 7)
    assert read.key_place("map", "key:") == (4, 17)


# -- lines of prose


@pytest.mark.parametrize(
    ("text", "value", "lines"),
    [
        ("a: one\n", "one", [1]),
        ("a: |\n  one\n  two\n", "one\ntwo\n", [2, 3]),
        ("a: |\n\n  one\n\n\n  two\n\n", "\none\n\n\ntwo\n", [2, 3, 4, 5, 6]),
        ("a: |2-\n    one\n  two\nb: c\n", "  one\ntwo", [2, 3]),
        ("a:\n  |\n  one\n  two\n", "one\ntwo\n", [3, 4]),
        ('a: "one\\n\n  two"\n', "one\n two", [1, 1]),
        ("a: >\n  one\n  two\n", "one two\n", [2]),
        ("a:\n  one\n  two\n", "one two", [2]),
    ],
)
def test_lines_of_prose(text, value, lines):
    read = parse(text)
    assert read.value["a"] == value
    assert lines_of(read, "a") == lines


@pytest.mark.parametrize(
    "style", [">\n  one\n  two\n\n  three\n", "'one\n  two\n\n  three'\n", "one\n  two\n\n  three\n"]
)
def test_lines_of_folded_prose_are_never_below_the_text(style):
    read = parse(f"a: {style}b: c\n")
    text = read.text.split("\n")
    lines = lines_of(read, "a")
    assert [read.value["a"].strip().split("\n")[0], len(lines)] == ["one two", 2]
    assert "one" in text[lines[0] - 1]
    assert lines[0] <= lines[1] <= 1 + text.index(next(line for line in text if "three" in line))


def test_lines_do_not_end():
    read = parse("a: |\n  one\n  two\nb: c\n")
    assert list(itertools.islice(read.lines("a"), 2)) == [2, 3]
    assert len(list(itertools.islice(read.lines("a"), 9))) == 9
    assert list(itertools.islice(read.lines("b"), 2)) == [4, 4]
    assert list(itertools.islice(read.lines("nowhere"), 2)) == [1, 1]


def test_lines_inside_of_prose_are_known():
    read = parse('a: |\n  one\n  # two\nb: "three\n  # four\n  "\nc: five\n  six\n# seven\n')
    assert read.scalar_lines == {2, 3, 5, 6, 8}


# -- keys that stand twice


def test_the_first_of_two_equal_keys_counts():
    read = parse("a: 1\nb: {c: 2, c: {d: 3}, c: 4}\n'a': 5\n")
    assert read.value == {"a": "1", "b": {"c": "2"}}
    assert [(twice.path, twice.place) for twice in read.keys_twice] == [
        (("b", "c"), (2, 11)),
        (("b", "c"), (2, 22)),
        (("a",), (3, 1)),
    ]
    assert read.place("b", "c") == (2, 8)
    assert read.key_place("a") == (1, 1)


def test_keys_are_equal_only_within_one_mapping():
    assert parse("a: {a: {a: 1}}\nb: [{a: 1}, {a: 2}]\n").keys_twice == ()


# -- bytes to text


def decode(content: bytes) -> str:
    return yaml_text.decode("x.kfuncs.yaml", content)


@pytest.mark.parametrize(
    "content", [b"a: 1\r\nb: 2\r\n", b"a: 1\rb: 2\r", b"a: 1\nb: 2\n", b"\xef\xbb\xbfa: 1\r\nb: 2\n"]
)
def test_line_ends_and_byte_order_mark(content):
    text = decode(content)
    assert text == "a: 1\nb: 2\n"
    assert parse(text).place("b") == (2, 4)


@pytest.mark.parametrize(
    ("content", "rule", "place"),
    [
        (b"a: caf\xe9", Rule.ENCODING, (1, 7)),
        (b"a: \xc3\xa9\n\xc3\xa9\xff", Rule.ENCODING, (2, 2)),
        (b"\xef\xbb\xbfa: \xff", Rule.ENCODING, (1, 4)),
        (b"a: 1\n\xef\xbb", Rule.ENCODING, (2, 1)),
        ("a: b".encode("utf-16"), Rule.ENCODING, (1, 1)),
        (b"a: \xed\xa0\x80", Rule.ENCODING, (1, 4)),  # a surrogate
        ("a: \u2028".encode(), Rule.ENCODING, (1, 4)),
        ("a: 1\nb: é\u2029".encode(), Rule.ENCODING, (2, 5)),
        ("\x85".encode(), Rule.ENCODING, (1, 1)),
        ("a: 1\nb: é\ue001".encode(), Rule.PRIVATE_MARK, (2, 5)),
    ],
)
def test_bytes_that_are_no_usable_text(content, rule, place):
    with pytest.raises(Unusable) as caught:
        decode(content)
    found = caught.value.diagnostic
    assert (found.rule, (found.line, found.column)) == (rule, place)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('a: "\\uE000x:1\\uE001"\n', (1, 4)),
        ('a: "x\\U0000E001"\n', (1, 4)),
        ('a:\n  - b: one\n    c: "two\n\n      \\ue000"\n', (3, 8)),
        ('"\\uE000": one\n', (1, 1)),
        ('a: {b: [one, "\\uE000"]}\n', (1, 14)),
        ('a: &x "\\uE000"\nb: *x\n', (1, 4)),
    ],
)
def test_a_reserved_character_is_refused_as_an_escape_too(text, place):
    assert decode(text.encode()) == text, "it is not there before escapes are read"
    rule, found_at, message = found_in(text)
    assert (rule, found_at, message[-11:]) == (Rule.PRIVATE_MARK, place, "is reserved")


@pytest.mark.parametrize(("escape", "code"), [(r"\N", "0085"), (r"\L", "2028"), (r"\P", "2029"), (r"\u2028", "2028")])
def test_a_line_end_that_is_none_for_some_is_refused_as_an_escape_too(escape, code):
    message = f"U+{code} ends a line for some readers and not for others"
    assert found_in(f'a: one\nb: "two{escape}"\n') == (Rule.ENCODING, (2, 4), message)


@pytest.mark.parametrize("text", [r"a: \uE000", r"a: '\uE000'", "a: |\n  \\uE000\n", "a: >\n  \\uE000\n"])
def test_only_double_quotes_have_escapes(text):
    assert parse(text).value["a"].strip() == r"\uE000"


# -- limits


def test_nesting_up_to_the_limit():
    assert parse("[" * yaml_text.DEEPEST + "]" * yaml_text.DEEPEST).root.place == Place(1, 1)
    too_deep = "[" * (yaml_text.DEEPEST + 1) + "]" * (yaml_text.DEEPEST + 1)
    assert found_in(too_deep) == (Rule.TOO_LARGE, (1, yaml_text.DEEPEST + 1), "nested deeper than 32 levels")


def test_values_up_to_the_limit(monkeypatch):
    monkeypatch.setattr(yaml_text, "MOST_VALUES", 5)
    assert parse("a: [b, c]").value == {"a": ["b", "c"]}
    assert found_in("a: [b, c, d]") == (Rule.TOO_LARGE, (1, 11), "more than 5 values")


def test_an_alias_counts_as_what_it_stands_for(monkeypatch):
    monkeypatch.setattr(yaml_text, "MOST_VALUES", 10)
    assert parse("[&a [b, c], *a, *a]").value == [["b", "c"]] * 3
    assert found_in("[&a [b, c], *a, *a, *a]") == (Rule.TOO_LARGE, (1, 21), "more than 10 values")


def test_size_up_to_the_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(yaml_text, "LARGEST_FILE", 1_000_000)
    path = tmp_path / "x.kfuncs.yaml"
    path.write_bytes(b"a: 1\n" + b"#" * (1_000_000 - 5))
    assert yaml_text.read(str(path)).value == {"a": "1"}
    path.write_bytes(b"a: 1\n" + b"#" * (1_000_001 - 5))
    with pytest.raises(Unusable) as caught:
        yaml_text.read(str(path))
    assert caught.value.diagnostic.rule is Rule.TOO_LARGE
    assert caught.value.diagnostic.message == "more than 1 MB"


# -- whatever comes

#: Text in which the marks of YAML are frequent.
MARKS = [*"[]{},:?-&*!|>'\"%@`#~\n \t\\", "---\n", "- ", ": ", "\n  ", "&a ", "*a", "<<: ", "!!int ", "\r\n"]
YAMLISH = st.lists(st.sampled_from(MARKS) | st.text(max_size=3), max_size=60).map("".join)


def usable(path: Path) -> bool:
    try:
        yaml_text.read(str(path))
    except Unusable:
        return False
    return True


@GUARDED
@given(YAMLISH)
def test_any_text_is_parsed_or_unusable(text):
    try:
        read = parse(text)
    except Unusable as unusable:
        found = unusable.diagnostic
        assert 0 <= found.line <= len(text.splitlines()) + 1
        assert found.message
    else:
        assert read.value is not None


@GUARDED
@given(content=st.one_of(st.binary(max_size=200), YAMLISH.map(str.encode)))
def test_any_bytes_are_read_or_unusable(tmp_path, content):
    path = tmp_path / "x.kfuncs.yaml"
    path.write_bytes(content)
    assert usable(path) in (True, False)


#: Any text that a file may have.
ANY_TEXT = st.text().map(lambda text: re.sub("[\x85\u2028\u2029\ue000\ue001]", "", text))


@given(st.recursive(ANY_TEXT, lambda inner: st.lists(inner) | st.dictionaries(ANY_TEXT, inner), max_leaves=20))
@GUARDED
def test_what_is_written_is_what_is_read(value):
    value = {"a": value}
    text = yaml.safe_dump(value, allow_unicode=True, default_style='"')
    assert parse(text).value == value


@given(
    st.recursive(
        st.text("abc: -#'\"\n", min_size=1), lambda inner: st.lists(inner) | st.dictionaries(st.text("abc"), inner)
    )
)
@GUARDED
def test_every_value_has_a_place_where_it_begins(value):
    read = parse(yaml.safe_dump({"a": value}, default_style="'", default_flow_style=True, width=1_000_000))
    lines = read.text.split("\n")

    for keys, item in walk(read.value):
        line, column = read.place(*keys)
        opening = lines[line - 1][column - 1 : column]
        assert opening in ("{" if isinstance(item, dict) else "[" if isinstance(item, list) else ("'", '"'))


def walk(value: Any, *keys: yaml_text.Key) -> Iterator[tuple[tuple[yaml_text.Key, ...], Any]]:
    """Yield every value in *value*, itself first, with the path to it."""
    yield keys, value
    if isinstance(value, dict):
        for key, item in value.items():
            yield from walk(item, *keys, key)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from walk(item, *keys, index)


# -- damaged declarations

DECLARED = """\
subsystem: example
title: Example
recorded: v7.3
description: |
  Text.
callers:
  iterators: [{program_type: BPF_PROG_TYPE_TRACING, attach_types: [BPF_TRACE_ITER]}]
kfuncs:
  - name: bpf_one
    summary: One.
    prototype: int bpf_one(void)
    # kfuncdoc: allow flag-unknown: from a tree of our own
    flags: [KF_RCU, KF_NOVEL]
    flags_for: {BPF_PROG_TYPE_SYSCALL: [KF_ACQUIRE]}
    program_types: [BPF_PROG_TYPE_TRACING]
    allowed: [iterators, {program_type: BPF_PROG_TYPE_TRACEPOINT}]
    enforced_by: run-time
    wrapper: {name: one, header: one.h}
    users: [{name: scx_simple, url: "https://example.org/", note: Often.}]
    backports: [{kernel: v6.12.40, commit: 0123456789ab}]
    history:
      - {release: ..v6.12, event: added}
      - {release: v6.13, event: changed, was: {prototype: int bpf_one(int), flags: [], allowed: []}, breaking: true}
      - {release: v6.14, event: superseded, replacement: [{name: bpf_two, when: always}, {other: A helper.}]}
      - release: v6.15..v6.16
        event: deprecated
        reason: Because.
        said_in: kernel/bpf/helpers.c
        removal: v6.23
        also_said: [{removal: undecided, said_in: a mail}]
        renamed_to: bpf_two
      - {release: v7.1, event: deprecated, removal: v7.2}
      - {release: v7.2, event: withdrawn, reason: It is used.}
      - {release: v7.3, event: removed, no_replacement: It is not needed.}
  - name: bpf_two
    summary: Two.
    prototype: int bpf_two(void)
    history:
      - {release: v6.13, event: added}
      - {release: v6.14, event: deprecated, reason: No., said_in: a, change: v7.4, replacement: [bpf_one]}
"""


def loads(folder: Path, text: str) -> None:
    """Load *text*; whatever it is, it gives a page, and diagnostics with places in it."""
    path = folder / "damaged.kfuncs.yaml"
    path.write_bytes(text.encode())
    catalog = load([str(path)], calendar=CALENDAR, flags=FLAGS, hooks=HOOKS)
    assert len(catalog.subsystems) == 1
    lines = text.count("\n") + text.count("\r") + 2
    assert all(0 <= found.line <= lines and found.message for found in catalog.diagnostics)


@GUARDED
@given(
    st.lists(
        st.tuples(
            st.integers(0, len(DECLARED)),
            st.integers(0, 30),
            st.sampled_from(["", *MARKS, "null", "v6.12", "added", "v9"]) | st.text(max_size=4),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_a_declaration_with_damaged_text_is_loaded(tmp_path, edits):
    text = DECLARED
    for start, length, inserted in edits:
        text = text[:start] + inserted + text[start + length :]
    loads(tmp_path, text)


PATHS = [keys for keys, _ in walk(parse(DECLARED).value) if keys]
PARTS = [part for keys, value in walk(parse(DECLARED).value) for part in (*keys, value)]
WORDS = sorted({part for part in PARTS if isinstance(part, str)})
VALUES = st.recursive(
    st.none() | st.sampled_from(WORDS) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=3),
    max_leaves=5,
)


EDITS = st.tuples(st.sampled_from(PATHS), st.sampled_from(["put", "drop", "add"]), VALUES, st.sampled_from(WORDS))


@GUARDED
@given(st.lists(EDITS, min_size=1, max_size=4))
def test_a_declaration_with_damaged_values_is_loaded(tmp_path, edits):
    value = parse(DECLARED).value
    for (*keys, last), how, another, word in edits:
        inner = value
        for key in keys:
            try:
                inner = inner[key]
            except (LookupError, TypeError):  # an edit before this one took it away
                break
        if isinstance(inner, dict) and how == "drop":
            inner.pop(last, None)
        elif isinstance(inner, dict):
            inner[last if how == "put" else word] = another
        elif isinstance(inner, list):
            inner[:] = inner[1:] if how == "drop" else [*inner, another]
    loads(tmp_path, yaml.safe_dump(value, sort_keys=False, allow_unicode=True))


def test_the_declaration_that_is_damaged_is_sound_before(tmp_path):
    path = tmp_path / "sound.kfuncs.yaml"
    path.write_text(DECLARED, encoding="utf-8")
    assert load([str(path)], calendar=CALENDAR, flags=FLAGS, hooks=HOOKS).diagnostics == ()


def test_a_file_named_twice_is_read_once(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.kfuncs.yaml").write_text("", encoding="utf-8")
    assert find(["a.kfuncs.yaml", "./a.kfuncs.yaml", "."]) == ["a.kfuncs.yaml"]
