# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Notes in the entries of C functions: what they say, where they stand, and when a page is read again for them."""

from __future__ import annotations

import re
from typing import Any, Callable

import pytest
from projects import FOR_EVERY_BUILDER, Project, declarations, deprecated, kfunc, removed, snapshot, toctree

Make = Callable[..., Project]

BREAKING = "release: v7.0, event: changed, was: {{flags: []}}, breaking: true{}"
DEMO = declarations(
    "demo",
    kfunc("bpf_calm"),
    kfunc("bpf_young", added="v7.3"),
    kfunc("bpf_strict", BREAKING.format(", note: Programs must *check*."), flags="[KF_RCU]"),
    kfunc("bpf_old", deprecated("v7.0", "v7.5", "bpf_calm")),
    kfunc("bpf_due", deprecated("v7.0", "v7.2", "bpf_calm")),
    kfunc("bpf_open", deprecated("v7.0", "undecided", "{other: the *helper*}")),
    kfunc("bpf_gone", deprecated("v6.18", "v7.1", "bpf_calm"), removed("v7.1")),
)
C = ".. c:function:: void {0}(int x)\n\n   What {0} does.\n\n   It takes *x*.\n"


def functions(*names: str) -> str:
    return "Functions\n=========\n\n" + "\n".join(C.format(name) for name in names)


def demo(make: Make, *names: str, **conf: Any) -> Project:
    files = {"index.rst": toctree("demo", "c"), "demo.kfuncs.yaml": DEMO, "c.rst": functions(*names)}
    return make(files, primary_domain="c", **conf)


#: What stands in the entry of each function, in the text of a page.
NOTES = {
    "bpf_calm": """\
   What bpf_calm does.

   It takes *x*.

   Stability record:
      bpf_calm
""",
    "bpf_young": """\
   Stability:
      new in v7.3 (October 2026)

   Stability record:
      bpf_young

   What bpf_young does.

   It takes *x*.
""",
    "bpf_strict": """\
   Changed in v7.0:
      breaks callers: Flags: "KF_RCU" came. Programs must *check*.

   Stability record:
      bpf_strict

   What bpf_strict does.

   It takes *x*.
""",
    "bpf_old": """\
   Stability:
      deprecated since v7.0

   What is to happen:
      removal, announced for v7.5

   Remaining lifespan:
      2 releases: last in v7.4, to be gone from v7.5, around March
      2027; best effort (as of v7.3 (October 2026), on 1 November
      2026)

   Replacement:
      bpf_calm

   Stability record:
      bpf_old

   What bpf_old does.

   It takes *x*.
""",
    "bpf_due": """\
   Stability:
      deprecated, past due since v7.0

   What is to happen:
      removal, announced for v7.2

   Remaining lifespan:
      over: was to go in v7.2; still present in v7.3; may go in any
      release (as of v7.3 (October 2026), on 1 November 2026)

   Replacement:
      bpf_calm

   Stability record:
      bpf_due

   What bpf_due does.

   It takes *x*.
""",
    "bpf_open": """\
   Stability:
      deprecated since v7.0

   What is to happen:
      removal, no release is announced

   Remaining lifespan:
      not decided (as of v7.3 (October 2026), on 1 November 2026)

   Replacement:
      the *helper*

   Stability record:
      bpf_open

   What bpf_open does.

   It takes *x*.
""",
    "bpf_gone": """\
   Stability:
      removed: last in v7.0, gone from v7.1

   Replacement:
      bpf_calm

   Stability record:
      bpf_gone

   What bpf_gone does.

   It takes *x*.
""",
    "kfree": """\
   What kfree does.

   It takes *x*.
""",
}


def test_what_notes_say(make: Make) -> None:
    text = demo(make, *NOTES).build().text("c.txt")
    entries = re.split(r"^void (\w+)\(int x\)\n+", text, flags=re.MULTILINE)[1:]
    assert {name: f"{entry.rstrip()}\n" for name, entry in zip(entries[::2], entries[1::2])} == NOTES


