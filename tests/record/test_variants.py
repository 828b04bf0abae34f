# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The prototypes that a kfunc has had, the names to declare each under, and the code that calls the right one."""

from __future__ import annotations

from textwrap import dedent

import pytest
from declared import CALENDAR, TESTS, catalog_of, entry, subsystem

from kfuncdoc.base.resources import packaged
from kfuncdoc.bpf.objects import essential_name
from kfuncdoc.compat.guards import GuardedCall, guard
from kfuncdoc.kernels.observation import from_json
from kfuncdoc.record.declaration_files import find
from kfuncdoc.record.lifecycle import facts_at
from kfuncdoc.record.load import load
from kfuncdoc.record.variants import Variant, is_plain, is_same_in_c, types_in_c, variants

LAST = CALENDAR["v7.3"]


def kfunc_of(folder, *events: str, **fields: str):
    catalog = catalog_of(folder, demo=subsystem(entry("bpf_one", *events, **fields)))
    found = catalog.get("bpf_one")
    assert found is not None
    return found.kfunc


def told(kfunc, last=LAST) -> list[tuple[str, str, str, str]]:
    return [
        (each.flavour, each.prototype, each.since.name, each.until.name if each.until else "")
        for each in variants(kfunc, CALENDAR, last)
    ]


def test_one_prototype(tmp_path):
    kfunc = kfunc_of(tmp_path, "release: v6.12, event: added")
    assert told(kfunc) == [("bpf_one___compat", "void bpf_one(void)", "v6.12", "")]


def test_two_prototypes(tmp_path):
    kfunc = kfunc_of(
        tmp_path,
        "release: v6.12, event: added",
        "release: v7.1, event: changed, was: {prototype: void bpf_one(int x)}",
    )
    assert told(kfunc) == [
        ("bpf_one___v6_12", "void bpf_one(int x)", "v6.12", "v7.1"),
        ("bpf_one___v7_1", "void bpf_one(void)", "v7.1", ""),
    ]
    assert told(kfunc, CALENDAR["v7.0"]) == [("bpf_one___compat", "void bpf_one(int x)", "v6.12", "")]


def test_prototypes_that_libbpf_takes_for_the_same(tmp_path):
    kfunc = kfunc_of(
        tmp_path,
        "release: v6.12, event: added",
        "release: v7.1, event: changed, was: {prototype: void bpf_one(u32 x)}",
        prototype="void bpf_one(u64 x)",
    )
    assert told(kfunc) == [("bpf_one___compat", "void bpf_one(u64 x)", "v6.12", "")]


def test_gone_and_back(tmp_path):
    kfunc = kfunc_of(
        tmp_path,
        "release: v6.12, event: added",
        "release: v6.15, event: removed, no_replacement: None.",
        "release: v7.1, event: added, was: {prototype: int bpf_one(void)}",
    )
    assert told(kfunc) == [
        ("bpf_one___v6_12", "int bpf_one(void)", "v6.12", "v6.15"),
        ("bpf_one___v7_1", "void bpf_one(void)", "v7.1", ""),
    ]


def test_every_flavour_of_the_record_finds_its_kfunc():
    flavours = set()
    catalog = load(find([str(packaged("data"))]))
    for _, declaration in catalog.declarations:
        for variant in variants(declaration.kfunc, catalog.calendar, catalog.calendar.real[-1]):
            assert essential_name(variant.flavour) == declaration.name
            assert variant.flavour not in flavours or variant.is_only
            flavours.add(variant.flavour)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("int f(u32 x)", "s32 f(unsigned int y)", True),
        ("int f(bool (less)(struct a *a, int))", "int f(bool (*less)(struct a *, int b))", True),
        ("int f(u32 x)", "int f(u64 x)", False),
        ("int f(const struct a *p)", "int f(struct a *p)", False),
        ("int f(struct a *const p)", "int f(struct a *p)", True),
        ("void f(const u64 x)", "void f(__u64 x)", True),
        ("struct a *f(void)", "struct b *f(void)", False),
        ("const char *f(void)", "char *f(void)", False),
    ],
)
def test_what_is_the_same_in_c(one, other, expected):
    assert (types_in_c(one) == types_in_c(other)) is expected


