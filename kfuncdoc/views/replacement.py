# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What to call instead of a kfunc: read from the record once, and put into words here for every form of text.

::

    Snapshot, kfunc --ReplacementFinder--> Replacements --on_page, between, ...--> words in rst, text, Markdown, C

The statement that counts is that of the removal, else of the deprecation that was open, else of the event that names a
successor.  Where the kfunc that it names was removed in turn, the chain of replacements leads on to another one: texts
give the end of the chain first.
"""

from __future__ import annotations

import dataclasses
import posixpath
from dataclasses import dataclass
from functools import cached_property
from typing import Callable, Iterable, Mapping, Optional, Sequence, Union

from kfuncdoc.base.prose import as_words
from kfuncdoc.record import model
from kfuncdoc.record.catalog import Declaration
from kfuncdoc.record.declared_prose import Prose
from kfuncdoc.record.lifecycle import Lifecycle, Plan
from kfuncdoc.record.snapshot import Snapshot
from kfuncdoc.record.stability import Stability

#: What names a replacement: an event, or the plan into which deprecations were folded.
Statement = Union[model.Event, Plan]


@dataclass(frozen=True)
class Replacement:
    """One thing to call or to use instead of a kfunc: a kfunc with a *name*, or something *other*, in words."""

    name: Optional[str] = None
    other: Optional[Prose] = None
    #: The case that it is for; None if it is for every case.
    case: Optional[Prose] = None
    #: Whether it is the same function under a new name.
    is_renamed: bool = False
    #: Whether it is itself deprecated, at the release of the snapshot.
    is_deprecated: bool = False
    #: Whether the kernels or releases in question have the kfunc, in their order; None where the record does not say.
    present_on: tuple[Optional[bool], ...] = ()

    @property
    def words(self) -> str:
        """The name or the words, with the case that it is for, without markup."""
        words = self.name or (as_words(self.other.text) if self.other else "")
        return f"{words.rstrip('.')} ({as_words(self.case.text)})" if self.case else words

    @property
    def words_after_name(self) -> str:
        """The words without the name: of a kfunc the case that it is for, of anything else all words."""
        return self.words[len(self.name or "") :]


@dataclass(frozen=True)
class Replacements:
    """What a statement of the kernel says about replacing a kfunc, and where that leads today."""

    #: What the statement names, in its order.
    said: tuple[Replacement, ...] = ()
    #: The reason why nothing replaces the kfunc, where the statement says that.
    no_replacement: Optional[Prose] = None
    #: The kfunc at the end of the chain, where the one that was named is removed and another one replaces it.
    chain_end: Optional[Replacement] = None
    #: Whether the only kfunc that the statement names is removed too, and nothing is known to call instead today.
    is_removed: bool = False

    @property
    def named(self) -> tuple[str, ...]:
        """The names of the kfuncs that the statement names, in order."""
        return tuple(replacement.name for replacement in self.said if replacement.name)

    @property
    def alternatives(self) -> tuple[Replacement, ...]:
        """Everything that can be called instead, the end of the chain first."""
        return (self.chain_end, *self.said) if self.chain_end else self.said

    @property
    def kfuncs(self) -> tuple[str, ...]:
        """The names of the kfuncs among the alternatives, without repetition."""
        return tuple(dict.fromkeys(replacement.name for replacement in self.alternatives if replacement.name))

    def __bool__(self) -> bool:
        """Whether the statement says anything about replacing the kfunc."""
        return bool(self.said or self.no_replacement)


class ReplacementFinder:
    """Finds what replaces each kfunc of a *snapshot*, and what each kfunc replaces."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._current: dict[str, Replacements] = {}

    # -- what replaces a kfunc

    def of(self, name: str) -> Replacements:
        """Return what to call instead of the kfunc *name* today; empty where it has no usable declaration."""
        if name not in self._current:
            declared, lifecycle = self._snapshot.find(name), self._snapshot.lifecycle(name)
            statement = _current_statement(lifecycle) if lifecycle else None
            self._current[name] = self.stated_by(declared[1], *statement) if declared and statement else Replacements()
        return self._current[name]

    def stated_by(self, declaration: Declaration, statement: Statement, index: int) -> Replacements:
        """Return what *statement* names; *index* is that of the event in the history that its replacement is from."""
        said = tuple(self._named_in(declaration, statement, index))
        reason: Optional[str] = getattr(statement, "no_replacement", None)
        replacements = Replacements(said, _prose(declaration, reason, index, "no_replacement"))
        if len(said) != 1 or not said[0].name:
            return replacements
        end = self._end_of_chain(said[0].name)
        lifecycle = self._snapshot.lifecycle(end)
        if lifecycle is not None and lifecycle.stability is Stability.REMOVED:
            return dataclasses.replace(replacements, is_removed=True)
        if lifecycle is None or end == said[0].name:
            return replacements
        return dataclasses.replace(replacements, chain_end=Replacement(end, is_deprecated=_is_deprecated(lifecycle)))

    def _named_in(self, declaration: Declaration, statement: Statement, index: int) -> Iterable[Replacement]:
        renamed_to: Optional[str] = getattr(statement, "renamed_to", None)
        if renamed_to:
            yield Replacement(renamed_to, is_renamed=True, is_deprecated=self._is_deprecated(renamed_to))
        replacements: Sequence[model.DeclaredReplacement] = getattr(statement, "replacement", None) or ()
        for number, declared in enumerate(replacements):
            yield Replacement(
                declared.name,
                _prose(declaration, declared.other, index, "replacement", number, "other"),
                _prose(declaration, declared.when, index, "replacement", number, "when"),
                is_deprecated=declared.name is not None and self._is_deprecated(declared.name),
            )

    def _is_deprecated(self, name: str) -> bool:
        return _is_deprecated(self._snapshot.lifecycle(name))

    def _end_of_chain(self, name: str) -> str:
        """Follow removed kfuncs from *name* to what replaces them today; a circle is followed once."""
        chain = [name]
        while True:
            lifecycle = self._snapshot.lifecycle(chain[-1])
            if lifecycle is None or lifecycle.stability is not Stability.REMOVED:
                return chain[-1]
            onward = _only_kfunc(lifecycle)
            if onward is None or onward in chain:
                return chain[-1]
            chain.append(onward)

    # -- what a kfunc replaces

    def replaced_by(self, name: str) -> tuple[str, ...]:
        """Return the kfuncs that *name* replaces, and those that these replaced, the nearest first."""
        earlier: dict[str, None] = {}
        waiting = list(self._replaced_directly.get(name, ()))
        while waiting:
            other = waiting.pop(0)
            if other not in earlier and other != name:
                earlier[other] = None
                waiting.extend(self._replaced_directly.get(other, ()))
        return tuple(earlier)

    @cached_property
    def _replaced_directly(self) -> Mapping[str, tuple[str, ...]]:
        replaced: dict[str, tuple[str, ...]] = {}
        for _, declaration in self._snapshot.catalog.declarations:
            lifecycle = self._snapshot.lifecycle(declaration.name)
            if lifecycle is not None and lifecycle.stability is not Stability.NOT_YET:
                for other in self.of(declaration.name).named:
                    replaced[other] = (*replaced.get(other, ()), declaration.name)
        return replaced


