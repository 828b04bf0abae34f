# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Which documents are read again after what, exactly, and what a build in which nothing changed does without."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Callable, NamedTuple, Sequence

import pytest
from projects import Project, declarations, deprecated, kfunc, removed, run_code, toctree
from sphinx.builders.html import StandaloneHTMLBuilder

from kfuncdoc.record.catalog import Catalog
from kfuncdoc.record.load import load

Make = Callable[..., Project]

#: bpf_new is in another file than what it replaces, and so is what is to replace it one day.
OLD = declarations("old", kfunc("bpf_old", deprecated("v7.0", "v7.5", "bpf_new")))
NEW = declarations("new", kfunc("bpf_new", added="v6.5"))
GONE = declarations("gone", kfunc("bpf_gone", deprecated("v7.0", "v7.1", "bpf_new"), removed("v7.1")))
CALM = declarations("calm", kfunc("bpf_calm", flags="[KF_RCU]", program_types="[BPF_PROG_TYPE_TRACING]"))
OUTSIDE = declarations("outside", kfunc("bpf_outside"))
EXTRA = declarations("extra", kfunc("bpf_extra"))

PAGES = {
    "index.rst": toctree("*", glob=True),
    "old.kfuncs.yaml": OLD,
    "new.kfuncs.yaml": NEW,
    "gone.kfuncs.yaml": GONE,
    "calm.kfuncs.yaml": CALM,
    "all.rst": "All\n===\n\n.. kfunc-table::\n",
    "urgent.rst": "Urgent\n======\n\n.. kfunc-table::\n   :stability: deprecated\n   :columns: kfunc remaining\n",
    "changes.rst": "Changes\n=======\n\n.. kfunc-changes::\n",
    "one.rst": "One\n===\n\n.. kfunc-lifecycle:: bpf_old\n",
    "link.rst": "Link\n====\n\nSee :kfunc:`bpf_new` and :kfunc:`bpf_calm`.\n",
    "far.rst": "Far\n===\n\n.. kfunc-lifecycle:: bpf_outside\n",
    "plain.rst": "Plain\n=====\n\nText.\n",
}
EVERY_PAGE = {name.split(".")[0] for name in PAGES}


class Edits:
    """What is done to a project between two builds."""

    def __init__(self, project: Project, installed: Path) -> None:
        self.project = project
        self.installed = installed
        self.edit = project.edit
        self.write = project.write
        self.outside = str(project.folder / "more" / "outside.kfuncs.yaml")

    def set(self, **conf: Any) -> None:
        self.project.conf.update(conf)

    def edit_installed(self, name: str, old: str, new: str) -> None:
        self.edit(str(self.installed / name), old, new)

    def delete(self, name: str) -> None:
        (self.project.source / name).unlink()

    def allow(self, name: str) -> None:
        """Let *name* have a replacement that is deprecated."""
        line = "    - {release: v7.0, event: deprecated"
        self.edit(f"{name}.kfuncs.yaml", line, f"    # kfuncdoc: allow replacement-deprecated: why\n{line}")

    def reset(self, *names: str) -> None:
        for name in names:
            self.write(f"{name}.kfuncs.yaml", PAGES[f"{name}.kfuncs.yaml"])

    def own_template(self, name: str, end: str) -> None:
        """Have the project's own template, that of kfuncdoc with *end* at its end."""
        self.set(kfuncdoc_templates=["own"])
        text = (self.installed / "templates" / name).read_text(encoding="utf-8")
        self.write(f"own/{name}", text + end)


class Step(NamedTuple):
    """One edit, the documents that are read after it, and the warnings."""

    what: str
    edit: Callable[[Edits], object]
    read: str
    warnings: Sequence[str] = ()


#: bpf_new on its way out.
DEPRECATED = declarations("new", kfunc("bpf_new", deprecated("v7.1", "v7.6", "bpf_calm"), added="v6.5"))
REMOVED = declarations("new", kfunc("bpf_new", deprecated("v7.1", "v7.6", "bpf_calm"), removed("v7.3"), added="v6.5"))
RENAMED = CALM.replace("bpf_calm", "bpf_calmer")
UNLINKED = (
    "link.rst:4: WARNING: kfunc 'bpf_calm' is not declared; did you mean 'bpf_calmer'? [kfuncdoc.reference-unknown]"
)
BROKEN = CALM + '  colour: "red\n'
BROKEN_AT = (
    "calm.kfuncs.yaml:13:1: WARNING: found unexpected end of stream while scanning a quoted scalar "
    "[kfuncdoc.yaml-syntax]"
)
BROKEN_LINK = (
    "link.rst:4: WARNING: kfunc 'bpf_calm' is not declared; did you mean 'bpf_old'? [kfuncdoc.reference-unknown]"
)
BAD = CALM.replace("  flags:", "  colour: red\n  flags:")
BAD_AT = "calm.kfuncs.yaml:8:3: WARNING: unknown key 'colour' [kfuncdoc.unknown-key]"

