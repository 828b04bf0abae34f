# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Tables of kfuncs in HTML have what the script needs, and have nothing of it elsewhere."""

from __future__ import annotations

import json
import re

from projects import declarations, deprecated, kfunc, toctree

FILES = {
    "index.rst": toctree("demo", "other", "list"),
    "demo.kfuncs.yaml": declarations(
        "demo",
        kfunc("bpf_one", program_types="[BPF_PROG_TYPE_XDP]"),
        kfunc("bpf_two", deprecated("v6.12", "v7.2", "bpf_one"), program_types="[BPF_PROG_TYPE_TRACING]"),
    ),
    "other.kfuncs.yaml": declarations("other", kfunc("bpf_three", added="v6.19")),
    "list.rst": "List\n====\n\n.. kfunc-table::\n   :columns: kfunc, subsystem, stability\n",
}


def facts_in(page: str) -> dict:
    """Return the facts of the only table of a page."""
    (found,) = re.findall(r'<script type="application/json">(.*?)</script>', page)
    return json.loads(found)


def test_form_offers_what_is_in_the_table(make) -> None:
    page = make(FILES).build("html").text("list.html")
    (form,) = re.findall(r'<form class="kfunc-filter".*?</form>', page, re.DOTALL)
    options = {
        name: re.findall(r'<option value="(.*?)">(.*?)</option>', inside)
        for name, inside in re.findall(r'<select name="(\w+)".*?>(.*?)</select>', form)
    }
    assert options["subsystem"] == [("", "any"), ("demo", "demo"), ("other", "other")]
    assert options["stability"] == [
        ("", "any"), ("present", "present"), ("deprecated", "deprecated"), ("past due", "past due"),
    ]  # fmt: skip
    assert options["type"] == [
        ("", "any"),
        ("BPF_PROG_TYPE_TRACEPOINT", "tracepoint"),
        ("BPF_PROG_TYPE_TRACING", "tracing"),
        ("BPF_PROG_TYPE_XDP", "xdp"),
    ]
    assert options["release"][:2] == [("", "any"), ("v7.3", "v7.3")]
    assert options["release"][-1] == ("v6.2", "v6.2")
    assert options["sort"] == [
        ("", "as listed"), ("kfunc", "kfunc"), ("Subsystem", "Subsystem"), ("Stability", "Stability"),
    ]  # fmt: skip
    assert '<p class="kfunc-count" role="status">3 kfuncs</p>' in form
    assert [row[0] for row in facts_in(page)["rows"]] == ["bpf_one", "bpf_three", "bpf_two"]


def test_cells_know_their_column_and_heads_are_buttons(make) -> None:
    page = make(FILES).build("html").text("list.html")
    assert page.count("kfunc-column-stability") == 4
    assert '<p><button type="button" class="kfunc-sort" disabled>Subsystem</button></p>' in page


def test_other_builders_have_none_of_it(make) -> None:
    project = make(FILES)
    for builder, name in (("text", "list.txt"), ("latex", "kernel.tex"), ("epub", "list.xhtml")):
        project.conf.update(epub_copyright="us", latex_documents=[("index", "kernel.tex", "Kernel", "us", "manual")])
        project.conf.update(project="Kernel", version="1")
        text = project.build(builder).text(name)
        assert "bpf" in text
        assert re.findall("kfunc-filter|kfunc-sort|kfuncdoc.js", text) == []


def test_table_is_new_when_only_a_filter_differs(make) -> None:
    project = make(FILES)
    project.build("html")
    project.edit("demo.kfuncs.yaml", "BPF_PROG_TYPE_XDP", "BPF_PROG_TYPE_TRACING")
    build = project.build("html")
    assert "list" in build.read
    assert facts_in(build.text("list.html"))["callers"][:2] == [
        ["BPF_PROG_TYPE_TRACING"], ["BPF_PROG_TYPE_TRACING", "BPF_PROG_TYPE_TRACEPOINT"],
    ]  # fmt: skip


def test_script_is_only_where_something_is_shown(make) -> None:
    build = make({**FILES, "index.rst": FILES["index.rst"] + "   plain\n", "plain.rst": "Plain\n=====\n"}).build("html")
    assert 'defer="defer" src="_static/kfuncdoc.js' in build.text("list.html")
    assert "kfuncdoc" not in build.text("plain.html")


def test_facts_are_those_of_the_names_in_the_first_place(make) -> None:
    """A replacement is a kfunc as well, and not the one that the row is about."""
    table = "List\n====\n\n.. kfunc-table::\n   :columns: replacement, kfunc\n"
    page = make({**FILES, "list.rst": table}).build("html").text("list.html")
    assert [row[0] for row in facts_in(page)["rows"]] == ["bpf_one", "bpf_three", "bpf_two"]
    without = make({**FILES, "list.rst": table.replace(", kfunc", "")}).build("html").text("list.html")
    assert "kfunc-filter" not in without


def test_search_knows_names_and_nothing_of_forms(make) -> None:
    index = make(FILES).build("html").text("searchindex.js")
    assert "bpf_three" in index
    assert "subsystemany" not in index
    assert max(map(len, re.findall(r"[a-z_]+", index))) < 60
