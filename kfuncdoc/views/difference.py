# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""From one release to another: what a program loses, what changed for it, and what is new.

::

    Snapshot, an earlier release --difference--> Difference --pages.difference_report--> text, Markdown, JSON
                                              |
                                              +--groups, sentence--> render, which makes pages of it

What counts is what a program that runs on the first release meets on the last one: one list has the kfuncs that are
deprecated there, since whenever.  A kfunc is in each list that is true of it: one that changed and is deprecated is
in both.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from enum import Enum
from typing import Any, Iterator, Mapping, Optional, Sequence

from kfuncdoc.base.prose import as_words
from kfuncdoc.kernels.releases import Release, When
from kfuncdoc.record.lifecycle import Stability
from kfuncdoc.record.model import Changed
from kfuncdoc.record.snapshot import Snapshot
from kfuncdoc.views.kfunc import EventView, KfuncView, KfuncViews
from kfuncdoc.views.replacement import PLAIN, Markup, Replacement, between
from kfuncdoc.views.words import announced, gone_in_words, when_in_words

#: A flag for the verifier alone.
SEEN_BY_NO_CALLER = "KF_IMPLICIT_ARGS"
#: What is said of a field that changed, where what it was and is would be too long to tell.
_CHANGED = {
    "program_types": "which program types may call it changed",
    "flags_for": "its flags by program type changed",
    "struct_ops": "which struct_ops may call it changed",
    "filter": "its filter changed",
    "module": "the module that it lives in changed",
    "depends_on": "the configuration that it depends on changed",
}


class Change(Enum):
    """What happened to a kfunc, in the order in which it is told.

    Each has a *key*, a *heading*, and what stands between the parts that are told of one kfunc: changes are sentences
    of their own.
    """

    def __init__(self, key: str, heading: str, separator: str = "; ") -> None:
        self.key = key
        self.heading = heading
        self.separator = separator

    REMOVED = ("removed", "Removed")
    BREAKING = ("breaking", "Changed in a way that callers notice", " ")
    DEPRECATED = ("deprecated", "Deprecated")
    SUPERSEDED = ("superseded", "Superseded")
    ADDED = ("added", "New")
    PASSED = ("passed", "Came and went in between")
    QUIET = ("quiet", "Changed in a way that no caller notices", " ")


_ORDER = {change: number for number, change in enumerate(Change)}


@dataclass(frozen=True)
class Entry:
    """A kfunc to which something happened: *told* in words, without its name."""

    change: Change
    subsystem: str
    name: str
    told: tuple[str, ...]
    #: What to call instead, with whether each of the two releases has it.
    instead: tuple[Replacement, ...] = ()
    #: Why nothing replaces it, in words; empty where something does, or nothing is said.
    no_replacement: str = ""

    @property
    def happened(self) -> str:
        """All that is told, in one text."""
        return self.change.separator.join(self.told)


@dataclass(frozen=True)
class Difference:
    """Everything that happened after *first*, up to *last*."""

    first: Release
    last: Release
    #: By what happened, then by subsystem and name.
    entries: tuple[Entry, ...]
    #: The subsystems whose record does not reach *last*, and how far it goes.
    behind: tuple[tuple[str, Release], ...]

    def of(self, change: Change) -> tuple[Entry, ...]:
        return tuple(entry for entry in self.entries if entry.change is change)


def difference(snapshot: Snapshot, first: Release) -> Difference:
    """Return what happened to kfuncs after *first*, up to the release of *snapshot*."""
    views = KfuncViews(snapshot)
    entries = [entry for view in views.kfuncs for entry in entries_of(view, first)]
    behind = tuple(snapshot.records_that_end_before(snapshot.release))
    return Difference(first, snapshot.release, tuple(sorted(entries, key=order)), behind)


def entries_of(view: KfuncView, first: Release) -> Iterator[Entry]:
    """Yield what happened to one kfunc after *first*, up to the release of the *view*: one entry a change at most."""
    return _Compared(view, first).entries()


def order(entry: Entry) -> tuple[int, str, str]:
    """Return the place of *entry* among others: by what happened, then by subsystem and name."""
    return _ORDER[entry.change], entry.subsystem, entry.name


