# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""``name()`` in running text: which become links, and which pages are written again when that changes."""

from __future__ import annotations

import os
import re
from typing import Any, Callable

import pytest
from projects import FOR_EVERY_BUILDER, Project, declarations, kfunc, toctree

from kfuncdoc.sphinxext.domain import domain_of

Make = Callable[..., Project]

DEMO = declarations("demo", kfunc("bpf_one"), kfunc("__bpf_two"), kfunc("bpf_young", added="v7.3"))
#: What stands for the kernel's automarkup of v7.3: it leaves what it does not find as a literal of a certain class.
AUTOMARKUP = """\
import re
from docutils import nodes
from sphinx import addnodes
from sphinx.util.nodes import make_refnode


def mark(app, doctree, docname):
    known = {name: (doc, id) for name, _, _, doc, id, _ in app.env.get_domain("c").get_objects()}
    every = getattr(doctree, "findall", None) or doctree.traverse
    for text in list(every(nodes.Text)):
        if isinstance(text.parent, nodes.paragraph) and re.fullmatch(r"See \\w+\\(\\)\\.", text.astext()):
            name = text.astext()[4:-3]
            literal = nodes.literal("", name + "()", classes=["xref", "c", "c-func"])
            if name in known:
                node = make_refnode(app.builder, docname, *known[name], literal)
            else:
                literal["classes"].append("broken_xref")
                node = literal
            text.parent.replace(text, [nodes.Text("See "), node, nodes.Text(".")])


def setup(app):
    app.connect("doctree-resolved", mark)
"""


def linked(make: Make, text: str, more: str = "", builder: str = "html", **conf: Any) -> list[str]:
    """Return the links in a page with *text*, as their targets and their words."""
    use = f"Use\n===\n\n{text}\n"
    files = {"index.rst": toctree("demo", "use"), "demo.kfuncs.yaml": DEMO, "use.rst": use}
    if more:
        files.update({"more.rst": f"More\n====\n\n{more}\n", "index.rst": toctree("demo", "use", "more")})
    page = make(files, **conf).build(builder).text("use.html")
    body = page[page.index('<div class="body"') : page.index('class="sphinxsidebar"')]
    links = re.findall(r'(?s)<a class="(?!headerlink)[^"]*" href="([^"]*)"[^>]*>(.*?)</a>', body)
    return [f"{target} {re.sub('<[^>]*>', '', words)}" for target, words in links]


ONE = "demo.html#kfunc-bpf-one bpf_one()"
TWO = "demo.html#kfunc-u2-bpf-two __bpf_two()"


@pytest.mark.parametrize(
    ("text", "links"),
    [
        ("Call bpf_one().", [ONE]),
        ("bpf_one(), __bpf_two(), and bpf_one()", [ONE, TWO, ONE]),
        ("*Emphasis on bpf_one()*; (bpf_one()).", [ONE, ONE]),
        ("- bpf_one()\n- no\n\n  __bpf_two()", [ONE, TWO]),
        ("Term\n   Of bpf_one().\n\n:Field: bpf_one()", [ONE, ONE]),
        # What is no call, no kfunc, or more than its name:
        ("bpf_one, bpf_one(x), bpf_one (), bpf_on(), xbpf_one(), bpf_onex(), ops.bpf_two()", []),
        # What is marked up as something else:
        ("``bpf_one()``", []),
        ("::\n\n   bpf_one()", []),
        ("`bpf_one() <https://example.org/>`__", ["https://example.org/ bpf_one()"]),
        ("bpf_one()\n---------\n", []),
        (".. c:function:: void f(void)\n\n   Calls bpf_one().", [ONE]),
        # By a role:
        (":c:func:`bpf_one`, :c:func:`bpf_nothing`", [ONE]),
        (":c:func:`the first <bpf_one>`", ["demo.html#kfunc-bpf-one the first"]),
        (":c:type:`bpf_one`", []),
    ],
)
def test_what_becomes_a_link(make: Make, text: str, links: list[str]) -> None:
    assert linked(make, text) == links


def test_a_function_that_is_documented_is_left_alone(make: Make) -> None:
    text = "Call bpf_one() and __bpf_two(), or :c:func:`bpf_one`."
    documented = ".. c:function:: void bpf_one(void)"
    assert linked(make, text, documented) == [TWO, "more.html#c.bpf_one bpf_one()"]


def test_not_yet_is_not_declared(make: Make) -> None:
    assert linked(make, "bpf_one(), bpf_young()", kfuncdoc_release="v7.2") == [ONE]