def _current_statement(lifecycle: Lifecycle) -> Optional[tuple[Statement, int]]:
    """Return the statement that counts today, and the index of the event that its replacement is from."""
    removal = lifecycle.removal
    if removal is not None and (removal.renamed_to or removal.replacement or removal.no_replacement):
        return removal, lifecycle.state.removal or 0
    if lifecycle.plan is not None:
        return lifecycle.plan, lifecycle.plan.origin["replacement"]
    superseded = lifecycle.state.superseded
    if removal is not None:
        superseded = lifecycle.steps[lifecycle.state.removal or 0].before.superseded
    return (lifecycle.steps[superseded].event, superseded) if superseded is not None else None


def statement_before(lifecycle: Lifecycle, index: int) -> Optional[tuple[Statement, int]]:
    """Return the statement that counted just before event *index*: the open deprecation, else a successor."""
    state = lifecycle.steps[index].before
    if state.plan is not None:
        return state.plan, state.plan.origin["replacement"]
    return (lifecycle.steps[state.superseded].event, state.superseded) if state.superseded is not None else None


def _only_kfunc(lifecycle: Lifecycle) -> Optional[str]:
    """Return the name of the kfunc to call instead today; None if the statement names none, or several things."""
    statement = _current_statement(lifecycle)
    if statement is None:
        return None
    renamed_to: Optional[str] = getattr(statement[0], "renamed_to", None)
    others: Sequence[model.DeclaredReplacement] = getattr(statement[0], "replacement", None) or ()
    return renamed_to or (others[0].name if len(others) == 1 else None)


def _is_deprecated(lifecycle: Optional[Lifecycle]) -> bool:
    return lifecycle is not None and lifecycle.stability is Stability.DEPRECATED


def _prose(declaration: Declaration, text: Optional[str], *keys: Union[str, int]) -> Optional[Prose]:
    path = ("kfuncs", declaration.index, "history", *keys)
    return Prose(text, declaration.source, path) if text else None


# -- words


@dataclass(frozen=True)
class Markup:
    """How a form of text writes the *name* of a kfunc, *prose* of declarations, and *words* without markup."""

    name: Callable[[str], str] = str
    prose: Callable[[Prose], str] = lambda prose: as_words(prose.text)
    words: Callable[[str], str] = str


PLAIN = Markup()
_NOTHING = "nothing replaces it"
#: The phrases that the script of the pages uses too; ``{}`` stands for a release.
PHRASES: Mapping[str, str] = {
    "instead": "; instead: ",
    "nothing": f"; {_NOTHING}: ",
    "or": ", or ",
    "deprecated": "itself deprecated",
    "absent": "not in {}",
    "unknown": "not known for {}",
    "both": "in both",
}


