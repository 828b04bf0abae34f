# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Prose as words: every construct of inline markup and every kind of role, and docutils as the judge of all others."""

from __future__ import annotations

import re
from typing import Any

import pytest
from docutils import nodes, utils
from docutils.core import publish_doctree
from docutils.parsers.rst import languages, states
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sphinx.util.docutils import ReferenceRole

from kfuncdoc.base.prose import as_words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        # literals, whose characters stay
        ("``KF_RCU``", "KF_RCU"),
        ("``*args``, ``a\\*b`` and ``f(x)``.", "*args, a\\*b and f(x)."),
        ("``:c:func:`f```", ":c:func:`f`"),
        ("``a  b``", "a b"),
        ("`` a``", "`` a``"),
        ("````", "````"),
        # emphasis
        ("*a b* and **c d**", "a b and c d"),
        ("(*a*) [**b**] 'c' -*d*- /*e*/", "(a) [b] 'c' -d- /e/"),
        ("***a***", "*a*"),
        ("The *kernel*\\ 's", "The kernel's"),
        # interpreted text without a role, and with one that says how it looks
        ("`a`", "a"),
        (":emphasis:`a` :sub:`2` `a`:strong:", "a 2 a"),
        (":math:`a \\le b` :code:`a\\n`", "a \\le b a\\n"),
        (":literal:`struct list <T>` :c:expr:`a <b>`", "struct list <T> a <b>"),
        (":rfc:`2822` and :pep:`8`", "RFC 2822 and PEP 8"),
        # references to what is described
        (":c:func:`bpf_b`", "bpf_b()"),
        (":c:func:`bpf_b()`", "bpf_b()"),
        (":c:func:`~mod.bpf_b`", "bpf_b()"),
        (":c:func:`!bpf_b`", "bpf_b()"),
        (":c:func:`!bpf_b <x>`", "bpf_b <x>()"),
        (":c:func:`the twin <bpf_b>`", "the twin"),
        (":c:func:`the twin<bpf_b>`", "the twin"),
        (":c:func:`a \\<b>`", "a <b>()"),
        ("`bpf_b`:c:func:", "bpf_b()"),
        (":func:`f` :py:meth:`~a.B.f` :cpp:func:`~n::f`", "f() f() f()"),
        (":c:struct:`bpf_map` :c:type:`u64` :c:macro:`KF_RCU` :c:member:`!a.b`", "bpf_map u64 KF_RCU a.b"),
        (":kfunc:`bpf_b` and :kfunc:`that one <bpf_b>`", "bpf_b and that one"),
        (":kfunc:`~bpf_b`, :any:`x`", "bpf_b, x"),
        # references to pages and sections
        (":ref:`a title <label>` :ref:`label`", "a title label"),
        (":doc:`a page </bpf/kfuncs>` :doc:`/bpf/kfuncs`", "a page /bpf/kfuncs"),
        (":std:term:`KF`, :option:`-f`, :envvar:`HOME`", "KF, -f, HOME"),
        # malformed: two roles, a role and the end of a link
        (":a:`x`:b:", ":a:`x`:b:"),
        (":a:`x`_", ":a:`x`_"),
        # hyperlinks
        ("`a title <https://example.org/a_b>`_.", "a title (https://example.org/a_b)."),
        ("`a title <https://example.org>`__", "a title (https://example.org)"),
        ("`a\ntitle <https://example.org/\na>`__", "a title (https://example.org/a)"),
        ("`https://example.org <https://example.org>`__", "https://example.org"),
        ("`<https://example.org>`__", "https://example.org"),
        ("`shelf\\_ <https://example.org/shelf_>`__", "shelf_ (https://example.org/shelf_)"),
        ("`write <bpf@vger.kernel.org>`_", "write (bpf@vger.kernel.org)"),
        ("`write <bpf\\_>`_", "write (bpf_)"),
        ("`an alias <other_>`_ `<other_>`_", "an alias other"),
        ("`a phrase`_, `anonymous`__", "a phrase, anonymous"),
        ("https://example.org/a_b?c=*d*e", "https://example.org/a_b?c=*d*e"),
        # references that are left as they are
        ("a word_ and word__ or bpf_f_.", "a word_ and word__ or bpf_f_."),
        ("notes [1]_, [#]_, [#name]_, [*]_ and [CIT2002]_.", "notes [1]_, [#]_, [#name]_, [*]_ and [CIT2002]_."),
        # substitutions and targets
        ("|version|, |version|_ and |version|__", "version, version and version"),
        ("_`a target`", "a target"),
        # escapes
        ("\\*a\\* \\`b\\` \\\\ \\|c\\| d\\_", "*a* `b` \\ |c| d_"),
        ("a\\ b", "ab"),
        ("a\\\nb", "ab"),
        ("*a\\* b*", "a* b"),
        ("`a \\`b`", "a `b"),
        ("the end\\", "the end"),
        # what is no markup
        ("2*3, 2 * 3, a*b*c, x ** y, *args, **kwargs", "2*3, 2 * 3, a*b*c, x ** y, *args, **kwargs"),
        ("`unbalanced, ``too", "`unbalanced, ``too"),
        ("a|b|c, a | b, 'it`s', it``s", "a|b|c, a | b, 'it`s', it``s"),
        ("\"*\", '``', (*), <|>, * and", "\"*\", '``', (*), <|>, * and"),
        ("a_b, _a_, __f__g, [1], [a b]_", "a_b, _a_, __f__g, [1], [a b]_"),
        ("foo:c:func:`f`", "foo:c:func:f"),
        # one that is no end, then the end
        ("*a *b* ``c`d``", "a *b c`d"),
        ("``a`` b``", "a b``"),
        # beyond ASCII
        ("“*a*” «``b``» —`c`— ¿**d**? „*e*“", "“a” «b» —c— ¿d? „e“"),
        ("‘*’ „*“ «*» 「*」", "‘*’ „*“ «*» 「*」"),
        ("é*a* *a*é", "é*a* *a*é"),
        ("*naïve* ``größe``", "naïve größe"),
        # paragraphs and lines
        ("a\n b\n\n  c\n", "a b c"),
        ("*a\nb*", "a b"),
        ("*a\n\nb*", "*a b*"),
        ("", ""),
        ("\0*a*", "\N{REPLACEMENT CHARACTER}*a*"),
    ],
)
def test_words(text: str, words: str) -> None:
    assert as_words(text) == words


