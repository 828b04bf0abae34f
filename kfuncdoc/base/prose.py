# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
r"""The prose of declarations, which is reStructuredText, as plain text.

This module reads only inline markup, by docutils' "inline markup recognition rules"
(https://docutils.sourceforge.io/docs/ref/rst/restructuredtext.html#inline-markup-recognition-rules) and without
docutils, which is slow to import.  The characters of lists and other blocks stay.

=============================================  =======================================================
written                                        read
=============================================  =======================================================
````KF_RCU````, ``*a*``, ``**a**``             the text inside; the characters of a literal stay
```a```, ``|a|``, ``_`a```                     ``a``
``:ref:`a title <label>```                     ``a title``
``:ref:`label```, ``:doc:`file```              ``label``, ``file``; the title of the other page is not known
``:c:func:`f```, ``:c:func:`~m.f```            ``f()``; roles of functions add parentheses, as Sphinx does
``:c:type:`!t```                               ``t``
``:rfc:`2822```                                ``RFC 2822``
```a <https://x.org>`_``, ```a <b_>`__``       ``a (https://x.org)``, ``a``
```a b`_``                                     ``a b``
``a_``, ``[1]_``                               as written: ``a_`` is a C name more often than a reference
``2 * 3``, ``*args``, an opening without end   as written
``\*``                                         ``*``
=============================================  =======================================================
"""

from __future__ import annotations

import re
import unicodedata
from typing import Iterator, Optional

_BLANK_LINES = re.compile(r"\n\s*\n")
#: A backslash and what it escapes; the escaped character is marked with a NUL until the markup is read.
_ESCAPE = re.compile(r"\\(.?)", re.DOTALL)
_NON_ASCII = re.compile(r"[^\x00-\x7f]")
#: For a category of Unicode, or one character, an ASCII character that the rules treat alike.  Some languages open
#: quotes with the low marks, others close them.
_TREATED_AS = {"Ps": "(", "Pe": ")", "Pi": '"', "Pf": '"', "Pd": "-", "Po": "-", "‚": '"', "„": '"'}

_NAME = r"(?:(?!_)\w)+(?:[-._+:](?:(?!_)\w)+)*"
_MAY_OPEN = r"(?<![^\s'\"(<\[{\-/:])"
_CLOSED = r"(?![^\s\0'\")>\]}\-/:.,;!?])"
_OPENING = re.compile(
    rf"""{_MAY_OPEN}(?:
        (?P<whole>{_NAME}__?{_CLOSED} | \[(?:[0-9]+|\#(?:{_NAME})?|\*|{_NAME})\]_{_CLOSED})
      | (?P<role>:{_NAME}:)?(?P<backquote>`)(?![\s`])
      | (?P<start>\*\*|\*(?!\*)|``|_`|\|(?!\|))(?!\s)
    )""",
    re.VERBOSE,
)
#: The characters that close each opening.
_CLOSINGS = {
    "*": re.compile(rf"(?<![\s\0])\*{_CLOSED}"),
    "**": re.compile(rf"(?<![\s\0])\*\*{_CLOSED}"),
    "``": re.compile(rf"(?<!\s)``{_CLOSED}"),
    "_`": re.compile(rf"(?<![\s\0])`{_CLOSED}"),
    "|": re.compile(rf"(?<![\s\0])\|_{{0,2}}{_CLOSED}"),
    "`": re.compile(rf"(?<!(?<!\0)[\s\0])`(?P<role>:{_NAME}:)?(?P<reference>__?)?{_CLOSED}"),
}
#: Quotes and brackets that belong together; of brackets that are not ASCII, the closing one follows the opening one.
_PAIRS = {
    *("''", '""', "()", "[]", "{}", "<>"),
    *("«»", "»«", "»»", "‘’", "’‘", "’’", "‘‚", "‚‘", "‚’", "‛‚", "“”", "”“", "””", "“„", "„“", "„”", "‟„"),
    *("‹›", "›‹", "››", "〝〟"),
}  # fmt: skip

_TARGET_IN_LINK = re.compile(r"(?:[ \n]+|^)<(?!\s)((?:[^<>]|\0[<>])+)(?<![\s\0])>$")
_TARGET_IN_ROLE = re.compile(r"(.+?)\s*(?<!\0)<.*?>", re.DOTALL)
#: Roles whose text is shown as it is written, backslashes included.
_CODE_ROLES = {"code", "math"}
#: Roles without a target, whose text may hold angle brackets.
_TEXT_ROLES = {
    "command", "dfn", "emphasis", "expr", "file", "guilabel", "kbd", "literal", "menuselection", "program", "samp",
    "strong", "sub", "subscript", "sup", "superscript", "texpr", "title", "title-reference",
}  # fmt: skip
_NUMBER_ROLES = {"pep": "PEP", "pep-reference": "PEP", "rfc": "RFC", "rfc-reference": "RFC"}
#: Roles of functions: Sphinx shows parentheses after the name.
_FUNCTION_ROLES = {"func", "meth"}


