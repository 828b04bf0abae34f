# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The ``KF_*`` flags that kfuncs are registered with (``include/linux/btf.h``)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional


@dataclass(frozen=True)
class FlagMeaning:
    """A ``KF_*`` flag: what it means, and which releases have it."""

    flag: str
    meaning: str
    first: Optional[str] = None
    last: Optional[str] = None
    #: The number of its bit in the flags of a built kernel; another flag may use the bit of a flag that was removed.
    bit: Optional[int] = None
