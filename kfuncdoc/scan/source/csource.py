# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""One C file of a kernel: its sets of kfuncs, their registrations, definitions and comments.

::

    text --comments, #if and #define taken out--> code --tree-sitter--> definitions, calls, initializers
                         |
                         +--> conditions, macros; sets, which macros and #if alone make

The preprocessor's part is read here, because a grammar of C does not know it: an ``#if`` may open a block in
each of its branches, and a set of kfuncs is a row of macros (``include/linux/btf_ids.h``).  C itself is left to
tree-sitter, which gets one branch of each ``#if``, so that braces pair as they do for a compiler.

All text is decoded as Latin-1: that never fails, and offsets in the text are offsets in the file, in bytes.
"""

from __future__ import annotations

import bisect
import dataclasses
import re
from dataclasses import dataclass, field
from functools import cached_property, lru_cache, partial
from typing import Iterator, Mapping, Optional

import tree_sitter
import tree_sitter_c

from kfuncdoc.bpf.prototype import Prototype, PrototypeError, parse_prototype
from kfuncdoc.scan.source.condition import (
    FALSE,
    TRUE,
    UNKNOWN,
    Condition,
    Not,
    conjunction,
    conjuncts,
    disjunction,
    negation,
    parse_preprocessor,
)
from kfuncdoc.scan.source.macros import EndlessExpansion, Headers, Macro, expanded, flags_of, items_of


@dataclass(frozen=True)
class SetEntry:
    """``BTF_ID_FLAGS(func, name, KF_ACQUIRE | KF_RCU)`` in a set."""

    name: str
    flags: tuple[str, ...]
    offset: int
    condition: Condition


@dataclass(frozen=True)
class KfuncSet:
    """A set of kfuncs, from ``BTF_KFUNCS_START(variable)`` to its end."""

    variable: str
    entries: tuple[SetEntry, ...]


@dataclass(frozen=True)
class KfuncIdSet:
    """``struct btf_kfunc_id_set variable``: a set as it is registered, with its filter."""

    variable: str
    set: Optional[str]
    filter: Optional[str]
    condition: Condition


@dataclass(frozen=True)
class RegistrationCall:
    """A call of ``register_btf_kfunc_id_set(program_type, &id_set)`` or ``register_btf_fmodret_id_set(&id_set)``."""

    #: None of the second: fmod_ret programs attach to the functions of the set, and do not call them.
    program_type: Optional[str]
    id_set: str
    offset: int
    condition: Condition


@dataclass(frozen=True)
class Definition:
    """A function with a body."""

    name: str
    #: As written, with all parameters; None where it cannot be read.
    prototype: Optional[Prototype]
    #: The offset of its name, and of its beginning, which may be a line above.
    offset: int
    start: int
    #: When one of its definitions in the file is built.
    condition: Condition
    static: bool
    body: str


@dataclass(frozen=True)
class Comment:
    """A comment, with its marks."""

    start: int
    end: int
    text: str


@dataclass(frozen=True)
class Unclear:
    """Something at *offset* that could not be read; *text* is the message of a remark."""

    offset: int
    text: str


# -- the preprocessor's part

# A literal without an end ends with its line, so that no text is searched twice.
_LEXEME = re.compile(r"""/\*.*?(?:\*/|\Z)|//(?:\\\n|[^\n])*|"(?:\\.|[^"\\\n])*"?|'(?:\\.|[^'\\\n])*'?""", re.S)
_DIRECTIVE = re.compile(r"#[ \t]*([a-z]+)((?:\\\n|[^\n])*)")
_NOT_LINE_END = re.compile(r"[^\n]")
_DEFINE = re.compile(r"\s*(\w+)(\(([^()]*)\))?(.*)", re.S | re.A)
_INCLUDE = re.compile(r"""\s*(?:<([^>\n]+)>|"([^"\n]+)")""")

