# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Folders that cannot be read, for whoever runs the tests: root may read every one."""

from __future__ import annotations

import errno
import os
from typing import Any

import pytest


def refuse_folders(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Refuse to list folders of these *names*, as a system does without permission."""
    really_list = os.scandir

    def scandir(path: Any = ".") -> Any:
        if os.path.basename(os.path.normpath(path)) in names:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        return really_list(path)

    monkeypatch.setattr(os, "scandir", scandir)
