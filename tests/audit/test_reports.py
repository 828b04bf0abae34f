# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A report as people and machines read it, and what is ignored in it."""

from __future__ import annotations

import dataclasses
import datetime
import json
import os
from pathlib import Path
from textwrap import dedent
from typing import Sequence
from urllib.parse import urlsplit

import pytest
from behind import behind_tests
from declared import TODAY, catalog_of, entry, subsystem
from hypothesis import given
from hypothesis import strategies as st

from kfuncdoc import __version__
from kfuncdoc.audit import ignores
from kfuncdoc.audit.asked_kernels import asked_for, observed_kernel
from kfuncdoc.audit.engine import AuditRequest, run
from kfuncdoc.audit.findings import AuditRule, Report, Status, Unreadable
from kfuncdoc.audit.loaders import Loader
from kfuncdoc.audit.reports import as_github, as_json, as_text, tally
from kfuncdoc.audit.sarif import as_sarif
from kfuncdoc.base.diagnostics import as_text as diagnostic_as_text
from kfuncdoc.bpf.objects import BpfObject, Call, Extern, Program, SourceLine
from kfuncdoc.bpf.shape import shape_of
from kfuncdoc.compat.kernels import KernelRecord
from kfuncdoc.kernels.observation import KernelFunctions

RECORD = subsystem(
    entry(
        "bpf_old",
        "release: v6.6, event: added",
        "release: v6.17, event: removed, renamed_to: bpf_new",
    )
    + entry("bpf_new", "release: v6.13, event: added")
)
PACKET = Program("packet", "xdp", "BPF_PROG_TYPE_XDP")
OTHER = Program("other", "?tc", "BPF_PROG_TYPE_SCHED_CLS", optional=True)


def extern(name: str, weak: bool = False) -> Extern:
    prototype = f"void {name}(void)"
    return Extern(name, weak, prototype, shape_of(prototype))


OLD = BpfObject(
    "prog.bpf.o",
    (extern("bpf_old"), extern("bpf_new", weak=True)),
    (PACKET, OTHER),
    (
        Call("bpf_old", "packet", (PACKET,), SourceLine("src/prog.bpf.c", 12, 3)),
        Call("bpf_old", "helper", (PACKET, OTHER), SourceLine("src/prog.bpf.c", 20, 0)),
        Call("bpf_new", "packet", (PACKET,), None, behind_tests("bpf_new", "bpf_old")),
    ),
)
UNKNOWN = BpfObject("lib.a(x.bpf.o)", (extern("my_thing"),), (PACKET,), (Call("my_thing", "packet", (PACKET,)),))


def audited(record: KernelRecord, objects: Sequence[BpfObject], names: Sequence[str]) -> Report:
    """Return the report of *objects* on the kernels *names*."""
    return run(AuditRequest(objects, record, asked_for(record, names=names)))


@pytest.fixture
def record(tmp_path) -> KernelRecord:
    return KernelRecord.whole(catalog_of(tmp_path, demo=RECORD), TODAY)


@pytest.fixture
def report(record) -> Report:
    return audited(record, [OLD, UNKNOWN], ["v6.12", "v6.13", "v6.17"])


GUARD = """\
A guard for bpf_old:

    extern void bpf_new___compat(void) __ksym __weak;
    extern void bpf_old___compat(void) __ksym __weak;

    static __always_inline void compat_bpf_new(void)
    {
    \t/* v6.13 and v6.17 */
    \tif (bpf_ksym_exists(bpf_new___compat)) {
    \t\tbpf_new___compat();
    \t\treturn;
    \t}
    \t/* v6.12 */
    \tif (bpf_ksym_exists(bpf_old___compat)) {
    \t\tbpf_old___compat();
    \t\treturn;
    \t}
    }
"""
ALONE = f"""\
prog.bpf.o: loads on v6.12 to v6.13; breaks in v6.17

error: bpf_old on v6.17: gone from v6.17 [kfunc-absent]
    what to do: call bpf_new (not on v6.12)
    called by packet, other
        at src/prog.bpf.c:12:3
        at src/prog.bpf.c:20

{GUARD}"""
SEVERAL = f"""\
prog.bpf.o: loads on v6.12 to v6.13; breaks in v6.17
lib.a(x.bpf.o): not known for v6.12 to v6.13 and v6.17

error: bpf_old on v6.17: gone from v6.17 [kfunc-absent]
    what to do: call bpf_new (not on v6.12)
    in prog.bpf.o: packet, other; at src/prog.bpf.c:12:3, src/prog.bpf.c:20

error: my_thing on v6.12 to v6.13 and v6.17: the record does not know it
    [kfunc-unknown]
    in lib.a(x.bpf.o): packet

{GUARD}"""


