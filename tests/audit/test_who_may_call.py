# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Who may call a kfunc: filters of the kernel, what an object does not tell, and changes that concern no program."""

from __future__ import annotations

import dataclasses
import json
from typing import Optional, Sequence

import pytest
from declared import CALENDAR, TODAY, catalog_of, entry, subsystem
from hypothesis import given
from hypothesis import strategies as st

from kfuncdoc.audit.asked_kernels import asked_for
from kfuncdoc.audit.engine import AuditRequest, run
from kfuncdoc.audit.findings import AuditRule, Report, Status
from kfuncdoc.audit.reports import as_github, as_json, as_text
from kfuncdoc.audit.sarif import as_sarif
from kfuncdoc.audit.words import allowed_in_words, in_which_it_loads
from kfuncdoc.bpf.callers import AllowedCaller
from kfuncdoc.bpf.objects import BpfObject, Call, Extern, Program
from kfuncdoc.bpf.program_types import NEED_PERFMON, PROGRAM_TYPES
from kfuncdoc.bpf.sections import program_section
from kfuncdoc.bpf.shape import shape_of
from kfuncdoc.compat.kernels import Kernel, KernelRecord, KfuncOnKernel, in_words
from kfuncdoc.kernels.hooks import ANY, STRUCT_OPS

LSM, TRACING, SYSCALL, XDP = (f"BPF_PROG_TYPE_{short}" for short in ("LSM", "TRACING", "SYSCALL", "XDP"))
EVERY_TYPE = {"program_types": f"[{TRACING}, {LSM}, {SYSCALL}, {STRUCT_OPS}]"}
EVERYTHING = frozenset(Status)

ONLY_LSM = (AllowedCaller(LSM),)
BUT_SENDMSG = (AllowedCaller(SYSCALL), AllowedCaller(LSM, except_lsm_hooks=("socket_sendmsg",)))
ITERATORS = (AllowedCaller(TRACING, attach_types=("BPF_TRACE_ITER",)),)
DISPATCH = (
    AllowedCaller(STRUCT_OPS, struct_ops=("sched_ext_ops",), callbacks=("dispatch", "init")),
    AllowedCaller(SYSCALL),
)
DISPATCH_IN_WORDS = "dispatch() and init() of sched_ext_ops, and syscall programs"


class FilteredRecord(KernelRecord):
    """A record in which ``bpf_one`` has a filter from release to release, whatever its declaration says."""

    #: From which release on which callers are allowed, and who enforces it; in order.
    filters: Sequence[tuple[str, Optional[tuple[AllowedCaller, ...]], str]] = ()

    def look(self, name: str, kernel: Kernel) -> KfuncOnKernel:
        seen = super().look(name, kernel)
        for since, allowed, enforced_by in self.filters:
            if name == "bpf_one" and seen.declared is not None and CALENDAR[since] <= seen.declared.release:
                facts = dataclasses.replace(seen.declared.facts, allowed=allowed, enforced_by=enforced_by)
                seen = dataclasses.replace(seen, declared=dataclasses.replace(seen.declared, facts=facts))
        return seen


@pytest.fixture
def audit(tmp_path):
    """Return a function that audits programs, which call ``bpf_one``, on releases of a record of it."""

    def run_audit(
        *programs: Program,
        allowed: Optional[tuple[AllowedCaller, ...]] = None,
        filters: Sequence[tuple[str, Optional[tuple[AllowedCaller, ...]], str]] = (),
        events: Sequence[str] = (),
        kernels: Sequence[str] = ("v7.0",),
        **fields: str,
    ) -> Report:
        text = subsystem(entry("bpf_one", "release: v6.6, event: added", *events, **{**EVERY_TYPE, **fields}))
        record = FilteredRecord.whole(catalog_of(tmp_path, demo=text), TODAY)
        assert isinstance(record, FilteredRecord)
        record.filters = filters or (("v6.6", allowed, "verifier"),)
        extern = Extern("bpf_one", False, "void bpf_one(void)", shape_of("void bpf_one(void)"))
        calls = tuple(Call("bpf_one", program.name, (program,), directly=(program,)) for program in programs)
        audited = BpfObject("prog.bpf.o", (extern,), programs, calls)
        return run(AuditRequest([audited], record, asked_for(record, names=kernels)))

    return run_audit


