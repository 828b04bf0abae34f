# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Objects against kernels: what is found, on which kernels, why, and what is advised."""

from __future__ import annotations

import dataclasses
import datetime
from textwrap import dedent
from typing import Iterable, Optional

import pytest
from behind import behind_tests
from declared import CALENDAR, TODAY, catalog_of, entry, subsystem
from hypothesis import given, settings
from hypothesis import strategies as st

from kfuncdoc.audit.asked_kernels import KernelUnknown, asked_for, observed_kernel
from kfuncdoc.audit.engine import AuditRequest, run
from kfuncdoc.audit.findings import AuditRule, Report, Status
from kfuncdoc.audit.loaders import Loader
from kfuncdoc.audit.words import in_which_it_loads
from kfuncdoc.bpf.conditions import CoreOutcome
from kfuncdoc.bpf.objects import BpfObject, Call, Extern, Program, SymbolFault, UnplacedSymbol
from kfuncdoc.bpf.shape import FORWARD, FUNCTION, POINTER, VOID, shape_of
from kfuncdoc.compat.kernels import KernelRecord, in_words
from kfuncdoc.kernels.observation import KernelFunctions
from kfuncdoc.record.snapshot import Snapshot
from kfuncdoc.record.stability import Stability
from kfuncdoc.views.kfunc import KfuncViews

XDP, TRACING, STRUCT_OPS = "BPF_PROG_TYPE_XDP", "BPF_PROG_TYPE_TRACING", "BPF_PROG_TYPE_STRUCT_OPS"
PACKET = Program("packet", "xdp", XDP)
FOR_XDP = {"program_types": f"[{XDP}]"}
EVERYTHING = frozenset(Status)

_RENAMED = (
    entry(
        "bpf_old",
        "release: v6.6, event: added",
        "release: v6.13, event: deprecated, reason: No., said_in: a, removal: v6.15, renamed_to: bpf_new",
        "release: v6.17, event: removed",
        **FOR_XDP,
    )
    + entry("bpf_new", "release: v6.13, event: added", **FOR_XDP)
    + entry("bpf_always", "release: v6.6, event: added", **FOR_XDP)
)
RENAMED = subsystem(_RENAMED)


class Bench:
    """A record of a few kfuncs, and audits of objects that call them."""

    def __init__(self, folder) -> None:
        self._folder = folder
        self.record: Optional[KernelRecord] = None

    def __call__(self, text: str, date: datetime.date = TODAY) -> Bench:
        self.record = KernelRecord.whole(catalog_of(self._folder, demo=text), date)
        return self

    def audit(
        self,
        *objects: BpfObject,
        first: str = "",
        last: str = "",
        names: Iterable[str] = (),
        more=(),
        loader: Loader = Loader.LIBBPF,
        optional: bool = False,
    ) -> Report:
        assert self.record is not None
        kernels = asked_for(self.record, first=first or None, last=last or None, names=names)
        return run(AuditRequest(objects, self.record, (*kernels, *more), loader=loader, optional=optional))


@pytest.fixture
def record(tmp_path):
    return Bench(tmp_path)


def calling(*names: str, weak: bool = False, found: str = "", missed: str = "", program: Program = PACKET) -> BpfObject:
    """Return an object that calls *names*, behind tests that found and missed others."""
    externs = tuple(Extern(name, weak, f"void {name}(void)", shape_of(f"void {name}(void)")) for name in names)
    calls = tuple(Call(name, "packet", (program,), None, behind_tests(found, missed), (program,)) for name in names)
    return BpfObject("prog.bpf.o", externs, (program,), calls)


def told(report: Report) -> list[tuple[str, str, str, str]]:
    """Return what was found: rule, extern, kernels and reason."""
    return [
        (each.rule.rule, each.extern.name, in_words(each.kernels, report.kernels), each.reason)
        for each in report.findings
    ]


def summary(report: Report) -> str:
    (each,) = report.objects
    return in_which_it_loads(each, report.kernels)


# -- there or not


def test_nothing_to_report(record):
    report = record(RENAMED).audit(calling("bpf_always"), first="v6.6")
    assert (told(report), summary(report)) == ([], "loads on v6.6 to v7.3")
    assert report.status(EVERYTHING) is Status.CLEAN


def test_no_kfuncs(record):
    report = record(RENAMED).audit(BpfObject("prog.bpf.o"), first="v6.6")
    assert (told(report), summary(report)) == ([], "calls no kfuncs")


def test_strong_and_gone(record):
    report = record(RENAMED).audit(calling("bpf_old"), first="v6.12")
    assert told(report) == [("kfunc-absent", "bpf_old", "v6.17 to v7.3", "gone from v6.17")]
    assert summary(report) == "loads on v6.12 to v6.16; breaks in v6.17"
    assert report.status(EVERYTHING) is Status.REPLACEMENT
    (finding,) = report.findings
    assert finding.programs == ("packet",)
    assert finding.advice is not None
    assert finding.advice.words == "call bpf_new (not on v6.12)"
    assert [kernel.name for kernel in finding.advice.missing_on] == ["v6.12"]
    assert finding.advice.guard == dedent("""\
        extern void bpf_new___compat(void) __ksym __weak;
        extern void bpf_old___compat(void) __ksym __weak;

        static __always_inline void compat_bpf_new(void)
        {
        \t/* v6.13 to v7.3 */
        \tif (bpf_ksym_exists(bpf_new___compat)) {
        \t\tbpf_new___compat();
        \t\treturn;
        \t}
        \t/* v6.12 */
        \tif (bpf_ksym_exists(bpf_old___compat)) {
        \t\tbpf_old___compat();
        \t\treturn;
        \t}
        }
    """)


def test_replacement_on_every_kernel(record):
    report = record(RENAMED).audit(calling("bpf_old"), first="v6.13")
    (finding,) = report.findings
    assert finding.advice is not None
    assert (finding.advice.words, finding.advice.guard) == ("call bpf_new (on every kernel asked for)", None)
    assert report.status(EVERYTHING) is Status.BREAKS
    one = record(RENAMED).audit(calling("bpf_old"), names=["v7.0"])
    assert one.findings[0].advice.words == "call bpf_new"


def test_replacements_that_are_no_kfuncs(record):
    text = subsystem(
        entry(
            "bpf_old",
            "release: v6.6, event: added",
            "release: v6.17, event: removed, replacement: "
            "[{other: Copy it., when: it is small}, {other: the macro big()}]",
        )
    )
    report = record(text).audit(calling("bpf_old"), names=["v7.0"])
    assert report.findings[0].advice.words == "use Copy it (it is small); use the macro big()"


def test_not_there_yet(record):
    report = record(RENAMED).audit(calling("bpf_new"), first="v6.11", last="v6.14")
    assert told(report) == [("kfunc-absent", "bpf_new", "v6.11 to v6.12", "not there before v6.13")]
    assert summary(report) == "loads on v6.13 to v6.14; not on v6.11 to v6.12"
    assert report.findings[0].advice.words == "call bpf_old on v6.11 to v6.12"
    alone = record(RENAMED).audit(calling("bpf_new"), names=["v6.12"])
    assert (alone.findings[0].advice.words, alone.findings[0].advice.guard) == ("call bpf_old on v6.12", None)
    # What was before it is no help where that is not there either.
    early = record(RENAMED).audit(calling("bpf_new"), names=["v6.1", "v7.0"])
    assert early.findings[0].advice.words == "guard the call"
    assert "/* v6.11 to v6.12 */\n\tif (bpf_ksym_exists(bpf_old___compat))" in report.findings[0].advice.guard


