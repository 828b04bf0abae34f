# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Declarations brought up to a kernel: the text that each case gives, and that nothing else moves."""

from __future__ import annotations

import difflib
import os
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, Optional

import histories
import pytest
from declared import CALENDAR, FLAGS, HOOKS, ROOT, TODAY, catalog_of, entry, subsystem
from hypothesis import given
from hypothesis import strategies as st

from kfuncdoc.base import files, yaml_text
from kfuncdoc.base.yaml_emit import WIDTH, as_block, as_flow, as_scalar
from kfuncdoc.bpf.prototype import as_callers_see
from kfuncdoc.kernels.observation import Kind, Observation, ObservedKfunc, Registration, from_json
from kfuncdoc.record.catalog import Catalog, Declaration, SubsystemFile
from kfuncdoc.record.declaration_files import find
from kfuncdoc.record.lifecycle import Facts, assess, facts_after, facts_at
from kfuncdoc.record.load import load
from kfuncdoc.record.model import Kfunc, callers_as_mappings
from kfuncdoc.upkeep.differences import differences
from kfuncdoc.upkeep.update import Update, UpdateRefused, diff, update, write

TRACING, XDP, SYSCALL = "BPF_PROG_TYPE_TRACING", "BPF_PROG_TYPE_XDP", "BPF_PROG_TYPE_SYSCALL"
FOUR = (TRACING, XDP, SYSCALL, "BPF_PROG_TYPE_STRUCT_OPS")
ADDED = "release: v6.12, event: added"
REMOVED = "release: v7.1, event: removed, no_replacement: No."
#: A kfunc as `entry("bpf_one", ADDED)` declares it.
ONE = ObservedKfunc("bpf_one", "void bpf_one(void)", (Registration("set", (), ()),), depends_on="", module="")


def tree(*kfuncs: ObservedKfunc) -> Observation:
    return Observation(Kind.TREE, "7.3.4", kfuncs)


def image(*kfuncs: ObservedKfunc) -> Observation:
    return Observation(Kind.IMAGE, "7.3.4", kfuncs)


def one(**fields: Any) -> ObservedKfunc:
    return replace(ONE, **fields)


def registered(*flags: str, types: tuple[str, ...] = (), ops: tuple[str, ...] = ()) -> tuple[Registration, ...]:
    return (Registration("set", flags, types, struct_ops=ops),)


def brought_up(folder: Path, observation: Observation, release: str = "v7.3", **texts: str) -> Update:
    return update(catalog_of(folder, faulty=True, **texts), observation, CALENDAR[release])


def new_text(folder: Path, text: str, observation: Observation) -> str:
    """Return what becomes of *text*, recorded up to v7.2, with *observation* at v7.3."""
    (path, new), *others = brought_up(folder, observation, demo=text).texts.items()
    assert (os.path.basename(path), others) == ("demo.kfuncs.yaml", [])
    return new


def changes(old: str, new: str) -> list[str]:
    """Return the lines that went and came, but for that of `recorded`."""
    compared = difflib.ndiff(old.splitlines(keepends=True), new.splitlines(keepends=True))
    return [line.rstrip("\n") for line in compared if line[0] in "+-" and not line[2:].startswith("recorded: v")]


def told(remarks: Any, folder: Path) -> list[str]:
    return [str(remark).replace(f"{folder}/", "") for remark in remarks]


