# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The options of conf.py: what they change, and how a bad value is refused."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any, Callable

import pytest
from projects import Project, declarations, deprecated, kfunc, toctree
from sphinx.errors import ConfigError, ExtensionError

Make = Callable[..., Project]

OLD = declarations("demo", kfunc("bpf_old", deprecated("v7.0", "v7.3", "bpf_new")), kfunc("bpf_new", added="v6.5"))
FILES = {"index.rst": toctree("demo"), "demo.kfuncs.yaml": OLD}
TABLE = "Use\n===\n\n.. kfunc-table::\n   :columns: kfunc subsystem\n"


def outside(project: Project, path: str, name: str) -> None:
    """Write a declaration of the kfunc *name* to a file outside the source directory."""
    project.write(str(project.folder / path), declarations(Path(path).name.split(".")[0], kfunc(name)))


def field(text: str, name: str) -> str:
    """Return the text of a field of a text page, on one line."""
    return " ".join(text.split(f"{name}:\n")[1].split("\n\n")[0].split())


# -- kfuncdoc_release


def test_default_release_is_the_newest_on_the_date(make: Make) -> None:
    project = make(FILES, kfuncdoc_date="2026-08-15")
    assert field(project.build().text("demo.txt"), "Remaining lifespan").startswith("2 releases: last in v7.2")
    project.conf["kfuncdoc_date"] = "2026-08-16"
    assert field(project.build().text("demo.txt"), "Remaining lifespan").startswith("1 release: last in v7.2")


def test_release_changes_what_pages_say(make: Make) -> None:
    project = make(FILES, kfuncdoc_release="v6.4")
    text = project.build().text("demo.txt")
    assert field(text, "Recorded") == "up to v7.3 (October 2026); shown as of v6.4 (June 2023)"
    assert field(text, "Stability") == "present: no end announced, no guarantee"
    assert "bpf_new" not in text
    project.conf["kfuncdoc_release"] = "v7.3"
    text = project.build().text("demo.txt")
    assert field(text, "Recorded") == "up to v7.3 (October 2026)"
    assert field(text, "Stability") == "deprecated, past due"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("7.2", "kfuncdoc_release: '7.2' is no release; write v7.2"),
        ("v7.2-rc1", "kfuncdoc_release: 'v7.2-rc1' is no release; write v7.2"),
        ("newest", "kfuncdoc_release: 'newest' is no release; write it as a git tag, v6.10"),
        (7.2, "kfuncdoc_release: should be text, not 7.2"),
        (["v7.2"], "kfuncdoc_release: should be text, not ['v7.2']"),
        ("v7.4", "kfuncdoc_release: 'v7.4' is no release that exists; known are v6.1 to v7.3, written as v6.10"),
        ("v6.20", "kfuncdoc_release: 'v6.20' is no release that exists; known are v6.1 to v7.3, written as v6.10"),
        ("v5.1", "kfuncdoc_release: 'v5.1' is no release that exists; known are v6.1 to v7.3, written as v6.10"),
    ],
)
def test_bad_release(make: Make, value: Any, message: str) -> None:
    refused(make(FILES, kfuncdoc_release=value), message)


# -- kfuncdoc_date


def test_date_changes_what_pages_say(make: Make) -> None:
    files = {"index.rst": toctree("demo"), "demo.kfuncs.yaml": OLD.replace("removal: v7.3", "removal: v7.5")}
    project = make(files, kfuncdoc_date="2026-11-01")
    assert "this record goes no further" not in project.build().text("demo.txt")
    project.conf["kfuncdoc_date"] = datetime.date(2027, 6, 1)
    text = project.build().text("demo.txt")
    assert "on 1 June 2027; this record goes no further)" in field(text, "Remaining lifespan")
    assert field(text, "Recorded") == (
        "up to v7.3 (October 2026). A newer release is out; what it did to these kfuncs is not in this record"
    )


