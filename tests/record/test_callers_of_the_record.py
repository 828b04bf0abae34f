# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The record says of each kfunc under a filter who may call it, as the filter functions of the kernel do."""

from __future__ import annotations

import functools
from collections import Counter
from typing import Optional

import pytest
from declared import TESTS, TODAY

from kfuncdoc.base.resources import packaged
from kfuncdoc.bpf.callers import is_allowed
from kfuncdoc.bpf.objects import Program
from kfuncdoc.kernels.observation import Observation, from_json
from kfuncdoc.record.declaration_files import find
from kfuncdoc.record.lifecycle import Facts, assess
from kfuncdoc.record.load import load

STRUCT_OPS, TRACING = "BPF_PROG_TYPE_STRUCT_OPS", "BPF_PROG_TYPE_TRACING"
SYSCALL, LSM, KPROBE = "BPF_PROG_TYPE_SYSCALL", "BPF_PROG_TYPE_LSM", "BPF_PROG_TYPE_KPROBE"

#: The kfuncs of each filter function of v7.3, by the source.  For sched_ext, the function is a filter of whole hooks,
#: so it governs the three kfuncs of scx_kfunc_ids_cid too, whose set does not name it.
GOVERNED = {
    "scx_kfunc_context_filter": 77,
    "bpf_qdisc_kfunc_filter": 8,
    "bpf_fs_kfuncs_filter": 9,
    "bm_bpf_kfunc_filter": 4,
    "bpf_ksock_kfunc_filter": 3,
    "bpf_session_filter": 2,
    "tracing_iter_filter": 1,
    "bpf_get_fsverity_digest_filter": 1,
}
WITHOUT_ITS_NAME = {"scx_bpf_cid_to_cpu", "scx_bpf_cpu_to_cid", "scx_bpf_cid_topo"}


@functools.cache
def catalog():
    return load(find([str(packaged("data"))]))


@functools.cache
def observed(release: str) -> Observation:
    return from_json((TESTS / "observed" / f"{release}.json").read_text(encoding="utf-8"))


def facts(name: str, release: str) -> Facts:
    declaration = catalog().get(name)
    assert declaration is not None
    return assess(declaration.kfunc, catalog().calendar, catalog().calendar[release], TODAY).facts


def filters_of(release: str) -> dict[str, str]:
    """Return the filter function of each kfunc whose registrations name one."""
    return {
        kfunc.name: registration.filter
        for kfunc in observed(release).kfuncs
        for registration in kfunc.registrations
        if registration.filter
    }


def test_as_many_kfuncs_have_callers_as_the_filters_of_the_newest_release_govern():
    filters = {**filters_of("v7.3"), **dict.fromkeys(WITHOUT_ITS_NAME, "scx_kfunc_context_filter")}
    assert Counter(filters.values()) == GOVERNED
    present = [kfunc.name for kfunc in observed("v7.3").kfuncs]
    limited = {name for name in present if facts(name, "v7.3").allowed is not None}
    assert limited == set(filters)
    assert len(limited) == 105
    assert not [name for name in present if facts(name, "v7.3").filter]


@pytest.mark.parametrize("release", ["v6.12", "v7.2", "v7.3"])
def test_each_kfunc_with_a_filter_function_says_whom_it_allows(release):
    filters = filters_of(release)
    assert filters
    assert not [name for name in filters if facts(name, release).allowed is None]
    assert not [name for name in filters if facts(name, release).enforced_by != "verifier"]


def test_only_sched_ext_checked_at_run_time_and_only_before_its_filter():
    run_time = {
        release: {
            declaration.name
            for _, declaration in catalog().declarations
            if facts(declaration.name, release).enforced_by == "run-time"
        }
        for release in ("v6.12", "v7.0", "v7.1")
    }
    assert "scx_bpf_dispatch" in run_time["v6.12"]
    assert {"scx_bpf_dsq_insert", "scx_bpf_dsq_move", "scx_bpf_reenqueue_local"} <= run_time["v7.0"]
    removed = {"scx_bpf_dispatch", "scx_bpf_consume"}
    assert removed <= run_time["v7.1"], "a removed kfunc has the facts of its last release"
    assert not {name for name in run_time["v7.1"] if "dispatch" not in name and "consume" not in name}


