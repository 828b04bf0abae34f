# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Tables of kfuncs in HTML have what the script needs, and have nothing of it elsewhere."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from types import ModuleType

import pytest
from projects import ROOT, declarations, deprecated, kfunc, toctree

from kfuncdoc.base.resources import packaged
from kfuncdoc.pages import columns
from kfuncdoc.pages.columns import Column
from kfuncdoc.pages.selection import Selection
from kfuncdoc.sphinxext.domain import domain_of

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


def load_reference() -> ModuleType:
    """Return the module that makes the reference of the guide."""
    path = ROOT / "docs" / "_ext" / "kfuncdoc_reference.py"
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    # It names itself by its entry.
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


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


def cells_of(page: str) -> list[tuple[str, str, str]]:
    """Return the label, the class of the column and the text of each cell of the body of the only table."""
    body = re.search(r"<tbody>(.*?)</tbody>", page, re.DOTALL)[1]
    cells = re.findall(r'<td(?: data-label="(.*?)")? class="(kfunc-column-[a-z-]+).*?">(.*?)</td>', body, re.DOTALL)
    return [(label, name, re.sub(r"<.*?>", "", text).strip()) for label, name, text in cells]


@pytest.mark.parametrize("builder", ["html", "singlehtml"])
def test_cells_have_the_labels_of_their_columns_for_narrow_pages(make, builder) -> None:
    """Cells that tell by themselves what they are have none, nor have empty ones."""
    table = "List\n====\n\n.. kfunc-table::\n   :columns: added, kfunc, stability, deprecated\n   :order: declared\n"
    files = {"index.rst": f"{table}\n.. toctree::\n\n   demo\n", "demo.kfuncs.yaml": FILES["demo.kfuncs.yaml"]}
    page = make(files).build(builder).text("index.html")
    assert cells_of(page)[:8] == [
        ("Since", "kfunc-column-since", "v6.2"),
        ("", "kfunc-column-kfunc", "bpf_one"),
        ("", "kfunc-column-stability", "present"),
        ("", "kfunc-column-deprecated-since", ""),
        ("Since", "kfunc-column-since", "v6.2"),
        ("", "kfunc-column-kfunc", "bpf_two"),
        ("", "kfunc-column-stability", "past due"),
        ("Deprecated since", "kfunc-column-deprecated-since", "v6.12"),
    ]


def test_table_of_program_types_has_the_labels_of_its_heads(make) -> None:
    project = make(
        {"index.rst": toctree("kfuncs/index")}, kfuncdoc_data=["../data"], kfuncdoc_overviews=["program-types"]
    )
    project.write(str(project.folder / "data" / "demo.kfuncs.yaml"), FILES["demo.kfuncs.yaml"])
    page = project.build("html").text("kfuncs/program-types.html")
    assert [label for label, _, _ in cells_of(page)] == ["", "Of their own", "In all"] * 4


def test_new_column_is_one_entry_and_one_macro(make, installed, monkeypatch) -> None:
    """It is in the table of rst, in HTML with its label, and in what the directive tells of its columns."""
    weight = Column("weight", "Weight", 10)
    monkeypatch.setitem(columns.COLUMNS, weight.name, weight)
    cells = installed / "templates" / "cells.rst.jinja"
    cells.write_text(
        cells.read_text(encoding="utf-8") + "{% macro weight(k, offer) %}{{ k.name | length }} kg{% endmacro %}\n",
        encoding="utf-8",
    )
    table = "List\n====\n\n.. kfunc-table::\n   :columns: kfunc, weight\n"
    project = make({"index.rst": f"{table}\n.. toctree::\n\n   demo\n", "demo.kfuncs.yaml": FILES["demo.kfuncs.yaml"]})
    page = project.build("html").text("index.html")
    assert cells_of(page)[:2] == [
        ("", "kfunc-column-kfunc", "bpf_one"), ("Weight", "kfunc-column-weight", "7 kg"),
    ]  # fmt: skip
    build = project.build("text")
    assert re.findall(r"bpf_\w+|Weight|\d kg", build.text("index.txt"))[:5] == [
        "Weight",
        "bpf_one",
        "7 kg",
        "bpf_two",
        "7 kg",
    ]
    rst = domain_of(build.app.env).session.renderer.table(Selection(columns=("kfunc", "weight")))
    assert "      :widths: 36 10\n\n      * - kfunc\n        - Weight\n" in rst
    assert '* ``weight``, headed "Weight"' in load_reference().directive_pages()
    wrong = table.replace("weight", "wieght")
    project.write("index.rst", f"{wrong}\n.. toctree::\n\n   demo\n")
    with pytest.raises(AssertionError, match="did you mean 'weight'"):
        project.build("text")


def test_every_column_has_its_macro() -> None:
    """And every macro its column."""
    template = (packaged("templates") / "cells.rst.jinja").read_text(encoding="utf-8")
    assert re.findall(r"{% macro (\w+)\(k, offer\)", template) == [column.macro for column in columns.COLUMNS.values()]


def test_stylesheet_has_no_list_of_columns() -> None:
    stylesheet = (ROOT / "kfuncdoc" / "sphinxext" / "html" / "static" / "kfuncdoc.css").read_text(encoding="utf-8")
    assert set(re.findall(r"kfunc-column-[a-z-]+", stylesheet)) == {"kfunc-column-kfunc"}


def test_other_builders_have_none_of_it(make) -> None:
    project = make(FILES)
    for builder, name in (("text", "list.txt"), ("latex", "kernel.tex"), ("epub", "list.xhtml")):
        project.conf.update(epub_copyright="us", latex_documents=[("index", "kernel.tex", "Kernel", "us", "manual")])
        project.conf.update(project="Kernel", version="1")
        text = project.build(builder).text(name)
        assert "bpf" in text
        assert re.findall("kfunc-filter|kfunc-sort|data-label|kfuncdoc.js", text) == []


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
