# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The command explain: what it prints of a log, on which kernel, and its exit status."""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path

import pytest
from commands import CLEAN, FINDINGS, UNUSABLE, write
from declared import TESTS, entry, refused, subsystem

from kfuncdoc.cli.main import main

RECORD = subsystem(
    entry(
        "bpf_old",
        "release: v6.6, event: added",
        "release: v6.13, event: deprecated, reason: No., said_in: a, removal: v6.15, renamed_to: bpf_new",
        "release: v6.17, event: removed",
    )
    + entry("bpf_new", "release: v6.13, event: added")
)
DATE = ("--date", "2026-11-01")
ABSENT = "libbpf: extern (func ksym) 'bpf_old': not found in kernel or module BTFs\n"


def explain(capsys, log: str, *arguments: str) -> str:
    """Run the command on a log, and return what it prints."""
    Path("log").write_text(log, encoding="utf-8")
    assert main(["explain", "log", "--data", write(RECORD), *DATE, *arguments]) == CLEAN
    out, err = capsys.readouterr()
    assert err == ""
    return out


def part(text: str, beginning: str) -> str:
    """Return the paragraph that starts with *beginning*."""
    (paragraph,) = [paragraph for paragraph in text.split("\n\n") if paragraph.startswith(beginning)]
    return paragraph


def test_a_log_of_a_removed_kfunc(capsys):
    assert (
        explain(capsys, f"{ABSENT}x\n{ABSENT}", "--kernel", "v6.17")
        == """\
line 1, 2 times: libbpf: extern (func ksym) 'bpf_old': not found in kernel or module
    BTFs
Meaning: The kernel and its loaded modules have no function of that name in their type
    information. Either the kernel does not have the kfunc any more or does not have it
    yet, or it was configured without it, or its module is not loaded. libbpf refuses
    the whole object with -EINVAL, "Invalid argument". A loader without CAP_SYS_ADMIN
    may not list BTF objects, so it does not see modules; libbpf says so only in its
    debug output. This is the text of libbpf 0.6 and newer; 0.5 said "not found in
    kernel BTF". cilium/ebpf says "not supported".
What to do: Look at In the kernel, Configuration and Module in the section of the kfunc;
    Replacement says what to call instead. If the program is also for kernels without
    the kfunc, declare the kfunc __weak, and test bpf_ksym_exists() before each call.
kfuncdoc audit: kfunc-absent, subsystem-absent, module-needed

Kernel: v6.17, asked for with --kernel

bpf_old
    void bpf_old(void);

Stability: removed in v6.17 (September 2025): last in v6.16, gone from v6.17
In the kernel: In v6.6 to v6.16, and so in LTS v6.6 until December 2027, LTS v6.12 until
    December 2028.
In which kernels: v5.15 LTS: not yet, v6.1 LTS: not yet, v6.6 LTS: yes, v6.12 LTS: yes,
    v6.13: deprecated, v6.14: deprecated, v6.15: deprecated, v6.16: deprecated, v6.17:
    gone
Programs: From v6.17 a program that calls it does not load ("not found in kernel or
    module BTFs"), unless the extern is __weak and the call guarded by
    bpf_ksym_exists().
Notice: Deprecated since v6.13; the removal was announced for v6.15.
Replacement: bpf_new (renamed)
In your programs: kfuncdoc audit finds calls of it in compiled ones; kfuncdoc header
    makes the compiler warn.
Reason: No.

Advice: call bpf_new
"""
    )


def test_a_kfunc_that_came_later_has_the_releases_and_what_to_call_on_this_kernel(capsys):
    out = explain(capsys, ABSENT.replace("bpf_old", "bpf_new"), "--kernel", "v6.12")
    assert "Stability: not yet in the kernel in v6.12 (November 2024)\n" in out
    assert "In the kernel: since v6.13\n" in out
    assert "Advice: call bpf_old on v6.12\n" in out


def test_messages_that_mean_the_same_are_explained_once(capsys):
    log = "calling kernel function bpf_old is not allowed\ncalling kernel function bpf_new is not allowed\n"
    out = explain(capsys, log)
    assert out.startswith(
        "line 1: calling kernel function bpf_old is not allowed\nline 2: calling kernel function bpf_n"
    )
    assert out.count("Meaning:") == 1
    assert "\nbpf_old\n" in out
    assert "\nbpf_new\n" in out


def test_a_message_that_does_not_name_the_kfunc_has_it_in_brackets(capsys):
    log = "5: (85) call bpf_new#71885\nR1 must be a rcu pointer\n"
    assert explain(capsys, log).startswith("line 2: R1 must be a rcu pointer (bpf_new)\n")


