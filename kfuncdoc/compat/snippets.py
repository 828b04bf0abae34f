# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The code that calls a kfunc, or its replacement, on kernels from before and after a change.

::

    KernelRecord, kernels --Snippets--> ChosenCalls, in words for each kernel --guard--> a Snippet

Pages and audits print this code.  For a kfunc that is deprecated or removed, it calls the replacement on kernels that
have that, the kfunc itself on others, and on older ones what the kfunc replaced.  For a kfunc whose prototype changed,
it has a call for each prototype, which libbpf tells apart.  If one call is right on every kernel, there is no code:
the snippet of a page then names the releases in which the behaviour changed.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Callable, Iterable, Iterator, Mapping, Optional, Sequence

from kfuncdoc.base.prose import as_words
from kfuncdoc.compat.choices import ChosenCall, ChosenCalls, choose, of_use
from kfuncdoc.compat.guards import GuardedCall, guard
from kfuncdoc.compat.kernels import Kernel, KernelRecord, in_words
from kfuncdoc.kernels.releases import Release
from kfuncdoc.record.model import Wrapper
from kfuncdoc.record.stability import Stability
from kfuncdoc.record.variants import AnnouncedVariant, PlainVariant, Variant, is_same_to_libbpf
from kfuncdoc.views.behaviour import behaviour_by_release
from kfuncdoc.views.kfunc import KfuncView
from kfuncdoc.views.replacement import after_kernels


@dataclass(frozen=True)
class Snippet:
    """How to call a kfunc on *kernels*, which are in words: C code of one function, empty if one call is right."""

    kernels: str
    code: str = ""
    #: The releases in which the kfunc began to do, or to ask for, something else, while the call stayed the same.
    changed_in: tuple[Release, ...] = ()
    #: The function or macro of a header that does the same as the code.
    wrapper: Optional[Wrapper] = None


