# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Pages about all declarations in HTML: what is drawn, what is folded, and the data with which releases are picked."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from projects import BASIC_OVERVIEWS, declarations, deprecated, kfunc, removed, toctree

OVERVIEWS = [*BASIC_OVERVIEWS, "compare", "program-types"]


def project_of(make: Any, **conf: Any) -> Any:
    project = make(
        {"index.rst": toctree("kfuncs/index")}, kfuncdoc_data=["../data"], kfuncdoc_overviews=OVERVIEWS, **conf
    )
    text = declarations(
        "demo",
        kfunc("bpf_one", program_types="[BPF_PROG_TYPE_XDP]"),
        kfunc("bpf_two", deprecated("v6.12", "v7.2", "bpf_one"), removed("v7.1")),
        kfunc("bpf_three", "release: v7.2, event: changed, was: {flags: [KF_RCU]}", added="v6.19"),
    )
    project.write(str(project.folder / "data" / "demo.kfuncs.yaml"), text)
    return project


def test_numbers_are_drawn_above_their_table(make) -> None:
    page = project_of(make).build("html").text("kfuncs/changes.html")
    (svg,) = re.findall(r'<svg class="kfunc-chart".*?</svg>', page, re.DOTALL)
    assert page.index(svg) < page.index("kfunc-counts")
    titles = re.findall(r'kfunc-chart-title"[^>]*>(.*?)<', svg)
    assert titles == ["Added", "Changed for callers", "Deprecated", "Removed"]
    releases = re.findall(r'kfunc-chart-release"[^>]*>(.*?)<', svg)
    # Every one from the first with a kfunc on, also those in which nothing happened.
    assert (releases[:3], releases[-3:], len(releases)) == (["v6.2", "v6.3", "v6.4"], ["v7.1", "v7.2", "v7.3"], 22)
    assert "Changed for callers. The numbers" not in page
    assert 'aria-label="Kfuncs by release: added, changed for callers, deprecated, removed. The numbers are' in page


@pytest.mark.parametrize(
    ("builder", "page", "expected"),
    [
        ("html", "kfuncs/compare.html", "demo.html#kfunc-bpf-one"),
        ("dirhtml", "kfuncs/compare/index.html", "../demo/#kfunc-bpf-one"),
        ("singlehtml", "index.html", "#kfunc-bpf-one"),
    ],
)
def test_data_to_pick_releases_leads_to_the_kfuncs(make, builder: str, page: str, expected: str) -> None:
    text = project_of(make).build(builder).text(page)
    found = [json.loads(each) for each in re.findall(r'<script type="application/json">(.*?)</script>', text)]
    (data,) = (each for each in found if "rectangles" in each)
    assert dict(data["kfuncs"])["bpf_one"] == expected


def test_data_is_new_when_a_kfunc_is(make) -> None:
    project = project_of(make)
    project.build("html")
    path = str(project.folder / "data" / "demo.kfuncs.yaml")
    project.write(path, declarations("demo", kfunc("bpf_one"), kfunc("bpf_new", added="v7.3")))
    assert '"bpf_new","demo.html#kfunc-bpf-new"' in project.build("html").text("kfuncs/compare.html")


def test_what_no_caller_notices_is_folded_in_html_alone(make) -> None:
    project = project_of(make)
    page = project.build("html").text("kfuncs/release-v7.2.html")
    (folded,) = re.findall(r'<details class="kfunc-folded">.*?</details>', page, re.DOTALL)[:1]
    assert "<summary>Changed in a way that no caller notices</summary>" in folded
    assert 'href="demo.html#kfunc-bpf-three"' in folded
    text = project.build("text").text("kfuncs/release-v7.2.txt")
    assert re.search(r"-\[ Changed in a way that no caller notices \]-\n\n.*demo:\n.*bpf_three", text, re.DOTALL)


def test_pages_that_are_left_out_are_led_to_by_none(make) -> None:
    build = project_of(make, exclude_patterns=["kfuncs/release-*", "kfuncs/program-type-xdp*"]).build("html")
    assert not (build.output / "kfuncs" / "release-v7.2.html").exists()
    assert "program-type-tracing.html" in build.text("kfuncs/program-types.html")


