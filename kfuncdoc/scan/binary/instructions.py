# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""BPF instructions: the kfuncs that a function calls, and the tests of their existence before each call.

A weak kfunc that the kernel does not have has the address 0, and a program tests that before the call
(``bpf_ksym_exists()`` of libbpf)::

    r1 = ADDRESS ll          relocated against the symbol
    if r1 == 0 goto +2
    call KFUNC               every way here has found the kfunc
    goto +1
    call OTHER               every way here has missed it

Each function is followed from its beginning.  For each instruction two sets are kept: the kfuncs that every way
to it has found, and those that every way has missed; and for each register and stack slot, what follows if it is
0, and if it is not.  A kernel does not change, so that a kfunc that was found stays found.  Where ways meet, only
what both know is kept.  The sets are never too large: a test in a form that is not known here adds nothing.

The kernel's ``Documentation/bpf/standardization/instruction-set.rst`` describes the instructions.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Optional

BYTES = 8  # of one instruction

_WIDE = 0x18  # a load of a 64-bit immediate, which takes two instructions
_CALL, _CALL_OF_REGISTER, _EXIT, _JUMP, _LONG_JUMP = 0x85, 0x8D, 0x95, 0x05, 0x06
_CALL_OF_FUNCTION = 1  # in the source register
#: Classes: the three lowest bits of a code.
_LOAD, _LOAD_REGISTER, _STORE_IMMEDIATE, _STORE, _ALU, _CONDITION, _CONDITION32, _ALU64 = range(8)
_FROM_REGISTER = 0x08
#: Operations: the four highest bits of a code.
_OR, _AND, _LEFT, _RIGHT, _MOVE, _ARITHMETIC_RIGHT = 0x40, 0x50, 0x60, 0x70, 0xB0, 0xC0
_EQUAL, _GREATER, _GREATER_OR_EQUAL, _SET, _NOT_EQUAL, _LESS, _LESS_OR_EQUAL = 0x10, 0x20, 0x30, 0x40, 0x50, 0xA0, 0xB0
_MODE, _ATOMIC = 0xE0, 0xC0
_STACK_POINTER = 10
_LOAD64, _STORE64 = 0x79, 0x7B
_STACK_BYTES = 512  # MAX_BPF_STACK
_CLOBBERED_BY_CALLS = range(6)

#: The most steps for each instruction of a function; no real function needs as many.
_MOST_STEPS = 60
#: All bits: a state that cannot occur has found and missed every kfunc.
_EVERYTHING = -1


class Instruction(NamedTuple):
    """One instruction, or the first half of a wide one."""

    code: int
    destination: int
    source: int
    offset: int
    immediate: int


@dataclass(eq=False)
class Function:
    """A function of a section: the instructions *start* to *end* - 1 of the section."""

    name: str
    section: int
    start: int
    end: int
    #: Whether the verifier checks it by itself, without what its callers know.
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
        at = codes.find(_CALL)
        while at >= 0:
            yield at
            at = codes.find(_CALL, at + 1)

    def _instruction(self, code: int, registers: int, offset: int, immediate: int) -> Instruction:
        low, high = registers & 15, registers >> 4
        destination, source = (low, high) if self._little else (high, low)
        return Instruction(code, destination, source, offset, immediate)


def target_of_call(at: int, instruction: Instruction) -> int:
    """Return the number of the instruction that a call without relocation leads to, -1 for the call of a helper."""
    return at + 1 + instruction.immediate if instruction.source == _CALL_OF_FUNCTION else -1


def takes_address(instruction: Instruction) -> bool:
    """Whether *instruction* loads an address of 64 bits."""
    return instruction.code == _WIDE


def is_call(instruction: Instruction) -> bool:
    """Whether *instruction* calls a helper, a kfunc or a function of the object."""
    return instruction.code == _CALL


