# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The permanent addresses in the pages: of kfuncs, and of the types of programs that may call them.

docutils folds every run of underscores in an id into one hyphen, so ``__scx_bpf_select_cpu_and`` and
``scx_bpf_select_cpu_and`` would share one id, and the later of them would be given ``id3`` or the
like, which changes with the page.  An address therefore spells leading, trailing and repeated
underscores out: ``kfunc-u2-scx-bpf-select-cpu-and``, ``kfunc-scx-bpf-dsq-insert-u3-v2``.  Plain names
stay plain: ``kfunc-bpf-task-acquire``.

The page of a program type, ``program-type-xdp``, and the labels ``kfuncs-program-type-xdp`` and
``kfuncs-struct-ops-tcp-congestion-ops`` are as permanent.
"""

from __future__ import annotations

import re
from typing import Optional

#: The prefix of every address.
PREFIX = "kfunc-"
#: The prefix of the labels of pages about all kfuncs, which the address of no kfunc begins with.
PAGE_PREFIX = "kfuncs-"

_PROGRAM_TYPE = "BPF_PROG_TYPE_"
_UNDERSCORES = re.compile("_+")


def address(name: str) -> str:
    """Return the label of the kfunc *name*, which docutils keeps as the id it is."""
    return PREFIX + _spelled(name)


def program_type_page(program_type: str) -> str:
    """Return the name of the page of a program type: of ``BPF_PROG_TYPE_XDP``, ``program-type-xdp``."""
    name = program_type[len(_PROGRAM_TYPE) :]
    return "program-type-" + ("any" if name == "UNSPEC" else _spelled(name))


def program_type_address(program_type: str) -> str:
    """Return the label of the page of a program type."""
    return PAGE_PREFIX + program_type_page(program_type)


def struct_ops_address(name: Optional[str]) -> str:
    """Return the label of what programs of the struct_ops *name* may call; None stands for any struct_ops."""
    # With a word more before a name, so that none can take it.
    return f"{PAGE_PREFIX}struct-ops-{_spelled(name)}" if name else f"{PAGE_PREFIX}any-struct-ops"


def _spelled(name: str) -> str:
    """Return *name* in the characters of an id."""

    def spell(run: re.Match[str]) -> str:
        at_an_end = run.start() == 0 or run.end() == len(name)
        if len(run[0]) == 1 and not at_an_end:
            return "-"
        spelled = f"u{len(run[0])}"
        return f"{'-' if run.start() else ''}{spelled}{'-' if run.end() < len(name) else ''}"

    return _UNDERSCORES.sub(spell, name).lower()


def plain_address(name: str) -> str:
    """Return the id that docutils itself would make of ``kfunc-NAME``, shared by names alike."""
    return (PREFIX + _UNDERSCORES.sub("-", name).lower()).rstrip("-").replace("--", "-")
