# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Scanning of source trees: every way in which real sources register and define kfuncs, and sources of no sense."""

from __future__ import annotations

import datetime
import os
import shutil
from pathlib import Path
from typing import Optional

import pytest
from declared import TESTS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kfuncdoc.kernels.observation import Kind, Observation, ObservedKfunc, Registration, Remark
from kfuncdoc.scan import is_tree
from kfuncdoc.scan.errors import Unscannable
from kfuncdoc.scan.source.csource import CSource
from kfuncdoc.scan.source.tree import scan_tree

SMALL = TESTS / "trees" / "small"
GUARDED = settings(deadline=datetime.timedelta(seconds=2), suppress_health_check=[HealthCheck.function_scoped_fixture])

MAKEFILE = "VERSION = 7\nPATCHLEVEL = 3\nSUBLEVEL = 0\n"
BTF_H = "".join(
    f"#define {flag} (1 << {bit})\n"
    for flag, bit in [
        ("KF_ACQUIRE", 0),
        ("KF_RELEASE", 1),
        ("KF_RET_NULL", 2),
        ("KF_TRUSTED_ARGS", 4),
        ("KF_SLEEPABLE", 5),
        ("KF_RCU", 7),
        ("KF_IMPLICIT_ARGS", 16),
    ]
)


def set_of(entries: str, name: str = "one", types: str = "XDP", members: str = "") -> str:
    """Return a set, registered for each of *types*."""
    calls = [
        f"ret = ret ?: register_btf_kfunc_id_set(BPF_PROG_TYPE_{program_type}, &{name}_set);"
        for program_type in types.split()
    ]
    body = "\n\t".join(["int ret = 0;", *calls, "return ret;"])
    return f"""\
BTF_KFUNCS_START({name}_ids)
{entries}
BTF_KFUNCS_END({name}_ids)

static const struct btf_kfunc_id_set {name}_set = {{
	.owner = THIS_MODULE,
	.set = &{name}_ids,
{members}}};

static int __init {name}_init(void)
{{
	{body}
}}
late_initcall({name}_init);
"""


def entry(name: str = "bpf_a", flags: str = "") -> str:
    return f"BTF_ID_FLAGS(func, {name}{', ' if flags else ''}{flags})"


def defined(name: str = "bpf_a") -> str:
    return f"__bpf_kfunc int {name}(int x)\n{{\n\treturn x;\n}}\n\n"


def scanned(folder: Path, *kernel: str, **files: str) -> Observation:
    """Scan a tree whose ``kernel/a.c``, ``kernel/b.c`` and so on are *kernel*; a ``__`` in *files* is a slash."""
    texts = {"Makefile": MAKEFILE, "Kconfig": "", "include/linux/btf.h": BTF_H}
    names = "abcd"[: len(kernel)]
    texts["kernel/Makefile"] = "obj-y += " + " ".join(f"{name}.o" for name in names)
    texts.update({f"kernel/{name}.c": text for name, text in zip(names, kernel)})
    texts.update({path.replace("__", "/"): text for path, text in files.items()})
    for path, text in texts.items():
        where = folder / path
        where.parent.mkdir(parents=True, exist_ok=True)
        where.write_bytes(text.encode("latin-1"))
    return scan_tree(str(folder))


def only(observation: Observation) -> ObservedKfunc:
    assert observation.remarks == ()
    (kfunc,) = observation.kfuncs
    return kfunc


def names(observation: Observation) -> list[str]:
    return [kfunc.name for kfunc in observation.kfuncs]


def texts(observation: Observation) -> list[str]:
    return [remark.text for remark in observation.remarks]


# -- a whole tree


def test_a_small_kernel():
    gate = Registration(
        set="gate_ids",
        program_types=("BPF_PROG_TYPE_STRUCT_OPS", "BPF_PROG_TYPE_XDP"),
        filter="gate_filter",
        struct_ops=("gate_ops",),
    )
    link = Registration(set="link_meta_ids", flags=("KF_RCU",), program_types=("BPF_PROG_TYPE_XDP",))
    assert scan_tree(str(SMALL)) == Observation(
        kind=Kind.TREE,
        kernel="7.3.9",
        hooks={
            "BPF_PROG_TYPE_UNSPEC": "common",
            "BPF_PROG_TYPE_XDP": "xdp",
            "BPF_PROG_TYPE_TRACING": "tracing",
            "BPF_PROG_TYPE_LSM": "tracing",
        },
        kfuncs=(
            ObservedKfunc(
                "bpf_gate_close",
                prototype="void bpf_gate_close(struct gate *gate)",
                registrations=(_with_flags(gate, "KF_RELEASE"),),
                source="kernel/gate/gate.c",
                line=20,
                depends_on="GATE_KEYS",
                module="",
                documented=False,
            ),
            ObservedKfunc(
                "bpf_gate_open",
                prototype="struct gate *bpf_gate_open(const struct key *key, u32 key__sz)",
                registrations=(_with_flags(gate, "KF_ACQUIRE", "KF_RET_NULL", "KF_IMPLICIT_ARGS"),),
                source="kernel/gate/gate.c",
                line=11,
                depends_on="GATE_KEYS",
                module="",
                documented=True,
                callers=("tools/sched_ext/porter.bpf.c",),
            ),
            ObservedKfunc(
                "bpf_latch",
                prototype="int bpf_latch(void)",
                registrations=(gate,),
                source="kernel/gate/latch.c",
                line=3,
                depends_on="GATE_KEYS",
                module="",
                documented=False,
                callers=("tools/sched_ext/porter.bpf.c",),
            ),
            ObservedKfunc(
                "bpf_link_name",
                prototype="int bpf_link_name(const struct link *link, char *name, u32 name__sz)",
                registrations=(link,),
                source="net/link/meta.c",
                line=5,
                depends_on="LINK",
                module="link",
                documented=False,
            ),
            ObservedKfunc(
                "bpf_link_speed",
                prototype="int bpf_link_speed(const struct link *link, u32 *speed)",
                registrations=(link,),
                source="net/link/meta.c",
                line=4,
                depends_on="LINK",
                module="link",
                documented=False,
                callers=("samples/gate/sample.bpf.c",),
            ),
        ),
        announcements=(
            Remark("kernel/gate/gate.c", 17, "COMPAT: Will be removed in v7.9.", "bpf_gate_close"),
            Remark(
                "tools/sched_ext/compat.bpf.h", 2, "v7.3: bpf_latch() came. Drop the wrapper after v7.9.", "bpf_latch"
            ),
        ),
    )


def _with_flags(registration: Registration, *flags: str) -> Registration:
    return Registration(
        registration.set, flags, registration.program_types, registration.filter, registration.struct_ops
    )


# -- sets