#: Annotations of a definition, which are no part of the prototype.  Each pattern begins with letters, and tests
#: behind them that a word begins there: so the search skips most of a file.
_ANNOTATION = re.compile(
    r"__(?<!\w__)(?:bpf_kfunc|used|retain|noclone|always_inline|must_check|pure|weak|init|exit|ref|user|rcu|iomem"
    r"|percpu|force|nocast|private|maybe_unused|always_unused|cold|hot|visible|kprobes|naked|nocfi|bpf_hook"
    r"|attribute__\s*\(\((?:[^()]|\([^()]{0,200}\)){0,200}\)\)"
    r"|(?:printf|scanf|acquires|releases|cond_acquires|must_hold|no_sanitize|section|nonstring"
    r"|counted_by|guarded_by|alloc_size|aligned)\s*\((?:[^()]|\([^()]{0,200}\)){0,200}\))(?!\w)",
    re.A,
)
_PLAIN_ANNOTATION = re.compile(r"no(?<!\wno)(?:inline(?:_for_stack)?|trace|kprobe_inline|instr)(?!\w)", re.A)
_STORAGE = re.compile(r"\b(?:static|asmlinkage|inline|__inline|__inline__|extern|register|_Noreturn|__noreturn)\b")
_MARK = re.compile(r"__bpf_kfunc(?!\w)", re.A)
_MARKED_NAME = re.compile(r"[^;{}()#]{0,400}?\b(\w+)\s*\(", re.A)

# The types of a prototype.  One word too many is a macro that is missing among the annotations above.
_BASIC = r"(?:void|char|short|int|long|float|double|signed|unsigned|bool|_Bool|__int128)\b"
_QUALIFIER = r"(?:const|volatile|restrict|__restrict)\b"
_TYPE = (
    rf"(?:{_QUALIFIER} )*"
    rf"(?:(?:struct|union|enum) \w+|{_BASIC}(?: {_BASIC})*|(?!{_BASIC}|{_QUALIFIER})\w+)"
    rf"(?: ?\*| ?{_QUALIFIER})*"
)
_LONGEST_PROTOTYPE = 10_000
_RETURNED = re.compile(_TYPE, re.A)
_PARAMETER = re.compile(
    rf"\.\.\.|{_TYPE}(?: ?\((?:\*[^()]*|\w+)\)\(.*\)|(?: ?\b(?!{_BASIC})\w+)?(?:\[[^\]]*\])*)", re.A
)

_BTF_MACRO = re.compile(r"^[ \t]*BTF_[A-Z0-9_]+[ \t]*(?:\([^()\n]*\))?[ \t]*;?", re.M)


@dataclass
class _IfBranch:
    """The text between two directives of one ``#if``, from *start* to *end*."""

    start: int
    condition: Condition
    end: int = -1


@dataclass
class _IfGroup:
    """One ``#if`` with its branches."""

    branches: list[_IfBranch] = field(default_factory=list)
    #: When none of the branches so far is taken.
    otherwise: Condition = TRUE

    def open(self, start: int, condition: Condition) -> None:
        """Open a branch at *start* that is taken on *condition*, if none before it is."""
        self.branches.append(_IfBranch(start, conjunction(self.otherwise, condition)))
        self.otherwise = conjunction(self.otherwise, negation(condition))

    @property
    def usual(self) -> int:
        """The number of the branch that is read by default: the first that can be taken."""
        return next((number for number, branch in enumerate(self.branches) if branch.condition != FALSE), 0)


# -- sets

_SET_MARK = re.compile(r"BTF_(KFUNCS|SET8|SET)_(START|END)(?:_GLOBAL)?\s*\(\s*(\w+)\s*[),]", re.A)
#: Conditions inside of conditions.
_DEEPEST_GROUP = 64
#: Pointers of pointers in a declaration.
_DEEPEST_DECLARATOR = 16

# -- C

_ID_SET = re.compile(r"struct\s+btf_kfunc_id_set\s+(?:const\s+)?(\w+)(?:\s+__\w+)?\s*=\s*\{", re.A)
_REGISTER = re.compile(r"(register_(?<!\wregister_)btf_(?:kfunc|fmodret)_id_set)\s*\(", re.A)
_REGISTERED = re.compile(r"(?:(BPF_PROG_TYPE_\w+), )?&\s*(\w+)", re.A)
_STRUCT_OPS = re.compile(r"struct\s+bpf_struct_ops\s+(\w+)\s*=\s*\{", re.A)
_CALLED = re.compile(r"\b(\w+)\s*\(", re.A)
_MEMBER = re.compile(r"\.\s*(\w+)\s*=\s*&?\s*(\w+|\"[^\"\n]*\")", re.A)
_HOOK_CASE = re.compile(r"\bcase\s+(BPF_PROG_TYPE_\w+)\s*:|\breturn\s+BTF_KFUNC_HOOK_(\w+)\s*;|\bdefault\s*:", re.A)

