# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Declaration files by their names: which pages they get."""

from __future__ import annotations

from kfuncdoc.record.declaration_files import page_name


def test_a_page_has_the_name_of_its_file():
    assert page_name("a/task.kfuncs.yaml") == "task"
    assert page_name("a/task.more.kfuncs.yaml") == "task.more"
    assert page_name("a/no.yaml") == "no.yaml"