def test_gone_and_back(record):
    text = subsystem(
        entry(
            "bpf_one",
            "release: v6.6, event: added",
            "release: v6.12, event: removed, no_replacement: Too slow.",
            "release: v7.1, event: added, was: {prototype: void bpf_one(void)}",
        )
    )
    report = record(text).audit(calling("bpf_one"), first="v6.11", last="v7.1")
    assert told(report) == [("kfunc-absent", "bpf_one", "v6.12 to v7.0", "gone from v6.12, back in v7.1")]
    assert summary(report) == "loads on v6.11 and v7.1; not on v6.12 to v7.0"


def test_gone_and_back_as_it_was(record):
    """The guard has one call for both times."""
    text = subsystem(
        entry(
            "bpf_one",
            "release: v6.6, event: added",
            "release: v6.12, event: removed, no_replacement: Too slow.",
            "release: v7.1, event: added",
        )
    )
    (finding,) = record(text).audit(calling("bpf_one"), first="v6.11", last="v7.1").findings
    assert finding.advice.guard == dedent("""\
        extern void bpf_one___compat(void) __ksym __weak;

        static __always_inline void compat_bpf_one(void)
        {
        \t/* v6.11 and v7.1 */
        \tif (bpf_ksym_exists(bpf_one___compat)) {
        \t\tbpf_one___compat();
        \t\treturn;
        \t}
        \t/* Nothing to call on v6.12 to v7.0. */
        }
    """)


def test_deprecated(record):
    report = record(RENAMED).audit(calling("bpf_old"), first="v6.12", last="v6.14")
    assert told(report) == [
        ("deprecated", "bpf_old", "v6.13 to v6.14", "deprecated since v6.13: removal, announced for v6.15")
    ]
    assert report.status(EVERYTHING) is Status.REPLACEMENT
    assert report.status(frozenset({Status.DEPRECATED})) is Status.DEPRECATED
    past_due = record(RENAMED).audit(calling("bpf_old"), names=["v6.16"])
    assert told(past_due)[0][3] == "deprecated since v6.13: removal, announced for v6.15, past due in v6.16"
    assert past_due.status(EVERYTHING) is Status.DEPRECATED


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        ("removal: undecided, no_replacement: Nobody used it.", "removal, no release is announced"),
        ("removal: v6.22, no_replacement: Nobody used it.", "removal, announced for v6.22, which is v7.2"),
        (
            "change: v7.3, becomes: int bpf_one(void), replacement: [{other: a helper}]",
            "another prototype, announced for v7.3",
        ),
    ],
)  # fmt: skip
def test_what_is_announced(record, plan, words):
    deprecated = f"release: v6.13, event: deprecated, reason: No., said_in: a, {plan}"
    text = subsystem(entry("bpf_one", "release: v6.6, event: added", deprecated))
    report = record(text).audit(calling("bpf_one"), names=["v6.13"])
    assert told(report) == [("deprecated", "bpf_one", "v6.13", f"deprecated since v6.13: {words}")]
    expected = "nothing replaces it: Nobody used it." if "no_replacement" in plan else "use a helper"
    assert report.findings[0].advice.words == expected


def test_superseded(record):
    text = subsystem(
        entry("bpf_one", "release: v6.6, event: added", "release: v6.13, event: superseded, replacement: [bpf_two]")
        + entry("bpf_two", "release: v6.13, event: added")
    )
    report = record(text).audit(calling("bpf_one"), names=["v7.0"])
    assert told(report) == [
        ("superseded", "bpf_one", "v7.0", "another kfunc is preferred, but no removal is announced")
    ]
    assert report.status(EVERYTHING) is Status.CLEAN


def test_unknown(record):
    report = record(RENAMED).audit(calling("bpf_new_"), names=["v7.0"])
    assert told(report) == [
        ("kfunc-unknown", "bpf_new_", "v7.0", "the record does not know it: did you mean 'bpf_new'?")
    ]
    assert summary(report) == "not known for v7.0"
    assert report.status(EVERYTHING) is Status.UNKNOWN
    weak = record(RENAMED).audit(calling("bpf_new_", weak=True, found="bpf_new_"), names=["v7.0"])
    assert [each[0] for each in told(weak)] == ["unknown-guarded"]
    assert weak.status(EVERYTHING) is Status.CLEAN
    assert summary(weak) == "loads on v7.0"
    unguarded = record(RENAMED).audit(calling("bpf_new_", weak=True), names=["v7.0"])
    assert unguarded.status(EVERYTHING) is Status.UNKNOWN


def test_kfuncs_of_the_kernels_own_tests(record):
    """The record leaves them out, and so says no hint at another name."""
    report = record(RENAMED).audit(calling("bpf_kfunc_call_test1"), names=["v7.0"])
    reason = "the record leaves it out: a kfunc of the kernel's own tests has this name"
    assert told(report) == [("kfunc-unknown", "bpf_kfunc_call_test1", "v7.0", reason)]
    guarded = calling("bpf_testmod_ops", weak=True, found="bpf_testmod_ops")
    assert told(record(RENAMED).audit(guarded, names=["v7.0"])) == [
        ("unknown-guarded", "bpf_testmod_ops", "v7.0", reason)
    ]
    bench = record(RENAMED)
    more = {"modules": {"bpf_kfunc_call_test1": "bpf_testmod"}}
    kernel = observed(bench, "7.0.1", True, more=more, bpf_kfunc_call_test1="void bpf_kfunc_call_test1(void)")
    assert told(bench.audit(calling("bpf_kfunc_call_test1"), more=[kernel])) == [
        (
            "kfunc-unknown", "bpf_kfunc_call_test1", "7.0.1 (vmlinux)",
            f"{reason}; the kernel has it, in the module bpf_testmod",
        ),
        ("module-needed", "bpf_kfunc_call_test1", "7.0.1 (vmlinux)", "needs the module bpf_testmod loaded"),
    ]  # fmt: skip


def test_a_record_that_ends_before_what_is_declared(record):
    """Of what came later it knows nothing: neither that a kfunc went, nor what replaces it."""
    catalog = record(RENAMED).record.snapshot.catalog
    ended = KernelRecord(KfuncViews(Snapshot(catalog, CALENDAR["v6.12"], TODAY)))
    assert (ended.snapshot.last.name, ended.snapshot.releases[-1].name) == ("v6.12", "v6.12")
    assert ended.snapshot.lifecycle_at("bpf_old", CALENDAR["v6.13"]) is None
    assert ended.snapshot.lifecycle("bpf_old").stability is Stability.PRESENT
    assert ended.views.replacements.of("bpf_old").kfuncs == ended.views.replacements.replaced_by("bpf_new") == ()
    assert (len(ended.snapshot.variants("bpf_old")), ended.snapshot.variants("bpf_new")) == (1, ())
    assert Snapshot(catalog, CALENDAR["v7.2"], TODAY).lifecycle("bpf_old").stability is Stability.REMOVED


def test_recorded_up_to_another_release(record, tmp_path):
    catalog = catalog_of(
        tmp_path,
        demo=RENAMED,
        short=subsystem(entry("bpf_short", "release: v6.6, event: added"), name="short", recorded="v7.1"),
    )
    report = run(AuditRequest([calling("bpf_short")], record_of(catalog), asked_for(record_of(catalog), first="v7.0")))
    assert told(report) == [("kfunc-unknown", "bpf_short", "v7.2 to v7.3", "the record ends with v7.1")]


def record_of(catalog) -> KernelRecord:
    return KernelRecord.whole(catalog, TODAY)


# -- weak


def test_advice_names_no_kernel_that_lacks_another_kfunc_of_the_object(record):
    """The audit leaves these kernels out; a branch for them would never run."""
    text = subsystem(_RENAMED + entry("bpf_late", "release: v6.14, event: added", **FOR_XDP))
    alone = record(text).audit(calling("bpf_old"))
    assert "/* v6.6 to v6.12 */" in alone.findings[0].advice.guard
    report = record(text).audit(together(calling("bpf_old"), calling("bpf_late")))
    assert summary(report) == "loads on v6.14 to v6.16; not on v6.1 to v6.13; breaks in v6.17"
    advice = report.findings[0].advice
    assert (advice.words, advice.guard) == ("call bpf_new (on every kernel asked for)", None)


