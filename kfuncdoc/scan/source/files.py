# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The files of a kernel's source tree: listed once, searched for bytes as fast as they can be read.

A tree has 37,000 C files, and some fifty of them are about kfuncs.  All are read, none is decoded or
parsed here.  Links to folders are not followed, so that no circle of them is walked.

A file or folder that is there and cannot be read is :exc:`Unscannable`, whatever is in it: a Makefile that is
passed over makes ``depends_on`` and ``module`` empty, a C file that is passed over loses kfuncs.
"""

from __future__ import annotations

import os
import posixpath
import stat
from functools import cached_property
from typing import Iterable, Iterator, Mapping, Optional, Sequence

from kfuncdoc.scan.errors import Unscannable, exists, is_file, is_folder, unreadable

#: Folders at the top that hold nothing of the kernel itself.
_OUTSIDE = frozenset(["Documentation", "LICENSES", "tools", "scripts"])
_BUFFER = 1 << 20
#: Bytes; the largest C file of a kernel has a fifth of it.
_LARGEST = 16_000_000
_LARGEST_BUILD_FILE = 2_000_000  # bytes of a Makefile or Kconfig file


class SourceFiles:
    """The C and Kconfig files below *root*; paths are relative to it, with slashes.

    All methods raise :exc:`Unscannable` where something cannot be read.
    """

    def __init__(self, root: str) -> None:
        self.root = root
        sources: list[str] = []
        kconfigs: list[str] = []
        waiting = [folder for folder in self._list("", sources, kconfigs) if folder not in _OUTSIDE]
        while waiting:
            waiting += self._list(waiting.pop(), sources, kconfigs)
        self.sources = tuple(sorted(sources))
        self.kconfigs = tuple(sorted(kconfigs))

    def _list(self, directory: str, sources: list[str], kconfigs: list[str]) -> list[str]:
        """Add the files of *directory*, and return its directories."""
        prefix = f"{directory}/" if directory else ""
        inner = []
        try:
            with os.scandir(f"{self.root}/{directory}") as entries:
                for entry in entries:
                    name = entry.name
                    if name.endswith(".c") and entry.is_file(follow_symlinks=False):
                        sources.append(prefix + name)
                    elif name.startswith("Kconfig") and not entry.is_symlink():
                        # Whatever else than a file is there is refused when it is read.
                        kconfigs.append(prefix + name)
                    elif not name.startswith(".") and entry.is_dir(follow_symlinks=False):
                        inner.append(prefix + name)
        except OSError as error:
            raise unreadable(self._absolute(directory), error) from None
        return inner

    def holding(self, needles: Iterable[str], paths: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """Yield the *paths* of files that have one of *needles* in them, each with the content of the file."""
        # One buffer for all: to ask for fresh memory takes longer than to read most files into it.
        buffer = bytearray(_BUFFER)
        into, find = [buffer], buffer.find
        wanted = [os.fsencode(needle) for needle in needles]
        for path in paths:
            try:
                descriptor = os.open(f"{self.root}/{path}", os.O_RDONLY)
                try:
                    length = os.readv(descriptor, into)
                finally:
                    os.close(descriptor)
            except OSError as error:
                raise unreadable(self._absolute(path), error) from None
            if length == _BUFFER:
                content = self.read(path)
                if any(needle in content for needle in wanted):
                    yield path, content
                continue
            for needle in wanted:
                if find(needle, 0, length) >= 0:
                    yield path, bytes(buffer[:length])
                    break

    def read(self, path: str) -> bytes:
        """Return the content of *path*, which is there."""
        return _content(self._absolute(path), _LARGEST)

    def find(self, path: str) -> Optional[bytes]:
        """Return the content of *path*, None where there is nothing."""
        return self.read(path) if exists(self._absolute(path)) else None

    def is_folder(self, path: str) -> bool:
        """Whether *path* is a folder."""
        return is_folder(self._absolute(path))

    def in_directory(self, directory: str) -> Sequence[str]:
        """Return the C files of *directory* itself."""
        return self._by_directory.get(directory, ())

    def below(self, folder: str, ending: str) -> list[str]:
        """Return the files below *folder*, which need not be there, whose names have *ending*."""
        paths = []
        top = self._absolute(folder)
        for directory, _, names in os.walk(top, onerror=_refuse) if is_folder(top) else ():
            relative = os.path.relpath(directory, self.root).replace(os.sep, "/")
            paths += [f"{relative}/{name}" for name in names if name.endswith(ending)]
        return sorted(path for path in paths if is_file(self._absolute(path)))

    @cached_property
    def _by_directory(self) -> Mapping[str, list[str]]:
        by_directory: dict[str, list[str]] = {}
        for path in self.sources:
            by_directory.setdefault(posixpath.dirname(path), []).append(path)
        return by_directory

    def _absolute(self, path: str) -> str:
        return os.path.join(self.root, path)


def find_build_file(root: str, path: str) -> Optional[bytes]:
    """Return the content of *path*, a Makefile or Kconfig file below *root*; None where there is none.

    Raises :exc:`Unscannable` where there is one and it is no text or cannot be read.
    """
    absolute = os.path.join(root, path)
    if not exists(absolute):
        return None
    content = _content(absolute, _LARGEST_BUILD_FILE)
    if b"\0" in content:
        raise Unscannable(absolute, "this is no text: it has a zero byte")
    return content


def _content(path: str, largest: int) -> bytes:
    """Return the content of the file at *path*, which has to be a regular one of at most *largest* bytes."""
    try:
        # Something else than a file, such as a pipe, might never end.
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise Unscannable(path, "this is no regular file")
        with open(path, "rb") as file:
            content = file.read(largest + 1)
    except OSError as error:
        raise unreadable(path, error) from None
    if len(content) > largest:
        raise Unscannable(path, f"it has more than {largest:,} bytes, more than any such file of a kernel")
    return content


def _refuse(error: OSError) -> None:
    raise unreadable(str(error.filename), error) from None