def test_one_object(record):
    report = audited(record, [OLD], ["v6.12", "v6.13", "v6.17"])
    assert as_text(report, 80) == as_text(report, 200) == as_text(report, 80, verbose=True) == ALONE


def test_several_objects(report):
    assert as_text(report, 80) == SEVERAL
    assert as_text(report, 132) == SEVERAL.replace("it\n    [", "it [")


#: Twenty objects that fail alike, with long paths.
FOLDER, SOURCES = "/build/target/debug", "/build/source/scheds"
SCHEDULERS = [
    BpfObject(
        f"{FOLDER}/scx_{number:02}.bpf.o",
        (extern("bpf_old"), extern("my_thing", weak=True)),
        (PACKET,),
        (
            Call("bpf_old", "packet", (PACKET,), SourceLine(f"{SOURCES}/include/compat.h", 7, 3)),
            Call("my_thing", "packet", (PACKET,), SourceLine(f"{SOURCES}/scx_{number:02}/main.c", 9, 3)),
        ),
    )
    for number in range(20)
]
MANY = """\
21 objects, /build/target/debug/*.bpf.o; their source files are in /build/source/scheds/

breaks on v6.17; not known for v6.13 (20 objects):
    scx_00, scx_01, scx_02, scx_03, scx_04, scx_05, scx_06, scx_07, scx_08, scx_09, scx_10, scx_11,
        scx_12, scx_13, scx_14, scx_15, scx_16, scx_17, scx_18, scx_19
clean: loads on v6.13 and v6.17

error: bpf_old on v6.17: gone from v6.17 [kfunc-absent]
    what to do: call bpf_new (on every kernel asked for)
    in scx_00: packet; scx_01: packet; scx_02: packet; scx_03: packet; scx_04: packet; scx_05:
        packet; scx_06: packet; scx_07: packet; scx_08: packet; scx_09: packet; and 10 more objects
    at include/compat.h:7:3

error: my_thing on v6.13 and v6.17: the record does not know it [kfunc-unknown]
    in scx_00: packet; scx_01: packet; scx_02: packet; scx_03: packet; scx_04: packet; scx_05:
        packet; scx_06: packet; scx_07: packet; scx_08: packet; scx_09: packet; and 10 more objects
    at scx_00/main.c:9:3, scx_01/main.c:9:3, and 18 more places
"""


def test_many_objects_of_one_cause(record):
    clean = BpfObject(f"{FOLDER}/clean.bpf.o", (extern("bpf_new"),), (PACKET,), (Call("bpf_new", "packet", (PACKET,)),))
    report = audited(record, [*SCHEDULERS, clean], ["v6.13", "v6.17"])
    assert as_text(report, 100) == MANY
    assert tally(report) == "21 objects: 2 errors; the record covers v6.1 to v7.3"
    whole = as_text(report, 100, verbose=True)
    for number in range(20):
        assert whole.count(f"    scx_{number:02}: packet\n        at include/compat.h:7:3\n") == 1
        assert whole.count(f"        at scx_{number:02}/main.c:9:3\n") == 1
    for text in (as_text(report, 100), whole):
        assert text.count(FOLDER) == text.count(SOURCES) == 1


def test_two_objects_of_one_cause(record):
    text = as_text(audited(record, SCHEDULERS[:2], ["v6.17"]), 100)
    assert "\n    in scx_00: packet; scx_01: packet; at include/compat.h:7:3\n" in text


