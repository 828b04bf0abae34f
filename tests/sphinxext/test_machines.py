# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The files for machines beside the pages: what is in them, what links to them, and when they are written."""

from __future__ import annotations

import json
import os
import re
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any, Callable, Iterator
from urllib.parse import unquote, urldefrag

import jsonschema
import pytest
from projects import (
    BASIC_OVERVIEWS,
    FOR_EVERY_BUILDER,
    Build,
    Project,
    declarations,
    deprecated,
    kfunc,
    removed,
    run_code,
    snapshot,
    toctree,
)
from sphinx.builders.html import StandaloneHTMLBuilder
from sphinx.errors import ConfigError

Make = Callable[..., Project]

ATOM = "{http://www.w3.org/2005/Atom}"
FILES = ("kfuncs.atom", "kfuncs.json", "kfuncs.schema.json")
TASK = declarations("task", kfunc("bpf_old", deprecated("v7.0", "v7.5", "bpf_new")), kfunc("bpf_new", added="v6.5"))
SOCK = declarations(
    "sock",
    kfunc("bpf_gone", deprecated("v7.0", "v7.1", "bpf_new"), removed("v7.1")),
    kfunc("bpf__went", removed("v7.1") + ", no_replacement: It burnt."),
)
USE = "Use\n===\n\nSee :kfunc:`bpf_old`.\n"
PLAIN = "Plain\n=====\n\nText.\n"
PAGES = {"index.rst": toctree("kfuncs/index", "deep/use", "plain"), "deep/use.rst": USE, "plain.rst": PLAIN}

#: The page on which a document is, by builder.
PLACES = {"html": "{}.html", "dirhtml": "{}/index.html", "singlehtml": "index.html"}


def project_of(make: Make, files: dict[str, str] = PAGES, **conf: Any) -> Project:
    """Return a project with two declaration files outside its source directory, and a feed."""
    project = make(files, **{"kfuncdoc_data": ["../more"], "kfuncdoc_feed": True, **conf})
    project.write(str(project.folder / "more" / "task.kfuncs.yaml"), TASK)
    project.write(str(project.folder / "more" / "sock.kfuncs.yaml"), SOCK)
    return project


def page(build: Build, docname: str) -> str:
    """Return the path of the page of a document from the root of the output on."""
    overview = docname.endswith("index") and build.app.builder.name == "dirhtml"
    return f"{docname}.html" if overview else PLACES[build.app.builder.name].format(docname)


def target(build: Build, place: str, link: str) -> Path:
    """Return the file to which *link* leads from the file at *place*; one of a folder is its index."""
    path = Path(os.path.normpath(build.output / os.path.dirname(place) / unquote(urldefrag(link).url)))
    return path / "index.html" if path.is_dir() else path


def alternates(text: str) -> dict[str, str]:
    """Return the links in the head of a page to other forms of it, by their media type."""
    links = re.findall(r'<link rel="alternate" type="([^"]*)" title="[^"]*" href="([^"]*)" />', text)
    assert len(links) == text.count('rel="alternate"')
    return dict(links)


def links_of_feed(text: str) -> Iterator[str]:
    """Yield every link of a feed but that to itself, those in the text of its entries too."""
    root = ET.fromstring(text)
    yield from (link.get("href") or "" for link in root.iter(f"{ATOM}link") if link.get("rel") != "self")
    for content in root.iter(f"{ATOM}content"):
        yield from (link.get("href") or "" for link in ET.fromstring(content.text or "").iter("a"))


# -- what there is


@pytest.mark.parametrize("builder", PLACES)
@pytest.mark.parametrize("jobs", [1, 2])
def test_files_and_what_leads_to_them(make: Make, builder: str, jobs: int) -> None:
    build = project_of(make).build(builder, jobs=jobs)
    folder = build.output / "kfuncs"
    assert sorted(path.name for path in folder.iterdir() if path.suffix in (".atom", ".json")) == list(FILES)
    for docname in ("kfuncs/index", "kfuncs/task", "deep/use"):
        place = page(build, docname)
        text = build.text(place)
        leads = {kind: target(build, place, link) for kind, link in alternates(text).items()}
        assert leads == {"application/json": folder / "kfuncs.json", "application/atom+xml": folder / "kfuncs.atom"}
        # What Sphinx put there is there still.
        assert '<meta name="viewport"' in text
    place = page(build, "kfuncs/index")
    shown = re.findall(r"(?s)For machines: .*?</p>", build.text(place))
    assert len(shown) == 1
    links = re.findall('href="([^"]*)"', shown[0])
    assert [target(build, place, link) for link in links] == [
        folder / "kfuncs.json", folder / "kfuncs.schema.json", folder / "kfuncs.atom",
    ]  # fmt: skip
    assert re.sub("<[^>]*>", "", shown[0]) == (
        "For machines: the record as JSON of this schema, and what happened as an Atom feed."
    )