def test_weak_and_guarded(record):
    report = record(RENAMED).audit(calling("bpf_old", weak=True, found="bpf_old"), first="v6.12")
    assert told(report) == [
        ("absent-guarded", "bpf_old", "v6.17 to v7.3", "gone from v6.17"),
        (
            "deprecated-guarded", "bpf_old", "v6.13 to v6.16",
            "deprecated since v6.13: removal, announced for v6.15, past due in v6.16",
        ),
    ]  # fmt: skip
    assert summary(report) == "loads on v6.12 to v7.3"
    assert report.status(EVERYTHING) is Status.CLEAN


def test_weak_without_a_guard(record):
    report = record(RENAMED).audit(calling("bpf_old", weak=True), names=["v6.12", "v6.17"])
    assert told(report) == [("guard-missing", "bpf_old", "v6.17", "gone from v6.17")]
    assert summary(report) == "loads on v6.12; may break on v6.17"
    assert report.status(EVERYTHING) is Status.REPLACEMENT
    assert report.status(frozenset({Status.BREAKS})) is Status.BREAKS


def test_the_last_alternative_needs_no_test_of_its_own(record):
    """Where another one is there, it is not reached; nor is what is called behind a test of another one."""
    new = calling("bpf_new", weak=True, found="bpf_new")
    old = calling("bpf_old", weak=True, missed="bpf_new")
    both = BpfObject("prog.bpf.o", new.externs + old.externs, (PACKET,), new.calls + old.calls)
    report = record(RENAMED).audit(both, first="v6.12")
    assert [(each.rule, each.extern.name) for each in report.findings] == [
        (AuditRule.ABSENT_GUARDED, "bpf_new"),
        (AuditRule.ABSENT_GUARDED, "bpf_old"),
    ]
    assert summary(report) == "loads on v6.12 to v7.3"


def test_declared_and_not_called(record):
    silent = BpfObject("prog.bpf.o", calling("bpf_old").externs)
    assert told(record(RENAMED).audit(silent, first="v6.12")) == [
        ("kfunc-absent", "bpf_old", "v6.17 to v7.3", "gone from v6.17")
    ]
    weak = BpfObject("prog.bpf.o", calling("bpf_old", weak=True).externs)
    assert told(record(RENAMED).audit(weak, first="v6.12")) == [
        ("absent-guarded", "bpf_old", "v6.17 to v7.3", "gone from v6.17")
    ]


# -- prototypes

CHANGED = subsystem(
    entry(
        "bpf_one",
        "release: v6.6, event: added",
        "release: v7.0, event: changed, breaking: true, was: {prototype: u32 bpf_one(u32 x)}",
        prototype="u32 bpf_one(u32 x, void *ctx)",
    )
)


def declaring(prototype: str, name: str = "bpf_one", *, weak: bool = False) -> BpfObject:
    extern = Extern(name, weak, prototype, shape_of(prototype))
    return BpfObject("prog.bpf.o", (extern,), (PACKET,), (Call(name, "packet", (PACKET,)),))


def test_another_prototype(record):
    report = record(CHANGED).audit(declaring("int bpf_one(u64)"), first="v6.19", last="v7.0")
    assert told(report) == [
        (
            "prototype-incompatible", "bpf_one", "v7.0",
            "its prototype is u32 bpf_one(u32 x, void *ctx), but the program declares int bpf_one(u64)",
        ),
    ]  # fmt: skip
    assert summary(report) == "loads on v6.19; breaks in v7.0"
    advice = report.findings[0].advice
    assert advice.words == "declare each prototype, and guard the call"
    assert "return bpf_one___v7_0(x, ctx);" in advice.guard
    assert "return bpf_one___v6_6(x);" in advice.guard


def test_weak_with_another_prototype(record):
    """libbpf takes it for one that is not there."""
    report = record(CHANGED).audit(declaring("u32 bpf_one(u32)", weak=True), names=["v7.0"])
    assert [each[0] for each in told(report)] == ["guard-missing"]


def test_a_prototype_that_nobody_knows(record):
    silent = BpfObject("prog.bpf.o", (Extern("bpf_one", False),), (PACKET,), (Call("bpf_one", "packet", (PACKET,)),))
    assert [each[0] for each in told(record(CHANGED).audit(silent, first="v6.19"))] == ["changed"]


def test_a_structure_that_is_only_declared(record):
    """``struct thing;`` is a forward declaration in BTF, which libbpf does not take for a structure."""
    text = subsystem(entry("bpf_one", "release: v6.6, event: added", prototype="void bpf_one(struct thing *p)"))
    shape = (FUNCTION, VOID, (POINTER, FORWARD))
    forward = BpfObject("prog.bpf.o", (Extern("bpf_one", False, "void bpf_one(struct thing *)", shape),))
    assert told(record(text).audit(forward, names=["v7.0"])) == [
        (
            "prototype-incompatible", "bpf_one", "v7.0",
            "its prototype is void bpf_one(struct thing *p), but the program declares void bpf_one(struct thing *); "
            "libbpf does not match a structure that the program only declares, or whose members it does not use: "
            "define the structure, as vmlinux.h does, and use a member",
        ),
    ]  # fmt: skip


def test_flavours(record):
    report = record(CHANGED).audit(declaring("u32 bpf_one___old(u32)", "bpf_one___old"), first="v6.19", last="v7.0")
    assert [(each[0], each[2]) for each in told(report)] == [("prototype-incompatible", "v7.0")]


def test_a_name_that_libbpf_takes_for_a_flavour(record):
    text = subsystem(
        entry("bpf_one", "release: v6.6, event: added", prototype="void bpf_one(void)")
        + entry("bpf_one___v2", "release: v6.6, event: added", prototype="int bpf_one___v2(void)")
    )
    report = record(text).audit(declaring("int bpf_one___v2(void)", "bpf_one___v2"), names=["v7.0"])
    assert [each[0] for each in told(report)] == ["prototype-incompatible", "flavour-mistaken"]
    assert told(report)[1][3] == ("libbpf takes ___v2 for a flavour and finds bpf_one: declare bpf_one___v2___compat")
    weak = record(text).audit(declaring("int bpf_one___v2(void)", "bpf_one___v2", weak=True), names=["v7.0"])
    assert "flavour-mistaken" in [each[0] for each in told(weak)]
    right = declaring("int bpf_one___v2___compat(void)", "bpf_one___v2___compat")
    assert told(record(text).audit(right, names=["v7.0"])) == []


# -- cilium/ebpf


NO_FLAVOUR = "cilium/ebpf looks for this whole name: it does not treat ___own as a flavour"


def test_cilium_knows_no_flavours(record):
    strong = record(RENAMED).audit(calling("bpf_always___own"), names=["v7.0"], loader=Loader.CILIUM)
    assert told(strong) == [("kfunc-absent", "bpf_always___own", "v7.0", NO_FLAVOUR)]
    assert (summary(strong), strong.loader) == ("breaks on v7.0", Loader.CILIUM)
    weak = record(RENAMED).audit(calling("bpf_always___own", weak=True), names=["v7.0"], loader=Loader.CILIUM)
    assert [each[0] for each in told(weak)] == ["guard-missing"]
    guarded = calling("bpf_always___own", weak=True, found="bpf_always___own")
    report = record(RENAMED).audit(guarded, names=["v7.0"], loader=Loader.CILIUM)
    assert told(report) == [("absent-guarded", "bpf_always___own", "v7.0", NO_FLAVOUR)]
    assert told(record(RENAMED).audit(guarded, names=["v7.0"])) == []


