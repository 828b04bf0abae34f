# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The code that calls a kfunc on kernels from before and after what happened to it.

::

    Catalog, release, date --KernelRecord--> which call is right on which kernels --guard--> C, for the page

A kfunc that goes, or is to go, has what replaces it called where that is there, itself elsewhere, and before it what
it replaced.  One that stays and was changed is called in each form that it had: libbpf tells prototypes apart, and
where only the behaviour changed, the release of the kernel does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable, Iterator, Mapping, Optional, Sequence

from kfuncdoc.base.prose import as_words
from kfuncdoc.compat.choices import Called, Chosen, choose
from kfuncdoc.compat.guards import Choice, guard
from kfuncdoc.compat.kernels import Kernel, KernelRecord, in_words
from kfuncdoc.kernels.releases import Release
from kfuncdoc.record.lifecycle import Stability
from kfuncdoc.record.variants import AnnouncedVariant, is_same_to_libbpf
from kfuncdoc.views.behaviour import Behaviour, behaviours
from kfuncdoc.views.kfunc import KfuncView
from kfuncdoc.views.replacement import after_kernels


@dataclass(frozen=True)
class Snippet:
    """C code of one function, and the kernels that it is for, in words."""

    code: str
    kernels: str
    #: Whether it has the same call for several releases, and what is said of each makes the difference.
    by_behaviour: bool = False


