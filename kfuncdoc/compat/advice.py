# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What to call instead of a kfunc, whether the kernels asked for have it, and the guard to write if not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Sequence

from kfuncdoc.base.prose import as_words
from kfuncdoc.compat.choices import choose
from kfuncdoc.compat.guards import Choice, guard
from kfuncdoc.compat.kernels import Kernel, Presence, Record, in_words
from kfuncdoc.record.lifecycle import Stability
from kfuncdoc.record.variants import ONLY, is_plain
from kfuncdoc.views.words import replacement_in_words


@dataclass(frozen=True)
class Instead:
    """A kfunc to call instead, and the kernels asked for that do not have it."""

    name: str
    missing_on: tuple[Kernel, ...]
    when: str = ""


@dataclass(frozen=True)
class Advice:
    """What to do about a kfunc that is not on all kernels asked for, or will not be."""

    #: One sentence, without the guard.
    words: str
    instead: tuple[Instead, ...] = ()
    #: The kernels asked for that lack the replacement that most of them have; empty where one is on all.
    missing_on: tuple[Kernel, ...] = ()
    #: C code that calls what each kernel has; None where no guard is needed, or none helps.
    guard: Optional[str] = None


class Adviser:
    """Gives advice for *kernels*, from one record."""

    def __init__(self, record: Record, kernels: Sequence[Kernel]) -> None:
        self._record = record
        self._kernels = tuple(kernels)
        self._given: dict[tuple[str, tuple[Kernel, ...]], Optional[Advice]] = {}
        self._guards: dict[str, Optional[str]] = {}

    def about(self, name: str, to_come: tuple[Kernel, ...] = ()) -> Optional[Advice]:
        """Return what to call instead of the kfunc *name*; None where the record has nothing to say.

        On the kernels *to_come*, which do not have it yet, what was before it is the answer.
        """
        if (name, to_come) not in self._given:
            self._given[name, to_come] = self._before(name, to_come) if to_come else self._after(name)
        return self._given[name, to_come]

    def _before(self, name: str, kernels: tuple[Kernel, ...]) -> Optional[Advice]:
        code = self._guard_for(name)
        for earlier in self._record.replaced_by(name):
            on = [kernel for kernel in kernels if kernel not in self._lacking(earlier)]
            if on:
                return Advice(f"call {earlier} on {in_words(on, self._kernels)}", guard=code)
        return Advice("guard the call", guard=code) if code else None

    def _after(self, name: str) -> Optional[Advice]:
        view = self._record.pages.view(name)
        if view is None:
            return None
        said = view.replacement
        when = {each.name: as_words(each.when.text) for each in said.replacement if each.when}
        instead = tuple(Instead(other, self._lacking(other), when.get(other, "")) for other in self._instead(name))
        others = tuple(replacement_in_words(each) for each in said.replacement if each.other)
        missing_on = min((each.missing_on for each in instead), key=len, default=())
        code = self._guard_for(name) if missing_on or not instead else None
        words = "; ".join([*map(self._call, instead), *(f"use {other}" for other in others)])
        if not words and said.no_replacement:
            words = f"nothing replaces it: {as_words(said.no_replacement.text)}"
        if not words and code:
            words = (
                "guard the call"
                if len(self._record.variants(name)) < 2
                else "declare each prototype, and guard the call"
            )
        return Advice(words, instead, missing_on, code) if words else None

    def _instead(self, name: str) -> tuple[str, ...]:
        view = self._record.pages.view(name)
        if view is None:
            return ()
        said = view.replacement
        return tuple(dict.fromkeys([*said.names, *([said.now] if said.now else [])]))

    def _guard_for(self, name: str) -> Optional[str]:
        """Return the guard that calls what each kernel has of *name*, what replaces it, and what it replaced."""
        if name not in self._guards:
            best_first = sorted(self._instead(name), key=lambda each: len(self._lacking(each)))
            self._guards[name] = self._guard([*best_first, name, *self._record.replaced_by(name)])
        return self._guards[name]

    def _call(self, instead: Instead) -> str:
        details = [instead.when] if instead.when else []
        if not is_plain(instead.name):
            details.append(f"declared as {instead.name}{ONLY}")
        newest = self._record.newest(instead.name)
        if newest is not None and newest.stability is Stability.DEPRECATED:
            details.append("itself deprecated")
        if instead.missing_on == self._kernels:
            details.append("on none of these kernels" if len(self._kernels) > 1 else "not on this kernel")
        elif instead.missing_on:
            details.append(f"not on {in_words(instead.missing_on, self._kernels)}")
        elif len(self._kernels) > 1:
            details.append("on every kernel asked for")
        return f"call {instead.name}" + (f" ({'; '.join(details)})" if details else "")

    def _lacking(self, name: str) -> tuple[Kernel, ...]:
        return tuple(
            kernel for kernel in self._kernels if self._record.look(name, kernel).presence is not Presence.PRESENT
        )

    # -- the guard

    def _guard(self, names: Sequence[str]) -> Optional[str]:
        """Return code that calls the first of the kfuncs *names* that each kernel has.

        None where one of them, with one prototype, will do.
        """
        chosen = choose(self._record, self._kernels, names)
        if not chosen.calls or chosen.is_one:
            return None
        choices = [
            Choice(each.variant, in_words(each.kernels, self._kernels), each.not_before) for each in chosen.calls
        ]
        return guard(names[0], choices, in_words(chosen.left, self._kernels) if chosen.left else "")
