# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The kfuncs of the kernel's own tests, which every scan leaves out.

They are registered as all others are, and nobody may rely on them.  In a source tree their file tells them from
others.  A built kernel has no files; there the name tells: the tests use a few prefixes that no other kfunc had in
any release from v5.13 to v7.3.
"""

from __future__ import annotations

from typing import Optional

#: Folders and files that hold nothing but tests, from the top of the source tree.
_SOURCES = ("tools/testing/", "lib/tests/", "net/bpf/test_run.c")

#: ``net/bpf/test_run.c`` has the first three: the second and the third are functions that tests attach to, in a
#: set that looks like one of kfuncs.  The test modules have the first and the others.
_PREFIXES = (
    "bpf_kfunc_",
    "bpf_fentry_test",
    "bpf_modify_return_test",
    "bpf_testmod_",
    "bpf_iter_testmod_",
    "bpf_test_modorder_",
)


def is_selftest(name: str, source: Optional[str] = None) -> bool:
    """Whether the kfunc *name* is one of a test; *source* is the file that defines or registers it, if known."""
    return name.startswith(_PREFIXES) or (source or "").startswith(_SOURCES)