@pytest.mark.parametrize("builder", ["html", "dirhtml", "singlehtml", "text", "latex", "epub", "xml", "texinfo"])
@pytest.mark.parametrize("jobs", [1, 2])
def test_every_builder_makes_them(make: Make, builder: str, jobs: int) -> None:
    project = demo(make, *NOTES, **FOR_EVERY_BUILDER)
    # Six documents are read in parallel, fewer are not.
    for number in range(4):
        project.write(f"more{number}.rst", "Text\n====\n")
    project.write("index.rst", toctree("*", glob=True))
    project.build(builder, jobs=jobs)


def test_links_lead_to_the_records(make: Make) -> None:
    page = demo(make, "bpf_calm", "bpf_old").build("html").text("c.html")
    assert page.count('href="demo.html#kfunc-bpf-calm"') == 2  # the record of the one, the replacement of the other
    assert page.count('href="demo.html#kfunc-bpf-old"') == 1
    assert '<div class="kfunc-note kfunc-note-link docutils container">' in page
    assert '<div class="kfunc-note docutils container">' in page
    assert 'class="kfunc-deprecated"' in page


def test_c_functions_stay_what_they_are(make: Make) -> None:
    """No declaration comes twice, no entry loses its address or its index entry, nothing else changes."""
    with_notes = demo(make, *NOTES).build("html").text("c.html")
    without = demo(make, *NOTES, kfuncdoc_notes=False).build("html").text("c.html")
    assert re.findall('id="(c[.][^"]*)"', with_notes) == [f"c.{name}" for name in NOTES]
    assert "kfunc-note" not in without
    assert "kfuncdoc.css" not in without
    assert "kfuncs.json" not in without
    taken_off = re.sub(r'(?s)<div class="kfunc-note.*?</div>\n', "", with_notes)
    taken_off = re.sub(r'\n<link rel="alternate"[^>]*kfuncs.json[^>]*>', "", taken_off)
    loaded = r'\s*(<link rel="stylesheet"[^>]*kfuncdoc.css[^>]*>|<script [^>]*kfuncdoc.js[^>]*></script>)'
    assert re.sub(loaded, "", taken_off) == without


def test_no_page_no_link(make: Make) -> None:
    """Declared elsewhere without pages, a kfunc has a note where there is something to say, and no link."""
    project = make({"index.rst": functions("bpf_calm", "bpf_old")}, kfuncdoc_data=["../more"], kfuncdoc_pages="")
    project.write(str(project.folder / "more" / "demo.kfuncs.yaml"), DEMO)
    text = project.build().text("index.txt")
    assert "Stability record" not in text
    assert "Remaining lifespan:" in text
    assert 'Replacement:\n      "bpf_calm"' in text


def test_not_yet_is_not_declared(make: Make) -> None:
    assert "Stability" not in demo(make, "bpf_young", kfuncdoc_release="v7.2").build().text("c.txt")


def test_faults_in_prose_are_told_at_their_lines(make: Make) -> None:
    project = demo(make, "bpf_open")
    project.edit("demo.kfuncs.yaml", "the *helper*", "the :wrong:`helper`")
    text = (project.source / "demo.kfuncs.yaml").read_text(encoding="utf-8")
    line = next(number for number, words in enumerate(text.splitlines(), 1) if ":wrong:" in words)
    told = f'demo.kfuncs.yaml:{line}: WARNING: Unknown interpreted text role "wrong".'
    # In the note; and in the facts and the history of the record.
    project.build(expected=[told, told, told])


def test_several_signatures(make: Make) -> None:
    """Each note says whose it is, in the order of the signatures."""
    names = ["bpf_calm", "bpf_old", "bpf_due"]
    signatures = "\n                ".join(f"void {name}(void)" for name in names)
    project = demo(make)
    project.write("c.rst", f"Functions\n=========\n\n.. c:function:: {signatures}\n\n   All.\n")
    text = project.build().text("c.txt")
    assert re.findall('kfunc:\n      "(\\w+)"|(All[.])', text) == [
        ("bpf_old", ""), ("bpf_due", ""), ("", "All."), ("bpf_calm", ""),
    ]  # fmt: skip


def test_nested_entries_have_their_own(make: Make) -> None:
    project = demo(make)
    nested = ".. c:function:: void outer(void)\n\n   Outer.\n\n   .. c:function:: void bpf_old(void)\n\n      Inner.\n"
    macro = ".. c:function:: void second(void)\n\n   Second.\n\n   .. c:macro:: bpf_old_\n"
    project.write("c.rst", f"Functions\n=========\n\n{nested}\n{macro}")
    text = project.build().text("c.txt")
    assert text.count("deprecated since") == 1
    assert text.index("Outer.") < text.index("deprecated since") < text.index("Inner.")


