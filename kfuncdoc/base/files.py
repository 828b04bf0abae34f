# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import stat
import tempfile


def write_whole(path: str, text: str) -> None:
    """Write a file whole or not at all; raises OSError and leaves what was there.

    A file that was there keeps its permissions.
    """
    descriptor, temporary = tempfile.mkstemp(dir=os.path.dirname(path) or ".", prefix=".kfuncdoc-")
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
