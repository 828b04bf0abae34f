# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The command line: what each command prints and where, its exit status, and what it does not import."""

from __future__ import annotations

import datetime
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
from declared import ROOT, entry, refused, subsystem, write_files

from kfuncdoc import __version__
from kfuncdoc.base import yaml_text
from kfuncdoc.base.resources import packaged
from kfuncdoc.cli.main import main
from kfuncdoc.kernels.packaged import load_calendar
from kfuncdoc.pages import export
from kfuncdoc.record import model
from kfuncdoc.record.declaration_files import find

CLEAN, FINDINGS, UNUSABLE = 0, 1, 2

GOOD = subsystem(entry("bpf_one", "release: v6.12, event: added"))
WARNED = subsystem("- {name: bpf_one, prototype: int bpf_one(void), history: [{release: v6.12, event: added}]}\n")
DUE = subsystem(
    entry(
        "bpf_one",
        "release: v6.12, event: added",
        "release: v6.13, event: deprecated, reason: No., said_in: a, removal: v6.14, no_replacement: None.",
    )
)
WRONG = GOOD.replace("name: bpf_one", "name: bpf-one")
WRONG_TOLD = "error: 'bpf-one' is no name of a C function [name-invalid]"

DATA = str(packaged("data"))


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)


def write(text: str, name: str = "demo") -> str:
    """Write a declaration file to the current folder and return its name."""
    (path,) = write_files(Path(), {name: text})
    return path


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "kfuncdoc", *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


# -- kfuncdoc


@pytest.mark.process
def test_as_a_module():
    done = run("--version")
    assert (done.returncode, done.stdout, done.stderr) == (CLEAN, f"kfuncdoc {__version__}\n", "")


def test_help_names_every_command(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["--help"])
    assert caught.value.code == CLEAN
    told = capsys.readouterr().out
    assert re.findall(r"^    (\w+) ", told, re.MULTILINE) == [
        "check", "render", "overlay", "export", "feed", "schema", "show", "diff", "scan", "verify", "update", "audit",
        "header",
    ]  # fmt: skip


@pytest.mark.parametrize("arguments", [(), ("chekc",), ("check", "--format", "xml"), ("show",), ("render",)])
def test_wrong_arguments(capsys, arguments):
    assert "usage: kfuncdoc" in refused(capsys, *arguments)


@pytest.mark.parametrize("command", ["check", "export", "feed", "render -o out", "show bpf_one"])
def test_path_that_is_not_there(capsys, command):
    assert refused(capsys, *command.split(), "nowhere") == "kfuncdoc: there is no file or folder 'nowhere'\n"


@pytest.mark.parametrize("command", ["check", "export", "feed", "render -o out", "show bpf_one"])
def test_folder_without_declarations(capsys, command):
    Path("empty").mkdir()
    assert refused(capsys, *command.split(), "empty") == "kfuncdoc: no *.kfuncs.yaml in empty\n"


@pytest.mark.parametrize("command", ["export", "feed", "render -o out", "show bpf_one"])
@pytest.mark.parametrize("release", ["v7.99", "6.12", "v6.22", "newest"])
def test_release_that_does_not_exist(capsys, command, release):
    real = load_calendar().real
    assert refused(capsys, *command.split(), write(GOOD), "--release", release) == (
        f"kfuncdoc: '{release}' is no release that exists; known are {real[0]} to {real[-1]}, written as v6.10\n"
    )


@pytest.mark.parametrize("command", ["export", "feed", "render -o out", "show bpf_one"])
@pytest.mark.parametrize("date", ["2026-02-30", "today", "1.9.2026"])
def test_date_that_does_not_exist(capsys, command, date):
    told = refused(capsys, *command.split(), write(GOOD), "--date", date)
    assert told == f"kfuncdoc: '{date}' is no date; write it as 2026-09-01\n"


