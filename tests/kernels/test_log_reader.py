# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Messages are found in any log, whatever else is in it, and in a time that grows only with its length."""

from __future__ import annotations

import io
import time
import tracemalloc

import pytest
from declared import TESTS
from hypothesis import given, settings
from hypothesis import strategies as st

from kfuncdoc.kernels import log_reader
from kfuncdoc.kernels.log_reader import Log, by_kfunc, read_log
from kfuncdoc.kernels.messages import load_messages
from kfuncdoc.kernels.packaged import load_calendar

BOOK = load_messages(load_calendar())
MESSAGES = list(BOOK.messages)
NOT_ALLOWED = "calling kernel function bpf_task_from_pid is not allowed"


def read(log: str | bytes) -> Log:
    return read_log(io.BytesIO(log.encode("utf-8", "surrogateescape") if isinstance(log, str) else log), BOOK)


def seen(log: str | bytes) -> list:
    return [(one.message.id, one.kfunc, one.line, one.count) for one in read(log).sightings]


@pytest.mark.parametrize(
    "log",
    [
        NOT_ALLOWED,
        f"libbpf: {NOT_ALLOWED}\n",
        f"[   12.345678] {NOT_ALLOWED}\r\n",
        f"Nov 28 09:54:09 host scx_loader[570341]: 09:54:09 [INFO] {NOT_ALLOWED}.",
        "\x1b[1;31mlibbpf:\x1b[0m calling kernel function \x1b[1mbpf_task_from_pid\x1b[0m is not allowed",
        f"\x1b]0;title\x07{NOT_ALLOWED}",
        f'{{"level": "error", "msg": "load program: permission denied:\\n\\t{NOT_ALLOWED}\\nprocessed 3 insns"}}',
        NOT_ALLOWED.encode("utf-16"),
        b"\xff\xfe\x00\x80" + NOT_ALLOWED.encode() + b"\xc3",
    ],
    ids=["bare", "libbpf", "dmesg", "journal", "colours", "title", "escaped", "utf-16", "no utf-8"],
)
def test_what_surrounds_a_message_does_not_matter(log):
    assert seen(log) == [("call-not-allowed", "bpf_task_from_pid", 1, 1)]


def test_a_message_about_a_kfunc_is_told_once_with_its_first_line_and_how_often_it_was_found():
    log = f"a\n{NOT_ALLOWED}\nb\n{NOT_ALLOWED}\n{NOT_ALLOWED.replace('pid', 'vpid')}\n"
    assert seen(log) == [
        ("call-not-allowed", "bpf_task_from_pid", 2, 2), ("call-not-allowed", "bpf_task_from_vpid", 5, 1),
    ]  # fmt: skip
    assert read(log).lines == 5


def test_a_name_that_libbpf_prints_loses_its_flavour_and_one_of_the_kernel_keeps_its_end():
    absent = "extern (func ksym) 'scx_bpf_dsq_insert___v2___compat': not found in kernel or module BTFs\n"
    assert [kfunc for _, kfunc, _, _ in seen(absent)] == ["scx_bpf_dsq_insert___v2"]
    refused = "calling kernel function scx_bpf_dsq_insert___v2 is not allowed\n"
    assert [kfunc for _, kfunc, _, _ in seen(refused)] == ["scx_bpf_dsq_insert___v2"]


def test_the_kfunc_is_the_one_that_was_called_just_before():
    log = (
        "4: (85) call bpf_map_lookup_elem#1\n"
        "9: (85) call bpf_task_acquire#71885\n"
        "R1 must be a rcu pointer\n"
        "12: (85) call pc+3\n"
    )
    assert seen(log) == [("must-be-rcu", "bpf_task_acquire", 3, 1)]
    assert seen("4: (85) call bpf_map_lookup_elem#1\nR1 must be a rcu pointer\n") == [("must-be-rcu", None, 2, 1)]


def test_the_kfunc_of_a_reference_is_the_one_that_got_it():
    log = (
        "; task = bpf_task_from_pid(1);\n"
        "1: (85) call bpf_task_from_pid#70123\n"
        "11: (85) call bpf_cpumask_create#70200\n"
        "Unreleased reference id=2 alloc_insn=1\n"
    )
    assert seen(log) == [("unreleased-reference", "bpf_task_from_pid", 4, 1)]


def test_the_sightings_of_a_kfunc_are_together():
    log = "calling kernel function bpf_a is not allowed\nkfunc 'bpf_b' is referenced but wasn't resolved\n"
    log += "program must be sleepable to call sleepable kfunc bpf_a\nkernel BTF is missing at '/x', was CONFIG_"
    grouped = by_kfunc(read(log + "DEBUG_INFO_BTF enabled?\n").sightings)
    assert {name: [one.line for one in some] for name, some in grouped.items()} == {"bpf_a": [1, 3], "bpf_b": [2]}


# -- logs of real loads, on Debian's kernels and by libbpf 1.8

