# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""From answers to docutils: rst text with marks becomes lines with the places where they were written."""

from __future__ import annotations

import re
from typing import Any, Iterator

import docutils
from docutils import nodes
from docutils.parsers.rst import states
from docutils.statemachine import StringList
from docutils.utils import new_document
from sphinx.util.docutils import LoggingReporter, SphinxDirective, switch_source_input
from sphinx.util.nodes import nested_parse_with_titles

#: A file and a line of it, counted from 0.
Place = tuple[str, int]

_BORDER = re.compile(r" *=+(?:  =+)+")


def as_lines(text: str, default: str) -> StringList:
    """Return the lines of *text* without marks; docutils reports errors in them at their places."""
    from kfuncdoc.pages.rst import lines_with_places

    lines = lines_with_places(text, default)
    places = [(file, number - 1) for _, file, number in lines]
    return StringList([line for line, _, _ in lines], items=_as_docutils_counts([line for line, _, _ in lines], places))


def _as_docutils_counts(lines: list[str], places: list[Place]) -> list[Place]:
    """Return *places* moved down by one line in simple tables.

    docutils before 0.23 reports faults in the rows of a table one line too far down.
    """
    if docutils.__version_info__ >= (0, 23):
        return places
    counted, borders = list(places), 0
    for number, line in enumerate(lines):
        if borders:
            counted[number] = places[number - 1]
        if _BORDER.fullmatch(line):
            borders = (borders + 1) % 3  # above the head, below it, and at the end
        elif not line:
            borders = 0  # the tables of templates have no blank lines; a table in prose may have only two borders
    return counted


def every(tree: nodes.Node, kind: Any) -> Iterator[Any]:
    """Return all nodes of a *kind* below *tree*, in order."""
    # docutils before 0.18 has no findall(), and a future version will have no traverse().
    return iter(tree.findall(kind) if hasattr(tree, "findall") else tree.traverse(kind))


def parsed(directive: SphinxDirective, text: str, *, titles: bool = False) -> list[nodes.Node]:
    """Parse an answer at the place of *directive* and return its nodes; with *titles* it may have sections."""
    lines = as_lines(text, directive.get_source_info()[0])
    parent = nodes.Element()
    with switch_source_input(directive.state, lines):
        if titles:
            nested_parse_with_titles(directive.state, lines, parent)
        else:
            directive.state.nested_parse(lines, 0, parent)
    return parent.children


def parsed_alone(text: str, default: str, settings: Any) -> list[nodes.Node]:
    """Parse an answer outside of a directive, and return its nodes.

    A reference to something on its own page, such as a footnote or a target, cannot be resolved here; it becomes plain
    text.
    """
    document = new_document(default, settings)
    document.reporter = LoggingReporter.from_reporter(document.reporter)
    machine = states.RSTStateMachine(state_classes=states.state_classes, initial_state="Body")
    machine.run(as_lines(text, default), document)
    for reference in list(every(document, nodes.Inline)):
        if isinstance(reference, _OF_ONE_PAGE) or (
            isinstance(reference, nodes.reference) and "refuri" not in reference
        ):
            reference.parent.replace(reference, nodes.Text(reference.astext()))
    return document.children


_OF_ONE_PAGE = (nodes.footnote_reference, nodes.citation_reference, nodes.substitution_reference, nodes.problematic)
