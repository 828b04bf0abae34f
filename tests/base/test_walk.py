# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Folders are walked in order, each once, and none that cannot be read is passed over."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Optional

import pytest
from unreadable import refuse_folders

from kfuncdoc.base.walk import walk

Walked = list[tuple[str, tuple[str, ...], tuple[str, ...]]]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("b/inner/z", "b/a", "a.d/x", "top"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("", encoding="utf-8")
    return tmp_path


def walked(top: Path, **how: object) -> Walked:
    return [
        (os.path.relpath(folder.path, top), folder.folders, folder.files)
        for folder in walk(str(top), **how)
        if folder.error is None
    ]


def test_each_folder_comes_before_what_is_below_it(tree):
    assert walked(tree) == [
        (".", ("a.d", "b"), ("top",)),
        ("a.d", (), ("x",)),
        ("b", ("inner",), ("a",)),
        ("b/inner", (), ("z",)),
    ]


def test_a_folder_that_is_not_entered_is_named(tree):
    assert walked(tree, enters=lambda folder, name: name != "b") == [(".", ("a.d", "b"), ("top",)), ("a.d", (), ("x",))]


@pytest.mark.parametrize(("follow", "beyond"), [(False, []), (True, [("link", (), ("x",))])])
def test_links_are_followed_where_that_is_asked(tree, follow, beyond):
    (tree / "b" / "out").mkdir()
    top = tree / "b"
    (top / "link").symlink_to(tree / "a.d")
    assert walked(top, follow_links=follow) == [
        (".", ("inner", "link", "out"), ("a",)),
        ("inner", (), ("z",)),
        *beyond,
        ("out", (), ()),
    ]


@pytest.mark.parametrize("follow", [False, True])
def test_links_in_a_circle_end(tree, follow):
    (tree / "one").symlink_to(".")
    (tree / "two").symlink_to(".")
    (tree / "b" / "up").symlink_to(tree)
    (tree / "nowhere").symlink_to("nowhere")
    assert walked(tree, follow_links=follow) == [
        (".", ("a.d", "b", "one", "two"), ("nowhere", "top")),
        ("a.d", (), ("x",)),
        ("b", ("inner", "up"), ("a",)),
        ("b/inner", (), ("z",)),
    ]


def test_a_folder_that_cannot_be_read_is_told(tree, monkeypatch):
    refuse_folders(monkeypatch, "b")
    errors: dict[str, Optional[OSError]] = {os.path.relpath(each.path, tree): each.error for each in walk(str(tree))}
    assert [(path, type(error)) for path, error in errors.items()] == [
        (".", type(None)),
        ("a.d", type(None)),
        ("b", PermissionError),
    ]


def test_a_folder_that_goes_while_the_walk_goes_on_is_told(tree):
    walking = walk(str(tree))
    assert next(walking).folders == ("a.d", "b")
    (tree / "a.d" / "x").unlink()
    (tree / "a.d").rmdir()
    gone = next(walking)
    assert (os.path.basename(gone.path), type(gone.error)) == ("a.d", FileNotFoundError)
    assert [os.path.basename(folder.path) for folder in walking] == ["b", "inner"]
