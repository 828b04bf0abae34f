# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The directives and the role in hand-written pages: every option, and every way to get one wrong."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Callable, Sequence

import pytest
from projects import Build, Project, declarations, deprecated, kfunc, removed, toctree

Make = Callable[..., Project]

DECLARED = {
    "alpha.kfuncs.yaml": declarations(
        "alpha",
        kfunc("bpf_zero", program_types="[BPF_PROG_TYPE_XDP]", added="v6.4"),
        kfunc("bpf_old", deprecated("v7.0", "v7.5", "bpf_new"), program_types="[BPF_PROG_TYPE_TRACING]"),
        kfunc("bpf_late", deprecated("v6.18", "v7.2", "bpf_new")),
        kfunc("bpf_gone", deprecated("v6.18", "v7.1", "bpf_new"), removed("v7.1")),
    ),
    "beta.kfuncs.yaml": declarations(
        "beta",
        kfunc("bpf_new", added="v6.5", flags="[KF_RCU]"),
        kfunc(
            "bpf_superseded",
            "release: v7.2, event: superseded, replacement: [bpf_new], said_in: kernel/bpf/helpers.c",
            added="v6.3",
        ),
        kfunc("bpf_lost", "release: v7.2, event: removed, no_replacement: Nobody called it.", added="v6.4"),
    ),
}


@pytest.fixture
def page(make: Make) -> Callable[..., Build]:
    """Return a builder of a page beside the declarations: ``page(text, expected=(), builder="text")``."""

    def build(text: str, *, expected: tuple[str, ...] = (), builder: str = "text") -> Build:
        project = make({"index.rst": toctree("alpha", "beta", "use"), "use.rst": f"Use\n===\n\n{text}\n", **DECLARED})
        return project.build(builder, expected=expected)

    return build


@pytest.fixture
def pages(make: Make) -> Callable[..., Build]:
    """Return a builder of many pages at once, use0, use1 and so on: ``pages(texts, expected=())``."""

    def build(texts: list[str], *, expected: Sequence[str] = ()) -> Build:
        files = {f"use{number}.rst": f"Use\n===\n\n{text}\n" for number, text in enumerate(texts)}
        project = make({"index.rst": toctree("alpha", "beta", "use*", glob=True), **files, **DECLARED})
        return project.build(expected=expected)

    return build


Page = Callable[..., Build]
Pages = Callable[..., Build]


def rows(text: str) -> list[list[str]]:
    """Return the rows of the table in a text page, cells on one line each, the head first."""
    table: list[list[str]] = []
    begun = False
    for line in text.splitlines():
        if re.fullmatch(r"\+[-=+|]+\+?", line) or re.fullmatch(r"\|=[=|]+\|", line):
            begun = True
        elif line.startswith("|"):
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            if begun:
                table.append(cells)
            else:
                table[-1] = [" ".join(part for part in pair if part) for pair in zip(table[-1], cells)]
            begun = False
    return table


# -- kfunc-table


def test_table_without_options(page: Page) -> None:
    assert rows(page(".. kfunc-table::").text("use.txt")) == [
        ["kfunc", "What it does", "Stability", "Since"],
        ["bpf_gone", "Do bpf_gone.", "removed", "v6.2"],
        ["bpf_late", "Do bpf_late.", "past due", "v6.2"],
        ["bpf_lost", "Do bpf_lost.", "removed", "v6.4"],
        ["bpf_new", "Do bpf_new.", "present", "v6.5"],
        ["bpf_old", "Do bpf_old.", "deprecated", "v6.2"],
        ["bpf_superseded", "Do bpf_superseded.", "superseded", "v6.3"],
        ["bpf_zero", "Do bpf_zero.", "present", "v6.4"],
    ]