def test_many_objects_that_load(record):
    clean = [
        BpfObject(f"{number:03}.o", (extern("bpf_new"),), (PACKET,), (Call("bpf_new", "packet", (PACKET,)),))
        for number in range(100)
    ]
    report = audited(record, clean, ["v7.0"])
    assert as_text(report, 60) == (
        "100 objects, *.o\n\n"
        "loads on v7.0 (100 objects):\n"
        "    000, 001, 002, 003, 004, 005, 006, 007, 008, 009, 010,\n"
        "        011, 012, 013, 014, 015, 016, 017, 018, 019, 020,\n"
        "        021, 022, 023, and 76 more\n"
    )
    assert ", 098, 099\n" in as_text(report, 2000, verbose=True)


def test_a_kfunc_by_two_names_in_one_object(record):
    """It is one finding, with the name that libbpf looks for."""
    twice = BpfObject(
        "twice.bpf.o",
        (extern("bpf_old"), extern("bpf_old___compat")),
        (PACKET, OTHER),
        (Call("bpf_old", "packet", (PACKET,)), Call("bpf_old___compat", "other", (OTHER,))),
    )
    report = audited(record, [twice], ["v7.0"])
    assert as_text(report, 80) == (
        "twice.bpf.o: breaks on v7.0\n\n"
        "error: bpf_old on v7.0: gone from v6.17 [kfunc-absent]\n"
        "    what to do: call bpf_new\n"
        "    called by packet, other\n"
    )
    assert tally(report) == "1 object: 1 error; the record covers v6.1 to v7.3"


def test_more_guards_than_are_shown(tmp_path):
    names = ["bpf_a", "bpf_b", "bpf_c", "bpf_d"]
    catalog = catalog_of(
        tmp_path, demo=subsystem("".join(entry(name, "release: v6.13, event: added") for name in names))
    )
    calls = {name: Call(name, "packet", (PACKET,)) for name in names}
    one = BpfObject("one.o", tuple(map(extern, names)), (PACKET,), tuple(calls.values()))
    other = BpfObject("other.o", (extern("bpf_a"),), (PACKET,), (calls["bpf_a"],))
    record = KernelRecord.whole(catalog, TODAY)
    report = audited(record, [one, other], ["v6.12", "v6.13"])
    assert as_text(report, 80).endswith("\n\nWith --verbose there are guards for bpf_a, bpf_b, bpf_c, bpf_d.\n")
    for text in (as_text(report, 80, verbose=True), as_text(audited(record, [one], ["v6.12", "v6.13"]), 80)):
        assert text.count("A guard for ") == 4


@given(st.integers(1, 300), st.booleans())
def test_any_width(width, verbose):
    text = as_text(REPORT, width, verbose=verbose)
    for word in ("prog.bpf.o", "bpf_old", "kfunc-absent", "v6.17"):
        assert word in text
    if width >= 60:
        assert all(len(line) <= width for line in text.split("A guard")[0].splitlines())


def test_notes(report):
    assert "bpf_new" not in as_text(report, 80).split("A guard")[0].replace("call bpf_new", "")
    assert ("note: bpf_new on v6.12: not there before v6.13 [absent-guarded]\n    in prog.bpf.o: packet\n") in as_text(
        report, 80, notes=True
    )


def test_what_could_not_be_read_is_in_every_form(report):
    told = dataclasses.replace(report, unreadable=(Unreadable("bad.bpf.o", "it is empty"),))
    assert tally(told) == "3 objects: 2 errors, 1 note, 1 could not be read; the record covers v6.1 to v7.3"
    assert "::error file=bad.bpf.o,title=kfuncdoc unreadable::it is empty\n" in as_github(told)
    assert json.loads(as_json(told))["unreadable"] == [{"path": "bad.bpf.o", "message": "it is empty"}]
    (invocation,) = json.loads(as_sarif(told))["runs"][0]["invocations"]
    assert not invocation["executionSuccessful"]
    assert invocation["toolExecutionNotifications"][0]["message"] == {"text": "it is empty"}


