# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Declaration files by their names: where they are found, and which pages they get."""

from __future__ import annotations

import os

from declared import entry, subsystem, write_files
from unreadable import refuse_folders

from kfuncdoc.base.diagnostics import as_text
from kfuncdoc.pages.site_map import by_page
from kfuncdoc.record.declaration_files import find, page_name
from kfuncdoc.record.load import load


def test_a_page_has_the_name_of_its_file():
    assert page_name("a/task.kfuncs.yaml") == "task"
    assert page_name("a/task.more.kfuncs.yaml") == "task.more"
    assert page_name("a/no.yaml") == "no.yaml"


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