def test_names_made_by_an_x_macro_of_the_file_itself(tmp_path):
    entries = "#define EACH(x) x(bpf_a) x(bpf_b)\n#define ONE(name) BTF_ID_FLAGS(func, name)\nEACH(ONE)"
    assert names(scanned(tmp_path, defined() + defined("bpf_b") + set_of(entries))) == ["bpf_a", "bpf_b"]


def test_names_made_by_an_x_macro_of_an_included_header_with_the_flag_inside_of_the_macro(tmp_path):
    entries = "#define ONE(_, name) BTF_ID_FLAGS(func, name, KF_RCU)\nALL_OF_THEM\n#undef ONE"
    header = "#define ALL_OF_THEM \\\n\tONE(FIRST, \\\n\t    bpf_a) \\\n\tONE(SECOND, bpf_b)\n"
    source = "#include <net/list.h>\n" + defined() + defined("bpf_b") + set_of(entries)
    observation = scanned(tmp_path, source, **{"include__net__list.h": header})
    assert [(kfunc.name, kfunc.flags) for kfunc in observation.kfuncs] == [
        ("bpf_a", ("KF_RCU",)),
        ("bpf_b", ("KF_RCU",)),
    ]
    assert observation.remarks == ()


def test_names_pasted_together_by_a_macro(tmp_path):
    entries = "#define ONE(name) BTF_ID_FLAGS(func, bpf_##name)\nONE(a)"
    assert names(scanned(tmp_path, defined() + set_of(entries))) == ["bpf_a"]


def test_a_header_that_includes_the_header_with_the_macro(tmp_path):
    source = '#include "near.h"\n' + defined() + set_of("THE_ONE")
    far = "#define THE_ONE BTF_ID_FLAGS(func, bpf_a)\n"
    near = '#include <far.h>\n#include "near.h"\n#include "../../outside.h"\n'
    assert names(scanned(tmp_path, source, **{"kernel__near.h": near, "include__far.h": far})) == ["bpf_a"]


def test_an_unknown_macro_in_a_set_is_remarked(tmp_path):
    observation = scanned(tmp_path, defined() + set_of(f"{entry()}\nWHATEVER(bpf_b)"))
    assert observation.remarks == (Remark("kernel/a.c", 8, "WHATEVER in the set one_ids is no entry that is known"),)
    assert names(observation) == ["bpf_a"]


@pytest.mark.parametrize(
    "macros",
    [
        "#define WHATEVER WHATEVER",
        "#define WHATEVER OTHER\n#define OTHER WHATEVER",
        "#define WHATEVER W W\n#define W V V V V V V V V\n"
        + "".join(f"#define {'VUTSR'[i]} {'UTSRQ'[i] * 1} " * 1 + "\n" for i in range(5))
        + "#define Q WHATEVER",
        "#define WHATEVER T(T(T(x)))\n#define T(x) x x x x x x x x T(x) T(x)",
    ],
)
def test_a_macro_without_an_end_is_remarked(tmp_path, macros):
    observation = scanned(tmp_path, f"{macros}\n{defined()}{set_of(f'{entry()} WHATEVER')}")
    assert texts(observation) == ["WHATEVER in the set one_ids expands to more than can be read"]
    assert names(observation) == ["bpf_a"]


def test_a_set_that_is_only_asked_by_a_filter_registers_nothing(tmp_path):
    only_asked = "BTF_KFUNCS_START(few)\nBTF_ID_FLAGS(func, bpf_a, KF_RCU)\nBTF_KFUNCS_END(few)\n"
    kfunc = only(scanned(tmp_path, defined() + only_asked + set_of(entry())))
    assert [registration.set for registration in kfunc.registrations] == ["one_ids"]


def test_what_is_only_in_a_set_that_nothing_registers_is_remarked(tmp_path):
    lost = "BTF_KFUNCS_START(lost)\nBTF_ID_FLAGS(func, bpf_b)\nBTF_KFUNCS_END(lost)\n"
    observation = scanned(tmp_path, defined() + defined("bpf_b") + lost + set_of(entry()))
    assert names(observation) == ["bpf_a"]
    assert observation.remarks == (
        Remark("kernel/a.c", 12, "bpf_b is in no set but lost, which nothing registers", "bpf_b"),
    )


def test_one_name_in_several_sets_with_other_flags_in_each(tmp_path):
    source = (
        defined() + set_of(entry(), "one", "STRUCT_OPS TRACING") + set_of(entry(flags="KF_SLEEPABLE"), "two", "SYSCALL")
    )
    kfunc = only(scanned(tmp_path, source))
    assert kfunc.registrations == (
        Registration("one_ids", (), ("BPF_PROG_TYPE_STRUCT_OPS", "BPF_PROG_TYPE_TRACING")),
        Registration("two_ids", ("KF_SLEEPABLE",), ("BPF_PROG_TYPE_SYSCALL",)),
    )
    assert kfunc.flags_for == {"BPF_PROG_TYPE_SYSCALL": ("KF_SLEEPABLE",)}


def test_fmodret_sets_are_not_callable(tmp_path):
    source = "BTF_SET8_START(hooks)\nBTF_ID_FLAGS(func, update_it)\nBTF_SET8_END(hooks)\n"
    source += "static const struct btf_kfunc_id_set hook_set = { .set = &hooks };\n"
    source += "static int __init f(void) { return register_btf_fmodret_id_set(&hook_set); }\n"
    observation = scanned(tmp_path, source)
    assert observation.kfuncs == observation.remarks == ()


@pytest.mark.parametrize(
    "entries",
    [
        "BTF_ID_FLAGS(func, bpf_a, KF_RCU);",
        "BTF_ID_FLAGS(func, bpf_a,\n\t     KF_RCU)",
        "  BTF_ID_FLAGS ( func , bpf_a , (KF_RCU) ) /* why */",
        "BTF_ID_UNUSED\nBTF_ID_FLAGS(func, bpf_a, KF_RCU) // why",
        "BTF_ID_FLAGS(func, bpf_a, 0 | KF_RCU)",
    ],
)
def test_spellings_of_an_entry(tmp_path, entries):
    assert only(scanned(tmp_path, defined() + set_of(entries))).flags == ("KF_RCU",)


def test_flags_are_in_the_order_of_their_bits(tmp_path):
    kfunc = only(scanned(tmp_path, defined() + set_of(entry(flags="KF_RCU | KF_RET_NULL | KF_ACQUIRE"))))
    assert kfunc.flags == ("KF_ACQUIRE", "KF_RET_NULL", "KF_RCU")


def test_a_flag_without_a_bit_is_remarked_once_and_comes_last(tmp_path):
    entries = f"{entry(flags='KF_NOVEL | KF_RCU')}\n{entry('bpf_b', 'KF_NOVEL')}"
    observation = scanned(tmp_path, defined() + defined("bpf_b") + set_of(entries))
    assert texts(observation) == ["include/linux/btf.h does not tell the bit of KF_NOVEL"]
    assert observation.kfuncs[0].flags == ("KF_RCU", "KF_NOVEL")


