# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The command line as a whole: arguments, dates, reading and writing, and what it does not import."""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from commands import CLEAN, FINDINGS, GOOD, TREE, UNUSABLE, WRONG, on, run, write
from declared import ROOT, refused

from kfuncdoc import __version__
from kfuncdoc.base import progress
from kfuncdoc.cli.declarations import FORMATS
from kfuncdoc.cli.main import COMMANDS, main
from kfuncdoc.kernels.packaged import load_calendar
from kfuncdoc.scan.errors import Unscannable


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
        "header", "explain",
    ]  # fmt: skip


@pytest.mark.parametrize("arguments", [(), ("chekc",), ("check", "--format", "xml"), ("show",), ("render",)])
def test_wrong_arguments(capsys, arguments):
    assert "usage: kfuncdoc" in refused(capsys, *arguments)


@pytest.mark.parametrize("command", ["check", "export", "feed", "render -o out", "show bpf_one"])
def test_path_that_is_not_there(capsys, command):
    assert refused(capsys, *on(command, "nowhere")) == "kfuncdoc: there is no file or folder 'nowhere'\n"


@pytest.mark.parametrize("command", ["check", "export", "feed", "render -o out", "show bpf_one"])
def test_folder_without_declarations(capsys, command):
    Path("empty").mkdir()
    assert refused(capsys, *on(command, "empty")) == "kfuncdoc: no *.kfuncs.yaml in empty\n"


@pytest.mark.parametrize("command", ["export", "feed", "render -o out", "show bpf_one"])
@pytest.mark.parametrize("release", ["v7.99", "6.12", "v6.22", "newest"])
def test_release_that_does_not_exist(capsys, command, release):
    real = load_calendar().real
    assert refused(capsys, *on(command, write(GOOD)), "--release", release) == (
        f"kfuncdoc: '{release}' is no release that exists; known are {real[0]} to {real[-1]}, written as v6.10\n"
    )


@pytest.mark.parametrize("command", ["export", "feed", "render -o out", "show bpf_one"])
@pytest.mark.parametrize("date", ["2026-02-30", "today", "1.9.2026"])
def test_date_that_does_not_exist(capsys, command, date):
    told = refused(capsys, *on(command, write(GOOD)), "--date", date)
    assert told == f"kfuncdoc: '{date}' is no date; write it as 2026-09-01\n"


@pytest.mark.parametrize("epoch", ["yesterday", "9" * 30])
def test_source_date_epoch_that_is_no_time(capsys, monkeypatch, epoch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", epoch)
    told = refused(capsys, "export", "--data", write(GOOD))
    assert told == f"kfuncdoc: SOURCE_DATE_EPOCH is '{epoch}', which is no number of seconds\n"


@pytest.mark.parametrize(
    "command", ["render -o out", "export", "feed", "show bpf_one", "verify --against x", "diff v6.1 v7.3"]
)
def test_declarations_without_their_option(capsys, command):
    word, *more = command.split()
    told = refused(capsys, word, *(["demo.kfuncs.yaml", *more] if word == "verify" else [*more, "demo.kfuncs.yaml"]))
    assert told.splitlines()[-1] == (
        f"kfuncdoc {word}: error: unrecognized arguments: demo.kfuncs.yaml; for declarations use --data PATH"
    )


def test_an_option_that_is_not_known(capsys):
    told = refused(capsys, "export", "--dta", "demo.kfuncs.yaml")
    assert told.splitlines()[-1] == "kfuncdoc export: error: unrecognized arguments: --dta demo.kfuncs.yaml"


@pytest.mark.parametrize("command", ["export", "feed", "render -o out", "show bpf_one"])
def test_declarations_from_several_places(capsys, command):
    paths = [write(GOOD), write(WRONG.replace("bpf-one", "bpf-two"), "other")]
    assert main([*on(command, paths[0]), "--data", paths[1]]) == (CLEAN if command == "show bpf_one" else FINDINGS)
    assert ("'bpf-two' is no name of a C function" in capsys.readouterr().err) == (command != "show bpf_one")


#: The commands that speak as of a day, and those that do not.
DATED = ["export", "feed", "render -o out", "show bpf_one", "header", "audit prog.bpf.o", "explain log"]
UNDATED = [
    "check .", "schema", "diff v6.1 v7.3 --data .", f"scan {TREE}", f"verify --data . --against {TREE}",
    f"update . --from {TREE} --release v7.3 --dry-run",
]  # fmt: skip


def test_every_command_is_dated_or_not():
    words = {command.split()[0] for command in (*DATED, *UNDATED)}
    assert words == {command.word for command in COMMANDS} - {"overlay"}


@pytest.mark.parametrize("command", DATED)
def test_a_wrong_source_date_epoch_is_refused_where_the_date_plays_a_part(capsys, monkeypatch, command):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "x")
    write(GOOD)
    status = main([*command.split(), "--data", "."])
    assert status == (FINDINGS if command.startswith("audit") else UNUSABLE)
    assert capsys.readouterr() == ("", "kfuncdoc: SOURCE_DATE_EPOCH is 'x', which is no number of seconds\n")


