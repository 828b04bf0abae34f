# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Arithmetic and comparisons of BPF on numbers, as far as the verifier computes them with constants.

``adjust_scalar_min_max_vals()`` and ``is_branch_taken()`` in the kernel's ``kernel/bpf/verifier.c`` decide which
operations keep a constant.  Divisions, negations and swaps of bytes lose it on some kernels, and are not here.
"""

from __future__ import annotations

import operator
from typing import Callable, Mapping, Optional

#: Operations of instructions: the four highest bits of a code.
ADD, SUBTRACT, MULTIPLY, OR, AND, LEFT, RIGHT = 0x00, 0x10, 0x20, 0x40, 0x50, 0x60, 0x70
EXCLUSIVE_OR, MOVE, ARITHMETIC_RIGHT = 0xA0, 0xB0, 0xC0
EQUAL, GREATER, GREATER_OR_EQUAL, SET, NOT_EQUAL = 0x10, 0x20, 0x30, 0x40, 0x50
SIGNED_GREATER, SIGNED_GREATER_OR_EQUAL = 0x60, 0x70
LESS, LESS_OR_EQUAL, SIGNED_LESS, SIGNED_LESS_OR_EQUAL = 0xA0, 0xB0, 0xC0, 0xD0

_ARITHMETIC: Mapping[int, Callable[[int, int], int]] = {
    ADD: operator.add, SUBTRACT: operator.sub, MULTIPLY: operator.mul, OR: operator.or_, AND: operator.and_,
    EXCLUSIVE_OR: operator.xor, MOVE: lambda _, right: right,
}  # fmt: skip
_UNSIGNED: Mapping[int, Callable[[int, int], bool]] = {
    EQUAL: operator.eq, NOT_EQUAL: operator.ne, GREATER: operator.gt, GREATER_OR_EQUAL: operator.ge,
    LESS: operator.lt, LESS_OR_EQUAL: operator.le, SET: lambda left, right: left & right != 0,
}  # fmt: skip
_SIGNED: Mapping[int, Callable[[int, int], bool]] = {
    SIGNED_GREATER: operator.gt, SIGNED_GREATER_OR_EQUAL: operator.ge, SIGNED_LESS: operator.lt,
    SIGNED_LESS_OR_EQUAL: operator.le,
}  # fmt: skip
#: The comparison that holds where another one does not.
_OPPOSITES = {
    NOT_EQUAL: EQUAL, LESS: GREATER_OR_EQUAL, LESS_OR_EQUAL: GREATER, SIGNED_LESS: SIGNED_GREATER_OR_EQUAL,
    SIGNED_LESS_OR_EQUAL: SIGNED_GREATER,
}  # fmt: skip
#: The comparison of the same two numbers in the other order.
_MIRRORED = {
    EQUAL: EQUAL, NOT_EQUAL: NOT_EQUAL, SET: SET, GREATER: LESS, LESS: GREATER, GREATER_OR_EQUAL: LESS_OR_EQUAL,
    LESS_OR_EQUAL: GREATER_OR_EQUAL, SIGNED_GREATER: SIGNED_LESS, SIGNED_LESS: SIGNED_GREATER,
    SIGNED_GREATER_OR_EQUAL: SIGNED_LESS_OR_EQUAL, SIGNED_LESS_OR_EQUAL: SIGNED_GREATER_OR_EQUAL,
}  # fmt: skip


def truncated(value: int, bits: int) -> int:
    """Return the lowest *bits* of *value*, as a number that is not below 0."""
    return value & ((1 << bits) - 1)


def _signed(value: int, bits: int) -> int:
    return value - (1 << bits) if value >> (bits - 1) else value


def is_arithmetic(operation: int) -> bool:
    """Whether :func:`computed` knows the *operation*."""
    return operation in _ARITHMETIC or operation in (LEFT, RIGHT, ARITHMETIC_RIGHT)


def computed(operation: int, left: int, right: int, bits: int) -> Optional[int]:
    """Return the result of *operation* in *bits* (32 or 64), without sign; None where the verifier computes none."""
    left, right = truncated(left, bits), truncated(right, bits)
    if operation in _ARITHMETIC:
        return truncated(_ARITHMETIC[operation](left, right), bits)
    if right >= bits:
        return None
    if operation == LEFT:
        return truncated(left << right, bits)
    if operation == RIGHT:
        return left >> right
    return truncated(_signed(left, bits) >> right, bits) if operation == ARITHMETIC_RIGHT else None


def holds(operation: int, left: int, right: int, bits: int) -> Optional[bool]:
    """Whether the comparison *operation* of two numbers holds in *bits* (32 or 64); None of an unknown one."""
    left, right = truncated(left, bits), truncated(right, bits)
    if operation in _UNSIGNED:
        return _UNSIGNED[operation](left, right)
    if operation in _SIGNED:
        return _SIGNED[operation](_signed(left, bits), _signed(right, bits))
    return None


def opposite(operation: int) -> Optional[int]:
    """Return the comparison that holds where *operation* does not, if *operation* is the less usual of the two."""
    return _OPPOSITES.get(operation)


def mirrored(operation: int) -> Optional[int]:
    """Return the comparison that says the same of the two numbers in the other order; None of an unknown one."""
    return _MIRRORED.get(operation)
