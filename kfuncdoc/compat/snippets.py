# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The code on a kfunc's page: it calls the kfunc on kernels from before and after a change, or its replacement.

::

    KernelRecord --Snippets.of--> ChosenCalls, in words for each kernel --guard--> a Snippet of C code

For a kfunc that is deprecated or removed, the code calls its replacement on kernels that have that, itself on others,
and on older ones what it replaced.  For a kfunc that changed, the code has a call for each form: libbpf tells
prototypes apart, and if only the behaviour changed, the code asks for the release of the kernel.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable, Iterator, Mapping, Optional, Sequence

from kfuncdoc.base.prose import as_words
from kfuncdoc.compat.choices import ChosenCall, ChosenCalls, choose
from kfuncdoc.compat.guards import GuardedCall, guard
from kfuncdoc.compat.kernels import Kernel, KernelRecord, in_words
from kfuncdoc.kernels.releases import Release
from kfuncdoc.record.stability import Stability
from kfuncdoc.record.variants import AnnouncedVariant, is_same_to_libbpf
from kfuncdoc.views.behaviour import Behaviour, behaviours
from kfuncdoc.views.kfunc import KfuncView
from kfuncdoc.views.replacement import after_kernels


@dataclass(frozen=True)
class Snippet:
    """C code of one function, and the kernels that it is for, in words."""

    code: str
    kernels: str
    #: Whether it makes the same call in several branches, whose comments say how the kfunc behaves there.
    by_behaviour: bool = False


