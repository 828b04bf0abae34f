# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The three ways into the kernel's own docs build, as the guide's page "In the kernel tree" tells them, on real trees.

What the guide says is what is done: its patches, its files and its commands are taken from the page.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from kernels import ROOT, TARGETS, Build, Kernel, linked_tree

from kfuncdoc.cli.main import main

GUIDE = (ROOT / "docs" / "in-the-kernel-tree.rst").read_text(encoding="utf-8")
WAYS = ("nothing touched", "in the tree", "committed pages")


def can_mount() -> bool:
    """Whether a tree can be made read-only for one command: that takes root, and a root that is a mount."""
    probe = ["unshare", "--mount", "true"]
    return shutil.which("unshare") is not None and subprocess.run(probe, capture_output=True).returncode == 0


def block(name: str) -> str:
    """Return the text of the guide's code block *name*."""
    _, _, rest = GUIDE.partition(f"   :name: {name}\n\n")
    lines = []
    for line in rest.split("\n"):
        if line and not line.startswith("   "):
            break
        lines.append(line[3:])
    assert any(lines), f"the guide has no block {name}"
    return "\n".join(lines).strip("\n") + "\n"


def patched(kernel: Kernel, only: str = "") -> None:
    """Apply the guide's patch for the tree, or the part of it that is for the file *only*."""
    version = "7.3" if kernel.version.startswith("7.") else "6.12"
    # An empty line of context begins with a blank, which no editor keeps in the page.
    diff = re.sub("^$", " ", block(f"kernel-tree-patch-{version}").rstrip("\n"), flags=re.MULTILINE) + "\n"
    if only:
        diff = next(part for part in re.split("(?m)^(?=--- )", diff) if part.startswith(f"--- a/{only}"))
    subprocess.run(["git", "apply", "-"], cwd=kernel.path, input=diff, text=True, check=True)


