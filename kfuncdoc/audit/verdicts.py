# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What one judge of a call says: libbpf, the verifier, or the record."""

from __future__ import annotations

from typing import Mapping, NamedTuple, Optional

from kfuncdoc.audit.findings import AuditRule
from kfuncdoc.compat.kernels import Kernel


class Verdict(NamedTuple):
    """What is wrong on a kernel: the *rule*, and the *reason* in words."""

    rule: AuditRule
    reason: str
    #: Whether it rests on what a kernel was seen to have, and not on what is declared.
    is_observed: bool = False


#: The verdict for each kernel; None where nothing is wrong.
Verdicts = Mapping[Kernel, Optional[Verdict]]
