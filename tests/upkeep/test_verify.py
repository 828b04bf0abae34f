# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Declarations against a kernel: every finding with its exact words and place, and what is no finding."""

from __future__ import annotations

import re

import pytest
from declared import CALENDAR, catalog_of, entry, subsystem

from kfuncdoc.base.diagnostics import Rule, as_text
from kfuncdoc.kernels.observation import Kind, Observation, ObservedKfunc, Registration
from kfuncdoc.upkeep.differences import conjuncts, home_of
from kfuncdoc.upkeep.verify import verify

TRACING, XDP = "BPF_PROG_TYPE_TRACING", "BPF_PROG_TYPE_XDP"
ADDED = "release: v6.12, event: added"
#: A kfunc as `entry("bpf_one", ADDED)` declares it.
ONE = ObservedKfunc("bpf_one", "void bpf_one(void)", (Registration("set", (), ()),), depends_on="", module="")


def tree(*kfuncs: ObservedKfunc, kernel: str = "7.3.4", **more) -> Observation:
    return Observation(Kind.TREE, kernel, kfuncs, **more)


def image(*kfuncs: ObservedKfunc, kernel: str = "7.3.4") -> Observation:
    return Observation(Kind.IMAGE, kernel, kfuncs)


def one(**fields) -> ObservedKfunc:
    return ObservedKfunc(**{**vars(ONE), **fields})


def findings(folder, observation: Observation, *entries: str, release: str = "v7.3", **texts: str) -> list[str]:
    """Return what is found when *entries*, in one file, or other files, are held against *observation*."""
    catalog = catalog_of(folder, **(texts or {"demo": subsystem("".join(entries))}))
    return [as_text(finding).replace(f"{folder}/", "") for finding in verify(catalog, observation, CALENDAR[release])]


