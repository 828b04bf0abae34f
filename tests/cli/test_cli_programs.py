# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The commands for those who write BPF programs, audit and header: options, output and exit status."""

from __future__ import annotations

import io
import json
import os
import shutil
import sys
from pathlib import Path

import pytest
from btf_builder import Image, KfuncSet, Types
from declared import entry, subsystem, write_files
from object_builder import EQUAL, Object, address, call, jump_if, leave, move

from kfuncdoc.cli.main import main

ROOT = Path(__file__).resolve().parents[2]
CLEAN, UNUSABLE, DEPRECATED, BREAKS, REPLACEMENT, UNKNOWN = 0, 1, 2, 3, 4, 5
RECORD = subsystem(
    entry(
        "bpf_old",
        "release: v6.6, event: added",
        "release: v6.13, event: deprecated, reason: No., said_in: a, removal: v6.15, renamed_to: bpf_new",
        "release: v6.17, event: removed",
    )
    + entry("bpf_new", "release: v6.13, event: added")
)


@pytest.fixture(autouse=True)
def _surroundings(monkeypatch, _in_a_folder_of_its_own):
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1793491200")  # 2026-11-01
    write_files(Path(), {"demo": RECORD})


def write_object(name: str, *kfuncs: str, weak: bool = False, guarded: bool = False) -> str:
    written = Object()
    for kfunc in kfuncs:
        written.extern(kfunc, weak=weak)
        code = [call(kfunc), leave()]
        if guarded:
            code = [address(1, kfunc), jump_if(EQUAL, 1, 0, 1), *code]
        written.function("xdp", f"packet_{kfunc}", code, lines=7)
    Path(name).write_bytes(written.elf())
    return name


def status_of(*arguments: str) -> object:
    """Run a command and return its exit status, also where argparse ends it."""
    try:
        return main(arguments)
    except SystemExit as end:
        return end.code


def audit(*arguments: str) -> int:
    return main(["audit", *arguments, "--data", "."])


@pytest.mark.parametrize(
    ("kfunc", "kernels", "status"),
    [
        ("bpf_new", "v6.13", CLEAN),
        ("bpf_old", "v6.13", DEPRECATED),
        ("bpf_old", "v6.17", BREAKS),
        ("bpf_old", "v6.12,v6.17", REPLACEMENT),
        ("bpf_none", "v6.13", UNKNOWN),
    ],
)
def test_exit_status(capsys, kfunc, kernels, status):
    assert audit(write_object("prog.bpf.o", kfunc), "--kernel", kernels) == status
    assert audit("prog.bpf.o", "--kernel", kernels, "--fail-on", "none") == CLEAN


@pytest.mark.parametrize(
    ("failing", "status"),
    [
        ("deprecated", CLEAN),
        ("breaks", BREAKS),
        ("breaks,replacement", REPLACEMENT),
        ("deprecated,unknown", CLEAN),
    ],
)
def test_what_is_to_fail(failing, status):
    assert audit(write_object("prog.bpf.o", "bpf_old"), "--kernel", "v6.12,v6.17", "--fail-on", failing) == status


def test_a_report(capsys):
    assert audit(write_object("prog.bpf.o", "bpf_old"), "--from", "v6.13", "--to", "v6.17") == BREAKS
    assert capsys.readouterr() == (
        "prog.bpf.o: loads on v6.13 to v6.16; breaks in v6.17\n\n"
        "error: bpf_old on v6.17: gone from v6.17 [kfunc-absent]\n"
        "    what to do: call bpf_new (on every kernel asked for)\n"
        "    called by packet_bpf_old\n"
        "        at prog.c:7:7\n",
        "1 object: 1 error; the record covers v5.13 to v7.3\n",
    )


def test_a_guarded_one_is_clean(capsys):
    assert audit(write_object("prog.bpf.o", "bpf_old", weak=True, guarded=True), "--from", "v6.12") == CLEAN
    assert capsys.readouterr().out == "prog.bpf.o: loads on v6.12 to v7.3\n"
    assert audit("prog.bpf.o", "--from", "v6.12", "--notes") == CLEAN
    notes = capsys.readouterr().out
    assert "note: bpf_old on v6.17 to v7.3: gone from v6.17 [absent-guarded]" in notes
    assert audit("prog.bpf.o", "--from", "v6.12", "--verbose") == CLEAN
    assert capsys.readouterr().out == notes


