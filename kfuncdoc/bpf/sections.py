# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The type of a BPF program, its attach type, LSM hook, and whether it may sleep, from the name of its section.

libbpf takes all of them from the name, ``SEC("tp_btf/sched_switch")``, by the first of its definitions that fits
(``section_defs[]`` in ``tools/lib/bpf/libbpf.c``, here as of v7.3).
"""

from __future__ import annotations

from typing import Mapping, NamedTuple, Optional

#: The attach type of programs that have none; the kernel sees 0.
NO_ATTACH_TYPE = ""

#: The names of sections for each program type and attach type, both without their prefixes.  ``+``: a slash and the
#: name of the attach point may follow.  ``.s``: programs that may sleep are in a section of the same name with ``.s``
#: at its end.
_SECTIONS: Mapping[str, Mapping[str, str]] = {
    "SOCKET_FILTER": {NO_ATTACH_TYPE: "socket"},
    "SK_REUSEPORT": {"SK_REUSEPORT_SELECT_OR_MIGRATE": "sk_reuseport/migrate", "SK_REUSEPORT_SELECT": "sk_reuseport"},
    "KPROBE": {
        # libbpf gives USDT probes BPF_TRACE_UPROBE_MULTI where the kernel has it.
        NO_ATTACH_TYPE: "kprobe+ uprobe.s+ kretprobe+ uretprobe.s+ ksyscall+ kretsyscall+ usdt.s+",
        "TRACE_KPROBE_MULTI": "kprobe.multi+ kretprobe.multi+",
        "TRACE_KPROBE_SESSION": "kprobe.session+",
        "TRACE_UPROBE_MULTI": "uprobe.multi.s+ uretprobe.multi.s+",
        "TRACE_UPROBE_SESSION": "uprobe.session.s+",
    },
    "SCHED_CLS": {
        NO_ATTACH_TYPE: "tc classifier",
        "TCX_INGRESS": "tc/ingress tcx/ingress",
        "TCX_EGRESS": "tc/egress tcx/egress",
        "NETKIT_PRIMARY": "netkit/primary",
        "NETKIT_PEER": "netkit/peer",
    },
    "SCHED_ACT": {NO_ATTACH_TYPE: "action"},
    "TRACEPOINT": {NO_ATTACH_TYPE: "tracepoint.s+ tp.s+"},
    "RAW_TRACEPOINT": {NO_ATTACH_TYPE: "raw_tracepoint.s+ raw_tp.s+"},
    "RAW_TRACEPOINT_WRITABLE": {NO_ATTACH_TYPE: "raw_tracepoint.w+ raw_tp.w+"},
    "TRACING": {
        "TRACE_RAW_TP": "tp_btf.s+",
        "TRACE_FENTRY": "fentry.s+",
        "MODIFY_RETURN": "fmod_ret.s+",
        "TRACE_FEXIT": "fexit.s+",
        "TRACE_FSESSION": "fsession.s+",
        "TRACE_FENTRY_MULTI": "fentry.multi.s+",
        "TRACE_FEXIT_MULTI": "fexit.multi.s+",
        "TRACE_FSESSION_MULTI": "fsession.multi.s+",
        "TRACE_ITER": "iter.s+",
    },
    "EXT": {NO_ATTACH_TYPE: "freplace+"},
    "LSM": {"LSM_MAC": "lsm.s+", "LSM_CGROUP": "lsm_cgroup+"},
    "SYSCALL": {NO_ATTACH_TYPE: "syscall"},
    "XDP": {
        "XDP_DEVMAP": "xdp.frags/devmap xdp/devmap",
        "XDP_CPUMAP": "xdp.frags/cpumap xdp/cpumap",
        "XDP": "xdp.frags xdp",
    },
    "PERF_EVENT": {NO_ATTACH_TYPE: "perf_event"},
    "LWT_IN": {NO_ATTACH_TYPE: "lwt_in"},
    "LWT_OUT": {NO_ATTACH_TYPE: "lwt_out"},
    "LWT_XMIT": {NO_ATTACH_TYPE: "lwt_xmit"},
    "LWT_SEG6LOCAL": {NO_ATTACH_TYPE: "lwt_seg6local"},
    "SOCK_OPS": {"CGROUP_SOCK_OPS": "sockops"},
    "SK_SKB": {
        "SK_SKB_STREAM_PARSER": "sk_skb/stream_parser",
        "SK_SKB_STREAM_VERDICT": "sk_skb/stream_verdict",
        "SK_SKB_VERDICT": "sk_skb/verdict",
        NO_ATTACH_TYPE: "sk_skb",
    },
    "SK_MSG": {"SK_MSG_VERDICT": "sk_msg"},
    "LIRC_MODE2": {"LIRC_MODE2": "lirc_mode2"},
    "FLOW_DISSECTOR": {"FLOW_DISSECTOR": "flow_dissector"},
    "CGROUP_SKB": {
        "CGROUP_INET_INGRESS": "cgroup_skb/ingress",
        "CGROUP_INET_EGRESS": "cgroup_skb/egress",
        NO_ATTACH_TYPE: "cgroup/skb",
    },
    "CGROUP_SOCK": {
        "CGROUP_INET_SOCK_CREATE": "cgroup/sock_create cgroup/sock",
        "CGROUP_INET_SOCK_RELEASE": "cgroup/sock_release",
        "CGROUP_INET4_POST_BIND": "cgroup/post_bind4",
        "CGROUP_INET6_POST_BIND": "cgroup/post_bind6",
    },
    "CGROUP_SOCK_ADDR": {
        "CGROUP_INET4_BIND": "cgroup/bind4",
        "CGROUP_INET6_BIND": "cgroup/bind6",
        "CGROUP_INET4_CONNECT": "cgroup/connect4",
        "CGROUP_INET6_CONNECT": "cgroup/connect6",
        "CGROUP_UNIX_CONNECT": "cgroup/connect_unix",
        "CGROUP_UDP4_SENDMSG": "cgroup/sendmsg4",
        "CGROUP_UDP6_SENDMSG": "cgroup/sendmsg6",
        "CGROUP_UNIX_SENDMSG": "cgroup/sendmsg_unix",
        "CGROUP_UDP4_RECVMSG": "cgroup/recvmsg4",
        "CGROUP_UDP6_RECVMSG": "cgroup/recvmsg6",
        "CGROUP_UNIX_RECVMSG": "cgroup/recvmsg_unix",
        "CGROUP_INET4_GETPEERNAME": "cgroup/getpeername4",
        "CGROUP_INET6_GETPEERNAME": "cgroup/getpeername6",
        "CGROUP_UNIX_GETPEERNAME": "cgroup/getpeername_unix",
        "CGROUP_INET4_GETSOCKNAME": "cgroup/getsockname4",
        "CGROUP_INET6_GETSOCKNAME": "cgroup/getsockname6",
        "CGROUP_UNIX_GETSOCKNAME": "cgroup/getsockname_unix",
    },
    "CGROUP_SYSCTL": {"CGROUP_SYSCTL": "cgroup/sysctl"},
    "CGROUP_SOCKOPT": {"CGROUP_GETSOCKOPT": "cgroup/getsockopt", "CGROUP_SETSOCKOPT": "cgroup/setsockopt"},
    "CGROUP_DEVICE": {"CGROUP_DEVICE": "cgroup/dev"},
    "STRUCT_OPS": {NO_ATTACH_TYPE: "struct_ops.s+"},
    "SK_LOOKUP": {"SK_LOOKUP": "sk_lookup"},
    "NETFILTER": {"NETFILTER": "netfilter"},
}
#: Programs of this type may sleep without ``.s`` (``SEC_DEF("syscall", SYSCALL, 0, SEC_SLEEPABLE)``).
_ALWAYS_SLEEPABLE = "SYSCALL"
#: Programs of these types get their attach type from elsewhere: ``freplace`` programs have that of the program that
#: they replace (``check_attach_btf_id()`` in ``kernel/bpf/verifier.c``), callbacks have the number of their member
#: (``bpf_map__init_kern_struct_ops()`` in libbpf).
_ATTACH_TYPE_FROM_ELSEWHERE = ("EXT", "STRUCT_OPS")
_LSM = "BPF_PROG_TYPE_LSM"


class ProgramSection(NamedTuple):
    """The facts that the name of a section gives about the programs in it."""

    #: A name such as ``BPF_PROG_TYPE_XDP``; None if the section does not tell.
    program_type: Optional[str]
    #: Whether they may sleep; None if the section does not tell.
    sleepable: Optional[bool]
    #: Whether libbpf loads the programs only on request.
    optional: bool
    #: A name such as ``BPF_TRACE_ITER``, or :data:`NO_ATTACH_TYPE`; None if the section does not tell.
    attach_type: Optional[str] = None
    #: The LSM hook without ``bpf_lsm_``; None if they are no LSM programs, or the section names none.
    lsm_hook: Optional[str] = None


class _Definition(NamedTuple):
    """The facts that all sections of one definition share."""

    program_type: str
    sleepable: bool
    attach_type: Optional[str]


def program_section(name: str) -> ProgramSection:
    """Return the facts that the *name* of a section in an object gives about its programs."""
    optional = name.startswith("?")
    head, _, attach_point = name.lstrip("?").partition("/")
    # Other loaders, and libbpf before 1.0, compare only the beginning of the name.
    definition = _EXACT.get(name.lstrip("?")) or _ATTACHED.get(head) or _EXACT.get(head)
    if definition is None:
        return ProgramSection(None, None, optional)
    program_type, sleepable, attach_type = definition
    hook = attach_point if program_type == _LSM and attach_point else None
    return ProgramSection(program_type, sleepable, optional, attach_type, hook)


def _definitions() -> tuple[dict[str, _Definition], dict[str, _Definition]]:
    """Return the sections with a complete name, and those with a name that continues after a slash."""
    exact: dict[str, _Definition] = {}
    attached: dict[str, _Definition] = {}
    for short, by_attach_type in _SECTIONS.items():
        for attach, names in by_attach_type.items():
            attach_type = None if short in _ATTACH_TYPE_FROM_ELSEWHERE else attach and f"BPF_{attach}"
            definition = _Definition(f"BPF_PROG_TYPE_{short}", short == _ALWAYS_SLEEPABLE, attach_type)
            for name in names.split():
                into, bare = (attached, name[:-1]) if name.endswith("+") else (exact, name)
                if bare.endswith(".s"):
                    exact[bare] = into[bare] = definition._replace(sleepable=True)
                    bare = bare[:-2]
                # A program whose attach point is not in the section name has no slash.
                exact[bare] = into[bare] = definition
    return exact, attached


_EXACT, _ATTACHED = _definitions()
