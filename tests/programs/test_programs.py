# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Real objects: the programs in this folder, compiled by clang, against the record.

``KFUNCDOC_VMLINUX_H`` names the folder of a ``vmlinux.h``; ``make programs`` fetches Debian's.
"""

from __future__ import annotations

import datetime
import itertools
import re
import shutil
import subprocess
from pathlib import Path
from typing import Iterator

import pytest
from compiler import HERE, Compiler
from guarded import program_of

from kfuncdoc.audit.asked_kernels import asked_for
from kfuncdoc.audit.engine import AuditRequest, run
from kfuncdoc.audit.findings import AuditRule, Report, Status
from kfuncdoc.audit.words import in_which_it_loads
from kfuncdoc.base.resources import packaged
from kfuncdoc.bpf.objects import BpfObject
from kfuncdoc.cli.main import main
from kfuncdoc.compat.advice import Adviser
from kfuncdoc.compat.facts import KernelFacts
from kfuncdoc.compat.header import header
from kfuncdoc.compat.kernels import Kernel, KernelRecord, Presence, in_words
from kfuncdoc.record.declaration_files import find
from kfuncdoc.record.load import load
from kfuncdoc.scan import Unscannable
from kfuncdoc.scan.binary.objects import read_objects

PROGRAMS = sorted(path.name[: -len(".bpf.c")] for path in HERE.glob("*.bpf.c"))
TODAY = datetime.date(2026, 11, 26)
TARGETS = ("bpfel", "bpfeb")


@pytest.fixture(scope="session")
def record() -> KernelRecord:
    return KernelRecord.whole(load(find([str(packaged("data"))])), TODAY)


@pytest.fixture(scope="session")
def compiled(compiler) -> dict[tuple[str, str], Path]:
    return {
        (name, target): compiler.compile(name, target=target) for name, target in itertools.product(PROGRAMS, TARGETS)
    }


def read(path: Path) -> BpfObject:
    (found,) = read_objects(str(path))
    return found


def against(record: KernelRecord, *paths: Path, first: str = "v6.12") -> Report:
    objects = [each for path in paths for each in read_objects(str(path))]
    return run(AuditRequest(objects, record, asked_for(record, first=first, last="v7.3")))


#: What each program is there to show: on which kernels it loads, and the findings that count.
EXPECTED = {
    "behaviour": (
        "loads on v6.19 to v7.3; not on v6.12 to v6.18",
        {
            ("kfunc-absent", "bpf_strlen", "v6.12 to v6.16"),
            ("changed", "bpf_strlen", "v7.3"),
            ("kfunc-absent", "scx_bpf_dsq_peek", "v6.12 to v6.18"),
            ("avoid", "scx_bpf_dsq_peek", "v6.19 to v7.0"),
        },
    ),
    "clean": ("loads on v6.12 to v7.3", set()),
    # Only tracing programs call bpf_strstr(): that it needs CAP_PERFMON since v7.3 is no change for them.
    "conditions": ("loads on v6.12 to v7.3", set()),
    "core": (
        "loads on v6.19 to v7.3; may break on v6.12 to v6.18",
        {
            ("guard-missing", "scx_bpf_dsq_insert___v2___compat", "v6.12 to v6.18"),
            ("deprecated", "scx_bpf_dsq_insert___v2___compat", "v6.19 to v7.3"),
        },
    ),
    "flavour": (
        "breaks on v6.12 to v7.3",
        {
            ("kfunc-absent", "scx_bpf_dsq_insert___v2", "v6.12"),
            ("prototype-incompatible", "scx_bpf_dsq_insert___v2", "v6.13 to v7.3"),
            ("flavour-mistaken", "scx_bpf_dsq_insert___v2", "v6.12 to v7.3"),
            ("kfunc-absent", "scx_bpf_dsq_insert___v2___compat", "v6.12 to v6.18"),
            ("deprecated", "scx_bpf_dsq_insert___v2___compat", "v6.19 to v7.3"),
        },
    ),
    "gone": (
        "loads on v6.12 to v6.16; breaks in v6.17",
        {("kfunc-absent", "scx_bpf_dispatch", "v6.17 to v7.3")},
    ),
    "guarded": ("loads on v6.12 to v7.3", set()),
    "parts": ("loads on v6.12 to v7.3", set()),
    "prototype": (
        "loads on v6.12 to v6.19; breaks in v7.0",
        {("prototype-incompatible", "bpf_session_is_return", "v7.0 to v7.3")},
    ),
    "unguarded": (
        "loads on v6.12 to v6.16; may break on v6.17 to v7.3",
        {
            ("guard-missing", "scx_bpf_dispatch", "v6.17 to v7.3"),
            ("deprecated", "scx_bpf_dispatch", "v6.13 to v6.16"),
        },
    ),
    "unknown": (
        "not known for v6.12 to v7.3",
        # A weak one behind a guard does no harm: it is a note.
        {("kfunc-unknown", "bpf_never_heard_of", "v6.12 to v7.3")},
    ),
    "unplaced": (
        "breaks on v6.12 to v7.3",
        {
            ("symbol-unplaced", "bpf_rcu_read_lock", "v6.12 to v7.3"),
            ("symbol-unplaced", "helper_of_another_object", "v6.12 to v7.3"),
        },
    ),
    "wrong_type": (
        "breaks on v6.12 to v7.3",
        {
            ("not-callable", "bpf_get_file_xattr", "v6.12 to v7.3"),
            ("not-callable", "scx_bpf_nr_cpu_ids", "v7.1 to v7.3"),
        },
    ),
}


def test_each_program_is_there_for_something():
    assert list(EXPECTED) == PROGRAMS


def outcome(report: Report) -> tuple[str, set[tuple[str, str, str]]]:
    (each,) = report.objects
    findings = {
        (finding.rule.rule, finding.extern.name, in_words(finding.kernels, report.kernels))
        for finding in each.findings
        if finding.statuses
    }
    return in_which_it_loads(each, report.kernels), findings


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", PROGRAMS)
def test_what_is_found(compiled, record, name, target):
    assert outcome(against(record, compiled[name, target])) == EXPECTED[name]


@pytest.mark.parametrize("name", PROGRAMS)
def test_both_byte_orders_are_read_alike(compiled, name):
    little, big = (read(compiled[name, target]) for target in TARGETS)
    assert (little.externs, little.programs, little.calls) == (big.externs, big.programs, big.calls)


@pytest.mark.parametrize("options", [("-mcpu=v1",), ("-mcpu=v3", "-O1"), ("-mcpu=v3", "-Os")])
@pytest.mark.parametrize("name", ["conditions", "guarded", "unguarded", "parts"])
def test_guards_are_seen_however_it_was_compiled(compiler, record, name, options):
    assert outcome(against(record, compiler.compile(name, *options))) == EXPECTED[name]


def test_a_scheduler_of_v6_12_is_told(compiled, monkeypatch, capsys):
    """gone from v6.17, scx_bpf_dsq_insert from v6.13, no one name on v6.12 to v7.3, and the guard."""
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.chdir(HERE)
    path = compiled["gone", "bpfel"]
    assert main(["audit", str(path), "--from", "v6.12", "--to", "v7.3"]) == Status.REPLACEMENT.code
    out = capsys.readouterr().out
    assert f"{path}: loads on v6.12 to v6.16; breaks in v6.17\n" in out
    assert "error: scx_bpf_dispatch on v6.17 to v7.3: gone from v6.17 [kfunc-absent]\n" in out
    assert "what to do: call scx_bpf_dsq_insert() of compat.bpf.h, or the kfunc scx_bpf_dsq_insert (" in out
    assert "    called by gone_enqueue\n        at gone.bpf.c:12:2\n" in out
    assert "/* v6.13 to v6.18 */\n    \tif (bpf_ksym_exists(scx_bpf_dsq_insert___compat)) {\n" in out
    assert "/* v6.12 */\n    \tif (bpf_ksym_exists(scx_bpf_dispatch___compat)) {\n" in out


def test_calls_as_parts_of_programs(compiled):
    calls = read(compiled["parts", "bpfel"]).calls
    programs: dict[str, list[str]] = {}
    for kfunc_call in calls:
        programs.setdefault(kfunc_call.extern, []).extend(program.name for program in kfunc_call.programs)
    assert {name: sorted(set(names)) for name, names in programs.items()} == {
        "bpf_rcu_read_lock": ["first"],
        "bpf_rcu_read_unlock": ["first", "second"],
        "bpf_task_acquire": ["second"],
        "bpf_task_from_pid": ["second"],
        "bpf_task_release": ["first"],
    }
    unguarded = {kfunc_call.extern for kfunc_call in calls if not kfunc_call.guarded}
    assert programs.keys() - unguarded == {"bpf_rcu_read_lock", "bpf_task_acquire"}


def test_struct_ops(compiled):
    programs = read(compiled["guarded", "bpfel"]).programs + read(compiled["wrong_type", "bpfel"]).programs
    assert [(each.name, each.struct_ops, each.member) for each in programs] == [
        ("guarded_enqueue", "sched_ext_ops", "enqueue"),
        ("packet", None, None),
        ("ssthresh", "tcp_congestion_ops", "ssthresh"),
    ]


# -- what is done to objects


def tool(name: str, *arguments: object) -> None:
    assert shutil.which(name), f"{name} is needed"
    done = subprocess.run([name, *map(str, arguments)], capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("options", [("-g",), ("--strip-debug",), ("--strip-unneeded",)])
def test_stripped(compiled, record, tmp_path, options):
    """Neither the debug information nor the names of local symbols are needed."""
    stripped = tmp_path / "stripped.bpf.o"
    tool("llvm-objcopy", *options, compiled["gone", "bpfel"], stripped)
    assert stripped.stat().st_size < compiled["gone", "bpfel"].stat().st_size
    assert outcome(against(record, stripped)) == EXPECTED["gone"]


CALLER = """\
#include "program.h"
extern int helper(void);
extern void bpf_rcu_read_lock(void) __ksym;
extern void bpf_rcu_read_unlock(void) __ksym;
SEC("raw_tp/sys_enter") int caller(void *ctx) { bpf_rcu_read_lock(); bpf_rcu_read_unlock(); return helper(); }
"""


def test_parts_of_a_program(compiler, record, tmp_path):
    """libbpf opens them once bpftool has linked them."""
    paths = []
    for name, text in (("caller", CALLER), ("helper", "__attribute__((noinline)) int helper(void) { return 1; }\n")):
        (tmp_path / f"{name}.bpf.c").write_text(text, "utf-8")
        done = compiler.run(tmp_path / f"{name}.bpf.c", "-g", output=f"{name}.part.o")
        assert (done.returncode, done.stderr) == (0, "")
        paths.append(compiler.output / f"{name}.part.o")
    apart = against(record, *paths)
    assert [(finding.rule.rule, finding.extern.name, finding.reason) for finding in apart.findings] == [
        (
            "symbol-unplaced",
            "helper",
            f"this object is a part of a program: link it with {paths[1]}, which defines it (bpftool gen object)",
        )
    ]
    tool("bpftool", "gen", "object", tmp_path / "linked.bpf.o", *paths)
    assert outcome(against(record, tmp_path / "linked.bpf.o")) == ("loads on v6.12 to v7.3", set())


def test_objects_of_gcc(record, tmp_path):
    """Debian's GCC 12 writes no section .ksyms into BTF, and the types of functions as if the object defined them."""
    if not shutil.which("bpf-gcc"):
        pytest.skip("bpf-gcc is needed")
    (tmp_path / "gcc.c").write_text(
        '__attribute__((section(".ksyms"))) extern void bpf_rcu_read_lock(void);\n'
        '__attribute__((section("xdp"), used)) int packet(void *ctx) { bpf_rcu_read_lock(); return 2; }\n',
        "utf-8",
    )
    tool("bpf-gcc", "-O2", "-gbtf", "-c", tmp_path / "gcc.c", "-o", tmp_path / "gcc.bpf.o")
    assert outcome(against(record, tmp_path / "gcc.bpf.o")) == (
        "breaks on v6.12 to v7.3",
        {("symbol-unplaced", "bpf_rcu_read_lock", "v6.12 to v7.3")},
    )