def of(program_type: str, attach_type: Optional[str] = None, hook: Optional[str] = None) -> Program:
    return Program("p", "section", program_type, attach_type=attach_type, lsm_hook=hook)


def callback(structure: str, member: str) -> Program:
    return Program("p", "section", STRUCT_OPS, struct_ops=structure, member=member)


CPU, CID = "sched_ext_ops", "sched_ext_ops_cid"


@pytest.mark.parametrize(
    ("name", "release", "program", "expected"),
    [
        # scx_kfunc_context_filter(), by set and by the members of scx_kf_allow_flags[].
        ("scx_bpf_dsq_insert", "v7.3", callback(CPU, "select_cpu"), True),
        ("scx_bpf_dsq_insert", "v7.3", callback(CID, "select_cid"), True),
        ("scx_bpf_dsq_insert", "v7.3", callback(CPU, "sub_ecaps_updated"), True),
        ("scx_bpf_dsq_insert", "v7.2", callback(CPU, "sub_ecaps_updated"), False),
        ("scx_bpf_dsq_insert", "v7.3", callback(CPU, "cpu_release"), False),
        ("scx_bpf_dsq_insert", "v7.1", callback(CID, "enqueue"), False),
        ("scx_bpf_dsq_insert", "v7.3", of(SYSCALL), False),
        ("scx_bpf_dsq_move_to_local", "v7.3", callback(CPU, "enqueue"), False),
        ("scx_bpf_dsq_move_to_local", "v7.3", callback(CPU, "dispatch"), True),
        ("scx_bpf_dsq_move", "v7.3", callback(CID, "cpuctl_init"), True),
        ("scx_bpf_dsq_move", "v7.2", callback(CID, "cgroup_init"), True),
        ("scx_bpf_dsq_move", "v7.3", callback(CPU, "cgroup_move"), False),
        ("scx_bpf_dsq_move", "v7.3", of(SYSCALL), True),
        ("scx_bpf_create_dsq", "v7.3", callback(CPU, "dispatch"), False),
        ("scx_bpf_create_dsq", "v7.3", callback(CPU, "init_cids"), True),
        ("scx_bpf_select_cpu_dfl", "v7.3", callback(CID, "enqueue"), False),
        ("scx_bpf_select_cpu_dfl", "v7.3", callback(CPU, "init_cids"), True),
        ("scx_bpf_select_cpu_dfl", "v7.3", of(SYSCALL), True),
        ("scx_bpf_select_cpu_dfl", "v7.3", of(TRACING), False),
        ("scx_bpf_reenqueue_local", "v7.3", callback(CPU, "cpu_release"), True),
        ("scx_bpf_cid_override", "v7.3", callback(CID, "init"), False),
        ("scx_bpf_cid_override", "v7.2", callback(CID, "init"), True),
        ("scx_bpf_kick_cpu", "v7.3", callback(CID, "tick"), False),
        ("scx_bpf_kick_cid", "v7.3", callback(CPU, "tick"), True),
        ("scx_bpf_now", "v7.3", callback("tcp_congestion_ops", "init"), False),
        ("scx_bpf_now", "v7.3", of(TRACING), True),
        # What scx_kf_allowed() checked at run time.
        ("scx_bpf_dispatch", "v6.12", callback(CPU, "enqueue"), True),
        ("scx_bpf_dispatch", "v6.12", callback(CPU, "running"), False),
        ("scx_bpf_dispatch_from_dsq", "v6.12", callback(CPU, "cgroup_move"), True),
        # bpf_qdisc_kfunc_filter()
        ("bpf_qdisc_skb_drop", "v7.3", callback("Qdisc_ops", "dequeue"), False),
        ("bpf_qdisc_watchdog_schedule", "v7.3", callback("Qdisc_ops", "dequeue"), True),
        ("bpf_kfree_skb", "v7.3", callback("Qdisc_ops", "reset"), True),
        ("bpf_qdisc_init_prologue", "v7.3", callback("Qdisc_ops", "init"), False),
        ("bpf_dynptr_from_skb", "v7.3", of("BPF_PROG_TYPE_SCHED_CLS"), True),
        ("bpf_dynptr_from_skb", "v7.3", callback(CPU, "init"), False),
        # bpf_fs_kfuncs_filter(), bm_bpf_kfunc_filter(), bpf_get_fsverity_digest_filter()
        ("bpf_put_file", "v7.3", callback("binfmt_misc_ops", "match"), True),
        ("bpf_put_file", "v7.2", callback("binfmt_misc_ops", "match"), False),
        ("bpf_put_file", "v6.12", of(TRACING), False),
        ("bpf_set_dentry_xattr", "v7.3", callback("binfmt_misc_ops", "match"), False),
        ("bpf_set_dentry_xattr", "v7.3", of(LSM), True),
        ("bpf_binprm_set_flags", "v7.3", callback("binfmt_misc_ops", "match"), False),
        ("bpf_binprm_set_flags", "v7.3", callback("binfmt_misc_ops", "load"), True),
        ("bpf_get_fsverity_digest", "v7.3", of(TRACING), False),
        # bpf_ksock_kfunc_filter(), tracing_iter_filter()
        ("bpf_ksock_send", "v7.3", of(LSM, hook="socket_sendmsg"), False),
        ("bpf_ksock_send", "v7.3", of(LSM, hook="file_open"), True),
        ("bpf_ksock_send", "v7.3", of(SYSCALL), True),
        ("bpf_ksock_send", "v7.3", of(TRACING), False),
        ("bpf_sock_destroy", "v6.12", of(TRACING, "BPF_TRACE_ITER"), True),
        ("bpf_sock_destroy", "v7.3", of(TRACING, "BPF_TRACE_FENTRY"), False),
        # bpf_kprobe_multi_filter() of v6.12, later bpf_session_filter()
        ("bpf_session_cookie", "v6.12", of(KPROBE, "BPF_TRACE_KPROBE_SESSION"), True),
        ("bpf_session_cookie", "v6.12", of(KPROBE, "BPF_TRACE_UPROBE_SESSION"), False),
        ("bpf_session_cookie", "v6.13", of(KPROBE, "BPF_TRACE_UPROBE_SESSION"), True),
        ("bpf_session_cookie", "v6.19", of(TRACING, "BPF_TRACE_FSESSION"), False),
        ("bpf_session_cookie", "v7.0", of(TRACING, "BPF_TRACE_FSESSION"), True),
        ("bpf_session_cookie", "v7.1", of(TRACING, "BPF_TRACE_FSESSION_MULTI"), False),
        ("bpf_session_cookie", "v7.2", of(TRACING, "BPF_TRACE_FSESSION_MULTI"), True),
        ("bpf_session_cookie", "v7.3", of(KPROBE, "BPF_TRACE_KPROBE_MULTI"), False),
    ],
)
def test_the_record_answers_as_the_filter_function_does(name, release, program, expected):
    allowed = facts(name, release).allowed
    assert allowed is not None
    assert is_allowed(allowed, program) is expected


@pytest.mark.parametrize(
    "name", ["tcp_slow_start", "cubictcp_init", "hid_bpf_get_data", "bpf_io_uring_get_region", "bbr_main"]
)
def test_kfuncs_that_are_only_made_for_a_structure_have_no_filter(name):
    """They are registered for struct_ops without a filter: the kernel lets every structure's programs call them."""
    assert facts(name, "v7.3").allowed is None
    assert name not in filters_of("v7.3")
