# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Tables of kfuncs are filtered and sorted, by mouse and by keyboard, and the address says how."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

import pytest

ALL = "kfuncs/index.html"


def names(page: Any) -> list[str]:
    """Return the names in the rows that are shown."""
    return page.locator("table.kfunc-table tbody tr:visible td:first-child").all_inner_texts()


def count(page: Any) -> str:
    return page.locator(".kfunc-count").first.inner_text()


def query(page: Any) -> dict[str, str]:
    # Not page.url, which comes to know of a change a little later.
    return dict(parse_qsl(page.evaluate("location.search")[1:]))


def choice(page: Any, label: str) -> Any:
    return page.get_by_role("combobox", name=label, exact=True)


def test_name_filters_by_every_part(visit) -> None:
    page = visit(ALL)
    before = names(page)
    assert count(page) == f"{len(before)} kfuncs"
    page.get_by_label("Name").fill("CPUMASK first")
    found = [name for name in before if "cpumask" in name and "first" in name]
    assert found
    assert names(page) == found
    assert count(page) == f"{len(found)} of {len(before)} kfuncs"
    assert query(page) == {"name": "CPUMASK first"}


def test_former_name_finds_what_replaced_it(visit) -> None:
    page = visit(ALL)
    page.get_by_label("Name").fill("scx_bpf_dispatch_vtime_from_dsq")
    assert {"scx_bpf_dispatch_vtime_from_dsq", "scx_bpf_dsq_move_vtime"} <= set(names(page))


@pytest.mark.parametrize(
    ("label", "value", "inside", "outside"),
    [
        ("Subsystem", "sched_ext", "scx_bpf_kick_cpu", "bpf_task_acquire"),
        ("Stability in v7.3", "removed", "scx_bpf_dispatch", "bpf_task_acquire"),
        ("Stability in v7.3", "deprecated", "scx_bpf_dsq_insert", "bpf_task_acquire"),
        ("Stability in v7.3", "past due", "scx_bpf_dsq_insert", "scx_bpf_dsq_move_to_local"),
        ("In release", "v6.12", "scx_bpf_dispatch", "scx_bpf_dsq_insert"),
        ("In release", "v6.13", "scx_bpf_dsq_insert", "bpf_cpumask_populate"),
        ("Program type", "xdp", "bpf_xdp_ct_lookup", "scx_bpf_kick_cpu"),
    ],
)
def test_choice_filters(visit, label: str, value: str, inside: str, outside: str) -> None:
    page = visit(ALL)
    everything = names(page)
    choice(page, label).select_option(label=value)
    shown = names(page)
    assert inside in shown
    assert outside not in shown
    assert outside in everything
    assert count(page) == f"{len(shown)} of {len(everything)} kfuncs"


def test_a_queueing_discipline_is_offered_nothing_of_sched_ext(visit) -> None:
    page = visit(ALL)
    choice(page, "Program type").select_option(label="Qdisc_ops")
    choice(page, "In release").select_option("v7.3")
    shown = names(page)
    assert "bpf_qdisc_skb_drop" in shown
    assert "bbr_init" in shown, "it has no filter"
    assert "bpf_rcu_read_lock" in shown, "any program may call it"
    assert [name for name in shown if "scx_bpf" in name] == []


def test_address_brings_the_same_rows_back(visit) -> None:
    page = visit(ALL)
    choice(page, "Subsystem").select_option("cpumask")
    choice(page, "In release").select_option("v6.12")
    page.get_by_role("button", name="Since").click()
    page.get_by_role("button", name="Since").click()
    assert query(page) == {"subsystem": "cpumask", "release": "v6.12", "sort": "-Since"}
    shown = names(page)
    assert 0 < len(shown) < 40
    again = visit(ALL + page.evaluate("location.search"))
    assert names(again) == shown
    assert choice(again, "Subsystem").input_value() == "cpumask"


def test_address_that_asks_for_what_there_is_not_is_harmless(visit) -> None:
    page = visit(f"{ALL}?subsystem=nothing&release=v9.9&sort=Nothing&other=1#kfunc")
    assert count(page) == f"{len(names(page))} kfuncs"
    assert query(page) == {"other": "1"}
    assert page.evaluate("location.hash") == "#kfunc"