_KERNEL_DOC = re.compile(r"/\*\*\s*\n\s*\*\s*(?:function\s+)?(\w+)\s*(?:\([^)\n]*\))?\s*(?:[-:]|\n|\*/)", re.A)


class CSource:
    """One C file; each part of it is read when it is asked for."""

    def __init__(self, path: str, content: bytes) -> None:
        self.path = path
        self._text = content.decode("latin-1").replace("\r\n", "\n").replace("\r", " ").replace("\0", " ")
        self.comments: list[Comment] = []
        self._code = _LEXEME.sub(self._comment_taken_out, self._text)
        self._groups: list[_IfGroup] = []
        self._macros: dict[str, list[tuple[int, Optional[Macro]]]] = {}
        #: The names behind ``#include``, as written (``<net/xdp.h>``, ``"ext.c"``), with their offsets.
        self.includes: list[tuple[str, int]] = []
        #: The offsets at which the condition changes, and the condition from there on.
        self._changes: list[int] = [0]
        self._conditions: list[Condition] = [TRUE]
        self._read_directives()
        self._trees: dict[tuple[tuple[int, int], ...], tree_sitter.Tree] = {}
        self._definitions: dict[str, Optional[Definition]] = {}
        self._unclear: dict[Unclear, None] = {}

    def _comment_taken_out(self, match: re.Match[str]) -> str:
        text = match[0]
        if text[0] != "/":
            return text
        self.comments.append(Comment(match.start(), match.end(), text))
        return _blank(text)

    def _read_directives(self) -> None:
        """Read conditions, macros and includes, and blank the directives in the code."""
        stack: list[_IfGroup] = []
        pieces, done = [], 0
        for match in _DIRECTIVE.finditer(self._code):
            if self._code[self._code.rfind("\n", 0, match.start()) + 1 : match.start()].strip():
                continue
            word, rest = match[1], match[2].replace("\\\n", "  ")
            if word in ("if", "ifdef", "ifndef"):
                stack.append(_IfGroup())
                self._groups.append(stack[-1])
                stack[-1].open(match.end(), _condition_of(word, rest) if len(stack) <= _DEEPEST_GROUP else UNKNOWN)
            elif word in ("elif", "else") and stack:
                stack[-1].branches[-1].end = match.start()
                stack[-1].open(match.end(), parse_preprocessor(rest) if word == "elif" else TRUE)
            elif word == "endif" and stack:
                stack.pop().branches[-1].end = match.start()
            elif word == "define":
                self._define(match.start(), rest)
            elif word == "undef":
                self._macros.setdefault(rest.strip(), []).append((match.start(), None))
            elif word == "include":
                included = _INCLUDE.match(rest)
                if included is not None:
                    self.includes.append((f"<{included[1]}>" if included[1] else f'"{included[2]}"', match.start()))
            if word in ("if", "ifdef", "ifndef", "elif", "else", "endif"):
                around = conjunction(*(group.branches[-1].condition for group in stack[:_DEEPEST_GROUP]))
                self._changes.append(match.end())
                self._conditions.append(around)
            pieces += [self._code[done : match.start()], _blank(match[0])]
            done = match.end()
        for group in stack:
            group.branches[-1].end = len(self._code)
        self._code = "".join([*pieces, self._code[done:]])

    def _define(self, offset: int, rest: str) -> None:
        match = _DEFINE.match(rest)
        if match is not None:
            parameters = None if match[2] is None else tuple(parameter.strip() for parameter in match[3].split(","))
            self._macros.setdefault(match[1], []).append((offset, Macro(parameters, match[4].strip())))

    def condition(self, offset: int) -> Condition:
        """Return the condition of the ``#if`` lines around *offset*."""
        return self._conditions[bisect.bisect_right(self._changes, offset) - 1]

    def line(self, offset: int) -> int:
        """Return the line of *offset*, counted from 1."""
        return bisect.bisect_right(self._line_ends, offset - 1) + 1

    @cached_property
    def _line_ends(self) -> list[int]:
        return [match.start() for match in re.finditer("\n", self._text)]

    def macro(self, name: str, offset: Optional[int] = None) -> Optional[Macro]:
        """Return what *name* stands for at *offset*, or at the end of the file."""
        current = None
        for defined_at, macro in self._macros.get(name, ()):
            if offset is None or defined_at < offset:
                current = macro
        return current

    # -- sets

    def read_sets(self, headers: Headers) -> tuple[KfuncSet, ...]:
        """Return the sets of kfuncs; *headers* knows the macros that the file does not define itself.

        A set that several branches of an ``#if`` define is one set, and its entries have the conditions.
        """
        sets: dict[str, list[SetEntry]] = {}
        for kind, variable, start, end in self._set_spans():
            if kind != "SET" and self.condition(start) != FALSE:
                sets.setdefault(variable, []).extend(self._entries(variable, start, end, headers))
        return tuple(KfuncSet(variable, tuple(entries)) for variable, entries in sets.items())

    def plain_sets(self) -> Mapping[str, frozenset[str]]:
        """Return the members of each set without flags (``BTF_SET_START``), which filters search."""
        return {
            variable: frozenset(re.findall(r"\bBTF_ID\s*\(\s*func\s*,\s*(\w+)", self._code[start:end]))
            for kind, variable, start, end in self._set_spans()
            if kind == "SET"
        }

    def _set_spans(self) -> Iterator[tuple[str, str, int, int]]:
        """Yield the kind, the variable, and the beginning and end of the inside of each set."""
        opened: Optional[re.Match[str]] = None
        for mark in _SET_MARK.finditer(self._code):
            if mark[2] == "END":
                if opened is not None:
                    yield opened[1], opened[3], opened.end(), mark.start()
                opened = None
            else:
                if opened is not None:
                    self._add_unclear(opened.start(), f"the set {opened[3]} does not end")
                opened = mark
        if opened is not None:
            self._add_unclear(opened.start(), f"the set {opened[3]} does not end")

    def _add_unclear(self, offset: int, text: str) -> None:
        self._unclear[Unclear(offset, text)] = None  # each once

    @property
    def unclear(self) -> tuple[Unclear, ...]:
        """What could not be read in the parts that were asked for so far."""
        return tuple(self._unclear)

    def _entries(self, variable: str, start: int, end: int, headers: Headers) -> Iterator[SetEntry]:
        for word, arguments, offset in items_of(self._code[start:end], start):
            condition = self.condition(offset)
            if condition == FALSE:
                continue
            try:
                items = list(expanded(word, arguments, self._macros_at(offset, headers)))
            except EndlessExpansion:
                self._add_unclear(offset, f"{word} in the set {variable} expands to more than can be read")
                continue
            for expanded_word, expanded_arguments in items:
                if expanded_word == "BTF_ID_FLAGS" and len(expanded_arguments) > 1 and expanded_arguments[0] == "func":
                    flags, others = flags_of(expanded_arguments[2:], partial(self.macro, offset=offset))
                    name = expanded_arguments[1]
                    for other in others:
                        self._add_unclear(offset, f"{other} among the flags of {name} is no flag that is known")
                    yield SetEntry(name, flags, offset, condition)
                elif expanded_word != "BTF_ID_UNUSED":
                    self._add_unclear(offset, f"{expanded_word} in the set {variable} is no entry that is known")

    def _macros_at(self, offset: int, headers: Headers) -> Headers:
        """Return a look-up of the macros that are defined at *offset*, in the file or in *headers*."""

        def lookup(name: str) -> Optional[Macro]:
            return self.macro(name, offset) or (None if name in self._macros else headers(name))

        return lookup

    # -- C

    def id_sets(self) -> Iterator[KfuncIdSet]:
        """Yield each ``struct btf_kfunc_id_set``; branches of an ``#if`` can define several by one name."""
        for match in _ID_SET.finditer(self._code):
            condition = self.condition(match.start())
            if condition != FALSE:
                members = self._members(match.end() - 1)
                yield KfuncIdSet(match[1], members.get("set"), members.get("filter"), condition)

    def _members(self, brace: int) -> dict[str, str]:
        """Return the designated members of the initializer that opens at *brace*."""
        node = self._node(brace, brace + 1)
        initializer = node.parent if node is not None else None
        if initializer is not None and self._is_divided(initializer.start_byte, initializer.end_byte):
            self._add_unclear(brace, "only one branch of the #if in this initializer is read")
        members = {}
        for pair in initializer.named_children if initializer is not None else ():
            match = _MEMBER.match(self._code, pair.start_byte, pair.end_byte)
            if pair.type == "initializer_pair" and match is not None:
                members[match[1]] = match[2]
        return members

    def _is_divided(self, start: int, end: int) -> bool:
        """Whether a branch of an ``#if`` begins or ends between *start* and *end*."""
        first = bisect.bisect_right(self._changes, start)
        return first < len(self._changes) and self._changes[first] < end

    def calls(self) -> Iterator[RegistrationCall]:
        """Yield the calls that register sets, in their order."""
        self._report_registering_macros()
        for match in _REGISTER.finditer(self._code):
            condition = self.condition(match.start())
            node = self._node(match.start(1), match.end(1))
            call = node.parent if node is not None and node.type == "identifier" and condition != FALSE else None
            if call is None or call.type == "function_declarator":
                # The function itself, a declaration of it, or a word in a string.
                continue
            given = call.child_by_field_name("arguments") if call.type == "call_expression" else None
            texts = [self._code[node.start_byte : node.end_byte] for node in given.named_children] if given else []
            arguments = _REGISTERED.fullmatch(", ".join(texts))
            if arguments is not None and (arguments[1] is None) == (match[1] == "register_btf_fmodret_id_set"):
                yield RegistrationCall(arguments[1], arguments[2], match.start(), condition)
            else:
                self._add_unclear(match.start(), f"this call of {match[1]}() does not tell what it registers")

    def _report_registering_macros(self) -> None:
        """Note the macros that register sets: where they are used is not read."""
        for name, definitions in self._macros.items():
            for offset, macro in definitions:
                if macro is not None and _REGISTER.search(macro.body):
                    self._add_unclear(offset, f"the macro {name} registers sets, and where it is used is not read")

    @cached_property
    def marked(self) -> Mapping[str, tuple[int, ...]]:
        """The functions that are marked ``__bpf_kfunc``, each with the offsets of its name."""
        offsets: dict[str, tuple[int, ...]] = {}
        for mark in _MARK.finditer(self._code):
            name = _MARKED_NAME.match(self._plain_code, mark.end())
            if name is not None:
                offsets[name[1]] = (*offsets.get(name[1], ()), name.start(1))
        return offsets

    def definition(self, name: str) -> Optional[Definition]:
        """Return the definition of the function *name*; of several, the one that is no stub in an ``#else``."""
        if name not in self._definitions:
            candidates = [
                definition for offset in self._called.get(name, ()) for definition in self._defined(name, offset)
            ]
            # A stub is for configurations without the real function, and it is short.
            best = max(
                candidates,
                key=lambda candidate: (not _is_negative(candidate.condition), len(candidate.body)),
                default=None,
            )
            if best is not None:
                either = disjunction(*(candidate.condition for candidate in candidates))
                best = dataclasses.replace(best, condition=either)
            self._definitions[name] = best
        return self._definitions[name]

    def _defined(self, name: str, offset: int) -> Iterator[Definition]:
        """Yield the definition of *name* whose name is at *offset*, if there is one."""
        condition = self.condition(offset)
        node = self._node(offset, offset + len(name)) if condition != FALSE else None
        declarator = node.parent if node is not None and node.type == "identifier" else None
        if declarator is None or declarator.type != "function_declarator":
            return
        whole = declarator.parent
        for _ in range(_DEEPEST_DECLARATOR):
            if whole is None or whole.type not in ("pointer_declarator", "parenthesized_declarator"):
                break
            whole = whole.parent
        body = whole.child_by_field_name("body") if whole is not None and whole.type == "function_definition" else None
        if whole is None or body is None:
            return
        start, end = whole.start_byte, body.start_byte
        before, behind = self._plain_code[start:offset], self._plain_code[offset:end]
        static = re.search(r"\bstatic\b", before) is not None
        # With an `#if` inside, there is a prototype for each of its branches.
        prototype = None if self._is_divided(start, end) else _prototype(_STORAGE.sub(" ", before) + behind)
        text = self._code[body.start_byte : body.end_byte]
        yield Definition(name, prototype, offset, start, condition, static, text)

    @cached_property
    def struct_ops(self) -> Mapping[str, str]:
        """The ``name`` of each ``struct bpf_struct_ops``, by its variable; BPF programs use the name."""
        named = (
            (match[1], self._members(match.end() - 1).get("name", "")) for match in _STRUCT_OPS.finditer(self._code)
        )
        return {variable: name.strip('"') for variable, name in named if name}

    def hooks(self) -> dict[str, str]:
        """Return the hook of each program type, by ``bpf_prog_type_to_kfunc_hook()`` of ``kernel/bpf/btf.c``."""
        function = self.definition("bpf_prog_type_to_kfunc_hook")
        hooks: dict[str, str] = {}
        waiting: list[str] = []
        for match in _HOOK_CASE.finditer(function.body if function is not None else ""):
            if match[1]:
                waiting.append(match[1])
                continue
            if match[2]:
                hooks.update(dict.fromkeys(waiting, match[2].lower()))
            waiting = []
        return hooks

    # -- comments

    @cached_property
    def kernel_doc(self) -> Mapping[str, Comment]:
        """The kernel-doc comments by the name that they describe."""
        described = ((_KERNEL_DOC.match(comment.text), comment) for comment in self.comments)
        return {match[1]: comment for match, comment in described if match is not None}

    def comment_above(self, definition: Definition) -> Optional[Comment]:
        """Return the comment directly above *definition*; only directives may stand between the two."""
        number = bisect.bisect_right(self._comment_starts, definition.start) - 1
        if number < 0 or self._plain_code[self.comments[number].end : definition.start].strip():
            return None
        return self.comments[number]

    @cached_property
    def _comment_starts(self) -> list[int]:
        return [comment.start for comment in self.comments]

    @property
    def called(self) -> frozenset[str]:
        """Every name with a parenthesis behind it: the functions that are called, defined or declared."""
        return frozenset(self._called)

    @cached_property
    def _called(self) -> Mapping[str, list[int]]:
        called: dict[str, list[int]] = {}
        for match in _CALLED.finditer(self._plain_code):
            called.setdefault(match[1], []).append(match.start())
        return called

    # -- trees

    @cached_property
    def _plain_code(self) -> str:
        """The code with blanks for annotations, which the grammar would take for types."""
        without = _ANNOTATION.sub(lambda match: _blank(match[0]), self._code)
        return _PLAIN_ANNOTATION.sub(lambda match: _blank(match[0]), without)

    def _node(self, start: int, end: int) -> Optional[tree_sitter.Node]:
        """Return the smallest node that has *start* to *end*, in the tree of the branches around it."""
        chosen = []
        for number, group in enumerate(self._groups):
            for index, branch in enumerate(group.branches):
                if branch.start <= start < branch.end and index != group.usual:
                    chosen.append((number, index))
        key = tuple(chosen)
        if key not in self._trees:
            self._trees[key] = _parser().parse(self._view(dict(chosen)).encode("latin-1"))
        return self._trees[key].root_node.descendant_for_byte_range(start, end)

    def _view(self, chosen: dict[int, int]) -> str:
        """Return the code with one branch of each ``#if``: the *chosen* one, by number, else the usual one."""
        code = self._plain_code
        pieces, done = [], 0
        dropped = sorted(
            (branch.start, branch.end)
            for number, group in enumerate(self._groups)
            for index, branch in enumerate(group.branches)
            if index != chosen.get(number, group.usual)
        )
        for start, end in dropped:
            if end > done:
                start = max(start, done)
                pieces += [code[done:start], _blank(code[start:end])]
                done = end
        # Sets are macros without semicolons, which the grammar cannot read.
        return _BTF_MACRO.sub(lambda match: _blank(match[0]), "".join([*pieces, code[done:]]))


