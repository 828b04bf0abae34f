# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A walk through folders: in order, each folder once, and folders that cannot be read are reported."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Callable, Iterator, Optional


@dataclass(frozen=True)
class Folder:
    """A folder and the sorted names in it; links to folders are among *folders*."""

    path: str
    folders: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    #: Why it cannot be read; None if it can.
    error: Optional[OSError] = None


def _everywhere(folder: str, name: str) -> bool:
    return True


def walk(top: str, *, enters: Callable[[str, str], bool] = _everywhere, follow_links: bool = False) -> Iterator[Folder]:
    """Yield the folder *top* and all folders below it, sorted by name, each before the folders in it.

    *enters* takes a folder and the name of a folder in it, and returns whether to enter that one.  Symbolic links to
    folders are followed only if *follow_links*.  A folder that is reached again, through links in a circle or side by
    side, is left out, so that every walk ends.
    """
    pending = [top]
    seen: set[tuple[int, int]] = set()
    while pending:
        path = pending.pop()
        try:
            status = os.stat(path)
            with os.scandir(path) as entries:
                listed = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            yield Folder(path, error=error)
            continue
        if (status.st_dev, status.st_ino) in seen:
            continue
        seen.add((status.st_dev, status.st_ino))
        folders: list[os.DirEntry[str]] = []
        files: list[str] = []
        for entry in listed:
            if _is_folder(entry):
                folders.append(entry)
            else:
                files.append(entry.name)
        yield Folder(path, tuple(entry.name for entry in folders), tuple(files))
        below = [entry for entry in folders if (follow_links or not entry.is_symlink()) and enters(path, entry.name)]
        pending += [os.path.join(path, entry.name) for entry in reversed(below)]


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link in a circle, or to a place that cannot be read
        return False