def test_stripped_of_everything(compiled, tmp_path):
    stripped = tmp_path / "stripped.bpf.o"
    tool("llvm-strip", compiled["gone", "bpfel"], "-o", stripped)
    with pytest.raises(Unscannable, match="its symbols were stripped"):
        read(stripped)


def test_without_btf(compiled, compiler, record, tmp_path):
    removed = tmp_path / "removed.bpf.o"
    tool("llvm-objcopy", "-R", ".BTF", "-R", ".BTF.ext", compiled["gone", "bpfel"], removed)
    done = compiler.run(HERE / "gone.bpf.c", output="without.bpf.o")
    assert (done.returncode, done.stderr) == (0, "")
    for path in (removed, compiler.output / "without.bpf.o"):
        summary, findings = outcome(against(record, path))
        assert summary == "breaks on v6.12 to v7.3"
        assert ("btf-missing", "scx_bpf_dispatch", "v6.12 to v7.3") in findings
        assert ("kfunc-absent", "scx_bpf_dispatch", "v6.17 to v7.3") in findings


@pytest.mark.parametrize("target", TARGETS)
def test_a_library_of_objects(compiled, record, tmp_path, target):
    library = tmp_path / "programs.a"
    names = ["gone", "clean", "guarded"]
    tool("llvm-ar", "rcs", library, *(compiled[name, target] for name in names))
    report = against(record, library)
    assert [each.object.path for each in report.objects] == [f"{library}({name}.{target}.bpf.o)" for name in names]
    assert [in_which_it_loads(each, report.kernels) for each in report.objects] == [EXPECTED[name][0] for name in names]


