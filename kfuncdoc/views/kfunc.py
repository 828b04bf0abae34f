# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The kfuncs of a snapshot, as the templates show them: one view for each kfunc.

::

    Snapshot --KfuncViews--> KfuncView --events--> EventView --> templates, diff, feed, export

The views work everything out, so that the templates are only words and layout.  Prose is a :class:`Prose`, which knows
the lines of the YAML file that it was written in.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Iterator, NamedTuple, Optional, Union

from kfuncdoc.base.yaml_text import Key
from kfuncdoc.bpf.prototype import parse_prototype
from kfuncdoc.kernels.hooks import ANY, STRUCT_OPS
from kfuncdoc.kernels.releases import Release, When
from kfuncdoc.record import model
from kfuncdoc.record.address import address, plain_address
from kfuncdoc.record.catalog import Declaration, Stub, SubsystemFile
from kfuncdoc.record.declared_prose import Prose, mark
from kfuncdoc.record.lifecycle import Facts, Lifecycle, Plan, facts_at, undone
from kfuncdoc.record.snapshot import Snapshot
from kfuncdoc.record.stability import PAST_DUE, SUPERSEDED, Stability
from kfuncdoc.views.allowed import filter_in_words, lets_call
from kfuncdoc.views.events import EventView, ReleaseView
from kfuncdoc.views.replacement import ReplacementFinder, Replacements

#: The mailing list of BPF itself, which gets a copy whatever the subsystem.
BPF_LIST = "bpf@vger.kernel.org"
#: The beginnings of a link to a thread of a kernel mailing list; the second redirects to the first.
_THREADS = ("https://lore.kernel.org/", "https://patch.msgid.link/")


class KernelState(NamedTuple):
    """What a kfunc is in one kernel, in *words*: "yes", "deprecated", "gone", "not yet" or "not known"."""

    release: Release
    words: str


class CallersOverReleases(NamedTuple):
    """The *callers* of a kfunc, program types and struct_ops, from the release *first* to the release *last*."""

    first: Release
    last: Release
    callers: tuple[str, ...]


