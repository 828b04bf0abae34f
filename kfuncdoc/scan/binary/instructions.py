# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""BPF instructions, and the functions that they make up.

The kernel's ``Documentation/bpf/standardization/instruction-set.rst`` describes the instructions.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from kfuncdoc.bpf.conditions import Fact

BYTES = 8  # of one instruction
WIDE = 0x18  # a load of a 64-bit immediate, which takes two instructions
CALL, CALL_OF_REGISTER, EXIT, JUMP, LONG_JUMP = 0x85, 0x8D, 0x95, 0x05, 0x06
_CALL_OF_FUNCTION = 1  # in the source register
#: Classes: the three lowest bits of a code.
LOAD, LOAD_REGISTER, STORE_IMMEDIATE, STORE, ALU, CONDITION, CONDITION32, ALU64 = range(8)
CLASS, OPERATION = 0x07, 0xF0
FROM_REGISTER = 0x08
MODE, FROM_MEMORY, WITH_SIGN_FROM_MEMORY, ATOMIC = 0xE0, 0x60, 0x80, 0xC0
LOAD64, STORE64 = 0x79, 0x7B
#: Bytes that loads and stores move, by the bits of their codes.
SIZE, BYTES_OF_SIZE = 0x18, {0x00: 4, 0x08: 2, 0x10: 1, 0x18: 8}
STACK_POINTER = 10
STACK_BYTES = 512  # MAX_BPF_STACK


class Instruction(NamedTuple):
    """One instruction, or the first half of a wide one."""

    code: int
    destination: int
    source: int
    offset: int
    immediate: int


@dataclass(frozen=True)
class VariableAddress:
    """An address in a section of constants, in bytes; or of an *extern* of ``.kconfig``, which has some *bytes*."""

    section: int
    offset: int
    extern: str = ""
    bytes: int = 0


@dataclass(eq=False)
class Function:
    """A function of a section: the instructions *start* to *end* - 1 of the section."""

    name: str
    section: int
    start: int
    end: int
    #: Whether it is a program or global: the verifier passes on no values between it and its callers.
    standalone: bool
    #: The functions that it calls or takes the address of, by the number of the instruction that does.
    calls: dict[int, Function] = field(default_factory=dict)
    #: The numbers of the instructions in *calls* that take an address.
    callbacks: set[int] = field(default_factory=set)
    #: The kfuncs that it calls, as numbers of externs, by the number of the instruction.
    kfuncs: dict[int, int] = field(default_factory=dict)
    #: The kfuncs whose addresses it takes, in the same way.
    addresses: dict[int, int] = field(default_factory=dict)
    #: The instructions that libbpf patches for each kernel (CO-RE): their result is not known here.
    patched: frozenset[int] = frozenset()
    #: Those of them whose result is 1 or 0, with the fact that it tells.
    outcomes: Mapping[int, Fact] = field(default_factory=dict)
    #: The instructions that take the address of something else, such as a map.
    relocated: set[int] = field(default_factory=set)
    #: The constants whose addresses it takes, by the number of the instruction.
    variables: dict[int, VariableAddress] = field(default_factory=dict)

    @property
    def places(self) -> range:
        """The numbers of its instructions."""
        return range(self.start, self.end)


class SectionCode:
    """The instructions of a section, each decoded when it is asked for; *mark* is the byte order (``<`` or ``>``)."""

    def __init__(self, content: bytes, mark: str) -> None:
        self._content = content[: len(content) // BYTES * BYTES]
        self._little = mark == "<"
        self._form = struct.Struct(f"{mark}BBhi")

    def __len__(self) -> int:
        return len(self._content) // BYTES

    def __getitem__(self, at: int) -> Instruction:
        return self._instruction(*self._form.unpack_from(self._content, at * BYTES))

    def between(self, start: int, end: int) -> list[Instruction]:
        """Return the instructions *start* to *end* - 1."""
        content = memoryview(self._content)[start * BYTES : end * BYTES]
        return [self._instruction(*fields) for fields in self._form.iter_unpack(content)]

    def calls(self) -> Iterator[int]:
        """Yield the numbers of calls, and of second halves of wide instructions that look like one."""
        codes = self._content[::BYTES]
        at = codes.find(CALL)
        while at >= 0:
            yield at
            at = codes.find(CALL, at + 1)

    def _instruction(self, code: int, registers: int, offset: int, immediate: int) -> Instruction:
        low, high = registers & 15, registers >> 4
        destination, source = (low, high) if self._little else (high, low)
        return Instruction(code, destination, source, offset, immediate)


def target_of_call(at: int, instruction: Instruction) -> int:
    """Return the number of the instruction that a call without relocation leads to, -1 for the call of a helper."""
    return at + 1 + instruction.immediate if instruction.source == _CALL_OF_FUNCTION else -1


def takes_address(instruction: Instruction) -> bool:
    """Whether *instruction* loads an address of 64 bits."""
    return instruction.code == WIDE


def is_call(instruction: Instruction) -> bool:
    """Whether *instruction* calls a helper, a kfunc or a function of the object."""
    return instruction.code == CALL
