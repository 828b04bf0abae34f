# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Tables of kfuncs in HTML: a form to filter them by, and cells that name their column.

The rst of a table and the output of other builders have neither.  When a document is read, its tables get their facts
by a request.  When an HTML page is written, the form is put before the table.  It is shown only if scripts run, and
``static/kfuncdoc.js`` makes it work.  Cells get the label of their column as ``data-label``, which the stylesheet shows
if a page is too narrow for a row of heads.
"""

from __future__ import annotations

import json
import re
from html import escape
from typing import Any, Iterable, Iterator, Sequence

from docutils import nodes
from sphinx.application import Sphinx

from kfuncdoc.kernels.hooks import ANY
from kfuncdoc.pages.columns import COLUMNS, labels_of
from kfuncdoc.record.stability import BADGES, PAST_DUE
from kfuncdoc.sphinxext.domain import domain_of
from kfuncdoc.sphinxext.html.assets import BROWSED, HtmlOnly, script_element
from kfuncdoc.sphinxext.rst import every

#: The class of the tables of kfuncs, see ``templates/table.rst.jinja``.
_TABLE = "kfunc-table"
#: The attribute of a table node that has its facts, see ``kfuncdoc.pages.script_facts``.
_FACTS = "kfunc_facts"
_TYPE, _ANY = "BPF_PROG_TYPE_", "no type in particular"


def _class_of(head: str) -> str:
    """Return the class of the cells in the column with this *head*: ``kfunc-column-since``."""
    return "kfunc-column-" + re.sub(r"[^a-z]+", "-", head.lower()).strip("-")


#: The class of the cells that have the names of kfuncs.
_NAMES = _class_of(COLUMNS["kfunc"].head)


class LabelledCell(nodes.entry):
    """A cell of an HTML table whose attribute ``label`` is written as ``data-label``."""


def _write_labelled(translator: Any, node: LabelledCell) -> None:
    start = len(translator.body)
    translator.visit_entry(node)
    label = f' data-label="{escape(node["label"])}"'
    translator.body[start] = translator.body[start].replace("<td", f"<td{label}", 1)


def _end_labelled(translator: Any, node: LabelledCell) -> None:
    translator.depart_entry(node)


def _prepare_tables(app: Sphinx, doctree: nodes.document) -> None:
    """Give the tables of a document their facts, and the cells the classes of their columns."""
    for table in every(doctree, nodes.table):
        if _TABLE in table["classes"]:
            _class_columns(table)
            names = [_kfunc_of(app, row) for row in _rows(table)]
            if len(names) > 1 and any(names):
                table[_FACTS] = domain_of(app.env).ask(app.env.docname, "facts", *names)


def _rows(table: nodes.table) -> Iterator[nodes.row]:
    for body in every(table, nodes.tbody):
        yield from (row for row in body.children if isinstance(row, nodes.row))


def _kfunc_of(app: Sphinx, row: nodes.row) -> str:
    """Return the kfunc of a row: the one in the column with that head."""
    entries = domain_of(app.env).session.catalog.entries
    cells = [cell for cell in row.children if isinstance(cell, nodes.entry)]
    names = (cell.astext().strip() for cell in cells if _NAMES in cell["classes"])
    return next((name for name in names if name in entries), "")


def _class_columns(table: nodes.table) -> None:
    """Give each cell the class of its column."""
    classes = [_class_of(cell.astext()) for cell in _heads(table)]
    for row in every(table, nodes.row):
        for cell, name in zip(row.children, classes):
            cell["classes"].append(name)


def _label_cells(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Give each cell that is not empty the label of its column, if it needs one."""
    if app.builder.name not in BROWSED:
        return
    for table in every(doctree, nodes.table):
        if _TABLE in table["classes"]:
            labels = labels_of([cell.astext() for cell in _heads(table)])
            for row in _rows(table):
                for cell, label in zip(list(row.children), labels):
                    if label and isinstance(cell, nodes.entry) and cell.children:
                        row.replace(cell, LabelledCell("", *cell.children, **cell.attributes, label=label))


