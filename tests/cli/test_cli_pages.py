# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The commands export and render: what they write, and their exit status."""

from __future__ import annotations

import datetime
import json
import os
from pathlib import Path

import jsonschema
import pytest
from commands import CLEAN, FINDINGS, GOOD, WRONG, WRONG_TOLD, run, write
from declared import refused

from kfuncdoc.cli.main import main
from kfuncdoc.pages import export

# -- export


@pytest.mark.process
def test_export_is_what_its_schema_says_and_the_same_every_time(capsys):
    arguments = ["export", "--release", "v7.2", "--date", "2026-09-01"]
    assert main(arguments) == CLEAN
    out, err = capsys.readouterr()
    jsonschema.Draft202012Validator(export.json_schema()).validate(json.loads(out))
    assert err == ""
    assert out == run(*arguments).stdout


def test_export_to_a_file(capsys):
    assert (
        main(["export", "--data", write(GOOD), "--release", "v6.12", "--date", "2024-12-01", "-o", "out.json"]) == CLEAN
    )
    assert capsys.readouterr() == ("", "")
    record = json.loads(Path("out.json").read_text(encoding="utf-8"))
    assert [record["format"], record["release"], record["date"]] == [1, "v6.12", "2024-12-01"]
    assert [kfunc["name"] for kfunc in record["kfuncs"]] == ["bpf_one"]


def test_export_to_where_nothing_can_be_written(capsys):
    told = refused(capsys, "export", "--data", write(GOOD), "-o", os.path.join("no", "out.json"))
    assert told == f"kfuncdoc: cannot write {os.path.join('no', 'out.json')}: no such file or directory\n"


def test_export_of_a_wrong_file_writes_nothing(capsys):
    assert main(["export", "--data", write(WRONG), "-o", "out.json"]) == FINDINGS
    assert capsys.readouterr() == ("", f"demo.kfuncs.yaml:5:11: {WRONG_TOLD}\n")
    assert not Path("out.json").exists()


@pytest.mark.parametrize(
    ("epoch", "date", "release"),
    [("1731801600", "2024-11-17", "v6.12"), ("1731801599", "2024-11-16", "v6.11"), ("0", "1970-01-01", "v5.10")],
)
def test_source_date_epoch_is_the_date(capsys, monkeypatch, epoch, date, release):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", epoch)
    assert main(["export", "--data", write(GOOD)]) == CLEAN
    record = json.loads(capsys.readouterr().out)
    assert (record["date"], record["release"]) == (date, release)


def test_date_goes_before_source_date_epoch(capsys, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
    assert main(["export", "--data", write(GOOD), "--date", "2024-12-01"]) == CLEAN
    assert json.loads(capsys.readouterr().out)["date"] == "2024-12-01"


def test_date_is_today_where_nothing_says_otherwise(capsys):
    def today() -> str:
        return datetime.datetime.now(datetime.timezone.utc).date().isoformat()

    before = today()
    assert main(["export", "--data", write(GOOD)]) == CLEAN
    assert before <= json.loads(capsys.readouterr().out)["date"] <= today()


def test_export_to_a_file_leaves_it_whole_where_it_fails(capsys, monkeypatch):
    path = write(GOOD)
    Path("out.json").write_text("before", encoding="utf-8")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("kfuncdoc.base.files.os.replace", fail)
    assert refused(capsys, "export", "--data", path, "-o", "out.json") == (
        "kfuncdoc: cannot write out.json: no space left on device\n"
    )
    assert Path("out.json").read_text(encoding="utf-8") == "before"
    assert sorted(os.listdir()) == ["demo.kfuncs.yaml", "out.json"]


# -- render


def test_render_writes_once(capsys):
    arguments = ["render", "--data", write(GOOD), "-o", "out", "--release", "v6.12", "--date", "2024-12-01"]
    assert main(arguments) == CLEAN
    assert capsys.readouterr() == ("", "5 written, 0 unchanged, 0 pruned\n")
    assert sorted(path.name for path in Path("out").iterdir()) == [
        "changes.rst",
        "demo.rst",
        "deprecated.rst",
        "index.rst",
        "removed.rst",
    ]
    assert main(arguments) == CLEAN
    assert capsys.readouterr() == ("", "0 written, 5 unchanged, 0 pruned\n")


def test_render_of_a_wrong_file_writes_nothing(capsys):
    assert main(["render", "--data", write(WRONG), "-o", "out"]) == FINDINGS
    assert capsys.readouterr() == ("", f"demo.kfuncs.yaml:5:11: {WRONG_TOLD}\n")
    assert not Path("out").exists()


def test_render_over_what_others_wrote(capsys):
    Path("out").mkdir()
    Path("out", "index.rst").write_text("Mine.\n", encoding="utf-8")
    assert main(["render", "--data", write(GOOD), "-o", "out"]) == FINDINGS
    assert capsys.readouterr().err == (
        f"kfuncdoc: {os.path.join('out', 'index.rst')} was not written by kfuncdoc, or was changed since\n"
        "kfuncdoc: nothing was written\n"
    )
    assert [path.read_text(encoding="utf-8") for path in Path("out").iterdir()] == ["Mine.\n"]


def test_render_to_where_nothing_can_be_written(capsys):
    path = write(GOOD)
    assert refused(capsys, "render", "--data", path, "-o", path) == f"kfuncdoc: cannot write {path}: file exists\n"


def test_render_with_templates_that_are_not_there(capsys):
    told = refused(capsys, "render", "--data", write(GOOD), "-o", "out", "--templates", "nowhere")
    assert told == "kfuncdoc: there is no folder of templates 'nowhere'\n"


def test_render_with_a_template_that_is_wrong(capsys):
    Path("mine").mkdir()
    Path("mine", "index.rst.jinja").write_text("{% for %}\n", encoding="utf-8")
    told = refused(capsys, "render", "--data", write(GOOD), "-o", "out", "--templates", "mine")
    assert told == "kfuncdoc: template mine/index.rst.jinja:1: Expected an expression, got 'end of statement block'\n"
    Path("mine", "index.rst.jinja").write_text("\n{{ 1 / 0 }}\n", encoding="utf-8")
    told = refused(capsys, "render", "--data", write(GOOD), "-o", "out", "--templates", "mine")
    assert told == "kfuncdoc: template mine/index.rst.jinja:2: division by zero\n"
    assert not Path("out").exists()


@pytest.mark.parametrize("name", ["a\nb", ""])
def test_render_of_a_file_whose_name_is_no_page(capsys, name):
    write(GOOD, name)
    assert main(["render", "--data", ".", "-o", "out"]) == 1
    assert f"{name!a} cannot be the name of a page [page-clash]" in capsys.readouterr().err
    assert not os.path.exists("out")
