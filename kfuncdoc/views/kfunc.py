# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What the templates print: one view a kfunc, a subsystem, a release.

Everything that has to be worked out is worked out here, so that the templates are words and layout.
Prose comes as :class:`Prose`, which remembers the lines of the YAML file that it was written in.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Iterator, Optional, Union

from kfuncdoc.base.yaml_text import Key
from kfuncdoc.bpf.prototype import parse_prototype
from kfuncdoc.kernels.hooks import ANY, STRUCT_OPS
from kfuncdoc.kernels.releases import Release, When
from kfuncdoc.record import model
from kfuncdoc.record.address import address, plain_address
from kfuncdoc.record.catalog import Declaration, Stub, SubsystemFile
from kfuncdoc.record.declared_prose import Prose, mark
from kfuncdoc.record.lifecycle import Facts, Lifecycle, Plan, Stability, Step, facts_after, facts_at, undone
from kfuncdoc.record.snapshot import Snapshot
from kfuncdoc.views.replacement import ReplacementFinder, Replacements

#: The list of BPF itself, which belongs in copy whatever the subsystem.
BPF_LIST = "bpf@vger.kernel.org"
#: What a link to a thread of a kernel list begins with; the second leads to the first.
_THREADS = ("https://lore.kernel.org/", "https://patch.msgid.link/")


@dataclass(frozen=True)
class Change:
    """One field that an event changed: before and after."""

    field: str
    before: Any
    after: Any

    @property
    def difference(self) -> tuple[Any, Any]:
        """What went and what came: of a list the items, of anything else all of it."""
        if isinstance(self.before, tuple) and isinstance(self.after, tuple):
            return (
                [item for item in self.before if item not in self.after],
                [item for item in self.after if item not in self.before],
            )
        return getattr(self.before, "text", self.before), self.after


@dataclass(frozen=True)
class EventView:
    """One event of a history, as the history table and the page of a release show it."""

    kfunc: KfuncView
    step: Step

    @property
    def event(self) -> model.Event:
        return self.step.event

    @property
    def when(self) -> When:
        return self.step.when

    def prose(self, name: str) -> Optional[Prose]:
        """Return the prose of the event's field *name*, if there is any."""
        text = getattr(self.event, name, None)
        return self.kfunc.prose(text, "history", self.step.index, name) if text else None

    @property
    def again(self) -> bool:
        """Whether a name came back."""
        return isinstance(self.event, model.Added) and bool(self.step.before.stretches)

    @property
    def restated(self) -> bool:
        """Whether a deprecation only says anew what was announced."""
        return isinstance(self.event, model.Deprecated) and self.step.before.plan is not None

    @property
    def breaking(self) -> bool:
        return isinstance(self.event, model.Changed) and self.event.breaking

    @property
    def noticed(self) -> bool:
        """Whether someone who calls the kfunc would want to know."""
        if not isinstance(self.event, model.Changed):
            return True
        return self.event.breaking or self.event.avoid_before

    @property
    def moved_only(self) -> bool:
        """Whether nothing happened but that the source moved, which is not shown."""
        event = self.event
        quiet = isinstance(event, model.Changed) and set(undone(event)) == {"source"} and not self.noticed
        return quiet and not (event.note or getattr(event, "behaviour", None))

    @property
    def prototype(self) -> str:
        """The prototype as of the event."""
        return facts_after(self.kfunc.kfunc, self.step.index).prototype

    @property
    def changes(self) -> tuple[Change, ...]:
        """The fields that the event changed, except where the source is."""
        if self.again:
            return ()
        after = facts_after(self.kfunc.kfunc, self.step.index)
        return tuple(
            Change(name, self._before(name, value), getattr(after, name))
            for name, value in undone(self.event).items()
            if name != "source" and value != getattr(after, name)
        )

    @property
    def told(self) -> str:
        """All that is told of the event, but for whose it is: the same text where the same happened to others."""
        changes = [(each.field, *each.difference) for each in self.changes]
        said = {
            name: " ".join(value.split()) if isinstance(value, str) else value
            for name, value in self.event.model_dump(exclude={"was"}).items()
        }
        return repr((changes, said))

    def _before(self, name: str, value: Any) -> Any:
        """Return what the field *name* was before the event: its value, or where it is prose, that with its place."""
        is_prose = name == "filter" and value is not None
        return self.kfunc.prose(value, "history", self.step.index, "was", name) if is_prose else value

    @property
    def replacement(self) -> Replacements:
        """What the event says to call instead."""
        kfunc = self.kfunc
        return kfunc.views.replacements.stated_by(kfunc.declaration, self.event, self.step.index)


