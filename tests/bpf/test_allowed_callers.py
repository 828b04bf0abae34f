# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Which programs a filter lets call a kfunc: three answers."""

from __future__ import annotations

import pytest

from kfuncdoc.bpf.callers import AllowedCaller, is_allowed
from kfuncdoc.bpf.objects import Program

LSM, TRACING, STRUCT_OPS = "BPF_PROG_TYPE_LSM", "BPF_PROG_TYPE_TRACING", "BPF_PROG_TYPE_STRUCT_OPS"
ONLY_LSM = AllowedCaller(LSM)
BUT_SENDMSG = AllowedCaller(LSM, except_lsm_hooks=("socket_sendmsg",))
ITERATORS = AllowedCaller(TRACING, attach_types=("BPF_TRACE_ITER",))
DISPATCH = AllowedCaller(STRUCT_OPS, struct_ops=("sched_ext_ops",), callbacks=("dispatch",))


def program(program_type, **facts) -> Program:
    return Program("p", "section", program_type, **facts)


@pytest.mark.parametrize(
    ("callers", "caller", "expected"),
    [
        ([ONLY_LSM], program(LSM), True),
        ([ONLY_LSM], program(TRACING), False),
        ([ONLY_LSM], program(None), None),
        ([BUT_SENDMSG], program(LSM, lsm_hook="file_open"), True),
        ([BUT_SENDMSG], program(LSM, lsm_hook="socket_sendmsg"), False),
        ([BUT_SENDMSG], program(LSM), None),
        ([BUT_SENDMSG], program(TRACING), False),
        ([AllowedCaller(LSM, lsm_hooks=("file_open",))], program(LSM, lsm_hook="file_open"), True),
        ([ITERATORS], program(TRACING, attach_type="BPF_TRACE_ITER"), True),
        ([ITERATORS], program(TRACING, attach_type="BPF_TRACE_FENTRY"), False),
        ([ITERATORS], program(TRACING), None),
        ([DISPATCH], program(STRUCT_OPS, struct_ops="sched_ext_ops", member="dispatch"), True),
        ([DISPATCH], program(STRUCT_OPS, struct_ops="sched_ext_ops", member="enqueue"), False),
        ([DISPATCH], program(STRUCT_OPS, struct_ops="Qdisc_ops"), False),
        ([DISPATCH], program(STRUCT_OPS, struct_ops="sched_ext_ops"), None),
        ([DISPATCH, ONLY_LSM], program(LSM), True),
        ([DISPATCH, ITERATORS], program(TRACING), None),
        ([AllowedCaller()], program(None), True),
        ([AllowedCaller(except_program_types=(STRUCT_OPS,))], program(TRACING), True),
        ([AllowedCaller(except_program_types=(STRUCT_OPS,))], program(STRUCT_OPS), False),
        ([AllowedCaller(except_program_types=(STRUCT_OPS,))], program(None), None),
        ([], program(LSM), False),
    ],
)
def test_answer(callers, caller, expected):
    assert is_allowed(callers, caller) is expected
