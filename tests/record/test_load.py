# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Files to a catalog: what loading costs, and what it makes of files as a whole."""

from __future__ import annotations

import difflib

import pytest
from declared import catalog_of, entry, subsystem


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
