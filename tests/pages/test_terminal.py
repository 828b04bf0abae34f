# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""One kfunc in the terminal: the words of its page, exactly, without markup."""

from __future__ import annotations

from textwrap import dedent

import pytest
from declared import CALENDAR, TESTS, TODAY, catalog_of, entry, subsystem

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


@pytest.mark.parametrize(("name", "expected"), [("shelf_peek", DEPRECATED), ("shelf_lift", REMOVED)])
def test_a_kfunc_is_shown_exactly(tmp_path, monkeypatch, name, expected):
    monkeypatch.chdir(tmp_path)
    catalog = catalog_of(tmp_path.relative_to(tmp_path), shelf=(TESTS / "pages" / "shelf.yaml").read_text("utf-8"))
    assert show(catalog, name, CALENDAR["v7.3"], TODAY) == dedent(expected).rstrip("\n")


def test_every_kind_of_fact_is_shown_without_markup(tmp_path):
    catalog = catalog_of(tmp_path, shelf=(TESTS / "pages" / "shelf.yaml").read_text("utf-8"))
    text = show(catalog, "shelf_put", CALENDAR["v7.3"], TODAY)
    for line in (
        "Flags: KF_ACQUIRE, KF_RCU",
        "Filter: Only from ops.put().",
        "    - shelf_daemon (https://example.org/shelf_): every * minute",
        "    - v6.12.40 (0123456789ab): With the lock.",
        "v7.1: Program types: BPF_PROG_TYPE_XDP came. For XDP too.",
    ):
        assert f"\n{line}\n" in f"{text}\n"
    for markup in ("``", ":ref:", "kfunc-", "\\", "\ue000"):
        assert markup not in text


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