SETTINGS = publish_doctree("", settings_overrides={"report_level": 5, "halt_level": 5}).settings


def _interpreted(rawsource: str, text: str, role: str, lineno: int) -> tuple[list[Any], list[Any]]:
    """Show interpreted text as Sphinx shows its references: docutils itself knows few of the roles."""
    title = None if text.startswith("!") else ReferenceRole.explicit_title_re.match(text)
    if role in ("", "code", "c:expr"):
        words = utils.unescape(text, role == "code")
    else:
        words = utils.unescape(title[1] if title else text[text.startswith("!") :])
    return [nodes.inline(rawsource, words)], []


def as_docutils_reads(text: str) -> str:
    """Return the words that docutils finds in one paragraph, in the form that `as_words` gives them."""
    document = utils.new_document("prose", SETTINGS)
    inliner: Any = states.Inliner()
    inliner.init_customizations(document.settings)
    inliner.interpreted = _interpreted
    memo = states.Struct(
        document=document,
        reporter=document.reporter,
        language=languages.get_language("en", document.reporter),
        inliner=inliner,
    )
    inlines, _ = inliner.parse(text, 1, memo, document)
    return " ".join("".join(map(_words_of, inlines)).split())


def _words_of(node: Any) -> str:
    if isinstance(node, (nodes.footnote_reference, nodes.citation_reference)):
        return str(node.rawsource)
    if isinstance(node, nodes.reference):
        title, address = node.astext(), node.get("refuri")
        if not title:
            return str(address or node.get("refname", ""))
        if node.rawsource.startswith("`") and address not in (None, title):
            return f"{title} ({address})"
        is_word = address is None and not node.rawsource.startswith(("`", "|"))
        return str(node.rawsource) if is_word else str(title)
    return "" if isinstance(node, nodes.target) and not node.astext() else str(node.astext())


#: What markup is made of, in pieces that meet often: openings, closings, words, blanks, punctuation.
PIECES = st.sampled_from(
    "* ** ` `` | _ __ `_ `__ |_ _` : :c:expr: :code: :a:b: ( ) [ ] { } < > ' \" « » “ ” „ ‘ ’ — ¿ / - . , ; ! # a b é "
    "1 a_ b__ [1]_ [#]_ [#a]_ [*]_ [a]_ https://a.b/c_ mailto:a <b_> \\ \\\\ \\* \\` \\_ \\<".split()
    + [" "] * 20 + ["\n", "\\ ", "\\\n", " <https://a.b/c>`_", " <b_>`__"]
)  # fmt: skip
WORDS = st.lists(
    st.sampled_from(["a", "b.c", "é", "a_b", "2", "\\*", "\\ ", "x*y", "it's"]), min_size=1, max_size=3
).map(" ".join)
CONSTRUCTS = st.one_of(
    WORDS,
    *(WORDS.map(form.format) for form in (
        "*{}*", "**{}**", "``{}``", "`{}`", ":code:`{}`", "`{}`:c:type:", "|{}|", "|{}|_", "_`{}`", "`{}`_", "`{}`__",
        "`{} <https://example.org/a_b>`_", "`{} <other_>`__", "({})", "\"{}\"", "“{}”", "[{}]",
    )),
)  # fmt: skip


@pytest.mark.fuzz
@settings(max_examples=500, deadline=None)
@given(st.lists(PIECES, max_size=25).map(lambda pieces: re.sub(r"\n\s*\n", "\n", "".join(pieces))))
@example("a_:b:`c`")
@example("``*a*")
@example("`a`:b:c")
@example("`a <b\\_>`_")
def test_any_characters_are_read_as_docutils_reads_them(text: str) -> None:
    assert as_words(text) == as_docutils_reads(text)


@pytest.mark.fuzz
@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(CONSTRUCTS, st.sampled_from([" ", "\n", ", ", ". ", "\\ ", "-", ": ", ""])), max_size=8))
def test_prose_is_read_as_docutils_reads_it(pieces: list[tuple[str, str]]) -> None:
    text = "".join(construct + separator for construct, separator in pieces)
    assert as_words(text) == as_docutils_reads(text)


def test_much_that_opens_and_nothing_that_closes_is_read_in_time() -> None:
    text = "*a `b ``c |d **e :f:`g " * 5000
    assert as_words(text) == " ".join(text.split())
