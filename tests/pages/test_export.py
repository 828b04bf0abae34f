# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The record for machines: valid by the schema that is published, exact, sorted, deterministic."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from declared import CALENDAR, HOOKS, ROOT, TESTS, TODAY, catalog_of, entry, subsystem
from histories import DATES, REAL_RELEASES, kfuncs
from hypothesis import given
from jsonschema import Draft202012Validator

from kfuncdoc.base.yaml_text import parse
from kfuncdoc.cli.main import main
from kfuncdoc.pages.export import export, json_schema
from kfuncdoc.record.catalog import Catalog, Declaration, SubsystemFile
from kfuncdoc.record.model import Header
from kfuncdoc.record.snapshot import Snapshot
from kfuncdoc.views.kfunc import KfuncViews

VALIDATOR = Draft202012Validator(json_schema())
SAID = "said_in: kernel/a.c, reason: It is slow."
ENTRIES = (
    entry(
        "_put",
        "release: v6.2, event: added, commit: 0123456789ab",
        "release: v6.8, event: changed, was: {flags: [KF_RCU], module: null}, breaking: 'true'",
        f"release: v6.19, event: deprecated, removal: v6.23, {SAID}, "
        "also_said: [{removal: undecided, said_in: b.c}], "
        "replacement: [take, {other: the macro ``put()``, when: the kernel is old}]",
        flags="[KF_ACQUIRE, KF_RCU]",
        program_types="[BPF_PROG_TYPE_XDP, BPF_PROG_TYPE_TRACING]",
    )
    + entry("take", "release: v6.2, event: added")
    + entry("came_back", "release: v6.17, event: added", "release: v6.18, event: removed, no_replacement: None.",
            "release: v7.0, event: added, was: {prototype: int came_back(void)}")
    + entry("gone", "release: ..v6.12, event: added", f"release: v6.13, event: deprecated, removal: v6.15, {SAID}, "
            "renamed_to: take", "release: v6.14..v6.17, event: removed")
    + entry("gone_unannounced", "release: v6.2, event: added",
            "release: v6.5, event: removed, reason: Broken., no_replacement: Nobody used it.")
    + entry("old", "release: v6.2, event: added", "release: v6.9, event: superseded, replacement: [take], said_in: a.c")
    + entry("later", "release: v7.3, event: added", f"release: v7.3, event: deprecated, change: v7.5, {SAID}, "
            "becomes: int later(void), no_replacement: None.")
    + entry("some_day", "release: v6.2, event: added", f"release: v6.3, event: deprecated, removal: undecided, {SAID}, "
            "no_replacement: None.")
)  # fmt: skip


@pytest.fixture(scope="module")
def schema():
    return json.loads(run("schema", "export"))


@pytest.fixture(scope="module")
def catalog(tmp_path_factory):
    return catalog_of(tmp_path_factory.mktemp("export"), demo=subsystem(ENTRIES))


def run(*arguments: str, **environment: str) -> str:
    command = [sys.executable, "-m", "kfuncdoc", *arguments]
    variables = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    return subprocess.run(command, env=variables, check=True, stdout=subprocess.PIPE, encoding="utf-8").stdout


def exported(catalog: Catalog, release: str = "v7.3") -> dict[str, dict[str, Any]]:
    record = json.loads(export(KfuncViews(Snapshot(catalog, CALENDAR[release], TODAY))))
    return {kfunc["name"]: kfunc for kfunc in record["kfuncs"]}


@pytest.mark.parametrize("release", ["v6.1", "v6.12", "v6.18", "v7.3"])
def test_an_export_is_valid_by_the_schema_that_is_published(catalog, schema, release):
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(json.loads(export(KfuncViews(Snapshot(catalog, CALENDAR[release], TODAY)))))


def test_the_schema_refuses_what_is_no_export(schema, catalog):
    record = json.loads(export(KfuncViews(Snapshot(catalog, CALENDAR["v7.3"], TODAY))))
    validator = Draft202012Validator(schema)
    assert not validator.is_valid({**record, "format": 2})
    assert not validator.is_valid({**record, "more": 1})
    assert not validator.is_valid({name: value for name, value in record.items() if name != "date"})
    record["kfuncs"][0]["stability"] = "fine"
    assert not validator.is_valid(record)


def test_every_field_of_the_format_is_described(schema):
    for name in ("Dated", "Deprecation", "ExportedReplacement"):
        for field, description in schema["$defs"][name]["properties"].items():
            assert description.get("description"), (name, field)


