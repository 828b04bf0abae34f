# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Files to a catalog: what loading costs, and what it makes of files as a whole."""

from __future__ import annotations

import difflib

import pytest
from declared import catalog_of, entry, subsystem


def test_a_file_that_names_no_subsystem_is_not_taken_for_one_of_that_name(tmp_path):
    """What stands for the name then is that of the file, which says nothing of the subsystem."""
    texts = {"one": subsystem(name="two").replace("kfuncs:", "kfuncs: []"), "two": "title: Two\nrecorded: v7.3\n"}
    rules = [diagnostic.rule.rule for diagnostic in catalog_of(tmp_path, faulty=True, **texts).diagnostics]
    assert rules == ["empty-file", "missing-key", "missing-key"]


def test_declarations_of_a_second_file_of_a_subsystem_count(tmp_path):
    texts = {file: subsystem(entry(f"bpf_{file}", "release: v6.12, event: added")) for file in ("one", "two")}
    catalog = catalog_of(tmp_path, faulty=True, **texts)
    assert [diagnostic.rule.rule for diagnostic in catalog.diagnostics] == ["subsystem-twice"]
    assert [declaration.name for _, declaration in catalog.declarations] == ["bpf_one", "bpf_two"]


@pytest.mark.parametrize("count", [100, 300])
def test_each_undeclared_replacement_is_compared_with_few_names(tmp_path, monkeypatch, count):
    compared = []

    def get_close_matches(word, possibilities, n, cutoff):
        compared.append(len(possibilities))
        return []

    monkeypatch.setattr(difflib, "get_close_matches", get_close_matches)
    entries = [
        entry(
            f"bpf_thing_{number}_get",
            "release: v6.12, event: added",
            f"release: v6.13, event: superseded, replacement: [bpf_thign_{number}_get]",
        )
        for number in range(count)
    ]
    catalog = catalog_of(tmp_path, demo=subsystem("".join(entries)), faulty=True)
    assert len(catalog.diagnostics) == count
    assert compared == [10] * count
