# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The section ``.BTF.ext`` of a BPF object, which has facts about single instructions."""

from __future__ import annotations

import bisect
import os
import struct
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import NamedTuple, Optional

from kfuncdoc.bpf.conditions import CoreOutcome
from kfuncdoc.bpf.objects import SourceLine
from kfuncdoc.scan.binary import instructions
from kfuncdoc.scan.binary.btf import Btf
from kfuncdoc.scan.binary.core_outcomes import asked_by
from kfuncdoc.scan.binary.elf import shown
from kfuncdoc.scan.errors import Unscannable


class _Patch(NamedTuple):
    """A CO-RE relocation: the *type* it is about, the place of its string of *access*, and its *kind*."""

    type: int
    access: int
    kind: int


class BtfExt:
    """The instructions that libbpf patches for each kernel (CO-RE), and the source lines of all.

    The kernel's ``Documentation/bpf/btf.rst`` describes the section.  Raises :exc:`Unscannable` where the records
    of patches are broken.  Lines only help people to find a call: broken records of lines count as none.
    """

    #: The words of the header that have the offset and the length of the records, in bytes.
    _LINES, _PATCHES = (4, 5), (6, 7)

    def __init__(self, path: str, blob: bytes, btf: Optional[Btf], mark: str) -> None:
        self._path, self._blob, self._btf, self._mark = path, blob, btf, mark
        self._lines: dict[str, list[tuple[int, ...]]] = {}
        self._places: dict[str, frozenset[int]] = {}
        self._outcomes: dict[str, dict[int, CoreOutcome]] = {}
        self._patched: dict[str, dict[int, _Patch]] = {}
        if not blob or btf is None:
            return
        try:
            for section, (offset, *patch) in self._records(self._PATCHES):
                self._patched.setdefault(section, {})[offset // instructions.BYTES] = _Patch(*patch)
        except (struct.error, Unscannable):
            raise Unscannable(path, "its section .BTF.ext is broken") from None
        with suppress(struct.error, Unscannable):
            for section, records in self._blocks(self._LINES):
                self._lines.setdefault(section, []).extend(records)
        for lines in self._lines.values():
            lines.sort()

    def _records(self, where: tuple[int, int]) -> Iterator[tuple[str, tuple[int, ...]]]:
        """Yield the records of :meth:`_blocks` one by one, each with the name of the section that it is about."""
        return ((section, record) for section, records in self._blocks(where) for record in records)

    def _blocks(self, where: tuple[int, int]) -> Iterator[tuple[str, Iterator[tuple[int, ...]]]]:
        """Yield the name of each section with records, and the first four words of each of its records.

        *where* are the words of the header that say where the records are.
        """
        (length,) = struct.unpack_from(f"{self._mark}I", self._blob, 4)
        if length < 4 * (1 + max(where)):
            return  # it is older than records of this kind
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
            if at + count * size > len(self._blob):
                raise Unscannable(self._path, "its section .BTF.ext is broken")
            form = struct.Struct(f"{self._mark}4I{size - 16}x")
            yield section, form.iter_unpack(memoryview(self._blob)[at : at + count * size])
            at += count * size

    def patched(self, section: str) -> frozenset[int]:
        """Return the numbers of the instructions of *section* that libbpf patches."""
        # Sections of one name share it.
        if section not in self._places:
            self._places[section] = frozenset(self._patched.get(section, ()))
        return self._places[section]

    def outcomes(self, section: str) -> Mapping[int, CoreOutcome]:
        """Return what the patches of *section* tell of a kernel, by the numbers of the instructions they write to."""
        if section not in self._outcomes:
            self._outcomes[section] = dict(self._asked_in(section))
        return self._outcomes[section]

    def _asked_in(self, section: str) -> Iterator[tuple[int, CoreOutcome]]:
        for at, patch in self._patched.get(section, {}).items():
            asked = None
            if self._btf is not None and patch.type < self._btf.count:
                asked = asked_by(self._btf, patch.kind, patch.type, self._btf.string(patch.access))
            if asked is not None:
                yield at, asked

    def line(self, section: str, offset: int) -> Optional[SourceLine]:
        """Return the source line of the instruction at *offset* of *section*, in bytes; None where it is not known."""
        records = self._lines.get(section, [])
        before = bisect.bisect_left(records, (offset + 1,))
        if not before or self._btf is None:
            return None
        _, file, _, line = records[before - 1]
        try:
            name = self._btf.string(file)
        except Unscannable:
            return None
        # The line is shifted by the ten bits of the column.
        return (
            SourceLine(_as_named(shown(name.encode("utf-8", "surrogatepass"))), line >> 10, line & 0x3FF)
            if name and line >> 10
            else None
        )


def _as_named(path: str) -> str:
    """Return the *path* of a source, which compilers make absolute, relative to the current folder if it is below."""
    path, here = os.path.normpath(path), os.path.join(os.getcwd(), "")
    return path[len(here) :] if path.startswith(here) else path
