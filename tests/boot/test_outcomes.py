# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What the loader prints is read without loss, and its lines tell failures about kfuncs from others."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boot.outcomes import Answer, Load, Reply, answer, parse

OUTPUT = """\
module nf_nat.ko
object /objects/a
try 0
program first raw_tp/sys_enter
end loaded 0
try 1
program second fentry/vfs_open
log libbpf: prog 'second': -- BEGIN PROG LOAD LOG --
log calling kernel function bpf_path_d_path is not allowed
log -- END PROG LOAD LOG --
end load 13
object /objects/b
try 0
log libbpf: failed to find BTF for extern 'bpf_rcu_read_lock' [6] section: -2
end open 2
object /objects/empty
try 0
end none 0
object /objects/c
try 4
program slow xdp
end timeout 0
"""


def test_each_attempt_is_read_with_its_object():
    loads = parse(OUTPUT.splitlines())
    verifier = ["libbpf: prog 'second': -- BEGIN PROG LOAD LOG --",
                "calling kernel function bpf_path_d_path is not allowed", "-- END PROG LOAD LOG --"]  # fmt: skip
    assert loads.by_object == {
        "/objects/a": [
            Load(0, "first", "raw_tp/sys_enter", "loaded"),
            Load(1, "second", "fentry/vfs_open", "load", 13, verifier),
        ],
        "/objects/b": [
            Load(0, step="open", error=2,
                 log=["libbpf: failed to find BTF for extern 'bpf_rcu_read_lock' [6] section: -2"]),
        ],
        "/objects/empty": [],
        "/objects/c": [Load(4, "slow", "xdp", "timeout")],
    }  # fmt: skip
    assert loads.refused_modules == ["nf_nat.ko"]
    assert not loads.is_done
    assert parse([*OUTPUT.splitlines(), "done"]).is_done


def test_an_attempt_without_an_end_is_one_at_which_the_kernel_hung():
    loads = parse(["object /objects/a", "try 0", "program endless kprobe/x", "log lib"])
    assert loads.last == ("/objects/a", Load(0, "endless", "kprobe/x", "hang", 0, ["lib"]))


@given(st.integers(0, len(OUTPUT)))
def test_output_may_end_anywhere(end: int):
    loads = parse(OUTPUT[:end].splitlines())
    complete = parse(OUTPUT.splitlines())
    assert [*loads.by_object][:-1] == [*complete.by_object][: max(len(loads.by_object) - 1, 0)]


@given(st.lists(st.text(max_size=20)))
def test_lines_of_others_are_not_an_error(lines: list[str]):
    parse(lines)


#: A real line of libbpf or the verifier, and whether a kfunc is the reason.
LINES = {
    "libbpf: extern (func ksym) 'scx_bpf_consume': not found in kernel or module BTFs": True,
    "libbpf: extern (func ksym) 'scx_bpf_kick_cpu': func_proto [12] incompatible with vmlinux [81234]": True,
    "libbpf: failed to find BTF for extern '__scx_bpf_dsq_insert_vtime': -2": True,
    "libbpf: failed to find BTF for extern 'bpf_rcu_read_lock' [6] section: -2": True,
    "kfunc 'bpf_strlen' is referenced but wasn't resolved": True,
    "calling kernel function bpf_path_d_path is not allowed": True,
    "program must be sleepable to call sleepable kfunc bpf_copy_from_user_str": True,
    "libbpf: extern (var ksym) 'bpf_prog_active': not found in kernel BTF": False,
    "libbpf: struct_ops init_kern: struct bpf_struct_ops_sched_ext_ops is not found in kernel BTF": False,
    "libbpf: failed to open system Kconfig": False,
    "kernel func bpf_copy_from_user_str is sleepable within rcu_read_lock region": False,
    "arg#0 expected pointer to an iterator on stack": False,
    "do_unlinkat is not sleepable": False,
}


@pytest.mark.parametrize(("line", "is_about_kfuncs"), list(LINES.items()))
def test_a_line_tells_whether_a_kfunc_is_the_reason(line: str, is_about_kfuncs: bool):
    reply = answer(Load(0, "p", "xdp", "load", 22, ["libbpf: something before", line]))
    assert reply.answer is (Answer.REFUSED if is_about_kfuncs else Answer.UNTOLD)


def test_what_the_verifier_refuses_libbpf_has_resolved():
    log = ["libbpf: prog 'p': -- BEGIN PROG LOAD LOG --", "R0 has no type", "invalid access", "-- END PROG LOAD LOG --",
           "libbpf: prog 'p': failed to load: -EACCES"]  # fmt: skip
    assert answer(Load(0, "p", "xdp", "load", 13, log)) == Reply(Answer.UNTOLD, "invalid access", True)


def test_libbpf_may_fail_after_it_has_loaded_the_program():
    line = "libbpf: map 'calls': failed to initialize slot [0] to prog 'other' fd=-9: -EBADF"
    assert answer(Load(0, "p", "tc", "load", 9, [line])) == Reply(Answer.ACCEPTED, "", True)


def test_the_reason_is_not_a_section_that_libbpf_skips():
    log = ["libbpf: elf: skipping unrecognized data section(9) .maps2", "libbpf: map 'a': failed to create: -EINVAL"]
    assert answer(Load(0, "p", "tc", "load", 22, log)).line == "map 'a': failed to create: -EINVAL"


def test_a_failure_without_a_log_is_told_by_its_step():
    assert answer(Load(0, "p", "xdp", "timeout")) == Reply(Answer.UNTOLD, "timeout 0", False)
    assert answer(Load(0, "p", "xdp", "loaded")) == Reply(Answer.ACCEPTED, "", True)
