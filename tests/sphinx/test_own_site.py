# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The project's own site: the pages of real kfuncs and the guide, by every builder, without a warning."""

from __future__ import annotations

from pathlib import Path

import pytest
from projects import ROOT, sphinx_build


@pytest.fixture(scope="module")
def doctrees(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The doctrees that all builders share: the site is read once."""
    return tmp_path_factory.mktemp("site") / "doctrees"


@pytest.mark.parametrize(
    ("builder", "pattern"),
    [
        ("html", "**/cpumask.html"),
        ("dirhtml", "**/cpumask/index.html"),
        ("singlehtml", "index.html"),
        ("text", "**/cpumask.txt"),
        ("latex", "*.tex"),
    ],
)
def test_builder_passes_without_a_warning(doctrees: Path, tmp_path: Path, builder: str, pattern: str) -> None:
    result = sphinx_build("-W", "--keep-going", "-q", "-b", builder, "-d", str(doctrees), str(ROOT), str(tmp_path))
    assert (result.returncode, result.stderr) == (0, "")
    pages = [path.read_text(encoding="utf-8") for path in tmp_path.glob(pattern)]
    assert ["bpf_cpumask_create" in page.replace(r"\_", "_").replace("{}", "") for page in pages] == [True]
