# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What a section of a BPF object says of the program in it: its type, and whether it may sleep.

libbpf reads them from the name, ``SEC("tp_btf/sched_switch")``: the first of its definitions that fits
(``section_defs[]`` in ``tools/lib/bpf/libbpf.c``, here as of v7.3).
"""

from __future__ import annotations

from typing import Mapping, NamedTuple, Optional

#: Program types by the sections of their programs.  ``+``: what follows after a slash names what it is attached to;
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
    """What the name of a section says of the programs in it."""

    #: As in ``BPF_PROG_TYPE_XDP``; None where the name says nothing.
    program_type: Optional[str]
    #: None where the name says nothing.
    sleepable: Optional[bool]
    #: Whether libbpf leaves the programs out unless it is told to load them.
    optional: bool


def program_section(name: str) -> ProgramSection:
    """Return what the *name* of a section, as the object has it, says of its programs."""
    optional = name.startswith("?")
    head, _, _ = name.lstrip("?").partition("/")
    # Other loaders, and libbpf before 1.0, go by how the name begins.
    definition = _EXACT.get(name.lstrip("?")) or _ATTACHED.get(head) or _EXACT.get(head)
    program_type, sleepable = definition or (None, None)
    return ProgramSection(program_type, sleepable, optional)


def _definitions() -> tuple[dict[str, tuple[str, bool]], dict[str, tuple[str, bool]]]:
    """Return the sections that are named in full, and those that go on after a slash."""
    exact: dict[str, tuple[str, bool]] = {}
    attached: dict[str, tuple[str, bool]] = {}
    for short, names in _SECTIONS.items():
        program_type, always = f"BPF_PROG_TYPE_{short}", short == _ALWAYS_SLEEPABLE
        for name in names.split():
            into, bare = (attached, name[:-1]) if name.endswith("+") else (exact, name)
            if bare.endswith(".s"):
                exact[bare] = into[bare] = program_type, True
                bare = bare[:-2]
            # What is attached to something named elsewhere has no slash.
            exact[bare] = into[bare] = program_type, always
    return exact, attached


_EXACT, _ATTACHED = _definitions()