def test_in_a_skeleton_and_in_a_program(compiled, record, tmp_path):
    """As bpftool writes the one, and a linker the other."""
    compiled_object = compiled["gone", "bpfel"]
    skeleton, program = tmp_path / "gone.skel.h", tmp_path / "gone"
    with open(skeleton, "wb") as stream:
        subprocess.run(["bpftool", "gen", "skeleton", compiled_object, "name", "gone_bpf"], stdout=stream, check=True)
    source = tmp_path / "main.c"
    source.write_text(
        f'asm(".section .rodata\\n.incbin \\"{compiled_object}\\"\\n.text");\nint main(void) {{ return 0; }}\n',
        encoding="utf-8",
    )
    tool("clang", source, "-o", program)
    for path, name in ((skeleton, "gone_bpf"), (program, "bpf-object-1")):
        report = against(record, path)
        assert outcome(report) == EXPECTED["gone"]
        assert report.objects[0].object.path == f"{path}({name})"


def test_linked_by_bpftool(compiled, record, tmp_path):
    linked = tmp_path / "linked.bpf.o"
    tool("bpftool", "gen", "object", linked, compiled["gone", "bpfel"], compiled["clean", "bpfel"])
    summary, findings = outcome(against(record, linked))
    assert (summary, findings) == EXPECTED["gone"]
    assert {each.name for each in read(linked).programs} == {"gone_enqueue", "clean"}


