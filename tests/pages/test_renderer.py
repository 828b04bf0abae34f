# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Declarations to reStructuredText: exact pages, escapes, places of prose, selection and order.

The pages that are expected of ``pages/shelf.yaml`` are in ``pages/*.rst``, without the line of the
digest.  Run as a program, this module writes them anew, for the difference to be read.
"""

from __future__ import annotations

import datetime
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from declared import CALENDAR, ROOT, TESTS, TODAY, catalog_of, entry, subsystem
from docutils.core import publish_doctree
from hypothesis import assume, example, given
from hypothesis import strategies as st

from kfuncdoc.base.resources import packaged
from kfuncdoc.pages.columns import choosable
from kfuncdoc.pages.page_files import pages
from kfuncdoc.pages.renderer import Renderer
from kfuncdoc.pages.rst import escape, heading, lines_with_places, literal, plain
from kfuncdoc.pages.selection import ORDERS, Selection, select
from kfuncdoc.pages.site_map import Page, SiteMap
from kfuncdoc.record.catalog import Catalog
from kfuncdoc.record.load import load
from kfuncdoc.record.snapshot import Snapshot

PAGES = TESTS / "pages"
NAMES = ("index", "deprecated", "removed", "changes", "shelf")


def renderer_of(catalog: Catalog, release: str = "v7.3", date: datetime.date = TODAY, **more: Any) -> Renderer:
    return Renderer(Snapshot(catalog, CALENDAR[release], date), **more)


def of_first_file(renderer: Renderer) -> str:
    """Return the page of the first declaration file, with marks."""
    return renderer.page(Page("subsystem", renderer.catalog.subsystems[0].path))


def page(folder: Path, text: str, release: str = "v7.3", date: datetime.date = TODAY) -> str:
    """Return the page of one declaration file, without marks."""
    renderer = renderer_of(catalog_of(folder, demo=text), release, date)
    return plain(of_first_file(renderer))


def shelf_pages(folder: Path) -> dict[str, str]:
    """Return the pages of the shelf without the line of the digest."""
    catalog = catalog_of(folder, shelf=(PAGES / "shelf.yaml").read_text(encoding="utf-8"))
    return {name: re.sub(r"(?m)^\.\. Written by .*\n", "", text) for name, text in pages(renderer_of(catalog)).items()}


@pytest.fixture(scope="module")
def shelf(tmp_path_factory):
    return shelf_pages(tmp_path_factory.mktemp("shelf"))


# -- whole pages


@pytest.mark.parametrize("name", NAMES)
def test_a_page_is_exactly_as_expected(shelf, name):
    assert shelf[f"{name}.rst"] == (PAGES / f"{name}.rst").read_text(encoding="utf-8")


def test_there_is_no_page_besides(shelf):
    assert sorted(shelf) == sorted(f"{name}.rst" for name in NAMES)


def test_no_page_declares_a_c_function_or_uses_an_extension(shelf):
    """kernel-doc declares the functions; the directives and roles are those of docutils and Sphinx."""
    text = "\n".join(shelf.values())
    assert set(re.findall(r"\.\. ([a-z:-]+)::", text)) == {
        "role", "rst-class", "container", "list-table", "table", "code-block", "index", "toctree",
    }  # fmt: skip
    declared = set(re.findall(r"\.\. role:: (\S+)", text))
    assert set(re.findall(r":([a-z-]+):`", text)) <= declared | {"ref"}


def test_every_page_declares_its_roles_once(shelf):
    for name in NAMES:
        assert shelf[f"{name}.rst"].count(".. role:: kfunc-present") == 1, name


@pytest.mark.record
def test_every_reference_has_its_label_at_any_release():
    """Of the packaged record, as of every release, also those in which few of its kfuncs were there."""
    catalog = load(sorted(str(path) for path in packaged("data").glob("*.kfuncs.yaml")))
    for release in catalog.calendar.real[::6]:
        text = "\n".join(pages(Renderer(Snapshot(catalog, release, release.date))).values())
        labels = re.findall(r"(?m)^\.\. _([a-z0-9_-]+):$", text)
        assert len(labels) == len(set(labels))
        assert set(re.findall(r":ref:`[^`<]+ <([^>]+)>`", text)) <= set(labels), release


# -- escapes

NASTY = (
    "*emphasis*", "`text`_", "name_", "|word|", "back\\slash\\", "a::", "- item", "1. item", "D. Vernet",
    ".. directive::", "----", ":field: x", "http://x.org/_", "<a>", "_`target`", "[1]_", "[x] {y}", ">>> x", "日本",
)  # fmt: skip


def read_back(rst: str, tag: str) -> str:
    """Return the text of the first *tag* that docutils finds in *rst*, which has nothing to complain of."""
    settings = {"report_level": 2, "halt_level": 2, "warning_stream": False, "doctitle_xform": False}
    document = publish_doctree(rst, settings_overrides=settings)
    return next(node.astext() for node in document.traverse() if getattr(node, "tagname", "") == tag)


@pytest.mark.filterwarnings("ignore:nodes.Node.traverse")
@given(st.one_of(st.text("*`_|\\:<>[]{}.-+=() a1", min_size=1, max_size=12), st.text(min_size=1)))
@example("*")
@example("日本語のタイトル")
def test_escaped_text_reads_as_it_was_written(text):
    text = " ".join(text.split())
    assume(text.strip("\\") and text.isprintable())
    escaped = escape(text)
    assert read_back(f"{heading(escaped)}\n\nx\n\n{heading('Another')}\n\nx\n", "title") == text
    assert read_back(f":x: {escaped}\n:y: z\n", "field_body") == text
    assert read_back(f"a {escaped} b", "paragraph") == f"a {text} b"


@pytest.mark.parametrize("title", NASTY)
def test_a_title_is_never_markup(tmp_path, title):
    quoted = title.replace("'", "''")
    text = f"subsystem: demo\ntitle: '{quoted}'\nrecorded: v7.3\nkfuncs:\n{entry('f', 'release: v6.2, event: added')}"
    catalog = catalog_of(tmp_path, demo=text)
    rendered = plain(of_first_file(renderer_of(catalog)))
    lines = rendered.split("\n")
    underline = next(index for index, line in enumerate(lines) if re.fullmatch("=+", line))
    width = sum(2 if ord(character) > 0x1100 else 1 for character in lines[underline - 1])
    assert lines[underline - 1] == escape(title)
    assert len(lines[underline]) >= width


def test_the_names_of_kfuncs_keep_their_underscores(tmp_path):
    names = ("__f", "f", "f_", "f___v2", "f_v2")
    rendered = page(tmp_path, subsystem("".join(entry(name, "release: v6.2, event: added") for name in names)))
    lines = rendered.split("\n")
    titles = [before for before, line in zip(lines, lines[1:]) if re.fullmatch("-+", line)]
    assert titles == [r"\_\_f", "f", r"f\_", r"f\_\_\_v2", r"f\_v2"]
    labels = re.findall(r"(?m)^\.\. _(.*):$", rendered)
    assert labels == ["kfunc-u2-f", "kfunc-f", "kfunc-f-u1", "kfunc-f-u3-v2", "kfunc-f-v2"]


def test_an_alias_is_given_where_it_takes_nobody_elses_id(tmp_path):
    rendered = page(tmp_path, subsystem(entry("__f", "release: v6.2, event: added")))
    assert re.findall(r"(?m)^\.\. _(.*):$", rendered) == ["kfunc-f", "kfunc-u2-f"]
    both = entry("__g", "release: v6.2, event: added") + entry("g_", "release: v6.2, event: added")
    labels = re.findall(r"(?m)^\.\. _(.*):$", page(tmp_path, subsystem(both)))
    assert labels == ["kfunc-u2-g", "kfunc-g-u1"], "two names that would share the alias have none"


def test_a_prototype_with_odd_spacing_is_shown_in_the_kernels(tmp_path):
    spaced = "|\n    struct  a*f( int\n      (*cb )(void*),\tu64  * x[2] )"
    odd = entry("f", "release: v6.2, event: added", prototype=spaced)
    assert "   struct a *f(int (*cb )(void *), u64 *x[2]);\n" in page(tmp_path, subsystem(odd))


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a b", "``a b``"), ("a`b", r"a\`b"), (" a", " a"), ("a\\", "``a\\``"), ("*", "``*``"), ("", "")],
)
def test_a_literal_that_cannot_hold_a_text_gives_way(text, expected):
    assert literal(text) == expected


# -- marks

#: Every kind of prose, each line with a word of its own.
EVERYWHERE = """\
subsystem: demo
title: Words w01
recorded: v7.3
description: |
  First w02

  second w03
    third w04
guidelines: |
  Habit w05
  goes on w06.
kfuncs:
  - name: f
    summary: Summary w07.
    description: |
      Long w08

      - item w09
    prototype: void f(void)
    filter: |
      From w10
      or w11.
    backports:
      - kernel: v6.12.40
        note: |
          Brought w12
          back.
    history:
      - release: v6.2
        event: added
        note: |

          Came w13.
      - release: v6.5
        event: changed
        behaviour: Does w14.
      - release: v6.6
        event: deprecated
        removal: undecided
        said_in: a.c
        reason: |
          Since w15
          then w16.
        replacement:
          - other: a macro w17
            when: |
              on w18
              days
      - release: v6.7
        event: deprecated
        reason: |
          Since w19
          then w20.
  - name: g
    summary: Summary w21.
    prototype: void g(void)
    history:
      - {release: v6.2, event: added}
      - release: v6.8
        event: changed
        was:
          filter: |
            Only w22
            and w23.
      - release: v6.9
        event: deprecated
        removal: v6.12
        said_in: a.c
        reason: It is w24.
        no_replacement: |
          None w25.
      - release: v7.0
        event: withdrawn
        reason: Too many w26.
      - release: v7.1
        event: removed
        reason: |
          Gone w27
          for w28.
        no_replacement: None w29.
"""
#: What the newest release has nothing of: reasons that were restated or withdrawn.
NOT_SHOWN = {"w15", "w16", "w24"}


def assert_places(rendered: str, path: str) -> set[str]:
    """Assert that each line with a word of EVERYWHERE has the place of its first one; return the words.

    Code is no prose: what its comments take from prose has no markup that could be wrong.
    """
    written = EVERYWHERE.split("\n")
    shown = set()
    prose = re.sub(r"\.\. code-block:: c\n   :force:\n\n(?:   .*\n|\n)+", "", rendered)
    for line, file, number in lines_with_places(prose, path):
        words = re.findall(r"w\d\d", line)
        if words:
            assert file == path
            assert words[0] in written[number - 1], f"{line!r} comes from {written[number - 1]!r}?"
            shown |= set(words)
    return shown


@pytest.fixture
def everywhere(tmp_path):
    folder = tmp_path / "with  spaces: and colons:1"
    folder.mkdir()
    return catalog_of(folder, demo=EVERYWHERE)


def test_every_line_of_prose_knows_where_it_was_written(everywhere):
    path = everywhere.subsystems[0].path
    renderer = renderer_of(everywhere)
    words = set(re.findall(r"w\d\d", EVERYWHERE))
    assert assert_places(of_first_file(renderer), path) == words - NOT_SHOWN
    assert assert_places(renderer.page(Page("index")), path) == {"w07", "w21"}
    assert assert_places(renderer.page(Page("deprecated")), path) == {"w17", "w18"}
    assert assert_places(renderer.page(Page("removed")), path) == {"w29"}
    assert assert_places(renderer.page(Page("changes")), path) == {"w14", "w17", "w18", "w25", "w26", "w29"} - {"w14"}
    everything = renderer.table(Selection(columns=tuple(column.name for column in choosable())))
    assert assert_places(everything, path) == {"w07", "w17", "w18", "w21", "w29"}


def test_at_an_older_release_prose_comes_from_the_event_that_says_what_was(everywhere):
    renderer = renderer_of(everywhere, "v6.6")
    words = assert_places(of_first_file(renderer), everywhere.subsystems[0].path)
    assert {"w15", "w16", "w22", "w23"} <= words
    assert not {"w19", "w20", "w24", "w27"} & words


def test_titles_know_where_they_were_written(everywhere):
    lines = EVERYWHERE.split("\n")
    rendered = of_first_file(renderer_of(everywhere))
    places = {line: number for line, _, number in lines_with_places(rendered, "")}
    assert lines[places["Words w01"] - 1] == "title: Words w01"
    assert lines[places["f"] - 1] == "  - name: f"
    assert lines[places["g"] - 1] == "  - name: g"


def test_a_line_without_a_mark_takes_the_place_of_the_last_that_had_one():
    text = "a\nb\ue000x.yaml:7\ue001\n\nc\nd\ue000y: 1.yaml:9\ue001 and\ue000x.yaml:8\ue001"
    assert lines_with_places(text, "default.yaml") == [
        ("a", "default.yaml", 1),
        ("b", "x.yaml", 7),
        ("", "x.yaml", 7),
        ("c", "x.yaml", 7),
        ("d and", "y: 1.yaml", 9),
    ]


def test_plain_text_has_no_mark(everywhere):
    renderer = renderer_of(everywhere)
    marked = of_first_file(renderer)
    assert "\ue000" in marked
    for text in (plain(marked), *pages(renderer).values()):
        assert "\ue000" not in text
        assert "\ue001" not in text
    assert plain(marked).split("\n") == [line for line, _, _ in lines_with_places(marked, "")]


# -- selection and order

SAID = "reason: Slow., said_in: a.c, no_replacement: None."
MANY = "".join(
    [
        entry("later", "release: v6.2, event: added", f"release: v7.0, event: deprecated, removal: v7.9, {SAID}"),
        entry("open", "release: v6.4, event: added", f"release: v7.0, event: deprecated, removal: undecided, {SAID}"),
        entry("due", "release: v6.2, event: added", f"release: v7.0, event: deprecated, removal: v7.2, {SAID}"),
        entry("_due_too", "release: v6.2, event: added", f"release: v6.9, event: deprecated, removal: v6.22, {SAID}"),
        entry("due_long", "release: v6.2, event: added", f"release: v6.9, event: deprecated, removal: v6.12, {SAID}"),
        entry("soon", "release: v6.3, event: added", f"release: v7.1, event: deprecated, change: v7.4, {SAID}"),
        entry("a_new_one", "release: v7.3, event: added", program_types="[BPF_PROG_TYPE_XDP]"),
        entry("gone", "release: v6.2, event: added", "release: v6.12, event: removed, no_replacement: None."),
        entry("gone_later", "release: v6.2, event: added", "release: v7.0, event: removed, no_replacement: None."),
        entry("old", "release: v6.2, event: added", "release: v6.8, event: superseded, replacement: [later]",
              program_types="[BPF_PROG_TYPE_UNSPEC]"),
    ]
)  # fmt: skip


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    other = subsystem(entry("elsewhere", "release: v6.3, event: added"), name="other")
    return renderer_of(catalog_of(tmp_path_factory.mktemp("many"), demo=subsystem(MANY), other=other))


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        ({"stability": ("deprecated",), "order": "urgency"}, "due_long _due_too due soon later open"),
        ({"past_due": True}, "due due_long _due_too"),
        ({"stability": ("removed",), "order": "removed"}, "gone_later gone"),
        ({"stability": ("superseded",)}, "old"),
        ({"stability": ("present",)}, "a_new_one elsewhere old"),
        ({"stability": ("superseded", "removed"), "order": "declared"}, "gone gone_later old"),
        ({"subsystem": ("other",)}, "elsewhere"),
        ({"subsystem": ("no such",)}, ""),
        ({"added": "v6.3"}, "elsewhere soon"),
        ({"deprecated": "v6.9"}, "due_long _due_too"),
        ({"removed": "v7.0"}, "gone_later"),
        ({"program_type": "BPF_PROG_TYPE_XDP"}, "a_new_one old"),
        ({"program_type": "BPF_PROG_TYPE_TRACING"}, "old"),
        ({"stability": ("present",), "order": "added"}, "a_new_one elsewhere old"),
    ],
)
def test_a_table_selects_and_orders(many, wanted, names):
    assert [view.name for view in select(many.pages, Selection(**wanted))] == names.split()


def test_a_table_has_the_columns_that_are_asked_for(many):
    rendered = plain(many.table(Selection(added="v7.3", columns=("stability", "kfunc", "removed"))))
    rows = [line.strip() for line in rendered.split("\n") if re.match(r" {6}[* ] -", line)]
    assert rows == [
        "* - Stability", "- kfunc", "- Gone from",
        "* - :kfunc-present:`present`", "- :ref:`a_new_one <kfunc-a-new-one>`", "-",
    ]  # fmt: skip


@pytest.mark.parametrize("order", ORDERS)
def test_a_table_of_any_order_has_every_kfunc_once(many, order):
    chosen = [view.name for view in select(many.pages, Selection(order=order))]
    assert sorted(chosen) == sorted({view.name for view in many.pages.kfuncs})


def test_a_table_without_rows_says_so(many):
    assert plain(many.table(Selection(added="v6.19"))).strip() == "None."


def test_a_kfunc_that_has_not_come_yet_is_not_shown(tmp_path):
    text = subsystem(entry("f", "release: v6.2, event: added") + entry("later", "release: v6.9, event: added"))
    assert "later" not in page(tmp_path, text, "v6.8")
    assert "later" in page(tmp_path, text, "v6.9")


def test_a_kfunc_that_no_page_shows_is_named_without_a_link(tmp_path):
    """Another file may know of later releases than the one that declares the replacement."""
    catalog = catalog_of(tmp_path, demo=subsystem(entry("f", "release: v6.9, event: added")))
    assert renderer_of(catalog, "v6.9").link("f") == ":ref:`f <kfunc-f>`"
    assert renderer_of(catalog, "v6.8").link("f") == "``f``"
    assert renderer_of(catalog).link("undeclared") == "``undeclared``"
    assert renderer_of(catalog, site=SiteMap({})).link("f") == "``f``"


# -- changes


def test_changes_between_two_releases_leave_out_the_first(many):
    text = plain(many.changes(CALENDAR["v6.12"], CALENDAR["v7.1"]))
    assert re.findall(r"\.\. rubric:: (.*)", text) == ["v7.1 (June 2026)", "v7.0 (April 2026)"]


def test_changes_go_from_the_first_release_of_the_calendar_to_the_reference(tmp_path):
    text = subsystem(entry("f", "release: v6.1, event: added") + entry("g", "release: v6.3, event: added"))
    renderer = renderer_of(catalog_of(tmp_path, demo=text), "v6.2")
    assert re.findall(r"\.\. rubric:: (\S+)", renderer.changes(None, None)) == ["v6.1"]
    assert re.findall(r"\.\. rubric:: (\S+)", renderer.changes(None, CALENDAR["v7.3"])) == ["v6.1"]


def test_changes_without_events_say_so(many):
    assert plain(many.changes(CALENDAR["v7.3"], None)).split("\n")[-2] == "Nothing is recorded."


def test_changes_that_no_caller_notices_are_folded(tmp_path):
    quiet = entry("f", "release: v6.2, event: added", "release: v6.5, event: changed, was: {flags: [KF_RCU]}",
                  "release: v6.6, event: changed, was: {source: a.c}", source="b.c")  # fmt: skip
    text = plain(renderer_of(catalog_of(tmp_path, demo=subsystem(quiet))).changes(None, None))
    assert re.findall(r"\.\. rubric:: (\S+)", text) == ["v6.5", "v6.2"], "a move of the source is no change"
    assert ":Unnoticed changes: :ref:`f <kfunc-f>`\n" in text
    assert ":Changed:" not in text


# -- replacements of replacements


def instead(folder: Path, entries: str, release: str = "v7.3") -> list[str]:
    return re.findall(r"(?m)^:Replacement: (.*)$", page(folder, subsystem(entries), release))


def test_a_removed_kfunc_names_the_end_of_its_chain(tmp_path):
    chain = (
        entry("a", "release: v6.2, event: added", "release: v6.4, event: removed, renamed_to: b")
        + entry("b", "release: v6.4, event: added", "release: v6.6, event: superseded, replacement: [c]",
                "release: v6.8, event: removed")
        + entry("c", "release: v6.6, event: added", "release: v6.9, event: deprecated, removal: v6.12, reason: Slow., "
                "said_in: a.c, replacement: [d]", "release: v6.13, event: removed")
        + entry("d", "release: v6.9, event: added")
    )  # fmt: skip
    b, c, d = (f":ref:`{name} <kfunc-{name}>`" for name in "bcd")
    assert instead(tmp_path, chain) == [f"{d}; it replaced {b} (renamed)", f"{d}; it replaced {c}", d]
    assert instead(tmp_path, chain, "v6.8") == [f"{c}; it replaced {b} (renamed)", c]
    assert instead(tmp_path, chain, "v6.4") == [f"{b} (renamed)"]


def test_a_chain_that_ends_in_a_removed_kfunc_says_so(tmp_path):
    chain = entry("a", "release: v6.2, event: added", "release: v6.4, event: removed, renamed_to: b") + entry(
        "b", "release: v6.4, event: added", "release: v6.6, event: removed, no_replacement: None."
    )
    assert instead(tmp_path, chain) == [":ref:`b <kfunc-b>` (renamed), removed since", "nothing: None."]


def test_a_name_that_came_back_under_another_is_no_circle(tmp_path):
    """As bpf_stream_vprintk in v6.18 and v7.0."""
    chain = entry(
        "f", "release: v6.17, event: added", "release: v6.18, event: removed, renamed_to: f_impl",
        "release: v7.0, event: added, was: {prototype: int f(void)}",
    ) + entry("f_impl", "release: v6.18, event: added", "release: v7.0, event: removed, renamed_to: f")  # fmt: skip
    assert instead(tmp_path, chain) == [":ref:`f <kfunc-f>` (renamed)"]
    assert instead(tmp_path, chain, "v6.19") == [":ref:`f_impl <kfunc-f-impl>` (renamed)"]


# -- how far the record goes

DUE_IN_V7_2 = entry("f", "release: v6.13, event: added", f"release: v6.19, event: deprecated, removal: v6.22, {SAID}")


def test_a_page_speaks_as_of_its_record_where_that_is_older_than_the_release(tmp_path):
    text = page(tmp_path, subsystem(DUE_IN_V7_2, recorded="v7.0"))
    assert ":Recorded: up to v7.0 (April 2026). A newer release is out; what it did to these kfuncs is not" in text
    assert ":Stability: :kfunc-deprecated:`deprecated`\n" in text
    assert (
        ":Remaining lifespan: 2 releases: last in v7.1, to be gone from v7.2, August 2026; best effort "
        "(as of v7.0 (April 2026), on 1 November 2026; this record goes no further)\n"
    ) in text


def test_a_page_of_an_older_release_says_so(tmp_path):
    text = page(tmp_path, subsystem(DUE_IN_V7_2), "v7.1", datetime.date(2026, 7, 1))
    assert ":Recorded: up to v7.3 (October 2026); shown as of v7.1 (June 2026)\n" in text
    assert (
        ":Remaining lifespan: 1 release: last in v7.1, to be gone from v7.2, August 2026; best effort "
        "(as of v7.1 (June 2026), on 1 July 2026)\n"
    ) in text


@pytest.mark.parametrize(
    ("date", "outdated", "overdue"),
    [
        ("2027-01-02", False, False),
        ("2027-01-03", True, False),
        ("2027-03-14", True, False),
        ("2027-03-15", True, True),
    ],
)
def test_a_page_knows_when_its_record_is_old(tmp_path, date, outdated, overdue):
    """The calendar ends with v7.3; v7.4 is out by 2027-01-03, and v7.5 by 2027-03-14, as far as one can tell."""
    due_in_v7_5 = entry("f", "release: v6.13, event: added", f"release: v7.1, event: deprecated, removal: v7.5, {SAID}")
    text = page(tmp_path, subsystem(due_in_v7_5), date=datetime.date.fromisoformat(date))
    assert ("A newer release is out" in text) == outdated
    assert ("; this record goes no further)" in text) == overdue
    assert "2 releases: last in v7.4, to be gone from v7.5, around March 2027; best effort" in text


# -- what cannot be read


def test_a_wrong_declaration_keeps_its_title_and_its_label(tmp_path):
    wrong = entry("__f", "release: v6.2, event: added", nonsense="1")
    text = subsystem(wrong + entry("g", "release: v6.2, event: added"))
    catalog = catalog_of(tmp_path, faulty=True, demo=text)
    rendered = plain(of_first_file(renderer_of(catalog)))
    assert (
        ".. _kfunc-u2-f:\n\n\\_\\_f\n-----\n\nThe declaration of this kfunc is wrong and cannot be shown.\n"
    ) in rendered
    assert ".. _kfunc-g:" in rendered
    assert renderer_of(catalog).link("__f") == ":ref:`__f <kfunc-u2-f>`"


def test_a_file_that_cannot_be_read_is_a_page_with_a_title(tmp_path):
    catalog = catalog_of(tmp_path, faulty=True, half_a_file="kfuncs: [")
    rendered = pages(renderer_of(catalog))["half_a_file.rst"]
    title = rendered.index("half")
    assert rendered[title:] == "half\\_a\\_file\n=============\n\nThe declarations of this page cannot be read.\n"


# -- templates and determinism


def test_a_template_is_overridden_by_name(tmp_path):
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "removed.rst.jinja").write_text("{{ 'Gone' | heading }}\n\nSee {{ 'f' | link }}.\n", encoding="utf-8")
    (theirs / "table.rst.jinja").write_text("{{ kfuncs | length }} rows\n", encoding="utf-8")
    catalog = catalog_of(tmp_path, demo=subsystem(entry("f", "release: v6.2, event: added")))
    renderer = renderer_of(catalog, templates=[str(theirs)])
    assert renderer.page(Page("removed")) == "Gone\n====\n\nSee :ref:`f <kfunc-f>`.\n"
    assert "1 rows" in renderer.page(Page("index")), "a template of kfuncdoc's includes theirs"


@pytest.mark.process
def test_pages_do_not_depend_on_the_order_of_hashing(tmp_path):
    (tmp_path / "shelf.kfuncs.yaml").write_bytes((PAGES / "shelf.yaml").read_bytes())
    seeds = ("0", "1", "42")
    render = [
        sys.executable,
        "-m",
        "kfuncdoc",
        "render",
        "--data",
        str(tmp_path / "shelf.kfuncs.yaml"),
        "--date",
        "2026-11-01",
    ]
    runs = [
        subprocess.Popen(
            [*render, "-o", str(tmp_path / seed)],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            stderr=subprocess.DEVNULL,
        )
        for seed in seeds
    ]
    assert [run.wait() for run in runs] == [0, 0, 0]
    first, *others = ({path.name: path.read_bytes() for path in (tmp_path / seed).iterdir()} for seed in seeds)
    assert sorted(first) == sorted(f"{name}.rst" for name in NAMES)
    assert others == [first, first]


def test_what_a_kfunc_is_in_a_kernel_is_said_only_where_it_is_known(tmp_path):
    text = subsystem(
        entry(
            "f", "release: ..v6.12, event: added", "release: 'v6.12..v7.1', event: removed, no_replacement: It burnt."
        )
    )
    shown = page(tmp_path, text)
    strip = re.search(r":In which kernels: (.*)", shown)[1]
    assert re.findall(r"`(.*?)`", strip) == [
        "v6.1 LTS: not known", "v6.6 LTS: not known", "v6.12 LTS: yes", "v6.18 LTS: not known", "v6.19: not known",
        "v7.0: not known", "v7.1: gone", "v7.2: gone", "v7.3: gone",
    ]  # fmt: skip


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        for _name, _text in shelf_pages(Path(temporary)).items():
            (PAGES / _name).write_text(_text, encoding="utf-8")


# -- what a reader found


def test_a_removed_kfunc_was_callable_from_what_shared_its_hook_then(tmp_path):
    gone = entry(
        "f", "release: v6.2, event: added", "release: v6.4, event: removed, no_replacement: No.",
        program_types="[BPF_PROG_TYPE_TRACING]",
    )  # fmt: skip
    renderer = Renderer(Snapshot(catalog_of(tmp_path, demo=subsystem(gone)), CALENDAR["v7.3"], TODAY))
    assert renderer.pages.view("f").sharing == ()  # tracepoints came to the hook in v6.12
    assert select(renderer.pages, Selection(program_type="BPF_PROG_TYPE_TRACEPOINT")) == ()


def test_a_move_that_breaks_callers_is_shown(tmp_path):
    moved = entry(
        "f", "release: v6.2, event: added", "release: v6.4, event: changed, breaking: true, was: {source: a.c}"
    )
    renderer = Renderer(Snapshot(catalog_of(tmp_path, demo=subsystem(moved)), CALENDAR["v7.3"], TODAY))
    assert [event.when.by.name for event in renderer.pages.view("f").events] == ["v6.2", "v6.4"]


@pytest.mark.parametrize("summary", ["X.", "A. Read it.", "- Read it.", "(1) Read it.", ".. note:: Read it."])
def test_a_summary_is_one_paragraph_whatever_it_begins_with(tmp_path, summary):
    text = subsystem(entry("f", "release: v6.2, event: added", summary=f'"{summary}"'))
    renderer = Renderer(Snapshot(catalog_of(tmp_path, demo=text), CALENDAR["v7.3"], TODAY))
    assert f"- \\ {summary}\n" in plain(renderer.table(Selection()))
    assert f"\n\\ {summary}\n" in plain(renderer.lifecycle("f"))


def test_a_name_that_came_back_was_added_twice(tmp_path):
    back = entry(
        "f", "release: v6.2, event: added", "release: v6.4, event: removed, no_replacement: No.",
        "release: v6.10, event: added",
    )  # fmt: skip
    renderer = Renderer(Snapshot(catalog_of(tmp_path, demo=subsystem(back)), CALENDAR["v7.3"], TODAY))
    shown = [
        [view.name for view in select(renderer.pages, Selection(added=release))]
        for release in ("v6.2", "v6.3", "v6.10")
    ]
    assert shown == [["f"], [], ["f"]]


def test_what_has_no_past_is_shown_as_of_the_recorded_release_only(tmp_path):
    text = subsystem(entry("f", "release: v6.2, event: added", wrapper="{name: some_macro, header: some.h}"))
    catalog = catalog_of(tmp_path, demo=text)
    shown = [
        "some_macro" in plain(Renderer(Snapshot(catalog, CALENDAR[release], TODAY)).lifecycle("f"))
        for release in ("v7.2", "v7.3")
    ]
    assert shown == [False, True]


def test_what_happened_to_several_is_told_once(tmp_path):
    breaking = "release: v7.2, event: changed, breaking: true, was: {flags: []}"
    kfuncs = [
        entry("f", "release: v6.2, event: added", f"{breaking}, note: Why.", flags="[KF_RCU]"),
        entry("g", "release: v6.2, event: added", f"{breaking}, note: Other.", flags="[KF_RCU]"),
        entry(
            "h",
            "release: v6.2, event: added",
            f"{breaking.replace('[]', '[KF_ACQUIRE]')}, note: Why.",
            flags="[KF_ACQUIRE, KF_RCU]",
        ),
    ]
    renderer = Renderer(Snapshot(catalog_of(tmp_path, demo=subsystem("".join(kfuncs))), CALENDAR["v7.3"], TODAY))
    told = [
        line for line in plain(renderer.changes(None, None)).splitlines() if "breaks callers" in line and "*" in line
    ]
    assert [re.findall(r":ref:`(\w) ", line) for line in told] == [["f", "h"], ["g"]]


def test_who_may_call_has_a_past(tmp_path):
    was = "{allowed: [{struct_ops: [old_ops]}], enforced_by: run-time}"
    changed = f"release: v7.2, event: changed, was: {was}"
    text = subsystem(
        entry("f", "release: v6.2, event: added", changed, allowed="[{struct_ops: [old_ops], callbacks: [put]}]")
    )
    catalog = catalog_of(tmp_path, demo=text)
    before, after = (
        plain(Renderer(Snapshot(catalog, CALENDAR[release], TODAY)).lifecycle("f")) for release in ("v7.1", "v7.2")
    )
    at_run_time = "The kernel checks this when the call is made: a program with another call loads."
    assert f":Filter:\n   Only from any callback of ``old_ops``. {at_run_time}\n" in before
    assert ":Filter:\n   Only from ``put()`` of ``old_ops``.\n" in after
    assert f"Filter before: Only from any callback of ``old_ops``. {at_run_time}" in after


# -- speaking up

DEPRECATED = "event: deprecated, reason: Slow., said_in: {said_in}, {plan}"
THREAD = "https://lore.kernel.org/bpf/1@example.org/"
USES = "which program calls it, on which kernels, what for, and"


def speaking_up(folder: Path, *events: str, contact: str = "", release: str = "v7.3") -> list[str]:
    """Return the fields about speaking up on the page of a kfunc with *events* after the first."""
    text = entry("f", "release: v6.2, event: added", *events) + entry("g", "release: v6.2, event: added")
    more = f"contact: {contact}\n" if contact else ""
    lines = page(folder, subsystem(text, more=more), release).split("\n")
    return [line.split(": ", 1)[1] for line in lines if line.startswith(":To speak up:")]


@pytest.mark.parametrize(
    ("contact", "lists"),
    [
        ("", "bpf@vger.kernel.org"),
        ("bpf@vger.kernel.org", "bpf@vger.kernel.org"),
        ("f@vger.kernel.org", "f@vger.kernel.org, with bpf@vger.kernel.org in copy"),
        ("f_*@x.org", r"f\_\*@x.org, with bpf@vger.kernel.org in copy"),
        ("f@x.org and bpf@vger.kernel.org", "f@x.org and bpf@vger.kernel.org"),
    ],
)
def test_a_deprecation_says_which_lists_to_write_to(tmp_path, contact, lists):
    deprecated = "release: v7.0, " + DEPRECATED.format(said_in="a.c", plan="removal: v7.5, replacement: [g]")
    expected = f"Write to {lists}: {USES} whether the replacement will do."
    assert speaking_up(tmp_path, deprecated, contact=contact) == [expected]


@pytest.mark.parametrize(
    ("more", "where"),
    [
        ("said_in: a.c", ""),
        ("said_in: https://example.org/page", ""),
        (f"said_in: {THREAD}", f", in reply to `the thread <{THREAD}>`__"),
        (f"said_in: a.c, link: {THREAD}", f", in reply to `the thread <{THREAD}>`__"),
        ("said_in: a.c, link: https://example.org/page", ""),
        ("said_in: a.c, commit: 0123456789abcdef", ", and name commit ``0123456789ab``"),
        (f"said_in: a.c, commit: 0123456789abcdef, link: {THREAD}", f", in reply to `the thread <{THREAD}>`__"),
    ],
)
def test_a_deprecation_says_where_it_is_discussed(tmp_path, more, where):
    deprecated = f"release: v7.0, event: deprecated, reason: Slow., removal: v7.5, replacement: [g], {more}"
    expected = f"Write to bpf@vger.kernel.org{where}: {USES} whether the replacement will do."
    assert speaking_up(tmp_path, deprecated) == [expected]


@pytest.mark.parametrize(
    ("plan", "question"),
    [
        ("removal: v7.5, renamed_to: g", "whether the replacement will do"),
        ("removal: v7.5, replacement: [{other: A macro.}]", "whether the replacement will do"),
        ("removal: undecided, no_replacement: Nothing does.", "what it takes to do without"),
        ("change: v7.5, no_replacement: None.", "whether the change will do"),
        ("change: v7.5, replacement: [g]", "whether the replacement will do"),
    ],
)
def test_a_deprecation_says_what_to_write(tmp_path, plan, question):
    deprecated = "release: v7.0, " + DEPRECATED.format(said_in="a.c", plan=plan)
    assert speaking_up(tmp_path, deprecated) == [f"Write to bpf@vger.kernel.org: {USES} {question}."]


def test_the_last_thread_of_the_open_deprecation_is_the_one_to_reply_to(tmp_path):
    plan = "removal: v7.5, replacement: [g]"
    events = [
        "release: v6.4, " + DEPRECATED.format(said_in=THREAD + "old", plan=plan),
        "release: v6.5, event: withdrawn, reason: Used.",
        "release: v6.6, " + DEPRECATED.format(said_in="a.c", plan=plan),
        f"release: v6.8, event: deprecated, removal: v7.6, link: {THREAD}",
        "release: v7.0, event: deprecated, removal: v7.7",
        "release: v7.1, event: withdrawn, reason: Used again.",
    ]
    for release, said in (
        ("v6.3", []), ("v6.4", [THREAD + "old"]), ("v6.5", []), ("v6.6", [""]), ("v6.8", [THREAD]), ("v7.0", [THREAD]),
        ("v7.1", []),
    ):  # fmt: skip
        found = [re.findall("<(.*)>", field) for field in speaking_up(tmp_path, *events, release=release)]
        assert found == [[link] if link else [] for link in said], release


@pytest.mark.parametrize(
    "event",
    ["superseded, replacement: [g], said_in: a.c", "removed, replacement: [g]", "changed, behaviour: Does more."],
)
def test_what_is_not_deprecated_says_nothing_of_speaking_up(tmp_path, event):
    assert speaking_up(tmp_path, f"release: v7.0, event: {event}") == []