def test_calls_in_no_program(record):
    library = BpfObject("lib.bpf.o", (extern("bpf_mine"),), (), (Call("bpf_mine", "helper", ()),))
    report = audited(record, [library], ["v7.0"])
    assert "    called by helper, in no program here\n" in as_text(report, 80)
    declared = run(
        AuditRequest([BpfObject("x.bpf.o", (extern("bpf_mine"),))], record, asked_for(record, names=["v7.0"]))
    )
    assert "    not called\n" in as_text(declared, 80)


def joint(tmp_path: Path) -> Report:
    """Return a report with one finding about five externs."""
    modules = "".join(entry(f"bpf_{name}", "release: v6.6, event: added", module="nf_nat") for name in "abcde")
    in_a_module = KernelRecord.whole(catalog_of(tmp_path, demo=subsystem(modules)), TODAY)
    externs = tuple(extern(f"bpf_{name}") for name in "abcde")
    return audited(in_a_module, [BpfObject("prog.bpf.o", externs, (PACKET,))], ["v7.0"])


def test_a_finding_about_several_kfuncs(tmp_path):
    report = joint(tmp_path)
    title = "\nnote: bpf_a, bpf_b, bpf_c, bpf_d and 1 more on v7.0: needs the module nf_nat\n"
    assert title in as_text(report, 80, notes=True)
    (finding,) = json.loads(as_json(report))["objects"][0]["findings"]
    assert (finding["extern"], finding["others"]) == ("bpf_a", ["bpf_b", "bpf_c", "bpf_d", "bpf_e"])


@pytest.mark.parametrize(("names", "is_ignored"), [("abcde", True), ("abcd", False), ("a", False)])
def test_a_finding_about_several_kfuncs_is_ignored_if_each_has_an_entry(tmp_path, names, is_ignored):
    day = datetime.date(2027, 1, 1)
    entries = [
        ignores.Ignore(f"bpf_{name}", f"Why {name}.", day + datetime.timedelta(ord("z") - ord(name)), "file:1:1")
        for name in names
    ]
    ignored = ignores.apply(joint(tmp_path), entries, TODAY)
    assert [finding.ignored for finding in ignored.findings] == [
        ignores.Ignored("Why e.", day + datetime.timedelta(21)) if is_ignored else None
    ]
    assert ignored.remarks == ()


def test_the_loader_is_named_where_it_is_not_libbpf(record):
    libbpf, cilium = (
        run(AuditRequest([OLD], record, asked_for(record, names=["v6.17"]), loader=loader)) for loader in Loader
    )
    assert as_text(cilium, 80).startswith("As cilium/ebpf loads objects:\n\nprog.bpf.o: breaks on v6.17\n")
    assert as_text(libbpf, 80).startswith("prog.bpf.o: breaks on v6.17\n")
    assert "bpf_old, called by packet, other, loaded by cilium/ebpf on v6.17: gone from v6.17" in as_github(cilium)
    for report, word in ((libbpf, "libbpf"), (cilium, "cilium")):
        assert json.loads(as_json(report))["loader"] == word
        assert json.loads(as_sarif(report))["runs"][0]["properties"]["loader"] == word


def test_tally(report):
    assert tally(report) == "2 objects: 2 errors, 1 note; the record covers v6.1 to v7.3"
    assert (
        tally(Report((), (), "v7.3", recorded_from="v6.1"))
        == "0 objects: nothing to report; the record covers v6.1 to v7.3"
    )


def test_nothing_to_report(record):
    clean = BpfObject("clean.bpf.o", (extern("bpf_new"),), (PACKET,), (Call("bpf_new", "packet", (PACKET,)),))
    assert as_text(audited(record, [clean], ["v7.0"]), 80) == "clean.bpf.o: loads on v7.0\n"


def test_github(report):
    assert as_github(report) == (
        "::error file=src/prog.bpf.c,line=12,col=3,title=kfuncdoc kfunc-absent::bpf_old, called by packet, other, on "
        "v6.17: gone from v6.17; call bpf_new (not on v6.12)\n"
        "::error file=src/prog.bpf.c,line=20,col=0,title=kfuncdoc kfunc-absent::bpf_old, called by packet, other, on "
        "v6.17: gone from v6.17; call bpf_new (not on v6.12)\n"
        "::error file=lib.a(x.bpf.o),title=kfuncdoc kfunc-unknown::my_thing, called by packet, on "
        "v6.12 to v6.13 and v6.17: the record does not know it\n"
    )


