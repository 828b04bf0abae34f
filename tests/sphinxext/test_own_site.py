# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The project's own site: the pages of real kfuncs and the guide, by every builder, without a warning."""

from __future__ import annotations

import re

import pytest
import sphinx
from own_site import OwnSite

#: What makes a browser load something from another host; a link to follow is none of that.
FROM_ELSEWHERE = re.compile(r'<(?:script|img|iframe|link rel="stylesheet")[^>]* (?:src|href)="(?:https?:)?//[^"]*"')


#: The builders that are tried with every version; with old ones, which are slow, only these.
EVERYWHERE = ("html",)


@pytest.mark.whole
@pytest.mark.parametrize(
    ("builder", "pattern"),
    [
        ("html", "**/cpumask.html"),
        ("dirhtml", "**/cpumask/index.html"),
        ("singlehtml", "index.html"),
        ("text", "**/cpumask.txt"),
        ("latex", "*.tex"),
    ],
)
def test_builder_passes_without_a_warning(site_of_this_repository: OwnSite, builder: str, pattern: str) -> None:
    if sphinx.version_info < (8,) and builder not in EVERYWHERE:
        pytest.skip("the whole site takes long: other builders have smaller projects with this version")
    site = site_of_this_repository.built_by(builder)
    assert (site.status, site.errors) == (0, "")
    pages = [path.read_text(encoding="utf-8") for path in site.folder.glob(pattern)]
    assert ["bpf_cpumask_create" in page.replace(r"\_", "_").replace("{}", "") for page in pages] == [True]
    for path in site.folder.rglob("*.html"):
        assert FROM_ELSEWHERE.findall(path.read_text(encoding="utf-8")) == [], path


def test_what_is_loaded_from_elsewhere_is_seen() -> None:
    for loading in (
        '<script src="https://a.org/a.js">', '<img alt="" src="//a.org/a.png" />',
        '<link rel="stylesheet" type="text/css" href="https://a.org/a.css" />',
    ):  # fmt: skip
        assert FROM_ELSEWHERE.search(loading)
    for own in (
        '<script src="../_static/a.js">',
        '<a href="https://a.org/">',
        '<link rel="canonical" href="https://a.org/" />',
    ):
        assert not FROM_ELSEWHERE.search(own)