class ExistenceTests(NamedTuple):
    """The kfuncs that every way has *found*, and those that every way has *missed*: bits by the numbers of externs."""

    found: int = 0
    missed: int = 0

    def meet(self, other: ExistenceTests) -> ExistenceTests:
        """Return what both know."""
        return ExistenceTests(self.found & other.found, self.missed & other.missed)

    def join(self, other: ExistenceTests) -> ExistenceTests:
        """Return what either knows."""
        return ExistenceTests(self.found | other.found, self.missed | other.missed)

    @property
    def is_possible(self) -> bool:
        """Whether there can be a kernel with these results."""
        return _EVERYTHING not in self and not self.found & self.missed


_NOTHING, _NEVER = ExistenceTests(), ExistenceTests(_EVERYTHING, _EVERYTHING)


class _Value(NamedTuple):
    """What follows if a register or stack slot is not 0, and if it is."""

    if_set: ExistenceTests
    if_zero: ExistenceTests


_UNKNOWN = _Value(_NOTHING, _NOTHING)
_ZERO, _CONSTANT = _Value(_NEVER, _NOTHING), _Value(_NOTHING, _NEVER)


class _MachineState:
    """What is known before an instruction: the *tests* on every way to it, and the *values* that tell of others."""

    __slots__ = ("tests", "values")

    def __init__(self, tests: ExistenceTests, values: dict[int, _Value]) -> None:
        self.tests = tests
        #: Registers by their numbers, stack slots by their offsets in bytes, which are below 0.
        self.values = values

    def copy(self) -> _MachineState:
        return _MachineState(self.tests, self.values.copy())

    def of(self, place: int) -> _Value:
        return self.values.get(place, _UNKNOWN)

    def put(self, place: int, value: _Value) -> None:
        if value is _UNKNOWN:
            self.values.pop(place, None)
        else:
            self.values[place] = value

    def store(self, offset: int, value: _Value) -> None:
        """Write *value*, of up to eight bytes, to the stack at *offset*."""
        self.forget(offset - 7, min(offset + 8, 0))
        # The verifier accepts pointers only in aligned slots.
        if -_STACK_BYTES <= offset < 0 and offset % 8 == 0:
            self.put(offset, value)

    def forget(self, first: int = -_STACK_BYTES, end: int = 0) -> None:
        """Forget the stack slots at *first* to *end* - 1, in bytes."""
        for slot in [place for place in self.values if first <= place < end]:
            del self.values[slot]

    def meet(self, other: _MachineState) -> bool:
        """Keep what *other* knows as well; return whether that is less than before."""
        values = {}
        for place in self.values.keys() | other.values.keys():
            one, another = self.of(place), other.of(place)
            value = _Value(
                one.if_set.join(self.tests).meet(another.if_set.join(other.tests)),
                one.if_zero.join(self.tests).meet(another.if_zero.join(other.tests)),
            )
            if value != _UNKNOWN:
                values[place] = value
        tests = self.tests.meet(other.tests)
        if tests == self.tests and values == self.values:
            return False
        self.tests, self.values = tests, values
        return True


def tests_before_calls(
    functions: Sequence[Function], code: Mapping[int, SectionCode]
) -> dict[tuple[int, int], ExistenceTests]:
    """Return what must have been tested before each call, by the numbers of its section and instruction.

    *code* has the instructions of each section.  A subprogram knows what all its callers know.
    """
    entries = {function: _NOTHING for function in functions if function.standalone}
    tests_by_call: dict[tuple[int, int], ExistenceTests] = {}
    # A function is followed again when one of its callers turns out to know less.
    waiting, queued = list(entries), set(entries)
    steps_left = 8 * len(functions) + 8
    while waiting:
        function = waiting.pop()
        queued.discard(function)
        steps_left -= 1
        if steps_left < 0:
            return {}
        tests_in = _tests_in if function.addresses else _entry_everywhere
        for at, tests in tests_in(function, code[function.section], entries[function]):
            tests_by_call[function.section, at] = tests
            called = function.calls.get(at)
            if called is None or called.standalone:
                continue
            entry = entries[called].meet(tests) if called in entries else tests
            if entry != entries.get(called):
                entries[called] = entry
                if called not in queued:
                    queued.add(called)
                    waiting.append(called)
    return tests_by_call