UNUSED = [
    f"{name}.kfuncs.yaml:10:5: WARNING: nothing to allow: line 11 has no finding of replacement-deprecated "
    "[kfuncdoc.allowance-unused]"
    for name in ("gone", "old")
]

#: They follow one another on one project.
STEPS = [
    Step("nothing", lambda to: None, ""),
    Step("a plain page", lambda to: to.edit("plain.rst", "Text.", "More text."), "plain"),
    Step("a comment", lambda to: to.write("calm.kfuncs.yaml", f"# A comment.\n{CALM}"), "calm"),
    Step("a comment goes", lambda to: to.write("calm.kfuncs.yaml", CALM), "calm"),
    Step("a summary", lambda to: to.edit("calm.kfuncs.yaml", "Do bpf_calm.", "Do it calmly."), "all calm"),
    Step("what no table shows", lambda to: to.edit("calm.kfuncs.yaml", "void bpf_calm", "int bpf_calm"), "calm"),
    Step("what filters a table", lambda to: to.edit("calm.kfuncs.yaml", "_TRACING]", "_XDP]"), "all calm"),
    Step("the same again", lambda to: to.write("calm.kfuncs.yaml", CALM), "all calm"),
    Step("a title", lambda to: to.edit("calm.kfuncs.yaml", "The calm kfuncs", "Calm kfuncs"), "calm"),
    # -- entries and files
    Step("an entry is added", lambda to: to.write("calm.kfuncs.yaml", CALM + kfunc("bpf_more")), "all calm changes"),
    Step("an entry is deleted", lambda to: to.write("calm.kfuncs.yaml", CALM), "all calm changes"),
    Step("a file is added", lambda to: to.write("extra.kfuncs.yaml", EXTRA), "all changes extra index"),
    Step("a file is deleted", lambda to: to.delete("extra.kfuncs.yaml"), "all changes index"),
    Step("a name linked to", lambda to: to.write("calm.kfuncs.yaml", RENAMED), "all calm changes link", [UNLINKED]),
    Step("and back", lambda to: to.write("calm.kfuncs.yaml", CALM), "all calm changes link"),
    Step("a file outside", lambda to: to.edit(to.outside, "Do bpf_outside.", "Do it outside."), "all far"),
    Step("its line numbers", lambda to: to.edit(to.outside, "subsystem:", "# A comment.\nsubsystem:"), ""),
    # -- a replacement in another file
    Step("leave", lambda to: [to.allow("old"), to.allow("gone")], "gone old", UNUSED),
    Step(
        "deprecated",
        lambda to: to.write("new.kfuncs.yaml", DEPRECATED),
        "all calm changes gone new old one urgent",
        UNUSED[:1],
    ),
    Step(
        "removed", lambda to: to.write("new.kfuncs.yaml", REMOVED), "all calm changes gone new old one urgent", UNUSED
    ),
    Step("reset", lambda to: to.reset("new", "old", "gone"), "all calm changes gone new old one"),
    # -- the date; the newest release stays v7.3
    Step("days", lambda to: to.set(kfuncdoc_date="2026-12-20"), "old one urgent"),
    Step("v7.4 is due", lambda to: to.set(kfuncdoc_date="2027-01-20"), "calm gone new old one urgent"),
    Step("the end of bpf_old is due", lambda to: to.set(kfuncdoc_date="2027-06-01"), "old one urgent"),
    Step(
        "v6.6 is no longer maintained",
        lambda to: to.set(kfuncdoc_date="2028-01-20"),
        "calm far gone new old one urgent",
    ),
    Step("and back", lambda to: to.set(kfuncdoc_date="2026-11-01"), "calm far gone new old one urgent"),
    # -- the release
    Step("the default is named", lambda to: to.set(kfuncdoc_release="v7.3"), ""),
    Step("v7.2", lambda to: to.set(kfuncdoc_release="v7.2"), "all calm far gone new old one urgent"),
    Step(
        "bpf_gone is there", lambda to: to.set(kfuncdoc_release="v7.0"), "all calm changes far gone new old one urgent"
    ),
    Step("no bpf_new", lambda to: to.set(kfuncdoc_release="v6.4"), "all calm changes far gone link new old one urgent"),
    Step("and back", lambda to: to.set(kfuncdoc_release=""), "all calm changes far gone link new old one urgent"),
    # -- templates
    Step("a copy of a template", lambda to: to.own_template("table.rst.jinja", ""), ""),
    Step("it changes", lambda to: to.own_template("table.rst.jinja", "\nOurs.\n"), "all urgent"),
    Step("it goes", lambda to: to.delete("own/table.rst.jinja"), "all urgent"),
    Step(
        "one of kfuncdoc's own",
        lambda to: to.edit_installed("templates/release.rst.jinja", "Nothing is recorded.", "Nothing."),
        "",
    ),
    Step(
        "and what pages show of it",
        lambda to: to.edit_installed("templates/release.rst.jinja", ":Added:", ":New:"),
        "changes",
    ),
    # -- what comes with kfuncdoc
    Step("a flag", lambda to: to.edit_installed("data/flags.yaml", "RCU will do", "RCU are fine"), "calm"),
    Step("a flag that none has", lambda to: to.edit_installed("data/flags.yaml", "owns what", "has what"), ""),
    Step("a hook", lambda to: to.edit_installed("data/hooks.yaml", "_TRACEPOINT", "_PERF_EVENT"), "all calm"),
    Step(
        "an end of life",
        lambda to: to.edit_installed("data/releases.yaml", "17, lts: true, end_of_life: 2028-12-31", "17, lts: true"),
        "gone",
    ),
    Step(
        "a release is out",
        lambda to: to.edit_installed(
            "data/releases.yaml", "renumbered:", "  - {release: v7.4, date: 2026-10-30}\nrenumbered:"
        ),
        "all calm far gone new old one urgent",
    ),
    # -- faults: what was found is told at every build
    Step("a fault", lambda to: to.write("calm.kfuncs.yaml", BAD), "all calm changes", [BAD_AT]),
    Step("nothing", lambda to: None, "", [BAD_AT]),
    Step("another page", lambda to: to.edit("plain.rst", "text.", "words."), "plain", [BAD_AT]),
    Step("mended", lambda to: to.write("calm.kfuncs.yaml", CALM), "all calm changes"),
    Step("broken", lambda to: to.write("calm.kfuncs.yaml", BROKEN), "all calm changes link", [BROKEN_AT, BROKEN_LINK]),
    Step("nothing", lambda to: None, "", [BROKEN_AT]),
    Step("mended", lambda to: to.write("calm.kfuncs.yaml", CALM), "all calm changes link"),
    Step("nothing", lambda to: None, ""),
]