@pytest.fixture(scope="session", params=WAYS)
def way(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def kernel(kernel_tree: Path, way: str, tmp_path_factory: pytest.TempPathFactory) -> Kernel:
    """A tree prepared in one of the three ways; declarations that are not in it may be edited, too."""
    folder = tmp_path_factory.mktemp(way.replace(" ", "-"))
    kernel = linked_tree(kernel_tree, folder / "linux")
    if way == "nothing touched":
        declarations = folder / "data"
        declarations.mkdir()
        for path in (ROOT / "data").glob("*.kfuncs.yaml"):
            shutil.copy(path, declarations)
        arguments = ["overlay", str(folder / "overlay"), "--tree", str(kernel.path), "--data", str(declarations)]
        assert main(arguments) == 0
        kernel.options = ["-c", str(folder / "overlay")]
    elif way == "in the tree":
        pages = kernel.documentation / "bpf" / "kfuncs"
        commands = block("kernel-tree-declarations").replace("$ ", "").replace("../kfuncdoc", str(ROOT))
        subprocess.run(["sh", "-ec", commands], cwd=kernel.path, check=True)
        (pages / "index.rst").write_text(block("kernel-tree-index"), encoding="utf-8")
        patched(kernel)
    else:
        command = block("kernel-tree-render").replace("$ kfuncdoc ", "").replace("v7.3", f"v{kernel.version}").split()
        command[command.index("-o") + 1] = str(kernel.path / "Documentation" / "bpf" / "kfuncs")
        assert main(command) == 0
        patched(kernel, "Documentation/bpf/index.rst")
    return kernel


@pytest.fixture(scope="session")
def first(kernel: Kernel) -> Build:
    """The first HTML build, with ``O=``; the other tests find a tree that was built."""
    return kernel.make("htmldocs", out(kernel))


def out(kernel: Kernel) -> Path:
    return kernel.path.parent / "out"


def declarations(kernel: Kernel) -> Path:
    folder = kernel.path.parent / "data"
    return folder if folder.exists() else kernel.documentation / "bpf" / "kfuncs"


def files_of(tree: Path) -> set[str]:
    found: set[str] = set()
    for folder, folders, files in os.walk(tree):
        found.update(os.path.join(folder, name) for name in (*folders, *files))
    return found


def test_html(kernel: Kernel, first: Build, without: dict[str, Build], way: str) -> None:
    assert first.warnings == without["htmldocs"].warnings
    index = first.text("bpf/index.html")
    assert 'href="kfuncs/index.html"' in index
    page = first.text("bpf/kfuncs/cpumask.html")
    assert 'id="kfunc-bpf-cpumask-create"' in page
    assert f"v{kernel.version} " in page
    # It came in v6.17, of which the pages of an older tree know nothing.
    came = tuple(map(int, kernel.version.split("."))) >= (6, 17)
    assert ('id="kfunc-bpf-strlen"' in first.text("bpf/kfuncs/string.html")) is came


def test_notes_and_links(kernel: Kernel, first: Build, without: dict[str, Build], way: str) -> None:
    """In the tree's own pages, and none where the pages are all there is."""
    page = first.text("bpf/cpumasks.html")
    links = re.findall(r'href="(kfuncs/cpumask.html#kfunc-[^"]*)"', page)
    before = without["htmldocs"].text("bpf/cpumasks.html")
    for documented in (page, before):
        assert documented.count('id="c.bpf_cpumask_create"') == 1
    if way == "committed pages":
        assert links == []
        return
    functions = re.findall(r'id="c\.(bpf_cpumask_\w+)"', before)
    assert functions
    assert links == [f"kfuncs/cpumask.html#kfunc-{name.replace('_', '-')}" for name in functions]
    # Named in running text, with no kernel-doc to link to: in a summary, and of the tree's own pages in those of v7.3.
    linked = 'href="{}#kfunc-{}" title="Stability of {}"><code class="xref c c-func docutils literal notranslate">'
    assert linked.format("", "hid-bpf-allocate-context", "hid_bpf_allocate_context") in first.text(
        "bpf/kfuncs/hid.html"
    )
    text = first.text("bpf/kfuncs.html")
    named = "bpf_list_front()" in without["htmldocs"].text("bpf/kfuncs.html")
    assert (linked.format("kfuncs/graph.html", "bpf-list-front", "bpf_list_front") in text) is named
    assert named is (kernel.version != "6.12")
    # What is no kfunc's is as it is without kfuncdoc, but for the entry in the table of contents at its side.
    own, ours = (build.text("bpf/btf.html") for build in (without["htmldocs"], first))
    body = re.compile(r'(?s)<div class="body".*<div class="footer"')
    assert body.findall(own)
    assert body.findall(own) == body.findall(ours)
    assert "kfuncdoc.css" not in ours


def test_nothing_changed(kernel: Kernel, first: Build, without: dict[str, Build]) -> None:
    again = kernel.make("htmldocs", out(kernel))
    assert again.updated == (0, 0, 0)
    # What is told while pages are written is told where they are.
    assert set(again.warnings) <= set(without["htmldocs"].warnings)


def test_one_declaration_changed(kernel: Kernel, first: Build, way: str) -> None:
    """Its page is read again, and that with the table of all kfuncs where there is one."""
    if way == "committed pages":
        pytest.skip("committed pages are what they are until they are rendered again")
    path = declarations(kernel) / "cpumask.kfuncs.yaml"
    text = path.read_text(encoding="utf-8")
    summary = re.search("^    summary: (.*)$", text, re.MULTILINE)
    assert summary is not None
    path.write_text(text.replace(summary[0], "    summary: Said by a test.", 1), encoding="utf-8")
    build = kernel.make("htmldocs", out(kernel))
    assert build.updated == ((0, 2, 0) if way == "nothing touched" else (0, 1, 0))
    assert "Said by a test." in build.text("bpf/kfuncs/cpumask.html")
    path.write_text(text, encoding="utf-8")
    assert "Said by a test." not in kernel.make("htmldocs", out(kernel)).text("bpf/kfuncs/cpumask.html")


@pytest.mark.parametrize("target", [target for target in TARGETS if target != "htmldocs"])
def test_other_builders(kernel: Kernel, first: Build, without: dict[str, Build], target: str) -> None:
    """On the doctrees of the HTML build, as the kernel's make shares them."""
    build = kernel.make(target, out(kernel))
    # Without LaTeX the configuration of a v6.12 tree is another one for EPUB, and all is read again.
    assert (build.updated == (0, 0, 0)) is (without[target].updated == (0, 0, 0))
    assert set(build.warnings) - set(without[target].warnings) == set()
    assert "bpf_cpumask_create" in build.text(TARGETS[target]).replace(r"\_", "_").replace("{}", "")


@pytest.mark.skipif(
    "KFUNCDOC_KERNEL_PDF" not in os.environ,
    reason="set KFUNCDOC_KERNEL_PDF where latexmk, XeLaTeX and the fonts that the kernel wants are installed",
)
def test_pdf(kernel: Kernel, first: Build) -> None:
    build = kernel.make("pdfdocs", out(kernel))
    assert (build.output / "bpf" / "pdf" / "bpf.pdf").read_bytes().startswith(b"%PDF-")


@pytest.mark.skipif(not can_mount(), reason="a tree cannot be mounted read-only here")
def test_read_only_tree(kernel: Kernel, first: Build, without: dict[str, Build], tmp_path: Path) -> None:
    """A fresh build.  What make itself writes to a tree of v6.12, it has written before."""
    build = kernel.make("htmldocs", tmp_path / "out", read_only=True)
    assert build.warnings == without["htmldocs"].warnings
    assert 'id="kfunc-bpf-cpumask-create"' in build.text("bpf/kfuncs/cpumask.html")


def test_in_the_tree_and_cleaned(kernel: Kernel, without: dict[str, Build]) -> None:
    """Without ``O=``; and ``make cleandocs`` leaves nothing behind."""
    kernel.make("cleandocs")
    before = files_of(kernel.path)
    build = kernel.make("htmldocs")
    assert build.warnings == without["htmldocs"].warnings
    assert 'id="kfunc-bpf-cpumask-create"' in build.text("bpf/kfuncs/cpumask.html")
    kernel.make("cleandocs")
    assert files_of(kernel.path) == before