class Snippets:
    """Makes the snippets of the kfuncs of *record*."""

    def __init__(self, record: KernelRecord) -> None:
        self._record = record
        self._flags = record.snapshot.catalog.flags

    def of(self, name: str) -> Optional[Snippet]:
        """Return the snippet for the kfunc *name*.

        None if callers need not heed anything that happened to it, or one call is right on every kernel.
        """
        view = self._record.views.view(name)
        # A kfunc that was added and removed in the same release is on no kernel.
        if view is None or not self._releases([view.name]):
            return None
        if view.removed or view.deprecated:
            return self._of_names(view)
        if not view.breaking_events and not view.lifecycle.avoid_before:
            return None
        return (self._of_names(view) if view.superseded else None) or self._of_changes(view)

    # -- a kfunc that goes: what replaces it, itself, and what it replaced

    def _of_names(self, view: KfuncView) -> Optional[Snippet]:
        newer, own = self._newer(view.name), (view.name, *self._record.views.replacements.replaced_by(view.name))
        kernels = self._kernels(own, (*newer, *own))
        chosen = choose(self._record, kernels, (*newer, *own))
        stays = view.plan is not None and view.plan.becomes is not None
        if (view.removed or stays) and not chosen.has(view.name):
            # All kernels have the replacement, but on older ones it may not have done what it does today.
            chosen = choose(self._record, kernels, (*own, *newer))
        if not chosen.calls or (chosen.is_one and not (view.deprecated and chosen.has(view.name))):
            return None
        choices = tuple(self._with_announced(self._choices(chosen, kernels, self._cases((view.name, *newer)))))
        missing_on = self._missing_on(view, chosen, kernels)
        if len(choices) == 1 and not missing_on:
            missing_on = f"kernels without it{after_kernels(view.replacement)}"
        return Snippet(guard(choices[0].variant.kfunc, choices, missing_on), in_words(kernels, kernels))

    def _newer(self, name: str) -> tuple[str, ...]:
        """Return what replaces the kfunc *name*, what replaces that, and so on; the newest first."""
        names = [name]
        for following in names:  # the loop also visits the names that it appends
            view = self._record.views.view(following)
            # Of several, the one that most kernels have is preferred.
            others = sorted(view.replacement.named if view else (), key=lambda name: -len(self._releases([name])))
            names += [other for other in reversed(list(dict.fromkeys(others))) if other not in names]
        return tuple(reversed(names[1:]))

    def _cases(self, names: Iterable[str]) -> Mapping[str, str]:
        """Return the case of each kfunc that replaces one of *names* in that case only, by name."""
        views = filter(None, map(self._record.views.view, names))
        others = (other for view in views for other in view.replacement.said)
        return {other.name: as_words(other.case.text) for other in others if other.name and other.case}

    def _choices(
        self, chosen: ChosenCalls, kernels: Sequence[Kernel], cases: Mapping[str, str]
    ) -> Iterator[GuardedCall]:
        for call in chosen.calls:
            words, case = in_words(call.kernels, kernels), cases.get(call.variant.kfunc)
            yield GuardedCall(call.variant, f"{words}: {case}" if case else words, call.not_before)

    def _with_announced(self, choices: Iterable[GuardedCall]) -> Iterator[GuardedCall]:
        """Yield *choices*; ahead of the first call of a kfunc that is to have another prototype, one with that."""
        called: set[str] = set()
        for choice in choices:
            name = choice.variant.kfunc
            announced = None if name in called else self._announced(name)
            called.add(name)
            yield from (announced, choice) if announced else (choice,)

    def _announced(self, name: str) -> Optional[GuardedCall]:
        newest = self._record.snapshot.lifecycle(name)
        plan = newest.plan if newest is not None and newest.stability is Stability.DEPRECATED else None
        if (
            newest is None
            or plan is None
            or not plan.becomes
            or is_same_to_libbpf(plan.becomes, newest.facts.prototype)
        ):
            return None
        announcement = plan.governing
        when = f" for {announcement.said}" if announcement.release else ", without a release"
        when += f", which is {announcement.release}" if announcement.renumbered else ""
        following = self._record.snapshot.calendar.releases[newest.release.position + 1]
        return GuardedCall(AnnouncedVariant(name, plan.becomes, following), f"as announced{when}")

    def _missing_on(self, view: KfuncView, chosen: ChosenCalls, kernels: Sequence[Kernel]) -> str:
        """Return the kernels with nothing to call, and why, or what to do there; empty if there are none."""
        if not chosen.kernels_without:
            return ""
        words = in_words(chosen.kernels_without, kernels)
        having = self._releases([view.name])
        if any(kernel.release in having for kernel in chosen.kernels_without):
            return f"{words}: {view.name}() is not to be called before {view.lifecycle.avoid_before}"
        return words + after_kernels(view.replacement)

    # -- a kfunc that stays, and was changed

    def _of_changes(self, view: KfuncView) -> Optional[Snippet]:
        # On kernels between two stretches of it, what it replaced may be there.
        fillers = self._record.views.replacements.replaced_by(view.name) if len(view.in_kernel) > 1 else ()
        names = (view.name, *fillers)
        kernels = self._kernels([view.name], names)
        chosen = choose(self._record, kernels, names)
        changes = behaviours(view, self._flags)
        choices = [choice for call in chosen.calls for choice in self._by_release(view, call, changes, kernels)]
        if not choices or (chosen.is_one and len(choices) == 1):
            return None
        code = guard(view.name, choices, self._missing_on(view, chosen, kernels))
        return Snippet(code, in_words(kernels, kernels), len(choices) > len(chosen.calls))

    def _by_release(
        self, view: KfuncView, call: ChosenCall, changes: Mapping[Release, Behaviour], kernels: Sequence[Kernel]
    ) -> Iterator[GuardedCall]:
        """Yield *call* for each stretch of its kernels on which the kfunc behaves the same, the newest first."""
        stretches: list[list[Kernel]] = []
        for kernel in call.kernels:
            if not stretches or (kernel.release in changes and call.variant.kfunc == view.name):
                stretches.append([])
            stretches[-1].append(kernel)
        for number, stretch in reversed(list(enumerate(stretches))):
            words = in_words(stretch, kernels)
            if call.variant.kfunc == view.name:
                words += self._behaviour_on(stretch, changes, number + 1 < len(stretches))
            yield GuardedCall(call.variant, words, stretch[0].release if number else call.not_before)

    def _behaviour_on(self, stretch: Sequence[Kernel], changes: Mapping[Release, Behaviour], has_later: bool) -> str:
        """Return how the kfunc behaves on a *stretch* of kernels; *has_later* says if the call has a later stretch."""
        first, last = stretch[0].release, stretch[-1].release
        assert first is not None
        assert last is not None
        since = f": {changes[first].since}" if first in changes else ""
        following = changes.get(self._record.snapshot.calendar.releases[last.position + 1])
        before = following.before if following else ""
        if since:
            return f"{since} Up to {last}: {before}" if before else since
        if before:
            return f", before that change: {before}"
        return ", before that change" if has_later else ""

    # -- kernels

    def _kernels(self, names: Iterable[str], known: Iterable[str]) -> tuple[Kernel, ...]:
        """Return the kernels from the first that has any of *names* to the last that all records of *known* reach."""
        files = [declared[0] for declared in map(self._record.snapshot.find, known) if declared]
        first, last = self._releases(names)[0], min(map(self._record.snapshot.release_of, files))
        return tuple(map(self._record.kernel, self._record.snapshot.calendar.between(first, last)))

    def _releases(self, names: Iterable[str]) -> tuple[Release, ...]:
        """Return the releases that have any of the kfuncs *names*."""
        known = filter(None, map(self._record.snapshot.lifecycle, names))
        stretches = [stretch for newest in known for stretch in newest.state.stretches]
        return tuple(
            release
            for release in self._record.snapshot.releases
            if any(stretch.holds(release) for stretch in stretches)
        )
