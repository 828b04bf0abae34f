# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The commands check and schema: what they print, and their exit status."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import jsonschema
import pytest
from commands import CLEAN, DATA, DUE, FINDINGS, GOOD, WARNED, WRONG, WRONG_TOLD, run, write
from declared import subsystem

from kfuncdoc.base import yaml_text
from kfuncdoc.cli.main import main
from kfuncdoc.pages import export
from kfuncdoc.record import model
from kfuncdoc.record.declaration_files import find

# -- check


def test_check_of_a_clean_file(capsys):
    assert main(["check", write(GOOD)]) == CLEAN
    assert capsys.readouterr() == ("", "1 kfunc in 1 file: nothing to report\n")


def test_check_of_a_wrong_file(capsys):
    assert main(["check", write(WRONG)]) == FINDINGS
    assert capsys.readouterr() == (f"demo.kfuncs.yaml:5:11: {WRONG_TOLD}\n", "0 kfuncs in 1 file: 1 error\n")


@pytest.mark.parametrize(
    ("text", "status", "strict"),
    [(GOOD, CLEAN, CLEAN), (DUE, CLEAN, CLEAN), (WARNED, CLEAN, FINDINGS), (WRONG, FINDINGS, FINDINGS)],
    ids=["clean", "info", "warning", "error"],
)
def test_check_is_strict_where_asked_for(text, status, strict):
    path = write(text)
    assert main(["check", path]) == status
    assert main(["check", "--strict", path]) == strict


def test_check_searches_this_folder_by_default(capsys):
    Path("sub", "_build").mkdir(parents=True)
    write(WRONG, "top")
    write(WARNED.replace("bpf_one", "bpf_two").replace("subsystem: demo", "subsystem: inner"), "sub/inner")
    write(WRONG, "sub/_build/copied")
    assert main(["check"]) == FINDINGS
    out, err = capsys.readouterr()
    assert out == (
        "sub/inner.kfuncs.yaml:5:12: warning: 'bpf_two' has no summary [summary-missing]\n"
        f"top.kfuncs.yaml:5:11: {WRONG_TOLD}\n"
    ).replace("/", os.sep)
    assert err == "1 kfunc in 2 files: 1 error, 1 warning\n"


def test_check_of_several_paths_reads_each_file_once(capsys):
    Path("sub").mkdir()
    write(GOOD, "sub/one")
    assert main(["check", "sub", os.path.join("sub", "one.kfuncs.yaml"), "."]) == CLEAN
    assert capsys.readouterr().err == "1 kfunc in 1 file: nothing to report\n"


def test_check_as_json(capsys):
    assert main(["check", "--format", "json", write(WRONG)]) == FINDINGS
    out, err = capsys.readouterr()
    assert json.loads(out) == {
        "format": 1,
        "diagnostics": [
            {
                "file": "demo.kfuncs.yaml",
                "line": 5,
                "column": 11,
                "severity": "error",
                "rule": "name-invalid",
                "message": "'bpf-one' is no name of a C function",
                "hint": "",
            }
        ],
    }
    assert err == ""


def test_check_as_json_of_a_clean_file(capsys):
    assert main(["check", "--format", "json", write(GOOD)]) == CLEAN
    assert capsys.readouterr() == ('{\n  "format": 1,\n  "diagnostics": []\n}\n', "")


def test_check_as_github(capsys):
    assert main(["check", "--format", "github", write(WRONG)]) == FINDINGS
    assert capsys.readouterr() == (
        "::error file=demo.kfuncs.yaml,line=5,col=11,title=kfuncdoc name-invalid"
        "::'bpf-one' is no name of a C function\n",
        "",
    )


@pytest.mark.process
def test_check_of_what_comes_with_kfuncdoc_is_strictly_clean():
    done = run("check", "--strict", DATA)
    assert done.returncode == CLEAN, done.stdout
    assert re.fullmatch(r"\d+ kfuncs in \d+ files: (nothing to report|\d+ infos?)\n", done.stderr)


def test_a_virtual_environment_is_not_searched():
    write(GOOD)
    os.makedirs("venv/lib")
    Path("venv", "pyvenv.cfg").touch()
    Path("venv", "lib", "other.kfuncs.yaml").write_text(GOOD, encoding="utf-8")
    assert find(["."]) == ["demo.kfuncs.yaml"]


# -- schema


def schema(capsys, *arguments: str) -> dict:
    assert main(["schema", *arguments]) == CLEAN
    printed = json.loads(capsys.readouterr().out)
    jsonschema.Draft202012Validator.check_schema(printed)
    return printed


def plain(value: object) -> object:
    """Return *value* as an editor sees it, which knows true from text."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return {"true": True, "false": False}.get(value, value)


@pytest.mark.parametrize("path", find([DATA]), ids=os.path.basename)
def test_schema_accepts_what_comes_with_kfuncdoc(path):
    jsonschema.Draft202012Validator(model.json_schema()).validate(plain(yaml_text.read(path).value))


def test_schema_is_printed(capsys):
    assert schema(capsys) == model.json_schema()
    assert schema(capsys, "export") == export.json_schema()


SCHEMA_REFUSES = {
    "missing key": (GOOD.replace("title: The demo kfuncs\n", ""), "'title' is a required property"),
    "unknown key": (f"{GOOD}stability: present\n", "properties are not allowed ('stability' was unexpected)"),
    "name": (WRONG, "'bpf-one' does not match '^[A-Za-z_][A-Za-z0-9_]{0,127}$'"),
    "release": (GOOD.replace("recorded: v7.3", "recorded: '7.3'"), "'7.3' does not match"),
    "event": (GOOD.replace("event: added", "event: born"), "'born'"),
    "empty history": (subsystem("- {name: a, prototype: int a(void), history: []}\n"), "[]"),
    "text for a list": (GOOD.replace("  history:", "  flags: KF_RCU\n    history:"), "'KF_RCU' is not of type 'array'"),
}


@pytest.mark.parametrize(("text", "message"), SCHEMA_REFUSES.values(), ids=SCHEMA_REFUSES)
def test_schema_refuses_what_check_refuses(text, message):
    errors = jsonschema.Draft202012Validator(model.json_schema()).iter_errors(plain(yaml_text.parse("x", text).value))
    told = [error.message for error in errors]
    assert len(told) == 1
    assert message in told[0]
    assert main(["check", write(text)]) == FINDINGS
