# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Links: ``name()`` in running text becomes a link if it names a declared kfunc that no C function documents.

When a page is read, the names of functions in it are noted.  Which of them become links depends on all declarations
and all C functions of the project.  So if the links of a page change, it is only written again, not read again.

The kernel's own ``automarkup`` makes links for functions with kernel-doc when a page is written.  If it finds no
entry, it leaves plain text in v6.12, and a literal of the class ``broken_xref`` in v7.3.  So this module runs after
it, and looks for both.
"""

from __future__ import annotations

import re
from typing import Any, Iterator, Optional

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.errors import NoUri
from sphinx.util.nodes import make_refnode

from kfuncdoc.sphinxext.domain import domain_of
from kfuncdoc.sphinxext.rst import every

_CALL = re.compile(r"\b([A-Za-z_]\w*)\(\)", re.ASCII)
#: The nodes whose text stays as it is.
_NO_RUNNING_TEXT = (nodes.Referential, nodes.literal, nodes.FixedTextElement, nodes.raw, addnodes.pending_xref)


def _note_mentions(app: Sphinx, doctree: nodes.document) -> None:
    """Note which functions a page names, in its text and with roles for C functions."""
    names = {name for text in _running_text(doctree) for name in _CALL.findall(text.astext())}
    names.update(str(role["reftarget"]) for role in every(doctree, addnodes.pending_xref) if _is_c_function(role))
    if names:
        domain_of(app.env).mentions[app.env.docname] = tuple(sorted(names))


def _is_c_function(role: addnodes.pending_xref) -> bool:
    return (role.get("refdomain"), role.get("reftype")) == ("c", "func")


def _running_text(tree: nodes.Node) -> Iterator[nodes.Text]:
    """Yield the texts in paragraphs, each once: LaTeX has footnotes within the paragraphs that refer to them."""
    for text in every(tree, nodes.Text):
        parents = list(_parents(text))
        runs = any(isinstance(parent, nodes.paragraph) for parent in parents)
        if runs and not any(isinstance(parent, _NO_RUNNING_TEXT) for parent in parents):
            yield text


def _parents(node: nodes.Node) -> Iterator[nodes.Node]:
    while node.parent is not None:
        node = node.parent
        yield node


def _add_links(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Make links of the names of kfuncs; *doctree* may be several pages in one, as for LaTeX."""
    links = domain_of(app.env).links
    if not links or not (domain_of(app.env).links_of(docname) or _is_assembled(doctree)):
        return
    for text in list(_running_text(doctree)):
        if any(name in links for name in _CALL.findall(text.astext())):
            text.parent.replace(text, list(_linked(app, docname, text.astext(), links)))
    for literal in list(every(doctree, nodes.literal)):
        name = literal.astext()[:-2]
        if "broken_xref" in literal["classes"] and literal.astext() == f"{name}()" and name in links:
            reference = _reference(app, docname, name, links[name], literal.deepcopy())
            if reference is not None:
                reference[0]["classes"].remove("broken_xref")
                # replace_self() would give the class to the link.
                literal.parent.replace(literal, reference)


def _is_assembled(doctree: nodes.document) -> bool:
    return next(iter(every(doctree, addnodes.start_of_file)), None) is not None


def _linked(app: Sphinx, docname: str, text: str, links: dict[str, str]) -> Iterator[nodes.Node]:
    """Yield *text* with a link for each kfunc that it names."""
    done = 0
    for call in _CALL.finditer(text):
        literal = nodes.literal("", call[0], classes=["xref", "c", "c-func"])
        reference = _reference(app, docname, call[1], links[call[1]], literal) if call[1] in links else None
        if reference is not None:
            if call.start() > done:
                yield nodes.Text(text[done : call.start()])
            yield reference
            done = call.end()
    if len(text) > done:
        yield nodes.Text(text[done:])


def _reference(app: Sphinx, docname: str, name: str, label: str, content: nodes.Element) -> Optional[Any]:
    target, address = app.env.get_domain("std").data["anonlabels"].get(label, ("", ""))
    try:
        return make_refnode(app.builder, docname, target, address, content, f"Stability of {name}") if target else None
    except NoUri:  # the builder does not write that page
        return None


def _resolve_role(
    app: Sphinx, env: BuildEnvironment, role: addnodes.pending_xref, content: nodes.Element
) -> Optional[Any]:
    """Make a link of ``:c:func:`` with the name of a kfunc, if nothing else resolved it."""
    label = domain_of(env).links.get(str(role.get("reftarget"))) if _is_c_function(role) else None
    return _reference(app, role["refdoc"], role["reftarget"], label, content) if label else None


def register(app: Sphinx) -> None:
    """Connect to the events of a build, here in their order."""
    app.connect("doctree-read", _note_mentions)
    # After all that know where the function is documented, such as intersphinx.
    app.connect("missing-reference", _resolve_role, priority=900)
    # After the kernel's automarkup, at 500.
    app.connect("doctree-resolved", _add_links, priority=600)
