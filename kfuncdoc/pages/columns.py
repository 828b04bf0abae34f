# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The columns of tables of kfuncs.

To add a column, add an entry to ``COLUMNS``, and to ``templates/cells.rst.jinja`` a macro with its name, which writes
its cells.  Tables, the option ``:columns:`` of ``kfunc-table``, its reference, and the labels of narrow pages are made
from ``COLUMNS``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Sequence


@dataclass(frozen=True)
class Column:
    """One column of a table of kfuncs."""

    #: Its name in ``:columns:``, and in the variable ``chosen`` of templates.
    name: str
    #: The text of its head.
    head: str
    #: Its share of the width.  With these shares, heads do not break in a window of 1280 pixels with a sidebar.
    width: int
    #: Whether its cells need no label on narrow pages, which do not show heads.
    is_plain: bool = False
    #: Whether it is about a kfunc and a program type; only the tables of program types can have it.
    of_program_type: bool = False

    @property
    def macro(self) -> str:
        """The macro in ``templates/cells.rst.jinja`` that writes a cell."""
        return self.name.replace("-", "_")

    @property
    def label(self) -> Optional[str]:
        """The label that narrow pages put before a cell; None if there is none."""
        return None if self.is_plain else self.head


COLUMNS = {
    column.name: column
    for column in (
        Column("kfunc", "kfunc", 36, is_plain=True),
        Column("summary", "What it does", 48, is_plain=True),
        Column("subsystem", "Subsystem", 18),
        Column("stability", "Stability", 19, is_plain=True),
        Column("added", "Since", 12),
        Column("deprecated", "Deprecated since", 20),
        Column("end", "What is to happen", 20),
        Column("remaining", "Remaining lifespan", 36),
        Column("removed", "Gone from", 11),
        Column("last", "Last in", 9),
        Column("lts", "Still in LTS", 14),
        Column("replacement", "Call instead", 36),
        Column("notice", "Notice", 28),
        Column("flags", "Flags", 24),
        Column("program-types", "Program types", 36),
        Column("callable", "Callable since", 18, of_program_type=True),
        Column("registered", "Registered for", 22, of_program_type=True),
        Column("filter", "Filter", 32, of_program_type=True),
    )
}
#: The columns of a table that does not name its columns.
DEFAULT_COLUMNS = ("kfunc", "summary", "stability", "added")


def choosable() -> tuple[Column, ...]:
    """Return the columns that ``kfunc-table`` can have, in the order of its reference."""
    return tuple(column for column in COLUMNS.values() if not column.of_program_type)


def labels_of(heads: Sequence[str]) -> list[Optional[str]]:
    """Return the labels that narrow pages put before the cells below these *heads*.

    A head that is not in ``COLUMNS`` is the label itself.  The first column gets none, because it names the rows.
    """
    known = {column.head: column.label for column in COLUMNS.values()}
    return [known.get(head, head if place else None) for place, head in enumerate(heads)]
