# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Finds out from the instructions of a BPF object on which kernels each call can be reached.

Programs test what a kernel has before they use it, and the verifier does not check what such tests make unreachable::

    r1 = ADDRESS ll          of a weak kfunc: 0 where the kernel does not have it (bpf_ksym_exists())
    r1 = 1                   patched by libbpf to 1 or 0 (bpf_core_type_exists() and the like)
    r1 = *(u32 *)(r1 + 0)    from .kconfig, as LINUX_KERNEL_VERSION, or from .rodata

Each function is followed from its beginning, on all kernels at once (:mod:`~kfuncdoc.scan.binary.states`), and for
each call the :class:`~kfuncdoc.bpf.conditions.Condition` of the kernels that get there is kept.  Static functions
are followed with what their callers know, and give their results back, as the verifier does it; a global function is
checked by itself, on newer kernels only where it may be called (``do_check_subprogs()``).  A condition never leaves
out a kernel on which the verifier gets to the call: a test in a form that is not known here excludes none.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping
from typing import Optional, Protocol

from kfuncdoc.bpf import arithmetic
from kfuncdoc.bpf.conditions import ALWAYS, NEVER, AsBuilt, Computed, Condition, ConditionTable, Fact, TooManyConditions
from kfuncdoc.scan.binary import instructions as bpf
from kfuncdoc.scan.binary.instructions import Function, Instruction, SectionCode, VariableAddress
from kfuncdoc.scan.binary.states import (
    UNKNOWN,
    KfuncAddress,
    MachineState,
    Value,
    compared,
    computed_value,
    number,
)

_CLOBBERED_BY_CALLS = range(6)
_ARGUMENTS, _RESULT = range(1, 6), 0
#: The most steps for each instruction of a function; no real function needs as many.
_MOST_STEPS = 60
#: How often a function is followed at most, on average; real objects need little more than the depth of their calls.
_MOST_ROUNDS = 16

#: How many variants of a function are followed by their constant arguments; further calls share one.
_MOST_VARIANTS = 8
#: The most instructions of a function that is followed with its constant arguments.
_LONGEST_TEST = 32

#: The number of a section and of the instruction in it.
CallSite = tuple[int, int]
#: A function, and its arguments that are constants: registers and numbers.  Each variant is followed by itself.
_Variant = tuple[Function, tuple[tuple[int, int], ...]]


class Constants(Protocol):
    """The constants of an object that the verifier reads."""

    def read(self, section: int, offset: int, size: int) -> tuple[Optional[int], Optional[str]]:
        """Return the number of *size* bytes at *offset* of *section*, or None if it is not known, and its variable."""


def reach_of_calls(
    roots: Mapping[Function, Condition],
    code: Mapping[int, SectionCode],
    table: ConditionTable,
    kfuncs: Mapping[int, Fact],
    constants: Constants,
) -> Optional[dict[CallSite, Condition]]:
    """Return the condition to reach each call, of a kfunc or a function; those that are missing are never reached.

    A function that calls no kfunc, by itself or by others, is not followed, and its calls are not in the result.

    *roots* are the functions that a kernel checks without a call of them, with the conditions on which it does;
    *code* has the instructions of each section, *kfuncs* the fact that the kfunc of an extern is found, by its number.
    Returns None if following takes too many steps.
    """
    try:
        return _Analysis(code, table, kfuncs, constants).reach_from(roots)
    except (TooManyConditions, _TooManySteps):
        return None


def reach_of_functions(
    entries: Mapping[Function, Condition], reach: Mapping[CallSite, Condition], table: ConditionTable
) -> Optional[dict[Function, Condition]]:
    """Return the condition to reach each function from those of *entries*, which have their own conditions.

    *reach* has the condition to reach each call from anywhere.  Returns None where there are too many conditions.
    """
    reached = dict(entries)
    waiting = list(entries)
    try:
        while waiting:
            function = waiting.pop()
            for at, called in function.calls.items():
                by_call = table.both(reached[function], reach.get((function.section, at), NEVER))
                before = reached.get(called, NEVER)
                after = table.either(before, by_call)
                if after is not before:
                    reached[called] = after
                    waiting.append(called)
    except TooManyConditions:
        return None
    return reached