@pytest.mark.parametrize("builder", PLACES)
def test_links_of_the_feed_lead_to_sections(make: Make, builder: str) -> None:
    build = project_of(make).build(builder)
    links = list(links_of_feed(build.text("kfuncs/kfuncs.atom")))
    for link in links:
        path = target(build, "kfuncs/kfuncs.atom", link)
        assert path.is_file()
        fragment = urldefrag(link).fragment
        assert not fragment or f'id="{fragment}"' in path.read_text(encoding="utf-8")
    assert {urldefrag(link).fragment for link in links} == {
        "", "kfunc-bpf-old", "kfunc-bpf-gone", "kfunc-bpf-u2-went",
    }  # fmt: skip


@pytest.mark.parametrize(("builder", "section"), [("html", "task.html"), ("dirhtml", "task/")])
@pytest.mark.parametrize("base_url", ["https://example.org/docs/", "https://example.org/docs"])
def test_links_of_the_feed_are_absolute_where_the_site_is_known(
    make: Make, builder: str, section: str, base_url: str
) -> None:
    text = project_of(make, html_baseurl=base_url).build(builder).text("kfuncs/kfuncs.atom")
    assert f'<link href="https://example.org/docs/kfuncs/{section}#kfunc-bpf-old"/>' in text
    assert 'href="https://example.org/docs/kfuncs/kfuncs.atom" rel="self"' in text
    assert all(link.startswith("https://example.org/docs/kfuncs/") for link in links_of_feed(text))


def test_feed_that_is_relative_knows_itself(make: Make) -> None:
    assert '<link href="kfuncs.atom" rel="self"' in project_of(make).build("html").text("kfuncs/kfuncs.atom")


def test_ids_are_the_same_wherever_the_site_is(make: Make) -> None:
    texts = [
        project_of(make, html_baseurl=base_url).build(builder).text("kfuncs/kfuncs.atom")
        for base_url, builder in (("", "html"), ("https://example.org", "dirhtml"))
    ]
    ids = [re.findall("<id>(.*?)</id>", text) for text in texts]
    assert ids[0] == ids[1]
    assert len(ids[0]) == 1 + 3


def test_record_is_valid_by_the_schema_beside_it(make: Make) -> None:
    build = project_of(make, kfuncdoc_release="v7.0").build("html")
    record, schema = (json.loads(build.text(f"kfuncs/kfuncs{suffix}.json")) for suffix in ("", ".schema"))
    jsonschema.Draft202012Validator(schema).validate(record)
    assert (record["release"], record["date"]) == ("v7.0", "2026-11-01")
    assert {each["name"]: each["stability"] for each in record["kfuncs"]} == {
        "bpf__went": "present", "bpf_gone": "deprecated", "bpf_new": "present", "bpf_old": "deprecated",
    }  # fmt: skip


def test_faults_cost_their_own_entry(make: Make) -> None:
    project = project_of(make)
    path = project.write(
        str(project.folder / "more" / "odd.kfuncs.yaml"), declarations("odd", kfunc("bpf_odd", size="1"))
    )
    build = project.build("html", expected=[f"{path}:8:3: WARNING: unknown key 'size' [kfuncdoc.unknown-key]"])
    names = [each["name"] for each in json.loads(build.text("kfuncs/kfuncs.json"))["kfuncs"]]
    assert names == ["bpf__went", "bpf_gone", "bpf_new", "bpf_old"]


# -- where there is none of it


@pytest.mark.parametrize("builder", ["text", "latex", "epub", "xml", "texinfo", "linkcheck"])
def test_no_other_builder_has_them(make: Make, builder: str) -> None:
    """Though it may find the doctrees of one that has."""
    project = project_of(make, **FOR_EVERY_BUILDER)
    project.build("html")
    build = project.build(builder)
    assert [path for path in build.output.rglob("kfuncs.*") if path.suffix in (".atom", ".json")] == []
    written = b"".join(snapshot(build.output, without=[r".*\.epub"]).values())
    assert b"For machines" not in written
    assert b"kfuncs.json" not in written


