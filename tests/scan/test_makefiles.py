# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Makefiles, Kconfig and #if lines: on what the building of a file depends, in the fewest words, and its module."""

from __future__ import annotations

import datetime
import itertools
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kfuncdoc.scan.source.condition import (
    FALSE,
    TRUE,
    UNKNOWN,
    All,
    Any,
    Condition,
    Not,
    Symbol,
    certain,
    conjunction,
    disjunction,
    negation,
    parse_kconfig,
    parse_preprocessor,
    spelled,
    without,
)
from kfuncdoc.scan.source.kconfig import Kconfig, architecture, parse_kconfig_file
from kfuncdoc.scan.source.makefiles import Makefiles, parse_makefile

GUARDED = settings(deadline=datetime.timedelta(seconds=2), suppress_health_check=[HealthCheck.function_scoped_fixture])
A, B, C = map(Symbol, "ABC")


def write(folder: Path, files: dict[str, str]) -> str:
    for path, text in files.items():
        where = folder / path
        where.parent.mkdir(parents=True, exist_ok=True)
        where.write_text(text, encoding="utf-8")
    return str(folder)


# -- conditions


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("defined(CONFIG_A)", "A"),
        ("defined CONFIG_A", "A"),
        ("!defined(CONFIG_A)", "!A"),
        ("!!defined(CONFIG_A)", "A"),
        ("IS_ENABLED(CONFIG_A)", "A"),
        ("IS_REACHABLE(CONFIG_A)", "A"),
        ("IS_BUILTIN(CONFIG_A)", "A=y"),
        ("IS_MODULE(CONFIG_A)", "A=m"),
        ("defined(CONFIG_A) || defined(CONFIG_A_MODULE)", "A"),
        ("CONFIG_A", "A"),
        ("defined(CONFIG_A) && (defined(CONFIG_B) || defined(CONFIG_C))", "A && (B || C)"),
        ("defined(CONFIG_A) && defined(CONFIG_B) || defined(CONFIG_C)", "(A && B) || C"),
        ("!(defined(CONFIG_A) || defined(CONFIG_B))", "!A && !B"),
        ("(BITS_PER_LONG == 32) && defined(CONFIG_A)", "A"),
        ("defined(CONFIG_A) && BITS_PER_LONG * (3 + 4) == 32 && defined(CONFIG_B)", "A && B"),
        ("CONFIG_NR_CPUS > 64 && defined(CONFIG_A)", "A"),
        ("defined(MODULE) || defined(CONFIG_A)", ""),
        ("LINUX_VERSION(5, 3) && defined(CONFIG_A)", "A"),
        ("1", ""),
        ("0 || defined(CONFIG_A)", "A"),
        ("1 && defined(CONFIG_A)", "A"),
        ("0", "n"),
        ("0" * 5_000, "n"),
        ("9" * 5_000, ""),
        ("²", ""),
        ("", ""),
        ("defined(", ""),
        ("defined(CONFIG_A", ""),
        ("defined(CONFIG_A))", ""),
        ("&&", ""),
    ],
)
def test_if_lines(text, condition):
    assert spelled(parse_preprocessor(text)) == condition


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("A", "A"),
        ("A && !B", "A && !B"),
        ("A || B && C", "A || (B && C)"),
        ("(A||B)&&C", "(A || B) && C"),
        ("A = y", "A=y"),
        ("A=m", "A=m"),
        ("A != n", "A"),
        ("A != y", "A!=y"),
        ("A = n", "!A"),
        ('A = "text" && B', "B"),
        ("64BIT && A", "64BIT && A"),
        ("$(cc-option,-x) && A", "A"),
        ("y && A", "A"),
        ("n || A", "A"),
        ("A >= 3", ""),
    ],
)
def test_depends_lines(text, condition):
    assert spelled(parse_kconfig(text)) == condition