def test_overviews_are_chosen(make) -> None:
    build = project_of(make, kfuncdoc_release="v7.1").build("html")
    assert (build.output / "kfuncs" / "release-v7.1.html").exists()
    assert not (build.output / "kfuncs" / "release-v7.2.html").exists()
    project = project_of(make)
    project.conf["kfuncdoc_overviews"] = "removed, program-types"
    build = project.build("html")
    assert sorted(path.name for path in (build.output / "kfuncs").glob("*.html") if "program" not in path.name) == [
        "demo.html", "index.html", "removed.html",
    ]  # fmt: skip


def test_overview_that_there_is_not_is_refused(make) -> None:
    project = project_of(make)
    project.conf["kfuncdoc_overviews"] = ["compair"]
    result = project.run("html")
    assert "kfuncdoc_overviews: 'compair' is not among index, deprecated" in result.stderr
    assert "did you mean 'compare'?" in result.stderr


@pytest.mark.parametrize("builder", ["latex", "epub", "text", "man", "xml"])
def test_other_builders_have_the_pages_plain(make, builder: str) -> None:
    project = project_of(make, project="Kernel", version="1", epub_copyright="us")
    project.conf.update(latex_documents=[("index", "kernel.tex", "Kernel", "us", "manual")])
    project.build(builder)
    texts = "".join(
        path.read_text(encoding="utf-8", errors="replace")
        for path in (project.folder / builder).rglob("*")
        if path.suffix in (".tex", ".xhtml", ".txt", ".1")
    )
    assert [word for word in ("<svg", "<details", "rectangles", "kfunc-filter") if word in texts] == []


def test_page_of_ones_own_in_place_of_a_program_types_is_not_linked_to_as_ours(make) -> None:
    project = project_of(make)
    project.write("kfuncs/program-type-xdp.rst", ":orphan:\n\nMine\n====\n")
    page = project.build("html").text("kfuncs/program-types.html")
    assert "BPF_PROG_TYPE_XDP" in page


def test_overviews_lead_to_their_pages_without_the_index(make) -> None:
    project = project_of(make, exclude_patterns=["kfuncs/index*"])
    project.write("index.rst", toctree("kfuncs/program-types", "kfuncs/compare", "kfuncs/demo"))
    build = project.build("html")
    assert 'href="program-type-tracing.html"' in build.text("kfuncs/program-types.html")
    assert 'href="release-v7.2.html"' in build.text("kfuncs/compare.html")


def test_templates_of_ones_own_may_have_other_words(make) -> None:
    """Where nothing can be drawn or folded, nothing is."""
    project = project_of(make, kfuncdoc_templates=["../ours"])
    border = "   =======  =====\n"
    counts = f".. table::\n   :class: kfunc-counts\n\n{border}   Release  Added\n{border}   v6.2     few\n"
    folded = ".. container:: kfunc-folded\n\n   Nothing.\n"
    for name, text in (("changes", f"{counts}{border}"), ("released", folded)):
        project.write(str(project.folder / "ours" / f"{name}.rst.jinja"), f"Ours\n====\n\n{text}")
    build = project.build("html")
    assert "<svg" not in build.text("kfuncs/changes.html")
    assert "<details" not in build.text("kfuncs/release-v7.2.html")


def test_kfunc_can_be_called_as_a_page_is(make) -> None:
    project = project_of(make)
    path = str(project.folder / "data" / "demo.kfuncs.yaml")
    project.write(path, declarations("demo", kfunc("compare"), kfunc("program_types"), kfunc("release_v6_12")))
    assert 'href="#kfunc-compare"' in project.build("html").text("kfuncs/demo.html")


def test_description_with_an_object_that_is_in_no_index(make) -> None:
    project = project_of(make)
    text = kfunc("bpf_one").replace(
        "  history:", "  description: |\n    .. describe:: foo\n\n       It is.\n  history:"
    )
    project.write(str(project.folder / "data" / "demo.kfuncs.yaml"), declarations("demo", text))
    assert "foo" in project.build("html").text("kfuncs/demo.html")


@pytest.mark.parametrize("name", ["notes.md", "a, b; c", "self-test"])
def test_page_of_an_odd_name_is_in_the_contents(make, name) -> None:
    """Sphinx would take off what looks like a suffix of sources."""
    project = make({"index.rst": toctree("kfuncs/index")}, kfuncdoc_data=["../data"], kfuncdoc_overviews=["changes"])
    project.write(str(project.folder / "data" / f"{name}.kfuncs.yaml"), declarations("demo", kfunc("bpf_one")))
    build = project.build("text")
    assert build.app.env.toctree_includes["kfuncs/index"] == ["kfuncs/changes", f"kfuncs/{name}"]
