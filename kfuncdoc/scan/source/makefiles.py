# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Makefiles of a kernel: the condition on which a C file is built, and the module that it is built into.

::

    net/ipv4/tcp_bbr.c --Makefiles, up to the top--> NET && INET && TCP_CONG_BBR, module tcp_bbr

Only the lists of objects (``obj-$(CONFIG_X) += x.o``, ``x-y := a.o b.o``) and the conditionals around
them are read.  The kernel's ``Documentation/kbuild/makefiles.rst`` describes both.
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
    """``obj-$(CONFIG_X) += a.o b.o``: on a *condition* the *words* belong to *target*."""

    #: ``obj`` in the example; ``tcp_bbr`` of ``tcp_bbr-y``, ``bbr`` of ``bbr-objs``.
    target: str
    words: tuple[str, ...]
    condition: Condition
    #: The symbol whose value decides between built-in and module; empty where the words are always built in.
    symbol: str = ""
    #: The whole name of the variable, by which another list refers to it: ``mmu-y``.
    variable: str = ""


@dataclass(frozen=True)
class BuildRule:
    """When a C file is built, and into which module."""

    condition: Condition
    #: The name of the module, and the symbol that is ``m`` if it is built as one; both empty where it never is.
    module: str = ""
    symbol: str = ""


#: ``$(CONFIG_X)``, and ``$(subst m,y,$(CONFIG_X))``, which is ``y`` where X is ``y`` or ``m``.
_REFERENCE = re.compile(r"\$[({](?:CONFIG_(\w+)|subst\s+m\s*,\s*y\s*,\s*\$[({]CONFIG_(\w+)[)}])[)}]", re.A)
#: Another spelling of the second: ``$(CONFIG_X:m=y)``.
_EITHER = re.compile(r"\$[({](CONFIG_\w+):m=y[)}]", re.A)
#: ``$(subst y,$(CONFIG_X),$(CONFIG_Y))``: the value of X if Y is ``y``.
_SUBSTITUTED = re.compile(r"\$[({]subst\s+y\s*,\s*\$[({]CONFIG_(\w+)[)}]\s*,\s*\$[({]CONFIG_(\w+)[)}][)}]", re.A)
_DIRECTIVE = re.compile(r"\s*(ifeq|ifneq|ifdef|ifndef|else|endif)\b\s*(.*)", re.S)
_COMMENT = re.compile(r"(?<!\\)#.*")
_QUOTED = re.compile(r"""["']([^"']*)["']\s+["']([^"']*)["']""")
_ENDING = re.compile(r"-(y|m|objs|\$[({].*)$")


def parse_makefile(text: str) -> Iterator[Assignment]:
    """Yield the assignments of the Makefile *text*, each with the condition of the conditionals around it."""
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
    """An ``if`` of a Makefile that is not closed yet."""

    #: When the current branch is taken, and when none of the branches so far is.
    condition: Condition
    otherwise: Condition


def logical_lines(text: str) -> Iterator[str]:
    """Yield the lines of a Makefile or Kconfig file, joined where one ends with a backslash, without comments."""
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
    """Open, continue or close a conditional: *word* is the directive, *rest* the line behind it."""
    if word == "endif":
        if stack:
            stack.pop()
    elif word != "else":
        condition = _condition_of(word, rest)
        stack.append(_OpenConditional(condition, negation(condition)))
    elif stack:
        branch = stack[-1]
        else_if = _DIRECTIVE.match(rest)
        condition = _condition_of(else_if[1], else_if[2]) if else_if is not None else TRUE
        branch.condition = conjunction(branch.otherwise, condition)
        branch.otherwise = conjunction(branch.otherwise, negation(condition))


def _condition_of(word: str, rest: str) -> Condition:
    """Return the condition of a directive, such as ``ifeq ($(CONFIG_X),y)``."""
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
        condition = conjunction(*(Symbol(name, value if keeps_m else "") for (name, keeps_m), value in parts))
    else:
        return UNKNOWN
    return condition if word == "ifeq" else negation(condition)


def _references(text: str) -> list[tuple[str, bool]]:
    """Return the symbols in *text*, each with whether its ``m`` stays ``m``; none where *text* has anything else."""
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
    condition, symbol = _condition_of_ending(ending[1])
    # Other lists refer to it as `-y`, whatever the symbol is set to.
    return Assignment(target, words, conjunction(around, condition), symbol, f"{target}-y")