@pytest.mark.parametrize("name", ["KF_BOTH", "BOTH"])
def test_a_macro_for_several_flags(tmp_path, name):
    source = f"#define {name} (KF_RCU | KF_ACQUIRE)\n" + defined() + set_of(entry(flags=f"{name} | KF_RET_NULL"))
    assert only(scanned(tmp_path, source)).flags == ("KF_ACQUIRE", "KF_RET_NULL", "KF_RCU")


def test_what_is_no_flag_is_remarked(tmp_path):
    observation = scanned(tmp_path, defined() + set_of(entry(flags="KF_RCU | MY_FLAGS")))
    assert texts(observation) == ["MY_FLAGS among the flags of bpf_a is no flag that is known"]
    assert observation.kfuncs[0].flags == ("KF_RCU",)


def test_ifdefs_inside_of_a_set_nested_too(tmp_path):
    entries = f"""\
#ifdef CONFIG_A
{entry("bpf_a")}
#if IS_ENABLED(CONFIG_B) && !defined(CONFIG_C)
{entry("bpf_b")}
#endif
#else
{entry("bpf_c")}
#endif
#if 0
{entry("bpf_d")}
#endif
# ifdef MODULE
{entry("bpf_e")}
# endif"""
    source = "".join(defined(f"bpf_{letter}") for letter in "abcde") + set_of(entries)
    observation = scanned(tmp_path, source)
    assert {kfunc.name: kfunc.depends_on for kfunc in observation.kfuncs} == {
        "bpf_a": "A",
        "bpf_b": "A && B && !C",
        "bpf_c": "!A",
        "bpf_e": "",
    }


def test_the_macros_of_old_sets(tmp_path):
    source = defined() + set_of(entry()).replace("BTF_KFUNCS_", "BTF_SET8_")
    assert names(scanned(tmp_path, source)) == ["bpf_a"]


def plain_set(name: str, *entries: str) -> str:
    """Return a set that nothing registers yet."""
    return "\n".join([f"BTF_KFUNCS_START({name})", *entries, f"BTF_KFUNCS_END({name})", ""])


def test_a_set_in_both_branches_of_an_if(tmp_path):
    source = f"#ifdef CONFIG_A\n{plain_set('ids', entry())}#else\n{plain_set('ids', entry('bpf_b'))}#endif\n"
    source += ID_SET.format("", "ids") + REGISTERS_ONE + defined() + defined("bpf_b")
    observation = scanned(tmp_path, source)
    assert {kfunc.name: kfunc.depends_on for kfunc in observation.kfuncs} == {"bpf_a": "A", "bpf_b": "!A"}
    assert observation.remarks == ()


def test_a_set_in_a_header_is_remarked(tmp_path):
    source = '#include "ids.h"\n' + ID_SET.format("", "ids") + REGISTERS_ONE + defined()
    observation = scanned(tmp_path, source, **{"kernel__ids.h": plain_set("ids", entry())})
    assert texts(observation) == ["the set that one_set registers is not found"]


def test_a_set_without_an_end_is_remarked(tmp_path):
    source = "BTF_KFUNCS_START(lost)\n" + entry("bpf_b") + "\n" + defined() + set_of(entry())
    observation = scanned(tmp_path, source)
    assert texts(observation) == ["the set lost does not end"]
    assert names(observation) == ["bpf_a"]


# -- registrations


def test_the_same_variables_in_two_files(tmp_path):
    observation = scanned(
        tmp_path, defined() + set_of(entry()), defined("bpf_b") + set_of(entry("bpf_b", "KF_RCU"), types="LSM TRACING")
    )
    assert [(kfunc.name, kfunc.flags, kfunc.program_types) for kfunc in observation.kfuncs] == [
        ("bpf_a", (), ("BPF_PROG_TYPE_XDP",)),
        ("bpf_b", ("KF_RCU",), ("BPF_PROG_TYPE_LSM", "BPF_PROG_TYPE_TRACING")),
    ]


CALLS = {
    "in one expression": """\
    return register_btf_kfunc_id_set(BPF_PROG_TYPE_LSM,
                     &one_set) ?:
           register_btf_kfunc_id_set(BPF_PROG_TYPE_XDP, &one_set);""",
    "in one condition": """\
    int ret;

    if ((ret = register_btf_kfunc_id_set(BPF_PROG_TYPE_LSM,
                         &one_set)) ||
        (ret = register_btf_kfunc_id_set(BPF_PROG_TYPE_XDP,
                         &one_set))) {
        return ret;
    }""",
    "in an ifdef": """\
    register_btf_kfunc_id_set(BPF_PROG_TYPE_LSM, & one_set);
#ifdef CONFIG_X
    register_btf_kfunc_id_set(BPF_PROG_TYPE_XDP, &one_set);
#endif""",
    "in an else": """\
    register_btf_kfunc_id_set(BPF_PROG_TYPE_LSM, &one_set);
#ifndef CONFIG_X
    return 0;
#else
    return register_btf_kfunc_id_set(BPF_PROG_TYPE_XDP, &one_set);
#endif""",
    "beside comments and texts": """\
    if (register_btf_kfunc_id_set(BPF_PROG_TYPE_LSM, &one_set) /* register_btf_kfunc_id_set(1, 2) */ ||
        register_btf_kfunc_id_set(BPF_PROG_TYPE_XDP, &one_set))
        pr_err("register_btf_kfunc_id_set(a, b)");""",
    "twice": """\
    register_btf_kfunc_id_set(BPF_PROG_TYPE_LSM, &one_set);
    register_btf_kfunc_id_set(BPF_PROG_TYPE_XDP, &one_set);
    register_btf_kfunc_id_set(BPF_PROG_TYPE_LSM, &one_set);""",
}


@pytest.mark.parametrize("calls", CALLS.values(), ids=CALLS)
def test_spellings_of_calls(tmp_path, calls):
    source = defined() + set_of(entry(), types="") + f"static int __init f(void)\n{{\n{calls}\n}}\n"
    kfunc = only(scanned(tmp_path, source))
    assert (kfunc.program_types, kfunc.depends_on) == (("BPF_PROG_TYPE_LSM", "BPF_PROG_TYPE_XDP"), "")


@pytest.mark.parametrize("call", ["types[i], &one_set", "BPF_PROG_TYPE_LSM, sets + i", "BPF_PROG_TYPE_LSM", "+"])
def test_a_call_that_does_not_tell_is_remarked(tmp_path, call):
    source = defined() + set_of(entry()) + f"static int f(void)\n{{\n\tregister_btf_kfunc_id_set({call});\n}}\n"
    observation = scanned(tmp_path, source)
    assert texts(observation) == ["this call of register_btf_kfunc_id_set() does not tell what it registers"]
    assert names(observation) == ["bpf_a"]


