# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The program types that libbpf reads from the names of sections."""

from __future__ import annotations

import pytest

from kfuncdoc.bpf.program_types import PROGRAM_TYPES
from kfuncdoc.bpf.sections import _SECTIONS, program_section


@pytest.mark.parametrize(
    ("name", "program_type", "sleepable"),
    [
        ("xdp", "XDP", False),
        ("xdp.frags/devmap", "XDP", False),
        ("tp_btf/sched_switch", "TRACING", False),
        ("tp_btf", "TRACING", False),
        ("fentry.s/do_unlinkat", "TRACING", True),
        ("lsm.s/file_open", "LSM", True),
        ("lsm_cgroup/socket_bind", "LSM", False),
        ("struct_ops/enqueue", "STRUCT_OPS", False),
        ("struct_ops.s/init", "STRUCT_OPS", True),
        ("struct_ops", "STRUCT_OPS", False),
        ("syscall", "SYSCALL", True),
        ("kprobe.session/do_unlinkat", "KPROBE", False),
        ("uprobe.multi.s//proc/self/exe:main", "KPROBE", True),
        ("tp/syscalls/sys_enter_kill", "TRACEPOINT", False),
        ("raw_tp.w/bpf_test", "RAW_TRACEPOINT_WRITABLE", False),
        ("cgroup/getsockname_unix", "CGROUP_SOCK_ADDR", False),
        ("cgroup_skb/egress", "CGROUP_SKB", False),
        ("tcx/ingress", "SCHED_CLS", False),
        ("tc/anything", "SCHED_CLS", False),
        ("freplace/main", "EXT", False),
    ],
)
def test_sections(name, program_type, sleepable):
    assert program_section(name) == (f"BPF_PROG_TYPE_{program_type}", sleepable, False)
    assert program_section(f"?{name}") == (f"BPF_PROG_TYPE_{program_type}", sleepable, True)


@pytest.mark.parametrize("name", [".text", "maps", "xdp_prog", "kprobes/x", "", "cgroup", "cgroup/nothing"])
def test_what_says_nothing(name):
    assert program_section(name) == (None, None, False)


def test_all_are_program_types():
    assert {f"BPF_PROG_TYPE_{short}" for short in _SECTIONS} <= set(PROGRAM_TYPES)