@pytest.mark.parametrize("jobs", [1, 2])
def test_exactly_what_changed_is_read_again(make: Make, installed: Path, jobs: int) -> None:
    project = make(PAGES, kfuncdoc_data=["../more"], kfuncdoc_pages="")
    edits = Edits(project, installed)
    edits.write(edits.outside, OUTSIDE)
    first = project.build(jobs=jobs)
    assert (set(first.read), first.read_in_parallel) == (EVERY_PAGE, jobs > 1)
    read = []
    for step in STEPS:
        step.edit(edits)
        read.append((step.what, " ".join(project.build(jobs=jobs, expected=step.warnings).read)))
    assert read == [(step.what, step.read) for step in STEPS]


def test_a_table_takes_what_it_shows_and_no_more(make: Make) -> None:
    table = "Use\n===\n\n.. kfunc-table::\n   :subsystem: {}\n   :columns: kfunc\n"
    files = {"calm.kfuncs.yaml": CALM, "new.kfuncs.yaml": NEW}
    files.update({f"of_{name}.rst": table.format(name) for name in ("calm", "new")})
    project = make({"index.rst": toctree("calm", "new", "of_calm", "of_new"), **files})
    project.build()
    project.edit("calm.kfuncs.yaml", "Do bpf_calm.", "Do it calmly.")
    assert project.build().read == ["calm"]
    project.write("calm.kfuncs.yaml", CALM + kfunc("bpf_more"))
    assert project.build().read == ["calm", "of_calm"]