def test_columns_are_sorted_up_down_and_as_listed(visit) -> None:
    page = visit(ALL)
    listed = names(page)
    since = page.locator("table.kfunc-table tbody td:last-child")
    head = page.get_by_role("columnheader", name="Since")

    def releases() -> list[tuple[int, ...]]:
        return [tuple(map(int, text.split()[0][1:].split("."))) for text in since.all_inner_texts() if text.strip()]

    assert head.get_attribute("aria-sort") is None
    head.get_by_role("button").click()
    assert head.get_attribute("aria-sort") == "ascending"
    assert releases() == sorted(releases()), "v6.9 comes before v6.10"
    head.get_by_role("button").click()
    assert head.get_attribute("aria-sort") == "descending"
    assert releases() == sorted(releases(), reverse=True)
    head.get_by_role("button").click()
    assert head.get_attribute("aria-sort") is None
    assert names(page) == listed


def test_keyboard_alone_is_enough(visit) -> None:
    page = visit(ALL)
    name = page.get_by_label("Name")
    for _ in range(80):
        page.keyboard.press("Tab")
        if name.evaluate("field => field === document.activeElement"):
            break
    page.keyboard.type("dynptr")
    assert all("dynptr" in shown for shown in names(page))
    page.keyboard.press("Enter")
    assert query(page) == {"name": "dynptr"}, "a form that is sent loads no page"
    for _ in range(4):
        page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Clear"
    page.keyboard.press("Enter")
    assert query(page) == {}
    assert name.evaluate("field => field === document.activeElement"), "the next filter can be typed"
    page.get_by_role("button", name="Stability").focus()
    page.keyboard.press("Space")
    assert query(page) == {"sort": "Stability"}


def test_count_is_announced(visit) -> None:
    page = visit(ALL)
    page.get_by_label("Name").fill("no such kfunc")
    assert page.get_by_role("status").inner_text() == f"0 of {len(page.locator('tbody tr').all())} kfuncs"


def test_two_tables_of_a_page_are_filtered_apart(visit) -> None:
    page = visit("kfuncs/deprecated.html")
    first, second = (page.locator("form.kfunc-filter").nth(number) for number in (0, 1))
    second.get_by_label("Name").fill("bpf")
    assert query(page) == {"2.name": "bpf"}
    assert "of" not in first.locator(".kfunc-count").inner_text()


def test_without_scripts_the_table_is_whole(visit) -> None:
    page = visit(f"{ALL}?subsystem=cpumask", scripts=False)
    assert not page.locator("form.kfunc-filter").is_visible()
    assert {"bpf_task_acquire", "bpf_cpumask_create"} <= set(names(page))


def test_program_type_counts_in_the_release_that_is_chosen(visit) -> None:
    """RAW_TRACEPOINT came to its hook in v7.0 and could call little before."""
    page = visit(f"{ALL}?type=BPF_PROG_TYPE_RAW_TRACEPOINT&release=v6.18")
    shown = names(page)
    assert "bpf_rcu_read_lock" in shown, "any program may call it"
    assert "bpf_task_acquire" not in shown
    assert "bpf_task_acquire" in names(visit(f"{ALL}?type=BPF_PROG_TYPE_RAW_TRACEPOINT&release=v7.0"))


def test_column_that_is_chosen_anew_is_sorted_upwards(visit) -> None:
    page = visit(f"{ALL}?sort=-Since", width=360)
    choice(page, "Sort by").select_option("kfunc")
    assert query(page) == {"sort": "kfunc"}


def test_past_due_comes_first_by_what_remains(visit) -> None:
    page = visit("index.html")
    page.get_by_role("button", name="Remaining lifespan").click()
    left = page.locator("tbody tr:visible td.kfunc-column-remaining-lifespan").all_inner_texts()
    assert left[0].startswith("over: ")
    assert left[-1] == "not decided"


def test_address_of_others_is_left_as_it_is_written(visit) -> None:
    assert visit(f"{ALL}?q=a%20b&flag").evaluate("location.search") == "?q=a%20b&flag"