def _entry_everywhere(
    function: Function, _: SectionCode, entry: ExistenceTests
) -> Iterator[tuple[int, ExistenceTests]]:
    """Yield the tests at the beginning for each call: a function that takes no address of a kfunc tests nothing."""
    for at in (*function.calls, *function.kfuncs):
        yield at, entry


def _tests_in(function: Function, body: SectionCode, entry: ExistenceTests) -> Iterator[tuple[int, ExistenceTests]]:
    """Yield the number of each call in *function*, and what must have been tested before it.

    That is nothing where following takes too many steps, or an instruction is of an unknown kind.
    """
    code = dict(enumerate(body.between(function.start, function.end), function.start))
    tests = _followed(function, code, entry) if all(map(_is_known, code.values())) else None
    for at in (*function.calls, *function.kfuncs):
        yield at, tests.get(at, _NOTHING) if tests is not None else _NOTHING


def _followed(
    function: Function, code: Mapping[int, Instruction], entry: ExistenceTests
) -> Optional[dict[int, ExistenceTests]]:
    """Return what must have been tested before each call that is reached; None where that takes too many steps."""
    targets, shared = _targets(code), _shares_stack(code)
    before: dict[int, _MachineState] = {function.start: _MachineState(entry, {})}
    waiting = [function.start]
    tests: dict[int, ExistenceTests] = {}
    steps_left = _MOST_STEPS * (function.end - function.start)
    while waiting:
        at = waiting.pop()
        state = before[at].copy()
        # One state is enough up to the next instruction that a jump leads to.
        while True:
            steps_left -= 1
            if steps_left < 0:
                return None
            if at in function.calls or at in function.kfuncs:
                tests[at] = state.tests.meet(tests.get(at, state.tests))
            following = [
                (target, after)
                for target, after in _step(function, code, at, state, shared)
                if function.start <= target < function.end and after.tests.is_possible
            ]
            if len(following) != 1 or following[0][0] in targets:
                break
            at, state = following[0]
        for target, after in following:
            if target not in before:
                before[target] = after
            elif not before[target].meet(after):
                continue
            waiting.append(target)
    return tests


def _is_known(instruction: Instruction) -> bool:
    """Whether it is known where *instruction* leads; jumps to an address in a register (``gotox``) are not followed."""
    operation = instruction.code & 0xF0
    is_jump = instruction.code & 7 in (_CONDITION, _CONDITION32)
    return not is_jump or (operation != 0xF0 and (operation != 0 or instruction.code in (_JUMP, _LONG_JUMP)))


def _shares_stack(code: Mapping[int, Instruction]) -> bool:
    """Whether another register than that of the stack, or memory, gets an address in the stack.

    Others may then write to any slot: the address may be of the middle of an array.
    """
    return any(
        instruction.source == _STACK_POINTER and instruction.code & 7 != _LOAD_REGISTER for instruction in code.values()
    )


def _targets(code: Mapping[int, Instruction]) -> set[int]:
    """Return the numbers of the instructions to which jumps in *code* lead."""
    return {
        at + 1 + (instruction.immediate if instruction.code == _LONG_JUMP else instruction.offset)
        for at, instruction in code.items()
        if instruction.code & 7 in (_CONDITION, _CONDITION32) and instruction.code not in (_CALL, _EXIT)
    }


