# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""One kfunc in the terminal: the sentences of its page, as plain text.

The template is ``templates/terminal/kfunc.txt.jinja``.  It uses the macros of the pages for its sentences.  These
macros have no markup; their filters write it.  The filters in :mod:`kfuncdoc.pages.rst` write rst, and the filters of
the same names in this module write plain text.  So each sentence is written in one place only.  Prose has markup of its
own, which `as_words` removes.
"""

from __future__ import annotations

import datetime
import functools
import re
import textwrap
from typing import Callable, Iterable, Mapping, Optional

from kfuncdoc.base.prose import as_words
from kfuncdoc.base.resources import packaged
from kfuncdoc.kernels.releases import Release
from kfuncdoc.pages import rst
from kfuncdoc.pages.templates import Templates
from kfuncdoc.record.catalog import Catalog
from kfuncdoc.record.declared_prose import Prose
from kfuncdoc.record.snapshot import Snapshot
from kfuncdoc.views.kfunc import KfuncViews
from kfuncdoc.views.replacement import PLAIN, on_page

_WIDTH = 88  # columns
_INDENT = "    "
#: The beginning of an item of a field, on its own line; prose is on one line, so it cannot look like an item.
_ITEM = "\n- "


def show(catalog: Catalog, name: str, release: Release, date: datetime.date) -> Optional[str]:
    """Return the facts of the kfunc *name* as plain text; None if it is not declared."""
    views = KfuncViews(Snapshot(catalog, release, date))
    view = views.view(name)
    if view is None:
        return None
    names = {"release": release, "date": date, "pages": views, "instead": functools.partial(on_page, markup=PLAIN)}
    templates = Templates([str(packaged("templates"))], FILTERS, {"web_address": rst.is_web_address}, names)
    return re.sub(r"\n{3,}", "\n\n", templates.render("terminal/kfunc.txt.jinja", {"k": view})).strip("\n")


# -- filters


def _as_it_is(text: object) -> str:
    return str(text)


def _listed(texts: Iterable[object]) -> str:
    return ", ".join(map(str, texts))


def _words(text: Prose) -> str:
    return as_words(text.text)


def _on_one_line(text: str) -> str:
    return " ".join(text.split())


def _hyperlink(address: str, title: str) -> str:
    return address if title == address else f"{title} ({address})"


def _unstyled(text: str, style: str) -> str:
    return text


def _item(text: str) -> str:
    return f"{_ITEM}{_on_one_line(text)}"


def _field(text: str, name: str) -> str:
    """Return a field: its name and its wrapped text, then each item on its own lines."""
    first, *items = text.split(_ITEM)
    lines = [
        _wrapped(f"{name}: {first}", further=_INDENT),
        *(_wrapped(item, first=f"{_INDENT}- ", further=f"{_INDENT}  ") for item in items),
    ]
    return "\n".join(lines) + "\n"


def _wrapped(text: str, first: str = "", further: str = "") -> str:
    """Return *text* in lines of at most `_WIDTH` columns, unless a word is longer; *first* and *further* begin them."""
    return textwrap.fill(
        _on_one_line(text),
        _WIDTH,
        initial_indent=first,
        subsequent_indent=further,
        break_long_words=False,
        break_on_hyphens=False,
    )


#: The filters of the template, and of the macros that it shares with pages.  Those that write markup are replaced.
FILTERS: Mapping[str, Callable[..., str]] = {
    **rst.FILTERS,
    "block": _words,
    "escape": _as_it_is,
    "field": _field,
    "hyperlink": _hyperlink,
    "inline": _words,
    "item": _item,
    "link": _as_it_is,
    "literal": _as_it_is,
    "literals": _listed,
    "prose": _words,
    "styled": _unstyled,
    "unfold": _on_one_line,
    "wrapped": _wrapped,
}