class _Compared:
    """One kfunc at both releases."""

    def __init__(self, view: KfuncView, first: Release) -> None:
        self._snapshot = view.views.snapshot
        self._view = view
        self._first = first
        before = self._snapshot.at(first).lifecycle(view.name)
        assert before is not None  # it has a view
        self._before = before
        self._after = view.lifecycle
        self._events = [event for event in view.events if first < event.when.by]

    def entries(self) -> Iterator[Entry]:
        before, after = self._before.state.present, self._after.state.present
        if before and after:
            yield from self._stayed()
        elif before:
            yield self._entry(Change.REMOVED, [self._gone()], replaced=True)
        elif after:
            told = [self._since(), announced(self._after)] if self._deprecated else [self._since()]
            yield self._entry(Change.ADDED, told, replaced=self._deprecated)
        elif self._of_kind("added"):
            yield self._entry(Change.PASSED, [self._since(), self._gone()], replaced=True)

    def _stayed(self) -> Iterator[Entry]:
        """Yield what happened to a kfunc that both releases have."""
        another = self._another()
        since = self._after.added if another else None
        breaking = [*another, *self._changes(since=since, noticed=True)]
        if breaking:
            yield self._entry(Change.BREAKING, breaking)
        quiet = [*self._changes(since=since, noticed=False)]
        if quiet:
            yield self._entry(Change.QUIET, quiet)
        superseded = self._of_kind("superseded")
        if self._deprecated:
            yield self._entry(Change.DEPRECATED, [announced(self._after)], replaced=True)
        elif superseded and self._view.superseded:
            yield self._entry(Change.SUPERSEDED, [f"since {when_in_words(superseded[-1].when)}"], replaced=True)

    @property
    def _deprecated(self) -> bool:
        return self._after.stability is Stability.DEPRECATED

    def _of_kind(self, kind: str) -> list[EventView]:
        return [event for event in self._events if event.event.event == kind]

    def _entry(self, change: Change, told: Sequence[str], *, replaced: bool = False) -> Entry:
        said = self._view.replacement.no_replacement if replaced else None
        return Entry(
            change, self._view.subsystem.header.subsystem, self._view.name, tuple(told),
            tuple(self._instead()) if replaced else (), as_words(said.text) if said else "",
        )  # fmt: skip

    def _changes(self, *, since: Optional[When], noticed: bool) -> Iterator[str]:
        """Yield what changed, after *since* where that is given."""
        for event in self._events:
            changed = isinstance(event.event, Changed) and not event.moved_only and event.noticed is noticed
            if changed and (since is None or since.by < event.when.by):
                yield from _told(event)

    def _another(self) -> list[str]:
        """Return what to say of a name that went, and came back for another kfunc; nothing where it is the same one."""
        added = self._after.added
        was, now = self._before.facts.prototype, self._after.facts.prototype
        if added is None or added.by <= self._first or was == now:
            return []
        gone = next(
            each.removed for each in self._after.state.stretches if each.removed and self._first < each.removed.by
        )
        away = f"Gone from {when_in_words(gone)}, back in {when_in_words(added)}"
        return [f"{away} as another one: it was {was}, and is {now}."]

    def _since(self) -> str:
        added = self._of_kind("added")[-1]
        known = self._before.first_added is not None
        return f"{'back ' if added.again and known else ''}since {when_in_words(added.when)}"

    def _gone(self) -> str:
        removed = self._after.removed
        assert removed is not None  # which is how it went
        earlier = [event.when for event in self._view.events if event.event.event == "superseded"]
        return gone_in_words(removed, self._after.plan, earlier[-1] if earlier else None)

    def _instead(self) -> Iterator[Replacement]:
        """Yield what can be called, without what neither release has where something else is left."""
        named = {replacement.words: replacement for replacement in self._view.replacement.alternatives}
        alternatives = list(map(self._with_presence, named.values()))
        yield from [one for one in alternatives if one.present_on != (False, False)] or alternatives

    def _with_presence(self, replacement: Replacement) -> Replacement:
        """Return *replacement* with whether each of the two releases has it."""
        if replacement.name is None:
            return replacement
        releases = (self._first, self._snapshot.release)
        lifecycles = [self._snapshot.lifecycle_at(replacement.name, release) for release in releases]
        present = tuple(None if lifecycle is None else lifecycle.state.present for lifecycle in lifecycles)
        return dataclasses.replace(replacement, present_on=present)


