# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Declaration files as documents: how they are found, what becomes of them, and where faults in them are told."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Callable

import pytest
from projects import ROOT, Project, declarations, deprecated, kfunc, snapshot, toctree

Make = Callable[..., Project]

#: Names that docutils would give one id.
ALIKE = declarations("alike", kfunc("__bpf_pick"), kfunc("bpf_pick"), kfunc("bpf_pick___v2"))
#: Another extension, which owns the suffix .yaml, as the kernel's parser_yaml does.
OTHER_PARSER = """\
from docutils import nodes
from sphinx.parsers import RSTParser


class YamlParser(RSTParser):
    supported = ("yaml",)

    def parse(self, inputstring, document):
        super().parse("Some YAML\\n=========\\n\\nRead by the other parser.\\n", document)


def setup(app):
    app.add_source_suffix(".yaml", "yaml")
    app.add_source_parser(YamlParser)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
"""


# -- which files are documents


def test_one_line_of_conf_py_is_enough(make: Make) -> None:
    project = make({"index.rst": toctree("demo"), "demo.kfuncs.yaml": declarations("demo", kfunc("bpf_one"))})
    del project.conf["kfuncdoc_date"], project.conf["kfuncdoc_overviews"]
    build = project.build("html")
    assert (project.source / "conf.py").read_text(encoding="utf-8") == "extensions = ['kfuncdoc']\n"
    assert build.app.env.found_docs == {"index", "demo"}
    assert "<title>The demo kfuncs &" in build.text("demo.html")


def test_other_yaml_is_no_document(make: Make) -> None:
    project = make(
        {
            "index.rst": toctree("deep/er/demo"),
            "deep/er/demo.kfuncs.yaml": declarations("demo", kfunc("bpf_one")),
            "settings.yaml": "a: 1\n",
            "deep/kfuncs.yaml": "a: 1\n",
        }
    )
    assert project.build().app.env.found_docs == {"index", "deep/er/demo"}


