# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""``python -m boot.compile_programs HEADERS OUTPUT``: compile our own programs into the folder OUTPUT.

They are those of ``tests/programs/`` and of ``tests/boot/programs/``; HEADERS is a folder with ``vmlinux.h``.
"""

from __future__ import annotations

import sys
from pathlib import Path

from programs.compiler import Compiler

from boot.machine import HERE

FOLDERS = (HERE.parent / "programs", HERE / "programs")


def sources() -> list[Path]:
    """Return the C files of our own programs."""
    return [path for folder in FOLDERS for path in sorted(folder.glob("*.bpf.c"))]


def compile_all(headers: Path, output: Path) -> None:
    """Compile all of them to *output*; raises :exc:`RuntimeError` with what clang printed."""
    output.mkdir(parents=True, exist_ok=True)
    compiler = Compiler(headers, output)
    for source in sources():
        name = source.name[: -len(".c")]
        done = compiler.run(source, "-g", "-Wall", "-Werror", output=f"{name}.o")
        if done.returncode != 0:
            raise RuntimeError(f"{source.name} does not compile:\n{done.stderr}")


if __name__ == "__main__":
    compile_all(Path(sys.argv[1]), Path(sys.argv[2]))
