# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Pieces of reStructuredText: the filters of the templates, and the marks at the ends of lines.

Lines of prose have a private mark at their end, U+E000 FILE:LINE U+E001, which gives their place in the YAML.  Users
of the text remove the marks: :func:`plain` does so for files, and the Sphinx extension gives docutils the lines without
marks, together with their places.
"""

from __future__ import annotations

import datetime
import re
import unicodedata
from typing import Callable, Iterable, Mapping, Union

from kfuncdoc.base.yaml_text import MARKS
from kfuncdoc.kernels.releases import Release
from kfuncdoc.record.declared_prose import Prose

_MARK = re.compile(f"{MARKS[0]}(?P<file>[^{MARKS}]*):(?P<line>[0-9]+){MARKS[1]}")
#: What rst reads as markup, or, at the start of a line, as a list, a rule or a directive.
_MARKUP = re.compile(r"([\\*`|_<>:\[\]{}]|^[^\w\s])")
#: What begins an item of a numbered list; the initial of a name looks the same.
_ENUMERATOR = re.compile(r"^(\w+)([.)])(?=\s|$)")
#: What docutils reads as a bullet, an enumerator, a field, an option or explicit markup at the start of a block.
_BLOCK_START = re.compile(r"[-+*•‣⁃|>:/.]|__|\(?(?:[A-Za-z]|[0-9]+|[ivxlcdmIVXLCDM]+|#)[.)](?:\s|$)")
_WEB_ADDRESS = re.compile(r"https?://[^\s<>`]+")
_MONTHS = "January February March April May June July August September October November December".split()


def escape(text: object) -> str:
    """Return *text*, escaped so that rst reads none of it as markup."""
    return _ENUMERATOR.sub(r"\1\\\2", _MARKUP.sub(r"\\\1", str(text)))


def literal(text: object) -> str:
    """Return *text* as an inline literal; escaped if a literal cannot have it."""
    text = str(text)
    return f"``{text}``" if text and "`" not in text and text == text.strip() else escape(text)


def literals(texts: Iterable[object]) -> str:
    """Return *texts* as inline literals with commas between them."""
    return ", ".join(literal(text) for text in texts)


def is_web_address(text: str) -> bool:
    """Whether *text* is a link that rst can hold as the target of a reference."""
    return _WEB_ADDRESS.fullmatch(text) is not None


def heading(text: str, underline: str = "=") -> str:
    """Return *text* (rst) as a section title; the underline is also long enough for wide characters."""
    visible = _MARK.sub("", text)
    return f"{text}\n{underline * (len(visible) if visible.isascii() else 2 * len(visible))}"


def prose(text: Prose, indent: int = 0) -> str:
    """Return prose with the marks of its lines, the lines after the first indented by *indent* columns."""
    lines = text.marked().split("\n")
    padding = " " * indent
    return "\n".join([lines[0], *(padding + line if line else "" for line in lines[1:])])


def block(text: Prose) -> str:
    """Return prose as the paragraphs of a field; they begin on the line after the name of the field."""
    return f"\n   {prose(text, 3)}"


def field(text: str, name: str) -> str:
    """Return a field of a field list; *text* is on one line, or begins with a line end if it has several."""
    text = text.rstrip("\n")
    return f":{name}:{'' if text.startswith(chr(10)) else ' '}{text}\n"


def item(text: str) -> str:
    """Return an item of a list that is in a field."""
    return f"\n   * {text.rstrip(chr(10))}"


def hyperlink(address: str, title: str) -> str:
    """Return a hyperlink; its *title* is rst."""
    return f"`{title} <{address}>`__"


def styled(text: str, name: str) -> str:
    """Return *text* in the role *name*, which is the class of an HTML element."""
    return f":{name}:`{text}`"


def inline(text: Prose) -> str:
    """Return prose as one line, for a cell or the middle of a sentence; it keeps the mark of its first line.

    A beginning that rst would read as a list or another block ("A. ", "- ") is escaped.
    """
    line = unfold(text.marked())
    return f"\\ {line}" if _BLOCK_START.match(plain(line)) else line


def unfold(text: str) -> str:
    """Return *text* as one line; it keeps only its first mark."""
    first = _MARK.search(text)
    return " ".join(_MARK.sub("", text).split()) + (first[0] if first else "")


def code(text: str, indent: int = 3) -> str:
    """Return a block of code, every line indented; docutils would count tabs from the left edge of the page."""
    return "\n".join(" " * indent + line.expandtabs() if line else "" for line in text.split("\n"))


def simple_table(text: str, indent: int) -> str:
    """Return rows, whose cells have tabs between them, as a simple table of rst; the first row is its head.

    docutils reads a simple table in half the time of a ``list-table``, and people can read it, too.  Marks move to the
    end of their row: if they were removed from its middle, the columns would not be aligned.
    """
    rows = [line.split("\t") for line in text.strip("\n").split("\n")]
    marks = [_MARK.search("".join(row)) for row in rows]
    cells = [[_MARK.sub("", cell).strip() for cell in row] for row in rows]
    # The text of the last column may be longer than its border.
    widths = [*(max(map(_width, column)) for column in list(zip(*cells))[:-1]), _width(cells[0][-1])]
    border = "  ".join("=" * width for width in widths)
    head, *others = [
        "  ".join(map(_padded, row, widths)).rstrip() + (place[0] if place else "") for row, place in zip(cells, marks)
    ]
    return "\n".join(" " * indent + line for line in (border, head, border, *others, border)) + "\n"


def _padded(cell: str, width: int) -> str:
    return cell + " " * (width - _width(cell))


def _width(text: str) -> int:
    """Return the columns of *text* as docutils counts them in tables: wide characters take two."""
    return len(text) + sum(unicodedata.east_asian_width(character) in "WF" for character in text)


# -- dates


def month(release: Union[Release, datetime.date]) -> str:
    """Return the month and year of a release or a day; of a projected release, a word that says so.

    Month names are English in every locale, because the pages are English.
    """
    if isinstance(release, datetime.date):
        return f"{_MONTHS[release.month - 1]} {release.year}"
    if release.projected:
        middle = release.earliest + (release.date - release.earliest) / 2
        return f"around {month(middle)}"
    return month(release.date)


def day(date: datetime.date) -> str:
    """Return a day as people write it: ``1 November 2026``."""
    return f"{date.day} {month(date)}"


# -- marks


def plain(text: str) -> str:
    """Return *text* without marks."""
    return _MARK.sub("", text)


def lines_with_places(text: str, default: str) -> list[tuple[str, str, int]]:
    """Return the lines of *text* without marks, each with the file and the line (from 1) it comes from.

    A line without a mark, such as a line of a template, gets the place of the last line that had one.
    """
    lines = []
    file, number = default, 1
    for line in text.split("\n"):
        place = _MARK.search(line)
        if place:
            file, number = place["file"], int(place["line"])
            line = _MARK.sub("", line)
        lines.append((line.rstrip(), file, number))
    return lines


#: The filters of the templates, by name.  The renderer adds ``link``, because only it knows the pages.
FILTERS: Mapping[str, Callable[..., str]] = {
    function.__name__: function
    for function in (
        block, code, day, escape, field, heading, hyperlink, inline, item, literal, literals, month, prose,
        simple_table, styled, unfold,
    )
}  # fmt: skip
