# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""BPF instructions: which kfuncs a function calls, and behind which tests that kfuncs are there.

A weak kfunc that the kernel does not have has the address 0, and a program asks for it before the call
(``bpf_ksym_exists()``)::

    r1 = ADDRESS ll          relocated against the symbol
    if r1 == 0 goto +2
    call KFUNC               every way here has found that the kfunc is there
    goto +1
    call OTHER               and here, that it is not

Each function is followed from its beginning.  For each place it is kept which kfuncs must have been found, and
which must have been missed; for each register and stack slot, what follows if it is 0, and if it is not.  What is
found once holds for ever, so that where ways meet, what both know stays.  It is a bound from below: a test in a
form that is not known here tells nothing, and never something wrong.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Optional

BYTES = 8  # of one instruction

_WIDE = 0x18  # a load of 64 bits, which takes two
_CALL, _CALL_OF_REGISTER, _EXIT, _JUMP, _LONG_JUMP = 0x85, 0x8D, 0x95, 0x05, 0x06
_CALL_OF_FUNCTION = 1  # in the source register
#: Classes, the three bits at the end of a code.
_LOAD, _LOAD_REGISTER, _STORE_IMMEDIATE, _STORE, _ALU, _CONDITION, _CONDITION32, _ALU64 = range(8)
_FROM_REGISTER = 0x08
#: Operations, the four bits at the beginning of a code.
_OR, _AND, _LEFT, _RIGHT, _MOVE, _ARITHMETIC_RIGHT = 0x40, 0x50, 0x60, 0x70, 0xB0, 0xC0
_EQUAL, _GREATER, _GREATER_OR_EQUAL, _SET, _NOT_EQUAL, _LESS, _LESS_OR_EQUAL = 0x10, 0x20, 0x30, 0x40, 0x50, 0xA0, 0xB0
_MODE, _ATOMIC = 0xE0, 0xC0
_STACK_POINTER = 10
_LOAD64, _STORE64 = 0x79, 0x7B
_STACK_BYTES = 512  # MAX_BPF_STACK
_CLOBBERED_BY_CALLS = range(6)

#: More steps than these for each instruction take no real function to come to rest.
_PATIENCE = 60
#: What does not happen, anything follows from.
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
    """A function of a section: its instructions from *start* until before *end*, counted in the section."""

    name: str
    section: int
    start: int
    end: int
    #: Whether it is verified by itself, without what its callers know.
    standalone: bool
    #: The functions that it calls or takes the address of, by the numbers of these instructions.
    calls: dict[int, Function] = field(default_factory=dict)
    #: Those of these instructions that take the address.
    callbacks: set[int] = field(default_factory=set)
    #: The kfuncs that it calls, by their numbers among the externs.
    kfuncs: dict[int, int] = field(default_factory=dict)
    #: The kfuncs whose addresses it takes.
    addresses: dict[int, int] = field(default_factory=dict)
    #: The instructions that libbpf writes anew for each kernel (CO-RE): what they give is not known here.
    patched: frozenset[int] = frozenset()


