# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Declaration files as documents: each is parsed as the rst page that is rendered from it."""

from __future__ import annotations

from typing import Union

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.parsers import RSTParser

from kfuncdoc.sphinxext._domain import domain_of
from kfuncdoc.sphinxext._rst import as_lines
from kfuncdoc.sphinxext._session import SUFFIX

FILETYPE = "kfuncdoc"


class KfuncParser(RSTParser):
    """Parses the page of a declaration file.

    It derives from Sphinx's own rst parser and hands it lines with their places; one on the bare
    ``Parser`` would lack settings that object descriptions need.
    """

    supported = (FILETYPE,)

    def parse(self, inputstring: Union[str, StringList], document: nodes.document) -> None:
        """Parse the page; what Sphinx read of the YAML file, *inputstring*, was loaded already."""
        env = document.settings.env
        page = domain_of(env).ask(env.docname, "page", env.docname)
        super().parse(as_lines(page, str(env.doc2path(env.docname))), document)


def register(app: Sphinx) -> None:
    """Register the parser, and the suffix ahead of ``.yaml``."""
    app.add_source_parser(KfuncParser)
    # After Sphinx has put what extensions add into source_suffix, at 800.
    app.connect("config-inited", _put_suffix_first, priority=900)


def _put_suffix_first(app: Sphinx, config: Config) -> None:
    """Put ``.kfuncs.yaml`` ahead: Sphinx takes the first suffix that fits, and ``.yaml`` would fit too."""
    others = {suffix: filetype for suffix, filetype in config.source_suffix.items() if suffix != SUFFIX}
    config.source_suffix = {SUFFIX: FILETYPE, **others}