def test_arena_pointers_have_an_address_space(tmp_path):
    plain = kfunc_of(tmp_path, "release: v6.12, event: added", prototype="void *bpf_one(void *p)")
    assert is_same_in_c(plain)
    flagged = plain.model_copy(update={"flags": ("KF_ARENA_ARG1",)})
    assert not is_same_in_c(flagged)
    assert not is_same_in_c(plain.model_copy(update={"prototype": "void bpf_one(void *p__arena)"}))


@pytest.mark.parametrize("release", [path.stem for path in sorted((TESTS / "observed").glob("*.json"))])
@pytest.mark.record
def test_what_is_declared_plainly_is_what_kernels_have(release):
    """One declaration for all kernels is in no conflict with a vmlinux.h of any."""
    catalog = load(find([str(packaged("data"))]))
    observation = from_json((TESTS / "observed" / f"{release}.json").read_text(encoding="utf-8"))
    compared = 0
    for observed in observation.kfuncs:
        found = catalog.get(observed.name)
        if found is None or observed.prototype is None or not (is_plain(observed.name) and is_same_in_c(found.kfunc)):
            continue
        facts = facts_at(found.kfunc, catalog.calendar, catalog.calendar[release])
        assert types_in_c(observed.prototype) == types_in_c(facts.prototype) == types_in_c(found.kfunc.prototype), (
            observed.name
        )
        compared += 1
    assert compared > 30


# -- guards


def choice(name: str, prototype: str, kernels: str, *, is_only: bool = True, not_before: str = "") -> GuardedCall:
    variant = Variant(name, prototype, CALENDAR["v6.13"], is_only=is_only)
    return GuardedCall(variant, kernels, CALENDAR[not_before] if not_before else None)


def text(code: str) -> str:
    return dedent(code).lstrip("\n").replace("        ", "\t")


def test_a_guard_of_two_names():
    code = guard(
        "bpf_new",
        [
            choice("bpf_new", "void bpf_new(struct a *p)", "v6.13 to v7.3"),
            choice("bpf_old", "void bpf_old(struct a *p)", "v6.12"),
        ],
    )
    assert code == text("""
        extern void bpf_new___compat(struct a *p) __ksym __weak;
        extern void bpf_old___compat(struct a *p) __ksym __weak;

        static __always_inline void compat_bpf_new(struct a *p)
        {
                /* v6.13 to v7.3 */
                if (bpf_ksym_exists(bpf_new___compat)) {
                        bpf_new___compat(p);
                        return;
                }
                /* v6.12 */
                if (bpf_ksym_exists(bpf_old___compat)) {
                        bpf_old___compat(p);
                        return;
                }
        }
    """).replace("\n\textern", "\nextern").replace("\textern", "extern")


def test_a_guard_of_two_prototypes_that_return_something():
    code = guard(
        "bpf_one",
        [
            choice("bpf_one", "int bpf_one(void *ctx, u64 n)", "v7.0", is_only=False),
            choice("bpf_two", "void bpf_two(struct a *n)", "v6.12"),
        ],
        "v6.6",
    )
    assert "static __always_inline void compat_bpf_one(void *ctx, u64 n,\n" in code
    assert "struct a *n_before)\n{\n" in code
    assert "\t\tbpf_one___v6_13(ctx, n);\n\t\treturn;\n" in code
    assert "\t\tbpf_two___compat(n_before);\n\t\treturn;\n" in code
    assert code.endswith("\t/* Nothing to call on v6.6. */\n}\n")


