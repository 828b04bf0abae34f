# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Comments in a kernel's sources that announce a deprecation or removal."""

from __future__ import annotations

import re
from typing import Mapping, Optional

from kfuncdoc.scan.source.csource import Comment

_ANNOUNCES = re.compile(
    r"\bdeprecat|\bCOMPAT:|\b(?:will|may|might|should) be (?:removed|dropped)\b"
    r"|\bto be (?:removed|dropped) (?:in|once|after|by)\b"
    r"|\b(?:remove|drop) (?:this|these|the)\b.*\b(?:future|v\d+\.\d+)|\bafter v\d+\.\d+|\bgo(?:ing|es)? away\b",
    re.I | re.A | re.S,
)
_COMMENT_MARKS = re.compile(r"^[ \t]*/?\*+/?|\*/[ \t]*$|^[ \t]*//", re.M)
_DEPRECATED = re.compile(r"\bdeprecat\w*\s+(\w+)", re.I | re.A)


def announced(comment: Comment) -> str:
    """Return the paragraphs of *comment* that announce a deprecation or removal; empty where none does."""
    paragraphs = re.split(r"\n[ \t]*\n", _COMMENT_MARKS.sub("", comment.text))
    text = " ".join(" ".join(part.split()) for part in paragraphs if _ANNOUNCES.search(part))
    return text.encode("latin-1").decode("utf-8", "replace")


def announced_kfunc(text: str, comment: str, names: Mapping[str, object]) -> Optional[str]:
    """Return the one of *names* that an announcement is about: the word behind "deprecated", or the first it names.

    *text* are the paragraphs that announce, *comment* is the whole comment.
    """
    words = [*_DEPRECATED.findall(text), *re.findall(r"\w+", text), *re.findall(r"\w+", comment)]
    return next((word for word in words if word in names), None)
