# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Tests that kfuncs are there, as they are found in BPF code: the forms that compilers write, and that it is never
said that there is one where there is none."""

from __future__ import annotations

import itertools
import operator
import struct
from functools import partial
from random import Random
from typing import Iterator, Optional

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

from kfuncdoc.bpf.objects import Call
from kfuncdoc.scan.binary import instructions
from kfuncdoc.scan.binary.objects import read_object

OR, AND = 0x40, 0x50
GREATER, LESS = 0x20, 0xA0


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
    monkeypatch.setattr(instructions, "_MOST_STEPS", 0)
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


def test_global_functions_know_nothing_of_their_callers():
    written = Object()
    for name in ("one", "three"):
        written.extern(name, weak=True)
    written.function(".text", "helper", [call("three"), leave()])
    written.function("xdp", "packet", [address(1, "one"), jump_if(EQUAL, 1, 0, 1), call("helper"), leave()])
    (kfunc_call,) = read_object("prog.bpf.o", written.elf()).calls
    assert not kfunc_call.found


# -- never more than there is


def any_code(random: Random) -> list[Code]:
    """Return a program of many jumps and calls, in the registers of which there is something to ask for."""
    register = partial(random.randint, 1, 3)
    kinds = [
        lambda: jump_if(random.choice([EQUAL, NOT_EQUAL]), register(), 0, random.randint(1, 3)),
        lambda: jump_if(random.choice([*COMPARISONS]), register(), random.randint(0, 2), random.randint(1, 3)),
        lambda: call("three"),
        lambda: address(register(), random.choice(["one", "two"])),
        lambda: move(register(), random.randint(0, 1)),
        lambda: copy(register(), register()),
        lambda: combine(random.choice([OR, AND]), register(), register()),
        lambda: store(random.choice([-8, -16]), register()),
        lambda: load(register(), random.choice([-8, -16])),
        lambda: jump(random.randint(1, 2)),
    ]
    weights = [5, 5, 3, 2, 3, 2, 3, 1, 1, 2]
    body = [kind() for kind in random.choices(kinds, weights, k=random.randint(4, 12))]
    return [address(1, "one"), address(2, "two"), move(3, random.randint(0, 1)), *body, call("three"), leave()]


ADDRESS_OF = {"one": 0xFFFFFFFF81000010, "two": 0xFFFFFFFF81000020}


def reached(code: list[Code], there: dict[str, bool], start: dict[int, int]) -> Optional[int]:
    """Run *code*, whose jumps only lead on; return to which of its calls of ``three`` it gets first, if to any."""
    places = [at for at, instruction in enumerate(code) for _ in range(2 if instruction.wide else 1)]
    values, at, slots = dict(start), 0, []
    for instruction in code:
        slots.append(at)
        at += 2 if instruction.wide else 1
    at = 0
    while at < len(places):
        instruction, place = code[places[at]], slots[places[at]]
        if place != at:
            return None  # into the second half of a wide one: no program of a compiler's does that
        at += 2 if instruction.wide else 1
        left, right = values.get(instruction.destination, 7), values.get(instruction.source, 7)
        if instruction.symbol == "three":
            return sum(other.symbol == "three" for other in code[: places[place]])
        if instruction.code == 0x95:
            return None
        if instruction.wide:
            values[instruction.destination] = (
                ADDRESS_OF[str(instruction.symbol)] if there[str(instruction.symbol)] else 0
            )
        elif instruction.code == 0x85:
            values.update(dict.fromkeys(range(6), 7))
        elif instruction.code == 0x05:
            at += instruction.offset
        elif instruction.code & 7 == 5:
            if COMPARISONS[instruction.code & 0xF0](left, instruction.immediate):
                at += instruction.offset
        elif instruction.code == 0x7B:
            values[instruction.offset] = right
        elif instruction.code == 0x79:
            values[instruction.destination] = values.get(instruction.offset, 7)
        else:
            operation = instruction.code & 0xF0
            by_register = {0xB0: right, OR: left | right, AND: left & right}
            values[instruction.destination] = by_register[operation] if instruction.code & 8 else instruction.immediate
    return None


COMPARISONS = {
    EQUAL: operator.eq, NOT_EQUAL: operator.ne, SET: operator.and_, GREATER: operator.gt, LESS: operator.lt,
    0x30: operator.ge, 0xB0: operator.le,
}  # fmt: skip


@pytest.mark.fuzz
@pytest.mark.parametrize("seed", range(8))
def test_what_is_said_is_so(seed):
    """Whatever the program is, and whatever its registers hold at first: no call is reached against what is said."""
    random = Random(seed)
    told = 0
    for _ in range(1500):
        code = any_code(random)
        said = list(said_of(code))
        told += sum(tests != instructions.ExistenceTests() for tests in said)
        for one, two in itertools.product((False, True), repeat=2):
            there = {"one": one, "two": two}
            which = reached(code, there, {register: random.randint(0, 2) for register in (1, 2, 3)})
            if which is not None:
                found, missed = said[which]
                present = one | two << 1
                assert not found & ~present, code
                assert not missed & present, code
    # Were nothing ever said, nothing could be wrong.
    assert told > 200


def said_of(code: list[Code]) -> Iterator[instructions.ExistenceTests]:
    """Yield what is known at each call of ``three``, with ``one`` as the first bit and ``two`` as the second."""
    content, kfuncs, addresses = b"", {}, {}
    for instruction in code:
        at = len(content) // instructions.BYTES
        if instruction.symbol == "three":
            kfuncs[at] = 2
        elif instruction.wide:
            addresses[at] = 0 if instruction.symbol == "one" else 1
        registers = instruction.destination | instruction.source << 4
        content += struct.pack("<BBhi", instruction.code, registers, instruction.offset, instruction.immediate) + bytes(
            8 * instruction.wide
        )
    body = instructions.SectionCode(content, "<")
    function = instructions.Function("packet", 1, 0, len(body), True, kfuncs=kfuncs, addresses=addresses)
    tests_by_call = instructions.tests_before_calls([function], {1: body})
    for at in kfuncs:
        yield tests_by_call.get((1, at), instructions.ExistenceTests())
