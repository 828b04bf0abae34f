# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What happened to kfuncs, as the templates show it: one view for each event of a history, and for each release.

::

    KfuncView --events--> EventView --changes--> FieldChange
    KfuncViews --changes--> ReleaseView, with the events of all kfuncs in one release

Which changes callers notice is decided in :mod:`kfuncdoc.views.notice`.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Optional

from kfuncdoc.kernels.releases import Release, When
from kfuncdoc.record import model
from kfuncdoc.record.declared_prose import Prose
from kfuncdoc.record.lifecycle import Facts, Step, facts_after, undone
from kfuncdoc.views.allowed import FILTER_FIELDS, filter_in_words
from kfuncdoc.views.notice import is_move_only, is_noticed, shown_fields
from kfuncdoc.views.replacement import Replacements

if TYPE_CHECKING:
    from kfuncdoc.views.kfunc import KfuncView


class RemovedAndAdded(NamedTuple):
    """What a change of a field took away, and what it brought."""

    removed: Any
    added: Any


@dataclass(frozen=True)
class FieldChange:
    """One field that an event changed, with its value *before* and *after*."""

    field: str
    before: Any
    after: Any

    @property
    def removed_and_added(self) -> RemovedAndAdded:
        """The items that a list lost and got; of a field that is no list, the whole value before and after."""
        if isinstance(self.before, tuple) and isinstance(self.after, tuple):
            return RemovedAndAdded(
                [item for item in self.before if item not in self.after],
                [item for item in self.after if item not in self.before],
            )
        return RemovedAndAdded(getattr(self.before, "text", self.before), getattr(self.after, "text", self.after))


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
    def is_comeback(self) -> bool:
        """Whether a kfunc was added under a name that had been removed."""
        return isinstance(self.event, model.Added) and bool(self.step.before.stretches)

    @property
    def is_restatement(self) -> bool:
        """Whether a deprecation restates the one that is open."""
        return isinstance(self.event, model.Deprecated) and self.step.before.plan is not None

    @property
    def is_breaking(self) -> bool:
        """Whether the event is a change that breaks callers."""
        return isinstance(self.event, model.Changed) and self.event.breaking

    @property
    def is_noticed(self) -> bool:
        """Whether someone who calls the kfunc wants to know."""
        return is_noticed(self.event)

    @property
    def is_move_only(self) -> bool:
        """Whether only the place of the source changed, which is not shown."""
        return is_move_only(self.event)

    @property
    def prototype(self) -> str:
        """The prototype as of the event."""
        return facts_after(self.kfunc.kfunc, self.step.index).prototype

    @property
    def changes(self) -> tuple[FieldChange, ...]:
        """The fields that the event changed, without the place of the source; none where a name came back.

        All that says what the filter does is one field, "filter", in words.
        """
        if self.is_comeback:
            return ()
        after = facts_after(self.kfunc.kfunc, self.step.index)
        before = dataclasses.replace(after, **undone(self.event))
        names = dict.fromkeys("filter" if name in FILTER_FIELDS else name for name in shown_fields(self.event))
        changes = (self._change(name, before, after) for name in names)
        return tuple(change for change in changes if change.before != change.after)

    def _change(self, name: str, before: Facts, after: Facts) -> FieldChange:
        if name == "filter":
            return FieldChange(name, self._filter(before), self._filter(after))
        return FieldChange(name, getattr(before, name), getattr(after, name))

    def _filter(self, facts: Facts) -> Optional[Prose]:
        """Return what the filter of *facts*, those before the event, says in words; None without one."""
        words = filter_in_words(facts)
        if "filter" in undone(self.event):
            return self.kfunc.prose(words, "history", self.step.index, "was", "filter") if words else None
        return Prose(words) if words else None

    @property
    def grouping_key(self) -> str:
        """A key that events of several kfuncs share where the same happened to all of them."""
        changes = [(change.field, *change.removed_and_added) for change in self.changes]
        fields = {
            name: " ".join(value.split()) if isinstance(value, str) else value
            for name, value in self.event.model_dump(exclude={"was"}).items()
        }
        return repr((changes, fields))

    @property
    def replacement(self) -> Replacements:
        """The replacement that the event names."""
        kfunc = self.kfunc
        return kfunc.views.replacements.stated_by(kfunc.declaration, self.event, self.step.index)


@dataclass(frozen=True)
class ReleaseView:
    """What happened to kfuncs in one release."""

    release: Release
    events: tuple[EventView, ...]

    def of_kind(self, *kinds: str) -> tuple[EventView, ...]:
        """Return the events of *kinds*, such as "added" or "changed"."""
        return tuple(view for view in self.events if view.event.event in kinds)

    @property
    def noticed_changes(self) -> tuple[EventView, ...]:
        """The changes that callers notice."""
        return tuple(view for view in self.of_kind("changed") if view.is_noticed)

    @property
    def grouped_noticed_changes(self) -> tuple[tuple[EventView, ...], ...]:
        """The changes that callers notice, in groups: one group for all kfuncs to which the same happened."""
        groups: dict[str, list[EventView]] = {}
        for view in self.noticed_changes:
            groups.setdefault(view.grouping_key, []).append(view)
        return tuple(map(tuple, groups.values()))

    @property
    def unnoticed_changes(self) -> tuple[EventView, ...]:
        """The changes that callers do not notice."""
        return tuple(view for view in self.of_kind("changed") if not view.is_noticed)
