# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What to call instead, in the words of every form of text."""

from __future__ import annotations

import pytest
from declared import CALENDAR, TODAY, catalog_of, entry, subsystem

from kfuncdoc.record.declared_prose import Prose
from kfuncdoc.record.snapshot import Snapshot
from kfuncdoc.views.replacement import (
    PLAIN,
    Markup,
    Replacement,
    ReplacementFinder,
    Replacements,
    after_kernels,
    between_releases,
    in_list,
    in_sentence,
    nothing_to_call,
    on_page,
    to_call,
)

RST = Markup(name="<{}>".format, prose=lambda prose: prose.text, words=lambda words: words.replace("*", "\\*"))
NAMED = Replacement("bpf_b", case=Prose("for ``maps``"), is_deprecated=True)
OTHER = Replacement(other=Prose("the struct_ops ``hid_bpf_ops``."))
NONE = Prose("it was *never* used.")
CHAIN = (
    entry("bpf_a", "release: v6.2, event: added", "release: v6.4, event: removed, renamed_to: bpf_b")
    + entry("bpf_b", "release: v6.4, event: added", "release: v6.8, event: removed, replacement: [bpf_c]")
    + entry("bpf_c", "release: v6.6, event: added")
)  # fmt: skip


@pytest.mark.parametrize(
    ("replacements", "plain", "marked_up"),
    [
        (Replacements(), "not said", "not said"),
        (Replacements((NAMED,)), "bpf_b, itself deprecated (for maps)", "<bpf_b>, itself deprecated (for ``maps``)"),
        (Replacements((Replacement("bpf_b", is_renamed=True),)), "bpf_b (renamed)", "<bpf_b> (renamed)"),
        (Replacements((Replacement("bpf_b"), OTHER)), "bpf_b; the struct_ops hid_bpf_ops.",
         "<bpf_b>; the struct_ops ``hid_bpf_ops``."),
        (Replacements((), NONE), "nothing: it was never used.", "nothing: it was *never* used."),
        (Replacements((Replacement("bpf_b"),), is_removed=True), "bpf_b, removed since", "<bpf_b>, removed since"),
        (Replacements((Replacement("bpf_b"),), chain_end=Replacement("bpf_c")), "bpf_c; it replaced bpf_b",
         "<bpf_c>; it replaced <bpf_b>"),
    ],
)  # fmt: skip
def test_on_a_page(replacements, plain, marked_up):
    assert (on_page(replacements, PLAIN), on_page(replacements, RST)) == (plain, marked_up)


def test_in_a_list():
    assert in_list(Replacements((NAMED,)), RST) == "instead <bpf_b>, itself deprecated (for ``maps``)"
    assert in_list(Replacements((), NONE), RST) == "nothing instead: it was *never* used."


def test_in_a_sentence():
    assert in_sentence(Replacements((NAMED, OTHER))) == "instead: bpf_b (for maps), or the struct_ops hid_bpf_ops."
    assert in_sentence(Replacements((), NONE)) == "nothing replaces it: it was never used."
    assert in_sentence(Replacements()) == ""


def test_in_a_comment_after_kernels():
    assert after_kernels(Replacements((NAMED, OTHER))) == ". Instead: the struct_ops hid_bpf_ops"
    assert after_kernels(Replacements((), NONE)) == ". Nothing replaces it: it was never used"
    assert after_kernels(Replacements((NAMED,))) == ""


@pytest.mark.parametrize(
    ("present_on", "words"),
    [
        ((True, True), "itself deprecated, in both"),
        ((False, True), "itself deprecated, not in v6.1"),
        ((True, False), "itself deprecated, not in v6.2"),
        ((None, True), "itself deprecated, not known for v6.1"),
        ((None, None), "itself deprecated, not known for v6.1, not known for v6.2"),
        ((False, False), "itself deprecated, not in v6.1, not in v6.2"),
    ],
)
def test_between_two_releases(present_on, words):
    replacement = Replacement("bpf_b", case=Prose("for *maps*"), is_deprecated=True, present_on=present_on)
    assert between_releases([replacement, OTHER], "", ("v6.1", "v6.2")) == (
        f"; instead: bpf_b (for maps), {words}, or the struct_ops hid_bpf_ops."
    )
    assert between_releases([replacement], "", ("v6.1", "v6.2"), RST) == f"; instead: <bpf_b> (for maps), {words}"


def test_between_two_releases_without_a_replacement():
    assert between_releases([], "it was never used", ("v6.1", "v6.2")) == "; nothing replaces it: it was never used"
    assert between_releases([], "", ("v6.1", "v6.2")) == ""


def test_advice():
    assert to_call(NAMED, "", "not on v6.1") == "call bpf_b (for maps; itself deprecated; not on v6.1)"
    assert to_call(Replacement("bpf_b___x"), "bpf_b___x___compat", "") == (
        "call bpf_b___x (declared as bpf_b___x___compat)"
    )
    assert to_call(OTHER, "", "") == "use the struct_ops hid_bpf_ops."
    assert nothing_to_call(NONE) == "nothing replaces it: it was never used."


def test_the_end_of_a_chain_comes_first(tmp_path):
    finder = ReplacementFinder(Snapshot(catalog_of(tmp_path, demo=subsystem(CHAIN)), CALENDAR["v7.3"], TODAY))
    replacements = finder.of("bpf_a")
    assert replacements.kfuncs == ("bpf_c", "bpf_b")
    assert replacements.named == ("bpf_b",)
    assert (finder.replaced_by("bpf_c"), finder.replaced_by("bpf_a")) == (("bpf_b", "bpf_a"), ())
    assert finder.of("nobody") == Replacements()


def test_the_same_text_is_the_same_prose_wherever_it_stands():
    assert Prose("x", None, ("a",)) == Prose("x", None, ("b",))
    assert len({Prose("x", None, ("a",)), Prose("x", None, ("b",))}) == 1
