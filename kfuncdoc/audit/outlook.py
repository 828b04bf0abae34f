# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What the record says of a kfunc that a program may call: will it be removed, and did it change between the kernels?

::

    the lifecycles of a kfunc on the kernels that have it, its calls --> a KernelsVerdict for each
"""

from __future__ import annotations

from typing import Iterator, Mapping, NamedTuple, Sequence

from kfuncdoc.audit.findings import AuditRule
from kfuncdoc.base.prose import as_words
from kfuncdoc.bpf.callers import is_allowed
from kfuncdoc.bpf.objects import Call
from kfuncdoc.compat.kernels import Kernel
from kfuncdoc.record.lifecycle import Facts, Lifecycle, Step, undone
from kfuncdoc.record.model import Changed
from kfuncdoc.record.stability import Stability
from kfuncdoc.views.allowed import FILTER_FIELDS, filter_in_words
from kfuncdoc.views.notice import only_limits_callers
from kfuncdoc.views.words import announcement_in_words


class KernelsVerdict(NamedTuple):
    """What a program has to heed on *kernels*: the *rule*, and the *reason* in words."""

    rule: AuditRule
    kernels: tuple[Kernel, ...]
    reason: str


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


def changes(newest: Lifecycle, declared: Mapping[Kernel, Lifecycle], calls: Sequence[Call]) -> Iterator[KernelsVerdict]:
    """Yield the changes that broke callers between two of the kernels that have the kfunc."""
    for step in newest.breaking:
        release = step.when.by
        before = [kernel for kernel in declared if kernel.release and kernel.release < release]
        after = tuple(kernel for kernel in declared if kernel.release and release <= kernel.release)
        if before and after and not all(_is_unaffected(call, step, declared[after[0]].facts) for call in calls):
            yield KernelsVerdict(AuditRule.CHANGED, after, _what_changed(step, declared[after[0]].facts))


def successors(declared: Mapping[Kernel, Lifecycle]) -> Iterator[KernelsVerdict]:
    """Yield a verdict on the last kernel if the kfunc has a successor there, with no end announced."""
    last = list(declared)[-1]
    if declared[last].superseded_by:
        reason = "another one is to be preferred; no end is announced"
        yield KernelsVerdict(AuditRule.SUPERSEDED, (last,), reason)


def _is_unaffected(call: Call, step: Step, after: Facts) -> bool:
    """Whether *step* only limited who may call, and the filter still lets the programs of *call* call."""
    programs = call.programs
    if after.allowed is None or not programs or not only_limits_callers(step.event, after):
        return False
    return all(is_allowed(after.allowed, program) for program in programs)


def _what_changed(step: Step, after: Facts) -> str:
    event = step.event
    assert isinstance(event, Changed)
    if event.behaviour:
        change = as_words(event.behaviour)
    else:
        change = ", ".join(sorted(event.was.model_fields_set)).replace("_", " ") if event.was else "its behaviour"
    words = as_words(filter_in_words(after)) if FILTER_FIELDS & undone(event).keys() else ""
    narrowed = f" ({words})" if words else ""
    return f"changed in {step.when.by}: {change}{narrowed}"
