# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Makefiles and Kconfig of a kernel: on what the building of a C file depends, and its module.

::

    net/ipv4/tcp_bbr.c --Makefiles, up to the top--> NET && INET && TCP_CONG_BBR, module tcp_bbr
                       --Kconfig: what TCP_CONG_BBR implies--> TCP_CONG_BBR

Neither language is read as a whole.  Of a Makefile it is the lists of objects (``obj-$(CONFIG_X) += x.o``,
``x-y := a.o b.o``) and the conditionals around them; of Kconfig the types of symbols and what each
asks for, and only of the few files that a question leads to.
"""

from __future__ import annotations

import os
import posixpath
import re
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Iterable, Iterator, Mapping, Optional

from kfuncdoc.scan.source.condition import (
    FALSE,
    TRUE,
    UNKNOWN,
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

#: What every kernel has that a BPF program can call a kfunc of: the system call, and BTF to find the kfunc in.
GIVEN = frozenset(["BPF", "BPF_SYSCALL", "DEBUG_INFO_BTF", "DEBUG_INFO_BTF_MODULES"])
_LARGEST = 2_000_000  # bytes of a Makefile or Kconfig file


def read_text(root: str, path: str) -> str:
    """Return the text of *path* below *root*; nothing where it cannot be read."""
    return _content(os.path.join(root, path)).decode("utf-8", "replace")


def _content(path: str) -> bytes:
    # Something else than a file, such as a pipe, might never end.
    if not os.path.isfile(path):
        return b""
    try:
        with open(path, "rb") as file:
            return file.read(_LARGEST)
    except (OSError, ValueError):
        return b""


# -- Makefiles


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
class Built:
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
    stack: list[_Branch] = []
    for line in _logical_lines(text):
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
class _Branch:
    """One ``if`` of a Makefile: the condition of the branch that is open, and what the ones before leave."""

    condition: Condition
    otherwise: Condition


def _logical_lines(text: str) -> Iterator[str]:
    pending: list[str] = []
    for line in text.split("\n"):
        line = _COMMENT.sub("", line)
        if line.endswith("\\"):
            pending.append(line[:-1])
            continue
        yield " ".join([*pending, line]) if pending else line
        pending.clear()
    yield " ".join(pending)


def _follow(stack: list[_Branch], word: str, rest: str) -> None:
    if word == "endif":
        if stack:
            stack.pop()
    elif word != "else":
        asked = _asked(word, rest)
        stack.append(_Branch(asked, negation(asked)))
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
        self._found: dict[tuple[str, str], Optional[Built]] = {}

    def built(self, path: str) -> Optional[Built]:
        """Return for what the C file *path* is built; None where no Makefile lists its object."""
        stem = posixpath.splitext(path)[0]
        directory = posixpath.dirname(path)
        # The object is listed in the Makefile beside it, or in one above that has no Makefile below it.
        while directory:
            word = f"{posixpath.relpath(stem, directory)}.o"
            found = self._listed(directory, word)
            if found is not None:
                return Built(conjunction(self.directory(directory), found.condition), found.module, found.symbol)
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

    def _listed(self, directory: str, word: str) -> Optional[Built]:
        """Return for what *word*, an object or a reference to a list, is part of the lists of *directory*."""
        asked = (directory, word)
        if asked not in self._found:
            self._found[asked] = None  # while it is looked for: lists may be parts of each other
            found = list(self._parts(directory, word))
            leading = next((each for each in found if each.module), found[0]) if found else None
            if leading is not None:
                either = disjunction(*(each.condition for each in found))
                self._found[asked] = Built(either, leading.module, leading.symbol)
        return self._found[asked]

    def _parts(self, directory: str, word: str) -> Iterator[Built]:
        for each in self.of(directory):
            if word not in each.words:
                continue
            if each.target in ("obj", "lib"):
                module = posixpath.basename(word)[: -len(".o")].replace("-", "_") if each.symbol else ""
                yield Built(each.condition, module, each.symbol)
                continue
            for name in (f"{each.target}.o", f"$({each.variable})", f"${{{each.variable}}}"):
                whole = self._listed(directory, name)
                if whole is not None:
                    yield Built(conjunction(each.condition, whole.condition), whole.module, whole.symbol)

    def of(self, directory: str) -> tuple[Assignment, ...]:
        """Return the lists of the Makefile of *directory*; the build prefers one that is called Kbuild."""
        if directory not in self._assignments:
            text = read_text(self._root, posixpath.join(directory, "Kbuild"))
            text = text or read_text(self._root, posixpath.join(directory, "Makefile"))
            self._assignments[directory] = tuple(parse_makefile(text))
        return self._assignments[directory]


# -- Kconfig


@dataclass
class Entry:
    """One ``config`` of a Kconfig file."""

    name: str
    tristate: bool = False
    #: Whether it has a type at all: a further entry of the same name often has none.
    typed: bool = False
    requires: list[Condition] = field(default_factory=list)
    selects: list[str] = field(default_factory=list)


@dataclass
class KconfigFile:
    entries: list[Entry] = field(default_factory=list)
    #: The files that it reads in, with the condition of the menus around.
    sources: list[tuple[str, Condition]] = field(default_factory=list)


_KEYWORD = re.compile(r"\s*(---help---|[a-z_]+)(?!\w)\s*(.*)")
_TYPES = frozenset(["bool", "tristate", "def_bool", "def_tristate", "int", "hex", "string"])
_SOURCES = frozenset(["source", "rsource", "osource", "orsource"])


def parse_kconfig_file(text: str) -> KconfigFile:
    """Read a Kconfig file: each entry with all that it asks for, the menus and ifs around included."""
    found = KconfigFile()
    # A menu or a choice can say `depends on` itself, an `if` cannot: what is said then is of the innermost.
    blocks: list[list[Condition]] = []
    entry: Optional[Entry] = None
    said_of: list[Condition] = []
    for word, rest in _statements(text):
        if word in ("config", "menuconfig"):
            entry = Entry(rest.strip(), requires=[each for block in blocks for each in block])
            said_of = entry.requires
            found.entries.append(entry)
        elif word in ("if", "menu", "choice"):
            entry, said_of = None, [parse_kconfig(rest)] if word == "if" else []
            blocks.append(said_of)
        elif word in ("endif", "endmenu", "endchoice"):
            entry, said_of = None, []
            if blocks:
                blocks.pop()
        elif word in ("comment", "mainmenu"):
            entry, said_of = None, []
        elif word in _SOURCES:
            entry, said_of = None, []
            found.sources.append((rest.strip().strip("\"'"), conjunction(*(e for block in blocks for e in block))))
        elif word == "depends" and rest.startswith("on"):
            said_of.append(_dependency(rest[len("on") :]))
        elif entry is not None and word in _TYPES:
            entry.typed = True
            entry.tristate = entry.tristate or word.endswith("tristate")
        elif entry is not None and word == "select" and re.fullmatch(r"\s*\w+\s*", rest):
            entry.selects.append(rest.strip())
    return found


def _dependency(text: str) -> Condition:
    """Return the condition of ``depends on A if B``."""
    said, _, premise = text.partition(" if ")
    condition = parse_kconfig(said)
    return disjunction(negation(parse_kconfig(premise)), condition) if premise else condition


def _statements(text: str) -> Iterator[tuple[str, str]]:
    """Yield keyword and rest of each statement; texts of help are left out."""
    help_indent: Optional[int] = None
    in_help = False
    for line in _logical_lines(text):
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
    """The Kconfig files of one kernel: what a symbol implies, and whether it can be a module."""

    #: A chain of implications longer than this is not followed.
    _DEEPEST = 12

    def __init__(self, root: str, paths: Iterable[str]) -> None:
        """*paths* are all Kconfig files of the tree, relative to *root*."""
        self._root = root
        self._paths = tuple(paths)
        self._parsed: dict[str, KconfigFile] = {}
        self._asked: dict[str, Condition] = {}
        self._held: dict[tuple[str, Condition], bool] = {}
        self._menus: dict[str, Condition] = {}

    def can_be_module(self, symbol: str) -> bool:
        return symbol == "m" or any(entry.tristate for entry, _ in self._entries(symbol))

    def reduced(self, condition: Condition) -> Condition:
        """Return *condition* without what every kernel with kfuncs has, and without what the rest implies."""
        parts = list(conjuncts(self._plain(certain(without(condition, self._given)))))
        for part in list(parts):
            others = [other for other in parts if other != part]
            # Of two that imply each other the first stays.
            if any(self.implies(other, part) and not self._stays(part, other, parts) for other in others):
                parts.remove(part)
        return conjunction(*parts)

    def _stays(self, part: Condition, other: Condition, parts: list[Condition]) -> bool:
        return self.implies(part, other) and parts.index(part) < parts.index(other)

    def _plain(self, condition: Condition) -> Condition:
        """Return *condition* without saying ``=y`` of a symbol that can be nothing else."""
        if isinstance(condition, Symbol) and condition.value == "y" and not self.can_be_module(condition.name):
            return Symbol(condition.name)
        if isinstance(condition, (All, Any)):
            combined = conjunction if isinstance(condition, All) else disjunction
            return combined(*map(self._plain, condition.operands))
        return condition

    @cached_property
    def _given(self) -> frozenset[str]:
        """What is given, and what that asks for itself."""
        asked = [each for name in sorted(GIVEN) for each in conjuncts(self.asked(name))]
        return GIVEN | {each.name for each in asked if isinstance(each, Symbol)}

    def implies(self, condition: Condition, wanted: Condition) -> bool:
        """Whether *wanted* holds wherever *condition* does, as far as Kconfig says so plainly."""
        return self._implies(condition, wanted, self._DEEPEST)

    def _implies(self, condition: Condition, wanted: Condition, depth: int) -> bool:
        if condition == wanted or wanted == TRUE:
            return True
        if depth < 0:
            return False
        if isinstance(wanted, All):
            return all(self._implies(condition, each, depth) for each in wanted.operands)
        if isinstance(condition, Any) and condition != FALSE:
            return all(self._implies(each, wanted, depth) for each in condition.operands)
        if isinstance(condition, All):
            return any(self._implies(each, wanted, depth) for each in condition.operands)
        if isinstance(wanted, Any) and any(self._implies(condition, each, depth - 1) for each in wanted.operands):
            return True
        if not isinstance(condition, Symbol):
            return False
        if isinstance(wanted, Symbol) and wanted.name == condition.name and not wanted.value:
            return True
        question = (condition.name, wanted)
        if question not in self._held:
            self._held[question] = False  # while it is looked for: a circle proves nothing
            self._held[question] = self._implies(self.asked(condition.name), wanted, depth - 1)
        return self._held[question]

    def asked(self, symbol: str) -> Condition:
        """Return what holds wherever *symbol* is set: what it depends on, and what it selects."""
        if symbol not in self._asked:
            self._asked[symbol] = TRUE
            entries = self._entries(symbol)
            each = [
                conjunction(around, *entry.requires, *map(Symbol, dict.fromkeys(entry.selects)))
                for entry, around in entries
            ]
            self._asked[symbol] = disjunction(*each) if each else TRUE
        return self._asked[symbol]

    def _entries(self, symbol: str) -> list[tuple[Entry, Condition]]:
        """Return the entries of *symbol*, each with the condition on which its file is read."""
        return [
            (entry, self._around(path))
            for path in self._defined_in.get(symbol, ())
            for entry in self._file(path).entries
            if entry.name == symbol
        ]

    def _around(self, path: str) -> Condition:
        """Return the condition of the menus that read the file *path* in."""
        if path not in self._menus:
            self._menus[path] = TRUE  # while it is looked for: files may read each other
            readers = sorted({reader for source, reader in self._sourced if _reads(source, path)})
            conditions = [
                conjunction(self._around(reader), condition)
                for reader in readers
                for source, condition in self._file(reader).sources
                if _reads(source, path)
            ]
            self._menus[path] = disjunction(*conditions) if conditions else TRUE
        return self._menus[path]

    def _file(self, path: str) -> KconfigFile:
        if path not in self._parsed:
            self._parsed[path] = parse_kconfig_file(self._contents[path].decode("utf-8", "replace"))
        return self._parsed[path]

    @cached_property
    def _contents(self) -> Mapping[str, bytes]:
        return {path: _content(os.path.join(self._root, path)) for path in self._paths}

    @cached_property
    def _defined_in(self) -> Mapping[str, tuple[str, ...]]:
        found: dict[str, dict[str, None]] = {}
        for path, content in self._contents.items():
            for name in _DEFINED.findall(b"\n" + content + b"\n"):
                found.setdefault(name.decode(), {})[path] = None
        return {name: tuple(paths) for name, paths in found.items()}

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


def _reads(source: str, path: str) -> bool:
    """Whether the file *path* is what ``source "net/Kconfig"`` names; a variable stands for any directory."""
    pattern = _source_pattern(source)
    return source == path if pattern is None else pattern.fullmatch(path) is not None


#: The symbols that are called otherwise than the folder.
_ARCHITECTURES = {"powerpc": "PPC", "sh": "SUPERH", "um": "UML"}


def architecture(root: str, path: str) -> Condition:
    """Return the condition that a file below ``arch/`` is built on: the symbol of its architecture."""
    parts = path.split("/")
    if len(parts) < 3 or parts[0] != "arch":
        return TRUE
    kconfig = _content(os.path.join(root, "arch", parts[1], "Kconfig"))
    symbol = _ARCHITECTURES.get(parts[1], parts[1].upper())
    return Symbol(symbol) if symbol.encode() in _DEFINED.findall(b"\n" + kconfig) else TRUE