def _step(
    function: Function, code: Mapping[int, Instruction], at: int, state: _MachineState, shared: bool
) -> Iterator[tuple[int, _MachineState]]:
    """Yield the instructions that may follow that at *at*, each with what is known there; *state* may be changed.

    If the stack is *shared*, calls and stores through other registers may write to it.
    """
    instruction = code[at]
    kind, operation = instruction.code & 7, instruction.code & 0xF0
    if at in function.patched:
        state.put(instruction.destination, _UNKNOWN)
        if kind in (_STORE, _STORE_IMMEDIATE):
            state.forget()
        yield at + (2 if instruction.code == _WIDE else 1), state
        return
    if instruction.code == _WIDE:
        kfunc = function.addresses.get(at)
        state.put(
            instruction.destination,
            _UNKNOWN if kfunc is None else _Value(ExistenceTests(1 << kfunc, 0), ExistenceTests(0, 1 << kfunc)),
        )
        yield at + 2, state
        return
    if instruction.code == _EXIT:
        return
    if instruction.code in (_JUMP, _LONG_JUMP):
        yield at + 1 + (instruction.offset if instruction.code == _JUMP else instruction.immediate), state
        return
    if instruction.code in (_CALL, _CALL_OF_REGISTER) or kind == _LOAD:
        for register in _CLOBBERED_BY_CALLS:
            state.put(register, _UNKNOWN)
        if shared:
            state.forget()
    elif kind in (_CONDITION, _CONDITION32):
        taken = state.copy()
        if not instruction.code & _FROM_REGISTER:
            value = state.of(instruction.destination)
            if_taken, if_not = (_WITH_ANOTHER if instruction.immediate else _WITH_ZERO).get(operation, (None, None))
            taken.tests = taken.tests.join(_follows(value, if_taken))
            state.tests = state.tests.join(_follows(value, if_not))
        yield at + 1 + instruction.offset, taken
    elif kind in (_ALU, _ALU64):
        state.put(instruction.destination, _computed(instruction, operation, state))
    elif kind in (_STORE, _STORE_IMMEDIATE):
        stored = state.of(instruction.source) if instruction.code == _STORE64 else _UNKNOWN
        if instruction.code & _MODE == _ATOMIC:
            # The operation decides which registers it writes to.
            for register in (0, instruction.source, instruction.destination):
                state.put(register, _UNKNOWN)
        if instruction.destination == _STACK_POINTER:
            state.store(instruction.offset, stored)
        elif shared:
            state.forget()
    elif kind == _LOAD_REGISTER:
        on_stack = instruction.code == _LOAD64 and instruction.source == _STACK_POINTER
        state.put(instruction.destination, state.of(instruction.offset) if on_stack else _UNKNOWN)
    yield at + 1, state


#: What a jump tells about its register, if it is taken and if not: that it is not 0 (True), that it is 0 (False),
#: or nothing (None); where it compares with 0, and with any other unsigned number.
_WITH_ZERO: dict[int, tuple[Optional[bool], Optional[bool]]] = {
    _EQUAL: (False, True), _NOT_EQUAL: (True, False), _GREATER: (True, False), _LESS_OR_EQUAL: (False, True),
}  # fmt: skip
_WITH_ANOTHER: dict[int, tuple[Optional[bool], Optional[bool]]] = {
    _EQUAL: (True, None), _NOT_EQUAL: (None, True), _SET: (True, None), _GREATER: (True, None),
    _GREATER_OR_EQUAL: (True, None), _LESS: (None, True), _LESS_OR_EQUAL: (None, True),
}  # fmt: skip


def _follows(value: _Value, is_set: Optional[bool]) -> ExistenceTests:
    """Return what follows from *value* if it is not 0 (*is_set*), or is 0; nothing where that is not known."""
    if is_set is None:
        return _NOTHING
    return value.if_set if is_set else value.if_zero


def _computed(instruction: Instruction, operation: int, state: _MachineState) -> _Value:
    """Return what follows from the result of an arithmetic instruction.

    Instructions of 32 bits count as those of 64: no compiler tests half an address for 0.
    """
    before = state.of(instruction.destination)
    other = state.of(instruction.source) if instruction.code & _FROM_REGISTER else None
    if operation == _MOVE:
        if other is not None:
            return _UNKNOWN if instruction.offset else other
        return _CONSTANT if instruction.immediate else _ZERO
    if operation == _AND:
        # The result is also 0 where two numbers have no bit in common: a 0 tells nothing.
        return _Value(before.if_set.join(other.if_set) if other else before.if_set, _NOTHING)
    if operation == _OR and other is not None:
        return _Value(before.if_set.meet(other.if_set), before.if_zero.join(other.if_zero))
    # Shifting may make 0 of another number.
    return _Value(before.if_set, _NOTHING) if operation in (_LEFT, _RIGHT, _ARITHMETIC_RIGHT) else _UNKNOWN
