# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A writer of BTF and of ELF files with it, in either byte order: kernels that fit in a test.

::

    types = Types("big")
    types.kfunc("bpf_thing", types.ptr(types.struct("thing")), [("id", types.int("int"))])
    Image(types, sets=[KfuncSet("thing_ids", {"bpf_thing": KF_ACQUIRE})]).elf()
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import NamedTuple, Optional

#: Every type as ``(name, word of kind and count, size or type, further words)``.
Written = tuple[int, int, int, tuple[int, ...]]

INT, PTR, ARRAY, STRUCT, UNION, ENUM, FWD, TYPEDEF, VOLATILE, CONST, RESTRICT, FUNC, FUNC_PROTO = range(1, 14)
VAR, DATASEC, FLOAT, DECL_TAG, TYPE_TAG, ENUM64 = range(14, 20)
KIND_FLAG = 1 << 31
ITSELF = 0xFFFFFFFF

MARKS = {"little": "<", "big": ">"}


class Types:
    """The types of one blob; each method adds one and returns its number."""

    def __init__(self, order: str = "little", base: Optional[Types] = None) -> None:
        self.order = order
        self.base = base
        self.first = base.first + len(base.written) if base else 1
        self.first_string = base.first_string + len(base.strings) if base else 0
        self.written: list[Written] = []
        self.strings = b"" if base else b"\0"
        self.functions: dict[str, int] = dict(base.functions) if base else {}

    def string(self, text: str) -> int:
        if not text:
            return 0
        offset = self.first_string + len(self.strings)
        self.strings += text.encode() + b"\0"
        return offset

    def add(self, kind: int, name: str = "", what: int = 0, words: tuple[int, ...] = (), count: int = 0) -> int:
        """Add a type; *what* is its size or the type it refers to."""
        return self.add_written(self.string(name), kind << 24 | count, what, words)

    def add_written(self, name: int, info: int, what: int, words: tuple[int, ...] = ()) -> int:
        self.written.append((name, info, what, words))
        return self.first + len(self.written) - 1

    def int(self, name: str = "int", size: int = 4) -> int:
        return self.add(INT, name, size, (size * 8,))

    def ptr(self, to: int) -> int:
        return self.add(PTR, what=to)

    def const(self, of: int) -> int:
        return self.add(CONST, what=of)

    def typedef(self, name: str, of: int) -> int:
        return self.add(TYPEDEF, name, of)

    def struct(self, name: str, members: tuple[tuple[str, int], ...] = (), kind: int = STRUCT) -> int:
        words = [word for member, number in members for word in (self.string(member), number, 0)]
        return self.add(kind, name, 8 * len(members), tuple(words), len(members))

    def array(self, of: int, count: int) -> int:
        return self.add(ARRAY, words=(of, of, count))

    def proto(self, returns: int, parameters: list[tuple[str, int]]) -> int:
        words = [word for name, number in parameters for word in (self.string(name), number)]
        return self.add(FUNC_PROTO, what=returns, words=tuple(words), count=len(parameters))

    def func(
        self, name: str, returns: int = 0, parameters: Optional[list[tuple[str, int]]] = None, linkage: int = 1
    ) -> int:
        number = self.add(FUNC, name, self.proto(returns, parameters or []), count=linkage)
        self.functions[name] = number
        return number

    def tag(self, on: int, text: str = "bpf_kfunc", component: int = ITSELF) -> int:
        return self.add(DECL_TAG, text, on, (component,))

    def kfunc(self, name: str, returns: int = 0, parameters: Optional[list[tuple[str, int]]] = None) -> int:
        number = self.func(name, returns, parameters)
        self.tag(number)
        return number

    def words(self) -> list[int]:
        return [word for name, info, what, words in self.written for word in (name, info, what, *words)]

    def blob(self) -> bytes:
        words = self.words()
        return blob(struct.pack(f"{MARKS[self.order]}{len(words)}I", *words), self.strings, order=self.order)


def blob(
    types: bytes,
    strings: bytes = b"\0",
    *,
    order: str = "little",
    magic: int = 0xEB9F,
    version: int = 1,
    flags: int = 0,
    layout: Optional[bytes] = None,
    more_header: bytes = b"",
) -> bytes:
    """Put BTF together of its parts, with whatever in the header."""
    mark = MARKS[order]
    length = 24 + (8 if layout is not None else 0) + len(more_header)
    header = struct.pack(f"{mark}HBBI4I", magic, version, flags, length, 0, len(types), len(types), len(strings))
    if layout is not None:
        header += struct.pack(f"{mark}2I", len(types) + len(strings), len(layout))
    return header + more_header + types + strings + (layout or b"")


@dataclass
class KfuncSet:
    """A set in ``.BTF_ids``: flags by the name of the function, or by its number."""

    name: str
    entries: dict[object, int] = field(default_factory=dict)
    holds: int = 1

    def words(self, functions: dict[str, int]) -> list[int]:
        entries = sorted(
            (functions[function] if isinstance(function, str) else function, flags)
            for function, flags in self.entries.items()
        )
        return [len(entries), self.holds, *(word for entry in entries for word in entry)]


