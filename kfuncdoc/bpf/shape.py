# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The shapes of prototypes, which libbpf compares when it looks for a kfunc that a program declares.

libbpf accepts a kfunc of the kernel for a program's extern if the two prototypes have the same *shape*
(``__bpf_core_types_are_compat()`` in ``tools/lib/bpf/relo_core.c``): the same count of parameters, pointers
where there are pointers, structures where there are structures.  All integers are the same, whatever their
size and sign; names of structures, ``const`` and typedefs do not count.

A shape is one word, or a tuple of a word and the shapes inside.  This module makes shapes from C declarations, and
:mod:`kfuncdoc.scan.binary.btf` makes them from BTF.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Optional, Tuple, Union

from kfuncdoc.bpf import declaration
from kfuncdoc.bpf.declaration import CType, spelled
from kfuncdoc.bpf.prototype import function_type

#: ``("pointer", to)``, ``("array", of)``, ``("function", returns, *parameters)``, a word of ``_ALIKE``, or
#: None for a type of which only the name is known.
Shape = Union[str, Tuple[Any, ...], None]

VOID, INTEGER, STRUCT, UNION, ENUM, FORWARD = "void", "integer", "struct", "union", "enum", "forward"
POINTER, ARRAY, FUNCTION = "pointer", "array", "function"
#: Types that libbpf accepts for no type, not even for the same: floating point, integers at an odd bit.
OTHER = "other"
_ALIKE = frozenset({VOID, INTEGER, STRUCT, UNION, ENUM, FORWARD})

#: The kernel's own names for integers; the names of C are recognised by their words.
_INTEGERS = frozenset(
    "u8 u16 u32 u64 s8 s16 s32 s64 __u8 __u16 __u32 __u64 __s8 __s16 __s32 __s64 __be16 __be32 __be64 __le16 __le32"
    " __le64 __sum16 __wsum size_t ssize_t pid_t uid_t gid_t gfp_t loff_t dma_addr_t uintptr_t".split()
)
_WORDS_OF_INTEGERS = frozenset("char short int long signed unsigned bool".split())


@lru_cache(maxsize=4096)
def shape_of(prototype: str) -> Shape:
    """Return the shape of a *prototype* in C.  Raises :exc:`~kfuncdoc.bpf.prototype.PrototypeError`."""
    return _shape(function_type(prototype))


@lru_cache(maxsize=4096)
def compatible(local: Shape, kernel: Shape) -> bool:
    """Whether libbpf accepts a function of the shape *kernel* for a declaration of the shape *local*.

    An unknown shape, that of a typedef without a definition, is compatible with any shape.
    """
    return _compatible(local, kernel)


def _compatible(local: Shape, kernel: Shape) -> bool:
    if local is None or kernel is None:
        return True
    if isinstance(local, str) or isinstance(kernel, str):
        return local == kernel and local in _ALIKE
    return (
        local[0] == kernel[0]
        and len(local) == len(kernel)
        and all(_compatible(one, other) for one, other in zip(local[1:], kernel[1:]))
    )


def has_forward(shape: Shape) -> bool:
    """Whether *shape* has a structure that is declared but not defined.  libbpf takes it for no defined structure."""
    return any(map(has_forward, shape)) if isinstance(shape, tuple) else shape == FORWARD


def _shape(kind: CType) -> Shape:
    if isinstance(kind, declaration.PointerType):
        return (POINTER, _shape(kind.to))
    if isinstance(kind, declaration.ArrayType):
        return (ARRAY, _shape(kind.of))
    if isinstance(kind, declaration.FunctionType):
        parameters = [parameter.type for parameter in kind.parameters if parameter.type != declaration.VOID]
        return (FUNCTION, _shape(kind.returns), *map(_shape, parameters))
    return _plain(spelled(kind))


def _plain(text: str) -> Optional[str]:
    """Return the shape of a type in words."""
    words = text.split()
    if words[0] in (STRUCT, UNION, ENUM):
        return words[0]
    if text in (VOID, declaration.VARIADIC):
        return VOID  # BTF writes the dots as a parameter of type void
    if text in _INTEGERS or set(words) <= _WORDS_OF_INTEGERS:
        return INTEGER
    return OTHER if {"float", "double"} & set(words) else None
