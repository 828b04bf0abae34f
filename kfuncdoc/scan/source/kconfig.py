# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Kconfig files of a kernel: what the symbols of its configuration ask for.

::

    NET && INET && TCP_CONG_BBR --Kconfig: what TCP_CONG_BBR implies--> TCP_CONG_BBR

Only the types of symbols and what each asks for are read, and only in the few files that a question
leads to.  The kernel's ``Documentation/kbuild/kconfig-language.rst`` describes the language.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Iterable, Iterator, Mapping, Optional

from kfuncdoc.scan.source.condition import (
    FALSE,
    TRUE,
    All,
    Any,
    Condition,
    Symbol,
    certain,
    conjunction,
    conjuncts,
    disjunction,
    negation,
    parse_kconfig,
    without,
)
from kfuncdoc.scan.source.files import find_build_file
from kfuncdoc.scan.source.makefiles import logical_lines

#: The symbols that are set in every kernel whose kfuncs BPF programs can call: they need the system call and BTF.
GIVEN = frozenset(["BPF", "BPF_SYSCALL", "DEBUG_INFO_BTF", "DEBUG_INFO_BTF_MODULES"])


@dataclass
class ConfigEntry:
    """One ``config`` of a Kconfig file."""

    name: str
    tristate: bool = False
    #: Whether it has a type at all: a further entry of the same name often has none.
    typed: bool = False
    requires: list[Condition] = field(default_factory=list)
    selects: list[str] = field(default_factory=list)


@dataclass
class KconfigFile:
    """What a Kconfig file has."""

    entries: list[ConfigEntry] = field(default_factory=list)
    #: The files that it includes, each with the condition of the menus and ifs around.
    sources: list[tuple[str, Condition]] = field(default_factory=list)


_KEYWORD = re.compile(r"\s*(---help---|[a-z_]+)(?!\w)\s*(.*)")
_TYPES = frozenset(["bool", "tristate", "def_bool", "def_tristate", "int", "hex", "string"])
_SOURCES = frozenset(["source", "rsource", "osource", "orsource"])


def parse_kconfig_file(text: str) -> KconfigFile:
    """Return the entries of the Kconfig file *text*, each with what it and the menus and ifs around it ask for."""
    file = KconfigFile()
    # The conditions of each open block.  A menu or a choice may have `depends on` lines of its own.
    blocks: list[list[Condition]] = []
    entry: Optional[ConfigEntry] = None
    conditions: list[Condition] = []
    for word, rest in _statements(text):
        if word in ("config", "menuconfig"):
            entry = ConfigEntry(rest.strip(), requires=[condition for block in blocks for condition in block])
            conditions = entry.requires
            file.entries.append(entry)
        elif word in ("if", "menu", "choice"):
            entry, conditions = None, [parse_kconfig(rest)] if word == "if" else []
            blocks.append(conditions)
        elif word in ("endif", "endmenu", "endchoice"):
            entry, conditions = None, []
            if blocks:
                blocks.pop()
        elif word in ("comment", "mainmenu"):
            entry, conditions = None, []
        elif word in _SOURCES:
            entry, conditions = None, []
            file.sources.append(
                (rest.strip().strip("\"'"), conjunction(*(condition for block in blocks for condition in block)))
            )
        elif word == "depends" and rest.startswith("on"):
            conditions.append(_dependency(rest[len("on") :]))
        elif entry is not None and word in _TYPES:
            entry.typed = True
            entry.tristate = entry.tristate or word.endswith("tristate")
        elif entry is not None and word == "select" and re.fullmatch(r"\s*\w+\s*", rest):
            entry.selects.append(rest.strip())
    return file


def _dependency(text: str) -> Condition:
    """Return the condition of ``depends on A if B``."""
    expression, _, premise = text.partition(" if ")
    condition = parse_kconfig(expression)
    return disjunction(negation(parse_kconfig(premise)), condition) if premise else condition


