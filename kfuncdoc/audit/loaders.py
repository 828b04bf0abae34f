# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The loaders of BPF objects, which resolve kfuncs by different rules.

===============================================  ==========================  ================================
an extern                                        libbpf (1.3 and newer)      cilium/ebpf
===============================================  ==========================  ================================
``NAME___flavour``                               is looked for as ``NAME``   is looked for by its whole name
weak, and the prototype of the kernel differs    counts as missing           is refused
===============================================  ==========================  ================================

The rules are those of ``bpf_object__resolve_ksym_func_btf_id()`` in ``tools/lib/bpf/libbpf.c``, and of
``fixupKfuncs()`` in ``linker.go`` and ``findTargetInKernel()`` in ``prog.go`` of cilium/ebpf, as of July 2026.
"""

from __future__ import annotations

import dataclasses
from enum import Enum

from kfuncdoc.bpf.objects import BpfObject


class Loader(Enum):
    """A library that loads BPF objects, as ``(word for --loader, name)``."""

    def __init__(self, word: str, title: str) -> None:
        self.word = word
        self.title = title

    LIBBPF = ("libbpf", "libbpf")
    CILIUM = ("cilium", "cilium/ebpf")


LOADERS = {loader.word: loader for loader in Loader}


def as_loaded_by(loader: Loader, bpf_object: BpfObject) -> BpfObject:
    """Return *bpf_object*; its externs have the names that *loader* looks for."""
    if loader is Loader.LIBBPF:
        return bpf_object
    externs = tuple(dataclasses.replace(extern, is_exact=True) for extern in bpf_object.externs)
    return dataclasses.replace(bpf_object, externs=externs)