def test_a_set_that_is_not_found_is_remarked(tmp_path):
    source = defined() + set_of(entry(), members="\t.set = elsewhere,\n")
    observation = scanned(tmp_path, source.replace("&one_ids", "&lost_ids").replace("elsewhere", "&lost_ids"))
    assert "the set that one_set registers is not found" in texts(observation)


def test_a_set_that_another_file_registers(tmp_path):
    registering = "static int __init f(void) { return register_btf_kfunc_id_set(BPF_PROG_TYPE_LSM, &one_set); }\n"
    kfunc = only(scanned(tmp_path, defined() + set_of(entry(), types=""), registering))
    assert kfunc.program_types == ("BPF_PROG_TYPE_LSM",)


ID_SET = "static const struct btf_kfunc_id_set one_set{} = {{ .set = &{} }};\n"
REGISTERS_ONE = "static int __init f(void) { return register_btf_kfunc_id_set(BPF_PROG_TYPE_LSM, &one_set); }\n"


def test_a_set_that_another_file_registers_which_has_sets_of_the_same_names(tmp_path):
    here = defined() + plain_set("ids", entry()) + ID_SET.format("", "ids").replace("static ", "")
    there = defined("bpf_b") + set_of(entry("bpf_b"), "two").replace("two_ids", "ids") + REGISTERS_ONE
    makefile = "obj-y += a.o\nobj-$(CONFIG_B) += b.o\n"
    a, b = scanned(tmp_path, here, there, kernel__Makefile=makefile).kfuncs
    assert (a.name, a.program_types, a.depends_on) == ("bpf_a", ("BPF_PROG_TYPE_LSM",), "B")
    assert (b.name, b.program_types, b.depends_on) == ("bpf_b", ("BPF_PROG_TYPE_XDP",), "B")


def test_an_id_set_in_both_branches_of_an_if(tmp_path):
    source = defined() + defined("bpf_b") + plain_set("a", entry()) + plain_set("b", entry("bpf_b"))
    source += f"#ifdef CONFIG_A\n{ID_SET.format('', 'a')}#else\n{ID_SET.format('', 'b')}#endif\n{REGISTERS_ONE}"
    observation = scanned(tmp_path, source)
    assert {kfunc.name: kfunc.depends_on for kfunc in observation.kfuncs} == {"bpf_a": "A", "bpf_b": "!A"}
    assert observation.remarks == ()


def test_an_if_inside_of_an_id_set_is_remarked(tmp_path):
    members = "\n#ifdef CONFIG_A\n\t.filter = one_filter,\n#else\n\t.filter = other_filter,\n#endif\n"
    observation = scanned(tmp_path, defined() + set_of(entry(), members=members))
    assert texts(observation) == ["only one branch of the #if in this initializer is read"]
    assert observation.kfuncs[0].registrations[0].filter == "one_filter"


def test_an_id_set_with_an_annotation_or_const_behind(tmp_path):
    source = defined() + plain_set("ids", entry()) + REGISTERS_ONE
    id_set = ID_SET.format(" __initconst", "ids")
    assert names(scanned(tmp_path, source + id_set)) == ["bpf_a"]
    id_set = ID_SET.format("", "ids").replace("const struct btf_kfunc_id_set", "struct btf_kfunc_id_set const")
    assert names(scanned(tmp_path, source + id_set)) == ["bpf_a"]


@pytest.mark.parametrize(
    ("id_set", "registered", "text"),
    [
        ("one_set = { THIS_MODULE, &ids }", "one_set", "the set that one_set registers is not found"),
        ("sets[] = { { .set = &ids } }", "sets[0]", "this call of register_btf_kfunc_id_set() does not tell"),
        ("one_set = { .set = &ids }", "ops->one_set", "this call of register_btf_kfunc_id_set() does not tell"),
    ],
)
def test_other_ways_to_register_are_remarked(tmp_path, id_set, registered, text):
    source = defined() + plain_set("ids", entry()) + f"static struct btf_kfunc_id_set {id_set};\n"
    observation = scanned(tmp_path, source + REGISTERS_ONE.replace("&one_set", f"&{registered}"))
    assert observation.kfuncs == ()
    assert [remark.text[: len(text)] for remark in observation.remarks] == [
        "bpf_a is in no set but ids, which nothing registers"[: len(text)],
        text,
    ]


def test_a_macro_that_registers_is_remarked(tmp_path):
    macro = "#define REGISTER(type) register_btf_kfunc_id_set(type, &one_set)\n"
    observation = scanned(tmp_path, macro + defined() + set_of(entry()))
    assert texts(observation) == ["the macro REGISTER registers sets, and where it is used is not read"]
    assert names(observation) == ["bpf_a"]


def test_several_registrations_of_different_sets_with_different_filters(tmp_path):
    two = set_of(entry("bpf_b"), "two", "LSM", "\t.filter = two_filter,\n")
    observation = scanned(tmp_path, defined() + defined("bpf_b") + set_of(entry(), types="XDP TRACING") + two)
    a, b = (kfunc.registrations for kfunc in observation.kfuncs)
    assert a == (Registration("one_ids", (), ("BPF_PROG_TYPE_XDP", "BPF_PROG_TYPE_TRACING")),)
    assert b == (Registration("two_ids", (), ("BPF_PROG_TYPE_LSM",), "two_filter"),)


def test_program_types_that_share_one_hook():
    hooks = scan_tree(str(SMALL)).hooks
    assert hooks["BPF_PROG_TYPE_TRACING"] == hooks["BPF_PROG_TYPE_LSM"] == "tracing"


# -- filters


FILTERED = """\
static struct bpf_struct_ops bpf_a_ops = { .cfi_stubs = &stubs, .name = "a_ops" };
static struct bpf_struct_ops bpf_b_ops = {
	.name = "b_ops",
};
BTF_KFUNCS_START(only_a)
BTF_ID_FLAGS(func, bpf_a)
BTF_KFUNCS_END(only_a)
BTF_SET_START(not_from_ops)
BTF_ID(func, bpf_b)
BTF_SET_END(not_from_ops)
static int one_filter(const struct bpf_prog *prog, u32 kfunc_id)
{
	bool in_only_a = btf_id_set8_contains(&only_a, kfunc_id);

%s
	return -EACCES;
}
"""
MEMBERS = "\t.filter = one_filter,\n"