def _statements(text: str) -> Iterator[tuple[str, str]]:
    """Yield the keyword of each statement and the rest of its line; help texts are left out."""
    help_indent: Optional[int] = None
    in_help = False
    for line in logical_lines(text):
        expanded = line.expandtabs()
        indent = len(expanded) - len(expanded.lstrip())
        if in_help:
            if not expanded.strip():
                continue
            help_indent = indent if help_indent is None else help_indent
            if indent >= help_indent and indent > 0:
                continue
            in_help = False
        match = _KEYWORD.match(line)
        if match is None:
            continue
        if match[1] in ("help", "---help---") and not match[2]:
            in_help, help_indent = True, None
            continue
        yield match[1], match[2]


_DEFINED = re.compile(rb"\n[ \t]*(?:menu)?config[ \t]+(\w+)[ \t]*(?=\n)")
_SOURCED = re.compile(rb"source[ \t]+\"([^\"\n]+)\"")
_VARIABLE = re.compile(r"\\\$(?:\\\(|\\\{)?\w+(?:\\\)|\\\})?")


class Kconfig:
    """The Kconfig files of the kernel's source tree at *root*: what a symbol implies, and whether it can be a module.

    *paths* are all its Kconfig files, relative to *root*.  All methods raise :exc:`Unscannable` where one of
    them cannot be read.
    """

    #: A chain of implications longer than this is not followed.
    _DEEPEST = 12

    def __init__(self, root: str, paths: Iterable[str]) -> None:
        self._root = root
        self._paths = tuple(paths)
        self._parsed: dict[str, KconfigFile] = {}
        self._requirements: dict[str, Condition] = {}
        self._implied: dict[tuple[str, Condition], bool] = {}
        self._menus: dict[str, Condition] = {}

    def can_be_module(self, symbol: str) -> bool:
        """Whether *symbol* can be ``m``; the word ``m`` itself can."""
        return symbol == "m" or any(entry.tristate for entry, _ in self._entries(symbol))

    def reduced(self, condition: Condition) -> Condition:
        """Return *condition* without the symbols of :data:`GIVEN`, and without what its other parts imply."""
        parts = list(conjuncts(self._plain(certain(without(condition, self._given)))))
        for part in list(parts):
            others = [other for other in parts if other != part]
            # Of two parts that imply each other the first stays.
            if any(self.implies(other, part) and not self._stays(part, other, parts) for other in others):
                parts.remove(part)
        return conjunction(*parts)

    def _stays(self, part: Condition, other: Condition, parts: list[Condition]) -> bool:
        return self.implies(part, other) and parts.index(part) < parts.index(other)

    def _plain(self, condition: Condition) -> Condition:
        """Return *condition* with ``X`` for ``X=y`` where the symbol can be no module."""
        if isinstance(condition, Symbol) and condition.value == "y" and not self.can_be_module(condition.name):
            return Symbol(condition.name)
        if isinstance(condition, (All, Any)):
            combined = conjunction if isinstance(condition, All) else disjunction
            return combined(*map(self._plain, condition.operands))
        return condition

    @cached_property
    def _given(self) -> frozenset[str]:
        """:data:`GIVEN`, and the symbols that these ask for."""
        requirements = [condition for name in sorted(GIVEN) for condition in conjuncts(self.requirements(name))]
        return GIVEN | {condition.name for condition in requirements if isinstance(condition, Symbol)}

    def implies(self, condition: Condition, wanted: Condition) -> bool:
        """Whether *condition* implies *wanted*, as far as ``depends on``, ``select`` and menus tell."""
        return self._implies(condition, wanted, self._DEEPEST)

    def _implies(self, condition: Condition, wanted: Condition, depth: int) -> bool:
        if condition == wanted or wanted == TRUE:
            return True
        if depth < 0:
            return False
        if isinstance(wanted, All):
            return all(self._implies(condition, operand, depth) for operand in wanted.operands)
        if isinstance(condition, Any) and condition != FALSE:
            return all(self._implies(operand, wanted, depth) for operand in condition.operands)
        if isinstance(condition, All):
            return any(self._implies(operand, wanted, depth) for operand in condition.operands)
        if isinstance(wanted, Any) and any(self._implies(condition, operand, depth - 1) for operand in wanted.operands):
            return True
        if not isinstance(condition, Symbol):
            return False
        if isinstance(wanted, Symbol) and wanted.name == condition.name and not wanted.value:
            return True
        question = (condition.name, wanted)
        if question not in self._implied:
            self._implied[question] = False  # while it is looked for: a circle proves nothing
            self._implied[question] = self._implies(self.requirements(condition.name), wanted, depth - 1)
        return self._implied[question]

    def requirements(self, symbol: str) -> Condition:
        """Return what *symbol* implies: what it depends on, and what it selects."""
        if symbol not in self._requirements:
            self._requirements[symbol] = TRUE  # while it is looked for: symbols may select each other
            conditions = [
                conjunction(around, *entry.requires, *map(Symbol, dict.fromkeys(entry.selects)))
                for entry, around in self._entries(symbol)
            ]
            self._requirements[symbol] = disjunction(*conditions) if conditions else TRUE
        return self._requirements[symbol]

    def _entries(self, symbol: str) -> list[tuple[ConfigEntry, Condition]]:
        """Return the entries of *symbol*, each with the condition on which its file is included."""
        return [
            (entry, self._condition_of_file(path))
            for path in self._defined_in.get(symbol, ())
            for entry in self._file(path).entries
            if entry.name == symbol
        ]

    def _condition_of_file(self, path: str) -> Condition:
        """Return the condition of the menus around the lines that include the file *path*."""
        if path not in self._menus:
            self._menus[path] = TRUE  # while it is looked for: files may include each other
            readers = sorted({reader for source, reader in self._sourced if _includes(source, path)})
            conditions = [
                conjunction(self._condition_of_file(reader), condition)
                for reader in readers
                for source, condition in self._file(reader).sources
                if _includes(source, path)
            ]
            self._menus[path] = disjunction(*conditions) if conditions else TRUE
        return self._menus[path]

    def _file(self, path: str) -> KconfigFile:
        if path not in self._parsed:
            self._parsed[path] = parse_kconfig_file(self._contents[path].decode("utf-8", "replace"))
        return self._parsed[path]

    @cached_property
    def _contents(self) -> Mapping[str, bytes]:
        return {path: find_build_file(self._root, path) or b"" for path in self._paths}

    @cached_property
    def _defined_in(self) -> Mapping[str, tuple[str, ...]]:
        paths_of: dict[str, dict[str, None]] = {}
        for path, content in self._contents.items():
            for name in _DEFINED.findall(b"\n" + content + b"\n"):
                paths_of.setdefault(name.decode(), {})[path] = None
        return {name: tuple(paths) for name, paths in paths_of.items()}

    @cached_property
    def _sourced(self) -> list[tuple[str, str]]:
        return [
            (source.decode("utf-8", "replace"), path)
            for path, content in self._contents.items()
            for source in _SOURCED.findall(content)
        ]


@lru_cache(maxsize=4096)
def _source_pattern(source: str) -> Optional[re.Pattern[str]]:
    return re.compile(_VARIABLE.sub("[^/]+", re.escape(source))) if "$" in source else None


def _includes(source: str, path: str) -> bool:
    """Whether the line ``source "SOURCE"`` includes the file *path*; a variable in it stands for any directory."""
    pattern = _source_pattern(source)
    return source == path if pattern is None else pattern.fullmatch(path) is not None


#: The symbols of folders below ``arch/`` that are not the name of the folder in capital letters.
_ARCHITECTURES = {"powerpc": "PPC", "sh": "SUPERH", "um": "UML"}


def architecture(root: str, path: str) -> Condition:
    """Return the symbol of the architecture that the file *path* is for; true where it is for all.

    Raises :exc:`Unscannable` where the Kconfig file of the architecture cannot be read.
    """
    parts = path.split("/")
    if len(parts) < 3 or parts[0] != "arch":
        return TRUE
    kconfig = find_build_file(root, f"arch/{parts[1]}/Kconfig") or b""
    symbol = _ARCHITECTURES.get(parts[1], parts[1].upper())
    return Symbol(symbol) if symbol.encode() in _DEFINED.findall(b"\n" + kconfig) else TRUE
