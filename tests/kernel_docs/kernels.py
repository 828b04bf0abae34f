# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Real kernel trees whose documentation is built, and what a build of it did.

``KFUNCDOC_KERNEL_TREES`` names them, with ``:`` between; ``make kernel-docs`` fetches one.  They are
never written to: a build has a folder of links to what is in the tree, with a copy of Documentation/.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Optional, Sequence

ROOT = Path(__file__).resolve().parents[2]
TREES = [Path(tree).resolve() for tree in os.environ.get("KFUNCDOC_KERNEL_TREES", "").split(":") if tree]
#: Some second of 2026-11-01, the day on which all pages speak.
EPOCH = "1793534400"

#: The builders of the kernel's make targets, where they put a page, and what a page is called there.
TARGETS = {
    "htmldocs": "bpf/kfuncs/cpumask.html",
    "epubdocs": "bpf/epub/kfuncs/cpumask.xhtml",
    "texinfodocs": "bpf/texinfo/TheLinuxKernel.texi",
    "xmldocs": "bpf/xml/kfuncs/cpumask.xml",
    "latexdocs": "bpf/latex/bpf.tex",
}


@dataclass
class Build:
    """What one ``make`` did."""

    #: Warnings and errors of Sphinx, with paths from Documentation/ on, sorted.
    warnings: list[str]
    #: How many documents were added, changed and removed.
    updated: Optional[tuple[int, int, int]]
    #: Where the output is.
    output: Path

    def text(self, name: str) -> str:
        return (self.output / name).read_text(encoding="utf-8")


@dataclass
class Kernel:
    """A tree to build in, of its own for each way in."""

    path: Path
    #: The tree that it was made of.
    origin: Path
    version: str
    #: More options for sphinx-build.
    options: Sequence[str] = ()

    @property
    def documentation(self) -> Path:
        return self.path / "Documentation"

    def make(self, target: str, out: Optional[Path] = None, *, read_only: bool = False) -> Build:
        """Run ``make SPHINXDIRS=bpf``, in the tree or with ``O=``, and fail where make does."""
        # Later trees keep Sphinx quiet unless asked not to, earlier ones do where there are no options.
        loud = ["-v"] if (self.path / "tools" / "docs" / "sphinx-build-wrapper").exists() else []
        options = " ".join([*loud, *self.options])
        command = ["make", "-C", str(self.path), "SPHINXDIRS=bpf", f"SPHINXOPTS={options}", target]
        if out is not None:
            out.mkdir(exist_ok=True)
            command.append(f"O={out}")
        if read_only:
            script = 'for tree in "$0" "$1"; do mount --bind "$tree" "$tree"; mount -o remount,bind,ro "$tree"; done\n'
            script += 'touch "$0/Documentation/written" 2>/dev/null && exit 9\nshift\nexec "$@"'
            command = ["unshare", "--mount", "sh", "-ec", script, str(self.path), str(self.origin), *command]
        done = subprocess.run(
            command, env=_environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        assert done.returncode == 0, done.stdout[-4000:]
        told = re.sub("\x1b.*?m", "", done.stdout)
        updated = re.search(r"(\d+) added, (\d+) changed, (\d+) removed", told)
        return Build(
            sorted(
                re.sub(r"^.*?(?=Documentation/)", "", line)
                for line in told.splitlines()
                if re.search(r"\b(WARNING|ERROR|CRITICAL|Traceback)\b", line)
            ),
            (int(updated[1]), int(updated[2]), int(updated[3])) if updated else None,
            (self.path if out is None else out) / "Documentation" / "output",
        )


def _environment() -> dict[str, str]:
    """Have make find the Sphinx of this interpreter, and that kfuncdoc."""
    binaries = str(Path(sys.executable).parent)
    ours = {"PATH": f"{binaries}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT), "LC_ALL": "C.UTF-8"}
    ours.update(NO_COLOR="1", SOURCE_DATE_EPOCH=EPOCH)
    kept = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    return {**kept, **ours}


def linked_tree(tree: Path, folder: Path) -> Kernel:
    """Return a tree in *folder* that has all of *tree*: links, and a copy of its documentation."""
    folder.mkdir(parents=True)
    for entry in tree.iterdir():
        if entry.name == "Documentation":
            shutil.copytree(entry, folder / entry.name, symlinks=True, ignore=shutil.ignore_patterns("output"))
        else:
            (folder / entry.name).symlink_to(entry)
    makefile = (tree / "Makefile").read_text(encoding="utf-8")
    major, minor = (re.search(rf"^{name} = (\d+)$", makefile, re.MULTILINE) for name in ("VERSION", "PATCHLEVEL"))
    assert major is not None
    assert minor is not None
    return Kernel(folder, tree.resolve(), f"{major[1]}.{minor[1]}")