class _TooManySteps(Exception):
    """The functions of an object call each other in too many ways."""


class _Analysis:
    """What is known of the functions of an object."""

    def __init__(
        self,
        code: Mapping[int, SectionCode],
        table: ConditionTable,
        kfuncs: Mapping[int, Fact],
        constants: Constants,
    ) -> None:
        self.code = code
        self.table = table
        self.kfuncs = kfuncs
        self._constants = constants
        self._entries: dict[_Variant, MachineState] = {}
        #: The states at the ends of the functions that were followed.
        self.exits: dict[_Variant, MachineState] = {}
        self._callers: dict[_Variant, set[_Variant]] = {}
        self._graph = _CallGraph(())
        self._variants: dict[Function, set[_Variant]] = {}
        #: The functions whose ends some caller has asked for.
        self._asked: set[_Variant] = set()
        self._reach: dict[CallSite, Condition] = {}
        self._waiting: list[_Variant] = []
        self._queued: set[_Variant] = set()

    def reach_from(self, roots: Mapping[Function, Condition]) -> dict[CallSite, Condition]:
        self._graph = _CallGraph(roots)
        for function, reach in roots.items():
            if function in self._graph.calling:
                self._enter((function, ()), MachineState(reach, {}))
        rounds = 0
        while self._waiting:
            rounds += 1
            if rounds > _MOST_ROUNDS * (1 + len(self._entries)):
                raise _TooManySteps
            variant = self._waiting.pop()
            self._queued.discard(variant)
            self._follow(variant)
        return self._reach

    def _queue(self, variant: _Variant) -> None:
        if variant not in self._queued:
            self._queued.add(variant)
            self._waiting.append(variant)

    def _enter(self, variant: _Variant, state: MachineState) -> None:
        if variant not in self._entries:
            self._entries[variant] = state
            self._queue(variant)
        elif self._entries[variant].meet(state, self.table):
            self._queue(variant)

    def variant(self, called: Function, state: MachineState) -> _Variant:
        """Return the variant of the static function *called* that is called in *state*."""
        if called.standalone or called not in self._graph.tests:
            return called, ()
        variant = called, tuple(_constant_arguments(state))
        variants = self._variants.setdefault(called, set())
        if variant not in variants and len(variants) >= _MOST_VARIANTS:
            return called, ()
        variants.add(variant)
        return variant

    def _follow(self, variant: _Variant) -> None:
        function, _ = variant
        entry = self._entries[variant]
        followed = _Follower(self, function).follow(entry) if self._tells(variant) else None
        states: Mapping[tuple[int, Optional[_Variant]], MachineState]
        if followed is None:
            # All that is known is that the function was entered.
            anywhere = MachineState(entry.reach, {})
            states = {(at, (called, ())): anywhere for at, called in function.calls.items()}
            states.update(((at, None), anywhere) for at in function.kfuncs if at not in function.calls)
            end = anywhere
        else:
            states, end = followed
        # The last call is added first, so that the first call is followed first.
        for (at, called_variant), state in sorted(states.items(), key=lambda item: item[0][0], reverse=True):
            site = function.section, at
            self._reach[site] = self.table.either(self._reach.get(site, NEVER), state.reach)
            if called_variant is None:
                continue
            called, _ = called_variant
            if called in self._graph.calling or self._is_asked(called, at, function):
                self._callers.setdefault(called_variant, set()).add(variant)
                passes = not called.standalone and at not in function.callbacks
                told = _told_by(state, constants=called in self._graph.tests) if passes else {}
                self._enter(called_variant, MachineState(state.reach, told))
        self._leave(variant, end)

    def _leave(self, variant: _Variant, end: MachineState) -> None:
        if variant not in self.exits:
            self.exits[variant] = end.copy()
        elif not self.exits[variant].meet(end, self.table):
            return
        if variant in self._asked:
            for caller in self._callers.get(variant, ()):
                self._queue(caller)

    def _is_asked(self, called: Function, at: int, function: Function) -> bool:
        """Whether *function* can use the result of the function *called* at *at*."""
        return not called.standalone and at not in function.callbacks

    def _tells(self, variant: _Variant) -> bool:
        """Whether the result of *variant* may depend on the kernel, by itself or through its arguments."""
        entry = self._entries.get(variant)
        return variant[0] in self._graph.telling or (entry is not None and bool(entry.values))

    def end_of(self, variant: _Variant) -> Optional[MachineState]:
        """Return the state after *variant* that a caller gets; None while it is not known yet."""
        if variant[0].standalone or not self._tells(variant):
            return MachineState(ALWAYS, {})
        self._asked.add(variant)
        return self.exits.get(variant)

    def constant(self, address: VariableAddress, size: int) -> Value:
        """Return the value that a load of *size* bytes from *address* has."""
        if address.extern:
            return {Computed(address.extern): ALWAYS} if address.offset == 0 and size == address.bytes else UNKNOWN
        content, variable = self._constants.read(address.section, address.offset, size)
        if content is None:
            return UNKNOWN
        return {content: self.table.of(AsBuilt(variable)) if variable is not None else ALWAYS}


