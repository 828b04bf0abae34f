# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""CO-RE relocations that ask whether a kernel has a type, a member or an enumerator.

::

    a relocation of an object, its BTF --asked_by--> CoreOutcome --outcome(BTF of a kernel)--> yes, no, None

libbpf decides it in ``bpf_core_calc_relo_insn()`` of ``tools/lib/bpf/relo_core.c``; what is not decided here in the
same way is not decided at all.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Optional

from kfuncdoc.bpf.conditions import CoreOutcome
from kfuncdoc.bpf.objects import essential_name
from kfuncdoc.scan.binary.btf import (
    ARRAY,
    ENUM,
    ENUM64,
    FLOAT,
    FWD,
    INT,
    PTR,
    STRUCT,
    TYPEDEF,
    UNION,
    Btf,
)

#: The questions by the numbers of ``enum bpf_core_relo_kind``.
_QUESTIONS = {2: "field_exists", 8: "type_exists", 10: "enum_value_exists", 12: "type_matches"}
#: The words for kinds of types; two kinds with the same word fit each other (``btf_kind_core_compat()``).
_WORDS = {STRUCT: "struct", UNION: "union", ENUM: "enum", ENUM64: "enum", TYPEDEF: "typedef", FWD: "forward"}
_WORDS_OF_FIELDS = {**_WORDS, INT: "int", PTR: "pointer", FLOAT: "float"}
_COMPOSITE = (STRUCT, UNION)
#: The kinds behind a typedef that libbpf compares without looking further.
_SHALLOW = frozenset({"struct", "union", "enum", "int"})
_DEEPEST = 32


def asked_by(btf: Btf, kind: int, number: int, access: str) -> Optional[CoreOutcome]:
    """Return what a relocation of *kind* for the type *number* of an object asks, with its string of *access*.

    Returns None for another kind of relocation, and for a question whose answer depends on more than is known here.
    """
    question = _QUESTIONS.get(kind)
    keyword = _WORDS.get(btf.kind(number))
    name = essential_name(btf.name(number)) if keyword else ""
    if question is None or keyword is None or not name:
        return None
    path: Optional[tuple[str, ...]] = ()
    if question == "field_exists":
        path = _fields(btf, number, access)
    elif question == "enum_value_exists":
        path = _enumerator(btf, number, access)
    elif keyword == "typedef":
        behind = _WORDS_OF_FIELDS.get(btf.kind(btf.resolved(number)), "")
        path = (behind,) if behind in _SHALLOW else None
    return None if path is None else CoreOutcome(question, keyword, name, path)


def _enumerator(btf: Btf, number: int, access: str) -> Optional[tuple[str, ...]]:
    names = list(btf.enumerators(btf.resolved(number)))
    if not access.isascii() or not access.isdigit() or int(access) >= len(names):
        return None
    return (essential_name(names[int(access)]),)


def _fields(btf: Btf, number: int, access: str) -> Optional[tuple[str, ...]]:
    """Return the names of the members in *access*, each with the kind of its type; None for other accesses."""
    steps = access.split(":")
    if not all(step.isascii() and step.isdigit() for step in steps) or int(steps[0]) or len(steps) < 2:
        return None
    path = []
    for step in steps[1:]:
        number = btf.resolved(number)
        if btf.kind(number) not in _COMPOSITE:
            return None  # an element of an array
        members = list(btf.typed_members(number))
        if int(step) >= len(members):
            return None
        name, number = members[int(step)]
        if name:
            path.append(f"{name} ({_field_type(btf, number)})")
    # If the last member has no name, the kernel cannot be searched for it.
    return tuple(path) if path and name else None


def _field_type(btf: Btf, number: int) -> str:
    """Return what libbpf compares of the type *number* of a member (``bpf_core_fields_are_compat()``)."""
    prefix = ""
    for _ in range(_DEEPEST):
        number = btf.resolved(number)
        kind = btf.kind(number)
        if kind != ARRAY:
            break
        prefix += "array of "
        number = btf.element(number)
    if kind in _COMPOSITE:
        return f"{prefix}composite"
    word = _WORDS_OF_FIELDS.get(kind, "other")
    return (
        f"{prefix}{word} {essential_name(btf.name(number))}".rstrip() if word in ("enum", "forward") else prefix + word
    )


def outcome(btf: Btf, asked: CoreOutcome) -> Optional[bool]:
    """Return what libbpf answers on a kernel whose types are in *btf*.

    Returns None if the type itself is not there, or if libbpf would match whole types.
    """
    candidates = list(_candidates(btf, asked))
    if not candidates:
        return None
    if asked.question == "type_exists":
        return asked.keyword != "typedef" or any(
            _WORDS_OF_FIELDS.get(btf.kind(btf.resolved(number))) == asked.path[0] for number in candidates
        )
    if asked.question == "enum_value_exists":
        return any(
            essential_name(name) == asked.path[0]
            for number in candidates
            for name in btf.enumerators(btf.resolved(number))
        )
    if asked.question == "field_exists":
        return any(_has_fields(btf, number, asked.path) for number in candidates)
    return None


def has_candidate(btf: Btf, asked: CoreOutcome) -> bool:
    """Whether *btf* has a type of the name that is *asked* for; the types of a base BTF do not count."""
    return any(True for _ in _candidates(btf, asked))


def _candidates(btf: Btf, asked: CoreOutcome) -> Iterator[int]:
    for number in btf.named(asked.name):
        if _WORDS.get(btf.kind(number)) == asked.keyword:
            yield number


def _has_fields(btf: Btf, number: int, path: tuple[str, ...]) -> bool:
    for step in path:
        name, _, expected = step[:-1].partition(" (")
        member = _member(btf, number, name, _DEEPEST)
        if member is None or not _fits(expected, _field_type(btf, member)):
            return False
        number = member
    return True


def _member(btf: Btf, number: int, name: str, depth: int) -> Optional[int]:
    """Return the type of the member *name* of a structure, or of an unnamed structure in it; None if it has none."""
    number = btf.resolved(number)
    if btf.kind(number) not in _COMPOSITE or not depth:
        return None
    for own_name, member in btf.typed_members(number):
        if own_name == name:
            return member
        inner = _member(btf, member, name, depth - 1) if not own_name else None
        if inner is not None:
            return inner
    return None


def _fits(expected: str, seen: str) -> bool:
    """Whether libbpf takes the two types of members for compatible; an enumeration without a name fits any other."""
    if expected == seen:
        return seen != "other"
    enums = expected.partition("enum"), seen.partition("enum")
    return enums[0][:2] == enums[1][:2] and enums[0][1] == "enum" and not (enums[0][2] and enums[1][2])
