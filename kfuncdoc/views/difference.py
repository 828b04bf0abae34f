# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""From one release to another: what a program loses, what changed for it, and what is new.

::

    Snapshot, an earlier release --difference--> Difference --pages.difference_report--> text, Markdown, JSON
                                              |
                                              +--groups, sentence--> the pages of releases

A *difference* is what happened to kfuncs from one release to another, as a program sees it that moves from the first
to the last: it has all kfuncs that are deprecated in the last release, also those that were deprecated before the
first.  A kfunc has one entry for each kind of change, so that one that changed and is deprecated has two.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from enum import Enum
from typing import Iterator, Mapping, Optional, Sequence

from kfuncdoc.base.prose import as_words
from kfuncdoc.kernels.releases import Release, When
from kfuncdoc.record.model import Changed
from kfuncdoc.record.snapshot import Snapshot
from kfuncdoc.record.stability import Stability
from kfuncdoc.views.events import EventView, FieldChange
from kfuncdoc.views.kfunc import KfuncView, KfuncViews
from kfuncdoc.views.notice import flags_for_callers
from kfuncdoc.views.replacement import PLAIN, Markup, Replacement, between_releases
from kfuncdoc.views.words import announcement_in_words, removal_in_words, when_in_words

#: The words for a change of a field whose values are too long to be given.
_FIELD_CHANGED = {
    "program_types": "which program types may call it changed",
    "flags_for": "its flags by program type changed",
    "filter": "its filter changed",
    "module": "the module that it lives in changed",
    "depends_on": "the configuration that it depends on changed",
}


