# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Any two releases compared at once, against difference(); the pages of releases, and the data of the picker.

The pages that are expected of ``pages/shelf.yaml`` are in ``pages/``, with its licence in their first line.  Run as a
program, this module writes them anew, for the difference to be read.
"""

from __future__ import annotations

import gzip
import itertools
import json
import re
import tempfile
from pathlib import Path
from typing import Any, Iterator

import pytest
from declared import CALENDAR, HOOKS, TESTS, TODAY, catalog_of, entry, subsystem
from docutils.core import publish_doctree
from histories import DATES, NAME, kfuncs
from hypothesis import given
from hypothesis import strategies as st

from kfuncdoc.base.resources import packaged
from kfuncdoc.base.yaml_text import parse
from kfuncdoc.kernels.releases import Release
from kfuncdoc.pages.renderer import Renderer
from kfuncdoc.pages.rst import plain
from kfuncdoc.pages.site_map import OVERVIEWS, Page, SiteMap, site_of
from kfuncdoc.record.address import address
from kfuncdoc.record.catalog import Catalog, Declaration, SubsystemFile
from kfuncdoc.record.declaration_files import find
from kfuncdoc.record.load import load
from kfuncdoc.record.model import Header, Kfunc
from kfuncdoc.record.snapshot import Snapshot
from kfuncdoc.views import any_two
from kfuncdoc.views import difference as difference_module
from kfuncdoc.views.any_two import all_differences, as_json, first_releases
from kfuncdoc.views.difference import ChangeKind, Difference, difference
from kfuncdoc.views.kfunc import KfuncViews
from kfuncdoc.views.replacement import PHRASES

PAGES = TESTS / "pages"
LICENCE = ".. SPDX-License-Identifier: GPL-2.0-only\n\n"
NEWEST = CALENDAR["v7.3"]
#: Releases after most of any history: before them, there is little to tell.
LATE = st.sampled_from(CALENDAR.real[-4:])

#: Two subsystems, of which one is not recorded up to the newest release.
RACK = subsystem(
    entry("rack_lift", "release: v6.6, event: added", "release: v7.2, event: removed, renamed_to: rack_raise")
    + entry("rack_raise", "release: v6.19, event: added")
    + entry("rack_burn", "release: v6.6, event: added", "release: v7.2, event: removed, no_replacement: It *burnt*.")
    + entry("rack_melt", "release: v6.6, event: added", "release: v7.2, event: removed, no_replacement: It *burnt*.")
    + entry(
        "rack_drop",
        "release: v6.6, event: added",
        "release: v6.13, event: deprecated, removal: v6.22, said_in: kernel/rack.c, reason: It breaks., "
        "replacement: [{name: box_new, when: it is empty}, {other: the macro ``drop_()``., when: it is full}]",
    )
    + entry("rack_glimpse", "release: v7.0, event: added", "release: v7.2, event: removed, renamed_to: box_new")
    + entry(
        "rack_width",
        "release: v6.6, event: added",
        "release: v7.2, event: changed, breaking: true, was: {prototype: int rack_width(int *a_)}",
        "release: v7.3, event: changed, breaking: true, behaviour: It waits.",
        prototype="long rack_width(int *a_)",
    ),
    name="rack_",
)
BOX = subsystem(
    entry("box_old", "release: v6.6, event: added", "release: v7.2, event: superseded, replacement: [{name: box_new}]")
    + entry("box_new", "release: v6.12, event: added")
    + entry("box_turn", "release: v6.6, event: added", "release: v7.2, event: changed, was: {flags: [KF_RCU]}")
    + entry("box_fill", "release: v6.6, event: added", "release: v7.2, event: changed, was: {filter: A.}"),
    name="box",
    recorded="v7.2",
)


@pytest.fixture
def catalog(tmp_path) -> Catalog:
    return catalog_of(tmp_path, rack=RACK, box=BOX)


@pytest.fixture(scope="module")
def record() -> Catalog:
    return load(find([str(packaged("data"))]))


def pairs(releases: tuple[Release, ...]) -> Iterator[tuple[Release, Release]]:
    """Yield any two releases of which the second is not before the first."""
    return itertools.combinations_with_replacement(releases, 2)


# -- what is picked is what difference() tells


@pytest.mark.record
def test_any_two_releases_of_the_record(record, monkeypatch):
    """In order, too; difference() is given the states of each release once, or it would take a minute."""
    states: dict[str, KfuncViews] = {}
    monkeypatch.setattr(
        difference_module,
        "KfuncViews",
        lambda snapshot: states.setdefault(snapshot.release.name, KfuncViews(snapshot)),
    )
    newest = record.calendar.newest(TODAY)
    compared = all_differences(Snapshot(record, newest, TODAY))
    assert compared.releases == record.calendar.real[: newest.position + 1]
    for first, last in pairs(compared.releases):
        assert compared.between(first, last) == difference(Snapshot(record, last, TODAY), first), (first, last)


def renamed(kfunc: Kfunc, **names: str) -> Kfunc:
    text = kfunc.model_dump_json(exclude_unset=True)
    return Kfunc.model_validate(json.loads(re.sub(r"\bbpf_\w+", lambda found: names.get(found[0], found[0]), text)))


@given(
    kfuncs(),
    kfuncs().map(lambda kfunc: renamed(kfunc, **{NAME: "bpf_new", "bpf_new": "bpf_newer"})),
    kfuncs(most_events=3).map(lambda kfunc: renamed(kfunc, **{NAME: "bpf_newer", "bpf_new": NAME})),
    st.tuples(LATE, LATE, LATE),
    LATE,
    DATES,
)
@pytest.mark.fuzz
def test_any_two_releases_of_any_valid_histories(kfunc, new, newer, recorded, last, date):
    """One kfunc is replaced by the next, the last of them by the first; their records go as far as they go."""
    source = parse("demo.kfuncs.yaml", "kfuncs: []")
    files = tuple(
        SubsystemFile(
            source.path, name, Header(subsystem=name, title="Demo", recorded=known.name), known,
            (Declaration(declared, source, 0),), source,
        )
        for name, declared, known in zip("cab", (kfunc, new, newer), recorded)
    )  # fmt: skip
    catalog = Catalog(CALENDAR, {}, HOOKS, files)
    compared = all_differences(Snapshot(catalog, last, date))
    for first, second in pairs(compared.releases):
        assert compared.between(first, second) == difference(Snapshot(catalog, second, date), first), (first, second)


@pytest.mark.record
def test_a_kfunc_is_compared_where_something_turns(record, monkeypatch):
    """Not between any two releases, which would be more than 200000 times."""
    asked = []
    compare = any_two.entries_of
    monkeypatch.setattr(any_two, "entries_of", lambda *pair: asked.append(pair) or compare(*pair))
    all_differences(Snapshot(record, record.calendar.newest(TODAY), TODAY))
    assert len(asked) < 20 * len(record.entries)


def test_what_is_alike_for_many_pairs_is_one_rectangle(catalog):
    """A kfunc that came and stayed is new to each release before; another became deprecated, and past due."""
    oldest = CALENDAR.real[0].name
    planned = "deprecated since v6.13: removal, announced for v6.22, which is v7.2"
    assert rectangles_of(catalog, "rack_raise", ChangeKind.ADDED) == [(oldest, "v6.18", "v6.19", "v7.3", "since v6.19")]
    assert rectangles_of(catalog, "rack_drop", ChangeKind.DEPRECATED) == [
        # Before v6.12 there is no box_new, and for v7.3 nobody knows of it.
        ("v6.6", "v6.11", "v6.13", "v7.1", planned),
        ("v6.6", "v6.11", "v7.2", "v7.2", f"{planned}, past due in v7.2"),
        ("v6.6", "v6.11", "v7.3", "v7.3", f"{planned}, past due in v7.3"),
        ("v6.12", "v7.2", "v7.3", "v7.3", f"{planned}, past due in v7.3"),
        ("v6.12", "v7.3", "v6.13", "v7.1", planned),
        ("v6.12", "v7.3", "v7.2", "v7.2", f"{planned}, past due in v7.2"),
        ("v7.3", "v7.3", "v7.3", "v7.3", f"{planned}, past due in v7.3"),
    ]


def test_a_rectangle_may_hold_pairs_the_wrong_way_round(tmp_path):
    """They mean nothing, and one rectangle is less than two."""
    text = subsystem(
        entry(
            "box_a",
            "release: v6.6, event: added",
            "release: v6.13, event: deprecated, removal: undecided, said_in: a.c, reason: Old., no_replacement: No.",
            "release: v7.0, event: changed, was: {flags: [KF_RCU]}",
        )
    )
    assert rectangles_of(catalog_of(tmp_path, box=text), "box_a", ChangeKind.DEPRECATED) == [
        ("v6.6", "v7.3", "v6.13", "v7.3", "deprecated since v6.13: removal, no release is announced")
    ]


def rectangles_of(catalog: Catalog, name: str, kind: ChangeKind) -> list[tuple[str, ...]]:
    """Return the rectangles of one kfunc and change, as the names of their ends and what is told."""
    return [
        (*(CALENDAR.releases[end].name for end in (*each.firsts, *each.lasts)), each.entry.text)
        for each in all_differences(Snapshot(catalog, NEWEST, TODAY)).rectangles
        if (each.entry.name, each.entry.kind) == (name, kind)
    ]


# -- the data of the picker


def picked(document: Any, first: int, last: int) -> list[Any]:
    """Return what the script of the page picks: the entries, as :func:`expected` has them."""
    found = []
    for first1, first2, last1, last2, change, of_subsystem, kfunc, number in document["rectangles"]:
        if first1 <= first <= first2 and last1 <= last <= last2:
            told, instead, none = document["sentences"][number]
            names = [(None if name is None else document["kfuncs"][name][0], *rest) for name, *rest in instead]
            told = document["changes"][change][2].join(document["texts"][text] for text in told)
            found.append(
                (document["changes"][change][0], document["subsystems"][of_subsystem], *document["kfuncs"][kfunc],
                 told, names, none)
            )  # fmt: skip
    return found


def expected(found: Difference) -> list[Any]:
    return [
        (
            each.kind.key, each.subsystem, each.name, f"#{each.name}", each.text,
            [
                (one.name, one.words_after_name, *(one.present_on or (None, None)), one.is_deprecated)
                for one in each.alternatives
            ],
            each.no_replacement,
        )
        for each in found.entries
    ]  # fmt: skip


def test_the_data_has_all_that_is_told(catalog):
    compared = all_differences(Snapshot(catalog, NEWEST, TODAY))
    document = json.loads(as_json(compared, {name: f"#{name}" for name in catalog.entries}))
    assert document["releases"] == [[release.name, release.lts] for release in CALENDAR.real]
    assert document["behind"] == [["box", CALENDAR["v7.2"].position]]
    assert [key for key, _, _ in document["changes"]] == [kind.key for kind in ChangeKind]
    told = 0
    for first, last in pairs(CALENDAR.real):
        found = picked(document, first.position, last.position)
        assert found == expected(difference(Snapshot(catalog, last, TODAY), first)), (first, last)
        told += len(found)
    assert told > 500


def test_data_of_one_kfunc(tmp_path):
    """It came and went, and of what replaces it the declaration is wrong: no release is known to have that."""
    text = subsystem(
        entry("box_a", "release: v7.2, event: added", "release: v7.3, event: removed, replacement: [{name: box_b}]")
        + entry("box_b")
    )
    catalog, newest = catalog_of(tmp_path, faulty=True, box=text), NEWEST.position
    assert json.loads(as_json(all_differences(Snapshot(catalog, NEWEST, TODAY)), {"box_a": "box.html#a"})) == {
        "releases": [[release.name, release.lts] for release in CALENDAR.real],
        "behind": [],
        "changes": [["removed", "Removed", "; "], ["added", "New", "; "], ["passed", "Came and went in between", "; "]],
        "subsystems": ["demo"],
        "kfuncs": [["box_b", None], ["box_a", "box.html#a"]],
        "texts": ["gone from v7.3, without notice", "since v7.2"],
        "sentences": [
            [[0], [[0, "", None, None, False]], ""],
            [[1], [], ""],
            [[1, 0], [[0, "", None, None, False]], ""],
        ],
        "rectangles": [
            [newest - 1, newest - 1, newest, newest, 0, 0, 1, 0],
            [0, newest - 2, newest - 1, newest - 1, 1, 0, 1, 1],
            [0, newest - 2, newest, newest, 2, 0, 1, 2],
        ],
        "phrases": PHRASES,
    }


@pytest.mark.record
def test_the_data_of_the_record_is_small(record):
    addresses = {name: f"{file.page}.html#{address(name)}" for name, (file, _) in record.entries.items()}
    text = as_json(all_differences(Snapshot(record, record.calendar.newest(TODAY), TODAY)), addresses)
    assert text == as_json(all_differences(Snapshot(record, record.calendar.newest(TODAY), TODAY)), addresses)
    assert len(gzip.compress(text.encode())) < 40_000


# -- which pages there are


@pytest.mark.parametrize(
    ("release", "firsts"),
    [("v7.3", "v7.2 v6.18"), ("v6.19", "v6.18"), ("v6.18", "v6.17 v6.12"), (CALENDAR.real[0].name, "")],
)
def test_a_release_is_first_releases_the_one_before_and_the_lts_before(release, firsts):
    assert [each.name for each in first_releases(CALENDAR, CALENDAR[release])] == firsts.split()


# -- pages


def laid_out(text: str) -> str:
    """Return a page as it is written: without marks, with one blank line where there are more."""
    return re.sub(r"\n{3,}", "\n\n", plain(text)).strip("\n") + "\n"


def renderer_of(catalog: Catalog, release: Release) -> Renderer:
    return Renderer(Snapshot(catalog, release, TODAY), site=site_of(catalog, release, OVERVIEWS))


def shelf_pages(folder: Path) -> dict[str, str]:
    renderer = renderer_of(catalog_of(folder, shelf=(PAGES / "shelf.yaml").read_text(encoding="utf-8")), NEWEST)
    pages = (Page("compare"), Page("release", "v6.18"), Page("release", "v7.2"))
    return {page.name: LICENCE + laid_out(renderer.page(page)) for page in pages}


@pytest.mark.parametrize("name", ["release-v6.18", "release-v7.2", "compare"])
def test_a_page_is_exactly_as_expected(tmp_path, name):
    assert shelf_pages(tmp_path)[name] == (PAGES / f"{name}.rst").read_text(encoding="utf-8")


def test_what_the_page_of_a_release_tells(catalog):
    """What is told of several is told once, with links; what no caller notices are names; words are no markup."""
    text = laid_out(renderer_of(catalog, NEWEST).page(Page("release", "v7.2")))
    after = text.partition("From v7.1 to v7.2\n-----------------\n\n")[2]
    section = after.partition("\n\n.. _kfuncs-v6-18-to-v7-2:\n")[0]
    assert [line for line in section.split("\n") if line] == [
        "4 removed, 1 changed in a way that callers notice, 1 deprecated, 1 superseded, "
        "2 changed in a way that no caller notices.",
        ".. rubric:: Removed",
        r":rack\_:",
        "   * :ref:`rack_burn <kfunc-rack-burn>`, :ref:`rack_melt <kfunc-rack-melt>`: gone from v7.2, without notice; "
        "nothing replaces it: It burnt.",
        "   * :ref:`rack_glimpse <kfunc-rack-glimpse>`: gone from v7.2, without notice; "
        "instead: :ref:`box_new <kfunc-box-new>`, in both",
        "   * :ref:`rack_lift <kfunc-rack-lift>`: gone from v7.2, without notice; "
        "instead: :ref:`rack_raise <kfunc-rack-raise>`, in both",
        ".. rubric:: Changed in a way that callers notice",
        r":rack\_:",
        r"   * :ref:`rack_width <kfunc-rack-width>`: v7.2\: It was int rack\_width(int \*a\_), "
        r"and is long rack\_width(int \*a\_).",
        ".. rubric:: Deprecated",
        r":rack\_:",
        r"   * :ref:`rack_drop <kfunc-rack-drop>`: deprecated since v6.13\: removal, announced for v6.22, "
        r"which is v7.2, past due in v7.2; instead: :ref:`box_new <kfunc-box-new>` (it is empty), in both, "
        r"or the macro drop\_() (it is full)",
        ".. rubric:: Superseded",
        ":box:",
        "   * :ref:`box_old <kfunc-box-old>`: since v7.2; instead: :ref:`box_new <kfunc-box-new>`, in both",
        ".. container:: kfunc-folded",
        "   .. rubric:: Changed in a way that no caller notices",
        "   :box: :ref:`box_fill <kfunc-box-fill>`, :ref:`box_turn <kfunc-box-turn>`",
    ]


def test_the_page_of_a_release_tells_how_far_the_record_goes(catalog):
    text = plain(renderer_of(catalog, NEWEST).page(Page("release", NEWEST.name)))
    assert (
        "1 changed in a way that callers notice, 1 deprecated. The record of box goes no further than v7.2.\n" in text
    )
    assert ":ref:`box_new <kfunc-box-new>` (it is empty), not known for v7.3, or the macro" in text


def test_a_page_of_a_release_in_which_nothing_happened_says_so(catalog, tmp_path):
    renderer = renderer_of(catalog, NEWEST)
    section = laid_out(renderer.page(Page("release", "v6.9"))).partition("From v6.8 to v6.9\n-----------------\n\n")[2]
    assert section.startswith("Nothing happened.\n\n.. _kfuncs-v6-6-to-v6-9:\n")
    oldest = laid_out(renderer.page(Page("release", CALENDAR.real[0].name)))
    assert oldest.endswith("named, also those that were before.\n\nThe calendar has no earlier release.\n")


def test_pages_speak_as_of_an_earlier_release(catalog):
    """The reference release decides which pages there are, not what a release changed."""
    earlier, newest = (renderer_of(catalog, CALENDAR[release]) for release in ("v7.2", "v7.3"))
    assert earlier.page(Page("release", "v7.2")) == newest.page(Page("release", "v7.2"))
    assert "   release-v7.3\n" in newest.page(Page("compare"))
    assert "   release-v7.3\n" not in earlier.page(Page("compare"))


def test_the_page_to_pick_leads_to_the_pages_that_there_are(catalog):
    pages = {"release-v7.1": Page("release", "v7.1"), "other": Page("subsystem", "other.kfuncs.yaml")}
    renderer = Renderer(Snapshot(catalog, NEWEST, TODAY), site=SiteMap(pages, replaced=("release-v7.1",)))
    assert laid_out(renderer.page(Page("compare"))).endswith(":maxdepth: 1\n\n   release-v7.1\n")
    none = laid_out(Renderer(Snapshot(catalog, NEWEST, TODAY), site=SiteMap({})).page(Page("compare")))
    assert none.endswith("and\n   ``kfuncdoc diff FROM TO`` does so with any two.\n")


def test_words_of_a_page_are_no_markup(tmp_path):
    """docutils has nothing to complain of, and reads what was written."""
    words, read_words = r"'*a* ``b`_ |c|`` d_ [1]_ e:: - <f> \\g'", r"a b`_ |c| d_ [1]_ e:: - <f> \g"
    text = subsystem(
        entry("box_a", "release: v6.6, event: added", f"release: v7.3, event: removed, no_replacement: {words}")
        + entry("_box_", "release: v6.6, event: added",
                f"release: v7.3, event: removed, replacement: [{{other: {words}, when: {words}}}]")
        + entry("box__b", "release: v6.6, event: added",
                f"release: v7.3, event: changed, breaking: true, behaviour: {words}"),
        name="box_",
    )  # fmt: skip
    renderer = Renderer(Snapshot(catalog_of(tmp_path, faulty=True, box=text), NEWEST, TODAY), site=SiteMap({}))
    settings = {"report_level": 2, "halt_level": 2, "warning_stream": False}
    document = publish_doctree(plain(renderer.page(Page("release", NEWEST.name))), settings_overrides=settings)
    (section, *_) = document.astext().partition("From v6.18 (LTS) to v7.3")
    assert f"_box_: gone from v7.3, without notice; instead: {read_words} ({read_words})\n" in section
    assert f"box_a: gone from v7.3, without notice; nothing replaces it: {read_words}\n" in section
    assert f"box__b: v7.3: {read_words}.\n" in section


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        for _name, _text in shelf_pages(Path(temporary)).items():
            (PAGES / f"{_name}.rst").write_text(_text, encoding="utf-8")