@pytest.mark.parametrize(
    ("body", "of_a", "of_b"),
    [
        ("if (prog->aux->st_ops == &bpf_a_ops) return 0;", ("a_ops",), ("a_ops",)),
        (
            "if (prog->aux->st_ops != &bpf_a_ops &&\n\t    prog->aux->st_ops != &bpf_b_ops)\n\t\treturn -1;\n"
            "\tif (prog->aux->st_ops == &bpf_b_ops && in_only_a)\n\t\treturn -1;",
            ("a_ops",),
            ("a_ops", "b_ops"),
        ),
        ("if (is_b(prog) &&\n\t    !btf_id_set_contains(&not_from_ops, kfunc_id))\n\t\treturn 0;", ("b_ops",), ()),
        ("if (is_b(prog)) return 0;", ("b_ops",), ("b_ops",)),
        ("if (prog->type == BPF_PROG_TYPE_LSM) return 0;", (), ()),
    ],
)  # fmt: skip
def test_struct_ops_that_a_filter_lets_through(tmp_path, body, of_a, of_b):
    helper = "bool is_b(const struct bpf_prog *prog)\n{\n\treturn prog->aux->st_ops == &bpf_b_ops;\n}\n"
    source = FILTERED % body + defined() + defined("bpf_b")
    source += set_of(f"{entry()}\n{entry('bpf_b')}", types="STRUCT_OPS", members=MEMBERS)
    other = helper + set_of("", "two")
    a, b = scanned(tmp_path, source, other).kfuncs
    assert [a.registrations[0].filter, a.registrations[0].struct_ops] == ["one_filter", of_a]
    assert b.registrations[0].struct_ops == of_b


# -- definitions


@pytest.mark.parametrize(
    ("definition", "prototype", "line"),
    [
        ("__bpf_kfunc int bpf_a(int x) { return x; }", "int bpf_a(int x)", 1),
        (
            "__bpf_kfunc struct a *\nbpf_a(struct a *p,\n\tu64 flags)\n{\n}",
            "struct a *bpf_a(struct a *p, u64 flags)",
            2,
        ),
        ("__bpf_kfunc static inline noinline __used __must_check void bpf_a(void)\n{\n}", "void bpf_a(void)", 1),
        (
            "#define LIMIT 5\n__bpf_kfunc void bpf_a(char __user *t, void __rcu **s) {}",
            "void bpf_a(char *t, void **s)",
            2,
        ),
        ("int bpf_a(int (*call)(void *map, int *key), u8 name[16]) {}", None, 1),
        ('int __init __attribute__((section("x"), used)) bpf_a(unsigned  long  x) {}', "int bpf_a(unsigned long x)", 1),
        ("int bpf_a(int x);\n\n__bpf_kfunc int bpf_a(int x)\n{\n\treturn bpf_a(x);\n}", "int bpf_a(int x)", 3),
        ("static int b(void) { return bpf_a(1); }\n__bpf_kfunc int bpf_a(int /* in */ x) {}", "int bpf_a(int x)", 2),
        ("__printf(1, 2) __bpf_kfunc notrace asmlinkage s32 bpf_a(char *s, ...) {}", "s32 bpf_a(char *s, ...)", 1),
        ("__bpf_kfunc_start_defs();\n__bpf_kfunc\n__u64 *bpf_a(void *ctx) {}", "__u64 *bpf_a(void *ctx)", 3),
        ("/* a *//* b */ __bpf_kfunc int bpf_a(struct __sk *s)\r\n{\r\n}\r\n", "int bpf_a(struct __sk *s)", 1),
        ("__bpf_kfunc\nint\nbpf_a\n(int x)\n{\n}", "int bpf_a(int x)", 3),
        ("int bpf_a(bool (less)(struct a *x, const struct a *y), unsigned int flags) {}", None, 1),
        ("int bpf_a(const u8 *const x, struct a *(*f)(void), unsigned long long y, ...) {}", None, 1),
        ("int bpf_a(int x)\n\t__must_hold(&lock) __acquires(b)\n{}", "int bpf_a(int x)", 1),
        ("__bpf_kfunc int bpf_a(int notrace_me, int x__weak, s32 my__init) {}", None, 1),
    ],
)
def test_prototypes(tmp_path, definition, prototype, line):
    kfunc = only(scanned(tmp_path, definition + "\n" + set_of(entry())))
    as_written = definition.replace("__bpf_kfunc ", "").partition(" {")[0]
    assert (kfunc.prototype, kfunc.line) == (prototype or as_written, line)


@pytest.mark.parametrize(
    ("parameters", "shown"),
    [
        ("int x, struct bpf_prog_aux *aux", "int x"),
        ("int x, const struct bpf_prog_aux *aux, int behind", "int x"),
        ("struct btf_struct_meta *meta", "void"),
        ("struct bpf_prog_aux *aux__prog, struct btf_struct_meta const *meta", "void"),
        ("void *meta__ign, struct bpf_prog_aux **aux", "void *meta__ign, struct bpf_prog_aux **aux"),
        ("struct bpf_prog_aux_like *aux", "struct bpf_prog_aux_like *aux"),
        ("void", "void"),
    ],
)
def test_implicit_arguments(tmp_path, parameters, shown):
    definition = f"__bpf_kfunc void bpf_a({parameters})\n{{\n}}\n"
    assert (
        only(scanned(tmp_path, definition + set_of(entry(flags="KF_IMPLICIT_ARGS")))).prototype
        == f"void bpf_a({shown})"
    )
    assert only(scanned(tmp_path, definition + set_of(entry()))).prototype == f"void bpf_a({parameters})"


def test_a_definition_in_another_file_than_the_registration(tmp_path):
    kfunc = only(scanned(tmp_path, set_of(entry()), defined()))
    assert (kfunc.source, kfunc.line) == ("kernel/b.c", 1)


def test_a_definition_that_nothing_marks_is_looked_for_outwards(tmp_path):
    plain = "int bpf_a(int x)\n{\n\treturn x;\n}\n"
    files = {
        "lib__x.c": plain,
        "lib__Makefile": "obj-y += x.o",
        "fs__a.c": "static " + plain,
        "fs__b.c": "int bpf_a(int x);\n",
    }
    assert only(scanned(tmp_path, set_of(entry()), **files)).source == "lib/x.c"
    assert only(scanned(tmp_path, set_of(entry()), plain, **files)).source == "kernel/b.c"


def test_a_kernel_that_marks_nothing(tmp_path):
    makefile = "VERSION = 6\nPATCHLEVEL = 1\n"
    source = defined().replace("__bpf_kfunc", "noinline") + set_of(entry())
    assert only(scanned(tmp_path, source, Makefile=makefile)).prototype == "int bpf_a(int x)"


@pytest.mark.parametrize("mark", ["__bpf_kfunc ", ""])
def test_a_definition_for_each_architecture(tmp_path, mark):
    files = {"arch__x__Kconfig": "config X\n\tdef_bool y\n", "arch__y__Kconfig": "config Y\n\tdef_bool y\n"}
    definition = mark + "int bpf_a(int x)\n{\n\treturn x;\n}\n"
    files.update({f"arch__{architecture}__Makefile": "obj-y += bpf.o\n" for architecture in "xy"})
    files.update({f"arch__{architecture}__bpf.c": definition for architecture in "xy"})
    kfunc = only(scanned(tmp_path, set_of(entry()), **files))
    assert (kfunc.source, kfunc.depends_on) == ("arch/x/bpf.c", "X || Y")
    files["arch__y__bpf.c"] = definition.replace("int x", "long x")
    observation = scanned(tmp_path, set_of(entry()), **files)
    assert observation.remarks == (Remark("arch/y/bpf.c", 1, "bpf_a has another prototype in arch/x/bpf.c", "bpf_a"),)