@pytest.mark.parametrize(
    ("condition", "text"),
    [
        (conjunction(), ""),
        (disjunction(), "n"),
        (UNKNOWN, ""),
        (conjunction(A, B, A), "A && B"),
        (conjunction(A, conjunction(B, C)), "A && B && C"),
        (conjunction(A, UNKNOWN), "A"),
        (conjunction(A, Not(A)), "n"),
        (conjunction(A, FALSE), "n"),
        (conjunction(Symbol("A", "y"), Not(Symbol("A", "m"))), "A=y"),
        (conjunction(A, Symbol("A", "m")), "A=m"),
        (conjunction(A, disjunction(A, B)), "A"),
        (disjunction(A, B, A), "A || B"),
        (disjunction(A, UNKNOWN), ""),
        (disjunction(A, TRUE), ""),
        (disjunction(A, Not(A)), ""),
        (disjunction(A, conjunction(A, B)), "A"),
        (disjunction(Symbol("A", "m"), Symbol("A", "y")), "A"),
        (disjunction(A, conjunction(Not(A), B)), "A || B"),
        (negation(conjunction(A, Not(B))), "!A || B"),
        (negation(UNKNOWN), ""),
        (negation(conjunction(A, UNKNOWN)), ""),
        (conjunction(B, negation(conjunction(A, UNKNOWN))), "B"),
        (disjunction(A, conjunction(Not(A), UNKNOWN)), ""),
        (disjunction(conjunction(A, UNKNOWN), conjunction(B, UNKNOWN)), "A || B"),
        (disjunction(A, B, conjunction(Not(A), Not(B))), ""),
        (disjunction(A, conjunction(Not(A), B), conjunction(Not(A), Not(B), C)), "A || B || C"),
    ],
)
def test_conditions_are_made_simple(condition, text):
    assert spelled(condition) == text


def test_what_is_known_to_be_set_drops_out():
    known = frozenset("A")
    assert without(conjunction(A, B), known) == B
    assert without(disjunction(A, B), known) == TRUE
    assert without(disjunction(Not(A), B), known) == B
    assert without(Not(A), known) == FALSE
    assert certain(without(conjunction(Not(Symbol("A", "m")), B), known)) == B


CONDITIONS = st.recursive(
    st.builds(Symbol, st.sampled_from("ABC"), st.sampled_from(["", "y", "m"])),
    lambda inner: st.one_of(
        inner.map(negation),
        st.lists(inner, max_size=3).map(lambda operands: conjunction(*operands)),
        st.lists(inner, max_size=3).map(lambda operands: disjunction(*operands)),
    ),
    max_leaves=8,
)


def holds(condition: Condition, values: dict[str, str]) -> bool:
    if isinstance(condition, Symbol):
        return values[condition.name] in ((condition.value,) if condition.value else ("y", "m"))
    if isinstance(condition, Not):
        return not holds(condition.operand, values)
    assert isinstance(condition, (All, Any))
    return (all if isinstance(condition, All) else any)(holds(operand, values) for operand in condition.operands)


EVERYWHERE = [dict(zip("ABC", values)) for values in itertools.product("nym", repeat=3)]


@given(st.lists(CONDITIONS, max_size=4))
def test_what_is_made_simple_means_the_same(conditions):
    for values in EVERYWHERE:
        assert holds(conjunction(*conditions), values) == all(holds(condition, values) for condition in conditions)
        assert holds(disjunction(*conditions), values) == any(holds(condition, values) for condition in conditions)
        for condition in conditions:
            assert holds(negation(condition), values) != holds(condition, values)


@given(CONDITIONS)
def test_what_is_spelled_is_read_the_same(condition):
    read = parse_kconfig(spelled(condition) or "y")
    assert all(holds(read, values) == holds(condition, values) for values in EVERYWHERE)


# -- Makefiles