def test_source_date_epoch(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    project = make(FILES)
    del project.conf["kfuncdoc_date"]
    days = {"2025-02-01": "v6.13", "2023-06-01": "v6.3"}
    for day, release in days.items():
        epoch = datetime.datetime.fromisoformat(f"{day}T12:00:00+00:00").timestamp()
        monkeypatch.setenv("SOURCE_DATE_EPOCH", str(int(epoch)))
        assert f"shown as of {release} (" in field(project.build().text("demo.txt"), "Recorded")
    # The option is stronger.
    project.conf["kfuncdoc_date"] = "2026-08-20"
    assert "shown as of v7.2 (" in field(project.build().text("demo.txt"), "Recorded")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("2026-9-1", "kfuncdoc_date: '2026-9-1' is no date; write it as 2026-09-01"),
        ("2026-02-30", "kfuncdoc_date: '2026-02-30' is no date; write it as 2026-09-01"),
        ("today", "kfuncdoc_date: 'today' is no date; write it as 2026-09-01"),
        (20260901, "kfuncdoc_date: should be text, not 20260901"),
        (
            datetime.datetime(2026, 9, 1, 12, 0),
            "kfuncdoc_date: '2026-09-01 12:00:00' is no date; write it as 2026-09-01",
        ),
    ],
)
def test_bad_date(make: Make, value: Any, message: str) -> None:
    refused(make(FILES, kfuncdoc_date=value), message)


# -- kfuncdoc_data


@pytest.mark.parametrize(
    "paths",
    [
        ["../more"],
        ("../more",),
        ["../more/extra.kfuncs.yaml", "../more/deep"],
        [Path("../more")],
        # Named twice, it is there once.
        ["../more", "../more/extra.kfuncs.yaml"],
        "../more",
    ],
)
def test_declarations_from_outside(make: Make, paths: Any) -> None:
    project = make({"index.rst": TABLE}, kfuncdoc_data=paths, kfuncdoc_pages="")
    outside(project, "more/extra.kfuncs.yaml", "bpf_extra")
    outside(project, "more/deep/deeper.kfuncs.yaml", "bpf_deeper")
    text = project.build().text("index.txt")
    assert [line.split()[1] for line in text.splitlines() if "bpf_" in line] == ['"bpf_deeper"', '"bpf_extra"']


def test_source_directory_named_as_data_is_not_declared_twice(make: Make) -> None:
    project = make(FILES, kfuncdoc_data=["."], kfuncdoc_pages="")
    assert "Do bpf_old." in project.build().text("demo.txt")


def test_absolute_path(make: Make, tmp_path: Path) -> None:
    project = make({"index.rst": TABLE}, kfuncdoc_data=[str(tmp_path / "more")], kfuncdoc_pages="")
    outside(project, str(tmp_path / "more" / "extra.kfuncs.yaml"), "bpf_extra")
    assert "bpf_extra" in project.build().text("index.txt")


def test_packaged_declarations(make: Make, installed: Path) -> None:
    project = make({"index.rst": TABLE}, kfuncdoc_data=["packaged"], kfuncdoc_pages="")
    outside(project, str(installed / "data" / "task.kfuncs.yaml"), "bpf_task_acquire")
    assert "bpf_task_acquire" in project.build().text("index.txt")


def test_findings_outside_are_told(make: Make) -> None:
    project = make({"index.rst": TABLE}, kfuncdoc_data=["../more"], kfuncdoc_pages="")
    project.write(str(project.folder / "more" / "bad.kfuncs.yaml"), "subsystem: bad\n")
    path = project.folder / "more" / "bad.kfuncs.yaml"
    found = [
        f"{path}:1:1: WARNING: 'kfuncs' is missing [kfuncdoc.missing-key]",
        f"{path}:1:1: WARNING: 'recorded' is missing [kfuncdoc.missing-key]",
        f"{path}:1:1: WARNING: 'title' is missing [kfuncdoc.missing-key]",
    ]
    project.build(expected=found)
    project.build(expected=found)


