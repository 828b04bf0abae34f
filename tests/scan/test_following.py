# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Tests of what a kernel has, as they are found in BPF code: the forms that compilers write, and that it is never
said that there is one where there is none."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from random import Random
from typing import Callable, Optional

import pytest
from object_builder import (
    EQUAL,
    NOT_EQUAL,
    SET,
    Code,
    Object,
    address,
    call,
    call_helper,
    combine,
    copy,
    jump,
    jump_if,
    leave,
    load,
    move,
    store,
)  # fmt: skip

from kfuncdoc.bpf.conditions import (
    ALWAYS,
    AsBuilt,
    Comparison,
    Condition,
    CoreOutcome,
    FactsOfKernel,
    GlobalsCheckedWhereCalled,
    KfuncFound,
    OptionalPartsCount,
)
from kfuncdoc.bpf.objects import Call
from kfuncdoc.scan.binary import following
from kfuncdoc.scan.binary.objects import read_object

OR, AND = 0x40, 0x50
GREATER, LESS = 0x20, 0xA0
SIGNED_GREATER, SIGNED_LESS = 0x60, 0xC0


def calls_of(*code: Code, more: tuple[tuple[str, list[Code]], ...] = ()) -> dict[str, Call]:
    """Return the calls of a program, by the names of the kfuncs; it knows ``one``, ``two`` and ``three``."""
    written = Object()

    for name in ("one", "two", "three"):
        written.extern(name, weak=True)
    for name, body in more:
        written.function(".text", name, body, local=True)
    written.function("xdp", "packet", [*code, leave()])
    return {kfunc_call.extern: kfunc_call for kfunc_call in read_object("prog.bpf.o", written.elf()).calls}


def known(*code: Code) -> tuple[set[str], set[str]]:
    """Return what is known where ``three`` is called."""
    kfunc_call = calls_of(*code)["three"]
    return set(kfunc_call.found), set(kfunc_call.missed)


