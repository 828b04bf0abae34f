# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Nothing in the record can end a script element of a page, or make it go on."""

from __future__ import annotations

import json
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from projects import declarations, kfunc, toctree

from kfuncdoc.sphinxext.html.assets import script_element

#: What a browser takes for the beginning of more script, or for the end of it, whatever the case.
HOSTILE = "Has <!--<script> and </script>, <!-- and </SCRIPT >, and <b>."


class Page(HTMLParser):
    """The texts of the script elements that hold JSON, and the headings of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.data: list[str] = []
        self.headings: list[str] = []
        self._inside = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str]]) -> None:
        is_data = tag == "script" and ("type", "application/json") in attributes
        self._inside = "data" if is_data else "heading" if tag in ("h1", "h2") else ""
        if self._inside:
            (self.data if is_data else self.headings).append("")

    def handle_endtag(self, tag: str) -> None:
        self._inside = "" if tag in ("script", "a", "h1", "h2") else self._inside

    def handle_data(self, text: str) -> None:
        if self._inside:
            (self.data if self._inside == "data" else self.headings)[-1] += text


def strings(value: object) -> list[str]:
    """Return the texts anywhere in a value of JSON."""
    if isinstance(value, str):
        return [value]
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return [text for part in inside for text in strings(part)]


def test_a_page_goes_on_after_its_script(make) -> None:
    changed = f"release: v7.2, event: changed, breaking: true, behaviour: '{HOSTILE}'"
    project = make(
        {"index.rst": toctree("kfuncs/index")}, kfuncdoc_data=["../data"], kfuncdoc_overviews=["compare"]
    )  # fmt: skip
    text = declarations("demo", kfunc("bpf_one", changed), kfunc("bpf_two"))
    project.write(str(project.folder / "data" / "demo.kfuncs.yaml"), text)
    build = project.build("html")
    for name in ("compare", "index", "demo"):
        page = Page(build.text(f"kfuncs/{name}.html"))
        assert page.data or name == "demo"
        assert not [data for data in page.data if "<" in data], name
    page = Page(build.text("kfuncs/compare.html"))
    assert "Release by release" in page.headings
    assert any(HOSTILE in text for data in page.data for text in strings(json.loads(data)))


@given(st.recursive(st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_what_a_script_reads_is_what_was_written(value) -> None:
    (data,) = Page(script_element(json.dumps(value), "kfunc-time")).data
    assert "<" not in data
    assert json.loads(data) == value


@pytest.mark.parametrize(
    ("css_class", "expected"),
    [
        ("", '<script type="application/json">["\\u003c/script>"]</script>\n'),
        ("kfunc-time", '<script type="application/json" class="kfunc-time">["\\u003c/script>"]</script>\n'),
    ],
)
def test_element(css_class, expected) -> None:
    assert script_element('["</script>"]\n', css_class) == expected