class _CallGraph:
    """The functions that are called from *roots*, and what is known of them before they are followed."""

    def __init__(self, roots: Iterable[Function]) -> None:
        self._callers: dict[Function, list[Function]] = {function: [] for function in roots}
        waiting = list(self._callers)
        while waiting:
            function = waiting.pop()
            for called in function.calls.values():
                if called not in self._callers:
                    self._callers[called] = []
                    waiting.append(called)
                self._callers[called].append(function)
        #: The functions whose result depends on the kernel, by themselves or through static functions that they call.
        self.telling = self._with_callers(
            (
                function
                for function in self._callers
                if function.addresses or function.variables or not function.outcomes.keys().isdisjoint(function.places)
            ),
            static=True,
        )
        #: The short functions that look at the kernel by themselves: some compare it with their arguments.
        self.tests = frozenset(function for function in self._callers if _is_test(function))
        #: The functions that call a kfunc, by themselves or through functions that they call.
        self.calling = self._with_callers((function for function in self._callers if function.kfuncs), static=False)

    def _with_callers(self, functions: Iterable[Function], *, static: bool) -> frozenset[Function]:
        """Return *functions* and their direct and indirect callers; with *static*, only through static functions."""
        chosen = set(functions)
        waiting = list(chosen)
        while waiting:
            function = waiting.pop()
            for caller in () if static and function.standalone else self._callers[function]:
                if caller not in chosen:
                    chosen.add(caller)
                    waiting.append(caller)
        return frozenset(chosen)


def _is_test(function: Function) -> bool:
    looks = function.addresses or any(variable.extern for variable in function.variables.values())
    if not looks and function.outcomes.keys().isdisjoint(function.places):
        return False
    return len(function.places) <= _LONGEST_TEST


def _told_by(state: MachineState, *, constants: bool) -> dict[int, Value]:
    """Return the arguments of a call in *state* that depend on the kernel, and with *constants* also the other ones."""
    return {
        register: state.of(register)
        for register in _ARGUMENTS
        if (constants and state.of(register))
        or len(state.of(register)) > 1
        or any(not isinstance(constant, int) for constant in state.of(register))
    }


def _constant_arguments(state: MachineState) -> Iterator[tuple[int, int]]:
    for register in _ARGUMENTS:
        value = state.of(register)
        for constant, where in value.items():
            if len(value) == 1 and isinstance(constant, int) and where is ALWAYS:
                yield register, constant


#: The number of no instruction.
_NOWHERE = -1
_ANY_END = MachineState(ALWAYS, {})