@pytest.mark.parametrize(
    ("lines", "condition", "module"),
    [
        ("obj-y += a.o", "", ""),
        ("obj-$(CONFIG_A) += x.o a.o", "A", "a"),
        ("obj-${CONFIG_A}\t+= a.o", "A", "a"),
        ("obj-$(CONFIG_A) += x.o \\\n\ta.o # and so on", "A", "a"),
        ("obj-m += a.o", "", "a"),
        ("lib-$(CONFIG_A) := a.o", "A", "a"),
        ("obj-$(CONFIG_A)$(CONFIG_B) += a.o", "A || B", ""),
        ("obj-$(subst m,y,$(CONFIG_A)) += a.o", "A", ""),
        ("obj-${subst m,y,${CONFIG_A}} += a.o", "A", ""),
        ("obj-$(CONFIG_A:m=y) += a.o", "A", ""),
        ("obj-$(subst y,$(CONFIG_A),$(CONFIG_B)) += a.o", "A && B", "a"),
        ("obj-$(if $(CONFIG_A),y) += a.o", "", ""),
        ("obj-$(or $(CONFIG_A),$(CONFIG_B)) += a.o", "", ""),
        ("obj-$(B)$(CONFIG_A) += a.o", "", ""),
        ("obj-$(CONFIG_A)+=a.o", "A", "a"),
        ("obj-$(CONFIG_A) ?= a.o", "A", "a"),
        ("obj-$(CONFIG_A) ::= a.o", "A", "a"),
        ("ifeq ($(subst m,y,$(CONFIG_A)),y)\nobj-y += a.o\nendif", "A", ""),
        ("ifeq ($(CONFIG_A:m=y),y)\nobj-y += a.o\nendif", "A", ""),
        ("ifneq ($(filter y,$(CONFIG_A)),)\nobj-y += a.o\nelse\nobj-$(CONFIG_B) += a.o\nendif", "", "a"),
        ("ifneq ($(CONFIG_A),y)\nobj-y += a.o\nendif", "A!=y", ""),
        ("x-y := b.o a.o\nobj-$(CONFIG_A) += x.o", "A", "x"),
        ("x-objs := a.o\nobj-$(CONFIG_A) += x.o", "A", "x"),
        ("obj-$(CONFIG_A) += x-y.o\nx-y-$(CONFIG_B) += a.o", "B && A", "x_y"),
        ("obj-$(CONFIG_A) += x.o\nx-$(subst m,y,$(CONFIG_B)) += a.o", "B && A", "x"),
        ("obj-y := first.o $(mmu-y)\nmmu-$(CONFIG_A) := a.o", "A", ""),
        ("x-y := $(parts-y)\nparts-y += a.o\nobj-$(CONFIG_A) += x.o", "A", "x"),
        ("ifdef CONFIG_A\nobj-y += a.o\nendif", "A", ""),
        ("ifndef CONFIG_A\nobj-y += a.o\nendif", "!A", ""),
        ("ifdef CONFIG_A\nelse\nobj-y += a.o\nendif\nobj-y += b.o", "!A", ""),
        ("ifeq ($(CONFIG_A),y)\nobj-$(CONFIG_B) += a.o\nendif", "A=y && B", "a"),
        ("ifeq ($(CONFIG_A)$(CONFIG_B),yy)\nobj-y += a.o\nendif", "A=y && B=y", ""),
        ("ifneq ($(CONFIG_A),)\nobj-y += a.o\nendif", "A", ""),
        ("ifneq ($(CONFIG_A)$(CONFIG_B),)\nobj-y += a.o\nendif", "A || B", ""),
        ("ifeq (y, $(CONFIG_A))\nobj-y += a.o\nendif", "A=y", ""),
        ('ifeq ("$(CONFIG_A)", "")\nobj-y += a.o\nendif', "", ""),
        ('ifeq "$(CONFIG_A)" "y"\nobj-y += a.o\nendif', "A=y", ""),
        ("ifeq ($(ARCH),x)\nobj-$(CONFIG_B) += a.o\nendif", "B", "a"),
        ("ifeq ($(CONFIG_A),m)\nx-$(CONFIG_B) += a.o\nelse ifeq ($(CONFIG_A),y)\nx-$(CONFIG_C) += a.o\nendif\n"
         "obj-$(CONFIG_A) += x.o", "(A=m && B) || (A=y && C)", "x"),
        ("obj-$(CONFIG_A) += a.o\nobj-$(CONFIG_B) += a.o", "A || B", "a"),
        ("endif\nelse\nobj-y += a.o", "", ""),
    ],
)  # fmt: skip
def test_objects_of_a_makefile(tmp_path, lines, condition, module):
    root = write(tmp_path, {"d/Makefile": lines})
    rule = Makefiles(root).rule("d/a.c")
    assert rule is not None
    assert (spelled(rule.condition), rule.module) == (condition, module)


