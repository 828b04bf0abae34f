# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The fields in which a declaration and a kernel differ.

The facts of a declaration at one release (``lifecycle.facts_at``) are compared with the result of a scan.  Only
what the scan can tell is compared: a built kernel has no registrations, and its configuration may have left a
kfunc out.  ``verify`` makes findings of the differences, ``update`` makes events.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Iterator, Mapping, Optional

from kfuncdoc.bpf.prototype import PrototypeError, as_callers_see
from kfuncdoc.kernels.observation import Kind, Observation, ObservedKfunc
from kfuncdoc.record.catalog import Catalog, SubsystemFile
from kfuncdoc.record.lifecycle import Facts
from kfuncdoc.record.model import Kfunc


@dataclass(frozen=True)
class FieldDifference:
    """One field in which a declaration and a kernel differ."""

    #: The name of the field in a declaration.
    field: str
    declared: Any
    observed: Any
    #: Whether a caller can notice it: nobody notices another parameter name, a ``const``, or a moved file.
    visible: bool = True
    #: Whether *observed* is a value of the field: of a filter, a kernel tells only a part.
    is_whole: bool = True


def differences(facts: Facts, observed: ObservedKfunc, kind: Kind) -> Iterator[FieldDifference]:
    """Yield the fields in which *facts*, those at the release of the kernel, differ from *observed*."""
    if observed.prototype is not None and facts.prototype != observed.prototype:
        visible = not same_to_callers(facts.prototype, observed.prototype)
        # The prototype of a built kernel is made from types: its spelling is not that of the source.
        if visible or kind is Kind.TREE:
            yield FieldDifference("prototype", facts.prototype, observed.prototype, visible)
    yield from _flags(facts, observed)
    types = observed.program_types
    if types is not None and set(types) != set(facts.program_types):
        yield FieldDifference("program_types", facts.program_types, types)
    yield from _allowed(facts, observed)
    if observed.source is not None and facts.source != observed.source:
        yield FieldDifference("source", facts.source, observed.source, visible=False)
    yield from _module(facts, observed, kind)
    if observed.depends_on is not None and conjuncts(facts.depends_on or "") != conjuncts(observed.depends_on):
        yield FieldDifference("depends_on", facts.depends_on, observed.depends_on or None)


def same_to_callers(one: str, other: str) -> bool:
    """Whether two prototypes are the same to whoever calls them."""
    try:
        return as_callers_see(one) == as_callers_see(other)
    except PrototypeError:
        return one == other


def _flags(facts: Facts, observed: ObservedKfunc) -> Iterator[FieldDifference]:
    """Compare the flags of each program type where they are known, else the set of all lists of flags."""
    if observed.flags is None:
        return
    if observed.flags_for is None:
        declared = {frozenset(facts.flags), *map(frozenset, facts.flags_for.values())}
        if declared != {frozenset(registration.flags) for registration in observed.registrations}:
            yield FieldDifference("flags", facts.flags, observed.flags)
        return
    types = set(observed.program_types or ()) | set(facts.program_types)
    if _by_type(facts.flags, facts.flags_for, types) == _by_type(observed.flags, observed.flags_for, types):
        return
    if set(facts.flags) != set(observed.flags):
        yield FieldDifference("flags", facts.flags, observed.flags)
    if _as_sets(facts.flags_for) != _as_sets(observed.flags_for):
        yield FieldDifference("flags_for", facts.flags_for, observed.flags_for)


def _by_type(
    flags: tuple[str, ...], flags_for: Mapping[str, tuple[str, ...]], types: set[str]
) -> dict[str, frozenset[str]]:
    return {program_type: frozenset(flags_for.get(program_type, flags)) for program_type in types}


def _as_sets(flags_for: Mapping[str, tuple[str, ...]]) -> dict[str, frozenset[str]]:
    return {program_type: frozenset(flags) for program_type, flags in flags_for.items()}


def _allowed(facts: Facts, observed: ObservedKfunc) -> Iterator[FieldDifference]:
    """Compare the structures of callbacks that a filter names; if it names none, whether there is a filter."""
    structures = {name for registration in observed.registrations for name in registration.struct_ops}
    filters = {registration.filter for registration in observed.registrations if registration.filter}
    if structures and facts.allowed != () and structures != set(facts.struct_ops):
        yield FieldDifference("allowed", facts.struct_ops, tuple(sorted(structures)), is_whole=False)
    elif filters and facts.allowed is None and facts.filter is None:
        yield FieldDifference("allowed", None, tuple(sorted(filters)), is_whole=False)


def _module(facts: Facts, observed: ObservedKfunc, kind: Kind) -> Iterator[FieldDifference]:
    if observed.module is None or observed.module == (facts.module or ""):
        return
    # A kernel may have built in what can be a module.
    if kind is Kind.IMAGE and not observed.module:
        return
    yield FieldDifference("module", facts.module, observed.module or None)


def conjuncts(expression: str) -> frozenset[str]:
    """Return the conditions of a Kconfig expression that must all hold, whatever their order."""
    parts, depth, start = [], 0, 0
    for match in re.finditer(r"[()]|&&", expression):
        depth += {"(": 1, ")": -1}.get(match[0], 0)
        if match[0] == "&&" and depth == 0:
            parts.append(expression[start : match.start()])
            start = match.end()
    parts.append(expression[start:])
    return frozenset("".join(part.split()) for part in parts if part.strip())


def is_backported(kfunc: Kfunc, observation: Observation) -> bool:
    """Whether the kernel is a stable one that has a later change of *kfunc*, by the backports of the declaration."""
    series, point = observation.release, observation.point
    versions = [backport.kernel.rpartition(".") for backport in kfunc.backports]
    return any(version == series and int(number) <= point for version, _, number in versions)


# -- where a kfunc belongs


def home_of(catalog: Catalog, observed: ObservedKfunc) -> Optional[SubsystemFile]:
    """Return the file for the declaration of a kfunc that has none; None where no file is near.

    A file is near if a name in it begins with the same words, or a kfunc in it comes from the same source file.
    Names count first, because a source file such as ``kernel/bpf/helpers.c`` has kfuncs of many subsystems.
    """
    best: tuple[tuple[int, int], Optional[SubsystemFile]] = ((0, 0), None)
    for subsystem in catalog.subsystems:
        declared = [declaration.kfunc for declaration in subsystem.declarations]
        nearest = max((_shared_words(kfunc.name, observed.name) for kfunc in declared), default=0)
        together = sum(kfunc.source is not None and kfunc.source == observed.source for kfunc in declared)
        best = max(best, ((nearest, together), subsystem), key=lambda candidate: candidate[0])
    return best[1]


def _shared_words(one: str, other: str) -> int:
    """Return the number of words with which both names begin, not counting a ``bpf`` at the beginning."""
    count = 0
    for left, right in zip(_name_words(one), _name_words(other)):
        if left != right:
            break
        count += 1
    return count


def _name_words(name: str) -> list[str]:
    words = [word for word in name.split("_") if word]
    return words[1:] if words[:1] == ["bpf"] else words