@pytest.mark.parametrize(
    ("conf", "files", "words"),
    [
        ({"kfuncdoc_feed": False}, ["kfuncs.json", "kfuncs.schema.json"], "the record as JSON of this schema."),
        ({"kfuncdoc_export": False}, ["kfuncs.atom"], "what happened as an Atom feed."),
        ({"kfuncdoc_export": False, "kfuncdoc_feed": "0"}, [], None),
    ],
)
def test_options(make: Make, conf: dict[str, Any], files: list[str], words: str) -> None:
    build = project_of(make, **conf).build("html")
    folder = build.output / "kfuncs"
    assert sorted(path.name for path in folder.iterdir() if path.suffix in (".atom", ".json")) == files
    text = build.text("kfuncs/index.html")
    shown = re.findall("(?s)For machines: (.*?)</p>", text)
    assert [re.sub("<[^>]*>", "", each) for each in shown] == ([words] if words else [])
    assert [link.rpartition("/")[2] for link in alternates(text).values()] == [
        name for name in ("kfuncs.json", "kfuncs.atom") if name in files
    ]


def test_pages_that_show_nothing_have_none_of_it(make: Make) -> None:
    """Byte for byte; those that show something have no more than the two links in their heads."""
    files = {"index.rst": toctree("task", "use", "plain"), "task.kfuncs.yaml": TASK, "use.rst": USE, "plain.rst": PLAIN}
    texts = [
        {name: text.decode() for name, text in snapshot(build.output).items() if re.fullmatch("[a-z]+[.]html", name)}
        for build in (make(files, kfuncdoc_export=on, kfuncdoc_feed=on).build("html") for on in (False, True))
    ]
    without, with_it = texts
    assert {name for name in with_it if with_it[name] != without[name]} == {"task.html", "use.html"}
    for name, text in with_it.items():
        assert re.sub(r'\n<link rel="alternate"[^>]*>', "", text) == without[name]


@pytest.mark.parametrize("conf", [{"kfuncdoc_pages": ""}, {"exclude_patterns": ["kfuncs"]}, {"kfuncdoc_data": []}])
def test_no_pages_no_files(make: Make, conf: dict[str, Any]) -> None:
    files = {"index.rst": "Use\n===\n\n.. kfunc-table::\n"}
    build = project_of(make, files, **conf).build("html")
    assert [path.name for path in build.output.rglob("kfuncs*")] == []
    assert alternates(build.text("index.html")) == {}


def test_feed_without_its_library(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "feedgen", None)
    project = project_of(make)
    with pytest.raises(ConfigError) as raised:
        project.build("html")
    assert str(raised.value) == (
        "kfuncdoc_feed: feeds need feedgen, which comes with kfuncdoc[feed]: pip install '.[feed]' in a clone"
    )
    project.conf["kfuncdoc_feed"] = False
    assert (project.build("html").output / "kfuncs" / "kfuncs.json").is_file()


# -- where the pages are


@pytest.mark.parametrize(
    ("folder", "contents"),
    [("bpf/k f/", ["bpf/k f/index"]), (".", ["task", "sock", "deprecated", "removed", "changes"])],
)
@pytest.mark.parametrize("builder", PLACES)
def test_another_folder(make: Make, builder: str, folder: str, contents: list[str]) -> None:
    files = {"index.rst": toctree(*contents, "deep/use"), "deep/use.rst": USE}
    overviews = list(BASIC_OVERVIEWS)
    build = project_of(make, files, kfuncdoc_pages=folder, kfuncdoc_overviews=overviews).build(builder)
    place = page(build, "deep/use")
    leads = [target(build, place, link) for link in alternates(build.text(place)).values()]
    assert leads == [build.output / folder / "kfuncs.json", build.output / folder / "kfuncs.atom"]
    assert all(path.is_file() for path in leads)
    own = os.path.join(folder, "kfuncs.atom")
    assert all(target(build, own, link).is_file() for link in links_of_feed(leads[1].read_text(encoding="utf-8")))


def test_declarations_among_the_documents(make: Make) -> None:
    """The folder is that of kfuncdoc_pages, and the page about all is the first of the site."""
    files = {"index.rst": toctree("own/task", "use"), "own/task.kfuncs.yaml": TASK, "use.rst": USE}
    build = make(files, kfuncdoc_feed=True).build("html")
    assert alternates(build.text("own/task.html"))["application/json"] == "../kfuncs/kfuncs.json"
    assert list(links_of_feed(build.text("kfuncs/kfuncs.atom"))) == [
        "../index.html", "../own/task.html#kfunc-bpf-old", "../own/task.html#kfunc-bpf-old",
    ]  # fmt: skip


# -- when they are written


def touched(build: Build) -> list[str]:
    """Return which of the files were written since this was asked for the last time."""
    found = []
    for name in FILES:
        path = build.output / "kfuncs" / name
        if path.stat().st_mtime != 1:
            found.append(name)
        os.utime(path, (1, 1))
    return found


