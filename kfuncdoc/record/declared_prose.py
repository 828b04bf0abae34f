# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Prose of a declaration, with its place in the file.

A line of prose in a page has its place as a private mark at its end: U+E000 FILE:LINE U+E001.  The code that writes
the page removes the marks, and reports an error in a line at the place that its mark names.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Optional, Union

from kfuncdoc.base.yaml_text import MARKS, SourceFile


@dataclass(frozen=True)
class Prose:
    """A text of reStructuredText, and its place.  Two are equal if their texts are equal, whatever their places.

    *keys* are the keys and indexes that lead to the text in *source*.  Without a source, its lines have no places.
    """

    text: str
    source: Optional[SourceFile] = field(default=None, compare=False)
    keys: tuple[Union[str, int], ...] = field(default=(), compare=False)

    def marked(self) -> str:
        """Return the text, with a mark of its place at the end of each line that is not blank."""
        if self.source is None:
            return self.text.rstrip()
        lines = zip(self.text.rstrip().split("\n"), self.source.lines(*self.keys))
        marked = (f"{line.rstrip()}{mark(self.source.path, number)}" if line.strip() else "" for line, number in lines)
        return "\n".join(marked)


def mark(path: str, line: int) -> str:
    """Return the mark for the end of a line of a page; the line is from *line* (from 1) of the file *path*."""
    return f"{MARKS[0]}{path}:{line}{MARKS[1]}"
