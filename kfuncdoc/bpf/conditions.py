# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Conditions on a kernel, which decide whether a BPF program reaches a call there.

::

    Fact (a kfunc is found, a type exists) --ConditionTable--> Condition --value(facts of a kernel)--> yes, no, None

A condition is a decision graph: each node asks for one fact, and the last node is the outcome.  In one table, two
conditions that hold on the same kernels are the same object, so ``is`` compares them (reduced ordered binary decision
diagrams).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Callable, Final, Iterator, Optional, Union

from kfuncdoc.bpf.arithmetic import computed, holds, opposite

#: The name of the kconfig extern with the version of the kernel, as ``KERNEL_VERSION()`` makes it.
KERNEL_VERSION: Final = "LINUX_KERNEL_VERSION"


@dataclass(frozen=True)
class KfuncFound:
    """libbpf finds the kfunc of the extern *name*, with a prototype that it accepts."""

    name: str


@dataclass(frozen=True)
class CoreOutcome:
    """A CO-RE relocation that asks for existence gives 1.

    *question* is one of ``type_exists``, ``type_matches``, ``field_exists`` and ``enum_value_exists``; *keyword* and
    *name* are those of the type (``struct``, ``union``, ``enum``, ``typedef`` or empty; without a flavour); *path* has
    the names of the members, or the name of the enumerator, with other facts that decide the outcome in parentheses.
    """

    question: str
    keyword: str
    name: str
    path: tuple[str, ...] = ()


@dataclass(frozen=True)
class Computed:
    """A number that a program computes from a kconfig extern *variable*, in *steps* of operation, number and bits."""

    variable: str
    steps: tuple[tuple[int, int, int], ...] = ()

    def of(self, value: int) -> Optional[int]:
        """Return the result for the *value* of the variable."""
        result: Optional[int] = value
        for operation, number, bits in self.steps:
            result = computed(operation, result, number, bits) if result is not None else None
        return result


@dataclass(frozen=True)
class Comparison:
    """A number that is *computed* from a kconfig extern compares with *number* in *bits*, by a BPF *operation*."""

    computed: Computed
    operation: int
    number: int
    bits: int

    def holds(self, value: int) -> Optional[bool]:
        """Whether the comparison holds for the *value* of the variable."""
        result = self.computed.of(value)
        return holds(self.operation, result, self.number, self.bits) if result is not None else None


@dataclass(frozen=True)
class AsBuilt:
    """The constant *variable* (``const volatile``) has the value that the object has: no loader has set another."""

    variable: str


@dataclass(frozen=True)
class GlobalsCheckedWhereCalled:
    """The verifier checks global functions only if a call of them may be reached.

    This is so from v6.8 on (commit 2afae08c9dcb, ``do_check_subprogs()``); earlier kernels check all global functions.
    """


@dataclass(frozen=True)
class OptionalPartsCount:
    """The audit includes optional programs (``SEC("?...")``) and functions that no program calls."""


Fact = Union[KfuncFound, CoreOutcome, Comparison, AsBuilt, GlobalsCheckedWhereCalled, OptionalPartsCount]
#: Says of a fact whether it holds on some kernel; None where nobody knows.
FactsOfKernel = Callable[[Fact], Optional[bool]]


@dataclass(frozen=True, eq=False)
class Condition:
    """A condition: *if_so* has to hold on kernels that have the *fact*, and *if_not* on the others.

    :data:`ALWAYS` and :data:`NEVER` have no fact.
    """

    fact: Optional[Fact]
    #: The place of the fact in the order of its table.
    level: int
    #: The largest number of facts on a path to the outcome.
    depth: int = field(init=False, repr=False)
    _hash: int = field(init=False, repr=False)
    if_so: Optional[Condition] = None
    if_not: Optional[Condition] = None

    def __post_init__(self) -> None:
        following = [node.depth for node in (self.if_so, self.if_not) if node is not None]
        object.__setattr__(self, "depth", 1 + max(following) if following else 0)
        # Conditions are compared and looked up often.
        object.__setattr__(self, "_hash", hash((self.fact, self.level, self.if_so, self.if_not)))

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        """Whether *other* asks for the same facts in the same order, even if it is of another table."""
        if self is other:
            return True
        if not isinstance(other, Condition) or self._hash != other._hash:
            return False
        return (self.fact, self.level, self.if_so, self.if_not) == (other.fact, other.level, other.if_so, other.if_not)

    def value(self, facts: FactsOfKernel) -> Optional[bool]:
        """Whether the condition holds on the kernel with these *facts*; None if it depends on unknown ones."""
        return self._value(facts, {})

    def _value(self, facts: FactsOfKernel, known: dict[Condition, Optional[bool]]) -> Optional[bool]:
        if self.fact is None or self.if_so is None or self.if_not is None:
            return self is ALWAYS
        if self not in known:
            held = facts(self.fact)
            if held is None:
                one, other = self.if_so._value(facts, known), self.if_not._value(facts, known)
                known[self] = one if one is other else None
            else:
                known[self] = (self.if_so if held else self.if_not)._value(facts, known)
        return known[self]

    @property
    def facts(self) -> frozenset[Fact]:
        """The facts that the condition depends on."""
        return frozenset(node.fact for node in self._nodes() if node.fact is not None)

    def _nodes(self) -> Iterator[Condition]:
        seen, waiting = {self}, [self]
        while waiting:
            node = waiting.pop()
            yield node
            for following in (node.if_so, node.if_not):
                if following is not None and following not in seen:
                    seen.add(following)
                    waiting.append(following)

    def requires(self, fact: Fact, *, holds: bool = True) -> bool:
        """Whether the condition holds only on kernels that have the *fact*, or that lack it if *holds* is false."""
        return self is not ALWAYS and self.value(lambda asked: not holds if asked == fact else None) is False