class SectionCode:
    """The instructions of a section, in the byte order *mark*: each is decoded when it is asked for."""

    def __init__(self, content: bytes, mark: str) -> None:
        self._content = content[: len(content) // BYTES * BYTES]
        self._little = mark == "<"
        self._form = struct.Struct(f"{mark}BBhi")

    def __len__(self) -> int:
        return len(self._content) // BYTES

    def __getitem__(self, at: int) -> Instruction:
        return self._instruction(*self._form.unpack_from(self._content, at * BYTES))

    def between(self, start: int, end: int) -> list[Instruction]:
        """Return the instructions from *start* until before *end*."""
        content = memoryview(self._content)[start * BYTES : end * BYTES]
        return [self._instruction(*fields) for fields in self._form.iter_unpack(content)]

    def calls(self) -> Iterator[int]:
        """Yield the place of every call, and of what is half of a wide instruction and looks like one."""
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
    """Return the instruction that a call without relocation leads to, -1 where it is one of a helper."""
    return at + 1 + instruction.immediate if instruction.source == _CALL_OF_FUNCTION else -1


def takes_address(instruction: Instruction) -> bool:
    """Whether *instruction* loads an address of 64 bits."""
    return instruction.code == _WIDE


def is_call(instruction: Instruction) -> bool:
    return instruction.code == _CALL


class ExistenceTests(NamedTuple):
    """The kfuncs that must have been *found*, and those that must have been *missed*, each as a set of bits."""

    found: int = 0
    missed: int = 0

    def meet(self, other: ExistenceTests) -> ExistenceTests:
        return ExistenceTests(self.found & other.found, self.missed & other.missed)

    def join(self, other: ExistenceTests) -> ExistenceTests:
        return ExistenceTests(self.found | other.found, self.missed | other.missed)

    @property
    def happens(self) -> bool:
        """Whether there is a kernel on which they all turn out so."""
        return _EVERYTHING not in self and not self.found & self.missed


_NOTHING, _NEVER = ExistenceTests(), ExistenceTests(_EVERYTHING, _EVERYTHING)


class _Value(NamedTuple):
    """What follows from a register or stack slot that is not 0, and from one that is."""

    if_set: ExistenceTests
    if_zero: ExistenceTests


_UNKNOWN = _Value(_NOTHING, _NOTHING)
_ZERO, _CONSTANT = _Value(_NEVER, _NOTHING), _Value(_NOTHING, _NEVER)


class _MachineState:
    """What is known at a place: the *tests* on every way to it, and the values that say more."""

    __slots__ = ("tests", "values")

    def __init__(self, tests: ExistenceTests, values: dict[int, _Value]) -> None:
        self.tests = tests
        #: Registers by their numbers, slots of the stack by their offset, which is below 0.
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
        """Write *value* of eight bytes, or what is not known of less, to the stack."""
        self.forget(offset - 7, min(offset + 8, 0))
        # Of others the verifier takes no pointer.
        if -_STACK_BYTES <= offset < 0 and offset % 8 == 0:
            self.put(offset, value)

    def forget(self, first: int = -_STACK_BYTES, end: int = 0) -> None:
        """Forget the slots of the stack from *first* until before *end*."""
        for slot in [place for place in self.values if first <= place < end]:
            del self.values[slot]

    def meet(self, other: _MachineState) -> bool:
        """Keep what *other* has as well; return whether that is less than before."""
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
    """Return what must have been tested before each call, by section and instruction.

    *code* has the instructions of each section.  Subprograms know what all their callers do.
    """
    entries = {function: _NOTHING for function in functions if function.standalone}
    found: dict[tuple[int, int], ExistenceTests] = {}
    # A function is looked at again when a caller of it is known to know less.
    waiting, queued = list(entries), set(entries)
    patience = 8 * len(functions) + 8
    while waiting:
        function = waiting.pop()
        queued.discard(function)
        patience -= 1
        if patience < 0:
            return {}
        tests_in = _tests_in if function.addresses else _entry_everywhere
        for at, tests in tests_in(function, code[function.section], entries[function]):
            found[function.section, at] = tests
            called = function.calls.get(at)
            if called is None or called.standalone:
                continue
            entry = entries[called].meet(tests) if called in entries else tests
            if entry != entries.get(called):
                entries[called] = entry
                if called not in queued:
                    queued.add(called)
                    waiting.append(called)
    return found


def _entry_everywhere(
    function: Function, _: SectionCode, entry: ExistenceTests
) -> Iterator[tuple[int, ExistenceTests]]:
    """Yield the same of a function that has no address to ask for: what was known at its beginning."""
    for at in (*function.calls, *function.kfuncs):
        yield at, entry


def _tests_in(function: Function, body: SectionCode, entry: ExistenceTests) -> Iterator[tuple[int, ExistenceTests]]:
    """Yield the place of each call in *function*, and what must have been tested there.

    Nothing, where that would take too long, or there are instructions of a kind that is not known.
    """
    code = dict(enumerate(body.between(function.start, function.end), function.start))
    found = _followed(function, code, entry) if all(map(_is_known, code.values())) else None
    for at in (*function.calls, *function.kfuncs):
        yield at, found.get(at, _NOTHING) if found is not None else _NOTHING


def _followed(
    function: Function, code: Mapping[int, Instruction], entry: ExistenceTests
) -> Optional[dict[int, ExistenceTests]]:
    """Return what must have been tested at each call that is reached, None where that takes too long."""
    targets, shared = _targets(code), _shares_stack(code)
    before: dict[int, _MachineState] = {function.start: _MachineState(entry, {})}
    waiting = [function.start]
    found: dict[int, ExistenceTests] = {}
    patience = _PATIENCE * (function.end - function.start)
    while waiting:
        at = waiting.pop()
        state = before[at].copy()
        # Between places to which ways lead, one state is enough.
        while True:
            patience -= 1
            if patience < 0:
                return None
            if at in function.calls or at in function.kfuncs:
                found[at] = state.tests.meet(found.get(at, state.tests))
            following = [
                (target, after)
                for target, after in _step(function, code, at, state, shared)
                if function.start <= target < function.end and after.tests.happens
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
    return found


def _is_known(this: Instruction) -> bool:
    """Whether it is known where *this* leads: jumps to a place in a register (``gotox``) are not followed."""
    operation = this.code & 0xF0
    is_jump = this.code & 7 in (_CONDITION, _CONDITION32)
    return not is_jump or (operation != 0xF0 and (operation != 0 or this.code in (_JUMP, _LONG_JUMP)))


def _shares_stack(code: Mapping[int, Instruction]) -> bool:
    """Whether an address of the stack is anywhere but in its own register.

    From that on others may write to it, and not only above: it may point into the middle of an array.
    """
    return any(this.source == _STACK_POINTER and this.code & 7 != _LOAD_REGISTER for this in code.values())


def _targets(code: Mapping[int, Instruction]) -> set[int]:
    """Return the places to which jumps in *code* lead."""
    return {
        at + 1 + (this.immediate if this.code == _LONG_JUMP else this.offset)
        for at, this in code.items()
        if this.code & 7 in (_CONDITION, _CONDITION32) and this.code not in (_CALL, _EXIT)
    }


def _step(
    function: Function, code: Mapping[int, Instruction], at: int, state: _MachineState, shared: bool
) -> Iterator[tuple[int, _MachineState]]:
    """Yield where the instruction at *at* leads, each with what is known there; *state* is used up.

    To a stack that is *shared*, whoever is called, and whoever stores through another register, may write.
    """
    this = code[at]
    kind, operation = this.code & 7, this.code & 0xF0
    if at in function.patched:
        state.put(this.destination, _UNKNOWN)
        if kind in (_STORE, _STORE_IMMEDIATE):
            state.forget()
        yield at + (2 if this.code == _WIDE else 1), state
        return
    if this.code == _WIDE:
        kfunc = function.addresses.get(at)
        state.put(
            this.destination,
            _UNKNOWN if kfunc is None else _Value(ExistenceTests(1 << kfunc, 0), ExistenceTests(0, 1 << kfunc)),
        )
        yield at + 2, state
        return
    if this.code == _EXIT:
        return
    if this.code in (_JUMP, _LONG_JUMP):
        yield at + 1 + (this.offset if this.code == _JUMP else this.immediate), state
        return
    if this.code in (_CALL, _CALL_OF_REGISTER) or kind == _LOAD:
        for register in _CLOBBERED_BY_CALLS:
            state.put(register, _UNKNOWN)
        if shared:
            state.forget()
    elif kind in (_CONDITION, _CONDITION32):
        taken = state.copy()
        if not this.code & _FROM_REGISTER:
            value = state.of(this.destination)
            if_taken, if_not = (_WITH_ANOTHER if this.immediate else _WITH_ZERO).get(operation, (None, None))
            taken.tests = taken.tests.join(_follows(value, if_taken))
            state.tests = state.tests.join(_follows(value, if_not))
        yield at + 1 + this.offset, taken
    elif kind in (_ALU, _ALU64):
        state.put(this.destination, _computed(this, operation, state))
    elif kind in (_STORE, _STORE_IMMEDIATE):
        stored = state.of(this.source) if this.code == _STORE64 else _UNKNOWN
        if this.code & _MODE == _ATOMIC:
            # Which registers it writes to depends on the operation.
            for register in (0, this.source, this.destination):
                state.put(register, _UNKNOWN)
        if this.destination == _STACK_POINTER:
            state.store(this.offset, stored)
        elif shared:
            state.forget()
    elif kind == _LOAD_REGISTER:
        on_stack = this.code == _LOAD64 and this.source == _STACK_POINTER
        state.put(this.destination, state.of(this.offset) if on_stack else _UNKNOWN)
    yield at + 1, state


#: What a jump that is taken, and one that is not, tells of the register that it asks for: that it is not 0 (True),
#: that it is (False), or neither; by what is compared with, 0 or any other number without sign.
_WITH_ZERO: dict[int, tuple[Optional[bool], Optional[bool]]] = {
    _EQUAL: (False, True), _NOT_EQUAL: (True, False), _GREATER: (True, False), _LESS_OR_EQUAL: (False, True),
}  # fmt: skip
_WITH_ANOTHER: dict[int, tuple[Optional[bool], Optional[bool]]] = {
    _EQUAL: (True, None), _NOT_EQUAL: (None, True), _SET: (True, None), _GREATER: (True, None),
    _GREATER_OR_EQUAL: (True, None), _LESS: (None, True), _LESS_OR_EQUAL: (None, True),
}  # fmt: skip


def _follows(value: _Value, is_set: Optional[bool]) -> ExistenceTests:
    if is_set is None:
        return _NOTHING
    return value.if_set if is_set else value.if_zero


def _computed(this: Instruction, operation: int, state: _MachineState) -> _Value:
    """Return what follows from the result of an arithmetic instruction.

    Those of 32 bits count as those of 64: no compiler asks half an address whether it is 0.
    """
    before = state.of(this.destination)
    other = state.of(this.source) if this.code & _FROM_REGISTER else None
    if operation == _MOVE:
        if other is not None:
            return _UNKNOWN if this.offset else other
        return _CONSTANT if this.immediate else _ZERO
    if operation == _AND:
        # Two numbers without a bit in common give 0, though neither is: that says nothing.
        return _Value(before.if_set.join(other.if_set) if other else before.if_set, _NOTHING)
    if operation == _OR and other is not None:
        return _Value(before.if_set.meet(other.if_set), before.if_zero.join(other.if_zero))
    # Shifting may leave 0 of what is none.
    return _Value(before.if_set, _NOTHING) if operation in (_LEFT, _RIGHT, _ARITHMETIC_RIGHT) else _UNKNOWN
