# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The type of a BPF program, and whether it may sleep, from the name of its section in the object.

libbpf takes both from the name, ``SEC("tp_btf/sched_switch")``, by the first of its definitions that fits
(``section_defs[]`` in ``tools/lib/bpf/libbpf.c``, here as of v7.3).
"""

from __future__ import annotations

from typing import Mapping, NamedTuple, Optional

#: The names of sections for each program type.  ``+``: a slash and the name of the attach point may follow.
#: ``.s``: programs that may sleep are in a section of the same name with ``.s`` at its end.
_SECTIONS: Mapping[str, str] = {
    "SOCKET_FILTER": "socket",
    "SK_REUSEPORT": "sk_reuseport/migrate sk_reuseport",
    "KPROBE": "kprobe+ uprobe.s+ kretprobe+ uretprobe.s+ kprobe.multi+ kretprobe.multi+ kprobe.session+ "
    "uprobe.multi.s+ uretprobe.multi.s+ uprobe.session.s+ ksyscall+ kretsyscall+ usdt.s+",
    "SCHED_CLS": "tc/ingress tc/egress tcx/ingress tcx/egress tc classifier netkit/primary netkit/peer",
    "SCHED_ACT": "action",
    "TRACEPOINT": "tracepoint.s+ tp.s+",
    "RAW_TRACEPOINT": "raw_tracepoint.s+ raw_tp.s+",
    "RAW_TRACEPOINT_WRITABLE": "raw_tracepoint.w+ raw_tp.w+",
    "TRACING": "tp_btf.s+ fentry.s+ fmod_ret.s+ fexit.s+ fsession.s+ fsession.multi.s+ fentry.multi.s+ "
    "fexit.multi.s+ iter.s+",
    "EXT": "freplace+",
    "LSM": "lsm.s+ lsm_cgroup+",
    "SYSCALL": "syscall",
    "XDP": "xdp.frags/devmap xdp/devmap xdp.frags/cpumap xdp/cpumap xdp.frags xdp",
    "PERF_EVENT": "perf_event",
    "LWT_IN": "lwt_in",
    "LWT_OUT": "lwt_out",
    "LWT_XMIT": "lwt_xmit",
    "LWT_SEG6LOCAL": "lwt_seg6local",
    "SOCK_OPS": "sockops",
    "SK_SKB": "sk_skb/stream_parser sk_skb/stream_verdict sk_skb/verdict sk_skb",
    "SK_MSG": "sk_msg",
    "LIRC_MODE2": "lirc_mode2",
    "FLOW_DISSECTOR": "flow_dissector",
    "CGROUP_SKB": "cgroup_skb/ingress cgroup_skb/egress cgroup/skb",
    "CGROUP_SOCK": "cgroup/sock_create cgroup/sock_release cgroup/sock cgroup/post_bind4 cgroup/post_bind6",
    "CGROUP_SOCK_ADDR": "cgroup/bind4 cgroup/bind6 cgroup/connect4 cgroup/connect6 cgroup/connect_unix "
    "cgroup/sendmsg4 cgroup/sendmsg6 cgroup/sendmsg_unix cgroup/recvmsg4 cgroup/recvmsg6 cgroup/recvmsg_unix "
    "cgroup/getpeername4 cgroup/getpeername6 cgroup/getpeername_unix "
    "cgroup/getsockname4 cgroup/getsockname6 cgroup/getsockname_unix",
    "CGROUP_SYSCTL": "cgroup/sysctl",
    "CGROUP_SOCKOPT": "cgroup/getsockopt cgroup/setsockopt",
    "CGROUP_DEVICE": "cgroup/dev",
    "STRUCT_OPS": "struct_ops.s+",
    "SK_LOOKUP": "sk_lookup",
    "NETFILTER": "netfilter",
}
#: Programs of this type may sleep without ``.s`` (``SEC_DEF("syscall", SYSCALL, 0, SEC_SLEEPABLE)``).
_ALWAYS_SLEEPABLE = "SYSCALL"


class ProgramSection(NamedTuple):
    """The facts that the name of a section gives about the programs in it."""

    #: A name such as ``BPF_PROG_TYPE_XDP``; None if the section does not tell.
    program_type: Optional[str]
    #: Whether they may sleep; None if the section does not tell.
    sleepable: Optional[bool]
    #: Whether libbpf loads the programs only on request.
    optional: bool


def program_section(name: str) -> ProgramSection:
    """Return the facts that the *name* of a section in an object gives about its programs."""
    optional = name.startswith("?")
    head, _, _ = name.lstrip("?").partition("/")
    # Other loaders, and libbpf before 1.0, compare only the beginning of the name.
    definition = _EXACT.get(name.lstrip("?")) or _ATTACHED.get(head) or _EXACT.get(head)
    program_type, sleepable = definition or (None, None)
    return ProgramSection(program_type, sleepable, optional)


def _definitions() -> tuple[dict[str, tuple[str, bool]], dict[str, tuple[str, bool]]]:
    """Return the sections with a complete name, and those with a name that continues after a slash."""
    exact: dict[str, tuple[str, bool]] = {}
    attached: dict[str, tuple[str, bool]] = {}
    for short, names in _SECTIONS.items():
        program_type, always = f"BPF_PROG_TYPE_{short}", short == _ALWAYS_SLEEPABLE
        for name in names.split():
            into, bare = (attached, name[:-1]) if name.endswith("+") else (exact, name)
            if bare.endswith(".s"):
                exact[bare] = into[bare] = program_type, True
                bare = bare[:-2]
            # A program whose attach point is not in the section name has no slash.
            exact[bare] = into[bare] = program_type, always
    return exact, attached


_EXACT, _ATTACHED = _definitions()
