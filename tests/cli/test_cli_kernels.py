# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The commands that read kernels: scan, verify and update, as a terminal, a file and a CI see them."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Optional

import pytest
from btf_builder import Image, KfuncSet, Types
from declared import TESTS, entry, refused, subsystem, write_files

from kfuncdoc.cli.main import main
from kfuncdoc.cli.output import put
from kfuncdoc.kernels.observation import Kind, Observation, ObservedKfunc, Registration, as_json, as_text, from_json

CLEAN, FINDINGS = 0, 1
TREE = str(TESTS / "trees" / "small")
ONE = ObservedKfunc("bpf_one", "void bpf_one(void)", (Registration("set", (), ()),), depends_on="", module="")
DECLARED = subsystem(entry("bpf_one", "release: v6.12, event: added"))


def kernel(*kfuncs: ObservedKfunc, version: Optional[str] = "7.3.4", kind: Kind = Kind.TREE) -> str:
    """Write what a kernel has to the current folder, and return the name of the file."""
    Path("kernel.json").write_text(as_json(Observation(kind, version, kfuncs)), encoding="utf-8")
    return "kernel.json"


def declare(text: str = DECLARED) -> str:
    return write_files(Path(), {"demo": text})[0]


# -- scan


def test_scan_tells_a_terminal_what_a_tree_has(capsys):
    assert main(["scan", TREE]) == CLEAN
    captured = capsys.readouterr()
    observation = scanned()
    assert captured.err == ""
    for kfunc in observation.kfuncs:
        assert f"{kfunc.prototype};\n" in captured.out
        assert f"{kfunc.source}:{kfunc.line}" in captured.out
    assert captured.out.endswith(f"{len(observation.kfuncs)} kfuncs in Linux {observation.kernel}, source tree\n")


def scanned(*more: str) -> Observation:
    assert main(["scan", TREE, "--format", "json", "-o", "out.json", *more]) == CLEAN
    return from_json(Path("out.json").read_text(encoding="utf-8"))


def test_scan_writes_what_verify_reads(capsys):
    observation = scanned()
    assert observation.kind is Kind.TREE
    assert len(observation.kfuncs) > 1
    assert capsys.readouterr().out == ""
    declare()
    assert main(["verify", "--data", "demo.kfuncs.yaml", "--against", "out.json"]) == main(
        ["verify", "--data", "demo.kfuncs.yaml", "--against", TREE]
    )


def test_a_file_whose_name_is_no_text_is_named_all_the_same(capsys):
    observation = Observation(Kind.TREE, "7.3.4", (ObservedKfunc("bpf_one", source="net/caf\udce9.c", line=3),))
    put(as_text(observation), "out.txt")
    assert "net/caf\\udce9.c:3" in Path("out.txt").read_text(encoding="utf-8")


def test_a_compact_scan_leaves_out_lines(capsys):
    assert any(kfunc.line for kfunc in scanned().kfuncs)
    assert not any(kfunc.line for kfunc in scanned("--compact").kfuncs)


@pytest.mark.parametrize("command", [["scan"], ["verify", "--against"], ["update", ".", "--from"]])
def test_what_is_no_kernel_is_refused(capsys, command):
    declare()
    Path("noise").write_bytes(b"noise")
    Path("empty").mkdir()
    assert refused(capsys, *command, "missing") == "kfuncdoc: missing: there is no such file or folder\n"
    assert refused(capsys, *command, "noise").startswith("kfuncdoc: noise: ")
    assert refused(capsys, *command, "empty").startswith("kfuncdoc: empty: ")
    assert refused(capsys, *command, TREE, "noise") == f"kfuncdoc: {TREE}: a source tree is scanned alone\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [("", "invalid json"), ("{}", "kind: field required"), ('{"kind": "moon"}', "kind: input should be")],
)
def test_what_is_no_observation_is_refused(capsys, text, told):
    Path("Kernel.json").write_text(text, encoding="utf-8")
    declare()
    message = refused(capsys, "verify", "--data", "demo.kfuncs.yaml", "--against", "Kernel.json")
    assert message.startswith("kfuncdoc: Kernel.json: this is no observation of a kernel: ")
    assert told in message


