# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""HTML pages that show the state of kfuncs have in them what grows old."""

from __future__ import annotations

import json
import re
from typing import Any

from projects import declarations, deprecated, kfunc, toctree

FILES = {
    "index.rst": toctree("demo", "other", "one", "list", "plain", "use"),
    "demo.kfuncs.yaml": declarations("demo", kfunc("bpf_one"), kfunc("bpf_two", deprecated("v7.1", "v7.5", "bpf_one"))),
    "other.kfuncs.yaml": declarations("other", kfunc("bpf_three")),
    "one.rst": "One\n===\n\n.. kfunc-lifecycle:: bpf_two\n",
    "list.rst": "List\n====\n\n.. kfunc-table::\n",
    "plain.rst": "Plain\n=====\n",
    "use.rst": "Use\n===\n\n:kfunc:`bpf_two`\n",
}
END = ["bpf_two", "kfunc-bpf-two", "removal", "v7.5"]


def facts_in(page: str) -> Any:
    found = re.findall(r'<script type="application/json" class="kfunc-time">(.*?)</script>', page)
    return [json.loads(each) for each in found]


def test_pages_know_the_ends_of_what_they_show(make) -> None:
    build = make(FILES).build("html")
    ends = {name: [facts["ends"] for facts in facts_in(build.text(f"{name}.html"))] for name in FILES_WITH_PAGES}
    assert ends == {"demo": [[END]], "other": [[]], "one": [[END]], "list": [[END]], "plain": [], "use": []}


FILES_WITH_PAGES = ("demo", "other", "one", "list", "plain", "use")


def test_page_of_all_documents_has_the_facts_of_each(make) -> None:
    page = make(FILES).build("singlehtml").text("index.html")
    assert [facts["ends"] for facts in facts_in(page)] == [[END], [], [END], [END]]


def test_page_without_an_end_is_the_same_on_another_day(make) -> None:
    project = make(FILES)
    project.build("html")
    project.conf["kfuncdoc_date"] = "2026-11-20"
    assert project.build("html").read == ["demo", "one"]


def test_other_builders_have_none_of_it(make) -> None:
    assert "kfunc-time" not in make(FILES, epub_copyright="us", version="1").build("epub").text("demo.xhtml")


def test_page_learns_of_an_end_that_is_announced_later(make) -> None:
    project = make(FILES)
    project.build("html")
    project.edit(
        "other.kfuncs.yaml", "event: added}", "event: added}\n    - {" + deprecated("v7.3", "v7.6", "bpf_one") + "}"
    )
    ends = facts_in(project.build("html").text("list.html"))[0]["ends"]
    assert ["bpf_three", "kfunc-bpf-three", "removal", "v7.6"] in ends
