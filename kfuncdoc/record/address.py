# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The permanent addresses in the pages: of kfuncs, and of program types.

docutils replaces every run of underscores in an id by one hyphen.  So ``__scx_bpf_select_cpu_and`` and
``scx_bpf_select_cpu_and`` would have the same id, and docutils would give the second one an id such as ``id3``, which
changes with the page.  An address therefore has the number of leading, trailing and repeated underscores:
``kfunc-u2-scx-bpf-select-cpu-and``, ``kfunc-scx-bpf-dsq-insert-u3-v2``.  Other names need no numbers:
``kfunc-bpf-task-acquire``.

The page of a program type, ``program-type-xdp``, and the labels ``kfuncs-program-type-xdp`` and
``kfuncs-struct-ops-tcp-congestion-ops`` are as permanent.
"""

from __future__ import annotations

import re
from typing import Optional

#: The prefix of every address.
PREFIX = "kfunc-"
#: The prefix of the labels of pages about all kfuncs.  No address of a kfunc begins with it.
PAGE_PREFIX = "kfuncs-"

_PROGRAM_TYPE = "BPF_PROG_TYPE_"
_UNDERSCORES = re.compile("_+")


def address(name: str) -> str:
    """Return the label of the kfunc *name*.  docutils uses it as the id without a change."""
    return PREFIX + _spelled(name)


def program_type_page(program_type: str) -> str:
    """Return the name of the page of a program type: ``program-type-xdp`` for ``BPF_PROG_TYPE_XDP``."""
    name = program_type[len(_PROGRAM_TYPE) :]
    return "program-type-" + ("any" if name == "UNSPEC" else _spelled(name))


def program_type_address(program_type: str) -> str:
    """Return the label of the page of a program type."""
    return PAGE_PREFIX + program_type_page(program_type)


def struct_ops_address(name: Optional[str]) -> str:
    """Return the label of the section on what programs of the struct_ops *name* may call; None means any struct_ops."""
    # The labels of names have one more word before the name, so that no name can have this label.
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
    """Return the id that docutils itself would make of ``kfunc-NAME``; similar names share it."""
    return (PREFIX + _UNDERSCORES.sub("-", name).lower()).rstrip("-").replace("--", "-")
