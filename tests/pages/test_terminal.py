# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""One kfunc in the terminal: the words of its page, exactly, without markup."""

from __future__ import annotations

from textwrap import dedent

import pytest
from declared import CALENDAR, TESTS, TODAY, catalog_of, entry, subsystem

from kfuncdoc.pages import rst, terminal
from kfuncdoc.pages.terminal import show

DEPRECATED = """\
    shelf_peek
        struct thing *shelf_peek(void);

    Look at a thing.

    Stability: deprecated
    In the kernel since: v6.2 (February 2023, 21 releases ago)
    In which kernels: v6.1 LTS: not yet, v6.6 LTS: yes, v6.12 LTS: yes, v6.18 LTS: yes,
        v6.19: yes, v7.0: yes, v7.1: yes, v7.2: deprecated, v7.3: deprecated
    Deprecated since: v7.2 (August 2026)
    What is to happen: The name stays, and its prototype changes to struct thing
        *shelf_peek(struct shelf *shelf); announced for v7.5.
    Remaining lifespan: 2 releases: last as it is in v7.4, to change in v7.5, around March
        2027; best effort (as of v7.3 (October 2026), on 1 November 2026)
    Replacement: the macro peek() (the kernel is old); shelf_take, itself deprecated
        (nothing else fits)
    In your programs: kfuncdoc audit finds calls of it in compiled ones; kfuncdoc header
        makes the compiler warn.
    Reason: It has no argument.
    Said in:
        - https://example.org/peek: change in v7.5
        - kernel/shelf.c: change undecided
    To speak up: Write to shelf@vger.kernel.org, with bpf@vger.kernel.org in copy: which
        program calls it, on which kernels, what for, and whether the replacement will do.
    Warning: The kernel warns in its log (dmesg) when it is used.

    Declared in: shelf.kfuncs.yaml:61, recorded up to v7.3

    History:
    v6.2: Added.
    v7.2: Deprecated: change announced for v7.5. Instead: the macro peek() (the kernel is
        old); shelf_take, itself deprecated (nothing else fits).
    """
REMOVED = """\
    shelf_lift
        void shelf_lift(void);

    Lift the shelf.

    Stability: removed in v6.17 (September 2025): last in v6.16, gone from v6.17
    In the kernel: In v6.12 to v6.16, and so in LTS v6.12 until December 2028.
    In which kernels: v6.1 LTS: not yet, v6.6 LTS: not yet, v6.12 LTS: yes, v6.18 LTS: gone,
        v6.19: gone, v7.0: gone, v7.1: gone, v7.2: gone, v7.3: gone
    Programs: From v6.17 a program that calls it does not load ("not found in kernel or
        module BTFs"), unless the extern is __weak and the call guarded by
        bpf_ksym_exists().
    Notice: Deprecated since v6.13; the removal was announced for v6.15.
    Replacement: shelf_put; it replaced shelf_raise (renamed)
    In your programs: kfuncdoc audit finds calls of it in compiled ones; kfuncdoc header
        makes the compiler warn.
    Reason: Too heavy.

    Declared in: shelf.kfuncs.yaml:85, recorded up to v7.3

    History:
    v6.12: Added.
    v6.13: Deprecated: removal announced for v6.15. Instead: shelf_put; it replaced
        shelf_raise (renamed).
    v6.17: Removed.
    """
EVERY_FACT = """\
    shelf_put
        int shelf_put(struct shelf *shelf, struct thing *thing, u64 place_on_the_shelf,
                      u64 flags);

    Put a thing on the shelf.

    Stability: present: no end announced, no guarantee
    In the kernel since: v6.2 (February 2023, 21 releases ago)
    In which kernels: v6.1 LTS: not yet, v6.6 LTS: yes, v6.12 LTS: yes, v6.18 LTS: yes,
        v6.19: yes, v7.0: yes, v7.1: yes, v7.2: yes, v7.3: yes
    To be called: from v6.8 on, not before (see the history)
    Called instead of: shelf_dust, shelf_raise, shelf_lift

    Flags: KF_ACQUIRE, KF_RCU
    Program types: registered for BPF_PROG_TYPE_TRACING, BPF_PROG_TYPE_XDP
    Filter: Only from XDP programs, and from tracing programs with the attach type
        BPF_TRACE_ITER.
    Called through: put in tools/shelf.h
    Module: shelf
    Configuration: SHELF && BPF_JIT
    Source: kernel/shelf.c
    Known users:
        - shelf_daemon (https://example.org/shelf_): every * minute
    Backports:
        - v6.12.40 (0123456789ab): With the lock.

    Declared in: shelf.kfuncs.yaml:14, recorded up to v7.3

    History:
    v6.2: Added.
    v6.8: breaks callers: Flags: KF_TRUSTED_ARGS went, KF_ACQUIRE, KF_RCU came. Needs a
        lock. Not to be called before v6.8. (commit 0123456789ab)
    v7.1: Program types: BPF_PROG_TYPE_XDP came. For XDP too.
    """