#: Options, by line, and what a table with them shows.
SELECTIONS = [
    (":stability: present", ["bpf_new", "bpf_superseded", "bpf_zero"]),
    (":stability: superseded", ["bpf_superseded"]),
    (":stability: deprecated", ["bpf_late", "bpf_old"]),
    (":stability: removed", ["bpf_gone", "bpf_lost"]),
    (":stability: removed, deprecated", ["bpf_gone", "bpf_late", "bpf_lost", "bpf_old"]),
    (":stability: removed deprecated", ["bpf_gone", "bpf_late", "bpf_lost", "bpf_old"]),
    (":past-due:", ["bpf_late"]),
    (":subsystem: beta", ["bpf_lost", "bpf_new", "bpf_superseded"]),
    (":subsystem: beta\n:stability: removed", ["bpf_lost"]),
    (":added: v6.4", ["bpf_lost", "bpf_zero"]),
    (":deprecated: v6.18", ["bpf_gone", "bpf_late"]),
    (":removed: v7.2", ["bpf_lost"]),
    (":program-type: BPF_PROG_TYPE_XDP", ["bpf_zero"]),
    (":program-type: BPF_PROG_TYPE_TRACING", ["bpf_old"]),
    # It shares the hook of tracing programs.
    (":program-type: BPF_PROG_TYPE_TRACEPOINT", ["bpf_old"]),
    (":order: name\n:added: v6.4", ["bpf_lost", "bpf_zero"]),
    (":order: declared\n:added: v6.4", ["bpf_zero", "bpf_lost"]),
    (":order: added\n:stability: present", ["bpf_new", "bpf_zero", "bpf_superseded"]),
    (":order: urgency\n:stability: deprecated", ["bpf_late", "bpf_old"]),
    (":order: removed\n:stability: removed", ["bpf_lost", "bpf_gone"]),
]


def test_table_selects_and_orders(pages: Pages) -> None:
    build = pages([f".. kfunc-table::\n   {options}".replace("\n:", "\n   :") for options, _ in SELECTIONS])
    shown = [rows(build.text(f"use{number}.txt")) for number in range(len(SELECTIONS))]
    assert [[row[0] for row in table[1:]] for table in shown] == [selected for _, selected in SELECTIONS]


def test_table_with_nothing_to_show(page: Page) -> None:
    assert page(".. kfunc-table::\n   :removed: v6.10").text("use.txt") == "Use\n***\n\nNone.\n"


def test_table_columns(page: Page) -> None:
    columns = "removed, notice, kfunc, replacement, lts, last"
    build = page(f".. kfunc-table::\n   :stability: removed\n   :columns: {columns}")
    assert rows(build.text("use.txt")) == [
        ["Gone from", "Notice", "kfunc", "Call instead", "Still in LTS", "Last in"],
        [
            "v7.1",
            "deprecated since v6.18, announced for v7.1",
            "bpf_gone",
            "bpf_new",
            "v6.6, v6.12, v6.18",
            "v7.0",
        ],
        ["v7.2", "none", "bpf_lost", "nothing: Nobody called it.", "v6.6, v6.12, v6.18", "v7.1"],
    ]


def test_table_columns_of_deprecated(page: Page) -> None:
    columns = "kfunc, subsystem, deprecated, end, remaining, flags, program-types"
    build = page(f".. kfunc-table::\n   :stability: deprecated\n   :order: urgency\n   :columns: {columns}")
    assert rows(build.text("use.txt")) == [
        ["kfunc", "Subsystem", "Deprecated since", "What is to happen", "Remaining lifespan", "Flags", "Program types"],
        [
            "bpf_late", "alpha", "v6.18", "removal in v7.2",
            "over: was to go in v7.2; still present in v7.3; may go in any release", "", "",
        ],
        [
            "bpf_old", "alpha", "v7.0", "removal in v7.5",
            "2 releases: last in v7.4, to be gone from v7.5, around March 2027; best effort", "",
            '"BPF_PROG_TYPE_TRACING"',
        ],
    ]  # fmt: skip


def test_table_links_to_pages(page: Page) -> None:
    build = page(".. kfunc-table::\n   :stability: deprecated\n   :columns: kfunc replacement", builder="html")
    links = re.findall(r'href="(alpha|beta)\.html#([^"]+)"', build.text("use.html").split('role="main"')[1])
    assert links == [
        ("alpha", "kfunc-bpf-late"),
        ("beta", "kfunc-bpf-new"),
        ("alpha", "kfunc-bpf-old"),
        ("beta", "kfunc-bpf-new"),
    ]


COLUMNS = (
    "kfunc, summary, subsystem, stability, added, deprecated, end, remaining, removed, last, lts, replacement, notice, "
    "flags, program-types"
)


#: An option of a table with a value that is wrong, and the message.
BAD_OPTIONS = [
    ("stability: present, gone", "'gone' is not among present, superseded, deprecated, removed."),
    (
        "stability: depreciated",
        "'depreciated' is not among present, superseded, deprecated, removed: did you mean 'deprecated'?.",
    ),
    ("stability:", "is empty."),
    ("past-due: yes", 'no argument is allowed; "yes" supplied.'),
    ("subsystem:", "is empty."),
    ("added: 6.10", "'6.10' is no release; write it as v6.10."),
    ("deprecated: v6", "'v6' is no release; write it as v6.10."),
    ("removed:", "'None' is no release; write it as v6.10."),
    ("program-type:", "argument required but none supplied."),
    ("columns: kfunc, sumary", f"'sumary' is not among {COLUMNS}: did you mean 'summary'?."),
    ("columns:", "is empty."),
    (
        "order: size",
        '"size" unknown; choose from "name", "declared", "added", "urgency", or "removed".',
    ),
    ("order:", 'must supply an argument; choose from "name", "declared", "added", "urgency", or "removed".'),
]


