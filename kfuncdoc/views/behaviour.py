# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What a kfunc does since a change that callers notice, in words for comments of C code.

::

    KfuncView, flags --behaviour_by_release--> sentences for each release --compat.snippets--> comments in C code

A history has the times before and after a change in one text: "The verifier refuses NULL. Before, the call failed."
The comment is about the kernels since the change, so that it leaves out the sentences on the time before.
"""

from __future__ import annotations

import re
from typing import Mapping, Optional, Sequence

from kfuncdoc.base.prose import as_words
from kfuncdoc.kernels.flags import FlagMeaning
from kfuncdoc.kernels.releases import Release
from kfuncdoc.record.declared_prose import Prose
from kfuncdoc.record.model import Changed
from kfuncdoc.views.events import EventView, FieldChange
from kfuncdoc.views.kfunc import KfuncView
from kfuncdoc.views.words import when_in_words

_BETWEEN_SENTENCES = re.compile(r"(?<=\.) (?=[A-Z`*:])")
#: The beginning of a sentence on what held before a change.
_BEFORE = re.compile(r"(?:Before,|(?:Before|Up to) v\d+\.\d+,?) (?=\S)")
#: The length, in characters, of the longest filter that comments repeat: the page has the filter among the facts.
_LONGEST_FILTER = 100


def behaviour_by_release(view: KfuncView, flags: Mapping[str, FlagMeaning]) -> Mapping[Release, str]:
    """Return what holds since each change that callers notice, in sentences; *flags* has the meanings, by name."""
    sentences: dict[Release, list[str]] = {}
    for event in view.events:
        if isinstance(event.event, Changed) and event.is_noticed:
            sentences.setdefault(event.when.by, []).extend(_sentences(event, event.event, flags))
    return {release: " ".join(filter(None, words)) for release, words in sentences.items()}


def _sentences(view: EventView, event: Changed, flags: Mapping[str, FlagMeaning]) -> Sequence[str]:
    changes = {change.field: change for change in view.changes}
    sentences = _BETWEEN_SENTENCES.split(" ".join((event.behaviour or "").split()))
    since = [as_words(sentence) for sentence in sentences if not _BEFORE.match(sentence)]
    if not event.behaviour:
        since = [words for name in _LIST_FIELDS if name in changes for words in _list_change(changes[name], flags)]
    if "filter" in changes:
        narrowed = _filter_sentence(changes["filter"].after)
        # If the filter changed again later, this one does not hold for all releases that the comment is for.
        if len(narrowed) <= _LONGEST_FILTER and changes["filter"].after == view.kfunc.field("filter"):
            since = [narrowed, *since]
        elif not changes["filter"].before:
            since = ["Only where its filter allows it.", *since]
    if not any(since):
        since = [f"Changed in {view.when.by}."]
    if view.when.uncertain and (view.when.after is None or view.when.after.position + 1 < view.when.by.position):
        since.append(f"This came in {when_in_words(view.when)}.")
    return since


#: The fields that are lists: the words name the items that were removed and added.
_LIST_FIELDS = ("flags", "program_types")


def _list_change(change: FieldChange, flags: Mapping[str, FlagMeaning]) -> list[str]:
    removed, added = change.removed_and_added
    meanings = {name: as_words(flags[name].meaning) for name in added if name in flags}
    return [f"Removed {name}." for name in removed] + [
        f"Added {name}: {meanings[name]}" if name in meanings else f"Added {name}." for name in added
    ]


def _filter_sentence(narrowing: Optional[Prose]) -> str:
    """Return a filter as a sentence; empty if there is none."""
    text = as_words(narrowing.text) if narrowing else ""
    return f"{text.rstrip('.')}." if text else ""