def as_words(text: str) -> str:
    """Return *text*, which is reStructuredText, as plain text on one line."""
    paragraphs = _BLANK_LINES.split(text.replace("\0", "\N{REPLACEMENT CHARACTER}"))
    return " ".join(" ".join("".join(_pieces(_ESCAPE.sub("\0\\1", paragraph))) for paragraph in paragraphs).split())


def _pieces(text: str) -> Iterator[str]:
    """Yield the words of a paragraph, whose escaped characters follow a NUL, piece by piece."""
    shape = _NON_ASCII.sub(_stand_in, text)
    unclosed = set()
    while True:
        opening = _OPENING.search(shape)
        if opening is None:
            break
        yield _unescaped(text[: opening.start()])
        end, words = opening.end(), None
        start = opening["start"] or opening["backquote"]
        if start and start not in unclosed and (opening["role"] or not _is_quoted(text, opening)):
            closing = _CLOSINGS[start].search(shape[end:])
            if closing is None:
                unclosed.add(start)  # remembered, because many openings would take quadratic time
            elif closing.start() > 0:
                words = _words(opening, text[end : end + closing.start()], closing)
                end += closing.end()
        yield _as_written(text[opening.start() : end]) if words is None else words
        # As docutils does, go on as if the text began here.
        text, shape = text[end:], shape[end:]
    yield _unescaped(text)


def _stand_in(character: re.Match[str]) -> str:
    """Return an ASCII character that the rules treat like *character*, or *character* itself."""
    category = unicodedata.category(character[0])
    return _TREATED_AS.get(character[0]) or _TREATED_AS.get(category, character[0])


def _is_quoted(text: str, opening: re.Match[str]) -> bool:
    """Whether *opening* stands alone in quotes or brackets, as in ``"*"``, or at the very end, and opens nothing."""
    before, after = text[opening.start() - 1 : opening.start()], text[opening.end() : opening.end() + 1]
    if not before or not after:
        return bool(before)
    is_bracket = unicodedata.category(before) == "Ps" and not before.isascii() and ord(after) == ord(before) + 1
    return is_bracket or before + after in _PAIRS


def _words(opening: re.Match[str], inside: str, closing: re.Match[str]) -> Optional[str]:
    """Return the words *inside* markup; None if it is malformed, so that it is not markup."""
    start = opening["start"]
    if start == "``":
        return _as_written(inside)
    if start:
        return _unescaped(inside)
    roles = [role[1:-1] for role in (opening["role"], closing["role"]) if role]
    if len(roles) + bool(closing["reference"]) > 1:
        return None
    if closing["reference"]:
        return _words_of_link(inside)
    return _words_of_role(roles[0], inside) if roles else _unescaped(inside)


def _words_of_link(text: str) -> str:
    """Return the title of a hyperlink, and its address if it has one that differs from the title."""
    target = _TARGET_IN_LINK.search(text)
    if target is None:
        return _unescaped(text)
    title, address = _unescaped(text[: target.start()]), "".join(_unescaped(target[1]).split())
    is_name = target[1].endswith("_") and not target[1].endswith("\0_") and not re.search("[:@]", target[1])
    if is_name:
        address = address[:-1]
    if not title:
        return address
    return title if is_name or title == address else f"{title} ({address})"


def _words_of_role(role: str, text: str) -> str:
    """Return what Sphinx shows for interpreted text, as far as this is known without the target."""
    kind = role.rpartition(":")[2].lower()
    if kind in _CODE_ROLES:
        return _as_written(text)
    if kind in _TEXT_ROLES:
        return _unescaped(text)
    if text.startswith("!"):  # no link: all that follows is shown
        words = _unescaped(text[1:])
    else:
        title = _TARGET_IN_ROLE.fullmatch(text)
        if title is not None:
            return _unescaped(title[1])
        words = _unescaped(text)
        if words.startswith("~"):
            words = re.split(r"\.|::", words[1:])[-1]
    if kind in _NUMBER_ROLES:
        return f"{_NUMBER_ROLES[kind]} {words}"
    return f"{words}()" if kind in _FUNCTION_ROLES and not words.endswith("()") else words


def _unescaped(text: str) -> str:
    """Return *text* without escapes; an escaped space or line end is removed."""
    return re.sub(r"\0[ \n]?", "", text)


def _as_written(text: str) -> str:
    return text.replace("\0", "\\")
