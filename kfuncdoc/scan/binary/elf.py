# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The sections and symbols of an ELF file, which nobody has to trust.

The headers are read and checked against the size of the file here (``elf(5)``, ``include/uapi/linux/elf.h``):
pyelftools takes most of the time of reading a small object to prepare for kinds of content that are not read, and it
trusts the headers of sections.  All that is wrong with a file is :exc:`Unscannable`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO, Final, NamedTuple, Optional, Union

from kfuncdoc.scan.errors import Unscannable, readable

MAGIC: Final = b"\x7fELF"

#: The machine of BPF programs (``EM_BPF``).
BPF_MACHINE: Final = 247

#: Types of sections (``SHT_*``).
PROGBITS, SYMTAB, NOBITS, REL = 1, 2, 8, 9
#: Flags of sections (``SHF_ALLOC``, ``SHF_EXECINSTR``, ``SHF_COMPRESSED``).
LOADED, EXECUTABLE, COMPRESSED = 0x2, 0x4, 0x800
#: The section of a symbol that another file defines (``SHN_UNDEF``).
UNDEFINED = 0
#: Types (``STT_*``) and bindings (``STB_*``) of symbols.
NOTYPE, OBJECT, FUNC = 0, 1, 2
LOCAL, WEAK = 0, 2
#: STV_INTERNAL and STV_HIDDEN.
HIDDEN = (1, 2)

#: Bounds, in sections and bytes, far above what any kernel has.
_MOST_SECTIONS = 0xFF00
LARGEST_SECTION = 128 << 20
_LONGEST_NAME = 1024
#: All sections together may have this many times the bytes of the file: overlapping sections can have far more.
_MOST_READ = 4


class ElfSection(NamedTuple):
    """The header of a section; *address*, *offset* and *size* are in bytes."""

    number: int
    name: str
    type: int
    flags: int
    address: int
    offset: int
    size: int
    link: int
    info: int


class ElfSymbol(NamedTuple):
    """An entry of the symbol table; *name* is an offset in the strings of the table, *size* is in bytes."""

    name: int
    type: int
    binding: int
    section: int
    value: int
    size: int
    visibility: int


class _Header(NamedTuple):
    """The header of the file: its *bits*, 32 or 64, the *mark* of its byte order, and its fields."""

    bits: int
    mark: str
    machine: int
    #: The offset of the section headers, the bytes of one header, their number, and the index of the section of names.
    table: int
    section_bytes: int
    sections: int
    names: int


_IDENTITY_BYTES = 16


