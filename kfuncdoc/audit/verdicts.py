# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Verdicts on a call: from libbpf, the verifier, or the record."""

from __future__ import annotations

from typing import Mapping, NamedTuple, Optional

from kfuncdoc.audit.findings import AuditRule
from kfuncdoc.compat.kernels import Kernel


class Verdict(NamedTuple):
    """What is wrong on a kernel: the *rule*, and the *reason* in words."""

    rule: AuditRule
    reason: str
    #: Whether it is based on an observed kernel, and not on declarations.
    is_observed: bool = False


#: The verdict for each kernel; None if nothing is wrong.
Verdicts = Mapping[Kernel, Optional[Verdict]]