@pytest.mark.parametrize(
    ("name", "expected"), [("shelf_peek", DEPRECATED), ("shelf_lift", REMOVED), ("shelf_put", EVERY_FACT)]
)
def test_a_kfunc_is_shown_exactly(tmp_path, monkeypatch, name, expected):
    monkeypatch.chdir(tmp_path)
    catalog = catalog_of(tmp_path.relative_to(tmp_path), shelf=(TESTS / "pages" / "shelf.yaml").read_text("utf-8"))
    assert show(catalog, name, CALENDAR["v7.3"], TODAY) == dedent(expected).rstrip("\n")


def test_prose_and_what_is_none_is_told_from_markup(tmp_path):
    """Prose of every field loses its markup; what the declarations have besides is shown as it is written."""
    text = """\
    - name: f
      summary: As :c:func:`bpf_b`, but *quick*.
      prototype: void f(void)
      filter: Only ``*ops``, see :ref:`the page <filters>`.
      depends_on: A_ && `B`
      source: kernel/*a*_b_.c
      users:
        - {name: "*the* user_", url: "https://example.org/a_", note: "``as is``"}
      backports:
        - {kernel: v6.12.40, note: 'With :c:struct:`!lock`\\ s.'}
      history:
        - {release: v6.2, event: added, note: "- A list, `said there <https://example.org/b_>`__."}
        - release: v7.2
          event: deprecated
          reason: |
            For **two**
            reasons.

            - :kfunc:`g` is *better*
          said_in: kernel/a_b_.c
          removal: v7.5
          replacement:
            - {other: "`:c:func:` or ``:c:func:``", when: "|so| 2*3"}
          link: https://example.org/c_
    """
    catalog = catalog_of(tmp_path, demo=subsystem(dedent(text)))
    lines = show(catalog, "f", CALENDAR["v7.3"], TODAY).split("\n")
    assert [line for line in lines if line.startswith(SHOWN)] == [
        "As bpf_b(), but quick.",
        "Replacement: :c:func: or :c:func: (so 2*3)",
        "Reason: For two reasons. - g is better",
        "Said in: kernel/a_b_.c",
        "Filter: Only *ops, see the page.",
        "Configuration: A_ && `B`",
        "Source: kernel/*a*_b_.c",
        "    - *the* user_ (https://example.org/a_): ``as is``",
        "    - v6.12.40: With locks.",
        "v6.2: Added. - A list, said there (https://example.org/b_).",
        "v7.2: Deprecated: removal announced for v7.5. Instead: :c:func: or :c:func: (so 2*3).",
        "    [link] (https://example.org/c_)",
    ]


SHOWN = ("As ", "Repl", "Reason", "Said in", "Filter", "Config", "Source", "    - ", "v6.2:", "v7.2:", "    [link]")


def test_every_filter_that_writes_markup_has_one_that_writes_text():
    shared = {name for name, function in rst.FILTERS.items() if terminal.FILTERS[name] is function}
    assert shared == {"code", "day", "heading", "month", "simple_table"}  # the last two are for pages only


def test_a_name_keeps_its_underscores(tmp_path):
    catalog = catalog_of(tmp_path, demo=subsystem(entry("__f__g_", "release: v6.2, event: added")))
    assert show(catalog, "__f__g_", CALENDAR["v7.3"], TODAY).startswith("__f__g_\n    void __f__g_(void);\n")


def test_a_kfunc_that_has_not_come_yet(tmp_path):
    catalog = catalog_of(tmp_path, demo=subsystem(entry("f", "release: v7.0, event: added")))
    text = show(catalog, "f", CALENDAR["v6.2"], TODAY)
    assert "Stability: not yet in the kernel in v6.2 (February 2023)\n" in text
    assert "v7.0" not in text


def test_a_name_that_is_not_declared_shows_nothing(tmp_path):
    catalog = catalog_of(tmp_path, demo=subsystem(entry("f", "release: v6.2, event: added")))
    assert show(catalog, "g", CALENDAR["v7.3"], TODAY) is None