class _Follower:
    """Follows one function."""

    def __init__(self, analysis: _Analysis, function: Function) -> None:
        self._analysis = analysis
        self._table = analysis.table
        self._function = function
        body = analysis.code[function.section].between(function.start, function.end)
        self._code = dict(enumerate(body, function.start))
        self._targets = _targets(self._code)
        self._branching = {
            at for at, instruction in self._code.items() if _is_branch(instruction) and at not in function.patched
        }
        self._shared = _shares_stack(self._code)
        self._states_at: dict[tuple[int, Optional[_Variant]], MachineState] = {}
        self._end: Optional[MachineState] = None

    def follow(
        self, entry: MachineState
    ) -> Optional[tuple[dict[tuple[int, Optional[_Variant]], MachineState], MachineState]]:
        """Return the states at calls and at the end of the function that is entered in the state *entry*.

        A call is told by its number and the variant that it calls, None for a kfunc.

        Returns None if that takes too many steps, or if the target of an instruction is not known.
        """
        if not all(map(_is_known, self._code.values())):
            return None
        function = self._function
        before = {function.start: entry.copy()}
        waiting, queued = [function.start], {function.start}
        steps_left = _MOST_STEPS * (function.end - function.start)
        while waiting:
            # The lowest address first: most jumps go forward, so all paths to an instruction are followed before it.
            at = heapq.heappop(waiting)
            queued.discard(at)
            state = before[at].copy()
            # One state is enough up to the next branch, or the next instruction that a jump leads to.
            while True:
                steps_left -= 1
                if steps_left < 0:
                    return None
                if at in self._branching:
                    following = self._branches(at, self._code[at], state)
                    break
                at = self._advance(at, state)
                if at in self._targets or at not in self._code:
                    following = ((at, state),)
                    break
            for target, after in following:
                if target not in self._code or after.reach is NEVER:
                    continue
                if target not in before:
                    before[target] = after.copy()
                elif not before[target].meet(after, self._table):
                    continue
                if target not in queued:
                    queued.add(target)
                    heapq.heappush(waiting, target)
        return self._states_at, self._end or MachineState(NEVER, {})

    def _keep(self, at: int, state: MachineState) -> None:
        """Keep the *state* at the call at *at*."""
        call = at, self._variant_called(at, state)
        if call in self._states_at:
            self._states_at[call].meet(state, self._table)
        else:
            self._states_at[call] = state.copy()

    def _variant_called(self, at: int, state: MachineState) -> Optional[_Variant]:
        called = self._function.calls.get(at)
        if called is None or at in self._function.callbacks:
            return None if called is None else (called, ())
        return self._analysis.variant(called, state)

    def _advance(self, at: int, state: MachineState) -> int:
        """Make *state* that after the instruction at *at*, no branch, and return the number of the next one.

        Returns ``_NOWHERE`` where the function ends, or the instruction is not left.
        """
        instruction, function = self._code[at], self._function
        kind = instruction.code & bpf.CLASS
        if at in function.calls or at in function.kfuncs:
            self._keep(at, state)
        if at in function.patched:
            state.put(instruction.destination, self._patched_value(at, instruction))
            if kind in (bpf.STORE, bpf.STORE_IMMEDIATE):
                state.forget()
            return at + (2 if instruction.code == bpf.WIDE else 1)
        if kind in (bpf.ALU, bpf.ALU64):
            state.put(instruction.destination, self._computed(instruction, state))
            return at + 1
        if instruction.code == bpf.WIDE:
            state.put(instruction.destination, self._wide_value(at, instruction))
            return at + 2
        if instruction.code == bpf.EXIT:
            self._leave(state)
            return _NOWHERE
        if instruction.code in (bpf.JUMP, bpf.LONG_JUMP):
            return at + 1 + (instruction.offset if instruction.code == bpf.JUMP else instruction.immediate)
        if instruction.code in (bpf.CALL, bpf.CALL_OF_REGISTER):
            return at + 1 if self._call(at, state) else _NOWHERE
        self._move_memory(instruction, kind, state)
        return at + 1

    def _leave(self, state: MachineState) -> None:
        """Keep *state*, in which the function ends."""
        end = MachineState(state.reach, {_RESULT: state.of(_RESULT)} if state.of(_RESULT) else {})
        if self._end is None:
            self._end = end
        else:
            self._end.meet(end, self._table)

    def _patched_value(self, at: int, instruction: Instruction) -> Value:
        fact = self._function.outcomes.get(at)
        is_move = instruction.code & (bpf.OPERATION | bpf.FROM_REGISTER) == arithmetic.MOVE and instruction.code & (
            bpf.CLASS
        ) in (bpf.ALU, bpf.ALU64)
        if fact is None or not (is_move or instruction.code == bpf.WIDE):
            return UNKNOWN
        exists = self._table.of(fact)
        return {1: exists, 0: self._table.negated(exists)}

    def _wide_value(self, at: int, instruction: Instruction) -> Value:
        function = self._function
        if at in function.addresses:
            found = self._table.of(self._analysis.kfuncs[function.addresses[at]])
            return {KfuncAddress(): found, 0: self._table.negated(found)}
        if at in function.variables:
            return {function.variables[at]: ALWAYS}
        if at in function.calls or at in function.relocated or instruction.source or at + 1 not in self._code:
            return UNKNOWN
        return number(arithmetic.truncated(instruction.immediate, 32) | self._code[at + 1].immediate << 32)

    def _call(self, at: int, state: MachineState) -> bool:
        """Make *state* that after the call at *at*; return whether it comes back, as far as that is known yet."""
        called = self._variant_called(at, state)
        end = self._analysis.end_of(called) if called is not None else _ANY_END
        if end is None:
            return False  # the function is followed first
        for register in _CLOBBERED_BY_CALLS:
            state.put(register, UNKNOWN)
        state.put(_RESULT, end.of(_RESULT))
        state.reach = self._table.both(state.reach, end.reach)
        if self._shared:
            state.forget()
        return state.reach is not NEVER

    def _branches(self, at: int, instruction: Instruction, state: MachineState) -> tuple[tuple[int, MachineState], ...]:
        """Return the instructions that may follow the branch at *at*, each with its state; *state* may be changed."""
        left, right = self._operands(instruction, state)
        taken = state.copy()
        if left and right:
            bits = 64 if instruction.code & bpf.CLASS == bpf.CONDITION else 32
            holds, fails = compared(instruction.code & bpf.OPERATION, left, right, bits, self._table)
            taken.reach = self._table.both(state.reach, self._table.negated(fails))
            state.reach = self._table.both(state.reach, self._table.negated(holds))
        return (at + 1 + instruction.offset, taken), (at + 1, state)

    @staticmethod
    def _operands(instruction: Instruction, state: MachineState) -> tuple[Value, Value]:
        if instruction.code & bpf.FROM_REGISTER:
            return state.of(instruction.destination), state.of(instruction.source)
        return state.of(instruction.destination), number(instruction.immediate)

    def _computed(self, instruction: Instruction, state: MachineState) -> Value:
        """Return the result of an arithmetic instruction."""
        operation = instruction.code & bpf.OPERATION
        bits = 64 if instruction.code & bpf.CLASS == bpf.ALU64 else 32
        left, right = self._operands(instruction, state)
        if instruction.offset and operation == arithmetic.MOVE and instruction.code & bpf.FROM_REGISTER:
            return self._sign_extended(right, instruction.offset, bits)
        # With an offset it is another operation.
        if instruction.offset or not arithmetic.is_arithmetic(operation):
            return UNKNOWN
        if operation == arithmetic.MOVE and bits == 64:
            return right
        return computed_value(operation, left, right, bits, self._table)

    def _sign_extended(self, value: Value, width: int, bits: int) -> Value:
        """Return the lowest *width* bits of *value*, with their sign, in *bits* (``coerce_reg_to_size_sx()``)."""
        if not 0 < width < bits:
            return value if width == bits else UNKNOWN
        shift = number(bits - width)
        left = computed_value(arithmetic.LEFT, value, shift, bits, self._table)
        return computed_value(arithmetic.ARITHMETIC_RIGHT, left, shift, bits, self._table)

    def _move_memory(self, instruction: Instruction, kind: int, state: MachineState) -> None:
        """Follow a load or a store."""
        if kind in (bpf.STORE, bpf.STORE_IMMEDIATE):
            stored = state.of(instruction.source) if instruction.code == bpf.STORE64 else UNKNOWN
            if instruction.code & bpf.MODE == bpf.ATOMIC:
                # The operation decides which registers it writes to.
                for register in (0, instruction.source, instruction.destination):
                    state.put(register, UNKNOWN)
            if instruction.destination == bpf.STACK_POINTER:
                state.store(instruction.offset, stored)
            elif self._shared:
                state.forget()
        elif kind == bpf.LOAD_REGISTER:
            state.put(instruction.destination, self._loaded(instruction, state))
        else:
            # BPF_ABS and BPF_IND, the old loads from packets, call a function of the kernel.
            for register in _CLOBBERED_BY_CALLS:
                state.put(register, UNKNOWN)
            if self._shared:
                state.forget()

    def _loaded(self, instruction: Instruction, state: MachineState) -> Value:
        if instruction.source == bpf.STACK_POINTER:
            return state.of(instruction.offset) if instruction.code == bpf.LOAD64 else UNKNOWN
        mode = instruction.code & bpf.MODE
        if mode not in (bpf.FROM_MEMORY, bpf.WITH_SIGN_FROM_MEMORY):
            return UNKNOWN
        size = bpf.BYTES_OF_SIZE[instruction.code & bpf.SIZE]
        loaded: Value = UNKNOWN
        addresses = state.of(instruction.source)
        for address, where in addresses.items():
            # No compiler writes a test that loads from one of several addresses.
            if isinstance(address, VariableAddress) and len(addresses) == 1:
                place = VariableAddress(
                    address.section, address.offset + instruction.offset, address.extern, address.bytes
                )
                constant = self._analysis.constant(place, size)
                loaded = {content: self._table.both(where, holds) for content, holds in constant.items()}
        return self._sign_extended(loaded, 8 * size, 64) if mode == bpf.WITH_SIGN_FROM_MEMORY else loaded