class KfuncView:
    """One kfunc at the release of the snapshot; attributes are worked out when a template asks for them."""

    def __init__(self, views: KfuncViews, subsystem: SubsystemFile, declaration: Declaration) -> None:
        self.views = views
        self.subsystem = subsystem
        self.declaration = declaration
        self.kfunc = declaration.kfunc
        self.name = declaration.name
        self.address = address(self.name)
        lifecycle = views.snapshot.lifecycle(self.name)
        assert lifecycle is not None  # it is declared
        self.lifecycle: Lifecycle = lifecycle

    # -- names and places

    @property
    def alias(self) -> Optional[str]:
        """A second label, as docutils would shorten the name, where no other kfunc has that id."""
        alias = plain_address(self.name)
        return alias if alias != self.address and alias not in self.views.taken_addresses else None

    @property
    def mark(self) -> str:
        """The mark for a line of a page that has the place of the declaration."""
        return mark(self.declaration.source.path, self.declaration.place().line)

    def prose(self, text: str, *keys: Key) -> Prose:
        """Return *text*, to which *keys* lead in the declaration of the kfunc, together with its place."""
        return Prose(text, self.declaration.source, ("kfuncs", self.declaration.index, *keys))

    def field(self, name: str) -> Optional[Prose]:
        """Return the prose of the kfunc's own field *name*, as of the release, if there is any."""
        if name == "filter":
            return self._filter
        text = getattr(self.kfunc, name)
        return self.prose(text, name) if text else None

    @property
    def _filter(self) -> Optional[Prose]:
        """What the filter as of the release says, in words, with the place of its prose.

        The place is the field ``was`` of the next event that changes the prose, else that of today's filter.
        """
        words = filter_in_words(self.facts)
        if not self.facts.filter:
            return Prose(words) if words else None
        for index in range(len(self.lifecycle.steps), len(self.kfunc.history)):
            if "filter" in undone(self.kfunc.history[index]):
                return self.prose(words, "history", index, "was", "filter")
        return self.prose(words, "filter")

    # -- state

    @property
    def stability(self) -> str:
        return self.lifecycle.stability.value

    @property
    def present(self) -> bool:
        return self.lifecycle.stability is Stability.PRESENT

    @property
    def deprecated(self) -> bool:
        return self.lifecycle.stability is Stability.DEPRECATED

    @property
    def removed(self) -> bool:
        return self.lifecycle.stability is Stability.REMOVED

    @property
    def superseded(self) -> bool:
        """Whether a successor exists, with no end announced."""
        return bool(self.lifecycle.superseded_by)

    @property
    def badge(self) -> str:
        """The stability for a badge: the state that matters most, such as "past due" of what is deprecated."""
        if self.lifecycle.past_due:
            return PAST_DUE
        return SUPERSEDED if self.superseded else self.stability

    @property
    def is_new(self) -> bool:
        """Whether it was added, or came back, in the release of the snapshot."""
        return self.lifecycle.age == 0 and (self.present or self.deprecated)

    @property
    def breaking_events(self) -> tuple[EventView, ...]:
        """The changes that broke callers, the last first."""
        return tuple(event for event in reversed(self.events) if event.is_breaking)

    @property
    def needs_note(self) -> bool:
        """Whether the kernel's own documentation of the function needs a note: it does not tell of its stability."""
        return self.deprecated or self.removed or self.is_new or bool(self.breaking_events)

    @property
    def facts(self) -> Facts:
        return self.lifecycle.facts

    @property
    def sharing(self) -> tuple[str, ...]:
        """The program types that may call it because they share a hook with those it is registered for."""
        shared = self.views.catalog.hooks.sharing(self.facts.program_types, self._last_seen)
        return tuple(name for name in shared if _lets_any_call(self.facts, name))

    def may_call(self, program_type: str) -> bool:
        """Whether some programs of *program_type* may, or could, call it, by registrations, hooks and its filter."""
        is_open = self.views.catalog.hooks.may_call(self.facts.program_types, program_type, self._last_seen)
        return is_open and _lets_any_call(self.facts, program_type)

    @property
    def _last_seen(self) -> Release:
        """The release of its facts; for a removed kfunc the last release that had it."""
        return self.last if self.removed and self.last else self.lifecycle.release

    @property
    def as_recorded(self) -> bool:
        """Whether it is shown as of the release that it is recorded for.

        Only then do the fields hold whose earlier values are not recorded: the wrapper and the users.
        """
        return self.lifecycle.release == self.subsystem.recorded

    @property
    def wrapper(self) -> Optional[model.Wrapper]:
        """What programs call instead of the bare kfunc; None where nothing is recorded, also of earlier releases."""
        return self.kfunc.wrapper if self.as_recorded else None

    @property
    def prototype(self) -> str:
        """The prototype as of the release, laid out over lines."""
        return parse_prototype(self.facts.prototype).laid_out()

    @property
    def plan(self) -> Optional[Plan]:
        return self.lifecycle.plan

    @property
    def end(self) -> Optional[Release]:
        """The announced end: the first release without the kfunc, or with its other prototype."""
        return self.plan.end if self.plan else None

    @property
    def last(self) -> Optional[Release]:
        """The last release that has a removed kfunc, or that is to have a deprecated one."""
        first_without = self.lifecycle.removed.by if self.lifecycle.removed else self.end
        return self.views.snapshot.calendar.before(first_without) if first_without else None

    @property
    def is_overdue(self) -> bool:
        """Whether the end should have come by the date, in a release that the record does not reach."""
        overdue = self.end is not None and self.end.date < self.views.date
        return overdue and self.as_recorded and not self.lifecycle.past_due

    @property
    def reason(self) -> Optional[Prose]:
        """Why it is deprecated, superseded or was removed."""
        removal = self.lifecycle.removal
        if removal is not None and removal.reason:
            return self.prose(removal.reason, "history", self._removal_index, "reason")
        if self.plan is not None and self.plan.reason:
            return self.prose(self.plan.reason, "history", self.plan.origin["reason"], "reason")
        index = self.lifecycle.state.superseded
        text = getattr(self.kfunc.history[index], "reason", None) if index is not None else None
        return self.prose(text, "history", index, "reason") if text and index is not None else None

    @property
    def said_in(self) -> Optional[str]:
        """Where the kernel says that there is a successor, or that it removed the kfunc."""
        if self.removed and self.lifecycle.removal is not None:
            return self.lifecycle.removal.said_in or self.lifecycle.removal.link
        index = self.lifecycle.state.superseded
        event = self.kfunc.history[index] if index is not None and self.superseded else None
        return (event.said_in or event.link) if isinstance(event, model.Superseded) else None

    @property
    def _removal_index(self) -> int:
        return self.lifecycle.state.removal or 0

    @property
    def in_kernel(self) -> tuple[tuple[Release, Optional[Release]], ...]:
        """The stretches of releases that have it, as pairs of the first and the last release (None: still there)."""
        calendar = self.views.snapshot.calendar
        return tuple(
            (stretch.added.by, calendar.before(stretch.removed.by) if stretch.removed else None)
            for stretch in self.lifecycle.state.stretches
        )

    @property
    def kernels_in_use(self) -> tuple[KernelState, ...]:
        """The kernels of :attr:`KfuncViews.kernels_in_use` that the record reaches, with what the kfunc is in each.

        The words are "not known" where an event may have happened in that release already.
        """
        return tuple(
            KernelState(release, self._in_words(release))
            for release in self.views.kernels_in_use
            if release <= self.lifecycle.release
        )

    def _in_words(self, release: Release) -> str:
        if any(_may_have_happened(step.when, release) for step in self.lifecycle.steps):
            return "not known"
        state = next((step.after for step in reversed(self.lifecycle.steps) if step.when.by <= release), None)
        if state is None or not state.stretches:
            return "not yet"
        if not state.present:
            return "gone"
        return "deprecated" if state.plan else "yes"

    @cached_property
    def called_by(self) -> tuple[CallersOverReleases, ...]:
        """Who may call it, in each stretch of releases in which that is the same.

        Callers are program types, and the struct_ops to which it is restricted.  Where the record ends before the
        release of the snapshot, the callers at its end are taken to hold up to that release.
        """
        stretches: list[CallersOverReleases] = []
        for first, last in self.in_kernel:
            for release in self.views.snapshot.calendar.between(first, last or self.views.release):
                callers = self._callers_at(release)
                previous = stretches[-1] if stretches else None
                if previous and previous.callers == callers and previous.last.position + 1 == release.position:
                    stretches[-1] = previous._replace(last=release)
                else:
                    stretches.append(CallersOverReleases(release, release, callers))
        return tuple(stretches)

    def _callers_at(self, release: Release) -> tuple[str, ...]:
        catalog = self.views.catalog
        facts = facts_at(self.kfunc, catalog.calendar, min(release, self.lifecycle.release))
        if ANY in facts.program_types:
            return (ANY,)
        shared = catalog.hooks.sharing(facts.program_types, release)
        types = dict.fromkeys((*facts.program_types, *shared))
        structures = tuple(name for name in facts.struct_ops if STRUCT_OPS in types)
        return (*(name for name in types if _lets_any_call(facts, name)), *structures)

    @property
    def long_term(self) -> tuple[Release, ...]:
        """The maintained LTS releases that still have a removed kfunc."""
        return self.lifecycle.long_term(self.views.snapshot.calendar)

    # -- replacement

    @property
    def replacement(self) -> Replacements:
        """What to call instead: as the removal names it, else the deprecation, else the successor."""
        return self.views.replacements.of(self.name)

    @property
    def former(self) -> tuple[str, ...]:
        """The kfuncs that this one replaces, the nearest first: people look for it by their names."""
        return self.views.replacements.replaced_by(self.name)

    # -- speaking up

    @property
    def mailing_lists(self) -> tuple[str, ...]:
        """The mailing lists to write to about it: the subsystem's, where it names one, and that of BPF."""
        contact = self.subsystem.header.contact or BPF_LIST
        return (contact,) if BPF_LIST in contact else (contact, BPF_LIST)

    @property
    def thread(self) -> Optional[str]:
        """The link to the thread in which its open deprecation was announced, where the record has one."""
        links = (link for event in self._announcing for link in (event.link, event.said_in) if link)
        return next((link for link in links if link.startswith(_THREADS)), None)

    @property
    def announcing_commit(self) -> Optional[str]:
        """The commit that announced its open deprecation, where the record has it."""
        return next((event.commit for event in self._announcing if event.commit), None)

    @property
    def _announcing(self) -> Iterator[model.Deprecated]:
        """The events of the open deprecation, the last restatement first."""
        for step in reversed(self.lifecycle.steps if self.deprecated else ()):
            if isinstance(step.event, model.Deprecated):
                yield step.event
            if step.before.plan is None:
                return

    # -- history

    @property
    def events(self) -> tuple[EventView, ...]:
        """The events up to the release, without mere moves of the source."""
        views = (EventView(self, step) for step in self.lifecycle.steps)
        return tuple(view for view in views if not view.is_move_only)

    @property
    def backports(self) -> tuple[tuple[model.Backport, Optional[Prose]], ...]:
        return tuple(
            (backport, self.prose(backport.note, "backports", number, "note") if backport.note else None)
            for number, backport in enumerate(self.kfunc.backports)
        )