# Each case: the declaration, the kernel, the lines that go and come.
CASES = {
    "nothing": (entry("bpf_one", ADDED), tree(ONE), ""),
    "undeclared": (
        entry("bpf_one", ADDED, source="net/a.c"),
        tree(
            one(source="net/a.c"),
            ObservedKfunc(
                "bpf_two", "int bpf_two(struct file *f, u64 flags)",
                (
                    Registration("a", ("KF_ACQUIRE", "KF_RET_NULL"), (TRACING, XDP)),
                    Registration("b", (), (SYSCALL,), "filter", ("a_ops",)),
                ),
                "net/a.c", 7, "NET && BPF", "two", True,
            ),
        ),
        """
        +
        +   - name: bpf_two
        +     prototype: int bpf_two(struct file *f, u64 flags)
        +     flags: [KF_ACQUIRE, KF_RET_NULL]
        +     flags_for: {BPF_PROG_TYPE_SYSCALL: []}
        +     program_types: [BPF_PROG_TYPE_TRACING, BPF_PROG_TYPE_XDP, BPF_PROG_TYPE_SYSCALL]
        +     source: net/a.c
        +     module: two
        +     depends_on: NET && BPF
        +     history:
        +       - {release: v7.3, event: added}
        """,
    ),
    "what is long gets lines": (
        entry("bpf_one", ADDED),
        tree(ONE, ObservedKfunc("bpf_one_more", "int bpf_one_more(void)", registered(types=FOUR))),
        """
        +
        +   - name: bpf_one_more
        +     prototype: int bpf_one_more(void)
        +     program_types:
        +       - BPF_PROG_TYPE_TRACING
        +       - BPF_PROG_TYPE_XDP
        +       - BPF_PROG_TYPE_SYSCALL
        +       - BPF_PROG_TYPE_STRUCT_OPS
        +     history:
        +       - {release: v7.3, event: added}
        """,
    ),
    "behind the nearest name, the last of several": (
        entry("bpf_a_one", ADDED) + entry("bpf_b_one", ADDED) + entry("bpf_b_two", ADDED) + entry("bpf_c", ADDED),
        image(ObservedKfunc("bpf_b_a", "void bpf_b_a(void)"), ObservedKfunc("bpf_a_b", "void bpf_a_b(void)")),
        """
        +   - name: bpf_a_b
        +     prototype: void bpf_a_b(void)
        +     history:
        +       - {release: v7.3, event: added}
        +   - name: bpf_b_a
        +     prototype: void bpf_b_a(void)
        +     history:
        +       - {release: v7.3, event: added}
        """,
    ),
    "removed": (entry("bpf_one", ADDED), tree(), "+       - {release: v7.3, event: removed}"),
    "an image lacks what it is not built with": (entry("bpf_one", ADDED), image(), ""),
    "removed already": (entry("bpf_one", ADDED, REMOVED), tree(), ""),
    "there again, the same": (entry("bpf_one", ADDED, REMOVED), tree(ONE), "+       - {release: v7.3, event: added}"),
    "there again, another": (
        entry("bpf_one", ADDED, REMOVED, source="a.c", flags="[KF_RCU]"),
        tree(one(prototype="int bpf_one(int a)", source="b.c", registrations=registered(types=(XDP,)))),
        """
        -     prototype: void bpf_one(void)
        +     prototype: int bpf_one(int a)
        -     source: a.c
        +     source: b.c
        -     flags: [KF_RCU]
        +     flags: []
        +     program_types: [BPF_PROG_TYPE_XDP]
        +       - release: v7.3
        +         event: added
        +         was: {prototype: void bpf_one(void), flags: [KF_RCU], program_types: [], source: a.c}
        """,
    ),
    "prototype": (
        entry("bpf_one", ADDED),
        tree(one(prototype="int bpf_one(struct file *f, int n)")),
        """
        -     prototype: void bpf_one(void)
        +     prototype: int bpf_one(struct file *f, int n)
        +       - {release: v7.3, event: changed, was: {prototype: void bpf_one(void)}}
        """,
    ),
    "a prototype with commas is quoted in braces": (
        entry("bpf_one", ADDED, prototype="void bpf_one(int a, int b)"),
        tree(ONE),
        """
        -     prototype: void bpf_one(int a, int b)
        +     prototype: void bpf_one(void)
        +       - {release: v7.3, event: changed, was: {prototype: "void bpf_one(int a, int b)"}}
        """,
    ),
    "an event that is too long for a line": (
        entry("bpf_one", ADDED, prototype="void bpf_one(struct a_long_name *first, int second)"),
        tree(ONE),
        """
        -     prototype: void bpf_one(struct a_long_name *first, int second)
        +     prototype: void bpf_one(void)
        +       - release: v7.3
        +         event: changed
        +         was: {prototype: "void bpf_one(struct a_long_name *first, int second)"}
        """,
    ),
    "and what was, too": (
        entry(
            "bpf_one", ADDED, prototype="void bpf_one(struct a_long_name *first, int second, int third, int fourth)",
            program_types=f"[{XDP}]",
        ),
        tree(one(registrations=registered(types=(XDP, TRACING)))),
        """
        -     prototype: void bpf_one(struct a_long_name *first, int second, int third, int fourth)
        +     prototype: void bpf_one(void)
        -     program_types: [BPF_PROG_TYPE_XDP]
        +     program_types: [BPF_PROG_TYPE_XDP, BPF_PROG_TYPE_TRACING]
        +       - release: v7.3
        +         event: changed
        +         was:
        +           prototype: void bpf_one(struct a_long_name *first, int second, int third, int fourth)
        +           program_types: [BPF_PROG_TYPE_XDP]
        """,
    ),
    "names of parameters and const": (
        entry("bpf_one", ADDED, prototype="void bpf_one(struct file *f)"),
        tree(one(prototype="void bpf_one(const struct file *file)")),
        """
        -     prototype: void bpf_one(struct file *f)
        +     prototype: void bpf_one(const struct file *file)
        """,
    ),
    "names of parameters in an image": (
        entry("bpf_one", ADDED, prototype="void bpf_one(struct file *f)"),
        image(one(prototype="void bpf_one(struct file *file)")),
        "",
    ),
    "a spelling of the scanner": (
        entry("bpf_one", ADDED, prototype="void bpf_one(struct file *f)"),
        tree(one(prototype="void bpf_one(struct file* f)")),
        "",
    ),
    "flags": (
        entry("bpf_one", ADDED, flags="[KF_RET_NULL, KF_RCU]", program_types=f"[{XDP}]"),
        tree(one(registrations=registered("KF_ACQUIRE", "KF_RCU", types=(XDP,)))),
        """
        -     flags: [KF_RET_NULL, KF_RCU]
        +     flags: [KF_RCU, KF_ACQUIRE]
        +       - {release: v7.3, event: changed, was: {flags: [KF_RET_NULL, KF_RCU]}}
        """,
    ),
    "flags in another order": (
        entry("bpf_one", ADDED, flags="[KF_RET_NULL, KF_RCU]", program_types=f"[{XDP}]"),
        tree(one(registrations=registered("KF_RCU", "KF_RET_NULL", types=(XDP,)))),
        "",
    ),
    "flags where there were none": (
        entry("bpf_one", ADDED),
        image(one(registrations=(Registration(None, ("KF_RCU",)),))),
        """
        +     flags: [KF_RCU]
        +       - {release: v7.3, event: changed, was: {flags: []}}
        """,
    ),
    "flags for one program type": (
        entry("bpf_one", ADDED, program_types=f"[{XDP}, {SYSCALL}]"),
        tree(one(registrations=(Registration("a", (), (XDP,)), Registration("b", ("KF_RCU",), (SYSCALL,))))),
        """
        +     flags_for: {BPF_PROG_TYPE_SYSCALL: [KF_RCU]}
        +       - {release: v7.3, event: changed, was: {flags_for: {}}}
        """,
    ),
    "no more flags for one program type": (
        entry("bpf_one", ADDED, program_types=f"[{XDP}, {SYSCALL}]", flags_for=f"{{{SYSCALL}: [KF_RCU]}}"),
        tree(one(registrations=registered(types=(XDP, SYSCALL)))),
        """
        -     flags_for: {BPF_PROG_TYPE_SYSCALL: [KF_RCU]}
        +       - {release: v7.3, event: changed, was: {flags_for: {BPF_PROG_TYPE_SYSCALL: [KF_RCU]}}}
        """,
    ),
    "a moved source": (
        entry("bpf_one", ADDED, source="a.c"),
        tree(one(source="b/c.c")),
        """
        -     source: a.c
        +     source: b/c.c
        +       - {release: v7.3, event: changed, was: {source: a.c}}
        """,
    ),
    "a source that was not written down": (
        entry("bpf_one", ADDED),
        tree(one(source="a.c")),
        "+     source: a.c",
    ),
    "module and configuration": (
        entry("bpf_one", ADDED, module="m", depends_on="A"),
        tree(one(depends_on="A && B", module="")),
        """
        -     module: m
        -     depends_on: A
        +     depends_on: A && B
        +       - {release: v7.3, event: changed, was: {module: m, depends_on: A}}
        """,
    ),
    "a module and a configuration where there were none": (
        entry("bpf_one", ADDED),
        tree(one(depends_on="A || B", module="m")),
        """
        +     module: m
        +     depends_on: A || B
        +       - {release: v7.3, event: changed, was: {module: null, depends_on: null}}
        """,
    ),
    "what this kernel cannot tell stays": (
        entry("bpf_one", ADDED, flags="[KF_RCU]", program_types=f"[{XDP}]", source="a.c", module="m", depends_on="A"),
        image(ObservedKfunc("bpf_one")),
        "",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_each_difference_has_its_lines(tmp_path, case):
    declared, observation, expected = CASES[case]
    text = subsystem(declared, recorded="v7.2")
    new = new_text(tmp_path, text, observation)
    lines = [
        line[8:].rstrip() if line.startswith("        ") else line for line in expected.split("\n") if line.strip()
    ]
    # The order of what goes and comes is that of the file in both.
    assert [line.rstrip() for line in changes(text, new)] == lines
    assert new.split("\n")[2] == "recorded: v7.3"


@pytest.mark.parametrize("case", CASES)
def test_a_second_time_nothing_changes(tmp_path, case):
    declared, observation, _ = CASES[case]
    write(brought_up(tmp_path, observation, demo=subsystem(declared, recorded="v7.2")))
    again = update(catalog_in(tmp_path), observation, CALENDAR["v7.3"])
    assert (again.texts, again.events, diff(again)) == ({}, (), "")


def catalog_in(folder: Path) -> Catalog:
    return load(find([str(folder)]), calendar=CALENDAR, flags=FLAGS, hooks=HOOKS)


# -- releases


@pytest.mark.parametrize(
    ("recorded", "release"),
    [("v7.2", "v7.3"), ("v7.3", "v7.3"), ("v7.1", "v7.1..v7.3"), ("v6.18", "v6.18..v7.3")],
)
def test_an_event_is_dated_by_what_was_witnessed(tmp_path, recorded, release):
    text = subsystem(entry("bpf_one", ADDED), recorded=recorded)
    new = brought_up(tmp_path, tree(), demo=text).texts[str(tmp_path / "demo.kfuncs.yaml")]
    assert changes(text, new) == [f"+       - {{release: {release}, event: removed}}"]


def test_the_calendar_knows_what_comes_directly_before(tmp_path):
    text = subsystem(entry("bpf_one", ADDED), recorded="v6.19")
    new = brought_up(tmp_path, tree(), "v7.0", demo=text).texts[str(tmp_path / "demo.kfuncs.yaml")]
    assert "{release: v7.0, event: removed}" in new


def test_each_file_behind_is_recorded_up_to_the_release(tmp_path):
    texts = {name: subsystem(entry(f"bpf_{name}", ADDED), name=name, recorded="v7.2") for name in ("a", "b")}
    texts["c"] = subsystem(entry("bpf_c", ADDED), name="c", recorded="v7.3")
    kfuncs = [one(name=f"bpf_{name}", prototype=f"void bpf_{name}(void)") for name in "abc"]
    changed = brought_up(tmp_path, tree(*kfuncs), **texts)
    assert [os.path.basename(path) for path in changed.texts] == ["a.kfuncs.yaml", "b.kfuncs.yaml"]
    assert told(changed.events, tmp_path) == [
        "a.kfuncs.yaml: recorded up to v7.3",
        "b.kfuncs.yaml: recorded up to v7.3",
    ]
    assert diff(changed).replace(str(tmp_path), "") == "".join(
        f"--- /{name}.kfuncs.yaml\n+++ /{name}.kfuncs.yaml\n@@ -1,6 +1,6 @@\n"
        f" subsystem: {name}\n title: The {name} kfuncs\n-recorded: v7.2\n+recorded: v7.3\n"
        f" kfuncs:\n   - name: bpf_{name}\n     summary: Do bpf_{name}.\n"
        for name in ("a", "b")
    )


# -- where new kfuncs go, and what is left to a person


def test_new_kfuncs_that_are_near_nothing_get_a_file(tmp_path):
    text = "# SPDX-License-Identifier: MIT\n" + subsystem(entry("bpf_one", ADDED), recorded="v7.1")
    new = [
        ObservedKfunc("bpf_odd_b", "int bpf_odd_b(void)", source="fs/odd.c", line=9),
        ObservedKfunc("bpf_odd_a", "int bpf_odd_a(void)", registered("KF_RCU"), source="fs/odd.c", line=20),
        ObservedKfunc("bpf_stray", "int bpf_stray(void)"),
    ]
    changed = brought_up(tmp_path, tree(ONE, *new), demo=text)
    assert [os.path.basename(path) for path in changed.texts] == [
        "demo.kfuncs.yaml", "bpf_stray.kfuncs.yaml", "odd.kfuncs.yaml",
    ]  # fmt: skip
    path = str(tmp_path / "odd.kfuncs.yaml")
    assert changed.texts[path] == (
        "# SPDX-License-Identifier: MIT\n"
        "subsystem: odd\n"
        "title: odd kfuncs\n"
        "recorded: v7.3\n"
        "kfuncs:\n"
        "  - name: bpf_odd_b\n"
        "    prototype: int bpf_odd_b(void)\n"
        "    source: fs/odd.c\n"
        "    history:\n"
        "      - {release: v7.1..v7.3, event: added}\n"
        "\n"
        "  - name: bpf_odd_a\n"
        "    prototype: int bpf_odd_a(void)\n"
        "    flags: [KF_RCU]\n"
        "    source: fs/odd.c\n"
        "    history:\n"
        "      - {release: v7.1..v7.3, event: added}\n"
    )
    assert "--- /dev/null\n+++ " + path in diff(changed)
    summary = "new: say in one line what it does for a BPF program (summary)"
    title = "a new file: give it a title, and say what these kfuncs are for"
    assert told(changed.questions, tmp_path) == [
        f"bpf_stray.kfuncs.yaml: {title}",
        f"bpf_stray.kfuncs.yaml: bpf_stray: {summary}",
        f"odd.kfuncs.yaml: {title}",
        f"odd.kfuncs.yaml: bpf_odd_b: {summary}",
        f"odd.kfuncs.yaml: bpf_odd_a: {summary}",
    ]
    write(changed)
    assert update(catalog_in(tmp_path), tree(ONE, *new), CALENDAR["v7.3"]).texts == {}
    assert not [
        diagnostic for diagnostic in catalog_in(tmp_path).diagnostics if diagnostic.rule.rule != "summary-missing"
    ]


def test_a_file_of_that_name_takes_them(tmp_path):
    texts = {"odd": subsystem(entry("bpf_one", ADDED), name="odd", recorded="v7.2")}
    new = ObservedKfunc("bpf_strange", "int bpf_strange(void)", source="fs/odd.c")
    assert len(brought_up(tmp_path, tree(ONE, new), **texts).texts) == 1


@pytest.mark.parametrize(
    ("declared", "kernel", "questions"),
    [
        (
            entry("bpf_one", ADDED), tree(),
            ["demo.kfuncs.yaml: bpf_one: removed without notice: name a replacement, or why there is none"],
        ),
        (
            entry(
                "bpf_one", ADDED,
                "release: v7.0, event: deprecated, removal: v7.4, reason: Why, said_in: a.c, no_replacement: No.",
            ),
            tree(), [],
        ),
        (
            entry("bpf_one", ADDED, "release: v7.0, event: superseded, replacement: [{other: that}], said_in: a.c"),
            tree(), [],
        ),
        (
            entry("bpf_one", ADDED), image(),
            ["demo.kfuncs.yaml: bpf_one: not in this image; whether v7.3 has it, only its source can tell"],
        ),
        (
            entry("bpf_one", ADDED), tree(one(prototype="int bpf_one(void)")),
            ["demo.kfuncs.yaml: bpf_one: the prototype changed: say whether that is breaking"],
        ),
        (
            entry("bpf_one", ADDED, source="a.c"), tree(ONE, ObservedKfunc("bpf_two", source="a.c")),
            ["demo.kfuncs.yaml: bpf_two: not declared, and nothing tells its prototype"],
        ),
        (
            entry("bpf_one", ADDED, flags_for=f"{{{SYSCALL}: [KF_RCU]}}"),
            image(one(registrations=(Registration(None, ()), Registration(None, ("KF_ACQUIRE",))))),
            ["demo.kfuncs.yaml: bpf_one: flags: the kernel differs, and does not tell enough to say how"],
        ),
        (
            entry("bpf_one", ADDED, allowed="[{struct_ops: [a_ops], callbacks: [put]}]"),
            tree(one(registrations=registered(types=None, ops=("a_ops", "b_ops")))),
            ["demo.kfuncs.yaml: bpf_one: allowed: the kernel differs, and does not tell enough to say how"],
        ),
        (
            entry("bpf_one", ADDED), tree(one(registrations=(Registration("set", (), None, "some_filter"),))),
            ["demo.kfuncs.yaml: bpf_one: allowed: the kernel differs, and does not tell enough to say how"],
        ),
        (
            entry("bpf_one", ADDED, allowed="[{program_type: BPF_PROG_TYPE_LSM}]"),
            tree(one(registrations=(Registration("set", (), None, "some_filter"),))), [],
        ),
        (
            entry("bpf_one", ADDED), tree(one(prototype="what is this?")),
            ["demo.kfuncs.yaml: bpf_one: prototype: the kernel differs, and does not tell enough to say how"],
        ),
    ],
)  # fmt: skip
def test_what_a_person_has_to_say_is_asked(tmp_path, declared, kernel, questions):
    changed = brought_up(tmp_path, kernel, demo=subsystem(declared, recorded="v7.2"))
    assert told(changed.questions, tmp_path) == questions
    write(changed)
    assert update(catalog_in(tmp_path), kernel, CALENDAR["v7.3"]).texts == {}


def test_events_are_told_in_the_order_of_the_files(tmp_path):
    declared = entry("bpf_one", ADDED, REMOVED) + entry("bpf_two", ADDED) + entry("bpf_three", ADDED, source="a.c")
    kernel = tree(ONE, one(name="bpf_two", prototype="int bpf_two(void)"), ObservedKfunc("bpf_three", source="b.c"))
    changed = brought_up(tmp_path, kernel, demo=subsystem(declared, recorded="v7.2"))
    assert told(changed.events, tmp_path) == [
        "demo.kfuncs.yaml: bpf_one: added again",
        "demo.kfuncs.yaml: bpf_two: changed: prototype",
        "demo.kfuncs.yaml: bpf_three: changed: source",
        "demo.kfuncs.yaml: recorded up to v7.3",
    ]


# -- nothing else moves

HEADER = "subsystem: demo\ntitle: The demo kfuncs\nrecorded: v7.2\n"
NEW = ObservedKfunc("bpf_one_b", "int bpf_one_b(void)")
#: A kfunc that changed in every way that can be written down.
OTHER = one(
    prototype="int bpf_one(u32 a, u32 b)", registrations=registered("KF_RCU", types=(XDP,)), source="b.c",
    depends_on="A && B", module="m",
)  # fmt: skip

# Each case: the text after the header, the kernel, the new text after the header.
LAYOUTS = {
    "an entry in braces": (
        'kfuncs:\n- {name: bpf_one, prototype: "void bpf_one(int a, int b)", flags: [],\n'
        "   history: [{release: v6.2, event: added}]} # c\n",
        tree(OTHER, NEW),
        'kfuncs:\n- {name: bpf_one, prototype: "int bpf_one(u32 a, u32 b)", flags: [KF_RCU],'
        " program_types: [BPF_PROG_TYPE_XDP], source: b.c, module: m, depends_on: A && B,\n"
        "   history: [{release: v6.2, event: added}, {release: v7.3, event: changed,"
        ' was: {prototype: "void bpf_one(int a, int b)", flags: [], program_types: [],'
        " module: null, depends_on: null}}]} # c\n"
        "\n- name: bpf_one_b\n  prototype: int bpf_one_b(void)\n  history:\n    - {release: v7.3, event: added}\n",
    ),
    "all entries in brackets": (
        "kfuncs: [{name: bpf_one, prototype: void bpf_one(void), history: [{release: v6.2, event: added}]}]\n",
        tree(NEW),
        "kfuncs: [{name: bpf_one, prototype: void bpf_one(void), history: [{release: v6.2, event: added},"
        " {release: v7.3, event: removed}]},"
        " {name: bpf_one_b, prototype: int bpf_one_b(void), history: [{release: v7.3, event: added}]}]\n",
    ),
    "brackets over many lines": (
        "kfuncs: [\n  { # one\n    name: bpf_one,\n    prototype: void bpf_one(void),\n    history: [\n"
        "      {release: v6.2, event: added}, # added\n    ]\n  },\n]\n",
        tree(one(module="m", prototype="int bpf_one(void)"), NEW),
        "kfuncs: [\n  { # one\n    name: bpf_one,\n    prototype: int bpf_one(void),\n    module: m,\n    history: [\n"
        "      {release: v6.2, event: added},\n"
        "      {release: v7.3, event: changed, was: {prototype: void bpf_one(void), module: null}}, # added\n"
        "    ]\n  },\n"
        "  {name: bpf_one_b, prototype: int bpf_one_b(void), history: [{release: v7.3, event: added}]},\n]\n",
    ),
    "keys that go from braces": (
        "kfuncs:\n  - {name: bpf_one, prototype: void bpf_one(void), module: m, depends_on: A, # c\n"
        "     history: [{release: v6.2, event: added}]}\n",
        tree(ONE),
        "kfuncs:\n  - {name: bpf_one, prototype: void bpf_one(void), # c\n"
        "     history: [{release: v6.2, event: added},"
        " {release: v7.3, event: changed, was: {module: m, depends_on: A}}]}\n",
    ),
    "a history on one line": (
        "kfuncs:\n  - name: bpf_one\n    prototype: void bpf_one(void)\n"
        "    history: [{release: v6.2, event: added}]  # short\n",
        tree(),
        "kfuncs:\n  - name: bpf_one\n    prototype: void bpf_one(void)\n"
        "    history: [{release: v6.2, event: added}, {release: v7.3, event: removed}]  # short\n",
    ),
    "a history on one line with a comma at its end": (
        "kfuncs:\n  - name: bpf_one\n    prototype: void bpf_one(void)\n"
        "    history: [{release: v6.2, event: added}, ]\n",
        tree(),
        "kfuncs:\n  - name: bpf_one\n    prototype: void bpf_one(void)\n"
        "    history: [{release: v6.2, event: added}, {release: v7.3, event: removed}, ]\n",
    ),
    "dashes below the key": (
        "kfuncs:\n- name: bpf_one\n  prototype: void bpf_one(void)\n  history:\n"
        "  - release: v6.2\n    event: added\n  # of users\n  users:\n  - {name: a, url: https://a}\n",
        tree(),
        "kfuncs:\n- name: bpf_one\n  prototype: void bpf_one(void)\n  history:\n"
        "  - release: v6.2\n    event: added\n  - {release: v7.3, event: removed}\n"
        "  # of users\n  users:\n  - {name: a, url: https://a}\n",
    ),
    "comments belong where they are indented": (
        "kfuncs:\n\n  # One.\n  - name: bpf_one  # name\n    prototype: void bpf_one(void)  # prototype\n"
        "    history:  # history\n      # first\n      - {release: v6.2, event: added}  # added\n"
        "      # no witness before\n\n\n  # Three:\t#\n  - name: bpf_three\n    prototype: void bpf_three(void)\n"
        "    history:\n      - {release: v6.2, event: added}\n# The end.\n",
        tree(replace(OTHER, depends_on=None, module=None, source=None, registrations=())),
        "kfuncs:\n\n  # One.\n  - name: bpf_one  # name\n    prototype: int bpf_one(u32 a, u32 b)  # prototype\n"
        "    history:  # history\n      # first\n      - {release: v6.2, event: added}  # added\n"
        "      # no witness before\n"
        "      - {release: v7.3, event: changed, was: {prototype: void bpf_one(void)}}\n"
        "\n\n  # Three:\t#\n  - name: bpf_three\n    prototype: void bpf_three(void)\n"
        "    history:\n      - {release: v6.2, event: added}\n      - {release: v7.3, event: removed}\n# The end.\n",
    ),
    "a blank line between entries": (
        "kfuncs:\n\n  - name: bpf_one\n    prototype: void bpf_one(void)\n    history:\n"
        "      - {release: v6.2, event: added}\n\n  # -- others\n\n  - name: bpf_x\n"
        "    prototype: void bpf_x(void)\n    history:\n      - {release: v6.2, event: added}\n",
        tree(ONE, one(name="bpf_x", prototype="void bpf_x(void)"), ObservedKfunc("bpf_one_b", "int bpf_one_b(void)")),
        "kfuncs:\n\n  - name: bpf_one\n    prototype: void bpf_one(void)\n    history:\n"
        "      - {release: v6.2, event: added}\n"
        "\n  - name: bpf_one_b\n    prototype: int bpf_one_b(void)\n    history:\n"
        "      - {release: v7.3, event: added}\n"
        "\n  # -- others\n\n  - name: bpf_x\n"
        "    prototype: void bpf_x(void)\n    history:\n      - {release: v6.2, event: added}\n",
    ),
    "an event and an entry in one place": (
        "kfuncs:\n  - name: bpf_one\n    prototype: void bpf_one(void)\n    history:\n"
        "      - release: v6.2\n        event: added\n        note: |\n          Text.\n\n          # More.",
        tree(ObservedKfunc("bpf_one_b", "int bpf_one_b(void)")),
        "kfuncs:\n  - name: bpf_one\n    prototype: void bpf_one(void)\n    history:\n"
        "      - release: v6.2\n        event: added\n        note: |\n          Text.\n\n          # More.\n"
        "      - {release: v7.3, event: removed}\n"
        "\n  - name: bpf_one_b\n    prototype: int bpf_one_b(void)\n    history:\n"
        "      - {release: v7.3, event: added}",
    ),
    "blank lines that count": (
        "kfuncs:\n  - name: bpf_one\n    prototype: void bpf_one(void)\n    history:\n"
        "      - release: v6.2\n        event: added\n        note: |+\n          Text.\n\n\n",
        tree(),
        "kfuncs:\n  - name: bpf_one\n    prototype: void bpf_one(void)\n    history:\n"
        "      - release: v6.2\n        event: added\n        note: |+\n          Text.\n\n\n"
        "      - {release: v7.3, event: removed}\n",
    ),
    "scalars over several lines": (
        "kfuncs:\n  - name: bpf_one\n    prototype: >-\n      void\n      bpf_one(void)\n"
        "    depends_on: A\n      || B\n"
        "    history:\n      - {release: v6.2, event: added}\n",
        tree(one(prototype="int bpf_one(void)", depends_on="C")),
        "kfuncs:\n  - name: bpf_one\n    prototype: int bpf_one(void)\n    depends_on: C\n"
        "    history:\n      - {release: v6.2, event: added}\n"
        "      - {release: v7.3, event: changed, was: {prototype: void bpf_one(void), depends_on: A || B}}\n",
    ),
    "quotes stay": (
        "kfuncs:\n  - name: bpf_one\n    prototype: 'void bpf_one(void)'\n    depends_on: \"A\"\n"
        "    history:\n      - {release: v6.2, event: added}\n",
        tree(one(prototype="int bpf_one(void)", depends_on="C")),
        "kfuncs:\n  - name: bpf_one\n    prototype: 'int bpf_one(void)'\n    depends_on: \"C\"\n"
        "    history:\n      - {release: v6.2, event: added}\n"
        "      - {release: v7.3, event: changed, was: {prototype: void bpf_one(void), depends_on: A}}\n",
    ),
    "a list with a line for each item": (
        "kfuncs:\n  - name: bpf_one\n    prototype: void bpf_one(void)\n"
        "    program_types: [BPF_PROG_TYPE_XDP]\n    flags:\n"
        "      - KF_RCU  # since v6.4\n      # The next one went.\n      - KF_ACQUIRE\n"
        "    history:\n      - {release: v6.2, event: added}\n",
        tree(one(registrations=registered("KF_RET_NULL", "KF_RCU", types=(XDP,)))),
        "kfuncs:\n  - name: bpf_one\n    prototype: void bpf_one(void)\n"
        "    program_types: [BPF_PROG_TYPE_XDP]\n    flags:\n"
        "      - KF_RCU  # since v6.4\n      # The next one went.\n      - KF_RET_NULL\n"
        "    history:\n      - {release: v6.2, event: added}\n"
        "      - {release: v7.3, event: changed, was: {flags: [KF_RCU, KF_ACQUIRE]}}\n",
    ),
    "a list of which nothing stays": (
        "kfuncs:\n  - name: bpf_one\n    prototype: void bpf_one(void)\n"
        "    program_types: [BPF_PROG_TYPE_XDP]\n    flags:\n"
        "      - KF_RCU\n      - KF_ACQUIRE\n    # Two.\n    history:\n      - {release: v6.2, event: added}\n",
        tree(one(registrations=registered(types=(XDP,)))),
        "kfuncs:\n  - name: bpf_one\n    prototype: void bpf_one(void)\n"
        "    program_types: [BPF_PROG_TYPE_XDP]\n    flags: []\n"
        "    # Two.\n    history:\n      - {release: v6.2, event: added}\n"
        "      - {release: v7.3, event: changed, was: {flags: [KF_RCU, KF_ACQUIRE]}}\n",
    ),
    "a list that gets too long": (
        "kfuncs:\n  - name: bpf_one\n    prototype: void bpf_one(void)\n    program_types: [BPF_PROG_TYPE_XDP]\n"
        "    history:\n      - {release: v6.2, event: added}\n",
        tree(one(registrations=registered(types=(XDP, TRACING, SYSCALL, "BPF_PROG_TYPE_SCHED_CLS")))),
        "kfuncs:\n  - name: bpf_one\n    prototype: void bpf_one(void)\n    program_types:\n"
        "      - BPF_PROG_TYPE_XDP\n      - BPF_PROG_TYPE_TRACING\n      - BPF_PROG_TYPE_SYSCALL\n"
        "      - BPF_PROG_TYPE_SCHED_CLS\n"
        "    history:\n      - {release: v6.2, event: added}\n"
        "      - {release: v7.3, event: changed, was: {program_types: [BPF_PROG_TYPE_XDP]}}\n",
    ),
    "a key with a comment keeps its line": (
        "kfuncs:\n  - name: bpf_one\n    prototype: void bpf_one(void)\n    module: m  # for now\n    # Why.\n"
        "    depends_on: A\n    history:\n      - {release: v6.2, event: added}\n",
        tree(ONE),
        "kfuncs:\n  - name: bpf_one\n    prototype: void bpf_one(void)\n    module: null  # for now\n    # Why.\n"
        "    depends_on: null\n    history:\n      - {release: v6.2, event: added}\n"
        "      - {release: v7.3, event: changed, was: {module: m, depends_on: A}}\n",
    ),
    "a key without a value": (
        "kfuncs:\n  - name: bpf_one\n    prototype: void bpf_one(void)\n    module:\n    depends_on: ~ # none\n"
        "    history:\n      - {release: v6.2, event: added}\n",
        tree(one(module="m", depends_on="A")),
        "kfuncs:\n  - name: bpf_one\n    prototype: void bpf_one(void)\n    module: m\n    depends_on: A # none\n"
        "    history:\n      - {release: v6.2, event: added}\n"
        "      - {release: v7.3, event: changed, was: {module: null, depends_on: null}}\n",
    ),
    "an alias becomes a value of its own": (
        "kfuncs:\n  - name: bpf_one\n    prototype: void bpf_one(void)\n    flags: &f [KF_RCU]\n"
        "    program_types: [BPF_PROG_TYPE_XDP]\n"
        "    history:\n      - {release: v6.2, event: added}\n"
        "  - name: bpf_x\n    prototype: void bpf_x(void)\n    flags: *f\n    program_types: [BPF_PROG_TYPE_XDP]\n"
        "    history:\n      - {release: v6.2, event: added}\n",
        tree(
            one(registrations=registered("KF_RCU", types=(XDP,))),
            one(name="bpf_x", prototype="void bpf_x(void)", registrations=registered(types=(XDP,))),
        ),
        "kfuncs:\n  - name: bpf_one\n    prototype: void bpf_one(void)\n    flags: &f [KF_RCU]\n"
        "    program_types: [BPF_PROG_TYPE_XDP]\n"
        "    history:\n      - {release: v6.2, event: added}\n"
        "  - name: bpf_x\n    prototype: void bpf_x(void)\n    flags: []\n    program_types: [BPF_PROG_TYPE_XDP]\n"
        "    history:\n      - {release: v6.2, event: added}\n"
        "      - {release: v7.3, event: changed, was: {flags: [KF_RCU]}}\n",
    ),
    "marks of a document": (
        "kfuncs:\n  - name: bpf_one\n    prototype: void bpf_one(void)\n    history:\n"
        "      - {release: v6.2, event: added}\n...\n# over\n",
        tree(),
        "kfuncs:\n  - name: bpf_one\n    prototype: void bpf_one(void)\n    history:\n"
        "      - {release: v6.2, event: added}\n      - {release: v7.3, event: removed}\n...\n# over\n",
    ),
}


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("case", LAYOUTS)
def test_whatever_the_layout_nothing_else_moves(tmp_path, case, end, mark):
    text, kernel, expected = LAYOUTS[case]
    whole = f"{mark}# \u00fc\U0001f427\n{HEADER}{text}"
    new = brought_bytes(tmp_path, whole.replace("\n", end), kernel).decode()
    assert new == (whole[: whole.index("kfuncs:")].replace("v7.2", "v7.3") + expected).replace("\n", end)


def brought_bytes(folder: Path, text: str, kernel: Observation) -> bytes:
    """Write *text*, bring it up to *kernel* twice, and return what the file then holds."""
    path = folder / "demo.kfuncs.yaml"
    path.write_bytes(text.encode())
    write(update(catalog_in(folder), kernel, CALENDAR["v7.3"]))
    new = path.read_bytes()
    assert update(catalog_in(folder), kernel, CALENDAR["v7.3"]).texts == {}
    return new


def test_the_last_line_needs_no_end(tmp_path):
    text = HEADER + LAYOUTS["marks of a document"][0].split("...")[0].rstrip()
    changed = brought_up(tmp_path, tree(), demo=text)
    new = changed.texts[str(tmp_path / "demo.kfuncs.yaml")]
    assert new == text.replace("v7.2", "v7.3") + "\n      - {release: v7.3, event: removed}"
    assert diff(changed).endswith(
        "-      - {release: v6.2, event: added}\n\\ No newline at end of file\n"
        "+      - {release: v6.2, event: added}\n"
        "+      - {release: v7.3, event: removed}\n\\ No newline at end of file\n"
    )


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "real").mkdir()
    real = tmp_path / "real" / "file"
    real.write_text(subsystem(entry("bpf_one", ADDED), recorded="v7.2"))
    (tmp_path / "demo.kfuncs.yaml").symlink_to(real)
    write(update(catalog_in(tmp_path), tree(ONE), CALENDAR["v7.3"]))
    assert (tmp_path / "demo.kfuncs.yaml").is_symlink()
    assert "recorded: v7.3" in real.read_text()


# -- what is refused

KEPT = "kfuncs:\n  - name: bpf_one\n    prototype: void bpf_one(void)\n"
HISTORY = "    history:\n      - {release: v6.2, event: added}\n"

# Each case: the text, the kernel, the release, the message.
REFUSED = {
    "a later record": (
        HEADER.replace("v7.2", "v7.3") + KEPT + HISTORY, tree(), "v7.2",
        "demo.kfuncs.yaml:3:11: the file is recorded up to v7.3, which is later than v7.2",
    ),
    "a projected release": (
        HEADER + KEPT + HISTORY, tree(), "v7.4",
        "v7.4 is no release that exists; the newest that is known is v7.3",
    ),
    "an error": (
        HEADER + KEPT + HISTORY.replace("added", "nothing"), tree(), "v7.3",
        "demo.kfuncs.yaml:8:32: error: there is no event 'nothing' [wrong-type]\n"
        "    hint: one of added, changed, superseded, deprecated, withdrawn, removed\n"
        "nothing is changed where a declaration has an error",
    ),
    "an event that the record does not reach": (
        HEADER + KEPT + HISTORY.replace("v6.2", "v7.3"), tree(), "v7.2",
        "demo.kfuncs.yaml:8:19: error: this happened in v7.3, and the file is recorded up to v7.2 [recorded-behind]\n"
        "    hint: write recorded: v7.3 once the file is compared\n"
        "nothing is changed where a declaration has an error",
    ),
    "no file that can be read": (
        "", tree(), "v7.3",
        "demo.kfuncs.yaml:0:0: error: the file declares nothing [empty-file]\n"
        "nothing is changed where a declaration has an error",
    ),
    "a comment in a list": (
        HEADER + KEPT + "    program_types: [BPF_PROG_TYPE_XDP]\n"
        "    flags: [KF_RCU, # since\n      KF_ACQUIRE]\n" + HISTORY,
        tree(one(registrations=registered("KF_RCU", types=(XDP,)))), "v7.3",
        "demo.kfuncs.yaml:8:12: a comment inside this value would be lost",
    ),
    "a comment before a folded text": (
        HEADER + KEPT + "    depends_on: >- # why\n      A\n" + HISTORY, tree(one(depends_on="B")), "v7.3",
        "demo.kfuncs.yaml:7:17: a comment inside this value would be lost",
    ),
    "a history that two have": (
        HEADER + KEPT + HISTORY.replace("history:", "history: &h")
        + "  - name: bpf_x\n    prototype: void bpf_x(void)\n    history: *h\n",
        tree(ONE), "v7.3",
        "demo.kfuncs.yaml:11:14: this stands for what is written elsewhere under an anchor, and cannot be changed here",
    ),
    "a history that two have, the first of them": (
        HEADER + KEPT + HISTORY.replace("history:", "history: &h")
        + "  - name: bpf_x\n    prototype: void bpf_x(void)\n    history: *h\n",
        tree(one(name="bpf_x", prototype="void bpf_x(void)")), "v7.3",
        "demo.kfuncs.yaml:3:11: this cannot be changed in place; an anchor may stand in the way",
    ),
    "a value that others refer to": (
        HEADER + KEPT + "    depends_on: &d A\n" + HISTORY
        + "  - name: bpf_x\n    prototype: void bpf_x(void)\n    depends_on: *d\n" + HISTORY,
        tree(one(depends_on="B"), one(name="bpf_x", prototype="void bpf_x(void)", depends_on="A")), "v7.3",
        "demo.kfuncs.yaml:3:11: this cannot be changed in place; an anchor may stand in the way "
        "(there is no anchor '&d' before this)",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_done_is_refused(tmp_path, case):
    text, kernel, release, message = REFUSED[case]
    catalog = catalog_of(tmp_path, faulty=True, demo=text)
    with pytest.raises(UpdateRefused) as refused:
        update(catalog, kernel, CALENDAR[release])
    assert str(refused.value).replace(f"{tmp_path}/", "") == message


def test_without_a_file_there_is_nothing_to_bring_up():
    with pytest.raises(UpdateRefused, match="there is no declaration to bring up to date"):
        update(Catalog(CALENDAR, FLAGS, HOOKS), tree(), CALENDAR["v7.3"])


def test_without_the_extra_nothing_is_changed(tmp_path, monkeypatch):
    catalog = catalog_of(tmp_path, demo=subsystem(entry("bpf_one", ADDED), recorded="v7.2"))
    monkeypatch.setitem(sys.modules, "ruamel.yaml", None)
    with pytest.raises(UpdateRefused, match=r"changing declarations needs ruamel\.yaml; install kfuncdoc\[scan\]"):
        update(catalog, tree(ONE), CALENDAR["v7.3"])


def test_an_observation_that_cannot_be_declared_is_refused(tmp_path):
    catalog = catalog_of(tmp_path, demo=subsystem(entry("bpf_one", ADDED), recorded="v7.2"))
    kernel = tree(one(registrations=registered("flag", types=(XDP,))))
    with pytest.raises(UpdateRefused, match="what was observed cannot be declared: 'flag': "):
        update(catalog, kernel, CALENDAR["v7.3"])


def test_a_file_waits_for_the_answer_to_what_it_was_asked(tmp_path):
    """A removal without a replacement is an error: it can stay for now, and is mended before the next release."""
    declared = entry("bpf_one", ADDED) + entry("bpf_two", ADDED)
    both = tree(ONE, one(name="bpf_two", prototype="void bpf_two(void)"))
    write(brought_up(tmp_path, tree(both.kfuncs[0]), "v7.2", demo=subsystem(declared, recorded="v7.1")))
    assert update(catalog_in(tmp_path), both, CALENDAR["v7.2"]).texts == {}
    with pytest.raises(UpdateRefused, match=r"(?s)replacement-missing.*nothing is changed in a file that has an error"):
        update(catalog_in(tmp_path), both, CALENDAR["v7.3"])


def test_a_file_that_was_not_loaded_is_not_written(tmp_path):
    catalog = catalog_of(tmp_path, demo=subsystem(entry("bpf_one", ADDED), recorded="v7.2"))
    (tmp_path / "odd.kfuncs.yaml").write_text("mine")
    kernel = tree(ONE, ObservedKfunc("bpf_odd", "int bpf_odd(void)", source="fs/odd.c"))
    with pytest.raises(UpdateRefused, match=r"odd\.kfuncs.yaml: the file is there and was not loaded; 'bpf_odd' would"):
        update(catalog, kernel, CALENDAR["v7.3"])


@pytest.mark.parametrize("when", ["before the update", "before it is written"])
def test_a_file_that_changes_in_the_meantime_is_left_alone(tmp_path, when):
    catalog = catalog_of(tmp_path, demo=subsystem(entry("bpf_one", ADDED), recorded="v7.2"))
    path = tmp_path / "demo.kfuncs.yaml"
    changed = update(catalog, tree(ONE), CALENDAR["v7.3"])
    path.write_text("mine")
    with pytest.raises(UpdateRefused, match=r"demo\.kfuncs.yaml: the file was changed in the meantime"):
        write(changed if when == "before it is written" else update(catalog, tree(ONE), CALENDAR["v7.3"]))
    assert path.read_text() == "mine"


def test_a_new_file_takes_the_place_of_no_other(tmp_path):
    catalog = catalog_of(tmp_path, demo=subsystem(entry("bpf_one", ADDED), recorded="v7.2"))
    kernel = tree(ONE, ObservedKfunc("bpf_odd", "int bpf_odd(void)", source="fs/odd.c"))
    changed = update(catalog, kernel, CALENDAR["v7.3"])
    (tmp_path / "odd.kfuncs.yaml").write_text("mine")
    with pytest.raises(UpdateRefused, match=r"odd\.kfuncs.yaml: the file is there already"):
        write(changed)
    assert "recorded: v7.2" in (tmp_path / "demo.kfuncs.yaml").read_text()


@pytest.mark.parametrize("at", [0, 1, 2])
def test_an_interrupted_update_leaves_every_file_whole(tmp_path, monkeypatch, at):
    texts = {name: subsystem(entry(f"bpf_{name}", ADDED), name=name, recorded="v7.2") for name in "abc"}
    changed = brought_up(tmp_path, tree(), **texts)
    rename, count = os.replace, iter(range(3))

    def interrupted(old, new):
        if next(count) == at:
            raise KeyboardInterrupt
        rename(old, new)

    monkeypatch.setattr(files.os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write(changed)
    monkeypatch.undo()
    assert sorted(os.listdir(tmp_path)) == [f"{name}.kfuncs.yaml" for name in "abc"]
    for number, path in enumerate(changed.texts):
        wanted = changed.texts if number < at else changed.before
        assert Path(path).read_text() == wanted[path]
    # What was left over is made up for.
    again = brought_up(
        tmp_path, tree(), **{name: (tmp_path / f"{name}.kfuncs.yaml").read_text() for name in "abc"[at:]}
    )
    assert {path: changed.texts[path] for path in again.texts} == dict(again.texts)


# -- properties

_TEXTS = st.sampled_from(["int {}(int a)", "int {}(int b)", "long {}(const struct file *f, u64 n)", "void {}(void)"])
_FEW = st.lists(st.sampled_from([TRACING, XDP, SYSCALL]), unique=True, max_size=3).map(tuple)
_SETS = st.lists(
    st.builds(
        Registration,
        flags=st.lists(st.sampled_from(["KF_ACQUIRE", "KF_RCU", "KF_RET_NULL"]), unique=True, max_size=2).map(tuple),
        program_types=st.one_of(st.none(), _FEW),
        struct_ops=st.sampled_from([(), ("Qdisc_ops",), ("a_ops", "Qdisc_ops")]),
    ),
    max_size=2,
).map(tuple)
NAMES = ("bpf_k", "bpf_k_b", "bpf_l", "net_x")


@st.composite
def observations(draw: st.DrawFn) -> Observation:
    kfuncs = [
        ObservedKfunc(
            name, draw(st.one_of(st.none(), _TEXTS.map(lambda text, name=name: text.format(name)))), draw(_SETS),
            draw(st.sampled_from([None, "a.c", "kernel/bpf/helpers.c"])), None,
            draw(st.sampled_from([None, "", "BPF_JIT", "A && (B || !C)"])), draw(st.sampled_from([None, "", "m"])),
        )
        for name in draw(st.lists(st.sampled_from([*NAMES, "bpf_new_one", "bpf_k_new", "odd"]), unique=True))
    ]  # fmt: skip
    return Observation(draw(st.sampled_from(Kind)), None, tuple(kfuncs))


@st.composite
def declared_files(draw: st.DrawFn) -> tuple[str, list[Kfunc]]:
    """Draw a file in one of many layouts."""
    kfuncs = [
        draw(histories.kfuncs(most_events=4)).model_copy(update={"name": name, "summary": "Do."})
        for name in draw(st.lists(st.sampled_from(NAMES), unique=True, min_size=1))
    ]
    lines = ["# \u00fc", "subsystem: demo", "title: Demo  # title", f"recorded: {CALENDAR.real[-1]}", "kfuncs:"]
    for kfunc in kfuncs:
        lines += [""] * draw(st.integers(0, 1)) + ["  # A comment."] * draw(st.integers(0, 1))
        record = plain(kfunc.model_dump(exclude_unset=True))
        behind = draw(st.sampled_from(["", "  # behind"]))
        if draw(st.booleans()):
            lines.append(f"  - {as_flow(record)}{behind}")
        else:
            for number, line in enumerate(as_block(record, 6)):
                # A value over several lines with comments in it is refused, see above.
                comment = "" if line.startswith(" ") or line.endswith(":") else behind
                lines.append(f"  {'    ' if number else '-   '}{line}{comment}")
    end = draw(st.sampled_from(["\n", "\r\n"]))
    return end.join(lines) + draw(st.sampled_from(["", end, end + end])), kfuncs


def plain(value: Any) -> Any:
    """Return *value* as YAML has it: lists for tuples, words for truth."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, bool):
        return str(value).lower()
    return [plain(item) for item in value] if isinstance(value, (list, tuple)) else value


def unchecked(path: Path) -> Catalog:
    """Return the catalog of a file without its findings: drawn histories do what no kernel would."""
    return replace(
        catalog_in(path), diagnostics=(), subsystems=tuple(map(with_all_entries, catalog_in(path).subsystems))
    )


def with_all_entries(subsystem_file: SubsystemFile) -> SubsystemFile:
    read = subsystem_file.source
    assert read is not None
    entries = [Declaration(Kfunc.model_validate(item), read, index) for index, item in enumerate(read.value["kfuncs"])]
    return replace(subsystem_file, entries=tuple(entries))


def chunks(text: str) -> dict[str, str]:
    """Return the text of each entry by name, without what stands between it and the next one."""
    parts = re.split(r"(?m)^(?=  -   name: |  - \{name: |  - name: )", text)[1:]
    return {re.findall(r"name: (\w+)", part)[0]: re.sub(r"(\s|  # A comment\.)+\Z", "", part) for part in parts}


@given(declared_files(), observations())
def test_an_update_makes_the_record_true_and_changes_nothing_else(tmp_path_factory, drawn, observation):
    (text, kfuncs), release = drawn, CALENDAR.real[-1]
    folder = tmp_path_factory.mktemp("update")
    path = folder / "demo.kfuncs.yaml"
    path.write_bytes(text.encode())
    changed = update(unchecked(folder), observation, release)
    write(changed)
    told_of = {remark.kfunc for remark in changed.events}
    asked = {(remark.kfunc, remark.what.split(":")[0]) for remark in changed.questions}

    # Whatever no event is told of is byte for byte as it was.
    before, after = chunks(text), chunks(path.read_bytes().decode())
    for name in before.keys() - told_of:
        assert after[name] == before[name]
    if not told_of:
        assert path.read_bytes() == text.encode()
    # Comments are never lost.
    assert re.findall("#[^\r\n]*", path.read_bytes().decode()) == re.findall("#[^\r\n]*", text)

    now = {declaration.name: declaration.kfunc for _, declaration in unchecked(folder).declarations}
    for observed in observation.kfuncs:
        if observed.name in now:
            facts = facts_at(now[observed.name], CALENDAR, release)
            different = {
                difference.field for difference in differences(facts, observed, observation.kind) if difference.visible
            }
            assert different <= {what for kfunc, what in asked if kfunc == observed.name}
    for kfunc in kfuncs:
        # The past stays: up to the event that is new, all that a caller could see.
        past = (facts_after(kfunc, len(kfunc.history) - 1), facts_after(now[kfunc.name], len(kfunc.history) - 1))
        assert now[kfunc.name].history[: len(kfunc.history)] == kfunc.history
        if len(now[kfunc.name].history) > len(kfunc.history):
            assert seen(past[0]) == seen(past[1])

    # And a second time there is nothing to do.
    again = update(unchecked(folder), observation, release)
    assert (dict(again.texts), again.events) == ({}, ())


def seen(facts: Facts) -> tuple[Any, ...]:
    return as_callers_see(facts.prototype), {**vars(facts), "prototype": "", "source": ""}


# -- how new YAML is written


@given(st.recursive(
    st.one_of(st.none(), st.text(st.characters(codec="utf-8", exclude_categories=["C", "Zl", "Zp"]), min_size=1)),
    lambda items: st.one_of(st.lists(items), st.dictionaries(st.from_regex(r"[a-z]+", fullmatch=True), items)),
    max_leaves=8,
))  # fmt: skip
def test_what_is_written_is_what_is_read(value):
    for text in (
        f"x: {as_flow([value])}",
        "\n".join(as_block({"x": [value]})),
        "\n".join(as_block({"x": {"y": value}})),
    ):
        assert yaml_text.parse("", text + "\n").value in ({"x": [value]}, {"x": {"y": value}})


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("A && B", "A && B"), ("!A", '"!A"'), ("int f(int a, int b)", "int f(int a, int b)"), ("a: b", '"a: b"'),
        ("a #b", '"a #b"'), ("null", '"null"'), ("v7.3", "v7.3"), (None, "null"),
    ],
)  # fmt: skip
def test_a_text_is_in_quotes_where_it_has_to_be(text, written):
    assert as_scalar(text) == written


def test_lines_are_no_longer_than_they_have_to_be():
    record = {"flags": ["KF_ACQUIRE"] * 9, "more": {"x": ["y" * 50, "z" * 50], "short": []}}
    assert as_block(record, 2) == [
        "flags:", *["  - KF_ACQUIRE"] * 9, "more:", "  x:", f"    - {'y' * 50}", f"    - {'z' * 50}", "  short: []",
    ]  # fmt: skip
    assert [len(line) <= WIDTH for line in as_block({"flags": ["KF_RCU"] * 11})] == [True]


# -- the real record


def without_release(folder: Path, name: str) -> None:
    """Write the record as it was before the release *name*, in new files without comments."""
    catalog = load(find([str(ROOT / "data")]))
    gone, before = catalog.calendar[name], catalog.calendar.before(catalog.calendar[name])
    for subsystem_file in catalog.subsystems:
        assert subsystem_file.source is not None
        value = {**subsystem_file.source.value, "recorded": str(before)}
        entries = []
        for declaration in subsystem_file.declarations:
            happened = [catalog.calendar.when(event.release).by < gone for event in declaration.kfunc.history]
            if happened[0]:
                record = subsystem_file.source.value["kfuncs"][declaration.index]
                facts = vars(facts_at(declaration.kfunc, catalog.calendar, before))
                facts = plain({**facts, "allowed": callers_as_mappings(facts["allowed"])})
                kept = {
                    key: item
                    for key, item in {**record, **facts}.items()
                    if key == "allowed" or item not in ([], {}, None)
                }
                entries.append({**kept, "history": record["history"][: sum(happened)]})
        if entries:
            text = "\n".join(as_block({**value, "kfuncs": entries})) + "\n"
            (folder / os.path.basename(subsystem_file.path)).write_text(text, encoding="utf-8")


@pytest.mark.record
def test_the_newest_release_can_be_brought_back(tmp_path):
    saved = (ROOT / "tests" / "observed" / "v7.3.json").read_text(encoding="utf-8")
    check_brought_back(tmp_path, from_json(saved))


def check_brought_back(folder: Path, observation: Observation) -> None:
    record = load(find([str(ROOT / "data")]))
    without_release(folder, "v7.3")
    files = find([str(folder)])
    changed = update(load(files), observation, record.calendar["v7.3"])
    write(changed)
    again = load(find([str(folder)]))
    assert update(again, observation, record.calendar["v7.3"]).texts == {}
    for name, (_, declared) in record.entries.items():
        assert isinstance(declared, Declaration)
        made = again.get(name)
        assert made is not None, name
        for release in ("v7.2", "v7.3"):
            one, other = (
                assess(declaration.kfunc, record.calendar, record.calendar[release], TODAY)
                for declaration in (declared, made)
            )
            assert one.state.present == other.state.present, (name, release)
            if one.state.present:
                facts = [comparable(lifecycle.facts, observation.by_name.get(name)) for lifecycle in (one, other)]
                assert facts[0] == facts[1], (name, release)


def comparable(facts: Facts, observed: Optional[ObservedKfunc]) -> dict[str, Any]:
    """Return what a kernel tells of *facts*, whatever the order: no kernel tells all of a filter."""
    fields = {key: frozenset(value) if isinstance(value, tuple) else value for key, value in vars(facts).items()}
    fields["flags_for"] = {key: frozenset(flags) for key, flags in facts.flags_for.items()}
    return {**fields, "filter": None, "allowed": None, "enforced_by": None}


def test_what_a_stable_kernel_took_over_is_no_event(tmp_path):
    declared = entry("bpf_one", "release: v6.2, event: added", backports="[{kernel: v7.2.11}]")
    kernel = replace(tree(one(prototype="int bpf_one(void)")), kernel="7.2.13")
    changed = brought_up(tmp_path, kernel, "v7.2", demo=subsystem(declared, recorded="v7.2"))
    assert changed.texts == {}
    (question,) = changed.questions
    assert question.what == "left as it is: by its backports, Linux 7.2.13 has a later change"
    older = replace(kernel, kernel="7.2.10")
    assert brought_up(tmp_path, older, "v7.2", demo=subsystem(declared, recorded="v7.2")).texts != {}


def test_a_new_family_gets_a_file_named_after_its_source(tmp_path):
    new = ObservedKfunc("bpf_ksock_send", "int bpf_ksock_send(void)", source="net/core/bpf_ksock.c")
    declared = subsystem(entry("bpf_one", "release: v6.2, event: added"))
    changed = brought_up(tmp_path, tree(ONE, new), "v7.3", demo=declared)
    assert [Path(path).name for path in changed.texts] == ["ksock.kfuncs.yaml"]