@pytest.mark.parametrize(
    "lines",
    [
        "",
        "obj-y += b.o",
        "CFLAGS_a.o := -O2",
        "x-y := a.o",
        "x-y := $(z-y)\nz-y := $(x-y) a.o",
        "\ta.o: b.o",
        "a.o",
        "=" * 9,
    ],
)
def test_objects_that_no_makefile_builds(tmp_path, lines):
    assert Makefiles(write(tmp_path, {"d/Makefile": lines})).rule("d/a.c") is None


def test_directories_are_entered_on_their_conditions(tmp_path):
    root = write(
        tmp_path,
        {
            "Kbuild": "obj-y += init/\nobj-$(CONFIG_NET) += net/\n",
            "net/Makefile": "obj-$(CONFIG_A) += a/ b/\nobj-$(CONFIG_B) += b/\nsubdir-y += c/\n",
            "net/b/Kbuild": "obj-$(CONFIG_C) += deep/er/\n",
            "net/b/Makefile": "obj-$(CONFIG_WRONG) += deep/er/\n",
            "net/b/deep/er/Makefile": "obj-$(CONFIG_D) += x.o\n",
        },
    )
    makefiles = Makefiles(root)
    assert spelled(makefiles.directory("net/b/deep/er")) == "NET && (A || B) && C"
    assert spelled(makefiles.directory("net/c")) == "NET"
    rule = makefiles.rule("net/b/deep/er/x.c")
    assert rule is not None
    assert spelled(rule.condition) == "NET && (A || B) && C && D"


def test_an_object_that_is_listed_above_its_directory(tmp_path):
    root = write(tmp_path, {"d/Makefile": "x-y := e/f/a.o\nobj-$(CONFIG_A) += x.o\n"})
    rule = Makefiles(root).rule("d/e/f/a.c")
    assert rule is not None
    assert (spelled(rule.condition), rule.module, rule.symbol) == ("A", "x", "A")


def test_architectures(tmp_path):
    root = write(tmp_path, {"arch/s390/Kconfig": "config S390\n\tdef_bool y\n", "arch/new/Kconfig": "config OTHER\n"})
    assert architecture(root, "arch/s390/kernel/bpf.c") == Symbol("S390")
    assert architecture(root, "arch/new/kernel/bpf.c") == TRUE
    assert architecture(root, "kernel/bpf.c") == TRUE


def test_architectures_whose_symbol_has_another_name(tmp_path):
    root = write(
        tmp_path,
        {
            f"arch/{name}/Kconfig": f"config {symbol}\n\tdef_bool y\n"
            for name, symbol in [("powerpc", "PPC"), ("sh", "SUPERH"), ("um", "UML")]
        },
    )
    assert architecture(root, "arch/powerpc/kernel/bpf.c") == Symbol("PPC")
    assert architecture(root, "arch/sh/kernel/bpf.c") == Symbol("SUPERH")
    assert architecture(root, "arch/um/kernel/bpf.c") == Symbol("UML")


# -- Kconfig

KCONFIG = {
    "Kconfig": """
mainmenu "Linux"
source "net/Kconfig"
source "arch/$(SRCARCH)/Kconfig"
config BPF_SYSCALL
    bool "syscall"
    select BPF
    select ALWAYS_WITH_IT
config BPF
    bool
config ALWAYS_WITH_IT
    bool
config TWICE
    bool "one" if EXPERT
    depends on ONE
config TWICE
    depends on OTHER && ONE
config LOOP
    bool
    depends on POOL
config POOL
    bool
    select LOOP
config SELECTING
    bool
    select SELECTED
    select MAYBE if SOMETHING
config EITHER
    bool
    depends on LEFT || RIGHT
config LEFT
    bool
    select BOTH
config RIGHT
    bool
    depends on BOTH
config LATER
    bool
    depends on A if B
""",
    "net/Kconfig": """
menuconfig NET
    bool "Networking"
    ---help---
      Text of help
      depends on HELP

      config HELPED
if NET
menu "Protocols"
    depends on PROTOCOLS
    visible if HIDDEN
config INET
    bool
comment "nothing"
    depends on COMMENTED
source "net/ipv4/Kconfig"
endmenu
config OUTSIDE
    tristate
endif # NET
config FREE
    def_tristate m
""",
    "net/ipv4/Kconfig": """
if INET
choice
    prompt "one"
    depends on \\
        CHOSEN
config TCP_CONG_BBR
    tristate "BBR"
    help
      depends on WORDS
endchoice
endif
""",
    "arch/x/Kconfig": "config MMU\n\tdef_bool y\n\tdepends on X\n",
    "arch/y/Kconfig": "config MMU\n\tdef_bool n\n\tdepends on Y && X\n",
}


