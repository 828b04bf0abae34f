# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The macros in sets of kfuncs, expanded as a C preprocessor does."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Callable, Iterator, Optional


@dataclass(frozen=True)
class Macro:
    """A ``#define``; *parameters* is None where the macro is no function."""

    parameters: Optional[tuple[str, ...]]
    body: str


#: Looks a macro up by its name.  The headers that a file includes have those that it does not define itself.
Headers = Callable[[str], Optional[Macro]]

_ITEM = re.compile(r"(\w+)\s*(\()?", re.A)
_FLAG = re.compile(r"KF_\w+", re.A)
_MACRO_NAMES = re.compile(r"(\w+)", re.A)
#: The deepest nesting of macros, the most words of one expansion, the most characters of one body.
_DEEPEST_MACRO = 16
_MOST_WORDS = 10_000
_LONGEST_BODY = 100_000


def items_of(text: str, base: int) -> Iterator[tuple[str, Optional[tuple[str, ...]], int]]:
    """Yield the words in *text*, the inside of a set: each with its arguments, if any, and *base* + its offset."""
    at = 0
    while True:
        match = _ITEM.search(text, at)
        if match is None:
            return
        arguments: Optional[tuple[str, ...]] = None
        at = match.end()
        if match[2]:
            end = _closing(text, match.start(2))
            arguments = _arguments(text[match.end(2) : end])
            at = end + 1
        yield match[1], arguments, base + match.start()


def _closing(text: str, opening: int) -> int:
    """Return the offset of the parenthesis that closes the one at *opening*; the end where none does."""
    depth = 0
    for match in re.compile(r"[()]").finditer(text, opening):
        depth += 1 if match[0] == "(" else -1
        if depth == 0:
            return match.start()
    return len(text)


def _arguments(text: str) -> tuple[str, ...]:
    """Split the text between parentheses at the commas that no inner parenthesis holds."""
    arguments, depth, start = [], 0, 0
    for match in re.finditer(r"[(),]", text):
        depth += (match[0] == "(") - (match[0] == ")")
        if match[0] == "," and depth <= 0:
            arguments.append(" ".join(text[start : match.start()].split()))
            start = match.end()
    return (*arguments, " ".join(text[start:].split()))


class EndlessExpansion(Exception):
    """A macro expands to more than any real one does."""


def expanded(word: str, arguments: Optional[tuple[str, ...]], lookup: Headers) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the words that *word* expands to, each with its arguments.  Raises :exc:`EndlessExpansion`."""
    waiting = [(word, arguments, 0)]
    words = 0
    while waiting:
        word, arguments, depth = waiting.pop()
        macro = None if word in ("BTF_ID_FLAGS", "BTF_ID_UNUSED") else lookup(word)
        if macro is None or (macro.parameters is not None and arguments is None):
            yield word, arguments or ()
            continue
        body = _substituted(macro, arguments or ())
        inner = [(inner_word, given, depth + 1) for inner_word, given, _ in items_of(body, 0)]
        words += len(inner)
        if depth >= _DEEPEST_MACRO or words > _MOST_WORDS:
            raise EndlessExpansion
        waiting += reversed(inner)


def _substituted(macro: Macro, arguments: tuple[str, ...]) -> str:
    """Return the body of *macro* with *arguments* for its parameters, and words joined at ``##``."""
    given = dict(zip(macro.parameters or (), arguments))
    pieces = [given.get(piece, piece) for piece in _MACRO_NAMES.split(macro.body)]
    if sum(map(len, pieces)) > _LONGEST_BODY:
        raise EndlessExpansion
    return re.sub(r"\s*##\s*", "", "".join(pieces))


def flags_of(arguments: tuple[str, ...], lookup: Headers) -> tuple[tuple[str, ...], list[str]]:
    """Return the flags (``KF_*``) in *arguments* of an entry, and the other words there.

    *lookup* knows the macros that stand for several flags.
    """
    words = [
        inner.strip("() ")
        for argument in arguments
        for word in argument.split("|")
        for inner in _body_of(word.strip("() "), lookup).split("|")
    ]
    words = [word for word in words if word not in ("", "0")]
    return tuple(filter(_FLAG.fullmatch, words)), [word for word in words if not _FLAG.fullmatch(word)]


def _body_of(word: str, lookup: Headers) -> str:
    macro = lookup(word)
    return word if macro is None or macro.parameters is not None else macro.body