def test_cilium_knows_no_flavours_on_a_real_kernel(record):
    bench = record(RENAMED)
    kernel = observed(bench, "7.0.1", bpf_always="void bpf_always(void)")
    report = bench.audit(calling("bpf_always___own"), more=[kernel], loader=Loader.CILIUM)
    assert told(report) == [("kfunc-absent", "bpf_always___own", "7.0.1 (vmlinux)", NO_FLAVOUR)]
    assert report.findings[0].observed


def test_a_call_behind_a_flavour_that_cilium_does_not_find_is_not_reached(record):
    """The other branch is, as on a kernel without the kfunc."""
    new = calling("bpf_new___own", weak=True, found="bpf_new___own")
    old = calling("bpf_old", weak=True, missed="bpf_new___own")
    with_libbpf = record(RENAMED).audit(together(new, old), names=["v6.17"])
    assert summary(with_libbpf) == "loads on v6.17"
    report = record(RENAMED).audit(together(new, old), names=["v6.17"], loader=Loader.CILIUM)
    assert [each[:2] for each in told(report)] == [("absent-guarded", "bpf_new___own"), ("guard-missing", "bpf_old")]


def test_cilium_finds_kfuncs_whose_own_name_looks_like_a_flavour(record):
    text = subsystem(
        entry("bpf_one", "release: v6.6, event: added", prototype="void bpf_one(void)")
        + entry("bpf_one___v2", "release: v6.6, event: added", prototype="int bpf_one___v2(void)")
    )
    plain = declaring("int bpf_one___v2(void)", "bpf_one___v2")
    assert told(record(text).audit(plain, names=["v7.0"], loader=Loader.CILIUM)) == []
    for_libbpf = declaring("int bpf_one___v2___compat(void)", "bpf_one___v2___compat")
    report = record(text).audit(for_libbpf, names=["v7.0"], loader=Loader.CILIUM)
    assert [each[0] for each in told(report)] == ["kfunc-absent"]


def test_cilium_refuses_another_prototype_of_a_weak_kfunc_too(record):
    weak = declaring("u32 bpf_one(u32)", weak=True)
    guarded = dataclasses.replace(
        weak, calls=(Call("bpf_one", "packet", (PACKET,), condition=behind_tests("bpf_one", "")),)
    )
    with_libbpf = record(CHANGED).audit(guarded, names=["v7.0"])
    assert [each[0] for each in told(with_libbpf)] == ["absent-guarded"]
    report = record(CHANGED).audit(guarded, names=["v7.0"], loader=Loader.CILIUM)
    assert told(report) == [
        (
            "prototype-incompatible", "bpf_one", "v7.0",
            "its prototype is u32 bpf_one(u32 x, void *ctx), but the program declares u32 bpf_one(u32); cilium/ebpf "
            "refuses this even though the extern is weak",
        )
    ]  # fmt: skip
    assert summary(report) == "breaks on v7.0"


def test_guards_for_cilium_have_no_flavours(record):
    (finding,) = record(RENAMED).audit(calling("bpf_old"), first="v6.12", loader=Loader.CILIUM).findings
    assert finding.advice is not None
    assert finding.advice.guard is not None
    assert "___" not in finding.advice.guard
    assert "if (bpf_ksym_exists(bpf_new)) {" in finding.advice.guard
    (changed,) = (
        record(CHANGED).audit(declaring("u32 bpf_one(u32)"), first="v6.19", last="v7.0", loader=Loader.CILIUM).findings
    )
    assert changed.advice is None


# -- who may call


def test_program_types(record):
    report = record(RENAMED).audit(calling("bpf_always", program=Program("trace", "fentry/x", TRACING)), names=["v7.0"])
    assert told(report) == [
        ("not-callable", "bpf_always", "v7.0", "tracing programs may not call it; these may: XDP programs")
    ]
    assert summary(report) == "breaks on v7.0"
    assert report.status(EVERYTHING) is Status.BREAKS


def test_hooks_of_a_release(record):
    text = subsystem(entry("bpf_one", "release: v6.6, event: added", program_types=f"[{TRACING}]"))
    tracepoint = Program("tp", "tp/x", "BPF_PROG_TYPE_TRACEPOINT")
    report = record(text).audit(calling("bpf_one", program=tracepoint), first="v6.11", last="v6.13")
    assert [(each[0], each[2]) for each in told(report)] == [("not-callable", "v6.11")]


def test_only_the_programs_that_may_not(record):
    trace = Program("trace", "fentry/x", TRACING)
    call = Call("bpf_always", "helper", (PACKET, trace))
    both = BpfObject("prog.bpf.o", calling("bpf_always").externs, (PACKET, trace), (call,))
    (finding,) = record(RENAMED).audit(both, names=["v7.0"]).findings
    assert finding.programs == ("trace",)


def test_a_program_that_is_not_loaded_by_itself(record):
    trace = Program("trace", "?fentry/x", TRACING, optional=True)
    checked = record(RENAMED)
    report = checked.audit(calling("bpf_always", program=trace), names=["v7.0"])
    assert (told(report), summary(report)) == ([], "loads on v7.0")
    report = checked.audit(calling("bpf_always", program=trace), names=["v7.0"], optional=True)
    assert [each[0] for each in told(report)] == ["not-callable"]
    assert summary(report) == "breaks on v7.0"


def test_who_else_may_call_is_told_once(record):
    """With each release other types are let in; that this one is not stays the same."""
    text = subsystem(
        entry(
            "bpf_one",
            "release: v6.6, event: added",
            f"release: v7.1, event: changed, was: {{program_types: [{TRACING}]}}",
            program_types=f"[{TRACING}, BPF_PROG_TYPE_SYSCALL]",
        )
    )
    report = record(text).audit(calling("bpf_one"), first="v7.0")
    assert told(report) == [
        (
            "not-callable",
            "bpf_one",
            "v7.0 to v7.3",
            "XDP programs may not call it; these may: tracing, syscall, tracepoint programs",
        )
    ]


SLEEPY = subsystem(entry("bpf_one", "release: v6.6, event: added", flags="[KF_SLEEPABLE]"))


@pytest.mark.parametrize(("section", "sleepable", "rules"), [
    ("lsm/file_open", False, ["not-callable"]), ("lsm.s/file_open", True, []), ("mine", None, ["cannot-tell"]),
])  # fmt: skip
def test_programs_that_may_not_sleep(record, section, sleepable, rules):
    program = Program("packet", section, "BPF_PROG_TYPE_LSM" if section != "mine" else None, sleepable=sleepable)
    report = record(SLEEPY).audit(calling("bpf_one", program=program), names=["v7.0"])
    assert [each[0] for each in told(report)] == rules
    if sleepable is False:
        assert told(report)[0][3] == ('it may sleep, but programs of SEC("lsm") may not: use SEC("lsm.s") if it exists')


def test_callbacks_may_sleep_where_their_program_may_not(record):
    """And subprograms may not."""
    program = Program("packet", "tc", "BPF_PROG_TYPE_SCHED_CLS", sleepable=False)

    def rules(directly: tuple[Program, ...]) -> list[str]:
        call = Call("bpf_one", "helper", (program,), directly=directly)
        written = BpfObject("prog.bpf.o", calling("bpf_one").externs, (program,), (call,))
        return [each[0] for each in told(record(SLEEPY).audit(written, names=["v7.0"]))]

    assert rules(()) == []
    assert rules((program,)) == ["not-callable"]


# -- behaviour


def test_to_be_avoided(record):
    text = subsystem(
        entry(
            "bpf_one",
            "release: v6.6, event: added",
            "release: v7.1, event: changed, behaviour: It no longer fails., avoid_before: true",
        )
    )
    report = record(text).audit(calling("bpf_one"), first="v6.19")
    assert told(report) == [("avoid", "bpf_one", "v6.19 to v7.0", "not to be called before v7.1: It no longer fails.")]
    assert report.status(EVERYTHING) is Status.DEPRECATED
    assert "LINUX_KERNEL_VERSION >= KERNEL_VERSION(7, 1, 0)" in report.findings[0].advice.guard
    assert told(record(text).audit(calling("bpf_one"), first="v7.1")) == []