def test_a_kfunc_that_is_not_in_the_record(capsys):
    out = explain(capsys, "calling kernel function bpf_odl is not allowed\n")
    assert out.endswith("\nbpf_odl\nRecord: the record does not have it: did you mean 'bpf_old'?\n")


@pytest.mark.parametrize(
    ("log", "arguments", "words"),
    [
        (ABSENT, ("--kernel", "v6.12"), "v6.12, asked for with --kernel"),
        (f"Linux version 6.12.117 (gcc)\n{ABSENT}", (), "v6.12, named in the log"),
        (f"Linux version 6.12.117 (gcc)\n{ABSENT}", ("--kernel", "v6.1"), "v6.1, asked for with --kernel"),
        (f"Linux version 9.9 (gcc)\n{ABSENT}", (), "v7.3, the newest that is known; the log names 9.9"),
        (f"Linux version 2.6 (gcc)\n{ABSENT}", (), "v7.3, the newest release: nothing tells the kernel, say it with "
         "--kernel"),
        (ABSENT, (), "v7.3, the newest release: nothing tells the kernel, say it with --kernel"),
    ],
)  # fmt: skip
def test_the_kernel_is_the_one_asked_for_or_named_or_the_newest(capsys, log, arguments, words):
    assert part(explain(capsys, log, *arguments), "Kernel:") == f"Kernel: {words}"


def test_a_wording_that_the_kernel_does_not_have_is_told(capsys):
    log = "5: (85) call bpf_new#71885\nPossibly NULL pointer passed to trusted arg0\n"
    assert part(explain(capsys, log, "--kernel", "v7.3"), "Kernel:") == (
        "Kernel: v7.3, asked for with --kernel\n"
        'Note: v7.3 does not say "Possibly NULL pointer passed to trusted arg0": the log is of\n'
        "    another kernel"
    )
    assert "Note:" not in explain(capsys, log, "--kernel", "v7.1")


INCOMPATIBLE = "extern (func ksym) '{}': func_proto [1864] incompatible with vmlinux [60765]\n"


def test_a_kernel_of_an_old_pahole_may_be_the_reason_where_the_kfunc_has_implicit_arguments(capsys):
    Path("log").write_text(INCOMPATIBLE.format("scx_bpf_create_dsq"), encoding="utf-8")
    assert main(["explain", "log", "--kernel", "v7.2", *DATE]) == CLEAN
    assert part(capsys.readouterr().out, "Perhaps:").startswith(
        "Perhaps: A kernel built with an old pahole, because of scx_bpf_create_dsq\n"
        "Meaning: This is about kernels v7.0, v7.1 and v7.2. "
    )
    assert main(["explain", "log", "--kernel", "v7.2", *DATE, "--format", "json"]) == CLEAN
    document = json.loads(capsys.readouterr().out)
    assert [message["id"] for message in document["messages"]] == ["func-proto-incompatible"]
    assert [(topic["id"], topic["possible_reason_for"]) for topic in document["topics"]] == [
        ("prototype", []), ("old-pahole", ["func-proto-incompatible"]),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("kfunc", "kernel"),
    [("scx_bpf_create_dsq", "v6.18"), ("bpf_task_acquire", "v7.2"), ("scx_bpf_create_dsq", "v7.3")],
)
def test_an_old_pahole_is_no_reason_without_implicit_arguments_or_with_a_kernel_that_needs_no_tag(
    capsys, kfunc, kernel
):
    Path("log").write_text(INCOMPATIBLE.format(kfunc), encoding="utf-8")
    assert main(["explain", "log", "--kernel", kernel, *DATE]) == CLEAN
    assert "Perhaps:" not in capsys.readouterr().out


# -- where the log comes from


class _Input:
    """A standard input with *content*."""

    def __init__(self, content: bytes, *, terminal: bool = False) -> None:
        self.buffer = io.BytesIO(content)
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


@pytest.mark.parametrize("arguments", [(), ("-",)])
def test_standard_input(capsys, monkeypatch, arguments):
    monkeypatch.setattr(sys, "stdin", _Input(ABSENT.encode()))
    assert main(["explain", *arguments, "--data", write(RECORD), *DATE]) == CLEAN
    out, err = capsys.readouterr()
    assert "line 1: libbpf: extern (func ksym) 'bpf_old'" in out
    assert err == ""


