# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Declaration files by their names: which pages they get."""

from __future__ import annotations

from kfuncdoc.base.diagnostics import as_text
from kfuncdoc.record.declaration_files import by_page, page_name


def test_a_page_has_the_name_of_its_file():
    assert page_name("a/task.kfuncs.yaml") == "task"
    assert page_name("a/task.more.kfuncs.yaml") == "task.more"
    assert page_name("a/no.yaml") == "no.yaml"


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
