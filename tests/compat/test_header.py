# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The C header of kfuncs: what is declared under which name, and of what it warns."""

from __future__ import annotations

import re
from textwrap import dedent

import pytest
from declared import TODAY, catalog_of, entry, subsystem

from kfuncdoc.audit.asked_kernels import asked_for
from kfuncdoc.base.resources import packaged
from kfuncdoc.bpf.objects import essential_name
from kfuncdoc.compat.header import header
from kfuncdoc.compat.kernels import KernelRecord
from kfuncdoc.record.declaration_files import find
from kfuncdoc.record.load import load


@pytest.fixture
def written(tmp_path):
    """Write the header of a few kfuncs, and return what it says of them, without what is around."""

    def of(entries: str, first: str = "v6.12", names: tuple[str, ...] = ()) -> str:
        record = KernelRecord.whole(catalog_of(tmp_path, demo=subsystem(entries)), TODAY)
        text = header(record, asked_for(record, first=first), names)
        assert text.endswith("\n\n#endif\n")
        return text[text.index("#endif\n#endif\n") + len("#endif\n#endif\n") : -len("\n\n#endif\n")].strip()

    return of


def test_one_that_stays(written):
    prototype = "struct a *bpf_one(const struct b *p, enum c x)"
    assert written(entry("bpf_one", "release: v6.6, event: added", prototype=prototype)) == dedent("""\
        enum c;
        struct a;
        struct b;

        /* bpf_one: v6.12 to v7.3 */
        #if !defined(bpf_one)
        extern struct a *bpf_one(const struct b *p, enum c x) __ksym __weak;
        #endif""")


def test_one_with_a_filter(written):
    """Its comment says who may call it, on the newest kernel that has it if that changed."""
    callbacks = "init_one, init_two, init_three, init_four, init_five, init_six"
    then = "release: v7.1, event: changed, was: {allowed: null}"
    changing = entry("bpf_a", "release: v6.6, event: added", then, allowed="[{program_type: BPF_PROG_TYPE_LSM}]")
    steady = entry(
        "bpf_b", "release: v6.6, event: added", allowed=f"[{{struct_ops: [a_ops], callbacks: [{callbacks}]}}]"
    )
    assert written(changing + steady) == dedent("""\
        /*
         * bpf_a: v6.12 to v7.3
         * On v7.3: Only from LSM programs.
         */
        #if !defined(bpf_a)
        extern void bpf_a(void) __ksym __weak;
        #endif

        /*
         * bpf_b: v6.12 to v7.3
         * Only from init_one(), init_two(), init_three(), init_four(), init_five() and init_six() of
         * a_ops.
         */
        #if !defined(bpf_b)
        extern void bpf_b(void) __ksym __weak;
        #endif""")


RENAMED = (
    "release: v6.6, event: added",
    "release: v6.13, event: deprecated, reason: No., said_in: a, removal: v6.15, renamed_to: bpf_new",
    "release: v6.17, event: removed",
)


def test_one_that_is_gone(written):
    new = entry("bpf_new", "release: v6.13, event: added")
    assert written(entry("bpf_old", *RENAMED) + new, names=("bpf_old",)) == dedent("""\
        /* bpf_old: v6.12 to v6.16 */
        #if !defined(bpf_old)
        extern void bpf_old(void) __ksym __weak
        \t__attribute__((deprecated("gone from v6.17; call bpf_new (not on v6.12); in a guard: bpf_old___compat")));
        #endif
        extern void bpf_old___compat(void) __ksym __weak;""")


def test_one_that_will_go(written):
    events = (
        "release: v6.6, event: added",
        'release: v7.1, event: deprecated, reason: No., said_in: a, removal: v7.5, no_replacement: Say "no".',
    )
    assert '__attribute__((deprecated("deprecated since v7.1: removal, announced for v7.5; nothing replaces it: ' in (
        text := written(entry("bpf_one", *events))
    )
    assert r'Say \"no\".; in a guard: bpf_one___compat")));' in text


def test_none_of_these_kernels_has_it(written):
    old = entry("bpf_old", "release: v6.6, event: added", "release: v6.8, event: removed, no_replacement: No.")
    assert written(old) == ""