def in_section(section: str, struct_ops: Optional[str] = None, member: Optional[str] = None) -> Program:
    """Return the program that an object has in *section*."""
    meaning = program_section(section)
    return Program(
        member or "prog", section, meaning.program_type, struct_ops, member, meaning.attach_type, meaning.lsm_hook,
        meaning.sleepable, meaning.optional,
    )  # fmt: skip


def findings(report: Report) -> list[tuple[str, str, str]]:
    """Return the findings: rule, kernels and reason."""
    return [
        (finding.rule.rule, in_words(finding.kernels, report.kernels), finding.reason) for finding in report.findings
    ]


def summary(report: Report) -> str:
    (of_object,) = report.objects
    return in_which_it_loads(of_object, report.kernels)


# -- filters


@pytest.mark.parametrize(
    ("allowed", "program", "reason"),
    [
        (
            ONLY_LSM, in_section("fentry/vfs_open"),
            "tracing programs may not call it; these may: LSM programs",
        ),
        (
            BUT_SENDMSG, in_section("lsm.s/socket_sendmsg"),
            "LSM programs on socket_sendmsg may not call it; these may: syscall programs, and LSM programs except on "
            "socket_sendmsg",
        ),
        (
            (AllowedCaller(LSM, lsm_hooks=("bpf", "file_open")),), in_section("lsm/inode_create"),
            "LSM programs on inode_create may not call it; these may: LSM programs on bpf and file_open",
        ),
        (
            ITERATORS, in_section("tp_btf/sched_switch"),
            "tracing programs with the attach type BPF_TRACE_RAW_TP may not call it; these may: tracing programs with "
            "the attach type BPF_TRACE_ITER",
        ),
        (
            DISPATCH, in_section("struct_ops/x", "sched_ext_ops", "enqueue"),
            "enqueue() of sched_ext_ops may not call it; these may: dispatch() and init() of sched_ext_ops, and "
            "syscall programs",
        ),
        (
            DISPATCH, in_section("struct_ops/x", "Qdisc_ops", "dispatch"),
            "dispatch() of Qdisc_ops may not call it; these may: dispatch() and init() of sched_ext_ops, and "
            "syscall programs",
        ),
        ((), in_section("syscall"), "no program may call it"),
    ],
)  # fmt: skip
def test_a_call_that_a_filter_refuses_breaks_the_object(audit, allowed, program, reason):
    report = audit(program, allowed=allowed)
    assert findings(report) == [("not-callable", "v7.0", reason)]
    assert summary(report) == "breaks on v7.0"
    assert report.status(EVERYTHING) is Status.BREAKS


@pytest.mark.parametrize(
    ("allowed", "program"),
    [
        (ONLY_LSM, in_section("lsm/file_open")),
        (ONLY_LSM, in_section("lsm")),
        (BUT_SENDMSG, in_section("lsm.s/socket_bind")),
        (BUT_SENDMSG, in_section("syscall")),
        (ITERATORS, in_section("iter.s/task")),
        (DISPATCH, in_section("struct_ops/x", "sched_ext_ops", "dispatch")),
    ],
)
def test_a_call_that_a_filter_lets_through_is_no_finding(audit, allowed, program):
    report = audit(program, allowed=allowed)
    assert (findings(report), summary(report)) == ([], "loads on v7.0")


def test_the_old_limit_to_a_structure_refuses_nothing_without_a_filter(audit):
    """tcp_congestion_ops, hid_bpf_ops: the kernel has no filter for their kfuncs."""
    assert findings(audit(in_section("struct_ops/x", "Qdisc_ops", "enqueue"))) == []