def test_a_terminal_is_told_that_it_is_read(capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdin", _Input(ABSENT.encode(), terminal=True))
    assert main(["explain", "--data", write(RECORD), *DATE]) == CLEAN
    assert capsys.readouterr().err == "kfuncdoc: reading standard input; end it with Ctrl-D\n"


def test_no_standard_input(capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdin", None)
    assert main(["explain", "--data", write(RECORD), *DATE]) == UNUSABLE
    assert capsys.readouterr().err == "kfuncdoc: there is no standard input\n"


@pytest.mark.parametrize(
    ("path", "told"), [("none", "no such file or directory"), (".", "is a directory"), ("a\0b", "embedded null byte")]
)
def test_a_log_that_cannot_be_read(capsys, path, told):
    assert main(["explain", path, "--data", write(RECORD), *DATE]) == UNUSABLE
    out, err = capsys.readouterr()
    assert out == ""
    assert err == f"kfuncdoc: cannot read {path}: {told}\n"


def test_an_output_file(capsys):
    assert explain(capsys, ABSENT, "-o", "out") == ""
    assert "Meaning: " in Path("out").read_text(encoding="utf-8")


# -- exit statuses


def test_a_log_with_nothing_that_is_known(capsys):
    Path("log").write_text("hello\nworld", encoding="utf-8")
    assert main(["explain", "log", "--data", write(RECORD), *DATE]) == FINDINGS
    assert capsys.readouterr() == (
        "",
        "kfuncdoc: no known message about kfuncs in 2 lines: give all that the loader printed, with its "
        "standard error (2>&1), and the log of the verifier; 'docs/messages.rst' lists the known messages\n",
    )


def test_an_empty_log(capsys):
    assert main(["explain", os.devnull, "--data", write(RECORD), *DATE]) == FINDINGS
    assert capsys.readouterr().err == (
        "kfuncdoc: the log is empty: give what the loader printed, with its standard error (2>&1)\n"
    )


def test_a_kernel_that_does_not_exist(capsys):
    told = refused(capsys, "explain", "log", "--kernel", "6.12", "--data", write(RECORD), *DATE)
    assert told.startswith("kfuncdoc: '6.12' is no release that exists; known are ")


def test_messages_that_cannot_be_used(capsys, monkeypatch):
    from kfuncdoc.kernels import messages

    Path("data").mkdir()
    monkeypatch.setattr(messages, "packaged", Path)
    Path("data", "messages.yaml").write_text("groups: 1\n", encoding="utf-8")
    told = refused(capsys, "explain", "log", "--data", write(RECORD), *DATE)
    assert told == "kfuncdoc: data/messages.yaml:1:9: 'groups' is a list with something in it\n"
    Path("data", "messages.yaml").write_text("groups: [\n", encoding="utf-8")
    told = refused(capsys, "explain", "log", "--data", write(RECORD), *DATE)
    assert told.startswith("data/messages.yaml:2:1: error: ")


# -- JSON


def test_json(capsys):
    log = f"{ABSENT}5: (85) call bpf_none#71885\nR1 must be a rcu pointer\n"
    document = json.loads(explain(capsys, log, "--kernel", "v6.17", "--format", "json"))
    assert {key: document[key] for key in ("format", "kernel", "kernel_from", "lines", "remarks")} == {
        "format": 1, "kernel": "v6.17", "kernel_from": "option", "lines": 3, "remarks": [],
    }  # fmt: skip
    assert document["messages"] == [
        {
            "id": "ksym-not-found", "topic": "not-found", "said_by": "libbpf", "kfunc": "bpf_old", "line": 1,
            "text": ABSENT.strip(), "count": 1,
        },
        {
            "id": "must-be-rcu", "topic": "rcu-pointer", "said_by": "verifier", "kfunc": "bpf_none", "line": 3,
            "text": "R1 must be a rcu pointer", "count": 1,
        },
    ]  # fmt: skip
    assert [topic["audit_rules"] for topic in document["topics"]] == [
        ["kfunc-absent", "subsystem-absent", "module-needed"],
        [],
    ]
    known, unknown = document["kfuncs"]
    assert (known["name"], known["declared"], known["presence"], known["stability"]) == (
        "bpf_old", True, "absent", "removed",
    )  # fmt: skip
    assert known["in_kernel"] == [{"first": "v6.6", "last": "v6.16"}]
    assert (known["advice"], known["instead"]) == ("call bpf_new", ["bpf_new"])
    assert (unknown["name"], unknown["declared"], unknown["presence"]) == ("bpf_none", False, "unknown")


@pytest.mark.parametrize("name", ["v6.12", "v7.1", "v7.3"])
def test_a_real_log_is_explained_with_the_record(capsys, name):
    assert main(["explain", str(TESTS / "logs" / f"{name}.log"), *DATE]) == CLEAN
    out, err = capsys.readouterr()
    assert f"\nKernel: {name}, named in the log\n\n" in out
    assert "Note:" not in out
    assert err == ""
