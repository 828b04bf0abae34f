# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""BPF objects, as clang compiles them, and libraries of them (``ar``).

::

    file --library--> ELF --symbols, .BTF------> externs
                       |--relocations, code----> calls --call graph--> programs
                       `--.BTF.ext-------------> lines of the source

What counts is what libbpf makes of an object (``tools/lib/bpf/libbpf.c``): a kfunc is a symbol that is
defined nowhere and a function of the BTF section ``.ksyms``; every function of a section of code is a
program, but those of ``.text``, which are part of the programs that call them.
"""

from __future__ import annotations

import bisect
import io
import os
import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple, Optional, TypeVar

from kfuncdoc.bpf.objects import BpfObject, Call, Extern, Program, SourceLine, essential_name
from kfuncdoc.bpf.sections import program_section as section_named
from kfuncdoc.scan.binary import elf, instructions
from kfuncdoc.scan.binary.btf import DATASEC, EXTERN, FUNC, VAR, Btf
from kfuncdoc.scan.binary.elf import Elf, Section, Symbol, shown
from kfuncdoc.scan.errors import Unscannable, opened, readable

#: A real object has a hundredth of it.
LARGEST_OBJECT = 64 << 20
_LIBRARY, _THIN_LIBRARY = b"!<arch>\n", b"!<thin>\n"
_MEMBER_BYTES = 60
_LONGEST_NAME = 1024
#: How often a function may be found to be part of more programs; of real ones that is seldom more than their depth.
_MOST_ROUNDS = 200
_SUFFIX = ".bpf.o"
_KSYMS = ".ksyms"
_STRUCT_OPS = (".struct_ops", ".struct_ops.link", "?.struct_ops", "?.struct_ops.link")
_SUBPROGRAMS = ".text"
_REL_BYTES = 16


def find_objects(paths: Sequence[str]) -> tuple[list[str], list[tuple[str, str]]]:
    """Return *paths* with every ``.bpf.o`` below a folder in its place, and the folders that cannot be read, and why.

    A folder without any stays, and is told of when it is read.
    """
    found: list[str] = []
    broken: list[tuple[str, str]] = []

    def refuse(error: OSError) -> None:
        broken.append((str(error.filename), (error.strerror or "it cannot be read").lower()))

    for path in paths:
        told = len(broken)
        below = [
            os.path.join(folder, name)
            for folder, _, names in sorted(os.walk(path, onerror=refuse) if os.path.isdir(path) else ())
            for name in sorted(names)
            if name.endswith(_SUFFIX)
        ]
        found += below or ([path] if told == len(broken) else [])
    return found, broken


def read_objects(path: str) -> Iterator[BpfObject]:
    """Yield the BPF object at *path*, or those of the library there.  Raises :exc:`Unscannable`."""
    if not os.path.lexists(path):
        raise Unscannable(path, "there is no such file or folder")
    if os.path.isdir(path):
        raise Unscannable(path, f"there is no {_SUFFIX} in this folder")
    with opened(path) as stream, readable(path):
        content = stream.read(LARGEST_OBJECT + 1)
    if len(content) > LARGEST_OBJECT:
        raise Unscannable(path, f"it has more than {LARGEST_OBJECT >> 20} MiB, more than a BPF object can have")
    if content.startswith(_THIN_LIBRARY):
        raise Unscannable(path, "this library only names its objects: name them yourself")
    if not content.startswith(_LIBRARY):
        yield read_object(path, content)
        return
    found = list(members(path, content))
    if not found:
        raise Unscannable(path, "there is no object in this library")
    for name, member in found:
        yield read_object(f"{path}({name})", member)


def read_object(path: str, content: bytes) -> BpfObject:
    """Return what the object in *content* asks of a kernel; *path* names it.  Raises :exc:`Unscannable`."""
    if not content.startswith(elf.MAGIC):
        raise Unscannable(path, "this is no BPF object: it is not ELF" if content else "it is empty")
    file = Elf(path, io.BytesIO(content))
    if file.machine[0] not in elf.BPF_MACHINE or file.machine[1] != 64:
        raise Unscannable(path, f"this is no BPF object: it is for the machine {file.machine[0]}")
    return _Reader(path, file).read()


def members(path: str, library: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the files in a *library* by their names, as GNU and BSD ar write them; its indexes are left out."""
    at, long_names = len(_LIBRARY), b""
    while at < len(library):
        head = library[at : at + _MEMBER_BYTES]
        size_text = head[48:58].strip()
        if len(head) < _MEMBER_BYTES or head[58:] != b"`\n" or not size_text.isdigit():
            raise Unscannable(path, f"this library is broken at byte {at:,}")
        start, size = at + _MEMBER_BYTES, int(size_text)
        content = library[start : start + size]
        if len(content) < size:
            raise Unscannable(path, f"this library is cut off: a member at byte {at:,} reaches past its end")
        at = start + size + size % 2
        raw = head[:16].rstrip()
        if raw == b"//":
            long_names = content
        elif raw not in (b"/", b"/SYM64/"):
            name, content = _name_of_member(raw, content, long_names)
            if not name.startswith("__.SYMDEF"):
                yield name, content