def test_a_guard_by_release():
    code = guard("bpf_one", [choice("bpf_one", "struct a *bpf_one(int)", "v7.1", not_before="v7.1")])
    assert "extern int LINUX_KERNEL_VERSION __kconfig;\n" in code
    assert (
        "\tif (bpf_ksym_exists(bpf_one___compat) &&\n"
        "\t    LINUX_KERNEL_VERSION >= KERNEL_VERSION(7, 1, 0))\n"
        "\t\treturn bpf_one___compat(argument1);\n"
    ) in code
    assert "static __always_inline struct a *compat_bpf_one(int argument1)\n" in code


def test_a_guard_of_one_kfunc_before_and_after_a_release():
    """It is declared once; what is said of each call is in its comment, which cannot end there."""
    said = "v7.1 to v7.3: The first argument is a */ of its own, which is more than one line of a comment can hold."
    code = guard(
        "bpf_one",
        [
            choice("bpf_one", "void bpf_one(int x)", said, not_before="v7.1"),
            choice("bpf_one", "void bpf_one(int x)", "v6.13 to v7.0"),
        ],
    )
    assert code == (
        "extern void bpf_one___compat(int x) __ksym __weak;\n"
        "extern int LINUX_KERNEL_VERSION __kconfig;\n"
        "\n"
        "static __always_inline void compat_bpf_one(int x)\n"
        "{\n"
        "\t/* v7.1 to v7.3: The first argument is a * / of its own, which is\n"
        "\t * more than one line of a comment can hold. */\n"
        "\tif (bpf_ksym_exists(bpf_one___compat) &&\n"
        "\t    LINUX_KERNEL_VERSION >= KERNEL_VERSION(7, 1, 0)) {\n"
        "\t\tbpf_one___compat(x);\n"
        "\t\treturn;\n"
        "\t}\n"
        "\t/* v6.13 to v7.0 */\n"
        "\tif (bpf_ksym_exists(bpf_one___compat)) {\n"
        "\t\tbpf_one___compat(x);\n"
        "\t\treturn;\n"
        "\t}\n"
        "}\n"
    )


@pytest.mark.parametrize("returns", ["void", "int"])
def test_the_body_of_a_guard_is_no_wider_than_80_columns(returns):
    parameters = ", ".join(f"struct a_type_with_a_name *parameter_{number}" for number in range(6))
    only = choice("bpf_long", f"{returns} bpf_long({parameters})", "v7.0 and " * 20 + "v7.1")
    body = guard("bpf_long", [only], "v7.2").partition("\n{\n")[2]
    assert max(len(line.expandtabs()) for line in body.split("\n")) <= 80
    call = body[body.index("bpf_long___compat(parameter_0") : body.index("parameter_5);")].split("\n")
    column = body.index("(parameter_0") - body.rindex("\n", 0, body.index("(parameter_0"))
    assert [len(line) - len(line.lstrip()) for line in call[1:]] == [column]


def test_a_guard_does_not_return_what_is_something_else():
    code = guard(
        "bpf_new",
        [
            choice("bpf_new", "struct task_struct *bpf_new(s32 cpu)", "v6.18 to v7.3"),
            choice("bpf_old", "struct rq *bpf_old(s32 cpu)", "v6.12 to v6.17"),
        ],
    )
    assert "bpf_old___compat" not in code
    assert "\t/* v6.12 to v6.17: bpf_old(), which returns struct rq *. */\n\treturn (void *)0;\n}\n" in code


@pytest.mark.parametrize(
    ("returns", "failure"), [("int", "-95 /* EOPNOTSUPP */"), ("bool", "0"), ("u64", "0"), ("struct a *", "(void *)0")]
)
def test_what_a_guard_returns_where_there_is_nothing_to_call(returns, failure):
    code = guard("bpf_one", [choice("bpf_one", f"{returns} bpf_one(void)", "v7.0")], "x*/y")
    assert code.endswith(f"\t/* Nothing to call on x* /y. */\n\treturn {failure};\n}}\n")