# -- the header, and the guards

USES = """\
#include "program.h"
#include "kfuncs.h"

SEC("struct_ops/enqueue")
void enqueue(unsigned long long *ctx)
{
	struct task_struct *p = (void *)ctx[0];

	scx_bpf_dispatch(p, 0, 1000, ctx[1]);
	if (bpf_ksym_exists(scx_bpf_dispatch___compat))
		scx_bpf_dispatch___compat(p, 0, 1000, ctx[1]);
	if (bpf_ksym_exists(bpf_session_is_return___v7_0))
		bpf_session_is_return___v7_0(ctx);
	(void)bpf_session_is_return();
}
"""


@pytest.fixture(scope="session")
def with_header(compiler, record) -> Compiler:
    """clang, with the header of v6.12 to v7.3 where it finds it."""
    kernels = asked_for(record, first="v6.12", last="v7.3")
    (compiler.output / "kfuncs.h").write_text(header(record, kernels), encoding="utf-8")
    return compiler


@pytest.mark.parametrize("options", [(), ("-DBPF_NO_KFUNC_PROTOTYPES",)])
@pytest.mark.parametrize("all_kernels", [False, True])
def test_the_header_after_vmlinux_h(with_header, record, tmp_path, options, all_kernels):
    """Whether vmlinux.h declares kfuncs itself or not, nothing is in conflict, and nothing warned of."""
    folder = with_header.output
    if all_kernels:
        folder = tmp_path
        (folder / "kfuncs.h").write_text(header(record, record.kernels), encoding="utf-8")
    source = tmp_path / "include.bpf.c"
    source.write_text('#include <vmlinux.h>\n#include "kfuncs.h"\nint any;\n', encoding="utf-8")
    strict = ("-g", "-Wall", "-Wextra", "-Wno-missing-declarations", "-Werror")
    done = with_header.run(source, *strict, f"-I{folder}", *options)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_header_warns(with_header, tmp_path):
    source = tmp_path / "uses.bpf.c"
    source.write_text(USES, encoding="utf-8")
    done = with_header.run(source, "-g", f"-I{with_header.output}", "-Wno-implicit-function-declaration")
    assert done.returncode == 0, done.stderr
    assert re.findall(r"uses\.bpf\.c:(\d+):\d+: warning: (.*)", done.stderr) == [
        (
            "9",
            "'scx_bpf_dispatch' is deprecated: gone from v6.17; call scx_bpf_dsq_insert() of compat.bpf.h, or the "
            "kfunc scx_bpf_dsq_insert (itself deprecated; not on v6.12); in a guard: scx_bpf_dispatch___compat "
            "[-Wdeprecated-declarations]",
        ),
        (
            "14",
            "macro 'bpf_session_is_return' has been marked as deprecated: its prototype differs between these "
            "kernels; by prototype: bpf_session_is_return___v6_10 and bpf_session_is_return___v7_0 "
            "[-Wdeprecated-pragma]",
        ),
    ]