def test_an_interrupted_build_is_made_good(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was read and not written is written by the next build, though no source is newer than its output."""
    use = "Use\n===\n\n.. kfunc-lifecycle:: bpf_old\n"
    project = make(
        {"index.rst": toctree("old", "new", "use"), "old.kfuncs.yaml": OLD, "new.kfuncs.yaml": NEW, "use.rst": use}
    )
    assert "2 releases: last in" in project.build("html").text("use.html")
    project.conf["kfuncdoc_release"] = "v7.2"

    def fail(*_: object) -> None:
        raise RuntimeError("no space is left")

    with monkeypatch.context() as patched:
        patched.setattr(StandaloneHTMLBuilder, "write_doc", fail)
        with pytest.raises(RuntimeError, match="no space is left"):
            project.build("html")
    assert "3 releases: last in" in project.build("html").text("use.html")


def test_what_changes_while_a_build_goes_on_is_found_by_the_next(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    project = make(
        {"index.rst": toctree("far"), "far.rst": PAGES["far.rst"]}, kfuncdoc_data=["../more"], kfuncdoc_pages=""
    )
    outside = str(project.folder / "more" / "outside.kfuncs.yaml")
    project.write(outside, OUTSIDE)

    def load_and_edit(*arguments: Any, **keywords: Any) -> Catalog:
        catalog = load(*arguments, **keywords)
        project.write(outside, OUTSIDE.replace("Do bpf_outside.", "Do it now."))
        return catalog

    with monkeypatch.context() as patched:
        patched.setattr("kfuncdoc.record.load.load", load_and_edit)
        assert "Do bpf_outside." in project.build().text("far.txt")
    build = project.build()
    assert build.read == ["far"]
    assert "Do it now." in build.text("far.txt")


# -- several builders with one folder of doctrees


def test_two_builders_on_one_doctree_folder(make: Make) -> None:
    """What one builder has read again, the other one writes again, though no source is newer than its output."""
    project = make(PAGES, kfuncdoc_data=["../more"], kfuncdoc_pages="")
    project.write(str(project.folder / "more" / "outside.kfuncs.yaml"), OUTSIDE)

    def shown(builder: str, suffix: str) -> list[bool]:
        build = project.build(builder)
        return ["bpf_newest" in build.text(f"{name}.{suffix}") for name in ("old", "one", "all", "link", "plain")]

    assert shown("html", "html") == shown("text", "txt") == [False] * 5
    project.write("new.kfuncs.yaml", NEW + kfunc("bpf_newest"))
    project.edit("old.kfuncs.yaml", "[bpf_new]", "[bpf_newest]")
    # The page of bpf_old has its own time of change, those with its lifecycle and with the table have not.
    assert shown("html", "html") == [True, True, True, False, False]
    assert shown("text", "txt") == [True, True, True, False, False]
    assert shown("html", "html") == [True, True, True, False, False]
    assert project.build("text").read == []


def test_builders_write_again_only_what_they_must(make: Make) -> None:
    project = make(PAGES, kfuncdoc_data=["../more"], kfuncdoc_pages="")
    project.write(str(project.folder / "more" / "outside.kfuncs.yaml"), OUTSIDE)

    def written() -> list[str]:
        folder = project.folder / "text"
        for path in folder.glob("*.txt"):
            os.utime(path, (path.stat().st_atime, 2**31))
        project.build("text")
        return sorted(path.stem for path in folder.glob("*.txt") if path.stat().st_mtime != 2**31)

    project.build("text")
    project.build("html")
    assert written() == []
    project.edit(str(project.folder / "more" / "outside.kfuncs.yaml"), "Do bpf_outside.", "Do it outside.")
    assert project.build("html").read == ["all", "far"]
    # Sphinx adds the page whose table of contents has them.
    assert written() == ["all", "far", "index"]
    assert written() == []


def test_one_builder_with_two_output_folders(make: Make) -> None:
    project = make({"index.rst": "Use\n===\n\n.. kfunc-table::\n"}, kfuncdoc_data=["../more"], kfuncdoc_pages="")
    outside = project.write(str(project.folder / "more" / "outside.kfuncs.yaml"), OUTSIDE)
    for output in ("one", "two"):
        project.build("text", output=output)
    project.edit(str(outside), "Do bpf_outside.", "Do it outside.")
    texts = [project.build("text", output=output).text("index.txt") for output in ("one", "two")]
    assert ["Do it outside." in text for text in texts] == [True, True]


# -- a build in which nothing changed

BUILD_AND_TELL = """\
import json, sys
from sphinx.cmd.build import main

code = main(sys.argv[1:])
names = ["kfuncdoc.sphinxext", "kfuncdoc.record.load", "kfuncdoc.record.model",
         "kfuncdoc.pages.renderer", "kfuncdoc.views.kfunc", "pydantic"]
print(json.dumps([code, [name for name in names if name in sys.modules]]))
"""


@pytest.mark.parametrize("builder", ["html", "text"])
def test_build_without_a_change_loads_nothing(make: Make, builder: str) -> None:
    project = make(PAGES, kfuncdoc_data=["../more"], kfuncdoc_pages="")
    project.write(str(project.folder / "more" / "outside.kfuncs.yaml"), OUTSIDE)
    assert project.run(builder, "-q", "-W").returncode == 0
    arguments = ["-q", "-W", "-b", builder, "-d", str(project.folder / "doctrees"), str(project.source)]

    def imported() -> list[object]:
        result = run_code(BUILD_AND_TELL, *arguments, str(project.folder / builder))
        assert result.stderr == ""
        return json.loads(result.stdout.splitlines()[-1])

    assert imported() == [0, ["kfuncdoc.sphinxext"]]
    project.edit("plain.rst", "Text.", "More text.")
    assert imported() == [0, ["kfuncdoc.sphinxext"]]
    # The test itself can fail:
    project.edit("new.kfuncs.yaml", "Do bpf_new.", "Do it.")
    assert "pydantic" in imported()[1]