@pytest.fixture(scope="module")
def kconfig(tmp_path_factory) -> Kconfig:
    return Kconfig(write(tmp_path_factory.mktemp("kconfig"), KCONFIG), KCONFIG)


@pytest.mark.parametrize(
    ("symbol", "requirements"),
    [
        ("NET", ""),
        ("INET", "NET && PROTOCOLS"),
        ("OUTSIDE", "NET"),
        ("FREE", ""),
        ("TCP_CONG_BBR", "NET && PROTOCOLS && INET && CHOSEN"),
        ("TWICE", "ONE"),
        ("MMU", "X"),
        ("SELECTING", "SELECTED"),
        ("LATER", "!B || A"),
        ("NOWHERE", ""),
    ],
)
def test_what_a_symbol_requires(kconfig, symbol, requirements):
    assert spelled(kconfig.requirements(symbol)) == requirements


@pytest.mark.parametrize(
    ("text", "reduced"),
    [
        ("NET && INET && TCP_CONG_BBR", "TCP_CONG_BBR"),
        ("INET && TWICE && ONE", "INET && TWICE"),
        ("BPF_SYSCALL && BPF && ALWAYS_WITH_IT && NET", "NET"),
        ("BPF_SYSCALL", ""),
        ("NET && !INET", "NET && !INET"),
        ("NET && (INET || FREE)", "NET && (INET || FREE)"),
        ("INET && (NET || FREE)", "INET"),
        ("SELECTING && SELECTED && MAYBE", "SELECTING && MAYBE"),
        ("POOL && LOOP", "POOL"),
        ("LOOP && POOL", "LOOP"),
        ("BOTH && EITHER", "EITHER"),
        ("(FREE=m && DEBUG_INFO_BTF_MODULES) || (FREE=y && DEBUG_INFO_BTF)", "FREE"),
        ("INET=y", "INET"),
        ("FREE=y", "FREE=y"),
        ("NOWHERE && NET", "NOWHERE && NET"),
    ],
)
def test_what_another_symbol_implies_is_left_out(kconfig, text, reduced):
    assert spelled(kconfig.reduced(parse_kconfig(text))) == reduced


@pytest.mark.parametrize(
    ("symbol", "can"),
    [("TCP_CONG_BBR", True), ("FREE", True), ("OUTSIDE", True), ("INET", False), ("m", True), ("NOWHERE", False)],
)
def test_what_can_be_a_module(kconfig, symbol, can):
    assert kconfig.can_be_module(symbol) is can


def test_files_that_read_each_other(tmp_path):
    files = {
        "Kconfig": 'if A\nsource "b"\nendif\nsource "Kconfig"\n',
        "b": 'if B\nsource "Kconfig"\nendif\nconfig X\n\tbool\n',
    }
    assert spelled(Kconfig(write(tmp_path, files), files).requirements("X")) == "A"


def test_files_that_are_not_there(tmp_path):
    assert Kconfig(str(tmp_path), ["Kconfig"]).requirements("X") == TRUE


# -- whatever comes