@pytest.mark.parametrize("value", [False, "0", "off"])
def test_switched_off(make: Make, value: Any) -> None:
    assert linked(make, "bpf_one(), :c:func:`bpf_one`", kfuncdoc_links=value) == []


def test_after_automarkup(make: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """As in the kernel: links of its own stay, and what it leaves broken is linked and broken no longer."""
    (tmp_path / "marks.py").write_text(AUTOMARKUP, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(__import__("sys").modules, "marks", raising=False)
    text = "See bpf_one().\n\nSee __bpf_two().\n\nSee bpf_other()."
    documented = ".. c:function:: void bpf_one(void)"
    for extensions in (["marks", "kfuncdoc"], ["kfuncdoc", "marks"]):
        files = {"index.rst": toctree("demo", "use", "more"), "demo.kfuncs.yaml": DEMO}
        files.update({"use.rst": f"Use\n===\n\n{text}\n", "more.rst": f"More\n====\n\n{documented}\n"})
        page = make(files, extensions=extensions).build("html").text("use.html")
        paragraphs = re.findall("<p>See .*</p>", page)
        code = '<code class="xref c c-func{} docutils literal notranslate"><span class="pre">{}()</span></code>'
        assert paragraphs == [
            f'<p>See <a class="reference internal" href="more.html#c.bpf_one">{code.format("", "bpf_one")}</a>.</p>',
            '<p>See <a class="reference internal" href="demo.html#kfunc-u2-bpf-two" title="Stability of __bpf_two">'
            f"{code.format('', '__bpf_two')}</a>.</p>",
            f"<p>See {code.format(' broken_xref', 'bpf_other')}.</p>",
        ]


@pytest.mark.parametrize(
    ("builder", "page", "link"),
    [
        ("dirhtml", "use/index.html", 'href="../demo/#kfunc-bpf-one"'),
        ("singlehtml", "index.html", 'href="#kfunc-bpf-one"'),
        ("latex", "kernel.tex", r"\hyperref[\detokenize{demo:kfunc-bpf-one}]"),
        ("epub", "use.xhtml", 'href="demo.xhtml#kfunc-bpf-one"'),
        ("xml", "use.xml", 'refuri="demo#kfunc-bpf-one"'),
        ("texinfo", "kernel.texi", "bpf_one()"),
        ("text", "use.txt", 'Call "bpf_one()".'),
    ],
)
def test_every_builder_has_them(make: Make, builder: str, page: str, link: str) -> None:
    files = {"index.rst": toctree("demo", "use"), "demo.kfuncs.yaml": DEMO, "use.rst": "Use\n===\n\nCall bpf_one().\n"}
    assert link in make(files, **FOR_EVERY_BUILDER).build(builder).text(page)


def test_a_page_that_the_builder_leaves_out(make: Make) -> None:
    """LaTeX without the page of the record: the name stays text, without a warning."""
    files = {"index.rst": toctree("demo", "use"), "demo.kfuncs.yaml": DEMO, "use.rst": "Use\n===\n\nCall bpf_one().\n"}
    project = make(files, latex_documents=[("use", "use.tex", "Use", "us", "manual")])
    assert r"Call bpf\_one()." in project.build("latex").text("use.tex")


@pytest.mark.parametrize("builder", ["latex", "text", "html"])
def test_in_a_footnote(make: Make, builder: str) -> None:
    """LaTeX has it within the paragraph that refers to it."""
    use = "Use\n===\n\nWords. [#f]_ More.\n\n.. [#f] See bpf_one().\n"
    files = {"index.rst": toctree("demo", "use"), "demo.kfuncs.yaml": DEMO, "use.rst": use}
    build = make(files, **FOR_EVERY_BUILDER).build(builder)
    page = build.text({"latex": "kernel.tex", "text": "use.txt", "html": "use.html"}[builder])
    assert {"latex": r"\hyperref[\detokenize{demo:kfunc-bpf-one}]", "text": 'See "bpf_one()".', "html": ONE.split()[0]}[
        builder
    ] in page


# -- freshness

TEXTS = {
    "index.rst": toctree("demo", "use", "later", "roles", "functions", "plain"),
    "demo.kfuncs.yaml": DEMO,
    "use.rst": "Use\n===\n\nCall bpf_one().\n",
    "later.rst": "Later\n=====\n\nCall bpf_later() and bpf_more().\n",
    "roles.rst": "Roles\n=====\n\nCall :c:func:`bpf_later`.\n",
    "functions.rst": "Functions\n=========\n\n.. c:function:: void bpf_else(void)\n",
    "plain.rst": "Plain\n=====\n\nCall nothing().\n",
}


def written(project: Project, jobs: int) -> tuple[list[str], list[str]]:
    """Build and return which documents were read, and which pages written."""
    folder = project.folder / "text"
    for path in folder.glob("*.txt"):
        os.utime(path, (path.stat().st_atime, 2**31))
    read = project.build("text", jobs=jobs).read
    return read, sorted(path.stem for path in folder.glob("*.txt") if path.stat().st_mtime != 2**31)


@pytest.mark.parametrize("jobs", [1, 2])
def test_exactly_what_changed_is_written_again(make: Make, jobs: int) -> None:
    project = make(TEXTS)
    everything = sorted(name.split(".")[0] for name in TEXTS)
    assert written(project, jobs) == (everything, everything)
    assert written(project, jobs) == ([], [])
    # (Sphinx writes a page again whose table of contents has one that was read.)
    project.edit("demo.kfuncs.yaml", "Do bpf_one.", "Do it.")
    assert written(project, jobs) == (["demo"], ["demo", "index"])
    project.write("demo.kfuncs.yaml", DEMO + kfunc("bpf_later"))
    assert written(project, jobs) == (["demo"], ["demo", "index", "later", "roles"])
    assert written(project, jobs) == ([], [])
    project.edit("functions.rst", "bpf_else", "bpf_later")
    assert written(project, jobs) == (["functions"], ["functions", "index", "later", "roles"])
    project.edit("functions.rst", "bpf_later", "bpf_else")
    assert written(project, jobs) == (["functions"], ["functions", "index", "later", "roles"])
    project.write("demo.kfuncs.yaml", DEMO)
    assert written(project, jobs) == (["demo"], ["demo", "index", "later", "roles"])
    project.conf["kfuncdoc_links"] = False
    assert written(project, jobs) == ([], ["index", "use"])
    assert written(project, jobs) == ([], [])
    project.conf["kfuncdoc_links"] = True
    assert written(project, jobs) == ([], ["index", "use"])


def test_two_builders_on_one_doctree_folder(make: Make) -> None:
    project = make(TEXTS)
    project.build("html")
    project.build("text")
    project.write("demo.kfuncs.yaml", DEMO + kfunc("bpf_later"))
    assert "kfunc-bpf-later" in project.build("html").text("later.html")
    assert '"bpf_later()"' in project.build("text").text("later.txt")


def test_links_follow_a_kfunc_to_another_page(make: Make) -> None:
    """In running text, by roles, in tables and in notes; the pages are written again.

    What has a table is read again, as tables can be filtered by subsystem, and no other page.
    """
    one, two, stays = kfunc("bpf_one"), kfunc("bpf_two"), kfunc("bpf_stays")
    use = "Use\n===\n\nbpf_one(), :kfunc:`bpf_one`.\n\n.. kfunc-table::\n   :columns: kfunc\n"
    files = {"index.rst": toctree("first", "second", "use", "note", "plain"), "use.rst": use}
    files["note.rst"] = "Note\n====\n\n.. c:function:: void bpf_two(void)\n"
    files["plain.rst"] = "Plain\n=====\n"
    files["first.kfuncs.yaml"] = declarations("first", one, two, kfunc("bpf_other"))
    files["second.kfuncs.yaml"] = declarations("second", stays)
    project = make(files)
    assert project.build("html").text("use.html").count("first.html#kfunc-bpf-one") == 3
    project.write("first.kfuncs.yaml", declarations("first", kfunc("bpf_other")))
    project.write("second.kfuncs.yaml", declarations("second", one, two, stays))
    build = project.build("html")
    assert build.read == ["first", "second", "use"]
    for name, kfuncs in (("use", ["one"] * 3 + ["two"]), ("note", ["two"])):
        page = build.text(f"{name}.html")
        assert "first.html#kfunc-bpf-one" not in page
        assert sorted(re.findall("second.html#kfunc-bpf-(one|two)", page)) == kfuncs


def test_a_build_of_one_page_leaves_the_others_to_the_next(make: Make) -> None:
    project = make(TEXTS)
    project.build("text")
    project.write("demo.kfuncs.yaml", DEMO + kfunc("bpf_later"))
    project.build("text", filenames=["plain.rst"])
    assert project.build("text").text("later.txt").count('"bpf_later()"') == 1


def test_switched_off_and_on_without_a_mention(make: Make) -> None:
    """What nothing depends on keeps no build from being over at once."""
    project = make({"index.rst": toctree("demo"), "demo.kfuncs.yaml": DEMO})
    project.build()
    project.conf["kfuncdoc_links"] = False
    project.build()
    assert not domain_of(project.build().app.env).session.loaded
