# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What happened, as an Atom feed (RFC 4287) to subscribe to.

::

    KfuncViews --entries--> Entry, Entry, ... --feed--> Atom

An entry is what happened in one way, in one release, to the kfuncs of one subsystem.  That much is in its id, and
nothing else: it stays when a kfunc more turns out to have changed, when the words of the record get better, and
wherever the feed is published.  Only what has happened is told, not what is planned, and nothing is taken from a
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

#: What ids are made in; another one would make every entry new to all readers.
_NAMESPACE = uuid.UUID("255eb3c4-72e1-49c2-acd8-7cc01b11361f")
#: So far back the feed goes from the release as of which it speaks, or as many entries, whichever is more.
_RECENT = datetime.timedelta(days=2 * 365)
_NEWEST = 100
#: So many kfuncs are named in a title, more are counted.
_NAMED = 3
#: What happened, by the kind of the event and in the order in which it is told, in the words of a title.
_KINDS = {
    "removed": ChangeKind.REMOVED.heading.lower(),
    "changed": ChangeKind.BREAKING.heading.lower(),
    "deprecated": ChangeKind.DEPRECATED.heading.lower(),
    "withdrawn": "no longer deprecated",
}
#: What XML cannot hold, not even escaped.
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class Entry:
    """What happened in *release* to kfuncs of *subsystem*: events of one *kind*.

    *told* has each thing that happened in words, with the kfuncs to which it did.
    """

    release: Release
    kind: str
    subsystem: str
    told: tuple[tuple[str, tuple[str, ...]], ...]

    @property
    def id(self) -> str:
        """The id, the same whatever is told and wherever."""
        return uuid.uuid5(_NAMESPACE, f"{self.release}/{self.kind}/{self.subsystem}").urn

    @property
    def kfuncs(self) -> tuple[str, ...]:
        """The kfuncs to which it happened, each once."""
        return tuple(dict.fromkeys(name for _, names in self.told for name in names))

    @property
    def title(self) -> str:
        *others, last = self.kfuncs
        named = f"{', '.join(others)} and {last}" if others else last
        who = named if len(others) < _NAMED else f"{len(self.kfuncs)} kfuncs"
        return f"{self.release}: {who} {_KINDS[self.kind]} ({self.subsystem})"


def entries(views: KfuncViews) -> tuple[Entry, ...]:
    """Return what is told as of the release of *views*, the newest first."""
    found = [entry for happened in views.changes(None, views.release) for entry in _entries_of(happened)]
    recent = [entry for entry in found if views.release.date - entry.release.date <= _RECENT]
    return tuple(found[: max(len(recent), _NEWEST)])


def _entries_of(happened: ReleaseView) -> Iterator[Entry]:
    for kind in _KINDS:
        by_subsystem: dict[str, dict[str, list[str]]] = {}
        # What only says anew what is planned is no news.
        events = [event for event in happened.of_kind(kind) if event.is_noticed and not event.is_restatement]
        for event in sorted(events, key=lambda event: event.kfunc.name):
            told = by_subsystem.setdefault(event.kfunc.subsystem.header.subsystem, {})
            told.setdefault(_told(event), []).append(event.kfunc.name)
        for subsystem, told in sorted(by_subsystem.items()):
            yield Entry(happened.release, kind, subsystem, tuple((words, tuple(of)) for words, of in told.items()))


# -- words


def _told(event: EventView) -> str:
    """Return what happened with an event, in sentences that do not name the kfunc."""
    happened, plan = event.event, event.step.after.plan
    if isinstance(happened, model.Changed):
        uncertain = f"{when_in_words(event.when)}: " if event.when.uncertain else ""
        said = uncertain + change_in_words(event)
    elif isinstance(happened, model.Removed):
        said = _joined(_gone(event), in_sentence(_replacements(event)))
    elif isinstance(happened, model.Withdrawn):
        said = "the deprecation is withdrawn"
    else:
        assert plan is not None  # a deprecation opens one
        said = _joined(plan_in_words(plan), in_sentence(event.replacement))
    prose = [event.prose(name) for name in ("reason", "note")]
    return " ".join(_sentence(text) for text in (said, *(as_words(each.text) for each in prose if each)))


def _gone(event: EventView) -> str:
    state = event.step.before
    successor = event.kfunc.lifecycle.steps[state.superseded].when if state.superseded is not None else None
    return removal_in_words(event.when, state.plan, successor)


def _replacements(removal: EventView) -> Replacements:
    """Return what is said to call instead of what went: by the removal itself, else by what came before it."""
    kfunc = removal.kfunc
    before = statement_before(kfunc.lifecycle, removal.step.index)
    if removal.replacement or before is None:
        return removal.replacement
    return kfunc.views.replacements.stated_by(kfunc.declaration, *before)


def _joined(*parts: str) -> str:
    return "; ".join(filter(None, parts))


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."


# -- Atom


def below(base_url: str, path: str) -> str:
    """Return the address of what is at *path* below *base_url*: *path* itself, where there is no base."""
    return f"{base_url.rstrip('/')}/{path}" if base_url else path


def feed(views: KfuncViews, *, where: Callable[[str], Optional[str]], home: str, own: str) -> str:
    """Return the feed as of the release of *views*.

    *where* gives the address of a kfunc's section, None where no page has one; *home* is the page that is about all
    of it, and *own* the address of the feed.  Each is absolute, or relative to the feed.
    """
    from feedgen.feed import FeedGenerator

    told = entries(views)
    # Every element whose default the library would take from the clock or from itself is set.
    atom = FeedGenerator()
    atom.id(uuid.uuid5(_NAMESPACE, "feed").urn)
    atom.title("BPF kernel functions (kfuncs)")
    atom.subtitle("What was removed, changed in a way that callers notice, or deprecated.")
    atom.author(name="kfuncdoc")
    atom.generator("kfuncdoc")
    atom.link(href=home, rel="alternate", type="text/html")
    atom.link(href=own, rel="self", type="application/atom+xml")
    atom.updated(_day_of(told[0].release if told else views.release))
    for each in told:
        entry = atom.add_entry(order="append")
        entry.id(each.id)
        entry.title(each.title)
        entry.updated(_day_of(each.release))
        entry.content(_content(each, where), type="html")
        entry.category(term=each.subsystem)
        section = where(each.kfuncs[0])
        if section:
            # Of several kfuncs the page that has them.
            entry.link(href=section if len(each.kfuncs) == 1 else section.partition("#")[0])
    return str(atom.atom_str(pretty=True).decode("utf-8"))


def _day_of(release: Release) -> datetime.datetime:
    return datetime.datetime.combine(release.date, datetime.time(), datetime.timezone.utc)


def _content(entry: Entry, where: Callable[[str], Optional[str]]) -> str:
    """Return what happened as a list in HTML, each kfunc with a link to its section."""

    def linked(name: str) -> str:
        section = where(name)
        return f'<a href="{html.escape(section)}">{name}</a>' if section else name

    told = (
        f"<li>{', '.join(map(linked, names))}: {html.escape(words, quote=False)}</li>" for words, names in entry.told
    )
    return _NO_XML.sub("\N{REPLACEMENT CHARACTER}", f"<ul>{''.join(told)}</ul>")
