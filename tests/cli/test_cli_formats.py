# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What commands print as JSON is what the schema says that ``kfuncdoc schema`` prints, and no more."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path
from typing import Any, Iterator

import pytest
from btf_builder import Image, KfuncSet, Types
from declared import TESTS, entry, subsystem, write_files
from jsonschema import Draft202012Validator, ValidationError
from object_builder import EQUAL, Object, address, call, jump_if, leave

from kfuncdoc.cli.declarations import FORMATS, json_schema
from kfuncdoc.cli.main import main
from kfuncdoc.kernels.observation import Observation, ObservedKfunc, Registration, Remark

TREE = str(TESTS / "trees" / "small")
OBSERVED = sorted(str(path) for path in (TESTS / "observed").glob("*.json"))
DATE = ("--date", "2026-11-01")
#: The formats of what commands print; that of declarations is read, by people and editors.
PRINTED = [name for name in FORMATS if name != "declaration"]


def valid(capsys, name: str, *arguments: str) -> Any:
    """Run a command, and return the document that it prints, once it is valid by the schema of the format *name*."""
    main(arguments)
    out = capsys.readouterr().out
    document = json.loads(out)
    Draft202012Validator(json_schema(name)).validate(document)
    assert document["format"] == 1
    assert out.endswith("}\n")
    return document


# -- check and verify


def test_check(capsys):
    (path,) = write_files(Path(), {"demo": subsystem(entry("bpf_one", "release: v6.12, event: added"))})
    assert valid(capsys, "check", "check", path, "--format", "json") == {
        "format": 1, "diagnostics": [],
    }  # fmt: skip


def test_check_of_many_rules(capsys):
    """The declarations of the cases that test the rules, all in one folder."""
    for number, case in enumerate(sorted((TESTS / "record" / "rules").glob("*.md"))):
        for part, block in enumerate(case.read_text(encoding="utf-8").split("```yaml")[1:]):
            text = block.split("\n", 1)[1].split("```")[0]
            Path(f"{number}-{part}.kfuncs.yaml").write_text(text, encoding="utf-8")
    rules = {
        diagnostic["rule"] for diagnostic in valid(capsys, "check", "check", "--format", "json", ".")["diagnostics"]
    }
    assert len(rules) > 15


def test_check_of_the_packaged_record(capsys):
    valid(capsys, "check", "check", "--format", "json", str(TESTS.parent / "data"))


@pytest.mark.parametrize("against", [OBSERVED[-1], TREE])
def test_verify(capsys, against):
    arguments = ("--against", against, "--release", "v7.2", "--format", "json", "--notes")
    assert valid(capsys, "check", "verify", *arguments)["diagnostics"]


# -- diff


@pytest.mark.parametrize("releases", [("v5.13", "v7.3"), ("v6.1", "v6.12"), ("v7.2", "v7.3"), ("v7.3", "v7.3")])
def test_diff(capsys, releases):
    valid(capsys, "diff", "diff", *releases, "--format", "json")


def test_diff_with_something_in_every_list(capsys):
    said = "reason: No., said_in: a"
    events = {
        "gone": ["release: v6.13, event: removed, reason: No., no_replacement: None."],
        "changed": ["release: v6.13, event: changed, was: {prototype: int changed(void)}, breaking: 'true'"],
        "deprecated": [f"release: v6.13, event: deprecated, removal: v7.5, renamed_to: changed, {said}"],
        "replaced": ["release: v6.13, event: superseded, said_in: a, replacement: [deprecated, {other: a macro}]"],
        "quiet": ["release: v6.13, event: changed, was: {module: m}"],
    }
    added = "release: v6.6, event: added"
    record = "".join(entry(name, added, *more) for name, more in events.items())
    record += entry("new", "release: v6.14, event: added")
    record += entry("passed", "release: v6.13, event: added",
                    "release: v6.14, event: removed, reason: No., replacement: [new]")  # fmt: skip
    other = subsystem(entry("other", added), name="other")
    write_files(Path(), {"demo": subsystem(record, recorded="v7.0"), "other": other})
    document = valid(capsys, "diff", "diff", "v6.12", "v7.3", "--data", ".", "--format", "json")
    assert document.pop("behind") == {"demo": "v7.0"}
    lists = {name: [kfunc["name"] for kfunc in value] for name, value in document.items() if isinstance(value, list)}
    assert lists == {
        "removed": ["gone"], "breaking": ["changed"], "deprecated": ["deprecated"], "superseded": ["replaced"],
        "added": ["new"], "passed": ["passed"], "quiet": ["quiet"],
    }  # fmt: skip


# -- audit

RECORD = subsystem(
    entry(
        "bpf_old",
        "release: v6.6, event: added",
        "release: v6.13, event: deprecated, reason: No., said_in: a, removal: v6.15, renamed_to: bpf_new",
        "release: v6.17, event: removed",
    )
    + entry("bpf_new", "release: v6.13, event: added")
)


def write_object(name: str, kfunc: str, *, weak: bool = False, lines: int = 7) -> None:
    written = Object()
    written.extern(kfunc, weak=weak)
    guard = [address(1, kfunc), jump_if(EQUAL, 1, 0, 1)] if weak else []
    written.function("xdp", f"packet_{kfunc}", [*guard, call(kfunc), leave()], lines=lines)
    Path(name).write_bytes(written.elf())


