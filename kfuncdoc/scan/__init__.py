# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Scanning of kernels: the kfuncs that a source tree, or a built kernel, really has.

::

    source tree --source.tree-------------+
                                          +--> Observation
    vmlinux, modules, BTF --binary.image--+

    BPF object --binary.objects--> BpfObject

The libraries that read C and ELF come with ``pip install kfuncdoc[scan]``; no other package needs them.
"""

from __future__ import annotations

import os
from typing import Sequence

from kfuncdoc.base.progress import Track
from kfuncdoc.kernels.observation import Observation
from kfuncdoc.scan.errors import Unscannable, exists, is_file

__all__ = ["Unscannable", "is_tree", "scan"]


def scan(paths: Sequence[str], *, track: Track = iter) -> Observation:
    """Return the kfuncs of the kernel in *paths*: one source tree, or the parts of one built kernel.

    *track* wraps the names of the files to read, to show progress.  Raises :exc:`Unscannable` where something
    cannot be read, and ImportError where a library that scanning needs is not installed.
    """
    for path in paths:
        if not exists(path):
            raise Unscannable(path, "there is no such file or folder")
    trees = [path for path in paths if is_tree(path)]
    if trees and len(paths) > 1:
        raise Unscannable(trees[0], "a source tree is scanned alone")
    # Each reader is imported only when it is used: to load the parser of C takes as long as to read a vmlinux.
    if trees:
        from kfuncdoc.scan.source.tree import scan_tree

        return scan_tree(trees[0], track=track)
    from kfuncdoc.scan.binary.image import scan_image

    return scan_image(paths, track=track)


def is_tree(path: str) -> bool:
    """Whether *path* looks like the top of a kernel's source tree.

    Raises :exc:`Unscannable` where the folder may not be searched.
    """
    return all(is_file(os.path.join(path, name)) for name in ("Makefile", "Kconfig"))
