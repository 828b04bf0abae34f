# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The state of a kfunc at one release, seen on one day, from its history.

:func:`assess` is pure and total: it reads no clock, and any history gives an answer.  The states follow "kfunc
lifecycle expectations" in the kernel's ``Documentation/bpf/kfuncs.rst``: a kfunc has no guarantee, a deprecation
states the expected remaining lifespan on a best-effort basis, and a program that calls a removed kfunc does not load.

A history is read in two directions.  Forward, :func:`replay` yields the events with the state after each of them.
Backward, :func:`facts_at` undoes the events after a release through their field ``was``, because the fields of a
declaration say how the kfunc is now.
"""

from __future__ import annotations

import dataclasses
import datetime
import itertools
from dataclasses import dataclass
from typing import Any, Collection, Iterator, Mapping, Optional, Sequence, Union

from kfuncdoc.bpf.callers import AllowedCaller
from kfuncdoc.kernels.releases import Release, ReleaseCalendar, When
from kfuncdoc.record import model
from kfuncdoc.record.stability import Stability


@dataclass(frozen=True)
class Facts:
    """The fields of a kfunc's declaration that its history can change, as of one release."""

    prototype: str
    flags: tuple[str, ...]
    flags_for: Mapping[str, tuple[str, ...]]
    program_types: tuple[str, ...]
    #: The programs that its filter lets call it, with groups resolved: None if it has no filter, empty if none may.
    allowed: Optional[tuple[AllowedCaller, ...]]
    #: Who refuses the others: "verifier", or "run-time" if the kernel does when the call is made.
    enforced_by: str
    source: Optional[str]
    module: Optional[str]
    depends_on: Optional[str]
    filter: Optional[str]

    @property
    def struct_ops(self) -> tuple[str, ...]:
        """The structures of callbacks that its filter names: of struct_ops programs, only theirs may call it."""
        return tuple(dict.fromkeys(name for caller in self.allowed or () for name in caller.struct_ops))


#: The value of a field that is not set, where it is not None.
_UNSET: dict[str, Any] = {"flags": (), "flags_for": {}, "program_types": (), "enforced_by": "verifier"}
#: The names of the fields of :class:`Facts`.
FACTS = tuple(field.name for field in dataclasses.fields(Facts))


@dataclass(frozen=True)
class Announcement:
    """An announced end: the name of the release as it was *said* (``v6.23``, ``undecided``), and that *release*.

    They differ if the kernel never used the number: v7.0 came after v6.19.  *release* is None if *said* is undecided.
    """

    said: str
    release: Optional[Release]
    said_in: Optional[str]

    @property
    def renumbered(self) -> bool:
        """Whether the announced release came under another name."""
        return self.release is not None and self.release.name != self.said


@dataclass(frozen=True)
class Plan:
    """An open deprecation: its announcement, as changed by all restatements."""

    since: When
    #: "removal" or "change".
    kind: str
    announcements: tuple[Announcement, ...]
    reason: Optional[str] = None
    said_in: Optional[str] = None
    becomes: Optional[str] = None
    signal: Optional[str] = None
    renamed_to: Optional[str] = None
    replacement: tuple[model.DeclaredReplacement, ...] = ()
    no_replacement: Optional[str] = None
    #: For each field, the index in the history of the event that it is from.  It gives the place of prose.
    origin: Mapping[str, int] = dataclasses.field(default_factory=dict)

    @property
    def governing(self) -> Announcement:
        """The announcement that counts.  If the kernel contradicts itself, it is the one with the earliest release."""
        dated = [
            (announcement.release, number)
            for number, announcement in enumerate(self.announcements)
            if announcement.release is not None
        ]
        return self.announcements[min(dated)[1] if dated else 0]

    @property
    def end(self) -> Optional[Release]:
        """The first release without the kfunc, or with the changed prototype; None if that is undecided."""
        return self.governing.release


@dataclass(frozen=True)
class Stretch:
    """The releases in which a kfunc was in the kernel: from *added* until before *removed*."""

    added: When
    removed: Optional[When] = None

    def holds(self, release: Release) -> bool:
        """Whether *release* has the kfunc."""
        return self.added.by <= release and (self.removed is None or release < self.removed.by)


@dataclass(frozen=True)
class State:
    """The state of a kfunc between two events."""

    stretches: tuple[Stretch, ...] = ()
    plan: Optional[Plan] = None
    #: The index of the event ``superseded`` that names the kfunc to prefer.
    superseded: Optional[int] = None
    #: The index of the event ``removed``, where the kfunc is gone.
    removal: Optional[int] = None

    @property
    def present(self) -> bool:
        """Whether the kfunc is in the kernel."""
        return bool(self.stretches) and self.stretches[-1].removed is None


@dataclass(frozen=True)
class Step:
    """One event of a history, with the state before and after it."""

    index: int
    event: model.Event
    when: When
    before: State
    after: State