def test_changes_between_the_kernels(record):
    text = subsystem(
        entry(
            "bpf_one",
            "release: v6.6, event: added",
            "release: v7.1, event: changed, was: {flags: []}, behaviour: It asks for ``more``., breaking: true",
            flags="[KF_RCU]",
        )
    )
    report = record(text).audit(calling("bpf_one"), first="v7.0")
    assert told(report) == [("changed", "bpf_one", "v7.1 to v7.3", "changed in v7.1: It asks for more.")]
    assert report.status(EVERYTHING) is Status.DEPRECATED
    for kernels in ("v7.0", "v7.1"):
        assert told(record(text).audit(calling("bpf_one"), names=[kernels])) == []


def test_a_change_without_words(record):
    text = subsystem(
        entry(
            "bpf_one",
            "release: v6.6, event: added",
            "release: v7.1, event: changed, was: {flags: [], program_types: []}, breaking: true",
            flags="[KF_RCU]",
            **FOR_XDP,
        )
    )
    report = record(text).audit(calling("bpf_one"), first="v7.0")
    assert told(report)[-1] == ("changed", "bpf_one", "v7.1 to v7.3", "changed in v7.1: flags, program types")


# -- without BTF


def test_without_btf(record):
    bare = BpfObject("prog.bpf.o", (Extern("bpf_always", False),), (PACKET,), (), has_btf=False)
    report = record(RENAMED).audit(bare, names=["v7.0"])
    assert told(report) == [
        (
            "btf-missing",
            "bpf_always",
            "v7.0",
            "the object has no BTF: it is to be compiled with -g, and to keep its section .BTF",
        )
    ]
    assert summary(report) == "breaks on v7.0"


def test_symbols_without_a_declaration(record):
    """As a compiler leaves them that only warned: libbpf refuses the object."""
    symbols = tuple(UnplacedSymbol(name, SymbolFault.UNTYPED) for name in ("bpf_ksym_exists", "__helper"))
    untyped = BpfObject("prog.bpf.o", (), (PACKET,), (), unplaced=symbols)
    report = record(RENAMED).audit(untyped, names=["v7.0"])
    assert told(report) == [
        (
            "symbol-untyped", "bpf_ksym_exists", "v7.0",
            "the object has no type for it: it was used without a declaration; the headers are older "
            "than libbpf 1.2, which added it",
        ),
        (
            "symbol-untyped", "__helper", "v7.0",
            "the object has no type for it: it was used without a declaration, or clang is too old to write types "
            "for names that begin with two underscores (14 is)",
        ),
    ]  # fmt: skip
    assert (summary(report), report.status(EVERYTHING)) == ("breaks on v7.0", Status.BREAKS)


@pytest.mark.parametrize(
    ("name", "fault", "section", "reason"),
    [
        (
            "bpf_always", SymbolFault.WITHOUT_SECTION, "",
            "it is declared in no section: declare it with __ksym",
        ),
        (
            "bpf_always___own", SymbolFault.WRONG_SECTION, ".maps",
            "it is declared in .maps, which has no externs for libbpf: declare it with __ksym",
        ),
        (
            "shared_map", SymbolFault.WRONG_SECTION, ".maps",
            "it is declared in .maps, which has no externs for libbpf: link the object that defines it (bpftool gen "
            "object)",
        ),
        (
            "helper", SymbolFault.WITHOUT_SECTION, "",
            "it is declared in no section: declare it with __ksym if it is a kfunc, or link the object that defines it "
            "(bpftool gen object)",
        ),
        (
            "bpf_always", SymbolFault.NOT_EXTERN, "",
            "its type says that the object defines it; GCC 12 writes this for every declaration: compile with clang",
        ),
    ],
)  # fmt: skip
def test_symbols_in_no_section_of_externs(record, name, fault, section, reason):
    """libbpf refuses to open the object, whether it calls kfuncs or not."""
    call = Call(name, "packet", (PACKET,), directly=(PACKET,))
    unplaced = BpfObject("prog.bpf.o", (), (PACKET,), (call,), unplaced=(UnplacedSymbol(name, fault, section),))
    report = record(RENAMED).audit(unplaced, names=["v7.0"])
    assert told(report) == [("symbol-unplaced", name, "v7.0", reason)]
    assert (summary(report), report.status(EVERYTHING)) == ("breaks on v7.0", Status.BREAKS)
    assert report.findings[0].calls == (call,)


def test_parts_that_are_to_be_linked(record):
    part = BpfObject("part.bpf.o", (), (PACKET,), unplaced=(UnplacedSymbol("helper", SymbolFault.WITHOUT_SECTION),))
    helper = BpfObject("helper.bpf.o", defined=frozenset({"helper", "other"}))
    report = record(RENAMED).audit(part, helper, names=["v7.0"])
    assert told(report) == [
        (
            "symbol-unplaced", "helper", "v7.0",
            "this object is a part of a program: link it with helper.bpf.o, which defines it (bpftool gen object)",
        )
    ]  # fmt: skip
    assert [in_which_it_loads(of_object, report.kernels) for of_object in report.objects] == [
        "breaks on v7.0",
        "calls no kfuncs",
    ]
    same = [dataclasses.replace(helper, path=f"{name}.bpf.o") for name in "abc"]
    assert (
        "link it with a.bpf.o (or one of 2 others), which defines it"
        in told(record(RENAMED).audit(part, *same, names=["v7.0"]))[0][3]
    )


def test_stable_kernels_that_differ(record):
    one = entry("bpf_one", "release: v7.1, event: added", backports="[{kernel: v7.0.4}]")
    report = record(subsystem(one)).audit(calling("bpf_one"), first="v6.19", last="v7.1")
    assert [(each[2], each[3]) for each in told(report)] == [
        ("v6.19", "not there before v7.1"),
        ("v7.0", "not there before v7.1; stable kernels from v7.0.4 on differ: audit one with --btf"),
    ]


# -- real kernels


def observed(record: Bench, version: Optional[str], modules: bool = False, more=(), **prototypes: Optional[str]):
    assert record.record is not None
    return observed_kernel(record.record, "vmlinux", KernelFunctions(version, prototypes, modules, **dict(more)))


def test_what_is_observed_beats_what_is_declared(record):
    bench = record(RENAMED)
    kernel = observed(bench, "6.17.3", bpf_old="void bpf_old(void)")
    assert kernel.name == "6.17.3 (vmlinux)"
    report = bench.audit(calling("bpf_old"), more=[kernel])
    assert told(report) == []
    (each,) = report.objects
    assert each.loads == (kernel,)
    # What it has is observed; who may call it is not.
    trace = calling("bpf_always", program=Program("trace", "fentry/x", TRACING))
    report = bench.audit(trace, more=[observed(bench, "6.17.3", bpf_always="void bpf_always(void)")])
    assert [(finding.rule.rule, finding.observed) for finding in report.findings] == [("not-callable", False)]


def test_a_function_that_is_no_kfunc(record):
    """libbpf finds it, so that no guard helps, and the verifier refuses the call."""
    bench = record(RENAMED)
    kernel = observed(bench, "7.0.1", more={"no_kfuncs": frozenset({"bpf_always"})}, bpf_always=None)
    report = bench.audit(calling("bpf_always", weak=True, found="bpf_always"), more=[kernel])
    assert [(each[0], each[3]) for each in told(report)] == [
        ("not-callable", "the kernel has a function of this name, but it is not a kfunc")
    ]
    unrecorded = observed(bench, "7.0.1", more={"no_kfuncs": frozenset({"vfs_read"})}, vfs_read=None)
    assert [each[0] for each in told(bench.audit(calling("vfs_read"), more=[unrecorded]))] == ["not-callable"]


