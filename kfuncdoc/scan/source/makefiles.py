# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Makefiles of a kernel: on what the building of a C file depends, and its module.

::

    net/ipv4/tcp_bbr.c --Makefiles, up to the top--> NET && INET && TCP_CONG_BBR, module tcp_bbr

Only the lists of objects (``obj-$(CONFIG_X) += x.o``, ``x-y := a.o b.o``) and the conditionals around
them are read.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import Iterator, Optional

from kfuncdoc.scan.source.condition import (
    TRUE,
    UNKNOWN,
    Condition,
    Symbol,
    conjunction,
    disjunction,
    negation,
)
from kfuncdoc.scan.source.files import find_build_file


@dataclass(frozen=True)
class Assignment:
    """``obj-$(CONFIG_X) += a.o b.o``: the *words* are part of *target* on a *condition*."""

    #: ``obj`` of the example; of a list with another name (``tcp_bbr-y``, ``bbr-objs``) its name.
    target: str
    words: tuple[str, ...]
    condition: Condition
    #: The symbol whose value decides between built-in and module; empty where it is built in.
    symbol: str = ""
    #: The name of the whole variable, by which another list refers to it: ``mmu-y``.
    variable: str = ""


@dataclass(frozen=True)
class BuildRule:
    """What a C file is built for: on a condition, and into a module where one is possible."""

    condition: Condition
    #: The name of the module and the symbol that makes it one.
    module: str = ""
    symbol: str = ""


#: ``$(CONFIG_X)``, and ``$(subst m,y,$(CONFIG_X))``, which is ``y`` for either.
_REFERENCE = re.compile(r"\$[({](?:CONFIG_(\w+)|subst\s+m\s*,\s*y\s*,\s*\$[({]CONFIG_(\w+)[)}])[)}]", re.A)
#: The same in short: ``$(CONFIG_X:m=y)``.
_EITHER = re.compile(r"\$[({](CONFIG_\w+):m=y[)}]", re.A)
#: ``$(subst y,$(CONFIG_X),$(CONFIG_Y))``: what X is set to, on condition of Y.
_EXCHANGED = re.compile(r"\$[({]subst\s+y\s*,\s*\$[({]CONFIG_(\w+)[)}]\s*,\s*\$[({]CONFIG_(\w+)[)}][)}]", re.A)
_DIRECTIVE = re.compile(r"\s*(ifeq|ifneq|ifdef|ifndef|else|endif)\b\s*(.*)", re.S)
_COMMENT = re.compile(r"(?<!\\)#.*")
_QUOTED = re.compile(r"""["']([^"']*)["']\s+["']([^"']*)["']""")
_ENDING = re.compile(r"-(y|m|objs|\$[({].*)$")


def parse_makefile(text: str) -> Iterator[Assignment]:
    """Yield the lists of objects of a Makefile, each with the conditionals that it stands in."""
    stack: list[_OpenConditional] = []
    for line in logical_lines(text):
        if ":m=y" in line:
            line = _EITHER.sub(r"$(subst m,y,$(\1))", line)
        directive = _DIRECTIVE.match(line)
        if directive is not None:
            _follow(stack, directive[1], directive[2])
            continue
        variable, equals, words = line.partition("=")
        if equals:
            around = conjunction(*(branch.condition for branch in stack))
            yield _assignment(variable.rstrip(" \t:+?").lstrip(), tuple(words.split()), around)


@dataclass
class _OpenConditional:
    """One ``if`` of a Makefile: the condition of the branch that is open, and what the ones before leave."""

    condition: Condition
    otherwise: Condition


def logical_lines(text: str) -> Iterator[str]:
    pending: list[str] = []
    for line in text.split("\n"):
        line = _COMMENT.sub("", line)
        if line.endswith("\\"):
            pending.append(line[:-1])
            continue
        yield " ".join([*pending, line]) if pending else line
        pending.clear()
    yield " ".join(pending)


def _follow(stack: list[_OpenConditional], word: str, rest: str) -> None:
    if word == "endif":
        if stack:
            stack.pop()
    elif word != "else":
        asked = _asked(word, rest)
        stack.append(_OpenConditional(asked, negation(asked)))
    elif stack:
        branch = stack[-1]
        further = _DIRECTIVE.match(rest)
        asked = _asked(further[1], further[2]) if further is not None else TRUE
        branch.condition = conjunction(branch.otherwise, asked)
        branch.otherwise = conjunction(branch.otherwise, negation(asked))


def _asked(word: str, rest: str) -> Condition:
    """Return the condition of ``ifeq ($(CONFIG_X),y)`` and its like."""
    if word in ("ifdef", "ifndef"):
        name = rest.strip()
        condition: Condition = Symbol(name[len("CONFIG_") :]) if name.startswith("CONFIG_") else UNKNOWN
        return condition if word == "ifdef" else negation(condition)
    rest = rest.strip()
    quoted = _QUOTED.fullmatch(rest)
    if quoted is not None:
        left, right = quoted[1], quoted[2]
    elif rest.startswith("(") and rest.endswith(")"):
        left, _, right = (part.strip() for part in rest[1:-1].rpartition(","))
    else:
        return UNKNOWN
    if not _REFERENCE.search(left):
        left, right = right, left
    references = _references(left)
    if not references:
        return UNKNOWN
    if not right:
        condition = negation(disjunction(*(Symbol(name) for name, _ in references)))
    elif len(right) == len(references) and set(right) <= {"y", "m"}:
        parts = zip(references, right)
        condition = conjunction(*(Symbol(name, value if as_it_is else "") for (name, as_it_is), value in parts))
    else:
        return UNKNOWN
    return condition if word == "ifeq" else negation(condition)


