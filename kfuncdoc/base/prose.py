# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Prose of declarations, which is reStructuredText, for those who read plain text."""

from __future__ import annotations

import re


def as_words(text: str) -> str:
    """Return rst as a reader of plain text would write it: references and literals as their words."""
    text = re.sub(r":[a-z-]+:`([^`<]*?)(?: <[^`>]*>)?`", r"\1", text)
    text = re.sub(r"`([^`<]+?) <([^`>]+)>`__?", _link, text)
    text = re.sub(r"(?<![\w*])\*([^*\s](?:[^*]*[^*\s])?)\*(?![\w*])", r"\1", text)
    return " ".join(re.sub(r"\\(.)", r"\1", text.replace("``", "")).split())


def _link(link: re.Match[str]) -> str:
    """Return a link as its title and its address, or as the address where that is the title too."""
    title, address = re.sub(r"\\(.)", r"\1", link[1]), link[2]
    # Escaped again: the markup that is taken away next must not take its underscores.
    shown = address if title == address else f"{title} ({address})"
    return re.sub(r"([\\*`])", r"\\\1", shown)