def test_a_function_of_which_nobody_knows_whether_it_is_one(record):
    """In raw BTF some kfuncs have no tag: the record decides."""
    bench = record(RENAMED)
    more = {"doubtful": frozenset({"bpf_old"})}
    there = observed(bench, "6.16.1", more=more, bpf_old="void bpf_old(void)")
    gone = observed(bench, "6.17.1", more=more, bpf_old="void bpf_old(void)")
    assert [each[0] for each in told(bench.audit(calling("bpf_old"), more=[there]))] == ["deprecated"]
    assert [each[0] for each in told(bench.audit(calling("bpf_old"), more=[gone]))] == ["kfunc-absent"]


def test_an_observed_shape_is_exact(record):
    text = subsystem(entry("bpf_one", "release: v6.6, event: added", prototype="void bpf_one(callback_t cb)"))
    bench = record(text)
    more = {"shapes": {"bpf_one": (FUNCTION, VOID, (POINTER, VOID))}}
    kernel = observed(bench, "7.0.1", more=more, bpf_one="void bpf_one(callback_t cb)")
    assert [each[0] for each in told(bench.audit(declaring("void bpf_one(int)"), more=[kernel]))] == [
        "prototype-incompatible"
    ]
    assert told(bench.audit(declaring("void bpf_one(void *)"), more=[kernel])) == []


IMPLICIT = "void bpf_one(int cpu, const struct bpf_prog_aux *aux)"
WITHOUT_TWIN = (
    "pahole was too old when the kernel was built and did not tag the kfunc, so its prototype in BTF has the implicit "
    "argument, and there is no bpf_one_impl"
)


def audit_without_twin(record: Bench, bpf_object: BpfObject, flags: str = "[KF_IMPLICIT_ARGS]") -> Report:
    """Audit *bpf_object* on a kernel whose BTF has the implicit argument of bpf_one, and no twin of it."""
    one = entry("bpf_one", "release: v6.6, event: added", prototype="void bpf_one(int cpu)", flags=flags, **FOR_XDP)
    bench = record(subsystem(one))
    more = {"without_twin": frozenset({"bpf_one"}), "shapes": {"bpf_one": shape_of(IMPLICIT)}}
    return bench.audit(bpf_object, more=[observed(bench, "7.1.13", more=more, bpf_one=IMPLICIT)])


def test_kernels_that_were_built_with_too_old_a_pahole(record):
    """libbpf compares the prototype with the implicit argument in it."""
    report = audit_without_twin(record, declaring("void bpf_one(int cpu)"))
    reason = f"its prototype is {IMPLICIT}, but the program declares void bpf_one(int cpu)"
    assert told(report) == [
        ("prototype-incompatible", "bpf_one", "7.1.13 (vmlinux)", f"{reason}: {WITHOUT_TWIN}"),
    ]
    assert (summary(report), report.status(EVERYTHING)) == ("breaks on 7.1.13 (vmlinux)", Status.BREAKS)


def test_another_prototype_has_nothing_to_do_with_pahole_where_no_argument_is_implicit(record):
    report = audit_without_twin(record, declaring("void bpf_one(int cpu)"), flags="[]")
    reason = f"its prototype is {IMPLICIT}, but the program declares void bpf_one(int cpu)"
    assert told(report) == [("prototype-incompatible", "bpf_one", "7.1.13 (vmlinux)", reason)]


def test_the_verifier_refuses_a_kfunc_without_its_twin(record):
    """Whoever declares the prototype of BTF gets past libbpf."""
    declared = declaring(IMPLICIT)
    calls = (Call("bpf_one", "packet", (PACKET,), directly=(PACKET,)),)
    report = audit_without_twin(record, BpfObject("prog.bpf.o", declared.externs, (PACKET,), calls))
    assert told(report) == [("not-callable", "bpf_one", "7.1.13 (vmlinux)", WITHOUT_TWIN)]


def test_kernels_are_looked_at_in_order(record):
    """One that is older than the others says nothing of what comes after them."""
    bench = record(RENAMED)
    report = bench.audit(calling("bpf_old"), first="v6.13", last="v6.14", more=[observed(bench, "6.12.1")])
    assert [kernel.name for kernel in report.kernels] == ["6.12.1 (vmlinux)", "v6.13", "v6.14"]
    assert [each[0] for each in told(report)] == ["kfunc-absent", "deprecated"]
    assert summary(report) == "loads on v6.13 to v6.14; not on 6.12.1 (vmlinux)"


def test_what_a_kernel_does_not_have(record):
    text = subsystem(entry("bpf_one", "release: v6.6, event: added", depends_on="BPF_LSM"))
    bench = record(text)
    report = bench.audit(calling("bpf_one"), more=[observed(bench, "7.0.1")])
    assert told(report) == [
        ("kfunc-absent", "bpf_one", "7.0.1 (vmlinux)", "the kernel does not have it; it needs BPF_LSM")
    ]
    assert report.findings[0].observed


def test_gone_from_a_kernel_and_from_the_record(record):
    bench = record(RENAMED)
    report = bench.audit(calling("bpf_old"), more=[observed(bench, "6.18.1")])
    assert told(report) == [("kfunc-absent", "bpf_old", "6.18.1 (vmlinux)", "gone from v6.17")]


def test_an_observed_prototype(record):
    bench = record(RENAMED)
    report = bench.audit(calling("bpf_always"), more=[observed(bench, "7.0.1", bpf_always="int bpf_always(void)")])
    assert [each[0] for each in told(report)] == ["prototype-incompatible"]


def test_modules_that_were_not_looked_into(record):
    """Of a kfunc in a module a vmlinux says nothing: what is declared holds."""
    text = subsystem(entry("bpf_one", "release: v6.6, event: added", module="nf_conntrack"))
    bench = record(text)
    assert told(bench.audit(calling("bpf_one"), more=[observed(bench, "7.0.1")])) == [
        ("module-needed", "bpf_one", "7.0.1 (vmlinux)", "needs the module nf_conntrack loaded")
    ]
    with_modules = bench.audit(calling("bpf_one"), more=[observed(bench, "7.0.1", True)])
    assert [each[0] for each in told(with_modules)] == ["kfunc-absent"]


def test_a_kernel_that_does_not_tell_its_release(record):
    bench = record(RENAMED)
    kernel = observed(bench, None, bpf_old="void bpf_old(void)")
    assert (kernel.name, kernel.release) == ("vmlinux", None)
    report = bench.audit(calling("bpf_old", "bpf_new"), more=[kernel])
    assert told(report) == [
        (
            "kfunc-unknown", "bpf_old", "vmlinux",
            "the kernel has it, but its release is not known: give it with --btf FILE=vX.Y",
        ),
        ("kfunc-absent", "bpf_new", "vmlinux", "the kernel does not have it"),
    ]  # fmt: skip
    assert bench.record is not None
    functions = KernelFunctions(None, {"bpf_old": "void bpf_old(void)"}, False)
    known = observed_kernel(bench.record, "vmlinux", functions, "v6.14")
    assert [each[0] for each in told(bench.audit(calling("bpf_old"), more=[known]))] == ["deprecated"]
    with pytest.raises(KernelUnknown):
        observed_kernel(bench.record, "vmlinux", functions, "v9.1")
    # Its prototypes are known.
    other = bench.audit(calling("bpf_old"), more=[observed(bench, None, bpf_old="int bpf_old(void)")])
    assert [(each.rule.rule, each.observed) for each in other.findings] == [("prototype-incompatible", True)]


def test_a_kernel_that_is_taken_for_another_release(record):
    """As one of a vendor may be: it is never so without a word."""
    bench = record(RENAMED)
    assert bench.record is not None
    functions = KernelFunctions("6.1.0-vendor", {"bpf_old": "void bpf_old(void)"}, False)
    assert observed_kernel(bench.record, "vmlinux", functions, "v6.1").name == "6.1.0-vendor (vmlinux)"
    taken = observed_kernel(bench.record, "vmlinux", functions, "v6.14")
    assert taken.name == "6.1.0-vendor (vmlinux, taken for v6.14)"
    assert [each[0] for each in told(bench.audit(calling("bpf_old"), more=[taken]))] == ["deprecated"]


