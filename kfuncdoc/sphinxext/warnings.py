# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Diagnostics as warnings of the build: the type is ``kfuncdoc``, the subtype is the rule."""

from __future__ import annotations

from typing import Optional

from sphinx.util import logging

from kfuncdoc.base.diagnostics import Diagnostic, Rule

logger = logging.getLogger(__name__)


def warn(rule: Rule, message: str, location: Optional[str] = None) -> None:
    """Warn at *location*: the name of a document, or ``PATH:LINE``."""
    logger.warning(message, location=location, type="kfuncdoc", subtype=rule.rule)


def report(diagnostic: Diagnostic) -> None:
    """Warn of *diagnostic* at its place in the YAML, or at the first line if it is about a whole file."""
    text = f"{diagnostic.message}; {diagnostic.hint}" if diagnostic.hint else diagnostic.message
    # Sphinx reads a location without a line as the name of a document.
    place = f"{diagnostic.line}:{diagnostic.column}" if diagnostic.line else "1"
    warn(diagnostic.rule, text, f"{diagnostic.file}:{place}")
