# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The files of a kernel's source tree: listed once, searched for bytes as fast as they can be read.

A tree has 37,000 C files, and some fifty of them are about kfuncs.  All are read, none is decoded or
parsed here.  Links are not followed, so that no circle of them is walked.
"""

from __future__ import annotations

import os
import posixpath
from functools import cached_property
from typing import Iterable, Iterator, Mapping, Sequence

from kfuncdoc.scan.errors import Unscannable

#: Folders at the top that hold nothing of the kernel itself.
_OUTSIDE = frozenset(["Documentation", "LICENSES", "tools", "scripts"])
_BUFFER = 1 << 20
#: What is beyond in a file is not read; the largest C file of a kernel has a fifth of it.
_LARGEST = 16_000_000
_LARGEST_BUILD_FILE = 2_000_000  # bytes of a Makefile or Kconfig file


class SourceFiles:
    """The C and Kconfig files below *root*; paths are relative to it, with slashes."""

    def __init__(self, root: str) -> None:
        self.root = root
        sources: list[str] = []
        kconfigs: list[str] = []
        waiting = [each for each in self._list("", sources, kconfigs) if each not in _OUTSIDE]
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
                    if name.endswith(".c"):
                        if entry.is_file(follow_symlinks=False):
                            sources.append(prefix + name)
                    elif name.startswith("Kconfig"):
                        if entry.is_file(follow_symlinks=False):
                            kconfigs.append(prefix + name)
                    elif not name.startswith(".") and entry.is_dir(follow_symlinks=False):
                        inner.append(prefix + name)
        except OSError as error:
            raise self._unreadable(directory, error) from None
        return inner

    def holding(self, needles: Iterable[str], paths: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """Yield those of *paths* that hold one of *needles*, with their content."""
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
                raise self._unreadable(path, error) from None
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
        """Return the content of *path*."""
        try:
            with open(f"{self.root}/{path}", "rb") as file:
                return file.read(_LARGEST)
        except OSError as error:
            raise self._unreadable(path, error) from None

    def exists(self, path: str) -> bool:
        return os.path.isfile(f"{self.root}/{path}")

    def in_directory(self, directory: str) -> Sequence[str]:
        """Return the C files of *directory* itself."""
        return self._by_directory.get(directory, ())

    def below(self, folder: str, ending: str) -> list[str]:
        """Return the files below *folder*, which need not be there, whose names have *ending*."""
        found = []
        top = f"{self.root}/{folder}"
        for directory, _, names in os.walk(top, onerror=self._refuse) if os.path.isdir(top) else ():
            relative = os.path.relpath(directory, self.root).replace(os.sep, "/")
            for name in names:
                path = f"{relative}/{name}"
                if name.endswith(ending) and self.exists(path):
                    found.append(path)
        return sorted(found)

    def _refuse(self, error: OSError) -> None:
        raise self._unreadable(os.path.relpath(error.filename, self.root), error) from None

    @cached_property
    def _by_directory(self) -> Mapping[str, list[str]]:
        by_directory: dict[str, list[str]] = {}
        for path in self.sources:
            by_directory.setdefault(posixpath.dirname(path), []).append(path)
        return by_directory

    def _unreadable(self, path: str, error: OSError) -> Unscannable:
        return Unscannable(os.path.join(self.root, path), f"cannot be read: {(error.strerror or str(error)).lower()}")


def read_text(root: str, path: str) -> str:
    """Return the text of *path* below *root*; nothing where it cannot be read."""
    return read_content(os.path.join(root, path)).decode("utf-8", "replace")


def read_content(path: str) -> bytes:
    # Something else than a file, such as a pipe, might never end.
    if not os.path.isfile(path):
        return b""
    try:
        with open(path, "rb") as file:
            return file.read(_LARGEST_BUILD_FILE)
    except (OSError, ValueError):
        return b""