class Elf:
    """The sections of an ELF file, each read only when it is asked for.  Raises :exc:`Unscannable`."""

    def __init__(self, path: str, stream: BinaryIO) -> None:
        self.path = path
        self._stream = stream
        with readable(path):
            self.size = stream.seek(0, 2)
            stream.seek(0)
        self._left = _MOST_READ * self.size
        try:
            with readable(path):
                self._header = self._read_header()
                #: All sections, by their numbers.
                self.sections = self._sections()
        except Unscannable:
            raise
        except (struct.error, IndexError):
            raise Unscannable(path, "its ELF headers are broken or cut off") from None
        #: The byte order in a format of :mod:`struct`.
        self.mark = self._header.mark
        self.byte_order = "little" if self.mark == "<" else "big"
        self.machine = (self._header.machine, self._header.bits, self.byte_order)
        #: The first section of each name.
        self.by_name: dict[str, ElfSection] = {}
        for section in self.sections:
            self.by_name.setdefault(section.name, section)

    def _read_header(self) -> _Header:
        """Return the header of the file.  Raises :exc:`struct.error` and :exc:`IndexError` where it is broken."""
        identity = self._stream.read(_IDENTITY_BYTES)
        bits, mark = {1: 32, 2: 64}.get(identity[4]), {1: "<", 2: ">"}.get(identity[5])
        if not identity.startswith(MAGIC) or bits is None or mark is None:
            raise struct.error(identity)
        form = struct.Struct(f"{mark}HHIQQQIHHHHHH" if bits == 64 else f"{mark}HHIIIIIHHHHHH")
        _, machine, _, _, _, table, _, _, _, _, section_bytes, sections, names = form.unpack(
            self._stream.read(form.size)
        )
        return _Header(bits, mark, machine, table, section_bytes, sections, names)

    def _sections(self) -> tuple[ElfSection, ...]:
        """Return all sections."""
        header = self._header
        form = struct.Struct(f"{header.mark}IIQQQQIIQQ" if header.bits == 64 else f"{header.mark}10I")
        start, count, header_bytes = header.table, header.sections, header.section_bytes
        if start == 0 or count == 0:
            raise Unscannable(self.path, "it has no sections")
        if header_bytes != form.size or count > _MOST_SECTIONS or start + count * header_bytes > self.size:
            raise Unscannable(self.path, f"its {count} section headers at byte {start:,} reach past its end")
        self._stream.seek(start)
        headers = list(form.iter_unpack(self._stream.read(count * header_bytes)))
        sections = [
            ElfSection(number, "", kind, flags, address, offset, size, link, info)
            for number, (_, kind, flags, address, offset, size, link, info, _, _) in enumerate(headers)
        ]
        names = self.contents(sections[header.names], "the section names")
        return tuple(
            section._replace(name=self.string_at(names, fields[0])) for section, fields in zip(sections, headers)
        )

    def read(self, name: str, largest: int = LARGEST_SECTION) -> Optional[bytes]:
        """Return the content of the section *name*, None where there is none; *largest* is in bytes."""
        section = self.by_name.get(name)
        return None if section is None else self.contents(section, f"section {name}", largest)

    def contents(self, section: ElfSection, what: str, largest: int = LARGEST_SECTION) -> bytes:
        """Return the content of *section*, which errors call *what*; *largest* is in bytes."""
        if section.type == NOBITS:
            return b""
        if section.flags & COMPRESSED:
            raise Unscannable(self.path, f"{what} is compressed")
        if section.offset + section.size > self.size:
            end = section.offset + section.size
            raise Unscannable(self.path, f"{what} reaches to byte {end:,}, past the end at byte {self.size:,}")
        if section.size > largest:
            raise Unscannable(self.path, f"{what} has {section.size:,} bytes, more than any kernel's")
        self._left -= section.size
        if self._left < 0:
            raise Unscannable(self.path, f"its sections lie one over the other: {what} would be too much to read")
        with readable(self.path):
            self._stream.seek(section.offset)
            return self._stream.read(section.size)

    def string_at(self, strings: bytes, offset: int) -> str:
        """Return the string at *offset* of the table *strings*, as :func:`shown` does."""
        end = strings.find(b"\0", offset, offset + _LONGEST_NAME)
        if end < 0 and offset + _LONGEST_NAME < len(strings):
            raise Unscannable(self.path, f"a name in it has more than {_LONGEST_NAME} bytes")
        return shown(strings[offset : end if end >= 0 else len(strings)])

    def symbol_table(self) -> Optional[ElfSection]:
        """Return the section of the symbol table; None where it was stripped, or has no table of names."""
        return next(
            (section for section in self.sections if section.type == SYMTAB and section.link < len(self.sections)), None
        )

    def symbol_names(self, table: ElfSection) -> bytes:
        """Return the table of strings that has the names of the symbols of *table*."""
        return self.contents(self.sections[table.link], "the names of symbols")

    def symbols(self, table: ElfSection) -> Iterator[ElfSymbol]:
        """Yield the symbols of *table* in order; the first is no symbol."""
        wide = self._header.bits == 64
        # The two classes have the fields in another order.
        form = struct.Struct(f"{self.mark}IBBHQQ" if wide else f"{self.mark}IIIBBH")
        content = self.contents(table, "the symbol table")
        for fields in form.iter_unpack(memoryview(content)[: len(content) // form.size * form.size]):
            if wide:
                name, kind, other, section, value, size = fields
            else:
                name, value, size, kind, other, section = fields
            yield ElfSymbol(name, kind & 0xF, kind >> 4, section, value, size, other & 3)


def machine_name(machine: int) -> str:
    """Return the name of the number of a machine, such as ``EM_X86_64``.

    Raises :exc:`ImportError` where pyelftools is not installed.
    """
    from elftools.elf.enums import ENUM_E_MACHINE

    names = (name for name, number in ENUM_E_MACHINE.items() if number == machine and name.startswith("EM_"))
    return next(names, str(machine))


def shown(name: Union[bytes, str]) -> str:
    """Return *name* as a terminal can show it: bytes that are no UTF-8, and control characters, become escapes."""
    text = name if isinstance(name, str) else name.decode("utf-8", "backslashreplace")
    return text if text.isprintable() else text.encode("unicode_escape").decode("ascii")