@pytest.mark.parametrize("command", UNDATED)
def test_a_wrong_source_date_epoch_is_of_no_matter_elsewhere(capsys, monkeypatch, command):
    write(GOOD)
    assert main(command.split()) in (CLEAN, FINDINGS)
    before = capsys.readouterr()
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "x")
    assert main(command.split()) in (CLEAN, FINDINGS)
    assert capsys.readouterr() == before


@pytest.mark.parametrize("date", ["20260901", "2026-W36-2"])
@pytest.mark.parametrize("command", DATED)
def test_a_day_in_another_form_is_refused(capsys, command, date):
    write(GOOD)
    status = main([*command.split(), "--data", ".", "--date", date])
    assert status == (FINDINGS if command.startswith("audit") else UNUSABLE)
    assert capsys.readouterr() == ("", f"kfuncdoc: '{date}' is no date; write it as 2026-09-01\n")


def test_a_file_that_cannot_be_read_is_named(capsys, monkeypatch):
    def fail(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", "data/releases.yaml")

    monkeypatch.setattr("kfuncdoc.record.load.load_calendar", fail)
    assert refused(capsys, "export", "--data", write(GOOD)) == (
        "kfuncdoc: cannot read data/releases.yaml: permission denied\n"
    )


def test_a_folder_that_is_gone(capsys, monkeypatch):
    Path("gone").mkdir()
    monkeypatch.chdir("gone")
    Path("../gone").rmdir()
    assert refused(capsys, "check") == "kfuncdoc: cannot read the current folder: no such file or directory\n"


@pytest.mark.parametrize("command", [
    "export --data demo.kfuncs.yaml -o", "feed --data demo.kfuncs.yaml -o", "header --data demo.kfuncs.yaml -o",
    "diff v6.1 v7.3 --data demo.kfuncs.yaml -o", f"scan {TREE} -o", "render --data demo.kfuncs.yaml -o",
])  # fmt: skip
def test_where_nothing_can_be_written_the_path_is_named(capsys, command):
    write(GOOD)
    Path("file").touch()
    path = os.path.join("file", "out")
    assert refused(capsys, *command.split(), path) == f"kfuncdoc: cannot write {path}: not a directory\n"


@pytest.mark.parametrize("command", [
    "export --data demo.kfuncs.yaml", "feed --data demo.kfuncs.yaml", "header --data demo.kfuncs.yaml",
    "diff v6.1 v7.3 --data demo.kfuncs.yaml", f"scan {TREE}",
])  # fmt: skip
def test_a_symbolic_link_is_written_through(command):
    write(GOOD)
    Path("folder").mkdir()
    Path("link").symlink_to(Path("folder", "out"))
    assert main([*command.split(), "-o", "link"]) == CLEAN
    assert Path("link").is_symlink()
    assert Path("folder", "out").read_text(encoding="utf-8")


def test_progress_is_off_the_terminal_before_an_error_is_told(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    def scan(_: object, *, track: Callable[[list[str]], Iterable[str]]) -> None:
        for number, path in enumerate(track(["a", "b", "c"])):
            if number == 2:
                raise Unscannable(path, "it is broken")

    seconds = iter(range(100))
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(seconds))
    monkeypatch.setattr("kfuncdoc.scan.scan", scan)
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    assert main(["scan", "a"]) == UNUSABLE
    assert terminal.getvalue().endswith("\r\x1b[Kkfuncdoc: c: it is broken\n")


# -- as a process

DEMO = "demo.kfuncs.yaml"
RUNS = {
    "help": (["--help"], CLEAN),
    "version": (["--version"], CLEAN),
    "check": (["check", DEMO], CLEAN),
    "render": (["render", "--data", DEMO, "-o", "out"], CLEAN),
    "overlay": (["overlay", "overlay", "--tree", TREE], UNUSABLE),
    "export": (["export", "--data", DEMO], CLEAN),
    "feed": (["feed", "--data", DEMO], CLEAN),
    "schema": (["schema"], CLEAN),
    **{f"schema {name}": (["schema", name], CLEAN) for name in FORMATS},
    "show": (["show", "bpf_one", "--data", DEMO], CLEAN),
    "show of nothing": (["show", "nothing", "--data", DEMO], FINDINGS),
    "diff": (["diff", "v6.1", "v7.3", "--data", DEMO], CLEAN),
    "scan": (["scan", TREE], CLEAN),
    "verify": (["verify", "--data", DEMO, "--against", TREE], FINDINGS),
    "update": (["update", DEMO, "--from", TREE, "--release", "v7.3", "--dry-run"], CLEAN),
    "audit": (["audit", "nowhere"], FINDINGS),
    "header": (["header", "--data", DEMO], CLEAN),
    "explain": (["explain", str(ROOT / "tests" / "logs" / "v6.12.log"), "--data", DEMO], CLEAN),
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


@pytest.mark.parametrize(("arguments", "status"), RUNS.values(), ids=RUNS)
@pytest.mark.process
def test_no_command_imports_sphinx_or_docutils(arguments, status):
    exit_status, *packages = imported(arguments)
    assert exit_status == str(status)
    assert {"sphinx", "docutils"}.isdisjoint(packages)


def test_every_command_is_looked_at():
    assert {command.word for command in COMMANDS} <= {arguments[0] for arguments, _ in RUNS.values()}


@pytest.mark.process
def test_help_imports_next_to_nothing():
    assert imported(["--help"]) == ["0"]
    assert imported(["--version"]) == ["0"]


@pytest.mark.process
def test_a_scan_of_a_tree_reads_no_yaml_and_needs_no_models():
    assert imported(["scan", TREE]) == ["0"]


@pytest.mark.process
def test_check_imports_no_templates():
    assert imported(["check", DEMO]) == ["0", "pydantic", "yaml"]


@pytest.mark.skipif(os.name != "posix", reason="pipes are closed in another way on this system")
@pytest.mark.parametrize("arguments", [["schema"], ["export", "--data", DEMO], ["check", "wrong.kfuncs.yaml"]])
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
@pytest.mark.parametrize("arguments", [("check", "."), ("export", "--data", "."), ("show", "bpf_one", "--data", ".")])
@pytest.mark.process
def test_output_that_takes_nothing(arguments):
    write(GOOD.replace("    summary: Do bpf_one.\n", ""))
    with open("/dev/full", "w", encoding="utf-8") as full:
        command = [sys.executable, "-m", "kfuncdoc", *arguments]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, env=environment, check=False)
    assert done.stderr.splitlines()[-1] == "kfuncdoc: cannot write to standard output: no space left on device"
    assert done.returncode == 2


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Have kfuncdoc find its data and templates in a folder of the test, and return that."""
    folder = tmp_path / "installed"
    for name in ("data", "templates"):
        shutil.copytree(ROOT / name, folder / name)
    monkeypatch.setattr("kfuncdoc.base.resources._PACKAGE", folder / "kfuncdoc")
    return folder


@pytest.mark.parametrize("name", ["releases.yaml", "flags.yaml", "hooks.yaml"])
@pytest.mark.parametrize("command", [["export", "--data", DEMO], ["check", "."], ["header", "--data", DEMO]])
def test_a_packaged_file_that_cannot_be_read_is_named(capsys, installed, name, command):
    write(GOOD)
    (installed / "data" / name).unlink()
    path = installed / "data" / name
    assert f"{path}:0:0: error: " in refused(capsys, *command)


def test_a_template_of_the_terminal_that_cannot_be_used_is_named(capsys, installed):
    write(GOOD)
    path = installed / "templates" / "terminal" / "kfunc.txt.jinja"
    path.write_text("{% if %}", encoding="utf-8")
    assert refused(capsys, "show", "bpf_one", "--data", DEMO).startswith(f"kfuncdoc: template {path}:1: ")
