# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Declaration files by name: their suffix, where they are found, and the names of their pages.

This module reads no file and needs only the standard library, so that a build without changes is quick.
"""

from __future__ import annotations

import os
from typing import Iterable, Iterator

from kfuncdoc.base.diagnostics import Diagnostic, Rule
from kfuncdoc.base.walk import walk

#: The suffix of declaration files; it has two parts, like ``.bpf.c``.
SUFFIX = ".kfuncs.yaml"


def find(paths: Iterable[str]) -> list[str]:
    """Return the declaration files that *paths* name: files as they are, folders searched in order.

    A file that is named twice is in the list once.  Virtual environments, and folders whose name begins with a dot or
    an underscore, are left out.  Symbolic links to folders are not followed.  A folder that cannot be read is in the
    list, too, with a separator at its end: see :func:`is_unreadable_folder`.
    """
    files: dict[str, str] = {}
    for path in paths:
        searched = os.path.isdir(path) and not path.endswith(SUFFIX)
        for file in _below(path) if searched else (path,):
            files.setdefault(os.path.abspath(file), file)
    return list(files.values())


def _below(top: str) -> Iterator[str]:
    """Yield the declaration files below the folder *top*, and the folders there that cannot be read."""
    for folder in walk(top, enters=_may_hold_declarations):
        if folder.error is not None:
            yield os.path.join(os.path.normpath(folder.path), "")
        names = (*folder.files, *(name for name in folder.folders if not _is_left_out(folder.path, name)))
        yield from (
            os.path.normpath(os.path.join(folder.path, name)) for name in sorted(names) if name.endswith(SUFFIX)
        )


def _may_hold_declarations(folder: str, name: str) -> bool:
    return not name.endswith(SUFFIX) and not _is_left_out(folder, name)


def _is_left_out(folder: str, name: str) -> bool:
    return name.startswith((".", "_")) or os.path.exists(os.path.join(folder, name, "pyvenv.cfg"))


def is_unreadable_folder(path: str) -> bool:
    """Whether *path*, from the list of :func:`find`, is a folder that cannot be read."""
    return path.endswith(os.sep)


def unreadable_folder(path: str) -> Diagnostic:
    """Return the diagnostic for a folder that :func:`find` could not read."""
    try:
        with os.scandir(path):
            message = "the folder could not be read, and now it can"
    except OSError as error:
        message = f"the folder cannot be read: {(error.strerror or str(error)).lower()}"
    return Diagnostic(path, 0, 0, Rule.UNREADABLE, message, "what it declares is missing everywhere")


def page_name(path: str) -> str:
    """Return the name of the page of a declaration file: the name of the file without the suffix."""
    name = os.path.basename(path)
    return name[: -len(SUFFIX)] if name.endswith(SUFFIX) else name