def test_what_scanning_needs_is_told_where_it_is_not_installed(capsys, monkeypatch):
    for name in [name for name in sys.modules if name.startswith("kfuncdoc.scan.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "tree_sitter", None)
    message = refused(capsys, "scan", TREE)
    assert message == "kfuncdoc: to read a kernel needs tree_sitter: install kfuncdoc[scan]\n"


# -- verify


def test_verify_is_silent_where_nothing_differs(capsys):
    assert main(["verify", "--data", declare(), "--against", kernel(ONE)]) == CLEAN
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "1 kfunc in 1 file: nothing to report\n")


def test_verify_takes_the_record_that_comes_with_kfuncdoc(capsys):
    observed = str(TESTS / "observed" / "v6.1.json")
    assert main(["verify", "--against", observed]) == CLEAN


@pytest.mark.parametrize("form", ["text", "json", "github"])
def test_verify_tells_in_each_format_of_check(capsys, form):
    assert main(["verify", "--data", declare(), "--against", kernel(), "--format", form]) == FINDINGS
    out = capsys.readouterr().out
    if form == "json":
        (found,) = json.loads(out)["diagnostics"]
        assert (found["rule"], found["line"], found["severity"]) == ("absent", 5, "error")
    elif form == "github":
        assert out.startswith("::error file=demo.kfuncs.yaml,line=5,col=11,title=kfuncdoc absent::")
    else:
        assert out.splitlines()[0].endswith("is not in the source of v7.3 [absent]")


def test_scan_and_verify_tell_which_kfuncs_a_kernel_was_built_wrong_for(capsys):
    """The declaration has the prototype that programs call it by, and so has the image, but for the remark."""
    types = Types()
    types.func("bpf_one", 0, [("cpu", types.int()), ("aux", types.ptr(types.struct("bpf_prog_aux")))])
    Path("vmlinux").write_bytes(Image(types, [KfuncSet("ids", {"bpf_one": 1 << 16})]).elf())
    flags = "[KF_IMPLICIT_ARGS]"
    declare(subsystem(entry("bpf_one", "release: v7.0, event: added", prototype="void bpf_one(int cpu)", flags=flags)))
    for command in (["scan", "vmlinux"], ["verify", "--data", "demo.kfuncs.yaml", "--against", "vmlinux"]):
        assert main(command) == CLEAN
        assert capsys.readouterr().err.splitlines()[0] == (
            "vmlinux:0: 1 of 1 kfuncs with KF_IMPLICIT_ARGS have the implicit argument in BTF, and no twin NAME_impl, "
            "because pahole did not tag them as kfuncs (before 1.26 it tags none); programs cannot call them: bpf_one"
        )


def test_what_an_image_lacks_is_told_on_request(capsys):
    arguments = ["verify", "--data", declare(), "--against", kernel(kind=Kind.IMAGE)]
    assert main(arguments) == CLEAN
    assert capsys.readouterr().out == ""
    assert main([*arguments, "--notes"]) == CLEAN
    assert "[absent-from-image]" in capsys.readouterr().out


def test_the_release_can_be_said(capsys):
    assert main(["verify", "--data", declare(), "--against", kernel(ONE, version=None), "--release", "v6.12"]) == CLEAN
    assert (
        main(["verify", "--data", declare(), "--against", kernel(ONE, version=None), "--release", "v6.11"]) == FINDINGS
    )


@pytest.mark.parametrize(
    "command", [["verify", "--data", "demo.kfuncs.yaml", "--against"], ["update", "demo.kfuncs.yaml", "--from"]]
)
def test_a_release_that_is_not_known_is_refused(capsys, command):
    declare()
    message = refused(capsys, *command, kernel(ONE, version=None))
    assert message == "kfuncdoc: this does not tell which release it is of; say it with --release\n"
    message = refused(capsys, *command, kernel(ONE, version="99.1.2"))
    assert message.startswith("kfuncdoc: 'v99.1' is no release that exists; known are ")
    message = refused(capsys, *command, kernel(ONE), "--release", "7.3")
    assert message.startswith("kfuncdoc: '7.3' is no release that exists; known are ")


def test_declarations_with_errors_are_not_compared(capsys):
    assert main(["verify", "--data", declare(DECLARED.replace("v6.12", "v0.1")), "--against", kernel(ONE)]) == FINDINGS
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "[release-unknown]" in captured.err


# -- update

NEW = ObservedKfunc("bpf_one_more", "int bpf_one_more(void)", source="kernel/one.c")


def test_a_dry_run_shows_and_changes_nothing(capsys):
    path = declare(DECLARED.replace("recorded: v7.3", "recorded: v7.2"))
    before = Path(path).read_bytes()
    assert main(["update", path, "--from", kernel(ONE, NEW), "--dry-run"]) == CLEAN
    captured = capsys.readouterr()
    assert "-recorded: v7.2\n+recorded: v7.3\n" in captured.out
    assert "+      - {release: v7.3, event: added}\n" in captured.out
    assert "would change" in captured.err
    assert Path(path).read_bytes() == before


def test_an_update_says_what_it_did_and_what_is_left(capsys):
    path = declare(DECLARED.replace("recorded: v7.3", "recorded: v7.2"))
    assert main(["update", path, "--from", kernel(ONE, NEW)]) == CLEAN
    captured = capsys.readouterr()
    assert captured.out == ""
    done, left = captured.err.split("\nLeft to you:\n")
    assert "bpf_one_more" in done
    assert "summary" in left
    assert main(["verify", "--data", path, "--against", "kernel.json"]) == CLEAN
    after = Path(path).read_bytes()
    capsys.readouterr()
    assert main(["update", path, "--from", "kernel.json"]) == CLEAN
    assert Path(path).read_bytes() == after
    assert capsys.readouterr().err.endswith("0 events, 0 files changed\n")


def test_an_update_that_would_go_back_is_refused(capsys):
    message = refused(capsys, "update", declare(), "--from", kernel(ONE, version="7.2.13"))
    assert message.startswith("kfuncdoc: ")
    assert "v7.3" in message