def test_json(report):
    document = json.loads(as_json(report))
    assert document["format"] == 1
    assert (document["recorded_from"], document["recorded"]) == ("v6.1", "v7.3")
    assert document["kernels"][0] == {"name": "v6.12", "release": "v6.12", "basis": "declared"}
    first = document["objects"][0]
    assert (first["loads"], first["breaks"], first["unsure"]) == (["v6.12", "v6.13"], ["v6.17"], [])
    assert first["kfuncs"][0] == {
        "extern": "bpf_old", "kfunc": "bpf_old", "weak": False, "prototype": "void bpf_old(void)",
    }  # fmt: skip
    absent = first["findings"][0]
    assert {
        key: absent[key] for key in ("rule", "severity", "exit_status", "kernels", "basis", "reason", "ignored")
    } == {
        "rule": "kfunc-absent",
        "severity": "error",
        "exit_status": 4,
        "kernels": ["v6.17"],
        "basis": "declared",
        "reason": "gone from v6.17",
        "ignored": None,
    }
    assert absent["advice"]["instead"] == [{"kfunc": "bpf_new", "when": "", "missing_on": ["v6.12"]}]
    assert absent["advice"]["guard"].startswith("extern void bpf_new___compat")
    assert absent["calls"][0] == {
        "function": "packet",
        "programs": [
            {
                "name": "packet", "section": "xdp", "program_type": "BPF_PROG_TYPE_XDP", "struct_ops": None,
                "member": None, "attach_type": None, "lsm_hook": None, "optional": False,
            }
        ],
        "found": [],
        "missed": [],
        "file": "src/prog.bpf.c",
        "line": 12,
        "column": 3,
    }  # fmt: skip


def test_what_was_observed_is_said(record):
    kernel = observed_kernel(record, "vmlinux", KernelFunctions("7.0.1", {}, False))
    report = run(AuditRequest([OLD], record, [kernel]))
    assert "error: bpf_old on 7.0.1 (vmlinux): gone from v6.17 [kfunc-absent] (observed)" in as_text(report, 80)
    assert json.loads(as_json(report))["objects"][0]["findings"][0]["basis"] == "observed"
    assert "(observed)" in as_github(report)
    # Beside a release of which the record says the same they are two results.
    both = run(AuditRequest([OLD], record, [kernel, *asked_for(record, names=["v7.0"])]))
    results = json.loads(as_sarif(both))["runs"][0]["results"]
    marks = {each["partialFingerprints"]["kfuncdoc/v1"] for each in results}
    assert len(results) == len(marks) > 1


def test_places_are_whole(record):
    far = SourceLine("a/very/long/way/" * 6 + "prog.bpf.c", 12, 3)
    written = dataclasses.replace(OLD, calls=(Call("bpf_old", "packet", (PACKET,), far),))
    assert f"\n        at {far.file}:12:3\n" in as_text(audited(record, [written], ["v7.0"]), 80)


def test_sarif(report):
    document = json.loads(as_sarif(report))
    assert document["version"] == "2.1.0"
    (run,) = document["runs"]
    assert run["properties"] == {"loader": "libbpf", "recordedFrom": "v6.1", "recorded": "v7.3"}
    driver = run["tool"]["driver"]
    assert (driver["name"], driver["version"]) == ("kfuncdoc", __version__)
    assert [rule["id"] for rule in driver["rules"]] == [rule.rule for rule in AuditRule]
    assert all(rule["fullDescription"]["text"] for rule in driver["rules"])
    # Notes are no results: code hosts would show them as what is to be mended.
    absent, unknown = run["results"]
    assert (absent["ruleId"], absent["level"]) == ("kfunc-absent", "error")
    assert driver["rules"][absent["ruleIndex"]]["id"] == "kfunc-absent"
    assert [each["physicalLocation"] for each in (*absent["locations"], *absent["relatedLocations"])] == [
        {"artifactLocation": {"uri": "src/prog.bpf.c"}, "region": {"startLine": 12, "startColumn": 3}},
        {"artifactLocation": {"uri": "src/prog.bpf.c"}, "region": {"startLine": 20}},
    ]
    assert unknown["locations"] == [
        {"physicalLocation": {"artifactLocation": {"uri": "lib.a%28x.bpf.o%29"}, "region": {"startLine": 1}}}
    ]
    marks = [each["partialFingerprints"]["kfuncdoc/v1"] for each in run["results"]]
    assert len(set(marks)) == 2
    assert run["invocations"][0]["executionSuccessful"]
    assert as_sarif(report) == as_sarif(report)