def _is_branch(instruction: Instruction) -> bool:
    """Whether *instruction* is a conditional jump."""
    is_jump = instruction.code & bpf.CLASS in (bpf.CONDITION, bpf.CONDITION32)
    return is_jump and instruction.code not in (bpf.JUMP, bpf.LONG_JUMP, bpf.CALL, bpf.CALL_OF_REGISTER, bpf.EXIT)


def _is_known(instruction: Instruction) -> bool:
    """Whether the target of *instruction* is known; jumps to an address in a register (``gotox``) are not followed."""
    operation = instruction.code & bpf.OPERATION
    is_jump = instruction.code & bpf.CLASS in (bpf.CONDITION, bpf.CONDITION32)
    return not is_jump or (operation != 0xF0 and (operation != 0 or instruction.code in (bpf.JUMP, bpf.LONG_JUMP)))


def _shares_stack(code: Mapping[int, Instruction]) -> bool:
    """Whether *code* puts an address in the stack into another register or into memory.

    Then any slot may be written through that address: it may point into the middle of an array.
    """
    return any(
        instruction.source == bpf.STACK_POINTER and instruction.code & bpf.CLASS != bpf.LOAD_REGISTER
        for instruction in code.values()
    )


def _targets(code: Mapping[int, Instruction]) -> set[int]:
    """Return the numbers of the instructions to which jumps in *code* lead."""
    return {
        at + 1 + (instruction.immediate if instruction.code == bpf.LONG_JUMP else instruction.offset)
        for at, instruction in code.items()
        if instruction.code & bpf.CLASS in (bpf.CONDITION, bpf.CONDITION32)
        and instruction.code not in (bpf.CALL, bpf.EXIT)
    }