def test_the_packaged_record_is_valid(schema, tmp_path):
    path = tmp_path / "export.json"
    assert main(["export", "--date", "2026-11-01", "-o", str(path)]) == 0
    record = json.loads(path.read_text(encoding="utf-8"))
    Draft202012Validator(schema).validate(record)
    assert len(record["kfuncs"]) > 100


def test_the_head(catalog):
    record = json.loads(export(KfuncViews(Snapshot(catalog, CALENDAR["v7.1"], TODAY))))
    assert {name: value for name, value in record.items() if name != "kfuncs"} == {
        "format": 1, "release": "v7.1", "date": "2026-11-01",
    }  # fmt: skip


def test_a_deprecated_kfunc(catalog):
    assert exported(catalog, "v7.1")["_put"] == {
        "name": "_put",
        "subsystem": "demo",
        "summary": "Do _put.",
        "prototype": "void _put(void)",
        "flags": ["KF_ACQUIRE", "KF_RCU"],
        "program_types": ["BPF_PROG_TYPE_XDP", "BPF_PROG_TYPE_TRACING"],
        "allowed": None,
        "enforced_by": "verifier",
        "filter": None,
        "stability": "deprecated",
        "recorded": "v7.1",
        "first_added": {"release": "v6.2", "date": "2023-02-19", "uncertain": False, "after": None},
        "added": {"release": "v6.2", "date": "2023-02-19", "uncertain": False, "after": None},
        "removed": None,
        "deprecated": {
            "since": "v6.19",
            "since_date": "2026-02-08",
            "kind": "removal",
            "removal": "v7.3",
            "removal_announced": "v6.23",
            "past_due": False,
            "remaining_releases": 2,
            "expected": ["2026-10-18", "2026-10-25"],
            "becomes": None,
            "reason": "It is slow.",
            "said_in": "kernel/a.c",
        },
        "renamed_to": None,
        "replacement": [
            {"name": "take", "other": None, "when": None},
            {"name": None, "other": "the macro ``put()``", "when": "the kernel is old"},
        ],
        "no_replacement": None,
        "superseded_by": [],
        "history": [
            {"release": "v6.2", "event": "added", "commit": "0123456789ab"},
            {"release": "v6.8", "event": "changed", "was": {"flags": ["KF_RCU"], "module": None}, "breaking": True},
            {
                "release": "v6.19",
                "event": "deprecated",
                "removal": "v6.23",
                "said_in": "kernel/a.c",
                "reason": "It is slow.",
                "also_said": [{"removal": "undecided", "said_in": "b.c"}],
                "replacement": [{"name": "take"}, {"other": "the macro ``put()``", "when": "the kernel is old"}],
            },
        ],
    }


def test_a_kfunc_before_a_change_has_what_was(catalog):
    put = exported(catalog, "v6.7")["_put"]
    assert (put["flags"], put["stability"], put["deprecated"]) == (["KF_RCU"], "present", None)
    assert (put["replacement"], len(put["history"])) == ([], 1)


def test_a_deprecation_that_is_past_due(catalog):
    deprecated = exported(catalog)["_put"]["deprecated"]
    assert (deprecated["past_due"], deprecated["remaining_releases"], deprecated["removal"]) == (True, 0, "v7.3")


def test_a_deprecation_in_a_projected_release(catalog):
    deprecated = exported(catalog)["later"]["deprecated"]
    assert {name: deprecated[name] for name in ("kind", "removal", "removal_announced", "expected", "becomes")} == {
        "kind": "change",
        "removal": "v7.5",
        "removal_announced": "v7.5",
        "expected": ["2027-02-21", "2027-03-14"],
        "becomes": "int later(void)",
    }
    assert exported(catalog)["later"]["no_replacement"] == "None."


def test_an_undecided_deprecation(catalog):
    deprecated = exported(catalog)["some_day"]["deprecated"]
    assert (deprecated["kind"], deprecated["past_due"]) == ("undecided", False)
    for name in ("removal", "removal_announced", "remaining_releases", "expected"):
        assert deprecated[name] is None


def test_a_removed_kfunc(catalog):
    gone = exported(catalog)["gone"]
    assert (gone["stability"], gone["deprecated"], gone["renamed_to"]) == ("removed", None, "take")
    assert gone["added"] == {"release": "v6.12", "date": "2024-11-17", "uncertain": True, "after": None}
    assert gone["removed"] == {"release": "v6.17", "date": "2025-09-28", "uncertain": True, "after": "v6.14"}
    without_notice = exported(catalog)["gone_unannounced"]
    assert without_notice["removed"] == {"release": "v6.5", "date": "2023-08-27", "uncertain": False, "after": None}
    assert (without_notice["renamed_to"], without_notice["replacement"]) == (None, [])
    assert without_notice["no_replacement"] == "Nobody used it."


