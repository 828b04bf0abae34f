# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Pages of declarations from outside the source directory, as in every project that names ``kfuncdoc_data``."""

from __future__ import annotations

import functools
import os
import re
from pathlib import Path
from typing import Any, Callable

import pytest
from projects import (
    BASIC_OVERVIEWS,
    FOR_EVERY_BUILDER,
    Project,
    declarations,
    deprecated,
    kfunc,
    removed,
    snapshot,
    toctree,
)
from sphinx.errors import ConfigError

Make = Callable[..., Project]


@pytest.fixture
def make(make: Make) -> Make:
    """Return a maker of projects with several overviews."""
    return functools.partial(make, kfuncdoc_overviews=list(BASIC_OVERVIEWS))


TASK = declarations("task", kfunc("bpf_old", deprecated("v7.0", "v7.5", "bpf_new")), kfunc("bpf_new", added="v6.5"))
SOCK = declarations("sock", kfunc("bpf_gone", deprecated("v7.0", "v7.1", "bpf_new"), removed("v7.1")))
USE = "Use\n===\n\nSee :kfunc:`bpf_old` and :ref:`kfunc-bpf-new`.\n\n.. kfunc-table::\n"
FILES = {"index.rst": toctree("kfuncs/index", "use"), "use.rst": USE}
PAGES = ["kfuncs/changes", "kfuncs/deprecated", "kfuncs/index", "kfuncs/removed", "kfuncs/sock", "kfuncs/task"]
UNLED = (
    "WARNING: no toctree leads to the pages of kfuncdoc_data: put 'kfuncs/index' into one, name a document in "
    "kfuncdoc_toctree, or have no pages with kfuncdoc_pages = '' [kfuncdoc.pages-unreachable]"
)


def project_of(make: Make, files: dict[str, str] = FILES, **conf: Any) -> Project:
    """Return a project with two declaration files outside its source directory."""
    project = make(files, **{"kfuncdoc_data": ["../more"], **conf})
    project.write(outside(project, "task"), TASK)
    project.write(outside(project, "deeper/sock"), SOCK)
    return project


def outside(project: Project, name: str) -> str:
    return str(project.folder / "more" / f"{name}.kfuncs.yaml")


@pytest.mark.parametrize(
    ("builder", "page", "link"),
    [
        ("html", "kfuncs/task.html", 'href="kfuncs/task.html#kfunc-bpf-old"'),
        ("dirhtml", "kfuncs/task/index.html", 'href="../kfuncs/task/#kfunc-bpf-old"'),
        ("singlehtml", "index.html", 'href="#kfunc-bpf-old"'),
        ("text", "kfuncs/task.txt", ""),
        ("latex", "kernel.tex", r"\hyperref[\detokenize{kfuncs/task:kfunc-bpf-old}]"),
        ("epub", "kfuncs/task.xhtml", 'href="kfuncs/task.xhtml#kfunc-bpf-old"'),
        ("xml", "kfuncs/task.xml", 'refuri="kfuncs/task#kfunc-bpf-old"'),
        ("texinfo", "kernel.texi", "@ref{"),
    ],
)
@pytest.mark.parametrize("jobs", [1, 2])
def test_every_builder_makes_them(make: Make, builder: str, page: str, link: str, jobs: int) -> None:
    build = project_of(make, **FOR_EVERY_BUILDER).build(builder, jobs=jobs)
    assert sorted(build.read) == ["index", *PAGES, "use"]
    assert "bpf_old" in build.text(page).replace(r"\_", "_").replace("{}", "")
    use = {"html": "use.html", "dirhtml": "use/index.html", "epub": "use.xhtml", "xml": "use.xml"}.get(builder, page)
    assert link in build.text(use)