def test_the_registration_counts_before_the_filter(audit):
    report = audit(in_section("xdp"), allowed=ONLY_LSM, program_types=f"[{LSM}]")
    assert findings(report) == [("not-callable", "v7.0", "XDP programs may not call it; these may: LSM programs")]


def test_a_filter_that_came_later_breaks_from_then_on(audit):
    filters = (("v6.6", None, "verifier"), ("v7.0", ONLY_LSM, "verifier"))
    report = audit(in_section("syscall"), filters=filters, kernels=("v6.19", "v7.0"))
    assert [finding[:2] for finding in findings(report)] == [("not-callable", "v7.0")]
    assert summary(report) == "loads on v6.19; breaks in v7.0"


def test_a_filter_that_is_asked_at_run_time_breaks_nothing(audit):
    """sched_ext before v7.1: the program loads, and the wrong call ends the scheduler."""
    filters = (("v6.6", DISPATCH, "run-time"), ("v7.1", DISPATCH, "verifier"))
    enqueue = in_section("struct_ops/x", "sched_ext_ops", "enqueue")
    report = audit(enqueue, filters=filters, kernels=("v7.0", "v7.1"))
    callers = f"enqueue() of sched_ext_ops may not call it; these may: {DISPATCH_IN_WORDS}"
    assert findings(report) == [
        (
            "refused-at-run-time", "v7.0",
            f"the kernel ends the scheduler with an error when the program makes the call: {callers}",
        ),
        ("not-callable", "v7.1", callers),
    ]  # fmt: skip
    assert summary(report) == "loads on v7.0; breaks in v7.1"
    early = audit(enqueue, filters=filters, kernels=("v7.0",))
    assert (summary(early), early.status(EVERYTHING)) == ("loads on v7.0", Status.DEPRECATED)
    assert findings(audit(in_section("struct_ops/x"), filters=filters, kernels=("v7.0",))) == []


# -- what an object does not tell


@pytest.mark.parametrize(
    ("program", "fields", "reason"),
    [
        (in_section("mine"), {"allowed": None}, 'the section "mine" does not give the program type'),
        (
            in_section("freplace/main"), {"allowed": None},
            "it replaces another program and may call what that one may, but the object does not say which one it is",
        ),
        (
            in_section("lsm"), {"allowed": BUT_SENDMSG},
            'the section "lsm" names no LSM hook; these may call it: syscall programs, and LSM programs except on '
            "socket_sendmsg",
        ),
        (
            in_section("struct_ops/x"), {"allowed": DISPATCH},
            "the object does not say which callback of which structure the program is; these may call it: "
            f"{DISPATCH_IN_WORDS}",
        ),
        (
            Program("prog", "fentry", TRACING), {"allowed": ITERATORS},
            'the section "fentry" does not give the attach type; these may call it: tracing programs with the attach '
            "type BPF_TRACE_ITER",
        ),
        (
            in_section("fentry/x"), {"filter": "Only ``iter`` programs."},
            "the record describes the filter of its callers only in prose: Only iter programs.",
        ),
        (
            in_section("lsm/bpf"), {"filter": "Only in containers.", "allowed": ONLY_LSM},
            "the record describes the filter of its callers only in prose: Only in containers.",
        ),
        (
            in_section("struct_ops/x", "sched_ext_ops", "init"), {"filter": "Only in ``init``."},
            "the record describes the filter of its callers only in prose: Only in init.",
        ),
    ],
)  # fmt: skip
def test_where_the_object_does_not_tell_enough_nothing_is_said_to_load(audit, program, fields, reason):
    report = audit(program, kernels=("v6.19", "v7.0"), **fields)
    assert findings(report) == [("cannot-tell", "v6.19 to v7.0", reason)]
    assert summary(report) == "cannot tell for v6.19 to v7.0"
    assert report.status(EVERYTHING) is Status.UNKNOWN
    assert report.status(EVERYTHING - {Status.UNKNOWN}) is Status.CLEAN


def test_a_filter_in_words_that_data_refuses_already_breaks(audit):
    report = audit(in_section("syscall"), allowed=ONLY_LSM, filter="Only in containers.")
    assert [finding[0] for finding in findings(report)] == ["not-callable"]


