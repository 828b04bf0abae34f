# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The feed: exact, valid by RFC 4287, with ids that stay, the same on every day, and without what is only planned."""

from __future__ import annotations

import datetime
import itertools
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any, Optional

import pytest
from declared import CALENDAR, HOOKS, ROOT, TODAY, catalog_of, entry, subsystem, write_files
from histories import DATES, REAL_RELEASES, kfuncs
from hypothesis import given

from kfuncdoc.base.yaml_text import parse
from kfuncdoc.cli.main import main
from kfuncdoc.kernels.releases import Release
from kfuncdoc.pages.feed import FeedEntry, below, entries, feed
from kfuncdoc.record.address import address
from kfuncdoc.record.catalog import Catalog, Declaration, SubsystemFile
from kfuncdoc.record.lifecycle import assess
from kfuncdoc.record.load import load
from kfuncdoc.record.model import Header
from kfuncdoc.record.snapshot import Snapshot
from kfuncdoc.views.kfunc import KfuncViews

ATOM = "{http://www.w3.org/2005/Atom}"
SAID = "said_in: kernel/a.c, reason: It is slow."
ADDED = "release: v6.2, event: added"

SHELF = subsystem(
    entry("shelf_lift", ADDED, "release: v7.3, event: removed, renamed_to: shelf_raise, note: Nobody lifted.")
    + entry("shelf_raise", "release: v6.13, event: added")
    + entry("shelf_turn", ADDED,
            "release: v7.3, event: changed, breaking: true, was: {prototype: int shelf_turn(void)}",
            prototype="long shelf_turn(void)")
    + entry("shelf_drop", ADDED, f"release: v7.2, event: deprecated, removal: v7.5, {SAID}, "
            "replacement: [{name: shelf_raise, when: it is ``empty``}, {other: 'a < b & c', when: it is full}]"),
    name="shelf",
)  # fmt: skip
BOX = subsystem(
    entry("box_a", ADDED, "release: v7.2..v7.3, event: changed, avoid_before: true, behaviour: It no longer leaks.")
    + entry("box_b", ADDED, f"release: v6.19, event: deprecated, removal: v6.23, {SAID}, no_replacement: Nothing does.",
            "release: v7.3, event: withdrawn, reason: Too many call it")
    + entry("box_c", ADDED, "release: v7.3, event: changed, was: {flags: []}", flags="[KF_RCU]"),
    name="box",
)  # fmt: skip

EXACT = """\
<?xml version='1.0' encoding='UTF-8'?>
<feed xmlns="http://www.w3.org/2005/Atom">
  <id>urn:uuid:d97bca14-4dde-5866-9bdf-738d5c01a4f2</id>
  <title>BPF kernel functions (kfuncs)</title>
  <updated>2026-08-16T00:00:00+00:00</updated>
  <author>
    <name>kfuncdoc</name>
  </author>
  <link href="https://example.org/index.html" rel="alternate" type="text/html"/>
  <link href="https://example.org/kfuncs.atom" rel="self" type="application/atom+xml"/>
  <generator>kfuncdoc</generator>
  <subtitle>What was removed, changed in a way that callers notice, or deprecated.</subtitle>
  <entry>
    <id>urn:uuid:7ee2b949-d7c0-5800-92ba-e10c9e92660c</id>
    <title>v7.2: shelf_drop deprecated (shelf)</title>
    <updated>2026-08-16T00:00:00+00:00</updated>
    <content type="html">&lt;ul&gt;&lt;li&gt;\
&lt;a href="https://example.org/shelf.html#kfunc-shelf-drop"&gt;shelf_drop&lt;/a&gt;: \
deprecated since v7.2: removal, announced for v7.5; instead: shelf_raise (it is empty), \
or a &amp;lt; b &amp;amp; c (it is full). It is slow.&lt;/li&gt;&lt;/ul&gt;</content>
    <link href="https://example.org/shelf.html#kfunc-shelf-drop"/>
    <category term="shelf"/>
  </entry>
</feed>
"""


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    return catalog_of(tmp_path, shelf=SHELF, box=BOX)