@pytest.mark.parametrize(
    "definition", ["__bpf_kfunc int (bpf_a)(int x) { }", "#define D(n) int n(int x) { }\nD(bpf_a)"]
)
def test_definitions_that_are_not_seen_are_remarked(tmp_path, definition):
    observation = scanned(tmp_path, definition + "\n" + set_of(entry()))
    assert texts(observation) == ["bpf_a is registered, and no definition of it is found"]


def test_a_registration_without_a_definition_is_remarked(tmp_path):
    observation = scanned(tmp_path, "int bpf_a(int x);\n" + set_of(entry()))
    assert observation.kfuncs == (
        ObservedKfunc("bpf_a", registrations=(Registration("one_ids", (), ("BPF_PROG_TYPE_XDP",)),), depends_on=""),
    )
    assert observation.remarks == (
        Remark("kernel/a.c", 3, "bpf_a is registered, and no definition of it is found", "bpf_a"),
    )


@pytest.mark.parametrize(
    "definition",
    [
        "__bpf_kfunc int bpf_a(int x[1 + 1]) { }",
        "__bpf_kfunc __sched int bpf_a(int x) { }",
        "__bpf_kfunc WHATEVER int bpf_a(int x) { }",
        "__bpf_kfunc int bpf_a(char *__whatever p) { }",
        "__bpf_kfunc int bpf_a(TYPE(x) p, int y) { }",
        "__bpf_kfunc int bpf_a(int x, REST) { }".replace("REST", "MORE(y)"),
        "__bpf_kfunc int bpf_a(u8 x[static 4]) { }",
        "__bpf_kfunc int bpf_a(x) int x; { }",
        "__bpf_kfunc int bpf_a() { }",
        "#ifdef CONFIG_A\nstatic int\n#else\nlong\n#endif\nbpf_a(int x) { }".replace("static", "static inline"),
        "int bpf_a(int x,\n#ifdef CONFIG_A\nint y\n#else\nlong y\n#endif\n) { }",
    ],
)
def test_a_prototype_that_cannot_be_read_is_remarked(tmp_path, definition):
    observation = scanned(tmp_path, definition + "\n" + set_of(entry()))
    assert texts(observation) == ["the prototype of bpf_a cannot be read"]
    line = definition[: definition.index("bpf_a")].count("\n") + 1
    assert (observation.kfuncs[0].prototype, observation.kfuncs[0].line) == (None, line)


REAL, STUB = "__bpf_kfunc int bpf_a(int x)\n{\n\treturn x + 1 + 1;\n}\n", "__bpf_kfunc int bpf_a(int y)\n{\n}\n"


@pytest.mark.parametrize(
    ("definitions", "parameter", "depends_on"),
    [
        (f"#ifdef CONFIG_A\n{REAL}#else\n{STUB}#endif\n", "x", ""),
        (f"#ifndef CONFIG_A\n{STUB}#else\n{REAL}#endif\n", "x", ""),
        (f"#if defined(CONFIG_A)\n{REAL}#elif defined(CONFIG_B)\n{STUB}#endif\n", "x", "A || B"),
        (f"#ifdef CONFIG_A\n{REAL}#endif\n", "x", "A"),
        (f"#ifdef CONFIG_A\nint b(void)\n{{\n#else\nint b(int x)\n{{\n#endif\n}}\n{REAL}", "x", ""),
        (f"#if 0\n{STUB}#else\n{REAL}#endif\n", "x", ""),
    ],
)
def test_stubs_and_branches(tmp_path, definitions, parameter, depends_on):
    kfunc = only(scanned(tmp_path, definitions + set_of(entry())))
    assert (kfunc.prototype, kfunc.depends_on) == (f"int bpf_a(int {parameter})", depends_on)


@pytest.mark.parametrize(
    ("asked", "otherwise"),
    [("defined(CONFIG_A) && WHATEVER", ""), ("defined(CONFIG_A)", "!A"), ("defined(CONFIG_A) && !WHATEVER", "")],
)
def test_what_the_configuration_does_not_decide_says_nothing_of_the_else(tmp_path, asked, otherwise):
    source = defined() + defined("bpf_b") + set_of(f"#if {asked}\n{entry()}\n#else\n{entry('bpf_b')}\n#endif")
    assert [kfunc.depends_on for kfunc in scanned(tmp_path, source).kfuncs] == ["A", otherwise]


def test_the_condition_of_a_kfunc_is_that_of_all_its_places(tmp_path):
    files = {"kernel__Makefile": "obj-$(CONFIG_A) += a.o\nobj-$(CONFIG_B) += b.o\n"}
    source = f"#ifdef CONFIG_C\n{set_of(entry())}#endif\n"
    assert only(scanned(tmp_path, source, defined(), **files)).depends_on == "B && A && C"


def test_marks_without_registration_and_registrations_without_mark(tmp_path):
    # Real kernels have ten such marks, of destructors and the like: to remark on them would tell nothing.
    source = defined("bpf_dtor") + "int bpf_a(int x)\n{\n}\n" + set_of(entry())
    assert only(scanned(tmp_path, source)).name == "bpf_a"


def test_a_return_type_on_a_line_of_its_own(tmp_path):
    source = "__bpf_kfunc struct thing *\nbpf_a(int x)\n{\n}\n" + set_of(entry())
    kfunc = only(scanned(tmp_path, source))
    assert (kfunc.prototype, kfunc.line) == ("struct thing *bpf_a(int x)", 2)


def test_a_definition_right_after_a_define(tmp_path):
    source = "#define LIMIT \\\n\t5\n__bpf_kfunc int bpf_a(int x)\n{\n}\n" + set_of(entry())
    kfunc = only(scanned(tmp_path, source))
    assert (kfunc.prototype, kfunc.line) == ("int bpf_a(int x)", 3)


def test_a_name_with_impl_of_its_own_right(tmp_path):
    source = "__bpf_kfunc int bpf_a(struct bpf_prog_aux *aux) {}\n__bpf_kfunc int bpf_a_impl(void *meta__ign) {}\n"
    source += set_of(f"{entry(flags='KF_IMPLICIT_ARGS')}\n{entry('bpf_a_impl')}")
    observation = scanned(tmp_path, source)
    assert [kfunc.prototype for kfunc in observation.kfuncs] == ["int bpf_a(void)", "int bpf_a_impl(void *meta__ign)"]


