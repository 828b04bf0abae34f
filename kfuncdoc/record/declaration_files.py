# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Declaration files by their names alone: the suffix, where they are found, and the names of their pages.

Nothing is read here and nothing but the standard library is needed, so that a build in which nothing
changed can afford it.
"""

from __future__ import annotations

import os
from typing import Iterable

#: The suffix of declaration files, in the manner of ``.bpf.c``.
SUFFIX = ".kfuncs.yaml"


def find(paths: Iterable[str]) -> list[str]:
    """Return the declaration files that *paths* name: files as they are, folders searched in order.

    A file that is named twice is read once.  Folders whose name begins with a dot or an underscore
    are left out, and virtual environments.  Symbolic links to folders are not followed.
    """
    found: list[str] = []
    for path in paths:
        if os.path.isdir(path) and not path.endswith(SUFFIX):
            for folder, folders, files in os.walk(path):
                folders[:] = sorted(name for name in folders if not _left_out(folder, name))
                declared = [name for name in (*files, *folders) if name.endswith(SUFFIX)]
                found += (os.path.normpath(os.path.join(folder, name)) for name in sorted(declared))
                folders[:] = [name for name in folders if not name.endswith(SUFFIX)]
        else:
            found.append(path)
    unique: dict[str, str] = {}
    for path in found:
        unique.setdefault(os.path.abspath(path), path)
    return list(unique.values())


def _left_out(folder: str, name: str) -> bool:
    return name.startswith((".", "_")) or os.path.exists(os.path.join(folder, name, "pyvenv.cfg"))


def page_name(path: str) -> str:
    """Return the name of the page of a declaration file: its own without the suffix."""
    name = os.path.basename(path)
    return name[: -len(SUFFIX)] if name.endswith(SUFFIX) else name
