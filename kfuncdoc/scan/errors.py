# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The one way in which scanning fails, also where the system refuses a file."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO


class Unscannable(Exception):
    """*path* cannot be scanned; *message* says why, for people."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path}: {message}")
        self.path = path
        self.message = message


@contextmanager
def readable(path: str) -> Iterator[None]:
    """Turn what the system says against reading *path* into what scanning says."""
    try:
        yield
    except OSError as error:
        raise Unscannable(path, error.strerror or "it cannot be read") from None


def opened(path: str) -> BinaryIO:
    """Open the regular file at *path*; something else, such as a pipe, might never end."""
    with readable(path):
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise Unscannable(path, "this is no regular file")
        return open(path, "rb")