FORMS = {
    "if it is there": [address(1, "one"), jump_if(EQUAL, 1, 0, 1), call("three")],
    "if it is not there, leave": [address(1, "one"), jump_if(NOT_EQUAL, 1, 0, 1), leave(), call("three")],
    "in another register": [address(1, "one"), copy(6, 1), move(1, 0), jump_if(EQUAL, 6, 0, 1), call("three")],
    "on the stack": [
        address(1, "one"), store(-8, 1), call_helper(5), load(2, -8), jump_if(EQUAL, 2, 0, 1), call("three"),
    ],
    "as a truth": [
        address(1, "one"), move(6, 1), jump_if(NOT_EQUAL, 1, 0, 1), move(6, 0), call_helper(5),
        jump_if(EQUAL, 6, 0, 1), call("three"),
    ],
    "as a truth that is compared with 1": [
        move(6, 0), address(1, "one"), jump_if(EQUAL, 1, 0, 1), move(6, 1), jump_if(EQUAL, 6, 1, 1), leave(),
        call("three"),
    ],
    "as a bit": [
        move(6, 0), address(1, "one"), jump_if(EQUAL, 1, 0, 1), move(6, 1), jump_if(SET, 6, 1, 1), leave(),
        call("three"),
    ],
    "greater than 0": [address(1, "one"), jump_if(GREATER, 1, 0, 1), leave(), call("three")],
    "not less than 1": [address(1, "one"), jump_if(LESS, 1, 1, 1), call("three")],
    "once, used twice": [
        address(6, "one"), jump_if(EQUAL, 6, 0, 1), call_helper(5), jump_if(EQUAL, 6, 0, 1), call("three"),
    ],
    "in a loop": [
        address(6, "one"), call_helper(5), jump_if(EQUAL, 6, 0, 2), call("three"), jump(-4), leave(),
    ],
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_forms_of_a_test(form):
    assert known(*FORMS[form]) == ({"one"}, set())


def test_both_of_two():
    code = [
        address(1, "one"), jump_if(EQUAL, 1, 0, 5), address(1, "two"), jump_if(EQUAL, 1, 0, 2), call("three"), leave(),
    ]  # fmt: skip
    assert known(*code) == ({"one", "two"}, set())


def test_both_as_one_truth():
    truths = [
        move(6, 0), address(1, "one"), jump_if(EQUAL, 1, 0, 1), move(6, 1),
        move(7, 0), address(1, "two"), jump_if(EQUAL, 1, 0, 1), move(7, 1),
    ]  # fmt: skip
    assert known(*truths, combine(AND, 6, 7), jump_if(EQUAL, 6, 0, 1), call("three")) == ({"one", "two"}, set())
    assert known(*truths, combine(OR, 6, 7), jump_if(EQUAL, 6, 0, 1), call("three")) == (set(), set())
    assert known(*truths, combine(OR, 6, 7), jump_if(NOT_EQUAL, 6, 0, 1), call("three")) == (set(), {"one", "two"})
    assert known(*truths, combine(AND, 6, 7), jump_if(NOT_EQUAL, 6, 0, 1), call("three")) == (set(), set())


def test_what_is_not_there():
    """The last of several alternatives is tested for by none of its own."""
    chain = [
        address(1, "one"), jump_if(EQUAL, 1, 0, 2), call("one"), leave(),
        address(1, "two"), jump_if(EQUAL, 1, 0, 2), call("two"), leave(),
        call("three"),
    ]  # fmt: skip
    calls = calls_of(*chain)
    assert {name: (set(kfunc_call.found), set(kfunc_call.missed)) for name, kfunc_call in calls.items()} == {
        "one": ({"one"}, set()),
        "two": ({"two"}, {"one"}),
        "three": (set(), {"one", "two"}),
    }


NO_TESTS = {
    "of something else": [address(1, "one"), jump_if(EQUAL, 2, 0, 1), call("three")],
    "without a jump": [address(1, "one"), call("three")],
    "of a register that was changed": [
        address(1, "one"), Code(0x07, 1, 0, 0, 8), jump_if(EQUAL, 1, 0, 1), call("three"),
    ],
    "of a register that a call took": [address(1, "one"), call_helper(5), jump_if(EQUAL, 1, 0, 1), call("three")],
    "of a slot that was written over": [
        address(1, "one"), store(-8, 1), Code(0x62, 10, 0, -4, 1), load(2, -8), jump_if(EQUAL, 2, 0, 1), call("three"),
    ],
    "on one of two ways": [
        jump_if(EQUAL, 7, 0, 3), address(1, "one"), jump_if(EQUAL, 1, 0, 1), call("three"),
    ],
    "of a slot whose address a helper was given": [
        move(1, 0), store(-8, 1), address(1, "one"), jump_if(EQUAL, 1, 0, 2), move(1, 1), store(-8, 1),
        copy(2, 10), Code(0x07, 2, 0, 0, -8), call_helper(181), load(3, -8), jump_if(EQUAL, 3, 0, 1), call("three"),
    ],
    "of a slot that was written to through another register": [
        copy(2, 10), Code(0x07, 2, 0, 0, -8), move(1, 0), store(-8, 1), address(1, "one"), jump_if(EQUAL, 1, 0, 2),
        move(1, 1), store(-8, 1), Code(0x7B, 2, 4, 0), load(3, -8), jump_if(EQUAL, 3, 0, 1), call("three"),
    ],
    "in a slot that an atomic operation changed": [
        address(1, "one"), store(-8, 1), Code(0xDB, 10, 4, -8, 0), load(3, -8), jump_if(EQUAL, 3, 0, 1), call("three"),
    ],
    "of bits that were shifted out": [
        move(6, 0), address(1, "one"), jump_if(EQUAL, 1, 0, 1), move(6, 1), Code(0x77, 6, 0, 0, 1),
        jump_if(NOT_EQUAL, 6, 0, 1), call("three"),
    ],
    "before a jump to a place in a register": [
        address(1, "one"), jump_if(EQUAL, 1, 0, 2), Code(0x0D, 4), call("three"),
    ],
    "of what an atomic operation fetched": [
        address(1, "one"), Code(0xDB, 10, 1, -8, 0xE1), jump_if(EQUAL, 1, 0, 1), call("three"),
    ],
}  # fmt: skip


@pytest.mark.parametrize("form", NO_TESTS)
def test_what_is_no_test(form):
    assert known(*NO_TESTS[form]) == (set(), set())


#: Ways to hand out an address of the stack.
HANDED_OUT = {
    "of a slot": [copy(2, 10), Code(0x07, 2, 0, 0, -8)],
    "in two steps": [copy(2, 10), Code(0x07, 2, 0, 0, -8), Code(0x07, 2, 0, 0, -16)],
    "of a slot that is copied": [copy(3, 10), Code(0x07, 3, 0, 0, -8), copy(2, 3), Code(0x07, 2, 0, 0, -16)],
    "added to a number": [move(2, -24), Code(0x0F, 2, 10)],
    "through the stack": [store(-32, 10), load(2, -32), Code(0x07, 2, 0, 0, -24)],
}


@pytest.mark.parametrize("way", HANDED_OUT)
def test_a_stack_whose_address_is_handed_out_is_not_known(way):
    """From the slot at -8 on whoever has it gets to what is below as well."""
    write = [*HANDED_OUT[way], move(3, 1), Code(0x7B, 2, 3, -16 if way == "of a slot" else 0)]
    test = [load(1, -24), jump_if(EQUAL, 1, 0, 1), call("three")]
    assert known(address(1, "one"), store(-24, 1), *write, *test) == (set(), set())
    assert known(address(1, "one"), store(-24, 1), *test) == ({"one"}, set())


@pytest.mark.parametrize(("offset", "kept"), [(-8, True), (-512, True), (-520, False), (-12, False), (8, False)])
def test_slots_are_those_of_a_stack(offset, kept):
    code = [address(1, "one"), store(offset, 1), load(2, offset), jump_if(EQUAL, 2, 0, 1), call("three")]
    assert known(*code) == ({"one"} if kept else set(), set())


def test_what_libbpf_patches_is_not_known():
    """``r2 = 1`` that says whether the kernel has a type is 0 on others, where the test is not made."""

    code = [move(2, 1), jump_if(EQUAL, 2, 0, 3), address(1, "one"), jump_if(EQUAL, 1, 0, 1), call("three"), leave()]
    assert found_where_patched(code, None) == {"one"}
    assert found_where_patched(code, 0) == set()


def test_what_libbpf_patches_may_write_to_the_stack():
    code = [
        address(1, "one"), store(-8, 1), Code(0x7A, 5, 0, -8, 1), load(1, -8), jump_if(EQUAL, 1, 0, 1), call("three"),
        leave(),
    ]  # fmt: skip
    assert found_where_patched(code, None) == {"one"}
    assert found_where_patched(code, 3) == set()


def found_where_patched(code: list[Code], at: Optional[int]) -> set[str]:
    """Return what must have been found before the call in *code*, whose instruction *at* libbpf writes anew."""
    written = Object()
    for name in ("one", "three"):
        written.extern(name, weak=True)
    written.function("xdp", "packet", code)
    if at is not None:
        written.patch("xdp", at)
    return set(read_object("prog.bpf.o", written.elf()).calls[0].found)


def test_a_function_that_takes_too_long_tells_nothing(monkeypatch):
    """Nor what it calls: its callers may know, and it does not."""
    monkeypatch.setattr(following, "_MOST_STEPS", 0)
    test = [address(1, "one"), jump_if(EQUAL, 1, 0, 1)]
    kfunc_call = calls_of(*test, call("helper"), more=(("helper", [call("three"), leave()]),))["three"]
    assert (kfunc_call.found, kfunc_call.missed) == (frozenset(), frozenset())


def test_subprograms_know_what_all_their_callers_do():
    test = [address(1, "one"), jump_if(EQUAL, 1, 0, 1)]
    helper = (("helper", [call("three"), leave()]),)
    behind = calls_of(*test, call("helper"), more=helper)["three"]
    assert (set(behind.found), set(behind.missed)) == ({"one"}, set())
    once_without = calls_of(call("helper"), *test, call("helper"), more=helper)["three"]
    assert (set(once_without.found), set(once_without.missed)) == (set(), set())


def reached_in_helper(*, hidden: bool, section: str = "xdp") -> Call:
    """Return the call in a global function, which a program calls behind a test."""
    written = Object()
    for name in ("one", "three"):
        written.extern(name, weak=True)
    written.function(".text", "helper", [call("three"), leave()], hidden=hidden)
    written.function(section, "packet", [address(1, "one"), jump_if(EQUAL, 1, 0, 1), call("helper"), leave()])
    (kfunc_call,) = read_object("prog.bpf.o", written.elf()).calls
    return kfunc_call


@pytest.mark.parametrize(("lazily", "one", "expected"), [
    (True, True, True), (True, False, False), (False, True, True), (False, False, True),
])  # fmt: skip
def test_global_functions_are_checked_where_they_are_called_or_all_at_once(lazily, one, expected):
    facts = {GlobalsCheckedWhereCalled(): lazily, KfuncFound("one"): one}
    assert reached_in_helper(hidden=False).reached(facts.get) is expected


def test_hidden_functions_are_static():
    kfunc_call = reached_in_helper(hidden=True)
    assert (kfunc_call.found, kfunc_call.condition.facts) == ({"one"}, {KfuncFound("one")})


@pytest.mark.parametrize("section", ["?xdp", ".text"])
def test_what_libbpf_does_not_load_is_reached_if_it_counts(section):
    """An optional program with the function that it calls, and functions that no program calls."""
    kfunc_call = reached_in_helper(hidden=False, section=section)
    everything = {GlobalsCheckedWhereCalled(): False, KfuncFound("one"): True}
    assert kfunc_call.reached({**everything, OptionalPartsCount(): False}.get) is False
    assert kfunc_call.reached({**everything, OptionalPartsCount(): True}.get) is True


# -- what a kernel has besides kfuncs

TYPE_EXISTS, ENUM_VALUE_EXISTS, FIELD_EXISTS, FIELD_OFFSET = 8, 10, 2, 0
THING = CoreOutcome("type_exists", "struct", "thing")
VERSION = "LINUX_KERNEL_VERSION"
NARROW = 0x06  # jumps and moves of 32 bits, instead of 64


def load_from(register: int, source: int, size: int = 4, offset: int = 0) -> Code:
    return Code(0x61 | {4: 0x00, 2: 0x08, 1: 0x10, 8: 0x18}[size], register, source, offset)


def compute(operation: int, register: int, immediate: int, *, narrow: bool = False) -> Code:
    """``register OPERATION= immediate``, in 64 bits or, *narrow*, in 32."""
    return Code((0x04 if narrow else 0x07) | operation, register, 0, 0, immediate)


def compare(operation: int, register: int, source: int, offset: int) -> Code:
    """``if register OPERATION source goto offset``, of two registers."""
    return Code(0x0D | operation, register, source, offset)


def question(register: int) -> Code:
    """``register = 1``, which libbpf patches."""
    return move(register, 1)


class World:
    """An object whose programs ask about everything that a kernel can have."""

    BUILT = bytes([0, 0, 0, 0, 7, 0, 0, 0])

    def __init__(self) -> None:
        self.object = Object()
        for name in ("one", "two", "three"):
            self.object.extern(name, weak=True)
        self.object.kconfig(VERSION)
        self.object.kconfig("CONFIG_WIDE", size=8)
        self.object.constants(".rodata", self.BUILT, {"off": (0, 4), "seven": (4, 4)})
        self._thing = self.object.types.struct("thing___ours", (("member", 1),))

    def function(self, section: str, name: str, code: list[Code], *, lines: int, local: bool = False) -> None:
        """Add a function; each :class:`Asked` in it is patched."""
        start = sum(2 if instruction.wide else 1 for instruction in self.object._code.get(section, ()))
        self.object.function(section, name, code, lines=lines, local=local)
        for instruction in code:
            if isinstance(instruction, Asked):
                self.object.patch(section, start, TYPE_EXISTS, self._thing)
            start += 2 if instruction.wide else 1

    def calls(self) -> dict[int, Call]:
        """Return the calls of ``three``, by their lines, of which each has one."""
        calls = self.calls_by_program()
        assert all(len(of_programs) == 1 for of_programs in calls.values())
        return {line: of_programs[0] for line, of_programs in calls.items()}

    def calls_by_program(self) -> dict[int, list[Call]]:
        """Return the calls of ``three`` by their lines: one for all programs that get to it on the same kernels."""
        calls: dict[int, list[Call]] = {}
        for kfunc_call in read_object("prog.bpf.o", self.object.elf()).calls:
            if kfunc_call.source and kfunc_call.extern == "three":
                calls.setdefault(kfunc_call.source.line, []).append(kfunc_call)
        return calls


class Asked(Code):
    """``r = 1``, which libbpf patches to whether the kernel has a structure."""

    def __new__(cls, register: int) -> Asked:
        return super().__new__(cls, *question(register))


def condition_of(*code: Code) -> Condition:
    """Return the condition of the call of ``three`` in a program of *code*."""
    world = World()
    world.function("xdp", "packet", [*code, leave()], lines=100)
    (kfunc_call,) = world.calls().values()
    return kfunc_call.condition


def reached_on(condition: Condition, **facts: Optional[bool]) -> Optional[bool]:
    """Return whether the call is reached where ``thing`` exists and constants are as built, as *facts* say."""
    names = {"thing": THING, "off": AsBuilt("off"), "seven": AsBuilt("seven")}
    return condition.value({names[name]: value for name, value in facts.items()}.get)


TYPES = {
    "if it is there": [Asked(1), jump_if(EQUAL, 1, 0, 1), call("three")],
    "compared in half a register": [Asked(1), Code(NARROW | EQUAL, 1, 0, 1, 0), call("three")],
    "turned round twice": [
        Asked(1), compute(0xA0, 1, 1), compute(0xA0, 1, 1, narrow=True), jump_if(EQUAL, 1, 0, 1), call("three"),
    ],
    "as a sum": [Asked(6), Asked(7), combine(0x00, 6, 7), jump_if(NOT_EQUAL, 6, 2, 1), call("three")],
    "as a mask": [Asked(6), Code(0x87, 6), Asked(6), compute(0x20, 6, 12), jump_if(NOT_EQUAL, 6, 12, 1), call("three")],
    "compared with a register": [
        Asked(1), move(2, 0), compare(EQUAL, 1, 2, 1), call("three"),
    ],
    "from a function with a constant argument": [
        move(1, 7), call("chosen"), jump_if(EQUAL, 0, 0, 1), call("three"),
    ],
    "with a sign in a register": [
        Asked(1), Code(0x67, 1, 0, 0, 31), Code(0xBF, 1, 1, 32), jump_if(EQUAL, 1, 0, 1), call("three"),
    ],
    "from a function": [call("answer"), jump_if(EQUAL, 0, 0, 1), call("three")],
    "from a function that turns it round": [call("denial"), jump_if(NOT_EQUAL, 0, 0, 1), call("three")],
    "as an argument": [Asked(1), call("inside")],
}  # fmt: skip
#: Static functions that the programs may call.
FUNCTIONS = {
    "answer": [Asked(0), leave()],
    "chosen": [Asked(0), jump_if(EQUAL, 1, 7, 1), move(0, 1), leave()],
    "denial": [Asked(1), move(0, 1), jump_if(EQUAL, 1, 0, 1), move(0, 0), leave()],
    "inside": [jump_if(EQUAL, 1, 0, 1), call("three"), leave()],
}


@pytest.mark.parametrize("form", TYPES)
def test_forms_of_a_test_for_a_type(form):
    world = World()
    for number, (name, code) in enumerate(FUNCTIONS.items()):
        world.function(".text", name, code, lines=1000 * number, local=True)
    world.function("xdp", "packet", [*TYPES[form], leave()], lines=5000)
    calls = world.calls()
    condition = next(
        kfunc_call.condition for line, kfunc_call in calls.items() if line >= 5000 or form == "as an argument"
    )
    assert (reached_on(condition, thing=True), reached_on(condition, thing=False)) == (True, False)


@pytest.mark.parametrize(("local", "expected"), [(True, False), (False, True)])
def test_only_static_functions_give_their_results_back(local, expected):
    """The verifier takes any number for the result of a global function."""
    world = World()
    world.function(".text", "answer", FUNCTIONS["answer"], lines=100, local=local)
    world.function("xdp", "packet", [Asked(7), *TYPES["from a function"], leave()], lines=5000)
    assert reached_on(world.calls()[5001].condition, thing=False) is expected


def test_a_member_and_an_enumerator():
    written = Object()
    written.extern("three", weak=True)
    inner = written.types.struct("", (("deep", 1),))
    structure = written.types.struct("thing", (("first", 1), ("", inner)))
    values = written.types.add(6, "kind___ours", 4, (written.types.string("KIND_A"), 0), 1)
    body = [move(1, 1), jump_if(EQUAL, 1, 0, 1), call("three")]
    written.function("xdp", "packet", [*body, *body, *body, leave()])
    written.patch("xdp", 0, FIELD_EXISTS, structure, "0:1:0")
    written.patch("xdp", 3, ENUM_VALUE_EXISTS, values, "0")
    written.patch("xdp", 6, FIELD_OFFSET, structure, "0:0")
    member, enumerator, offset = (kfunc_call.condition for kfunc_call in read_object("prog.bpf.o", written.elf()).calls)
    assert member.requires(CoreOutcome("field_exists", "struct", "thing", ("deep (int)",)))
    assert enumerator.requires(CoreOutcome("enum_value_exists", "enum", "kind", ("KIND_A",)))
    assert offset is ALWAYS


V6_17 = 6 << 16 | 17 << 8
VERSIONS = {
    "not older": [jump_if(GREATER, 1, V6_17 - 1, 1), leave(), call("three")],
    "less": [jump_if(LESS, 1, V6_17, 1), call("three")],
    "with a sign": [Code(NARROW | 0xC0, 1, 0, 1, V6_17), call("three")],
    "with a sign in a whole register": [
        compute(0x60, 1, 32), compute(0xC0, 1, 32), move(2, V6_17), compare(0x60, 2, 1, 1), call("three"),
    ],
    "its first two numbers": [
        compute(0x70, 1, 8, narrow=True), jump_if(LESS, 1, V6_17 >> 8, 1), call("three"),
    ],
    "through the stack": [store(-8, 1), load(2, -8), jump_if(LESS, 2, V6_17, 1), call("three")],
    "as a truth": [
        copy(2, 1), move(6, 1), jump_if(GREATER, 2, V6_17 - 1, 1), move(6, 0), jump_if(EQUAL, 6, 0, 1), call("three"),
    ],
}  # fmt: skip


def on_version(condition: Condition, version: int) -> Optional[bool]:
    return condition.value(lambda fact: fact.holds(version) if isinstance(fact, Comparison) else None)


@pytest.mark.parametrize("form", VERSIONS)
def test_forms_of_a_test_of_the_version(form):
    condition = condition_of(address(1, VERSION), load_from(1, 1), *VERSIONS[form])
    assert [on_version(condition, V6_17 + more) for more in (-1, 0, 1, 1 << 16)] == [False, True, True, True]


@pytest.mark.parametrize("code", [
    [address(1, VERSION), load_from(1, 1, 2), jump_if(EQUAL, 1, 0, 1), call("three")],
    [address(1, VERSION), load_from(1, 1, 4, 2), jump_if(EQUAL, 1, 0, 1), call("three")],
    [address(1, VERSION, 8), load_from(1, 1), jump_if(EQUAL, 1, 0, 1), call("three")],
    [address(1, ".rodata"), load_from(1, 1, 8, 4), jump_if(EQUAL, 1, 0, 1), call("three")],
    [address(1, "off"), load_from(1, 1, 4, -4), jump_if(EQUAL, 1, 0, 1), call("three")],
    [address(1, "off"), combine(0x00, 1, 2), load_from(1, 1), jump_if(NOT_EQUAL, 1, 0, 1), call("three")],
])  # fmt: skip
def test_parts_of_variables_are_not_known(code):
    world = World()
    world.object.section_symbol(".rodata")
    renamed = [
        instruction._replace(symbol="[.rodata]") if instruction.symbol == ".rodata" else instruction
        for instruction in code
    ]
    world.function("xdp", "packet", [*renamed, leave()], lines=100)
    (kfunc_call,) = world.calls().values()
    assert kfunc_call.condition is ALWAYS


def test_constants_are_as_built_unless_a_loader_sets_them():
    behind_off = condition_of(address(1, "off"), load_from(1, 1), jump_if(EQUAL, 1, 0, 1), call("three"))
    assert (reached_on(behind_off, off=True), reached_on(behind_off, off=False)) == (False, True)
    behind_seven = condition_of(address(1, "off"), load_from(1, 1, 4, 4), jump_if(EQUAL, 1, 7, 1), call("three"))
    assert (reached_on(behind_seven, seven=True), reached_on(behind_seven, seven=None)) == (False, None)


def test_a_short_function_is_followed_with_the_constants_of_each_call():
    """As ``at_least(KERNEL_VERSION(6, 17, 0))`` is, whatever version another program asks for."""
    world = World()
    body = [address(2, VERSION), load_from(2, 2), move(0, 1), compare(GREATER | 0x10, 2, 1, 1), move(0, 0), leave()]
    world.function(".text", "at_least", body, lines=10, local=True)
    for number, (section, minor) in enumerate((("xdp", 17), ("tc", 6)), 1):
        code = [move(1, 6 << 16 | minor << 8), call("at_least"), jump_if(EQUAL, 0, 0, 1), call("three"), leave()]
        world.function(section, section, code, lines=100 * number)
    calls = world.calls()
    seen = [[on_version(call_of.condition, V6_17 + more) for more in (-1, 0)] for _, call_of in sorted(calls.items())]
    assert seen == [[False, True], [True, True]]


@pytest.mark.parametrize(("operation", "expected"), [(SIGNED_LESS, True), (SIGNED_GREATER, False)])
def test_constants_are_loaded_with_their_sign(operation, expected):
    """``r1 = *(s8 *)(r1 + 0)`` of 0xfd is -3."""
    world = World()
    world.object.constants(".rodata.sign", b"\xfd", {"below": (0, 1)})
    code = [
        address(1, "below"), Code(0x91, 1, 1, 0), Code(0x05 | operation, 1, 0, 1, 0), leave(), call("three"), leave(),
    ]  # fmt: skip
    world.function("xdp", "packet", code, lines=100)
    calls = world.calls()
    (condition,) = (kfunc_call.condition for kfunc_call in calls.values())
    assert condition.value({AsBuilt("below"): True}.get) is expected


def test_an_unknown_setting_of_the_kernel_decides():
    condition = condition_of(address(1, "CONFIG_WIDE"), load_from(1, 1, 8), jump_if(EQUAL, 1, 0, 1), call("three"))
    assert condition.value(lambda _: None) is None
    assert {fact.computed.variable for fact in condition.facts if isinstance(fact, Comparison)} == {"CONFIG_WIDE"}


# -- never less than is reached


class Refused(Exception):
    """The program jumps to a place to which no kernel lets it jump."""


class Machine:
    """Runs the functions of a world on one kernel; jumps only lead on, and the calls end."""

    def __init__(self, functions: dict[str, tuple[list[Code], int]], there: dict[str, int], random: Random) -> None:
        self._functions = functions
        self._there = there
        self._random = random
        self.lines: set[int] = set()

    def run(self, name: str, arguments: list[int]) -> int:
        """Run the function *name*; return its result."""
        code, line = self._functions[name]
        lines: list[int] = []
        slots: list[int] = []
        for number, instruction in enumerate(code):
            lines.append(line)
            line += instruction.code == 0x85
            slots += [number] * (2 if instruction.wide else 1)
        registers = [self._random.randint(0, 2) for _ in range(11)]
        registers[1 : 1 + len(arguments)] = arguments
        stack: dict[int, int] = {}
        at = 0
        while at < len(slots):
            instruction = code[slots[at]]
            if at and slots[at - 1] == slots[at]:
                raise Refused  # into the second half of a wide one
            at += 2 if instruction.wide else 1
            kind, operation = instruction.code & 7, instruction.code & 0xF0
            if instruction.code == 0x95:
                return registers[0]
            if instruction.code == 0x85:
                result = self._random.randint(0, 2)
                if instruction.symbol == "three":
                    self.lines.add(lines[slots[at - 1]])
                elif instruction.symbol == "shared":
                    # The verifier checks a global function for any arguments, and takes any result of it.
                    self.run("shared", [])
                elif instruction.symbol is not None:
                    result = self.run(instruction.symbol, registers[1:6])
                registers[:6] = [result, *(self._random.randint(0, 2) for _ in range(5))]
            elif isinstance(instruction, Asked):
                registers[instruction.destination] = self._there["thing"]
            elif instruction.wide:
                registers[instruction.destination] = self._there[str(instruction.symbol)]
            elif instruction.code == 0x05:
                at += instruction.offset
            elif kind in (5, 6):
                bits = 64 if kind == 5 else 32
                right = registers[instruction.source] if instruction.code & 8 else instruction.immediate
                if COMPARISONS[operation](registers[instruction.destination] % 2**bits, right % 2**bits, bits):
                    at += instruction.offset
            elif instruction.code == 0x7B:
                stack[instruction.offset] = registers[instruction.source]
            elif instruction.code == 0x79:
                registers[instruction.destination] = stack.get(instruction.offset, 1)
            elif kind == 1:
                registers[instruction.destination] = self._there.get(f"*{registers[instruction.source]}", 1)
            else:
                bits = 64 if kind == 7 else 32
                right = registers[instruction.source] if instruction.code & 8 else instruction.immediate
                if operation == 0xB0 and instruction.offset:
                    right = signed(right % 2**instruction.offset, instruction.offset)
                registers[instruction.destination] = OPERATIONS[operation](
                    registers[instruction.destination] % 2**bits, right % 2**bits, bits
                )
        raise Refused  # past the end


def signed(value: int, bits: int) -> int:
    return value - 2**bits if value >= 2 ** (bits - 1) else value


COMPARISONS: dict[int, Callable[[int, int, int], bool]] = {
    EQUAL: lambda left, right, _: left == right, NOT_EQUAL: lambda left, right, _: left != right,
    SET: lambda left, right, _: bool(left & right), GREATER: lambda left, right, _: left > right,
    LESS: lambda left, right, _: left < right, 0x30: lambda left, right, _: left >= right,
    0xB0: lambda left, right, _: left <= right,
    0x60: lambda left, right, bits: signed(left, bits) > signed(right, bits),
    0x70: lambda left, right, bits: signed(left, bits) >= signed(right, bits),
    0xC0: lambda left, right, bits: signed(left, bits) < signed(right, bits),
    0xD0: lambda left, right, bits: signed(left, bits) <= signed(right, bits),
}  # fmt: skip
OPERATIONS: dict[int, Callable[[int, int, int], int]] = {
    0x00: lambda left, right, bits: (left + right) % 2**bits, 0x10: lambda left, right, bits: (left - right) % 2**bits,
    0x20: lambda left, right, bits: left * right % 2**bits, 0x30: lambda left, right, _: left // right if right else 0,
    OR: lambda left, right, _: left | right, AND: lambda left, right, _: left & right,
    0x60: lambda left, right, bits: (left << right % bits) % 2**bits,
    0x70: lambda left, right, bits: left >> right % bits,
    0x80: lambda left, right, bits: -left % 2**bits, 0xA0: lambda left, right, _: left ^ right,
    0xB0: lambda left, right, _: right, 0xC0: lambda left, right, bits: (signed(left, bits) >> right % bits) % 2**bits,
}  # fmt: skip


def any_code(random: Random, callees: list[str]) -> list[Code]:
    """Return a function of many jumps and calls, in the registers of which there is something to ask for."""
    register = partial(random.randint, 1, 3)
    numbers = [0, 0, 1, 1, 2, 7, V6_17 - 1, V6_17, -1]
    variables = [VERSION, VERSION, "off", "seven"]

    def loaded() -> list[Code]:
        into = register()
        return [address(into, random.choice(variables)), load_from(into, into)]

    def truth() -> list[Code]:
        into, asked = random.sample([1, 2, 3], 2)
        return [move(into, 0), jump_if(random.choice([EQUAL, NOT_EQUAL]), asked, 0, 1), move(into, 1)]

    kinds: list[Callable[[], list[Code]]] = [
        lambda: [jump_if(random.choice([EQUAL, NOT_EQUAL]), register(), 0, random.randint(1, 4))],
        lambda: [
            Code(random.choice([5, 6]) | random.choice([*COMPARISONS]), register(), 0, random.randint(1, 4),
                 random.choice(numbers))
        ],
        lambda: [
            Code(random.choice([13, 14]) | random.choice([*COMPARISONS]), register(), register(), random.randint(1, 4))
        ],
        lambda: [call("three")],
        lambda: [call(random.choice(callees))] if callees else [call_helper(5)],
        lambda: [call(random.choice(callees)), copy(register(), 0)] if callees else [call_helper(5)],
        lambda: [address(register(), random.choice(["one", "two"]))],
        lambda: [Asked(register())],
        loaded,
        truth,
        lambda: [move(register(), random.choice(numbers))],
        lambda: [Code(random.choice([0xBF, 0xBC]), register(), register(), random.choice([0, 0, 0, 8, 16]))],
        lambda: [
            Code(random.choice([4, 7]) | random.choice([*OPERATIONS]), register(), 0, 0, random.choice([0, 1, 8, 31]))
        ],
        lambda: [Code(random.choice([12, 15]) | random.choice([OR, AND, 0xA0, 0x00]), register(), register())],
        lambda: [store(random.choice([-8, -16]), register())],
        lambda: [load(register(), random.choice([-8, -16]))],
        lambda: [jump(random.randint(1, 2))],
    ]  # fmt: skip
    weights = [7, 4, 2, 4, 1, 2, 2, 2, 2, 2, 2, 2, 3, 3, 1, 1, 1]
    body = [instruction for kind in random.choices(kinds, weights, k=random.randint(4, 14)) for instruction in kind()]
    start = random.choice([[address(1, "one"), address(2, "two")], [Asked(1), address(2, "one")], []])
    return [*start, *body, call("three"), copy(0, register()), leave()]


@pytest.mark.fuzz
@pytest.mark.parametrize("seed", range(8))
def test_what_is_reached_is_said_to_be(seed):
    """Whatever the programs are, and whatever registers hold at first: no call is reached that is said not to be.

    That holds of each program by itself: what another one that calls the same function gets to does not matter.
    """
    random = Random(seed)
    decided = differing = 0
    for _ in range(250):
        world, functions = World(), {}
        for number, (section, name, local) in enumerate(LAYOUT):
            code = any_code(random, [callee for callee in CALLEES[name] if random.random() < 0.7])
            functions[name] = code, 1000 * (number + 1)
            world.function(section, name, code, lines=1000 * (number + 1), local=local)
        calls = world.calls_by_program()
        decided += sum(kfunc_call.condition.fact is not None for at in calls.values() for kfunc_call in at)
        differing += sum(len(at) > 1 for at in calls.values())
        for _ in range(40):
            facts, reached_by = one_run(random, world, functions)
            for program, lines in reached_by.items():
                for line in lines:
                    own = [kfunc_call for kfunc_call in calls[line] if is_part_of(kfunc_call, program)]
                    assert any(kfunc_call.reached(facts) for kfunc_call in own), (functions, line, program)
    # Were nothing ever said, nothing could be wrong.
    assert decided > 1000
    assert differing > 100


def is_part_of(kfunc_call: Call, program: str) -> bool:
    """Whether a call is one of *program*.

    All count if that is empty: what no program calls shares a call with programs that get to it on the same kernels.
    """
    return not program or program in [part.name for part in kfunc_call.programs]


#: The functions of a random object: section, name, and whether it is static.
LAYOUT = [
    (".text", "leaf", True), (".text", "middle", True), (".text", "shared", False), (".text", "unused", False),
    ("xdp", "packet", False), ("?tc", "extra", False),
]  # fmt: skip
CALLEES = {
    "leaf": [], "middle": ["leaf"], "shared": ["leaf", "middle"], "unused": ["middle", "shared"],
    "packet": ["leaf", "middle", "shared"], "extra": ["leaf", "shared"],
}  # fmt: skip


def one_run(
    random: Random, world: World, functions: dict[str, tuple[list[Code], int]]
) -> tuple[FactsOfKernel, dict[str, set[int]]]:
    """Run everything that a kernel checks; return its facts, and the lines of the calls that it gets to, by program.

    The program of what no program calls is empty.
    """
    one, two, thing, lazily, optional = (random.random() < 0.5 for _ in range(5))
    version = random.choice([V6_17 - 1, V6_17, V6_17 + 300, 5 << 16])
    off, seven = random.choice([0, 0, 1]), random.choice([7, 7, 0])
    there = {
        "one": 0xFFFFFFFF81000010 if one else 0, "two": 0xFFFFFFFF81000020 if two else 0, "thing": int(thing),
        VERSION: 1 << 40, f"*{1 << 40}": version, "off": 2 << 40, f"*{2 << 40}": off, "seven": 3 << 40,
        f"*{3 << 40}": seven,
    }  # fmt: skip
    machine = Machine(functions, there, random)
    reached: dict[str, set[int]] = {}
    for program, start in (("packet", "packet"), ("extra", "extra"), ("", "unused")):
        if program == "packet" or optional:
            # Older kernels check the global functions of a program by themselves, too.
            by_itself = ["shared"] if "shared" in functions_called(start, functions) and not lazily else []
            machine.lines = set()
            for name in (start, *(by_itself if program else [])):
                with suppress(Refused):
                    machine.run(name, [])
            reached[program] = machine.lines
    known = {
        KfuncFound("one"): one, KfuncFound("two"): two, KfuncFound("three"): True, THING: thing,
        AsBuilt("off"): off == 0, AsBuilt("seven"): seven == 7, GlobalsCheckedWhereCalled(): lazily,
        OptionalPartsCount(): optional,
    }  # fmt: skip
    return (lambda fact: fact.holds(version) if isinstance(fact, Comparison) else known[fact]), reached


def functions_called(name: str, functions: dict[str, tuple[list[Code], int]]) -> set[str]:
    """Return the functions that *name* calls, directly or not."""
    direct = {
        instruction.symbol
        for instruction in functions[name][0]
        if instruction.code == 0x85 and instruction.symbol in functions
    }
    return direct.union(*(functions_called(str(callee), functions) for callee in direct)) if direct else set()
