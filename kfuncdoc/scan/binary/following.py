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
from collections.abc import Iterable, Mapping
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

#: The number of a section and of the instruction in it.
CallSite = tuple[int, int]


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
        self._entries: dict[Function, MachineState] = {}
        #: The states at the ends of the functions that were followed.
        self.exits: dict[Function, MachineState] = {}
        self._callers: dict[Function, set[Function]] = {}
        self._graph = _CallGraph(())
        #: The functions whose ends some caller has asked for.
        self._asked: set[Function] = set()
        self._reach: dict[CallSite, Condition] = {}
        self._waiting: list[Function] = []
        self._queued: set[Function] = set()

    def reach_from(self, roots: Mapping[Function, Condition]) -> dict[CallSite, Condition]:
        self._graph = _CallGraph(roots)
        for function, reach in roots.items():
            if function in self._graph.calling:
                self._enter(function, MachineState(reach, {}))
        rounds = 0
        while self._waiting:
            rounds += 1
            if rounds > _MOST_ROUNDS * (1 + len(self._entries)):
                raise _TooManySteps
            function = self._waiting.pop()
            self._queued.discard(function)
            self._follow(function)
        return self._reach

    def _queue(self, function: Function) -> None:
        if function not in self._queued:
            self._queued.add(function)
            self._waiting.append(function)

    def _enter(self, function: Function, state: MachineState) -> None:
        if function not in self._entries:
            self._entries[function] = state
            self._queue(function)
        elif self._entries[function].meet(state, self.table):
            self._queue(function)

    def _follow(self, function: Function) -> None:
        entry = self._entries[function]
        followed = _Follower(self, function).follow(entry) if self._tells(function) else None
        states: Mapping[int, MachineState]
        if followed is None:
            # All that is known is that the function was entered.
            anywhere = MachineState(entry.reach, {})
            states, end = dict.fromkeys((*function.calls, *function.kfuncs), anywhere), anywhere
        else:
            states, end = followed
        # The last call is added first, so that the first call is followed first.
        for at, state in sorted(states.items(), reverse=True):
            site = function.section, at
            self._reach[site] = self.table.either(self._reach.get(site, NEVER), state.reach)
            called = function.calls.get(at)
            if called is not None and (called in self._graph.calling or self._is_asked(called, at, function)):
                self._callers.setdefault(called, set()).add(function)
                passes = not called.standalone and at not in function.callbacks
                self._enter(called, MachineState(state.reach, _told_by(state) if passes else {}))
        self._leave(function, end)

    def _leave(self, function: Function, end: MachineState) -> None:
        if function not in self.exits:
            self.exits[function] = end.copy()
        elif not self.exits[function].meet(end, self.table):
            return
        if function in self._asked:
            for caller in self._callers.get(function, ()):
                self._queue(caller)

    def _is_asked(self, called: Function, at: int, function: Function) -> bool:
        """Whether *function* can use the result of the function *called* at *at*."""
        return not called.standalone and at not in function.callbacks

    def _tells(self, function: Function) -> bool:
        """Whether the result of *function* may depend on the kernel, by itself or through its arguments."""
        entry = self._entries.get(function)
        return function in self._graph.telling or (entry is not None and bool(entry.values))

    def end_of(self, function: Function) -> Optional[MachineState]:
        """Return the state after *function* that a caller gets; None while it is not known yet."""
        if function.standalone or not self._tells(function):
            return MachineState(ALWAYS, {})
        self._asked.add(function)
        return self.exits.get(function)

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


def _told_by(state: MachineState) -> dict[int, Value]:
    """Return the arguments of a call in *state* that depend on the kernel."""
    return {
        register: state.of(register)
        for register in _ARGUMENTS
        if len(state.of(register)) > 1 or any(not isinstance(constant, int) for constant in state.of(register))
    }


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
        self._states_at: dict[int, MachineState] = {}
        self._end: Optional[MachineState] = None

    def follow(self, entry: MachineState) -> Optional[tuple[dict[int, MachineState], MachineState]]:
        """Return the states at calls and at the end of the function that is entered in the state *entry*.

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
        if at in self._states_at:
            self._states_at[at].meet(state, self._table)
        else:
            self._states_at[at] = state.copy()

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
        called = self._function.calls.get(at)
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
        # With an offset it is another operation, such as a move that extends the sign.
        if instruction.offset or not arithmetic.is_arithmetic(operation):
            return UNKNOWN
        left, right = self._operands(instruction, state)
        if operation == arithmetic.MOVE and instruction.code & bpf.CLASS == bpf.ALU64:
            return right
        bits = 64 if instruction.code & bpf.CLASS == bpf.ALU64 else 32
        return computed_value(operation, left, right, bits, self._table)

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
        if instruction.code & bpf.MODE != bpf.FROM_MEMORY:
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
        return loaded


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