@pytest.mark.parametrize("words", ["a [#]_ note", "anon `x`__ y", "the |sub| here", "see thing_ there", "a [one]_ b"])
def test_references_within_a_page_are_words_elsewhere(make: Make, words: str) -> None:
    """They neither break the page of the function, nor take what is there for what they mean."""
    own = "\n.. |sub| replace:: SUB\n\n.. _thing:\n\nA `link`__.\n\n__ https://example.org/\n"
    project = make({"index.rst": functions("bpf_open") + own}, kfuncdoc_data=["../more"], kfuncdoc_pages="")
    project.write(str(project.folder / "more" / "demo.kfuncs.yaml"), DEMO.replace("the *helper*", f'"{words}"'))
    page = project.build("html").text("index.html")
    note = page[page.index('<div class="kfunc-note') : page.index("What bpf_open does.")]
    assert "<a " not in note
    assert "SUB" not in note
    assert 'href="https://example.org/">link</a>' in page


def test_functions_of_other_domains_and_macros_have_none(make: Make) -> None:
    project = demo(make)
    project.write("c.rst", "F\n=\n\n.. py:function:: bpf_old()\n\n   P.\n\n.. c:macro:: bpf_old\n\n   M.\n")
    assert "Stability" not in project.build().text("c.txt")


def test_signature_that_cannot_be_read(make: Make) -> None:
    project = demo(make)
    project.write("c.rst", "F\n=\n\n.. c:function:: bpf_old(\n\n   P.\n")
    with pytest.raises(AssertionError, match="Invalid C declaration"):
        project.build()


# -- freshness


@pytest.mark.parametrize("jobs", [1, 2])
def test_exactly_what_changed_is_read_again(make: Make, jobs: int) -> None:
    project = demo(make, "bpf_old")
    project.write("index.rst", toctree("demo", "c", "calm", "none", "plain"))
    project.write("calm.rst", functions("bpf_calm").replace("Functions\n=========", "Calm\n===="))
    project.write("none.rst", functions("bpf_later").replace("Functions\n=========", "None\n===="))
    project.write("plain.rst", "Plain\n=====\n")
    assert len(project.build(jobs=jobs).read) == 6
    assert project.build(jobs=jobs).read == []
    project.edit("demo.kfuncs.yaml", "Do bpf_old.", "Do it.")  # on its own page only
    assert project.build(jobs=jobs).read == ["demo"]
    project.write("demo.kfuncs.yaml", DEMO.replace("removal: v7.5", "removal: v7.6"))
    assert project.build(jobs=jobs).read == ["c", "demo"]
    project.write("demo.kfuncs.yaml", DEMO.replace("removal: v7.5", "removal: v7.6") + kfunc("bpf_later"))
    build = project.build(jobs=jobs)
    assert build.read == ["demo", "none"]
    assert "Stability record" in build.text("none.txt")
    project.conf["kfuncdoc_release"] = "v7.2"
    assert project.build(jobs=jobs).read == ["c", "demo"]
    project.conf["kfuncdoc_notes"] = False
    build = project.build(jobs=jobs)
    assert build.read == ["c", "calm", "none"]
    assert "Stability" not in build.text("c.txt")


def test_pages_without_kfuncs_are_as_without_the_extension(make: Make) -> None:
    """Byte for byte, though they have C functions, links and code of their own."""
    plain = functions("kfree", "open") + "\nSee :c:func:`kfree`, kfree() and :c:func:`nothing`.\n"
    files = {"index.rst": toctree("c"), "c.rst": plain}
    without = snapshot(make(files, extensions=[]).build("html").output)
    project = make(files, kfuncdoc_data=["../more"], kfuncdoc_pages="")
    project.write(str(project.folder / "more" / "demo.kfuncs.yaml"), DEMO)
    with_it = snapshot(project.build("html").output)
    names = ["index.html", "c.html", "genindex.html", "search.html", "objects.inv"]
    assert {name: with_it[name] for name in names} == {name: without[name] for name in names}