MAKEFILE_MARKS = [
    *"()$,{}+:=?# \t\n\\\"'", "obj-", "$(CONFIG_A)", "-y", "-objs", "a.o", "d/", "ifeq ", "ifneq ", "ifdef ", "ifndef ",
    "else", "else ifeq ", "endif\n", "$(subst m,y,", "obj-y += a.o\n", "x-y", "x.o",
]  # fmt: skip
KCONFIG_MARKS = [
    *"()!&|=\"'$ \t\n\\", "config A\n", "menuconfig ", "depends on ", "if ", "endif\n", "menu ", "endmenu\n",
    "choice\n", "endchoice\n", "select ", "help\n", "---help---\n", 'source "Kconfig"\n', "tristate\n", "bool",
    "A", "B", " && ", " || ",
]  # fmt: skip


#: With a zero byte a file is no text.
LETTERS = st.text(max_size=3).map(lambda text: text.replace("\0", ""))


def text_of(marks: list[str]) -> st.SearchStrategy[str]:
    return st.lists(st.sampled_from(marks) | LETTERS, max_size=50).map("".join)


@GUARDED
@given(text_of(MAKEFILE_MARKS))
def test_any_text_is_a_makefile(tmp_path, text):
    assert all(isinstance(assignment.words, tuple) for assignment in parse_makefile(text))
    makefiles = Makefiles(write(tmp_path, {"d/Makefile": text, "Kbuild": text}))
    rule = makefiles.rule("d/a.c")
    assert rule is None or isinstance(spelled(rule.condition), str)


@GUARDED
@given(text_of(KCONFIG_MARKS))
def test_any_text_is_kconfig(tmp_path, text):
    assert all(isinstance(entry.name, str) for entry in parse_kconfig_file(text).entries)
    kconfig = Kconfig(write(tmp_path, {"Kconfig": text}), ["Kconfig"])
    assert isinstance(spelled(kconfig.reduced(parse_kconfig("A && (B || C) && A=m"))), str)


@GUARDED
@given(text_of([*"()!&|=<>+,'\" ", "defined", "CONFIG_A", "CONFIG_B", "IS_ENABLED(", "0", "1", "X", "&&", "||"]))
def test_any_text_is_a_condition(text):
    for parse in (parse_preprocessor, parse_kconfig):
        assert isinstance(spelled(parse(text)), str)


@pytest.mark.parametrize(
    "text",
    [
        "obj-y += " + "a.o " * 100_000,
        "$(" * 100_000 + "= a.o",
        "ifeq (" * 20_000,
        "ifdef CONFIG_A\n" * 5_000,
        "ifeq (" + " " * 100_000 + ")\n",
        "ifdef CONFIG_A\n" + "".join(f"else ifdef CONFIG_B{number}\n" for number in range(2_000)),
        "\\\n" * 100_000,
        "".join(f"x{number}-y := x{number + 1}.o\n" for number in range(200)) + "obj-y += x0.o\nx200-y := a.o\n",
    ],
    ids=lambda text: f"{text[:12]!r}-{len(text)}",
)
@pytest.mark.endless
def test_makefiles_that_ask_for_endless_work(tmp_path, text):
    started = datetime.datetime.now()
    Makefiles(write(tmp_path, {"d/Makefile": text})).rule("d/a.c")
    assert datetime.datetime.now() - started < datetime.timedelta(seconds=20)


@pytest.mark.parametrize(
    "text",
    [
        "if A\n" * 5_000,
        "config X\n\tdepends on " + "(" * 50_000,
        "config X\n\tdepends on " + "A || " * 50_000,
        "".join(f"config X{number}\n\tdepends on X{number + 1} || Y{number}\n" for number in range(3_000)),
        "config X\n" * 3_000,
        "config X\n\thelp\n" + "\n" * 100_000,
        "source " + " " * 100_000 + '"',
        'source "Kconfig"\n' * 2_000,
    ],
    ids=lambda text: f"{text[:12]!r}-{len(text)}",
)
@pytest.mark.endless
def test_kconfig_that_asks_for_endless_work(tmp_path, text):
    started = datetime.datetime.now()
    kconfig = Kconfig(write(tmp_path, {"Kconfig": text + "\nconfig LAST\n\tbool\n"}), ["Kconfig"])
    kconfig.reduced(parse_kconfig("X && X0 && LAST && (A || Y7)"))
    assert datetime.datetime.now() - started < datetime.timedelta(seconds=20)
