# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""BTF, the type information of a kernel, as far as kfuncs need it.

A blob of BTF is a header, a row of types, and the strings with their names; types refer to each other by
number.  The kernel's ``Documentation/bpf/btf.rst`` describes it.  The BTF of a module is *split*: its numbers of
types and offsets of strings go on where those of ``vmlinux`` end.

A kernel has more than a hundred thousand types, and about a thousand matter here.  So it is read in two steps::

    bytes --index: one pass, the offset of each type--> Btf --prototype(id): only what is asked for--> C text

Nothing in a blob is trusted.  All that is wrong with it is :exc:`Unscannable`, with the number of the type.  Time
and memory are bounded by its size.
"""

from __future__ import annotations

import re
import struct
import sys
from array import array
from functools import cached_property
from typing import Final, FrozenSet, Iterator, Mapping, Optional

from kfuncdoc.bpf import shape
from kfuncdoc.scan.errors import Unscannable

VOID, INT, PTR, ARRAY, STRUCT, UNION, ENUM, FWD, TYPEDEF, VOLATILE, CONST, RESTRICT, FUNC, FUNC_PROTO = range(14)
VAR, DATASEC, FLOAT, DECL_TAG, TYPE_TAG, ENUM64 = range(14, 20)

#: The decl tag of kfuncs, added when the kernel is built.
KFUNC_TAG: Final = "bpf_kfunc"
#: The structures to which the verifier itself passes pointers, to kfuncs with KF_IMPLICIT_ARGS
#: (``tools/bpf/resolve_btfids/main.c``); see :meth:`Btf.prototype`.
IMPLICIT_TYPES: Final = frozenset({"bpf_prog_aux", "btf_struct_meta"})

_MAGIC = 0xEB9F
_HEADER_BYTES = 24
_LAYOUT_HEADER_BYTES = 32
_COMMON_WORDS = 3
#: The words of a type behind the three that every type has: (once, for each of its elements).
_WORDS: dict[int, tuple[int, int]] = {
    INT: (1, 0), PTR: (0, 0), ARRAY: (3, 0), STRUCT: (0, 3), UNION: (0, 3), ENUM: (0, 2), FWD: (0, 0),
    TYPEDEF: (0, 0), VOLATILE: (0, 0), CONST: (0, 0), RESTRICT: (0, 0), FUNC: (0, 0), FUNC_PROTO: (0, 2),
    VAR: (1, 0), DATASEC: (0, 3), FLOAT: (0, 0), DECL_TAG: (1, 0), TYPE_TAG: (0, 0), ENUM64: (0, 3),
}  # fmt: skip
_ITSELF = 0xFFFFFFFF  # the index of a tag of the function, and not of one of its parameters

#: The format's own limit (BTF_MAX_TYPE); the largest kernels have a fifth of it.
_MOST_TYPES = 0xFFFFF
#: Bytes; the types and strings of the largest kernels have a tenth of it.
LARGEST_BLOB: Final = 128 << 20
#: Bounds of a prototype, in types, characters and steps; only types that refer to each other in a circle reach them.
_DEEPEST = 64
_DEEPEST_SHAPE = 32  # as bpf_core_types_are_compat() of libbpf
_LONGEST_NAME = 512
_LONGEST_PROTOTYPE = 10_000
_MOST_STEPS = 200_000  # over all prototypes of one blob; a real kernel takes 15,000

#: The linkage of a function or variable that another object has (``BTF_FUNC_EXTERN``, ``BTF_VAR_GLOBAL_EXTERN``).
EXTERN: Final = 2

_QUALIFIERS = {CONST: "const", VOLATILE: "volatile", RESTRICT: "restrict"}
_PASSED_OVER = frozenset({*_QUALIFIERS, TYPE_TAG})
_SHAPES: dict[int, shape.Shape] = {
    VOID: shape.VOID, STRUCT: shape.STRUCT, UNION: shape.UNION, ENUM: shape.ENUM, ENUM64: shape.ENUM,
    FWD: shape.FORWARD,
}  # fmt: skip
_KEYWORDS = {STRUCT: "struct", UNION: "union", ENUM: "enum", ENUM64: "enum"}
#: The names of types as people write them, by their names in BTF, which compilers choose.
_SPELLINGS = {
    "long unsigned int": "unsigned long", "long int": "long", "short unsigned int": "unsigned short",
    "short int": "short", "long long unsigned int": "unsigned long long", "long long int": "long long",
    "_Bool": "bool", "__int128 unsigned": "unsigned __int128",
}  # fmt: skip
_IDENTIFIER = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_WORDS_OF_C = re.compile(r"[A-Za-z_]\w*(?: [A-Za-z_]\w*)*", re.ASCII)


class Btf:
    """One blob of BTF, and the *base* that it continues if it is split.

    *path* names the file in errors.  All methods raise :exc:`Unscannable` where the blob is broken.
    """

    #: The number that the next type would have, and the offset of the next string.
    count: int
    _strings_end: int

    def __init__(self, blob: bytes, path: str, base: Optional[Btf] = None) -> None:
        self._path = path
        self._base = base
        #: The numbers of its first type and of the one that would follow its last.
        self.first = base.count if base else 1
        self._first_string = base._strings_end if base else 0
        header = self._header(blob)
        self.byte_order = header.byte_order
        self._strings = header.strings
        self._strings_end = self._first_string + len(header.strings)
        self._words = array("I", header.types)
        if header.byte_order != sys.byteorder:
            self._words.byteswap()
        self._offsets, self._tags = self._index(_TypeLengths(header.layout))
        self.count = self.first + len(self._offsets)
        self._steps = 0
        self._asked: Optional[tuple[FrozenSet[str], Mapping[int, str]]] = None

    # -- the header

    def _header(self, blob: bytes) -> _BtfHeader:
        if len(blob) > LARGEST_BLOB:
            raise self._wrong(f"{len(blob):,} bytes are more than any kernel has")
        if len(blob) < _HEADER_BYTES:
            raise self._wrong(f"it ends after {len(blob)} bytes, within its header")
        byte_order = byte_order_of(blob)
        if byte_order is None:
            raise self._wrong(f"its magic number is {blob[:2].hex()}, not that of BTF")
        mark = "<" if byte_order == "little" else ">"
        _, version, flags, length = struct.unpack_from(f"{mark}HBBI", blob)
        if version != 1:
            raise self._wrong(f"it is of version {version}, and only version 1 is known")
        if flags:
            raise self._wrong(f"its header has flags ({flags:#x}), and none are known")
        if not _HEADER_BYTES <= length <= len(blob) or (_HEADER_BYTES < length < _LAYOUT_HEADER_BYTES):
            raise self._wrong(f"its header is said to have {length} bytes")
        # As in the kernel (btf_parse_hdr()): the further bytes of a longer, newer header have to be zero.
        if any(blob[_LAYOUT_HEADER_BYTES : min(length, len(blob))]):
            raise self._wrong(f"its header has {length} bytes and says more than is known")
        types_at, types_length, strings_at, strings_length = struct.unpack_from(f"{mark}4I", blob, 8)
        layout = (0, 0)
        if length >= _LAYOUT_HEADER_BYTES:
            layout = struct.unpack_from(f"{mark}2I", blob, _HEADER_BYTES)
        types = self._section(blob, length, "types", types_at, types_length)
        strings = self._section(blob, length, "strings", strings_at, strings_length)
        if len(types) % 4:
            raise self._wrong(f"its types take {len(types)} bytes, which are no whole words")
        if strings and strings[-1]:
            raise self._wrong("its last string has no end")
        return _BtfHeader(byte_order, types, strings, self._section(blob, length, "layout", *layout))

    def _section(self, blob: bytes, start: int, what: str, offset: int, length: int) -> bytes:
        if start + offset + length > len(blob):
            end = start + offset + length
            raise self._wrong(f"its {what} reach to byte {end:,}, past its end at byte {len(blob):,}")
        return blob[start + offset : start + offset + length]

    # -- the index

    def _index(self, lengths: _TypeLengths) -> tuple[array[int], list[int]]:
        """Return the offset of each type, in words, and the numbers of all decl tags."""
        words, offsets, tags = self._words, array("I"), []
        end, at, number = len(words), 0, self.first
        append = offsets.append
        try:
            while at < end:
                info = words[at + 1]
                append(at)
                length = lengths[info]
                if length == 4 and info >> 24 & 0x7F == DECL_TAG:
                    tags.append(number)
                at += length
                number += 1
                if number > _MOST_TYPES:
                    raise self._wrong(f"it has more than {_MOST_TYPES:,} types")
        except IndexError:
            raise self._wrong(f"type {number} is cut off at byte {at * 4:,} of the types") from None
        except _UnknownKind as unknown:
            raise self._wrong(
                f"type {number} at byte {at * 4:,} of the types is of kind {unknown.kind}, which is not known"
            ) from None
        if at != end:
            raise self._wrong(f"type {number - 1} reaches to byte {at * 4:,} of the types, past their end")
        return offsets, tags

    # -- types

    def kind(self, number: int) -> int:
        """Return the kind of type *number*, 0 for void."""
        if number == 0:
            return VOID
        words, at = self._at(number)
        return words[at + 1] >> 24 & 0x7F

    def name(self, number: int) -> str:
        """Return the name of type *number*, empty where it has none."""
        words, at = self._at(number)
        return self._string(words[at], number)

    def function(self, number: int) -> str:
        """Return the name of the function *number*, which is an identifier of C."""
        if self.kind(number) != FUNC:
            raise self._wrong(f"type {number} is no function")
        return self._identifier(self.name(number), number)

    def of_kind(self, kind: int) -> Iterator[int]:
        """Yield the numbers of all types of *kind*; not of the base."""
        yield from self._numbers_by_kind.get(kind, ())

    @cached_property
    def _numbers_by_kind(self) -> dict[int, list[int]]:
        words, numbers = self._words, dict[int, list[int]]()
        for number, at in enumerate(self._offsets, self.first):
            numbers.setdefault(words[at + 1] >> 24 & 0x7F, []).append(number)
        return numbers

    def functions_named(self, names: FrozenSet[str]) -> dict[str, int]:
        """Return the number of the first function by each of *names*, if there is one; not of the base."""
        wanted = self._offsets_of(names)
        words, numbers = self._words, dict[str, int]()
        for index, at in enumerate(self._offsets if wanted else ()):
            if words[at] in wanted and words[at + 1] >> 24 & 0x7F == FUNC:
                numbers.setdefault(wanted[words[at]], self.first + index)
        return numbers

    def _offsets_of(self, names: FrozenSet[str]) -> Mapping[int, str]:
        """Return the offsets of the strings that are in *names*, also of the base."""
        # All modules ask the same base.
        if self._asked is None or self._asked[0] != names:
            encoded = {name.encode("utf-8", "replace"): name for name in names}
            offsets = dict(self._base._offsets_of(names)) if self._base else {}
            at = self._first_string
            for string in self._strings.split(b"\0"):
                if string in encoded:
                    offsets[at] = encoded[string]
                at += len(string) + 1
            self._asked = names, offsets
        return self._asked[1]

    def linkage(self, number: int) -> int:
        """Return the linkage of the function *number*."""
        words, at = self._at(number)
        return words[at + 1] & 0xFFFF

    def is_extern(self, number: int) -> bool:
        """Whether the function or variable *number* is declared in this object, and defined elsewhere."""
        if self.kind(number) == FUNC:
            return self.linkage(number) == EXTERN
        words, at = self._at(number)
        return self.kind(number) == VAR and words[at + 3] == EXTERN

    def contents(self, number: int) -> Iterator[tuple[int, int, int]]:
        """Yield the variables and functions in the section *number*: type, offset and size, both in bytes."""
        words, at = self._at(number)
        for place in range(at + 3, at + 3 + 3 * (words[at + 1] & 0xFFFFFF), 3):
            yield words[place], words[place + 1], words[place + 2]

    def structure(self, number: int) -> Optional[int]:
        """Return the number of the structure that is the type of the variable *number*; None of another type."""
        if self.kind(number) != VAR:
            return None
        number = self._resolved(self._target(number))
        return number if self.kind(number) == STRUCT else None

    def integer_size(self, number: int) -> Optional[int]:
        """Return the bytes of the variable *number* if it is an integer or an enumeration; None of another type."""
        number = self._resolved(self._target(number)) if self.kind(number) == VAR else 0
        if self.kind(number) not in (INT, ENUM, ENUM64):
            return None
        words, at = self._at(number)
        return words[at + 2]

    def members(self, number: int) -> dict[int, str]:
        """Return the names of the members of the structure *number*, by their offsets in bytes."""
        words, at = self._at(number)
        bits = 0xFFFFFF if words[at + 1] >> 31 else 0xFFFFFFFF
        places = range(at + 3, at + 3 + 3 * (words[at + 1] & 0xFFFFFF), 3)
        return {(words[place + 2] & bits) // 8: self._string(words[place], number) for place in places if words[place]}

    def typed_members(self, number: int) -> Iterator[tuple[str, int]]:
        """Yield the names of the members of the structure or union *number*, which may be empty, and their types."""
        words, at = self._at(number)
        for place in range(at + 3, at + 3 + 3 * (words[at + 1] & 0xFFFFFF), 3):
            yield self._string(words[place], number), words[place + 1]

    def enumerators(self, number: int) -> Iterator[str]:
        """Yield the names of the enumerators of type *number*, in order; none of a type that is no enumeration."""
        size = {ENUM: 2, ENUM64: 3}.get(self.kind(number))
        if size is not None:
            words, at = self._at(number)
            for place in range(at + 3, at + 3 + size * (words[at + 1] & 0xFFFFFF), size):
                yield self._string(words[place], number)

    def element(self, number: int) -> int:
        """Return the type of the elements of the array *number*."""
        words, at = self._at(number)
        return words[at + 3]

    def resolved(self, number: int) -> int:
        """Return the type *number* without its qualifiers, type tags and typedefs."""
        return self._resolved(number)

    def named(self, name: str) -> Iterator[int]:
        """Yield the numbers of the types called *name*, of any kind; not of the base."""
        offsets = self._places_of(name)
        words = self._words
        for index, at in enumerate(self._offsets if offsets else ()):
            if words[at] in offsets:
                yield self.first + index

    def _places_of(self, name: str) -> set[int]:
        """Return the offsets of the string *name*, also of the base."""
        offsets = self._base._places_of(name) if self._base else set()
        encoded, at = name.encode("utf-8", "replace") + b"\0", -1
        strings = b"\0" + self._strings
        while (at := strings.find(b"\0" + encoded, at + 1)) >= 0:
            offsets.add(self._first_string + at)
        return offsets

    def string(self, offset: int) -> str:
        """Return the string at *offset*, to which something else than a type refers (``.BTF.ext``)."""
        return self._string(offset, 0)

    def tagged(self, tag: str = KFUNC_TAG) -> tuple[int, ...]:
        """Return the numbers of the functions that have the decl tag *tag*, in their order; not of the base."""
        is_tag: dict[int, bool] = {}
        functions = set()
        for number in self._tags:
            words, at = self._at(number)
            # With the kind flag it is an attribute of the compiler, and no tag.
            if words[at + 3] != _ITSELF or words[at + 1] >> 31:
                continue
            name = words[at]
            if name not in is_tag:
                is_tag[name] = self._string(name, number) == tag
            if is_tag[name] and self.kind(words[at + 2]) == FUNC:
                functions.add(words[at + 2])
        return tuple(sorted(functions))

    def _at(self, number: int) -> tuple[array[int], int]:
        """Return the words of the blob that has type *number*, and the index of its first word."""
        if number >= self.count:
            raise self._wrong(f"something refers to type {number}, and there are {self.count - 1}")
        if number < self.first:
            if self._base is None or number == 0:
                raise self._wrong(f"something refers to type {number}, where there has to be one")
            return self._base._at(number)
        return self._words, self._offsets[number - self.first]

    def _string(self, offset: int, number: int) -> str:
        """Return the string at *offset*, the name of type *number*."""
        if offset < self._first_string and self._base is not None:
            return self._base._string(offset, number)
        offset -= self._first_string
        if offset >= len(self._strings):
            if offset == 0:
                return ""
            raise self._wrong(f"type {number} has its name at byte {offset:,} of {len(self._strings):,} of the strings")
        end = self._strings.find(0, offset, offset + _LONGEST_NAME + 1)
        if end < 0:
            raise self._wrong(f"the name of type {number} has more than {_LONGEST_NAME} bytes")
        return self._strings[offset:end].decode("utf-8", "replace")

    def _identifier(self, name: str, number: int) -> str:
        if not _IDENTIFIER.fullmatch(name):
            raise self._wrong(f"type {number} names '{_printable(name)}', which is no name in C")
        return name

    # -- prototypes

    def prototype(self, number: int, *, implicit_arguments: bool = False) -> Optional[str]:
        """Return the prototype of the function *number*, as one line of C; None where one of its types has no name.

        With *implicit_arguments* (the function has KF_IMPLICIT_ARGS) the prototype ends before the first pointer
        to one of ``IMPLICIT_TYPES``: the verifier passes these arguments, and BPF programs do not.  As a rule BTF
        does not have them any more; images of v7.1 and v7.2 have some.
        """
        name = self.function(number)
        words, at = self._at(number)
        signature = words[at + 2]
        if self.kind(signature) != FUNC_PROTO:
            raise self._wrong(f"function {number} ('{name}') has type {signature}, which is no prototype")
        try:
            parameters = self._parameters(signature, 0, implicit_arguments)
            return self._declared(self._target(signature), f"{name}({parameters})", 0)
        except _UnnamedType:
            return None

    def has_implicit_argument(self, number: int) -> bool:
        """Whether the function *number* has a parameter that points to one of ``IMPLICIT_TYPES``."""
        self.function(number)
        signature = self._target(number)
        if self.kind(signature) != FUNC_PROTO:
            return False
        words, at = self._at(signature)
        parameters = range(at + 4, at + 4 + 2 * (words[at + 1] & 0xFFFFFF), 2)
        return any(self._is_implicit(words[parameter]) for parameter in parameters)

    def shape_of(self, number: int) -> shape.Shape:
        """Return the shape of the function *number*, which libbpf compares (see :mod:`kfuncdoc.bpf.shape`)."""
        self.function(number)
        return self._shape(self._target(number), 0)

    def _shape(self, number: int, depth: int) -> shape.Shape:
        number = self._resolved(number)
        self._count_step(number)
        kind = self.kind(number)
        words, at = self._at(number) if number else (self._words, 0)
        if depth >= _DEEPEST_SHAPE:
            return shape.OTHER
        if kind == INT:
            return shape.OTHER if words[at + 3] >> 16 & 0xFF else shape.INTEGER
        if kind == PTR:
            return (shape.POINTER, self._shape(words[at + 2], depth + 1))
        if kind == ARRAY:
            return (shape.ARRAY, self._shape(words[at + 3], depth + 1))
        if kind == FUNC_PROTO:
            parameters = range(at + 4, at + 4 + 2 * (words[at + 1] & 0xFFFFFF), 2)
            shapes = (self._shape(words[parameter], depth + 1) for parameter in parameters)
            return (shape.FUNCTION, self._shape(words[at + 2], depth + 1), *shapes)
        return _SHAPES.get(kind, shape.OTHER)

    def _resolved(self, number: int) -> int:
        """Return the type *number* without its qualifiers, type tags and typedefs."""
        for _ in range(_DEEPEST):
            if self.kind(number) not in _PASSED_OVER and self.kind(number) != TYPEDEF:
                return number
            number = self._target(number)
        raise self._wrong(f"type {number} goes round in a circle")

    def _target(self, number: int) -> int:
        words, at = self._at(number)
        return words[at + 2]

    def _parameters(self, signature: int, depth: int, implicit_arguments: bool = False) -> str:
        words, at = self._at(signature)
        count = words[at + 1] & 0xFFFFFF
        parameters: list[str] = []
        length = 0
        for index in range(count):
            name_offset, number = words[at + 3 + 2 * index], words[at + 4 + 2 * index]
            if implicit_arguments and self._is_implicit(number):
                break
            if number == 0 and name_offset == 0:
                if index != count - 1:
                    raise self._wrong(f"type {signature} has '...' before its last parameter")
                parameters.append("...")
                continue
            name = self._string(name_offset, signature)
            parameters.append(self._declared(number, name and self._identifier(name, signature), depth + 1))
            length += len(parameters[-1])
            self._check_length(signature, length)
        return ", ".join(parameters) or "void"

    def _is_implicit(self, number: int) -> bool:
        pointer = self._without_qualifiers(number)
        if self.kind(pointer) != PTR:
            return False
        pointee = self._without_qualifiers(self._target(pointer))
        return self.kind(pointee) in (STRUCT, FWD) and self.name(pointee) in IMPLICIT_TYPES

    def _without_qualifiers(self, number: int) -> int:
        for _ in range(_DEEPEST):
            if self.kind(number) not in _PASSED_OVER:
                return number
            number = self._target(number)
        raise self._wrong(f"type {number} goes round in a circle")

    def _declared(self, number: int, declared: str, depth: int) -> str:
        """Return the C declaration of *declared* (a name, or a part of a declaration) with type *number*."""
        start, qualifiers = number, ""
        for _ in range(_DEEPEST if depth < _DEEPEST else 0):
            self._count_step(start)
            kind = self.kind(number)
            if kind in _QUALIFIERS:
                qualifiers += f"{_QUALIFIERS[kind]} "
            elif kind == PTR:
                declared = f"*{qualifiers}{declared}" if declared else f"*{qualifiers}".rstrip()
                qualifiers = ""
                if self.kind(self._without_qualifiers(self._target(number))) in (ARRAY, FUNC_PROTO):
                    declared = f"({declared})"
            elif kind == ARRAY:
                words, at = self._at(number)
                declared += f"[{words[at + 5]}]"
                number = words[at + 3]
                continue
            elif kind == FUNC_PROTO:
                declared += f"({self._parameters(number, depth + 1)})"
                qualifiers = ""
            elif kind != TYPE_TAG:
                return f"{qualifiers}{self._base_type(number, kind)}{' ' if declared else ''}{declared}"
            self._check_length(start, len(declared))
            number = self._target(number)
        raise self._wrong(f"type {start} goes round in a circle or is nested too deep")

    def _base_type(self, number: int, kind: int) -> str:
        """Return the name in C of a type that refers to no other."""
        if kind == VOID:
            return "void"
        name = self.name(number)
        if kind in (INT, FLOAT):
            if not _WORDS_OF_C.fullmatch(name):
                raise self._wrong(f"type {number} names '{_printable(name)}', which is no type in C")
            return _SPELLINGS.get(name, name)
        if kind not in _KEYWORDS and kind not in (FWD, TYPEDEF):
            raise self._wrong(f"type {number} of kind {kind} stands where a type of C has to")
        if not name:
            raise _UnnamedType
        name = self._identifier(name, number)
        if kind == FWD:
            words, at = self._at(number)
            kind = UNION if words[at + 1] >> 31 else STRUCT
        return name if kind == TYPEDEF else f"{_KEYWORDS[kind]} {name}"

    def _count_step(self, number: int) -> None:
        self._steps += 1
        if self._steps > _MOST_STEPS:
            raise self._wrong(f"its prototypes are longer than any kernel's, at type {number}")

    def _check_length(self, number: int, length: int) -> None:
        if length > _LONGEST_PROTOTYPE:
            raise self._wrong(f"the prototype at type {number} is longer than {_LONGEST_PROTOTYPE:,} characters")

    def _wrong(self, message: str) -> Unscannable:
        return Unscannable(self._path, f"its BTF is broken or of a kind that is not known: {message}")


def byte_order_of(blob: bytes) -> Optional[str]:
    """Return ``little`` or ``big`` if *blob* begins with the magic number of BTF in that byte order, else None."""
    orders = {_MAGIC.to_bytes(2, "little"): "little", _MAGIC.to_bytes(2, "big"): "big"}
    return orders.get(bytes(blob[:2]))


class _BtfHeader:
    """The parts of a blob, which its header points to."""

    __slots__ = ("byte_order", "layout", "strings", "types")

    def __init__(self, byte_order: str, types: bytes, strings: bytes, layout: bytes) -> None:
        self.byte_order = byte_order
        self.types = types
        self.strings = strings
        self.layout = layout


class _TypeLengths(dict[int, int]):
    """The number of words of a type, by its word of kind, flag and count: few differ, so each is computed once.

    *layout* describes the kinds of a newer blob, in four bytes each: the first is the number of bytes that follow
    once, the second of those that follow for each element.  With it, unknown kinds can be skipped.
    """

    def __init__(self, layout: bytes) -> None:
        super().__init__()
        self._words = dict(_WORDS)
        for kind in range(1, len(layout) // 4):
            once, per_element = layout[4 * kind], layout[4 * kind + 1]
            if kind not in _WORDS and once % 4 == 0 and per_element % 4 == 0:
                self._words[kind] = once // 4, per_element // 4

    def __missing__(self, info: int) -> int:
        kind = info >> 24 & 0x7F
        if kind not in self._words:
            raise _UnknownKind(kind)
        once, per_element = self._words[kind]
        # FUNC has its linkage in place of the count, and no elements.
        self[info] = length = _COMMON_WORDS + once + per_element * (info & 0xFFFFFF)
        return length


class _UnknownKind(Exception):
    """A type is of a kind that is not known."""

    def __init__(self, kind: int) -> None:
        super().__init__(kind)
        self.kind = kind


class _UnnamedType(Exception):
    """A type without a name stands where C needs one."""


def _printable(name: str) -> str:
    return ascii(name[:40])[1:-1]
