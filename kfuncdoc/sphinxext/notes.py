# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Notes in the entries of C functions that are declared kfuncs, from ``c:function`` or from kernel-doc.

Every C function makes a request, also if it is not declared, so that the page is read again when it is declared.
"""

from __future__ import annotations

from typing import Iterator

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx

from kfuncdoc.sphinxext.domain import domain_of
from kfuncdoc.sphinxext.rst import every, parsed_alone


def _add_notes(app: Sphinx, domain: str, objtype: str, content: addnodes.desc_content) -> None:
    """Put a note on the stability before the content of an entry, and a note that is only a link after it."""
    if (domain, objtype) != ("c", "function"):
        return
    signatures = [node for node in content.parent.children if isinstance(node, addnodes.desc_signature)]
    first = 0
    for signature in signatures:
        # The first name in a signature is the name of the function; the names of its parameters follow.
        name = next(every(signature, addnodes.desc_name), None)
        for note in _notes(app, name.astext(), signature, len(signatures) > 1) if name is not None else ():
            is_link = "kfunc-note-link" in note["classes"]
            content.insert(len(content) if is_link else first, note)
            first += not is_link
            for node in every(note, nodes.Node):
                node.document = content.document


def _notes(app: Sphinx, name: str, signature: addnodes.desc_signature, named: bool) -> Iterator[nodes.container]:
    """Yield the note on the function *name*; the note contains the name if *named*."""
    text = domain_of(app.env).ask(app.env.docname, "note", name, named)
    if text and signature.document is not None:
        source = signature.source or str(app.env.doc2path(app.env.docname))
        for note in parsed_alone(text, source, signature.document.settings):
            if isinstance(note, nodes.container):
                note.source, note.line = source, signature.line
                yield note


def register(app: Sphinx) -> None:
    """Connect to the event of descriptions."""
    app.connect("object-description-transform", _add_notes)
