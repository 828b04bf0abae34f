# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The one way in which scanning fails, also where the system refuses a file or a folder.

Nothing that cannot be read is passed over: without it the answer would be wrong, and nobody would know.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, Optional

#: The errors that mean that there is no such file: the third is of a name that no file can have.
_NOT_THERE = (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG)


class Unscannable(Exception):
    """The file or folder at *path* cannot be scanned; *message* says why, for people."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path}: {message}")
        self.path = path
        self.message = message


def unreadable(path: str, error: OSError) -> Unscannable:
    """Return the *error* with which the system refuses to read *path* as one of scanning."""
    return Unscannable(path, f"cannot be read: {(error.strerror or str(error)).lower()}")


@contextmanager
def readable(path: str) -> Iterator[None]:
    """Turn an OSError, on reading *path*, into :exc:`Unscannable`."""
    try:
        yield
    except OSError as error:
        raise Unscannable(path, error.strerror or "it cannot be read") from None


def exists(path: str) -> bool:
    """Whether there is anything at *path*; a link that leads nowhere is something.

    Raises :exc:`Unscannable` where the system does not tell, as in a folder that may not be searched.
    """
    return _mode(path, follow_links=False) is not None


def is_file(path: str) -> bool:
    """Whether there is a regular file at *path*, or where a link there leads.  Raises as :func:`exists` does."""
    mode = _mode(path, follow_links=True)
    return mode is not None and stat.S_ISREG(mode)


def is_folder(path: str) -> bool:
    """Whether there is a folder at *path*, or where a link there leads.  Raises as :func:`exists` does."""
    mode = _mode(path, follow_links=True)
    return mode is not None and stat.S_ISDIR(mode)


def _mode(path: str, *, follow_links: bool) -> Optional[int]:
    """Return the mode of the file at *path*, None where there is none.

    ``os.path.isfile()`` and its like take every error for "there is none".
    """
    try:
        return os.stat(path, follow_symlinks=follow_links).st_mode
    except ValueError:
        return None  # no file can have such a name
    except OSError as error:
        if error.errno in _NOT_THERE:
            return None
        raise unreadable(path, error) from None


def opened(path: str) -> BinaryIO:
    """Open the regular file at *path*: a pipe might never end.  Raises :exc:`Unscannable`."""
    with readable(path):
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise Unscannable(path, "this is no regular file")
        return open(path, "rb")