@pytest.mark.skipif(os.sep != "/", reason="a backslash separates on this system")
@pytest.mark.parametrize(
    ("path", "uri"),
    [
        ("src/prog.bpf.c", "src/prog.bpf.c"),
        ("../prog.bpf.c", "../prog.bpf.c"),
        ("/src/prog.bpf.c", "file:///src/prog.bpf.c"),
        ("C:/src/a b.c", "file:///C:/src/a%20b.c"),
        ("d:\\src\\a.c", "file:///d:/src/a.c"),
        ("a\\b.c", "a%5Cb.c"),
        ("/x/a\\b.c", "file:///x/a%5Cb.c"),
        ("C:a.c", "C%3Aa.c"),
        ("http:a.c", "http%3Aa.c"),
        ("a#b?c%20.c", "a%23b%3Fc%2520.c"),
        ("caf\u00e9.c", "caf%C3%A9.c"),
        ("caf\udce9.c", "caf%E9.c"),
    ],
)
def test_a_path_becomes_an_address(record, path, uri):
    """Of a line of the source, of an object, and of one that cannot be read."""
    called = Call("bpf_old", "packet", (PACKET,), SourceLine(path, 12, 3))
    objects = [dataclasses.replace(OLD, calls=(called,)), dataclasses.replace(OLD, path=path, calls=())]
    report = audited(record, objects, ["v7.0"])
    (run,) = json.loads(as_sarif(dataclasses.replace(report, unreadable=(Unreadable(path, "it is empty"),))))["runs"]
    places = [result["locations"] for result in run["results"]]
    places += [notice["locations"] for notice in run["invocations"][0]["toolExecutionNotifications"]]
    uris = [location["physicalLocation"]["artifactLocation"]["uri"] for locations in places for location in locations]
    assert uris == [uri] * 3
    assert urlsplit(uri).scheme == ("file" if uri.startswith("file:") else "")


# -- what is ignored

IGNORES = """\
# What we know and live with.
- kfunc: bpf_old
  rule: kfunc-absent
  object: "*.bpf.o"
  reason: |
    Only loaded
    on v6.12.
  until: 2026-12-31
"""


def read(tmp_path: Path, text: str) -> tuple[ignores.Ignore, ...]:
    path = tmp_path / "ignore.yaml"
    path.write_text(text, encoding="utf-8")
    return ignores.read_ignores(str(path))


def test_ignored_until_a_day(tmp_path, report):
    entries = read(tmp_path, IGNORES)
    last = datetime.date(2026, 12, 31)
    ignored = ignores.apply(report, entries, last)
    assert ignored.objects[0].findings[0].ignored is not None
    assert ignored.status(frozenset(Status)) is Status.UNKNOWN
    assert ignored.remarks == ()
    assert tally(ignored) == "2 objects: 1 error, 1 note, 1 ignored; the record covers v6.1 to v7.3"
    assert "bpf_old" not in as_text(ignored, 80)
    assert "(ignored until 2026-12-31: Only loaded on v6.12.)" in as_text(ignored, 120, notes=True)
    assert "bpf_old," not in as_github(ignored)
    assert [each["ruleId"] for each in json.loads(as_sarif(ignored))["runs"][0]["results"]] == ["kfunc-unknown"]
    assert json.loads(as_json(ignored))["objects"][0]["findings"][0]["ignored"] == {
        "reason": "Only loaded on v6.12.", "until": "2026-12-31",
    }  # fmt: skip
    # The range tells what is so, not what one can live with.
    assert as_text(ignored, 80).startswith("prog.bpf.o: loads on v6.12 to v6.13; breaks in v6.17\n")