def _condition_of_ending(text: str) -> tuple[Condition, str]:
    """Return the condition on which the ending of a list is ``y`` or ``m``, and the symbol that decides which."""
    substituted = _SUBSTITUTED.fullmatch(text)
    if substituted is not None:
        return conjunction(Symbol(substituted[1]), Symbol(substituted[2])), substituted[1]
    references = _references(text)
    if not references:
        return UNKNOWN, ""
    # Of several symbols in a row at most one is set.
    symbol = references[0][0] if len(references) == 1 and references[0][1] else ""
    return disjunction(*(Symbol(name) for name, _ in references)), symbol


class Makefiles:
    """The Makefiles of the kernel's source tree at *root*, each read when a file needs it.

    All methods raise :exc:`Unscannable` where a Makefile cannot be read.
    """

    def __init__(self, root: str) -> None:
        self._root = root
        self._assignments: dict[str, tuple[Assignment, ...]] = {}
        self._directories: dict[str, Condition] = {"": TRUE}
        #: By directory and word.
        self._rules: dict[tuple[str, str], Optional[BuildRule]] = {}

    def rule(self, path: str) -> Optional[BuildRule]:
        """Return the rule that builds the C file *path*; None where no Makefile lists its object."""
        stem = posixpath.splitext(path)[0]
        directory = posixpath.dirname(path)
        # The Makefile that lists the object is in its directory or in one above.
        while directory:
            word = f"{posixpath.relpath(stem, directory)}.o"
            rule = self._rule_for_word(directory, word)
            if rule is not None:
                return BuildRule(conjunction(self.directory(directory), rule.condition), rule.module, rule.symbol)
            directory = posixpath.dirname(directory)
        return None

    def directory(self, path: str) -> Condition:
        """Return the condition on which the build goes down into the directory *path*."""
        if path not in self._directories:
            self._directories[path] = self._condition_of_directory(path)
        return self._directories[path]

    def _condition_of_directory(self, path: str) -> Condition:
        above = posixpath.dirname(path)
        while True:
            word = f"{posixpath.relpath(path, above or '.')}/"
            conditions = [
                assignment.condition
                for assignment in self.of(above)
                if word in assignment.words and not assignment.target.startswith("subdir")
            ]
            if conditions:
                return conjunction(self.directory(above), disjunction(*conditions))
            if not above:
                # No Makefile lists it: it is taken to have the condition of the directory above.
                return self.directory(posixpath.dirname(path))
            above = posixpath.dirname(above)

    def _rule_for_word(self, directory: str, word: str) -> Optional[BuildRule]:
        """Return the rule for *word*, an object or a reference to a list, by the Makefile of *directory*."""
        key = (directory, word)
        if key not in self._rules:
            self._rules[key] = None  # while it is looked for: lists may be parts of each other
            rules = list(self._rules_in_lists(directory, word))
            leading = next((rule for rule in rules if rule.module), rules[0]) if rules else None
            if leading is not None:
                either = disjunction(*(rule.condition for rule in rules))
                self._rules[key] = BuildRule(either, leading.module, leading.symbol)
        return self._rules[key]

    def _rules_in_lists(self, directory: str, word: str) -> Iterator[BuildRule]:
        """Yield one rule for each list that has *word*."""
        for assignment in self.of(directory):
            if word not in assignment.words:
                continue
            if assignment.target in ("obj", "lib"):
                module = posixpath.basename(word)[: -len(".o")].replace("-", "_") if assignment.symbol else ""
                yield BuildRule(assignment.condition, module, assignment.symbol)
                continue
            for name in (f"{assignment.target}.o", f"$({assignment.variable})", f"${{{assignment.variable}}}"):
                whole = self._rule_for_word(directory, name)
                if whole is not None:
                    yield BuildRule(conjunction(assignment.condition, whole.condition), whole.module, whole.symbol)

    def of(self, directory: str) -> tuple[Assignment, ...]:
        """Return the assignments in the Makefile of *directory*; the build prefers a file called Kbuild."""
        if directory not in self._assignments:
            content = find_build_file(self._root, posixpath.join(directory, "Kbuild"))
            content = content or find_build_file(self._root, posixpath.join(directory, "Makefile")) or b""
            self._assignments[directory] = tuple(parse_makefile(content.decode("utf-8", "replace")))
        return self._assignments[directory]