def _lets_any_call(facts: Facts, program_type: str) -> bool:
    """Whether the filter of *facts* lets programs of *program_type* call, of struct_ops those of any structure."""
    structures: tuple[Optional[str], ...] = (None, *facts.struct_ops) if program_type == STRUCT_OPS else (None,)
    return any(lets_call(facts, program_type, name) for name in structures)


def _may_have_happened(when: When, release: Release) -> bool:
    """Whether an event that is certain only from ``when.by`` on may have happened in *release* already."""
    return when.uncertain and release < when.by and (when.after is None or when.after < release)


@dataclass(frozen=True)
class Summary:
    """The kfuncs by their state at the release, those removed last, and those to be removed next."""

    present: tuple[KfuncView, ...]
    superseded: tuple[KfuncView, ...]
    deprecated: tuple[KfuncView, ...]
    past_due: tuple[KfuncView, ...]
    removed: tuple[KfuncView, ...]

    @property
    def in_kernel_count(self) -> int:
        """The number of kfuncs that are in the kernel."""
        return len(self.present) + len(self.deprecated)

    @cached_property
    def removed_last(self) -> tuple[KfuncView, ...]:
        """The kfuncs removed in the last release that removed any."""
        releases = {view.name: view.lifecycle.removed.by for view in self.removed if view.lifecycle.removed}
        last = max(releases.values(), default=None)
        return tuple(view for view in self.removed if releases[view.name] == last)

    @cached_property
    def next_to_go(self) -> tuple[KfuncView, ...]:
        """The kfuncs with the earliest announced end that is still to come."""
        ends = {view.name: view.end for view in self.deprecated if view.end and not view.lifecycle.past_due}
        first = min(ends.values(), default=None)
        return tuple(view for view in self.deprecated if view.name in ends and ends[view.name] == first)


