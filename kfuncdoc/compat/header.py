# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A C header of kfuncs for a range of kernels, with which the compiler warns of deprecated and removed kfuncs.

::

    KernelRecord, kernels, names --header--> templates/c/header.h.jinja --> C

A program can include it together with other headers that declare the same kfuncs.  C allows a second declaration of a
function only with the same types.  So a kfunc is declared under its own name only if it never had another prototype,
because then any ``vmlinux.h`` declares the same.  Otherwise, and if a header of the kernel has a function or macro of
that name, it is declared only under flavours of the name, which libbpf finds as well.
"""

from __future__ import annotations

import dataclasses
import re
import textwrap
from dataclasses import dataclass
from typing import Iterator, Optional, Sequence

from kfuncdoc.base.prose import as_words
from kfuncdoc.bpf.prototype import parse_prototype
from kfuncdoc.bpf.shape import shape_of
from kfuncdoc.compat.advice import Adviser
from kfuncdoc.compat.guards import c_template
from kfuncdoc.compat.kernels import Kernel, KernelRecord, Presence, in_words
from kfuncdoc.record.model import Kfunc
from kfuncdoc.record.stability import Stability
from kfuncdoc.record.variants import Variant, arena_pointers, is_plain, is_same_in_c, variants, weak_declaration
from kfuncdoc.views.allowed import filter_in_words
from kfuncdoc.views.words import announcement_in_words

#: The columns of a line of text in a comment.
_COMMENT_WIDTH = 96
_TYPE = re.compile(r"\b(?:struct|union|enum) \w+")


@dataclass(frozen=True)
class _Flavour:
    """One declaration of a kfunc under a flavour of its name."""

    declaration: str
    #: The kernels on which libbpf finds it; empty if they are those of the kfunc.
    kernels: str


@dataclass(frozen=True)
class _HeaderKfunc:
    """A kfunc for the template: how to declare it, and the warning of the compiler, empty if there is none."""

    name: str
    presence: str
    #: The declaration under its own name; None if it cannot be declared under that.
    plain: Optional[str]
    #: Whether a pragma may mark the name: no header of the kernel has a function or macro of that name.
    may_be_marked: bool
    warning: str
    flavours: tuple[_Flavour, ...]
    #: Whether it cannot be declared, because its prototype has a type that only a kernel defines.
    has_unknown_type: bool
    #: What its filter on the newest kernel says, in lines for a comment.
    callers: tuple[str, ...]


def header(record: KernelRecord, kernels: Sequence[Kernel], names: Sequence[str] = ()) -> str:
    """Return a C header that declares those of the kfuncs *names* that any of *kernels* has; without *names*, all."""
    writer = _HeaderWriter(record, kernels)
    kfuncs = [kfunc for kfunc in map(writer.declared, names or sorted(writer.names())) if kfunc is not None]
    declarations = [kfunc.plain or "" for kfunc in kfuncs]
    declarations += [flavour.declaration for kfunc in kfuncs for flavour in kfunc.flavours]
    return c_template("header.h.jinja").render(
        kernels=in_words(kernels, kernels),
        recorded=str(record.snapshot.last),
        types=sorted(set(_TYPE.findall("; ".join(declarations)))),
        kfuncs=kfuncs,
    )


class _HeaderWriter:
    """Works out how to declare the kfuncs of *record* for *kernels*."""

    def __init__(self, record: KernelRecord, kernels: Sequence[Kernel]) -> None:
        self._record = record
        self._kernels = tuple(kernels)
        self._adviser = Adviser(record, kernels)
        #: The functions and macros in the headers that the kernel has for programs.
        self._wrappers = {
            declaration.kfunc.wrapper.name
            for _, declaration in record.snapshot.catalog.declarations
            if declaration.kfunc.wrapper is not None
        }

    def names(self) -> Iterator[str]:
        return (declaration.name for _, declaration in self._record.snapshot.catalog.declarations)

    def declared(self, name: str) -> Optional[_HeaderKfunc]:
        """Return how to declare the kfunc *name*; None if it is not declared in the record, or no kernel has it."""
        declared = self._record.snapshot.find(name)
        having = [kernel for kernel in self._kernels if self._is_on(name, kernel)]
        if declared is None or not having:
            return None
        kfunc, has_wrapper = declared[1].kfunc, name in self._wrappers
        prototypes = [
            dataclasses.replace(variant, prototype=_with_address_space(kfunc, variant.prototype))
            for variant in self._variants(kfunc)
        ]
        is_unknown = any(_has_unknown_type(variant.prototype) for variant in prototypes)
        has_plain = not is_unknown and not has_wrapper and is_plain(name) and is_same_in_c(kfunc)
        plain = weak_declaration(parse_prototype(kfunc.prototype)) if has_plain else None
        warning = self._warning(name, has_variants=len(prototypes) > 1)
        flavours: tuple[_Flavour, ...] = ()
        if not is_unknown and (warning or not plain):
            flavours = tuple(self._flavour(variant, len(prototypes)) for variant in prototypes)
        return _HeaderKfunc(
            name,
            in_words(having, self._kernels),
            plain,
            not has_wrapper,
            warning,
            flavours,
            is_unknown,
            self._callers(name, having),
        )

    def _callers(self, name: str, having: Sequence[Kernel]) -> tuple[str, ...]:
        """Return what the filter of *name* says on the newest of *having*, the kernels with it.

        It names that kernel if the filter differs on another.
        """
        looks = [self._record.look(name, kernel).declared for kernel in having]
        filters = [filter_in_words(declared.facts) if declared else "" for declared in looks]
        if not filters[-1]:
            return ()
        where = f"On {having[-1].name}: " if len(set(filters)) > 1 else ""
        return tuple(textwrap.wrap(where + as_words(filters[-1]), _COMMENT_WIDTH, break_long_words=False))

    def _is_on(self, name: str, kernel: Kernel) -> bool:
        return self._record.look(name, kernel).presence is Presence.PRESENT

    def _variants(self, kfunc: Kfunc) -> list[Variant]:
        """Return the prototypes that *kfunc* has on any of the kernels."""
        return [
            variant
            for variant in variants(kfunc, self._record.snapshot.calendar, self._record.snapshot.last)
            if any(kernel.release is not None and variant.holds(kernel.release) for kernel in self._kernels)
        ]

    def _flavour(self, variant: Variant, count: int) -> _Flavour:
        having = [kernel for kernel in self._kernels if kernel.release is not None and variant.holds(kernel.release)]
        return _Flavour(variant.declared_as(variant.flavour), in_words(having, self._kernels) if count > 1 else "")

    def _warning(self, name: str, *, has_variants: bool) -> str:
        """Return the compiler's warning for the kfunc; empty if no end and no change is known."""
        lifecycles = [
            self._record.snapshot.lifecycle_at(name, kernel.release) for kernel in self._kernels if kernel.release
        ]
        known = (state for state in reversed(lifecycles) if state and state.stability is not Stability.NOT_YET)
        last = next(known, None)
        if last is None:
            return ""
        first = self._kernels[0].release
        reasons = []
        if last.removed is not None:
            reasons.append(f"gone from {last.removed.by}")
        elif last.stability is Stability.DEPRECATED:
            reasons.append(announcement_in_words(last))
        elif has_variants:
            reasons.append("its prototype differs between these kernels")
        if last.avoid_before and first is not None and first < last.avoid_before:
            reasons.append(f"not to be called before {last.avoid_before}")
        if not reasons:
            return ""
        flavours = [variant.flavour for variant in self._variants(self._kfunc(name))]
        if len(flavours) > 1:
            reasons.append(f"by prototype: {' and '.join(flavours)}")
        else:
            advice = self._adviser.about(name)
            reasons += [advice.words] if advice else []
            reasons.append(f"in a guard: {flavours[0]}")
        return _c_string("; ".join(reasons))

    def _kfunc(self, name: str) -> Kfunc:
        declared = self._record.snapshot.find(name)
        assert declared is not None  # its warning is asked for
        return declared[1].kfunc


def _with_address_space(kfunc: Kfunc, prototype: str) -> str:
    """Return *prototype* with ``__arena`` at its pointers into an arena, as programs write it."""
    parsed, pointers = parse_prototype(prototype), arena_pointers(kfunc)
    parts = [parsed.returns, *parsed.parameters]
    marked = [
        re.sub(r"\*(?!.*\*)", "__arena *", part) if number in pointers and "__arena *" not in part else part
        for number, part in enumerate(parts)
    ]
    return str(dataclasses.replace(parsed, returns=marked[0], parameters=tuple(marked[1:])))


def _has_unknown_type(prototype: str) -> bool:
    """Whether *prototype* has a typedef that is no integer: only ``vmlinux.h`` of a kernel defines it."""

    def unknown(shape: object) -> bool:
        return any(map(unknown, shape)) if isinstance(shape, tuple) else shape is None

    return unknown(shape_of(prototype.replace("__arena *", "*")))


def _c_string(text: str) -> str:
    """Return *text* as it is written between the quotes of a string in C."""
    return text.replace("\\", "\\\\").replace('"', '\\"')