def _references(text: str) -> list[tuple[str, bool]]:
    """Return the symbols that *text* names, each with whether ``m`` of it stays ``m``; none where it says more."""
    if _REFERENCE.sub("", text).strip():
        return []
    return [(match[1] or match[2], bool(match[1])) for match in _REFERENCE.finditer(text)]


def _assignment(variable: str, words: tuple[str, ...], around: Condition) -> Assignment:
    ending = _ENDING.search(variable)
    if ending is None:
        return Assignment(variable, words, around, "", variable)
    target = variable[: ending.start()]
    if not ending[1].startswith("$"):
        return Assignment(target, words, around, "m" if ending[1] == "m" else "", variable)
    asked, symbol = _decided(ending[1])
    # However the symbol is set, the list goes where `-y` goes.
    return Assignment(target, words, conjunction(around, asked), symbol, f"{target}-y")


def _decided(text: str) -> tuple[Condition, str]:
    """Return on what the end of a list's name is ``y`` or ``m``, and the symbol that says which of them."""
    exchanged = _EXCHANGED.fullmatch(text)
    if exchanged is not None:
        return conjunction(Symbol(exchanged[1]), Symbol(exchanged[2])), exchanged[1]
    references = _references(text)
    if not references:
        return UNKNOWN, ""
    # One behind the other they are for symbols of which no two are set.
    symbol = references[0][0] if len(references) == 1 and references[0][1] else ""
    return disjunction(*(Symbol(name) for name, _ in references)), symbol


class Makefiles:
    """The Makefiles of one kernel, read as they are asked for."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._assignments: dict[str, tuple[Assignment, ...]] = {}
        self._directories: dict[str, Condition] = {"": TRUE}
        self._found: dict[tuple[str, str], Optional[BuildRule]] = {}

    def built(self, path: str) -> Optional[BuildRule]:
        """Return for what the C file *path* is built; None where no Makefile lists its object."""
        stem = posixpath.splitext(path)[0]
        directory = posixpath.dirname(path)
        # The object is listed in the Makefile beside it, or in one above that has no Makefile below it.
        while directory:
            word = f"{posixpath.relpath(stem, directory)}.o"
            found = self._listed(directory, word)
            if found is not None:
                return BuildRule(conjunction(self.directory(directory), found.condition), found.module, found.symbol)
            directory = posixpath.dirname(directory)
        return None

    def directory(self, path: str) -> Condition:
        """Return the condition on which the build goes down into the directory *path*."""
        if path not in self._directories:
            self._directories[path] = self._entered(path)
        return self._directories[path]

    def _entered(self, path: str) -> Condition:
        above = posixpath.dirname(path)
        while True:
            word = f"{posixpath.relpath(path, above or '.')}/"
            entered = [
                each.condition for each in self.of(above) if word in each.words and not each.target.startswith("subdir")
            ]
            if entered:
                return conjunction(self.directory(above), disjunction(*entered))
            if not above:
                # Nothing tells: then no more is asked for than for the directory above.
                return self.directory(posixpath.dirname(path))
            above = posixpath.dirname(above)

    def _listed(self, directory: str, word: str) -> Optional[BuildRule]:
        """Return for what *word*, an object or a reference to a list, is part of the lists of *directory*."""
        asked = (directory, word)
        if asked not in self._found:
            self._found[asked] = None  # while it is looked for: lists may be parts of each other
            found = list(self._parts(directory, word))
            leading = next((each for each in found if each.module), found[0]) if found else None
            if leading is not None:
                either = disjunction(*(each.condition for each in found))
                self._found[asked] = BuildRule(either, leading.module, leading.symbol)
        return self._found[asked]

    def _parts(self, directory: str, word: str) -> Iterator[BuildRule]:
        for each in self.of(directory):
            if word not in each.words:
                continue
            if each.target in ("obj", "lib"):
                module = posixpath.basename(word)[: -len(".o")].replace("-", "_") if each.symbol else ""
                yield BuildRule(each.condition, module, each.symbol)
                continue
            for name in (f"{each.target}.o", f"$({each.variable})", f"${{{each.variable}}}"):
                whole = self._listed(directory, name)
                if whole is not None:
                    yield BuildRule(conjunction(each.condition, whole.condition), whole.module, whole.symbol)

    def of(self, directory: str) -> tuple[Assignment, ...]:
        """Return the lists of the Makefile of *directory*; the build prefers one that is called Kbuild."""
        if directory not in self._assignments:
            content = find_build_file(self._root, posixpath.join(directory, "Kbuild"))
            content = content or find_build_file(self._root, posixpath.join(directory, "Makefile")) or b""
            self._assignments[directory] = tuple(parse_makefile(content.decode("utf-8", "replace")))
        return self._assignments[directory]
