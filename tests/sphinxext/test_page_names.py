# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A file whose name can be that of a page has one to which the toctree leads; another is a warning."""

from __future__ import annotations

from typing import Callable

from projects import Project, declarations, kfunc, toctree

Make = Callable[..., Project]

NAMES = ["a b", "a  b", "a.b", "a.txt", "é", "a'b", "(a)", "a;b", "%41", "a&b", "#a", "a,b", "-a", "a:b", ":a: b"]


def test_every_name_that_passes_is_read_right_by_a_toctree(make: Make) -> None:
    project = make({"index.rst": toctree("kfuncs/index")}, kfuncdoc_data=["../more"])
    for number, name in enumerate(NAMES):
        text = declarations(f"n{number}", kfunc(f"bpf_k{number}"))
        project.write(str(project.folder / "more" / f"{name}.kfuncs.yaml"), text)
    build = project.build("html")  # without a warning of a toctree
    assert {f"kfuncs/{name}" for name in NAMES} <= set(build.read)
    assert set(build.app.env.toctree_includes["kfuncs/index"]) >= {f"kfuncs/{name}" for name in NAMES}


def test_a_name_with_markup_is_a_warning_and_leads_nowhere_else(make: Make) -> None:
    project = make({"index.rst": toctree("kfuncs/index")}, kfuncdoc_data=["../more"])
    for number, name in enumerate(("bar", "foo <bar>")):
        text = declarations(f"n{number}", kfunc(f"bpf_k{number}"))
        project.write(str(project.folder / "more" / f"{name}.kfuncs.yaml"), text)
    warning = (
        f"{project.folder}/more/foo <bar>.kfuncs.yaml:1: WARNING: 'foo <bar>' cannot be the name of a page: "
        "'<' is markup in references to it; give the file another name [kfuncdoc.page-clash]"
    )
    build = project.build(expected=[warning])
    assert "kfuncs/bar" in build.read
    assert "kfuncs/foo <bar>" not in build.read