def on_page(replacements: Replacements, markup: Markup) -> str:
    """Return what to call instead, for a field or a cell of a page."""
    if replacements.said:
        text = "; ".join(_marked_up(replacement, markup) for replacement in replacements.said)
    elif replacements.no_replacement:
        text = f"nothing: {markup.prose(replacements.no_replacement)}"
    else:
        text = "not said"
    if replacements.chain_end:
        return f"{_marked_up(replacements.chain_end, markup)}; it replaced {text}"
    return f"{text}, removed since" if replacements.is_removed else text


def _marked_up(replacement: Replacement, markup: Markup) -> str:
    if replacement.name:
        text = markup.name(replacement.name)
        text += f", {PHRASES['deprecated']}" if replacement.is_deprecated else ""
    else:
        text = markup.prose(replacement.other) if replacement.other else ""
    if replacement.is_renamed:
        return f"{text} (renamed)"
    return f"{text} ({markup.prose(replacement.case)})" if replacement.case else text


def in_list(replacements: Replacements, markup: Markup) -> str:
    """Return what to call instead, for an item of a list, after the words for what happened."""
    if replacements.no_replacement:
        return f"nothing instead: {markup.prose(replacements.no_replacement)}"
    return f"instead {on_page(replacements, markup)}"


def in_sentence(replacements: Replacements) -> str:
    """Return what the statement names, or why nothing replaces the kfunc; empty if it says neither.

    This is the text of news, which stays as it was when it happened: where the chain leads on today is not in it.
    """
    if replacements.said:
        return f"instead: {PHRASES['or'].join(replacement.words for replacement in replacements.said)}"
    return nothing_to_call(replacements.no_replacement) if replacements.no_replacement else ""


def after_kernels(replacements: Replacements) -> str:
    """Return what to do where there is no kfunc to call, for a comment, after the names of kernels."""
    others = [replacement.words for replacement in replacements.said if replacement.other]
    if others:
        return f". Instead: {'; '.join(others)}".rstrip(".")
    reason = replacements.no_replacement
    words = nothing_to_call(reason) if reason else ""
    return f". {words[0].upper()}{words[1:]}".rstrip(".") if words else ""


def between_releases(
    alternatives: Sequence[Replacement], no_replacement: str, releases: Sequence[str], markup: Markup = PLAIN
) -> str:
    """Return what to call instead on two *releases*, after the words for what happened from one to the other."""
    if alternatives:
        words = (_on_releases(replacement, releases, markup) for replacement in alternatives)
        return PHRASES["instead"] + PHRASES["or"].join(words)
    return PHRASES["nothing"] + markup.words(no_replacement) if no_replacement else ""


def _on_releases(replacement: Replacement, releases: Sequence[str], markup: Markup) -> str:
    """Return a replacement, whether it is itself deprecated, and which of two *releases* lack it."""
    if replacement.name is None:
        return markup.words(replacement.words)
    presence = list(zip(releases, replacement.present_on))
    details = [PHRASES["deprecated"]] if replacement.is_deprecated else []
    details += [PHRASES["absent"].format(release) for release, present in presence if present is False]
    details += [PHRASES["unknown"].format(release) for release, present in presence if present is None]
    details += [PHRASES["both"]] if all(replacement.present_on) else []
    return f"{markup.name(replacement.name)}{markup.words(replacement.words_after_name)}, {', '.join(details)}"


def to_call(replacement: Replacement, declared_as: str, kernels: str, wrapper: Optional[model.Wrapper] = None) -> str:
    """Return the advice to call a kfunc, or to use something else.

    *declared_as* is the name to declare the kfunc under, empty if that is its own.  *kernels* says which of the kernels
    in question have it, and may be empty.  *wrapper* is what programs call instead of the bare kfunc, if anything is.
    """
    if replacement.name is None:
        return f"use {replacement.words}"
    details = [as_words(replacement.case.text)] if replacement.case else []
    details += [f"declared as {declared_as}"] if declared_as else []
    details += [PHRASES["deprecated"]] if replacement.is_deprecated else []
    details += [kernels] if kernels else []
    called = f"call {replacement.name}"
    if wrapper is not None:
        called = f"call {wrapper.name}() of {posixpath.basename(wrapper.header)}, or the kfunc {replacement.name}"
    return called + (f" ({'; '.join(details)})" if details else "")


def nothing_to_call(no_replacement: Prose) -> str:
    """Return the advice that nothing replaces a kfunc, with the reason."""
    return f"{_NOTHING}: {as_words(no_replacement.text)}"


def advice(parts: Sequence[str]) -> str:
    """Return one sentence of several pieces of advice."""
    return "; ".join(parts)


def presence_in_words(missing_on: str, *, is_on_none: bool, is_one_kernel: bool) -> str:
    """Return on which of the kernels asked for a kfunc is; *missing_on* names those that lack it.

    Empty if there is one kernel, and it has the kfunc.
    """
    if is_on_none:
        return "not on this kernel" if is_one_kernel else "on none of these kernels"
    if missing_on:
        return f"not on {missing_on}"
    return "" if is_one_kernel else "on every kernel asked for"


def call_earlier(name: str, kernels: str) -> str:
    """Return the advice to call the kfunc *name* on *kernels*, which are older than the one that replaced it."""
    return f"call {name} on {kernels}"
