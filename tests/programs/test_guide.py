# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The guide's page on checking programs, followed in an empty folder, word for word."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Iterator, NamedTuple

import yaml

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "checking-programs.rst"
_BLOCK = re.compile(
    r"^\.\. code-block:: (?P<language>\w+)\n(?:   :caption: (?P<caption>.*)\n)?\n(?P<text>(?:   .*\n|\n)+)",
    re.MULTILINE,
)
#: What needs more than a folder: the network, and the BTF of a running kernel.
_ELSEWHERE = ("pip install", "/sys/kernel/btf")


class Session(NamedTuple):
    """A command of the page, and what it shows of its output."""

    line: str
    shown: str


def steps(folder: Path) -> Iterator[Session]:
    """Write the files of the page to *folder* as they come, and yield its commands."""
    for block in _BLOCK.finditer(PAGE.read_text(encoding="utf-8")):
        text = textwrap.dedent(block["text"]).strip("\n") + "\n"
        if block["caption"]:
            path = folder / block["caption"]
            path.parent.mkdir(parents=True, exist_ok=True)
            # A Makefile has tabs, which the page shows as spaces.
            if path.name == "Makefile":
                text = re.sub(r"^ {8}", "\t", text, flags=re.MULTILINE)
            path.write_text(text, encoding="utf-8")
        elif block["language"] == "console":
            for session in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
                line, shown = session.split("\n", 1)
                yield Session(line, shown)


def test_the_page(compiler, tmp_path):
    """Every command does what the page says, and prints what it shows."""
    os.symlink(compiler.headers / "vmlinux.h", tmp_path / "vmlinux.h")
    commands = tmp_path / "bin"
    commands.mkdir()
    (commands / "kfuncdoc").write_text(f'#!/bin/sh\nexec {sys.executable} -m kfuncdoc "$@"\n', encoding="utf-8")
    (commands / "kfuncdoc").chmod(0o755)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    environment |= {"PATH": f"{commands}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT), "COLUMNS": "100"}
    environment |= {"SOURCE_DATE_EPOCH": "1795651200"}  # 2026-11-26
    printed, compared = {}, 0
    for line, shown in steps(tmp_path):
        if any(word in line for word in _ELSEWHERE):
            continue
        done = subprocess.run(
            ["sh", "-c", line], cwd=tmp_path, env=environment, encoding="utf-8",
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
        )  # fmt: skip
        printed[line] = done.stdout
        if shown.strip():
            compared += 1
            assert done.stdout.rstrip() == shown.rstrip(), line
        elif line != "make audit":
            assert done.returncode == 0, done.stdout
    assert compared == 2
    assert "1 object: 1 ignored" in printed["make audit"]
    difference = " ".join(printed["kfuncdoc diff v7.1 v7.3"].split())
    (shown,) = re.findall(
        r"^   (From v7\.1 to v7\.3: (?:   .*\n|.*\n|\n)+?)(?=\S)", PAGE.read_text("utf-8"), re.MULTILINE
    )
    assert difference.startswith(" ".join(shown.split()))
    warning = next(text for line, text in printed.items() if "kfuncs.h" in line and line.startswith("clang"))
    for told in re.findall(r"^   (warning: .*)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE):
        assert told in warning


def test_the_workflow(compiler, tmp_path):
    """What it runs on a machine of its own does what it is there for."""
    list(steps(tmp_path))
    os.symlink(compiler.headers / "vmlinux.h", tmp_path / "vmlinux.h")
    workflow = yaml.safe_load((tmp_path / ".github" / "workflows" / "kfuncs.yml").read_text(encoding="utf-8"))
    runs = [step["run"] for step in workflow["jobs"]["audit"]["steps"] if "run" in step]
    statuses, outputs = [], []
    for line in runs[2:]:
        done = subprocess.run(
            ["sh", "-c", line.replace("kfuncdoc", f"{sys.executable} -m kfuncdoc", 1)],
            cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, encoding="utf-8",
            capture_output=True, check=False,
        )  # fmt: skip
        statuses.append(done.returncode)
        outputs.append(done.stdout)
    assert statuses == [0, 0, 4]
    assert outputs[-1].startswith("::error file=sched.bpf.c,line=10,")
    assert json.loads((tmp_path / "kfuncs.sarif").read_text(encoding="utf-8"))["version"] == "2.1.0"