@pytest.mark.parametrize("section", ["mine", "freplace/main"])
@pytest.mark.parametrize(
    ("fields", "rules"),
    [
        ({}, []),
        ({"flags": "[KF_SLEEPABLE]"}, ["cannot-tell"]),
        ({"flags_for": f"{{{TRACING}: [KF_SLEEPABLE]}}"}, ["cannot-tell"]),
        ({"allowed": ONLY_LSM}, ["cannot-tell"]),
        ({"filter": "Some."}, ["cannot-tell"]),
    ],
)
def test_a_kfunc_that_is_open_to_all_is_open_to_programs_of_any_type(audit, section, fields, rules):
    report = audit(in_section(section), program_types=f"[{ANY}]", **fields)
    assert [finding[0] for finding in findings(report)] == rules


def test_a_break_counts_more_than_what_nobody_can_tell(audit):
    report = audit(in_section("lsm/bpf"), in_section("mine"), in_section("fentry/x"), allowed=ONLY_LSM)
    assert [finding[0] for finding in findings(report)] == ["cannot-tell", "not-callable"]
    assert summary(report) == "breaks on v7.0"


def test_every_report_has_the_kernels_for_which_nobody_can_tell(audit):
    filters = (("v6.6", ONLY_LSM, "verifier"), ("v7.0", BUT_SENDMSG, "verifier"))
    report = audit(in_section("lsm"), filters=filters, kernels=("v6.19", "v7.0"))
    message = (
        'the section "lsm" names no LSM hook; these may call it: syscall programs, and LSM programs except on '
        "socket_sendmsg"
    )
    head, *_, text = as_text(report, 1000).split("\n\n")
    assert head == "prog.bpf.o: loads on v6.19; cannot tell for v7.0"
    assert f"warning: bpf_one on v7.0: {message} [cannot-tell]" in text
    assert as_github(report) == (
        f"::warning file=prog.bpf.o,title=kfuncdoc cannot-tell::bpf_one, called by prog, on v7.0: {message}\n"
    )
    (audited,) = json.loads(as_json(report))["objects"]
    assert (audited["loads"], audited["cannot_tell"]) == (["v6.19"], ["v7.0"])
    assert (audited["breaks"], audited["unsure"]) == ([], [])
    assert audited["findings"][0]["exit_status"] == 5
    (program,) = audited["findings"][0]["calls"][0]["programs"]
    assert (program["attach_type"], program["lsm_hook"]) == ("BPF_LSM_MAC", None)
    (result,) = json.loads(as_sarif(report))["runs"][0]["results"]
    assert (result["ruleId"], result["level"]) == ("cannot-tell", "warning")
    assert result["message"]["text"] == f"bpf_one, called by prog, on v7.0: {message}"


# -- programs that may not sleep


@pytest.mark.parametrize(
    ("section", "rules"), [("struct_ops/init", ["not-callable"]), ("struct_ops.s/init", [])]
)  # fmt: skip
def test_callbacks_may_sleep_only_if_their_section_says_so(audit, section, rules):
    report = audit(in_section(section, "sched_ext_ops", "init"), flags="[KF_SLEEPABLE]")
    assert [finding[0] for finding in findings(report)] == rules


# -- changes that concern no program

PERFMON = "release: v7.1, event: changed, breaking: true, behaviour: It needs more., was: {flags: []}"


def changed(report: Report) -> list[str]:
    """Return the programs that a change concerns."""
    return [program for finding in report.findings if finding.rule is AuditRule.CHANGED for program in finding.programs]


@pytest.mark.parametrize("program_type", sorted(PROGRAM_TYPES - {"BPF_PROG_TYPE_UNSPEC"}))
def test_perfmon_is_no_change_for_types_that_always_needed_it(audit, program_type):
    program = Program("prog", "section", program_type, sleepable=False)
    report = audit(program, events=[PERFMON], kernels=("v7.0", "v7.1"), flags="[KF_PERFMON]", program_types=f"[{ANY}]")
    assert changed(report) == ([] if program_type in NEED_PERFMON else ["prog"])
    assert program_type != "BPF_PROG_TYPE_RAW_TRACEPOINT" or not findings(report)