class KfuncView:
    """One kfunc at the reference release; attributes are worked out when a template asks for them."""

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
        return mark(self.declaration.source.path, self.declaration.place().line)

    def prose(self, text: str, *keys: Key) -> Prose:
        return Prose(text, self.declaration.source, ("kfuncs", self.declaration.index, *keys))

    def field(self, name: str) -> Optional[Prose]:
        """Return the prose of the kfunc's own field *name*, as of the release, if there is any."""
        if name == "filter":
            return self._filter
        text = getattr(self.kfunc, name)
        return self.prose(text, name) if text else None

    @property
    def _filter(self) -> Optional[Prose]:
        """The filter as of the release: what the next event that speaks of it says it was, else the kfunc's own."""
        if not self.facts.filter:
            return None
        for index in range(len(self.lifecycle.steps), len(self.kfunc.history)):
            if "filter" in undone(self.kfunc.history[index]):
                return self.prose(self.facts.filter, "history", index, "was", "filter")
        return self.prose(self.facts.filter, "filter")

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
        """The stability in the words of a badge: what matters most of it."""
        if self.lifecycle.past_due:
            return "past due"
        return "superseded" if self.superseded else self.stability

    @property
    def new(self) -> bool:
        """Whether it came, or came back, in the very release."""
        return self.lifecycle.age == 0 and (self.present or self.deprecated)

    @property
    def breaking_events(self) -> tuple[EventView, ...]:
        """The changes that broke callers, the last first."""
        return tuple(event for event in reversed(self.events) if event.breaking)

    @property
    def to_be_told(self) -> bool:
        """Whether a reader of the function's own documentation must know something that is not in it."""
        return self.deprecated or self.removed or self.new or bool(self.breaking_events)

    @property
    def facts(self) -> Facts:
        return self.lifecycle.facts

    @property
    def sharing(self) -> tuple[str, ...]:
        """The program types that may call it because they share a hook with those it is registered for."""
        return self.views.catalog.hooks.sharing(self.facts.program_types, self._last_seen)

    def may_call(self, program_type: str) -> bool:
        """Whether programs of *program_type* may, or could, call it, as far as registrations and hooks decide."""
        return self.views.catalog.hooks.may_call(self.facts.program_types, program_type, self._last_seen)

    @property
    def _last_seen(self) -> Release:
        """The release as of which its facts hold: of a removed kfunc the last that had it."""
        return self.last if self.removed and self.last else self.lifecycle.release

    @property
    def as_recorded(self) -> bool:
        """Whether it is shown as of the release it is recorded for: only then hold the fields without a past."""
        return self.lifecycle.release == self.subsystem.recorded

    @property
    def prototype(self) -> str:
        """The prototype as of the release, laid out over lines."""
        return parse_prototype(self.facts.prototype).laid_out()

    @property
    def plan(self) -> Optional[Plan]:
        return self.lifecycle.plan

    @property
    def end(self) -> Optional[Release]:
        """The release in which it is to end, or ended as planned or not."""
        return self.plan.end if self.plan else None

    @property
    def last(self) -> Optional[Release]:
        """The last release with it: of a removed kfunc, or as announced."""
        gone = self.lifecycle.removed.by if self.lifecycle.removed else self.end
        return self.views.snapshot.calendar.before(gone) if gone else None

    @property
    def is_overdue(self) -> bool:
        """Whether the end is expected to have come by the date, beyond what the record knows."""
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
        """The stretches of releases that have it, each as the first and the last (None: still there)."""
        calendar = self.views.snapshot.calendar
        return tuple(
            (stretch.added.by, calendar.before(stretch.removed.by) if stretch.removed else None)
            for stretch in self.lifecycle.state.stretches
        )

    @property
    def kernels(self) -> tuple[tuple[Release, str], ...]:
        """The kernels that people run, up to the reference release, and what this is in each.

        These are the LTS releases that are maintained and all since the last of them; in words: "not yet", "yes",
        "deprecated", "gone"; "not known" where an event may have been in that release or before.
        """
        return tuple(
            (release, self._in_words(release)) for release in self.views.run if release <= self.lifecycle.release
        )

    def _in_words(self, release: Release) -> str:
        if any(_may_be(step.when, release) for step in self.lifecycle.steps):
            return "not known"
        state = next((step.after for step in reversed(self.lifecycle.steps) if step.when.by <= release), None)
        if state is None or not state.stretches:
            return "not yet"
        if not state.present:
            return "gone"
        return "deprecated" if state.plan else "yes"

    @cached_property
    def called_by(self) -> tuple[tuple[Release, Release, tuple[str, ...]], ...]:
        """Who could call it in the releases that have it: the first and the last release, and the callers.

        Callers are program types, and the struct_ops to which it is restricted.  Of a record that goes no further than
        an older release what holds there is taken to hold up to the reference release.
        """
        found: list[tuple[Release, Release, tuple[str, ...]]] = []
        for first, last in self.in_kernel:
            for release in self.views.snapshot.calendar.between(first, last or self.views.release):
                callers = self._callers_at(release)
                if found and found[-1][2] == callers and found[-1][1].position + 1 == release.position:
                    found[-1] = (found[-1][0], release, callers)
                else:
                    found.append((release, release, callers))
        return tuple(found)

    def _callers_at(self, release: Release) -> tuple[str, ...]:
        catalog = self.views.catalog
        facts = facts_at(self.kfunc, catalog.calendar, min(release, self.lifecycle.release))
        if ANY in facts.program_types:
            return (ANY,)
        shared = catalog.hooks.sharing(facts.program_types, release)
        types = tuple(dict.fromkeys((*facts.program_types, *shared)))
        return (*types, *facts.struct_ops) if STRUCT_OPS in types else types

    @property
    def long_term(self) -> tuple[Release, ...]:
        """The maintained LTS releases that still have a removed kfunc."""
        return self.lifecycle.long_term(self.views.snapshot.calendar)

    # -- replacement

    @property
    def replacement(self) -> Replacements:
        """What to call instead: as the removal says, else as the deprecation did, else the successor."""
        return self.views.replacements.of(self.name)

    @property
    def former(self) -> tuple[str, ...]:
        """The kfuncs whose place this one takes, the nearest first: people look for it by their names."""
        return self.views.replacements.replaced_by(self.name)

    # -- speaking up

    @property
    def lists(self) -> tuple[str, ...]:
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
        return tuple(view for view in views if not view.moved_only)

    @property
    def backports(self) -> tuple[tuple[model.Backport, Optional[Prose]], ...]:
        return tuple(
            (backport, self.prose(backport.note, "backports", number, "note") if backport.note else None)
            for number, backport in enumerate(self.kfunc.backports)
        )