@dataclass(frozen=True)
class Lifecycle:
    """A kfunc at *release*, seen on *date*: the result of :func:`assess`."""

    release: Release
    date: datetime.date
    stability: Stability
    facts: Facts
    #: The events up to the release, in order.
    steps: tuple[Step, ...]
    state: State
    #: The open deprecation; of a removed kfunc, the one that was open when it was removed.
    plan: Optional[Plan]

    @property
    def first_added(self) -> Optional[When]:
        """When it was first added; None if it is not added yet."""
        return self.state.stretches[0].added if self.state.stretches else None

    @property
    def added(self) -> Optional[When]:
        """When its present or last stretch began."""
        return self.state.stretches[-1].added if self.state.stretches else None

    @property
    def removed(self) -> Optional[When]:
        """When it was removed; None while it is in the kernel."""
        return self.state.stretches[-1].removed if self.state.stretches else None

    @property
    def age(self) -> int:
        """The number of releases since its present or last stretch began."""
        return self.release.position - self.added.by.position if self.added else 0

    @property
    def past_due(self) -> bool:
        """Whether the announced release is reached, and the kfunc is still in the kernel."""
        return self.remaining_releases == 0

    @property
    def remaining_releases(self) -> Optional[int]:
        """The number of releases until the first one without the kfunc, or with the changed prototype.

        None if no end is announced, or its release is undecided; 0 if it is past due.
        """
        if self.stability is not Stability.DEPRECATED or self.plan is None or self.plan.end is None:
            return None
        return max(self.plan.end.position - self.release.position, 0)

    @property
    def superseded_by(self) -> tuple[model.DeclaredReplacement, ...]:
        """The successors to prefer, where no end is announced; empty otherwise."""
        if self.state.superseded is None or self.stability is not Stability.PRESENT:
            return ()
        event = self.steps[self.state.superseded].event
        assert isinstance(event, model.Superseded)
        return event.replacement or ()

    @property
    def removal(self) -> Optional[model.Removed]:
        """The event ``removed``, where the kfunc is gone."""
        if self.state.removal is None:
            return None
        event = self.steps[self.state.removal].event
        assert isinstance(event, model.Removed)
        return event

    @property
    def avoid_before(self) -> Optional[Release]:
        """The release before which the kfunc should not be called, where an event of its last stretch says so."""
        stretch = self.state.stretches[-1:]
        for step in reversed(self.steps):
            if isinstance(step.event, model.Changed) and step.event.avoid_before:
                return step.when.by if stretch and stretch[0].added.by <= step.when.by else None
        return None

    @property
    def breaking(self) -> tuple[Step, ...]:
        """The changes that broke callers."""
        return tuple(step for step in self.steps if isinstance(step.event, model.Changed) and step.event.breaking)

    def long_term(self, calendar: ReleaseCalendar) -> tuple[Release, ...]:
        """Return the LTS releases that have the kfunc and are still maintained on the date."""
        return tuple(
            release
            for release in calendar.real
            if release.lts
            and release <= self.release
            and release.maintained(self.date)
            and any(stretch.holds(release) for stretch in self.state.stretches)
        )


def assess(kfunc: model.Kfunc, calendar: ReleaseCalendar, release: Release, date: datetime.date) -> Lifecycle:
    """Return the state of *kfunc* at *release*, seen on *date*.

    *release* is a real release of *calendar*.  Raises :exc:`~kfuncdoc.kernels.releases.UnknownRelease` where
    the history names a release that the calendar does not know, and nothing else.
    """
    return assess_steps(kfunc, tuple(replay(kfunc, calendar)), release, date)


def assess_steps(kfunc: model.Kfunc, history: Sequence[Step], release: Release, date: datetime.date) -> Lifecycle:
    """Return the same as :func:`assess`, from a *history* that :func:`replay` yielded."""
    steps = tuple(itertools.takewhile(lambda step: step.when.by <= release, history))
    event_count = sum(step.when.by <= release for step in history)
    state = steps[-1].after if steps else State()
    plan = state.plan
    if not state.stretches:
        stability = Stability.NOT_YET
    elif not state.present:
        stability = Stability.REMOVED
        plan = next((step.before.plan for step in steps if step.index == state.removal), None)
    else:
        stability = Stability.PRESENT if plan is None else Stability.DEPRECATED
    return Lifecycle(release, date, stability, facts_after(kfunc, event_count - 1), steps, state, plan)


def facts_at(kfunc: model.Kfunc, calendar: ReleaseCalendar, release: Release) -> Facts:
    """Return the facts of *kfunc* at *release*: the fields of today, with every later event undone through ``was``."""
    event_count = sum(calendar.when(event.release).by <= release for event in kfunc.history)
    return facts_after(kfunc, event_count - 1)


def facts_after(kfunc: model.Kfunc, index: int) -> Facts:
    """Return the facts of *kfunc* just after event *index* of the history (-1: before the first event)."""
    return facts_without(kfunc, range(index + 1, len(kfunc.history)))


def facts_without(kfunc: model.Kfunc, undoing: Collection[int]) -> Facts:
    """Return the facts of today, with the events at the indexes *undoing* undone, the last event first."""
    facts = {name: getattr(kfunc, name) for name in FACTS}
    for index in sorted(undoing, reverse=True):
        facts.update(undone(kfunc.history[index]))
    return Facts(**facts)