def test_pages_are_those_that_render_writes(make: Make) -> None:
    build = project_of(make).build("html")
    contents = re.findall(
        r'toctree-l1"><a class="reference internal" href="(\w+)\.html"', build.text("kfuncs/index.html")
    )
    assert contents[-5:] == ["deprecated", "removed", "changes", "sock", "task"]
    assert "2 releases: last in" in build.text("kfuncs/deprecated.html")
    assert "bpf_gone" in build.text("kfuncs/removed.html")
    assert 'id="kfuncs-changes-v7-1"' in build.text("kfuncs/changes.html")
    # "Show source" has the rst, and the YAML of no declaration and of no placeholder.
    for page in PAGES:
        source = build.text(f"_sources/{page}.rst.txt")
        assert "\n====" in source
        assert "SPDX" not in source
        assert f'href="{"../" * page.count("/")}_sources/{page}.rst.txt"' in build.text(f"{page}.html")


def test_nothing_is_written_to_the_source_directory(make: Make) -> None:
    project = project_of(make)
    project._write_conf()
    before = snapshot(project.source)
    project.build("html")
    assert snapshot(project.source) == before


def test_packaged_record_anywhere(make: Make, installed: Path) -> None:
    """One line that names the packaged data and a toctree entry publish it."""
    project = make({"index.rst": toctree("kfuncs/index")}, kfuncdoc_data=["packaged"])
    project.write(str(installed / "data" / "task.kfuncs.yaml"), TASK)
    assert "Do bpf_old." in project.build().text("kfuncs/task.txt")


def test_source_directory_may_be_a_symbolic_link(make: Make) -> None:
    project = project_of(make)
    os.rename(project.source, project.folder / "deep")
    (project.folder / "deep").rename(project.folder / "elsewhere")
    project.source.symlink_to(project.folder / "elsewhere")
    assert "Do bpf_old." in project.build().text("kfuncs/task.txt")


# -- where they stand


@pytest.mark.parametrize(
    ("value", "prefix"), [("kfuncs/", "kfuncs/"), ("bpf/kfuncs", "bpf/kfuncs/"), ("./a/../b", "b/"), (".", "")]
)
def test_folder(make: Make, value: str, prefix: str) -> None:
    index = (
        toctree(f"{prefix}index", "use")
        if prefix
        else toctree("task", "sock", "deprecated", "removed", "changes", "use")
    )
    build = project_of(make, {"index.rst": index, "use.rst": USE}, kfuncdoc_pages=value).build()
    assert "Do bpf_old." in build.text(f"{prefix}task.txt")


def test_absolute_folder_inside(make: Make, tmp_path: Path) -> None:
    project = project_of(make, {**FILES, "index.rst": toctree("bpf/kfuncs/index", "use")})
    project.conf["kfuncdoc_pages"] = str(project.source / "bpf" / "kfuncs")
    assert "Do bpf_old." in project.build().text("bpf/kfuncs/task.txt")


def test_absolute_folder_of_another_build(make: Make, tmp_path: Path) -> None:
    """As in a build of one folder of the kernel's documentation: no page, but tables and references without links."""
    files = {"index.rst": toctree("use"), "use.rst": USE.replace("and :ref:`kfunc-bpf-new`", "")}
    project = project_of(
        make, files, kfuncdoc_pages=str(tmp_path / "bpf"), kfuncdoc_toctree=str(tmp_path / "index.rst")
    )
    build = project.build()
    assert build.read == ["index", "use"]
    assert "bpf_old" in build.text("use.txt")