def _may_be(when: When, release: Release) -> bool:
    """Whether an event that had happened by ``when.by`` may have happened in *release* already."""
    return when.uncertain and release < when.by and (when.after is None or when.after < release)


@dataclass(frozen=True)
class ReleaseView:
    """What one release brought, changed, deprecated and removed."""

    release: Release
    events: tuple[EventView, ...]

    def of_kind(self, *kinds: str) -> tuple[EventView, ...]:
        return tuple(view for view in self.events if view.event.event in kinds)

    @property
    def changed(self) -> tuple[EventView, ...]:
        """The changes that callers notice, each by itself."""
        return tuple(view for view in self.of_kind("changed") if view.noticed)

    @property
    def noticed(self) -> tuple[tuple[EventView, ...], ...]:
        """The changes that callers notice; where the same happened to several kfuncs, together."""
        alike: dict[str, list[EventView]] = {}
        for view in self.changed:
            alike.setdefault(view.told, []).append(view)
        return tuple(map(tuple, alike.values()))

    @property
    def unnoticed(self) -> tuple[EventView, ...]:
        return tuple(view for view in self.of_kind("changed") if not view.noticed)


@dataclass(frozen=True)
class Summary:
    """How the record stands: how many kfuncs are in which state, what went last, and what goes next."""

    present: tuple[KfuncView, ...]
    superseded: tuple[KfuncView, ...]
    deprecated: tuple[KfuncView, ...]
    past_due: tuple[KfuncView, ...]
    removed: tuple[KfuncView, ...]

    @property
    def there(self) -> int:
        """How many kfuncs are in the kernel."""
        return len(self.present) + len(self.deprecated)

    @cached_property
    def lost_last(self) -> tuple[KfuncView, ...]:
        """The kfuncs that went in the last release in which any did."""
        gone = {view.name: view.lifecycle.removed.by for view in self.removed if view.lifecycle.removed}
        last = max(gone.values(), default=None)
        return tuple(view for view in self.removed if gone[view.name] == last)

    @cached_property
    def next_to_go(self) -> tuple[KfuncView, ...]:
        """The kfuncs whose announced end is the next one to come."""
        ends = {view.name: view.end for view in self.deprecated if view.end and not view.lifecycle.past_due}
        first = min(ends.values(), default=None)
        return tuple(view for view in self.deprecated if view.name in ends and ends[view.name] == first)


