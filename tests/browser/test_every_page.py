# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Every kind of page, wide and narrow, light and dark: nothing keeps people from using it, and nothing is cut."""

from __future__ import annotations

import pytest

axe_playwright = pytest.importorskip("axe_playwright_python.sync_playwright")

#: One of each kind.
KINDS = {
    "first": "index.html",
    "all": "kfuncs/index.html",
    "filtered": "kfuncs/index.html?stability=past+due&sort=-Since",
    "subsystem": "kfuncs/sched_ext.html",
    "deprecated": "kfuncs/deprecated.html",
    "removed": "kfuncs/removed.html",
    "changes": "kfuncs/changes.html",
    "compare": "kfuncs/compare.html?from=v6.12&to=v7.3",
    "release": "kfuncs/release-v7.3.html",
    "program-types": "kfuncs/program-types.html",
    "program-type": "kfuncs/program-type-struct-ops.html",
    "tracing": "kfuncs/program-type-tracing.html",
    "guide": "docs/checking-programs.html",
    "messages": "docs/messages.html",
    "figures": "docs/figures.html",
    "reference": "docs/reference/commands.html",
    "search": "search.html?q=bpf_task_acquire",
    "index": "genindex.html",
}


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("path", KINDS.values(), ids=KINDS)
def test_axe_finds_nothing(visit, path: str, dark: bool) -> None:
    page = visit(path, dark=dark)
    found = axe_playwright.Axe().run(page).response["violations"]
    told = [f"{each['id']}: {node['target']} {node['failureSummary']}" for each in found for node in each["nodes"][:3]]
    assert told == []


@pytest.mark.parametrize("path", KINDS.values(), ids=KINDS)
def test_nothing_is_cut_at_360_pixels(visit, path: str) -> None:
    page = visit(path, width=360)
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    # What is wider scrolls inside itself; everything else ends where the page does.
    over = page.evaluate(
        """() => [...document.querySelectorAll("div.body *, div.document *")].filter((each) => {
          const box = each.getBoundingClientRect();
          const scrolls = each.closest("pre, div.kfunc-scroll, div.highlight, [style*=overflow]");
          return box.width && box.right > 361 && !scrolls && !each.closest("svg");
        }).map((each) => `${each.tagName}.${each.className}: ${each.textContent.slice(0, 40)}`).slice(0, 5)"""
    )
    assert over == []


@pytest.mark.parametrize("path", ["index.html", "kfuncs/index.html", "kfuncs/compare.html", "kfuncs/release-v7.3.html"])
def test_nothing_moves_while_a_page_is_loaded(visit, path: str) -> None:
    moved = visit(path).evaluate(
        """() => new Promise((done) => {
          let moved = 0;
          new PerformanceObserver((list) => list.getEntries().forEach((entry) => { moved += entry.value; }))
            .observe({ type: "layout-shift", buffered: true });
          setTimeout(() => done(moved), 300);
        })"""
    )
    assert moved < 0.001


@pytest.mark.parametrize("width", [700, 1280])
@pytest.mark.parametrize("path", [path for path in KINDS.values() if path.startswith(("index", "kfuncs/"))])
def test_heads_of_columns_stay_in_their_cells(visit, path: str, width: int) -> None:
    over = visit(path, width=width).evaluate(
        """() => [...document.querySelectorAll("table.kfunc-table th")].filter((head) => {
          const range = document.createRange();
          range.selectNodeContents(head);
          return range.getBoundingClientRect().right > head.getBoundingClientRect().right + 1;
        }).map((head) => head.textContent)"""
    )
    assert over == []


@pytest.mark.parametrize("path", [path for path in KINDS.values() if path.startswith(("index", "kfuncs/"))])
def test_words_of_heads_stay_whole_where_there_is_room(visit, path: str) -> None:
    broken = visit(path).evaluate(
        """() => [...document.querySelectorAll("table.kfunc-table th")].flatMap((head) => {
          const text = document.createTreeWalker(head, NodeFilter.SHOW_TEXT).nextNode();
          return [...text.data.matchAll(/\\S+/g)].filter((word) => {
            const range = document.createRange();
            range.setStart(text, word.index);
            range.setEnd(text, word.index + word[0].length);
            return range.getClientRects().length > 1;
          }).map((word) => word[0]);
        })"""
    )
    assert broken == []


def test_rows_are_cards_on_a_narrow_page(visit) -> None:
    page = visit("kfuncs/index.html?name=bpf_task_acquire", width=360)
    row = page.locator("table.kfunc-table tbody tr:visible").first
    box = row.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 360
    assert row.locator("td:visible").count() == 5


def test_sorting_is_offered_on_a_narrow_page(visit) -> None:
    page = visit("kfuncs/index.html?subsystem=cpumask", width=360)
    page.get_by_role("combobox", name="Sort by", exact=True).select_option("Since")
    since = page.locator("tbody tr:visible td.kfunc-column-since p").all_inner_texts()
    assert since == sorted(since, key=lambda text: [int(part) for part in text.split()[0][1:].split(".")])


def test_print_has_all_and_nothing_to_press(visit) -> None:
    page = visit("kfuncs/index.html")
    page.emulate_media(media="print")
    assert not page.locator("form.kfunc-filter").is_visible()
    assert not page.locator("div.sphinxsidebar").is_visible()
    assert page.locator("tbody tr").first.is_visible()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("bpf_task_acquire", "bpf_task_acquire"),
        ("task_acquire", "bpf_task_acquire"),
        ("scx_bpf_dispatch", "scx_bpf_dsq_insert"),
        ("not found in kernel or module BTFs", "What libbpf and the verifier say"),
        ("calling kernel function is not allowed", "What libbpf and the verifier say"),
    ],
)
def test_search_finds(visit, words: str, expected: str) -> None:
    """A kfunc by its name, a part of it, a former name; and what libbpf and the verifier say."""
    page = visit("search.html")
    page.locator("input[name=q]").first.fill(words)
    page.keyboard.press("Enter")
    results = page.locator("#search-results li")
    results.filter(has_text=expected).first.wait_for(timeout=10000)
