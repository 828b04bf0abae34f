# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The parser of declaration files as documents: it parses the rst page that is rendered from each file."""

from __future__ import annotations

from typing import Any, Union

from docutils import nodes
from docutils.statemachine import StringList
from docutils.transforms import Transform
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.parsers import RSTParser
from sphinx.transforms import SphinxTransform

from kfuncdoc.record.address import address
from kfuncdoc.record.declaration_files import SUFFIX
from kfuncdoc.sphinxext.domain import domain_of
from kfuncdoc.sphinxext.rst import as_lines, every

FILETYPE = "kfuncdoc"


class AddressFirst(SphinxTransform):
    """Puts the address of a kfunc first among the ids of its section.

    Permalinks and tables of contents use the first id.  docutils makes it from the title.  It makes the same id from
    ``__scx_bpf_select_cpu_and`` and ``scx_bpf_select_cpu_and``, and the first one on the page gets it.
    """

    default_priority = 262  # after docutils has moved labels to their sections (260), and Sphinx sorted ids (261)

    def apply(self, **_: Any) -> None:
        for section in every(self.document, nodes.section):
            permanent = address(section[0].astext())
            section["ids"] = sorted(section["ids"], key=permanent.__ne__)
        self._move_index_entries()

    def _move_index_entries(self) -> None:
        """Make the entries of the index lead to the sections: the search of Sphinx finds nothing at an empty target."""
        known = self.document.ids
        for index in (index for index in every(self.document, addnodes.index) if index["entries"]):
            (kind, name, target, *more), *others = index["entries"]
            if target in known and address(name) in known:
                known[target]["ids"].remove(target)
                index["entries"] = [(kind, name, address(name), *more), *others]


class KfuncParser(RSTParser):
    """Parses the page of a declaration file.

    It derives from Sphinx's own rst parser, and gives it lines with their places.  A parser that derives from the base
    class ``Parser`` would lack settings that object descriptions need.
    """

    supported = (FILETYPE,)

    def get_transforms(self) -> list[type[Transform]]:
        return [*super().get_transforms(), AddressFirst]

    def parse(self, inputstring: Union[str, StringList], document: nodes.document) -> None:
        """Parse the page; *inputstring*, the YAML that Sphinx read, is not used: the session loaded the file."""
        env = document.settings.env
        domain = domain_of(env)
        page = domain.ask(env.docname, "page", env.docname)
        super().parse(as_lines(page, domain.session.file_of(env.docname)), document)


def register(app: Sphinx) -> None:
    """Register the parser, and the suffix ahead of ``.yaml``."""
    app.add_source_parser(KfuncParser)
    # After Sphinx has put what extensions add into source_suffix, at 800.
    app.connect("config-inited", _put_suffix_first, priority=900)


def _put_suffix_first(app: Sphinx, config: Config) -> None:
    """Put ``.kfuncs.yaml`` first: Sphinx uses the first suffix that fits, and ``.yaml`` would fit, too."""
    others = {suffix: filetype for suffix, filetype in config.source_suffix.items() if suffix != SUFFIX}
    config.source_suffix = {SUFFIX: FILETYPE, **others}
