# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What an audit costs, as ratios: ``python -m benchmarks.auditing OBJECTS``, or ``make bench OBJECTS=...``.

OBJECTS is a folder of BPF objects, of which the first thousand are read.  They are compared with pyelftools opening
the same files and reading all their sections: first reading them alone, then the whole command, which starts and
loads the record, too, however few objects there are.  The last figure is the whole command for one object.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Optional, Sequence

from benchmarks.bench import as_rst, as_text, machine
from benchmarks.measure import Command, CommandFailed, in_turn, median, ratio

RUNS = 5
COUNT = 1000
_KERNELS = ("--from", "v6.12", "--to", "v7.3")

_READ_SECTIONS = """\
import sys
from elftools.elf.elffile import ELFFile

for path in sys.argv[1:]:
    with open(path, "rb") as stream:
        print(sum(len(section.data()) for section in ELFFile(stream).iter_sections()))
"""
_READ_OBJECTS = """\
import sys
from kfuncdoc.scan.binary.objects import read_objects

for path in sys.argv[1:]:
    for each in read_objects(path):
        print(len(each.externs), len(each.calls))
"""


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Measure, print the table, and write it where asked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.auditing", description="Measure what audits cost.")
    parser.add_argument("objects", metavar="OBJECTS", type=Path, help="a folder of BPF objects")
    parser.add_argument("--output", metavar="FILE", type=Path, help="write the table as rst, too")
    options = parser.parse_args(arguments)
    paths = sorted(map(str, options.objects.resolve().rglob("*.bpf.o")))[:COUNT]
    commands = {
        "sections": Command([sys.executable, "-c", _READ_SECTIONS, *paths]),
        "objects": Command([sys.executable, "-c", _READ_OBJECTS, *paths]),
        "audit": _audit(paths),
        "one": _audit(paths[:1]),
    }
    try:
        with tempfile.TemporaryDirectory(prefix="kfuncdoc-bench-") as folder:
            in_turn(commands, 1, Path(folder), "warm-up")
            runs = in_turn(commands, RUNS, Path(folder), "auditing")
    except CommandFailed as failed:
        print(f"failed: {failed}", file=sys.stderr)
        return 1

    def compared(name: str) -> str:
        values = f"{median(runs[name]):.2f} s : {median(runs['sections']):.2f} s"
        return f"{ratio(runs[name], runs['sections']):.2f} ({values})"

    rows = [
        (f"reading {len(paths)} objects, against reading their sections with pyelftools", compared("objects"), "3"),
        (f"kfuncdoc audit of {len(paths)} objects on v6.12 to v7.3, against the same", compared("audit"), "3"),
        ("kfuncdoc audit of one of them", f"{median(runs['one']):.2f} s", "0.3 s"),
    ]
    table = [("Figure", "Time", "At most"), *rows]
    print(as_text(table))
    print(f"\n{machine('pyelftools')}")
    if options.output:
        options.output.write_text(as_rst(table, "auditing", "pyelftools"), encoding="utf-8")
    return 0


def _audit(paths: Sequence[str]) -> Command:
    return Command([sys.executable, "-m", "kfuncdoc", "audit", *_KERNELS, "--fail-on", "none", *paths])


if __name__ == "__main__":
    sys.exit(main())
