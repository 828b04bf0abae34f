# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""From one release to another: readers pick two, and see what `kfuncdoc diff` tells of them."""

from __future__ import annotations

import datetime
import itertools
from typing import Any

import pytest

from kfuncdoc.base.resources import packaged
from kfuncdoc.record.catalog import Catalog
from kfuncdoc.record.declaration_files import find
from kfuncdoc.record.load import load
from kfuncdoc.record.snapshot import Snapshot
from kfuncdoc.views.difference import ChangeKind, Difference, difference, groups, sentence, summary

PAGE = "kfuncs/compare.html"
#: What the page shows for the two releases that are picked: by heading and subsystem, the text of each item.
SHOWN = """() => {
  const place = document.querySelector("div.kfunc-compare");
  const shown = [];
  let heading = "";
  let subsystem = "";
  for (const each of place.querySelectorAll("h2, h3, li")) {
    if (each.matches("h2")) heading = each.textContent.replace(/ \\(\\d+\\)$/, "");
    else if (each.matches("h3")) subsystem = each.textContent;
    else shown.push([heading, subsystem, each.textContent]);
  }
  return [place.querySelector("[role=status]").textContent, shown];
}"""


@pytest.fixture(scope="module")
def record() -> Catalog:
    return load(find([str(packaged("data"))]))


def pick(page: Any, first: str, last: str) -> None:
    for label, release in (("From", first), ("to", last)):
        field = page.get_by_role("combobox", name=label, exact=True)
        value = field.evaluate(
            "(field, name) => [...field.options].find((each) => each.text.split(' ')[0] === name).value", release
        )
        field.select_option(value)


def told(found: Difference) -> list[Any]:
    items = [
        [group.kind.heading, subsystem, f"{', '.join(alike.names)}: {sentence(alike.entry, found)}"]
        for group in groups(found)
        for subsystem, of_subsystem in group.by_subsystem.items()
        for alike in of_subsystem
    ]
    return [summary(found), items]


def test_any_two_releases_are_told_as_by_the_command(visit, record: Catalog) -> None:
    page = visit(PAGE)
    calendar = record.calendar
    today = datetime.datetime.now(datetime.timezone.utc).date()
    names = ["v5.13", "v6.1", "v6.6", "v6.12", "v6.16", "v6.17", "v6.18", "v7.0", "v7.2", "v7.3"]
    for first, last in itertools.combinations(names, 2):
        pick(page, first, last)
        expected = difference(Snapshot(record, calendar[last], today), calendar[first])
        assert page.evaluate(SHOWN) == told(expected), (first, last)


def test_address_picks_and_is_kept(visit) -> None:
    page = visit(f"{PAGE}?from=v6.12&to=v7.0")
    assert page.get_by_role("status").inner_text().startswith("From v6.12 to v7.0: ")
    pick(page, "v6.6", "v6.12")
    assert page.evaluate("location.search") == "?from=v6.6&to=v6.12"


def test_order_that_cannot_be_is_offered_the_other_way_round(visit) -> None:
    page = visit(f"{PAGE}?from=v7.0&to=v6.12")
    assert page.get_by_role("status").inner_text() == "v7.0 comes after v6.12."
    page.get_by_role("button", name="From v6.12 to v7.0 instead").click()
    assert page.get_by_role("status").inner_text().startswith("From v6.12 to v7.0: ")
    assert page.evaluate("document.activeElement.tagName") == "SELECT"


def test_what_no_caller_notices_is_folded(visit) -> None:
    page = visit(f"{PAGE}?from=v6.12&to=v7.3")
    quiet = page.locator("div.kfunc-compare details")
    assert quiet.get_attribute("open") is None
    quiet.locator("summary").focus()
    page.keyboard.press("Enter")
    assert quiet.get_attribute("open") is not None


def test_links_lead_to_the_kfuncs(visit) -> None:
    page = visit(f"{PAGE}?from=v6.12&to=v7.3")
    page.locator("div.kfunc-compare a", has_text="scx_bpf_dispatch").first.click()
    assert page.locator(page.evaluate("location.hash")).is_visible()


def test_without_scripts_each_release_has_a_page(visit, record: Catalog) -> None:
    page = visit(PAGE, scripts=False)
    assert "kfuncdoc diff FROM TO" in page.locator("div.kfunc-compare").inner_text()
    page.get_by_role("link", name="What v7.3 changed").first.click()
    text = page.locator("div.body").inner_text()
    assert {"From v7.2 to v7.3", "From v6.18 (LTS) to v7.3"} <= {line.rstrip("¶") for line in text.splitlines()}
    gone = difference(Snapshot(record, record.calendar["v7.3"], datetime.date(2026, 11, 26)), record.calendar["v7.2"])
    for entry in gone.of_kind(ChangeKind.REMOVED):
        assert entry.name in text
    # What nobody notices is folded by the browser itself.
    folded = page.locator("details.kfunc-folded").first
    folded.locator("summary").click()
    assert folded.locator("a").first.is_visible()
