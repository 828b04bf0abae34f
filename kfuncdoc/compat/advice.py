# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Advice for audits and headers: what to call instead of a kfunc, on which kernels, and the guard to write.

::

    KernelRecord, kernels --Adviser.about--> Advice, with the C code of a guard where one is needed
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Iterable, Optional, Sequence

from kfuncdoc.compat.choices import of_use
from kfuncdoc.compat.kernels import Kernel, KernelRecord, in_words
from kfuncdoc.compat.snippets import Snippets
from kfuncdoc.record.variants import SINGLE_PROTOTYPE_FLAVOUR, is_plain
from kfuncdoc.views.replacement import (
    Replacement,
    Replacements,
    advice,
    call_earlier,
    nothing_to_call,
    presence_in_words,
    to_call,
)


@dataclass(frozen=True)
class Advice:
    """What to do about a kfunc that some kernels asked for do not have, or that is to be removed."""

    #: One sentence, without the guard.
    words: str
    #: The kernels asked for.
    kernels: tuple[Kernel, ...] = ()
    #: The kfuncs to call instead, each with whether it is on each of the kernels.
    instead: tuple[Replacement, ...] = ()
    #: The kernels asked for that lack the most widespread replacement; empty if one is on all of them.
    missing_on: tuple[Kernel, ...] = ()
    #: C code that calls what each kernel has; None where no guard is needed, or none helps.
    guard: Optional[str] = None

    def lacking(self, replacement: Replacement) -> tuple[Kernel, ...]:
        """Return the kernels asked for that do not have *replacement*, or may not."""
        return tuple(kernel for kernel, present in zip(self.kernels, replacement.present_on) if not present)


class Adviser:
    """Gives advice for *kernels*, from one *record*; advice on a kfunc is worked out once.

    Without *flavours*, it is for loaders that look for the whole name of an extern.  *are_all* says whether *kernels*
    are all kernels of the audit.
    """

    def __init__(
        self, record: KernelRecord, kernels: Sequence[Kernel], *, flavours: bool = True, are_all: bool = True
    ) -> None:
        self._record = record
        self._flavours = flavours
        self._are_all = are_all
        self._kernels = tuple(kernels)
        self._snippets = Snippets(record)
        self._advice: dict[tuple[str, tuple[Kernel, ...]], Optional[Advice]] = {}
        self._guards: dict[str, Optional[str]] = {}

    def about(self, name: str, older_kernels: tuple[Kernel, ...] = ()) -> Optional[Advice]:
        """Return what to call instead of the kfunc *name*; None where the record names nothing.

        If *older_kernels* are given, which do not have it yet, the advice is to call what it replaced there.
        """
        if (name, older_kernels) not in self._advice:
            self._advice[name, older_kernels] = (
                self._advice_before(name, older_kernels) if older_kernels else self._advice_after(name)
            )
        return self._advice[name, older_kernels]

    def _advice_before(self, name: str, kernels: tuple[Kernel, ...]) -> Optional[Advice]:
        code = self._guard_for(name)
        for earlier in self._of_use(self._record.views.replacements.replaced_by(name), name):
            having = [kernel for kernel in kernels if kernel not in self._lacking(earlier)]
            if having:
                return Advice(call_earlier(earlier, in_words(having, self._kernels)), guard=code)
        return Advice("guard the call", guard=code) if code else None

    def _advice_after(self, name: str) -> Optional[Advice]:
        view = self._record.views.view(name)
        if view is None:
            return None
        replacements = view.replacement
        kfuncs = {str(kfunc.name): kfunc for kfunc in _kfuncs(replacements)}
        instead = tuple(self._with_presence(kfuncs[kfunc]) for kfunc in self._of_use(kfuncs, name))
        others = [replacement for replacement in replacements.said if replacement.name is None]
        missing_on = min(map(self._missing_on, instead), key=len, default=())
        code = self._guard_for(name) if missing_on or not instead else None
        words = advice([*map(self._advice_to_call, instead), *(to_call(other, "", "") for other in others)])
        if not words and replacements.no_replacement:
            words = nothing_to_call(replacements.no_replacement)
        if not words and code:
            has_variants = len(self._record.snapshot.variants(name)) > 1
            words = "declare each prototype, and guard the call" if has_variants else "guard the call"
        return Advice(words, self._kernels, instead, missing_on, code) if words else None

    def _with_presence(self, replacement: Replacement) -> Replacement:
        """Return *replacement*, a kfunc, with whether each of the kernels has it."""
        name = str(replacement.name)
        return dataclasses.replace(replacement, present_on=tuple(self._has(name, kernel) for kernel in self._kernels))

    def _missing_on(self, replacement: Replacement) -> tuple[Kernel, ...]:
        return tuple(kernel for kernel, present in zip(self._kernels, replacement.present_on) if not present)

    def _guard_for(self, name: str) -> Optional[str]:
        """Return the code that calls, on each kernel, what replaces the kfunc *name*, itself, or what it replaced."""
        if name not in self._guards:
            snippet = self._snippets.on(name, self._kernels, flavours=self._flavours)
            self._guards[name] = snippet.code if snippet else None
        return self._guards[name]

    def _advice_to_call(self, replacement: Replacement) -> str:
        """Return the advice to call *replacement*, and which of the kernels have it."""
        name, missing_on = str(replacement.name), self._missing_on(replacement)
        kernels = presence_in_words(
            in_words(missing_on, self._kernels) if missing_on else "",
            is_on_none=missing_on == self._kernels,
            # If it is true on all kernels here, the advice does not have to name them.
            is_one_kernel=len(self._kernels) == 1 or (not self._are_all and not missing_on),
        )
        view = self._record.views.view(name)
        wrapper = view.wrapper if view else None
        is_found = is_plain(name) or not self._flavours
        return to_call(replacement, "" if is_found else f"{name}{SINGLE_PROTOTYPE_FLAVOUR}", kernels, wrapper)

    def _has(self, name: str, kernel: Kernel) -> bool:
        return self._record.look(name, kernel).is_callable

    def _of_use(self, others: Iterable[str], name: str) -> list[str]:
        return of_use(self._record, self._kernels, others, name)

    def _lacking(self, name: str) -> tuple[Kernel, ...]:
        return tuple(kernel for kernel in self._kernels if not self._has(name, kernel))


def _kfuncs(replacements: Replacements) -> tuple[Replacement, ...]:
    """Return the kfuncs among the alternatives, each name once."""
    alternatives = reversed(replacements.alternatives)
    by_name = {replacement.name: replacement for replacement in alternatives if replacement.name}
    return tuple(by_name[name] for name in replacements.kfuncs)