def test_findings_outside_are_told_where_nothing_asks(make: Make) -> None:
    project = make({"index.rst": "Use\n===\n"}, kfuncdoc_data=["../more"], kfuncdoc_pages="")
    path = project.write(str(project.folder / "more" / "bad.kfuncs.yaml"), "- 1\n")
    found = f"{path}:1:1: WARNING: a declaration file is a mapping, not a list [kfuncdoc.wrong-type]"
    project.build(expected=[found])
    project.build(expected=[found])


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "kfuncdoc_data: should be a list of paths, not None"),
        ([1], "kfuncdoc_data: should be a list of paths, not [1]"),
        ({"more": 1}, "kfuncdoc_data: should be a list of paths, not {{'more': 1}}"),
        (["missing"], "kfuncdoc_data: there is no file or folder '{source}/missing'"),
        ([".", "../packaged"], "kfuncdoc_data: there is no file or folder '{folder}/packaged'"),
    ],
)
def test_bad_data(make: Make, value: Any, message: str) -> None:
    refused(make(FILES, kfuncdoc_data=value), message)


# -- kfuncdoc_templates


def test_templates_go_before_those_of_kfuncdoc(make: Make) -> None:
    files = {"index.rst": toctree("demo", "use"), "demo.kfuncs.yaml": OLD, "use.rst": TABLE}
    project = make(files, kfuncdoc_templates=["first", "second"])
    project.write("first/table.rst.jinja", "The first: {% for k in kfuncs %}{{ k.name | link }} {% endfor %}\n")
    project.write("second/table.rst.jinja", "The second.\n")
    project.write("second/lifecycle.rst.jinja", "In short: {{ k.stability }}.\n")
    project.write("use.rst", TABLE + "\n.. kfunc-lifecycle:: bpf_old\n")
    build = project.build()
    assert build.text("use.txt") == "Use\n***\n\nThe first: bpf_new bpf_old\n\nIn short: deprecated.\n"
    assert "Do bpf_old." in build.text("demo.txt")


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("One.\n{% if %}\n", "kfuncdoc template {file}:2: Expected an expression, got 'end of statement block'"),
        ("{{ nothing }}\n", "'nothing' is undefined"),
        ("{% include 'missing.jinja' %}\n", "missing.jinja"),
    ],
)
def test_bad_template(make: Make, template: str, message: str) -> None:
    project = make({"index.rst": TABLE, "demo.kfuncs.yaml": OLD}, kfuncdoc_templates=["own"])
    path = project.write("own/table.rst.jinja", template)
    with pytest.raises(ExtensionError) as raised:
        project.build()
    assert str(raised.value).startswith("kfuncdoc template ")
    assert message.format(file=path) in str(raised.value)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (1, "kfuncdoc_templates: should be a list of paths, not 1"),
        (["missing"], "kfuncdoc_templates: there is no file or folder '{source}/missing'"),
        (["index.rst"], "kfuncdoc_templates: '{source}/index.rst' is no folder"),
    ],
)
def test_bad_templates(make: Make, value: Any, message: str) -> None:
    refused(make(FILES, kfuncdoc_templates=value), message)


def refused(project: Project, message: str) -> None:
    """Build *project*, and fail unless it is refused with *message*, and with no warning besides."""
    with pytest.raises(ConfigError) as raised:
        project.build()
    assert str(raised.value) == message.format(source=project.source, folder=project.folder)
    assert project.printed == ""


def test_refusal_as_a_user_sees_it(make: Make) -> None:
    result = make(FILES, kfuncdoc_release="6.10").run("text")
    assert result.returncode == 2
    assert "kfuncdoc_release: '6.10' is no release; write v6.10" in result.stderr


def test_options_of_the_command_line(make: Make) -> None:
    project = make(FILES)
    outside(project, "more/extra.kfuncs.yaml", "bpf_extra")
    project.write("use.rst", TABLE)
    project.write("index.rst", toctree("demo", "use"))
    result = project.run(
        "text", "-W", "-q", "-D", "kfuncdoc_release=v7.1", "-D", "kfuncdoc_data=../more", "-D", "kfuncdoc_pages="
    )
    assert (result.returncode, result.stderr) == (0, "")
    assert "shown as of v7.1" in (project.folder / "text" / "demo.txt").read_text(encoding="utf-8")
    assert "bpf_extra" in (project.folder / "text" / "use.txt").read_text(encoding="utf-8")