def pages_of(catalog: Catalog, release: str = "v7.3", date: datetime.date = TODAY) -> KfuncViews:
    return KfuncViews(Snapshot(catalog, catalog.calendar[release], date))


def written(pages: KfuncViews, base_url: str = "https://example.org/") -> str:
    def where(name: str) -> Optional[str]:
        return below(base_url, f"{pages.catalog.entries[name][0].page}.html#{address(name)}")

    return feed(pages, where=where, home=below(base_url, "index.html"), own=below(base_url, "kfuncs.atom"))


def told(pages: KfuncViews) -> list[tuple[str, dict[str, tuple[str, ...]]]]:
    """Return of each entry the title, and what is told with the kfuncs that it is told of."""
    return [(entry.title, dict(entry.statements)) for entry in entries(pages)]


def ids(pages: KfuncViews) -> dict[str, str]:
    return {entry.id: entry.title for entry in entries(pages)}


def run(*arguments: str, **environment: str) -> str:
    """Run ``kfuncdoc feed`` and return what it prints."""
    command = [sys.executable, "-m", "kfuncdoc", "feed", *arguments]
    variables = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path]), **environment}
    done = subprocess.run(command, env=variables, capture_output=True, encoding="utf-8", check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


# -- what is told


def test_what_is_told_and_in_which_order(catalog):
    """By release, the newest first; then by what happened, and by subsystem."""
    assert told(pages_of(catalog)) == [
        (
            "v7.3: shelf_lift removed (shelf)",
            {"gone from v7.3, without notice; instead: shelf_raise. Nobody lifted.": ("shelf_lift",)},
        ),
        (
            "v7.3: box_a changed in a way that callers notice (box)",
            {
                "v7.3 at the latest, after v7.2: It no longer leaks. "
                "Not to be called before v7.3 at the latest, after v7.2.": ("box_a",)
            },
        ),
        (
            "v7.3: shelf_turn changed in a way that callers notice (shelf)",
            {"It was int shelf_turn(void), and is long shelf_turn(void).": ("shelf_turn",)},
        ),
        (
            "v7.3: box_b no longer deprecated (box)",
            {"the deprecation is withdrawn. Too many call it.": ("box_b",)},
        ),
        (
            "v7.2: shelf_drop deprecated (shelf)",
            {
                "deprecated since v7.2: removal, announced for v7.5; instead: shelf_raise (it is empty), "
                "or a < b & c (it is full). It is slow.": ("shelf_drop",)
            },
        ),
        (
            "v6.19: box_b deprecated (box)",
            {
                "deprecated since v6.19: removal, announced for v6.23, which is v7.3; "
                "nothing replaces it: Nothing does. It is slow.": ("box_b",)
            },
        ),
    ]


def test_alike_is_told_once(tmp_path):
    changed = "release: v7.0, event: changed, breaking: true, behaviour: {}"
    text = subsystem(
        "".join(entry(f"box_{name}", ADDED, changed.format("It waits.")) for name in "dbac")
        + entry("box_e", ADDED, changed.format("It sleeps."), changed.format("It waits."))
    )
    assert told(pages_of(catalog_of(tmp_path, box=text))) == [
        (
            "v7.0: 5 kfuncs changed in a way that callers notice (demo)",
            {"It waits.": ("box_a", "box_b", "box_c", "box_d", "box_e"), "It sleeps.": ("box_e",)},
        )
    ]


@pytest.mark.parametrize(
    ("names", "who"),
    [("a", "box_a"), ("ab", "box_a and box_b"), ("abc", "box_a, box_b and box_c"), ("abcd", "4 kfuncs")],
)
def test_titles_name_up_to_three(tmp_path, names, who):
    text = subsystem("".join(entry(f"box_{name}", ADDED, "release: v7.0, event: removed, no_replacement: It burnt.")
                             for name in names))  # fmt: skip
    assert [title for title, _ in told(pages_of(catalog_of(tmp_path, box=text)))] == [f"v7.0: {who} removed (demo)"]


def test_what_went_is_told_with_what_came_before_it(tmp_path):
    """A removal need not say again what to call instead."""
    plan = f"event: deprecated, removal: v7.0, {SAID}, renamed_to: box_new"
    text = subsystem(
        entry("box_new", ADDED)
        + entry("box_a", ADDED, f"release: v6.9, {plan}", "release: v7.0, event: removed")
        + entry("box_b", ADDED, "release: v6.9, event: superseded, replacement: [box_new], said_in: a.c",
                "release: v7.1, event: removed")
    )  # fmt: skip
    removals = [words for title, words in told(pages_of(catalog_of(tmp_path, box=text))) if "removed" in title]
    assert removals == [
        {"gone from v7.1, superseded since v6.9; instead: box_new.": ("box_b",)},
        {"gone from v7.0, deprecated since v6.9; instead: box_new.": ("box_a",)},
    ]


def test_a_deprecation_that_is_restated_is_no_news(tmp_path):
    text = subsystem(
        entry("box_a", ADDED, f"release: v6.9, event: deprecated, removal: v7.0, {SAID}, no_replacement: It burnt.",
              "release: v6.12, event: deprecated, removal: v7.2")
    )  # fmt: skip
    assert told(pages_of(catalog_of(tmp_path, box=text))) == [
        (
            "v6.9: box_a deprecated (demo)",
            {
                "deprecated since v6.9: removal, announced for v7.0; nothing replaces it: It burnt. It is slow.": (
                    "box_a",
                )
            },
        ),
    ]


def test_plans_are_no_news(catalog):
    """No entry is about a release to come, and none comes when an announced release is out."""
    newest = pages_of(catalog)
    assert {entry.release for entry in entries(newest)} <= set(catalog.calendar.real)
    assert "v7.5" not in "".join(entry.title for entry in entries(newest))
    assert told(pages_of(catalog, "v7.2")) == [each for each in told(newest) if not each[0].startswith("v7.3")]
    assert told(pages_of(catalog, "v7.1")) == [each for each in told(newest) if each[0].startswith("v6.")]


def test_what_callers_do_not_notice_is_no_news(tmp_path):
    text = subsystem(
        entry("box_a", ADDED, "release: v7.0, event: changed, was: {flags: [KF_RCU], source: a.c}")
        + entry("box_new", "release: v6.2, event: added")
        + entry("box_b", ADDED, "release: v7.0, event: superseded, replacement: [box_new], said_in: a.c")
    )
    assert told(pages_of(catalog_of(tmp_path, box=text))) == []


def test_the_newest_hundred_or_two_years(tmp_path):
    """Whichever is more."""
    many = {
        f"s{number}": subsystem(
            entry(f"old_{number}", ADDED, "release: v6.5, event: removed, no_replacement: It burnt.")
            + entry(f"new_{number}", ADDED, "release: v7.0, event: removed, no_replacement: It burnt."),
            name=f"s{number}",
        )
        for number in range(120)
    }
    few = {name: many[name] for name in list(many)[:60]}
    for texts, releases in ((many, {"v7.0": 120}), (few, {"v7.0": 60, "v6.5": 40})):
        found = [entry.release.name for entry in entries(pages_of(catalog_of(tmp_path, **texts)))]
        assert {release: found.count(release) for release in found} == releases


# -- Atom


def test_exact_feed(tmp_path):
    assert written(pages_of(catalog_of(tmp_path, shelf=SHELF), "v7.2")) == EXACT


def checked(text: str) -> ET.Element:
    """Return the feed *text*, which keeps to the rules of RFC 4287 that a reader relies on."""
    root = ET.fromstring(text)
    assert root.tag == f"{ATOM}feed"
    told = root.findall(f"{ATOM}entry")
    for element in (root, *told):
        for name in ("id", "title", "updated"):
            assert len(element.findall(ATOM + name)) == 1
            assert element.findtext(ATOM + name)
        assert re.fullmatch(r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}", id_of(element))
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT00:00:00\+00:00", updated_of(element))
        links = [(each.get("rel", "alternate"), each.get("type")) for each in element.findall(f"{ATOM}link")]
        assert len(links) == len(set(links))
    assert root.findtext(f"{ATOM}author/{ATOM}name")
    assert {each.get("rel") for each in root.findall(f"{ATOM}link")} == {"self", "alternate"}
    assert len({id_of(element) for element in (root, *told)}) == len(told) + 1
    assert [updated_of(each) for each in told] == sorted(map(updated_of, told), reverse=True)
    if told:
        assert updated_of(root) == updated_of(told[0])
    for each in told:
        (content,) = each.findall(f"{ATOM}content")
        assert content.get("type") == "html"
        shown = ET.fromstring(content.text or "")
        assert (shown.tag, {item.tag for item in shown}) == ("ul", {"li"})
    return root


def id_of(element: ET.Element) -> str:
    return element.findtext(f"{ATOM}id") or ""


def updated_of(element: ET.Element) -> str:
    return element.findtext(f"{ATOM}updated") or ""


def test_feed_is_valid(catalog):
    root = checked(written(pages_of(catalog)))
    assert len(root.findall(f"{ATOM}entry")) == 6


@pytest.mark.process
def test_feed_of_the_packaged_record_is_valid():
    assert len(checked(run("--date", "2026-11-01")).findall(f"{ATOM}entry")) > 40


def test_feed_of_nothing_is_valid(tmp_path):
    root = checked(written(pages_of(catalog_of(tmp_path, box=subsystem(entry("box_a", ADDED))))))
    assert updated_of(root) == "2026-10-25T00:00:00+00:00"


def test_every_kfunc_has_a_link_to_its_section(tmp_path):
    """In the text; an entry about several leads to the page that has them."""
    gone = "release: v7.0, event: removed, no_replacement: It burnt."
    text = subsystem(entry("box_a", ADDED, gone) + entry("box__b", ADDED, gone))
    catalog = catalog_of(tmp_path, box=text)
    (told,) = checked(written(pages_of(catalog), "")).findall(f"{ATOM}entry")
    shown = ET.fromstring(told.findtext(f"{ATOM}content") or "")
    assert [link.get("href") for link in shown.iter("a")] == ["box.html#kfunc-box-u2-b", "box.html#kfunc-box-a"]
    assert [link.get("href") for link in told.findall(f"{ATOM}link")] == ["box.html"]


def test_kfunc_without_a_page_has_no_link(catalog):
    text = feed(pages_of(catalog), where=lambda name: None, home="index.html", own="kfuncs.atom")
    assert {each.get("href") for each in checked(text).iter(f"{ATOM}link")} == {"index.html", "kfuncs.atom"}
    assert "href=" not in "".join(each.text or "" for each in checked(text).iter(f"{ATOM}content"))


def test_what_xml_cannot_hold_is_replaced(tmp_path):
    gone = 'release: v7.0, event: removed, no_replacement: "It \\x01 \\ufffe burnt \\U0001f525."'
    (told,) = checked(written(pages_of(catalog_of(tmp_path, box=subsystem(entry("box_a", ADDED, gone)))))).findall(
        f"{ATOM}entry"
    )
    assert "It \ufffd \ufffd burnt \U0001f525." in (told.findtext(f"{ATOM}content") or "")


# -- ids


def test_ids_stay_when_the_record_grows_and_is_reworded(catalog, tmp_path):
    before = ids(pages_of(catalog))
    more = tmp_path / "more"
    more.mkdir()
    changed = "release: v7.3, event: changed, breaking: true, behaviour: It waits."
    box = BOX.replace("It no longer leaks.", "No leak is left.").replace("kfuncs:\n", "kfuncs:\n" + "".join(
        f"  {line}\n" for line in entry("a_box", ADDED, changed).splitlines()
    ))  # fmt: skip
    crate = subsystem(entry("crate_a", ADDED, changed), name="crate")
    after = ids(pages_of(catalog_of(more, crate=crate, shelf=SHELF, box=box)))
    assert before.keys() < after.keys()
    (new,) = after.keys() - before.keys()
    assert after[new] == "v7.3: crate_a changed in a way that callers notice (crate)"
    assert "v7.3: a_box and box_a changed in a way that callers notice (box)" in after.values()


def test_ids_stay_whatever_the_release_and_the_place(catalog):
    everything = ids(pages_of(catalog))
    assert len(everything) == 6
    for release in ("v6.19", "v7.2"):
        assert ids(pages_of(catalog, release)).items() < everything.items()
    found = [set(re.findall("<id>(.*)</id>", written(pages_of(catalog), url))) for url in ("", "https://example.net/a")]
    assert found[0] == found[1]


def test_ids_are_these():
    """Readers know by them what they have read: they must never change."""
    removed, changed = (FeedEntry(CALENDAR["v7.0"], kind, "sched_ext", ()).id for kind in ("removed", "changed"))
    assert removed == "urn:uuid:44809c0e-cce0-57ea-a401-e1b5d305961e"
    assert changed == "urn:uuid:851b841f-7cd6-5318-b332-8d1b51cb15a3"


# -- the same bytes


def test_another_day_changes_nothing(catalog):
    """The feed is as of a release; what is late or still maintained by then is not in it."""
    days = (datetime.date(2020, 1, 1), TODAY, datetime.date(2040, 1, 1), datetime.date.min, datetime.date.max)
    assert len({written(pages_of(catalog, date=day)) for day in days}) == 1


@pytest.mark.process
def test_surroundings_change_nothing(tmp_path):
    shelf, box = write_files(tmp_path, {"shelf": SHELF, "box": BOX})
    arguments = ["--data", shelf, "--data", box, "--release", "v7.3"]
    texts = {
        run(*arguments, PYTHONHASHSEED=seed, TZ=zone, LC_ALL=locale, LANG=locale)
        for seed, zone, locale in (("0", "UTC", "C"), ("7", "Pacific/Kiritimati", "C.UTF-8"), ("1", "EST5", "POSIX"))
    }
    assert len(texts) == 1


def test_order_of_files_changes_nothing(tmp_path):
    names = {"shelf": SHELF, "box": BOX}
    paths = write_files(tmp_path, names)
    texts = {written(pages_of(load(order))) for order in (paths, list(reversed(paths)))}
    assert len(texts) == 1


# -- the command


def test_command(tmp_path, capsys):
    (path,) = write_files(tmp_path, {"shelf": SHELF})
    arguments = ["feed", "--data", path, "--release", "v7.2", "--base-url", "https://example.org"]
    assert main(arguments) == 0
    assert capsys.readouterr() == (EXACT, "")
    assert main([*arguments, "-o", str(tmp_path / "out.atom")]) == 0
    assert (tmp_path / "out.atom").read_text(encoding="utf-8") == EXACT


def test_command_without_the_library(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "feedgen", None)
    monkeypatch.delitem(sys.modules, "feedgen.feed", raising=False)
    assert main(["feed", "--data", *write_files(tmp_path, {"shelf": SHELF})]) == 2
    told = "kfuncdoc: feeds need feedgen, which comes with kfuncdoc[feed]: pip install '.[feed]' in a clone\n"
    assert capsys.readouterr() == ("", told)


# -- any history


@given(kfuncs(), REAL_RELEASES, DATES)
def test_any_valid_history_is_told(kfunc: Any, release: Release, date: datetime.date) -> None:
    """Each event that callers notice once, with its release, as long as a hundred are not exceeded."""
    source = parse("demo.kfuncs.yaml", "kfuncs: []")
    header = Header(subsystem="demo", title="Demo", recorded="v7.3")
    declared = SubsystemFile(source.path, "demo", header, CALENDAR["v7.3"], (Declaration(kfunc, source, 0),), source)
    pages = KfuncViews(Snapshot(Catalog(CALENDAR, {}, HOOKS, (declared,)), release, date))
    root = checked(written(pages))
    events = [step for step in assess(kfunc, CALENDAR, release, date).steps if noticed(step.event)]
    wanted = {(step.when.by, step.event.event) for step in events}
    assert {(entry.release, entry.kind) for entry in entries(pages)} == wanted
    assert len(root.findall(f"{ATOM}entry")) == len(wanted)
    assert set(itertools.chain(*(entry.kfuncs for entry in entries(pages)))) == ({kfunc.name} if wanted else set())


def noticed(event: Any) -> bool:
    if event.event == "changed":
        return bool(event.breaking or event.avoid_before)
    return event.event in ("removed", "deprecated", "withdrawn")