def _add_controls(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Put a form before each table that has facts, and a button into the head of each of its columns."""
    if app.builder.name not in BROWSED:
        return
    tables = [table for table in every(doctree, nodes.table) if table.get(_FACTS)]
    for number, table in enumerate(tables, 1):
        # The form must not scroll; the container of the table does, and a theme may put another one into it.
        place = next((node for node in _around(table) if "kfunc-scroll" in node.get("classes", ())), table)
        form = _form(table[_FACTS], [cell.astext() for cell in _heads(table)], number if len(tables) > 1 else 0)
        place.parent.insert(place.parent.index(place), HtmlOnly(html=form))
        for paragraph in (paragraph for cell in _heads(table) for paragraph in every(cell, nodes.paragraph)):
            # The button is disabled until the script enables it.
            paragraph.insert(0, _html('<button type="button" class="kfunc-sort" disabled>'))
            paragraph.append(_html("</button>"))
        for cell in (cell for row in _rows(table) for cell in every(row, nodes.entry)):
            if _NAMES in cell["classes"]:
                _let_names_break(cell)


def _around(node: nodes.Element) -> Iterator[nodes.Element]:
    while node.parent is not None:
        node = node.parent
        yield node


def _let_names_break(cell: nodes.entry) -> None:
    """Let the name in a cell break after its underscores, without a change of the name if it is copied."""
    for text in list(every(cell, nodes.Text)):
        # The HTML is one node, so that the search index has the whole name without tags.
        text.parent.replace(text, _html(re.sub(r"(?<=_)(?=[^_])", "<wbr>", escape(text.astext()))))


def _heads(table: nodes.table) -> list[nodes.entry]:
    return [cell for head in every(table, nodes.thead) for cell in every(head, nodes.entry)]


def _html(text: str) -> nodes.raw:
    return nodes.raw("", text, format="html")


def _form(facts: str, heads: Sequence[str], number: int) -> str:
    """Return the form that filters a table with these *facts* and *heads* of columns, the *number*-th if not 0."""
    which = f"table {number}" if number else "the table"
    read = json.loads(facts)
    rows = [row for row in read["rows"] if row]
    count, newest = len(read["rows"]), read["releases"][-1]
    stabilities = [stability for stability in BADGES if _has_stability(rows, stability)]
    fields = [
        '<label class="kfunc-filter-name">Name<input type="search" name="name" autocomplete="off" spellcheck="false">'
        "</label>",
        _select("subsystem", "Subsystem", _options(sorted(read["subsystems"]))),
        _select("stability", f"Stability in {newest}", _options(stabilities)),
        _select("type", "Program type", _callers(read["callers"])),
        _select("release", "In release", _options(reversed(_releases_with(rows, read["releases"])))),
        _select("sort", "Sort by", _options(heads), "as listed"),
    ]
    return (
        f'<form class="kfunc-filter" role="search" aria-label="Filter {which}">\n'
        + "\n".join(field for field in fields if field)
        + '\n<button type="reset">Clear</button>\n'
        + f'<p class="kfunc-count" role="status">{count} kfunc{"" if count == 1 else "s"}</p>\n'
        + f"{script_element(facts)}</form>\n"
    )


def _has_stability(rows: Sequence[Any], stability: str) -> bool:
    stabilities = {row[2] for row in rows}
    return stability in stabilities or (stability == "deprecated" and PAST_DUE in stabilities)


def _releases_with(rows: Sequence[Any], releases: Sequence[str]) -> list[str]:
    """Return the *releases*, from the first one that has any of the kfuncs."""
    first = min((stretch[0] for row in rows for stretch in row[3]), default=0)
    return list(releases[first:])


def _callers(callers: Sequence[Sequence[str]]) -> list[str]:
    """Return the options for who may call, in groups: program types, and struct_ops; none if there is no choice."""
    names = sorted({name for names in callers for name in names})
    types = [(name, _ANY if name == ANY else name[len(_TYPE) :].lower()) for name in names if name.startswith(_TYPE)]
    struct_ops = [(name, name) for name in names if not name.startswith(_TYPE)]
    groups = (("Program types", types), ("struct_ops", struct_ops)) if len(names) > 1 else ()
    return [
        f'<optgroup label="{label}">{"".join(_option(*member) for member in members)}</optgroup>'
        for label, members in groups
        if members
    ]


def _options(values: Iterable[str]) -> list[str]:
    return [_option(value, value) for value in values]


def _option(value: str, words: str) -> str:
    return f'<option value="{escape(value)}">{escape(words)}</option>'


def _select(name: str, label: str, options: Sequence[str], first: str = "any") -> str:
    """Return a field to choose from *options*; the empty text if there is no choice."""
    if len(options) < 2 and "<optgroup" not in "".join(options):
        return ""
    every_one = _option("", first)
    return (
        f'<label class="kfunc-filter-{name}">{label}<select name="{name}" autocomplete="off">'
        f"{every_one}{''.join(options)}</select></label>"
    )


def register(app: Sphinx) -> None:
    """Connect to the events of reading documents and of writing pages."""
    app.add_node(LabelledCell, html=(_write_labelled, _end_labelled))
    app.connect("doctree-read", _prepare_tables)
    app.connect("doctree-resolved", _label_cells)
    app.connect("doctree-resolved", _add_controls)
