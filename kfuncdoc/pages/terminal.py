# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""One kfunc in the terminal: the words of its page, without the markup."""

from __future__ import annotations

import datetime
import re
import textwrap
from typing import Iterator, Optional

from kfuncdoc.base.prose import as_words
from kfuncdoc.kernels.releases import Release
from kfuncdoc.pages.renderer import Renderer
from kfuncdoc.pages.rst import plain
from kfuncdoc.record.catalog import Catalog
from kfuncdoc.record.snapshot import Snapshot

_WIDTH = 88
_FIELD = re.compile(r":(?P<name>[A-Za-z_][^:`]*|v\d[^:`]*): ?(?P<text>.*)", re.DOTALL)


def show(catalog: Catalog, name: str, release: Release, date: datetime.date) -> Optional[str]:
    """Return what is known of the kfunc *name* as plain text, or None where it is not declared."""
    renderer = Renderer(Snapshot(catalog, release, date))
    view = renderer.pages.view(name)
    if view is None:
        return None
    return "\n".join(_laid_out(plain(renderer.terminal(view)))).strip("\n")


def _laid_out(text: str) -> Iterator[str]:
    """Yield the lines of *text* with its fields wrapped, their names in a column of their own."""
    blank = True
    for block in re.split(r"\n(?=:|\n|History:)", re.sub(r"\n\s*\n(?=   \* )", "\n", text)):
        block = block.strip("\n")
        field = _FIELD.fullmatch(block)
        if field is not None:
            yield from _field(field["name"], field["text"])
        elif block.startswith("    "):
            yield from (block, "")
        elif block or not blank:
            yield from textwrap.wrap(as_words(block), _WIDTH) or [""]
        blank = not block


def _field(name: str, text: str) -> Iterator[str]:
    """Yield a field as a name and its text; items of a list stand on lines of their own."""
    head, *items = re.split(r"\n\s*\* ", text)
    indent = " " * 4
    parts = [as_words(head)] if head.strip() else []
    line = f"{name}: {' '.join(parts)}".rstrip()
    yield from textwrap.wrap(line, _WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
    for item in items:
        yield from textwrap.wrap(
            as_words(item),
            _WIDTH,
            initial_indent=f"{indent}- ",
            subsequent_indent=f"{indent}  ",
            break_long_words=False,
            break_on_hyphens=False,
        )