def undone(event: model.Event) -> dict[str, Any]:
    """Return the fields that *event* changed, as they were before it."""
    was: Optional[model.Was] = event.get("was")
    if was is None:
        return {}
    # FACTS gives the fields a fixed order; the set of fields has another order in every run.
    before = {name: getattr(was, name) for name in FACTS if name in was.model_fields_set}
    return {name: _UNSET.get(name) if value is None else value for name, value in before.items()}


def replay(kfunc: model.Kfunc, calendar: ReleaseCalendar) -> Iterator[Step]:
    """Yield the events of *kfunc* in order, each with the state before and after it.

    An event that is impossible in its place, such as a removal of a removed kfunc, leaves the state as it is; the
    rules of ``record/rules.py`` report it.
    """
    state = State()
    for index, event in enumerate(kfunc.history):
        when = calendar.when(event.release)
        after = _next_state(state, index, event, when, calendar)
        yield Step(index, event, when, state, after)
        state = after


def _next_state(state: State, index: int, event: model.Event, when: When, calendar: ReleaseCalendar) -> State:
    if isinstance(event, model.Added):
        return state if state.present else State(stretches=(*state.stretches, Stretch(when)))
    if not state.present:
        return state
    if isinstance(event, model.Removed):
        ended = dataclasses.replace(state.stretches[-1], removed=when)
        return State(stretches=(*state.stretches[:-1], ended), removal=index)
    if isinstance(event, model.Superseded):
        return dataclasses.replace(state, superseded=index)
    if isinstance(event, model.Deprecated):
        if state.plan is None:
            return dataclasses.replace(state, plan=_new_plan(event, index, when, calendar))
        return dataclasses.replace(state, plan=_restated_plan(state.plan, event, index, calendar))
    if isinstance(event, model.Withdrawn) or _carries_out(event, state.plan):
        return dataclasses.replace(state, plan=None)
    return state


def _carries_out(event: Union[model.Changed, model.Withdrawn], plan: Optional[Plan]) -> bool:
    """Whether *event* is the change of the prototype that *plan* announced."""
    if plan is None or plan.kind != "change" or not isinstance(event, model.Changed):
        return False
    return event.was is not None and event.was.prototype is not None


def _new_plan(event: model.Deprecated, index: int, when: When, calendar: ReleaseCalendar) -> Plan:
    kind = "change" if event.change is not None else "removal"
    return Plan(
        since=when,
        kind=kind,
        announcements=_announcements(event, calendar),
        becomes=event.becomes,
        signal=event.signal,
        renamed_to=event.renamed_to,
        replacement=event.replacement or (),
        no_replacement=event.no_replacement,
        reason=event.reason,
        said_in=event.said_in,
        origin=dict.fromkeys(model.Deprecated.model_fields, index),
    )


#: The fields of an event ``deprecated`` that together announce an end, and those that together name a replacement.
_END_FIELDS = ("removal", "change", "also_said")
_REPLACEMENT_FIELDS = ("renamed_to", "replacement", "no_replacement")


def _restated_plan(plan: Plan, event: model.Deprecated, index: int, calendar: ReleaseCalendar) -> Plan:
    """Return *plan* as a second deprecation restates it: fields that *event* leaves out stay, and so does ``since``.

    A new end takes the place of all earlier announcements of it.  A new replacement takes the place of the old one,
    in whichever field each is given.
    """
    stated = {name for name in event.model_fields_set if getattr(event, name) is not None}
    changes: dict[str, Any] = {}
    if stated & {"removal", "change"}:
        changes["kind"] = "change" if event.change is not None else "removal"
        changes["announcements"] = _announcements(event, calendar)
        changes["becomes"] = None if changes["kind"] == "removal" else plan.becomes
        stated |= set(_END_FIELDS)
    elif "also_said" in stated:
        changes["announcements"] = (plan.announcements[0], *_announcements(event, calendar)[1:])
    if stated & set(_REPLACEMENT_FIELDS):
        changes.update({name: getattr(event, name) for name in _REPLACEMENT_FIELDS})
        changes["replacement"] = event.replacement or ()
        stated |= set(_REPLACEMENT_FIELDS)
    for name in ("reason", "said_in", "becomes", "signal"):
        if name in stated:
            changes[name] = getattr(event, name)
    return dataclasses.replace(plan, **changes, origin={**plan.origin, **dict.fromkeys(stated, index)})


def _announcements(event: model.Deprecated, calendar: ReleaseCalendar) -> tuple[Announcement, ...]:
    declared: tuple[Union[model.Deprecated, model.AlsoSaid], ...] = (event, *(event.also_said or ()))
    return tuple(_announcement(announcement, calendar) for announcement in declared)


def _announcement(declared: Union[model.Deprecated, model.AlsoSaid], calendar: ReleaseCalendar) -> Announcement:
    said = declared.change or declared.removal or "undecided"
    return Announcement(said, None if said == "undecided" else calendar[said], declared.said_in)