class Snippets:
    """Makes the snippets of the kfuncs of *record*; of what came later they say nothing."""

    def __init__(self, record: KernelRecord) -> None:
        self._record = record
        self._flags = record.snapshot.catalog.flags

    def of(self, name: str) -> Optional[Snippet]:
        """Return the snippet for the kfunc *name*.

        None where nothing happened to it that a caller has to heed, or where one call is right on every kernel.
        """
        view = self._record.views.view(name)
        # One that came and went in the same release was on no kernel, and has none to be called on.
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
            # What replaces it was there all the time, and may not have done then what it does since.
            chosen = choose(self._record, kernels, (*own, *newer))
        if not chosen.calls or (chosen.is_one and not (view.deprecated and chosen.has(view.name))):
            return None
        choices = tuple(self._with_announced(self._choices(chosen, kernels, self._cases((view.name, *newer)))))
        missing_on = self._missing_on(view, chosen, kernels)
        if len(choices) == 1 and not missing_on:
            missing_on = f"kernels without it{after_kernels(view.replacement)}"
        return Snippet(guard(choices[0].variant.kfunc, choices, missing_on), in_words(kernels, kernels))

    def _newer(self, name: str) -> tuple[str, ...]:
        """Return what replaces the kfunc *name*, and what replaces that: the newest first."""
        found = [name]
        for each in found:
            view = self._record.views.view(each)
            # Of several, the one that most kernels have.
            others = sorted(view.replacement.named if view else (), key=lambda name: -len(self._releases([name])))
            found += [other for other in reversed(list(dict.fromkeys(others))) if other not in found]
        return tuple(reversed(found[1:]))

    def _cases(self, names: Iterable[str]) -> Mapping[str, str]:
        """Return, of the kfuncs that replace one of *names* in some case only, which case that is."""
        views = filter(None, map(self._record.views.view, names))
        others = (other for view in views for other in view.replacement.said)
        return {other.name: as_words(other.case.text) for other in others if other.name and other.case}

    def _choices(self, chosen: Chosen, kernels: Sequence[Kernel], cases: Mapping[str, str]) -> Iterator[Choice]:
        for call in chosen.calls:
            on, case = in_words(call.kernels, kernels), cases.get(call.variant.kfunc)
            yield Choice(call.variant, f"{on}: {case}" if case else on, call.not_before)

    def _with_announced(self, choices: Iterable[Choice]) -> Iterator[Choice]:
        """Yield *choices*, and ahead of a kfunc that is to have another prototype, that prototype."""
        found: set[str] = set()
        for choice in choices:
            name = choice.variant.kfunc
            announced = None if name in found else self._announced(name)
            found.add(name)
            yield from (announced, choice) if announced else (choice,)

    def _announced(self, name: str) -> Optional[Choice]:
        newest = self._record.snapshot.lifecycle(name)
        plan = newest.plan if newest is not None and newest.stability is Stability.DEPRECATED else None
        if (
            newest is None
            or plan is None
            or not plan.becomes
            or is_same_to_libbpf(plan.becomes, newest.facts.prototype)
        ):
            return None
        said = plan.governing
        when = f" for {said.said}" if said.release else ", without a release"
        when += f", which is {said.release}" if said.renumbered else ""
        following = self._record.snapshot.calendar.releases[newest.release.position + 1]
        return Choice(AnnouncedVariant(name, plan.becomes, following), f"as announced{when}")

    def _missing_on(self, view: KfuncView, chosen: Chosen, kernels: Sequence[Kernel]) -> str:
        """Return where there is nothing to call, and why, or what to do instead."""
        if not chosen.left:
            return ""
        on = in_words(chosen.left, kernels)
        there = self._releases([view.name])
        if any(kernel.release in there for kernel in chosen.left):
            return f"{on}: {view.name}() is not to be called before {view.lifecycle.avoid_before}"
        return on + after_kernels(view.replacement)

    # -- a kfunc that stays, and was changed

    def _of_changes(self, view: KfuncView) -> Optional[Snippet]:
        # Where it was gone for some time, what it replaced may fill the gap.
        fillers = self._record.views.replacements.replaced_by(view.name) if len(view.in_kernel) > 1 else ()
        names = (view.name, *fillers)
        kernels = self._kernels([view.name], names)
        chosen = choose(self._record, kernels, names)
        told = behaviours(view, self._flags)
        choices = [choice for call in chosen.calls for choice in self._by_release(view, call, told, kernels)]
        if not choices or (chosen.is_one and len(choices) == 1):
            return None
        code = guard(view.name, choices, self._missing_on(view, chosen, kernels))
        return Snippet(code, in_words(kernels, kernels), len(choices) > len(chosen.calls))

    def _by_release(
        self, view: KfuncView, call: Called, told: Mapping[Release, Behaviour], kernels: Sequence[Kernel]
    ) -> Iterator[Choice]:
        """Yield *call* for each stretch of its kernels on which the same holds, the newest first."""
        stretches: list[list[Kernel]] = []
        for kernel in call.kernels:
            if not stretches or (kernel.release in told and call.variant.kfunc == view.name):
                stretches.append([])
            stretches[-1].append(kernel)
        for number, stretch in reversed(list(enumerate(stretches))):
            words = in_words(stretch, kernels)
            if call.variant.kfunc == view.name:
                words += self._held(stretch, told, number + 1 < len(stretches))
            yield Choice(call.variant, words, stretch[0].release if number else call.not_before)

    def _held(self, stretch: Sequence[Kernel], told: Mapping[Release, Behaviour], changed: bool) -> str:
        """Return what holds on a *stretch* of kernels; *changed* says whether the call was the same afterwards."""
        first, last = stretch[0].release, stretch[-1].release
        assert first is not None
        assert last is not None
        since = f": {told[first].since}" if first in told else ""
        following = told.get(self._record.snapshot.calendar.releases[last.position + 1])
        before = following.before if following else ""
        if since:
            return f"{since} Up to {last}: {before}" if before else since
        if before:
            return f", before that change: {before}"
        return ", before that change" if changed else ""

    # -- kernels

    def _kernels(self, names: Iterable[str], known: Iterable[str]) -> tuple[Kernel, ...]:
        """Return the kernels from the first that has any of *names* to the last of which all *known* are recorded."""
        files = [found[0] for found in map(self._record.snapshot.find, known) if found]
        first, last = self._releases(names)[0], min(map(self._record.snapshot.release_of, files))
        return tuple(map(self._record.kernel, self._record.snapshot.calendar.between(first, last)))

    def _releases(self, names: Iterable[str]) -> tuple[Release, ...]:
        """Return the releases that have any of the kfuncs *names*."""
        known = filter(None, map(self._record.snapshot.lifecycle, names))
        stretches = [stretch for newest in known for stretch in newest.state.stretches]
        return tuple(
            each for each in self._record.snapshot.releases if any(stretch.holds(each) for stretch in stretches)
        )
