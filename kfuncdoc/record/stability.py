# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The stabilities of kfuncs, in words; importing this brings nothing else."""

from __future__ import annotations

from enum import Enum


class Stability(Enum):
    """The state of a kfunc at a release."""

    NOT_YET = "not yet"
    PRESENT = "present"
    DEPRECATED = "deprecated"
    REMOVED = "removed"


#: A mark on deprecated, and one on present: see ``Lifecycle.past_due`` and ``Lifecycle.superseded_by``.
PAST_DUE, SUPERSEDED = "past due", "superseded"
#: The stabilities with these marks, as badges and filters show them.
BADGES = (
    Stability.PRESENT.value, SUPERSEDED, Stability.DEPRECATED.value, PAST_DUE, Stability.REMOVED.value,
)  # fmt: skip