ALWAYS: Final = Condition(None, 1 << 30)
NEVER: Final = Condition(None, 2 << 30)


class TooManyConditions(Exception):
    """A table has more conditions than can be handled."""


class ConditionTable:
    """Makes conditions, each only once.  Raises :exc:`TooManyConditions` beyond what objects of people need."""

    _DEEPEST = 250
    _MOST_CONDITIONS = 60_000

    def __init__(self) -> None:
        self._levels: dict[Fact, int] = {}
        self._made: dict[tuple[int, Condition, Condition], Condition] = {}
        self._both: dict[tuple[Condition, Condition], Condition] = {}
        self._opposites: dict[Condition, Condition] = {ALWAYS: NEVER, NEVER: ALWAYS}

    def of(self, fact: Fact) -> Condition:
        """Return the condition that a kernel has the *fact*."""
        return self._node(fact, self._levels.setdefault(fact, len(self._levels)), ALWAYS, NEVER)

    def comparison(self, value: Computed, operation: int, number: int, bits: int) -> Condition:
        """Return the condition that *value* compares with *number*; one that says the opposite is negated."""
        usual = opposite(operation)
        if usual is not None:
            return self.negated(self.of(Comparison(value, usual, number, bits)))
        return self.of(Comparison(value, operation, number, bits))

    def _node(self, fact: Fact, level: int, if_so: Condition, if_not: Condition) -> Condition:
        if if_so is if_not:
            return if_so
        key = level, if_so, if_not
        if key not in self._made:
            if len(self._made) >= self._MOST_CONDITIONS or max(if_so.depth, if_not.depth) >= self._DEEPEST:
                raise TooManyConditions
            self._made[key] = Condition(fact, level, if_so, if_not)
        return self._made[key]

    def negated(self, condition: Condition) -> Condition:
        """Return the condition that holds where *condition* does not."""
        if condition not in self._opposites:
            assert condition.fact is not None
            assert condition.if_so is not None
            assert condition.if_not is not None
            negated = self._node(
                condition.fact, condition.level, self.negated(condition.if_so), self.negated(condition.if_not)
            )
            self._opposites[condition], self._opposites[negated] = negated, condition
        return self._opposites[condition]

    def both(self, one: Condition, other: Condition) -> Condition:
        """Return the condition that holds where both do."""
        if one is other or other is ALWAYS or one is NEVER:
            return one
        if one is ALWAYS or other is NEVER:
            return other
        key = (one, other)
        if key not in self._both:
            first = one if one.level <= other.level else other
            assert first.fact is not None
            (one_so, one_not), (other_so, other_not) = _split(one, first.level), _split(other, first.level)
            self._both[key] = self._node(
                first.fact, first.level, self.both(one_so, other_so), self.both(one_not, other_not)
            )
        return self._both[key]

    def either(self, one: Condition, other: Condition) -> Condition:
        """Return the condition that holds where at least one of the two does."""
        if one is other or one is ALWAYS or other is NEVER:
            return one
        if other is ALWAYS or one is NEVER:
            return other
        return self.negated(self.both(self.negated(one), self.negated(other)))


def _split(condition: Condition, level: int) -> tuple[Condition, Condition]:
    """Return what is left of *condition* where the fact of *level* holds, and where it does not."""
    if condition.level != level or condition.if_so is None or condition.if_not is None:
        return condition, condition
    return condition.if_so, condition.if_not