def test_only_what_differs_is_written(make: Make) -> None:
    project = project_of(make)
    task = str(project.folder / "more" / "task.kfuncs.yaml")
    assert touched(project.build("html")) == list(FILES)
    assert touched(project.build("html")) == []
    project.write(task, f"# A comment.\n{TASK}")
    assert touched(project.build("html")) == []
    project.edit(task, "Do bpf_new.", "Do it.")
    assert touched(project.build("html")) == ["kfuncs.json"]
    project.edit(task, "It is slow.", "It is slower.")
    assert touched(project.build("html")) == ["kfuncs.atom", "kfuncs.json"]
    # The day is in the record, and in no feed.
    project.conf["kfuncdoc_date"] = "2026-11-02"
    assert touched(project.build("html")) == ["kfuncs.json"]
    project.conf["html_baseurl"] = "https://example.org"
    assert touched(project.build("html")) == ["kfuncs.atom"]
    assert touched(project.build("html")) == []


def test_what_was_taken_away_comes_back(make: Make) -> None:
    project = project_of(make)
    build = project.build("html")
    before = snapshot(build.output / "kfuncs")
    touched(build)
    (build.output / "kfuncs" / "kfuncs.json").unlink()
    assert touched(project.build("html")) == ["kfuncs.json"]
    assert snapshot(build.output / "kfuncs") == before


def test_every_output_folder_has_its_own(make: Make) -> None:
    project = project_of(make)
    for builder, output in (("html", "one"), ("html", "two"), ("dirhtml", "three")):
        assert touched(project.build(builder, output=output)) == list(FILES)
        assert touched(project.build(builder, output=output)) == []
    project.edit(str(project.folder / "more" / "task.kfuncs.yaml"), "Do bpf_new.", "Do it.")
    for builder, output in (("html", "one"), ("html", "two"), ("dirhtml", "three")):
        assert touched(project.build(builder, output=output)) == ["kfuncs.json"]


def test_build_that_fails_writes_none(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    project = project_of(make)

    def fail(self: StandaloneHTMLBuilder) -> None:
        raise ConfigError("no room")

    with monkeypatch.context() as patched:
        patched.setattr(StandaloneHTMLBuilder, "finish", fail)
        with pytest.raises(ConfigError, match="no room"):
            project.build("html")
    folder = project.folder / "html" / "kfuncs"
    assert not (folder / "kfuncs.json").exists()
    project.build("html")
    assert (folder / "kfuncs.json").is_file()


def test_option_reaches_every_page_that_shows_something(make: Make) -> None:
    """Only the overview has it in its text, and is read again."""
    project = project_of(make, kfuncdoc_feed=False)
    project.build("html")
    for feed in (True, False):
        project.conf["kfuncdoc_feed"] = feed
        build = project.build("html")
        assert build.read == ["kfuncs/index"]
        for name in ("kfuncs/index", "kfuncs/task", "deep/use"):
            assert ("application/atom+xml" in alternates(build.text(f"{name}.html"))) == feed
        assert ("Atom feed" in build.text("kfuncs/index.html")) == feed


BUILD_AND_TELL = """\
import json, sys
from sphinx.cmd.build import main

code = main(sys.argv[1:])
names = [
    "kfuncdoc.sphinxext", "kfuncdoc.record.load", "kfuncdoc.pages.export", "kfuncdoc.pages.feed", "feedgen", "pydantic",
]
print(json.dumps([code, [name for name in names if name in sys.modules]]))
"""


@pytest.mark.parametrize("builder", PLACES)
def test_build_without_a_change_loads_nothing(make: Make, builder: str) -> None:
    project = project_of(make)
    assert project.run(builder, "-q", "-W").returncode == 0
    output = project.folder / builder
    before = snapshot(output / "kfuncs")
    arguments = ["-q", "-W", "-b", builder, "-d", str(project.folder / "doctrees"), str(project.source), str(output)]

    def imported() -> list[object]:
        result = run_code(BUILD_AND_TELL, *arguments)
        assert result.stderr == ""
        return json.loads(result.stdout.splitlines()[-1])

    assert imported() == [0, ["kfuncdoc.sphinxext"]]
    project.edit("plain.rst", "Text.", "More text.")
    assert imported() == [0, ["kfuncdoc.sphinxext"]]
    assert snapshot(output / "kfuncs", without=[r".*\.html"]).items() <= before.items()
    # The test itself can fail:
    (output / "kfuncs" / "kfuncs.atom").unlink()
    assert imported() == [
        0,
        ["kfuncdoc.sphinxext", "kfuncdoc.record.load", "kfuncdoc.pages.export", "kfuncdoc.pages.feed", "feedgen",
         "pydantic"],
    ]  # fmt: skip
