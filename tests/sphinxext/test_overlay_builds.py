# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The overlay of a small tree that has what is peculiar to the kernel's conf.py; real ones are in ``kernel_docs``."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Sequence

import pytest
from projects import declarations, deprecated, kfunc, snapshot, sphinx_build, toctree

from kfuncdoc.cli import overlay

CONF = """\
import os
import sys

kern_doc_dir = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.abspath("sphinx"))

import ours

extensions = ["ours"]
templates_path = ["sphinx/templates"]
html_static_path = ["sphinx-static"]
html_sidebars = {"**": ["searchbox.html"]}
html_logo = "images/logo.svg"
html_favicon = "images/logo.svg"
latex_additional_files = ["sphinx/preamble.sty"]
latex_documents = [("index", "kernel.tex", "Kernel", "us", "manual")]
project = "The Linux Kernel"
primary_domain = "c"
master_doc = "index"
with open("../Makefile") as makefile:
    version = release = ".".join(line.split()[2] for line in makefile)


def config_init(app, config):
    if not os.path.samefile(kern_doc_dir, app.srcdir):
        tags.add("subproject")
    config.html_title = "Said by the tree"


def setup(app):
    app.connect("config-inited", config_init)
"""
TREE = {
    "Makefile": "VERSION = 7\nPATCHLEVEL = 3\n",
    "Documentation/conf.py": CONF,
    "Documentation/sphinx/ours.py": "def setup(app):\n    return {'parallel_read_safe': True}\n",
    "Documentation/sphinx/templates/searchbox.html": "<!-- the tree's own template -->\n",
    "Documentation/sphinx/preamble.sty": "% nothing\n",
    "Documentation/sphinx-static/ours.css": "/* nothing */\n",
    "Documentation/images/logo.svg": '<svg xmlns="http://www.w3.org/2000/svg"/>\n',
    "Documentation/index.rst": toctree("bpf/index", "core/index"),
    "Documentation/bpf/index.rst": toctree("kfuncs") + "\n.. only:: subproject\n\n   A part.\n",
    "Documentation/bpf/kfuncs.rst": "Kfuncs\n======\n\n.. c:function:: void bpf_old(void)\n\n   See bpf_new().\n",
    "Documentation/core/index.rst": "Core\n====\n\nSee bpf_new().\n",
}
DEMO = declarations("demo", kfunc("bpf_old", deprecated("v7.0", "v7.5", "bpf_new")), kfunc("bpf_new", added="v6.5"))


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name, text in {**{f"linux/{name}": text for name, text in TREE.items()}, "data/demo.kfuncs.yaml": DEMO}.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    overlay.write(str(tmp_path / "overlay"), str(tmp_path / "linux"), [str(tmp_path / "data")])
    return tmp_path / "linux"


def build(
    tree: Path, source: str, builder: str = "html", options: Sequence[str] = ("-W",)
) -> subprocess.CompletedProcess:
    """Build as the kernel's Makefile does, which names the tree's own configuration first."""
    documentation = tree / "Documentation"
    out = tree.parent / "out" / source
    return sphinx_build(
        "-q", "-b", builder, "-c", str(documentation), "-d", str(out / ".doctrees"), "-D", "version=7.3.4",
        "-c", str(tree.parent / "overlay"), *options, str(documentation / source), str(out / builder),
        env={"PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip


def page(tree: Path, source: str, name: str) -> str:
    return (tree.parent / "out" / source / name).read_text(encoding="utf-8")


def test_all_of_the_documentation(tree: Path) -> None:
    before = snapshot(tree)
    result = build(tree, ".")
    assert (result.returncode, result.stderr) == (0, "")
    index = page(tree, ".", "html/bpf/index.html")
    assert 'href="kfuncs/index.html"' in index
    assert "the tree's own template" in index
    assert "Said by the tree" in index
    assert 'src="../_static/logo.svg"' in index
    assert (tree.parent / "out" / "html" / "_static" / "ours.css").is_file()
    assert "deprecated" in page(tree, ".", "html/bpf/kfuncs.html")
    assert 'href="../bpf/kfuncs/demo.html#kfunc-bpf-new"' in page(tree, ".", "html/core/index.html")
    assert "Linux v7.3 " in page(tree, ".", "html/bpf/kfuncs/index.html")
    assert '"name": "bpf_old"' in page(tree, ".", "html/bpf/kfuncs/kfuncs.json")
    assert snapshot(tree) == before


def test_one_folder(tree: Path) -> None:
    """As with SPHINXDIRS=bpf: the pages stand where the folder's own do."""
    result = build(tree, "bpf")
    assert (result.returncode, result.stderr) == (0, "")
    assert 'href="kfuncs/index.html"' in page(tree, "bpf", "html/index.html")
    assert "A part." in page(tree, "bpf", "html/index.html")
    assert 'href="kfuncs/demo.html#kfunc-bpf-new"' in page(tree, "bpf", "html/kfuncs.html")


def test_another_folder(tree: Path) -> None:
    """As with SPHINXDIRS=core: it has no pages of kfuncs, and is as it is without kfuncdoc."""
    result = build(tree, "core")
    assert (result.returncode, result.stderr) == (0, "")
    assert "See bpf_new()." in page(tree, "core", "html/index.html")
    assert not (tree.parent / "out" / "core" / "html" / "kfuncs").exists()


@pytest.mark.parametrize("builder", ["latex", "epub", "xml", "texinfo"])
def test_other_builders(tree: Path, builder: str) -> None:
    result = build(tree, ".", builder, ["-W", "-D", "epub_copyright=us", "-D", "epub_author=us"])
    assert (result.returncode, result.stderr) == (0, "")


def test_the_tree_of_another_overlay(tree: Path) -> None:
    tree.rename(tree.parent / "moved")
    (tree.parent / "linux" / "Documentation").mkdir(parents=True)
    (tree.parent / "linux" / "Documentation" / "conf.py").write_text("project = 'Other'\n", encoding="utf-8")
    result = build(tree.parent / "moved", "bpf")
    assert result.returncode == 2
    assert f"{tree.parent}/overlay/conf.py is for {tree}/Documentation; make another one" in result.stderr