def test_examples_comments_and_selftests_are_no_kfuncs(tmp_path):
    source = "/*\n" + set_of(entry("bpf_in_comment")) + "*/\n" + defined("bpf_kfunc_call_test1") + defined()
    observation = scanned(
        tmp_path,
        source + set_of(f"{entry()}\n{entry('bpf_kfunc_call_test1')}\n{entry('bpf_try')}"),
        **{
            "Documentation__bpf__example.c": defined("bpf_b") + set_of(entry("bpf_b")),
            "tools__testing__mod.c": defined("bpf_c") + set_of(entry("bpf_c")),
            "net__bpf__test_run.c": defined("bpf_d") + defined("bpf_try") + set_of(entry("bpf_d")),
            "include__linux__x.h": defined("bpf_e") + set_of(entry("bpf_e")),
        },
    )
    assert names(observation) == ["bpf_a"]


# -- comments


def test_kernel_doc_with_another_name_is_remarked(tmp_path):
    doc = "/**\n * bpf_other - Do it\n * @x: what\n */\n"
    observation = scanned(tmp_path, doc + defined() + set_of(entry()))
    assert observation.kfuncs[0].documented is False
    assert observation.remarks == (
        Remark("kernel/a.c", 5, "the kernel-doc above bpf_a says that it describes bpf_other", "bpf_a"),
    )


@pytest.mark.parametrize(
    ("comment", "documented"),
    [
        ("/**\n * bpf_a - Do it\n */\n", True),
        ("/**\n * bpf_a() - Do it\n */\n", True),
        ("/**\n * bpf_a - Do it\n */\n__bpf_kfunc_start_defs();\n", True),
        ("/**\n * bpf_a(): Do it\n */\n", True),
        ("/**\n * bpf_a - Do it\n */\n#ifdef CONFIG_A\n#endif\n", True),
        ("/* bpf_a - Do it */\n", False),
        ("/*\n * bpf_a - Do it\n */\n", False),
        ("/**\n * bpf_ab - Do it\n */\nint between;\n", False),
        ("", False),
    ],
)
def test_what_is_documented(tmp_path, comment, documented):
    assert only(scanned(tmp_path, comment + defined() + set_of(entry()))).documented is documented


@pytest.mark.parametrize(
    ("comment", "text"),
    [
        ("/*\n * COMPAT: Will be removed in v6.23.\n */\n", "COMPAT: Will be removed in v6.23."),
        ("/* Remove this in the\n * future. */\n", "Remove this in the future."),
        ("/**\n * bpf_a - Do it\n *\n * This is deprecated.\n *\n * Other.\n */\n", "This is deprecated."),
        (
            "// It may be removed once nobody calls it: caf\u00c3\u00a9\n",
            "It may be removed once nobody calls it: café",
        ),
        ("/* The node to be removed is locked; remove the entry. */\n", None),
        ("/* Deprecated. */\nint between;\n", None),
    ],
)
def test_comments_that_announce_an_end(tmp_path, comment, text):
    observation = scanned(tmp_path, comment + defined() + set_of(entry()))
    assert [
        (announcement.text, announcement.kfunc, announcement.line) for announcement in observation.announcements
    ] == ([(text, "bpf_a", 1)] if text is not None else [])


# -- what is not there, and what makes no sense


def test_progress_is_shown_over_all_files(tmp_path):
    scanned(tmp_path, defined() + set_of(entry()), "int b;\n")
    asked: list[str] = []

    def track(paths):
        asked.extend(paths)
        return paths

    scan_tree(str(tmp_path), track=track)
    assert asked == ["kernel/a.c", "kernel/b.c"]


@pytest.mark.parametrize(
    ("makefile", "message"),
    [
        (None, "this is no source tree of a kernel: it has no Makefile that tells the version"),
        ("all:\n\techo VERSION = 7\n", "this is no source tree of a kernel: it has no Makefile that tells the version"),
        (
            "VERSION = 7\nPATCHLEVEL = x\n",
            "this is no source tree of a kernel: it has no Makefile that tells the version",
        ),
        (
            "VERSION = 5\nPATCHLEVEL = 19\n",
            "this is v5.19: a kernel before v6.0 registers kfuncs in another way, which is not read",
        ),
    ],
)
def test_folders_that_are_no_kernel_tree(tmp_path, makefile: Optional[str], message):
    if makefile is not None:
        (tmp_path / "Makefile").write_text(makefile)
    with pytest.raises(Unscannable) as caught:
        scan_tree(str(tmp_path))
    assert (caught.value.path, caught.value.message) == (str(tmp_path), message)
    assert not is_tree(str(tmp_path))


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(Unscannable, match="there is no such folder"):
        scan_tree(str(tmp_path / "nowhere"))


def test_a_kernel_tree_is_told_from_other_folders():
    assert is_tree(str(SMALL))
    assert not is_tree(str(SMALL / "kernel"))


def test_a_tree_without_kfuncs(tmp_path):
    observation = scanned(tmp_path, "int main(void) { return 0; }\n")
    assert (observation.kfuncs, observation.remarks, observation.kernel) == ((), (), "7.3.0")


def test_links_are_not_followed_and_pipes_not_read(tmp_path):
    scanned(tmp_path, defined() + set_of(entry()))
    (tmp_path / "kernel" / "circle").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "kernel" / "link.c").symlink_to("a.c")
    (tmp_path / "kernel" / "dangling.c").symlink_to("nowhere.c")
    (tmp_path / "kernel" / "Kconfig.dangling").symlink_to("nowhere")
    (tmp_path / "kernel" / "folder.c").mkdir()
    os.mkfifo(tmp_path / "kernel" / "pipe.c")
    assert only(scan_tree(str(tmp_path))).source == "kernel/a.c"


def test_a_file_that_cannot_be_read(tmp_path, monkeypatch):
    scanned(tmp_path, defined() + set_of(entry()))
    really = os.open

    def refuse(path, *rest):
        if str(path).endswith("a.c"):
            raise PermissionError(13, "Permission denied")
        return really(path, *rest)

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(Unscannable) as caught:
        scan_tree(str(tmp_path))
    assert (caught.value.path, caught.value.message) == (f"{tmp_path}/kernel/a.c", "cannot be read: permission denied")