REAL_LOGS = {
    "v6.12": ("6.12", [
        ("unreleased-reference", "bpf_task_from_pid", 11, 1),
        ("or-null-access", None, 24, 1),
        ("rcu-unlock-missing", "bpf_rcu_read_lock", 37, 1),
        ("not-object-number", "bpf_task_acquire", 54, 1),
        ("kfunc-unresolved", "bpf_kfunc_that_nobody_has", 65, 1),
        ("ksym-not-found", "bpf_kfunc_that_nobody_has", 70, 1),
        ("func-proto-incompatible", "bpf_rcu_read_lock", 71, 1),
    ]),
    "v7.1": ("7.1", [
        ("unreleased-reference", "bpf_task_from_pid", 11, 1),
        ("would-leak", None, 12, 1),
        ("rcu-section-required", "bpf_iter_task_new", 30, 1),
        ("release-refcounted", "bpf_task_release", 43, 1),
        ("inside-non-preemptible", "bpf_preempt_disable", 56, 1),
        ("var-ksym-not-found", None, 61, 1),
    ]),
    "v7.3": ("7.3", [
        ("call-not-allowed", "bpf_path_d_path", 14, 1),
        ("verification-failed-paragraph", None, 16, 3),
        ("null-argument-register", "bpf_task_release", 52, 1),
        ("sleepable-in-rcu", "bpf_copy_from_user_str", 129, 1),
    ]),
}  # fmt: skip


@pytest.mark.parametrize("name", REAL_LOGS)
def test_a_real_log(name):
    content = (TESTS / "logs" / f"{name}.log").read_bytes()
    log = read(content)
    assert (log.kernel_version, seen(content)) == REAL_LOGS[name]
    release = load_calendar()[name]
    assert all(one.message.in_release(release) is not False for one in log.sightings)


# -- the kernel


@pytest.mark.parametrize(
    ("log", "version"),
    [
        ("[    0.000000] Linux version 6.12.117+deb13-amd64 (debian@example.org) (gcc-14)", "6.12"),
        ("Linux host 7.1.13+deb13-amd64 #1 SMP PREEMPT_DYNAMIC Debian x86_64 GNU/Linux", "7.1"),
        ("linux 6.12.8, scx 1.0.8", "6.12"),
        ("- **Kernel**: nothing\nkernel 6.9.2 and kernel 6.10", "6.9"),
        ("Kernel: 7.0.3-zen1-2-zen", "7.0"),
        ("kernel version 6.8.0-48-generic", "6.8"),
        ("kernel function 6.1 of 7", None),
        ("kernel/bpf/verifier.c:6.1", None),
        ("libbpf 1.8", None),
    ],
)
def test_the_kernel_that_a_log_names(log, version):
    assert read(log).kernel_version == version


# -- any log


@pytest.mark.parametrize("block", [61, 1 << 12, 1 << 14])
def test_the_size_of_the_pieces_makes_no_difference(monkeypatch, block):
    log = "".join(f"{number}: {message.example}\n" + "; x\n" * 9 for number, message in enumerate(MESSAGES))
    whole = seen(log)
    assert len(whole) == len(MESSAGES)
    monkeypatch.setattr(log_reader, "_BLOCK", block)
    assert seen(log) == whole


@given(st.lists(st.one_of(st.binary(max_size=60), st.sampled_from([one.example.encode() for one in MESSAGES]))))
@settings(deadline=None)
def test_no_log_raises(parts):
    log = b"\n".join(parts)
    found = read(log)
    assert found.lines == log.count(b"\n") + (bool(log) and not log.endswith(b"\n"))
    for sighting in found.sightings:
        assert 1 <= sighting.line <= max(found.lines, 1)
        assert "\n" not in sighting.text


HOSTILE = {
    "one line of one word": b"a" * 1000,
    "underscores": b"_" * 1000,
    "beginnings of messages": b"kernel function " * 60,
    "placeholders that never end": b"extern (func ksym) '" + b"a" * 900,
    "words that never end": b"cannot be used inside bpf_rcu_read_lock-ed " * 20,
    "registers": b"R1 is " * 160,
    "controls": b"\x1b[" * 500,
    "kernels": b"Linux " * 160,
    "calls": b"(85) call a#" * 80,
    "no letters": bytes(range(128, 256)) * 8,
}


@pytest.mark.fuzz
@pytest.mark.parametrize("part", HOSTILE.values(), ids=HOSTILE)
def test_the_time_grows_with_the_length_of_the_log_alone(part):
    def seconds(times: int) -> float:
        start = time.process_time()
        read(part * times)
        return time.process_time() - start

    seconds(10)
    short, long = min(seconds(100) for _ in range(2)), seconds(400)
    assert long < 8 * short + 0.2


@pytest.mark.fuzz
def test_memory_does_not_grow_with_the_log():
    class Endless(io.RawIOBase):
        """A log of 24 MB, of one line that never ends, which is never in memory as a whole."""

        left = 24

        def read(self, size: int = -1) -> bytes:
            self.left -= 1
            block = b"0: R1=ctx() R10=fp0 ; R0=scalar(id=674,smin=0) " * 20000 + b"R1 must be a rcu pointer; "
            return block if self.left >= 0 else b""

    tracemalloc.start()
    try:
        log = read_log(Endless(), BOOK)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert [one.count for one in log.sightings] == [24]
    assert peak < 12_000_000


def test_a_log_of_too_many_names_is_counted_and_not_kept(monkeypatch):
    monkeypatch.setattr(log_reader, "MOST_SIGHTINGS", 3)
    log = read("".join(f"calling kernel function bpf_{number} is not allowed\n" for number in range(10)))
    assert [one.kfunc for one in log.sightings] == ["bpf_0", "bpf_1", "bpf_2"]
    assert log.dropped == 7
