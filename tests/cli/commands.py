# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What the tests of commands share: declarations, and how to write and to run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from declared import ROOT, entry, subsystem, write_files

from kfuncdoc.base.resources import packaged

CLEAN, FINDINGS, UNUSABLE = 0, 1, 2

GOOD = subsystem(entry("bpf_one", "release: v6.12, event: added"))
WARNED = subsystem("- {name: bpf_one, prototype: int bpf_one(void), history: [{release: v6.12, event: added}]}\n")
DUE = subsystem(
    entry(
        "bpf_one",
        "release: v6.12, event: added",
        "release: v6.13, event: deprecated, reason: No., said_in: a, removal: v6.14, no_replacement: None.",
    )
)
WRONG = GOOD.replace("name: bpf_one", "name: bpf-one")
WRONG_TOLD = "error: 'bpf-one' is no name of a C function [name-invalid]"

DATA = str(packaged("data"))
TREE = str(ROOT / "tests" / "trees" / "small")


def write(text: str, name: str = "demo") -> str:
    """Write a declaration file to the current folder and return its name."""
    (path,) = write_files(Path(), {name: text})
    return path


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "kfuncdoc", *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def on(command: str, path: str) -> list[str]:
    """Return the arguments of *command* on the declarations at *path*."""
    words = command.split()
    return [*words, path] if words[0] == "check" else [*words, "--data", path]