def test_perfmon_concerns_programs_of_which_nobody_knows_the_type(audit):
    kernels = ("v7.0", "v7.1")
    report = audit(in_section("mine"), events=[PERFMON], kernels=kernels, flags="[KF_PERFMON]")
    assert changed(report) == ["prog"]


def test_a_change_concerns_functions_of_which_nobody_knows_the_programs(tmp_path):
    text = subsystem(entry("bpf_one", "release: v6.6, event: added", PERFMON, flags="[KF_PERFMON]", **EVERY_TYPE))
    record = KernelRecord.whole(catalog_of(tmp_path, demo=text), TODAY)
    extern = Extern("bpf_one", False, "void bpf_one(void)", shape_of("void bpf_one(void)"))
    audited = BpfObject("prog.bpf.o", (extern,), (), (Call("bpf_one", "helper", ()),))
    report = run(AuditRequest([audited], record, asked_for(record, names=["v7.0", "v7.1"])))
    assert [finding[:2] for finding in findings(report)] == [("changed", "v7.1")]


def test_only_the_programs_that_a_change_concerns_are_named(audit):
    packet = dataclasses.replace(in_section("xdp"), name="packet")
    fields = {"flags": "[KF_PERFMON]", "program_types": f"[{ANY}]"}
    report = audit(in_section("tp_btf/x"), packet, events=[PERFMON], kernels=("v7.0", "v7.1"), **fields)
    assert changed(report) == ["packet"]
    assert [len(finding.calls) for finding in report.findings] == [1]


@pytest.mark.parametrize(
    ("before", "after", "section", "concerns"),
    [
        ("[]", "[KF_SLEEPABLE]", "lsm.s/bpf", False),
        ("[]", "[KF_SLEEPABLE]", "lsm/bpf", True),
        ("[KF_SLEEPABLE]", "[]", "lsm/bpf", False),
        ("[KF_PERFMON]", "[]", "syscall", False),
        ("[KF_DESTRUCTIVE]", "[]", "syscall", False),
        ("[]", "[KF_DESTRUCTIVE]", "syscall", True),
        ("[]", "[KF_RET_NULL]", "tp_btf/x", True),
        ("[KF_RELEASE]", "[]", "tp_btf/x", True),
        ("[]", "[KF_SPINLOCK_SAFE, KF_PERFMON]", "tp_btf/x", False),
        ("[]", "[KF_SPINLOCK_SAFE, KF_PERFMON]", "syscall", True),
        ("[KF_SPINLOCK_SAFE]", "[]", "syscall", True),
        # The verifier alone needs it, so that the words must be about something else.
        ("[]", "[KF_IMPLICIT_ARGS]", "tp_btf/x", True),
        ("[]", "[KF_IMPLICIT_ARGS, KF_PERFMON]", "tp_btf/x", False),
    ],
)
def test_a_change_of_flags_concerns_programs_of_which_it_asks_more(audit, before, after, section, concerns):
    event = f"release: v7.1, event: changed, breaking: true, behaviour: Look., was: {{flags: {before}}}"
    report = audit(in_section(section), events=[event], kernels=("v7.0", "v7.1"), flags=after)
    assert changed(report) == (["prog"] if concerns else [])


def test_flags_of_another_program_type_concern_nobody_else(audit):
    event = "release: v7.1, event: changed, breaking: true, behaviour: Look., was: {flags_for: null}"
    fields = {"flags_for": f"{{{LSM}: [KF_RET_NULL]}}"}
    report = audit(in_section("tp_btf/x"), in_section("lsm/bpf"), events=[event], kernels=("v7.0", "v7.1"), **fields)
    assert [len(finding.calls) for finding in report.findings] == [1]
    (program,) = report.findings[0].calls[0].programs
    assert program.program_type == LSM