@pytest.mark.parametrize("epoch", ["yesterday", "9" * 30])
def test_source_date_epoch_that_is_no_time(capsys, monkeypatch, epoch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", epoch)
    told = refused(capsys, "export", write(GOOD))
    assert told == f"kfuncdoc: SOURCE_DATE_EPOCH is '{epoch}', which is no number of seconds\n"


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
    write(WARNED.replace("bpf_one", "bpf_two"), "sub/inner")
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
    assert json.loads(out) == [
        {
            "file": "demo.kfuncs.yaml",
            "line": 5,
            "column": 11,
            "severity": "error",
            "rule": "name-invalid",
            "message": "'bpf-one' is no name of a C function",
            "hint": "",
        }
    ]
    assert err == ""


def test_check_as_json_of_a_clean_file(capsys):
    assert main(["check", "--format", "json", write(GOOD)]) == CLEAN
    assert capsys.readouterr() == ("[]\n", "")


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
    assert main(["export", write(GOOD), "--release", "v6.12", "--date", "2024-12-01", "-o", "out.json"]) == CLEAN
    assert capsys.readouterr() == ("", "")
    record = json.loads(Path("out.json").read_text(encoding="utf-8"))
    assert [record["format"], record["release"], record["date"]] == [1, "v6.12", "2024-12-01"]
    assert [kfunc["name"] for kfunc in record["kfuncs"]] == ["bpf_one"]


def test_export_to_where_nothing_can_be_written(capsys):
    told = refused(capsys, "export", write(GOOD), "-o", os.path.join("no", "out.json"))
    assert told == f"kfuncdoc: cannot write {os.path.join('no', 'out.json')}: no such file or directory\n"


def test_export_of_a_wrong_file_writes_nothing(capsys):
    assert main(["export", write(WRONG), "-o", "out.json"]) == FINDINGS
    assert capsys.readouterr() == ("", f"demo.kfuncs.yaml:5:11: {WRONG_TOLD}\n")
    assert not Path("out.json").exists()


@pytest.mark.parametrize(
    ("epoch", "date", "release"),
    [("1731801600", "2024-11-17", "v6.12"), ("1731801599", "2024-11-16", "v6.11"), ("0", "1970-01-01", "v5.10")],
)
def test_source_date_epoch_is_the_date(capsys, monkeypatch, epoch, date, release):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", epoch)
    assert main(["export", write(GOOD)]) == CLEAN
    record = json.loads(capsys.readouterr().out)
    assert (record["date"], record["release"]) == (date, release)


def test_date_goes_before_source_date_epoch(capsys, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
    assert main(["export", write(GOOD), "--date", "2024-12-01"]) == CLEAN
    assert json.loads(capsys.readouterr().out)["date"] == "2024-12-01"


def test_date_is_today_where_nothing_says_otherwise(capsys):
    def today() -> str:
        return datetime.datetime.now(datetime.timezone.utc).date().isoformat()

    before = today()
    assert main(["export", write(GOOD)]) == CLEAN
    assert before <= json.loads(capsys.readouterr().out)["date"] <= today()


# -- render


def test_render_writes_once(capsys):
    arguments = ["render", write(GOOD), "-o", "out", "--release", "v6.12", "--date", "2024-12-01"]
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
    assert main(["render", write(WRONG), "-o", "out"]) == FINDINGS
    assert capsys.readouterr() == ("", f"demo.kfuncs.yaml:5:11: {WRONG_TOLD}\n")
    assert not Path("out").exists()


def test_render_over_what_others_wrote(capsys):
    Path("out").mkdir()
    Path("out", "index.rst").write_text("Mine.\n", encoding="utf-8")
    assert main(["render", write(GOOD), "-o", "out"]) == FINDINGS
    assert capsys.readouterr().err == (
        f"kfuncdoc: {os.path.join('out', 'index.rst')} was not written by kfuncdoc, or was changed since\n"
        "kfuncdoc: nothing was written\n"
    )
    assert [path.read_text(encoding="utf-8") for path in Path("out").iterdir()] == ["Mine.\n"]


def test_render_to_where_nothing_can_be_written(capsys):
    path = write(GOOD)
    assert refused(capsys, "render", path, "-o", path) == f"kfuncdoc: cannot write to {path}: file exists\n"


def test_render_with_templates_that_are_not_there(capsys):
    told = refused(capsys, "render", write(GOOD), "-o", "out", "--templates", "nowhere")
    assert told == "kfuncdoc: there is no folder of templates 'nowhere'\n"


def test_render_with_a_template_that_is_wrong(capsys):
    Path("mine").mkdir()
    Path("mine", "index.rst.jinja").write_text("{% for %}\n", encoding="utf-8")
    told = refused(capsys, "render", write(GOOD), "-o", "out", "--templates", "mine")
    assert told == "kfuncdoc: template mine/index.rst.jinja:1: Expected an expression, got 'end of statement block'\n"
    Path("mine", "index.rst.jinja").write_text("\n{{ 1 / 0 }}\n", encoding="utf-8")
    told = refused(capsys, "render", write(GOOD), "-o", "out", "--templates", "mine")
    assert told == "kfuncdoc: template mine/index.rst.jinja:2: division by zero\n"
    assert not Path("out").exists()


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
    assert schema(capsys, "--export") == export.json_schema()


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


# -- show


def test_show(capsys):
    assert main(["show", "bpf_one", write(GOOD), "--release", "v6.12", "--date", "2024-12-01"]) == CLEAN
    out, err = capsys.readouterr()
    assert "void bpf_one(void)" in out
    assert "Do bpf_one." in out
    assert "v6.12" in out
    assert err == ""


def test_show_from_what_comes_with_kfuncdoc(capsys):
    assert main(["show", "bpf_task_acquire"]) == CLEAN
    assert "bpf_task_acquire(" in capsys.readouterr().out


def test_show_of_a_name_that_is_not_declared_names_the_nearest(capsys):
    assert main(["show", "bpf_ome", write(GOOD)]) == FINDINGS
    assert capsys.readouterr() == ("", "kfuncdoc: no kfunc 'bpf_ome' is declared: did you mean 'bpf_one'?\n")


def test_show_of_a_name_that_nothing_is_near_to(capsys):
    assert main(["show", "printf", write(GOOD)]) == FINDINGS
    assert capsys.readouterr() == ("", "kfuncdoc: no kfunc 'printf' is declared\n")


# -- diff

DIFFERENCE = """\
From v6.1 to v7.3: 1 new.

New
  demo
    bpf_one: since v6.12
"""


def test_diff(capsys):
    path = write(GOOD)
    assert main(["diff", "v6.1", "v7.3", "--data", path]) == CLEAN
    assert capsys.readouterr() == (DIFFERENCE, "")
    assert main(["diff", "v6.1", "v7.3", "--data", path, "-o", "out.txt"]) == CLEAN
    assert capsys.readouterr() == ("", "")
    assert Path("out.txt").read_text(encoding="utf-8") == DIFFERENCE


def test_diff_in_other_forms(capsys):
    path = write(GOOD)
    assert main(["diff", "v6.1", "v7.3", "--data", path, "--format", "json"]) == CLEAN
    assert json.loads(capsys.readouterr().out)["from"] == "v6.1"
    assert main(["diff", "v6.1", "v7.3", "--data", path, "--format", "markdown", "--all"]) == CLEAN
    assert capsys.readouterr().out.startswith("# kfuncs from v6.1 to v7.3\n")


def test_diff_of_what_comes_with_kfuncdoc(capsys):
    """Changes that no caller notices are told where they are asked for."""
    heading = "\nChanged in a way that no caller notices\n"
    assert main(["diff", "v6.12", "v7.3"]) == CLEAN
    out = capsys.readouterr().out
    assert "scx_bpf_dispatch: gone from v6.17, deprecated since v6.13" in out
    assert heading not in out
    assert main(["diff", "v6.12", "v7.3", "--all"]) == CLEAN
    assert heading in capsys.readouterr().out


@pytest.mark.parametrize(("releases", "message"), [
    (("v7.3", "v6.12"), "v7.3 comes after v6.12"),
    (("6.12", "v7.3"), "'6.12' is no release that is known: write v6.12"),
    (("v6.12", "v9.9"), "'v9.9' is no release that is known"),
])  # fmt: skip
def test_diff_of_releases_that_cannot_be(capsys, releases, message):
    assert message in refused(capsys, "diff", *releases)


def test_diff_of_a_wrong_file(capsys):
    assert main(["diff", "v6.1", "v7.3", "--data", write(WRONG)]) == FINDINGS
    assert capsys.readouterr().out == ""


# -- as a process

DEMO = "demo.kfuncs.yaml"
SMALL_TREE = str(ROOT / "tests" / "trees" / "small")
COMMANDS = {
    "help": (["--help"], CLEAN),
    "version": (["--version"], CLEAN),
    "check": (["check", DEMO], CLEAN),
    "render": (["render", DEMO, "-o", "out"], CLEAN),
    "overlay": (["overlay", "overlay", "--tree", SMALL_TREE], UNUSABLE),
    "export": (["export", DEMO], CLEAN),
    "feed": (["feed", DEMO], CLEAN),
    "schema": (["schema"], CLEAN),
    "schema --export": (["schema", "--export"], CLEAN),
    "show": (["show", "bpf_one", DEMO], CLEAN),
    "show of nothing": (["show", "nothing", DEMO], FINDINGS),
    "diff": (["diff", "v6.1", "v7.3", "--data", DEMO], CLEAN),
    "scan": (["scan", SMALL_TREE], CLEAN),
    "verify": (["verify", DEMO, "--against", SMALL_TREE], FINDINGS),
    "update": (["update", DEMO, "--from", SMALL_TREE, "--release", "v7.3", "--dry-run"], CLEAN),
    "audit": (["audit", "nowhere"], FINDINGS),
    "header": (["header", "--data", DEMO], CLEAN),
}
#: Runs a command and then tells, as the last line, which of these packages it imported.
IMPORTED = """
import sys
from kfuncdoc.cli.main import main
try:
    status = main(sys.argv[1:])
except SystemExit as end:
    status = end.code
print()
print(status, *sorted({"sphinx", "docutils", "pydantic", "jinja2", "yaml"} & sys.modules.keys()))
"""


def imported(arguments: list[str]) -> list[str]:
    write(GOOD)
    done = subprocess.run(
        [sys.executable, "-c", IMPORTED, *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    return done.stdout.splitlines()[-1].split()


@pytest.mark.parametrize(("arguments", "status"), COMMANDS.values(), ids=COMMANDS)
@pytest.mark.process
def test_no_command_imports_sphinx_or_docutils(arguments, status):
    exit_status, *packages = imported(arguments)
    assert exit_status == str(status)
    assert {"sphinx", "docutils"}.isdisjoint(packages)


def test_every_command_is_looked_at(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    commands = re.findall(r"^    (\w+) ", capsys.readouterr().out, re.MULTILINE)
    assert set(commands) <= {arguments[0] for arguments, _ in COMMANDS.values()}


def test_help_imports_next_to_nothing():
    assert imported(["--help"]) == ["0"]
    assert imported(["--version"]) == ["0"]


def test_a_scan_of_a_tree_reads_no_yaml_and_needs_no_models():
    assert imported(["scan", SMALL_TREE]) == ["0"]


@pytest.mark.process
def test_check_imports_no_templates():
    assert imported(["check", DEMO]) == ["0", "pydantic", "yaml"]


@pytest.mark.skipif(os.name != "posix", reason="pipes are closed in another way on this system")
@pytest.mark.parametrize("arguments", [["schema"], ["export", DEMO], ["check", "wrong.kfuncs.yaml"]])
@pytest.mark.process
def test_reader_who_has_had_enough(arguments):
    write(GOOD)
    write(WRONG, "wrong")
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "kfuncdoc", *arguments],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=writing,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            check=False,
        )
    finally:
        os.close(writing)
    assert done.returncode == FINDINGS
    assert "Error" not in done.stderr


@pytest.mark.process
def test_no_progress_where_nobody_watches():
    done = run("check", write(GOOD))
    assert "reading" not in done.stderr
    assert "\r" not in done.stderr


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full here")
@pytest.mark.parametrize("arguments", [("check", "."), ("export", "."), ("show", "bpf_one", ".")])
@pytest.mark.process
def test_output_that_takes_nothing(arguments):
    write(GOOD.replace("    summary: Do bpf_one.\n", ""))
    with open("/dev/full", "w", encoding="utf-8") as full:
        command = [sys.executable, "-m", "kfuncdoc", *arguments]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, env=environment, check=False)
    assert done.stderr.splitlines()[-1] == "kfuncdoc: cannot write: no space left on device"
    assert done.returncode == 2


def test_show_of_a_wrong_declaration(capsys):
    path = write(GOOD.replace("void bpf_one(void)", "void bpf_one(void);"))
    assert main(["show", "bpf_one", path]) == 1
    assert capsys.readouterr().err == (
        "demo.kfuncs.yaml:7:16: error: ';' cannot stand in a prototype [prototype-syntax]\n"
        "    hint: leave out the semicolon\n"
        "kfuncdoc: the declaration of 'bpf_one' is wrong and cannot be shown\n"
    )


def test_export_to_a_file_leaves_it_whole_where_it_fails(capsys, monkeypatch):
    path = write(GOOD)
    Path("out.json").write_text("before", encoding="utf-8")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("kfuncdoc.pages.page_files.os.replace", fail)
    assert refused(capsys, "export", path, "-o", "out.json") == (
        "kfuncdoc: cannot write out.json: no space left on device\n"
    )
    assert Path("out.json").read_text(encoding="utf-8") == "before"
    assert sorted(os.listdir()) == ["demo.kfuncs.yaml", "out.json"]


@pytest.mark.parametrize("name", ["a\nb", ""])
def test_render_of_a_file_whose_name_is_no_page(capsys, name):
    write(GOOD, name)
    assert main(["render", ".", "-o", "out"]) == 1
    assert f"{name!a} cannot be the name of a page [page-clash]" in capsys.readouterr().err
    assert not os.path.exists("out")


def test_a_virtual_environment_is_not_searched():
    write(GOOD)
    os.makedirs("venv/lib")
    Path("venv", "pyvenv.cfg").touch()
    Path("venv", "lib", "other.kfuncs.yaml").write_text(GOOD, encoding="utf-8")
    assert find(["."]) == ["demo.kfuncs.yaml"]