@pytest.mark.parametrize("release", ["v7.3", "v6.12"])
def test_every_kfunc_with_one_prototype_has_its_plain_name(compiler, record, tmp_path, release):
    """Without the kfuncs of vmlinux.h, a program can name each; libbpf finds all of them on that kernel."""
    kernels = asked_for(record, names=[release])
    text = header(record, kernels)
    (tmp_path / "kfuncs.h").write_text(text, encoding="utf-8")
    there = {
        name for name in record.snapshot.catalog.entries if record.look(name, kernels[0]).presence is Presence.PRESENT
    }
    left_out = set(re.findall(r"/\* Not declared as (\w+): ", text))
    reasons = ("bpf_task_work_schedule_", "scx_bpf_dsq_insert___v2", "scx_bpf_dsq_move_to_local___v2")
    assert all(name.startswith((*reasons, "scx_bpf_reenqueue_local___v2")) for name in left_out)
    names = sorted(there - left_out)
    uses = "\n".join(f"\tif (bpf_ksym_exists({name}))\n\t\texisting++;" for name in names)
    source = tmp_path / "plain.bpf.c"
    source.write_text(
        '#include "program.h"\n#include "kfuncs.h"\n\nint existing;\n\n'
        f'SEC("xdp")\nint every_kfunc(struct xdp_md *ctx)\n{{\n{uses}\n\treturn 0;\n}}\n',
        encoding="utf-8",
    )
    options = ("-Wno-deprecated-declarations", "-Werror", f"-I{tmp_path}")
    done = compiler.run(source, "-g", *options, output=f"plain-{release}.bpf.o")
    assert (done.returncode, done.stderr) == (0, "")
    compiled = read(compiler.output / f"plain-{release}.bpf.o")
    assert [extern.name for extern in compiled.externs] == names
    audited = run(AuditRequest([compiled], record, kernels))
    assert [finding for finding in audited.findings if finding.counts] == []


