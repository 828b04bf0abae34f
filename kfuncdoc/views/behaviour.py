# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""How a kfunc behaves since a change that callers notice, and how it behaved before, in words for comments of C code.

::

    KfuncView, flags --behaviours--> a Behaviour for each release --compat.snippets--> comments in C code

A history has both in one text: "The verifier refuses NULL. Before, the call failed."  Code that runs on kernels of both
sides has a branch for each, and each branch gets its own words.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Mapping, Optional, Sequence

from kfuncdoc.base.prose import as_words
from kfuncdoc.kernels.flags import FlagMeaning
from kfuncdoc.kernels.releases import Release
from kfuncdoc.record.declared_prose import Prose
from kfuncdoc.record.model import Changed
from kfuncdoc.record.variants import is_same_to_libbpf, types_in_c
from kfuncdoc.views.events import EventView, FieldChange
from kfuncdoc.views.kfunc import KfuncView
from kfuncdoc.views.words import when_in_words

_BETWEEN_SENTENCES = re.compile(r"(?<=\.) (?=[A-Z`*:])")
#: The beginning of a sentence on what held before a change.
_BEFORE = re.compile(r"(?:Before,|(?:Before|Up to) v\d+\.\d+,?) (?=\S)")
#: The length, in characters, of the longest filter that comments repeat: the page has the filter among the facts.
_LONGEST_FILTERS = 100


@dataclass(frozen=True)
class Behaviour:
    """What holds *since* a change, and what held *before* it, which is empty if the history does not say."""

    since: str
    before: str


def behaviours(view: KfuncView, flags: Mapping[str, FlagMeaning]) -> Mapping[Release, Behaviour]:
    """Return what the changes that callers notice did, by release; *flags* has the meanings of flags, by name."""
    behaviours: dict[Release, Behaviour] = {}
    for event in view.events:
        if isinstance(event.event, Changed) and event.is_noticed:
            earlier = behaviours.get(event.when.by, Behaviour("", ""))
            since, before = _sentences(event, event.event, flags)
            behaviours[event.when.by] = Behaviour(_joined(earlier.since, *since), _joined(earlier.before, *before))
    return behaviours


def _sentences(
    view: EventView, event: Changed, flags: Mapping[str, FlagMeaning]
) -> tuple[Sequence[str], Sequence[str]]:
    """Return the sentences on what holds since *event*, and those on what held before it."""
    changes = {change.field: change for change in view.changes}
    sentences = _BETWEEN_SENTENCES.split(" ".join((event.behaviour or "").split()))
    since = [as_words(sentence) for sentence in sentences if not _BEFORE.match(sentence)]
    before = [as_words(_BEFORE.sub("", sentence)) for sentence in sentences if _BEFORE.match(sentence)]
    if not event.behaviour:
        since = [words for name in _LIST_FIELDS if name in changes for words in _list_change(changes[name], flags)]
    if "filter" in changes:
        was, narrowed = (_filter_sentence(prose) for prose in (changes["filter"].before, changes["filter"].after))
        # If the filter changed again later, this one does not hold for all releases that the comment is for.
        if len(was + narrowed) <= _LONGEST_FILTERS and changes["filter"].after == view.kfunc.field("filter"):
            before += [was] if was else []
            since = [narrowed, *since] if narrowed else since
        elif not was:
            since = ["Only where its filter allows it.", *since]
    if "prototype" in changes and _differs_in_c_only(changes["prototype"]):
        before.append(f"The prototype was {changes['prototype'].before}.")
    if not any(since):
        since = [f"Changed in {view.when.by}."]
    if view.when.uncertain and (view.when.after is None or view.when.after.position + 1 < view.when.by.position):
        since.append(f"This came in {when_in_words(view.when)}.")
    return since, before


#: The fields that are lists: the words name the items that were removed and added.
_LIST_FIELDS = ("flags", "program_types")


def _list_change(change: FieldChange, flags: Mapping[str, FlagMeaning]) -> list[str]:
    removed, added = change.removed_and_added
    meanings = {name: as_words(flags[name].meaning) for name in added if name in flags}
    return [f"{name} went." for name in removed] + [
        f"{name} came: {meanings[name]}" if name in meanings else f"{name} came." for name in added
    ]


def _filter_sentence(narrowing: Optional[Prose]) -> str:
    """Return a filter as a sentence; empty if there is none."""
    text = as_words(narrowing.text) if narrowing else ""
    return f"{text.rstrip('.')}." if text else ""


def _differs_in_c_only(change: FieldChange) -> bool:
    """Whether libbpf takes both prototypes of *change* for the same, and a compiler does not."""
    return is_same_to_libbpf(change.before, change.after) and types_in_c(change.before) != types_in_c(change.after)


def _joined(*sentences: str) -> str:
    return " ".join(filter(None, sentences))
