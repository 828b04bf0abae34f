# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What holds since a change that callers have to heed, and what held before, in words.

Histories tell both in one text: "The verifier refuses NULL. Before, the call failed."  Where code has a branch
for each, the words come apart.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Mapping, Sequence, Union

from kfuncdoc.base.prose import as_words
from kfuncdoc.kernels.flags import FlagMeaning
from kfuncdoc.kernels.releases import Release
from kfuncdoc.record.declared_prose import Prose
from kfuncdoc.record.model import Changed
from kfuncdoc.record.variants import is_same_to_libbpf, types_in_c
from kfuncdoc.views.kfunc import Change, EventView, KfuncView
from kfuncdoc.views.words import when_in_words

_BETWEEN_SENTENCES = re.compile(r"(?<=\.) (?=[A-Z`*:])")
#: What begins a sentence that tells how it was.
_BEFORE = re.compile(r"(?:Before,|(?:Before|Up to) v\d+\.\d+,?) (?=\S)")
#: Filters of more characters are not told again: the page has that of today among the facts.
_LONG = 100


@dataclass(frozen=True)
class Behaviour:
    """What is told of a change: what holds from its release on, and what held before, which nothing may tell."""

    since: str
    before: str


def behaviours(view: KfuncView, flags: Mapping[str, FlagMeaning]) -> Mapping[Release, Behaviour]:
    """Return what is told of the changes of a kfunc that callers have to heed, by their releases."""
    found: dict[Release, Behaviour] = {}
    for event in view.events:
        if isinstance(event.event, Changed) and event.noticed:
            earlier = found.get(event.when.by, Behaviour("", ""))
            since, before = _told(event, event.event, flags)
            found[event.when.by] = Behaviour(_joined(earlier.since, *since), _joined(earlier.before, *before))
    return found


def _told(view: EventView, event: Changed, flags: Mapping[str, FlagMeaning]) -> tuple[Sequence[str], Sequence[str]]:
    """Return the sentences on what holds since *event*, and those on what held before."""
    changes = {change.field: change for change in view.changes}
    sentences = _BETWEEN_SENTENCES.split(" ".join((event.behaviour or "").split()))
    since = [as_words(each) for each in sentences if not _BEFORE.match(each)]
    before = [as_words(_BEFORE.sub("", each)) for each in sentences if _BEFORE.match(each)]
    if not event.behaviour:
        since = [words for name in _LISTS if name in changes for words in _came_and_went(changes[name], flags)]
    if "filter" in changes:
        was, narrowed = (_filter(prose) for prose in (changes["filter"].before, changes["filter"].after))
        # A filter that changed again since is not that of all the releases for which this is told.
        if len(was + narrowed) <= _LONG and changes["filter"].after == view.kfunc.facts.filter:
            before += [was] if was else []
            since = [narrowed, *since] if narrowed else since
        elif not was:
            since = ["Only where its filter allows it.", *since]
    if "prototype" in changes and _differs_in_c_alone(changes["prototype"]):
        before.append(f"The prototype was {changes['prototype'].before}.")
    if not any(since):
        since = [f"Changed in {view.when.by}."]
    if view.when.uncertain and (view.when.after is None or view.when.after.position + 1 < view.when.by.position):
        since.append(f"This came in {when_in_words(view.when)}.")
    return since, before


#: The fields that are lists, of which words tell what came and went.
_LISTS = ("flags", "program_types", "struct_ops")


def _came_and_went(change: Change, flags: Mapping[str, FlagMeaning]) -> list[str]:
    went, came = change.difference
    meanings = {name: as_words(flags[name].meaning) for name in came if name in flags}
    return [f"{name} went." for name in went] + [
        f"{name} came: {meanings[name]}" if name in meanings else f"{name} came." for name in came
    ]


def _filter(narrowing: Union[Prose, str, None]) -> str:
    """Return a filter as a sentence, empty where there is none."""
    text = as_words(narrowing.text if isinstance(narrowing, Prose) else narrowing or "")
    return f"{text.rstrip('.')}." if text else ""


def _differs_in_c_alone(change: Change) -> bool:
    """Whether libbpf takes the prototype before for that of today, and a compiler does not."""
    return is_same_to_libbpf(change.before, change.after) and types_in_c(change.before) != types_in_c(change.after)


def _joined(*sentences: str) -> str:
    return " ".join(filter(None, sentences))
