# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What the record says of a kfunc that a program may call: will it be removed, and did it change between the kernels?

::

    the lifecycles of a kfunc on the kernels that have it, its calls --> a KernelsVerdict for each
"""

from __future__ import annotations

import dataclasses
from typing import Any, Iterator, Mapping, NamedTuple, Optional, Sequence

from kfuncdoc.audit.findings import AuditRule
from kfuncdoc.audit.verifier import may_call
from kfuncdoc.audit.words import allowed_in_words
from kfuncdoc.base.prose import as_words
from kfuncdoc.bpf.objects import Call, Program
from kfuncdoc.bpf.program_types import NEED_PERFMON
from kfuncdoc.compat.kernels import Kernel
from kfuncdoc.kernels.hooks import HookMap
from kfuncdoc.kernels.releases import Release
from kfuncdoc.record.lifecycle import Facts, Lifecycle, Step, undone
from kfuncdoc.record.model import Changed
from kfuncdoc.record.stability import Stability
from kfuncdoc.views.notice import flags_for_callers, shown_fields
from kfuncdoc.views.words import announcement_in_words

#: The fields that say which programs may call a kfunc; ``flags`` is not among them.
_FIELDS_OF_CALLERS = frozenset({"program_types", "struct_ops", "allowed", "enforced_by", "filter"})
#: The flags that ask less of programs: adding one breaks no program.
_ASK_LESS = frozenset({"KF_SPINLOCK_SAFE", "KF_FASTCALL"})
#: The flags that ask more of programs: removing one breaks no program.
_ASK_MORE = frozenset({"KF_PERFMON", "KF_SLEEPABLE", "KF_DESTRUCTIVE"})


class KernelsVerdict(NamedTuple):
    """A finding on *kernels*: the *rule*, and the *reason* in words."""

    rule: AuditRule
    kernels: tuple[Kernel, ...]
    reason: str
    #: The calls that it is about, with the programs that it is about; None for all calls.
    calls: Optional[tuple[Call, ...]] = None


def deprecations(declared: Mapping[Kernel, Lifecycle], *, is_guarded: bool) -> Iterator[KernelsVerdict]:
    """Yield a verdict on the kernels on which the kfunc is deprecated, if there are any."""
    kernels = tuple(kernel for kernel, state in declared.items() if state.stability is Stability.DEPRECATED)
    if kernels:
        rule = AuditRule.DEPRECATED_GUARDED if is_guarded else AuditRule.DEPRECATED
        yield KernelsVerdict(rule, kernels, announcement_in_words(declared[kernels[-1]]))


def early_calls(newest: Lifecycle, declared: Mapping[Kernel, Lifecycle]) -> Iterator[KernelsVerdict]:
    """Yield a verdict on the kernels that have the kfunc before the release from which on it should be called."""
    release = newest.avoid_before
    kernels = tuple(kernel for kernel in declared if release and kernel.release and kernel.release < release)
    if not kernels:
        return
    changes = [step.event for step in reversed(newest.steps) if isinstance(step.event, Changed)]
    why = next((change.behaviour for change in changes if change.avoid_before and change.behaviour), "")
    reason = f"not to be called before {release}{': ' + as_words(why) if why else ''}"
    yield KernelsVerdict(AuditRule.AVOID, kernels, reason)


def changes(
    newest: Lifecycle, declared: Mapping[Kernel, Lifecycle], calls: Sequence[Call], hooks: HookMap
) -> Iterator[KernelsVerdict]:
    """Yield the changes that broke callers between two of the kernels that have the kfunc.

    Each is about those programs that it can concern, see :func:`_concerns`.
    """
    for step in newest.breaking:
        release = step.when.by
        before = [kernel for kernel in declared if kernel.release and kernel.release < release]
        after = tuple(kernel for kernel in declared if kernel.release and release <= kernel.release)
        if not before or not after:
            continue
        first, facts = after[0].release, declared[after[0]].facts
        assert first is not None
        concerned = tuple(_concerned(calls, step, facts, first, hooks))
        if concerned:
            yield KernelsVerdict(AuditRule.CHANGED, after, _what_changed(step, facts), concerned)


def successors(declared: Mapping[Kernel, Lifecycle]) -> Iterator[KernelsVerdict]:
    """Yield a verdict on the last kernel if the kfunc has a successor there, with no end announced."""
    last = list(declared)[-1]
    if declared[last].superseded_by:
        reason = "another kfunc is preferred, but no removal is announced"
        yield KernelsVerdict(AuditRule.SUPERSEDED, (last,), reason)


def _concerned(calls: Sequence[Call], step: Step, after: Facts, release: Release, hooks: HookMap) -> Iterator[Call]:
    """Yield those of *calls* that *step* concerns, each with the programs that it concerns."""
    for call in calls:
        programs = tuple(program for program in call.programs if _concerns(step, program, after, release, hooks))
        # The call may be in a function that no program here calls: its programs are not known.
        if programs or not call.programs:
            yield dataclasses.replace(call, programs=programs)


def _concerns(step: Step, program: Program, after: Facts, release: Release, hooks: HookMap) -> bool:
    """Whether *step*, after which *after* holds at *release*, can break *program*.

    It cannot if it changed only flags, and these ask nothing new of *program*.  It cannot either if it changed only who
    may call: if *program* may no longer call, another finding says so.  A change that is described only in prose may
    concern any program.
    """
    before = shown_fields(step.event)
    fields = set(before) - {"flags", "flags_for"}
    if not fields and not _is_about_flags(before, after):
        return True
    if fields - _FIELDS_OF_CALLERS:
        return True
    if fields and may_call(program, after, release, hooks) is None:
        return True
    added, removed = _changed_flags(before, program, after)
    return bool(removed - _ASK_MORE) or any(_asks_more(flag, program) for flag in added)


def _is_about_flags(before: Mapping[str, Any], after: Facts) -> bool:
    """Whether a change, *before* which fields had these values, was one of flags that callers notice."""
    flags = flags_for_callers(before.get("flags", after.flags)) != flags_for_callers(after.flags)
    return flags or before.get("flags_for", after.flags_for) != after.flags_for


def _changed_flags(before: Mapping[str, Any], program: Program, after: Facts) -> tuple[frozenset[str], frozenset[str]]:
    """Return the flags that hold for *program* since a change, and those that hold no more.

    *before* has the fields as they were before it.
    """

    def flags(common: Sequence[str], by_type: Mapping[str, Sequence[str]]) -> frozenset[str]:
        return frozenset(flags_for_callers(by_type.get(program.program_type or "", common)))

    old = flags(before.get("flags", after.flags), before.get("flags_for", after.flags_for))
    new = flags(after.flags, after.flags_for)
    return new - old, old - new


def _asks_more(flag: str, program: Program) -> bool:
    """Whether a new *flag* of a kfunc asks something new of *program*."""
    if flag == "KF_PERFMON":
        return program.program_type not in NEED_PERFMON
    if flag == "KF_SLEEPABLE":
        return program.sleepable is not True
    return flag not in _ASK_LESS


def _what_changed(step: Step, after: Facts) -> str:
    event = step.event
    assert isinstance(event, Changed)
    if event.behaviour:
        change = as_words(event.behaviour)
    else:
        change = ", ".join(sorted(event.was.model_fields_set)).replace("_", " ") if event.was else "its behaviour"
    return f"changed in {step.when.by}: {change}{_callers_now(event, after)}"


def _callers_now(event: Changed, after: Facts) -> str:
    """Return who may call since *event*, in parentheses; empty if it did not change that."""
    if not {"allowed", "filter"} & set(undone(event)):
        return ""
    if after.allowed is not None:
        return f" (now callable by: {allowed_in_words(after.allowed)})"
    return f" ({as_words(after.filter)})" if after.filter else ""