def test_bad_values_of_a_table(pages: Pages) -> None:
    expected = {}
    for number, (option, message) in enumerate(BAD_OPTIONS):
        kind, _, value = option.partition(":")
        expected[f"use{number}"] = [
            f'use{number}.rst:6: WARNING: Error in "kfunc-table" directive:',
            f'invalid option value: (option: "{kind}"; value: {value.strip() or None!r})',
            message,
            ".. kfunc-table::",
            f"   :{option}",
        ]
    in_order_of_reading = [line for docname in sorted(expected) for line in expected[docname]]
    pages([f"Text.\n\n.. kfunc-table::\n   :{option}" for option, _ in BAD_OPTIONS], expected=in_order_of_reading)


#: Options of a table that name what there is not, and the message.
WRONG_NAMES = [
    ("subsystem: alpa", "no subsystem 'alpa' is declared; did you mean 'alpha'?"),
    (
        "program-type: BPF_PROG_TYPE_XPD",
        "'BPF_PROG_TYPE_XPD' is no program type that is known; did you mean 'BPF_PROG_TYPE_XDP'?",
    ),
    ("added: v9.9", "v9.9 is no release that exists"),
    ("removed: v6.20", "v6.20 is no release that exists"),
]


def test_a_table_of_what_there_is_not_is_refused(pages: Pages) -> None:
    pages(
        [f"Text.\n\n.. kfunc-table::\n   :{option}" for option, _ in WRONG_NAMES],
        expected=[f"use{number}.rst:6: WARNING: {message}" for number, (_, message) in enumerate(WRONG_NAMES)],
    )


def test_unknown_option_of_a_table(page: Page) -> None:
    page(
        ".. kfunc-table::\n   :colour: red",
        expected=(
            'use.rst:4: WARNING: Error in "kfunc-table" directive:',
            'unknown option: "colour".',
            ".. kfunc-table::",
            "   :colour: red",
        ),
    )


# -- kfunc-changes