class ChangeKind(Enum):
    """What happened to a kfunc, in the order in which texts have it.

    Each kind has a *key* for JSON, a *heading*, and the *separator* between the statements of one entry.
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
    CAME_AND_WENT = ("passed", "Came and went in between")
    UNNOTICED = ("quiet", "Changed in a way that no caller notices", " ")


_ORDER = {kind: number for number, kind in enumerate(ChangeKind)}


@dataclass(frozen=True)
class ChangeEntry:
    """One kind of change that happened to a kfunc.

    *statements* say in words what happened, without the name of the kfunc: one for each change or event.
    """

    kind: ChangeKind
    subsystem: str
    name: str
    statements: tuple[str, ...]
    #: What to call instead; ``present_on`` says of each of the two releases whether it has it.
    alternatives: tuple[Replacement, ...] = ()
    #: The reason why nothing replaces it, in words; empty if something does, or no reason is recorded.
    no_replacement: str = ""

    @property
    def text(self) -> str:
        """All statements as one text."""
        return self.kind.separator.join(self.statements)


@dataclass(frozen=True)
class Difference:
    """Everything that happened after *first*, up to *last*."""

    first: Release
    last: Release
    #: Sorted by kind of change, then by subsystem and name.
    entries: tuple[ChangeEntry, ...]
    #: The subsystems whose record does not reach *last*, with the release at which it ends.
    behind: tuple[tuple[str, Release], ...]

    def of_kind(self, kind: ChangeKind) -> tuple[ChangeEntry, ...]:
        """Return the entries of one *kind*."""
        return tuple(entry for entry in self.entries if entry.kind is kind)


def difference(snapshot: Snapshot, first: Release) -> Difference:
    """Return what happened to kfuncs after *first*, up to the release of *snapshot*.

    Both are releases of the calendar, and *first* is not after the other.
    """
    views = KfuncViews(snapshot)
    entries = [entry for view in views.kfuncs for entry in entries_of(view, first)]
    behind = tuple(snapshot.records_that_end_before(snapshot.release))
    return Difference(first, snapshot.release, tuple(sorted(entries, key=sort_key)), behind)


def entries_of(view: KfuncView, first: Release) -> Iterator[ChangeEntry]:
    """Yield what happened to one kfunc after *first*, up to the release of *view*: at most one entry of each kind."""
    return _KfuncDifference(view, first).entries()


def sort_key(entry: ChangeEntry) -> tuple[int, str, str]:
    """Return the key that sorts entries by kind of change, then by subsystem and name."""
    return _ORDER[entry.kind], entry.subsystem, entry.name


class _KfuncDifference:
    """One kfunc at the first and at the last release, and its events between them."""

    def __init__(self, view: KfuncView, first: Release) -> None:
        self._snapshot = view.views.snapshot
        self._view = view
        self._first = first
        before = self._snapshot.at(first).lifecycle(view.name)
        assert before is not None  # it has a view
        self._before = before
        self._after = view.lifecycle
        self._events = [event for event in view.events if first < event.when.by]

    def entries(self) -> Iterator[ChangeEntry]:
        before, after = self._before.state.present, self._after.state.present
        if before and after:
            yield from self._entries_of_present()
        elif before:
            yield self._entry(ChangeKind.REMOVED, [self._removal()], replaced=True)
        elif after:
            statements = [self._addition()]
            statements += [announcement_in_words(self._after)] if self._is_deprecated else []
            yield self._entry(ChangeKind.ADDED, statements, replaced=self._is_deprecated)
        elif self._of_kind("added"):
            yield self._entry(ChangeKind.CAME_AND_WENT, [self._addition(), self._removal()], replaced=True)

    def _entries_of_present(self) -> Iterator[ChangeEntry]:
        """Yield what happened to a kfunc that both releases have."""
        comeback = self._comeback()
        since = self._after.added if comeback else None
        breaking = [*comeback, *self._changes(since=since, noticed=True)]
        if breaking:
            yield self._entry(ChangeKind.BREAKING, breaking)
        unnoticed = [*self._changes(since=since, noticed=False)]
        if unnoticed:
            yield self._entry(ChangeKind.UNNOTICED, unnoticed)
        superseded = self._of_kind("superseded")
        if self._is_deprecated:
            yield self._entry(ChangeKind.DEPRECATED, [announcement_in_words(self._after)], replaced=True)
        elif superseded and self._view.superseded:
            yield self._entry(ChangeKind.SUPERSEDED, [f"since {when_in_words(superseded[-1].when)}"], replaced=True)

    @property
    def _is_deprecated(self) -> bool:
        return self._after.stability is Stability.DEPRECATED

    def _of_kind(self, kind: str) -> list[EventView]:
        return [event for event in self._events if event.event.event == kind]

    def _entry(self, kind: ChangeKind, statements: Sequence[str], *, replaced: bool = False) -> ChangeEntry:
        """Return an entry with *statements*, and with what to call instead if *replaced*."""
        reason = self._view.replacement.no_replacement if replaced else None
        return ChangeEntry(
            kind, self._view.subsystem.header.subsystem, self._view.name, tuple(statements),
            tuple(self._alternatives()) if replaced else (), as_words(reason.text) if reason else "",
        )  # fmt: skip

    def _changes(self, *, since: Optional[When], noticed: bool) -> Iterator[str]:
        """Yield a statement for each change that callers notice, or that they do not, after *since* if it is given."""
        for event in self._of_kind("changed"):
            if event.is_noticed is noticed and (since is None or since.by < event.when.by):
                yield from _dated_change(event)

    def _comeback(self) -> list[str]:
        """Return a statement if the kfunc was removed and came back with another prototype; empty otherwise."""
        added = self._after.added
        was, now = self._before.facts.prototype, self._after.facts.prototype
        if added is None or added.by <= self._first or was == now:
            return []
        removals = (stretch.removed for stretch in self._after.state.stretches)
        removed = next(when for when in removals if when and self._first < when.by)
        away = f"Gone from {when_in_words(removed)}, back in {when_in_words(added)}"
        return [f"{away} as another one: it was {was}, and is {now}."]

    def _addition(self) -> str:
        """Return since when the last release has the kfunc."""
        added = self._of_kind("added")[-1]
        was_known = self._before.first_added is not None
        return f"{'back ' if added.is_comeback and was_known else ''}since {when_in_words(added.when)}"

    def _removal(self) -> str:
        """Return since when the kfunc is gone, and what announced that."""
        removed = self._after.removed
        assert removed is not None  # the last release does not have it, and an earlier one did
        successors = [event.when for event in self._view.events if event.event.event == "superseded"]
        return removal_in_words(removed, self._after.plan, successors[-1] if successors else None)

    def _alternatives(self) -> Iterator[Replacement]:
        """Yield what to call instead, without kfuncs that neither release has, unless all are such."""
        named = {replacement.words: replacement for replacement in self._view.replacement.alternatives}
        alternatives = list(map(self._with_presence, named.values()))
        yield from [kfunc for kfunc in alternatives if kfunc.present_on != (False, False)] or alternatives

    def _with_presence(self, replacement: Replacement) -> Replacement:
        """Return *replacement* with whether each of the two releases has it."""
        if replacement.name is None:
            return replacement
        releases = (self._first, self._snapshot.release)
        lifecycles = [self._snapshot.lifecycle_at(replacement.name, release) for release in releases]
        present = tuple(None if lifecycle is None else lifecycle.state.present for lifecycle in lifecycles)
        return dataclasses.replace(replacement, present_on=present)


def _dated_change(event: EventView) -> Iterator[str]:
    """Yield the release of a change and what it did; nothing if it is one for the verifier alone."""
    words = change_in_words(event)
    if words:
        yield f"{when_in_words(event.when)}: {words}"


def change_in_words(event: EventView) -> str:
    """Return what an event ``changed`` did, in one sentence or several; empty if it is one for the verifier alone."""
    changed = event.event
    assert isinstance(changed, Changed)
    sentences = [as_words(changed.behaviour)] if changed.behaviour else []
    if changed.avoid_before:
        sentences.append(f"Not to be called before {when_in_words(event.when)}")
    clauses = [clause for change in event.changes for clause in _field_change(change)]
    if clauses:
        text = "; ".join(clauses)
        sentences.append(text[0].upper() + text[1:])
    if event.is_noticed and not sentences:
        sentences.append("It changed")
    return " ".join(sentence if sentence.endswith(".") else f"{sentence}." for sentence in sentences)


def _field_change(change: FieldChange) -> Iterator[str]:
    """Yield clauses on the change of one field; none on flags that speak to the verifier alone."""
    if change.field == "prototype":
        yield f"it was {change.before}, and is {change.after}"
    elif change.field == "flags":
        removed, added = map(flags_for_callers, change.removed_and_added)
        if added:
            yield f"it got {' and '.join(added)}"
        if removed:
            yield f"it lost {' and '.join(removed)}"
    else:
        yield _FIELD_CHANGED[change.field]


# -- for people


@dataclass(frozen=True)
class SharedEntry:
    """The kfuncs *names* of a subsystem to which the same happened; *entry* is that of all of them, without a name."""

    names: tuple[str, ...]
    entry: ChangeEntry


@dataclass(frozen=True)
class ChangeGroup:
    """The kfuncs to which one kind of change happened, by subsystem."""

    kind: ChangeKind
    by_subsystem: Mapping[str, tuple[SharedEntry, ...]]

    @property
    def names(self) -> dict[str, list[str]]:
        """The names of the kfuncs alone, by subsystem."""
        return {
            subsystem: sorted(name for entry in entries for name in entry.names)
            for subsystem, entries in self.by_subsystem.items()
        }


def groups(difference: Difference) -> Iterator[ChangeGroup]:
    """Yield the kfuncs of each kind of change, in the order of kinds."""
    for kind in ChangeKind:
        by_subsystem: dict[str, dict[ChangeEntry, list[str]]] = {}
        for entry in difference.of_kind(kind):
            nameless = dataclasses.replace(entry, name="")
            by_subsystem.setdefault(entry.subsystem, {}).setdefault(nameless, []).append(entry.name)
        if by_subsystem:
            yield ChangeGroup(kind, {subsystem: _shared(entries) for subsystem, entries in by_subsystem.items()})


def _shared(names_by_entry: Mapping[ChangeEntry, Sequence[str]]) -> tuple[SharedEntry, ...]:
    return tuple(SharedEntry(tuple(names), entry) for entry, names in names_by_entry.items())


def sentence(entry: ChangeEntry, difference: Difference, markup: Markup = PLAIN) -> str:
    """Return what happened to the kfunc of *entry*, and what to call instead, in one line."""
    releases = (difference.first.name, difference.last.name)
    return markup.words(entry.text) + between_releases(entry.alternatives, entry.no_replacement, releases, markup)


def counts(difference: Difference) -> str:
    """Return the number of kfuncs for each kind of change, in words, without a full stop."""
    numbers = {kind: len(difference.of_kind(kind)) for kind in ChangeKind}
    return (
        ", ".join(f"{count} {kind.heading.lower()}" for kind, count in numbers.items() if count) or "nothing happened"
    )


def reach(difference: Difference) -> str:
    """Return a sentence for each subsystem whose record does not reach the last release; empty if there is none."""
    return " ".join(f"The record of {name} goes no further than {release}." for name, release in difference.behind)


def summary(difference: Difference) -> str:
    """Return how many kfuncs changed in which way, and which subsystems' records end before, in a few sentences."""
    return f"From {difference.first} to {difference.last}: {counts(difference)}. {reach(difference)}".rstrip()