@pytest.mark.parametrize(
    ("conf", "message"),
    [
        ({"kfuncdoc_pages": "../kfuncs"}, "kfuncdoc_pages: '../kfuncs' is not in the source directory"),
        ({"kfuncdoc_pages": 1}, "kfuncdoc_pages: should be text, not 1"),
        ({"kfuncdoc_toctree": "../index"}, "kfuncdoc_toctree: '../index' is not in the source directory"),
    ],
)
def test_bad_folder(make: Make, conf: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        project_of(make, **conf).build()
    assert str(raised.value) == message


def test_no_pages(make: Make) -> None:
    files = {"index.rst": toctree("use"), "use.rst": USE.replace("and :ref:`kfunc-bpf-new`", "")}
    for value in ("", None):
        assert project_of(make, files, kfuncdoc_pages=value).build().read == ["index", "use"]


def test_exclude_patterns_count(make: Make) -> None:
    project = project_of(make, exclude_patterns=["kfuncs/so*", "**/removed.*"])
    assert project.build().read == [
        "index",
        "kfuncs/changes",
        "kfuncs/deprecated",
        "kfuncs/index",
        "kfuncs/task",
        "use",
    ]


def test_exclude_patterns_may_name_the_folder(make: Make) -> None:
    files = {"index.rst": toctree("use"), "use.rst": USE.replace(" and :ref:`kfunc-bpf-new`", "")}
    for pattern in ("kfuncs", "kfunc*", "kfuncs/*"):
        project = project_of(make, files, exclude_patterns=[pattern], kfuncdoc_toctree="index")
        assert project.build().read == ["index", "use"]


def test_a_document_goes_before_an_overview(make: Make) -> None:
    own = "Ours\n====\n\n.. toctree::\n\n   task\n   sock\n   removed\n   changes\n"
    build = project_of(
        make, {**FILES, "kfuncs/index.rst": own, "kfuncs/deprecated.rst": ":orphan:\n\nOld\n===\n"}
    ).build()
    assert build.text("kfuncs/index.txt").startswith("Ours\n")
    assert build.text("kfuncs/deprecated.txt").startswith("Old\n")
    assert "bpf_gone" in build.text("kfuncs/removed.txt")


def test_clashes_are_told_at_every_build(make: Make) -> None:
    own = "Ours\n====\n\n.. _kfunc-bpf-new:\n\nNew\n---\n"
    files = {"kfuncs/task.rst": own, "index.rst": toctree("kfuncs/index", "kfuncs/task", "use")}
    project = project_of(make, {**FILES, **files, "use.rst": "Use\n===\n\nSee :ref:`kfunc-bpf-new`.\n"})
    project.write(outside(project, "Sock"), declarations("other", kfunc("bpf_other")))
    more = project.folder / "more"
    expected = [
        f"{more}/deeper/sock.kfuncs.yaml:1: WARNING: the page 'sock' is that of {more}/Sock.kfuncs.yaml; "
        "give the file another name [kfuncdoc.page-clash]",
        f"{more}/task.kfuncs.yaml:1: WARNING: the page 'kfuncs/task' is a document of the source directory; "
        "take it away, or give the file another name [kfuncdoc.page-clash]",
    ]
    build = project.build(expected=expected)
    assert build.text("kfuncs/task.txt").startswith("Ours\n")
    assert "bpf_other" in build.text("kfuncs/Sock.txt")
    assert project.build(expected=expected).read == []


def test_a_file_that_is_a_document_gets_no_second_page(make: Make) -> None:
    files = {
        **FILES,
        "index.rst": toctree("kfuncs/index", "use", "own"),
        "own.kfuncs.yaml": declarations("own", kfunc("bpf_own")),
    }
    build = project_of(make, files, kfuncdoc_data=["../more", "own.kfuncs.yaml"]).build()
    assert sorted(build.read) == sorted(["index", *PAGES, "own", "use"])
    index = build.text("kfuncs/index.txt")
    assert "The task kfuncs" in index
    assert "The own kfuncs" not in index
    assert "bpf_own" in index


def test_one_file_under_two_names_is_one_page(make: Make) -> None:
    project = project_of(make)
    os.symlink(outside(project, "task"), outside(project, "twin"))
    assert sorted(project.build().read) == ["index", *PAGES, "use"]


@pytest.mark.parametrize("kind", ["link", "folder", "pipe", "bytes"])
def test_what_is_no_text_file_is_told_and_gets_a_page(make: Make, kind: str) -> None:
    project = project_of(make)
    path = project.folder / "more" / "odd.kfuncs.yaml"
    if kind == "link":
        path.symlink_to("nowhere")
    elif kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.write_bytes(b"subsystem: \xff\n")
    told = {
        "link": ":1: WARNING: no such file or directory [kfuncdoc.unreadable]",
        "folder": ":1: WARNING: is a directory [kfuncdoc.unreadable]",
        "pipe": ":1: WARNING: not a regular file [kfuncdoc.unreadable]",
        "bytes": ":1:12: WARNING: byte 0xff is not UTF-8 [kfuncdoc.encoding]",
    }
    build = project.build(expected=[f"{path}{told[kind]}"])
    assert "cannot be read" in build.text("kfuncs/odd.txt")


def test_no_files_no_pages(make: Make) -> None:
    project = make({"index.rst": "Use\n===\n"}, kfuncdoc_data=["../more"])
    (project.folder / "more").mkdir()
    assert project.build().read == ["index"]


# -- toctrees


def test_pages_in_no_toctree_are_told(make: Make) -> None:
    project = project_of(make, {"index.rst": toctree("use"), "use.rst": USE})
    project.build(expected=[UNLED])


def test_toctree_gets_an_entry(make: Make) -> None:
    files = {
        "index.rst": toctree("use", "more"),
        "use.rst": USE,
        "more.rst": toctree("leaf") + "\n.. toctree::\n\n   twig\n",
    }
    files.update({"leaf.rst": "Leaf\n====\n", "twig.rst": "Twig\n====\n"})
    for value in ("more", "more.rst"):
        build = project_of(make, files, kfuncdoc_toctree=value).build()
        lines = [line.strip("* ") for line in build.text("more.txt").splitlines()]
        places = [lines.index(title) for title in ("Leaf", "Stability of BPF kernel functions (kfuncs)", "Twig")]
        assert places == sorted(places)


def test_toctree_of_another_document(make: Make) -> None:
    """Both are read again, and nothing else."""
    files = {"index.rst": toctree("one", "two"), "leaf.rst": "Leaf\n====\n"}
    files.update({"one.rst": toctree("leaf"), "two.rst": toctree("leaf")})
    project = project_of(make, files, kfuncdoc_toctree="one")
    project.build()
    project.conf["kfuncdoc_toctree"] = "two"
    build = project.build()
    assert build.read == ["one", "two"]
    assert "Stability" not in build.text("one.txt").split("Leaf")[0]
    assert "Stability" in build.text("two.txt")
    assert project.build().read == []


def test_toctree_that_has_them_already(make: Make) -> None:
    text = project_of(make, kfuncdoc_toctree="index").build().text("index.txt")
    assert text.count("Stability of BPF kernel functions (kfuncs)") == 1


@pytest.mark.parametrize("value", ["/index", "/index.rst", "index", Path("index.rst")])
def test_toctree_from_the_source_directory_on(make: Make, value: Any) -> None:
    files = {"index.rst": toctree("use"), "use.rst": USE}
    text = project_of(make, files, kfuncdoc_toctree=value, kfuncdoc_pages="/kfuncs").build().text("index.txt")
    assert "Stability of BPF kernel functions (kfuncs)" in text


def test_toctree_of_a_document_that_is_not_there(make: Make) -> None:
    told = "WARNING: kfuncdoc_toctree: there is no document 'indx' [kfuncdoc.pages-unreachable]"
    project_of(make, {"index.rst": toctree("use"), "use.rst": USE}, kfuncdoc_toctree="indx").build(expected=[told])


def test_toctree_in_a_document_that_is_a_link(make: Make, tmp_path: Path) -> None:
    """As in a tree of links: the document has its name in the source directory, wherever its file is."""
    project = project_of(make, {"use.rst": USE})
    (tmp_path / "elsewhere.rst").write_text(toctree("use"), encoding="utf-8")
    (project.source / "index.rst").symlink_to(tmp_path / "elsewhere.rst")
    for value in ("index.rst", str(project.source / "index.rst")):
        project.conf["kfuncdoc_toctree"] = value
        assert "Stability of BPF kernel functions (kfuncs)" in project.build().text("index.txt")


def test_toctree_that_is_none(make: Make) -> None:
    files = {"index.rst": toctree("use"), "use.rst": USE}
    told = "use.rst: WARNING: kfuncdoc_toctree: this document has no toctree to add the pages to"
    expected = [f"{told} [kfuncdoc.pages-unreachable]", UNLED]
    project_of(make, files, kfuncdoc_toctree="use").build(expected=expected)


# -- freshness


@pytest.mark.parametrize("jobs", [1, 2])
def test_exactly_what_changed_is_read_again(make: Make, jobs: int) -> None:
    project = project_of(make)
    overviews = ["kfuncs/changes", "kfuncs/deprecated", "kfuncs/index"]
    assert len(project.build(jobs=jobs).read) == 8
    assert project.build(jobs=jobs).read == []
    project.edit(outside(project, "task"), "Do bpf_new.", "Do it.")
    assert project.build(jobs=jobs).read == ["kfuncs/index", "kfuncs/task", "use"]
    project.write(outside(project, "cpu"), declarations("cpu", kfunc("bpf_cpu", deprecated("v7.3", "v7.9", "bpf_new"))))
    assert project.build(jobs=jobs).read == [*overviews[:1], "kfuncs/cpu", *overviews[1:], "kfuncs/task", "use"]
    os.unlink(outside(project, "cpu"))
    # A kfunc names those that it is called instead of.
    assert project.build(jobs=jobs).read == [*overviews, "kfuncs/task", "use"]
    project.conf["kfuncdoc_release"] = "v7.2"
    # Pages know to what they are true.
    assert project.build(jobs=jobs).read == [*PAGES, "use"]


def test_another_folder(make: Make) -> None:
    project = project_of(make)
    project.build()
    project.conf["kfuncdoc_pages"] = "other"
    project.write("index.rst", toctree("other/index", "use"))
    build = project.build()
    assert build.read == ["index", *(page.replace("kfuncs/", "other/") for page in PAGES)]
    assert "Do bpf_old." in build.text("other/task.txt")


def test_another_folder_through_kfuncdoc_toctree(make: Make) -> None:
    """Pages that refer to a kfunc are written again, though nothing that they have taken is different."""
    leaf = "Leaf\n====\n\nbpf_old() and :kfunc:`bpf_new`.\n"
    project = project_of(make, {"index.rst": toctree("leaf"), "leaf.rst": leaf}, kfuncdoc_toctree="index")
    project.build("html")
    project.conf["kfuncdoc_pages"] = "other"
    page = project.build("html").text("leaf.html")
    assert page.count('href="other/task.html#') == 2
    assert page.count("kfuncs/task.html#") == 0


def test_extension_that_goes(make: Make) -> None:
    """An environment that knows of pages is one that Sphinx can go on with without them."""
    project = project_of(
        make, {**FILES, "index.rst": toctree("plain"), "plain.rst": "P\n=\n"}, kfuncdoc_toctree="index"
    )
    (project.source / "use.rst").unlink()
    project.build()
    project.conf = {"extensions": []}
    build = project.build()
    assert build.read == ["index", "plain"]
    assert build.text("index.txt").count("P\n") == 1


# -- the release of a project


@pytest.mark.parametrize(
    ("version", "release"),
    [
        ("7.2", "v7.2"),
        ("7.2.9", "v7.2"),
        ("6.12.0-rc3-debian", "v6.12"),
        ("7.4.0-rc2", "v7.3"),
        ("v7.1", "v7.1"),
    ],
)
def test_release_of_the_project(make: Make, version: str, release: str) -> None:
    project = project_of(make, kfuncdoc_release="project", version=version)
    assert f"Linux {release} " in project.build().text("kfuncs/index.txt")
    project.conf["version"] = "6.9"
    assert "Linux v6.9 " in project.build().text("kfuncs/index.txt")


@pytest.mark.parametrize("version", ["unknown version", "", "5.0"])
def test_project_of_no_release(make: Make, version: str) -> None:
    with pytest.raises(ConfigError) as raised:
        project_of(make, kfuncdoc_release="project", version=version).build()
    assert str(raised.value) == f"kfuncdoc_release: '{version}' is no version of a kernel that is known"