# Each case: the declaration, the kernel, what is told.
CASES = [
    (
        entry("bpf_one", ADDED, source="net/a.c"), tree(ONE, ObservedKfunc("bpf_two", source="net/a.c", line=7)),
        "demo.kfuncs.yaml:4:1: error: 'bpf_two' is not declared (net/a.c:7) [undeclared]\n"
        "    hint: kfuncdoc update adds it",
    ),
    (
        entry("bpf_one", ADDED), tree(ONE, ObservedKfunc("bpf_two")),
        "demo.kfuncs.yaml:0:0: error: 'bpf_two' is not declared [undeclared]\n"
        "    hint: no file here is near to it: kfuncdoc update makes one",
    ),
    (
        entry("bpf_one", "release: v7.3, event: added"), tree(ONE, kernel="7.2.13"),
        "demo.kfuncs.yaml:9:9: error: v7.2 has 'bpf_one', which is declared to come later [undeclared]\n"
        "    hint: a kernel of a stable series may have it as a backport: backports says so",
    ),
    (
        entry("bpf_one", ADDED, "release: v7.1, event: removed, no_replacement: No."), image(ONE),
        "demo.kfuncs.yaml:10:9: error: v7.3 has 'bpf_one', which is declared to be gone by then [undeclared]\n"
        "    hint: a kernel of a stable series may have it as a backport: backports says so",
    ),
    (
        entry("bpf_one", ADDED), tree(),
        "demo.kfuncs.yaml:5:11: error: 'bpf_one', declared since v6.12, is not in the source of v7.3 [absent]\n"
        "    hint: a removal is an event: removed, with the first release that is without it",
    ),
    (
        entry("bpf_one", ADDED, depends_on="NET"), image(),
        "demo.kfuncs.yaml:5:11: info: this image of v7.3 does not have 'bpf_one', which is there since v6.12 "
        "[absent-from-image]\n"
        "    hint: it needs NET",
    ),
    (
        entry("bpf_one", ADDED), tree(one(prototype="int bpf_one(struct file *f)")),
        "demo.kfuncs.yaml:7:16: error: prototype of 'bpf_one' at v7.3: declared void bpf_one(void), "
        "the kernel has int bpf_one(struct file *f) [prototype-differs]",
    ),
    (
        entry("bpf_one", ADDED, flags="[KF_RCU]"), tree(ONE),
        None,  # nothing is registered, and so nobody has flags
    ),
    (
        entry("bpf_one", ADDED, flags="[KF_RCU]", program_types=f"[{XDP}]"),
        tree(one(registrations=(Registration("set", ("KF_ACQUIRE", "KF_RCU"), (XDP,)),))),
        "demo.kfuncs.yaml:8:12: error: flags of 'bpf_one' at v7.3: declared KF_RCU, "
        "the kernel has KF_ACQUIRE, KF_RCU [flags-differ]",
    ),
    (
        entry("bpf_one", ADDED, flags="[KF_RCU]"), image(one(registrations=(Registration(None, ()),))),
        "demo.kfuncs.yaml:8:12: error: flags of 'bpf_one' at v7.3: declared KF_RCU, the kernel has none [flags-differ]",
    ),
    (
        entry("bpf_one", ADDED, program_types=f"[{XDP}, {TRACING}]", flags_for=f"{{{XDP}: [KF_RCU]}}"),
        tree(one(registrations=(Registration("a", (), (TRACING,)), Registration("b", ("KF_ACQUIRE",), (XDP,))))),
        f"demo.kfuncs.yaml:9:16: error: flags by program type of 'bpf_one' at v7.3: declared {XDP}: KF_RCU, "
        f"the kernel has {XDP}: KF_ACQUIRE [flags-differ]",
    ),
    (
        entry("bpf_one", ADDED, program_types=f"[{XDP}]"),
        tree(one(registrations=(Registration("set", (), (XDP, TRACING)),))),
        f"demo.kfuncs.yaml:8:20: error: registrations of 'bpf_one' at v7.3: declared {XDP}, "
        f"the kernel has {XDP}, {TRACING} [registrations-differ]",
    ),
    (
        entry("bpf_one", ADDED, allowed="[{struct_ops: [a_ops]}]"),
        tree(one(registrations=(Registration("set", (), None, "filter", ("b_ops",)),))),
        "demo.kfuncs.yaml:8:14: error: filter of 'bpf_one' at v7.3: declared a_ops, "
        "the kernel has b_ops [registrations-differ]",
    ),
    (
        entry("bpf_one", ADDED),
        tree(one(registrations=(Registration("set", (), None, "some_filter"),))),
        "demo.kfuncs.yaml:5:5: error: filter of 'bpf_one' at v7.3: declared none, "
        "the kernel has some_filter [registrations-differ]",
    ),
    (
        entry("bpf_one", ADDED, source="a.c"), tree(one(source="b.c")),
        "demo.kfuncs.yaml:8:13: error: source of 'bpf_one' at v7.3: declared a.c, the kernel has b.c [source-differs]",
    ),
    (
        entry("bpf_one", ADDED), image(one(module="m")),
        "demo.kfuncs.yaml:5:5: error: module of 'bpf_one' at v7.3: declared none, the kernel has m [module-differs]",
    ),
    (
        entry("bpf_one", ADDED, depends_on="NET"), tree(one(depends_on="INET && NET")),
        "demo.kfuncs.yaml:8:17: error: configuration of 'bpf_one' at v7.3: declared NET, "
        "the kernel has INET && NET [configuration-differs]",
    ),
    (
        entry("bpf_one", ADDED), tree(ONE, hooks={XDP: "xdp", TRACING: "tracing", "BPF_PROG_TYPE_TRACEPOINT": "other"}),
        "data/hooks.yaml:0:0: error: hook of BPF_PROG_TYPE_TRACEPOINT at v7.3: declared tracing, "
        "the kernel has other [hooks-differ]",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("declared", "kernel", "told"), CASES)
def test_finding(tmp_path, declared, kernel, told):
    release = kernel.release
    assert findings(tmp_path, kernel, declared, release=release) == ([told] if told else [])


@pytest.mark.parametrize("rule", [rule for rule in Rule if rule.group == "kernel"], ids=lambda rule: rule.rule)
def test_every_rule_has_a_case(rule):
    assert any(f"[{rule.rule}]" in told for _, _, told in CASES if told)


def test_a_finding_about_the_past_stands_at_what_is_said_of_it(tmp_path):
    changed = "release: v7.1, event: changed, was: {prototype: int bpf_one(void)}"
    assert findings(
        tmp_path, tree(one(prototype="long bpf_one(void)"), kernel="6.19"), entry("bpf_one", ADDED, changed),
        release="v6.19",
    ) == [
        "demo.kfuncs.yaml:10:58: error: prototype of 'bpf_one' at v6.19: declared int bpf_one(void), "
        "the kernel has long bpf_one(void) [prototype-differs]"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("declared", "kernel"),
    [
        ("void bpf_one(const struct file *f, unsigned int flags)", "void bpf_one(struct file *file, unsigned flags)"),
        ("int bpf_one(int (callback)(void *map, u32 *key))", "int bpf_one(int (*cb)(void *, u32 *))"),
        ("void bpf_one(char name[16])", "void bpf_one(char *name)"),
        ("unsigned long bpf_one(long a)", "long unsigned int bpf_one(long int a)"),
    ],
)
def test_what_no_caller_sees_is_no_finding(tmp_path, declared, kernel):
    quoted = f'"{declared}"'
    assert findings(tmp_path, tree(one(prototype=kernel)), entry("bpf_one", ADDED, prototype=quoted)) == []


@pytest.mark.parametrize(
    ("declared", "kernel"),
    [
        ("void bpf_one(void *p)", "void bpf_one(void *p__nullable)"),
        ("void bpf_one(void *p, u32 p__sz)", "void bpf_one(void *p, u64 p__sz)"),
        ("void bpf_one(struct file *f)", "void bpf_one(struct inode *f)"),
        ("void bpf_one(struct file *f)", "void bpf_one(struct file **f)"),
        ("void bpf_one(int a)", "void bpf_one(int a, int b)"),
    ],
)
def test_what_a_caller_sees_is_one(tmp_path, declared, kernel):
    quoted = f'"{declared}"'
    told = findings(tmp_path, tree(one(prototype=kernel)), entry("bpf_one", ADDED, prototype=quoted))
    assert [re.findall(r"\[([a-z-]+)\]$", line) for line in told] == [["prototype-differs"]]


def test_what_cannot_be_told_is_no_finding(tmp_path):
    declared = entry("bpf_one", ADDED, flags="[KF_RCU]", program_types=f"[{XDP}]", source="a.c", depends_on="NET")
    assert findings(tmp_path, image(ObservedKfunc("bpf_one")), declared) == []


def test_a_module_may_be_built_in(tmp_path):
    assert findings(tmp_path, image(one(module="")), entry("bpf_one", ADDED, module="m")) == []


def test_the_order_of_flags_and_registrations_is_no_finding(tmp_path):
    declared = entry("bpf_one", ADDED, flags="[KF_RCU, KF_ACQUIRE]", program_types=f"[{XDP}, {TRACING}]")
    observed = one(registrations=(Registration("a", ("KF_ACQUIRE", "KF_RCU"), (TRACING, XDP)),))
    assert findings(tmp_path, tree(observed), declared) == []


@pytest.mark.parametrize("prototype", ["void bpf_one(void)", "int bpf_one(void)"])
@pytest.mark.parametrize("kernel", ["6.13.2", "6.15"])
def test_inside_a_range_both_may_be_true(tmp_path, prototype, kernel):
    changed = "release: v6.12..v6.16, event: changed, was: {prototype: int bpf_one(void)}"
    observation = tree(one(prototype=prototype), kernel=kernel)
    declared = entry("bpf_one", "release: v6.2, event: added", changed)
    assert findings(tmp_path, observation, declared, release=observation.release) == []


@pytest.mark.parametrize("flags", [(), ("KF_RCU",)])
def test_what_may_have_happened_does_not_wait_for_what_has_not(tmp_path, flags):
    moved = "release: v7.2, event: changed, was: {source: a.c}"
    changed = "release: v7.0..v7.2, event: changed, was: {flags: []}"
    declared = entry("bpf_one", ADDED, moved, changed, flags="[KF_RCU]", source="b.c")
    observation = tree(one(registrations=(Registration("set", flags, ()),), source="a.c"), kernel="7.1.3")
    assert findings(tmp_path, observation, declared, release="v7.1") == []


@pytest.mark.parametrize(("kernel", "count"), [("6.11", 0), ("6.12", 0), ("6.16", 1)])
def test_an_unbounded_range_may_have_happened_any_time_before(tmp_path, kernel, count):
    changed = "release: ..v6.16, event: changed, was: {prototype: int bpf_one(void)}"
    observation = tree(one(prototype="int bpf_one(void)"), kernel=kernel)
    declared = entry("bpf_one", "release: v6.2, event: added", changed)
    assert len(findings(tmp_path, observation, declared, release=observation.release)) == count


@pytest.mark.parametrize("observed", [(), (ONE,)])
def test_inside_a_range_it_may_be_there_or_not(tmp_path, observed):
    declared = entry("bpf_one", "release: v6.12..v6.16, event: added")
    assert findings(tmp_path, tree(*observed, kernel="6.14"), declared, release="v6.14") == []


@pytest.mark.parametrize(("kernel", "count"), [("6.12.39", 1), ("6.12.40", 0), ("6.12.100", 0), ("6.11.100", 1)])
def test_a_backport_explains_what_a_stable_kernel_has(tmp_path, kernel, count):
    declared = entry("bpf_one", "release: v6.13, event: added", backports="[{kernel: v6.12.40}]")
    observation = tree(ONE, kernel=kernel)
    assert len(findings(tmp_path, observation, declared, release=observation.release)) == count


def test_a_backport_does_not_explain_that_a_kfunc_is_gone(tmp_path):
    declared = entry("bpf_one", "release: v6.2, event: added", backports="[{kernel: v6.12.40}]")
    (told,) = findings(tmp_path, tree(kernel="6.12.40"), declared, release="v6.12")
    assert "[absent]" in told


def test_a_removed_kfunc_that_is_gone_is_no_finding(tmp_path):
    declared = entry("bpf_one", ADDED, "release: v7.1, event: removed, no_replacement: No.")
    assert findings(tmp_path, tree(), declared) == []


@pytest.mark.parametrize(
    ("name", "source", "home"),
    [
        ("bpf_task_new", "kernel/other.c", "task"),  # by its name
        ("bpf_dynptr_new", "kernel/other.c", "dynptr"),
        ("bpf_novel", "kernel/task.c", "task"),  # by the source
        ("bpf_novel", "net/other.c", None),  # another family
    ],
)
def test_a_new_kfunc_belongs_to_the_file_that_is_nearest(tmp_path, name, source, home):
    catalog = catalog_of(
        tmp_path,
        task=subsystem(entry("bpf_task_acquire", ADDED, source="kernel/task.c"), name="task"),
        dynptr=subsystem(entry("bpf_dynptr_size", ADDED, source="net/filter.c"), name="dynptr"),
    )
    subsystem_file = home_of(catalog, ObservedKfunc(name, source=source))
    assert (subsystem_file.header.subsystem if subsystem_file else None) == home


@pytest.mark.parametrize(
    ("one", "other"), [("A && B", "B&&A"), ("(A || B) && C", "C && (A||B)"), ("", " "), ("A && A", "A")]
)
def test_conditions_have_no_order(one, other):
    assert conjuncts(one) == conjuncts(other)


def test_a_condition_in_parentheses_is_one():
    assert conjuncts("(A && B) || C") != conjuncts("A && (B || C)")
