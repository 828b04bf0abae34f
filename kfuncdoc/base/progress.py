# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Progress on a terminal for work that takes longer than a second; silence elsewhere."""

from __future__ import annotations

import sys
import time
from typing import Callable, Iterable, Iterator, Sequence

#: A function that takes the names of the files to read or write, and yields them one by one.  A caller that wants to
#: show progress passes one, such as :func:`track`; ``iter`` shows none.
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
        # Also if the work ends early, so that the next message begins on a new line.
        if shown:
            sys.stderr.write("\r\x1b[K")