def test_what_the_header_declares_is_found(with_header, record, tmp_path):
    """Both flavours of a kfunc are one of the two that there are, whichever kernel it is."""
    source = tmp_path / "uses.bpf.c"
    kept = [line for line in USES.split("\n") if not re.search(r"(dispatch|\)bpf_session_is_return)\(", line)]
    source.write_text("\n".join(kept), "utf-8")
    done = with_header.run(source, "-g", "-Wno-deprecated-pragma", f"-I{with_header.output}", output="uses.bpf.o")
    assert (done.returncode, done.stderr) == (0, "")
    found = read(with_header.output / "uses.bpf.o")
    assert {(each.name, each.kfunc, each.weak) for each in found.externs} == {
        ("scx_bpf_dispatch___compat", "scx_bpf_dispatch", True),
        ("bpf_session_is_return___v7_0", "bpf_session_is_return", True),
    }
    _, findings = outcome(against(record, with_header.output / "uses.bpf.o"))
    assert {rule for rule, _, _ in findings} == {"not-callable"}  # a session's, from struct_ops


@pytest.mark.parametrize("first", ["v6.12", ""])
def test_every_guard_compiles_and_guards(compiler, record, tmp_path, first):
    """All of them, each called from a program of its own, load on every kernel that the record knows."""
    kernels = asked_for(record, first=first, last="v7.3") if first else record.kernels
    codes = sorted(set(guards(record, kernels)))
    assert len(codes) > 50
    source = tmp_path / "guards.bpf.c"
    source.write_text(program_of(codes, compiler), encoding="utf-8")
    done = compiler.run(source, "-g", "-Wall", "-Wextra", "-Werror", output="guards.bpf.o")
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    found = read(compiler.output / "guards.bpf.o")
    assert len(found.programs) == len(codes)
    (report,) = run(AuditRequest([found], record, record.kernels)).objects
    # The section "any" does not tell what the programs may call.
    assert (report.breaks, report.unsure) == ((), ())
    (report,) = run(AuditRequest([found], record, kernels)).objects
    counting = {finding.rule: finding.extern.name for finding in report.findings if finding.counts}
    assert counting.keys() <= {AuditRule.CHANGED, AuditRule.CANNOT_TELL}, counting


def test_what_keeps_calls_from_being_reached_is_named(compiled, record):
    bpf_object = read(compiled["conditions", "bpfel"])
    (report,) = against(record, compiled["conditions", "bpfel"]).objects
    (guarded,) = (
        finding
        for finding in report.findings
        if finding.rule is AuditRule.ABSENT_GUARDED and finding.extern.name == "bpf_strstr"
    )
    assert guarded.reason == "not there before v6.17; no call is reached, unless wanted is set before loading"
    kernels = asked_for(record, first="v6.12", last="v7.3")
    (whole,) = run(AuditRequest([bpf_object], record, kernels, optional=True)).objects
    assert in_which_it_loads(whole, kernels) == "loads on v6.17 to v7.3; may break on v6.12 to v6.16"
    (missing,) = (finding for finding in whole.findings if finding.rule is AuditRule.GUARD_MISSING)
    assert {kfunc_call.function for kfunc_call in missing.calls} == {"never_called", "on_request"}


@pytest.mark.parametrize(("name", "expected"), [("v6.7", True), ("v6.8", False)])
def test_older_kernels_check_global_functions_by_themselves(compiled, record, name, expected):
    kernel = record.kernel(record.snapshot.calendar[name])
    facts = KernelFacts(record, kernel, {"bpf_strstr": False, "bpf_strstr___other": False})
    (kfunc_call,) = (each for each in read(compiled["conditions", "bpfel"]).calls if each.function == "find")
    assert kfunc_call.reached(facts) is expected


def guards(record: KernelRecord, kernels: tuple[Kernel, ...]) -> Iterator[str]:
    """Yield every guard that there is for *kernels*."""
    adviser = Adviser(record, kernels)
    for name in record.snapshot.catalog.entries:
        for to_come in ((), kernels[:1]):
            advice = adviser.about(name, to_come)
            if advice is not None and advice.guard:
                yield advice.guard
