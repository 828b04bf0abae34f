# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""kfuncdoc: stability pages for BPF kernel functions.

``extensions = ["kfuncdoc"]`` is all that a project's conf.py needs; everything about Sphinx is in
``kfuncdoc.sphinxext`` and is not imported before Sphinx asks for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.application import Sphinx

__version__ = "0.1.0"


def setup(app: Sphinx) -> dict[str, Any]:
    """Set up the Sphinx extension."""
    from kfuncdoc import sphinxext

    return sphinxext.setup(app)