def test_two_prototypes(written):
    events = (
        "release: v6.6, event: added",
        "release: v7.0, event: changed, breaking: true, was: {prototype: bool bpf_one(void)}",
    )
    one = entry("bpf_one", *events, prototype="bool bpf_one(void *ctx)")
    assert written(one) == dedent("""\
        /* bpf_one: v6.12 to v7.3 */
        /* Not declared as bpf_one: its prototype differs between these kernels. */
        #if defined(__clang__) && __clang_major__ >= 14 && !defined(bpf_one)
        #define bpf_one bpf_one
        #pragma clang deprecated(bpf_one, "its prototype differs between these kernels; \
by prototype: bpf_one___v6_6 and bpf_one___v7_0")
        #endif
        extern bool bpf_one___v6_6(void) __ksym __weak; /* v6.12 to v6.19 */
        extern bool bpf_one___v7_0(void *ctx) __ksym __weak; /* v7.0 to v7.3 */""")
    # Where only the new one matters, a vmlinux.h may still have the old one.
    assert written(one, first="v7.0") == dedent("""\
        /* bpf_one: v7.0 to v7.3 */
        #if !defined(bpf_one) && defined(BPF_NO_KFUNC_PROTOTYPES) /* other kernels have another prototype */
        extern bool bpf_one(void *ctx) __ksym __weak;
        #endif
        extern bool bpf_one___v7_0(void *ctx) __ksym __weak;""")


def test_a_name_that_ends_like_a_flavour(written):
    assert written(entry("bpf_one___v2", "release: v6.6, event: added")) == dedent("""\
        /* bpf_one___v2: v6.12 to v7.3 */
        /* Not declared as bpf_one___v2: libbpf takes the end of the name for a flavour, and looks for bpf_one. */
        extern void bpf_one___v2___compat(void) __ksym __weak;""")


@pytest.mark.parametrize(("path", "condition"), [("a.h", ""), ("scx/compat.bpf.h", " && !defined(__SCX_COMPAT_BPF_H)")])
def test_a_name_that_a_header_of_the_kernel_has(written, path, condition):
    """That of a header which was included before counts."""
    one = entry("bpf_one", "release: v6.6, event: added", wrapper=f"{{name: bpf_one, header: {path}}}")
    assert written(one) == dedent(f"""\
        /* bpf_one: v6.12 to v7.3 */
        #if !defined(bpf_one){condition}
        extern void bpf_one(void) __ksym __weak;
        #endif
        extern void bpf_one___compat(void) __ksym __weak;""")


def test_an_implicit_argument(written):
    """A vmlinux.h of a kernel that was built with too old a pahole has it."""
    assert written(entry("bpf_one", "release: v6.6, event: added", flags="[KF_IMPLICIT_ARGS]")) == dedent("""\
        /* bpf_one: v6.12 to v7.3 */
        #if !defined(bpf_one) && defined(BPF_NO_KFUNC_PROTOTYPES) /* some vmlinux.h have the implicit argument */
        extern void bpf_one(void) __ksym __weak;
        #endif
        extern void bpf_one___compat(void) __ksym __weak;""")


def test_pointers_into_an_arena(written):
    one = entry(
        "bpf_one", "release: v6.6, event: added",
        prototype="void *bpf_one(void *p, const s32 *q__arena)", flags="[KF_ARENA_RET]",
    )  # fmt: skip
    assert written(one) == dedent("""\
        /* bpf_one: v6.12 to v7.3 */
        #if !defined(bpf_one) && defined(BPF_NO_KFUNC_PROTOTYPES) \
/* some vmlinux.h name the address space of the arena, others do not */
        extern void __arena *bpf_one(void *p, const s32 __arena *q__arena) __ksym __weak;
        #endif
        extern void __arena *bpf_one___compat(void *p, const s32 __arena *q__arena) __ksym __weak;""")


def test_a_type_that_nobody_knows(written):
    assert written(entry("bpf_one", "release: v6.6, event: added", prototype="void bpf_one(thing_t x)")) == dedent("""\
        /* bpf_one: v6.12 to v7.3 */
        /* Not declared as bpf_one: its prototype has a type that only vmlinux.h of a kernel with it defines. */""")


@pytest.mark.record
def test_the_whole_record():
    catalog = load(find([str(packaged("data"))]))
    record = KernelRecord.whole(catalog, TODAY)
    text = header(record, record.kernels)
    declared = re.findall(r"^extern .*?\b(\w+)\(", text, re.MULTILINE)
    assert len(declared) == len(set(declared))
    missing = {declaration.name for _, declaration in catalog.declarations} - set(map(essential_name, declared))
    assert all(name.startswith("bpf_task_work_schedule_") for name in missing)
    assert text == header(record, record.kernels)