def test_unknown_and_observed(record):
    bench = record(RENAMED)
    report = bench.audit(calling("bpf_mine"), more=[observed(bench, "7.0.1", bpf_mine="void bpf_mine(void)")])
    assert told(report) == [
        ("kfunc-unknown", "bpf_mine", "7.0.1 (vmlinux)", "the record does not know it; the kernel has it")
    ]
    in_a_module = observed(bench, "7.0.1", True, more={"modules": {"bpf_mine": "mine"}}, bpf_mine="void bpf_mine(void)")
    assert told(bench.audit(calling("bpf_mine"), more=[in_a_module])) == [
        (
            "kfunc-unknown", "bpf_mine", "7.0.1 (vmlinux)",
            "the record does not know it; the kernel has it, in the module mine",
        ),
        ("module-needed", "bpf_mine", "7.0.1 (vmlinux)", "needs the module mine loaded"),
    ]  # fmt: skip
    absent = bench.audit(calling("bpf_mine"), more=[observed(bench, "7.0.1", True)])
    assert told(absent) == [("kfunc-absent", "bpf_mine", "7.0.1 (vmlinux)", "the kernel does not have it")]
    assert absent.status(EVERYTHING) is Status.BREAKS


def test_unknown_to_the_kernel_itself(record):
    """A module that was not looked into may have it."""
    bench = record(RENAMED)
    kernel = observed(bench, "7.0.1")
    reason = (
        "the record does not know it; the kernel itself does not have it, and its modules were not given: did "
        "you mean 'bpf_new'?"
    )
    report = bench.audit(calling("bpf_mine"), more=[kernel])
    assert told(report) == [("kfunc-unknown", "bpf_mine", "7.0.1 (vmlinux)", reason)]
    assert summary(report) == "not known for 7.0.1 (vmlinux)"
    guarded = bench.audit(calling("bpf_mine", weak=True, found="bpf_mine"), more=[kernel])
    assert [each[0] for each in told(guarded)] == ["unknown-guarded"]
    assert summary(guarded) == "loads on 7.0.1 (vmlinux)"


# -- modules

IN_MODULES = subsystem(
    entry("bpf_one", "release: v6.6, event: added", module="nf_conntrack")
    + entry("bpf_two", "release: v7.0, event: added", module="nf_conntrack")
    + entry("bpf_nat", "release: v6.6, event: added", module="nf_nat")
)


def test_each_module_is_told_once(record):
    report = record(IN_MODULES).audit(calling("bpf_nat", "bpf_one", "bpf_two", weak=True), names=["v6.19", "v7.0"])
    needed = [finding for finding in report.findings if finding.rule is AuditRule.MODULE_NEEDED]
    assert [([extern.name for extern in each.externs], each.reason) for each in needed] == [
        (["bpf_nat"], "needs the module nf_nat loaded"),
        (["bpf_one", "bpf_two"], "needs the module nf_conntrack loaded"),
    ]
    assert [in_words(each.kernels, report.kernels) for each in needed] == ["v6.19 to v7.0", "v6.19 to v7.0"]
    assert not any(each.statuses for each in needed)


def test_no_module_is_needed_for_what_is_in_the_kernel_itself(record):
    bench = record(IN_MODULES)
    assert told(bench.audit(calling("bpf_one"), more=[observed(bench, "7.0.1", bpf_one="void bpf_one(void)")])) == []


# -- subsystems that a kernel was built without

SUBSYSTEM = subsystem(
    entry("bpf_one", "release: v6.6, event: added", depends_on="SCHED_CLASS_EXT")
    + entry(
        "bpf_two",
        "release: v6.6, event: added",
        "release: v6.13, event: deprecated, reason: No., said_in: a, removal: v7.3, renamed_to: bpf_new",
        depends_on="SCHED_CLASS_EXT && CGROUPS",
    )
    + entry("bpf_new", "release: v6.13, event: added", depends_on="SCHED_CLASS_EXT")
    + entry("bpf_late", "release: v7.1, event: added", depends_on="SCHED_CLASS_EXT")
    + entry("bpf_lsm", "release: v6.6, event: added", depends_on="BPF_LSM")
    + entry("bpf_cgroup", "release: v6.6, event: added", depends_on="CGROUPS")
    + entry("bpf_other", "release: v6.6, event: added")
)
WITHOUT_IT = "the kernel was built without SCHED_CLASS_EXT, and has none of the kfuncs that depend on it"


def of_subsystem(record: Bench, *objects: BpfObject, **prototypes: str) -> Report:
    """Audit *objects* on a kernel that has, of SUBSYSTEM, bpf_cgroup and *prototypes*."""
    bench = record(SUBSYSTEM)
    kernel = observed(bench, "7.0.1", bpf_cgroup="void bpf_cgroup(void)", **prototypes)
    return bench.audit(*objects, more=[kernel])


def together(*objects: BpfObject) -> BpfObject:
    externs = sum((one.externs for one in objects), ())
    return BpfObject("prog.bpf.o", externs, (PACKET,), sum((one.calls for one in objects), ()))


def test_a_subsystem_that_a_kernel_was_built_without(record):
    """It is one finding about all kfuncs, later ones among them, without advice to call another one of them."""
    report = of_subsystem(record, calling("bpf_one", "bpf_two", "bpf_late", "bpf_lsm"))
    assert told(report) == [
        ("subsystem-absent", "bpf_one", "7.0.1 (vmlinux)", WITHOUT_IT),
        ("kfunc-absent", "bpf_lsm", "7.0.1 (vmlinux)", "the kernel does not have it; it needs BPF_LSM"),
    ]
    finding = report.findings[0]
    assert [extern.name for extern in finding.externs] == ["bpf_one", "bpf_two", "bpf_late"]
    assert [call.extern for call in finding.calls] == ["bpf_one", "bpf_two", "bpf_late"]
    assert (finding.advice, finding.observed, report.status(EVERYTHING)) == (None, True, Status.BREAKS)
    assert summary(report) == "breaks on 7.0.1 (vmlinux)"


def test_weak_kfuncs_of_a_subsystem_that_a_kernel_was_built_without(record):
    guarded = calling("bpf_one", weak=True, found="bpf_one")
    assert told(of_subsystem(record, guarded)) == [("absent-guarded", "bpf_one", "7.0.1 (vmlinux)", WITHOUT_IT)]
    unguarded = of_subsystem(record, together(guarded, calling("bpf_two", weak=True)))
    assert told(unguarded) == [("guard-missing", "bpf_two", "7.0.1 (vmlinux)", WITHOUT_IT)]
    assert summary(unguarded) == "may break on 7.0.1 (vmlinux)"
    strong = of_subsystem(record, together(guarded, calling("bpf_two")))
    assert told(strong) == [("subsystem-absent", "bpf_two", "7.0.1 (vmlinux)", WITHOUT_IT)]