def test_long_term_kernels(capsys):
    assert audit(write_object("prog.bpf.o", "bpf_old"), "--lts") == REPLACEMENT
    assert capsys.readouterr().out.startswith("prog.bpf.o: loads on v6.6 and v6.12; not on v5.10")


def test_several_objects_and_one_that_is_none(capsys):
    write_object("one.bpf.o", "bpf_new")
    Path("two.bpf.o").write_text("no object", encoding="utf-8")
    assert audit(".", "nowhere", "--kernel", "v7.0") == UNUSABLE
    assert capsys.readouterr() == (
        "./one.bpf.o: loads on v7.0\n",
        "kfuncdoc: ./two.bpf.o: this is no BPF object: it is not ELF\n"
        "kfuncdoc: nowhere: there is no such file or folder\n"
        "3 objects: 2 could not be read; the record covers v5.13 to v7.3\n",
    )


def test_objects_inside_of_a_program(capsys):
    content = Path(write_object("prog.bpf.o", "bpf_new")).read_bytes()
    Path("scx_demo").write_bytes(Object(machine=62).elf() + content)
    assert audit("scx_demo", "--kernel", "v7.0") == CLEAN
    assert capsys.readouterr().out == "scx_demo(bpf-object-1): loads on v7.0\n"
    assert audit("scx_demo", "--kernel", "v7.0", "--format", "json") == CLEAN
    (audited,) = json.loads(capsys.readouterr().out)["objects"]
    assert (audited["path"], audited["offset"]) == ("scx_demo(bpf-object-1)", len(Object(machine=62).elf()))


def test_standard_input(capsys, monkeypatch):
    content = Path(write_object("prog.bpf.o", "bpf_new")).read_bytes()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    assert audit("-", "--kernel", "v7.0") == CLEAN
    assert capsys.readouterr().out == "(standard input): loads on v7.0\n"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may look into any folder")
def test_a_folder_that_may_not_be_looked_into(capsys):
    Path("closed").mkdir(mode=0)
    assert audit(".", write_object("prog.bpf.o", "bpf_new"), "--kernel", "v7.0") == UNUSABLE
    assert "kfuncdoc: ./closed: permission denied\n" in capsys.readouterr().err


@pytest.mark.parametrize("form", ["json", "sarif"])
def test_for_machines(capsys, form):
    write_object("prog.bpf.o", "bpf_old")
    assert audit("prog.bpf.o", "--kernel", "v6.17", "--format", form) == BREAKS
    captured = capsys.readouterr()
    assert captured.err == ""
    document = json.loads(captured.out)
    assert audit("prog.bpf.o", "--kernel", "v6.17", "--format", form, "-o", "out.json") == BREAKS
    assert json.loads(Path("out.json").read_text(encoding="utf-8")) == document


def test_for_github(capsys):
    assert audit(write_object("prog.bpf.o", "bpf_old"), "--kernel", "v6.17", "--format", "github") == BREAKS
    assert capsys.readouterr().out == (
        "::error file=prog.c,line=7,col=7,title=kfuncdoc kfunc-absent::bpf_old, called by packet_bpf_old, on v6.17: "
        "gone from v6.17; call bpf_new\n"
    )


def test_ignoring(capsys):
    Path("ignore.yaml").write_text("- {kfunc: bpf_old, reason: Known., until: 2026-11-30}\n", encoding="utf-8")
    arguments = (write_object("prog.bpf.o", "bpf_old"), "--kernel", "v6.17", "--ignore", "ignore.yaml")
    assert audit(*arguments) == CLEAN
    assert capsys.readouterr().err == "1 object: 1 ignored; the record covers v5.13 to v7.3\n"
    assert audit(*arguments, "--date", "2026-12-01") == BREAKS
    assert "ignore.yaml:1:3: this entry for 'bpf_old' ended on 2026-11-30" in capsys.readouterr().err
    Path("ignore.yaml").write_text("- {kfunc: bpf_old}\n", encoding="utf-8")
    assert audit(*arguments) == UNUSABLE
    assert capsys.readouterr().err == (
        "ignore.yaml:1:3: error: 'reason' is missing [missing-key]\n"
        "ignore.yaml:1:3: error: 'until' is missing [missing-key]\n"
    )


def kernel_with(*names: str, tagged: bool = True, **options) -> bytes:
    types = Types()
    for name in names:
        (types.kfunc if tagged else types.func)(name)
    return Image(types, [KfuncSet("ids", dict.fromkeys(names, 0))] if tagged else [], **options).elf()


