# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Files that are written whole or not at all.

kfuncdoc writes every file with :func:`write_whole`, so that one rule holds for all files: a symbolic link is
followed.  The file that it points to gets the new text, and the link stays as it is.
"""

from __future__ import annotations

import errno
import os
import stat
import tempfile


def write_whole(path: str, text: str) -> None:
    """Write *text* to the file at *path* as UTF-8, whole or not at all.

    An existing file keeps its permissions.  If *path* is a symbolic link, the file that it points to is written, or
    made.  A device or a pipe is written directly, because it cannot be replaced.

    Raises OSError, whose ``filename`` is *path*; then an existing file is unchanged.
    """
    try:
        _write(os.path.realpath(path), text)
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), path) from error


def _write(path: str, text: str) -> None:
    if os.path.islink(path):
        # os.path.realpath() returns a link if links point to each other in a circle.
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
    if os.path.exists(path) and not os.path.isfile(path):
        with open(path, "w", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
        return
    descriptor, temporary = tempfile.mkstemp(dir=os.path.dirname(path), prefix=".kfuncdoc-")
    try:
        with open(descriptor, "w", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
        os.chmod(temporary, stat.S_IMODE(os.stat(path).st_mode) if os.path.exists(path) else 0o666 & ~_umask())
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
