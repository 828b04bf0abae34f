# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The Atom feed (RFC 4287) of what happened to kfuncs.

::

    KfuncViews --entries--> FeedEntry, FeedEntry, ... --feed--> Atom

An entry is about one kind of event, in one release and one subsystem.  Its id is made only from these three.  So it
stays the same if another kfunc is added to the entry, if the words of the record change, and wherever the feed is
published.  An entry reports what has happened, never what is planned.  No date comes from a
clock, so that the same record and release give the same bytes on any day.
"""

from __future__ import annotations

import datetime
import html
import re
import uuid
from dataclasses import dataclass
from typing import Callable, Iterator, Optional

from kfuncdoc.base.prose import as_words
from kfuncdoc.kernels.releases import Release
from kfuncdoc.record import model
from kfuncdoc.views.difference import ChangeKind, change_in_words
from kfuncdoc.views.events import EventView, ReleaseView
from kfuncdoc.views.kfunc import KfuncViews
from kfuncdoc.views.replacement import Replacements, in_sentence, statement_before
from kfuncdoc.views.words import plan_in_words, removal_in_words, when_in_words

#: The namespace of the ids (RFC 4122).  If it changed, every entry would be new to all feed readers.
_NAMESPACE = uuid.UUID("255eb3c4-72e1-49c2-acd8-7cc01b11361f")
#: How far back from its release the feed goes, and the least number of entries that it has where there are as many.
_RECENT = datetime.timedelta(days=2 * 365)
_NEWEST = 100
#: The most kfuncs that a title names; a title for more gives their number.
_NAMED = 3
#: The words of a title for each kind of event, in the order of the feed.
_KINDS = {
    "removed": ChangeKind.REMOVED.heading.lower(),
    "changed": ChangeKind.BREAKING.heading.lower(),
    "deprecated": ChangeKind.DEPRECATED.heading.lower(),
    "withdrawn": "no longer deprecated",
}
#: The characters that XML 1.0 cannot hold, not even escaped.
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class FeedEntry:
    """What happened in *release* to kfuncs of *subsystem*: events of one *kind*, one of the kinds in `_KINDS`.

    *statements* are pairs: what happened in words, and the names of the kfuncs to which it happened.
    """

    release: Release
    kind: str
    subsystem: str
    statements: tuple[tuple[str, tuple[str, ...]], ...]

    @property
    def id(self) -> str:
        """The id as a URN, which depends on the release, the kind and the subsystem alone."""
        return uuid.uuid5(_NAMESPACE, f"{self.release}/{self.kind}/{self.subsystem}").urn

    @property
    def kfuncs(self) -> tuple[str, ...]:
        """The kfuncs to which it happened, each once."""
        return tuple(dict.fromkeys(name for _, names in self.statements for name in names))

    @property
    def title(self) -> str:
        *others, last = self.kfuncs
        named = f"{', '.join(others)} and {last}" if others else last
        who = named if len(others) < _NAMED else f"{len(self.kfuncs)} kfuncs"
        return f"{self.release}: {who} {_KINDS[self.kind]} ({self.subsystem})"


def entries(views: KfuncViews) -> tuple[FeedEntry, ...]:
    """Return the entries as of the release of *views*, the newest first."""
    every_entry = [entry for changes in views.changes(None, views.release) for entry in _entries_of(changes)]
    recent = [entry for entry in every_entry if views.release.date - entry.release.date <= _RECENT]
    return tuple(every_entry[: max(len(recent), _NEWEST)])


def _entries_of(changes: ReleaseView) -> Iterator[FeedEntry]:
    for kind in _KINDS:
        by_subsystem: dict[str, dict[str, list[str]]] = {}
        # A deprecation that only repeats what was announced is no news.
        events = [event for event in changes.of_kind(kind) if event.is_noticed and not event.is_restatement]
        for event in sorted(events, key=lambda event: event.kfunc.name):
            names_by_words = by_subsystem.setdefault(event.kfunc.subsystem.header.subsystem, {})
            names_by_words.setdefault(_in_words(event), []).append(event.kfunc.name)
        for subsystem, names_by_words in sorted(by_subsystem.items()):
            statements = tuple((words, tuple(names)) for words, names in names_by_words.items())
            yield FeedEntry(changes.release, kind, subsystem, statements)


# -- words


def _in_words(event: EventView) -> str:
    """Return what happened in *event*, in sentences that do not name the kfunc."""
    recorded, plan = event.event, event.step.after.plan
    if isinstance(recorded, model.Changed):
        uncertain = f"{when_in_words(event.when)}: " if event.when.uncertain else ""
        statement = uncertain + change_in_words(event)
    elif isinstance(recorded, model.Removed):
        statement = _joined(_removal_text(event), in_sentence(_replacement_of(event)))
    elif isinstance(recorded, model.Withdrawn):
        statement = "the deprecation is withdrawn"
    else:
        assert plan is not None  # a deprecation opens one
        statement = _joined(plan_in_words(plan), in_sentence(event.replacement))
    explanations = [as_words(prose.text) for prose in map(event.prose, ("reason", "note")) if prose]
    return " ".join(_with_full_stop(text) for text in (statement, *explanations))


def _removal_text(removal: EventView) -> str:
    state = removal.step.before
    successor = removal.kfunc.lifecycle.steps[state.superseded].when if state.superseded is not None else None
    return removal_in_words(removal.when, state.plan, successor)


def _replacement_of(removal: EventView) -> Replacements:
    """Return what replaces a removed kfunc: what the removal says, else the earlier deprecation or successor."""
    kfunc = removal.kfunc
    before = statement_before(kfunc.lifecycle, removal.step.index)
    if removal.replacement or before is None:
        return removal.replacement
    return kfunc.views.replacements.stated_by(kfunc.declaration, *before)


def _joined(*parts: str) -> str:
    return "; ".join(filter(None, parts))


def _with_full_stop(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."


# -- Atom


def below(base_url: str, path: str) -> str:
    """Return the address of *path* below *base_url*; *path* itself if *base_url* is empty."""
    return f"{base_url.rstrip('/')}/{path}" if base_url else path


def feed(views: KfuncViews, *, where: Callable[[str], Optional[str]], home: str, own: str) -> str:
    """Return the feed as of the release of *views*, as XML.

    *where* returns the address of the section of a kfunc, or None if no page has one.  *home* is the address of the
    page about all kfuncs, and *own* that of the feed.  Each address is absolute, or relative to the feed.
    """
    from feedgen.feed import FeedGenerator

    newest_first = entries(views)
    # Sets every element that the library would otherwise fill from the clock or with its own name.
    atom = FeedGenerator()
    atom.id(uuid.uuid5(_NAMESPACE, "feed").urn)
    atom.title("BPF kernel functions (kfuncs)")
    atom.subtitle("What was removed, changed in a way that callers notice, or deprecated.")
    atom.author(name="kfuncdoc")
    atom.generator("kfuncdoc")
    atom.link(href=home, rel="alternate", type="text/html")
    atom.link(href=own, rel="self", type="application/atom+xml")
    atom.updated(_day_of(newest_first[0].release if newest_first else views.release))
    for entry in newest_first:
        element = atom.add_entry(order="append")
        element.id(entry.id)
        element.title(entry.title)
        element.updated(_day_of(entry.release))
        element.content(_content(entry, where), type="html")
        element.category(term=entry.subsystem)
        section = where(entry.kfuncs[0])
        if section:
            # An entry about several kfuncs links to their page.
            element.link(href=section if len(entry.kfuncs) == 1 else section.partition("#")[0])
    return str(atom.atom_str(pretty=True).decode("utf-8"))


def _day_of(release: Release) -> datetime.datetime:
    return datetime.datetime.combine(release.date, datetime.time(), datetime.timezone.utc)


def _content(entry: FeedEntry, where: Callable[[str], Optional[str]]) -> str:
    """Return what happened as a list in HTML, each kfunc with a link to its section."""

    def linked(name: str) -> str:
        section = where(name)
        return f'<a href="{html.escape(section)}">{name}</a>' if section else name

    items = (
        f"<li>{', '.join(map(linked, names))}: {html.escape(words, quote=False)}</li>"
        for words, names in entry.statements
    )
    return _NO_XML.sub("\N{REPLACEMENT CHARACTER}", f"<ul>{''.join(items)}</ul>")
