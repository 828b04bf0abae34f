# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Rendered pages build with plain Sphinx, without extension and warning: the packaged record, and odd names."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from declared import ROOT, TESTS, entry, subsystem, write_files
from plain_sphinx import CONF, sphinx_build

pytestmark = pytest.mark.sphinx
NASTY = """\
subsystem: nasty
title: "- *Nasty*_ |x| `y`_ <z> ::\\\\"
recorded: v7.3
contact: D. Vernet <void_@example.org>
description: |
  .. note:: A directive in prose.

  | A line block
  | with marks.
kfuncs:
  - name: _f
    summary: "* no list"
    prototype: "void  _f(int  (*cb)(void *), char a [ 3 ], ...)"
    flags: [KF_UNHEARD_OF]
    depends_on: A`B
    filter: |
      - a

        b
    users:
      - {name: "* user_ (`x`)", url: "https://example.org/a_b_", note: "see http://example.org/_ and |y|"}
    history:
      - {release: v6.2, event: added, note: "- a note"}
      - release: v6.8
        event: deprecated
        removal: v7.9
        also_said: [{removal: undecided, said_in: "http_parser.c, a path"}]
        said_in: https://example.org/_
        reason: |
          1. One
          2. Two
        replacement:
          - {other: "**that**", when: "`later <https://example.org/>`__"}
          - {name: f__}
  - name: f__
    prototype: void f__(void)
    history:
      - {release: ..v6.8, event: added}
      - {release: v6.9..v7.1, event: removed, no_replacement: None *at all*., link: "https://example.org/x_"}
"""


def render(out: Path, *paths: str) -> Path:
    data = [word for path in paths for word in ("--data", path)]
    command = [sys.executable, "-m", "kfuncdoc", "render", *data, "-o", str(out), "--date", "2026-11-01"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environment, stderr=subprocess.PIPE, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    (out / "conf.py").write_text(CONF, encoding="utf-8")
    return out


@pytest.fixture(scope="session")
def packaged_pages(tmp_path_factory):
    return render(tmp_path_factory.mktemp("packaged") / "pages")


@pytest.mark.whole
@pytest.mark.parametrize(
    ("builder", "page"), [("html", "sched_ext.html"), ("text", "sched_ext.txt")], ids=["html", "text"]
)
def test_the_packaged_record_builds_without_a_warning(packaged_pages, builder, page):
    assert sphinx_build(packaged_pages, builder) == ""
    built = (packaged_pages.parent / builder / page).read_text(encoding="utf-8")
    assert "__scx_bpf_select_cpu_and" in built
    if builder == "html":
        assert 'id="kfunc-u2-scx-bpf-select-cpu-and"' in built
        assert 'class="kfunc-past-due"' in built


def test_odd_names_titles_and_prose_build_without_a_warning(tmp_path):
    files = write_files(
        tmp_path,
        {
            "nasty (odd) name": NASTY,
            "cjk": subsystem(entry("g", "release: v6.2, event: added")).replace("The demo kfuncs", "日本語のタイトル"),
            "shelf": (TESTS / "pages" / "shelf.yaml").read_text(encoding="utf-8"),
        },
    )
    assert sphinx_build(render(tmp_path / "pages", *files), "text") == ""
    built = (tmp_path / "text" / "nasty (odd) name.txt").read_text(encoding="utf-8")
    assert built.startswith("- *Nasty*_ |x| `y`_ <z> ::\\\n*")
    assert "D. Vernet <void_@example.org>" in built
