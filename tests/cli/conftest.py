# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Commands are tested in a folder of their own, and on a day that nobody has set."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
