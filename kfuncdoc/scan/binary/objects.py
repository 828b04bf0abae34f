# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""BPF objects, as clang compiles them, and libraries of them (``ar``).

::

    file --library--> ELF --symbols, .BTF------> externs
                       |--relocations, code----> calls --call graph--> programs
                       `--.BTF.ext-------------> lines of the source

An object is read as libbpf does (``tools/lib/bpf/libbpf.c``).  A kfunc is an undefined symbol that is a function
in the BTF section ``.ksyms``.  Every function of a section of code is a program, except in ``.text``: these are
parts of the programs that call them.
"""

from __future__ import annotations

import bisect
import dataclasses
import hashlib
import io
import os
import struct
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from enum import Enum
from typing import Final, NamedTuple, Optional, TypeVar, Union

from kfuncdoc.bpf.conditions import (
    ALWAYS,
    NEVER,
    Condition,
    ConditionTable,
    GlobalsCheckedWhereCalled,
    KfuncFound,
    OptionalPartsCount,
)
from kfuncdoc.bpf.objects import BpfObject, Call, Extern, Program, SymbolFault, UnplacedSymbol, essential_name
from kfuncdoc.bpf.sections import program_section as section_named
from kfuncdoc.scan.binary import elf, embedded, instructions
from kfuncdoc.scan.binary.btf import DATASEC, FUNC, VAR, Btf
from kfuncdoc.scan.binary.btf_ext import BtfExt
from kfuncdoc.scan.binary.elf import Elf, ElfSection, ElfSymbol
from kfuncdoc.scan.binary.following import CallSite, reach_of_calls, reach_of_functions
from kfuncdoc.scan.binary.library import LIBRARY, THIN_LIBRARY, members
from kfuncdoc.scan.errors import Unscannable, exists, is_file, is_folder, opened, readable

#: Bytes; a real object has a hundredth of it.
LARGEST_OBJECT = 64 << 20
#: The largest file that is searched for objects; programs in Rust with debug information have a fifth of this size.
LARGEST_FILE = 1 << 30
#: The path that stands for standard input.
STANDARD_INPUT: Final = "-"
#: The most rounds of following all calls; real objects need hardly more than the depth of their calls.
_MOST_ROUNDS = 200
#: A file with such a name that is not an object is an error, even in a folder.
_SUFFIX = ".bpf.o"
#: Bytes at the beginning of a file that tell what it is.
_HEAD_BYTES = 4096
_KSYMS = ".ksyms"
_STRUCT_OPS = (".struct_ops", ".struct_ops.link", "?.struct_ops", "?.struct_ops.link")
_SUBPROGRAMS = ".text"
_CONSTANTS, _KCONFIG = ".rodata", ".kconfig"
_REL_BYTES = 16

_Item = TypeVar("_Item")


def find_objects(paths: Sequence[str]) -> tuple[list[str], list[tuple[str, str]]]:
    """Return the files with objects that *paths* name, and the files in folders that cannot be read, with the reasons.

    A folder stands for every file in it and below that is or contains a BPF object, whatever its name, in order:
    objects, libraries, programs, and skeletons.  A program or skeleton is left out if each object in it is a copy of an
    object of these folders, as a build makes such copies.  A folder without objects stays in the list: reading it is an
    error.  The same holds for a file that is named ``.bpf.o`` but is not an object.  A file that is named more than
    once, by itself and by its folder, is listed once, under its first name.
    """
    unreadable: list[tuple[str, str]] = []

    def refuse(error: OSError) -> None:
        unreadable.append((str(error.filename), (error.strerror or "it cannot be read").lower()))

    copies = _Copies()
    folders: list[tuple[str, list[tuple[str, _Kind]]]] = []
    for path in paths:
        below: list[tuple[str, _Kind]] = []
        refused_before = len(unreadable)
        for folder, _, names in sorted(os.walk(path, onerror=refuse) if _is_walked(path) else ()):
            for name in sorted(names):
                file = os.path.join(folder, name)
                try:
                    kind = _kind_of_file(file)
                except Unscannable as error:
                    unreadable.append((error.path, error.message))
                    continue
                if kind is _Kind.OBJECT:
                    copies.add_object(file)
                if kind is not _Kind.OTHER:
                    below.append((file, kind))
        if below or len(unreadable) == refused_before:
            folders.append((path, below))
    objects: list[str] = []
    for path, below in folders:
        has_object = False
        for file, kind in below:
            try:
                content = copies.compare(file) if kind is _Kind.CARRIER else _Content.NEW
            except Unscannable as error:
                unreadable.append((error.path, error.message))
                content = _Content.COPIES
            has_object |= content is not _Content.NOTHING
            if content is _Content.NEW:
                objects.append(file)
        if not has_object:
            objects.append(path)
    return _once_each(objects, str), _once_each(unreadable, lambda refusal: refusal[0])


def _is_walked(path: str) -> bool:
    return path != STANDARD_INPUT and os.path.isdir(path)


class _Kind(Enum):
    """What a file in a folder is, as far as its first bytes tell."""

    OBJECT, CARRIER, OTHER = "an object", "a file that may have objects in it", "neither"


class _Content(Enum):
    """What a file has in it."""

    NEW, COPIES, NOTHING = "an object that no file has yet", "copies of objects", "no object"


def _kind_of_file(path: str) -> _Kind:
    """Return what the file at *path* is.  Raises :exc:`Unscannable` where it cannot be read."""
    named_so = path.endswith(_SUFFIX)
    if not is_file(path):
        return _Kind.OBJECT if named_so else _Kind.OTHER  # reading it is an error
    with opened(path) as stream, readable(path):
        head = stream.read(_HEAD_BYTES)
    if named_so or embedded.is_object(head):
        return _Kind.OBJECT
    return _Kind.CARRIER if head.startswith((elf.MAGIC, LIBRARY)) or embedded.is_skeleton(head) else _Kind.OTHER


class _Copies:
    """The objects of folders, to find out which others are copies of them."""

    def __init__(self) -> None:
        self._files: dict[int, list[str]] = {}
        self._digests: set[bytes] = set()

    def add_object(self, path: str) -> None:
        """Add the object that is the file at *path*."""
        with suppress(OSError):
            self._files.setdefault(os.stat(path).st_size, []).append(path)

    def compare(self, path: str) -> _Content:
        """Return what the file at *path* has in it, and add its objects.  Raises :exc:`Unscannable`."""
        result = _Content.NOTHING
        for piece in _pieces(path):
            if not embedded.is_object(piece.content):
                continue
            digest = hashlib.sha256(piece.content).digest()
            files = self._files.get(len(piece.content), ())
            if digest not in self._digests and not any(_has_content(file, piece.content) for file in files):
                result = _Content.NEW
            elif result is _Content.NOTHING:
                result = _Content.COPIES
            self._digests.add(digest)
        return result


def _has_content(path: str, content: bytes) -> bool:
    try:
        with open(path, "rb") as stream:
            return stream.read(len(content) + 1) == content
    except OSError:
        return False


def _once_each(items: Sequence[_Item], path_of: Callable[[_Item], str]) -> list[_Item]:
    """Return *items* without those whose path names the same place as that of an earlier one."""
    first: dict[str, _Item] = {}
    for item in items:
        path = path_of(item)
        first.setdefault(path if path == STANDARD_INPUT else os.path.abspath(path), item)
    return list(first.values())


def read_objects(path: str) -> Iterator[BpfObject]:
    """Yield the objects that :func:`read_each` yields.  Raises :exc:`Unscannable` for the first that cannot be read."""
    for read in read_each(path):
        if isinstance(read, Unscannable):
            raise read
        yield read


def read_each(path: str) -> Iterator[Union[BpfObject, Unscannable]]:
    """Yield each BPF object of the file at *path*, or why it cannot be read.

    The file is an object, a library of them, or a file that has objects in it, see :mod:`.embedded`;
    :data:`STANDARD_INPUT` is standard input.
    """
    piece = None
    try:
        for piece in _pieces(path):
            try:
                yield read_object(piece.path, piece.content, piece.offset)
            except Unscannable as error:
                yield error
        if piece is None:
            yield Unscannable(path, "there is no object in this library")
    except Unscannable as error:
        yield error


class _Piece(NamedTuple):
    """The *content* of a file, or of an object inside it: its *path* in reports, and its *offset* in the file."""

    path: str
    content: bytes
    offset: Optional[int] = None


def _pieces(path: str) -> Iterator[_Piece]:
    """Yield the parts of the file at *path* to read as objects.  Raises :exc:`Unscannable`."""
    path, content = _content(path)
    if content.startswith(THIN_LIBRARY):
        raise Unscannable(path, "this library only names its objects: name them yourself")
    if content.startswith(LIBRARY):
        yield from _pieces_of_library(path, content)
        return
    pieces = _pieces_within(path, content)
    first = next(pieces, None)
    if first is not None:
        yield first
        yield from pieces
    else:
        yield _Piece(path, content)  # the error says what it is instead


def _pieces_of_library(path: str, content: bytes) -> Iterator[_Piece]:
    """Yield the objects of a library, and those inside its members for another machine."""
    of_other_machines = None
    is_empty = True
    for name, member in members(path, content):
        pieces = list(_pieces_within(f"{path}({name})", member))
        if not pieces and member.startswith(elf.MAGIC) and not embedded.is_object(member):
            of_other_machines = of_other_machines or _Piece(f"{path}({name})", member)
            continue
        is_empty = False
        yield from pieces or [_Piece(f"{path}({name})", member)]
    if is_empty and of_other_machines is not None:
        yield of_other_machines


def _pieces_within(path: str, content: bytes) -> Iterator[_Piece]:
    """Yield *content* if it is an object, else the objects in it, if there are any."""
    if embedded.is_object(content):
        if len(content) > LARGEST_OBJECT:
            raise Unscannable(path, f"it has more than {LARGEST_OBJECT >> 20} MiB, more than a BPF object can have")
        yield _Piece(path, content)
        return
    for inner in embedded.objects_within(path, content):
        yield _Piece(f"{path}({inner.name})", inner.content, inner.offset)


def _content(path: str) -> tuple[str, bytes]:
    """Return the name in reports and the content of the file at *path*.  Raises :exc:`Unscannable`."""
    if path == STANDARD_INPUT:
        path, stream = "(standard input)", getattr(sys.stdin, "buffer", None)
        if stream is None:
            raise Unscannable(path, "it is closed")
        with readable(path):
            content = stream.read(LARGEST_FILE + 1)
    else:
        if not exists(path):
            raise Unscannable(path, "there is no such file or folder")
        if is_folder(path):
            raise Unscannable(path, "there is no BPF object in this folder")
        with opened(path) as stream, readable(path):
            # A read of the largest size would allocate that much memory first.
            size = min(os.fstat(stream.fileno()).st_size, LARGEST_FILE)
            content = stream.read(size + 1)
            if size < len(content) <= LARGEST_FILE:
                content += stream.read(LARGEST_FILE + 1 - len(content))
    if len(content) > LARGEST_FILE:
        raise Unscannable(path, f"it has more than {LARGEST_FILE >> 20} MiB, more than is read")
    return path, content


def read_object(path: str, content: bytes, offset: Optional[int] = None) -> BpfObject:
    """Return the object in *content*; *path* names it in errors.  Raises :exc:`Unscannable`.

    *offset* is where it begins in the file that it is inside of, in bytes.
    """
    if embedded.is_light_skeleton(content):
        raise Unscannable(path, "a light skeleton has no BPF object in it: audit the object that it was made from")
    if not content.startswith(elf.MAGIC):
        raise Unscannable(path, "this is no BPF object: it is not ELF" if content else "it is empty")
    file = Elf(path, io.BytesIO(content))
    if file.machine[0] != elf.BPF_MACHINE or file.machine[1] != 64:
        raise Unscannable(path, f"this is no BPF object: it is for the machine {elf.machine_name(file.machine[0])}")
    read = _ObjectReader(path, file).read()
    return read if offset is None else dataclasses.replace(read, offset=offset)


class _Relocation(NamedTuple):
    """The address of a *symbol*, by its number, belongs at *offset* of a section, in bytes."""

    offset: int
    symbol: int


class _ObjectReader:
    """Reads one object."""

    def __init__(self, path: str, file: Elf) -> None:
        self._path = path
        self._elf = file
        table = file.symbol_table()
        self._names = file.symbol_names(table) if table else b""
        self._symbols: tuple[ElfSymbol, ...] = tuple(file.symbols(table)) if table else ()
        blob = file.read(".BTF")
        self._btf = Btf(blob, path) if blob else None
        self._code = {
            section.number: instructions.SectionCode(file.contents(section, f"section {section.name}"), file.mark)
            for section in file.sections
            if section.type == elf.PROGBITS and section.flags & elf.EXECUTABLE and section.size
        }
        if self._code and table is None:
            raise Unscannable(
                path, "its symbols were stripped: nobody can tell what it calls, and libbpf cannot load it"
            )
        extension = file.read(".BTF.ext") if self._btf else None
        self._extension = BtfExt(path, extension or b"", self._btf, file.mark)
        self._constants = _ObjectConstants(file, self._symbols, self._name, self._btf)
        self._relocations = self._all_relocations()
        self._symbols_at = {
            number: {
                relocation.offset // instructions.BYTES: relocation.symbol
                for relocation in self._relocations.get(number, ())
            }
            for number in self._code
        }

    def read(self) -> BpfObject:
        """Return the object."""
        externs, unplaced = self._externs()
        functions = self._functions()
        # Calls of symbols that libbpf cannot place are kept, too: they show where the source needs the symbols.
        called = {**externs, **{symbol: Extern(unplaced[symbol].name, weak=False) for symbol in unplaced}}
        self._link(functions, {symbol: index for index, symbol in enumerate(called)})
        programs = self._programs(functions)
        calls = tuple(self._calls(functions, tuple(called.values()), programs))
        if self._btf is None:
            # Without types, the undefined symbols that are called count as kfuncs.
            names = {call.extern for call in calls}
            externs = {symbol: extern for symbol, extern in externs.items() if extern.name in names}
        return BpfObject(
            self._path,
            tuple(sorted(externs.values(), key=lambda extern: extern.name)),
            tuple(programs.values()),
            calls,
            has_btf=self._btf is not None,
            unplaced=tuple(sorted(unplaced.values(), key=lambda symbol: symbol.name)),
            defined=self._defined(),
        )

    def _name(self, symbol: ElfSymbol) -> str:
        return self._elf.string_at(self._names, symbol.name)

    # -- externs

    def _externs(self) -> tuple[dict[int, Extern], dict[int, UnplacedSymbol]]:
        """Return the kfuncs that are declared, and what libbpf cannot place, by the numbers of their symbols."""
        undefined = {
            index: symbol
            for index, symbol in enumerate(self._symbols)
            if symbol.section == elf.UNDEFINED and symbol.type == elf.NOTYPE and symbol.binding != elf.LOCAL
        }
        btf = self._btf
        types = self._types_by_name(btf) if btf and undefined else {}
        sections = self._sections_by_type(btf) if btf and undefined else {}
        externs: dict[int, Extern] = {}
        unplaced: dict[int, UnplacedSymbol] = {}
        for index, symbol in undefined.items():
            name = self._name(symbol)
            if not name:
                continue
            weak, number = symbol.binding == elf.WEAK, types.get(name)
            if btf is None:
                externs[index] = Extern(name, weak)
            elif number is None:
                unplaced[index] = UnplacedSymbol(name, SymbolFault.UNTYPED)
            elif not btf.is_extern(number):
                unplaced[index] = UnplacedSymbol(name, SymbolFault.NOT_EXTERN, sections.get(number, ""))
            elif number not in sections:
                unplaced[index] = UnplacedSymbol(name, SymbolFault.WITHOUT_SECTION)
            elif sections[number] == _KSYMS and btf.kind(number) == FUNC:
                externs[index] = Extern(name, weak, btf.prototype(number), btf.shape_of(number))
            elif sections[number] not in (_KSYMS, _KCONFIG) or btf.kind(number) == FUNC:
                unplaced[index] = UnplacedSymbol(name, SymbolFault.WRONG_SECTION, sections[number])
        return externs, unplaced

    @staticmethod
    def _types_by_name(btf: Btf) -> dict[str, int]:
        """Return the first function or variable of each name, as ``find_extern_btf_id()`` of libbpf finds it."""
        types: dict[str, int] = {}
        for number in sorted((*btf.of_kind(FUNC), *btf.of_kind(VAR))):
            types.setdefault(btf.name(number), number)
        return types

    @staticmethod
    def _sections_by_type(btf: Btf) -> dict[int, str]:
        """Return the first section that has each function or variable, as ``find_extern_sec_btf_id()`` finds it."""
        sections: dict[int, str] = {}
        for section in btf.of_kind(DATASEC):
            name = btf.name(section)
            for number, _, _ in btf.contents(section):
                sections.setdefault(number, name)
        return sections

    def _defined(self) -> frozenset[str]:
        return frozenset(
            self._name(symbol)
            for symbol in self._symbols
            if symbol.section != elf.UNDEFINED and symbol.type in (elf.FUNC, elf.OBJECT) and symbol.binding != elf.LOCAL
        )

    # -- functions

    def _functions(self) -> dict[int, list[instructions.Function]]:
        """Return the functions of each section of code, in order; each ends where the next one begins."""
        starts: dict[int, dict[int, tuple[str, bool]]] = {number: {} for number in self._code}
        for symbol in self._symbols:
            if symbol.type == elf.FUNC and symbol.section in starts:
                at = symbol.value // instructions.BYTES
                # libbpf makes hidden functions static.
                is_global = symbol.binding != elf.LOCAL and symbol.visibility not in elf.HIDDEN
                standalone = is_global or self._section(symbol.section).name != _SUBPROGRAMS
                starts[symbol.section].setdefault(at, (self._name(symbol), standalone))
        functions = {}
        for number, named in starts.items():
            section, end = self._section(number), len(self._code[number])
            places = sorted(at for at in {0, *named} if at < end)
            functions[number] = [
                instructions.Function(
                    *named.get(at, (section.name, True))[:1], number, at, until, named.get(at, ("", True))[1]
                )
                for at, until in zip(places, [*places[1:], end])
            ]
        return functions

    def _section(self, number: int) -> ElfSection:
        return self._elf.sections[number]

    def _all_relocations(self) -> dict[int, list[_Relocation]]:
        """Return the relocations of each section that has any."""
        form = struct.Struct(f"{self._elf.mark}QQ")
        relocations: dict[int, list[_Relocation]] = {}
        for section in self._elf.sections:
            if section.type != elf.REL or section.info >= len(self._elf.sections):
                continue
            if section.info not in self._code and self._section(section.info).name not in _STRUCT_OPS:
                continue
            content = self._elf.contents(section, f"section {section.name}")
            whole = len(content) // _REL_BYTES * _REL_BYTES
            relocations.setdefault(section.info, []).extend(
                _Relocation(offset, information >> 32)
                for offset, information in form.iter_unpack(memoryview(content)[:whole])
                if information >> 32 < len(self._symbols)
            )
        return relocations

    def _link(self, functions: Mapping[int, list[instructions.Function]], externs: Mapping[int, int]) -> None:
        """Fill in the functions and kfuncs that each function calls or takes the address of."""
        by_start = {
            (function.section, function.start): function
            for functions_of_section in functions.values()
            for function in functions_of_section
        }
        for number, functions_of_section in functions.items():
            body, relocations = self._code[number], self._symbols_at[number]
            name = self._section(number).name
            patched, outcomes = self._extension.patched(name), self._extension.outcomes(name)
            starts = [function.start for function in functions_of_section]
            for function in functions_of_section:
                function.patched, function.outcomes = patched, outcomes
            for at in sorted({*body.calls(), *relocations}):
                if at >= len(body):
                    continue
                function = functions_of_section[bisect.bisect_right(starts, at) - 1]
                instruction, symbol = body[at], relocations.get(at)
                is_call = instructions.is_call(instruction)
                if not is_call and not instructions.takes_address(instruction):
                    continue
                if symbol is not None and symbol in externs:
                    (function.kfuncs if is_call else function.addresses)[at] = externs[symbol]
                    continue
                called = by_start.get(self._target(number, at, instruction, symbol))
                if called is not None:
                    function.calls[at] = called
                    if not is_call:
                        function.callbacks.add(at)
                elif not is_call and symbol is not None:
                    variable = self._constants.address(symbol, instruction.immediate)
                    if variable is not None:
                        function.variables[at] = variable
                    else:
                        function.relocated.add(at)

    def _target(
        self, section: int, at: int, instruction: instructions.Instruction, symbol: Optional[int]
    ) -> tuple[int, int]:
        """Return the section and number of the instruction that *instruction* calls or takes the address of."""
        if symbol is None:
            return section, instructions.target_of_call(at, instruction)
        # A call counts from the symbol in instructions, an address in bytes.
        target = self._symbols[symbol]
        distance = (
            instruction.immediate + 1
            if instructions.is_call(instruction)
            else instruction.immediate // instructions.BYTES
        )
        return target.section, target.value // instructions.BYTES + distance

    # -- programs

    def _programs(self, functions: Mapping[int, list[instructions.Function]]) -> dict[instructions.Function, Program]:
        """Return the programs, by the functions in which they begin."""
        members: dict[tuple[int, int], tuple[Optional[str], Optional[str]]] = {}
        # libbpf loads a callback with any structure that it creates, whatever the section of the callback says
        # (bpf_object_adjust_struct_ops_autoload(), since libbpf 1.5).
        optional: dict[tuple[int, int], bool] = {}
        for place, callback, is_optional in self._struct_ops():
            # libbpf loads a program as one callback: user space chooses which of two structures it creates.
            members[place] = callback if members.get(place, callback) == callback else (None, None)
            optional[place] = optional.get(place, True) and is_optional
        alone = sum(map(len, functions.values())) == 1
        programs = {}
        for number, functions_of_section in functions.items():
            name = self._section(number).name
            if name == _SUBPROGRAMS and not alone:
                continue
            meaning = section_named(name)
            for function in functions_of_section:
                place = number, function.start
                struct_ops, member = members.get(place, (None, None))
                programs[function] = Program(
                    function.name,
                    name,
                    meaning.program_type,
                    struct_ops,
                    member,
                    attach_type=meaning.attach_type,
                    lsm_hook=meaning.lsm_hook,
                    sleepable=meaning.sleepable,
                    optional=optional.get(place, meaning.optional),
                )
        return programs

    def _struct_ops(self) -> Iterator[tuple[tuple[int, int], tuple[str, str], bool]]:
        """Yield the functions in structures of callbacks: section and first instruction; structure and member.

        The last value is whether libbpf creates the structure only on request (``SEC("?.struct_ops")``).

        clang writes 0 for the place of each variable into BTF.  The place is that of its symbol
        (``btf_fixup_datasec()`` in libbpf).
        """
        if self._btf is None:
            return
        members_of: dict[int, dict[int, str]] = {}
        for section in self._btf.of_kind(DATASEC):
            at = self._elf.by_name.get(self._btf.name(section))
            if at is None or at.name not in _STRUCT_OPS:
                continue
            relocations = sorted(self._relocations.get(at.number, ()))
            starts = {
                self._name(symbol): symbol.value
                for symbol in self._symbols
                if symbol.section == at.number and symbol.type == elf.OBJECT
            }
            for variable, start, size in self._btf.contents(section):
                structure = self._btf.structure(variable)
                if structure is None:
                    continue
                if structure not in members_of:
                    members_of[structure] = self._btf.members(structure)
                members = members_of[structure]
                start = starts.get(self._btf.name(variable), start)
                first = bisect.bisect_left(relocations, (start, 0))
                for offset, index in relocations[first : bisect.bisect_left(relocations, (start + size, 0))]:
                    if offset - start in members:
                        symbol = self._symbols[index]
                        place = symbol.section, symbol.value // instructions.BYTES
                        callback = essential_name(self._btf.name(structure)), members[offset - start]
                        yield place, callback, at.name.startswith("?")

    # -- calls

    def _parts(
        self,
        functions: Sequence[instructions.Function],
        programs: Mapping[instructions.Function, Program],
        *,
        callbacks: bool,
    ) -> dict[instructions.Function, int]:
        """Return the programs that each function is part of, as bits in the order of *programs*.

        Without *callbacks* only the programs that reach it by calls, and not by an address that they pass on.
        """
        parts = dict.fromkeys(functions, 0)
        for bit, program in enumerate(programs):
            parts[program] |= 1 << bit
        waiting = list(programs)
        steps_left = _MOST_ROUNDS * (len(functions) + sum(len(function.calls) for function in functions))
        while waiting:
            function = waiting.pop()
            for at, called in function.calls.items():
                steps_left -= 1
                if steps_left < 0:
                    raise Unscannable(self._path, "its functions call each other in more ways than can be followed")
                if at in function.callbacks and not callbacks:
                    continue
                if parts[function] & ~parts[called]:
                    parts[called] |= parts[function]
                    waiting.append(called)
        return parts

    def _calls(
        self,
        functions: Mapping[int, list[instructions.Function]],
        externs: tuple[Extern, ...],
        programs: Mapping[instructions.Function, Program],
    ) -> Iterator[Call]:
        all_functions = [function for functions_of_section in functions.values() for function in functions_of_section]
        parts = self._parts(all_functions, programs, callbacks=True)
        directly = self._parts(all_functions, programs, callbacks=False)
        table = ConditionTable()
        roots = self._roots(all_functions, programs, parts, table)
        kfuncs = {index: KfuncFound(extern.name) for index, extern in enumerate(externs)}
        reach = reach_of_calls(roots, self._code, table, kfuncs, self._constants)
        by_program, unused = self._reach_by_program(programs, parts, roots, reach, table) if reach else ([], {})
        programs_of = _Subsets(tuple(programs.values()))
        for function in all_functions:
            section = self._section(function.section).name
            for at, index in sorted(function.kfuncs.items()):
                # Where too much was to be followed, nothing is known of the call.
                anywhere = reach.get((function.section, at), NEVER) if reach is not None else ALWAYS
                groups: dict[Condition, int] = {}
                for bit, reached in enumerate(by_program):
                    if parts[function] >> bit & 1:
                        condition = table.both(reached.get(function, NEVER), anywhere)
                        groups[condition] = groups.get(condition, 0) | 1 << bit
                by_unused = table.both(unused.get(function, NEVER), anywhere)
                if groups and by_unused is not NEVER:
                    groups.setdefault(by_unused, 0)
                for condition, group in (groups or {anywhere: parts[function]}).items():
                    yield Call(
                        externs[index].name,
                        function.name,
                        programs_of[group],
                        self._extension.line(section, at * instructions.BYTES),
                        condition,
                        programs_of[directly[function] & group],
                    )

    @staticmethod
    def _reach_by_program(
        programs: Mapping[instructions.Function, Program],
        parts: Mapping[instructions.Function, int],
        roots: Mapping[instructions.Function, Condition],
        reach: Mapping[CallSite, Condition],
        table: ConditionTable,
    ) -> tuple[list[Mapping[instructions.Function, Condition]], Mapping[instructions.Function, Condition]]:
        """Return for each program, and for functions in none, the condition to reach each function from there.

        The verifier checks each program by itself, with the functions that it calls.  Returns nothing where all calls
        are always reached, or there are too many conditions.
        """
        if all(condition is ALWAYS for condition in (*roots.values(), *reach.values())):
            return [], {}
        by_program: list[Mapping[instructions.Function, Condition]] = []
        for bit, program in enumerate(programs):
            entries = {program: roots[program]}
            # Older kernels check the global functions of a program by themselves.
            entries.update(
                (function, condition)
                for function, condition in roots.items()
                if function not in programs and parts[function] >> bit & 1
            )
            reached = reach_of_functions(entries, reach, table)
            if reached is None:
                return [], {}
            by_program.append(reached)
        unused = {function: condition for function, condition in roots.items() if not parts[function]}
        return by_program, reach_of_functions(unused, reach, table) or {}

    def _roots(
        self,
        functions: Sequence[instructions.Function],
        programs: Mapping[instructions.Function, Program],
        parts: Mapping[instructions.Function, int],
        table: ConditionTable,
    ) -> dict[instructions.Function, Condition]:
        """Return the functions that a kernel checks without a call of them, and the conditions on which it does."""
        optional = table.of(OptionalPartsCount())
        at_once = table.negated(table.of(GlobalsCheckedWhereCalled()))
        loaded = sum(1 << bit for bit, program in enumerate(programs.values()) if not program.optional)
        called = {called for function in functions for called in function.calls.values()}
        roots = {}
        for function in functions:
            if function in programs:
                roots[function] = optional if programs[function].optional else ALWAYS
            elif not parts[function]:
                # No program calls it, so that libbpf loads it nowhere.
                if function.standalone or function not in called:
                    roots[function] = optional
            elif function.standalone:
                roots[function] = at_once if parts[function] & loaded else table.both(optional, at_once)
        return roots


def _kconfig_externs(btf: Btf) -> Iterator[tuple[str, int]]:
    """Yield the names of the kconfig externs that are integers, with their bytes."""
    for section in btf.of_kind(DATASEC):
        if btf.name(section) == _KCONFIG:
            for number, _, _ in btf.contents(section):
                size = btf.integer_size(number)
                if size is not None:
                    yield btf.name(number), size


class _ObjectConstants:
    """The constants of an object: what the verifier reads from ``.rodata`` and ``.kconfig``, both frozen by libbpf."""

    def __init__(
        self, file: Elf, symbols: Sequence[ElfSymbol], name_of: Callable[[ElfSymbol], str], btf: Optional[Btf]
    ) -> None:
        self._elf = file
        self._symbols = symbols
        self._name_of = name_of
        self._externs = dict(_kconfig_externs(btf)) if btf else {}
        self._sections = frozenset(
            section.number
            for section in file.sections
            if section.type == elf.PROGBITS
            and (section.name == _CONSTANTS or section.name.startswith(f"{_CONSTANTS}."))
        )
        self._contents: dict[int, bytes] = {}
        self._variables: dict[int, list[tuple[int, int, str]]] = {}

    def address(self, number: int, addend: int) -> Optional[instructions.VariableAddress]:
        """Return the address that the symbol *number* and an *addend* make; None if it is of no constant."""
        symbol = self._symbols[number]
        if symbol.section in self._sections:
            return instructions.VariableAddress(symbol.section, symbol.value + addend)
        if symbol.section == elf.UNDEFINED and not addend:
            name = self._name_of(symbol)
            if name in self._externs:
                return instructions.VariableAddress(elf.UNDEFINED, 0, name, self._externs[name])
        return None

    def read(self, section: int, offset: int, size: int) -> tuple[Optional[int], Optional[str]]:
        """Return the number of *size* bytes at *offset* of *section*, None where none is there; and its variable."""
        if section not in self._contents:
            self._contents[section] = self._elf.contents(self._elf.sections[section], "a section of constants")
            self._variables[section] = sorted(
                (symbol.value, symbol.value + symbol.size, self._name_of(symbol))
                for symbol in self._symbols
                if symbol.section == section and symbol.type == elf.OBJECT
            )
        content = self._contents[section]
        if not 0 <= offset <= offset + size <= len(content):
            return None, None
        is_little = self._elf.mark == "<"
        number = int.from_bytes(content[offset : offset + size], "little" if is_little else "big")
        variables = self._variables[section]
        before = bisect.bisect_right(variables, (offset + 1,)) - 1
        inside = before >= 0 and offset < variables[before][1]
        return number, variables[before][2] if inside else None


_Member = TypeVar("_Member")


class _Subsets(dict[int, tuple[_Member, ...]]):
    """The *members* that sets of bits stand for, each made once, as many calls share them."""

    def __init__(self, members: Sequence[_Member]) -> None:
        super().__init__()
        self._members = members

    def __missing__(self, bits: int) -> tuple[_Member, ...]:
        chosen = self[bits] = tuple(self._members[bit] for bit in _numbers(bits))
        return chosen


def _numbers(bits: int) -> Iterator[int]:
    """Yield the numbers of the *bits* that are set."""
    while bits:
        lowest = bits & -bits
        yield lowest.bit_length() - 1
        bits ^= lowest
