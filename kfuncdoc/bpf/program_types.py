# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The types of BPF programs."""

from __future__ import annotations

#: The kernel's ``enum bpf_prog_type`` (include/uapi/linux/bpf.h).
PROGRAM_TYPES = frozenset(
    f"BPF_PROG_TYPE_{name}"
    for name in """
    UNSPEC SOCKET_FILTER KPROBE SCHED_CLS SCHED_ACT TRACEPOINT XDP PERF_EVENT CGROUP_SKB CGROUP_SOCK
    LWT_IN LWT_OUT LWT_XMIT SOCK_OPS SK_SKB CGROUP_DEVICE SK_MSG RAW_TRACEPOINT CGROUP_SOCK_ADDR
    LWT_SEG6LOCAL LIRC_MODE2 SK_REUSEPORT FLOW_DISSECTOR CGROUP_SYSCTL RAW_TRACEPOINT_WRITABLE
    CGROUP_SOCKOPT TRACING STRUCT_OPS EXT LSM SK_LOOKUP SYSCALL NETFILTER
    """.split()
)

#: The types of programs that only a process with CAP_PERFMON may load (``is_perfmon_prog_type()`` in
#: ``kernel/bpf/syscall.c``, the same in v6.12, v7.2 and v7.3).
NEED_PERFMON = frozenset(
    f"BPF_PROG_TYPE_{short}"
    for short in (
        "KPROBE", "TRACEPOINT", "PERF_EVENT", "RAW_TRACEPOINT", "RAW_TRACEPOINT_WRITABLE", "TRACING", "LSM",
        "STRUCT_OPS", "EXT",
    )
)  # fmt: skip