@pytest.mark.parametrize("section", ["tp_btf/x", "mine"])
def test_a_change_in_words_alone_concerns_everybody(audit, section):
    event = "release: v7.1, event: changed, breaking: true, behaviour: Look."
    report = audit(in_section(section), events=[event], kernels=("v7.0", "v7.1"), program_types=f"[{ANY}]")
    assert changed(report) == ["prog"]


def test_a_change_of_another_field_concerns_everybody(audit):
    event = "release: v7.1, event: changed, breaking: true, behaviour: Look., was: {flags: [], depends_on: NET}"
    report = audit(in_section("tp_btf/x"), events=[event], kernels=("v7.0", "v7.1"), flags="[KF_PERFMON]")
    assert changed(report) == ["prog"]


@pytest.mark.parametrize(
    ("section", "rules"),
    [("syscall", []), ("xdp", ["not-callable"]), ("mine", ["cannot-tell", "changed"])],
)
def test_other_program_types_concern_those_of_which_nobody_knows_the_type(audit, section, rules):
    """Programs that may no longer call have a finding of their own."""
    was = f"was: {{program_types: [{XDP}, {SYSCALL}]}}"
    event = f"release: v7.1, event: changed, breaking: true, {was}"
    report = audit(in_section(section), events=[event], kernels=("v7.0", "v7.1"), program_types=f"[{SYSCALL}]")
    assert [finding[0] for finding in findings(report)] == rules


@pytest.mark.parametrize(
    ("member", "rules"),
    [("dispatch", []), ("enqueue", ["not-callable"]), (None, ["cannot-tell", "changed"])],
)
def test_a_narrowed_filter_concerns_programs_of_which_nobody_knows_the_callback(audit, member, rules):
    """As in v7.1, where the verifier refuses what ended the scheduler before."""
    event = "release: v7.1, event: changed, breaking: true, behaviour: It is narrowed., was: {filter: In words.}"
    filters = (("v6.6", None, "verifier"), ("v7.1", DISPATCH, "verifier"))
    structure = "sched_ext_ops" if member else None
    report = audit(
        in_section("struct_ops/x", structure, member), events=[event], filters=filters, kernels=("v7.0", "v7.1")
    )
    assert [rule for rule, kernels, _ in findings(report) if kernels.endswith("v7.1")] == rules
    assert [finding[2] for finding in findings(report) if finding[0] == "changed"] == [
        f"changed in v7.1: It is narrowed. (now callable by: {DISPATCH_IN_WORDS})"
        for rule in rules
        if rule == "changed"
    ]


def test_a_filter_in_words_that_came_concerns_everybody(audit):
    event = "release: v7.1, event: changed, breaking: true, was: {filter: null}"
    report = audit(in_section("syscall"), events=[event], kernels=("v7.0", "v7.1"), filter="Only some.")
    assert changed(report) == ["prog"]
    assert [finding[2] for finding in findings(report) if finding[0] == "changed"] == [
        "changed in v7.1: filter (Only some.)"
    ]


# -- properties

NAMES = st.lists(st.sampled_from(["one", "two", "three"]), unique=True, max_size=3).map(tuple)
CALLERS = st.builds(
    AllowedCaller,
    program_type=st.none() | st.sampled_from([LSM, TRACING]),
    attach_types=NAMES, struct_ops=NAMES, callbacks=NAMES, lsm_hooks=NAMES, except_lsm_hooks=NAMES,
)  # fmt: skip


@given(st.lists(CALLERS, max_size=4))
def test_the_words_name_everything_that_limits_callers(callers):
    words = allowed_in_words(callers)
    for caller in callers:
        # A callback has no attach type and no LSM hook.
        of_callback = (*caller.struct_ops, *(f"{name}()" for name in caller.callbacks))
        of_others = (*caller.attach_types, *caller.lsm_hooks, *caller.except_lsm_hooks)
        assert all(name in words for name in (of_callback if caller.struct_ops else of_others))
    assert words
