# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Observations: the facts about a kernel that a scan finds, and the file that keeps them.

A scanner (see :mod:`kfuncdoc.scan`) makes an :class:`Observation` of a source tree or of a built kernel;
``verify`` compares declarations with it and ``update`` brings them up to it::

    source tree, vmlinux, modules, BTF --scan--> Observation --compare--> verify, update
                                                  |       ^
                                                  v       |
                                              JSON, one line a kfunc

A fact that the scanned files do not tell is None, and nothing is concluded from that.  This module does not need the
libraries that scanning needs, so that a saved observation can be compared without them.
"""

from __future__ import annotations

import dataclasses
import json
import re
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import Any, FrozenSet, Literal, Mapping, Optional

from kfuncdoc.base import json_schema as json_schemas
from kfuncdoc.base.json_schema import Schema
from kfuncdoc.bpf.conditions import CoreOutcome
from kfuncdoc.bpf.shape import Shape

#: The version of the JSON.
FORMAT: Literal[1] = 1

_KERNEL = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?")


class Kind(Enum):
    """What was scanned.  It decides what it means that a kfunc is missing."""

    #: A source tree: it has every kfunc that is registered anywhere.
    TREE = "tree"
    #: A built kernel: it lacks what its configuration left out.
    IMAGE = "image"


class ObservationUnusable(ValueError):
    """The file is no observation, or its format has another version."""


@dataclass(frozen=True)
class Registration:
    """A set of kfuncs that has a kfunc, and the program types that the set is registered for."""

    #: The variable of the set (``BTF_KFUNCS_START(set)``); None if an image has no symbols.
    set: Optional[str] = None
    #: The ``KF_*`` flags of the entry, in the order of their bits.
    flags: tuple[str, ...] = ()
    #: The arguments of ``register_btf_kfunc_id_set()``, in the order of the calls; None if they are not known,
    #: as for an image.
    program_types: Optional[tuple[str, ...]] = None
    #: The filter function, which refuses some calls.
    filter: Optional[str] = None
    #: The struct_ops that the filter allows, if it names them.
    struct_ops: tuple[str, ...] = ()


@dataclass(frozen=True)
class ObservedKfunc:
    """One kfunc as a kernel has it."""

    name: str
    #: The prototype as BPF programs call it: without implicit arguments, without annotations of the C source.
    prototype: Optional[str] = None
    #: Empty if the sets are not known, as for BTF alone.
    registrations: tuple[Registration, ...] = ()
    #: The file of the definition, from the top of the source tree, and its line.
    source: Optional[str] = None
    line: Optional[int] = None
    #: A Kconfig expression without ``CONFIG_``; empty if every kernel with BPF has the kfunc.
    depends_on: Optional[str] = None
    #: Its module; empty if it is built into the kernel.
    module: Optional[str] = None
    #: Whether it has a kernel-doc comment.
    documented: Optional[bool] = None
    #: The BPF programs of the tree that call it (``tools/sched_ext``, ``samples``).
    callers: tuple[str, ...] = ()

    @property
    def flags(self) -> Optional[tuple[str, ...]]:
        """The flags of its sets, if they differ those of most program types; None if unknown."""
        counts: dict[tuple[str, ...], int] = {}
        for registration in self.registrations:
            # A set without registrations, or with unknown ones, still has a little weight.
            weight = 1 + len(registration.program_types or ())
            counts[registration.flags] = counts.get(registration.flags, 0) + weight
        return max(counts, key=lambda flags: counts[flags]) if counts else None

    @property
    def flags_for(self) -> Optional[dict[str, tuple[str, ...]]]:
        """The other flags that it has for some program types; None if registrations are not known."""
        if self.program_types is None:
            return None
        return {
            program_type: registration.flags
            for registration in self.registrations
            for program_type in registration.program_types or ()
            if registration.flags != self.flags
        }

    @property
    def program_types(self) -> Optional[tuple[str, ...]]:
        """The program types that its sets are registered for, all together; None if they are not known."""
        known = [registration.program_types for registration in self.registrations]
        if not known or None in known:
            return None
        return tuple(dict.fromkeys(program_type for types in known for program_type in types or ()))


@dataclass(frozen=True)
class Remark:
    """A comment in the source that announces an end, or something that a scanner could not read or understand."""

    file: str
    line: int
    text: str
    #: The kfunc that it is about, if it is beside one.
    kfunc: Optional[str] = None


@dataclass(frozen=True)
class Observation:
    """The result of one scan."""

    kind: Kind
    #: The version of the kernel, as in ``7.3.4``; None if the source does not tell.
    kernel: Optional[str] = None
    kfuncs: tuple[ObservedKfunc, ...] = ()
    #: The hook of each program type in ``bpf_prog_type_to_kfunc_hook()``; only for a source tree.
    hooks: Mapping[str, str] = field(default_factory=dict)
    #: Comments that announce a removal; only for a source tree.
    announcements: tuple[Remark, ...] = ()
    #: What the scanner could not read or understand: an unknown macro, a kfunc without a definition.
    remarks: tuple[Remark, ...] = ()
    #: The version of the file format.
    format: Literal[1] = FORMAT

    @cached_property
    def by_name(self) -> Mapping[str, ObservedKfunc]:
        return {kfunc.name: kfunc for kfunc in self.kfuncs}

    @property
    def release(self) -> Optional[str]:
        """The mainline release that the kernel belongs to: ``v7.3`` of ``7.3.4+deb13``."""
        return release_of(self.kernel)

    @property
    def point(self) -> int:
        """The number of the stable release: 4 for ``7.3.4``, 0 for ``7.3`` and for an unknown version."""
        match = _KERNEL.match(self.kernel or "")
        return int(match[3] or 0) if match else 0


@dataclass(frozen=True)
class KernelFunctions:
    """The functions of a built kernel.  libbpf looks among them for the kfuncs of a program."""

    #: The version of the kernel, as in ``7.3.4``; None if the image does not tell.
    kernel: Optional[str]
    #: The prototypes of the functions by name; None for a prototype that C cannot express.
    prototypes: Mapping[str, Optional[str]]
    #: Whether modules were scanned, too.
    with_modules: bool
    #: The shapes of the prototypes, as far as they are known exactly.
    shapes: Mapping[str, Shape] = field(default_factory=dict)
    #: The functions that are not kfuncs: libbpf finds them, but the verifier refuses every call of them.
    no_kfuncs: FrozenSet[str] = frozenset()
    #: The functions for which the kernel does not tell whether they are kfuncs.
    doubtful: FrozenSet[str] = frozenset()
    #: The kfuncs with KF_IMPLICIT_ARGS that have the implicit argument in BTF, and no twin ``NAME_impl``, which has it
    #: instead where the kernel was built right.  BTF alone does not tell flags: there, all functions with such an
    #: argument count.
    without_twin: FrozenSet[str] = frozenset()
    #: The modules of the functions that are not in the kernel itself.
    modules: Mapping[str, str] = field(default_factory=dict)
    #: What libbpf answers the questions of programs about types of the kernel.
    outcomes: Mapping[CoreOutcome, bool] = field(default_factory=dict)
    #: The questions about types that are not in the kernel itself; a module may have them.
    lacking: FrozenSet[CoreOutcome] = frozenset()

    @property
    def release(self) -> Optional[str]:
        """The mainline release that the kernel belongs to."""
        return release_of(self.kernel)


def release_of(kernel: Optional[str]) -> Optional[str]:
    """Return the mainline release of a version: ``v7.3`` of ``7.3.4+deb13``."""
    match = _KERNEL.match(kernel or "")
    return f"v{match[1]}.{match[2]}" if match else None


# -- text for people


def as_text(observation: Observation) -> str:
    """Return *observation* for a terminal: each kfunc with its prototype, flags and places."""
    blocks = [_block(kfunc) for kfunc in observation.kfuncs]
    kernel = f"Linux {observation.kernel}" if observation.kernel else "a kernel that does not tell its version"
    what = "source tree" if observation.kind is Kind.TREE else "built"
    announced = [
        f"{remark.file}:{remark.line}: {remark.kfunc or 'announced'}: {remark.text}"
        for remark in observation.announcements
    ]
    blocks += ["\n".join(["Announced in comments:", *announced])] if announced else []
    return "\n\n".join([*blocks, f"{len(observation.kfuncs)} kfuncs in {kernel}, {what}"]) + "\n"


def _block(kfunc: ObservedKfunc) -> str:
    sets = [
        (registration.set or "a set", ", ".join(registration.flags) or "no flags", registration)
        for registration in kfunc.registrations
    ]
    lines = [f"{kfunc.prototype};" if kfunc.prototype else kfunc.name]
    for name, flags, registration in sets:
        types = ", ".join(registration.program_types or ())
        narrowed = f"; filter {registration.filter}" if registration.filter else ""
        lines.append(f"    {name}: {flags}{': ' + types if types else ''}{narrowed}")
    place = f"{kfunc.source}:{kfunc.line}" if kfunc.source and kfunc.line else kfunc.source
    where = [place, f"module {kfunc.module}" if kfunc.module else "", kfunc.depends_on]
    if any(where):
        lines.append(f"    {'; '.join(filter(None, where))}")
    lines += (f"    called by {caller}" for caller in kfunc.callers)
    return "\n".join(lines)


# -- the file


def as_json(observation: Observation, *, compact: bool = False) -> str:
    """Return *observation* as JSON, with one line for each kfunc so that people can read a diff.

    :func:`json_schema` describes it.

    *compact* leaves out facts that are not compared with declarations: lines, callers, remarks.
    """
    head: dict[str, Any] = {
        "format": observation.format,
        "kind": observation.kind.value,
        "kernel": observation.kernel,
        "hooks": dict(observation.hooks),
    }
    if not compact:
        head["announcements"] = [_as_mapping(remark) for remark in observation.announcements]
        head["remarks"] = [_as_mapping(remark) for remark in observation.remarks]
    left_out = {"line", "callers", "documented"} if compact else set()
    lines = [
        json.dumps({key: value for key, value in _as_mapping(kfunc).items() if key not in left_out}, sort_keys=False)
        for kfunc in observation.kfuncs
    ]
    opening = json.dumps(head)[:-1]
    return f'{opening}, "kfuncs": [\n' + ",\n".join(lines) + "\n]}\n"


def json_schema() -> Schema:
    """Return the JSON Schema of what :func:`as_json` writes, compact or not."""
    registration = json_schemas.record(
        "One set.",
        {
            "set": json_schemas.text("The variable of the set; left out where an image has no symbols."),
            "flags": json_schemas.texts("The KF_ flags of the entry; left out where there are none."),
            "program_types": json_schemas.texts("What the set is registered for; left out where it cannot be told."),
            "filter": json_schemas.text("The function that narrows the registration; left out where there is none."),
            "struct_ops": json_schemas.texts("The struct_ops that the filter lets through; left out without any."),
        },
        optional=("set", "flags", "program_types", "filter", "struct_ops"),
    )
    kfunc = {
        "name": json_schemas.text("Its name."),
        "prototype": json_schemas.text("As BPF programs call it; left out where it cannot be told."),
        "registrations": json_schemas.array("The sets that it is in; left out where nothing is known.", registration),
        "source": json_schemas.text("The file that defines it, from the top of the source tree; of a tree alone."),
        "line": json_schemas.number("The line of the definition, counted from 1; of a tree alone, not compact."),
        "depends_on": json_schemas.text("A Kconfig expression without CONFIG_; empty where BPF alone is needed."),
        "module": json_schemas.text("The module that it lives in; empty where it is part of the kernel proper."),
        "documented": json_schemas.flag("Whether kernel-doc describes it; of a tree alone, not compact."),
        "callers": json_schemas.texts("The BPF programs of the tree that call it; left out without any, and compact."),
    }
    remark = json_schemas.record(
        "One of them.",
        {
            "file": json_schemas.text("The file, from the top of the source tree."),
            "line": json_schemas.number("The line, counted from 1."),
            "text": json_schemas.text("What it says."),
            "kfunc": json_schemas.text("The kfunc that it is about; left out where it stands beside none."),
        },
        optional=("kfunc",),
    )
    return json_schemas.document(
        "Observation",
        "What `kfuncdoc scan --format json` prints, and `verify` and `update` read.",
        FORMAT,
        {
            "kind": json_schemas.choice(
                "What was scanned: a source tree, or a built kernel.", [kind.value for kind in Kind]
            ),
            "kernel": json_schemas.nullable(json_schemas.text("The version, as in 7.3.4; null where it is not told.")),
            "hooks": json_schemas.mapping(
                "The hook of each program type, as bpf_prog_type_to_kfunc_hook() has it; of a tree alone.",
                {"type": "string"},
            ),
            "announcements": json_schemas.array("Comments that announce a removal; not compact.", remark),
            "remarks": json_schemas.array("What the scanner could not make out; not compact.", remark),
            "kfuncs": json_schemas.array(
                "The kfuncs.", json_schemas.record("One kfunc.", kfunc, optional=kfunc.keys() - {"name"})
            ),
        },
        optional=("announcements", "remarks"),
    )


def _as_mapping(record: Any) -> dict[str, Any]:
    """Return the fields of *record* that differ from their defaults; a missing field is not known."""
    mapping = {}
    for described in dataclasses.fields(record):
        value = getattr(record, described.name)
        if value == described.default and described.name != "name":
            continue
        if described.name == "registrations":
            value = [_as_mapping(registration) for registration in value]
        mapping[described.name] = value
    return mapping


def from_json(text: str) -> Observation:
    """Read what :func:`as_json` wrote; raises :exc:`ObservationUnusable`."""
    # It is imported here because making the validator takes longer than the scan of a vmlinux, which does not need it.
    from pydantic import TypeAdapter, ValidationError

    try:
        # The validator makes the dataclasses above, and refuses a value of another form.
        return TypeAdapter(Observation).validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(key) for key in first["loc"])
        raise ObservationUnusable(f"this is no observation of a kernel: {place}: {first['msg']}") from None