def test_a_superseded_kfunc_is_present_and_names_its_successor(catalog):
    old = exported(catalog)["old"]
    assert (old["stability"], old["replacement"]) == ("present", [])
    assert old["superseded_by"] == [{"name": "take", "other": None, "when": None}]
    assert exported(catalog, "v6.8")["old"]["superseded_by"] == []


def test_a_kfunc_that_has_not_come_yet(catalog):
    later = exported(catalog, "v7.2")["later"]
    assert (later["stability"], later["history"], later["replacement"]) == ("not yet", [], [])
    for name in ("first_added", "added", "removed", "deprecated", "renamed_to", "no_replacement"):
        assert later[name] is None


def test_a_name_that_came_back(catalog):
    back = exported(catalog)["came_back"]
    assert (back["first_added"]["release"], back["added"]["release"], back["removed"]) == ("v6.17", "v7.0", None)
    assert exported(catalog, "v6.19")["came_back"]["prototype"] == "int came_back(void)"


def test_an_entry_speaks_as_of_its_record_where_that_is_older(tmp_path):
    text = subsystem(entry("f", "release: v6.2, event: added"), recorded="v7.0")
    assert exported(catalog_of(tmp_path, demo=text))["f"]["recorded"] == "v7.0"


def test_who_may_call_as_of_the_release(tmp_path):
    """With groups resolved, also in what an event changed."""
    groups = "callers: {one: [{struct_ops: [a_ops], callbacks: [put]}]}"
    past = "release: v7.0, event: changed, was: {allowed: [one], enforced_by: run-time}"
    now = "release: v7.1, event: changed, was: {allowed: []}"
    lsm = "[{program_type: BPF_PROG_TYPE_LSM}]"
    text = subsystem(entry("f", "release: v6.2, event: added", past, now, allowed=lsm), more=f"{groups}\n")
    catalog = catalog_of(tmp_path, demo=text)
    no_limits = {
        name: []
        for name in (
            "except_program_types", "attach_types", "struct_ops", "callbacks", "lsm_hooks", "except_lsm_hooks",
        )
    }  # fmt: skip
    one = {"program_type": "BPF_PROG_TYPE_STRUCT_OPS", "struct_ops": ["a_ops"], "callbacks": ["put"]}
    found = {release: exported(catalog, release)["f"] for release in ("v6.19", "v7.0", "v7.1")}
    assert {release: (kfunc["allowed"], kfunc["enforced_by"]) for release, kfunc in found.items()} == {
        "v6.19": ([{**no_limits, **one}], "run-time"),
        "v7.0": ([], "verifier"),
        "v7.1": ([{**no_limits, "program_type": "BPF_PROG_TYPE_LSM"}], "verifier"),
    }
    assert found["v7.1"]["history"][1]["was"] == {"allowed": [one], "enforced_by": "run-time"}


def test_kfuncs_are_sorted_by_name_whatever_the_order_of_files(tmp_path):
    one, two = entry("b", "release: v6.2, event: added"), entry("a", "release: v6.2, event: added")
    for number, (first, second) in enumerate([(one, two), (two, one)]):
        folder = tmp_path / str(number)
        folder.mkdir()
        texts = {"x": subsystem(first, name="x"), "y": subsystem(second, name="y")}
        assert list(exported(catalog_of(folder, **texts))) == ["a", "b"]


@pytest.mark.process
def test_the_same_input_gives_the_same_bytes(tmp_path):
    path = str(Path(tmp_path, "shelf.kfuncs.yaml"))
    Path(path).write_bytes((TESTS / "pages" / "shelf.yaml").read_bytes())
    first, second = (run("export", "--data", path, "--date", "2026-11-01", PYTHONHASHSEED=seed) for seed in ("0", "7"))
    assert first == second
    assert first.endswith("}\n")
    assert json.loads(first)["kfuncs"][0]["name"] == "__shelf_take"


@given(kfuncs(), REAL_RELEASES, DATES)
def test_any_valid_history_exports(kfunc, release, date):
    source = parse("demo.kfuncs.yaml", "kfuncs: []")
    header = Header(subsystem="demo", title="Demo", recorded="v7.3")
    entries = (Declaration(kfunc, source, 0),)
    declared = SubsystemFile(source.path, "demo", header, CALENDAR["v7.3"], entries, source)
    record = json.loads(export(KfuncViews(Snapshot(Catalog(CALENDAR, {}, HOOKS, (declared,)), release, date))))
    VALIDATOR.validate(record)
    assert len(record["kfuncs"]) == 1
