# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Answers to docutils: rst text with marks becomes lines that know where they were written."""

from __future__ import annotations

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective, switch_source_input
from sphinx.util.nodes import nested_parse_with_titles


def as_lines(text: str, default: str) -> StringList:
    """Return the lines of *text* without marks; docutils reports what is wrong in them at their places."""
    from kfuncdoc.render import lines_with_places

    lines = lines_with_places(text, default)
    return StringList([line for line, _, _ in lines], items=[(file, number - 1) for _, file, number in lines])


def parsed(directive: SphinxDirective, text: str, *, titles: bool = False) -> list[nodes.Node]:
    """Parse an answer where *directive* stands and return its nodes, sections too where it has *titles*."""
    lines = as_lines(text, directive.get_source_info()[0])
    parent = nodes.Element()
    with switch_source_input(directive.state, lines):
        if titles:
            nested_parse_with_titles(directive.state, lines, parent)
        else:
            directive.state.nested_parse(lines, 0, parent)
    return parent.children
