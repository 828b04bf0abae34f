# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What the verifier decides for one program: may it call the kfunc?

::

    Program, its calls, KfuncOnKernel --verdict--> a Verdict, or None

The rules are those of ``btf_kfunc_is_allowed()`` in ``kernel/bpf/btf.c`` (registrations, hooks, filters; it was
``btf_kfunc_id_set_contains()`` before v7.0) and ``check_kfunc_call()`` in ``kernel/bpf/verifier.c`` (flags).
"""

from __future__ import annotations

from typing import Optional, Sequence

from kfuncdoc.audit.findings import AuditRule
from kfuncdoc.audit.verdicts import Verdict, Verdicts
from kfuncdoc.audit.words import allowed_in_words, missing_twin, refusal_in_words
from kfuncdoc.base.prose import as_words
from kfuncdoc.bpf.callers import is_allowed
from kfuncdoc.bpf.objects import Call, Program
from kfuncdoc.compat.kernels import Kernel, KfuncOnKernel
from kfuncdoc.kernels.hooks import ANY, REPLACES_ANOTHER, STRUCT_OPS, HookMap
from kfuncdoc.kernels.releases import Release
from kfuncdoc.record.lifecycle import Facts
from kfuncdoc.views.allowed import type_in_words

_SLEEPABLE = "KF_SLEEPABLE"
_RUN_TIME = "run-time"


def verdict(
    program: Program, calls: Sequence[Call], kernel: Kernel, seen: KfuncOnKernel, hooks: HookMap
) -> Optional[Verdict]:
    """Return why *program* may not make *calls* of a kfunc on *kernel*, or why nobody can tell; None where it may.

    *calls* are those that may be reached there.
    """
    if not calls:
        return None
    if seen.no_kfunc:
        reason = "the kernel has a function of this name, but it is not a kfunc"
        return Verdict(AuditRule.NOT_CALLABLE, reason, is_observed=True)
    if seen.lacks_twin:
        # fetch_kfunc_meta() takes the prototype from the twin: "cannot find function NAME_impl in BTF".
        return Verdict(AuditRule.NOT_CALLABLE, missing_twin(calls[0].extern), is_observed=True)
    declared, release = seen.declared, kernel.release
    if declared is None or release is None or not declared.state.present:
        return None
    facts = declared.facts
    if program.program_type in (None, REPLACES_ANOTHER):
        return None if _is_open_to_all(facts) else Verdict(AuditRule.CANNOT_TELL, _unknown_type_reason(program))
    refused = _refused_reason(program, calls, facts, release, hooks)
    if refused:
        return Verdict(AuditRule.NOT_CALLABLE, refused)
    passes = passes_filter(program, facts)
    if passes is not None and facts.enforced_by == _RUN_TIME:
        return None if passes else Verdict(AuditRule.REFUSED_AT_RUN_TIME, _run_time_reason(program, facts))
    # A filter that is asked at run time refuses no program.
    is_in_doubt = passes is None and facts.enforced_by != _RUN_TIME
    return Verdict(AuditRule.CANNOT_TELL, _filter_reason(program, facts)) if is_in_doubt else None


def may_call(program: Program, facts: Facts, release: Release, hooks: HookMap) -> Optional[bool]:
    """Whether the registrations and the filter of a kfunc let *program* call it at *release*; None if nobody knows."""
    if program.program_type in (None, REPLACES_ANOTHER):
        return True if _is_open_to_all(facts) else None
    if not _is_registered(program, facts, release, hooks):
        return False
    return passes_filter(program, facts)


def passes_filter(program: Program, facts: Facts) -> Optional[bool]:
    """Whether the filter of a kfunc lets *program* call it; None if the object, or the record, does not tell."""
    answer = True if facts.allowed is None else is_allowed(facts.allowed, program)
    # What only words say of the filter may refuse any program that the rest lets through.
    return None if answer and facts.filter else answer


def _is_registered(program: Program, facts: Facts, release: Release, hooks: HookMap) -> bool:
    """Whether a kfunc is registered for the type of *program*, as far as the record says for which types it is."""
    if not facts.program_types or program.program_type is None:
        return True
    return hooks.may_call(facts.program_types, program.program_type, release)


def _is_open_to_all(facts: Facts) -> bool:
    """Whether every program may call a kfunc, whatever its type is."""
    flags = {*facts.flags, *(flag for flags in facts.flags_for.values() for flag in flags)}
    return ANY in facts.program_types and facts.allowed is None and not facts.filter and _SLEEPABLE not in flags


def _refused_reason(
    program: Program, calls: Sequence[Call], facts: Facts, release: Release, hooks: HookMap
) -> Optional[str]:
    program_type = program.program_type
    assert program_type is not None
    if not _is_registered(program, facts, release, hooks):
        types = (*facts.program_types, *hooks.sharing(facts.program_types, release))
        types_in_words = ", ".join(map(type_in_words, types))
        return f"{type_in_words(program_type)} programs may not call it; these may: {types_in_words} programs"
    if facts.allowed is not None and facts.enforced_by != _RUN_TIME and is_allowed(facts.allowed, program) is False:
        return refusal_in_words(program, facts.allowed)
    # A callback may sleep where its program may not.
    calls_directly = any(program in call.directly for call in calls)
    flags = facts.flags_for.get(program_type, facts.flags)
    if _SLEEPABLE in flags and program.sleepable is False and calls_directly:
        section = program.section.lstrip("?").partition("/")[0]
        return f'it may sleep, but programs of SEC("{section}") may not: use SEC("{section}.s") if it exists'
    return None


def _run_time_reason(program: Program, facts: Facts) -> str:
    refusal = refusal_in_words(program, facts.allowed or ())
    return f"the kernel ends the scheduler with an error when the program makes the call: {refusal}"


def _unknown_type_reason(program: Program) -> str:
    """Return why nobody can tell whether *program* may call a kfunc that is not open to all."""
    if program.program_type is None:
        return f'the section "{program.section}" does not give the program type'
    return "it replaces another program and may call what that one may, but the object does not say which one it is"


def _filter_reason(program: Program, facts: Facts) -> str:
    """Return why nobody can tell whether the filter of a kfunc lets *program* call it."""
    if facts.allowed is None or is_allowed(facts.allowed, program):
        return f"the record describes the filter of its callers only in prose: {as_words(facts.filter or '')}"
    if program.program_type == STRUCT_OPS:
        missing = "the object does not say which callback of which structure the program is"
    elif any(caller.lsm_hooks or caller.except_lsm_hooks for caller in facts.allowed) and program.lsm_hook is None:
        missing = f'the section "{program.section}" names no LSM hook'
    else:
        missing = f'the section "{program.section}" does not give the attach type'
    return f"{missing}; these may call it: {allowed_in_words(facts.allowed)}"


def with_last_reasons(verdicts: Verdicts) -> Verdicts:
    """Return *verdicts*; all of one rule get the reason of the last one, because callers change by release."""
    last = {verdict.rule: verdict for verdict in verdicts.values() if verdict is not None}
    return {kernel: last[verdict.rule] if verdict is not None else None for kernel, verdict in verdicts.items()}
