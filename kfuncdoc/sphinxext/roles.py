# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The role ``:kfunc:`bpf_task_acquire```: a reference to the record of a kfunc."""

from __future__ import annotations

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.util.docutils import ReferenceRole

from kfuncdoc.record.address import PREFIX
from kfuncdoc.sphinxext.directives import report_unknown
from kfuncdoc.sphinxext.domain import domain_of


class KfuncRole(ReferenceRole):
    """Links to the kfunc's section; ``:kfunc:`title <name>``` has another title.

    One that is declared outside the source directory has no page, and is shown without a link.
    """

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        domain = domain_of(self.env)
        name = self.target[:-2] if self.target.endswith("()") else self.target
        address = domain.ask(self.env.docname, "address", name)
        text = nodes.literal(self.rawtext, self.title, classes=["kfunc"])
        if not address:
            report_unknown(name, domain.session.catalog.entries, self.get_source_info())
        if not address.startswith(PREFIX):
            return [text], []
        reference = addnodes.pending_xref(
            self.rawtext, text, refdomain=domain.name, reftype="kfunc", reftarget=address, refwarn=True,
            refdoc=self.env.docname,
        )  # fmt: skip
        self.set_source_info(reference)
        return [reference], []


def register(app: Sphinx) -> None:
    """Register the role."""
    app.add_role("kfunc", KfuncRole())
