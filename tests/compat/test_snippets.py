# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The code that calls a kfunc before and after what happened to it: exactly, for each kind of thing that happens."""

from __future__ import annotations

import datetime
import re
from pathlib import Path
from textwrap import dedent
from typing import Any, Optional

import pytest
from declared import CALENDAR, ROOT, TODAY, catalog_of, entry, subsystem
from histories import DATES, NAME, REAL_RELEASES, catalog_with, kfuncs
from hypothesis import given
from hypothesis import strategies as st

from kfuncdoc.bpf.objects import essential_name
from kfuncdoc.compat.kernels import Kernel, KernelRecord
from kfuncdoc.compat.snippets import Snippet, Snippets
from kfuncdoc.kernels.releases import Release
from kfuncdoc.record.catalog import Catalog
from kfuncdoc.record.declaration_files import find
from kfuncdoc.record.lifecycle import facts_at
from kfuncdoc.record.load import load
from kfuncdoc.record.model import Kfunc
from kfuncdoc.record.snapshot import Snapshot
from kfuncdoc.views.kfunc import KfuncViews

XDP = "BPF_PROG_TYPE_XDP"


class Bench:
    """Snippets of a few kfuncs."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __call__(
        self, *entries: str, name: str = "bpf_one", release: str = "v7.3", faulty: bool = False
    ) -> Optional[Snippet]:
        catalog = catalog_of(self._folder, faulty=faulty, demo=subsystem("".join(entries)))
        return snippets(catalog, CALENDAR[release], TODAY).of(name)

    def code(self, *entries: str, **more: Any) -> str:
        """Return the code of a snippet that there is, with eight spaces for a tab, and the kernels that it is for."""
        found = self(*entries, **more)
        assert found is not None
        return f"{found.kernels}\n{found.code}".expandtabs()


def snippets(catalog: Catalog, release: Release = CALENDAR["v7.3"], date: datetime.date = TODAY) -> Snippets:
    return Snippets(KernelRecord(KfuncViews(Snapshot(catalog, release, date))))


@pytest.fixture
def snippet(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def one(*events: str, name: str = "bpf_one", **fields: str) -> str:
    """Return a kfunc that came in v6.6, and what happened to it since."""
    return entry(name, "release: v6.6, event: added", *events, **{"prototype": f"int {name}(u32 x)", **fields})


def text(code: str) -> str:
    return dedent(code).lstrip("\n")


# -- names


def test_renamed(snippet):
    """The new name where there is one, the old name elsewhere."""
    renamed = one("release: v6.13, event: deprecated, reason: No., said_in: a, removal: v6.15, renamed_to: bpf_new")
    new = entry("bpf_new", "release: v6.13, event: added", prototype="int bpf_new(u32 x)")
    assert snippet.code(renamed, new) == text("""
        v6.6 to v7.3
        extern int bpf_new___compat(u32 x) __ksym __weak;
        extern int bpf_one___compat(u32 x) __ksym __weak;

        static __always_inline int compat_bpf_new(u32 x)
        {
                /* v6.13 to v7.3 */
                if (bpf_ksym_exists(bpf_new___compat))
                        return bpf_new___compat(x);
                /* v6.6 to v6.12 */
                if (bpf_ksym_exists(bpf_one___compat))
                        return bpf_one___compat(x);
                return -95 /* EOPNOTSUPP */;
        }
    """)
    assert snippet(renamed, new, name="bpf_new") is None
    assert snippet(renamed, new, name="bpf_never_declared") is None


CHAIN = (
    one("release: v6.13, event: removed, renamed_to: bpf_two"),
    entry(
        "bpf_two",
        "release: v6.12, event: added",
        "release: v7.0, event: deprecated, reason: No., said_in: a, removal: v7.5, "
        "replacement: [{name: bpf_three, when: x is a number}]",
        prototype="int bpf_two(u32 x)",
    ),
    entry("bpf_three", "release: v6.19, event: added", prototype="int bpf_three(u32 x, u64 flags)"),
)


@pytest.mark.parametrize("name", ["bpf_one", "bpf_two"])
def test_replaced_and_replaced_again(snippet, name):
    """The newest name comes first, whichever of the older ones is looked at."""
    assert snippet.code(*CHAIN, name=name) == text("""
        v6.6 to v7.3
        extern int bpf_three___compat(u32 x, u64 flags) __ksym __weak;
        extern int bpf_two___compat(u32 x) __ksym __weak;
        extern int bpf_one___compat(u32 x) __ksym __weak;

        static __always_inline int compat_bpf_three(u32 x, u64 flags)
        {
                /* v6.19 to v7.3: x is a number */
                if (bpf_ksym_exists(bpf_three___compat))
                        return bpf_three___compat(x, flags);
                /* v6.12 to v6.18 */
                if (bpf_ksym_exists(bpf_two___compat))
                        return bpf_two___compat(x);
                /* v6.6 to v6.11 */
                if (bpf_ksym_exists(bpf_one___compat))
                        return bpf_one___compat(x);
                return -95 /* EOPNOTSUPP */;
        }
    """)


def test_at_an_older_release_later_events_are_not_known(snippet):
    assert snippet(*CHAIN, release="v6.12") is None
    at_its_removal = snippet.code(*CHAIN, release="v6.13")
    assert at_its_removal.startswith("v6.6 to v6.13\nextern int bpf_two___compat(u32 x)")
    assert "bpf_three" not in at_its_removal
    assert snippet(*CHAIN, name="bpf_two", release="v6.19") is None


def test_a_replacement_that_was_there_before_is_called_where_the_kfunc_is_gone(snippet):
    """It may not have done yet what it does since the kfunc is gone."""
    gone = one("release: v6.13, event: removed, replacement: [{name: bpf_old, when: x is *small*}]")
    older = entry("bpf_old", "release: v6.1, event: added", prototype="void bpf_old(u32 x)")
    assert snippet.code(gone, older) == text("""
        v6.6 to v7.3
        extern int bpf_one___compat(u32 x) __ksym __weak;
        extern void bpf_old___compat(u32 x) __ksym __weak;

        static __always_inline void compat_bpf_one(u32 x)
        {
                /* v6.6 to v6.12 */
                if (bpf_ksym_exists(bpf_one___compat)) {
                        bpf_one___compat(x);
                        return;
                }
                /* v6.13 to v7.3: x is small */
                if (bpf_ksym_exists(bpf_old___compat)) {
                        bpf_old___compat(x);
                        return;
                }
        }
    """)


def test_deprecated_with_a_replacement_that_was_there_before(snippet):
    """One name will do."""
    deprecated = one("release: v6.13, event: deprecated, reason: No., said_in: a, removal: v7.5, renamed_to: bpf_old")
    older = entry("bpf_old", "release: v6.1, event: added")
    assert snippet(deprecated, older) is None


def test_of_several_replacements_the_first_of_those_that_most_kernels_have(snippet):
    gone = one("release: v6.19, event: removed, replacement: [bpf_late, bpf_early, bpf_soon]")
    others = (
        entry("bpf_late", "release: v6.18, event: added", prototype="int bpf_late(u32 x)"),
        entry("bpf_early", "release: v6.17, event: added", prototype="int bpf_early(u32 x)"),
        entry("bpf_soon", "release: v6.17, event: added", prototype="int bpf_soon(u32 x)"),
    )
    code = snippet.code(gone, *others)
    assert re.findall(r"/\* .* \*/\n.*\((\w+)___", code) == ["bpf_early", "bpf_one"]


def test_removed_without_a_replacement(snippet):
    assert snippet.code(one("release: v6.13, event: removed, no_replacement: Nobody ``used`` it.")) == text("""
        v6.6 to v7.3
        extern int bpf_one___compat(u32 x) __ksym __weak;

        static __always_inline int compat_bpf_one(u32 x)
        {
                /* v6.6 to v6.12 */
                if (bpf_ksym_exists(bpf_one___compat))
                        return bpf_one___compat(x);
                /* Nothing to call on v6.13 to v7.3. Nothing replaces it: Nobody used
                 * it. */
                return -95 /* EOPNOTSUPP */;
        }
    """)


def test_replaced_by_a_kfunc_of_which_the_declaration_is_wrong(snippet):
    """Its prototype is not known: the code cannot call it."""
    gone = one("release: v6.13, event: removed, renamed_to: bpf_new")
    wrong = entry("bpf_new", "release: v6.13, event: added", prototype="none")
    code = snippet.code(gone, wrong, faulty=True)
    assert "        /* Nothing to call on v6.13 to v7.3. */\n" in code
    assert "bpf_new" not in code


def test_replaced_by_what_is_no_kfunc(snippet):
    gone = one("release: v7.2, event: removed, replacement: [{other: A map., when: x is small}, {other: a */ macro}]")
    assert text("""
        /* Nothing to call on v7.2 to v7.3. Instead: A map (x is small); a *
         * / macro. */
    """).replace("\n ", "\n         ") in snippet.code(gone)


def test_deprecated_without_a_kfunc_instead(snippet):
    """The guard is for what is to come."""
    deprecated = one(
        "release: v7.1, event: deprecated, reason: No., said_in: a, removal: v7.5, replacement: [{other: a macro}]"
    )
    assert snippet.code(deprecated) == text("""
        v6.6 to v7.3
        extern int bpf_one___compat(u32 x) __ksym __weak;

        static __always_inline int compat_bpf_one(u32 x)
        {
                /* v6.6 to v7.3 */
                if (bpf_ksym_exists(bpf_one___compat))
                        return bpf_one___compat(x);
                /* Nothing to call on kernels without it. Instead: a macro. */
                return -95 /* EOPNOTSUPP */;
        }
    """)
    assert snippet(deprecated, release="v7.0") is None


# -- prototypes


def test_two_prototypes(snippet):
    changed = one(
        "release: v7.1, event: changed, breaking: true, behaviour: It has to be told the flags., "
        "was: {prototype: int bpf_one(struct a *x)}",
        prototype="int bpf_one(u32 x, u64 flags)",
    )
    assert snippet.code(changed) == text("""
        v6.6 to v7.3
        extern int bpf_one___v7_1(u32 x, u64 flags) __ksym __weak;
        extern int bpf_one___v6_6(struct a *x) __ksym __weak;

        static __always_inline int compat_bpf_one(u32 x, u64 flags, struct a *x_before)
        {
                /* v7.1 to v7.3: It has to be told the flags. */
                if (bpf_ksym_exists(bpf_one___v7_1))
                        return bpf_one___v7_1(x, flags);
                /* v6.6 to v7.0 */
                if (bpf_ksym_exists(bpf_one___v6_6))
                        return bpf_one___v6_6(x_before);
                return -95 /* EOPNOTSUPP */;
        }
    """)
    assert snippet(changed, release="v7.0") is None


BACK = (
    one(
        "release: v6.13, event: removed, renamed_to: bpf_between",
        "release: v7.0, event: added, was: {prototype: int bpf_one(void)}",
        "release: v7.2, event: changed, breaking: true, was: {flags: []}",
        flags="[KF_RCU]",
    ),
    entry(
        "bpf_between",
        "release: v6.13, event: added",
        "release: v7.0, event: removed, renamed_to: bpf_one",
        prototype="int bpf_between(void)",
    ),
)


def test_it_came_back_with_another_prototype(snippet):
    """What it replaced fills the time in which it was gone; a change since then needs no other call."""
    returned = snippet(*BACK)
    assert returned is not None
    assert returned.changed_in == (CALENDAR["v7.2"],)
    assert snippet.code(*BACK) == text("""
        v6.6 to v7.3
        extern int bpf_one___v7_0(u32 x) __ksym __weak;
        extern int bpf_one___v6_6(void) __ksym __weak;
        extern int bpf_between___compat(void) __ksym __weak;

        static __always_inline int compat_bpf_one(u32 x)
        {
                /* v7.0 to v7.3 */
                if (bpf_ksym_exists(bpf_one___v7_0))
                        return bpf_one___v7_0(x);
                /* v6.6 to v6.12 */
                if (bpf_ksym_exists(bpf_one___v6_6))
                        return bpf_one___v6_6();
                /* v6.13 to v6.19 */
                if (bpf_ksym_exists(bpf_between___compat))
                        return bpf_between___compat();
                return -95 /* EOPNOTSUPP */;
        }
    """)


def test_at_an_older_release_it_has_not_come_back(snippet):
    code = snippet.code(*BACK, release="v6.19")
    assert code.startswith("v6.6 to v6.19\nextern int bpf_between___compat(void) __ksym __weak;\n")
    assert "extern int bpf_one___compat(void) __ksym __weak;\n" in code
    assert "u32" not in code


def planned(end: str, *, becomes: str = "int bpf_one(u32 x, u64 flags)", instead: str = "no_replacement: None.") -> str:
    return one(
        f"release: v7.1, event: deprecated, reason: No., said_in: a, change: {end}, becomes: '{becomes}', {instead}"
    )


def test_deprecated_with_a_change_to_come(snippet):
    """Each prototype is declared; libbpf finds the announced one as soon as a kernel has it."""
    assert snippet.code(planned("v7.5")) == text("""
        v6.6 to v7.3
        extern int bpf_one___announced(u32 x, u64 flags) __ksym __weak;
        extern int bpf_one___compat(u32 x) __ksym __weak;

        static __always_inline int compat_bpf_one(u32 x, u64 flags)
        {
                /* as announced for v7.5 */
                if (bpf_ksym_exists(bpf_one___announced))
                        return bpf_one___announced(x, flags);
                /* v6.6 to v7.3 */
                if (bpf_ksym_exists(bpf_one___compat))
                        return bpf_one___compat(x);
                return -95 /* EOPNOTSUPP */;
        }
    """)


@pytest.mark.parametrize(
    ("end", "words"),
    [
        ("undecided", "as announced, without a release"),
        ("v6.22", "as announced for v6.22, which is v7.2"),
    ],
)
def test_when_a_change_is_announced_for(snippet, end, words):
    assert f"        /* {words} */\n" in snippet.code(planned(end))


def test_an_announced_prototype_that_libbpf_takes_for_the_same(snippet):
    code = snippet.code(planned("v7.5", becomes="int bpf_one(u64 y)"))
    assert "announced" not in code
    assert "/* Nothing to call on kernels without it. Nothing replaces it: None. */" in code


def test_a_change_to_come_and_a_replacement(snippet):
    """The replacement where it is there; the name that stays is called by what it is to be as well."""
    new = entry("bpf_new", "release: v7.1, event: added", prototype="int bpf_new(u32 x, u64 flags)")
    code = snippet.code(planned("v7.5", instead="replacement: [bpf_new]"), new)
    names = ["bpf_new___compat", "bpf_one___announced", "bpf_one___compat"]
    assert re.findall(r"exists\((\w+)\)", code) == names
    # One that was always there is not called in place of the name that stays.
    older = entry("bpf_new", "release: v6.1, event: added", prototype="int bpf_new(u32 x, u64 flags)")
    code = snippet.code(planned("v7.5", instead="replacement: [bpf_new]"), older)
    assert re.findall(r"exists\((\w+)\)", code) == names[1:]


# -- behaviour


def test_a_change_of_behaviour_alone(snippet):
    """One call is right on every kernel: there is no code, and the snippet names the release to look at."""
    changed = one("release: v7.1, event: changed, breaking: true, behaviour: '``x`` has to be even.'")
    assert snippet(changed) == Snippet("v6.6 to v7.3", changed_in=(CALENDAR["v7.1"],))
    assert snippet(changed, release="v7.0") is None
    assert snippet(one("release: v7.1, event: changed, behaviour: It is faster.")) is None


def comments(code: str) -> list[str]:
    return [
        " ".join(re.sub(r"\n\s+\* ", " ", comment).split())
        for comment in re.findall(r"/\* (.*?) \*/\n", code, re.DOTALL)
    ]


OTHER_PROTOTYPE = "prototype: int bpf_one(struct a *x)"


def test_several_changes(snippet):
    """The comment of a call is about the change with which it came; later changes are to be looked at."""
    changed = one(
        f"release: v7.0, event: changed, breaking: true, behaviour: 'A. Up to v6.19, b.', was: {{{OTHER_PROTOTYPE}}}",
        "release: v7.2, event: changed, breaking: true, behaviour: 'C. Before, d.'",
        "release: v7.2, event: changed, was: {flags: [KF_RCU]}",
    )
    assert comments(snippet.code(changed)) == ["v7.0 to v7.3: A.", "v6.6 to v6.19"]
    assert snippet(changed).changed_in == (CALENDAR["v7.2"],)


def test_changes_in_one_release_are_in_one_comment(snippet):
    changed = one(
        f"release: v7.2, event: changed, breaking: true, behaviour: 'C. Before, d.', was: {{{OTHER_PROTOTYPE}}}",
        "release: v7.2, event: changed, breaking: true, was: {filter: Only e}",
        filter="Only f.",
    )
    assert comments(snippet.code(changed)) == ["v7.2 to v7.3: C. Only f.", "v6.6 to v7.1"]


LONG = "Only " + ", ".join(f"``ops.callback_{number}()``" for number in range(10))


@pytest.mark.parametrize(
    ("was", "behaviour", "fields", "since"),
    [
        (
            "flags: [KF_ACQUIRE]", "", {"flags": "[KF_RCU]"},
            "Removed KF_ACQUIRE. Added KF_RCU: Pointers protected by RCU will do.",
        ),
        ("flags: []", "", {"flags": "[KF_ACQUIRE]"}, "Added KF_ACQUIRE: The program owns what it gets."),
        ("flags: []", "", {"flags": "[KF_NEW]"}, "Added KF_NEW."),
        ("program_types: []", "", {"program_types": f"[{XDP}]"}, f"Added {XDP}."),
        ("filter: null", "", {"filter": "Only *here*"}, "Only here."),
        ("filter: Only here", "", {}, "Changed in v7.1."),
        ("filter: null", "No.", {"filter": LONG}, "Only where its filter allows it. No."),
        ("filter: Only here", "No.", {"filter": LONG}, "No."),
        ("depends_on: NET", "", {}, "Changed in v7.1."),
        ("module: net", "No. Before v7.1, yes. Again no.", {}, "No. Again no."),
    ],
)  # fmt: skip
def test_changes_in_words(tmp_path, was, behaviour, fields, since):
    words = f', behaviour: "{behaviour}"' if behaviour else ""
    changed = one(f"release: v7.1, event: changed, breaking: true, was: {{{OTHER_PROTOTYPE}, {was}}}{words}", **fields)
    snippet = snippets(catalog_of(tmp_path, faulty=True, demo=subsystem(changed))).of("bpf_one")
    assert snippet is not None
    assert comments(snippet.code) == [f"v7.1 to v7.3: {since}", "v6.6 to v7.0"]


@pytest.mark.parametrize(
    ("release", "words"),
    [
        ("v7.0..v7.2", "v7.2 to v7.3: No. This came in v7.2 at the latest, after v7.0."),
        ("..v7.2", "v7.2 to v7.3: No. This came in v7.2 or before."),
        ("v7.1..v7.2", "v7.2 to v7.3: No."),
    ],
)
def test_a_change_of_which_the_release_is_not_certain(snippet, release, words):
    was = f"was: {{{OTHER_PROTOTYPE}}}"
    changed = one(f"release: {release}, event: changed, breaking: true, behaviour: No., {was}")
    assert comments(snippet.code(changed))[0] == words


WRAPPER = "{name: one, header: tools/compat.bpf.h}"


def test_what_programs_call_instead_of_the_bare_kfunc(snippet):
    """It is that of the kfunc that is called first, as of the release that the record goes up to."""
    gone = one("release: v6.13, event: removed, renamed_to: bpf_new", wrapper="{name: old, header: a.h}")
    new = entry("bpf_new", "release: v6.13, event: added", prototype="int bpf_new(u32 x)", wrapper=WRAPPER)
    wrapper = snippet(gone, new).wrapper
    assert (wrapper.name, wrapper.header) == ("one", "tools/compat.bpf.h")
    assert snippet(gone, new, release="v6.19").wrapper is None


# -- for the kernels of an audit


def test_on_given_kernels_the_code_is_that_of_the_page(tmp_path):
    """It has the branches for these kernels, and no other."""
    made = snippets(catalog_of(tmp_path, demo=subsystem("".join(CHAIN))))
    record = made._record
    page = made.of("bpf_one")
    kernels = tuple(record.kernel(CALENDAR[name]) for name in ("v6.6", "v6.12", "v6.19", "v7.3"))
    assert page is not None
    assert made.on("bpf_one", page_kernels(record, page.kernels)) == page
    code = made.on("bpf_one", kernels[1:]).code
    assert comments(code) == ["v6.19 and v7.3: x is a number", "v6.12"]
    assert "Nothing to call" not in code
    assert made.on("bpf_one", kernels[2:]) is None
    assert made.on("bpf_never_declared", kernels) is None


def page_kernels(record: KernelRecord, words: str) -> tuple[Kernel, ...]:
    first, last = words.split(" to ")
    return tuple(map(record.kernel, CALENDAR.between(CALENDAR[first], CALENDAR[last])))


AVOIDED = one("release: v7.1, event: changed, avoid_before: true, behaviour: It no longer fails.")


def test_not_to_be_called_before_a_release(snippet):
    assert snippet.code(AVOIDED) == text("""
        v6.6 to v7.3
        extern int bpf_one___compat(u32 x) __ksym __weak;
        extern int LINUX_KERNEL_VERSION __kconfig;

        static __always_inline int compat_bpf_one(u32 x)
        {
                /* v7.1 to v7.3: It no longer fails. */
                if (bpf_ksym_exists(bpf_one___compat) &&
                    LINUX_KERNEL_VERSION >= KERNEL_VERSION(7, 1, 0))
                        return bpf_one___compat(x);
                /* Nothing to call on v6.6 to v7.0: bpf_one() is not to be called
                 * before v7.1. */
                return -95 /* EOPNOTSUPP */;
        }
    """)
    assert snippet(AVOIDED, release="v7.0") is None


def test_superseded_and_changed(snippet):
    """What is to be called instead where it is there; where it always was, what changed."""
    superseded = one(
        "release: v7.1, event: changed, breaking: true, behaviour: No.",
        "release: v7.1, event: superseded, replacement: [bpf_new], said_in: a",
    )
    newer = entry("bpf_new", "release: v7.1, event: added", prototype="int bpf_new(u32 x)")
    assert comments(snippet.code(superseded, newer))[:2] == ["v7.1 to v7.3", "v6.6 to v7.0"]
    older = entry("bpf_new", "release: v6.1, event: added", prototype="int bpf_new(u32 x)")
    assert snippet(superseded, older) == Snippet("v6.6 to v7.3", changed_in=(CALENDAR["v7.1"],))
    unchanged = one("release: v7.1, event: superseded, replacement: [bpf_new], said_in: a")
    assert snippet(unchanged, newer) is None


# -- how far the record goes


def test_kernels_of_which_a_replacement_is_not_recorded(tmp_path):
    """Where it is not known what a kernel has to call, nothing is said of that kernel."""
    catalog = catalog_of(
        tmp_path,
        here=subsystem(one("release: v6.13, event: removed, renamed_to: bpf_new"), name="here"),
        there=subsystem(entry("bpf_new", "release: v6.13, event: added"), name="there", recorded="v6.19"),
    )
    found = snippets(catalog).of("bpf_one")
    assert found is not None
    assert found.kernels == "v6.6 to v6.19"


# -- any history


def named(kfunc: Kfunc, name: str) -> Kfunc:
    """Return *kfunc* under another name."""
    return Kfunc.model_validate_json(kfunc.model_dump_json(exclude_unset=True).replace(NAME, name))


@given(kfunc=kfuncs(), other=st.one_of(st.none(), kfuncs()), release=REAL_RELEASES, date=DATES)
def test_any_valid_history(kfunc, other, release, date):
    """There is code or there is none; it declares what it calls, and nothing that the record does not know."""
    catalog = catalog_with(kfunc, *([named(other, "bpf_new")] if other else []))
    for name in catalog.entries:
        found = snippets(catalog, release, date).of(name)
        if found is None:
            continue
        assert found.code or found.changed_in
        if not found.code:
            continue
        code = re.sub(r"/\*.*?\*/", "", found.code, flags=re.DOTALL)
        declared = set(re.findall(r"^extern \w+ (\w+)\(.*\) __ksym __weak;$", code, re.MULTILINE))
        called = set(re.findall(r"(?:return |\t\t)(\w+___\w+)\(", code))
        assert declared == called == set(re.findall(r"bpf_ksym_exists\((\w+)\)", code))
        assert {essential_name(each) for each in declared} <= set(catalog.entries)
        assert ("LINUX_KERNEL_VERSION __kconfig;" in code) == (">= KERNEL_VERSION(" in code)
        releases = re.findall(r"v\d+\.\d+", found.kernels)
        assert releases[-1] == release.name
        assert CALENDAR[releases[0]] <= release
        # Each call has a condition of its own: none stands behind one that is always met before it.
        conditions = re.findall(r"if \((.*?)\)(?: \{)?\n\t\t\w", code, re.DOTALL)
        assert len(set(conditions)) == len(conditions)


@pytest.mark.record
def test_no_code_of_the_record_makes_one_call_in_several_branches():
    catalog = load(find([str(ROOT / "data")]))
    made = snippets(catalog, catalog.calendar["v7.3"])
    codes = [snippet.code for snippet in map(made.of, catalog.entries) if snippet is not None and snippet.code]
    assert len(codes) > 30
    for code in codes:
        called = re.findall(r"bpf_ksym_exists\((\w+)\)", code)
        assert len(called) == len(set(called)), code


def test_one_that_came_and_went_in_the_same_release_has_none(snippet):
    gone = one("release: v6.6, event: removed, no_replacement: It burnt.")
    assert snippet(gone, faulty=True) is None


@given(kfunc=kfuncs(), release=REAL_RELEASES, date=DATES)
def test_what_comes_later_changes_no_snippet(kfunc, release, date):
    """A page as of a release is the same before and after later events were recorded."""
    until = sum(CALENDAR.when(event.release).by <= release for event in kfunc.history)
    if not until:
        assert snippets(catalog_with(kfunc), release, date).of(NAME) is None
        return
    facts = facts_at(kfunc, CALENDAR, release)
    earlier = kfunc.model_copy(update={"history": kfunc.history[:until], **vars(facts)})
    known, unknown = (snippets(catalog_with(each), release, date).of(NAME) for each in (kfunc, earlier))
    assert known == unknown
