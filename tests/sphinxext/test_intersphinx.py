# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Links from other projects: ``objects.inv`` has every kfunc under its permanent address."""

from __future__ import annotations

from typing import Callable

import pytest
from projects import Project, declarations, kfunc, toctree

Make = Callable[..., Project]

PAGES = "https://docs.example.org/kfuncs/"
TASK = declarations("task", kfunc("bpf_old"), kfunc("bpf_thing___v2"), kfunc("__bpf_trap"))
OTHER = """\
A scheduler
===========

It calls :ref:`kfuncs:kfunc-bpf-old`, :ref:`that one <kfuncs:kfunc-bpf-thing-u3-v2>` and
:ref:`kfuncs:kfunc-u2-bpf-trap`.
"""


@pytest.mark.parametrize(("builder", "page"), [("html", "task.html"), ("dirhtml", "task/")])
def test_another_project_links_to_kfuncs(make: Make, builder: str, page: str) -> None:
    """One without kfuncdoc: nothing but an inventory and addresses."""
    published = make({"index.rst": toctree("task"), "task.kfuncs.yaml": TASK}).build(builder).output
    mapping = {"kfuncs": (PAGES, str(published / "objects.inv"))}
    other = make({"index.rst": OTHER}, extensions=["sphinx.ext.intersphinx"], intersphinx_mapping=mapping)
    text = other.build("html").text("index.html")
    for label, title in [
        ("kfunc-bpf-old", "bpf_old"),
        ("kfunc-bpf-thing-u3-v2", "that one"),
        ("kfunc-u2-bpf-trap", "__bpf_trap"),
    ]:
        assert f'href="{PAGES}{page}#{label}"' in text
        assert f">{title}</span></a>" in text
