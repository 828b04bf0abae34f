# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Sphinx without extensions, as tests of rendered pages run it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import cheap_builds

CONF = 'project = "Plain"\nhtml_theme = "alabaster"\n'


def sphinx_build(source: Path, builder: str) -> str:
    """Build without extensions and return what Sphinx has to say; builders share what was read."""
    folders = ["-d", str(source.parent / "doctrees"), str(source), str(source.parent / builder)]
    command = [sys.executable, cheap_builds.__file__, "-W", "-q", "--keep-going", "-b", builder, *folders]
    # Old Sphinx under new libraries has deprecations of its own to tell.
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8")
    assert done.returncode == 0, done.stdout
    return done.stdout