@dataclass
class Image:
    """A ``vmlinux``, or with *module* a module."""

    types: Optional[Types]
    sets: list[KfuncSet] = field(default_factory=list)
    release: Optional[str] = "7.3.4-test"
    module: Optional[str] = None
    symbols: bool = False
    bits: int = 64
    distilled: Optional[Types] = None
    #: Words before the sets: what other lists have.
    before: list[int] = field(default_factory=list)

    def elf(self) -> bytes:
        order = self.types.order if self.types else "little"
        mark = MARKS[order]
        sections: dict[str, bytes] = {}
        if self.types:
            sections[".BTF"] = self.types.blob()
        if self.distilled:
            sections[".BTF.base"] = self.distilled.blob()
        words, symbols = list(self.before), {}
        for kfunc_set in self.sets:
            symbols[f"__BTF_ID__set8__{kfunc_set.name}"] = 4 * len(words)
            words += kfunc_set.words(self.types.functions if self.types else {})
        if words:
            sections[".BTF_ids"] = struct.pack(f"{mark}{len(words)}I", *words)
        if self.module is not None:
            lines = ["license=GPL", f"name={self.module}", f"vermagic={self.release} SMP mod_unload "]
            sections[".modinfo"] = b"".join(line.encode() + b"\0" for line in lines)
        elif self.release:
            sections[".rodata"] = f"\0\0Linux version %s (%s)\n\0Linux version {self.release} (a@b) #1\n\0".encode()
        return elf(sections, order=order, bits=self.bits, symbols=symbols if self.symbols else {}, at=".BTF_ids")


def elf(
    sections: dict[str, bytes],
    *,
    order: str = "little",
    bits: int = 64,
    symbols: Optional[dict[str, int]] = None,
    at: str = "",
    flags: int = 0x2,
) -> bytes:
    """Return an ELF file of *sections*, and with *symbols* whose values lie in section *at*."""
    mark = MARKS[order]
    parts = [Part(name, PROGBITS, flags, content) for name, content in sections.items()]
    if symbols:
        names, table = b"\0", b"\0" * (24 if bits == 64 else 16)
        index = 1 + list(sections).index(at)
        for name, value in {"unrelated": 0, **symbols}.items():
            where = index if name != "unrelated" else 0xFFF1
            if bits == 64:
                table += struct.pack(f"{mark}IBBHQQ", len(names), 1, 0, where, value, 8)
            else:
                table += struct.pack(f"{mark}IIIBBH", len(names), value, 8, 1, 0, where)
            names += name.encode() + b"\0"
        parts.append(Part(".symtab", SYMTAB, 0, table, len(parts) + 2, 0, 24 if bits == 64 else 16))
        parts.append(Part(".strtab", STRTAB, 0, names))
    return packed(parts, order=order, bits=bits)


PROGBITS, SYMTAB, STRTAB, REL = 1, 2, 3, 9


class Part(NamedTuple):
    """A section as it is written."""

    name: str
    kind: int
    flags: int
    content: bytes
    link: int = 0
    info: int = 0
    entry_size: int = 0


def packed(parts: list[Part], *, order: str = "little", bits: int = 64, machine: Optional[int] = None) -> bytes:
    """Return an ELF file of *parts*, which begin with the section of number 1, and of their names."""
    mark = MARKS[order]
    parts = [*parts, Part(".shstrtab", STRTAB, 0, b"")]
    names = b"\0" + b"".join(part.name.encode() + b"\0" for part in parts)
    parts[-1] = parts[-1]._replace(content=names)
    header_size, form = (64, f"{mark}IIQQQQIIQQ") if bits == 64 else (52, f"{mark}10I")
    body, headers = b"", struct.pack(form, *[0] * 10)
    for name, kind, flag, content, link, info, entry_size in parts:
        at_name = names.index(b"\0" + name.encode() + b"\0") + 1
        place = header_size + len(body)
        headers += struct.pack(form, at_name, kind, flag, 0, place, len(content), link, info, 1, entry_size)
        body += content + b"\0" * (-len(content) % 8)
    identity = b"\x7fELF" + bytes([2 if bits == 64 else 1, 1 if order == "little" else 2, 1]) + b"\0" * 9
    if machine is None:
        machine = {"little": 62 if bits == 64 else 3, "big": 22 if bits == 64 else 8}[order]
    word = "Q" if bits == 64 else "I"
    header = identity + struct.pack(
        f"{mark}HHI3{word}I6H",
        2, machine, 1, 0, 0, header_size + len(body), 0, header_size, 0, 0,
        struct.calcsize(form), len(parts) + 1, len(parts),
    )  # fmt: skip
    return header + body + headers