@pytest.mark.parametrize("extensions", [["kfuncdoc", "other_yaml"], ["other_yaml", "kfuncdoc"]])
def test_beside_an_extension_that_owns_yaml(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, extensions: list[str]
) -> None:
    (tmp_path / "other_yaml.py").write_text(OTHER_PARSER, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    project = make(
        {
            "index.rst": toctree("demo", "spec"),
            "demo.kfuncs.yaml": declarations("demo", kfunc("bpf_one")),
            "spec.yaml": "a: 1\n",
        },
        extensions=extensions,
    )
    build = project.build()
    assert build.read == ["demo", "index", "spec"]
    assert build.text("spec.txt") == "Some YAML\n*********\n\nRead by the other parser.\n"
    assert build.text("demo.txt").startswith("The demo kfuncs\n***************\n")
    assert project.build().read == []


@pytest.mark.parametrize("extensions", [["kfuncdoc", "other_yaml"], ["other_yaml", "kfuncdoc"]])
def test_beside_a_source_suffix_of_conf_py(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, extensions: list[str]
) -> None:
    parser_only = OTHER_PARSER.replace('    app.add_source_suffix(".yaml", "yaml")\n', "")
    (tmp_path / "other_yaml.py").write_text(parser_only, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    project = make(
        {
            "index.rst": toctree("demo", "spec"),
            "demo.kfuncs.yaml": declarations("demo", kfunc("bpf_one")),
            "spec.yaml": "a: 1\n",
        },
        extensions=extensions,
        source_suffix={".yaml": "yaml", ".rst": "restructuredtext"},
    )
    assert project.build().read == ["demo", "index", "spec"]


@pytest.fixture(autouse=True)
def _forget_the_other_parser() -> None:
    sys.modules.pop("other_yaml", None)


# -- the source tree is not written to


def test_nothing_in_the_source_tree_changes(make: Make) -> None:
    project = make({"index.rst": toctree("alike"), "alike.kfuncs.yaml": ALIKE})
    project.build("html")
    before = snapshot(project.source)
    assert sorted(before) == ["alike.kfuncs.yaml", "conf.py", "index.rst"]
    for builder in ("html", "dirhtml", "latex"):
        project.build(builder, fresh=True)
    assert snapshot(project.source) == before


def read_only(folder: Path) -> list[str]:
    """Make *folder* read-only and return the beginning of a command that sees it so."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        for path in [*folder.rglob("*"), folder]:
            path.chmod(0o555 if path.is_dir() else 0o444)
        return []
    # To root, permissions are no obstacle; a mount in a namespace of its own is.
    mount = f"mount --bind '{folder}' '{folder}' && mount -o remount,bind,ro '{folder}'"
    return ["unshare", "-m", "sh", "-c", f'{mount} && exec "$@"', "sh"]


def test_read_only_source_tree(make: Make) -> None:
    project = make(
        {"index.rst": toctree("alike"), "alike.kfuncs.yaml": ALIKE, "conf.py": "extensions = ['kfuncdoc']\n"}
    )
    prefix = read_only(project.source)
    try:
        write = [*prefix, "touch", str(project.source / "new")]
        if prefix and not shutil.which("unshare"):
            pytest.skip("root without unshare: nothing can be made read-only")
        refused = subprocess.run(write, capture_output=True, text=True, check=False)
        if "unshare" in refused.stderr or "mount" in refused.stderr:
            pytest.skip(f"nothing can be made read-only here: {refused.stderr}")
        assert refused.returncode != 0
        for builder in ("html", "text"):
            built = subprocess.run(
                [*prefix, sys.executable, "-m", "sphinx", "-W", "-q", "-b", builder, "-d",
                 str(project.folder / "doctrees"), str(project.source), str(project.folder / builder)],
                env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
            )  # fmt: skip
            assert (built.returncode, built.stderr) == (0, "")
        assert (project.folder / "html" / "_sources" / "alike.rst.txt").is_file()
    finally:
        project.source.chmod(0o755)


# -- what pages hold


def test_addresses_are_permanent(make: Make) -> None:
    links = (
        "Links\n=====\n\n:ref:`a <kfunc-u2-bpf-pick>` :ref:`b <kfunc-bpf-pick>` :ref:`kfunc-bpf-pick-u3-v2`\n\n"
        ":kfunc:`__bpf_pick` :kfunc:`bpf_pick` :kfunc:`bpf_pick___v2`\n"
    )
    project = make({"index.rst": toctree("alike", "links"), "alike.kfuncs.yaml": ALIKE, "links.rst": links})
    build = project.build("html")
    addresses = ["kfunc-u2-bpf-pick", "kfunc-bpf-pick", "kfunc-bpf-pick-u3-v2"]
    ids = re.findall(r'\bid="([^"]+)"', build.text("alike.html"))
    assert [address for address in addresses if ids.count(address) != 1] == []
    permalinks = re.findall(r'class="headerlink" href="#([^"]+)"', build.text("alike.html"))
    assert permalinks == ["the-alike-kfuncs", *addresses]
    anonymous = build.app.env.get_domain("std").anonlabels
    targets = {label: target for label, (docname, target) in anonymous.items() if docname == "alike"}
    assert targets == {address: address for address in addresses} | {"kfunc-bpf-pick-v2": "kfunc-bpf-pick-v2"}
    hrefs = re.findall(r'href="alike\.html#(kfunc-[^"]+)"><span class="std std-ref">', build.text("links.html"))
    assert hrefs == addresses
    hrefs = re.findall(r'href="alike\.html#(kfunc-[^"]+)"><code class="kfunc', build.text("links.html"))
    assert hrefs == addresses


def test_page_source_is_the_rendered_rst(make: Make) -> None:
    files = {"index.rst": toctree("in/demo"), "in/demo.kfuncs.yaml": declarations("demo", kfunc("bpf_one"))}
    project = make(files)
    for builder, page in (("html", "in/demo.html"), ("dirhtml", "in/demo/index.html")):
        build = project.build(builder)
        source = build.text("_sources/in/demo.rst.txt")
        assert ".. _kfunc-bpf-one:\n\nbpf\\_one\n--------\n" in source
        assert "\ue000" not in source
        assert "subsystem: demo" not in source
        assert sorted(path.name for path in (build.output / "_sources").rglob("*.txt")) == [
            "demo.rst.txt",
            "index.rst.txt",
        ]
        assert '_sources/in/demo.rst.txt"' in build.text(page)
        assert ".kfuncs.yaml" not in build.text(page)


def test_page_source_follows_the_page(make: Make) -> None:
    old = kfunc("bpf_old", deprecated("v7.0", "v7.5", "bpf_new"))
    files = {"old.kfuncs.yaml": declarations("old", old), "new.kfuncs.yaml": declarations("new", kfunc("bpf_new"))}
    project = make({"index.rst": toctree("old", "new"), **files}, kfuncdoc_release="v7.0")
    assert ":Remaining lifespan: 5 releases" in project.build("html").text("_sources/old.rst.txt")
    project.conf["kfuncdoc_release"] = "v7.2"
    assert ":Remaining lifespan: 3 releases" in project.build("html").text("_sources/old.rst.txt")
    assert project.build("html").read == []
    assert ":Remaining lifespan: 3 releases" in project.build("html").text("_sources/old.rst.txt")


def test_page_source_can_be_left_out(make: Make) -> None:
    project = make({"index.rst": toctree("alike"), "alike.kfuncs.yaml": ALIKE}, html_copy_source=False)
    build = project.build("html")
    assert [path for path in (build.output / "_sources").glob("**/*") if path.is_file()] == []
    assert "_sources" not in build.text("alike.html")


@pytest.mark.parametrize(
    ("builder", "page"),
    [
        ("html", "alike.html"),
        ("dirhtml", "alike/index.html"),
        ("singlehtml", "index.html"),
        ("text", "alike.txt"),
        ("latex", "kernel.tex"),
    ],
)
def test_builders_pass_without_a_warning(make: Make, builder: str, page: str) -> None:
    old = kfunc("bpf_old", deprecated("v7.0", "v7.5", "bpf_pick"), flags="[KF_RCU]", source="kernel/bpf/helpers.c")
    project = make(
        {"index.rst": toctree("alike", "old"), "alike.kfuncs.yaml": ALIKE, "old.kfuncs.yaml": declarations("old", old)},
        project="kernel",
        copyright="2026, The authors",
        author="The authors",
    )
    text = project.build(builder).text(page)
    text = text.replace("\\_", "_").replace(r"\sphinxhyphen", "-").replace("{}", "")
    assert "The alike kfuncs" in text
    assert "__bpf_pick" in text
    assert "no end announced" in text


def test_stylesheet(make: Make) -> None:
    build = make({"index.rst": toctree("alike"), "alike.kfuncs.yaml": ALIKE}).build("html")
    sheet = (ROOT / "kfuncdoc" / "sphinxext" / "html" / "static" / "kfuncdoc.css").read_bytes()
    assert (build.output / "_static" / "kfuncdoc.css").read_bytes() == sheet
    assert re.search(r'href="_static/kfuncdoc\.css(\?v=\w+)?"', build.text("alike.html"))
    assert '<span class="kfunc-present">present</span>' in build.text("alike.html")


def test_stylesheet_of_the_project_has_the_last_word(make: Make) -> None:
    files = {"index.rst": toctree("alike", "plain"), "alike.kfuncs.yaml": ALIKE, "plain.rst": "Plain\n=====\n"}
    project = make(files, html_static_path=["static"], html_css_files=["own.css"])
    project.write("static/own.css", "")
    build = project.build("html")
    sheets = [
        re.findall(r'href="_static/(kfuncdoc|own)\.css', build.text(f"{name}.html")) for name in ("alike", "plain")
    ]
    assert sheets == [["kfuncdoc", "own"], ["own"]]


# -- what is wrong with declarations

BROKEN = 'subsystem: broken\ntitle: "never closed\n'
BROKEN_AT = (
    "broken.kfuncs.yaml:3:1: WARNING: found unexpected end of stream while scanning a quoted scalar "
    "[kfuncdoc.yaml-syntax]"
)
#: bpf_bad has a key that the schema does not know, in line 13 and column 3.
BAD = declarations("bad", kfunc("bpf_good"), kfunc("bpf_bad", colour="red"))
BAD_AT = "bad.kfuncs.yaml:13:3: WARNING: unknown key 'colour' [kfuncdoc.unknown-key]"


def test_broken_file_gives_a_titled_page(make: Make) -> None:
    project = make({"index.rst": toctree("broken"), "broken.kfuncs.yaml": BROKEN})
    build = project.build(expected=[BROKEN_AT])
    assert build.text("broken.txt") == "broken\n******\n\nThe declarations of this page cannot be read.\n"
    assert build.text("index.txt") == "Contents\n********\n\n* broken\n"


def test_bad_declaration_leaves_a_labelled_stub(make: Make) -> None:
    use = "Use\n===\n\n:ref:`kfunc-bpf-bad`, :kfunc:`bpf_bad`\n"
    project = make({"index.rst": toctree("bad", "use"), "bad.kfuncs.yaml": BAD, "use.rst": use})
    build = project.build("html", expected=[BAD_AT])
    assert "The declaration of this kfunc is wrong and cannot be shown." in build.text("bad.html")
    assert "Do bpf_good." in build.text("bad.html")
    assert re.findall(r'href="(bad\.html#kfunc[^"]+)"', build.text("use.html")) == ["bad.html#kfunc-bpf-bad"] * 2


def test_findings_of_every_file_come_in_one_build(make: Make) -> None:
    again = declarations("again", kfunc("bpf_good"))
    files = {"again.kfuncs.yaml": again, "bad.kfuncs.yaml": BAD, "broken.kfuncs.yaml": BROKEN}
    project = make({"index.rst": toctree("again", "bad", "broken"), **files})
    twice = (
        "bad.kfuncs.yaml:5:9: WARNING: 'bpf_good' is declared twice, first in again.kfuncs.yaml:5:9 "
        "[kfuncdoc.duplicate-kfunc]"
    )
    project.build(expected=[twice, BAD_AT, BROKEN_AT])


def test_strict_build_fails(make: Make) -> None:
    project = make({"index.rst": toctree("bad"), "bad.kfuncs.yaml": ALIKE})
    assert project.run("text", "-W", "--keep-going", "-q").returncode == 0
    project.write("bad.kfuncs.yaml", BAD)
    result = project.run("text", "-W", "--keep-going", "-q")
    assert result.returncode == 1
    assert f"{project.source}{os.sep}bad.kfuncs.yaml:13:3: WARNING: unknown key 'colour'" in result.stderr


@pytest.mark.parametrize("suppressed", ["kfuncdoc.unknown-key", "kfuncdoc", "kfuncdoc.*"])
def test_findings_can_be_suppressed(make: Make, suppressed: str) -> None:
    project = make({"index.rst": toctree("bad"), "bad.kfuncs.yaml": BAD}, suppress_warnings=[suppressed])
    assert "cannot be shown" in project.build().text("bad.txt")


def test_suppressing_one_rule_leaves_the_others(make: Make) -> None:
    project = make({"index.rst": toctree("bad"), "bad.kfuncs.yaml": BAD}, suppress_warnings=["kfuncdoc.yaml-syntax"])
    project.build(expected=[BAD_AT])


def test_mere_information_is_no_warning(make: Make) -> None:
    overdue = kfunc("bpf_old", deprecated("v6.10", "v7.0", "bpf_new"))
    demo = declarations("demo", overdue, kfunc("bpf_new"))
    project = make({"index.rst": toctree("demo"), "demo.kfuncs.yaml": demo})
    assert "past due" in project.build().text("demo.txt")


# -- what is wrong with prose

PROSE = """\
subsystem: demo
title: Demo
recorded: v7.3
description: |
  Fine.

  Here is :nonsense:`one`.

  * item
  no item
guidelines: >
  Folded
  over lines with *no end.
kfuncs:
  - name: bpf_new
    summary: Do :nonsense:`three`.
    prototype: void bpf_new(void)
    filter: |
      Only :nonsense:`four`.
    history:
      - {release: v6.2, event: added}
  - name: bpf_old
    summary: Do it.
    description: |
      One.

      - item :nonsense:`five`
    prototype: void bpf_old(void)
    history:
      - release: v6.2
        event: added
        note: Brought :nonsense:`six`.
      - release: v6.5
        event: changed
        behaviour: |
          It is
          now ``open.
      - release: v7.0
        event: deprecated
        reason: |
          First line.

          Slow as :nonsense:`seven`.
        removal: v7.5
        replacement:
          - name: bpf_new
            when: >-
              if
              :nonsense:`eight`
        said_in: kernel/bpf/helpers.c
  - name: bpf_gone
    summary: Do it.
    prototype: void bpf_gone(void)
    backports:
      - {kernel: v6.12.40, note: "Only :nonsense:`nine`."}
    history:
      - {release: v6.2, event: added}
      - {release: v7.0, event: removed, no_replacement: "Use :nonsense:`ten`."}
"""


def test_faults_in_prose_are_told_at_their_lines(make: Make) -> None:
    """Of inline markup docutils knows the first line of the paragraph or of the cell."""
    lines = {number: word for number, line in enumerate(PROSE.splitlines(), 1) for word in re.findall("`(\\w+)`", line)}
    number = {word: number for number, word in lines.items()}
    role = 'Unknown interpreted text role "nonsense".'
    faults = [
        (number["one"], role),
        (10, "Bullet list ends without a blank line; unexpected unindent."),
        (12, "Inline emphasis start-string without end-string."),
        (number["three"], role),
        (number["four"], role),
        (number["five"], role),
        # The facts of bpf_old, then its history.
        (number["eight"] - 1, role),
        (number["seven"], role),
        (number["six"], role),
        (PROSE.splitlines().index("          It is") + 1, "Inline literal start-string without end-string."),
        (number["eight"] - 1, role),
        # Those of bpf_gone.
        (number["ten"], role),
        (number["nine"], role),
    ]
    project = make({"index.rst": toctree("demo"), "demo.kfuncs.yaml": PROSE})
    project.build(expected=[f"demo.kfuncs.yaml:{line}: WARNING: {message}" for line, message in faults])


def test_fault_in_prose_is_told_at_its_line_in_a_table_elsewhere(make: Make) -> None:
    demo = declarations("demo", kfunc("bpf_one").replace("Do bpf_one.", "Do :nonsense:`it`."))
    project = make({"index.rst": "Use\n===\n\nText.\n\n.. kfunc-table::\n"}, kfuncdoc_data=["more"], kfuncdoc_pages="")
    path = project.write(str(project.source / "more" / "demo.kfuncs.yaml"), demo)
    project.conf["exclude_patterns"] = ["more"]
    assert path.read_text(encoding="utf-8").splitlines()[5] == "  summary: Do :nonsense:`it`."
    project.build(expected=['more/demo.kfuncs.yaml:6: WARNING: Unknown interpreted text role "nonsense".'])


def test_title_in_prose_is_an_error_of_its_entry(make: Make) -> None:
    text = kfunc("bpf_one", description='"Text.\\n\\nNew section\\n===========\\n"')
    project = make({"index.rst": toctree("demo"), "demo.kfuncs.yaml": declarations("demo", text, kfunc("bpf_two"))})
    build = project.build(
        expected=[
            "demo.kfuncs.yaml:8:16: WARNING: 'New section' is a section title; use a paragraph of its own "
            "[kfuncdoc.prose-title]"
        ]
    )
    titles = re.findall(r"^(.+)\n[*=]+$", build.text("demo.txt"), re.MULTILINE)
    assert titles == ["The demo kfuncs", "bpf_one", "bpf_two"]


def test_title_in_the_description_of_a_subsystem_is_an_error(make: Make) -> None:
    head = "description: |\n  Text.\n\n  New section\n  ===========\n"
    project = make(
        {"index.rst": toctree("demo"), "demo.kfuncs.yaml": declarations("demo", kfunc("bpf_one"), head=head)}
    )
    build = project.build(
        expected=[
            "demo.kfuncs.yaml:4:14: WARNING: 'New section' is a section title; use a paragraph of its own "
            "[kfuncdoc.prose-title]",
            "demo.kfuncs.yaml:8: WARNING: Unexpected section title.",
            "New section",
            "===========",
        ]
    )
    assert re.findall(r"^(.+)\n[*=]+$", build.text("demo.txt"), re.MULTILINE) == ["The demo kfuncs", "bpf_one"]
