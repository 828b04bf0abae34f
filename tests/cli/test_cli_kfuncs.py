# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The commands show and diff: what they print, and their exit status."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from commands import CLEAN, FINDINGS, GOOD, WRONG, write
from declared import refused

from kfuncdoc.cli.main import main

# -- show


def test_show(capsys):
    assert main(["show", "bpf_one", "--data", write(GOOD), "--release", "v6.12", "--date", "2024-12-01"]) == CLEAN
    out, err = capsys.readouterr()
    assert "void bpf_one(void)" in out
    assert "Do bpf_one." in out
    assert "v6.12" in out
    assert err == ""


def test_show_from_what_comes_with_kfuncdoc(capsys):
    assert main(["show", "bpf_task_acquire"]) == CLEAN
    assert "bpf_task_acquire(" in capsys.readouterr().out


def test_show_of_a_name_that_is_not_declared_names_the_nearest(capsys):
    assert main(["show", "bpf_ome", "--data", write(GOOD)]) == FINDINGS
    assert capsys.readouterr() == ("", "kfuncdoc: no kfunc 'bpf_ome' is declared: did you mean 'bpf_one'?\n")


def test_show_of_a_name_that_nothing_is_near_to(capsys):
    assert main(["show", "printf", "--data", write(GOOD)]) == FINDINGS
    assert capsys.readouterr() == ("", "kfuncdoc: no kfunc 'printf' is declared\n")


def test_show_of_a_wrong_declaration(capsys):
    path = write(GOOD.replace("void bpf_one(void)", "void bpf_one(void);"))
    assert main(["show", "bpf_one", "--data", path]) == 1
    assert capsys.readouterr().err == (
        "demo.kfuncs.yaml:7:16: error: ';' cannot stand in a prototype [prototype-syntax]\n"
        "    hint: leave out the semicolon\n"
        "kfuncdoc: the declaration of 'bpf_one' is wrong and cannot be shown\n"
    )


# -- diff

DIFFERENCE = """\
From v6.1 to v7.3: 1 new.

New
  demo
    bpf_one: since v6.12
"""


def test_diff(capsys):
    path = write(GOOD)
    assert main(["diff", "v6.1", "v7.3", "--data", path]) == CLEAN
    assert capsys.readouterr() == (DIFFERENCE, "")
    assert main(["diff", "v6.1", "v7.3", "--data", path, "-o", "out.txt"]) == CLEAN
    assert capsys.readouterr() == ("", "")
    assert Path("out.txt").read_text(encoding="utf-8") == DIFFERENCE


def test_diff_in_other_forms(capsys):
    path = write(GOOD)
    assert main(["diff", "v6.1", "v7.3", "--data", path, "--format", "json"]) == CLEAN
    assert json.loads(capsys.readouterr().out)["from"] == "v6.1"
    assert main(["diff", "v6.1", "v7.3", "--data", path, "--format", "markdown", "--all"]) == CLEAN
    assert capsys.readouterr().out.startswith("# kfuncs from v6.1 to v7.3\n")


def test_diff_of_what_comes_with_kfuncdoc(capsys):
    """Changes that no caller notices are told where they are asked for."""
    heading = "\nChanged in a way that no caller notices\n"
    assert main(["diff", "v6.12", "v7.3"]) == CLEAN
    out = capsys.readouterr().out
    assert "scx_bpf_dispatch: gone from v6.17, deprecated since v6.13" in out
    assert heading not in out
    assert main(["diff", "v6.12", "v7.3", "--all"]) == CLEAN
    assert heading in capsys.readouterr().out


@pytest.mark.parametrize(("releases", "message"), [
    (("v7.3", "v6.12"), "v7.3 comes after v6.12"),
    (("6.12", "v7.3"), "'6.12' is no release that is known: write v6.12"),
    (("v6.12", "v9.9"), "'v9.9' is no release that is known"),
])  # fmt: skip
def test_diff_of_releases_that_cannot_be(capsys, releases, message):
    assert message in refused(capsys, "diff", *releases)


def test_diff_of_a_wrong_file(capsys):
    assert main(["diff", "v6.1", "v7.3", "--data", write(WRONG)]) == FINDINGS
    assert capsys.readouterr().out == ""
