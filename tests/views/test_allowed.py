# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The sentences on filters, word for word, and which types of programs a filter lets call."""

from __future__ import annotations

from dataclasses import replace

import pytest
from histories import kfuncs
from hypothesis import given

from kfuncdoc.bpf.callers import AllowedCaller, is_allowed
from kfuncdoc.bpf.objects import Program
from kfuncdoc.kernels.hooks import ANY, STRUCT_OPS
from kfuncdoc.record.lifecycle import Facts, facts_after
from kfuncdoc.views.allowed import filter_in_words, lets_call

LSM, TRACING, SYSCALL = "BPF_PROG_TYPE_LSM", "BPF_PROG_TYPE_TRACING", "BPF_PROG_TYPE_SYSCALL"
NO_FILTER = Facts("void f(void)", (), {}, (), None, "verifier", None, None, None, None)
DISPATCH = AllowedCaller(STRUCT_OPS, struct_ops=("a_ops", "b_ops"), callbacks=("dispatch", "update"))
INIT = AllowedCaller(STRUCT_OPS, struct_ops=("a_ops", "b_ops"), callbacks=("init", "update"))
ANY_CALLBACK = AllowedCaller(STRUCT_OPS, struct_ops=("a_ops",))
OTHERS = AllowedCaller(except_program_types=(STRUCT_OPS,))


def limited(*callers: AllowedCaller, enforced_by: str = "verifier", words: str = "") -> Facts:
    return replace(NO_FILTER, allowed=callers, enforced_by=enforced_by, filter=words or None)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (NO_FILTER, ""),
        (replace(NO_FILTER, filter="Only by night.\n"), "Only by night."),
        (limited(), "Refused to all programs; only the kernel calls it."),
        (limited(DISPATCH), "Only from ``dispatch()`` and ``update()`` of ``a_ops`` and ``b_ops``."),
        (limited(ANY_CALLBACK), "Only from any callback of ``a_ops``."),
        (
            limited(DISPATCH, INIT, AllowedCaller(SYSCALL)),
            "Only from ``dispatch()``, ``update()`` and ``init()`` of ``a_ops`` and ``b_ops``, "
            "and from syscall programs.",
        ),
        (
            limited(replace(DISPATCH, struct_ops=("a_ops",)), ANY_CALLBACK),
            "Only from any callback of ``a_ops``.",
        ),
        (
            limited(ANY_CALLBACK, OTHERS),
            "Only from any callback of ``a_ops``, and from programs that are not struct_ops.",
        ),
        (limited(AllowedCaller(LSM)), "Only from LSM programs."),
        (limited(AllowedCaller(LSM, lsm_hooks=("a", "b"))), "Only from LSM programs on ``a`` and ``b``."),
        (
            limited(AllowedCaller(SYSCALL), AllowedCaller(LSM, except_lsm_hooks=("socket_sendmsg",))),
            "Only from syscall programs, and from LSM programs except on ``socket_sendmsg``.",
        ),
        (
            limited(AllowedCaller(TRACING, attach_types=("BPF_TRACE_ITER",))),
            "Only from tracing programs with the attach type ``BPF_TRACE_ITER``.",
        ),
        (
            limited(AllowedCaller("BPF_PROG_TYPE_KPROBE", attach_types=("A", "B"))),
            "Only from kprobe programs with the attach type ``A`` or ``B``.",
        ),
        (
            limited(AllowedCaller("BPF_PROG_TYPE_CGROUP_SOCK_ADDR"), AllowedCaller("BPF_PROG_TYPE_LWT_OUT")),
            "Only from cgroup sock addr programs, and from LWT out programs.",
        ),
        (
            limited(ANY_CALLBACK, enforced_by="run-time"),
            "Only from any callback of ``a_ops``. "
            "The kernel checks this when the call is made: a program with another call loads.",
        ),
        (limited(AllowedCaller(LSM), words="And only\nby night."), "Only from LSM programs. And only\nby night."),
    ],
)
def test_a_filter_in_words(facts, expected):
    assert filter_in_words(facts) == expected


@pytest.mark.parametrize(
    ("facts", "program_type", "struct_ops", "expected"),
    [
        (NO_FILTER, LSM, None, True),
        (limited(), LSM, None, False),
        (limited(AllowedCaller(LSM, lsm_hooks=("a",))), LSM, None, True),
        (limited(AllowedCaller(LSM)), TRACING, None, False),
        (limited(DISPATCH), STRUCT_OPS, "b_ops", True),
        (limited(DISPATCH), STRUCT_OPS, "c_ops", False),
        (limited(DISPATCH), STRUCT_OPS, None, False),
        (limited(OTHERS), STRUCT_OPS, "a_ops", False),
        (limited(OTHERS), TRACING, None, True),
        (limited(OTHERS), ANY, None, False),
        (limited(AllowedCaller(attach_types=("A",))), ANY, None, True),
    ],
)
def test_which_types_a_filter_lets_call(facts, program_type, struct_ops, expected):
    assert lets_call(facts, program_type, struct_ops) is expected


@given(kfuncs())
def test_a_type_that_no_filter_lets_call_has_no_program_that_may(kfunc):
    """The pages by program type and the audit agree."""
    facts = facts_after(kfunc, len(kfunc.history) - 1)
    for program_type, struct_ops in ((LSM, None), (SYSCALL, None), (STRUCT_OPS, "Qdisc_ops"), (STRUCT_OPS, "c_ops")):
        program = Program("p", "section", program_type, struct_ops=struct_ops)
        may_call = facts.allowed is None or is_allowed(facts.allowed, program) is not False
        assert may_call == lets_call(facts, program_type, struct_ops)
