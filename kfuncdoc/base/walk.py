# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Folders walked in order, each once, without losing sight of those that cannot be read."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Callable, Iterator, Optional


@dataclass(frozen=True)
class Folder:
    """A folder with the names of what is in it, sorted; links to folders are among *folders*."""

    path: str
    folders: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    #: Why it cannot be read; None where it can.
    error: Optional[OSError] = None


def _everywhere(folder: str, name: str) -> bool:
    return True


def walk(top: str, *, enters: Callable[[str, str], bool] = _everywhere, follow_links: bool = False) -> Iterator[Folder]:
    """Yield the folder *top* and those below it, in the order of their names, each before what is below it.

    *enters* is asked with a folder and the name of one in it whether to go there.  Symbolic links to folders are
    followed only if *follow_links*.  A folder that is reached again, through links in a circle or side by side,
    is left out, so that every walk ends.
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
    except OSError:  # a link in a circle, or into what cannot be read
        return False