@pytest.mark.parametrize(("optional", "asked_for", "lacks", "expected"), [
    (False, False, True, "subsystem-absent"), (True, False, True, "absent-guarded"),
    (True, True, True, "subsystem-absent"), (False, False, False, "absent-guarded"),
])  # fmt: skip
def test_callbacks_of_a_structure_that_the_kernel_does_not_have(record, optional, asked_for, lacks, expected):
    """libbpf refuses the object for them, however its calls are guarded."""
    guarded = calling(
        "bpf_one", weak=True, found="bpf_one",
        program=Program(
            "enqueue", "struct_ops/enqueue", "BPF_PROG_TYPE_STRUCT_OPS", "sched_ext_ops", "enqueue", optional=optional
        ),
    )  # fmt: skip
    (question,) = guarded.questions
    assert question == CoreOutcome("type_exists", "struct", "bpf_struct_ops_sched_ext_ops")
    bench = record(SUBSYSTEM)
    more = {"lacking": frozenset({question} if lacks else ())}
    kernel = observed(bench, "7.0.1", more=more.items(), bpf_cgroup="void bpf_cgroup(void)")
    report = bench.audit(guarded, more=[kernel], optional=asked_for)
    assert told(report) == [(expected, "bpf_one", "7.0.1 (vmlinux)", WITHOUT_IT)]
    assert summary(report) == f"{'breaks' if expected == 'subsystem-absent' else 'loads'} on 7.0.1 (vmlinux)"


def test_a_kernel_with_a_part_of_the_subsystem(record):
    report = of_subsystem(record, calling("bpf_one", "bpf_two"), bpf_two="void bpf_two(void)")
    reason = "the kernel does not have it; it needs SCHED_CLASS_EXT"
    assert told(report)[0] == ("kfunc-absent", "bpf_one", "7.0.1 (vmlinux)", reason)


def test_advice_is_for_the_kernels_with_the_subsystem(record):
    bench = record(SUBSYSTEM)
    without = observed(bench, "7.0.1", bpf_cgroup="void bpf_cgroup(void)")
    with_it = observed(
        bench, "7.0.2", bpf_two="void bpf_two(void)", bpf_new="void bpf_new(void)", bpf_cgroup="void bpf_cgroup(void)"
    )
    report = bench.audit(calling("bpf_two"), more=[without, with_it])
    assert [(each[0], each[2]) for each in told(report)] == [
        ("subsystem-absent", "7.0.1 (vmlinux)"),
        ("deprecated", "7.0.2 (vmlinux)"),
    ]
    absent, deprecated = report.findings
    assert absent.advice is None
    assert deprecated.advice is not None
    assert (deprecated.advice.words, deprecated.advice.guard) == ("call bpf_new", None)
    both = bench.audit(calling("bpf_two"), names=["v7.0"], more=[without, with_it])
    advice = both.findings[1].advice
    assert advice is not None
    assert (advice.words, advice.guard) == ("call bpf_new", None)


def test_advice_names_no_kfunc_that_the_observed_kernel_lacks_too(record):
    bench = record(RENAMED)
    with_new = observed(bench, "6.17.1", bpf_new="void bpf_new(void)")
    without = observed(bench, "6.17.2")
    (advised,) = bench.audit(calling("bpf_old"), more=[with_new]).findings
    assert advised.advice is not None
    assert advised.advice.words == "call bpf_new"
    (alone,) = bench.audit(calling("bpf_old"), more=[without]).findings
    assert alone.advice is None
    (both,) = bench.audit(calling("bpf_old"), more=[with_new, without]).findings
    assert both.advice is None
    # The kernel that lacks the new one has the old one: a guard is right on both.
    with_old = observed(bench, "6.16.1", bpf_old="void bpf_old(void)")
    (absent,) = bench.audit(calling("bpf_old"), more=[with_new, with_old]).findings
    assert absent.advice is not None
    assert absent.advice.words == "call bpf_new (not on 6.16.1 (vmlinux))"


def test_a_release_beyond_the_record(record):
    bench = record(RENAMED)
    kernel = observed(bench, "7.9.1", bpf_old="void bpf_old(void)")
    assert kernel.release is None
    assert told(bench.audit(calling("bpf_old"), more=[kernel])) == [
        ("kfunc-unknown", "bpf_old", "7.9.1 (vmlinux)", "the kernel has it, but is v7.9, and the record ends with v7.3")
    ]


# -- which kernels


def names_of(record: Bench, **options) -> list[str]:
    assert record.record is not None
    return [kernel.name for kernel in asked_for(record.record, **options)]


def test_which_kernels(record):
    bench = record(RENAMED)
    assert names_of(bench) == []
    assert names_of(bench, first="v7.1") == ["v7.1", "v7.2", "v7.3"]
    assert names_of(bench, first="v6.19", last="v7.0") == ["v6.19", "v7.0"]
    assert names_of(bench, last="v6.2") == ["v6.1", "v6.2"]
    assert names_of(bench, names=["v7.3", "v6.6"]) == ["v6.6", "v7.3"]
    assert names_of(bench, long_term=True) == ["v6.1", "v6.6", "v6.12", "v6.18"]
    assert names_of(bench, long_term=True, names=["v7.3", "v6.12"]) == ["v6.1", "v6.6", "v6.12", "v6.18", "v7.3"]
    with pytest.raises(KernelUnknown, match="no long-term kernel is known to be maintained on 2031-01-01"):
        names_of(record(RENAMED, datetime.date(2031, 1, 1)), long_term=True)
    later = record(RENAMED, datetime.date(2028, 6, 1))
    assert names_of(later, long_term=True) == ["v6.12", "v6.18"]


REACH = "the record goes from v6.1 to v7.1"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"first": "v7.4"}, f"'v7.4' is no release that is known: one is written as v6.10; {REACH}"),
        ({"names": ["6.12"]}, f"'6.12' is no release that is known: write v6.12; {REACH}"),
        ({"last": "v7.2"}, "nothing is recorded of v7.2: the record goes from v6.1 to v7.1"),
        ({"names": ["v6.22"]}, f"'v6.22' is no release that is known: one is written as v6.10; {REACH}"),
        ({"first": "v7.1", "last": "v7.0"}, "v7.1 comes after v7.0"),
    ],
)  # fmt: skip
def test_kernels_that_cannot_be_asked_for(record, options, message):
    bench = record(subsystem(entry("bpf_one", "release: v6.6, event: added"), recorded="v7.1"))
    with pytest.raises(KernelUnknown) as caught:
        names_of(bench, **options)
    assert str(caught.value) == message


def test_without_kernels_from_the_first_on_which_it_loads(record):
    report = record(RENAMED).audit(calling("bpf_old"))
    assert summary(report) == "loads on v6.6 to v6.16; not on v6.1 to v6.5; breaks in v6.17"
    assert told(report) == [("kfunc-absent", "bpf_old", "v6.17 to v7.3", "gone from v6.17")]
    never = record(RENAMED).audit(calling("bpf_old", "bpf_new", program=Program("trace", "fentry/x", TRACING)))
    # It starts where all of them are there, which may be nowhere.
    assert summary(never) == "breaks on v6.1 to v7.3"
    refused = record(RENAMED).audit(calling("bpf_new", program=Program("trace", "fentry/x", TRACING)))
    assert told(refused)[0][:3] == ("not-callable", "bpf_new", "v6.13 to v7.3")


# -- properties


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from(["bpf_old", "bpf_new", "bpf_always", "bpf_unknown"]), unique=True, max_size=4),
    st.booleans(),
    st.sets(st.sampled_from(["v6.6", "v6.12", "v6.13", "v6.16", "v6.17", "v7.3"]), min_size=1),
    st.sampled_from([PACKET, Program("trace", "fentry/x", TRACING), Program("mine", "mine")]),
)
def test_every_kernel_is_in_one_of_four(tmp_path_factory, names, weak, kernels, program):
    record = KernelRecord.whole(catalog_of(tmp_path_factory.mktemp("record"), demo=RENAMED), TODAY)
    report = run(AuditRequest([calling(*names, weak=weak, program=program)], record, asked_for(record, names=kernels)))
    (each,) = report.objects
    named = each.loads + each.breaks + each.unsure + each.cannot_tell
    assert sorted(kernel.name for kernel in named) == sorted(kernels)
    for finding in each.findings:
        assert finding.kernels
        if finding.rule in (AuditRule.KFUNC_ABSENT, AuditRule.PROTOTYPE_INCOMPATIBLE):
            assert set(finding.kernels) <= set(each.breaks)
