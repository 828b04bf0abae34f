# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What the verifier decides for one program: may it call the kfunc?

::

    Program, its calls, KfuncOnKernel --verdict--> a Verdict, or None

The rules are those of ``btf_kfunc_id_set_contains()`` in ``kernel/bpf/btf.c`` (registrations and hooks) and
``check_kfunc_call()`` in ``kernel/bpf/verifier.c`` (flags).  Filters are those of the record (``allowed``).
"""

from __future__ import annotations

from typing import Optional, Sequence

from kfuncdoc.audit.findings import AuditRule
from kfuncdoc.audit.verdicts import Verdict, Verdicts
from kfuncdoc.base.prose import as_words
from kfuncdoc.bpf.callers import is_allowed
from kfuncdoc.bpf.objects import Call, Program
from kfuncdoc.compat.kernels import Kernel, KfuncOnKernel
from kfuncdoc.kernels.hooks import REPLACES_ANOTHER, STRUCT_OPS, HookMap
from kfuncdoc.kernels.releases import Release
from kfuncdoc.record.lifecycle import Facts
from kfuncdoc.views.allowed import filter_in_words

_SLEEPABLE = "KF_SLEEPABLE"


def verdict(
    program: Program, calls: Sequence[Call], kernel: Kernel, seen: KfuncOnKernel, hooks: HookMap
) -> Optional[Verdict]:
    """Return why *program* may not make *calls* of a kfunc on *kernel*, or why nobody can tell; None where it may.

    *calls* are those that may be reached there.
    """
    if not calls:
        return None
    if seen.no_kfunc:
        reason = "the kernel has a function of this name, and it is no kfunc"
        return Verdict(AuditRule.NOT_CALLABLE, reason, is_observed=True)
    declared, release = seen.declared, kernel.release
    if declared is None or release is None or not declared.state.present:
        return None
    refused = _refused_reason(program, calls, declared.facts, release, hooks)
    if refused:
        return Verdict(AuditRule.NOT_CALLABLE, refused)
    unchecked = _unchecked_reason(program, declared.facts)
    return Verdict(AuditRule.UNCHECKED, unchecked) if unchecked else None


def _refused_reason(
    program: Program, calls: Sequence[Call], facts: Facts, release: Release, hooks: HookMap
) -> Optional[str]:
    program_type = program.program_type
    if program_type is None or program_type == REPLACES_ANOTHER:
        return None
    if facts.program_types and not hooks.may_call(facts.program_types, program_type, release):
        types = (*facts.program_types, *hooks.sharing(facts.program_types, release))
        return f"{_short(program_type)} programs may not call it; these may: {', '.join(map(_short, types))}"
    if _is_allowed(program, facts) is False and facts.enforced_by == "verifier":
        return f"its filter refuses the call: {as_words(filter_in_words(facts))}"
    # A callback may sleep where its program may not.
    calls_directly = any(program in call.directly for call in calls)
    flags = facts.flags_for.get(program_type, facts.flags)
    if _SLEEPABLE in flags and program.sleepable is False and calls_directly and program_type != STRUCT_OPS:
        section = program.section.lstrip("?").partition("/")[0]
        return f'it may sleep, and programs of SEC("{section}") may not: SEC("{section}.s"), where there is one'
    return None


def _unchecked_reason(program: Program, facts: Facts) -> str:
    """Return why nobody can tell whether *program* may call a kfunc; empty where nothing is in doubt."""
    if program.program_type is None:
        return f'the section "{program.section}" tells no program type'
    if program.program_type == REPLACES_ANOTHER:
        return "what it may call is for the program to say whose place it takes"
    if facts.filter or _is_allowed(program, facts) is None:
        return f"a filter narrows who may call it: {as_words(filter_in_words(facts))}"
    return ""


def _is_allowed(program: Program, facts: Facts) -> Optional[bool]:
    """Whether the filter of *facts* lets *program* call; None where what is known of the program does not decide it."""
    return True if facts.allowed is None else is_allowed(facts.allowed, program)


def _short(program_type: str) -> str:
    return program_type.replace("BPF_PROG_TYPE_", "").lower()


def with_last_reasons(verdicts: Verdicts) -> Verdicts:
    """Return *verdicts*; all of one rule get the reason of the last one, because callers change by release."""
    last = {verdict.rule: verdict for verdict in verdicts.values() if verdict is not None}
    return {kernel: last[verdict.rule] if verdict is not None else None for kernel, verdict in verdicts.items()}
