# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Whole processes measured from outside, and two or more of them compared in turn.

The ratios are of processor time (user and system): on a machine that does other work too, it varies
far less than the time on the clock.  What is compared runs in turn, A B A B ..., and each ratio is
that of two neighbours, so that it holds when the speed of the machine drifts.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Mapping, Optional, Sequence


@dataclass(frozen=True)
class Usage:
    """What one run took: seconds, and bytes of memory at its peak."""

    cpu: float
    wall: float
    memory: float


@dataclass(frozen=True)
class Command:
    """A command to measure; *prepare* runs before it and is not measured."""

    arguments: Sequence[str]
    prepare: Optional[Callable[[], None]] = None


class CommandFailed(Exception):
    """A command to measure gave an exit status other than 0; a figure of it would mean nothing."""


def run(command: Command, folder: Path) -> Usage:
    """Run *command* once, what it prints going to a file in *folder*."""
    if command.prepare:
        command.prepare()
    log = folder / "log.txt"
    environment = {**os.environ, "PYTHONHASHSEED": "0", "PYTHONPATH": str(Path(__file__).resolve().parent.parent)}
    with open(log, "wb") as output:
        before = _now()
        process = subprocess.Popen(command.arguments, cwd=folder, env=environment, stdout=output, stderr=output)
        _, status, used = os.wait4(process.pid, 0)
        wall = _now() - before
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise CommandFailed(f"{' '.join(command.arguments)}\n{log.read_text(errors='replace')[-3000:]}")
    unit = 1 if sys.platform == "darwin" else 1024
    return Usage(used.ru_utime + used.ru_stime, wall, used.ru_maxrss * unit)


def in_turn(commands: Mapping[str, Command], runs: int, folder: Path, label: str) -> dict[str, list[Usage]]:
    """Run all of *commands* in turn, *runs* times."""
    used: dict[str, list[Usage]] = {name: [] for name in commands}
    for number in range(1, runs + 1):
        for name, command in commands.items():
            progress(f"{label}: {name}, run {number} of {runs}")
            used[name].append(run(command, folder))
    progress("")
    return used


def ratio(ones: Sequence[Usage], others: Sequence[Usage], what: str = "cpu") -> float:
    """Return the median of the ratios of neighbouring runs."""
    return float(statistics.median(getattr(one, what) / getattr(other, what) for one, other in zip(ones, others)))


def median(usages: Sequence[Usage], what: str = "cpu") -> float:
    return float(statistics.median(getattr(usage, what) for usage in usages))


def progress(text: str) -> None:
    """Show *text* as the last line of a terminal; say nothing elsewhere."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{text}")
        sys.stderr.flush()


def _now() -> float:
    return os.times().elapsed