def test_audit(capsys):
    write_files(Path(), {"demo": RECORD})
    write_object("old.bpf.o", "bpf_old")
    write_object("guarded.bpf.o", "bpf_old", weak=True)
    write_object("unknown.bpf.o", "bpf_none")
    Path("broken.bpf.o").write_bytes(b"no object")
    Path("ignored.yaml").write_text(
        "- {kfunc: bpf_none, reason: Known., until: 2026-11-30}\n- {kfunc: bpf_x, reason: Known., until: 2026-11-30}\n",
        encoding="utf-8",
    )
    types = Types()
    types.kfunc("bpf_old")
    Path("vmlinux").write_bytes(Image(types, [KfuncSet("ids", {"bpf_old": 0})]).elf())
    arguments = ("--from", "v6.12", "--btf", "vmlinux", "--ignore", "ignored.yaml", "--data", ".", *DATE)
    document = valid(capsys, "audit", "audit", ".", *arguments, "--format", "json")
    findings = [finding for report in document["objects"] for finding in report["findings"]]
    assert {kernel["basis"] for kernel in document["kernels"]} == {"declared", "observed"}
    assert document["unreadable"]
    assert document["remarks"]
    assert any(finding["ignored"] for finding in findings)
    assert any(finding["advice"] and finding["advice"]["instead"] for finding in findings)
    assert any(finding["advice"] and finding["advice"]["guard"] for finding in findings)
    assert any(one["found"] for finding in findings for one in finding["calls"])


def test_audit_of_an_object_without_lines_on_the_packaged_record(capsys):
    write_object("a.bpf.o", "scx_bpf_dispatch", lines=0)
    valid(capsys, "audit", "audit", "a.bpf.o", *DATE, "--format", "json")


# -- explain


@pytest.mark.parametrize("log", sorted((TESTS / "logs").glob("*.log")), ids=lambda path: path.name)
def test_explain(capsys, log):
    document = valid(capsys, "explain", "explain", str(log), *DATE, "--format", "json")
    assert document["messages"]
    assert document["kfuncs"]


def test_explain_of_a_kfunc_with_advice_and_a_guard_and_of_an_unknown_one(capsys):
    Path("log").write_text(
        "extern (func ksym) 'scx_bpf_dispatch': not found in kernel or module BTFs\n"
        "calling kernel function printf is not allowed\n"
        "Possibly NULL pointer passed to trusted arg0\n",
        encoding="utf-8",
    )
    document = valid(capsys, "explain", "explain", "log", "--kernel", "v7.3", *DATE, "--format", "json")
    assert [kfunc["presence"] for kfunc in document["kfuncs"]] == ["absent", "unknown"]
    assert document["kfuncs"][0]["instead"]
    assert document["remarks"]


# -- scan


@pytest.mark.parametrize("more", [(), ("--compact",)])
def test_scan(capsys, more):
    document = valid(capsys, "scan", "scan", TREE, "--format", "json", *more)
    assert ("remarks" in document) == (not more)


def test_scan_of_an_image(capsys):
    types = Types()
    types.kfunc("bpf_old")
    Path("vmlinux").write_bytes(Image(types, [KfuncSet("ids", {"bpf_old": 1})]).elf())
    assert valid(capsys, "scan", "scan", "vmlinux", "--format", "json")["kfuncs"]


@pytest.mark.parametrize("path", OBSERVED, ids=os.path.basename)
def test_what_scan_wrote_of_real_kernels(path):
    document = json.loads(Path(path).read_text(encoding="utf-8"))
    Draft202012Validator(json_schema("scan")).validate(document)


def test_the_schema_of_scan_has_every_field_of_an_observation():
    properties = json_schema("scan")["properties"]
    kfunc = properties["kfuncs"]["items"]["properties"]
    for model, fields in (
        (Observation, properties),
        (ObservedKfunc, kfunc),
        (Registration, kfunc["registrations"]["items"]["properties"]),
        (Remark, properties["remarks"]["items"]["properties"]),
    ):
        assert {field.name for field in dataclasses.fields(model)} == fields.keys()


# -- export


def test_export(capsys):
    assert len(valid(capsys, "export", "export", *DATE)["kfuncs"]) > 100


# -- the schemas


def objects(schema: Any, place: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every schema of an object with fields in *schema*, and where it is."""
    if isinstance(schema, dict):
        if "properties" in schema and schema.get("type") in ("object", ["object", "null"]):
            yield place, schema
        for key, value in schema.items():
            yield from objects(value, f"{place}/{key}")
    elif isinstance(schema, list):
        for value in schema:
            yield from objects(value, place)


@pytest.mark.parametrize("name", FORMATS)
def test_a_schema_takes_no_field_that_it_does_not_have(name):
    schema = json_schema(name)
    Draft202012Validator.check_schema(schema)
    for place, one in objects(schema):
        assert one["additionalProperties"] is False, place


@pytest.mark.parametrize("name", PRINTED)
def test_every_field_is_described(name):
    for place, one in objects(json_schema(name)):
        for field, form in one["properties"].items():
            assert form.get("description"), f"{place}: {field}"


@pytest.mark.parametrize("name", PRINTED)
def test_a_document_has_a_version(name):
    schema = json_schema(name)
    assert schema["properties"]["format"]["const"] == 1
    assert "format" in schema["required"]


def test_another_version_and_another_field_are_refused():
    validator = Draft202012Validator(json_schema("check"))
    validator.validate({"format": 1, "diagnostics": []})
    for document in (
        [],
        {"diagnostics": []},
        {"format": 2, "diagnostics": []},
        {"format": 1, "diagnostics": [], "x": 1},
    ):
        with pytest.raises(ValidationError):
            validator.validate(document)