@pytest.mark.parametrize("folder", ["kernel/deep", "samples/deep"])
def test_a_folder_that_cannot_be_read(tmp_path, monkeypatch, folder):
    scanned(tmp_path, defined() + set_of(entry()))
    (tmp_path / folder).mkdir(parents=True)
    really = os.scandir

    def refuse(path):
        if str(path).endswith("deep"):
            raise PermissionError(13, "Permission denied", path)
        return really(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(Unscannable) as caught:
        scan_tree(str(tmp_path))
    assert (caught.value.path, caught.value.message) == (f"{tmp_path}/{folder}", "cannot be read: permission denied")


@pytest.mark.parametrize("name", [b"\xff\xe9.c", "\u20ac.c".encode()])
def test_names_of_files_in_any_encoding(tmp_path, name):
    scanned(tmp_path, "int b;\n")
    path = os.path.join(os.fsencode(tmp_path), b"kernel", name)
    try:
        with open(path, "w") as file:
            file.write(defined() + set_of(entry()))
    except OSError:
        pytest.skip("this file system has no such names")
    observation = scan_tree(str(tmp_path))
    assert texts(observation) == ["no Makefile and no other file is found that builds this one"]
    assert [kfunc.source for kfunc in observation.kfuncs] == [f"kernel/{os.fsdecode(name)}"]


def test_text_of_any_encoding(tmp_path):
    source = "/* \xe9\xff\xfe \0 */\n" + defined().replace("return", '"\xff\0";\treturn') + set_of(entry())
    assert only(scanned(tmp_path, source)).line == 2


def test_a_file_longer_than_one_read(tmp_path):
    source = "/*" + " " * (1 << 20) + "*/\n" + defined() + set_of(entry())
    assert only(scanned(tmp_path, source)).line == 2


@pytest.mark.parametrize(
    "source",
    [
        "(" * 200_000,
        "{" * 100_000 + defined(),
        "int " + "*" * 100_000 + "bpf_a(int x) {}",
        "int " + "const " * 100_000 + "x bpf_a(int x) {}",
        "int bpf_a(" + "int x, " * 50_000 + "int y z) {}",
        "int bpf_a(int (*" + "(*" * 30_000 + ") {}",
        '"' * 100_001,
        '"\\' * 100_000,
        "'\\\"" * 50_000,
        "/*" * 100_000,
        "#if A\n" * 20_000,
        "#if A && \\\n" * 20_000,
        "#if " + "(" * 50_000,
        "#if " + "!" * 50_000 + "defined(CONFIG_A)\n",
        "#ifdef CONFIG_A\n" + "#elif defined(CONFIG_B)\n" * 5_000,
        "".join(f"#if A\n#elif defined(CONFIG_B{number})\n" for number in range(3_000)),
        "#define A(x) x\n" * 10_000,
        "BTF_KFUNCS_START(a)\n" * 10_000,
        "BTF_KFUNCS_START(a)\nBTF_ID_FLAGS(func, x)\nBTF_KFUNCS_END(a)\n" * 20_000,
        "struct btf_kfunc_id_set a" + " " * 500_000,
        "#define A register_btf_kfunc_id_set(a, b)\n" * 5_000,
        "BTF_KFUNCS_START(a)\n" + "BTF_ID_FLAGS(func, " * 20_000,
        "BTF_KFUNCS_START(a)\n" + "x " * 100_000 + "BTF_KFUNCS_END(a)",
        "__bpf_kfunc " * 20_000,
        "__printf(" * 20_000,
        "register_btf_kfunc_id_set(" * 3_000,
        "struct btf_kfunc_id_set a = {" * 3_000,
        "a" * 500_000 + " " * 500_000,
        "#" + " " * 500_000 + "#",
        "\n#\n" * 100_000,
    ],
    ids=lambda source: f"{source[:12]!r}-{len(source)}",
)
@pytest.mark.endless
def test_sources_that_ask_for_endless_work(source):
    started = datetime.datetime.now()
    read = CSource("x.c", source.encode() + b"\n" + (defined() + set_of(entry())).encode())
    read.read_sets(lambda name: None)
    list(read.calls())
    list(read.id_sets())
    assert read.definition("bpf_a") is None or read.definition("bpf_a").name == "bpf_a"
    assert read.marked is not None
    assert read.hooks() == {}
    assert datetime.datetime.now() - started < datetime.timedelta(seconds=20)


TEXTS = [path.read_text() for path in sorted(SMALL.rglob("*.c"))]
#: Text in which the marks of C and of the kernel's macros are frequent.
MARKS = [
    *"(){}[]*,;#\\\"'/=&|! \n\t",
    "/*", "*/", "//", "#if ", "#ifdef CONFIG_A\n", "#else\n", "#elif ", "#endif\n", "#define ", "#undef ", "#include ",
    "BTF_KFUNCS_START(a)", "BTF_KFUNCS_END(a)", "BTF_SET8_START(", "BTF_ID_FLAGS(func, bpf_a", "KF_RCU", "__bpf_kfunc ",
    "struct btf_kfunc_id_set a = {", ".set = &a", ".filter = f", "register_btf_kfunc_id_set(BPF_PROG_TYPE_XDP, &a)",
    "int bpf_a(int x)", "static ", "defined(", "\u00e9", "\0", "\r\n", "##",
]  # fmt: skip
CISH = st.lists(st.sampled_from(MARKS) | st.text("ab01_ ", max_size=3), max_size=60).map("".join)


@GUARDED
@given(CISH)
def test_any_text_is_taken_apart(tmp_path, text):
    observation = scanned(tmp_path, defined() + set_of(entry()), text + "\nf_kfunc\n")
    assert all(remark.line <= text.count("\n") + 2 for remark in observation.remarks if remark.file == "kernel/b.c")


@GUARDED
@given(
    st.sampled_from(TEXTS),
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 60), st.sampled_from(["", *MARKS])), min_size=1, max_size=5),
)
def test_damaged_sources_are_taken_apart(tmp_path, text, edits):
    for place, length, inserted in edits:
        start = int(place * len(text))
        text = text[:start] + inserted + text[start + length :]
    observation = scanned(tmp_path, text, defined() + set_of(entry()))
    assert "bpf_a" in names(observation)


@GUARDED
@given(st.data())
def test_a_tree_with_a_damaged_file_is_scanned_or_refused(tmp_path, data):
    folder = tmp_path / "tree"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(SMALL, folder)
    path = data.draw(st.sampled_from(sorted(path for path in folder.rglob("*") if path.is_file())))
    content = path.read_bytes()
    start = data.draw(st.integers(0, len(content)))
    length = data.draw(st.integers(0, 40))
    path.write_bytes(content[:start] + data.draw(st.binary(max_size=20)) + content[start + length :])
    try:
        observation: Optional[Observation] = scan_tree(str(folder))
    except Unscannable:
        observation = None
    assert observation is None or observation.kind is Kind.TREE


# -- real kernels

KERNELS = os.environ.get("KFUNCDOC_KERNELS")


@pytest.mark.kernel
@pytest.mark.skipif(not KERNELS, reason="KFUNCDOC_KERNELS names no folder with linux-source-6.1 and so on")
@pytest.mark.parametrize(("release", "count"), [("6.1", 43), ("6.12", 201), ("7.2", 334), ("7.3", 349)])
def test_real_kernels(release, count):
    path = Path(KERNELS or "") / f"linux-source-{release}"
    if not path.is_dir():
        pytest.skip(f"there is no {path}")
    observation = scan_tree(str(path))
    assert len(observation.kfuncs) == count
    assert observation.release == f"v{release}"
    assert all(kfunc.prototype and kfunc.source and kfunc.program_types for kfunc in observation.kfuncs)
    assert {remark.text.split(" above ")[0] for remark in observation.remarks} <= {"the kernel-doc"}