class Snippets:
    """Makes the snippets of the kfuncs of *record*."""

    def __init__(self, record: KernelRecord) -> None:
        self._record = record
        self._flags = record.snapshot.catalog.flags

    def of(self, name: str) -> Optional[Snippet]:
        """Return the snippet for the page of the kfunc *name*: for all kernels with it, or with what it replaced.

        None if callers need not heed anything that happened to it.
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

    def on(self, name: str, kernels: Sequence[Kernel], *, flavours: bool = True) -> Optional[Snippet]:
        """Return the snippet that calls, on each of *kernels*, what replaces a kfunc, itself, or what it replaced.

        None if one call is right on all of them, the record does not know the kfunc *name*, or the code needs flavours
        and the loader knows none (*flavours*).
        """
        view = self._record.views.view(name)
        if view is None:
            return None
        newer = self._newer(name, lambda kfunc: sum(self._is_on(kfunc, kernel) for kernel in kernels))
        newer = tuple(of_use(self._record, kernels, newer, name))
        earlier = of_use(self._record, kernels, self._record.views.replacements.replaced_by(name), name)
        chosen = choose(self._record, kernels, (*newer, name, *earlier))
        if not chosen.calls or chosen.is_one:
            return None
        if flavours:
            return self._snippet(view, chosen, kernels, newer)
        if not all(call.variant.is_only for call in chosen.calls):
            return None
        plain = [dataclasses.replace(call, variant=_plain(call.variant)) for call in chosen.calls]
        return self._snippet(view, ChosenCalls(tuple(plain), chosen.kernels_without), kernels, newer)

    # -- a kfunc that goes: what replaces it, itself, and what it replaced

    def _of_names(self, view: KfuncView) -> Optional[Snippet]:
        newer = self._newer(view.name, lambda kfunc: len(self._releases([kfunc])))
        own = (view.name, *self._record.views.replacements.replaced_by(view.name))
        kernels = self._kernels(own, (*newer, *own))
        chosen = choose(self._record, kernels, (*newer, *own))
        stays = view.plan is not None and view.plan.becomes is not None
        if (view.removed or stays) and not chosen.has(view.name):
            # All kernels have the replacement, but on older ones it may not have done what it does today.
            chosen = choose(self._record, kernels, (*own, *newer))
        if not chosen.calls or (chosen.is_one and not (view.deprecated and chosen.has(view.name))):
            return None
        return self._snippet(view, chosen, kernels, newer)

    def _newer(self, name: str, count_kernels: Callable[[str], int]) -> tuple[str, ...]:
        """Return what replaces the kfunc *name*, what replaces that, and so on; the newest first.

        *count_kernels* returns the number of kernels with a kfunc: of several, the one that most have comes first.
        """
        names = [name]
        for following in names:  # the loop also visits the names that it appends
            view = self._record.views.view(following)
            others = sorted(view.replacement.named if view else (), key=lambda kfunc: -count_kernels(kfunc))
            names += [other for other in reversed(list(dict.fromkeys(others))) if other not in names]
        return tuple(reversed(names[1:]))

    def _cases(self, names: Iterable[str]) -> Mapping[str, str]:
        """Return the case of each kfunc that replaces one of *names* in that case only, by name."""
        views = filter(None, map(self._record.views.view, names))
        others = (other for view in views for other in view.replacement.said)
        return {other.name: as_words(other.case.text) for other in others if other.name and other.case}

    # -- a kfunc that stays, and was changed

    def _of_changes(self, view: KfuncView) -> Optional[Snippet]:
        # On kernels between two stretches of it, what it replaced may be there.
        fillers = self._record.views.replacements.replaced_by(view.name) if len(view.in_kernel) > 1 else ()
        names = (view.name, *fillers)
        kernels = self._kernels([view.name], names)
        chosen = choose(self._record, kernels, names)
        if not chosen.is_one:
            return self._snippet(view, chosen, kernels, ())
        changed_in = self._changed_in(view, chosen)
        return Snippet(in_words(kernels, kernels), changed_in=changed_in) if changed_in else None

    def _changed_in(self, view: KfuncView, chosen: ChosenCalls) -> tuple[Release, ...]:
        """Return the releases of changes that callers notice, in the middle of the kernels of one call of *chosen*."""
        changes = behaviour_by_release(view, self._flags)
        later = {kernel.release for call in chosen.calls for kernel in call.kernels[1:] if _calls(call, view)}
        return tuple(release for release in changes if release in later)

    # -- the code

    def _snippet(
        self, view: KfuncView, chosen: ChosenCalls, kernels: Sequence[Kernel], newer: Sequence[str]
    ) -> Snippet:
        """Return the snippet that makes the calls of *chosen*; *newer* are the kfuncs that replace that of *view*."""
        choices = tuple(self._with_announced(self._choices(view, chosen, kernels, newer)))
        missing_on = self._missing_on(view, chosen, kernels)
        if len(choices) == 1 and not missing_on:
            missing_on = f"kernels without it{after_kernels(view.replacement)}"
        best = choices[0].variant.kfunc
        called = self._record.views.view(best)
        return Snippet(
            in_words(kernels, kernels),
            guard(best, choices, missing_on),
            self._changed_in(view, chosen),
            called.wrapper if called else None,
        )

    def _choices(
        self, view: KfuncView, chosen: ChosenCalls, kernels: Sequence[Kernel], newer: Sequence[str]
    ) -> Iterator[GuardedCall]:
        """Yield each call of *chosen*, with its kernels, its case, and what it does there since a change."""
        cases = self._cases((view.name, *newer))
        changes = behaviour_by_release(view, self._flags)
        for call in chosen.calls:
            first = call.kernels[0].release
            words = [in_words(call.kernels, kernels), cases.get(call.variant.kfunc, "")]
            words += [changes.get(first, "")] if first is not None and _calls(call, view) else []
            yield GuardedCall(call.variant, ": ".join(filter(None, words)), call.not_before)

    def _with_announced(self, choices: Iterable[GuardedCall]) -> Iterator[GuardedCall]:
        """Yield *choices*; ahead of the first call of a kfunc that is to have another prototype, one with that."""
        called: set[str] = set()
        for choice in choices:
            name = choice.variant.kfunc
            is_plain = isinstance(choice.variant, PlainVariant)
            announced = None if name in called or is_plain else self._announced(name)
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
        if view.lifecycle.avoid_before and any(kernel.release in having for kernel in chosen.kernels_without):
            return f"{words}: {view.name}() is not to be called before {view.lifecycle.avoid_before}"
        return words + after_kernels(view.replacement)

    # -- kernels

    def _kernels(self, names: Iterable[str], known: Iterable[str]) -> tuple[Kernel, ...]:
        """Return the kernels from the first that has any of *names* to the last that all records of *known* reach."""
        files = [declared[0] for declared in map(self._record.snapshot.find, known) if declared]
        first, last = self._releases(names)[0], min(map(self._record.snapshot.release_of, files))
        return tuple(map(self._record.kernel, self._record.snapshot.calendar.between(first, last)))

    def _is_on(self, name: str, kernel: Kernel) -> bool:
        return self._record.look(name, kernel).is_callable

    def _releases(self, names: Iterable[str]) -> tuple[Release, ...]:
        """Return the releases that have any of the kfuncs *names*."""
        known = filter(None, map(self._record.snapshot.lifecycle, names))
        stretches = [stretch for newest in known for stretch in newest.state.stretches]
        return tuple(
            release
            for release in self._record.snapshot.releases
            if any(stretch.holds(release) for stretch in stretches)
        )


def _calls(call: ChosenCall, view: KfuncView) -> bool:
    return call.variant.kfunc == view.name


def _plain(variant: Variant) -> Variant:
    """Return *variant* under the own name of the kfunc."""
    return PlainVariant(variant.kfunc, variant.prototype, variant.since, variant.until, variant.is_only)
