# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Declaration files by their names: where they are found, and which pages they get."""

from __future__ import annotations

import os

import pytest
from declared import entry, subsystem, write_files
from unreadable import refuse_folders

from kfuncdoc.base.diagnostics import Rule, as_text
from kfuncdoc.record.declaration_files import by_page, find, page_name
from kfuncdoc.record.load import load


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


# -- folders that cannot be read


def test_a_folder_that_cannot_be_read_is_an_error_of_the_catalog(tmp_path, monkeypatch):
    """What is declared in it would be missing everywhere, and nobody would know."""
    (tmp_path / "secret").mkdir()
    write_files(tmp_path, {"one": subsystem(entry("bpf_one", "release: v6.12, event: added"))})
    refuse_folders(monkeypatch, "secret")
    files = find([str(tmp_path)])
    folder = f"{tmp_path}{os.sep}secret{os.sep}"
    assert files == [str(tmp_path / "one.kfuncs.yaml"), folder]
    catalog = load(files)
    assert [as_text(diagnostic) for diagnostic in catalog.diagnostics] == [
        f"{folder}:0:0: error: the folder cannot be read: permission denied [unreadable]\n"
        "    hint: what it declares is missing everywhere"
    ]
    assert list(catalog.entries) == ["bpf_one"]
    assert [file.path for file in catalog.subsystems] == files[:1]
    assert by_page(files) == ({"one": files[0]}, [])


def test_a_folder_that_is_named_and_cannot_be_read(tmp_path, monkeypatch):
    refuse_folders(monkeypatch, tmp_path.name)
    assert find([str(tmp_path)]) == [f"{tmp_path}{os.sep}"]


def test_a_folder_that_can_be_read_again_is_an_error_all_the_same(tmp_path):
    catalog = load([f"{tmp_path}{os.sep}"])
    assert [diagnostic.message for diagnostic in catalog.diagnostics] == [
        "the folder could not be read, and now it can"
    ]
    assert catalog.subsystems == ()
