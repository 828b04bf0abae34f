# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A writer of BPF objects, in either byte order, for tests that need no compiler::

written = Object()
written.extern("bpf_thing", weak=True)
written.function("xdp", "packet", [address(1, "bpf_thing"), jump_if(EQUAL, 1, 0, 1), call("bpf_thing"), leave()])
written.elf()
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import NamedTuple, Optional

from btf_builder import MARKS, PROGBITS, REL, STRTAB, STRUCT, SYMTAB, VAR, Part, Types, packed

BPF = 247
EXECUTABLE = 0x6
EXTERN = 2
EQUAL, SET, NOT_EQUAL = 0x10, 0x40, 0x50
UNDEFINED, ABSOLUTE = 0, 0xFFF1


class Code(NamedTuple):
    """An instruction: its fields, and the symbol that it is relocated against."""

    code: int
    destination: int = 0
    source: int = 0
    offset: int = 0
    immediate: int = 0
    symbol: Optional[str] = None
    wide: bool = False


def call(symbol: str) -> Code:
    return Code(0x85, 0, 1, 0, -1, symbol)


def call_helper(number: int) -> Code:
    return Code(0x85, 0, 0, 0, number)


def call_near(distance: int) -> Code:
    """A call without relocation, over *distance* instructions."""
    return Code(0x85, 0, 1, 0, distance)


def address(register: int, symbol: str, addend: int = 0) -> Code:
    return Code(0x18, register, 0, 0, addend, symbol, wide=True)


def jump(offset: int) -> Code:
    return Code(0x05, offset=offset)


def jump_if(operation: int, register: int, immediate: int, offset: int) -> Code:
    return Code(0x05 | operation, register, 0, offset, immediate)


def move(register: int, immediate: int) -> Code:
    return Code(0xB7, register, 0, 0, immediate)


def copy(register: int, source: int) -> Code:
    return Code(0xBF, register, source)


def combine(operation: int, register: int, source: int) -> Code:
    """``register |= source`` (0x40) or ``register &= source`` (0x50)."""
    return Code(0x0F | operation, register, source)


def store(offset: int, source: int) -> Code:
    return Code(0x7B, 10, source, offset)


def load(register: int, offset: int) -> Code:
    return Code(0x79, register, 10, offset)


def leave() -> Code:
    return Code(0x95)


@dataclass
class _Symbol:
    name: str
    kind: int
    binding: int
    section: str = ""
    value: int = 0
    size: int = 0
    visibility: int = 0


