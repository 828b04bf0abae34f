# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Sets of kfuncs in the section ``.BTF_ids`` of a built kernel, found by their symbols or by their form.

A set is a ``struct btf_id_set8`` of ``include/linux/btf_ids.h``: a count, a word of flags, then pairs of the
number of a function in BTF and the flags of that kfunc.
"""

from __future__ import annotations

import re
import sys
from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Optional

from kfuncdoc.scan.binary.btf import FUNC, Btf
from kfuncdoc.scan.binary.elf import Elf
from kfuncdoc.scan.errors import Unscannable

#: Bytes, far more than any kernel has.
_LARGEST_IDS = 256 << 10

#: The kernel accepts at most so many kfuncs in one set (``BTF_KFUNC_SET_MAX_CNT`` in ``kernel/bpf/btf.c``).
_LARGEST_SET = 256
#: The flag of a set whose entries are kfuncs (``BTF_SET8_KFUNCS``).
_HOLDS_KFUNCS = 1
_SET_SYMBOL = re.compile(rb"(?<=\0)__BTF_ID__set8__(\w+)(?=\0)", re.ASCII)


@dataclass(frozen=True)
class BtfIdSet:
    """A set of kfuncs: its *offset* in the section, in bytes, and for each kfunc its number in BTF and its flags."""

    name: Optional[str]
    offset: int
    entries: tuple[tuple[int, int], ...]

    def __str__(self) -> str:
        return self.name or f"the set at byte {self.offset} of .BTF_ids"


def kfunc_sets(elf: Elf, btf: Btf) -> Iterator[BtfIdSet]:
    """Yield the sets of kfuncs in the section ``.BTF_ids`` of *elf*.  Raises :exc:`Unscannable`."""
    content = elf.read(".BTF_ids", _LARGEST_IDS)
    if not content:
        return
    words = array("I", content[: len(content) & ~3])
    if elf.byte_order != sys.byteorder:
        words.byteswap()
    names = _sets_by_offset(elf)
    yield from _named(elf.path, words, names, btf) if names else _recognized(words, btf)


def _named(path: str, words: array[int], names: Mapping[int, str], btf: Btf) -> Iterator[BtfIdSet]:
    """Yield the kfunc sets among those that symbols name."""
    free = 0
    for offset, name in sorted(names.items()):
        at = offset // 4
        if offset % 4 or at + 2 > len(words):
            raise Unscannable(path, f"its symbols place the set {name} outside of .BTF_ids")
        count = words[at]
        if not words[at + 1] & _HOLDS_KFUNCS:
            continue
        if at < free:
            raise Unscannable(path, f"the set {name} lies in another")
        free = at + 2 + 2 * count
        if count > _LARGEST_SET or free > len(words):
            raise Unscannable(path, f"the set {name} cannot have {count:,} entries")
        entries = _pairs(words, at + 2, count)
        if not all(number == 0 or _is_function(number, btf) for number, _ in entries):
            raise Unscannable(path, f"the set {name} has entries that are no functions")
        yield BtfIdSet(name, offset, entries)


def _recognized(words: array[int], btf: Btf) -> Iterator[BtfIdSet]:
    """Yield the sets of kfuncs that have the form of one: a header, then as many functions as it says, sorted."""
    at, end = 0, len(words) - 1
    while at < end:
        count = words[at]
        if words[at + 1] == _HOLDS_KFUNCS and 0 < count <= min(_LARGEST_SET, (end - at - 1) // 2):
            previous = 0
            for place in range(at + 2, at + 2 + 2 * count, 2):
                number = words[place]
                # The number of a function that was not resolved is 0.
                if number < previous or (number and (number == previous or not _is_function(number, btf))):
                    break
                previous = number
            else:
                if previous:
                    yield BtfIdSet(None, at * 4, _pairs(words, at + 2, count))
                    at += 2 + 2 * count
                    continue
        at += 1


def _pairs(words: array[int], at: int, count: int) -> tuple[tuple[int, int], ...]:
    return tuple(zip(words[at : at + 2 * count : 2], words[at + 1 : at + 2 * count : 2]))


def _is_function(number: int, btf: Btf) -> bool:
    return number < btf.count and btf.kind(number) == FUNC


def _sets_by_offset(elf: Elf) -> Mapping[int, str]:
    """Return the names of the sets that have a symbol, by their offset in ``.BTF_ids``, in bytes."""
    ids = elf.by_name[".BTF_ids"]
    table = elf.symbol_table()
    if table is None:
        return {}
    wanted = {match.start(): match[1].decode("ascii") for match in _SET_SYMBOL.finditer(elf.symbol_names(table))}
    if not wanted:
        return {}
    return {
        symbol.value - ids.address: wanted[symbol.name]
        for symbol in elf.symbols(table)
        if symbol.name in wanted and symbol.section == ids.number
    }