def _blank(text: str) -> str:
    """Return as many blanks as *text* is long, with its line ends."""
    return _NOT_LINE_END.sub(" ", text) if "\n" in text else " " * len(text)


def _prototype(text: str) -> Optional[Prototype]:
    """Return the prototype in *text*; None where a word in it may be a macro that was not expanded."""
    try:
        prototype = parse_prototype(text)
    except PrototypeError:
        return None
    if len(text) > _LONGEST_PROTOTYPE:
        return None
    plain = _RETURNED.fullmatch(prototype.returns) and all(map(_PARAMETER.fullmatch, prototype.parameters))
    return prototype if plain else None


def _is_negative(condition: Condition) -> bool:
    """Whether *condition* asks that a symbol is not set."""
    return any(isinstance(part, Not) for part in conjuncts(condition))


def _condition_of(word: str, rest: str) -> Condition:
    """Return the condition of the directive *word* (``if``, ``ifdef``, ``ifndef``) with *rest* behind it."""
    if word == "if":
        return parse_preprocessor(rest)
    names = rest.split()
    condition = parse_preprocessor(f"defined({names[0]})") if names else UNKNOWN
    return condition if word == "ifdef" else negation(condition)


@lru_cache(maxsize=1)
def _parser() -> tree_sitter.Parser:
    return tree_sitter.Parser(tree_sitter.Language(tree_sitter_c.language()))
