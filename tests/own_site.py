# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The site of this repository, which takes long to build: once for each builder in a run of the tests."""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path
from typing import NamedTuple

import fresh_processes
from declared import ROOT


class Site(NamedTuple):
    """What a build of the site left: the folder of its output, the exit status, and what it printed to stderr."""

    folder: Path
    status: int
    errors: str


class OwnSite:
    """Builds the site in *folder*, which the processes of one run of the tests share.

    Where ``KFUNCDOC_BUILD`` names the folder in which ``make html`` has built it, that build is taken, and what it has
    read is not read again by the other builders.
    """

    def __init__(self, folder: Path) -> None:
        made = os.environ.get("KFUNCDOC_BUILD")
        self._html = ROOT / made / "html" if made else None
        self._folder = folder / "site"
        self._doctrees = ROOT / made / "doctrees" if made else self._folder / "doctrees"
        self._folder.mkdir(exist_ok=True)

    def built_by(self, builder: str) -> Site:
        """Return the site of *builder*, as ``sphinx-build -W --keep-going`` makes it, which is run unless it was."""
        if builder == "html" and self._html is not None:
            assert (self._html / "index.html").is_file(), f"there is no site in {self._html}"
            return Site(self._html, 0, "")  # otherwise make would have ended there
        # All builders share what was read: one at a time.
        with (self._folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            outcome = self._folder / f"{builder}.json"
            if not outcome.exists():
                outcome.write_text(json.dumps(self._build(builder)), encoding="utf-8")
        return Site(self._folder / builder, *json.loads(outcome.read_text(encoding="utf-8")))

    def _build(self, builder: str) -> tuple[int, str]:
        options = ["-W", "--keep-going", "-q", "-b", builder, "-d", str(self._doctrees)]
        environment = {**os.environ, "NO_COLOR": "1"}
        done = fresh_processes.run(
            fresh_processes.SPHINX, [*options, str(ROOT), str(self._folder / builder)], environment
        )
        return done.returncode, done.stderr