def test_a_real_kernel(capsys):
    Path("vmlinux").write_bytes(kernel_with("bpf_old"))
    assert audit(write_object("prog.bpf.o", "bpf_old"), "--btf", "vmlinux") == CLEAN
    assert capsys.readouterr().out == "prog.bpf.o: loads on 7.3.4 (vmlinux)\n"
    Path("vmlinux").write_bytes(kernel_with("bpf_new"))
    assert audit("prog.bpf.o", "--btf", "vmlinux", "--kernel", "v6.16") == BREAKS
    out = capsys.readouterr().out
    assert "call bpf_new (on every kernel asked for)" in out
    assert "prog.bpf.o: loads on v6.16; breaks in 7.3.4 (vmlinux)\n" in out
    assert "error: bpf_old on 7.3.4 (vmlinux): gone from v6.17 [kfunc-absent] (observed)" in out


def test_the_loader(capsys):
    """cilium/ebpf looks for the whole name of an extern."""
    write_object("prog.bpf.o", "bpf_new___own", weak=True)
    assert audit("prog.bpf.o", "--kernel", "v6.17") == CLEAN
    capsys.readouterr()
    assert audit("prog.bpf.o", "--kernel", "v6.17", "--loader", "cilium") == BREAKS
    out = capsys.readouterr().out
    assert out.startswith("As cilium/ebpf loads objects:\n\nprog.bpf.o: may break on v6.17\n")
    Path("vmlinux").write_bytes(kernel_with("bpf_new___own"))
    assert audit("prog.bpf.o", "--btf", "vmlinux", "--loader", "cilium") == UNKNOWN  # it is there, and not recorded


def test_objects_that_libbpf_cannot_open(capsys):
    """They do not pass as objects that call no kfuncs."""
    written = Object()
    written.types.func("bpf_new", 0, [], 2)
    written.symbol("bpf_new", 0, 1)
    written.function("xdp", "packet", [call("bpf_new"), leave()], lines=7)
    Path("prog.bpf.o").write_bytes(written.elf())
    assert audit("prog.bpf.o", "--kernel", "v6.17") == BREAKS
    assert capsys.readouterr().out == (
        "prog.bpf.o: breaks on v6.17\n\n"
        "error: bpf_new on v6.17: it is declared in no section: declare it with __ksym [symbol-unplaced]\n"
        "    called by packet\n"
        "        at prog.c:7:7\n"
    )


def test_a_real_kernel_that_does_not_tell_its_kfuncs():
    """Before v6.9 neither sets nor tags tell: what libbpf finds is a function of that name."""
    Path("vmlinux").write_bytes(kernel_with("bpf_old", tagged=False, release="6.6.1"))
    assert audit(write_object("prog.bpf.o", "bpf_old"), "--btf", "vmlinux") == CLEAN
    assert audit(write_object("prog.bpf.o", "bpf_new"), "--btf", "vmlinux") == BREAKS


def test_raw_btf():
    types = Types()
    types.kfunc("bpf_new")
    Path("vmlinux").write_bytes(types.blob())
    write_object("prog.bpf.o", "bpf_new")
    assert audit("prog.bpf.o", "--btf", "vmlinux") == UNKNOWN
    assert audit("prog.bpf.o", "--btf", "vmlinux=v7.0") == CLEAN


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["prog.bpf.o", "--from", "v9.1"], "kfuncdoc: 'v9.1' is no release that is known: one is written as v6.10"),
        (["prog.bpf.o", "--btf", "nowhere"], "kfuncdoc: there is no file or folder 'nowhere'\n"),
        (["prog.bpf.o", "--btf", "prog.bpf.o"], "kfuncdoc: prog.bpf.o: this is a BPF object, and no kernel\n"),
        (["prog.bpf.o", "--fail-on", "braeks"], "kfuncdoc: --fail-on knows no 'braeks': did you mean 'breaks'?\n"),
        (["prog.bpf.o", "--btf", "prog.bpf.o=v7.0"], "kfuncdoc: prog.bpf.o: this is a BPF object, and no kernel\n"),
        (["prog.bpf.o", "--fail-on", "x"], "kfuncdoc: --fail-on knows no 'x': known are deprecated, breaks, "),
        (["prog.bpf.o", "--date", "today"], "kfuncdoc: 'today' is no date; write it as 2026-09-01\n"),
        (["prog.bpf.o", "--bogus"], "usage: kfuncdoc audit "),
        (["prog.bpf.o", "--format", "xml"], "usage: kfuncdoc audit "),
        (["prog.bpf.o", "--loader", "aya"], "usage: kfuncdoc audit "),
        ([], "usage: kfuncdoc audit "),
    ],
)  # fmt: skip
def test_wrong_arguments(capsys, arguments, message):
    """They have a status of their own: 2 says that something is deprecated."""
    write_object("prog.bpf.o", "bpf_new")
    assert status_of("audit", *arguments) == UNUSABLE
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(message)


