# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""clang, as the tests of this folder call it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent


class Compiler(NamedTuple):
    """clang, and where it puts what it makes."""

    headers: Path
    output: Path

    def run(self, source: Path, *options: str, output: str = "", target: str = "bpfel") -> subprocess.CompletedProcess:
        return subprocess.run(
            ["clang", "-O2", "-target", target, f"-I{self.headers}", f"-I{HERE}", *options, "-c", source,
             "-o", self.output / output if output else os.devnull],
            capture_output=True, encoding="utf-8", check=False,
        )  # fmt: skip

    def compile(self, name: str, *options: str, target: str = "bpfel") -> Path:
        output = f"{name}.{target}.bpf.o"
        done = self.run(HERE / f"{name}.bpf.c", "-g", "-Wall", "-Werror", *options, output=output, target=target)
        assert (done.returncode, done.stderr) == (0, "")
        return self.output / output