class KfuncViews:
    """The kfuncs of a *snapshot* as templates take them: one view a kfunc."""

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
        """Every kfunc that has come by the release, in the order of files and entries."""
        views = (self.view(declaration.name) for _, declaration in self.catalog.declarations)
        return tuple(view for view in views if view is not None and view.lifecycle.stability is not Stability.NOT_YET)

    @cached_property
    def run(self) -> tuple[Release, ...]:
        """The kernels that people run: LTS releases that are maintained on the date, and all since the last of them."""
        known = [release for release in self.catalog.calendar.real if release <= self.release]
        newest = next((release for release in reversed(known) if release.lts), known[0])
        return tuple(
            release
            for release in self.catalog.calendar.with_kfuncs(self.release)
            if newest <= release or (release.lts and release.maintained(self.date))
        )

    @cached_property
    def summary(self) -> Summary:
        """How the record stands at the release."""
        views = self.kfuncs
        return Summary(
            present=tuple(view for view in views if view.present),
            superseded=tuple(view for view in views if view.superseded),
            deprecated=tuple(view for view in views if view.deprecated),
            past_due=tuple(view for view in views if view.lifecycle.past_due),
            removed=tuple(view for view in views if view.removed),
        )

    def of(self, subsystem: SubsystemFile) -> Iterator[Union[KfuncView, Stub]]:
        """Yield the entries of one file that have come by the release, stubs too."""
        for entry in subsystem.entries:
            view = entry if isinstance(entry, Stub) else self.view(entry.name)
            if isinstance(view, Stub) or (view is not None and view.lifecycle.stability is not Stability.NOT_YET):
                yield view

    @cached_property
    def taken_addresses(self) -> frozenset[str]:
        """The ids that belong to a kfunc: its address, and what two names alike would both be cut down to."""
        cut_down: dict[str, int] = {}
        for name in self.catalog.entries:
            cut_down[plain_address(name)] = cut_down.get(plain_address(name), 0) + 1
        shared = {alias for alias, names in cut_down.items() if names > 1}
        return frozenset(shared | {address(name) for name in self.catalog.entries})

    def shows(self, name: str) -> bool:
        """Whether the page of *name* has a section for it at the release, be it a stub."""
        view = self.view(name)
        return name in self.catalog.entries and (view is None or view.lifecycle.stability is not Stability.NOT_YET)

    def changes(self, first: Optional[Release], last: Release) -> tuple[ReleaseView, ...]:
        """Return what happened in each release after *first* (None: in any) up to *last*, the newest first."""
        happened: dict[Release, list[EventView]] = {}
        for view in self.kfuncs:
            for event in view.events:
                if (first is None or first < event.when.by) and event.when.by <= last:
                    happened.setdefault(event.when.by, []).append(event)
        return tuple(ReleaseView(release, tuple(happened[release])) for release in sorted(happened, reverse=True))

    def reference(self, subsystem: SubsystemFile) -> Release:
        """Return the release as of which the page of *subsystem* speaks."""
        return self.snapshot.release_of(subsystem)

    def outdated(self, recorded: Release) -> bool:
        """Whether a release after *recorded* is out by the date, by the calendar or by the usual cadence."""
        following = self.catalog.calendar.releases[recorded.position + 1 : recorded.position + 2]
        return any(release.date <= self.date for release in following)
