# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Progress on a terminal for work that takes longer than a second; silence elsewhere."""

from __future__ import annotations

import sys
import time
from typing import Callable, Iterable, Iterator, Sequence

#: What shows progress: it is given the items that are about to be read, and yields them again one by one.
#: :func:`track` is one; ``iter`` shows nothing.
Track = Callable[[Sequence[str]], Iterable[str]]

_PATIENCE = 1.0  # seconds
_INTERVAL = 0.1  # seconds


def track(items: Sequence[str], label: str = "reading") -> Iterable[str]:
    """Return *items*, counting them on standard error once they take longer than a second."""
    return _counted(items, label) if sys.stderr.isatty() else items


def _counted(items: Sequence[str], label: str) -> Iterator[str]:
    shown, due = False, time.monotonic() + _PATIENCE
    try:
        for number, item in enumerate(items, 1):
            yield item
            if time.monotonic() >= due:
                shown, due = True, time.monotonic() + _INTERVAL
                sys.stderr.write(f"\r{label} {number}/{len(items)}")
                sys.stderr.flush()
    finally:
        # Also where the work ends early: what is told next stands on a line of its own.
        if shown:
            sys.stderr.write("\r\x1b[K")
