# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The words of audits that more than one of its reports uses."""

from __future__ import annotations

from typing import Sequence

from kfuncdoc.audit.findings import AuditRule, ObjectReport
from kfuncdoc.compat.kernels import Kernel, in_words


def missing_twin(kfunc: str) -> str:
    """Return why programs cannot call *kfunc*, which has KF_IMPLICIT_ARGS, on a kernel whose BTF has no twin of it."""
    return (
        f"the kernel was built with too old a pahole, which did not tag it as a kfunc, so that BTF has the implicit "
        f"argument in its prototype, and no {kfunc}_impl"
    )


def in_which_it_loads(report: ObjectReport, kernels: Sequence[Kernel]) -> str:
    """Return on which kernels an object loads, as one phrase: ``loads on v6.12 to v6.16; breaks in v6.17``."""
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
    return "; ".join(part for part in parts if part)
