# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Who searches the site for a message of libbpf or the verifier finds the page that explains it."""

from __future__ import annotations

from pathlib import Path

from projects import ROOT, sphinx_build
from sphinx.search import js_index
from sphinx.search.en import SearchEnglish

from kfuncdoc.kernels.messages import load_messages
from kfuncdoc.kernels.packaged import load_calendar

PAGE = ROOT / "docs" / "messages.rst"
MESSAGES = [message.shown for message in load_messages(load_calendar()).messages]


def test_every_word_of_a_message_is_in_the_index(tmp_path: Path) -> None:
    """The search shows a page that has all words, or their stems; its own titles find nothing here."""
    source, output = tmp_path / "source", tmp_path / "output"
    source.mkdir()
    text = PAGE.read_text(encoding="utf-8")
    (source / "messages.rst").write_text(text, encoding="utf-8")
    (source / "index.rst").write_text("Index\n=====\n\n.. toctree::\n\n   messages\n", encoding="utf-8")
    extension = f"import sys\nsys.path.insert(0, {str(ROOT / 'docs' / '_ext')!r})\n"
    (source / "conf.py").write_text(f'{extension}extensions = ["kfuncdoc_reference"]\n', encoding="utf-8")
    # What the page refers to is not here, and the warnings of that are not looked at.
    assert sphinx_build("-q", "-b", "html", str(source), str(output)).returncode == 0
    index = js_index.loads((output / "searchindex.js").read_text(encoding="utf-8"))
    language = SearchEnglish({})
    assert len(MESSAGES) > 100
    for message in MESSAGES:
        # Numbers and short words are left out by who searches.
        words = {word.lower() for word in language.split(message) if len(word) > 2 and not word.isdigit()}
        wanted = words - set(language.stopwords)
        assert wanted
        # A stem that would be too short is not taken.
        assert all({word, language.stem(word)} & set(index["terms"]) for word in wanted), message