def _name_of_member(raw: bytes, content: bytes, long_names: bytes) -> tuple[str, bytes]:
    if raw.startswith(b"#1/") and raw[3:].isdigit():
        length = int(raw[3:])
        return shown(content[: min(length, _LONGEST_NAME)].rstrip(b"\0")), content[length:]
    if raw.startswith(b"/") and raw[1:].isdigit():
        start = int(raw[1:])
        raw = long_names[start : start + _LONGEST_NAME].partition(b"\n")[0]
    return shown(raw.rstrip(b"/")), content


class _Relocation(NamedTuple):
    """At the byte *offset* of a section stands the address of the symbol *symbol*."""

    offset: int
    symbol: int


class _Reader:
    """One object as it is taken apart."""

    def __init__(self, path: str, file: Elf) -> None:
        self._path = path
        self._elf = file
        table = file.symbol_table()
        self._names = file.symbol_names(table) if table else b""
        self._symbols: tuple[Symbol, ...] = tuple(file.symbols(table)) if table else ()
        blob = file.read(".BTF")
        self._btf = Btf(blob, path) if blob else None
        self._code = {
            section.number: instructions.Code(file.contents(section, f"section {section.name}"), file.mark)
            for section in file.sections
            if section.type == elf.PROGBITS and section.flags & elf.EXECUTABLE and section.size
        }
        if self._code and table is None:
            raise Unscannable(
                path, "its symbols were stripped: nobody can tell what it calls, and libbpf cannot load it"
            )
        extension = file.read(".BTF.ext") if self._btf else None
        self._extension = _Extension(path, extension or b"", self._btf, file.mark)
        self._untyped: list[str] = []
        self._relocations = self._all_relocations()
        self._symbols_at = {
            number: {each.offset // instructions.BYTES: each.symbol for each in self._relocations.get(number, ())}
            for number in self._code
        }

    def read(self) -> BpfObject:
        externs = self._externs()
        functions = self._functions()
        self._link(functions, {symbol: index for index, symbol in enumerate(externs)})
        programs = self._programs(functions)
        calls = tuple(self._calls(functions, tuple(externs.values()), programs))
        if self._btf is None:
            # Without types nothing says which symbols are kfuncs, but what is called has to be a function.
            called = {call.extern for call in calls}
            externs = {symbol: extern for symbol, extern in externs.items() if extern.name in called}
        return BpfObject(
            self._path,
            tuple(sorted(externs.values(), key=lambda extern: extern.name)),
            tuple(programs.values()),
            calls,
            has_btf=self._btf is not None,
            untyped=tuple(sorted(self._untyped)),
        )

    def _name(self, symbol: Symbol) -> str:
        return self._elf.string_at(self._names, symbol.name)

    # -- externs

    def _externs(self) -> dict[int, Extern]:
        """Return the kfuncs that are declared, by the numbers of their symbols."""
        btf = self._btf
        declared = {btf.function(number): number for number in self._ksyms(btf)} if btf else {}
        typed = {btf.name(number) for kind in (FUNC, VAR) for number in btf.of_kind(kind)} if btf else set()
        externs = {}
        for index, symbol in enumerate(self._symbols):
            if symbol.section != elf.UNDEFINED or symbol.type != elf.NOTYPE or symbol.binding == elf.LOCAL:
                continue
            name, weak = self._name(symbol), symbol.binding == elf.WEAK
            if btf is None:
                externs[index] = Extern(name, weak)
            elif name in declared:
                number = declared[name]
                externs[index] = Extern(name, weak, btf.prototype(number), btf.shape_of(number))
            elif name not in typed:
                self._untyped.append(name)
        return externs

    @staticmethod
    def _ksyms(btf: Btf) -> Iterator[int]:
        for section in btf.of_kind(DATASEC):
            if btf.name(section) == _KSYMS:
                for number, _, _ in btf.contents(section):
                    if btf.kind(number) == FUNC and btf.linkage(number) == EXTERN:
                        yield number

    # -- functions

    def _functions(self) -> dict[int, list[instructions.Function]]:
        """Return the functions of each section of code, in order; what no symbol names belongs to the one before."""
        starts: dict[int, dict[int, tuple[str, bool]]] = {number: {} for number in self._code}
        for symbol in self._symbols:
            if symbol.type == elf.FUNC and symbol.section in starts:
                at = symbol.value // instructions.BYTES
                # Verified by themselves are programs and global functions.
                standalone = symbol.binding != elf.LOCAL or self._section(symbol.section).name != _SUBPROGRAMS
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

    def _section(self, number: int) -> Section:
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
        """Tell each function what it calls, and takes the address of."""
        by_start = {(each.section, each.start): each for every in functions.values() for each in every}
        called_ones = set()
        for number, every in functions.items():
            body, relocations = self._code[number], self._symbols_at[number]
            patched = self._extension.patched(self._section(number).name)
            starts = [function.start for function in every]
            for each in every:
                each.patched = patched
            for at in sorted({*body.calls(), *relocations}):
                function = every[bisect.bisect_right(starts, at) - 1] if at < len(body) else None
                instruction, symbol = body[at] if function else None, relocations.get(at)
                if function is None or instruction is None:
                    continue
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
                    called_ones.add(called)
        for function in by_start.values():
            function.standalone = function.standalone or function not in called_ones

    def _target(
        self, section: int, at: int, instruction: instructions.Instruction, symbol: Optional[int]
    ) -> tuple[int, int]:
        """Return where the function would be that *instruction* calls, or takes the address of."""
        if symbol is None:
            return section, instructions.target_of_call(at, instruction)
        # A call counts from the symbol in instructions, an address in bytes.
        of = self._symbols[symbol]
        into = (
            instruction.immediate + 1
            if instructions.is_call(instruction)
            else instruction.immediate // instructions.BYTES
        )
        return of.section, of.value // instructions.BYTES + into

    # -- programs

    def _programs(self, functions: Mapping[int, list[instructions.Function]]) -> dict[instructions.Function, Program]:
        """Return the programs, by the functions in which they begin."""
        members = dict(self._struct_ops())
        alone = sum(map(len, functions.values())) == 1
        programs = {}
        for number, each in functions.items():
            name = self._section(number).name
            if name == _SUBPROGRAMS and not alone:
                continue
            said = section_named(name)
            for function in each:
                struct_ops, member = members.get((number, function.start), (None, None))
                programs[function] = Program(
                    function.name, name, said.program_type, struct_ops, member, said.sleepable, said.optional
                )
        return programs

    def _struct_ops(self) -> Iterator[tuple[tuple[int, int], tuple[str, str]]]:
        """Yield where a function begins that is a member of a structure of callbacks, and of which."""
        if self._btf is None:
            return
        members_of: dict[int, dict[int, str]] = {}
        for section in self._btf.of_kind(DATASEC):
            at = self._elf.by_name.get(self._btf.name(section))
            if at is None or at.name not in _STRUCT_OPS:
                continue
            relocations = sorted(self._relocations.get(at.number, ()))
            for variable, start, size in self._btf.contents(section):
                structure = self._btf.structure(variable)
                if structure is None:
                    continue
                if structure not in members_of:
                    members_of[structure] = self._btf.members(structure)
                members = members_of[structure]
                first = bisect.bisect_left(relocations, (start, 0))
                for offset, index in relocations[first : bisect.bisect_left(relocations, (start + size, 0))]:
                    if offset - start in members:
                        symbol = self._symbols[index]
                        place = symbol.section, symbol.value // instructions.BYTES
                        yield place, (essential_name(self._btf.name(structure)), members[offset - start])

    # -- calls

    def _parts(
        self,
        functions: Sequence[instructions.Function],
        programs: Mapping[instructions.Function, Program],
        *,
        callbacks: bool,
    ) -> dict[instructions.Function, int]:
        """Return the programs that each function is part of, as a set of bits in their order.

        Without *callbacks* only those that get there by calls, and not through an address that they give away.
        """
        parts = dict.fromkeys(functions, 0)
        for bit, program in enumerate(programs):
            parts[program] |= 1 << bit
        waiting = list(programs)
        patience = _MOST_ROUNDS * (len(functions) + sum(len(function.calls) for function in functions))
        while waiting:
            function = waiting.pop()
            for at, called in function.calls.items():
                patience -= 1
                if patience < 0:
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
        every = [function for each in functions.values() for function in each]
        parts = self._parts(every, programs, callbacks=True)
        directly = self._parts(every, programs, callbacks=False)
        # Without the address of a kfunc anywhere nothing can be tested for.
        tests = instructions.tests_before_calls(every, self._code) if any(each.addresses for each in every) else {}
        programs_of = _Subsets(tuple(programs.values()))
        named = _Subsets(tuple(extern.name for extern in externs))
        for function in every:
            section = self._section(function.section).name
            for at, index in sorted(function.kfuncs.items()):
                found, missed = tests.get((function.section, at), instructions.Tests())
                yield Call(
                    externs[index].name,
                    function.name,
                    programs_of[parts[function]],
                    self._extension.line(section, at * instructions.BYTES),
                    frozenset(named[found]),
                    frozenset(named[missed]),
                    programs_of[directly[function]],
                )


_Member = TypeVar("_Member")


class _Subsets(dict[int, tuple[_Member, ...]]):
    """The *members* that sets of bits stand for, each made once: most calls share theirs with others."""

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


class _Extension:
    """What ``.BTF.ext`` says of instructions (the kernel's ``Documentation/bpf/btf.rst``): which libbpf patches for
    each kernel, and from which lines of the source they were compiled.

    Lines only help people to find a call: where they are broken there are none.
    """

    #: Words of the header that say where the records are and how many bytes they take, of lines and of patches.
    _LINES, _PATCHES = (4, 5), (6, 7)

    def __init__(self, path: str, blob: bytes, btf: Optional[Btf], mark: str) -> None:
        self._path, self._blob, self._btf, self._mark = path, blob, btf, mark
        self._lines: dict[str, list[tuple[int, int, int]]] = {}
        self._patched: dict[str, frozenset[int]] = {}
        if not blob or btf is None:
            return
        patched: dict[str, set[int]] = {}
        try:
            for section, (offset, _, _, _) in self._records(self._PATCHES):
                patched.setdefault(section, set()).add(offset // instructions.BYTES)
        except (struct.error, Unscannable):
            raise Unscannable(path, "its section .BTF.ext is broken") from None
        # Sections of one name share it.
        self._patched = {section: frozenset(places) for section, places in patched.items()}
        with suppress(struct.error, Unscannable):
            for section, (offset, file, _, line) in self._records(self._LINES):
                self._lines.setdefault(section, []).append((offset, file, line))
        for records in self._lines.values():
            records.sort()

    def _records(self, where: tuple[int, int]) -> Iterator[tuple[str, tuple[int, ...]]]:
        """Yield the first four words of each record, with the section that it is about."""
        (length,) = struct.unpack_from(f"{self._mark}I", self._blob, 4)
        if length < 4 * (1 + max(where)):
            return  # it is older than such records
        words = struct.unpack_from(f"{self._mark}{1 + max(where)}I", self._blob)
        start, end = length + words[where[0]], length + words[where[0]] + words[where[1]]
        if start == end:
            return
        (size,) = struct.unpack_from(f"{self._mark}I", self._blob, start)
        at = start + 4
        while at < end:
            name, count = struct.unpack_from(f"{self._mark}II", self._blob, at)
            at += 8
            if size < 16 or count * size > len(self._blob):
                raise Unscannable(self._path, "its section .BTF.ext is broken")
            section = self._btf.string(name) if self._btf else ""
            for place in range(at, at + count * size, size):
                yield section, struct.unpack_from(f"{self._mark}4I", self._blob, place)
            at += count * size

    def patched(self, section: str) -> frozenset[int]:
        """Return the instructions of *section* that libbpf patches."""
        return self._patched.get(section, frozenset())

    def line(self, section: str, offset: int) -> Optional[SourceLine]:
        """Return the line from which the instruction at byte *offset* of *section* was compiled."""
        records = self._lines.get(section, [])
        before = bisect.bisect_left(records, (offset + 1,))
        if not before or self._btf is None:
            return None
        _, file, line = records[before - 1]
        try:
            name = self._btf.string(file)
        except Unscannable:
            return None
        # Ten bits hold the column, and none where it is not known.
        return (
            SourceLine(_as_named(shown(name.encode("utf-8", "surrogatepass"))), line >> 10, line & 0x3FF)
            if name and line >> 10
            else None
        )


def _as_named(path: str) -> str:
    """Return the *path* of a source, which compilers make absolute, as it is named from the current folder."""
    path, here = os.path.normpath(path), os.path.join(os.getcwd(), "")
    return path[len(here) :] if path.startswith(here) else path
