# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The words of audits that more than one of its reports uses."""

from __future__ import annotations

from typing import Sequence

from kfuncdoc.audit.findings import AuditRule, ObjectReport
from kfuncdoc.base.prose import as_words
from kfuncdoc.bpf.callers import AllowedCaller
from kfuncdoc.bpf.objects import Program
from kfuncdoc.compat.kernels import Kernel, in_words
from kfuncdoc.views.allowed import callers_in_words, type_in_words


def missing_twin(kfunc: str) -> str:
    """Return why programs cannot call *kfunc*, which has KF_IMPLICIT_ARGS, on a kernel whose BTF has no twin of it."""
    return (
        f"pahole was too old when the kernel was built and did not tag the kfunc, so its prototype in BTF has the "
        f"implicit argument, and there is no {kfunc}_impl"
    )


def in_which_it_loads(report: ObjectReport, kernels: Sequence[Kernel]) -> str:
    """Return on which kernels an object loads, as one phrase: ``loads on v6.12 to v6.16; breaks in v6.17``.

    The end ``cannot tell for v7.1`` names kernels on which the object does not tell whether it loads.
    """
    if not report.object.externs and not report.findings:
        return "calls no kfuncs"
    parts = [f"loads on {in_words(report.loads, kernels)}" if report.loads else ""]
    # If it loads on some kernel, only the first later one that breaks it is named: the others follow from it.
    last = kernels.index(report.loads[-1]) if report.loads else -1
    later = [kernel for kernel in report.breaks if kernels.index(kernel) > last]
    earlier = [kernel for kernel in report.breaks if kernels.index(kernel) < last]
    if not report.loads and report.breaks:
        parts.append(f"breaks on {in_words(report.breaks, kernels)}")
    else:
        parts.append(f"not on {in_words(earlier, kernels)}" if earlier else "")
        parts.append(f"breaks in {later[0].name}" if later else "")
    unknown = {
        kernel for finding in report.findings if finding.rule is AuditRule.KFUNC_UNKNOWN for kernel in finding.kernels
    }
    doubtful = [kernel for kernel in report.unsure if kernel not in unknown]
    parts.append(f"may break on {in_words(doubtful, kernels)}" if doubtful else "")
    unsure = [kernel for kernel in report.unsure if kernel in unknown]
    parts.append(f"not known for {in_words(unsure, kernels)}" if unsure else "")
    parts.append(f"cannot tell for {in_words(report.cannot_tell, kernels)}" if report.cannot_tell else "")
    return "; ".join(part for part in parts if part)


def refusal_in_words(program: Program, callers: Sequence[AllowedCaller]) -> str:
    """Return that *program* is none of *callers*, with the facts of it that matter: the callback, the LSM hook."""
    if not callers:
        return "no program may call it"
    who = f"{type_in_words(program.program_type)} programs" if program.program_type else "programs"
    if program.struct_ops and program.member:
        who = f"{program.member}() of {program.struct_ops}"
    elif program.attach_type and any(caller.attach_types for caller in callers):
        who += f" with the attach type {program.attach_type}"
    elif program.lsm_hook and any(caller.lsm_hooks or caller.except_lsm_hooks for caller in callers):
        who += f" on {program.lsm_hook}"
    return f"{who} may not call it; these may: {allowed_in_words(callers)}"


def allowed_in_words(callers: Sequence[AllowedCaller]) -> str:
    """Return who may call a kfunc: ``dispatch() of sched_ext_ops, and syscall programs``."""
    return as_words(callers_in_words(callers))