def _told(event: EventView) -> Iterator[str]:
    """Yield what an event changed, as a sentence or several; nothing where only the verifier sees it."""
    said = change_in_words(event)
    if said:
        yield f"{when_in_words(event.when)}: {said}"


def change_in_words(event: EventView) -> str:
    """Return what an event ``changed`` did, as a sentence or several; empty where only the verifier sees it."""
    changed = event.event
    assert isinstance(changed, Changed)
    said = [as_words(changed.behaviour)] if changed.behaviour else []
    if changed.avoid_before:
        said.append(f"Not to be called before {when_in_words(event.when)}")
    facts = [fact for change in event.changes for fact in _fact(change.field, change.before, change.after)]
    if facts:
        text = "; ".join(facts)
        said.append(text[0].upper() + text[1:])
    if event.noticed and not said:
        said.append("It changed")
    return " ".join(each if each.endswith(".") else f"{each}." for each in said)


def _fact(field: str, before: Any, after: Any) -> Iterator[str]:
    if field == "prototype":
        yield f"it was {before}, and is {after}"
    elif field == "flags":
        came = [flag for flag in after if flag not in (*before, SEEN_BY_NO_CALLER)]
        went = [flag for flag in before if flag not in (*after, SEEN_BY_NO_CALLER)]
        if came:
            yield f"it got {' and '.join(came)}"
        if went:
            yield f"it lost {' and '.join(went)}"
    else:
        yield _CHANGED[field]


# -- for people


@dataclass(frozen=True)
class Alike:
    """The kfuncs of a subsystem of which the same is told: *entry* is that of each of them, but for its name."""

    names: tuple[str, ...]
    entry: Entry


@dataclass(frozen=True)
class Group:
    """The kfuncs to which one kind of change happened, by subsystem."""

    change: Change
    by_subsystem: Mapping[str, tuple[Alike, ...]]

    @property
    def names(self) -> dict[str, list[str]]:
        """The kfuncs alone, by subsystem."""
        return {
            subsystem: sorted(name for each in alike for name in each.names)
            for subsystem, alike in self.by_subsystem.items()
        }


def groups(found: Difference) -> Iterator[Group]:
    """Yield what happened, and to which kfuncs, in the order in which it is told."""
    for change in Change:
        by_subsystem: dict[str, dict[Entry, list[str]]] = {}
        for entry in found.of(change):
            nameless = dataclasses.replace(entry, name="")
            by_subsystem.setdefault(entry.subsystem, {}).setdefault(nameless, []).append(entry.name)
        if by_subsystem:
            yield Group(change, {subsystem: _alike(entries) for subsystem, entries in by_subsystem.items()})


def _alike(names: Mapping[Entry, Sequence[str]]) -> tuple[Alike, ...]:
    return tuple(Alike(tuple(those), entry) for entry, those in names.items())


def sentence(entry: Entry, found: Difference, markup: Markup = PLAIN) -> str:
    """Return what is told of the kfunc of *entry*, with what to call instead, in one line."""
    releases = (found.first.name, found.last.name)
    return markup.words(entry.happened) + between(entry.instead, entry.no_replacement, releases, markup)


def counts(found: Difference) -> str:
    """Return to how many kfuncs each kind of change happened, without a full stop."""
    counted = [f"{len(found.of(change))} {change.heading.lower()}" for change in Change if found.of(change)]
    return ", ".join(counted) or "nothing happened"


def reach(found: Difference) -> str:
    """Return a sentence for each subsystem whose record does not reach the last release; mostly nothing."""
    return " ".join(f"The record of {name} goes no further than {release}." for name, release in found.behind)


def summary(found: Difference) -> str:
    """Return how much happened, in one sentence or two."""
    return f"From {found.first} to {found.last}: {counts(found)}. {reach(found)}".rstrip()
