# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""From registrations to the program types that may call: hooks, and their widening by release."""

from __future__ import annotations

from kfuncdoc.kernels.hooks import ANY, HookEntry, HookMap
from kfuncdoc.kernels.packaged import load_calendar, load_hooks
from kfuncdoc.kernels.releases import When

CALENDAR = load_calendar()
HOOKS = load_hooks(CALENDAR)


def test_the_tracing_hook_opened_in_v6_12():
    registered = ["BPF_PROG_TYPE_TRACING"]
    assert HOOKS.sharing(registered, CALENDAR["v6.11"]) == ("BPF_PROG_TYPE_LSM",)
    assert HOOKS.sharing(registered, CALENDAR["v6.12"]) == (
        "BPF_PROG_TYPE_LSM",
        "BPF_PROG_TYPE_TRACEPOINT",
        "BPF_PROG_TYPE_PERF_EVENT",
    )


def test_a_hook_of_its_own_is_shared_with_nobody():
    assert HOOKS.sharing(["BPF_PROG_TYPE_XDP", "BPF_PROG_TYPE_SCHED_CLS"], CALENDAR["v7.3"]) == ()


def test_any_program_type_may_call_what_is_registered_for_none_in_particular():
    assert HOOKS.may_call([ANY], "BPF_PROG_TYPE_XDP", CALENDAR["v6.12"])
    assert not HOOKS.may_call([], "BPF_PROG_TYPE_XDP", CALENDAR["v6.12"])


def test_registration_and_sharing_both_let_a_program_type_call():
    registered = ["BPF_PROG_TYPE_CGROUP_SKB"]
    assert HOOKS.may_call(registered, "BPF_PROG_TYPE_CGROUP_SKB", CALENDAR["v6.7"])
    assert HOOKS.may_call(registered, "BPF_PROG_TYPE_CGROUP_SOCK_ADDR", CALENDAR["v6.7"])
    assert not HOOKS.may_call(registered, "BPF_PROG_TYPE_SOCK_OPS", CALENDAR["v6.14"])
    assert HOOKS.may_call(registered, "BPF_PROG_TYPE_SOCK_OPS", CALENDAR["v6.15"])


def test_a_type_has_a_hook_from_when_it_opens_until_it_closes():
    tracing, xdp = "BPF_PROG_TYPE_TRACING", "BPF_PROG_TYPE_XDP"
    hooks = HookMap(
        [
            HookEntry(tracing, "a", CALENDAR.when("v6.1..v6.3"), CALENDAR["v6.8"]),
            HookEntry(xdp, "a", CALENDAR.when("v6.4")),
            HookEntry(tracing, "b", CALENDAR.when("v7.0")),
        ]
    )
    assert hooks.program_types == (tracing, xdp)
    open_in = [release.name for release in CALENDAR.between(CALENDAR["v6.2"], CALENDAR["v7.0"])]
    assert [name for name in open_in if hooks.is_open(tracing, CALENDAR[name])] == [
        "v6.3", "v6.4", "v6.5", "v6.6", "v6.7", "v7.0",
    ]  # fmt: skip
    assert hooks.opened(tracing, CALENDAR["v6.3"]) == CALENDAR.when("v6.1..v6.3")
    assert hooks.opened(tracing, CALENDAR["v7.0"]) == When(CALENDAR["v7.0"])
    assert hooks.opened(xdp, CALENDAR["v6.3"]) == When(CALENDAR["v6.3"])
