# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The only form in which kfuncdoc reads a day: ``2026-09-01``."""

from __future__ import annotations

import datetime
import re

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def read_date(text: str) -> datetime.date:
    """Return the day that *text* names as ``YYYY-MM-DD``; raises ValueError for any other text.

    From Python 3.11 on, ``datetime.date.fromisoformat`` also takes ``20260901`` and ``2026-W36-2``.
    """
    if not _DAY.fullmatch(text):
        raise ValueError(f"'{text}' is no date")
    return datetime.date.fromisoformat(text)