def happened(text: str) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return what a text page says of each release: pairs of what happened and to which kfunc."""
    told: list[tuple[str, list[tuple[str, str]]]] = []
    what = ""
    for line in text.splitlines():
        release = re.match(r"-\[ (v[0-9.]+) \(", line)
        if release:
            told.append((release[1], []))
        elif line.endswith(":") and not line.startswith(" "):
            what = line[:-1]
        elif told:
            listed = re.match(r" +\* (\w+): ", line)
            names = [listed[1]] if listed else line.strip().split(", ") if line.strip() else []
            told[-1][1].extend((what, name) for name in names)
    return told


def test_changes_of_everything(page: Page) -> None:
    assert happened(page(".. kfunc-changes::").text("use.txt")) == [
        ("v7.2", [("Removed", "bpf_lost"), ("Superseded", "bpf_superseded")]),
        ("v7.1", [("Removed", "bpf_gone")]),
        ("v7.0", [("Deprecated", "bpf_old")]),
        ("v6.18", [("Deprecated", "bpf_late"), ("Deprecated", "bpf_gone")]),
        ("v6.5", [("Added", "bpf_new")]),
        ("v6.4", [("Added", "bpf_zero"), ("Added", "bpf_lost")]),
        ("v6.3", [("Added", "bpf_superseded")]),
        ("v6.2", [("Added", "bpf_old"), ("Added", "bpf_late"), ("Added", "bpf_gone")]),
    ]


def test_changes_of_a_release(page: Page) -> None:
    text = page(".. kfunc-changes::\n   :release: v7.0").text("use.txt")
    assert happened(text) == [("v7.0", [("Deprecated", "bpf_old")])]


#: Options of changes, and the releases that they show.
SPANS = [
    ("", ["v7.2", "v7.1", "v7.0", "v6.18", "v6.5", "v6.4", "v6.3", "v6.2"]),
    (":from: v6.18", ["v7.2", "v7.1", "v7.0"]),
    (":to: v6.3", ["v6.3", "v6.2"]),
    (":from: v6.4\n:to: v7.1", ["v7.1", "v7.0", "v6.18", "v6.5"]),
    (":release: v6.18", ["v6.18"]),
    (":release: v6.10", []),
]


def test_changes_between_releases(pages: Pages) -> None:
    build = pages([f".. kfunc-changes::\n   {options}".replace("\n:", "\n   :") for options, _ in SPANS])
    texts = [build.text(f"use{number}.txt") for number in range(len(SPANS))]
    assert [re.findall(r"^-\[ (v[0-9.]+) \(", text, re.MULTILINE) for text in texts] == [shown for _, shown in SPANS]
    assert ["Nothing is recorded." in text for text in texts] == [not shown for _, shown in SPANS]


def test_changes_in_sections_have_addresses_and_contents(page: Page) -> None:
    build = page("Before.\n\n.. kfunc-changes::\n   :sections:\n   :from: v7.0", builder="html")
    text = build.text("use.html")
    assert re.findall(r'<(?:section|div class="section") id="([^"]*)"', text) == ["use", "v7-2", "v7-1"]
    assert [text.count(f'href="#{anchor}"') > 1 for anchor in ("v7-2", "v7-1")] == [True, True]


#: Options of changes that make no sense, and the message.
BAD_SPANS = [
    (":release: v7.0\n   :to: v7.1", "release goes without from and to"),
    (":release: v6.20", "v6.20 is no release that exists"),
    (":from: v7.9", "v7.9 is no release that exists"),
    (":from: v4.1", "v4.1 is no release that exists"),
    (":from: v7.1\n   :to: v7.0", "v7.1 does not come before v7.0"),
]


def test_bad_releases_of_changes(pages: Pages) -> None:
    pages(
        [f"Text.\n\n.. kfunc-changes::\n   {options}" for options, _ in BAD_SPANS],
        expected=[f"use{number}.rst:6: WARNING: {message}" for number, (_, message) in enumerate(BAD_SPANS)],
    )


def test_bad_form_of_a_release_of_changes(page: Page) -> None:
    page(
        ".. kfunc-changes::\n   :from: 7.0",
        expected=(
            'use.rst:4: WARNING: Error in "kfunc-changes" directive:',
            "invalid option value: (option: \"from\"; value: '7.0')",
            "'7.0' is no release; write it as v6.10.",
            ".. kfunc-changes::",
            "   :from: 7.0",
        ),
    )


# -- kfunc-lifecycle


def test_lifecycle_stands_in_place(page: Page) -> None:
    text = page("Before.\n\n.. kfunc-lifecycle:: bpf_zero\n\nAfter.").text("use.txt")
    assert text.startswith("Use\n***\n\nBefore.\n\n   void bpf_zero(void);\n\nDo bpf_zero.\n\nStability:\n   present: ")
    assert text.endswith('Program types:\n   registered for "BPF_PROG_TYPE_XDP"\n\nAfter.\n')
    assert re.findall(r"^(\w.*):$", text, re.MULTILINE) == [
        "Stability", "In the kernel since", "In which kernels", "Program types",
    ]  # fmt: skip


def test_lifecycle_of_an_unknown_kfunc(page: Page) -> None:
    found = "use.rst:6: WARNING: kfunc 'bpf_zer' is not declared; did you mean 'bpf_zero'? [kfuncdoc.reference-unknown]"
    text = page("Text.\n\n.. kfunc-lifecycle:: bpf_zer", expected=(found,)).text("use.txt")
    assert text == 'Use\n***\n\nText.\n\n"bpf_zer"\n'


def test_lifecycle_needs_a_name(page: Page) -> None:
    page(
        ".. kfunc-lifecycle::",
        expected=(
            'use.rst:4: WARNING: Error in "kfunc-lifecycle" directive:',
            "1 argument(s) required, 0 supplied.",
            ".. kfunc-lifecycle::",
        ),
    )


def test_lifecycle_of_a_wrong_declaration(make: Make) -> None:
    files = {
        "index.rst": "Use\n===\n\n.. kfunc-lifecycle:: bpf_bad\n",
        "bad.kfuncs.yaml": declarations("bad", kfunc("bpf_bad", colour="red")),
    }
    make(files).build(
        expected=[
            "bad.kfuncs.yaml:8:3: WARNING: unknown key 'colour' [kfuncdoc.unknown-key]",
            "index.rst:4: WARNING: the declaration of 'bpf_bad' is wrong and cannot be shown "
            "[kfuncdoc.reference-unknown]",
            "bad.kfuncs.yaml: WARNING: document isn't included in any toctree",
        ]
    )


def test_lifecycle_of_a_kfunc_that_is_to_come(make: Make) -> None:
    """As of v6.3, bpf_new is not there yet: no page has it, and there is nothing to link to."""
    use = "Use\n===\n\n.. kfunc-lifecycle:: bpf_new\n\nAnd :kfunc:`bpf_new`.\n"
    project = make({"index.rst": toctree("alpha", "beta", "use"), "use.rst": use, **DECLARED}, kfuncdoc_release="v6.3")
    text = project.build().text("use.txt")
    assert text == 'Use\n***\n\n"bpf_new" is not yet in v6.3.\n\nAnd "bpf_new".\n'


# -- the role


def test_role_forms(page: Page) -> None:
    build = page("See :kfunc:`bpf_old`, :kfunc:`bpf_new()` and :kfunc:`this one <bpf_gone>`.", builder="html")
    body = build.text("use.html").split("<p>See ")[1].split("</p>")[0]
    links = re.findall(r'<a class="reference internal" href="([^"]+)">(.*?)</a>', body)
    assert [(link, re.sub("<[^>]+>", "", shown)) for link, shown in links] == [
        ("alpha.html#kfunc-bpf-old", "bpf_old"),
        ("beta.html#kfunc-bpf-new", "bpf_new()"),
        ("alpha.html#kfunc-bpf-gone", "this one"),
    ]
    assert [re.match(r'<code class="([^"]+)"', shown)[1].split()[0] for _, shown in links] == ["kfunc"] * 3
    assert page("See :kfunc:`bpf_old`.").text("use.txt") == 'Use\n***\n\nSee "bpf_old".\n'


def test_role_on_its_own_page(make: Make) -> None:
    demo = declarations("demo", kfunc("bpf_one", description='"Like :kfunc:`bpf_two`."'), kfunc("bpf_two"))
    build = make({"index.rst": toctree("demo"), "demo.kfuncs.yaml": demo}).build("html")
    assert 'Like <a class="reference internal" href="#kfunc-bpf-two">' in build.text("demo.html")


def test_role_with_an_unknown_name(page: Page) -> None:
    text = "One line,\nthen :kfunc:`bpf_odl`.\n\nMore: :kfunc:`nothing_like_it()`."
    build = page(
        text,
        expected=(
            "use.rst:4: WARNING: kfunc 'bpf_odl' is not declared; did you mean 'bpf_old'? [kfuncdoc.reference-unknown]",
            "use.rst:7: WARNING: kfunc 'nothing_like_it' is not declared [kfuncdoc.reference-unknown]",
        ),
    )
    assert build.text("use.txt") == 'Use\n***\n\nOne line, then "bpf_odl".\n\nMore: "nothing_like_it()".\n'


def test_role_with_an_unknown_name_in_prose(make: Make) -> None:
    demo = declarations("demo", kfunc("bpf_one", description='"Like :kfunc:`bpf_two`."'))
    project = make({"index.rst": toctree("demo"), "demo.kfuncs.yaml": demo})
    project.build(
        expected=[
            "demo.kfuncs.yaml:8: WARNING: kfunc 'bpf_two' is not declared; did you mean 'bpf_one'? "
            "[kfuncdoc.reference-unknown]"
        ]
    )


def test_kfunc_without_a_page_is_no_link(make: Make, tmp_path: Path) -> None:
    use = (
        "Use\n===\n\n:kfunc:`bpf_outside` :kfunc:`bpf_one`\n\n"
        ".. kfunc-table::\n   :columns: kfunc replacement\n\n.. kfunc-lifecycle:: bpf_outside\n"
    )
    demo = declarations("demo", kfunc("bpf_one", deprecated("v7.0", "v7.5", "bpf_outside")))
    files = {"index.rst": toctree("demo", "use"), "demo.kfuncs.yaml": demo, "use.rst": use}
    project = make(files, kfuncdoc_data=["../more"], kfuncdoc_pages="")
    outside = declarations("outside", kfunc("bpf_outside", deprecated("v7.1", "v7.5", "bpf_one")))
    outside = outside.replace("removal: v7.5, replacement: [bpf_one]", "removal: v7.5, no_replacement: None is needed.")
    project.write(str(project.folder / "more" / "outside.kfuncs.yaml"), outside)
    build = project.build("html")
    links = set(re.findall(r'href="([^"]*\.html#kfunc-[^"]*)"', build.text("use.html") + build.text("demo.html")))
    assert links == {"demo.html#kfunc-bpf-one"}
    assert '<code class="kfunc docutils literal notranslate"><span class="pre">bpf_outside</span></code>' in build.text(
        "use.html"
    )
    assert ["bpf_outside" in build.text(name) for name in ("use.html", "demo.html")] == [True, True]
