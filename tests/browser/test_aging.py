# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A page says so when it is read long after it was built."""

from __future__ import annotations

import datetime
import json
from typing import Any

import pytest


def facts_of(page: Any) -> dict[str, Any]:
    return json.loads(page.locator("script.kfunc-time").first.text_content())


def day_before(day: str) -> str:
    return (datetime.date.fromisoformat(day) - datetime.timedelta(days=1)).isoformat()


@pytest.mark.parametrize("path", ["index.html", "kfuncs/index.html", "kfuncs/sched_ext.html", "kfuncs/cpumask.html"])
def test_page_tells_when_a_newer_release_should_be_out(visit, path: str) -> None:
    first, second = facts_of(visit(path, scripts=False))["next"][:2]
    assert visit(path, day=day_before(first[2])).locator("aside.kfunc-aged").count() == 0
    note = visit(path, day=first[2]).get_by_role("complementary", name="The age of this page")
    assert f"By now {first[0]} should be out" in note.inner_text()
    later = visit(path, day=second[2]).locator("aside.kfunc-aged").inner_text()
    assert f"By now 2 releases, the last of them {second[0]}, should be out" in later


def test_note_is_closed_by_keyboard(visit) -> None:
    page = visit("kfuncs/cpumask.html", day="2035-01-01")
    page.get_by_role("button", name="Close").focus()
    page.keyboard.press("Enter")
    assert page.locator("aside.kfunc-aged").count() == 0


def test_without_scripts_the_page_says_as_of_when_it_speaks(visit) -> None:
    page = visit("kfuncs/sched_ext.html", scripts=False)
    assert "(as of v7.3 (October 2026), on " in page.locator("#kfunc-scx-bpf-dsq-insert").inner_text()
