# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The pages in other themes than the site's own: they fit, they work, and our parts keep nobody out."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

axe_playwright = pytest.importorskip("axe_playwright_python.sync_playwright")

ROOT = Path(__file__).resolve().parents[2]
CONF = """\
project = "Site"
extensions = ["kfuncdoc"]
kfuncdoc_data = ["data"]
html_favicon = "favicon.svg"
"""
INDEX = "Site\n====\n\n.. kfunc-summary::\n\n.. toctree::\n   :maxdepth: 1\n\n   kfuncs/index\n"
_LINK = re.compile('class="(reference internal|std std-ref)"')
#: What is ours on a page; the rest is the theme's own.
OURS = ["form.kfunc-filter", "div.kfunc-summary", "table.kfunc-table", "svg.kfunc-chart", ".kfunc-compare-choice"]


@pytest.fixture(scope="module", params=["furo", "sphinx_rtd_theme"])
def theme(request: pytest.FixtureRequest, site: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the name of a theme in which pages of two subsystems stand below the folder of the site."""
    folder = tmp_path_factory.mktemp("source")
    (folder / "data").mkdir()
    for name in ("cpumask", "sched_ext"):
        text = (ROOT / "data" / f"{name}.kfuncs.yaml").read_text(encoding="utf-8")
        (folder / "data" / f"{name}.kfuncs.yaml").write_text(text, encoding="utf-8")
    (folder / "conf.py").write_text(CONF + f'html_theme = "{request.param}"\n', encoding="utf-8")
    shutil.copy(ROOT / "docs" / "_static" / "favicon.svg", folder)
    (folder / "index.rst").write_text(INDEX, encoding="utf-8")
    output = Path(os.environ["KFUNCDOC_SITE"]) / f"_theme-{request.param}"
    command = [sys.executable, "-m", "sphinx", "-W", "-q", "-D", "exclude_patterns=data", str(folder), str(output)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    built = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert (built.returncode, built.stderr) == (0, "")
    return f"_theme-{request.param}"


def violations(page: Any) -> list[str]:
    there = [[each] for each in OURS if page.locator(each).count()]
    found = axe_playwright.Axe().run(page, context={"include": there}).response["violations"]
    # The colours of links are the theme's.
    return [
        f"{each['id']}: {node['html']}"
        for each in found
        for node in each["nodes"]
        if not (each["id"] in ("color-contrast", "link-in-text-block") and _LINK.search(node["html"]))
    ]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("path", ["index.html", "kfuncs/index.html", "kfuncs/changes.html", "kfuncs/compare.html"])
def test_ours_keeps_nobody_out(visit, theme: str, path: str, dark: bool) -> None:
    assert violations(visit(f"{theme}/{path}", dark=dark)) == []


@pytest.mark.parametrize("path", ["index.html", "kfuncs/index.html", "kfuncs/sched_ext.html", "kfuncs/compare.html"])
def test_page_is_no_wider_than_a_telephone(visit, theme: str, path: str) -> None:
    assert visit(f"{theme}/{path}", width=360).evaluate("document.documentElement.scrollWidth") == 360


def test_table_is_filtered_and_sorted(visit, theme: str) -> None:
    page = visit(f"{theme}/kfuncs/index.html?stability=past+due")
    page.get_by_role("button", name="kfunc").click()
    shown = page.locator("table.kfunc-table tbody tr:visible td:first-child").all_inner_texts()
    assert "scx_bpf_dsq_insert" in shown
    assert shown == sorted(shown, key=lambda name: name.lstrip("_"))
