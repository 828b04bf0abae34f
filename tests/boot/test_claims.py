# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""An audit of a program by itself: all externs of the object count, and the calls of this program only."""

from __future__ import annotations

import datetime

import pytest

from boot.claims import Verdict, claims, only
from kfuncdoc.base.resources import packaged
from kfuncdoc.bpf.objects import BpfObject, Call, Extern, Program
from kfuncdoc.compat.kernels import KernelRecord
from kfuncdoc.record.declaration_files import find
from kfuncdoc.record.load import load

TASK = Program("task", "?raw_tp/sys_enter", "BPF_PROG_TYPE_RAW_TRACEPOINT", optional=True)
XDP = Program("packet", "xdp", "BPF_PROG_TYPE_XDP")
#: bpf_strlen came with v6.17, bpf_rcu_read_lock is on all these kernels.
OBJECT = BpfObject(
    "a.bpf.o",
    (Extern("bpf_strlen", weak=True), Extern("bpf_rcu_read_lock", weak=False)),
    (TASK, XDP),
    (
        Call("bpf_strlen", "task", (TASK,), directly=(TASK,)),
        Call("bpf_rcu_read_lock", "shared", (TASK, XDP), directly=(TASK, XDP)),
        Call("bpf_strlen", "never_called", ()),
    ),
)


@pytest.fixture(scope="module")
def record() -> KernelRecord:
    return KernelRecord.whole(load(find([str(packaged("data"))])), datetime.date(2026, 11, 28))


def test_an_object_is_limited_to_a_program_and_its_calls():
    limited = only(OBJECT, TASK)
    (program,) = limited.programs
    assert (program.name, program.optional) == ("task", False)
    assert limited.externs == OBJECT.externs
    assert limited.calls == (
        Call("bpf_strlen", "task", (program,), directly=(program,)),
        Call("bpf_rcu_read_lock", "shared", (program,), directly=(program,)),
    )


def test_each_program_has_a_verdict_of_its_own(record):
    old, new = record.kernel(record.snapshot.calendar["v6.12"]), record.kernel(record.snapshot.calendar["v7.3"])
    (by_program,) = claims([OBJECT], record, [old, new])
    assert {name: [by_kernel[old].verdict, by_kernel[new].verdict] for name, by_kernel in by_program.items()} == {
        "task": [Verdict.MAY_BREAK, Verdict.LOADS],
        "packet": [Verdict.LOADS, Verdict.LOADS],
    }
    assert by_program["task"][old].reason == "guard-missing bpf_strlen: not there before v6.17"


def test_a_missing_kfunc_breaks_all_programs_of_the_object(record):
    old = record.kernel(record.snapshot.calendar["v6.12"])
    needy = BpfObject("a.bpf.o", (Extern("bpf_strlen", weak=False),), (TASK, XDP), OBJECT.calls[:1])
    (by_program,) = claims([needy], record, [old])
    assert [(claim[old].verdict, claim[old].by_libbpf) for claim in by_program.values()] == [(Verdict.BREAKS, True)] * 2