@dataclass
class Object:
    """One object, section by section."""

    order: str = "little"
    #: Whether it has type information.
    btf: bool = True
    #: Whether functions have symbols; what relocations name stays in any case.
    named: bool = True
    bits: int = 64
    machine: int = BPF
    #: The file that the lines of functions are in.
    source: str = "prog.c"
    types: Types = field(init=False)
    _code: dict[str, list[Code]] = field(default_factory=dict)
    _symbols: dict[str, _Symbol] = field(default_factory=dict)
    _ksyms: list[int] = field(default_factory=list)
    _data: dict[str, bytes] = field(default_factory=dict)
    _data_relocations: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
    _lines: dict[str, list[tuple[int, str, int, int]]] = field(default_factory=dict)
    _patched: dict[str, list[tuple[int, int, str, int]]] = field(default_factory=dict)
    _kconfig: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.types = Types(self.order)
        #: Types that every test can name: 1 is int.
        self.int = self.types.int()

    def extern(
        self,
        name: str,
        *,
        weak: bool = False,
        returns: int = 0,
        parameters: Optional[list[tuple[str, int]]] = None,
        linkage: int = EXTERN,
    ) -> None:
        """Declare a kfunc."""
        number = self.types.func(name, returns, parameters or [])
        at = number - self.types.first
        written = self.types.written[at]
        self.types.written[at] = (written[0], written[1] & ~0xFFFF | linkage, *written[2:])
        self._ksyms.append(number)
        self.symbol(name, 0, 2 if weak else 1)

    def symbol(self, name: str, kind: int, binding: int, section: str = "", value: int = 0) -> None:
        self._symbols[name] = _Symbol(name, kind, binding, section, value)

    def function(
        self, section: str, name: str, code: list[Code], *, local: bool = False, lines: int = 0, hidden: bool = False
    ) -> None:
        """Add a function to *section*; its calls are on the *lines* of the source from that one on, one each."""
        body = self._code.setdefault(section, [])
        start = sum(2 if instruction.wide else 1 for instruction in body)
        if self.named:
            self.symbol(name, 2, 0 if local else 1, section, start * 8)
            self._symbols[name].visibility = 2 if hidden else 0
        at = start
        for instruction in code:
            if instruction.code == 0x85 and lines:
                self._lines.setdefault(section, []).append((at * 8, self.source, lines, 7))
                lines += 1
            at += 2 if instruction.wide else 1
        body.extend(code)

    def patch(self, section: str, at: int, kind: int = 0, number: int = 1, access: str = "0") -> None:
        """Have libbpf patch the instruction *at* of *section* (CO-RE), for a *kind* of question on a type."""
        self._patched.setdefault(section, []).append((at, number, access, kind))

    def kconfig(self, name: str, *, size: int = 4) -> None:
        """Declare an integer of ``.kconfig`` with *size* bytes."""
        integer = self.types.int(f"int{size}", size)
        self._kconfig.append(self.types.add(VAR, name, integer, (EXTERN,)))
        self.symbol(name, 0, 1)

    def constants(self, section: str, content: bytes, variables: dict[str, tuple[int, int]]) -> None:
        """Add a *section* of constants; *variables* have a place and a size in it, in bytes."""
        self._data[section] = content
        for name, (value, size) in variables.items():
            self._symbols[name] = _Symbol(name, 1, 1, section, value, size)

    def section_symbol(self, section: str) -> None:
        """Let relocations name *section* itself, as they do with functions that are static."""
        self.symbol(f"[{section}]", 3, 0, section)

    def struct_ops(self, section: str, structure: str, members: dict[str, str]) -> None:
        """Add a structure of callbacks: the symbol of the program by the name of each member."""
        self.maps_of_struct_ops(section, {f"{structure}_map": (structure, members)})

    def maps_of_struct_ops(self, section: str, maps: dict[str, tuple[str, dict[str, str]]]) -> None:
        """Add structures of callbacks by the names of their variables; BTF says that each is at 0, as from clang."""
        pointer = self.types.ptr(0)
        variables: list[int] = []
        self._data[section] = b""
        self._data_relocations[section] = []
        for variable, (structure, members) in maps.items():
            size, start = 8 * len(members), len(self._data[section])
            words = [word for at, name in enumerate(members) for word in (self.types.string(name), pointer, 64 * at)]
            number = self.types.add(STRUCT, structure, size, tuple(words), len(members))
            variables += (self.types.add(VAR, variable, number, (1,)), 0, size)
            self._data[section] += b"\0" * size
            self._data_relocations[section] += [(start + 8 * at, name) for at, name in enumerate(members.values())]
            self.symbol(variable, 1, 1, section, start)
        self.types.add(15, section, 0, tuple(variables), len(maps))

    def elf(self) -> bytes:
        """Return the file."""
        mark = MARKS[self.order]
        if self._ksyms and self.btf:
            entries = tuple(word for number in self._ksyms for word in (number, 0, 0))
            self.types.add(15, ".ksyms", 0, entries, len(self._ksyms))
            self._ksyms = []
        if self._kconfig and self.btf:
            entries = tuple(word for number in self._kconfig for word in (number, 0, 0))
            self.types.add(15, ".kconfig", 0, entries, len(self._kconfig))
            self._kconfig = []
        contents = {name: self._assembled(code) for name, code in self._code.items()}
        order = [*contents, *self._data]
        numbers = {name: at for at, name in enumerate(order, 1)}
        symbols = sorted(self._symbols.values(), key=lambda symbol: symbol.binding != 0)
        places = {symbol.name: at for at, symbol in enumerate(symbols, 1)}
        parts = [Part(name, PROGBITS, EXECUTABLE, content) for name, content in contents.items()]
        parts += [Part(name, PROGBITS, 3, content) for name, content in self._data.items()]
        table, strings = b"\0" * 24, b"\0"
        for symbol in symbols:
            section = numbers[symbol.section] if symbol.section else UNDEFINED
            info = symbol.binding << 4 | symbol.kind
            table += struct.pack(
                f"{mark}IBBHQQ", len(strings), info, symbol.visibility, section, symbol.value, symbol.size
            )
            strings += symbol.name.encode() + b"\0"
        at_symbols = len(parts) + 1
        parts.append(Part(".symtab", SYMTAB, 0, table, at_symbols + 1, 0, 24))
        parts.append(Part(".strtab", STRTAB, 0, strings))
        for name in order:
            content = self._relocated(name, places)
            if content:
                parts.append(Part(f".rel{name}", REL, 0x40, content, at_symbols, numbers[name], 16))
        if self.btf:
            lines = self._line_info()
            parts.append(Part(".BTF", PROGBITS, 0, self.types.blob()))
            parts.append(Part(".BTF.ext", PROGBITS, 0, lines))
        return packed(parts, order=self.order, bits=self.bits, machine=self.machine)

    def _assembled(self, code: list[Code]) -> bytes:
        mark, content = MARKS[self.order], b""
        for instruction in code:
            low, high = instruction.destination, instruction.source
            registers = low | high << 4 if self.order == "little" else low << 4 | high
            content += struct.pack(
                f"{mark}BBhi", instruction.code, registers, instruction.offset, instruction.immediate
            )
            content += b"\0" * 8 if instruction.wide else b""
        return content

    def _relocated(self, section: str, places: dict[str, int]) -> bytes:
        mark, at, relocations = MARKS[self.order], 0, []
        for instruction in self._code.get(section, ()):
            if instruction.symbol is not None:
                relocations.append((at, places[instruction.symbol]))
            at += 16 if instruction.wide else 8
        relocations += [(offset, places[symbol]) for offset, symbol in self._data_relocations.get(section, ())]
        return b"".join(struct.pack(f"{mark}QQ", offset, symbol << 32 | 1) for offset, symbol in relocations)

    def _line_info(self) -> bytes:
        mark = MARKS[self.order]
        lines = struct.pack(f"{mark}I", 16)
        for section, records in self._lines.items():
            lines += struct.pack(f"{mark}II", self.types.string(section), len(records))
            for offset, file, line, column in records:
                lines += struct.pack(f"{mark}IIII", offset, self.types.string(file), 0, line << 10 | column)
        patches = struct.pack(f"{mark}I", 16)
        for section, places in self._patched.items():
            patches += struct.pack(f"{mark}II", self.types.string(section), len(places))
            for at, number, access, kind in places:
                patches += struct.pack(f"{mark}IIII", 8 * at, number, self.types.string(access), kind)
        functions = struct.pack(f"{mark}I", 8)
        start = len(functions)
        header = struct.pack(f"{mark}HBBIIIII", 0xEB9F, 1, 0, 32, 0, start, start, len(lines))
        header += struct.pack(f"{mark}II", start + len(lines), len(patches))
        return header + functions + lines + patches