class KfuncViews:
    """The views of the kfuncs of a *snapshot*; each is made once, when it is asked for."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.catalog = snapshot.catalog
        self.release = snapshot.release
        self.date = snapshot.date
        self.replacements = ReplacementFinder(snapshot)
        self._views: dict[str, KfuncView] = {}

    def view(self, name: str) -> Optional[KfuncView]:
        """Return the view of the kfunc *name*, or None where it has no usable declaration."""
        if name not in self._views:
            declared = self.snapshot.find(name)
            if declared is None:
                return None
            self._views[name] = KfuncView(self, *declared)
        return self._views[name]

    @cached_property
    def kfuncs(self) -> tuple[KfuncView, ...]:
        """Every kfunc that was added by the release, in the order of files and entries."""
        views = (self.view(declaration.name) for _, declaration in self.catalog.declarations)
        return tuple(view for view in views if view is not None and view.lifecycle.stability is not Stability.NOT_YET)

    @cached_property
    def kernels_in_use(self) -> tuple[Release, ...]:
        """The kernels that people run: LTS releases maintained on the date, and all releases since the newest LTS."""
        known = [release for release in self.catalog.calendar.real if release <= self.release]
        newest = next((release for release in reversed(known) if release.lts), known[0])
        return tuple(
            release
            for release in self.catalog.calendar.with_kfuncs(self.release)
            if newest <= release or (release.lts and release.maintained(self.date))
        )

    @cached_property
    def summary(self) -> Summary:
        """The kfuncs by their state at the release."""
        views = self.kfuncs
        return Summary(
            present=tuple(view for view in views if view.present),
            superseded=tuple(view for view in views if view.superseded),
            deprecated=tuple(view for view in views if view.deprecated),
            past_due=tuple(view for view in views if view.lifecycle.past_due),
            removed=tuple(view for view in views if view.removed),
        )

    def entries_of(self, subsystem: SubsystemFile) -> Iterator[Union[KfuncView, Stub]]:
        """Yield the entries of one file: the views of kfuncs that were added by the release, and stubs."""
        for entry in subsystem.entries:
            view = entry if isinstance(entry, Stub) else self.view(entry.name)
            if isinstance(view, Stub) or (view is not None and view.lifecycle.stability is not Stability.NOT_YET):
                yield view

    @cached_property
    def taken_addresses(self) -> frozenset[str]:
        """The ids that cannot be an alias: the addresses of kfuncs, and what docutils shortens several names to."""
        name_counts: dict[str, int] = {}
        for name in self.catalog.entries:
            name_counts[plain_address(name)] = name_counts.get(plain_address(name), 0) + 1
        shared = {alias for alias, count in name_counts.items() if count > 1}
        return frozenset(shared | {address(name) for name in self.catalog.entries})

    def shows(self, name: str) -> bool:
        """Whether the page of the subsystem has a section for *name* at the release, also where it is a stub."""
        view = self.view(name)
        return name in self.catalog.entries and (view is None or view.lifecycle.stability is not Stability.NOT_YET)

    def changes(self, first: Optional[Release], last: Release) -> tuple[ReleaseView, ...]:
        """Return what happened in each release after *first* (None: in any) up to *last*, the newest first."""
        events: dict[Release, list[EventView]] = {}
        for view in self.kfuncs:
            for event in view.events:
                if (first is None or first < event.when.by) and event.when.by <= last:
                    events.setdefault(event.when.by, []).append(event)
        return tuple(ReleaseView(release, tuple(events[release])) for release in sorted(events, reverse=True))

    def reference(self, subsystem: SubsystemFile) -> Release:
        """Return the release as of which the page of *subsystem* is written."""
        return self.snapshot.release_of(subsystem)

    def outdated(self, recorded: Release) -> bool:
        """Whether the release after *recorded* is out on the date: real, or expected by the usual cadence."""
        following = self.catalog.calendar.releases[recorded.position + 1 : recorded.position + 2]
        return any(release.date <= self.date for release in following)
