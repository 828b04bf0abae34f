# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Headers of a kernel's source tree: the macros that sets of kfuncs use, and the file that an ``#include`` names."""

from __future__ import annotations

import posixpath
from typing import Optional

from kfuncdoc.scan.source.csource import CSource
from kfuncdoc.scan.source.files import SourceFiles
from kfuncdoc.scan.source.macros import Headers, Macro

#: The most headers that are read to find one macro.
_MOST_HEADERS = 100


class HeaderFiles:
    """The headers of the tree, each read once.  Raises :exc:`Unscannable` where one cannot be read."""

    def __init__(self, files: SourceFiles) -> None:
        self._files = files
        self._read: dict[str, Optional[CSource]] = {}

    def macros_for(self, source: CSource) -> Headers:
        """Return a look-up of macros in the headers that *source* includes, and in those that these include."""
        known: dict[str, Optional[Macro]] = {}

        def macro(name: str) -> Optional[Macro]:
            if name not in known:
                known[name] = self._macro(source, name)
            return known[name]

        return macro

    def _macro(self, source: CSource, name: str) -> Optional[Macro]:
        waiting, seen = [source], {source.path}
        while waiting:
            including = waiting.pop(0)
            for path in (path for include, _ in including.includes for path in include_paths(including.path, include)):
                header = self._header(path) if path not in seen and len(seen) < _MOST_HEADERS else None
                seen.add(path)
                macro = header.macro(name) if header is not None else None
                if macro is not None:
                    return macro
                if header is not None:
                    waiting.append(header)
        return None

    def _header(self, path: str) -> Optional[CSource]:
        if path not in self._read:
            # Compilers pass over a folder by the name of a header, too.
            content = None if self._files.is_folder(path) else self._files.find(path)
            self._read[path] = None if content is None else CSource(path, content)
        return self._read[path]


def include_paths(path: str, include: str) -> tuple[str, ...]:
    """Return the paths at which a compiler looks for *include*, as written behind ``#include`` in the file *path*."""
    name = posixpath.normpath(include[1:-1])
    beside = posixpath.normpath(posixpath.join(posixpath.dirname(path), name))
    paths = (*((beside,) if include.startswith('"') else ()), f"include/{name}", f"include/uapi/{name}")
    return tuple(candidate for candidate in paths if not candidate.startswith(("..", "/")))
