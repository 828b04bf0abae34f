# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Which pages there are, how they are called, and what leads to what."""

from __future__ import annotations

import re

import pytest
from declared import CALENDAR, catalog_of, entry, subsystem

from kfuncdoc.base.diagnostics import Rule, as_text
from kfuncdoc.base.resources import packaged
from kfuncdoc.pages.renderer import Renderer
from kfuncdoc.pages.site_map import (
    BASIC_OVERVIEWS,
    KINDS,
    OVERVIEWS,
    Page,
    SiteMap,
    by_page,
    is_reserved,
    pages_about_all,
    site_of,
)

SUBJECTS = {"release": ["v7.3", "v7.2"], "program-type": ["BPF_PROG_TYPE_UNSPEC", "BPF_PROG_TYPE_XDP"]}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_its_template_and_its_context(kind):
    assert (packaged("templates") / KINDS[kind].template).is_file()
    assert callable(getattr(Renderer, f"_context_of_{kind.replace('-', '_')}"))
    assert KINDS[kind].parent in {None, *KINDS}


@pytest.mark.parametrize(
    ("page", "name", "label"),
    [
        (Page("index"), "index", "kfuncs-index"),
        (Page("release", "v6.18"), "release-v6.18", "kfuncs-release-v6-18"),
        (Page("program-type", "BPF_PROG_TYPE_XDP"), "program-type-xdp", "kfuncs-program-type-xdp"),
        (Page("subsystem", "a/task.kfuncs.yaml"), "task", "kfuncs-task"),
    ],
)
def test_page_has_a_name_and_a_label(page, name, label):
    assert (page.name, page.label) == (name, label)


def test_names_of_generated_pages_are_reserved():
    pages = pages_about_all(OVERVIEWS, SUBJECTS)
    assert [page.name for page in pages if not is_reserved(page.name)] == []
    assert not is_reserved("release-notes")


@pytest.mark.parametrize(
    ("chosen", "names"),
    [
        (BASIC_OVERVIEWS, "index deprecated removed changes"),
        (["program-types", "index"], "index program-types program-type-any program-type-xdp"),
        (["compare"], "compare release-v7.3 release-v7.2"),
        ([], ""),
    ],
)
def test_pages_follow_from_what_is_chosen(chosen, names):
    assert [page.name for page in pages_about_all(chosen, SUBJECTS)] == names.split()


def test_pages_of_a_record(tmp_path):
    added = subsystem(entry("f", "release: v6.2, event: added"))
    site = site_of(catalog_of(tmp_path, task=added), CALENDAR["v6.2"], ["index", "compare"])
    assert list(site.pages) == ["index", "compare", "release-v6.2", "release-v6.1", "task"]
    assert site.declarations == {"task": str(tmp_path / "task.kfuncs.yaml")}
    assert site.entries_below(Page("index")) == ["compare", "task"]
    assert site.entries_below(Page("compare")) == ["release-v6.2", "release-v6.1"]
    assert site.entries_below(site.pages["task"]) == []


def test_pages_that_a_project_wrote_itself_are_listed_and_not_generated():
    """Pages elsewhere in the source directory are generated and not listed."""
    ours, theirs, elsewhere = Page("changes"), Page("removed"), Page("subsystem", "a.kfuncs.yaml")
    pages = {"kfuncs/changes": ours, "kfuncs/removed": theirs, "drivers/a": elsewhere}
    site = SiteMap(pages, replaced=("kfuncs/removed",), folder="kfuncs/")
    assert site.entries_below(Page("index")) == ["changes", "removed"]
    assert list(site.generated.values()) == [ours, elsewhere]
    assert [site.document_of(page) for page in (ours, theirs, elsewhere)] == ["kfuncs/changes", None, "drivers/a"]


@pytest.mark.parametrize(
    ("name", "entry"),
    [
        ("task", "task"),
        ("release-v7.3", "release-v7.3"),
        ("notes.md", "./notes.md.rst"),
    ],
)
def test_entry_of_a_toctree_is_the_name_of_a_document(name, entry):
    page = Page("subsystem", f"{name}.kfuncs.yaml")
    assert SiteMap({name: page}).entries_below(Page("index")) == [entry]


def test_label_of_no_page_is_that_of_a_kfunc():
    assert not [kind for kind in KINDS if re.match("kfunc-", Page(kind, "v7.3").label)]


# -- names of files


def test_names_are_taken_by_pages_that_there_can_be_and_by_no_others():
    paths = ["release-notes.kfuncs.yaml", "release-v7.3.kfuncs.yaml", "Program-Type-xdp.kfuncs.yaml"]
    pages, clashes = by_page(paths)
    assert list(pages) == ["release-notes"]
    assert [clash.file for clash in clashes] == paths[1:]


def test_two_files_for_one_page_clash():
    paths = ["a/one.kfuncs.yaml", "b/One.kfuncs.yaml", "c/index.kfuncs.yaml", "d/.kfuncs.yaml", "e/a\nb.kfuncs.yaml"]
    pages, clashes = by_page(paths)
    assert pages == {"one": "a/one.kfuncs.yaml"}
    hint = "    hint: give the file another name"
    assert [as_text(clash) for clash in clashes] == [
        f"b/One.kfuncs.yaml:0:0: error: the page 'One' is that of a/one.kfuncs.yaml [page-clash]\n{hint}",
        f"c/index.kfuncs.yaml:0:0: error: the page 'index' is that of a page that kfuncdoc writes itself "
        f"[page-clash]\n{hint}",
        f"d/.kfuncs.yaml:0:0: error: '' cannot be the name of a page [page-clash]\n{hint}",
        f"e/a\nb.kfuncs.yaml:0:0: error: 'a\\nb' cannot be the name of a page [page-clash]\n{hint}",
    ]


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("foo <bar>", "'foo <bar>' cannot be the name of a page: '<' is markup in references to it"),
        ("foo>", "'foo>' cannot be the name of a page: '>' is markup in references to it"),
        ("a`b", "'a`b' cannot be the name of a page: '`' is markup in references to it"),
        ("a*", "'a*' cannot be the name of a page: '*' is markup in references to it"),
        ("a?", "'a?' cannot be the name of a page: '?' is markup in references to it"),
        ("[a]", "'[a]' cannot be the name of a page: '[' is markup in references to it"),
        ("a\\b", "'a\\\\b' cannot be the name of a page: '\\' is markup in references to it"),
        (" a", "' a' cannot be the name of a page: references to it lose the spaces at its ends"),
        ("a ", "'a ' cannot be the name of a page: references to it lose the spaces at its ends"),
        ("self", "'self' cannot be the name of a page: in a toctree that is another place"),
        ("..", "'..' cannot be the name of a page: in a toctree that is another place"),
        ("a.rst", "'a.rst' cannot be the name of a page: references to it lose '.rst'"),
        ("a.kfuncs.yaml", "'a.kfuncs.yaml' cannot be the name of a page: references to it lose '.kfuncs.yaml'"),
    ],
)
def test_a_name_that_a_toctree_misreads_is_none_of_a_page(name, wrong):
    pages, clashes = by_page([f"{name}.kfuncs.yaml"])
    assert pages == {}
    assert [(clash.rule, clash.message) for clash in clashes] == [(Rule.PAGE_CLASH, wrong)]
