# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What kfuncdoc costs in the kernel's own docs build: ``python -m benchmarks.kernel_docs KERNELS``, or ``make bench``.

KERNELS is a folder with source trees of kernels.  ``make SPHINXDIRS=bpf htmldocs`` is run on the
newest, with its declarations through ``kfuncdoc overlay``, with the committed pages that ``kfuncdoc
render`` writes, and with nothing of kfuncdoc.  What the first costs more than the second is the
cost of the extension; what the second costs more than the third is that of some thirty pages.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Optional, Sequence

from benchmarks.bench import as_rst, as_text, machine
from benchmarks.measure import Command, CommandFailed, in_turn, median, ratio, run
from kfuncdoc.scan import is_tree
from tests.kernel_docs.kernels import Kernel, linked_tree

RUNS = 3
DATE = "2026-11-01"
LIBRARIES = ("Sphinx", "docutils")


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Measure, print the table, and write it where asked."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.kernel_docs", description="Measure what the kernel's docs cost."
    )
    parser.add_argument("kernels", metavar="KERNELS", type=Path, help="a folder of source trees")
    parser.add_argument("--output", metavar="FILE", type=Path, help="write the table as rst, too")
    options = parser.parse_args(arguments)
    trees = sorted(folder for folder in options.kernels.resolve().iterdir() if is_tree(str(folder)))
    if not trees:
        print(f"no source tree in {options.kernels}", file=sys.stderr)
        return 2
    try:
        with tempfile.TemporaryDirectory(prefix="kfuncdoc-bench-") as folder:
            rows = _measure(trees[-1], Path(folder))
    except CommandFailed as failed:
        print(f"failed: {failed}", file=sys.stderr)
        return 1
    table = [("Figure", "All from nothing", "Nothing changed", "At most"), *rows]
    print(as_text(table))
    print(f"\n{machine(*LIBRARIES)}")
    if options.output:
        options.output.write_text(as_rst(table, "kernel_docs", *LIBRARIES), encoding="utf-8")
    return 0


def _measure(tree: Path, folder: Path) -> list[tuple[str, ...]]:
    kernels = {way: linked_tree(tree, folder / way / "linux") for way in ("overlay", "committed", "without")}
    overlay = folder / "overlay" / "conf"
    kfuncdoc = [sys.executable, "-m", "kfuncdoc"]
    run(Command([*kfuncdoc, "overlay", str(overlay), "--tree", str(kernels["overlay"].path)]), folder)
    kernels["overlay"].options = ["-c", str(overlay), "-D", f"kfuncdoc_date={DATE}"]
    committed = kernels["committed"]
    pages = committed.documentation / "bpf" / "kfuncs"
    run(Command([*kfuncdoc, "render", "-o", str(pages), "--release", f"v{committed.version}", "--date", DATE]), folder)
    index = committed.documentation / "bpf" / "index.rst"
    text, entries = re.subn("(?m)^   fs_kfuncs$", "   fs_kfuncs\n   kfuncs/index", index.read_text(encoding="utf-8"))
    assert entries == 1, f"{index} has no entry for kfuncs"
    index.write_text(text, encoding="utf-8")
    run(_make(kernels["without"]), folder)  # so that all of the tree is in memory
    cold = in_turn({way: _make(kernel) for way, kernel in kernels.items()}, RUNS, folder, tree.name)
    warm = in_turn({way: _make(kernel, again=True) for way, kernel in kernels.items()}, 2 * RUNS, folder, tree.name)

    def row(words: str, one: str, other: str, target: str = "") -> tuple[str, ...]:
        cells = (
            f"{ratio(runs[one], runs[other]):.2f} ({median(runs[one]):.2f} s : {median(runs[other]):.2f} s)"
            for runs in (cold, warm)
        )
        return (words, *cells, target)

    return [
        row(f"{tree.name}, with kfuncdoc, against plain Sphinx on the committed pages", "overlay", "committed", "1.15"),
        row(f"{tree.name}, with kfuncdoc, against the kernel's pages alone", "overlay", "without"),
    ]


def _make(kernel: Kernel, *, again: bool = False) -> Command:
    """Return the command that builds from nothing, or *again*."""
    out = kernel.path.parent / "out"

    def clean() -> None:
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()

    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    # Not the flags of the make that may have started this.
    environment = ["env", "-u", "MAKEFLAGS", "-u", "MAKELEVEL", "-u", "MFLAGS", f"PATH={path}"]
    options = " ".join(["-q", *kernel.options])
    make = ["make", "-C", str(kernel.path), f"O={out}", "SPHINXDIRS=bpf", f"SPHINXOPTS={options}", "htmldocs"]
    return Command([*environment, *make], None if again else clean)


if __name__ == "__main__":
    sys.exit(main())
