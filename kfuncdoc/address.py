# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The permanent address of a kfunc in the pages.

docutils folds every run of underscores in an id into one hyphen, so ``__scx_bpf_select_cpu_and`` and
``scx_bpf_select_cpu_and`` would share one id, and the later of them would be given ``id3`` or the
like, which changes with the page.  An address therefore spells leading, trailing and repeated
underscores out: ``kfunc-u2-scx-bpf-select-cpu-and``, ``kfunc-scx-bpf-dsq-insert-u3-v2``.  Plain names
stay plain: ``kfunc-bpf-task-acquire``.
"""

from __future__ import annotations

import re

#: The prefix of every address.
PREFIX = "kfunc-"

_UNDERSCORES = re.compile("_+")


def address(name: str) -> str:
    """Return the label of the kfunc *name*, which docutils keeps as the id it is."""

    def spell(run: re.Match[str]) -> str:
        at_an_end = run.start() == 0 or run.end() == len(name)
        if len(run[0]) == 1 and not at_an_end:
            return "-"
        spelled = f"u{len(run[0])}"
        return f"{'-' if run.start() else ''}{spelled}{'-' if run.end() < len(name) else ''}"

    return PREFIX + _UNDERSCORES.sub(spell, name).lower()


def plain_address(name: str) -> str:
    """Return the id that docutils itself would make of ``kfunc-NAME``, shared by names alike."""
    return (PREFIX + _UNDERSCORES.sub("-", name).lower()).rstrip("-").replace("--", "-")