def test_a_record_with_mistakes(capsys):
    write_files(Path(), {"demo": RECORD.replace("v6.17", "v9.17")})
    assert audit(write_object("prog.bpf.o", "bpf_new")) == UNUSABLE
    assert "demo.kfuncs.yaml:" in capsys.readouterr().err


def test_without_the_library(capsys, monkeypatch):
    """Only the names of machines are from pyelftools."""
    monkeypatch.setitem(sys.modules, "elftools.elf.enums", None)
    assert audit(write_object("prog.bpf.o", "bpf_new"), "--kernel", "v7.0") == CLEAN
    Path("prog.bpf.o").write_bytes(Object(machine=62).elf())
    capsys.readouterr()
    assert audit("prog.bpf.o") == UNUSABLE
    assert capsys.readouterr().err == (
        "kfuncdoc: audits need elftools.elf.enums, which comes with kfuncdoc[scan]: pip install '.[scan]' in a clone\n"
    )


@pytest.mark.record
def test_the_packaged_record(capsys):
    assert main(["audit", write_object("prog.bpf.o", "scx_bpf_dispatch"), "--from", "v6.12"]) == REPLACEMENT
    assert capsys.readouterr().out.startswith("prog.bpf.o: breaks on v6.12 to v7.3\n")


# -- header


def test_header(capsys):
    assert main(["header", "--from", "v6.12", "--data", ".", "bpf_old"]) == CLEAN
    out = capsys.readouterr().out
    assert "extern void bpf_old(void) __ksym __weak\n" in out
    assert "bpf_new(void)" not in out
    assert main(["header", "--from", "v6.12", "--data", ".", "-o", "kfuncs.h"]) == CLEAN
    assert "extern void bpf_new(void) __ksym __weak;\n" in Path("kfuncs.h").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["bpf_ol"], "kfuncdoc: no kfunc 'bpf_ol' is declared: did you mean 'bpf_old'?\n"),
        (["--from", "v9.1"], "kfuncdoc: 'v9.1' is no release that is known"),
        (["--kernel", "v6.1", "bpf_old"], "kfuncdoc: none of these kernels has 'bpf_old'\n"),
    ],
)
def test_wrong_arguments_of_header(capsys, arguments, message):
    assert main(["header", "--data", ".", *arguments]) == 2
    assert capsys.readouterr().err.startswith(message)


def test_header_of_all_recorded(capsys):
    assert main(["header", "--data", "."]) == CLEAN
    assert "/* bpf_old: v6.6 to v6.16 */\n" in capsys.readouterr().out


def write_testing_object(section: str = "xdp") -> str:
    """Write an object that calls a weak kfunc where the kernel has a structure, which libbpf answers."""
    written = Object()
    written.extern("bpf_old", weak=True)
    structure = written.types.struct("thing")
    written.function(section, "packet", [move(1, 1), jump_if(EQUAL, 1, 0, 1), call("bpf_old"), leave()])
    written.patch(section, 0, 8, structure)
    Path("tests.bpf.o").write_bytes(written.elf())
    return "tests.bpf.o"


def test_types_that_cannot_be_read_are_named(capsys, monkeypatch):
    folder = Path("installed").absolute()
    for name in ("data", "templates"):
        shutil.copytree(ROOT / name, folder / name)
    (folder / "data" / "core_types.yaml").unlink()
    path = write_testing_object()
    monkeypatch.setattr("kfuncdoc.base.resources._PACKAGE", folder / "kfuncdoc")
    assert audit(path, "--kernel", "v6.17") == UNUSABLE
    assert f"{folder / 'data' / 'core_types.yaml'}:0:0: error: " in capsys.readouterr().err


def test_optional_programs_count_where_they_are_asked_for(capsys):
    path = write_testing_object("?xdp")
    assert audit(path, "--kernel", "v6.17") == CLEAN
    assert audit(path, "--kernel", "v6.17", "--optional") == BREAKS
    assert "tests.bpf.o: may break on v6.17\n" in capsys.readouterr().out