def test_after_the_last_day(tmp_path, report):
    entries = read(tmp_path, IGNORES)
    later = ignores.apply(report, entries, datetime.date(2027, 1, 1))
    assert later.objects[0].findings[0].ignored is None
    place = f"{tmp_path / 'ignore.yaml'}:2:3"
    assert later.remarks == (f"{place}: this entry for 'bpf_old' ended on 2026-12-31, and ignores nothing any more",)


@pytest.mark.parametrize(
    "change", [("bpf_old", "bpf_new"), ("kfunc-absent", "deprecated"), ('"*.bpf.o"', "other.bpf.o")]
)
def test_an_entry_that_ignores_nothing(tmp_path, report, change):
    entries = read(tmp_path, IGNORES.replace(*change))
    left = ignores.apply(report, entries, TODAY)
    assert all(finding.ignored is None for finding in left.findings)
    assert left.remarks == (
        f"{tmp_path / 'ignore.yaml'}:2:3: nothing was found that this entry for '{entries[0].kfunc}' ignores",
    )


def test_without_a_rule_all_are_ignored(tmp_path, report):
    entries = read(tmp_path, "- {kfunc: my_thing, reason: Ours., until: 2027-01-01}\n")
    assert ignores.apply(report, entries, TODAY).status(frozenset(Status)) is Status.REPLACEMENT


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("kfunc: x\n", "1:1: error: this should be a list of findings to ignore [wrong-type]"),
        ("- x\n", "1:3: error: this should be a mapping with kfunc, reason and until [wrong-type]"),
        ("- {kfunc: x, until: 2027-01-01}\n", "1:3: error: 'reason' is missing [missing-key]"),
        (
            "- {kfunc: x, reason: a, until: 2027-01-01, ruel: y}\n",
            "1:44: error: unknown key 'ruel' [unknown-key]\n    hint: did you mean 'rule'?",
        ),
        (
            "- {kfunc: x, reason: a, until: 2027-01-01, rule: kfunc-absnt}\n",
            "1:50: error: there is no rule 'kfunc-absnt' [wrong-type]\n    hint: did you mean 'kfunc-absent'?",
        ),
        (
            "- {kfunc: x, reason: a, until: 2027-02-30}\n",
            "1:32: error: '2027-02-30' is no date [wrong-type]\n    hint: write it as 2027-03-31",
        ),
        ("- {kfunc: x, reason: [a], until: 2027-01-01}\n", "1:22: error: 'reason' should be text [wrong-type]"),
        (
            "- {kfunc: x, kfunc: y, reason: a, until: 2027-01-01}\n",
            "1:14: error: 'kfunc' stands here a second time [duplicate-key]",
        ),
        ("- [\n", "2:1: error: "),
    ],
)
def test_mistakes_in_the_file(tmp_path, text, expected):
    with pytest.raises(ignores.IgnoresUnusable) as caught:
        read(tmp_path, text)
    told = "\n".join(map(diagnostic_as_text, caught.value.diagnostics))
    assert told.startswith(f"{tmp_path / 'ignore.yaml'}:{expected}")


def test_all_mistakes_are_told(tmp_path):
    with pytest.raises(ignores.IgnoresUnusable) as caught:
        read(tmp_path, "- {kfunc: x}\n- {reason: y}\n- 7\n")
    assert len(caught.value.diagnostics) == 5


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(ignores.IgnoresUnusable):
        ignores.read_ignores(str(tmp_path / "nowhere.yaml"))


def _report() -> Report:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        record = KernelRecord.whole(catalog_of(Path(folder), demo=RECORD), TODAY)
        return audited(record, [OLD, UNKNOWN], ["v6.12", "v6.13", "v6.17"])


REPORT = _report()


def test_documented(tmp_path):
    """The example in the module's words can be read."""
    text = dedent(str(ignores.__doc__).partition("::\n\n")[2].rpartition("\n\nAfter")[0])
    (entry_,) = read(tmp_path, text)
    assert entry_.kfunc == "scx_bpf_dispatch"
