# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The state of the BPF machine on all kernels at once.

A register has a known value on some kernels: a :data:`Value` maps each constant to the condition on which the
register has it.  On the other kernels the value is not known.  A state says nothing about kernels that do not reach the
instruction.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Union

from kfuncdoc.bpf import arithmetic
from kfuncdoc.bpf.conditions import ALWAYS, NEVER, Computed, Condition, ConditionTable
from kfuncdoc.scan.binary.instructions import STACK_BYTES, VariableAddress


@dataclass(frozen=True)
class KfuncAddress:
    """The address of some kfunc that the kernel has: it is not 0."""


#: An unsigned number of 64 bits, or a placeholder for a number that depends on the kernel.
Constant = Union[int, Computed, KfuncAddress, VariableAddress]
Value = Mapping[Constant, Condition]

UNKNOWN: Value = {}
_MOST_CONSTANTS = 8
_MOST_STEPS_OF_COMPUTING = 4


class MachineState:
    """The state before an instruction: the condition to *reach* it, and the *values* that are known there."""

    __slots__ = ("reach", "values")

    def __init__(self, reach: Condition, values: dict[int, Value]) -> None:
        self.reach = reach
        #: Registers by their numbers, stack slots by their offsets in bytes, which are below 0.
        self.values = values

    def copy(self) -> MachineState:
        return MachineState(self.reach, self.values.copy())

    def of(self, place: int) -> Value:
        return self.values.get(place, UNKNOWN)

    def put(self, place: int, value: Value) -> None:
        if value:
            self.values[place] = value
        else:
            self.values.pop(place, None)

    def store(self, offset: int, value: Value) -> None:
        """Write *value*, of up to eight bytes, to the stack at *offset*."""
        self.forget(offset - 7, min(offset + 8, 0))
        # The verifier keeps the values of aligned slots.
        if -STACK_BYTES <= offset < 0 and offset % 8 == 0:
            self.put(offset, value)

    def forget(self, first: int = -STACK_BYTES, end: int = 0) -> None:
        """Forget the stack slots at *first* to *end* - 1, in bytes."""
        for slot in [place for place in self.values if first <= place < end]:
            del self.values[slot]

    def meet(self, other: MachineState, table: ConditionTable) -> bool:
        """Become the state at a place to which both ways lead; return whether that is another one than before."""
        reach = table.either(self.reach, other.reach)
        values = {}
        for place in self.values.keys() | other.values.keys():
            one, another = self.of(place), other.of(place)
            value = one if one is another or one == another else self._met(one, another, other.reach, reach, table)
            if value:
                values[place] = value
        if reach is self.reach and values == self.values:
            return False
        self.reach, self.values = reach, values
        return True

    def _met(
        self, one: Value, another: Value, other_reach: Condition, reach: Condition, table: ConditionTable
    ) -> Value:
        """Return the value where this state has *one* and that with *other_reach* has *another*."""
        elsewhere, other_elsewhere = table.negated(self.reach), table.negated(other_reach)
        value = {}
        for constant in {**one, **another}:
            here = table.either(one.get(constant, NEVER), elsewhere)
            there = table.either(another.get(constant, NEVER), other_elsewhere)
            where = table.both(table.both(here, there), reach)
            if where is not NEVER:
                value[constant] = where
        return value if len(value) <= _MOST_CONSTANTS else UNKNOWN


def number(immediate: int) -> Value:
    """Return the value of an *immediate*, whose sign is extended to 64 bits."""
    return {arithmetic.truncated(immediate, 64): ALWAYS}


def computed_value(operation: int, left: Value, right: Value, bits: int, table: ConditionTable) -> Value:
    """Return the result of an arithmetic *operation* in *bits*."""
    if operation == arithmetic.MOVE:
        left = number(0)
    result: dict[Constant, Condition] = {}

    def add(constant: Constant, where: Condition) -> None:
        result[constant] = table.either(result.get(constant, NEVER), where)

    for one, where_one in left.items():
        for other, where_other in right.items():
            where = table.both(where_one, where_other)
            constant = _computed_constant(operation, one, other, bits) if where is not NEVER else None
            if constant is not None:
                add(constant, where)
    if operation == arithmetic.AND:
        # The result is 0 for any other number.
        for value in (left, right):
            if 0 in value:
                add(0, value[0])
    return result if len(result) <= _MOST_CONSTANTS else UNKNOWN


def _computed_constant(operation: int, left: Constant, right: Constant, bits: int) -> Union[Constant, None]:
    if isinstance(left, int) and isinstance(right, int):
        return arithmetic.computed(operation, left, right, bits)
    if operation == arithmetic.MOVE:
        if bits == 64:
            return right
        return _with_step(right, arithmetic.MOVE, None, bits)
    if isinstance(left, VariableAddress):
        if operation != arithmetic.ADD or bits != 64 or not isinstance(right, int):
            return None
        distance = right - (1 << 64) if right >> 63 else right
        return VariableAddress(left.section, left.offset + distance, left.extern, left.bytes)
    if isinstance(right, int):
        return _with_step(left, operation, right, bits)
    if isinstance(left, int) and operation in _COMMUTATIVE:
        return _with_step(right, operation, left, bits)
    return None


_COMMUTATIVE = frozenset({arithmetic.ADD, arithmetic.MULTIPLY, arithmetic.OR, arithmetic.AND, arithmetic.EXCLUSIVE_OR})


def _with_step(value: Constant, operation: int, number: Union[int, None], bits: int) -> Union[Constant, None]:
    """Return *value* with one more step; without a *number*, the step is a move that keeps half of the register."""
    if not isinstance(value, Computed) or len(value.steps) >= _MOST_STEPS_OF_COMPUTING:
        return None
    if number is None:
        operation, number = arithmetic.OR, 0
    if not arithmetic.is_arithmetic(operation):
        return None
    return Computed(value.variable, (*value.steps, (operation, number, bits)))


def compared(
    operation: int, left: Value, right: Value, bits: int, table: ConditionTable
) -> tuple[Condition, Condition]:
    """Return the conditions on which a comparison holds, and does not hold, as far as they are known."""
    holds = fails = NEVER
    for one, where_one in left.items():
        for other, where_other in right.items():
            where = table.both(where_one, where_other)
            outcome = _outcome(operation, one, other, bits, table) if where is not NEVER else None
            if outcome is not None:
                holds = table.either(holds, table.both(where, outcome))
                fails = table.either(fails, table.both(where, table.negated(outcome)))
    return holds, fails


def _outcome(
    operation: int, left: Constant, right: Constant, bits: int, table: ConditionTable
) -> Union[Condition, None]:
    if isinstance(left, int) and isinstance(right, int):
        held = arithmetic.holds(operation, left, right, bits)
        return None if held is None else ALWAYS if held else NEVER
    if isinstance(right, int):
        if isinstance(left, Computed):
            return table.comparison(left, operation, right, bits)
        # All that the verifier knows of an address is that it is not 0.
        if isinstance(left, KfuncAddress) and right == 0 and bits == 64:
            return {arithmetic.EQUAL: NEVER, arithmetic.NOT_EQUAL: ALWAYS}.get(operation)
        return None
    mirrored = arithmetic.mirrored(operation)
    if isinstance(left, int) and mirrored is not None:
        return _outcome(mirrored, right, left, bits, table)
    return None
