# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Folders of declarations that cannot be walked as a matter of course: unreadable ones, and circles of links."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Callable

import pytest
from projects import Project, declarations, kfunc, toctree
from unreadable import refuse_folders

Make = Callable[..., Project]


def project_of(make: Make, **conf: Any) -> Project:
    project = make({"index.rst": toctree("kfuncs/index")}, kfuncdoc_data=["../more"], **conf)
    project.write(str(project.folder / "more" / "task.kfuncs.yaml"), declarations("task", kfunc("bpf_new")))
    return project


def test_links_in_a_circle_end(make: Make) -> None:
    """Two links to the folder around them gave ways without end through both."""
    project = project_of(make)
    for name in ("one", "two"):
        (project.folder / "more" / name).symlink_to(".")
    templates = project.folder / "templates"
    templates.mkdir()
    for name in ("one", "two"):
        (templates / name).symlink_to(".")
    project.conf["kfuncdoc_templates"] = [str(templates)]
    assert "kfuncs/task" in project.build().read
    assert project.build().read == []


def test_a_template_behind_a_link_counts(make: Make, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "word").write_text("before", encoding="utf-8")
    templates = tmp_path / "own"
    templates.mkdir()
    (templates / "linked").symlink_to(elsewhere)
    text = (tmp_path / "installed" / "templates" / "subsystem.rst.jinja").read_text(encoding="utf-8")
    (templates / "subsystem.rst.jinja").write_text(text + "\n{% include 'linked/word' %}\n", encoding="utf-8")
    project = project_of(make, kfuncdoc_templates=[str(templates)])
    assert "before" in project.build().text("kfuncs/task.txt")
    (elsewhere / "word").write_text("after", encoding="utf-8")
    assert "after" in project.build().text("kfuncs/task.txt")


def test_a_folder_that_cannot_be_read_is_a_warning_until_it_can(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    project = project_of(make)
    project.write(str(project.folder / "more" / "secret" / "sock.kfuncs.yaml"), declarations("sock", kfunc("bpf_s")))
    warning = (
        f"{project.folder}/more/secret{os.sep}:1: WARNING: the folder cannot be read: permission denied; "
        "what it declares is missing everywhere [kfuncdoc.unreadable]"
    )
    with monkeypatch.context() as refusing:
        refuse_folders(refusing, "secret")
        assert "kfuncs/sock" not in project.build(expected=[warning]).read
        assert project.build(expected=[warning]).read == []
    assert "kfuncs/sock" in project.build().read
